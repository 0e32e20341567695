# SPDX-License-Identifier: Apache-2.0
"""Calls of several records through `tollgate quote`, amounts worked by hand."""
import json
import os
import subprocess
import sys
import tempfile
from fractions import Fraction

TOLLGATE = sys.argv[1]
FAILED = []

# What the price says; records as (second, seconds, peer, partial); amounts.
CASES = {
    "fee, calls in turns": (
        'price: "1", connect: "10"',
        [(0, 1, "491", True), (1, 1, "492", True), (2, 1, "491", False), (3, 1, "492", False)],
        ["11.00", "11.00", "1.00", "1.00"]),
    "fee, nothing used at first": (
        'price: "1", connect: "10"', [(0, 0, "491", True), (1, 1, "491", False)],
        ["0.00", "11.00"]),
    "fee, out of order": (
        'price: "1", connect: "10"',
        [(1, 1, "491", True), (2, 1, "491", False), (0, 1, "491", True), (9, 1, "491", False)],
        ["11.00", "1.00", "1.00", "11.00"]),
    "min": (
        'price: "1", min: "40"', [(0, 30, "491", True), (30, 30, "491", False)],
        ["40.00", "20.00"]),
    "max": (
        'price: "1", max: "40"', [(0, 30, "491", True), (30, 30, "491", False)],
        ["30.00", "10.00"]),
    "first": (
        'price: "1", first: 60, next: 60', [(0, 30, "491", True), (30, 31, "491", False)],
        ["60.00", "60.00"]),
    "grace": (
        'price: "1", grace: 20', [(0, 15, "491", True), (15, 15, "491", False)],
        ["0.00", "30.00"]),
    "included": (
        'price: "1", included: 30', [(0, 30, "491", True), (30, 30, "491", False)],
        ["0.00", "30.00"]),
    "included off what was billed": (
        'price: "1", included: 60, first: 60, next: 6', [(0, 70, "491", False)], ["12.00"]),
    "included off what was used": (
        'price: "1", included: 60, included_off: used, first: 60, next: 6',
        [(0, 70, "491", False), (100, 30, "492", True), (130, 40, "492", False)],
        ["60.00", "0.00", "60.00"]),
    "tiers of the call": (
        'tariff: graduated, counter: record, tiers: [{up_to: 30, price: "1"}, {price: "0.1"}]',
        [(0, 30, "491", True), (30, 30, "491", False)], ["30.00", "3.00"]),
    "units of each record": (
        'price: "1"', [(0, 0.4, "491", True), (0.4, 0.4, "491", True), (0.8, 0.4, "491", False)],
        ["1.00", "1.00", "1.00"]),
    "units of the call": (
        'price: "1", units_of: call',
        [(0, 0.4, "491", True), (0.4, 0.4, "491", True), (0.8, 0.4, "491", False)],
        ["1.00", "0.00", "1.00"]),
    "cents of the call": (
        'price: "0.10", per: 60, decimals: 2, rounding: half_up',
        [(0, 2, "491", True), (2, 2, "491", True), (4, 2, "491", False)],
        ["0.00", "0.01", "0.00"]),
    "tiers across records": (
        'tariff: graduated, tiers: [{up_to: 30, price: "1", per: 7}, '
        '{price: "0.1", per: 9, flat: "0.5"}], connect: "10"',
        [(0, 20, "491", True), (20, 20, "491", True), (40, 20, "491", False)],
        ["12.85714286", "2.03968254", "0.22222222"]),
}
PLANS = "plans: {pl: {voice: {price: p}}}\nproducts: {prod: {plan: pl}}\n"
# Calls over a change of band at 10:01, by how the plan splits.
BANDS = [(0, 40, "491", True), (40, 30, "491", True), (70, 10, "491", False)]
SPLITS = {
    "end": ["40.00", "-33.00", "1.00"],
    "start": ["40.00", "30.00", "10.00"],
    "consecutive": ["40.00", "21.00", "1.00"],
    "isolated": ["40.00", "21.00", "1.00"],
}
# More calls over that change: the price of the first band needs no memory of a call, that of the second does;
# each band is rounded by itself, however many records it comes in.
ACROSS = {
    "a band without memory": (
        '{p: {unit: second, price: "1"}, q: {unit: second, price: "0.1", first: 60}}',
        [(30, 30, "491", True), (60, 20, "491", True), (80, 20, "491", False)], ["30.00", "2.00", "2.00"]),
    "segments rounded": (
        '{p: {unit: second, price: "0.0134", decimals: 2, rounding_of: segment}, '
        'q: {unit: second, price: "0.0134", decimals: 2, rounding_of: segment}}',
        [(55, 5, "491", True), (60, 10, "491", True), (70, 5, "491", False)], ["0.07", "0.13", "0.07"]),
}
BAND_PLANS = """time_models:
  day: {default: a, zone: UTC, bands: [{band: b, from: "10:01", to: "12:00"}]}
plans: {pl: {voice: {time_model: day, split: %s, prices: {"*": {a: p, b: q}}}}}
products: {prod: {plan: pl}}
"""


def part_exact(part):
    """What a part is by its own numbers."""
    if part["kind"] == "free":
        return Fraction(0)
    sign = -1 if part["kind"] == "taken_off" else 1
    counted = part.get("counted", part.get("units", 0))
    return (sign * Fraction(part["step_price"]) * counted / part["per"]
            + Fraction(part.get("flat", "0")))


def explained(answer, has_parts):
    """Do the pieces sum to the amount, and the parts of each piece to the piece?"""
    scale = Fraction(1, 10 ** 8)
    total = sum(Fraction(answer.get(key, "0"))
                for key in ("connect_fee", "limit_change", "rounding_change"))
    for piece in answer["breakdown"]:
        total += Fraction(piece["amount"])
        exact = Fraction(piece["amount"]) + scale * Fraction(piece.get("remainder", 0),
                                                             piece.get("denominator", 1))
        if has_parts and "parts" not in piece:
            return False
        if "parts" in piece and sum(map(part_exact, piece["parts"])) != exact:
            return False
    return total == Fraction(answer["amount"])


def case_run(folder, name, prices, plans, records, wanted):
    """Quote the records as they arrive, and compare."""
    with open(os.path.join(folder, "c.yaml"), "w", encoding="utf-8") as out:
        out.write('catalog: {version: 1, valid_from: "2020-01-01", currency: EUR}\n'
                  f"prices: {prices}\n{plans}")
    usage = ""
    for second, seconds, peer, partial in records:
        row = {"subscriber": "+491500001", "service": "voice",
               "start": f"2026-03-02T10:{int(second) // 60:02d}:{int(second) % 60:02d}"
                        f".{round(second % 1 * 1000):03d}Z",
               "duration_ms": round(seconds * 1000), "peer": "+" + peer}
        if partial:
            row["flags"] = ["partial"]
        usage += json.dumps(row) + "\n"
    done = subprocess.run([TOLLGATE, "quote", "--order", "arrival", "--catalog", folder],
                          input=usage, capture_output=True, text=True, check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    got = [answer.get("amount") for answer in answers]
    # A call that moves into another band as a whole is told as the difference it makes.
    if not all(explained(answer, name != "split end") for answer in answers):
        FAILED.append(name + ", told")
        print(f"{name}: parts do not make the amounts:\n{done.stdout}")
    if done.returncode != 0 or got != wanted:
        FAILED.append(name)
        print(f"{name}: {got}, not {wanted}\n{done.stderr}")


def main():
    """Run all."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("accounts.csv", "id\nA1\n"),
                              ("subscribers.csv", "id,account,product,msisdn\n"
                                                  "S1,A1,prod,491500001\n")):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
                out.write(content)
        for name, (price, records, wanted) in CASES.items():
            case_run(folder, name, "{p: {unit: second, %s}}" % price, PLANS, records, wanted)
        for split, wanted in SPLITS.items():
            case_run(folder, "split " + split, '{p: {unit: second, price: "1", min: "0"}, '
                     'q: {unit: second, price: "0.1", min: "0"}}', BAND_PLANS % split, BANDS, wanted)
        for name, (prices, records, wanted) in ACROSS.items():
            case_run(folder, name, prices, BAND_PLANS % "consecutive", records, wanted)
    count = len(CASES) + len(SPLITS) + len(ACROSS)
    print(f"calls: {count - len(FAILED)} of {count} cases as worked by hand")
    sys.exit(1 if FAILED else 0)


main()
