/*
 * optimizer_columns.c - the table of column numbers, sets of them, and their replacement.
 *
 * Logical nodes carry numbers only. Types, base columns and estimates of all numbers of a
 * statement are gathered once into one table, before anything moves: numbers keep their
 * meaning while rules carry expressions about, so the table stays true. Rules that make
 * columns (domains of correlation, marks) append to it.
 * Rejected: types in every node (each rule would have to keep them in step).
 */
#include "optimizer/optimizer_int.h"

/* ---- The table --------------------------------------------------------------------------- */

static base_status grow_columns(optimizer_state *state, uint32_t needed)
{
    if (needed <= state->column_capacity)
        return BASE_OK;
    uint32_t capacity = BASE_MAX(needed, state->column_capacity * 2);
    capacity = BASE_MAX(capacity, 32u);
    optimizer_column *columns = base_arena_allocate_array(state->arena, capacity, sizeof *columns);
    if (!columns)
        return optimizer_no_memory(state);
    if (state->column_count)
        memcpy(columns, state->columns, state->column_count * sizeof *columns);
    state->columns = columns;
    state->column_capacity = capacity;
    return BASE_OK;
}

static base_status record(optimizer_state *state, plan_column column, const optimizer_column *what)
{
    if (column < 0)
        return BASE_OK;
    RETURN_IF_ERROR(grow_columns(state, (uint32_t)column + 1));
    state->columns[column] = *what;
    if ((uint32_t)column >= state->column_count)
        state->column_count = (uint32_t)column + 1;
    return BASE_OK;
}

static base_status record_type(optimizer_state *state, plan_column column, types_type type)
{
    return record(state, column, &(optimizer_column){.type = type});
}

base_status optimizer_new_column(optimizer_state *state, types_type type, plan_column *column)
{
    *column = (plan_column)state->column_count;
    return record_type(state, *column, type);
}

base_status optimizer_new_cte(optimizer_state *state, plan_node *definition, uint32_t *cte)
{
    if (state->cte_count == state->cte_capacity) {
        uint32_t capacity = state->cte_capacity ? state->cte_capacity * 2 : 8;
        plan_node **grown = base_arena_allocate_array(state->arena, capacity, sizeof *grown);
        if (!grown)
            return optimizer_no_memory(state);
        if (state->cte_count)
            memcpy(grown, state->cte_definitions, state->cte_count * sizeof *grown);
        state->cte_definitions = grown;
        state->cte_capacity = capacity;
    }
    *cte = state->cte_count++;
    state->cte_definitions[*cte] = definition;
    return BASE_OK;
}

base_status optimizer_column_expr(optimizer_state *state, plan_column column, plan_expr **expr)
{
    *expr = plan_column_ref(state->arena, column, optimizer_type(state, column));
    return *expr ? BASE_OK : optimizer_no_memory(state);
}

/* ---- Gathering ---------------------------------------------------------------------------- */

static base_status record_scan(optimizer_state *state, const plan_node *node)
{
    const catalog_table *table = node->scan.table;
    for (uint32_t i = 0; i < node->column_count; i++) {
        optimizer_column column = {.type = TYPES_OF(INTEGER),
                                   .table = table,
                                   .column_id = node->scan.column_ids[i],
                                   .not_null = node->scan.column_ids[i] == TABLE_ROWID};
        for (uint32_t k = 0; k < table->column_count; k++) {
            if (table->columns[k].id != column.column_id)
                continue;
            column.type = table->columns[k].type;
            column.not_null = table->columns[k].not_null || (int32_t)k == table->rowid_column;
            if ((int32_t)k == table->rowid_column)
                column.column_id = TABLE_ROWID;
        }
        RETURN_IF_ERROR(record(state, node->columns[i], &column));
    }
    return BASE_OK;
}

/* A renamed column keeps its origin. */
static base_status record_expr(optimizer_state *state, plan_column column, const plan_expr *expr)
{
    optimizer_column what = {.type = expr->type};
    if (expr->kind == PLAN_EXPR_COLUMN && (uint32_t)expr->column < state->column_count &&
        types_equal(state->columns[expr->column].type, expr->type))
        what = state->columns[expr->column];
    else if (expr->kind == PLAN_EXPR_CONSTANT)
        what.not_null = !expr->constant.is_null;
    return record(state, column, &what);
}

static base_status record_node(optimizer_state *state, plan_node *node);

static base_status record_subquery(void *context, plan_expr **expr)
{
    optimizer_state *state = context;
    return (*expr)->kind == PLAN_EXPR_SUBQUERY ? optimizer_register(state, (*expr)->subquery.node)
                                               : BASE_OK;
}

static base_status record_slot(void *context, plan_expr **expr)
{
    return plan_expr_walk(expr, record_subquery, context);
}

/* The columns of a set operation or CTE scan are those of another node, by position. */
static base_status record_like(optimizer_state *state, const plan_node *node, const plan_node *like,
                               bool keep_origin)
{
    for (uint32_t i = 0; i < node->column_count; i++) {
        optimizer_column what = state->columns[like->columns[i]];
        if (!keep_origin)
            what = (optimizer_column){.type = what.type};
        RETURN_IF_ERROR(record(state, node->columns[i], &what));
    }
    return BASE_OK;
}

static base_status remember_cte(optimizer_state *state, uint32_t number, plan_node *definition)
{
    while (state->cte_count <= number) {
        uint32_t made;
        RETURN_IF_ERROR(optimizer_new_cte(state, NULL, &made));
    }
    state->cte_definitions[number] = definition;
    return BASE_OK;
}

static base_status register_cte(optimizer_state *state, plan_node *node)
{
    plan_node *definition = node->inputs[0];
    RETURN_IF_ERROR(remember_cte(state, node->cte.cte, definition));
    if (node->cte.recursive) {
        /* Scans inside the right side need the types before it is registered. */
        RETURN_IF_ERROR(optimizer_register(state, definition->inputs[0]));
        RETURN_IF_ERROR(record_like(state, definition, definition->inputs[0], false));
        RETURN_IF_ERROR(optimizer_register(state, definition->inputs[1]));
    } else {
        RETURN_IF_ERROR(optimizer_register(state, definition));
    }
    return optimizer_register(state, node->inputs[1]);
}

static base_status record_change(optimizer_state *state, const plan_node *node)
{
    const catalog_table *table =
        node->kind == PLAN_INSERT ? node->insert.table : node->change.table;
    const plan_column *row =
        node->kind == PLAN_INSERT ? node->insert.row_columns : node->change.row_columns;
    for (uint32_t k = 0; row && k < table->column_count; k++)
        RETURN_IF_ERROR(record_type(state, row[table->columns[k].id], table->columns[k].type));
    if (node->kind == PLAN_INSERT)
        RETURN_IF_ERROR(record_type(state, node->insert.rowid_column, TYPES_OF(INTEGER)));
    uint32_t count =
        node->kind == PLAN_INSERT ? node->insert.returning_count : node->change.returning_count;
    const plan_output *outputs =
        node->kind == PLAN_INSERT ? node->insert.returning : node->change.returning;
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(record_type(state, outputs[i].column, outputs[i].expr->type));
    return BASE_OK;
}

static base_status record_node(optimizer_state *state, plan_node *node)
{
    switch ((plan_node_kind)node->kind) {
    case PLAN_SCAN:
        return record_scan(state, node);
    case PLAN_VALUES:
        for (uint32_t i = 0; i < node->column_count && node->values.row_count; i++)
            RETURN_IF_ERROR(record_type(state, node->columns[i], node->values.cells[i]->type));
        return BASE_OK;
    case PLAN_SYSTEM:
        for (uint32_t i = 0; i < node->column_count; i++)
            RETURN_IF_ERROR(
                record_type(state, node->columns[i],
                            node->system.source->columns[node->system.column_ids[i]].type));
        return BASE_OK;
    case PLAN_PROJECT:
        for (uint32_t i = 0; i < node->column_count; i++)
            RETURN_IF_ERROR(
                record_expr(state, node->project.outputs[i].column, node->project.outputs[i].expr));
        return BASE_OK;
    case PLAN_JOIN:
        return node->join.kind == PLAN_JOIN_MARK
                   ? record_type(state, node->join.mark, TYPES_OF(BOOLEAN))
                   : BASE_OK;
    case PLAN_AGGREGATE:
        for (uint32_t i = 0; i < node->aggregate.key_count; i++)
            RETURN_IF_ERROR(
                record_expr(state, node->aggregate.keys[i].column, node->aggregate.keys[i].expr));
        for (uint32_t i = 0; i < node->aggregate.aggregate_count; i++)
            RETURN_IF_ERROR(record_type(state, node->aggregate.aggregates[i].column,
                                        node->aggregate.aggregates[i].type));
        return BASE_OK;
    case PLAN_WINDOW:
        for (uint32_t i = 0; i < node->window.window_count; i++)
            RETURN_IF_ERROR(
                record_type(state, node->window.windows[i].column, node->window.windows[i].type));
        return BASE_OK;
    case PLAN_SET_OPERATION:
        return record_like(state, node, node->inputs[0], false);
    case PLAN_CTE_SCAN:
        if (node->cte.cte >= state->cte_count || !state->cte_definitions[node->cte.cte])
            return base_error_set(state->error, BASE_INTERNAL,
                                  "a scan of common table expression %u stands outside of it",
                                  node->cte.cte);
        return record_like(state, node, state->cte_definitions[node->cte.cte], true);
    case PLAN_INSERT:
    case PLAN_UPDATE:
    case PLAN_DELETE:
        return record_change(state, node);
    default:
        return BASE_OK; /* columns are the inputs' */
    }
}

base_status optimizer_register(optimizer_state *state, plan_node *root)
{
    RETURN_IF_ERROR(optimizer_enter(state));
    if (root->kind == PLAN_CTE) {
        RETURN_IF_ERROR(register_cte(state, root));
    } else {
        for (uint32_t i = 0; i < optimizer_input_count(root); i++)
            RETURN_IF_ERROR(optimizer_register(state, root->inputs[i]));
        /* Subqueries may use columns that the node itself makes (RETURNING), and the node's
         * outputs may have subqueries: types of subqueries come first, from their nodes. */
        RETURN_IF_ERROR(plan_node_visit_exprs(root, record_slot, state));
        RETURN_IF_ERROR(record_node(state, root));
    }
    optimizer_leave(state);
    return BASE_OK;
}

/* ---- Sets ---------------------------------------------------------------------------------- */

base_status optimizer_set_add(optimizer_state *state, plan_column_set *set, plan_column column)
{
    if (column < 0)
        return BASE_OK;
    return plan_set_add(set, column) ? BASE_OK : optimizer_no_memory(state);
}

base_status optimizer_set_add_expr(optimizer_state *state, plan_column_set *set,
                                   const plan_expr *expr)
{
    if (!expr)
        return BASE_OK;
    return plan_expr_columns(expr, set) ? BASE_OK : optimizer_no_memory(state);
}

base_status optimizer_set_add_node(optimizer_state *state, plan_column_set *set,
                                   const plan_node *node)
{
    for (uint32_t i = 0; i < node->column_count; i++)
        RETURN_IF_ERROR(optimizer_set_add(state, set, node->columns[i]));
    return BASE_OK;
}

base_status optimizer_set_union(optimizer_state *state, plan_column_set *set,
                                const plan_column_set *other)
{
    return plan_set_add_all(set, other) ? BASE_OK : optimizer_no_memory(state);
}

base_status optimizer_expr_within(optimizer_state *state, const plan_expr *expr,
                                  const plan_column_set *set, bool *within)
{
    plan_column_set used = optimizer_set(state);
    RETURN_IF_ERROR(optimizer_set_add_expr(state, &used, expr));
    *within = plan_set_contains(set, &used);
    return BASE_OK;
}

base_status optimizer_expr_touches(optimizer_state *state, const plan_expr *expr,
                                   const plan_column_set *set, bool *touches)
{
    plan_column_set used = optimizer_set(state);
    RETURN_IF_ERROR(optimizer_set_add_expr(state, &used, expr));
    *touches = plan_set_intersects(set, &used);
    return BASE_OK;
}

bool optimizer_node_has(const plan_node *node, plan_column column)
{
    for (uint32_t i = 0; i < node->column_count; i++) {
        if (node->columns[i] == column)
            return true;
    }
    return false;
}

/* ---- Replacement ---------------------------------------------------------------------------- */

base_status optimizer_map_add(optimizer_state *state, optimizer_map *map, plan_column from,
                              plan_expr *to)
{
    if (map->count == map->capacity) {
        uint32_t capacity = map->capacity ? map->capacity * 2 : 8;
        plan_column *keys = base_arena_allocate_array(state->arena, capacity, sizeof *keys);
        plan_expr **values = base_arena_allocate_array(state->arena, capacity, sizeof *values);
        if (!keys || !values)
            return optimizer_no_memory(state);
        if (map->count) {
            memcpy(keys, map->from, map->count * sizeof *keys);
            memcpy(values, map->to, map->count * sizeof *values);
        }
        map->from = keys;
        map->to = values;
        map->capacity = capacity;
    }
    map->from[map->count] = from;
    map->to[map->count++] = to;
    return BASE_OK;
}

plan_expr *optimizer_map_find(const optimizer_map *map, plan_column from)
{
    for (uint32_t i = map->count; i-- > 0;) {
        if (map->from[i] == from)
            return map->to[i];
    }
    return NULL;
}

typedef struct replacement {
    optimizer_state *state;
    const optimizer_map *map;
} replacement;

static base_status replace_in_tree(replacement *self, plan_node *node);

static base_status replace_visit(void *context, plan_expr **expr)
{
    replacement *self = context;
    if ((*expr)->kind == PLAN_EXPR_SUBQUERY)
        return replace_in_tree(self, (*expr)->subquery.node);
    if ((*expr)->kind != PLAN_EXPR_COLUMN)
        return BASE_OK;
    plan_expr *to = optimizer_map_find(self->map, (*expr)->column);
    if (!to)
        return BASE_OK;
    /* A copy per use: the walk goes on into it, and later rules change expressions. */
    plan_expr *copy = plan_expr_copy(self->state->arena, to);
    if (!copy)
        return optimizer_no_memory(self->state);
    copy->position = (*expr)->position;
    *expr = copy;
    return BASE_OK;
}

/* Column references are leaves, so replacing one must not walk into what replaced it: a
 * map may send a to f(a). Hence an own descent instead of plan_expr_walk. */
static base_status replace_expr(replacement *self, plan_expr **expr)
{
    if ((*expr)->kind == PLAN_EXPR_COLUMN)
        return replace_visit(self, expr);
    if ((*expr)->kind == PLAN_EXPR_SUBQUERY)
        RETURN_IF_ERROR(replace_visit(self, expr));
    for (uint32_t i = 0; i < (*expr)->argument_count; i++)
        RETURN_IF_ERROR(replace_expr(self, &(*expr)->arguments[i]));
    return BASE_OK;
}

static base_status replace_copy(void *context, plan_expr **expr)
{
    replacement *self = context;
    plan_expr *copy = plan_expr_copy(self->state->arena, *expr);
    if (!copy)
        return optimizer_no_memory(self->state);
    *expr = copy;
    return replace_expr(self, expr);
}

static base_status replace_in_tree(replacement *self, plan_node *node)
{
    RETURN_IF_ERROR(optimizer_enter(self->state));
    RETURN_IF_ERROR(plan_node_visit_exprs(node, replace_copy, self));
    for (uint32_t i = 0; i < optimizer_input_count(node); i++)
        RETURN_IF_ERROR(replace_in_tree(self, node->inputs[i]));
    optimizer_leave(self->state);
    return BASE_OK;
}

base_status optimizer_map_apply(optimizer_state *state, const optimizer_map *map, plan_expr **expr)
{
    replacement self = {state, map};
    return map->count && *expr ? replace_copy(&self, expr) : BASE_OK;
}

base_status optimizer_map_apply_node(optimizer_state *state, const optimizer_map *map,
                                     plan_node *node)
{
    replacement self = {state, map};
    return map->count ? plan_node_visit_exprs(node, replace_copy, &self) : BASE_OK;
}

base_status optimizer_map_apply_tree(optimizer_state *state, const optimizer_map *map,
                                     plan_node *node)
{
    replacement self = {state, map};
    return map->count ? replace_in_tree(&self, node) : BASE_OK;
}
