#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every option of the catalog that changes a charge, changed once: diff must tell it. If this failed, a wrong
# price would pass the approval of somebody who looked at the differences.
set -eu
command -v python3 >/dev/null || { echo "skip: no python3"; exit 77; }
exec python3 "$2/tests/system/diff/run.py" "$1"
