#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# If this fails, a crash while a checkpoint is written, or right after one, loses a record, bills one
# twice, or changes an invoice; or a restart does not begin at the checkpoint.
# The engine is killed with SIGKILL while it writes checkpoint after checkpoint: at random moments,
# the moment one is stored, and between two. After each kill it is started again. What it ends with
# must be byte-identical to a run that nobody disturbed and that wrote no checkpoint while it ran.
# Usage: checkpoint_crash_test.sh TOLLGATE SOURCE BUILD [KILLS] [SEED]
set -u
tollgate=$1
kills_wanted=${4:-12}
RANDOM=${5:-11}
work=$(mktemp -d)
engine=0
trap '[ "$engine" != 0 ] && kill -9 "$engine" 2>/dev/null; rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $*"
    exit 1
}

bills() { # DIR: bill the month, print every document
    "$tollgate" bill run --data "$1/data" --period 2026-10 --issue >"$1/bill.log" 2>&1 ||
        fail "bill run in $1: $(tail -3 "$1/bill.log")"
    "$tollgate" bill list --data "$1/data" --full
}

balanced() { # DIR
    "$tollgate" audit --data "$1/data" >"$1/audit" || fail "audit of $1: $(cat "$1/audit")"
}

# A carrier whose subscribers draw on their own bucket and then on their account's, and whose
# access sessions report readings: every table that a checkpoint holds changes all the time.
"$tollgate" gen "$work/made" --subscribers 3000 --flows 400 --calls 60 --minutes 90 --seed 3 \
    >/dev/null || fail "gen"
sed -i -e '/^fronts:/,/oss/d' -e '/^checkpoint:/d' "$work/made/tollgate.yaml"
sed -i -e 's/^  data-5mb: .*/&\n  data-pool: {unit: megabyte, amount: 40, services: [data], scope: account}/' \
    -e 's/allowance: data-5mb}/allowances: [data-5mb, data-pool]}/' "$work/made/catalog/catalog.yaml"
awk -F, -v OFS=, 'NR > 1 && NR % 2 == 1 { $2 = before } { before = $2; print }' \
    "$work/made/catalog/subscribers.csv" >"$work/shared" # two of them share an account
mv "$work/shared" "$work/made/catalog/subscribers.csv"
"$tollgate" check "$work/made/tollgate.yaml" >/dev/null || fail "the carrier has mistakes"

cp -r "$work/made" "$work/calm"
echo "checkpoint: {every: 0s, journal: 0}" >>"$work/calm/tollgate.yaml"
"$tollgate" run --once --no-fronts "$work/calm/tollgate.yaml" 2>"$work/calm/log" ||
    fail "undisturbed run: $(tail -3 "$work/calm/log")"
grep -q 'checkpoint at' "$work/calm/log" && fail "a checkpoint though none was asked for"
bills "$work/calm" >"$work/calm/bills"
balanced "$work/calm"
[ -s "$work/calm/bills" ] || fail "the undisturbed run made no invoices"

# Wait until the log has more checkpoints than before, or the engine has ended.
stored_wait() { # LOG BEFORE
    while [ "$(grep -c '^notice control: checkpoint at' "$1")" -le "$2" ]; do
        kill -0 "$engine" 2>/dev/null || return
    done
}

# From what the log says since its line N: recovery began at the last checkpoint that was told, or
# at a later one that nobody could tell any more.
recovery_check() { # LOG LINE
    local told began
    told=$(head -n "$2" "$1" | sed -n 's/^notice control: checkpoint at epoch \([0-9]*\):.*/\1/p' | tail -1)
    began=$(tail -n +"$(($2 + 1))" "$1" |
        sed -n 's/^notice control: recovered: checkpoint at epoch \([0-9]*\), .*/\1/p' | head -1)
    [ -n "$told" ] && [ -n "$began" ] || return 0 # none yet, or killed before it could tell
    [ "$began" -ge "$told" ] || fail "epoch $told was stored, recovery began at $began"
    from_checkpoint=$((from_checkpoint + 1))
}

kills=0
rounds=0
from_checkpoint=0
while [ "$kills" -lt "$kills_wanted" ]; do
    round=$work/round
    rm -rf "$round"
    cp -r "$work/made" "$round"
    rounds=$((rounds + 1))
    [ "$rounds" -le 60 ] || fail "only $kills kills hit in $rounds rounds"
    sed -i "s/^workers:.*/workers: $((1 + rounds % 2))/" "$round/tollgate.yaml"
    echo "checkpoint: {every: 1ms}" >>"$round/tollgate.yaml"
    : >"$round/log"
    while :; do
        lines=$(wc -l <"$round/log")
        before=$(grep -c '^notice control: checkpoint at' "$round/log")
        "$tollgate" run --once --no-fronts "$round/tollgate.yaml" 2>>"$round/log" &
        engine=$!
        if [ "$kills" -lt "$kills_wanted" ]; then
            case $((kills % 3)) in
            0) sleep "0.$(printf '%03d' $((300 + RANDOM % 600)))" ;;
            1) stored_wait "$round/log" "$before" ;;
            2)
                stored_wait "$round/log" "$before"
                sleep "0.0$(printf '%02d' $((RANDOM % 100)))"
                ;;
            esac
            if kill -9 "$engine" 2>/dev/null; then
                wait "$engine" 2>/dev/null
                if [ $? -eq 137 ]; then
                    kills=$((kills + 1))
                    engine=0
                    recovery_check "$round/log" "$lines"
                    continue
                fi
            fi
        fi
        wait "$engine"
        code=$?
        engine=0
        [ "$code" -eq 0 ] || fail "a restart after $kills kills ended with $code: $(tail -3 "$round/log")"
        recovery_check "$round/log" "$lines"
        break
    done
    bills "$round" >"$round/bills"
    balanced "$round"
    cmp "$work/calm/bills" "$round/bills" || fail "invoices differ after $kills kills"
    rows=$("$tollgate" audit --data "$round/data" --json | tr ',' '\n' | sed -n 's/.*"in":\([0-9]*\).*/\1/p' | head -1)
    replayed=$(sed -n 's/.*epochs and \([0-9]*\) rows replayed.*/\1/p' "$round/log" | sort -n | tail -1)
    [ "${replayed:-0}" -lt "$rows" ] || fail "a restart replayed $replayed of $rows rows"
done
[ "$from_checkpoint" -ge $((kills_wanted / 3)) ] ||
    fail "only $from_checkpoint of $kills restarts began at a checkpoint that was told"
echo "$kills kills in $rounds rounds, $from_checkpoint restarts from a checkpoint, identical invoices:" \
    "$(grep -c . "$work/calm/bills")"
