/*
 * op_change.c - UPDATE and DELETE.
 *
 * The rows to change are read from the table that is changed, so the input is kept whole before
 * the first write: the statement never meets its own new rows (the Halloween problem). A join may
 * bring a row more than once: the first time counts.
 *
 * An UPDATE of the INTEGER PRIMARY KEY moves rows to other rowids. All rows that move are read
 * whole and deleted before the first is inserted, so `SET id = id + 1` meets no row of its own.
 *
 * Unique keys are judged when all rows are written (table_check_deferred), but for OR IGNORE and
 * OR REPLACE, which decide row by row.
 *
 * Rejected: writing while the scan runs where no index is touched (fast, and wrong as soon as a
 * predicate or the storage layout lets a new version come after the cursor).
 */
#include "exec/op/op_write.h"

typedef struct change_part {
    op_writer writer;
    bool deletes;
    exec_layout rowid_layout;
    exec_groups *seen;    /* rowids that came already; NULL: each comes once */
    exec_buffer *moving;  /* whole rows that change their rowid; NULL: none can */
    uint32_t value_count; /* columns that are set in place */
    uint32_t *value_columns;
    uint32_t *value_slots;
    vector_chunk *values;  /* heads of the new values */
    uint32_t *all_columns; /* of whole rows: every live column, then the rowid */
    vector_chunk *whole;
    uint16_t *origins;
    char **addresses;
    bool *is_new;
    table_deferral deferral; /* rows whose key was taken when they got it */
    int64_t *replaced;       /* rowids that OR REPLACE deleted */
    uint32_t replaced_count, replaced_capacity;
} change_part;

/* ---- The input --------------------------------------------------------------------------- */

/* Can a row come more than once? */
static bool repeats_rows(const plan_operator *op)
{
    switch ((plan_operator_kind)op->kind) {
    case PLAN_OP_TABLE_SCAN:
    case PLAN_OP_ROWID_LOOKUP:
    case PLAN_OP_INDEX_SCAN:
        return false;
    case PLAN_OP_FILTER:
    case PLAN_OP_PROJECT:
    case PLAN_OP_LIMIT:
    case PLAN_OP_SORT:
        return repeats_rows(op->inputs[0]);
    default:
        return true;
    }
}

static base_status sink(exec_part *part, void *state, vector_chunk *input, base_error *error)
{
    change_part *self = (change_part *)part;
    uint16_t first[VECTOR_SIZE];
    vector_chunk once = *input;
    const vector *rowids = &input->columns[self->writer.op->change.rowid_slot];
    if (self->seen) {
        RETURN_IF_ERROR(exec_groups_find_or_add(self->seen, &rowids, input->selection, input->count,
                                                self->addresses, self->is_new, error));
        once.count = 0;
        for (uint32_t i = 0; i < input->count; i++) {
            uint16_t position = (uint16_t)vector_row(input->selection, i);
            first[once.count] = position;
            /* An outer join may bring no row at all. */
            once.count += self->is_new[i] && vector_is_valid(rowids, position);
        }
        once.selection = first;
    }
    return exec_buffer_append(self->writer.kept, &once, error);
}

/* Points the row that checks and RETURNING see at a kept chunk. */
static void point_row(change_part *self, const vector_chunk *input)
{
    op_writer *writer = &self->writer;
    const plan_operator *op = writer->op;
    uint32_t columns = writer->descriptor->column_count;
    for (uint32_t c = 0; c < columns; c++)
        if (op->change.row_slots && op->change.row_slots[c] >= 0)
            writer->row->columns[c] = input->columns[op->change.row_slots[c]];
    for (uint32_t s = 0; s < op->change.set_count; s++)
        writer->row->columns[op->change.set_columns[s]] = input->columns[op->change.set_slots[s]];
    writer->row->columns[columns] = input->columns[op->change.rowid_slot];
}

/* ---- Writing in place -------------------------------------------------------------------- */

static bool was_replaced(const change_part *self, int64_t rowid)
{
    for (uint32_t i = 0; i < self->replaced_count; i++)
        if (self->replaced[i] == rowid)
            return true;
    return false;
}

static base_status replace_row(change_part *self, int64_t rowid, base_error *error)
{
    exec_execution *execution = self->writer.execution;
    if (!base_grow_array(&execution->budget, &self->replaced, &self->replaced_capacity,
                         self->replaced_count + 1, sizeof(int64_t)))
        return base_error_no_memory(error);
    self->replaced[self->replaced_count++] = rowid;
    return table_delete(execution->transaction, self->writer.relation, &rowid, 1, error);
}

/* The statement's end decides whether keys are unique: `SET u = u + 1` meets the keys of rows
 * that it has not changed yet. */
static base_status update_all(change_part *self, const uint16_t *selection, uint32_t count,
                              base_error *error)
{
    op_writer *writer = &self->writer;
    self->values->selection = selection;
    self->values->count = count;
    RETURN_IF_ERROR(table_update_deferring(
        writer->execution->transaction, writer->relation, writer->rowids, count,
        self->value_columns, self->value_count, self->values, &self->deferral, error));
    memcpy(writer->written, selection, count * sizeof(uint16_t));
    writer->written_count = count;
    writer->execution->rows_affected += count;
    return BASE_OK;
}

static base_status check_deferred(change_part *self, base_error *error)
{
    table_conflict conflict = {0};
    base_error refused;
    base_error_clear(&refused);
    base_status status = table_check_deferred(self->writer.execution->transaction, &self->deferral,
                                              &conflict, &refused);
    if (status == BASE_UNIQUE_VIOLATION)
        return op_conflict_error(self->writer.op, &conflict, error);
    if (status != BASE_OK && error && error->status == BASE_OK)
        *error = refused;
    return status;
}

/* OR IGNORE and OR REPLACE decide row by row. */
static base_status update_each(change_part *self, uint16_t *selection, uint32_t count,
                               base_error *error)
{
    op_writer *writer = &self->writer;
    plan_conflict_action action = writer->op->change.conflict;
    uint32_t done = 0;
    while (done < count) {
        table_conflict conflict = {0};
        base_error refused;
        base_error_clear(&refused);
        self->values->selection = selection + done;
        self->values->count = count - done;
        base_status status = table_update(writer->execution->transaction, writer->relation,
                                          writer->rowids + done, count - done, self->value_columns,
                                          self->value_count, self->values, &conflict, &refused);
        if (status != BASE_OK && status != BASE_UNIQUE_VIOLATION) {
            if (error && error->status == BASE_OK)
                *error = refused;
            return status;
        }
        uint32_t updated = status == BASE_OK ? count - done : conflict.row;
        for (uint32_t i = done; i < done + updated; i++)
            writer->written[writer->written_count++] = selection[i];
        writer->execution->rows_affected += updated;
        done += updated;
        if (status == BASE_OK)
            break;
        if (action == PLAN_CONFLICT_IGNORE)
            done++;
        else
            RETURN_IF_ERROR(replace_row(self, conflict.rowid, error));
        /* Rows that were replaced are not there to be updated any more. */
        uint32_t kept = done;
        for (uint32_t i = done; self->replaced_count && i < count; i++) {
            if (was_replaced(self, writer->rowids[i]))
                continue;
            selection[kept] = selection[i];
            writer->rowids[kept++] = writer->rowids[i];
        }
        if (self->replaced_count)
            count = kept;
    }
    return BASE_OK;
}

/* Updates rows at `selection`, whose rowids are in writer->rowids. */
static base_status update_rows(change_part *self, const vector_chunk *input, uint16_t *selection,
                               uint32_t count, base_error *error)
{
    for (uint32_t v = 0; v < self->value_count; v++)
        self->values->columns[v] = input->columns[self->value_slots[v]];
    return self->writer.op->change.conflict == PLAN_CONFLICT_ERROR
               ? update_all(self, selection, count, error)
               : update_each(self, selection, count, error);
}

static base_status delete_rows(change_part *self, const uint16_t *selection, uint32_t count,
                               base_error *error)
{
    op_writer *writer = &self->writer;
    RETURN_IF_ERROR(table_delete(writer->execution->transaction, writer->relation, writer->rowids,
                                 count, error));
    memcpy(writer->written, selection, count * sizeof(uint16_t));
    writer->written_count = count;
    writer->execution->rows_affected += count;
    return BASE_OK;
}

/* ---- Moving rows ------------------------------------------------------------------------- */

/* Reads the chunk's rows whole, lays the new values over them, keeps the result with the new
 * rowid as its last column, and deletes the rows. */
static base_status take_rows(change_part *self, const vector_chunk *input,
                             const uint16_t *selection, uint32_t count, base_error *error)
{
    op_writer *writer = &self->writer;
    const plan_operator *op = writer->op;
    uint32_t columns = writer->descriptor->column_count;
    vector_chunk_reset(self->whole);
    RETURN_IF_ERROR(table_read_rows(writer->execution->transaction, writer->relation,
                                    writer->rowids, count, self->all_columns, columns + 1,
                                    self->whole, self->origins, error));
    if (self->whole->count != count)
        return base_error_set(error, BASE_INTERNAL, "a row to update has disappeared");
    vector_chunk row = *self->whole;
    vector *heads = writer->row->columns;
    memcpy(heads, self->whole->columns, (columns + 1) * sizeof(vector));
    row.columns = heads;
    for (uint32_t s = 0; s < op->change.set_count; s++) {
        uint32_t column = op->change.set_columns[s];
        vector *target = &self->whole->columns[column];
        vector_reset(target);
        RETURN_IF_ERROR(vector_copy(target, 0, &input->columns[op->change.set_slots[s]], selection,
                                    count, NULL, error));
        heads[column] = *target;
        if ((int64_t)column == writer->descriptor->rowid_column)
            heads[columns] = *target;
    }
    RETURN_IF_ERROR(exec_buffer_append(self->moving, &row, error));
    return table_delete(writer->execution->transaction, writer->relation, writer->rowids, count,
                        error);
}

static base_status insert_moved(change_part *self, base_error *error)
{
    op_writer *writer = &self->writer;
    uint32_t columns = writer->descriptor->column_count;
    for (uint32_t b = 0; b < self->moving->chunk_count; b++) {
        exec_buffer_read(self->moving, b, writer->row);
        uint32_t count = writer->row->count;
        const vector *rowids = &writer->row->columns[columns];
        for (uint32_t i = 0; i < count; i++) {
            types_value value = vector_get(rowids, i);
            if (value.is_null)
                return base_error_set_at(error, BASE_NOT_NULL_VIOLATION, writer->op->position,
                                         "the primary key must not be NULL");
            writer->selection[i] = (uint16_t)i;
            writer->rowids[i] = value.cell.int64;
        }
        writer->written_count = 0;
        vector_reset(writer->rowid_vector);
        RETURN_IF_ERROR(op_writer_insert(writer, writer->selection, count, true, error));
        RETURN_IF_ERROR(op_writer_return(writer, error));
    }
    return BASE_OK;
}

/* ---- All rows ---------------------------------------------------------------------------- */

static base_status write_chunk(change_part *self, const vector_chunk *input, base_error *error)
{
    op_writer *writer = &self->writer;
    const vector *rowids = &input->columns[writer->op->change.rowid_slot];
    uint32_t count = input->count, kept = 0;
    uint16_t *selection = writer->selection;
    point_row(self, input);
    for (uint32_t i = 0; i < count; i++)
        selection[i] = (uint16_t)i;
    if (!self->deletes)
        RETURN_IF_ERROR(op_writer_check(writer, selection, &count, error));
    for (uint32_t i = 0; i < count; i++) {
        int64_t rowid = vector_get(rowids, selection[i]).cell.int64;
        if (was_replaced(self, rowid))
            continue;
        writer->rowids[kept] = rowid;
        selection[kept++] = selection[i];
    }
    writer->written_count = 0;
    if (!kept)
        return BASE_OK;
    if (self->moving)
        return take_rows(self, input, selection, kept, error);
    RETURN_IF_ERROR(self->deletes ? delete_rows(self, selection, kept, error)
                                  : update_rows(self, input, selection, kept, error));
    return op_writer_return(writer, error);
}

static base_status finish(exec_part *part, base_error *error)
{
    change_part *self = (change_part *)part;
    op_writer *writer = &self->writer;
    self->deferral = (table_deferral){0};
    for (uint32_t i = 0; i < writer->kept->chunk_count; i++) {
        exec_buffer_read(writer->kept, i, writer->frame);
        RETURN_IF_ERROR(exec_check_interrupt(part->execution, error));
        RETURN_IF_ERROR(write_chunk(self, writer->frame, error));
    }
    if (self->moving)
        RETURN_IF_ERROR(insert_moved(self, error));
    return check_deferred(self, error);
}

static void close(exec_part *part)
{
    change_part *self = (change_part *)part;
    op_writer_close(&self->writer);
    if (self->seen)
        exec_groups_clear(self->seen);
    if (self->moving)
        exec_buffer_clear(self->moving);
    base_free_array(&part->execution->budget, self->replaced, self->replaced_capacity,
                    sizeof(int64_t));
    self->replaced = NULL;
    self->replaced_count = self->replaced_capacity = 0;
}

static const exec_part_class change_class = {
    .name = "change",
    .sink = sink,
    .finish = finish,
    .close = close,
};

/* ---- Building ---------------------------------------------------------------------------- */

static base_status init_moving(change_part *self, exec_builder *builder)
{
    exec_execution *execution = builder->execution;
    const table_descriptor *descriptor = self->writer.descriptor;
    uint32_t columns = descriptor->column_count;
    types_type *types = exec_new(execution, (columns + 1) * sizeof(types_type));
    self->all_columns = exec_new(execution, (columns + 1) * sizeof(uint32_t));
    self->origins = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    if (!types || !self->all_columns || !self->origins)
        return base_error_no_memory(builder->error);
    for (uint32_t c = 0; c < columns; c++) {
        types[c] = descriptor->columns[c].type;
        self->all_columns[c] = c;
    }
    types[columns] = TYPES_OF(INTEGER);
    self->all_columns[columns] = TABLE_ROWID;
    RETURN_IF_ERROR(exec_chunk_new(execution, types, columns + 1, &self->whole, builder->error));
    return exec_buffer_new(execution, types, columns + 1, &self->moving, builder->error);
}

static base_status init_values(change_part *self, exec_builder *builder)
{
    exec_execution *execution = builder->execution;
    const plan_operator *op = self->writer.op;
    uint32_t count = op->change.set_count;
    bool moves = false;
    self->value_columns = exec_new(execution, (count + 1) * sizeof(uint32_t));
    self->value_slots = exec_new(execution, (count + 1) * sizeof(uint32_t));
    if (!self->value_columns || !self->value_slots)
        return base_error_no_memory(builder->error);
    for (uint32_t s = 0; s < count; s++) {
        moves |= (int64_t)op->change.set_columns[s] == self->writer.descriptor->rowid_column;
        self->value_columns[s] = op->change.set_columns[s];
        self->value_slots[s] = op->change.set_slots[s];
    }
    self->value_count = count;
    RETURN_IF_ERROR(exec_chunk_frame(execution, count, &self->values, builder->error));
    return moves ? init_moving(self, builder) : BASE_OK;
}

static base_status build_change(exec_builder *builder, const plan_operator *op, exec_chain *chain,
                                bool deletes)
{
    exec_execution *execution = builder->execution;
    change_part *self = exec_part_new(builder, &change_class, sizeof *self, op);
    exec_chain *input = self ? exec_chain_sink(builder, &self->writer.part) : NULL;
    if (!input)
        return base_error_no_memory(builder->error);
    self->deletes = deletes;
    RETURN_IF_ERROR(op_writer_init(&self->writer, builder, true));
    if (!deletes)
        RETURN_IF_ERROR(init_values(self, builder));
    if (repeats_rows(op->inputs[0])) {
        types_type integer = TYPES_OF(INTEGER);
        self->addresses = exec_new(execution, VECTOR_SIZE * sizeof(char *));
        self->is_new = exec_new(execution, VECTOR_SIZE * sizeof(bool));
        if (!self->addresses || !self->is_new)
            return base_error_no_memory(builder->error);
        RETURN_IF_ERROR(
            exec_groups_layout(&self->rowid_layout, execution, &integer, 1, 0, builder->error));
        RETURN_IF_ERROR(
            exec_groups_new(execution, &self->rowid_layout, 1, &self->seen, builder->error));
    }
    RETURN_IF_ERROR(exec_build(builder, op->inputs[0], input));
    return op_writer_add_source(builder, &self->writer, chain);
}

base_status exec_build_update(exec_builder *builder, const plan_operator *op, exec_chain *chain)
{
    return build_change(builder, op, chain, false);
}

base_status exec_build_delete(exec_builder *builder, const plan_operator *op, exec_chain *chain)
{
    return build_change(builder, op, chain, true);
}
