/*
 * aggregate_collect.c - STRING_AGG, GROUP_CONCAT, MEDIAN, QUANTILE_CONT: aggregates whose
 * state grows with the group.
 *
 * STRING_AGG keeps every value with its separator in front and remembers how long the first
 * separator is; so two parts combine by joining their bytes, and the end cuts that first
 * separator off. Quantiles keep all values and select by partitioning, which is linear; sorting
 * them all was rejected.
 */
#include "func/aggregate/aggregate_int.h"

/* ---- STRING_AGG -------------------------------------------------------------------------- */

typedef struct text_state {
    char *bytes;
    uint64_t capacity;
    uint64_t length;
    uint64_t skipped; /* length of the first separator */
    uint64_t count;
} text_state;

static uint32_t text_state_size(const func_aggregate_call *call)
{
    return sizeof(text_state);
}

static base_status text_append(func_aggregate_call *call, text_state *state, const char *bytes,
                               uint64_t length, base_error *error)
{
    uint64_t needed = state->length + length;
    if (needed > INT32_MAX)
        return base_error_set(error, BASE_LIMIT, "the result of %s is longer than 2 GiB",
                              call->function->name);
    RETURN_IF_ERROR(aggregate_reserve(call->heap, &state->bytes, &state->capacity, state->length,
                                      needed, error));
    if (length)
        memcpy(state->bytes + state->length, bytes, length);
    state->length = needed;
    return BASE_OK;
}

static base_status text_update(func_aggregate_call *call, const vector *const *arguments,
                               const uint16_t *selection, uint32_t count, void *const *states,
                               base_error *error)
{
    aggregate_input values = aggregate_input_of(arguments[0]);
    aggregate_input separators = values;
    if (call->argument_count > 1)
        separators = aggregate_input_of(arguments[1]);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = vector_row(selection, i);
        text_state *state = states[i];
        if (!aggregate_is_valid(&values, row))
            continue;
        types_string separator = types_string_of(",", 1);
        if (call->argument_count > 1) {
            separator = types_string_of("", 0);
            if (aggregate_is_valid(&separators, row))
                separator =
                    ((const types_string *)separators.values)[aggregate_place(&separators, row)];
        }
        const types_string *value =
            (const types_string *)values.values + aggregate_place(&values, row);
        if (state->count++ == 0)
            state->skipped = separator.length;
        RETURN_IF_ERROR(
            text_append(call, state, types_string_data(&separator), separator.length, error));
        RETURN_IF_ERROR(text_append(call, state, types_string_data(value), value->length, error));
    }
    return BASE_OK;
}

static base_status text_combine(func_aggregate_call *call, void *into, const void *from,
                                base_error *error)
{
    text_state *total = into;
    const text_state *part = from;
    if (part->count == 0)
        return BASE_OK;
    if (total->count == 0)
        total->skipped = part->skipped;
    total->count += part->count;
    return text_append(call, total, part->bytes, part->length, error);
}

static base_status text_finish(func_aggregate_call *call, const void *state, types_cell *result,
                               bool *result_null, base_error *error)
{
    const text_state *text = state;
    *result_null = text->count == 0;
    result->string = types_string_of("", 0);
    if (text->length > text->skipped)
        result->string = types_string_of(text->bytes + text->skipped, text->length - text->skipped);
    return BASE_OK;
}

static bool resolve_text(const func_aggregate *function, types_type *types, uint32_t count,
                         types_type *result)
{
    for (uint32_t i = 0; i < count; i++)
        types[i] = TYPES_OF(TEXT);
    *result = TYPES_OF(TEXT);
    return true;
}

/* ---- MEDIAN, QUANTILE_CONT --------------------------------------------------------------- */

typedef struct quantile_state {
    char *bytes; /* doubles */
    uint64_t capacity;
    uint64_t count;
} quantile_state;

static uint32_t quantile_state_size(const func_aggregate_call *call)
{
    return sizeof(quantile_state);
}

static base_status quantile_add(func_aggregate_call *call, quantile_state *state,
                                const double *values, uint64_t count, base_error *error)
{
    uint64_t used = state->count * sizeof(double);
    uint64_t more = count * sizeof(double);
    RETURN_IF_ERROR(
        aggregate_reserve(call->heap, &state->bytes, &state->capacity, used, used + more, error));
    memcpy(state->bytes + used, values, more);
    state->count += count;
    return BASE_OK;
}

static base_status quantile_update(func_aggregate_call *call, const vector *const *arguments,
                                   const uint16_t *selection, uint32_t count, void *const *states,
                                   base_error *error)
{
    aggregate_input input = aggregate_input_of(arguments[0]);
    const double *values = input.values;
    base_status status = BASE_OK;
    AGGREGATE_EACH(input, selection, count, i, place, {
        status = quantile_add(call, states[i], &values[place], 1, error);
        if (status != BASE_OK)
            break;
    });
    return status;
}

static base_status quantile_combine(func_aggregate_call *call, void *into, const void *from,
                                    base_error *error)
{
    const quantile_state *part = from;
    if (part->count == 0)
        return BASE_OK;
    return quantile_add(call, into, (const double *)(const void *)part->bytes, part->count, error);
}

/* ORDER BY's order: NaN is largest. */
static bool is_less(double a, double b)
{
    return a < b || (b != b && a == a);
}

static void swap(double *a, double *b)
{
    double kept = *a;
    *a = *b;
    *b = kept;
}

/* Moves the value of rank `rank` to its place, smaller ones before it, larger ones behind. Three
 * parts (smaller, equal, larger), so that many equal values end at once; a random pivot, so
 * that no order of the input makes it quadratic. */
static void select_rank(double *values, uint64_t count, uint64_t rank)
{
    uint64_t low = 0, high = count - 1, random = count | 1;
    while (low < high) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        double pivot = values[low + random % (high - low + 1)];
        uint64_t equal = low, at = low, larger = high;
        while (at <= larger) {
            if (is_less(values[at], pivot))
                swap(&values[equal++], &values[at++]);
            else if (is_less(pivot, values[at]))
                swap(&values[at], &values[larger--]);
            else
                at++;
        }
        if (rank < equal)
            high = equal - 1;
        else if (rank > larger)
            low = larger + 1;
        else
            return;
    }
}

static base_status quantile_result(const quantile_state *state, double fraction, types_cell *result,
                                   bool *result_null)
{
    *result_null = state->count == 0;
    result->float64 = 0;
    if (*result_null)
        return BASE_OK;
    double *values = (double *)(void *)state->bytes;
    double place = fraction * (double)(state->count - 1);
    uint64_t rank = BASE_MIN((uint64_t)place, state->count - 1);
    double rest = place - (double)rank;
    select_rank(values, state->count, rank);
    result->float64 = values[rank];
    if (rest > 0 && rank + 1 < state->count) {
        double next = values[rank + 1];
        for (uint64_t i = rank + 2; i < state->count; i++)
            next = is_less(values[i], next) ? values[i] : next;
        result->float64 += (next - result->float64) * rest;
    }
    return BASE_OK;
}

static base_status median_finish(func_aggregate_call *call, const void *state, types_cell *result,
                                 bool *result_null, base_error *error)
{
    return quantile_result(state, 0.5, result, result_null);
}

static base_status quantile_finish(func_aggregate_call *call, const void *state, types_cell *result,
                                   bool *result_null, base_error *error)
{
    const types_value *fraction = call->constants ? call->constants[1] : NULL;
    if (!fraction || fraction->is_null || !(fraction->cell.float64 >= 0) ||
        !(fraction->cell.float64 <= 1))
        return base_error_set(error, BASE_INVALID_PARAMETER,
                              "the fraction of %s must be a constant from 0 to 1",
                              call->function->name);
    return quantile_result(state, fraction->cell.float64, result, result_null);
}

/* ---- Rows -------------------------------------------------------------------------------- */

#define COLLECTS_TEXT(sql, minimum, sentence)                                                      \
    {                                                                                              \
        .name = sql, .resolve = resolve_text, .minimum_arguments = minimum,                        \
        .maximum_arguments = 2, .order_sensitive = true, .state_size = text_state_size,            \
        .update = text_update, .combine = text_combine, .finish = text_finish,                     \
        .documentation = sentence                                                                  \
    }
#define QUANTILES(sql, arity, finisher, sentence)                                                  \
    {                                                                                              \
        .name = sql, .resolve = aggregate_resolve_floats, .minimum_arguments = arity,              \
        .maximum_arguments = arity, .state_size = quantile_state_size, .update = quantile_update,  \
        .combine = quantile_combine, .finish = finisher, .documentation = sentence                 \
    }

const func_aggregate func_collect_rows[] = {
    COLLECTS_TEXT("string_agg", 2, "Texts one after the other with the separator between them."),
    COLLECTS_TEXT("group_concat", 1, "Texts one after the other, separated by commas."),
    QUANTILES("median", 1, median_finish, "Middle value; mean of the two middle ones."),
    QUANTILES("quantile_cont", 2, quantile_finish,
              "Interpolated value below which the given fraction of the values lies."),
    QUANTILES("percentile_cont", 2, quantile_finish,
              "The same; also written percentile_cont(fraction) WITHIN GROUP (ORDER BY x)."),
    {.name = NULL},
};
