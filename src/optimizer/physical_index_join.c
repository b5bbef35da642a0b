/*
 * physical_index_join.c - joins that look rows up.
 *
 * If the outer side has few rows, or a LIMIT above asks for few, finding each one's partners
 * by rowid or index beats reading the whole inner table. The inner side must be a base table
 * itself; its filter is applied to what is found.
 *
 * With a row goal both ways are weighed by what they do until the goal is met: a hash join builds
 * its side whole and probes for a part of the other, lookups do all their work for that part.
 */
#include "optimizer/optimizer_int.h"

static const double SMALLEST_SLICE = 128, SMALLEST_TABLE = 1000;

typedef struct lookup {
    plan_node *outer, *inner;
    const plan_node *renames;   /* projection that names the inner columns anew, or NULL */
    const catalog_index *index; /* NULL: by rowid */
    uint32_t key_count;
    plan_expr *keys[TABLE_MAX_KEY_PARTS]; /* over the outer side, or constants */
    bool used[64];                        /* by join key: part of the lookup */
    double matches;                       /* rows found per lookup */
} lookup;

/* The base table that the join's input reads, bare but for new names; NULL: it does more. */
static plan_node *scan_below(plan_node *input, const plan_node **renames)
{
    *renames = NULL;
    if (input->kind == PLAN_SCAN)
        return input;
    if (input->kind != PLAN_PROJECT || input->inputs[0]->kind != PLAN_SCAN)
        return NULL;
    for (uint32_t i = 0; i < input->column_count; i++) {
        if (input->project.outputs[i].expr->kind != PLAN_EXPR_COLUMN)
            return NULL;
    }
    *renames = input;
    return input->inputs[0];
}

/* The scan's name of a column of the join's input. */
static plan_column own_name(const lookup *self, plan_column column)
{
    for (uint32_t i = 0; self->renames && i < self->renames->column_count; i++) {
        if (self->renames->project.outputs[i].column == column)
            return self->renames->project.outputs[i].expr->column;
    }
    return column;
}

static uint32_t inner_column(const lookup *self, const plan_expr *expr)
{
    const plan_node *inner = self->inner;
    if (expr->kind != PLAN_EXPR_COLUMN)
        return TABLE_ROWID - 1; /* none: no relation has as many columns */
    plan_column column = own_name(self, expr->column);
    for (uint32_t i = 0; i < inner->column_count; i++) {
        if (inner->columns[i] == column)
            return optimizer_relation_column(inner->scan.table, inner->scan.column_ids[i]);
    }
    return TABLE_ROWID - 1;
}

/* The join key that compares the relation's column, or -1. */
static int32_t find_key(const lookup *self, const optimizer_join_keys *keys, bool turned,
                        uint32_t column)
{
    const optimizer_list *side = turned ? &keys->left : &keys->right;
    for (uint32_t i = 0; i < side->count && i < 64; i++) {
        if (!keys->null_equal[i] && inner_column(self, side->items[i]) == column)
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
static bool fits_index(const catalog_index *index, const optimizer_join_keys *keys, bool turned,
                       const optimizer_test *tests, uint32_t test_count, lookup *self)
{
    bool any = false;
    self->index = index;
    for (uint32_t part = 0; part < index->part_count; part++) {
        uint32_t column = index->parts[part].column;
        int32_t key = find_key(self, keys, turned, column);
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
    const plan_node *renames;
    *found = false;
    inner = scan_below(inner, &renames);
    if (!inner)
        return BASE_OK;
    *best = (lookup){.outer = outer, .inner = inner, .renames = renames};
    int32_t key = find_key(best, keys, turned, TABLE_ROWID);
    if (key >= 0) {
        use_key(best, keys, turned, key);
        best->matches = 1;
        *found = true;
        return BASE_OK;
    }
    RETURN_IF_ERROR(optimizer_find_tests(state, inner, &tests, &test_count));
    const catalog_table *table = inner->scan.table;
    for (uint32_t i = 0; i < table->index_count; i++) {
        lookup one = {.outer = outer, .inner = inner, .renames = renames};
        if (!fits_index(table->indexes[i], keys, turned, tests, test_count, &one))
            continue;
        one.matches = matches_of(state, &one, keys, turned);
        if (!*found || one.matches < best->matches)
            *best = one;
        *found = true;
    }
    return BASE_OK;
}

/* Share of the join's work that is done until the goal is met. */
static double goal_share(const plan_node *node, double goal)
{
    return goal <= 0 || node->rows <= goal ? 1 : goal / node->rows;
}

/* Outer rows that are read until then. */
static double outer_rows(const plan_node *node, const plan_node *outer, double goal)
{
    return BASE_MAX(outer->rows * goal_share(node, goal), 1.0);
}

/* Under a goal, rows go through in slices that double: half a slice too many on average. */
static double whole_slices(double rows, double all)
{
    return BASE_MIN(BASE_MAX(rows * 1.5, SMALLEST_SLICE), all);
}

/* What the lookups cost. Under a goal an INNER join stops between rows that it has found; one that
 * asks for a partner answers a slice of outer rows at a time. */
static base_status cost_of_lookups(optimizer_state *state, const plan_node *node,
                                   const lookup *self, const optimizer_join_keys *keys,
                                   const optimizer_request *request, double *cost)
{
    double table = BASE_MAX(optimizer_table_rows(state, self->inner->scan.table), SMALLEST_TABLE);
    double outer = outer_rows(node, self->outer, request->row_goal), fetched = self->matches;
    uint32_t width;
    RETURN_IF_ERROR(optimizer_read_width(state, self->inner, &request->columns, &width));
    if (!self->index) {
        *cost = outer * optimizer_cost_rowid(table, width);
        return BASE_OK;
    }
    if (node->join.kind == PLAN_JOIN_SEMI || node->join.kind == PLAN_JOIN_ANTI) {
        if (request->row_goal > 0)
            outer = whole_slices(outer, self->outer->rows);
        if (!self->inner->scan.filter && !keys->residual.count &&
            self->key_count == keys->left.count)
            fetched = 1; /* the first partner decides */
    }
    fetched = BASE_MAX(outer * fetched, BASE_MIN(SMALLEST_SLICE, self->outer->rows * fetched));
    *cost = outer * optimizer_cost_seek(table) + fetched * optimizer_cost_entry(table, width);
    return BASE_OK;
}

/* What the cheapest hash join costs beyond reading the outer rows that lookups read, too. */
static base_status cost_of_hashing(optimizer_state *state, const plan_node *node,
                                   const lookup *self, const optimizer_request *request,
                                   double *cost)
{
    double goal = request->row_goal, inner = self->inner->rows, all = self->outer->rows;
    double table = BASE_MAX(optimizer_table_rows(state, self->inner->scan.table), SMALLEST_TABLE);
    double outer = outer_rows(node, self->outer, goal);
    uint32_t width;
    RETURN_IF_ERROR(optimizer_read_width(state, self->inner, &request->columns, &width));
    double build_inner = optimizer_cost_scan(table, width) + optimizer_cost_build(inner) +
                         optimizer_cost_probe(outer, inner);
    *cost = build_inner;
    /* Kept rows that are flagged come out when all has been probed, and without the outer order. */
    if (request->order_count || (goal > 0 && node->join.kind != PLAN_JOIN_INNER))
        return BASE_OK;
    double build_outer = optimizer_cost_scan(table * goal_share(node, goal), width) +
                         optimizer_cost_scan(all - outer, 1) + optimizer_cost_build(all) +
                         optimizer_cost_probe(inner * goal_share(node, goal), all);
    *cost = BASE_MIN(build_inner, build_outer);
    return BASE_OK;
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
    for (uint32_t i = 0; self->renames && i < self->renames->column_count; i++) {
        const plan_output *output = &self->renames->project.outputs[i];
        if (plan_set_has(&needed, output->column))
            RETURN_IF_ERROR(optimizer_set_add(state, &needed, output->expr->column));
    }
    RETURN_IF_ERROR(optimizer_set_add_expr(state, &needed, self->inner->scan.filter));
    RETURN_IF_ERROR(optimizer_pass_filters(state, request, self->outer, &below));
    RETURN_IF_ERROR(optimizer_pass_order(state, node, self->outer, request, &below));
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
    for (uint32_t i = 0; self->renames && i < self->renames->column_count; i++) {
        const plan_output *output = &self->renames->project.outputs[i];
        if (state->slots[output->expr->column] >= 0)
            optimizer_bind_column(state, output->column,
                                  (uint32_t)state->slots[output->expr->column]);
    }
    RETURN_IF_ERROR(optimizer_resolve(state, residual, &op->index_join.residual));
    out->ordered = outer.ordered;
    out->presorted = outer.presorted;
    return make_outputs(state, node, request, op, out);
}

/* ---- The choice ------------------------------------------------------------------------------ */

static bool looks_up(const optimizer_state *state, const plan_node *node,
                     const optimizer_join_keys *keys)
{
    plan_join_kind kind = node->join.kind;
    return state->options->rules && keys->left.count &&
           (kind == PLAN_JOIN_INNER || kind == PLAN_JOIN_LEFT || kind == PLAN_JOIN_SEMI ||
            kind == PLAN_JOIN_ANTI);
}

base_status optimizer_join_cost(optimizer_state *state, plan_node *node,
                                const optimizer_join_keys *keys, const optimizer_request *request,
                                uint32_t outer, double *cost)
{
    lookup one = {.outer = node->inputs[outer], .inner = node->inputs[!outer]};
    bool found = false;
    const plan_node *inner = node->inputs[!outer];
    double looked_up;
    *cost = optimizer_cost_scan(inner->rows, 1) + optimizer_cost_build(inner->rows) +
            optimizer_cost_probe(outer_rows(node, one.outer, request->row_goal), inner->rows);
    if (!looks_up(state, node, keys))
        return BASE_OK;
    RETURN_IF_ERROR(find_lookup(state, one.outer, one.inner, keys, outer, &one, &found));
    if (!found)
        return BASE_OK;
    RETURN_IF_ERROR(cost_of_hashing(state, node, &one, request, cost));
    RETURN_IF_ERROR(cost_of_lookups(state, node, &one, keys, request, &looked_up));
    *cost = BASE_MIN(*cost, looked_up);
    return BASE_OK;
}

base_status optimizer_try_index_join(optimizer_state *state, plan_node *node,
                                     const optimizer_request *request,
                                     const optimizer_join_keys *keys, optimizer_physical *out,
                                     bool *done)
{
    lookup best;
    double least = 0;
    *done = false;
    if (!looks_up(state, node, keys))
        return BASE_OK;
    for (uint32_t turned = 0; turned < (node->join.kind == PLAN_JOIN_INNER ? 2u : 1u); turned++) {
        lookup one;
        double looked_up, hashed;
        bool found = false;
        if (request->order_count && (int32_t)turned != optimizer_order_side(node, request))
            continue;
        RETURN_IF_ERROR(find_lookup(state, node->inputs[turned], node->inputs[!turned], keys,
                                    turned, &one, &found));
        if (!found)
            continue;
        RETURN_IF_ERROR(cost_of_lookups(state, node, &one, keys, request, &looked_up));
        RETURN_IF_ERROR(cost_of_hashing(state, node, &one, request, &hashed));
        if (looked_up >= hashed || (*done && looked_up >= least))
            continue;
        best = one;
        least = looked_up;
        *done = true;
    }
    return *done ? make_index_join(state, node, request, keys, &best, out) : BASE_OK;
}
