/*
 * bind_delete.c - DELETE: the rowids of the rows that go, and the rows themselves where
 * RETURNING wants to show them.
 */
#include "binder/binder_int.h"

static base_status list_inputs(binder *b, const bind_change *change, bool whole, plan_expr ***exprs,
                               uint32_t *count)
{
    const bind_relation *relation = change->relation;
    *count = 1 + (whole ? relation->column_count : 0);
    *exprs = bind_array(b, *count, sizeof **exprs);
    if (!*exprs)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < *count; i++) {
        (*exprs)[i] = plan_expr_copy(b->arena, i ? relation->columns[i - 1].expr : relation->rowid);
        if (!(*exprs)[i])
            return bind_no_memory(b);
    }
    return BASE_OK;
}

static base_status fill_row(binder *b, const bind_change *change, bool whole, bind_row *row)
{
    const catalog_table *table = change->table;
    uint32_t width = bind_descriptor_count(table);
    row->columns = bind_array(b, width, sizeof *row->columns);
    if (!row->columns)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < width; i++)
        row->columns[i] = PLAN_NO_COLUMN;
    for (uint32_t i = 0; whole && i < table->column_count; i++)
        row->columns[table->columns[i].id] = change->node->columns[i + 1];
    row->rowid = change->node->columns[0];
    return BASE_OK;
}

base_status bind_delete(binder *b, const parser_delete *delete_from, binder_result *result)
{
    const bind_change_syntax syntax = {.table = &delete_from->table,
                                       .alias = &delete_from->alias,
                                       .from = delete_from->using_from,
                                       .where = delete_from->where,
                                       .limit = delete_from->limit,
                                       .offset = delete_from->offset,
                                       .order = delete_from->order,
                                       .order_count = delete_from->order_count,
                                       .verb = "delete from"};
    bool whole = delete_from->returning_count > 0;
    bind_cte *ctes = NULL;
    bind_change change;
    RETURN_IF_ERROR(bind_with(b, NULL, &delete_from->with, &ctes));
    RETURN_IF_ERROR(bind_change_source(b, &syntax, ctes, &change));
    plan_expr **exprs = NULL;
    uint32_t count = 0;
    RETURN_IF_ERROR(list_inputs(b, &change, whole, &exprs, &count));
    RETURN_IF_ERROR(bind_change_input(b, &syntax, exprs, count, ctes, &change));
    plan_node *node = plan_node_new(b->arena, PLAN_DELETE, 0);
    if (!node)
        return bind_no_memory(b);
    node->position = bind_position(b, delete_from->table.name.position);
    bind_row row = {.table = change.table, .alias = change.relation->alias};
    RETURN_IF_ERROR(fill_row(b, &change, whole, &row));
    node->inputs[0] = change.node;
    node->change.table = change.table;
    node->change.rowid = row.rowid;
    node->change.row_columns = row.columns;
    RETURN_IF_ERROR(bind_returning(b, &row, delete_from->returning, delete_from->returning_count,
                                   node, &node->change.returning, result));
    node->change.returning_count = node->column_count;
    result->root = node;
    return BASE_OK;
}
