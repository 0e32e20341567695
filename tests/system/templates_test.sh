#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Exporters send templates every few minutes, data all the time. If this failed, each restart of the
# engine would leave minutes of usage unreadable, or data that waits for its template would be
# forgotten.
set -u
. "$2/tests/system/lib_live.sh"
live_begin templates "$@"
read -r flow radius syslog <<<"$(live_free_ports 3)"
live_carrier "$flow" "$radius" "$syslog"
live_port flows socket "127.0.0.1:$flow"
live_port accounting socket "127.0.0.1:$radius"
began=$(($(date +%s) - 600))

data() { # DOMAIN COUNT NONCE TEMPLATE(yes|no|only) SEQUENCE
    "$LIVE_PYTHON" "$TOOL" flows "127.0.0.1:$flow" from=$began span=10 octets=1000 domain="$1" \
        count="$2" nonce="$3" template="$4" sequence="$5" >"$LIVE/sent"
}

live_start --no-fronts || exit 1
"$LIVE_PYTHON" "$TOOL" sessions "127.0.0.1:$radius" "$LIVE_SECRET" 40 $((began - 60)) ||
    fail "sessions"
total=0
domain=1
for signal in TERM KILL TERM KILL; do
    # The template must be durable before the engine dies; nothing else says that it is.
    inputs=$(live_status inputs)
    data $domain 0 0 only 0
    live_wait inputs ge $((inputs + 1)) || fail "the template of domain $domain"
    # Data whose template never came, of another domain: parked, kept over the restart.
    data $((domain + 100)) 60 $((domain * 1000)) no 1
    live_wait parked ge 1 || fail "data of domain $((domain + 100)) is not parked"
    sleep 0.3
    live_signal $signal
    [ $signal = KILL ] || expect "exit code after SIGTERM" "$LIVE_CODE" -eq 0
    live_audit
    held=$(live_audited rows.held)
    [ "$held" -ge 1 ] || fail "nothing is held"
    live_start --no-fronts || exit 1
    data $domain 90 $((domain * 1000 + 500)) no 1
    total=$((total + 90))
    live_wait rows.rated ge $total || fail "SIG$signal: data of domain $domain is not read"
    expect "parked after SIG$signal and data" "$(live_status parked)" -eq 0
    # Now the template of the parked data: it was sent before the engine died.
    data $((domain + 100)) 0 0 only 0
    total=$((total + 60))
    live_wait rows.rated ge $total || fail "SIG$signal: what was parked is not released"
    domain=$((domain + 1))
done
live_stop
live_audit
expect "rated rows" "$(live_audited rows.rated)" -eq $total
expect "rated octets" "$(live_audited units.rated)" -eq $((total * 1000))
expect "rows held at the end" "$(live_audited rows.held)" -eq 0
live_done
