#!/usr/bin/env bash
# run-demo.sh: the main job on real input. Loads this machine's Debian package index into a new
# database file, asks it questions, is killed in the middle of a writing transaction, reopens
# the file and shows that everything that was acknowledged is there. Leaves the file to explore.
set -euo pipefail
cd "$(dirname "$0")/.."
tuff=build/bin/tuff
folder=build/demo
file=$folder/packages.tuff
transactions=200
mkdir -p "$folder"
rm -f "$file" "$file-wal" "$folder/acknowledged"

bold='' green='' plain=''
if [ -t 1 ]; then bold=$'\033[1m' green=$'\033[32m' plain=$'\033[0m'; fi
say() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
good() { printf '%s  ✓ %s%s\n' "$green" "$*" "$plain"; }
fail() { printf '  ✗ %s\n' "$*" >&2; exit 1; }
# bar PART WHOLE: 40 columns
bar() { awk -v part="$1" -v whole="$2" 'BEGIN { n = int(part * 40 / whole + 0.5); for (i = 0; i < 40; i++) printf i < n ? "█" : "░" }'; }
mib() { awk -v bytes="$1" 'BEGIN { printf "%.1f MiB", bytes / 1048576 }'; }
seconds() { awk -v from="$1" -v to="$(date +%s.%N)" 'BEGIN { printf "%.2f", to - from }'; }

say "1. Reading the package index of this machine (apt-cache dumpavail)"
apt-cache dumpavail >"$folder/available"
[ -s "$folder/available" ] || { echo "apt knows no packages: run apt-get update" >&2; exit 1; }
awk -v packages="$folder/package.csv" -v edges="$folder/dependency.csv" -f tools/demo/index.awk "$folder/available"
packages=$(($(wc -l <"$folder/package.csv") - 1))
edges=$(($(wc -l <"$folder/dependency.csv") - 1))
echo "  $packages packages, $edges dependency edges"

say "2. Loading it into $file"
"$tuff" "$file" -f tools/demo/schema.sql
load() { # WHAT SQL
    local started
    started=$(date +%s.%N)
    "$tuff" "$file" -c "$2"
    printf '  %-34s %6s s\n' "$1" "$(seconds "$started")"
}
load "COPY package: $packages rows" "COPY package FROM '$folder/package.csv' (FORMAT csv, HEADER true)"
load "COPY dependency: $edges rows" "COPY dependency FROM '$folder/dependency.csv' (FORMAT csv, HEADER true)"
started=$(date +%s.%N)
"$tuff" "$file" -f tools/demo/indexes.sql
printf '  %-34s %6s s\n' "three indexes" "$(seconds "$started")"
text=$(cat "$folder/package.csv" "$folder/dependency.csv" | wc -c)
stored=$(wc -c <"$file")
printf '  as text     %s %s\n  in the file %s %s, indexes included\n' "$(bar 1 1)" "$(mib "$text")" "$(bar "$stored" "$text")" "$(mib "$stored")"

say "3. Questions"
"$tuff" "$file" --box -f tools/demo/questions.sql

say "4. Transactions"
"$tuff" "$file" --box -f tools/demo/transactions.sql

say "5. $transactions transactions, then kill -9 in the middle of one"
# Every transaction writes three rows; its number is printed after COMMIT has returned. The
# last transaction is never committed: the process is killed while it is open.
fifo=$folder/fifo
rm -f "$fifo"; mkfifo "$fifo"
"$tuff" "$file" --list <"$fifo" >"$folder/acknowledged" &
writer=$!
exec 3>"$fifo"
{
    for number in $(seq 1 "$transactions"); do
        printf 'BEGIN;\n'
        for step in 1 2 3; do
            printf 'INSERT INTO installation SELECT %d, name, %d FROM package WHERE id = %d;\n' \
                $((number * 3 + step)) "$step" $((number * 7))
        done
        printf 'COMMIT;\nSELECT %d;\n' "$number"
    done
    printf 'BEGIN;\nUPDATE package SET installed_kib = 0;\nDELETE FROM dependency;\nSELECT 0;\n'
} >&3 &
feeder=$!
acknowledged=0
show() { printf '  %s %3d of %d acknowledged' "$(bar "$acknowledged" "$transactions")" "$acknowledged" "$transactions"; }
while ! grep -qx 0 "$folder/acknowledged"; do
    kill -0 "$writer" 2>/dev/null || fail "the writer ended by itself"
    acknowledged=$(grep -vcx 0 "$folder/acknowledged" || true)
    if [ -t 1 ]; then printf '\r'; show; fi
    sleep 0.05
done
kill -9 "$writer"
wait "$writer" 2>/dev/null || true
wait "$feeder" 2>/dev/null || true
exec 3>&-
rm -f "$fifo"
acknowledged=$(grep -vcx 0 "$folder/acknowledged")
if [ -t 1 ]; then printf '\r'; fi
show
printf '\n  killed, with a transaction open that had emptied one table and changed every row of another\n'

say "6. Opening the file again"
started=$(date +%s.%N)
counts=$("$tuff" "$file" --list -c "
SELECT (SELECT count(*) FROM installation) / 3 || ' ' || (SELECT count(*) FROM installation) % 3 || ' ' ||
       (SELECT count(*) FROM dependency) || ' ' || (SELECT count(*) FROM package WHERE installed_kib > 0)")
read -r found partial kept sized <<<"$counts"
took=$(seconds "$started")
[ "$found" = "$acknowledged" ] || fail "$found transactions are there, $acknowledged were acknowledged"
good "all $found acknowledged transactions are there (recovered and counted in $took s)"
[ "$partial" = 0 ] || fail "$partial rows of a transaction that is not there"
[ "$kept" = "$edges" ] || fail "$kept of $edges edges are left"
[ "$sized" -gt 0 ] || fail "the change of the open transaction is there"
good "nothing of the open one is: $kept edges, $sized packages with a size"
[ "$("$tuff" "$file" --list -c "PRAGMA integrity_check")" = ok ] || fail "the integrity check complains"
good "PRAGMA integrity_check: ok"

printf '\nExplore it (.tables, .schema, .help, or SQL):\n\n    %s%s %s%s\n\n' "$bold" "$tuff" "$file" "$plain"
