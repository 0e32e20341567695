#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The fronts `tollgate run` starts, while rows flow. If this failed, a crash of a web server would
# cost usage, a front would stay dead or an old one would keep its address for ever, or what an
# operator acknowledges would not be acknowledged.
set -u
. "$2/tests/system/lib_live.sh"
live_begin fronts "$@"
live_need curl curl
read -r flow radius syslog bss oss metrics <<<"$(live_free_ports 6)"
live_carrier "$flow" "$radius" "$syslog" "metrics: \"127.0.0.1:$metrics\"
fronts:
  - {front: bss, listen: \"127.0.0.1:$bss\"}
  - {front: oss, listen: \"127.0.0.1:$oss\"}"
live_port flows socket "127.0.0.1:$flow"
live_port accounting socket "127.0.0.1:$radius"
live_port logs socket "127.0.0.1:$syslog"
bills=http://127.0.0.1:$bss/tmf-api/customerBillManagement/v4/customerBill
alarms=http://127.0.0.1:$oss/tmf-api/alarm/v4

get() { curl -s -m 5 "$@"; }

comes_up() { # URL SECONDS
    local turn
    for turn in $(seq $(($2 * 10))); do
        [ "$(get -o "$LIVE/discard" -w '%{http_code}' "$1")" = 200 ] && return 0
        sleep 0.1
    done
    return 1
}

front_pid() { # NAME : the engine's own child
    sed -n "s/.*front $1 runs as process //p" "$LIVE/engine.log" | tail -1
}

live_start || exit 1
comes_up "http://127.0.0.1:$bss/healthz" 5 || fail "bss does not come up"
comes_up "http://127.0.0.1:$oss/healthz" 5 || fail "oss does not come up"

# Holders and usage of a month that is over, so that bills of it are whole.
began=$(date -d '2026-10-05 12:00:00 UTC' +%s)
sender() { # COUNT RATE NONCE
    "$LIVE_PYTHON" "$TOOL" flows "127.0.0.1:$flow" count="$1" rate="$2" nonce="$3" from="$began" \
        span=60 domain="$3" >"$LIVE/sent"
}
"$LIVE_PYTHON" "$TOOL" sessions "127.0.0.1:$radius" "$LIVE_SECRET" 40 $((began - 60)) >/dev/null ||
    fail "sessions"
expect "addresses held" "$(live_status sessions)" -eq 40

# Load, and in the midst of it: both fronts die, metrics are scraped.
live_background sender 60000 15000 0
load=$LIVE_PID
sleep 0.5
victim=$(front_pid bss)
kill -KILL "$victim" "$(front_pid oss)"
scrapes=0
while kill -0 "$load" 2>/dev/null; do
    get "http://127.0.0.1:$metrics/metrics" >"$LIVE/metrics.txt" && scrapes=$((scrapes + 1))
    sleep 0.2
done
wait "$load"
live_wait rows.rated ge 60000 || fail "rows are missing after fronts died"
expect "scrapes during load" "$scrapes" -ge 5
grep -q '^tollgate_rows_total.*[1-9]' "$LIVE/metrics.txt" ||
    fail "metrics tell no rows: $(head -5 "$LIVE/metrics.txt")"
if grep -qE '4917010000|10\.200\.' "$LIVE/metrics.txt"; then
    fail "metrics name a subscriber"
fi
comes_up "http://127.0.0.1:$bss/healthz" 8 || fail "bss does not come back"
comes_up "http://127.0.0.1:$oss/healthz" 8 || fail "oss does not come back"
[ "$(front_pid bss)" != "$victim" ] || fail "bss is still process $victim"

# Bills while the engine runs; the front shows them page by page.
"$TOLLGATE" bill run --data "$DATA" --period 2026-10 --issue --json >"$LIVE/bill.json" ||
    fail "bill run"
get -D "$LIVE/head" "$bills?offset=10&limit=5&fields=billNo" >"$LIVE/page.json"
expect "bills in all" \
    "$(tr -d '\r' <"$LIVE/head" | sed -n 's/^X-Total-Count: //Ip')" -eq 40
expect "bills on the page" "$("$LIVE_PYTHON" -c \
    'import json,sys; print(len(json.load(open(sys.argv[1]))))' "$LIVE/page.json")" -eq 5
"$LIVE_PYTHON" - "$LIVE/page.json" <<'PY' || fail "fields: $(cat "$LIVE/page.json")"
import json, sys
for bill in json.load(open(sys.argv[1])):
    assert set(bill) == {"id", "href", "@type", "billNo"}, bill
PY

# An alarm, acknowledged through the front, withdrawn on the command line.
"$LIVE_PYTHON" "$TOOL" log "127.0.0.1:$syslog" \
    '<163>1 2026-10-05T12:00:30Z pe-01 snmpd - linkDown - ifIndex 7 ifName xe-0/0/1'
for turn in $(seq 50); do
    id=$(get "$alarms/alarm" | "$LIVE_PYTHON" -c \
        'import json,sys; a=json.load(sys.stdin); print(a[0]["id"] if a else "")' 2>/dev/null)
    [ -n "$id" ] && break
    sleep 0.1
done
state() {
    get "$alarms/alarm/$id" | "$LIVE_PYTHON" -c 'import json,sys; print(json.load(sys.stdin)["ackState"])'
}
expect "alarm raised, not acknowledged" "$(state)" = UNACKNOWLEDGED
code=$(get -o "$LIVE/ack.json" -w '%{http_code}' -H 'Content-Type: application/json' -d \
    "{\"ackSystemId\":\"test\",\"ackUserId\":\"op\",\"alarmPattern\":[{\"id\":\"$id\"}]}" \
    "$alarms/ackAlarms")
expect "answer of ackAlarms" "$code" -eq 201
expect "after the front's ack" "$(state)" = ACKNOWLEDGED
"$TOLLGATE" alarms unack "$id" --data "$DATA" >"$LIVE/unack.json" || fail "alarms unack"
expect "after unack on the command line" "$(state)" = UNACKNOWLEDGED
"$TOLLGATE" alarms ack "$id" --data "$DATA" >"$LIVE/ack2.json" || fail "alarms ack"
expect "after ack on the command line" "$(state)" = ACKNOWLEDGED

# The engine is killed: its fronts must not keep the addresses from the next engine's.
orphan=$(front_pid bss)
live_signal KILL
live_start || exit 1
for turn in $(seq 50); do
    [ "$(front_pid bss)" != "$orphan" ] && break
    sleep 0.1
done
comes_up "http://127.0.0.1:$bss/healthz" 5 || fail "bss does not come up after a crash"
sleep 1.5
if grep -q 'front bss ended' <(tail -n +"$(grep -n recovered "$LIVE/engine.log" | tail -1 |
    cut -d: -f1)" "$LIVE/engine.log"); then
    fail "the next engine's front cannot run: $(tail -3 "$LIVE/engine.log")"
fi
if kill -0 "$orphan" 2>/dev/null; then
    fail "front $orphan outlives its engine"
    kill -KILL "$orphan"
fi
expect "after a crash the alarm is still acknowledged" "$(state)" = ACKNOWLEDGED

# Stop over the control socket.
live_ask '{"command":"stop"}' >/dev/null || fail "stop"
code=0
wait "$LIVE_ENGINE" || code=$?
expect "exit code after the stop command" "$code" -eq 0
if get "http://127.0.0.1:$bss/healthz" >/dev/null; then
    fail "the fronts still run after the stop"
fi
code=0
"$TOLLGATE" alarms ack "$id" --data "$DATA" >/dev/null 2>&1 || code=$?
expect "exit code of an ack without an engine" "$code" -eq 3
live_audit
expect "rated rows" "$(live_audited rows.rated)" -eq 60000
live_done
