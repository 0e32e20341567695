#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tests of other systems as catalog YAML and usage JSON. If this failed, somebody who brings his
# suite to `quote` and `bill` could not say what it says, or would get other amounts.
set -eu
command -v python3 >/dev/null || { echo "skip: no python3"; exit 77; }
exec python3 "$2/tests/system/suites/run.py" "$1"
