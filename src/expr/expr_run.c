/*
 * expr_run.c - running a program, and the leaves of its tree (contract: expr.h).
 *
 * The first batch makes the scratch: one block holds all intermediate vectors and selections,
 * at places that expr_compile.c assigned so that nodes whose lives do not overlap share. Row
 * evaluation needs none of it, so a statement that only reads single rows never pays for it.
 *
 * Parts that depend on parameters or the statement's time alone are ONCE nodes: computed by
 * row when first asked for in an execution, a constant vector from then on. When asked, not
 * before: an error in them must not show if no row needs them.
 */
#include "expr/expr_int.h"

/* ---- Scratch -------------------------------------------------------------------------- */

static size_t place_size(const expr_program *program, uint32_t place)
{
    return (size_t)program->place_sizes[place] * VECTOR_SIZE + VECTOR_WORDS * sizeof(uint64_t);
}

/* Points a node's scratch at its places. `places` and `selections` are the starts. */
static void attach_scratch(expr_program *program, expr_node *node, char **places,
                           uint16_t *selections)
{
    for (uint32_t i = 0; i < node->argument_count; i++)
        attach_scratch(program, node->arguments[i], places, selections);
    for (uint32_t i = 0; i < BASE_COUNT_OF(node->selections); i++)
        if (node->selection_places[i] >= 0)
            node->selections[i] = selections + (size_t)node->selection_places[i] * VECTOR_SIZE;
    if (node->result_place < 0)
        return;
    char *place = places[node->result_place];
    node->result.own_data = place;
    node->result.own_validity =
        (uint64_t *)(void *)(place + place_size(program, (uint32_t)node->result_place)) -
        VECTOR_WORDS;
    vector_reset(&node->result);
}

static BASE_COLD base_status make_scratch(expr_program *program, base_error *error)
{
    size_t starts = program->place_count * sizeof(char *);
    size_t size = BASE_ALIGN_UP(starts, (size_t)64);
    for (uint32_t i = 0; i < program->place_count; i++)
        size += place_size(program, i);
    size += (size_t)program->selection_count * VECTOR_SIZE * sizeof(uint16_t);
    size = BASE_MAX(size, (size_t)1);
    char *block = base_allocate(program->context->budget, size);
    if (!block)
        return base_error_no_memory(error);
    program->scratch = block;
    program->scratch_size = size;
    char **places = (char **)(void *)block;
    char *at = block + BASE_ALIGN_UP(starts, (size_t)64);
    for (uint32_t i = 0; i < program->place_count; i++) {
        places[i] = at;
        at += place_size(program, i);
    }
    attach_scratch(program, program->root, places, (uint16_t *)(void *)at);
    return BASE_OK;
}

/* ---- Entry points ---------------------------------------------------------------------- */

BASE_INLINE base_status start_batch(expr_program *program, const vector_chunk *chunk,
                                    base_error *error)
{
    if (BASE_UNLIKELY(!program->scratch))
        RETURN_IF_ERROR(make_scratch(program, error));
    base_arena_reset(&program->heap);
    program->chunk = chunk;
    return BASE_OK;
}

base_status expr_evaluate(expr_program *program, const vector_chunk *chunk, const vector **result,
                          base_error *error)
{
    RETURN_IF_ERROR(start_batch(program, chunk, error));
    return expr_node_evaluate(program, program->root, chunk->selection, chunk->count, result,
                              error);
}

base_status expr_select(expr_program *program, const vector_chunk *chunk, uint16_t *out,
                        uint32_t *count, base_error *error)
{
    RETURN_IF_ERROR(start_batch(program, chunk, error));
    BASE_ASSERT(program->root->type.kind == TYPES_BOOLEAN ||
                program->root->type.kind == TYPES_NULL);
    return expr_node_select(program, program->root, chunk->selection, chunk->count, out, count,
                            error);
}

base_status expr_row(expr_program *program, const types_cell *cells, const bool *nulls,
                     types_cell *result, bool *result_null, base_error *error)
{
    program->cells = cells;
    program->nulls = nulls;
    return expr_node_row(program, program->root, result, result_null, error);
}

base_status expr_value(expr_program *program, types_value *value, base_error *error)
{
    base_arena_reset(&program->heap);
    memset(value, 0, sizeof *value);
    value->type = program->root->type;
    return expr_row(program, NULL, NULL, &value->cell, &value->is_null, error);
}

void expr_clear_heap(expr_program *program)
{
    base_arena_reset(&program->heap);
}

types_type expr_type(const expr_program *program)
{
    return program->root->type;
}

/* ---- Nodes ------------------------------------------------------------------------------- */

base_status expr_node_evaluate(expr_program *program, expr_node *node, const uint16_t *selection,
                               uint32_t count, const vector **result, base_error *error)
{
    return node->operation->evaluate(program, node, selection, count, result, error);
}

base_status expr_node_select(expr_program *program, expr_node *node, const uint16_t *selection,
                             uint32_t count, uint16_t *out, uint32_t *selected, base_error *error)
{
    if (count == 0) {
        *selected = 0;
        return BASE_OK;
    }
    if (node->operation->select)
        return node->operation->select(program, node, selection, count, out, selected, error);
    const vector *truth;
    RETURN_IF_ERROR(expr_node_evaluate(program, node, selection, count, &truth, error));
    *selected = vector_select_true(truth, selection, count, out);
    return BASE_OK;
}

static base_status slot_evaluate(expr_program *program, expr_node *node, const uint16_t *selection,
                                 uint32_t count, const vector **result, base_error *error)
{
    BASE_ASSERT(node->slot < program->chunk->column_count);
    *result = &program->chunk->columns[node->slot];
    return BASE_OK;
}

static base_status slot_row(expr_program *program, expr_node *node, types_cell *result,
                            bool *result_null, base_error *error)
{
    *result = program->cells[node->slot];
    *result_null = program->nulls[node->slot];
    return BASE_OK;
}

const expr_operation expr_slot_operation = {.evaluate = slot_evaluate, .row = slot_row};

/* Shows the node's value as a constant vector. */
static const vector *constant_vector(expr_node *node)
{
    vector *column = &node->result;
    column->shape = VECTOR_CONSTANT;
    column->data = &node->constant.value.cell;
    node->constant.validity = 0;
    column->validity = node->constant.value.is_null ? &node->constant.validity : NULL;
    return column;
}

static base_status constant_evaluate(expr_program *program, expr_node *node,
                                     const uint16_t *selection, uint32_t count,
                                     const vector **result, base_error *error)
{
    *result = constant_vector(node);
    return BASE_OK;
}

static base_status constant_row(expr_program *program, expr_node *node, types_cell *result,
                                bool *result_null, base_error *error)
{
    *result = node->constant.value.cell;
    *result_null = node->constant.value.is_null;
    return BASE_OK;
}

const expr_operation expr_constant_operation = {.evaluate = constant_evaluate, .row = constant_row};

/* Computes the value, whose far bytes move to the arena of this execution. */
static base_status know_once(expr_program *program, expr_node *node, base_error *error)
{
    if (node->constant.is_known)
        return BASE_OK;
    types_value *value = &node->constant.value;
    RETURN_IF_ERROR(
        expr_node_row(program, node->arguments[0], &value->cell, &value->is_null, error));
    types_string *string = &value->cell.string;
    if (!value->is_null && node->result.form == TYPES_FORM_STRING &&
        string->length > TYPES_STRING_INLINE) {
        char *bytes =
            base_arena_copy_text(&program->run_arena, string->far.pointer, string->length);
        if (!bytes)
            return base_error_no_memory(error);
        string->far.pointer = bytes;
    }
    node->constant.is_known = true;
    return BASE_OK;
}

static base_status once_evaluate(expr_program *program, expr_node *node, const uint16_t *selection,
                                 uint32_t count, const vector **result, base_error *error)
{
    RETURN_IF_ERROR(know_once(program, node, error));
    *result = constant_vector(node);
    return BASE_OK;
}

static base_status once_row(expr_program *program, expr_node *node, types_cell *result,
                            bool *result_null, base_error *error)
{
    RETURN_IF_ERROR(know_once(program, node, error));
    return constant_row(program, node, result, result_null, error);
}

const expr_operation expr_once_operation = {.evaluate = once_evaluate, .row = once_row};

/* ---- Vectors, for all operations --------------------------------------------------------- */

void expr_truths_to_validity(vector *result, const uint16_t *selection, uint32_t count)
{
    uint8_t *truths = result->data;
    BASE_ASSERT(result->shape == VECTOR_FLAT && !result->validity);
    uint8_t seen = 0;
    for (uint32_t i = 0; i < count; i++)
        seen |= truths[vector_row(selection, i)];
    if (!(seen & EXPR_UNKNOWN))
        return;
    vector_make_validity(result);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        if (truths[position] & EXPR_UNKNOWN) {
            truths[position] = 0;
            base_bit_clear(result->validity, position);
        }
    }
}

bool expr_and_validity(vector *result, const vector *argument, const uint16_t *selection,
                       uint32_t count)
{
    if (!argument->validity)
        return true;
    if (argument->shape == VECTOR_CONSTANT) {
        if (vector_is_valid(argument, 0))
            return true;
        types_value null = types_null_of(result->type);
        vector_set_constant(result, &null);
        return false;
    }
    if (result->shape != VECTOR_FLAT)
        vector_flatten(result, selection, count);
    if (!result->validity)
        vector_make_validity(result);
    uint32_t extent = selection && count ? (uint32_t)selection[count - 1] + 1 : count;
    for (uint32_t word = 0; word < (extent + 63) / 64; word++)
        result->validity[word] &= argument->validity[word];
    return true;
}

void expr_skip_nulls(const vector *argument, const uint16_t **selection, uint32_t *count,
                     uint16_t *buffer)
{
    if (!argument->validity)
        return;
    if (argument->shape == VECTOR_CONSTANT) {
        if (!vector_is_valid(argument, 0))
            *count = 0;
        return;
    }
    uint32_t valid = 0;
    for (uint32_t i = 0; i < *count; i++) {
        uint32_t position = vector_row(*selection, i);
        buffer[valid] = (uint16_t)position;
        valid += base_bit_get(argument->validity, position);
    }
    *selection = buffer;
    *count = valid;
}

/* Moving words whatever their type. */
typedef uint8_t __attribute__((may_alias)) word_1;
typedef uint16_t __attribute__((may_alias)) word_2;
typedef uint32_t __attribute__((may_alias)) word_4;
typedef uint64_t __attribute__((may_alias)) word_8;
typedef struct __attribute__((may_alias)) word_16 {
    uint64_t half[2];
} word_16;

#define SCATTER(size)                                                                              \
    static void scatter_##size(vector *to_vector, const vector *from, const uint16_t *selection,   \
                               uint32_t count)                                                     \
    {                                                                                              \
        word_##size *to = to_vector->data;                                                         \
        const word_##size *values = from->data;                                                    \
        if (from->shape == VECTOR_CONSTANT) {                                                      \
            for (uint32_t i = 0; i < count; i++)                                                   \
                to[vector_row(selection, i)] = values[0];                                          \
        } else if (from->shape == VECTOR_DICTIONARY) {                                             \
            const uint16_t *codes = from->data;                                                    \
            values = from->dictionary->data;                                                       \
            for (uint32_t i = 0; i < count; i++)                                                   \
                to[vector_row(selection, i)] = values[codes[vector_row(selection, i)]];            \
        } else {                                                                                   \
            for (uint32_t i = 0; i < count; i++)                                                   \
                to[vector_row(selection, i)] = values[vector_row(selection, i)];                   \
        }                                                                                          \
    }
SCATTER(1)
SCATTER(2)
SCATTER(4)
SCATTER(8)
SCATTER(16)

void expr_scatter(vector *to, const vector *from, const uint16_t *selection, uint32_t count)
{
    BASE_ASSERT(to->shape == VECTOR_FLAT && to->form == from->form);
    switch (types_form_size((types_form)to->form)) {
    case 1:
        scatter_1(to, from, selection, count);
        break;
    case 2:
        scatter_2(to, from, selection, count);
        break;
    case 4:
        scatter_4(to, from, selection, count);
        break;
    case 8:
        scatter_8(to, from, selection, count);
        break;
    default:
        scatter_16(to, from, selection, count);
    }
    if (!from->validity)
        return;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        if (!vector_is_valid(from, position))
            vector_set_null(to, position);
    }
}

void expr_alias(vector *to, const vector *from)
{
    to->shape = from->shape;
    to->data = from->data;
    to->validity = from->validity;
    to->dictionary = from->dictionary;
    to->dictionary_size = from->dictionary_size;
}
