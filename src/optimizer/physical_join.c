/*
 * physical_join.c - which operator runs a join.
 *
 * Equalities between the sides become hash keys, whatever else the condition says stays as
 * residual; without an equality the right side is kept and looped over. The build side is
 * the smaller one where the kind allows it.
 *
 * MARK joins follow SQL's IN: the mark is the three-valued OR, over the right rows, of the
 * three-valued condition. As a hash join that holds when every key and the residual are
 * part of that condition; keys with null_equal are never NULL themselves.
 */
#include "optimizer/optimizer_int.h"

typedef struct join_keys {
    optimizer_list left, right;
    bool *null_equal;
    optimizer_list residual;
} join_keys;

/* Sorts one conjunct: a key when one side of an equality uses the left input only and the
 * other the right input only. */
static base_status sort_conjunct(optimizer_state *state, plan_expr *expr,
                                 const plan_column_set *left, const plan_column_set *right,
                                 join_keys *keys)
{
    bool equality = expr->kind == PLAN_EXPR_COMPARE && expr->comparison == VECTOR_EQUAL;
    bool same = expr->kind == PLAN_EXPR_DISTINCT_FROM && expr->negated;
    if ((equality || same) && !plan_expr_is_volatile(expr)) {
        for (uint32_t turned = 0; turned < 2; turned++) {
            plan_expr *a = expr->arguments[turned], *b = expr->arguments[!turned];
            bool a_left = false, b_right = false, a_right = false, b_left = false;
            RETURN_IF_ERROR(optimizer_expr_within(state, a, left, &a_left));
            RETURN_IF_ERROR(optimizer_expr_within(state, b, right, &b_right));
            RETURN_IF_ERROR(optimizer_expr_touches(state, a, left, &a_right));
            RETURN_IF_ERROR(optimizer_expr_touches(state, b, right, &b_left));
            if (!a_left || !b_right || !a_right || !b_left) /* constants are no keys */
                continue;
            keys->null_equal[keys->left.count] = same;
            RETURN_IF_ERROR(optimizer_list_add(state, &keys->left, a));
            return optimizer_list_add(state, &keys->right, b);
        }
    }
    return optimizer_list_add(state, &keys->residual, expr);
}

static base_status find_keys(optimizer_state *state, const plan_node *node, join_keys *keys)
{
    optimizer_list conjuncts = {0};
    plan_column_set left = optimizer_set(state), right = optimizer_set(state);
    RETURN_IF_ERROR(optimizer_split(state, node->join.condition, &conjuncts));
    RETURN_IF_ERROR(optimizer_set_add_node(state, &left, node->inputs[0]));
    RETURN_IF_ERROR(optimizer_set_add_node(state, &right, node->inputs[1]));
    *keys = (join_keys){.null_equal = base_arena_allocate_array(state->arena, conjuncts.count,
                                                                sizeof *keys->null_equal)};
    if (!keys->null_equal)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < conjuncts.count; i++)
        RETURN_IF_ERROR(sort_conjunct(state, conjuncts.items[i], &left, &right, keys));
    return BASE_OK;
}

/* Columns that the join's output must have, as slots of left ++ right (++ mark). */
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

/* Input 0 probes; the smaller side is built. Only kinds without a direction are turned. */
static bool should_turn(const plan_node *node)
{
    double left = node->inputs[0]->rows, right = node->inputs[1]->rows;
    return node->join.kind == PLAN_JOIN_INNER && left >= 0 && right >= 0 && left < right;
}

static base_status translate_inputs(optimizer_state *state, plan_node *node,
                                    const optimizer_request *request, optimizer_physical *left,
                                    optimizer_physical *right)
{
    optimizer_request below = {.columns = optimizer_set(state)};
    RETURN_IF_ERROR(optimizer_set_union(state, &below.columns, &request->columns));
    RETURN_IF_ERROR(optimizer_set_add_expr(state, &below.columns, node->join.condition));
    RETURN_IF_ERROR(optimizer_translate(state, node->inputs[0], &below, left));
    return optimizer_translate(state, node->inputs[1], &below, right);
}

base_status optimizer_translate_join(optimizer_state *state, plan_node *node,
                                     const optimizer_request *request, optimizer_physical *out)
{
    join_keys keys;
    optimizer_physical left, right;
    plan_expr *residual;
    plan_operator *op;
    RETURN_IF_ERROR(find_keys(state, node, &keys));
    RETURN_IF_ERROR(translate_inputs(state, node, request, &left, &right));
    RETURN_IF_ERROR(optimizer_conjunction(state, &keys.residual, &residual));
    bool turned = should_turn(node);
    const optimizer_physical *probe = turned ? &right : &left;
    const optimizer_physical *build = turned ? &left : &right;
    RETURN_IF_ERROR(optimizer_operator_new(
        state, keys.left.count ? PLAN_OP_HASH_JOIN : PLAN_OP_NESTED_LOOP, node->column_count, &op));
    op->inputs[0] = probe->op;
    op->inputs[1] = build->op;
    op->rows = node->rows;
    op->join.kind = node->join.kind;
    op->join.key_count = keys.left.count;
    op->join.null_equal = keys.null_equal;
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    optimizer_bind(state, probe, 0);
    RETURN_IF_ERROR(optimizer_resolve_all(state, turned ? keys.right.items : keys.left.items,
                                          keys.left.count, &op->join.left_keys));
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    optimizer_bind(state, build, 0);
    RETURN_IF_ERROR(optimizer_resolve_all(state, turned ? keys.left.items : keys.right.items,
                                          keys.left.count, &op->join.right_keys));
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    optimizer_bind(state, probe, 0);
    optimizer_bind(state, build, probe->op->column_count);
    RETURN_IF_ERROR(optimizer_resolve(state, residual, &op->join.residual));
    return choose_outputs(state, node, request, op,
                          probe->op->column_count + build->op->column_count, out);
}
