# The simulated machine: power cuts at every change, failed calls and allocations, seeded
# thread schedules, over the log and file alone and over the storage layer.

# Prints a program's lines and hands on its last one.
sim_program() {
    "$@" | tee /dev/stderr | tail -1
}

suite_sim() {
    local name lines=()
    for name in ledger threads loads table workloads kill; do
        lines+=("$(sim_program "build/tests/sim_$name")")
    done
    sum_lines "${lines[@]}"
}
