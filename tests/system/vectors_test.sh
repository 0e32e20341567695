#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The worked numbers of rating-semantics 4.3 to 4.7, 4.15 and 4.16 (3), as a printed table. If this
# failed, Tollgate would not charge what its own reference says.
set -eu
command -v python3 >/dev/null || { echo "skip: no python3"; exit 77; }
exec python3 "$2/tests/system/vectors/run.py" "$1" "$2"
