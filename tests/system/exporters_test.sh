#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Real exporters in one network namespace, the engine on DPDK's af_packet port in another, a veth
# pair between. If this failed, packets of a real network would not become charges: frames would
# not be stripped, answers would not find their way back, or honest exporters would be reported to
# lose records they never lost.
set -u
. "$2/tests/system/lib_live.sh"
. "$2/tests/system/lib_netns.sh"
live_begin exporters "$@"
live_need softflowd softflowd
live_need pmacctd pmacct
live_need tcpreplay tcpreplay
live_need tcpdump tcpdump
live_need radclient freeradius-utils
live_need logger bsdutils
tg_netns_up tgx || exit 77
live_cleanup() {
    # Whoever is left in these two namespaces was started here.
    kill -KILL $(ip netns pids tgx-a) $(ip netns pids tgx-b) 2>/dev/null
    tg_netns_down tgx
}
LIVE_AROUND=(ip netns exec tgx-b)
LIVE_CLIENT=(ip netns exec tgx-a)
LIVE_NODE_ADDRESS=$TG_ADDRESS_A

# Traffic to be metered passes between two more interfaces of side a.
# Without IPv6 on them: the kernel's own multicast reports would be metered and belong to nobody.
ip -n tgx-a link add tgp0 type veth peer name tgp1 &&
    ip -n tgx-a link set tgp0 addrgenmode none && ip -n tgx-a link set tgp1 addrgenmode none &&
    ip netns exec tgx-a sh -c 'for i in tgp0 tgp1; do
        echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; done' 2>/dev/null
ip -n tgx-a link set tgp0 up && ip -n tgx-a link set tgp1 up || live_skip "no second veth pair"

live_carrier 2055 1813 1514
live_port nic af_packet "$TG_IF_B"
flows=600
now=$(date +%s)
octets=$("$LIVE_PYTHON" "$TOOL" pcap "$LIVE/small.pcap" $flows $((now - 60)))
live_start --no-fronts || exit 1

radius() { # STATUS SUBSCRIBER EVENT OCTETS
    live_radclient "$TG_ADDRESS_B:1813" "$@" || fail "radclient $1 of $2: $(tail -3 "$LIVE/radclient.log")"
}

for i in $(seq 40); do
    radius start "$i" $((now - 600))
done
expect "addresses held" "$(live_status sessions)" -eq 40

total=0
for version in 5 9 10; do
    tg_netns_a timeout 20 softflowd -r "$LIVE/small.pcap" -n "$TG_ADDRESS_B:2055" -v $version \
        -d -p "$LIVE/sf.pid" -c none >>"$LIVE/softflowd.log" 2>&1 || fail "softflowd -v $version"
    total=$((total + flows))
    live_wait rows.rated ge $total || fail "softflowd -v $version: rows are missing"
    expect "missing after softflowd -v $version" "$(live_status lost)" -eq 0
done

# From here on tcpdump writes down what the meters send, for a second opinion.
live_background "${LIVE_CLIENT[@]}" tcpdump -i "$TG_IF_A" -U -s 2000 -B 16384 \
    -w "$LIVE/wire.pcap" udp dst port 2055 >"$LIVE/tcpdump.log" 2>&1
dump=$LIVE_PID
for turn in $(seq 50); do
    grep -q 'listening on' "$LIVE/tcpdump.log" && break
    sleep 0.1
done
# A live meter: IPFIX of softflowd counts its sequence inclusively, beside the standard; pmacctd
# follows it and gives the number of the records before this message.
live_background "${LIVE_CLIENT[@]}" softflowd -i tgp1 -n "$TG_ADDRESS_B:2055" -v 10 -d -p "$LIVE/sf2.pid" \
    -c none -t maxlife=1 -t expint=1 >>"$LIVE/softflowd.log" 2>&1
meter=$LIVE_PID
cat >"$LIVE/pmacctd.conf" <<CONF
daemonize: false
pcap_interface: tgp1
plugins: nfprobe[n]
aggregate[n]: src_host,dst_host,src_port,dst_port,proto
nfprobe_version: 10
nfprobe_receiver: $TG_ADDRESS_B:2055
nfprobe_timeouts: tcp=1:tcp.rst=1:tcp.fin=1:udp=1:icmp=1:general=1:maxlife=2:expint=1
nfprobe_engine: 3
CONF
live_background "${LIVE_CLIENT[@]}" pmacctd -f "$LIVE/pmacctd.conf" >>"$LIVE/pmacctd.log" 2>&1
probe=$LIVE_PID
for turn in $(seq 50); do
    grep -q 'Exporting flows' "$LIVE/pmacctd.log" && grep -q 'from tgp1' "$LIVE/softflowd.log" && break
    sleep 0.1
done
sleep 0.3
# 1500 packets a second: what a metering process on a loaded test machine still captures.
tg_netns_a tcpreplay -q -i tgp0 -p 1500 "$LIVE/small.pcap" >>"$LIVE/tcpreplay.log" 2>&1 ||
    fail "tcpreplay"
live_wait rows.rated ge $((total + flows)) || fail "live meters: rows are missing"
live_settle
kill -TERM "$meter"
kill -INT "$probe"
wait "$meter" "$probe" 2>/dev/null
live_settle
kill -INT "$dump"
wait "$dump" 2>/dev/null
read -r wire_records wire_octets <<<"$("$LIVE_PYTHON" "$TOOL" wire "$LIVE/wire.pcap")"
total=$((total + wire_records))
live_wait rows.rated ge "$total" || fail "rows of the live meters are missing"
expect "rows after live softflowd and pmacctd" "$(live_status rows.rated)" -eq "$total"
expect "missing after live softflowd and pmacctd" "$(live_status lost)" -eq 0

# The audit that finds nothing must find something when there is something: 5 packets skipped.
tg_netns_a "$LIVE_PYTHON" "$TOOL" flows "$TG_ADDRESS_B:2055" count=60 sequence=10 domain=9 \
    from=$((now - 20)) >/dev/null
tg_netns_a "$LIVE_PYTHON" "$TOOL" flows "$TG_ADDRESS_B:2055" count=60 sequence=18 domain=9 \
    template=no nonce=60 from=$((now - 20)) >/dev/null
total=$((total + 120))
live_wait rows.rated ge $total || fail "sender: rows are missing"
expect "packets missing after a real gap" "$(live_status lost)" -eq 5

# Telemetry of a named node through the same wire.
tg_netns_a logger --rfc5424 -n "$TG_ADDRESS_B" -P 1514 -d -p local4.err -t bgpd \
    --msgid ADJCHANGE 'neighbor 192.0.2.9 Down' || fail logger
live_wait observations ge 1 || fail "no observation of logger's message"

# The answer is a promise: power fails the moment a client has it.
for i in 1 2 3; do
    radius interim "$i" "$now" 5000
done
radius stop 1 $((now + 60)) 9000
live_signal KILL
live_audit
expect "rated rows after SIGKILL" "$(live_audited rows.rated)" -eq $((total + 4))
expect "suspended rows" "$(live_audited rows.suspended)" -eq 0
# Three meters read the same file, two sent what tcpdump wrote down; 120 records of 1000 octets;
# three interims of 5000 octets each way and a stop that adds 4000 each way to the first.
expect "rated octets" "$(live_audited units.rated)" \
    -eq $((octets * 3 + wire_octets + 120000 + 38000))
live_start --no-fronts || exit 1
expect "addresses held after recovery" "$(live_status sessions)" -eq 40
live_stop
live_audit
"$TOLLGATE" nodes --json --data "$DATA" >"$LIVE/nodes.json"
grep -q '"id":"bng-live".*"value":"UP"' "$LIVE/nodes.json" || fail "bng-live: $(cat "$LIVE/nodes.json")"

# The octets of every exporter, priced exactly: 0.10 EUR a megabyte, by the kilobyte begun or not.
"$TOLLGATE" bill run --data "$DATA" --period "$(date -d "@$((now - 60))" -u +%Y-%m)" --json \
    >"$LIVE/bill.json" 2>"$LIVE/bill.err" || fail "bill run: $(tail -3 "$LIVE/bill.err")"
live_done
