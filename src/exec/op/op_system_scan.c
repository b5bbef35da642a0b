/*
 * op_system_scan.c - rows of built-in relations, made by the source that the session registered.
 *
 * The source fills chunks of all its columns; the scan hands on those that the plan wants.
 */
#include "exec/exec_int.h"

typedef struct system_scan_part {
    exec_part part;
    expr_program **arguments;
    types_value *values;
    base_arena arena; /* of the running scan */
    void *scan;
    bool is_open;
    vector_chunk *full; /* all columns of the source */
    vector_chunk *frame;
} system_scan_part;

static base_status start(exec_part *part, base_error *error)
{
    system_scan_part *self = (system_scan_part *)part;
    const plan_system_source *source = part->op->system.source;
    uint32_t count = part->op->system.argument_count;
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(expr_value(self->arguments[i], &self->values[i], error));
    if (self->is_open && source->close)
        source->close(self->scan);
    self->is_open = false;
    base_arena_reset(&self->arena);
    RETURN_IF_ERROR(source->open(source, part->execution->options.system_environment,
                                 part->execution->transaction, self->values, count, &self->arena,
                                 &self->scan, error));
    self->is_open = true;
    part->unit_count = 1;
    part->row_estimate = source->rows > 0 ? (uint64_t)source->rows : 0;
    return BASE_OK;
}

static base_status next(exec_part *part, void *state, vector_chunk **chunk, base_error *error)
{
    system_scan_part *self = (system_scan_part *)part;
    vector_chunk_reset(self->full);
    base_status status = part->op->system.source->next(self->scan, self->full, error);
    if (status != BASE_ROW)
        return status;
    for (uint32_t i = 0; i < part->op->column_count; i++)
        self->frame->columns[i] = self->full->columns[part->op->system.columns[i]];
    self->frame->count = self->full->count;
    self->frame->selection = self->full->selection;
    *chunk = self->frame;
    return BASE_ROW;
}

static void close(exec_part *part)
{
    system_scan_part *self = (system_scan_part *)part;
    const plan_system_source *source = part->op->system.source;
    if (self->is_open && source->close)
        source->close(self->scan);
    self->is_open = false;
    base_arena_destroy(&self->arena);
}

static const exec_part_class system_scan_class = {
    .name = "system scan",
    .start = start,
    .next = next,
    .close = close,
};

base_status exec_build_system_scan(exec_builder *builder, const plan_operator *op,
                                   exec_chain *chain)
{
    exec_execution *execution = builder->execution;
    system_scan_part *self = exec_part_new(builder, &system_scan_class, sizeof *self, op);
    if (!self)
        return base_error_no_memory(builder->error);
    self->part.parallel = false;
    const plan_system_source *source = op->system.source;
    base_arena_init(&self->arena, &execution->budget);
    self->values = exec_new(execution, (op->system.argument_count + 1) * sizeof(types_value));
    types_type *types = exec_new(execution, (source->column_count + 1) * sizeof(types_type));
    if (!self->values || !types)
        return base_error_no_memory(builder->error);
    for (uint32_t i = 0; i < source->column_count; i++)
        types[i] = source->columns[i].type;
    RETURN_IF_ERROR(exec_compile_all(execution, op->system.arguments, op->system.argument_count,
                                     &self->arguments, builder->error));
    RETURN_IF_ERROR(
        exec_chunk_new(execution, types, source->column_count, &self->full, builder->error));
    RETURN_IF_ERROR(exec_chunk_frame(execution, op->column_count, &self->frame, builder->error));
    return exec_add_pipeline(builder, &self->part, chain);
}
