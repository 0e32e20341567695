# SPDX-License-Identifier: Apache-2.0
"""Small helpers of the live tests: control socket, packet captures, a sender of flow records.

    live_tool.py ask SOCKET JSON                    print the answer
    live_tool.py status SOCKET PATH                 one value of the status answer
    live_tool.py wait SOCKET PATH ge|eq N SECONDS   until the status says so; exit 1 when it does not
    live_tool.py get FILE PATH                      one value of a JSON file
    live_tool.py ports COUNT                        free port numbers of loopback
    live_tool.py people DIR COUNT                   accounts.csv and subscribers.csv
    live_tool.py pcap FILE FLOWS START_S            UDP packets of 10.200.0.1.. for softflowd -r
    live_tool.py sessions HOST:PORT SECRET N UNIX_S accounting starts of N subscribers, answers checked
    live_tool.py log HOST:PORT TEXT                 one syslog datagram
    live_tool.py alarms FILE                        what alarms say, without number and report time
    live_tool.py wire FILE                          records and octets (element 1) of captured IPFIX
    live_tool.py flows HOST:PORT ...                NetFlow v9 records at a rate (see flows())
"""
import hashlib
import json
import socket
import struct
import sys
import time


def ask(path, text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(60)
        s.connect(path)
        s.sendall(text.encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            piece = s.recv(65536)
            if not piece:
                break
            answer += piece
    return json.loads(answer)


def pick(value, path):
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def show(value):
    print(json.dumps(value) if isinstance(value, (dict, list, bool)) else value)


def wait(path, key, how, number, seconds):
    until = time.monotonic() + float(seconds)
    number = int(number)
    value = None
    while time.monotonic() < until:
        value = int(pick(ask(path, '{"command":"status"}'), key))
        if value == number or (how == "ge" and value > number):
            return 0
        time.sleep(0.02)
    print(f"{key} is {value}, not {how} {number}, after {seconds} s")
    return 1


def free_ports(count):
    # One socket of each kind holds a port until all are found, so that they differ.
    held = []
    found = []
    while len(found) < count:
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        tcp.bind(("127.0.0.1", 0))
        port = tcp.getsockname()[1]
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        held += [tcp, udp]
        try:
            udp.bind(("127.0.0.1", port))
        except OSError:
            continue
        found.append(port)
    print(*found)


def people(folder, count):
    with open(folder + "/accounts.csv", "w") as f:
        f.write("id,name,currency,cycle_day\n")
        f.writelines(f"A{i:07d},Customer {i},EUR,1\n" for i in range(1, count + 1))
    with open(folder + "/subscribers.csv", "w") as f:
        f.write("id,account,msisdn,imsi,product,active_from\n")
        f.writelines(
            f"S{i:07d},A{i:07d},4917010000{i:02d},2620100000000{i:02d},live,2026-01-01\n"
            for i in range(1, count + 1)
        )


def alarms(path):
    """What messages raised and is active. Silence, gaps, numbers and report times are judged when a
    fold ends, so they depend on the engine's pace."""
    with open(path) as f:
        found = [json.loads(line) for line in f]
    names = {a["id"]: f'{a["alarmedObject"]["id"]}: {a["specificProblem"]}' for a in found}
    kept = []
    for a in found:
        if a["state"] != "RAISED" or a["probableCause"] in ("communicationsSubsystemFailure",
                                                            "informationMissing"):
            continue
        a["parentAlarm"] = [names.get(p["id"], p["id"]) for p in a.get("parentAlarm", [])]
        for key in ("id", "href", "alarmReportingTime", "x_correlatedCount"):
            a.pop(key, None)
        kept.append(json.dumps(a, sort_keys=True))
    print("\n".join(sorted(kept)))


def ip_checksum(header):
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def udp_frame(source, target, source_port, target_port, payload):
    udp = struct.pack("!HHHH", source_port, target_port, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                       socket.inet_aton(source), socket.inet_aton(target))
    head = head[:10] + struct.pack("!H", ip_checksum(head)) + head[12:]
    return b"\x02\0\0\0\0\2\x02\0\0\0\0\1\x08\0" + head + udp


def write_pcap(path, flows, start_s):
    """FLOWS one-way UDP flows of 3 packets, one every 10 ms; flow k belongs to 10.200.0.(k % 40 + 1)
    and has 3 IP packets of 128 + k % 64 octets."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        octets = 0
        for packet in range(3):
            for k in range(flows):
                frame = udp_frame(f"10.200.0.{k % 40 + 1}", "198.51.100.9", 20000 + k, 53,
                                  b"x" * (100 + k % 64))
                at = (packet * flows + k) * 10000
                f.write(struct.pack("<IIII", start_s + at // 1000000, at % 1000000,
                                    len(frame), len(frame)) + frame)
                octets += len(frame) - 14
    print(octets)


def pcap_payloads(path):
    """UDP payloads of an Ethernet capture without VLAN tags or IP options, with their target port."""
    with open(path, "rb") as f:
        data = f.read()
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        yield struct.unpack_from("!H", data, at + 16 + 36)[0], data[at + 16 + 42:at + 16 + length]
        at += 16 + length


def ipfix_template(templates, body):
    at = 0
    while at + 4 <= len(body):
        number, count = struct.unpack_from("!HH", body, at)
        at += 4
        fields = []
        for _ in range(count):
            element, octets = struct.unpack_from("!HH", body, at)
            at += 8 if element & 0x8000 else 4
            fields.append((element, octets))
        templates[number] = fields


def wire(path):
    """A second reader, written apart from the engine's, of what real meters put on the wire."""
    templates = {}
    records = octets = 0
    for _, message in pcap_payloads(path):
        domain = message[12:16]
        known = templates.setdefault(domain, {})
        at = 16
        while at + 4 <= len(message):
            number, length = struct.unpack_from("!HH", message, at)
            body = message[at + 4:at + length]
            at += length
            if number == 2:
                ipfix_template(known, body)
            fields = known.get(number, ())
            size = sum(octets for _, octets in fields)
            while size and len(body) >= size and any(e == 1 for e, _ in fields):
                offset = 0
                for element, width in fields:
                    if element == 1:
                        octets += int.from_bytes(body[offset:offset + width], "big")
                    offset += width
                records += 1
                body = body[size:]
    print(records, octets)


def attribute(kind, value):
    value = value if isinstance(value, bytes) else struct.pack("!I", value)
    return struct.pack("!BB", kind, len(value) + 2) + value


def accounting(identifier, secret, subscriber, unix_s, octets=None):
    """A start, or with octets an interim update (RFC 2866), signed."""
    body = attribute(40, 1 if octets is None else 3)
    body += attribute(44, b"live-%d" % subscriber)
    body += attribute(8, 0x0AC80000 + subscriber)
    body += attribute(31, b"4917010000%02d" % subscriber)
    body += attribute(4, 0x0A4D0001)
    body += attribute(55, unix_s)
    if octets is not None:
        body += attribute(46, 60) + attribute(42, octets) + attribute(43, octets)
    head = struct.pack("!BBH", 4, identifier, 20 + len(body))
    return head + hashlib.md5(head + bytes(16) + body + secret).digest() + body


def exchange(s, request, secret):
    """Send until an answer comes whose authenticator is right; False after 5 tries."""
    for _ in range(5):
        s.send(request)
        try:
            answer = s.recv(4096)
        except socket.timeout:
            continue
        want = hashlib.md5(answer[:4] + request[4:20] + answer[20:] + secret).digest()
        if answer[0] == 5 and answer[1] == request[1] and answer[4:20] == want:
            return True
    return False


def connect(target):
    host, port = target.rsplit(":", 1)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((host, int(port)))
    s.settimeout(1)
    return s


def sessions(target, secret, count, unix_s):
    s = connect(target)
    for i in range(1, count + 1):
        if not exchange(s, accounting(i, secret, i, unix_s), secret):
            return 1
    return 0


# srcaddr, dstaddr, in_bytes, in_pkts, first_switched, last_switched, l4 ports, protocol
V9_FIELDS = ((8, 4), (12, 4), (1, 4), (2, 4), (22, 4), (21, 4), (7, 2), (11, 2), (4, 1))
V9_RECORD = struct.Struct("!IIIIIIHHB")
V9_TEMPLATE = 400


def v9_template():
    body = struct.pack("!HH", V9_TEMPLATE, len(V9_FIELDS))
    body += b"".join(struct.pack("!HH", *field) for field in V9_FIELDS)
    return struct.pack("!HH", 0, 4 + len(body)) + body


def v9_packet(sequence, domain, uptime_ms, now_s, records):
    """A packet of records (source address, octets, first ms, last ms, nonce); None: a template."""
    if records is None:
        sets, count = v9_template(), 1
    else:
        body = b"".join(
            V9_RECORD.pack(a, 0xC6336409, octets, 1, first, last, n & 0xFFFF, n >> 16, 17)
            for a, octets, first, last, n in records)
        body += b"\0" * (-len(body) % 4)
        sets, count = struct.pack("!HH", V9_TEMPLATE, 4 + len(body)) + body, len(records)
    return struct.pack("!HHIIII", 9, count, uptime_ms, now_s, sequence, domain) + sets


def flows(target, options):
    """Options: rate= records a second, count=, octets= of each, sequence= of the first packet,
    from= UNIX second of the first event, span= seconds the events spread over, domain=,
    template=yes|no|only, nonce= of the first record, bind= address to send from.

    Events run from `from` to `from + span` in order; the export clock stays at from + span, so the
    events do not depend on when the test runs."""
    host, port = target.rsplit(":", 1)
    o = {"rate": 20000, "count": 1000, "octets": 1000, "from": int(time.time()) - 60, "span": 10,
         "domain": 7, "template": "yes", "sequence": 0, "nonce": 0, "bind": ""}
    for option in options:
        key, value = option.split("=")
        o[key] = type(o[key])(value)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    s.bind((o["bind"], 0))
    s.connect((host, int(port)))
    span_ms = o["span"] * 1000
    export_s = o["from"] + o["span"]
    sequence = o["sequence"]
    if o["template"] != "no":
        s.send(v9_packet(sequence, o["domain"], span_ms, export_s, None))
        sequence += 1
    sent = 0
    began = time.monotonic()
    while sent < o["count"] and o["template"] != "only":
        batch = []
        for n in range(sent, min(sent + 30, o["count"])):
            at_ms = n * span_ms // o["count"]
            batch.append((0x0AC80000 + n % 40 + 1, o["octets"], at_ms, at_ms, n + o["nonce"]))
        s.send(v9_packet(sequence, o["domain"], span_ms, export_s, batch))
        sequence += 1
        sent += len(batch)
        ahead = sent / o["rate"] - (time.monotonic() - began)
        if ahead > 0.002:
            time.sleep(ahead)
    print(sent)


def main(name, *a):
    if name == "ask":
        answer = ask(*a)
        show(answer)
        return 0 if answer.get("ok") else 1
    if name == "status":
        show(pick(ask(a[0], '{"command":"status"}'), a[1]))
    elif name == "wait":
        return wait(*a)
    elif name == "get":
        with open(a[0]) as f:
            show(pick(json.load(f), a[1]))
    elif name == "ports":
        free_ports(int(a[0]))
    elif name == "people":
        people(a[0], int(a[1]))
    elif name == "pcap":
        write_pcap(a[0], int(a[1]), int(a[2]))
    elif name == "alarms":
        alarms(a[0])
    elif name == "wire":
        wire(a[0])
    elif name == "sessions":
        return sessions(a[0], a[1].encode(), int(a[2]), int(a[3]))
    elif name == "log":
        connect(a[0]).send(a[1].encode())
    elif name == "flows":
        flows(a[0], a[1:])
    else:
        sys.exit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
