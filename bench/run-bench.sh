#!/usr/bin/env bash
# `make bench`: fetches the rivals (SQLite from Debian, DuckDB and Stoolap from npm), unpacks or makes
# the TPC-H data, runs tuff-bench and writes docs/BENCHMARKS.md. What cannot be had is named and left out.
#
# BENCH_SCALE: TPC-H scales (sf0.1,sf1 unless set; sf1 is made with PyPI's tpchgen-cli)
# BENCH_ARGUMENTS: more arguments of tuff-bench, such as --only=points
set -u
cd "$(dirname "$0")/.." || exit 1
TUFF_SHARED=${TUFF_SHARED:-../shared}
scales=${BENCH_SCALE:-sf0.1,sf1}
folder=build/bench
mkdir -p "$folder"

if [ ! -e /usr/lib/x86_64-linux-gnu/libsqlite3.so.0 ] && command -v apt-get >/dev/null; then
    echo "installing libsqlite3-0 with apt"
    apt-get install -y -qq libsqlite3-0 >/dev/null || echo "not available: libsqlite3-0"
fi
command -v npm >/dev/null || { echo "installing npm with apt"; apt-get install -y -qq npm >/dev/null; }
for package in @duckdb/node-bindings-linux-x64 @stoolap/lib-linux-x64-gnu; do
    [ -d "$folder/node_modules/$package" ] && continue
    echo "fetching $package with npm"
    npm install --no-audit --no-fund --silent --prefix "$folder" "$package" >/dev/null 2>&1 ||
        echo "not available: $package"
done

for scale in ${scales//,/ }; do
    if [ ! -f "$folder/$scale/ready" ]; then
        mkdir -p "$folder/$scale"
        if [ -f "$TUFF_SHARED/tpch/data/$scale.tar.xz" ]; then
            tar -xJf "$TUFF_SHARED/tpch/data/$scale.tar.xz" -C "$folder/$scale" &&
                find "$folder/$scale" -mindepth 2 -name '*.tbl' -exec mv {} "$folder/$scale/" \;
        elif command -v python3 >/dev/null; then
            echo "making TPC-H $scale with tpchgen-cli (PyPI)"
            python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q tpchgen-cli &&
                "$folder/venv/bin/tpchgen-cli" -s "${scale#sf}" --output-dir="$folder/$scale"
        fi
        # Fields are ended by |; everybody's CSV reader wants them divided by it.
        sed -i 's/|$//' "$folder/$scale"/*.tbl 2>/dev/null && touch "$folder/$scale/ready"
    fi
done

libraries=$(find "$folder/node_modules" -name 'lib*.so' -printf '%h:' 2>/dev/null)
BENCH_LIBRARIES=$libraries exec build/bin/tuff-bench --shared="$TUFF_SHARED" --folder="$folder" \
    --scale="$scales" --page=docs/BENCHMARKS.md ${BENCH_ARGUMENTS:-}
