#!/usr/bin/env python3
"""LIMIT and order: the same rows with the optimizer's rules and without.

Under a LIMIT plans are made for the first rows: indexes read in order, in part or whole, sorts, groups
and windows by slices, joins that look rows up, distinct values by one search each. What they give must
be what is given by reading everything. Two tables of some thousand rows with indexes on columns with
few and many values, NULLs and texts that begin alike; orders are total, and where a LIMIT may choose
freely, its rows are looked for among all.

    tests/diff/limits.py LIBTUFF [--seed N] [--seeds COUNT] [--statements N]

Prints every difference with its seed, then "N passed, M failed, K skipped".
"""
import argparse
import random
import sys

from diff import normal
from engines import Tuff

TABLES = [
    "CREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT, c INTEGER NOT NULL, d DOUBLE)",
    "CREATE INDEX t_a ON t(a)",
    "CREATE INDEX t_bc ON t(b DESC, c)",
    "CREATE UNIQUE INDEX t_cid ON t(c, id)",
    "INSERT INTO t SELECT v, CASE WHEN v % 7 <> 0 THEN v * 7919 % 53 END, CASE WHEN v % 13 <> 0 THEN "
    "'text that is long ' || (v % 9) END, v % 11, v * 104729 % 1000 FROM generate_series(1, 5000) AS g(v)",
    "CREATE TABLE u (id INTEGER PRIMARY KEY, t_id INTEGER, x INTEGER)",
    "CREATE INDEX u_t ON u(t_id)",
    "INSERT INTO u SELECT v, CASE WHEN v % 17 <> 0 THEN 1 + v * 104729 % 5000 END, v % 19 "
    "FROM generate_series(1, 9000) AS g(v)",
]
CHANGED = ["UPDATE t SET a = a + 1 WHERE id % 3 = 0", "DELETE FROM u WHERE id % 5 = 0"]
SEALED = ["PRAGMA seal_rows = 1", "CHECKPOINT", "UPDATE t SET c = c + 1 WHERE id % 10 = 0",
          "DELETE FROM t WHERE id % 97 = 0"]


class Statements:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def some(self, things):
        return self.random.sample(things, self.random.randint(1, len(things)))

    def condition(self):
        pick, number = self.random.choice, self.random.randrange
        column = "t." + pick(["a", "c", "id"])
        kind = number(8)
        if kind < 2:
            return f"{column} {pick(['<', '>', '<=', '>='])} {number(60)}"
        if kind == 2:
            return f"{column} = {number(20)}"
        if kind == 3:
            return f"t.a IS {pick(['', 'NOT '])}NULL"
        if kind == 4:
            return f"{column} IN ({number(20)}, {number(20)}, {number(50)})"
        if kind == 5:
            return f"t.b LIKE 'text%{number(9)}'"
        if kind == 6:
            return f"t.d BETWEEN 100 AND {number(100, 1000)}"
        return f"({self.condition()} OR {self.condition()})"

    def where(self, more=""):
        conditions = [self.condition() for _ in range(self.random.choice([0, 0, 1, 1, 2]))]
        conditions += [more] if more else []
        return " WHERE " + " AND ".join(conditions) if conditions else ""

    def order(self, keys, total):
        """Some of the keys first, then what makes the order total."""
        keys = self.some(keys)
        keys += [key for key in total if key not in keys]
        ways = ["", " DESC", " ASC NULLS FIRST", " DESC NULLS LAST"]
        return " ORDER BY " + ", ".join(key + self.random.choice(ways) for key in keys)

    def limit(self):
        number = self.random.randrange
        return self.random.choice(["", f" LIMIT {number(1, 150)}",
                                   f" LIMIT {number(1, 20)} OFFSET {number(300)}"])

    def rows(self):
        return (f"SELECT id, a, b, c FROM t{self.where()}" +
                self.order(["a", "b", "c", "id", "d"], ["id"]) + self.limit())

    def groups(self):
        keys = self.some(["a", "b", "c"])
        results = self.random.choice(["", "count(*), sum(id), ", "count(DISTINCT c), ",
                                      "min(d), max(b), "])
        having = self.random.choice(["", " HAVING count(*) > 2"])
        return (f"SELECT {results}{', '.join(keys)} FROM t{self.where()} GROUP BY {', '.join(keys)}"
                f"{having}" + self.order(keys, keys) + self.limit())

    def distinct(self):
        keys = self.some(["a", "b", "c"])
        return (f"SELECT DISTINCT {', '.join(keys)} FROM t{self.where()}" + self.order(keys, keys) +
                self.limit())

    def joined_groups(self):
        keys = self.some(["t.id", "t.c", "t.a"])
        return (f"SELECT {', '.join(keys)}, count(*), sum(u.x) FROM t JOIN u ON u.t_id = t.id"
                f"{self.where()} GROUP BY {', '.join(keys)}" + self.order(keys, keys) + self.limit())

    def joined(self):
        join = self.random.choice(["JOIN", "LEFT JOIN"])
        also = self.random.choice(["", " AND u.x < 9"])
        return (f"SELECT t.id, t.a, u.id, u.x FROM t {join} u ON u.t_id = t.id{also}{self.where()}" +
                self.order(["t.id", "t.a", "t.c", "u.x"], ["t.id", "u.id"]) + self.limit())

    def partners(self):
        exists = self.random.choice(["EXISTS", "NOT EXISTS"])
        test = f"u.x {self.random.choice('<>=')} {self.random.randrange(19)}"
        where = self.where(f"{exists} (SELECT 1 FROM u WHERE u.t_id = t.id AND {test})")
        return (f"SELECT t.id, t.c FROM t{where}" + self.order(["t.id", "t.c", "t.a"], ["t.id"]) +
                self.limit())

    def free_windows(self):
        partition = ", ".join(self.some(["a", "b", "c"]))
        name = self.random.choice(["rank", "row_number", "dense_rank"])
        inner = (f"SELECT id, {name}() OVER (PARTITION BY {partition} ORDER BY d, id) AS r, count(*) "
                 f"OVER (PARTITION BY {partition}) AS n FROM t{self.where()}")
        return (f"SELECT count(*) FROM ({inner} LIMIT {self.random.randrange(1, 400)}) x "
                f"JOIN ({inner}) y ON x.id = y.id AND x.r = y.r AND x.n = y.n")

    def free_groups(self):
        keys = self.some(["a", "b", "c"])
        inner = (f"SELECT {', '.join(keys)}, count(*) AS n, sum(id) AS s FROM t{self.where()} "
                 f"GROUP BY {', '.join(keys)}")
        same = " AND ".join(f"x.{key} IS NOT DISTINCT FROM y.{key}" for key in keys)
        return (f"SELECT count(*) FROM ({inner} LIMIT {self.random.randrange(1, 80)}) x "
                f"JOIN ({inner}) y ON {same} AND x.n = y.n AND x.s = y.s")

    def next(self):
        return self.random.choice([self.rows, self.groups, self.distinct, self.joined_groups,
                                   self.joined, self.partners, self.free_windows,
                                   self.free_groups])()


def run_seed(library, seed, count):
    statements = Statements(seed)
    engine = Tuff(library)
    failed = 0
    for sql in TABLES + (CHANGED if seed % 2 else []) + (SEALED if seed % 3 == 0 else []):
        engine.run(sql)
    for _ in range(count):
        sql = statements.next()
        answers = []
        for way in ("on", "off"):
            engine.run(f"PRAGMA optimizer = {way}")
            answers.append(normal(engine.run(sql)[0]))
        if answers[0] != answers[1]:
            failed += 1
            print(f"seed {seed}: {sql}\n    {answers[0][:5]}\n    without rules {answers[1][:5]}")
    engine.close()
    return failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--statements", type=int, default=100)
    arguments = parser.parse_args()
    failed = sum(run_seed(arguments.library, seed, arguments.statements)
                 for seed in range(arguments.seed, arguments.seed + arguments.seeds))
    total = arguments.seeds * arguments.statements
    print("%d passed, %d failed, %d skipped" % (total - failed, failed, 0))
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
