#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Options of allowances, bands and zones through quote, each beside its default. If this failed, a
# catalog would say one thing and customers would pay another: add-ons granted every month, the wrong
# bucket used up first, the second hour of an autumn night at the price of the first.
set -eu
command -v python3 >/dev/null || { echo "skip: no python3"; exit 77; }
exec python3 "$2/tests/system/options/run.py" "$1" "$2/tests/system/cases"
