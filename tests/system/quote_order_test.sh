#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usage in any order of lines. If this failed, what a file costs would depend on how its lines were
# sorted, or old lines would be refused because a later one came first.
# Usage: quote_order_test.sh TOLLGATE
set -u
tollgate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "FAILED: $*"
    exit 1
}
mkdir "$work/c"
cat >"$work/c/catalog.yaml" <<'YAML'
catalog: {version: 1, valid_from: 2020-01-01, currency: EUR}
decks:
  d: {prefixes: {"49": a, "33": b}}
prices:
  pa: {unit: second, price: "0.01"}
  pb: {unit: second, price: "1"}
  pe: {unit: event, price: "3"}
allowances:
  al: {unit: second, amount: 50, services: [voice]}
plans:
  pl:
    voice: {deck: d, allowances: [al], prices: {a: pa, b: pb}}
    event: {price: pe}
products:
  prod: {plan: pl}
YAML
printf 'id,name\nA1,Ann\n' >"$work/c/accounts.csv"
printf 'id,account,product,msisdn\nS1,A1,prod,491500001\n' >"$work/c/subscribers.csv"
call() { # START SECONDS PEER
    printf '{"subscriber":"+491500001","service":"voice","start":"%s","duration_s":%s,"peer":"+%s"}\n' \
        "$1" "$2" "$3"
}
event() {
    printf '{"subscriber":"+491500001","service":"event","start":"%s","count":1}\n' "$1"
}
quote() { # OPTIONS: what each line came to, in the order of the answers
    "$tollgate" quote --catalog "$work/c" "$@" "$work/usage" 2>"$work/err" |
        grep -o '^{"line":[0-9]*,"fate":"[a-z]*"\(,"amount":"[^"]*"\|,"reason":"[^"]*"\)' |
        sed 's/{"line"://; s/,"fate":"[a-z]*","[a-z]*":"/ /; s/"$//' | tr '\n' ';'
}

# The call of the 3rd draws the 50 seconds, though it stands behind that of the 5th: 50 x 1 for that.
{ call 2026-03-05T10:00:00Z 50 331; echo '{"subscriber":'; call 2026-03-03T10:00:00Z 50 491; } \
    >"$work/usage"
got=$(quote)
[ "$got" = "1 50.00;2 SYNTAX;3 0.00;" ] || fail "by event: $got"
got=$(quote --order arrival)
[ "$got" = "1 0.00;2 SYNTAX;3 0.50;" ] || fail "by arrival: $got"
# At one instant the first line is first.
{ call 2026-03-05T10:00:00Z 30 331; call 2026-03-05T10:00:00Z 30 331; } >"$work/usage"
got=$(quote)
[ "$got" = "1 0.00;2 10.00;" ] || fail "at one instant: $got"
# A price without any counter, months back; by arrival the line's two months are what there is.
{ event 2026-10-25T00:30:00Z; event 2026-03-29T00:30:00Z; event 2026-06-01T15:58:30Z; } \
    >"$work/usage"
got=$(quote)
[ "$got" = "1 3.00;2 3.00;3 3.00;" ] || fail "months back: $got"
got=$(quote --order arrival)
[ "$got" = "1 3.00;2 PERIOD_CLOSED;3 PERIOD_CLOSED;" ] || fail "months back by arrival: $got"
"$tollgate" quote --catalog "$work/c" --order arrival "$work/usage" | grep -q "issued" &&
    fail "a bill is spoken of that nobody issued"
for month in 2026-03 2026-06 2026-10; do
    "$tollgate" bill run --catalog "$work/c" --usage "$work/usage" --period $month --json |
        grep -q '"taxExcludedAmount":{"unit":"EUR","value":3.00}' || fail "the bill of $month"
done
# A second run into the same data goes on where the first has left it: 30 of the 50 seconds are used, the
# first record is known, and usage of March, whose bill is issued, is late on that of April.
named() { # ID START SECONDS PEER
    call "$2" "$3" "$4" | sed "s/^{/{\"id\":\"$1\",/"
}
again() { # what lines of $work/usage came to, behind what is there
    "$tollgate" quote --data "$work/d" "$work/usage" 2>"$work/err" |
        sed -E 's/^\{"line":([0-9]*),("id":"[^"]*",)?"fate":"[a-z]*","(amount|reason)":"([^"]*)".*/\1 \4/' | tr '\n' ';'
}
bill_net() { # MONTH
    "$tollgate" bill run --data "$work/d" --period "$1" --issue >"$work/log"
    "$tollgate" bill show "B-$1-A1" --data "$work/d" --json |
        sed -E 's/.*"taxExcludedAmount":\{"unit":"EUR","value":([0-9.]*)\},"taxIncluded.*/\1/'
}
named r1 2026-03-05T10:00:00Z 30 331 >"$work/usage"
"$tollgate" quote --catalog "$work/c" --data "$work/d" "$work/usage" >"$work/log" || fail "the first run: $(cat "$work/log")"
[ "$(bill_net 2026-03)" = 0.00 ] || fail "the bill of March: $(bill_net 2026-03)"
{ named r1 2026-03-05T10:00:00Z 30 331; named r2 2026-03-06T10:00:00Z 30 331; named r1 2026-03-05T10:00:00Z 31 331
  call 2026-04-05T10:00:00Z 60 331; } >"$work/usage"
got=$(again)
[ "$got" = "1 DUPLICATE;2 10.00;3 DUP_CONFLICT;4 10.00;" ] || fail "the second run: $got"
call 2026-04-06T10:00:00Z 5 331 >"$work/usage"
got=$(again)
[ "$got" = "1 5.00;" ] || fail "the third run: $got"
[ "$(bill_net 2026-04)" = 25.00 ] || fail "the bill of April: $(bill_net 2026-04)"
"$tollgate" audit --data "$work/d" >"$work/log" || fail "audit: $(tail -1 "$work/log")"
# Not behind corrections: their counters are those of an engine.
sed 's/version: 1, valid_from: 2020/version: 2, valid_from: 2027/; s/"1"/"2"/' "$work/c/catalog.yaml" >"$work/catalog.yaml"
mv "$work/catalog.yaml" "$work/c/catalog.yaml"
"$tollgate" catalog import --catalog "$work/c" --data "$work/d" >"$work/log" 2>&1 || fail "import: $(cat "$work/log")"
"$tollgate" rerate --data "$work/d" --catalog 2 --from 2026-04-01 --to 2026-05-01 --post >"$work/log" || fail "rerate"
"$tollgate" quote --data "$work/d" "$work/usage" >"$work/log" 2>&1 && fail "usage behind corrections"
grep -q 'has rows of an engine, or corrections' "$work/log" || fail "$(cat "$work/log")"
"$tollgate" audit --data "$work/d" | grep -q '4 epochs' || fail "a run that was refused has written something"
"$tollgate" quote --catalog "$work/c" --order random "$work/usage" >/dev/null 2>&1
[ $? = 2 ] || fail "an order that is none"
echo "quote_order: by event, answered by line"
