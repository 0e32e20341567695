#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The guide to a tariff of one's own is followed word by word: every `sh` block of
# plugins/tariffs/README.md runs as it stands, in one shell, and prints what the `text` block behind
# it says (each line of it is found in the output, in that order). If this failed, the first
# quarter of an hour of whoever wants to extend Tollgate would end in an error.
# Usage: plugin_guide_test.sh TOLLGATE SOURCE BUILD
set -u
guide=$2/plugins/tariffs/README.md
build=$3
command -v clang >/dev/null || { echo "no clang: skipped"; exit 77; }
python=$(command -v /usr/bin/python3 || command -v python3) || { echo "no python3: skipped"; exit 77; }
work=$(mktemp -d)
pids=$work/pids
finish() {
    [ -s "$pids" ] && kill -KILL "$(cat "$pids")" 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT
umask 022
mkdir "$work/home" "$work/here"
ln -s "$build" "$work/here/build"

"$python" - "$guide" "$work" <<'PYTHON' || exit 1
import re, subprocess, sys
guide, work = sys.argv[1:]
blocks = re.findall(r"^```(sh|text)\n(.*?)^```$", open(guide).read(), re.M | re.S)
script, wanted = ["set -eu"], []
for kind, text in blocks:
    if kind == "sh":
        script.append(text + f"echo '@@@ end of block {len(wanted)}'")
        wanted.append([])
    else:
        wanted[-1] = text.splitlines()
assert len(wanted) >= 8, "the guide has lost its blocks"
script.insert(1, f"trap '[ -z \"${{engine:-}}\" ] || echo \"$engine\" >{work}/pids' EXIT")
run = subprocess.run(["bash", "-c", "\n".join(script)], cwd=work + "/here", text=True,
                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
                     env={"HOME": work + "/home", "PATH": "/usr/local/bin:/usr/bin:/bin"})
parts = re.split(r"^@@@ end of block \d+\n", run.stdout, flags=re.M)
failures = 0 if run.returncode == 0 else 1
if failures:
    print(f"FAIL block {len(parts) - 1} ended with {run.returncode}:\n{parts[-1]}")
for number, lines in enumerate(wanted[: len(parts) - 1]):
    at = 0
    for line in lines:
        found = parts[number].find(line, at)
        if found < 0:
            print(f"FAIL block {number}: no '{line}' in:\n{parts[number]}")
            failures += 1
            break
        at = found + len(line)
print(f"{len(wanted)} blocks, {failures} failures")
sys.exit(failures > 0)
PYTHON
