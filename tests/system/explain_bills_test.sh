#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# If this fails, somebody who asks why a line of an issued bill costs what it does is told something
# else than what was billed: rows that came later, one step where there were three, a line that
# says nothing of discounts, minimum or note, amounts in another currency than the line's.
# Usage: explain_bills_test.sh TOLLGATE
set -u
tollgate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "FAILED: $*"
    exit 1
}

# told DATA WHAT RC PART...: explain WHAT exits with RC and says every PART.
told() {
    local data=$1 what=$2 code=$3 part
    shift 3
    "$tollgate" explain "$what" --data "$data" >"$work/told" 2>&1
    [ $? -eq "$code" ] || fail "explain $what does not exit with $code: $(cat "$work/told")"
    for part in "$@"; do
        grep -qF -- "$part" "$work/told" || fail "explain $what without '$part': $(cat "$work/told")"
    done
}

# catalog FOLDER POLICY: two products, everything a bill can have.
catalog() {
    mkdir -p "$1"
    cat >"$1/c.yaml" <<YAML
catalog: {version: 1, valid_from: 2026-01-01, currency: EUR, period_zone: Europe/Berlin}
taxes: {v: {rate: 19%}}
exchange_rates: {r: {from: USD, to: EUR, rate: "0.9", valid_from: 2026-01-01}}
spend_limits: {l: {maximum: "0.25"}}
prices:
  p: {unit: second, price: "0.01"}
  g: {unit: second, tariff: graduated, tiers: [{up_to: 10, price: "1"}, {up_to: 20, price: "0.5"}, {price: "0.1"}]}
  volume: {unit: event, tariff: volume, tiers: [{up_to: 10, price: "1"}, {price: "0.5"}]}
  packs: {unit: second, tariff: package, price: "5", per: 60, params: {free_units: 30}}
  usd: {unit: event, price: "1", currency: USD}
  cut: {unit: second, price: "0.01", spend_limit: l}
  steps: {unit: second, tariff: stepped, params: {increments: [60, 30]}, tiers: [{up_to: 60, price: "1", per: 60}, {price: "1", per: 60}]}
plans:
  plain: {voice: {price: p}}
  graded: {voice: {price: g}, event: {price: volume}}
  packed: {voice: {price: packs}, event: {price: usd}}
  capped: {voice: {price: cut}}
  stepped: {voice: {price: steps}}
products:
  base: {plan: plain, tax: v, fee: "5", late_usage: $2}
  terms: {plan: graded, tax: v, fee: "3", discount: 10%, discount_amount: "1", minimum: "50"}
  most: {plan: packed, maximum: "5"}
  capped: {plan: capped}
  stepped: {plan: stepped}
  daily: {fee: "1.50", period: day}
  exact: {fee: "743", proration: seconds}
YAML
    printf 'id\nA1\nA2\nA3\nA4\nA5\nA6\n' >"$1/accounts.csv"
    {
        echo id,account,product,msisdn,active_from
        echo S1,A1,base,+491500001,2020-01-01
        echo S2,A2,terms,+491500002,2020-01-01
        echo S3,A3,most,+491500003,2020-01-01
        echo S4,A4,capped,+491500004,2020-01-01
        echo S5,A5,stepped,+491500005,2020-01-01
        echo S6,A6,daily,+491500006,2026-03-29
        echo S7,A6,exact,+491500007,2026-03-31T12:00:00+02:00
    } >"$1/subscribers.csv"
}

# Usage that comes behind its bill, by either policy: the issued line stays what it was, the late
# one is the next bill's or the note's.
late() {
    local root=$work/$1 note=$2 line=$3
    mkdir -p "$root/in"
    catalog "$root/c" "$1"
    cat >"$root/t.yaml" <<YAML
data: $root/d
catalog: $root/c
preallocate: false
memory: {mib: 32}
limits: {sessions: 1000, dedup_records: 10000, reservations: 64}
decoders:
  - decoder: csv
    settings: {service: voice, columns: {record_id: id, caller: caller, called: called, start: start, duration: duration_s, cause: cause}}
ports:
  - {name: cdr, kind: folder, target: $root/in, pattern: "*.csv", decoder: csv, node: msc}
nodes: [{name: msc, addresses: [10.0.0.1]}]
YAML
    {
        echo id,caller,called,start,duration_s,cause
        echo 1,+491500001,+4930,2026-03-05T10:00:00Z,40,16
        echo 2,+491500001,+4930,2026-03-31T21:59:59Z,100,16
    } >"$root/in/a.csv"
    "$tollgate" run --once "$root/t.yaml" >"$root/log" 2>&1 || fail "run: $(tail -5 "$root/log")"
    "$tollgate" bill run --data "$root/d" --period 2026-03 --issue >"$root/log" 2>&1 ||
        fail "bill run: $(cat "$root/log")"
    {
        echo id,caller,called,start,duration_s,cause
        echo 3,+491500001,+4930,2026-03-04T10:00:00Z,30,16
        echo 4,+491500001,+4930,2026-03-31T22:00:01Z,100,16
    } >"$root/in/b.csv"
    "$tollgate" run --once "$root/t.yaml" >"$root/log" 2>&1 || fail "run: $(tail -5 "$root/log")"
    told "$root/d" B-2026-03-A1:2 0 "2 rows sum to 1.40: the line"
    "$tollgate" bill charge --data "$root/d" --subscription S1 --amount 9.99 --date 2026-04-10 \
        --id c1 --title router >"$root/log" || fail "bill charge: $(cat "$root/log")"
    "$tollgate" bill run --data "$root/d" --period 2026-04 --issue >"$root/log" 2>&1 ||
        fail "bill run: $(cat "$root/log")"
    told "$root/d" B-2026-03-A1:1 0 "recurring of S1, product base: fee 5.00 times 31 of 31 (actual_days)"
    told "$root/d" B-2026-03-A1:2 0 "2 rows sum to 1.40: the line"
    told "$root/d" B-2026-04-A1:2 0 "1 rows sum to 1.00: the line" "2026-03-31T22:00:01Z"
    told "$root/d" B-2026-04-A1:3 0 "charge c1 (router) of 9.99, once"
    told "$root/d" "$note:$line" 0 "late_usage of S1" "1 rows sum to 0.30: the line" \
        "2026-03-04T10:00:00Z"
    "$tollgate" bill credit B-2026-04-A1:2 --data "$root/d" --id n1 --date 2026-05-02 --title oops \
        --amount 0.10 >"$root/log" || fail "bill credit: $(cat "$root/log")"
    told "$root/d" "$(cat "$root/log"):1" 0 \
        "takes back of line 2 of INV-2026-" 'which was 1.00, for "oops"; exactly -0.10'
}

# row ACCOUNT SERVICE FIELD: a line of usage.
row() {
    echo "{\"subscriber\":\"+49150000$1\",\"service\":\"$2\",\"start\":\"2026-03-02T10:00:00Z\",$3}"
}

late next_bill B-2026-04-A1 4
late note DN-2026-00000001 1

catalog "$work/c" next_bill
{
    row 2 voice '"duration_s":30'
    row 2 event '"count":10'
    row 2 event '"count":1'
    row 3 voice '"duration_s":20'
    row 3 voice '"duration_s":100'
    row 3 event '"count":10'
    row 4 voice '"duration_s":21'
    row 4 voice '"duration_s":30'
    row 5 voice '"duration_s":61'
} >"$work/usage"
"$tollgate" quote --catalog "$work/c" --data "$work/d" "$work/usage" >"$work/quote" 2>"$work/err" ||
    fail "quote: $(cat "$work/quote" "$work/err")"
"$tollgate" bill run --data "$work/d" --period 2026-03 --issue >"$work/log" || fail "bill run"
told "$work/d" B-2026-03-A2:2 0 \
    "30 second cost 16.00: 10 second at step 1 (1.00 per 1) cost 10.00;" \
    "10 second at step 2 (0.50 per 1) cost 5.00; 10 second at step 3 (0.10 per 1) cost 1.00;"
told "$work/d" B-2026-03-A2:3 0 "10 event (step 1: 1.00 per 1) cost 10.00;" \
    "1 event cost -4.50: 11 event at step 2 (0.50 per 1) cost 5.50;" \
    "less the 10 event before at step 1 (1.00 per 1) cost -10.00;"
told "$work/d" B-2026-03-A2:4 0 "discount of 10 % of 21.50, what the usage lines make; exactly -2.15"
told "$work/d" B-2026-03-A2:5 0 "discount of 1.00, at most what the usage lines make"
told "$work/d" B-2026-03-A2:6 0 "minimum 50.00 times 31 of 31 (actual_days) is 50.00;" \
    "the usage lines make 18.35 after discounts, so 31.65 is missing"
told "$work/d" B-2026-03-A3:1 0 "20 second cost 0.00: 20 second free;" \
    "10 second free; 90 second, counted as 120, at step 1 (5.00 per 60) cost 10.00;"
told "$work/d" B-2026-03-A3:2 0 "rate r of 0.9 will make it 9.00 EUR in the sum of its line" \
    "1 rows sum to 10.00 USD, converted once by rate r (0.9) to 9.00: the line"
told "$work/d" B-2026-03-A3:3 0 "maximum 5.00 times 31 of 31 (actual_days) is 5.00;" \
    "the usage lines make 19.00 after discounts, of which 14.00 is taken off"
told "$work/d" B-2026-03-A4:1 0 "spend limit l had 0.21 of 0.25, cuts the charge by 0.26 and has 0.25"
# What is multiplied is what is said: days of a daily fee, seconds (March has 743 hours in Berlin).
told "$work/d" B-2026-03-A6:1 0 "fee 1.50 a day times 3 days; exactly 4.50"
told "$work/d" B-2026-03-A6:2 0 "fee 743.00 times 43200 of 2674800 (seconds); exactly 12.00"
told "$work/d" B-2026-03-A5:1 0 "60 second at step 1 (1.00 per 60) cost 1.00;" \
    "1 second, counted as 30, at step 2 (1.00 per 60) cost 0.50;"
# Lines are taken back as far as the bill came to: of 53.00 with discounts 31.65, then not 22.35.
for line in 6:0 2:0 3:1; do
    "$tollgate" bill credit "B-2026-03-A2:${line%:*}" --id "l${line%:*}" --title Wrong --date 2026-04-05 \
        --data "$work/d" >"$work/told" 2>&1
    [ $? -eq "${line#*:}" ] || fail "credit of line ${line%:*}: $(cat "$work/told")"
done
grep -q "B-2026-03-A2 has 5.35 net left to take back" "$work/told" || fail "$(cat "$work/told")"

python3 - "$work/quote" "$tollgate" "$work/d" <<'PY' || fail "parts in JSON"
import json
import subprocess
import sys

rows = [json.loads(line) for line in open(sys.argv[1])]


def told(parts):
    return [(p["kind"], p.get("units"), p.get("step"), p["amount"]) for p in parts]


assert told(rows[0]["breakdown"][0]["parts"]) == [
    ("step", 10, 0, "10.00"), ("step", 10, 1, "5.00"), ("step", 10, 2, "1.00")], rows[0]
assert told(rows[2]["breakdown"][0]["parts"]) == [
    ("step", 11, 1, "5.50"), ("taken_off", 10, 0, "-10.00")], rows[2]
assert told(rows[4]["breakdown"][0]["parts"]) == [
    ("free", 10, None, "0.00"), ("step", 90, 0, "10.00")], rows[4]
assert rows[4]["breakdown"][0]["parts"][1]["counted"] == 120, rows[4]
answer = json.loads(subprocess.run([sys.argv[2], "explain", "B-2026-03-A2:2", "--data", sys.argv[3],
                                    "--json"], check=True, capture_output=True).stdout)
assert told(answer["rows"][0]["steps"][0]["parts"]) == told(rows[0]["breakdown"][0]["parts"]), answer
PY
# Lines by band, also where two bands have one price, with calls that bands cut. The second plan
# has all of a call in the band it ends in.
mkdir "$work/b"
cat >"$work/b/c.yaml" <<'YAML'
catalog: {version: 1, valid_from: 2026-01-01, currency: EUR}
time_models:
  t: {zone: UTC, default: peak, bands: [{band: off, from: "22:00", to: "24:00"}, {band: night, from: "00:00", to: "06:00"}]}
prices:
  pk: {unit: second, price: "2"}
  of: {unit: second, price: "1"}
plans:
  cut: {voice: {time_model: t, prices: {"*": {peak: pk, off: of, night: of}}}}
  ends: {voice: {time_model: t, split: end, prices: {"*": {peak: pk, off: of, night: of}}}}
products: {cut: {plan: cut}, ends: {plan: ends}}
YAML
printf 'id\nA1\nA2\n' >"$work/b/accounts.csv"
printf 'id,account,product,msisdn\nS1,A1,cut,+491500001\nS2,A2,ends,+491500002\n' \
    >"$work/b/subscribers.csv"
for i in 1 2; do
    for call in 02T12:00:00 02T23:00:00 03T01:00:00 02T21:59:55 02T23:59:58; do
        row $i voice '"duration_s":10' | sed "s/02T10:00:00/$call/"
    done
done >"$work/usage"
"$tollgate" quote --catalog "$work/b" --data "$work/bd" "$work/usage" >"$work/quote" || fail "quote"
"$tollgate" bill run --data "$work/bd" --period 2026-03 --issue >"$work/log" || fail "bill run"
python3 - "$tollgate" "$work/bd" <<'PY' || fail "lines by band"
import json
import subprocess
import sys

for account, wanted in (
        ("A1", [("night", "10.00", 1, None), ("off", "20.00", 2, 1), ("peak", "35.00", 2, 1)]),
        ("A2", [("night", "20.00", 2, None), ("off", "20.00", 2, None), ("peak", "20.00", 1, None)])):
    bill = json.loads(subprocess.run([sys.argv[1], "bill", "show", account, "--json", "--data", sys.argv[2]],
                                     check=True, capture_output=True).stdout)
    got = [(line["x_band"], line["x_exactAmount"], line["x_rows"], line.get("x_rowsAcrossBands"))
           for line in bill["x_line"]]
    assert got == wanted, (account, got)
PY
for line in 1 2 3; do
    told "$work/bd" "B-2026-03-A1:$line" 0 "rows sum to" ": the line"
    told "$work/bd" "B-2026-03-A2:$line" 0 "rows sum to" ": the line"
done
told "$work/bd" B-2026-03-A1:3 0 "band peak" "1 of the rows begin in the band and go on into others"
"$tollgate" bill show A1 --data "$work/bd" --text | grep -q "of, off and on" || fail "band in print"
echo "explain: issued lines, late lines, notes, every step, discounts, bounds, exchange, limits, bands"
