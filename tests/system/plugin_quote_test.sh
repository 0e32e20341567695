#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A tariff built outside the tree prices through `quote --plugin`; each broken one is refused with a
# reason and its rows come out suspended, one answer a line, other tariffs untouched. If this failed,
# somebody's faulty tariff would lose usage or charge nonsense.
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
compile() { # NAME OUT DEFINES...
    local name=$1 out=$2
    shift 2
    "$compiler" -std=gnu17 -O1 -fPIC -shared -fvisibility=hidden -DTG_PLUGIN_SHARED "$@" \
        -I"$work/prefix/include/tollgate" "$sources/$name.c" -o "$work/$out.so"
}
failures=0
note() {
    echo "FAIL $*"
    failures=$((failures + 1))
}
catalog_make() { # TARIFF
    mkdir -p "$work/catalog"
    cat >"$work/catalog/catalog.yaml" <<YAML
catalog: {version: 1, valid_from: 2026-01-01, currency: EUR}
prices:
  custom: {tariff: $1, unit: second, price: "0.10", per: 60}
  plain: {unit: octet, price: "1"}
plans:
  a: {voice: {price: custom}, data: {price: plain}}
products:
  a: {plan: a}
YAML
    printf 'id,name,currency\nx,X,EUR\n' >"$work/catalog/accounts.csv"
    printf 'id,account,product,msisdn,active_from,active_to\ns,x,a,49151,2026-01-01,\n' \
        >"$work/catalog/subscribers.csv"
}
{
    for seconds in 60 77 90; do
        echo "{\"subscriber\":\"49151\",\"service\":\"voice\",\"start\":\"2026-11-23T23:10:00Z\",\"duration_s\":$seconds}"
    done
    echo '{"subscriber":"49151","service":"voice","start":"2026-11-23T12:00:00Z","duration_s":60}'
    echo '{"subscriber":"49151","service":"data","start":"2026-11-23T12:00:00Z","quantity_up":3}'
} >"$work/in"
quote() { # PLUGIN-FILE: exit code in $code
    code=0
    "$tollgate" quote --catalog "$work/catalog" --plugin "$work/$1.so" --order arrival "$work/in" \
        >"$work/out" 2>"$work/err" || code=$?
    [ "$(wc -l <"$work/out")" = 5 ] || note "$1: $(wc -l <"$work/out") answers for 5 rows: $(cat "$work/err")"
}

compile night_owl night_owl
catalog_make night_owl
quote night_owl
[ $code = 0 ] || note "night_owl: exit $code: $(cat "$work/err")"
sed -n 1p "$work/out" | grep -q '"amount":"0.05".*"tariff":"night_owl"' || note "night: $(head -1 "$work/out")"
sed -n 4p "$work/out" | grep -q '"amount":"0.10"' || note "noon: $(sed -n 4p "$work/out")"

# Refused at load: every row it should price is suspended, the other tariff's row is rated.
for way in ABI:PLUGIN_ABI CRASH:PLUGIN_CRASH HANG:PLUGIN_TIMEOUT RANGE:PLUGIN_RANGE \
    COUNT:PLUGIN_COUNT PRICE_CRASH:PLUGIN_CRASH; do
    compile broken broken "-DBROKEN_${way%%:*}"
    catalog_make broken
    quote broken
    [ $code = 1 ] || note "$way: exit $code"
    grep -q "refused: ${way##*:}" "$work/err" || note "$way: $(cat "$work/err")"
    suspended=$(grep -c '"fate":"suspended","reason":"PLUGIN_QUARANTINED"' "$work/out") || true
    [ "$suspended" = 4 ] || note "$way: $suspended suspended: $(cat "$work/out")"
    sed -n 5p "$work/out" | grep -q '"amount":"3.00"' || note "$way: $(sed -n 5p "$work/out")"
done

# Passes the trial and lies later: an amount out of range voids its row alone; a wrong count takes
# the tariff out of use, from that row on.
compile broken broken -DBROKEN_RANGE_LATE
quote broken
fates=$(grep -o '"fate":"[a-z]*"\|"reason":"[A-Z_]*"' "$work/out" | tr '\n' ' ')
[ "$fates" = '"fate":"rated" "fate":"suspended" "reason":"PLUGIN_RANGE" "fate":"rated" "fate":"rated" "fate":"rated" ' ] ||
    note "late range: $fates"
compile broken broken -DBROKEN_COUNT_LATE
quote broken
fates=$(grep -o '"fate":"[a-z]*"\|"reason":"[A-Z_]*"' "$work/out" | tr '\n' ' ')
[ "$fates" = '"fate":"rated" "fate":"suspended" "reason":"PLUGIN_COUNT" "fate":"suspended" "reason":"PLUGIN_QUARANTINED" "fate":"suspended" "reason":"PLUGIN_QUARANTINED" "fate":"rated" ' ] ||
    note "late count: $fates"
exit $((failures > 0))
