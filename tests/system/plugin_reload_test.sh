#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A tariff's code is exchanged while rows flow, crashes and loops on one record, and comes back. If
# this failed, a pricing mistake would mean a restart in the busy hour, and a customer's odd record
# would stop everybody's billing or lose rows.
set -u
. "$2/tests/system/lib_live.sh"
live_begin reload "$@"
umask 022
read -r flow radius syslog <<<"$(live_free_ports 3)"
live_carrier "$flow" "$radius" "$syslog" "plugins: [\"$LIVE/factor.so\"]"
live_port flows socket "127.0.0.1:$flow"
live_port accounting socket "127.0.0.1:$radius"

compile() { # DEFINES... : put a new file in the place of the old one, as an installation does
    "${CC:-cc}" -std=gnu17 -O1 -Wall -Werror -fPIC -shared -fvisibility=hidden -DTG_PLUGIN_SHARED \
        "$@" -I"$SOURCES/engine" "$SOURCES/tests/system/plugin/factor.c" -o "$LIVE/next.so" &&
        mv "$LIVE/next.so" "$LIVE/factor.so" || exit 1
}
keep() { cp "$LIVE/factor.so" "$LIVE/$1.so"; }
reload() { "$TOLLGATE" plugin reload factor --data "$DATA" >"$LIVE/reload" 2>&1; }
fault() { "$TOLLGATE" plugin list --data "$DATA" --json >"$LIVE/list" &&
    grep -o '"name":"factor"[^}]*' "$LIVE/list"; }

sed -i 's/megabyte: {unit: kilobyte, price: "0.10", per: 1000}/megabyte: {tariff: factor, unit: octet, price: "1"}/' \
    "$LIVE/catalog/catalog.yaml"
day=2026-10-05
began=$(date -d "$day 10:00:00 UTC" +%s)
compile -DFACTOR=1
keep one
live_start --no-fronts || exit 1
"$LIVE_PYTHON" "$TOOL" sessions "127.0.0.1:$radius" "$LIVE_SECRET" 40 $((began - 60)) ||
    fail "sessions"

sent=0
datagrams=0
send() { # ROWS RATE OCTETS : 30 records a datagram
    "$LIVE_PYTHON" "$TOOL" flows "127.0.0.1:$flow" count="$1" rate="$2" from=$((began + sent / 20)) \
        span=600 octets="$3" nonce="$sent" sequence="$datagrams" >"$LIVE/sent" || fail "sender"
    cat "$LIVE/sent" >>"$LIVE/sent.log"
}
sent_add() { # ROWS
    sent=$((sent + $1))
    datagrams=$((datagrams + ($1 + 29) / 30))
}
rated_is() { # ROWS
    live_wait rows.rated ge "$1" || fail "rows are missing: $(live_ask '{"command":"status"}')"
}

# Before, during, after: each row is priced once, by the old code or the new, and no old behind a new.
send 3000 10000 1000
sent_add 3000
rated_is 3000
live_background send 24000 12000 1000
load=$LIVE_PID
sleep 0.7
compile -DFACTOR=2
keep two
reload || fail "reload: $(cat "$LIVE/reload")"
grep -q '^factor: version 2.0, hash [0-9a-f]\{16\}' "$LIVE/reload" || fail "told: $(cat "$LIVE/reload")"
wait "$load" || fail "sender"
sent_add 24000
send 3000 10000 1000
sent_add 3000
rated_is 30000

# Refused: the old code goes on, and the reason is told.
compile -DFACTOR=3 -DPARAMS=1
reload && fail "other parameters were accepted"
grep -q 'STATE: .*its parameters changed' "$LIVE/reload" || fail "refusal: $(cat "$LIVE/reload")"
printf 'nothing' >"$LIVE/factor.so"
reload && fail "a text was accepted"
grep -q 'PLUGIN_OPEN' "$LIVE/reload" || fail "refusal: $(cat "$LIVE/reload")"
"$TOLLGATE" plugin reload per_unit --data "$DATA" >"$LIVE/out" 2>&1 && fail "built in was reloaded"
send 300 10000 1000
sent_add 300
rated_is 30300

# Wild on one record: nothing is lost, the reason is told everywhere, a reload ends it.
for way in CRASH LOOP; do
    compile -DFACTOR=2 "-DWILD_$way"
    reload || fail "$way: $(cat "$LIVE/reload")"
    rated=$(live_status rows.rated)
    suspended=$(live_status rows.suspended)
    send 300 10000 1000
    sent_add 300
    rated_is $((rated + 300))
    send 30 1000 4444
    sent_add 30
    live_wait rows.suspended ge $((suspended + 30)) || fail "$way: nothing suspended"
    send 300 10000 1000
    sent_add 300
    live_wait rows.suspended ge $((suspended + 330)) || fail "$way: not out of use"
    [ $way = CRASH ] && reason=PLUGIN_CRASH || reason=PLUGIN_TIMEOUT
    fault | grep -q "\"quarantine\":\"$reason\",\"fault\":\"factor: .*factor.so+0x" ||
        fail "$way: list: $(fault)"
    live_ask '{"command":"metrics"}' | grep -q \
        "tollgate_plugin_quarantined{plugin=\\\\\"factor\\\\\",reason=\\\\\"$reason\\\\\"} 1" ||
        fail "$way: metrics"
    sleep 0.5
    grep -q "plug-in quarantined: $reason: factor:" "$LIVE/engine.log" || fail "$way: not logged"
    "$TOLLGATE" suspense list --data "$DATA" >"$LIVE/suspense" 2>/dev/null
    grep -q "$reason" "$LIVE/suspense" || fail "$way: suspense: $(head -3 "$LIVE/suspense")"
    compile -DFACTOR=2
    reload || fail "$way: $(cat "$LIVE/reload")"
    fault | grep -q '"quarantine":null' || fail "$way: still out of use: $(fault)"
    rated=$(live_status rows.rated)
    send 300 10000 4444
    sent_add 300
    rated_is $((rated + 300))
done

# BPF comes with a catalog, at once, for events from its hour on.
if command -v "${CLANG:-clang}" >/dev/null; then
    cat >"$LIVE/seven.c" <<'C'
#include "abi/tariff_bpf.h"
TG_BPF_TARIFF uint64_t seven(struct tg_tariff_context *context)
{
    tg_add(context, 7, context->row.units);
    return tg_settle(context, 1);
}
C
    "$TOLLGATE" plugin build "$LIVE/seven.c" -o "$LIVE/catalog/seven.o" >"$LIVE/out" 2>&1 ||
        fail "build: $(cat "$LIVE/out")"
    cp "$LIVE/catalog/catalog.yaml" "$LIVE/before.yaml"
    sed -i "s/version: 1, valid_from: [^,]*/version: 2, valid_from: ${day}T12:00:00Z/; s/tariff: factor/tariff: seven/" \
        "$LIVE/catalog/catalog.yaml"
    printf 'tariffs:\n  seven: {bpf: seven.o}\n' >>"$LIVE/catalog/catalog.yaml"
    live_background send 6000 6000 1000
    load=$LIVE_PID
    live_ask '{"command":"reload"}' >"$LIVE/reload.json" || fail "$(cat "$LIVE/reload.json")"
    wait "$load" || fail "sender"
    sent_add 6000
    began=$(date -d "$day 12:00:00 UTC" +%s)
    rated=$(live_status rows.rated)
    send 3000 10000 1000
    sent_add 3000
    rated_is $((rated + 3000))
    "$TOLLGATE" plugin list --data "$DATA" | grep -q '^tariff *seven@[0-9a-f]\{16\} bpf' ||
        fail "bpf is not listed"
fi
live_stop
live_audit
expect "rows in" "$(live_audited rows.in)" -eq $((sent + 0))

# Who was priced by which code: priced again by the other, exactly those change.
changed() { # PLUGIN FROM TO FILE
    "$TOLLGATE" rerate --data "$DATA" --plugin "$LIVE/$1.so" --price megabyte --all >"$LIVE/$4" 2>&1
    sed -n 's/^  row \([0-9]*\):\([0-9]*\) of.*/\1 \2/p' "$LIVE/$4" | sort -n -k1,1 -k2,2 >"$LIVE/$4.rows"
}
changed two - - by_one
changed one - - by_two
ones=$(wc -l <"$LIVE/by_one.rows")
expect "rows of the old code" "$ones" -gt 3000
expect "rows of the old code" "$ones" -lt 27000
echo "$ones rows by the old code, $(wc -l <"$LIVE/by_two.rows") by the new"
last=$(tail -1 "$LIVE/by_one.rows")
first=$(head -1 "$LIVE/by_two.rows")
printf '%s\n%s\n' "$last" "$first" | sort -n -k1,1 -k2,2 -c || fail "old behind new: $last, $first"
head -5 "$LIVE/by_two"
live_done
