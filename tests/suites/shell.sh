# The shell as scripts use it: output modes, commands, exit codes, errors with a caret; and as a person does, at
# a pseudo-terminal (tests/shell/terminal.py).

suite_shell() {
    local passed=0 failed=0 folder
    folder=$(mktemp -d)
    expect() { # NAME EXPECTED ACTUAL
        if [ "$2" = "$3" ]; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            printf 'shell %s: expected\n%s\ngot\n%s\n' "$1" "$2" "$3"
        fi
    }
    local tuff=build/bin/tuff rows="SELECT 1 AS a, 'x,y' AS b UNION ALL SELECT NULL, 'z' ORDER BY 1"
    expect list $'1|x,y\n|z' "$($tuff -c "$rows")"
    expect csv $'a,b\n1,"x,y"\n,z' "$($tuff --csv -c "$rows")"
    expect json $'[{"a":1,"b":"x,y"},\n{"a":null,"b":"z"}]' "$($tuff --json -c "$rows")"
    expect jsonl $'{"a":1,"b":"x,y"}\n{"a":null,"b":"z"}' "$($tuff --jsonl -c "$rows")"
    expect markdown $'| a | b   |\n|---|-----|\n| 1 | x,y |\n|   | z   |' "$($tuff --markdown -c "$rows")"
    expect box $'┌───┬─────┐\n│ a │ b   │\n├───┼─────┤\n│ 1 │ x,y │\n│   │ z   │\n└───┴─────┘' "$($tuff --box -c "$rows")"
    expect box-any-locale $'┌───┐\n│ é │\n├───┤\n│ █ │\n└───┘' "$(LC_ALL=C $tuff --box -c "SELECT '█' AS é")"
    expect line $'a = 1\nb = x,y\n\na = \nb = z' "$($tuff --line -c "$rows")"
    expect pipe $'a\n1\nx\n2' "$(printf "select 'a';select\n1;\n\n.print x\nselect 2" | $tuff)"
    expect exit-code 1 "$($tuff -c 'SELECT nothing' >/dev/null 2>&1; echo $?)"
    expect full-disk $'Error: the output cannot be written\n1' "$({ $tuff -c 'SELECT 1' >/dev/full; } 2>&1; echo $?)"
    expect full-disk-output $'Error: the output cannot be written\n1' \
        "$($tuff -c '.output /dev/full' -c 'SELECT 1' 2>&1; echo $?)"
    expect full-disk-once $'Error: the output cannot be written\n1' \
        "$(printf '.once /dev/full\nSELECT 1;\nSELECT 2;\n' | $tuff 2>&1; echo $?)"
    expect full-disk-command $'Error: the output cannot be written\n1' "$({ $tuff -c .help >/dev/full; } 2>&1; echo $?)"
    expect stops '1' "$($tuff -c 'SELECT 1' -c 'SELECT nothing' -c 'SELECT 2' 2>/dev/null)"
    expect caret $'Error 42703: column "nothing" does not exist\n  SELECT nothing\n         ^' \
        "$($tuff -c 'SELECT nothing' 2>&1)"
    $tuff "$folder/a.tuff" -c "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)" -c "INSERT INTO t VALUES (1, 'it''s'), (2, NULL)" \
        -c "CREATE INDEX t_v ON t (v)"
    expect tables t "$($tuff "$folder/a.tuff" -c .tables)"
    expect indexes t_v "$($tuff "$folder/a.tuff" -c .indexes)"
    $tuff "$folder/a.tuff" -c .dump >"$folder/dump.sql"
    $tuff "$folder/b.tuff" -f "$folder/dump.sql"
    expect dump-and-read "$($tuff "$folder/a.tuff" --csv -c 'SELECT * FROM t ORDER BY id')" \
        "$($tuff "$folder/b.tuff" --csv -c 'SELECT * FROM t ORDER BY id')"
    printf 'id,name\n1,one\n2,"two, three"\n' >"$folder/in.csv"
    expect import $'1|one\n2|two, three' "$(printf '.import %s c\nSELECT * FROM c;\n' "$folder/in.csv" | $tuff)"
    printf '\xef\xbb\xbf"a ""b""","c,d",e\n1,2,3\n' >"$folder/in.csv"
    expect import-header $'a "b"|c,d|e\n1|2|3' "$(printf '.import %s c\n.headers on\nSELECT * FROM c;\n' "$folder/in.csv" | $tuff)"
    expect import-skip 'Error: --skip takes 0 or 1, not 5' "$($tuff -c ".import --skip 5 $folder/in.csv c" 2>&1)"
    expect dump-views $'create view z as select 1 as a\ncreate view b as select a from z' \
        "$(printf 'create view z as select 1 as a;\ncreate view b as select a from z;\ncreate temp view c as select 2 as b;\n.dump\n' | $tuff | sed -n 's/^\(create view.*\);$/\1/p')"
    expect echo $'SELECT 1;\n1\nSELECT\n2;\n2' "$(printf '.echo on\nSELECT 1;\nSELECT\n2;\n' | $tuff)"
    $tuff "$folder/100%41&b?.tuff" -c "CREATE TABLE t (a TEXT)"
    expect readonly-name 'Error 25006: the database is open for reading only' \
        "$($tuff --readonly "$folder/100%41&b?.tuff" -c "INSERT INTO t VALUES ('x')" 2>&1 | head -1)"
    rm "$folder/100%41&b?.tuff"
    # Three small tables: less than 64 KiB, file and log, after close; also when they are changed each time.
    $tuff "$folder/s.tuff" -c "CREATE TABLE a (id INTEGER PRIMARY KEY, n TEXT); CREATE TABLE b (id INTEGER PRIMARY KEY, v FLOAT, w TEXT);
        CREATE TABLE c (x INTEGER, y DATE); CREATE INDEX b_w ON b (w); INSERT INTO a VALUES (1, 'x'), (2, 'y');
        INSERT INTO b VALUES (1, 1.5, 'q'), (2, 2.5, 'r'); INSERT INTO c VALUES (1, DATE '2024-01-01')"
    expect small-file yes "$([ "$(stat -c %s "$folder/s.tuff")" -lt 16384 ] && echo yes)"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        $tuff "$folder/s.tuff" -c "UPDATE a SET n = n || '!'; UPDATE b SET v = v + 1; UPDATE c SET x = x + 1"
    done
    expect small-changed-file yes "$([ "$(stat -c %s "$folder/s.tuff")" -lt 65536 ] && echo yes)"
    expect small-log '' "$(ls "$folder" | grep wal)"
    rm "$folder/s.tuff"
    local change="CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (2); UPDATE t SET a = 3; CHECKPOINT"
    local tiers="SELECT tier, rows FROM pragma_volume_stats('t')"
    expect history $'hot|2\nhistory|2' "$($tuff "$folder/h.tuff" -c "$change" -c "$tiers")"
    rm "$folder/h.tuff"
    expect no-history 'hot|2' "$($tuff "file://$folder/h.tuff?history_retention=0" -c "$change" -c "$tiers")"
    rm "$folder/h.tuff"
    expect log-folded 'a.tuff b.tuff dump.sql in.csv' "$(cd "$folder" && echo *)"
    rm -rf "$folder"
    local terminal="0 passed, 0 failed, 1 skipped"
    if python3 -c 'import pty' 2>/dev/null; then
        terminal=$(counted python3 tests/shell/terminal.py $tuff)
    else
        echo "skipped: shell at a terminal (no python3)"
    fi
    sum_lines "$passed passed, $failed failed, 0 skipped" "$terminal"
}
