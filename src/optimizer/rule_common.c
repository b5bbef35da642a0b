/*
 * rule_common.c - what several expressions of a node share is computed once.
 *
 *   sum(a * (1 - b)), sum(a * (1 - b) * (1 + c))
 *
 * has `a * (1 - b)` twice: a projection below the grouping computes it, both sums read the
 * column. The same for projections, and two equal aggregates become one.
 *
 * Only calls are shared; anything cheaper costs less than a column. A part that is evaluated
 * for some rows only (inside CASE, COALESCE, AND, OR) must also stand where it is evaluated for
 * all: else an error could show that the condition keeps away.
 */
#include "optimizer/optimizer_int.h"

typedef struct shared_part {
    plan_expr *expr;
    uint32_t uses;
    bool always; /* evaluated for all rows by one of them */
    plan_column column;
} shared_part;

typedef struct sharing {
    optimizer_state *state;
    shared_part *parts;
    uint32_t count, capacity;
    bool replacing;
} sharing;

static bool is_lazy(const plan_expr *expr)
{
    return expr->kind == PLAN_EXPR_CASE || expr->kind == PLAN_EXPR_COALESCE ||
           expr->kind == PLAN_EXPR_AND || expr->kind == PLAN_EXPR_OR || expr->kind == PLAN_EXPR_IN;
}

static bool uses_columns(const plan_expr *expr)
{
    if (expr->kind == PLAN_EXPR_COLUMN)
        return true;
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        if (uses_columns(expr->arguments[i]))
            return true;
    }
    return false;
}

static shared_part *find_part(const sharing *self, const plan_expr *expr)
{
    for (uint32_t i = 0; i < self->count; i++) {
        if (plan_expr_equal(self->parts[i].expr, expr))
            return &self->parts[i];
    }
    return NULL;
}

static base_status note(sharing *self, plan_expr *expr, bool always)
{
    shared_part *part = find_part(self, expr);
    if (part) {
        part->uses++;
        part->always |= always;
        return BASE_OK;
    }
    if (self->count == self->capacity) {
        uint32_t capacity = self->capacity ? self->capacity * 2 : 16;
        shared_part *parts = base_arena_allocate_array(self->state->arena, capacity, sizeof *parts);
        if (!parts)
            return optimizer_no_memory(self->state);
        if (self->count)
            memcpy(parts, self->parts, self->count * sizeof *parts);
        self->parts = parts;
        self->capacity = capacity;
    }
    self->parts[self->count++] = (shared_part){expr, 1, always, PLAN_NO_COLUMN};
    return BASE_OK;
}

static base_status collect(sharing *self, plan_expr *expr, bool always)
{
    if (expr->kind == PLAN_EXPR_CALL && uses_columns(expr) && !plan_expr_is_volatile(expr))
        RETURN_IF_ERROR(note(self, expr, always));
    for (uint32_t i = 0; i < expr->argument_count; i++)
        RETURN_IF_ERROR(collect(self, expr->arguments[i], always && !is_lazy(expr)));
    return BASE_OK;
}

/* Largest parts first: what is replaced is not looked into. */
static base_status replace(sharing *self, plan_expr **expr)
{
    shared_part *part = (*expr)->kind == PLAN_EXPR_CALL ? find_part(self, *expr) : NULL;
    if (part && part->uses > 1 && part->always) {
        if (part->column < 0)
            RETURN_IF_ERROR(optimizer_new_column(self->state, (*expr)->type, &part->column));
        return optimizer_column_expr(self->state, part->column, expr);
    }
    for (uint32_t i = 0; i < (*expr)->argument_count; i++)
        RETURN_IF_ERROR(replace(self, &(*expr)->arguments[i]));
    return BASE_OK;
}

static base_status visit(void *context, plan_expr **expr)
{
    sharing *self = context;
    if (!self->replacing)
        return collect(self, *expr, true);
    plan_expr *copy = plan_expr_copy(self->state->arena, *expr);
    if (!copy)
        return optimizer_no_memory(self->state);
    *expr = copy;
    return replace(self, expr);
}

static base_status share(optimizer_state *state, plan_node *node)
{
    sharing self = {.state = state};
    uint32_t count = 0;
    RETURN_IF_ERROR(plan_node_visit_exprs(node, visit, &self));
    bool any = false;
    for (uint32_t i = 0; i < self.count; i++)
        any |= self.parts[i].uses > 1 && self.parts[i].always;
    if (!any)
        return BASE_OK;
    self.replacing = true;
    RETURN_IF_ERROR(plan_node_visit_exprs(node, visit, &self));
    plan_output *outputs = base_arena_allocate_array(state->arena, self.count, sizeof *outputs);
    if (!outputs)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < self.count; i++) {
        if (self.parts[i].column >= 0)
            outputs[count++] = (plan_output){self.parts[i].column, self.parts[i].expr};
    }
    return optimizer_extend_node(state, node->inputs[0], outputs, count, &node->inputs[0]);
}

/* ---- Equal aggregates ------------------------------------------------------------------------ */

static bool equal_or_none(const plan_expr *a, const plan_expr *b)
{
    return a && b ? plan_expr_equal(a, b) : a == b;
}

static bool aggregates_equal(const plan_aggregate *a, const plan_aggregate *b)
{
    if (a->function != b->function || a->distinct != b->distinct || a->order_count ||
        b->order_count || a->argument_count != b->argument_count ||
        !types_equal(a->type, b->type) || !equal_or_none(a->filter, b->filter))
        return false;
    for (uint32_t i = 0; i < a->argument_count; i++) {
        if (!plan_expr_equal(a->arguments[i], b->arguments[i]) ||
            plan_expr_is_volatile(a->arguments[i]))
            return false;
    }
    return true;
}

/* The later of two equal ones is dropped and projected from the earlier. */
static base_status merge_aggregates(optimizer_state *state, plan_node **root)
{
    plan_node *group = *root;
    uint32_t count = group->aggregate.aggregate_count, kept = 0, dropped = 0;
    plan_output *again = base_arena_allocate_array(state->arena, count, sizeof *again);
    plan_aggregate *own = base_arena_allocate_array(state->arena, count, sizeof *own);
    if (!again || !own)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < count; i++) {
        const plan_aggregate *one = &group->aggregate.aggregates[i];
        uint32_t same = 0;
        while (same < kept && !aggregates_equal(&own[same], one))
            same++;
        if (same == kept) {
            own[kept++] = *one;
            continue;
        }
        again[dropped].column = one->column;
        RETURN_IF_ERROR(optimizer_column_expr(state, own[same].column, &again[dropped++].expr));
    }
    if (!dropped)
        return BASE_OK;
    plan_column *columns = group->columns;
    uint32_t column_count = group->column_count, keys = group->aggregate.key_count;
    group->aggregate.aggregates = own;
    group->aggregate.aggregate_count = kept;
    group->columns =
        base_arena_allocate_array(state->arena, (size_t)keys + kept, sizeof *group->columns);
    if (!group->columns)
        return optimizer_no_memory(state);
    group->column_count = keys + kept;
    for (uint32_t i = 0; i < keys + kept; i++)
        group->columns[i] = i < keys ? group->aggregate.keys[i].column : own[i - keys].column;
    RETURN_IF_ERROR(optimizer_extend_node(state, group, again, dropped, root));
    return optimizer_restrict_node(state, *root, columns, column_count, root);
}

base_status optimizer_share_expressions(optimizer_state *state, plan_node **root)
{
    RETURN_IF_ERROR(optimizer_enter(state));
    for (uint32_t i = 0; i < optimizer_input_count(*root); i++)
        RETURN_IF_ERROR(optimizer_share_expressions(state, &(*root)->inputs[i]));
    plan_node *node = *root;
    if (node->kind == PLAN_AGGREGATE || node->kind == PLAN_PROJECT)
        RETURN_IF_ERROR(share(state, node));
    if (node->kind == PLAN_AGGREGATE)
        RETURN_IF_ERROR(merge_aggregates(state, root));
    if (node->kind == PLAN_CTE)
        state->cte_definitions[node->cte.cte] = node->inputs[0];
    optimizer_leave(state);
    return BASE_OK;
}
