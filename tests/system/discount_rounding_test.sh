#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The DISCOUNT stage rounds by itself. If this fails, a contract that promises whole cents of discount, cut
# down, is discounted at the rating scale. 12.5 % of 1.01 is 0.12625, worked out by hand.
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
[ "$bad" = 0 ] && echo "discount rounding: its own scale and mode"
exit "$bad"
