/*
 * physical_aggregate.c - grouping, DISTINCT and windows.
 *
 * DISTINCT over all columns is grouping by them without aggregates, one operator less to
 * write and to make fast. DISTINCT ON keeps the first row of each key in input order and
 * has its own operator. Aggregates and windows that nobody reads are dropped here.
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

static base_status translate_grouping(optimizer_state *state, plan_node *node,
                                      const optimizer_request *request, optimizer_physical *out)
{
    optimizer_request below = {.columns = optimizer_set(state)};
    optimizer_physical input;
    uint32_t key_count = node->aggregate.key_count, kept_count = 0;
    uint32_t total = key_count + node->aggregate.aggregate_count;
    plan_column *columns = base_arena_allocate_array(state->arena, total, sizeof *columns);
    const plan_aggregate **kept = base_arena_allocate_array(state->arena, total, sizeof *kept);
    plan_expr **keys = base_arena_allocate_array(state->arena, key_count, sizeof *keys);
    if (!columns || !kept || !keys)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < key_count; i++) {
        columns[i] = node->aggregate.keys[i].column;
        keys[i] = node->aggregate.keys[i].expr;
    }
    for (uint32_t i = 0; i < node->aggregate.aggregate_count; i++) {
        const plan_aggregate *aggregate = &node->aggregate.aggregates[i];
        if (!plan_set_has(&request->columns, aggregate->column))
            continue;
        columns[key_count + kept_count] = aggregate->column;
        kept[kept_count++] = aggregate;
        RETURN_IF_ERROR(need_aggregate(state, &below.columns, aggregate));
    }
    RETURN_IF_ERROR(need_exprs(state, &below.columns, keys, key_count));
    /* Whole groups vanish: those whose key has no partner above. */
    RETURN_IF_ERROR(
        optimizer_filters_below(state, node->aggregate.keys, key_count, request, &below));
    RETURN_IF_ERROR(optimizer_translate(state, node->inputs[0], &below, &input));
    plan_operator *op;
    RETURN_IF_ERROR(
        optimizer_operator_new(state, PLAN_OP_HASH_AGGREGATE, key_count + kept_count, &op));
    op->inputs[0] = input.op;
    op->rows = node->rows;
    op->aggregate.key_count = key_count;
    op->aggregate.aggregate_count = kept_count;
    op->aggregate.aggregates =
        base_arena_allocate_array(state->arena, kept_count, sizeof *op->aggregate.aggregates);
    if (!op->aggregate.aggregates)
        return optimizer_no_memory(state);
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    optimizer_bind(state, &input, 0);
    RETURN_IF_ERROR(optimizer_resolve_all(state, keys, key_count, &op->aggregate.keys));
    for (uint32_t i = 0; i < kept_count; i++)
        RETURN_IF_ERROR(resolve_aggregate(state, kept[i], &op->aggregate.aggregates[i]));
    return optimizer_set_layout(state, op, columns, out);
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

/* Every column counts for equality, so all are read. */
static base_status translate_distinct(optimizer_state *state, plan_node *node,
                                      const optimizer_request *request, optimizer_physical *out)
{
    uint32_t count = node->column_count;
    plan_operator *input, *op;
    RETURN_IF_ERROR(optimizer_translate_filtered(state, node->inputs[0], node->columns, count,
                                                 request, &input));
    RETURN_IF_ERROR(optimizer_operator_new(state, PLAN_OP_HASH_AGGREGATE, count, &op));
    op->inputs[0] = input;
    op->rows = node->rows;
    op->aggregate.key_count = count;
    op->aggregate.keys = base_arena_allocate_array(state->arena, count, sizeof *op->aggregate.keys);
    if (!op->aggregate.keys)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < count; i++) {
        op->aggregate.keys[i] = plan_slot(state->arena, i, input->types[i]);
        if (!op->aggregate.keys[i])
            return optimizer_no_memory(state);
    }
    return optimizer_set_layout(state, op, node->columns, out);
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
    RETURN_IF_ERROR(optimizer_translate(state, node->inputs[0], &below, &input));
    plan_operator *op;
    RETURN_IF_ERROR(
        optimizer_operator_new(state, PLAN_OP_WINDOW, input.op->column_count + count, &op));
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
    RETURN_IF_ERROR(optimizer_resolve_all(state, node->window.partition,
                                          node->window.partition_count, &op->window.partition));
    RETURN_IF_ERROR(optimizer_resolve_keys(state, node->window.order, node->window.order_count,
                                           &op->window.order));
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(resolve_window(state, kept[i], &op->window.windows[i]));
    return window_layout(state, &input, op, kept, out);
}
