#!/usr/bin/env bash
# run-tests.sh [SUITE...]: builds and runs the test suites and prints what each took of its
# budget. The last line is "N passed, M failed, K skipped" over all suites. Budgets: docs/TESTING.md.
#
# A suite is a function suite_NAME that prints its own output and ends with a line
# "N passed, M failed, K skipped"; its minute budget stands in docs/TESTING.md.
set -u
cd "$(dirname "$0")/.."
export TUFF_SHARED="${TUFF_SHARED:-$(cd .. && pwd)/shared}"
export CMAKE_BUILD_PARALLEL_LEVEL="${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}"
logs=build/test-logs
mkdir -p "$logs"

# Turns ctest's summary into ours: ctest_suite BUILD_FOLDER LABEL_REGEX [NAME_REGEX]
ctest_suite() {
    local log total failed skipped
    log=$(mktemp)
    ctest --test-dir "$1" -L "$2" ${3:+-R "$3"} --output-on-failure -j "$(nproc)" 2>&1 | tee "$log" | grep -vE '^ +Start|Passed +[0-9.]+ sec$'
    total=$(sed -nE 's/.* tests? failed out of ([0-9]+).*/\1/p' "$log" | tail -1)
    failed=$(sed -nE 's/.* ([0-9]+) tests? failed out of.*/\1/p' "$log" | tail -1)
    skipped=$(grep -cE '\*\*\*Skipped|Not Run' "$log")
    rm -f "$log"
    [ -n "$total" ] || { echo "0 passed, 1 failed, 0 skipped"; return; } # ctest itself failed
    echo "$((total - failed - skipped)) passed, $failed failed, $skipped skipped"
}

# Runs a program that counts: what it prints goes on, its last line is the result. A failure that this line
# does not tell, such as a sanitizer's report or a crash, is one all the same.
counted() { # COMMAND...
    local log line status
    log=$(mktemp)
    "$@" | tee "$log" >&2
    status=${PIPESTATUS[0]}
    line=$(tail -1 "$log")
    rm -f "$log"
    if [ "$status" != 0 ] && ! grep -qE ' [1-9][0-9]* failed' <<<"$line"; then
        line="$1 ended with status $status"
        echo "$line" >&2
    fi
    printf '%s\n' "$line"
}

# Adds lines of the form "N passed, M failed, K skipped"; anything else is a failure.
sum_lines() {
    printf '%s\n' "$@" | awk '
        /^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { p += $1; f += $3; s += $5; next }
        { f++ }
        END { printf "%d passed, %d failed, %d skipped\n", p, f, s }'
}

configure_and_build() { # PRESET FOLDER [TARGET...]
    cmake --preset "$1" >"$logs/configure-$1.log" 2>&1 || { cat "$logs/configure-$1.log"; return 1; }
    cmake --build "$2" ${3:+--target "${@:3}"} >"$logs/build-$1.log" 2>&1 || { tail -40 "$logs/build-$1.log"; return 1; }
}

suite_build() { configure_and_build release build && echo "1 passed, 0 failed, 0 skipped" || echo "0 passed, 1 failed, 0 skipped"; }
suite_check() { tools/check.py && echo "1 passed, 0 failed, 0 skipped" || echo "0 passed, 1 failed, 0 skipped"; }
suite_unit() { ctest_suite build unit; }
for extra in tests/suites/*.sh; do
    [ -f "$extra" ] && . "$extra"
done

mapfile -t budgets < <(sed -nE 's/^\| `([a-z-]+)` \| ([0-9.]+) \|.*/\1 \2/p' docs/TESTING.md)
passed=0 failed=0 skipped=0 table="" left_out=""
for row in "${budgets[@]}"; do
    read -r name budget <<<"$row"
    if [ $# -gt 0 ] && [ "$name" != build ]; then
        case " $* " in *" $name "*) ;; *) continue ;; esac
    fi
    echo "== $name"
    started=$(date +%s)
    "suite_${name//-/_}" 2>&1 | tee "$logs/$name.log"
    took=$(( $(date +%s) - started ))
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$logs/$name.log" | tail -1)
    [ -n "$line" ] || line="0 passed, 1 failed, 0 skipped"
    read -r p _ f _ s _ <<<"${line//,/}"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    table+=$(printf '%-14s %7d passed %4d failed %5d skipped  %5.1f of %4s minutes%s' "$name" "$p" "$f" "$s" \
        "$(awk "BEGIN{print $took/60}")" "$budget" "$(awk "BEGIN{if ($took > $budget*60) print \"  over\"}")")$'\n'
    left_out+=$(grep -hE '^skipped:' "$logs/$name.log")$'\n'
    if [ "$name" = build ] && [ "$f" != 0 ]; then break; fi
done
echo
printf '%s' "$table"
printf '%s' "$left_out" | grep . | sort -u
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
