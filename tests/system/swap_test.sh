#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Catalog versions are swapped while rows flow. If this failed, a price change in the middle of a
# busy day would lose records, or charge yesterday's usage at tomorrow's price.
set -u
. "$2/tests/system/lib_live.sh"
live_begin swap "$@"
read -r flow radius syslog <<<"$(live_free_ports 3)"
live_carrier "$flow" "$radius" "$syslog"
live_port flows socket "127.0.0.1:$flow"
live_port accounting socket "127.0.0.1:$radius"

# Events of four hours; three new versions, each valid from the next full hour on.
day=2026-10-05
began=$(date -d "$day 10:00:00 UTC" +%s)
count=96000
prices=248 # of a megabyte in hours 1, 2, 3, in tenths; hour 0 costs 1
version() { # VERSION HOUR PRICE
    live_catalog "$1" "${day}T$2:00:00Z" "$3"
    live_ask '{"command":"reload"}' >"$LIVE/reload.json" ||
        fail "reload of version $1: $(cat "$LIVE/reload.json")"
}
live_start --no-fronts || exit 1
"$LIVE_PYTHON" "$TOOL" sessions "127.0.0.1:$radius" "$LIVE_SECRET" 40 $((began - 60)) ||
    fail "sessions"

# An hour of events: 24,000 records of 1000 octets in 1.2 s, 600 for each subscriber.
send() { # HOUR(0..3)
    "$LIVE_PYTHON" "$TOOL" flows "127.0.0.1:$flow" count=24000 rate=20000 \
        from=$((began + $1 * 3600)) span=3600 octets=1000 nonce=$(($1 * 24000)) \
        sequence=$(($1 * 801)) >"$LIVE/sent"
}

# While an hour's records come in, the next hour's price is imported; the same again changes
# nothing, and a folder with a mistake is refused whole.
reloads=0
for hour in 0 1 2 3; do
    live_background send $hour
    load=$LIVE_PID
    if [ $hour -lt 3 ]; then
        version $((hour + 2)) $((11 + hour)) "0.${prices:$hour:1}0"
    fi
    while kill -0 "$load" 2>/dev/null; do
        live_ask '{"command":"reload"}' >"$LIVE/reload.json" && reloads=$((reloads + 1))
        sed -i 's/^prices:/prizes:/' "$LIVE/catalog/catalog.yaml"
        if live_ask '{"command":"reload"}' >"$LIVE/refused.json"; then
            fail "a catalog with a mistake was taken: $(cat "$LIVE/refused.json")"
        fi
        grep -q 'catalog.yaml:' "$LIVE/refused.json" ||
            fail "no place named: $(cat "$LIVE/refused.json")"
        sed -i 's/^prizes:/prices:/' "$LIVE/catalog/catalog.yaml"
        sleep 0.1
    done
    wait "$load" || fail "sender of hour $hour"
done
expect "swaps asked for under load" "$reloads" -ge 5
expect "version in force" "$(live_status catalogVersion)" -eq 4
live_wait rows.rated ge "$count" || fail "rows are missing: $(live_ask '{"command":"status"}')"
live_stop
live_audit
expect "records in" "$(live_audited rows.in)" -eq "$count"
expect "records rated" "$(live_audited rows.rated)" -eq "$count"
"$TOLLGATE" bill run --data "$DATA" --period 2026-10 --json >"$LIVE/bill.json" || fail "bill run"
# A subscriber: 600 x (0.0001 + 0.0002 + 0.0004 + 0.0008) = 0.90 beside the fee of 5.00; 40 of them.
expect "net of all bills" "$("$LIVE_PYTHON" "$TOOL" get "$LIVE/bill.json" net)" = 236.00
expect "missing packets" "$("$LIVE_PYTHON" -c 'import json,sys
print(sum(s["missing"] for s in json.load(open(sys.argv[1]))["sources"]))' "$LIVE/audit.json")" -eq 0
live_done
