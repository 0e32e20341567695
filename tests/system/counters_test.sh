#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What tiers count: each price its own units, prices that name a counter one sum, of a subscription
# or of an account. If this failed, one service would use up the tiers of another one.
set -eu
command -v python3 >/dev/null || { echo "skip: no python3"; exit 77; }
exec python3 "$2/tests/system/counters/run.py" "$1" "$2/tests/system/cases"
