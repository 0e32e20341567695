#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The engine on DPDK's af_xdp port in one network namespace, senders in another, a veth pair between.
# If this failed, the fastest way in without giving a card away would lose or invent records: frames
# would not reach the decoders, answers would not leave, or what the kernel drops would not be told.
# Skipped, and says so, where the kernel has no AF_XDP or the user may not use it.
set -u
. "$2/tests/system/lib_live.sh"
. "$2/tests/system/lib_netns.sh"
live_begin af_xdp "$@"
live_need radclient freeradius-utils
tg_netns_up tgq || exit 77
live_cleanup() {
    # Whoever is left in these two namespaces was started here.
    kill -KILL $(ip netns pids tgq-a) $(ip netns pids tgq-b) 2>/dev/null
    tg_netns_down tgq
}
LIVE_AROUND=(ip netns exec tgq-b)
LIVE_CLIENT=(ip netns exec tgq-a)
LIVE_NODE_ADDRESS=$TG_ADDRESS_A
LIVE_MIB=128
live_carrier 2055 1813 1514
live_port nic af_xdp "$TG_IF_B"

# A frame larger than a page can never be taken: said at the start, with what to do.
ip -n tgq-b link set "$TG_IF_B" mtu 9000
code=0
tg_netns_b "$TOLLGATE" run --once --no-fronts "$LIVE/tollgate.yaml" >"$LIVE/mtu.log" 2>&1 || code=$?
expect "exit code with an MTU of 9000" "$code" -eq 1
grep -q "MTU of 9000" "$LIVE/mtu.log" || fail "the MTU is not named: $(tail -3 "$LIVE/mtu.log")"
ip -n tgq-b link set "$TG_IF_B" mtu 1500

"$LIVE_PYTHON" -c 'import socket; socket.socket(44, socket.SOCK_RAW)' 2>"$LIVE/probe" ||
    live_skip "the kernel refuses AF_XDP: $(tail -1 "$LIVE/probe")"
if ! live_start --no-fronts; then
    grep -Eq 'port nic: .*(not permitted|not supported)' "$LIVE/engine.log" &&
        live_skip "the kernel refuses AF_XDP: $(grep -m1 'port nic' "$LIVE/engine.log")"
    exit 1
fi
now=$(date +%s)
for i in $(seq 40); do
    live_radclient "$TG_ADDRESS_B:1813" start "$i" $((now - 600)) || fail "radclient start $i"
done
expect "addresses held, each start answered" "$(live_status sessions)" -eq 40

tg_netns_a "$LIVE_PYTHON" "$TOOL" flows "$TG_ADDRESS_B:2055" count=20000 rate=20000 octets=1000 \
    from=$((now - 50)) span=40 >/dev/null || fail "sender"
live_wait rows.rated ge 20000 || fail "rows are missing: $(live_ask '{"command":"status"}')"
expect "missing records" "$(live_status lost)" -eq 0

# Nobody reads while the engine stands still: the ring of 2,048 frames overflows, and every record is
# then either rated or missing by its exporter's numbers, and the port counts the same frames.
kill -STOP "$LIVE_ENGINE"
tg_netns_a "$LIVE_PYTHON" "$TOOL" flows "$TG_ADDRESS_B:2055" count=390000 rate=10000000 octets=1000 \
    from=$((now - 50)) span=40 domain=9 nonce=20000 >/dev/null || fail "sender"
kill -CONT "$LIVE_ENGINE"
live_settle
tg_netns_a "$LIVE_PYTHON" "$TOOL" flows "$TG_ADDRESS_B:2055" count=30 octets=1000 template=no \
    from=$((now - 50)) span=40 domain=9 nonce=410000 sequence=13001 >/dev/null || fail "sender"
live_settle
for turn in $(seq 100); do
    rated=$(live_status rows.rated)
    lost=$(live_status lost)
    [ $((rated + 30 * lost)) -eq 410030 ] && break
    sleep 0.2
done
expect "packets missing after an overflow" "$lost" -ge 1
expect "records rated, and 30 for each missing packet" $((rated + 30 * lost)) -eq 410030
dropped=$(live_ask '{"command":"metrics"}' | grep -o 'tollgate_port_[a-z_]*{port=[^}]*dropped[^}]*} [0-9]*' | grep -o '[0-9]*$')
expect "packets the port counts as dropped" "${dropped:-none}" -eq "$lost"
live_stop
live_audit
expect "rated rows" "$(live_audited rows.rated)" -eq "$rated"

# The bench compares ports over the same wire: what it counts as lost is what the audit misses.
for port in af_packet af_xdp; do
    tg_netns_b "$TOLLGATE" bench --lossless --csv --subscribers 2000 --seconds 1 --trials 1 \
        --rate 100000 --port "$port:$TG_IF_B" --peer "/run/netns/tgq-a" --address "$TG_ADDRESS_B" \
        --dir "$LIVE" >"$LIVE/lossless" 2>"$LIVE/bench.log" || fail "bench: $(cat "$LIVE/bench.log")"
    trials=$(awk -F, 'NR > 1 && $3 > 0 && $4 == $5 && $8 > 0 && $9 > 0' "$LIVE/lossless" | wc -l)
    expect "trials over $port" "$trials" -ge 2
done
live_done
