/*
 * expr_logic.c - AND, OR, NOT, IS NULL, IS TRUE: three-valued logic.
 *
 * As a filter, AND hands each argument only the rows that passed the ones before, and OR only
 * the rows that did not pass yet; that is where the time of a scan's filter goes, and no
 * boolean column is ever made. As a value, both keep a byte per row (false, true, unknown)
 * and a shrinking list of rows that are still open.
 *
 * AND and OR are one algorithm with a dominant value: FALSE decides an AND, TRUE an OR.
 */
#include "expr/expr_int.h"

/* The value for the selected rows. `dominant`: the truth that decides a row. */
static base_status evaluate_connective(expr_program *program, expr_node *node, uint8_t dominant,
                                       const uint16_t *selection, uint32_t count,
                                       const vector **result, base_error *error)
{
    vector_reset(&node->result);
    uint8_t *truths = node->result.data;
    uint8_t neutral = dominant ^ 1;
    for (uint32_t i = 0; i < count; i++)
        truths[vector_row(selection, i)] = neutral;
    const uint16_t *open = selection;
    uint32_t open_count = count;
    for (uint32_t a = 0; a < node->argument_count && open_count > 0; a++) {
        const vector *argument;
        RETURN_IF_ERROR(
            expr_node_evaluate(program, node->arguments[a], open, open_count, &argument, error));
        uint16_t *still_open = node->selections[0];
        uint32_t left = 0;
        for (uint32_t i = 0; i < open_count; i++) {
            uint32_t position = vector_row(open, i);
            uint8_t truth = expr_truth_at(argument, position);
            still_open[left] = (uint16_t)position;
            left += truth != dominant;
            if (truth != neutral)
                truths[position] = truth;
        }
        open = still_open;
        open_count = left;
    }
    expr_truths_to_validity(&node->result, selection, count);
    *result = &node->result;
    return BASE_OK;
}

static base_status row_connective(expr_program *program, expr_node *node, uint8_t dominant,
                                  types_cell *result, bool *result_null, base_error *error)
{
    bool unknown = false;
    for (uint32_t i = 0; i < node->argument_count; i++) {
        RETURN_IF_ERROR(expr_node_row(program, node->arguments[i], result, result_null, error));
        if (*result_null)
            unknown = true;
        else if (result->boolean == dominant)
            return BASE_OK;
    }
    *result_null = unknown;
    result->boolean = dominant ^ 1;
    return BASE_OK;
}

static base_status and_evaluate(expr_program *program, expr_node *node, const uint16_t *selection,
                                uint32_t count, const vector **result, base_error *error)
{
    return evaluate_connective(program, node, EXPR_FALSE, selection, count, result, error);
}

static base_status and_select(expr_program *program, expr_node *node, const uint16_t *selection,
                              uint32_t count, uint16_t *out, uint32_t *selected, base_error *error)
{
    for (uint32_t i = 0; i < node->argument_count; i++) {
        RETURN_IF_ERROR(
            expr_node_select(program, node->arguments[i], selection, count, out, &count, error));
        selection = out;
    }
    *selected = count;
    return BASE_OK;
}

static base_status and_row(expr_program *program, expr_node *node, types_cell *result,
                           bool *result_null, base_error *error)
{
    return row_connective(program, node, EXPR_FALSE, result, result_null, error);
}

const expr_operation expr_and_operation = {.evaluate = and_evaluate,
                                           .select = and_select,
                                           .row = and_row,
                                           .own_result = true,
                                           .result_first = true,
                                           .selection_count = 1};

static base_status or_evaluate(expr_program *program, expr_node *node, const uint16_t *selection,
                               uint32_t count, const vector **result, base_error *error)
{
    return evaluate_connective(program, node, EXPR_TRUE, selection, count, result, error);
}

/* The selected rows whose byte is `wanted`. */
BASE_INLINE uint32_t rows_marked(const uint8_t *marks, uint8_t wanted, const uint16_t *selection,
                                 uint32_t count, uint16_t *out)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        out[total] = (uint16_t)position;
        total += marks[position] == wanted;
    }
    return total;
}

static uint32_t select_marked(const uint8_t *marks, uint8_t wanted, const uint16_t *selection,
                              uint32_t count, uint16_t *out)
{
    return selection ? rows_marked(marks, wanted, selection, count, out)
                     : rows_marked(marks, wanted, NULL, count, out);
}

/* Is the condition better asked for all rows of a batch than for those that are left of them? A
 * cheap comparison of all is faster than a list of the others; and it must not fail, as rows are
 * asked that the user excluded. */
static bool is_for_all_rows(const expr_node *condition, uint32_t left, uint32_t count)
{
    enum {
        MOST_COST = 4,
        LEFT_AT_LEAST = 8 /* one in so many */
    };
    return !condition->may_fail && condition->cost <= MOST_COST && left >= count / LEFT_AT_LEAST;
}

static base_status or_select(expr_program *program, expr_node *node, const uint16_t *selection,
                             uint32_t count, uint16_t *out, uint32_t *selected, base_error *error)
{
    uint8_t *passed = node->result.own_data;
    uint16_t *found = node->selections[0], *rest = node->selections[1];
    for (uint32_t i = 0; i < count; i++)
        passed[vector_row(selection, i)] = 0;
    uint32_t left = count; /* at least so many have not passed */
    for (uint32_t a = 0; a < node->argument_count; a++) {
        const uint16_t *asked = selection;
        uint32_t asked_count = count, found_count;
        if (left < count && (selection || !is_for_all_rows(node->arguments[a], left, count))) {
            asked_count = left = select_marked(passed, 0, selection, count, rest);
            asked = rest;
            if (left == 0)
                break;
        }
        RETURN_IF_ERROR(expr_node_select(program, node->arguments[a], asked, asked_count, found,
                                         &found_count, error));
        for (uint32_t i = 0; i < found_count; i++)
            passed[found[i]] = 1;
        left -= BASE_MIN(left, found_count);
    }
    *selected = select_marked(passed, 1, selection, count, out);
    return BASE_OK;
}

static base_status or_row(expr_program *program, expr_node *node, types_cell *result,
                          bool *result_null, base_error *error)
{
    return row_connective(program, node, EXPR_TRUE, result, result_null, error);
}

const expr_operation expr_or_operation = {.evaluate = or_evaluate,
                                          .select = or_select,
                                          .row = or_row,
                                          .own_result = true,
                                          .result_first = true,
                                          .selection_count = 2};

/* ---- NOT --------------------------------------------------------------------------------- */

static base_status not_evaluate(expr_program *program, expr_node *node, const uint16_t *selection,
                                uint32_t count, const vector **result, base_error *error)
{
    const vector *argument;
    RETURN_IF_ERROR(
        expr_node_evaluate(program, node->arguments[0], selection, count, &argument, error));
    vector_reset(&node->result);
    uint8_t *truths = node->result.data;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        uint8_t truth = expr_truth_at(argument, position);
        truths[position] = truth == EXPR_UNKNOWN ? truth : truth ^ 1;
    }
    expr_truths_to_validity(&node->result, selection, count);
    *result = &node->result;
    return BASE_OK;
}

static base_status not_select(expr_program *program, expr_node *node, const uint16_t *selection,
                              uint32_t count, uint16_t *out, uint32_t *selected, base_error *error)
{
    const vector *argument;
    RETURN_IF_ERROR(
        expr_node_evaluate(program, node->arguments[0], selection, count, &argument, error));
    uint32_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        out[total] = (uint16_t)position;
        total += expr_truth_at(argument, position) == EXPR_FALSE;
    }
    *selected = total;
    return BASE_OK;
}

static base_status not_row(expr_program *program, expr_node *node, types_cell *result,
                           bool *result_null, base_error *error)
{
    RETURN_IF_ERROR(expr_node_row(program, node->arguments[0], result, result_null, error));
    result->boolean = !*result_null && result->boolean == 0;
    return BASE_OK;
}

const expr_operation expr_not_operation = {
    .evaluate = not_evaluate, .select = not_select, .row = not_row, .own_result = true};

/* ---- IS NULL, IS TRUE -------------------------------------------------------------------- */

static base_status is_null_evaluate(expr_program *program, expr_node *node,
                                    const uint16_t *selection, uint32_t count,
                                    const vector **result, base_error *error)
{
    const vector *argument;
    RETURN_IF_ERROR(
        expr_node_evaluate(program, node->arguments[0], selection, count, &argument, error));
    vector_reset(&node->result);
    uint8_t *truths = node->result.data;
    if (!argument->validity || argument->shape == VECTOR_CONSTANT) {
        truths[0] = !vector_is_valid(argument, 0) ^ node->negated;
        node->result.shape = VECTOR_CONSTANT;
    } else {
        for (uint32_t i = 0; i < count; i++) {
            uint32_t position = vector_row(selection, i);
            truths[position] = !base_bit_get(argument->validity, position) ^ node->negated;
        }
    }
    *result = &node->result;
    return BASE_OK;
}

static base_status is_null_row(expr_program *program, expr_node *node, types_cell *result,
                               bool *result_null, base_error *error)
{
    RETURN_IF_ERROR(expr_node_row(program, node->arguments[0], result, result_null, error));
    result->boolean = *result_null ^ node->negated;
    *result_null = false;
    return BASE_OK;
}

const expr_operation expr_is_null_operation = {
    .evaluate = is_null_evaluate, .row = is_null_row, .own_result = true};

static base_status is_true_evaluate(expr_program *program, expr_node *node,
                                    const uint16_t *selection, uint32_t count,
                                    const vector **result, base_error *error)
{
    const vector *argument;
    RETURN_IF_ERROR(
        expr_node_evaluate(program, node->arguments[0], selection, count, &argument, error));
    vector_reset(&node->result);
    uint8_t *truths = node->result.data;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        truths[position] = (expr_truth_at(argument, position) == node->is_truth) ^ node->negated;
    }
    *result = &node->result;
    return BASE_OK;
}

static base_status is_true_row(expr_program *program, expr_node *node, types_cell *result,
                               bool *result_null, base_error *error)
{
    RETURN_IF_ERROR(expr_node_row(program, node->arguments[0], result, result_null, error));
    result->boolean = (!*result_null && result->boolean == node->is_truth) ^ node->negated;
    *result_null = false;
    return BASE_OK;
}

const expr_operation expr_is_true_operation = {
    .evaluate = is_true_evaluate, .row = is_true_row, .own_result = true};
