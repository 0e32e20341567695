# SPDX-License-Identifier: Apache-2.0
"""Decks, pairs and networks against tables written by hand."""
import json
import os
import shutil
import sys
import tempfile

from lib import Catalog, Report, call, people

PAIRS = """
decks:
  world: {prefixes: {"1213": us_ca, "1212": us_ny, "1": us, "49": germany, "33": france}}
  callers: {prefixes: {"1213": us_ca, "1212": us_ny, "49": germany}}
prices:
  intra: {unit: minute, price: "1"}
  inter: {unit: minute, price: "2"}
  unknown: {unit: minute, price: "3"}
  east: {unit: minute, price: "4"}
  abroad: {unit: minute, price: "5"}
  far: {unit: minute, price: "6"}
  eu: {unit: minute, price: "7"}
  eu_home: {unit: minute, price: "8"}
  usual: {unit: minute, price: "9"}
networks:
  orange: {plmn: "20801", zone: eu_net}
  jio: {plmn: "405840", zone: far_net}
allowances:
  free: {unit: minute, amount: 1, services: [voice], zones: ["us_ca>us_ny"]}
plans:
  by_number:
    voice:
      deck: world
      origin: {by: number, deck: callers}
      prices: {"=": intra, "?>*": unknown, "us_ca>us_ny": east, "us_ny>*": inter,
               germany: abroad, "*": far}
  by_network:
    voice:
      deck: world
      origin: {by: network}
      prices: {"eu_net>*": eu, "eu_net>germany": eu_home, "*": usual, "home>france": abroad}
  with_free:
    voice:
      deck: world
      origin: {by: number, deck: callers}
      prices: {"us_ca>us_ny": east, "*": far}
      allowance: free
products:
  number: {plan: by_number}
  network: {plan: by_network}
  free: {plan: with_free}
"""


def pairs(report, tollgate, root):
    ca, ny, de, fr = "12135550001", "12125550001", "491515550001", "33155500011"
    files = {"c.yaml": PAIRS, **people((ca, "number"), (ny, "number"), (de, "number"),
                                       (fr, "number"), ("447700900001", "network"),
                                       ("12135550009", "free"))}
    catalog = Catalog(tollgate, os.path.join(root, "pairs"), files)
    net = "447700900001"
    table = [
        (call(ca, "12135559999"), "intra", "="),
        (call(ny, "12125559999"), "intra", "="),       # = before A>*
        (call(ca, "12125559999"), "east", "us_ca>us_ny"),
        (call(ny, "12135559999"), "inter", "us_ny>*"),
        (call(ny, "491515551111"), "inter", "us_ny>*"),  # A>* before B
        (call(ca, "491515551111"), "abroad", "germany"),
        (call(ca, "33155509999"), "far", "france"),
        (call(de, "491515551111"), "intra", "="),
        (call(fr, "491515551111"), "unknown", "?>*"),   # in no zone of the callers' deck
        (call(fr, "12135559999"), "unknown", "?>*"),
        (call(net, "491515551111"), "usual", "germany"),
        (call(net, "33155509999"), "abroad", "home>france"),
        (call(net, "33155509999", serving_network="orange"), "eu", "eu_net>*"),
        (call(net, "491515551111", serving_network="orange"), "eu_home", "eu_net>germany"),
        (call(net, "491515551111", serving_network="jio"), "usual", "germany"),
    ]
    for (row, price, zone), answer in zip(table, catalog.quote([row for row, _, _ in table])):
        report.expect(f"pair {row}", (answer.get("price"), answer.get("zone")), (price, zone))
    # No zone of the other party is no pair: suspended, not priced by "?>*".
    nowhere = catalog.quote([call(fr, "819099999")])[0]
    report.expect("no zone", nowhere.get("reason"), "NO_RATE")
    # A zone of an allowance may be a pair.
    free, paid = catalog.quote([call("12135550009", "12125559999"),
                                call("12135550009", "33155509999")])
    report.expect("free pair", (free["allowance_units"], paid["allowance_units"]), (1, 0))


SHEET = """
decks:
  az: {file: decks/az.csv, open_end: close, rates: {unit: second, per: 60, first: 60, next: 6}}
prices:
  flat: {unit: minute, price: "7"}
plans:
  retail: {voice: {deck: az}}
  special: {voice: {deck: az, prices: {az/france: flat, home: flat}}}
products:
  retail: {plan: retail}
  special: {plan: special}
"""
SHEET_ROWS = """prefix,zone,price,connect,first,next,valid_from,valid_to
49,Germany - Fixed,0.10,,,,,
4915,Germany - Mobile (D1),0.20,0.05,30,1,,
4916,Germany - Mobile (D1),0.25,,1,1,,
33,France,0.30,,,,,
44,"United Kingdom, all",0.40,,,,,
44,"United Kingdom, all",0.50,,,,2026-06-15,
"""


def sheets(report, tollgate, root):
    a, b = "12135550001", "12125550001"
    files = {"c.yaml": SHEET, "decks/az.csv": SHEET_ROWS, **people((a, "retail"), (b, "special"))}
    catalog = Catalog(tollgate, os.path.join(root, "sheets"), files)
    table = [
        (call(a, "493012345", seconds=61), "az/germany_fixed", "0.110000"),
        (call(a, "4915112345", seconds=31), "az/germany_mobile_d1", "0.153333"),
        (call(a, "4916112345", seconds=31), "az/germany_mobile_d1#2", "0.129167"),
        (call(a, "442012345"), "az/united_kingdom_all", "0.400000"),
        (call(a, "442012345", "2026-06-14T23:59:59Z"), "az/united_kingdom_all", "0.400000"),
        (call(a, "442012345", "2026-06-15T00:00:00Z"), "az/united_kingdom_all#2", "0.500000"),
        (call(a, "33155500011"), "az/france", "0.300000"),
        (call(b, "33155500011"), "az/france", "7.000000"),  # the plan's own price
    ]
    for (row, zone, amount), answer in zip(table, catalog.quote([row for row, _, _ in table])):
        report.expect(f"sheet {row}", (answer.get("zone"), f"{float(answer['amount']):.6f}"),
                      (zone, amount))
    # A number that no deck has is not usage at home, though that has a price.
    nowhere, numberless = catalog.quote([call(b, "819012345"), {**call(b, "1"), "peer": "sip:x",
                                                                "peer_kind": "name"}])
    report.expect("in no deck", nowhere.get("reason"), "NO_RATE")
    report.expect("no number", numberless.get("price"), "flat")
    # The same names have the same numbers in the next version, and the change is a price's.
    data = os.path.join(root, "sheets_data")
    report.expect("import", catalog.verb("import", "--data", data).returncode, 0)
    files["decks/az.csv"] = SHEET_ROWS.replace("France,0.30", "France,0.33")
    later = Catalog(tollgate, catalog.folder, files, 2,
                    "catalog: {{version: {version}, valid_from: 2026-07-01, currency: EUR}}\n")
    report.expect("diff", later.verb("diff", "--data", data).stdout.splitlines(),
                  ["changed price az/france price: 0.30 -> 0.33"])


TERMS = """
decks:
  plain: {file: plain.csv, rates: {unit: second, per: 60, first: 60, next: 6, included: 50, connect: "0.05"}}
  terms: {file: plain.csv, rates: {unit: second, per: 60, first: 60, next: 6, included: 50, connect: "0.05",
          decimals: 1, quantity_rounding: down, included_off: used, connect_on: used}}
  digits: {file: plain.csv, rates: {unit: second, per: 60, currency: USD}}
exchange_rates: {e: {from: USD, to: EUR, rate: "0.5", valid_from: 2026-01-01}}
allowances: {free: {unit: second, amount: 1000, services: [voice]}}
plans:
  plain: {voice: {deck: plain}}
  terms: {voice: {deck: terms}}
  digits: {voice: {deck: digits}}
  plain_free: {voice: {deck: plain, allowance: free}}
  terms_free: {voice: {deck: terms, allowance: free}}
products:
  plain: {plan: plain}
  terms: {plan: terms}
  digits: {plan: digits}
  plain_free: {plan: plain_free}
  terms_free: {plan: terms_free}
"""


def terms_of_sheets(report, tollgate, root):
    """A sheet chooses what a price may. 134.9 s of 60/6 with 50 free: 135 s are 138, of which 88 cost 1.9067; 134 s
    less 50 are 84, which cost 1.82; and the fee. By USD digits 135 s cost 2.925, or 2.93."""
    head = "catalog: {{version: {version}, valid_from: 2026-01-01, currency: EUR, rating_digits_of: {{USD: 0}}}}\n"
    who = [f"1212555002{i}" for i in range(5)]
    names = ["plain", "terms", "plain_free", "terms_free", "digits"]
    files = {"c.yaml": TERMS, "plain.csv": "prefix,zone,price\n49,Germany,1.30\n", **people(*zip(who, names))}
    catalog = Catalog(tollgate, os.path.join(root, "terms"), files, 1, head)
    rows = [call(number, "493012345") for number in who]
    for row in rows:
        del row["duration_s"]
        row["duration_ms"] = 134900
    for name, wanted, answer in zip(names, ["1.95666667", "1.90", "0.00", "0.10", "2.93"], catalog.quote(rows)):
        report.expect(f"terms {name}", answer.get("amount"), wanted)


LINTS = """
decks:
  az: {file: az.csv, buy: supplier, rates: {unit: second, per: 60}}
  supplier: {file: supplier.csv, rates: {unit: second, per: 60}}
  zones: {file: zones.csv}
prices:
  volume: {unit: event, tariff: volume, tiers: [{up_to: 1000, price: "0.05"}, {price: "0.04"}]}
  capped: {unit: second, tariff: graduated, counter: record, max: "5",
           tiers: [{up_to: 100, price: "0.05"}, {price: "0.04"}]}
plans:
  p: {voice: {deck: az}, message: {price: volume}}
  q: {voice: {deck: zones, prices: {"*": capped}}}
products: {p: {plan: p}}
"""
LINT_AZ = """prefix,zone,price,first,next,buy,valid_from,valid_to
49,Germany,0.10,60,1,0.11,,
33,France,0.10,1,1,,,
44,UK,0.10,60,60,,,
39,Italy,0.20,60,60,,,2026-03-01
39,Italy,0.50,60,60,,2026-04-01,2026-05-01
"""
LINT_SUPPLIER = """prefix,zone,price,first,next,valid_from,valid_to
33,France,0.08,60,60,,
447,UK mobile,0.15,60,60,,
39,Italy,0.01,60,60,,
"""
LINT_ZONES = """prefix,zone,valid_from,valid_to
1,us,,
12,california,,2026-02-01
13,us,,2026-02-01
"""


def lints(report, tollgate, root):
    files = {"c.yaml": LINTS, "az.csv": LINT_AZ, "supplier.csv": LINT_SUPPLIER,
             "zones.csv": LINT_ZONES, **people(("12135550001", "p"))}
    catalog = Catalog(tollgate, os.path.join(root, "lints"), files)
    data = os.path.join(root, "lints_data")
    said = json.loads(catalog.verb("check", "--json").stdout)
    found = {(os.path.basename(d["file"]), d["line"], d["column"], d["code"]): d["text"]
             for d in said["diagnostics"] if "code" in d}
    lines = LINTS.splitlines()
    wanted = {
        ("az.csv", 2, 22, "sell_below_buy"): "buy is above price",
        ("az.csv", 3, 11, "negative_margin"): "prefix 33 loses from 1 second on",
        ("supplier.csv", 3, 15, "sell_below_buy"): "prefix 447 is sold for",
        ("az.csv", 5, 1, "hole"): "gap before its next row, from 2026-03-01",
        ("az.csv", 6, 1, "hole"): "ends without successor on 2026-05-01",
        ("az.csv", 6, 10, "price_jump"): "0.20 to 0.50 (+150 %) against the row before it",
        ("zones.csv", 3, 1, "hole"): "then zone \"us\" counts",
        ("c.yaml", 7, lines[6].index('{price: "0.04"') + 1, "tier_drop"): "1001 units cost less than 1000",
        ("c.yaml", 9, lines[8].index('{price: "0.04"') + 1, "unreachable_tier"): "begins behind the price's max",
    }
    report.expect("lints", sorted(found), sorted(wanted))
    for place, part in wanted.items():
        report.contains(str(place), found.get(place, ""), part)
    # Strict: the same are errors, nothing is stored. Ignored ones are silent. Else it is stored.
    strict = catalog.verb("import", "--strict", "--data", data)
    report.expect("strict", strict.returncode, 1)
    report.contains("strict", strict.stderr, "az.csv:3:11: error: prefix 33 loses")
    report.expect("nothing stored", catalog.run("catalog", "list", "--data", data).returncode, 1)
    report.expect("import", catalog.verb("import", "--data", data).returncode, 0)
    # Against the version before: each row of a sheet, and each price.
    files["az.csv"] = LINT_AZ.replace("UK,0.10", "UK,0.16")
    files["c.yaml"] = LINTS.replace('{price: "0.04"}]}\n  capped', '{price: "0.05"}]}\n  capped')
    head = ("catalog: {{version: {version}, valid_from: 2026-07-01, currency: EUR,\n"
            "  lint: {{price_jump: 20%, ignore: [hole, sell_below_buy, negative_margin]}}}}\n")
    later = Catalog(tollgate, catalog.folder, files, 2, head)
    said = json.loads(later.verb("import", "--json", "--data", data).stdout)
    found = sorted((os.path.basename(d["file"]), d["line"], d["text"].split(" against ")[1])
                   for d in said["diagnostics"] if d.get("code") == "price_jump")
    report.expect("jumps", found, [("az.csv", 4, "version 1"), ("az.csv", 6, "the row before it"),
                                   ("c.yaml", 7, "version 1")])
    report.expect("ignored", {d.get("code") for d in said["diagnostics"]} &
                  {"hole", "sell_below_buy"}, set())


CALLERS = """
decks:
  az: {file: az.csv, buy: supplier, rates: {unit: second, per: 60}}
  supplier: {file: supplier.csv, rates: {unit: second, per: 60}}
  states: {prefixes: {"1212": ny, "1408": ca}}
plans:
  p: {voice: {deck: az, origin: {by: number, deck: states}}}
products: {p: {plan: p}}
"""
CALLERS_AZ = """prefix,zone,price,intra,indeterminate,jurisdiction,buy
1212,a,0.02,0.01,0.03,ny,
1408,b,0.02,0.004,0.03,ca,
1213,c,0.02,0.02,0.004,ny,
1214,d,0.02,,,ny,
1215,e,0.02,0.01,0.02,ny,0.015
1216,f,0.02,0.02,0.02,ny,
"""
CALLERS_SUPPLIER = """prefix,zone,price,intra,indeterminate,jurisdiction
1212,a,0.015,0.005,0.02,ny
1408,b,0.01,,,
1213,c,0.01,,,
1214,d,0.01,0.03,,ny
1216,f,0.01,0.02,0.02,ny
"""


def callers_lints(report, tollgate, root):
    """What callers of the place, and of no known place, pay is compared with what they cost."""
    files = {"c.yaml": CALLERS, "az.csv": CALLERS_AZ, "supplier.csv": CALLERS_SUPPLIER,
             **people(("12135550001", "p"))}

    def told(name):
        said = json.loads(Catalog(tollgate, os.path.join(root, name), files).verb(
            "check", "--json").stdout)
        return {(d["line"], d["code"]): d["text"] for d in said["diagnostics"] if "code" in d}
    wanted = {(3, "sell_below_buy"): '"ca>az/b" (0.004) in plan "p", below "supplier/b" (0.01)',
              (4, "sell_below_buy"): '"?>az/c" (0.004) in plan "p", below "supplier/c" (0.01)',
              (5, "sell_below_buy"): '"az/d" (0.02) in plan "p", below "ny>supplier/d" (0.03)',
              (6, "sell_below_buy"): "buy is above intra"}
    found = told("callers")
    report.expect("callers", sorted(found), sorted(wanted))
    for place, part in wanted.items():
        report.contains(str(place), found.get(place, ""), part)
    # A plan that does not ask who calls has one price for all.
    files["c.yaml"] = CALLERS.replace(", origin: {by: number, deck: states}", "")
    report.expect("no callers", sorted(told("nobody")), [(6, "sell_below_buy")])


ORDER = """
decks:
  acme: {file: acme.csv, rates: {unit: minute}}
  own: {prefixes: {"49": germany, "4930": berlin}}
  first: {prefixes: {"4940": hamburg, "33": france}}
  last: {prefixes: {"3312": paris, "=33": operator, "331018": far_sw, "=331018": info,
                    "1": nanp, "=110": police, "*": rest}}
  codes: {file: codes.csv}
  patterns: {prefixes: {"1": nanp, "=118xxx": info, "=118833": dear, "=11[6-7]00?": help,
                        "=1[2-4]": short, "4915[1579]": d1, "49151": d1_own, "492xx": mobile}}
prices:
  usual: {unit: minute, price: "1"}
plans:
  p: {voice: {deck: own, fallback_decks: [first, last], price: usual}}
  c: {voice: {deck: codes, price: usual}}
  longest: {voice: {deck: own, fallback_decks: [first, last], deck_match: longest, price: usual}}
  dated: {voice: {deck: last, fallback_decks: [codes], deck_match: longest, price: usual}}
  patterns: {voice: {deck: patterns, price: usual}}
products:
  p: {plan: p}
  acme: {plan: p, decks: {voice: acme}}
  c: {plan: c}
  longest: {plan: longest}
  longest_acme: {plan: longest, decks: {voice: acme}}
  dated: {plan: dated}
  patterns: {plan: patterns}
"""
ORDER_ACME = """prefix,zone,price
49,Deal,0.5
81,Japan,0.6
"""
# Long enough that the short codes lie in the direct table, at its end and in nodes behind it.
CODES = "prefix,zone,valid_from,valid_to\n*,any,,\n=110,police,,\n11,eleven,,\n" \
    "=116117,doctor,,2026-06-15\n=1161171,long,,\n116117,prefix,,\n" + \
    "".join(f"{n},n{n % 7},,\n" for n in range(2000, 2999))


def order(report, tollgate, root):
    plain, acme, codes = "12135550001", "12125550001", "12125550002"
    longest, long_acme, dated, wild = (f"1212555001{i}" for i in range(4))
    files = {"c.yaml": ORDER, "acme.csv": ORDER_ACME, "codes.csv": CODES,
             **people((plain, "p"), (acme, "acme"), (codes, "c"), (longest, "longest"),
                      (long_acme, "longest_acme"), (dated, "dated"), (wild, "patterns"))}
    catalog = Catalog(tollgate, os.path.join(root, "order"), files)
    table = [
        (call(plain, "493012345"), "berlin"),
        (call(plain, "494012345"), "germany"),     # the first deck with any match, not the longest
        (call(plain, "331212345"), "france"),
        (call(plain, "819012345"), "rest"),
        (call(acme, "493012345"), "acme/deal"),    # the customer's deck before the plan's
        (call(acme, "819012345"), "acme/japan"),
        (call(acme, "331212345"), "france"),       # then the plan's and its fallbacks
        (call(acme, "61212345"), "rest"),
        (call(plain, "110"), "police"), (call(plain, "1101"), "nanp"), (call(plain, "11"), "nanp"),
        (call(codes, "110"), "police"), (call(codes, "1100"), "eleven"),
        (call(codes, "11"), "eleven"),
        (call(codes, "116117"), "doctor"), (call(codes, "1161172"), "prefix"),
        (call(codes, "1161171"), "long"), (call(codes, "11611712"), "prefix"),
        (call(codes, "116117", "2026-06-15T00:00:00Z"), "prefix"),
        (call(codes, "1"), "any"), (call(codes, "2500"), "n1"),
        # The longest prefix of all decks, whichever deck has it; of equal ones the first deck's.
        (call(longest, "493012345"), "berlin"), (call(longest, "494012345"), "hamburg"),
        (call(longest, "331212345"), "paris"), (call(longest, "331112345"), "france"),
        (call(longest, "33"), "operator"), (call(longest, "331018"), "info"),
        (call(longest, "3310181"), "far_sw"), (call(longest, "81901"), "rest"),
        (call(long_acme, "491112345"), "acme/deal"), (call(long_acme, "493012345"), "berlin"),
        (call(long_acme, "494012345"), "hamburg"), (call(long_acme, "61212345"), "rest"),
        # A short code of a later deck is longer than a prefix of as many digits, and ends in time.
        (call(dated, "116117"), "doctor"), (call(dated, "116117", "2026-06-15T00:00:00Z"), "prefix"),
        (call(dated, "61212345"), "rest"), (call(dated, "110"), "police"), (call(dated, "25001"), "n1"),
        # Patterns: of exactly as many digits, and yielding to what is written out.
        (call(wild, "118123"), "info"), (call(wild, "11812"), "nanp"), (call(wild, "1181234"), "nanp"),
        (call(wild, "118833"), "dear"), (call(wild, "116009"), "help"), (call(wild, "118009"), "info"),
        (call(wild, "117000"), "help"), (call(wild, "13"), "short"), (call(wild, "15"), "nanp"),
        (call(wild, "4915123"), "d1_own"), (call(wild, "4915523"), "d1"), (call(wild, "49212"), "mobile"),
        (call(wild, "492123"), "mobile"),
    ]
    for (row, zone), answer in zip(table, catalog.quote([row for row, _ in table])):
        report.expect(f"order {row}", answer.get("zone"), zone)
    for written, part in (("=11[3-1]x", "is not 1 to 15 digits"), ("118y", "x for any digit"),
                          ("1xxxxx", "stands for more than 10000 numbers"), ("12[", "1 to 15 digits"),
                          ("1[]", "1 to 15 digits"), ("=", "1 to 15 digits"),
                          ("x" * 16, "1 to 15 digits"), ("=118x33", "short code 118033 is already")):
        wrong = {**files, "c.yaml": ORDER.replace('"=118833"', f'"{written}"')}
        check = Catalog(tollgate, os.path.join(root, "wrong"), wrong).verb("check")
        report.expect(f"pattern {written}", check.returncode, 1)
        report.contains(f"pattern {written}", check.stderr, part)


MONTHS = """
decks:
  az: {rates: {unit: minute}, sheets: [{file: az1.csv}, {file: az2.csv, valid_from: 2026-03-01, missing: MISSING},
       {file: az3.csv, valid_from: 2026-05-01, missing: keep}]}
plans: {p: {voice: {deck: az}}}
products: {p: {plan: p}}
"""
SHEETS = {
    "az1.csv": "prefix,zone,price,valid_from,valid_to\n49,Germany,0.1,,\n4915,Mobile,0.2,,\n33,France,0.3,,\n"
               "44,UK,0.4,2026-03-10,\n39,Italy,0.5,,2026-02-01\n",
    "az2.csv": "prefix,zone,price,valid_from\n49,Germany,0.11,\n33,France,0.33,2026-03-15\n44,UK,0.44,\n",
    "az3.csv": "prefix,zone,price\n49,Germany,0.12\n4915,Mobile,0.22\n",
}


def months(report, tollgate, root):
    """Sheet after sheet: each ends what it prices anew, and what it lacks as the catalog says."""
    number = "12135550001"
    for missing in ("keep", "delete"):
        files = {"c.yaml": MONTHS.replace("MISSING", missing), **SHEETS, **people((number, "p"))}
        catalog = Catalog(tollgate, os.path.join(root, missing), files)
        gone = "0.20" if missing == "keep" else "0.11"
        table = [
            ("491", "02-28T23:59:59", "0.10"), ("491", "03-01T00:00:00", "0.11"),
            ("491", "05-01T00:00:00", "0.12"),
            ("4915", "02-28T23:59:59", "0.20"), ("4915", "03-01T00:00:00", gone),
            ("4915", "04-30T23:59:59", gone), ("4915", "05-01T00:00:00", "0.22"),
            ("331", "03-14T23:59:59", "0.30"),   # its new row begins later than the sheet
            ("331", "03-15T00:00:00", "0.33"), ("331", "06-01T00:00:00", "0.33"),
            ("441", "03-01T00:00:00", "0.44"), ("441", "03-10T00:00:00", "0.44"),
            ("391", "01-15T00:00:00", "0.50"), ("391", "02-01T00:00:00", None),
        ]
        rows = [call(number, peer, f"2026-{at}Z", seconds=60) for peer, at, _ in table]
        for (peer, at, price), answer in zip(table, catalog.quote(rows)):
            report.expect(f"{missing} {peer} {at}", answer.get("amount"), price)
        said = json.loads(catalog.verb("check", "--json").stdout)
        told = [d["text"] for d in said["diagnostics"] if d.get("code") == "missing"]
        what = "kept as before, also from 2026-03-01T00:00:00Z" if missing == "keep" \
            else "ended on 2026-03-01T00:00:00Z"
        report.expect(f"{missing}: told", told,
                      [f"1 prefix of the sheets before is not in this one: {what}",
                       "2 prefixes of the sheets before are not in this one: "
                       "kept as before, also from 2026-05-01T00:00:00Z"])
        holes = [d["text"] for d in said["diagnostics"] if d.get("code") == "hole"]
        report.expect(f"{missing}: what was deleted is no hole", len(holes), 1)
    for old, new, part in ((", missing: MISSING", "", "needs missing"),
                           ("valid_from: 2026-03-01, ", "", "needs valid_from"),
                           ("MISSING", "forget", "delete"),
                           ("{file: az1.csv}", "{file: az1.csv, missing: keep}", "before the first"),
                           ("2026-05-01", "2026-03-01", "not after that of the sheet before"),
                           ("az3.csv", "az9.csv", "cannot be read")):
        wrong = {**files, "c.yaml": MONTHS.replace(old, new).replace("MISSING", "keep")}
        check = Catalog(tollgate, os.path.join(root, "months_wrong"), wrong).verb("check")
        report.expect(f"sheets without {old}", check.returncode, 1)
        report.contains(f"sheets without {old}", check.stderr, part)
    late = {**files, "az2.csv": SHEETS["az2.csv"].replace("2026-03-15", "2026-02-15")}
    check = Catalog(tollgate, os.path.join(root, "months_late"), late).verb("check")
    report.contains("row before its sheet", check.stderr, "az2.csv:3:16: error: valid_from is before")
    # A doubled prefix is told in its own file.
    twice = {**files, "az2.csv": SHEETS["az2.csv"] + "49,Germany,0.2,\n"}
    check = Catalog(tollgate, os.path.join(root, "months_twice"), twice).verb("check")
    report.contains("doubled", check.stderr, "az2.csv:5:1: error: prefix 49 overlaps its row on line 2")


CALENDAR = """
prices:
"""
BANDS = ["night", "work", "first", "monday", "summer", "eve", "xmas", "xmas_peak", "feast",
         "holiday", "leap"]
CALENDAR += "".join(f'  {band}: {{unit: minute, price: "1"}}\n' for band in BANDS)
CALENDAR += """
time_models:
  tm:
    zone: Europe/Berlin
    default: night
    bands:
      - {band: work, days: mon-fri, from: "08:00", to: "18:00"}
      - {band: first, month_days: [1]}
      - {band: monday, days: mon, month_days: [1, 2, 3, 4, 5, 6, 7], weight: 5}
      - {band: summer, days: sat-sun, months: [7, 8]}
      - {band: eve, yearly: ["12-24"], from: "14:00"}
      - {band: xmas, yearly: ["12-25"]}
      - {band: xmas_peak, yearly: ["12-25"], from: "18:00", to: "22:00", weight: 1}
      - {band: feast, dates: [2026-06-04]}
      - {band: leap, yearly: ["02-29"]}
    holidays: {band: holiday, yearly: ["01-01"], dates: [2026-06-04, 2026-06-05]}
plans: {p: {voice: {time_model: tm, prices: {home: {%s}}}}}
products: {p: {plan: p}}
""" % ", ".join(f"{band}: {band}" for band in BANDS)


def calendars(report, tollgate, root):
    number = "12135550001"
    files = {"c.yaml": CALENDAR, **people((number, "p"))}
    catalog = Catalog(tollgate, os.path.join(root, "calendar"), files)
    table = [  # Berlin is an hour ahead of UTC in winter, two in summer
        ("2026-06-09T05:59:59Z", "night"), ("2026-06-09T06:00:00Z", "work"),
        ("2026-06-09T15:59:59Z", "work"), ("2026-06-09T16:00:00Z", "night"),
        ("2026-09-01T10:00:00Z", "first"),      # a Tuesday: the day of the month wins
        ("2026-06-01T10:00:00Z", "monday"),     # the first is a Monday: weight wins
        ("2026-06-08T10:00:00Z", "work"),       # second Monday
        ("2026-07-04T10:00:00Z", "summer"), ("2026-09-05T10:00:00Z", "night"),
        ("2026-08-01T10:00:00Z", "first"),      # days of the month before those of the week
        ("2026-12-24T12:59:59Z", "work"),       # the rest of the day is a usual Thursday
        ("2026-12-24T13:00:00Z", "eve"), ("2031-12-24T13:00:00Z", "eve"),
        ("2026-12-25T16:59:59Z", "xmas"), ("2026-12-25T17:00:00Z", "xmas_peak"),
        ("2026-12-25T21:00:00Z", "xmas"), ("2026-12-24T23:00:00Z", "xmas"),
        ("2026-06-04T10:00:00Z", "feast"), ("2026-06-05T10:00:00Z", "holiday"),
        ("2027-01-01T10:00:00Z", "holiday"),
        ("2028-02-29T10:00:00Z", "leap"), ("2027-03-01T10:00:00Z", "monday"),
    ]
    answers = catalog.quote([call(number, "49", start) for start, _ in table])
    for (start, band), answer in zip(table, answers):
        report.expect(f"band {start}", answer.get("price"), band)


ROAMING = """
networks:
  orange: {plmn: "20801", zone: eu_net, time_zone: Europe/Paris}
  lisboa: {plmn: "26801", zone: eu_net, time_zone: Europe/Lisbon}
  jio: {plmn: "405840", zone: far_net, time_zone: Asia/Kolkata}
  sea: {plmn: "90118", zone: far_net}
decks:
  world: {prefixes: {"*": any}}
prices:
  day: {unit: second, price: "0.01"}
  night: {unit: second, price: "0.02"}
  eu_day: {unit: second, price: "0.03"}
  eu_night: {unit: second, price: "0.04"}
  far: {unit: second, price: "0.05"}
  mb: {unit: megabyte, price: "1"}
  eu_mb: {unit: megabyte, price: "2"}
  far_mb: {unit: megabyte, price: "3"}
time_models:
  serving: {zone: Europe/Berlin, by: serving, default: night,
            bands: [{band: day, from: "08:00", to: "18:00"}]}
  home: {zone: Europe/Berlin, default: night, bands: [{band: day, from: "08:00", to: "18:00"}]}
plans:
  p:
    voice: {deck: world, origin: {by: network}, time_model: serving, prices: {
            "eu_net>*": {day: eu_day, night: eu_night}, "*": {day: day, night: night}}}
    data: {prices: {home: mb, eu_net: eu_mb, far_net: far_mb}}
  h:
    voice: {deck: world, time_model: home, prices: {"*": {day: day, night: night}}}
products: {p: {plan: p}, h: {plan: h}}
"""


def roaming(report, tollgate, root):
    number, home = "12135550001", "12125550001"
    files = {"c.yaml": ROAMING, **people((number, "p"), (home, "h"))}
    catalog = Catalog(tollgate, os.path.join(root, "roaming"), files)
    table = [  # summer: Lisbon 7:30 and Berlin 8:30 at 6:30 UTC, Kolkata noon
        (call(number, "49", "2026-06-01T06:30:00Z"), "day"),
        (call(number, "49", "2026-06-01T06:30:00Z", serving_network="orange"), "eu_day"),
        (call(number, "49", "2026-06-01T06:30:00Z", serving_network="lisboa"), "eu_night"),
        (call(number, "49", "2026-06-01T16:30:00Z"), "night"),
        (call(number, "49", "2026-06-01T16:30:00Z", serving_network="lisboa"), "eu_day"),
        (call(number, "49", "2026-06-01T02:29:59Z", serving_network="jio", seconds=1), "night"),
        (call(number, "49", "2026-06-01T02:30:00Z", serving_network="jio", seconds=1), "day"),
        (call(number, "49", "2026-06-01T06:30:00Z", serving_network="sea"), "day"),
        (call(home, "49", "2026-06-01T06:30:00Z", serving_network="lisboa"), "day"),
    ]
    for (row, price), answer in zip(table, catalog.quote([row for row, _ in table])):
        report.expect(f"roaming {row}", answer.get("price"), price)
    # Cut where the serving network's clock says: 17:59:30 in Lisbon is 16:59:30 UTC.
    cut = catalog.quote([call(number, "49", "2026-06-01T16:59:30Z", serving_network="lisboa")])[0]
    report.expect("cut", [(p["price"], p["units"]) for p in cut["breakdown"]],
                  [("eu_day", 30), ("eu_night", 30)])
    data = [{"subscriber": number, "service": "data", "start": "2026-06-01T10:00:00Z",
             "quantity_down": 1000000, **network}
            for network in ({}, {"serving_network": "orange"}, {"serving_network": "sea"})]
    report.expect("data", [answer.get("price") for answer in catalog.quote(data)],
                  ["mb", "eu_mb", "far_mb"])


REACH = """
prices:
  inter: {unit: second, price: "0.01"}
  intra: {unit: second, price: "0.02"}
  indet: {unit: second, price: "0.03"}
  d1: {unit: second, price: "0.04"}
  d2: {unit: second, price: "0.05"}
  day: {unit: octet, price: "2", per: 1000000, connect: "0.10"}
  night: {unit: octet, price: "1", per: 1000000, connect: "0.10"}
  hours: {unit: second, tariff: graduated, counter: record, tiers: [
          {up_to: 5400, price: "3600", per: 3600}, {price: "1800", per: 3600}]}
decks:
  lerg: {prefixes: {"1212": ny, "1646": ny, "1213": ca}}
  ported: {file: ported.csv}
  ranges: {prefixes: {"491511": d1}}
time_models:
  tm: {default: night, bands: [{band: day, from: "08:00", to: "18:00"}]}
plans:
  us: {voice: {deck: lerg, origin: {by: number, deck: lerg},
               prices: {"=": intra, "?>*": indet, "*": inter}}}
  de: {voice: {deck: ported, fallback_decks: [ranges], prices: {d1: d1, d2: d2}},
       data: {time_model: tm, prices: {home: {day: day, night: night}}}}
  h: {voice: {price: hours}}
products: {us: {plan: us}, de: {plan: de}, h: {plan: h}}
"""


def reach(report, tollgate, root):
    """Jurisdiction of the NANP, ported numbers, tariff-switch containers, parts of an hour."""
    files = {"c.yaml": REACH, "ported.csv": "prefix,zone,valid_from,valid_to\n"
             "=4915111234567,d2,2026-06-01,2026-07-01\n",
             **people(("12125550001", "us"), ("17775550001", "us"), ("49302", "de"),
                      ("49303", "h"))}
    catalog = Catalog(tollgate, os.path.join(root, "reach"), files)
    data = {"subscriber": "49302", "service": "data", "quantity_down": 1000000}
    rows = [
        (call("12125550001", "16465550001", seconds=10), "0.20"),  # in one state
        (call("12125550001", "12135550001", seconds=10), "0.10"),  # between two
        (call("17775550001", "12135550001", seconds=10), "0.30"),  # from nobody knows where
        (call("49302", "4915111234567", seconds=10), "0.50"),
        (call("49302", "4915111234568", seconds=10), "0.40"),
        (call("49302", "4915111234567", "2026-05-31T10:00:00Z", seconds=10), "0.40"),
        (call("49302", "4915111234567", "2026-07-01T00:00:00Z", seconds=10), "0.40"),
        (call("49303", "49", seconds=6300), "5850.00"),  # 1.5 h at 3600, 0.25 h at 1800
    ]
    for (row, amount), answer in zip(rows, catalog.quote([row for row, _ in rows])):
        report.expect(f"reach {row}", answer.get("amount"), amount)
    containers = [{**data, "start": "2026-06-02T17:50:00Z", "flags": ["partial"]},
                  {**data, "start": "2026-06-02T18:00:00Z"}]
    done = catalog.run("quote", "--catalog", catalog.folder,
                       text="".join(json.dumps(row) + "\n" for row in containers))
    report.expect("containers", [json.loads(line)["amount"] for line in done.stdout.splitlines()],
                  ["2.10", "1.00"])


PLACES = """
prices:
  day: {unit: second, price: "0.01"}
  night: {unit: second, price: "0.02"}
time_models:
  node: {zone: Europe/Berlin, by: node, default: night, bands: [{band: day, from: "08:00", to: "18:00"}]}
  home: {zone: Europe/Berlin, by: home, default: night, bands: [{band: day, from: "08:00", to: "18:00"}]}
sites:
  tokyo: {nodes: [192.0.2.0/24, sgw7, "2001:db8::/32"], time_zone: Asia/Tokyo}
  york: {nodes: [192.0.2.128/25], time_zone: America/New_York}
  here: {nodes: [203.0.113.9]}
plans:
  n: {voice: {time_model: node, prices: {home: {day: day, night: night}}}}
  h: {voice: {time_model: home, prices: {home: {day: day, night: night}}}}
products: {n: {plan: n}, h: {plan: h}}
"""


def places(report, tollgate, root):
    """Wall time where the node stands, or at the account's home; elsewhere that of the model."""
    files = {"c.yaml": PLACES, "accounts.csv": "id,zone\na,\nt,Asia/Tokyo\n",
             "subscribers.csv": "id,account,product,msisdn\nn,a,n,12135550001\nh,a,h,12135550002\n"
                                "t,t,h,12135550003\n"}
    catalog = Catalog(tollgate, os.path.join(root, "places"), files, 1,
                      "catalog: {{version: {version}, valid_from: 2026-01-01, currency: EUR,\n"
                      "  account_zones: [Asia/Tokyo]}}\n")
    morning = "2026-06-01T03:00:00Z"  # noon in Tokyo, 23:00 in New York, 5:00 in Berlin
    table = [
        (call("12135550001", "49", morning), "night"),
        (call("12135550001", "49", morning, node="192.0.2.1"), "day"),
        (call("12135550001", "49", morning, node="192.0.2.200"), "night"),
        (call("12135550001", "49", "2026-06-01T14:00:00Z", node="192.0.2.200"), "day"),
        (call("12135550001", "49", "2026-06-01T14:00:00Z", node="192.0.2.1"), "night"),
        (call("12135550001", "49", morning, node="SGW7"), "day"),
        (call("12135550001", "49", morning, node="2001:db8::9"), "day"),
        (call("12135550001", "49", morning, node="203.0.113.9"), "night"),
        (call("12135550001", "49", "2026-06-01T14:00:00Z", node="sgw8"), "day"),
        (call("12135550002", "49", morning, node="192.0.2.1"), "night"),
        (call("12135550003", "49", morning), "day"),
    ]
    for (row, price), answer in zip(table, catalog.quote([row for row, _ in table])):
        report.expect(f"place {row}", answer.get("price"), price)
    # 8:00 in New York is noon UTC in summer.
    cut = catalog.quote([call("12135550001", "49", "2026-06-01T11:59:30Z", node="192.0.2.129")])[0]
    report.expect("cut at the node's clock", [(p["price"], p["units"]) for p in cut["breakdown"]],
                  [("night", 30), ("day", 30)])


def tz_data(report, tollgate, root):
    """Another release of the tz data is another catalog."""
    folder = os.path.join(root, "zoneinfo")
    os.makedirs(os.path.join(folder, "Europe"))
    shutil.copy("/usr/share/zoneinfo/Europe/Berlin", os.path.join(folder, "Europe"))

    def release(text):
        with open(os.path.join(folder, "tzdata.zi"), "w", encoding="ascii") as out:
            out.write(text)
    files = {"c.yaml": CALENDAR, **people(("12135550001", "p"))}
    catalog = Catalog(tollgate, os.path.join(root, "tz"), files)
    catalog.environment = {**os.environ, "TZDIR": folder}
    data = ("--data", os.path.join(root, "tz_data"))
    release("# version 2098a\n")
    report.expect("import", catalog.verb("import", *data).returncode, 0)
    report.contains("again", catalog.verb("import", *data).stdout, "prices are unchanged")
    release("# version 2099z\n")
    refused = catalog.verb("import", *data)
    report.expect("same number", refused.returncode, 1)
    report.contains("same number", refused.stderr, "stored with tz data 2098a, here is 2099z")
    later = Catalog(tollgate, catalog.folder, files, 2,
                    "catalog: {{version: {version}, valid_from: 2026-07-01, currency: EUR,\n"
                    "  tzdata: 2099z}}\n")
    later.environment = catalog.environment
    report.expect("diff", later.verb("diff", *data).stdout,
                  "changed catalog catalog tzdata: 2098a -> 2099z\n")
    report.expect("new number", later.verb("import", *data).returncode, 0)
    shown = [json.loads(later.run("catalog", "show", *version, "--json", *data).stdout)["tzdata"]
             for version in ([], ["1"], ["2"])]
    report.expect("shown", shown, ["2099z", "2098a", "2099z"])
    release("no version here\n")
    report.contains("pinned", later.verb("check").stderr,
                    "head.yaml:2:11: error: tzdata: the catalog wants 2099z, here is unknown")


def main():
    report = Report()
    with tempfile.TemporaryDirectory() as root:
        for check in (pairs, sheets, terms_of_sheets, lints, callers_lints, order, months, calendars, roaming, places, reach,
                      tz_data):
            check(report, sys.argv[1], root)
    print(f"{report.count} checks, {report.failures} failures")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
