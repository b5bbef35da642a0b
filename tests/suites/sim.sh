# The simulated machine: power cuts at every change, failed calls and allocations, seeded
# thread schedules, over the log and file alone and over the storage layer.

suite_sim() {
    local name lines=()
    for name in ledger threads loads table workloads kill; do
        lines+=("$(counted "build/tests/sim_$name")")
    done
    sum_lines "${lines[@]}"
}
