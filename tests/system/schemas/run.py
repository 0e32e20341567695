# SPDX-License-Identifier: Apache-2.0
"""The JSON Schemas against the engine: made of its tables, and of one mind about documents."""
import json
import os
import subprocess
import sys
import tempfile
from decimal import Decimal

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "suites"))
sys.path.insert(0, os.path.join(HERE, "..", "hostile"))

import jsonschema  # noqa: E402
import yaml  # noqa: E402

from base import FILES, plain  # noqa: E402
from scenarios import ALL  # noqa: E402

NUMBER = "+4915112345601"
BARE = {"subscriber": NUMBER, "service": "voice", "start": "2026-03-02T10:00:00Z"}
GOOD = {**BARE, "duration_s": 1}
# Lines with the keys that no scenario needs.
MORE_USAGE = [
    {**BARE, "id": "1", "subscriber_kind": "e164", "peer": "internet", "peer_kind": "name",
     "service": "data", "quantity_up": 1, "quantity_down": 2, "rating_group": 10, "node_id": 3,
     "node_state": "up", "closing_cause": 16, "flags": ["partial", "recycled"]},
    {**GOOD, "duration_s": -5, "routed_to": "+4917999"},
    {**BARE, "start": "2026-03-02", "duration_ms": 1, "credit": "-1.5", "credit_floor": "-10"},
    {**GOOD, "start": "2026-03-02T10:00:00.123456789+05:30", "price_max": "0.10",
     "price_max_per": 60, "node": "192.0.2.1"},
]
# Lines that `quote` refuses and the schema must refuse too.
BAD_USAGE = [
    {"action": "topup", "account": "A1", "start": "2026-03-02"}, {"action": "up", "account": "A1", "start": "2026-03-02"},
    {"action": "balance", "account": "A1", "start": "2026-03-02", "amount": "1"}, {"action": "balance", "account": "A1"},
    {"action": "topup", "id": "t", "account": "A1", "amount": "1", "start": "2026-03-02", "service": "voice"},
    {"action": "topup", "id": "t", "account": "", "amount": "1", "start": "2026-03-02"},
    {"action": "topup", "id": "t", "account": "A1", "amount": 1, "start": "2026-03-02"},
    {**GOOD, "account": "A1"}, {**GOOD, "valid_to": "2026-03-02"}, {**GOOD, "credit": "all"},
    {**GOOD, "credit": "balance", "credit_floor": "-1"},
    {**GOOD, "node": ""}, {**GOOD, "node": 7}, {**GOOD, "node": "n" * 64},
    {**GOOD, "duratoin_s": 1}, {**GOOD, "duration_s": -4294968}, {**GOOD, "duration_s": "1"},
    {**BARE, "duration_ms": 4294967296}, {**GOOD, "service": "fax"}, {**GOOD, "service": None},
    {"service": "voice", "start": GOOD["start"], "duration_s": 1},
    {"subscriber": NUMBER, "service": "voice", "duration_s": 1},
    {**GOOD, "start": 5}, {**GOOD, "start": "yesterday"}, {**GOOD, "start": "2026-03-02"[:7]},
    {**GOOD, "service": "event", "amount": "--1"}, {**GOOD, "service": "event", "amount": 1},
    {**GOOD, "service": "event", "amount": "1e3"}, {**GOOD, "flags": "partial"},
    {**GOOD, "flags": ["free"]}, {**GOOD, "rating_group": 65536}, {**GOOD, "node_state": "dead"},
    {**GOOD, "price_max": "-1"}, {**GOOD, "price_max": "1", "price_max_per": 0},
    {**GOOD, "duration_s": 1, "duration_ms": 1000}, {**GOOD, "count": 1, "quantity_up": 1},
    {**GOOD, "credit": 1}, {**GOOD, "subscriber_kind": "imei"}, [GOOD], "x",
    {**GOOD, "id": 5}, {**GOOD, "credit": "1", "credit_floor": "0.01"}, {**GOOD, "count": 1},
    {**GOOD, "quantity_up": 1}, {**GOOD, "quantity_down": 1}, {**GOOD, "amount": "1"},
    {**GOOD, "service": "data", "count": 5}, {**GOOD, "service": "access", "count": 5},
    {**GOOD, "service": "data", "routed_to": "4930"}, {**GOOD, "service": "event", "routed_to": "4930"},
    {**GOOD, "service": "message", "quantity_down": 5},
]
# Documents that `catalog check` refuses and the schema must refuse too; text by a line of YAML.
BAD_CATALOG = [
    "taxes: {x: {rate: 19}}", "taxes: {x: {parts: 5}}", "taxes: {X: {rate: 19%}}", "prises: {}",
    'prices: {p: {unit: secund, price: "1"}}', 'prices: {p: {unit: second, price: 1}}',
    'prices: {p: {unit: second, price: "1", per: 0}}', 'prices: {p: {unit: second, tiers: []}}',
    'prices: {p: {unit: second, price: "1", first: 1.5}}', "time_models: {t: {zone: UTC}}",
    'allowances: {a: {unit: minute, amount: 0, services: [voice]}}',
    'allowances: {a: {unit: minute, amount: 1, services: [fax]}}',
    'allowances: {a: {unit: minute, amount: 1, services: []}}',
    'products: {p: {prorate_on_start: maybe}}', 'products: {p: {fee: free}}',
    'networks: {n: {plmn: "123", zone: a}}', "plans: {p: {voice: []}}", "catalog: {version: 1}",
]


class Loader(yaml.SafeLoader):
    """YAML as the engine reads it: dates stay text, yes and no are words."""


Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in pairs
             if tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float",
                        "tag:yaml.org,2002:null", "tag:yaml.org,2002:bool")
             and not (tag.endswith("bool") and letter not in "tf")]
    for letter, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def validator(path):
    with open(path, encoding="utf-8") as text:
        schema = json.load(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema), schema


def keys_of(schema):
    for key, value in schema.get("properties", {}).items():
        yield key
        yield from keys_of(value)
    for inner in ("additionalProperties", "items"):
        if isinstance(schema.get(inner), dict):
            yield from keys_of(schema[inner])


class Check:
    def __init__(self):
        self.failures = 0
        self.counts = {}

    def count(self, what, number=1):
        self.counts[what] = self.counts.get(what, 0) + number

    def fail(self, text):
        self.failures += 1
        print("FAIL " + text)

    def valid(self, what, schema, value):
        self.count(what)
        for error in schema.iter_errors(value):
            self.fail(f"{what} {json.dumps(value)[:200]}: {error.message[:200]}")
            break

    def refused(self, what, schema, value):
        self.count(what)
        if schema.is_valid(value):
            self.fail(f"{what}: the schema takes {json.dumps(value)[:200]}")


def catalogs(check, schema, source):
    folder = os.path.join(source, "schemas", "catalog", "sample")
    for name in sorted(os.listdir(folder)):
        if name.endswith(".yaml"):
            with open(os.path.join(folder, name), encoding="utf-8") as text:
                check.valid("catalog documents", schema, yaml.load(text, Loader))
    for name, marked in FILES.items():
        if name.endswith(".yaml"):
            check.valid("catalog documents", schema, yaml.load(plain(marked), Loader))
    for scenario in ALL:
        check.valid("catalog documents", schema, scenario.document)


def bad_catalogs(check, schema, tollgate, root):
    folder = os.path.join(root, "bad")
    os.makedirs(folder)
    for line in BAD_CATALOG:
        check.refused("bad catalog documents", schema, yaml.load(line, Loader))
        with open(os.path.join(folder, "bad.yaml"), "w", encoding="utf-8") as out:
            out.write(line + "\n")
        if not line.startswith("catalog"):
            with open(os.path.join(folder, "head.yaml"), "w", encoding="utf-8") as out:
                out.write("catalog: {version: 1, valid_from: 2026-01-01, currency: EUR}\n")
        else:
            os.unlink(os.path.join(folder, "head.yaml"))
        done = subprocess.run([tollgate, "catalog", "check", "--catalog", folder, "--json"],
                              text=True, capture_output=True, check=False)
        if done.returncode != 1 or "bad.yaml" not in done.stdout:
            check.fail(f"catalog check takes {line}")


def usage(check, usage_schema, charge_schema, tollgate, root):
    for number, scenario in enumerate(ALL):
        folder = os.path.join(root, str(number))
        scenario.write(folder)
        for row in scenario.rows:
            check.valid("usage lines", usage_schema, row)
        if scenario.rows:
            for answer in scenario.quote(tollgate, folder)[0]:
                check.valid("charges", charge_schema, answer)
    sample = os.path.join(root, "0")
    for row in MORE_USAGE:
        check.valid("usage lines", usage_schema, row)
    lines = "".join(json.dumps(row) + "\n" for row in BAD_USAGE + MORE_USAGE)
    done = subprocess.run([tollgate, "quote", "--catalog", sample], text=True, input=lines,
                          capture_output=True, check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 1 or len(answers) != len(BAD_USAGE) + len(MORE_USAGE):
        check.fail(f"bad usage: exit {done.returncode}, {len(answers)} answers")
    for row, answer in zip(BAD_USAGE, answers):
        check.refused("bad usage lines", usage_schema, row)
        check.valid("charges", charge_schema, answer)
        if answer["fate"] != "refused":
            check.fail(f"quote takes {row}")
    for row, answer in zip(MORE_USAGE, answers[len(BAD_USAGE):]):
        check.valid("charges", charge_schema, answer)
        if answer["fate"] == "refused":
            check.fail(f"quote refuses {row}: {answer['error']}")


def bills(check, schemas, tollgate, root):
    """What a bill says as its schema says, and lines without usage are what they multiply."""
    with open(os.path.join(schemas, "openapi", "bss.yaml"), encoding="utf-8") as text:
        parts = yaml.safe_load(text)["components"]
    bill_schema = jsonschema.Draft202012Validator(
        {"$ref": "#/components/schemas/CustomerBill", "components": parts})
    for number, scenario in enumerate(ALL):
        for period, *_ in scenario.bills:
            for bill in scenario.bill(tollgate, os.path.join(root, str(number)), period)[0].values():
                text = json.dumps(bill, default=float)
                check.valid("bills", bill_schema, json.loads(text))
                for line in bill["x_line"]:
                    check.count("lines of bills")
                    made = Decimal(line.get("x_fee", "0")) * line.get("x_covered", 0) / line.get("x_coveredOf", 1)
                    is_fee = line["x_kind"] in ("recurring", "one_off")
                    if is_fee and abs(abs(made) - abs(Decimal(line["x_exactAmount"]))) > Decimal("1e-6"):
                        check.fail(f"{bill['id']}: {line}")


def main():
    tollgate, source = sys.argv[1], sys.argv[2]
    schemas = os.path.join(source, "schemas")
    check = Check()
    committed = os.path.join(schemas, "catalog", "catalog.schema.json")
    made = subprocess.run([tollgate, "catalog", "schema"], text=True, capture_output=True,
                          check=True).stdout
    with open(committed, encoding="utf-8") as text:
        if text.read() != made:
            check.fail("schemas/catalog/catalog.schema.json is not what the engine checks: run "
                       "tollgate catalog schema > schemas/catalog/catalog.schema.json")
    catalog_schema, document = validator(committed)
    usage_schema, usage_document = validator(os.path.join(schemas, "quote", "usage.schema.json"))
    charge_schema, _ = validator(os.path.join(schemas, "quote", "charge.schema.json"))
    with open(os.path.join(schemas, "catalog", "README.md"), encoding="utf-8") as text:
        readme = text.read()
    for key in sorted(set(keys_of(document))):
        check.count("keys in README")
        if key not in readme:
            check.fail(f"schemas/catalog/README.md does not tell of {key}")
    with tempfile.TemporaryDirectory() as root:
        catalogs(check, catalog_schema, source)
        bad_catalogs(check, catalog_schema, tollgate, root)
        usage(check, usage_schema, charge_schema, tollgate, root)
        bills(check, schemas, tollgate, root)
    used = {key for scenario in ALL for row in scenario.rows for key in row}
    used |= {key for row in MORE_USAGE for key in row}
    if used != set(usage_document["properties"]):
        check.fail(f"no example has {set(usage_document['properties']) - used}")
    print(", ".join(f"{number} {what}" for what, number in check.counts.items()))
    print(f"usage keys in examples: {len(used)} of {len(usage_document['properties'])}")
    return 1 if check.failures > 0 else 0


if __name__ == "__main__":
    sys.exit(main())
