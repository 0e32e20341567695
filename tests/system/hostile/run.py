# SPDX-License-Identifier: Apache-2.0
"""Seed one mistake at a time into a good catalog; `catalog check` must name its file, line, column.

The place comes from where the mistake was put, never from the answer. With --list every mistake
and the answer to it is printed.
"""
import collections
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import newer  # noqa: E402
import seed  # noqa: E402
from base import FILES, MARK, plain  # noqa: E402

SEED = 20261126
TYPED = 200  # of these kinds, besides the whole and the byte mistakes
Mistake = collections.namedtuple("Mistake", "what file content place message hint")


def place_of(data, offset):
    """Line, and column in characters, as an editor shows them."""
    lines = data[:offset].decode().split("\n")
    return len(lines), len(lines[-1]) + 1


def typed(dice):
    """Every kind in turn, at a random place, so that none is left out."""
    places = collections.defaultdict(list)
    for file, marked in FILES.items():
        for match in MARK.finditer(marked):
            places[match.group(1)].append((file, match))
    seen = set()
    kinds = sorted(places)
    turn = 0
    while len(seen) < TYPED:
        kind = kinds[turn % len(kinds)]
        turn += 1
        file, match = dice.choice(places[kind])
        text, message, hint, *offset = seed.KINDS[kind](dice, match.group(2))
        if text == match.group(2) or (file, match.start(), text) in seen:
            continue
        seen.add((file, match.start(), text))
        before = plain(FILES[file][:match.start()])
        content = (before + text + plain(FILES[file][match.end():])).encode()
        place = place_of(content, len(before.encode()) + (offset[0] if offset else 0))
        yield Mistake(f"{kind}: {match.group(2)} -> {text}", file, content, place, message, hint)


def whole():
    for file, there, instead, elsewhere, message, hint in seed.WHOLE:
        text = plain(FILES[file])
        assert text.count(there) == 1, there
        changed = text.replace(there, instead)
        if elsewhere is not None:
            stands = elsewhere.replace("`", "")
            assert changed.count(stands) == 1, elsewhere
            changed = changed.replace(stands, elsewhere)
        at = changed.index("`")
        content = changed.replace("`", "").encode()
        yield Mistake(f"whole: {there!r} -> {instead!r}", file, content,
                      place_of(content, len(changed[:at].encode())), message, hint)


def raw():
    for file, after, inserted, fine, message in seed.BYTES:
        data = plain(FILES[file]).encode()
        at = data.index(after.encode()) + len(after.encode())
        content = data[:at] + inserted + data[at:]
        yield Mistake(f"bytes: {inserted!r} after {after!r}", file, content,
                      (place_of(content, at)[0], place_of(content, at)[1] + fine), message, None)


def check(tollgate, folder):
    done = subprocess.run([tollgate, "catalog", "check", "--catalog", folder, "--json"],
                          capture_output=True, check=False, timeout=60)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        return done.returncode, {"diagnostics": [], "text": done.stdout, "stderr": done.stderr}


def write(folder, file, content):
    path = os.path.join(folder, file)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(content)


def is_found(mistake, folder, code, report):
    """Named where it was put, and nothing that only follows from it is named as well."""
    errors = [entry for entry in report.get("diagnostics", []) if entry["severity"] == "error"]
    if len(errors) != 1:
        return False
    for entry in errors:
        if (code == 1 and
                os.path.relpath(entry["file"], folder) == mistake.file and
                (entry["line"], entry["column"]) == mistake.place and
                mistake.message in entry["text"] and
                (mistake.hint is None or mistake.hint in entry.get("hint", ""))):
            return True
    return False


def together(tollgate, mistakes):
    """All of them in one catalog: as many errors, each at its place. Returns how many are not."""
    files = dict(newer.FILES)
    places = collections.Counter()
    for file, there, instead in mistakes:
        assert files[file].count(there) == 1, there
        files[file] = files[file].replace(there, instead)
    with tempfile.TemporaryDirectory() as folder:
        for file, marked in files.items():
            while "`" in marked:
                at = marked.index("`")
                places[(file, *place_of(marked.encode(), len(marked[:at].encode())))] += 1
                marked = marked[:at] + marked[at + 1:]
            write(folder, file, marked.encode())
        _, report = check(tollgate, folder)
        told = {}
        found = collections.Counter()
        for entry in report["diagnostics"]:
            place = (os.path.relpath(entry["file"], folder), entry["line"], entry["column"])
            found[place] += entry["severity"] == "error"
            told[place] = entry["text"]
    missed = [f"not named: {place}" for place in places - found]
    missed += [f"not made: {place} {told[place]}" for place in found - places]
    for line in missed:
        print(f"FAIL together: {line}")
    print(f"{len(mistakes)} mistakes at once, {sum(found.values())} errors")
    return len(missed)


def main():
    tollgate = sys.argv[1]
    mistakes = list(typed(seed.dice_of(SEED))) + list(whole()) + list(raw())
    counts = collections.Counter()
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        for file, marked in FILES.items():
            write(folder, file, plain(marked).encode())
        code, report = check(tollgate, folder)
        # Prefix 44 ends for good, which a lint may say: that is no mistake of the document.
        if code != 0 or any(found.get("code") != "hole" for found in report["diagnostics"]):
            print(f"FAIL the base catalog has mistakes itself: {report}")
            missed += 1
        for mistake in mistakes:
            write(folder, mistake.file, mistake.content)
            code, report = check(tollgate, folder)
            write(folder, mistake.file, plain(FILES[mistake.file]).encode())
            kind = mistake.what.split(":")[0]
            counts[kind] += 1
            if "--list" in sys.argv:
                print(mistake.what, mistake.place, json.dumps(report.get("diagnostics"))[:300])
            if not is_found(mistake, folder, code, report):
                missed += 1
                print(f"FAIL {mistake.what}: {mistake.file}:{mistake.place[0]}:{mistake.place[1]} "
                      f"\"{mistake.message}\" {mistake.hint}: exit {code}")
                for entry in report.get("diagnostics", []):
                    print(f"    {os.path.relpath(entry['file'], folder)}:{entry['line']}:"
                          f"{entry['column']} {entry['text']} ({entry.get('hint')})")
    missed += together(tollgate, newer.MISTAKES) + together(tollgate, newer.PEOPLE)
    print(" ".join(f"{kind} {count}" for kind, count in sorted(counts.items())))
    print(f"{len(mistakes)} seeded mistakes, {max(len(mistakes) - missed, 0)} named at file:line:column")
    return 1 if missed > 0 or len(mistakes) < 200 else 0


if __name__ == "__main__":
    sys.exit(main())
