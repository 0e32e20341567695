#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fees over months, by the commands people type: cycle days, every proration, plan changes in advance,
# ends, charges, discounts, maximum, minimum, taxes. Each expected amount was worked out by hand. If
# this failed, somebody would pay for days he did not have, or not for days he had.
set -eu
tollgate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
data=$work/data
bad=0
mkdir "$work/c"

cat >"$work/c/catalog.yaml" <<'YAML'
catalog: {version: 1, valid_from: 2025-01-01, currency: EUR}
taxes:
  vat: {rate: 19%}
  in: {rate: 19%, inclusive: true}
  in_line: {rate: 19%, inclusive: true, mode: line}
products:
  actual: {fee: "30.00"}
  fixed: {fee: "30.00", proration: fixed_30}
  seconds: {fee: "31.00", proration: seconds}
  full: {fee: "30.00", proration: none_full}
  zero: {fee: "30.00", proration: none_zero}
  start: {fee: "30.00", prorate_on_start: false}
  end: {fee: "30.00", prorate_on_end: false}
  feb: {fee: "28.00"}
  once: {fee: "12.00", period: ever}
  day: {fee: "1.00", period: day}
  ahead: {fee: "31.00", in_advance: true}
  ahead_pro: {fee: "62.00", in_advance: true}
  ahead_end: {fee: "31.00", in_advance: true, prorate_on_end: false}
  capped: {fee: "20.00", discount: 10%, discount_on: fees, maximum: "15.00", maximum_on: fees}
  committed: {fee: "20.00", discount: 50%, discount_on: fees, minimum: "15.50", minimum_on: fees}
  taxed: {fee: "0.99", tax: vat}
  pool_min: {fee: "10.00", minimum: "50.00", minimum_on: fees, bounds_scope: account}
  pool_max: {fee: "10.00", maximum: "25.50", maximum_on: fees, bounds_scope: account}
  gross: {fee: "11.90", tax: in}
  gross_odd: {fee: "10.00", tax: in}
  gross_line: {fee: "0.99", tax: in_line}
YAML
{
    echo id,cycle_day
    for a in actual fixed seconds full zero start end once day ahead change ahead_end ended capped \
        committed pool_min pool_max pool_half taxed gross gross_odd gross_line; do
        echo "$a,1"
    done
    printf 'd29,29\nd30,30\nd31,31\nd15,15\nfeb,1\n'
} >"$work/c/accounts.csv"
{
    echo id,account,product,active_from,active_to
    for p in actual fixed seconds full zero start once day; do
        echo "s_$p,$p,$p,2026-10-10,"
    done
    cat <<'CSV'
s_end,end,end,2026-01-01,2026-10-10
s_ended,ended,actual,2026-01-01,2026-10-10
s_feb,feb,feb,2026-02-15,2026-03-01
s_ahead,ahead,ahead,2026-10-10,
s_old,change,ahead,2026-01-01,2026-11-16
s_new,change,ahead_pro,2026-11-16,
s_ahead_end,ahead_end,ahead_end,2026-01-01,2026-11-16
s_capped,capped,capped,2026-01-01,
s_committed,committed,committed,2026-01-01,
s_gross,gross,gross,2026-01-01,
s_pool0,pool_min,pool_min,2026-01-01,2026-02-01
s_pool1,pool_min,pool_min,2026-01-01,
s_pool2,pool_min,pool_min,2026-01-01,
s_pool3,pool_min,actual,2026-10-10,
s_pool4,pool_max,pool_max,2026-01-01,
s_pool5,pool_max,pool_max,2026-01-01,
s_pool6,pool_max,pool_max,2026-01-01,
s_pool7,pool_half,pool_min,2026-10-17,
s_gross_odd,gross_odd,gross_odd,2026-01-01,
s_d29,d29,actual,2027-12-29,
s_d30,d30,actual,2027-12-30,
s_d31,d31,actual,2027-12-31,
s_d15,d15,actual,2026-10-01,
CSV
    for i in 1 2 3 4 5 6 7; do
        echo "s_taxed$i,taxed,taxed,2026-01-01,"
        echo "s_line$i,gross_line,gross_line,2026-01-01,"
    done
} >"$work/c/subscribers.csv"
"$tollgate" catalog import --catalog "$work/c" --data "$data" >"$work/log"

# bill MONTH; then expect ACCOUNT NET TAX of that month's bill, "-" for no bill at all.
bill() {
    "$tollgate" bill run --data "$data" --period "$1" --issue --json >"$work/run.json" ||
        { echo "FAILED: run of $1: $(cat "$work/run.json")"; exit 1; }
    "$tollgate" bill list --data "$data" --full >"$work/bills"
    "$tollgate" bill list --data "$data" --json | grep "\"id\":\"B-[0-9]*-*[0-9]*-" >"$work/list" || true
}
expect() { # ACCOUNT END-OF-PERIOD NET TAX
    local found
    found=$(grep "\"account\":\"$1\"" "$work/list" | grep "\"periodEnd\":\"$2" |
        sed 's/.*"net":"\([^"]*\)","tax":"\([^"]*\)".*/\1 \2/')
    if [ "${found:--}" != "$3${4:+ $4}" ]; then
        echo "FAILED: $1 to $2: ${found:--}, not $3 ${4:-}"
        bad=1
    fi
}

bill 2026-02
expect feb 2026-03-01 14.00 0.00        # 14 of 28 days
expect d15 2026-02-15 -
bill 2026-10
expect actual 2026-11-01 21.29 0.00     # 22 of 31 days
expect fixed 2026-11-01 21.00 0.00      # 30E/360: 21 of 30
expect seconds 2026-11-01 22.00 0.00
expect full 2026-11-01 30.00 0.00
expect zero 2026-11-01 -                # a part of a cycle is not charged
expect start 2026-11-01 30.00 0.00      # not prorated at the start
expect end 2026-11-01 30.00 0.00        # not prorated at the end
expect ended 2026-11-01 8.71 0.00       # 9 of 31 days
expect once 2026-11-01 12.00 0.00
expect day 2026-11-01 22.00 0.00
expect d15 2026-10-15 14.00 0.00        # 1 to 15 October: 14 of the 30 days from 15 September
expect ahead 2026-11-01 53.00 0.00      # 22 days of October and November whole
expect change 2026-11-01 62.00 0.00     # the first bill has its own cycle too
expect capped 2026-11-01 15.00 0.00     # 20.00 - 2.00 - 3.00
expect committed 2026-11-01 15.50 0.00  # 20.00 - 10.00 + 5.50
expect pool_min 2026-11-01 50.00 0.00   # 10.00 + 10.00 + 21.29 + 8.71
expect pool_max 2026-11-01 25.50 0.00   # 30.00 - 4.50
expect pool_half 2026-11-01 24.19 0.00  # 15 of 31 days of 50.00, of which 4.84 are the fee
expect taxed 2026-11-01 6.93 1.32       # 7 x 0.99: by category
expect gross 2026-11-01 10.00 1.90
expect gross_odd 2026-11-01 8.40 1.60   # 10.00 x 19 / 119 = 1.5966
expect gross_line 2026-11-01 5.81 1.12  # 7 lines of 0.83 + 0.16
cp "$work/bills" "$work/october"
bill 2026-11
expect actual 2026-12-01 30.00 0.00
expect zero 2026-12-01 30.00 0.00
expect end 2026-12-01 -
expect once 2026-12-01 -
expect day 2026-12-01 30.00 0.00
expect ahead 2026-12-01 31.00 0.00      # December; November is paid
# Credit of the old for 15 of 30 days, charge of the new for them, and the new December.
expect change 2026-12-01 77.50 0.00     # -15.50 + 31.00 + 62.00
expect ahead_end 2026-12-01 -           # not prorated at the end: nothing comes back
bill 2026-12
expect change 2027-01-01 62.00 0.00
expect ahead_end 2027-01-01 -
"$tollgate" bill show B-2026-11-change --data "$data" >"$work/change"
for line in 'ahead, unused from 2026-11-16 .*15/30 days .*-15.50' 'ahead_pro, recurring fee .*31.00' \
    'ahead_pro, fee from 2026-12-01 .*62.00'; do
    grep -q "$line" "$work/change" || { echo "FAILED: no line '$line' on"; cat "$work/change"; bad=1; }
done

# Cycle days 29, 30 and 31 over a leap February: clamped there, themselves again in March.
for month in 2028-01 2028-02 2028-03 2028-04; do
    bill "$month"
done
for account in d29 d30 d31; do
    day=${account#d}
    expect "$account" "2028-01-$day" 30.00 0.00
    expect "$account" "2028-02-29" 30.00 0.00
    expect "$account" "2028-03-$day" 30.00 0.00
    expect "$account" "2028-04-$([ "$day" = 31 ] && echo 30 || echo "$day")" 30.00 0.00
done

# What is issued never changes: another catalog, charges for closed months, runs again, notes.
sed -i -e 's/version: 1, valid_from: 2025-01-01/version: 2, valid_from: 2025-02-01/' -e 's/fee: "30.00"/fee: "33.00"/' "$work/c/catalog.yaml"
"$tollgate" catalog import --catalog "$work/c" --data "$data" >"$work/log"
if "$tollgate" bill charge --data "$data" --subscription s_actual --amount 5.00 --date 2026-10-20 \
    --id late --title Late 2>"$work/log"; then
    echo "FAILED: a charge for a month that is issued"
    bad=1
fi
for month in 2026-10 2026-11; do
    "$tollgate" bill run --data "$data" --period "$month" --issue --json >"$work/again" ||
        { echo "FAILED: $month changed: $(cat "$work/again")"; bad=1; }
    grep -q '"issued":0,.*"differ":0' "$work/again" || { echo "FAILED: $(cat "$work/again")"; bad=1; }
done
number=$("$tollgate" bill list --data "$data" --json | grep '"id":"B-2026-10-actual"' |
    sed 's/.*"number":"\([^"]*\)".*/\1/')
for n in 1 2 3; do
    note=$("$tollgate" bill credit "$number:1" --data "$data" --id "c$n" --amount 1.00 \
        --date 2026-12-0$n --title goodwill)
    [ "$note" = "CN-2026-0000000$n" ] || { echo "FAILED: credit note $n is $note"; bad=1; }
    note=$("$tollgate" bill debit "$number:1" --data "$data" --id "d$n" --amount 2.00 \
        --date 2026-12-0$n --title correction)
    [ "$note" = "DN-2026-0000000$n" ] || { echo "FAILED: debit note $n is $note"; bad=1; }
done
"$tollgate" bill show CN-2026-00000002 --data "$data" --json |
    grep -q "\"x_referenceNumber\":\"$number\"" || { echo "FAILED: a note names no invoice"; bad=1; }
"$tollgate" bill list --data "$data" --full | grep -F -f <(grep -o '"id":"B-2026-10-[a-z_]*","href' \
    "$work/october") | grep '"category":"normal"' >"$work/now"
cmp -s <(grep '"id":"B-2026-10-' "$work/october" | sort) <(sort "$work/now") ||
    { echo "FAILED: an issued invoice has other bytes"; bad=1; }
# Numbers of the year have no gap over all runs.
"$tollgate" bill list --data "$data" --json | grep -o 'INV-2026-[0-9]*' | sort |
    awk -F- '$3 + 0 != NR { exit 1 }' || { echo "FAILED: a gap in the numbers"; bad=1; }
# Notes are for issued invoices only: not for a draft, not for a note; and a refused one spends no number.
"$tollgate" bill run --data "$data" --period 2027-01 >"$work/log"
refused() { # WHAT MESSAGE
    if "$tollgate" bill credit "$1" --data "$data" --id refused --amount "$2" --date 2026-12-04 \
        --title wrong >"$work/log" 2>&1 || ! grep -q "$3" "$work/log"; then
        echo "FAILED: a note on $1: $(cat "$work/log")"
        bad=1
    fi
}
refused B-2027-01-actual:1 1.00 "no issued invoice is called 'B-2027-01-actual'"
refused CN-2026-00000001:1 1.00 'CN-2026-00000001 is a note itself'
refused "$number:1" 1000.00 'has less than 1000.00 left'
refused "$number:9" 1.00 'has no line 9'
note=$("$tollgate" bill credit "$number:1" --data "$data" --id c4 --amount 1.00 --date 2026-12-04 --title more)
[ "$note" = CN-2026-00000004 ] || { echo "FAILED: the next credit note is $note"; bad=1; }
"$tollgate" bill show B-2027-01-actual --data "$data" | grep -q '^DRAFT' || { echo "FAILED: no draft"; bad=1; }
"$tollgate" bill run --data "$data" --period 2027-01 --issue >"$work/log"
"$tollgate" bill show B-2027-01-actual --data "$data" | grep -q '^INVOICE INV-2027-' ||
    { echo "FAILED: a draft was not issued"; bad=1; }
"$tollgate" bill credit B-2027-01-actual --data "$data" --id all --date 2027-02-01 --title wrong >"$work/log" ||
    { echo "FAILED: no note on what was a draft: $(cat "$work/log")"; bad=1; }
# A maximum below the minimum can never be met.
sed -i 's/minimum: "15.50"/minimum: "15.50", maximum: "15.00", maximum_on: fees/' "$work/c/catalog.yaml"
if "$tollgate" catalog check --catalog "$work/c" 2>"$work/log" ||
    ! grep -q 'catalog.yaml:[0-9]*:[0-9]*: error: maximum: must not be less' "$work/log"; then
    echo "FAILED: a maximum below the minimum: $(cat "$work/log")"
    bad=1
fi

# Bills by the week, from Monday, Wednesday (3) and Sunday (7), with a change to summer time on Sunday, 29 March. a: 20 and
# 3 seconds, the last of which begins a second before midnight; then 1, and 13.00 to its minimum. b: 6 of 7 days and the next
# week ahead, of which 5 days come back. d: its Sunday is of the week that ends in W14; 2 seconds late for it are a note,
# and 2 late for a week without a bill are on the next. c is billed by the month: five weeks end in March.
mkdir "$work/w"
cat >"$work/w/catalog.yaml" <<'YAML'
catalog: {version: 1, valid_from: 2023-01-01, currency: EUR, period_zone: Europe/Berlin}
prices: {p: {unit: second, price: "1.00"}}
plans: {v: {voice: {price: p}}}
products:
  w: {plan: v, fee: "7.00", period: week, minimum: "14.00"}
  m: {plan: v, fee: "7.00", in_advance: true}
  n: {plan: v, late_usage: note}
YAML
printf 'id,bill_period,cycle_day\na,week,\nb,week,3\nc,,\nd,week,7\n' >"$work/w/accounts.csv"
cat >"$work/w/subscribers.csv" <<'CSV'
id,account,product,msisdn,active_from,active_to
sa,a,w,491,2026-03-01T00:00:00+01:00,
sb,b,m,492,2026-03-26T00:00:00+01:00,2026-04-03T00:00:00+02:00
sc,c,w,493,2026-01-01,
sd,d,n,494,2026-01-01,
CSV
week_usage() { # MSISDN START SECONDS ...
    while [ $# -gt 0 ]; do
        printf '{"subscriber":"%s","service":"voice","start":"2026-%s","duration_s":%s}\n' "$1" "$2" "$3"
        shift 3
    done >"$work/usage"
    "$tollgate" quote --catalog "$work/w" --data "$work/weeks" "$work/usage" >"$work/log" || { echo "FAILED: $(cat "$work/log")"; bad=1; }
}
week_run() { # PERIOD WANTED
    "$tollgate" bill run --data "$work/weeks" --period "$1" --issue --json >"$work/log" || true
    grep -q "$2" "$work/log" || { echo "FAILED: $1: no $2 in $(cat "$work/log")"; bad=1; }
}
week_usage 491 03-23T10:00:00Z 20 491 03-29T21:59:59Z 3 491 03-29T22:00:00Z 1 492 04-01T10:00:00Z 4 493 03-30T10:00:00Z 20 \
    494 03-29T10:00:00Z 5
week_run 2026-W13 '"issued":1'
week_run 2026-W14 '"issued":3'
week_run 2026-W15 '"issued":2'
week_usage 494 03-28T10:00:00Z 2 494 03-30T10:00:00Z 2
week_run 2026-W16 '"issued":3'
week_run 2026-03 '"issued":1'
week_run 2026-W13 '"issued":0,"drafted":0,"kept":1,"differ":0'
"$tollgate" bill void B-20260323-20260330-a --date 2026-04-20 --title Wrong --data "$work/weeks" >"$work/log"
week_run 2026-W13 '"issued":1,"drafted":0,"kept":0,"differ":0'
"$tollgate" bill list --full --data "$work/weeks" >"$work/bills"
python3 - "$work/bills" <<'PYTHON' || bad=1
import json, sys
WANTED = {
    "B-20260323-20260330-a": ["7.00", "23.00"], "B-20260323-20260330-a~r2": ["7.00", "23.00"],
    "N-B-20260323-20260330-a-void": ["-7.00", "-23.00"],
    "B-20260330-20260406-a": ["7.00", "1.00", "13.00"], "B-20260406-20260413-a": ["7.00", "14.00"],
    "B-20260413-20260420-a": ["7.00", "14.00"], "B-20260325-20260401-b": ["6.00", "7.00"],
    "B-20260401-20260408-b": ["-5.00", "4.00"], "B-20260329-20260405-d": ["5.00"],
    "B-20260412-20260419-d": ["2.00"], "N-B-20260329-20260405-d-late-2026-W16": ["2.00"],
    "B-2026-03-c": ["35.00", "20.00"]}
found = {bill["id"]: [line["x_amount"] for line in bill["x_line"]] for bill in map(json.loads, open(sys.argv[1]))}
for name in sorted(WANTED.keys() | found.keys()):
    if found.get(name) != WANTED.get(name):
        print(f"FAILED: {name}: {found.get(name)}, not {WANTED.get(name)}")
        sys.exit(1)
PYTHON
[ "$("$tollgate" bill list --period 2026-W14 --data "$work/weeks" | wc -l)" = 4 ] || { echo "FAILED: list of a week"; bad=1; }
"$tollgate" explain N-B-20260329-20260405-d-late-2026-W16-0001 --data "$work/weeks" >"$work/log" 2>&1
grep -q '1 rows sum to 2.00: the line' "$work/log" || { echo "FAILED: explain: $(cat "$work/log")"; bad=1; }
"$tollgate" bill run --catalog "$work/w" --usage "$work/usage" --from 2026-W13 --period 2026-W14 --json >"$work/log"
grep -q '"id":"B-20260329-20260405-d"' "$work/log" || { echo "FAILED: --from a week: $(cat "$work/log")"; bad=1; }
week_run 2026-W53 '"issued":' # a year of 53
for period in 2026-W54 2025-W53 2026-W00 2026-W1; do
    "$tollgate" bill run --data "$work/weeks" --period "$period" >"$work/log" 2>&1 && { echo "FAILED: $period is fine"; bad=1; }
done
sed -i 's/^b,week,3/b,week,8/' "$work/w/accounts.csv"
sed -i 's/fee: "7.00", in_advance: true/fee: "7.00", period: year/' "$work/w/catalog.yaml"
"$tollgate" catalog check --catalog "$work/w" >"$work/log" 2>&1 && { echo "FAILED: a week of eight days"; bad=1; }
grep -q 'accounts.csv:3:8: error: cycle_day: "8" is no day of a week' "$work/log" &&
    grep -q 'subscribers.csv:3:6: error: product "m" has a fee or minimum by quarter' "$work/log" ||
    { echo "FAILED: $(cat "$work/log")"; bad=1; }
[ "$bad" = 0 ] && echo "bill_cycles: all amounts as worked out by hand"
exit "$bad"
