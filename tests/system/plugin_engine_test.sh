#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A tariff built outside the tree is named in the configuration and prices the engine's rows; a
# broken one is refused with a reason, its rows are suspended and the others rated. If this failed,
# somebody's faulty tariff would lose usage or stop the engine.
# Usage: plugin_engine_test.sh TOLLGATE SOURCE BUILD
set -u
tollgate=$1
sources=$2/tests/system/plugin
build=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022

fail() {
    echo "FAILED: $*"
    exit 1
}

cmake --install "$build" --prefix "$work/prefix" >"$work/install.log" || fail "install"
compile() { # NAME DEFINES...
    local name=$1
    shift
    "${CC:-cc}" -std=gnu17 -O1 -fPIC -shared -fvisibility=hidden -DTG_PLUGIN_SHARED "$@" \
        -I"$work/prefix/include/tollgate" "$sources/$name.c" -o "$work/$name.so" || fail "compile $name"
}

engine() { # NAME TARIFF PLUGIN: run the sample carrier, its national price by TARIFF
    local dir=$work/$1
    "$tollgate" init "$dir" >/dev/null || fail "init"
    sed -i "s/national:      {unit/national:      {tariff: $2, unit/" "$dir/catalog/catalog.yaml"
    sed -i "s|^fronts:|plugins: [\"$3\"]\n\nfronts:|" "$dir/tollgate.yaml"
    "$tollgate" run --once --no-fronts "$dir/tollgate.yaml" 2>"$dir/log" ||
        fail "$1: the engine stopped: $(tail -2 "$dir/log")"
    "$tollgate" audit --data "$dir/data" --json >"$dir/audit" || fail "$1: audit: $(cat "$dir/audit")"
}
field() { # NAME FATE
    grep -o "\"rows\":{[^}]*" "$work/$1/audit" | head -1 | grep -o "\"$2\":[0-9]*" | cut -d: -f2
}

compile night_owl
engine good night_owl "$work/night_owl.so"
[ "$(field good suspended)" = 2 ] || fail "good: $(cat "$work/good/audit")" # the unreadable lines
grep -q 'plug-in refused' "$work/good/log" && fail "good: $(cat "$work/good/log")"

compile broken -DBROKEN_CRASH
engine crash broken "$work/broken.so"
grep -q 'plug-in refused.*broken' "$work/crash/log" || fail "crash: no reason: $(cat "$work/crash/log")"
[ "$(field crash in)" = "$(field good in)" ] || fail "crash: rows are lost"
suspended=$(field crash suspended)
[ "$suspended" -gt 2 ] || fail "crash: nothing was suspended"
[ "$(field crash rated)" = $(($(field good rated) - suspended + 2)) ] || fail "crash: others suffered"
"$tollgate" suspense list --data "$work/crash/data" | grep -q PLUGIN_QUARANTINED ||
    fail "crash: no reason in suspense"

compile broken -DBROKEN_ABI
engine abi broken "$work/broken.so"
grep -q 'plug-in refused' "$work/abi/log" || fail "abi: no reason"
[ "$(field abi suspended)" = "$suspended" ] || fail "abi: $(field abi suspended) suspended"
echo "$(field good rated) rows rated by the outside tariff and others; $suspended wait without it"
