/*
 * fast_join.c - the stage of INDEX_JOIN: for each input row, rows of a table by rowid or index.
 *
 * The joined row has the input's slots, then the table's; partners are read straight into its
 * second part. One cursor serves all input rows: it is moved, not made again.
 */
#include "exec/fast/fast_int.h"

typedef struct join_stage {
    fast_stage stage;
    const plan_access *access;
    table_relation *relation;
    plan_join_kind kind;
    uint32_t left_count;
    types_cell *joined; /* left slots, then the table's */
    bool *joined_nulls;
    expr_program **keys;
    expr_program *filter, *residual; /* NULL: none */
    fast_cursor cursor;
    base_buffer key;
    bool in_row;   /* the input row may have more partners */
    bool has_read; /* by rowid: the one partner was looked for */
    bool matched;
    int64_t rowid;
} join_stage;

static base_status join_open(exec_fast *fast, fast_stage *stage, base_error *error)
{
    join_stage *self = (join_stage *)stage;
    self->in_row = false;
    self->cursor.is_bound = false;
    return BASE_OK;
}

/* Puts the cursor on the input row's key; `*found` false: a key is NULL and has no partner. */
static base_status seek(exec_fast *fast, join_stage *self, bool *found, base_error *error)
{
    const plan_operator *op = self->stage.op;
    table_index *index = table_index_by_id(self->relation, op->index_join.index_id);
    if (!index)
        return base_error_set(error, BASE_INTERNAL, "an index of the plan does not exist");
    base_buffer_clear(&self->key);
    for (uint32_t k = 0; k < op->index_join.key_count; k++) {
        const table_index_part *part = &table_index_describe(index)->parts[k];
        vector_key_part key_part = {table_describe(self->relation)->columns[part->column].type,
                                    part->descending, part->nulls_first};
        types_cell cell;
        bool is_null;
        RETURN_IF_ERROR(
            expr_row(self->keys[k], self->joined, self->joined_nulls, &cell, &is_null, error));
        if (is_null) {
            *found = false;
            return BASE_OK;
        }
        vector_key_append(&key_part, &cell, false, &self->key);
    }
    if (self->key.failed)
        return base_error_no_memory(error);
    *found = true;
    base_text key = {self->key.data, self->key.length};
    table_key_range range = {key, key, true, true};
    return exec_fast_cursor_seek(fast, &self->cursor, self->access, index, &range, error);
}

/* The next input row into the joined row, and where its partners are. BASE_ROW or BASE_DONE. */
static base_status next_input(exec_fast *fast, join_stage *self, base_error *error)
{
    fast_stage *input = self->stage.input;
    base_status status = input->next(fast, input, error);
    if (status != BASE_ROW)
        return status;
    memcpy(self->joined, input->cells, self->left_count * sizeof(types_cell));
    memcpy(self->joined_nulls, input->nulls, self->left_count * sizeof(bool));
    self->matched = self->has_read = false;
    bool found = true;
    if (self->stage.op->index_join.index_id) {
        RETURN_IF_ERROR(seek(fast, self, &found, error));
    } else {
        types_cell cell;
        bool is_null;
        RETURN_IF_ERROR(
            expr_row(self->keys[0], self->joined, self->joined_nulls, &cell, &is_null, error));
        self->rowid = cell.int64;
        found = !is_null;
    }
    self->in_row = true;
    if (!found)
        self->has_read = true;
    return BASE_ROW;
}

/* The input row's next partner that passes filter and residual. BASE_ROW or BASE_DONE. */
static base_status next_partner(exec_fast *fast, join_stage *self, base_error *error)
{
    types_cell *cells = self->joined + self->left_count;
    bool *nulls = self->joined_nulls + self->left_count;
    bool by_index = self->stage.op->index_join.index_id != 0;
    for (;;) {
        if (self->has_read)
            return BASE_DONE;
        base_status status;
        if (by_index) {
            status =
                table_index_cursor_next_row(self->cursor.cursor, cells, nulls, &fast->heap, error);
        } else {
            self->has_read = true;
            status = table_read_row(fast->execution->transaction, self->relation, self->rowid,
                                    self->access->columns, self->access->column_count, cells, nulls,
                                    &fast->heap, error);
            if (status == BASE_OK)
                status = BASE_ROW;
        }
        if (status == BASE_DONE || status == BASE_NOT_FOUND)
            return BASE_DONE;
        if (status != BASE_ROW)
            return status;
        bool passes;
        RETURN_IF_ERROR(exec_fast_test(self->filter, cells, nulls, &passes, error));
        if (passes)
            RETURN_IF_ERROR(
                exec_fast_test(self->residual, self->joined, self->joined_nulls, &passes, error));
        if (passes)
            return BASE_ROW;
    }
}

static base_status show(join_stage *self)
{
    const plan_operator *op = self->stage.op;
    for (uint32_t i = 0; i < op->column_count; i++) {
        uint32_t slot = op->index_join.output_slots[i];
        self->stage.cells[i] = self->joined[slot];
        self->stage.nulls[i] = self->joined_nulls[slot];
    }
    return BASE_ROW;
}

static base_status join_next(exec_fast *fast, fast_stage *stage, base_error *error)
{
    join_stage *self = (join_stage *)stage;
    for (;;) {
        base_status status;
        if (!self->in_row) {
            status = next_input(fast, self, error);
            if (status != BASE_ROW)
                return status;
        }
        status = next_partner(fast, self, error);
        if (status == BASE_ROW) {
            self->matched = true;
            if (self->kind == PLAN_JOIN_INNER || self->kind == PLAN_JOIN_LEFT)
                return show(self);
            self->in_row = false; /* one partner decides */
            if (self->kind == PLAN_JOIN_SEMI)
                return show(self);
            continue;
        }
        if (status != BASE_DONE)
            return status;
        self->in_row = false;
        if (!self->matched && (self->kind == PLAN_JOIN_LEFT || self->kind == PLAN_JOIN_ANTI)) {
            memset(self->joined_nulls + self->left_count, true,
                   self->access->column_count * sizeof(bool));
            return show(self);
        }
    }
}

static void release_join(void *context)
{
    join_stage *self = context;
    base_buffer_destroy(&self->key);
    if (self->cursor.cursor)
        table_index_cursor_destroy(self->cursor.cursor);
}

base_status exec_fast_build_join(exec_fast *fast, const plan_operator *op, fast_stage *input,
                                 fast_stage **stage, base_error *error)
{
    join_stage *self = EXEC_NEW(fast->execution, join_stage);
    if (!self)
        return base_error_no_memory(error);
    self->stage.op = op;
    self->stage.open = join_open;
    self->stage.next = join_next;
    self->access = &op->index_join.access;
    self->relation = self->access->table->relation;
    self->kind = op->index_join.kind;
    self->left_count = op->inputs[0]->column_count;
    base_buffer_init(&self->key, &fast->execution->budget);
    if (!base_arena_on_release(&fast->execution->arena, release_join, self))
        return base_error_no_memory(error);
    RETURN_IF_ERROR(exec_fast_compile_all(fast, op->index_join.keys, op->index_join.key_count,
                                          &self->keys, error));
    if (self->access->filter)
        RETURN_IF_ERROR(exec_fast_compile(fast, self->access->filter, &self->filter, error));
    if (op->index_join.residual)
        RETURN_IF_ERROR(exec_fast_compile(fast, op->index_join.residual, &self->residual, error));
    RETURN_IF_ERROR(exec_fast_row_new(fast, self->left_count + self->access->column_count,
                                      &self->joined, &self->joined_nulls, error));
    *stage = &self->stage;
    return exec_fast_row_new(fast, op->column_count, &self->stage.cells, &self->stage.nulls, error);
}
