# What the host may do to us: memory that ends at any call.

suite_fault() {
    build/bin/fault-memory build
}
