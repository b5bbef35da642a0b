/*
 * op_cte.c - common table expressions that are computed once and read any number of times.
 *
 * The definition's rows go into a buffer; each scan hands out its chunks, one a unit, so several
 * lanes can read them. A recursive definition that is read once needs no buffer: the recursion
 * itself becomes the source, and stops when its reader has enough (op_recursive_cte.c).
 */
#include "exec/op/op_write.h"
#include "exec/op/op_cte.h"

/* ---- Reading a buffer -------------------------------------------------------------------- */

typedef struct buffer_source {
    exec_part part;
    exec_buffer *const *buffer; /* known when the plan has been built */
    uint32_t column_count;
} buffer_source;

typedef struct buffer_source_state {
    vector_chunk *frame;
    uint32_t chunk;
    bool given;
} buffer_source_state;

static base_status create_state(exec_part *part, void **result, base_error *error)
{
    buffer_source_state *state = EXEC_NEW(part->execution, buffer_source_state);
    if (!state)
        return base_error_no_memory(error);
    *result = state;
    return exec_chunk_frame(part->execution, ((buffer_source *)part)->column_count, &state->frame,
                            error);
}

static base_status start(exec_part *part, base_error *error)
{
    const exec_buffer *buffer = *((buffer_source *)part)->buffer;
    part->unit_count = buffer->row_count ? buffer->chunk_count : 0;
    part->row_estimate = buffer->row_count;
    return BASE_OK;
}

static base_status open_unit(exec_part *part, void *opaque, uint32_t unit, base_error *error)
{
    buffer_source_state *state = opaque;
    state->chunk = unit;
    state->given = false;
    return BASE_OK;
}

static base_status next(exec_part *part, void *opaque, vector_chunk **chunk, base_error *error)
{
    buffer_source_state *state = opaque;
    if (state->given)
        return BASE_DONE;
    state->given = true;
    exec_buffer_read(*((buffer_source *)part)->buffer, state->chunk, state->frame);
    *chunk = state->frame;
    return BASE_ROW;
}

static const exec_part_class buffer_source_class = {
    .name = "kept rows",
    .create_state = create_state,
    .start = start,
    .open_unit = open_unit,
    .next = next,
};

exec_part *op_buffer_source_new(exec_builder *builder, const plan_operator *op,
                                exec_buffer *const *buffer, uint32_t column_count)
{
    buffer_source *self = exec_part_new(builder, &buffer_source_class, sizeof *self, op);
    if (!self)
        return NULL;
    self->buffer = buffer;
    self->column_count = column_count;
    return &self->part;
}

/* ---- Filling one ------------------------------------------------------------------------- */

typedef struct buffer_sink {
    exec_part part;
    exec_buffer *buffer;
} buffer_sink;

static base_status sink(exec_part *part, void *state, vector_chunk *input, base_error *error)
{
    return exec_buffer_append(((buffer_sink *)part)->buffer, input, error);
}

static void close(exec_part *part)
{
    exec_buffer_clear(((buffer_sink *)part)->buffer);
}

static const exec_part_class buffer_sink_class = {
    .name = "keep rows",
    .sink = sink,
    .close = close,
};

exec_part *op_buffer_sink_new(exec_builder *builder, exec_buffer *buffer)
{
    buffer_sink *self = exec_part_new(builder, &buffer_sink_class, sizeof *self, NULL);
    if (!self)
        return NULL;
    self->part.parallel = false;
    self->buffer = buffer;
    return &self->part;
}

/* ---- Operators --------------------------------------------------------------------------- */

static uint32_t count_scans(const plan_operator *op, uint32_t cte)
{
    if (!op)
        return 0;
    uint32_t count = op->kind == PLAN_OP_CTE_SCAN && op->cte.cte == cte;
    return count + count_scans(op->inputs[0], cte) + count_scans(op->inputs[1], cte);
}

base_status exec_build_cte(exec_builder *builder, const plan_operator *op, exec_chain *chain)
{
    exec_execution *execution = builder->execution;
    uint32_t cte = op->cte.cte;
    const plan_operator *definition = op->inputs[0];
    uint32_t scans = count_scans(op->inputs[1], cte);
    if (scans == 1 && definition->kind == PLAN_OP_RECURSIVE_CTE) {
        execution->inlined_ctes[cte] = definition;
        return exec_build(builder, op->inputs[1], chain);
    }
    exec_buffer *buffer;
    RETURN_IF_ERROR(exec_buffer_new(execution, definition->types, definition->column_count, &buffer,
                                    builder->error));
    exec_part *part = op_buffer_sink_new(builder, buffer);
    exec_chain *keep = part ? exec_chain_sink(builder, part) : NULL;
    if (!keep)
        return base_error_no_memory(builder->error);
    if (scans)
        RETURN_IF_ERROR(exec_build(builder, definition, keep));
    execution->ctes[cte] = buffer;
    return exec_build(builder, op->inputs[1], chain);
}

base_status exec_build_cte_scan(exec_builder *builder, const plan_operator *op, exec_chain *chain)
{
    exec_execution *execution = builder->execution;
    uint32_t cte = op->cte.cte;
    const plan_operator *inlined = execution->inlined_ctes[cte];
    if (inlined) {
        execution->inlined_ctes[cte] = NULL; /* its own scan reads the working rows */
        return exec_build(builder, inlined, chain);
    }
    exec_buffer **buffer = EXEC_NEW(execution, exec_buffer *);
    if (!buffer)
        return base_error_no_memory(builder->error);
    *buffer = execution->ctes[cte];
    if (!*buffer)
        return base_error_set(builder->error, BASE_INTERNAL,
                              "a common table expression is read before it is defined");
    exec_part *part = op_buffer_source_new(builder, op, buffer, op->column_count);
    if (!part)
        return base_error_no_memory(builder->error);
    return exec_add_pipeline(builder, part, chain);
}
