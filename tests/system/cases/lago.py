# SPDX-License-Identifier: Apache-2.0
"""Lago's charge models: one event a unit, or an event that carries money."""
from decimal import Decimal

from folder import money

START = "2026-03-02T10:00:00Z"
NEGATIVE = ("usage is never negative (4.12 NEGATIVE_USAGE); seats taken back inside a period are a "
            "plan change for bill (4.7), not a usage row")


def decimals(values):
    return max([0] + [-Decimal(v).normalize().as_tuple().exponent for v in values])


def tiers_of(case, factor):
    """Tiers with bounds in 1/factor units."""
    made = []
    for tier in case["inputs"]["tiers"]:
        entry = {"price": money(tier["per_unit_amount"]), "per": factor,
                 "flat": money(tier["flat_amount"])}
        if factor == 1:
            del entry["per"]
        if tier["to"] is not None:
            entry["up_to"] = int(Decimal(tier["to"]) * factor)
        made.append(entry)
    return made


def unused(bills, inputs):
    """A month without usage, through `bill run`.

    A tier's flat amount needs a unit (rating-semantics 4.5). The source's first one is due without
    any: that is a fee of the product.
    """
    product = bills.product(fee=money(inputs["tiers"][0]["flat_amount"]), proration="none_full")
    person = bills.add(product, ["2012-01"], "2011-12-01")
    return lambda: bills.sum(person)


def units_case(folder, case, tariff, **params):
    inputs = case["inputs"]
    bounds = [t["to"] for t in inputs.get("tiers", []) if t["to"] is not None]
    factor = 10 ** decimals([inputs["units"]] + bounds)
    if tariff in ("graduated", "volume"):
        price = folder.price(unit="event", tariff=tariff, tiers=tiers_of(case, factor))
    else:
        price = folder.price(unit="event", tariff=tariff, **params)
    number = folder.subscriber({"event": {"price": price}})
    row = folder.row(number, "event", START, count=int(Decimal(inputs["units"]) * factor))
    return lambda: folder.amount([row])


def percentage(folder, case):
    inputs = case["inputs"]
    params = {"rate": inputs["rate_percent"] + "%"}
    for key, name in (("fixed_fee_per_event", "fixed"), ("free_events", "free_events"),
                      ("free_base_amount", "free_amount")):
        if inputs[key] is not None:
            params[name] = inputs[key] if name == "free_events" else money(inputs[key])
    if inputs.get("min_max_active", True):
        for key, name in (("min_per_event", "min"), ("max_per_event", "max")):
            if inputs[key] is not None:
                params[name] = money(inputs[key])
    total = Decimal(inputs["base_amount"])
    events = inputs["events"]
    if "event_amounts" in inputs:
        amounts = [Decimal(a) for a in inputs["event_amounts"]]
    elif total > 0 and inputs["running_total_before_each_later_event"]:
        sums = [Decimal(0)] + [Decimal(s) for s in inputs["running_total_before_each_later_event"]]
        sums.append(max(total, sums[-1]))
        amounts = [b - a for a, b in zip(sums, sums[1:])]
    else:
        amounts = [total / events] * events
    price = folder.price(unit="amount", tariff="percentage", params=params)
    number = folder.subscriber({"event": {"price": price}})
    rows = [folder.row(number, "event", START, amount=money(a)) for a in amounts]
    return lambda: folder.amount(rows)


def graduated_percentage(folder, case):
    inputs = case["inputs"]
    tiers = []
    for tier in inputs["tiers"]:
        entry = {"rate": tier["rate"] + "%", "flat": money(tier["flat_amount"])}
        if tier["to"] is not None:
            entry["up_to"] = money(tier["to"])
        tiers.append(entry)
    price = folder.price(unit="amount", tariff="percentage", params={"tiers": tiers})
    number = folder.subscriber({"event": {"price": price}})
    row = folder.row(number, "event", START, amount=money(inputs["base_amount"]))
    return lambda: folder.amount([row])


def prorated(folder, case, units, quantities, mode):
    factor = 10 ** decimals(units)
    price = folder.price(unit="event", tariff="prorated", params={"mode": mode},
                         tiers=[{k: v for k, v in t.items() if k != "per"}
                                for t in tiers_of(case, factor)])
    number = folder.subscriber({"event": {"price": price}})
    rows = [folder.row(number, "event", START, count=int(Decimal(u) * factor), amount=money(q))
            for u, q in zip(units, quantities)]
    return lambda: folder.amount(rows)


def unit_rounding(folder, case):
    inputs = case["inputs"]
    scale = decimals([inputs["units"]])
    keys = {}
    if inputs["mode"] is not None:
        keys = {"block": 10 ** (scale - inputs["decimals"]), "quantity_rounding": inputs["mode"]}
    price = folder.price(unit="event", price="1", **keys)
    number = folder.subscriber({"event": {"price": price}})
    row = folder.row(number, "event", START, count=int(Decimal(inputs["units"]) * 10 ** scale))
    return lambda: Decimal(folder.answer(row)["billed_units"]) / 10 ** scale


def add(folder, bills, case):
    """Put a case into the folder; what it answers, and the reason when we choose otherwise."""
    inputs = case["inputs"]
    model = case["model"]
    if model == "per_unit":
        return units_case(folder, case, "per_unit", price=money(inputs["unit_price"])), None
    if model == "package":
        params = {"params": {"free_units": inputs["free_units"]}}
        return units_case(folder, case, "package", price=money(inputs["package_price"]),
                          per=int(inputs["package_size"]), **params), None
    if model == "volume" and "full_units" in inputs:
        return prorated(folder, case, [inputs["full_units"]], [inputs["units"]], "volume"), None
    if model == "percentage":
        return percentage(folder, case), None
    if model == "unit_rounding":
        return unit_rounding(folder, case), None
    quantity = inputs.get("units", inputs.get("base_amount", len(inputs.get("event_units", []))))
    if Decimal(quantity) == 0:
        return unused(bills, inputs), None
    if model in ("graduated", "volume"):
        return units_case(folder, case, model), None
    if model == "graduated_percentage":
        return graduated_percentage(folder, case), None
    units = inputs["event_units"]
    taken = [i for i, u in enumerate(units) if Decimal(u) >= 0]
    return prorated(folder, case, [units[i] for i in taken],
                    [inputs["event_prorated_units"][i] for i in taken],
                    "graduated"), None if len(taken) == len(units) else NEGATIVE
