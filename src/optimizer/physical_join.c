/*
 * physical_join.c - which operator runs a join.
 *
 * Equalities between the sides become hash keys, whatever else the condition says stays as
 * residual; without an equality the right side is kept and looped over. The build side is
 * the smaller one where the kind allows it. A base table of which few rows are wanted is
 * looked up instead (physical_index_join.c).
 *
 * Where probe rows without a partner have no effect, the build side publishes filters of its
 * keys to scans below the probe side. They travel down with the request; the join keeps
 * those that found a scan.
 *
 * MARK joins follow SQL's IN: the mark is the three-valued OR, over the right rows, of the
 * three-valued condition. As a hash join that holds when every key and the residual are
 * part of that condition; keys with null_equal are never NULL themselves.
 */
#include "optimizer/optimizer_int.h"

static const double FILTER_WORTHWHILE = 0.5; /* build rows by probe rows */

/* ---- Keys ---------------------------------------------------------------------------------- */

/* Sorts one conjunct: a key when one side of an equality uses the left input only and the
 * other the right input only. */
static base_status sort_conjunct(optimizer_state *state, plan_expr *expr,
                                 const plan_column_set *left, const plan_column_set *right,
                                 optimizer_join_keys *keys)
{
    bool equality = expr->kind == PLAN_EXPR_COMPARE && expr->comparison == VECTOR_EQUAL;
    bool same = expr->kind == PLAN_EXPR_DISTINCT_FROM && expr->negated;
    if ((equality || same) && !plan_expr_is_volatile(expr)) {
        for (uint32_t turned = 0; turned < 2; turned++) {
            plan_expr *a = expr->arguments[turned], *b = expr->arguments[!turned];
            bool within[2] = {false, false}, touches[2] = {false, false};
            RETURN_IF_ERROR(optimizer_expr_within(state, a, left, &within[0]));
            RETURN_IF_ERROR(optimizer_expr_within(state, b, right, &within[1]));
            RETURN_IF_ERROR(optimizer_expr_touches(state, a, left, &touches[0]));
            RETURN_IF_ERROR(optimizer_expr_touches(state, b, right, &touches[1]));
            if (!within[0] || !within[1] || !touches[0] || !touches[1]) /* constants: no keys */
                continue;
            keys->null_equal[keys->left.count] = same;
            RETURN_IF_ERROR(optimizer_list_add(state, &keys->left, a));
            return optimizer_list_add(state, &keys->right, b);
        }
    }
    return optimizer_list_add(state, &keys->residual, expr);
}

static base_status find_keys(optimizer_state *state, const plan_node *node,
                             optimizer_join_keys *keys)
{
    optimizer_list conjuncts = {0};
    plan_column_set left = optimizer_set(state), right = optimizer_set(state);
    RETURN_IF_ERROR(optimizer_split(state, node->join.condition, &conjuncts));
    RETURN_IF_ERROR(optimizer_set_add_node(state, &left, node->inputs[0]));
    RETURN_IF_ERROR(optimizer_set_add_node(state, &right, node->inputs[1]));
    *keys = (optimizer_join_keys){.null_equal = base_arena_allocate_array(
                                      state->arena, conjuncts.count, sizeof *keys->null_equal)};
    if (!keys->null_equal)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < conjuncts.count; i++)
        RETURN_IF_ERROR(sort_conjunct(state, conjuncts.items[i], &left, &right, keys));
    return BASE_OK;
}

/* ---- Filters --------------------------------------------------------------------------------- */

/* Wishes from above that the input can answer. A side whose rows are kept without partner
 * must not lose any, so the caller asks only for sides that may. */
base_status optimizer_pass_filters(optimizer_state *state, const optimizer_request *from,
                                   const plan_node *input, optimizer_request *to)
{
    optimizer_filter_wish *wishes = base_arena_allocate_array(
        state->arena, (size_t)to->filter_count + from->filter_count, sizeof *wishes);
    if (!wishes)
        return optimizer_no_memory(state);
    uint32_t count = 0;
    for (; count < to->filter_count; count++)
        wishes[count] = to->filters[count];
    for (uint32_t i = 0; i < from->filter_count; i++) {
        if (optimizer_node_has(input, from->filters[i].column))
            wishes[count++] = from->filters[i];
    }
    to->filters = wishes;
    to->filter_count = count;
    return BASE_OK;
}

static bool drops_probe_rows(const plan_node *node, bool build_is_left)
{
    if (build_is_left)
        return true; /* the right side only serves the kept left rows */
    return node->join.kind == PLAN_JOIN_INNER || node->join.kind == PLAN_JOIN_SEMI;
}

/* Asks the probe side's scans for filters on the keys; *filters has one entry per wish. */
static base_status wish_filters(optimizer_state *state, const optimizer_list *probe_keys,
                                const bool *null_equal, optimizer_request *request,
                                plan_join_filter **filters, uint32_t *filter_count)
{
    uint32_t count = probe_keys->count;
    optimizer_filter_wish *wishes = base_arena_allocate_array(
        state->arena, (size_t)count + request->filter_count, sizeof *wishes);
    *filters = base_arena_allocate_array(state->arena, count, sizeof **filters);
    if (!wishes || !*filters)
        return optimizer_no_memory(state);
    uint32_t total = 0;
    for (; total < request->filter_count; total++)
        wishes[total] = request->filters[total];
    *filter_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (probe_keys->items[i]->kind != PLAN_EXPR_COLUMN || null_equal[i])
            continue;
        uint32_t id = state->join_filter_count++;
        wishes[total++] = (optimizer_filter_wish){id, probe_keys->items[i]->column};
        (*filters)[(*filter_count)++] = (plan_join_filter){id, i};
    }
    request->filters = wishes;
    request->filter_count = total;
    return BASE_OK;
}

/* Keeps the filters that a scan took. Wishes are copied on their way down, so scans record
 * what they took in the state. */
static void keep_taken(const optimizer_state *state, plan_operator *op, plan_join_filter *filters,
                       uint32_t count)
{
    op->join.filters = filters;
    for (uint32_t i = 0; i < count; i++) {
        if (plan_set_has(&state->taken_filters, (plan_column)filters[i].id))
            filters[op->join.filter_count++] = filters[i];
    }
}

/* ---- Orders ---------------------------------------------------------------------------------- */

int32_t optimizer_order_side(const plan_node *join, const optimizer_request *request)
{
    plan_join_kind kind = join->join.kind;
    if (kind != PLAN_JOIN_INNER && kind != PLAN_JOIN_SEMI && kind != PLAN_JOIN_ANTI &&
        kind != PLAN_JOIN_MARK)
        return -1; /* the others do not keep the order of a side */
    for (int32_t side = 0; side < (kind == PLAN_JOIN_INNER ? 2 : 1); side++) {
        uint32_t have = 0;
        for (uint32_t i = 0; i < request->order_count; i++) {
            const plan_expr *key = request->order[i].expr;
            have += key->kind == PLAN_EXPR_COLUMN &&
                    optimizer_node_has(join->inputs[side], key->column);
        }
        if (have == request->order_count)
            return side;
    }
    return -1;
}

base_status optimizer_pass_order(optimizer_state *state, const plan_node *join,
                                 const plan_node *streaming, const optimizer_request *request,
                                 optimizer_request *below)
{
    below->order = request->order;
    below->order_count = request->order_count;
    below->any_order = request->any_order;
    below->partial_order = request->partial_order;
    below->unordered_cost = request->unordered_cost;
    if (request->row_goal > 0 && join->rows > 0)
        below->row_goal =
            BASE_MAX(BASE_MIN(request->row_goal / join->rows, 1.0) * streaming->rows, 1.0);
    return BASE_OK;
}

static double rows_behind(const optimizer_state *state, const plan_node *node)
{
    while (node->kind == PLAN_PROJECT || node->kind == PLAN_FILTER)
        node = node->inputs[0];
    return node->kind == PLAN_SCAN ? optimizer_table_rows(state, node->scan.table) : node->rows;
}

/* What of the wish for an order is worth keeping: all of it, where an input has that order and
 * streaming it until the goal is met is the cheapest way; otherwise neither order nor goal. */
static base_status settle_order(optimizer_state *state, plan_node *node,
                                const optimizer_join_keys *keys, const optimizer_request *request,
                                optimizer_request *own)
{
    optimizer_request ordered = {.columns = request->columns}, free_of = *request;
    *own = *request;
    if (!request->order_count)
        return BASE_OK;
    free_of.order = NULL;
    free_of.order_count = 0;
    free_of.row_goal = 0;
    *own = free_of;
    int32_t side = optimizer_order_side(node, request);
    if (side < 0 || request->row_goal <= 0 || !state->options->rules || node->rows <= 0 ||
        !keys->left.count)
        return BASE_OK;
    plan_node *outer = node->inputs[side];
    bool met = false;
    RETURN_IF_ERROR(optimizer_pass_order(state, node, outer, request, &ordered));
    RETURN_IF_ERROR(optimizer_meets_order(state, outer, &ordered, &met));
    if (!met)
        return BASE_OK;
    double streamed, left, right, all = rows_behind(state, outer);
    double share = BASE_MIN(request->row_goal / node->rows, 1.0);
    RETURN_IF_ERROR(optimizer_join_cost(state, node, keys, request, (uint32_t)side, &streamed));
    RETURN_IF_ERROR(optimizer_join_cost(state, node, keys, &free_of, 0, &left));
    right = left;
    if (node->join.kind == PLAN_JOIN_INNER)
        RETURN_IF_ERROR(optimizer_join_cost(state, node, keys, &free_of, 1, &right));
    left += optimizer_cost_scan(rows_behind(state, node->inputs[0]), 1);
    right += optimizer_cost_scan(rows_behind(state, node->inputs[1]), 1);
    double sorted = request->unordered_cost > 0 ? request->unordered_cost
                                                : optimizer_cost_sort(node->rows, true);
    if (streamed + optimizer_cost_scan(all * share, 1) < BASE_MIN(left, right) + sorted)
        *own = *request;
    return BASE_OK;
}

/* ---- Sides ----------------------------------------------------------------------------------- */

typedef enum join_build {
    BUILD_RIGHT,
    BUILD_LEFT_TURNED, /* INNER: the inputs are exchanged, nothing else changes */
    BUILD_LEFT,        /* the kept side is the logical left */
} join_build;

/* Input 0 probes; the smaller side is built. With a row goal the left side streams. */
static join_build choose_build(const optimizer_state *state, const plan_node *node,
                               const optimizer_request *request, bool keyed)
{
    double left = node->inputs[0]->rows, right = node->inputs[1]->rows;
    if (!state->options->rules || left < 0 || right < 0)
        return BUILD_RIGHT;
    if (request->order_count)
        return optimizer_order_side(node, request) == 1 ? BUILD_LEFT_TURNED : BUILD_RIGHT;
    switch (node->join.kind) {
    case PLAN_JOIN_INNER:
        return left < right ? BUILD_LEFT_TURNED : BUILD_RIGHT;
    case PLAN_JOIN_LEFT:
    case PLAN_JOIN_SEMI:
    case PLAN_JOIN_ANTI:
        /* Kept rows are flagged and come out late: worth it for a clear difference only. */
        return keyed && left * 2 < right && (request->row_goal <= 0 || left <= request->row_goal)
                   ? BUILD_LEFT
                   : BUILD_RIGHT;
    default:
        return BUILD_RIGHT;
    }
}

/* Columns that the join's output must have, as slots of probe ++ build (++ mark). */
static base_status choose_outputs(optimizer_state *state, const plan_node *node,
                                  const optimizer_request *request, plan_operator *op,
                                  uint32_t mark_slot, optimizer_physical *out)
{
    uint32_t count = 0;
    plan_column *kept = base_arena_allocate_array(state->arena, node->column_count, sizeof *kept);
    op->join.output_slots =
        base_arena_allocate_array(state->arena, node->column_count, sizeof *op->join.output_slots);
    if (!kept || !op->join.output_slots)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < node->column_count; i++) {
        plan_column column = node->columns[i];
        if (!plan_set_has(&request->columns, column))
            continue;
        bool mark = node->join.kind == PLAN_JOIN_MARK && column == node->join.mark;
        if (!mark && state->slots[column] < 0)
            return base_error_set(state->error, BASE_INTERNAL,
                                  "column #%d is not produced below a join", (int)column);
        op->join.output_slots[count] = mark ? mark_slot : (uint32_t)state->slots[column];
        kept[count++] = column;
    }
    op->column_count = count;
    return optimizer_set_layout(state, op, kept, out);
}

/* Translates probe and build side, with the filters that go between them. */
static base_status translate_sides(optimizer_state *state, plan_node *node,
                                   const optimizer_request *request,
                                   const optimizer_join_keys *keys, join_build build,
                                   plan_operator *op, optimizer_physical *probe,
                                   optimizer_physical *kept)
{
    bool left_built = build != BUILD_RIGHT;
    plan_node *probe_node = node->inputs[left_built ? 1 : 0];
    plan_node *build_node = node->inputs[left_built ? 0 : 1];
    plan_join_filter *filters = NULL;
    uint32_t filter_count = 0;
    optimizer_request below = {.columns = optimizer_set(state)}, other;
    RETURN_IF_ERROR(optimizer_set_union(state, &below.columns, &request->columns));
    RETURN_IF_ERROR(optimizer_set_add_expr(state, &below.columns, node->join.condition));
    other = below;
    plan_join_kind kind = node->join.kind;
    /* Rows of the logical left side may be dropped unless FULL keeps them with NULLs; those
     * of the right side only where they do not decide what happens to a left row. */
    if (kind != PLAN_JOIN_FULL) {
        plan_node *left = node->inputs[0], *right = node->inputs[1];
        RETURN_IF_ERROR(optimizer_pass_filters(state, request, left, left_built ? &other : &below));
        if (kind == PLAN_JOIN_INNER)
            RETURN_IF_ERROR(
                optimizer_pass_filters(state, request, right, left_built ? &below : &other));
    }
    if (build != BUILD_LEFT)
        RETURN_IF_ERROR(optimizer_pass_order(state, node, probe_node, request, &below));
    if (state->options->join_filters && state->options->rules && keys->left.count &&
        drops_probe_rows(node, build == BUILD_LEFT) && build_node->rows >= 0 &&
        build_node->rows <= probe_node->rows * FILTER_WORTHWHILE)
        RETURN_IF_ERROR(wish_filters(state, left_built ? &keys->right : &keys->left,
                                     keys->null_equal, &below, &filters, &filter_count));
    RETURN_IF_ERROR(optimizer_translate(state, probe_node, &below, probe));
    RETURN_IF_ERROR(optimizer_translate(state, build_node, &other, kept));
    keep_taken(state, op, filters, filter_count);
    return BASE_OK;
}

base_status optimizer_translate_join(optimizer_state *state, plan_node *node,
                                     const optimizer_request *request, optimizer_physical *out)
{
    optimizer_join_keys keys;
    optimizer_physical probe = {0}, kept = {0};
    optimizer_request settled;
    plan_expr *residual;
    plan_operator *op;
    bool done = false;
    RETURN_IF_ERROR(find_keys(state, node, &keys));
    RETURN_IF_ERROR(settle_order(state, node, &keys, request, &settled));
    request = &settled;
    RETURN_IF_ERROR(optimizer_try_index_join(state, node, request, &keys, out, &done));
    if (done)
        return BASE_OK;
    bool keyed = keys.left.count > 0;
    join_build build = choose_build(state, node, request, keyed);
    bool turned = build != BUILD_RIGHT;
    RETURN_IF_ERROR(optimizer_conjunction(state, &keys.residual, &residual));
    RETURN_IF_ERROR(optimizer_operator_new(state, keyed ? PLAN_OP_HASH_JOIN : PLAN_OP_NESTED_LOOP,
                                           node->column_count, &op));
    RETURN_IF_ERROR(translate_sides(state, node, request, &keys, build, op, &probe, &kept));
    op->inputs[0] = probe.op;
    op->inputs[1] = kept.op;
    op->rows = node->rows;
    op->join.kind = node->join.kind;
    op->position = node->position;
    op->join.build_is_left = build == BUILD_LEFT;
    op->join.key_count = keys.left.count;
    op->join.null_equal = keys.null_equal;
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    optimizer_bind(state, &probe, 0);
    RETURN_IF_ERROR(optimizer_resolve_all(state, turned ? keys.right.items : keys.left.items,
                                          keys.left.count, &op->join.left_keys));
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    optimizer_bind(state, &kept, 0);
    RETURN_IF_ERROR(optimizer_resolve_all(state, turned ? keys.left.items : keys.right.items,
                                          keys.left.count, &op->join.right_keys));
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    optimizer_bind(state, &probe, 0);
    optimizer_bind(state, &kept, probe.op->column_count);
    RETURN_IF_ERROR(optimizer_resolve(state, residual, &op->join.residual));
    out->ordered = keyed && probe.ordered; /* nested loops turn as their sides' sizes say */
    out->presorted = keyed ? probe.presorted : 0;
    return choose_outputs(state, node, request, op, probe.op->column_count + kept.op->column_count,
                          out);
}
