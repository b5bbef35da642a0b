/*
 * op_index_scan.c - rows of a base table through one of its indexes, in key order.
 *
 * One cursor serves all ranges of the plan: it is moved from range to range. The order of rows
 * is promised to the plan (it may have dropped a sort), so the scan is one unit.
 */
#include "exec/op/op_access.h"

typedef struct index_scan_part {
    exec_part part;
    const plan_access *access;
    op_key_range *ranges;
    uint32_t range; /* the cursor is in; counted in the direction of the scan */
    table_index_cursor *cursor;
    bool in_range;
    bool slices; /* a LIMIT follows: few rows at first, then twice as many each time */
    uint32_t slice_size;
    vector_chunk *chunk;
    op_filter filter;
} index_scan_part;

static base_status start(exec_part *part, base_error *error)
{
    index_scan_part *self = (index_scan_part *)part;
    self->range = 0;
    self->in_range = false;
    self->slice_size = self->slices ? EXEC_FIRST_SLICE : VECTOR_SIZE;
    part->unit_count = 1;
    part->row_estimate = 0;
    return BASE_OK;
}

/* Puts the cursor on the next range that can hold rows; false: none is left. */
static base_status open_range(index_scan_part *self, bool *found, base_error *error)
{
    const plan_operator *op = self->part.op;
    table_relation *relation = self->access->table->relation;
    table_index *index = table_index_by_id(relation, op->index_scan.index_id);
    if (!index)
        return base_error_set(error, BASE_INTERNAL, "an index of the plan does not exist");
    *found = false;
    while (self->range < op->index_scan.range_count) {
        uint32_t place =
            self->access->descending ? op->index_scan.range_count - 1 - self->range : self->range;
        op_key_range *range = &self->ranges[place];
        RETURN_IF_ERROR(
            op_key_range_open(range, &op->index_scan.ranges[place], relation, index, error));
        if (range->nothing) {
            self->range++;
            continue;
        }
        *found = true;
        if (self->cursor)
            return table_index_cursor_seek(self->cursor, &range->range, error);
        return table_index_cursor_create(self->part.execution->transaction, relation, index,
                                         &range->range, self->access->descending,
                                         self->access->columns, self->access->column_count,
                                         &self->cursor, error);
    }
    return BASE_OK;
}

static base_status next(exec_part *part, void *state, vector_chunk **chunk, base_error *error)
{
    index_scan_part *self = (index_scan_part *)part;
    for (;;) {
        if (!self->in_range) {
            bool found = false;
            RETURN_IF_ERROR(open_range(self, &found, error));
            if (!found)
                return BASE_DONE;
            self->in_range = true;
        }
        vector_chunk_reset(self->chunk);
        base_status status =
            table_index_cursor_next(self->cursor, self->slice_size, self->chunk, error);
        if (status == BASE_ROW) {
            self->slice_size = BASE_MIN(self->slice_size * 2, (uint32_t)VECTOR_SIZE);
            exec_note_work(part, self->chunk->count, self->chunk->count);
            RETURN_IF_ERROR(op_filter_apply(&self->filter, self->chunk, error));
            *chunk = self->chunk;
            return BASE_ROW;
        }
        if (status != BASE_DONE)
            return status;
        self->in_range = false;
        self->range++;
    }
}

static void close(exec_part *part)
{
    index_scan_part *self = (index_scan_part *)part;
    if (self->cursor)
        table_index_cursor_destroy(self->cursor);
    self->cursor = NULL;
    for (uint32_t i = 0; i < part->op->index_scan.range_count; i++) {
        base_buffer_destroy(&self->ranges[i].low_key);
        base_buffer_destroy(&self->ranges[i].high_key);
    }
}

static const exec_part_class index_scan_class = {
    .name = "index scan",
    .start = start,
    .next = next,
    .close = close,
};

base_status exec_build_index_scan(exec_builder *builder, const plan_operator *op, exec_chain *chain)
{
    exec_execution *execution = builder->execution;
    if (op->index_scan.distinct_parts)
        return op_build_index_skip(builder, op, chain);
    index_scan_part *self = exec_part_new(builder, &index_scan_class, sizeof *self, op);
    if (!self)
        return base_error_no_memory(builder->error);
    self->access = &op->index_scan.access;
    self->part.parallel = false;
    self->slices = exec_chain_stops_early(builder, chain);
    types_type *types = op_access_types(execution, self->access);
    self->ranges = exec_new(execution, (op->index_scan.range_count + 1) * sizeof(op_key_range));
    if (!types || !self->ranges)
        return base_error_no_memory(builder->error);
    for (uint32_t i = 0; i < op->index_scan.range_count; i++)
        RETURN_IF_ERROR(op_key_range_init(&self->ranges[i], execution, &op->index_scan.ranges[i],
                                          builder->error));
    RETURN_IF_ERROR(
        exec_chunk_new(execution, types, self->access->column_count, &self->chunk, builder->error));
    RETURN_IF_ERROR(op_filter_init(&self->filter, execution, self->access->filter, builder->error));
    return exec_add_pipeline(builder, &self->part, chain);
}
