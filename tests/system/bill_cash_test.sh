#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Amounts due that coins can pay, by the commands people type; each sum was worked out by hand. If this
# failed, somebody who pays at a counter would stay a cent short for ever, or a bill would not add up.
set -u
tollgate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
fail() {
    echo "FAILED: $*"
    bad=1
}
world() { # DIR VERSION VALID-FROM ROUNDINGS
    mkdir -p "$work/$1"
    cat >"$work/$1/catalog.yaml" <<YAML
catalog: {version: $2, valid_from: $3, currency: CHF, billing: {payment_days: 10, dunning_days: [0]}}
cash_roundings: $4
exchange_rates: {sek: {from: CHF, to: SEK, rate: "10", valid_from: 2025-01-01}}
taxes: {vat: {rate: 8.1%}}
prices: {p: {unit: second, price: "1.00"}}
plans: {v: {voice: {price: p}}}
products:
  taxed: {fee: "9.99", tax: vat}
  two: {fee: "10.02"}
  three: {fee: "10.03"}
  half: {fee: "1.05"}
  less: {fee: "1.15"}
  talk: {plan: v, fee: "0.03"}
YAML
}
world c 1 2026-01-01 '{chf: {currency: CHF, step: "0.05"}, sek: {currency: SEK, step: "1.00", rounding: half_even, accounts: named}}'
cat >"$work/c/accounts.csv" <<CSV
id,currency,prepaid,cash_rounding
taxed,,,
two,,,
three,,,
card,,,false
named,,,true
less,,,
even,SEK,,true
odd,SEK,,true
transfer,SEK,,
prepaid,,true,
CSV
cat >"$work/c/subscribers.csv" <<CSV
id,account,product,msisdn
s1,taxed,taxed,4101
s2,two,two,4102
s3,three,three,4103
s4,card,three,4104
s5,named,three,4105
s6,less,two,4106
s7,even,half,4107
s8,odd,less,4108
s9,transfer,half,4109
s10,prepaid,talk,4110
CSV
"$tollgate" catalog import --catalog "$work/c" --data "$work/data" >"$work/log" || fail "import: $(cat "$work/log")"
bill() {
    "$tollgate" bill "$@" --data "$work/data" >"$work/out" 2>"$work/err" || fail "bill $*: $(cat "$work/err" "$work/out")"
}
says() { # TEXT: of the last output
    grep -qF -- "$1" "$work/out" || fail "no '$1' in: $(cat "$work/out")"
}
bill charge --subscription s6 --amount -13.05 --date 2026-10-10 --id back --title Back
printf '{"subscriber":"4110","service":"voice","start":"2026-10-05T10:00:00Z","duration_s":7}\n' >"$work/usage"
"$tollgate" quote --catalog "$work/c" --data "$work/data" "$work/usage" >"$work/log" || fail "quote: $(cat "$work/log")"
bill run --period 2026-10 --issue --json
says '"issued":10'

# expect BILL TOTAL ADDED DUE: "none" where no rule applies; the bill must add up and its text say the same.
expect() {
    bill show "$1" --json
    found=$(python3 - "$work/out" <<'PYTHON'
import decimal
import json
import sys
D = decimal.Decimal
bill = json.load(open(sys.argv[1]), parse_float=D, parse_int=D)
total = sum(D(x["x_amount"]) + D(x["x_taxAmount"]) for x in bill["x_line"])
assert bill["taxIncludedAmount"]["value"] == total, "lines"
cash = bill.get("x_cashRounding", {})
added = D(cash.get("amount", "0"))
due = bill["amountDue"]["value"]
assert due == total - D(bill.get("x_paidFromBalance", "0")) + added, "due"
assert not cash or due % D(cash["step"]) == 0, "coins"
print(total, cash.get("amount", "none"), due)
PYTHON
    )
    [ "$found" = "$2 $3 $4" ] || fail "$1: $found, not $2 $3 $4"
    bill show "$1" --text
    if [ "$3" = none ]; then
        grep -q Rounding "$work/out" && fail "$1 prints a rounding"
    else
        grep -Eq "Rounding to [0-9.]+ +$3\$" "$work/out" || fail "$1: $(cat "$work/out")"
        grep -Eq "^ +Due +$4\$" "$work/out" || fail "$1: $(cat "$work/out")"
    fi
}
expect B-2026-10-taxed 10.80 0.00 10.80      # 9.99 and 0.81
expect B-2026-10-two 10.02 -0.02 10.00
expect B-2026-10-three 10.03 0.02 10.05
expect B-2026-10-card 10.03 none 10.03       # says false
expect B-2026-10-named 10.03 0.02 10.05
expect B-2026-10-less -3.03 -0.02 -3.05      # 10.02 - 13.05: away from zero as above it
expect B-2026-10-even 10.50 -0.50 10.00      # half to even
expect B-2026-10-odd 11.50 0.50 12.00
expect B-2026-10-transfer 10.50 none 10.50   # a rule for those who say true
expect B-2026-10-prepaid 7.03 0.02 0.05      # the fee: what the balance paid is not rounded

# Notes move what is due, and it is rounded again; a bill taken back is void and nothing stays open.
bill pay B-2026-10-two --amount 10.00 --date 2026-11-02 --reference r1 --json
says '"state":"paid","currency":"CHF","due":"10.00","notes":"0.00","rounding":"0.00","paid":"10.00","open":"0.00"'
bill credit B-2026-10-three:1 --id part --date 2026-11-03 --title Part --amount 1.01
bill pay B-2026-10-three --amount 9.00 --date 2026-11-04 --reference r1 --json # 9.02: now 0.02 down, not 0.02 up
says '"due":"10.05","notes":"-1.01","rounding":"-0.04","paid":"9.00","open":"0.00"'
says '"state":"paid"'
bill list --json
says '"notes":"-1.01","rounding":"-0.04","open":"0.00"'
bill void B-2026-10-named --date 2026-11-03 --title Wrong --json
says '"state":"void"'
says '"rounding":"-0.02"'
says '"open":"0.00"'
bill dunning --at 2026-12-01 --json
says '"account":"taxed"'
grep -qE '"account":"(two|three|named|less)"' "$work/out" && fail "told: $(cat "$work/out")"

# explain.
tell() {
    "$tollgate" explain "$@" --data "$work/data" >"$work/out" 2>&1 || fail "explain $*: $(cat "$work/out")"
}
tell B-2026-10-three:due
says 'Due of INV-2026-00000003 (B-2026-10-three): 10.03 CHF are the lines and their taxes, rounded half_up to a multiple of 0.05, which adds 0.02: 10.05 CHF.'
says 'Since: notes -1.01, by which the rounding changes by -0.04, payments 9.00: 0.00 CHF are open (paid).'
tell INV-2026-00000004:due
says '10.03 CHF are the lines and their taxes: 10.03 CHF.'
tell B-2026-10-prepaid:due --json
says '"cash_rounding":{"amount":"0.02","step":"0.05","mode":"half_up"},"due":"0.05"'

# A later version says otherwise; what is issued stands, and the same run again changes nothing.
world d 2 2026-11-01 '{chf: {currency: CHF, step: "0.10", rounding: up}}'
cp "$work"/c/*.csv "$work/d"
"$tollgate" catalog diff --catalog "$work/d" --data "$work/data" >"$work/out" || true
says 'cash_rounding chf step: 0.05 -> 0.10'
says 'cash_rounding chf rounding: half_up -> up'
"$tollgate" catalog import --catalog "$work/d" --data "$work/data" >"$work/log" || fail "import: $(cat "$work/log")"
bill run --period 2026-10 --issue --json
says '"issued":1,"drafted":0,"kept":9,"differ":0' # the voided one again
says '"differ":0'
bill run --period 2026-11 --issue --json
expect B-2026-11-two 10.02 0.08 10.10
expect B-2026-11-even 10.50 none 10.50

# Mistakes, each where it is.
mistake() { # ROUNDINGS PLACE-AND-TEXT
    world m 3 2027-01-01 "$1"
    "$tollgate" catalog check --catalog "$work/m" >"$work/log" 2>&1 && fail "$1 is fine"
    grep -qF -- "$2" "$work/log" || fail "$1: $(cat "$work/log")"
}
mistake '{a: {currency: CHF, step: "0.01"}}' 'catalog.yaml:2:43: error: step: "0.01" is nothing that amounts in CHF'
mistake '{a: {currency: CHF, step: "0.005"}}' 'catalog.yaml:2:43: error: step: "0.005" is nothing'
mistake '{a: {currency: CHF, step: "-0.05"}}' 'catalog.yaml:2:43: error: step: "-0.05" is nothing'
mistake '{a: {currency: XXQ, step: "0.05"}}' 'catalog.yaml:2:32: error: currency: currency "XXQ" is not known'
mistake '{a: {currency: CHF, step: "0.05"}, b: {currency: CHF, step: "0.10"}}' 'error: cash rounding "b": "a" is of CHF already'
mistake '{a: {currency: CHF, step: "0.05", rounding: half}}' 'error: rounding: "half" is none of'
world m 3 2027-01-01 '{a: {currency: CHF, step: "0.05"}}'
printf 'id,cash_rounding\na,maybe\n' >"$work/m/accounts.csv"
"$tollgate" catalog check --catalog "$work/m" >"$work/log" 2>&1 && fail "maybe is fine"
grep -qF 'accounts.csv:2:3: error: cash_rounding: "maybe" is not true or false' "$work/log" || fail "$(cat "$work/log")"
[ "$bad" = 0 ] && echo "bill_cash: amounts due are what coins can pay, and add up"
exit "$bad"
