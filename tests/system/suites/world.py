# SPDX-License-Identifier: Apache-2.0
"""What a scenario needs: catalog YAML, people, usage JSON; and running both through the commands."""
import json
import os
import subprocess
from decimal import Decimal

NUMBER = "+49150000001"
AT = "2026-03-02T10:00:00Z"


def call(seconds, peer="4930123456", start=AT, subscriber=NUMBER, **keys):
    length = {} if seconds is None else {"duration_s": seconds}
    return {"service": "voice", "peer": "+" + peer, "start": start, "subscriber": subscriber,
            **length, **keys}


def event(count=1, start=AT, subscriber=NUMBER, **keys):
    return {"service": "event", "count": count, "start": start, "subscriber": subscriber, **keys}


def money(amount, start=AT, subscriber=NUMBER, **keys):
    return {"service": "event", "amount": amount, "start": start, "subscriber": subscriber, **keys}


def data(octets, start=AT, subscriber=NUMBER, **keys):
    return {"service": "data", "quantity_down": octets, "start": start, "subscriber": subscriber,
            **keys}


class Scenario:
    """system: whose test; what: of it; rows: usage; wanted: amount, or a dict of answer keys, a row."""

    def __init__(self, system, what, plan, rows=(), wanted=(), bills=(), product=None, accounts=None,
                 subscribers=None, valid_from="2026-01-01", currency="EUR", arguments=(), deck=None, **parts):
        self.system, self.what, self.rows = system, what, list(rows)
        self.wanted, self.bills, self.arguments = list(wanted), list(bills), list(arguments)
        self.deck = deck
        self.document = {"catalog": {"version": 1, "valid_from": valid_from, "currency": currency}}
        if plan:
            self.document["plans"] = {"p": plan}
        sold = {**({"plan": "p"} if plan else {"fee": "0"}), **(product or {})}
        self.document["products"] = {"sold": sold, **parts.pop("products", {})}
        self.document.update(parts)
        self.accounts = accounts or [{"id": "A1"}]
        self.subscribers = subscribers or [{"id": "S1", "account": "A1", "product": "sold",
                                            "msisdn": NUMBER, "active_from": "2020-01-01"}]

    def write(self, folder):
        os.makedirs(folder)
        with open(os.path.join(folder, "catalog.yaml"), "w", encoding="utf-8") as out:
            for key, value in self.document.items():
                out.write(f"{key}: {json.dumps(value)}\n")
        if self.deck is not None:
            with open(os.path.join(folder, "deck.csv"), "w", encoding="ascii") as out:
                out.write(self.deck)
        for name, people in (("accounts", self.accounts), ("subscribers", self.subscribers)):
            columns = list(dict.fromkeys(key for person in people for key in person))
            with open(os.path.join(folder, name + ".csv"), "w", encoding="utf-8") as out:
                out.write(",".join(columns) + "\n")
                out.writelines(",".join(str(p.get(c, "")) for c in columns) + "\n" for p in people)

    def usage(self):
        return "".join(json.dumps(row) + "\n" for row in self.rows)

    def quote(self, tollgate, folder):
        done = subprocess.run([tollgate, "quote", "--catalog", folder, *self.arguments], text=True,
                              input=self.usage(), capture_output=True, check=False)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        return answers, done.stderr

    def bill(self, tollgate, folder, period):
        done = subprocess.run([tollgate, "bill", "run", "--catalog", folder, "--usage", "-",
                               "--period", period, "--json"], text=True, input=self.usage(),
                              capture_output=True, check=False)
        found = {}
        for line in done.stdout.splitlines():
            document = json.loads(line, parse_float=Decimal)
            found[document["billingAccount"]["id"]] = document
        return found, done.stderr


def differences(answer, wanted):
    """Of an answer and an amount, or of the keys that are asked for."""
    if not isinstance(wanted, dict):
        wanted = {"fate": "rated", "amount": wanted}
    found = []
    for key, value in wanted.items():
        got = answer.get(key)
        same = Decimal(got) == Decimal(value) if key in ("amount", "credit_left", "connect_fee") \
            and got is not None else got == value
        if not same:
            found.append(f"{key} {got}, not {value}")
    return found
