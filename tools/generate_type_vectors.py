#!/usr/bin/env python3
"""Writes tests/unit/types/type_vectors.inc: conversions computed by Python's exact arithmetic."""

import datetime
import decimal
import random
import struct

random.seed(53)
decimal.getcontext().prec = 200


def hard_float_texts():
    """Texts near the middle between two doubles, where reading must look at every digit."""
    texts = ["0.1", "1e23", "9007199254740993", "8.5e-324", "2.2250738585072011e-308"]
    for _ in range(40):
        bits = random.getrandbits(62)
        value = struct.unpack("<d", struct.pack("<Q", bits))[0]
        after = struct.unpack("<d", struct.pack("<Q", bits + 1))[0]
        middle = (decimal.Decimal(value) + decimal.Decimal(after)) / 2
        digits = random.choice([17, 18, 20, 25, 40])
        texts.append(f"{middle:.{digits}e}")
        if len(f"{middle:e}") < 70:
            texts.append(f"{middle:e}")
    return texts


def decimals():
    """digits, scale, new scale, the rescaled number (half away from zero) or None."""
    rows = []
    for _ in range(60):
        number = random.choice([-1, 1]) * random.getrandbits(random.randrange(1, 126))
        if abs(number) >= 10**38:
            continue
        scale, to_scale = random.randrange(0, 39), random.randrange(0, 39)
        value = decimal.Decimal(number).scaleb(to_scale - scale)
        rounded = int(value.quantize(1, rounding=decimal.ROUND_HALF_UP))
        rows.append((number, scale, to_scale, rounded if abs(rounded) < 10**38 else None))
    return rows


def days():
    """Dates across the calendar with ISO year, week and weekday."""
    rows = []
    for _ in range(60):
        date = datetime.date.fromordinal(random.randrange(1, 3652059))
        iso = date.isocalendar()
        rows.append((date, (date - datetime.date(1970, 1, 1)).days, *iso,
                     date.timetuple().tm_yday))
    return rows


def main():
    with open("tests/unit/types/type_vectors.inc", "w", encoding="ascii") as out:
        out.write("/* Made by tools/generate_type_vectors.py. */\n")
        out.write("static const struct {\n    const char *text;\n    uint64_t bits;\n"
                  "} float_vectors[] = {\n")
        for text in hard_float_texts():
            bits = struct.unpack("<Q", struct.pack("<d", float(text)))[0]
            out.write(f'    {{"{text}", 0x{bits:x}}},\n')
        out.write("};\n\nstatic const struct {\n    const char *number;\n    uint32_t scale, "
                  "to_scale;\n    const char *result; /* NULL: too large */\n"
                  "} rescale_vectors[] = {\n")
        for number, scale, to_scale, result in decimals():
            shown = "NULL" if result is None else f'"{result}"'
            out.write(f'    {{"{number}", {scale}, {to_scale}, {shown}}},\n')
        out.write("};\n\nstatic const struct {\n    const char *text;\n    int32_t days, iso_year,"
                  " week, weekday, day_of_year;\n} day_vectors[] = {\n")
        for date, count, year, week, weekday, yday in days():
            out.write(f'    {{"{date}", {count}, {year}, {week}, {weekday}, {yday}}},\n')
        out.write("};\n")


main()
