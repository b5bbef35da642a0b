/*
 * op_ordered_aggregate.c - GROUP BY over an input that comes grouped already.
 *
 * Rows of one group stand beside each other, so a new group begins where a key differs from the row
 * before: no hashing, no table. Groups are kept as rows like those of the hash table, because
 * their states have the same layout; the last group of a chunk may go on in the next.
 *
 * The input comes ordered by the first `presorted` keys, which determine the others; it is worked
 * on in slices of whole groups (op_slices.c), so a LIMIT above ends the reading.
 */
#include "exec/op/op_aggregates.h"
#include "exec/op/op_slices.h"

typedef struct ordered_part {
    exec_part part; /* the sink */
    uint32_t key_count;
    exec_layout layout;
    op_aggregates aggregates;
    op_aggregates_lane *lane;
    expr_program **keys;
    const vector **vectors;
    exec_rows *groups;
    char *last; /* the group that the newest row belongs to */
    char **rows;
    uint16_t *starts; /* positions of rows that begin a group */
} ordered_part;

/* Does row i of the chunk belong to another group than the row before? */
static bool begins_group(ordered_part *self, uint32_t position, uint32_t before)
{
    for (uint32_t k = 0; k < self->key_count; k++) {
        bool valid = vector_is_valid(self->vectors[k], position);
        if (valid != vector_is_valid(self->vectors[k], before))
            return true;
        if (valid && vector_compare_rows(self->vectors[k], position, self->vectors[k], before))
            return true;
    }
    return false;
}

static bool continues_last(ordered_part *self, uint32_t position)
{
    uint16_t at = (uint16_t)position;
    if (!self->last)
        return false;
    for (uint32_t k = 0; k < self->key_count; k++) {
        uint16_t pair = 0;
        if (!exec_rows_match(&self->layout, k, self->vectors[k], &at, &self->last, &pair, 1, true,
                             NULL, NULL))
            return false;
    }
    return true;
}

static base_status sink(exec_part *part, void *state, vector_chunk *input, base_error *error)
{
    ordered_part *self = (ordered_part *)part;
    char *new_rows[VECTOR_SIZE];
    uint32_t starts = 0, count = input->count;
    for (uint32_t k = 0; k < self->key_count; k++)
        RETURN_IF_ERROR(expr_evaluate(self->keys[k], input, &self->vectors[k], error));
    uint32_t before = vector_row(input->selection, 0);
    bool continues = continues_last(self, before);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(input->selection, i);
        if (i ? begins_group(self, position, before) : !continues)
            self->starts[starts++] = (uint16_t)position;
        before = position;
    }
    RETURN_IF_ERROR(exec_rows_reserve(self->groups, starts, new_rows, error));
    for (uint32_t k = 0; k < self->key_count && starts; k++)
        RETURN_IF_ERROR(exec_rows_scatter(self->groups, k, self->vectors[k], self->starts, starts,
                                          new_rows, error));
    for (uint32_t i = 0, s = 0; i < count; i++) {
        if (s < starts && self->starts[s] == vector_row(input->selection, i))
            self->last = new_rows[s++];
        self->rows[i] = self->last;
    }
    return op_aggregates_update(self->lane, input, self->rows, NULL, self->layout.tail_offset,
                                error);
}

static base_status finish(exec_part *part, base_error *error)
{
    ordered_part *self = (ordered_part *)part;
    exec_note_memory(part->execution, part->op, exec_rows_bytes(self->groups));
    return op_aggregates_finish_collected(&self->aggregates, &self->lane, 1,
                                          self->layout.tail_offset, false, error);
}

static void close(exec_part *part)
{
    ordered_part *self = (ordered_part *)part;
    exec_rows_clear(self->groups);
    op_aggregates_lane_clear(self->lane);
    self->last = NULL;
}

static const exec_part_class ordered_class = {
    .name = "ordered aggregate",
    .sink = sink,
    .finish = finish,
    .close = close,
};

/* ---- The groups in order ----------------------------------------------------------------- */

typedef struct ordered_source {
    exec_part part;
    ordered_part *aggregate;
    exec_rows_cursor cursor;
    vector_chunk *chunk;
} ordered_source;

static base_status start(exec_part *part, base_error *error)
{
    ordered_source *self = (ordered_source *)part;
    self->cursor = (exec_rows_cursor){0, 0};
    part->unit_count = 1;
    part->row_estimate = self->aggregate->groups->row_count;
    return BASE_OK;
}

static base_status next(exec_part *part, void *state, vector_chunk **chunk, base_error *error)
{
    ordered_source *self = (ordered_source *)part;
    ordered_part *aggregate = self->aggregate;
    char **rows = aggregate->rows;
    uint32_t count = exec_rows_next(aggregate->groups, &self->cursor, rows);
    if (!count)
        return BASE_DONE;
    for (uint32_t k = 0; k < aggregate->key_count; k++)
        exec_rows_gather(&aggregate->layout, k, rows, NULL, count, &self->chunk->columns[k]);
    RETURN_IF_ERROR(op_aggregates_results(aggregate->lane, rows, aggregate->layout.tail_offset,
                                          count, self->chunk->columns + aggregate->key_count,
                                          error));
    self->chunk->count = count;
    self->chunk->selection = NULL;
    *chunk = self->chunk;
    return BASE_ROW;
}

static const exec_part_class ordered_source_class = {
    .name = "ordered groups",
    .start = start,
    .next = next,
};

base_status exec_build_ordered_aggregate(exec_builder *builder, const plan_operator *op,
                                         exec_chain *chain)
{
    exec_execution *execution = builder->execution;
    uint32_t count = op->aggregate.key_count;
    ordered_part *self = exec_part_new(builder, &ordered_class, sizeof *self, op);
    ordered_source *source = exec_part_new(builder, &ordered_source_class, sizeof *source, op);
    types_type *types = exec_types_of(execution, op->aggregate.keys, count);
    if (!self || !source || !types)
        return base_error_no_memory(builder->error);
    self->part.parallel = source->part.parallel = false;
    source->aggregate = self;
    self->key_count = count;
    self->vectors = exec_new(execution, (count + 1) * sizeof(vector *));
    self->rows = exec_new(execution, VECTOR_SIZE * sizeof(char *));
    self->starts = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    if (!self->vectors || !self->rows || !self->starts)
        return base_error_no_memory(builder->error);
    RETURN_IF_ERROR(op_aggregates_init(&self->aggregates, execution, op->aggregate.aggregates,
                                       op->aggregate.aggregate_count, builder->error));
    RETURN_IF_ERROR(op_aggregates_lane_new(&self->aggregates, &self->lane, builder->error));
    RETURN_IF_ERROR(exec_groups_layout(&self->layout, execution, types, count,
                                       self->aggregates.size, builder->error));
    RETURN_IF_ERROR(exec_rows_new(execution, &self->layout, &self->groups, builder->error));
    RETURN_IF_ERROR(
        exec_compile_all(execution, op->aggregate.keys, count, &self->keys, builder->error));
    RETURN_IF_ERROR(
        exec_chunk_new(execution, op->types, op->column_count, &source->chunk, builder->error));
    return op_build_slices(builder, op, op->aggregate.keys, op->aggregate.presorted, &self->part,
                           &source->part, chain);
}
