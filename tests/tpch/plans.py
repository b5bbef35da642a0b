#!/usr/bin/env python3
"""What plans look like and what they cost, by counting: nothing here measures time.

usage: plans.py SHELL FOLDER SHARED    (FOLDER/sf0.01/test.tuff and FOLDER/sf0.1/test.tuff exist)

1. No subquery runs per row. EXPLAIN of every statement with a subquery in the corpora (TPC-H, the
   53 operations, the sqllogictest files) shows only operators that run once; in TPC-H and the 53 a
   nested loop also has a side of one row, or two as short as nation. An operator that is not in ONCE fails: whoever adds one
   decides here whether its inputs run once.
2. Ten times the rows cost at most twenty times the work. EXPLAIN ANALYZE of each TPC-H query at
   both scales counts the rows that came out of every operator, the rows it examined to find them
   (read from a table before its filter, paired by a join before its condition) and its searches in
   trees of rows and keys, each as much as SEARCH rows. Their sum is the work: the same on every
   machine, and quadratic where a join is, which a join that must be quadratic proves each time.

The last line is "N passed, M failed".
"""
import gzip
import os
import re
import subprocess
import sys

ONCE = ["SCAN", "ROWID LOOKUP", "INDEX SCAN", "VALUES", "SYSTEM", "FILTER", "PROJECT", "HASH JOIN",
        "INDEX JOIN", "NESTED LOOP", "HASH AGGREGATE", "ORDERED AGGREGATE", "WINDOW", "SORT", "TOP",
        "CUT", "DISTINCT ON", "UNION", "UNION ALL", "INTERSECT", "EXCEPT", "CTE", "RECURSIVE CTE",
        "INSERT", "REPLACE", "UPDATE", "DELETE"]
LINE = re.compile(r"^[ │├└─]*")
COUNTS = re.compile(r"\[(\d+) rows(?:, (\d+) examined)?(?:, (\d+) searches)?, [\d.]+ (?:us|ms|s)\b")
SUBQUERY = re.compile(r"\(\s*(SELECT|VALUES|WITH)\b", re.IGNORECASE)
SEARCH = 16 # keys that a search for a row passes, of a tree of 65,536: as much as so many rows
MOST = 20 # times the work for ten times the rows
QUADRATIC = ("SELECT count(*) FROM customer a JOIN customer b "
             "ON a.c_custkey < b.c_custkey AND a.c_acctbal > b.c_acctbal")


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def report(self, what, problem):
        if problem is None:
            self.passed += 1
        else:
            self.failed += 1
            print(f"{what}: {problem}")


def ask(shell, database, script):
    """The shell's output lines; errors stand among them as in the terminal."""
    done = subprocess.run([shell, database, "--csv"], input=script, text=True, timeout=600,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout.split("\n")


def plans_of(shell, database, statements, setup=""):
    """EXPLAIN's lines of each statement, by running all of them in one shell."""
    marker = "plan-follows"
    script = [setup, ".headers off", ".mode list"]
    for statement in statements:
        script += [f".print {marker}", statement]
    plans = []
    for line in ask(shell, database, "\n".join(script) + "\n"):
        if line == marker:
            plans.append([])
        elif not plans and "Error" in line:
            raise RuntimeError(line) # the setup must work
        elif plans and line:
            plans[-1].append(line)
    # The shell stops at an error: what was not reached has no plan.
    return plans + [[]] * (len(statements) - len(plans))


def operator_of(line):
    """An operator is named by the capital words its line begins with: the longest that is known."""
    text = line[LINE.match(line).end():]
    return max((name for name in ONCE if re.match(re.escape(name) + r"\b", text)), key=len,
               default=None)


def depth_of(line):
    return LINE.match(line).end()


def unknown_operator(plan):
    if not plan:
        return "no plan"
    for line in plan:
        if operator_of(line) is None:
            return f"not an operator that runs once: {line}"
    return None


def wide_loop(plan):
    """A nested loop over more than a few rows."""
    for i, line in enumerate(plan):
        if operator_of(line) != "NESTED LOOP":
            continue
        depth, sides = None, []
        for below in plan[i + 1:]:
            if depth_of(below) <= depth_of(line):
                break
            depth = depth or depth_of(below)
            if depth_of(below) == depth:
                sides.append(below)
        rows = [int(re.search(r"\(~(\d+) rows?\)", side).group(1)) for side in sides]
        if min(rows) > 1 and max(rows) > 25:
            return f"every pair of rows is looked at: {line}"
    return None


def read_queries(shared):
    queries = {}
    for number in range(1, 23):
        with open(f"{shared}/tpch/queries/q{number:02d}.sql", encoding="utf-8") as file:
            queries[f"q{number:02d}"] = file.read().strip().rstrip(";")
    return queries


# ---- No subquery runs per row ---------------------------------------------------------------

def check_tpch(checks, shell, folder, queries):
    for scale in ("sf0.01", "sf0.1"):
        plans = plans_of(shell, f"{folder}/{scale}/test.tuff",
                         [f"EXPLAIN {query};" for query in queries.values()])
        for name, plan in zip(queries, plans):
            checks.report(f"plan of {name} at {scale}", unknown_operator(plan) or wide_loop(plan))


def check_operations(checks, shell, shared):
    setup = """
        CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, email TEXT, age INTEGER,
                            balance REAL, active BOOLEAN, created_at TEXT);
        CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER, amount REAL, status TEXT,
                             order_date TEXT);
        CREATE INDEX by_age ON users (age);
        CREATE INDEX by_active ON users (active);
        CREATE INDEX by_user ON orders (user_id);
        CREATE INDEX by_status ON orders (status);
        INSERT INTO users SELECT value, 'User_' || value, 'user' || value || '@example.com',
            18 + value * 31 % 62, value * 7919 % 100000, value % 2 = 0, '2024-01-01'
            FROM generate_series(1, 10000) AS s(value);
        INSERT INTO orders SELECT value, 1 + value * 7919 % 10000, 10 + value * 104729 % 990,
            CASE value % 4 WHEN 0 THEN 'pending' WHEN 1 THEN 'completed' WHEN 2 THEN 'shipped'
                           ELSE 'cancelled' END, '2024-01-01'
            FROM generate_series(1, 30000) AS s(value);"""
    named = []
    with open(f"{shared}/bench53/operations.tsv", encoding="utf-8") as file:
        for line in list(file)[1:]:
            name, _, _, text = line.rstrip("\n").split("\t")
            if not text.startswith("BEGIN"):
                named.append((name, re.sub(r"\$\d+", "25", text)))
    plans = plans_of(shell, "memory://", [f"EXPLAIN {text};" for _, text in named], setup)
    for (name, text), plan in zip(named, plans):
        crossed = "CROSS JOIN" in text
        checks.report(f"plan of {name}",
                      unknown_operator(plan) or (None if crossed else wide_loop(plan)))


def read_records(path):
    """The statements of a sqllogictest file that are for us: (is a query, text)."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        blocks = re.split(r"\n\s*\n", file.read())
    for block in blocks:
        lines = [line for line in block.split("\n") if line and not line.startswith("#")]
        skipped = any(line.startswith("onlyif") and "postgresql" not in line or
                      line.startswith("skipif") and "postgresql" in line for line in lines)
        lines = [line for line in lines if not re.match(r"(onlyif|skipif|hash-threshold)\b", line)]
        if skipped or not lines or lines[0].split()[0] not in ("statement", "query"):
            continue
        if lines[0].startswith("statement error"):
            continue
        text = "\n".join(lines[1:]).split("\n----")[0]
        yield lines[0].startswith("query"), text


def check_logic_tests(checks, shell, shared):
    """One check per file: definitions and changes run, subqueries are explained on their way."""
    for folder, _, names in sorted(os.walk(f"{shared}/slt")):
        for name in sorted(names):
            if not name.endswith(".test.gz"):
                continue
            script, asked, views = [], [], set()
            for is_query, text in read_records(os.path.join(folder, name)):
                view = re.match(r"CREATE VIEW (\w+)", text)
                if view and SUBQUERY.search(text): # planned where it is used
                    views.add(view.group(1))
                if not view and (SUBQUERY.search(text) or
                                 not views.isdisjoint(re.findall(r"\w+", text)) and is_query):
                    script.append(f"EXPLAIN {text};")
                    asked.append(text)
                elif not is_query:
                    script.append(text + ";")
            if not asked:
                continue
            texts = iter(asked)
            problem = None
            for statement, plan in zip(script, plans_of(shell, "memory://", script)):
                if statement.startswith("EXPLAIN"):
                    text = next(texts)
                    problem = problem or (unknown_operator(plan) and
                                          f"{text}: {unknown_operator(plan)}")
            checks.report(f"{len(asked)} plans of {name}", problem)


# ---- Work -----------------------------------------------------------------------------------

def work_of(plan):
    """Rows that came out of operators, and what they did for them; None: not an analyzed plan."""
    total, counted = 0, 0
    for line in plan:
        found = COUNTS.search(line)
        if found:
            rows, examined, searches = (int(count or 0) for count in found.groups())
            total += rows + examined + searches * SEARCH
            counted += 1
    return total if counted and counted >= len(plan) - 1 else None


def check_work(checks, shell, folder, queries):
    # At 0.01 no part has query 17's brand and container and one supplier query 21's nation, at 0.1
    # there are 47: other substitution parameters that the specification allows are asked for.
    for name, old, new in (("q17", "Brand#23", "Brand#45"), ("q17", "MED BOX", "MED JAR"),
                           ("q21", "SAUDI ARABIA", "JAPAN")):
        checks.report(f"parameters of {name}", None if old in queries[name] else f"no {old}")
        queries = {**queries, name: queries[name].replace(old, new)}
    statements = [f"EXPLAIN ANALYZE {query};" for query in [*queries.values(), QUADRATIC]]
    work = {}
    for scale in ("sf0.01", "sf0.1"):
        plans = plans_of(shell, f"{folder}/{scale}/test.tuff", statements, "PRAGMA threads=1;")
        work[scale] = [work_of(plan) for plan in plans]
    for i, name in enumerate([*queries, "quadratic"]):
        if i >= min(map(len, work.values())) or not work["sf0.01"][i] or not work["sf0.1"][i]:
            checks.report(f"work of {name}", "it was not counted")
            continue
        small, large = work["sf0.01"][i], work["sf0.1"][i]
        grown = f"{small} at 0.01, {large} at 0.1: {large / small:.1f} times"
        if name == "quadratic":
            checks.report(f"work of {name}", None if large > small * 80 else
                          f"{grown}, but the count must see that it is quadratic")
        else:
            checks.report(f"work of {name}", None if large <= small * MOST else grown)


def main():
    shell, folder, shared = sys.argv[1:4]
    checks = Checks()
    queries = read_queries(shared)
    check_tpch(checks, shell, folder, queries)
    if os.path.exists(f"{shared}/bench53"):
        check_operations(checks, shell, shared)
    if os.path.exists(f"{shared}/slt"):
        check_logic_tests(checks, shell, shared)
    check_work(checks, shell, folder, queries)
    print(f"{checks.passed} passed, {checks.failed} failed")


if __name__ == "__main__":
    main()
