# The examples in docs/SQL.md run, in order, on one database; the examples of the C interface too.

suite_docs() {
    local passed=0 failed=0
    awk '/^```sql$/ { inside = 1; next } /^```$/ { inside = 0 } inside' docs/SQL.md >build/test-logs/sql-examples.sql
    if build/bin/tuff -f build/test-logs/sql-examples.sql >build/test-logs/sql-examples.out 2>&1; then
        passed=$(grep -c ';' build/test-logs/sql-examples.sql)
    else
        grep -A4 Error build/test-logs/sql-examples.out
        failed=1
    fi
    echo "$passed passed, $failed failed, 0 skipped"
}
