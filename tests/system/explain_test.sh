#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# If this fails, a customer who asks why a call cost what it did gets an answer with a part missing:
# prefix, zone, band segments, increments, allowances, rounding or tax, as sentence and as JSON.
# Usage: explain_test.sh TOLLGATE
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
catalog: {version: 1, valid_from: 2026-01-01, currency: EUR}
taxes:
  vat: {rate: "19%"}
decks:
  world: {file: world.csv}
time_models:
  week:
    zone: Europe/Berlin
    default: off
    bands: [{band: peak, from: "08:00", to: "18:00"}]
prices:
  peak: {unit: second, price: "0.07", per: 60, first: 60, next: 6, decimals: 2}
  off: {unit: second, price: "0.03", per: 60, first: 60, next: 6, decimals: 2}
allowances:
  small: {unit: second, amount: 60, services: [voice], priority: 1}
  large: {unit: second, amount: 30, services: [voice], period: day}
plans:
  p:
    voice: {deck: world, prices: {"*": {peak: peak, off: off}}, time_model: week,
            allowances: [small, large]}
products:
  basic: {plan: p, tax: vat}
YAML
printf 'prefix,zone,valid_from,valid_to\n49,germany,,\n4930,germany,,2026-05-01\n' >"$work/c/world.csv"
printf '4930,berlin,2026-05-01,2026-07-01\n4930,mitte,2026-07-01,\n*,rest,,\n' >>"$work/c/world.csv"
printf 'id,name\nA1,Ann\n' >"$work/c/accounts.csv"
printf 'id,account,product,msisdn\nS1,A1,basic,4915112345678\n' >"$work/c/subscribers.csv"
# 17:58 in Berlin: two minutes of peak time, then off-peak.
echo '{"subscriber":"+4915112345678","service":"voice","peer":"+493012345","start":"2026-06-01T15:58:00Z","duration_s":301}' \
    >"$work/usage"
"$tollgate" quote --catalog "$work/c" --data "$work/d" "$work/usage" >"$work/quote" ||
    fail "quote: $(cat "$work/quote")"

for place in 1:0 2:0; do
    "$tollgate" explain "$place" --data "$work/d" >"$work/text" 2>"$work/err" && break
done
[ -s "$work/text" ] || fail "no row explains: $(cat "$work/err")"
for part in "prefix 4930 of deck world (valid from 2026-05-01T00:00:00Z)" \
    "(valid to 2026-07-01T00:00:00Z)" "zone berlin" "(band peak)" "(band off)" \
    "from 2026-06-01T15:58:00Z" "to 2026-06-01T16:00:00Z" "increments of 60 then 6" \
    "allowance large covers 30 second" "allowance small covers 60 second" \
    "rounding to the price's decimals" "vat at 19" "it is the same"; do
    grep -qF "$part" "$work/text" || fail "the sentence does not say '$part': $(cat "$work/text")"
done
"$tollgate" explain "$place" --data "$work/d" --json >"$work/json"
python3 - "$work/json" <<'PY' || fail "$(cat "$work/json")"
import json
import sys

row = json.load(open(sys.argv[1]))
row = row["rows"][0] if "rows" in row else row
assert row["prefix"] == "4930" and row["zone"] == "berlin", row
assert (row["deck"], row["deck_row_valid_from"], row["deck_row_valid_to"]) == (
    "world", "2026-05-01T00:00:00Z", "2026-07-01T00:00:00Z"), row
assert [piece["band"] for piece in row["steps"]] == ["peak", "off"], row["steps"]
assert {use["allowance"]: use["units"] for use in row["allowances"]} == {"small": 60, "large": 30}
assert row["rounding_change"] != "0" and row["tax"] == "vat", row
PY
echo "explain: every part told, as sentence and JSON"

# A closing cause that is not billable, and an answered call without a length.
sed -i -e 's/^plans:/causes: {isup: {billable: [16]}}\nplans:/' -e 's/time_model: week,/time_model: week, causes: isup, zero_usage: first,/' \
    "$work/c/catalog.yaml"
cat >"$work/usage" <<'JSON'
{"subscriber":"+4915112345678","service":"voice","peer":"+493012345","start":"2026-06-01T05:00:00Z","duration_s":301,"closing_cause":17}
{"subscriber":"+4915112345678","service":"voice","peer":"+493012345","start":"2026-06-01T05:30:00Z","duration_s":0,"closing_cause":16}
JSON
rm -rf "$work/d"
"$tollgate" quote --catalog "$work/c" --data "$work/d" "$work/usage" >"$work/quote" ||
    fail "quote: $(cat "$work/quote")"
"$tollgate" explain 1:0 --data "$work/d" >"$work/text"
grep -qF "closing cause 17 is not billable; charge 0.00 EUR" "$work/text" ||
    fail "what is not billable: $(cat "$work/text")"
grep -q '"is_not_billable":true' "$work/quote" || fail "quote: $(cat "$work/quote")"
"$tollgate" explain 1:1 --data "$work/d" >"$work/text"
grep -qF "no usage is priced as the least there is: 1 second used" "$work/text" ||
    fail "an answered call without a length: $(cat "$work/text")"

# Usage that is taken back: explained as what it cost, and units of a bill's line go down.
sed -i -e 's/allowances: \[small, large\]/negative_usage: reverse/' "$work/c/catalog.yaml"
cat >"$work/usage" <<'JSON'
{"subscriber":"+4915112345678","service":"voice","peer":"+493012345","start":"2026-06-01T05:00:00Z","duration_s":60,"closing_cause":16}
{"subscriber":"+4915112345678","service":"voice","peer":"+493012345","start":"2026-06-01T05:00:00Z","duration_s":-300,"closing_cause":16}
JSON
rm -rf "$work/d"
"$tollgate" quote --catalog "$work/c" --data "$work/d" "$work/usage" >"$work/quote" ||
    fail "quote: $(cat "$work/quote")"
"$tollgate" explain 1:1 --data "$work/d" >"$work/text"
grep -qF "taken back is what this cost: 300 second used" "$work/text" &&
    grep -qF "charge -0.15 EUR" "$work/text" || fail "usage taken back: $(cat "$work/text")"
"$tollgate" bill run --catalog "$work/c" --usage "$work/usage" --period 2026-06 --json >"$work/bill"
grep -q '"x_units":-240000,"x_billedUnits":-240[,}]' "$work/bill" || fail "bill: $(cat "$work/bill")"

# A call cut where a row of its deck begins names each part, its time and its price.
sed -i -e 's/negative_usage: reverse/rate_change: split/' -e 's/prices: {"\*": {peak: peak, off: off}}/prices: {berlin: off, "*": peak}/' \
    -e 's/time_model: week,//' "$work/c/catalog.yaml"
echo '{"subscriber":"+4915112345678","service":"voice","peer":"+493012345","start":"2026-04-30T23:59:00Z","duration_s":90,"closing_cause":16}' \
    >"$work/usage"
rm -rf "$work/d"
"$tollgate" quote --catalog "$work/c" --data "$work/d" "$work/usage" >"$work/quote" ||
    fail "quote: $(cat "$work/quote")"
"$tollgate" explain 1:0 --data "$work/d" >"$work/text"
grep -qF "60 second from 2026-04-30T23:59:00Z to 2026-05-01T00:00:00Z (step 1: 0.07 per 60) cost 0.07" "$work/text" &&
    grep -qF "30 second from 2026-05-01T00:00:00Z to 2026-05-01T00:00:30Z at price off" "$work/text" ||
    fail "a call across a rate change: $(cat "$work/text")"

# A call to a ported number: the deck is asked for where it was routed, both numbers are told.
sed -i -e 's/rate_change: split/number: routed/' "$work/c/catalog.yaml"
echo '{"subscriber":"+4915112345678","service":"voice","peer":"+4366012345","routed_to":"+493012345","start":"2026-06-01T06:00:00Z","duration_s":90,"closing_cause":16}' \
    >"$work/usage"
rm -rf "$work/d"
"$tollgate" quote --catalog "$work/c" --data "$work/d" "$work/usage" >"$work/quote" ||
    fail "quote: $(cat "$work/quote")"
"$tollgate" explain 1:0 --data "$work/d" >"$work/text"
grep -qF "to 4366012345, routed to 493012345, prefix 4930 of deck world" "$work/text" ||
    fail "a ported number: $(cat "$work/text")"

# The second record of a call: what the price says of a call holds over both.
sed -i -e 's/first: 60, next: 6, decimals: 2}/first: 60, next: 6, minimum: 90, decimals: 2}/' "$work/c/catalog.yaml"
cat >"$work/usage" <<'JSON'
{"subscriber":"+4915112345678","service":"voice","peer":"+493012345","start":"2026-06-01T06:00:00Z","duration_s":60,"flags":["partial"],"closing_cause":16}
{"subscriber":"+4915112345678","service":"voice","peer":"+493012345","start":"2026-06-01T06:01:00Z","duration_s":61,"closing_cause":16}
JSON
rm -rf "$work/d"
"$tollgate" quote --catalog "$work/c" --data "$work/d" "$work/usage" >"$work/quote" ||
    fail "quote: $(cat "$work/quote")"
"$tollgate" explain 1:0 --data "$work/d" >"$work/text"
grep -qF "60 second used, raised to the minimum of 90, by increments of 60 then 6, make 90 second;" "$work/text" ||
    fail "the first record of a call: $(cat "$work/text")"
"$tollgate" explain 1:1 --data "$work/d" >"$work/text"
grep -qF "61 second used, with 60 of its call before, by increments of 60 then 6, make 126 second, 36 of them new;" \
    "$work/text" || fail "the second record of a call: $(cat "$work/text")"

# Usage of months before, of cycles that end within a month: what is looked at begins in the midst of
# one, and a row there was covered in part only, as rows before it had used the allowance.
mkdir "$work/h"
cat >"$work/h/catalog.yaml" <<'YAML'
catalog: {version: 1, valid_from: 2026-01-01, currency: EUR}
prices: {s: {unit: second, price: "0.01"}}
allowances:
  a: {unit: second, amount: 100, services: [voice], period: cycle, priority: 1}
  b: {unit: second, amount: 20, services: [voice], period: PERIOD}
plans: {p: {voice: {price: s, allowances: LIST}}}
products: {one: {plan: p}}
YAML
printf 'id,cycle_day,bill_period,bill_period_count,cycle_from\nA,15,,,\nW,,week,8,2026-03-09\n' \
    >"$work/h/accounts.csv"
printf 'id,account,product,msisdn\ns1,A,one,491\ns2,W,one,492\n' >"$work/h/subscribers.csv"
for day in 01-20 02-10 03-05 03-20 03-28 04-05 04-20 05-08 06-20 06-25 07-02; do
    for who in 491 492; do
        printf '{"subscriber":"%s","service":"voice","peer":"4930","start":"2026-%sT10:00:00Z","duration_s":70}\n' \
            "$who" "$day"
    done
done >"$work/usage"
for kind in "[a]/day" "[a, b]/day" "[b]/month, period_from: start, period_count: 3"; do
    period=${kind#*/}
    rm -rf "$work/k" "$work/d"
    cp -r "$work/h" "$work/k"
    sed -i "s/LIST/${kind%/*}/; s/PERIOD/$period/" "$work/k/catalog.yaml"
    "$tollgate" quote --catalog "$work/k" --data "$work/d" "$work/usage" >/dev/null || fail "quote, $kind"
    "$tollgate" bill run --data "$work/d" --period 2026-07 >/dev/null || fail "bill run, $kind"
    "$tollgate" explain B-20260615-20260715-A:1 --data "$work/d" --all >"$work/text" ||
        fail "the line of a cycle behind others, $kind: $(cat "$work/text")"
    grep -q "3 rows sum to" "$work/text" || fail "$kind: $(cat "$work/text")"
    "$tollgate" whatif --catalog "$work/k" --data "$work/d" --from 2026-06-10 --to 2026-07-15 --json >"$work/json" ||
        fail "whatif, $kind"
    jq -e '.rows == 6 and .difference == "0.00"' "$work/json" >/dev/null || fail "whatif, $kind: $(cat "$work/json")"
done
