/*
 * aggregate_statistics.c - VARIANCE, STDDEV, COVARIANCE, CORRELATION, REGR_*: moments of floats.
 *
 * Welford's update keeps the mean and the sum of squared distances, which does not cancel where
 * a sum of squares would; two parts combine by Chan's formula. STDDEV and VARIANCE are the
 * sample forms (NULL for fewer than two values), as in PostgreSQL.
 */
#include "func/aggregate/aggregate_int.h"

typedef struct moment_state {
    double mean, squares;
    uint64_t count;
} moment_state;

static uint32_t moment_state_size(const func_aggregate_call *call)
{
    return sizeof(moment_state);
}

static base_status moment_update(func_aggregate_call *call, const vector *const *arguments,
                                 const uint16_t *selection, uint32_t count, void *const *states,
                                 base_error *error)
{
    aggregate_input input = aggregate_input_of(arguments[0]);
    const double *values = input.values;
    AGGREGATE_EACH(input, selection, count, i, place, {
        moment_state *state = states[i];
        double distance = values[place] - state->mean;
        state->count++;
        state->mean += distance / (double)state->count;
        state->squares += distance * (values[place] - state->mean);
    });
    return BASE_OK;
}

static base_status moment_combine(func_aggregate_call *call, void *into, const void *from,
                                  base_error *error)
{
    moment_state *total = into;
    const moment_state *part = from;
    if (part->count == 0)
        return BASE_OK;
    double total_count = (double)total->count, part_count = (double)part->count;
    double distance = part->mean - total->mean;
    double both = total_count + part_count;
    total->mean += distance * part_count / both;
    total->squares += part->squares + distance * distance * total_count * part_count / both;
    total->count += part->count;
    return BASE_OK;
}

/* `lost`: degrees of freedom, 1 for a sample, 0 for the population. */
static base_status moment_finish(const moment_state *state, uint64_t lost, bool is_root,
                                 types_cell *result, bool *result_null)
{
    *result_null = state->count <= lost;
    result->float64 = 0;
    if (*result_null)
        return BASE_OK;
    double variance = state->squares / (double)(state->count - lost);
    result->float64 = is_root ? sqrt(variance) : variance;
    return BASE_OK;
}

#define MOMENT(name, lost, is_root)                                                                \
    static base_status name##_finish(func_aggregate_call *call, const void *state,                 \
                                     types_cell *result, bool *result_null, base_error *error)     \
    {                                                                                              \
        return moment_finish(state, lost, is_root, result, result_null);                           \
    }
MOMENT(var_samp, 1, false)
MOMENT(var_pop, 0, false)
MOMENT(stddev_samp, 1, true)
MOMENT(stddev_pop, 0, true)

/* What a regression is asked for: the first three need different x. */
typedef enum aggregate_regression {
    AGGREGATE_SLOPE,
    AGGREGATE_INTERCEPT,
    AGGREGATE_R2,
    AGGREGATE_MEAN_X,
    AGGREGATE_MEAN_Y,
    AGGREGATE_SUM_XX,
    AGGREGATE_SUM_YY,
    AGGREGATE_SUM_XY,
} aggregate_regression;

/* ---- Pairs ------------------------------------------------------------------------------- */

typedef struct pair_state {
    double mean_y, mean_x, squares_y, squares_x, products;
    uint64_t count;
} pair_state;

static uint32_t pair_state_size(const func_aggregate_call *call)
{
    return sizeof(pair_state);
}

static base_status pair_update(func_aggregate_call *call, const vector *const *arguments,
                               const uint16_t *selection, uint32_t count, void *const *states,
                               base_error *error)
{
    aggregate_input y = aggregate_input_of(arguments[0]);
    aggregate_input x = aggregate_input_of(arguments[1]);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = vector_row(selection, i);
        pair_state *state = states[i];
        if (!aggregate_is_valid(&y, row) || !aggregate_is_valid(&x, row))
            continue;
        double value_y = ((const double *)y.values)[aggregate_place(&y, row)];
        double value_x = ((const double *)x.values)[aggregate_place(&x, row)];
        double distance_y = value_y - state->mean_y, distance_x = value_x - state->mean_x;
        state->count++;
        state->mean_y += distance_y / (double)state->count;
        state->mean_x += distance_x / (double)state->count;
        state->squares_y += distance_y * (value_y - state->mean_y);
        state->squares_x += distance_x * (value_x - state->mean_x);
        state->products += distance_y * (value_x - state->mean_x);
    }
    return BASE_OK;
}

static base_status pair_combine(func_aggregate_call *call, void *into, const void *from,
                                base_error *error)
{
    pair_state *total = into;
    const pair_state *part = from;
    if (part->count == 0)
        return BASE_OK;
    double total_count = (double)total->count, part_count = (double)part->count;
    double both = total_count + part_count, weight = total_count * part_count / both;
    double distance_y = part->mean_y - total->mean_y, distance_x = part->mean_x - total->mean_x;
    total->mean_y += distance_y * part_count / both;
    total->mean_x += distance_x * part_count / both;
    total->squares_y += part->squares_y + distance_y * distance_y * weight;
    total->squares_x += part->squares_x + distance_x * distance_x * weight;
    total->products += part->products + distance_y * distance_x * weight;
    total->count += part->count;
    return BASE_OK;
}

static base_status covar_samp_finish(func_aggregate_call *call, const void *state,
                                     types_cell *result, bool *result_null, base_error *error)
{
    const pair_state *pairs = state;
    *result_null = pairs->count < 2;
    result->float64 = *result_null ? 0 : pairs->products / (double)(pairs->count - 1);
    return BASE_OK;
}

static base_status covar_pop_finish(func_aggregate_call *call, const void *state,
                                    types_cell *result, bool *result_null, base_error *error)
{
    const pair_state *pairs = state;
    *result_null = pairs->count == 0;
    result->float64 = *result_null ? 0 : pairs->products / (double)pairs->count;
    return BASE_OK;
}

static base_status corr_finish(func_aggregate_call *call, const void *state, types_cell *result,
                               bool *result_null, base_error *error)
{
    const pair_state *pairs = state;
    *result_null = pairs->count == 0 || pairs->squares_x == 0 || pairs->squares_y == 0;
    result->float64 =
        *result_null ? 0 : pairs->products / sqrt(pairs->squares_x) / sqrt(pairs->squares_y);
    return BASE_OK;
}

/* Least squares: y by x. The sums are of squared distances from the means. */
static double regression_of(const pair_state *pairs, aggregate_regression which)
{
    double slope = pairs->products / pairs->squares_x;
    switch (which) {
    case AGGREGATE_SLOPE:
        return slope;
    case AGGREGATE_INTERCEPT:
        return pairs->mean_y - slope * pairs->mean_x;
    case AGGREGATE_R2: /* of equal y any line is exact */
        return pairs->squares_y == 0 ? 1 : slope * pairs->products / pairs->squares_y;
    case AGGREGATE_MEAN_X:
        return pairs->mean_x;
    case AGGREGATE_MEAN_Y:
        return pairs->mean_y;
    case AGGREGATE_SUM_XX:
        return pairs->squares_x;
    case AGGREGATE_SUM_YY:
        return pairs->squares_y;
    case AGGREGATE_SUM_XY:
        return pairs->products;
    }
    return 0;
}

#define REGRESSION(name, which)                                                                    \
    static base_status name##_finish(func_aggregate_call *call, const void *state,                 \
                                     types_cell *result, bool *result_null, base_error *error)     \
    {                                                                                              \
        const pair_state *pairs = state;                                                           \
        *result_null = pairs->count == 0 || (which <= AGGREGATE_R2 && pairs->squares_x == 0);      \
        result->float64 = *result_null ? 0 : regression_of(pairs, which);                          \
        return BASE_OK;                                                                            \
    }
REGRESSION(regr_slope, AGGREGATE_SLOPE)
REGRESSION(regr_intercept, AGGREGATE_INTERCEPT)
REGRESSION(regr_r2, AGGREGATE_R2)
REGRESSION(regr_avgx, AGGREGATE_MEAN_X)
REGRESSION(regr_avgy, AGGREGATE_MEAN_Y)
REGRESSION(regr_sxx, AGGREGATE_SUM_XX)
REGRESSION(regr_syy, AGGREGATE_SUM_YY)
REGRESSION(regr_sxy, AGGREGATE_SUM_XY)

static bool resolve_pair_count(const func_aggregate *function, types_type *types, uint32_t count,
                               types_type *result)
{
    bool fits = aggregate_resolve_floats(function, types, count, result);
    *result = TYPES_OF(INTEGER);
    return fits;
}

static base_status regr_count_finish(func_aggregate_call *call, const void *state,
                                     types_cell *result, bool *result_null, base_error *error)
{
    const pair_state *pairs = state;
    result->int64 = (int64_t)pairs->count;
    return BASE_OK;
}

/* ---- Rows -------------------------------------------------------------------------------- */

#define MOMENTS(sql, finisher, sentence)                                                           \
    {                                                                                              \
        .name = sql, .resolve = aggregate_resolve_floats, .minimum_arguments = 1,                  \
        .maximum_arguments = 1, .state_size = moment_state_size, .update = moment_update,          \
        .combine = moment_combine, .finish = finisher, .documentation = sentence                   \
    }
#define PAIRS(sql, finisher, sentence)                                                             \
    {                                                                                              \
        .name = sql, .resolve = aggregate_resolve_floats, .minimum_arguments = 2,                  \
        .maximum_arguments = 2, .state_size = pair_state_size, .update = pair_update,              \
        .combine = pair_combine, .finish = finisher, .documentation = sentence                     \
    }

const func_aggregate func_statistics_rows[] = {
    MOMENTS("variance", var_samp_finish, "Sample variance; NULL for fewer than two values."),
    MOMENTS("var_samp", var_samp_finish, "Sample variance; NULL for fewer than two values."),
    MOMENTS("var_pop", var_pop_finish, "Variance of the population."),
    MOMENTS("stddev", stddev_samp_finish, "Sample standard deviation."),
    MOMENTS("stddev_samp", stddev_samp_finish, "Sample standard deviation."),
    MOMENTS("stddev_pop", stddev_pop_finish, "Standard deviation of the population."),
    PAIRS("covar_samp", covar_samp_finish, "Sample covariance."),
    PAIRS("covar_pop", covar_pop_finish, "Covariance of the population."),
    PAIRS("corr", corr_finish, "Correlation coefficient."),
    PAIRS("regr_slope", regr_slope_finish, "Slope of the line of least squares, y by x."),
    PAIRS("regr_intercept", regr_intercept_finish, "Where that line meets x = 0."),
    PAIRS("regr_r2", regr_r2_finish, "Square of the correlation coefficient."),
    PAIRS("regr_avgx", regr_avgx_finish, "Mean of x where y is not NULL."),
    PAIRS("regr_avgy", regr_avgy_finish, "Mean of y where x is not NULL."),
    PAIRS("regr_sxx", regr_sxx_finish, "Sum of the squared distances of x from its mean."),
    PAIRS("regr_syy", regr_syy_finish, "Sum of the squared distances of y from its mean."),
    PAIRS("regr_sxy", regr_sxy_finish, "Sum of the products of both distances."),
    {.name = "regr_count",
     .resolve = resolve_pair_count,
     .minimum_arguments = 2,
     .maximum_arguments = 2,
     .zero_if_empty = true,
     .state_size = pair_state_size,
     .update = pair_update,
     .combine = pair_combine,
     .finish = regr_count_finish,
     .documentation = "Number of pairs without a NULL."},
    {.name = NULL},
};
