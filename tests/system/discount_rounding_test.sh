#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The DISCOUNT stage rounds by itself, and what a bill works out is at the catalog's rating scale. If this fails, a
# contract that promises whole cents of discount, cut down, is discounted at the rating scale, or one that promises
# fees of three decimals bills eight. 12.5 % of 1.01 is 0.12625; all amounts are worked out by hand.
# Usage: discount_rounding_test.sh TOLLGATE
set -u
tollgate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
mkdir "$work/c"
printf 'id\nA1\n' >"$work/c/accounts.csv"
printf 'id,account,product,msisdn\nS1,A1,p,+491500001\n' >"$work/c/subscribers.csv"
echo '{"subscriber":"+491500001","service":"event","start":"2026-03-02T10:00:00Z","count":101}' >"$work/usage"
# expect OPTIONS EXACT-DISCOUNT
expect() {
    cat >"$work/c/c.yaml" <<YAML
catalog: {version: 1, valid_from: 2026-01-01, currency: EUR}
prices: {e: {unit: event, price: "0.01"}}
plans: {p: {event: {price: e}}}
products: {p: {plan: p, discount: 12.5%$1}}
YAML
    found=$("$tollgate" bill run --catalog "$work/c" --usage "$work/usage" --period 2026-03 --json 2>&1 |
        grep -o '"x_kind":"discount","x_subscription":"S1","x_exactAmount":"[^"]*' | sed 's/.*"//')
    [ "$found" = "$2" ] || { echo "FAILED: discount$1: $found, not $2"; bad=1; }
}
expect '' -0.12625
expect ', discount_decimals: 2' -0.13
expect ', discount_decimals: 2, discount_rounding: down' -0.12
expect ', discount_decimals: 4, discount_rounding: half_even' -0.1262
expect ', discount_decimals: 4' -0.1263
expect ', discount_decimals: 0, discount_rounding: up' -1.00

# Three decimals in EUR, none in JPY: 1.01 / 3 is 0.33666.., twenty days of 31 of 10.00 are 6.4516.., 12.5 % of 0.337
# are 0.042125 and a minimum of usage of 20.00 is 12.9032.. for these days; in JPY 53.96.., 1032.9.., 6.75 and 2065.8..
# of what are 1601 and 3202. What is once is rounded once, as is what is whole.
# lines WANTED...: all lines of three accounts, as KIND:AMOUNT
lines() {
    found=$("$tollgate" bill run --catalog "$work/c" --usage "$work/usage" --period 2026-03 --json 2>&1 |
        grep -oE '"x_kind":"[a-z_]*"|"x_exactAmount":"[^"]*' | sed 's/.*:"//; s/"$//' | paste -sd: |
        sed -E 's/:([a-z])/ \1/g')
    [ "$found" = "$*" ] || { echo "FAILED: $found, not $*"; bad=1; }
}
cat >"$work/c/c.yaml" <<YAML
catalog: {version: 1, valid_from: 2026-01-01, currency: EUR, rating_digits: 1, rating_digits_of: {JPY: 0}}
exchange_rates: {j: {from: EUR, to: JPY, rate: "160.123", valid_from: 2026-01-01}}
prices: {e: {unit: event, price: "0.01", per: 3}}
plans: {p: {event: {price: e}}}
products:
  p: {plan: p, fee: "10.00", discount: 12.5%, minimum: "20.00"}
  once: {fee: "0.12345", period: ever}
  whole: {fee: "9.99995"}
YAML
printf 'id,currency\nA1,EUR\nA2,EUR\nA3,JPY\n' >"$work/c/accounts.csv"
cat >"$work/c/subscribers.csv" <<CSV
id,account,product,msisdn,active_from
S1,A1,p,+491500001,2026-03-12
S2,A2,once,+491500002,2026-03-12
S3,A2,whole,+491500003,2026-01-01
S4,A3,p,+491500004,2026-03-12
CSV
cat >"$work/usage" <<JSON
{"subscriber":"+491500001","service":"event","start":"2026-03-20T10:00:00Z","count":101}
{"subscriber":"+491500004","service":"event","start":"2026-03-20T10:00:00Z","count":101}
JSON
lines recurring:6.452 usage:0.337 discount:-0.042 minimum:12.608 one_off:0.123 recurring:10.00 \
    recurring:1033 usage:54 discount:-7 minimum:2019

# Six calls of one second at a third of a euro: 1.98 by the cent, 2.00 exactly, or when remainders are kept. Of the month
# before nothing is billed. A sum that is not that of the rows, or not rounded as the price says, is told.
cat >"$work/c/c.yaml" <<YAML
catalog: {version: 1, valid_from: 2026-01-01, currency: EUR}
prices:
  cut: {unit: event, price: "1", per: 3, decimals: 2}
  kept: {unit: second, price: "1", per: 3, rounding: none, decimals: 2}
plans: {p: {event: {price: cut}, voice: {price: kept}}}
products: {p: {plan: p}}
YAML
printf 'id\nA1\n' >"$work/c/accounts.csv"
printf 'id,account,product,msisdn\nS1,A1,p,+491500001\n' >"$work/c/subscribers.csv"
for second in 0 1 2 3 4 5; do
    at="\"subscriber\":\"+491500001\",\"start\":\"2026-03-02T10:00:0${second}Z\""
    echo "{$at,\"service\":\"event\",\"count\":1}"
    echo "{$at,\"service\":\"voice\",\"duration_s\":1}"
done | "$tollgate" quote --catalog "$work/c" --data "$work/d" >"$work/out" || bad=1
# An interim bill, and a void one, have the rows of the bill that stands once more.
run() { "$tollgate" bill run --data "$work/d" --period 2026-03 --issue "$@" >"$work/out" || bad=1; }
run --account A1 --until 2026-03-20
run
"$tollgate" bill void B-2026-03-A1 --data "$work/d" --date 2026-04-02 --title r >"$work/out" || bad=1
run
for period in 2026-02 2026-03; do
    "$tollgate" bill residuals --data "$work/d" --period "$period" --json
done >"$work/out" || bad=1
cat >"$work/want" <<JSON
{"price":"kept","catalog_version":1,"currency":"EUR","rows":6,"charged":"2.00","exact":"2.00","rounded_once":"2.00","difference":"0.00"}
{"price":"cut","catalog_version":1,"currency":"EUR","rows":6,"charged":"1.98","exact":"2.00","rounded_once":"2.00","difference":"-0.02"}
{"currency":"EUR","rows":12,"charged":"3.98","exact":"4.00","difference":"-0.02"}
JSON
diff <(sort "$work/want") <(sort "$work/out") || bad=1

[ "$bad" = 0 ] && echo "discount rounding: its own scale and mode; rating digits on bills; what rounding makes of them"
exit "$bad"
