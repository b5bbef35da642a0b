/*
 * subqueries.c - subquery expressions become joins.
 *
 * The first half of unnesting. Wherever an expression has a subquery, the input of its node
 * is joined with the subquery's tree and the expression reads a column of that join:
 *
 *   scalar          SINGLE join; the column is the subquery's
 *   EXISTS          MARK join without condition, `mark IS TRUE`
 *   x op ANY (...)  MARK join on `x op column`; ALL is NOT ANY of the opposite
 *
 * As a conjunct of a filter, EXISTS and ANY need no mark: SEMI and, for NOT EXISTS, ANTI
 * joins keep or drop the row. NOT IN stays a mark, since a NULL must neither keep nor match;
 * rule_mark.c makes it ANTI where no NULL can come. All joins are dependent until unnest.c
 * has looked at them.
 *
 * Nodes keep their output columns: what the joins add is projected away again.
 *
 * Invariants: a subquery node is joined once, also when its expression was copied within
 * one node (`done`); plain conjuncts are filtered below the joins.
 */
#include "optimizer/optimizer_int.h"

/* Subqueries already joined below the node in work. */
typedef struct finished {
    const plan_expr *subquery;
    plan_expr *value;
    struct finished *next;
} finished;

typedef struct extraction {
    optimizer_state *state;
    plan_node **input; /* where joins are put */
    finished *done;
} extraction;

/* ---- Conditions of ANY and ALL ------------------------------------------------------------ */

static vector_comparison opposite(vector_comparison comparison)
{
    static const vector_comparison opposites[] = {VECTOR_NOT_EQUAL,     VECTOR_EQUAL,
                                                  VECTOR_GREATER_EQUAL, VECTOR_GREATER,
                                                  VECTOR_LESS_EQUAL,    VECTOR_LESS};
    return opposites[comparison];
}

static base_status compare_column(optimizer_state *state, vector_comparison comparison,
                                  plan_expr *value, plan_column column, plan_expr **expr)
{
    plan_expr *right;
    RETURN_IF_ERROR(optimizer_column_expr(state, column, &right));
    *expr = plan_compare(state->arena, comparison, value, right);
    return *expr ? BASE_OK : optimizer_no_memory(state);
}

/* (a, b) < (c, d) is a < c OR (a = c AND b < d); only the last column may use <=. */
static base_status compare_ordered_rows(optimizer_state *state, vector_comparison comparison,
                                        const plan_expr *subquery, plan_expr **condition)
{
    vector_comparison strict = comparison == VECTOR_LESS_EQUAL      ? VECTOR_LESS
                               : comparison == VECTOR_GREATER_EQUAL ? VECTOR_GREATER
                                                                    : comparison;
    const plan_column *columns = subquery->subquery.node->columns;
    uint32_t last = subquery->argument_count - 1;
    RETURN_IF_ERROR(
        compare_column(state, comparison, subquery->arguments[last], columns[last], condition));
    for (uint32_t i = last; i-- > 0;) {
        optimizer_list both = {0}, either = {0};
        plan_expr *equal, *less, *rest;
        plan_expr *again = plan_expr_copy(state->arena, subquery->arguments[i]);
        if (!again)
            return optimizer_no_memory(state);
        RETURN_IF_ERROR(compare_column(state, VECTOR_EQUAL, again, columns[i], &equal));
        RETURN_IF_ERROR(compare_column(state, strict, subquery->arguments[i], columns[i], &less));
        RETURN_IF_ERROR(optimizer_list_add(state, &both, equal));
        RETURN_IF_ERROR(optimizer_list_add(state, &both, *condition));
        RETURN_IF_ERROR(optimizer_connect(state, PLAN_EXPR_AND, &both, &rest));
        RETURN_IF_ERROR(optimizer_list_add(state, &either, less));
        RETURN_IF_ERROR(optimizer_list_add(state, &either, rest));
        RETURN_IF_ERROR(optimizer_connect(state, PLAN_EXPR_OR, &either, condition));
    }
    return BASE_OK;
}

static base_status compare_rows(optimizer_state *state, vector_comparison comparison,
                                const plan_expr *subquery, plan_expr **condition)
{
    if (comparison != VECTOR_EQUAL && comparison != VECTOR_NOT_EQUAL)
        return compare_ordered_rows(state, comparison, subquery, condition);
    optimizer_list parts = {0};
    for (uint32_t i = 0; i < subquery->argument_count; i++) {
        plan_expr *part;
        RETURN_IF_ERROR(compare_column(state, comparison, subquery->arguments[i],
                                       subquery->subquery.node->columns[i], &part));
        RETURN_IF_ERROR(optimizer_list_add(state, &parts, part));
    }
    return optimizer_connect(state, comparison == VECTOR_EQUAL ? PLAN_EXPR_AND : PLAN_EXPR_OR,
                             &parts, condition);
}

/* ---- Joins ----------------------------------------------------------------------------------- */

static base_status add_join(extraction *self, plan_join_kind kind, plan_expr *subquery,
                            plan_expr *condition, plan_column mark)
{
    plan_node *join;
    RETURN_IF_ERROR(optimizer_join_node(self->state, kind, *self->input, subquery->subquery.node,
                                        condition, mark, &join));
    join->join.dependent = true;
    join->position = subquery->position;
    *self->input = join;
    return BASE_OK;
}

static base_status join_mark(extraction *self, plan_expr *subquery, plan_expr *condition,
                             plan_expr **value)
{
    plan_column mark;
    RETURN_IF_ERROR(optimizer_new_column(self->state, TYPES_OF(BOOLEAN), &mark));
    RETURN_IF_ERROR(add_join(self, PLAN_JOIN_MARK, subquery, condition, mark));
    return optimizer_column_expr(self->state, mark, value);
}

static base_status join_scalar(extraction *self, plan_expr *subquery, plan_expr **value)
{
    plan_node *node = subquery->subquery.node;
    if (node->column_count != 1)
        return base_error_set_at(self->state->error, BASE_SYNTAX, subquery->position,
                                 "a subquery used as a value must have one column");
    RETURN_IF_ERROR(add_join(self, PLAN_JOIN_SINGLE, subquery, NULL, PLAN_NO_COLUMN));
    return optimizer_column_expr(self->state, node->columns[0], value);
}

/* The expression that stands for the subquery, joined below the node. */
static base_status join_subquery(extraction *self, plan_expr *subquery, plan_expr **value)
{
    optimizer_state *state = self->state;
    plan_expr *condition;
    bool negated = subquery->negated;
    switch (subquery->subquery.kind) {
    case PLAN_SUBQUERY_SCALAR:
        return join_scalar(self, subquery, value);
    case PLAN_SUBQUERY_EXISTS:
        RETURN_IF_ERROR(join_mark(self, subquery, NULL, value));
        return optimizer_is_truth(state, *value, negated, value);
    case PLAN_SUBQUERY_ANY:
        RETURN_IF_ERROR(compare_rows(state, subquery->subquery.comparison, subquery, &condition));
        break;
    case PLAN_SUBQUERY_ALL:
        negated = !negated;
        RETURN_IF_ERROR(
            compare_rows(state, opposite(subquery->subquery.comparison), subquery, &condition));
        break;
    }
    RETURN_IF_ERROR(join_mark(self, subquery, condition, value));
    return negated ? optimizer_not(state, *value, value) : BASE_OK;
}

static base_status find_done(extraction *self, const plan_expr *subquery, plan_expr **value)
{
    for (const finished *done = self->done; done; done = done->next) {
        if (plan_expr_equal(done->subquery, subquery)) {
            *value = plan_expr_copy(self->state->arena, done->value);
            return *value ? BASE_OK : optimizer_no_memory(self->state);
        }
    }
    *value = NULL;
    return BASE_OK;
}

static base_status extract_expr(extraction *self, plan_expr **expr)
{
    if ((*expr)->kind != PLAN_EXPR_SUBQUERY) {
        for (uint32_t i = 0; i < (*expr)->argument_count; i++)
            RETURN_IF_ERROR(extract_expr(self, &(*expr)->arguments[i]));
        return BASE_OK;
    }
    plan_expr *value;
    RETURN_IF_ERROR(find_done(self, *expr, &value));
    if (!value) {
        /* The original is kept for find_done: arguments are worked on in a copy. */
        finished *done = base_arena_allocate(self->state->arena, sizeof *done);
        plan_expr *copy = plan_expr_copy(self->state->arena, *expr);
        if (!done || !copy)
            return optimizer_no_memory(self->state);
        for (uint32_t i = 0; i < copy->argument_count; i++)
            RETURN_IF_ERROR(extract_expr(self, &copy->arguments[i]));
        RETURN_IF_ERROR(optimizer_extract_subqueries(self->state, &copy->subquery.node));
        RETURN_IF_ERROR(join_subquery(self, copy, &value));
        *done = (finished){*expr, value, self->done};
        self->done = done;
    }
    *expr = value;
    return BASE_OK;
}

static base_status extract_slot(void *context, plan_expr **expr)
{
    extraction *self = context;
    if (!plan_expr_has_subquery(*expr))
        return BASE_OK;
    /* Trees of expressions may share parts; what is changed here must not. */
    plan_expr *copy = plan_expr_copy(self->state->arena, *expr);
    if (!copy)
        return optimizer_no_memory(self->state);
    *expr = copy;
    return extract_expr(self, expr);
}

/* ---- Filters --------------------------------------------------------------------------------- */

/* A conjunct that is a subquery itself, perhaps under NOT, as a join that keeps or drops
 * rows. *done is false when it needs a mark. */
static base_status extract_conjunct(extraction *self, plan_expr *conjunct, bool *done)
{
    plan_expr *condition = NULL;
    bool negated = false;
    while (conjunct->kind == PLAN_EXPR_NOT) {
        negated = !negated;
        conjunct = conjunct->arguments[0];
    }
    *done = false;
    if (conjunct->kind != PLAN_EXPR_SUBQUERY)
        return BASE_OK;
    negated ^= conjunct->negated;
    bool exists = conjunct->subquery.kind == PLAN_SUBQUERY_EXISTS;
    bool any = conjunct->subquery.kind == PLAN_SUBQUERY_ANY && !negated;
    if (!exists && !any)
        return BASE_OK;
    plan_expr *copy = plan_expr_copy(self->state->arena, conjunct);
    if (!copy)
        return optimizer_no_memory(self->state);
    for (uint32_t i = 0; i < copy->argument_count; i++)
        RETURN_IF_ERROR(extract_expr(self, &copy->arguments[i]));
    RETURN_IF_ERROR(optimizer_extract_subqueries(self->state, &copy->subquery.node));
    if (any)
        RETURN_IF_ERROR(compare_rows(self->state, copy->subquery.comparison, copy, &condition));
    *done = true;
    return add_join(self, negated ? PLAN_JOIN_ANTI : PLAN_JOIN_SEMI, copy, condition,
                    PLAN_NO_COLUMN);
}

static base_status extract_filter(optimizer_state *state, plan_node **root)
{
    plan_node *node = *root, *input = node->inputs[0];
    optimizer_list conjuncts = {0}, plain = {0}, marked = {0};
    plan_expr *condition;
    extraction self = {state, &input, NULL};
    RETURN_IF_ERROR(optimizer_split(state, node->filter.condition, &conjuncts));
    for (uint32_t i = 0; i < conjuncts.count; i++) {
        optimizer_list *list = plan_expr_has_subquery(conjuncts.items[i]) ? &marked : &plain;
        RETURN_IF_ERROR(optimizer_list_add(state, list, conjuncts.items[i]));
    }
    RETURN_IF_ERROR(optimizer_conjunction(state, &plain, &condition));
    RETURN_IF_ERROR(optimizer_filter_node(state, input, condition, &input));
    optimizer_list rest = {0};
    for (uint32_t i = 0; i < marked.count; i++) {
        bool done = false;
        RETURN_IF_ERROR(extract_conjunct(&self, marked.items[i], &done));
        if (done)
            continue;
        RETURN_IF_ERROR(extract_slot(&self, &marked.items[i]));
        RETURN_IF_ERROR(optimizer_list_add(state, &rest, marked.items[i]));
    }
    RETURN_IF_ERROR(optimizer_conjunction(state, &rest, &condition));
    RETURN_IF_ERROR(optimizer_filter_node(state, input, condition, &input));
    return optimizer_restrict_node(state, input, node->columns, node->column_count, root);
}

/* ---- VALUES ---------------------------------------------------------------------------------- */

static bool row_has_subquery(const plan_node *node, uint32_t row)
{
    for (uint32_t i = 0; i < node->column_count; i++) {
        if (plan_expr_has_subquery(node->values.cells[row * node->column_count + i]))
            return true;
    }
    return false;
}

static base_status append_rows(optimizer_state *state, plan_node *node, plan_node *rows,
                               plan_node **all)
{
    if (!*all) {
        *all = rows;
        return BASE_OK;
    }
    plan_node *both = plan_node_new(state->arena, PLAN_SET_OPERATION, node->column_count);
    if (!both)
        return optimizer_no_memory(state);
    both->inputs[0] = *all;
    both->inputs[1] = rows;
    both->set.kind = PLAN_UNION;
    both->set.all = true;
    for (uint32_t i = 0; i < node->column_count; i++)
        RETURN_IF_ERROR(optimizer_new_column(state, optimizer_type(state, node->columns[i]),
                                             &both->columns[i]));
    *all = both;
    return BASE_OK;
}

/* Rows [first, end) of a VALUES as a VALUES with fresh numbers. */
static base_status slice_values(optimizer_state *state, plan_node *node, uint32_t first,
                                uint32_t end, plan_node **slice)
{
    *slice = plan_node_new(state->arena, PLAN_VALUES, node->column_count);
    if (!*slice)
        return optimizer_no_memory(state);
    (*slice)->values.row_count = end - first;
    (*slice)->values.cells = node->values.cells + (size_t)first * node->column_count;
    for (uint32_t i = 0; i < node->column_count; i++)
        RETURN_IF_ERROR(optimizer_new_column(state, optimizer_type(state, node->columns[i]),
                                             &(*slice)->columns[i]));
    return BASE_OK;
}

/* One row with subqueries: a projection over a single row of no columns. */
static base_status project_row(optimizer_state *state, plan_node *node, uint32_t row,
                               plan_node **made)
{
    plan_node *single = plan_node_new(state->arena, PLAN_VALUES, 0);
    plan_output *outputs =
        base_arena_allocate_array(state->arena, node->column_count, sizeof *outputs);
    if (!single || !outputs)
        return optimizer_no_memory(state);
    single->values.row_count = 1;
    for (uint32_t i = 0; i < node->column_count; i++) {
        outputs[i].expr = node->values.cells[(size_t)row * node->column_count + i];
        RETURN_IF_ERROR(optimizer_new_column(state, outputs[i].expr->type, &outputs[i].column));
    }
    RETURN_IF_ERROR(optimizer_project_node(state, single, outputs, node->column_count, made));
    return optimizer_extract_subqueries(state, made);
}

static base_status extract_values(optimizer_state *state, plan_node **root)
{
    plan_node *node = *root, *all = NULL, *rows;
    uint32_t first = 0;
    bool any = false;
    for (uint32_t row = 0; row < node->values.row_count && !any; row++)
        any = row_has_subquery(node, row);
    if (!any)
        return BASE_OK;
    for (uint32_t row = 0; row <= node->values.row_count; row++) {
        bool end = row == node->values.row_count;
        if (!end && !row_has_subquery(node, row))
            continue;
        if (row > first) {
            RETURN_IF_ERROR(slice_values(state, node, first, row, &rows));
            RETURN_IF_ERROR(append_rows(state, node, rows, &all));
        }
        if (!end) {
            RETURN_IF_ERROR(project_row(state, node, row, &rows));
            RETURN_IF_ERROR(append_rows(state, node, rows, &all));
        }
        first = row + 1;
    }
    plan_output *outputs =
        base_arena_allocate_array(state->arena, node->column_count, sizeof *outputs);
    if (!outputs)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < node->column_count; i++) {
        outputs[i].column = node->columns[i];
        RETURN_IF_ERROR(optimizer_column_expr(state, all->columns[i], &outputs[i].expr));
    }
    return optimizer_project_node(state, all, outputs, node->column_count, root);
}

/* ---- Join conditions ------------------------------------------------------------------------- */

/* LEFT JOIN ... ON p where p has a subquery over columns of both sides: the pairs are made
 * by an inner join over numbered left rows, then joined back by number. */
static base_status extract_left_pairs(optimizer_state *state, plan_node **root)
{
    plan_node *node = *root, *left = node->inputs[0], *numbered, *scan, *pairs, *join;
    const func_window *row_number;
    types_type result;
    uint32_t cte;
    plan_column number, number_again;
    optimizer_map map = {0};
    plan_expr *condition = node->join.condition, *a, *b;
    RETURN_IF_ERROR(
        func_find_window(BASE_TEXT("row_number"), NULL, 0, &row_number, &result, state->error));
    numbered = plan_node_new(state->arena, PLAN_WINDOW, 0);
    scan = plan_node_new(state->arena, PLAN_CTE_SCAN, left->column_count + 1);
    plan_node *again = plan_node_new(state->arena, PLAN_CTE_SCAN, left->column_count + 1);
    plan_node *body = plan_node_new(state->arena, PLAN_CTE, 0);
    plan_window *window = base_arena_allocate_zeroed(state->arena, sizeof *window);
    if (!numbered || !scan || !again || !body || !window)
        return optimizer_no_memory(state);
    RETURN_IF_ERROR(optimizer_new_column(state, result, &number));
    RETURN_IF_ERROR(optimizer_new_column(state, result, &number_again));
    *window = (plan_window){.column = number,
                            .function = row_number,
                            .type = result,
                            .mode = PLAN_FRAME_RANGE,
                            .start = PLAN_FRAME_UNBOUNDED_PRECEDING,
                            .end = PLAN_FRAME_CURRENT_ROW};
    numbered->inputs[0] = left;
    numbered->window.window_count = 1;
    numbered->window.windows = window;
    RETURN_IF_ERROR(optimizer_refresh_columns(state, numbered));
    RETURN_IF_ERROR(optimizer_new_cte(state, numbered, &cte));
    scan->cte.cte = again->cte.cte = body->cte.cte = cte;
    for (uint32_t i = 0; i < numbered->column_count; i++) {
        plan_expr *expr;
        scan->columns[i] = numbered->columns[i];
        again->columns[i] = number_again;
        if (i + 1 == numbered->column_count)
            break;
        RETURN_IF_ERROR(optimizer_new_column(state, optimizer_type(state, numbered->columns[i]),
                                             &again->columns[i]));
        RETURN_IF_ERROR(optimizer_column_expr(state, again->columns[i], &expr));
        RETURN_IF_ERROR(optimizer_map_add(state, &map, numbered->columns[i], expr));
    }
    RETURN_IF_ERROR(optimizer_map_apply(state, &map, &condition));
    RETURN_IF_ERROR(optimizer_join_node(state, PLAN_JOIN_INNER, again, node->inputs[1], NULL,
                                        PLAN_NO_COLUMN, &pairs));
    RETURN_IF_ERROR(optimizer_filter_node(state, pairs, condition, &pairs));
    RETURN_IF_ERROR(extract_filter(state, &pairs));
    RETURN_IF_ERROR(optimizer_column_expr(state, number, &a));
    RETURN_IF_ERROR(optimizer_column_expr(state, number_again, &b));
    condition = plan_compare(state->arena, VECTOR_EQUAL, a, b);
    if (!condition)
        return optimizer_no_memory(state);
    RETURN_IF_ERROR(
        optimizer_join_node(state, PLAN_JOIN_LEFT, scan, pairs, condition, PLAN_NO_COLUMN, &join));
    body->inputs[0] = numbered;
    RETURN_IF_ERROR(
        optimizer_restrict_node(state, join, node->columns, node->column_count, &body->inputs[1]));
    *root = body;
    return optimizer_refresh_columns(state, body);
}

/* Subqueries of outer joins' conditions are computed on the side whose columns they use. */
static base_status extract_outer_condition(optimizer_state *state, plan_node **root)
{
    plan_node *node = *root;
    plan_column_set sides[2] = {optimizer_set(state), optimizer_set(state)};
    optimizer_list conjuncts = {0};
    RETURN_IF_ERROR(optimizer_split(state, node->join.condition, &conjuncts));
    for (uint32_t side = 0; side < 2; side++)
        RETURN_IF_ERROR(optimizer_set_add_node(state, &sides[side], node->inputs[side]));
    for (uint32_t i = 0; i < conjuncts.count; i++) {
        if (!plan_expr_has_subquery(conjuncts.items[i]))
            continue;
        bool left = false, right = false;
        RETURN_IF_ERROR(optimizer_expr_touches(state, conjuncts.items[i], &sides[0], &left));
        RETURN_IF_ERROR(optimizer_expr_touches(state, conjuncts.items[i], &sides[1], &right));
        if (left && right && node->join.kind == PLAN_JOIN_LEFT)
            return extract_left_pairs(state, root);
        if (left && right)
            return base_error_set_at(state->error, BASE_NOT_SUPPORTED, conjuncts.items[i]->position,
                                     "a FULL JOIN cannot have a condition with a subquery over "
                                     "both of its sides");
        extraction self = {state, &node->inputs[left ? 0 : 1], NULL};
        RETURN_IF_ERROR(extract_slot(&self, &conjuncts.items[i]));
    }
    RETURN_IF_ERROR(optimizer_conjunction(state, &conjuncts, &node->join.condition));
    plan_column *columns = node->columns;
    uint32_t count = node->column_count;
    RETURN_IF_ERROR(optimizer_refresh_columns(state, node));
    return optimizer_restrict_node(state, node, columns, count, root);
}

static base_status extract_join(optimizer_state *state, plan_node **root)
{
    plan_node *node = *root;
    plan_expr *condition = node->join.condition;
    if (!condition || !plan_expr_has_subquery(condition))
        return BASE_OK;
    if (node->join.kind != PLAN_JOIN_INNER)
        return extract_outer_condition(state, root);
    node->join.condition = NULL;
    RETURN_IF_ERROR(optimizer_filter_node(state, node, condition, root));
    return extract_filter(state, root);
}

/* ---- Other nodes ----------------------------------------------------------------------------- */

static base_status extract_over_input(optimizer_state *state, plan_node **root)
{
    plan_node *node = *root;
    plan_column *columns = node->columns;
    uint32_t count = node->column_count;
    extraction self = {state, &node->inputs[0], NULL};
    plan_node *before = node->inputs[0];
    RETURN_IF_ERROR(plan_node_visit_exprs(node, extract_slot, &self));
    if (node->inputs[0] == before)
        return BASE_OK;
    RETURN_IF_ERROR(optimizer_refresh_columns(state, node));
    return optimizer_restrict_node(state, node, columns, count, root);
}

static base_status extract_node(optimizer_state *state, plan_node **root)
{
    switch ((plan_node_kind)(*root)->kind) {
    case PLAN_FILTER:
        return plan_expr_has_subquery((*root)->filter.condition) ? extract_filter(state, root)
                                                                 : BASE_OK;
    case PLAN_JOIN:
        return extract_join(state, root);
    case PLAN_VALUES:
        return extract_values(state, root);
    case PLAN_PROJECT:
    case PLAN_AGGREGATE:
    case PLAN_WINDOW:
    case PLAN_SORT:
    case PLAN_DISTINCT:
        return extract_over_input(state, root);
    default:
        return BASE_OK; /* elsewhere a subquery is refused when slots are resolved */
    }
}

base_status optimizer_extract_subqueries(optimizer_state *state, plan_node **root)
{
    RETURN_IF_ERROR(optimizer_enter(state));
    for (uint32_t i = 0; i < optimizer_input_count(*root); i++)
        RETURN_IF_ERROR(optimizer_extract_subqueries(state, &(*root)->inputs[i]));
    RETURN_IF_ERROR(extract_node(state, root));
    optimizer_leave(state);
    return BASE_OK;
}
