# SPDX-License-Identifier: Apache-2.0
# Two network namespaces joined by a veth pair, for tests that need a network and no NIC.
#
#   . tests/system/lib_netns.sh
#   tg_netns_up tg || exit 77         # root only; 77: a visible skip
#   trap 'tg_netns_down tg' EXIT
#   tg_netns_a softflowd -i tga0 -n "$TG_ADDRESS_B:2055"   # side a: exporters, kernel UDP clients
#   tg_netns_b build/tollgate run ...                      # side b: the engine, af_packet on tgb0
#
# Side b's kernel owns no address and has IPv6 switched off: it neither answers nor says "port
# unreachable" to what the engine is reading beside it, so the engine can answer RADIUS itself.
# Side a finds b by static neighbour entries, since nobody answers ARP there.
# For tests with kernel sockets on side b instead: tg_netns_b_addresses tg.
# Tests that run at the same time take different prefixes (up to 10 characters).

TG_IF_A=tga0
TG_IF_B=tgb0
TG_MAC_A=02:00:00:00:99:0a
TG_MAC_B=02:00:00:00:99:0b
TG_ADDRESS_A=10.99.0.1
TG_ADDRESS_B=10.99.0.2
TG_ADDRESS6_A=fd99::1
TG_ADDRESS6_B=fd99::2
TG_NETNS_A=tg-a
TG_NETNS_B=tg-b

# tg_netns_up PREFIX: makes PREFIX-a and PREFIX-b. 1 when this machine or user cannot.
tg_netns_up() {
    local prefix=${1:-tg}
    TG_NETNS_A=$prefix-a
    TG_NETNS_B=$prefix-b
    if [ "$(id -u)" -ne 0 ]; then
        echo "netns: skipped, needs root" >&2
        return 1
    fi
    if ! command -v ip >/dev/null; then
        echo "netns: skipped, no ip command (package iproute2)" >&2
        return 1
    fi
    tg_netns_down "$prefix"
    if ! ip netns add "$TG_NETNS_A" 2>/dev/null; then
        echo "netns: skipped, this machine does not allow network namespaces" >&2
        return 1
    fi
    if ! _tg_netns_wire; then
        echo "netns: skipped, the veth pair could not be set up" >&2
        tg_netns_down "$prefix"
        return 1
    fi
}

_tg_netns_wire() {
    ip netns add "$TG_NETNS_B" &&
    ip netns exec "$TG_NETNS_B" sh -c '
        for f in all default; do
            [ ! -e /proc/sys/net/ipv6/conf/$f/disable_ipv6 ] ||
                echo 1 >/proc/sys/net/ipv6/conf/$f/disable_ipv6
        done; echo 0 >/proc/sys/net/ipv4/ip_forward' &&
    ip netns exec "$TG_NETNS_A" sh -c '
        f=/proc/sys/net/ipv6/conf/default/router_solicitations; [ ! -e $f ] || echo 0 >$f' &&
    ip link add "$TG_IF_A" address $TG_MAC_A netns "$TG_NETNS_A" type veth \
        peer name "$TG_IF_B" address $TG_MAC_B netns "$TG_NETNS_B" &&
    ip -n "$TG_NETNS_A" link set lo up &&
    ip -n "$TG_NETNS_B" link set lo up &&
    ip -n "$TG_NETNS_A" addr add $TG_ADDRESS_A/24 dev "$TG_IF_A" &&
    ip -n "$TG_NETNS_A" addr add $TG_ADDRESS6_A/64 dev "$TG_IF_A" nodad &&
    ip -n "$TG_NETNS_B" link set "$TG_IF_B" up &&
    ip -n "$TG_NETNS_A" link set "$TG_IF_A" up &&
    ip -n "$TG_NETNS_A" neigh replace $TG_ADDRESS_B lladdr $TG_MAC_B dev "$TG_IF_A" nud permanent &&
    ip -n "$TG_NETNS_A" neigh replace $TG_ADDRESS6_B lladdr $TG_MAC_B dev "$TG_IF_A" nud permanent
}

# tg_netns_b_addresses PREFIX: gives side b's kernel its addresses, for kernel sockets there.
tg_netns_b_addresses() {
    ip netns exec "$TG_NETNS_B" sh -c "
        echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6
        echo 0 >/proc/sys/net/ipv6/conf/$TG_IF_B/disable_ipv6" &&
    ip -n "$TG_NETNS_B" addr add $TG_ADDRESS_B/24 dev "$TG_IF_B" &&
    ip -n "$TG_NETNS_B" addr add $TG_ADDRESS6_B/64 dev "$TG_IF_B" nodad
}

# tg_netns_down PREFIX: removes both; the veth pair goes with them. Harmless when they are not there.
tg_netns_down() {
    local prefix=${1:-tg}
    ip netns del "$prefix-a" 2>/dev/null
    ip netns del "$prefix-b" 2>/dev/null
    return 0
}

# Run a command on one side.
tg_netns_a() { ip netns exec "$TG_NETNS_A" "$@"; }
tg_netns_b() { ip netns exec "$TG_NETNS_B" "$@"; }
