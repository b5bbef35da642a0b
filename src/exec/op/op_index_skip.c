/*
 * op_index_skip.c - the distinct values of an index's leading parts, without reading what lies
 * between them.
 *
 * The first row of each run of equal values is found, then the cursor is moved behind the run: one
 * search per value instead of a row per entry (known as a loose index scan, or skip scan). The
 * optimizer chooses it where values are few and runs long.
 *
 * Invariant: of each value one row that the transaction sees comes out, in the index's order.
 */
#include "exec/op/op_access.h"

enum {
    FIRST_SEARCHES = 16, /* values at first under a LIMIT */
};

typedef struct index_skip_part {
    exec_part part;
    const plan_access *access;
    uint32_t key_count;
    vector_key_part *key_parts; /* leading parts of the index ... */
    uint32_t *key_columns;      /* ... and which column of the access each is */
    table_index_cursor *cursor;
    base_buffer key; /* of the value found last */
    bool ended;
    bool slices; /* a LIMIT follows */
    uint32_t slice_size;
    types_cell *cells;
    bool *nulls;
    vector_chunk *chunk;
    op_filter filter;
} index_skip_part;

static base_status start(exec_part *part, base_error *error)
{
    index_skip_part *self = (index_skip_part *)part;
    base_buffer_clear(&self->key);
    self->ended = false;
    self->slice_size = self->slices ? FIRST_SEARCHES : VECTOR_SIZE;
    part->unit_count = 1;
    part->row_estimate = 0;
    return BASE_OK;
}

/* Puts the cursor behind the value found last, or at the beginning. */
static base_status seek(index_skip_part *self, base_error *error)
{
    table_relation *relation = self->access->table->relation;
    table_key_range range = {.low_inclusive = true, .high_inclusive = true};
    if (self->key.length) {
        base_text key = {self->key.data, self->key.length};
        if (self->access->descending)
            range = (table_key_range){.high = key, .low_inclusive = true};
        else
            range = (table_key_range){.low = key, .high_inclusive = true};
    }
    if (self->cursor)
        return table_index_cursor_seek(self->cursor, &range, error);
    table_index *index = table_index_by_id(relation, self->part.op->index_scan.index_id);
    if (!index)
        return base_error_set(error, BASE_INTERNAL, "an index of the plan does not exist");
    return table_index_cursor_create(self->part.execution->transaction, relation, index, &range,
                                     self->access->descending, self->access->columns,
                                     self->access->column_count, &self->cursor, error);
}

/* Puts the cursor's row behind the chunk's and remembers its key. */
static base_status keep_row(index_skip_part *self, base_error *error)
{
    uint32_t row = self->chunk->count++;
    for (uint32_t c = 0; c < self->access->column_count; c++) {
        vector *column = &self->chunk->columns[c];
        uint32_t size = types_form_size((types_form)column->form);
        if (self->nulls[c])
            vector_set_null(column, row);
        else
            memcpy((char *)column->data + (size_t)row * size, &self->cells[c], size);
    }
    base_buffer_clear(&self->key);
    for (uint32_t k = 0; k < self->key_count; k++) {
        uint32_t column = self->key_columns[k];
        vector_key_append(&self->key_parts[k], &self->cells[column], self->nulls[column],
                          &self->key);
    }
    return self->key.failed ? base_error_no_memory(error) : BASE_OK;
}

static base_status next(exec_part *part, void *state, vector_chunk **chunk, base_error *error)
{
    index_skip_part *self = (index_skip_part *)part;
    vector_chunk_reset(self->chunk);
    while (!self->ended && self->chunk->count < self->slice_size) {
        RETURN_IF_ERROR(seek(self, error));
        base_status status = table_index_cursor_next_row(self->cursor, self->cells, self->nulls,
                                                         self->chunk->heap, error);
        if (status != BASE_ROW && status != BASE_DONE)
            return status;
        self->ended = status == BASE_DONE;
        if (!self->ended)
            RETURN_IF_ERROR(keep_row(self, error));
    }
    uint32_t count = self->chunk->count;
    if (!count)
        return BASE_DONE;
    exec_note_work(part, count, 2 * (uint64_t)count);
    self->slice_size = BASE_MIN(self->slice_size * 2, (uint32_t)VECTOR_SIZE);
    *chunk = self->chunk;
    RETURN_IF_ERROR(op_filter_apply(&self->filter, self->chunk, error));
    return BASE_ROW;
}

static void close(exec_part *part)
{
    index_skip_part *self = (index_skip_part *)part;
    if (self->cursor)
        table_index_cursor_destroy(self->cursor);
    self->cursor = NULL;
    base_buffer_destroy(&self->key);
}

static const exec_part_class index_skip_class = {
    .name = "index skip scan",
    .start = start,
    .next = next,
    .close = close,
};

/* The columns of the access that the leading parts are. */
static base_status init_key(index_skip_part *self, exec_builder *builder)
{
    exec_execution *execution = builder->execution;
    const plan_operator *op = self->part.op;
    const table_descriptor *descriptor = table_describe(self->access->table->relation);
    const table_index *index =
        table_index_by_id(self->access->table->relation, op->index_scan.index_id);
    uint32_t count = self->key_count = op->index_scan.distinct_parts;
    self->key_parts = exec_new(execution, (count + 1) * sizeof(vector_key_part));
    self->key_columns = exec_new(execution, (count + 1) * sizeof(uint32_t));
    if (!self->key_parts || !self->key_columns)
        return base_error_no_memory(builder->error);
    for (uint32_t k = 0; k < count; k++) {
        uint32_t c = 0;
        const table_index_part *part = index ? &table_index_describe(index)->parts[k] : NULL;
        while (part && c < self->access->column_count && self->access->columns[c] != part->column)
            c++;
        if (!part || c == self->access->column_count)
            return base_error_set(builder->error, BASE_INTERNAL,
                                  "an index of the plan does not fit its columns");
        self->key_columns[k] = c;
        self->key_parts[k] = (vector_key_part){descriptor->columns[part->column].type,
                                               part->descending, part->nulls_first};
    }
    return BASE_OK;
}

base_status op_build_index_skip(exec_builder *builder, const plan_operator *op, exec_chain *chain)
{
    exec_execution *execution = builder->execution;
    index_skip_part *self = exec_part_new(builder, &index_skip_class, sizeof *self, op);
    if (!self)
        return base_error_no_memory(builder->error);
    self->access = &op->index_scan.access;
    self->part.parallel = false;
    self->slices = exec_chain_stops_early(builder, chain);
    base_buffer_init(&self->key, &execution->budget);
    uint32_t columns = self->access->column_count;
    types_type *types = op_access_types(execution, self->access);
    self->cells = exec_new(execution, (columns + 1) * sizeof(types_cell));
    self->nulls = exec_new(execution, (columns + 1) * sizeof(bool));
    if (!types || !self->cells || !self->nulls)
        return base_error_no_memory(builder->error);
    RETURN_IF_ERROR(init_key(self, builder));
    RETURN_IF_ERROR(exec_chunk_new(execution, types, columns, &self->chunk, builder->error));
    RETURN_IF_ERROR(op_filter_init(&self->filter, execution, self->access->filter, builder->error));
    return exec_add_pipeline(builder, &self->part, chain);
}
