# SPDX-License-Identifier: Apache-2.0
# A family that shares a pool, for the tests of rerate: its catalogs, calls, and what must come out.
# Wants $tollgate, $work and fail(). Makes $work/want, $work/base and $want:
#   base: 500 calls rated with the wrong catalog, the right one stored beside it
#   want: what 800 calls add up to when all are rated with the right one

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
  land: {unit: second, first: 60, next: 60, tariff: graduated,
         tiers: [{up_to: 6000, price: "$4"}, {up_to: 9000, price: "0.05"},
                 {up_to: 12000, price: "0.09"}, {up_to: 13500, price: "0.12"},
                 {up_to: 15000, price: "0.08"}, {up_to: 16500, price: "0.14"},
                 {up_to: 18000, price: "0.06"}, {price: "0.13"}]}
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
preallocate: false
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
first() { catalog "$1" 1 2026-01-01 0.10 0.02 60 20.00 1; }
second() { catalog "$1" 2 2026-10-01 0.14 0.03 90 30.00 9; }
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
