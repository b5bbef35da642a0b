# Files made by each landed step open for ever and answer as they did (tests/golden).

suite_golden() {
    local passed=0 failed=0 file copy
    copy=build/test-logs/golden.tuff
    for file in tests/golden/*.tuff; do
        rm -f "$copy" "$copy-wal"
        cp "$file" "$copy"
        if build/bin/tuff "$copy" --csv -f tests/golden/check.sql >build/test-logs/golden.out 2>&1 &&
            diff -u "${file%.tuff}.expected" build/test-logs/golden.out; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
        fi
    done
    echo "$passed passed, $failed failed, 0 skipped"
}
