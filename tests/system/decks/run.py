# SPDX-License-Identifier: Apache-2.0
"""Decks, pairs and networks against tables written by hand."""
import os
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


def main():
    report = Report()
    with tempfile.TemporaryDirectory() as root:
        for check in (pairs,):
            check(report, sys.argv[1], root)
    print(f"{report.count} checks, {report.failures} failures")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
