/*
 * rule_extreme.c - MIN and MAX of a column that an index or the rowid orders.
 *
 *   SELECT max(a) FROM t
 *
 * is the first row of t by falling a, NULLs left out: one step in an index instead of a
 * scan. The grouping stays above it, for tables without rows. Only for a single aggregate
 * over a whole table: with a filter the scan may well be faster, and it is never slower by
 * much.
 */
#include "optimizer/optimizer_int.h"

/* The plain MIN or MAX that the grouping consists of, over a bare column; NULL: none. */
static const plan_aggregate *find_extreme(const plan_node *group, bool *largest)
{
    if (group->aggregate.key_count || group->aggregate.aggregate_count != 1)
        return NULL;
    const plan_aggregate *one = &group->aggregate.aggregates[0];
    *largest = strcmp(one->function->name, "max") == 0;
    if (!*largest && strcmp(one->function->name, "min") != 0)
        return NULL;
    bool plain =
        one->argument_count == 1 && !one->filter && one->arguments[0]->kind == PLAN_EXPR_COLUMN;
    return plain ? one : NULL;
}

static base_status rewrite(optimizer_state *state, plan_node *group, const plan_aggregate *extreme,
                           bool largest)
{
    plan_node *scan = group->inputs[0];
    types_value one = {.type = TYPES_OF(INTEGER)};
    one.cell.int64 = 1;
    plan_sort_key *key = base_arena_allocate_zeroed(state->arena, sizeof *key);
    plan_expr *count = plan_constant(state->arena, &one);
    plan_expr *column = plan_expr_copy(state->arena, extreme->arguments[0]);
    plan_expr *tested = plan_expr_copy(state->arena, extreme->arguments[0]);
    if (!key || !count || !column || !tested)
        return optimizer_no_memory(state);
    RETURN_IF_ERROR(optimizer_is_null(state, tested, true, &scan->scan.filter));
    /* As the index stands: NULLs last going up, first going down. The filter drops them. */
    *key = (plan_sort_key){.expr = column, .descending = largest, .nulls_first = largest};
    plan_node *sort = plan_node_over(state->arena, PLAN_SORT, scan);
    if (!sort)
        return optimizer_no_memory(state);
    sort->sort.keys = key;
    sort->sort.key_count = 1;
    plan_node *limit = plan_node_over(state->arena, PLAN_LIMIT, sort);
    if (!limit)
        return optimizer_no_memory(state);
    limit->limit.limit = count;
    group->inputs[0] = limit;
    return BASE_OK;
}

base_status optimizer_shorten_extremes(optimizer_state *state, plan_node *root)
{
    RETURN_IF_ERROR(optimizer_enter(state));
    if (root->kind == PLAN_AGGREGATE && root->inputs[0]->kind == PLAN_SCAN &&
        !root->inputs[0]->scan.filter) {
        bool largest = false;
        const plan_node *scan = root->inputs[0];
        const plan_aggregate *extreme = find_extreme(root, &largest);
        for (uint32_t i = 0; extreme && i < scan->column_count; i++) {
            const catalog_table *table = scan->scan.table;
            uint32_t id = optimizer_relation_column(table, scan->scan.column_ids[i]);
            if (scan->columns[i] != extreme->arguments[0]->column ||
                (id != TABLE_ROWID && !optimizer_leads_index(table, id)))
                continue;
            RETURN_IF_ERROR(rewrite(state, root, extreme, largest));
            break;
        }
    }
    for (uint32_t i = 0; i < optimizer_input_count(root); i++)
        RETURN_IF_ERROR(optimizer_shorten_extremes(state, root->inputs[i]));
    optimizer_leave(state);
    return BASE_OK;
}
