#!/usr/bin/env python3
"""TPC-H: the published answers, in every state the rows can be in, by every way of running.

usage: answers.py SHELL FOLDER SHARED SCALE...    (FOLDER/SCALE/*.tbl is the data)

A state is prepared by SQL, `PRAGMA volume_stats` must say that the rows are where the state says,
and then all 22 queries are asked with one and two threads, with the tuple path allowed and not,
and rows of four tables by their key, which both executors can (the 22 all need pipelines):

  memory      loaded into memory, hot
  memory sealed   volumes made of it
  hot         loaded into a file, nothing sealed
  sealed      a checkpoint has made volumes of all rows
  reopened    the file closed and opened again
  changed     after the seal half of the rows of every table changed, and changed back: hot
              versions of them stand before the sealed ones
  resealed    a checkpoint over that
  reopened 2  and closed and opened again

The last line is "N passed, M failed", one for each answer and for each look at the tiers.
"""
import csv
import os
import re
import subprocess
import sys

TABLES = "region nation part supplier partsupp customer orders lineitem".split()
WAYS = [(threads, fast) for threads in (1, 2) for fast in ("on", "off")]
KEYED = ["customer", "orders", "lineitem", "part"]
KEYS_ASKED = 25 # of each table
NUMBER = re.compile(r"^-?\d+(\.\d+)?([eE][-+]?\d+)?$")

# Which rows are changed, and how: a column of every table's own, numbers and text, keys aside.
CHANGES = [
    ("region", "r_regionkey", "r_comment", "'changed ' || {}", "substr({}, 9)"),
    ("nation", "n_nationkey", "n_name", "'changed ' || {}", "substr({}, 9)"),
    ("part", "p_partkey", "p_size", "{} + 1000", "{} - 1000"),
    ("supplier", "s_suppkey", "s_acctbal", "{} + 1000", "{} - 1000"),
    ("partsupp", "ps_partkey", "ps_supplycost", "{} + 1000", "{} - 1000"),
    ("customer", "c_custkey", "c_acctbal", "{} + 1000", "{} - 1000"),
    ("orders", "o_orderkey", "o_orderpriority", "'x' || {}", "substr({}, 2)"),
    ("lineitem", "l_orderkey", "l_quantity", "{} + 1000", "{} - 1000"),
]


def fields_agree(expected, actual):
    """Numbers within 1e-9 relative, dates by ten characters, text but for blanks at its end."""
    expected, actual = expected.rstrip(), actual.rstrip()
    if expected == actual:
        return True
    if NUMBER.match(expected) and NUMBER.match(actual):
        a, b = float(expected), float(actual)
        return abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1e-300)
    if re.match(r"^\d{4}-\d\d-\d\d", expected):
        return expected[:10] == actual[:10]
    return False


def difference(expected, actual):
    """None when the answers agree, rows in order."""
    if len(expected) != len(actual):
        return f"expected {len(expected)} rows, got {len(actual)}"
    for number, (left, right) in enumerate(zip(expected, actual), 1):
        if len(left) != len(right) or not all(map(fields_agree, left, right)):
            return f"row {number}: expected {left}, got {right}"
    return None


def read_rows(path, delimiter, quoting, skipped=1):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file, delimiter=delimiter, quoting=quoting))[skipped:]


class Scale:
    def __init__(self, shell, folder, shared, scale):
        self.shell, self.scale = shell, scale
        self.folder = os.path.join(folder, scale)
        self.database = os.path.join(self.folder, "test.tuff")
        self.passed = self.failed = 0
        self.queries, self.answers = {}, {}
        for number in range(1, 23):
            name = f"q{number:02d}"
            with open(f"{shared}/tpch/queries/{name}.sql", encoding="utf-8") as file:
                self.queries[name] = file.read()
            self.answers[name] = read_rows(
                f"{shared}/tpch/answers/{scale}/{name}.csv", "|", csv.QUOTE_NONE)
        with open(f"{shared}/tpch/schema.sql", encoding="utf-8") as file:
            self.load = file.read()
        for table in TABLES:
            self.load += (f"COPY {table} FROM '{self.folder}/{table}.tbl' "
                          "(FORMAT csv, DELIMITER '|', HEADER false);\n")
        self.rows, self.key_reads, self.key_rows = {}, [], []
        for table in TABLES:
            rows = read_rows(f"{self.folder}/{table}.tbl", "|", csv.QUOTE_NONE, 0)
            self.rows[table] = len(rows)
            if table in KEYED:
                self.choose_keys(table, rows)

    def choose_keys(self, table, rows):
        """Reads by key all over the table, and the rows that they find, in their order there."""
        key = {row[0]: row[1] for row in CHANGES}[table]
        step = len(rows) // KEYS_ASKED
        for value in [row[0] for row in rows[step // 2::step]]:
            order = " ORDER BY l_linenumber" if table == "lineitem" else ""
            self.key_reads.append(f"SELECT * FROM {table} WHERE {key} = {value}{order};")
            self.key_rows += [row for row in rows if row[0] == value]

    def report(self, what, problem):
        if problem is None:
            self.passed += 1
        else:
            self.failed += 1
            print(f"tpch {self.scale} {what}: {problem}")

    def output(self, state, threads, fast, name):
        return os.path.join(self.folder, f"{state}.{threads}.{fast}.{name}.csv".replace(" ", "-"))

    def script_of(self, state, setup):
        """The state's SQL: setup, tiers, then every query every way, each into a file."""
        lines = [setup, ".mode csv", ".headers on",
                 f".output {self.output(state, 0, 'tiers', 'all')}", "PRAGMA volume_stats;"]
        for threads, fast in WAYS:
            lines += [f"PRAGMA threads={threads};", f"PRAGMA fast_path={fast};"]
            for name, query in self.queries.items():
                lines += [f".output {self.output(state, threads, fast, name)}", query]
            lines += [".headers off", f".output {self.output(state, threads, fast, 'keys')}"]
            lines += self.key_reads + [".headers on"]
        return "\n".join(lines + [".output", ""])

    def check_tiers(self, state, wanted):
        """`wanted`(rows of the table, hot, cold) tells whether the live rows are where they
        should be."""
        found = {table: {"hot": 0, "cold": 0} for table in TABLES}
        for row in read_rows(self.output(state, 0, "tiers", "all"), ",", csv.QUOTE_MINIMAL):
            if row[1] in ("hot", "cold"):
                found[row[0]][row[1]] += int(row[3]) - int(row[5])
        for table, tiers in found.items():
            good = wanted(self.rows[table], tiers["hot"], tiers["cold"])
            self.report(f"{state}, tiers of {table}",
                        None if good else f"{self.rows[table]} rows, of which {tiers}")

    def run(self, database, states):
        """Runs states after each other on one connection: (name, setup, wanted tiers) each."""
        script = "".join(self.script_of(state, setup) for state, setup, _ in states)
        done = subprocess.run([self.shell, database], input=script, text=True,
                              capture_output=True, timeout=600, check=False)
        if done.returncode or done.stderr:
            self.report(states[0][0], f"exit {done.returncode} {done.stderr[:500]}")
        for state, _, wanted in states:
            self.check_tiers(state, wanted)
            for threads, fast in WAYS:
                for name, expected in [*self.answers.items(), ("keys", self.key_rows)]:
                    path = self.output(state, threads, fast, name)
                    actual = []
                    if os.path.exists(path):
                        actual = read_rows(path, ",", csv.QUOTE_MINIMAL, int(name != "keys"))
                        os.remove(path)
                    self.report(f"{state}, {threads} threads, tuple path {fast}, {name}",
                                difference(expected, actual))

    def changes(self):
        """Half of the rows by the parity of their key, in one transaction there and one back."""
        script = []
        for way in (3, 4):
            script.append("BEGIN;")
            for change in CHANGES:
                table, key, column = change[:3]
                new = change[way].format(column)
                script.append(f"UPDATE {table} SET {column} = {new} WHERE {key} % 2 = 0;")
            script.append("COMMIT;")
        return "\n".join(script)

    def all_states(self):
        for suffix in ("", "-wal"):
            if os.path.exists(self.database + suffix):
                os.remove(self.database + suffix)
        never, always = "PRAGMA seal_rows=1000000000;\n", "PRAGMA seal_rows=1;\nCHECKPOINT;\n"

        def hot(rows, in_hot, in_cold):
            return in_hot == rows and in_cold == 0

        def cold(rows, in_hot, in_cold):
            return in_hot == 0 and in_cold == rows

        def both(rows, in_hot, in_cold):
            return in_hot >= rows // 3 and in_cold >= rows // 3 and in_hot + in_cold == rows

        self.run("memory://", [("memory", never + self.load, hot),
                               ("memory sealed", always, cold)])
        self.run(self.database, [("hot", never + self.load, hot),
                                 ("sealed", always, cold)])
        self.run(self.database, [("reopened", "", cold), ("changed", never + self.changes(), both),
                                 ("resealed", always, cold)])
        self.run(self.database, [("reopened 2", "", cold)])


def main():
    shell, folder, shared = sys.argv[1:4]
    passed = failed = 0
    for name in sys.argv[4:]:
        scale = Scale(shell, folder, shared, name)
        scale.all_states()
        passed, failed = passed + scale.passed, failed + scale.failed
    print(f"{passed} passed, {failed} failed")


if __name__ == "__main__":
    main()
