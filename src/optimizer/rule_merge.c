/*
 * rule_merge.c - less of a tree: what binding and unnesting leave between the operators.
 *
 *   projection over projection     one projection
 *   a CTE that is scanned once     its definition at that place, open to other rules
 *   a CTE that is never scanned    nothing
 *
 * A projection whose outputs are used several times above is merged only when they are
 * bare columns or constants: nothing is computed twice.
 */
#include "optimizer/optimizer_int.h"

/* ---- Projections ---------------------------------------------------------------------------- */

typedef struct use_count {
    const plan_output *outputs;
    uint32_t output_count;
    uint32_t *uses;
} use_count;

static base_status count_use(void *context, plan_expr **expr)
{
    use_count *self = context;
    for (uint32_t i = 0; (*expr)->kind == PLAN_EXPR_COLUMN && i < self->output_count; i++) {
        if (self->outputs[i].column == (*expr)->column)
            self->uses[i]++;
    }
    return BASE_OK;
}

static bool is_cheap(const plan_expr *expr)
{
    return expr->kind == PLAN_EXPR_COLUMN || expr->kind == PLAN_EXPR_CONSTANT ||
           expr->kind == PLAN_EXPR_PARAMETER;
}

static base_status can_merge(optimizer_state *state, plan_node *upper, const plan_node *lower,
                             bool *can)
{
    use_count count = {lower->project.outputs, lower->column_count, NULL};
    count.uses = base_arena_allocate_array(state->arena, lower->column_count, sizeof *count.uses);
    if (!count.uses)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < upper->column_count; i++)
        RETURN_IF_ERROR(plan_expr_walk(&upper->project.outputs[i].expr, count_use, &count));
    *can = true;
    for (uint32_t i = 0; i < lower->column_count; i++) {
        const plan_expr *expr = lower->project.outputs[i].expr;
        if (!is_cheap(expr) && (count.uses[i] > 1 || plan_expr_is_volatile(expr)))
            *can = false;
    }
    return BASE_OK;
}

static base_status merge_projections(optimizer_state *state, plan_node *node)
{
    while (node->inputs[0]->kind == PLAN_PROJECT) {
        plan_node *lower = node->inputs[0];
        optimizer_map map = {0};
        bool can = false;
        RETURN_IF_ERROR(can_merge(state, node, lower, &can));
        if (!can)
            return BASE_OK;
        for (uint32_t i = 0; i < lower->column_count; i++)
            RETURN_IF_ERROR(optimizer_map_add(state, &map, lower->project.outputs[i].column,
                                              lower->project.outputs[i].expr));
        RETURN_IF_ERROR(optimizer_map_apply_node(state, &map, node));
        node->inputs[0] = lower->inputs[0];
    }
    return BASE_OK;
}

/* ---- Common table expressions ---------------------------------------------------------------- */

static void count_scans(const plan_node *node, uint32_t cte, uint32_t *count)
{
    if (node->kind == PLAN_CTE_SCAN && node->cte.cte == cte)
        (*count)++;
    for (uint32_t i = 0; i < optimizer_input_count(node); i++)
        count_scans(node->inputs[i], cte, count);
}

/* The scan becomes a projection of the definition to the scan's numbers. */
static base_status inline_scan(optimizer_state *state, plan_node **root, uint32_t cte,
                               plan_node *definition)
{
    plan_node *node = *root;
    if (node->kind == PLAN_CTE_SCAN && node->cte.cte == cte) {
        plan_output *outputs =
            base_arena_allocate_array(state->arena, node->column_count, sizeof *outputs);
        if (!outputs)
            return optimizer_no_memory(state);
        for (uint32_t i = 0; i < node->column_count; i++) {
            outputs[i].column = node->columns[i];
            RETURN_IF_ERROR(optimizer_column_expr(state, definition->columns[i], &outputs[i].expr));
        }
        return optimizer_project_node(state, definition, outputs, node->column_count, root);
    }
    for (uint32_t i = 0; i < optimizer_input_count(node); i++)
        RETURN_IF_ERROR(inline_scan(state, &node->inputs[i], cte, definition));
    return BASE_OK;
}

static bool is_change(const plan_node *node)
{
    return node->kind == PLAN_INSERT || node->kind == PLAN_UPDATE || node->kind == PLAN_DELETE;
}

static base_status merge_cte(optimizer_state *state, plan_node **root)
{
    plan_node *node = *root;
    uint32_t scans = 0;
    if (node->cte.recursive || is_change(node->inputs[0]))
        return BASE_OK;
    count_scans(node->inputs[1], node->cte.cte, &scans);
    if (scans > 1)
        return BASE_OK;
    *root = node->inputs[1];
    return scans ? inline_scan(state, root, node->cte.cte, node->inputs[0]) : BASE_OK;
}

base_status optimizer_merge(optimizer_state *state, plan_node **root)
{
    RETURN_IF_ERROR(optimizer_enter(state));
    while ((*root)->kind == PLAN_CTE) {
        plan_node *before = *root;
        RETURN_IF_ERROR(merge_cte(state, root));
        if (*root == before)
            break;
    }
    RETURN_IF_ERROR(optimizer_sink_limit(state, root));
    for (uint32_t i = 0; i < optimizer_input_count(*root); i++)
        RETURN_IF_ERROR(optimizer_merge(state, &(*root)->inputs[i]));
    if ((*root)->kind == PLAN_PROJECT)
        RETURN_IF_ERROR(merge_projections(state, *root));
    if ((*root)->kind == PLAN_CTE)
        state->cte_definitions[(*root)->cte.cte] = (*root)->inputs[0];
    optimizer_leave(state);
    return BASE_OK;
}
