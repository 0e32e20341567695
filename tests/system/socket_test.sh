#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Kernel sockets on loopback, no root: what a newcomer with a laptop does. If this failed,
# `softflowd -n 127.0.0.1:2055` would not become charges, an access server would be told "durable"
# of what a crash loses, or a second engine could write into the same journal.
set -u
. "$2/tests/system/lib_live.sh"
live_begin socket "$@"
live_need softflowd softflowd
live_need radclient freeradius-utils
live_need logger bsdutils

read -r flow radius syslog <<<"$(live_free_ports 3)"
live_carrier "$flow" "$radius" "$syslog"
live_port flows socket "127.0.0.1:$flow"
live_port accounting socket "127.0.0.1:$radius"
live_port logs socket "127.0.0.1:$syslog"

now=$(date +%s)
octets=$("$LIVE_PYTHON" "$TOOL" pcap "$LIVE/small.pcap" 200 $((now - 60)))
live_start || exit 1

# Who holds the addresses, told by a real client that checks our answers.
for i in $(seq 40); do
    live_radclient "127.0.0.1:$radius" start "$i" $((now - 300)) || fail "radclient start $i"
done
expect "addresses held" "$(live_status sessions)" -eq 40

total=0
for version in 5 9 10; do
    timeout 20 softflowd -r "$LIVE/small.pcap" -n "127.0.0.1:$flow" -v "$version" -d \
        -p "$LIVE/sf.pid" -c none >>"$LIVE/softflowd.log" 2>&1 || fail "softflowd -v $version"
    total=$((total + 200))
    live_wait rows.rated ge "$total" || fail "softflowd -v $version: rows are missing"
done
logger --rfc5424 -n 127.0.0.1 -P "$syslog" -d -p local4.err -t bgpd 'neighbour is down' ||
    fail "logger"
live_wait observations ge 1 || fail "no observation of logger's message"

# A second engine on the same folder is refused and says who holds it.
code=0
"$TOLLGATE" run --no-fronts "$LIVE/tollgate.yaml" >"$LIVE/second.log" 2>&1 || code=$?
expect "exit code of a second engine" "$code" -eq 1
grep -q "$LIVE_ENGINE" "$LIVE/second.log" || fail "pid not named: $(cat "$LIVE/second.log")"

live_stop
live_audit
expect "rated rows" "$(live_audited rows.rated)" -eq 600
expect "rated octets" "$(live_audited units.rated)" -eq $((octets * 3))

# It goes on where it was: sessions and duplicates are remembered over a stop.
live_start || exit 1
expect "addresses held after a restart" "$(live_status sessions)" -eq 40
"$LIVE_PYTHON" "$TOOL" flows "127.0.0.1:$flow" count=300 from=$((now - 50)) >/dev/null
live_wait rows.rated ge 900 || fail "rows after the restart"

# The answer is a promise: the moment radclient has it, power may fail.
for i in 1 2 3; do
    live_radclient "127.0.0.1:$radius" interim "$i" "$now" 5000 || fail "radclient interim $i"
done
live_signal KILL
live_audit
expect "rated rows after SIGKILL" "$(live_audited rows.rated)" -eq 903
live_start || exit 1
live_radclient "127.0.0.1:$radius" interim 1 "$now" 5000 || fail "a repeated interim"
live_wait rows.duplicate ge 1 || fail "the repeated interim is no duplicate"
live_stop
live_audit
expect "rated rows after recovery" "$(live_audited rows.rated)" -eq 903
live_done
