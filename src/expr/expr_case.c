/*
 * expr_case.c - CASE, COALESCE, NULLIF: expressions that look at some arguments for some rows only.
 *
 * Branches are evaluated on the rows that reach them and scattered into the result at the
 * same positions, so an error (a cast, an overflow) in a branch shows only if a row takes it.
 */
#include "expr/expr_int.h"

/* rest := rest without the `taken` rows, both in order. Returns how many are left. */
static uint32_t remove_rows(const uint16_t *rest, uint32_t count, const uint16_t *taken,
                            uint32_t taken_count, uint16_t *out)
{
    uint32_t left = 0, at = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint16_t position = (uint16_t)vector_row(rest, i);
        if (at < taken_count && taken[at] == position) {
            at++;
            continue;
        }
        out[left++] = position;
    }
    return left;
}

static base_status scatter_branch(expr_program *program, expr_node *node, expr_node *branch,
                                  const uint16_t *selection, uint32_t count, base_error *error)
{
    const vector *value;
    if (count == 0)
        return BASE_OK;
    RETURN_IF_ERROR(expr_node_evaluate(program, branch, selection, count, &value, error));
    expr_scatter(&node->result, value, selection, count);
    return BASE_OK;
}

static base_status case_evaluate(expr_program *program, expr_node *node, const uint16_t *selection,
                                 uint32_t count, const vector **result, base_error *error)
{
    uint16_t *taken = node->selections[0], *rest_buffer = node->selections[1];
    const uint16_t *rest = selection;
    uint32_t rest_count = count;
    vector_reset(&node->result);
    for (uint32_t i = 0; i + 1 < node->argument_count && rest_count > 0; i += 2) {
        uint32_t taken_count;
        RETURN_IF_ERROR(expr_node_select(program, node->arguments[i], rest, rest_count, taken,
                                         &taken_count, error));
        if (taken_count == 0)
            continue;
        RETURN_IF_ERROR(
            scatter_branch(program, node, node->arguments[i + 1], taken, taken_count, error));
        rest_count = remove_rows(rest, rest_count, taken, taken_count, rest_buffer);
        rest = rest_buffer;
    }
    RETURN_IF_ERROR(scatter_branch(program, node, node->arguments[node->argument_count - 1], rest,
                                   rest_count, error));
    *result = &node->result;
    return BASE_OK;
}

static base_status case_row(expr_program *program, expr_node *node, types_cell *result,
                            bool *result_null, base_error *error)
{
    uint32_t i = 0;
    for (; i + 1 < node->argument_count; i += 2) {
        RETURN_IF_ERROR(expr_node_row(program, node->arguments[i], result, result_null, error));
        if (!*result_null && result->boolean)
            return expr_node_row(program, node->arguments[i + 1], result, result_null, error);
    }
    return expr_node_row(program, node->arguments[i], result, result_null, error);
}

const expr_operation expr_case_operation = {.evaluate = case_evaluate,
                                            .row = case_row,
                                            .own_result = true,
                                            .result_first = true,
                                            .selection_count = 2};

/* ---- COALESCE ---------------------------------------------------------------------------- */

static base_status coalesce_evaluate(expr_program *program, expr_node *node,
                                     const uint16_t *selection, uint32_t count,
                                     const vector **result, base_error *error)
{
    const vector *value;
    RETURN_IF_ERROR(
        expr_node_evaluate(program, node->arguments[0], selection, count, &value, error));
    if (!value->validity || node->argument_count == 1) {
        *result = value;
        return BASE_OK;
    }
    vector_reset(&node->result);
    const uint16_t *rest = selection;
    uint32_t rest_count = count;
    uint16_t *filled = node->selections[0], *rest_buffer = node->selections[1];
    for (uint32_t a = 1;; a++) {
        const uint16_t *valid = rest;
        uint32_t valid_count = rest_count;
        expr_skip_nulls(value, &valid, &valid_count, filled);
        expr_scatter(&node->result, value, valid, valid_count);
        if (valid_count == rest_count) {
            rest_count = 0;
            break;
        }
        rest_count = remove_rows(rest, rest_count, valid, valid_count, rest_buffer);
        rest = rest_buffer;
        if (a == node->argument_count)
            break;
        RETURN_IF_ERROR(
            expr_node_evaluate(program, node->arguments[a], rest, rest_count, &value, error));
    }
    for (uint32_t i = 0; i < rest_count; i++)
        vector_set_null(&node->result, rest[i]);
    *result = &node->result;
    return BASE_OK;
}

static base_status coalesce_row(expr_program *program, expr_node *node, types_cell *result,
                                bool *result_null, base_error *error)
{
    *result_null = true;
    for (uint32_t i = 0; i < node->argument_count && *result_null; i++)
        RETURN_IF_ERROR(expr_node_row(program, node->arguments[i], result, result_null, error));
    return BASE_OK;
}

const expr_operation expr_coalesce_operation = {.evaluate = coalesce_evaluate,
                                                .row = coalesce_row,
                                                .own_result = true,
                                                .result_first = true,
                                                .returns_arguments = true,
                                                .selection_count = 2};

/* ---- NULLIF ------------------------------------------------------------------------------ */

static base_status nullif_evaluate(expr_program *program, expr_node *node,
                                   const uint16_t *selection, uint32_t count, const vector **result,
                                   base_error *error)
{
    const vector *value, *other;
    RETURN_IF_ERROR(
        expr_node_evaluate(program, node->arguments[0], selection, count, &value, error));
    RETURN_IF_ERROR(
        expr_node_evaluate(program, node->arguments[1], selection, count, &other, error));
    uint16_t *equal = node->selections[0];
    uint32_t equal_count =
        vector_select_compare(VECTOR_EQUAL, value, other, selection, count, equal);
    *result = value;
    if (equal_count == 0)
        return BASE_OK;
    vector_reset(&node->result);
    expr_scatter(&node->result, value, selection, count);
    for (uint32_t i = 0; i < equal_count; i++)
        vector_set_null(&node->result, equal[i]);
    *result = &node->result;
    return BASE_OK;
}

static base_status nullif_row(expr_program *program, expr_node *node, types_cell *result,
                              bool *result_null, base_error *error)
{
    types_cell other;
    bool other_null;
    RETURN_IF_ERROR(expr_node_row(program, node->arguments[0], result, result_null, error));
    RETURN_IF_ERROR(expr_node_row(program, node->arguments[1], &other, &other_null, error));
    if (!*result_null && !other_null)
        *result_null = types_cell_compare((types_form)node->result.form, result, &other) == 0;
    return BASE_OK;
}

const expr_operation expr_nullif_operation = {.evaluate = nullif_evaluate,
                                              .row = nullif_row,
                                              .own_result = true,
                                              .returns_arguments = true,
                                              .selection_count = 1};
