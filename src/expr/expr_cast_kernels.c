/*
 * expr_cast_kernels.c - batch conversion between integers, decimals and floats.
 *
 * A DECIMAL(p,s) is an integer with a scale, an INTEGER one with scale 0; so all casts among them
 * are a multiplication or a rounding division by a power of ten and a range check. The
 * kernels are stamped over source and target form; arithmetic is 64-bit wide where both
 * sides are. A row that does not fit ends the fast path without an error: expr_cast.c then
 * goes value by value and says which one it was.
 *
 * Invariant: a kernel gives what types_cast gives, or returns false.
 */
#include "expr/expr_cast_int.h"

#define MULTIPLY_int64_t(a, b, product) __builtin_mul_overflow((int64_t)(a), b, product)
#define MULTIPLY_int128_t(a, b, product) base_multiply_i128(a, b, product)
/* Multiplies. `wide` holds the product or the builtin reports that it does not. */
#define UP_LOOP(wide, row)                                                                         \
    for (uint32_t i = 0; i < count; i++) {                                                         \
        uint32_t position = row;                                                                   \
        wide value;                                                                                \
        bad |= MULTIPLY_##wide(from[position], factor, &value);                                    \
        bad |= (value < low) | (value > high);                                                     \
        to[position] = (target)value;                                                              \
    }
/* Divides and rounds half away from zero. */
#define DOWN_LOOP(wide, row)                                                                       \
    for (uint32_t i = 0; i < count; i++) {                                                         \
        uint32_t position = row;                                                                   \
        wide value = (wide)from[position] / factor, rest = (wide)from[position] % factor;          \
        value += (rest >= factor - rest) - (rest <= -(factor + rest));                             \
        bad |= (value < low) | (value > high);                                                     \
        to[position] = (target)value;                                                              \
    }
#define RESCALE_KERNELS(from_form, source, to_form, target_type, wide)                             \
    static bool up_##from_form##_##to_form(const void *from_values, void *to_values,               \
                                           const expr_rescale *rescale, const uint16_t *selection, \
                                           uint32_t count)                                         \
    {                                                                                              \
        typedef target_type target;                                                                \
        const source *from = from_values;                                                          \
        target *to = to_values;                                                                    \
        const wide factor = (wide)rescale->factor;                                                 \
        const wide low = (wide)rescale->low, high = (wide)rescale->high;                           \
        bool bad = false;                                                                          \
        if (selection)                                                                             \
            UP_LOOP(wide, selection[i])                                                            \
        else                                                                                       \
            UP_LOOP(wide, i)                                                                       \
        return !bad;                                                                               \
    }                                                                                              \
    static bool down_##from_form##_##to_form(const void *from_values, void *to_values,             \
                                             const expr_rescale *rescale,                          \
                                             const uint16_t *selection, uint32_t count)            \
    {                                                                                              \
        typedef target_type target;                                                                \
        const source *from = from_values;                                                          \
        target *to = to_values;                                                                    \
        const wide factor = (wide)rescale->factor;                                                 \
        const wide low = (wide)rescale->low, high = (wide)rescale->high;                           \
        bool bad = false;                                                                          \
        if (selection)                                                                             \
            DOWN_LOOP(wide, selection[i])                                                          \
        else                                                                                       \
            DOWN_LOOP(wide, i)                                                                     \
        return !bad;                                                                               \
    }

/* X(from form, its type, to form, its type, arithmetic) */
#define RESCALE_LIST(X)                                                                            \
    X(INT8, int8_t, INT16, int16_t, int64_t)                                                       \
    X(INT8, int8_t, INT32, int32_t, int64_t)                                                       \
    X(INT8, int8_t, INT64, int64_t, int64_t)                                                       \
    X(INT8, int8_t, UINT64, uint64_t, int128_t)                                                    \
    X(INT8, int8_t, INT128, int128_t, int128_t)                                                    \
    X(INT16, int16_t, INT8, int8_t, int64_t)                                                       \
    X(INT16, int16_t, INT32, int32_t, int64_t)                                                     \
    X(INT16, int16_t, INT64, int64_t, int64_t)                                                     \
    X(INT16, int16_t, UINT64, uint64_t, int128_t)                                                  \
    X(INT16, int16_t, INT128, int128_t, int128_t)                                                  \
    X(INT32, int32_t, INT8, int8_t, int64_t)                                                       \
    X(INT32, int32_t, INT16, int16_t, int64_t)                                                     \
    X(INT32, int32_t, INT64, int64_t, int64_t)                                                     \
    X(INT32, int32_t, UINT64, uint64_t, int128_t)                                                  \
    X(INT32, int32_t, INT128, int128_t, int128_t)                                                  \
    X(INT64, int64_t, INT8, int8_t, int64_t)                                                       \
    X(INT64, int64_t, INT16, int16_t, int64_t)                                                     \
    X(INT64, int64_t, INT32, int32_t, int64_t)                                                     \
    X(INT64, int64_t, INT64, int64_t, int64_t)                                                     \
    X(INT64, int64_t, UINT64, uint64_t, int128_t)                                                  \
    X(INT64, int64_t, INT128, int128_t, int128_t)                                                  \
    X(UINT64, uint64_t, INT8, int8_t, int128_t)                                                    \
    X(UINT64, uint64_t, INT16, int16_t, int128_t)                                                  \
    X(UINT64, uint64_t, INT32, int32_t, int128_t)                                                  \
    X(UINT64, uint64_t, INT64, int64_t, int128_t)                                                  \
    X(UINT64, uint64_t, INT128, int128_t, int128_t)                                                \
    X(INT128, int128_t, INT8, int8_t, int128_t)                                                    \
    X(INT128, int128_t, INT16, int16_t, int128_t)                                                  \
    X(INT128, int128_t, INT32, int32_t, int128_t)                                                  \
    X(INT128, int128_t, INT64, int64_t, int128_t)                                                  \
    X(INT128, int128_t, UINT64, uint64_t, int128_t)                                                \
    X(INT128, int128_t, INT128, int128_t, int128_t)
RESCALE_LIST(RESCALE_KERNELS)

static const struct {
    expr_cast_kernel up, down;
} rescale_kernels[TYPES_FORM_COUNT][TYPES_FORM_COUNT] = {
#define RESCALE_ENTRY(from_form, source, to_form, target, wide)                                    \
    [TYPES_FORM_##from_form][TYPES_FORM_##to_form] = {up_##from_form##_##to_form,                  \
                                                      down_##from_form##_##to_form},
    RESCALE_LIST(RESCALE_ENTRY)
#undef RESCALE_ENTRY
};

/* ---- To floats --------------------------------------------------------------------------- */

#define FLOAT_KERNEL(from_form, source)                                                            \
    static bool float_##from_form(const void *from_values, void *to_values,                        \
                                  const expr_rescale *rescale, const uint16_t *selection,          \
                                  uint32_t count)                                                  \
    {                                                                                              \
        const source *from = from_values;                                                          \
        double *to = to_values;                                                                    \
        if (selection) {                                                                           \
            for (uint32_t i = 0; i < count; i++)                                                   \
                to[selection[i]] = (double)from[selection[i]];                                     \
        } else {                                                                                   \
            for (uint32_t i = 0; i < count; i++)                                                   \
                to[i] = (double)from[i];                                                           \
        }                                                                                          \
        return true;                                                                               \
    }
FLOAT_KERNEL(INT8, int8_t)
FLOAT_KERNEL(INT16, int16_t)
FLOAT_KERNEL(INT32, int32_t)
FLOAT_KERNEL(INT64, int64_t)
FLOAT_KERNEL(UINT64, uint64_t)
FLOAT_KERNEL(FLOAT32, float)

#define DECIMAL_FLOAT_KERNEL(from_form, source)                                                    \
    static bool decimal_float_##from_form(const void *from_values, void *to_values,                \
                                          const expr_rescale *rescale, const uint16_t *selection,  \
                                          uint32_t count)                                          \
    {                                                                                              \
        const source *from = from_values;                                                          \
        double *to = to_values;                                                                    \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            uint32_t position = vector_row(selection, i);                                          \
            to[position] = types_decimal_to_double(from[position], rescale->source_scale);         \
        }                                                                                          \
        return true;                                                                               \
    }
DECIMAL_FLOAT_KERNEL(INT64, int64_t)
DECIMAL_FLOAT_KERNEL(INT128, int128_t)

static expr_cast_kernel float_kernel_of(types_type from)
{
    types_form form = types_form_of(from);
    if (from.kind == TYPES_DECIMAL)
        return form == TYPES_FORM_INT64 ? decimal_float_INT64 : decimal_float_INT128;
    switch (form) {
    case TYPES_FORM_INT8:
        return float_INT8;
    case TYPES_FORM_INT16:
        return float_INT16;
    case TYPES_FORM_INT32:
        return float_INT32;
    case TYPES_FORM_INT64:
        return float_INT64;
    case TYPES_FORM_UINT64:
        return float_UINT64;
    case TYPES_FORM_FLOAT32:
        return float_FLOAT32;
    default:
        return NULL;
    }
}

/* ---- Choice ------------------------------------------------------------------------------ */

/* What a type of the integer family holds. */
static void bounds_of(types_type type, int128_t *low, int128_t *high)
{
    switch (type.kind) {
    case TYPES_TINYINT:
        *low = INT8_MIN;
        *high = INT8_MAX;
        break;
    case TYPES_SMALLINT:
        *low = INT16_MIN;
        *high = INT16_MAX;
        break;
    case TYPES_INT4:
        *low = INT32_MIN;
        *high = INT32_MAX;
        break;
    case TYPES_INTEGER:
        *low = INT64_MIN;
        *high = INT64_MAX;
        break;
    case TYPES_UBIGINT:
        *low = 0;
        *high = (int128_t)UINT64_MAX;
        break;
    default:
        BASE_ASSERT(type.kind == TYPES_DECIMAL);
        *high = types_power_of_ten(type.precision) - 1;
        *low = -*high;
    }
}

expr_cast_kernel expr_cast_kernel_of(types_type from, types_type to, expr_rescale *rescale)
{
    if (!types_is_numeric(from) || !types_is_numeric(to))
        return NULL;
    rescale->source_scale = from.scale;
    if (to.kind == TYPES_FLOAT)
        return float_kernel_of(from);
    if (from.kind == TYPES_FLOAT || from.kind == TYPES_FLOAT4 || to.kind == TYPES_FLOAT4)
        return NULL;
    bounds_of(to, &rescale->low, &rescale->high);
    bool up = to.scale >= from.scale;
    uint32_t digits = up ? to.scale - from.scale : from.scale - to.scale;
    rescale->factor = types_power_of_ten(digits);
    types_form from_form = types_form_of(from), to_form = types_form_of(to);
    /* A factor that the 64-bit loops cannot hold: rare, value by value. */
    if (from_form != TYPES_FORM_INT128 && to_form != TYPES_FORM_INT128 &&
        rescale->factor > INT64_MAX)
        return NULL;
    return up ? rescale_kernels[from_form][to_form].up : rescale_kernels[from_form][to_form].down;
}
