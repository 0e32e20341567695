#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Currencies, spend limits, carried remainders and cycles, from call records through the engine to
# quotes, bills, explanations and thresholds, against a model in exact decimals. If this failed, a
# customer would pay at a rate nobody declared, more than the day's limit, or events that do not add
# up to the invoice.
set -eu
command -v python3 >/dev/null || { echo "skip: no python3"; exit 77; }
exec python3 "$2/tests/system/money/run.py" "$1"
