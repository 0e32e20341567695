# SPDX-License-Identifier: Apache-2.0
# A live engine for tests: its folder, its configuration, start, questions, stop, audit.
#
#   . "$2/tests/system/lib_live.sh"
#   live_begin NAME "$@"               # own temp folder $LIVE, everything removed at exit
#   live_carrier                       # catalog of 40 subscribers, nodes, decoders
#   live_port flows socket 127.0.0.1:2055
#   live_start && live_wait rows.rated ge 100
#   live_stop TERM && live_audit
#
# Processes are ended by the pid they were started with, never by name.

LIVE_PIDS=()
LIVE_ENGINE=
LIVE_FAILURES=0
LIVE_SECRET=live-test-secret
LIVE_AROUND=()             # command put before the engine, such as: ip netns exec tg-b
LIVE_PYTHON=$(command -v /usr/bin/python3 || command -v python3 || true)

live_begin() { # NAME BINARY SOURCES BUILD
    LIVE_NAME=$1
    TOLLGATE=$2
    SOURCES=$3
    TOOL=$3/tests/system/live_tool.py
    [ -n "$LIVE_PYTHON" ] || live_skip "no python3"
    LIVE=$(mktemp -d "/tmp/tg-$1-XXXXXX")
    DATA=$LIVE/data
    trap live_end EXIT
    trap 'exit 1' INT TERM HUP
}

live_skip() { # REASON
    echo "$LIVE_NAME: skipped, $1"
    exit 77
}

live_need() { # COMMAND PACKAGE
    command -v "$1" >/dev/null || live_skip "no $1 (package $2)"
}

live_end() {
    local code=$? pid
    for pid in "${LIVE_PIDS[@]}"; do
        kill -KILL "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
    done
    if declare -F live_cleanup >/dev/null; then
        live_cleanup
    fi
    if [ "$code" -ne 0 ] && [ "$code" -ne 77 ] && [ -f "$LIVE/engine.log" ]; then
        echo "--- end of the engine's log"
        tail -30 "$LIVE/engine.log"
    fi
    if [ -n "${LIVE_KEEP:-}" ]; then
        echo "kept: $LIVE"
    else
        rm -rf "$LIVE"
    fi
}

fail() { # TEXT
    echo "FAIL $*"
    LIVE_FAILURES=$((LIVE_FAILURES + 1))
}

ok() { # TEXT
    echo "ok   $*"
}

expect() { # TEXT GOT TEST WANTED, such as: expect "rows" "$n" -eq 5
    if [ "$2" "$3" "$4" ] 2>/dev/null; then
        ok "$1: $2"
    else
        fail "$1: got '$2', wanted $3 '$4'"
    fi
}

live_done() {
    [ "$LIVE_FAILURES" -eq 0 ] || { echo "$LIVE_NAME: $LIVE_FAILURES failures"; exit 1; }
    echo "$LIVE_NAME: all good"
    exit 0
}

live_background() { # COMMAND... : started, its pid in $LIVE_PID, ended at exit
    "$@" &
    LIVE_PID=$!
    LIVE_PIDS+=("$LIVE_PID")
}

# UDP and TCP ports nobody uses now; parallel tests get different ones.
live_free_ports() { # COUNT
    "$LIVE_PYTHON" "$TOOL" ports "$1"
}

# Catalog and configuration in $LIVE. 40 subscribers: number 4917010000NN, products with prices for
# data (RADIUS sessions name the holders of 10.200.0.NN) and access. Ports are added by live_port.
live_carrier() { # FLOW_PORT RADIUS_PORT SYSLOG_PORT [EXTRA_YAML]
    mkdir -p "$LIVE/catalog"
    live_catalog 1 2026-01-01 "0.10"
    FLOW_PORT=$1
    RADIUS_PORT=$2
    SYSLOG_PORT=$3
    cat >"$LIVE/tollgate.yaml" <<YAML
data: data
catalog: catalog
workers: ${LIVE_WORKERS:-1}
preallocate: false
memory: {mib: ${LIVE_MIB:-64}}
limits: {sessions: 4096, dedup_records: ${LIVE_DEDUP:-400000}}
decoders:
  - {decoder: netflow9, port: $1}
  - {decoder: ipfix, port: $1}
  - {decoder: netflow5, port: $1}
  - decoder: radius
    port: $2
    settings: {secret: {default: "$LIVE_SECRET"}}
  - {decoder: syslog, port: $3}
nodes:
  - {name: bng-live, addresses: [${LIVE_NODE_ADDRESS:-127.0.0.1}], interval: 0}
  - {name: pe-01, addresses: [10.77.0.1], interval: 0}
${4:-}
ports:
YAML
}

live_port() { # NAME KIND TARGET
    echo "  - {name: $1, kind: $2, target: \"$3\"}" >>"$LIVE/tollgate.yaml"
}

live_catalog() { # VERSION VALID_FROM PRICE_OF_A_MEGABYTE
    cat >"$LIVE/catalog/catalog.yaml" <<YAML
catalog: {version: $1, valid_from: $2, currency: EUR}
taxes:
  vat: {rate: 19%, title: "VAT 19 %"}
prices:
  megabyte: {unit: kilobyte, price: "$3", per: 1000}
  session: {unit: megabyte, price: "0.001"}
plans:
  live:
    data: {price: megabyte}
    access: {price: session}
products:
  live: {plan: live, fee: "5.00", tax: vat, title: "Live"}
YAML
    "$LIVE_PYTHON" "$TOOL" people "$LIVE/catalog" 40
}

live_start() { # ARGUMENTS... ; returns when the engine answers on its socket
    "${LIVE_AROUND[@]}" "$TOLLGATE" run "$@" "$LIVE/tollgate.yaml" >>"$LIVE/engine.log" 2>&1 &
    LIVE_ENGINE=$!
    LIVE_PIDS+=("$LIVE_ENGINE")
    local turn
    for turn in $(seq 2400); do
        if ! kill -0 "$LIVE_ENGINE" 2>/dev/null; then
            wait "$LIVE_ENGINE"
            echo "the engine ended with $? at start:"
            tail -5 "$LIVE/engine.log"
            return 1
        fi
        # Whoever asks is a process: not before there is somebody to ask.
        [ -S "$DATA/control.sock" ] && live_ask '{"command":"status"}' >/dev/null 2>&1 && return 0
        sleep 0.025
    done
    echo "the engine does not answer"
    return 1
}

live_ask() { # JSON
    "$LIVE_PYTHON" "$TOOL" ask "$DATA/control.sock" "$1"
}

live_status() { # PATH such as rows.rated
    "$LIVE_PYTHON" "$TOOL" status "$DATA/control.sock" "$1"
}

# A minute, although what is waited for takes a moment: a busy machine must not fail a test.
live_wait() { # PATH ge|eq NUMBER : of the status answer
    "$LIVE_PYTHON" "$TOOL" wait "$DATA/control.sock" "$1" "$2" "$3" 60
}

live_settle() { # until the engine takes nothing in for half a second, at most 5 s
    local before now turn
    before=$(live_status inputs)
    for turn in $(seq 10); do
        sleep 0.5
        now=$(live_status inputs)
        [ "$now" = "$before" ] && return
        before=$now
    done
}

live_signal() { # SIGNAL ; sets LIVE_CODE to the engine's exit code
    kill "-$1" "$LIVE_ENGINE" 2>/dev/null
    LIVE_CODE=0
    wait "$LIVE_ENGINE" 2>/dev/null || LIVE_CODE=$?
}

live_stop() { # drains; a code other than 0 is a failure
    live_signal TERM
    expect "exit code after SIGTERM" "$LIVE_CODE" -eq 0
}

live_audit() { # balanced, or a failure; the JSON stays in $LIVE/audit.json
    if "$TOLLGATE" audit --json --data "$DATA" >"$LIVE/audit.json" 2>"$LIVE/audit.err"; then
        ok "audit balances: $(live_rows)"
    else
        fail "audit: $(cat "$LIVE/audit.err") $(cat "$LIVE/audit.json")"
    fi
}

live_rows() { "$LIVE_PYTHON" "$TOOL" get "$LIVE/audit.json" rows; }

live_audited() { # PATH of the audit's JSON, such as rows.rated
    "$LIVE_PYTHON" "$TOOL" get "$LIVE/audit.json" "$1"
}

# Accounting of one subscriber with a real radclient; its exit code says whether our answer was good.
live_radclient() { # ADDRESS start|interim|stop SUBSCRIBER(1..40) EVENT_UNIX_S OCTETS
    local status=Start counters=
    [ "$2" = interim ] && status=Interim-Update
    [ "$2" = stop ] && status=Stop
    if [ "$2" != start ]; then
        counters="Acct-Session-Time = 60
Acct-Input-Octets = ${5:-1000}
Acct-Output-Octets = ${5:-1000}"
    fi
    printf '%s\n' "Acct-Status-Type = $status" "Acct-Session-Id = \"live-$3\"" \
        "Calling-Station-Id = \"4917010000$(printf %02d "$3")\"" \
        "Framed-IP-Address = 10.200.0.$3" "NAS-IP-Address = 10.77.0.1" \
        "Event-Timestamp = $4" "$counters" >"$LIVE/radclient.txt"
    "${LIVE_CLIENT[@]}" radclient -r 2 -t 3 -f "$LIVE/radclient.txt" "$1" acct "$LIVE_SECRET" \
        >>"$LIVE/radclient.log" 2>&1
}
LIVE_CLIENT=()
