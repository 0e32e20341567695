#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Time bands through quote: the vectors of rating-semantics 4.4 and calls over both changes of
# summer time, in every split mode with every owner of increments, against an oracle that looks at
# each second's wall clock. If this failed, calls over a band boundary would cost the wrong band.
set -eu
command -v python3 >/dev/null || { echo "skip: no python3"; exit 77; }
exec python3 "$2/tests/system/bands/run.py" "$1" "$2/tests/system/cases"
