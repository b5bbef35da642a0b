/*
 * float_text.c - binary floating point to text and back, exactly.
 *
 * Printing gives the shortest digits that read back as the same value, by the Schubfach
 * method (R. Giulietti): scale the value and the borders of its rounding interval with one
 * 128-bit multiplication each, rounding to odd, and take the shortest decimal between them.
 * Reading scales the first 19 digits the same way, but with a lower and an upper bound; when
 * both round alike, which is nearly always, that is the answer, else the value is compared
 * with the middle between the two candidates in big integers. Nothing needs to be proven
 * about the precision of the table, and any number of digits is read correctly rounded.
 *
 * Rejected: snprintf and strtod (follow the process's locale, which a library must not
 * touch, and need up to three tries for the shortest form); Grisu (not always shortest);
 * Ryu (two tables instead of one for both directions).
 */
#include "types/types_int.h"

enum {
    FIRST_POWER = -342,
    LAST_POWER = 324,
    EXACT_POWERS = 55, /* 10^0 .. 10^55 have at most 128 significant bits without the twos */
};

typedef struct wide {
    uint64_t high, low;
} wide;

static const wide powers_of_ten[LAST_POWER - FIRST_POWER + 1] = {
#include "types/powers_of_ten.inc"
};

/* floor(log2(10^power)), floor(log10(2^exponent)): exact for all exponents of doubles. */
static int32_t log2_of_power(int32_t power)
{
    return (power * 1741647) >> 19;
}

/* Width of the significand and exponent of the least value: all that tells floats apart. */
typedef struct layout {
    int32_t bits;        /* significand with the hidden bit */
    int32_t least;       /* exponent of the last bit of subnormal values */
    int32_t top;         /* biased exponent of infinity */
    int32_t fixed_limit; /* decimal exponents from here on are printed with e+ */
} layout;

static const layout double_layout = {53, -1074, 2047, 15};
static const layout float_layout = {24, -149, 255, 6};

/* ---- Printing ------------------------------------------------------------------------ */

/* floor(power * value / 2^128), its last bit set when something was cut off. */
static uint64_t round_to_odd(wide power, uint64_t value)
{
    uint64_t carry = (uint64_t)((uint128_t)power.low * value >> 64);
    uint128_t product = (uint128_t)power.high * value + carry;
    uint64_t high = (uint64_t)(product >> 64);
    return high | ((uint64_t)product > 1);
}

/* The shortest decimal digits * 10^*exponent in the rounding interval of significand *
 * 2^binary; `border` tells that the value is a power of two, whose lower half is closer. */
static uint64_t shortest_digits(uint64_t significand, int32_t binary, bool border,
                                int32_t *exponent)
{
    bool odd = significand & 1; /* an odd value does not own the borders of its interval */
    int32_t power = (binary * 1262611 - (border ? 524031 : 0)) >> 22;
    int32_t shift = binary + log2_of_power(-power) + 1;
    BASE_ASSERT(shift >= 1 && shift <= 4);
    wide scale = powers_of_ten[-power - FIRST_POWER];
    uint64_t lower = round_to_odd(scale, (4 * significand - 2 + border) << shift) + odd;
    uint64_t middle = round_to_odd(scale, (4 * significand) << shift);
    uint64_t upper = round_to_odd(scale, (4 * significand + 2) << shift) - odd;
    uint64_t digits = middle / 4;
    *exponent = power;
    if (digits >= 10) {
        uint64_t shorter = digits / 10;
        bool down_inside = lower <= 40 * shorter;
        bool up_inside = 40 * shorter + 40 <= upper;
        if (down_inside != up_inside) {
            *exponent = power + 1;
            return shorter + up_inside;
        }
    }
    bool down_inside = lower <= 4 * digits;
    bool up_inside = 4 * digits + 4 <= upper;
    if (down_inside != up_inside)
        return digits + up_inside;
    uint64_t half = 4 * digits + 2;
    return digits + (middle > half || (middle == half && (digits & 1)));
}

static size_t put_text(char *buffer, const char *text)
{
    size_t length = strlen(text);
    memcpy(buffer, text, length);
    return length;
}

size_t types_format_uint64(uint64_t value, char *buffer)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    for (size_t i = 0; i < count; i++)
        buffer[i] = digits[count - 1 - i];
    return count;
}

size_t types_format_int64(int64_t value, char *buffer)
{
    if (value >= 0)
        return types_format_uint64((uint64_t)value, buffer);
    buffer[0] = '-';
    return 1 + types_format_uint64(0 - (uint64_t)value, buffer + 1);
}

/* PostgreSQL's form: no point for whole numbers, e+XX beyond `fixed_limit` and below 1e-4. */
static size_t lay_out(uint64_t digits, int32_t exponent, const layout *form, char *out)
{
    while (digits % 10 == 0) {
        digits /= 10;
        exponent++;
    }
    char text[20];
    int32_t count = (int32_t)types_format_uint64(digits, text);
    int32_t point = count + exponent; /* where the point stands, from the first digit */
    size_t length = 0;
    if (point - 1 < -4 || point - 1 >= form->fixed_limit) {
        out[length++] = text[0];
        if (count > 1) {
            out[length++] = '.';
            memcpy(out + length, text + 1, (size_t)count - 1);
            length += (size_t)count - 1;
        }
        int32_t power = point - 1;
        out[length++] = 'e';
        out[length++] = power < 0 ? '-' : '+';
        power = power < 0 ? -power : power;
        if (power < 10)
            out[length++] = '0';
        return length + types_format_uint64((uint64_t)power, out + length);
    }
    int32_t whole = BASE_MIN(count, BASE_MAX(point, 0)); /* digits before the point */
    memcpy(out, text, (size_t)whole);
    length = (size_t)whole;
    for (int32_t zero = whole; zero < BASE_MAX(point, 1); zero++)
        out[length++] = '0';
    if (whole == count)
        return length;
    out[length++] = '.';
    for (int32_t zero = point; zero < 0; zero++)
        out[length++] = '0';
    memcpy(out + length, text + whole, (size_t)(count - whole));
    return length + (size_t)(count - whole);
}

static size_t format_bits(uint64_t bits, bool negative, const layout *form, char *out)
{
    uint64_t hidden = (uint64_t)1 << (form->bits - 1);
    uint64_t significand = bits & (hidden - 1);
    int32_t biased = (int32_t)(bits >> (form->bits - 1));
    size_t length = 0;
    if (biased == form->top) {
        if (significand)
            return put_text(out, "NaN");
        return put_text(out, negative ? "-Infinity" : "Infinity");
    }
    if (negative)
        out[length++] = '-';
    if (bits == 0) {
        out[length++] = '0';
        return length;
    }
    bool border = significand == 0 && biased > 1;
    int32_t binary = form->least + (biased ? biased - 1 : 0);
    if (biased)
        significand |= hidden;
    int32_t exponent = 0;
    uint64_t digits;
    bool whole =
        binary <= 0 && -binary < form->bits && (significand & (((uint64_t)1 << -binary) - 1)) == 0;
    if (whole) /* exact, and shorter forms of it would need an exponent anyway */
        digits = significand >> -binary;
    else
        digits = shortest_digits(significand, binary, border, &exponent);
    return length + lay_out(digits, exponent, form, out + length);
}

size_t types_format_double(double value, char buffer[TYPES_FLOAT_TEXT_SIZE])
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return format_bits(bits & (UINT64_MAX >> 1), bits >> 63, &double_layout, buffer);
}

size_t types_format_float(float value, char buffer[TYPES_FLOAT_TEXT_SIZE])
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return format_bits(bits & (UINT32_MAX >> 1), bits >> 31, &float_layout, buffer);
}

/* ---- Reading ------------------------------------------------------------------------- */

/* The bits of the value nearest to significand * 2^binary, ties to even. */
static uint64_t round_to_bits(uint128_t significand, int32_t binary, const layout *form)
{
    uint64_t high = (uint64_t)(significand >> 64);
    int32_t width =
        (int32_t)(high ? 64 + base_bit_width(high) : base_bit_width((uint64_t)significand));
    int32_t shift = width - form->bits;
    shift = BASE_MAX(shift, form->least - binary);
    if (shift > 128)
        return 0;
    uint64_t rounded;
    if (shift <= 0) {
        rounded = (uint64_t)significand << -shift;
    } else if (shift == 128) {
        rounded = significand > (uint128_t)1 << 127;
    } else {
        rounded = (uint64_t)(significand >> shift);
        uint128_t half = (uint128_t)1 << (shift - 1);
        uint128_t rest = significand & (half * 2 - 1);
        rounded += rest > half || (rest == half && (rounded & 1));
    }
    /* A carry out of the significand goes into the exponent by itself. */
    uint64_t hidden = (uint64_t)1 << (form->bits - 1);
    if (rounded < hidden)
        return rounded;
    int64_t biased = (int64_t)binary + shift - form->least + 1;
    if (biased >= form->top)
        return (uint64_t)form->top << (form->bits - 1);
    return ((uint64_t)biased << (form->bits - 1)) + (rounded - hidden);
}

/* Little-endian big integers of fixed size: 800 digits, or the 1100 digits of 5^n. */
enum {
    BIG_WORDS = 160,
    MOST_DIGITS = 800, /* no double's border has more than 767; a tail only breaks ties */
};
typedef struct big {
    uint32_t count;
    uint32_t words[BIG_WORDS];
} big;

static void big_multiply_add(big *number, uint32_t factor, uint32_t summand)
{
    uint64_t carry = summand;
    for (uint32_t i = 0; i < number->count; i++) {
        carry += (uint64_t)number->words[i] * factor;
        number->words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) {
        BASE_VERIFY(number->count < BIG_WORDS);
        number->words[number->count++] = (uint32_t)carry;
    }
}

static void big_multiply_power_of_five(big *number, uint32_t power)
{
    for (; power >= 13; power -= 13)
        big_multiply_add(number, 1220703125, 0); /* 5^13 */
    for (; power > 0; power--)
        big_multiply_add(number, 5, 0);
}

static void big_shift_left(big *number, uint32_t bits)
{
    uint32_t words = bits / 32;
    if (number->count == 0)
        return;
    BASE_VERIFY(number->count + words < BIG_WORDS);
    memmove(number->words + words, number->words, number->count * sizeof(uint32_t));
    memset(number->words, 0, words * sizeof(uint32_t));
    number->count += words;
    big_multiply_add(number, (uint32_t)1 << bits % 32, 0);
}

static int big_compare(const big *a, const big *b)
{
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (uint32_t i = a->count; i-- > 0;) {
        if (a->words[i] != b->words[i])
            return a->words[i] < b->words[i] ? -1 : 1;
    }
    return 0;
}

/* All digits (but at most MOST_DIGITS and one for the rest); *exponent is that of the last. */
static void big_from_digits(const types_digits *number, big *result, int32_t *exponent)
{
    result->count = 0;
    *exponent = number->exponent;
    if (number->dropped == 0) {
        for (uint128_t rest = number->digits; rest; rest >>= 32)
            result->words[result->count++] = (uint32_t)rest;
        return;
    }
    uint32_t taken = 0;
    for (size_t i = 0; i < number->significand.length && taken < MOST_DIGITS; i++) {
        char c = number->significand.data[i];
        if (!types_is_digit(c) || (taken == 0 && c == '0'))
            continue;
        big_multiply_add(result, 10, (uint32_t)(c - '0'));
        taken++;
    }
    /* number->exponent belongs to the 38th digit. */
    *exponent -= (int32_t)taken - (int32_t)number->digit_count;
    if (number->digit_count + number->dropped > taken) {
        big_multiply_add(result, 10, 1);
        *exponent -= 1;
    }
}

/* <0, 0, >0: the number against the middle between the value of `bits` and the next one. */
static int compare_with_middle(const types_digits *number, uint64_t bits, const layout *form)
{
    big decimal, middle = {.count = 1};
    int32_t exponent;
    big_from_digits(number, &decimal, &exponent);
    uint64_t hidden = (uint64_t)1 << (form->bits - 1);
    int32_t biased = (int32_t)(bits >> (form->bits - 1));
    uint64_t significand = (bits & (hidden - 1)) | (biased ? hidden : 0);
    int32_t binary = form->least + (biased ? biased - 1 : 0) - 1;
    significand = 2 * significand + 1;
    middle.words[0] = (uint32_t)significand;
    middle.words[1] = (uint32_t)(significand >> 32);
    middle.count = middle.words[1] ? 2 : 1;
    /* decimal * 5^exponent * 2^exponent against middle * 2^binary */
    if (exponent >= 0)
        big_multiply_power_of_five(&decimal, (uint32_t)exponent);
    else
        big_multiply_power_of_five(&middle, (uint32_t)-exponent);
    if (exponent > binary)
        big_shift_left(&decimal, (uint32_t)(exponent - binary));
    else
        big_shift_left(&middle, (uint32_t)(binary - exponent));
    return big_compare(&decimal, &middle);
}

static uint64_t digits_to_bits(const types_digits *number, const layout *form)
{
    uint64_t infinity = (uint64_t)form->top << (form->bits - 1);
    uint128_t digits = number->digits;
    int32_t exponent = number->exponent;
    bool cut = number->dropped_not_zero;
    if (number->digit_count > 19) {
        uint128_t divisor = (uint128_t)types_power_of_ten(number->digit_count - 19);
        cut |= digits % divisor != 0;
        digits /= divisor;
        exponent += (int32_t)number->digit_count - 19;
    }
    uint64_t first = (uint64_t)digits;
    if (first == 0 || exponent < FIRST_POWER)
        return 0;
    if (exponent > 310)
        return infinity;
    wide entry = powers_of_ten[exponent - FIRST_POWER];
    uint128_t power = (uint128_t)entry.high << 64 | entry.low;
    bool exact = exponent >= 0 && exponent <= EXACT_POWERS;
    int32_t zeros = __builtin_clzll(first);
    uint64_t low_first = first << zeros;
    uint128_t low_power = power - !exact;
    /* The upper 128 of 192 bits, rounded down and up. */
    uint128_t lower =
        (low_power >> 64) * low_first + ((uint128_t)(uint64_t)low_power * low_first >> 64);
    uint128_t upper = power;
    uint128_t high_first = (uint128_t)(first + cut) << zeros;
    if (high_first >> 64 == 0) { /* else it is 2^64, and `power` is the product */
        uint128_t low_part = (uint128_t)(uint64_t)power * (uint64_t)high_first;
        upper = (power >> 64) * (uint64_t)high_first + (low_part >> 64);
        upper += (uint64_t)low_part != 0;
    }
    int32_t binary = 64 - zeros + log2_of_power(exponent) - 127;
    uint64_t low_bits = round_to_bits(lower, binary, form);
    uint64_t high_bits = round_to_bits(upper, binary, form);
    if (low_bits == high_bits)
        return low_bits;
    int order = compare_with_middle(number, low_bits, form);
    return order < 0 || (order == 0 && !(low_bits & 1)) ? low_bits : low_bits + 1;
}

double types_digits_to_double(const types_digits *number)
{
    static const double exact_powers[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                            1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                            1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (number->digits <= (uint64_t)1 << 53 && number->dropped == 0 && number->exponent >= -22 &&
        number->exponent <= 22) {
        /* Both exact: one rounding. */
        double value = (double)(uint64_t)number->digits;
        value = number->exponent < 0 ? value / exact_powers[-number->exponent]
                                     : value * exact_powers[number->exponent];
        return number->negative ? -value : value;
    }
    uint64_t bits = digits_to_bits(number, &double_layout) | (uint64_t)number->negative << 63;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float types_digits_to_float(const types_digits *number)
{
    uint64_t wide_bits = digits_to_bits(number, &float_layout);
    uint32_t bits = (uint32_t)wide_bits | (uint32_t)number->negative << 31;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
