/*
 * physical_scan.c - the operator that reads a base table, along the path chosen for it.
 *
 * A scan reads the columns that its consumer or its own filter needs. Conjuncts that the path
 * makes true for every row it gives (equalities of an index or of the rowid) leave the
 * filter; the others stay, and for a scan those of the form "column test value" are handed to
 * storage a second time as predicates, so that it can skip units by their zone maps.
 */
#include "optimizer/optimizer_int.h"

/* ---- What the path does not settle ------------------------------------------------------- */

static bool is_settled(const optimizer_path *path, const plan_expr *expr)
{
    if (path->kind == PLAN_OP_ROWID_LOOKUP)
        return path->rowids->expr == expr;
    if (path->kind != PLAN_OP_INDEX_SCAN)
        return false;
    for (uint32_t i = 0; i < path->equal_count; i++) {
        if (path->equal[i]->expr == expr)
            return true;
    }
    return path->in && path->in->expr == expr;
}

static base_status remaining_filter(optimizer_state *state, const plan_node *node,
                                    const optimizer_path *path, plan_expr **filter)
{
    optimizer_list conjuncts = {0}, rest = {0};
    RETURN_IF_ERROR(optimizer_split(state, node->scan.filter, &conjuncts));
    for (uint32_t i = 0; i < conjuncts.count; i++) {
        if (!is_settled(path, conjuncts.items[i]))
            RETURN_IF_ERROR(optimizer_list_add(state, &rest, conjuncts.items[i]));
    }
    return optimizer_conjunction(state, &rest, filter);
}

/* ---- Operators of each kind ----------------------------------------------------------------- */

static base_status make_predicates(optimizer_state *state, const optimizer_test *tests,
                                   uint32_t count, plan_access *access)
{
    access->predicates = base_arena_allocate_array(state->arena, count, sizeof *access->predicates);
    if (!access->predicates)
        return optimizer_no_memory(state);
    access->predicate_count = count;
    for (uint32_t i = 0; i < count; i++)
        access->predicates[i] =
            (plan_predicate){tests[i].column, tests[i].test, tests[i].value_count, tests[i].values};
    return BASE_OK;
}

static int compare_values(const void *a, const void *b)
{
    const types_value *left = &(*(plan_expr *const *)a)->constant;
    const types_value *right = &(*(plan_expr *const *)b)->constant;
    if (left->is_null || right->is_null)
        return left->is_null - right->is_null;
    return types_cell_compare(types_form_of(left->type), &left->cell, &right->cell);
}

/* Sorted, without NULLs and repeats: the ranges of an index scan rise and are disjoint. */
static base_status sorted_values(optimizer_state *state, const optimizer_test *test,
                                 plan_expr ***values, uint32_t *count)
{
    plan_expr **sorted = base_arena_allocate_array(state->arena, test->value_count, sizeof *sorted);
    if (!sorted)
        return optimizer_no_memory(state);
    *count = 0;
    for (uint32_t i = 0; i < test->value_count; i++) {
        if (!test->values[i]->constant.is_null)
            sorted[(*count)++] = test->values[i];
    }
    qsort(sorted, *count, sizeof *sorted, compare_values);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++) {
        if (!kept || compare_values(&sorted[kept - 1], &sorted[i]) != 0)
            sorted[kept++] = sorted[i];
    }
    *count = kept;
    *values = sorted;
    return BASE_OK;
}

static base_status make_ranges(optimizer_state *state, const optimizer_path *path,
                               plan_operator *op)
{
    plan_expr **in = NULL;
    uint32_t count = 1;
    if (path->in)
        RETURN_IF_ERROR(sorted_values(state, path->in, &in, &count));
    op->index_scan.index_id = path->index->id;
    op->index_scan.range_count = count;
    op->index_scan.ranges =
        base_arena_allocate_array(state->arena, count, sizeof *op->index_scan.ranges);
    if (!op->index_scan.ranges)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < count; i++) {
        plan_key_range *range = &op->index_scan.ranges[i];
        range->equal =
            base_arena_allocate_array(state->arena, path->equal_count + 1, sizeof *range->equal);
        if (!range->equal)
            return optimizer_no_memory(state);
        for (uint32_t k = 0; k < path->equal_count; k++)
            range->equal[k] = path->equal[k]->values[0];
        range->equal_count = path->equal_count;
        if (in)
            range->equal[range->equal_count++] = in[i];
        range->low = path->low ? path->low->values[0] : NULL;
        range->high = path->high ? path->high->values[0] : NULL;
        range->low_inclusive = path->low && path->low->test == TABLE_GREATER_EQUAL;
        range->high_inclusive = path->high && path->high->test == TABLE_LESS_EQUAL;
    }
    return BASE_OK;
}

static plan_access *access_of(plan_operator *op)
{
    switch ((plan_operator_kind)op->kind) {
    case PLAN_OP_ROWID_LOOKUP:
        return &op->rowid_lookup.access;
    case PLAN_OP_INDEX_SCAN:
        return &op->index_scan.access;
    default:
        return &op->scan;
    }
}

base_status optimizer_choose_columns(optimizer_state *state, const plan_node *node,
                                     const plan_column_set *needed, plan_column **columns,
                                     uint32_t **ids, uint32_t *count)
{
    *columns = base_arena_allocate_array(state->arena, node->column_count, sizeof **columns);
    *ids = base_arena_allocate_array(state->arena, node->column_count, sizeof **ids);
    if (!*columns || !*ids)
        return optimizer_no_memory(state);
    *count = 0;
    for (uint32_t i = 0; i < node->column_count; i++) {
        if (!plan_set_has(needed, node->columns[i]))
            continue;
        (*columns)[*count] = node->columns[i];
        (*ids)[(*count)++] = node->scan.column_ids[i];
    }
    return BASE_OK;
}

/* Join filters from above on columns of this scan: all ways but few-row ones apply them. */
static base_status take_filters(optimizer_state *state, const plan_node *node,
                                const optimizer_request *request, plan_access *access)
{
    access->join_filters = base_arena_allocate_array(state->arena, request->filter_count,
                                                     sizeof *access->join_filters);
    if (!access->join_filters)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < request->filter_count; i++) {
        plan_column column = request->filters[i].column;
        if (!optimizer_node_has(node, column) || state->slots[column] < 0)
            continue;
        access->join_filters[access->join_filter_count++] =
            (plan_join_filter){request->filters[i].id, (uint32_t)state->slots[column]};
        RETURN_IF_ERROR(
            optimizer_set_add(state, &state->taken_filters, (plan_column)request->filters[i].id));
    }
    return BASE_OK;
}

base_status optimizer_translate_scan(optimizer_state *state, plan_node *node,
                                     const optimizer_request *request, optimizer_physical *out)
{
    optimizer_test *tests;
    uint32_t test_count, count;
    optimizer_path path;
    plan_expr *filter;
    plan_column *columns;
    uint32_t *ids;
    plan_operator *op;
    plan_column_set needed = optimizer_set(state);
    RETURN_IF_ERROR(optimizer_find_tests(state, node, &tests, &test_count));
    RETURN_IF_ERROR(optimizer_choose_path(state, node, request, tests, test_count, &path));
    RETURN_IF_ERROR(remaining_filter(state, node, &path, &filter));
    RETURN_IF_ERROR(optimizer_set_union(state, &needed, &request->columns));
    RETURN_IF_ERROR(optimizer_set_add_expr(state, &needed, filter));
    RETURN_IF_ERROR(optimizer_choose_columns(state, node, &needed, &columns, &ids, &count));
    RETURN_IF_ERROR(optimizer_operator_new(state, path.kind, count, &op));
    op->rows = node->rows;
    RETURN_IF_ERROR(optimizer_set_layout(state, op, columns, out));
    plan_access *access = access_of(op);
    access->table = node->scan.table;
    access->column_count = count;
    access->columns = ids;
    access->descending = path.presorted && path.descending;
    access->ordered = path.presorted && path.kind == PLAN_OP_TABLE_SCAN;
    out->ordered = path.ordered;
    out->presorted = path.presorted;
    if (path.kind == PLAN_OP_TABLE_SCAN) {
        RETURN_IF_ERROR(make_predicates(state, tests, test_count, access));
    } else if (path.kind == PLAN_OP_ROWID_LOOKUP) {
        op->rowid_lookup.rowid_count = path.rowids->value_count;
        op->rowid_lookup.rowids = path.rowids->values;
    } else {
        RETURN_IF_ERROR(make_ranges(state, &path, op));
    }
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    optimizer_bind(state, out, 0);
    if (path.kind == PLAN_OP_TABLE_SCAN)
        RETURN_IF_ERROR(take_filters(state, node, request, access));
    return optimizer_resolve(state, filter, &access->filter);
}
