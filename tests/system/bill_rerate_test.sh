#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# From a generated carrier to bills, explained, priced again, corrected and credited, by the commands
# people type. If this failed, an issued invoice could change, or a correction would get lost between
# the journal and the next bill.
set -eu
command -v jq >/dev/null || { echo "skip: no jq"; exit 77; }
tollgate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
data=$work/c/data
fail() { echo "FAILED: $1"; exit 1; }
# field NAME: the first number or amount of that name in the JSON on stdin
field() { grep -o "\"$1\":\"\{0,1\}-\{0,1\}[0-9.]*" | head -1 | sed 's/.*[":]//'; }

"$tollgate" gen "$work/c" --subscribers 80 --minutes 60 >"$work/log"
"$tollgate" run --once --no-fronts "$work/c/tollgate.yaml" >>"$work/log" 2>&1
"$tollgate" bill charge --data "$data" --subscription S0000002 --amount 25.00 --date 2026-10-03 \
    --id inst-2 --title Installation >>"$work/log"
"$tollgate" bill run --data "$data" --period 2026-10 --issue >>"$work/log"
"$tollgate" bill show INV-2026-00000002 --data "$data" --json >"$work/before"
grep -q '"x_reference":"inst-2"' "$work/before" || fail "the charge is not on the bill"

# Every line of every invoice is the sum of its rows, and every row prices to what it was charged.
lines=0
for bill in $(seq 1 8); do
    number=$(printf 'INV-2026-%08d' "$bill")
    for line in 1 2 3 4 5 6; do
        "$tollgate" explain "$number:$line" --data "$data" --json >"$work/explained" 2>/dev/null || {
            [ ! -s "$work/explained" ] || fail "$number:$line: $(cat "$work/explained")"
            break
        }
        lines=$((lines + 1))
    done
done
[ "$lines" -gt 16 ] || fail "only $lines lines were explained"
"$tollgate" explain 1:1 --data "$data" | grep -q "it is the same" || fail "a row does not explain"
if "$tollgate" explain 999:1 --data "$data" 2>>"$work/log"; then fail "a row that is not there"; fi

# What-if changes nothing and adds up; the same catalog makes no difference.
"$tollgate" whatif --catalog "$work/c/catalog" --data "$data" --from 2026-10-01 --to 2026-11-01 \
    --json >"$work/same"
[ "$(field difference <"$work/same")" = "0.00" ] || fail "the same catalog makes a difference"
"$tollgate" rerate --data "$data" --post | grep -q "nothing to post" || fail "rerate posts without need"
sed -i -e 's/version: 1/version: 2/' -e 's/valid_from: 2026-01-01/valid_from: 2026-10-01/' \
    -e 's/price: "0.19"/price: "0.21"/' -e 's/amount: 20,/amount: 15,/' "$work/c/catalog/catalog.yaml"
if "$tollgate" rerate --data "$data" --catalog "$work/c/catalog" --post 2>>"$work/log"; then
    fail "a catalog that is not stored was posted with"
fi
# All but the table of readers that LMDB keeps beside each database.
stored() { (cd "$data" && find . -type f ! -name lock.mdb -exec sha256sum {} + | sort -k2); }
stored >"$work/stored.before"
"$tollgate" whatif --catalog "$work/c/catalog" --data "$data" --from 2026-10-01 --to 2026-11-01 \
    --json --threads 1 >"$work/would"
would=$(field difference <"$work/would")
"$tollgate" whatif --catalog "$work/c/catalog" --data "$data" --from 2026-10-01 --to 2026-11-01 \
    --json --threads 3 | cmp -s - "$work/would" || fail "three threads answer something else"
"$tollgate" whatif --catalog "$work/c/catalog" --data "$data" --from 2026-10-01 --to 2026-11-01 \
    >"$work/would.text"
stored | cmp -s - "$work/stored.before" || fail "what-if changed something on disk"
# Products, zones and pairs each add up to the whole; accounts come worst hit first.
jq -e '
    def cents: (if startswith("-") then -1 else 1 end) * (ltrimstr("-") | split(".") |
        (.[0] + ((.[1] // "") + "00000000")[0:8] | tonumber));
    def sum(list): [list[].difference | cents] | add;
    (.difference | cents) as $all |
    [.worst_hit_accounts[].difference | cents] as $worst |
    $all != 0 and (.products | length) > 1 and (.zones | length) > 1 and
    sum(.products) == $all and sum(.zones) == $all and sum(.products_and_zones) == $all and
    ([.products[].rows] | add) == .rows and ([.zones[].rows] | add) == .rows and
    ($worst | length) > 1 and $worst == ($worst | sort | reverse) and $worst[0] > 0' \
    "$work/would" >/dev/null || fail "what-if does not add up: $(cat "$work/would")"
for part in "worst-hit accounts" " all " "difference" "$would"; do
    grep -qF -- "$part" "$work/would.text" || fail "what-if's table lacks '$part'"
done
"$tollgate" catalog import --catalog "$work/c/catalog" --data "$data" >>"$work/log"
"$tollgate" rerate --data "$data" --post --json >"$work/rerated"
[ "$(field difference <"$work/rerated")" = "$would" ] || fail "rerate and what-if disagree"
"$tollgate" rerate --data "$data" --post | grep -q "nothing to post" || fail "posted twice"
"$tollgate" audit --data "$data" >>"$work/log" || fail "the books do not balance after rerate"
"$tollgate" run --once --no-fronts "$work/c/tollgate.yaml" >>"$work/log" 2>&1 ||
    fail "the engine does not start on a journal with adjustments"

# The issued bill stands; the correction is on the next one, once.
"$tollgate" bill run --data "$data" --period 2026-10 --issue --json >"$work/again" ||
    fail "an issued bill changed: $(cat "$work/again")"
"$tollgate" bill show INV-2026-00000002 --data "$data" --json | cmp -s - "$work/before" ||
    fail "an issued invoice has other bytes"
"$tollgate" bill run --data "$data" --period 2026-11 --issue --json >"$work/next"
[ "$(field rows_late <"$work/next")" = "$(field rows_changed <"$work/rerated")" ] ||
    fail "not every adjustment is on the next bill"
"$tollgate" bill run --data "$data" --period 2026-12 --issue --json >"$work/last"
[ "$(field rows_late <"$work/last")" = 0 ] || fail "an adjustment is billed twice"

# A credit note takes back what is there, once.
"$tollgate" bill credit INV-2026-00000002 --data "$data" --id all --date 2026-12-20 \
    --title goodwill | grep -qx CN-2026-00000001 || fail "no credit note"
if "$tollgate" bill credit INV-2026-00000002:1 --data "$data" --id more --date 2026-12-20 \
    --title goodwill 2>>"$work/log"; then
    fail "more was taken back than charged"
fi
echo "bill_rerate: $lines lines explained, rerate by $would"
