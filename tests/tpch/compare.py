#!/usr/bin/env python3
"""Compares a query's CSV answer with the expected one (fields divided by |, a header first).

usage: compare.py EXPECTED ACTUAL     exit 0 when they agree, else 1 and the first difference

Numbers agree within 1e-9 relative, dates by their first ten characters, text but for blanks at
its end. Rows are compared in order.
"""
import csv
import re
import sys

NUMBER = re.compile(r"^-?\d+(\.\d+)?([eE][-+]?\d+)?$")


def fields_agree(expected, actual):
    expected, actual = expected.rstrip(), actual.rstrip()
    if expected == actual:
        return True
    if NUMBER.match(expected) and NUMBER.match(actual):
        a, b = float(expected), float(actual)
        return abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1e-300)
    if re.match(r"^\d{4}-\d\d-\d\d", expected):
        return expected[:10] == actual[:10]
    return False


def main():
    with open(sys.argv[1], newline="", encoding="utf-8") as file:
        expected = list(csv.reader(file, delimiter="|", quoting=csv.QUOTE_NONE))[1:]
    with open(sys.argv[2], newline="", encoding="utf-8") as file:
        actual = list(csv.reader(file))[1:]
    if len(expected) != len(actual):
        print(f"expected {len(expected)} rows, got {len(actual)}")
        return 1
    for number, (left, right) in enumerate(zip(expected, actual), 1):
        if len(left) != len(right) or not all(map(fields_agree, left, right)):
            print(f"row {number}: expected {left}, got {right}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
