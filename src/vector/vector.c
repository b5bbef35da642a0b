/*
 * vector.c - chunks and vectors: memory, shapes, single values (contract: vector.h).
 *
 * A vector's own memory is one block, values then validity words, allocated when it is made
 * and kept until it is destroyed: a batch costs no allocation. `data` and `validity` point
 * into it, or to memory that a scan lends for one batch; reset brings them home.
 *
 * Rejected: growing vectors (a batch has 2,048 rows or fewer, always), and one block for all
 * columns of a chunk (a vector could not be handed to another chunk alone).
 *
 * Invariants: `form` is types_form_of(type); writes go to own memory only.
 */
#include "vector/vector_int.h"

static size_t own_size(types_form form)
{
    return (size_t)types_form_size(form) * VECTOR_SIZE + VECTOR_WORDS * sizeof(uint64_t);
}

base_status vector_init(vector *column, base_budget *budget, types_type type, base_error *error)
{
    types_form form = types_form_of(type);
    memset(column, 0, sizeof *column);
    char *block = base_allocate(budget, own_size(form));
    if (!block)
        return base_error_no_memory(error);
    column->type = type;
    column->form = (uint8_t)form;
    column->own_data = block;
    column->own_validity = (uint64_t *)(void *)(block + own_size(form)) - VECTOR_WORDS;
    vector_reset(column);
    return BASE_OK;
}

void vector_destroy(vector *column, base_budget *budget)
{
    base_free(budget, column->own_data, own_size((types_form)column->form));
    memset(column, 0, sizeof *column);
}

void vector_reset(vector *column)
{
    column->shape = VECTOR_FLAT;
    column->data = column->own_data;
    column->validity = NULL;
    column->dictionary = NULL;
    column->dictionary_size = 0;
}

base_status vector_chunk_init(vector_chunk *chunk, base_budget *budget, const types_type *types,
                              uint32_t column_count, base_error *error)
{
    memset(chunk, 0, sizeof *chunk);
    chunk->budget = budget;
    chunk->own_selection = base_allocate(budget, VECTOR_SIZE * sizeof(uint16_t));
    chunk->columns = base_allocate_array(budget, column_count, sizeof(vector));
    chunk->heap = base_allocate(budget, sizeof(base_arena));
    if (chunk->columns) {
        memset(chunk->columns, 0, column_count * sizeof(vector));
        chunk->column_count = column_count;
    }
    if (chunk->heap)
        base_arena_init(chunk->heap, budget);
    base_status status = BASE_OK;
    if (!chunk->own_selection || !chunk->columns || !chunk->heap)
        status = base_error_no_memory(error);
    for (uint32_t i = 0; status == BASE_OK && i < column_count; i++)
        status = vector_init(&chunk->columns[i], budget, types[i], error);
    if (status != BASE_OK)
        vector_chunk_destroy(chunk);
    return status;
}

void vector_chunk_destroy(vector_chunk *chunk)
{
    if (!chunk->budget) /* never initialised, or destroyed already */
        return;
    for (uint32_t i = 0; i < chunk->column_count; i++)
        vector_destroy(&chunk->columns[i], chunk->budget);
    base_free(chunk->budget, chunk->columns, chunk->column_count * sizeof(vector));
    base_free(chunk->budget, chunk->own_selection, VECTOR_SIZE * sizeof(uint16_t));
    if (chunk->heap) {
        base_arena_destroy(chunk->heap);
        base_free(chunk->budget, chunk->heap, sizeof(base_arena));
    }
    memset(chunk, 0, sizeof *chunk);
}

void vector_chunk_reset(vector_chunk *chunk)
{
    chunk->count = 0;
    chunk->selection = NULL;
    for (uint32_t i = 0; i < chunk->column_count; i++)
        vector_reset(&chunk->columns[i]);
    base_arena_reset(chunk->heap);
}

void vector_chunk_reference(vector_chunk *to, const vector_chunk *from)
{
    BASE_ASSERT(to->column_count == from->column_count);
    to->count = from->count;
    to->selection = from->selection;
    for (uint32_t i = 0; i < from->column_count; i++) {
        vector *column = &to->columns[i];
        BASE_ASSERT(column->form == from->columns[i].form);
        column->shape = from->columns[i].shape;
        column->data = from->columns[i].data;
        column->validity = from->columns[i].validity;
        column->dictionary = from->columns[i].dictionary;
        column->dictionary_size = from->columns[i].dictionary_size;
    }
}

void vector_make_validity(vector *column)
{
    BASE_ASSERT(column->own_validity);
    column->validity = column->own_validity;
    memset(column->own_validity, 0xFF, VECTOR_WORDS * sizeof(uint64_t));
}

void vector_set_null(vector *column, uint32_t position)
{
    BASE_ASSERT(position < VECTOR_SIZE);
    if (!column->validity)
        vector_make_validity(column);
    BASE_ASSERT(column->validity == column->own_validity);
    base_bit_clear(column->validity, position);
}

/* Writes the cell's value of the form to place `position` of `data`. */
static void store_cell(void *data, types_form form, uint32_t position, const types_cell *cell)
{
    uint32_t size = types_form_size(form);
    memcpy((char *)data + (size_t)position * size, cell, size);
}

void vector_set_constant(vector *column, const types_value *value)
{
    vector_reset(column);
    column->shape = VECTOR_CONSTANT;
    if (value->is_null) {
        /* Zero under the NULL: kernels may compute with it. */
        memset(column->own_data, 0, types_form_size((types_form)column->form));
        column->own_validity[0] = 0;
        column->validity = column->own_validity;
        return;
    }
    BASE_ASSERT(types_form_of(value->type) == (types_form)column->form);
    store_cell(column->own_data, (types_form)column->form, 0, &value->cell);
}

types_value vector_get(const vector *column, uint32_t position)
{
    types_value value = types_null_of(column->type);
    value.is_null = !vector_load(column, position, &value.cell);
    return value;
}

void vector_put(vector *column, uint32_t position, const types_value *value)
{
    BASE_ASSERT(column->shape == VECTOR_FLAT && position < VECTOR_SIZE);
    if (value->is_null) {
        vector_set_null(column, position);
        return;
    }
    BASE_ASSERT(types_form_of(value->type) == (types_form)column->form);
    store_cell(column->data, (types_form)column->form, position, &value->cell);
    if (column->validity)
        base_bit_set(column->validity, position);
}
