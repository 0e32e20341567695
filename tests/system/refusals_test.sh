#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# If this fails, one mistake is told as several, of which some are not true, or one wrong line of a file
# keeps all the others out.
# Usage: refusals_test.sh TOLLGATE
set -u
tollgate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "FAILED: $*"
    exit 1
}

# catalog YAML SUBSCRIBER: a folder with these additions.
catalog() {
    mkdir -p "$work/c"
    cat >"$work/c/c.yaml" <<YAML
catalog: {version: 1, valid_from: 2026-01-01, currency: EUR}
networks: {fr: {plmn: "20801", zone: home}}
prices:
  pk: {unit: second, price: "2"}
  of: {unit: second, price: "1"}
$1
YAML
    printf 'id\nA1\n' >"$work/c/accounts.csv"
    printf 'id,account,product,msisdn,active_from,active_to\n%s\n' "$2" >"$work/c/subscribers.csv"
}
bands() {
    echo "time_models: {t: {default: peak, bands: [{band: off, from: \"$1\", to: \"$2\"}]}}"
    echo 'plans: {p: {voice: {time_model: t, prices: {"*": {peak: pk, off: of}}}}}'
    echo 'products: {base: {plan: p}}'
}
ann=S1,A1,base,+491500001,2026-01-01,

# One mistake, one message: nothing of bands that a refused rule brings, nothing of files that a
# refused catalog would have made.
catalog "$(bands 22:00 22:00)" "$ann"
"$tollgate" bill run --catalog "$work/c" --usage /dev/null --period 2026-03 >"$work/out" 2>&1 &&
    fail "a band of no time"
grep -q "from and to are the same" "$work/out" || fail "$(cat "$work/out")"
grep -q "1 error, 0 warnings" "$work/out" || fail "more than one: $(cat "$work/out")"
[ "$(grep -c '^tollgate bill:' "$work/out")" = 1 ] || fail "more than one: $(cat "$work/out")"
catalog "$(bands 8:00 9:30:30)" "$ann"
"$tollgate" catalog check --catalog "$work/c" >"$work/out" 2>&1 && fail "8:00"
grep -q '2 errors, 0 warnings' "$work/out" || fail "each time once: $(cat "$work/out")"
grep -q 'to: "9:30:30" is no wall time; write "08:00"' "$work/out" || fail "$(cat "$work/out")"

# Ordered and cancelled in one: a warning, no fee, and the number is free for who has it next.
catalog "$(bands 22:00 24:00 | sed 's/plan: p}/plan: p, fee: "5", period: ever}/')" \
    "S1,A1,base,+491500001,2026-03-05,2026-03-05
S2,A1,base,+491500001,2026-03-05,"
usage='{"subscriber":"+491500001","service":"voice","start":"2026-03-05T10:00:00Z"'
echo "$usage,\"duration_s\":3}" >"$work/usage"
"$tollgate" bill run --catalog "$work/c" --usage "$work/usage" --period 2026-03 --json \
    >"$work/out" 2>"$work/err" || fail "never active: $(cat "$work/err")"
grep -q "warning: active_to is active_from: the subscription is never active" "$work/err" ||
    fail "$(cat "$work/err")"
[ "$(grep -o '"x_subscription":"S2","x_exactAmount":"[0-9.]*' "$work/out" | sed 's/.*"//' | tr '\n' ' ')" = \
    "6.00 5.00 " ] || fail "$(cat "$work/out")"
grep -q '"S1"' "$work/out" && fail "never active and billed: $(cat "$work/out")"

# Usage: the reason that README names, and never one of two values.
{
    echo "$usage,\"duration_s\":1,\"serving_network\":\"99999\"}"
    echo "$usage,\"duration_s\":1,\"serving_network\":\"nowhere\"}"
    echo "$usage,\"duration_s\":1,\"duration_ms\":5000}"
} >"$work/usage"
"$tollgate" quote --catalog "$work/c" "$work/usage" >"$work/out" 2>"$work/err"
grep -q '"line":1.*"reason":"UNKNOWN_NETWORK"' "$work/out" || fail "$(cat "$work/out")"
grep -q '"line":2.*"reason":"SYNTAX"' "$work/out" || fail "$(cat "$work/out")"
grep -q '"line":3.*"at":"3:77".*duration_s: give it or duration_ms, not both' "$work/out" ||
    fail "$(cat "$work/out")"

# A record that comes again is priced once, told as one, and the rest of the file is billed; 3,000
# ids let the table grow.
{
    for ((i = 0; i < 3000; i++)); do echo "$usage,\"duration_s\":1,\"id\":\"r$i\"}"; done
    echo "$usage,\"duration_s\":1,\"id\":\"r7\"}"
    echo "$usage,\"duration_s\":2,\"id\":\"r2999\"}"
    echo "$usage,\"duration_s\":1}"
    echo "$usage,\"duration_s\":1}"
} >"$work/usage"
"$tollgate" bill run --catalog "$work/c" --usage "$work/usage" --period 2026-03 --json \
    >"$work/out" 2>"$work/err" || fail "records again: $(cat "$work/err")"
grep -q '"line":3001,"id":"r7","fate":"duplicate","reason":"DUPLICATE"' "$work/err" || fail "$(cat "$work/err")"
grep -q '"line":3002,"id":"r2999","fate":"suspended","reason":"DUP_CONFLICT"' "$work/err" ||
    fail "$(cat "$work/err")"
[ "$(grep -c '"line"' "$work/err")" = 2 ] || fail "$(grep '"line"' "$work/err")"
grep -q '"x_rows":3002,' "$work/out" || fail "$(cat "$work/out")"
"$tollgate" quote --catalog "$work/c" --fresh "$work/usage" 2>"$work/err" | grep -q duplicate && fail "--fresh"
"$tollgate" quote --catalog "$work/c" --data "$work/kept" "$work/usage" >"$work/out" 2>"$work/err"
"$tollgate" audit --data "$work/kept" >"$work/out" || fail "audit: $(cat "$work/out")"

# A data directory without any bill says so.
"$tollgate" catalog import --catalog "$work/c" --data "$work/d" >"$work/out" 2>&1
"$tollgate" explain INV-2026-00000001:1 --data "$work/d" >"$work/out" 2>&1 && fail "no bill"
grep -q "no bill is called 'INV-2026-00000001': no bill run has stored any" "$work/out" ||
    fail "$(cat "$work/out")"

# Nothing to bill is said, not shown as nothing at all: a cycle is billed in the month it ends in.
sed -i 's/^id$/id,cycle_day/;s/^A1$/A1,15/' "$work/c/accounts.csv"
echo "$usage,\"duration_s\":1}" >"$work/usage"
"$tollgate" bill run --catalog "$work/c" --usage "$work/usage" --period 2026-04 --json >"$work/out" 2>"$work/err"
[ -s "$work/out" ] && fail "5 March is before 15 March: $(cat "$work/out")"
grep -q "no account has anything on a bill of 2026-04; a bill is of the cycle that ends in its month" \
    "$work/err" || fail "$(cat "$work/err")"

# Money is in quotes: an allowance of "5.00" is five euros; bare it is of the unit of records.
for amount in '"5.00" 0.00 2.00' '50000 2.95 4.00'; do
    set -- $amount
    catalog 'plans: {p: {event: {price: d, allowance: a}}}
products: {base: {plan: p}}' "$ann"
    sed -i '/^prices:/a\  d: {unit: amount, tariff: dynamic}' "$work/c/c.yaml"
    echo "allowances: {a: {unit: amount, amount: $1, services: [event]}}" >>"$work/c/c.yaml"
    usage='{"subscriber":"+491500001","service":"event","start":"2026-03-05T10:00:00Z"'
    printf '%s\n' "$usage,\"amount\":\"3.00\"}" "$usage,\"amount\":\"4.00\"}" >"$work/usage"
    found=$("$tollgate" quote --catalog "$work/c" "$work/usage" 2>"$work/err" |
        sed 's/.*"rated","amount":"\([0-9.]*\)".*/\1/' | tr '\n' ' ')
    [ "$found" = "$2 $3 " ] || fail "allowance of $1: $found $(cat "$work/err")"
done
sed -i 's/unit: amount, tariff: dynamic/unit: event, tariff: dynamic/;/^allowances/d;s/, allowance: a//' "$work/c/c.yaml"
"$tollgate" catalog check --catalog "$work/c" >"$work/out" 2>&1
grep -q 'c.yaml:4:13: warning: price "d": dynamic is of the money of a record' "$work/out" ||
    fail "$(cat "$work/out")"
echo "refusals: one mistake, one message"
