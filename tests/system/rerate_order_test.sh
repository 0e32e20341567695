#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A family's calls come in any order; they are brought into that of their events beside a running
# engine, which is killed behind it, and again when more have come. If this failed, an invoice would
# depend on which switch delivered its files first, or a restart would undo the order. Then the calls
# of a file are backed out. Usage: rerate_order_test.sh TOLLGATE SOURCE
set -u
tollgate=$1
tool=$2/tests/system/live_tool.py
python=$(command -v /usr/bin/python3 || command -v python3) && command -v jq >/dev/null || { echo "skip: no python3 or jq"; exit 77; }
work=$(mktemp -d)
engine=0
trap '[ "$engine" != 0 ] && kill -9 "$engine" 2>/dev/null; rm -rf "$work"' EXIT
fail() {
    echo "FAILED: $*"
    tail -qn 3 "$work"/*/log
    exit 1
}
. "$2/tests/system/lib_family.sh"

begin() { # DIR: the engine runs there
    rm -f "$1/data/control.sock" # of one that was killed
    "$tollgate" run --no-fronts "$1/tollgate.yaml" >>"$1/log" 2>&1 &
    engine=$!
    for _ in $(seq 400); do
        [ -S "$1/data/control.sock" ] &&
            "$python" "$tool" ask "$1/data/control.sock" '{"command":"status"}' >/dev/null 2>&1 && return
        kill -0 "$engine" 2>/dev/null || fail "$1: the engine ended"
        sleep 0.025
    done
    fail "$1: the engine does not answer"
}
end() { # SIGNAL
    kill "-$1" "$engine"
    wait "$engine" 2>/dev/null
    engine=0
}
feed() { # DIR FILE: read to its end
    mv "$2" "$1/cdr/$(basename "$2")"
    for _ in $(seq 400); do
        [ -e "$1/done/$(basename "$2")" ] || [ -e "$1/cdr/done/$(basename "$2")" ] && return
        sleep 0.025
    done
    fail "$1: $2 is not read"
}
by_event() { # DIR: as JSON in DIR/posted
    "$tollgate" rerate --data "$1/data" --order event --post --json >"$1/posted" 2>"$1/said" ||
        fail "$1: $(cat "$1/said")"
}
# Of each account: what its bill comes to.
totals() { # DIR
    "$tollgate" bill run --data "$1/data" --period 2026-10 --issue >>"$1/log" || fail "$1: bill run"
    for n in 1 2; do
        "$tollgate" bill show "$(printf 'INV-2026-%08d' "$n")" --data "$1/data" --json |
            jq -c '[.billingAccount.id, .taxExcludedAmount.value, .taxIncludedAmount.value]'
    done
}

# All calls in order: what should come out.
calls "$work/all.csv" 0 600
mkdir "$work/order" "$work/any"
first "$work/order"
first "$work/any"
cp "$work/all.csv" "$work/order/cdr/"
once "$work/order"
wanted=$(amount "$work/order")

# The same ones in four files, shuffled.
head -1 "$work/all.csv" >"$work/head"
tail -n +2 "$work/all.csv" | awk '{ print (NR * 7919) % 601, $0 }' | sort -n | cut -d' ' -f2- \
    >"$work/shuffled"
for part in 0 1 2 3; do
    { cat "$work/head"; sed -n "$((part * 150 + 1)),$(((part + 1) * 150))p" "$work/shuffled"; } \
        >"$work/part$part.csv"
done
begin "$work/any"
feed "$work/any" "$work/part0.csv"
feed "$work/any" "$work/part1.csv"
"$tollgate" rerate --data "$work/any/data" --json >"$work/plain"
[ "$(field rows_changed <"$work/plain")" = 0 ] || fail "arrival: $(head -c 300 "$work/plain")"
by_event "$work/any"
[ "$(field accounts_reordered <"$work/any/posted")" = 2 ] || fail "$(head -c 300 "$work/any/posted")"
[ "$(field rows_changed <"$work/any/posted")" -gt 20 ] || fail "$(head -c 300 "$work/any/posted")"
end KILL
clean "$work/any" "after SIGKILL"
begin "$work/any"
feed "$work/any" "$work/part2.csv"
feed "$work/any" "$work/part3.csv"
clean "$work/any" "rows behind it"
by_event "$work/any"
end TERM
[ "$(amount "$work/any")" = "$wanted" ] || fail "$(amount "$work/any") instead of $wanted"
clean "$work/any" "twice"
by_event "$work/any"
[ "$(field posted <"$work/any/posted")" = false ] || fail "posted again: $(head -c 300 "$work/any/posted")"

# Explain says so.
told=
for index in $(seq 0 149); do
    text=$("$tollgate" explain "1:$index" --data "$work/any/data") || fail "explain 1:$index: $text"
    case $text in
    *"brought into the order of events"*"it is the same"*) told=$text ;;
    *DIFFERS*) fail "$text" ;;
    esac
    [ -z "$told" ] || break
done
[ -n "$told" ] || fail "no row says that it was brought into the order of events"

# The bills are those of calls that came in order.
cp -r "$work/any" "$work/bills"
order=$(totals "$work/order")
any=$(totals "$work/bills")
[ "$any" = "$order" ] && [ "$(echo "$any" | wc -l)" = 2 ] || fail "bills: $any instead of $order"

# What one file brought is taken back; nothing else changes, and it stays out.
"$tollgate" rerate --data "$work/any/data" --backout --from 2026-10-02 --to 2026-10-03 --post --json \
    >"$work/out" 2>"$work/said" || fail "backout: $(cat "$work/said")"
[ "$(field kind <"$work/out")" = backout ] || fail "$(head -c 300 "$work/out")"
gone=$(jq -r '[.changes[].before | tonumber] | add * 100 | round' "$work/out")
back=$(jq -r '[.changes[].difference | tonumber] | add * 100 | round' "$work/out")
[ "$gone" -gt 0 ] && [ "$back" = "-$gone" ] || fail "backout: $gone and $back"
[ "$(field rows_changed <"$work/out")" = "$(field rows_selected <"$work/out")" ] || fail "backout: rows"
"$tollgate" rerate --data "$work/any/data" --backout --from 2026-10-02 --to 2026-10-03 --post |
    grep -q "nothing to post" || fail "backed out twice"
place=$(jq -r '.changes[0].row' "$work/out")
"$tollgate" explain "$place" --data "$work/any/data" | grep -q "It was backed out" ||
    fail "explain: $("$tollgate" explain "$place" --data "$work/any/data")"
"$tollgate" audit --data "$work/any/data" >"$work/audit" || fail "audit: $(cat "$work/audit")"
begin "$work/any"
calls "$work/more.csv" 600 40
feed "$work/any" "$work/more.csv"
end KILL
begin "$work/any"
end TERM
"$tollgate" rerate --data "$work/any/data" --source 999 --json >"$work/left" || fail "behind a backout"
[ "$(field shelves_changed <"$work/left")" = 0 ] || fail "behind a backout: $(head -c 300 "$work/left")"

# Mistakes.
for words in "--order sideways" "--backout" "--backout --order event --account A1" \
    "--backout --catalog 1 --account A1"; do
    # shellcheck disable=SC2086
    "$tollgate" rerate --data "$work/any/data" $words >"$work/said" 2>&1
    [ $? = 2 ] || fail "rerate $words: $(cat "$work/said")"
done
echo "rerate_order: $wanted in any order, $(field rows_changed <"$work/out") calls backed out"
