#!/usr/bin/env python3
"""Writes src/types/powers_of_ten.inc: 10^q as 128-bit significands, q from -342 to 324.

Each is ceil(10^q / 2^e) with e chosen so that bit 127 is set; it is exact for 0 <= q <= 55.
Used for printing (shortest digits) and for reading doubles. Run it from the top folder."""

FIRST, LAST = -342, 324


def significand(q):
    numerator, denominator = (10**q, 1) if q >= 0 else (1, 10**-q)
    shift = 128 - (numerator.bit_length() - denominator.bit_length())
    for s in (shift + 1, shift, shift - 1):
        scaled = numerator << s if s >= 0 else numerator
        divisor = denominator if s >= 0 else denominator << -s
        value = -(-scaled // divisor)
        if 1 << 127 <= value < 1 << 128 and scaled // divisor >= 1 << 127:
            return value
    raise AssertionError(q)


def main():
    with open("src/types/powers_of_ten.inc", "w", encoding="ascii") as out:
        out.write("/* Made by tools/generate_powers_of_ten.py: high and low half of 10^q,\n")
        out.write(f" * q = {FIRST} .. {LAST}, rounded up to 128 significant bits. */\n")
        for q in range(FIRST, LAST + 1):
            value = significand(q)
            high, low = value >> 64, value & (1 << 64) - 1
            out.write(f"{{0x{high:016x}, 0x{low:016x}}},\n")


main()
