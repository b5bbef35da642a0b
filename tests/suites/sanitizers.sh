# The same tests under the sanitizers: a fixed subset each, so that they fit their minutes.

suite_asan() {
    configure_and_build asan build/asan || { echo "0 passed, 1 failed, 0 skipped"; return; }
    local unit sql
    unit=$(ctest_suite build/asan unit | tee /dev/stderr | tail -1)
    mapfile -t files < <(find tests/sql -name '*.test' | sort)
    sql=$(counted build/asan/bin/tuff-slt "${files[@]}")
    sum_lines "$unit" "$sql" "$(sanitized_sim asan 0.1 threads loads table)"
}

suite_tsan() {
    configure_and_build tsan build/tsan || { echo "0 passed, 1 failed, 0 skipped"; return; }
    local unit
    unit=$(ctest_suite build/tsan 'unit' '^unit/(os|index|txn|store|exec|session|capi)' |
        tee /dev/stderr | tail -1)
    sum_lines "$unit" "$(sanitized_sim tsan 0.02 threads loads)"
}

# Simulations with a part of their seeds. `table` has one thread and fails every call and allocation in
# turn, whatever the seeds: the thread sanitizer would take five minutes and could find nothing.
sanitized_sim() { # PRESET SEEDS NAME...
    local preset=$1 seeds=$2 name lines=()
    shift 2
    for name in "$@"; do
        lines+=("$(TUFF_SIM_SEEDS=$seeds counted timeout 300 "build/$preset/tests/sim_$name")")
    done
    sum_lines "${lines[@]}"
}
