#!/usr/bin/env python3
"""Self-differential test: one statement, one answer, however it is run.

Tables of some thousand rows, large enough for several vectors, threads and volumes. The statements of
writer.py run in every way that may not matter: with the optimizer's rules and without, by row and in
pipelines, on one thread and two, over hot rows, over volumes with delete marks, and after the file was
closed and opened. Only Tuff is asked: what takes long is interrupted and counts as skipped.

    tests/diff/same.py LIBTUFF [--seed N] [--seeds COUNT] [--statements N] [--rows N] [--seconds S] [--verbose]
"""
import argparse
import sys
import tempfile

from diff import key, normal
from engines import Tuff
from writer import Writer, for_engine

# Ways to run a statement: name, settings.
WAYS = [
    ("as usual", {}),
    ("without rules", {"optimizer": "off"}),
    ("without the tuple path", {"fast_path": "off"}),
    ("on one thread", {"threads": "1"}),
    ("on one thread without rules", {"threads": "1", "optimizer": "off"}),
]
USUAL = {"optimizer": "on", "fast_path": "on", "threads": "2"}


class Large(Writer):
    """The tables of Writer, filled by INSERT ... SELECT with numbers that depend on the seed."""

    def fill(self, rows):
        for name, columns in self.TABLES.items():
            count = self.pick(rows, rows, rows // 3, 40)
            values = []
            for column, kind in columns:
                factor, modulus = self.pick(7919, 104729, 31), self.pick(311, 997, 3001, 100003)
                number = "(i * %d + %d) %% %d" % (factor, self.random.randint(0, 999), modulus)
                text = number if kind == "i" else "substr('%s', 1 + %s %% 9, 1 + i %% 3)" % ("abcabbcab", number)
                if column == "id":
                    text = "i * %d - 50" % self.pick(1, 1, 3)
                elif column != "x" and self.chance(0.5):
                    text = "CASE WHEN i %% %d > 0 THEN %s END" % (self.pick(2, 7, 11), text)
                values.append(text)
            yield "INSERT INTO %s SELECT %s FROM generate_series(1, %d) AS g (i)" % (name, ", ".join(values), count)
            yield "DELETE FROM %s WHERE %s %% 17 = 3" % (name, columns[0][0])

    def source(self, depth):
        """One join at most, and by equality: products of thousands of rows say nothing more."""
        source, columns = self.from_item(depth)
        if self.chance(0.6):
            item, more = self.from_item(depth)
            source = "%s %s %s ON %s" % (source, self.pick("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"), item, self.join_condition(columns, more))
            columns = columns + more
        return source, columns

    def join_condition(self, left, right):
        condition = "%s = %s" % (self.column(left, "i"), self.column(right, "i"))
        if self.chance(0.4):
            condition += " AND " + self.condition(left + right, 1, False)
        return condition

    def definitions(self):
        return [sql for sql in self.schema() if sql.startswith("CREATE")]


class Same:
    def __init__(self, arguments):
        self.arguments = arguments
        self.passed = self.failed = self.skipped = 0

    def answer(self, tuff, sql, ordered):
        """Rows, or the error's SQLSTATE; None when it takes too long."""
        try:
            rows = normal(tuff.run_for(sql, self.arguments.seconds))
        except ValueError as error:
            if str(error).startswith(("57014", "53200")):
                return None
            return str(error)
        return rows if ordered else sorted(rows, key=key)

    def check(self, seed, expected, found, sql, way):
        if found is None:
            self.skipped += 1
        # Which row raises an error is nobody's promise.
        elif expected == found or (isinstance(expected, str) and isinstance(found, str)):
            self.passed += 1
        else:
            self.failed += 1
            sizes = [len(x) if isinstance(x, list) else x for x in (expected, found)]
            print("seed %d: %s gives %s rows, as usual %s\n    %s" % (seed, way, sizes[1], sizes[0], sql), flush=True)
            if isinstance(expected, list) and isinstance(found, list):
                print("    first difference: %s" % [pair for pair in zip(expected, found) if pair[0] != pair[1]][:1])

    def ask_all(self, seed, tuff, queries, answers, state):
        for place, (sql, ordered) in enumerate(queries):
            if self.arguments.verbose:
                print(state, sql, flush=True)
            for way, settings in WAYS:
                for name, value in settings.items():
                    tuff.run("SET %s = %s" % (name, value))
                found = self.answer(tuff, sql, ordered)
                for name in settings:
                    tuff.run("SET %s = %s" % (name, USUAL[name]))
                if answers[place] is None and state == "hot" and way == "as usual":
                    answers[place] = found
                if answers[place] is not None:
                    self.check(seed, answers[place], found, sql, "%s, %s" % (state, way))

    def one_seed(self, seed, folder):
        path, writer = folder + "/same.tuff", Large(seed, 1)
        tuff = Tuff(self.arguments.library, path)
        tuff.run("SET sync_mode = none")
        tuff.run("SET seal_rows = 100000000")
        for sql in writer.definitions():
            tuff.run(sql)
        for sql in writer.fill(self.arguments.rows):
            tuff.run(sql)
        tuff.run("SET threads = 2")
        queries = []
        for _ in range(self.arguments.statements):
            written, ordered = writer.select()
            queries.append((for_engine(written, False), ordered))
        answers = [None] * len(queries)
        self.ask_all(seed, tuff, queries, answers, "hot")
        tuff.run("SET seal_rows = 500")
        tuff.run("CHECKPOINT")
        self.ask_all(seed, tuff, queries, answers, "sealed")
        for table, columns in writer.TABLES.items():  # marks, and rows hot again, that change nothing
            column = columns[-1][0]
            tuff.run("UPDATE %s SET %s = %s WHERE %s %% 5 = 1" % (table, column, column, columns[0][0]))
        tuff.run("CHECKPOINT")
        self.ask_all(seed, tuff, queries, answers, "half changed")
        tuff.close()
        tuff = Tuff(self.arguments.library, path)
        tuff.run("SET threads = 2")
        self.ask_all(seed, tuff, queries, answers, "reopened")
        problems = [row[0] for row in tuff.run("PRAGMA integrity_check")[0]]
        if problems != ["ok"]:
            self.failed += 1
            print("seed %d: integrity check: %s" % (seed, problems[:3]), flush=True)
        tuff.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--statements", type=int, default=40)
    parser.add_argument("--rows", type=int, default=2500)
    parser.add_argument("--seconds", type=float, default=5, help="of a statement")
    parser.add_argument("--verbose", action="store_true")
    run = Same(parser.parse_args())
    for seed in range(run.arguments.seed, run.arguments.seed + run.arguments.seeds):
        with tempfile.TemporaryDirectory() as folder:
            run.one_seed(seed, folder)
        if run.failed > 20:
            break
    print("%d passed, %d failed, %d skipped" % (run.passed, run.failed, run.skipped))
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
