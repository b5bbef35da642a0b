# What a prepared read of one row by key costs through the C interface: instructions, counted by callgrind, and no
# allocation (tests/cost).

# cost_of_read KIND WHAT MOST: bind, execute, next, the value, next.
cost_of_read() {
    local file=build/test-logs/cost-$1.tuff counted=build/test-logs/cost-$1-$2.callgrind reads total each
    rm -f "$file" "$file-wal" "$counted"
    reads=$(valgrind --quiet --tool=callgrind '--toggle-collect=read_counted*' --callgrind-out-file="$counted" \
        build/bin/cost-read "$1" "$2" "$file") || return 1
    total=$(sed -nE 's/^(summary|totals): ([0-9]+).*/\2/p' "$counted" | head -1)
    each=$((${total:-0} / reads))
    echo "a $2 of a $1 row, by key: $each instructions of at most $3, no allocation"
    [ "$each" -gt 500 ] && [ "$each" -le "$3" ] # less: read_counted was not seen
}

suite_cost() {
    local passed=0 failed=0 bound
    if ! command -v valgrind >/dev/null; then
        echo "skipped: instructions of a read by key (valgrind is not installed)"
        echo "0 passed, 0 failed, 4 skipped"
        return
    fi
    for bound in "hot number 3000" "cold number 3000" "hot text 3000" "cold text 3500"; do
        # shellcheck disable=SC2086
        cost_of_read $bound && passed=$((passed + 1)) || failed=$((failed + 1))
    done
    echo "$passed passed, $failed failed, 0 skipped"
}
