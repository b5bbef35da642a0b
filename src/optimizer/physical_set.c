/*
 * physical_set.c - set operations and common table expressions.
 *
 * Their inputs are matched by position, so they are translated to exact layouts. UNION is
 * UNION ALL and grouping; only UNION ALL lets unused columns be dropped on both sides,
 * since every other operation compares whole rows.
 */
#include "optimizer/optimizer_int.h"

/* Translates both inputs to the columns at `places`. */
static base_status translate_sides(optimizer_state *state, plan_node *node, const uint32_t *places,
                                   uint32_t count, const optimizer_request *request,
                                   plan_operator *op)
{
    for (uint32_t side = 0; side < 2; side++) {
        plan_column *columns = base_arena_allocate_array(state->arena, count, sizeof *columns);
        if (!columns)
            return optimizer_no_memory(state);
        for (uint32_t i = 0; i < count; i++)
            columns[i] = node->inputs[side]->columns[places[i]];
        optimizer_request wishes = {0};
        optimizer_filter_wish *own =
            base_arena_allocate_array(state->arena, request->filter_count, sizeof *own);
        if (!own)
            return optimizer_no_memory(state);
        wishes.filters = own;
        for (uint32_t i = 0; i < request->filter_count; i++) {
            for (uint32_t k = 0; k < node->column_count; k++) {
                if (node->columns[k] == request->filters[i].column)
                    own[wishes.filter_count++] = (optimizer_filter_wish){
                        request->filters[i].id, node->inputs[side]->columns[k]};
            }
        }
        RETURN_IF_ERROR(optimizer_translate_filtered(state, node->inputs[side], columns, count,
                                                     &wishes, &op->inputs[side]));
    }
    return BASE_OK;
}

/* Groups by all columns of `input`. */
static base_status make_distinct(optimizer_state *state, plan_operator *input, double rows,
                                 plan_operator **op)
{
    uint32_t count = input->column_count;
    RETURN_IF_ERROR(optimizer_operator_new(state, PLAN_OP_HASH_AGGREGATE, count, op));
    (*op)->inputs[0] = input;
    (*op)->rows = rows;
    (*op)->aggregate.key_count = count;
    (*op)->aggregate.keys =
        base_arena_allocate_array(state->arena, count, sizeof *(*op)->aggregate.keys);
    if (!(*op)->aggregate.keys)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < count; i++) {
        (*op)->aggregate.keys[i] = plan_slot(state->arena, i, input->types[i]);
        if (!(*op)->aggregate.keys[i])
            return optimizer_no_memory(state);
    }
    return BASE_OK;
}

base_status optimizer_translate_set(optimizer_state *state, plan_node *node,
                                    const optimizer_request *request, optimizer_physical *out)
{
    bool append = node->set.kind == PLAN_UNION;
    bool prune = append && node->set.all;
    uint32_t count = 0;
    uint32_t *places = base_arena_allocate_array(state->arena, node->column_count, sizeof *places);
    plan_column *columns =
        base_arena_allocate_array(state->arena, node->column_count, sizeof *columns);
    if (!places || !columns)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < node->column_count; i++) {
        if (prune && !plan_set_has(&request->columns, node->columns[i]))
            continue;
        columns[count] = node->columns[i];
        places[count++] = i;
    }
    plan_operator *op;
    RETURN_IF_ERROR(optimizer_operator_new(
        state, append ? PLAN_OP_UNION_ALL : PLAN_OP_SET_OPERATION, count, &op));
    RETURN_IF_ERROR(translate_sides(state, node, places, count, request, op));
    op->rows = node->rows;
    op->set.kind = node->set.kind;
    op->set.all = node->set.all;
    RETURN_IF_ERROR(optimizer_set_layout(state, op, columns, out));
    if (append && !node->set.all) {
        RETURN_IF_ERROR(make_distinct(state, op, node->rows, &op));
        return optimizer_set_layout(state, op, columns, out);
    }
    return BASE_OK;
}

/* ---- Common table expressions ------------------------------------------------------------ */

/* The UNION of a recursive CTE: its left side starts, its right side is repeated. */
static base_status translate_recursive(optimizer_state *state, plan_node *node, plan_operator **op)
{
    plan_node *definition = node->inputs[0];
    if (definition->kind != PLAN_SET_OPERATION || definition->set.kind != PLAN_UNION)
        return base_error_set(state->error, BASE_NOT_SUPPORTED,
                              "a recursive common table expression must be a UNION");
    uint32_t count = definition->column_count;
    uint32_t *places = base_arena_allocate_array(state->arena, count, sizeof *places);
    optimizer_physical ignored;
    optimizer_request nothing = {0};
    if (!places)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < count; i++)
        places[i] = i;
    RETURN_IF_ERROR(optimizer_operator_new(state, PLAN_OP_RECURSIVE_CTE, count, op));
    RETURN_IF_ERROR(translate_sides(state, definition, places, count, &nothing, *op));
    (*op)->rows = definition->rows;
    (*op)->cte.cte = node->cte.cte;
    (*op)->cte.all = definition->set.all;
    return optimizer_set_layout(state, *op, definition->columns, &ignored);
}

/* The rows that LIMIT in the definition lets through; it ends the recursion. */
static base_status cut_recursion(optimizer_state *state, const plan_node *node, plan_operator **op)
{
    plan_operator *cut, *recursion = *op;
    if (!node->cte.limit && !node->cte.offset)
        return BASE_OK;
    RETURN_IF_ERROR(optimizer_operator_new(state, PLAN_OP_LIMIT, recursion->column_count, &cut));
    memcpy(cut->types, recursion->types, recursion->column_count * sizeof *cut->types);
    cut->inputs[0] = recursion;
    cut->rows = recursion->rows;
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    RETURN_IF_ERROR(optimizer_resolve(state, node->cte.limit, &cut->limit.limit));
    RETURN_IF_ERROR(optimizer_resolve(state, node->cte.offset, &cut->limit.offset));
    *op = cut;
    return BASE_OK;
}

base_status optimizer_translate_cte(optimizer_state *state, plan_node *node,
                                    const optimizer_request *request, optimizer_physical *out)
{
    plan_operator *op, *definition;
    if (node->kind == PLAN_CTE_SCAN) {
        RETURN_IF_ERROR(optimizer_operator_new(state, PLAN_OP_CTE_SCAN, node->column_count, &op));
        op->rows = node->rows;
        op->cte.cte = node->cte.cte;
        return optimizer_set_layout(state, op, node->columns, out);
    }
    if (node->cte.recursive) {
        RETURN_IF_ERROR(translate_recursive(state, node, &definition));
        RETURN_IF_ERROR(cut_recursion(state, node, &definition));
    } else {
        RETURN_IF_ERROR(optimizer_translate_exactly(state, node->inputs[0],
                                                    node->inputs[0]->columns,
                                                    node->inputs[0]->column_count, &definition));
    }
    optimizer_physical body;
    RETURN_IF_ERROR(optimizer_translate(state, node->inputs[1], request, &body));
    RETURN_IF_ERROR(optimizer_operator_new(state, PLAN_OP_CTE, body.op->column_count, &op));
    if (op->column_count)
        memcpy(op->types, body.op->types, op->column_count * sizeof *op->types);
    op->inputs[0] = definition;
    op->inputs[1] = body.op;
    op->rows = body.op->rows;
    op->cte.cte = node->cte.cte;
    *out = body;
    out->op = op;
    return BASE_OK;
}
