#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A subscription that is suspended, one that ends and comes back, one that changes its product. If
# this failed, who comes back would get his minutes twice in a month, or pay for days on which he was
# cut off. Usage: suspension_test.sh TOLLGATE
set -u
tollgate=$1
command -v jq >/dev/null || { echo "skip: no jq"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "FAILED: $*"
    exit 1
}
mkdir "$work/c"
cat >"$work/c/catalog.yaml" <<'YAML'
catalog: {version: 1, valid_from: 2026-01-01, currency: EUR, period_zone: Europe/Berlin}
prices:
  p: {unit: second, price: "1"}
  tiers: {unit: event, tariff: graduated, tiers: [{up_to: 10, price: "1"}, {price: "0.1"}]}
  capped: {unit: second, price: "1", spend_limit: cap}
spend_limits:
  cap: {maximum: "20"}
allowances:
  a: {unit: second, amount: 31, services: [voice]}
  part: {unit: second, amount: 31, services: [voice], proration: actual_days}
  other: {unit: second, amount: 31, services: [voice], period: cycle}
  shared: {unit: second, amount: 31, services: [voice], stacking: once}
plans:
  pl: {voice: {price: p, allowances: [a]}, event: {price: tiers}}
  by_days: {voice: {price: p, allowances: [part]}}
  limited: {voice: {price: capped}}
  more: {voice: {price: p, allowances: [other]}}
  small: {voice: {price: p, allowance: shared}}
  large: {voice: {price: p, allowances: [other, shared]}}
  plain: {voice: {price: p, allowances: [shared]}}
products:
  act: {plan: pl, fee: "31.00"}
  two: {plan: pl, fee: "62.00"}
  f30: {plan: pl, fee: "30.00", proration: fixed_30}
  thi: {plan: pl, fee: "30.00", proration: thirtieths}
  sec: {plan: pl, fee: "31.00", proration: seconds}
  nof: {plan: pl, fee: "30.00", proration: none_full}
  noz: {plan: pl, fee: "30.00", proration: none_zero}
  adv: {plan: pl, fee: "31.00", in_advance: true}
  wee: {plan: pl, fee: "7.00", period: week}
  day: {plan: pl, fee: "2.00", period: day}
  yea: {plan: pl, fee: "365.00", period: year, in_advance: true}
  qua: {plan: pl, fee: "90.00", period: quarter}
  min: {plan: pl, minimum: "62.00"}
  once: {plan: pl, fee: "9.00", period: ever}
  cap: {plan: limited}
  days: {plan: by_days}
  big: {plan: more}
  sma: {plan: small}
  lar: {plan: large}
  pla: {plan: plain}
YAML
people() { # lines of subscribers.csv; SUSPENSIONS beside them
    { echo id; printf 'A%s\n' "" 1 2 act f30 thi sec nof noz adv wee day yea qua min once; } \
        >"$work/c/accounts.csv"
    { echo id,account,product,msisdn,active_from,active_to; cat; } >"$work/c/subscribers.csv"
    printf 'subscriber,from,to,usage,fee\n%s\n' "${SUSPENSIONS:-}" >"$work/c/suspensions.csv"
}
call() { # SECONDS DAY...
    local seconds=$1
    shift
    for day in "$@"; do
        printf '{"subscriber":"+49150","service":"voice","start":"2026-%sT10:00:00Z","duration_s":%s}\n' \
            "$day" "$seconds"
    done
}
event() {
    printf '{"subscriber":"+49150","service":"event","start":"2026-%sT10:00:00Z","count":10}\n' "$@"
}
quoted() { # amounts or reasons of what is on stdin; also kept as a journal in data
    rm -rf "$work/data"
    "$tollgate" quote --catalog "$work/c" --data "$work/data" - >"$work/quoted" 2>"$work/said" ||
        fail "quote: $(cat "$work/said" "$work/quoted")"
    jq -r '.amount // .reason' "$work/quoted" | tr '\n' ' ' | sed 's/ $//'
}
holds() { # FILTER: what is on stdin is there, and it is so
    [ "$(jq "$1")" = true ]
}
same() { # GOT WANT WHAT
    [ "$1" = "$2" ] || fail "$3: $1 instead of $2"
}

# Ends on the 11th and comes back on the 21st: of the same id, of another id with the same number,
# or as another product of the plan.
for back in S1,A1,act,49150,2026-03-21, S2,A1,act,49150,2026-03-21, S2,A1,two,49150,2026-03-11, \
    S1,A1,two,49150,2026-03-11,; do
    printf 'S1,A1,act,49150,2026-01-01,2026-03-11\n%s\n' "$back" | people
    same "$(call 20 03-10 03-22 04-02 | quoted)" "0.00 9.00 0.00" "allowance, $back"
    "$tollgate" rerate --data "$work/data" --post --json | holds '.rows_changed == 0 and .shelves_changed == 0' || fail "rerate, $back"
    "$tollgate" explain 1:1 --data "$work/data" | grep -q "counted with S1 as one subscription" ||
        fail "$("$tollgate" explain 1:1 --data "$work/data")"
    same "$(event 03-10 03-22 04-02 | quoted)" "10.00 1.00 10.00" "tiers, $back"
    sed -i "s/,act,/,cap,/; s/,two,/,cap,/" "$work/c/subscribers.csv"
    same "$(call 15 03-10 03-22 04-02 | quoted)" "15.00 5.00 15.00" "limit, $back"
    sed -i "s/,cap,/,days,/" "$work/c/subscribers.csv"
    same "$(call 20 03-10 03-22 | quoted)" "0.00 9.00" "a grant by days is that of who was there, $back"
done

# To another plan and back: what the first one counted goes on, the other one has its own.
printf 'S1,A1,act,49150,2026-01-01,2026-03-08\nS1,A1,big,49150,2026-03-08,2026-03-21\nS1,A1,act,49150,2026-03-21,\n' |
    people
same "$(call 20 03-02 03-09 03-22 | quoted)" "0.00 0.00 9.00" "to another plan and back"
"$tollgate" bill run --data "$work/data" --period 2026-03 --issue >/dev/null
"$tollgate" bill show INV-2026-00000001 --data "$work/data" --json >"$work/bill"
same "$(jq -r '[.x_line[] | "\(.x_subscription) \(.product) \(.x_kind) \(.x_amount)"] | join(", ")' "$work/bill")" \
    "S1 act recurring 7.00, S1 act usage 0.00, S1#2 big usage 0.00, S1#3 act recurring 11.00, S1#3 act usage 9.00" \
    "each line is billed by itself"
for line in 1 2 3 4 5; do
    "$tollgate" explain "INV-2026-00000001:$line" --data "$work/data" >"$work/said" ||
        fail "line $line: $(cat "$work/said")"
done

# What several plans share is granted once to who changes from one to the other, and back; it is his
# alone. Credit is tried on top of it without using it up: 11 seconds are left, and 5 are paid.
for back in S1,A1,pla,49150,2026-03-11, S2,A1,pla,49150,2026-03-21,; do
    printf 'S1,A1,sma,49150,2026-01-01,2026-03-11\n%s\nS9,A1,pla,49159,2026-01-01,\n' "$back" | people
    same "$({ call 20 03-10 03-22 03-23 04-02; call 31 03-09 | sed 's/49150/49159/'; } | quoted)" \
        "0.00 9.00 20.00 0.00 0.00" "shared by two plans, $back"
    "$tollgate" rerate --data "$work/data" --post --json | holds '.rows_changed == 0 and .shelves_changed == 0' || fail "rerate, shared, $back"
    "$tollgate" rerate --data "$work/data" --from 2026-03-23 --to 2026-03-30 --json |
        holds '.rows_selected == 1 and .rows_changed == 0' || fail "rerate of a part, $back"
    { call 20 03-10; call 20 03-22 | sed 's/}/,"credit":"5"}/'; call 20 03-23; } >"$work/in"
    same "$(quoted <"$work/in")" "0.00 5.00 20.00" "credit, $back"
    [ "$(jq -s '.[1].granted_quantity' "$work/quoted")" = 16000 ] || fail "granted, $back"
done
printf 'S1,A1,sma,49150,2026-01-01,2026-03-08\nS1,A1,lar,49150,2026-03-08,2026-03-21\nS1,A1,sma,49150,2026-03-21,\n' |
    people
same "$(call 20 03-02 03-09 03-10 03-22 | quoted)" "0.00 0.00 0.00 18.00" "to a larger plan and back"
printf 'S1,A1,sma,49150,2026-01-01,2026-03-11\nS2,A2,pla,49150,2026-03-11,\n' | people
same "$(call 20 03-10 03-22 | quoted)" "0.00 0.00" "shared, in another account"
for with in "scope: account" "proration: actual_days" "rollover: {periods: 1}" "period_from: start"; do
    sed -i "s/stacking: once.*}/stacking: once, $with}/" "$work/c/catalog.yaml"
    "$tollgate" catalog check --catalog "$work/c" >"$work/said" 2>&1 && fail "$with beside stacking"
    grep -q 'catalog.yaml:12:67: error: stacking: once does not go with' "$work/said" || fail "$with: $(cat "$work/said")"
done
sed -i "s/stacking: once.*}/stacking: once}/" "$work/c/catalog.yaml"

# After a whole month away, and in another account, somebody is new; a holder keeps his number.
printf 'S1,A1,days,49150,2026-01-01,2026-03-02\nS1,A1,days,49150,2026-04-16,\n' | people
same "$(call 20 03-01 04-17 | quoted)" "0.00 5.00" "granted by days after 31 days away"
printf 'S1,A1,act,49150,2026-01-01,2026-03-11\nS2,A2,act,49150,2026-03-11,\n' | people
same "$(call 20 03-10 03-22 | quoted)" "0.00 0.00" "another account"
printf 'S1,A1,act,49151,2026-01-01,2026-03-11\nS2,A1,act,49150,2026-03-11,\n' | people
same "$(call 20 03-22 | quoted)" "0.00" "another number"

# An import that adds the second line, and one that sorts the file otherwise, keep what is counted.
printf 'S1,A1,act,49150,2026-01-01,2026-03-11\n' | people
rm -rf "$work/kept"
"$tollgate" catalog import --catalog "$work/c" --data "$work/kept" >/dev/null || fail "import"
printf 'S2,A1,act,49150,2026-03-21,\nS1,A1,act,49150,2026-01-01,2026-03-11\n' | people
"$tollgate" catalog import --catalog "$work/c" --data "$work/kept" >"$work/said" || fail "$(cat "$work/said")"

# Suspended: refused, or rated; nothing is granted twice.
SUSPENSIONS=S1,2026-03-11,2026-03-21,, people <<<"S1,A1,act,49150,2026-01-01,"
same "$(call 20 03-10 03-11 03-20 03-21 | quoted)" \
    "0.00 SUBSCRIPTION_SUSPENDED SUBSCRIPTION_SUSPENDED 9.00" "refused"
printf '{"subscriber":"+49150","service":"voice","start":"2026-03-%s:00Z","duration_s":1}\n' \
    10T22:59 10T23:00 20T22:59 20T23:00 >"$work/edges" # midnights of Berlin
same "$(quoted <"$work/edges")" "0.00 SUBSCRIPTION_SUSPENDED SUBSCRIPTION_SUSPENDED 0.00" "midnights"
"$tollgate" explain 1:1 --data "$work/data" 2>&1 | grep -q "the subscription was suspended then" ||
    fail "explain: $("$tollgate" explain 1:1 --data "$work/data" 2>&1)"
SUSPENSIONS=S1,2026-03-11,,rate,full people <<<"S1,A1,act,49150,2026-01-01,"
same "$(call 20 03-10 03-11 04-20 | quoted)" "0.00 9.00 0.00" "rated"

# Fees, by proration and period: 10 days of a March that is an hour short.
lines=
SUSPENSIONS=
for product in act f30 thi sec nof noz adv wee day yea qua min once; do
    lines+="S$product,A$product,$product,4917${#lines},2026-01-01,"$'\n'
    SUSPENSIONS+="S$product,2026-03-11,2026-03-21,,"$'\n'
done
bills() { # each account's lines of March, as amounts
    printf '%s' "$lines" | people
    rm -rf "$work/bills"
    "$tollgate" catalog import --catalog "$work/c" --data "$work/bills" >"$work/said" 2>&1 ||
        fail "$(cat "$work/said")"
    for month in 01 02 03; do
        "$tollgate" bill run --data "$work/bills" --period 2026-$month --issue >/dev/null
    done
    for product in act f30 thi sec nof noz adv wee day yea qua min once; do
        echo "\"$product\""
        "$tollgate" bill show "B-2026-03-A$product" --data "$work/bills" --json 2>/dev/null
    done | jq -rn 'reduce inputs as $of ([]; if $of | type == "string" then . + [[$of]]
        else .[-1] += [$of.x_line[].x_amount] end) | .[] | join(" ")'
}
bills >"$work/march"
diff - "$work/march" >&2 <<'END' || fail "suspended by days"
act 31.00 -10.00
f30 30.00 -10.00
thi 30.00 -9.00
sec 31.00 -10.01
nof 30.00
noz 30.00 -30.00
adv -10.00 31.00
wee 35.00 -10.00
day 62.00 -20.00
yea -10.00
qua 90.00 -10.00
min 42.00
once
END
for n in $(seq 1 40); do
    number=$(printf 'INV-2026-%08d' "$n")
    "$tollgate" bill show "$number" --data "$work/bills" --json >"$work/bill" 2>/dev/null || break
    echo "\"$number\""
    cat "$work/bill"
done >"$work/shown"
jq -rn 'foreach inputs as $of (""; if $of | type == "string" then $of else . end; . as $number | $of |
    objects | .x_line | to_entries[] | select(.value.x_title == "suspended") | "\($number):\(.key + 1)")' \
    "$work/shown" >"$work/lines" || fail "$(head -c 400 "$work/shown")"
while read -r line; do
    "$tollgate" explain "$line" --data "$work/bills" |
        grep -q "given back for the time in which it was suspended" || fail "explain $line"
    touch "$work/told"
done <"$work/lines"
[ -e "$work/told" ] || fail "no line tells of a suspension"

# Days on which it could be used are paid: from noon to noon only whole days come back.
SUSPENSIONS=${SUSPENSIONS//2026-03-11,2026-03-21/2026-03-11T11:00:00Z,2026-03-21T11:00:00Z}
bills >"$work/noon"
grep -qx "act 31.00 -9.00" "$work/noon" && grep -qx "sec 31.00 -10.01" "$work/noon" ||
    fail "noon: $(cat "$work/noon")"
SUSPENSIONS=${SUSPENSIONS//,,$'\n'/,,none$'\n'}
bills >"$work/none"
diff - "$work/none" >&2 <<'END' || fail "nothing for a cycle that it touches"
act 31.00 -31.00
f30 30.00 -30.00
thi 30.00 -30.00
sec 31.00 -31.00
nof 30.00 -30.00
noz 30.00 -30.00
adv -31.00 31.00
wee 35.00 -35.00
day 62.00 -62.00
yea -31.00
qua 90.00 -31.00
min
once
END
# Of a year or quarter that is never prorated it is the cycle's days too, not all of it for each cycle.
sed -i -e 's/\(yea: .*in_advance: true\)}/\1, proration: none_full}/' \
    -e 's/\(qua: .*quarter\)}/\1, proration: none_zero}/' "$work/c/"*.yaml
bills >"$work/never"
grep -qx "yea -31.00" "$work/never" && grep -qx "qua 90.00 -31.00" "$work/never" ||
    fail "never prorated: $(cat "$work/never")"
SUSPENSIONS=${SUSPENSIONS//,none/,} bills >"$work/never"
grep -qx "yea" "$work/never" && grep -qx "qua 90.00 -31.00" "$work/never" ||
    fail "never prorated, by days: $(cat "$work/never")"
SUSPENSIONS=${SUSPENSIONS//,none/,full}
bills >"$work/full"
grep -q -- - "$work/full" && fail "full: $(cat "$work/full")"

# Mistakes, each at its place.
wrong() { # LINE:COLUMN WORDS; people were written
    "$tollgate" catalog check --catalog "$work/c" >"$work/said" 2>&1 && fail "not refused: $2"
    grep -q "$1: error: .*$2" "$work/said" || fail "$2: $(cat "$work/said")"
}
one=S1,A1,act,49150,2026-01-01,2026-06-01
for mistake in "S9,2026-03-01,,,|suspensions.csv:2:1|no subscriber \"S9\"" \
    "S1,2026-03-01,2026-02-01,,|suspensions.csv:2:15|not after from" \
    "S1,2025-03-01,2026-02-01,,|suspensions.csv:2:4|not active" \
    "S1,2026-03-01,2026-07-01,,|suspensions.csv:2:15|behind the subscription's active_to" \
    "S1,2026-03-01,,block,|suspensions.csv:2:16|usage: \"block\"" \
    "S1,2026-03-01,,,half|suspensions.csv:2:17|fee: \"half\"" \
    "S1,,,,|suspensions.csv:2:4|from" \
    "S1,2026-03-01,2026-03-05,,"$'\n'"S1,2026-03-04,,,|suspensions.csv:3:4|suspended already"; do
    SUSPENSIONS=${mistake%%|*} people <<<"$one"
    place=${mistake#*|}
    wrong "${place%%|*}" "${place#*|}"
done
SUSPENSIONS=
printf '%s\nS1,A2,act,49150,2026-07-01,\n' "$one" | people
wrong subscribers.csv:3:1 "already on line 2, in another account"
printf '%s\nS1,A1,act,49151,2026-05-01,\n' "$one" | people
wrong subscribers.csv:3:1 "already on line 2, and active at that time"
echo "suspension: refused, rated, given back and granted once"
