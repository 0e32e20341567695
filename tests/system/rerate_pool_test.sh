#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A family's month is rerated: pool, own minutes, weekly counter, carried remainders and spend limit
# change with the catalog, rows go on afterwards, and posting is killed at every step. If this
# failed, customers would go on with the minutes of the wrong catalog after a correction, or a crash
# would charge a correction twice or half. Usage: rerate_pool_test.sh TOLLGATE
set -u
tollgate=$1
work=$(mktemp -d)
engine=0
trap '[ "$engine" != 0 ] && kill -9 "$engine" 2>/dev/null; rm -rf "$work"' EXIT
fail() {
    echo "FAILED: $*"
    exit 1
}
field() { grep -o "\"$1\":\"\{0,1\}-\{0,1\}[0-9a-z.]*" | head -1 | sed 's/.*[":]//'; }

catalog() { # DIR VERSION VALID_FROM LAND FAR POOL CAP PRIORITY
    mkdir -p "$1/catalog" "$1/cdr"
    cat >"$1/catalog/catalog.yaml" <<YAML
catalog: {version: $2, valid_from: $3, currency: EUR}
taxes:
  vat: {rate: 19%}
decks:
  world: {prefixes: {"49": land, "33": far, "1": odd}}
spend_limits:
  cap: {period: cycle, scope: account, maximum: "$7"}
prices:
  land: {unit: second, price: "$4", per: 60, first: 60, next: 60}
  far: {unit: second, counter: week, tariff: graduated,
        tiers: [{up_to: 300, price: "$5"}, {price: "0.01"}]}
  odd: {unit: second, price: "0.13", per: 60, decimals: 2, carry_remainder: true, spend_limit: cap}
allowances:
  pool: {unit: minute, amount: $6, services: [voice], zones: [land], scope: account, priority: 5}
  own: {unit: minute, amount: 4, services: [voice], zones: [land], period: week, priority: $8}
plans:
  all: {voice: {deck: world, allowances: [own, pool],
                prices: {land: land, far: far, odd: odd}}}
products:
  one: {plan: all, tax: vat}
YAML
    printf 'id\nA1\nA2\n' >"$1/catalog/accounts.csv"
    {
        echo id,account,product,msisdn
        echo S1,A1,one,4917000000
        echo S2,A1,one,4917000001
        echo S3,A1,one,4917000002
        echo S4,A2,one,4917000003
    } >"$1/catalog/subscribers.csv"
    cat >"$1/tollgate.yaml" <<YAML
data: data
catalog: catalog
workers: 1
memory: {huge_pages: auto, mib: 64}
limits: {sessions: 1000, dedup_records: 100000}
decoders:
  - decoder: csv
    settings:
      service: voice
      columns: {record_id: id, caller: caller, called: called, start: start, duration: duration_s}
ports:
  - {name: cdr, kind: folder, target: cdr, pattern: "*.csv", decoder: csv, node: msc, done: done}
nodes:
  - {name: msc, addresses: [10.0.4.2]}
YAML
}
first() { catalog "$1" 1 2026-01-01 0.10 0.02 300 20.00 1; }
second() { catalog "$1" 2 2026-10-01 0.14 0.03 350 30.00 9; }
calls() { # FILE FROM COUNT: a call every ten minutes
    awk -v from="$2" -v count="$3" 'BEGIN {
        print "id,caller,called,start,duration_s"
        split("49301234567 33123456 1202555", called, " ")
        for (i = from; i < from + count; i++) {
            seed = (i * 7919 + 104729) % 65537
            minute = i * 10
            printf "r%d,+491700000%d,+%s,2026-10-%02dT%02d:%02d:00Z,%d\n", i, seed % 4,
                called[int(seed / 7) % 3 + 1], 1 + int(minute / 1440), int(minute / 60) % 24,
                minute % 60, 1 + int(seed / 11) % 200
        }
    }' >"$1"
}
once() { # DIR
    "$tollgate" run --once --no-fronts "$1/tollgate.yaml" >>"$1/log" 2>&1 ||
        fail "run in $1: $(tail -3 "$1/log")"
}
amount() { "$tollgate" bench --sums "$1/data" | grep '^amount='; }
clean() { # DIR WHAT: nothing is left to correct, and the books balance
    "$tollgate" rerate --data "$1/data" --json >"$1/left" || fail "$2: rerate: $(cat "$1/left")"
    [ "$(field rows_changed <"$1/left") $(field shelves_changed <"$1/left")" = "0 0" ] ||
        fail "$2: there is something left: $(head -c 600 "$1/left")"
    "$tollgate" audit --data "$1/data" >"$1/audit" || fail "$2: audit: $(cat "$1/audit")"
}

calls "$work/early.csv" 0 500
calls "$work/late.csv" 500 300

# What should come out: everything rated with the second catalog from the beginning.
mkdir "$work/want"
second "$work/want"
sed -i 's/valid_from: 2026-10-01/valid_from: 2026-01-01/' "$work/want/catalog/catalog.yaml"
cp "$work/early.csv" "$work/late.csv" "$work/want/cdr"
once "$work/want"
want=$(amount "$work/want")

# The wrong catalog, then the right one beside it.
mkdir "$work/base"
first "$work/base"
cp "$work/early.csv" "$work/base/cdr"
once "$work/base"
[ "$("$tollgate" bench --sums "$work/base/data" | grep '^records=')" = "records=500" ] ||
    fail "not every call was rated: $("$tollgate" bench --sums "$work/base/data")"
clean "$work/base" "the same catalog"
second "$work/base"
"$tollgate" catalog import --catalog "$work/base/catalog" --data "$work/base/data" >>"$work/base/log" ||
    fail "import: $(tail -3 "$work/base/log")"

# Posted, the rows behind it meet what the right catalog would have left.
finish() { # DIR WHAT
    clean "$1" "$2, after posting"
    cp "$work/late.csv" "$1/cdr"
    once "$1"
    clean "$1" "$2, after more rows"
    [ "$(amount "$1")" = "$want" ] || fail "$2: $(amount "$1") instead of $want"
}
cp -r "$work/base" "$work/calm"
"$tollgate" rerate --data "$work/calm/data" --post --json >"$work/posted" || fail "post: $(cat "$work/posted")"
[ "$(field shelves_changed <"$work/posted")" -ge 4 ] || fail "no shelf changes: $(head -c 400 "$work/posted")"
for threads in 1 2 3; do
    "$tollgate" rerate --data "$work/base/data" --json --threads "$threads" |
        sed 's/"posted":[a-z]*,"epoch":[0-9]*//' >"$work/threads.$threads"
    cmp "$work/threads.1" "$work/threads.$threads" || fail "$threads threads find something else"
done
finish "$work/calm" "undisturbed"

# Rows flow while it is worked out; posting wants the engine quiet and says so. Late files come after.
cp -r "$work/base" "$work/flow"
"$tollgate" run --no-fronts "$work/flow/tollgate.yaml" >>"$work/flow/log" 2>&1 &
engine=$!
for part in 1 2 3; do
    calls "$work/flow/part.$part" $((400 + part * 100)) 100
    mv "$work/flow/part.$part" "$work/flow/cdr/part$part.csv"
    "$tollgate" rerate --data "$work/flow/data" --json >"$work/flow/dry" 2>>"$work/flow/log"
    if "$tollgate" rerate --data "$work/flow/data" --post >"$work/flow/refused" 2>&1; then
        fail "posted under a running engine"
    fi
    [ "$part" != 2 ] || { kill -TERM "$engine" && wait "$engine"; engine=0; break; }
    for _ in $(seq 100); do
        [ -e "$work/flow/done/part$part.csv" ] || [ -e "$work/flow/cdr/done/part$part.csv" ] && break
        sleep 0.05
    done
done
grep -q . "$work/flow/refused" || fail "a refusal without a word"
"$tollgate" rerate --data "$work/flow/data" --post >>"$work/flow/log" || fail "post after the engine stopped"
calls "$work/flow/cdr/part3.csv" 700 100
once "$work/flow"
clean "$work/flow" "flowing"
[ "$(amount "$work/flow")" = "$want" ] || fail "flowing: $(amount "$work/flow") instead of $want"

post_killed() ( # CALL N: at its Nth such call on the journal
    exec >/dev/null 2>&1
    journal=$work/round/data/journal
    strace -f -o /dev/null -P "$journal" -P "$journal/00000001.seg" -P "$journal/00000002.seg" \
        -e trace="$1" -e inject="$1:signal=KILL:when=$2" \
        "$tollgate" rerate --data "$work/round/data" --post --threads 1
    exit $?
)

# SIGKILL at every system call that touches the journal: all of it is in, or nothing.
kills=0
if strace -f true 2>/dev/null && ! nm "$tollgate" 2>/dev/null | grep -q __asan_init; then
    before=$(amount "$work/base")
    after=$("$tollgate" rerate --data "$work/base/data" --json | field difference)
    for call in openat fallocate pwrite64 pwritev fdatasync fsync ftruncate rename close; do
        for n in $(seq 1 400); do
            rm -rf "$work/round"
            cp -r "$work/base" "$work/round"
            post_killed "$call" "$n"
            code=$?
            [ "$code" -eq 0 ] && break
            [ "$code" -eq 137 ] || fail "$call $n: ended with $code"
            kills=$((kills + 1))
            "$tollgate" rerate --data "$work/round/data" --post --json >"$work/again" ||
                fail "$call $n: a second posting: $(cat "$work/again")"
            case "$(field rows_changed <"$work/again") $(field difference <"$work/again")" in
            "$(field rows_changed <"$work/posted") $after") ;;
            "0 "*) ;;
            *) fail "$call $n: half of it was posted: $(head -c 400 "$work/again")" ;;
            esac
            clean "$work/round" "$call $n"
            [ "$(amount "$work/round")" != "$before" ] || fail "$call $n: nothing changed"
        done
        [ "$n" -lt 400 ] || fail "$call: more calls than expected"
    done
    [ "$kills" -ge 5 ] || fail "only $kills kills"
    finish "$work/round" "after kills"
fi
echo "rerate_pool: $want, $kills kills"
