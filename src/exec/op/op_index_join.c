/*
 * op_index_join.c - for each input row, rows of a base table by rowid or by an index.
 *
 * By rowid there is one partner at most: the whole chunk's rowids are looked up in one call, and
 * the values are put together at 0 .. n - 1 in input order. By index a cursor is moved from
 * row to row, and what it finds is gathered until a chunk is full; SEMI and ANTI without further
 * conditions stop at the first row and keep nothing.
 *
 * Invariants: matched[i] belongs to row i of the input; found rows stand dense in `found`, and
 * origin[j] is the input row of found row j, rising.
 */
#include "exec/op/op_access.h"

typedef struct index_join_part {
    exec_part part;
    plan_join_kind kind;
    const plan_access *access;
    table_relation *relation;
    table_index *index; /* NULL: by rowid */
    vector_key_part *key_parts;
    uint32_t first_batch; /* found rows that are handed on at once: few under a LIMIT */
    uint32_t left_count;
    types_type *joined_types; /* left, then access columns */
} index_join_part;

typedef struct index_join_state {
    expr_program **keys;
    const vector **key_vectors;
    expr_program *filter, *residual;
    vector_chunk *found; /* access columns */
    types_cell *cells;   /* one row of the index's cursor */
    bool *nulls;
    vector_chunk *left;   /* copies of input columns beside `found` */
    vector_chunk *joined; /* heads: left, then found */
    vector_chunk *output; /* heads */
    uint16_t *origins;    /* of found rows: row of the input */
    uint16_t *places;     /* of origins: entry of the rowid list */
    uint16_t *positions, *selection;
    int64_t *rowids;
    bool *matched;
    table_index_cursor *cursor;
    base_buffer key;
    vector_chunk *input;
    uint32_t next;  /* row of the input to look up */
    bool in_range;  /* the cursor may have more rows for it */
    uint32_t batch; /* found rows to hand on next: doubles up to a chunk */
} index_join_state;

static base_status create_state(exec_part *part, void **result, base_error *error)
{
    index_join_part *self = (index_join_part *)part;
    exec_execution *execution = part->execution;
    const plan_operator *op = part->op;
    uint32_t found = self->access->column_count;
    size_t shorts = VECTOR_SIZE * sizeof(uint16_t);
    index_join_state *state = EXEC_NEW(execution, index_join_state);
    if (!state)
        return base_error_no_memory(error);
    state->key_vectors = exec_new(execution, (op->index_join.key_count + 1) * sizeof(vector *));
    state->origins = exec_new(execution, shorts);
    state->places = exec_new(execution, shorts);
    state->positions = exec_new(execution, shorts);
    state->selection = exec_new(execution, shorts);
    state->rowids = exec_new(execution, VECTOR_SIZE * sizeof(int64_t));
    state->matched = exec_new(execution, VECTOR_SIZE * sizeof(bool));
    state->cells = exec_new(execution, (found + 1) * sizeof(types_cell));
    state->nulls = exec_new(execution, (found + 1) * sizeof(bool));
    if (!state->key_vectors || !state->origins || !state->places || !state->positions ||
        !state->selection || !state->rowids || !state->matched || !state->cells || !state->nulls)
        return base_error_no_memory(error);
    base_buffer_init(&state->key, &execution->budget);
    state->batch = self->first_batch;
    RETURN_IF_ERROR(exec_compile_all(execution, op->index_join.keys, op->index_join.key_count,
                                     &state->keys, error));
    if (self->access->filter)
        RETURN_IF_ERROR(exec_compile(execution, self->access->filter, &state->filter, error));
    if (op->index_join.residual)
        RETURN_IF_ERROR(exec_compile(execution, op->index_join.residual, &state->residual, error));
    const types_type *found_types = self->joined_types + self->left_count;
    RETURN_IF_ERROR(exec_chunk_new(execution, found_types, found, &state->found, error));
    RETURN_IF_ERROR(
        exec_chunk_new(execution, self->joined_types, self->left_count, &state->left, error));
    RETURN_IF_ERROR(exec_chunk_frame(execution, self->left_count + found, &state->joined, error));
    *result = state;
    return exec_chunk_frame(execution, op->column_count, &state->output, error);
}

static void close(exec_part *part)
{
    for (uint32_t l = 0; l < part->state_count; l++) {
        index_join_state *state = part->states[l];
        if (!state)
            continue;
        if (state->cursor)
            table_index_cursor_destroy(state->cursor);
        state->cursor = NULL;
        state->batch = ((index_join_part *)part)->first_batch;
        base_buffer_destroy(&state->key);
    }
}

/* ---- Finding ----------------------------------------------------------------------------- */

/* All rows of the input by rowid, in one go. */
static base_status find_by_rowid(index_join_part *self, index_join_state *state, base_error *error)
{
    const vector *keys = state->key_vectors[0];
    uint16_t rows[VECTOR_SIZE];
    uint32_t count = 0;
    for (uint32_t i = 0; i < state->input->count; i++) {
        uint32_t position = vector_row(state->input->selection, i);
        if (!vector_is_valid(keys, position))
            continue;
        rows[count] = (uint16_t)i;
        state->rowids[count++] = vector_get(keys, position).cell.int64;
    }
    vector_chunk_reset(state->found);
    state->next = state->input->count;
    if (!count)
        return BASE_OK;
    RETURN_IF_ERROR(table_read_rows(
        self->part.execution->transaction, self->relation, state->rowids, count,
        self->access->columns, self->access->column_count, state->found, state->places, error));
    for (uint32_t j = 0; j < state->found->count; j++)
        state->origins[j] = rows[state->places[j]];
    return BASE_OK;
}

/* Moves the cursor to the keys of the input's row `next`; false in `*found`: a key is NULL. */
static base_status seek_row(index_join_part *self, index_join_state *state, bool *found,
                            base_error *error)
{
    uint32_t position = vector_row(state->input->selection, state->next);
    base_buffer_clear(&state->key);
    *found = false;
    for (uint32_t k = 0; k < self->part.op->index_join.key_count; k++) {
        types_value value = vector_get(state->key_vectors[k], position);
        if (value.is_null)
            return BASE_OK;
        vector_key_append(&self->key_parts[k], &value.cell, false, &state->key);
    }
    if (state->key.failed)
        return base_error_no_memory(error);
    *found = true;
    base_text key = {state->key.data, state->key.length};
    table_key_range range = {key, key, true, true};
    if (state->cursor)
        return table_index_cursor_seek(state->cursor, &range, error);
    return table_index_cursor_create(self->part.execution->transaction, self->relation, self->index,
                                     &range, false, self->access->columns,
                                     self->access->column_count, &state->cursor, error);
}

/* Puts the cursor's row behind the found ones. */
static void keep_found(index_join_part *self, index_join_state *state)
{
    vector_chunk *found = state->found;
    uint32_t row = found->count++;
    state->origins[row] = (uint16_t)state->next;
    for (uint32_t c = 0; c < self->access->column_count; c++) {
        vector *column = &found->columns[c];
        uint32_t size = types_form_size((types_form)column->form);
        if (state->nulls[c])
            vector_set_null(column, row);
        else
            memcpy((char *)column->data + (size_t)row * size, &state->cells[c], size);
    }
}

/* Finds rows through the index until the chunk is full or the input used up. Where one partner
 * decides and nothing else is asked of it, none is kept. */
static base_status find_by_index(index_join_part *self, index_join_state *state, base_error *error)
{
    bool one_decides = !state->filter && !state->residual &&
                       (self->kind == PLAN_JOIN_SEMI || self->kind == PLAN_JOIN_ANTI);
    vector_chunk_reset(state->found);
    while (state->next < state->input->count) {
        if (!state->in_range)
            RETURN_IF_ERROR(seek_row(self, state, &state->in_range, error));
        while (state->in_range) {
            if (state->found->count == state->batch) {
                state->batch = BASE_MIN(state->batch * 2, (uint32_t)VECTOR_SIZE);
                return BASE_OK;
            }
            base_status status = table_index_cursor_next_row(
                state->cursor, state->cells, state->nulls, state->found->heap, error);
            if (status != BASE_ROW && status != BASE_DONE)
                return status;
            if (status == BASE_ROW && !one_decides)
                keep_found(self, state);
            else if (status == BASE_ROW)
                state->matched[state->next] = true;
            state->in_range = status == BASE_ROW && !one_decides;
        }
        state->next++;
    }
    return BASE_OK;
}

/* ---- Joining ----------------------------------------------------------------------------- */

static vector_chunk *make_output(index_join_part *self, index_join_state *state,
                                 const uint16_t *selection, uint32_t count)
{
    const plan_operator *op = self->part.op;
    for (uint32_t i = 0; i < op->column_count; i++)
        state->output->columns[i] = state->joined->columns[op->index_join.output_slots[i]];
    state->output->selection = selection;
    state->output->count = count;
    return count ? state->output : NULL;
}

/* Puts the found rows beside copies of their input rows and applies filter and residual. */
static base_status join_found(index_join_part *self, index_join_state *state, vector_chunk **output,
                              base_error *error)
{
    vector_chunk *found = state->found;
    uint32_t count = found->count;
    for (uint32_t j = 0; j < count; j++)
        state->selection[j] = (uint16_t)j;
    if (state->filter) {
        found->selection = NULL;
        RETURN_IF_ERROR(expr_select(state->filter, found, state->selection, &count, error));
    }
    for (uint32_t j = 0; j < found->count; j++)
        state->positions[j] = (uint16_t)vector_row(state->input->selection, state->origins[j]);
    bool needs_left =
        state->residual || self->kind == PLAN_JOIN_INNER || self->kind == PLAN_JOIN_LEFT;
    for (uint32_t c = 0; needs_left && c < self->left_count; c++) {
        vector_reset(&state->left->columns[c]);
        RETURN_IF_ERROR(vector_copy(&state->left->columns[c], 0, &state->input->columns[c],
                                    state->positions, found->count, NULL, error));
        state->joined->columns[c] = state->left->columns[c];
    }
    memcpy(state->joined->columns + self->left_count, found->columns,
           self->access->column_count * sizeof(vector));
    if (state->residual) {
        state->joined->selection = state->selection;
        state->joined->count = count;
        RETURN_IF_ERROR(
            expr_select(state->residual, state->joined, state->selection, &count, error));
    }
    for (uint32_t j = 0; j < count; j++)
        state->matched[state->origins[state->selection[j]]] = true;
    if (self->kind == PLAN_JOIN_INNER || self->kind == PLAN_JOIN_LEFT)
        *output = make_output(self, state, state->selection, count);
    return BASE_OK;
}

/* Rows of the input that come out after all pairs: without (or, for SEMI, with) a partner. */
static vector_chunk *rest_of_input(index_join_part *self, index_join_state *state)
{
    if (self->kind == PLAN_JOIN_INNER)
        return NULL;
    bool wanted = self->kind == PLAN_JOIN_SEMI;
    uint32_t count = 0;
    for (uint32_t i = 0; i < state->input->count; i++) {
        state->selection[count] = (uint16_t)vector_row(state->input->selection, i);
        count += state->matched[i] == wanted;
    }
    memcpy(state->joined->columns, state->input->columns, self->left_count * sizeof(vector));
    for (uint32_t c = 0; c < self->access->column_count; c++) {
        types_value null = types_null_of(state->found->columns[c].type);
        vector_reset(&state->found->columns[c]);
        vector_set_constant(&state->found->columns[c], &null);
        state->joined->columns[self->left_count + c] = state->found->columns[c];
    }
    return make_output(self, state, state->selection, count);
}

static base_status push(exec_part *part, void *opaque, vector_chunk *input, vector_chunk **output,
                        exec_answer *answer, base_error *error)
{
    index_join_part *self = (index_join_part *)part;
    index_join_state *state = opaque;
    if (input) {
        state->input = input;
        state->next = 0;
        state->in_range = false;
        memset(state->matched, 0, input->count * sizeof(bool));
        for (uint32_t k = 0; k < part->op->index_join.key_count; k++)
            RETURN_IF_ERROR(expr_evaluate(state->keys[k], input, &state->key_vectors[k], error));
    }
    if (input)
        exec_note_work(part, 0, input->count);
    while (state->next < state->input->count) {
        RETURN_IF_ERROR(self->index ? find_by_index(self, state, error)
                                    : find_by_rowid(self, state, error));
        exec_note_work(part, state->found->count, self->index ? state->found->count : 0);
        if (state->found->count)
            RETURN_IF_ERROR(join_found(self, state, output, error));
        if (*output) {
            *answer = EXEC_MORE_OUTPUT;
            return BASE_OK;
        }
    }
    *answer = EXEC_NEED_INPUT;
    *output = rest_of_input(self, state);
    return BASE_OK;
}

static const exec_part_class index_join_class = {
    .name = "index join",
    .create_state = create_state,
    .push = push,
    .close = close,
};

static base_status init_key_parts(index_join_part *self, exec_builder *builder)
{
    const table_index_descriptor *index = table_index_describe(self->index);
    const table_descriptor *descriptor = table_describe(self->relation);
    uint32_t count = self->part.op->index_join.key_count;
    self->key_parts = exec_new(builder->execution, (count + 1) * sizeof(vector_key_part));
    if (!self->key_parts)
        return base_error_no_memory(builder->error);
    for (uint32_t k = 0; k < count; k++) {
        const table_index_part *part = &index->parts[k];
        self->key_parts[k] = (vector_key_part){descriptor->columns[part->column].type,
                                               part->descending, part->nulls_first};
    }
    return BASE_OK;
}

base_status exec_build_index_join(exec_builder *builder, const plan_operator *op, exec_chain *chain)
{
    exec_execution *execution = builder->execution;
    index_join_part *self = exec_part_new(builder, &index_join_class, sizeof *self, op);
    bool stops_early = exec_chain_stops_early(builder, chain);
    chain = self ? exec_chain_step(builder, &self->part, chain) : NULL;
    if (!chain)
        return base_error_no_memory(builder->error);
    self->first_batch = stops_early ? EXEC_FIRST_SLICE : VECTOR_SIZE;
    self->kind = op->index_join.kind;
    self->access = &op->index_join.access;
    self->relation = self->access->table->relation;
    self->left_count = op->inputs[0]->column_count;
    if (op->index_join.index_id) {
        self->index = table_index_by_id(self->relation, op->index_join.index_id);
        if (!self->index)
            return base_error_set(builder->error, BASE_INTERNAL,
                                  "an index of the plan does not exist");
        RETURN_IF_ERROR(init_key_parts(self, builder));
    }
    types_type *found = op_access_types(execution, self->access);
    self->joined_types = exec_new(execution, (self->left_count + self->access->column_count + 1) *
                                                 sizeof(types_type));
    if (!found || !self->joined_types)
        return base_error_no_memory(builder->error);
    memcpy(self->joined_types, op->inputs[0]->types, self->left_count * sizeof(types_type));
    memcpy(self->joined_types + self->left_count, found,
           self->access->column_count * sizeof(types_type));
    return exec_build(builder, op->inputs[0], chain);
}
