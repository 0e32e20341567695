# SPDX-License-Identifier: Apache-2.0
"""What can be written wrongly, by kind of place: text, offset of the mistake in it, what is said.

An entry is (text, what must be in the message, what must be in the hint or None). A mistake begins
where its text begins, but for those that say an offset.
"""
import random

INT64 = "9223372036854775808"


def typo(dice, text):
    """Two neighbours swapped, or a letter left out: what tired fingers write."""
    body = text.strip('"')
    at = dice.randrange(1, len(body) - 1) if len(body) > 2 else 0
    swapped = body[:at] + body[at + 1] + body[at] + body[at + 2:] if len(body) > 2 else body + "x"
    shorter = body[:at] + body[at + 1:] if len(body) > 4 else body + "x"
    wrong = swapped if swapped != body and dice.random() < 0.5 else shorter
    return wrong if wrong != body else body + "x"


def misspelt(dice, text, message):
    wrong = typo(dice, text)
    return wrong, message, f'did you mean "{text}"?' if len(text) >= 5 else None


def key(dice, text):
    return misspelt(dice, text, "unknown key")


def enum(dice, text):
    return dice.choice([misspelt(dice, text, "none of its values"),
                        ("[]", "expected", None), ("{a: b}", "expected", None),
                        ('""', "none of its values", None)])


def ref(dice, text):
    return dice.choice([misspelt(dice, text, "there is no "), ("nowhere_to_be_found", "there is no ",
                                                              None),
                        ("[x]", "", None), ("[x, y]", "", None)])


def name(dice, text):
    return dice.choice([("Upper", "", "a-z"), ("with blank", "", "a-z"), ("grün", "", "a-z"),
                        ("x" * 64, "", None), ('"a/b"', "", "a-z"), ('""', "", None)])


def integer(dice, text):
    return dice.choice([("-1", "out of range", None), (INT64, "too large", None),
                        ("1.5", "not of the expected form", "integer"),
                        ("ten", "not of the expected form", "integer"),
                        ("0x10", "not of the expected form", "integer"),
                        ("1_000", "not of the expected form", "integer"),
                        ('""', "not of the expected form", "integer"),
                        ("[1]", "expected", None), ("{}", "expected", None)])


def money(dice, text):
    return dice.choice([(text.strip('"'), "written in quotes", f"write {text}"),
                        ('"0.123456789"', "more than 8 decimals", None),
                        ('"99999999999999999999"', "too large", None),
                        ('"1,50"', "not of the expected form", None),
                        ('"1e3"', "not of the expected form", None),
                        ('"5 EUR"', "not of the expected form", None),
                        ('"--1"', "not of the expected form", None),
                        ('"٣"', "not of the expected form", None),
                        ('""', "not of the expected form", None),
                        ('["1"]', "expected", None)])


def percent(dice, text):
    return dice.choice([("19", "not of the expected form", "19%"),
                        ("0.19", "not of the expected form", "19%"),
                        ("7.00001%", "not of the expected form", None),
                        ("-5%", "", None), ("2000%", "out of range", None),
                        ("99999999999999999999%", "", None), ('"%"', "", None)])


def time(dice, text):
    return dice.choice([("2026-13-01", "not of the expected form", "date"),
                        ("2026-02-30", "not of the expected form", "date"),
                        ("2026-1-1", "not of the expected form", "date"),
                        ("01.01.2026", "not of the expected form", "date"),
                        ("yesterday", "not of the expected form", "date"),
                        ("2026-01-01T25:00:00Z", "not of the expected form", "date"),
                        ("2026-01-01 24:30", "not of the expected form", "date")])


def boolean(dice, text):
    return dice.choice([(word, "not of the expected form", "true or false")
                        for word in ("yes", "1", "True", "maybe", '""')])


def tariff(dice, text):
    return misspelt(dice, text, "no tariff plug-in")


def currency(dice, text):
    return dice.choice([("EUX", "is not known", "ISO 4217"), ("eur", "is not known", "ISO 4217"),
                        ("Euro", "", None), ('"€"', "", None)])


def file(dice, text):
    return dice.choice([("decks/wrld.csv", "cannot be read", None),
                        ("../../etc/passwd", "outside the folder", None),
                        ("/etc/passwd", "outside the folder", None), ('""', "", None)])


def digits(dice, text):
    return dice.choice([('"4a"', "not 1 to 15 digits", None), ('"+49"', "not 1 to 15 digits", None),
                        ('"1234567890123456"', "not 1 to 15 digits", None),
                        ('"49 30"', "not 1 to 15 digits", None)])


def plmn(dice, text):
    return dice.choice([('"26x01"', "not 5 or 6 digits", None), ('"2620"', "", None),
                        ('"2620112"', "", None)])


def zone(dice, text):
    return dice.choice([("Europe/Atlantis", "no time zone", None),
                        ("../../etc/passwd", "no time zone", None),
                        ('""', "", None), ("CET+1", "no time zone", None)])


def wall(dice, text):
    return dice.choice([('"25:00"', "no wall time", None), ('"24:01"', "no wall time", None),
                        ('"8:00"', "", None), ('"12:60"', "no wall time", None),
                        ('"noon!"', "no wall time", None)])


def tiers(dice, text):
    a, b, c = '{up_to: 1000, price: "0.05"}', '{up_to: 9000, price: "0.04"}', '{price: "0.03"}'
    return dice.choice([
        (f"[{b}, {{up_to: 5, price: \"1\"}}, {c}]", "up_to must rise", None, len(b) + 3 + 8),
        (f"[{a}, {a}, {c}]", "up_to must rise", None, len(a) + 3 + 8),
        (f"[{c}, {a}, {c}]", "only the last tier", None, 1),
        (f"[{a}, {b}]", "last tier must be without", None, len(a) + 3 + 8),
        (f"[{a}, {{per: 5}}]", '"price" is missing', None, len(a) + 3),
        ("[]", "", None, 0), ("7", "expected", None, 0), ("{}", "expected", None, 0)])


def zone_key(dice, text):
    return misspelt(dice, text, "there is no zone")


def band_key(dice, text):
    return misspelt(dice, text, "has no band")


def column(dice, text):
    return misspelt(dice, text, "unknown column")


def cell_prefix(dice, text):
    return dice.choice([("+" + text, "not 1 to 15 digits", None),
                        (text + "a", "not 1 to 15 digits", None), ("", "", None),
                        ("1234567890123456", "not 1 to 15 digits", None),
                        ("4٣", "not 1 to 15 digits", None)])


def cell_zone(dice, text):
    return dice.choice([("It aly", "", None), ("", "", None), ("z" * 64, "", None),
                        ("Zone", "", None), ('"open', "never closed", None),
                        ('ge"r', "quote inside a field", None, 2)])


def cell_time(dice, text):
    return dice.choice([("2026-13-01", "", None), ("2026-02-30", "", None), ("soon", "", None),
                        ("01/07/2026", "", None)])


def cell_id(dice, text):
    return dice.choice([("", "is none", "1 to 63"), ("a b", "is none", "1 to 63"),
                        ("x" * 64, "is none", "1 to 63"), ("a\tb", "", None)])


def cell_ref(dice, text):
    return dice.choice([misspelt(dice, text, "there is no "), ("nobody-has-it", "there is no ",
                                                              None)])


def cell_number(dice, text):
    return dice.choice([("49x511", "is no number", "3 to 15"), ("12", "is no number", "3 to 15"),
                        ("1234567890123456", "is no number", "3 to 15"),
                        ("0049 151", "is no number", "3 to 15"), ("++49151", "is no number", None)])


def cell_ip(dice, text):
    return dice.choice([("10.0.0.256", "is no IP address", None), ("10.1", "is no IP address", None),
                        ("2001:db8::g", "is no IP address", None),
                        ("10.0.0.1/24", "is no IP address", None)])


def cell_day(dice, text):
    return dice.choice([(word, "is not 1 to 31", None) for word in ("0", "32", "-1", "first", "1.5")])


def cell_currency(dice, text):
    return dice.choice([("USD", "there is no exchange rate", None), ("eur", "is not known", None),
                        ("EURO", "is not known", None)])


KINDS = {"key": key, "enum": enum, "ref": ref, "name": name, "int": integer, "money": money,
         "percent": percent, "time": time, "bool": boolean, "tariff": tariff, "currency": currency,
         "file": file, "digits": digits, "plmn": plmn, "zone": zone, "wall": wall, "list": tiers,
         "zkey": zone_key, "bkey": band_key, "column": column, "cprefix": cell_prefix,
         "czone": cell_zone, "ctime": cell_time, "cid": cell_id, "cref": cell_ref,
         "cnumber": cell_number, "cip": cell_ip, "cday": cell_day, "ccurrency": cell_currency}

# Mistakes of more than one place: file, what stands there, what is written instead with a ` at the
# place that must be named, the message, the hint.
WHOLE = [
    ("catalog.yaml", "  valid_from: 2026-01-01\n", "", "`catalog:", '"valid_from" is missing', None),
    ("catalog.yaml", "  currency: EUR\n", "", "`catalog:", '"currency" is missing', None),
    ("catalog.yaml", "  version: 3\n", "  version: 3\n  `version: 4\n", None, "already", None),
    ("catalog.yaml", "taxes:\n", "taxes: `&a\n", None, "anchors", None),
    ("catalog.yaml", "  standard: {rate", "  standard: `!!map {rate", None, "tags", None),
    ("catalog.yaml", "  version: 3", "`\tversion: 3", None, "tabs", "blanks"),
    ("catalog.yaml", "decks:\n", "`---\ndecks:\n", None, "several documents", None),
    ("catalog.yaml", "{file: decks/world.csv}", "{}", "`world: {}", "needs one of file, sheets and prefixes",
     None),
    ("catalog.yaml", "{file: decks/world.csv}", '{file: decks/world.csv, prefixes: {"1": a}}',
     "`world: {file", "", None),
    ("catalog.yaml", "  reduced: {", "  `standard: {", None, "already", None),
    ("prices.yaml", "prices:\n", "`catalog: {version: 3, valid_from: 2026-01-01, currency: EUR}\n"
     "prices:\n", None, "catalog is already in", None),
    ("prices.yaml", "{unit: second, price: \"0.09\", ", "{price: \"0.09\", ", "`v_day: {price",
     '"unit" is missing', None),
    ("prices.yaml", "unit: event, price: \"0.07\"", "unit: event", "`sms: {tariff",
     "needs price, tiers or params", None),
    ("prices.yaml", 'min: "0.10"', 'min: `"60"', None, "min is above max", None),
    ("prices.yaml", 'price: "0.49"', 'price: "0.49", `tiers: [{price: "1"}]', None,
     "both price and tiers", None),
    ("prices.yaml", 'price: "0.49"', 'price: "0.49", currency: `USX', None, "is not known",
     None),
    ("prices.yaml", 'price: "0.49"', 'price: "0.49", decimals: `9', None, "", None),
    ("catalog.yaml", "rating_digits: 6", "rating_digits: `7", None, "out of range", None),
    ("catalog.yaml", "{EUR: 5,", "{EUR: `9,", None, "out of range", None),
    ("catalog.yaml", "{EUR: 5,", "{`EUX: 5,", None, "is not known", "ISO 4217"),
    ("prices.yaml", 'price: "0.49"', 'price: "0.49", per: `0', None, "out of range", None),
    ("prices.yaml", "  v_night:\n", "  `v_day:\n", None, "already", None),
    ("prices.yaml", "    price: \"0.05\"\n", "   `price: \"0.05\"\n", None, "", None),
    ("prices.yaml", "  sms: {tariff: flat, unit: event, price: \"", "  sms: \"{tariff: flat, unit: event, price: \"`",
     None, "did not find expected key", None),
    ("plans.yaml", 'to: "06:00"', 'to: "00:00"', '`{band: night, from: "00:00", to: "00:00"}',
     "from and to are the same", None),
    ("plans.yaml", 'from: "20:00", to: "24:00"', 'from: "24:00", to: "06:00"', '`{band: night, days',
     "from is the end of the day", "on which it begins"),
    ("plans.yaml", "services: [voice]", "services: `[message]", None, "not counted in minutes", None),
    ("plans.yaml", "amount: 100, ", "", "`talk: {unit", '"amount" is missing', None),
    ("plans.yaml", "    scope: account\n", "    scope: subscriber\n", "member_cap: `2",
     "nobody shares", "scope: account"),
    ("plans.yaml", "periods: 2, ", "", "`rollover: {max", '"periods" is missing', None),
    ("plans.yaml", "max: 3}", "min: `5, max: 3}", None, "min is above max", None),
    ("plans.yaml", "[50, 80]", "[80, `50]", None, "thresholds must rise", None),
    ("plans.yaml", "[50, 80]", "[50, `101]", None, "out of range", None),
    ("plans.yaml", "        germany: {day: v_day, night: v_night}", "        germany: {day: v_day}",
     "`germany: {day", "has no price in band", None),
    ("plans.yaml", "    message: {price: sms}", "    message: {price: `tiers}", None, "counts", None),
    ("plans.yaml", "    message: {price: sms}", "    message: {}", "`message: {}",
     "either price or prices", None),
    ("plans.yaml", "      allowance: talk\n", "      allowance: `pool\n", None,
     "does not cover voice", None),
    ("plans.yaml", "      fallback_decks: [world]", "      fallback_decks: [world, world, world, "
     "world]", "fallback_decks: `[", "", None),
    ("plans.yaml", "  extra: {", "  `mobile: {", None, "already", None),
    ("decks/world.csv", "39,italy,,\n", "39,italy,,\n`39,italia,,\n", None, "already", None),
    ("decks/world.csv", "2026-07-01\n4915", "2026-08-01\n`4915", None, "overlaps", "valid_to"),
    ("decks/world.csv", "2026-01-01,2026-07-01", "2026-07-01,`2026-01-01", None,
     "valid_to is not after", None),
    ("decks/world.csv", "33,france,,\n", "`33,france\n", None, "the row has 2 fields", None),
    ("decks/world.csv", "33,france,,\n", "`33,france,,,\n", None, "the row has 5 fields", None),
    ("decks/world.csv", "prefix,zone,", "`prefix,", None, '"zone" is missing', None),
    ("accounts.csv", "A1003,", "`A1002,", None, "already", None),
    ("catalog.yaml", "both: {parts: [", "both: {rate: `5%, parts: [", None, "its parts'", "one of"),
    ("catalog.yaml", "both: {parts: [standard, reduced]", "both: {parts: [standard, `standard]", None,
     "named twice", None),
    ("catalog.yaml", "both: {parts: [standard, reduced]", "both: {parts: [standard, `both]", None,
     "part of a set", None),
    ("catalog.yaml", "both: {parts: [standard, reduced], ", "both: {", "`both: {inclusive",
     "needs a rate, or parts", None),
    ("catalog.yaml", "inclusive: false}", "compound: `true}", None, "not on top of anything", None),
    ("exemptions.csv", "2026-01-01,2026-07-01", "2026-07-01,`2026-07-01", None,
     "is not after valid_from", None),
    ("exemptions.csv", "2026-01-01,2026-07-01", "`2026-01-01T00:00:00Z,", None, "is no date", None),
    ("exemptions.csv", "A1002,,both,,", "`A1002,,both,,,", None, "the row has 6 fields", None),
    ("exemptions.csv", "account,product", "`product", None, '"account" is missing', None),
    ("accounts.csv", "Müller,EUR,31", "Müller,EUR,`32", None, "is not 1 to 31", None),
    ("accounts.csv", "Zoë Müller,EUR", "\"Zoë\nMüller\",`USD", None, "there is no exchange rate", None),
    ("catalog.yaml", "category: S,", "category: S, title: \"Umsatzsteuer für Öl\", `titel: x,", None,
     "unknown key", 'did you mean "title"?'),
    ("accounts.csv", "id,name", "`name", None, '"id" is missing', None),
    ("subscribers.csv", "S1003,", "`S1002,", None, "already", None),
    ("subscribers.csv", "S1003,A1002,extra,491511234503", "`S1003,A1002,extra,491511234502", None,
     "holds the same number", "active_to"),
    ("subscribers.csv", "2026-01-01,2026-09-01", "2026-09-01,`2026-01-01", None,
     "is before active_from", None),
    ("subscribers.csv", "S1003,A1002", "`S1003", None, "the row has 7 fields", None),
]

# The same for bytes that are no text: file, after which text, the bytes, how many of them are fine,
# the message.
BYTES = [
    ("catalog.yaml", "# A carrier", b"\xff", 0, "UTF-8"),
    ("prices.yaml", "prices:\n  v_", b"\xc3\x28", 1, "UTF-8"),
    ("plans.yaml", "time_models:\n  day", b"\x00", 0, "control"),
    ("plans.yaml", "zone: Europe/", b"\x07", 0, "control"),
    ("decks/world.csv", "33,fr", b"\xff", 0, "UTF-8"),
    ("decks/world.csv", "49,ger", b"\r", 0, "carriage return"),
    ("accounts.csv", "A1001,An", b"\xc0\xaf", 0, "UTF-8"),
    ("accounts.csv", "A1003,Zo\u00eb M", b"\xed\xa0\x80", 0, "UTF-8"),
    ("subscribers.csv", "S1001", b"\x00", 0, "NUL"),
]


def dice_of(seed):
    return random.Random(seed)
