# TPC-H: all 22 queries give the published answers, in every state the data can be in.

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

tpch_load() { # SCALE DSN: commands for the shell on standard output
    cat "$TUFF_SHARED/tpch/schema.sql"
    local table
    for table in region nation part supplier partsupp customer orders lineitem; do
        echo "COPY $table FROM 'build/tpch/$1/$table.tbl' (FORMAT csv, DELIMITER '|', HEADER false);"
    done
}

tpch_ask() { # SCALE NAME DSN SETUP: one line per wrong query; counts in tpch_passed, tpch_failed
    local number actual difference
    actual=build/tpch/$1/actual.csv
    for number in 01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 20 21 22; do
        [ -f "$TUFF_SHARED/tpch/answers/$1/q$number.csv" ] || continue
        if { echo "$4"; cat "$TUFF_SHARED/tpch/queries/q$number.sql"; } |
            build/bin/tuff "$3" --csv >"$actual" 2>"$actual.error" &&
            difference=$(python3 tests/tpch/compare.py "$TUFF_SHARED/tpch/answers/$1/q$number.csv" "$actual"); then
            tpch_passed=$((tpch_passed + 1))
        else
            tpch_failed=$((tpch_failed + 1))
            echo "tpch $1 $2 q$number: $(head -c 300 "$actual.error") ${difference:-}" | tr '\n' ' '
            echo
        fi
    done
}

suite_tpch() {
    if [ ! -d "$TUFF_SHARED/tpch" ]; then
        echo "skipped: tpch (no corpus in $TUFF_SHARED)"
        echo "0 passed, 0 failed, 1 skipped"
        return
    fi
    local scale file
    tpch_passed=0 tpch_failed=0
    for scale in sf0.01 sf0.1; do
        tpch_data "$scale" || { echo "0 passed, 1 failed, 0 skipped"; return; }
        file=build/tpch/$scale/test.tuff
        rm -f "$file" "$file-wal"
        tpch_load "$scale" | build/bin/tuff "$file" || tpch_failed=$((tpch_failed + 1))
        tpch_ask "$scale" "one thread" "$file" "PRAGMA threads=1;"
        tpch_ask "$scale" "two threads" "$file" "PRAGMA threads=2;"
    done
    echo "$tpch_passed passed, $tpch_failed failed, 0 skipped"
}
