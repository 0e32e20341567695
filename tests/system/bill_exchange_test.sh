#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bills of accounts in another currency than the catalog's: fees in advance and what comes back of them,
# minimum, maximum and discounts at the rates of their instants, usage at the rates of its events. Each
# amount was worked out by hand. If this failed, a rate of another day would be on somebody's bill, or
# one account without a rate would stop everybody's bills.
set -eu
tollgate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
mkdir "$work/c"
cat >"$work/c/catalog.yaml" <<'YAML'
catalog: {version: 1, valid_from: 2025-01-01, currency: EUR, account_zones: [America/New_York]}
exchange_rates:
  usd_spring: {from: EUR, to: USD, rate: "1.10", valid_from: 2025-01-01, valid_to: 2026-06-01}
  usd_summer: {from: EUR, to: USD, rate: "1.20", valid_from: 2026-06-01}
  gbp: {from: GBP, to: USD, rate: "2.00", valid_from: 2025-01-01, valid_to: 2026-06-16}
  gbp_later: {from: GBP, to: USD, rate: "3.00", valid_from: 2026-06-16}
  gbp_eur: {from: GBP, to: EUR, rate: "1.50", valid_from: 2025-01-01}
  chf: {from: EUR, to: CHF, rate: "0.90", valid_from: 2025-01-01, valid_to: 2026-07-01}
prices:
  gbp: {unit: second, price: "0.10", currency: GBP}
  least: {unit: second, price: "0.10", currency: GBP, spend_limit: least}
spend_limits: {least: {minimum: "50.00"}}
plans:
  gbp: {voice: {price: gbp}}
  least: {voice: {price: least}}
products:
  ahead: {fee: "31.00", in_advance: true}
  ahead_more: {fee: "62.00", in_advance: true}
  capped: {plan: gbp, maximum: "10.00", discount: 10%, discount_amount: "1.00"}
  floor: {plan: gbp, minimum: "50.00"}
  least: {plan: least}
YAML
cat >"$work/c/accounts.csv" <<'CSV'
id,currency,zone
usd,USD,
york,USD,America/New_York
change,USD,
chf,CHF,
eur,EUR,
cap,USD,
cap_eur,EUR,
floor,USD,
least,USD,
CSV
cat >"$work/c/subscribers.csv" <<'CSV'
id,account,product,msisdn,active_from,active_to
s1,usd,ahead,491,2026-01-01,2026-06-16
s2,york,ahead,492,2026-01-01,
s3,change,ahead,493,2026-01-01,2026-06-16
s4,change,ahead_more,493,2026-06-16,
s5,chf,ahead,495,2026-01-01,
s6,eur,ahead,496,2026-01-01,
s7,cap,capped,497,2026-01-01,
s8,cap_eur,capped,498,2026-01-01,
s9,floor,floor,499,2026-01-01,
s10,least,least,4910,2026-01-01,
CSV
call() { # NUMBER START SECONDS
    printf '{"subscriber":"%s","service":"voice","start":"%s","duration_s":%s}\n' "$1" "$2" "$3"
}
for n in 497 498 499 4910; do
    call $n 2026-06-01T10:00:00Z 100
    call $n 2026-06-20T10:00:00Z 50
done >"$work/usage"
"$tollgate" quote --catalog "$work/c" --data "$work/data" "$work/usage" >"$work/log"
run() { # MONTH EXIT
    local code=0
    "$tollgate" bill run --data "$work/data" --period "$1" --issue --json >"$work/run" 2>"$work/err" || code=$?
    [ "$code" = "$2" ] || { echo "FAILED: run of $1 exits $code: $(cat "$work/run" "$work/err")"; bad=1; }
}
expect() { # BILL AMOUNT...: of its lines, in order
    local bill=$1 found
    shift
    found=$("$tollgate" bill show "$bill" --data "$work/data" --json 2>"$work/log" |
        grep -o '"x_amount":"[^"]*' | sed 's/.*"//' | tr '\n' ' ')
    if [ "${found% }" != "$*" ]; then
        echo "FAILED: $bill: $found, not $*"
        bad=1
    fi
}
run 2026-05 0
# The first bill has May at the rate of its last instant, and June at that of June's first.
expect B-2026-05-usd 34.10 37.20
expect B-2026-05-york 37.20 37.20    # May ends at 04:00 UTC of the first, and rates change at 00:00
expect B-2026-05-chf 27.90 27.90
expect B-2026-05-eur 31.00 31.00
run 2026-06 1
# 15 of 30 days come back at the rate they were charged with.
expect B-2026-06-usd -18.60
expect B-2026-06-change -18.60 37.20 74.40
# Nobody says what a franc is from July on: that account fails, by name, and the others do not.
grep -q '"failed":1' "$work/run" && grep -q "account not billed: NO_EXCHANGE_RATE: the fee of s5" "$work/err" || { echo "FAILED: $(cat "$work/run" "$work/err")"; bad=1; }
expect B-2026-06-chf
expect B-2026-06-eur 31.00
# 10.00 pounds at 2.00 and 5.00 at 3.00: two rates, two lines; 10 % and 1.20 off; the maximum is 12.00.
expect B-2026-06-cap 20.00 15.00 -3.50 -1.20 -18.30
expect B-2026-06-cap_eur 22.50 -2.25 -1.00 -9.25
expect B-2026-06-floor 20.00 15.00 25.00    # 50.00 euros are 60.00 dollars
expect B-2026-06-least 20.00 15.00 25.00    # of a price
"$tollgate" bill show B-2026-06-cap --data "$work/data" --json |
    grep -q '"x_exchange":{"rateId":"gbp","from":"GBP","exactAmount":"10.00","rate":"2.00"}' ||
    { echo "FAILED: a line does not say its rate"; bad=1; }
[ "$bad" = 0 ] && echo "bill_exchange: all amounts as worked out by hand"
exit "$bad"
