# SPDX-License-Identifier: Apache-2.0
"""Every option of the catalog, changed once: `tollgate catalog diff` must tell it.

The options are taken from `tollgate catalog schema`, so one that is added later fails here until diff
knows it: what can be changed by its type is (enumerations, switches, numbers, amounts), all else has an
entry in CHANGES. An option that changes no charge is in SILENT, with the reason.
Usage: run.py TOLLGATE
"""
import json
import os
import subprocess
import sys
import tempfile

TOLLGATE = sys.argv[1]
SERVICES = {"data": "megabyte", "voice": "second", "message": "event", "event": "event", "access": "second",
            "voice_received": "second", "message_received": "event"}
DELETE = object()

FILES = {
    "world.csv": "prefix,zone\n49,germany\n*,rest\n",
    "other.csv": "prefix,zone\n49,germany\n4915,rest\n*,rest\n",
    "jan.csv": "prefix,price\n49,0.10\n43,0.20\n",
    "feb.csv": "prefix,zone,price\n49,deutschland,0.12\n",
    "sheet1.csv": "prefix,zone,price\n49,germany,0.10\n43,austria,0.20\n",
    "sheet2.csv": "prefix,zone,price\n49,germany,0.12\n",
    "sheet3.csv": "prefix,zone,price\n49,germany,0.13\n",
    "accounts.csv": "id\nA1\n",
    "subscribers.csv": "id,account,product\nS1,A1,basic\n",
}


def service(name):
    return {"deck": "world", "fallback_decks": ["small"], "time_model": "week",
            "prices": {"germany": "p_" + name, "*": {"peak": "p_" + name, "off": "q_" + name}}}


def base():
    world = {
        "catalog": {"version": 1, "valid_from": "2026-01-01", "currency": "EUR", "account_zones": ["Europe/Madrid"]},
        "taxes": {"vat": {"rate": "19%"}, "gst": {"rate": "5%"}, "both": {"parts": ["vat", "gst"]}},
        "decks": {
            "world": {"file": "world.csv"}, "small": {"prefixes": {"43": "austria", "44": "rest"}},
            "tiny": {"prefixes": {"43": "rest"}},
            "sheet": {"file": "sheet1.csv", "rates": {"unit": "second", "per": 60}},
            "sheets": {"rates": {"unit": "second", "per": 60}, "sheets": [
                {"file": "sheet1.csv"}, {"file": "sheet2.csv", "valid_from": "2026-02-01", "missing": "keep"}]}},
        "time_models": {
            "week": {"default": "off", "bands": [{"band": "peak", "from": "08:00", "to": "18:00", "days": "mon-fri"}],
                     "holidays": {"band": "off", "dates": ["2026-12-25"], "yearly": ["01-01"]}},
            "later": {"default": "off", "bands": [{"band": "peak", "from": "09:00", "to": "18:00"}]},
            "abroad": {"by": "serving", "default": "off", "bands": [{"band": "peak", "from": "08:00", "to": "18:00"}]},
            "there": {"by": "node", "default": "off", "bands": [{"band": "peak", "from": "08:00", "to": "18:00"}]}},
        "prices": {"plain": {"unit": "second", "price": "0.01"},
                   "tiered": {"tariff": "graduated", "unit": "second",
                              "tiers": [{"up_to": 60, "price": "0.02"}, {"price": "0.01"}]},
                   "foreign": {"unit": "second", "price": "0.02", "currency": "USD"},
                   "counted": {"tariff": "graduated", "unit": "second", "counter": "calls",
                               "tiers": [{"up_to": 60, "price": "0.02"}, {"price": "0.01"}]},
                   "share": {"tariff": "percentage", "unit": "amount", "params": {"rate": "2%"}}},
        "allowances": {"talk": {"unit": "second", "amount": 600, "services": ["voice"], "zones": ["germany"]},
                       "day": {"unit": "second", "amount": 60, "services": ["voice"], "period": "day"},
                       "roll": {"unit": "second", "amount": 60, "services": ["voice"],
                                "rollover": {"periods": 1, "max": 600, "total": 600}},
                       "pool": {"unit": "second", "amount": 60, "services": ["voice"], "scope": "account",
                                "member_cap": 30}},
        "counters": {"calls": {"period": "week", "scope": "account"}},
        "sites": {"madrid": {"nodes": ["192.0.2.0/25", "2001:db8::1", "pgw1"], "time_zone": "Europe/Madrid"},
                  "chicago": {"nodes": ["198.51.100.7"], "time_zone": "America/Chicago"}},
        "causes": {"isup": {"billable": ["16", "31"]}, "ims": {"not_billable": ["0-15"]}},
        "spend_limits": {"cap": {"maximum": "50.00", "thresholds": ["40.00"]}, "floor": {"minimum": "5.00"}},
        "exchange_rates": {"usd": {"from": "USD", "to": "EUR", "rate": "0.9", "valid_from": "2025-01-01",
                                   "valid_to": "2030-01-01"}},
        "cash_roundings": {"eur": {"currency": "EUR", "step": "0.05"}},
        "legal_entities": {"north": {"title": "North SA", "tax_id": "FR1", "series": "N"}, "south": {}},
        "networks": {"home": {"plmn": "26201"},
                     "spain": {"plmn": "21401", "zone": "rest", "time_zone": "Europe/Madrid"},
                     "texas": {"plmn": "310410", "zone": "rest", "time_zone": "America/Chicago"}},
        "plans": {"p": {name: service(name) for name in SERVICES},
                  "x": {"voice": {"prices": {"*": "plain"}, "allowances": ["talk", "day", "roll", "pool"]},
                        "event": {"prices": {"*": "share"}}, "access": {"prices": {"*": "tiered"}}},
                  "y": {"voice": {"prices": {"*": {"peak": "plain", "off": "plain"}}, "time_model": "abroad"}},
                  "v": {"voice": {"prices": {"*": {"peak": "plain", "off": "plain"}}, "time_model": "there"}},
                  "u": {"voice": {"prices": {"*": "counted"}}},
                  "w": {"voice": {"prices": {"*": "foreign"}}},
                  "z": {"voice": {"deck": "sheet"}}, "zz": {"voice": {"deck": "sheets"}}},
        "products": {"basic": {"plan": "p", "tax": "vat", "fee": "9.99", "discount_amount": "1.00",
                               "minimum": "5.00", "maximum": "90.00"}},
    }
    for name, unit in SERVICES.items():
        world["prices"]["p_" + name] = {"unit": unit, "price": "0.10"}
        world["prices"]["q_" + name] = {"unit": unit, "price": "0.20"}
        covers = name.replace("_received", "")
        for letter in "ab":
            world["allowances"]["%s_%s" % (letter, name)] = {"unit": unit, "amount": 10, "services": [covers]}
    return world


# Option -> [what both sides have], [what one of them has]; each (path, value). Or a list of such pairs.
CHANGES = {
    "catalog.currency": ([("exchange_rates", DELETE), ("prices.foreign", DELETE),
                          ("plans.w.voice.prices.*", "plain")], [("catalog.currency", "USD")]),
    "catalog.period_zone": ([], [("catalog.period_zone", "Europe/Berlin")]),
    "catalog.account_zones": ([], [("catalog.account_zones", ["Europe/Madrid", "Asia/Tokyo"])]),
    "catalog.billing.approval": ([], [("catalog.billing", {"approval": "required"})]),
    "catalog.billing.credit": ([], [("catalog.billing", {"credit": "open"})]),
    "catalog.billing.prepaid_fees": ([], [("catalog.billing", {"prepaid_fees": "whole"})]),
    "catalog.billing.line_rounding": ([], [("catalog.billing", {"line_rounding": "each"})]),
    "catalog.billing.grace_days": ([], [("catalog.billing", {"grace_days": 0})]),
    "catalog.billing.payment_days": ([], [("catalog.billing", {"payment_days": 0})]),
    "catalog.rating_digits": ([], [("catalog.rating_digits", 4)]),
    "catalog.rating_digits_of.*": [([], [("catalog.rating_digits_of", {"EUR": 4})]),
                                   ([], [("catalog.rating_digits_of", {"USD": 0})])],
    "catalog.rounding.rate": ([], [("catalog.rounding", {"rate": "up"})]),
    "catalog.rounding.tax": ([], [("catalog.rounding", {"tax": "up"})]),
    "catalog.rounding.bill": ([], [("catalog.rounding", {"bill": "up"})]),
    "catalog.rounding.exchange": ([], [("catalog.rounding", {"exchange": "up"})]),
    "products.*.period_count": ([("products.basic.period", "week"), ("products.basic.period_from", "start")],
                                [("products.basic.period_count", 2)]),
    "products.*.period_from": ([("products.basic.period", "year")], [("products.basic.period_from", "start")]),
    "taxes.*.parts": ([], [("taxes.both.parts", ["gst", "vat"])]),
    "taxes.*.title": ([], [("taxes.vat.title", "Value added tax")]),
    "taxes.*.category": ([], [("taxes.vat.category", "AE")]),
    "decks.*.file": ([], [("decks.world.file", "other.csv")]),
    "decks.*.sheets[].file": ([], [("decks.sheets.sheets.1.file", "sheet3.csv")]),
    "decks.*.sheets[].valid_from": ([], [("decks.sheets.sheets.1.valid_from", "2026-03-01")]),
    "decks.*.sheets[].missing": ([], [("decks.sheets.sheets.1.missing", "delete")]),
    "decks.*.prefixes.*": ([], [("decks.small.prefixes.44", "austria")]),
    "decks.*.rates.unit": ([], [("decks.sheet.rates.unit", "minute")]),
    "products.*.minimum_period": ([("products.basic.minimum", "5.00")], [("products.basic.minimum_period", "year")]),
    "decks.*.rates.decimals": ([], [("decks.sheet.rates.decimals", 2)]),
    "decks.*.rates.tax": ([], [("decks.sheet.rates.tax", "gst")]),
    "decks.*.rates.currency": ([], [("decks.sheet.rates.currency", "USD")]),
    "prices.*.tariff": ([], [("prices.tiered.tariff", "volume")]),
    "prices.*.currency": ([], [("prices.plain.currency", "USD")]),
    "prices.*.convert": ([], [("prices.foreign.convert", "event")]),
    "prices.*.carry_remainder": ([], [("prices.plain.carry_remainder", True)]),
    "prices.*.carry_scope": ([("prices.plain.carry_remainder", True)], [("prices.plain.carry_scope", "account")]),
    "prices.*.spend_limit": [([], [("prices.plain.spend_limit", limit)]) for limit in ("cap", "floor")],
    "prices.*.tax": ([], [("prices.plain.tax", "both")]),
    "prices.*.unit": ([], [("prices.plain.unit", "minute")]),
    "prices.*.decimals": ([], [("prices.plain.decimals", 2)]),
    "prices.*.at_max": ([("prices.plain.max", "1.00")], [("prices.plain.at_max", "stop")]),
    "prices.*.connect_on": ([("prices.plain.connect", "0.10")], [("prices.plain.connect_on", "used")]),
    "prices.*.counter": ([], [("prices.tiered.counter", "day")]),
    "prices.*.meter": ([("prices.level", {"unit": "event", "price": "1"}), ("plans.u.event", {"prices": {"*": "level"}})],
                       [("prices.level.meter", "max")]),
    "prices.*.tiers[].up_to": ([], [("prices.tiered.tiers.0.up_to", 61)]),
    "prices.*.tiers[].price": ([], [("prices.tiered.tiers.1.price", "0.011")]),
    "prices.*.tiers[].per": ([], [("prices.tiered.tiers.1.per", 2)]),
    "prices.*.tiers[].flat": ([], [("prices.tiered.tiers.1.flat", "0.50")]),
    "prices.*.params": ([], [("prices.share.params.rate", "3%")]),
    "time_models.*.zone": ([], [("time_models.week.zone", "Europe/Berlin")]),
    "time_models.*.default": ([], [("time_models.week.default", "peak")]),
    "time_models.*.bands[].band": ([("time_models.week.bands.1", {"band": "off", "days": "sat"})],
                                   [("time_models.week.bands.1.band", "peak")]),
    "time_models.*.bands[].from": ([], [("time_models.week.bands.0.from", "07:00")]),
    "time_models.*.bands[].to": ([], [("time_models.week.bands.0.to", "17:00")]),
    "time_models.*.bands[].days": ([], [("time_models.week.bands.0.days", "sat-sun")]),
    "time_models.*.bands[].dates": ([], [("time_models.later.bands.0.dates", ["2026-12-24"])]),
    "time_models.*.bands[].yearly": ([], [("time_models.later.bands.0.yearly", ["12-24"])]),
    "time_models.*.bands[].month_days": ([], [("time_models.later.bands.0.month_days", [1])]),
    "time_models.*.bands[].months": ([], [("time_models.later.bands.0.months", [7])]),
    "time_models.*.bands[].years": ([], [("time_models.later.bands.0.years", [2026])]),
    "time_models.*.bands[].weight": ([("time_models.later.bands.1", {"band": "off", "from": "10:00", "to": "11:00"})],
                                     [("time_models.later.bands.1.weight", 5)]),
    "time_models.*.holidays.band": ([], [("time_models.week.holidays.band", "peak")]),
    "time_models.*.holidays.dates": ([], [("time_models.week.holidays.dates", ["2026-12-24"])]),
    "time_models.*.holidays.yearly": ([], [("time_models.week.holidays.yearly", ["05-01"])]),
    "allowances.*.unit": ([], [("allowances.talk.unit", "minute")]),
    "allowances.*.services": ([], [("allowances.talk.services", ["voice", "access"])]),
    "allowances.*.zones": [([], [("allowances.talk.zones", ["germany", "rest"])]),
                           ([], [("allowances.talk.zones", DELETE)])],
    "allowances.*.bands": ([("plans.x.voice.time_model", "later"), ("plans.x.voice.prices", {"*": {"peak": "plain", "off": "plain"}})],
                           [("allowances.talk.bands", ["peak"])]),
    "allowances.*.scope": ([], [("allowances.talk.scope", "account")]),
    "allowances.*.stacking": ([("allowances.talk.scope", "subscriber")], [("allowances.talk.stacking", "once")]),
    "allowances.*.consume": ([("plans.x.voice.allowances", ["talk"])], [("allowances.talk.consume", "raw")]),
    "allowances.*.price_when_used": [
        ([], [("allowances.talk.price_when_used", "plain")]),
        ([("allowances.talk.price_when_used", "plain")], [("allowances.talk.price_when_used", "p_voice")])],
    "allowances.*.valid_from": [
        ([], [("allowances.talk.valid_from", "2026-02-01")]),
        ([("allowances.talk.valid_from", "2026-02-01")], [("allowances.talk.valid_from", "2026-02-01T00:00:00Z")])],
    "allowances.*.period_from": ([], [("allowances.day.period_from", "start")]),
    "allowances.*.period_count": ([("allowances.day.period_from", "start")], [("allowances.day.period_count", 30)]),
    "allowances.*.valid_to": [
        ([("allowances.talk.period", "month")], [("allowances.talk.valid_to", "2026-05-01")]),
        ([("allowances.talk.valid_to", "2026-05-01")], [("allowances.talk.valid_to", "2026-05-02")])],
    "allowances.*.rollover.order": ([], [("allowances.roll.rollover.order", "newest_first")]),
    "allowances.*.member_cap": ([], [("allowances.pool.member_cap", 31)]),
    "allowances.*.rollover.periods": ([], [("allowances.roll.rollover.periods", 2)]),
    "allowances.*.rollover.share": ([], [("allowances.roll.rollover.share", 50)]),
    "allowances.*.rollover.min": ([], [("allowances.roll.rollover.min", 10)]),
    "allowances.*.rollover.max": ([], [("allowances.roll.rollover.max", 500)]),
    "allowances.*.rollover.total": ([], [("allowances.roll.rollover.total", 700)]),
    "allowances.*.thresholds": [([("allowances.day.thresholds", [50])], [("allowances.day.thresholds", [50, 80])]),
                                ([], [("allowances.day.thresholds", [50, 80])])],
    "products.*.plan": ([], [("products.basic.plan", "x")]),
    "products.*.tax": ([], [("products.basic.tax", "both")]),
    "products.*.title": ([], [("products.basic.title", "Basic")]),
    "products.*.discount_rounding": ([], [("products.basic.discount_rounding", "up")]),
    "products.*.discount_from": ([], [("products.basic.discount_from", "10.00")]),
    "products.*.discount_max": [
        ([("products.basic.discount", "10%")], [("products.basic.discount_max", "5.00")]),
        ([("products.basic.discount", "10%"), ("products.basic.discount_max", "5.00")],
         [("products.basic.discount_max", "6.00")])],
    "products.*.discount_cycles": ([], [("products.basic.discount_cycles", 3)]),
    "products.*.discount_prices": ([("products.basic.discount", "10%")], [("products.basic.discount_prices", ["plain"])]),
    "products.*.discount_decimals": ([], [("products.basic.discount_decimals", 2)]),
    "products.*.proration": ([], [("products.basic.proration", "seconds")]),
    "exchange_rates.*.from": ([("exchange_rates.x", {"from": "CHF", "to": "EUR", "rate": "1", "valid_from": "2025-01-01"})],
                              [("exchange_rates.x.from", "GBP")]),
    "exchange_rates.*.to": ([("exchange_rates.x", {"from": "EUR", "to": "CHF", "rate": "1", "valid_from": "2025-01-01"})],
                            [("exchange_rates.x.to", "GBP")]),
    "exchange_rates.*.valid_from": ([], [("exchange_rates.usd.valid_from", "2025-06-01")]),
    "exchange_rates.*.valid_to": ([], [("exchange_rates.usd.valid_to", "2031-01-01")]),
    "cash_roundings.*.currency": ([], [("cash_roundings.eur.currency", "USD")]),
    "legal_entities.*.title": ([], [("legal_entities.south.title", "South SpA")]),
    "legal_entities.*.tax_id": ([], [("legal_entities.north.tax_id", "FR2")]),
    "legal_entities.*.series": ([], [("legal_entities.north.series", DELETE)]),
    "counters.*.period": ([], [("counters.calls.period", "day")]),
    "counters.*.scope": ([], [("counters.calls.scope", "subscriber")]),
    "causes.*.otherwise": ([], [("causes.isup.otherwise", "suspend")]),
    "causes.*.billable": ([], [("causes.isup.billable", ["16", "31", "127"])]),
    "causes.*.not_billable": ([], [("causes.ims.not_billable", ["0-14"])]),
    "sites.*.nodes": [
        ([], [("sites.madrid.nodes", nodes)]) for nodes in (
            ["192.0.2.0/26", "2001:db8::1", "pgw1"], ["192.0.2.0/25", "2001:db8::2", "pgw1"],
            ["192.0.2.0/25", "2001:db8::1", "pgw2"], ["192.0.2.0/25", "2001:db8::1"])],
    "sites.*.time_zone": [([], [("sites.madrid.time_zone", "America/Chicago")]),
                          ([], [("sites.madrid.time_zone", DELETE)])],
    "spend_limits.*.minimum": ([("spend_limits.cap.period", "cycle")], [("spend_limits.cap.minimum", "5.00")]),
    "spend_limits.*.thresholds": [([], [("spend_limits.cap.thresholds", ["41.00"])]),
                                  ([], [("spend_limits.cap.thresholds", DELETE)]),
                                  ([], [("spend_limits.cap.thresholds", ["40.00", "45.00"])])],
    "networks.*.plmn": ([], [("networks.spain.plmn", "21407")]),
    "networks.*.zone": ([], [("networks.spain.zone", "germany")]),
    "networks.*.time_zone": ([], [("networks.spain.time_zone", "America/Chicago")]),
}
for name in SERVICES:
    at = "plans.*.%s." % name
    own = "plans.p.%s." % name
    pairs = [(own + "origin", {"by": "number", "deck": "small"}), (own + "prices.=", "q_" + name)]
    CHANGES.update({
        at + "rate_change": ([(own + "data_split", "by_time")] if name == "data" else [],
                             [(own + "rate_change", "split")]),
        at + "causes": [([], [(own + "causes", "isup")]),
                        ([(own + "causes", "isup")], [(own + "causes", "ims")])],
        at + "deck": ([], [(own + "deck", "tiny")]),
        at + "fallback_decks": ([], [(own + "fallback_decks", ["tiny", "small"])]),
        at + "origin.by": (pairs, [(own + "origin", {"by": "network"})]),
        at + "origin.deck": (pairs, [(own + "origin.deck", "tiny")]),
        at + "groups.*": [([], [(own + "groups", {"video": [100]})])] + [
            ([(own + "groups", {"video": [100], "social": ["200-299", "chat"]})], [(own + "groups." + zone, entries)])
            for zone, entries in (("video", [101]), ("social", ["200-300", "chat"]), ("social", ["200-299", "talk"]),
                                  ("social", ["200-299"]), ("social", DELETE))],
        at + "price": ([(own[:-1], {"price": "p_" + name})], [(own + "price", "q_" + name)]),
        at + "prices": ([], [(own + "prices.germany", "q_" + name)]),
        at + "time_model": ([], [(own + "time_model", "later")]),
        at + "spend_limit": ([], [(own + "spend_limit", "cap")]),
        at + "allowance": ([], [(own + "allowance", "a_" + name)]),
        at + "allowances": ([(own + "allowances", ["a_" + name, "b_" + name])],
                            [(own + "allowances", ["b_" + name])]),
    })
    if "_received" not in name:
        CHANGES["products.*.decks." + name] = ([(own + "fallback_decks", DELETE)],
                                               [("products.basic.decks", {name: "tiny"})])

# What is told of an option's changes, in their order, besides what must be told of any.
TELLS = {
    "prices.*.counter": ["price tiered counter: month -> day"],
    "time_models.*.by": ["time_model week by: fixed -> " + name for name in ("serving", "node", "home")],
    "time_models.*.ambiguous": ["time_model week ambiguous: first -> second"],
    "allowances.*.amount": ["allowance talk amount: 600 -> 7.25"],
    "allowances.*.consume": ["allowance talk consume: billed -> raw"],
    "allowances.*.price_when_used": ["allowance talk price_when_used: none -> plain",
                                     "allowance talk price_when_used: plain -> p_voice"],
    "allowances.*.stacking": ["allowance talk stacking: each -> once"],
    "allowances.*.blocker": ["allowance talk blocker: false -> true"],
    "allowances.*.valid_from": ["allowance talk valid_from: none -> 2026-02-01",
                                "allowance talk valid_from: 2026-02-01 -> 2026-02-01T00:00:00Z"],
    "allowances.*.valid_to": ["allowance talk valid_to: none -> 2026-05-01",
                              "allowance talk valid_to: 2026-05-01 -> 2026-05-02"],
    "allowances.*.thresholds": ["allowance day thresholds: 50 -> 50 80", "allowance day thresholds: none -> 50 80"],
    "allowances.*.zones": ["allowance talk zones.rest: not covered -> covered",
                           "allowance talk zones: germany -> all"],
    "allowances.*.bands": ["allowance talk bands: all -> peak"],
    "spend_limits.*.minimum": ["spend_limit cap minimum: 0.00 -> 5.00"],
    "prices.*.spend_limit": ["price plain spend_limit: none -> cap", "price plain spend_limit: none -> floor"],
    "spend_limits.*.thresholds": ["spend_limit cap thresholds: 40.00 -> 41.00",
                                  "spend_limit cap thresholds: 40.00 -> none",
                                  "spend_limit cap thresholds: 40.00 -> 40.00 45.00"],
    "allowances.*.member_cap": ["allowance pool member_cap: 30 -> 31"],
    "allowances.*.rollover.order": ["allowance roll rollover.order: oldest_first -> newest_first"],
    "allowances.*.rollover.max": ["allowance roll rollover.max: 600 -> 500"],
    "cash_roundings.*.accounts": ["cash_rounding eur accounts: all -> named"],
    "legal_entities.*.title": ["legal_entity south title: south -> South SpA"],
    "legal_entities.*.series": ["legal_entity north series: N -> none"],
    "counters.*.period": ["counter calls period: week -> day"],
    "counters.*.scope": ["counter calls scope: account -> subscriber"],
    "products.*.discount_max": ["product basic discount_max: none -> 5.00",
                                "product basic discount_max: 5.00 -> 6.00"],
    "products.*.period_count": ["product basic period_count: 1 -> 2"],
    "products.*.discount_cycles": ["product basic discount_cycles: none -> 3"],
    "networks.*.time_zone": ["network spain time_zone: Europe/Madrid -> America/Chicago"],
    "sites.*.nodes": ["site madrid nodes: 192.0.2.0/25 -> none", "site madrid nodes: none -> 2001:db8::2",
                      "site madrid nodes: none -> pgw2", "site madrid nodes: pgw1 -> none"],
    "sites.*.time_zone": ["site madrid time_zone: Europe/Madrid -> America/Chicago",
                          "site madrid time_zone: Europe/Madrid -> none"],
}
for name in SERVICES:
    TELLS["plans.*.%s.data_split" % name] = ["plan p.%s data_split: start -> by_time" % name]
    TELLS["plans.*.%s.groups.*" % name] = ["plan p.%s groups.%s" % (name, told) for told in (
        "video: none -> 100", "video: none -> 101", "social: none -> 200-300",
        "social: none -> name with hash 739456965014f841", "social: name with hash 765d9fecb07d9c18 -> none",
        "social: 200-299 -> none")]

# Where an option is changed that its type says how to.
PLACES = {"time_models.*": "time_models.week", "taxes.*": "taxes.gst", "decks.*.rates": "decks.sheet.rates", "prices.*": "prices.plain", "allowances.*": "allowances.talk",
          "products.*": "products.basic", "exchange_rates.*": "exchange_rates.usd", "spend_limits.*": "spend_limits.cap",
          "cash_roundings.*": "cash_roundings.eur"}
for name in SERVICES:
    PLACES["plans.*." + name] = "plans.p." + name

# What counts where an option is absent and the schema says no default of its own.
ABSENT = {"allowances.*.period": "month", "spend_limits.*.period": "month"}

SILENT = {
    "catalog.version": "names the version",
    "catalog.valid_from": "says when the version counts, not what it charges",
    "catalog.title": "for people, not on invoices",
    "catalog.tzdata": "a check of the release; diff tells the release itself",
    "catalog.lint.price_jump": "a warning's threshold",
    "catalog.lint.ignore": "warnings that are not told",
    "catalog.billing.dunning_days": "when an unpaid bill is told, not what it charges",
    "causes.*.title": "for people, not on invoices",
    "counters.*.title": "for people, not on invoices",
    "decks.*.open_end": "refuses a deck or not; a deck that both take is the same",
    "decks.*.buy": "compared by lints only",
    "plans.*.title": "for people, not on invoices",
    "tariffs.*.bpf": "a hash of the code is part of the tariff's name, which prices.*.tariff compares",
    "tariffs.*.title": "for people, not on invoices",
}

for name in ("message", "event", "message_received"):
    SILENT["plans.*.%s.rate_change" % name] = "refused where usage has no length"
for name in SERVICES:
    if name != "voice":
        SILENT["plans.*.%s.number" % name] = "refused: only calls that were made are routed"


def options(node, path=""):
    if "properties" in node:
        for key, sub in node["properties"].items():
            yield from options(sub, path + "." + key if path else key)
    elif node.get("additionalProperties"):
        yield from options(node["additionalProperties"], path + ".*")
    elif "properties" in node.get("items", {}):
        yield from options(node["items"], path + "[]")
    else:
        yield path, node


def put(world, path, value):
    keys = path.split(".")
    at = world
    for key in keys[:-1]:
        at = at[int(key)] if isinstance(at, list) else at.setdefault(key, {})
    last = keys[-1]
    if value is DELETE:
        at.pop(last, None)
    elif isinstance(at, list):
        at[int(last):int(last) + 1] = [value]
    else:
        at[last] = value


def get(world, path):
    for key in path.split("."):
        if not isinstance(world, (dict, list)) or (isinstance(world, dict) and key not in world):
            return None
        world = world[int(key)] if isinstance(world, list) else world[key]
    return world


def automatic(option, node):
    """Changes that the option's type gives; every other name of an enumeration."""
    place = max((p for p in PLACES if option.startswith(p + ".")), key=len, default=None)
    if place is None:
        return None
    at = PLACES[place] + option[len(place):]
    now = get(base(), at)
    if "enum" in node:
        if now is None:  # Absent, the catalog's own rounding counts.
            now = "half_up" if option.endswith(".rounding") else ABSENT.get(option, node.get("default"))
        return [([], [(at, name)]) for name in node["enum"] if name != now]
    if node.get("type") == "boolean":
        return [([], [(at, not (now if now is not None else node["default"]))])]
    if node.get("type") == "integer":
        return [([], [(at, (now if now is not None else node.get("default", 1)) + 7)])]
    if node.get("pattern", "").endswith("%$"):
        return [([], [(at, "7%")])]
    if "[+-]?[0-9]+" in node.get("pattern", "") and "T " not in node["pattern"]:
        return [([], [(at, "7.25")])]
    return None


def write(folder, world):
    os.makedirs(folder, exist_ok=True)
    for name, text in FILES.items():
        with open(os.path.join(folder, name), "w") as file:
            file.write(text)
    with open(os.path.join(folder, "catalog.yaml"), "w") as file:
        json.dump(world, file)


def run(*arguments):
    return subprocess.run([TOLLGATE, "catalog", *arguments], capture_output=True, text=True, check=False)


def errors_of(done):
    return "; ".join(line.split(": error: ")[-1] for line in done.stderr.splitlines() if ": error: " in line) or done.stderr


def imported(work, setup):
    """Data directory of the base with a setup, made once, and checked to be no other than itself."""
    data = os.path.join(work, "data%d" % imported.known.setdefault(repr(setup), len(imported.known)))
    world = base()
    for path, value in setup:
        put(world, path, value)
    if not os.path.exists(data):
        folder = os.path.join(work, "before")
        write(folder, world)
        done = run("import", "--catalog", folder, "--data", data)
        if done.returncode != 0:
            return world, data, "before: " + errors_of(done)
        same = run("diff", "--catalog", folder, "--data", data, "--json")
        if json.loads(same.stdout) != []:
            return world, data, "differs from itself: " + same.stdout
    return world, data, ""


imported.known = {}


def fields(work, setup, change):
    """What diff tells; None: one of the two sides is refused, with the reason."""
    world, data, why = imported(work, setup)
    if why:
        return None, why
    for path, value in change:
        put(world, path, value)
    write(os.path.join(work, "after"), world)
    done = run("diff", "--catalog", os.path.join(work, "after"), "--data", data, "--json")
    return (None, errors_of(done)) if done.returncode != 0 else (json.loads(done.stdout), "")


def main():
    schema = json.loads(run("schema").stdout)
    known = dict(options(schema))
    failures = []
    told = 0
    for stale in sorted((set(CHANGES) | set(SILENT)) - set(known)):
        failures.append("%s is no option any more: take it out here" % stale)
    with tempfile.TemporaryDirectory() as work:
        for option, node in known.items():
            if option in SILENT:
                continue
            changes = CHANGES[option] if option in CHANGES else automatic(option, node)
            changes = [changes] if isinstance(changes, tuple) else changes
            if not changes:
                failures.append("%s: say in CHANGES how it is changed, or in SILENT why nobody pays other" % option)
                continue
            accepted = 0
            reason = ""
            for number, (setup, change) in enumerate(changes):
                found, why = fields(work, setup, change)
                if found is None:
                    reason = why
                    if why.startswith(("before", "differs")):
                        failures.append("%s: %s" % (option, why))
                    continue
                accepted += 1
                if found == []:
                    failures.append("%s: diff says nothing about %s" % (option, change))
                told += found != []
                lines = ["%(kind)s %(name)s %(field)s: %(from)s -> %(to)s" % item for item in found if "field" in item]
                wanted = TELLS.get(option, [])[number:number + 1]
                if not set(wanted) <= set(lines):
                    failures.append("%s: %s wanted, diff says %s" % (option, wanted, lines))
            if accepted == 0:
                failures.append("%s: no change of it is accepted: %s" % (option, reason.strip()))
    for failure in failures:
        print("FAILED:", failure)
    print("catalog diff: %d changes of %d options told" % (told, len(known) - len(SILENT)))
    return 1 if failures else 0


sys.exit(main())
