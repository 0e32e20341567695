# SPDX-License-Identifier: Apache-2.0
"""Odd and legal: what the documentation allows and few think of. Amounts are worked by hand."""
from world import Scenario, call, data, event, money

ODD = []


def odd(what, plan, rows, wanted, **keys):
    ODD.append(Scenario("odd", what, plan, rows, wanted, **keys))


def unit(**keys):
    return {"p": {"unit": "event", **keys}}


def share(**params):
    return {"p": {"tariff": "percentage", "unit": "amount", "params": params}}


def minutes(**keys):
    return {"a": {"unit": "second", "services": ["voice"], **keys}}


EVENT, VOICE, DATA = {"event": {"price": "p"}}, {"voice": {"price": "p"}}, {"data": {"price": "p"}}
FRESH = ["--fresh"]
CENT = {"p": {"unit": "second", "price": "0.01"}}
TWENTY = [{"up_to": 20, "price": "0.01"}, {"price": "0.02"}]
FLATS = [{"up_to": 10, "price": "1", "flat": "5"}, {"up_to": 20, "price": "0.5", "flat": "3"},
         {"price": "0", "flat": "7"}]
NIGHT = {"t": {"zone": "Europe/Berlin", "default": "peak",
               "bands": [{"band": "off", "from": "00:00", "to": "03:00"}]}}
MORNING = {"t": {"zone": "Europe/Berlin", "default": "peak",
                 "bands": [{"band": "off", "from": "00:00", "to": "08:00"}]}}
PEAKS = {"pk": {"unit": "second", "price": "0.02"}, "of": {"unit": "second", "price": "0.01"}}
BANDS = {"time_model": "t", "prices": {"home": {"peak": "pk", "off": "of"}}}
NEW = [{"id": "S1", "account": "A1", "product": "sold", "msisdn": "+49150000001",
        "active_from": "2026-01-01"}]
PAIR = [NEW[0], {**NEW[0], "id": "S2", "msisdn": "+49150000002"}]
OTHER = "+49150000002"

# A second across each side of a boundary: 0.134 twice are 0.26, or 0.268, by what is rounded; so in two records.
for what, amounts in (("event", ["0.27"]), ("segment", ["0.26"])):
    PRICE = {"unit": "second", "price": "0.0134", "decimals": 2, "rounding_of": what}
    odd("rounding of the " + what, {"voice": BANDS}, [call(20, start="2026-03-02T01:59:50Z")], amounts,
        prices={"pk": PRICE, "of": PRICE}, time_models=NIGHT)
odd("segments of a call in two records: 0.067, then 0.067 and 0.134", {"voice": BANDS},
    [call(5, start="2026-03-02T01:59:50Z", flags=["partial"]), call(15, start="2026-03-02T01:59:55Z")],
    ["0.07", "0.19"], prices={"pk": PRICE, "of": PRICE}, time_models=NIGHT)

# What a price without tiers sold before is no tier of the one that a call goes on at.
odd("from a price that counts nothing to tiers", {"voice": {"deck": "d", "rate_change": "split",
                                                           "prices": {"old": "a", "new": "p"}}},
    [call(50), call(10, start="2026-03-31T23:59:55Z")], ["50", "55"], decks={"d": {"file": "deck.csv"}},
    deck="prefix,zone,valid_from,valid_to\n49,old,,2026-04-01\n49,new,2026-04-01,\n",
    prices={"a": {"unit": "second", "price": "1"},
            "p": {"unit": "second", "tariff": "graduated", "tiers": [{"up_to": 10, "price": "10"}, {"price": "100"}]}})

# Prices of nothing, and bounds that still hold.
odd("price 0", EVENT, [event(5)], ["0"], prices=unit(price="0"))
odd("price 0 with a connect fee", VOICE, [call(60), call(0)], ["0.05", "0"],
    prices={"p": {"unit": "second", "price": "0", "connect": "0.05"}})
odd("price 0 with a minimum charge", VOICE, [call(60), call(0)], ["0.1", "0"],
    prices={"p": {"unit": "second", "price": "0", "min": "0.10"}})
odd("maximum charge", VOICE, [call(60), call(6000)], ["0.6", "5"],
    prices={"p": {"unit": "second", "price": "0.01", "max": "5"}})

# Tiers: bounds belong to the tier below, flats come once, 0 units cost nothing.
odd("first tier free", EVENT, [event(150), event(100)], ["0.5", "0"], arguments=FRESH,
    prices=unit(tariff="graduated", tiers=[{"up_to": 100, "price": "0"}, {"price": "0.01"}]))
odd("flats of graduated tiers", EVENT, [event(n) for n in (0, 10, 20, 21, 1000)],
    ["0", "15", "23", "30", "30"], arguments=FRESH, prices=unit(tariff="graduated", tiers=FLATS))
odd("the same, record after record", EVENT, [event(n) for n in (9, 1, 1, 10, 1)],
    ["14", "1", "3.5", "11.5", "0"], prices=unit(tariff="graduated", tiers=FLATS))
odd("volume with flats gives back", EVENT, [event(10), event(1)], ["15", "-6.5"],
    prices=unit(tariff="volume", tiers=FLATS))
odd("volume, first tier free", EVENT, [event(100), event(1)], ["0", "1.01"],
    prices=unit(tariff="volume", tiers=[{"up_to": 100, "price": "0"}, {"price": "0.01"}]))
odd("tiers with per", DATA, [data(1500000000)], ["15"],
    prices={"p": {"tariff": "graduated", "unit": "megabyte", "tiers": [
        {"up_to": 1000, "price": "10", "per": 1000}, {"price": "10", "per": 1000}]}})
odd("package with free units", EVENT, [event(n) for n in (0, 1, 100, 101, 600, 601)],
    ["0", "0", "0", "20", "20", "40"], arguments=FRESH,
    prices=unit(tariff="package", price="20", per=500, params={"free_units": 100}))
odd("tiers of blocks", EVENT, [event(n) for n in (1050, 1, 1000, 1001)], ["10.5", "1", "10", "10.5"],
    arguments=FRESH, prices=unit(tariff="graduated", block=100, tiers=[
        {"up_to": 10, "price": "1"}, {"price": "0.5"}]))
odd("tiers within a call", VOICE, [call(90), call(90)], ["0.75", "0.75"],
    prices={"p": {"tariff": "graduated", "unit": "second", "counter": "record",
                  "tiers": [{"up_to": 60, "price": "0.01"}, {"price": "0.005"}]}})
odd("graduated with one price", EVENT, [event(2)], ["2"], prices=unit(price="1", tariff="graduated"))

# Carried money.
odd("percentage and fixed fee; 0 pays nothing", EVENT, [money("100"), money("0"), money("0.0001")],
    ["1.35", "0", "0.0500013"], prices=share(rate="1.3%", fixed="0.05"))
odd("0 % is a fixed fee", EVENT, [money("100")], ["1"], prices=share(rate="0%", fixed="1"))
odd("minimum and maximum a record", EVENT, [money("10"), money("100"), money("1000")],
    ["0.5", "1", "2"], prices=share(rate="1%", min="0.5", max="2"))
odd("free events", EVENT, [money("10")] * 4, ["0", "0", "0.15", "0.15"],
    prices=share(rate="1%", fixed="0.05", free_events=2))
odd("free amount", EVENT, [money("30")] * 3, ["0", "0.15", "0.35"],
    prices=share(rate="1%", fixed="0.05", free_amount="50"))
odd("free events and amount, the first to end", EVENT, [money("10"), money("60"), money("10")],
    ["0", "0.25", "0.15"], prices=share(rate="1%", fixed="0.05", free_amount="50", free_events=5))
HALF = [{"up_to": "100", "rate": "1%", "flat": "1"}, {"rate": "0.5%"}]
odd("graduated percentage at its bound", EVENT, [money("100"), money("100.01"), money("200")],
    ["2", "2.00005", "2.5"], arguments=FRESH, prices=share(tiers=HALF))
odd("graduated percentage over a month", EVENT, [money("60"), money("60")], ["1.6", "0.5"],
    prices=share(tiers=HALF))
odd("dynamic with markup in cents", EVENT, [money("12.34"), money("0")], ["13.88", "0"],
    prices={"p": {"tariff": "dynamic", "unit": "amount", "decimals": 2, "params": {"markup": "12.5%"}}})
odd("flat whatever the quantity", EVENT, [event(7), event(0)], ["2.5", "0"],
    prices=unit(tariff="flat", price="2.5"))

# Rounding: each mode of a tie and of its mirror; currencies of 0 and 3 decimals.
for mode, up, down in (("half_up", "0.01", "-0.01"), ("half_even", "0", "0"), ("up", "0.01", "-0.01"),
                       ("down", "0", "0"), ("ceil", "0.01", "0"), ("floor", "0", "-0.01")):
    odd(f"0.005 {mode}", EVENT, [event(1)], [up], prices=unit(price="0.005", decimals=2, rounding=mode))
    odd(f"-0.005 {mode}", EVENT, [event(1)], [down],
        prices=unit(price="-0.005", decimals=2, rounding=mode))
odd("yen", EVENT, [event(1), event(2)], ["0", "1"], currency="JPY", prices=unit(price="0.4", decimals=0))
odd("yen at its rating scale", EVENT, [event(1)], ["0.333333"], currency="JPY", prices=unit(price="1", per=3))
odd("dinar", EVENT, [event(1)], ["0.001"], currency="KWD", prices=unit(price="0.0005", decimals=3))
odd("dinar at its rating scale", EVENT, [event(1)], ["0.333333333"], currency="KWD",
    prices=unit(price="1", per=3))
odd("yen bill", EVENT, [event(7)], ["2.8"], currency="JPY", prices=unit(price="0.4"),
    bills=[("2026-03", "A1", "3")])
odd("dinar bill with tax", EVENT, [event(1)], ["0.3335"], currency="KWD", prices=unit(price="0.3335"),
    product={"tax": "v"}, taxes={"v": {"rate": "5%"}}, bills=[("2026-03", "A1", "0.334", "0.351")])
odd("yen bill with tax", EVENT, [event(1)], ["333"], currency="JPY", prices=unit(price="333"),
    product={"tax": "v"}, taxes={"v": {"rate": "10%"}}, bills=[("2026-03", "A1", "333", "366")])
odd("thirds carried", EVENT, [event(1)] * 3, ["0.33", "0.34", "0.33"],
    prices=unit(price="1", per=3, decimals=2, carry_remainder=True))
odd("half a second either way", VOICE, [call(None, duration_ms=1500), call(None, duration_ms=2500)],
    ["0.02", "0.02"], prices={"p": {"unit": "second", "price": "0.01", "quantity_rounding": "half_even"}})
odd("part of a second is none", VOICE, [call(None, duration_ms=1999), call(None, duration_ms=999)],
    ["0.01", "0"], prices={"p": {"unit": "second", "price": "0.01", "quantity_rounding": "down"}})

# Large: what does not fit waits with a reason and is never wrapped.
odd("beyond 64 bits", EVENT, [event(281474976710655)], [{"reason": "AMOUNT_OVERFLOW"}],
    prices=unit(price="9000000"))
odd("beyond what a record may cost", EVENT, [event(281474976710655)], [{"reason": "PLUGIN_RANGE"}],
    prices=unit(price="0.0001"))
odd("rounded up beyond the meter's 2^48 octets", DATA, [data(281474976710655)],
    [{"reason": "AMOUNT_OVERFLOW"}], prices={"p": {"unit": "gigabyte", "price": "1"}})
odd("quantities that are none", EVENT,
    [event(-5), event(9223372036854775807), money("-5"), call(4294968)],
    [{"reason": "NEGATIVE_USAGE"}, {"error": "count: is above 281474976710655"},
     {"reason": "NEGATIVE_USAGE"}, {"error": "duration_s: is above 4294967"}],
    prices=unit(price="1"))

odd("lines that say too little or too much", EVENT,
    [event(subscriber_kind="phone"), event(start="2026-02-30"), event(id=7), event(credit="1", credit_floor="2"),
     data(1, count=1), call(1, quantity_up=1)],
    [{"error": "subscriber_kind: 'phone' is none of: e164, imsi, ip, name"},
     {"error": "start: there is no time 2026-02-30, or not before 2262"}, {"error": "id: must be a string"},
     {"error": "credit_floor: is above zero"}, {"error": "count: only for service message and event"},
     {"error": "quantity_up: a call has no octets, but a duration"}],
    prices=unit(price="1"))

# Periods.
for counter, start, wanted in (
        ("day", "2026-03-03T00:00:00Z", "0.2"), ("day", "2026-03-02T23:59:59Z", "0.4"),
        ("week", "2026-03-09T00:00:00Z", "0.2"), ("week", "2026-03-08T23:59:59Z", "0.4"),
        ("ever", "2029-03-08T23:59:59Z", "0.4"), ("record", "2026-03-02T10:00:01Z", "0.2"),
        ("quarter", "2026-03-31T23:59:59Z", "0.4"), ("quarter", "2026-04-01T00:00:00Z", "0.2"),
        ("half_year", "2026-06-30T23:59:59Z", "0.4"), ("half_year", "2026-07-01T00:00:00Z", "0.2"),
        ("year", "2026-12-31T23:59:59Z", "0.4"), ("year", "2027-01-01T00:00:00Z", "0.2"),
        ("hour", "2026-03-02T10:59:59Z", "0.4"), ("hour", "2026-03-02T11:00:00Z", "0.2"),
        ("cycle", "2026-04-01T00:00:00Z", "0.2"), ("month", "2026-04-01T00:00:00Z", "0.2")):
    odd(f"counter {counter} until {start}", VOICE, [call(20), call(20, start=start)], ["0.2", wanted],
        prices={"p": {"tariff": "graduated", "unit": "second", "counter": counter, "tiers": TWENTY}})
odd("a call over the month's end is of its start", VOICE,
    [call(20, start="2026-01-31T23:59:50Z"), call(20, start="2026-02-01T00:00:00Z")], ["0.2", "0.2"],
    prices={"p": {"tariff": "graduated", "unit": "second", "tiers": TWENTY}})
odd("a time without offset is UTC", VOICE,
    [call(20, start="2026-01-31T23:59:59"), call(20, start="2026-02-01")], ["0.2", "0.2"],
    prices={"p": {"tariff": "graduated", "unit": "second", "tiers": TWENTY}})
odd("cycle from the 15th", VOICE,
    [call(20, start="2026-03-14T23:59:59Z"), call(20, start="2026-03-15T00:00:00Z"),
     call(1, start="2026-04-14T00:00:00Z")], ["0.2", "0.2", "0.02"],
    accounts=[{"id": "A1", "cycle_day": 15}],
    prices={"p": {"tariff": "graduated", "unit": "second", "counter": "cycle", "tiers": TWENTY}})

# Bands over both changes of the clock, and the year's end.
odd("two hours in the night of 25 hours", {"voice": BANDS}, [call(7200, start="2026-10-25T00:30:00Z")],
    ["90"], prices=PEAKS, time_models=NIGHT)
odd("two hours in the night of 23 hours", {"voice": BANDS}, [call(7200, start="2026-03-29T00:30:00Z")],
    ["126"], prices=PEAKS, time_models=NIGHT)
odd("all at the start", {"voice": {**BANDS, "split": "start"}},
    [call(7200, start="2026-10-25T00:30:00Z")], ["72"], prices=PEAKS, time_models=NIGHT)
odd("all at the end", {"voice": {**BANDS, "split": "end"}},
    [call(7200, start="2026-10-25T00:30:00Z")], ["144"], prices=PEAKS, time_models=NIGHT)
odd("into the new year", {"voice": BANDS}, [call(10800, start="2026-12-31T22:00:00Z")], ["144"],
    prices=PEAKS, time_models=NIGHT)
odd("a holiday begins at local midnight", {"voice": {**BANDS, "prices": {"*": {"peak": "pk", "off": "of"}}}},
    [call(10, start="2026-12-25T12:00:00Z"), call(10, start="2026-12-24T22:59:55Z")], ["0.1", "0.15"],
    prices=PEAKS, time_models={"t": {"zone": "Europe/Berlin", "default": "peak",
                                     "holidays": {"band": "off", "yearly": ["12-25"]}}})
STEPS = {name: {"tariff": "graduated", "unit": "second", "counter": "record",
                "tiers": [{"up_to": 60, "price": "0.01"}, {"price": "0.1"}]} for name in ("pk", "of")}
odd("isolated: tiers start again in each band",
    {"voice": {**BANDS, "split": "isolated", "increment_owner": "per_segment"}},
    [call(120, start="2026-03-02T06:59:00Z")], ["1.2"], prices=STEPS, time_models=MORNING)
odd("consecutive: tiers go on", {"voice": BANDS}, [call(120, start="2026-03-02T06:59:00Z")], ["6.6"],
    prices=STEPS, time_models=MORNING)

# Allowances.
VA = {"voice": {"price": "p", "allowance": "a"}}
odd("an allowance is used up within a record", VA, [call(60), call(60)], ["0", "0.2"], prices=CENT,
    allowances=minutes(amount=100))
odd("billed units draw from it", VA, [call(150)], ["0.8"],
    prices={"p": {"unit": "second", "price": "0.01", "first": 60, "next": 60}}, allowances=minutes(amount=100))
odd("seconds of allowance, price in minutes", VA, [call(90)], ["0.1"],
    prices={"p": {"unit": "minute", "price": "0.10"}}, allowances=minutes(amount=60))
odd("less than a unit of the price covers none", VA, [call(90)], ["0.2"],
    prices={"p": {"unit": "minute", "price": "0.10"}}, allowances=minutes(amount=30))
odd("a connect fee wants a priced unit", VA, [call(60), call(60)], ["0", "0.25"],
    prices={"p": {"unit": "second", "price": "0.01", "connect": "0.05"}}, allowances=minutes(amount=100))
odd("or a used one", VA, [call(60), call(60)], ["0.05", "0.25"],
    prices={"p": {"unit": "second", "price": "0.01", "connect": "0.05", "connect_on": "used"}},
    allowances=minutes(amount=100))
odd("of one band", {"voice": {**BANDS, "allowances": ["a"]}}, [call(120, start="2026-03-02T06:59:00Z")],
    [{"amount": "1.2", "allowance_units": 60}], prices=PEAKS, time_models=MORNING,
    allowances=minutes(amount=1000, bands=["off"]))
odd("of what is received", {"voice": {"price": "p", "allowances": ["a"]},
                            "voice_received": {"price": "p", "allowances": ["a"]}},
    [call(60), call(60, flags=["incoming"])], ["0.6", "0"], prices=CENT,
    allowances=minutes(amount=100, direction="in"))
odd("a pool with a cap", {"voice": {"price": "p", "allowances": ["a"]}},
    [call(60), call(60, subscriber=OTHER), call(60)], ["0.3", "0.3", "0.6"], prices=CENT,
    allowances=minutes(amount=90, scope="account", member_cap=30), subscribers=PAIR)
# A pool begins with the account's first subscription that has one, whoever draws first.
LATER = [{"id": "S0", "account": "A1", "product": "plain", "msisdn": "+49150000009",
          "active_from": "2024-01-01"},
         {**PAIR[0], "active_from": "2026-01-17"}, {**PAIR[1], "active_from": "2026-02-05"}]
odd("nothing rolls over from before it", {"voice": {"price": "p", "allowances": ["a"]}},
    [call(60, start="2026-01-20T00:00:00Z"), call(200, start="2026-02-20T00:00:00Z", subscriber=OTHER)],
    ["0", "0.6"], prices=CENT, allowances=minutes(amount=100, scope="account", rollover={"periods": 1}),
    subscribers=LATER, products={"plain": {"fee": "0"}})
odd("prorated by days, with a cap, rolled over", {"voice": {"price": "p", "allowances": ["a"]}},
    [call(100, start="2026-01-20T00:00:00Z"), call(100, start="2026-02-10T00:00:00Z", subscriber=OTHER),
     call(100, start="2026-02-11T00:00:00Z")],
    [{"amount": "0.5", "allowances": [{"allowance": "a", "units": 50, "left": 100}]},
     {"amount": "0.5", "allowances": [{"allowance": "a", "units": 50, "left": 360}]},
     {"amount": "0.5", "allowances": [{"allowance": "a", "units": 50, "left": 310}]}],
    prices=CENT, subscribers=LATER, products={"plain": {"fee": "0"}},
    allowances=minutes(amount=310, scope="account", member_cap=50, proration="actual_days",
                       rollover={"periods": 1}))
odd("two, by priority", {"voice": {"price": "p", "allowances": ["a", "b"]}}, [call(60)] * 3,
    ["0", "0", "0.3"], prices=CENT,
    allowances={**minutes(amount=100), "b": {"unit": "second", "services": ["voice"], "amount": 50,
                                             "period": "ever", "priority": 1}})
odd("grant of part of a month", VA, [call(60, start="2026-03-20T00:00:00Z")], ["0.26"], prices=CENT,
    allowances=minutes(amount=62, proration="actual_days"),
    subscribers=[{**NEW[0], "active_from": "2026-03-15"}])
for what, rollover, rows, wanted in (
        ("rolls once", {"periods": 1}, [("01", 40), ("02", 150), ("03", 150)], ["0", "0", "0.4"]),
        ("rolls a month that saw no use", {"periods": 1}, [("01", 40), ("03", 250)], ["0", "0.5"]),
        ("at most 20 roll", {"periods": 1, "max": 20}, [("01", 40), ("02", 150)], ["0", "0.3"]),
        ("at least 30 roll", {"periods": 1, "min": 30}, [("01", 100), ("02", 150)], ["0", "0.2"])):
    odd(what, VA, [call(seconds, start=f"2026-{month}-10T00:00:00Z") for month, seconds in rows], wanted,
        prices=CENT, allowances=minutes(amount=100, rollover=rollover), subscribers=NEW)

# What may be spent, and what bills make of it.
odd("a spend limit cuts", EVENT, [event(1)] * 4, ["0.4", "0.4", "0.2", "0"],
    prices=unit(price="0.4", spend_limit="l"), spend_limits={"l": {"maximum": "1.00"}})
odd("an account's limit", EVENT, [event(1), event(1, subscriber=OTHER)], ["6", "4"],
    prices=unit(price="6", spend_limit="l"), spend_limits={"l": {"maximum": "10", "scope": "account"}},
    subscribers=PAIR)
odd("the tighter of two limits", {"event": {"price": "p", "spend_limit": "m"}}, [event(1), event(1)],
    ["6", "2"], prices=unit(price="6", spend_limit="l"),
    spend_limits={"l": {"maximum": "10"}, "m": {"maximum": "8"}})
odd("minimum, with and without usage", EVENT, [event(3)], ["3"], prices=unit(price="1"),
    product={"minimum": "10"}, bills=[("2026-03", "A1", "10.00"), ("2026-04", "A1", "10.00")])
odd("discount, then minimum", EVENT, [event(30)], ["30"], prices=unit(price="1"),
    product={"discount": "50%", "minimum": "20"}, bills=[("2026-03", "A1", "20.00")])
odd("maximum of a bill", EVENT, [event(30)], ["30"], prices=unit(price="1"), product={"maximum": "10"},
    bills=[("2026-03", "A1", "10.00")])
odd("a fee that gives back", {}, [], [], product={"fee": "-5"}, bills=[("2026-03", "A1", "-5.00")])
odd("dollars on a bill in euros", EVENT, [event(1)], ["2"], prices=unit(price="2", currency="USD"),
    exchange_rates={"r": {"from": "USD", "to": "EUR", "rate": "0.9", "valid_from": "2020-01-01"}},
    bills=[("2026-03", "A1", "1.80")])

# Networks by id and by PLMN; one's own is home.
odd("networks", {"data": {"prices": {"home": "p", "eu": "q"}}},
    [data(1000000), data(1000000, serving_network="fr"), data(1000000, serving_network="20801"),
     data(1000000, serving_network="own"), data(1000000, serving_network="26201")],
    ["1", "2", "2", "1", "1"],
    prices={"p": {"unit": "megabyte", "price": "1"}, "q": {"unit": "megabyte", "price": "2"}},
    networks={"own": {"plmn": "26201"}, "fr": {"plmn": "20801", "zone": "eu"}})
