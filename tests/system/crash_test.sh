#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# If this fails a crash loses a record, bills one twice, or changes an invoice.
# The engine is killed with SIGKILL at 50 random moments of runs that read packets and files; after
# each it is started again. What it ends with must be byte-identical to a run that nobody disturbed,
# and every audit must balance. Usage: crash_test.sh TOLLGATE SOURCE BUILD [KILLS] [SEED]
set -u
tollgate=$1
kills_wanted=${4:-50}
RANDOM=${5:-7}
work=$(mktemp -d)
engine=0
trap '[ "$engine" != 0 ] && kill -9 "$engine" 2>/dev/null; rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $*"
    exit 1
}

# Kills fall where the engine is, not when the clock says so: anywhere in the octets that an
# undisturbed run reads and writes. On a busy machine they fall at the same places.
exec {never}<> <(:)
follow() { # PID OCTETS: until it has moved so many, or ended; $moved says how many it had moved
    local key value
    moved=0
    while [ "$2" = never ] || [ "$moved" -lt "$2" ]; do
        local sum=0 lines=0
        while read -r key value; do
            case $key in rchar: | wchar:) sum=$((sum + value)) lines=$((lines + 1)) ;; esac
        done <"/proc/$1/io"
        [ "$lines" -eq 2 ] || return # it has ended
        read -r _ _ key _ <"/proc/$1/stat"
        [ "$key" != Z ] || return # likewise, and the shell has not taken notice
        moved=$sum
        read -r -t 0.001 -u "$never" key # waits without a process
    done
} 2>/dev/null

bills() { # DIR: bill the month, print every document
    "$tollgate" bill run --data "$1/data" --period 2026-10 --issue >"$1/bill.log" 2>&1 ||
        fail "bill run in $1: $(tail -3 "$1/bill.log")"
    "$tollgate" bill list --data "$1/data" --full
}

balanced() { # DIR: the audit as JSON, without what depends on how the journal was cut
    "$tollgate" audit --data "$1/data" --json >"$1/audit.json" ||
        fail "audit of $1: $(cat "$1/audit.json")"
}

"$tollgate" gen "$work/made" --subscribers 1000 --flows 120 --calls 20 --minutes 60 --seed 3 \
    >/dev/null || fail "gen"
sed -i '/^fronts:/,/oss/d' "$work/made/tollgate.yaml"

cp -r "$work/made" "$work/calm"
"$tollgate" run --once --no-fronts "$work/calm/tollgate.yaml" 2>"$work/calm/log" &
engine=$!
follow "$engine" never
wait "$engine" || fail "undisturbed run: $(tail -3 "$work/calm/log")"
engine=0
calm_octets=$moved
[ "$calm_octets" -gt 1000000 ] || fail "an undisturbed run reads and writes $calm_octets octets"
bills "$work/calm" >"$work/calm/bills"
balanced "$work/calm"
[ -s "$work/calm/bills" ] || fail "the undisturbed run made no invoices"

kills=0
rounds=0
while [ "$kills" -lt "$kills_wanted" ]; do
    round=$work/round
    rm -rf "$round"
    cp -r "$work/made" "$round"
    rounds=$((rounds + 1))
    [ "$rounds" -le 100 ] || fail "only $kills kills hit in $rounds rounds"
    while :; do
        "$tollgate" run --once --no-fronts "$round/tollgate.yaml" 2>>"$round/log" &
        engine=$!
        # Once the kills are spent the last start runs to its end.
        if [ "$kills" -lt "$kills_wanted" ]; then
            follow "$engine" $(((RANDOM * 32768 + RANDOM) % calm_octets))
            if kill -9 "$engine" 2>/dev/null; then
                wait "$engine" 2>/dev/null
                [ $? -eq 137 ] && kills=$((kills + 1)) && engine=0 && continue
            fi
        fi
        wait "$engine"
        code=$?
        engine=0
        [ "$code" -eq 0 ] && break
        fail "a restart after $kills kills ended with $code: $(tail -3 "$round/log")"
    done
    bills "$round" >"$round/bills"
    balanced "$round"
    cmp "$work/calm/bills" "$round/bills" || fail "invoices differ after $kills kills"
done
grep -c . "$work/calm/bills" | sed "s/^/$kills kills in $rounds rounds, identical invoices: /"
