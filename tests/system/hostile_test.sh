#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Seeded mistakes in a rich catalog, one at a time: each must be refused at its file, line and
# column. If this failed, a pricing person would look for his mistake at the wrong place, or sell
# with it.
set -eu
command -v python3 >/dev/null || { echo "skip: no python3"; exit 77; }
exec python3 "$2/tests/system/hostile/run.py" "$1"
