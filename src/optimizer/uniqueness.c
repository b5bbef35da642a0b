/*
 * uniqueness.c - columns that tell the rows of a node apart.
 *
 * No two rows have the same value, NULLs aside. Asked where a duplicate would have to be
 * looked for: COUNT(DISTINCT key), LIMIT below a join that adds no rows. "No" is always a
 * correct answer.
 */
#include "optimizer/optimizer_int.h"

/* Each row of the other input meets at most one row of this one: an equality with a key. */
static base_status has_one_partner(optimizer_state *state, const plan_node *join, uint32_t side,
                                   bool *one)
{
    optimizer_list conjuncts = {0};
    *one = optimizer_has_one_row(join->inputs[side]);
    RETURN_IF_ERROR(optimizer_split(state, join->join.condition, &conjuncts));
    for (uint32_t i = 0; i < conjuncts.count && !*one; i++) {
        const plan_expr *expr = conjuncts.items[i];
        bool equality = expr->kind == PLAN_EXPR_COMPARE && expr->comparison == VECTOR_EQUAL;
        for (uint32_t k = 0; k < 2 && equality && !*one; k++) {
            const plan_expr *a = expr->arguments[k], *b = expr->arguments[!k];
            bool touches = false;
            plan_column_set own = optimizer_set(state);
            if (a->kind != PLAN_EXPR_COLUMN || !optimizer_node_has(join->inputs[side], a->column))
                continue;
            RETURN_IF_ERROR(optimizer_set_add_node(state, &own, join->inputs[side]));
            RETURN_IF_ERROR(optimizer_expr_touches(state, b, &own, &touches));
            if (!touches)
                RETURN_IF_ERROR(optimizer_is_key(state, join->inputs[side], a->column, one));
        }
    }
    return BASE_OK;
}

base_status optimizer_right_is_unique(optimizer_state *state, const plan_node *join, bool *unique)
{
    return has_one_partner(state, join, 1, unique);
}

static base_status is_key_of_join(optimizer_state *state, const plan_node *join, plan_column column,
                                  bool *is_key)
{
    uint32_t side = optimizer_node_has(join->inputs[0], column) ? 0 : 1;
    bool one = false;
    switch (join->join.kind) {
    case PLAN_JOIN_SEMI:
    case PLAN_JOIN_ANTI:
    case PLAN_JOIN_MARK:
    case PLAN_JOIN_SINGLE:
        return side == 0 ? optimizer_is_key(state, join->inputs[0], column, is_key) : BASE_OK;
    case PLAN_JOIN_LEFT:
        if (side == 1)
            return BASE_OK;
        break;
    case PLAN_JOIN_INNER:
        break;
    case PLAN_JOIN_FULL:
        return BASE_OK;
    }
    RETURN_IF_ERROR(has_one_partner(state, join, !side, &one));
    return one ? optimizer_is_key(state, join->inputs[side], column, is_key) : BASE_OK;
}

base_status optimizer_is_key(optimizer_state *state, const plan_node *node, plan_column column,
                             bool *is_key)
{
    *is_key = false;
    switch ((plan_node_kind)node->kind) {
    case PLAN_SCAN:
        *is_key = optimizer_node_has(node, column) && optimizer_is_unique(&state->columns[column]);
        return BASE_OK;
    case PLAN_FILTER:
    case PLAN_SORT:
    case PLAN_LIMIT:
    case PLAN_DISTINCT:
    case PLAN_WINDOW:
        return optimizer_node_has(node->inputs[0], column)
                   ? optimizer_is_key(state, node->inputs[0], column, is_key)
                   : BASE_OK;
    case PLAN_PROJECT:
        for (uint32_t i = 0; i < node->column_count; i++) {
            const plan_output *output = &node->project.outputs[i];
            if (output->column == column)
                return output->expr->kind == PLAN_EXPR_COLUMN
                           ? optimizer_is_key(state, node->inputs[0], output->expr->column, is_key)
                           : BASE_OK;
        }
        return BASE_OK;
    case PLAN_AGGREGATE:
        *is_key = node->aggregate.key_count == 1 && node->aggregate.keys[0].column == column;
        return BASE_OK;
    case PLAN_JOIN:
        return is_key_of_join(state, node, column, is_key);
    default:
        return BASE_OK;
    }
}
