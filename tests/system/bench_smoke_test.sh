#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every benchmark runs for about a second and checks its own output: rows, sums and the journal read
# back against a rater that shares no code. If this failed, either the engine's sums are wrong or a
# figure could be printed for work that was not done.
set -eu
tollgate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$tollgate" bench --subscribers 20000 --skew both --seconds 1 --datagrams 500 --prefixes 3000 \
    --dir "$work" --csv >"$work/path.csv" 2>"$work/err" || { cat "$work/err" "$work/path.csv"; exit 1; }
"$tollgate" bench --micro --seconds 1 --csv >"$work/micro.csv" 2>"$work/err" ||
    { cat "$work/err" "$work/micro.csv"; exit 1; }
"$tollgate" bench --fixed --dir "$work" --json >"$work/fixed.json" 2>"$work/err" ||
    { cat "$work/err" "$work/fixed.json"; exit 1; }
cat "$work/path.csv" "$work/micro.csv"

for name in receive decode identify dedup price journal make whole "voice identify" "voice price"; do
    for skew in uniform zipf; do
        line=$(grep "^$name,20000,$skew," "$work/path.csv") ||
            { echo "no line for $name, $skew"; exit 1; }
        [[ $line == *,yes ]] || { echo "void: $line"; exit 1; }
        [[ $(cut -d, -f4 <<<"$line") -gt 0 ]] || { echo "took no time: $line"; exit 1; }
    done
done
if grep -v ',yes$' "$work/micro.csv" | grep -v '^name,'; then
    echo "a micro-benchmark is void"
    exit 1
fi
[[ $(grep -c ',yes$' "$work/micro.csv") -ge 10 ]] || { echo "micro-benchmarks are missing"; exit 1; }
[[ $(grep -c '"void": false' "$work/fixed.json") -ge 10 ]] || { cat "$work/fixed.json"; exit 1; }
if ls "$work" | grep -q tollgate-bench; then
    echo "scratch folders were left behind"
    exit 1
fi

# Every shape of the traffic that a sweep asks for: one row a batch, as many templates as one exporter
# may have, records that were sent before, another skew.
for shape in "--burst 1 --records 1" "--templates 1024" "--duplicates 40" "--skew zipf --theta 60"; do
    "$tollgate" bench --fixed --dir "$work" --stage whole --csv $shape >"$work/shape.csv" \
        2>"$work/err" || { echo "$shape:"; cat "$work/err" "$work/shape.csv"; exit 1; }
    grep -q '^whole,10000,.*,yes$' "$work/shape.csv" || { cat "$work/shape.csv"; exit 1; }
done
for wrong in "--burst 65" "--records 27" "--templates 1025" "--duplicates 91" "--theta 100"; do
    code=0
    "$tollgate" bench --fixed --dir "$work" $wrong >"$work/shape.csv" 2>&1 || code=$?
    [[ $code -eq 2 ]] || { echo "$wrong was taken"; exit 1; }
done

# The check itself: a price that is wrong by one part in two million must make every line void.
code=0
"$tollgate" bench --fixed --dir "$work" --reference-price 2000001 >"$work/void" 2>"$work/err" || code=$?
[[ $code -eq 1 ]] && grep -q void "$work/void" ||
    { echo "a wrong reference price went unnoticed"; cat "$work/void"; exit 1; }
echo "bench: all figures checked"
