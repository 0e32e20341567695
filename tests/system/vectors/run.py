# SPDX-License-Identifier: Apache-2.0
"""Run the table of vectors, print it, and compare it with README.md beside this runner."""
import importlib.util
import os
import sys
import tempfile
from decimal import Decimal

HERE = os.path.dirname(os.path.abspath(__file__))
BANDS = os.path.join(HERE, "..", "bands", "run.py")
sys.path.insert(0, os.path.join(HERE, "..", "suites"))
sys.path.insert(0, HERE)

import table  # noqa: E402
from world import call  # noqa: E402


def matrix(cases):
    """4.16 (3): both changes of summer time x split modes x owners, wanted by the bands' oracle."""
    argv, sys.argv = sys.argv, [BANDS, "", cases]
    spec = importlib.util.spec_from_file_location("bands", BANDS)
    bands = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bands)
    sys.argv = argv
    for change, start in (("back", "2026-10-25T00:30:25Z"), ("forth", "2026-03-29T00:30:25Z")):
        for mode in bands.MODES:
            for owner in bands.OWNERS:
                plan, prices = table.bands(split=mode, increment_owner=owner)
                for band, (first, following) in bands.INCREMENTS.items():
                    prices[band].update(first=first, next=following)
                begin = bands.datetime.datetime.fromisoformat(start.replace("Z", "+00:00"))
                # No increment ends at the boundary, nor at the end of the call.
                wanted = bands.oracle((3, 24), begin, 7206, mode, owner)
                table.quoted("4.16", f"hour {change}, {mode}, {owner}", plan,
                             [call(7206, start=start)], [{"pieces": wanted}], prices=prices,
                             time_models=table.model("03:00", "24:00"))


def told_quote(answer):
    told = dict(answer)
    told["pieces"] = [[piece["price"], piece["units"]] for piece in answer.get("breakdown", [])]
    return told


def told_bill(document):
    net = document["taxExcludedAmount"]["value"]
    lines = document["x_line"]
    return {"net": net, "tax": document["taxIncludedAmount"]["value"] - net, "lines": len(lines),
            "exact": lines[0]["x_exactAmount"],
            "line_tax": sum(Decimal(line.get("x_taxAmount", "0")) for line in lines),
            "from": document["billingPeriod"]["startDateTime"][:10],
            "to": document["billingPeriod"]["endDateTime"][:10]}


def same(got, wanted):
    if isinstance(wanted, str) and got is not None and wanted.replace(".", "").strip("-").isdigit():
        return Decimal(str(got)) == Decimal(wanted)
    return got == wanted


def text_of(keys):
    def one(value):
        if isinstance(value, list):
            return " + ".join(f"{band} {units}" for band, units in value)
        return str(value)
    return ", ".join(f"{key} {one(value)}" for key, value in keys.items())


def answers_of(tollgate, root, scenario, which, cache):
    key = id(scenario), which if isinstance(which, str) else None
    if key not in cache:
        folder = os.path.join(root, str(len(cache)))
        scenario.write(folder)
        cache[key] = scenario.bill(tollgate, folder, which)[0] if isinstance(which, str) else \
            scenario.quote(tollgate, folder)[0]
    return cache[key]


def main():
    tollgate, source = sys.argv[1], sys.argv[2]
    matrix(os.path.join(source, "tests", "system", "cases"))
    lines = []
    failures = 0
    cache = {}
    with tempfile.TemporaryDirectory() as root:
        for section, what, scenario, which, wanted in table.VECTORS:
            answers = answers_of(tollgate, root, scenario, which, cache)
            try:
                told = told_bill(answers["A1"]) if isinstance(which, str) else \
                    told_quote(answers[which])
            except (KeyError, IndexError) as wrong:
                told = {"error": repr(wrong)}
            got = {key: told.get(key) for key in wanted}
            good = all(same(got[key], value) for key, value in wanted.items())
            failures += 0 if good else 1
            by = "bill" if isinstance(which, str) else "quote"
            lines.append(f"| {section} | {what} | {by} | {text_of(wanted)} |")
            if not good:
                print(f"FAIL {section} {what}: {text_of(got)}, not {text_of(wanted)} ({told})"[:600])
    lines.append(f"{len(table.VECTORS)} vectors, through quote or bill.")
    print("\n".join(lines))
    print(f"{failures} failures")
    with open(os.path.join(HERE, "README.md"), encoding="utf-8") as readme:
        text = readme.read()
    for line in lines:
        if line not in text:
            failures += 1
            print(f"README.md beside this runner does not say: {line}")
    return 1 if failures > 0 else 0


if __name__ == "__main__":
    sys.exit(main())
