# SPDX-License-Identifier: Apache-2.0
"""Counters of prices, told row by row; every amount is worked out by hand."""
import sys
import tempfile

sys.path.insert(0, sys.argv[2])

from folder import Folder  # noqa: E402

DAY = "2026-03-02T10:00:00Z"
TEN = [{"up_to": 10, "price": "1"}, {"price": "0.5"}]


def own_counters(folder, row):
    """Two prices of a plan, ten events each: neither is at its second tier."""
    for tariff, keys, wanted in (
            ("volume", {"tiers": TEN}, ["10.00", "10.00", "0.00"]),  # 20 x 0.5 = 10: no more
            ("graduated", {"tiers": TEN}, ["10.00", "10.00", "5.00"]),
            ("package", {"price": "5", "per": 15}, ["5.00", "5.00", "5.00"])):
        for counter in ({}, {"counter": "month"}, {"counter": "day"}, {"counter": "week"},
                        {"counter": "cycle"}, {"counter": "ever"}):
            deck = folder.deck({"1": "a", "2": "b"})
            prices = {zone: folder.price(unit="event", tariff=tariff, **keys, **counter)
                      for zone in "ab"}
            who = folder.subscriber({"event": {"deck": deck, "prices": prices}})
            row(who, "event", wanted[0], count=10, peer="1")
            row(who, "event", wanted[1], count=10, peer="2")
            row(who, "event", wanted[2], count=10, peer="1")


def mixed_units(folder, row):
    """60 seconds by the second, then by the minute; a price without tiers between them."""
    deck = folder.deck({"49": "a", "33": "b", "44": "c"})
    prices = {"a": folder.price(unit="second", tariff="graduated",
                                tiers=[{"up_to": 60, "price": "1"}, {"price": "0"}]),
              "b": folder.price(unit="minute", tariff="graduated",
                                tiers=[{"up_to": 1, "price": "60"}, {"price": "0"}]),
              "c": folder.price(unit="second", price="0.01")}
    who = folder.subscriber({"voice": {"deck": deck, "prices": prices}})
    row(who, "voice", "0.90", duration_s=90, peer="441")
    row(who, "voice", "60.00", duration_s=60, peer="491")
    row(who, "voice", "60.00", duration_s=60, peer="331")
    row(who, "voice", "0.00", duration_s=60, peer="491")


def plain_beside(folder, row):
    """Ten events without tiers do not use up the ten of the price beside them."""
    deck = folder.deck({"1": "a", "2": "b"})
    prices = {"a": folder.price(unit="event", tariff="graduated", tiers=TEN),
              "b": folder.price(unit="event", price="0.01")}
    who = folder.subscriber({"event": {"deck": deck, "prices": prices}})
    row(who, "event", "0.10", count=10, peer="2")
    row(who, "event", "10.00", count=10, peer="1")


def carried_money(folder, row):
    """One free event of each of two fees."""
    deck = folder.deck({"1": "a", "2": "b"})
    fee = {"unit": "amount", "tariff": "percentage", "params": {"rate": "1%", "free_events": 1}}
    prices = {zone: folder.price(**fee) for zone in "ab"}
    who = folder.subscriber({"event": {"deck": deck, "prices": prices}})
    row(who, "event", "0.00", amount="100", peer="1")
    row(who, "event", "0.00", amount="100", peer="2")
    row(who, "event", "1.00", amount="100", peer="1")


def named_counters(folder, row):
    """What names a counter counts to it, tiers or not: 4 + 4 + 4, the last two at the next tier."""
    for period in ("month", "day", "ever"):
        name = folder.fresh("k")
        folder.counters[name] = {"period": period}
        deck = folder.deck({"49": "a", "33": "b", "44": "c"})
        prices = {"a": folder.price(unit="second", tariff="graduated", tiers=TEN, counter=name),
                  "b": folder.price(unit="second", price="0.01", counter=name),
                  "c": folder.price(unit="second", tariff="graduated", tiers=TEN, counter=name)}
        who = folder.subscriber({"voice": {"deck": deck, "prices": prices}})
        row(who, "voice", "4.00", duration_s=4, peer="491")
        row(who, "voice", "0.04", duration_s=4, peer="331")
        row(who, "voice", "3.00", duration_s=4, peer="441")
        row(who, "voice", "1.50", duration_s=3, peer="491")


def accounts(folder, row):
    """Two subscriptions of account x: 7 of one and 7 of the other make 10 at 1 and 4 at 0.5."""
    name = folder.fresh("k")
    folder.counters[name] = {"scope": "account", "period": "cycle"}
    price = folder.price(unit="second", tariff="graduated", tiers=TEN, counter=name)
    own = folder.price(unit="second", tariff="graduated", tiers=TEN)
    people = [folder.subscriber({"voice": {"price": price}}) for _ in range(2)]
    alone = folder.subscriber({"voice": {"price": own}})
    row(people[0], "voice", "7.00", duration_s=7)
    row(people[1], "voice", "5.00", duration_s=7)
    row(people[0], "voice", "0.50", duration_s=1)
    row(alone, "voice", "1.00", duration_s=1)


def bands(folder, row):
    """Bands of a zone count together: tiers go on over a boundary and from call to call."""
    model = folder.model("day", [{"band": "night", "from": "20:00", "to": "24:00"}])
    prices = {band: folder.price(unit="second", tariff="graduated",
                                 tiers=[{"up_to": 10, "price": price}, {"price": "0"}])
              for band, price in (("day", "2"), ("night", "1"))}
    who = folder.subscriber({"voice": {"time_model": model, "prices": {"home": prices}}})
    # 4 s by day at 2, 4 s at night at 1; then 2 s at 2 and the rest for nothing.
    row(who, "voice", "12.00", start="2026-03-02T19:59:56Z", duration_s=8)
    row(who, "voice", "4.00", start="2026-03-03T10:00:00Z", duration_s=5)
    # A call of the night first: 4 of the ten at 1, then 6 at 2.
    other = folder.subscriber({"voice": {"time_model": model, "prices": {"home": prices}}})
    row(other, "voice", "4.00", start="2026-03-02T22:00:00Z", duration_s=4)
    row(other, "voice", "12.00", start="2026-03-03T10:00:00Z", duration_s=8)


def no_counters(folder, row):
    """Nine prices that look at nothing take no place on a shelf of eight."""
    zones = "abcdefghi"
    deck = folder.deck({str(i + 1): zone for i, zone in enumerate(zones)})
    fee = {"unit": "amount", "tariff": "percentage", "params": {"rate": "1%", "fixed": "0.10"}}
    who = folder.subscriber({
        "event": {"deck": deck, "prices": {zone: folder.price(**fee) for zone in zones}},
        "voice": {"deck": deck, "prices": {
            zone: folder.price(unit="second", tariff="flat", price="0.30") for zone in zones}},
        "message": {"deck": deck, "prices": {
            zone: folder.price(unit="event", tariff="graduated", tiers=[{"price": "0.05"}])
            for zone in zones}}})
    row(who, "event", "1.10", amount="100", peer="9")
    row(who, "voice", "0.30", duration_s=77, peer="9")
    row(who, "message", "0.10", count=2, peer="9")


def main():
    folder = Folder("counters", "2026-01-01")
    checks = []

    def row(number, service, wanted, start=DAY, **keys):
        checks.append((folder.row(number, service, start, **keys), wanted))

    for case in (own_counters, mixed_units, plain_beside, carried_money, named_counters, accounts,
                 bands, no_counters):
        case(folder, row)
    with tempfile.TemporaryDirectory() as root:
        folder.run(sys.argv[1], root)
    failures = 0
    for line, wanted in checks:
        answer = folder.answer(line)
        got = answer.get("amount", answer.get("reason"))
        if got != wanted:
            print(f"row {line}: {got}, not {wanted}: {answer}")
            failures += 1
    print(f"{len(checks)} rows, {failures} failures")
    return 1 if failures or not checks else 0


if __name__ == "__main__":
    sys.exit(main())
