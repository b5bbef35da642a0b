/*
 * physical_index_join.c - joins that look rows up.
 *
 * If the outer side has few rows, or a LIMIT above asks for few, finding each one's partners
 * by rowid or index beats reading the whole inner table. The inner side must be a base table
 * itself; its filter is applied to what is found.
 *
 * Costs are in the same unit as access paths': rows of a vectorised scan.
 */
#include "optimizer/optimizer_int.h"

static const double COST_ROWID = 60, COST_SEEK = 150, COST_FETCH = 45, COST_BUILD = 10,
                    COST_PROBE = 5;

static const double SMALLEST_SLICE = 512;

typedef struct lookup {
    plan_node *outer, *inner;
    const catalog_index *index; /* NULL: by rowid */
    uint32_t key_count;
    plan_expr *keys[TABLE_MAX_KEY_PARTS]; /* over the outer side, or constants */
    bool used[64];                        /* by join key: part of the lookup */
    double matches;                       /* rows found per lookup */
} lookup;

static uint32_t inner_column(const plan_node *inner, const plan_expr *expr)
{
    for (uint32_t i = 0; expr->kind == PLAN_EXPR_COLUMN && i < inner->column_count; i++) {
        if (inner->columns[i] == expr->column)
            return optimizer_relation_column(inner->scan.table, inner->scan.column_ids[i]);
    }
    return TABLE_ROWID - 1; /* none: no relation has as many columns */
}

/* The join key that compares the relation's column, or -1. */
static int32_t find_key(const plan_node *inner, const optimizer_join_keys *keys, bool turned,
                        uint32_t column)
{
    const optimizer_list *side = turned ? &keys->left : &keys->right;
    for (uint32_t i = 0; i < side->count && i < 64; i++) {
        if (!keys->null_equal[i] && inner_column(inner, side->items[i]) == column)
            return (int32_t)i;
    }
    return -1;
}

static void use_key(lookup *self, const optimizer_join_keys *keys, bool turned, int32_t key)
{
    const optimizer_list *side = turned ? &keys->right : &keys->left;
    self->used[key] = true;
    self->keys[self->key_count++] = side->items[key];
}

/* Leading parts of the index that join keys, or constants of the inner filter, give. */
static bool fits_index(const catalog_index *index, const plan_node *inner,
                       const optimizer_join_keys *keys, bool turned, const optimizer_test *tests,
                       uint32_t test_count, lookup *self)
{
    bool any = false;
    self->index = index;
    for (uint32_t part = 0; part < index->part_count; part++) {
        uint32_t column = index->parts[part].column;
        int32_t key = find_key(inner, keys, turned, column);
        if (key >= 0) {
            use_key(self, keys, turned, key);
            any = true;
            continue;
        }
        const optimizer_test *fixed = NULL;
        for (uint32_t i = 0; i < test_count && !fixed; i++) {
            if (tests[i].column == column && tests[i].test == TABLE_EQUAL)
                fixed = &tests[i];
        }
        if (!fixed)
            break;
        self->keys[self->key_count++] = fixed->values[0];
    }
    return any;
}

static double matches_of(const optimizer_state *state, const lookup *self,
                         const optimizer_join_keys *keys, bool turned)
{
    double rows = optimizer_table_rows(state, self->inner->scan.table);
    if (!self->index)
        return 1;
    if (self->index->unique && self->key_count == self->index->part_count)
        return 1;
    const optimizer_list *side = turned ? &keys->left : &keys->right;
    double matches = rows;
    for (uint32_t i = 0; i < side->count && i < 64; i++) {
        if (self->used[i])
            matches /= optimizer_distinct(state, side->items[i], rows);
    }
    return BASE_MAX(matches, 1.0);
}

/* The best lookup of `inner`; false: none. */
static base_status find_lookup(optimizer_state *state, plan_node *outer, plan_node *inner,
                               const optimizer_join_keys *keys, bool turned, lookup *best,
                               bool *found)
{
    optimizer_test *tests;
    uint32_t test_count;
    *found = false;
    if (inner->kind != PLAN_SCAN)
        return BASE_OK;
    *best = (lookup){.outer = outer, .inner = inner};
    int32_t key = find_key(inner, keys, turned, TABLE_ROWID);
    if (key >= 0) {
        use_key(best, keys, turned, key);
        best->matches = 1;
        *found = true;
        return BASE_OK;
    }
    RETURN_IF_ERROR(optimizer_find_tests(state, inner, &tests, &test_count));
    const catalog_table *table = inner->scan.table;
    for (uint32_t i = 0; i < table->index_count; i++) {
        lookup one = {.outer = outer, .inner = inner};
        if (!fits_index(table->indexes[i], inner, keys, turned, tests, test_count, &one))
            continue;
        one.matches = matches_of(state, &one, keys, turned);
        if (!*found || one.matches < best->matches)
            *best = one;
        *found = true;
    }
    return BASE_OK;
}

/* Outer rows that are read until the goal is met: at least a slice of a chunk, since all its
 * rows are looked up before the limit above sees any. */
static double outer_rows(const plan_node *node, const plan_node *outer, double goal)
{
    if (goal <= 0 || node->rows <= 0)
        return outer->rows;
    double needed = goal * BASE_MAX(outer->rows / node->rows, 0.01);
    return BASE_MIN(outer->rows, BASE_MAX(needed, SMALLEST_SLICE));
}

/* What the lookups cost, and what the cheapest hash join would. */
static void weigh(const optimizer_state *state, const plan_node *node, const lookup *self,
                  double goal, double *looked_up, double *hashed)
{
    double table = optimizer_table_rows(state, self->inner->scan.table);
    /* As for access paths: a table that is small now may grow under a cached plan. */
    table = BASE_MAX(table, 1000.0);
    double outer = outer_rows(node, self->outer, goal), inner = self->inner->rows;
    double each = self->index ? COST_SEEK + self->matches * COST_FETCH : COST_ROWID;
    bool semi = node->join.kind == PLAN_JOIN_SEMI || node->join.kind == PLAN_JOIN_ANTI;
    if (semi && self->index) /* the first partner is enough */
        each = COST_SEEK + BASE_MIN(self->matches, 2.0) * COST_FETCH;
    double build_inner = table + inner * COST_BUILD + outer * COST_PROBE;
    double build_outer = table + self->outer->rows * COST_BUILD + inner * COST_PROBE;
    *looked_up = outer * each * optimizer_fetch_factor(table);
    *hashed = BASE_MIN(build_inner, build_outer);
}

/* ---- The operator ---------------------------------------------------------------------------- */

/* What lookups do not settle: unused keys as equalities, and the residual. */
static base_status remaining(optimizer_state *state, const optimizer_join_keys *keys,
                             const lookup *self, plan_expr **residual)
{
    optimizer_list rest = {0};
    for (uint32_t i = 0; i < keys->left.count; i++) {
        plan_expr *equal;
        if (i < 64 && self->used[i])
            continue;
        if (keys->null_equal[i]) {
            RETURN_IF_ERROR(
                optimizer_not_distinct(state, keys->left.items[i], keys->right.items[i], &equal));
        } else {
            equal =
                plan_compare(state->arena, VECTOR_EQUAL, keys->left.items[i], keys->right.items[i]);
            if (!equal)
                return optimizer_no_memory(state);
        }
        RETURN_IF_ERROR(optimizer_list_add(state, &rest, equal));
    }
    for (uint32_t i = 0; i < keys->residual.count; i++)
        RETURN_IF_ERROR(optimizer_list_add(state, &rest, keys->residual.items[i]));
    return optimizer_conjunction(state, &rest, residual);
}

static base_status make_outputs(optimizer_state *state, const plan_node *node,
                                const optimizer_request *request, plan_operator *op,
                                optimizer_physical *out)
{
    uint32_t count = 0;
    plan_column *kept = base_arena_allocate_array(state->arena, node->column_count, sizeof *kept);
    uint32_t *slots = base_arena_allocate_array(state->arena, node->column_count, sizeof *slots);
    if (!kept || !slots)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < node->column_count; i++) {
        if (!plan_set_has(&request->columns, node->columns[i]))
            continue;
        BASE_ASSERT(state->slots[node->columns[i]] >= 0);
        slots[count] = (uint32_t)state->slots[node->columns[i]];
        kept[count++] = node->columns[i];
    }
    op->index_join.output_slots = slots;
    op->column_count = count;
    return optimizer_set_layout(state, op, kept, out);
}

static base_status make_access(optimizer_state *state, const lookup *self,
                               const plan_column_set *needed, plan_operator *op,
                               optimizer_physical *inner)
{
    plan_access *access = &op->index_join.access;
    plan_column *columns;
    plan_operator types = {0}; /* only to lay the columns out */
    RETURN_IF_ERROR(optimizer_choose_columns(state, self->inner, needed, &columns, &access->columns,
                                             &access->column_count));
    access->table = self->inner->scan.table;
    types.column_count = access->column_count;
    types.types =
        base_arena_allocate_array(state->arena, access->column_count, sizeof *types.types);
    if (!types.types)
        return optimizer_no_memory(state);
    RETURN_IF_ERROR(optimizer_set_layout(state, &types, columns, inner));
    inner->op = NULL;
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    optimizer_bind(state, inner, 0);
    return optimizer_resolve(state, self->inner->scan.filter, &access->filter);
}

static base_status make_index_join(optimizer_state *state, plan_node *node,
                                   const optimizer_request *request,
                                   const optimizer_join_keys *keys, const lookup *self,
                                   optimizer_physical *out)
{
    plan_operator *op;
    plan_expr *residual;
    optimizer_physical outer = {0}, inner = {0};
    optimizer_request below = {.columns = optimizer_set(state)};
    plan_column_set needed = optimizer_set(state);
    RETURN_IF_ERROR(remaining(state, keys, self, &residual));
    RETURN_IF_ERROR(optimizer_set_union(state, &needed, &request->columns));
    RETURN_IF_ERROR(optimizer_set_add_expr(state, &needed, residual));
    RETURN_IF_ERROR(optimizer_set_union(state, &below.columns, &needed));
    for (uint32_t i = 0; i < self->key_count; i++)
        RETURN_IF_ERROR(optimizer_set_add_expr(state, &below.columns, self->keys[i]));
    RETURN_IF_ERROR(optimizer_set_add_expr(state, &needed, self->inner->scan.filter));
    RETURN_IF_ERROR(optimizer_pass_filters(state, request, self->outer, &below));
    if (request->row_goal > 0)
        below.row_goal = BASE_MAX(outer_rows(node, self->outer, request->row_goal), 1.0);
    RETURN_IF_ERROR(optimizer_translate(state, self->outer, &below, &outer));
    RETURN_IF_ERROR(optimizer_operator_new(state, PLAN_OP_INDEX_JOIN, node->column_count, &op));
    op->inputs[0] = outer.op;
    op->rows = node->rows;
    op->index_join.kind = node->join.kind;
    op->index_join.index_id = self->index ? self->index->id : 0;
    op->index_join.key_count = self->key_count;
    RETURN_IF_ERROR(make_access(state, self, &needed, op, &inner));
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    optimizer_bind(state, &outer, 0);
    RETURN_IF_ERROR(
        optimizer_resolve_all(state, self->keys, self->key_count, &op->index_join.keys));
    optimizer_bind(state, &inner, outer.op->column_count);
    RETURN_IF_ERROR(optimizer_resolve(state, residual, &op->index_join.residual));
    return make_outputs(state, node, request, op, out);
}

base_status optimizer_try_index_join(optimizer_state *state, plan_node *node,
                                     const optimizer_request *request,
                                     const optimizer_join_keys *keys, optimizer_physical *out,
                                     bool *done)
{
    plan_join_kind kind = node->join.kind;
    bool inner = kind == PLAN_JOIN_INNER;
    *done = false;
    if (!state->options->rules || !keys->left.count ||
        (!inner && kind != PLAN_JOIN_LEFT && kind != PLAN_JOIN_SEMI && kind != PLAN_JOIN_ANTI))
        return BASE_OK;
    lookup best;
    double least = 0;
    for (uint32_t turned = 0; turned < (inner ? 2u : 1u); turned++) {
        lookup one;
        double looked_up, hashed;
        bool found = false;
        RETURN_IF_ERROR(find_lookup(state, node->inputs[turned], node->inputs[!turned], keys,
                                    turned, &one, &found));
        if (!found)
            continue;
        weigh(state, node, &one, request->row_goal, &looked_up, &hashed);
        if (looked_up >= hashed || (*done && looked_up >= least))
            continue;
        best = one;
        least = looked_up;
        *done = true;
    }
    return *done ? make_index_join(state, node, request, keys, &best, out) : BASE_OK;
}
