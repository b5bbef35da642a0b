/*
 * fast_read.c - the stages that read: lookups by rowid, index ranges, VALUES, and the filters,
 * projections and limits over them (joins: fast_join.c).
 *
 * Each stage shows the same rows in the same order as its operator in exec/op does. Rowids of a
 * lookup are sorted and freed of repeats; key ranges come from op_access.c.
 */
#include "exec/fast/fast_int.h"

/* ---- Which plans ------------------------------------------------------------------------- */

static bool is_unique_lookup(const plan_operator *op)
{
    const plan_access *access = &op->index_scan.access;
    const table_index *index = table_index_by_id(access->table->relation, op->index_scan.index_id);
    if (!index || !table_index_describe(index)->unique)
        return false;
    for (uint32_t i = 0; i < op->index_scan.range_count; i++)
        if (op->index_scan.ranges[i].equal_count < table_index_describe(index)->part_count)
            return false;
    return true;
}

uint32_t exec_fast_row_bound(const plan_operator *op)
{
    switch ((plan_operator_kind)op->kind) {
    case PLAN_OP_ROWID_LOOKUP:
        return op->rowid_lookup.rowid_count;
    case PLAN_OP_INDEX_SCAN:
        return is_unique_lookup(op) ? op->index_scan.range_count : UINT32_MAX;
    case PLAN_OP_VALUES:
        return op->values.row_count;
    case PLAN_OP_FILTER:
    case PLAN_OP_PROJECT:
    case PLAN_OP_LIMIT:
        return exec_fast_row_bound(op->inputs[0]);
    default:
        return UINT32_MAX;
    }
}

bool exec_fast_can_read(const plan_operator *op)
{
    switch ((plan_operator_kind)op->kind) {
    case PLAN_OP_ROWID_LOOKUP:
        return op->rowid_lookup.rowid_count <= FAST_LOOKUP_ROWIDS;
    case PLAN_OP_INDEX_SCAN:
        return op->index_scan.range_count <= FAST_LOOKUP_ROWIDS && !op->index_scan.distinct_parts;
    case PLAN_OP_VALUES:
        return op->values.row_count <= FAST_ROWS;
    case PLAN_OP_FILTER:
    case PLAN_OP_PROJECT:
    case PLAN_OP_LIMIT:
    case PLAN_OP_INDEX_JOIN:
        return exec_fast_can_read(op->inputs[0]);
    default:
        return false;
    }
}

/* ---- What stages share ------------------------------------------------------------------- */

static void *new_stage(exec_fast *fast, size_t size, const plan_operator *op)
{
    fast_stage *stage = exec_new(fast->execution, size);
    if (stage)
        stage->op = op;
    return stage;
}

base_status exec_fast_open_stages(exec_fast *fast, fast_stage *stage, base_error *error)
{
    for (; stage; stage = stage->input)
        if (stage->open)
            RETURN_IF_ERROR(stage->open(fast, stage, error));
    return BASE_OK;
}

/* ---- ROWID_LOOKUP ------------------------------------------------------------------------ */

typedef struct lookup_stage {
    fast_stage stage;
    const plan_access *access;
    expr_program **programs;
    expr_program *filter;
    int64_t *rowids;
    uint32_t count, at;
} lookup_stage;

static base_status lookup_open(exec_fast *fast, fast_stage *stage, base_error *error)
{
    lookup_stage *self = (lookup_stage *)stage;
    self->count = self->at = 0;
    for (uint32_t i = 0; i < stage->op->rowid_lookup.rowid_count; i++) {
        types_cell cell;
        bool is_null;
        RETURN_IF_ERROR(expr_row(self->programs[i], NULL, NULL, &cell, &is_null, error));
        if (is_null)
            continue;
        uint32_t place = self->count;
        while (place > 0 && self->rowids[place - 1] > cell.int64)
            place--;
        if (place > 0 && self->rowids[place - 1] == cell.int64)
            continue;
        memmove(&self->rowids[place + 1], &self->rowids[place],
                (self->count - place) * sizeof(int64_t));
        self->rowids[place] = cell.int64;
        self->count++;
    }
    return BASE_OK;
}

static base_status lookup_next(exec_fast *fast, fast_stage *stage, base_error *error)
{
    lookup_stage *self = (lookup_stage *)stage;
    while (self->at < self->count) {
        uint32_t place = self->access->descending ? self->count - 1 - self->at : self->at;
        self->at++;
        base_status status =
            table_read_row(fast->execution->transaction, self->access->table->relation,
                           self->rowids[place], self->access->columns, self->access->column_count,
                           stage->cells, stage->nulls, &fast->heap, error);
        if (status == BASE_NOT_FOUND)
            continue;
        RETURN_IF_ERROR(status);
        bool passes;
        RETURN_IF_ERROR(exec_fast_test(self->filter, stage->cells, stage->nulls, &passes, error));
        if (passes)
            return BASE_ROW;
    }
    return BASE_DONE;
}

/* The filter and the row of a stage that reads a table. */
static base_status init_access(exec_fast *fast, fast_stage *stage, const plan_access *access,
                               expr_program **filter, base_error *error)
{
    if (access->filter)
        RETURN_IF_ERROR(exec_fast_compile(fast, access->filter, filter, error));
    return exec_fast_row_new(fast, access->column_count, &stage->cells, &stage->nulls, error);
}

static base_status build_lookup(exec_fast *fast, const plan_operator *op, fast_stage **stage,
                                base_error *error)
{
    lookup_stage *self = new_stage(fast, sizeof *self, op);
    uint32_t count = op->rowid_lookup.rowid_count;
    if (!self)
        return base_error_no_memory(error);
    self->access = &op->rowid_lookup.access;
    self->stage.open = lookup_open;
    self->stage.next = lookup_next;
    self->rowids = exec_new(fast->execution, (count + 1) * sizeof(int64_t));
    if (!self->rowids)
        return base_error_no_memory(error);
    RETURN_IF_ERROR(
        exec_fast_compile_all(fast, op->rowid_lookup.rowids, count, &self->programs, error));
    RETURN_IF_ERROR(init_access(fast, &self->stage, self->access, &self->filter, error));
    *stage = &self->stage;
    return BASE_OK;
}

/* ---- Cursors, for index scans and joins -------------------------------------------------- */

base_status exec_fast_cursor_seek(exec_fast *fast, fast_cursor *self, const plan_access *access,
                                  table_index *index, const table_key_range *range,
                                  base_error *error)
{
    txn_transaction *transaction = fast->execution->transaction;
    if (!self->cursor) {
        RETURN_IF_ERROR(table_index_cursor_create(transaction, access->table->relation, index,
                                                  range, access->descending, access->columns,
                                                  access->column_count, &self->cursor, error));
        self->is_bound = true;
        return BASE_OK;
    }
    if (!self->is_bound)
        RETURN_IF_ERROR(table_index_cursor_rebind(self->cursor, transaction, error));
    self->is_bound = true;
    return table_index_cursor_seek(self->cursor, range, error);
}

/* ---- INDEX_SCAN -------------------------------------------------------------------------- */

typedef struct index_stage {
    fast_stage stage;
    const plan_access *access;
    expr_program *filter;
    op_key_range *ranges;
    uint32_t range; /* counted in the direction of the scan */
    bool in_range;
    fast_cursor cursor;
} index_stage;

static base_status index_open(exec_fast *fast, fast_stage *stage, base_error *error)
{
    index_stage *self = (index_stage *)stage;
    self->range = 0;
    self->in_range = false;
    self->cursor.is_bound = false;
    return BASE_OK;
}

/* Puts the cursor on the next range that can hold rows; BASE_DONE: none is left. */
static base_status next_range(exec_fast *fast, index_stage *self, base_error *error)
{
    const plan_operator *op = self->stage.op;
    table_relation *relation = self->access->table->relation;
    table_index *index = table_index_by_id(relation, op->index_scan.index_id);
    if (!index)
        return base_error_set(error, BASE_INTERNAL, "an index of the plan does not exist");
    for (; self->range < op->index_scan.range_count; self->range++) {
        uint32_t place =
            self->access->descending ? op->index_scan.range_count - 1 - self->range : self->range;
        op_key_range *range = &self->ranges[place];
        RETURN_IF_ERROR(
            op_key_range_open(range, &op->index_scan.ranges[place], relation, index, error));
        if (range->nothing)
            continue;
        self->in_range = true;
        return exec_fast_cursor_seek(fast, &self->cursor, self->access, index, &range->range,
                                     error);
    }
    return BASE_DONE;
}

static base_status index_next(exec_fast *fast, fast_stage *stage, base_error *error)
{
    index_stage *self = (index_stage *)stage;
    for (;;) {
        if (!self->in_range)
            RETURN_IF_ERROR(next_range(fast, self, error));
        base_status status = table_index_cursor_next_row(self->cursor.cursor, stage->cells,
                                                         stage->nulls, &fast->heap, error);
        if (status == BASE_DONE) {
            self->in_range = false;
            self->range++;
            continue;
        }
        if (status != BASE_ROW)
            return status;
        bool passes;
        RETURN_IF_ERROR(exec_fast_test(self->filter, stage->cells, stage->nulls, &passes, error));
        if (passes)
            return BASE_ROW;
    }
}

static void release_index(void *context)
{
    index_stage *self = context;
    for (uint32_t i = 0; i < self->stage.op->index_scan.range_count; i++) {
        base_buffer_destroy(&self->ranges[i].low_key);
        base_buffer_destroy(&self->ranges[i].high_key);
    }
    if (self->cursor.cursor)
        table_index_cursor_destroy(self->cursor.cursor);
}

/* As op_key_range_init, with the expressions registered here. */
static base_status init_range(exec_fast *fast, op_key_range *range, const plan_key_range *plan,
                              base_error *error)
{
    RETURN_IF_ERROR(
        exec_fast_compile_all(fast, plan->equal, plan->equal_count, &range->equal, error));
    if (plan->low)
        RETURN_IF_ERROR(exec_fast_compile(fast, plan->low, &range->low, error));
    if (plan->high)
        RETURN_IF_ERROR(exec_fast_compile(fast, plan->high, &range->high, error));
    return BASE_OK;
}

static base_status build_index(exec_fast *fast, const plan_operator *op, fast_stage **stage,
                               base_error *error)
{
    index_stage *self = new_stage(fast, sizeof *self, op);
    uint32_t count = op->index_scan.range_count;
    if (!self)
        return base_error_no_memory(error);
    self->access = &op->index_scan.access;
    self->stage.open = index_open;
    self->stage.next = index_next;
    self->ranges = exec_new(fast->execution, (count + 1) * sizeof(op_key_range));
    if (!self->ranges)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        base_buffer_init(&self->ranges[i].low_key, &fast->execution->budget);
        base_buffer_init(&self->ranges[i].high_key, &fast->execution->budget);
    }
    if (!base_arena_on_release(&fast->execution->arena, release_index, self))
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(init_range(fast, &self->ranges[i], &op->index_scan.ranges[i], error));
    RETURN_IF_ERROR(init_access(fast, &self->stage, self->access, &self->filter, error));
    *stage = &self->stage;
    return BASE_OK;
}

/* ---- VALUES ------------------------------------------------------------------------------ */

typedef struct values_stage {
    fast_stage stage;
    expr_program **programs; /* row after row */
    uint32_t at;
} values_stage;

static base_status values_open(exec_fast *fast, fast_stage *stage, base_error *error)
{
    ((values_stage *)stage)->at = 0;
    return BASE_OK;
}

static base_status values_next(exec_fast *fast, fast_stage *stage, base_error *error)
{
    values_stage *self = (values_stage *)stage;
    uint32_t columns = stage->op->column_count;
    if (self->at == stage->op->values.row_count)
        return BASE_DONE;
    expr_program **row = self->programs + (size_t)self->at++ * columns;
    for (uint32_t i = 0; i < columns; i++)
        RETURN_IF_ERROR(expr_row(row[i], NULL, NULL, &stage->cells[i], &stage->nulls[i], error));
    return BASE_ROW;
}

static base_status build_values(exec_fast *fast, const plan_operator *op, fast_stage **stage,
                                base_error *error)
{
    values_stage *self = new_stage(fast, sizeof *self, op);
    if (!self)
        return base_error_no_memory(error);
    self->stage.open = values_open;
    self->stage.next = values_next;
    RETURN_IF_ERROR(exec_fast_compile_all(
        fast, op->values.cells, op->values.row_count * op->column_count, &self->programs, error));
    RETURN_IF_ERROR(
        exec_fast_row_new(fast, op->column_count, &self->stage.cells, &self->stage.nulls, error));
    *stage = &self->stage;
    return BASE_OK;
}

/* ---- FILTER, PROJECT, LIMIT -------------------------------------------------------------- */

typedef struct filter_stage {
    fast_stage stage;
    expr_program *condition;
} filter_stage;

static base_status filter_next(exec_fast *fast, fast_stage *stage, base_error *error)
{
    for (;;) {
        base_status status = stage->input->next(fast, stage->input, error);
        if (status != BASE_ROW)
            return status;
        bool passes;
        RETURN_IF_ERROR(exec_fast_test(((filter_stage *)stage)->condition, stage->cells,
                                       stage->nulls, &passes, error));
        if (passes)
            return BASE_ROW;
    }
}

static base_status build_filter(exec_fast *fast, const plan_operator *op, fast_stage *input,
                                fast_stage **stage, base_error *error)
{
    filter_stage *self = new_stage(fast, sizeof *self, op);
    if (!self)
        return base_error_no_memory(error);
    self->stage.next = filter_next;
    self->stage.cells = input->cells;
    self->stage.nulls = input->nulls;
    *stage = &self->stage;
    return exec_fast_compile(fast, op->filter.condition, &self->condition, error);
}

/* A column that is only passed on is copied without asking an expression. */
typedef struct project_column {
    uint32_t slot;
    expr_program *program; /* NULL: the slot */
} project_column;

typedef struct project_stage {
    fast_stage stage;
    project_column *columns;
} project_stage;

static base_status project_next(exec_fast *fast, fast_stage *stage, base_error *error)
{
    const project_stage *self = (project_stage *)stage;
    const fast_stage *input = stage->input;
    base_status status = stage->input->next(fast, stage->input, error);
    if (status != BASE_ROW)
        return status;
    for (uint32_t i = 0; i < stage->op->column_count; i++) {
        const project_column *column = &self->columns[i];
        if (!column->program) {
            stage->cells[i] = input->cells[column->slot];
            stage->nulls[i] = input->nulls[column->slot];
            continue;
        }
        RETURN_IF_ERROR(expr_row(column->program, input->cells, input->nulls, &stage->cells[i],
                                 &stage->nulls[i], error));
    }
    return BASE_ROW;
}

/* Whether the projection gives its input as it is: then it needs no stage. */
static bool is_identity(const plan_operator *op)
{
    if (op->column_count != op->inputs[0]->column_count)
        return false;
    for (uint32_t i = 0; i < op->column_count; i++)
        if (op->project.exprs[i]->kind != PLAN_EXPR_SLOT || op->project.exprs[i]->slot != i)
            return false;
    return true;
}

static base_status build_project(exec_fast *fast, const plan_operator *op, fast_stage *input,
                                 fast_stage **stage, base_error *error)
{
    if (is_identity(op)) {
        *stage = input;
        return BASE_OK;
    }
    project_stage *self = new_stage(fast, sizeof *self, op);
    uint32_t count = op->column_count;
    if (!self)
        return base_error_no_memory(error);
    self->stage.next = project_next;
    self->columns = exec_new(fast->execution, (count + 1) * sizeof(project_column));
    if (!self->columns)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        const plan_expr *expr = op->project.exprs[i];
        if (expr->kind == PLAN_EXPR_SLOT)
            self->columns[i].slot = expr->slot;
        else
            RETURN_IF_ERROR(exec_fast_compile(fast, expr, &self->columns[i].program, error));
    }
    *stage = &self->stage;
    return exec_fast_row_new(fast, count, &self->stage.cells, &self->stage.nulls, error);
}

typedef struct limit_stage {
    fast_stage stage;
    expr_program *limit, *offset; /* NULL: none */
    uint64_t left, skipped;
} limit_stage;

static base_status limit_open(exec_fast *fast, fast_stage *stage, base_error *error)
{
    limit_stage *self = (limit_stage *)stage;
    self->left = UINT64_MAX;
    self->skipped = 0;
    if (self->limit)
        RETURN_IF_ERROR(
            exec_count_value(self->limit, stage->op->limit.limit, UINT64_MAX, &self->left, error));
    if (self->offset)
        RETURN_IF_ERROR(
            exec_count_value(self->offset, stage->op->limit.offset, 0, &self->skipped, error));
    return BASE_OK;
}

static base_status limit_next(exec_fast *fast, fast_stage *stage, base_error *error)
{
    limit_stage *self = (limit_stage *)stage;
    if (self->left == 0)
        return BASE_DONE;
    for (; self->skipped > 0; self->skipped--) {
        base_status status = stage->input->next(fast, stage->input, error);
        if (status != BASE_ROW)
            return status;
    }
    self->left--;
    return stage->input->next(fast, stage->input, error);
}

static base_status build_limit(exec_fast *fast, const plan_operator *op, fast_stage *input,
                               fast_stage **stage, base_error *error)
{
    limit_stage *self = new_stage(fast, sizeof *self, op);
    if (!self)
        return base_error_no_memory(error);
    self->stage.open = limit_open;
    self->stage.next = limit_next;
    self->stage.cells = input->cells;
    self->stage.nulls = input->nulls;
    if (op->limit.limit)
        RETURN_IF_ERROR(exec_fast_compile(fast, op->limit.limit, &self->limit, error));
    if (op->limit.offset)
        RETURN_IF_ERROR(exec_fast_compile(fast, op->limit.offset, &self->offset, error));
    *stage = &self->stage;
    return BASE_OK;
}

/* ---- Building ---------------------------------------------------------------------------- */

base_status exec_fast_build_read(exec_fast *fast, const plan_operator *op, fast_stage **stage,
                                 base_error *error)
{
    switch ((plan_operator_kind)op->kind) {
    case PLAN_OP_ROWID_LOOKUP:
        return build_lookup(fast, op, stage, error);
    case PLAN_OP_INDEX_SCAN:
        return build_index(fast, op, stage, error);
    case PLAN_OP_VALUES:
        return build_values(fast, op, stage, error);
    default:
        break;
    }
    fast_stage *input;
    RETURN_IF_ERROR(exec_fast_build_read(fast, op->inputs[0], &input, error));
    if (op->kind == PLAN_OP_FILTER)
        RETURN_IF_ERROR(build_filter(fast, op, input, stage, error));
    else if (op->kind == PLAN_OP_PROJECT)
        RETURN_IF_ERROR(build_project(fast, op, input, stage, error));
    else if (op->kind == PLAN_OP_INDEX_JOIN)
        RETURN_IF_ERROR(exec_fast_build_join(fast, op, input, stage, error));
    else
        RETURN_IF_ERROR(build_limit(fast, op, input, stage, error));
    if (*stage != input)
        (*stage)->input = input;
    return BASE_OK;
}
