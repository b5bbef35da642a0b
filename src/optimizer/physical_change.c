/*
 * physical_change.c - INSERT, UPDATE and DELETE.
 *
 * Checks and RETURNING run over the row itself: one slot per column of the descriptor, then
 * the rowid. INSERT's input already is that row; UPDATE and DELETE tell where in their
 * input each needed column stands.
 */
#include "optimizer/optimizer_int.h"

/* Binds the row's columns, and its rowid behind them. */
static base_status bind_row(optimizer_state *state, const plan_column *columns, uint32_t count,
                            plan_column rowid)
{
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    /* The rowid first: an INTEGER PRIMARY KEY may go by the same number. */
    if (rowid >= 0)
        optimizer_bind_column(state, rowid, count);
    for (uint32_t i = 0; columns && i < count; i++) {
        if (columns[i] >= 0)
            optimizer_bind_column(state, columns[i], i);
    }
    return BASE_OK;
}

static base_status resolve_row_exprs(optimizer_state *state, const plan_check *checks,
                                     uint32_t check_count, const plan_output *returning,
                                     uint32_t returning_count, plan_operator *op)
{
    op->change.check_count = check_count;
    op->change.checks =
        base_arena_allocate_array(state->arena, check_count, sizeof *op->change.checks);
    op->change.returning_count = returning_count;
    op->change.returning =
        base_arena_allocate_array(state->arena, returning_count, sizeof *op->change.returning);
    if (!op->change.checks || !op->change.returning)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < check_count; i++) {
        op->change.checks[i] = checks[i];
        RETURN_IF_ERROR(
            optimizer_resolve(state, checks[i].condition, &op->change.checks[i].condition));
    }
    for (uint32_t i = 0; i < returning_count; i++)
        RETURN_IF_ERROR(optimizer_resolve(state, returning[i].expr, &op->change.returning[i]));
    return BASE_OK;
}

/* Output: RETURNING's columns, or the number of rows. */
static base_status new_change(optimizer_state *state, plan_operator_kind kind,
                              const plan_output *returning, uint32_t count, plan_operator **op,
                              optimizer_physical *out)
{
    if (!count) {
        RETURN_IF_ERROR(optimizer_operator_new(state, kind, 1, op));
        (*op)->types[0] = TYPES_OF(INTEGER);
        *out = (optimizer_physical){.op = *op};
        return BASE_OK;
    }
    plan_column *columns = base_arena_allocate_array(state->arena, count, sizeof *columns);
    if (!columns)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < count; i++)
        columns[i] = returning[i].column;
    RETURN_IF_ERROR(optimizer_operator_new(state, kind, count, op));
    return optimizer_set_layout(state, *op, columns, out);
}

static base_status translate_insert(optimizer_state *state, plan_node *node,
                                    optimizer_physical *out)
{
    plan_operator *op, *input;
    const plan_node *rows = node->inputs[0];
    RETURN_IF_ERROR(optimizer_translate_exactly(state, node->inputs[0], rows->columns,
                                                rows->column_count, &input));
    RETURN_IF_ERROR(new_change(state, PLAN_OP_INSERT, node->insert.returning,
                               node->insert.returning_count, &op, out));
    op->inputs[0] = input;
    op->rows = rows->rows;
    op->position = node->position;
    op->change.table = node->insert.table;
    op->change.conflict = node->insert.conflict;
    RETURN_IF_ERROR(
        bind_row(state, node->insert.row_columns, rows->column_count, node->insert.rowid_column));
    return resolve_row_exprs(state, node->insert.checks, node->insert.check_count,
                             node->insert.returning, node->insert.returning_count, op);
}

/* Whether the operator reads descriptor column `id` from its input: not when it is set. */
static bool is_set(const plan_node *node, uint32_t id)
{
    for (uint32_t i = 0; i < node->change.set_count; i++) {
        if (node->change.set_columns[i] == id)
            return true;
    }
    return false;
}

static base_status request_change(optimizer_state *state, const plan_node *node, uint32_t width,
                                  plan_column_set *set)
{
    RETURN_IF_ERROR(optimizer_set_add(state, set, node->change.rowid));
    for (uint32_t i = 0; i < node->change.set_count; i++)
        RETURN_IF_ERROR(optimizer_set_add(state, set, node->change.set_sources[i]));
    for (uint32_t i = 0; node->change.row_columns && i < width; i++) {
        plan_column column = node->change.row_columns[i];
        if (!is_set(node, i) && optimizer_node_has(node->inputs[0], column))
            RETURN_IF_ERROR(optimizer_set_add(state, set, column));
    }
    return BASE_OK;
}

static base_status place_change(optimizer_state *state, const plan_node *node, uint32_t width,
                                const optimizer_physical *input, plan_operator *op)
{
    uint32_t set_count = node->change.set_count;
    op->change.set_count = set_count;
    op->change.set_columns = node->change.set_columns;
    op->change.set_slots =
        base_arena_allocate_array(state->arena, set_count, sizeof *op->change.set_slots);
    op->change.row_slots =
        base_arena_allocate_array(state->arena, width, sizeof *op->change.row_slots);
    if (!op->change.set_slots || !op->change.row_slots)
        return optimizer_no_memory(state);
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    optimizer_bind(state, input, 0);
    BASE_ASSERT(node->change.rowid >= 0 && state->slots[node->change.rowid] >= 0);
    op->change.rowid_slot = (uint32_t)state->slots[node->change.rowid];
    for (uint32_t i = 0; i < set_count; i++) {
        BASE_ASSERT(state->slots[node->change.set_sources[i]] >= 0);
        op->change.set_slots[i] = (uint32_t)state->slots[node->change.set_sources[i]];
    }
    for (uint32_t i = 0; i < width; i++) {
        plan_column column =
            node->change.row_columns ? node->change.row_columns[i] : PLAN_NO_COLUMN;
        op->change.row_slots[i] = column >= 0 && !is_set(node, i) ? state->slots[column] : -1;
    }
    return BASE_OK;
}

static base_status translate_update_or_delete(optimizer_state *state, plan_node *node,
                                              optimizer_physical *out)
{
    uint32_t width = table_describe(node->change.table->relation)->column_count;
    optimizer_request below = {.columns = optimizer_set(state)};
    optimizer_physical input;
    plan_operator *op;
    RETURN_IF_ERROR(request_change(state, node, width, &below.columns));
    RETURN_IF_ERROR(optimizer_translate(state, node->inputs[0], &below, &input));
    RETURN_IF_ERROR(new_change(state, node->kind == PLAN_UPDATE ? PLAN_OP_UPDATE : PLAN_OP_DELETE,
                               node->change.returning, node->change.returning_count, &op, out));
    op->inputs[0] = input.op;
    op->rows = input.op->rows;
    op->position = node->position;
    op->change.table = node->change.table;
    op->change.conflict = node->change.conflict;
    RETURN_IF_ERROR(place_change(state, node, width, &input, op));
    RETURN_IF_ERROR(bind_row(state, node->change.row_columns, width, node->change.rowid));
    return resolve_row_exprs(state, node->change.checks, node->change.check_count,
                             node->change.returning, node->change.returning_count, op);
}

base_status optimizer_translate_change(optimizer_state *state, plan_node *node,
                                       optimizer_physical *out)
{
    return node->kind == PLAN_INSERT ? translate_insert(state, node, out)
                                     : translate_update_or_delete(state, node, out);
}
