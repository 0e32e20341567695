#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The JSON Schemas of catalogs, usage and charges against the engine. If this failed, whoever writes
# documents by program would be told other rules than the engine has.
set -eu
command -v python3 >/dev/null || { echo "skip: no python3"; exit 77; }
python3 -c 'import jsonschema, yaml' 2>/dev/null || { echo "skip: no jsonschema or yaml"; exit 77; }
exec python3 "$2/tests/system/schemas/run.py" "$1" "$2"
