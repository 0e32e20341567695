#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A family's month is rerated: pool, own minutes, weekly counter, carried remainders and spend limit
# change with the catalog, rows go on afterwards, and posting is killed at every step; the engine
# is stopped (rerate_live_test.sh: it runs). If this
# failed, customers would go on with the minutes of the wrong catalog after a correction, or a crash
# would charge a correction twice or half. Usage: rerate_pool_test.sh TOLLGATE
set -u
tollgate=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "FAILED: $*"
    exit 1
}
. "$(dirname "$0")/lib_family.sh"

# Posted, the rows behind it meet what the right catalog would have left.
finish() { # DIR WHAT
    clean "$1" "$2, after posting"
    cp "$work/late.csv" "$1/cdr"
    once "$1"
    clean "$1" "$2, after more rows"
    [ "$(amount "$1")" = "$want" ] || fail "$2: $(amount "$1") instead of $want"
}
cp -r "$work/base" "$work/calm"
"$tollgate" rerate --data "$work/calm/data" --post --json >"$work/posted" || fail "post: $(cat "$work/posted")"
[ "$(field shelves_changed <"$work/posted")" -ge 4 ] || fail "no shelf changes: $(head -c 400 "$work/posted")"
for threads in 1 2 3; do
    "$tollgate" rerate --data "$work/base/data" --json --threads "$threads" |
        sed 's/"posted":[a-z]*,"epoch":[0-9]*//' >"$work/threads.$threads"
    cmp "$work/threads.1" "$work/threads.$threads" || fail "$threads threads find something else"
done
finish "$work/calm" "undisturbed"

post_killed() ( # CALL N: at its Nth such call on the journal
    exec >/dev/null 2>&1
    journal=$work/round/data/journal
    strace -f -o /dev/null -P "$journal" -P "$journal/00000001.seg" -P "$journal/00000002.seg" \
        -e trace="$1" -e inject="$1:signal=KILL:when=$2" \
        "$tollgate" rerate --data "$work/round/data" --post --threads 1
    exit $?
)

# SIGKILL at every system call that touches the journal: all of it is in, or nothing.
kills=0
if strace -f true 2>/dev/null && ! nm "$tollgate" 2>/dev/null | grep -q __asan_init; then
    before=$(amount "$work/base")
    after=$("$tollgate" rerate --data "$work/base/data" --json | field difference)
    for call in openat fallocate pwrite64 pwritev fdatasync fsync ftruncate rename close; do
        for n in $(seq 1 400); do
            rm -rf "$work/round"
            cp -r "$work/base" "$work/round"
            post_killed "$call" "$n"
            code=$?
            [ "$code" -eq 0 ] && break
            [ "$code" -eq 137 ] || fail "$call $n: ended with $code"
            kills=$((kills + 1))
            "$tollgate" rerate --data "$work/round/data" --post --json >"$work/again" ||
                fail "$call $n: a second posting: $(cat "$work/again")"
            case "$(field rows_changed <"$work/again") $(field difference <"$work/again")" in
            "$(field rows_changed <"$work/posted") $after") ;;
            "0 "*) ;;
            *) fail "$call $n: half of it was posted: $(head -c 400 "$work/again")" ;;
            esac
            clean "$work/round" "$call $n"
            [ "$(amount "$work/round")" != "$before" ] || fail "$call $n: nothing changed"
        done
        [ "$n" -lt 400 ] || fail "$call: more calls than expected"
    done
    [ "$kills" -ge 5 ] || fail "only $kills kills"
    finish "$work/round" "after kills"
fi
echo "rerate_pool: $want, $kills kills"
