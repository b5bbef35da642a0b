/*
 * op_table_scan.c - the rows of a base table, in units that lanes share.
 *
 * The storage layer cuts the table into units and skips what the predicates rule out; here
 * the whole filter is applied to what comes. A lane's reader is opened on the lane's own thread at
 * its first unit and closed with the run.
 *
 * Under a LIMIT the first chunks are small and grow from EXEC_FIRST_SLICE rows to whole ones: what
 * the storage, the filter and the steps behind it do for rows that nobody asks for is bounded by
 * what was needed. Rows before an OFFSET are not read where the storage can count them.
 */
#include "exec/op/op_access.h"

typedef struct table_scan_part {
    exec_part part;
    op_access access;
    types_type *types;
    table_scan *scan;
    bool slices;       /* a LIMIT follows */
    uint64_t *to_skip; /* rows that the next step would throw away; NULL: unknown */
} table_scan_part;

typedef struct table_scan_state {
    table_reader *reader;
    vector_chunk *chunk;
    op_filter filter;
    uint32_t slice_size; /* rows of the next chunk; VECTOR_SIZE: all there are */
} table_scan_state;

static base_status create_state(exec_part *part, void **result, base_error *error)
{
    table_scan_part *self = (table_scan_part *)part;
    const plan_access *access = self->access.access;
    table_scan_state *state = EXEC_NEW(part->execution, table_scan_state);
    if (!state)
        return base_error_no_memory(error);
    RETURN_IF_ERROR(
        exec_chunk_new(part->execution, self->types, access->column_count, &state->chunk, error));
    RETURN_IF_ERROR(op_filter_init(&state->filter, part->execution, access->filter, error));
    RETURN_IF_ERROR(op_filter_add_joins(&state->filter, part->execution, access, error));
    state->slice_size = self->slices ? EXEC_FIRST_SLICE : VECTOR_SIZE;
    *result = state;
    return BASE_OK;
}

static base_status start(exec_part *part, base_error *error)
{
    table_scan_part *self = (table_scan_part *)part;
    RETURN_IF_ERROR(op_access_open(&self->access, error));
    part->unit_count = 0;
    part->row_estimate = 0;
    if (self->access.nothing)
        return BASE_OK;
    const plan_access *access = self->access.access;
    table_relation *relation = access->table->relation;
    if (!self->scan) {
        table_scan_options options = {.columns = access->columns,
                                      .column_count = access->column_count,
                                      .predicates = self->access.predicates,
                                      .predicate_count = self->access.predicate_count,
                                      .first_rowid = self->access.first_rowid,
                                      .last_rowid = self->access.last_rowid,
                                      .descending = access->descending};
        RETURN_IF_ERROR(table_scan_create(part->execution->transaction, relation, &options,
                                          &self->scan, error));
    }
    part->unit_count = table_scan_unit_count(self->scan);
    part->row_estimate = table_row_count(relation);
    return BASE_OK;
}

static base_status open_unit(exec_part *part, void *opaque, uint32_t unit, base_error *error)
{
    table_scan_part *self = (table_scan_part *)part;
    table_scan_state *state = opaque;
    if (!state->reader)
        RETURN_IF_ERROR(table_reader_create(self->scan, &state->reader, error));
    return table_reader_open_unit(state->reader, unit, error);
}

static base_status next(exec_part *part, void *opaque, vector_chunk **chunk, base_error *error)
{
    table_scan_part *self = (table_scan_part *)part;
    table_scan_state *state = opaque;
    vector_chunk_reset(state->chunk);
    if (self->to_skip)
        table_reader_skip(state->reader, self->to_skip);
    table_reader_limit(state->reader, state->slice_size);
    state->slice_size = BASE_MIN(state->slice_size * 2, (uint32_t)VECTOR_SIZE);
    base_status status = table_reader_next(state->reader, state->chunk, error);
    if (status != BASE_ROW)
        return status;
    *chunk = state->chunk;
    exec_note_work(part, (*chunk)->count, 0);
    RETURN_IF_ERROR(op_filter_apply(&state->filter, *chunk, error));
    return BASE_ROW;
}

static void close(exec_part *part)
{
    table_scan_part *self = (table_scan_part *)part;
    for (uint32_t i = 0; i < part->state_count; i++) {
        table_scan_state *state = part->states[i];
        if (state) {
            op_filter_clear(&state->filter);
            state->slice_size = self->slices ? EXEC_FIRST_SLICE : VECTOR_SIZE;
            vector_chunk_reset(state->chunk);
        }
        if (!state || !state->reader)
            continue;
        table_reader_destroy(state->reader);
        state->reader = NULL;
    }
    if (self->scan)
        table_scan_destroy(self->scan);
    self->scan = NULL;
}

static const exec_part_class table_scan_class = {
    .name = "table scan",
    .create_state = create_state,
    .start = start,
    .open_unit = open_unit,
    .next = next,
    .close = close,
};

base_status exec_build_table_scan(exec_builder *builder, const plan_operator *op, exec_chain *chain)
{
    table_scan_part *self = exec_part_new(builder, &table_scan_class, sizeof *self, op);
    if (!self)
        return base_error_no_memory(builder->error);
    RETURN_IF_ERROR(op_access_init(&self->access, builder->execution, &op->scan, builder->error));
    self->types = op_access_types(builder->execution, &op->scan);
    if (!self->types)
        return base_error_no_memory(builder->error);
    self->slices = exec_chain_stops_early(builder, chain);
    /* Only of rows that nothing filters is known how many come through. */
    if (!op->scan.filter && !op->scan.join_filter_count && !op->scan.predicate_count && chain->part)
        self->to_skip = chain->part->to_skip;
    return exec_add_pipeline(builder, &self->part, chain);
}
