#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Prepaid through the control socket while the engine is killed with SIGKILL at random moments: what
# was answered holds, what was asked again has effect once, balances follow, the audit balances.
# If this failed a crash would give a customer's money away, or take it twice.
# Usage: credit_test.sh TOLLGATE SOURCE BUILD [KILLS] [SEED]
set -eu
command -v python3 >/dev/null || { echo "skip: no python3"; exit 77; }
exec python3 "$2/tests/system/credit/run.py" "$1" "$2" "${4:-24}" "${5:-1}"
