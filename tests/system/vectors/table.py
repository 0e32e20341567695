# SPDX-License-Identifier: Apache-2.0
"""Every worked number of rating-semantics 4.3 to 4.7, 4.15 and the matrix of 4.16 (3).

A vector is (section, what, scenario, which answer, what of it is wanted). Scenarios go through quote
or through bill run from files.
"""
from world import Scenario, call, data, event

VECTORS = []
TIERS = [{"up_to": 1000, "price": "0.05"}, {"up_to": 10000, "price": "0.04"}, {"price": "0.03"}]


def quoted(section, what, plan, rows, wanted, **parts):
    """One vector a row; wanted: a dict of answer keys each."""
    scenario = Scenario(section, what, plan, rows, wanted, **parts)
    for i, keys in enumerate(wanted):
        VECTORS.append((section, what[i] if isinstance(what, list) else what, scenario, i, keys))


def billed(section, what, period, wanted, rows=(), plan=None, **parts):
    """wanted: keys of the bill, or x_line sums."""
    scenario = Scenario(section, what, plan or {}, rows, [None] * len(rows), **parts)
    VECTORS.append((section, what, scenario, period, wanted))


def voice(section, names, price, seconds, wanted):
    quoted(section, names, {"voice": {"price": "p"}}, [call(s) for s in seconds], wanted,
           prices={"p": {"unit": "second", "per": 60, **price}}, arguments=["--fresh"])


def units(billed_units, amount):
    return {"billed_units": billed_units, "amount": amount}


voice("4.3", [f"60/6 at 0.10 a minute, {s} s" for s in (1, 60, 61, 66, 67)],
      {"price": "0.10", "first": 60, "next": 6}, [1, 60, 61, 66, 67],
      [units(60, "0.10"), units(60, "0.10"), units(66, "0.11"), units(66, "0.11"),
       units(72, "0.12")])
voice("4.3", ["600 s with connect 0.05"],
      {"price": "0.10", "first": 60, "next": 6, "connect": "0.05"}, [600], [units(600, "1.05")])
voice("4.3", [f"30/6 at 0.006 a minute, {s} s" for s in (32, 57, 75)],
      {"price": "0.006", "first": 30, "next": 6}, [32, 57, 75],
      [units(36, "0.0036"), units(60, "0.006"), units(78, "0.0078")])
voice("4.3", ["6/6, 3 s", "6/6, 100 s: 1 + 16 increments", "6/6, 205 s: 35 x 0.00137"],
      {"price": "0.00137", "per": 6, "first": 6, "next": 6}, [3, 100, 205],
      [units(6, "0.00137"), units(102, "0.02329"), units(210, "0.04795")])
voice("4.3", ["60/60, 42 s", "60/60, 622 s"], {"price": "0.10", "first": 60, "next": 60},
      [42, 622], [units(60, "0.10"), units(660, "1.10")])
voice("4.3", ["0 s are not billed, no connect fee", "at the grace nothing, no fee",
              "above the grace from the first second"],
      {"price": "0.60", "connect": "1", "grace": 3}, [0, 3, 4],
      [units(0, "0"), units(0, "0"), units(4, "1.04")])
voice("4.3", ["included seconds reduce billed units"],
      {"price": "0.60", "first": 60, "next": 6, "included": 30}, [61], [units(36, "0.36")])
voice("4.3", ["minimum duration, then increments"],
      {"price": "0.60", "minimum": 20, "first": 1, "next": 15}, [5], [units(31, "0.31")])
quoted("4.3", "1024 octets are 2 started kilobytes", {"data": {"price": "k"}}, [data(1024)],
       [units(2, "2")], prices={"k": {"unit": "kilobyte", "price": "1"}})
quoted("4.3", "1024 octets are 1 kibibyte", {"data": {"price": "k"}}, [data(1024)],
       [units(1, "1")], prices={"k": {"unit": "kibibyte", "price": "1"}})
quoted("4.3", ["connect once a call: first partial", "not with the second partial"],
       {"voice": {"price": "p"}}, [call(60, flags=["partial"]), call(60)],
       [{"connect_fee": "1"}, {"connect_fee": "0"}],
       prices={"p": {"unit": "second", "price": "0.01", "connect": "1"}})


def model(start, end, zone="Europe/Berlin"):
    return {"t": {"zone": zone, "default": "off",
                  "bands": [{"band": "peak", "from": start, "to": end}]}}


def bands(first=1, following=1, **plan):
    prices = {band: {"unit": "second", "price": "1", "first": first, "next": following}
              for band in ("off", "peak")}
    service = {"time_model": "t", "prices": {"home": {"off": "off", "peak": "peak"}}, **plan}
    return {"voice": service}, prices


def pieces(*parts):
    return {"pieces": [list(part) for part in parts]}


for what, hours, start, length, wanted in (
        ("the hour comes twice: OFF 5400, PEAK 1800", ("03:00", "24:00"), "2026-10-25T00:30:00Z",
         7200, pieces(("off", 5400), ("peak", 1800))),
        ("the hour is gone: OFF 1800, PEAK 5400", ("03:00", "24:00"), "2026-03-29T00:30:00Z", 7200,
         pieces(("off", 1800), ("peak", 5400))),
        ("PEAK 90, OFF 210", ("08:00", "18:00"), "2026-06-01T15:58:30Z", 300,
         pieces(("peak", 90), ("off", 210)))):
    PLAN, PRICES = bands()
    quoted("4.4", what, PLAN, [call(length, start=start)], [wanted], prices=PRICES,
           time_models=model(*hours))
quoted("4.4", "30 s at 80 before 07:00, 60 s at 30 after: 730",
       {"voice": {"time_model": "t", "increment_owner": "per_segment",
                  "prices": {"home": {"off": "a", "peak": "b"}}}},
       [call(360, start="2026-06-01T06:56:03Z")], [{"amount": "730"}],
       prices={"a": {"unit": "second", "price": "80", "per": 30, "first": 30, "next": 30},
               "b": {"unit": "second", "price": "30", "per": 60, "first": 60, "next": 60}},
       time_models=model("07:00", "24:00", "UTC"))
PLAN, PRICES = bands()
PRICES["off"]["connect"] = "1"
PRICES["peak"]["connect"] = "5"
quoted("4.4", "connect fee of the first band only", PLAN,
       [call(7200, start="2026-03-29T00:30:00Z")], [{"connect_fee": "1"}], prices=PRICES,
       time_models=model("03:00", "24:00"))

# 4.5: 1000 at 0.05, 9000 at 0.04, the rest at 0.03.
for tariff, numbers in (("graduated", {1000: "50.00", 1001: "50.04", 10000: "410",
                                       10001: "410.03", 25000: "860"}),
                        ("volume", {1000: "50.00", 1001: "40.04", 10001: "300.03",
                                    25000: "750"})):
    quoted("4.5", [f"{tariff} {quantity}" for quantity in numbers], {"event": {"price": "p"}},
           [event(quantity) for quantity in numbers],
           [{"amount": amount} for amount in numbers.values()], arguments=["--fresh"],
           prices={"p": {"tariff": tariff, "unit": "event", "tiers": TIERS}})
quoted("4.5", [f"package of 500 at 20: {q}" for q in (1, 1000, 1001, 10001)],
       {"event": {"price": "p"}}, [event(q) for q in (1, 1000, 1001, 10001)],
       [{"amount": a} for a in ("20", "40", "60", "420")], arguments=["--fresh"],
       prices={"p": {"tariff": "package", "unit": "event", "price": "20", "per": 500}})
quoted("4.5", ["995 units before", "995 to 1005: 5 x 0.05 + 5 x 0.04"], {"event": {"price": "p"}},
       [event(995), event(10)], [{"amount": "49.75"}, {"amount": "0.45", "units_before": 995}],
       prices={"p": {"tariff": "graduated", "unit": "event", "tiers": TIERS}})
quoted("4.5", ["volume, 1000 before", "volume 1001: 40.04 - 50.00"], {"event": {"price": "p"}},
       [event(1000), event(1)], [{"amount": "50"}, {"amount": "-9.96"}],
       prices={"p": {"tariff": "volume", "unit": "event", "tiers": TIERS}})
quoted("4.5", ["no flat fee at 0 units", "flat fee with the first unit", "not with the second"],
       {"event": {"price": "p"}}, [event(0), event(1), event(1)],
       [{"amount": "0"}, {"amount": "8"}, {"amount": "1"}],
       prices={"p": {"tariff": "graduated", "unit": "event",
                     "tiers": [{"up_to": 9, "price": "1", "flat": "7"}, {"price": "1"}]}})

# 4.6: 100 s cover the front of a call; rollover; a grant once a cycle.
quoted("4.6", ["covered at the exact unit", "the rest is priced as if it started after them"],
       {"voice": {"price": "p", "allowance": "a"}}, [call(61), call(61)],
       [{"allowance_units": 66, "amount": "0"}, {"allowance_units": 34, "billed_units": 66,
                                                "amount": "0.32"}],
       prices={"p": {"unit": "second", "price": "0.01", "first": 60, "next": 6}},
       allowances={"a": {"unit": "second", "amount": 100, "services": ["voice"]}})
for least, most, used, wanted in ((0, 50, 30, 150), (0, 80, 30, 170), (20, 50, 95, 120),
                                  (0, 50, 100, 100)):
    quoted("4.6", [f"{used} of 100 used",
                   f"next = MIN({most}, MAX({100 - used}, {least})) + 100 = {wanted}"],
           {"event": {"price": "p", "allowances": ["a"]}},
           [event(used, "2026-03-10T00:00:00Z"), event(500, "2026-04-10T00:00:00Z")],
           [{"allowance_units": used}, {"allowance_units": wanted}],
           prices={"p": {"unit": "event", "price": "1"}},
           subscribers=[{"id": "S1", "account": "A1", "product": "sold", "msisdn": "+49150000001",
                         "active_from": "2026-03-01"}],
           allowances={"a": {"unit": "event", "amount": 100, "services": ["event"],
                             "rollover": {"periods": 1, "min": least, "max": most}}})
AGAIN = [{"id": "S1", "account": "A1", "product": "sold", "msisdn": "+49150000001",
          "active_from": "2026-03-01", "active_to": "2026-03-11"},
         {"id": "S2", "account": "A1", "product": "sold", "msisdn": "+49150000001",
          "active_from": "2026-03-21", "active_to": ""}]
POOL = {"pool": {"unit": "gigabyte", "amount": 30, "services": ["data"], "scope": "account"}}
quoted("4.6", ["30 GB in full, though active for part", "not granted again on re-activation"],
       {"data": {"price": "p", "allowances": ["pool"]}},
       [data(20 * 10**9, "2026-03-05T00:00:00Z"), data(20 * 10**9, "2026-03-25T00:00:00Z")],
       [{"allowance_units": 20}, {"allowance_units": 10}],
       prices={"p": {"unit": "gigabyte", "price": "1"}}, allowances=POOL, subscribers=AGAIN)
billed("4.6", "the fee is prorated: 10 and 11 of 31 days", "2026-03", {"net": "21.00"},
       product={"fee": "31.00"}, subscribers=AGAIN)


def member(start, end=""):
    return [{"id": "S1", "account": "A1", "product": "sold", "active_from": start,
             "active_to": end}]


billed("4.7", "30.00 from 10 October, actual days: 22/31", "2026-10",
       {"net": "21.29", "exact": "21.29032258"}, product={"fee": "30.00"},
       subscribers=member("2026-10-10"))
billed("4.7", "30.00 from 10 October, fixed_30: 21/30", "2026-10", {"net": "21.00"},
       product={"fee": "30.00", "proration": "fixed_30"}, subscribers=member("2026-10-10"))
billed("4.7", "28.00 from 15 February: 14/28", "2026-02", {"net": "14.00"},
       product={"fee": "28.00"}, subscribers=member("2026-02-15"))
for month, start, end in (("2026-02", "2026-01-31", "2026-02-28"),
                          ("2026-03", "2026-02-28", "2026-03-31"),
                          ("2026-04", "2026-03-31", "2026-04-30")):
    billed("4.7", f"anchor day 31 in {month}", month, {"from": start, "to": end, "net": "30.00"},
           product={"fee": "30.00"}, accounts=[{"id": "A1", "cycle_day": 31}],
           subscribers=member("2020-01-01"))
for flag, net in (("prorate_on_start", "30.00"), ("prorate_on_end", "21.29")):
    billed("4.7", f"{flag}: false, 30.00 from 10 October", "2026-10", {"net": net},
           product={"fee": "30.00", flag: False}, subscribers=member("2026-10-10"))
billed("4.7", "upgrade on 16 March: 15 days of 31.00 and 16 of 62.00, both shown", "2026-03",
       {"net": "47.00", "lines": 2}, product={"fee": "31.00"}, products={"more": {"fee": "62.00"}},
       subscribers=member("2026-01-01", "2026-03-16") +
       [{"id": "S2", "account": "A1", "product": "more", "active_from": "2026-03-16"}])

# 4.15: 7 x 0.99 at 19 %.
SEVEN = [{"id": f"S{i}", "account": "A1", "product": "sold", "active_from": "2020-01-01"}
         for i in range(7)]
for mode, tax in (("line", "1.33"), ("category", "1.32")):
    billed("4.15", f"7 x 0.99 at 19 %, {mode}", "2026-03",
           {"net": "6.93", "tax": tax, "line_tax": tax, "lines": 7},
           taxes={"vat": {"rate": "19%", "mode": mode}}, product={"fee": "0.99", "tax": "vat"},
           subscribers=SEVEN)
COMPOUND = {"gst": {"rate": "5%"}, "qst": {"rate": "9.5%", "compound": True}}
for what, fee, tax, keys in (
        ("compound: 5 % and 9.5 % on both", "100.00", "14.98", {}),
        ("compound backed out of 114.98", "114.98", "14.98", {"inclusive": True}),
        ("compound, a line", "0.99", "0.15", {"mode": "line"})):
    net = "100.00" if fee != "0.99" else "0.99"
    billed("4.15", what, "2026-03", {"net": net, "tax": tax, "line_tax": tax},
           taxes={**COMPOUND, "both": {"parts": ["gst", "qst"], **keys}},
           product={"fee": fee, "tax": "both"}, subscribers=SEVEN[:1])
billed("4.15", "7 x 0.99 at 19 %, each charge", "2026-03", {"net": "6.93", "tax": "1.33"},
       rows=[event(1)] * 7, plan={"event": {"price": "p"}},
       prices={"p": {"unit": "event", "price": "0.99"}},
       taxes={"vat": {"rate": "19%", "mode": "charge"}}, product={"tax": "vat"})
