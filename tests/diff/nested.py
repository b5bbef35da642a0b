#!/usr/bin/env python3
"""Differential test against DuckDB: queries within queries where Writer puts none. LATERAL, CTEs of
CTEs, recursion, correlated subqueries in the select list, in HAVING, in ORDER BY, in JOIN ON, in
arguments of aggregates and of window functions, set operations below IN, USING, DISTINCT ON.

Left out: orders that ties leave open, division, and correlated LIMIT without an order.

    tests/diff/nested.py LIBTUFF LIBDUCKDB [--seed N] [--seeds COUNT] [--statements N] [--verbose]
"""
import random
import sys

from engines import Duck, Tuff
from typed import Run, arguments_of

TABLES = {"p": ("id", "a", "b"), "q": ("id", "a", "c"), "r": ("b", "c")}


class Nested:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.names = 0

    def pick(self, *choices):
        return self.random.choice(choices)

    def chance(self, probability):
        return self.random.random() < probability

    def schema(self):
        for name, columns in TABLES.items():
            yield "CREATE TABLE %s (%s)" % (name, ", ".join(column + " BIGINT" for column in columns))
            for number in range(self.pick(0, 3, 8, 20)):
                values = [str(number) if column == "id" else "NULL" if self.chance(0.15) else str(self.random.randint(0, 6)) for column in columns]
                yield "INSERT INTO %s VALUES (%s)" % (name, ", ".join(values))

    def alias(self):
        self.names += 1
        return "n%d" % self.names

    # ---- Values over the columns in sight ("alias.column")

    def column(self, sight):
        return self.random.choice(sight)

    def value(self, sight, depth):
        if depth and self.chance(0.25):
            return self.scalar(sight, depth - 1)
        return self.pick(
            lambda: self.column(sight), lambda: self.column(sight), lambda: str(self.random.randint(0, 6)),
            lambda: "%s + %s" % (self.column(sight), self.pick("1", self.column(sight))),
            lambda: "coalesce(%s, %s)" % (self.column(sight), self.pick("-1", self.column(sight))))()

    def test(self, sight, depth):
        plain = lambda: "%s %s %s" % (self.value(sight, depth), self.pick("=", "<", ">=", "<>", "IS NOT DISTINCT FROM"), self.value(sight, depth))
        if depth and self.chance(0.4):
            return self.pick(
                lambda: "%sEXISTS (%s)" % (self.pick("", "NOT "), self.rows(sight, depth - 1, 1)),
                lambda: "%s %sIN (%s)" % (self.column(sight), self.pick("", "NOT "), self.rows(sight, depth - 1, 1)),
                lambda: "%s %s %s (%s)" % (self.column(sight), self.pick("=", "<", ">"), self.pick("ANY", "ALL"), self.rows(sight, depth - 1, 1)))()
        return self.pick(plain, plain, lambda: "%s IS %sNULL" % (self.column(sight), self.pick("", "NOT ")),
                         lambda: "(%s OR %s)" % (plain(), plain()))()

    def aggregate(self, sight, depth):
        value = self.pick("%s", "%s", "%s + 1", "coalesce(%s, -1)") % self.column(sight) if not depth else self.value(sight, depth)
        return "%s(%s)" % (self.pick("sum", "min", "max", "count", "count"), value)

    def scalar(self, outer, depth):
        source, sight = self.source(outer, depth)
        where = " WHERE %s" % self.where(sight, outer, depth)
        kind = self.random.random()
        if kind < 0.6:
            having = " HAVING %s > %s" % (self.aggregate(sight, 0), self.value(outer, 0)) if outer and self.chance(0.2) else ""
            return "(SELECT %s FROM %s%s%s)" % (self.aggregate(sight, 0), source, where, having)
        column = self.column(sight)
        return "(SELECT %s FROM %s%s ORDER BY %s %s NULLS LAST LIMIT 1)" % (column, source, where, column, self.pick("ASC", "DESC"))

    def where(self, sight, outer, depth):
        parts = [self.test(sight, 0)] if self.chance(0.5) else []
        if outer:
            parts.append("%s %s %s" % (self.column(sight), self.pick("=", "=", "<", ">"), self.column(outer)))
        if depth and self.chance(0.3):
            parts.append(self.test(sight + outer, depth - 1))
        return " AND ".join(parts) or "true"

    # ---- Rows

    def table(self):
        name = self.random.choice(list(TABLES))
        alias = self.alias()
        return "%s AS %s" % (name, alias), ["%s.%s" % (alias, column) for column in TABLES[name]]

    def source(self, outer, depth, lateral=False):
        """An item of FROM, and the columns that it gives."""
        if not depth or self.chance(0.45):
            return self.table()
        if self.chance(0.4):
            count = self.random.randint(1, 2)
            alias = self.alias()
            text = "(%s) AS %s (%s)" % (self.rows(outer if lateral else [], depth - 1, count), alias, ", ".join("x%d" % i for i in range(count)))
            return ("LATERAL " if lateral else "") + text, ["%s.x%d" % (alias, i) for i in range(count)]
        left, left_sight = self.source(outer, depth - 1, lateral)
        if self.chance(0.5):
            right, right_sight = self.source(outer + left_sight, depth - 1, True)
        else:
            right, right_sight = self.source([], depth - 1)
        sight = left_sight + right_sight
        kind = self.pick("JOIN", "LEFT JOIN", "LEFT JOIN")
        condition = self.test(sight, 0) if self.chance(0.3) else "%s = %s" % (self.column(left_sight), self.column(right_sight))
        return "%s %s %s ON %s" % (left, kind, right, condition), sight

    def rows(self, outer, depth, count):
        """A query of so many columns whose rows do not depend on an order."""
        if depth and self.chance(0.2):
            return "%s %s %s" % (self.rows(outer, depth - 1, count), self.pick("UNION", "UNION ALL", "INTERSECT", "EXCEPT"), self.rows(outer, depth - 1, count))
        source, sight = self.source(outer, depth)
        where = " WHERE " + self.where(sight, outer, depth)
        if self.chance(0.35):
            keys = [self.column(sight) for _ in range(count - 1)]
            items = keys + [self.aggregate(sight, depth and 1)]
            group = " GROUP BY " + ", ".join(keys) if keys else ""
            having = " HAVING %s" % self.test([self.aggregate(sight, 0)] + keys + outer, depth) if self.chance(0.4) else ""
            return "SELECT %s FROM %s%s%s%s" % (", ".join(items), source, where, group, having)
        items = [self.value(sight + outer, depth) for _ in range(count)]
        distinct = "DISTINCT " if self.chance(0.2) else ""
        return "SELECT %s%s FROM %s%s" % (distinct, ", ".join(items), source, where)

    def windowed(self, depth):
        source, sight = self.source([], depth)
        key = self.column(sight)
        return "SELECT %s, %s(%s) OVER (PARTITION BY %s ORDER BY %s) FROM %s" % (
            key, self.pick("sum", "count", "max"), self.value(sight, 1), self.value(sight, 1), self.value(sight, 1), source)

    def with_query(self, depth):
        first, second = self.alias(), self.alias()
        TABLES_BEFORE = dict(TABLES)
        text = "WITH %s (b, c) AS (%s)" % (first, self.rows([], depth - 1, 2))
        TABLES[first] = ("b", "c")
        text += ", %s (id, a) AS (%s)" % (second, self.rows([], depth - 1, 2))
        TABLES[second] = ("id", "a")
        text += " " + self.rows([], depth, 2)
        TABLES.clear()
        TABLES.update(TABLES_BEFORE)
        return text

    def recursive(self):
        source, sight = self.source([], 1)
        step = self.pick("v + 1", "v + q.id + 1", "v * 2 + 1")
        join = "g JOIN q ON q.a = g.v" if "q." in step else "g"
        return "WITH RECURSIVE g (v, d) AS (SELECT %s, 0 FROM %s UNION%s SELECT %s, d + 1 FROM %s WHERE d < %d) SELECT v, count(*) FROM g GROUP BY v HAVING %s" % (
            self.value(sight, 0), source, self.pick("", " ALL"), step, join, self.random.randint(1, 4), self.test(["v", "count(*)"], 0))

    def ordered(self, depth):
        source, sight = self.source([], depth)
        first, second = self.column(sight), self.column(sight)
        key = self.value(sight, 1)
        return "SELECT DISTINCT ON (%s) %s AS k, %s AS l FROM %s ORDER BY %s, %s NULLS LAST" % (first, first, second, source, first, second) if self.chance(0.5) else \
            "SELECT k, l FROM (SELECT %s AS k, %s AS l, %s AS m FROM %s) AS o ORDER BY m NULLS LAST, k NULLS LAST, l NULLS LAST LIMIT 5" % (first, second, key, source)

    def select(self):
        depth = self.random.randint(1, 3)
        return self.pick(lambda: self.rows([], depth, 2), lambda: self.rows([], depth, 2), lambda: self.rows([], 3, 1), lambda: self.windowed(1),
                         lambda: self.with_query(2), self.recursive, lambda: self.ordered(1))()


class NestedRun(Run):
    def one_seed(self, seed):
        tuff, duck, writer = Tuff(self.arguments.library), Duck(self.arguments.duckdb), Nested(seed)
        tuff.value = tuff.text
        for sql in writer.schema():
            tuff.run(sql)
            duck.run(sql)
        for _ in range(self.arguments.statements):
            self.check(seed, writer.select(), False, tuff, duck)
        tuff.close()
        duck.close()


if __name__ == "__main__":
    sys.exit(NestedRun(arguments_of()).run_all())
