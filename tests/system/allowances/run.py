# SPDX-License-Identifier: Apache-2.0
"""Lists of allowances, told row by row."""
import random
import sys
import tempfile

sys.path.insert(0, sys.argv[2])

from folder import Folder  # noqa: E402

DAY = "2026-03-02T10:00:00Z"


def main():
    folder = Folder("allowances", "2026-01-01")
    checks = []

    def row(number, service, wanted, start=DAY, **keys):
        """wanted: amount, then (allowance, units, left) in the order of use."""
        checks.append((folder.row(number, service, start, **keys), wanted))
    call = folder.price(unit="second", price="1", first=10, next=10)
    daily = folder.allowance(unit="second", amount=25, services=["voice"], period="day")
    late = folder.allowance(unit="second", amount=1000, services=["voice"], priority=200)
    month = folder.allowance(unit="second", amount=40, services=["voice"], thresholds=[50, 100])
    once = folder.allowance(unit="second", amount=7, services=["voice"], period="ever")
    number = folder.subscriber({"voice": {"price": call, "allowances": [late, once, month, daily]}})
    # Day before month before ever; priority before all; 65 s are billed as 70.
    row(number, "voice", ["0.00", (daily, 25, 0), (month, 40, 0), (once, 5, 2)], duration_s=65)
    row(number, "voice", ["0.00", (once, 2, 0), (late, 8, 992)], duration_s=3)
    row(number, "voice", ["0.00", (daily, 10, 15)], start="2026-03-03T00:00:00Z", duration_s=10)
    row(number, "voice", ["0.00", (late, 10, 982)], start="2026-03-02T23:59:59Z", duration_s=10)
    row(number, "voice", ["5.00", (daily, 25, 0), (month, 40, 0), (late, 1000, 0)],
        start="2026-04-01T00:00:00Z", duration_s=1063)
    # A pool of 100 for the account, at most 70 of it for one member; both are in account x.
    pool = folder.allowance(unit="megabyte", amount=100, services=["data"], scope="account",
                            member_cap=70, thresholds=[80])
    own = folder.allowance(unit="megabyte", amount=10, services=["data"])
    data = folder.price(unit="megabyte", price="0.50")
    first = folder.subscriber({"data": {"price": data, "allowances": [pool, own]}})
    second = folder.subscriber({"data": {"price": data, "allowances": [pool, own]}})
    row(first, "data", ["10.00", (own, 10, 0), (pool, 70, 30)], quantity_down=100 * 10**6)
    row(first, "data", ["0.50"], quantity_down=10**6)
    row(second, "data", ["0.00", (own, 10, 0), (pool, 15, 15, [80])], quantity_down=25 * 10**6)
    row(second, "data", ["2.50", (pool, 15, 0)], quantity_down=20 * 10**6)
    # A member's cap holds for a late row, though others have taken the pool into the next day.
    days = folder.allowance(unit="megabyte", amount=100, services=["data"], scope="account",
                            period="day", member_cap=20)
    early = folder.subscriber({"data": {"price": data, "allowances": [days]}})
    behind = folder.subscriber({"data": {"price": data, "allowances": [days]}})
    row(early, "data", ["0.00", (days, 1, 99)], "2026-03-03T10:00:00Z", quantity_down=10**6)
    row(behind, "data", ["0.00", (days, 20, 80)], quantity_down=20 * 10**6)
    row(behind, "data", ["2.50"], quantity_down=5 * 10**6)
    # Isolated: tiers start again in the second band, also when an allowance covers the first.
    tiers = [{"up_to": 10, "price": "1"}, {"price": "2"}]
    bands = {band: folder.price(unit="second", tariff="graduated", tiers=tiers)
             for band in ("day", "night")}
    thirty = folder.allowance(unit="second", amount=30, services=["voice"], period="day")
    model = folder.model("day", [{"band": "night", "from": "20:00", "to": "24:00"}])
    split = folder.subscriber({"voice": {"time_model": model, "split": "isolated",
                                         "allowances": [thirty], "prices": {"home": bands}}})
    row(split, "voice", ["12.00", (thirty, 30, 0)], duration_s=41)
    row(split, "voice", ["5.00", (thirty, 30, 0)], "2026-03-03T19:59:30Z", duration_s=35)
    # Carried money has a counter of its own: messages do not move it, nor it theirs.
    share = folder.price(unit="amount", tariff="percentage",
                         params={"rate": "10%", "free_events": 1})
    text = folder.price(unit="event", tariff="graduated",
                        tiers=[{"up_to": 2, "price": "1"}, {"price": "2"}])
    both = folder.subscriber({"event": {"price": share}, "message": {"price": text}})
    row(both, "message", ["1.00"])
    row(both, "event", ["0.00"], amount="50")
    row(both, "message", ["1.00"])
    row(both, "event", ["5.00"], amount="50.00")
    row(both, "message", ["2.00"])
    row(both, "event", ["MISSING_MANDATORY"])
    # Bands: 40 s of off-peak units cover the part of a call behind 20:00 only, whatever comes first.
    model = folder.model("peak", [{"band": "off", "from": "20:00", "to": "24:00"}])
    evening = folder.allowance(unit="second", amount=40, services=["voice"], bands=["off"])
    banded = folder.price(unit="second", price="1")
    night = folder.subscriber({"voice": {"price": banded, "time_model": model,
                                         "allowances": [evening]}})
    row(night, "voice", ["10.00", (evening, 20, 20)], start="2026-03-02T19:59:50Z", duration_s=30)
    row(night, "voice", ["5.00"], start="2026-03-02T12:00:00Z", duration_s=5)
    row(night, "voice", ["15.00", (evening, 20, 0)], start="2026-03-02T21:00:00Z", duration_s=35)
    # Direction: what is received has a price and a bucket of its own; a plan without one, none.
    received = folder.price(unit="second", price="0.5")
    free_in = folder.allowance(unit="second", amount=10, services=["voice"], direction="in")
    free_out = folder.allowance(unit="second", amount=7, services=["voice"], direction="out")
    both_ways = folder.subscriber({
        "voice": {"price": banded, "allowances": [free_in, free_out]},
        "voice_received": {"price": received, "allowances": [free_in, free_out]}})
    row(both_ways, "voice", ["1.00", (free_in, 10, 0)], duration_s=12, flags=["incoming"])
    row(both_ways, "voice", ["5.00", (free_out, 7, 0)], duration_s=12)
    row(night, "voice", ["NO_RATE"], duration_s=12, flags=["incoming"])
    # Weeks begin on Monday, the account's cycle on the first; late rows move the week before.
    weekly = folder.allowance(unit="second", amount=10, services=["voice"], period="week")
    cyclic = folder.allowance(unit="second", amount=100, services=["voice"], period="cycle")
    periods = folder.subscriber({"voice": {"price": banded, "allowances": [weekly, cyclic]}})
    row(periods, "voice", ["0.00", (weekly, 8, 2)], start="2026-03-01T23:59:59Z", duration_s=8)
    row(periods, "voice", ["0.00", (weekly, 10, 0), (cyclic, 1, 99)], start="2026-03-02T00:00:00Z",
        duration_s=11)
    row(periods, "voice", ["0.00", (weekly, 2, 0), (cyclic, 3, 96)], start="2026-03-01T12:00:00Z",
        duration_s=5)
    row(periods, "voice", ["PERIOD_CLOSED"], start="2026-02-20T12:00:00Z", duration_s=5)
    # Counters of other periods than the month: what tiers look at, and which a late row moves.
    tiers = [{"up_to": 10, "price": "1"}, {"price": "2"}]
    for counter, first, late, later in (
            ("day", "2026-03-02T23:00:00Z", "2026-03-02T01:00:00Z", "2026-03-03T00:00:00Z"),
            ("week", "2026-03-08T23:00:00Z", "2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z"),
            ("cycle", "2026-03-31T23:00:00Z", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z")):
        stepped = folder.price(unit="second", tariff="graduated", tiers=tiers, counter=counter)
        who = folder.subscriber({"voice": {"price": stepped}})
        row(who, "voice", ["8.00"], start=first, duration_s=8)
        row(who, "voice", ["8.00"], start=later, duration_s=8)
        row(who, "voice", ["6.00"], start=late, duration_s=4)
        row(who, "voice", ["6.00"], start=later, duration_s=4)
    lasting = folder.price(unit="second", tariff="graduated", tiers=tiers, counter="ever")
    always = folder.subscriber({"voice": {"price": lasting}})
    row(always, "voice", ["8.00"], start="2026-03-02T23:00:00Z", duration_s=8)
    row(always, "voice", ["6.00"], start="2026-07-02T23:00:00Z", duration_s=4)
    # Splitting a record changes neither what is covered nor what is paid.
    dice = random.Random(7)
    buckets = [folder.allowance(unit="second", amount=dice.randrange(1, 500), services=["voice"],
                                period=dice.choice(["day", "month", "ever"]),
                                priority=dice.randrange(3)) for _ in range(5)]
    second_price = folder.price(unit="second", price="0.01")
    whole = folder.subscriber({"voice": {"price": second_price, "allowances": buckets}})
    pieces = folder.subscriber({"voice": {"price": second_price, "allowances": buckets}})
    total = 3000
    one = [folder.row(whole, "voice", DAY, duration_s=total)]
    many = []
    while total > 0:
        length = min(total, dice.randrange(1, 40))
        many.append(folder.row(pieces, "voice", DAY, duration_s=length))
        total -= length
    with tempfile.TemporaryDirectory() as root:
        folder.run(sys.argv[1], root, "--order", "arrival")  # late rows are late
    failures = 0
    for line, wanted in checks:
        answer = folder.answer(line)
        got = [answer.get("amount", answer.get("reason"))]
        for use in answer.get("allowances", []):
            told = (use["allowance"], use["units"], use["left"])
            fired = use.get("thresholds")
            # The first list's thresholds are checked by the bucket's unit test.
            got.append(told + ((fired,) if fired and use["allowance"] == pool else ()))
        if got != wanted:
            failures += 1
            print(f"FAIL {line}: {got}, expected {wanted}")
    if folder.amount(one) != folder.amount(many):
        failures += 1
        print(f"FAIL split: {folder.amount(one)} whole, {folder.amount(many)} in pieces")
    print(f"{len(checks)} rows, {len(many)} pieces, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
