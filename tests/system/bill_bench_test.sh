#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The bill benchmark in small. If this failed, the figure shown for a million accounts would be of
# invoices that do not add up.
set -eu
tollgate=$1
root=$2
line=$(bash "$root/bench/bill.sh" "$tollgate" 3000 7 2)
grep -q 'checked=yes' <<<"$line" || { echo "FAILED: $line"; exit 1; }
# A world whose truth is another must void the run: the check can fail.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
sed 's/^\. "$work.*/&\nexpected_net=1.00/' "$root/bench/bill.sh" >"$copy/bill.sh"
if bash "$copy/bill.sh" "$tollgate" 300 2 2 >"$copy/log"; then
    echo "FAILED: a wrong sum passed"
    exit 1
fi

# Progress is for people at a terminal, or who ask for it; programs and files get none.
"$tollgate" bench --bill-world "$copy/w" --subscribers 2000 --rows 3
run() { "$tollgate" bill run --data "$copy/w/data" --period 2026-10 "$@" 2>"$copy/progress" >"$copy/out"; }
run
[ ! -s "$copy/progress" ] || { echo "FAILED: progress without a terminal"; exit 1; }
run --progress --issue
grep -q 'invoice \[' "$copy/progress" || { echo "FAILED: no progress: $(cat "$copy/progress")"; exit 1; }
run --progress --json
[ ! -s "$copy/progress" ] || { echo "FAILED: progress beside JSON"; exit 1; }
grep -q '"incomplete_sources":\[{"source":1,"name":"source 1","behind":true,"last_event":"2026-10-31' \
    "$copy/out" || { echo "FAILED: no incomplete source in $(cat "$copy/out")"; exit 1; }
run --issue
grep -q 'sources not complete at close: 1' "$copy/out" || { echo "FAILED: $(cat "$copy/out")"; exit 1; }
echo "$line"
