# SPDX-License-Identifier: Apache-2.0
# Debian 12 packages by use, and how to get them; sourced by quickstart, test and fuzz.

tg_packages_build="gcc libc6-dev cmake ninja-build pkg-config mawk
    libdpdk-dev liburcu-dev liblmdb-dev libzstd-dev libyaml-dev libjansson-dev libmicrohttpd-dev
    libssl-dev libpcap-dev tzdata"
tg_packages_test="libcriterion-dev clang clang-format-14 libclang-rt-14-dev llvm-14 curl jq python3-minimal
    python3-yaml python3-jsonschema
    iproute2 procps softflowd tcpreplay tcpdump pmacct freeradius-utils bsdutils bsdextrautils strace valgrind"

# Install what is missing of the named packages; says so first. Needs root or sudo only then.
tg_install() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' ||
            missing+=("$package")
    done
    [ "${#missing[@]}" -eq 0 ] && return 0
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || {
            echo "missing: ${missing[*]}" >&2
            echo "install them as root: apt-get install --no-install-recommends ${missing[*]}" >&2
            return 1
        }
        as_root=(sudo)
    fi
    echo "installing through apt: ${missing[*]}"
    # Daemons that come with test packages must not start by themselves: policy-rc.d says no for
    # the time of the installation, where there is none already.
    local policy=/usr/sbin/policy-rc.d made_policy=0
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
        "${as_root[@]}" chmod 755 "$policy"
        made_policy=1
    fi
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends "${missing[@]}" >/dev/null
    local code=$?
    [ "$made_policy" -eq 1 ] && "${as_root[@]}" rm -f "$policy"
    return $code
}
