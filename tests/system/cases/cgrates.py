# SPDX-License-Identifier: Apache-2.0
"""CGRateS: its CSV tariffs become decks, time models and prices; its accounts a credit."""
import csv
import datetime
import os
from decimal import ROUND_HALF_UP, Decimal

from folder import money

UNITLESS = "increments have a unit; the source's second interval has none (cases' README)"
QUIRKS = {"cgrates-call-47": UNITLESS}
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ROUNDINGS = {"*middle": "half_up", "*up": "up", "*down": "down"}


# The source rounds the price of an increment to the decimals of its configuration, then multiplies.
INCREMENT_DECIMALS = {"cgrates_cgrates_unit": 6}
INCREMENT_DECIMALS_DEFAULT = 5


def seconds(text):
    return int(text.rstrip("s") or 0)


class Tariff:
    """One folder of the source's CSV."""

    def __init__(self, path):
        self.path = path
        self.increment_decimals = INCREMENT_DECIMALS.get(os.path.basename(path.rstrip("/")),
                                                         INCREMENT_DECIMALS_DEFAULT)
        self.destinations = self.grouped("Destinations")
        self.timings = {row[0]: row for row in self.read("Timings")}
        self.rates = self.grouped("Rates")
        self.destination_rates = self.grouped("DestinationRates")
        self.plans = self.grouped("RatingPlans")
        self.profiles = self.read("RatingProfiles")

    def read(self, name):
        path = os.path.join(self.path, name + ".csv")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as text:
            return [row for row in csv.reader(text) if row and not row[0].startswith("#")]

    def grouped(self, name):
        groups = {}
        for row in self.read(name):
            groups.setdefault(row[0], []).append(row)
        return groups

    def price_per(self, row):
        """A Rates row's price of one increment, and the increment's length."""
        length = seconds(row[4])
        exact = Decimal(row[2]) * length / seconds(row[3])
        unit = Decimal(1).scaleb(-self.increment_decimals)
        return {"price": money(exact.quantize(unit, ROUND_HALF_UP)), "per": length}

    def plan_at(self, tenant, category, subject, start):
        """The profile in force at the start; without one of the subject's own, that of *any."""
        for who in (subject, "*any"):
            found = [row for row in self.profiles
                     if row[:3] == [tenant, category, who] and row[3] <= start]
            if found:
                return max(found, key=lambda row: row[3])[4]
        return None

    def prefixes(self, destination):
        if destination == "*any":
            return ["*"]
        return [row[1].lstrip("+") for row in self.destinations.get(destination, [])]


def price_of(folder, tariff, entry, cache):
    """A DestinationRates row as a price."""
    key = tuple(entry)
    if key in cache:
        return cache[key]
    entry = entry + [""] * (7 - len(entry))
    groups = sorted(tariff.rates[entry[2]], key=lambda row: seconds(row[5]))
    keys = {"unit": "second", "connect": money(groups[0][1]), "rounding": ROUNDINGS[entry[3]],
            "decimals": int(entry[4])}
    if entry[5] and Decimal(entry[5]) > 0:
        keys["max"] = money(entry[5])
        keys["at_max"] = {"*free": "free", "*disconnect": "stop"}[entry[6]]
    if len(groups) == 1:
        keys.update(**tariff.price_per(groups[0]), first=seconds(groups[0][4]), next=seconds(groups[0][4]))
    else:
        tiers = [tariff.price_per(row) for row in groups]
        for tier, row in zip(tiers, groups[1:]):
            tier["up_to"] = seconds(row[5])
        keys.update(tariff="stepped", counter="record", tiers=tiers,
                    params={"increments": [seconds(row[4]) for row in groups]})
    cache[key] = folder.price(**keys)
    return cache[key]


def bands_of(tariff, names):
    """Time model rules: in a day the band that began last holds."""
    rules = []
    for number, day in enumerate(DAYS, 1):
        begins = []
        for name in names:
            row = tariff.timings.get(name)
            if row is None or (row[4] != "*any" and str(number) not in row[4].split(";")):
                continue
            begins.append((row[5][:5], name.lower()))
        begins.sort()
        for i, (at, name) in enumerate(begins):
            end = begins[i + 1][0] if i + 1 < len(begins) else "24:00"
            rules.append({"band": name, "days": day, "from": at, "to": end})
    return rules


def service_of(folder, tariff, plan):
    """A rating plan as a plan's service: a zone a prefix, a band a timing."""
    cache = {}
    rows = sorted(tariff.plans[plan], key=lambda row: -Decimal(row[3]))
    names = list(dict.fromkeys(row[2] for row in rows if row[2] in tariff.timings))
    zones = {}
    for row in rows:
        for entry in tariff.destination_rates[row[1]]:
            for prefix in tariff.prefixes(entry[1]):
                bands = zones.setdefault(prefix, {})
                # Each timing of its own makes a price of its own, as the source's spans do.
                for name in names if row[2] not in names else [row[2]]:
                    bands.setdefault(name.lower(),
                                     price_of(folder, tariff, entry, cache if not names else {}))
                if not names:
                    bands.setdefault("", price_of(folder, tariff, entry, cache))
    prefixes = {}
    prices = {}
    for prefix, bands in zones.items():
        if names and len(bands) < len(names):
            continue  # sold at some hours only; no case calls there
        zone = "any" if prefix == "*" else "p" + prefix
        prefixes[prefix] = zone
        prices[zone] = bands if names else bands[""]
        if prefix == "*":
            prices["home"] = prices[zone]
    service = {"deck": folder.deck(prefixes), "prices": prices}
    if names:
        service["time_model"] = folder.model(names[0].lower(), bands_of(tariff, names))
    return service


def span(inputs):
    """Start as text, seconds."""
    if inputs.get("start") is None:
        return "2014-06-02T10:00:00Z", int(inputs["usage_seconds"])
    start = inputs["start"].rstrip("Z")
    if inputs.get("end") is None:
        return start + "Z", int(inputs["usage_seconds"])
    end = inputs["end"].rstrip("Z")
    length = datetime.datetime.fromisoformat(end) - datetime.datetime.fromisoformat(start)
    return start + "Z", int(length.total_seconds())


def peer_of(inputs):
    peer = inputs["destination"].lstrip("+")
    return {"peer": peer} if peer.isdigit() else {}


def subscriber_of(folder, tariff, inputs, **more):
    start, _ = span(inputs)
    plan = inputs.get("rating_plan") or tariff.plan_at(inputs["tenant"], inputs["category"],
                                                       inputs["subject"], start)
    if plan is None:
        return folder.subscriber(None)
    service = service_of(folder, tariff, plan)
    service.update(more)
    return folder.subscriber({"voice": service})


def call_rating(folder, tariff, case):
    inputs = case["inputs"]
    start, length = span(inputs)
    number = subscriber_of(folder, tariff, inputs)
    if inputs.get("loop_index"):
        folder.row(number, "voice", start, duration_s=60, flags=["partial"], **peer_of(inputs))
    credit = {"credit": money(inputs["balance_before"])} if "balance_before" in inputs else {}
    row = folder.row(number, "voice", start, duration_s=length, **peer_of(inputs), **credit)
    expected = case["expected"]
    wanted = {}
    for key in ("cost", "spans", "contiguous", "matched_prefix", "error", "total_seconds",
                "balance_after"):
        if key in expected:
            wanted[key] = expected[key]
    if "connect_fee" in expected and not inputs.get("loop_index"):
        wanted["connect_fee"] = expected["connect_fee"]
    if length == 0:
        wanted.pop("connect_fee", None)

    def answer():
        got = folder.answer(row)
        if got["fate"] != "rated":
            return {"error": "no_rate" if got.get("reason") in ("NO_RATE", "NO_PLAN") else got}
        pieces = got["breakdown"]
        # The source starts another span where a price's increments change.
        spans = sum(piece["step"] + 1 if piece["units_before"] == 0 else 1 for piece in pieces)
        told = {"cost": got["amount"], "connect_fee": got["connect_fee"], "spans": spans,
                "matched_prefix": got["zone"][1:], "total_seconds": got["billed_units"],
                "contiguous": all(a["to"] == b["from"] for a, b in zip(pieces, pieces[1:])),
                "balance_after": got.get("credit_left")}
        return {key: told.get(key) for key in wanted}
    case["expected"] = {"answer": wanted}
    return answer, QUIRKS.get(case["id"])


def package(folder, tariff, inputs, zones, amount, **keys):
    return folder.allowance(unit="second", amount=amount, services=["voice"], zones=zones, **keys)


def call_credit(folder, tariff, case):
    inputs = case["inputs"]
    expected = case["expected"]
    account = inputs.get("account", inputs.get("accounts"))
    start, length = span(inputs)
    choice = QUIRKS.get(case["id"])
    more = {}
    rows = []
    ceiling = {}
    if "max_rate" in inputs:
        ceiling = {"price_max": money(inputs["max_rate"]),
                   "price_max_per": int(inputs["max_rate_per"])}
    if "minutes_seconds" in account:
        more["allowance"] = package(folder, tariff, inputs, ["p447956"],
                                    int(account["minutes_seconds"]))
    if "minutes" in account:
        more["allowances"] = []
        for bucket in account["minutes"]:
            zones = ["p" + p for p in tariff.prefixes(bucket["destinations"])]
            zones = [z for z in zones if z != "p0724"]  # the plan does not sell it
            more["allowances"].append(package(folder, tariff, inputs, zones,
                                              int(bucket["seconds"]),
                                              priority=100 - bucket["weight"]))
    number = subscriber_of(folder, tariff, inputs, **more)
    voice = folder.plans["plan_s" + str(folder.count)]["voice"]
    for name in ("p447956",):
        if name in voice["prices"] and "minutes_seconds" in account:
            # The source's package has a connect fee of its own, and increments of 20 s.
            price = folder.prices[voice["prices"][name]]
            price["connect_on"] = "used"
            if "minutes_seconds_after" in expected:
                price.update(first=20, next=20)
    purse = account.get("money", account.get("peer", account.get("caller")))
    if isinstance(purse, list):
        # Which balances a destination may use is for the account to say, not for the tariff: quote
        # is told the credit that may be spent, the sum up to the first blocking balance.
        serving = [m for m in purse if "destinations" not in m or
                   any(inputs["destination"].startswith(p)
                       for p in tariff.prefixes(m["destinations"]))]
        serving.sort(key=lambda m: -m["weight"])
        blocked = [i for i, m in enumerate(serving) if m.get("blocker")]
        purse = sum(Decimal(m["value"]) for m in serving[:blocked[0] + 1 if blocked else None])
    floor = {"credit_floor": "-1000"} if account.get("allow_negative") else {}
    credit = Decimal(purse)
    count = 2 if "second_call_cost" in expected or "minutes_after_second" in expected else 1
    for i in range(count):
        rows.append(folder.row(number, "voice", start, duration_s=length, credit=money(credit),
                               **floor, **ceiling, **peer_of(inputs)))
        credit -= Decimal(expected.get("second_call_cost", "0"))
    wanted = {k: v for k, v in expected.items() if k not in ("own_after",) or floor}
    if "shared_after" in wanted:
        wanted.pop("shared_after")  # nothing was in it

    def answer():
        got = [folder.answer(row) for row in rows]
        if any(a["fate"] != "rated" for a in got):
            return got
        used = [a["allowance_units"] for a in got]
        left = [{b["allowance"]: b["left"] for b in a.get("allowances", [])} for a in got]
        last = more.get("allowances", [None])[-1]
        told = {"cost": got[0]["amount"],
                "allowed_seconds": Decimal(got[0]["granted_quantity"]) / 1000,
                "granted_seconds": Decimal(got[0]["granted_quantity"]) / 1000,
                "minutes_seconds_after": Decimal(account.get("minutes_seconds", "0")) - used[0],
                "money_after": got[0]["credit_left"], "own_after": got[0]["credit_left"],
                "shared_peer_after": got[0]["credit_left"],
                "second_call_cost": got[-1]["amount"],
                "money_after_second": got[-1]["credit_left"],
                "minutes_after_first": left[0].get(last),
                "minutes_after_second": left[-1].get(last),
                "error": "insufficient_credit"
                         if got[0]["granted_quantity"] < got[0]["asked_quantity"] else None}
        return {key: told.get(key) for key in wanted}
    case["expected"] = {"answer": wanted}
    return answer, choice


def band_choice(folder, case):
    inputs = case["inputs"]
    start, length = span(inputs)
    holidays = None
    rules = []
    names = []
    for i, band in enumerate(inputs["bands"]):
        name = band.get("id", "b" + band["start"].replace(":", "")[:4] + str(i))
        names.append(name)
        if "month_days" in band:
            date = f"2015-{band['months'][0]:02}-{band['month_days'][0]:02}"
            holidays = {"band": name, "dates": [date]}
            continue
        later = [b["start"][:5] for b in inputs["bands"]
                 if b.get("weekdays") == band["weekdays"] and b["start"] > band["start"]]
        rules += [{"band": name, "days": DAYS[d - 1], "from": band["start"][:5],
                   "to": min(later) if later else "24:00"} for d in band["weekdays"]]
    prices = {name: folder.price(unit="second", price="1") for name in names}
    number = folder.subscriber({"voice": {"time_model": folder.model(names[0], rules, holidays),
                                          "prices": {"home": prices}}})
    row = folder.row(number, "voice", start, duration_s=length)
    band_of = {price: name for name, price in prices.items()}
    expected = case["expected"]

    def answer():
        bands = [band_of[p["price"]] for p in folder.answer(row)["breakdown"]]
        told = {"spans": len(bands), "chosen": bands[0],
                "band_starts": [b[1:3] + ":" + b[3:5] + ":00" for b in bands]}
        return {key: told[key] for key in expected}
    case["expected"] = {"answer": dict(expected)}
    return answer, None


def increment_rating(folder, case):
    inputs = case["inputs"]
    steps = inputs["steps"]
    tiers = [{"price": money(s["rate"]), "per": int(s["per"])} for s in steps]
    for tier, later in zip(tiers, steps[1:]):
        tier["up_to"] = int(later["from_second"])
    price = folder.price(unit="second", tariff="stepped", counter="record", tiers=tiers,
                         params={"increments": [int(s["increment"]) for s in steps]})
    number = folder.subscriber({"voice": {"price": price}})
    row = folder.row(number, "voice", "2014-06-02T10:00:00Z",
                     duration_s=int(inputs["seconds"]))
    case["expected"] = {"amount": case["expected"]["cost"]}
    return lambda: folder.amount([row])


def money_rounding(folder, case):
    inputs = case["inputs"]
    price = folder.price(unit="amount", tariff="dynamic", rounding=inputs["mode"],
                         decimals=inputs["decimals"])
    number = folder.subscriber({"event": {"price": price}})
    row = folder.row(number, "event", "2014-06-02T10:00:00Z", amount=money(inputs["amount"]))
    return lambda: folder.amount([row])


def increment_rounding(folder, case):
    inputs = case["inputs"]
    increment = int(inputs["increment"]) * 10
    price = folder.price(unit="event", price="1", first=increment, next=increment)
    number = folder.subscriber({"event": {"price": price}})
    row = folder.row(number, "event", "2014-06-02T10:00:00Z",
                     count=int(Decimal(inputs["units"]) * 10))
    return lambda: Decimal(folder.answer(row)["billed_units"]) / 10


def add(folder, shared, case):
    model = case["model"]
    if model in ("call_rating", "call_credit", "call_credit_shared"):
        tariff = Tariff(os.path.join(shared, case["inputs"]["tariff"]))
        make = call_rating if model == "call_rating" else call_credit
        return make(folder, tariff, case)
    if model == "band_choice":
        return band_choice(folder, case)
    return {"increment_rating": increment_rating, "money_rounding": money_rounding,
            "increment_rounding": increment_rounding}[model](folder, case), None
