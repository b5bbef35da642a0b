#!/usr/bin/env bash
# make-seeds.sh FOLDER: every statement of tests/sql as one file, for the fuzzers to start from.
set -eu
cd "$(dirname "$0")/../.."
awk -v folder="$1" '
    /^(statement|query)/ { n++; file = sprintf("%s/%05d.sql", folder, n); taking = 1; next }
    taking && (/^----/ || /^$/) { taking = 0; close(file) }
    taking { print > file }
' $(find tests/sql -name '*.test' | sort)
