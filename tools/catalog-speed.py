# SPDX-License-Identifier: Apache-2.0
"""The work of tools/catalog-speed: writes the sheets, times imports, checks look-ups."""
import json
import os
import random
import resource
import subprocess
import sys
import time

HEAD = """catalog: {{version: {version}, valid_from: 2026-0{version}-01, currency: EUR}}
decks:
  az: {{file: az.csv, buy: supplier, rates: {{unit: second, per: 60}}}}
  supplier: {{file: supplier.csv, rates: {{unit: second, per: 60}}}}
plans: {{retail: {{voice: {{deck: az}}}}}}
products: {{p: {{plan: retail}}}}
"""


def prefixes_make(count):
    """Country codes of two and three digits and what lies below them, 4 to 10 digits."""
    dice = random.Random(7)
    countries = [str(code) for code in range(20, 99)] + [str(code) for code in range(200, 999)]
    found = set()
    while len(found) < count:
        found.add(dice.choice(countries) +
                  "".join(dice.choice("0123456789") for _ in range(dice.randint(2, 7))))
    found = sorted(found)
    dice.shuffle(found)
    return found


def price_of(prefix, version):
    """A price a zone, in 10^-4; one zone of 4000 changes by more than half in version 2."""
    zone = int(prefix[:4]) % 4000
    return 100 + zone % 900 + (400 if version == 2 and zone == 77 else 0)


def sheets_write(folder, prefixes, version):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "c.yaml"), "w", encoding="ascii") as out:
        out.write(HEAD.format(version=version))
    with open(os.path.join(folder, "az.csv"), "w", encoding="ascii") as out:
        out.write("prefix,zone,price,connect,first,next\n")
        for prefix in prefixes:
            price = price_of(prefix, version)
            out.write(f"{prefix},Zone {int(prefix[:4]) % 4000},0.{price:04},0,60,1\n")
    with open(os.path.join(folder, "supplier.csv"), "w", encoding="ascii") as out:
        out.write("prefix,zone,price,first,next\n")
        for prefix in sorted({prefix[:4] for prefix in prefixes}):
            # Thousands of prefixes in a few zones are sold below what they cost.
            over = 30 if int(prefix) % 4000 < 20 else -20
            out.write(f"{prefix},Zone {prefix},0.{price_of(prefix, 1) + over:04},60,1\n")
    with open(os.path.join(folder, "accounts.csv"), "w", encoding="ascii") as out:
        out.write("id\na\n")
    with open(os.path.join(folder, "subscribers.csv"), "w", encoding="ascii") as out:
        out.write("id,account,product,msisdn\ns,a,p,4915112345678\n")


def spent():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def import_time(binary, folder, data):
    cpu = spent()
    start = time.monotonic()
    done = subprocess.run([binary, "catalog", "import", "--json", "--catalog", folder, "--data",
                           data], capture_output=True, text=True, check=False)
    wall = time.monotonic() - start
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    return wall, spent() - cpu, json.loads(done.stdout)


def lookups_check(binary, folder, prefixes, version):
    """Numbers quoted through the public path against the longest of all their beginnings."""
    known = set(prefixes)
    dice = random.Random(11)
    rows = []
    wanted = []
    for i in range(2000):
        stem = dice.choice(prefixes) if i % 2 else str(dice.randrange(20, 999))
        number = (stem + str(dice.randrange(10 ** 9, 10 ** 10)))[:12]
        best = next((number[:n] for n in range(12, 0, -1) if number[:n] in known), None)
        wanted.append(price_of(best, version) if best else None)
        rows.append(json.dumps({"subscriber": "4915112345678", "service": "voice", "peer": number,
                                "start": "2026-06-01T10:00:00Z", "duration_s": 60}) + "\n")
    done = subprocess.run([binary, "quote", "--catalog", folder, "--fresh"], input="".join(rows),
                          capture_output=True, text=True, check=False)
    wrong = 0
    for line, price in zip(done.stdout.splitlines(), wanted):
        answer = json.loads(line)
        got = answer.get("amount")
        wrong += (round(float(got) * 10000) if got else None) != price
    return len(done.stdout.splitlines()), wrong


def main():
    binary, count, rounds, work = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    prefixes = prefixes_make(count)
    folders = [os.path.join(work, f"v{version}") for version in (1, 2)]
    for version, folder in enumerate(folders, 1):
        sheets_write(folder, prefixes, version)
    walls = ([], [])
    for turn in range(rounds):
        data = os.path.join(work, f"data{turn}")
        for version, folder in enumerate(folders):
            wall, cpu, said = import_time(binary, folder, data)
            walls[version].append((wall, cpu))
            codes = {}
            for entry in said["diagnostics"]:
                codes[entry.get("code")] = codes.get(entry.get("code"), 0) + 1
            print(f"round {turn + 1} version {version + 1}: {said['prefixes']} prefixes, "
                  f"{said['zones']} zones, {said['image_bytes'] >> 20} MiB, "
                  f"{said['warnings']} warnings {codes}, {wall:.2f} s wall, {cpu:.2f} s CPU")
        subprocess.run(["rm", "-rf", data], check=True)
    for version in (0, 1):
        best = min(walls[version])
        print(f"best of {rounds}, version {version + 1}: {best[0]:.2f} s wall, "
              f"{min(cpu for _, cpu in walls[version]):.2f} s CPU")
    asked, wrong = lookups_check(binary, folders[1], prefixes, 2)
    print(f"{asked} numbers quoted, {wrong} wrong")
    return 1 if wrong or asked != 2000 else 0


if __name__ == "__main__":
    sys.exit(main())
