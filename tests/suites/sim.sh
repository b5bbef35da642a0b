# The simulated machine: power cuts at every change, failed calls and allocations, seeded
# thread schedules, over the log and file alone and over the storage layer.

suite_sim() {
    local ledger table threads killed
    ledger=$(build/tests/sim_ledger | tee /dev/stderr | tail -1)
    threads=$(build/tests/sim_threads | tee /dev/stderr | tail -1)
    table=$(build/tests/sim_table | tee /dev/stderr | tail -1)
    killed=$(build/tests/sim_kill | tee /dev/stderr | tail -1)
    sum_lines "$ledger" "$table" "$threads" "$killed"
}
