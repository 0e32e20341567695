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
echo "$line"
