/*
 * expr_call.c - calls of scalar functions (contract of the bodies: func.h).
 *
 * Strict functions never see a NULL: by vector they get a selection without the NULL rows and their
 * result's validity is ANDed with the arguments' afterwards, by row they are not called. A
 * function without a batch body is run row by row here, so every function has both forms.
 *
 * Over a dictionary (a cold column of few texts) an immutable function runs once per entry, and the
 * result is a dictionary with the same codes: LIKE over a million rows looks at fifty texts.
 *
 * A call is prepared (patterns compiled) when first used in an execution, with every argument
 * that has no slots as a constant: `x LIKE ?` costs one compilation per execution.
 */
#include "expr/expr_int.h"

base_status expr_call_init(expr_program *program, expr_node *node, const func_scalar *function,
                           base_error *error)
{
    uint32_t count = node->argument_count;
    base_arena *arena = program->arena;
    types_type *types = base_arena_allocate_array(arena, count, sizeof *types);
    const types_value **constants = base_arena_allocate_array(arena, count, sizeof(types_value *));
    node->call.cells = base_arena_allocate_array(arena, count, sizeof(types_cell));
    node->call.nulls = base_arena_allocate_array(arena, count, sizeof(bool));
    node->call.vectors = base_arena_allocate_array(arena, count, sizeof(vector *));
    node->call.constant_values = base_arena_allocate_array(arena, count, sizeof(types_value));
    if (!types || !constants || !node->call.cells || !node->call.nulls || !node->call.vectors ||
        !node->call.constant_values)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < count; i++)
        types[i] = node->arguments[i]->type;
    node->call.call = (func_call){.function = function,
                                  .argument_count = count,
                                  .argument_types = types,
                                  .result_type = node->type,
                                  .environment = program->context->environment,
                                  .heap = &program->heap,
                                  .constants = constants};
    node->call.is_prepared = function->prepare == NULL;
    return BASE_OK;
}

static BASE_COLD base_status prepare_call(expr_program *program, expr_node *node, base_error *error)
{
    const types_value **constants = (const types_value **)(void *)node->call.call.constants;
    base_arena *arena = node->call.is_of_run ? &program->run_arena : program->arena;
    for (uint32_t i = 0; i < node->argument_count; i++) {
        expr_node *argument = node->arguments[i];
        types_value *value = &node->call.constant_values[i];
        constants[i] = NULL;
        if (argument->class == EXPR_ROWS)
            continue;
        *value = types_null_of(argument->type);
        RETURN_IF_ERROR(expr_node_row(program, argument, &value->cell, &value->is_null, error));
        constants[i] = value;
    }
    base_status status = node->call.call.function->prepare(&node->call.call, arena, error);
    if (status != BASE_OK)
        return base_error_place(error, status, node->position);
    node->call.is_prepared = true;
    return BASE_OK;
}

/* Runs the row body for each selected row; NULLs of strict functions are excluded already. */
static base_status batch_from_rows(expr_node *node, const uint16_t *selection, uint32_t count,
                                   base_error *error)
{
    func_call *call = &node->call.call;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        types_cell result;
        bool result_null = false;
        for (uint32_t a = 0; a < node->argument_count; a++) {
            const vector *argument = node->call.vectors[a];
            node->call.nulls[a] = !vector_is_valid(argument, position);
            if (!node->call.nulls[a])
                vector_cell_at(argument, position, &node->call.cells[a]);
        }
        RETURN_IF_ERROR(call->function->row(call, node->call.cells, node->call.nulls, &result,
                                            &result_null, error));
        if (result_null)
            vector_set_null(&node->result, position);
        else
            expr_put_cell(&node->result, position, &result);
    }
    return BASE_OK;
}

static base_status run_batch(expr_node *node, const uint16_t *selection, uint32_t count,
                             base_error *error)
{
    func_call *call = &node->call.call;
    if (count == 0)
        return BASE_OK;
    base_status status = call->function->batch
                             ? call->function->batch(call, node->call.vectors, selection, count,
                                                     &node->result, error)
                             : batch_from_rows(node, selection, count, error);
    return BASE_LIKELY(status == BASE_OK) ? status
                                          : base_error_place(error, status, node->position);
}

/* The argument whose entries stand for its rows: a dictionary beside constants; or NULL. */
static const vector *only_dictionary(const expr_node *node, uint32_t count)
{
    const vector *found = NULL;
    uint32_t wanted = FUNC_STRICT | FUNC_VOLATILE;
    if ((node->call.call.function->flags & wanted) != FUNC_STRICT)
        return NULL;
    for (uint32_t i = 0; i < node->argument_count; i++) {
        const vector *argument = node->call.vectors[i];
        if (argument->shape == VECTOR_CONSTANT && vector_is_valid(argument, 0))
            continue;
        if (argument->shape != VECTOR_DICTIONARY || (found && found != argument) ||
            argument->dictionary_size > count)
            return NULL;
        found = argument;
    }
    return found;
}

/* False: an entry fails, which may be one that no row has, or gives NULL, which no entry may be. */
static bool evaluate_entries(expr_node *node, const vector *argument)
{
    base_error ignored;
    base_error_clear(&ignored);
    for (uint32_t i = 0; i < node->argument_count; i++)
        if (node->call.vectors[i] == argument)
            node->call.vectors[i] = argument->dictionary;
    base_status status = run_batch(node, NULL, argument->dictionary_size, &ignored);
    for (uint32_t i = 0; i < node->argument_count; i++)
        if (node->call.vectors[i] == argument->dictionary)
            node->call.vectors[i] = argument;
    if (status != BASE_OK || node->result.validity || node->result.shape != VECTOR_FLAT) {
        vector_reset(&node->result);
        return false;
    }
    node->call.entries = node->result;
    node->result.shape = VECTOR_DICTIONARY;
    node->result.data = argument->data;
    node->result.validity = argument->validity;
    node->result.dictionary = &node->call.entries;
    node->result.dictionary_size = argument->dictionary_size;
    return true;
}

static base_status call_evaluate(expr_program *program, expr_node *node, const uint16_t *selection,
                                 uint32_t count, const vector **result, base_error *error)
{
    const func_scalar *function = node->call.call.function;
    if (BASE_UNLIKELY(!node->call.is_prepared))
        RETURN_IF_ERROR(prepare_call(program, node, error));
    bool all_constant = node->argument_count > 0 && !(function->flags & FUNC_VOLATILE);
    for (uint32_t i = 0; i < node->argument_count; i++) {
        RETURN_IF_ERROR(expr_node_evaluate(program, node->arguments[i], selection, count,
                                           &node->call.vectors[i], error));
        all_constant = all_constant && node->call.vectors[i]->shape == VECTOR_CONSTANT;
    }
    if (all_constant) {
        selection = NULL;
        count = 1;
    }
    vector_reset(&node->result);
    *result = &node->result;
    const vector *dictionary = all_constant ? NULL : only_dictionary(node, count);
    if (dictionary && evaluate_entries(node, dictionary))
        return BASE_OK;
    const uint16_t *valid = selection;
    uint32_t valid_count = count;
    if (function->flags & FUNC_STRICT)
        for (uint32_t i = 0; i < node->argument_count; i++)
            expr_skip_nulls(node->call.vectors[i], &valid, &valid_count, node->selections[0]);
    RETURN_IF_ERROR(run_batch(node, valid, valid_count, error));
    if (function->flags & FUNC_STRICT)
        for (uint32_t i = 0; i < node->argument_count; i++)
            if (!expr_and_validity(&node->result, node->call.vectors[i], selection, count))
                return BASE_OK;
    if (all_constant)
        node->result.shape = VECTOR_CONSTANT;
    return BASE_OK;
}

static base_status call_row(expr_program *program, expr_node *node, types_cell *result,
                            bool *result_null, base_error *error)
{
    func_call *call = &node->call.call;
    if (BASE_UNLIKELY(!node->call.is_prepared))
        RETURN_IF_ERROR(prepare_call(program, node, error));
    bool any_null = false;
    for (uint32_t i = 0; i < node->argument_count; i++) {
        RETURN_IF_ERROR(expr_node_row(program, node->arguments[i], &node->call.cells[i],
                                      &node->call.nulls[i], error));
        any_null |= node->call.nulls[i];
    }
    *result_null = any_null && (call->function->flags & FUNC_STRICT);
    if (*result_null)
        return BASE_OK;
    base_status status =
        call->function->row(call, node->call.cells, node->call.nulls, result, result_null, error);
    return BASE_LIKELY(status == BASE_OK) ? status
                                          : base_error_place(error, status, node->position);
}

const expr_operation expr_call_operation = {
    .evaluate = call_evaluate, .row = call_row, .own_result = true, .selection_count = 1};
