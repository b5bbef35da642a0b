/*
 * op_insert.c - INSERT, INSERT OR IGNORE, REPLACE.
 *
 * Rows are written as they come, unless the input reads the table itself: then they are kept
 * until the input has ended, so that the statement never sees its own rows.
 *
 * Rows of a query, of COPY and of an appender go through the bulk loader, which finds out by
 * itself whether they are many. Not those of VALUES, which are few, and not under OR IGNORE and
 * OR REPLACE, where every row has to be decided before the next one.
 *
 * Where an INTEGER PRIMARY KEY is the rowid, a NULL in it asks for a fresh one. Rows are then
 * inserted in runs of given and of chosen rowids, in order.
 */
#include "exec/op/op_write.h"

typedef struct insert_part {
    op_writer writer;
    int32_t *sources; /* input column of each descriptor column, -1: dropped, reads NULL */
    vector *nulls;    /* by descriptor column, for dropped ones */
    bool chose;       /* some row of the chunk got a fresh rowid */
    bool loads;       /* through the bulk loader */
    bool one_by_one;  /* OR IGNORE, and whether a row is passed over depends on its fresh key */
} insert_part;

/* What checks see of a rowid that is not chosen yet. */
static const types_value no_rowid = {.type = {.kind = TYPES_INTEGER}, .is_null = true};

/* Points the new row at the input's columns. */
static void point_row(insert_part *self, const vector_chunk *input)
{
    op_writer *writer = &self->writer;
    uint32_t columns = writer->descriptor->column_count;
    for (uint32_t c = 0; c < columns; c++)
        writer->row->columns[c] =
            self->sources[c] >= 0 ? input->columns[self->sources[c]] : self->nulls[c];
    int32_t key = writer->descriptor->rowid_column;
    if (key >= 0 && self->sources[key] >= 0) { /* checks may name the key by either slot */
        writer->row->columns[columns] = writer->row->columns[key];
        return;
    }
    vector_reset(writer->rowid_vector);
    vector_set_constant(writer->rowid_vector, &no_rowid);
    writer->row->columns[columns] = *writer->rowid_vector;
    vector_reset(writer->rowid_vector); /* the insertion writes rowids there */
}

/* Inserts selected rows in runs of given and of chosen rowids. */
static base_status insert_rows(insert_part *self, uint16_t *selection, uint32_t count,
                               base_error *error)
{
    op_writer *writer = &self->writer;
    int32_t rowid_column = writer->descriptor->rowid_column;
    self->chose = true;
    if (rowid_column < 0 || self->sources[rowid_column] < 0)
        return op_writer_insert(writer, selection, count, false, error);
    const vector *keys = &writer->row->columns[rowid_column];
    uint32_t done = 0;
    self->chose = false;
    while (done < count) {
        bool given = vector_is_valid(keys, selection[done]);
        uint32_t end = done;
        while (end < count && vector_is_valid(keys, selection[end]) == given) {
            types_cell key;
            if (given) {
                vector_cell_at(keys, selection[end], &key);
                writer->rowids[end - done] = key.int64;
            }
            end++;
        }
        RETURN_IF_ERROR(op_writer_insert(writer, selection + done, end - done, given, error));
        self->chose = self->chose || !given;
        done = end;
    }
    return BASE_OK;
}

/* RETURNING and checks see the rowid where the key column was left open. */
static void show_rowids(insert_part *self)
{
    op_writer *writer = &self->writer;
    writer->row->columns[writer->descriptor->column_count] = *writer->rowid_vector;
    if (writer->descriptor->rowid_column >= 0)
        writer->row->columns[writer->descriptor->rowid_column] = *writer->rowid_vector;
}

/* Under OR IGNORE a row whose fresh key breaks a check was never there, and rows behind it may have
 * its other keys: each is decided before the next one. */
static base_status insert_one_by_one(insert_part *self, uint16_t *selection, uint32_t count,
                                     base_error *error)
{
    op_writer *writer = &self->writer;
    exec_execution *execution = writer->execution;
    uint32_t columns = writer->descriptor->column_count;
    vector *row = writer->row->columns;
    vector key = row[writer->descriptor->rowid_column], rowid = row[columns];
    for (uint32_t i = 0; i < count; i++) {
        uint32_t before = writer->written_count, passing = 1;
        int64_t last_rowid = execution->last_rowid;
        bool had_rowid = execution->has_last_rowid;
        RETURN_IF_ERROR(insert_rows(self, &selection[i], 1, error));
        if (writer->written_count == before || !self->chose)
            continue;
        uint16_t position = selection[i];
        show_rowids(self);
        RETURN_IF_ERROR(op_writer_check(writer, &position, &passing, error));
        row[writer->descriptor->rowid_column] = key;
        row[columns] = rowid;
        if (passing)
            continue;
        writer->written_count = before;
        execution->rows_affected--;
        RETURN_IF_ERROR(table_delete(execution->transaction, writer->relation,
                                     &execution->last_rowid, 1, error));
        execution->last_rowid = last_rowid;
        execution->has_last_rowid = had_rowid;
    }
    return BASE_OK;
}

static base_status write_chunk(insert_part *self, const vector_chunk *input, base_error *error)
{
    op_writer *writer = &self->writer;
    uint32_t count = input->count;
    if (self->loads)
        RETURN_IF_ERROR(op_writer_begin_load(writer, error));
    point_row(self, input);
    for (uint32_t i = 0; i < count; i++)
        writer->selection[i] = (uint16_t)vector_row(input->selection, i);
    RETURN_IF_ERROR(op_writer_check(writer, writer->selection, &count, error));
    writer->written_count = 0;
    if (self->one_by_one)
        RETURN_IF_ERROR(insert_one_by_one(self, writer->selection, count, error));
    else if (count)
        RETURN_IF_ERROR(insert_rows(self, writer->selection, count, error));
    show_rowids(self);
    /* A fresh key must meet the checks too, and it is known only now: a violation undoes the
     * statement. */
    uint32_t written = writer->written_count;
    if (self->chose && writer->descriptor->rowid_column >= 0 && written && !self->one_by_one)
        RETURN_IF_ERROR(op_writer_check(writer, writer->written, &written, error));
    return op_writer_return(writer, error);
}

static base_status sink(exec_part *part, void *state, vector_chunk *input, base_error *error)
{
    insert_part *self = (insert_part *)part;
    if (self->writer.kept)
        return exec_buffer_append(self->writer.kept, input, error);
    return write_chunk(self, input, error);
}

static base_status finish(exec_part *part, base_error *error)
{
    insert_part *self = (insert_part *)part;
    op_writer *writer = &self->writer;
    for (uint32_t i = 0; writer->kept && i < writer->kept->chunk_count; i++) {
        exec_buffer_read(writer->kept, i, writer->frame);
        RETURN_IF_ERROR(exec_check_interrupt(part->execution, error));
        RETURN_IF_ERROR(write_chunk(self, writer->frame, error));
    }
    return op_writer_end_load(writer, error);
}

static void close(exec_part *part)
{
    op_writer_close(&((insert_part *)part)->writer);
}

static const exec_part_class insert_class = {
    .name = "insert",
    .sink = sink,
    .finish = finish,
    .close = close,
};

/* Which input column fills each descriptor column: all of them in order, or the live ones. */
static base_status map_columns(insert_part *self, exec_builder *builder)
{
    exec_execution *execution = builder->execution;
    const table_descriptor *descriptor = self->writer.descriptor;
    uint32_t inputs = self->writer.op->inputs[0]->column_count;
    types_type *types = exec_new(execution, (descriptor->column_count + 1) * sizeof(types_type));
    self->sources = exec_new(execution, (descriptor->column_count + 1) * sizeof(int32_t));
    if (!self->sources || !types)
        return base_error_no_memory(builder->error);
    uint32_t next = 0;
    for (uint32_t c = 0; c < descriptor->column_count; c++) {
        types[c] = descriptor->columns[c].type;
        bool passed_over = inputs < descriptor->column_count && descriptor->columns[c].dropped;
        self->sources[c] = passed_over || next == inputs ? -1 : (int32_t)next++;
    }
    if (next != inputs)
        return base_error_set(builder->error, BASE_INTERNAL,
                              "an INSERT plan does not fit its table");
    vector_chunk *nulls;
    uint32_t passed = descriptor->column_count - next;
    self->nulls = exec_new(execution, (descriptor->column_count + 1) * sizeof(vector));
    if (!self->nulls)
        return base_error_no_memory(builder->error);
    for (uint32_t c = 0; passed && c < descriptor->column_count; c++) {
        if (self->sources[c] >= 0)
            continue;
        RETURN_IF_ERROR(exec_chunk_new(execution, &types[c], 1, &nulls, builder->error));
        types_value null = types_null_of(types[c]);
        vector_set_constant(&nulls->columns[0], &null);
        self->nulls[c] = nulls->columns[0];
    }
    return BASE_OK;
}

static bool uses_slot(const plan_expr *expr, uint32_t slot)
{
    if (expr->kind == PLAN_EXPR_SLOT)
        return expr->slot == slot;
    for (uint32_t i = 0; i < expr->argument_count; i++)
        if (uses_slot(expr->arguments[i], slot))
            return true;
    return false;
}

/* Whether a check looks at the key that the rowid is. */
static bool checks_key(const insert_part *self)
{
    const plan_operator *op = self->writer.op;
    const table_descriptor *descriptor = self->writer.descriptor;
    for (uint32_t i = 0; descriptor->rowid_column >= 0 && i < op->change.check_count; i++) {
        const plan_expr *condition = op->change.checks[i].condition;
        if (uses_slot(condition, (uint32_t)descriptor->rowid_column) ||
            uses_slot(condition, descriptor->column_count))
            return true;
    }
    return false;
}

base_status exec_build_insert(exec_builder *builder, const plan_operator *op, exec_chain *chain)
{
    insert_part *self = exec_part_new(builder, &insert_class, sizeof *self, op);
    exec_chain *input = self ? exec_chain_sink(builder, &self->writer.part) : NULL;
    if (!input)
        return base_error_no_memory(builder->error);
    bool keep = op_reads_table(op->inputs[0], op->change.table);
    self->loads =
        op->change.conflict == PLAN_CONFLICT_ERROR && op->inputs[0]->kind != PLAN_OP_VALUES;
    RETURN_IF_ERROR(op_writer_init(&self->writer, builder, keep));
    RETURN_IF_ERROR(map_columns(self, builder));
    self->one_by_one = op->change.conflict == PLAN_CONFLICT_IGNORE && checks_key(self);
    RETURN_IF_ERROR(exec_build(builder, op->inputs[0], input));
    return op_writer_add_source(builder, &self->writer, chain);
}
