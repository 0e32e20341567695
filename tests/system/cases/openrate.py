# SPDX-License-Identifier: Apache-2.0
"""OpenRate's step rates, time bands and proration."""
import datetime
import json
import os
import subprocess
from decimal import Decimal

from folder import money

PEER = "4930123456"
ANNIVERSARY = ("recurring fees follow calendar cycles of half-open local days (rating-semantics "
               "4.7); the source counts month anniversaries and both end days")
FIXED_30 = ("fixed_30 is Kill Bill's rule, days - (last day - 30) over 30 (4.7); the source divides "
            "its inclusive days by 30")
MIDNIGHT = "a midnight inside one band is no boundary: two neighbouring parts are one piece"


def stamp(text):
    return text.replace(" ", "T") + "Z"


def stepped(folder, steps, mode, connect, **extra):
    """A price of the tariff `stepped`; beyond the last tier nothing is charged, in so many words."""
    tiers = []
    increments = []
    for step in steps:
        tiers.append({"up_to": int(step["tier_to"]), "price": money(step["rate"]),
                      "per": 1 if mode == "event" else int(step["per_units"])})
        increments.append(1 if mode == "event" else int(step["increment"]))
    if mode == "flat":
        return folder.price(unit="second", price=tiers[0]["price"], per=tiers[0]["per"])
    tiers.append({"price": "0"})
    increments.append(1)
    params = {"increments": increments, "mode": "threshold" if mode == "threshold" else "tiered"}
    keys = {"unit": "second"}
    if mode == "event":
        keys = {"unit": "event", "block": 1000, "quantity_rounding": "down"}
    return folder.price(tariff="stepped", tiers=tiers, params=params, connect=money(connect),
                        **keys, **extra)


def step_rate(folder, case):
    inputs = case["inputs"]
    mode = case["model"].replace("step_rate_", "")
    groups = inputs.get("models") or [{"steps": inputs["steps"]}]
    setup = Decimal(0)
    steps = []
    for group in groups:
        for step in group["steps"]:
            if Decimal(step["tier_from"]) == Decimal(step["tier_to"]):
                setup += Decimal(step["rate"])
            else:
                steps.append(step)
    dates = sorted({step["valid_from"] for step in steps})
    prices = {}
    rows = []
    for i, date in enumerate(dates):
        zone = "v" + str(i)
        prices[zone] = stepped(folder, [s for s in steps if s["valid_from"] == date], mode, setup)
        rows.append(("49", zone, date, dates[i + 1] if i + 1 < len(dates) else ""))
    service = "event" if mode == "event" else "voice"
    number = folder.subscriber({service: {"deck": folder.dated_deck(rows), "prices": prices}})
    when = stamp(inputs["time"])

    def use(units):
        thousandths = int(Decimal(units) * 1000)
        key = "count" if mode == "event" else "duration_ms"
        return folder.row(number, service, when, peer=PEER, **{key: thousandths})
    if "already_used" in inputs:
        use(inputs["already_used"])
    row = use(inputs["units"])
    return lambda: folder.amount([row])


def time_band_split(folder, case):
    inputs = case["inputs"]
    days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
    bands = []
    for entry in inputs["calendar"]:
        hour, minute = map(int, entry["to"].split(":"))
        end = hour * 60 + minute + 1  # the source's last minute is inside
        bands.append({"band": entry["band"].lower(), "days": days[entry["weekday"]],
                      "from": entry["from"], "to": f"{end // 60:02}:{end % 60:02}"})
    names = sorted({b["band"] for b in bands})
    prices = {n: folder.price(unit="second", price="1") for n in names}
    split = {"none": {"split": "start"}, "split": {"increment_owner": "per_second"},
             "split_round_to_increment": {"increment_owner": "per_segment"}}[inputs["splitting"]]
    number = folder.subscriber({"voice": {"time_model": folder.model(names[0], bands),
                                          "prices": {"home": prices}, **split}})
    start = datetime.datetime.fromisoformat(inputs["start"])
    end = datetime.datetime.fromisoformat(inputs["end"])
    row = folder.row(number, "voice", stamp(inputs["start"]),
                     duration_s=int((end - start).total_seconds()))
    band_of = {price: band for band, price in prices.items()}
    wanted = case["expected"]["parts"]
    parts = [[part["band"].lower(), int(part["seconds"]) if part["seconds"] else None]
             for part in wanted]
    choice = MIDNIGHT if any(a[0] == b[0] for a, b in zip(parts, parts[1:])) else None

    def answer():
        got = [[band_of[p["price"]], p["units"]] for p in folder.answer(row)["breakdown"]]
        if wanted[0]["seconds"] is None:
            got = [[band, None] for band, _ in got]
        return got
    case["expected"]["answer"] = parts
    return answer, choice


def time_band_rating(folder, case):
    inputs = case["inputs"]
    first = int(inputs["parts"][0]["seconds"])
    prices = {}
    for band, part in zip(("a", "b"), inputs["parts"]):
        setup = [s for s in part["steps"] if s["tier_from"] == s["tier_to"]]
        step = [s for s in part["steps"] if s["tier_from"] != s["tier_to"]][0]
        prices[band] = folder.price(unit="second", price=money(step["rate"]),
                                    per=int(step["per_units"]), first=int(step["increment"]),
                                    next=int(step["increment"]),
                                    connect=money(setup[0]["rate"] if setup else "0"))
    owner = "per_segment" if inputs["splitting"] == "no_carry" else "increment_start"
    model = folder.model("a", [{"band": "b", "from": "08:00", "to": "24:00"}])
    number = folder.subscriber({"voice": {"time_model": model, "increment_owner": owner,
                                          "prices": {"home": prices}}})
    start = datetime.datetime(2010, 1, 20, 8) - datetime.timedelta(seconds=first)
    row = folder.row(number, "voice", stamp(start.isoformat(" ")),
                     duration_s=sum(int(p["seconds"]) for p in inputs["parts"]))
    return lambda: folder.amount([row])


def proration(bills, case):
    """A recurring fee of 10,000.00 over the case's dates, billed for its months."""
    inputs = case["inputs"]
    months = ["2012-01", "2012-02", "2012-03"]
    choice = ANNIVERSARY
    if "event_time" in inputs:
        months = [inputs["event_time"][:7]]
        # calendar_days in the source: the divisor is 30, not the month's own days. The two rules
        # agree unless the period begins inside the month and lasts to its end.
        is_open = inputs["start"][:7] == months[0] < inputs["end"][:7]
        choice = FIXED_30 if inputs["calendar_days"] and is_open else None
    account = bills.add(inputs["start"], inputs["end"],
                        "fixed_30" if inputs["calendar_days"] else "actual_days", months)
    case["expected"]["tolerance"] = "0.00005"
    return (lambda: bills.factor(account)), choice


class Bills:
    """Catalog of recurring fees, imported and billed once for every month that is asked for."""

    def __init__(self):
        self.people = []
        self.months = set()
        self.lines = {}

    def add(self, start, end, mode, months):
        self.people.append((f"b{len(self.people)}", stamp(start), stamp(end), mode, months))
        self.months.update(months)
        return self.people[-1]

    def run(self, tollgate, root):
        folder = os.path.join(root, "bills")
        data = os.path.join(root, "data")
        os.makedirs(folder)
        with open(os.path.join(folder, "catalog.yaml"), "w", encoding="ascii") as out:
            out.write("catalog: {version: 1, valid_from: 2011-01-01, currency: EUR}\nproducts:\n")
            for mode in ("actual_days", "fixed_30"):
                out.write(f'  {mode}: {{fee: "10000.00", proration: {mode}}}\n')
        with open(os.path.join(folder, "accounts.csv"), "w", encoding="ascii") as out:
            out.write("id,name,currency\n")
            out.writelines(f"{p[0]},X,EUR\n" for p in self.people)
        with open(os.path.join(folder, "subscribers.csv"), "w", encoding="ascii") as out:
            out.write("id,account,product,msisdn,active_from,active_to\n")
            for i, (name, start, end, mode, _) in enumerate(self.people):
                out.write(f"s{name},{name},{mode},4915{i:04},{start},{end}\n")
        for command in [["catalog", "import", "--catalog", folder]] + \
                [["bill", "run", "--issue", "--period", month] for month in sorted(self.months)]:
            done = subprocess.run([tollgate] + command + ["--data", data], text=True,
                                  capture_output=True, check=False)
            if done.returncode != 0:
                print(" ".join(command), done.stdout, done.stderr)
        done = subprocess.run([tollgate, "bill", "list", "--full", "--json", "--data", data],
                              text=True, capture_output=True, check=False)
        for line in done.stdout.splitlines():
            bill = json.loads(line)
            month = bill["billingPeriod"]["startDateTime"][:7]
            for item in bill["x_line"]:
                self.lines[bill["billingAccount"]["id"], month] = Decimal(item["x_exactAmount"])

    def factor(self, person):
        return sum((self.lines.get((person[0], m), Decimal(0)) for m in person[4]),
                   Decimal(0)) / 10000


def add(folder, bills, case):
    model = case["model"]
    if model.startswith("step_rate_"):
        return step_rate(folder, case), None
    if model == "time_band_split":
        return time_band_split(folder, case)
    if model == "time_band_rating":
        return time_band_rating(folder, case), None
    return proration(bills, case)
