# TPC-H: all 22 queries give the published answers, in every state the rows can be in, and their plans
# and those of all subqueries of the corpora keep to what docs/SQL.md promises.

# Unpacks a scale into build/tpch/SCALE/*.tbl, without the separator at the line's end.
tpch_data() { # SCALE
    local folder=build/tpch/$1
    if [ ! -f "$folder/ready" ]; then
        mkdir -p "$folder"
        tar -xJf "$TUFF_SHARED/tpch/data/$1.tar.xz" -C "$folder" --strip-components=0 || return 1
        find "$folder" -name '*.tbl' ! -path "$folder/*.tbl" -exec mv {} "$folder/" \; 2>/dev/null
        sed -i 's/|$//' "$folder"/*.tbl
        touch "$folder/ready"
    fi
}

suite_tpch() {
    if [ ! -d "$TUFF_SHARED/tpch" ]; then
        echo "skipped: tpch (no corpus in $TUFF_SHARED)"
        echo "0 passed, 0 failed, 1 skipped"
        return
    fi
    local scale results=build/tpch/results
    for scale in sf0.01 sf0.1; do
        tpch_data "$scale" || { echo "0 passed, 1 failed, 0 skipped"; return; }
    done
    { python3 tests/tpch/answers.py build/bin/tuff build/tpch "$TUFF_SHARED" sf0.01 sf0.1 || echo "0 passed, 1 failed"; } >$results
    { python3 tests/tpch/plans.py build/bin/tuff build/tpch "$TUFF_SHARED" || echo "0 passed, 1 failed"; } >>$results
    grep -v ' passed, ' $results
    awk '/ passed, / { passed += $1; failed += $3 } END { print passed + 0 " passed, " failed + 0 " failed, 0 skipped" }' $results
}
