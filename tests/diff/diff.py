#!/usr/bin/env python3
"""Differential test: random statements, Tuff's answers against SQLite's.

A seed makes a schema, rows and a stream of statements out of the part of SQL in which both
engines must agree (writer.py). Each statement is run in both; answers are compared as bags, as
lists where ORDER BY makes them total; after changes whole tables are compared. With --variants
every query runs three times in Tuff: as it is, without the optimizer's rules, and without the
tuple path: all must agree. The number of seeds bounds a run, so that it is the same everywhere.

    tests/diff/diff.py LIBTUFF [--seed N] [--seeds COUNT] [--statements N] [--depth D]
                       [--variants] [--cold] [--verbose]

Prints every difference with its seed, then "N passed, M failed, K skipped".
"""
import argparse
import sqlite3
import sys
import tempfile

from engines import Lite, Tuff
from writer import Writer, for_engine


def normal(rows):
    """Floats that both engines sum in their own order are compared to 9 digits."""
    return [tuple(round(v, 9) if isinstance(v, float) and not v.is_integer() else int(v) if isinstance(v, float) else v for v in row) for row in rows]


def key(row):
    return tuple((v is None, isinstance(v, str), v if v is not None else 0) for v in row)


class Run:
    def __init__(self, arguments):
        self.arguments = arguments
        self.passed = self.failed = self.skipped = 0

    def report(self, seed, sql, detail):
        self.failed += 1
        print("seed %d: %s\n    %s" % (seed, detail, sql), flush=True)

    def compare(self, seed, sql, expected, found, ordered, what):
        expected, found = normal(expected), normal(found)
        if not ordered:
            expected, found = sorted(expected, key=key), sorted(found, key=key)
        if expected == found:
            self.passed += 1
            return
        missing = [row for row in expected if row not in found][:3]
        extra = [row for row in found if row not in expected][:3]
        self.report(seed, sql, "%s: %d rows, SQLite has %d; missing %s, extra %s" % (what, len(found), len(expected), missing, extra))

    def settings(self):
        return [("", [])] if not self.arguments.variants else [
            ("", []),
            ("without rules", ["optimizer"]),
            ("without the tuple path", ["fast_path"]),
        ]

    def check_query(self, seed, tuff, lite, writer):
        written, ordered = writer.select()
        sql = for_engine(written, False)
        if self.arguments.verbose:
            print(sql, flush=True)
        try:
            expected, _ = lite.run(for_engine(written, True))
        except sqlite3.Error as error:
            self.skipped += 1
            if self.arguments.verbose:
                print("    SQLite: %s" % error)
            return
        for what, names in self.settings():
            for name in names:
                tuff.run("SET %s = off" % name)
            try:
                found, _ = tuff.run(sql)
                self.compare(seed, sql, expected, found, ordered, "answer " + what)
            except ValueError as error:
                if "22003: the result of * is out of range" in str(error):
                    self.skipped += 1  # SQLite goes on with a float
                else:
                    self.report(seed, sql, "error %s: %s" % (what, error))
            for name in names:
                tuff.run("SET %s = on" % name)

    def check_change(self, seed, tuff, lite, writer):
        table, sql = writer.change()
        if self.arguments.verbose:
            print(sql, flush=True)
        refused = accepted = None
        try:
            lite.run(sql)
        except sqlite3.Error as error:
            refused = error
        try:
            tuff.run(sql)
        except ValueError as error:
            accepted = error
        if (refused is None) != (accepted is None):
            self.report(seed, sql, "Tuff says %s, SQLite %s" % (accepted or "done", refused or "done"))
        read = "SELECT * FROM " + table
        self.compare(seed, sql, lite.run(read)[0], tuff.run(read)[0], False, "rows of %s after it" % table)

    def one_seed(self, seed):
        if not self.arguments.cold:
            return self.run_seed(seed, "memory://")
        with tempfile.TemporaryDirectory() as folder:
            return self.run_seed(seed, folder + "/diff.tuff")

    def run_seed(self, seed, dsn):
        tuff, lite, writer = Tuff(self.arguments.library, dsn), Lite(), Writer(seed, self.arguments.depth)
        if self.arguments.cold:
            tuff.run("SET seal_rows = 2")
            tuff.run("SET sync_mode = none")
        for sql in writer.schema():
            lite.run(sql)
            tuff.run(sql)
        for _ in range(self.arguments.statements):
            if self.failed > 20:
                break
            if self.arguments.cold and writer.chance(0.15):
                tuff.run("CHECKPOINT")
            if self.arguments.cold and writer.chance(0.05):
                tuff.close()
                tuff = Tuff(self.arguments.library, dsn)
                tuff.run("SET seal_rows = 2")
            if writer.chance(0.5 if self.arguments.cold else 0.15):
                self.check_change(seed, tuff, lite, writer)
            else:
                self.check_query(seed, tuff, lite, writer)
        tuff.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--statements", type=int, default=60)
    parser.add_argument("--depth", type=int, default=2, help="of subqueries and derived tables")
    parser.add_argument("--variants", action="store_true")
    parser.add_argument("--cold", action="store_true", help="a file, sealed and reopened now and then")
    parser.add_argument("--verbose", action="store_true")
    run = Run(parser.parse_args())
    for seed in range(run.arguments.seed, run.arguments.seed + run.arguments.seeds):
        if run.failed <= 20:
            run.one_seed(seed)
    print("%d passed, %d failed, %d skipped" % (run.passed, run.failed, run.skipped))
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
