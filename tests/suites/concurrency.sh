# Several sessions at once: the anomalies that isolation levels forbid, and eight threads for a while.

suite_isolation() {
    build/bin/isolation
}

suite_stress() {
    local plain threads
    plain=$(counted build/bin/stress 10 "${SEED:-1}" build/stress.tuff)
    configure_and_build tsan build/tsan stress || { echo "0 passed, 1 failed, 0 skipped"; return; }
    threads=$(counted build/tsan/bin/stress 20 "${SEED:-1}" build/tsan/stress.tuff)
    sum_lines "$plain" "$threads"
}
