#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Calls of several records, from YAML and usage JSON through quote: each option that is once a call
# against amounts worked by hand, and the options that say how units are counted. If this failed, a
# document would say "once a call" and customers would pay it with every record.
set -eu
command -v python3 >/dev/null || { echo "skip: no python3"; exit 77; }
exec python3 "$2/tests/system/calls/run.py" "$1"
