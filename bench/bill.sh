#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A month of an account base billed by `tollgate bill run --issue`, timed from the outside: elapsed,
# CPU and peak memory, with every sum checked against what the world's maker worked out by itself.
# Usage: bill.sh TOLLGATE [ACCOUNTS [ROWS_PER_ACCOUNT [THREADS]]]; BILL_DIR: scratch folder.
set -eu
tollgate=$1
accounts=${2:-1000000}
rows=${3:-10}
threads=${4:-$(nproc)}
work=$(mktemp -d "${BILL_DIR:-/tmp}/tollgate-bill-XXXXXX")
trap 'rm -rf "$work"' EXIT
fail() { echo "void: $1"; exit 1; }
field() { grep -o "\"$1\":\"\{0,1\}-\{0,1\}[0-9.]*" | head -1 | sed 's/.*[":]//'; }

"$tollgate" bench --bill-world "$work/w" --subscribers "$accounts" --rows "$rows"
. "$work/w/expected.env"
data=$work/w/data

TIMEFORMAT='elapsed=%R user=%U system=%S'
{
    time {
        "$tollgate" bill run --data "$data" --period 2026-10 --issue --json --threads "$threads" \
            >"$work/run.json" &
        pid=$!
        # The state is mapped: its pages are the page cache's. What the run takes is anonymous.
        while kill -0 "$pid" 2>/dev/null; do
            sed -n 's/^RssAnon:[^0-9]*//p' "/proc/$pid/status" 2>/dev/null || true
            sleep 0.2
        done >"$work/memory"
        wait "$pid"
    }
} 2>"$work/time"
memory=$(sort -n "$work/memory" | tail -1)

[ "$(field issued <"$work/run.json")" = "$expected_accounts" ] || fail "not every account is billed"
[ "$(field rows_billed <"$work/run.json")" = "$expected_rows" ] || fail "not every row is billed"
[ "$(field net <"$work/run.json")" = "$expected_net" ] || fail "the net adds up to something else"
[ "$(field tax <"$work/run.json")" = "$expected_tax" ] || fail "the tax adds up to something else"
# The documents say the same as the report, and their numbers have no gap.
"$tollgate" bill list --data "$data" --json | tr -d '"' | sed 's/[{}]//g' | awk -F, -v n="$accounts" '
    { for (i = 1; i <= NF; i++) { split($i, kv, ":"); v[kv[1]] = kv[2] }
      sub(/.*-/, "", v["number"]); if (v["number"] + 0 != NR) bad++
      sub(/\./, "", v["net"]); net += v["net"]; sub(/\./, "", v["tax"]); tax += v["tax"] }
    END { if (NR != n || bad) { print "numbers " NR " " bad + 0; exit 1 }
          printf "%.0f.%02d %.0f.%02d\n", int(net / 100), net % 100, int(tax / 100), tax % 100 }' \
    >"$work/sums" || fail "the documents: $(cat "$work/sums")"
[ "$(cat "$work/sums")" = "$expected_net $expected_tax" ] ||
    fail "the documents add up to $(cat "$work/sums"), not $expected_net $expected_tax"
echo "accounts=$accounts rows=$expected_rows threads=$threads $(cat "$work/time")" \
    "memory=${memory:-0 kB} state=$(du -m "$data/state" | cut -f1)MiB checked=yes"
