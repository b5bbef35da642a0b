/*
 * aggregate_logic.c - BOOL_AND, BOOL_OR, BIT_AND, BIT_OR, BIT_XOR: folds of one word.
 */
#include "func/aggregate/aggregate_int.h"

typedef struct fold_state {
    int64_t value;
    uint64_t count;
} fold_state;

static uint32_t fold_state_size(const func_aggregate_call *call)
{
    return sizeof(fold_state);
}

/* The first value starts the fold: a zeroed state is no neutral element of AND. */
#define FOLD(name, type, operation)                                                                \
    static void name##_one(fold_state *state, int64_t value)                                       \
    {                                                                                              \
        state->value = state->count ? state->value operation value : value;                        \
        state->count++;                                                                            \
    }                                                                                              \
    static base_status name##_update(func_aggregate_call *call, const vector *const *arguments,    \
                                     const uint16_t *selection, uint32_t count,                    \
                                     void *const *states, base_error *error)                       \
    {                                                                                              \
        aggregate_input input = aggregate_input_of(arguments[0]);                                  \
        const type *values = input.values;                                                         \
        AGGREGATE_EACH(input, selection, count, i, place, name##_one(states[i], values[place]));   \
        return BASE_OK;                                                                            \
    }                                                                                              \
    static base_status name##_combine(func_aggregate_call *call, void *into, const void *from,     \
                                      base_error *error)                                           \
    {                                                                                              \
        const fold_state *part = from;                                                             \
        if (part->count)                                                                           \
            name##_one(into, part->value);                                                         \
        return BASE_OK;                                                                            \
    }
FOLD(bool_and, uint8_t, &)
FOLD(bool_or, uint8_t, |)
FOLD(bit_and, int64_t, &)
FOLD(bit_or, int64_t, |)
FOLD(bit_xor, int64_t, ^)

static base_status bool_finish(func_aggregate_call *call, const void *state, types_cell *result,
                               bool *result_null, base_error *error)
{
    const fold_state *fold = state;
    *result_null = fold->count == 0;
    result->boolean = fold->value != 0;
    return BASE_OK;
}

static base_status bit_finish(func_aggregate_call *call, const void *state, types_cell *result,
                              bool *result_null, base_error *error)
{
    const fold_state *fold = state;
    *result_null = fold->count == 0;
    result->int64 = fold->value;
    return BASE_OK;
}

static bool resolve_boolean(const func_aggregate *function, types_type *types, uint32_t count,
                            types_type *result)
{
    if (!aggregate_is_untyped(types[0]) && types[0].kind != TYPES_BOOLEAN)
        return false;
    types[0] = *result = TYPES_OF(BOOLEAN);
    return true;
}

static bool resolve_bits(const func_aggregate *function, types_type *types, uint32_t count,
                         types_type *result)
{
    if (!aggregate_is_untyped(types[0]) && !types_is_integer(types[0]))
        return false;
    types[0] = *result = TYPES_OF(INTEGER);
    return true;
}

#define FOLDS(sql, body, resolver, finisher, no_op, sentence)                                      \
    {                                                                                              \
        .name = sql, .resolve = resolver, .minimum_arguments = 1, .maximum_arguments = 1,          \
        .distinct_is_noop = no_op, .state_size = fold_state_size, .update = body##_update,         \
        .combine = body##_combine, .finish = finisher, .documentation = sentence                   \
    }

const func_aggregate func_logic_rows[] = {
    FOLDS("bool_and", bool_and, resolve_boolean, bool_finish, true, "TRUE if all values are TRUE."),
    FOLDS("every", bool_and, resolve_boolean, bool_finish, true, "TRUE if all values are TRUE."),
    FOLDS("bool_or", bool_or, resolve_boolean, bool_finish, true, "TRUE if some value is TRUE."),
    FOLDS("bit_and", bit_and, resolve_bits, bit_finish, true, "Bitwise AND of integers."),
    FOLDS("bit_or", bit_or, resolve_bits, bit_finish, true, "Bitwise OR of integers."),
    FOLDS("bit_xor", bit_xor, resolve_bits, bit_finish, false, "Bitwise XOR of integers."),
    {.name = NULL},
};
