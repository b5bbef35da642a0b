# Several sessions at once: the anomalies that isolation levels forbid, and eight threads for a while.

suite_isolation() {
    build/bin/isolation
}

suite_stress() {
    local plain threads
    plain=$(build/bin/stress 10 "${SEED:-1}" build/stress.tuff | tee /dev/stderr | tail -1)
    configure_and_build tsan build/tsan stress || { echo "0 passed, 1 failed, 0 skipped"; return; }
    threads=$(build/tsan/bin/stress 20 "${SEED:-1}" build/tsan/stress.tuff | tee /dev/stderr | tail -1)
    sum_lines "$plain" "$threads"
}
