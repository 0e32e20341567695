#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A change of product within a cycle, in every mode, in arrears and in advance. Each amount was worked out
# by hand: June has 30 days, the change from 30.00 to 60.00 is on the 11th. If this failed, somebody would
# pay two products for the same days, or none.
set -eu
tollgate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
mkdir "$work/c"
modes="refund_and_charge charge_only keep none default"
{
    echo 'catalog: {version: 1, valid_from: 2025-01-01, currency: EUR, period_zone: Europe/Berlin}'
    echo 'products:'
    echo '  old: {fee: "30.00", prorate_on_end: false}'
    echo '  old_ahead: {fee: "30.00", in_advance: true}'
    echo '  min: {fee: "0", minimum: "30.00", minimum_on: fees}'
    for mode in $modes; do
        key=", prorate_on_plan_change: $mode"
        [ "$mode" = default ] && key=
        echo "  $mode: {fee: \"60.00\", prorate_on_start: false$key}"
        echo "  ${mode}_ahead: {fee: \"60.00\", in_advance: true$key}"
        echo "  ${mode}_min: {fee: \"0\", minimum: \"60.00\", minimum_on: fees$key}"
    done
} >"$work/c/catalog.yaml"
echo id >"$work/c/accounts.csv"
echo id,account,product,msisdn,active_from,active_to >"$work/c/subscribers.csv"
number=4900
two() { # ACCOUNT OLD NEW CHANGE
    number=$((number + 1))
    echo "$1" >>"$work/c/accounts.csv"
    printf '%s\n' "o_$1,$1,$2,$number,2026-01-01,$4" "n_$1,$1,$3,$number,$4," >>"$work/c/subscribers.csv"
}
for mode in $modes; do
    two "$mode" old "$mode" 2026-06-11
    two "${mode}_ahead" old_ahead "${mode}_ahead" 2026-06-11
    two "${mode}_min" min "${mode}_min" 2026-06-11
done
# Within a day, which is the new product's; at the begin of a cycle; and two changes in one.
two noon old refund_and_charge 2026-06-11T10:00:00Z
two edge old keep 2026-06-01
# Within the cycle's first day, which is all the new product's: as at its begin, whatever the mode.
for mode in $modes; do
    two "first_$mode" old "$mode" 2026-06-01T10:00:00Z
    two "first_${mode}_ahead" old_ahead "${mode}_ahead" 2026-06-01T10:00:00Z
done
number=$((number + 1))
echo chain >>"$work/c/accounts.csv"
cat >>"$work/c/subscribers.csv" <<CSV
c1,chain,old,$number,2026-01-01,2026-06-11
c2,chain,refund_and_charge,$number,2026-06-11,2026-06-21
c3,chain,keep,$number,2026-06-21,
CSV
# Another account is no change of product, nor is a pause: then prorate_on_start and _end count.
number=$((number + 1))
printf 'moved_a\nmoved_b\npause\n' >>"$work/c/accounts.csv"
cat >>"$work/c/subscribers.csv" <<CSV
m1,moved_a,old,$number,2026-01-01,2026-06-11
m2,moved_b,keep,$number,2026-06-11,
p1,pause,old,${number}9,2026-01-01,2026-06-11
p2,pause,keep,${number}9,2026-06-12,
CSV
"$tollgate" catalog import --catalog "$work/c" --data "$work/data" >"$work/log"
# expect ACCOUNT MONTH EXACT-AMOUNT...: the lines of the bill in order.
expect() {
    local account=$1 month=$2 found
    shift 2
    found=$("$tollgate" bill show "B-$month-$account" --data "$work/data" --json 2>"$work/log" |
        grep -o '"x_amount":"[^"]*' | sed 's/.*"//' | tr '\n' ' ')
    if [ "${found% }" != "$*" ]; then
        echo "FAILED: $account in $month: $found, not $*"
        bad=1
    fi
}
for month in 2026-05 2026-06 2026-07; do
    "$tollgate" bill run --data "$work/data" --period $month --issue --json >"$work/run"
done
# In arrears: 10 days of 30.00, 20 of 60.00.
expect refund_and_charge 2026-06 10.00 40.00
expect default 2026-06 10.00 40.00
expect charge_only 2026-06 30.00 40.00
expect keep 2026-06 30.00
expect none 2026-06 30.00 60.00
for mode in $modes; do
    expect "$mode" 2026-07 60.00
done
# In advance June was paid in May: 20 days come back, or nothing; July is charged in June.
for mode in $modes; do
    expect "${mode}_ahead" 2026-05 30.00 30.00
    expect "${mode}_ahead" 2026-07 60.00
done
expect refund_and_charge_ahead 2026-06 -20.00 40.00 60.00
expect default_ahead 2026-06 -20.00 40.00 60.00
expect charge_only_ahead 2026-06 40.00 60.00
expect keep_ahead 2026-06 60.00
expect none_ahead 2026-06 60.00 60.00
# A minimum is prorated as the fee is.
expect refund_and_charge_min 2026-06 10.00 40.00
expect charge_only_min 2026-06 30.00 40.00
expect keep_min 2026-06 30.00
expect none_min 2026-06 30.00 60.00
expect noon 2026-06 10.00 40.00
expect edge 2026-06 60.00
for mode in $modes; do
    expect "first_$mode" 2026-06 60.00
    expect "first_${mode}_ahead" 2026-06 -30.00 60.00 60.00
done
expect chain 2026-06 10.00 40.00
expect moved_a 2026-06 30.00
expect moved_b 2026-06 60.00
expect pause 2026-06 30.00 60.00
"$tollgate" bill show B-2026-06-none --data "$work/data" --json |
    grep -q '"x_title":"kept".*"x_title":"whole"' || { echo "FAILED: lines do not say why they are whole"; bad=1; }
sed -i 's/prorate_on_plan_change: keep/prorate_on_plan_change: keeps/' "$work/c/catalog.yaml"
"$tollgate" catalog check --catalog "$work/c" 2>"$work/log" >&2 && { echo "FAILED: keeps is a mode"; bad=1; }
grep -q 'catalog.yaml:12:[0-9]*: error: prorate_on_plan_change: .*did you mean "keep"' "$work/log" ||
    { echo "FAILED: $(cat "$work/log")"; bad=1; }
[ "$bad" = 0 ] && echo "bill_changes: every mode as worked out by hand"
exit "$bad"
