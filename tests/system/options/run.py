# SPDX-License-Identifier: Apache-2.0
"""Options of rating, told row by row; amounts and units are worked out by hand beside each."""
import sys
import tempfile
from decimal import Decimal

sys.path.insert(0, sys.argv[2])

from folder import Folder  # noqa: E402

DAY = "2026-03-02T10:00:00Z"


class Book:
    """A folder, and what its rows must come to."""

    def __init__(self, name="options"):
        self.folder = Folder(name, "2026-01-01")
        self.checks = []
        self.pairs = []  # usage, and the record that takes it back
        self.folder.networks = {"own": {"plmn": "26201"}, "fr": {"plmn": "20801", "zone": "eu"},
                                "us": {"plmn": "310410", "zone": "usa"}}
        self.second = self.folder.price(unit="second", price="1")

    def row(self, number, service, wanted, start=DAY, **keys):
        """wanted: amount or reason, then (allowance, units, left) in the order of use."""
        line = self.folder.row(number, service, start, **keys)
        if wanted is not None:
            self.checks.append((line, wanted))
        return line

    def grant(self, amount, service="voice", unit="second", **keys):
        return self.folder.allowance(unit=unit, amount=amount, services=[service], **keys)

    def caller(self, allowances, price=None, **keys):
        return self.folder.subscriber({"voice": {"price": price or self.second,
                                                 "allowances": allowances, **keys}})


def home_is_a_zone(book):
    home = book.grant(10, zones=["home"])
    who = book.caller([home])
    book.row(who, "voice", ["0.00"], duration_s=4)
    book.row(who, "voice", ["1.00"], duration_s=7)
    deck = book.folder.deck({"49": "germany"})
    abroad = book.folder.subscriber({"voice": {"deck": deck, "allowances": [home],
                                               "prices": {"germany": book.second}}})
    book.row(abroad, "voice", ["4.00"], duration_s=4, peer="4930111")


def add_ons_are_granted_once(book):
    # One grant of 100 for the two months that it is valid, then nothing, also for late rows.
    pack = book.grant(100, valid_from="2026-03-01", valid_to="2026-05-01")
    who = book.caller([pack])
    book.row(who, "voice", ["60.00"], "2026-02-28T23:59:59Z", duration_s=60)
    book.row(who, "voice", ["0.00", (pack, 60, 40)], "2026-03-01T00:00:00Z", duration_s=60)
    book.row(who, "voice", ["20.00", (pack, 40, 0)], "2026-04-20T00:00:00Z", duration_s=60)
    book.row(who, "voice", ["60.00"], "2026-05-01T00:00:00Z", duration_s=60)
    # The same with a period of its own: 100 each month, while it is valid.
    monthly = book.grant(100, valid_from="2026-03-01", valid_to="2026-05-01", period="month")
    who = book.caller([monthly])
    book.row(who, "voice", ["0.00", (monthly, 60, 40)], "2026-03-10T00:00:00Z", duration_s=60)
    book.row(who, "voice", ["0.00", (monthly, 60, 40)], "2026-04-10T00:00:00Z", duration_s=60)
    book.row(who, "voice", ["60.00"], "2026-05-10T00:00:00Z", duration_s=60)
    # An instant, not a date; open to one side.
    later = book.grant(100, valid_from="2026-03-02T12:00:00+02:00")
    who = book.caller([later])
    book.row(who, "voice", ["60.00"], "2026-03-02T09:59:59Z", duration_s=60)
    book.row(who, "voice", ["0.00", (later, 60, 40)], "2026-03-02T10:00:00Z", duration_s=60)
    book.row(who, "voice", ["20.00", (later, 40, 0)], "2027-08-02T10:00:00Z", duration_s=60)
    # Packs of one plan, each for its month.
    packs = [book.grant(10, valid_from=f"2026-{month:02}-01", valid_to=f"2026-{month + 1:02}-01")
             for month in range(1, 7)]
    who = book.caller(packs)
    for month, pack in enumerate(packs, 1):
        book.row(who, "voice", ["0.00", (pack, 5, 5)], f"2026-{month:02}-03", duration_s=5)


def the_soonest_end_counts(book):
    # 2026-03-31 is a Tuesday: its week ends on 5 April, its month that night, the day too.
    week = book.grant(10, period="week")
    month = book.grant(10, period="month")
    year = book.grant(10, period="year")
    who = book.caller([week, month, year])
    book.row(who, "voice", ["0.00", (month, 5, 5)], "2026-03-31T10:00:00Z", duration_s=5)
    book.row(who, "voice", ["0.00", (week, 5, 5)], "2026-04-01T10:00:00Z", duration_s=5)
    book.row(who, "voice", ["0.00", (week, 5, 0), (month, 10, 0), (year, 10, 0)],
             "2026-04-02T10:00:00Z", duration_s=25)
    # What ends with the day is one instant: own before pool, then what was granted first.
    day = book.grant(10, period="day")
    pool = book.grant(10, period="day", scope="account")
    who = book.caller([pool, day, month])
    book.row(who, "voice", ["0.00", (month, 10, 0), (day, 10, 0), (pool, 1, 9)],
             "2026-03-31T10:00:00Z", duration_s=21)
    # A pack that ends within the month comes before it, one that ends later behind it.
    soon = book.grant(10, valid_to="2026-03-20")
    late = book.grant(10, valid_to="2026-04-20")
    who = book.caller([late, month, soon])
    book.row(who, "voice", ["0.00", (soon, 10, 0), (month, 10, 0), (late, 1, 9)], duration_s=21)
    # Priority is before all ends.
    first = book.grant(10, period="ever", priority=1)
    who = book.caller([month, first, soon])
    book.row(who, "voice", ["0.00", (first, 10, 0), (soon, 1, 9)], duration_s=11)


def hours_and_years_are_periods(book):
    hour = book.grant(10, period="hour")
    who = book.caller([hour])
    book.row(who, "voice", ["0.00", (hour, 10, 0)], "2026-03-02T10:00:00Z", duration_s=10)
    book.row(who, "voice", ["1.00"], "2026-03-02T10:59:59Z", duration_s=1)
    book.row(who, "voice", ["0.00", (hour, 3, 7)], "2026-03-02T11:00:00Z", duration_s=3)
    year = book.grant(10, period="year")
    who = book.caller([year])
    book.row(who, "voice", ["0.00", (year, 6, 4)], "2026-01-02T10:00:00Z", duration_s=6)
    book.row(who, "voice", ["2.00", (year, 4, 0)], "2026-12-31T23:59:59Z", duration_s=6)
    book.row(who, "voice", ["0.00", (year, 6, 4)], "2027-01-01T00:00:00Z", duration_s=6)
    for period, last, first in (("quarter", "2026-03-31", "2026-04-01"),
                                ("half_year", "2026-06-30", "2026-07-01")):
        grant = book.grant(10, period=period, rollover={"periods": 1, "max": 3})
        who = book.caller([grant])
        book.row(who, "voice", ["0.00", (grant, 8, 5)], "2026-01-01T00:00:00Z", duration_s=8)
        book.row(who, "voice", ["2.00", (grant, 5, 0)], last + "T23:59:59Z", duration_s=7)
        book.row(who, "voice", ["0.00", (grant, 6, 4)], first + "T00:00:00Z", duration_s=6)
        book.row(who, "voice", ["0.00", (grant, 13, 0)], "2027-01-01T00:00:00Z", duration_s=13)
    # Of one priority the quarter ends before the half year, and the half year before the year.
    quarter, half = book.grant(1, period="quarter"), book.grant(1, period="half_year")
    year = book.grant(1, period="year")
    who = book.caller([year, half, quarter])
    book.row(who, "voice", ["1.00", (quarter, 1, 0), (half, 1, 0), (year, 1, 0)], duration_s=4)


def the_repeated_hour_has_bands(book):
    # Berlin, 25 October 2026: 02:00 to 03:00 is 00:00Z to 01:00Z and once more to 02:00Z.
    off = book.folder.price(unit="second", price="1")
    peak = book.folder.price(unit="second", price="2")

    def who(ambiguous, begin, end, **keys):
        model = book.folder.model("peak", [{"band": "off", "from": begin, "to": end}],
                                  zone="Europe/Berlin")
        book.folder.models[model]["ambiguous"] = ambiguous
        return book.folder.subscriber({"voice": {
            "time_model": model, "prices": {"*": {"off": off, "peak": peak}}, **keys}})

    def call(number, clock, seconds, units_off, day=25):
        amount = units_off + 2 * (seconds - units_off)
        book.row(number, "voice", [f"{amount}.00"], f"2026-10-{day}T{clock}Z", duration_s=seconds)
    # Off until 02:30, from before, in the first pass, in the second.
    first = who("first", "00:00", "02:30")
    call(first, "23:30:00", 7200, 3600, day=24)
    call(first, "00:10:00", 3600, 1200)
    call(first, "00:40:00", 60, 0)
    call(first, "01:10:00", 60, 60)
    call(first, "01:10:00", 3600, 1200)
    call(first, "01:40:00", 60, 0)
    second = who("second", "00:00", "02:30")
    call(second, "23:30:00", 7200, 7200, day=24)
    call(second, "23:30:00", 7260, 7200, day=24)
    call(second, "00:10:00", 6000, 4800)
    call(second, "00:40:00", 3600, 0)
    call(second, "01:10:00", 3600, 1200)
    call(second, "01:40:00", 60, 0)
    # Off within the hour: 02:15 to 02:45.
    inner = who("first", "02:15", "02:45")
    call(inner, "00:10:00", 7200, 1800)
    call(inner, "01:10:00", 3600, 1800)
    call(inner, "01:20:00", 60, 60)
    call(inner, "00:50:00", 60, 0)
    call(inner, "00:50:00", 3600, 0)
    # All at the band of the start, or of the end.
    call(who("first", "02:15", "02:45", split="start"), "01:20:00", 3600, 3600)
    call(who("first", "02:15", "02:45", split="end"), "00:50:00", 1860, 0)
    call(who("first", "02:15", "02:45", split="end"), "00:10:00", 1800, 1800)
    # Increments of the start's owner that end in the second pass: still the walk from before.
    off = book.folder.price(unit="second", price="1", first=2400, next=2400)
    peak = book.folder.price(unit="second", price="2", first=2400, next=2400)
    call(who("first", "00:00", "02:30"), "00:20:00", 4800, 2400)
    # Spring: 02:00 to 03:00 is skipped, a boundary in it is 03:00; 2400 s before it, 2400 behind.
    for ambiguous in ("first", "second"):
        spring = who(ambiguous, "00:00", "02:30")
        book.row(spring, "voice", ["7200.00"], "2026-03-29T00:30:00Z", duration_s=4800)


def amounts_may_be_fractions(book):
    data = book.folder.price(unit="megabyte", price="1")
    pack = book.grant(1.5, service="data", unit="gigabyte", period="ever")
    who = book.folder.subscriber({"data": {"price": data, "allowances": [pack]}})
    book.row(who, "data", ["0.00", (pack, 1499, 1)], quantity_down=1499 * 10**6)
    book.row(who, "data", ["1.00", (pack, 1, 0)], quantity_down=2 * 10**6)
    tenth = book.grant("0.1", unit="minute", period="ever")
    who = book.caller([tenth])
    book.row(who, "voice", ["1.00", (tenth, 6, 0)], duration_s=7)


def raw_units_are_what_was_used(book):
    # 60/60 at 1 a second: 61 s are billed as 120, of which the raw pack of 100 s takes 61.
    minutes = book.folder.price(unit="second", price="1", first=60, next=60)
    pack = book.grant(100, consume="raw", period="ever")
    who = book.caller([pack], minutes)
    book.row(who, "voice", ["0.00", (pack, 61, 39)], duration_s=61)
    # Of 70 s 39 are covered; the other 31 are a first increment of 60.
    book.row(who, "voice", ["60.00", (pack, 39, 0)], duration_s=70)
    book.row(who, "voice", ["120.00"], duration_s=70)
    billed = book.grant(100, period="ever")
    who = book.caller([billed], minutes)
    book.row(who, "voice", ["20.00", (billed, 100, 0)], duration_s=61)
    # Minimum and included units are of what is left: 100 - 39 = 61 -> minimum 90, less 10.
    other = book.folder.price(unit="second", price="1", minimum=90, included=10, connect="0.50")
    pack = book.grant(39, consume="raw", period="ever")
    who = book.caller([pack], other)
    book.row(who, "voice", ["80.50", (pack, 39, 0)], duration_s=100)
    late = book.grant(39, consume="raw", period="ever")
    who = book.caller([late], other)
    book.row(who, "voice", ["0.00", (late, 30, 9)], duration_s=30)


def covered_units_may_cost(book):
    # 40 s at 0.01 and 20 at 1, and the fee of the call once for those 20.
    cheap = book.folder.price(unit="second", price="0.60", per=60, connect="7", min="9")
    call = book.folder.price(unit="second", price="1", connect="0.50", min="0.30")
    pack = book.grant(100, price_when_used=cheap, period="ever")
    free = book.grant(10, period="ever", priority=1)
    who = book.caller([pack, free], call)
    book.row(who, "voice", ["0.50", (free, 10, 0), (pack, 50, 50)], duration_s=60)
    book.row(who, "voice", ["0.10", (pack, 10, 40)], duration_s=10)
    book.row(who, "voice", ["20.90", (pack, 40, 0)], duration_s=60)
    book.row(who, "voice", ["1.50"], duration_s=1)
    # Bounds are of what the call's price prices: 1 s more than the pack has is no cheaper than it,
    # and a minimum is not made by covered units. With decimals as well.
    dear = book.folder.price(unit="second", price="0.125", rounding="up")
    for decimals, all_in, over in (({}, "12.50", "17.50"), ({"decimals": 1}, "12.50", "17.50")):
        call = book.folder.price(unit="second", price="6", min="2", max="5", **decimals)
        low = book.folder.price(unit="second", price="0.25", min="2", max="5", **decimals)
        pack = book.grant(100, price_when_used=dear, period="ever")
        who = book.caller([pack], call)
        book.row(who, "voice", [all_in, (pack, 100, 0)], duration_s=100)
        pack = book.grant(100, price_when_used=dear, period="ever")
        who = book.caller([pack], call)
        book.row(who, "voice", [over, (pack, 100, 0)], duration_s=101)
        pack = book.grant(100, price_when_used=dear, period="ever")
        who = book.caller([pack], low)
        book.row(who, "voice", ["14.50", (pack, 100, 0)], duration_s=101)


def raw_units_have_bands(book):
    # Off-peak seconds cover calls that start off-peak, though the model's first band is the peak.
    model = book.folder.model("peak", [{"band": "off", "from": "20:00", "to": "24:00"}])
    for bands, day, night in ((["off"], "7.00", "0.00"), (["peak"], "0.00", "7.00")):
        raw = book.grant(1000, consume="raw", bands=bands)
        who = book.caller([raw], time_model=model, split="start")
        book.row(who, "voice", [day], "2026-03-02T19:59:59Z", duration_s=7)
        book.row(who, "voice", [night], "2026-03-02T20:00:00Z", duration_s=7)
        who = book.caller([raw], time_model=model, split="end")
        book.row(who, "voice", [night], "2026-03-02T19:59:59Z", duration_s=7)


def a_minimum_reaches_no_band(book):
    # 10 s and 30 s are used; what the minimum adds is of the band in which the call ended, whether
    # or not it crossed one before.
    off, peak, late = (book.folder.price(unit="second", price=price, minimum=100)
                       for price in ("1", "10", "100"))
    model = book.folder.model("off", [{"band": "peak", "from": "08:00", "to": "08:01"},
                                      {"band": "late", "from": "08:01", "to": "24:00"}])
    for owner in ("increment_start", "per_second", "per_segment"):
        who = book.folder.subscriber({"voice": {
            "time_model": model, "increment_owner": owner,
            "prices": {"home": {"off": off, "peak": peak, "late": late}}}})
        book.row(who, "voice", ["910.00"], "2026-03-02T07:59:50Z", duration_s=40)
        book.row(who, "voice", ["100.00"], "2026-03-02T07:59:50Z", duration_s=10)
        book.row(who, "voice", ["1000.00"], "2026-03-02T08:00:20Z", duration_s=40)


def a_call_may_end_at_another_price(book):
    # With split end the whole call goes over to the price it ends at, with that price's fee, bounds
    # and decimals: two records cost what one does.
    low = book.folder.price(unit="second", price="1", connect="3", max="50", decimals=0)
    high = book.folder.price(unit="second", price="2.125", connect="5", decimals=1)
    for bands, wanted in (({"off": low, "peak": high}, ["33.00", "163.30"]),
                          ({"off": high, "peak": low}, ["68.80", "-18.80"])):
        model = book.folder.model("off", [{"band": "peak", "from": "08:00", "to": "24:00"}])
        who = book.folder.subscriber({"voice": {"time_model": model, "split": "end",
                                                "prices": {"home": bands}}})
        book.row(who, "voice", wanted[:1], "2026-03-02T07:59:00Z", duration_s=30,
                 flags=["partial"])
        book.row(who, "voice", wanted[1:], "2026-03-02T07:59:30Z", duration_s=60)
        total = sum(Decimal(amount) for amount in wanted)
        book.row(who, "voice", [str(total)], "2026-03-03T07:59:00Z", duration_s=90)


def a_reached_limit_gives_nothing_back(book):
    # 100 s cost 100, 50 of it are cut; the tier that makes all units cheaper takes back 89.90 that
    # never came in. A limit that is not reached has cut nothing, and gives back.
    tiers = [{"up_to": 100, "price": "1"}, {"price": "0.10"}]
    for maximum, wanted in (("50", ["50.00", "0.00", "0.00"]), ("200", ["100.00", "-89.90", "1.00"])):
        limit = book.folder.fresh("l")
        book.folder.spend_limits[limit] = {"maximum": maximum}
        price = book.folder.price(unit="second", tariff="volume", tiers=tiers, spend_limit=limit)
        who = book.folder.subscriber({"voice": {"price": price}})
        for seconds, amount in zip((100, 1, 10), wanted):
            book.row(who, "voice", [amount], duration_s=seconds)


def a_limit_may_stop_usage(book):
    # Ten euros: 8 s, then 2 of 8, then none; free units are granted. What was used beyond is charged.
    limit = book.folder.fresh("l")
    book.folder.spend_limits[limit] = {"maximum": "10", "at_maximum": "stop"}
    free = book.folder.price(unit="event", price="0")
    price = book.folder.price(unit="second", price="1")
    who = book.folder.subscriber({"voice": {"price": price, "spend_limit": limit},
                                  "message": {"price": free, "spend_limit": limit}})
    for granted, credit in (("8.00", "100"), ("2.00", "100"), ("0.00", "100")):
        book.row(who, "voice", [granted], duration_s=8, credit=credit)
    book.row(who, "message", ["0.00"], count=3, credit="100")
    book.row(who, "voice", ["8.00"], duration_s=8)
    book.row(who, "voice", ["1.00"], "2026-04-01", duration_s=8, credit="1")


def pools_begin_apart(book):
    # A daily pool is there from the first day on, though another one of the account, which counts
    # from a start, came with a plan that was sold later; and that one begins with that plan.
    folder = book.folder
    folder.accounts["pools"] = ""
    plain = book.grant(100, scope="account", period="day")
    turns = [book.grant(100, scope="account", period="day", period_from="start", period_count=count)
             for count in (30, 40)]
    for allowances, since in (([plain], "2026-01-01"), ([turns[0]], "2026-02-10"),
                              ([turns[1]], "2026-03-01T12:00:00")):
        who = folder.subscriber({"voice": {"price": book.second, "allowances": allowances}},
                                "pools", since)
        if allowances == [plain]:
            book.row(who, "voice", ["0.00", (plain, 60, 40)], "2026-01-05", duration_s=60)
            book.row(who, "voice", ["0.00", (plain, 60, 40)], "2026-02-11", duration_s=60)
        elif allowances == [turns[0]]:  # 30 days from 10 February: to 12 March
            book.row(who, "voice", ["0.00", (turns[0], 60, 40)], "2026-03-11", duration_s=60)
            book.row(who, "voice", ["0.00", (turns[0], 60, 40)], "2026-03-12", duration_s=60)
        else:  # 40 days from 1 March 12:00: to 10 April 12:00
            book.row(who, "voice", ["0.00", (turns[1], 60, 40)], "2026-03-12", duration_s=60)
            book.row(who, "voice", ["20.00", (turns[1], 40, 0)], "2026-04-10T11:59:59Z",
                     duration_s=60)
            book.row(who, "voice", ["0.00", (turns[1], 60, 40)], "2026-04-10T12:00:00Z",
                     duration_s=60)


def passes_of_hours_last_as_long(book):
    # Two hours from 01:30 of the night in which clocks are put forward, and of that in which they
    # are put back: to 00:30Z + 2 h and 23:30Z + 2 h, also on a pool; days end at the wall time.
    folder = book.folder
    folder.accounts["berlin"] = "Europe/Berlin"
    for scope in ("subscriber", "account"):
        for begin, inside, behind in (
                ("2026-03-29T00:30:00Z", "2026-03-29T02:29:59Z", "2026-03-29T02:30:00Z"),
                ("2026-10-24T23:30:00Z", "2026-10-25T01:29:59Z", "2026-10-25T01:30:00Z")):
            hours = book.grant(10, period="hour", period_from="start", period_count=2, scope=scope)
            who = folder.subscriber({"voice": {"price": book.second, "allowances": [hours]}},
                                    "berlin", begin)
            book.row(who, "voice", ["0.00", (hours, 6, 4)], begin, duration_s=6)
            book.row(who, "voice", ["2.00", (hours, 4, 0)], inside, duration_s=6)
            book.row(who, "voice", ["0.00", (hours, 6, 4)], behind, duration_s=6)
    day = book.grant(10, period="day", period_from="start")
    who = folder.subscriber({"voice": {"price": book.second, "allowances": [day]}}, "berlin",
                            "2026-03-28T12:00:00+01:00")
    book.row(who, "voice", ["0.00", (day, 6, 4)], "2026-03-29T09:59:59Z", duration_s=6)
    book.row(who, "voice", ["0.00", (day, 6, 4)], "2026-03-29T10:00:00Z", duration_s=6)


def a_blocker_ends_the_search(book):
    stop = book.grant(10, period="ever", priority=1, blocker=True)
    more = book.grant(100, period="ever", priority=2)
    who = book.caller([stop, more])
    book.row(who, "voice", ["0.00", (stop, 8, 2)], duration_s=8)
    book.row(who, "voice", ["6.00", (stop, 2, 0)], duration_s=8)
    book.row(who, "voice", ["8.00"], duration_s=8)
    # What it is not for passes it by.
    deck = book.folder.deck({"49": "germany", "33": "france"})
    abroad = book.grant(10, period="ever", priority=1, blocker=True, zones=["france"])
    who = book.folder.subscriber({"voice": {"deck": deck, "allowances": [abroad, more],
                                            "prices": {"*": book.second}}})
    book.row(who, "voice", ["0.00", (more, 8, 92)], duration_s=8, peer="4930")
    book.row(who, "voice", ["2.00", (abroad, 10, 0)], duration_s=12, peer="3310")


def octets_may_be_cut_by_time(book):
    # 100 kB in 100 s from 19:59:30: 30 before the boundary, 70 behind it.
    off = book.folder.price(unit="kilobyte", price="1")
    peak = book.folder.price(unit="kilobyte", price="2")
    model = book.folder.model("peak", [{"band": "off", "from": "20:00", "to": "24:00"}])

    def who(first=off, second=peak, **keys):
        return book.folder.subscriber({"data": {
            "time_model": model, "prices": {"*": {"off": first, "peak": second}}, **keys}})

    def use(number, wanted, **keys):
        book.row(number, "data", [wanted], "2026-03-02T19:59:30Z", **keys)
    use(who(), "200.00", quantity_down=10**5, duration_s=100)
    timed = who(data_split="by_time")
    use(timed, "130.00", quantity_down=10**5, duration_s=100)
    use(timed, "60.00", quantity_down=3 * 10**4, duration_s=30)
    use(timed, "200.00", quantity_down=10**5)
    # Seven kilobytes: the third begins at 28.57 s, the fourth at 42.86 s: three before.
    use(timed, "10.00", quantity_down=7000, duration_s=100)
    use(who(data_split="by_time", split="start"), "200.00", quantity_down=10**5, duration_s=100)
    use(who(data_split="by_time", split="end"), "100.00", quantity_down=10**5, duration_s=100)
    # Increments of 20: two begin before the boundary, at 0 and 20 s; three behind it.
    coarse = [book.folder.price(unit="kilobyte", price=price, first=20, next=20)
              for price in ("1", "2")]
    use(who(*coarse, data_split="by_time"), "140.00", quantity_down=10**5, duration_s=100)
    # 40 and 80 when each part is rounded by itself.
    use(who(*coarse, data_split="by_time", increment_owner="per_segment"), "160.00",
        quantity_down=10**5, duration_s=100)


def long_calls_have_many_parts(book):
    # Noon to 20:00 and to midnight, then 31 days of 20 h and 4 h: 64 parts; in 33 days there are 67.
    off = book.folder.price(unit="hour", price="1")
    peak = book.folder.price(unit="hour", price="2")
    model = book.folder.model("peak", [{"band": "off", "from": "20:00", "to": "24:00"}])
    who = book.folder.subscriber({"voice": {"time_model": model,
                                            "prices": {"*": {"off": off, "peak": peak}}}})
    days = 32
    book.row(who, "voice", [f"{days * (4 * 1 + 20 * 2) - 8 * 2 - 4 * 2}.00"],
             "2026-03-02T12:00:00Z", duration_s=days * 86400 - 12 * 3600)
    book.row(who, "voice", ["FULL"], "2026-03-02T12:00:00Z", duration_s=33 * 86400)


def an_empty_prefix_is_the_default(book):
    deck = book.folder.dated_deck([("", "rest", "", ""), ("49", "germany", "", "")])
    dear = book.folder.price(unit="second", price="3")
    who = book.folder.subscriber({"voice": {"deck": deck, "prices": {"germany": book.second,
                                                                     "rest": dear}}})
    book.row(who, "voice", ["1.00"], duration_s=1, peer="4930")
    book.row(who, "voice", ["3.00"], duration_s=1, peer="3310")


def content_has_zones(book):
    cheap = book.folder.price(unit="kilobyte", price="1")
    dear = book.folder.price(unit="kilobyte", price="5")
    free = book.folder.price(unit="kilobyte", price="0")
    pack = book.grant(10, service="data", unit="kilobyte", zones=["video"], period="ever")
    groups = {"social": [100, "200-299", "chat.example"], "video": [300]}
    who = book.folder.subscriber({"data": {"groups": groups, "allowances": [pack], "prices": {
        "social": free, "video": dear, "*": cheap}}})

    def use(number, wanted, kilobytes, **keys):
        book.row(number, "data", wanted, quantity_down=kilobytes * 1000, **keys)
    use(who, ["3.00"], 3)
    use(who, ["3.00"], 3, rating_group=99)
    use(who, ["0.00"], 3, rating_group=100)
    use(who, ["0.00"], 3, rating_group=200)
    use(who, ["0.00"], 3, rating_group=299)
    use(who, ["3.00"], 3, rating_group=301)
    use(who, ["0.00"], 3, peer="chat.example", peer_kind="name")
    use(who, ["3.00"], 3, peer="chat.example.org", peer_kind="name")
    use(who, ["10.00", (pack, 10, 0)], 12, rating_group=300)
    # Abroad the network's zone counts, unless a rule names both.
    free_or_not = {"social": free, "eu": cheap, "usa": dear, "home": cheap}
    who = book.folder.subscriber({"data": {"groups": {"social": [100]}, "prices": free_or_not}})
    use(who, ["0.00"], 3, rating_group=100)
    use(who, ["3.00"], 3, rating_group=100, serving_network="fr")
    use(who, ["15.00"], 3, rating_group=100, serving_network="us")
    use(who, ["3.00"], 3, serving_network="fr")
    who = book.folder.subscriber({"data": {
        "groups": {"social": [100]}, "origin": {"by": "network"},
        "prices": {**free_or_not, "eu>social": free}}})
    use(who, ["0.00"], 3, rating_group=100)
    use(who, ["0.00"], 3, rating_group=100, serving_network="fr")
    use(who, ["15.00"], 3, rating_group=100, serving_network="us")
    use(who, ["3.00"], 3, serving_network="fr")
    use(who, ["3.00"], 3, rating_group=101)
    # A group of messages beside a deck, and before its zone.
    text = book.folder.price(unit="event", price="2")
    vote = book.folder.price(unit="event", price="7")
    deck = book.folder.deck({"49": "germany"})
    who = book.folder.subscriber({"message": {"deck": deck, "groups": {"votes": [7]}, "prices": {
        "germany": text, "votes": vote}}})
    book.row(who, "message", ["2.00"], peer="491511")
    book.row(who, "message", ["7.00"], peer="491511", rating_group=7)
    book.row(who, "message", ["7.00"], peer="331511", rating_group=7)
    book.row(who, "message", ["NO_RATE"], peer="331511")


def causes_say_what_is_billable(book):
    # Q.850: 16 normal clearing and 31 normal are calls, 17 busy and 19 no answer are not.
    book.folder.causes["isup"] = {"billable": [16, "29-31"]}
    book.folder.causes["ims"] = {"not_billable": ["0-15", "17-19"]}
    book.folder.causes["strict"] = {"billable": ["16"], "otherwise": "suspend"}
    call = book.folder.price(unit="second", price="1", first=60, next=6, connect="5", min="7")
    pack = book.grant(100, period="ever")

    def say(table, cause, wanted, **keys):
        who = book.folder.subscriber({"voice": {"price": call, "causes": table,
                                                "allowances": [pack]}})
        book.row(who, "voice", wanted, closing_cause=cause, **{"duration_s": 130, **keys})
    for table, billable, free in (("isup", (16, 29, 30, 31), (0, 15, 17, 28, 32, 255)),
                                  ("ims", (16, 20, 255), (0, 7, 15, 17, 18, 19)),
                                  ("strict", (16,), ())):
        for cause in billable:
            say(table, cause, ["37.00", (pack, 100, 0)])
        for cause in free:
            say(table, cause, ["0.00"])
    say("strict", 17, ["NOT_BILLABLE"])
    say("strict", 0, ["NOT_BILLABLE"], duration_s=0)
    # One that costs nothing leaves tiers and the allowance for those that do.
    tiered = book.folder.price(tariff="graduated", unit="second",
                               tiers=[{"up_to": 100, "price": "2"}, {"price": "1"}])
    who = book.folder.subscriber({"voice": {"price": tiered, "causes": "isup"}})
    book.row(who, "voice", ["0.00"], closing_cause=17, duration_s=90)
    book.row(who, "voice", ["210.00"], closing_cause=16, duration_s=110)
    # A record of a call that goes on has no cause yet. The last one's is that of its own part, and
    # ends the call: the next one pays the fee again.
    who = book.folder.subscriber({"voice": {"price": call, "causes": "isup"}})
    book.row(who, "voice", ["65.00"], "2026-03-02T10:00:00Z", duration_s=60, flags=["partial"])
    book.row(who, "voice", ["60.00"], "2026-03-02T10:01:00Z", duration_s=60, flags=["partial"])
    book.row(who, "voice", ["0.00"], "2026-03-02T10:02:00Z", duration_s=60, closing_cause=17)
    book.row(who, "voice", ["65.00"], "2026-03-02T10:05:00Z", duration_s=60, closing_cause=16)
    # Messages and octets have causes as well.
    text = book.folder.price(unit="event", price="2")
    octets = book.folder.price(unit="kilobyte", price="1")
    who = book.folder.subscriber({"message": {"price": text, "causes": "isup"},
                                  "data": {"price": octets, "causes": "isup"}})
    book.row(who, "message", ["2.00"], closing_cause=16)
    book.row(who, "message", ["0.00"], closing_cause=4)
    book.row(who, "data", ["3.00"], closing_cause=16, quantity_down=3000)
    book.row(who, "data", ["0.00"], closing_cause=4, quantity_down=3000)


def records_without_usage_may_cost(book):
    call = book.folder.price(unit="second", price="1", first=60, next=6, connect="5")
    text = book.folder.price(unit="event", price="2")
    octets = book.folder.price(unit="kilobyte", price="3")
    book.folder.causes["answered"] = {"billable": [16]}

    def who(**keys):
        return book.folder.subscriber({name: {"price": price, **keys} for name, price in (
            ("voice", call), ("message", text), ("data", octets))})
    free, first, apart = who(), who(zero_usage="first"), who(zero_usage="suspend")
    for number, wanted in ((free, ("0.00", "0.00", "0.00")), (first, ("65.00", "2.00", "3.00")),
                           (apart, ("ZERO_DURATION",) * 3)):
        book.row(number, "voice", [wanted[0]], duration_s=0)
        book.row(number, "message", [wanted[1]], count=0)
        book.row(number, "data", [wanted[2]], quantity_down=0)
        book.row(number, "voice", ["71.00"], duration_s=61)
    # The cause is asked first: a call that nobody answered is none.
    both = who(zero_usage="first", causes="answered")
    book.row(both, "voice", ["0.00"], duration_s=0, closing_cause=19)
    book.row(both, "voice", ["65.00"], duration_s=0, closing_cause=16)


def usage_may_be_taken_back(book):
    # round(-x) = -round(x) in every mode, half a cent either way; a price below 0 as well.
    modes = ("half_up", "half_even", "up", "down", "ceil", "floor")
    for price in ("0.005", "0.015", "0.0149", "-0.005", "-0.015"):
        for mode in modes:
            cent = book.folder.price(unit="second", price=price, decimals=2, rounding=mode)
            who = book.folder.subscriber({"voice": {"price": cent, "negative_usage": "reverse"}})
            for seconds in (1, 3):
                there = book.row(who, "voice", None, duration_s=seconds)
                back = book.row(who, "voice", None, duration_s=-seconds)
                book.pairs.append((there, back))
    # As a call: increments, fee, bounds; the whole call, however many records it had.
    call = book.folder.price(unit="second", price="1", first=60, next=6, connect="5", min="70",
                             max="100")
    who = book.folder.subscriber({"voice": {"price": call, "negative_usage": "reverse"}})
    for seconds, wanted in ((1, "70.00"), (61, "71.00"), (600, "100.00")):
        book.row(who, "voice", [wanted], duration_s=seconds)
        book.row(who, "voice", ["-" + wanted], duration_s=-seconds)
    book.row(who, "voice", ["70.00"], "2026-03-02T10:00:00Z", duration_s=60, flags=["partial"])
    book.row(who, "voice", ["1.00"], "2026-03-02T10:01:00Z", duration_s=1)
    book.row(who, "voice", ["-71.00"], "2026-03-02T10:00:00Z", duration_s=-61)
    # Tiers are given back from the top; what was never counted is not known.
    tiers = {"tariff": "graduated", "unit": "event",
             "tiers": [{"up_to": 10, "price": "3"}, {"up_to": 20, "price": "2"}, {"price": "1"}]}
    for counter in ("month", "day", "cycle"):
        tiered = book.folder.price(counter=counter, **tiers)
        who = book.folder.subscriber({"message": {"price": tiered, "negative_usage": "reverse"}})
        book.row(who, "message", ["53.00"], count=23)
        book.row(who, "message", ["-9.00"], count=-6)
        book.row(who, "message", ["NEGATIVE_USAGE"], count=-18)
        book.row(who, "message", ["9.00"], count=6)
        book.row(who, "message", ["-53.00"], count=-23)
        book.row(who, "message", ["NEGATIVE_USAGE"], count=-1)
        book.row(who, "message", ["3.00"], count=1)
    record = book.folder.price(**{**tiers, "counter": "record"})
    who = book.folder.subscriber({"message": {"price": record, "negative_usage": "reverse"}})
    book.row(who, "message", ["-53.00"], count=-23)
    volume = book.folder.price(tariff="volume", unit="event",
                               tiers=[{"up_to": 10, "price": "2"}, {"price": "1"}])
    who = book.folder.subscriber({"message": {"price": volume, "negative_usage": "reverse"}})
    book.row(who, "message", ["16.00"], count=8)
    book.row(who, "message", ["-4.00"], count=4)
    book.row(who, "message", ["4.00"], count=-4)
    book.row(who, "message", ["-16.00"], count=-8)
    # Octets, and money that the record carries; free events of a percentage are free again.
    octets = book.folder.price(unit="kilobyte", price="1")
    share = book.folder.price(tariff="percentage", unit="amount",
                              params={"rate": "10%", "free_events": 1})
    who = book.folder.subscriber({"data": {"price": octets, "negative_usage": "reverse"},
                                  "event": {"price": share, "negative_usage": "reverse"}})
    book.row(who, "data", ["-4.00"], quantity_up=-1000, quantity_down=-2001)
    book.row(who, "event", ["0.00"], amount="50")
    book.row(who, "event", ["7.00"], amount="70")
    book.row(who, "event", ["-7.00"], amount="-70")
    book.row(who, "event", ["0.00"], amount="-50")
    book.row(who, "event", ["0.00"], amount="30")
    # Nobody may lower a bill unless the plan says so.
    who = book.folder.subscriber({"voice": {"price": book.second}})
    book.row(who, "voice", ["1.00"], duration_s=1)
    book.row(who, "voice", ["NEGATIVE_USAGE"], duration_s=-1)
    # Time bands are those of the usage.
    off = book.folder.price(unit="second", price="1")
    peak = book.folder.price(unit="second", price="2")
    model = book.folder.model("peak", [{"band": "off", "from": "20:00", "to": "24:00"}])
    who = book.folder.subscriber({"voice": {"time_model": model, "negative_usage": "reverse",
                                            "prices": {"*": {"off": off, "peak": peak}}}})
    book.row(who, "voice", ["-130.00"], "2026-03-02T19:59:30Z", duration_s=-100)


def a_call_may_be_split_where_its_rate_changes(book):
    noon = "2026-03-02T12:00:00Z"
    rows = [("49", "old", "", noon), ("49", "new", noon, ""),
            ("43", "old", "", noon), ("43", "old", noon, ""),
            ("39", "old", "", ""), ("3906", "new", noon, ""),
            ("33", "old", "", noon), ("*", "rest", "", "")]
    deck = book.folder.dated_deck(rows)
    gone = book.folder.dated_deck(rows[:-1])

    def who(deck=deck, keys=None, **price):
        prices = {zone: book.folder.price(unit="second", price=cost, **price)
                  for zone, cost in (("old", "1"), ("new", "2"), ("rest", "5"))}
        if deck is gone:
            del prices["rest"]
        return book.folder.subscriber({"voice": {"deck": deck, "prices": prices, **(keys or {})}})

    def call(number, peer, wanted, seconds=100, start="2026-03-02T11:59:30Z", **keys):
        book.row(number, "voice", [wanted], start, duration_s=seconds, peer=peer, **keys)
    split = {"rate_change": "split"}
    call(who(), "4930", "100.00")
    both = who(keys=split)
    call(both, "4930", "170.00")                  # 30 at 1, 70 at 2
    call(both, "4930", "30.00", seconds=30)       # ends where the new row begins
    call(both, "4930", "60.00", seconds=30, start=noon)
    call(both, "4310", "100.00")                  # a new row that says the same
    call(both, "3906", "170.00")                  # a longer prefix begins
    call(both, "3907", "100.00")
    call(both, "3310", "380.00")                  # a row ends, any number is left: 30 + 70 x 5
    call(who(gone, split), "3310", "NO_RATE")
    call(who(gone), "3310", "100.00")
    # Increments belong to the row in which they start, or as the plan says.
    minutes = {"first": 60, "next": 60}
    call(who(keys=split, **minutes), "4930", "180.00")
    call(who(keys={**split, "increment_owner": "per_segment"}, **minutes), "4930", "300.00")
    call(who(keys={**split, "increment_owner": "per_second"}, **minutes), "4930", "210.00")
    # The fee is once, that of the row of the start; records of a call are cut alike.
    fee = who(keys=split, connect="9")
    call(fee, "4930", "179.00")
    call(fee, "4931", "29.00", seconds=20, flags=["partial"])
    call(fee, "4931", "150.00", seconds=80, start="2026-03-02T11:59:50Z")
    # Tiers go on across the change, or begin again.
    tiers = {"tariff": "graduated", "counter": "record"}

    def tiered(**keys):
        prices = {zone: book.folder.price(unit="second", tiers=[
            {"up_to": 40, "price": cost}, {"price": "0"}], **tiers)
            for zone, cost in (("old", "1"), ("new", "2"), ("rest", "5"))}
        return book.folder.subscriber({"voice": {"deck": deck, "prices": prices, **split, **keys}})
    call(tiered(), "4930", "50.00")
    call(tiered(split="isolated"), "4930", "110.00")
    # Beside bands: to 12:01 at 1 and 2, then at 3 and 4.
    model = book.folder.model("peak", [{"band": "off", "from": "12:01", "to": "24:00"}])
    cost = {zone: {band: book.folder.price(unit="second", price=price)
                   for band, price in (("peak", peak), ("off", off))}
            for zone, peak, off in (("old", "1", "3"), ("new", "2", "4"), ("rest", "5", "5"))}
    who = book.folder.subscriber({"voice": {"deck": deck, "prices": cost, "time_model": model,
                                            **split}})
    call(who, "4930", "190.00")                   # 30 x 1 + 60 x 2 + 10 x 4
    # Octets by time, and numbers of a pair.
    kilobytes = {zone: book.folder.price(unit="kilobyte", price=price)
                 for zone, price in (("old", "1"), ("new", "2"), ("rest", "5"))}
    who = book.folder.subscriber({"data": {"deck": deck, "prices": kilobytes, **split,
                                           "data_split": "by_time"}})
    book.row(who, "data", ["170.00"], "2026-03-02T11:59:30Z", quantity_down=10**5,
             duration_s=100, peer="4930")


def ported_numbers_may_be_priced_where_they_are_routed(book):
    # 4915 is D1, 4917 is D2; 4915123 is ported: the record says where it led, as 4917999.
    deck = book.folder.dated_deck([("4915", "d1", "", ""), ("4917", "d2", "", "2026-03-02T12:00:00Z"),
                                   ("4917", "d3", "2026-03-02T12:00:00Z", ""),
                                   ("=281474976710655", "long", "", "")])
    prices = {zone: book.folder.price(unit="second", price=price)
              for zone, price in (("d1", "1"), ("d2", "3"), ("d3", "7"), ("long", "9"))}

    def who(**keys):
        return book.folder.subscriber({"voice": {"deck": deck, "prices": prices, **keys},
                                       "voice_received": {"deck": deck, "prices": prices}})
    dialled, routed = who(), who(number="routed")
    for number, wanted in ((dialled, "1.00"), (routed, "3.00")):
        book.row(number, "voice", [wanted], duration_s=1, peer="4915123", routed_to="+4917999")
        book.row(number, "voice", ["1.00"], duration_s=1, peer="4915123")
        book.row(number, "voice", ["3.00"], duration_s=1, peer="4917123")
    book.row(routed, "voice", ["9.00"], duration_s=1, peer="4915123", routed_to="281474976710655")
    book.row(routed, "voice", ["NO_RATE"], duration_s=1, peer="4915123", routed_to="33")
    # Who is called has no other number, and calls of several records are one by the dialled one.
    book.row(routed, "voice", ["1.00"], duration_s=1, peer="4915123", routed_to="4917999",
             flags=["incoming"])
    # Beside a change of the rate: 30 at 3 and 70 at 7.
    both = who(number="routed", rate_change="split")
    book.row(both, "voice", ["580.00"], "2026-03-02T11:59:30Z", duration_s=100, peer="4915123",
             routed_to="4917999")


def sessions_may_cost_by_time(book):
    minute = book.folder.price(unit="second", price="0.60", per=60, first=60, next=60)
    pack = book.grant(60, service="data", period="ever")
    who = book.folder.subscriber({"data": {"price": minute}})
    book.row(who, "data", ["1.20"], duration_s=61, quantity_down=10**9)
    book.row(who, "data", ["0.60"], duration_s=1)
    book.row(who, "data", ["0.00"], quantity_down=10**9)
    who = book.folder.subscriber({"data": {"price": minute, "allowances": [pack]}})
    book.row(who, "data", ["0.60", (pack, 60, 0)], duration_s=61, quantity_down=1)
    off = book.folder.price(unit="second", price="1")
    peak = book.folder.price(unit="second", price="2")
    model = book.folder.model("peak", [{"band": "off", "from": "20:00", "to": "24:00"}])
    who = book.folder.subscriber({"data": {"time_model": model,
                                           "prices": {"*": {"off": off, "peak": peak}}}})
    book.row(who, "data", ["130.00"], "2026-03-02T19:59:30Z", duration_s=100, quantity_down=1)


def a_call_may_keep_the_rate_of_its_start(book):
    """Its records are all of the row that was there when it began, whatever the price looks at."""
    noon = "2026-03-02T12:00:00Z"
    deck = book.folder.dated_deck([("49", "old", "", noon), ("49", "new", noon, "")])

    def who(change, **price):
        prices = {zone: book.folder.price(unit="second", price=cost, **price)
                  for zone, cost in (("old", "1"), ("new", "2"))}
        return book.folder.subscriber({"voice": {"deck": deck, "prices": prices,
                                                 "rate_change": change}})

    def call(number, peer, *records):
        for start, seconds, is_last, wanted in records:
            keys = {} if is_last else {"flags": ["partial"]}
            book.row(number, "voice", [wanted], f"2026-03-02T{start}Z", duration_s=seconds, peer=peer,
                     **keys)
    for change, wanted in (("start", ["30.00", "60.00", "80.00"]),
                           ("call", ["30.00", "30.00", "40.00"])):
        number = who(change)
        call(number, "4930", ("11:59:30", 30, False, wanted[0]), ("12:00:00", 30, False, wanted[1]),
             ("12:00:30", 40, True, wanted[2]))
        # The call is over; the next one, and one in a single record, begin at the new row.
        call(number, "4930", ("12:02:00", 10, False, "20.00"), ("12:02:10", 10, True, "20.00"))
        call(number, "4931", ("12:03:00", 10, True, "20.00"))
        call(number, "4931", ("11:59:59", 10, True, "10.00"))
    # A price that remembers the call: 9 and two minutes, not another fee and 2 a second.
    number = who("call", first=60, next=60, connect="9")
    call(number, "4930", ("11:59:30", 30, False, "69.00"), ("12:00:00", 90, True, "60.00"))
    # Two calls at a time keep their own.
    number = who("call")
    call(number, "4930", ("11:59:00", 10, False, "10.00"))
    call(number, "4931", ("12:00:10", 10, False, "20.00"))
    call(number, "4930", ("12:00:20", 10, True, "10.00"))
    call(number, "4931", ("12:00:30", 10, True, "20.00"))


def remainders_may_be_kept(book):
    # Thirds of a euro in whole cents: alone each is 0.33; kept, the third has what the two before lack, up or down.
    third = {"unit": "second", "price": "1", "per": 3, "decimals": 2}

    def calls(price, callers, amounts):
        for i, amount in enumerate(amounts):
            book.row(callers[i % len(callers)], "voice", [amount], f"2026-03-02T10:00:{i:02}Z", duration_s=1)

    def caller(price):
        return book.folder.subscriber({"voice": {"price": price}})
    plain = book.folder.price(**third)
    calls(plain, [caller(plain)], ["0.33", "0.33", "0.33"])
    none = book.folder.price(rounding="none", **third)
    calls(none, [caller(none)], ["0.33", "0.33", "0.34", "0.33"])
    carry = book.folder.price(carry_remainder=True, **third)
    calls(carry, [caller(carry)], ["0.33", "0.34", "0.33", "0.33"])
    # Whose remainder: two of one account, each their own, or both one.
    calls(none, [caller(none), caller(none)], ["0.33", "0.33", "0.33", "0.33"])
    joint = book.folder.price(rounding="none", carry_scope="account", **third)
    calls(joint, [caller(joint), caller(joint)], ["0.33", "0.33", "0.34", "0.33"])


TOPICS = [remainders_may_be_kept, a_call_may_keep_the_rate_of_its_start, sessions_may_cost_by_time, ported_numbers_may_be_priced_where_they_are_routed, a_call_may_be_split_where_its_rate_changes, usage_may_be_taken_back, causes_say_what_is_billable, records_without_usage_may_cost,
          home_is_a_zone, add_ons_are_granted_once, the_soonest_end_counts,
          hours_and_years_are_periods, the_repeated_hour_has_bands,
          content_has_zones,
          amounts_may_be_fractions, raw_units_are_what_was_used, raw_units_have_bands,
          a_minimum_reaches_no_band, a_call_may_end_at_another_price,
          a_reached_limit_gives_nothing_back, a_limit_may_stop_usage, covered_units_may_cost,
          a_blocker_ends_the_search, octets_may_be_cut_by_time, long_calls_have_many_parts,
          an_empty_prefix_is_the_default]
PLACES = [pools_begin_apart, passes_of_hours_last_as_long]


def check(book):
    """Rows that failed, told."""
    failures = 0
    with tempfile.TemporaryDirectory() as root:
        book.folder.run(sys.argv[1], root)
        kept = book.folder.keep(sys.argv[1], root)
    for line, wanted in book.checks:
        answer = book.folder.answer(line)
        got = [answer.get("amount", answer.get("reason"))]
        for use in answer.get("allowances", []):
            got.append((use["allowance"], use["units"], use["left"]))
        if len(wanted) == 1:
            got = got[:1]
        if got != wanted:
            failures += 1
            print(f"FAIL {line}: wanted {wanted}, got {got}")
    for there, back in book.pairs:
        amounts = [Decimal(book.folder.answer(line)["amount"]) for line in (there, back)]
        if sum(amounts) != 0:
            failures += 1
            print(f"FAIL {there} {back}: {amounts} do not come to 0")
    if kept is None or kept[1] != 0:
        failures += 1
        print(f"FAIL: rerate with the same catalog changes rows: {kept}")
    print(f"{len(book.checks)} rows, {failures} failures")
    return failures


def main():
    failures = 0
    for name, topics in (("options", TOPICS), ("places", PLACES)):
        book = Book(name)
        for topic in topics:
            topic(book)
        failures += check(book)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
