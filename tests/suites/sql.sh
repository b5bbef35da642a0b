# Suites of SQL files: our own by feature, and the sqllogictest corpus.

slt_total() { # prints a runner's output; its last line is the suite's
    "$@"
}

suite_sql() {
    mapfile -t files < <(find tests/sql -name '*.test' | sort)
    slt_total build/bin/tuff-slt "${files[@]}"
}

# The same files on a file database that is closed and opened again every few records; what is
# about one connection's own state (settings, temporary views) cannot take part.
suite_sql_reopened() {
    mapfile -t files < <(find tests/sql -name '*.test' ! -path 'tests/sql/session/*' | sort)
    local folder
    folder=$(mktemp -d)
    slt_total build/bin/tuff-slt --database="$folder/test.tuff" --restart-every=7 "${files[@]}"
    rm -rf "$folder"
}

suite_slt() {
    if [ ! -d "$TUFF_SHARED/slt" ]; then
        echo "skipped: slt (no corpus in $TUFF_SHARED)"
        echo "0 passed, 0 failed, 1 skipped"
        return
    fi
    # Triggers come later; everything else must hold.
    mapfile -t files < <(find "$TUFF_SHARED/slt" -name '*.test.gz' ! -name '*trigger*' | sort)
    printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 8 build/bin/tuff-slt >build/test-logs/slt-parts.log
    grep -vE '^[0-9]+ passed,' build/test-logs/slt-parts.log
    # A runner that crashed has printed no line.
    mapfile -t lines < <(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' build/test-logs/slt-parts.log)
    while [ ${#lines[@]} -lt $(((${#files[@]} + 7) / 8)) ]; do lines+=("a runner crashed"); done
    sum_lines "${lines[@]}"
}
