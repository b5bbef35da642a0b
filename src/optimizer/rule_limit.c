/*
 * rule_limit.c - LIMIT as far down as it may go.
 *
 *   over a projection                  below it, where it meets its sort
 *   over a join that gives exactly     on the left input: LEFT with at most one partner each,
 *   one row per left row               SINGLE, MARK, and the one row of a scalar subquery
 *   over a grouping by a key of the    on the left input too: each of its rows is a group, and
 *   left side of a LEFT join           without an order any groups will do
 *   over a window that looks ahead     as top-N below it: the first rows in the window's order,
 *   at a known distance, over all      and those they look at, are as good as any
 *   rows
 *   over a sort over a join as above,  as top-N on the left input, and the few rows are sorted
 *   by left columns                    once more above
 *
 * The row counts that are pushed include the offset, which itself stays where it was.
 */
#include "optimizer/optimizer_int.h"

static bool projects_plainly(const plan_node *node)
{
    for (uint32_t i = 0; i < node->column_count; i++) {
        if (plan_expr_is_volatile(node->project.outputs[i].expr))
            return false;
    }
    return true;
}

static base_status sink_below_project(optimizer_state *state, plan_node **root)
{
    plan_node *limit = *root, *project = limit->inputs[0];
    if (!projects_plainly(project))
        return BASE_OK;
    limit->inputs[0] = project->inputs[0];
    RETURN_IF_ERROR(optimizer_refresh_columns(state, limit));
    project->inputs[0] = limit;
    *root = project;
    return optimizer_sink_limit(state, &project->inputs[0]);
}

/* ---- One row per left row ------------------------------------------------------------------- */

static base_status keeps_count(optimizer_state *state, const plan_node *node, bool *keeps)
{
    *keeps = false;
    if (node->kind != PLAN_JOIN)
        return BASE_OK;
    switch (node->join.kind) {
    case PLAN_JOIN_MARK:
    case PLAN_JOIN_SINGLE:
        *keeps = true;
        return BASE_OK;
    case PLAN_JOIN_LEFT:
        return optimizer_right_is_unique(state, node, keeps);
    case PLAN_JOIN_INNER:
        *keeps = !node->join.condition && optimizer_has_one_row(node->inputs[1]);
        return BASE_OK;
    default:
        return BASE_OK;
    }
}

/* LIMIT count + offset + `more` over `input`; nothing when these are not constants. */
static base_status limit_input(optimizer_state *state, const plan_node *limit,
                               const plan_node *sort, int64_t more, plan_node **input)
{
    int64_t count = more;
    const plan_expr *exprs[2] = {limit->limit.limit, limit->limit.offset};
    for (uint32_t i = 0; i < 2; i++) {
        if (!exprs[i])
            continue;
        if (exprs[i]->kind != PLAN_EXPR_CONSTANT || exprs[i]->constant.is_null ||
            exprs[i]->type.kind != TYPES_INTEGER || exprs[i]->constant.cell.int64 < 0 ||
            __builtin_add_overflow(count, exprs[i]->constant.cell.int64, &count))
            return BASE_OK;
    }
    if (!limit->limit.limit || (*input)->kind == PLAN_LIMIT)
        return BASE_OK;
    if (sort) {
        plan_node *own = plan_node_over(state->arena, PLAN_SORT, *input);
        if (!own)
            return optimizer_no_memory(state);
        own->sort = sort->sort;
        *input = own;
    }
    types_value value = {.type = TYPES_OF(INTEGER)};
    value.cell.int64 = count;
    plan_node *made = plan_node_over(state->arena, PLAN_LIMIT, *input);
    plan_expr *constant = plan_constant(state->arena, &value);
    if (!made || !constant)
        return optimizer_no_memory(state);
    made->limit.limit = constant;
    *input = made;
    return BASE_OK;
}

static base_status sink_below_join(optimizer_state *state, plan_node *limit, plan_node *join)
{
    bool keeps = false;
    RETURN_IF_ERROR(keeps_count(state, join, &keeps));
    if (!keeps)
        return BASE_OK;
    RETURN_IF_ERROR(limit_input(state, limit, NULL, 0, &join->inputs[0]));
    return optimizer_sink_limit(state, &join->inputs[0]);
}

/* ---- Under a sort ---------------------------------------------------------------------------- */

static base_status sink_below_sort(optimizer_state *state, plan_node *limit, plan_node *sort)
{
    plan_node *join = sort->inputs[0];
    bool keeps = false, within = true;
    plan_column_set left = optimizer_set(state);
    while (join->kind == PLAN_PROJECT)
        join = join->inputs[0];
    RETURN_IF_ERROR(keeps_count(state, join, &keeps));
    if (!keeps)
        return BASE_OK;
    RETURN_IF_ERROR(optimizer_set_add_node(state, &left, join->inputs[0]));
    for (uint32_t i = 0; i < sort->sort.key_count && within; i++)
        RETURN_IF_ERROR(optimizer_expr_within(state, sort->sort.keys[i].expr, &left, &within));
    if (!within || join->inputs[0]->kind == PLAN_LIMIT)
        return BASE_OK;
    return limit_input(state, limit, sort, 0, &join->inputs[0]);
}

/* ---- Groups and windows ---------------------------------------------------------------------- */

/* GROUP BY a key of the LEFT join's left scan: one group for each of its rows. */
static base_status sink_below_group(optimizer_state *state, plan_node *limit, plan_node *group)
{
    plan_node *join = group->inputs[0];
    bool keyed = false;
    while (join->kind == PLAN_PROJECT)
        join = join->inputs[0];
    if (join->kind != PLAN_JOIN || join->join.kind != PLAN_JOIN_LEFT ||
        join->inputs[0]->kind != PLAN_SCAN)
        return BASE_OK;
    for (uint32_t i = 0; i < group->aggregate.key_count; i++) {
        const plan_expr *key = group->aggregate.keys[i].expr;
        plan_column column = key->kind == PLAN_EXPR_COLUMN ? key->column : PLAN_NO_COLUMN;
        if (column < 0)
            return BASE_OK;
        const plan_node *source = group->inputs[0];
        for (; source && source != join; source = source->inputs[0]) {
            plan_column inner = column;
            const plan_node *one = source;
            if (one->kind != PLAN_PROJECT)
                return BASE_OK;
            bool found = false;
            for (uint32_t k = 0; k < one->column_count && !found; k++) {
                found = one->project.outputs[k].column == inner &&
                        one->project.outputs[k].expr->kind == PLAN_EXPR_COLUMN;
                if (found)
                    column = one->project.outputs[k].expr->column;
            }
            if (!found)
                return BASE_OK;
        }
        if (!optimizer_node_has(join->inputs[0], column))
            return BASE_OK;
        keyed |= optimizer_is_unique(&state->columns[column]) &&
                 state->columns[column].column_id == TABLE_ROWID;
    }
    return keyed ? limit_input(state, limit, NULL, 0, &join->inputs[0]) : BASE_OK;
}

static bool constant_count(const plan_expr *expr, int64_t *count)
{
    if (expr->kind != PLAN_EXPR_CONSTANT || expr->constant.is_null ||
        expr->type.kind != TYPES_INTEGER)
        return false;
    *count = expr->constant.cell.int64;
    return *count >= 0;
}

/* How many rows behind its own, in the window's order, the value at a row depends on; false:
 * on all, or on an unknown number. */
static bool looks_ahead(const plan_window *window, int64_t *ahead)
{
    *ahead = 0;
    if (!window->function) {
        /* A frame by rows; by range it takes in the row's peers, however many. */
        if (window->mode != PLAN_FRAME_ROWS || window->distinct)
            return false;
        return window->end == PLAN_FRAME_CURRENT_ROW || window->end == PLAN_FRAME_PRECEDING ||
               (window->end == PLAN_FRAME_FOLLOWING && window->end_offset &&
                constant_count(window->end_offset, ahead));
    }
    switch (window->function->kind) {
    case FUNC_WINDOW_ROW_NUMBER:
    case FUNC_WINDOW_RANK:
    case FUNC_WINDOW_DENSE_RANK:
        return true;
    case FUNC_WINDOW_LAG: {
        int64_t distance; /* a negative one looks ahead */
        return window->argument_count < 2 || constant_count(window->arguments[1], &distance);
    }
    case FUNC_WINDOW_LEAD:
        *ahead = 1;
        return window->argument_count < 2 || constant_count(window->arguments[1], ahead);
    default:
        return false;
    }
}

static base_status sink_below_window(optimizer_state *state, plan_node *limit, plan_node *window)
{
    int64_t most = 0;
    if (window->window.partition_count || !window->window.order_count ||
        window->inputs[0]->kind == PLAN_LIMIT)
        return BASE_OK;
    for (uint32_t i = 0; i < window->window.window_count; i++) {
        int64_t ahead;
        if (!looks_ahead(&window->window.windows[i], &ahead))
            return BASE_OK;
        most = BASE_MAX(most, ahead);
    }
    plan_node sort = {.kind = PLAN_SORT};
    sort.sort.keys = window->window.order;
    sort.sort.key_count = window->window.order_count;
    return limit_input(state, limit, &sort, most, &window->inputs[0]);
}

base_status optimizer_sink_limit(optimizer_state *state, plan_node **root)
{
    plan_node *limit = *root;
    if (limit->kind != PLAN_LIMIT)
        return BASE_OK;
    plan_node *input = limit->inputs[0];
    switch ((plan_node_kind)input->kind) {
    case PLAN_PROJECT:
        return sink_below_project(state, root);
    case PLAN_JOIN:
        return sink_below_join(state, limit, input);
    case PLAN_SORT:
        return sink_below_sort(state, limit, input);
    case PLAN_AGGREGATE:
        return sink_below_group(state, limit, input);
    case PLAN_WINDOW:
        return sink_below_window(state, limit, input);
    default:
        return BASE_OK;
    }
}
