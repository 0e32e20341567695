#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `tollgate decode` as a black box: what it prints about captures and payloads of some 35 vendors'
# exporters, compared with what other collectors' own test-suites say is in them.
# Usage: decode_test.sh BINARY SOURCE_DIR BUILD_DIR. Exit 77: nothing could be compared.
set -u
binary=$1
source_dir=$2
folder=$(mktemp -d /dev/shm/tg_decode.XXXXXX)
trap 'rm -rf "$folder"' EXIT
export PYTHONDONTWRITEBYTECODE=1
python3 "$source_dir/tests/system/decode_local.py" "$binary" "$source_dir" "$folder" || exit 1
if [ ! -d "$source_dir/../shared/data/netflow" ]; then
    echo "SKIP: no shared data beside the source tree; only what is made here was compared"
    exit 77
fi
python3 "$source_dir/tests/system/decode_shared.py" "$binary" "$source_dir/../shared/data" \
    "$source_dir" "$folder"
