# Any bytes as SQL text, as a database file, as a script and as CSV (libFuzzer, ASan, UBSan). `make test`
# runs a fixed number of inputs from a fixed seed, so that its answer depends on the code alone; `make
# campaign-fuzz` goes on for minutes from new seeds. The seeds are the statements of our own SQL files;
# what is found stays in build/fuzz/found.

suite_fuzz() {
    command -v clang-14 >/dev/null || { echo "skipped: fuzz (no clang-14)"; echo "0 passed, 0 failed, 4 skipped"; return; }
    configure_and_build fuzz build/fuzz || { echo "0 passed, 1 failed, 0 skipped"; return; }
    local passed=0 failed=0 target limit
    mkdir -p build/fuzz/seeds build/fuzz/found
    tests/fuzz/make-seeds.sh build/fuzz/seeds
    for target in parser:8000 file:1500 sql:1500 copy:1500; do
        limit="-runs=${target#*:}" target=${target%:*}
        [ -z "${FUZZ_SECONDS:-}" ] || limit="-max_total_time=$FUZZ_SECONDS"
        [ -x "build/fuzz/bin/fuzz-$target" ] || continue
        mkdir -p "build/fuzz/corpus-$target"
        if build/fuzz/bin/"fuzz-$target" "$limit" -timeout=60 -rss_limit_mb=3000 \
            -print_final_stats=1 -artifact_prefix="build/fuzz/found/$target-" -seed="${SEED:-1}" \
            "build/fuzz/corpus-$target" build/fuzz/seeds >"build/fuzz/$target.log" 2>&1; then
            passed=$((passed + 1))
            echo "$target: $(sed -nE 's/^stat::number_of_executed_units: +//p' "build/fuzz/$target.log") inputs"
        else
            failed=$((failed + 1))
            tail -40 "build/fuzz/$target.log"
        fi
    done
    echo "$passed passed, $failed failed, 0 skipped"
}
