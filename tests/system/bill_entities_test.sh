#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Accounts of several legal entities in one run, by the commands people type. If this failed, a company would
# hand in books with a number missing, or send a bill in another company's name.
set -u
tollgate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
fail() {
    echo "FAILED: $*"
    bad=1
}
world() { # DIR VERSION VALID-FROM ENTITIES BILLING
    mkdir -p "$work/$1"
    cat >"$work/$1/catalog.yaml" <<YAML
catalog: {version: $2, valid_from: $3, currency: EUR, billing: {$5}}
legal_entities: $4
prices: {p: {unit: second, price: "1.00"}}
plans: {v: {voice: {price: p}}}
products: {basic: {plan: v, fee: "10.00", late_usage: note}}
YAML
}
people() { # DIR: 60 accounts, of north, south, and of nobody in turn
    {
        echo id,legal_entity
        for i in $(seq 60); do
            case $((i % 3)) in
                0) printf 'a%02d,north\n' "$i" ;;
                1) printf 'a%02d,south\n' "$i" ;;
                2) printf 'a%02d,\n' "$i" ;;
            esac
        done
    } >"$work/$1/accounts.csv"
    {
        echo id,account,product,msisdn
        for i in $(seq 60); do
            printf 's%02d,a%02d,basic,49%03d\n' "$i" "$i" "$i"
        done
    } >"$work/$1/subscribers.csv"
}
world c 1 2026-01-01 '{north: {title: "North SA", tax_id: FR12345, series: "N"}, south: {title: "South SpA"}}' 'approval: required'
people c
import() {
    "$tollgate" catalog import --catalog "$work/$1" --data "$work/data" >"$work/log" || fail "import: $(cat "$work/log")"
}
import c
bill() {
    "$tollgate" bill "$@" --data "$work/data" >"$work/out" 2>"$work/err" || fail "bill $*: $(cat "$work/err" "$work/out")"
}
refused() { # TEXT ARGUMENTS...
    local text=$1
    shift
    "$tollgate" bill "$@" --data "$work/data" >"$work/out" 2>"$work/err" && fail "bill $* is fine: $(cat "$work/out")"
    grep -qF -- "$text" "$work/err" "$work/out" || fail "bill $*: $(cat "$work/err" "$work/out")"
}
says() { # TEXT: of the last output
    grep -qF -- "$1" "$work/out" || fail "no '$1' in: $(cat "$work/out")"
}
usage() { # CATALOG NUMBER DATE SECONDS
    mkdir -p "$work/in"
    cat >"$work/t.yaml" <<YAML
data: $work/data
catalog: $work/$1
preallocate: false
memory: {mib: 32}
limits: {sessions: 1000, dedup_records: 10000, reservations: 64}
decoders:
  - decoder: csv
    settings: {service: voice, columns: {record_id: id, caller: caller, called: called, start: start, duration: duration_s, cause: cause}}
ports:
  - {name: cdr, kind: folder, target: $work/in, pattern: "*.csv", decoder: csv, node: msc}
nodes: [{name: msc, addresses: [10.0.0.1]}]
YAML
    printf 'id,caller,called,start,duration_s,cause\n%s,+%s,+4930,2026-%sT10:00:00Z,%s,16\n' "$3" "$2" "$3" "$4" >"$work/in/$3.csv"
    "$tollgate" run --once "$work/t.yaml" >"$work/log" 2>&1 || fail "run: $(tail -5 "$work/log")"
}
usage c 49001 10-05 1

# Approved as of a seller: an account that has moved to another since is not issued in its name.
bill run --period 2026-10 --threads 2 --json
bill approve --period 2026-10
world r 2 2026-10-20 '{west: {title: "West Ltd"}, south: {title: "South Holding"}, north: {title: "North Neu", series: "N"}}' 'approval: required'
people r
sed -i 's/^a58,south/a58,west/' "$work/r/accounts.csv"
import r
refused '"unapproved":1' run --period 2026-10 --issue --threads 2 --json
grep -q '"issued":59' "$work/out" || fail "59 of 60: $(cat "$work/out")"
bill show south/INV-2026-00000001 --json # as approved: the version of then
says '"x_seller":{"name":"South SpA"}'
bill run --period 2026-10 --json
bill approve --period 2026-10
bill run --period 2026-10 --issue --threads 2 --json
says '"issued":1'
says '"kept":59'
bill show west/INV-2026-00000001 --json
says '"id":"B-2026-10-a58"'
says '"x_seller":{"name":"West Ltd"}'

# Every number of each once, from 1.
numbers() { # ENTITY-OF-JSON SERIES COUNT
    bill list --full
    found=$(python3 - "$1" "$work/out" <<'PYTHON'
import json
import sys
numbers = [b["billNo"] for b in map(json.loads, open(sys.argv[2])) if b.get("x_legalEntity", "") == sys.argv[1]]
print(" ".join(sorted(n for n in numbers)))
PYTHON
    )
    wanted=$(for i in $(seq "$3"); do printf '%s-2026-%08d ' "$2" "$i"; done)
    [ "$found " = "$wanted" ] || fail "$1: $found, not $wanted"
}
numbers north N 20
numbers south INV 19
numbers '' INV 20
bill show north/N-2026-00000001 --json
says '"x_legalEntity":"north","x_seller":{"name":"North SA","taxId":"FR12345"}'
bill show north/N-2026-00000001
says 'Seller    North SA, FR12345'
bill show south/INV-2026-00000001 --json
says '"id":"B-2026-10-a01"'
bill show INV-2026-00000001 --json
says '"id":"B-2026-10-a02"'
grep -q x_seller "$work/out" && fail "nobody is known of a02: $(cat "$work/out")"
bill list
says 'south/INV-2026-00000001'

# Notes, by hand and of late usage, are of who issued the invoice, whoever bills the account now.
world d 3 2026-11-01 '{north: {title: "North Neu", series: "N"}, south: {title: "South Holding", series: "S"}, default: {title: "Rest"}}' ''
people d
sed -i 's/^a01,south/a01,north/; s/^a03,north/a03,south/' "$work/d/accounts.csv"
import d
bill credit south/INV-2026-00000001 --id back --date 2026-12-01 --title Wrong
bill show south/CN-2026-00000001 --json
says '"x_legalEntity":"south","x_seller":{"name":"South SpA"}'
refused "is of legal entity 'south', not 'north'" credit B-2026-10-a04 --id x --date 2026-12-01 --title X --entity north
usage d 49003 10-06 4
bill run --period 2026-11 --issue --date 2026-12-01 --json
says '"issued":61'
bill show north/DN-2026-00000001 --json
says '"x_legalEntity":"north","x_seller":{"name":"North SA","taxId":"FR12345"}'
says '"value":4.00'
bill show B-2026-11-a01 --json # the next of north, which is called otherwise by now
says '"billNo":"N-2026-00000021"'
says '"x_seller":{"name":"North Neu"}'
bill show B-2026-11-a03 --json
says '"billNo":"S-2026-00000001"'
bill show B-2026-11-a02 --json
says '"billNo":"INV-2026-00000021"'
says '"x_seller":{"name":"Rest"}'
bill run --period 2026-10 --issue --json # what is issued stays whose it was
says '"kept":60'
says '"differ":0'

# What is listed of an account, of a month.
bill list --account a03 --period 2026-10
[ "$(awk '{print $1}' "$work/out" | xargs)" = "north/N-2026-00000001 north/DN-2026-00000001" ] || fail "of a03: $(cat "$work/out")"
bill list --account a03 --json
[ "$(wc -l <"$work/out")" = 3 ] || fail "all of a03: $(cat "$work/out")"
bill list --period 2026-11 --full
[ "$(wc -l <"$work/out")" = 60 ] || fail "November: $(wc -l <"$work/out")"
refused "--period wants YYYY-MM or YYYY-Www, not '2026'" list --period 2026

# Payments and explain.
bill pay north/N-2026-00000001 --amount 10.00 --date 2026-12-02 --reference r1 --json
says '"legal_entity":"north"'
"$tollgate" explain north/N-2026-00000001:due --data "$work/data" >"$work/out" || fail "explain: $(cat "$work/out")"
says ', billed by north (North SA): 10.00 EUR are the lines'
"$tollgate" explain north/N-2026-00000001:1 --data "$work/data" >"$work/out" || fail "explain: $(cat "$work/out")"
says 'Line 1 of N-2026-00000001 (B-2026-10-a03)'

# A run in a name is of the accounts that have none.
bill run --period 2026-12 --issue --entity east --series W --json
bill show east/W-2027-00000001 --json
says '"x_legalEntity":"east"'
bill show B-2026-12-a03 --json
says '"billNo":"S-2027-00000001"'

world e 4 2027-02-01 '{north: {title: "North Neu"}, south: {series: "T"}}' ''
"$tollgate" catalog diff --catalog "$work/e" --data "$work/data" >"$work/out" || true
says 'legal_entity north series: N -> none'
says 'legal_entity south title: South Holding -> south'
says 'removed legal_entity default'

# Mistakes, each where it is.
mistake() { # ENTITIES PLACE-AND-TEXT
    world m 5 2027-03-01 "$1" ''
    "$tollgate" catalog check --catalog "$work/m" >"$work/log" 2>&1 && fail "$1 is fine"
    grep -qF -- "$2" "$work/log" || fail "$1: $(cat "$work/log")"
}
mistake '{a: {series: "A 1"}}' 'catalog.yaml:2:30: error: series: "A 1" has characters that no number has'
mistake '{a: {series: CN}}' 'catalog.yaml:2:30: error: series: "CN" is that of credit or debit notes'
mistake '{a23456789012345678901234567890123: {}}' 'has more than 32 characters'
world m 5 2027-03-01 '{north: {}}' ''
printf 'id,legal_entity\na,nort\n' >"$work/m/accounts.csv"
"$tollgate" catalog check --catalog "$work/m" >"$work/log" 2>&1 && fail "nort is fine"
grep -qF 'accounts.csv:2:3: error: there is no legal entity "nort"' "$work/log" || fail "$(cat "$work/log")"
grep -qF 'did you mean "north"?' "$work/log" || fail "$(cat "$work/log")"
[ "$bad" = 0 ] && echo "bill_entities: each seller's numbers are its own, without a gap"
exit "$bad"
