/*
 * op_slices.c - an operator that keeps its input, run slice by slice over an input in order.
 *
 * SORT, WINDOW and the two aggregates must see all rows of a group before the group's first result.
 * Where the input comes ordered by the first keys they need not see more: it is cut into slices of
 * whole groups, and each slice goes through the operator's own sink and source as if it were all
 * there is. Results come in the input's order, a LIMIT above ends the reading, and memory is that
 * of a slice.
 *
 * Slices have at least so many rows, at first few, then twice as many each time, so that groups of
 * one row do not cost a run of the operator each.
 *
 * The input is a program of its own, pulled chunk by chunk; the part is the source of the pipeline
 * above. Rejected: a streaming form of each of the three operators, three times the code for what
 * is one loop.
 *
 * Invariants: the sink holds whole groups only when it is finished; the program is not pulled
 * while rows of its last chunk are to be handed on.
 */
#include "exec/op/op_slices.h"

enum {
    LARGEST_SLICE = 65536, /* rows */
};

typedef struct slices_part {
    exec_part part; /* the source of what comes behind the operator */
    exec_program input;
    exec_part *sink, *source; /* of the operator */
    void *sink_state, *source_state;
    uint32_t key_count;
    expr_program **keys;
    const vector **key_vectors; /* over `chunk` */
    vector_chunk *last;         /* keys of the row handed on last, in its row 0 */
    vector_chunk *chunk;        /* of the input; NULL: none yet */
    uint32_t next;              /* its first row that has not been handed on */
    vector_chunk *piece;        /* heads: rows of `chunk` for the sink */
    uint16_t *selection;
    uint64_t held;  /* rows that the sink has */
    uint64_t slice; /* that a slice is cut at */
    bool emitting, ended;
    uint32_t unit; /* of the operator's source */
    bool unit_open;
    uint64_t input_nanoseconds; /* that are counted by the operators of the input */
} slices_part;

/* ---- Groups ------------------------------------------------------------------------------ */

static bool same_group(const vector *const *a, uint32_t row, const vector *const *b, uint32_t other,
                       uint32_t key_count)
{
    for (uint32_t k = 0; k < key_count; k++) {
        bool valid = vector_is_valid(a[k], row);
        if (valid != vector_is_valid(b[k], other))
            return false;
        if (valid && vector_compare_rows(a[k], row, b[k], other) != 0)
            return false;
    }
    return true;
}

/* Does row i of the chunk (counted in its selection) begin a group? */
static bool begins_group(const slices_part *self, uint32_t i)
{
    uint32_t row = vector_row(self->chunk->selection, i);
    if (i > 0)
        return !same_group(self->key_vectors, row, self->key_vectors,
                           vector_row(self->chunk->selection, i - 1), self->key_count);
    const vector *last[TABLE_MAX_KEY_PARTS];
    for (uint32_t k = 0; k < self->key_count; k++)
        last[k] = &self->last->columns[k];
    return !same_group(self->key_vectors, row, last, 0, self->key_count);
}

/* Keeps the keys of the chunk's last row, for the next chunk's first. */
static base_status remember_last(slices_part *self, base_error *error)
{
    uint16_t row = (uint16_t)vector_row(self->chunk->selection, self->chunk->count - 1);
    vector_chunk_reset(self->last);
    for (uint32_t k = 0; k < self->key_count; k++)
        RETURN_IF_ERROR(vector_copy(&self->last->columns[k], 0, self->key_vectors[k], &row, 1,
                                    self->last->heap, error));
    return BASE_OK;
}

/* ---- Slices ------------------------------------------------------------------------------ */

/* Takes the rows of the chunk up to `end` into the operator. */
static base_status keep_rows(slices_part *self, uint32_t end, base_error *error)
{
    vector_chunk *piece = self->piece, *chunk = self->chunk;
    uint32_t count = end - self->next;
    if (!count)
        return BASE_OK;
    for (uint32_t i = 0; i < count; i++)
        self->selection[i] = (uint16_t)vector_row(chunk->selection, self->next + i);
    memcpy(piece->columns, chunk->columns, chunk->column_count * sizeof(vector));
    piece->selection = self->selection;
    piece->count = count;
    self->next = end;
    self->held += count;
    return self->sink->class->sink(self->sink, self->sink_state, piece, error);
}

/* The slice is whole: its results can be handed on. */
static base_status finish_slice(slices_part *self, base_error *error)
{
    const exec_part_class *sink = self->sink->class, *source = self->source->class;
    if (sink->finish_lane)
        RETURN_IF_ERROR(sink->finish_lane(self->sink, self->sink_state, error));
    if (sink->finish)
        RETURN_IF_ERROR(sink->finish(self->sink, error));
    RETURN_IF_ERROR(source->start(self->source, error));
    self->emitting = true;
    self->unit = 0;
    self->unit_open = false;
    self->slice = BASE_MIN(self->slice * 2, (uint64_t)LARGEST_SLICE);
    return BASE_OK;
}

/* Makes the operator ready for the next slice. */
static base_status clear_slice(slices_part *self, base_error *error)
{
    exec_part *parts[2] = {self->source, self->sink};
    self->emitting = false;
    self->held = 0;
    for (uint32_t i = 0; i < 2; i++) {
        if (parts[i]->class->close)
            parts[i]->class->close(parts[i]);
        if (parts[i]->class->open)
            RETURN_IF_ERROR(parts[i]->class->open(parts[i], error));
    }
    return BASE_OK;
}

static base_status next_input(slices_part *self, base_error *error)
{
    if (self->chunk)
        RETURN_IF_ERROR(remember_last(self, error));
    int64_t begin = exec_profile_clock(self->part.execution);
    base_status status = exec_program_next(&self->input, &self->chunk, error);
    self->input_nanoseconds += (uint64_t)(exec_profile_clock(self->part.execution) - begin);
    self->ended = status == BASE_DONE;
    if (status != BASE_ROW)
        return status == BASE_DONE ? BASE_OK : status;
    self->next = 0;
    for (uint32_t k = 0; k < self->key_count; k++)
        RETURN_IF_ERROR(expr_evaluate(self->keys[k], self->chunk, &self->key_vectors[k], error));
    return BASE_OK;
}

/* Fills the operator with whole groups. */
static base_status fill_slice(slices_part *self, base_error *error)
{
    for (;;) {
        if (!self->ended && (!self->chunk || self->next == self->chunk->count))
            RETURN_IF_ERROR(next_input(self, error));
        if (self->ended)
            return self->held ? finish_slice(self, error) : BASE_OK;
        uint32_t end = self->next, count = self->chunk->count;
        while (end < count &&
               (self->held + (end - self->next) < self->slice || !begins_group(self, end)))
            end++;
        RETURN_IF_ERROR(keep_rows(self, end, error));
        if (end < count)
            return finish_slice(self, error);
    }
}

/* ---- The source -------------------------------------------------------------------------- */

static base_status start(exec_part *part, base_error *error)
{
    slices_part *self = (slices_part *)part;
    RETURN_IF_ERROR(exec_part_state(self->sink, 0, &self->sink_state, error));
    RETURN_IF_ERROR(exec_part_state(self->source, 0, &self->source_state, error));
    exec_program_rewind(&self->input);
    self->chunk = NULL;
    self->next = 0;
    self->held = 0;
    self->slice = EXEC_FIRST_SLICE / 2; /* a LIMIT may be met by less than the input's first */
    self->emitting = self->ended = false;
    part->unit_count = 1;
    part->row_estimate = 0;
    return BASE_OK;
}

/* The slice's next chunk of results, from one unit of the operator's source after the other. */
static base_status next_result(slices_part *self, vector_chunk **chunk, base_error *error)
{
    exec_part *source = self->source;
    for (; self->unit < source->unit_count; self->unit++, self->unit_open = false) {
        if (!self->unit_open && source->class->open_unit)
            RETURN_IF_ERROR(
                source->class->open_unit(source, self->source_state, self->unit, error));
        self->unit_open = true;
        base_status status = source->class->next(source, self->source_state, chunk, error);
        if (status != BASE_DONE)
            return status;
    }
    return BASE_DONE;
}

static base_status next(exec_part *part, void *state, vector_chunk **chunk, base_error *error)
{
    slices_part *self = (slices_part *)part;
    for (;;) {
        if (self->emitting) {
            base_status status = next_result(self, chunk, error);
            if (status != BASE_DONE)
                return status;
            RETURN_IF_ERROR(clear_slice(self, error));
        }
        if (self->ended)
            return BASE_DONE;
        RETURN_IF_ERROR(fill_slice(self, error));
    }
}

/* A reader that stopped early left the input's counts where they were. */
static void close(exec_part *part)
{
    slices_part *self = (slices_part *)part;
    uint64_t *counted = &part->execution->statistics[part->op->id].nanoseconds;
    exec_program_collect(&self->input);
    *counted -= BASE_MIN(*counted, self->input_nanoseconds);
    self->input_nanoseconds = 0;
}

static const exec_part_class slices_class = {
    .name = "slices",
    .start = start,
    .next = next,
    .close = close,
};

base_status op_build_slices(exec_builder *builder, const plan_operator *op, plan_expr *const *keys,
                            uint32_t key_count, exec_part *sink, exec_part *source,
                            exec_chain *chain)
{
    exec_execution *execution = builder->execution;
    const plan_operator *below = op->inputs[0];
    slices_part *self = exec_part_new(builder, &slices_class, sizeof *self, op);
    types_type *types = exec_types_of(execution, keys, key_count);
    if (!self || !types)
        return base_error_no_memory(builder->error);
    BASE_ASSERT(key_count > 0 && key_count <= TABLE_MAX_KEY_PARTS);
    self->part.parallel = false;
    self->sink = sink;
    self->source = source;
    self->key_count = key_count;
    self->key_vectors = exec_new(execution, (key_count + 1) * sizeof(vector *));
    self->selection = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    if (!self->key_vectors || !self->selection)
        return base_error_no_memory(builder->error);
    RETURN_IF_ERROR(exec_compile_all(execution, keys, key_count, &self->keys, builder->error));
    RETURN_IF_ERROR(exec_chunk_new(execution, types, key_count, &self->last, builder->error));
    RETURN_IF_ERROR(exec_chunk_frame(execution, below->column_count, &self->piece, builder->error));
    exec_builder inner = {execution, &self->input, builder->error,
                          exec_chain_stops_early(builder, chain)};
    exec_chain *caller = exec_chain_sink(&inner, NULL);
    if (!caller)
        return base_error_no_memory(builder->error);
    RETURN_IF_ERROR(exec_build(&inner, below, caller));
    return exec_add_pipeline(builder, &self->part, chain);
}
