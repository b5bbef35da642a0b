/*
 * op_rowid_lookup.c - rows of a base table by given rowids.
 *
 * The rowids are evaluated once per run, sorted and freed of repeats (`id IN (1, 1, 2)` gives two
 * rows), then read VECTOR_SIZE at a time.
 */
#include "exec/op/op_access.h"

typedef struct rowid_lookup_part {
    exec_part part;
    const plan_access *access;
    expr_program **rowids;
    int64_t *values; /* of this run */
    uint32_t value_count, next;
    vector_chunk *chunk;
    uint16_t *origins;
    op_filter filter;
} rowid_lookup_part;

static int compare_rowids(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static base_status start(exec_part *part, base_error *error)
{
    rowid_lookup_part *self = (rowid_lookup_part *)part;
    uint32_t count = 0, kept = 0;
    for (uint32_t i = 0; i < part->op->rowid_lookup.rowid_count; i++) {
        types_value value;
        RETURN_IF_ERROR(expr_value(self->rowids[i], &value, error));
        if (!value.is_null)
            self->values[count++] = value.cell.int64;
    }
    qsort(self->values, count, sizeof(int64_t), compare_rowids);
    for (uint32_t i = 0; i < count; i++)
        if (!kept || self->values[kept - 1] != self->values[i])
            self->values[kept++] = self->values[i];
    if (self->access->descending)
        for (uint32_t i = 0; i < kept / 2; i++) {
            int64_t swapped = self->values[i];
            self->values[i] = self->values[kept - 1 - i];
            self->values[kept - 1 - i] = swapped;
        }
    self->value_count = kept;
    self->next = 0;
    part->unit_count = kept ? 1 : 0;
    part->row_estimate = kept;
    return BASE_OK;
}

static base_status open_unit(exec_part *part, void *state, uint32_t unit, base_error *error)
{
    ((rowid_lookup_part *)part)->next = 0;
    return BASE_OK;
}

static base_status next(exec_part *part, void *state, vector_chunk **chunk, base_error *error)
{
    rowid_lookup_part *self = (rowid_lookup_part *)part;
    if (self->next == self->value_count)
        return BASE_DONE;
    uint32_t count = BASE_MIN(self->value_count - self->next, (uint32_t)VECTOR_SIZE);
    vector_chunk_reset(self->chunk);
    RETURN_IF_ERROR(table_read_rows(part->execution->transaction, self->access->table->relation,
                                    self->values + self->next, count, self->access->columns,
                                    self->access->column_count, self->chunk, self->origins, error));
    self->next += count;
    exec_note_work(part, count, count);
    RETURN_IF_ERROR(op_filter_apply(&self->filter, self->chunk, error));
    *chunk = self->chunk;
    return BASE_ROW;
}

static const exec_part_class rowid_lookup_class = {
    .name = "rowid lookup",
    .start = start,
    .open_unit = open_unit,
    .next = next,
};

base_status exec_build_rowid_lookup(exec_builder *builder, const plan_operator *op,
                                    exec_chain *chain)
{
    exec_execution *execution = builder->execution;
    rowid_lookup_part *self = exec_part_new(builder, &rowid_lookup_class, sizeof *self, op);
    if (!self)
        return base_error_no_memory(builder->error);
    self->access = &op->rowid_lookup.access;
    self->part.parallel = false;
    uint32_t count = op->rowid_lookup.rowid_count;
    RETURN_IF_ERROR(
        exec_compile_all(execution, op->rowid_lookup.rowids, count, &self->rowids, builder->error));
    types_type *types = op_access_types(execution, self->access);
    self->values = exec_new(execution, (count + 1) * sizeof(int64_t));
    self->origins = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    if (!types || !self->values || !self->origins)
        return base_error_no_memory(builder->error);
    RETURN_IF_ERROR(
        exec_chunk_new(execution, types, self->access->column_count, &self->chunk, builder->error));
    RETURN_IF_ERROR(op_filter_init(&self->filter, execution, self->access->filter, builder->error));
    return exec_add_pipeline(builder, &self->part, chain);
}
