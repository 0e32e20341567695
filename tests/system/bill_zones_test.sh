#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Cycles of accounts in time zones: edges are local midnights over both changes of the clock, usage is in
# the cycle of its local time, counters and allowances turn over at the same instants, days of fees are
# local days. If this failed, a call at half past midnight would be on the wrong month's bill.
set -eu
tollgate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
mkdir "$work/c"
cat >"$work/c/catalog.yaml" <<'YAML'
catalog:
  {version: 1, valid_from: 2025-01-01, currency: EUR, period_zone: Europe/Berlin,
   account_zones: [America/New_York, Pacific/Auckland, UTC]}
prices:
  p: {unit: second, price: "1"}
allowances:
  free: {unit: second, amount: 10, services: [voice], period: cycle}
plans:
  plain: {voice: {price: p}}
  free: {voice: {price: p, allowance: free}}
products:
  plain: {plan: plain}
  free: {plan: free}
  fee: {fee: "31.00"}
YAML
cat >"$work/c/accounts.csv" <<'CSV'
id,cycle_day,zone
berlin,1,
york,1,America/New_York
auckland,1,Pacific/Auckland
utc,1,UTC
d31,31,
y15,15,America/New_York
free,1,America/New_York
fee,1,
CSV
# number SUBSCRIBER: its number, from its name.
number() {
    echo "49$(cksum <<<"$1" | cut -d' ' -f1)"
}
{
    echo id,account,product,msisdn,active_from,active_to
    for a in berlin york auckland utc d31 y15; do
        echo "s_$a,$a,plain,$(number s_$a),,"
    done
    echo s_free,free,free,$(number s_free),,
    # Half of October in Berlin: 16 to 31; the clock goes back on the 25th.
    echo s_fee,fee,fee,490,2026-10-16,
} >"$work/c/subscribers.csv"

# usage SUBSCRIBER SECONDS START...: one row each; the amounts tell the rows apart.
usage() {
    local who seconds=$2 at
    who=$(number "$1")
    shift 2
    for at in "$@"; do
        printf '{"subscriber":"%s","service":"voice","start":"%s","duration_s":%s}\n' "$who" "$at" "$seconds"
        seconds=$((seconds * 2))
    done
}
# net ACCOUNT MONTH NET FIRST-DAY-AFTER: the bill of a month from files.
net() {
    local found
    found=$("$tollgate" bill run --catalog "$work/c" --usage "$work/usage" --period "$2" --json 2>"$work/log" |
        grep "\"billingAccount\":{\"id\":\"$1\"" || true)
    local net begin end
    net=$(grep -o '"taxExcludedAmount":{"unit":"EUR","value":[0-9.-]*' <<<"$found" | head -1 | sed 's/.*://')
    begin=$(grep -o '"startDateTime":"[^"]*' <<<"$found" | head -1 | sed 's/.*":"//')
    end=$(grep -o '"endDateTime":"[^"]*' <<<"$found" | head -1 | sed 's/.*":"//')
    if [ "${net:--}" != "$3" ] || { [ "$3" != - ] && [ "$begin $end" != "$4 $5" ]; }; then
        echo "FAILED: $1 in $2: ${net:--} from ${begin:-} to ${end:-}, not $3 from ${4:-} to ${5:-}"
        bad=1
    fi
}

# Seconds 1, 2, 4 and 8 round the edges of October: the last before, the first in, the last in, the
# first behind.
{
    usage s_berlin 1 2026-09-30T21:59:59Z 2026-09-30T22:00:00Z 2026-10-31T22:59:59Z 2026-10-31T23:00:00Z
    usage s_york 1 2026-10-01T03:59:59Z 2026-10-01T04:00:00Z 2026-11-01T03:59:59Z 2026-11-01T04:00:00Z
    usage s_auckland 1 2026-09-30T10:59:59Z 2026-09-30T11:00:00Z 2026-10-31T10:59:59Z 2026-10-31T11:00:00Z
    usage s_utc 1 2026-09-30T23:59:59Z 2026-10-01T00:00:00Z 2026-10-31T23:59:59Z 2026-11-01T00:00:00Z
    usage s_d31 1 2026-09-29T21:59:59Z 2026-09-29T22:00:00Z 2026-10-30T22:59:59Z 2026-10-30T23:00:00Z
    usage s_y15 1 2026-09-15T03:59:59Z 2026-09-15T04:00:00Z 2026-10-15T03:59:59Z 2026-10-15T04:00:00Z
} >"$work/usage"
net berlin 2026-10 6.00 2026-10-01T00:00:00+02:00 2026-11-01T00:00:00+01:00
net york 2026-10 6.00 2026-10-01T00:00:00-04:00 2026-11-01T00:00:00-04:00
net auckland 2026-10 6.00 2026-10-01T00:00:00+13:00 2026-11-01T00:00:00+13:00
net utc 2026-10 6.00 2026-10-01T00:00:00Z 2026-11-01T00:00:00Z
net d31 2026-10 6.00 2026-09-30T00:00:00+02:00 2026-10-31T00:00:00+01:00
net y15 2026-10 6.00 2026-09-15T00:00:00-04:00 2026-10-15T00:00:00-04:00
net york 2026-09 1.00 2026-09-01T00:00:00-04:00 2026-10-01T00:00:00-04:00
net york 2026-11 8.00 2026-11-01T00:00:00-04:00 2026-12-01T00:00:00-05:00
# March: the clock goes forward within the cycle.
{
    usage s_berlin 1 2026-02-28T22:59:59Z 2026-02-28T23:00:00Z 2026-03-31T21:59:59Z 2026-03-31T22:00:00Z
    usage s_d31 1 2026-02-27T22:59:59Z 2026-02-27T23:00:00Z 2026-03-30T21:59:59Z 2026-03-30T22:00:00Z
} >"$work/usage"
net berlin 2026-03 6.00 2026-03-01T00:00:00+01:00 2026-04-01T00:00:00+02:00
net d31 2026-03 6.00 2026-02-28T00:00:00+01:00 2026-03-31T00:00:00+02:00
# The allowance of a cycle turns over with the bill: 10 free seconds each side of the local edge.
usage s_free 16 2026-11-01T03:59:59Z 2026-11-01T04:00:00Z >"$work/usage"
net free 2026-10 6.00 2026-10-01T00:00:00-04:00 2026-11-01T00:00:00-04:00
net free 2026-11 22.00 2026-11-01T00:00:00-04:00 2026-12-01T00:00:00-05:00
# 16 of 31 days, though an hour more than 16 x 24: local days.
: >"$work/usage"
net fee 2026-10 16.00 2026-10-01T00:00:00+02:00 2026-11-01T00:00:00+01:00

# Late usage and entered charges find their cycle by local time; the printed days are local ones.
data=$work/data
"$tollgate" catalog import --catalog "$work/c" --data "$data" >"$work/log"
"$tollgate" bill charge --data "$data" --subscription s_york --amount 5.00 --date 2026-10-01 --id c1 --title One >"$work/log"
"$tollgate" bill charge --data "$data" --subscription s_york --amount 7.00 --date 2026-10-31 --id c2 --title Two >"$work/log"
"$tollgate" bill run --data "$data" --period 2026-10 --issue --json >"$work/run"
"$tollgate" bill show york --data "$data" >"$work/york"
grep -q 'Period    2026-10-01 to 2026-10-31' "$work/york" && grep -q 'Net *12.00' "$work/york" ||
    { echo "FAILED: york's October:"; cat "$work/york"; bad=1; }
"$tollgate" bill credit B-2026-10-york:1 --data "$data" --id n1 --date 2026-11-02 --title wrong >"$work/log"
"$tollgate" bill show "$(cat "$work/log")" --data "$data" --json |
    grep -q '"startDateTime":"2026-10-01T00:00:00-04:00".*"x_timeZone":"America/New_York"' ||
    { echo "FAILED: a note has other days than its invoice"; bad=1; }

# A zone that is none, and one that the catalog does not list.
sed 's/UTC\]/Mars\/Olympus]/' "$work/c/catalog.yaml" >"$work/x" && mkdir "$work/d" && cp "$work/c"/* "$work/d"
cp "$work/x" "$work/d/catalog.yaml"
"$tollgate" catalog check --catalog "$work/d" 2>"$work/log" >&2 &&
    { echo "FAILED: Mars/Olympus is a zone"; bad=1; }
grep -q 'catalog.yaml:3:[0-9]*: error: account_zones: there is no time zone "Mars/Olympus"' "$work/log" ||
    { echo "FAILED: $(cat "$work/log")"; bad=1; }
sed -i 's/, UTC\]/]/' "$work/c/catalog.yaml"
"$tollgate" catalog check --catalog "$work/c" 2>"$work/log" >&2 &&
    { echo "FAILED: a zone that is not listed"; bad=1; }
grep -q 'accounts.csv:5:7: error: there is no zone "UTC" in account_zones' "$work/log" ||
    { echo "FAILED: $(cat "$work/log")"; bad=1; }
[ "$bad" = 0 ] && echo "bill_zones: every edge is a local midnight"
exit "$bad"
