#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A bill from draft to paid: collecting, calculated, approved, issued, partly paid, paid, void, and reminders of
# what is not paid. If this failed, bills would go out that nobody approved, a payment would count twice,
# or somebody who has paid would be reminded.
set -u
tollgate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
fail() {
    echo "FAILED: $*"
    bad=1
}
world() { # DIR VERSION VALID-FROM FEE BILLING
    mkdir -p "$work/$1"
    cat >"$work/$1/catalog.yaml" <<YAML
catalog: {version: $2, valid_from: $3, currency: EUR, billing: {$5}}
taxes: {vat: {rate: 19%}}
prices: {p: {unit: second, price: "1.00"}}
plans: {v: {voice: {price: p}}}
products: {basic: {plan: v, tax: vat, fee: "$4"}}
YAML
    printf 'id\na\na-b\nc\n' >"$work/$1/accounts.csv"
    printf 'id,account,product,msisdn\nsa,a,basic,491\nsab,a-b,basic,492\nsc,c,basic,493\n' >"$work/$1/subscribers.csv"
}
bill() {
    "$tollgate" bill "$@" --data "$work/data" >"$work/out" 2>"$work/err"
}
refused() { # TEXT ARGUMENTS...
    local text=$1
    shift
    bill "$@" && fail "bill $* is fine: $(cat "$work/out")"
    grep -q "$text" "$work/err" "$work/out" || fail "bill $*: $(cat "$work/err" "$work/out")"
}
works() {
    bill "$@" || fail "bill $*: $(cat "$work/err" "$work/out")"
}
says() { # TEXT: of the last output
    grep -qF -- "$1" "$work/out" || fail "no '$1' in: $(cat "$work/out")"
}

# Usage of October; the second source sends nothing behind the 20th, so the period waits for it until
# three days into November.
world c 1 2026-01-01 10.00 'approval: required, grace_days: 3, payment_days: 14, dunning_days: [0, 7, 21]'
for line in "491 10-05 10" "492 10-06 20" "491 10-20 5"; do
    set -- $line
    printf '{"subscriber":"%s","service":"voice","start":"2026-%sT10:00:00Z","duration_s":%s}\n' "$1" "$2" "$3"
done >"$work/usage"
"$tollgate" quote --catalog "$work/c" --data "$work/data" "$work/usage" >"$work/log" || fail "quote: $(cat "$work/log")"

refused 'not calculated: approve it' run --period 2026-10 --issue
refused 'no drafts to approve' approve --period 2026-10
works run --period 2026-10 --json
says '"state":"collecting","grace_until":"2026-11-04T00:00:00Z"'
works show B-2026-10-a --json
says '"state":"onHold","x_state":"collecting"'
refused 'collecting: 1 sources are not complete' approve --period 2026-10
works run --period 2026-10 --at 2026-11-03T23:59:59Z --json
says '"state":"collecting"'
works run --period 2026-10 --at 2026-11-04 --json
says '"state":"calculated"'
refused 'is calculated: approve it' run --period 2026-10 --issue --at 2026-11-04
works list --drafts --json
says '"x_state":"calculated"'
works approve --period 2026-10 --by carol --date 2026-11-05 --json
says '"state":"approved"'
says '"approved_by":"carol"'
works approve --period 2026-10 --by mallory # again changes nothing
works show B-2026-10-a --json
says '"state":"validated","x_state":"approved"'
works show B-2026-10-a
says 'State: approved'

# What is issued is what was approved. A new version that would change October was not there then, a charge is
# for later, and somebody who since ended has another bill: that stays a draft until it is approved too.
world d 2 2026-10-15 99.00 'approval: required, grace_days: 3, payment_days: 30'
printf 'id,account,product,msisdn,active_to\nsa,a,basic,491,\nsab,a-b,basic,492,\nsc,c,basic,493,2026-10-16\n' >"$work/d/subscribers.csv"
"$tollgate" catalog import --catalog "$work/d" --data "$work/data" >"$work/log" || fail "import: $(cat "$work/log")"
refused 'the bill of that period is closed' charge --subscription sc --amount 5.00 --date 2026-10-10 --id late --title Late
refused '"unapproved":1' run --period 2026-10 --issue --json
grep -q '"issued":2' "$work/out" || fail "two of three: $(cat "$work/out")"
says '"state":"approved"'
works show B-2026-10-a --json
# 10.00 and 15 seconds: 25.00 and 4.75; due two weeks after the last of October, by its own version.
says '"value":29.75'
says '"paymentDueDate":"2026-11-15T00:00:00Z"'
works run --period 2026-10 --json
says '"state":"calculated"' # drafts withdraw the approval
refused 'approve it before' run --period 2026-10 --issue
works approve --period 2026-10
works run --period 2026-10 --issue --json
says '"issued":1'
says '"kept":2'
says '"state":"issued"'
refused 'the period is issued' approve --period 2026-10
works show B-2026-10-c --json
says '"value":5.76'         # 10.00 x 15 / 31, and 0.92
works run --period 2026-10 --issue --json # the same again, of the same versions
says '"kept":3'
says '"differ":0'

# Payments.
works pay INV-2026-00000001 --amount 10.00 --date 2026-11-10 --reference r1 --json
says '"state":"partly_paid","currency":"EUR","due":"29.75","notes":"0.00","paid":"10.00","open":"19.75"'
works pay B-2026-10-a --amount 10.00 --date 2026-11-10 --reference r1 --json # the same payment again
says '"open":"19.75"'
refused 'payment r1 is known and says' pay B-2026-10-a --amount 11.00 --date 2026-11-10 --reference r1
refused 'is no amount of EUR' pay B-2026-10-a --amount 1.001 --date 2026-11-10 --reference r2
refused 'is no amount of EUR' pay B-2026-10-a --amount 0 --date 2026-11-10 --reference r2
refused "reference 'a/b' must be" pay B-2026-10-a --amount 1 --date 2026-11-10 --reference a/b
refused 'no issued invoice is called' pay INV-2026-00000009 --amount 1 --date 2026-11-10 --reference r2
works show B-2026-10-a --json
says '"state":"partiallyPaid","x_state":"partly_paid","x_paid":"10.00","x_notes":"0.00"'
says '"remainingAmount":{"unit":"EUR","value":19.75}'
says '"amountDue":{"unit":"EUR","value":29.75}'
works credit B-2026-10-a:1 --id wrong --date 2026-11-11 --title Wrong --amount 1.00
works pay B-2026-10-a --amount 18.56 --date 2026-11-12 --reference r2 --json # 19.75 less 1.19
says '"state":"paid","currency":"EUR","due":"29.75","notes":"-1.19","paid":"28.56","open":"0.00"'
works pay B-2026-10-a --amount -18.56 --date 2026-11-13 --reference returned --json
says '"state":"partly_paid"'
says '"open":"18.56"'
refused 'less than 10.01 was paid on' pay B-2026-10-a --amount -10.01 --date 2026-11-13 --reference more
refused 'is a note: pay the invoice' pay N-B-2026-10-a-wrong --amount 1 --date 2026-11-13 --reference r9
works list --json
says '"state":"partly_paid","paid":"10.00","notes":"-1.19","open":"18.56"'

# Account a-b: its notes are not those of a, although ids begin alike.
works void B-2026-10-a-b --date 2026-11-12 --title Wrong --json
says '"state":"void"'
says '"notes":"-35.70"'     # 10.00 and 20.00, 5.70
works void B-2026-10-a-b --date 2026-11-12 --title Wrong # again
refused 'is void' pay B-2026-10-a-b --amount 1 --date 2026-11-13 --reference r1
works show B-2026-10-a --json
says '"value":18.56'
refused 'no bill is called' void B-2026-10-x --date 2026-11-12 --title Wrong

# Reminders on the 0th, 7th and 21st day behind the 15th of November: of a (18.56 open) and c (5.76), once each.
dunned() { # AT WANTED
    works dunning --at "$1" --json
    local found
    found=$(python3 -c "
import json, sys
print('; '.join('%s %s/%s %s' % (d['account'], d['step'], d['days'], d['open']) for d in map(json.loads, sys.stdin)))" <"$work/out")
    [ "$found" = "$2" ] || fail "dunning at $1: '$found', not '$2'"
}
world e 3 2026-11-01 99.00 'payment_days: 14, dunning_days: [0, 7, 21]'
cp "$work/d/subscribers.csv" "$work/e"
"$tollgate" catalog import --catalog "$work/e" --data "$work/data" >"$work/log" || fail "import: $(cat "$work/log")"
dunned 2026-11-14T23:59:59Z ''
dunned 2026-11-15 'a 1/0 18.56; c 1/0 5.76'
dunned 2026-11-15 ''
works pay B-2026-10-c --amount 5.76 --date 2026-11-20 --reference all --json
says '"state":"paid"'
dunned 2026-11-22 'a 2/7 18.56'
works pay B-2026-10-c --amount -5.76 --date 2026-11-25 --reference back
dunned 2026-12-30 'a 3/21 18.56; c 2/7 5.76; c 3/21 5.76' # told in order where several have come
dunned 2027-12-30 ''

# Drafts can be dropped; without options a run issues as ever.
works run --period 2026-11 --json
says '"state":"calculated"'
works void B-2026-11-a --date 2026-12-01 --title Wrong
says 'draft B-2026-11-a is gone'
works run --period 2026-11 --issue --json
says '"issued":2'           # c has ended
says '"state":"issued"'

# What bills leave below 0 is taken off later ones, the oldest first. Fee 10.00, with 19 % 11.90.
# October: 10 - 50 = -40.00, -47.60. November: 11.90 of it used, 35.70 left. December: 10 - 15 = -5.00,
# -5.95: 41.65. January: 10 + 26 = 36.00, 42.84: 35.70 of October, 5.95 of December, 1.19 due.
credit_world() { # DIR VERSION VALID-FROM BILLING
    world "$1" "$2" "$3" 10.00 "$4"
    printf 'id\na\nb\n' >"$work/$1/accounts.csv"
    printf 'id,account,product,msisdn\nsa,a,basic,491\nsb,b,basic,492\n' >"$work/$1/subscribers.csv"
}
credit_bill() {
    "$tollgate" bill "$@" --data "$work/credit" >"$work/out" 2>"$work/err" || fail "bill $*: $(cat "$work/err" "$work/out")"
}
charged() { # ID DATE AMOUNT
    credit_bill charge --subscription sa --id "$1" --date "$2" --amount "$3" --title "$1"
}
asks() { # PERIOD DUE USED LEFT, "" where it is not said
    credit_bill run --period "$1" --issue
    credit_bill list --full --period "$1"
    local found
    found=$(sed -nE '/"id":"B-[0-9-]+-a"/ {
        s/.*"amountDue":\{"unit":"EUR","value":([^}]*)\}.*"remainingAmount":[^}]*\}(.*)"taxItem".*/\1 \2/
        s/,?"x_credit(Used|Left)":/ \1 /g; p }' "$work/out" | tr -d '",')
    [ "$(echo $found)" = "$2${3:+ Used $3}${4:+ Left $4}" ] || fail "bill of $1: '$found', not '$2 $3 $4'"
    grep '"id":"B-[0-9-]*-b"' "$work/out" | grep -q 'x_credit' && fail "b has the credit of a: $(cat "$work/out")"
}
left() { # OF-BILL=LEFT...
    credit_bill list --account a --json
    local found
    found=$(sed -nE 's/.*"id":"B-([0-9-]+)-a".*"credit_left":"([^"]*)".*/\1=\2/p' "$work/out")
    [ "$(echo $found)" = "$*" ] || fail "credit left: '$found', not '$*'"
}
credit_world f 1 2026-01-01 'payment_days: 14, dunning_days: [0]'
printf '{"subscriber":"491","service":"voice","start":"2026-09-05T10:00:00Z","duration_s":1}\n' >"$work/usage"
"$tollgate" quote --catalog "$work/f" --data "$work/credit" "$work/usage" >"$work/log" || fail "quote: $(cat "$work/log")"
charged gift 2026-10-15 -50.00
charged gift2 2026-12-15 -15.00
charged box 2027-01-15 26.00
asks 2026-10 -47.60 "" 47.60
left 2026-10=47.60
credit_bill run --period 2026-11 # a draft uses nothing, but says what it would
credit_bill show B-2026-11-a --json
says '"x_creditUsed":"11.90","x_creditLeft":"35.70"'
left 2026-10=47.60
asks 2026-11 0.00 11.90 35.70
credit_bill run --period 2026-11 --issue --json
says '"issued":0,"drafted":0,"kept":2,"differ":0'
left 2026-10=35.70
asks 2026-12 -5.95 "" 41.65
left 2026-10=35.70 2026-12=5.95
asks 2027-01 1.19 41.65 0.00
left
credit_bill show B-2027-01-a
says 'Credit of earlier bills      -41.65'
"$tollgate" explain B-2027-01-a:due --data "$work/credit" >"$work/out" || fail "explain: $(cat "$work/out")"
says '42.84 EUR are the lines and their taxes, less 41.65 of credit that earlier bills left: 1.19 EUR.'
credit_bill dunning --at 2027-12-30 --json
grep -q '"account":"a","bill":"B-2027-01-a".*"open":"1.19"' "$work/out" || fail "dunning: $(cat "$work/out")"
grep -q 'B-2026-11-a' "$work/out" && fail "credit has paid November: $(cat "$work/out")"
# A bill that is voided leaves what it had used; what is paid out is gone; what is paid too much comes to it.
credit_bill void B-2027-01-a --date 2027-02-02 --title Wrong --json
says '"state":"void"'
left 2027-01=41.65
asks 2027-02 0.00 11.90 29.75
credit_bill pay B-2027-01-a --amount -9.75 --date 2027-03-02 --reference out --json
says '"state":"void"'
left 2027-01=20.00
asks 2027-03 0.00 11.90 8.10
asks 2027-04 3.80 8.10 0.00
credit_bill pay B-2027-04-a --amount 5.00 --date 2027-05-02 --reference much
left 2027-04=1.20
credit_bill credit B-2027-04-a:1 --id half --date 2027-05-03 --title Half --amount 5.00 # 5.95 with tax
left 2027-04=7.15
"$tollgate" bill pay B-2027-04-a --amount 1.00 --date 2027-05-02 --reference used.x --data "$work/credit" >"$work/out" 2>&1 &&
    fail "a reference of ours is taken"
# Approved was a draft that used 7.15; since then 1.00 was paid out. Drafted and approved again it is issued.
credit_world f 2 2027-05-01 'approval: required'
"$tollgate" catalog import --catalog "$work/f" --data "$work/credit" >"$work/log" || fail "import: $(cat "$work/log")"
credit_bill run --period 2027-05
credit_bill approve --period 2027-05
credit_bill pay B-2027-04-a --amount -1.00 --date 2027-05-20 --reference out
"$tollgate" bill run --period 2027-05 --issue --json --data "$work/credit" >"$work/out"
says '"issued":1,"drafted":0,"kept":0,"differ":0,"unapproved":1'
credit_bill run --period 2027-05
credit_bill approve --period 2027-05
asks 2027-05 5.75 6.15 0.00
# As before with `credit: open`: it stays where it is.
credit_world f 3 2027-06-01 'credit: open'
"$tollgate" catalog diff --catalog "$work/f" --data "$work/credit" >"$work/out" 2>&1
grep -q 'credit.*carry.*open' "$work/out" || fail "diff: $(cat "$work/out")"
"$tollgate" catalog import --catalog "$work/f" --data "$work/credit" >"$work/log" || fail "import: $(cat "$work/log")"
charged gift3 2027-06-15 -50.00
asks 2027-06 -47.60 "" ""
asks 2027-07 11.90 "" ""
left

# Mistakes, each where it is.
mistake() { # BILLING PLACE-AND-TEXT
    world m 1 2026-01-01 1.00 "$1"
    "$tollgate" catalog check --catalog "$work/m" >"$work/log" 2>&1 && fail "$1 is fine"
    grep -q "$2" "$work/log" || fail "$1: $(cat "$work/log")"
}
mistake 'approval: maybe' 'catalog.yaml:1:82: error: approval: "maybe" is none of'
mistake 'credit: maybe' 'catalog.yaml:1:80: error: credit: "maybe" is none of'
mistake 'grace_days: 8' 'catalog.yaml:1:84: error: grace_days'
mistake 'dunning_days: [7]' 'catalog.yaml:1:86: error: dunning_days: bills have no due date'
mistake 'payment_days: 1, dunning_days: [7, 7]' 'catalog.yaml:1:107: error: dunning_days: 7 is not after 7'

# A voided period is billed again, under a new number that names the voided one. Fee 10.00, usage 10.00: 23.80, of
# which 10.00 was paid. Voided, that is credit; a charge of -5.00 and 7 seconds that came late are on the new bill:
# 10 + 17 - 5 = 22.00, with tax 26.18, less 10.00: 16.18.
again_bill() {
    "$tollgate" bill "$@" --data "$work/again" >"$work/out" 2>"$work/err" || fail "bill $*: $(cat "$work/err" "$work/out")"
}
again_refused() { # TEXT ARGUMENTS...
    local text=$1
    shift
    "$tollgate" bill "$@" --data "$work/again" >"$work/out" 2>"$work/err" && fail "bill $* is fine: $(cat "$work/out")"
    grep -q "$text" "$work/err" "$work/out" || fail "bill $*: $(cat "$work/err" "$work/out")"
}
again_usage() { # CATALOG MSISDN DAY SECONDS
    printf '{"subscriber":"%s","service":"voice","start":"2026-%sT10:00:00Z","duration_s":%s}\n' "$2" "$3" "$4" >"$work/usage"
    "$tollgate" quote --catalog "$work/$1" --data "$work/again" "$work/usage" >"$work/log" || fail "quote: $(cat "$work/log")"
}
world g 1 2026-01-01 10.00 'payment_days: 14, dunning_days: [0]'
again_usage g 491 10-05 10
again_usage g 492 10-06 20
again_bill run --period 2026-10 --issue
again_bill pay B-2026-10-a --amount 10.00 --date 2026-11-10 --reference r1
again_bill void B-2026-10-a --date 2026-11-12 --title Wrong --json
says '"state":"void","currency":"EUR","due":"23.80","notes":"-23.80","paid":"10.00","open":"-10.00"'
again_refused 'bill of that period is closed' charge --subscription sc --amount -5.00 --date 2026-10-10 --id c1 --title C
again_bill charge --subscription sa --amount -5.00 --date 2026-10-10 --id a1 --title Fix
again_usage g 491 10-21 7
again_bill run --period 2026-10 --json
says '"issued":0,"drafted":1,"kept":2,"differ":0'
again_bill run --period 2026-10 --issue --threads 2 --json
says '"issued":1,"drafted":0,"kept":2,"differ":0'
again_bill show INV-2026-00000004 --json
says '"id":"B-2026-10-a~r2"'
says '"x_replacesId":"B-2026-10-a","x_replacesNumber":"INV-2026-00000001"'
says '"taxIncludedAmount":{"unit":"EUR","value":26.18},"amountDue":{"unit":"EUR","value":16.18}'
again_bill show B-2026-10-a~r2
says 'instead of INV-2026-00000001, which is void'
again_refused 'bill of that period is closed' charge --subscription sa --amount -5.00 --date 2026-10-10 --id a2 --title C
again_bill run --period 2026-10 --issue --json
says '"issued":0,"drafted":0,"kept":3,"differ":0'
again_bill show INV-2026-00000001 --json
says '"x_state":"void","x_paid":"0.00","x_notes":"-23.80"' # its credit is used
again_bill run --period 2026-11 --issue
again_bill show B-2026-11-a --json
says '"amountDue":{"unit":"EUR","value":11.90}'
# November is closed: October is made again as it was, and what came late since is on December's.
again_bill void B-2026-10-a-b --date 2026-12-02 --title Wrong
again_usage g 492 10-21 3
again_refused 'bill of that period is closed' charge --subscription sab --amount -5.00 --date 2026-10-10 --id b1 --title C
again_bill run --period 2026-10 --issue --json
says '"issued":1,"drafted":0,"kept":2,"differ":0'
again_bill show B-2026-10-a-b~r2 --json
says '"amountDue":{"unit":"EUR","value":35.70}'
again_bill run --period 2026-12 --issue
again_bill show B-2026-12-a-b --json
says '"amountDue":{"unit":"EUR","value":15.47}' # 10 and 3 seconds
again_bill dunning --at 2026-11-20 --json
grep -q 'INV-2026-0000000[12]"' "$work/out" && fail "void bills are not due: $(cat "$work/out")"
grep -q '"number":"INV-2026-00000004".*"open":"16.18"' "$work/out" || fail "dunning: $(cat "$work/out")"
# Credit that a voided bill used comes back once: 47.60 of January, 11.90 of it used by February, made again.
again_bill charge --subscription sc --amount -50.00 --date 2027-01-10 --id c2 --title Gift
again_bill run --period 2027-01 --issue
again_bill run --period 2027-02 --issue
again_refused 'has paid out what it was below 0' void B-2027-01-c --date 2027-03-01 --title Wrong
again_bill void B-2027-02-c --date 2027-03-01 --title Wrong
again_bill run --period 2027-02 --issue
again_bill show B-2027-02-c~r2 --json
says '"x_creditUsed":"11.90","x_creditLeft":"35.70"'
# A version that came since changes nothing of what is made again, and with approval its draft is approved.
world h 2 2027-03-01 10.00 'approval: required'
world i 3 2027-03-20 99.00 'approval: required'
"$tollgate" catalog import --catalog "$work/h" --data "$work/again" >"$work/log" || fail "import: $(cat "$work/log")"
again_bill run --period 2027-03
again_bill approve --period 2027-03
again_bill run --period 2027-03 --issue
"$tollgate" catalog import --catalog "$work/i" --data "$work/again" >"$work/log" || fail "import: $(cat "$work/log")"
again_bill void B-2027-03-a --date 2027-04-02 --title Wrong
again_refused '"unapproved":1' run --period 2027-03 --issue --json
again_bill run --period 2027-03
again_refused '"unapproved":1' run --period 2027-03 --issue --json
again_bill approve --period 2027-03
again_bill run --period 2027-03 --issue --json
says '"issued":1,"drafted":0,"kept":2,"differ":0,"unapproved":0'
again_bill show B-2027-03-a~r2 --json
says '"amountDue":{"unit":"EUR","value":11.90}'
again_bill list --json
python3 - "$work/out" <<'PY' || fail "numbers have gaps"
import json, sys
seen = {}
for line in open(sys.argv[1]):
    series, year, ordinal = json.loads(line)["number"].split("-")
    seen.setdefault((series, year), []).append(int(ordinal))
sys.exit(any(sorted(n) != list(range(1, len(n) + 1)) for n in seen.values()))
PY

# Interim bills. 7 seconds of 0.33 and a box of 4.00: 6.31 with 1.20; a message 0.33 with 0.02; an event 0.33 with 0.02 and
# 0.03 of a set: 8.24. Up to the 16th: 5 seconds more, 1.65 with 0.31: 1.96. The cycle's bill has all of it, less 10 % of
# usage, 10.00 and 10.00 ahead of fees and what is missing to 50.00: 59.44 with tax, of which 10.20 is billed. Account b,
# which had no interim bill, pays 59.44 at once.
hot() {
    "$tollgate" bill "$@" --data "$work/hot" >"$work/out" 2>"$work/err" || fail "bill $*: $(cat "$work/err" "$work/out")"
}
hot_refused() { # TEXT ARGUMENTS...
    local text=$1
    shift
    "$tollgate" bill "$@" --data "$work/hot" >"$work/out" 2>"$work/err" && fail "bill $* is fine: $(cat "$work/out")"
    grep -q "$text" "$work/err" "$work/out" || fail "bill $*: $(cat "$work/err" "$work/out")"
}
mkdir "$work/h1"
cat >"$work/h1/catalog.yaml" <<'YAML'
catalog: {version: 1, valid_from: 2026-01-01, currency: EUR, period_zone: Europe/Berlin}
taxes: {vat: {rate: 19%}, red: {rate: 7%}, gst: {rate: 5%}, qst: {rate: 9.5%, compound: true}, q: {parts: [gst, qst]}}
prices: {p: {unit: second, price: "0.33"}, r: {unit: event, price: "0.33", tax: red}, s: {unit: event, price: "0.33", tax: q}}
plans: {v: {voice: {price: p}, message: {price: r}, event: {price: s}}}
products: {basic: {plan: v, tax: vat, fee: "10.00", in_advance: true, discount: 10%, minimum: "50.00", minimum_on: all}}
YAML
printf 'id,prepaid\na,\nb,\nc,true\n' >"$work/h1/accounts.csv"
printf 'id,account,product,msisdn\nsa,a,basic,491\nsb,b,basic,492\nsc,c,basic,493\n' >"$work/h1/subscribers.csv"
for who in 491 492; do
    for line in "voice 10-05 ,\"duration_s\":7" "message 10-06 " "event 10-07 " "voice 10-15 ,\"duration_s\":5" "event 10-16 "; do
        set -- $line
        printf '{"subscriber":"%s","service":"%s","start":"2026-%sT10:00:00Z"%s}\n' "$who" "$1" "$2" "${3:-}"
    done
done >"$work/usage"
"$tollgate" quote --catalog "$work/h1" --data "$work/hot" "$work/usage" >"$work/log" || fail "quote: $(cat "$work/log")"
hot charge --subscription sa --amount 4.00 --date 2026-10-03 --id x --title Box
hot charge --subscription sb --amount 4.00 --date 2026-10-03 --id y --title Box
hot_refused 'not within the cycle' run --period 2026-10 --account a --until 2026-10-01 --issue
hot_refused 'not within the cycle' run --period 2026-10 --account a --until 2026-11-01 --issue
hot run --period 2026-10 --account a --until 2026-10-12 --json
says '"issued":0,"drafted":1'
hot run --period 2026-10 --account a --until 2026-10-12 --issue
hot show INV-2026-00000001 --json
says '"runType":"offCycle","x_interim":true'
says '"taxIncludedAmount":{"unit":"EUR","value":8.24}'
hot run --period 2026-10 --account a --until 2026-10-12 --issue --json # again
says '"issued":0,"drafted":0,"kept":1,"differ":0'
hot_refused 'an interim bill up to that day or later' run --period 2026-10 --account a --until 2026-10-11 --issue
hot run --period 2026-10 --account a --until 2026-10-16 --issue
hot show INV-2026-00000002 --json
says '"taxIncludedAmount":{"unit":"EUR","value":1.96}'
hot void INV-2026-00000002 --date 2026-10-17 --title Wrong
hot run --period 2026-10 --account a --until 2026-10-16 --issue
hot show B-20261001-20261016-a~r2 --json
says '"billNo":"INV-2026-00000003"'
says '"taxIncludedAmount":{"unit":"EUR","value":1.96}'
hot run --period 2026-10 --issue
hot show B-2026-10-b --json
says '"taxIncludedAmount":{"unit":"EUR","value":59.44}'
hot show B-2026-10-a --json
says '"billNo":"INV-2026-00000004"'
says '"taxIncludedAmount":{"unit":"EUR","value":49.24}'
hot show B-2026-10-a
says 'billed by INV-2026-00000001'
says 'vat 19 % on -7.96       -1.51'
"$tollgate" explain B-2026-10-a:11 --data "$work/hot" >"$work/out" || fail "explain: $(cat "$work/out")"
says 'taken off, as interim bill INV-2026-00000001 has charged it'
hot_refused 'the period is closed' run --period 2026-10 --account a --until 2026-10-20 --issue
hot_refused 'takes off: credit it' void INV-2026-00000001 --date 2026-11-17 --title Wrong
hot run --period 2026-10 --issue --json
says '"issued":0,"drafted":0,"kept":3,"differ":0'
[ "$bad" = 0 ] && echo "bill_lifecycle: from collecting to paid, as worked out by hand"
exit "$bad"
