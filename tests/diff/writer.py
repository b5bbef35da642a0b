"""Random statements out of the part of SQL in which Tuff and SQLite must agree."""
import random
import re
import sqlite3


class Writer:
    """Writes statements that mean the same in both engines: typed strictly (SQLite would convert),
    NULLs placed explicitly in every ORDER BY, values small (SQLite turns overflow into floats), whole
    rows ordered under LIMIT, scalar subqueries of one row only, no ungrouped columns."""

    TABLES = {
        "t0": [("id", "i"), ("a", "i"), ("b", "i"), ("s", "t")],
        "t1": [("id", "i"), ("a", "i"), ("c", "i"), ("s", "t")],
        "t2": [("k", "i"), ("d", "i"), ("u", "t")],
        "t3": [("x", "i"), ("y", "i")],
    }
    DIVISIONS = ("/", "%")
    # Texts of more than twelve bytes do not lie in their cell; some of these begin alike.
    WORDS = ["ab", "b", "ba", "abc", "c", "", "bb", "cab", "a", "abcabcabcabc", "abcabcabcabca", "abcabcabcabcab and more",
             "abcabcabcabcab and most", "b is a text that is long", "cabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcab"]

    def __init__(self, seed, depth=2):
        self.random = random.Random(seed)
        self.depth = depth
        self.aliases = 0

    def pick(self, *choices):
        return self.random.choice(choices)

    def chance(self, probability):
        return self.random.random() < probability

    # ---- Schema and rows
    def schema(self):
        yield "CREATE TABLE t0 (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, s TEXT)"
        yield "CREATE TABLE t1 (id INTEGER PRIMARY KEY, a INTEGER, c INTEGER, s TEXT)"
        yield "CREATE TABLE t2 (k INTEGER, d INTEGER, u TEXT)"
        yield "CREATE TABLE t3 (x INTEGER NOT NULL, y INTEGER)"
        for index in ("t0_a ON t0 (a)", "t0_ba ON t0 (b, a)", "t1_s ON t1 (s)", "t2_k ON t2 (k)", "t3_xy ON t3 (x, y DESC)"):
            if self.chance(0.6):
                yield "CREATE INDEX " + index
        sizes = {name: self.pick(0, 3, 12, 25, 60) for name in self.TABLES}
        for name, columns in self.TABLES.items():
            for number in range(sizes[name]):
                values = []
                for column, kind in columns:
                    if column == "id":
                        values.append(str(number * self.pick(1, 1, 3) + 1000 * number))
                    elif column != "x" and self.chance(0.15):
                        values.append("NULL")
                    else:
                        values.append(self.literal(kind))
                yield "INSERT INTO %s VALUES (%s)" % (name, ", ".join(values))

    def literal(self, kind):
        if kind == "t":
            return "'%s'" % self.random.choice(self.WORDS)
        return str(self.random.randint(-4, 12))

    # ---- Expressions over `columns`: list of (text, kind)
    def column(self, columns, kind):
        fitting = [text for text, k in columns if k == kind]
        return self.random.choice(fitting) if fitting else self.literal(kind)

    def integer(self, columns, depth):
        form = self.random.randint(0, 13) if depth > 0 else self.random.randint(0, 3)
        if form <= 2:
            return self.column(columns, "i")
        if form == 3:
            return self.literal("i")
        one = lambda: self.integer(columns, depth - 1)
        if form <= 6:
            return "(%s %s %s)" % (one(), self.pick("+", "-", "*"), one())
        if form == 7:
            return "(%s %s %s)" % (one(), self.pick(*self.DIVISIONS), self.literal("i"))
        if form == 8:
            return "CASE WHEN %s THEN %s ELSE %s END" % (self.condition(columns, depth - 1, False), one(), one())
        if form == 9:
            return "COALESCE(%s, %s)" % (one(), one())
        if form == 10:
            return "NULLIF(%s, %s)" % (one(), one())
        if form == 11:
            return "length(%s)" % self.text(columns, depth - 1)
        if form == 12:
            return "abs(%s)" % one()
        return "CASE %s WHEN %s THEN %s WHEN %s THEN %s END" % (one(), one(), one(), one(), one())

    def text(self, columns, depth):
        form = self.random.randint(0, 6) if depth > 0 else self.random.randint(0, 2)
        if form <= 1:
            return self.column(columns, "t")
        if form == 2:
            return self.literal("t")
        one = lambda: self.text(columns, depth - 1)
        if form == 3:
            return "(%s || %s)" % (one(), one())
        if form == 4:
            return "%s(%s)" % (self.pick("upper", "lower"), one())
        if form == 5:
            return "substr(%s, %d, %d)" % (one(), self.random.randint(1, 3), self.random.randint(0, 3))
        return "COALESCE(%s, %s)" % (one(), one())

    def expression(self, columns, kind, depth):
        return self.integer(columns, depth) if kind == "i" else self.text(columns, depth)

    def condition(self, columns, depth, subqueries=True):
        form = self.random.randint(0, 15) if depth > 0 else self.random.randint(0, 5)
        kind = self.pick("i", "i", "t")
        value = lambda: self.expression(columns, kind, max(depth - 1, 0))
        if form <= 3:
            return "%s %s %s" % (value(), self.pick("=", "<>", "<", "<=", ">", ">=", "="), value())
        if form == 4:
            return "%s IS %sNULL" % (value(), self.pick("", "NOT "))
        if form == 5:
            items = ", ".join(self.pick("NULL", self.literal(kind)) if self.chance(0.1) else self.literal(kind) for _ in range(self.random.randint(1, 4)))
            return "%s %sIN (%s)" % (value(), self.pick("", "NOT "), items)
        inner = lambda: self.condition(columns, depth - 1, subqueries)
        if form <= 8:
            return "(%s %s %s)" % (inner(), self.pick("AND", "OR"), inner())
        if form == 9:
            return "NOT (%s)" % inner()
        if form == 10:
            return "%s %sBETWEEN %s AND %s" % (value(), self.pick("", "NOT "), value(), value())
        if form == 11:
            return "%s %sLIKE '%s'" % (self.text(columns, 0), self.pick("", "NOT "), self.pick("a%", "%b", "_b%", "%", "ab", "%a%b%"))
        if form == 12:
            return "%s IS %sDISTINCT FROM %s" % (value(), self.pick("", "NOT "), value()) if sqlite3.sqlite_version_info >= (3, 39) else inner()
        if not subqueries:
            return inner()
        if form == 13:
            return "%sEXISTS (%s)" % (self.pick("", "NOT "), self.inner_query(columns, depth - 1, "1", None))
        if form == 14:
            return "%s %sIN (%s)" % (value(), self.pick("", "NOT "), self.inner_query(columns, depth - 1, None, kind))
        return "%s %s (%s)" % (self.integer(columns, 0), self.pick("=", "<", ">"), self.scalar_query(columns, depth - 1))

    # ---- Subqueries, correlated through `outer`
    def alias(self):
        self.aliases += 1
        return "q%d" % self.aliases

    def table(self):
        name = self.random.choice(list(self.TABLES))
        alias = self.alias()
        return "%s AS %s" % (name, alias), [("%s.%s" % (alias, column), kind) for column, kind in self.TABLES[name]]

    def correlation(self, own, outer, depth):
        both = own + outer if outer and self.chance(0.7) else own
        return self.condition(both, depth, subqueries=depth > 0)

    def inner_query(self, outer, depth, output, kind):
        source, own = self.table()
        if output is None:
            output = self.expression(own + (outer if self.chance(0.1) else []), kind, 1)
        where = " WHERE " + self.correlation(own, outer, depth) if self.chance(0.85) else ""
        return "SELECT %s FROM %s%s" % (output, source, where)

    def scalar_query(self, outer, depth):
        source, own = self.table()
        output = self.aggregate(own, "i")
        if self.chance(0.2):
            output += " + " + self.literal("i")
        where = " WHERE " + self.correlation(own, outer, depth) if self.chance(0.9) else ""
        return "SELECT %s FROM %s%s" % (output, source, where)

    def aggregate(self, columns, kind):
        if kind == "t":
            return "%s(%s)" % (self.pick("min", "max"), self.text(columns, 1))
        form = self.random.randint(0, 6)
        if form == 0:
            return "count(*)"
        if form == 1:
            return "count(%s%s)" % (self.pick("", "DISTINCT "), self.expression(columns, self.pick("i", "t"), 1))
        if form == 2:
            return "sum(%s%s)" % (self.pick("", "DISTINCT "), self.integer(columns, 1))
        if form == 3:
            return "count(*) FILTER (WHERE %s)" % self.condition(columns, 1, False)
        return "%s(%s)" % (self.pick("min", "max", "sum"), self.integer(columns, 1))

    # ---- FROM
    def source(self, depth):
        if self.chance(0.1):
            return self.outer_pair()
        source, columns = self.from_item(depth)
        for _ in range(self.pick(0, 0, 0, 1, 1, 1, 2, 3)):
            item, more = self.from_item(depth)
            kind = self.pick("JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "CROSS JOIN")
            if kind == "LEFT JOIN" and item.startswith("("):
                # SQLite 3.40 takes constants of a derived table out of the NULLs of LEFT JOIN.
                kind = "JOIN"
            if kind == "CROSS JOIN":
                source = "%s CROSS JOIN %s" % (source, item)
            else:
                source = "%s %s %s ON %s" % (source, kind, item, self.join_condition(columns, more))
            columns = columns + more
        return source, columns

    def outer_pair(self):
        """A RIGHT JOIN, which SQLite gets as a LEFT JOIN with its sides exchanged (see `for_engine`): the
        answers of 3.40 to RIGHT and FULL JOIN are often wrong under constant conditions; PostgreSQL
        agreed with Tuff wherever that was looked at."""
        left, columns = self.table()
        right, more = self.table()
        return "\1%s\2%s\3%s\4" % (left, right, self.join_condition(columns, more)), columns + more

    def join_condition(self, left, right):
        condition = "%s = %s" % (self.column(left, "i"), self.column(right, "i"))
        if self.chance(0.15):
            condition = "%s = %s" % (self.column(left, "t"), self.column(right, "t"))
        if self.chance(0.1):
            condition = self.condition(left + right, 1, False)
        elif self.chance(0.3):
            condition += " AND " + self.condition(left + right, 1, False)
        return condition

    def from_item(self, depth):
        if depth > 0 and self.chance(0.25):
            query, kinds = self.query(depth - 1, None)
            alias = self.alias()
            return "(%s) AS %s" % (query, alias), [("%s.o%d" % (alias, i), kind) for i, kind in enumerate(kinds)]
        return self.table()

    # ---- Queries; outputs are called o0, o1, ...
    def query(self, depth, kinds, ordered=False):
        form = self.random.randint(0, 9)
        if form == 0 and depth > 0:
            text, kinds = self.set_operation(depth, kinds)
        elif form <= 3:
            text, kinds = self.grouped(depth, kinds)
        elif form == 4 and not kinds:
            text, kinds = self.windowed(depth)
        else:
            text, kinds = self.plain(depth, kinds)
        if ordered or self.chance(0.15):
            text = self.order(text, len(kinds), ordered)
        return text, kinds

    def order(self, text, count, ordered):
        keys = ", ".join("%d %s NULLS %s" % (i + 1, self.pick("ASC", "DESC"), self.pick("FIRST", "LAST")) for i in self.random.sample(range(count), count))
        text += " ORDER BY " + keys
        if self.chance(0.6):
            text += " LIMIT %d" % self.random.randint(0, 12)
            if self.chance(0.4):
                text += " OFFSET %d" % self.random.randint(0, 5)
        elif not ordered:
            text += " LIMIT 1000000"
        return text

    def outputs(self, exprs):
        return ", ".join("%s AS o%d" % (expr, i) for i, expr in enumerate(exprs))

    def where(self, columns, depth):
        return " WHERE " + self.condition(columns, depth + 1) if self.chance(0.75) else ""

    def kinds(self, kinds):
        return kinds or [self.pick("i", "i", "t") for _ in range(self.random.randint(1, 4))]

    def plain(self, depth, kinds):
        source, columns = self.source(depth)
        kinds = self.kinds(kinds)
        exprs = []
        for kind in kinds:
            if kind == "i" and depth > 0 and self.chance(0.15):
                exprs.append("(%s)" % self.scalar_query(columns, depth - 1))
            else:
                exprs.append(self.expression(columns, kind, 2))
        distinct = "DISTINCT " if self.chance(0.2) else ""
        return "SELECT %s%s FROM %s%s" % (distinct, self.outputs(exprs), source, self.where(columns, depth)), kinds

    def grouped(self, depth, kinds):
        source, columns = self.source(depth)
        kinds = self.kinds(kinds)
        keys = []
        if self.chance(0.8):
            keys = [(self.expression(columns, kind, self.pick(0, 0, 1)), kind) for kind in [self.pick("i", "t") for _ in range(self.random.randint(1, 2))]]
            # A constant key would be read as a position by SQLite.
            keys = [(text, kind) for text, kind in keys if "." in text]
        exprs = []
        for kind in kinds:
            fitting = [text for text, k in keys if k == kind]
            if fitting and self.chance(0.5):
                exprs.append(self.random.choice(fitting))
            else:
                exprs.append(self.aggregate(columns, kind))
        text = "SELECT %s FROM %s%s" % (self.outputs(exprs), source, self.where(columns, depth))
        if keys:
            text += " GROUP BY " + ", ".join(text for text, _ in keys)
            if self.chance(0.3):
                text += " HAVING %s %s %s" % (self.aggregate(columns, "i"), self.pick(">", "<=", "="), self.literal("i"))
        elif not any("(" in expr for expr in exprs):
            exprs.append("count(*)")
        return text, kinds

    def windowed(self, depth):
        source, columns = self.table()
        unique = ", ".join("%s NULLS FIRST" % text for text, _ in columns)
        exprs, kinds = [], []
        for text, kind in columns[:2]:
            exprs.append(text)
            kinds.append(kind)
        partition = "PARTITION BY %s " % self.column(columns, self.pick("i", "t")) if self.chance(0.6) else ""
        for _ in range(self.random.randint(1, 3)):
            peers = "%s %s NULLS %s" % (self.column(columns, "i"), self.pick("ASC", "DESC"), self.pick("FIRST", "LAST"))
            frame = self.pick("", "", " ROWS BETWEEN %d PRECEDING AND %d FOLLOWING" % (self.random.randint(0, 3), self.random.randint(0, 3)),
                              " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", " ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
                              " RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW")
            total = "(%sORDER BY %s, %s)" % (partition, peers, unique)
            form, given = self.random.randint(0, 5), "i"
            if form == 0:
                exprs.append("%s() OVER (%sORDER BY %s)" % (self.pick("rank", "dense_rank"), partition, peers))
            elif form == 1:
                exprs.append("row_number() OVER " + total)
            elif form == 2:
                given = self.pick("i", "t")
                exprs.append("%s(%s, %d) OVER %s" % (self.pick("lag", "lead"), self.column(columns, given), self.random.randint(0, 3), total))
            elif form == 3:
                function = self.pick("sum", "min", "max", "count", "first_value", "last_value")
                given = "i" if function in ("sum", "count") else self.pick("i", "t")
                exprs.append("%s(%s) OVER (%sORDER BY %s, %s%s)" % (function, self.column(columns, given), partition, peers, unique, frame))
            elif form == 4:
                exprs.append("%s(%s) OVER (%s)" % (self.pick("sum", "min", "max", "count"), self.column(columns, "i"), partition))
            else:
                exprs.append("sum(%s) OVER (%sORDER BY %s)" % (self.column(columns, "i"), partition, peers))
            kinds.append(given)
        return "SELECT %s FROM %s%s" % (self.outputs(exprs), source, self.where(columns, min(depth, 1))), kinds

    def set_operation(self, depth, kinds):
        kinds = self.kinds(kinds)
        left, _ = self.pick(self.plain, self.grouped)(depth - 1, kinds)
        right, _ = self.plain(depth - 1, kinds)
        return "%s %s %s" % (left, self.pick("UNION", "UNION ALL", "INTERSECT", "EXCEPT"), right), kinds

    def select(self):
        """A whole statement, and whether its order is total."""
        ordered = self.chance(0.4)
        prefix = ""
        if self.chance(0.12):
            body, kinds = self.query(1, None)
            name = self.alias()
            prefix = "WITH %s AS (%s) " % (name, body)
            one, two = self.alias(), self.alias()
            columns = [("%s.o%d" % (one, i), kind) for i, kind in enumerate(kinds)]
            source = "%s AS %s" % (name, one)
            if self.chance(0.5):
                more = [("%s.o%d" % (two, i), kind) for i, kind in enumerate(kinds)]
                source += " JOIN %s AS %s ON %s" % (name, two, self.join_condition(columns, more))
                columns = columns + more
            kinds = self.kinds(None)
            text = "SELECT %s FROM %s%s" % (self.outputs([self.expression(columns, kind, 1) for kind in kinds]), source, self.where(columns, 0))
            if ordered:
                text = self.order(text, len(kinds), True)
        else:
            text, kinds = self.query(self.depth, None, ordered)
        return prefix + text, ordered

    # ---- Changes
    def change(self):
        name = self.random.choice(list(self.TABLES))
        columns = self.TABLES[name]
        bare = [("%s.%s" % (name, column), kind) for column, kind in columns]
        form = self.random.randint(0, 9)
        if form <= 4:
            values = []
            for column, kind in columns:
                if column == "id":
                    values.append(str(self.random.randint(-50, 200000)))
                else:
                    values.append("NULL" if column != "x" and self.chance(0.15) else self.literal(kind))
            verb = self.pick("INSERT INTO", "INSERT OR IGNORE INTO", "INSERT OR REPLACE INTO")
            return name, "%s %s VALUES (%s)" % (verb, name, ", ".join(values))
        # No subqueries: SQLite lets them see rows that the statement has changed already.
        where = " WHERE " + self.condition(bare, 1, False)
        if form <= 8:
            column, kind = self.random.choice([c for c in columns if c[0] not in ("id", "x")])
            return name, "UPDATE %s SET %s = %s%s" % (name, column, self.expression(bare, kind, 1), where)
        return name, "DELETE FROM %s%s AND %s %% 3 = 0" % (name, where, bare[0][0])


def for_engine(sql, lite):
    pattern = r"\2 LEFT JOIN \1 ON \3" if lite else r"\1 RIGHT JOIN \2 ON \3"
    return re.sub("\1([^\1-\4]*)\2([^\1-\4]*)\3([^\1-\4]*)\4", pattern, sql)
