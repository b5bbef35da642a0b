/*
 * physical_aggregate.c - grouping, DISTINCT and windows.
 *
 * DISTINCT over all columns is grouping by them without aggregates, one operator less to
 * write and to make fast. DISTINCT ON keeps the first row of each key in input order and
 * has its own operator. Aggregates and windows that nobody reads are dropped here.
 *
 * Under a LIMIT, groups and partitions that come one after the other end the reading early: the
 * input is asked for rows that are equal in the keys to stand together, or for the order that the
 * groups are wanted in. What comes grouped by all keys is aggregated in order; what comes grouped
 * by some of them, slice by slice.
 */
#include "optimizer/optimizer_int.h"

static base_status need_keys(optimizer_state *state, plan_column_set *set,
                             const plan_sort_key *keys, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(optimizer_set_add_expr(state, set, keys[i].expr));
    return BASE_OK;
}

static base_status need_exprs(optimizer_state *state, plan_column_set *set, plan_expr *const *exprs,
                              uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(optimizer_set_add_expr(state, set, exprs[i]));
    return BASE_OK;
}

static base_status need_aggregate(optimizer_state *state, plan_column_set *set,
                                  const plan_aggregate *aggregate)
{
    RETURN_IF_ERROR(need_exprs(state, set, aggregate->arguments, aggregate->argument_count));
    RETURN_IF_ERROR(optimizer_set_add_expr(state, set, aggregate->filter));
    return need_keys(state, set, aggregate->order, aggregate->order_count);
}

static base_status resolve_aggregate(optimizer_state *state, const plan_aggregate *from,
                                     plan_aggregate *to)
{
    *to = *from;
    to->distinct = from->distinct && !from->function->distinct_is_noop;
    if (!from->function->order_sensitive && !from->distinct)
        to->order_count = 0;
    RETURN_IF_ERROR(
        optimizer_resolve_all(state, from->arguments, from->argument_count, &to->arguments));
    RETURN_IF_ERROR(optimizer_resolve(state, from->filter, &to->filter));
    return optimizer_resolve_keys(state, from->order, to->order_count, &to->order);
}

/* ---- Orders of groups ------------------------------------------------------------------------ */

/* The wish that rows equal in the expressions stand together, for a consumer that gives `groups`
 * groups of `rows` rows and is asked for `goal` of them. */
static base_status wish_groups(optimizer_state *state, plan_expr *const *exprs, uint32_t count,
                               optimizer_request *below)
{
    plan_sort_key *keys = base_arena_allocate_array(state->arena, count, sizeof *keys);
    if (!keys)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < count; i++)
        keys[i] = (plan_sort_key){.expr = exprs[i]};
    below->order = keys;
    below->order_count = count;
    below->any_order = below->partial_order = true;
    return BASE_OK;
}

/* The wish for the order of the groups: the request's keys as group keys, then the other group
 * keys, so that groups are whole. No wish when a key of the request is no group key. */
static base_status wish_order(optimizer_state *state, const plan_node *node,
                              const optimizer_request *request, optimizer_request *below)
{
    uint32_t count = node->aggregate.key_count, total = 0;
    plan_sort_key *keys = base_arena_allocate_array(state->arena, count, sizeof *keys);
    bool *used = base_arena_allocate_zeroed(state->arena, count * sizeof *used);
    if (!keys || !used)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < request->order_count; i++) {
        const plan_expr *wanted = request->order[i].expr;
        uint32_t k = 0;
        while (k < count && (wanted->kind != PLAN_EXPR_COLUMN ||
                             node->aggregate.keys[k].column != wanted->column))
            k++;
        if (k == count)
            return BASE_OK;
        if (used[k])
            continue;
        used[k] = true;
        keys[total] = request->order[i];
        keys[total++].expr = node->aggregate.keys[k].expr;
    }
    for (uint32_t k = 0; k < count; k++) {
        if (!used[k])
            keys[total++] = (plan_sort_key){.expr = node->aggregate.keys[k].expr};
    }
    below->order = keys;
    below->order_count = total;
    return BASE_OK;
}

/* What the grouping asks of its input under a LIMIT. */
static base_status wish_for_groups(optimizer_state *state, const plan_node *node,
                                   plan_expr *const *keys, const optimizer_request *request,
                                   optimizer_request *below)
{
    uint32_t count = node->aggregate.key_count;
    double rows = node->inputs[0]->rows, groups = BASE_MAX(node->rows, 1.0);
    if (request->row_goal <= 0 || !count || count > OPTIMIZER_MAX_ORDER || !state->options->rules ||
        request->any_order)
        return BASE_OK;
    below->unordered_cost = optimizer_cost_group(rows, groups);
    if (request->order_count) {
        RETURN_IF_ERROR(wish_order(state, node, request, below));
        below->unordered_cost += optimizer_cost_sort(groups, true);
    } else {
        RETURN_IF_ERROR(wish_groups(state, keys, count, below));
    }
    if (below->order_count)
        below->row_goal = BASE_MIN(request->row_goal / groups, 1.0) * rows;
    return BASE_OK;
}

/* Puts the keys that the input comes grouped by first; how many they are. */
static uint32_t presorted_first(uint64_t presorted, plan_expr **keys, plan_column *columns,
                                uint32_t count)
{
    uint32_t first = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!(presorted >> i & 1))
            continue;
        plan_expr *key = keys[i];
        plan_column column = columns ? columns[i] : PLAN_NO_COLUMN;
        for (uint32_t k = i; k > first; k--) {
            keys[k] = keys[k - 1];
            if (columns)
                columns[k] = columns[k - 1];
        }
        keys[first] = key;
        if (columns)
            columns[first] = column;
        first++;
    }
    return first;
}

/* ---- Groups ---------------------------------------------------------------------------------- */

/* The aggregates that somebody reads, and the columns of the output: keys, then these. */
static base_status choose_aggregates(optimizer_state *state, const plan_node *node,
                                     const optimizer_request *request, plan_column *columns,
                                     const plan_aggregate **kept, uint32_t *count,
                                     plan_column_set *needed)
{
    uint32_t key_count = node->aggregate.key_count;
    *count = 0;
    for (uint32_t i = 0; i < key_count; i++)
        columns[i] = node->aggregate.keys[i].column;
    for (uint32_t i = 0; i < node->aggregate.aggregate_count; i++) {
        const plan_aggregate *aggregate = &node->aggregate.aggregates[i];
        if (!plan_set_has(&request->columns, aggregate->column))
            continue;
        columns[key_count + *count] = aggregate->column;
        kept[(*count)++] = aggregate;
        RETURN_IF_ERROR(need_aggregate(state, needed, aggregate));
    }
    return BASE_OK;
}

static base_status make_grouping(optimizer_state *state, const plan_node *node,
                                 const optimizer_physical *input, plan_expr **keys,
                                 plan_column *columns, const plan_aggregate *const *kept,
                                 uint32_t count, optimizer_physical *out)
{
    uint32_t key_count = node->aggregate.key_count;
    plan_operator_kind kind =
        input->ordered && key_count ? PLAN_OP_ORDERED_AGGREGATE : PLAN_OP_HASH_AGGREGATE;
    plan_operator *op;
    uint32_t presorted =
        input->ordered ? key_count : presorted_first(input->presorted, keys, columns, key_count);
    RETURN_IF_ERROR(optimizer_operator_new(state, kind, key_count + count, &op));
    op->inputs[0] = input->op;
    op->rows = node->rows;
    op->aggregate.key_count = key_count;
    op->aggregate.aggregate_count = count;
    op->aggregate.presorted = presorted;
    op->aggregate.aggregates =
        base_arena_allocate_array(state->arena, count, sizeof *op->aggregate.aggregates);
    if (!op->aggregate.aggregates)
        return optimizer_no_memory(state);
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    optimizer_bind(state, input, 0);
    RETURN_IF_ERROR(optimizer_resolve_all(state, keys, key_count, &op->aggregate.keys));
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(resolve_aggregate(state, kept[i], &op->aggregate.aggregates[i]));
    return optimizer_set_layout(state, op, columns, out);
}

static base_status translate_grouping(optimizer_state *state, plan_node *node,
                                      const optimizer_request *request, optimizer_physical *out)
{
    optimizer_request below = {.columns = optimizer_set(state)};
    optimizer_physical input;
    uint32_t key_count = node->aggregate.key_count, count;
    uint32_t total = key_count + node->aggregate.aggregate_count;
    plan_column *columns = base_arena_allocate_array(state->arena, total, sizeof *columns);
    const plan_aggregate **kept = base_arena_allocate_array(state->arena, total, sizeof *kept);
    plan_expr **keys = base_arena_allocate_array(state->arena, key_count, sizeof *keys);
    if (!columns || !kept || !keys)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < key_count; i++)
        keys[i] = node->aggregate.keys[i].expr;
    RETURN_IF_ERROR(choose_aggregates(state, node, request, columns, kept, &count, &below.columns));
    RETURN_IF_ERROR(need_exprs(state, &below.columns, keys, key_count));
    /* Whole groups vanish: those whose key has no partner above. */
    RETURN_IF_ERROR(
        optimizer_filters_below(state, node->aggregate.keys, key_count, request, &below));
    if (!count) {
        optimizer_request order = {0};
        bool done = false;
        if (request->order_count && !request->any_order)
            RETURN_IF_ERROR(wish_order(state, node, request, &order));
        RETURN_IF_ERROR(optimizer_try_skip_scan(state, node, node->inputs[0], keys, key_count,
                                                columns, request, &order, out, &done));
        if (done)
            return BASE_OK;
    }
    RETURN_IF_ERROR(wish_for_groups(state, node, keys, request, &below));
    RETURN_IF_ERROR(optimizer_translate(state, node->inputs[0], &below, &input));
    RETURN_IF_ERROR(make_grouping(state, node, &input, keys, columns, kept, count, out));
    /* The wish for an order reached the input in terms of the keys. */
    out->ordered = input.ordered && request->order_count > 0 && !request->any_order;
    return BASE_OK;
}

static base_status translate_distinct_on(optimizer_state *state, plan_node *node,
                                         const optimizer_request *request, optimizer_physical *out)
{
    optimizer_request below = {.columns = optimizer_set(state)};
    optimizer_physical input;
    RETURN_IF_ERROR(optimizer_set_union(state, &below.columns, &request->columns));
    RETURN_IF_ERROR(
        need_exprs(state, &below.columns, node->distinct.keys, node->distinct.key_count));
    RETURN_IF_ERROR(optimizer_translate(state, node->inputs[0], &below, &input));
    plan_operator *op;
    RETURN_IF_ERROR(
        optimizer_operator_new(state, PLAN_OP_DISTINCT_ON, input.op->column_count, &op));
    op->inputs[0] = input.op;
    op->rows = node->rows;
    memcpy(op->types, input.op->types, op->column_count * sizeof *op->types);
    op->distinct_on.key_count = node->distinct.key_count;
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    optimizer_bind(state, &input, 0);
    RETURN_IF_ERROR(optimizer_resolve_all(state, node->distinct.keys, node->distinct.key_count,
                                          &op->distinct_on.keys));
    *out = input;
    out->op = op;
    return BASE_OK;
}

/* Every column counts for equality: grouping by all of them. */
static base_status translate_distinct(optimizer_state *state, plan_node *node,
                                      const optimizer_request *request, optimizer_physical *out)
{
    plan_node *group = plan_node_new(state->arena, PLAN_AGGREGATE, node->column_count);
    plan_output *keys = base_arena_allocate_array(state->arena, node->column_count, sizeof *keys);
    if (!group || !keys)
        return optimizer_no_memory(state);
    group->inputs[0] = node->inputs[0];
    group->rows = node->rows;
    group->columns = node->columns;
    group->aggregate.key_count = node->column_count;
    group->aggregate.keys = keys;
    for (uint32_t i = 0; i < node->column_count; i++) {
        keys[i].column = node->columns[i];
        RETURN_IF_ERROR(optimizer_column_expr(state, node->columns[i], &keys[i].expr));
    }
    return translate_grouping(state, group, request, out);
}

base_status optimizer_translate_aggregate(optimizer_state *state, plan_node *node,
                                          const optimizer_request *request, optimizer_physical *out)
{
    if (node->kind == PLAN_AGGREGATE)
        return translate_grouping(state, node, request, out);
    return node->distinct.key_count ? translate_distinct_on(state, node, request, out)
                                    : translate_distinct(state, node, request, out);
}

/* ---- Windows ------------------------------------------------------------------------------ */

static base_status resolve_window(optimizer_state *state, const plan_window *from, plan_window *to)
{
    *to = *from;
    RETURN_IF_ERROR(
        optimizer_resolve_all(state, from->arguments, from->argument_count, &to->arguments));
    RETURN_IF_ERROR(optimizer_resolve(state, from->filter, &to->filter));
    RETURN_IF_ERROR(optimizer_resolve(state, from->start_offset, &to->start_offset));
    return optimizer_resolve(state, from->end_offset, &to->end_offset);
}

static base_status need_window(optimizer_state *state, plan_column_set *set,
                               const plan_window *window)
{
    RETURN_IF_ERROR(need_exprs(state, set, window->arguments, window->argument_count));
    RETURN_IF_ERROR(optimizer_set_add_expr(state, set, window->filter));
    RETURN_IF_ERROR(optimizer_set_add_expr(state, set, window->start_offset));
    return optimizer_set_add_expr(state, set, window->end_offset);
}

/* Slots of the operator: the input's, then one per window. */
static base_status window_layout(optimizer_state *state, const optimizer_physical *input,
                                 plan_operator *op, const plan_window *const *kept,
                                 optimizer_physical *out)
{
    uint32_t inner = input->op->column_count, count = op->window.window_count;
    out->op = op;
    out->count = input->count + count;
    out->columns = base_arena_allocate_array(state->arena, out->count, sizeof *out->columns);
    out->slots = base_arena_allocate_array(state->arena, out->count, sizeof *out->slots);
    if (!out->columns || !out->slots)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < input->count; i++) {
        out->columns[i] = input->columns[i];
        out->slots[i] = input->slots[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        out->columns[input->count + i] = kept[i]->column;
        out->slots[input->count + i] = inner + i;
        op->types[inner + i] = kept[i]->type;
    }
    if (inner)
        memcpy(op->types, input->op->types, inner * sizeof *op->types);
    return BASE_OK;
}

base_status optimizer_translate_window(optimizer_state *state, plan_node *node,
                                       const optimizer_request *request, optimizer_physical *out)
{
    optimizer_request below = {.columns = optimizer_set(state)};
    optimizer_physical input;
    uint32_t count = 0;
    const plan_window **kept =
        base_arena_allocate_array(state->arena, node->window.window_count, sizeof *kept);
    if (!kept)
        return optimizer_no_memory(state);
    RETURN_IF_ERROR(optimizer_set_union(state, &below.columns, &request->columns));
    for (uint32_t i = 0; i < node->window.window_count; i++) {
        if (!plan_set_has(&request->columns, node->window.windows[i].column))
            continue;
        kept[count++] = &node->window.windows[i];
        RETURN_IF_ERROR(need_window(state, &below.columns, &node->window.windows[i]));
    }
    if (!count) /* nobody reads the windows */
        return optimizer_translate(state, node->inputs[0], request, out);
    RETURN_IF_ERROR(
        need_exprs(state, &below.columns, node->window.partition, node->window.partition_count));
    RETURN_IF_ERROR(need_keys(state, &below.columns, node->window.order, node->window.order_count));
    plan_expr **partition =
        base_arena_allocate_array(state->arena, node->window.partition_count, sizeof *partition);
    if (!partition)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < node->window.partition_count; i++)
        partition[i] = node->window.partition[i];
    if (request->row_goal > 0 && !request->order_count && node->window.partition_count &&
        node->window.partition_count <= OPTIMIZER_MAX_ORDER && state->options->rules) {
        RETURN_IF_ERROR(wish_groups(state, partition, node->window.partition_count, &below));
        below.row_goal = request->row_goal;
        below.unordered_cost = optimizer_cost_sort(node->inputs[0]->rows, false);
    }
    RETURN_IF_ERROR(optimizer_translate(state, node->inputs[0], &below, &input));
    plan_operator *op;
    RETURN_IF_ERROR(
        optimizer_operator_new(state, PLAN_OP_WINDOW, input.op->column_count + count, &op));
    op->window.presorted =
        presorted_first(input.presorted, partition, NULL, node->window.partition_count);
    op->inputs[0] = input.op;
    op->rows = node->rows;
    op->window.partition_count = node->window.partition_count;
    op->window.order_count = node->window.order_count;
    op->window.window_count = count;
    op->window.windows = base_arena_allocate_array(state->arena, count, sizeof *op->window.windows);
    if (!op->window.windows)
        return optimizer_no_memory(state);
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    optimizer_bind(state, &input, 0);
    RETURN_IF_ERROR(optimizer_resolve_all(state, partition, node->window.partition_count,
                                          &op->window.partition));
    RETURN_IF_ERROR(optimizer_resolve_keys(state, node->window.order, node->window.order_count,
                                           &op->window.order));
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(resolve_window(state, kept[i], &op->window.windows[i]));
    return window_layout(state, &input, op, kept, out);
}
