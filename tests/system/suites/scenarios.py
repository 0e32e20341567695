# SPDX-License-Identifier: Apache-2.0
"""Tests of other systems, told as catalog YAML and usage JSON. Facts only: quantities and amounts.

What could not be said is in README.md.
"""
from world import Scenario, call, data, event, money

ALL = []


def scenario(*args, **keys):
    ALL.append(Scenario(*args, **keys))


def unit(price, **keys):
    return {"unit": "event", "price": price, **keys}


EVENT = {"event": {"price": "p"}}
VOICE = {"voice": {"price": "p"}}

# Kill Bill: consumable usage in arrear, TestContiguousIntervalConsumableInArrear.
scenario("killbill", "ALL_TIERS, block size 1: 111 = 10 x 1.5 + 100 x 1 + 1 x 0.5", EVENT,
         [event(111)], ["115.5"],
         prices={"p": {"tariff": "graduated", "unit": "event", "tiers": [
             {"up_to": 10, "price": "1.5"}, {"up_to": 110, "price": "1"}, {"price": "0.5"}]}})
scenario("killbill", "ALL_TIERS, blocks of 100 then of 1000: 5325 = 10 + 5", EVENT, [event(5325)],
         ["15"], prices={"p": {"tariff": "stepped", "unit": "event", "tiers": [
             {"up_to": 1000, "price": "1", "per": 100}, {"price": "1", "per": 1000}],
             "params": {"increments": [100, 1000]}}})
TOP = {"tariff": "stepped", "unit": "event", "tiers": [
    {"up_to": 1000, "price": "1", "per": 100}, {"up_to": 101000, "price": "1", "per": 1000},
    {"price": "0.5", "per": 1000}], "params": {"increments": [100, 1000, 1000],
                                               "mode": "threshold"}}
scenario("killbill", "TOP_TIER with blocks: 1000, 101000, 101001, 300000", EVENT,
         [event(1000), event(101000), event(101001), event(300000)], ["10", "101", "51", "150"],
         prices={"p": TOP}, arguments=["--fresh"])
scenario("killbill", "TOP_TIER, size 1: 111 x 0.5", EVENT, [event(111)], ["55.5"],
         prices={"p": {"tariff": "volume", "unit": "event", "tiers": [
             {"up_to": 10, "price": "1.5"}, {"up_to": 110, "price": "1"}, {"price": "0.5"}]}})
scenario("killbill", "blocks of 100 over a month: 130 + 271 are 5, not 2 + 3 by chance", EVENT,
         [event(130), event(271)], ["2", "3"],
         prices={"p": {"tariff": "package", "unit": "event", "price": "1", "per": 100}})
scenario("killbill", "two units of one plan are two prices: 1 a block of 100, 1 a block of 10",
         {"event": {"price": "p"}, "message": {"price": "q"}},
         [event(20), {**event(21), "service": "message"}], ["1", "3"],
         prices={"p": {"tariff": "package", "unit": "event", "price": "1", "per": 100},
                 "q": {"tariff": "package", "unit": "event", "price": "1", "per": 10}})
scenario("killbill", "billing day 31 is clamped, the period goes from 28 February to 31 March", {},
         bills=[("2026-03", "A1", "30.00")], product={"fee": "30.00"},
         accounts=[{"id": "A1", "cycle_day": 31}])
scenario("killbill", "proration: 30.00 from 10 October", {}, bills=[("2026-10", "A1", "21.29")],
         product={"fee": "30.00"},
         subscribers=[{"id": "S1", "account": "A1", "product": "sold", "active_from": "2026-10-10"}])
scenario("killbill", "prorationFixedDays 30: 30.00 from 10 October", {},
         bills=[("2026-10", "A1", "21.00")], product={"fee": "30.00", "proration": "fixed_30"},
         subscribers=[{"id": "S1", "account": "A1", "product": "sold", "active_from": "2026-10-10"}])
scenario("killbill", "change of plan on 16 March: 15 days of 31.00 and 16 of 62.00", {},
         bills=[("2026-03", "A1", "47.00")], product={"fee": "31.00"},
         products={"more": {"fee": "62.00"}},
         subscribers=[{"id": "S1", "account": "A1", "product": "sold", "active_from": "2026-01-01",
                       "active_to": "2026-03-16"},
                      {"id": "S2", "account": "A1", "product": "more", "active_from": "2026-03-16",
                       "active_to": ""}])
# Each line of an invoice is money by itself, as Kill Bill, Stripe, Zuora and Lago have it: 4.67 and 10.67.
EACH = {"catalog": {"version": 1, "valid_from": "2026-01-01", "currency": "EUR",
                    "billing": {"line_rounding": "each"}}}
CHANGE = dict(product={"fee": "10.00"}, products={"more": {"fee": "20.00"}},
              subscribers=[{"id": "S1", "account": "A1", "product": "sold", "active_from": "2026-01-01",
                            "active_to": "2026-04-15"},
                           {"id": "S2", "account": "A1", "product": "more", "active_from": "2026-04-15",
                            "active_to": ""}])
scenario("killbill", "change of plan on 15 April, each line rounded", {}, bills=[("2026-04", "A1", "15.34")],
         **CHANGE, **EACH)
scenario("killbill", "the same, the sum rounded once", {}, bills=[("2026-04", "A1", "15.33")], **CHANGE)
for what, terms, net, gross in (
        ("three charges of 0.335, each rounded", {}, "1.02", "1.22"),
        ("a coupon of what is printed, 10 % of 1.02", {"discount": "10%"}, "0.92", "1.10"),
        ("a minimum that what is printed comes to", {"discount": "33%", "minimum": "5"}, "5", "6"),
        ("a maximum of it", {"maximum": "1"}, "1", "1.20")):
    scenario("lago", what, {"event": {"deck": "d", "prices": {"a": "pa", "b": "pb", "c": "pc"}}},
             [event(1, peer=peer) for peer in "123"], ["0.335"] * 3, bills=[("2026-03", "A1", net, gross)],
             product={"tax": "v", **terms}, taxes={"v": {"rate": "20%"}},
             prices={name: unit("0.335") for name in ("pa", "pb", "pc")},
             decks={"d": {"prefixes": {"1": "a", "2": "b", "3": "c"}}}, **EACH)
scenario("killbill", "yen have no minor unit", EVENT, [event(7)], ["23.1"], currency="JPY",
         bills=[("2026-03", "A1", "23")], prices={"p": unit("3.3")})

# Lago: charge models, invoices.
scenario("lago", "graduated with flat amounts, event by event", EVENT,
         [event(10), event(2), event(10)], ["102", "13", "53"],
         prices={"p": {"tariff": "graduated", "unit": "event", "tiers": [
             {"up_to": 10, "price": "10", "flat": "2"}, {"up_to": 20, "price": "5", "flat": "3"},
             {"price": "5", "flat": "3"}]}})
scenario("lago", "percentage 1.3 % + 0.10, two free events", EVENT,
         [money("100"), money("50"), money("200"), money("10")], ["0", "0", "2.70", "0.23"],
         prices={"p": {"tariff": "percentage", "unit": "amount", "params": {
             "rate": "1.3%", "fixed": "0.10", "free_events": 2}}})
scenario("lago", "dynamic: the price comes with the event", EVENT, [money("12.345")], ["12.345"],
         prices={"p": {"tariff": "dynamic", "unit": "amount"}})
scenario("lago", "standard price of a quantity with decimals, 2.5 hours at 4.00", EVENT,
         [event(25)], ["10"], prices={"p": unit("4", per=10)})
scenario("lago", "minimum commitment: usage 30.00, commitment 100.00", EVENT, [event(30)], ["30"],
         bills=[("2026-03", "A1", "100.00")], prices={"p": unit("1")}, product={"minimum": "100.00"})
scenario("lago", "minimum spend of a charge, 30.00 of 100.00, and a commitment that it fulfils", EVENT, [event(30)],
         ["30"], bills=[("2026-03", "A1", "100.00", "119.00")], taxes={"vat": {"rate": "19%"}},
         prices={"p": unit("1", spend_limit="least")}, spend_limits={"least": {"minimum": "100.00"}},
         product={"tax": "vat", "minimum": "90.00"})
scenario("lago", "coupon of 10 % on everything", EVENT, [event(30)], ["30"],
         bills=[("2026-03", "A1", "36.00")], prices={"p": unit("1")},
         product={"fee": "10.00", "discount": "10%", "discount_on": "all"})
for period, ends, bills in (("month", "2026-05-01", [("2026-03", "A1", "60.00"), ("2026-04", "A1", "29.51")]),
                            ("year", "2027-03-14", [("2027-03", "A1", "33.37")])):
    scenario("killbill", f"a fee every two {period}s, in arrears, that ends within them", {}, bills=bills,
             product={"fee": "60.00", "period": period, "period_count": 2, "period_from": "start"},
             subscribers=[{"id": "S1", "account": "A1", "product": "sold", "active_from": "2026-02-01",
                           "active_to": ends}])
scenario("lago", "pay in advance: the first bill has its own cycle and the next", {},
         bills=[("2026-03", "A1", "60.00")], product={"fee": "30.00", "in_advance": True})
for scope in ("subscriber", "account"):
    scenario("lago", f"a coupon ({scope}) of a fee that is paid before the subscription begins", {},
             bills=[("2026-03", "A1", "81.00")], product={
                 "fee": "90.00", "in_advance": True, "discount": "10%", "discount_on": "fees", "discount_scope": scope},
             subscribers=[{"id": "S1", "account": "A1", "product": "sold", "active_from": "2026-04-01"}])
scenario("lago", "taxes of the customer replace the product's", EVENT, [event(100)], ["100"],
         bills=[("2026-03", "A1", "100.00", "107.00")], prices={"p": unit("1")},
         taxes={"vat": {"rate": "19%"}, "low": {"rate": "7%"}}, product={"tax": "vat"},
         accounts=[{"id": "A1", "tax": "low"}])

# OpenMeter: price types, spend bounds, entitlements.
scenario("openmeter", "unit price with minimum spend of the line", EVENT, [event(5)], ["5"],
         bills=[("2026-03", "A1", "20.00")], prices={"p": unit("1")}, product={"minimum": "20"})
scenario("openmeter", "usage discount: the first 100 units of a month are free",
         {"event": {"price": "p", "allowance": "free"}}, [event(60), event(60), event(60)],
         ["0", "20", "60"], prices={"p": unit("1")},
         allowances={"free": {"unit": "event", "amount": 100, "services": ["event"]}})
scenario("openmeter", "grants: priority, then soonest expiry",
         {"event": {"price": "p", "allowances": ["ever", "month", "day"]}},
         [event(25)],
         [{"amount": "5", "allowance_units": 20,
           "allowances": [{"allowance": "day", "units": 5, "left": 0},
                          {"allowance": "month", "units": 5, "left": 0},
                          {"allowance": "ever", "units": 10, "left": 0}]}],
         prices={"p": unit("1")},
         allowances={"ever": {"unit": "event", "amount": 10, "services": ["event"],
                              "period": "ever"},
                     "month": {"unit": "event", "amount": 5, "services": ["event"]},
                     "day": {"unit": "event", "amount": 5, "services": ["event"], "period": "day"}})
scenario("openmeter", "rollover: MIN(max, MAX(left, min)), 100 a month, 30 used, max 50",
         {"event": {"price": "p", "allowances": ["a"]}},
         [event(30, "2026-03-10T00:00:00Z"), event(160, "2026-04-10T00:00:00Z")],
         ["0", {"amount": "10", "allowance_units": 150}], prices={"p": unit("1")},
         subscribers=[{"id": "S1", "account": "A1", "product": "sold", "msisdn": "+49150000001",
                       "active_from": "2026-03-01"}],
         allowances={"a": {"unit": "event", "amount": 100, "services": ["event"],
                           "rollover": {"periods": 1, "max": 50}}})
scenario("openmeter", "threshold of 75 % fires once, with the event that reaches it",
         {"event": {"price": "p", "allowances": ["a"]}}, [event(70), event(10), event(5)],
         [{"allowances": [{"allowance": "a", "units": 70, "left": 30}]},
          {"allowances": [{"allowance": "a", "units": 10, "left": 20, "thresholds": [75]}]},
          {"allowances": [{"allowance": "a", "units": 5, "left": 15}]}], prices={"p": unit("1")},
         allowances={"a": {"unit": "event", "amount": 100, "services": ["event"],
                           "thresholds": [75]}})
scenario("openmeter", "a timestamp with an offset is the same instant", EVENT,
         [event(1, "2026-04-01T01:30:00+02:00"), event(1, "2026-03-31T23:30:00Z"),
          event(1, "2026-03-31T23:30:00.250Z")],
         ["1", "1", "1"], prices={"p": unit("1")}, bills=[("2026-03", "A1", "3.00")])

scenario("openmeter", "tiers of a flat price only: 7, then 1, 4 and 10", EVENT,
         [event(7), event(1), event(4), event(10)], ["150", "0", "10", "22"],
         prices={"p": {"tariff": "graduated", "unit": "event", "tiers": [
             {"up_to": 5, "flat": "100"}, {"up_to": 10, "flat": "50"}, {"up_to": 15, "price": "5"},
             {"price": "1"}]}})
scenario("openmeter", "dynamic price with a multiplier of 0.5", EVENT, [money("10")], ["5"],
         prices={"p": {"tariff": "dynamic", "unit": "amount", "params": {"markup": "-50%"}}})

# CGRateS: calls, balances.
scenario("cgrates", "connect fee, 60 s then 1 s: 0.4 + 0.2 + 0.1 a minute", VOICE, [call(120)],
         ["0.70"], prices={"p": {"tariff": "stepped", "unit": "second", "counter": "record",
                                 "connect": "0.4", "tiers": [
                                     {"up_to": 60, "price": "0.2", "per": 60},
                                     {"price": "0.1", "per": 60}],
                                 "params": {"increments": [60, 1]}}})
scenario("cgrates", "MaxCost *free: the call goes on and costs no more", VOICE, [call(3600)],
         [{"amount": "0.5", "quantity": 3600}],
         prices={"p": {"unit": "second", "price": "0.1", "per": 60, "max": "0.5"}})
scenario("cgrates", "MaxCost *disconnect: the call ends where it is reached", VOICE,
         [call(3600, credit="100")], [{"amount": "0.5", "granted_quantity": 300000}],
         prices={"p": {"unit": "second", "price": "0.1", "per": 60, "max": "0.5",
                       "at_max": "stop"}})
scenario("cgrates", "max session time against a balance of 1.00", VOICE, [call(600, credit="1.00")],
         [{"amount": "1", "granted_quantity": 10000, "asked_quantity": 600000, "credit_left": "0"}],
         prices={"p": {"unit": "second", "price": "0.1"}})
scenario("cgrates", "no rate is no cost of 0", {"voice": {"deck": "d", "prices": {"de": "p"}}},
         [call(60, "8612345")], [{"fate": "suspended", "reason": "NO_RATE"}],
         decks={"d": {"prefixes": {"49": "de"}}}, prices={"p": {"unit": "second", "price": "1"}})
scenario("cgrates", "longest prefix wins though it is dearer",
         {"voice": {"deck": "d", "prices": {"de": "p", "mobile": "q"}}},
         [call(60, "4915112345"), call(60, "4930")], ["12", "6"],
         decks={"d": {"prefixes": {"49": "de", "4915": "mobile"}}},
         prices={"p": {"unit": "second", "price": "0.1"}, "q": {"unit": "second", "price": "0.2"}})
scenario("cgrates", "peak and off-peak with a second split at the boundary",
         {"voice": {"time_model": "t", "prices": {"home": {"peak": "p", "off": "q"}}}},
         [call(120, start="2026-03-02T17:59:00Z")], ["9"],
         prices={"p": {"unit": "second", "price": "0.1"}, "q": {"unit": "second", "price": "0.05"}},
         time_models={"t": {"default": "off", "bands": [
             {"band": "peak", "days": "mon-fri", "from": "08:00", "to": "18:00"}]}})

# 46labs: North American sheets with a rate between states, within one, and for unknown callers.
NANP = {"lerg": {"prefixes": {"1212": "ny", "1518": "ny", "1312": "il"}},
        "sheet": {"file": "deck.csv", "rates": {"unit": "second", "per": 60, "first": 6, "next": 6}}}
NANP_ROWS = ("prefix,zone,price,intra,indeterminate,jurisdiction\n1212,212,0.02,0.01,0.03,ny\n"
             "1518,518,0.02,0.04,,ny\n1312,312,0.05,,0.06,il\n1907,907,0.07,,,\n1213,213,0.02,0.01,0.03,ca\n")
NEW_YORK, CHICAGO, NOWHERE = "+15185550000", "+13125550000", "+18005551212"
CALLERS = [{"id": f"S{number}", "account": "A1", "product": "sold", "msisdn": number,
            "active_from": "2020-01-01"} for number in (NEW_YORK, CHICAGO, NOWHERE)]
scenario("46labs", "interrate, intrarate, ijrate of each code",
         {"voice": {"deck": "sheet", "origin": {"by": "number", "deck": "lerg"}}},
         [call(60, code, subscriber=who) for code in ("1212", "1518", "1312", "1907", "1213")
          for who in (NEW_YORK, CHICAGO, NOWHERE)],
         [{"amount": "0.01", "zone": "ny>sheet/212"}, "0.02", {"amount": "0.03", "zone": "?>sheet/212"},
          "0.04", "0.02", "0.02", "0.05", "0.05", "0.06", "0.07", "0.07", "0.07", "0.02", "0.02", "0.03"],
         decks=NANP, deck=NANP_ROWS, subscribers=CALLERS)
scenario("46labs", "a plan's own price wins, and minutes within the state may be free",
         {"voice": {"deck": "sheet", "origin": {"by": "number", "deck": "lerg"},
                    "prices": {"ny>sheet/212": "p"}, "allowances": ["a"]}},
         [call(60, "1212", subscriber=NEW_YORK), call(60, "1212", subscriber=CHICAGO),
          call(60, "1518", subscriber=NEW_YORK)], ["6", "0.02", "0"],
         decks=NANP, deck=NANP_ROWS, subscribers=CALLERS,
         prices={"p": {"unit": "second", "price": "0.1"}},
         allowances={"a": {"unit": "minute", "amount": 9, "services": ["voice"], "zones": ["ny>sheet/518"]}})

# ASTPP, A2Billing: retail calls.
RATE_CARD = ("prefix,zone,price,connect,first,next,minimum,grace,included,min,max\n49,de,0.60,0.05,60,6,,,,,\n"
             "33,fr,0.60,,1,1,30,,,,\n44,uk,0.60,,1,1,,5,,,\n1,us,0.60,,1,1,,,60,,\n61,au,0.60,,1,1,,,,0.50,2\n")
scenario("astpp", "rate cards: connection, initial block, grace, included seconds, least and most a call",
         {"voice": {"deck": "card"}},
         [call(61, "49"), call(10, "33"), call(5, "44"), call(6, "44"), call(60, "1"), call(70, "1"),
          call(1, "61"), call(100, "61"), call(600, "61")],
         ["0.71", "0.30", "0", "0.06", "0", "0.10", "0.50", "1", "2"], deck=RATE_CARD,
         decks={"card": {"file": "deck.csv", "rates": {"unit": "second", "per": 60}}})
scenario("a2billing", "rates of a dollar card, the bill in euros", {"voice": {"deck": "card"}},
         [call(60, "49")], [{"amount": "0.12345678", "currency": "USD"}], bills=[("2026-03", "A1", "0.11")],
         deck="prefix,zone,price\n49,de,0.12345678\n",
         decks={"card": {"file": "deck.csv", "rates": {"unit": "second", "per": 60, "currency": "USD"}}},
         exchange_rates={"r": {"from": "USD", "to": "EUR", "rate": "0.9", "valid_from": "2020-01-01"}})
scenario("astpp", "30/6 at 0.006 a minute: 32, 57, 75 seconds", VOICE,
         [call(32), call(57), call(75)], ["0.0036", "0.006", "0.0078"],
         prices={"p": {"unit": "second", "price": "0.006", "per": 60, "first": 30, "next": 6}})
scenario("astpp", "60 included seconds, the connection costs 0.05", VOICE, [call(90), call(30)],
         ["0.10", "0"], prices={"p": {"unit": "second", "price": "0.10", "per": 60, "included": 60,
                                      "connect": "0.05"}})
scenario("astpp", "package of 2 minutes: the rest of the call is charged to the second",
         {"voice": {"price": "p", "allowance": "a"}}, [call(100), call(100)], ["0", "0.80"],
         prices={"p": {"unit": "second", "price": "0.01"}},
         allowances={"a": {"unit": "minute", "amount": 2, "services": ["voice"]}})
scenario("astpp", "grace of 3 seconds: no fee, no charge; 4 seconds pay from the first", VOICE,
         [call(3), call(4)], ["0", "0.54"],
         prices={"p": {"unit": "second", "price": "0.01", "grace": 3, "connect": "0.50"}})
scenario("astpp", "a rate that ends and one that follows, by the start of the call",
         {"voice": {"deck": "d", "prices": {"old": "p", "new": "q"}}},
         [call(60, start="2026-03-31T23:59:59Z"), call(60, start="2026-04-01T00:00:00Z")],
         ["6", "12"], decks={"d": {"file": "deck.csv"}},
         deck="prefix,zone,valid_from,valid_to\n49,old,,2026-04-01\n49,new,2026-04-01,\n",
         prices={"p": {"unit": "second", "price": "0.1"}, "q": {"unit": "second", "price": "0.2"}})
scenario("a2billing", "minimal cost of a call 0.25", VOICE, [call(1), call(60)], ["0.25", "0.60"],
         prices={"p": {"unit": "second", "price": "0.01", "min": "0.25"}})

# SigScale OCS: data and price units.
scenario("sigscale", "octets at 100 cents for 1,000,000, started units count", {"data": {
    "price": "p"}}, [data(1), data(1000001)], ["1", "2"],
         prices={"p": {"unit": "megabyte", "price": "1"}})
scenario("sigscale", "1000 or 1024: both are said", {"data": {"price": "p"}}, [data(1024)],
         [{"amount": "1", "billed_units": 1}], prices={"p": {"unit": "kibibyte", "price": "1"}})
scenario("sigscale", "data bucket of 5 GB shared by an account, capped at 2 GB a member",
         {"data": {"price": "p", "allowances": ["pool"]}},
         [data(3000000000), data(3000000000, subscriber="+49150000002")],
         [{"amount": "1", "allowance_units": 2}, {"amount": "1", "allowance_units": 2}],
         prices={"p": {"unit": "gigabyte", "price": "1"}},
         allowances={"pool": {"unit": "gigabyte", "amount": 5, "services": ["data"],
                              "scope": "account", "member_cap": 2}},
         subscribers=[{"id": f"S{i}", "account": "A1", "product": "sold",
                       "msisdn": f"+4915000000{i}", "active_from": "2026-01-01"} for i in (1, 2)])
scenario("sigscale", "roaming by the network that serves",
         {"data": {"prices": {"home": "p", "eu": "q"}}},
         [data(1000000), data(1000000, serving_network="it")], ["0.1", "0.9"],
         networks={"it": {"plmn": "22210", "zone": "eu"}},
         prices={"p": {"unit": "megabyte", "price": "0.1"},
                 "q": {"unit": "megabyte", "price": "0.9"}})

# BillRun: groups of services, Updaterowt.
scenario("billrun", "group of 50 units: 24, then 50 of which 26 are in the group",
         {"event": {"price": "p", "allowance": "g"}}, [event(24), event(50)],
         [{"amount": "0", "allowance_units": 24}, {"amount": "12", "allowance_units": 26}],
         prices={"p": unit("0.5")},
         allowances={"g": {"unit": "event", "amount": 50, "services": ["event"]}})
scenario("billrun", "50.5 seconds at 0.1 a started second", VOICE,
         [call(None, duration_ms=50500)], ["5.1"],
         prices={"p": {"unit": "second", "price": "0.1"}})
scenario("billrun", "shared group of 10: two subscribers use 8 each",
         {"event": {"price": "p", "allowances": ["g"]}},
         [event(8), event(8, subscriber="+49150000002")],
         [{"amount": "0", "allowance_units": 8}, {"amount": "0.6", "allowance_units": 2}],
         prices={"p": unit("0.1")},
         allowances={"g": {"unit": "event", "amount": 10, "services": ["event"],
                           "scope": "account"}},
         subscribers=[{"id": f"S{i}", "account": "A1", "product": "sold",
                       "msisdn": f"+4915000000{i}", "active_from": "2026-01-01"} for i in (1, 2)])
scenario("billrun", "access price of 1.00 and an interval of 60", VOICE, [call(61)], ["3"],
         prices={"p": {"unit": "second", "price": "1", "per": 60, "first": 60, "next": 60,
                       "connect": "1"}})
scenario("billrun", "the middle of a month decides which product a number has", EVENT,
         [event(1, "2026-03-10T00:00:00Z"), event(1, "2026-03-20T00:00:00Z")], ["1", "2"],
         prices={"p": unit("1"), "q": unit("2")},
         products={"other": {"plan": "q"}}, plans={"p": EVENT, "q": {"event": {"price": "q"}}},
         subscribers=[{"id": "S1", "account": "A1", "product": "sold", "msisdn": "+49150000001",
                       "active_from": "2026-01-01", "active_to": "2026-03-15"},
                      {"id": "S2", "account": "A1", "product": "other", "msisdn": "+49150000001",
                       "active_from": "2026-03-15", "active_to": ""}])

# Oracle BRM, OpenRate: bands and rounding.
scenario("brm", "multi-RUM document: 30 s at 80 before 07:00, 60 s at 30 after, 360 s are 730",
         {"voice": {"time_model": "t", "increment_owner": "per_segment",
                    "prices": {"home": {"a": "p", "b": "q"}}}},
         [call(360, start="2026-06-01T06:56:03Z")], ["730"],
         prices={"p": {"unit": "second", "price": "80", "per": 30, "first": 30, "next": 30},
                 "q": {"unit": "second", "price": "30", "per": 60, "first": 60, "next": 60}},
         time_models={"t": {"default": "a", "bands": [{"band": "b", "from": "07:00"}]}})
scenario("brm", "rounding DOWN to 2 digits: 0.509 is 0.50", EVENT, [money("0.509")], ["0.50"],
         prices={"p": {"tariff": "dynamic", "unit": "amount", "rounding": "down", "decimals": 2}})
scenario("brm", "grant of 31 GB prorated over days: from 17 March 15 are left",
         {"data": {"price": "p", "allowances": ["a"]}}, [data(20000000000,
                                                              "2026-03-20T00:00:00Z")],
         [{"amount": "5", "allowance_units": 15}], prices={"p": {"unit": "gigabyte", "price": "1"}},
         allowances={"a": {"unit": "gigabyte", "amount": 31, "services": ["data"],
                           "proration": "actual_days"}},
         subscribers=[{"id": "S1", "account": "A1", "product": "sold", "msisdn": "+49150000001",
                       "active_from": "2026-03-17"}])
scenario("killbill", "blocks of each tier count over the month, not by record: 550 + 4775 are 15",
         EVENT, [event(550), event(4775)], ["6", "9"],
         prices={"p": {"tariff": "stepped", "unit": "event", "tiers": [
             {"up_to": 1000, "price": "1", "per": 100}, {"price": "1", "per": 1000}],
             "params": {"increments": [100, 1000], "of": "total"}}})
scenario("killbill", "a trial phase of 14 days, then the evergreen phase", {},
         bills=[("2026-03", "A1", "17.00")], product={"fee": "0"},
         products={"evergreen": {"fee": "31.00"}},
         subscribers=[{"id": "S1", "account": "A1", "product": "sold", "active_from": "2026-03-01",
                       "active_to": "2026-03-15"},
                      {"id": "S2", "account": "A1", "product": "evergreen",
                       "active_from": "2026-03-15", "active_to": ""}])
scenario("lago", "customers by external id", EVENT,
         [event(3, subscriber="cust_8a7e", subscriber_kind="name")], ["3"], prices={"p": unit("1")},
         subscribers=[{"id": "S1", "account": "A1", "product": "sold", "user": "cust_8a7e"}])
scenario("lago", "filters of a charge: a price by what the event is about",
         {"event": {"deck": "d", "prices": {"eu": "p", "us": "q"}}},
         [event(1, peer="1"), event(1, peer="2")], ["1", "2"],
         decks={"d": {"prefixes": {"1": "eu", "2": "us"}}},
         prices={"p": unit("1"), "q": unit("2")})

# The greatest record of a period: Lago max_agg, Kill Bill capacity, OpenMeter, Orb and Flexprice MAX; by day
# and added up (Flexprice's buckets); of an account; tiers of the greatest.
LEVELS = [event(count) for count in (10, 5, 12, 12, 20)]
for system, what, price, wanted, bill in (
        ("lago", "max_agg", {"price": "1"}, ["10", "0", "2", "0", "8"], "20"),
        ("lago", "max_agg, graduated", {"tariff": "graduated", "tiers": [{"up_to": 10, "price": "1"}, {"price": "0.5"}]},
         ["10", "0", "1", "0", "4"], "15"),
        ("killbill", "capacity: the tier that the greatest reaches prices it", {
            "tariff": "volume", "tiers": [{"up_to": 10, "price": "0", "flat": "5"}, {"price": "0", "flat": "7"}]},
         ["5", "0", "2", "0", "0"], "7"),
        ("flexprice", "package of the greatest", {"tariff": "package", "price": "5", "per": 10},
         ["5", "0", "5", "0", "0"], "10")):
    scenario(system, what, EVENT, LEVELS, wanted, bills=[("2026-03", "A1", bill)],
             prices={"p": {"unit": "event", "meter": "max", **price}})
scenario("flexprice", "the greatest of each day, added up", EVENT,
         [event(10), event(12), event(7, start="2026-03-03T00:00:00Z"), event(11)], ["10", "2", "7", "0"],
         bills=[("2026-03", "A1", "19.00")], prices={"p": unit("1", meter="max", counter="day")})
scenario("openmeter", "the greatest of a customer, not of each subject", EVENT,
         [event(10), event(12, subscriber="+49150000002"), event(9)], ["10", "2", "0"],
         prices={"p": unit("1", meter="max", counter="c")}, counters={"c": {"scope": "account"}},
         subscribers=[{"id": f"S{n}", "account": "A1", "product": "sold", "msisdn": f"+4915000000{n}",
                       "active_from": "2026-01-01"} for n in (1, 2)])
# The last value of a period is the sum of its changes; each different value counts once by its id.
scenario("lago", "latest_agg: 10, then 4, then 6", {"event": {"price": "p", "negative_usage": "reverse"}},
         [event(10), event(-6, start="2026-03-02T11:00:00Z"), event(2, start="2026-03-02T12:00:00Z")],
         ["10", "-6", "2"], bills=[("2026-03", "A1", "6.00")], prices={"p": unit("1")})
scenario("lago", "unique_count_agg: a, b, a", EVENT,
         [event(id="2026-03 a"), event(id="2026-03 b"), event(id="2026-03 a")],
         ["1", "1", {"fate": "duplicate"}], bills=[("2026-03", "A1", "2.00")], prices={"p": unit("1")})

# What begins with the subscription: OpenMeter's usage periods with an anchor, prepaid bundles of 30 days or
# 24 hours from activation; the day of the month is kept, clamped, over 28 and 29 February.
def granted(what, begins, rows, amounts, system="openmeter", **keys):
    scenario(system, what, {"voice": {"price": "p", "allowances": ["a"]}},
             [call(seconds, start=start) for start, seconds in rows], amounts,
             valid_from="2024-01-01", prices={"p": {"unit": "second", "price": "0.01"}},
             allowances={"a": {"unit": "second", "amount": 100, "services": ["voice"],
                               "period_from": "start", **keys}},
             subscribers=[{"id": "S1", "account": "A1", "product": "sold", "msisdn": "+49150000001",
                           "active_from": begins}])


granted("30 days from activation", "2026-01-17",
        [("2026-01-17T00:00:00Z", 100), ("2026-02-15T23:59:59Z", 10), ("2026-02-16T00:00:00Z", 100)],
        ["0", "0.1", "0"], "sigscale", period="day", period_count=30)
granted("24 hours from half past ten", "2026-03-02T10:30:00Z",
        [("2026-03-02T10:30:00Z", 100), ("2026-03-03T10:29:59Z", 10), ("2026-03-03T10:30:00Z", 100)],
        ["0", "0.1", "0"], "sigscale", period="day")
granted("a month, anchored on the 31st", "2026-01-31",
        [("2026-01-31T00:00:00Z", 100), ("2026-02-27T23:59:59Z", 10), ("2026-02-28T00:00:00Z", 100),
         ("2026-03-30T23:59:59Z", 1), ("2026-03-31T00:00:00Z", 100), ("2026-04-30T00:00:00Z", 100)],
        ["0", "0.1", "0", "0.01", "0", "0"], period="month")
granted("a year, anchored on 29 February", "2024-02-29",
        [("2024-02-29T00:00:00Z", 100), ("2025-02-27T23:59:59Z", 1), ("2025-02-28T00:00:00Z", 100),
         ("2028-02-28T23:59:59Z", 1), ("2028-02-29T00:00:00Z", 100)],
        ["0", "0.01", "0", "0", "0"], period="year")
granted("two months, what is left rolls over once", "2026-01-17",
        [("2026-01-17T00:00:00Z", 40), ("2026-03-17T00:00:00Z", 170), ("2026-05-17T00:00:00Z", 110)],
        ["0", "0.1", "0.1"], period="month", period_count=2, rollover={"periods": 1})
scenario("openmeter", "a shared grant of 30 days begins with the first member, each with a cap",
         {"voice": {"price": "p", "allowances": ["a"]}},
         [call(60, start="2026-01-20T00:00:00Z"),
          call(60, start="2026-02-15T23:00:00Z", subscriber="+49150000002"),
          call(60, start="2026-02-16T00:00:00Z", subscriber="+49150000002")], ["0.2", "0.2", "0.2"],
         prices={"p": {"unit": "second", "price": "0.01"}},
         allowances={"a": {"unit": "second", "amount": 100, "services": ["voice"], "period": "day", "scope": "account",
                           "period_from": "start", "period_count": 30, "member_cap": 40}},
         subscribers=[{"id": f"S{n}", "account": "A1", "product": "sold", "msisdn": f"+4915000000{n}",
                       "active_from": begins} for n, begins in ((1, "2026-01-17"), (2, "2026-02-05"))])

granted("half of what is left rolls over", "2026-01-01",
        [("2026-01-10T00:00:00Z", 39), ("2026-02-10T00:00:00Z", 131)], ["0", "0.01"], "metronome",
        period="month", rollover={"periods": 1, "share": 50})
granted("a share, then the least and the most that rolls", "2026-01-01",
        [("2026-01-10T00:00:00Z", 20), ("2026-02-10T00:00:00Z", 131)], ["0", "0.01"], "metronome",
        period="month", rollover={"periods": 1, "share": 75, "min": 10, "max": 30})

# Taxes of each charge; coupons of one customer, of some charges, of a plan and of everything. Lago rounds
# the sum of all taxes (18.89), here each rate is rounded: 14.11 of 141.06 and 4.79 of 23.94.
METERS = [(number, "high" if number in (2, 6) else "low") for number in range(1, 9)]
COUPONS = dict(
    prices={f"bm{number}": unit("1", tax=tax) for number, tax in METERS},
    taxes={"low": {"rate": "10%"}, "high": {"rate": "20%"}},
    decks={"d": {"prefixes": {str(number): f"z{number}" for number, _ in METERS}}},
    products={"second": {"plan": "p", "tax": "low", "discount_amount": "10.00"},
              "coupon": {"tax": "low", "discount_amount": "5.00", "discount_on": "all",
                         "discount_scope": "account", "discount_cycles": 1}},
    product={"tax": "low", "discount_amount": "20.00", "discount_prices": ["bm1", "bm2"]},
    subscribers=[{"id": "S1", "account": "A1", "product": "sold", "msisdn": "+49150000001", "active_from": "2026-03-01"},
                 {"id": "S2", "account": "A1", "product": "second", "msisdn": "+49150000002",
                  "active_from": "2026-03-01"},
                 {"id": "S3", "account": "A1", "product": "coupon", "msisdn": "", "active_from": "2026-03-01"}])
METERED = {"event": {"deck": "d", "prices": {f"z{number}": f"bm{number}" for number, _ in METERS}}}
scenario("lago", "coupons of charges, of a plan and of the customer over two taxes", METERED,
         [event(number % 4 * 10 or 40, peer=str(number),
                subscriber="+49150000001" if number < 5 else "+49150000002") for number, _ in METERS],
         ["10", "20", "30", "40", "10", "20", "30", "40"], bills=[("2026-03", "A1", "165.00", "183.90")], **COUPONS)
scenario("lago", "a coupon of one plan, two taxes on it: 47.70 of 328.00", {},
         bills=[("2026-03", "A1", "328.00", "375.70")], product={"fee": "179.00", "tax": "ten"},
         taxes={"ten": {"rate": "10%"}, "plan": {"rate": "10%"}, "both": {"parts": ["ten", "plan"]}},
         products={"two": {"fee": "399.00", "tax": "both", "discount_amount": "250.00", "discount_on": "fees"}},
         subscribers=[{"id": "S1", "account": "A1", "product": "sold", "active_from": "2026-01-01"},
                      {"id": "S2", "account": "A1", "product": "two", "active_from": "2026-01-01"}])

# Prepaid: 8.00 of two top-ups, 2.00 used of what ends on the 3rd, 3.00 lapsed, then as much of a call as 3.00 and 1.00 of
# credit pay for; a second is charged all the same, and the last top-up pays the debt.
TOPUP = {"action": "topup", "account": "A1"}


def used(day, seconds, **keys):
    return {**call(seconds, start=f"2026-10-{day:02d}T08:00:00Z"), **keys}


scenario("control", "the life of a prepaid account", VOICE,
         [{**TOPUP, "id": "t1", "amount": "5.00", "start": "2026-10-01T08:00:00Z", "valid_to": "2026-10-03"},
          {**TOPUP, "id": "t2", "amount": "3.00", "start": "2026-10-01T08:00:00Z"},
          used(2, 20),
          {**TOPUP, "id": "t1", "amount": "5.00", "start": "2026-10-01T08:00:00Z", "valid_to": "2026-10-03"},
          {**TOPUP, "id": "t1", "amount": "5.01", "start": "2026-10-01T08:00:00Z", "valid_to": "2026-10-03"},
          {"action": "balance", "account": "A1", "start": "2026-10-03"},
          used(4, 60, credit="balance"), used(5, 1),
          {**TOPUP, "id": "t3", "amount": "10.00", "start": "2026-10-06"}],
         [{"fate": "topped_up", "balance": "5.00", "available": "6.00", "lapses_next": "5.00", "lapses_at": "2026-10-03T00:00:00Z"},
          {"fate": "topped_up", "amount": "3.00", "balance": "8.00", "lapses_next": "5.00"},
          {"fate": "rated", "amount": "2.00", "balance": "6.00", "lapses_next": "3.00", "alerts": None},
          {"fate": "duplicate", "reason": "DUPLICATE", "balance": "8.00"},
          {"fate": "refused", "reason": "DUP_CONFLICT", "at": "5:1"},
          {"fate": "balance", "balance": "3.00", "lapsed": "3.00", "lapses_next": None},
          {"fate": "rated", "amount": "4.00", "granted_quantity": 40000, "balance": "-1.00", "available": "0.00",
           "alerts": ["0.50", "2.00"], "over_credit": None},
          {"fate": "rated", "amount": "0.10", "over_credit": True, "balance": "-1.10", "available": "-0.10", "alerts": None},
          {"fate": "topped_up", "balance": "8.90", "available": "9.90"}],
         [("2026-10", "A1", "6.10")], prices={"p": {"unit": "second", "price": "0.10"}},
         accounts=[{"id": "A1", "prepaid": "true", "credit_limit": "1.00", "credit_alerts": "2.00 0.50"}])
