# SPDX-License-Identifier: Apache-2.0
"""Runs `tollgate decode` and gathers what it says; shared by the decode_*.py checks."""
import json
import subprocess

failures = []


def expect(is_true, what):
    """Note a failure and go on: one run shows all of them."""
    if not is_true:
        failures.append(what)
        print("FAIL:", what)


def strict(pairs):
    """A line with one key twice is broken for most readers of JSON."""
    seen = dict(pairs)
    expect(len(seen) == len(pairs), f"a key twice among {[k for k, _ in pairs]}")
    return seen


def decode(binary, *arguments):
    """Returns (exit code, rows, refusals, other lines on stderr)."""
    run = subprocess.run([binary, "decode", *map(str, arguments)], capture_output=True,
                         timeout=120, check=False)
    rows = [json.loads(line, object_pairs_hook=strict)
            for line in run.stdout.decode("utf-8").splitlines()]
    said = run.stderr.decode("utf-8").splitlines()
    refusals = [json.loads(line) for line in said if line.startswith('{"file"')]
    return run.returncode, rows, refusals, [s for s in said if not s.startswith('{"file"')]


def finish(what):
    """Exit code of the script."""
    print(f"{what}: {len(failures)} failures")
    return 1 if failures else 0
