# SPDX-License-Identifier: Apache-2.0
"""Recurring fees: products and their customers, imported and billed once for every month asked."""
import json
import os
import subprocess
from decimal import Decimal


class Bills:
    def __init__(self):
        self.products = {mode: {"fee": "10000.00", "proration": mode}
                         for mode in ("actual_days", "thirtieths")}
        self.people = []
        self.lines = {}

    def product(self, **keys):
        name = f"product{len(self.products)}"
        self.products[name] = keys
        return name

    def add(self, product, months, start, end="", cycle_day=1):
        """A customer; the months that are summed."""
        self.people.append((f"b{len(self.people)}", product, start, end, cycle_day, months))
        return self.people[-1]

    def write(self, folder):
        os.makedirs(folder)
        with open(os.path.join(folder, "catalog.yaml"), "w", encoding="ascii") as out:
            out.write("catalog: {version: 1, valid_from: 2011-01-01, currency: EUR}\nproducts:\n")
            out.writelines(f"  {name}: {json.dumps(keys)}\n"
                           for name, keys in self.products.items())
        with open(os.path.join(folder, "accounts.csv"), "w", encoding="ascii") as out:
            out.write("id,name,currency,cycle_day\n")
            out.writelines(f"{p[0]},X,EUR,{p[4]}\n" for p in self.people)
        with open(os.path.join(folder, "subscribers.csv"), "w", encoding="ascii") as out:
            out.write("id,account,product,msisdn,active_from,active_to\n")
            for i, (name, product, start, end, _, _) in enumerate(self.people):
                out.write(f"s{name},{name},{product},4915{i:04},{start},{end}\n")

    def run(self, tollgate, root):
        folder = os.path.join(root, "bills")
        data = os.path.join(root, "data")
        self.write(folder)
        months = sorted({month for p in self.people for month in p[5]})
        for command in [["catalog", "import", "--catalog", folder]] + \
                [["bill", "run", "--issue", "--period", month] for month in months]:
            done = subprocess.run([tollgate] + command + ["--data", data], text=True,
                                  capture_output=True, check=False)
            if done.returncode != 0:
                print(" ".join(command), done.stdout, done.stderr)
        done = subprocess.run([tollgate, "bill", "list", "--full", "--json", "--data", data],
                              text=True, capture_output=True, check=False)
        for line in done.stdout.splitlines():
            bill = json.loads(line)
            month = bill["billingPeriod"]["startDateTime"][:7]
            key = bill["billingAccount"]["id"], month
            for item in bill["x_line"]:
                self.lines[key] = self.lines.get(key, 0) + Decimal(item["x_exactAmount"])

    def sum(self, person):
        """Net of the customer's lines in the months that were asked for."""
        return sum((self.lines.get((person[0], m), Decimal(0)) for m in person[5]), Decimal(0))
