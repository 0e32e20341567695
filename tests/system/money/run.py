# SPDX-License-Identifier: Apache-2.0
"""Money across currencies and periods, end to end, against a model in exact decimals."""
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, getcontext
from fractions import Fraction
from zoneinfo import ZoneInfo

getcontext().prec = 60
TOLLGATE = sys.argv[1]
BERLIN = ZoneInfo("Europe/Berlin")
FAILED = []

CATALOG = """
catalog:
  version: 1
  valid_from: 2026-01-01
  currency: EUR
  period_zone: Europe/Berlin
  rating_digits_of: {USD: 3, JPY: 2, KWD: 4}
taxes:
  vat: {rate: 19%}
exchange_rates:
  usd-eur-1: {from: USD, to: EUR, rate: "0.92153", valid_from: 2026-01-01, valid_to: 2026-03-20}
  usd-eur-2: {from: USD, to: EUR, rate: "0.9", valid_from: 2026-03-20}
  usd-jpy: {from: USD, to: JPY, rate: "150.25", valid_from: 2026-01-01, valid_to: 2026-03-25}
  eur-jpy: {from: EUR, to: JPY, rate: "160.123", valid_from: 2026-01-01}
  eur-kwd: {from: EUR, to: KWD, rate: "0.33333", valid_from: 2026-01-01}
spend_limits:
  day: {period: day, maximum: "5.00", thresholds: ["2.50", "5.00"]}
  total: {period: cycle, scope: account, thresholds: ["30", "60"]}
decks:
  world: {prefixes: {"1": usd, "2": usde, "3": carry, "4": roam}}
prices:
  usd:   {unit: second, price: "1.00", per: 60, currency: USD}
  usde:  {unit: second, price: "1.00", per: 60, currency: USD, convert: event}
  carry: {unit: second, price: "0.10", per: 60, decimals: 2, carry_remainder: true}
  roam:  {unit: second, price: "0.01", spend_limit: day}
plans:
  p:
    voice:
      deck: world
      spend_limit: total
      prices: {usd: usd, usde: usde, carry: carry, roam: roam}
products:
  prod: {plan: p, fee: "10.00", tax: vat}
"""
CONFIG = """
data: data
catalog: catalog
workers: 2
memory: {huge_pages: auto, mib: 64}
limits: {sessions: 1000, dedup_records: 100000}
decoders:
  - decoder: csv
    settings:
      service: voice
      columns: {record_id: id, caller: caller, called: called, start: start,
                duration: duration_s, cause: cause}
ports:
  - {name: cdr, kind: folder, target: cdr, pattern: "*.csv", decoder: csv, node: msc, done: done}
nodes:
  - {name: msc, addresses: [10.0.4.2]}
"""
ACCOUNTS = {"A1": ("EUR", 1), "A2": ("JPY", 1), "A3": ("KWD", 15)}
SUBSCRIBERS = {"S1": "A1", "S2": "A1", "S3": "A2", "S4": "A3"}
NUMBERS = {name: f"+4917000000{i}" for i, name in enumerate(SUBSCRIBERS)}
SCALE = {"EUR": 8, "USD": 5, "JPY": 2, "KWD": 7}
MINOR = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}
RATES = [("USD", "EUR", "0.92153", "2026-01-01", "2026-03-20", "usd-eur-1"),
         ("USD", "EUR", "0.9", "2026-03-20", "2099-01-01", "usd-eur-2"),
         ("USD", "JPY", "150.25", "2026-01-01", "2026-03-25", "usd-jpy"),
         ("EUR", "JPY", "160.123", "2026-01-01", "2099-01-01", "eur-jpy"),
         ("EUR", "KWD", "0.33333", "2026-01-01", "2099-01-01", "eur-kwd")]


def check(is_fine, what):
    if not is_fine:
        FAILED.append(what)
        print("FAILED:", what)


def run(*args, wanted=0):
    done = subprocess.run([TOLLGATE, *args], text=True, capture_output=True, check=False)
    check(done.returncode == wanted, f"{' '.join(args[:3])}: exit {done.returncode}: "
          f"{(done.stderr or done.stdout)[-300:]}")
    return done.stdout


def rounded(value, places, how=ROUND_HALF_UP):
    return value.quantize(Decimal(1).scaleb(-places), rounding=how)


def rate_of(source, target, at):
    if source == target:
        return Decimal(1), None
    day = at.strftime("%Y-%m-%d")
    for one, other, rate, since, until, name in RATES:
        if (one, other) == (source, target) and since <= day < until:
            return Decimal(rate), name
    return None, None


def convert(amount, source, target, at):
    rate, _ = rate_of(source, target, at)
    return None if rate is None else rounded(amount * rate, SCALE[target])


class Model:
    """What the README says, row by row."""

    def __init__(self):
        self.days = {}
        self.totals = {}
        self.carries = {}
        self.told = set()
        self.crossings = []

    def cycle(self, account, at):
        day = ACCOUNTS[account][1]
        local = at.astimezone(BERLIN)
        month = local.year * 12 + local.month - (local.day < day)
        return account, month

    def tell(self, name, key, spent, thresholds, row):
        for threshold in thresholds:
            if spent >= threshold and (name, key, threshold) not in self.told:
                self.told.add((name, key, threshold))
                self.crossings.append((row["id"], name, threshold))

    def rate(self, row):
        account = SUBSCRIBERS[row["who"]]
        own = ACCOUNTS[account][0]
        zone = {"1": "usd", "2": "usde", "3": "carry", "4": "roam"}[row["called"][1]]
        source = "USD" if zone in ("usd", "usde") else "EUR"
        at, seconds = row["at"], Decimal(row["duration"])
        if rate_of(source, own, at)[0] is None:
            return {"zone": zone, "reason": "NO_EXCHANGE_RATE"}
        currency = source
        if zone == "carry":
            key = (row["who"], self.cycle(account, at))
            exact, charged = self.carries.get(key, (Fraction(0), Decimal(0)))
            exact += Fraction(row["duration"], 600)
            amount = Decimal(int(exact * 100 + Fraction(1, 2))).scaleb(-2) - charged
            self.carries[key] = exact, charged + amount
        elif zone == "roam":
            amount = rounded(seconds * Decimal("0.01"), SCALE["EUR"])
        else:
            amount = rounded(seconds / 60, SCALE["USD"])
            if zone == "usde":
                amount, currency = convert(amount, "USD", own, at), own
        if rate_of(currency, "EUR", at)[0] is None:  # limits count in the catalog's currency
            return {"zone": zone, "reason": "NO_EXCHANGE_RATE"}
        if zone == "roam":
            key = (row["who"], at.astimezone(BERLIN).date())
            before = self.days.get(key, Decimal(0))
            amount = max(Decimal(0), min(amount, Decimal(5) - before))
            self.days[key] = before + amount
            self.tell("day", key, before + amount, [Decimal("2.5"), Decimal(5)], row)
        key = self.cycle(account, at)
        self.totals[key] = self.totals.get(key, Decimal(0)) + convert(amount, currency, "EUR", at)
        self.tell("total", key, self.totals[key], [Decimal(30), Decimal(60)], row)
        _, name = rate_of(currency, own, at)
        return {"zone": zone, "amount": amount, "currency": currency, "rate": name}


def rows_make():
    dice = random.Random(20260301)
    rows = []
    start = datetime(2026, 3, 1, 0, 0, 0, tzinfo=timezone.utc)
    for i in range(600):
        at = start + timedelta(seconds=i * 4400 + dice.randrange(4000))
        who = dice.choice(list(SUBSCRIBERS))
        rows.append({"id": f"r{i}", "who": who, "at": at, "duration": dice.randrange(1, 400),
                     "called": "+" + dice.choice("1234") + "005550001"})
    return rows


def folder_make(root, rows):
    os.makedirs(os.path.join(root, "catalog"))
    os.makedirs(os.path.join(root, "cdr"))
    with open(os.path.join(root, "catalog", "catalog.yaml"), "w", encoding="ascii") as out:
        out.write(CATALOG)
    with open(os.path.join(root, "catalog", "accounts.csv"), "w", encoding="ascii") as out:
        out.write("id,name,currency,cycle_day\n")
        out.writelines(f"{k},{k},{c},{d}\n" for k, (c, d) in ACCOUNTS.items())
    with open(os.path.join(root, "catalog", "subscribers.csv"), "w", encoding="ascii") as out:
        out.write("id,account,product,msisdn\n")
        out.writelines(f"{s},{a},prod,{NUMBERS[s]}\n" for s, a in SUBSCRIBERS.items())
    with open(os.path.join(root, "tollgate.yaml"), "w", encoding="ascii") as out:
        out.write(CONFIG)
    cdr_write(root, "first", rows[:300])


def cdr_write(root, name, rows):
    with open(os.path.join(root, "cdr", name + ".csv"), "w", encoding="ascii") as out:
        out.write("id,caller,called,start,duration_s,cause\n")
        for row in rows:
            out.write(f"{row['id']},{NUMBERS[row['who']]},{row['called']},"
                      f"{row['at'].strftime('%Y-%m-%dT%H:%M:%SZ')},{row['duration']},0\n")


def quote_check(root, rows, wanted):
    lines = "".join(json.dumps({
        "id": row["id"], "subscriber": NUMBERS[row["who"]], "service": "voice",
        "peer": row["called"], "start": row["at"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "duration_s": row["duration"]}) + "\n" for row in rows)
    path = os.path.join(root, "usage.jsonl")
    with open(path, "w", encoding="ascii") as out:
        out.write(lines)
    answers = [json.loads(line) for line in
               run("quote", "--catalog", os.path.join(root, "catalog"), path).splitlines()]
    told = []
    for row, want, got in zip(rows, wanted, answers):
        if "reason" in want:
            check(got.get("reason") == want["reason"], f"{row['id']}: {got} wanted {want}")
            continue
        check(Decimal(got.get("amount", "-1")) == want["amount"] and
              got.get("currency") == want["currency"], f"{row['id']}: {got} wanted {want}")
        check(got.get("exchange", {}).get("rate_id") == want["rate"] or want["zone"] == "usde",
              f"{row['id']}: exchange {got.get('exchange')}")
        for use in got.get("spend_limits", []):
            told += [(row["id"], use["limit"], Decimal(t)) for t in use.get("thresholds", [])]
    return told


def bills_check(root, rows, wanted):
    """Each line is its rows: summed exactly, converted once, in the account's own decimals."""
    data = os.path.join(root, "data")
    run("bill", "run", "--data", data, "--period", "2026-03", "--issue")
    bills = {}
    for number in range(1, 4):
        bill = json.loads(run("bill", "show", f"INV-2026-{number:08d}", "--data", data, "--json"))
        account = bill["billingAccount"]["id"]
        bills[account] = bill
        own, _ = ACCOUNTS[account]
        check(bill["taxExcludedAmount"]["unit"] == own, f"{account}: not in {own}")
        exact = Decimal(0)
        for i, line in enumerate(bill["x_line"], 1):
            exact += Decimal(line["x_exactAmount"])
            explained = json.loads(run("explain", f"INV-2026-{number:08d}:{i}", "--data", data,
                                       "--json"))
            check(explained["matches_line"] and explained["rows_that_differ"] == 0,
                  f"{account} line {i} is not its rows")
            if line["x_kind"] != "usage":
                fee = Decimal(10) * rate_of("EUR", own, datetime(2026, 3, 31))[0]
                check(Decimal(line["x_exactAmount"]) == rounded(fee, SCALE[own]),
                      f"{account}: fee {line['x_exactAmount']}")
                continue
            swap = line.get("x_exchange")
            window = (datetime(2026, 3, 1, tzinfo=timezone.utc),
                      datetime(2026, 4, 1, tzinfo=timezone.utc))
            if ACCOUNTS[account][1] == 15:
                window = (datetime(2026, 2, 15, tzinfo=timezone.utc),
                          datetime(2026, 3, 15, tzinfo=timezone.utc))
            mine = [w for r, w in zip(rows, wanted)
                    if r["who"] == line["x_subscription"] and "amount" in w and
                    w["zone"] == line["x_zone"] and window[0] <= r["at"] < window[1] and
                    w["rate"] == (swap or {}).get("rateId")]
            total = sum((w["amount"] for w in mine), Decimal(0))
            check(len(mine) == line["x_rows"], f"{account} line {i}: {line['x_rows']} rows")
            if swap is not None:
                check(Decimal(swap["exactAmount"]) == total, f"{account} line {i}: {swap}")
                total = rounded(total * Decimal(swap["rate"]), SCALE[own])
            check(Decimal(line["x_exactAmount"]) == total,
                  f"{account} line {i}: {line['x_exactAmount']}, not {total}")
        net = Decimal(str(bill["taxExcludedAmount"]["value"]))
        check(net == rounded(exact, MINOR[own]), f"{account}: net {net} of {exact}")
        # Tax is of the invoice's currency, rounded to its own decimals.
        due = Decimal(str(bill["taxIncludedAmount"]["value"]))
        check(due == net + rounded(net * Decimal("0.19"), MINOR[own]), f"{account}: due {due}")
    lines = [line for line in bills["A1"]["x_line"] if line.get("x_zone") == "usd"]
    check(len({line["x_exchange"]["rateId"] for line in lines}) == 2, "one line a rate")
    for line in bills["A1"]["x_line"]:  # whole cents a row: the sum of events is the line
        if line.get("x_zone") == "carry":
            check(Decimal(line["x_amount"]) == Decimal(line["x_exactAmount"]), "carry in cents")


def main():
    rows = rows_make()
    model = Model()
    wanted = [model.rate(row) for row in rows]
    reasons = sum("reason" in want for want in wanted)
    check(0 < reasons < 400, f"{reasons} rows without a rate")
    with tempfile.TemporaryDirectory() as root:
        folder_make(root, rows)
        told = quote_check(root, rows, wanted)
        check(told == model.crossings, f"quote tells {told}, not {model.crossings}")
        config = os.path.join(root, "tollgate.yaml")
        data = os.path.join(root, "data")
        run("run", "--once", "--no-fronts", config)
        cdr_write(root, "second", rows[300:])
        run("run", "--once", "--no-fronts", config)  # goes on where the checkpoint left shelves
        listed = [json.loads(line) for line in
                  run("suspense", "list", "--data", data, "--json").splitlines()]
        check(len(listed) == reasons, f"{len(listed)} suspended, not {reasons}")
        keys = [(line["spend_limit"], Decimal(line["threshold"]), line["start"][:19])
                for line in map(json.loads, run("thresholds", "--data", data,
                                                "--json").splitlines())]
        at = {row["id"]: row["at"].strftime("%Y-%m-%dT%H:%M:%S") for row in rows}
        check(sorted(keys) == sorted((name, amount, at[row])
                                     for row, name, amount in model.crossings),
              f"thresholds tells {keys}")
        # The engine announced the same rows, once each.
        with open(os.path.join(data, "state", "data.mdb"), "rb") as state:
            announced = set(re.findall(rb'"kind":"usageThreshold","threshold":{"id":"([0-9:]+)"',
                                       state.read()))
        marked = {line["row"].encode() for line in
                  map(json.loads, run("thresholds", "--data", data, "--json").splitlines())}
        check(announced == marked, f"announced {announced ^ marked}")
        bills_check(root, rows, wanted)
        same = json.loads(run("whatif", "--catalog", os.path.join(root, "catalog"), "--data", data,
                              "--from", "2026-03-01", "--to", "2026-04-01", "--json"))
        check(Decimal(same["difference"]) == 0, f"the same catalog makes {same['difference']}")
        check("nothing to post" in run("rerate", "--data", data, "--post"), "rerate posts")
        run("audit", "--data", data)
    cut = sum(w.get("zone") == "roam" and w["amount"] < rounded(Decimal(r["duration"]) / 100, 8)
              for r, w in zip(rows, wanted) if "amount" in w)
    check(cut > 5, f"only {cut} rows were cut by the limit")
    print(f"money: {len(rows)} rows, {reasons} without a rate, {cut} cut, "
          f"{len(model.crossings)} thresholds")
    return 1 if FAILED else 0


sys.exit(main())
