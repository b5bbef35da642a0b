#!/usr/bin/env bash
# run-campaign.sh NAME: a long run of one kind, resumable: SEED says where it begins (each line
# printed names the seed to go on from), ROUNDS how many rounds it makes.
#
#   fuzz    each target for FUZZ_SECONDS (120) a round; found inputs stay in build/fuzz/found
#   sim     seeded power cuts and thread schedules, ten times those of `make test` a round
#   diff    random statements against SQLite, Tuff itself and DuckDB, DIFF_FACTOR (5) times as many
#   stress  eight threads for 60 seconds a round
#   open    a database of a gigabyte is made and opened, once: what that reads
set -u
cd "$(dirname "$0")/.."
export TUFF_SHARED="${TUFF_SHARED:-$(cd .. && pwd)/shared}"
seed=${SEED:-1} rounds=${ROUNDS:-10}
for ((round = 0; round < rounds; round++)); do
    echo "campaign $1: seed $((seed + round))"
    case $1 in
    fuzz) FUZZ_SECONDS=${FUZZ_SECONDS:-120} SEED=$((seed + round)) tests/run-tests.sh fuzz || exit 1 ;;
    sim) TUFF_SIM_FIRST=$(((seed + round) * 100000)) TUFF_SIM_SEEDS=10 tests/run-tests.sh sim || exit 1 ;;
    diff) DIFF_FACTOR=${DIFF_FACTOR:-5} SEED=$((seed + round)) tests/run-tests.sh diff || exit 1 ;;
    stress) build/bin/stress 60 $((seed + round)) build/stress-campaign.tuff || exit 1 ;;
    open) TUFF_OPEN_ROWS=13000000 build/tests/unit_store_table_test_key_runs; exit ;;
    *) echo "campaigns: fuzz sim diff stress open" >&2; exit 2 ;;
    esac
done
