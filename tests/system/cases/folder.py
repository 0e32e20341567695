# SPDX-License-Identifier: Apache-2.0
"""A catalog folder under construction, and the rows to quote with it.

Every case gets subscribers of its own, so that many cases share one catalog and one run without
sharing a counter.
"""
import csv
import json
import os
import subprocess
from decimal import Decimal


def money(value):
    """Exact decimal text, without exponent."""
    return format(Decimal(str(value)), "f")


class Folder:
    def __init__(self, name, valid_from):
        self.name = name
        self.valid_from = valid_from
        self.prices = {}
        self.decks = {}
        self.deck_files = {}
        self.models = {}
        self.plans = {}
        self.allowances = {}
        self.counters = {}
        self.causes = {}
        self.spend_limits = {}
        self.products = {}
        self.networks = {}
        self.subscribers = []
        self.accounts = {"x": ""}  # id -> zone
        self.rows = []
        self.answers = {}
        self.count = 0

    def fresh(self, stem):
        self.count += 1
        return f"{stem}{self.count}"

    def price(self, **keys):
        name = self.fresh("p")
        self.prices[name] = keys
        return name

    def deck(self, prefixes):
        """prefixes: digits -> zone."""
        name = self.fresh("d")
        self.decks[name] = {"prefixes": prefixes}
        return name

    def dated_deck(self, rows):
        """rows: (prefix, zone, from, to)."""
        name = self.fresh("d")
        self.decks[name] = {"file": f"decks/{name}.csv"}
        self.deck_files[name] = rows
        return name

    def model(self, default, bands, holidays=None, zone="UTC"):
        name = self.fresh("t")
        self.models[name] = {"zone": zone, "default": default, "bands": bands}
        if holidays:
            self.models[name]["holidays"] = holidays
        return name

    def allowance(self, **keys):
        name = self.fresh("a")
        self.allowances[name] = keys
        return name

    def subscriber(self, services, account="x", since="2000-01-01"):
        """A plan, its product and someone who has it; services None: a product without a plan."""
        name = self.fresh("s")
        product = {"fee": "0"}
        if services is not None:
            self.plans["plan_" + name] = services
            product["plan"] = "plan_" + name
        self.products["product_" + name] = product
        number = 49150000000000 + self.count
        self.subscribers.append((name, account, "product_" + name, number, since))
        return str(number)

    def row(self, number, service, start, **keys):
        line = {"id": f"r{len(self.rows)}", "subscriber": number, "service": service,
                "start": start}
        line.update(keys)
        self.rows.append(line)
        return line["id"]

    def write(self, root):
        folder = os.path.join(root, self.name)
        os.makedirs(os.path.join(folder, "decks"))
        zones = sorted({zone for zone in self.accounts.values() if zone})
        document = {"catalog": {"version": 1, "valid_from": self.valid_from, "currency": "EUR",
                                **({"account_zones": zones} if zones else {})},
                    "prices": self.prices, "decks": self.decks, "time_models": self.models,
                    "plans": self.plans, "allowances": self.allowances,
                    "counters": self.counters, "causes": self.causes,
                    "spend_limits": self.spend_limits,
                    "products": self.products, "networks": self.networks}
        with open(os.path.join(folder, "catalog.yaml"), "w", encoding="ascii") as out:
            for key, value in document.items():
                if value:
                    # JSON is YAML; one entry a line keeps line numbers in complaints useful.
                    if key == "catalog":
                        out.write("catalog: " + json.dumps(value) + "\n")
                        continue
                    out.write(f"{key}:\n")
                    for name, entry in value.items():
                        out.write(f"  {name}: {json.dumps(entry)}\n")
        for name, rows in self.deck_files.items():
            with open(os.path.join(folder, "decks", name + ".csv"), "w", encoding="ascii") as out:
                writer = csv.writer(out)
                writer.writerow(["prefix", "zone", "valid_from", "valid_to"])
                writer.writerows(rows)
        with open(os.path.join(folder, "accounts.csv"), "w", encoding="ascii") as out:
            out.write("id,name,currency" + (",zone" if zones else "") + "\n")
            for account, zone in self.accounts.items():
                out.write(f"{account},{account.upper()},EUR" + (f",{zone}" if zones else "") + "\n")
        with open(os.path.join(folder, "subscribers.csv"), "w", encoding="ascii") as out:
            out.write("id,account,product,msisdn,active_from,active_to\n")
            for name, account, product, number, since in self.subscribers:
                out.write(f"{name},{account},{product},{number},{since},\n")
        return folder

    def run(self, tollgate, root, *options):
        folder = self.write(root)
        done = subprocess.run([tollgate, "quote", "--catalog", folder, *options], text=True,
                              input="".join(json.dumps(row) + "\n" for row in self.rows),
                              capture_output=True, check=False)
        for line in done.stdout.splitlines():
            answer = json.loads(line)
            self.answers[answer.get("id", "?")] = answer
        errors = [line for line in done.stderr.splitlines() if "error" in line]
        if errors or len(self.answers) != len(self.rows):
            print("\n".join(errors[:20] or done.stderr.splitlines()[:20]))

    def keep(self, tollgate, root):
        """Rows selected by a rerate of the journal, and how many changed: with the same catalog, none.

        None when the journal does not balance.
        """
        folder = os.path.join(root, self.name)
        data = folder + "-data"
        lines = "".join(json.dumps(row) + "\n" for row in self.rows)
        subprocess.run([tollgate, "quote", "--catalog", folder, "--data", data], text=True,
                       input=lines, capture_output=True, check=False)
        audit = subprocess.run([tollgate, "audit", "--data", data], capture_output=True,
                               check=False)
        done = subprocess.run([tollgate, "rerate", "--data", data, "--json"], text=True,
                              capture_output=True, check=False)
        if audit.returncode != 0 or not done.stdout:
            print(audit.stdout, done.stderr)
            return None
        report = json.loads(done.stdout)
        return report["rows_selected"], report["rows_changed"], report["rows_refused"]

    def answer(self, row):
        return self.answers.get(row, {"fate": "missing"})

    def amount(self, rows):
        """Sum of the rows' amounts; None when one of them is not rated."""
        answers = [self.answer(row) for row in rows]
        if any(answer["fate"] != "rated" for answer in answers):
            return None
        return sum((Decimal(answer["amount"]) for answer in answers), Decimal(0))
