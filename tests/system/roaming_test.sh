#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Roaming, from the octets on the wire to the invoice: which network served a session is what its
# RADIUS accounting or its CSV record says, and flows of an address are in the network of the session
# that held it, also after a restart. If this failed, usage abroad would be billed at the home
# price, or usage in a network nobody has a price for would be billed at all.
set -u
. "$2/tests/system/lib_live.sh"
live_begin roaming "$@"
live_need radclient freeradius-utils

read -r flow radius syslog <<<"$(live_free_ports 3)"
live_carrier "$flow" "$radius" "$syslog"
cat >"$LIVE/catalog/catalog.yaml" <<YAML
catalog: {version: 1, valid_from: 2026-01-01, currency: EUR}
prices:
  home: {unit: megabyte, price: "0.10"}
  eu: {unit: megabyte, price: "1.00"}
  far: {unit: megabyte, price: "10.00"}
  call: {unit: second, price: "0.01"}
  call_far: {unit: second, price: "0.50"}
plans:
  live:
    access: {prices: {home: home, eu: eu, far: far}}
    data: {prices: {home: home, eu: eu, far: far}}
    voice: {prices: {home: call, eu: call, far: call_far}}
products:
  live: {plan: live}
networks:
  own: {plmn: "26201"}
  orange: {plmn: "20801", zone: eu}
  att: {plmn: "310410", zone: far}
YAML
sed -i "s|^nodes:|  - decoder: csv\n    settings: {columns: {record_id: id, caller: a, called: b, start: start, duration: s, network: mcc+mnc}}\nnodes:|" \
    "$LIVE/tollgate.yaml"
mkdir -p "$LIVE/drop"
live_port accounting socket "127.0.0.1:$radius"
live_port flows socket "127.0.0.1:$flow"
echo "  - {name: calls, kind: folder, target: \"$LIVE/drop\", decoder: csv}" >>"$LIVE/tollgate.yaml"
live_start || exit 1

now=$(date +%s)
stop() { # SUBSCRIBER NETWORK_ATTRIBUTE ; one megabyte
    printf '%s\n' "Acct-Status-Type = Stop" "Acct-Session-Id = \"roam-$1\"" \
        "Calling-Station-Id = \"4917010000$(printf %02d "$1")\"" "NAS-IP-Address = 10.77.0.1" \
        "Event-Timestamp = $now" "Acct-Session-Time = 60" "Acct-Input-Octets = 400000" \
        "Acct-Output-Octets = 600000" "$2" >"$LIVE/stop.txt"
    radclient -r 2 -t 3 -f "$LIVE/stop.txt" "127.0.0.1:$radius" acct "$LIVE_SECRET" \
        >>"$LIVE/radclient.log" 2>&1 || fail "radclient $1: $(tail -2 "$LIVE/radclient.log")"
}
stop 1 ""
stop 2 '3GPP-SGSN-MCC-MNC = "26201"'
stop 3 '3GPP-SGSN-MCC-MNC = "20801"'
stop 4 '3GPP-SGSN-MCC-MNC = "310410"'
stop 5 '3GPP-SGSN-MCC-MNC = "23415"'                # no agreement: suspended, never the home price
stop 6 '3GPP-User-Location-Info = 0x0002f81000010002' # CGI, 208-01
stop 7 '3GPP-User-Location-Info = 0x82130014000113001400000102' # TAI and ECGI, 310-410

began=$(date -u -d "@$((now - 600))" +%Y-%m-%dT%H:%M:%SZ)
cat >"$LIVE/drop.tmp" <<CSV
id,a,b,start,s,mcc,mnc
c1,+491701000011,+4930123,$began,60,,
c2,+491701000012,+4930123,$began,60,310,410
c3,+491701000013,+4930123,$began,60,208,99
CSV
mv "$LIVE/drop.tmp" "$LIVE/drop/calls.csv"
# Sessions begin; then 40 customers' addresses send a megabyte each, before and after a restart.
begin() { # SUBSCRIBER NETWORK_ATTRIBUTE
    printf '%s\n' "Acct-Status-Type = Start" "Acct-Session-Id = \"flow-$1\"" \
        "Calling-Station-Id = \"4917010000$1\"" "NAS-IP-Address = 10.77.0.1" \
        "Framed-IP-Address = 10.200.0.$1" "Event-Timestamp = $((now - 300))" "$2" >"$LIVE/start.txt"
    radclient -r 2 -t 3 -f "$LIVE/start.txt" "127.0.0.1:$radius" acct "$LIVE_SECRET" \
        >>"$LIVE/radclient.log" 2>&1 || fail "radclient $1: $(tail -2 "$LIVE/radclient.log")"
}
begin 21 ""
begin 22 '3GPP-SGSN-MCC-MNC = "26201"'
begin 23 '3GPP-SGSN-MCC-MNC = "20801"'
begin 24 '3GPP-User-Location-Info = 0x82130014000113001400000102'
begin 25 '3GPP-SGSN-MCC-MNC = "23415"'
"$LIVE_PYTHON" "$TOOL" flows "127.0.0.1:$flow" count=40 octets=1000000 from=$((now - 100)) >/dev/null
live_wait rows.suspended ge 38 || fail "suspended rows: $(live_status rows.suspended)"
live_stop
live_start || exit 1
"$LIVE_PYTHON" "$TOOL" flows "127.0.0.1:$flow" count=40 octets=1000000 from=$((now - 50)) nonce=40 \
    sequence=3 >/dev/null
live_wait rows.suspended ge 74 || fail "suspended rows: $(live_status rows.suspended)"
live_wait rows.rated ge 16 || fail "rated rows: $(live_status rows.rated)"
live_stop
live_audit
expect "suspended rows" "$(live_audited rows.suspended)" -eq 74

"$TOLLGATE" suspense list --data "$DATA" --json >"$LIVE/suspense.json" 2>&1
expect "rows of unknown networks" "$(grep -o UNKNOWN_NETWORK "$LIVE/suspense.json" | wc -l)" -eq 4
month=$(date -u -d "@$now" +%Y-%m)
"$TOLLGATE" bill run --data "$DATA" --period "$month" --issue >"$LIVE/bills.log" 2>&1
"$TOLLGATE" bill list --data "$DATA" --full >"$LIVE/bills"
"$LIVE_PYTHON" - "$LIVE/bills" <<'PY' || fail "amounts billed"
import json
import sys

wanted = {1: "0.1", 2: "0.1", 3: "1", 4: "10", 6: "1", 7: "10", 11: "0.6", 12: "30",
          21: "0.2", 22: "0.2", 23: "2", 24: "20"}
billed = {}
for line in open(sys.argv[1], encoding="utf-8"):
    bill = json.loads(line)
    billed[int(bill["billingAccount"]["id"][1:])] = float(bill["taxExcludedAmount"]["value"])
wanted = {account: float(amount) for account, amount in wanted.items()}
got = {account: amount for account, amount in billed.items() if amount != 0}
print(" ".join(f"{account}:{amount}" for account, amount in sorted(got.items())))
sys.exit(0 if got == wanted else 1)
PY
live_done
