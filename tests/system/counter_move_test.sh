#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# If this fails, a new catalog version within a month lets a customer begin at the first tier again,
# or counts for him what he has used of something else.
# Usage: counter_move_test.sh TOLLGATE
set -u
tollgate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "FAILED: $*"
    exit 1
}
version() { # NUMBER VALID_FROM PRICES
    rm -rf "$work/c$1" && mkdir "$work/c$1"
    cat >"$work/c$1/catalog.yaml" <<YAML
catalog: {version: $1, valid_from: $2, currency: EUR}
prices:
  near: {unit: second, tariff: graduated, tiers: [{up_to: 10, price: "1"}, {price: "0"}]}
  far: {unit: second, price: "0.01"}
decks:
  d: {prefixes: {"49": a, "33": b}}
plans:
  talk:
    voice: {deck: d, prices: {$3}}
products:
  basic: {plan: talk}
YAML
    printf 'id,name\nA1,Ann\n' >"$work/c$1/accounts.csv"
    printf 'id,account,product,msisdn\nS1,A1,basic,4915112345678\n' >"$work/c$1/subscribers.csv"
}
import() { "$tollgate" catalog import --catalog "$work/c$1" --data "$work/d" >"$work/log" 2>&1; }
row() { # DAY SECONDS PEER
    printf '{"subscriber":"+4915112345678","service":"voice","start":"2026-%sT10:00:00Z",' "$1"
    printf '"duration_s":%s,"peer":"+%s"}\n' "$2" "$3"
}

version 1 2026-01-01 "a: near"
import 1 || fail "the first version: $(cat "$work/log")"
version 2 2026-03-15 "a: near, b: far"
import 2 && fail "a counter moved in mid-month"
grep -q "catalog.yaml:3:3: error: price near: other prices stand beside it now" "$work/log" ||
    fail "the mistake is not placed: $(cat "$work/log")"
version 2 2026-03-01 "a: near, b: far"
import 2 || fail "at the start of a month: $(cat "$work/log")"
version 3 2026-03-20 "a: near"
import 3 || fail "a counter that stays on its shelf: $(cat "$work/log")"
# 6 of 10 in March, then 4 more at 1 and the rest for nothing, whatever stands beside it by then.
{ row 02-05 8 491; row 03-05 20 331; row 03-06 6 491; row 03-25 9 491; } |
    "$tollgate" quote --data "$work/d" >"$work/out" 2>&1 || fail "$(cat "$work/out")"
got=$(grep -o '"amount":"[0-9.]*","currency"' "$work/out" | cut -d'"' -f4 | tr '\n' ' ')
[ "$got" = "8.00 0.20 6.00 4.00 " ] || fail "charges $got"
"$tollgate" rerate --data "$work/d" | grep -q "nothing to post" || fail "a rerate finds differences"
# A folder that is only asked about goes on from what is stored too: 4 of the 9 seconds cost 1, though
# it has another price with tiers before this one.
version 9 2026-03-01 "a: near, b: first"
sed -i 's/^prices:/&\n  first: {unit: second, tariff: graduated, tiers: [{up_to: 5, price: "2"}, {price: "1"}]}/' \
    "$work/c9/catalog.yaml"
"$tollgate" whatif --data "$work/d" --catalog "$work/c9" --from 2026-03-25 --to 2026-04-01 --json \
    >"$work/out" 2>&1 || fail "$(cat "$work/out")"
grep -q '"before":"4.00","after":"4.00","difference":"0.00"' "$work/out" || fail "$(cat "$work/out")"
echo "counter_move: a counter goes on from version to version, or begins with a month"
