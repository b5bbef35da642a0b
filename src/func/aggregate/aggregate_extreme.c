/*
 * aggregate_extreme.c - MIN, MAX, FIRST, LAST, ANY_VALUE, ARG_MIN, ARG_MAX: aggregates that
 * keep one value.
 *
 * A state keeps a cell and, for far strings, bytes of its own, because a batch's strings are gone
 * after it. MIN and MAX over a whole batch first find the batch's best position and keep only
 * that, so strings are copied once a batch and not at every step down.
 */
#include "func/aggregate/aggregate_int.h"

/* A value kept in a state: the cell's 16 bytes as words, because states are aligned to 8. */
typedef struct kept_value {
    uint64_t words[2];
    char *bytes; /* of a far string */
    uint64_t capacity;
    uint32_t has_value;
    uint32_t is_null;
} kept_value;

static types_form form_of_argument(const func_aggregate_call *call, uint32_t argument)
{
    return types_form_of(call->argument_types[argument]);
}

static void kept_get(const kept_value *kept, types_cell *cell)
{
    memcpy(cell, kept->words, sizeof kept->words);
}

static base_status kept_set(func_aggregate_call *call, kept_value *kept, types_form form,
                            const types_cell *cell, bool is_null, base_error *error)
{
    types_cell copy = *cell;
    if (!is_null && form == TYPES_FORM_STRING && cell->string.length > TYPES_STRING_INLINE) {
        if (call->keeps_results) { /* one may point to these */
            kept->bytes = NULL;
            kept->capacity = 0;
        }
        RETURN_IF_ERROR(aggregate_reserve(call->heap, &kept->bytes, &kept->capacity, 0,
                                          cell->string.length, error));
        memmove(kept->bytes, cell->string.far.pointer, cell->string.length);
        copy.string.far.pointer = kept->bytes;
    }
    if (is_null)
        memset(&copy, 0, sizeof copy);
    memcpy(kept->words, &copy, sizeof kept->words);
    kept->has_value = true;
    kept->is_null = is_null;
    return BASE_OK;
}

static void load_cell(const aggregate_input *input, types_form form, uint32_t row, types_cell *cell)
{
    uint32_t size = types_form_size(form);
    memcpy(cell, (const char *)input->values + (size_t)aggregate_place(input, row) * size, size);
}

static uint32_t kept_state_size(const func_aggregate_call *call)
{
    return sizeof(kept_value);
}

static base_status kept_finish(func_aggregate_call *call, const void *state, types_cell *result,
                               bool *result_null, base_error *error)
{
    const kept_value *kept = state;
    kept_get(kept, result);
    *result_null = !kept->has_value || kept->is_null;
    return BASE_OK;
}

/* ---- MIN, MAX ---------------------------------------------------------------------------- */

/* Decides most pairs of texts by their first four bytes: <0, 0 (ask further), >0. */
BASE_INLINE int compare_prefix(const types_string *a, const types_string *b)
{
    uint32_t first_a = __builtin_bswap32(base_load_u32(a->inlined));
    uint32_t first_b = __builtin_bswap32(base_load_u32(b->inlined));
    return (first_a > first_b) - (first_a < first_b);
}

/* sign: -1 keeps the smallest, 1 the largest. */
static base_status extreme_offer(func_aggregate_call *call, kept_value *kept, types_form form,
                                 const types_cell *cell, int sign, base_error *error)
{
    if (kept->has_value) {
        types_cell best;
        kept_get(kept, &best);
        if (types_cell_compare(form, cell, &best) * sign <= 0)
            return BASE_OK;
    }
    return kept_set(call, kept, form, cell, false, error);
}

/* The machine forms without a call per row: `type` values, `better` keeps the new one. */
#define EXTREME_LOOP(type)                                                                         \
    do {                                                                                           \
        const type *values = input.values;                                                         \
        AGGREGATE_EACH(input, selection, count, i, place, {                                        \
            kept_value *kept = states[i];                                                          \
            type best;                                                                             \
            type value = values[place];                                                            \
            memcpy(&best, kept->words, sizeof best);                                               \
            if (!kept->has_value || (sign < 0 ? value < best : value > best)) {                    \
                memcpy(kept->words, &value, sizeof value);                                         \
                kept->has_value = true;                                                            \
            }                                                                                      \
        });                                                                                        \
    } while (0)

BASE_INLINE base_status extreme_update(func_aggregate_call *call, const vector *const *arguments,
                                       const uint16_t *selection, uint32_t count,
                                       void *const *states, int sign, base_error *error)
{
    aggregate_input input = aggregate_input_of(arguments[0]);
    types_form form = (types_form)arguments[0]->form;
    if (form == TYPES_FORM_INT64) {
        EXTREME_LOOP(int64_t);
        return BASE_OK;
    }
    if (form == TYPES_FORM_INT32) {
        EXTREME_LOOP(int32_t);
        return BASE_OK;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = vector_row(selection, i);
        const kept_value *kept = states[i];
        types_cell cell;
        if (!aggregate_is_valid(&input, row))
            continue;
        load_cell(&input, form, row, &cell);
        if (form == TYPES_FORM_STRING && kept->has_value &&
            compare_prefix(&cell.string, (const types_string *)(const void *)kept->words) * sign <
                0)
            continue;
        RETURN_IF_ERROR(extreme_offer(call, states[i], form, &cell, sign, error));
    }
    return BASE_OK;
}

/* Finds the batch's best value, then offers it. */
BASE_INLINE base_status extreme_update_single(func_aggregate_call *call,
                                              const vector *const *arguments,
                                              const uint16_t *selection, uint32_t count,
                                              void *state, int sign, base_error *error)
{
    aggregate_input input = aggregate_input_of(arguments[0]);
    types_form form = (types_form)arguments[0]->form;
    types_cell best = {0};
    bool found = false;
    if (form == TYPES_FORM_INT64) {
        const int64_t *values = input.values;
        int64_t extreme = sign < 0 ? INT64_MAX : INT64_MIN;
        AGGREGATE_EACH(input, selection, count, i, place, {
            int64_t value = values[place];
            extreme = (sign < 0 ? value < extreme : value > extreme) ? value : extreme;
            found = true;
        });
        best.int64 = extreme;
    } else {
        for (uint32_t i = 0; i < count; i++) {
            uint32_t row = vector_row(selection, i);
            types_cell cell;
            if (!aggregate_is_valid(&input, row))
                continue;
            load_cell(&input, form, row, &cell);
            if (found && form == TYPES_FORM_STRING &&
                compare_prefix(&cell.string, &best.string) * sign < 0)
                continue;
            if (!found || types_cell_compare(form, &cell, &best) * sign > 0)
                best = cell;
            found = true;
        }
    }
    return found ? extreme_offer(call, state, form, &best, sign, error) : BASE_OK;
}

BASE_INLINE base_status extreme_combine(func_aggregate_call *call, void *into, const void *from,
                                        int sign, base_error *error)
{
    const kept_value *part = from;
    types_cell cell;
    if (!part->has_value)
        return BASE_OK;
    kept_get(part, &cell);
    return extreme_offer(call, into, form_of_argument(call, 0), &cell, sign, error);
}

#define EXTREME(name, sign)                                                                        \
    static base_status name##_update(func_aggregate_call *call, const vector *const *arguments,    \
                                     const uint16_t *selection, uint32_t count,                    \
                                     void *const *states, base_error *error)                       \
    {                                                                                              \
        return extreme_update(call, arguments, selection, count, states, sign, error);             \
    }                                                                                              \
    static base_status name##_update_single(                                                       \
        func_aggregate_call *call, const vector *const *arguments, const uint16_t *selection,      \
        uint32_t count, void *state, base_error *error)                                            \
    {                                                                                              \
        return extreme_update_single(call, arguments, selection, count, state, sign, error);       \
    }                                                                                              \
    static base_status name##_combine(func_aggregate_call *call, void *into, const void *from,     \
                                      base_error *error)                                           \
    {                                                                                              \
        return extreme_combine(call, into, from, sign, error);                                     \
    }
EXTREME(min, -1)
EXTREME(max, 1)

/* ---- FIRST, LAST, ANY_VALUE -------------------------------------------------------------- */

/* FIRST and LAST count a NULL as a value, ANY_VALUE looks for one that is none. */
BASE_INLINE base_status pick_update(func_aggregate_call *call, const vector *const *arguments,
                                    const uint16_t *selection, uint32_t count, void *const *states,
                                    bool keep_last, bool skip_nulls, base_error *error)
{
    aggregate_input input = aggregate_input_of(arguments[0]);
    types_form form = (types_form)arguments[0]->form;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = vector_row(selection, i);
        kept_value *kept = states[i];
        bool is_null = !aggregate_is_valid(&input, row);
        if ((kept->has_value && !keep_last) || (is_null && skip_nulls))
            continue;
        types_cell cell = {0};
        if (!is_null)
            load_cell(&input, form, row, &cell);
        RETURN_IF_ERROR(kept_set(call, kept, form, &cell, is_null, error));
    }
    return BASE_OK;
}

BASE_INLINE base_status pick_combine(func_aggregate_call *call, void *into, const void *from,
                                     bool keep_last, base_error *error)
{
    kept_value *kept = into;
    const kept_value *part = from;
    types_cell cell;
    if (!part->has_value || (kept->has_value && !keep_last))
        return BASE_OK;
    kept_get(part, &cell);
    return kept_set(call, kept, form_of_argument(call, 0), &cell, part->is_null, error);
}

#define PICK(name, keep_last, skip_nulls)                                                          \
    static base_status name##_update(func_aggregate_call *call, const vector *const *arguments,    \
                                     const uint16_t *selection, uint32_t count,                    \
                                     void *const *states, base_error *error)                       \
    {                                                                                              \
        return pick_update(call, arguments, selection, count, states, keep_last, skip_nulls,       \
                           error);                                                                 \
    }                                                                                              \
    static base_status name##_combine(func_aggregate_call *call, void *into, const void *from,     \
                                      base_error *error)                                           \
    {                                                                                              \
        return pick_combine(call, into, from, keep_last, error);                                   \
    }
PICK(first, false, false)
PICK(last, true, false)
PICK(any_value, false, true)

/* ---- ARG_MIN, ARG_MAX: the first argument where the second is smallest or largest -------- */

typedef struct argument_state {
    kept_value key, value;
} argument_state;

static uint32_t argument_state_size(const func_aggregate_call *call)
{
    return sizeof(argument_state);
}

static base_status argument_offer(func_aggregate_call *call, argument_state *state,
                                  const types_cell *key, const types_cell *value, bool value_null,
                                  int sign, base_error *error)
{
    types_form form = form_of_argument(call, 1);
    if (state->key.has_value) {
        types_cell best;
        kept_get(&state->key, &best);
        if (types_cell_compare(form, key, &best) * sign <= 0)
            return BASE_OK;
    }
    RETURN_IF_ERROR(kept_set(call, &state->key, form, key, false, error));
    return kept_set(call, &state->value, form_of_argument(call, 0), value, value_null, error);
}

BASE_INLINE base_status argument_update(func_aggregate_call *call, const vector *const *arguments,
                                        const uint16_t *selection, uint32_t count,
                                        void *const *states, int sign, base_error *error)
{
    aggregate_input values = aggregate_input_of(arguments[0]);
    aggregate_input keys = aggregate_input_of(arguments[1]);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = vector_row(selection, i);
        types_cell key, value = {0};
        bool value_null = !aggregate_is_valid(&values, row);
        if (!aggregate_is_valid(&keys, row))
            continue;
        load_cell(&keys, (types_form)arguments[1]->form, row, &key);
        if (!value_null)
            load_cell(&values, (types_form)arguments[0]->form, row, &value);
        RETURN_IF_ERROR(argument_offer(call, states[i], &key, &value, value_null, sign, error));
    }
    return BASE_OK;
}

BASE_INLINE base_status argument_combine(func_aggregate_call *call, void *into, const void *from,
                                         int sign, base_error *error)
{
    const argument_state *part = from;
    types_cell key, value;
    if (!part->key.has_value)
        return BASE_OK;
    kept_get(&part->key, &key);
    kept_get(&part->value, &value);
    return argument_offer(call, into, &key, &value, part->value.is_null, sign, error);
}

static base_status argument_finish(func_aggregate_call *call, const void *state, types_cell *result,
                                   bool *result_null, base_error *error)
{
    return kept_finish(call, &((const argument_state *)state)->value, result, result_null, error);
}

#define ARGUMENT(name, sign)                                                                       \
    static base_status name##_update(func_aggregate_call *call, const vector *const *arguments,    \
                                     const uint16_t *selection, uint32_t count,                    \
                                     void *const *states, base_error *error)                       \
    {                                                                                              \
        return argument_update(call, arguments, selection, count, states, sign, error);            \
    }                                                                                              \
    static base_status name##_combine(func_aggregate_call *call, void *into, const void *from,     \
                                      base_error *error)                                           \
    {                                                                                              \
        return argument_combine(call, into, from, sign, error);                                    \
    }
ARGUMENT(arg_min, -1)
ARGUMENT(arg_max, 1)

/* ---- Rows -------------------------------------------------------------------------------- */

/* Any type; the result has the first argument's. */
static bool resolve_first_type(const func_aggregate *function, types_type *types, uint32_t count,
                               types_type *result)
{
    for (uint32_t i = 0; i < count; i++)
        if (aggregate_is_untyped(types[i]))
            types[i] = TYPES_OF(TEXT);
    *result = types[0];
    return true;
}

#define KEEPS(sql, body, single, ordered, no_op, sentence)                                         \
    {                                                                                              \
        .name = sql, .resolve = resolve_first_type, .minimum_arguments = 1,                        \
        .maximum_arguments = 1, .distinct_is_noop = no_op, .order_sensitive = ordered,             \
        .state_size = kept_state_size, .update = body##_update, .update_single = single,           \
        .combine = body##_combine, .finish = kept_finish, .documentation = sentence                \
    }
#define KEEPS_ARGUMENT(sql, body, sentence)                                                        \
    {                                                                                              \
        .name = sql, .resolve = resolve_first_type, .minimum_arguments = 2,                        \
        .maximum_arguments = 2, .state_size = argument_state_size, .update = body##_update,        \
        .combine = body##_combine, .finish = argument_finish, .documentation = sentence            \
    }

const func_aggregate func_extreme_rows[] = {
    KEEPS("min", min, min_update_single, false, true, "Smallest value that is not NULL."),
    KEEPS("max", max, max_update_single, false, true, "Largest value that is not NULL."),
    KEEPS("first", first, NULL, true, false, "Value of the first row, which may be NULL."),
    KEEPS("last", last, NULL, true, false, "Value of the last row, which may be NULL."),
    KEEPS("any_value", any_value, NULL, false, true, "Some value that is not NULL."),
    KEEPS_ARGUMENT("arg_min", arg_min, "First argument where the second one is smallest."),
    KEEPS_ARGUMENT("arg_max", arg_max, "First argument where the second one is largest."),
    KEEPS_ARGUMENT("min_by", arg_min, "First argument where the second one is smallest."),
    KEEPS_ARGUMENT("max_by", arg_max, "First argument where the second one is largest."),
    {.name = NULL},
};
