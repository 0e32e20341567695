#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A family's month is rerated while the engine runs: rows in front of the posting and behind it,
# rows that overtake it, and SIGKILL of the engine at each system call of it. If this failed, a
# correction in the middle of the day would lose somebody's calls, charge them by the wrong
# counters, or be half there after a crash. Usage: rerate_live_test.sh TOLLGATE SOURCE
set -u
tollgate=$1
tool=$2/tests/system/live_tool.py
python=$(command -v /usr/bin/python3 || command -v python3) || { echo "skip: no python3"; exit 77; }
work=$(mktemp -d)
engine=0
trap '[ "$engine" != 0 ] && kill -9 "$engine" 2>/dev/null; rm -rf "$work"' EXIT
fail() {
    echo "FAILED: $*"
    tail -qn 3 "$work"/*/log
    exit 1
}
. "$2/tests/system/lib_family.sh"

begin() { # DIR: the engine runs there
    rm -f "$1/data/control.sock" # of one that was killed
    "$tollgate" run --no-fronts "$1/tollgate.yaml" >>"$1/log" 2>&1 &
    engine=$!
    for _ in $(seq 400); do
        [ -S "$1/data/control.sock" ] &&
            "$python" "$tool" ask "$1/data/control.sock" '{"command":"status"}' >/dev/null 2>&1 && return
        kill -0 "$engine" 2>/dev/null || fail "$1: the engine ended"
        sleep 0.025
    done
    fail "$1: the engine does not answer"
}
end() { # SIGNAL
    kill "-$1" "$engine"
    wait "$engine" 2>/dev/null
    engine=0
}
feed() { # DIR FILE: read to its end
    mv "$2" "$1/cdr/$(basename "$2")"
    for _ in $(seq 400); do
        [ -e "$1/done/$(basename "$2")" ] || [ -e "$1/cdr/done/$(basename "$2")" ] && return
        sleep 0.025
    done
    fail "$1: $2 is not read"
}
post() { # DIR: as JSON in DIR/posted
    "$tollgate" rerate --data "$1/data" --post --json --threads 1 >"$1/posted" 2>"$1/said"
}
finish() { # DIR WHAT: rows behind it meet what the right catalog would have left
    clean "$1" "$2, after posting"
    cp "$work/late.csv" "$1/late.csv"
    feed "$1" "$1/late.csv"
    clean "$1" "$2, after more rows"
    end TERM
    clean "$1" "$2, after a stop"
    [ "$(amount "$1")" = "$want" ] || fail "$2: $(amount "$1") instead of $want"
}

# Rows behind it meet the engine's own memory, then what a restart makes of journal and checkpoint.
for workers in 1 3; do
    for restart in no KILL TERM; do
        [ "$workers $restart" != "3 TERM" ] || continue # as with one
        dir=$work/calm.$workers.$restart
        cp -r "$work/base" "$dir"
        sed -i "s/^workers: .*/workers: $workers/" "$dir/tollgate.yaml"
        begin "$dir"
        post "$dir" || fail "$dir: $(cat "$dir/said")"
        [ "$(field epoch <"$dir/posted")" -gt 0 ] || fail "$dir: $(head -c 300 "$dir/posted")"
        [ "$(field shelves_changed <"$dir/posted")" -ge 4 ] || fail "$dir: no shelf changes"
        "$tollgate" rerate --data "$dir/data" --post | grep -q "nothing to post" ||
            fail "$dir: posted twice"
        [ "$restart" = no ] || { end "$restart"; begin "$dir"; }
        finish "$dir" "workers $workers, restart $restart"
    done
done
cp "$work/calm.1.no/posted" "$work/posted"
changes=$(field rows_changed <"$work/posted")
difference=$(field difference <"$work/posted")

# Rows flow all the time, one file after the other; it is posted somewhere between them, or refused
# with a word, and asked for again.
cp -r "$work/base" "$work/flow"
begin "$work/flow"
posted=0
refused=0
for part in $(seq -f %02.0f 30); do
    calls "$work/flow/part$part.csv" $((490 + 10#$part * 10)) 10 # read in the order of their names
    mv "$work/flow/part$part.csv" "$work/flow/cdr/"
    [ "$posted" = 0 ] || { sleep 0.02; continue; }
    if post "$work/flow"; then
        posted=$part
    else
        grep -q "run again" "$work/flow/said" || fail "flowing: $(cat "$work/flow/said")"
        refused=$((refused + 1))
    fi
done
[ "$posted" != 0 ] || post "$work/flow" || fail "flowing: $(cat "$work/flow/said")"
for _ in $(seq 400); do
    [ -e "$work/flow/done/part30.csv" ] || [ -e "$work/flow/cdr/done/part30.csv" ] && break
    sleep 0.025
done
end TERM
clean "$work/flow" "flowing"
[ "$(amount "$work/flow")" = "$want" ] || fail "flowing: $(amount "$work/flow") instead of $want"

# A catalog that the engine does not run with is refused.
cp -r "$work/base" "$work/other"
begin "$work/other"
"$tollgate" catalog import --catalog "$work/other/catalog" --data "$work/other/data" >/dev/null
post "$work/other" && fail "posted with another catalog than the engine has"
grep -q "reload" "$work/other/said" || fail "another catalog: $(cat "$work/other/said")"
"$python" "$tool" ask "$work/other/data/control.sock" '{"command":"reload"}' >/dev/null
post "$work/other" || fail "after a reload: $(cat "$work/other/said")"
finish "$work/other" "after a reload"

if ! strace -f true 2>/dev/null || nm "$tollgate" 2>/dev/null | grep -q __asan_init; then
    echo "rerate_live: $want, $posted posted, $refused refused; no strace: no kills"
    exit 0
fi

# Rows of the family come in between working it out and handing it over: each time it is refused, or
# once and then worked out again with them.
overtaken() ( # DIR TIMES [NUMBER]: the next part, or what the number calls of it, comes in while
              # the posting is held up
    strace -f -o "$1/trace" -e trace=memfd_create -e inject=memfd_create:delay_enter=1500000 \
        "$tollgate" rerate --data "$1/data" --post --json --threads 1 >"$1/posted" 2>"$1/said" &
    asked=$!
    for n in $(seq "$2"); do
        for _ in $(seq 400); do
            [ "$(cat "$1/trace" 2>/dev/null | grep -c memfd_create)" -ge "$n" ] && break
            kill -0 "$asked" 2>/dev/null || break
            sleep 0.01
        done
        calls "$1/over$n.csv" $((490 + n * 10)) 10
        if [ $# -gt 2 ]; then
            grep -v ",+$3," "$1/over$n.csv" >"$1/rest$n.csv"
            grep -e "^id," -e ",+$3," "$1/over$n.csv" >"$1/one$n.csv"
            mv "$1/one$n.csv" "$1/over$n.csv"
        fi
        feed "$1" "$1/over$n.csv"
        sleep 1.2
    done
    wait "$asked"
)
for times in 1 3; do
    dir=$work/over.$times
    cp -r "$work/base" "$dir"
    begin "$dir"
    overtaken "$dir" "$times"
    code=$?
    grep -q "usage of account A[12] came in" "$dir/said" || fail "over $times: $(cat "$dir/said")"
    case $times in
    1) [ "$code" = 0 ] || fail "it did not try again: $(cat "$dir/said")" ;;
    3) [ "$code" = 1 ] || fail "it was posted over rows that it does not know" ;;
    esac
    [ "$times" = 1 ] || post "$dir" || fail "over: $(cat "$dir/said")"
    for part in $(seq -f %02.0f $((times + 1)) 30); do
        calls "$dir/part$part.csv" $((490 + 10#$part * 10)) 10
        mv "$dir/part$part.csv" "$dir/cdr/"
    done
    for _ in $(seq 400); do
        [ -e "$dir/done/part30.csv" ] || [ -e "$dir/cdr/done/part30.csv" ] && break
        sleep 0.025
    done
    end TERM
    clean "$dir" "overtaken $times times"
    [ "$(amount "$dir")" = "$want" ] || fail "overtaken $times: $(amount "$dir") instead of $want"
done

# Of one account usage comes in all the time: the others are posted at once, and it as soon as it
# pauses.
dir=$work/over.one
cp -r "$work/base" "$dir"
begin "$dir"
overtaken "$dir" 3 4917000003 || fail "one account: $(cat "$dir/said")"
grep -q "all but some is posted in epoch .* usage of account A2 came in" "$dir/said" ||
    fail "one account: $(cat "$dir/said")"
[ "$(grep -c "usage of account A2 came in" "$dir/said")" = 3 ] || fail "one account: $(cat "$dir/said")"
grep -q '"earlier_epochs":\[[0-9]*\],"epoch":' "$dir/posted" || fail "one account: $(head -c 400 "$dir/posted")"
for n in 1 2 3; do
    feed "$dir" "$dir/rest$n.csv"
done
for part in $(seq -f %02.0f 4 30); do
    calls "$dir/part$part.csv" $((490 + 10#$part * 10)) 10
    mv "$dir/part$part.csv" "$dir/cdr/"
done
for _ in $(seq 400); do
    [ -e "$dir/done/part30.csv" ] || [ -e "$dir/cdr/done/part30.csv" ] && break
    sleep 0.025
done
end TERM
clean "$dir" "one account"
[ "$(amount "$dir")" = "$want" ] || fail "one account: $(amount "$dir") instead of $want"

# SIGKILL of the engine at its Nth such call from the asking on: all of it is in, or nothing.
kills=0
before=$(amount "$work/base")
round=$work/round
told=
for call in recvmsg mmap clock_nanosleep pwrite64 fdatasync sendmsg; do
    for n in $(seq 1 3); do
        rm -rf "$round"
        cp -r "$work/base" "$round"
        begin "$round"
        strace -f -qq -o /dev/null -p "$engine" -e trace="$call" \
            -e inject="$call:signal=KILL:when=$n" 2>/dev/null &
        tracer=$!
        for _ in $(seq 200); do
            grep -q '^TracerPid:[[:space:]]*[1-9]' /proc/"$engine"/status && break
            sleep 0.01
        done
        post "$round"
        code=$?
        for _ in $(seq 50); do
            { [ "$code" = 0 ] || ! kill -0 "$engine" 2>/dev/null; } && break
            sleep 0.02 # it dies a little after it has let go of the socket
        done
        kill -0 "$engine" 2>/dev/null || code=killed
        [ "$code" != 0 ] || { end KILL; wait "$tracer"; break; }
        [ "$code" = killed ] || fail "$call $n: $code, $(cat "$round/said")"
        wait "$engine" 2>/dev/null
        wait "$tracer"
        engine=0
        kills=$((kills + 1))
        "$tollgate" rerate --data "$round/data" --post --json >"$work/again" 2>>"$round/log" ||
            fail "$call $n: a second posting: $(cat "$work/again")"
        case "$(field rows_changed <"$work/again") $(field difference <"$work/again")" in
        "$changes $difference") ;;
        "0 "*) ;;
        *) fail "$call $n: half of it was posted: $(head -c 400 "$work/again")" ;;
        esac
        clean "$round" "$call $n"
        [ "$(amount "$round")" != "$before" ] || fail "$call $n: nothing changed"
    done
    told="$told $call:$n"
done
[ "$kills" -ge 6 ] || fail "only $kills kills:$told"
rm -rf "$round"
cp -r "$work/base" "$round"
begin "$round"
post "$round" || fail "after kills: $(cat "$round/said")"
finish "$round" "after kills"
echo "rerate_live: $want, posted at part $posted, $refused refused, $kills kills:$told"
