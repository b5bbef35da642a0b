/*
 * physical.c - logical nodes into operators: the dispatcher and the simple kinds.
 *
 * Translation runs top-down with a request (which columns the consumer needs) and comes
 * back bottom-up with an operator and the slots in which columns stand. Pruning therefore
 * needs no pass of its own: a column that nobody asks for is never scanned. A projection
 * that only renames makes no operator, since several column numbers may name one slot.
 * Rejected: fixing each node's output order in advance; it would copy columns at every
 * step only to keep positions.
 *
 * Invariants: an operator's slots are final when its translation returns; expressions of
 * operators have slots only; conditions are copied, logical trees keep theirs.
 */
#include "optimizer/optimizer_int.h"

/* ---- Operators and layouts -------------------------------------------------------------- */

base_status optimizer_operator_new(optimizer_state *state, plan_operator_kind kind,
                                   uint32_t column_count, plan_operator **op)
{
    plan_operator *made = base_arena_allocate_zeroed(state->arena, sizeof *made);
    if (!made)
        return optimizer_no_memory(state);
    made->kind = (uint8_t)kind;
    made->rows = -1;
    made->position = -1;
    made->column_count = column_count;
    made->types = base_arena_allocate_array(state->arena, column_count, sizeof *made->types);
    if (!made->types)
        return optimizer_no_memory(state);
    *op = made;
    return BASE_OK;
}

static base_status new_layout(optimizer_state *state, uint32_t count, optimizer_physical *out)
{
    out->count = count;
    out->columns = base_arena_allocate_array(state->arena, count, sizeof *out->columns);
    out->slots = base_arena_allocate_array(state->arena, count, sizeof *out->slots);
    return out->columns && out->slots ? BASE_OK : optimizer_no_memory(state);
}

base_status optimizer_set_layout(optimizer_state *state, plan_operator *op,
                                 const plan_column *columns, optimizer_physical *out)
{
    RETURN_IF_ERROR(new_layout(state, op->column_count, out));
    out->op = op;
    for (uint32_t i = 0; i < op->column_count; i++) {
        out->columns[i] = columns[i];
        out->slots[i] = i;
        op->types[i] = optimizer_type(state, columns[i]);
    }
    return BASE_OK;
}

/* An operator over `input` that passes its columns on. */
static base_status operator_over(optimizer_state *state, plan_operator_kind kind,
                                 const optimizer_physical *input, const plan_node *node,
                                 optimizer_physical *out)
{
    plan_operator *op;
    RETURN_IF_ERROR(optimizer_operator_new(state, kind, input->op->column_count, &op));
    if (op->column_count)
        memcpy(op->types, input->op->types, op->column_count * sizeof *op->types);
    op->inputs[0] = input->op;
    op->rows = node ? node->rows : input->op->rows;
    *out = *input;
    out->op = op;
    return BASE_OK;
}

/* ---- Columns to slots --------------------------------------------------------------------- */

base_status optimizer_bind_clear(optimizer_state *state)
{
    if (state->slot_capacity < state->column_count) {
        state->slots =
            base_arena_allocate_array(state->arena, state->column_capacity, sizeof *state->slots);
        if (!state->slots) {
            state->slot_capacity = 0;
            return optimizer_no_memory(state);
        }
        state->slot_capacity = state->column_capacity;
    }
    for (uint32_t i = 0; i < state->slot_capacity; i++)
        state->slots[i] = -1;
    return BASE_OK;
}

void optimizer_bind_column(optimizer_state *state, plan_column column, uint32_t slot)
{
    BASE_ASSERT(column >= 0 && (uint32_t)column < state->slot_capacity);
    state->slots[column] = (int32_t)slot;
}

void optimizer_bind(optimizer_state *state, const optimizer_physical *physical, uint32_t offset)
{
    for (uint32_t i = 0; i < physical->count; i++)
        optimizer_bind_column(state, physical->columns[i], physical->slots[i] + offset);
}

static base_status resolve_in_place(optimizer_state *state, plan_expr *expr)
{
    if (expr->kind == PLAN_EXPR_COLUMN) {
        plan_column column = expr->column;
        if (column < 0 || (uint32_t)column >= state->slot_capacity || state->slots[column] < 0)
            return base_error_set_at(state->error, BASE_INTERNAL, expr->position,
                                     "column #%d is not produced below its use", (int)column);
        expr->kind = PLAN_EXPR_SLOT;
        expr->slot = (uint32_t)state->slots[column];
        return BASE_OK;
    }
    if (expr->kind == PLAN_EXPR_SUBQUERY)
        return base_error_set_at(state->error, BASE_NOT_SUPPORTED, expr->position,
                                 "a subquery is not allowed here");
    for (uint32_t i = 0; i < expr->argument_count; i++)
        RETURN_IF_ERROR(resolve_in_place(state, expr->arguments[i]));
    return BASE_OK;
}

base_status optimizer_resolve(optimizer_state *state, const plan_expr *expr, plan_expr **result)
{
    *result = NULL;
    if (!expr)
        return BASE_OK;
    plan_expr *copy = plan_expr_copy(state->arena, expr);
    if (!copy)
        return optimizer_no_memory(state);
    RETURN_IF_ERROR(resolve_in_place(state, copy));
    *result = copy;
    return BASE_OK;
}

base_status optimizer_resolve_all(optimizer_state *state, plan_expr *const *exprs, uint32_t count,
                                  plan_expr ***result)
{
    plan_expr **made = base_arena_allocate_array(state->arena, count, sizeof *made);
    if (!made)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(optimizer_resolve(state, exprs[i], &made[i]));
    *result = made;
    return BASE_OK;
}

base_status optimizer_resolve_keys(optimizer_state *state, const plan_sort_key *keys,
                                   uint32_t count, plan_sort_key **result)
{
    plan_sort_key *made = base_arena_allocate_array(state->arena, count, sizeof *made);
    if (!made)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < count; i++) {
        made[i] = keys[i];
        RETURN_IF_ERROR(optimizer_resolve(state, keys[i].expr, &made[i].expr));
    }
    *result = made;
    return BASE_OK;
}

/* ---- Simple kinds -------------------------------------------------------------------------- */

static base_status translate_values(optimizer_state *state, plan_node *node,
                                    const optimizer_request *request, optimizer_physical *out)
{
    plan_column *kept = base_arena_allocate_array(state->arena, node->column_count, sizeof *kept);
    uint32_t *places = base_arena_allocate_array(state->arena, node->column_count, sizeof *places);
    if (!kept || !places)
        return optimizer_no_memory(state);
    uint32_t count = 0;
    for (uint32_t i = 0; i < node->column_count; i++) {
        if (plan_set_has(&request->columns, node->columns[i])) {
            kept[count] = node->columns[i];
            places[count++] = i;
        }
    }
    plan_operator *op;
    RETURN_IF_ERROR(optimizer_operator_new(state, PLAN_OP_VALUES, count, &op));
    op->rows = (double)node->values.row_count;
    op->values.row_count = node->values.row_count;
    op->values.cells = base_arena_allocate_array(
        state->arena, (size_t)count * node->values.row_count, sizeof *op->values.cells);
    if (!op->values.cells)
        return optimizer_no_memory(state);
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    for (uint32_t row = 0; row < node->values.row_count; row++) {
        for (uint32_t i = 0; i < count; i++)
            RETURN_IF_ERROR(optimizer_resolve(
                state, node->values.cells[(size_t)row * node->column_count + places[i]],
                &op->values.cells[(size_t)row * count + i]));
    }
    return optimizer_set_layout(state, op, kept, out);
}

static base_status translate_system(optimizer_state *state, plan_node *node,
                                    const optimizer_request *request, optimizer_physical *out)
{
    plan_column *kept = base_arena_allocate_array(state->arena, node->column_count, sizeof *kept);
    uint32_t *ids = base_arena_allocate_array(state->arena, node->column_count, sizeof *ids);
    if (!kept || !ids)
        return optimizer_no_memory(state);
    uint32_t count = 0;
    for (uint32_t i = 0; i < node->column_count; i++) {
        if (plan_set_has(&request->columns, node->columns[i])) {
            kept[count] = node->columns[i];
            ids[count++] = node->system.column_ids[i];
        }
    }
    plan_operator *op;
    RETURN_IF_ERROR(optimizer_operator_new(state, PLAN_OP_SYSTEM_SCAN, count, &op));
    op->rows = node->rows;
    op->system.source = node->system.source;
    op->system.columns = ids;
    op->system.argument_count = node->system.argument_count;
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    RETURN_IF_ERROR(optimizer_resolve_all(state, node->system.arguments,
                                          node->system.argument_count, &op->system.arguments));
    return optimizer_set_layout(state, op, kept, out);
}

static base_status copy_request(optimizer_state *state, const optimizer_request *from,
                                optimizer_request *to)
{
    *to = *from;
    to->columns = optimizer_set(state);
    return optimizer_set_union(state, &to->columns, &from->columns);
}

static base_status translate_filter(optimizer_state *state, plan_node *node,
                                    const optimizer_request *request, optimizer_physical *out)
{
    optimizer_request below;
    optimizer_physical input;
    RETURN_IF_ERROR(copy_request(state, request, &below));
    RETURN_IF_ERROR(optimizer_set_add_expr(state, &below.columns, node->filter.condition));
    if (below.row_goal > 0 && node->rows > 0) /* more are read than pass */
        below.row_goal *= BASE_MAX(node->inputs[0]->rows / node->rows, 1.0);
    RETURN_IF_ERROR(optimizer_translate(state, node->inputs[0], &below, &input));
    RETURN_IF_ERROR(operator_over(state, PLAN_OP_FILTER, &input, node, out));
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    optimizer_bind(state, &input, 0);
    return optimizer_resolve(state, node->filter.condition, &out->op->filter.condition);
}

/* Where a key is no bare column no order is asked for. */
base_status optimizer_order_below(optimizer_state *state, const plan_node *node,
                                  const optimizer_request *request, optimizer_request *below)
{
    plan_sort_key *keys =
        base_arena_allocate_array(state->arena, request->order_count, sizeof *keys);
    if (!keys)
        return optimizer_no_memory(state);
    below->row_goal = request->row_goal;
    below->any_order = request->any_order;
    below->partial_order = request->partial_order;
    below->unordered_cost = request->unordered_cost;
    for (uint32_t i = 0; i < request->order_count; i++) {
        keys[i] = request->order[i];
        plan_expr *found = NULL;
        for (uint32_t k = 0; k < node->column_count && !found; k++) {
            if (keys[i].expr->kind == PLAN_EXPR_COLUMN &&
                node->project.outputs[k].column == keys[i].expr->column &&
                node->project.outputs[k].expr->kind == PLAN_EXPR_COLUMN)
                found = node->project.outputs[k].expr;
        }
        if (!found) {
            below->row_goal = 0; /* a sort reads everything */
            return BASE_OK;
        }
        keys[i].expr = found;
    }
    below->order = keys;
    below->order_count = request->order_count;
    return BASE_OK;
}

base_status optimizer_meets_order(optimizer_state *state, plan_node *node,
                                  const optimizer_request *request, bool *met)
{
    optimizer_request below = {.columns = request->columns};
    optimizer_test *tests;
    uint32_t test_count;
    optimizer_path path;
    int32_t side;
    *met = false;
    switch ((plan_node_kind)node->kind) {
    case PLAN_SCAN:
        RETURN_IF_ERROR(optimizer_find_tests(state, node, &tests, &test_count));
        RETURN_IF_ERROR(optimizer_choose_path(state, node, request, tests, test_count, &path));
        *met = path.presorted != 0;
        return BASE_OK;
    case PLAN_FILTER:
        return optimizer_meets_order(state, node->inputs[0], request, met);
    case PLAN_PROJECT:
        RETURN_IF_ERROR(optimizer_order_below(state, node, request, &below));
        return below.order_count ? optimizer_meets_order(state, node->inputs[0], &below, met)
                                 : BASE_OK;
    case PLAN_JOIN:
        side = optimizer_order_side(node, request);
        return side < 0 ? BASE_OK : optimizer_meets_order(state, node->inputs[side], request, met);
    default:
        return BASE_OK;
    }
}

/* Wishes for filters on outputs that are bare columns of the input. */
base_status optimizer_filters_below(optimizer_state *state, const plan_output *outputs,
                                    uint32_t count, const optimizer_request *request,
                                    optimizer_request *below)
{
    optimizer_filter_wish *wishes =
        base_arena_allocate_array(state->arena, request->filter_count, sizeof *wishes);
    if (!wishes)
        return optimizer_no_memory(state);
    below->filters = wishes;
    for (uint32_t i = 0; i < request->filter_count; i++) {
        for (uint32_t k = 0; k < count; k++) {
            if (outputs[k].column != request->filters[i].column ||
                outputs[k].expr->kind != PLAN_EXPR_COLUMN)
                continue;
            wishes[below->filter_count++] =
                (optimizer_filter_wish){request->filters[i].id, outputs[k].expr->column};
            break;
        }
    }
    return BASE_OK;
}

/* Whether all wanted outputs are bare columns: then names suffice. */
static bool only_renames(const plan_node *node, const optimizer_request *request)
{
    for (uint32_t i = 0; i < node->column_count; i++) {
        const plan_output *output = &node->project.outputs[i];
        if (plan_set_has(&request->columns, output->column) &&
            output->expr->kind != PLAN_EXPR_COLUMN)
            return false;
    }
    return true;
}

/* Gives the wanted outputs of a renaming projection their inputs' slots. */
static base_status rename_layout(optimizer_state *state, const plan_node *node,
                                 const optimizer_request *request, const optimizer_physical *input,
                                 optimizer_physical *out)
{
    RETURN_IF_ERROR(new_layout(state, node->column_count, out));
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    optimizer_bind(state, input, 0);
    out->op = input->op;
    out->ordered = input->ordered;
    out->presorted = input->presorted;
    out->count = 0;
    for (uint32_t i = 0; i < node->column_count; i++) {
        const plan_output *output = &node->project.outputs[i];
        if (!plan_set_has(&request->columns, output->column))
            continue;
        plan_expr *slot;
        RETURN_IF_ERROR(optimizer_resolve(state, output->expr, &slot));
        out->columns[out->count] = output->column;
        out->slots[out->count++] = slot->slot;
    }
    return BASE_OK;
}

static base_status translate_project(optimizer_state *state, plan_node *node,
                                     const optimizer_request *request, optimizer_physical *out)
{
    optimizer_request below = {.columns = optimizer_set(state)};
    optimizer_physical input;
    uint32_t count = 0;
    plan_column *kept = base_arena_allocate_array(state->arena, node->column_count, sizeof *kept);
    plan_expr **exprs = base_arena_allocate_array(state->arena, node->column_count, sizeof *exprs);
    if (!kept || !exprs)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < node->column_count; i++) {
        const plan_output *output = &node->project.outputs[i];
        if (!plan_set_has(&request->columns, output->column))
            continue;
        kept[count] = output->column;
        exprs[count++] = output->expr;
        RETURN_IF_ERROR(optimizer_set_add_expr(state, &below.columns, output->expr));
    }
    RETURN_IF_ERROR(optimizer_order_below(state, node, request, &below));
    RETURN_IF_ERROR(
        optimizer_filters_below(state, node->project.outputs, node->column_count, request, &below));
    RETURN_IF_ERROR(optimizer_translate(state, node->inputs[0], &below, &input));
    if (only_renames(node, request))
        return rename_layout(state, node, request, &input, out);
    plan_operator *op;
    RETURN_IF_ERROR(optimizer_operator_new(state, PLAN_OP_PROJECT, count, &op));
    op->inputs[0] = input.op;
    op->rows = input.op->rows;
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    optimizer_bind(state, &input, 0);
    RETURN_IF_ERROR(optimizer_resolve_all(state, exprs, count, &op->project.exprs));
    out->ordered = input.ordered;
    out->presorted = input.presorted;
    return optimizer_set_layout(state, op, kept, out);
}

static double constant_rows(const plan_expr *expr, double otherwise)
{
    if (!expr || expr->kind != PLAN_EXPR_CONSTANT || expr->constant.is_null ||
        types_form_of(expr->type) != TYPES_FORM_INT64)
        return otherwise;
    return BASE_MAX(0.0, (double)expr->constant.cell.int64);
}

/* How many rows a LIMIT reads at most; 0: all. A parameter is taken for a page. */
static double goal_of(const plan_node *limit)
{
    if (!limit || !limit->limit.limit)
        return 0;
    double goal = constant_rows(limit->limit.limit, 100);
    return BASE_MAX(goal + (limit->limit.offset ? constant_rows(limit->limit.offset, 0) : 0), 1);
}

static base_status limit_operator(optimizer_state *state, const plan_node *limit,
                                  const optimizer_physical *input, optimizer_physical *out)
{
    RETURN_IF_ERROR(operator_over(state, PLAN_OP_LIMIT, input, limit, out));
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    RETURN_IF_ERROR(optimizer_resolve(state, limit->limit.limit, &out->op->limit.limit));
    return optimizer_resolve(state, limit->limit.offset, &out->op->limit.offset);
}

/* The sort's operator over an input that comes ordered by the first `presorted` keys. */
static base_status sort_operator(optimizer_state *state, const plan_node *node,
                                 const optimizer_physical *input, uint32_t presorted,
                                 optimizer_physical *out)
{
    RETURN_IF_ERROR(operator_over(state, PLAN_OP_SORT, input, node, out));
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    optimizer_bind(state, input, 0);
    out->ordered = false; /* that was this sort's order; whoever is above may want another */
    out->presorted = 0;
    out->op->sort.presorted = presorted;
    out->op->sort.key_count = node->sort.key_count;
    return optimizer_resolve_keys(state, node->sort.keys, node->sort.key_count,
                                  &out->op->sort.keys);
}

/* A sort, or as much of it as its input leaves to do; with the limit above it. */
static base_status translate_sort(optimizer_state *state, plan_node *node, plan_node *limit,
                                  const optimizer_request *request, optimizer_physical *out)
{
    optimizer_request below = {.columns = optimizer_set(state)};
    optimizer_physical input = {0}, sorted;
    RETURN_IF_ERROR(optimizer_set_union(state, &below.columns, &request->columns));
    for (uint32_t i = 0; i < node->sort.key_count; i++)
        RETURN_IF_ERROR(optimizer_set_add_expr(state, &below.columns, node->sort.keys[i].expr));
    if (node->sort.key_count <= OPTIMIZER_MAX_ORDER) {
        below.order = node->sort.keys;
        below.order_count = node->sort.key_count;
        below.partial_order = limit != NULL;
        below.row_goal = goal_of(limit);
    }
    if (!limit) /* a limit counts rows before they are filtered */
        RETURN_IF_ERROR(optimizer_pass_filters(state, request, node->inputs[0], &below));
    RETURN_IF_ERROR(optimizer_translate(state, node->inputs[0], &below, &input));
    if (input.ordered) {
        *out = input;
        out->ordered = input.ordered = false;
        out->presorted = input.presorted = 0;
        return limit ? limit_operator(state, limit, &input, out) : BASE_OK;
    }
    if (limit && input.presorted) {
        uint32_t presorted = (uint32_t)__builtin_popcountll(input.presorted);
        RETURN_IF_ERROR(sort_operator(state, node, &input, presorted, &sorted));
        return limit_operator(state, limit, &sorted, out);
    }
    RETURN_IF_ERROR(sort_operator(state, node, &input, 0, out));
    if (!limit)
        return BASE_OK;
    out->op->rows = limit->rows;
    RETURN_IF_ERROR(optimizer_resolve(state, limit->limit.limit, &out->op->sort.limit));
    return optimizer_resolve(state, limit->limit.offset, &out->op->sort.offset);
}

static base_status translate_limit(optimizer_state *state, plan_node *node,
                                   const optimizer_request *request, optimizer_physical *out)
{
    optimizer_physical input = {0};
    optimizer_request below = {.columns = optimizer_set(state)};
    if (node->inputs[0]->kind == PLAN_SORT && node->limit.limit)
        return translate_sort(state, node->inputs[0], node, request, out);
    RETURN_IF_ERROR(optimizer_set_union(state, &below.columns, &request->columns));
    below.row_goal = goal_of(node);
    RETURN_IF_ERROR(optimizer_translate(state, node->inputs[0], &below, &input));
    return limit_operator(state, node, &input, out);
}

/* ---- Dispatch -------------------------------------------------------------------------------- */

static base_status dispatch(optimizer_state *state, plan_node *node,
                            const optimizer_request *request, optimizer_physical *out)
{
    switch ((plan_node_kind)node->kind) {
    case PLAN_SCAN:
        return optimizer_translate_scan(state, node, request, out);
    case PLAN_VALUES:
        return translate_values(state, node, request, out);
    case PLAN_SYSTEM:
        return translate_system(state, node, request, out);
    case PLAN_FILTER:
        return translate_filter(state, node, request, out);
    case PLAN_PROJECT:
        return translate_project(state, node, request, out);
    case PLAN_JOIN:
        return optimizer_translate_join(state, node, request, out);
    case PLAN_AGGREGATE:
    case PLAN_DISTINCT:
        return optimizer_translate_aggregate(state, node, request, out);
    case PLAN_WINDOW:
        return optimizer_translate_window(state, node, request, out);
    case PLAN_SORT:
        return translate_sort(state, node, NULL, request, out);
    case PLAN_LIMIT:
        return translate_limit(state, node, request, out);
    case PLAN_SET_OPERATION:
        return optimizer_translate_set(state, node, request, out);
    case PLAN_CTE:
    case PLAN_CTE_SCAN:
        return optimizer_translate_cte(state, node, request, out);
    case PLAN_INSERT:
    case PLAN_UPDATE:
    case PLAN_DELETE:
        return optimizer_translate_change(state, node, out);
    }
    return base_error_set(state->error, BASE_INTERNAL, "unknown logical node %u", node->kind);
}

base_status optimizer_translate(optimizer_state *state, plan_node *node,
                                const optimizer_request *request, optimizer_physical *out)
{
    RETURN_IF_ERROR(optimizer_enter(state));
    *out = (optimizer_physical){0};
    RETURN_IF_ERROR(dispatch(state, node, request, out));
    optimizer_leave(state);
    return BASE_OK;
}

base_status optimizer_translate_exactly(optimizer_state *state, plan_node *node,
                                        const plan_column *columns, uint32_t count,
                                        plan_operator **op)
{
    optimizer_request nothing = {0};
    return optimizer_translate_filtered(state, node, columns, count, &nothing, op);
}

base_status optimizer_translate_filtered(optimizer_state *state, plan_node *node,
                                         const plan_column *columns, uint32_t count,
                                         const optimizer_request *wishes, plan_operator **op)
{
    optimizer_request request = {.columns = optimizer_set(state),
                                 .filters = wishes->filters,
                                 .filter_count = wishes->filter_count};
    optimizer_physical physical;
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(optimizer_set_add(state, &request.columns, columns[i]));
    RETURN_IF_ERROR(optimizer_translate(state, node, &request, &physical));
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    optimizer_bind(state, &physical, 0);
    bool exact = physical.op->column_count == count;
    for (uint32_t i = 0; i < count && exact; i++)
        exact = state->slots[columns[i]] == (int32_t)i;
    *op = physical.op;
    if (exact)
        return BASE_OK;
    RETURN_IF_ERROR(optimizer_operator_new(state, PLAN_OP_PROJECT, count, op));
    (*op)->inputs[0] = physical.op;
    (*op)->rows = physical.op->rows;
    (*op)->project.exprs =
        base_arena_allocate_array(state->arena, count, sizeof *(*op)->project.exprs);
    if (!(*op)->project.exprs)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < count; i++) {
        plan_expr *expr;
        RETURN_IF_ERROR(optimizer_column_expr(state, columns[i], &expr));
        RETURN_IF_ERROR(optimizer_resolve(state, expr, &(*op)->project.exprs[i]));
        (*op)->types[i] = expr->type;
    }
    return BASE_OK;
}
