# What the documents show runs: the examples of docs/SQL.md, in order, on one database; the README's program, compiled
# with the command that stands there, and its session in the shell.

# block_of FILE KIND NUMBER: the lines of the NUMBERth block that opens with ```KIND.
block_of() {
    awk -v fence="\`\`\`$2" -v wanted="$3" '
        /^```/ { inside = !inside && $0 == fence && ++seen == wanted; if (!open) open = 1; else { open = 0; inside = 0 } next }
        inside' "$1"
}

# Says whether the output is the expected one.
same_output() { # NAME EXPECTED ACTUAL
    [ "$2" = "$3" ] && return
    printf '%s: expected\n%s\ngot\n%s\n' "$1" "$2" "$3"
    return 1
}

suite_docs() {
    local passed=0 failed=0 top=$PWD folder command session
    awk '/^```sql$/ { inside = 1; next } /^```$/ { inside = 0 } inside' docs/SQL.md >build/test-logs/sql-examples.sql
    if build/bin/tuff -f build/test-logs/sql-examples.sql >build/test-logs/sql-examples.out 2>&1; then
        passed=$(grep -c ';' build/test-logs/sql-examples.sql)
    else
        grep -A4 Error build/test-logs/sql-examples.out
        failed=1
    fi
    folder=$(mktemp -d)
    ln -s "$top/include" "$top/build" "$folder"
    block_of README.md c 1 >"$folder/first.c"
    session=$(grep -A 1 '^\$ cc first.c' README.md)
    command=$(sed -n '1s/^\$ //p' <<<"$session")
    same_output README.md:first.c "$(sed -n 2p <<<"$session")" "$(cd "$folder" && eval "$command" 2>&1)" &&
        passed=$((passed + 1)) || failed=$((failed + 1))
    session=$(awk '/^\$ build\/bin\/tuff shop.tuff$/ { inside = 1; next } /^```$/ { inside = 0 } inside' README.md)
    command=$(sed -n '1s/^tuff> //p' <<<"$session")
    same_output README.md:shell "$(tail -n +2 <<<"$session")" \
        "$(cd "$folder" && build/bin/tuff shop.tuff --box -c "$command" 2>&1)" &&
        passed=$((passed + 1)) || failed=$((failed + 1))
    rm -rf "$folder"
    echo "$passed passed, $failed failed, 0 skipped"
}
