/*
 * physical_scan.c - how a base table is read.
 *
 * A scan reads the columns that its consumer or its own filter needs. Of the filter's
 * conjuncts those of the form "column test constant" are handed to storage a second time
 * as predicates, so that it can skip units by their zone maps; the filter stays complete,
 * storage may let rows through.
 */
#include "optimizer/optimizer_int.h"

static bool is_value(const plan_expr *expr)
{
    return expr->kind == PLAN_EXPR_CONSTANT || expr->kind == PLAN_EXPR_PARAMETER;
}

static bool test_of(vector_comparison comparison, bool exchanged, table_test *test)
{
    static const table_test plain[] = {TABLE_EQUAL,      TABLE_EQUAL,   TABLE_LESS,
                                       TABLE_LESS_EQUAL, TABLE_GREATER, TABLE_GREATER_EQUAL};
    static const table_test turned[] = {TABLE_EQUAL,         TABLE_EQUAL, TABLE_GREATER,
                                        TABLE_GREATER_EQUAL, TABLE_LESS,  TABLE_LESS_EQUAL};
    if (comparison == VECTOR_NOT_EQUAL)
        return false;
    *test = exchanged ? turned[comparison] : plain[comparison];
    return true;
}

/* Reads one conjunct as a predicate over a column; false when it is none. */
static bool match_predicate(const plan_expr *expr, const plan_expr **column, table_test *test,
                            plan_expr ***values, uint32_t *value_count)
{
    if (expr->argument_count == 0)
        return false;
    plan_expr **arguments = expr->arguments;
    *value_count = 1;
    if (expr->kind == PLAN_EXPR_COMPARE) {
        bool exchanged = arguments[1]->kind == PLAN_EXPR_COLUMN && is_value(arguments[0]);
        *column = arguments[exchanged];
        *values = &arguments[!exchanged];
        return (*column)->kind == PLAN_EXPR_COLUMN && is_value(**values) &&
               test_of(expr->comparison, exchanged, test);
    }
    if (arguments[0]->kind != PLAN_EXPR_COLUMN)
        return false;
    *column = arguments[0];
    if (expr->kind == PLAN_EXPR_IS_NULL) {
        *test = expr->negated ? TABLE_IS_NOT_NULL : TABLE_IS_NULL;
        *value_count = 0;
        *values = NULL;
        return true;
    }
    if (expr->kind != PLAN_EXPR_IN || expr->negated)
        return false;
    *test = TABLE_IN;
    *values = arguments + 1;
    *value_count = expr->argument_count - 1;
    for (uint32_t i = 0; i < *value_count; i++) {
        if (!is_value((*values)[i]))
            return false;
    }
    return true;
}

static uint32_t column_id_of(const plan_node *node, plan_column column)
{
    for (uint32_t i = 0; i < node->column_count; i++) {
        if (node->columns[i] == column)
            return node->scan.column_ids[i];
    }
    return TABLE_ROWID - 1;
}

static base_status make_predicates(optimizer_state *state, const plan_node *node,
                                   plan_access *access)
{
    optimizer_list conjuncts = {0};
    RETURN_IF_ERROR(optimizer_split(state, node->scan.filter, &conjuncts));
    access->predicates =
        base_arena_allocate_array(state->arena, conjuncts.count, sizeof *access->predicates);
    if (!access->predicates)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < conjuncts.count; i++) {
        plan_predicate predicate;
        const plan_expr *column;
        if (!match_predicate(conjuncts.items[i], &column, &predicate.test, &predicate.values,
                             &predicate.value_count))
            continue;
        predicate.column = column_id_of(node, column->column);
        if (predicate.column != TABLE_ROWID - 1)
            access->predicates[access->predicate_count++] = predicate;
    }
    return BASE_OK;
}

base_status optimizer_translate_scan(optimizer_state *state, plan_node *node,
                                     const optimizer_request *request, optimizer_physical *out)
{
    plan_column_set needed = optimizer_set(state);
    RETURN_IF_ERROR(optimizer_set_union(state, &needed, &request->columns));
    RETURN_IF_ERROR(optimizer_set_add_expr(state, &needed, node->scan.filter));
    plan_column *kept = base_arena_allocate_array(state->arena, node->column_count, sizeof *kept);
    uint32_t *ids = base_arena_allocate_array(state->arena, node->column_count, sizeof *ids);
    if (!kept || !ids)
        return optimizer_no_memory(state);
    uint32_t count = 0;
    for (uint32_t i = 0; i < node->column_count; i++) {
        if (plan_set_has(&needed, node->columns[i])) {
            kept[count] = node->columns[i];
            ids[count++] = node->scan.column_ids[i];
        }
    }
    plan_operator *op;
    RETURN_IF_ERROR(optimizer_operator_new(state, PLAN_OP_TABLE_SCAN, count, &op));
    op->rows = node->rows;
    op->scan.table = node->scan.table;
    op->scan.column_count = count;
    op->scan.columns = ids;
    RETURN_IF_ERROR(optimizer_set_layout(state, op, kept, out));
    RETURN_IF_ERROR(make_predicates(state, node, &op->scan));
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    optimizer_bind(state, out, 0);
    return optimizer_resolve(state, node->scan.filter, &op->scan.filter);
}
