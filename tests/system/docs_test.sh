#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# If this fails a page tells a user something that is not so: a key, a verb, a file, an exit code.
# Usage: docs_test.sh TOLLGATE SOURCE BUILD
set -u
tollgate=$1
source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
note() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

"$tollgate" check --keys >"$work/keys"
grep -q '`decoders`' "$work/keys" || grep -q decoders "$work/keys" || note "check --keys prints no keys"
tail -n +6 "$source/schemas/config/README.md" | cmp -s - "$work/keys" ||
    note "schemas/config/README.md differs from check --keys"

"$tollgate" --help >"$work/help" || note "--help does not exit 0"
verbs=$(awk '/^  [a-z]/ { print $1 }' "$work/help")
for verb in demo init check run front decode quote catalog bill alarms nodes suspense audit gen \
    bench plugin version credit; do
    echo "$verbs" | grep -qx "$verb" || note "no verb $verb"
done
for verb in $verbs; do
    "$tollgate" "$verb" --help >"$work/verb" 2>"$work/err" || note "$verb --help does not exit 0"
    grep -q "usage: tollgate $verb" "$work/verb" || note "$verb --help shows no usage"
    [ -s "$work/err" ] && note "$verb --help writes to stderr"
done
"$tollgate" nonsense >/dev/null 2>&1
[ $? -eq 2 ] || note "an unknown verb must exit 2"
"$tollgate" alarms ack A-000001 --data "$work" >/dev/null 2>&1
[ $? -eq 3 ] || note "a command without an engine must exit 3"
"$tollgate" check "$work/none.yaml" >/dev/null 2>&1
[ $? -eq 1 ] || note "a configuration that is not there must exit 1"

# Verbs and files that the pages name are there.
for named in $(grep -ohE 'tollgate [a-z]+' "$source/README.md" | awk '{ print $2 }' | sort -u); do
    echo "$verbs" | grep -qx "$named" || note "README.md names the verb $named"
done
for named in $(grep -ohE '\]\([a-zA-Z/_.]+\)' "$source/README.md" | tr -d '])('); do
    [ -e "$source/$named" ] || note "README.md links to $named"
done
for named in $(grep -oE '`[a-z_]+/[a-z_0-9]+\.[a-z]+`' "$source/engine/README.md" | tr -d '`'); do
    [ -e "$source/engine/$named" ] || [ -e "$source/$named" ] || note "the tour names $named"
done
for room in "$source"/engine/*/; do
    grep -q "^| \`$(basename "$room")/\`" "$source/engine/README.md" ||
        note "the tour leaves out the room $(basename "$room")"
done

# What the cookbook says is what is printed.
python3 "$source/tests/system/cookbook/run.py" "$tollgate" "$source/schemas/catalog/COOKBOOK.md" ||
    note "the cookbook"
exit $((failures > 0))
