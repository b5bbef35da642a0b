/*
 * unnest.c - dependent joins become ordinary joins.
 *
 * Works top-down, so that a dependent join's left side never lacks a column. For each:
 *
 *   1. The right side does not use the left: it is an ordinary join already.
 *   2. What cannot matter is dropped: an EXISTS needs no output, order or DISTINCT.
 *   3. A right side of grouping without keys gives one row for each left row. It becomes a
 *      LEFT join with grouping by the correlation; what the subquery computes from the
 *      aggregates is computed above the join, and counts that found nothing are 0.
 *   4. Correlated predicates that can all be moved up become the join's condition
 *      (unnest_pull.c).
 *   5. Otherwise the domain of the correlation is pushed down (unnest_push.c).
 *
 * Invariant: what replaces a join has exactly its columns.
 */
#include "optimizer/optimizer_int.h"

/* ---- Step 2 ---------------------------------------------------------------------------------- */

static bool limits_to_none(const plan_node *limit)
{
    if (limit->limit.offset)
        return true;
    const plan_expr *count = limit->limit.limit;
    return count && (count->kind != PLAN_EXPR_CONSTANT ||
                     (!count->constant.is_null && count->constant.cell.int64 <= 0));
}

static bool projects_plainly(const plan_node *node)
{
    for (uint32_t i = 0; i < node->column_count; i++) {
        if (plan_expr_is_volatile(node->project.outputs[i].expr))
            return false;
    }
    return true;
}

/* Reads through the projection: the condition uses its input instead. */
static base_status skip_projection(optimizer_state *state, plan_node *join)
{
    plan_node *project = join->inputs[1];
    optimizer_map map = {0};
    for (uint32_t i = 0; i < project->column_count; i++)
        RETURN_IF_ERROR(optimizer_map_add(state, &map, project->project.outputs[i].column,
                                          project->project.outputs[i].expr));
    if (join->join.condition)
        RETURN_IF_ERROR(optimizer_map_apply(state, &map, &join->join.condition));
    join->inputs[1] = project->inputs[0];
    return BASE_OK;
}

/* SEMI, ANTI and MARK joins ask only whether a row is there. */
static base_status simplify_existence(optimizer_state *state, plan_node *join)
{
    for (;;) {
        plan_node *right = join->inputs[1];
        bool exists = !join->join.condition;
        if (right->kind == PLAN_PROJECT && projects_plainly(right))
            RETURN_IF_ERROR(skip_projection(state, join));
        else if (right->kind == PLAN_SORT ||
                 (right->kind == PLAN_DISTINCT && (exists || !right->distinct.key_count)) ||
                 (right->kind == PLAN_LIMIT && exists && !limits_to_none(right)) ||
                 (right->kind == PLAN_AGGREGATE && exists && right->aggregate.key_count))
            join->inputs[1] = right->inputs[0];
        else
            return BASE_OK;
    }
}

/* ---- Step 3 ---------------------------------------------------------------------------------- */

/* A right side of projections over [HAVING over] grouping without keys. */
typedef struct single_row {
    plan_node *group;
    plan_expr *having;     /* over the grouping's columns, or NULL */
    optimizer_map outputs; /* the right side's columns over the grouping's */
} single_row;

static base_status find_single_row(optimizer_state *state, plan_node *node, single_row *row,
                                   bool *found)
{
    *row = (single_row){0};
    *found = false;
    for (uint32_t i = 0; i < node->column_count; i++) {
        plan_expr *self;
        RETURN_IF_ERROR(optimizer_column_expr(state, node->columns[i], &self));
        RETURN_IF_ERROR(optimizer_map_add(state, &row->outputs, node->columns[i], self));
    }
    for (; node->kind == PLAN_PROJECT || node->kind == PLAN_FILTER || node->kind == PLAN_SORT;
         node = node->inputs[0]) {
        optimizer_map map = {0};
        if (node->kind == PLAN_SORT)
            continue;
        if (node->kind == PLAN_FILTER) {
            row->having = plan_and(state->arena, row->having, node->filter.condition);
            if (!row->having)
                return optimizer_no_memory(state);
            continue;
        }
        for (uint32_t i = 0; i < node->column_count; i++)
            RETURN_IF_ERROR(optimizer_map_add(state, &map, node->project.outputs[i].column,
                                              node->project.outputs[i].expr));
        for (uint32_t i = 0; i < row->outputs.count; i++)
            RETURN_IF_ERROR(optimizer_map_apply(state, &map, &row->outputs.to[i]));
        RETURN_IF_ERROR(optimizer_map_apply(state, &map, &row->having));
    }
    row->group = node;
    *found = node->kind == PLAN_AGGREGATE && node->aggregate.key_count == 0;
    return BASE_OK;
}

/* Aggregates that are 0, not NULL, over no rows. */
static base_status empty_values(optimizer_state *state, const plan_node *group, optimizer_map *map)
{
    for (uint32_t i = 0; i < group->aggregate.aggregate_count; i++) {
        const plan_aggregate *aggregate = &group->aggregate.aggregates[i];
        plan_expr *column, *zero;
        if (!aggregate->function->zero_if_empty)
            continue;
        RETURN_IF_ERROR(optimizer_column_expr(state, aggregate->column, &column));
        RETURN_IF_ERROR(optimizer_zero(state, aggregate->type, &zero));
        RETURN_IF_ERROR(optimizer_coalesce(state, column, zero, &column));
        RETURN_IF_ERROR(optimizer_map_add(state, map, aggregate->column, column));
    }
    return BASE_OK;
}

/* CASE WHEN condition THEN value END */
static base_status only_when(optimizer_state *state, plan_expr *condition, plan_expr *value,
                             plan_expr **expr)
{
    types_value null = types_null_of(value->type);
    plan_expr *made = plan_expr_new(state->arena, PLAN_EXPR_CASE, value->type, 3);
    plan_expr *copy = plan_expr_copy(state->arena, condition);
    plan_expr *otherwise = plan_constant(state->arena, &null);
    if (!made || !copy || !otherwise)
        return optimizer_no_memory(state);
    made->arguments[0] = copy;
    made->arguments[1] = value;
    made->arguments[2] = otherwise;
    *expr = made;
    return BASE_OK;
}

static base_status unnest_join(optimizer_state *state, plan_node **root, bool keyed);

/* Joins the grouping itself, and computes the right side's columns above. */
static base_status unnest_single_row(optimizer_state *state, plan_node **root, single_row *row)
{
    plan_node *join = *root, *node;
    plan_expr *condition = join->join.condition, *guard = row->having;
    plan_join_kind kind = join->join.kind;
    optimizer_map empty = {0};
    uint32_t count = row->outputs.count;
    plan_output *outputs = base_arena_allocate_array(state->arena, count, sizeof *outputs);
    if (!outputs)
        return optimizer_no_memory(state);
    RETURN_IF_ERROR(empty_values(state, row->group, &empty));
    RETURN_IF_ERROR(optimizer_map_apply(state, &empty, &guard));
    if (condition && kind == PLAN_JOIN_LEFT) {
        RETURN_IF_ERROR(optimizer_map_apply(state, &row->outputs, &condition));
        RETURN_IF_ERROR(optimizer_map_apply(state, &empty, &condition));
        guard = plan_and(state->arena, guard, condition);
        if (!guard)
            return optimizer_no_memory(state);
    }
    for (uint32_t i = 0; i < count; i++) {
        outputs[i].column = row->outputs.from[i];
        outputs[i].expr = row->outputs.to[i];
        RETURN_IF_ERROR(optimizer_map_apply(state, &empty, &outputs[i].expr));
        if (guard)
            RETURN_IF_ERROR(only_when(state, guard, outputs[i].expr, &outputs[i].expr));
    }
    plan_column *columns = join->columns;
    uint32_t column_count = join->column_count;
    /* A bare aggregate keeps its number in the outputs: the grouping takes another. */
    for (uint32_t i = 0; i < row->group->aggregate.aggregate_count; i++) {
        plan_aggregate *aggregate = &row->group->aggregate.aggregates[i];
        plan_column fresh;
        plan_expr *expr;
        optimizer_map map = {0};
        RETURN_IF_ERROR(optimizer_new_column(state, aggregate->type, &fresh));
        RETURN_IF_ERROR(optimizer_column_expr(state, fresh, &expr));
        RETURN_IF_ERROR(optimizer_map_add(state, &map, aggregate->column, expr));
        for (uint32_t k = 0; k < count; k++)
            RETURN_IF_ERROR(optimizer_map_apply(state, &map, &outputs[k].expr));
        aggregate->column = fresh;
        row->group->columns[i] = fresh;
    }
    RETURN_IF_ERROR(optimizer_join_node(state, PLAN_JOIN_LEFT, join->inputs[0], row->group, NULL,
                                        PLAN_NO_COLUMN, &node));
    node->join.dependent = true;
    RETURN_IF_ERROR(unnest_join(state, &node, true));
    RETURN_IF_ERROR(optimizer_extend_node(state, node, outputs, count, &node));
    if (condition && kind == PLAN_JOIN_INNER)
        RETURN_IF_ERROR(optimizer_filter_node(state, node, condition, &node));
    return optimizer_restrict_node(state, node, columns, column_count, root);
}

/* SEMI, ANTI and MARK over one row: the row is joined and the condition is tested. */
static base_status unnest_single_existence(optimizer_state *state, plan_node **root)
{
    plan_node *join = *root, *node, *right = join->inputs[1];
    plan_expr *there, *test, *constant;
    plan_output present;
    RETURN_IF_ERROR(optimizer_true(state, true, &constant));
    present.expr = constant;
    RETURN_IF_ERROR(optimizer_new_column(state, TYPES_OF(BOOLEAN), &present.column));
    RETURN_IF_ERROR(optimizer_extend_node(state, right, &present, 1, &right));
    RETURN_IF_ERROR(optimizer_join_node(state, PLAN_JOIN_SINGLE, join->inputs[0], right, NULL,
                                        PLAN_NO_COLUMN, &node));
    node->join.dependent = true;
    RETURN_IF_ERROR(unnest_join(state, &node, false));
    RETURN_IF_ERROR(optimizer_column_expr(state, present.column, &there));
    RETURN_IF_ERROR(optimizer_is_truth(state, there, false, &test));
    test = plan_and(state->arena, test, join->join.condition);
    if (!test)
        return optimizer_no_memory(state);
    if (join->join.kind == PLAN_JOIN_MARK) {
        plan_output mark = {join->join.mark, test};
        RETURN_IF_ERROR(optimizer_extend_node(state, node, &mark, 1, &node));
    } else {
        if (join->join.kind == PLAN_JOIN_ANTI)
            RETURN_IF_ERROR(optimizer_is_truth(state, test, true, &test));
        RETURN_IF_ERROR(optimizer_filter_node(state, node, test, &node));
    }
    return optimizer_restrict_node(state, node, join->columns, join->column_count, root);
}

/* ---- Step 4 ---------------------------------------------------------------------------------- */

/* A mark's condition is three-valued, but a filter inside the subquery is not: a row that
 * it does not let through is not there. `outer = inner` that is so, is `outer IS inner` for
 * a row whose inner side is not NULL. */
static base_status settle_for_mark(optimizer_state *state, plan_node *join,
                                   optimizer_pulled *pulled)
{
    plan_expr *test, *inner;
    if (!pulled->inner)
        return optimizer_is_truth(state, pulled->expr, false, &pulled->expr);
    inner = plan_expr_copy(state->arena, pulled->inner);
    if (!inner)
        return optimizer_no_memory(state);
    RETURN_IF_ERROR(optimizer_is_null(state, inner, true, &test));
    RETURN_IF_ERROR(optimizer_filter_node(state, join->inputs[1], test, &join->inputs[1]));
    return optimizer_not_distinct(state, pulled->outer, pulled->inner, &pulled->expr);
}

static base_status unnest_by_pulling(optimizer_state *state, plan_node **root,
                                     const plan_column_set *outer)
{
    plan_node *join = *root;
    plan_column *columns = join->columns;
    uint32_t count = join->column_count;
    optimizer_pulled_list pulled = {0};
    bool of_in = join->join.kind == PLAN_JOIN_MARK && join->join.condition;
    RETURN_IF_ERROR(optimizer_pull(state, &join->inputs[1], outer, &pulled));
    for (uint32_t i = 0; i < pulled.count; i++) {
        if (of_in)
            RETURN_IF_ERROR(settle_for_mark(state, join, &pulled.items[i]));
        join->join.condition = plan_and(state->arena, join->join.condition, pulled.items[i].expr);
        if (!join->join.condition)
            return optimizer_no_memory(state);
    }
    join->join.dependent = false;
    RETURN_IF_ERROR(optimizer_refresh_columns(state, join));
    return optimizer_restrict_node(state, join, columns, count, root);
}

/* ---- The steps in order ---------------------------------------------------------------------- */

static base_status uses_left(optimizer_state *state, plan_node *join, const plan_column_set *outer,
                             bool *uses)
{
    plan_column_set used = optimizer_set(state);
    if (!plan_node_free_columns(join->inputs[1], &used))
        return optimizer_no_memory(state);
    *uses = plan_set_intersects(&used, outer);
    return BASE_OK;
}

static base_status unnest_join(optimizer_state *state, plan_node **root, bool keyed)
{
    plan_node *join = *root;
    plan_column_set outer = optimizer_set(state);
    single_row row;
    bool uses = false, found = false, can = false;
    RETURN_IF_ERROR(optimizer_set_add_node(state, &outer, join->inputs[0]));
    bool existence = !optimizer_join_keeps_right(join->join.kind);
    if (existence)
        RETURN_IF_ERROR(simplify_existence(state, join));
    RETURN_IF_ERROR(uses_left(state, join, &outer, &uses));
    if (!uses) {
        join->join.dependent = false;
        return BASE_OK;
    }
    if (join->join.kind == PLAN_JOIN_FULL)
        return base_error_set(state->error, BASE_NOT_SUPPORTED, "a FULL JOIN cannot be LATERAL");
    if (!keyed) {
        RETURN_IF_ERROR(find_single_row(state, join->inputs[1], &row, &found));
        if (found && existence)
            return unnest_single_existence(state, root);
        bool plain = join->join.kind == PLAN_JOIN_SINGLE || !row.having;
        if (found && plain)
            return unnest_single_row(state, root, &row);
    }
    RETURN_IF_ERROR(optimizer_can_pull(state, join->inputs[1], &outer, keyed, &can));
    return can ? unnest_by_pulling(state, root, &outer)
               : optimizer_push_domain(state, join, keyed, root);
}

base_status optimizer_unnest(optimizer_state *state, plan_node **root)
{
    RETURN_IF_ERROR(optimizer_enter(state));
    if ((*root)->kind == PLAN_JOIN && (*root)->join.dependent)
        RETURN_IF_ERROR(unnest_join(state, root, false));
    for (uint32_t i = 0; i < optimizer_input_count(*root); i++)
        RETURN_IF_ERROR(optimizer_unnest(state, &(*root)->inputs[i]));
    optimizer_leave(state);
    return BASE_OK;
}
