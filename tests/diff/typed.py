#!/usr/bin/env python3
"""Differential test against DuckDB: what SQLite lacks. DECIMAL, DATE, TIMESTAMP and INTERVAL
arithmetic, EXTRACT, FULL JOIN, window frames by rows, range and groups, INTERSECT and EXCEPT ALL.

Left out, because the two differ on purpose: division (DuckDB divides into floats), the type of sums over
floats, ORDER BY without NULLS, months added to months of other lengths in INTERVAL comparisons.

    tests/diff/typed.py LIBTUFF LIBDUCKDB [--seed N] [--seeds COUNT] [--statements N] [--verbose]
"""
import argparse
import re
import sys
from decimal import Decimal, InvalidOperation

from engines import Duck, Tuff
from writer import Writer, for_engine

# Kinds: i INTEGER, t TEXT, n DECIMAL, d DATE, s TIMESTAMP, v INTERVAL
FIELDS = ("year", "month", "day", "quarter", "dow", "isodow", "doy", "week", "decade", "century")
TIME_FIELDS = FIELDS + ("hour", "minute")
UNITS = ("year", "quarter", "month", "week", "day")


class Typed(Writer):
    TABLES = {
        "t0": [("id", "i"), ("a", "i"), ("n", "n"), ("d", "d")],
        "t1": [("id", "i"), ("a", "i"), ("n", "n"), ("s", "s"), ("t", "t")],
        "t2": [("k", "i"), ("d", "d"), ("s", "s"), ("m", "n")],
        "t3": [("x", "i"), ("y", "i"), ("t", "t"), ("d", "d")],
    }
    TYPES = {"i": "INTEGER", "t": "TEXT", "n": "DECIMAL(10,2)", "d": "DATE", "s": "TIMESTAMP"}
    DIVISIONS = ("%",)
    KINDS = ("i", "n", "d", "s", "t")

    def schema(self, duck):
        for name, columns in self.TABLES.items():
            types = dict(self.TYPES, i="BIGINT") if duck else self.TYPES
            yield "CREATE TABLE %s (%s)" % (name, ", ".join("%s %s" % (column, types[kind]) for column, kind in columns))

    def rows(self):
        for name, columns in self.TABLES.items():
            for number in range(self.pick(0, 4, 15, 40)):
                values = []
                for column, kind in columns:
                    if column == "id":
                        values.append(str(number * 2 + 1))
                    else:
                        values.append("NULL" if self.chance(0.15) else self.literal(kind))
                yield "INSERT INTO %s VALUES (%s)" % (name, ", ".join(values))

    def literal(self, kind):
        if kind == "n":
            return "%d.%02d" % (self.random.randint(-20, 120), self.random.randint(0, 99))
        day = "%04d-%02d-%02d" % (self.pick(1899, 1970, 1999, 2000, 2023, 2024, 2024, 2100), self.random.randint(1, 12), self.pick(1, 2, 15, 27, 28))
        if kind == "d":
            return "DATE '%s'" % self.pick(day, day, "2024-02-29", "2023-12-31", "2000-01-31")
        if kind == "s":
            return "TIMESTAMP '%s %02d:%02d:%02d'" % (day, self.random.randint(0, 23), self.random.randint(0, 59), self.random.randint(0, 59))
        if kind == "v":
            return "INTERVAL '%d %s'" % (self.random.randint(-30, 40), self.pick("day", "month", "year", "hour", "minute"))
        return super().literal(kind)

    def expression(self, columns, kind, depth):
        if kind in "it":
            if kind == "i" and depth > 0 and self.chance(0.35):
                return self.field(columns, depth)
            return super().expression(columns, kind, depth)
        if depth <= 0 or self.chance(0.3):
            return self.column(columns, kind)
        one = lambda: self.expression(columns, kind, depth - 1)
        form = self.random.randint(0, 4)
        if form == 0:
            return "CASE WHEN %s THEN %s ELSE %s END" % (self.condition(columns, depth - 1, False), one(), one())
        if form == 1:
            return "COALESCE(%s, %s)" % (one(), one())
        if form == 2:
            return "%s(%s, %s)" % (self.pick("greatest", "least"), one(), one())
        return {"n": self.decimal, "d": self.date, "s": self.timestamp}[kind](columns, depth - 1)

    def field(self, columns, depth):
        kind = self.pick("d", "s", "gap")
        if kind == "gap":
            return "(%s - %s)" % (self.expression(columns, "d", depth - 1), self.expression(columns, "d", depth - 1))
        return "EXTRACT(%s FROM %s)" % (self.pick(*(FIELDS if kind == "d" else TIME_FIELDS)), self.expression(columns, kind, depth - 1))

    def decimal(self, columns, depth):
        one = lambda: self.expression(columns, "n", depth)
        form = self.random.randint(0, 5)
        if form <= 2:
            return "CAST(%s %s %s AS DECIMAL(18,2))" % (one(), self.pick("+", "-"), one())
        if form == 3:
            return "CAST(%s * %s AS DECIMAL(18,2))" % (self.column(columns, "n"), self.pick("2", "0.5", "1.25", "-3"))
        if form == 4:
            return "abs(%s)" % one()
        return "CAST(%s AS DECIMAL(18,2))" % self.column(columns, "i")

    def date(self, columns, depth):
        form = self.random.randint(0, 2)
        if form == 0:
            return "(%s %s %d)" % (self.expression(columns, "d", depth), self.pick("+", "-"), self.random.randint(0, 400))
        if form == 1:
            return "CAST(%s AS DATE)" % self.expression(columns, "s", depth)
        return "CAST(date_trunc('%s', %s) AS DATE)" % (self.pick(*UNITS), self.expression(columns, "d", depth))

    def timestamp(self, columns, depth):
        form = self.random.randint(0, 3)
        if form == 0:
            return "CAST(%s AS TIMESTAMP)" % self.expression(columns, "d", depth)
        if form == 1:
            return "date_trunc('%s', %s)" % (self.pick("hour", "minute", *UNITS), self.expression(columns, "s", depth))
        return "(%s %s %s)" % (self.expression(columns, self.pick("d", "s"), depth), self.pick("+", "-"), self.literal("v"))

    def condition(self, columns, depth, subqueries=True):
        if self.chance(0.4):
            kind = self.pick("n", "d", "s")
            one = lambda: self.expression(columns, kind, max(depth - 1, 0))
            if self.chance(0.3):
                return "%s %sBETWEEN %s AND %s" % (one(), self.pick("", "NOT "), one(), one())
            return "%s %s %s" % (one(), self.pick("=", "<", ">=", "<>", "IS DISTINCT FROM"), one())
        return super().condition(columns, depth, subqueries)

    def aggregate(self, columns, kind):
        if kind == "i":
            return super().aggregate(columns, kind)
        if kind == "n" and self.chance(0.5):
            return "CAST(sum(%s) AS DECIMAL(18,2))" % self.expression(columns, "n", 1)
        return "%s(%s)" % (self.pick("min", "max"), self.expression(columns, kind, 1))

    def kinds(self, kinds):
        return kinds or [self.random.choice(self.KINDS) for _ in range(self.random.randint(1, 4))]

    def source(self, depth):
        source, columns = self.from_item(depth)
        for _ in range(self.pick(0, 0, 1, 1, 2)):
            item, more = self.from_item(depth)
            kind = self.pick("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "FULL JOIN")
            # DuckDB takes only conditions that compare both sides in a FULL JOIN.
            condition = "%s = %s" % (self.column(columns, "i"), self.column(more, "i")) if kind in ("FULL JOIN", "RIGHT JOIN") else self.join_condition(columns, more)
            source = "%s %s %s ON %s" % (source, kind, item, condition)
            columns = columns + more
        return source, columns

    def windowed(self, depth):
        source, columns = self.table()
        unique = ", ".join("%s NULLS FIRST" % text for text, _ in columns)
        exprs, kinds = [text for text, _ in columns[:2]], [kind for _, kind in columns[:2]]
        for _ in range(self.random.randint(1, 3)):
            partition = "PARTITION BY %s " % self.column(columns, self.pick("i", "t")) if self.chance(0.5) else ""
            kind = self.pick("n", "d", "i")
            argument = self.column(columns, self.pick("i", "n"))
            low, high = self.random.randint(0, 3), self.random.randint(0, 3)
            order = "%s NULLS %s" % (self.column(columns, kind), self.pick("FIRST", "LAST"))
            form = self.random.randint(0, 3)
            if form == 0:
                frame = "ORDER BY %s, %s ROWS BETWEEN %s AND %s" % (order, unique, self.pick("UNBOUNDED PRECEDING", "%d PRECEDING" % low, "CURRENT ROW"), self.pick("UNBOUNDED FOLLOWING", "%d FOLLOWING" % high, "CURRENT ROW"))
            elif form == 1:
                distance = {"n": "%d.5", "d": "INTERVAL '%d days'", "i": "%d"}[kind]
                frame = "ORDER BY %s RANGE BETWEEN %s PRECEDING AND %s FOLLOWING" % (order, distance % (low * 30), distance % high)
            elif form == 2:
                frame = "ORDER BY %s GROUPS BETWEEN %d PRECEDING AND %d FOLLOWING" % (order, low, high)
            else:
                exprs.append("%s OVER (%sORDER BY %s, %s)" % (self.pick("row_number()", "ntile(%d)" % (low + 1), "lag(%s)" % argument, "lead(%s, 2)" % argument, "rank()", "dense_rank()"), partition, order, unique))
                kinds.append("i")
                continue
            exprs.append("%s(%s) OVER (%s%s)" % (self.pick("sum", "min", "max", "count"), argument, partition, frame))
            kinds.append("i")
        return "SELECT %s FROM %s%s" % (self.outputs(exprs), source, self.where(columns, 0)), kinds

    def set_operation(self, depth, kinds):
        kinds = self.kinds(kinds)
        left, _ = self.pick(self.plain, self.grouped)(depth - 1, kinds)
        right, _ = self.plain(depth - 1, kinds)
        return "%s %s %s" % (left, self.pick("UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"), right), kinds


def normal(value):
    """One spelling for one value: numbers without trailing zeros, timestamps without a fraction of zero."""
    if value is None:
        return None
    if isinstance(value, (int, float)):
        return Decimal(repr(value)).normalize() + 0
    if value in ("true", "false"):
        return Decimal(int(value == "true"))
    try:
        return Decimal(value).normalize() + 0
    except InvalidOperation:
        return re.sub(r"\.0+$", "", value)


def key(row):
    return tuple((v is None, isinstance(v, str), v if v is not None else 0) for v in row)


class Run:
    def __init__(self, arguments):
        self.arguments = arguments
        self.passed = self.failed = self.skipped = 0

    def check(self, seed, sql, ordered, tuff, duck):
        found = expected = None
        try:
            expected = [tuple(map(normal, row)) for row in duck.run(sql)]
        except ValueError as error:
            refused = str(error)
        try:
            found = [tuple(map(normal, row)) for row in tuff.run_for(sql, 5)]
        except ValueError as error:
            complaint = str(error)
        if expected is None:
            self.skipped += 1
            if self.arguments.verbose:
                print("DuckDB: %s\n    %s" % (refused.split("\n")[0], sql))
            return
        if found is not None:
            if not ordered:
                expected.sort(key=key)
                found.sort(key=key)
            if expected == found:
                self.passed += 1
                return
            complaint = "%d rows, DuckDB has %d; %s" % (len(found), len(expected), [pair for pair in zip(found, expected) if pair[0] != pair[1]][:2])
        elif complaint.startswith("57014"):
            self.skipped += 1
            return
        self.failed += 1
        print("seed %d: %s\n    %s" % (seed, complaint, sql), flush=True)

    def run_all(self):
        for seed in range(self.arguments.seed, self.arguments.seed + self.arguments.seeds):
            self.one_seed(seed)
            if self.failed > 20:
                break
        print("%d passed, %d failed, %d skipped" % (self.passed, self.failed, self.skipped))
        return 1 if self.failed else 0

    def one_seed(self, seed):
        tuff, duck, writer = Tuff(self.arguments.library), Duck(self.arguments.duckdb), Typed(seed, 2)
        tuff.value = tuff.text
        for engine, is_duck in ((tuff, False), (duck, True)):
            for sql in writer.schema(is_duck):
                engine.run(sql)
        for sql in writer.rows():
            tuff.run(sql)
            duck.run(sql)
        for _ in range(self.arguments.statements):
            written, ordered = writer.select()
            self.check(seed, for_engine(written, False), ordered, tuff, duck)
        tuff.close()
        duck.close()


def arguments_of():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("duckdb")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--statements", type=int, default=60)
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(Run(arguments_of()).run_all())
