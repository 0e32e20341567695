#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Checkpoints by command while datagrams come in, and a kill after the last. If this failed, an
# operator could not bound what a restart replays, or a restart would lose or repeat records.
set -u
. "$2/tests/system/lib_live.sh"
live_begin checkpoint "$@"
read -r flow radius syslog <<<"$(live_free_ports 3)"
live_carrier "$flow" "$radius" "$syslog" "checkpoint: {every: 0s, journal: 0}"
live_port flows socket "127.0.0.1:$flow"
live_port accounting socket "127.0.0.1:$radius"
began=$(date -d "2026-10-05 10:00:00 UTC" +%s)
count=24000

"$TOLLGATE" checkpoint --data "$DATA" 2>/dev/null
expect "exit code without an engine" $? -eq 3
live_start --no-fronts || exit 1
"$LIVE_PYTHON" "$TOOL" sessions "127.0.0.1:$radius" "$LIVE_SECRET" 40 $((began - 60)) ||
    fail "sessions"
third=$((count / 3))
epoch=0
for turn in 1 2 3; do
    before=$(((turn - 1) * third))
    live_background "$LIVE_PYTHON" "$TOOL" flows "127.0.0.1:$flow" count=$third rate=10000 \
        from=$began span=3600 octets=1000 domain=$turn nonce=$before sequence=0 >"$LIVE/sent"
    load=$LIVE_PID
    live_wait rows.rated ge $((before + 1)) || fail "no row of turn $turn"
    "$TOLLGATE" checkpoint --data "$DATA" --json >"$LIVE/told.json" ||
        fail "checkpoint $turn: $(cat "$LIVE/told.json")"
    next=$("$LIVE_PYTHON" "$TOOL" get "$LIVE/told.json" epoch)
    expect "epoch of checkpoint $turn" "$next" -gt "$epoch"
    epoch=$next
    wait "$load" || fail "sender"
    live_wait rows.rated ge $((before + third)) ||
        fail "rows are missing: $(live_ask '{"command":"status"}')"
done
expect "given up" "$("$LIVE_PYTHON" "$TOOL" get "$LIVE/told.json" failed)" -eq 0
"$TOLLGATE" checkpoint --data "$DATA" | grep -q '^epoch [0-9]*: [0-9]* pages, ' ||
    fail "no line for people"
"$TOLLGATE" checkpoint --data "$DATA" --json >"$LIVE/told.json" || fail "nothing new is no mistake"
live_ask '{"command":"checkpoint"}' >"$LIVE/unchanged.json" || fail "$(cat "$LIVE/unchanged.json")"
expect "nothing new" "$("$LIVE_PYTHON" "$TOOL" get "$LIVE/unchanged.json" isUnchanged)" = true
epoch=$("$LIVE_PYTHON" "$TOOL" get "$LIVE/told.json" epoch)
live_ask '{"command":"metrics"}' | grep -q "tollgate_checkpoint_epoch $epoch" ||
    fail "no tollgate_checkpoint_epoch $epoch in the metrics"

# Everything is in the last checkpoint: a restart replays nothing, and still knows all of it.
live_signal KILL
live_start --no-fronts || exit 1
grep -q "recovered: checkpoint at epoch $epoch, 0 epochs and 0 rows replayed" "$LIVE/engine.log" ||
    fail "recovery: $(grep recovered "$LIVE/engine.log")"
expect "rows after the restart" "$(live_status rows.rated)" -eq "$count"
live_stop
live_audit
live_done
