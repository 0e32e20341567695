#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A tariff built outside the tree against the installed headers is accepted; each broken one is
# refused with its own reason and the checking process survives. If this failed, a third party's
# mistake would take the engine with it, or the contract could not be built against at all.
set -eu
tollgate=$1
sources=$2/tests/system/plugin
build=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022
compiler=${CC:-cc}

cmake --install "$build" --prefix "$work/prefix" >"$work/install.log" ||
    { cat "$work/install.log"; exit 1; }
include=$work/prefix/include/tollgate
test -f "$include/abi/tariff.h" || { echo "abi/ is not installed"; exit 1; }

compile() { # NAME OUT DEFINES...
    local name=$1 out=$2
    shift 2
    "$compiler" -std=gnu17 -O1 -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden \
        -DTG_PLUGIN_SHARED "$@" -I"$include" "$sources/$name.c" -o "$work/$out.so"
}

failures=0
expect() { # FILE CODE REASON
    local code=0
    "$tollgate" plugin check "$work/$1.so" --json >"$work/out" 2>"$work/err" || code=$?
    if [ "$code" != "$2" ] || ! grep -q "\"reason\":\"$3\"" "$work/out"; then
        echo "FAIL $1: exit $code, wanted $2 and $3: $(cat "$work/out" "$work/err")"
        failures=$((failures + 1))
    else
        echo "ok   $1: $(cat "$work/out")"
    fi
}

compile night_owl night_owl
expect night_owl 0 OK
for way in ABI:PLUGIN_ABI ENTRY:PLUGIN_ENTRY CRASH:PLUGIN_CRASH HANG:PLUGIN_TIMEOUT \
    EXIT:PLUGIN_CRASH RANGE:PLUGIN_RANGE COUNT:PLUGIN_COUNT PRICE_CRASH:PLUGIN_CRASH; do
    compile broken "broken_${way%%:*}" "-DBROKEN_${way%%:*}"
    expect "broken_${way%%:*}" 1 "${way##*:}"
done
compile broken broken_fine
expect broken_fine 0 OK
cp "$work/night_owl.so" "$work/open.so"
chmod g+w "$work/open.so"
expect open 1 PLUGIN_OPEN
expect missing 1 PLUGIN_OPEN
head -c 4096 "$work/night_owl.so" >"$work/cut.so"
# The loader maps what is not there and dies of it: the very thing the child process is for.
expect cut 1 PLUGIN_CRASH

# `plugin new` gives a folder that builds, passes its own test and is accepted.
cd "$work"
"$tollgate" plugin new my_tariff >/dev/null
cmake -S my_tariff -B my_tariff/build -DTOLLGATE_PREFIX="$work/prefix" >new.log 2>&1 &&
    cmake --build my_tariff/build >>new.log 2>&1 &&
    ctest --test-dir my_tariff/build >>new.log 2>&1 || { cat new.log; exit 1; }
cp my_tariff/build/my_tariff.so .
expect my_tariff 0 OK
if "$tollgate" plugin new my_tariff 2>/dev/null; then
    echo "FAIL: plugin new wrote over a folder"
    failures=$((failures + 1))
fi
"$tollgate" plugin list --json | grep -q '"name":"graduated"' ||
    { echo "FAIL: plugin list"; failures=$((failures + 1)); }
exit $((failures > 0))
