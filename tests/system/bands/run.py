# SPDX-License-Identifier: Apache-2.0
"""Calls over band boundaries against a slow oracle."""
import datetime
import functools
import itertools
import random
import sys
import tempfile
import zoneinfo
from decimal import Decimal

sys.path.insert(0, sys.argv[2])

from folder import Folder  # noqa: E402

UTC = datetime.timezone.utc
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
MODES = ["consecutive", "start", "end", "isolated"]
OWNERS = ["increment_start", "per_second", "per_segment"]
INCREMENTS = {"off": (60, 6), "peak": (30, 10)}


def rounded(units, first, following):
    if units == 0:
        return 0
    return first if units <= first else first + -(-(units - first) // following) * following


@functools.lru_cache(None)
def band_of(hours, minute):
    wall = datetime.datetime.fromtimestamp(minute * 60, BERLIN)
    return "peak" if hours[0] <= wall.hour < hours[1] else "off"


def bands_of(hours, begin, seconds):
    """The band of each second; a wall clock changes its hour on a minute only."""
    minutes = range(begin // 60, (begin + seconds - 1) // 60 + 1)
    each = itertools.chain.from_iterable(itertools.repeat(band_of(hours, m), 60) for m in minutes)
    return list(itertools.islice(each, begin % 60, begin % 60 + seconds))


def parts_of(bands):
    return [[band, len(list(same))] for band, same in itertools.groupby(bands)]


def oracle(hours, start, seconds, mode, owner):
    """Billed units of each piece, by the definitions of 4.4."""
    bands = bands_of(hours, int(start.timestamp()), seconds)
    if mode in ("start", "end") or len(set(bands)) == 1:
        band = bands[-1] if mode == "end" else bands[0]
        return [[band, rounded(seconds, *INCREMENTS[band])]]
    raw = parts_of(bands)
    assert sum(part[1] for part in raw) == seconds
    if owner == "increment_start":
        at = 0
        taken = []
        while at < seconds:
            band = bands[at]
            step = INCREMENTS[band][0 if at == 0 else 1]
            taken.append((band, step, raw_index(raw, at)))
            at += step
        pieces = []
        for band, step, index in taken:
            if pieces and pieces[-1][2] == index:
                pieces[-1][1] += step
            else:
                pieces.append([band, step, index])
        return [piece[:2] for piece in pieces]
    pieces = []
    for i, (band, units) in enumerate(raw):
        first, following = INCREMENTS[band]
        has_first = i == 0 or mode == "isolated"
        if owner == "per_segment":
            pieces.append([band, rounded(units, first if has_first else following, following)])
        elif i + 1 < len(raw):
            pieces.append([band, units])
        elif mode == "isolated":
            pieces.append([band, rounded(units, first, following)])
        else:
            whole = rounded(seconds, INCREMENTS[raw[0][0]][0], following)
            pieces.append([band, units + whole - seconds])
    return pieces


def raw_index(raw, at):
    for i, part in enumerate(raw):
        if at < part[1]:
            return i
        at -= part[1]
    return len(raw)


def days_of_rules(folder, plain):
    """Forms that days of a rule have, each with days and instants to both sides of its ends."""
    checks = []

    def rule(peak, off, **keys):
        model = folder.model("off", [{"band": "peak", **keys}])
        number = folder.subscriber({"voice": {"time_model": model, "prices": {"home": plain}}})
        for band, starts in (("peak", peak), ("off", off)):
            for start in starts:
                checks.append((folder.row(number, "voice", start, duration_s=1), plain[band],
                               f"{keys} at {start}"))

    # 2026-03-02 is a Monday.
    rule(["2026-03-02", "2026-03-04", "2026-03-08T23:59:59Z"], ["2026-03-03", "2026-03-05"],
         days=["mon", "wed", "sat-sun"])
    rule(["2026-03-06", "2026-03-07", "2026-03-08", "2026-03-09"], ["2026-03-05", "2026-03-10"],
         days="fri-mon")
    rule(["2026-03-03", "2026-03-05T23:59:59Z"], ["2026-03-02", "2026-03-06"], days="tue-thu")
    rule(["2026-06-15", "2026-07-04", "2026-08-31T23:59:59Z", "2026-03-03"],
         ["2026-06-14T23:59:59Z", "2026-09-01", "2027-07-04", "2026-03-02"],
         dates=["2026-06-15..2026-08-31", "2026-03-03"])
    rule(["2026-12-24", "2026-12-31", "2027-01-06T23:59:59Z", "2026-01-01", "2028-02-29"],
         ["2026-12-23T23:59:59Z", "2027-01-07", "2027-02-28", "2027-03-01"],
         yearly=["12-24..01-06", "02-29"])
    rule(["2026-05-01"], ["2026-05-02", "2026-06-01", "2027-05-01", "2028-05-01"],
         years=[2026], months=[5], month_days=[1])
    rule(["2026-12-31T23:59:59Z", "2028-01-01"], ["2027-01-01", "2027-12-31T23:59:59Z"],
         years=[2026, 2028])
    model = folder.model("off", [{"band": "peak", "from": "08:00:30", "to": "08:01:15"}])
    number = folder.subscriber({"voice": {"time_model": model, "prices": {"home": plain}}})
    seconds = folder.row(number, "voice", "2026-03-02T08:00:00Z", duration_s=90)
    # One night is of the day on which it begins. 2026-03-06 is a Friday.
    rule(["2026-03-06T22:00:00Z", "2026-03-07T05:59:59Z", "2026-03-07T22:00:00Z",
          "2026-03-08T05:59:59Z"],
         ["2026-03-06T05:59:59Z", "2026-03-06T21:59:59Z", "2026-03-07T06:00:00Z",
          "2026-03-08T22:00:00Z", "2026-03-08T06:00:00Z"],
         days=["fri", "sat"], **{"from": "22:00", "to": "06:00"})
    rule(["2026-12-31T22:00:00Z", "2027-01-01T05:59:59Z"],
         ["2026-12-31T05:00:00Z", "2027-01-01T22:00:00Z", "2026-12-30T23:00:00Z"],
         yearly=["12-31"], **{"from": "22:00", "to": "06:00"})
    rule(["2026-03-31T23:00:00Z"], ["2026-04-01T00:00:00Z", "2026-03-31T21:59:59Z"],
         months=[3], month_days=[31], **{"from": "22:00", "to": "00:00"})
    # The night of a special day goes on into an ordinary morning, and an ordinary night ends where
    # a special day begins.
    night = {"from": "20:00", "to": "08:00"}
    model = folder.model("off", [{"band": "peak", "dates": ["2026-03-03"], **night},
                                 {"band": "peak", "days": "thu", **night},
                                 {"band": "off", "dates": ["2026-03-06"]}])
    number = folder.subscriber({"voice": {"time_model": model, "prices": {"home": plain}}})
    for start, band in (("2026-03-04T07:59:59Z", "peak"), ("2026-03-04T08:00:00Z", "off"),
                        ("2026-03-05T23:59:59Z", "peak"), ("2026-03-06T00:00:00Z", "off")):
        checks.append((folder.row(number, "voice", start, duration_s=1), plain[band],
                       f"a night at {start}"))
    # Years are more specific than weekdays, special days than years, whatever is written first.
    model = folder.model("off", [{"band": "off", "days": "all"}, {"band": "peak", "years": [2026]},
                                 {"band": "off", "dates": ["2026-03-01..2026-03-07"]}])
    number = folder.subscriber({"voice": {"time_model": model, "prices": {"home": plain}}})
    for start, band in (("2026-02-28", "peak"), ("2026-03-01", "off"), ("2026-03-08", "peak")):
        checks.append((folder.row(number, "voice", start, duration_s=1), plain[band],
                       f"specificity at {start}"))
    # Of equal weight the rule that names weekdays is the more specific one, first or not. A Saturday.
    hours = {"band": "peak", "from": "08:00", "to": "20:00"}
    weekend = {"band": "off", "days": "sat-sun"}
    for bands, band in (([hours, weekend], "off"), ([weekend, hours], "off"),
                        ([{**hours, "weight": 1}, weekend], "peak"),
                        ([{**hours, "months": [3]}, weekend], "peak"),
                        ([{**hours, "months": [3]}, {**weekend, "months": [3]}], "off")):
        model = folder.model("off", bands)
        number = folder.subscriber({"voice": {"time_model": model, "prices": {"home": plain}}})
        checks.append((folder.row(number, "voice", "2026-03-07T12:00:00Z", duration_s=1),
                       plain[band], f"weekdays {bands}"))
    return checks, seconds


def main():
    folder = Folder("bands", "2026-01-01")
    prices = {}
    for band, (first, following) in INCREMENTS.items():
        prices[band] = folder.price(unit="second", price="1", first=first, next=following)
    band_by_price = {price: band for band, price in prices.items()}
    checks = []
    people = {}
    for hours in ((3, 24), (8, 18)):
        model = folder.model("off", [{"band": "peak", "from": f"{hours[0]:02}:00",
                                      "to": f"{hours[1]:02}:00"}], zone="Europe/Berlin")
        for mode in MODES:
            for owner in OWNERS:
                people[hours, mode, owner] = folder.subscriber({"voice": {
                    "time_model": model, "split": mode, "increment_owner": owner,
                    "prices": {"home": prices}}})
    dice = random.Random(20261123)
    moments = {(3, 24): [datetime.datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
                         datetime.datetime(2026, 3, 29, 0, 30, tzinfo=UTC)],
               (8, 18): [datetime.datetime(2026, 6, 1, 15, 58, 30, tzinfo=UTC),
                         datetime.datetime(2026, 6, 1, 5, 59, 1, tzinfo=UTC)]}
    for (hours, mode, owner), number in people.items():
        calls = [(moment, length) for moment in moments[hours] for length in (7200, 300, 1)]
        calls += [(dice.choice(moments[hours]) + datetime.timedelta(seconds=dice.randrange(9000)),
                   dice.randrange(1, 9000)) for _ in range(30)]
        calls += [(moments[(8, 18)][0] - datetime.timedelta(days=dice.randrange(9)), 180000)]
        for start, seconds in sorted(calls):  # closed months take no rows
            row = folder.row(number, "voice", start.isoformat().replace("+00:00", "Z"),
                             duration_s=seconds)
            checks.append((row, oracle(hours, start, seconds, mode, owner),
                           f"{hours} {mode} {owner} {start} +{seconds}"))
    # The vectors of 4.4, as amounts.
    oracle_price = {"a": folder.price(unit="second", price="80", per=30, first=30, next=30),
                    "b": folder.price(unit="second", price="30", per=60, first=60, next=60)}
    seven = folder.model("a", [{"band": "b", "from": "07:00", "to": "24:00"}])
    number = folder.subscriber({"voice": {"time_model": seven, "increment_owner": "per_segment",
                                          "prices": {"home": oracle_price}}})
    document = folder.row(number, "voice", "2026-06-01T06:56:03Z", duration_s=360)
    # Raw seconds: OFF 5,400 / PEAK 1,800 when the hour comes twice, 1,800 / 5,400 when it is gone;
    # PEAK 90 / OFF 210.
    plain = {band: folder.price(unit="second", price="1") for band in INCREMENTS}
    days, seconds = days_of_rules(folder, plain)
    vectors = [(seconds, [30, 45, 15])]
    for hours, start, length, wanted in (((3, 24), "2026-10-25T00:30:00Z", 7200, [5400, 1800]),
                                         ((3, 24), "2026-03-29T00:30:00Z", 7200, [1800, 5400]),
                                         ((8, 18), "2026-06-01T15:58:30Z", 300, [90, 210])):
        model = folder.model("off", [{"band": "peak", "from": f"{hours[0]:02}:00",
                                      "to": f"{hours[1]:02}:00"}], zone="Europe/Berlin")
        number = folder.subscriber({"voice": {"time_model": model, "prices": {"home": plain}}})
        vectors.append((folder.row(number, "voice", start, duration_s=length), wanted))
    # A night of 23 or 25 hours' day: eight hours from 23:30, of which it has 5:30 and 7:30.
    night = folder.model("off", [{"band": "peak", "days": "sat", "from": "22:00", "to": "06:00"}],
                         zone="Europe/Berlin")
    number = folder.subscriber({"voice": {"time_model": night, "prices": {"home": plain}}})
    for start, wanted in (("2026-03-28T22:30:00Z", [19800, 9000]),
                          ("2026-10-24T21:30:00Z", [27000, 1800])):
        vectors.append((folder.row(number, "voice", start, duration_s=28800), wanted))
    # A holiday beats the weekday, and may have bands of its own.
    number = folder.subscriber({"voice": {
        "time_model": folder.model("off", [{"band": "peak", "days": "mon-fri", "from": "08:00",
                                            "to": "18:00"}],
                                   {"band": "off", "dates": ["2026-06-01"]}, "Europe/Berlin"),
        "prices": {"home": plain}}})
    holiday = folder.row(number, "voice", "2026-06-01T10:00:00Z", duration_s=60)
    weekday = folder.row(number, "voice", "2026-06-02T10:00:00Z", duration_s=60)
    with tempfile.TemporaryDirectory() as root:
        folder.run(sys.argv[1], root)
    failures = 0

    def expect(what, got, wanted):
        nonlocal failures
        if got != wanted:
            failures += 1
            print(f"FAIL {what}: {got}, expected {wanted}")
    for row, wanted, name in checks:
        answer = folder.answer(row)
        if answer["fate"] != "rated":
            expect(name, answer, wanted)
            continue
        expect(name, [[band_by_price[p["price"]], p["units"]] for p in answer["breakdown"]], wanted)
        expect(name + " amount", Decimal(answer["amount"]), sum(p[1] for p in wanted))
    expect("Doc 1462029.1", Decimal(folder.answer(document)["amount"]), Decimal(730))
    for row, wanted in vectors:
        expect(row, [p["units"] for p in folder.answer(row)["breakdown"]], wanted)
    for row, price, name in days:
        expect(name, folder.answer(row).get("price"), price)
    expect("holiday", folder.answer(holiday)["price"], plain["off"])
    expect("weekday", folder.answer(weekday)["price"], plain["peak"])
    print(f"{len(checks)} calls, {len(MODES)} modes x {len(OWNERS)} owners, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
