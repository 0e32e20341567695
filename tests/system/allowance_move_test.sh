#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# If this fails, a new catalog version within a month grants what a customer has already used again.
# Usage: allowance_move_test.sh TOLLGATE
set -u
tollgate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "FAILED: $*"
    exit 1
}
version() { # NUMBER VALID_FROM ALLOWANCES
    rm -rf "$work/c" && mkdir "$work/c"
    cat >"$work/c/catalog.yaml" <<YAML
catalog: {version: $1, valid_from: $2, currency: EUR}
prices:
  min: {unit: minute, price: "0.10"}
allowances:
  free: {unit: minute, amount: 100, services: [voice]}
  more: {unit: minute, amount: 10, services: [voice]}
plans:
  talk:
    voice: {price: min, allowances: [$3]}
products:
  basic: {plan: talk}
YAML
    printf 'id,name\nA1,Ann\n' >"$work/c/accounts.csv"
    printf 'id,account,product,msisdn\nS1,A1,basic,4915112345678\n' >"$work/c/subscribers.csv"
}
import() { "$tollgate" catalog import --catalog "$work/c" --data "$work/d" >"$work/log" 2>&1; }

version 1 2026-01-01 free
import || fail "the first version: $(cat "$work/log")"
version 2 2026-03-15 "free, more"
import && fail "an allowance moved in mid-month"
grep -q "catalog.yaml:8:3: error: plan talk: allowance free becomes one of several" "$work/log" ||
    fail "the mistake is not placed: $(cat "$work/log")"
version 2 2026-03-01 "free, more"
import || fail "at the start of a month: $(cat "$work/log")"
version 3 2026-04-10T12:00:00Z free
import && fail "an allowance moved back in mid-month"
version 3 2026-04-10T12:00:00Z "more, free"
import || fail "a list that stays a list: $(cat "$work/log")"
echo "allowance_move: moves only at the start of a month"
