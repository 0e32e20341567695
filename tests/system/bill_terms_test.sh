#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Discounts, bounds and quantities of subscriptions over bills that follow each other; each amount was
# worked out by hand. If this failed, a fee's discount would be charged again as a minimum on usage, or
# somebody who paid less in advance would be given back more, or an end entered late and a minimum of a
# quarter would be settled twice, or never.
# Usage: bill_terms_test.sh TOLLGATE SOURCE
set -eu
command -v python3 >/dev/null || { echo "skip: no python3"; exit 77; }
exec python3 "$2/tests/system/terms/run.py" "$1"
