# Random statements, answers compared with SQLite's (tests/diff/diff.py). SEED (1) chooses other ones.

suite_diff() {
    if ! python3 -c 'import sqlite3' 2>/dev/null; then
        echo "skipped: diff (no python3 with sqlite3)"
        echo "0 passed, 0 failed, 1 skipped"
        return
    fi
    local log first=$(((${SEED:-1} - 1) * 1000000))
    log=$(mktemp)
    python3 tests/diff/diff.py build/lib/libtuff.so --seed $((first + 1)) --seconds 30 --variants | tee "$log"
    python3 tests/diff/diff.py build/lib/libtuff.so --seed $((first + 100000)) --depth 3 --seconds 40 | tee -a "$log"
    # A file whose tables are sealed after two rows, and that is closed and opened again.
    python3 tests/diff/diff.py build/lib/libtuff.so --seed $((first + 200000)) --depth 1 --cold --seconds 30 | tee -a "$log"
    awk '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { p += $1; f += $3; s += $5 }
         END { printf "%d passed, %d failed, %d skipped\n", p, f, s }' "$log"
    rm -f "$log"
}
