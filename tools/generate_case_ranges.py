#!/usr/bin/env python3
"""Writes src/func/scalar/case_ranges.inc: Unicode's simple case mappings as ranges.

A range maps the characters first, first + stride, .. last by adding delta. Run from the top."""

import unicodedata


def simple(character, mapped, special):
    code = ord(character)
    if code in special:
        return special[code]
    return ord(mapped) if len(mapped) == 1 else code


def ranges(convert, special):
    pairs = [(c, simple(chr(c), convert(chr(c)), special) - c) for c in range(0x80, 0x110000)
             if not 0xD800 <= c <= 0xDFFF]
    pairs = [(c, d) for c, d in pairs if d]
    out = []
    for code, delta in pairs:
        if out and out[-1][3] == delta:
            first, last, stride, _ = out[-1]
            step = code - last
            if step <= 2 and (first == last or step == stride):
                out[-1] = [first, code, step, delta]
                continue
        out.append([code, code, 1, delta])
    return out


def main():
    with open("src/func/scalar/case_ranges.inc", "w", encoding="ascii") as out:
        out.write("/* Made by tools/generate_case_ranges.py from Unicode "
                  f"{unicodedata.unidata_version}: first, last, stride, delta. */\n")
        for name, table in (("to_lower", ranges(str.lower, {0x130: 0x69})),
                            ("to_upper", ranges(str.upper, {}))):
            out.write(f"static const case_range {name}[] = {{\n")
            for first, last, stride, delta in table:
                out.write(f"    {{0x{first:x}, 0x{last:x}, {stride}, {delta}}},\n")
            out.write("};\n")


main()
