#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# If this fails the figures that others are shown are not of what they say: the capture given to the
# peers does not carry the sums it claims, or the latency and loss modes do not check themselves.
# Usage: bench_extra_test.sh TOLLGATE
set -u
tollgate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $*"
    exit 1
}

# The capture, through the product and not through the bench, gives exactly the expected sums.
"$tollgate" bench --capture "$work/made" --subscribers 2000 --datagrams 500 || fail "capture"
. "$work/made/expected.env"
for port in sessions flows; do
    sed "\$a\\  - {name: $port, kind: pcap, target: $port.pcap}" "$work/made/tollgate.yaml" \
        >"$work/made/$port.yaml"
    "$tollgate" run --once --no-fronts "$work/made/$port.yaml" 2>"$work/log" ||
        fail "run of $port: $(tail -3 "$work/log")"
done
"$tollgate" bench --sums "$work/made/data" >"$work/sums" || fail "sums"
cat >"$work/wanted" <<WANTED
records=$expected_records
other=0
amount=$expected_amount
units=$expected_units
free_units=$expected_free_units
WANTED
diff "$work/wanted" "$work/sums" || fail "the journal adds up to something else"
[ "$expected_amount" -gt 0 ] && [ "$expected_free_units" -gt 0 ] || fail "the task prices nothing"

# Priced again with its own catalog it is the same; the rating stage and both folds have a figure.
"$tollgate" bench --replay "$work/made/data" --csv >"$work/replay" || fail "replay"
[ "$(awk -F, 'NR > 1 && $2 == rows + 0 && $3 > 0 && $5 > 0 && $7 > 0 { print $1 }' \
    rows="$expected_records" "$work/replay" | tr '\n' ' ')" = \
    "price stage rerate whatif rerate_2thr whatif_2thr " ] ||
    fail "replay lines: $(cat "$work/replay")"

# Folds over a journal give what was written into it, and a figure each.
"$tollgate" bench --scan --csv --rows 200000 --subscribers 2000 --dir "$work" >"$work/scan" ||
    fail "scan: $(cat "$work/scan")"
[ "$(grep -c ',yes$' "$work/scan")" -eq 4 ] || fail "scan lines: $(cat "$work/scan")"

# On one lcore and on two the journal says the same as the reference, or there is no line.
"$tollgate" bench --sustained --csv --subscribers 2000 --datagrams 2000 --seconds 1 --dir "$work" \
    >"$work/sustained" || fail "sustained"
awk -F, 'NR > 1 { n++; if ($2 != n || $3 <= 0 || $7 < 52000) bad = 1 }
    END { exit bad || n != 2 }' "$work/sustained" || fail "sustained: $(cat "$work/sustained")"

# Open loop at a rate any machine holds: every record has a latency, durable after rated.
"$tollgate" bench --latency --csv --subscribers 2000 --seconds 1 --rate 100000 --dir "$work" \
    >"$work/latency" || fail "latency"
awk -F, 'NR == 1 { next }
    { n++; if ($10 < 50000 || $4 > $5 || $5 > $6 || $6 > $7 || $7 > $8 || $8 > $9) bad = 1 }
    $3 == "rated" { rated = $4; rows = $10 }
    $3 == "durable" { if ($4 < rated || $10 != rows) bad = 1 }
    END { exit bad || n != 4 }' "$work/latency" || fail "latencies: $(cat "$work/latency")"

# Catalogs are swapped under load and no row is lost, wrong or priced by the first one only.
"$tollgate" bench --swap --csv --subscribers 2000 --prefixes 2000 --seconds 1 --trials 3 --rate 100000 \
    --dir "$work" >"$work/swap" 2>"$work/log" || fail "swap: $(cat "$work/log" "$work/swap")"
awk -F, 'NR > 1 { n++; if ($10 < 50000) bad = 1; seen[$1 $3] = 1 }
    END { exit bad || n != 4 || !seen["swapdurable"] || !seen["quietrated"] }' "$work/swap" ||
    fail "swap: $(cat "$work/swap")"
grep -q '^3 swaps of ' "$work/log" || fail "swap: $(cat "$work/log")"

# Checkpoints are written under load; no row is lost, and accounts recovered from the last are equal.
"$tollgate" bench --checkpoint --csv --subscribers 20000 --seconds 1 --trials 3 --rate 100000 \
    --dir "$work" >"$work/checkpoint" 2>"$work/log" ||
    fail "checkpoint: $(cat "$work/log" "$work/checkpoint")"
awk -F, 'NR > 1 { n++; if ($10 < 50000) bad = 1; seen[$1 $3] = 1 }
    END { exit bad || n != 4 || !seen["checkpointdurable"] || !seen["quietrated"] }' \
    "$work/checkpoint" || fail "checkpoint: $(cat "$work/checkpoint")"
[ "$(grep -c '^checkpoint [123] at epoch ' "$work/log")" -eq 3 ] &&
    grep -q '^rows lost: 0; ' "$work/log" && grep -q 'all accounts are equal$' "$work/log" ||
    fail "checkpoint: $(cat "$work/log")"

# Everybody who is loaded from LMDB is found; every table that grows with subscribers has a size.
"$tollgate" bench --start --csv --subscribers 200000 --prefixes 1000 --journal 32 --dir "$work" \
    >"$work/start" 2>"$work/log" || fail "start: $(cat "$work/log" "$work/start")"
awk -F, '$4 == "bytes_per_subscriber" && $1 != "all tables" { n++; sum += $3; if ($3 == 0) bad = 1 }
    $1 == "all tables" { all = $3 }
    END { exit bad || n < 5 || sum > all || sum + n < all }' "$work/start" ||
    fail "start: $(cat "$work/start")"
# A crash leaves the same account lines however many threads read the journal.
for cpus in 0 "0-$(($(nproc --all) - 1))"; do
    taskset -c "$cpus" "$tollgate" bench --recover "$work/crashed" --csv --subscribers 20000 \
        --journal 8 --dedup-records 50000 >"$work/recover.$cpus" 2>"$work/log" ||
        fail "recover: $(cat "$work/log" "$work/recover.$cpus")"
done
[ "$(grep -h '^account lines,' "$work"/recover.* | sort -u | wc -l)" -eq 1 ] ||
    fail "recover: $(grep '^account lines,' "$work"/recover.*)"
ls "$work" | grep -q tollgate-bench && fail "scratch folders were left behind"

# Loss by sequence numbers equals loss by counting, or the bench itself says void and exits 1.
if ! "$tollgate" bench --lossless --csv --subscribers 2000 --seconds 1 --trials 2 --rate 200000 \
    --dir "$work" >"$work/lossless" 2>"$work/log"; then
    grep -q 'cannot listen' "$work/log" && echo "lossless: skipped, port 4739 is taken" && exit 0
    fail "lossless: $(cat "$work/log" "$work/lossless")"
fi
awk -F, 'NR > 1 { n++; if ($4 != $5 || $3 == 0) bad = 1 } END { exit bad || n < 2 }' \
    "$work/lossless" || fail "loss: $(cat "$work/lossless")"
echo "capture, sums, latency and loss agree with what was sent"
