#!/usr/bin/env bash
# run-demo.sh: the main job on real input. Loads this machine's Debian package index into a new
# database file, asks it questions, is killed in the middle of a writing transaction, reopens
# the file and shows that everything that was acknowledged is there. Leaves the file to explore.
set -euo pipefail
cd "$(dirname "$0")/.."
tuff=build/bin/tuff
folder=build/demo
file=$folder/packages.tuff
mkdir -p "$folder"
rm -f "$file" "$file-wal" "$folder/acknowledged"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

say "1. Reading the package index of this machine (apt-cache dumpavail)"
apt-cache dumpavail >"$folder/available"
[ -s "$folder/available" ] || { echo "apt knows no packages: run apt-get update" >&2; exit 1; }
awk -v packages="$folder/package.csv" -v edges="$folder/dependency.csv" -f tools/demo/index.awk "$folder/available"
printf '%s packages, %s dependency edges\n' "$(($(wc -l <"$folder/package.csv") - 1))" "$(($(wc -l <"$folder/dependency.csv") - 1))"

say "2. Loading it into $file"
started=$(date +%s.%N)
"$tuff" "$file" -f tools/demo/schema.sql \
    -c "COPY package FROM '$folder/package.csv' (FORMAT csv, HEADER true)" \
    -c "COPY dependency FROM '$folder/dependency.csv' (FORMAT csv, HEADER true)" \
    -f tools/demo/indexes.sql
printf 'loaded and indexed in %.1f s: %s\n' "$(echo "$(date +%s.%N) $started" | awk '{print $1 - $2}')" "$(du -h "$file" | cut -f1)"

say "3. Questions"
"$tuff" "$file" --box -f tools/demo/questions.sql

say "4. Installing packages, one transaction each, until kill -9 in the middle of one"
# Every transaction writes three rows; its number is printed after COMMIT has returned. The
# last transaction is never committed: the process is killed while it is open.
fifo=$folder/fifo
rm -f "$fifo"; mkfifo "$fifo"
"$tuff" "$file" --list <"$fifo" >"$folder/acknowledged" &
writer=$!
exec 3>"$fifo"
for number in $(seq 1 200); do
    printf 'BEGIN;\n' >&3
    for step in 1 2 3; do
        printf 'INSERT INTO installation SELECT %d, name, %d FROM package WHERE id = %d;\n' \
            $((number * 3 + step)) "$step" $((number * 7)) >&3
    done
    printf 'COMMIT;\nSELECT %d;\n' "$number" >&3
done
printf 'BEGIN;\nUPDATE package SET installed_kib = 0;\nDELETE FROM dependency;\nSELECT 0;\n' >&3
while ! grep -qx 0 "$folder/acknowledged"; do
    kill -0 "$writer" 2>/dev/null || { echo "the writer ended by itself" >&2; exit 1; }
    sleep 0.05
done
kill -9 "$writer"
wait "$writer" 2>/dev/null || true
exec 3>&-
rm -f "$fifo"
acknowledged=$(grep -vcx 0 "$folder/acknowledged")
echo "killed; $acknowledged transactions had been acknowledged; a transaction that emptied two tables was open"

say "5. Opening the file again"
"$tuff" "$file" --box -c "
SELECT (SELECT count(*) FROM installation) / 3 AS transactions_found, $acknowledged AS acknowledged,
       (SELECT count(*) FROM installation) % 3 AS partial_rows,
       (SELECT count(*) FROM dependency) AS edges,
       (SELECT count(*) FROM package WHERE installed_kib > 0) AS packages_with_size" -c "PRAGMA integrity_check"
found=$("$tuff" "$file" -c "SELECT count(*) FROM installation")
edges=$("$tuff" "$file" -c "SELECT count(*) FROM dependency")
if [ "$found" != $((acknowledged * 3)) ] || [ "$edges" != $(($(wc -l <"$folder/dependency.csv") - 1)) ]; then
    echo "an acknowledged transaction is missing, or an open one is there" >&2
    exit 1
fi
echo "all that was acknowledged is there, and nothing else"

say "Explore it:  $tuff $file"
