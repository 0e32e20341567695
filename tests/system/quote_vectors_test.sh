#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The table of rating-semantics 4.3 and the models of 4.5, through the whole path: YAML catalog in,
# JSON usage in, charges out. If this failed, `quote` would promise other amounts than the contract.
set -eu
tollgate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
catalog=$work/catalog
mkdir "$catalog"
cat >"$catalog/catalog.yaml" <<'YAML'
catalog: {version: 3, valid_from: 2026-01-01, currency: EUR}
decks:
  world: {prefixes: {"49": home_country, "4915": mobile, "331018": short, "33": france}}
  friends: {prefixes: {"4930": home_country}}
  rest: {prefixes: {"4930123": france, "1": france}}
prices:
  p60_6:   {unit: second, price: "0.10", per: 60, first: 60, next: 6}
  p60_6c:  {unit: second, price: "0.10", per: 60, first: 60, next: 6, connect: "0.05"}
  p30_6:   {unit: second, price: "0.006", per: 60, first: 30, next: 6}
  p6_6:    {unit: second, price: "0.00137", per: 6, first: 6, next: 6}
  p60_60:  {unit: second, price: "0.10", per: 60, first: 60, next: 60}
  tiers:   {tariff: graduated, unit: octet, tiers: [{up_to: 1000, price: "0.05"}, {up_to: 10000, price: "0.04"}, {price: "0.03"}]}
  top:     {tariff: volume, unit: octet, tiers: [{up_to: 1000, price: "0.05"}, {up_to: 10000, price: "0.04"}, {price: "0.03"}]}
  packs:   {tariff: package, unit: octet, price: "20", per: 500}
  sms:     {tariff: flat, unit: event, price: "0.09"}
allowances:
  minutes: {unit: second, amount: 100, services: [voice]}
plans:
  a: {voice: {price: p60_6}, data: {price: tiers}, message: {price: sms}}
  b: {voice: {price: p60_6c}, data: {price: top}}
  c: {voice: {price: p30_6}, data: {price: packs}}
  d: {voice: {price: p6_6}}
  e: {voice: {price: p60_60}}
  f: {voice: {price: p60_6, allowance: minutes}}
  g: {voice: {deck: world, prices: {home_country: p60_60, mobile: p60_6, france: p30_6}}}
  h: {voice: {deck: friends, fallback_decks: [rest, world], prices: {home_country: p60_60, mobile: p60_6, france: p30_6}}}
products:
  h: {plan: h}
  a: {plan: a}
  b: {plan: b}
  c: {plan: c}
  d: {plan: d}
  e: {plan: e}
  f: {plan: f}
  g: {plan: g}
YAML
echo "id,name,currency" >"$catalog/accounts.csv"
echo "x,Customer X,EUR" >>"$catalog/accounts.csv"
echo "id,account,product,msisdn,active_from,active_to" >"$catalog/subscribers.csv"
number=1
for product in a b c d e f g h; do
    echo "s$product,x,$product,4915000000$number,2026-01-01," >>"$catalog/subscribers.csv"
    number=$((number + 1))
done

failures=0
note() {
    echo "FAIL $*"
    failures=$((failures + 1))
}
at=',"start":"2026-11-23T06:10:00Z"'
call() { echo "{\"id\":\"$2\",\"subscriber\":\"+4915000000$1\",\"service\":\"voice\",\"peer\":\"+${4:-4930123456}\",\"duration_s\":$3$at}"; }
data() { echo "{\"id\":\"$2\",\"subscriber\":\"+4915000000$1\",\"service\":\"data\",\"quantity_down\":$3$at}"; }
expect() { # ID PATTERN...: the answer with that id has every pattern
    local id=$1 answer
    shift
    answer=$(grep "\"id\":\"$id\"" "$work/out") || { note "$id: no answer"; return; }
    for pattern in "$@"; do
        grep -qF -- "$pattern" <<<"$answer" || note "$id: no $pattern in $answer"
    done
}

{
    for seconds in 1 60 61 66 67; do call 1 "a$seconds" $seconds; done
    call 2 b600 600
    for seconds in 32 57 75; do call 3 "c$seconds" $seconds; done
    call 4 d205 205
    for seconds in 42 622; do call 5 "e$seconds" $seconds; done
} >"$work/in"
"$tollgate" quote --catalog "$catalog" <"$work/in" >"$work/out" 2>"$work/err" || note "exit $?"
expect a1 '"amount":"0.10"' '"billed_units":60' '"tariff":"per_unit"' '"currency":"EUR"'
expect a60 '"amount":"0.10"' '"billed_units":60'
expect a61 '"amount":"0.11"' '"billed_units":66' '"quantity":61' '"price":"p60_6"'
expect a66 '"amount":"0.11"' '"billed_units":66'
expect a67 '"amount":"0.12"' '"billed_units":72'
expect b600 '"amount":"1.05"' '"connect_fee":"0.05"' '"billed_units":600'
expect c32 '"amount":"0.0036"' '"billed_units":36'
expect c57 '"amount":"0.006"' '"billed_units":60'
expect c75 '"amount":"0.0078"' '"billed_units":78'
expect d205 '"amount":"0.04795"' '"billed_units":210'
expect e42 '"amount":"0.10"' '"billed_units":60'
expect e622 '"amount":"1.10"' '"billed_units":660'

# Models, each line as if it were the first.
{
    for units in 1000 1001 10000 10001 25000; do data 1 "t$units" $units; done
    for units in 1000 1001 10001 25000; do data 2 "v$units" $units; done
    for units in 1 1000 1001 10001; do data 3 "p$units" $units; done
    echo "{\"id\":\"sms\",\"subscriber\":\"+49150000001\",\"service\":\"message\"$at}"
} >"$work/in"
"$tollgate" quote --catalog "$catalog" --fresh "$work/in" >"$work/out" 2>"$work/err" || note "exit $?"
expect t1000 '"amount":"50.00"'
expect t1001 '"amount":"50.04"'
expect t10000 '"amount":"410.00"'
expect t10001 '"amount":"410.03"'
expect t25000 '"amount":"860.00"'
expect v1000 '"amount":"50.00"'
expect v1001 '"amount":"40.04"'
expect v10001 '"amount":"300.03"'
expect v25000 '"amount":"750.00"'
expect p1 '"amount":"20.00"'
expect p1000 '"amount":"40.00"'
expect p1001 '"amount":"60.00"'
expect p10001 '"amount":"420.00"'
expect sms '"amount":"0.09"' '"tariff":"flat"'

# Lines of one run share counters and allowances, in order; prefixes: the longest wins, and a number
# no prefix covers has no rate.
{
    data 1 first 995
    data 1 crossing 10
    call 6 covered 61
    call 6 partly 61
    call 6 priced 61
    call 7 mobile 61 4915112345678
    call 7 fixed 61 4930123456
    call 7 nowhere 61 8612345678
    call 8 first_deck 61 4930123456
    call 8 second_deck 61 18001234567
    call 8 third_deck 61 4915112345678
    call 8 no_deck 61 8612345678
    call 7 short 61 3310181
    echo '{"id":"nobody","subscriber":"+1","service":"voice","start":"2026-11-23T00:00:00Z"}'
    echo '{"id":"early","subscriber":"+49150000001","service":"voice","start":"2025-11-23T00:00:00Z"}'
} >"$work/in"
"$tollgate" quote --catalog "$catalog" - <"$work/in" >"$work/out" 2>"$work/err" || note "exit $?"
expect crossing '"amount":"0.45"' '"units_before":995'
expect covered '"amount":"0.00"' '"allowance_units":66' '"breakdown":[]'
expect partly '"allowance_units":34' '"billed_units":66' '"units":32'
expect priced '"amount":"0.11"' '"allowance_units":0' '"units_before":32'
expect mobile '"amount":"0.11"' '"zone":"mobile"'
expect fixed '"amount":"0.20"' '"zone":"home_country"'
expect first_deck '"zone":"home_country"' # though a later deck has a longer prefix
expect second_deck '"zone":"france"'
expect third_deck '"zone":"mobile"' '"amount":"0.11"'
expect no_deck '"fate":"suspended"' '"reason":"NO_RATE"'
expect nowhere '"fate":"suspended"' '"reason":"NO_RATE"'
expect short '"fate":"suspended"' '"reason":"NO_RATE"' '"zone":"short"'
expect nobody '"fate":"suspended"' '"reason":"UNKNOWN_SUBSCRIBER"'
expect early '"fate":"suspended"'

# A bad line is told with its place; the others go on; the exit code is 1.
{
    call 1 good 61
    echo '{"id":"broken",'
    echo '{"subscriber":"+49150000001","service":"voice","start":"2026-11-23T00:00:00Z","duratoin_s":1}'
    echo '{"id":"minus","subscriber":"+49150000001","service":"voice","start":"2026-11-23T00:00:00Z","duration_s":-1}'
    echo '{"id":"real","subscriber":"+49150000001","service":"voice","start":"2026-11-23T00:00:00Z","duration_s":1.5}'
    call 1 after 61
    echo '{"id":"start","subscriber":"+49x","service":"fax","start":"yesterday","duration_s":-1,"duration_ms":2.5,"colour":1,"flags":["big","odd"],"peer":"1"}'
    echo '{"peer":"+49x"}'
} >"$work/in"
code=0
"$tollgate" quote --catalog "$catalog" "$work/in" >"$work/out" 2>"$work/err" || code=$?
[ "$code" = 1 ] || note "bad lines: exit $code"
[ "$(wc -l <"$work/out")" = 8 ] || note "not one answer a line"
expect good '"amount":"0.11"'
expect after '"amount":"0.11"'
expect minus '"fate":"suspended"' '"reason":"NEGATIVE_USAGE"'
expect real '"fate":"refused"' '"at":"5:'
grep -qF '"at":"2:' "$work/out" || note "no place for the broken line"
# All mistakes of a line at once, each at its key, and a text that is alike is no key.
places() { # LINE: "AT KEY" of each of its errors, in order
    sed -n "$1p" "$work/out" | sed 's/.*"errors"://' |
        grep -o '"at":"[0-9:]*","reason":"[A-Z_]*","error":"[^:" ]*' |
        sed 's/"at":"\([0-9:]*\)","reason":"\([A-Z_]*\)","error":"/\1 \2 /' | paste -sd,
}
want="7:15 BAD_NUMBER subscriber,7:35 SYNTAX service,7:51 BAD_TIMESTAMP start,7:87 SYNTAX duration_ms"
want="$want,7:105 SYNTAX unknown,7:116 SYNTAX flags,7:71 SYNTAX duration_s"
[ "$(places 7)" = "$want" ] || note "not all mistakes: $(places 7)"
want="8:2 BAD_NUMBER peer,8:1 MISSING_MANDATORY 'subscriber',8:1 MISSING_MANDATORY 'service',8:1 MISSING_MANDATORY 'start'"
[ "$(places 8)" = "$want" ] || note "not all that is missing: $(places 8)"
sed -n 7p "$work/out" | grep -qF '"reason":"BAD_NUMBER","at":"7:15"' || note "the first is not told beside them"
grep -qF '"at":"3:79"' "$work/out" || note "no place for the unknown key: $(sed -n 3p "$work/out")"
[ $failures = 0 ] || cat "$work/out"
exit $((failures > 0))
