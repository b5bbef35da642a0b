/*
 * unnest_pull.c - correlated predicates moved up out of a subquery.
 *
 * The cheap half of unnesting. If a subquery uses outer columns only in filters, and those
 * can be moved up to its root, the dependent join is an ordinary join with these predicates
 * as its condition; nothing has to be computed twice. An equality `outer = inner` may even
 * pass operators that work per outer row: grouping, DISTINCT, windows and LIMIT take
 * `inner` as one more key, since for one outer row it has one value.
 *
 * Rejected: pulling some predicates and leaving others; what cannot be pulled as a whole
 * goes to unnest_push.c, which handles everything.
 *
 * Invariant: optimizer_pull is called only after optimizer_can_pull said yes, and never
 * fails half-way but for memory.
 */
#include "optimizer/optimizer_int.h"

static base_status is_correlated(optimizer_state *state, const plan_node *node,
                                 const plan_column_set *outer, bool *correlated)
{
    plan_column_set used = optimizer_set(state);
    if (!plan_node_free_columns(node, &used))
        return optimizer_no_memory(state);
    *correlated = plan_set_intersects(&used, outer);
    return BASE_OK;
}

/* Fills `pulled` for a conjunct; equality sides only where it is one. */
static base_status read_conjunct(optimizer_state *state, plan_expr *expr,
                                 const plan_column_set *outer, optimizer_pulled *pulled)
{
    *pulled = (optimizer_pulled){.expr = expr};
    if (expr->kind != PLAN_EXPR_COMPARE || expr->comparison != VECTOR_EQUAL)
        return BASE_OK;
    for (uint32_t side = 0; side < 2; side++) {
        plan_expr *a = expr->arguments[side], *b = expr->arguments[!side];
        bool within = false, touches = false, other = false;
        RETURN_IF_ERROR(optimizer_expr_within(state, a, outer, &within));
        RETURN_IF_ERROR(optimizer_expr_touches(state, a, outer, &touches));
        RETURN_IF_ERROR(optimizer_expr_touches(state, b, outer, &other));
        if (within && touches && !other && !plan_expr_is_volatile(b)) {
            pulled->outer = a;
            pulled->inner = b;
        }
    }
    return BASE_OK;
}

/* ---- May it be pulled? ---------------------------------------------------------------------- */

static base_status can_pull_condition(optimizer_state *state, plan_expr *condition,
                                      const plan_column_set *outer, bool equalities, bool *can)
{
    optimizer_list conjuncts = {0};
    RETURN_IF_ERROR(optimizer_split(state, condition, &conjuncts));
    for (uint32_t i = 0; i < conjuncts.count && *can; i++) {
        bool touches = false, within = false;
        optimizer_pulled pulled;
        RETURN_IF_ERROR(optimizer_expr_touches(state, conjuncts.items[i], outer, &touches));
        if (!touches)
            continue;
        if (plan_expr_is_volatile(conjuncts.items[i]))
            *can = false;
        RETURN_IF_ERROR(read_conjunct(state, conjuncts.items[i], outer, &pulled));
        RETURN_IF_ERROR(optimizer_expr_within(state, conjuncts.items[i], outer, &within));
        if (equalities && !pulled.inner && !within)
            *can = false;
    }
    return BASE_OK;
}

typedef struct touch_test {
    optimizer_state *state;
    const plan_column_set *outer;
    bool touches;
} touch_test;

static base_status test_touch(void *context, plan_expr **expr)
{
    touch_test *self = context;
    bool touches = false;
    RETURN_IF_ERROR(optimizer_expr_touches(self->state, *expr, self->outer, &touches));
    self->touches |= touches;
    return BASE_OK;
}

/* No expression of the node itself may use outer columns. */
static base_status own_exprs_are_free(optimizer_state *state, plan_node *node,
                                      const plan_column_set *outer, bool *are_free)
{
    touch_test test = {state, outer, false};
    RETURN_IF_ERROR(plan_node_visit_exprs(node, test_touch, &test));
    *are_free = !test.touches;
    return BASE_OK;
}

static base_status can_pull(optimizer_state *state, plan_node *node, const plan_column_set *outer,
                            bool keyed, bool equalities, bool *can);

static base_status can_pull_join(optimizer_state *state, plan_node *node,
                                 const plan_column_set *outer, bool equalities, bool *can)
{
    bool right = false;
    RETURN_IF_ERROR(is_correlated(state, node->inputs[1], outer, &right));
    if (node->join.kind == PLAN_JOIN_INNER) {
        RETURN_IF_ERROR(can_pull_condition(state, node->join.condition, outer, equalities, can));
        *can = *can && !(right && node->join.dependent);
        if (*can)
            RETURN_IF_ERROR(can_pull(state, node->inputs[1], outer, false, equalities, can));
    } else {
        RETURN_IF_ERROR(own_exprs_are_free(state, node, outer, can));
        *can = *can && !right && node->join.kind != PLAN_JOIN_FULL;
    }
    return *can ? can_pull(state, node->inputs[0], outer, false, equalities, can) : BASE_OK;
}

static base_status can_pull_node(optimizer_state *state, plan_node *node,
                                 const plan_column_set *outer, bool keyed, bool equalities,
                                 bool *can)
{
    switch ((plan_node_kind)node->kind) {
    case PLAN_FILTER:
        RETURN_IF_ERROR(can_pull_condition(state, node->filter.condition, outer, equalities, can));
        break;
    case PLAN_JOIN:
        return can_pull_join(state, node, outer, equalities, can);
    case PLAN_AGGREGATE:
        if (!node->aggregate.key_count && !keyed) {
            *can = false;
            return BASE_OK;
        }
        /* fallthrough */
    case PLAN_DISTINCT:
    case PLAN_WINDOW:
    case PLAN_LIMIT:
        equalities = true;
        /* fallthrough */
    case PLAN_PROJECT:
    case PLAN_SORT:
        RETURN_IF_ERROR(own_exprs_are_free(state, node, outer, can));
        break;
    case PLAN_CTE: {
        bool definition = false;
        RETURN_IF_ERROR(is_correlated(state, node->inputs[0], outer, &definition));
        *can = !definition;
        return *can ? can_pull(state, node->inputs[1], outer, false, equalities, can) : BASE_OK;
    }
    default:
        *can = false;
        return BASE_OK;
    }
    return *can ? can_pull(state, node->inputs[0], outer, false, equalities, can) : BASE_OK;
}

static base_status can_pull(optimizer_state *state, plan_node *node, const plan_column_set *outer,
                            bool keyed, bool equalities, bool *can)
{
    bool correlated = false;
    *can = true;
    RETURN_IF_ERROR(is_correlated(state, node, outer, &correlated));
    if (!correlated)
        return BASE_OK;
    RETURN_IF_ERROR(optimizer_enter(state));
    RETURN_IF_ERROR(can_pull_node(state, node, outer, keyed, equalities, can));
    optimizer_leave(state);
    return BASE_OK;
}

base_status optimizer_can_pull(optimizer_state *state, plan_node *node,
                               const plan_column_set *outer, bool keyed, bool *can)
{
    return can_pull(state, node, outer, keyed, false, can);
}

/* ---- Pulling --------------------------------------------------------------------------------- */

static base_status add_pulled(optimizer_state *state, optimizer_pulled_list *list,
                              const optimizer_pulled *pulled)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 4;
        optimizer_pulled *items = base_arena_allocate_array(state->arena, capacity, sizeof *items);
        if (!items)
            return optimizer_no_memory(state);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *pulled;
    return BASE_OK;
}

/* Takes the correlated conjuncts out of *condition. */
static base_status take_conjuncts(optimizer_state *state, plan_expr **condition,
                                  const plan_column_set *outer, optimizer_pulled_list *pulled)
{
    optimizer_list conjuncts = {0}, rest = {0};
    RETURN_IF_ERROR(optimizer_split(state, *condition, &conjuncts));
    for (uint32_t i = 0; i < conjuncts.count; i++) {
        bool touches = false;
        optimizer_pulled one;
        RETURN_IF_ERROR(optimizer_expr_touches(state, conjuncts.items[i], outer, &touches));
        if (!touches) {
            RETURN_IF_ERROR(optimizer_list_add(state, &rest, conjuncts.items[i]));
            continue;
        }
        RETURN_IF_ERROR(read_conjunct(state, conjuncts.items[i], outer, &one));
        RETURN_IF_ERROR(add_pulled(state, pulled, &one));
    }
    return optimizer_conjunction(state, &rest, condition);
}

/* The pulled equality now compares with `column`, which stands for its inner side. */
static base_status replace_inner(optimizer_state *state, optimizer_pulled *pulled,
                                 plan_column column)
{
    RETURN_IF_ERROR(optimizer_column_expr(state, column, &pulled->inner));
    pulled->expr = plan_compare(state->arena, VECTOR_EQUAL, pulled->outer, pulled->inner);
    return pulled->expr ? BASE_OK : optimizer_no_memory(state);
}

/* A projection passes on what pulled predicates need of its input. */
static base_status expose(optimizer_state *state, plan_node *node, const plan_column_set *outer,
                          const optimizer_pulled *pulled, uint32_t count)
{
    plan_column_set needed = optimizer_set(state);
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(optimizer_set_add_expr(state, &needed, pulled[i].expr));
    const plan_node *input = node->inputs[0];
    plan_output *outputs = base_arena_allocate_array(
        state->arena, (size_t)node->column_count + input->column_count, sizeof *outputs);
    if (!outputs)
        return optimizer_no_memory(state);
    uint32_t total = 0;
    for (; total < node->column_count; total++)
        outputs[total] = node->project.outputs[total];
    for (uint32_t i = 0; i < input->column_count; i++) {
        plan_column column = input->columns[i];
        if (!plan_set_has(&needed, column) || plan_set_has(outer, column) ||
            optimizer_node_has(node, column))
            continue;
        outputs[total].column = column;
        RETURN_IF_ERROR(optimizer_column_expr(state, column, &outputs[total++].expr));
    }
    plan_node *made;
    RETURN_IF_ERROR(
        optimizer_project_node(state, input ? node->inputs[0] : NULL, outputs, total, &made));
    *node = *made;
    return BASE_OK;
}

static base_status add_group_key(optimizer_state *state, plan_node *node, optimizer_pulled *pulled)
{
    for (uint32_t i = 0; i < node->aggregate.key_count; i++) {
        if (plan_expr_equal(node->aggregate.keys[i].expr, pulled->inner))
            return replace_inner(state, pulled, node->aggregate.keys[i].column);
    }
    uint32_t count = node->aggregate.key_count;
    plan_output *keys = base_arena_allocate_array(state->arena, count + 1, sizeof *keys);
    plan_column *columns =
        base_arena_allocate_array(state->arena, node->column_count + 1, sizeof *columns);
    plan_column column;
    if (!keys || !columns)
        return optimizer_no_memory(state);
    RETURN_IF_ERROR(optimizer_new_column(state, pulled->inner->type, &column));
    for (uint32_t i = 0; i < count; i++)
        keys[i] = node->aggregate.keys[i];
    keys[count] = (plan_output){column, pulled->inner};
    /* Keys stand before aggregates in the output. */
    for (uint32_t i = 0; i <= node->column_count; i++)
        columns[i] = i < count ? node->columns[i] : i == count ? column : node->columns[i - 1];
    node->aggregate.keys = keys;
    node->aggregate.key_count = count + 1;
    node->columns = columns;
    node->column_count++;
    return replace_inner(state, pulled, column);
}

/* DISTINCT compares all columns, so the inner side must be one of them. */
static base_status add_distinct_key(optimizer_state *state, plan_node *node,
                                    const plan_column *columns, uint32_t count,
                                    optimizer_pulled *pulled, uint32_t pulled_count)
{
    uint32_t total = count;
    plan_output *outputs =
        base_arena_allocate_array(state->arena, (size_t)count + pulled_count, sizeof *outputs);
    if (!outputs)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < count; i++) {
        outputs[i].column = columns[i];
        RETURN_IF_ERROR(optimizer_column_expr(state, columns[i], &outputs[i].expr));
    }
    for (uint32_t i = 0; i < pulled_count; i++) {
        if (!pulled[i].inner)
            continue;
        outputs[total].expr = pulled[i].inner;
        RETURN_IF_ERROR(optimizer_new_column(state, pulled[i].inner->type, &outputs[total].column));
        RETURN_IF_ERROR(replace_inner(state, &pulled[i], outputs[total++].column));
    }
    RETURN_IF_ERROR(
        optimizer_project_node(state, node->inputs[0], outputs, total, &node->inputs[0]));
    return optimizer_refresh_columns(state, node);
}

/* Appends the inner sides to a list of expressions (partition, DISTINCT ON keys). */
static base_status add_keys(optimizer_state *state, plan_expr ***exprs, uint32_t *count,
                            const optimizer_pulled *pulled, uint32_t pulled_count)
{
    plan_expr **all =
        base_arena_allocate_array(state->arena, (size_t)*count + pulled_count, sizeof *all);
    if (!all)
        return optimizer_no_memory(state);
    uint32_t total = 0;
    for (; total < *count; total++)
        all[total] = (*exprs)[total];
    for (uint32_t i = 0; i < pulled_count; i++) {
        if (pulled[i].inner)
            all[total++] = pulled[i].inner;
    }
    *exprs = all;
    *count = total;
    return BASE_OK;
}

static base_status pull_distinct(optimizer_state *state, plan_node *node,
                                 const plan_column_set *outer, optimizer_pulled_list *pulled)
{
    uint32_t first = pulled->count, count = node->column_count;
    const plan_column *columns = node->columns;
    RETURN_IF_ERROR(optimizer_pull(state, &node->inputs[0], outer, pulled));
    if (!node->distinct.key_count)
        return add_distinct_key(state, node, columns, count, pulled->items + first,
                                pulled->count - first);
    RETURN_IF_ERROR(add_keys(state, &node->distinct.keys, &node->distinct.key_count,
                             pulled->items + first, pulled->count - first));
    return optimizer_refresh_columns(state, node);
}

static base_status pull_limit(optimizer_state *state, plan_node **root,
                              const plan_column_set *outer, optimizer_pulled_list *pulled)
{
    plan_node *node = *root, *input = node->inputs[0];
    if (input->kind == PLAN_PROJECT) { /* the limit must see the sort */
        node->inputs[0] = input->inputs[0];
        RETURN_IF_ERROR(optimizer_refresh_columns(state, node));
        input->inputs[0] = node;
        *root = input;
        return optimizer_pull(state, root, outer, pulled);
    }
    uint32_t first = pulled->count, count = 0;
    plan_expr **partition = NULL;
    RETURN_IF_ERROR(optimizer_pull(state, &node->inputs[0], outer, pulled));
    RETURN_IF_ERROR(optimizer_refresh_columns(state, node));
    RETURN_IF_ERROR(
        add_keys(state, &partition, &count, pulled->items + first, pulled->count - first));
    return count ? optimizer_limit_by_group(state, node, partition, count, root) : BASE_OK;
}

static base_status pull_node(optimizer_state *state, plan_node **root, const plan_column_set *outer,
                             optimizer_pulled_list *pulled)
{
    plan_node *node = *root;
    uint32_t first = pulled->count;
    switch ((plan_node_kind)node->kind) {
    case PLAN_FILTER:
        RETURN_IF_ERROR(take_conjuncts(state, &node->filter.condition, outer, pulled));
        RETURN_IF_ERROR(optimizer_pull(state, &node->inputs[0], outer, pulled));
        if (!node->filter.condition) {
            *root = node->inputs[0];
            return BASE_OK;
        }
        break;
    case PLAN_JOIN:
        RETURN_IF_ERROR(take_conjuncts(state, &node->join.condition, outer, pulled));
        RETURN_IF_ERROR(optimizer_pull(state, &node->inputs[0], outer, pulled));
        if (node->join.kind == PLAN_JOIN_INNER)
            RETURN_IF_ERROR(optimizer_pull(state, &node->inputs[1], outer, pulled));
        break;
    case PLAN_PROJECT:
        RETURN_IF_ERROR(optimizer_pull(state, &node->inputs[0], outer, pulled));
        return expose(state, node, outer, pulled->items + first, pulled->count - first);
    case PLAN_AGGREGATE:
        RETURN_IF_ERROR(optimizer_pull(state, &node->inputs[0], outer, pulled));
        for (uint32_t i = first; i < pulled->count; i++) {
            if (pulled->items[i].inner)
                RETURN_IF_ERROR(add_group_key(state, node, &pulled->items[i]));
        }
        return BASE_OK;
    case PLAN_DISTINCT:
        return pull_distinct(state, node, outer, pulled);
    case PLAN_LIMIT:
        return pull_limit(state, root, outer, pulled);
    case PLAN_WINDOW:
        RETURN_IF_ERROR(optimizer_pull(state, &node->inputs[0], outer, pulled));
        RETURN_IF_ERROR(add_keys(state, &node->window.partition, &node->window.partition_count,
                                 pulled->items + first, pulled->count - first));
        break;
    case PLAN_CTE:
        RETURN_IF_ERROR(optimizer_pull(state, &node->inputs[1], outer, pulled));
        break;
    default:
        RETURN_IF_ERROR(optimizer_pull(state, &node->inputs[0], outer, pulled));
        break;
    }
    return optimizer_refresh_columns(state, node);
}

base_status optimizer_pull(optimizer_state *state, plan_node **node, const plan_column_set *outer,
                           optimizer_pulled_list *pulled)
{
    bool correlated = false;
    RETURN_IF_ERROR(is_correlated(state, *node, outer, &correlated));
    if (!correlated)
        return BASE_OK;
    RETURN_IF_ERROR(optimizer_enter(state));
    RETURN_IF_ERROR(pull_node(state, node, outer, pulled));
    optimizer_leave(state);
    return BASE_OK;
}
