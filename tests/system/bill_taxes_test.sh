#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Taxes on taxes, taxes in prices, exemptions and the taxes of notes, by the commands people type. Each
# amount was worked out by hand. If this failed, a carrier would hand the state another sum than it
# printed, or tax somebody who is exempt.
set -eu
tollgate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
mkdir "$work/c"
cat >"$work/c/catalog.yaml" <<'YAML'
catalog: {version: 1, valid_from: 2025-01-01, currency: CAD}
taxes:
  gst: {rate: 5%}
  qst: {rate: 9.5%, compound: true}
  city: {rate: 1%, rounding: up}
  quebec: {parts: [gst, qst]}
  quebec_line: {parts: [gst, qst], mode: line}
  quebec_in: {parts: [gst, qst], inclusive: true}
  quebec_in_line: {parts: [gst, qst], inclusive: true, mode: line}
  three: {parts: [gst, city, qst]}
products:
  hundred: {fee: "100.00", tax: quebec}
  plain: {fee: "100.00", tax: gst}
  other: {fee: "100.00", tax: quebec}
  three: {fee: "33.33", tax: three}
  small: {fee: "0.99", tax: quebec}
  small_line: {fee: "0.99", tax: quebec_line}
  gross: {fee: "114.98", tax: quebec_in}
  small_in: {fee: "1.14", tax: quebec_in}
  small_in_line: {fee: "1.14", tax: quebec_in_line}
  coupon: {fee: "100.00", tax: gst, discount_amount: "60.00", discount_on: all, discount_scope: account}
  capped: {fee: "100.00", tax: gst, maximum: "150.00", maximum_on: all, bounds_scope: account}
YAML
accounts="hundred plain three small small_line gross small_in small_in_line federal all one own ended begun mixed coupon capped"
{
    echo id,tax
    for a in $accounts; do
        echo "$a,$([ "$a" = own ] && echo three)"
    done
} >"$work/c/accounts.csv"
cat >"$work/c/exemptions.csv" <<'CSV'
account,product,tax,valid_from,valid_to
federal,,gst,2026-10-01,2026-11-01
all,,,,
one,plain,,2026-01-01,
own,,three,,
mixed,hundred,gst,,
ended,,quebec,,2026-10-31
begun,,quebec,2026-10-31,
CSV
{
    echo id,account,product
    for a in hundred plain three gross; do
        echo "s_$a,$a,$a"
    done
    for a in federal all own ended begun; do
        echo "s_$a,$a,hundred"
    done
    printf 's_mixed_a,mixed,hundred\ns_mixed_b,mixed,other\n'
    printf 's_coupon_a,coupon,coupon\ns_coupon_b,coupon,hundred\n'
    printf 's_capped_a,capped,capped\ns_capped_b,capped,other\n'
    printf 's_one_a,one,plain\ns_one_b,one,hundred\n'
    for a in small small_line small_in small_in_line; do
        for i in 1 2 3 4 5 6 7; do
            echo "s_$a$i,$a,$a"
        done
    done
} >"$work/c/subscribers.csv"
"$tollgate" catalog import --catalog "$work/c" --data "$work/data" >"$work/log"

bills() {
    "$tollgate" bill run --data "$work/data" --period "$1" --issue --json >"$work/run" ||
        { echo "FAILED: run of $1: $(cat "$work/run")"; exit 1; }
    "$tollgate" bill list --data "$work/data" --full >"$work/bills"
}
# expect BILL NET "TAX RATE TAXABLE AMOUNT, ...": all taxItems in order.
expect() {
    local found
    found=$(python3 - "$1" "$work/bills" <<'PYTHON'
import decimal
import json
import sys
for line in open(sys.argv[2]):
    bill = json.loads(line, parse_float=decimal.Decimal, parse_int=decimal.Decimal)
    if bill["id"] != sys.argv[1]:
        continue
    items = [" ".join([i["taxCategory"], "exempt" if i.get("x_exempt") else str(i["taxRate"]), i["x_net"],
                       i["x_tax"]]) for i in bill["taxItem"]]
    print(bill["taxExcludedAmount"]["value"], ", ".join(items))
    lines = bill["x_line"]
    D = decimal.Decimal
    assert sum(D(x["x_amount"]) for x in lines) == bill["taxExcludedAmount"]["value"], "net"
    assert sum(D(x["x_taxAmount"]) for x in lines) == sum(D(i["x_tax"]) for i in bill["taxItem"]), "tax"
    assert bill["taxIncludedAmount"]["value"] == sum(D(x["x_amount"]) + D(x["x_taxAmount"]) for x in lines)
    for x in lines:
        parts = x.get("x_taxPart")
        assert not parts or sum(D(p["x_tax"]) for p in parts) == D(x["x_taxAmount"]), "parts of a line"
    for i in bill["taxItem"]:
        of = [D(p["x_tax"]) for x in lines for p in x.get("x_taxPart", [])
              if p["taxCategory"] == i["taxCategory"] and x["taxCategory"] == i.get("x_set")]
        same = [D(j["x_tax"]) for j in bill["taxItem"] if (j["taxCategory"], j.get("x_set")) ==
                (i["taxCategory"], i.get("x_set"))]
        assert "x_set" not in i or sum(of) == sum(same), "lines of a part"
PYTHON
    )
    if [ "$found" != "$2 $3" ]; then
        echo "FAILED: $1: $found, not $2 $3"
        bad=1
    fi
}

bills 2026-10
expect B-2026-10-hundred 100.00 "gst 5 100.00 5.00, qst 9.5 105.00 9.98"      # 9.975
expect B-2026-10-plain 100.00 "gst 5 100.00 5.00"
# 33.33: 1.6665, 0.3333 up, then 9.5 % of 33.33 + 1.67 + 0.34.
expect B-2026-10-three 33.33 "gst 5 33.33 1.67, city 1 33.33 0.34, qst 9.5 35.34 3.36"
expect B-2026-10-small 6.93 "gst 5 6.93 0.35, qst 9.5 7.28 0.69"              # 0.3465; 0.6916
expect B-2026-10-small_line 6.93 "gst 5 6.93 0.35, qst 9.5 7.28 0.70"         # 7 x 0.05; 7 x 0.0988
expect B-2026-10-gross 100.00 "gst 5 100.00 5.00, qst 9.5 105.00 9.98"        # 114.98 x 0.14975 / 1.14975
# 7.98 x 0.14975 / 1.14975 = 1.0394: 0.3470 and 0.6923; 1.14 by line 0.1485: 0.0496 and 0.0989.
expect B-2026-10-small_in 6.94 "gst 5 6.94 0.35, qst 9.5 7.29 0.69"
expect B-2026-10-small_in_line 6.93 "gst 5 6.93 0.35, qst 9.5 7.28 0.70"
expect B-2026-10-federal 100.00 "gst exempt 100.00 0.00, qst 9.5 100.00 9.50"
expect B-2026-10-all 100.00 "quebec exempt 100.00 0.00"
expect B-2026-10-one 200.00 "gst exempt 100.00 0.00, gst 5 100.00 5.00, qst 9.5 105.00 9.98"
expect B-2026-10-mixed 200.00 "gst exempt 100.00 0.00, qst 9.5 100.00 9.50, gst 5 100.00 5.00, qst 9.5 105.00 9.98"
# What is taken off lines of two taxes lowers both: 30.00 of 60.00 each, 25.00 of 50.00 each.
expect B-2026-10-coupon 140.00 "gst 5 70.00 3.50, gst 5 70.00 3.50, qst 9.5 73.50 6.98"
expect B-2026-10-capped 150.00 "gst 5 75.00 3.75, gst 5 75.00 3.75, qst 9.5 78.75 7.48"
"$tollgate" explain B-2026-10-capped:3 --data "$work/data" |
    grep -q "make 200.00 after discounts, of which 50.00 is taken off; this is the part of those taxed quebec; exactly -25.00" ||
    { echo "FAILED: explain of a maximum by tax"; bad=1; }
"$tollgate" bill show B-2026-10-mixed --data "$work/data" | grep -q "Total *224.48" || { echo "FAILED: the total of two sets"; bad=1; }
expect B-2026-10-own 100.00 "three exempt 100.00 0.00"
expect B-2026-10-ended 100.00 "gst 5 100.00 5.00, qst 9.5 105.00 9.98"        # the 31st is taxed again
expect B-2026-10-begun 100.00 "quebec exempt 100.00 0.00"
"$tollgate" bill show B-2026-10-federal --data "$work/data" >"$work/federal"
grep -q 'gst exempt on 100.00 *0.00' "$work/federal" && grep -q 'qst 9.5 % on 100.00 *9.50' "$work/federal" ||
    { echo "FAILED: the printed bill:"; cat "$work/federal"; bad=1; }
bills 2026-11
expect B-2026-11-federal 100.00 "gst 5 100.00 5.00, qst 9.5 105.00 9.98"      # ended with October

# Notes take back what was charged, at the rates it was issued with, whatever the catalog says now. A line
# in three parts gives back its tax to the cent, and so do seven lines one by one.
sed -i -e 's/version: 1, valid_from: 2025-01-01/version: 2, valid_from: 2025-02-01/' -e 's/rate: 5%/rate: 7%/' "$work/c/catalog.yaml"
"$tollgate" catalog import --catalog "$work/c" --data "$work/data" >"$work/log"
note() { # KIND BILL ID [AMOUNT]
    "$tollgate" bill "$1" "$2" --data "$work/data" --id "$3" --date 2026-12-01 --title wrong ${4:+--amount "$4"}
}
note credit B-2026-10-hundred:1 a 33.33 >"$work/log"
note credit B-2026-10-hundred:1 b 33.33 >"$work/log"
note credit B-2026-10-hundred c >"$work/log"
note debit B-2026-10-hundred:1 d 10.00 >"$work/log"
for i in 1 2 3 4 5 6 7; do
    note credit "B-2026-10-small:$i" "n$i" >"$work/log"
done
note credit B-2026-10-small_line all >"$work/log"
note credit B-2026-10-gross all >"$work/log"
note credit B-2026-10-federal all >"$work/log"
note credit B-2026-10-mixed all >"$work/log"
"$tollgate" bill list --data "$work/data" --full >"$work/bills"
expect N-B-2026-10-hundred-a -33.33 "gst 5 -33.33 -1.67, qst 9.5 -35.00 -3.33"
expect N-B-2026-10-hundred-b -33.33 "gst 5 -33.33 -1.66, qst 9.5 -34.99 -3.32"
expect N-B-2026-10-hundred-c -33.34 "gst 5 -33.34 -1.67, qst 9.5 -35.01 -3.33"
expect N-B-2026-10-hundred-d 10.00 "gst 5 10.00 0.50, qst 9.5 10.50 1.00"
expect N-B-2026-10-small_line-all -6.93 "gst 5 -6.93 -0.35, qst 9.5 -7.28 -0.70"
expect N-B-2026-10-gross-all -100.00 "gst 5 -100.00 -5.00, qst 9.5 -105.00 -9.98"
expect N-B-2026-10-mixed-all -200.00 "gst exempt -100.00 0.00, qst 9.5 -100.00 -9.50, gst 5 -100.00 -5.00, qst 9.5 -105.00 -9.98"
expect N-B-2026-10-federal-all -100.00 "gst exempt -100.00 0.00, qst 9.5 -100.00 -9.50"
python3 - "$work/bills" <<'PYTHON' || bad=1
import decimal
import json
import sys
sums = {}
for line in open(sys.argv[1]):
    bill = json.loads(line)
    if bill["id"].startswith("N-B-2026-10-small-n"):
        for item in bill["taxItem"]:
            key = item["taxCategory"]
            sums[key] = sums.get(key, 0) + decimal.Decimal(item["x_tax"])
if sums != {"gst": decimal.Decimal("-0.35"), "qst": decimal.Decimal("-0.69")}:
    print("FAILED: seven notes take back", sums)
    sys.exit(1)
PYTHON
note credit B-2026-10-hundred:1 e 10.01 2>"$work/log" >&2 && { echo "FAILED: more was taken back than charged"; bad=1; }

# The rate of a tax changes within a cycle: by its tax_point all of the cycle has the new one, or each
# usage the one of its time; in every mode of rounding.
rm -rf "$work/e"
mkdir "$work/e"
tax_world() { # VERSION VALID-FROM RATE
    cat >"$work/e/catalog.yaml" <<YAML
catalog: {version: $1, valid_from: $2, currency: EUR}
taxes:
  end: {rate: $3}
  use: {rate: $3, tax_point: usage}
  line: {rate: $3, tax_point: usage, mode: line}
  charge: {rate: $3, tax_point: usage, mode: charge}
prices: {p: {unit: second, price: "1.00"}}
plans: {v: {voice: {price: p}}}
products:
  end: {plan: v, tax: end}
  use: {plan: v, tax: use}
  line: {plan: v, tax: line}
  charge: {plan: v, tax: charge}
  ahead: {tax: use, fee: "10.00", in_advance: true}
YAML
    printf 'id,cycle_day\nend,15\nuse,15\nline,15\ncharge,15\nahead,1\n' >"$work/e/accounts.csv"
    printf 'id,account,product,msisdn\na,end,end,491\nb,use,use,492\nc,line,line,493\nd,charge,charge,494\ne,ahead,ahead,495\n' \
        >"$work/e/subscribers.csv"
}
tax_world 1 2025-01-01 19%
cp -r "$work/e" "$work/e1"
tax_world 2 2026-07-01 16%
for n in 491 492 493 494; do
    printf '{"subscriber":"%s","service":"voice","start":"%s","duration_s":%s}\n' \
        $n 2026-06-30T23:59:59Z 10 $n 2026-07-01T00:00:00Z 20
done >"$work/usage"
"$tollgate" quote --catalog "$work/e1" --catalog "$work/e" --data "$work/taxed" "$work/usage" >"$work/log"
for month in 2026-06 2026-07; do
    "$tollgate" bill run --data "$work/taxed" --period $month --issue --json >"$work/run"
done
"$tollgate" bill list --data "$work/taxed" --full >"$work/bills"
expect B-20260615-20260715-end 30.00 "end 16 30.00 4.80"
for mode in use line charge; do
    expect "B-20260615-20260715-$mode" 30.00 "$mode 19 10.00 1.90, $mode 16 20.00 3.20"
done
expect B-2026-06-ahead 20.00 "use 19 10.00 1.90, use 16 10.00 1.60"    # June, and July ahead

# Sets rounded charge by charge. Seven messages of 0.33: 0.0165 and 0.35 x 9.5 % = 0.03325 are 0.02 and 0.03
# each, 0.14 and 0.21 of the line (by category 0.12 and 0.23); a fee has no rows and counts as one charge:
# 10.01 gives 0.5005 and 10.51 x 9.5 % = 0.99845. With tax in it 0.38 gives 0.38 x 0.14975 / 1.14975 =
# 0.0495, of which 0.0165 and 0.0330: largest remainder 0.02 and 0.03.
mkdir "$work/h"
cat >"$work/h/catalog.yaml" <<'YAML'
catalog: {version: 1, valid_from: 2025-01-01, currency: CAD}
taxes:
  gst: {rate: 5%}
  qst: {rate: 9.5%, compound: true}
  telecom: {parts: [gst, qst], mode: charge}
  telecom_in: {parts: [gst, qst], mode: charge, inclusive: true}
  raised: {rate: 5%, mode: charge, rounding: up}
prices:
  net: {unit: event, price: "0.33"}
  gross: {unit: event, price: "0.38"}
  tiny: {unit: event, price: "0.0005"}
plans: {net: {message: {price: net}}, gross: {message: {price: gross}}, tiny: {message: {price: tiny}}}
products:
  net: {plan: net, tax: telecom, fee: "10.01"}
  gross: {plan: gross, tax: telecom_in}
  tiny: {plan: tiny, tax: raised, fee: "1.00"}
YAML
printf 'id,prepaid\nnet,\ngross,\nfed,\nfed_in,\nfree,\npaid,true\ntiny,\n' >"$work/h/accounts.csv"
printf 'account,product,tax\nfed,,gst\nfed_in,gross,gst\nfree,,telecom\n' >"$work/h/exemptions.csv"
printf 'id,account,product,msisdn\na,net,net,491\nb,gross,gross,492\nc,fed,net,493\nd,fed_in,gross,494\ne,free,net,495\nf,paid,gross,496\ng,tiny,tiny,497\n' \
    >"$work/h/subscribers.csv"
for n in 491 492 493 494 495 496 497; do
    for i in 1 2 3 4 5 6 7; do
        printf '{"subscriber":"%s","service":"message","start":"2026-06-0%sT10:00:00Z","count":1}\n' $n $i
    done
done >"$work/usage"
"$tollgate" quote --catalog "$work/h" --data "$work/charged" "$work/usage" >"$work/log" || { tail -3 "$work/log"; exit 1; }
"$tollgate" bill run --data "$work/charged" --period 2026-06 --issue --json >"$work/run"
"$tollgate" bill list --data "$work/charged" --full >"$work/bills"
expect B-2026-06-net 12.32 "gst 5 12.32 0.64, qst 9.5 12.96 1.21"
expect B-2026-06-gross 2.31 "gst 5 2.31 0.14, qst 9.5 2.45 0.21"
expect B-2026-06-fed 12.32 "gst exempt 12.32 0.00, qst 9.5 12.32 1.16"  # 7 x 0.03135, 0.95095
expect B-2026-06-fed_in 2.45 "gst exempt 2.45 0.00, qst 9.5 2.45 0.21"  # 7 x 0.38 x 0.095 / 1.095
expect B-2026-06-free 12.32 "telecom exempt 12.32 0.00"
expect B-2026-06-tiny 1.00 "raised 5 1.00 0.12"                         # 0.05, and 7 x 0.01 of a line of 0.00
expect B-2026-06-paid 2.31 "gst 5 2.31 0.14, qst 9.5 2.45 0.21"         # and nothing of it is due
for bill in net gross fed tiny; do
    "$tollgate" bill credit "B-2026-06-$bill" --data "$work/charged" --id all --date 2026-07-01 --title wrong >"$work/log"
done
"$tollgate" bill list --data "$work/charged" --full >"$work/bills"
expect N-B-2026-06-net-all -12.32 "gst 5 -12.32 -0.64, qst 9.5 -12.96 -1.21"
expect N-B-2026-06-tiny-all -1.00 "raised 5 -1.00 -0.12"
expect N-B-2026-06-gross-all -2.31 "gst 5 -2.31 -0.14, qst 9.5 -2.45 -0.21"
expect N-B-2026-06-fed-all -12.32 "gst exempt -12.32 0.00, qst 9.5 -12.32 -1.16"

# explain says which taxes, in order, on what, and why one is not charged.
explains() { # DATA SUBJECT TEXT...
    local data=$1 subject=$2
    shift 2
    "$tollgate" explain "$subject" --data "$data" >"$work/text" || { echo "FAILED: explain $subject: $(cat "$work/text")"; bad=1; }
    for text in "$@"; do
        grep -qF "$text" "$work/text" || { echo "FAILED: explain $subject lacks: $text"; cat "$work/text"; bad=1; }
    done
}
explains "$work/charged" B-2026-06-net:2 \
    'Tax gst (1 of telecom) at 5 %: 0.14 of this line; 0.64 on 12.32 of its category, rounded half_up by charge.' \
    'Tax qst (2 of telecom) at 9.5 %, also of the taxes before it: 0.21 of this line; 1.21 on 12.96' \
    'telecom adds 0.05: gst at 5 % 0.02, then qst at 9.5 % also of the taxes before it 0.03, rounded on this row'
explains "$work/charged" B-2026-06-gross:1 'in which telecom_in is 0.05: gst at 5 % 0.02, then qst' \
    'Tax gst (1 of telecom_in), in the prices, at 5 %: 0.14 of this line; 0.14 on 2.31'
explains "$work/charged" B-2026-06-fed_in:1 'telecom_in is 0.03: gst is exempt (exemption of product gross from tax gst), then qst' \
    'Tax gst (1 of telecom_in) is not charged: the account is exempt (exemption of product gross from tax gst).'
explains "$work/charged" B-2026-06-free:2 'and telecom is not charged (exemption of all products from tax telecom)'
explains "$work/charged" B-2026-06-paid:1 'in which telecom_in is 0.05' # what a balance paid has its tax in it
explains "$work/data" B-2026-10-federal:1 \
    'is exempt (exemption of all products from tax gst, since 2026-10-01, until before 2026-11-01).'
explains "$work/data" B-2026-10-mixed:2 'Tax gst (1 of quebec) at 5 %: 5.00 of this line; 5.00 on 100.00'
explains "$work/data" B-2026-10-one:1 'Tax gst is not charged: the account is exempt (exemption of product plain from all taxes, since 2026-01-01).'
"$tollgate" explain B-2026-06-fed:2 --data "$work/charged" --json >"$work/text"
python3 - "$work/text" <<'PYTHON' || bad=1
import json
import sys
found = json.load(open(sys.argv[1]))
row = found["rows"][0]
parts = [(p["tax"], p["rate_ppm"], p["compound"], p["share"], p.get("exempt", {}).get("tax")) for p in row["tax_parts"]]
assert parts == [("gst", 0, False, "0.00", "gst"), ("qst", 95000, True, "0.03", None)], parts
assert (row["tax"], row["tax_share"], row["tax_mode"], row["tax_as_of"]) == ("telecom", "0.03", "charge", "2026-06-30"), row
taxes = [(t["tax"], t["line_tax"], t["category_taxable"], "exempt" in t) for t in found["taxes"]]
assert taxes == [("gst", "0.00", "12.32", True), ("qst", "0.21", "12.32", False)], taxes
PYTHON

# Rows count by the tax of their own bill, whose cycle may end after the month, and of their own version
# where the tax point is the usage: 3 x 0.33 at 16 % is 3 x 0.05 a charge, at 19 % 3 x 0.06.
later_world() { # VERSION VALID-FROM RATE MODE
    mkdir "$work/l$1"
    cat >"$work/l$1/catalog.yaml" <<YAML
catalog: {version: $1, valid_from: $2, currency: EUR}
taxes: {vat: {rate: $3, mode: $4}, use: {rate: $3, mode: $4, tax_point: usage}}
prices: {p: {unit: event, price: "0.33"}}
plans: {v: {message: {price: p}}}
products: {end: {plan: v, tax: vat}, use: {plan: v, tax: use}}
YAML
    printf 'id,cycle_day\nmid,15\nuse,1\n' >"$work/l$1/accounts.csv"
    printf 'id,account,product,msisdn\nb,mid,end,492\nc,use,use,493\n' >"$work/l$1/subscribers.csv"
}
later_world 1 2025-01-01 19% charge
later_world 2 2026-07-01 16% charge
later_world 3 2026-08-01 16% line
for at in "492 06-20" "492 06-21" "492 06-22" "493 07-28" "493 07-29" "493 07-30"; do
    printf '{"subscriber":"%s","service":"message","start":"2026-%sT10:00:00Z"}\n' ${at% *} ${at#* }
done >"$work/usage"
"$tollgate" quote --catalog "$work/l1" --catalog "$work/l2" --catalog "$work/l3" --data "$work/later" "$work/usage" >"$work/log"
"$tollgate" bill run --data "$work/later" --period 2026-06 --issue --json >"$work/run"
"$tollgate" bill run --data "$work/later" --period 2026-07 --issue --json >"$work/run"
"$tollgate" bill list --data "$work/later" --full >"$work/bills"
expect B-20260615-20260715-mid 0.99 "vat 16 0.99 0.15"
expect B-2026-07-use 0.99 "use 16 0.99 0.15"

# Rows of a rate sheet with taxes of their own: 60 seconds to each zone at 1.00 a minute. b says reduced, c zero, a and d
# nothing: `rates` says vat, the product none. One price with two taxes is two rates of a zone. An account's own goes before.
mkdir "$work/sheet"
cat >"$work/sheet/catalog.yaml" <<'YAML'
catalog: {version: 1, valid_from: 2025-01-01, currency: EUR}
taxes: {vat: {rate: 19%}, reduced: {rate: 7%}, zero: {rate: 0%}, own: {rate: 10%}}
decks: {world: {file: world.csv, rates: {unit: second, per: 60, tax: vat}}}
plans: {v: {voice: {deck: world}}}
products: {talk: {plan: v}}
YAML
printf 'prefix,zone,price,tax\n1,a,1.00,\n2,b,1.00,reduced\n3,c,1.00,zero\n4,a,1.00,reduced\n5,a,1.00,vat\n' >"$work/sheet/world.csv"
printf 'id,tax\nrows,\nown,own\n' >"$work/sheet/accounts.csv"
printf 'id,account,product,msisdn\nr,rows,talk,4911\no,own,talk,4922\n' >"$work/sheet/subscribers.csv"
for call in 4911:1 4911:2 4911:3 4911:4 4911:5 4922:2; do
    printf '{"subscriber":"%s","service":"voice","start":"2026-03-05T10:00:00Z","duration_s":60,"peer":"%s00"}\n' ${call/:/ }
done >"$work/usage"
"$tollgate" bill run --catalog "$work/sheet" --usage "$work/usage" --period 2026-03 --json >"$work/bills"
expect B-2026-03-rows 5.00 "vat 19 2.00 0.38, reduced 7 2.00 0.14, zero 0 1.00 0.00"
expect B-2026-03-own 1.00 "own 10 1.00 0.10"
sed -i 's/^2,b,1.00,reduced/2,b,1.00,reducd/' "$work/sheet/world.csv"
sed -i 's/tax: vat/tax: vta/' "$work/sheet/catalog.yaml"
"$tollgate" catalog check --catalog "$work/sheet" 2>"$work/log" >&2 && { echo "FAILED: wrong taxes of a sheet are fine"; bad=1; }
grep -q 'world.csv:3:10: error: there is no tax "reducd"; did you mean "reduced"' "$work/log" &&
    grep -q 'catalog.yaml:3:70: error: there is no tax "vta"; did you mean "vat"' "$work/log" ||
    { echo "FAILED: $(cat "$work/log")"; bad=1; }

# Taxed by the date of the bill: June's is of the 1st of July, when 16 % count, unless it is dated in June. What is made again
# with the same date is the same, and explain says the version's tax.
mkdir "$work/t1" "$work/t2"
for version in 1 2; do
    cat >"$work/t$version/catalog.yaml" <<YAML
catalog: {version: $version, valid_from: 2026-0$((version * 6 - 5))-01, currency: EUR}
taxes: {vat: {rate: $((22 - 3 * version))%, tax_point: issue_date}, end: {rate: $((22 - 3 * version))%}}
products: {date: {fee: "10.00", tax: vat}, end: {fee: "10.00", tax: end}}
YAML
    printf 'id\ndate\nend\n' >"$work/t$version/accounts.csv"
    printf 'id,account,product\nd,date,date\ne,end,end\n' >"$work/t$version/subscribers.csv"
    "$tollgate" catalog import --catalog "$work/t$version" --data "$work/dated" >"$work/log"
done
"$tollgate" bill run --data "$work/dated" --period 2026-05 --date 2026-05-31 --json >"$work/run" # issued as drafted
"$tollgate" bill run --data "$work/dated" --period 2026-05 --issue --json >"$work/run"
grep -q '"total":"23.80"' "$work/run" || { echo "FAILED: drafted for one date, issued for another: $(cat "$work/run")"; bad=1; }
for again in "" "--date 2026-07-02"; do # said again, or one made again in July: what is issued keeps its date
    "$tollgate" bill run --data "$work/dated" --period 2026-05 --issue $again --json >"$work/run"
    grep -q '"kept":2,"differ":0.*"total":"23.80"' "$work/run" || { echo "FAILED: May again $again: $(cat "$work/run")"; bad=1; }
done
"$tollgate" bill run --data "$work/dated" --period 2026-06 --issue --json >"$work/run"
"$tollgate" bill run --data "$work/dated" --period 2026-06 --issue --json >"$work/run"
grep -q '"kept":2,"differ":0' "$work/run" || { echo "FAILED: $(cat "$work/run")"; bad=1; }
"$tollgate" bill list --data "$work/dated" --full >"$work/bills"
expect B-2026-05-date 10.00 "vat 19 10.00 1.90"
expect B-2026-06-date 10.00 "vat 16 10.00 1.60"
expect B-2026-06-end 10.00 "end 19 10.00 1.90"
"$tollgate" explain B-2026-06-date:1 --data "$work/dated" >"$work/log"
grep -q 'Tax vat at 16 %: 1.60 of this line' "$work/log" || { echo "FAILED: $(cat "$work/log")"; bad=1; }
sed -i 's/tax_point: issue_date/mode: charge, tax_point: issue_date/' "$work/t1/catalog.yaml"
"$tollgate" catalog check --catalog "$work/t1" >"$work/log" 2>&1 && { echo "FAILED: rows taxed by the date"; bad=1; }
grep -q 'catalog.yaml:2:51: error: tax_point: rows that are taxed by themselves' "$work/log" || { echo "FAILED: $(cat "$work/log")"; bad=1; }

# Mistakes, each where it is.
mistake() { # SED PLACE-AND-TEXT
    rm -rf "$work/d"
    cp -r "$work/c" "$work/d"
    sed -i "$1" "$work/d"/*.yaml "$work/d"/*.csv
    "$tollgate" catalog check --catalog "$work/d" 2>"$work/log" >&2 && { echo "FAILED: $1 is fine"; bad=1; }
    grep -q "$2" "$work/log" || { echo "FAILED: $1: $(cat "$work/log")"; bad=1; }
}
mistake 's/city: {rate: 1%/city: {title: x/' 'catalog.yaml:5:3: error: tax "city" needs a rate, or parts'
mistake 's/quebec: {parts/quebec: {rate: 5%, parts/' 'catalog.yaml:6:18: error: rate: the rates of a set'
mistake 's/three: {parts: \[gst/three: {parts: [quebec/' 'catalog.yaml:10:19: error: parts: a set cannot be part of a set'
mistake 's/three: {parts: \[gst/three: {parts: [city/' 'catalog.yaml:10:25: error: parts: named twice'
mistake 's/three: {parts: \[gst/three: {parts: [gts/' 'catalog.yaml:10:19: error: there is no tax "gts"; did you mean "gst"'
mistake 's/city: {rate: 1%/city: {compound: true, rate: 0.9973%/;s/gst: {rate: 5%/gst: {rate: 4.9999%/;s/qst: {rate: 9.5%/qst: {rate: 9.4999%/;s/three: {parts/three: {mode: charge, parts/' \
    'catalog.yaml:10:32: error: parts: with mode charge the rates need a common denominator below 2^44'
mistake 's/quebec: {parts/quebec: {compound: true, parts/' 'catalog.yaml:6:22: error: compound: a set is not'
mistake 's/^one,plain,/one,plai,/' 'exemptions.csv:4:5: error: there is no product "plai"; did you mean "plain"'
mistake 's/^own,,three/own,,thre/' 'exemptions.csv:5:6: error: there is no tax "thre"; did you mean "three"'
mistake 's/^all,,,/al,,,/' 'exemptions.csv:3:1: error: there is no account "al"'
mistake 's/^ended,,quebec,,2026-10-31/ended,,quebec,,2026-10-32/' 'exemptions.csv:7:16: error: "2026-10-32" is no date'
mistake 's/2026-10-01,2026-11-01/2026-11-01,2026-11-01/' 'exemptions.csv:2:25: error: valid_to "2026-11-01" is not after'
[ "$bad" = 0 ] && echo "bill_taxes: all amounts as worked out by hand"
exit "$bad"
