#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Several allowances through quote: order of use, exact split, a shared pool with a member's cap,
# days, thresholds, carried money beside messages. If this failed, customers would be charged for
# units they have, or families would use up one member's data twice.
set -eu
command -v python3 >/dev/null || { echo "skip: no python3"; exit 77; }
exec python3 "$2/tests/system/allowances/run.py" "$1" "$2/tests/system/cases"
