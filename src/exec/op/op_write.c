/*
 * op_write.c - checks, conflicts and RETURNING of statements that change rows.
 *
 * A new row is seen by checks and RETURNING as one slot per column of the descriptor and the
 * rowid last. The storage layer checks unique keys row by row and stops at the first refused one;
 * OR IGNORE passes over that row, OR REPLACE deletes the row in the way, and both go on behind
 * it.
 *
 * Invariants: rows are written in input order; what a failed statement has written is undone by
 * the session's mark, never here.
 */
#include "exec/op/op_write.h"

static bool access_reads(const plan_access *access, const catalog_table *table)
{
    return access->table->id == table->id;
}

bool op_reads_table(const plan_operator *op, const catalog_table *table)
{
    bool reads = false;
    switch ((plan_operator_kind)op->kind) {
    case PLAN_OP_TABLE_SCAN:
        reads = access_reads(&op->scan, table);
        break;
    case PLAN_OP_ROWID_LOOKUP:
        reads = access_reads(&op->rowid_lookup.access, table);
        break;
    case PLAN_OP_INDEX_SCAN:
        reads = access_reads(&op->index_scan.access, table);
        break;
    case PLAN_OP_INDEX_JOIN:
        reads = access_reads(&op->index_join.access, table);
        break;
    case PLAN_OP_SYSTEM_SCAN:
        reads = !op->system.source->reads_no_table;
        break;
    default:
        break;
    }
    for (uint32_t i = 0; i < 2 && !reads; i++)
        reads = op->inputs[i] && op_reads_table(op->inputs[i], table);
    return reads;
}

base_status op_writer_init(op_writer *writer, exec_builder *builder, bool keep_input)
{
    exec_execution *execution = builder->execution;
    const plan_operator *op = writer->part.op, *input = op->inputs[0];
    base_error *error = builder->error;
    writer->execution = execution;
    writer->op = op;
    writer->part.parallel = false;
    writer->relation = op->change.table->relation;
    writer->descriptor = table_describe(writer->relation);
    types_type integer = TYPES_OF(INTEGER);
    vector_chunk *rowid_chunk;
    RETURN_IF_ERROR(
        exec_chunk_frame(execution, writer->descriptor->column_count + 1, &writer->row, error));
    RETURN_IF_ERROR(exec_chunk_frame(execution, input->column_count, &writer->frame, error));
    RETURN_IF_ERROR(exec_chunk_new(execution, &integer, 1, &rowid_chunk, error));
    writer->rowid_vector = &rowid_chunk->columns[0];
    writer->selection = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    writer->written = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    writer->rowids = exec_new(execution, VECTOR_SIZE * sizeof(int64_t));
    writer->checks = exec_new(execution, (op->change.check_count + 1) * sizeof(expr_program *));
    if (!writer->selection || !writer->written || !writer->rowids || !writer->checks)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < op->change.check_count; i++)
        RETURN_IF_ERROR(
            exec_compile(execution, op->change.checks[i].condition, &writer->checks[i], error));
    if (keep_input)
        RETURN_IF_ERROR(
            exec_buffer_new(execution, input->types, input->column_count, &writer->kept, error));
    uint32_t returning = op->change.returning_count;
    if (!returning)
        return BASE_OK;
    RETURN_IF_ERROR(
        exec_compile_all(execution, op->change.returning, returning, &writer->returning, error));
    types_type *types = exec_types_of(execution, op->change.returning, returning);
    if (!types)
        return base_error_no_memory(error);
    return exec_buffer_new(execution, types, returning, &writer->returned, error);
}

void op_writer_close(op_writer *writer)
{
    table_loader_destroy(writer->loader);
    writer->loader = NULL;
    if (writer->kept)
        exec_buffer_clear(writer->kept);
    if (writer->returned)
        exec_buffer_clear(writer->returned);
}

/* ---- Checks ------------------------------------------------------------------------------ */

base_status op_check_violation(const plan_operator *op, const plan_check *check, base_error *error)
{
    char name[BASE_ERROR_NAME_SIZE], table[BASE_ERROR_NAME_SIZE];
    base_text table_name = op->change.table->name;
    snprintf(name, sizeof name, "%.*s", BASE_TEXT_ARGUMENTS(check->name));
    snprintf(table, sizeof table, "%.*s", BASE_TEXT_ARGUMENTS(table_name));
    if (check->violation == BASE_NOT_NULL_VIOLATION) {
        base_error_set_at(error, check->violation, op->position,
                          "null value in column \"%s\" of table \"%s\" violates its not-null "
                          "constraint",
                          name, table);
        base_error_set_names(error, table, name, NULL);
    } else {
        base_error_set_at(error, check->violation, op->position,
                          "a new row of table \"%s\" violates check constraint \"%s\"", table,
                          name);
        base_error_set_names(error, table, NULL, name);
    }
    return check->violation;
}

/* Can a check pass for all rows alike? NOT NULL over a column without NULLs does. */
static bool all_pass(const vector *answers)
{
    return answers->shape == VECTOR_CONSTANT &&
           (!vector_is_valid(answers, 0) || *(const uint8_t *)answers->data);
}

base_status op_writer_check(op_writer *writer, uint16_t *selection, uint32_t *count,
                            base_error *error)
{
    const plan_operator *op = writer->op;
    bool ignores = op->change.conflict == PLAN_CONFLICT_IGNORE;
    for (uint32_t c = 0; c < op->change.check_count && *count; c++) {
        const plan_check *check = &op->change.checks[c];
        const plan_expr *condition = check->condition;
        const vector *answers;
        if (condition->kind == PLAN_EXPR_IS_NULL && condition->negated &&
            condition->arguments[0]->kind == PLAN_EXPR_SLOT &&
            !writer->row->columns[condition->arguments[0]->slot].validity)
            continue;
        writer->row->selection = selection;
        writer->row->count = *count;
        RETURN_IF_ERROR(expr_evaluate(writer->checks[c], writer->row, &answers, error));
        if (all_pass(answers))
            continue;
        uint32_t kept = 0;
        for (uint32_t i = 0; i < *count; i++) {
            uint16_t position = selection[i];
            types_value value = vector_get(answers, position);
            bool passes = value.is_null || value.cell.boolean;
            if (!passes && !ignores)
                return op_check_violation(op, check, error);
            selection[kept] = position;
            kept += passes;
        }
        *count = kept;
    }
    return BASE_OK;
}

/* ---- Conflicts --------------------------------------------------------------------------- */

static void append_name(char *buffer, size_t size, base_text name)
{
    size_t length = strlen(buffer);
    snprintf(buffer + length, size - length, "%s%.*s", length ? ", " : "",
             BASE_TEXT_ARGUMENTS(name));
}

static base_text column_name(const catalog_table *table, uint32_t id)
{
    for (uint32_t i = 0; i < table->column_count; i++)
        if (table->columns[i].id == id)
            return table->columns[i].name;
    return BASE_TEXT("?");
}

base_status op_conflict_error(const plan_operator *op, const table_conflict *conflict,
                              base_error *error)
{
    const catalog_table *table = op->change.table;
    char constraint[BASE_ERROR_NAME_SIZE] = "", columns[BASE_ERROR_NAME_SIZE] = "";
    char name[BASE_ERROR_NAME_SIZE] = "";
    append_name(name, sizeof name, table->name);
    for (uint32_t i = 0; i < table->constraint_count; i++) {
        const catalog_constraint *key = &table->constraints[i];
        if (key->kind == CATALOG_CHECK || key->index_id != conflict->index_id || constraint[0])
            continue;
        append_name(constraint, sizeof constraint, key->name);
        for (uint32_t c = 0; c < key->column_count; c++)
            append_name(columns, sizeof columns, table->columns[key->columns[c]].name);
    }
    for (uint32_t i = 0; i < table->index_count && !constraint[0]; i++) {
        const catalog_index *index = table->indexes[i];
        if (index->id != conflict->index_id)
            continue;
        append_name(constraint, sizeof constraint, index->name);
        for (uint32_t c = 0; c < index->part_count; c++)
            append_name(columns, sizeof columns, column_name(table, index->parts[c].column));
    }
    base_error_set_at(error, BASE_UNIQUE_VIOLATION, op->position,
                      "duplicate key value violates unique constraint \"%s\" of table \"%s\"",
                      constraint, name);
    base_error_set_detail(error, "a row with the same value of (%s) exists already", columns);
    base_error_set_names(error, name, columns, constraint);
    return BASE_UNIQUE_VIOLATION;
}

/* What to do after a refused key: BASE_OK to go on. `*skip`: without the refused row. */
static base_status resolve_conflict(op_writer *writer, const table_conflict *conflict, bool *skip,
                                    base_error *error)
{
    switch (writer->op->change.conflict) {
    case PLAN_CONFLICT_IGNORE:
    case PLAN_CONFLICT_NOTHING:
        *skip = true;
        return BASE_OK;
    case PLAN_CONFLICT_REPLACE:
        *skip = false;
        return table_delete(writer->execution->transaction, writer->relation, &conflict->rowid, 1,
                            error);
    default:
        return op_conflict_error(writer->op, conflict, error);
    }
}

/* Notes rows first .. first + count - 1 of the selection as written. */
static void note_written(op_writer *writer, const uint16_t *selection, uint32_t first,
                         uint32_t count)
{
    exec_execution *execution = writer->execution;
    int64_t *rowid_values = writer->rowid_vector->data;
    for (uint32_t i = first; i < first + count; i++) {
        rowid_values[selection[i]] = writer->rowids[i];
        writer->written[writer->written_count++] = selection[i];
    }
    if (count) {
        execution->last_rowid = writer->rowids[first + count - 1];
        execution->has_last_rowid = true;
    }
    execution->rows_affected += count;
}

/* What the storage answered: its refusals get the user's words. */
static base_status load_answer(const op_writer *writer, base_status status,
                               const table_conflict *conflict, const base_error *refused,
                               base_error *error)
{
    if (status == BASE_UNIQUE_VIOLATION)
        return op_conflict_error(writer->op, conflict, error);
    if (status != BASE_OK && error && error->status == BASE_OK)
        *error = *refused;
    return status;
}

base_status op_writer_begin_load(op_writer *writer, base_error *error)
{
    BASE_ASSERT(writer->op->change.conflict == PLAN_CONFLICT_ERROR);
    if (writer->loader)
        return BASE_OK;
    return table_loader_create(writer->execution->transaction, writer->relation, &writer->loader,
                               error);
}

base_status op_writer_end_load(op_writer *writer, base_error *error)
{
    table_conflict conflict = {0};
    base_error refused;
    base_error_clear(&refused);
    if (!writer->loader)
        return BASE_OK;
    base_status status = table_loader_finish(writer->loader, &conflict, &refused);
    return load_answer(writer, status, &conflict, &refused, error);
}

static base_status load_rows(op_writer *writer, uint16_t *selection, uint32_t count, bool given,
                             base_error *error)
{
    table_conflict conflict = {0};
    base_error refused;
    base_error_clear(&refused);
    writer->row->selection = selection;
    writer->row->count = count;
    base_status status = table_loader_append(writer->loader, writer->row, writer->rowids, !given,
                                             &conflict, &refused);
    if (status == BASE_OK)
        note_written(writer, selection, 0, count);
    return load_answer(writer, status, &conflict, &refused, error);
}

base_status op_writer_insert(op_writer *writer, uint16_t *selection, uint32_t count, bool given,
                             base_error *error)
{
    exec_execution *execution = writer->execution;
    uint32_t done = 0;
    if (writer->loader)
        return load_rows(writer, selection, count, given, error);
    while (done < count) {
        table_conflict conflict = {0};
        base_error refused;
        base_error_clear(&refused);
        writer->row->selection = selection + done;
        writer->row->count = count - done;
        base_status status = table_insert(execution->transaction, writer->relation, writer->row,
                                          writer->rowids + done, !given, &conflict, &refused);
        bool skip = false;
        if (status != BASE_OK && status != BASE_UNIQUE_VIOLATION) {
            if (error && error->status == BASE_OK)
                *error = refused;
            return status;
        }
        uint32_t inserted = status == BASE_OK ? count - done : conflict.row;
        note_written(writer, selection, done, inserted);
        done += inserted;
        if (status == BASE_OK)
            break;
        RETURN_IF_ERROR(resolve_conflict(writer, &conflict, &skip, error));
        done += skip;
    }
    return BASE_OK;
}

/* ---- RETURNING --------------------------------------------------------------------------- */

base_status op_writer_return(op_writer *writer, base_error *error)
{
    uint32_t count = writer->op->change.returning_count;
    if (!count || !writer->written_count)
        return BASE_OK;
    vector_chunk result = {
        .count = writer->written_count, .column_count = count, .selection = writer->written};
    vector columns[TABLE_MAX_COLUMNS > 64 ? 64 : TABLE_MAX_COLUMNS];
    vector *heads = columns;
    size_t size = count * sizeof(vector);
    if (count > BASE_COUNT_OF(columns) &&
        !(heads = base_allocate(&writer->execution->budget, size)))
        return base_error_no_memory(error);
    writer->row->selection = writer->written;
    writer->row->count = writer->written_count;
    base_status status = BASE_OK;
    for (uint32_t i = 0; i < count && status == BASE_OK; i++) {
        const vector *column;
        status = expr_evaluate(writer->returning[i], writer->row, &column, error);
        if (status == BASE_OK)
            heads[i] = *column;
    }
    result.columns = heads;
    if (status == BASE_OK)
        status = exec_buffer_append(writer->returned, &result, error);
    if (heads != columns)
        base_free(&writer->execution->budget, heads, size);
    return status;
}

base_status op_writer_add_source(exec_builder *builder, op_writer *writer, exec_chain *chain)
{
    if (!writer->returned)
        return BASE_OK;
    exec_part *source = op_buffer_source_new(builder, writer->op, &writer->returned,
                                             writer->op->change.returning_count);
    if (!source)
        return base_error_no_memory(builder->error);
    return exec_add_pipeline(builder, source, chain);
}
