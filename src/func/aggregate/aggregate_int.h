/*
 * aggregate_int.h - what the aggregate functions share: walking an argument, exact sums, and
 * growing bytes of a state.
 *
 * States are zeroed to be empty, moved by memcpy, aligned to 8 bytes only, and never freed
 * singly: what they own lies in the call's heap. So a 128-bit number in a state is two words.
 */
#ifndef FUNC_AGGREGATE_AGGREGATE_INT_H
#define FUNC_AGGREGATE_AGGREGATE_INT_H

#include "func/func.h"

extern const func_aggregate func_sum_rows[], func_extreme_rows[], func_statistics_rows[];
extern const func_aggregate func_logic_rows[], func_collect_rows[];

/* ---- Walking an argument of any shape ---------------------------------------------------- */

typedef struct aggregate_input {
    const void *values;
    const uint64_t *validity; /* NULL: no nulls */
    const uint16_t *codes;    /* NULL: not a dictionary */
    uint32_t step;            /* 0: constant */
} aggregate_input;

BASE_INLINE aggregate_input aggregate_input_of(const vector *argument)
{
    aggregate_input input = {argument->data, argument->validity, NULL,
                             argument->shape != VECTOR_CONSTANT};
    if (argument->shape == VECTOR_DICTIONARY) {
        input.codes = argument->data;
        input.values = argument->dictionary->data;
    }
    return input;
}
BASE_INLINE bool aggregate_is_valid(const aggregate_input *input, uint32_t row)
{
    return !input->validity || base_bit_get(input->validity, row * input->step);
}
BASE_INLINE uint32_t aggregate_place(const aggregate_input *input, uint32_t row)
{
    return input->codes ? input->codes[row] : row * input->step;
}

/* Runs `body` for each selected row that is not NULL, with `index` its number in the selection and
 * `place` where its value lies. The common case, flat without nulls, has a loop of its own. */
#define AGGREGATE_EACH(input, selection, count, index, place, body)                                \
    do {                                                                                           \
        if (!(input).validity && !(input).codes && (input).step == 1) {                            \
            for (uint32_t index = 0; index < (count); index++) {                                   \
                uint32_t place = vector_row(selection, index);                                     \
                body;                                                                              \
            }                                                                                      \
        } else {                                                                                   \
            for (uint32_t index = 0; index < (count); index++) {                                   \
                uint32_t row_ = vector_row(selection, index);                                      \
                if (!aggregate_is_valid(&(input), row_))                                           \
                    continue;                                                                      \
                uint32_t place = aggregate_place(&(input), row_);                                  \
                body;                                                                              \
            }                                                                                      \
        }                                                                                          \
    } while (0)

/* ---- 128-bit numbers in words ------------------------------------------------------------ */

typedef struct aggregate_wide {
    uint64_t low;
    int64_t high;
} aggregate_wide;

BASE_INLINE int128_t aggregate_wide_get(const aggregate_wide *wide)
{
    return (int128_t)((uint128_t)(uint64_t)wide->high << 64 | wide->low);
}
BASE_INLINE void aggregate_wide_set(aggregate_wide *wide, int128_t value)
{
    wide->low = (uint64_t)value;
    wide->high = (int64_t)(value >> 64);
}
/* True when the sum overflows 128 bits. */
BASE_INLINE bool aggregate_wide_add(aggregate_wide *wide, int128_t value)
{
    int128_t sum;
    bool overflows = __builtin_add_overflow(aggregate_wide_get(wide), value, &sum);
    aggregate_wide_set(wide, sum);
    return overflows;
}

/* ---- Bytes owned by a state -------------------------------------------------------------- */

/* Room for `needed` bytes at `*bytes`, keeping the first `used`. Grows by doubling, so what
 * is left behind in the heap is no more than what is used. */
BASE_INLINE base_status aggregate_reserve(base_arena *heap, char **bytes, uint64_t *capacity,
                                          uint64_t used, uint64_t needed, base_error *error)
{
    if (BASE_LIKELY(needed <= *capacity))
        return BASE_OK;
    uint64_t grown = BASE_MAX(needed, *capacity * 2);
    grown = BASE_MAX(grown, (uint64_t)32);
    char *room = base_arena_allocate(heap, grown);
    if (!room)
        return base_error_no_memory(error);
    if (used)
        memcpy(room, *bytes, used);
    *bytes = room;
    *capacity = grown;
    return BASE_OK;
}

/* ---- Resolvers --------------------------------------------------------------------------- */

BASE_INLINE bool aggregate_is_untyped(types_type type)
{
    return type.kind == TYPES_NULL || type.kind == TYPES_UNKNOWN;
}
/* Numbers, taken as floats, to a float. */
BASE_INLINE bool aggregate_resolve_floats(const func_aggregate *function, types_type *types,
                                          uint32_t count, types_type *result)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!aggregate_is_untyped(types[i]) && !types_is_numeric(types[i]))
            return false;
        types[i] = TYPES_OF(FLOAT);
    }
    *result = TYPES_OF(FLOAT);
    return true;
}

#endif
