/*
 * expr_cast.c - CAST and TRY_CAST.
 *
 * Numeric pairs have batch kernels; everything else, and the rows of a batch that a kernel refused,
 * go value by value through types_cast, which knows the rules and words the error. Casts that
 * change only the name of a type (TEXT to VARCHAR(5)) show the same vector.
 */
#include "expr/expr_cast_int.h"

base_status expr_cast_init(expr_program *program, expr_node *node, base_error *error)
{
    expr_conversion made;
    made.kernel = expr_cast_kernel_of(node->arguments[0]->type, node->type, &made.rescale);
    if (!made.kernel)
        return BASE_OK;
    expr_conversion *kept = base_arena_allocate(program->arena, sizeof *kept);
    if (!kept)
        return base_error_no_memory(error);
    *kept = made;
    node->cast.conversion = kept;
    return BASE_OK;
}

static base_status cast_cell(expr_program *program, expr_node *node, const types_cell *cell,
                             types_cell *result, bool *result_null, base_error *error)
{
    types_value from = {.type = node->arguments[0]->type, .is_null = false, .cell = *cell};
    types_value to;
    base_error ignored;
    base_error *sink = error;
    if (node->cast.is_try) {
        base_error_clear(&ignored);
        sink = &ignored;
    }
    base_status status = types_cast(&from, node->type, &program->heap, &to, sink);
    if (BASE_LIKELY(status == BASE_OK)) {
        *result = to.cell;
        *result_null = to.is_null;
        return BASE_OK;
    }
    if (node->cast.is_try && status != BASE_OUT_OF_MEMORY) {
        *result_null = true;
        return BASE_OK;
    }
    if (node->cast.is_try)
        return base_error_no_memory(error);
    return base_error_place(error, status, node->position);
}

static base_status cast_values(expr_program *program, expr_node *node, const vector *argument,
                               const uint16_t *selection, uint32_t count, base_error *error)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        types_cell cell, result;
        bool result_null = false;
        vector_cell_at(argument, position, &cell);
        RETURN_IF_ERROR(cast_cell(program, node, &cell, &result, &result_null, error));
        if (result_null)
            vector_set_null(&node->result, position);
        else
            expr_put_cell(&node->result, position, &result);
    }
    return BASE_OK;
}

static base_status cast_evaluate(expr_program *program, expr_node *node, const uint16_t *selection,
                                 uint32_t count, const vector **result, base_error *error)
{
    const vector *argument;
    RETURN_IF_ERROR(
        expr_node_evaluate(program, node->arguments[0], selection, count, &argument, error));
    vector_reset(&node->result);
    *result = &node->result;
    bool is_constant = argument->shape == VECTOR_CONSTANT;
    if (is_constant) {
        selection = NULL;
        count = 1;
    }
    const uint16_t *valid = selection;
    uint32_t valid_count = count;
    expr_skip_nulls(argument, &valid, &valid_count, node->selections[0]);
    const expr_conversion *conversion = node->cast.conversion;
    bool is_done = conversion && argument->shape != VECTOR_DICTIONARY && valid_count > 0 &&
                   conversion->kernel(argument->data, node->result.data, &conversion->rescale,
                                      valid, valid_count);
    if (!is_done)
        RETURN_IF_ERROR(cast_values(program, node, argument, valid, valid_count, error));
    if (expr_and_validity(&node->result, argument, selection, count) && is_constant)
        node->result.shape = VECTOR_CONSTANT;
    return BASE_OK;
}

static base_status cast_row(expr_program *program, expr_node *node, types_cell *result,
                            bool *result_null, base_error *error)
{
    types_cell cell;
    RETURN_IF_ERROR(expr_node_row(program, node->arguments[0], &cell, result_null, error));
    if (*result_null)
        return BASE_OK;
    const expr_conversion *conversion = node->cast.conversion;
    if (conversion && conversion->kernel(&cell, result, &conversion->rescale, NULL, 1))
        return BASE_OK;
    return cast_cell(program, node, &cell, result, result_null, error);
}

const expr_operation expr_cast_operation = {
    .evaluate = cast_evaluate, .row = cast_row, .own_result = true, .selection_count = 1};

/* ---- Casts that change the type's name only ---------------------------------------------- */

static base_status relabel_evaluate(expr_program *program, expr_node *node,
                                    const uint16_t *selection, uint32_t count,
                                    const vector **result, base_error *error)
{
    const vector *argument;
    RETURN_IF_ERROR(
        expr_node_evaluate(program, node->arguments[0], selection, count, &argument, error));
    expr_alias(&node->result, argument);
    *result = &node->result;
    return BASE_OK;
}

static base_status relabel_row(expr_program *program, expr_node *node, types_cell *result,
                               bool *result_null, base_error *error)
{
    return expr_node_row(program, node->arguments[0], result, result_null, error);
}

const expr_operation expr_relabel_operation = {
    .evaluate = relabel_evaluate, .row = relabel_row, .returns_arguments = true};
