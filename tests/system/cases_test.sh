#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Rating cases of other systems' own tests, each through the public path: catalog folder and usage
# JSON in, `quote` (or `bill run`, for recurring fees) out. If this failed, Tollgate would price
# what its peers price, and what their customers expect, in some other way than it says it does.
set -eu
cases=$2/../shared/cases
[ -d "$cases" ] || { echo "skip: $cases is not there"; exit 77; }
command -v python3 >/dev/null || { echo "skip: no python3"; exit 77; }
exec python3 "$2/tests/system/cases/run.py" "$1" "$2/../shared"
