#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every recipe of schemas/catalog/COOKBOOK.md and compares what it says with what is printed.

Usage: run.py TOLLGATE COOKBOOK.md. Exit 1: a recipe is refused, or costs something else.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

FENCE = re.compile(r"^```(\w+)?(?: (\S+))?\n(.*?)^```$", re.M | re.S)
RECIPES_MIN = 30  # a cookbook that no longer parses must not pass


def sections(text):
    """Title and blocks (kind, argument, body) of each heading; the first is what recipes stand on."""
    parts = re.split(r"^#+ (.*)$", text, flags=re.M)
    for title, body in zip(parts[1::2], parts[2::2]):
        yield title, [match.groups() for match in FENCE.finditer(body)]


def tables(yaml):
    """Top-level tables of a document, by name: a recipe's own replace those of the first section."""
    found = {}
    for line in yaml.splitlines():
        name = re.match(r"([a-z_]+):", line)
        if name:
            found[name.group(1)] = []
        found[list(found)[-1]].append(line)
    return {name: "\n".join(lines) + "\n" for name, lines in found.items()}


def run(command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout, result.stderr


def money(bill, name):
    return f"{bill[name]['value']:.2f}"


def charge(line):
    if line["fate"] == "rated":
        return line["amount"]
    return " ".join(filter(None, [line["fate"], line.get("reason")]))


def charges(tollgate, folder):
    out, err = run([tollgate, "quote", "--catalog", folder, folder / "usage.jsonl"])
    return [charge(json.loads(line)) for line in out.splitlines()], err


def bill(tollgate, folder, period):
    """Lines of the bills of a period; of "2026-01..2026-12" of the last one, which knows the others."""
    first, _, last = period.partition("..")
    out, err = run([tollgate, "bill", "run", "--catalog", folder, "--usage", folder / "usage.jsonl",
                    "--period", last or first, "--json"] + (["--from", first] if last else []))
    documents = [json.loads(text) for text in out.splitlines()]
    documents = [document for document in documents if document.get("@type") == "CustomerBill"]
    said = []
    for document in documents[-1:] if last else documents:
        said += [f"{line['x_kind']} {line['x_amount']}" for line in document["x_line"]]
        said += [f"tax {tax['x_tax']}" for tax in document["taxItem"]
                 if tax["taxCategory"] != "untaxed"]
        said.append(f"total {money(document, 'taxIncludedAmount')}")
    return said, err


def cook(tollgate, base, blocks):
    """What differs, as lines; none when the recipe is as it says."""
    documents, files, usage, wants = {}, {}, "", []
    for kind, argument, body in base + blocks:
        if kind == "yaml":
            documents.update(tables(body))
        elif kind == "csv":
            files[argument] = body
        elif kind == "jsonl":
            usage = body
        elif kind in ("charges", "bill"):
            wants.append((kind, argument, body.splitlines()))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "catalog.yaml").write_text("".join(documents.values()))
        (folder / "usage.jsonl").write_text(usage)
        for file, body in files.items():
            (folder / file).write_text(body)
        differences = []
        for kind, argument, want in wants:
            seen, err = charges(tollgate, folder) if kind == "charges" else bill(tollgate, folder, argument)
            if seen != want:
                differences.append(f"{kind} {argument or ''}: {want}, but {seen} {err}")
        return differences if wants else ["says nothing that can be checked"]


def main():
    tollgate, page = sys.argv[1], pathlib.Path(sys.argv[2])
    listed = list(sections(page.read_text()))
    base = listed[0][1]
    recipes = [(title, blocks) for title, blocks in listed[1:] if blocks]
    failures = 0
    for title, blocks in recipes:
        for difference in cook(tollgate, base, blocks):
            print(f"FAILED: {title}: {difference}")
            failures += 1
    if len(recipes) < RECIPES_MIN:
        print(f"FAILED: only {len(recipes)} recipes")
        failures += 1
    print(f"{len(recipes)} recipes, {failures} differences")
    return failures > 0


sys.exit(main())
