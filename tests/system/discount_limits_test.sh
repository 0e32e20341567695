#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Discounts with limits: from a sum on, up to a most, in the first cycles only. Each amount was worked out by
# hand. If this failed, an offer of three months would last for ever, or one without a bound cost a fortune.
set -u
tollgate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
fail() {
    echo "FAILED: $*"
    bad=1
}
mkdir "$work/c"
cat >"$work/c/c.yaml" <<'YAML'
catalog: {version: 1, valid_from: 2026-01-01, currency: EUR}
exchange_rates: {usd: {from: EUR, to: USD, rate: "1.5", valid_from: 2025-01-01}}
prices: {e: {unit: event, price: "0.01"}}
plans: {p: {event: {price: e}}}
products:
  most: {plan: p, discount: 20%, discount_max: "5.00"}
  from: {plan: p, discount: 10%, discount_amount: "1.00", discount_from: "20.00"}
  three: {plan: p, fee: "10.00", discount: 50%, discount_on: fees, discount_cycles: 3}
YAML
cat >"$work/c/accounts.csv" <<'CSV'
id,currency,cycle_day
below,,
at,,
above,,
dollars,USD,
less,,
enough,,
new,,
ever,,
mid,,15
CSV
cat >"$work/c/subscribers.csv" <<'CSV'
id,account,product,msisdn,active_from
s1,below,most,4901,
s2,at,most,4902,
s3,above,most,4903,
s4,dollars,most,4904,
s5,less,from,4905,
s6,enough,from,4906,
s7,new,three,4907,2026-03-21
s8,ever,three,4908,
s9,mid,three,4909,2026-03-14
CSV
n=0
for count in 2499 2500 2501 2501 1999 2000; do
    n=$((n + 1))
    printf '{"subscriber":"490%s","service":"event","start":"2026-03-02T10:00:00Z","count":%s}\n' "$n" "$count"
done >"$work/usage"
"$tollgate" catalog import --catalog "$work/c" --data "$work/d" >"$work/log" || fail "import: $(cat "$work/log")"
"$tollgate" quote --catalog "$work/c" --data "$work/d" "$work/usage" >"$work/log" || fail "quote: $(cat "$work/log")"
for month in 03 04 05 06; do
    "$tollgate" bill run --data "$work/d" --period "2026-$month" --issue >"$work/log" || fail "run: $(cat "$work/log")"
done
"$tollgate" bill list --data "$work/d" --full >"$work/bills"
# expect BILL NET "TITLE EXACT ...": the discounts in order.
expect() {
    found=$(python3 - "$1" "$work/bills" <<'PYTHON'
import decimal
import json
import sys
for line in open(sys.argv[2]):
    bill = json.loads(line, parse_float=decimal.Decimal, parse_int=decimal.Decimal)
    if bill["id"] == sys.argv[1]:
        print(bill["taxExcludedAmount"]["value"], *(" ".join([x["x_title"], x["x_exactAmount"]])
                                                    for x in bill["x_line"] if x["x_kind"] == "discount"))
PYTHON
    )
    [ "$found" = "$2${3:+ $3}" ] || fail "$1: $found, not $2 $3"
}
expect B-2026-03-below 19.99 "discount -4.998"     # of 24.99
expect B-2026-03-at 20.00 "discount -5.00"
expect B-2026-03-above 20.01 "discount_max -5.00"  # 5.002
expect B-2026-03-dollars 30.02 "discount_max -7.50" # 37.515, of which 7.503; the most is 5.00 x 1.5
expect B-2026-03-less 19.99 ""
expect B-2026-03-enough 17.00 "discount -2.00 discount_amount -1.00"
expect B-2026-03-new 1.77 "discount -1.77419355"    # 10.00 x 11 / 31, half of it
expect B-2026-04-new 5.00 "discount -5.00"
expect B-2026-05-new 5.00 "discount -5.00"
expect B-2026-06-new 10.00 ""
expect B-2026-03-ever 10.00 ""
# A cycle that began on the 15th of February is the first, though one day of it was there.
expect B-20260215-20260315-mid 0.18 "discount -0.17857143"
expect B-20260415-20260515-mid 5.00 "discount -5.00"
expect B-20260515-20260615-mid 10.00 ""

"$tollgate" explain B-2026-03-above:2 --data "$work/d" >"$work/out" || fail "explain: $(cat "$work/out")"
grep -qF ': discount of 20 % of 25.01, what the usage lines make, but at most so much a cycle; exactly -5.00' "$work/out" ||
    fail "explain: $(cat "$work/out")"

mistake() { # KEYS TEXT
    mkdir -p "$work/m"
    printf 'catalog: {version: 1, valid_from: 2026-01-01, currency: EUR}\nproducts: {a: {%s}}\n' "$1" >"$work/m/c.yaml"
    "$tollgate" catalog check --catalog "$work/m" >"$work/log" 2>&1 && fail "$1 is fine"
    grep -qF -- "$2" "$work/log" || fail "$1: $(cat "$work/log")"
}
mistake 'discount_max: "1.00"' 'c.yaml:2:30: error: discount_max: the product has no discount'
mistake 'discount_amount: "1.00", discount_max: "1.00"' 'error: discount_max: the product has no discount'
mistake 'discount_from: "1.00"' 'error: discount_from: the product has no discount'
mistake 'discount_cycles: 3' 'error: discount_cycles: the product has no discount'
mistake 'discount: 1%, discount_cycles: 0' 'error: discount_cycles'
mistake 'discount: 1%, discount_max: "0.00"' 'error: discount_max: "0.00" leaves no discount'
mistake 'discount: 1%, discount_max: "-1.00"' 'error: discount_max'
[ "$bad" = 0 ] && echo "discount limits: from a sum, up to a most, so many cycles"
exit "$bad"
