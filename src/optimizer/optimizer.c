/*
 * optimizer.c - the order of the stages.
 *
 *   register columns -> unnest -> rules and join order -> translate -> number operators
 *
 * Unnesting comes first and is not optional: everything behind it sees plain joins only,
 * so no rule needs a case for subqueries. Translation comes last and cannot choose wrong
 * answers, only slow ones. All intermediate state lies in the statement's arena.
 */
#include "optimizer/optimizer_int.h"

static void number_operators(plan_operator *op, uint32_t *next)
{
    op->id = (*next)++;
    for (uint32_t i = 0; i < 2; i++) {
        if (op->inputs[i])
            number_operators(op->inputs[i], next);
    }
}

/* The change that a statement makes, below its common table expressions; NULL: none. */
static const plan_node *find_change(const plan_node *node)
{
    while (node->kind == PLAN_CTE)
        node = node->inputs[1];
    bool change =
        node->kind == PLAN_INSERT || node->kind == PLAN_UPDATE || node->kind == PLAN_DELETE;
    return change ? node : NULL;
}

static bool returns_rows(const plan_node *change)
{
    return change->kind == PLAN_INSERT ? change->insert.returning_count > 0
                                       : change->change.returning_count > 0;
}

/* Merging first and last: inlined definitions take part in everything, and the last round
 * clears away what the rules themselves put between operators. */
static base_status apply_rules(optimizer_state *state, plan_node **root)
{
    RETURN_IF_ERROR(optimizer_simplify(state, *root));
    RETURN_IF_ERROR(optimizer_merge(state, root));
    RETURN_IF_ERROR(optimizer_push_down(state, root));
    RETURN_IF_ERROR(optimizer_merge(state, root));
    RETURN_IF_ERROR(optimizer_drop_distinct(state, root));
    RETURN_IF_ERROR(optimizer_share_expressions(state, root));
    RETURN_IF_ERROR(optimizer_shorten_extremes(state, *root));
    RETURN_IF_ERROR(optimizer_order_joins(state, root));
    return optimizer_order_conjuncts(state, *root);
}

base_status optimizer_optimize(base_arena *arena, plan_node *root, const optimizer_options *options,
                               plan_statement *statement, base_error *error)
{
    optimizer_state state = {.arena = arena, .error = error, .options = options};
    BASE_ASSERT(root && options && statement);
    state.taken_filters = optimizer_set(&state);
    RETURN_IF_ERROR(optimizer_register(&state, root));
    RETURN_IF_ERROR(optimizer_extract_subqueries(&state, &root));
    RETURN_IF_ERROR(optimizer_unnest(&state, &root));
    if (options->rules)
        RETURN_IF_ERROR(apply_rules(&state, &root));
    const plan_node *change = find_change(root);
    statement->is_write = change != NULL;
    if (change && !returns_rows(change)) {
        /* The only output is the row count, which has no column number. */
        optimizer_request nothing = {.columns = optimizer_set(&state)};
        optimizer_physical physical;
        RETURN_IF_ERROR(optimizer_translate(&state, root, &nothing, &physical));
        statement->root = physical.op;
        statement->column_count = 0;
    } else {
        RETURN_IF_ERROR(optimizer_translate_exactly(&state, root, root->columns, root->column_count,
                                                    &statement->root));
        statement->column_count = statement->root->column_count;
    }
    statement->column_types = statement->root->types;
    statement->operator_count = 0;
    number_operators(statement->root, &statement->operator_count);
    statement->cte_count = state.cte_count;
    statement->join_filter_count = state.join_filter_count;
    return BASE_OK;
}
