# SPDX-License-Identifier: Apache-2.0
"""Inputs made here, octet by octet: link types, offsets, templates over files, late data, options
of the verb, hostile files. If one of these fails, scripts that trust `tollgate decode` bill or
debug the wrong bytes."""
import socket
import struct
import subprocess
import sys

from decode_help import decode, expect, finish

BINARY, SOURCE, FOLDER = sys.argv[1:4]


def write(name, octets):
    path = f"{FOLDER}/{name}"
    with open(path, "wb") as file:
        file.write(octets)
    return path


def v5(records=2, count=None, tail=b""):
    head = struct.pack("!HHIIIIBBH", 5, records if count is None else count, 100000, 1700000000, 0,
                       7, 0, 3, 0)
    body = b"".join(
        socket.inet_aton(f"10.0.0.{i + 1}") + socket.inet_aton("192.0.2.9") + bytes(4) +
        struct.pack("!HHIIIIHHBBBBHHBBH", 1, 2, 3, 1000 + i, 40000, 50000, 1111, 443, 0, 16, 6, 0,
                    64496, 64497, 24, 24, 0) for i in range(records))
    return head + body + tail


def ipfix(sets, sequence=0, domain=9):
    body = b"".join(struct.pack("!HH", number, len(octets) + 4) + octets
                    for number, octets in sets)
    return struct.pack("!HHIII", 10, 16 + len(body), 1700000000, sequence, domain) + body


TEMPLATE = (2, struct.pack("!HHHHHHHHHH", 256, 4, 8, 4, 12, 4, 1, 8, 152, 8))
OPTIONS = (3, struct.pack("!HHHHHHH", 257, 2, 1, 149, 4, 41, 8))


def flow(octets, start_ms=1699999990000):
    return socket.inet_aton("10.1.1.1") + socket.inet_aton("10.2.2.2") + struct.pack(
        "!QQ", octets, start_ms)


def ip_udp(payload, port=2055, sender="192.0.2.1", version=4):
    udp = struct.pack("!HHHH", 4000, port, 8 + len(payload), 0) + payload
    if version == 6:
        return struct.pack("!IHBB", 6 << 28, len(udp), 17, 64) + socket.inet_pton(
            socket.AF_INET6, "2001:db8::1") + socket.inet_pton(socket.AF_INET6, "::1") + udp
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + socket.inet_aton(
        sender) + socket.inet_aton("192.0.2.2") + udp


def pcap(link, frames, order="<", magic=0xa1b2c3d4, cut=0):
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for frame in frames:
        out += struct.pack(order + "IIII", 1700000001, 5, len(frame), len(frame)) + frame
    return out[:len(out) - cut]


def pcapng(link, frames, order="<"):
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(
            order + "I", len(body) + 12)
    out = block(0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1))
    out += block(1, struct.pack(order + "HHI", link, 0, 65535))
    for frame in frames:
        out += block(6, struct.pack(order + "IIIII", 0, 0x5f5e0, 0x1000000, len(frame),
                                    len(frame)) + frame + bytes(-len(frame) % 4) +
                     struct.pack(order + "HHIHH", 2, 4, 0, 0, 0))
    return out


ETHERNET = bytes(12) + b"\x08\x00"


def check_payload():
    path = write("v5.bin", v5(2, tail=b"xyz"))
    code, rows, refusals, other = decode(BINARY, path)
    expect(code == 1 and len(rows) == 2 and not other, "v5 with three octets too many")
    expect([r["offset"] for r in rows] == [24, 72], "offsets of v5 records")
    row = rows[1]
    expect(row["subscriber"] == {"kind": "ip", "key": "10.0.0.2"}, "subscriber")
    expect(row["peer"] == {"kind": "ip", "key": "192.0.2.9"}, "peer")
    expect(row["service"] == "data" and row["quantity_up"] == 1001, "octets")
    expect(row["start"] == "2023-11-14T22:12:20Z" and row["duration_ms"] == 10000, "times")
    expect(row["fields"]["dOctets"] == 1001 and row["fields"]["srcaddr"] == "10.0.0.2", "fields")
    expect(row["exporter"] is None and row["domain"] == 3 and row["sequence"] == 7, "message")
    expect(len(row["record_key"]) == 16, "record_key is 16 hex digits")
    expect(refusals[0]["reason"] == "BAD_LENGTH" and refusals[0]["offset"] == 120 and
           refusals[0]["length"] == 3 and refusals[0]["decoder"] == "netflow5", "refusal")
    code, rows, refusals, _ = decode(BINARY, write("v5bad.bin", v5(1, count=31)))
    expect(code == 1 and not rows and refusals[0]["reason"] == "BAD_COUNT" and
           refusals[0]["fault_offset"] == 2, "a count of 31")
    code, rows, refusals, _ = decode(BINARY, write("v5ok.bin", v5(30)))
    expect((code, len(rows), refusals) == (0, 30, []), "thirty records")


def check_captures():
    payload = v5(1)
    packet = ip_udp(payload)
    vlan = bytes(12) + b"\x81\x00\x00\x07\x08\x00"
    cooked = struct.pack("!HHHQH", 0, 1, 6, 0, 0x0800)
    cooked2 = struct.pack("!HHIHBBQ", 0x0800, 0, 1, 1, 0, 6, 0)
    cases = {"ethernet": (1, ETHERNET), "vlan": (1, vlan), "raw": (101, b""), "ipv4": (228, b""),
             "cooked": (113, cooked), "cooked2": (276, cooked2), "null": (0, b"\x02\0\0\0")}
    for name, (link, header) in cases.items():
        octets = pcap(link, [header + packet, header + packet])
        for kind, data in ((name, octets), (name + "_ng", pcapng(link, [header + packet] * 2)),
                           (name + "_be", pcap(link, [header + packet] * 2, ">")),
                           (name + "_ng_be", pcapng(link, [header + packet] * 2, ">"))):
            code, rows, refusals, other = decode(BINARY, write(kind + ".pcap", data))
            expect((code, len(rows), refusals, other) == (0, 2, [], []),
                   f"{kind}: {code} {len(rows)} {refusals} {other}")
            for row in rows:
                where = row["offset"] - 24
                expect(data[where:where + len(payload)] == payload, f"{kind}: offset of the row")
                expect(row["exporter"] == "192.0.2.1", f"{kind}: exporter")
            expect([r["frame"] for r in rows] == [1, 2], f"{kind}: frames")
    six = pcap(101, [ip_udp(payload, version=6)])
    _, rows, _, _ = decode(BINARY, write("six.pcap", six))
    expect(len(rows) == 1 and rows[0]["exporter"] == "2001:db8::1", "IPv6 exporter")
    other_port = pcap(1, [ETHERNET + packet, ETHERNET + ip_udp(payload, 9995),
                          bytes(12) + b"\x08\x06" + bytes(28)])
    path = write("ports.pcap", other_port)
    code, rows, _, other = decode(BINARY, "--port", 9995, "--stats", path)
    expect(code == 0 and len(rows) == 1 and rows[0]["frame"] == 2, "--port")
    expect('"other_port":1' in other[0] and '"frames_not_udp":1' in other[0], "stats of a capture")
    code, rows, refusals, _ = decode(BINARY, write("cut.pcap", pcap(1, [ETHERNET + packet] * 2,
                                                                   cut=10)))
    expect(code == 1 and len(rows) == 1 and refusals[0]["reason"] == "TRUNCATED" and
           refusals[0]["offset"] == 24 + 16 + 14 + len(packet), f"a cut capture: {refusals}")
    code, rows, refusals, _ = decode(BINARY, write("short.pcap", pcap(1, [(ETHERNET + packet)[:60]])))
    expect(code == 1 and not rows and refusals[0]["reason"] == "BAD_LENGTH" and
           refusals[0]["offset"] == 40, f"a frame captured in part: {refusals}")
    code, _, refusals, other = decode(BINARY, write("radio.pcap", pcap(127, [bytes(60)])))
    expect(code == 1 and "link type" in other[0], "a link type without IP is named")
    nobody = pcap(1, [ETHERNET + ip_udp(b"\x00\x07hello world")])
    code, _, refusals, _ = decode(BINARY, write("nobody.pcap", nobody))
    expect(code == 1 and refusals[0]["reason"] == "NO_DECODER" and refusals[0]["decoder"] is None
           and refusals[0]["offset"] == 24 + 16 + 42, "a datagram nobody reads")


def check_templates():
    template = write("template.bin", ipfix([TEMPLATE, OPTIONS]))
    data = write("data.bin", ipfix([(256, flow(700) + flow(800))], 0))
    early = write("early.bin", ipfix([(256, flow(500))], 5))
    code, rows, refusals, _ = decode(BINARY, template, data)
    expect((code, len(rows)) == (0, 2) and rows[0]["quantity_up"] == 700, "template, then data")
    expect([r["offset"] for r in rows] == [20, 44] and rows[0]["file"] == data, "place of records")
    code, rows, refusals, _ = decode(BINARY, early)
    expect(code == 1 and not rows and refusals[0]["reason"] == "NO_TEMPLATE" and
           refusals[0]["offset"] == 16 and refusals[0]["length"] == 28 and
           refusals[0]["file"] == early, f"data without a template: {refusals}")
    code, rows, refusals, _ = decode(BINARY, early, template, data)
    expect(code == 0 and [r["quantity_up"] for r in rows] == [700, 800, 500] and
           [r.get("late", False) for r in rows] == [False, False, True], "late data comes last")
    expect(rows[2]["file"] == early and rows[2]["offset"] == 20, "late data keeps its place")
    code, rows, _, other = decode(BINARY, "--stats", data, template, data)
    expect(code == 0 and len(rows) == 2 and '"late_again":2' in other[0],
           "a record that is sent again is printed once")
    code, rows, _, _ = decode(BINARY, template, data, data)
    expect(len(rows) == 4, "what came in time is printed each time")
    archive = ipfix([TEMPLATE]) + ipfix([(256, flow(1))]) + ipfix([(256, flow(2) + flow(3))], 1)
    code, rows, refusals, _ = decode(BINARY, write("archive.ipfix", archive))
    expect(code == 0 and [r["quantity_up"] for r in rows] == [1, 2, 3], "an IPFIX file")
    expect([archive[r["offset"] + 8:r["offset"] + 16][7] for r in rows] == [1, 2, 3],
           "offsets in an IPFIX file")
    plain = write("archive.bin", archive)
    code, rows, refusals, _ = decode(BINARY, plain)
    expect(code == 1 and not rows and refusals[0]["offset"] == 40,
           "a datagram carries one message")
    code, rows, _, _ = decode(BINARY, "--messages", plain)
    expect(code == 0 and len(rows) == 3, "--messages")
    code, rows, refusals, _ = decode(BINARY, write("cut.ipfix", archive[:-20]))
    expect(code == 1 and len(rows) == 1 and refusals[0]["offset"] == 100 and
           refusals[0]["reason"] == "TRUNCATED", f"an IPFIX file cut short: {rows} {refusals}")
    option = write("option.bin", ipfix([(257, struct.pack("!IQ", 9, 123456789))]))
    code, rows, _, _ = decode(BINARY, template, option)
    expect(code == 0 and rows[0]["service"] == "options" and rows[0]["quantity_up"] == 0,
           "options data is a row")
    expect(rows[0]["fields"]["exportedMessageTotalCount"] == 123456789, "its fields")
    code, rows, _, _ = decode(BINARY, "--no-options", template, option)
    expect((code, rows) == (0, []), "--no-options")
    late = write("late.pcap", pcap(1, [ETHERNET + ip_udp(ipfix([(256, flow(9))])),
                                       ETHERNET + ip_udp(ipfix([TEMPLATE]))]))
    code, rows, _, _ = decode(BINARY, late)
    expect(code == 0 and rows[0]["late"] and rows[0]["exporter"] == "192.0.2.1" and
           rows[0]["frame"] == 1 and rows[0]["offset"] == 24 + 16 + 42 + 20, "late in a capture")
    two = write("two.pcap", pcap(1, [ETHERNET + ip_udp(ipfix([TEMPLATE]), sender="192.0.2.7"),
                                     ETHERNET + ip_udp(ipfix([(256, flow(9))]))]))
    code, rows, refusals, _ = decode(BINARY, two)
    expect(code == 1 and not rows and refusals[0]["reason"] == "NO_TEMPLATE" and
           refusals[0]["exporter"] == "192.0.2.1", "templates are per exporter")


def check_lines():
    lines = ("id,caller,called,start,duration_s,cause\n"
             "a1,+491701234567,+4930123456,2026-10-01T10:00:00Z,61,0\n"
             "a2,bad-number-x,+4930123456,2026-10-01T10:00:00Z,61,0\n"
             "\"a3\",+491701234567,+43155555,2026-10-01T10:00:00Z,\"5\",0\n").encode()
    path = write("calls.csv", lines)
    code, rows, refusals, _ = decode(BINARY, path)
    expect(code == 1 and len(rows) == 2 and len(refusals) == 1, "CSV by its extension")
    expect(rows[0]["subscriber"] == {"kind": "e164", "key": "491701234567"}, "caller")
    expect(rows[0]["duration_ms"] == 61000 and rows[0]["service"] == "voice", "duration")
    expect([r["offset"] for r in rows] == [lines.index(b"a1"), lines.index(b'"a3"')],
           f"lines' offsets: {[r['offset'] for r in rows]}")
    expect([r["sequence"] for r in rows] == [2, 4], "line numbers")
    expect(refusals[0]["reason"] == "BAD_NUMBER" and refusals[0]["field"] == "caller" and
           refusals[0]["offset"] == lines.index(b"a2"), "a bad line")
    mapped = write("semi.txt", b"2026-10-01T10:00:00Z;491700000001;4930;7\n")
    code, rows, _, other = decode(BINARY, "--set", "header=no", "--set", "delimiter=;", "--set",
                                  "columns.start=1", "--set", "columns.caller=2", "--set",
                                  "columns.called=3", "--set", "columns.duration=4", mapped)
    expect(code == 0 and len(rows) == 1 and rows[0]["duration_ms"] == 7000, f"--set: {other}")
    table = write("semi.map", b"# comment\nheader=no\ndelimiter=;\ncolumns.start=1\n"
                  b"columns.caller=2\n\ncolumns.called=3\ncolumns.duration=4\n")
    code, rows, _, other = decode(BINARY, "--map", table, "--decoder", "csv", mapped)
    expect(code == 0 and len(rows) == 1, f"--map: {other}")
    big = b"id,caller,called,start,duration_s,cause\n" + b"".join(
        b"%d,+491701234567,+4930123456,2026-10-01T10:00:00Z,61,0\n" % i for i in range(60000))
    code, rows, _, _ = decode(BINARY, write("big.csv", big))
    expect(code == 0 and len(rows) == 60000, "a file of several chunks")
    expect(all(big[r["offset"]:].startswith(b"%d," % i)
               for i, r in list(enumerate(rows))[::7001]), "offsets over chunks")
    syslog = write("log.txt", b"<187>1 2026-10-01T10:00:00Z r1 bgpd - - - down\nrubbish\n")
    code, rows, refusals, _ = decode(BINARY, syslog)
    expect(code == 1 and not rows and refusals[0]["decoder"] == "syslog" and
           refusals[0]["offset"] == 47, f"syslog lines: {refusals}")
    code, rows, _, _ = decode(BINARY, "--all", syslog)
    expect(len(rows) == 1 and rows[0]["kind"] == "observation" and rows[0]["host"] == "r1" and
           rows[0]["text"] == "down", "observations with --all")


def check_radius():
    data = f"{SOURCE}/tests/golden/data"
    files = [f"{data}/radius_radclient_{n}.bin" for n in ("start", "interim", "stop")]
    code, rows, refusals, _ = decode(BINARY, *files)
    expect(code == 1 and len(refusals) == 3 and refusals[0]["decoder"] == "radius" and
           "secret" in refusals[0]["note"], "RADIUS without a secret")
    for key in ("secret.default", "radius.secret.default"):
        code, rows, refusals, _ = decode(BINARY, "--set", f"{key}=testing123", *files)
        expect(code == 0 and len(rows) == 2, f"two of three RADIUS packets are usage: {refusals}")
    expect(rows[0]["flags"] == ["cumulative", "partial"] and rows[0]["service"] == "access", "flags")
    code, rows, refusals, _ = decode(BINARY, "--set", "secret.default=wrong", *files)
    expect(code == 1 and {r["reason"] for r in refusals} == {"BAD_AUTHENTICATOR"}, "wrong secret")
    code, rows, _, _ = decode(BINARY, "--all", "--set", "secret.default=testing123", files[0])
    expect(code == 0 and {r["kind"] for r in rows} == {"session"} and
           rows[0]["event"] == "start", "sessions with --all")


def check_command_line():
    path = write("v5x.bin", v5(1))
    for arguments in ([], ["--frob", path], ["--decoder", "nosuch", path], ["--port", "0", path],
                      ["--port", "70000", path], ["--set", "novalue", path], ["--set"],
                      ["--arrival", "yesterday", path],
                      ["--decoder", "csv", "--set", "nosuch=1", path]):
        code, rows, _, other = decode(BINARY, *arguments)
        expect(code == 2 and not rows and other, f"usage: {arguments} gave {code}")
    code, rows, _, other = decode(BINARY, f"{FOLDER}/missing", path)
    expect(code == 1 and len(rows) == 1 and "missing" in other[0], "a missing file is named")
    code, rows, _, other = decode(BINARY, "--set", "frob=1", path)
    expect(code == 1 and len(rows) == 1 and "frob" in other[0], "an unknown setting is named")
    code, rows, refusals, other = decode(BINARY, write("empty", b""))
    expect((code, rows, refusals, other) == (0, [], [], []), "an empty file holds nothing")
    code, rows, _, _ = decode(BINARY, "--", path)
    expect(len(rows) == 1, "-- ends the options")


def check_pipes():
    for name in ("v5ok.bin", "ethernet_ng.pcap", "archive.bin"):
        with open(f"{FOLDER}/{name}", "rb") as file:
            octets = file.read()
        run = subprocess.run([BINARY, "decode", "--messages", "/dev/stdin"], input=octets,
                             capture_output=True, timeout=60, check=False)
        code, rows, _, _ = decode(BINARY, "--messages", f"{FOLDER}/{name}")
        expect(run.returncode == code and len(run.stdout.splitlines()) == len(rows) > 0,
               f"{name} through a pipe: {run.returncode} {run.stderr}")


def check_hostile():
    good = ipfix([TEMPLATE]) + ipfix([(256, flow(1))]) + ipfix([(256, flow(2))], 1)
    files = {"ipfix": good, "v5": v5(3), "ng": pcapng(1, [ETHERNET + ip_udp(v5(1))] * 2),
             "pcap": pcap(1, [ETHERNET + ip_udp(v5(1))] * 2)}
    for name, octets in files.items():
        for cut in range(1, len(octets), max(1, len(octets) // 40)):
            code, _, _, _ = decode(BINARY, write("hostile", octets[:cut]))
            expect(code in (0, 1), f"{name} cut at {cut}: exit {code}")
        for at in range(0, len(octets), max(1, len(octets) // 60)):
            flipped = bytearray(octets)
            flipped[at] ^= 0xff
            code, _, _, _ = decode(BINARY, write("hostile", bytes(flipped)))
            expect(code in (0, 1), f"{name} flipped at {at}: exit {code}")


check_payload()
check_captures()
check_templates()
check_lines()
check_radius()
check_command_line()
check_pipes()
check_hostile()
sys.exit(finish("decode, inputs made here"))
