# SPDX-License-Identifier: Apache-2.0
"""Real payloads: 51 contexts of another collector's test-suite (43 counts, 172 field values), an
IPFIX file, every payload as a capture against tshark's count, CDR files. If one of these fails we
bill some vendor's exporter otherwise than everybody else reads it."""
import glob
import json
import os
import re
import sys

from decode_help import decode, expect, finish

BINARY, DATA, SOURCE, FOLDER = sys.argv[1:5]
LOGSTASH = f"{DATA}/netflow/logstash-plugins_logstash-codec-netflow"
# That source's names where they are not the standard's.
ALIASES = {"fwd_flow_delta_bytes": "initiatoroctets", "rev_flow_delta_bytes": "responderoctets",
           "conn_id": "flowid", "nprobe_proto": "l7_proto", "ipv4_src_addr": "srcaddr",
           "ipv4_dst_addr": "dstaddr", "l4_src_port": "srcport", "l4_dst_port": "dstport",
           "src_tos": "tos"}


def application(text):
    """RFC 6759 4.1: engine, for engine 20 an enterprise number, selector; that source's form."""
    octets = bytes.fromhex(text)
    if octets[0] == 20 and len(octets) > 5:
        return f"20..{int.from_bytes(octets[1:5], 'big')}..{int.from_bytes(octets[5:], 'big')}"
    return f"{octets[0]}..{int.from_bytes(octets[1:], 'big')}"


def wanted(value):
    """JSON or Ruby text; that source's test computes the nanoseconds of one time."""
    value = value.replace("#{nanos}", "127768")
    return value[1:-1] if len(value) > 1 and value[0] in "\"'" else value


def header_of(row):
    """Version and set id, read back from the file at the offset the row names."""
    with open(row["file"], "rb") as file:
        octets = file.read()
    at = 20 if octets[1] == 9 else 16
    while octets[1] in (9, 10):
        length = int.from_bytes(octets[at + 2:at + 4], "big")
        if row["offset"] < at + length:
            return octets[1], int.from_bytes(octets[at:at + 2], "big")
        at += length
    return octets[1], None


def value_of(row, name):
    if name in ("version", "flowset_id"):
        return str(header_of(row)[name == "flowset_id"])
    fields = {key.lower(): value for key, value in row["fields"].items()}
    found = fields.get(name.lower(), fields.get(ALIASES.get(name)))
    if name == "application_id" and found is not None:
        found = application(found)
    return str(found)


def is_same(got, expected):
    """That source prints times as finely as its Ruby can."""
    return got == expected or (re.fullmatch(r".*T.*Z", expected) is not None and
                               len(got) > len(expected) and got.startswith(expected[:-1]))


def check_contexts():
    counts = checks = 0
    with open(f"{LOGSTASH}/logstash_expect.jsonl", encoding="utf-8") as lines:
        contexts = [json.loads(line) for line in lines]
    for context in contexts:
        name = context["context"]
        files = [f"{LOGSTASH}/{file}" for file in context["files"]]
        code, rows, refusals, other = decode(BINARY, *files)
        expect(not other, f"{name}: {other}")
        expect((code == 1) == bool(refusals), f"{name}: exit {code}, {len(refusals)} refusals")
        if isinstance(context.get("events"), int):
            counts += 1
            expect(len(rows) == context["events"], f"{name}: {len(rows)} of {context['events']}")
        for check in context.get("field_checks") or []:
            checks += 1
            field = check["field"].rsplit("[", 1)[1].rstrip("]")
            got = value_of(rows[check["event"]], field) if len(rows) > check["event"] else None
            expect(got is not None and is_same(got, wanted(check["value"])),
                   f"{name}: {field} is {got}, expected {check['value']}")
        if "invalid" in name:
            expect(code == 1 and not rows and refusals[0]["reason"] == "BAD_COUNT" and
                   refusals[0]["offset"] in (0, 140), f"{name}: {refusals}")
    expect((len(contexts), counts, checks) == (51, 43, 172),
           f"{len(contexts)} contexts, {counts} counts, {checks} checks")


def captures_expected():
    """The table of the golden test: what tshark finds and what we do, with the reasons."""
    with open(f"{SOURCE}/tests/golden/flow_wrapped.c", encoding="utf-8") as file:
        return {name: int(ours) for name, ours in
                re.findall(r'\{"([^"]+)", \d+, (\d+)\}', file.read())}


def check_captures():
    expected = captures_expected()
    seen = 0
    for path in sorted(glob.glob(f"{DATA}/wrapped/*.pcap")):
        name = os.path.basename(path)[:-5]
        code, rows, refusals, _ = decode(BINARY, path)
        if name not in expected:
            continue
        seen += 1
        in_time = [row for row in rows if not row.get("late")]
        expect(len(in_time) == expected[name], f"{name}: {len(in_time)} of {expected[name]}")
        expect((code == 1) == bool(refusals), f"{name}: exit {code}")
        if "invalid" in name:
            expect(code == 1 and not rows and refusals[0]["offset"] >= 82, f"{name}: {refusals}")
    expect(seen == len(expected) and seen > 50, f"{seen} captures of {len(expected)}")


def check_files():
    path = f"{DATA}/netflow/CESNET_ipfixcol2/example_flows.ipfix"
    code, rows, refusals, _ = decode(BINARY, path)
    expect((code, len(rows), refusals) == (0, 3979, []), f"CESNET: {len(rows)}")
    with open(path, "rb") as file:
        octets = file.read()
    offsets = [row["offset"] for row in rows]
    expect(offsets == sorted(set(offsets)) and offsets[-1] < len(octets), "CESNET offsets ascend")
    for row in rows[::37]:
        address = row["fields"].get("sourceIPv4Address")
        found = address is None or bytes(map(int, address.split("."))) in octets[
            row["offset"]:row["offset"] + 200]
        expect(found, f"CESNET: {address} is not at {row['offset']}")
    calls = f"{DATA}/cdr/cdr-stats_cdr-stats/cdrimport/CDRImport-2015-10-26.csv"
    code, rows, _, other = decode(BINARY, "--map", f"{SOURCE}/schemas/csv/cdr_stats_import.map",
                                  calls)
    with open(calls, encoding="utf-8") as file:
        lines = sum(1 for line in file if line.strip()) - 1
    expect(code == 0 and len(rows) == lines and not other, f"CDR: {len(rows)} of {lines}, {other}")
    for name in glob.glob(f"{DATA}/netflow/secdev_scapy/*.pcap"):
        code, rows, refusals, _ = decode(BINARY, name)
        expect(len(rows) > 0, f"{name}: {len(rows)} rows, {refusals[:1]}")


check_contexts()
check_captures()
check_files()
sys.exit(finish("decode, real payloads"))
