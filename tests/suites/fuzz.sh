# Any bytes as SQL text and as a database file, for two minutes each and side by side, under
# AddressSanitizer and UndefinedBehaviorSanitizer (libFuzzer); as a script and as CSV, a fixed number of
# inputs. First every input that once found something (tests/fuzz/inputs). The seed is fixed; `make
# campaign-fuzz` goes on from new ones, FUZZ_SECONDS each. What is found stays in build/fuzz/found.

# One target until it has run its time or number of inputs; the log has its output, the last line the status.
fuzz_target() { # NAME LIMIT
    local folders=("build/fuzz/corpus-$1") length=4096
    mkdir -p "build/fuzz/corpus-$1"
    case $1 in
    parser | sql) folders+=(build/fuzz/seeds) ;;
    file) length=193 ;; # a byte and 24 changes
    esac
    if [ -d "tests/fuzz/inputs/$1" ] &&
        ! build/fuzz/bin/"fuzz-$1" -timeout=60 "tests/fuzz/inputs/$1"/* >"build/fuzz/$1.log" 2>&1; then
        echo failed >>"build/fuzz/$1.log"
        return
    fi
    if build/fuzz/bin/"fuzz-$1" "$2" -timeout=60 -rss_limit_mb=3000 -max_len=$length -entropic=0 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/found/$1-" -seed="${SEED:-1}" "${folders[@]}" >"build/fuzz/$1.log" 2>&1; then
        echo passed >>"build/fuzz/$1.log"
    else
        echo failed >>"build/fuzz/$1.log"
    fi
}

suite_fuzz() {
    command -v clang-14 >/dev/null || { echo "skipped: fuzz (no clang-14)"; echo "0 passed, 0 failed, 4 skipped"; return; }
    configure_and_build fuzz build/fuzz fuzz-parser fuzz-file fuzz-sql fuzz-copy || { echo "0 passed, 1 failed, 0 skipped"; return; }
    local passed=0 failed=0 target seconds="-max_total_time=${FUZZ_SECONDS:-120}" runs=-runs=1500
    [ -z "${FUZZ_SECONDS:-}" ] || runs=$seconds
    mkdir -p build/fuzz/seeds build/fuzz/found
    tests/fuzz/make-seeds.sh build/fuzz/seeds
    fuzz_target parser "$seconds" &
    fuzz_target file "$seconds" &
    wait
    fuzz_target sql "$runs" &
    fuzz_target copy "$runs" &
    wait
    for target in parser file sql copy; do
        if [ "$(tail -1 "build/fuzz/$target.log")" = passed ]; then
            passed=$((passed + 1))
            echo "$target: $(sed -nE 's/^stat::number_of_executed_units: +//p' "build/fuzz/$target.log") inputs"
        else
            failed=$((failed + 1))
            tail -40 "build/fuzz/$target.log"
        fi
    done
    echo "$passed passed, $failed failed, 0 skipped"
}
