# SPDX-License-Identifier: Apache-2.0
"""Run every scenario through `quote`, and those with invoices through `bill run` from files."""
import collections
import os
import sys
import tempfile
from decimal import Decimal

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from odd import ODD  # noqa: E402
from scenarios import ALL  # noqa: E402
from world import differences  # noqa: E402


def bill_differences(tollgate, scenario, folder):
    found = []
    for period, account, net, *total in scenario.bills:
        documents, errors = scenario.bill(tollgate, folder, period)
        if account not in documents:
            found.append(f"no bill of {account}: {errors[:200]}")
            continue
        for key, value in zip(("taxExcludedAmount", "taxIncludedAmount"), (net, *total)):
            got = documents[account][key]["value"]
            if Decimal(got) != Decimal(value):
                found.append(f"{key} {got}, not {value}")
    return found


def main():
    tollgate = sys.argv[1]
    counts = collections.Counter()
    failures = 0
    with tempfile.TemporaryDirectory() as root:
        for number, scenario in enumerate(ALL + ODD):
            folder = os.path.join(root, str(number))
            scenario.write(folder)
            found = []
            if scenario.rows:
                answers, errors = scenario.quote(tollgate, folder)
                if len(answers) != len(scenario.rows) or len(scenario.wanted) != len(answers):
                    found.append(f"{len(answers)} answers: {errors[:400]}")
                for i, (answer, wanted) in enumerate(zip(answers, scenario.wanted)):
                    found += [f"row {i}: {text} ({answer.get('reason', answer.get('error'))})"
                              for text in differences(answer, wanted)]
            found += bill_differences(tollgate, scenario, folder)
            counts[scenario.system] += 1
            if found:
                failures += 1
                print(f"FAIL {scenario.system}: {scenario.what}")
                print("\n".join("    " + text for text in found))
    print(" ".join(f"{system} {count}" for system, count in counts.items()))
    print(f"{len(ALL)} scenarios of other systems' suites and {len(ODD)} odd ones, "
          f"{len(ALL) + len(ODD) - failures} as they expect")
    return 1 if failures > 0 or len(ALL) < 40 or len(ODD) < 90 else 0


if __name__ == "__main__":
    sys.exit(main())
