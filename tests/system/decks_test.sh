#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Where a call goes and comes from, through quote: order of decks, pairs of zones, serving networks.
# If this failed, calls would cost what another destination or origin costs.
set -eu
command -v python3 >/dev/null || { echo "skip: no python3"; exit 77; }
exec python3 "$2/tests/system/decks/run.py" "$1"
