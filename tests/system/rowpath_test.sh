#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# If this fails the row path allocates, locks or enters the kernel: rows then wait for other threads
# and for the allocator, and the latency of one row depends on what the rest of the process does.
# An engine reads a capture and files with one worker and with three, twice: under a preloaded hook
# that counts malloc and locks by thread, and under strace. Usage: rowpath_test.sh TOLLGATE SOURCE
set -u
tollgate=$1
source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $*"
    exit 1
}

skip() {
    echo "rowpath: skipped, $*"
    exit 77
}

for tool in cc strace jq; do
    command -v "$tool" >/dev/null || skip "no $tool"
done
ldd "$tollgate" | grep -qE 'libasan|libtsan' && skip "a sanitizer has a malloc of its own"
nm "$tollgate" 2>/dev/null | grep -q '__asan_init' && skip "a sanitizer has a malloc of its own"
writer=$(nm "$tollgate" | awk '$3 == "journal_writer" { print $1 }')
[ -n "$writer" ] || fail "the executable has no journal_writer"
strace -f true 2>/dev/null || skip "strace may not trace here"
cc -O2 -shared -fPIC -o "$work/hook.so" "$source/tests/system/rowpath_hook.c" -ldl ||
    fail "the hook does not compile"

"$tollgate" gen "$work/made" --subscribers 1000 --flows 300 --calls 20 --minutes 60 --seed 5 \
    >/dev/null || fail "gen"
sed -i '/^fronts:/,/oss/d' "$work/made/tollgate.yaml"

# A fresh engine in $work/run; the environment and a command before it come from the caller.
engine() { # WORKERS COMMAND...
    local workers=$1
    shift
    rm -rf "$work/run"
    cp -r "$work/made" "$work/run"
    sed -i "s/^workers:.*/workers: $workers/" "$work/run/tollgate.yaml"
    "$@" "$tollgate" run --once --no-fronts "$work/run/tollgate.yaml" >"$work/log" 2>&1 ||
        fail "run with $workers workers: $(tail -3 "$work/log")"
    rows=$("$tollgate" audit --data "$work/run/data" --json | jq '.rows.in') ||
        fail "audit with $workers workers"
    [ "$rows" -ge 400000 ] || fail "only $rows rows went through"
}

counted() { # CLASS CALL
    awk -v class="$1" -v call="$2" '$1 == class && $2 == call { print $3 }' "$work/counts"
}

hooked() { # WORKERS [VARIABLE=VALUE]: no allocation, and locks that do not follow the rows
    local workers=$1 call
    rm -f "$work/counts"
    engine "$workers" env "ROWPATH_OUT=$work/counts" "ROWPATH_WRITER=$writer" "LD_PRELOAD=$work/hook.so" "${@:2}"
    [ -s "$work/counts" ] || fail "the hook wrote nothing"
    [ "$(counted worker threads)" -ge "$workers" ] || fail "the hook saw no worker"
    [ "$(counted writer threads)" -eq 1 ] || fail "the hook saw no journal writer"
}

for workers in 1 3; do
    hooked "$workers"
    for class in worker writer; do
        for call in malloc calloc realloc memalign free; do
            [ "$(counted $class $call)" -eq 0 ] ||
                fail "$workers workers: $class called $call $(counted $class $call) times in $rows rows"
        done
    done
    # A worker registers with the snapshot's grace periods when it starts and when it ends: two
    # locks each, and one for the process. Handing a block to the writer is one post an epoch.
    [ "$(counted worker lock)" -le $((2 * workers + 1)) ] ||
        fail "$workers workers took $(counted worker lock) locks"
    echo "$workers workers, $rows rows: no allocation; $(counted worker lock) locks at start and end," \
        "$(counted worker post) blocks handed over"
done

# The same counting must see a worker that does allocate and lock once.
hooked 1 ROWPATH_CANARY=1
[ "$(counted worker malloc)" -ge 1 ] && [ "$(counted worker free)" -ge 1 ] ||
    fail "the hook does not see allocations"
[ "$(counted worker lock)" -gt 3 ] || fail "the hook does not see locks"

# Kernel entries of each thread: workers are those that read the capture or give rows on; strace
# knows threads by number only, so the main thread and DPDK's own are told apart by what they do.
for workers in 1 3; do
    engine "$workers" strace -f -qq -o "$work/trace"
    capture=$(stat -c %s "$work/run/inputs/network.pcap")
    awk -v rows="$rows" -v workers="$workers" -v capture="$capture" '
        /resumed>/ { next }
        match($2, /^[a-z_0-9]+\(/) {
            call = substr($2, 1, RLENGTH - 1)
            if (first == "") first = $1
            count[$1, call]++
            calls[call] = 1
            pids[$1] = 1
            if (call == "read" && match($2, /^read\([0-9]+/)) reads[$1]++
        }
        END {
            for (pid in pids) if (count[pid, "fdatasync"] > syncs) {
                syncs = count[pid, "fdatasync"]; writer = pid
            }
            for (pid in pids) {
                if (pid == first || pid == writer) continue
                own = 0; sleeps = 0; other = 0; text = ""
                for (call in calls) {
                    n = count[pid, call]
                    # What the ports do: the capture is read in pieces of 4 KiB by libpcap; a file
                    # of the drop folder is found, claimed, read and moved.
                    if (call ~ /^(read|pread64|openat|close|flock|newfstatat|renameat2|getdents64|lseek|fsync)$/)
                        own += n
                    else if (call == "clock_nanosleep" || call == "sched_yield") sleeps += n
                    else if (n > 0) { other += n; text = text " " call ":" n }
                }
                threads++
                # Start and end of a thread, and a wake-up of the writer for each epoch.
                bound = 2 * syncs + 64
                printf "%d workers, %d rows, thread %d: port %d, idle %d, other %d of at most %d:%s\n",
                    workers, rows, threads, own, sleeps, other, bound, text
                if (other > bound) bad = 1
                if (own > capture / 4096 + 200) { bad = 1; print "the port reads too often" }
                if (other * 1000000 / rows > 2000) { bad = 1; print "more than 2000 in a million rows" }
            }
            if (threads < workers) { print "saw only " threads " threads"; bad = 1 }
            if (syncs == 0) { print "saw no journal writer"; bad = 1 }
            printf "journal writer: %d fdatasync, %d pwrite64\n", syncs, count[writer, "pwrite64"]
            if (count[writer, "pwrite64"] * 1000000 / rows > 4000) { print "too many writes"; bad = 1 }
            exit bad
        }' "$work/trace" || fail "system calls on the row path with $workers workers"
done
echo "row path: no allocation, no lock, no system call but the ports' own"
