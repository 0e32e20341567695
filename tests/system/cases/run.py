# SPDX-License-Identifier: Apache-2.0
"""Run every case of shared/cases and print a table a file: pass, differs by choice, fail.

A case may differ only where its translator names the reason, and it must really differ: a stated
choice whose answer is the expected one is reported, so that no reason outlives its cause.
"""
import json
import os
import sys
import tempfile
from decimal import Decimal, InvalidOperation

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cgrates  # noqa: E402
import lago  # noqa: E402
import openrate  # noqa: E402
from bills import Bills  # noqa: E402
from folder import Folder  # noqa: E402

FILES = ["lago_charge_models", "openrate", "cgrates", "prefix_libphonenumber"]


def prefix(folder, case, decks):
    table = case["inputs"]["table"]
    key = json.dumps(table, sort_keys=True)
    if key not in decks:
        names = {value: f"z{i}" for i, value in enumerate(sorted(set(table.values())))}
        price = folder.price(unit="second", price="1")
        number = folder.subscriber({"voice": {
            "deck": folder.deck({digits: names[value] for digits, value in table.items()}),
            "price": price}})
        decks[key] = (number, {zone: value for value, zone in names.items()})
    number, values = decks[key]
    row = folder.row(number, "voice", "2026-03-02T10:00:00Z", peer=case["inputs"]["number"],
                     duration_s=1)

    def answer():
        got = folder.answer(row)
        if got["fate"] != "rated" and got.get("reason") != "NO_RATE":
            return got
        return {"value": values.get(got["zone"])}
    case["expected"] = {"answer": case["expected"]}
    return answer


def same(got, wanted, tolerance):
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(same(got.get(k), v, tolerance)
                                             for k, v in wanted.items())
    if got is None or wanted is None or isinstance(wanted, (bool, list)):
        return got == wanted
    try:
        return abs(Decimal(str(got)) - Decimal(str(wanted))) <= tolerance
    except InvalidOperation:
        return got == wanted


def wanted_of(expected):
    """What is compared, how exactly, and the source's own rounding before it compares."""
    for key in ("answer", "amount", "cost", "units", "factor"):
        if key in expected:
            tolerance = Decimal(expected.get("tolerance", "0"))
            rounding = expected.get("amount_rounding")
            if rounding is not None:
                tolerance = Decimal(10) ** -rounding["decimals"]
                tolerance = tolerance / 2 if rounding["mode"] == "half_up" else tolerance
            return expected[key], tolerance
    raise KeyError(str(expected))


def main():
    tollgate, shared = sys.argv[1], sys.argv[2]
    folders = {"lago_charge_models": Folder("lago", "2026-01-01"),
               "openrate": Folder("openrate", "2009-06-01"),
               "cgrates": Folder("cgrates", "2012-01-01"),
               "prefix_libphonenumber": Folder("prefix", "2026-01-01")}
    bills = Bills()
    decks = {}
    asked = []
    for name in FILES:
        with open(os.path.join(shared, "cases", name + ".jsonl"), encoding="utf-8") as lines:
            for line in lines:
                case = json.loads(line)
                folder = folders[name]
                if name == "lago_charge_models":
                    answer, choice = lago.add(folder, bills, case)
                elif name == "openrate":
                    answer, choice = openrate.add(folder, bills, case)
                elif name == "cgrates":
                    answer, choice = cgrates.add(folder, shared, case)
                else:
                    answer, choice = prefix(folder, case, decks), None
                asked.append((name, case, answer, choice))
    with tempfile.TemporaryDirectory() as root:
        for folder in folders.values():
            folder.run(tollgate, root)
        bills.run(tollgate, root)
        kept = {folder.name: folder.keep(tollgate, root) for folder in folders.values()}
    table = {name: {"pass": 0, "differs-by-choice": 0, "fail": 0} for name in FILES}
    reasons = {}
    stale = 0
    for name, case, answer, choice in asked:
        wanted, tolerance = wanted_of(case["expected"])
        try:
            got = answer()
        except (KeyError, IndexError, TypeError) as wrong:
            got = f"no answer ({wrong!r})"
        if same(got, wanted, tolerance):
            table[name]["pass"] += 1
            if choice is not None:
                stale += 1
                print(f"no difference: {case['id']} answers {got}, yet a choice is stated")
        elif choice is not None:
            table[name]["differs-by-choice"] += 1
            reasons.setdefault(choice, []).append((case["id"], got, wanted))
        else:
            table[name]["fail"] += 1
            print(f"FAIL {case['id']} ({case['model']}): {got}, expected {wanted}")
    lines = [f"{'file':<24}{'cases':>6}{'pass':>6}{'differs-by-choice':>19}{'fail':>6}"]
    lines += [f"{name:<24}{sum(row.values()):>6}{row['pass']:>6}{row['differs-by-choice']:>19}"
              f"{row['fail']:>6}" for name, row in table.items()]
    print("\n".join(lines))
    for reason, cases in reasons.items():
        print(f"differs: {reason}")
        for case_id, got, wanted in cases:
            print(f"    {case_id}: {got}, there {wanted}")
    failed = sum(row["fail"] for row in table.values())
    print(f"the same rows as a journal, rated again (selected, changed, refused): {kept}")
    for name, counts in kept.items():
        if counts is None or counts[0] == 0 or counts[1:] != (0, 0):
            failed += 1
            print(f"FAIL {name}: rerate with the same catalog changes something, or audit fails")
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "README.md"),
              encoding="utf-8") as readme:
        text = readme.read()
    for line in lines + [case_id for cases in reasons.values() for case_id, _, _ in cases]:
        if line not in text:
            failed += 1
            print(f"README.md beside this runner does not say: {line}")
    return 1 if failed + stale > 0 or len(asked) == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
