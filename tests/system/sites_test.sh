#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Local time of nodes, from records on the wire and in files to the bill: a time model by: node cuts
# at the clock of the site that lists the node's name or the address it sends from. If this failed, a
# carrier with switches in two time zones would bill the wrong hours, or other hours when priced again.
set -u
. "$2/tests/system/lib_live.sh"
LIVE_WORKERS=3 # what is found on the ingest core must reach the rate workers
live_begin sites "$@"
live_need radclient freeradius-utils

read -r flow radius syslog <<<"$(live_free_ports 3)"
live_carrier "$flow" "$radius" "$syslog" "  - {name: msc-tokyo, interval: 0}
  - {name: msc-york, interval: 0}
  - {name: msc-here, interval: 0}"
catalog() { # VERSION VALID_FROM ZONE_OF_TOKYO
    cat >"$LIVE/catalog/catalog.yaml" <<YAML
catalog: {version: $1, valid_from: $2, currency: EUR}
prices:
  day: {unit: second, price: "0.02"}
  night: {unit: second, price: "0.01"}
  session_day: {unit: megabyte, price: "2"}
  session_night: {unit: megabyte, price: "1"}
time_models:
  local: {zone: Europe/Berlin, by: node, default: night, bands: [{band: day, from: "08:00", to: "18:00"}]}
plans:
  live:
    voice: {time_model: local, prices: {home: {day: day, night: night}}}
    access: {time_model: local, prices: {home: {day: session_day, night: session_night}}}
products:
  live: {plan: live}
sites:
  tokyo: {nodes: [msc-tokyo, 127.0.0.0/8], time_zone: $3}
  york: {nodes: [MSC-York, 10.0.0.0/8], time_zone: America/New_York}
YAML
}
catalog 1 2020-01-01 Asia/Tokyo
sed -i "s|^nodes:|  - decoder: csv\n    settings: {columns: {record_id: id, caller: a, called: b, start: start, duration: s}}\nnodes:|" \
    "$LIVE/tollgate.yaml"
live_port accounting socket "127.0.0.1:$radius"
for place in tokyo york here; do
    mkdir -p "$LIVE/$place"
    echo "  - {name: $place, kind: folder, target: \"$LIVE/$place\", decoder: csv, node: msc-$place}" \
        >>"$LIVE/tollgate.yaml"
done
live_start || exit 1

# Yesterday 03:00 UTC: noon in Tokyo, night in New York and in Berlin. A minute each.
day=$(date -u -d "yesterday" +%Y-%m-%d)
began=${day}T03:00:00Z
number=11
for place in tokyo york here; do
    printf 'id,a,b,start,s\n%s,+4917010000%s,+4930123,%s,60\n' "$place" "$number" "$began" >"$LIVE/tmp"
    mv "$LIVE/tmp" "$LIVE/$place/calls.csv"
    number=$((number + 1))
done
# A session from 127.0.0.1, which no node of the configuration has but a site's prefix.
printf '%s\n' "Acct-Status-Type = Stop" "Acct-Session-Id = \"s1\"" "Acct-Session-Time = 60" \
    "Calling-Station-Id = \"491701000001\"" "NAS-IP-Address = 10.77.0.1" \
    "Event-Timestamp = $(date -u -d "${day}T03:01:00Z" +%s)" "Acct-Input-Octets = 400000" \
    "Acct-Output-Octets = 600000" >"$LIVE/stop.txt"
radclient -r 2 -t 3 -f "$LIVE/stop.txt" "127.0.0.1:$radius" acct "$LIVE_SECRET" \
    >>"$LIVE/radclient.log" 2>&1 || fail "radclient: $(tail -2 "$LIVE/radclient.log")"
live_wait rows.rated ge 4 10 || fail "rated rows: $(live_status rows.rated)"
live_stop
live_audit

# Priced again as stored nothing moves; where Tokyo's hours are New York's, its two rows do.
"$TOLLGATE" rerate --data "$DATA" --json >"$LIVE/same" 2>&1
catalog 2 2020-01-01 America/New_York
"$TOLLGATE" rerate --data "$DATA" --catalog "$LIVE/catalog" --json >"$LIVE/moved" 2>&1
month=${day%-*}
"$TOLLGATE" bill run --data "$DATA" --period "$month" --issue >"$LIVE/bills.log" 2>&1
"$TOLLGATE" bill list --data "$DATA" --full >"$LIVE/bills"
call=$("$LIVE_PYTHON" -c 'import json, sys
print(*(row["record_key"] for row in json.load(open(sys.argv[1]))["changes"] if row["price"] == "night"))' \
    "$LIVE/moved")
"$TOLLGATE" explain "$call" --data "$DATA" --json >"$LIVE/explained" 2>&1
"$LIVE_PYTHON" - "$LIVE" <<'PY' || fail "amounts"
import json
import re
import sys

folder = sys.argv[1]
billed = {}
bands = {}
for line in open(folder + "/bills", encoding="utf-8"):
    bill = json.loads(line)
    billed[int(bill["billingAccount"]["id"][1:])] = float(bill["taxExcludedAmount"]["value"])
    bands[int(bill["billingAccount"]["id"][1:])] = re.findall(r'"x_band": ?"(\w*)"', line)
billed = {account: amount for account, amount in billed.items() if amount != 0}
print(billed)
assert billed == {1: 2.0, 11: 1.2, 12: 0.6, 13: 0.6}, billed
assert {account: bands[account] for account in billed} == {
    1: ["day"], 11: ["day"], 12: ["night"], 13: ["night"]}, bands
same = json.loads(open(folder + "/same", encoding="utf-8").read().splitlines()[-1])
moved = json.loads(open(folder + "/moved", encoding="utf-8").read().splitlines()[-1])
assert (same["rows_selected"], same["rows_changed"]) == (4, 0), same
assert sorted(row["difference"] for row in moved["changes"]) == ["-0.60", "-1.00"], moved
explained = open(folder + "/explained", encoding="utf-8").read()
assert '"band":"day"' in explained.replace(" ", ""), explained
PY
live_done
