/*
 * unnest_push.c - the general way to unnest: the domain of correlation is pushed down.
 *
 * After T. Neumann and A. Kemper, "Unnesting Arbitrary Queries" (BTW 2015). Let the right
 * side R of a dependent join use the columns F of the left side L. With D, the distinct
 * values of F in L,
 *
 *     L  dependent-join[p]  R    =    L  join[p AND F is D's]  (D dependent-join R)
 *
 * and D's join is moved down through R operator by operator, each one working per value of
 * D (one more group key, partition key, column of a set), until it meets a subtree that
 * does not use F: there it is a plain cross product that filters turn into a join.
 * L is computed once, as a common table expression that both L and D read.
 *
 * Going top-down, the left side of a dependent join inside R takes D and hands it to its
 * right side, so each is met with a left side that has every column it needs.
 *
 * Rejected: D as a copy of L's tree (renumbering all of it, computing it twice).
 *
 * Invariants: a pushed node produces its former columns, under their numbers, and one
 * column for each of F, whose numbers are returned; column comparisons with D treat NULL as
 * a value (IS NOT DISTINCT FROM).
 */
#include "optimizer/optimizer_int.h"

/* A common table expression whose definition is correlated: its scans have D's columns. */
typedef struct pushed_cte {
    uint32_t cte;
    const plan_column *columns; /* of the definition, one per domain column */
    struct pushed_cte *next;
} pushed_cte;

typedef struct domain {
    optimizer_state *state;
    plan_node *left;
    uint32_t cte;          /* holds the left side */
    plan_column_set outer; /* F as a set */
    uint32_t count;
    plan_column *columns; /* F */
    pushed_cte *ctes;
} domain;

static base_status push(domain *self, plan_node **root, plan_column **map, bool keyed);

static base_status new_map(domain *self, plan_column **map)
{
    *map = base_arena_allocate_array(self->state->arena, self->count, sizeof **map);
    return *map ? BASE_OK : optimizer_no_memory(self->state);
}

static base_status new_numbers(domain *self, plan_column **map)
{
    RETURN_IF_ERROR(new_map(self, map));
    for (uint32_t i = 0; i < self->count; i++)
        RETURN_IF_ERROR(optimizer_new_column(
            self->state, optimizer_type(self->state, self->columns[i]), &(*map)[i]));
    return BASE_OK;
}

/* A fresh D: grouping of a scan of the left side by F. */
static base_status new_domain(domain *self, plan_node **node, plan_column **map)
{
    optimizer_state *state = self->state;
    uint32_t width = self->left->column_count;
    plan_node *scan = plan_node_new(state->arena, PLAN_CTE_SCAN, width);
    plan_node *group = plan_node_new(state->arena, PLAN_AGGREGATE, self->count);
    plan_output *keys = base_arena_allocate_array(state->arena, self->count, sizeof *keys);
    if (!scan || !group || !keys)
        return optimizer_no_memory(state);
    scan->cte.cte = self->cte;
    for (uint32_t i = 0; i < width; i++)
        RETURN_IF_ERROR(optimizer_new_column(state, optimizer_type(state, self->left->columns[i]),
                                             &scan->columns[i]));
    RETURN_IF_ERROR(new_numbers(self, map));
    for (uint32_t k = 0; k < self->count; k++) {
        for (uint32_t i = 0; i < width; i++) {
            if (self->left->columns[i] == self->columns[k])
                RETURN_IF_ERROR(optimizer_column_expr(state, scan->columns[i], &keys[k].expr));
        }
        BASE_ASSERT(keys[k].expr);
        keys[k].column = group->columns[k] = (*map)[k];
    }
    group->inputs[0] = scan;
    group->aggregate.key_count = self->count;
    group->aggregate.keys = keys;
    *node = group;
    return BASE_OK;
}

/* ---- Helpers --------------------------------------------------------------------------------- */

static bool scans_pushed_cte(const domain *self, const plan_node *node)
{
    if (node->kind == PLAN_CTE_SCAN) {
        for (const pushed_cte *cte = self->ctes; cte; cte = cte->next) {
            if (cte->cte == node->cte.cte)
                return true;
        }
    }
    for (uint32_t i = 0; i < optimizer_input_count(node); i++) {
        if (scans_pushed_cte(self, node->inputs[i]))
            return true;
    }
    return false;
}

static base_status is_correlated(domain *self, const plan_node *node, bool *correlated)
{
    plan_column_set used = optimizer_set(self->state);
    if (!plan_node_free_columns(node, &used))
        return optimizer_no_memory(self->state);
    *correlated = plan_set_intersects(&used, &self->outer) || scans_pushed_cte(self, node);
    return BASE_OK;
}

/* F to the columns that stand for them here. */
static base_status substitution(domain *self, const plan_column *map, optimizer_map *columns)
{
    *columns = (optimizer_map){0};
    for (uint32_t i = 0; i < self->count; i++) {
        plan_expr *expr;
        RETURN_IF_ERROR(optimizer_column_expr(self->state, map[i], &expr));
        RETURN_IF_ERROR(optimizer_map_add(self->state, columns, self->columns[i], expr));
    }
    return BASE_OK;
}

static base_status rewrite(domain *self, plan_node *node, const plan_column *map)
{
    optimizer_map columns;
    RETURN_IF_ERROR(substitution(self, map, &columns));
    return optimizer_map_apply_node(self->state, &columns, node);
}

/* condition AND every a[i] is b[i] */
static base_status add_equalities(domain *self, const plan_column *a, const plan_column *b,
                                  plan_expr **condition)
{
    for (uint32_t i = 0; i < self->count; i++) {
        plan_expr *left, *right, *same;
        RETURN_IF_ERROR(optimizer_column_expr(self->state, a[i], &left));
        RETURN_IF_ERROR(optimizer_column_expr(self->state, b[i], &right));
        RETURN_IF_ERROR(optimizer_not_distinct(self->state, left, right, &same));
        *condition = plan_and(self->state->arena, *condition, same);
        if (!*condition)
            return optimizer_no_memory(self->state);
    }
    return BASE_OK;
}

/* The map's columns as further keys, partitions, ... */
static base_status append_exprs(domain *self, plan_expr ***exprs, uint32_t *count,
                                const plan_column *map)
{
    plan_expr **all =
        base_arena_allocate_array(self->state->arena, (size_t)*count + self->count, sizeof *all);
    if (!all)
        return optimizer_no_memory(self->state);
    for (uint32_t i = 0; i < *count; i++)
        all[i] = (*exprs)[i];
    for (uint32_t i = 0; i < self->count; i++)
        RETURN_IF_ERROR(optimizer_column_expr(self->state, map[i], &all[*count + i]));
    *exprs = all;
    *count += self->count;
    return BASE_OK;
}

/* D x node, for a node that does not use F. */
static base_status cross(domain *self, plan_node **root, plan_column **map)
{
    plan_node *values;
    RETURN_IF_ERROR(new_domain(self, &values, map));
    return optimizer_join_node(self->state, PLAN_JOIN_INNER, values, *root, NULL, PLAN_NO_COLUMN,
                               root);
}

/* ---- One operator each ----------------------------------------------------------------------- */

static base_status push_project(domain *self, plan_node **root, plan_column **map)
{
    plan_node *node = *root;
    uint32_t count = node->column_count;
    plan_output *outputs =
        base_arena_allocate_array(self->state->arena, (size_t)count + self->count, sizeof *outputs);
    if (!outputs)
        return optimizer_no_memory(self->state);
    RETURN_IF_ERROR(push(self, &node->inputs[0], map, false));
    RETURN_IF_ERROR(rewrite(self, node, *map));
    for (uint32_t i = 0; i < count; i++)
        outputs[i] = node->project.outputs[i];
    for (uint32_t i = 0; i < self->count; i++) {
        outputs[count + i].column = (*map)[i];
        RETURN_IF_ERROR(optimizer_column_expr(self->state, (*map)[i], &outputs[count + i].expr));
    }
    return optimizer_project_node(self->state, node->inputs[0], outputs, count + self->count, root);
}

/* Both sides work per value of D: they are joined by it too. */
static base_status push_both(domain *self, plan_node **root, plan_column **map)
{
    plan_node *node = *root;
    plan_column *right;
    RETURN_IF_ERROR(push(self, &node->inputs[0], map, false));
    RETURN_IF_ERROR(push(self, &node->inputs[1], &right, false));
    RETURN_IF_ERROR(rewrite(self, node, *map));
    RETURN_IF_ERROR(add_equalities(self, *map, right, &node->join.condition));
    RETURN_IF_ERROR(optimizer_refresh_columns(self->state, node));
    if (node->join.kind != PLAN_JOIN_FULL)
        return BASE_OK;
    /* A row without partner has NULL on its other side. */
    plan_output *outputs =
        base_arena_allocate_array(self->state->arena, self->count, sizeof *outputs);
    plan_column *either;
    if (!outputs)
        return optimizer_no_memory(self->state);
    RETURN_IF_ERROR(new_numbers(self, &either));
    for (uint32_t i = 0; i < self->count; i++) {
        plan_expr *a, *b;
        RETURN_IF_ERROR(optimizer_column_expr(self->state, (*map)[i], &a));
        RETURN_IF_ERROR(optimizer_column_expr(self->state, right[i], &b));
        RETURN_IF_ERROR(optimizer_coalesce(self->state, a, b, &outputs[i].expr));
        outputs[i].column = either[i];
    }
    *map = either;
    return optimizer_extend_node(self->state, node, outputs, self->count, root);
}

static base_status push_join(domain *self, plan_node **root, plan_column **map)
{
    plan_node *node = *root;
    bool left = false, right = false;
    RETURN_IF_ERROR(is_correlated(self, node->inputs[0], &left));
    RETURN_IF_ERROR(is_correlated(self, node->inputs[1], &right));
    if (node->join.dependent) {
        /* The left side brings D to the right side, which then depends on the left alone. */
        optimizer_map columns;
        RETURN_IF_ERROR(push(self, &node->inputs[0], map, false));
        RETURN_IF_ERROR(rewrite(self, node, *map));
        RETURN_IF_ERROR(substitution(self, *map, &columns));
        RETURN_IF_ERROR(optimizer_map_apply_tree(self->state, &columns, node->inputs[1]));
        return optimizer_refresh_columns(self->state, node);
    }
    if (right && (left || node->join.kind != PLAN_JOIN_INNER))
        return push_both(self, root, map);
    if (node->join.kind == PLAN_JOIN_FULL)
        return push_both(self, root, map);
    RETURN_IF_ERROR(push(self, &node->inputs[right ? 1 : 0], map, false));
    RETURN_IF_ERROR(rewrite(self, node, *map));
    return optimizer_refresh_columns(self->state, node);
}

/* Grouping without keys has a row for every value of D, also where nothing is grouped. */
static base_status complete_groups(domain *self, plan_node *group, const plan_column *keys,
                                   plan_node **root, plan_column **map)
{
    optimizer_state *state = self->state;
    plan_node *values, *join;
    plan_expr *condition = NULL;
    uint32_t count = group->aggregate.aggregate_count;
    plan_output *outputs =
        base_arena_allocate_array(state->arena, (size_t)count + self->count, sizeof *outputs);
    if (!outputs)
        return optimizer_no_memory(state);
    RETURN_IF_ERROR(new_domain(self, &values, map));
    for (uint32_t i = 0; i < count; i++) {
        plan_aggregate *aggregate = &group->aggregate.aggregates[i];
        plan_expr *zero;
        outputs[i].column = aggregate->column;
        /* The grouping's own result goes by a new number: this projection takes the old. */
        RETURN_IF_ERROR(optimizer_new_column(state, aggregate->type, &aggregate->column));
        RETURN_IF_ERROR(optimizer_column_expr(state, aggregate->column, &outputs[i].expr));
        group->columns[self->count + i] = aggregate->column;
        if (!aggregate->function->zero_if_empty)
            continue;
        RETURN_IF_ERROR(optimizer_zero(state, aggregate->type, &zero));
        RETURN_IF_ERROR(optimizer_coalesce(state, outputs[i].expr, zero, &outputs[i].expr));
    }
    for (uint32_t i = 0; i < self->count; i++) {
        outputs[count + i].column = (*map)[i];
        RETURN_IF_ERROR(optimizer_column_expr(state, (*map)[i], &outputs[count + i].expr));
    }
    RETURN_IF_ERROR(add_equalities(self, *map, keys, &condition));
    RETURN_IF_ERROR(optimizer_join_node(state, PLAN_JOIN_LEFT, values, group, condition,
                                        PLAN_NO_COLUMN, &join));
    return optimizer_project_node(state, join, outputs, count + self->count, root);
}

static base_status push_aggregate(domain *self, plan_node **root, plan_column **map, bool keyed)
{
    optimizer_state *state = self->state;
    plan_node *node = *root;
    uint32_t old = node->aggregate.key_count, count = old + self->count;
    uint32_t total = count + node->aggregate.aggregate_count;
    plan_column *inner, *keys_made;
    plan_output *keys = base_arena_allocate_array(state->arena, count, sizeof *keys);
    plan_column *columns = base_arena_allocate_array(state->arena, total, sizeof *columns);
    if (!keys || !columns)
        return optimizer_no_memory(state);
    RETURN_IF_ERROR(push(self, &node->inputs[0], &inner, false));
    RETURN_IF_ERROR(rewrite(self, node, inner));
    RETURN_IF_ERROR(new_numbers(self, &keys_made));
    for (uint32_t i = 0; i < count; i++) {
        if (i < old) {
            keys[i] = node->aggregate.keys[i];
        } else {
            keys[i].column = keys_made[i - old];
            RETURN_IF_ERROR(optimizer_column_expr(state, inner[i - old], &keys[i].expr));
        }
        columns[i] = keys[i].column;
    }
    for (uint32_t i = count; i < total; i++)
        columns[i] = node->aggregate.aggregates[i - count].column;
    node->aggregate.keys = keys;
    node->aggregate.key_count = count;
    node->columns = columns;
    node->column_count = total;
    if (!old && !keyed)
        return complete_groups(self, node, keys_made, root, map);
    *map = keys_made;
    return BASE_OK;
}

static base_status push_limit(domain *self, plan_node **root, plan_column **map)
{
    plan_node *node = *root, *input = node->inputs[0];
    if (input->kind == PLAN_PROJECT) { /* the limit must see the sort */
        node->inputs[0] = input->inputs[0];
        RETURN_IF_ERROR(optimizer_refresh_columns(self->state, node));
        input->inputs[0] = node;
        *root = input;
        return push(self, root, map, false);
    }
    plan_expr **partition = NULL;
    uint32_t count = 0;
    RETURN_IF_ERROR(push(self, &node->inputs[0], map, false));
    RETURN_IF_ERROR(append_exprs(self, &partition, &count, *map));
    return optimizer_limit_by_group(self->state, node, partition, count, root);
}

/* The node's columns and then the domain's, exactly: set operations match by position. */
static base_status push_side(domain *self, plan_node **side)
{
    uint32_t count = (*side)->column_count;
    plan_column *columns =
        base_arena_allocate_array(self->state->arena, (size_t)count + self->count, sizeof *columns);
    plan_column *map;
    if (!columns)
        return optimizer_no_memory(self->state);
    if (count)
        memcpy(columns, (*side)->columns, count * sizeof *columns);
    RETURN_IF_ERROR(push(self, side, &map, false));
    memcpy(columns + count, map, self->count * sizeof *columns);
    return optimizer_restrict_node(self->state, *side, columns, count + self->count, side);
}

static base_status append_columns(domain *self, plan_node *node, const plan_column *map)
{
    uint32_t count = node->column_count;
    plan_column *columns =
        base_arena_allocate_array(self->state->arena, (size_t)count + self->count, sizeof *columns);
    if (!columns)
        return optimizer_no_memory(self->state);
    if (count)
        memcpy(columns, node->columns, count * sizeof *columns);
    memcpy(columns + count, map, self->count * sizeof *columns);
    node->columns = columns;
    node->column_count = count + self->count;
    return BASE_OK;
}

static base_status push_set(domain *self, plan_node *node, plan_column **map)
{
    RETURN_IF_ERROR(push_side(self, &node->inputs[0]));
    RETURN_IF_ERROR(push_side(self, &node->inputs[1]));
    RETURN_IF_ERROR(new_numbers(self, map));
    return append_columns(self, node, *map);
}

static base_status push_cte(domain *self, plan_node *node, plan_column **map)
{
    bool definition = false;
    RETURN_IF_ERROR(is_correlated(self, node->inputs[0], &definition));
    if (definition && (node->cte.limit || node->cte.offset))
        return base_error_set(self->state->error, BASE_NOT_SUPPORTED,
                              "LIMIT in a recursive query that uses columns from outside of it");
    if (definition) {
        pushed_cte *cte = base_arena_allocate_zeroed(self->state->arena, sizeof *cte);
        if (!cte)
            return optimizer_no_memory(self->state);
        *cte = (pushed_cte){.cte = node->cte.cte, .next = self->ctes};
        /* Scans inside a recursive definition have the columns too. */
        if (node->cte.recursive)
            self->ctes = cte;
        RETURN_IF_ERROR(push_side(self, &node->inputs[0]));
        self->ctes = cte;
        self->state->cte_definitions[node->cte.cte] = node->inputs[0];
    }
    RETURN_IF_ERROR(push(self, &node->inputs[1], map, false));
    return optimizer_refresh_columns(self->state, node);
}

/* VALUES over D: each row is a projection of it. */
static base_status push_values(domain *self, plan_node **root, plan_column **map)
{
    optimizer_state *state = self->state;
    plan_node *node = *root, *all = NULL;
    uint32_t count = node->column_count, total = count + self->count;
    for (uint32_t row = 0; row < node->values.row_count; row++) {
        plan_node *values, *projected;
        plan_column *own;
        optimizer_map columns;
        plan_output *outputs = base_arena_allocate_array(state->arena, total, sizeof *outputs);
        if (!outputs)
            return optimizer_no_memory(state);
        RETURN_IF_ERROR(new_domain(self, &values, &own));
        RETURN_IF_ERROR(substitution(self, own, &columns));
        for (uint32_t i = 0; i < total; i++) {
            if (i < count) {
                outputs[i].expr = node->values.cells[(size_t)row * count + i];
                RETURN_IF_ERROR(optimizer_map_apply(state, &columns, &outputs[i].expr));
            } else {
                RETURN_IF_ERROR(optimizer_column_expr(state, own[i - count], &outputs[i].expr));
            }
            RETURN_IF_ERROR(optimizer_new_column(state, outputs[i].expr->type, &outputs[i].column));
        }
        RETURN_IF_ERROR(optimizer_project_node(state, values, outputs, total, &projected));
        if (!all) {
            all = projected;
            continue;
        }
        plan_node *both = plan_node_new(state->arena, PLAN_SET_OPERATION, total);
        if (!both)
            return optimizer_no_memory(state);
        both->inputs[0] = all;
        both->inputs[1] = projected;
        both->set.kind = PLAN_UNION;
        both->set.all = true;
        for (uint32_t i = 0; i < total; i++)
            RETURN_IF_ERROR(optimizer_new_column(state, optimizer_type(state, all->columns[i]),
                                                 &both->columns[i]));
        all = both;
    }
    plan_output *outputs = base_arena_allocate_array(state->arena, total, sizeof *outputs);
    if (!outputs)
        return optimizer_no_memory(state);
    RETURN_IF_ERROR(new_numbers(self, map));
    for (uint32_t i = 0; i < total; i++) {
        outputs[i].column = i < count ? node->columns[i] : (*map)[i - count];
        RETURN_IF_ERROR(optimizer_column_expr(state, all->columns[i], &outputs[i].expr));
    }
    return optimizer_project_node(state, all, outputs, total, root);
}

/* ---- Dispatch -------------------------------------------------------------------------------- */

static base_status push_over_input(domain *self, plan_node *node, plan_column **map)
{
    RETURN_IF_ERROR(push(self, &node->inputs[0], map, false));
    RETURN_IF_ERROR(rewrite(self, node, *map));
    if (node->kind == PLAN_WINDOW)
        RETURN_IF_ERROR(
            append_exprs(self, &node->window.partition, &node->window.partition_count, *map));
    if (node->kind == PLAN_DISTINCT && node->distinct.key_count)
        RETURN_IF_ERROR(append_exprs(self, &node->distinct.keys, &node->distinct.key_count, *map));
    return optimizer_refresh_columns(self->state, node);
}

static base_status push_node(domain *self, plan_node **root, plan_column **map, bool keyed)
{
    plan_node *node = *root;
    switch ((plan_node_kind)node->kind) {
    case PLAN_FILTER:
    case PLAN_WINDOW:
    case PLAN_SORT:
    case PLAN_DISTINCT:
        return push_over_input(self, node, map);
    case PLAN_PROJECT:
        return push_project(self, root, map);
    case PLAN_JOIN:
        return push_join(self, root, map);
    case PLAN_AGGREGATE:
        return push_aggregate(self, root, map, keyed);
    case PLAN_LIMIT:
        return push_limit(self, root, map);
    case PLAN_SET_OPERATION:
        return push_set(self, node, map);
    case PLAN_CTE:
        return push_cte(self, node, map);
    case PLAN_CTE_SCAN:
        RETURN_IF_ERROR(new_numbers(self, map));
        return append_columns(self, node, *map);
    case PLAN_VALUES:
        return push_values(self, root, map);
    default:
        return base_error_set(self->state->error, BASE_NOT_SUPPORTED,
                              "arguments of a table function cannot use columns of the tables "
                              "beside it");
    }
}

static base_status push(domain *self, plan_node **root, plan_column **map, bool keyed)
{
    bool correlated = false;
    RETURN_IF_ERROR(is_correlated(self, *root, &correlated));
    /* Grouping without keys must see D even so: it has a row per value. */
    if (!correlated)
        return cross(self, root, map);
    RETURN_IF_ERROR(optimizer_enter(self->state));
    RETURN_IF_ERROR(push_node(self, root, map, keyed));
    optimizer_leave(self->state);
    return BASE_OK;
}

base_status optimizer_push_domain(optimizer_state *state, plan_node *join, bool keyed,
                                  plan_node **root)
{
    domain self = {.state = state, .left = join->inputs[0], .outer = optimizer_set(state)};
    plan_column_set used = optimizer_set(state);
    plan_column *map;
    if (!plan_node_free_columns(join->inputs[1], &used))
        return optimizer_no_memory(state);
    self.columns =
        base_arena_allocate_array(state->arena, self.left->column_count, sizeof *self.columns);
    plan_node *scan = plan_node_new(state->arena, PLAN_CTE_SCAN, self.left->column_count);
    plan_node *body = plan_node_new(state->arena, PLAN_CTE, 0);
    if (!self.columns || !scan || !body)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < self.left->column_count; i++) {
        plan_column column = self.left->columns[i];
        scan->columns[i] = column; /* the same values: the number stays true */
        if (!plan_set_has(&used, column))
            continue;
        self.columns[self.count++] = column;
        RETURN_IF_ERROR(optimizer_set_add(state, &self.outer, column));
    }
    BASE_ASSERT(self.count > 0);
    RETURN_IF_ERROR(optimizer_new_cte(state, self.left, &self.cte));
    scan->cte.cte = body->cte.cte = self.cte;
    plan_column *columns = join->columns;
    uint32_t count = join->column_count;
    RETURN_IF_ERROR(push(&self, &join->inputs[1], &map, keyed));
    RETURN_IF_ERROR(add_equalities(&self, self.columns, map, &join->join.condition));
    join->inputs[0] = scan;
    join->join.dependent = false;
    RETURN_IF_ERROR(optimizer_refresh_columns(state, join));
    body->inputs[0] = self.left;
    RETURN_IF_ERROR(optimizer_restrict_node(state, join, columns, count, &body->inputs[1]));
    *root = body;
    return optimizer_refresh_columns(state, body);
}
