/*
 * bind_update.c - UPDATE.
 *
 * The input gives, per row, the rowid, the new values and, where something needs the whole
 * new row (RETURNING, CHECK, or a changed INTEGER PRIMARY KEY, for which the row is deleted
 * and inserted), the columns that stay. NOT NULL is checked for changed columns only.
 */
#include "binder/binder_int.h"

typedef struct update_state {
    const parser_update *ast;
    bind_change change;
    bool *set;          /* by place */
    plan_expr **values; /* by place: the new value */
    uint32_t set_count;
} update_state;

/* A column that is named twice gets the last value, as in SQLite, whose tests ask for it. */
static base_status assign_one(binder *b, update_state *s, plan_expr *value, uint32_t place)
{
    RETURN_IF_ERROR(bind_assign(b, s->change.table, place, &value));
    s->set_count += !s->set[place];
    s->set[place] = true;
    s->values[place] = value;
    return BASE_OK;
}

static base_status bind_value(binder *b, update_state *s, const parser_expr *ast, uint32_t place,
                              plan_expr **value)
{
    if (ast->kind == PARSER_EXPR_DEFAULT)
        return bind_default(b, s->change.table, place, ast->position, value);
    return bind_expr(b, &s->change.scope, ast, value);
}

/* (a, b) = (1, 2), (a, b) = (SELECT ...) */
static base_status assign_row(binder *b, update_state *s, const parser_assignment *assignment)
{
    const parser_expr *row = assignment->value;
    uint32_t count = assignment->column_count;
    bool written = row->kind == PARSER_EXPR_ROW;
    if (!written && row->kind != PARSER_EXPR_SUBQUERY)
        return bind_error(b, BASE_SYNTAX, row->position,
                          "several columns need a row of values or a subquery");
    if (written && row->argument_count != count)
        return bind_error(b, BASE_SYNTAX, row->position, "%u columns are set to %u values", count,
                          row->argument_count);
    for (uint32_t i = 0; i < count; i++) {
        const parser_name *name = &assignment->columns[i];
        uint32_t place;
        plan_expr *value;
        RETURN_IF_ERROR(bind_target_column(b, s->change.table, name, &place));
        if (written)
            RETURN_IF_ERROR(bind_value(b, s, row->arguments[i], place, &value));
        else
            RETURN_IF_ERROR(bind_query_column(b, &s->change.scope, row->query, i, count,
                                              row->position, &value));
        RETURN_IF_ERROR(assign_one(b, s, value, place));
    }
    return BASE_OK;
}

static base_status bind_assignments(binder *b, update_state *s)
{
    uint32_t columns = s->change.table->column_count;
    s->set = bind_array(b, columns, sizeof *s->set);
    s->values = bind_array(b, columns, sizeof *s->values);
    if (!s->set || !s->values)
        return bind_no_memory(b);
    s->change.scope.clause = BIND_CLAUSE_SET;
    for (uint32_t i = 0; i < s->ast->assignment_count; i++) {
        const parser_assignment *assignment = &s->ast->assignments[i];
        if (assignment->column_count > 1) {
            RETURN_IF_ERROR(assign_row(b, s, assignment));
            continue;
        }
        uint32_t place;
        plan_expr *value;
        RETURN_IF_ERROR(bind_target_column(b, s->change.table, &assignment->columns[0], &place));
        RETURN_IF_ERROR(bind_value(b, s, assignment->value, place, &value));
        RETURN_IF_ERROR(assign_one(b, s, value, place));
    }
    return BASE_OK;
}

static bool needs_whole_row(const update_state *s)
{
    const catalog_table *table = s->change.table;
    return s->ast->returning_count || bind_has_checks(table) ||
           (table->rowid_column >= 0 && s->set[table->rowid_column]);
}

/* Expressions of the input: the rowid, then by place what is set or needed; `sources`
 * (by place) tells at which position, or 0. */
static base_status list_inputs(binder *b, const update_state *s, plan_expr ***exprs,
                               uint32_t *count, uint32_t *sources)
{
    const bind_relation *relation = s->change.relation;
    uint32_t columns = s->change.table->column_count;
    bool whole = needs_whole_row(s);
    *exprs = bind_array(b, columns + 1, sizeof **exprs);
    if (!*exprs)
        return bind_no_memory(b);
    *count = 0;
    (*exprs)[(*count)++] = plan_expr_copy(b->arena, relation->rowid);
    for (uint32_t i = 0; i < columns; i++) {
        if (!s->set[i] && !whole)
            continue;
        sources[i] = *count;
        (*exprs)[(*count)++] =
            s->set[i] ? s->values[i] : plan_expr_copy(b->arena, relation->columns[i].expr);
    }
    for (uint32_t i = 0; i < *count; i++)
        if (!(*exprs)[i])
            return bind_no_memory(b);
    return BASE_OK;
}

static base_status fill_node(binder *b, const update_state *s, const uint32_t *sources,
                             plan_node *node, bind_row *row)
{
    const catalog_table *table = s->change.table;
    uint32_t width = bind_descriptor_count(table);
    const plan_column *inputs = s->change.node->columns;
    row->columns = bind_array(b, width, sizeof *row->columns);
    node->change.set_columns = bind_array(b, s->set_count, sizeof *node->change.set_columns);
    node->change.set_sources = bind_array(b, s->set_count, sizeof *node->change.set_sources);
    if (!row->columns || !node->change.set_columns || !node->change.set_sources)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < width; i++)
        row->columns[i] = PLAN_NO_COLUMN;
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (!sources[i])
            continue;
        row->columns[table->columns[i].id] = inputs[sources[i]];
        if (!s->set[i])
            continue;
        node->change.set_columns[node->change.set_count] = table->columns[i].id;
        node->change.set_sources[node->change.set_count++] = inputs[sources[i]];
    }
    bool moves = table->rowid_column >= 0 && s->set[table->rowid_column];
    row->rowid = moves ? row->columns[table->columns[table->rowid_column].id] : inputs[0];
    node->inputs[0] = s->change.node;
    node->change.table = table;
    node->change.rowid = inputs[0];
    node->change.row_columns = row->columns;
    node->change.conflict = bind_conflict(s->ast->conflict);
    return BASE_OK;
}

base_status bind_update(binder *b, const parser_update *update, binder_result *result)
{
    update_state state = {.ast = update};
    update_state *s = &state;
    const bind_change_syntax syntax = {.table = &update->table,
                                       .alias = &update->alias,
                                       .from = update->from,
                                       .where = update->where,
                                       .limit = update->limit,
                                       .offset = update->offset,
                                       .order = update->order,
                                       .order_count = update->order_count,
                                       .verb = "update"};
    bind_cte *ctes = NULL;
    RETURN_IF_ERROR(bind_with(b, NULL, &update->with, &ctes));
    RETURN_IF_ERROR(bind_change_source(b, &syntax, ctes, &s->change));
    RETURN_IF_ERROR(bind_assignments(b, s));
    uint32_t *sources = bind_array(b, s->change.table->column_count, sizeof *sources);
    plan_node *node = plan_node_new(b->arena, PLAN_UPDATE, 0);
    if (!sources || !node)
        return bind_no_memory(b);
    node->position = bind_position(b, update->table.name.position);
    plan_expr **exprs = NULL;
    uint32_t count = 0;
    RETURN_IF_ERROR(list_inputs(b, s, &exprs, &count, sources));
    RETURN_IF_ERROR(bind_change_input(b, &syntax, exprs, count, ctes, &s->change));
    bind_row row = {.table = s->change.table, .alias = s->change.relation->alias};
    RETURN_IF_ERROR(fill_node(b, s, sources, node, &row));
    RETURN_IF_ERROR(bind_checks(b, &row, s->set, &node->change.checks, &node->change.check_count));
    RETURN_IF_ERROR(bind_returning(b, &row, update->returning, update->returning_count, node,
                                   &node->change.returning, result));
    node->change.returning_count = node->column_count;
    result->root = node;
    return BASE_OK;
}
