/*
 * rule_semi_join.c - semi-joins before the joins that they shorten.
 *
 * A SEMI join over a tree of inner joins filters like a condition on the columns it uses:
 * it may as well filter the one input that has them all. Worth it when it leaves few rows
 * (TPC-H Q18: orders of which a handful qualify); otherwise it is cheaper on top, where the
 * inner joins have already filtered.
 */
#include "optimizer/optimizer_int.h"

static const double WORTHWHILE = 0.4;

static bool only_hides(const plan_node *node)
{
    for (uint32_t i = 0; i < node->column_count; i++) {
        const plan_output *output = &node->project.outputs[i];
        if (output->expr->kind != PLAN_EXPR_COLUMN || output->expr->column != output->column)
            return false;
    }
    return true;
}

static bool has_all(const plan_node *node, const plan_column_set *columns)
{
    uint32_t found = 0, wanted = 0;
    for (uint32_t word = 0; word < columns->word_count; word++)
        wanted += (uint32_t)__builtin_popcountll(columns->words[word]);
    for (uint32_t i = 0; i < node->column_count; i++)
        found += plan_set_has(columns, node->columns[i]);
    return found == wanted;
}

/* The place below inner joins where one input has all the columns. */
static plan_node **find_place(plan_node **root, const plan_column_set *columns)
{
    for (;;) {
        plan_node *node = *root;
        if ((node->kind == PLAN_PROJECT && only_hides(node)) || node->kind == PLAN_FILTER) {
            root = &node->inputs[0];
            continue;
        }
        if (node->kind != PLAN_JOIN || node->join.kind != PLAN_JOIN_INNER)
            return root;
        if (has_all(node->inputs[0], columns))
            root = &node->inputs[0];
        else if (has_all(node->inputs[1], columns))
            root = &node->inputs[1];
        else
            return root;
    }
}

base_status optimizer_place_semi_join(optimizer_state *state, plan_node **root)
{
    plan_node *join = *root, *left = join->inputs[0];
    plan_column_set used = optimizer_set(state), own = optimizer_set(state);
    optimizer_list conjuncts = {0};
    if (join->join.kind != PLAN_JOIN_SEMI || !join->join.condition)
        return BASE_OK;
    RETURN_IF_ERROR(optimizer_split(state, join->join.condition, &conjuncts));
    if (optimizer_partner_share(state, &conjuncts, join->inputs[1]) > WORTHWHILE)
        return BASE_OK;
    RETURN_IF_ERROR(optimizer_set_add_expr(state, &used, join->join.condition));
    for (uint32_t i = 0; i < left->column_count; i++) {
        if (plan_set_has(&used, left->columns[i]))
            RETURN_IF_ERROR(optimizer_set_add(state, &own, left->columns[i]));
    }
    plan_node **place = find_place(&join->inputs[0], &own);
    if (place == &join->inputs[0])
        return BASE_OK;
    left = join->inputs[0]; /* the tree that stays on top */
    join->inputs[0] = *place;
    *place = join;
    *root = left;
    return optimizer_refresh_columns(state, join);
}
