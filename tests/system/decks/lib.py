# SPDX-License-Identifier: Apache-2.0
"""A catalog folder written as a pricing person would, and the verbs run on it."""
import json
import os
import subprocess

HEAD = "catalog: {{version: {version}, valid_from: 2026-01-01, currency: EUR}}\n"


class Catalog:
    environment = None  # of the processes; None: ours

    def __init__(self, tollgate, folder, files, version=1, head=HEAD):
        """files: name below the folder -> text; products is a list of (product, msisdn)."""
        self.tollgate = tollgate
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        for name, text in {"head.yaml": head.format(version=version), **files}.items():
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="ascii") as out:
                out.write(text)

    def run(self, *arguments, text=None):
        return subprocess.run([self.tollgate, *arguments], input=text, text=True,
                              capture_output=True, check=False, env=self.environment)

    def verb(self, verb, *arguments):
        return self.run("catalog", verb, "--catalog", self.folder, *arguments)

    def quote(self, rows):
        """One answer a row."""
        done = self.run("quote", "--catalog", self.folder, "--fresh",
                        text="".join(json.dumps(row) + "\n" for row in rows))
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(answers) == len(rows), done.stderr
        return answers


class Report:
    def __init__(self):
        self.count = 0
        self.failures = 0

    def expect(self, what, got, wanted):
        self.count += 1
        if got != wanted:
            self.failures += 1
            print(f"FAIL {what}: {got}, expected {wanted}")

    def contains(self, what, text, part):
        self.expect(f"{what}: {part!r} in {text!r}", part in text, True)


def people(*pairs):
    """(number, product) -> subscribers.csv and accounts.csv."""
    rows = "".join(f"s{number},a,{product},{number}\n" for number, product in pairs)
    return {"accounts.csv": "id\na\n", "subscribers.csv": "id,account,product,msisdn\n" + rows}


def call(number, peer, start="2026-06-01T10:00:00Z", seconds=60, **keys):
    return {"subscriber": number, "peer": peer, "service": "voice", "start": start,
            "duration_s": seconds, **keys}
