#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fees a week, a quarter and a year over a year of bills, each amount worked out by hand. If this fails,
# a week is on two bills or on none, a quarter drifts with the anchor day, or who begins within a year
# that is paid in advance pays for it when it is over.
# Usage: fee_periods_test.sh TOLLGATE
set -u
tollgate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
mkdir "$work/c"
cat >"$work/c/c.yaml" <<'YAML'
catalog: {version: 1, valid_from: 2025-01-01, currency: EUR, period_zone: Europe/Berlin}
products:
  q: {fee: "90.00", period: quarter}
  y: {fee: "365.00", period: year}
  w: {fee: "7.00", period: week}
  w_full: {fee: "7.00", period: week, proration: none_full}
  w_zero: {fee: "7.00", period: week, proration: none_zero}
  q_ahead: {fee: "90.00", period: quarter, in_advance: true}
  y_ahead: {fee: "365.00", period: year, in_advance: true}
  t: {fee: "10.00", minimum: "15.00", minimum_on: all}
  t_ahead: {fee: "30.00", in_advance: true}
  f_ahead: {fee: "14.00", period: week, period_count: 2, period_from: start, in_advance: true}
YAML
echo id,cycle_day,bill_period >"$work/c/accounts.csv"
echo id,account,product,msisdn,active_from,active_to >"$work/c/subscribers.csv"
number=4900
one() { # ACCOUNT PRODUCT FROM TO [CYCLE_DAY [BILL_PERIOD]]
    number=$((number + 1))
    echo "$1,${5:-1},${6:-}" >>"$work/c/accounts.csv"
    echo "s_$1,$1,$2,$number,$3,$4" >>"$work/c/subscribers.csv"
}
one q q 2025-01-01 ""
one q31 q 2025-01-01 "" 31
one q_begins q 2026-02-15 ""
one q_ends q 2025-01-01 2026-05-16
one y y 2025-01-01 ""
one w w 2025-01-01 ""
one w_begins w 2026-03-04 ""
one w_full w_full 2026-03-04 2026-03-18
one w_zero w_zero 2026-03-04 2026-03-18
one qa q_ahead 2025-01-01 ""
one qa_begins q_ahead 2026-02-15 ""
one qa_ends q_ahead 2025-01-01 2026-05-16
one qa_both q_ahead 2026-02-15 2026-03-02
one qa_one q_ahead 2026-02-15 2026-02-25
one ya_begins y_ahead 2026-02-15 ""
one ya_ends y_ahead 2026-02-15 2026-11-01
# One bill for several cycles, each as if it were alone.
one b_q t 2025-01-01 "" 1 quarter
one b_q31 t 2025-01-01 "" 31 quarter
one b_h t 2025-01-01 "" 1 half_year
one b_y t 2026-02-15 "" 1 year
one b_ahead t_ahead 2026-02-15 2026-08-11 1 quarter
one b_edge t_ahead 2026-02-01 "" 1 quarter
one b_qa q_ahead 2026-02-15 "" 1 quarter
one b_f f_ahead 2026-01-31 2026-08-18 1 quarter
"$tollgate" catalog import --catalog "$work/c" --data "$work/d" >"$work/log" 2>&1 || {
    echo "FAILED: $(cat "$work/log")"
    exit 1
}
months="01 02 03 04 05 06 07 08 09 10 11 12"
for month in $months; do
    "$tollgate" bill run --data "$work/d" --period "2026-$month" --issue --json >"$work/run" || bad=1
done
# Running again changes nothing that is issued.
"$tollgate" bill run --data "$work/d" --period 2026-05 --issue | grep -q 'changed since issue  *0$' ||
    { echo "FAILED: a second run differs"; bad=1; }
python3 - "$tollgate" "$work/d" <<'PY' || bad=1
import json
import subprocess
import sys
from decimal import Decimal

WANTED = {
    "q": {3: "90.00", 6: "90.00", 9: "90.00", 12: "90.00"},
    "q31": {1: "90.00", 4: "90.00", 7: "90.00", 10: "90.00"},
    "q_begins": {3: "45.00", 6: "90.00", 9: "90.00", 12: "90.00"},   # 45 of 90 days
    "q_ends": {3: "90.00", 5: "44.51"},                              # 45 of 91
    "y": {12: "365.00"},
    "w_full": {3: "21.00"}, "w_zero": {3: "7.00"},                   # 4 March to 17 March
    "qa": {1: "90.00", 3: "90.00", 6: "90.00", 9: "90.00", 12: "90.00"},
    "qa_begins": {2: "45.00", 3: "90.00", 6: "90.00", 9: "90.00", 12: "90.00"},
    "qa_ends": {1: "90.00", 3: "90.00", 5: "-45.49"},                # 46 of 91 come back
    "qa_both": {2: "45.00", 3: "-30.00"},                            # 15 days of 90 stay
    "qa_one": {2: "10.00"},
    "ya_begins": {2: "320.00", 12: "365.00"},
    "ya_ends": {2: "320.00", 11: "-61.00"},
    "b_q": {3: "45.00", 6: "45.00", 9: "45.00", 12: "45.00"},        # 3 x (10.00, to the minimum 5.00)
    "b_q31": {1: "45.00", 4: "45.00", 7: "45.00", 10: "45.00"},
    "b_h": {6: "90.00", 12: "90.00"},
    "b_y": {12: "157.50"},                                           # 14 of 28 days, then 10 x 15.00
    "b_ahead": {3: "75.00", 6: "90.00", 9: "9.68"},                  # 15 + 2 x 30; 3 x 30; 30 - 21/31 of it
    "b_edge": {3: "90.00", 6: "90.00", 9: "90.00", 12: "90.00"},     # February was charged by January, once
    "b_f": {3: "98.00", 6: "84.00", 9: "17.00"},                     # 7 + 6 + 2 periods, of the last 11 days back
    "b_qa": {3: "135.00", 6: "90.00", 9: "90.00", 12: "90.00"},
}


listed = subprocess.run([sys.argv[1], "bill", "list", "--json", "--data", sys.argv[2]], check=True,
                        capture_output=True, text=True).stdout
found = {}
rows = [json.loads(line) for line in listed.splitlines()]
for row in rows:
    bill = json.loads(subprocess.run([sys.argv[1], "bill", "show", row["id"], "--json", "--data", sys.argv[2]],
                                     check=True, capture_output=True, text=True).stdout)
    month = int(bill["billingPeriod"]["endDateTime"][5:7]) - (1 if bill["billingPeriod"]["endDateTime"][8:10] == "01" else 0)
    found.setdefault(bill["billingAccount"]["id"], {})[month or 12] = str(
        sum(Decimal(line["x_amount"]) for line in bill["x_line"]))
bad = 0
for account, wanted in WANTED.items():
    if found.get(account) != wanted:
        print(f"FAILED: {account}: {found.get(account)}, not {wanted}")
        bad = 1
weeks = found["w"]
if sum(map(Decimal, weeks.values())) != 364 or weeks[3] != "35.00" or weeks[12] != "28.00":
    print(f"FAILED: weeks: {weeks}")
    bad = 1
# From Wednesday 4 March: 5 days of that week, then three whole ones.
if found["w_begins"][3] != "26.00" or 2 in found["w_begins"]:
    print(f"FAILED: begun week: {found['w_begins']}")
    bad = 1
sys.exit(bad)
PY
# It stays what it is, and a mistake in it is where it is.
sed 's/^b_q,1,quarter$/b_q,1,year/; s/^b_h,1,half_year$/b_h,1,fortnight/' "$work/c/accounts.csv" >"$work/accounts.csv"
cp "$work/accounts.csv" "$work/c/accounts.csv"
"$tollgate" catalog import --catalog "$work/c" --data "$work/d" >"$work/log" 2>&1 &&
    { echo "FAILED: another bill_period is taken"; bad=1; }
grep -q 'accounts.csv:18:7: error: bill_period: an account cannot change it, to "year"' "$work/log" &&
    grep -q 'accounts.csv:20:7: error: bill_period: "fortnight" is not week' "$work/log" ||
    { echo "FAILED: $(cat "$work/log")"; bad=1; }
check() { # YAML MESSAGE
    mkdir -p "$work/x"
    printf 'catalog: {version: 1, valid_from: 2026-01-01, currency: EUR}\nproducts:\n  p: %s\n' "$1" >"$work/x/c.yaml"
    "$tollgate" catalog check --catalog "$work/x" >"$work/log" 2>&1 && { echo "FAILED: $1 is taken"; bad=1; }
    grep -qF "$2" "$work/log" || { echo "FAILED: $1: $(cat "$work/log")"; bad=1; }
}
check '{fee: "1", period: week, proration: fixed_30}' 'proration: "fixed_30" is none of a fee by this period'
check '{fee: "1", period: week, in_advance: true}' 'a weekly fee is charged when its week is over'
check '{fee: "1", period: year, proration: thirtieths}' 'proration: "thirtieths" is none'
[ "$bad" = 0 ] && echo "fee periods: weeks, quarters and years as worked out by hand"
exit "$bad"
