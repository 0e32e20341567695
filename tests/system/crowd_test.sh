#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Many gateways at the control socket at once, beside one that never ends its line, one that never
# reads, and a catalog that is reloaded again and again. If this failed, one broken client would
# stop prepaid service for all customers, or a top-up would be lost or counted twice in the crowd.
# Usage: crowd_test.sh TOLLGATE SOURCE BUILD
set -u
. "$2/tests/system/lib_live.sh"
live_begin crowd "$@"
read -r flow radius syslog <<<"$(live_free_ports 3)"
live_carrier "$flow" "$radius" "$syslog"
live_port flows socket "127.0.0.1:$flow"
sed -i -e '1s/$/,prepaid/' -e '2,$s/$/,true/' "$LIVE/catalog/accounts.csv"
live_start --no-fronts || exit 1

clients=24
each=40
cat >"$LIVE/bad.py" <<'PY'
import socket, sys, time
def link():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.connect(sys.argv[1])
    return s
half = link()
half.sendall(b'{"command":"credit","requests":[{"action":"topup","id":"half","account":"A0000001",')
mute = link()
mute.setblocking(False)
try:
    while True:
        mute.sendall(b'{"command":"metrics"}\n')
except BlockingIOError:
    pass
half.settimeout(20)
began = time.monotonic()
said = half.recv(65536)
closed = half.recv(65536) == b""
open(sys.argv[2], "w").write(f"{b'TRUNCATED' in said} {closed} {4 < time.monotonic() - began < 15}")
time.sleep(60)
PY
live_background "$LIVE_PYTHON" "$LIVE/bad.py" "$DATA/control.sock" "$LIVE/bad"
bad=$LIVE_PID

"$LIVE_PYTHON" - "$DATA/control.sock" $clients $each >"$LIVE/crowd.json" <<'PY' || fail "the crowd"
import json, socket, sys, threading, time
path, clients, each = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
waits, errors = [], []
def gateway(number):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(20)
    s.connect(path)
    f = s.makefile("rwb")
    for i in range(each):
        began = time.monotonic()
        f.write(json.dumps({"command": "credit", "requests": [
            {"action": "topup", "id": f"{number}-{i}", "account": f"A{1 + number % 8:07d}",
             "amount": "1.00"}]}).encode() + b"\n")
        f.flush()
        answer = json.loads(f.readline())
        waits.append(time.monotonic() - began)
        if not answer["ok"] or answer["answers"][0]["id"] != f"{number}-{i}":
            errors.append(answer)
began = time.monotonic()
threads = [threading.Thread(target=gateway, args=(n,)) for n in range(clients)]
[t.start() for t in threads]
[t.join() for t in threads]
took = time.monotonic() - began
s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
s.connect(path)
f = s.makefile("rwb")
f.write(b'{"command":"credit","requests":[' + b",".join(
    b'{"action":"balance","account":"A%07d"}' % n for n in range(1, 9)) + b']}\n')
f.flush()
sum_cents = sum(round(float(a["balance"]) * 100) for a in json.loads(f.readline())["answers"])
print(json.dumps({"answers": len(waits), "errors": len(errors), "cents": sum_cents,
                  "per_second": round(len(waits) / took),
                  "longest_ms": round(max(waits) * 1000)}))
PY
echo "crowd: $(cat "$LIVE/crowd.json")"
crowd() { "$LIVE_PYTHON" "$TOOL" get "$LIVE/crowd.json" "$1"; }
expect "answers" "$(crowd answers)" -eq $((clients * each))
expect "errors" "$(crowd errors)" -eq 0
expect "cents on all accounts" "$(crowd cents)" -eq $((clients * each * 100))

# Together: had each waited for its own epoch, there were as many syncs as answers.
live_status durableEpoch >"$LIVE/epochs"
expect "epochs" "$(cat "$LIVE/epochs")" -lt $((clients * each / 2))

# Requests go on being answered while a catalog is imported.
"$LIVE_PYTHON" - "$LIVE/catalog" <<'PY'
import sys
with open(sys.argv[1] + "/big.csv", "w") as f:
    f.write("prefix,zone\n")
    f.writelines(f"{20000000 + i},z{i % 7}\n" for i in range(200000))
PY
cat >>"$LIVE/catalog/catalog.yaml" <<YAML
decks:
  big: {file: big.csv}
YAML
sed -i 's/version: 1, /version: 2, /; s/valid_from: 2026-01-01/valid_from: 2027-01-01/' \
    "$LIVE/catalog/catalog.yaml"
"$LIVE_PYTHON" - "$DATA/control.sock" >"$LIVE/reload.json" <<'PY' || fail "asking beside a reload"
import json, select, socket, sys
def link():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(60)
    s.connect(sys.argv[1])
    return s, s.makefile("rwb")
def ask(f, text):
    f.write(text + b"\n")
    f.flush()
    return json.loads(f.readline())
long, reload = link()
_, other = link()
long.sendall(b'{"command":"reload"}\n')
between = again = 0
while not select.select([long], [], [], 0)[0]:
    credit = ask(other, b'{"command":"credit","requests":[{"action":"balance","account":"A0000001"}]}')
    again += ask(other, b'{"command":"reload"}').get("reason") == "AGAIN"
    between += credit["ok"]
print(json.dumps({"between": between, "again": again, "reload": json.loads(reload.readline())}))
PY
echo "reload: $(cat "$LIVE/reload.json")"
reload() { "$LIVE_PYTHON" "$TOOL" get "$LIVE/reload.json" "$1"; }
expect "version imported" "$(reload reload.version)" -eq 2
expect "answers during the import" "$(reload between)" -ge 3
expect "second imports told to wait" "$(reload again)" -ge 3

for _ in $(seq 150); do
    [ -e "$LIVE/bad" ] && break
    sleep 0.1
done
expect "the half request was told, closed, in time" "$(cat "$LIVE/bad" 2>&1)" = "True True True"
expect "counted as unfinished" "$(live_status control.unfinished)" -eq 1
live_wait control.unread eq 1 || fail "who does not read is not closed"
kill "$bad" 2>/dev/null
live_stop
live_audit
live_done
