/*
 * func_int.h - what the files of this room share: the list of row tables, and help for bodies.
 */
#ifndef FUNC_FUNC_INT_H
#define FUNC_FUNC_INT_H

#include "func/func.h"

/* In argument_kinds and result_kind of a row whose resolve is func_resolve_fixed. */
enum {
    FUNC_KIND_ANY = 0xFF,    /* argument: taken as it is */
    FUNC_KIND_COMMON = 0xFE, /* argument: cast to the type common to all arguments marked so;
                                result: that type */
    FUNC_KIND_FIRST = 0xFD,  /* result: the type of the first argument */
};

/*
 * Every table of rows, in the order of search; a table ends with a row without a name. To add
 * functions to a file is to add rows there; to add a file is one line here.
 */
#define FUNC_SCALAR_TABLES(X)                                                                      \
    X(func_arithmetic_rows)                                                                        \
    X(func_text_rows)                                                                              \
    X(func_case_rows)                                                                              \
    X(func_like_rows)                                                                              \
    X(func_regexp_rows)                                                                            \
    X(func_edit_rows)                                                                              \
    X(func_printf_rows)                                                                            \
    X(func_code_rows)                                                                              \
    X(func_round_rows)                                                                             \
    X(func_real_rows)                                                                              \
    X(func_integer_rows)                                                                           \
    X(func_time_operator_rows)                                                                     \
    X(func_time_field_rows)                                                                        \
    X(func_time_make_rows)                                                                         \
    X(func_time_sqlite_rows)                                                                       \
    X(func_time_text_rows)                                                                         \
    X(func_other_rows)
#define FUNC_AGGREGATE_TABLES(X)                                                                   \
    X(func_sum_rows)                                                                               \
    X(func_extreme_rows)                                                                           \
    X(func_statistics_rows)                                                                        \
    X(func_logic_rows)                                                                             \
    X(func_collect_rows)
#define FUNC_WINDOW_TABLES(X) X(func_window_rows)

#define FUNC_DECLARE_SCALARS(table) extern const func_scalar table[];
#define FUNC_DECLARE_AGGREGATES(table) extern const func_aggregate table[];
#define FUNC_DECLARE_WINDOWS(table) extern const func_window table[];
FUNC_SCALAR_TABLES(FUNC_DECLARE_SCALARS)
FUNC_AGGREGATE_TABLES(FUNC_DECLARE_AGGREGATES)
FUNC_WINDOW_TABLES(FUNC_DECLARE_WINDOWS)

/* Most rows are a fixed signature, a row body and their documentation. */
#define FUNC_ROW(name_, body, flags_, result, minimum, maximum, category_, doc, example_, answer,  \
                 ...)                                                                              \
    {                                                                                              \
        .name = name_, .resolve = func_resolve_fixed, .minimum_arguments = minimum,                \
        .maximum_arguments = maximum, .flags = flags_, .argument_kinds = {__VA_ARGS__},            \
        .result_kind = result, .row = body, .category = category_, .documentation = doc,           \
        .example = example_, .example_result = answer                                              \
    }

/* Arguments of row bodies. */
BASE_INLINE base_text func_text(const types_cell *cell)
{
    return (base_text){types_string_data(&cell->string), cell->string.length};
}
/* Room for a result of `length` bytes in the call's heap; the result is completed by
 * func_finish_text. BASE_STRING_TOO_LONG: longer than a text may be. */
base_status func_text_room(func_call *call, uint64_t length, char **bytes, base_error *error);
/* What was written into the buffer is the result. Destroys the buffer whatever the answer. */
base_status func_finish_buffer(func_call *call, base_buffer *buffer, types_cell *result,
                               base_error *error);
BASE_INLINE void func_finish_text(types_cell *result, const char *bytes, size_t length)
{
    result->string = types_string_of(bytes, length);
}
/* A result that lies inside an argument's bytes. `part` may point into the argument's cell:
 * short ones are copied, far ones are the argument's own. */
BASE_INLINE void func_view(types_cell *result, const char *part, size_t length)
{
    result->string = types_string_of(part, length);
}

/* Batches that have one body per row but no cost of a call through a pointer for constant
 * arguments: position of row i in an argument of any shape. */
BASE_INLINE uint32_t func_position(const vector *argument, uint32_t row)
{
    if (argument->shape == VECTOR_FLAT)
        return row;
    if (argument->shape == VECTOR_CONSTANT)
        return 0;
    return ((const uint16_t *)argument->data)[row];
}
/* The flat vector in which func_position finds the value. */
BASE_INLINE const vector *func_values(const vector *argument)
{
    return argument->shape == VECTOR_DICTIONARY ? argument->dictionary : argument;
}

#endif
