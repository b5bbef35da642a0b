# Random statements, answers compared: with SQLite's (tests/diff/diff.py), and with Tuff's own, run in other
# ways (same.py) and under LIMIT (limits.py). The numbers of seeds are fixed. SEED (1) chooses other statements, DIFF_FACTOR (1) more of
# them. A campaign asks DuckDB too (typed.py, nested.py), where its library is: `make bench` fetches it.

suite_diff() {
    if ! python3 -c 'import sqlite3' 2>/dev/null; then
        echo "skipped: diff (no python3 with sqlite3)"
        echo "0 passed, 0 failed, 1 skipped"
        return
    fi
    local lines=() first=$(((${SEED:-1} - 1) * 1000000)) factor=${DIFF_FACTOR:-1} library=build/lib/libtuff.so duckdb
    lines+=("$(counted python3 tests/diff/diff.py $library --seed $((first + 1)) --seeds $((150 * factor)) --variants)")
    lines+=("$(counted python3 tests/diff/diff.py $library --seed $((first + 100000)) --depth 3 --seeds $((200 * factor)))")
    # A file whose tables are sealed after two rows, and that is closed and opened again.
    lines+=("$(counted python3 tests/diff/diff.py $library --seed $((first + 200000)) --depth 1 --cold --seeds $((60 * factor)))")
    lines+=("$(counted python3 tests/diff/same.py $library --seed $((first + 300000)) --seeds $((5 * factor)) --statements 20)")
    lines+=("$(counted python3 tests/diff/limits.py $library --seed $((first + 500000)) --seeds $((6 * factor)))")
    if [ -n "${DIFF_FACTOR:-}" ]; then
        duckdb=${LIBDUCKDB:-$(find build/bench -name 'libduckdb.so' 2>/dev/null | head -1)}
        if [ -n "$duckdb" ]; then
            lines+=("$(counted python3 tests/diff/typed.py $library "$duckdb" --seed $((first + 400000)) --seeds $((50 * factor)))")
            lines+=("$(counted python3 tests/diff/nested.py $library "$duckdb" --seed $((first + 600000)) --seeds $((50 * factor)))")
        else
            echo "skipped: diff with DuckDB (no library: make bench fetches it, or LIBDUCKDB names it)"
        fi
    fi
    sum_lines "${lines[@]}"
}
