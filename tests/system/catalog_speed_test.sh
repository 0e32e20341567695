#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The bench of large imports, short: it must run, and 2,000 numbers of the imported sheet must cost
# what a naive longest-prefix search says.
set -eu
exec "$2/tools/catalog-speed" --binary "$1" --prefixes 20000 --rounds 1
