#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A tariff in BPF comes with the catalog and prices the engine's rows from the stored image alone; a
# program that could loop, reach out or remember is refused by the instruction that shows it. If this
# failed, code that nobody trusts could take the engine, or a month's usage, with it.
# Usage: plugin_bpf_test.sh TOLLGATE SOURCE BUILD
set -u
tollgate=$1
build=$3
command -v "${CLANG:-clang}" >/dev/null || { echo "no clang: skipped"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022
failures=0
note() {
    echo "FAIL $*"
    failures=$((failures + 1))
}
fail() {
    note "$*"
    exit 1
}

# Outside the tree, installed: a new folder builds, passes its test and prices a record.
cmake --install "$build" --prefix "$work/prefix" >"$work/log" || fail "install: $(cat "$work/log")"
installed=$work/prefix/bin/tollgate
cd "$work" || exit 1
"$installed" plugin new --bpf moon >log || fail "new: $(cat log)"
cmake -S moon -B moon/build -DTOLLGATE_PREFIX="$work/prefix" >log 2>&1 &&
    cmake --build moon/build >>log 2>&1 && ctest --test-dir moon/build >>log 2>&1 ||
    fail "moon: $(cat log)"
"$installed" plugin check moon/catalog/moon.o --json | grep -q '"hash":"[0-9a-f]*".*"accepted":true' ||
    note "check says no hash"

# Refused, each by the instruction and the line it comes from.
head='#include "abi/tariff_bpf.h"
static __attribute__((noinline)) uint64_t helper(uint64_t a) { return a * 7 + 5; }
extern uint64_t time(void *);
extern int64_t table[4];
TG_BPF_TARIFF uint64_t bad(struct tg_tariff_context *context) {
    (void)helper; (void)time;'
refused() { # NAME REASON PATTERN BODY
    printf '%s\n%s\ncontext->result.denominator = 1;\nreturn TG_BPF_ANSWERED; }\n' "$head" "$4" \
        >"$1.c"
    local code=0
    "$tollgate" plugin build "$1.c" >out 2>err || code=$?
    if [ $code != 1 ] || ! grep -q "refused: $2: .*$3" out; then
        note "$1: exit $code, wanted $2 and $3: $(cat out err)"
    else
        echo "ok   $(cat out)"
    fi
}
refused loop PLUGIN_ABI 'instruction [0-9]* (loop.c:7: .*goto -[0-9]*: jumps back' \
    'for (uint64_t i = 0; i < context->row.units; i++) { tg_add(context, 1, i); }'
refused table PLUGIN_ABI 'instruction [0-9]* (table.c:[0-9].*address of "table"' \
    'context->result.amount = table[context->row.units & 3];'
refused call PLUGIN_ABI 'instruction [0-9]* (call.c:[0-9].*call -1: calls a function of its own' \
    'context->result.amount = (int64_t)helper(context->row.units);'
refused libc PLUGIN_ABI 'instruction [0-9]* .*calls "time": only tg_add and tg_settle' \
    'context->result.amount = (int64_t)time(0);'
refused index PLUGIN_ABI 'instruction [0-9]* (index.c:7: .*memory boundary violation' \
    'context->result.amount = context->params[context->row.units];'
refused beyond PLUGIN_ABI 'instruction 0 (beyond.c:7: .*+600): memory boundary violation' \
    'context->result.amount = *(int64_t *)((char *)context + 600);'
refused text PLUGIN_ABI 'instruction [0-9]* (text.c:7: .*address of ".rodata' \
    'context->result.amount = "night"[context->row.units & 3];'
refused wild PLUGIN_ABI 'instruction [0-9]* (wild.c:7: .*= r[0-9]: destination is not a pointer' \
    '*(volatile int64_t *)context->row.start_ns = 1;'
refused stale PLUGIN_ABI 'instruction [0-9]* (stale.c:.*undefined value on the stack' \
    'int64_t old; __asm__ volatile("%0 = *(u64 *)(r10 - 64)" : "=r"(old)); context->result.amount = old;'
refused leak PLUGIN_ERROR 'two answers' 'context->result.amount = (int64_t)context & 0xffffff;'
many=
for bit in $(seq 1 60); do many="$many if (context->row.units_before & (1ull << $bit)) x = x * $bit + 3;"; done
refused paths PLUGIN_TIMEOUT 'too many paths' \
    "uint64_t x = context->row.units; $many context->result.amount = (int64_t)x;"
long=
for step in $(seq 1 1400); do long="$long x = x * $step + context->row.units_before; x ^= x >> 3;
"; done
refused long PLUGIN_ABI 'instruction 4096 (long.c:[0-9]*: .*x = x \* .*one too many, the program has' \
    "uint64_t x = context->row.units; $long context->result.amount = (int64_t)x;"
if "$tollgate" plugin check "$work/log" >out; then note "a text was accepted"; fi

# In a catalog the refusal stands at its file, line and column; nothing is imported.
cp -r moon/catalog refused
cp loop.o refused/moon.o
"$tollgate" catalog check --catalog refused >out 2>&1 && note "a loop was accepted"
grep -q 'catalog.yaml:4:15: error: bpf: moon.o: instruction' out || note "no place: $(cat out)"

# Sees steps and params; a verdict of its own suspends its row alone; a division by zero is a fault.
cat >night.c <<'C'
#include "abi/tariff_bpf.h"
#define HOUR_NS 3600000000000ull
TG_BPF_TARIFF uint64_t night(struct tg_tariff_context *context)
{
    const uint64_t hour = (uint64_t)context->row.start_ns / HOUR_NS % 24;
    if (context->row.units == (uint64_t)context->params[2]) {
        context->result.verdict = TG_E_NO_RATE;
        return TG_BPF_ANSWERED;
    }
    const uint64_t share = hour >= 22 || hour < 6 ? (uint64_t)context->params[0] : 100;
    tg_add(context, context->steps[0].price, context->row.units * share);
    return tg_settle(context, context->steps[0].per_units * (uint64_t)context->params[1]);
}
C
"$tollgate" plugin build night.c >out 2>&1 || fail "night: $(cat out)"
mkdir -p quote/tariffs
cp night.o quote/tariffs/
cp moon/catalog/*.csv quote/
cat >quote/catalog.yaml <<'YAML'
catalog: {version: 1, valid_from: 2026-01-01, currency: EUR}
tariffs:
  night: {bpf: tariffs/night.o}
prices:
  custom: {tariff: night, unit: second, price: "0.10", per: 60, params: {values: [50, 100, 77]}}
plans:
  basic: {voice: {price: custom}}
products:
  basic: {plan: basic}
YAML
row() { echo "{\"subscriber\":\"4915112345678\",\"service\":\"voice\",\"start\":\"2026-11-23T$1:10:00Z\",\"duration_s\":$2}"; }
{ row 23 60; row 12 60; row 12 77; row 12 90; } >in
"$tollgate" quote --catalog quote in >out 2>err
answers=$(grep -o '"amount":"[0-9.]*","currency"\|"reason":"[A-Z_]*"' out | tr '\n' ' ')
[ "$answers" = '"amount":"0.05","currency" "amount":"0.10","currency" "reason":"NO_RATE" "amount":"0.15","currency" ' ] ||
    note "night: $answers $(cat err)"
grep -q '"tariff":"night@[0-9a-f]\{16\}"' out || note "the hash is not told: $(head -1 out)"
sed -i 's/\[50, 100, 77\]/[50, 0, 77]/' quote/catalog.yaml
"$tollgate" quote --catalog quote in >out 2>err
[ "$(grep -c '"reason":"PLUGIN_ERROR"' out)" = 3 ] || note "division by zero: $(cat out)"
sed -i 's/\[50, 0, 77\]/[50, x]/' quote/catalog.yaml
"$tollgate" catalog check --catalog quote >out 2>&1
grep -q 'catalog.yaml:5:.*params: not a whole number' out || note "params: $(cat out)"

# The engine: priced by the program, and by what is stored once the file is gone.
"$tollgate" init carrier >/dev/null
cp moon/catalog/moon.o carrier/catalog/
sed -i 's/national:      {unit/national:      {tariff: moon, unit/' carrier/catalog/catalog.yaml
printf '\ntariffs:\n  moon: {bpf: moon.o}\n' >>carrier/catalog/catalog.yaml
"$tollgate" run --once --no-fronts carrier/tollgate.yaml 2>log || fail "carrier: $(tail -2 log)"
rerated() { # WHAT PATTERN ARGUMENTS...
    local what=$1 pattern=$2
    shift 2
    "$tollgate" rerate --data carrier/data --all --json "$@" >out 2>err ||
        note "$what: $(cat out err)"
    grep -q "\"rows_selected\":[1-9][0-9]*,.*\"rows_refused\":0,.*$pattern" out ||
        note "$what: $(head -c 400 out)"
}
"$tollgate" init plain >/dev/null
# A program may look at its counter, per_unit does not: places on shelves differ, money may not.
rerated "the built-in tariff makes other amounts" \
    '"difference":"0.00","raised":"0.00","lowered":"0.00"' --catalog plain/catalog
rm -r carrier/catalog
rerated "the stored program makes other amounts" '"rows_changed":0'
sed -i 's/^catalog: catalog.*//' carrier/tollgate.yaml
"$tollgate" run --once --no-fronts carrier/tollgate.yaml 2>log || note "without files: $(tail -2 log)"
grep -q refused log && note "without files: $(cat log)"
exit $((failures > 0))
