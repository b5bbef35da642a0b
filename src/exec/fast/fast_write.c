/*
 * fast_write.c - INSERT, UPDATE and DELETE of rows whose number is bounded by the plan.
 *
 * Rows of an UPDATE or DELETE come from lookups by rowid or unique key, so there are few: all are
 * read before the first is written, and the statement never meets its own versions. The row that
 * checks and RETURNING see has one slot per descriptor column and the rowid last, as in
 * exec/op. Constraint errors are worded by op_write.c, the same for both paths.
 *
 * Left to the pipelines: changes of the rowid, more than FAST_ROWS rows, inputs that read a table
 * without a bound.
 */
#include "exec/fast/fast_int.h"

struct fast_change {
    const plan_operator *op;
    table_relation *relation;
    const table_descriptor *descriptor;
    fast_stage *input;
    int32_t *sources;  /* input column of each descriptor column; -1: none */
    types_cell *cells; /* the new row: descriptor columns, then the rowid */
    bool *nulls;
    types_cell *kept_cells; /* input rows of a change, one after the other; NULL: one row */
    bool *kept_nulls;
    table_deferral deferral; /* rows whose key was taken when they got it */
    types_cell *set_cells;   /* new values in the order of set_columns */
    bool *set_nulls;
    expr_program **checks;
    expr_program **returning;
    types_cell *returned_cells;
    bool *returned_nulls;
};

/* ---- Which plans ------------------------------------------------------------------------- */

static bool sets_rowid(const plan_operator *op)
{
    const table_descriptor *descriptor = table_describe(op->change.table->relation);
    for (uint32_t i = 0; i < op->change.set_count; i++)
        if ((int64_t)op->change.set_columns[i] == descriptor->rowid_column)
            return true;
    return false;
}

bool exec_fast_can_change(const plan_operator *op)
{
    const plan_operator *input = op->inputs[0];
    if (!exec_fast_can_read(input) || exec_fast_row_bound(input) > FAST_ROWS)
        return false;
    if (op->kind == PLAN_OP_INSERT)
        return !op_reads_table(input, op->change.table);
    return op->kind == PLAN_OP_DELETE || !sets_rowid(op);
}

/* ---- Rows -------------------------------------------------------------------------------- */

/* False: the row breaks a check and is passed over (OR IGNORE). */
static base_status check_row(fast_change *self, bool *passes, base_error *error)
{
    const plan_operator *op = self->op;
    *passes = true;
    for (uint32_t i = 0; i < op->change.check_count; i++) {
        types_cell truth;
        bool is_null;
        RETURN_IF_ERROR(
            expr_row(self->checks[i], self->cells, self->nulls, &truth, &is_null, error));
        if (is_null || truth.boolean)
            continue;
        if (op->change.conflict != PLAN_CONFLICT_IGNORE)
            return op_check_violation(op, &op->change.checks[i], error);
        *passes = false;
        return BASE_OK;
    }
    return BASE_OK;
}

static base_status return_row(exec_fast *fast, fast_change *self, base_error *error)
{
    uint32_t count = self->op->change.returning_count;
    if (!count)
        return BASE_OK;
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(expr_row(self->returning[i], self->cells, self->nulls,
                                 &self->returned_cells[i], &self->returned_nulls[i], error));
    return exec_fast_emit(fast, self->returned_cells, self->returned_nulls);
}

/* After a refused key. `*again`: the row in the way is gone. */
static base_status resolve_conflict(exec_fast *fast, fast_change *self,
                                    const table_conflict *conflict, bool *again, base_error *error)
{
    *again = false;
    if (self->op->change.conflict == PLAN_CONFLICT_IGNORE ||
        self->op->change.conflict == PLAN_CONFLICT_NOTHING)
        return BASE_OK;
    if (self->op->change.conflict != PLAN_CONFLICT_REPLACE)
        return op_conflict_error(self->op, conflict, error);
    *again = true;
    return table_delete_row(fast->execution->transaction, self->relation, conflict->rowid, error);
}

/* A refusal by a unique key may be answered by the statement: its error object is kept apart. */
static base_status keep_error(base_status status, const base_error *refused, base_error *error)
{
    if (status != BASE_OK && status != BASE_UNIQUE_VIOLATION && error && error->status == BASE_OK)
        *error = *refused;
    return status;
}

static base_status insert_row(exec_fast *fast, fast_change *self, base_error *error)
{
    exec_execution *execution = fast->execution;
    uint32_t columns = self->descriptor->column_count;
    int32_t key = self->descriptor->rowid_column;
    bool given = key >= 0 && self->sources[key] >= 0 && !self->nulls[key];
    int64_t rowid = given ? self->cells[key].int64 : 0;
    bool passes, again = true;
    if (given) { /* checks may name the key by either slot */
        self->cells[columns].int64 = rowid;
        self->nulls[columns] = false;
    }
    RETURN_IF_ERROR(check_row(self, &passes, error));
    if (!passes)
        return BASE_OK;
    while (again) {
        table_conflict conflict = {0};
        base_error refused;
        base_error_clear(&refused);
        base_status status =
            keep_error(table_insert_row(execution->transaction, self->relation, self->cells,
                                        self->nulls, &rowid, !given, &conflict, &refused),
                       &refused, error);
        if (status == BASE_OK)
            break;
        if (status != BASE_UNIQUE_VIOLATION)
            return status;
        RETURN_IF_ERROR(resolve_conflict(fast, self, &conflict, &again, error));
        if (!again)
            return BASE_OK;
    }
    self->cells[columns].int64 = rowid;
    self->nulls[columns] = false;
    if (key >= 0) {
        self->cells[key].int64 = rowid;
        self->nulls[key] = false;
    }
    if (key >= 0 && !given) { /* a chosen key must meet the checks too: see op_insert.c */
        RETURN_IF_ERROR(check_row(self, &passes, error));
        if (!passes)
            return table_delete_row(execution->transaction, self->relation, rowid, error);
    }
    execution->rows_affected++;
    execution->last_rowid = rowid;
    execution->has_last_rowid = true;
    return return_row(fast, self, error);
}

static base_status run_insert(exec_fast *fast, fast_change *self, base_error *error)
{
    uint32_t columns = self->descriptor->column_count;
    const fast_stage *input = self->input;
    base_status status;
    while ((status = self->input->next(fast, self->input, error)) == BASE_ROW) {
        for (uint32_t i = 0; i < columns; i++) {
            self->nulls[i] = self->sources[i] < 0 || input->nulls[self->sources[i]];
            if (!self->nulls[i])
                self->cells[i] = input->cells[self->sources[i]];
        }
        self->nulls[columns] = true;
        RETURN_IF_ERROR(insert_row(fast, self, error));
    }
    return status == BASE_DONE ? BASE_OK : status;
}

/* ---- UPDATE, DELETE ---------------------------------------------------------------------- */

/* Shows checks and RETURNING the row that an input row describes. */
static void show_row(fast_change *self, const types_cell *cells, const bool *nulls)
{
    const plan_operator *op = self->op;
    uint32_t columns = self->descriptor->column_count;
    for (uint32_t i = 0; i < columns; i++) {
        self->nulls[i] = self->sources[i] < 0 || nulls[self->sources[i]];
        if (!self->nulls[i])
            self->cells[i] = cells[self->sources[i]];
    }
    for (uint32_t i = 0; i < op->change.set_count; i++) {
        uint32_t slot = op->change.set_slots[i], column = op->change.set_columns[i];
        self->set_cells[i] = self->cells[column] = cells[slot];
        self->set_nulls[i] = self->nulls[column] = nulls[slot];
    }
    self->cells[columns] = cells[op->change.rowid_slot];
    self->nulls[columns] = false;
}

/* OR IGNORE and OR REPLACE decide row by row. `*replaced`: rows were deleted, maybe one that is
 * still to be changed. */
static base_status update_or(exec_fast *fast, fast_change *self, int64_t rowid, bool *updated,
                             bool *replaced, base_error *error)
{
    const plan_operator *op = self->op;
    bool again = true;
    *updated = false;
    while (again) {
        table_conflict conflict = {0};
        base_error refused;
        base_error_clear(&refused);
        base_status status =
            keep_error(table_update_row(fast->execution->transaction, self->relation, rowid,
                                        op->change.set_columns, op->change.set_count,
                                        self->set_cells, self->set_nulls, &conflict, &refused),
                       &refused, error);
        *updated = status == BASE_OK;
        if (status != BASE_UNIQUE_VIOLATION)
            return status;
        RETURN_IF_ERROR(resolve_conflict(fast, self, &conflict, &again, error));
        *replaced |= again;
    }
    return BASE_OK;
}

static base_status update_row(exec_fast *fast, fast_change *self, int64_t rowid, bool *replaced,
                              base_error *error)
{
    exec_execution *execution = fast->execution;
    const plan_operator *op = self->op;
    bool passes, updated = true;
    RETURN_IF_ERROR(check_row(self, &passes, error));
    if (!passes)
        return BASE_OK;
    if (op->change.conflict == PLAN_CONFLICT_ERROR)
        RETURN_IF_ERROR(table_update_row_deferring(
            execution->transaction, self->relation, rowid, op->change.set_columns,
            op->change.set_count, self->set_cells, self->set_nulls, &self->deferral, error));
    else
        RETURN_IF_ERROR(update_or(fast, self, rowid, &updated, replaced, error));
    if (!updated)
        return BASE_OK;
    execution->rows_affected++;
    return return_row(fast, self, error);
}

/* The statement's end decides whether keys are unique (op_change.c). */
static base_status check_deferred(exec_fast *fast, fast_change *self, base_error *error)
{
    table_conflict conflict = {0};
    base_error refused;
    base_error_clear(&refused);
    base_status status =
        table_check_deferred(fast->execution->transaction, &self->deferral, &conflict, &refused);
    return status == BASE_UNIQUE_VIOLATION ? op_conflict_error(self->op, &conflict, error)
                                           : keep_error(status, &refused, error);
}

static base_status change_row(exec_fast *fast, fast_change *self, const types_cell *cells,
                              const bool *nulls, bool *replaced, base_error *error)
{
    exec_execution *execution = fast->execution;
    int64_t rowid = cells[self->op->change.rowid_slot].int64;
    if (*replaced) { /* is it still there? */
        types_cell ignored;
        bool ignored_null;
        uint32_t column = TABLE_ROWID;
        base_status status = table_read_row(execution->transaction, self->relation, rowid, &column,
                                            1, &ignored, &ignored_null, &fast->heap, error);
        if (status == BASE_NOT_FOUND)
            return BASE_OK;
        RETURN_IF_ERROR(status);
    }
    show_row(self, cells, nulls);
    if (self->op->kind == PLAN_OP_UPDATE)
        return update_row(fast, self, rowid, replaced, error);
    RETURN_IF_ERROR(table_delete_row(execution->transaction, self->relation, rowid, error));
    execution->rows_affected++;
    return return_row(fast, self, error);
}

static base_status run_change(exec_fast *fast, fast_change *self, base_error *error)
{
    fast_stage *input = self->input;
    uint32_t columns = self->op->inputs[0]->column_count, rows = 0;
    bool replaced = false;
    base_status status;
    while ((status = input->next(fast, input, error)) == BASE_ROW) {
        BASE_ASSERT(rows < FAST_ROWS);
        memcpy(self->kept_cells + (size_t)rows * columns, input->cells,
               columns * sizeof(types_cell));
        memcpy(self->kept_nulls + (size_t)rows * columns, input->nulls, columns * sizeof(bool));
        rows++;
    }
    if (status != BASE_DONE)
        return status;
    self->deferral = (table_deferral){0};
    for (uint32_t i = 0; i < rows; i++)
        RETURN_IF_ERROR(change_row(fast, self, self->kept_cells + (size_t)i * columns,
                                   self->kept_nulls + (size_t)i * columns, &replaced, error));
    return check_deferred(fast, self, error);
}

base_status exec_fast_run_change(exec_fast *fast, base_error *error)
{
    fast_change *self = fast->change;
    return self->op->kind == PLAN_OP_INSERT ? run_insert(fast, self, error)
                                            : run_change(fast, self, error);
}

/* ---- Building ---------------------------------------------------------------------------- */

/* Which input column fills each descriptor column: all of them in order, or the live ones. */
static base_status map_insert(fast_change *self, base_error *error)
{
    uint32_t inputs = self->op->inputs[0]->column_count, next = 0;
    uint32_t columns = self->descriptor->column_count;
    for (uint32_t i = 0; i < columns; i++) {
        bool passed_over = inputs < columns && self->descriptor->columns[i].dropped;
        self->sources[i] = passed_over || next == inputs ? -1 : (int32_t)next++;
    }
    if (next != inputs)
        return base_error_set(error, BASE_INTERNAL, "an INSERT plan does not fit its table");
    return BASE_OK;
}

static base_status build_parts(exec_fast *fast, fast_change *self, base_error *error)
{
    const plan_operator *op = self->op;
    uint32_t columns = self->descriptor->column_count;
    self->sources = exec_new(fast->execution, (columns + 1) * sizeof(int32_t));
    self->checks = exec_new(fast->execution, (op->change.check_count + 1) * sizeof(expr_program *));
    if (!self->sources || !self->checks)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < op->change.check_count; i++)
        RETURN_IF_ERROR(
            exec_fast_compile(fast, op->change.checks[i].condition, &self->checks[i], error));
    RETURN_IF_ERROR(exec_fast_compile_all(fast, op->change.returning, op->change.returning_count,
                                          &self->returning, error));
    RETURN_IF_ERROR(exec_fast_row_new(fast, op->change.returning_count, &self->returned_cells,
                                      &self->returned_nulls, error));
    RETURN_IF_ERROR(exec_fast_row_new(fast, columns + 1, &self->cells, &self->nulls, error));
    if (op->kind == PLAN_OP_INSERT)
        return map_insert(self, error);
    for (uint32_t i = 0; i < columns; i++)
        self->sources[i] = op->change.row_slots ? op->change.row_slots[i] : -1;
    RETURN_IF_ERROR(
        exec_fast_row_new(fast, op->change.set_count, &self->set_cells, &self->set_nulls, error));
    uint32_t bound = BASE_MIN(exec_fast_row_bound(op->inputs[0]), (uint32_t)FAST_ROWS);
    return exec_fast_row_new(fast, bound * op->inputs[0]->column_count, &self->kept_cells,
                             &self->kept_nulls, error);
}

base_status exec_fast_build_change(exec_fast *fast, const plan_operator *op, base_error *error)
{
    fast_change *self = EXEC_NEW(fast->execution, fast_change);
    if (!self)
        return base_error_no_memory(error);
    self->op = op;
    self->relation = op->change.table->relation;
    self->descriptor = table_describe(self->relation);
    RETURN_IF_ERROR(build_parts(fast, self, error));
    RETURN_IF_ERROR(exec_fast_build_read(fast, op->inputs[0], &self->input, error));
    fast->top = self->input;
    fast->change = self;
    return BASE_OK;
}
