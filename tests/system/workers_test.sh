#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The same packets through one worker, through one ingest and one rate worker, and through an ingest
# and two rate workers. If this failed, an invoice would depend on the machine it was made on (law 5).
set -u
. "$2/tests/system/lib_live.sh"
live_begin workers "$@"
"$TOLLGATE" gen "$LIVE/gen" --subscribers 1000 >"$LIVE/gen.log" 2>&1 || fail "gen"

bills() { # WORKERS : invoices of a fresh data folder
    local folder=$LIVE/w$1
    cp -r "$LIVE/gen" "$folder"
    sed -i "s/^workers: .*/workers: $1/" "$folder/tollgate.yaml"
    timeout 60 "$TOLLGATE" run --once --no-fronts "$folder/tollgate.yaml" \
        >"$LIVE/engine.log" 2>&1 || fail "run with $1 workers: $(tail -3 "$LIVE/engine.log")"
    DATA=$folder/data
    live_audit
    cp "$LIVE/audit.json" "$LIVE/audit$1.json"
    "$TOLLGATE" bill run --data "$DATA" --period 2026-10 --date 2026-11-01 --issue --json \
        >"$LIVE/run$1.json" || fail "bill run with $1 workers"
    "$TOLLGATE" bill list --data "$DATA" --full >"$LIVE/bills$1.json" || fail "bill list"
    "$TOLLGATE" alarms --data "$DATA" --json >"$LIVE/alarms.json" || fail "alarms"
    "$LIVE_PYTHON" "$TOOL" alarms "$LIVE/alarms.json" >"$LIVE/alarms$1.json"
}

for workers in 1 2 3; do
    bills $workers
done
expect "alarms" "$(wc -l <"$LIVE/alarms1.json")" -ge 5
expect "bills" "$(wc -l <"$LIVE/bills1.json")" -ge 10
for workers in 2 3; do
    for what in bills alarms; do
        if cmp -s "$LIVE/${what}1.json" "$LIVE/$what$workers.json"; then
            ok "$what of $workers workers are those of one, byte for byte"
        else
            fail "$what differ: $(diff "$LIVE/${what}1.json" "$LIVE/$what$workers.json" | head -c 600)"
        fi
    done
    for sum in rows units; do
        expect "$sum of $workers workers" \
            "$("$LIVE_PYTHON" "$TOOL" get "$LIVE/audit$workers.json" $sum)" = \
            "$("$LIVE_PYTHON" "$TOOL" get "$LIVE/audit1.json" $sum)"
    done
done
live_done
