/*
 * window_rows.c - names, arguments and results of window functions. The executor computes them.
 */
#include "func/func.h"
#include "func/func_int.h"

static bool is_untyped(types_type type)
{
    return type.kind == TYPES_NULL || type.kind == TYPES_UNKNOWN;
}

static bool resolve_number(const func_window *function, types_type *types, uint32_t count,
                           types_type *result)
{
    *result = TYPES_OF(INTEGER);
    return true;
}

static bool resolve_fraction(const func_window *function, types_type *types, uint32_t count,
                             types_type *result)
{
    *result = TYPES_OF(FLOAT);
    return true;
}

static bool resolve_ntile(const func_window *function, types_type *types, uint32_t count,
                          types_type *result)
{
    if (!is_untyped(types[0]) && !types_is_integer(types[0]))
        return false;
    types[0] = *result = TYPES_OF(INTEGER);
    return true;
}

/* LAG(value [, offset [, default]]): the default comes to a type common with the value. */
static bool resolve_shift(const func_window *function, types_type *types, uint32_t count,
                          types_type *result)
{
    types_type common = is_untyped(types[0]) ? TYPES_OF(TEXT) : types[0];
    if (count > 2 && !types_common(types[0], types[2], &common))
        return false;
    if (count > 1) {
        if (!is_untyped(types[1]) && !types_is_integer(types[1]))
            return false;
        types[1] = TYPES_OF(INTEGER);
    }
    if (count > 2)
        types[2] = common;
    types[0] = *result = common;
    return true;
}

static bool resolve_value(const func_window *function, types_type *types, uint32_t count,
                          types_type *result)
{
    if (is_untyped(types[0]))
        types[0] = TYPES_OF(TEXT);
    *result = types[0];
    return true;
}

static bool resolve_nth(const func_window *function, types_type *types, uint32_t count,
                        types_type *result)
{
    if (!is_untyped(types[1]) && !types_is_integer(types[1]))
        return false;
    types[1] = TYPES_OF(INTEGER);
    return resolve_value(function, types, count, result);
}

const func_window func_window_rows[] = {
    {"row_number", FUNC_WINDOW_ROW_NUMBER, resolve_number, 0, 0,
     "Number of the row in its partition, from 1.", NULL, NULL},
    {"rank", FUNC_WINDOW_RANK, resolve_number, 0, 0,
     "Rank of the row; equal rows share one, and the next rank has a gap.", NULL, NULL},
    {"dense_rank", FUNC_WINDOW_DENSE_RANK, resolve_number, 0, 0,
     "Rank of the row; equal rows share one, without gaps.", NULL, NULL},
    {"percent_rank", FUNC_WINDOW_PERCENT_RANK, resolve_fraction, 0, 0,
     "(rank - 1) / (rows of the partition - 1).", NULL, NULL},
    {"cume_dist", FUNC_WINDOW_CUME_DIST, resolve_fraction, 0, 0,
     "Part of the partition's rows that come before or with the row.", NULL, NULL},
    {"ntile", FUNC_WINDOW_NTILE, resolve_ntile, 1, 1,
     "Number of the row's part when the partition is cut into n nearly equal parts.", NULL, NULL},
    {"lag", FUNC_WINDOW_LAG, resolve_shift, 1, 3, "Value in the row n (1) before, or the default.",
     NULL, NULL},
    {"lead", FUNC_WINDOW_LEAD, resolve_shift, 1, 3, "Value in the row n (1) after, or the default.",
     NULL, NULL},
    {"first_value", FUNC_WINDOW_FIRST_VALUE, resolve_value, 1, 1, "Value in the frame's first row.",
     NULL, NULL},
    {"last_value", FUNC_WINDOW_LAST_VALUE, resolve_value, 1, 1, "Value in the frame's last row.",
     NULL, NULL},
    {"nth_value", FUNC_WINDOW_NTH_VALUE, resolve_nth, 2, 2,
     "Value in the frame's nth row, NULL if it has fewer.", NULL, NULL},
    {.name = NULL},
};
