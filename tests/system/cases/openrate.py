# SPDX-License-Identifier: Apache-2.0
"""OpenRate's step rates, time bands and proration."""
import datetime
from decimal import Decimal

from folder import money

PEER = "4930123456"


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
    parts = []
    for part in wanted:
        # The source also cuts at midnight: parts of one band beside each other are one stretch.
        if parts and parts[-1][0] == part["band"].lower():
            parts[-1][1] += int(part["seconds"])
        else:
            parts.append([part["band"].lower(), int(part["seconds"]) if part["seconds"] else None])

    def answer():
        got = [[band_of[p["price"]], p["units"]] for p in folder.answer(row)["breakdown"]]
        if wanted[0]["seconds"] is None:
            got = [[band, None] for band, _ in got]
        return got
    case["expected"]["answer"] = parts
    return answer


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
    """A recurring fee of 10,000.00 over the case's dates, billed for its months.

    One function of the source counts months from the start's own day on (the account's cycle day),
    and the last day still counts: `active_to` is the day behind it. The other looks at the event's
    calendar month. Both divide what is no whole month by the month's days or in thirtieths.
    """
    inputs = case["inputs"]
    start = inputs["start"][:10]
    end = datetime.date.fromisoformat(inputs["end"][:10]) + datetime.timedelta(days=1)
    end = end.isoformat()
    months = ["2012-01", "2012-02", "2012-03", "2012-04"]
    day = int(start[8:])
    # calendar_days says the contrary in the source's two functions.
    is_thirtieths = not inputs["calendar_days"]
    if "event_time" in inputs:
        months = [inputs["event_time"][:7]]
        day = 1
        end = stamp(inputs["end"])
        is_thirtieths = inputs["calendar_days"]
    account = bills.add("thirtieths" if is_thirtieths else "actual_days", months,
                        start=start, end=end, cycle_day=day)
    case["expected"]["tolerance"] = "0.00005"
    return lambda: bills.sum(account) / 10000


def add(folder, bills, case):
    model = case["model"]
    if model.startswith("step_rate_"):
        return step_rate(folder, case), None
    if model == "time_band_split":
        return time_band_split(folder, case), None
    if model == "time_band_rating":
        return time_band_rating(folder, case), None
    return proration(bills, case), None
