# Two minutes each of any bytes as SQL text and as a file, one of a script and of CSV (libFuzzer, ASan).
# The seeds are the statements of our own SQL files; what is found stays in build/fuzz/found.

suite_fuzz() {
    command -v clang-14 >/dev/null || { echo "skipped: fuzz (no clang-14)"; echo "0 passed, 0 failed, 4 skipped"; return; }
    configure_and_build fuzz build/fuzz || { echo "0 passed, 1 failed, 0 skipped"; return; }
    local passed=0 failed=0 target seconds
    mkdir -p build/fuzz/seeds build/fuzz/found
    tests/fuzz/make-seeds.sh build/fuzz/seeds
    for target in parser:120 file:120 sql:60 copy:60; do
        seconds=${target#*:} target=${target%:*}
        [ -x "build/fuzz/bin/fuzz-$target" ] || continue
        mkdir -p "build/fuzz/corpus-$target"
        if build/fuzz/bin/"fuzz-$target" -max_total_time="${FUZZ_SECONDS:-$seconds}" -timeout=20 -rss_limit_mb=3000 \
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
