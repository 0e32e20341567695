#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# From the sample catalog to an issued bill over HTTP, with the real binary: if this fails a BSS sees
# no bill, a second one, or a front that does not stop. Usage: front_bss_test.sh TOLLGATE SOURCE BUILD
set -u
tollgate=$1
source=$2
command -v curl >/dev/null || { echo "skip: no curl"; exit 77; }
[ -f "$source/schemas/catalog/sample/catalog.yaml" ] || { echo "skip: no sample catalog"; exit 77; }
data=$(mktemp -d)
front=0
trap '[ $front -ne 0 ] && kill -9 $front 2>/dev/null; rm -rf "$data"' EXIT
fail() { echo "FAIL: $*"; exit 1; }

"$tollgate" catalog import --catalog "$source/schemas/catalog/sample" --data "$data" >/dev/null ||
  fail "import"
"$tollgate" bill run --data "$data" --period 2026-10 --json >"$data/draft.json" || fail "draft run"
grep -q '"issued":0,"drafted":2,' "$data/draft.json" || fail "drafts: $(cat "$data/draft.json")"
"$tollgate" bill run --data "$data" --period 2026-10 --issue --json >"$data/issue.json" ||
  fail "issue run"
grep -q '"issued":2,"drafted":0,' "$data/issue.json" || fail "issue: $(cat "$data/issue.json")"
"$tollgate" bill show INV-2026-00000001 --data "$data" >"$data/first.txt" || fail "show"
grep -q 'INVOICE INV-2026-00000001' "$data/first.txt" || fail "text: $(cat "$data/first.txt")"
"$tollgate" bill run --data "$data" --period 2026-10 --issue --json >"$data/again.json" ||
  fail "second run"
grep -q '"issued":0,"drafted":0,"kept":2,' "$data/again.json" || fail "$(cat "$data/again.json")"
"$tollgate" bill show A1001 --data "$data" --json | grep -q '"billNo":"INV-2026-00000001"' ||
  fail "show by account"
"$tollgate" bill show nobody --data "$data" 2>/dev/null && fail "a bill of nobody"
"$tollgate" bill run --data "$data" --period 2026-13 2>/dev/null
[ $? -eq 2 ] || fail "month 13 is a usage error"
"$tollgate" front nothing --data "$data" 2>/dev/null
[ $? -eq 2 ] || fail "an unknown front is a usage error"

"$tollgate" bill pay INV-2026-00000001 --data "$data" --amount 1.00 --date 2026-11-10 --reference r1 >/dev/null ||
  fail "pay"
left=$("$tollgate" bill list --data "$data" --json | sed -n '1s/.*"open":"\([0-9.]*\)".*/\1/p')

for round in 1 2; do
  "$tollgate" front bss --data "$data" --listen 127.0.0.1:0 2>"$data/front.log" &
  front=$!
  for _ in $(seq 100); do
    address=$(sed -n 's/.*listening on //p' "$data/front.log")
    [ -n "$address" ] && break
    sleep 0.05
  done
  [ -n "$address" ] || fail "front: $(cat "$data/front.log")"
  base="http://$address/tmf-api/customerBillManagement/v4"
  curl -s -m 5 -D "$data/head" "$base/customerBill" >"$data/bills.json" || fail "curl"
  grep -qi '^X-Total-Count: 2' "$data/head" || fail "count: $(cat "$data/head")"
  curl -s -m 5 "$base/customerBill/B-2026-10-A1001?fields=billNo" |
    grep -q '"billNo":"INV-2026-00000001"' || fail "item"
  # As it stands, while what is stored is what was issued.
  curl -s -m 5 "$base/customerBill/B-2026-10-A1001" >"$data/item.json"
  grep -q '"state":"partiallyPaid","x_state":"partly_paid","x_paid":"1.00"' "$data/item.json" || fail "state: $(cat "$data/item.json")"
  grep -q "\"remainingAmount\":{\"unit\":\"EUR\",\"value\":$left}" "$data/item.json" || fail "left $left: $(cat "$data/item.json")"
  curl -s -m 5 -D "$data/head" "$base/customerBill?state=partiallyPaid" >"$data/bills.json" || fail "curl"
  grep -qi '^X-Total-Count: 1' "$data/head" || fail "partly paid: $(cat "$data/head")"
  curl -s -m 5 "$base/appliedCustomerBillingRate?bill.id=B-2026-10-A1001" |
    grep -q '"type":"appliedBillingCharge"' || fail "rates"
  if [ $round -eq 1 ]; then
    kill -9 $front
    wait $front 2>/dev/null
    "$tollgate" bill list --data "$data" | grep -c INV- | grep -qx 2 || fail "after kill -9"
  else
    kill -TERM $front
    wait $front || fail "the front does not stop cleanly: $?"
  fi
  front=0
done
echo "ok: 2 bills issued once, served, front killed and stopped"
