/*
 * bind_insert.c - INSERT and REPLACE.
 *
 * The input of PLAN_INSERT gives whole rows in descriptor order: listed columns from the
 * source, others from their DEFAULT, dropped columns NULL. Plain VALUES are cast cell by
 * cell, each to its column's type, so that ('1', DEFAULT) needs no common type with the
 * next row; any other source is a query under a projection.
 *
 * An INTEGER PRIMARY KEY that is NULL or left out stays NULL here: the executor gives it a
 * fresh value.
 */
#include "binder/binder_int.h"

typedef struct insert_state {
    const parser_insert *ast;
    const catalog_table *table;
    uint32_t width;       /* descriptor columns */
    uint32_t place_count; /* listed columns */
    uint32_t *places;
    plan_expr **defaults; /* by place, bound when first needed */
    plan_node *node;
} insert_state;

static base_status list_targets(binder *b, insert_state *s)
{
    const parser_insert *ast = s->ast;
    s->place_count = ast->column_count ? ast->column_count : s->table->column_count;
    s->places = bind_array(b, s->place_count, sizeof *s->places);
    bool *seen = bind_array(b, s->table->column_count, sizeof *seen);
    if (!s->places || !seen)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < s->place_count; i++) {
        s->places[i] = i;
        if (!ast->column_count)
            continue;
        RETURN_IF_ERROR(bind_target_column(b, s->table, &ast->columns[i], &s->places[i]));
        if (seen[s->places[i]])
            return bind_error(b, BASE_DUPLICATE_COLUMN, ast->columns[i].position,
                              "column \"%.*s\" is listed twice",
                              BASE_TEXT_ARGUMENTS(ast->columns[i].text));
        seen[s->places[i]] = true;
    }
    return BASE_OK;
}

static base_status check_count(binder *b, const insert_state *s, uint32_t given)
{
    int32_t position = s->ast->source->position;
    if (given > s->place_count)
        return bind_error(b, BASE_SYNTAX, position, "INSERT has %u values for %u column%s", given,
                          s->place_count, s->place_count == 1 ? "" : "s");
    if (given < s->place_count && s->ast->column_count)
        return bind_error(b, BASE_SYNTAX, position, "INSERT names %u columns but gives %u value%s",
                          s->place_count, given, given == 1 ? "" : "s");
    return BASE_OK;
}

/* The default of a place; each use is its own copy. */
static base_status default_value(binder *b, insert_state *s, uint32_t place, int32_t position,
                                 plan_expr **expr)
{
    if (!s->defaults[place])
        RETURN_IF_ERROR(bind_default(b, s->table, place, position, &s->defaults[place]));
    *expr = plan_expr_copy(b->arena, s->defaults[place]);
    return *expr ? BASE_OK : bind_no_memory(b);
}

/* Fills what the source has not given: defaults, and NULL for dropped columns. */
static base_status complete_row(binder *b, insert_state *s, plan_expr **row)
{
    for (uint32_t place = 0; place < s->table->column_count; place++) {
        plan_expr **cell = &row[s->table->columns[place].id];
        if (!*cell)
            RETURN_IF_ERROR(default_value(b, s, place, -1, cell));
    }
    const table_descriptor *descriptor = table_describe(s->table->relation);
    for (uint32_t id = 0; id < s->width; id++) {
        if (row[id])
            continue;
        types_value null = types_null_of(descriptor->columns[id].type);
        row[id] = plan_constant(b->arena, &null);
        if (!row[id])
            return bind_no_memory(b);
    }
    return BASE_OK;
}

/* ---- VALUES and DEFAULT VALUES ----------------------------------------------------------- */

static base_status bind_cells(binder *b, insert_state *s, bind_scope *scope, uint32_t row,
                              plan_expr **cells)
{
    const parser_query *source = s->ast->source;
    uint32_t given = source->values.column_count;
    for (uint32_t i = 0; i < given; i++) {
        const parser_expr *ast = source->values.cells[(size_t)row * given + i];
        uint32_t place = s->places[i];
        plan_expr **cell = &cells[s->table->columns[place].id];
        if (ast->kind == PARSER_EXPR_DEFAULT) {
            RETURN_IF_ERROR(default_value(b, s, place, ast->position, cell));
            continue;
        }
        RETURN_IF_ERROR(bind_expr(b, scope, ast, cell));
        RETURN_IF_ERROR(bind_assign(b, s->table, place, cell));
    }
    return BASE_OK;
}

static base_status bind_value_rows(binder *b, insert_state *s, bind_cte *ctes)
{
    const parser_query *source = s->ast->source;
    uint32_t rows = source ? source->values.row_count : 1;
    if (source)
        RETURN_IF_ERROR(check_count(b, s, source->values.column_count));
    bind_scope scope;
    bind_scope_init(&scope, NULL, ctes, source);
    scope.clause = BIND_CLAUSE_VALUES;
    plan_node *node = plan_node_new(b->arena, PLAN_VALUES, s->width);
    plan_expr **cells = bind_array(b, (size_t)rows * s->width, sizeof *cells);
    if (!node || !cells)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < s->width; i++)
        RETURN_IF_ERROR(bind_new_column(b, &node->columns[i]));
    for (uint32_t row = 0; row < rows; row++) {
        plan_expr **start = cells + (size_t)row * s->width;
        if (source)
            RETURN_IF_ERROR(bind_cells(b, s, &scope, row, start));
        RETURN_IF_ERROR(complete_row(b, s, start));
    }
    node->values.row_count = rows;
    node->values.cells = cells;
    s->node = node;
    return BASE_OK;
}

/* ---- Queries ----------------------------------------------------------------------------- */

static base_status bind_query_rows(binder *b, insert_state *s, bind_cte *ctes)
{
    bind_result query;
    RETURN_IF_ERROR(bind_query(b, NULL, ctes, s->ast->source, true, &query));
    RETURN_IF_ERROR(check_count(b, s, query.column_count));
    plan_expr **row = bind_array(b, s->width, sizeof *row);
    types_type *types = bind_array(b, query.column_count, sizeof *types);
    if (!row || !types)
        return bind_no_memory(b);
    /* Untyped literals take the column's type where they stand; the rest is cast below. */
    for (uint32_t i = 0; i < query.column_count; i++)
        types[i] = query.types[i].kind == TYPES_UNKNOWN ? s->table->columns[s->places[i]].type
                                                        : query.types[i];
    RETURN_IF_ERROR(
        bind_cast_result(b, &query, types, TYPES_CAST_ASSIGNMENT, s->ast->source->position));
    for (uint32_t i = 0; i < query.column_count; i++) {
        uint32_t place = s->places[i];
        plan_expr **cell = &row[s->table->columns[place].id];
        *cell = plan_column_ref(b->arena, query.node->columns[i], query.types[i]);
        if (!*cell)
            return bind_no_memory(b);
        (*cell)->position = bind_position(b, s->ast->source->position);
        RETURN_IF_ERROR(bind_assign(b, s->table, place, cell));
    }
    RETURN_IF_ERROR(complete_row(b, s, row));
    return bind_project(b, query.node, row, s->width, &s->node);
}

static bool is_plain_values(const parser_query *source)
{
    return !source || (source->kind == PARSER_QUERY_VALUES && !source->order_count &&
                       !source->limit && !source->offset && !source->with.count);
}

/* ---- The statement ----------------------------------------------------------------------- */

/* The columns of ON CONFLICT (...) as a set of places. */
static base_status target_places(binder *b, const catalog_table *table, const parser_upsert *upsert,
                                 bool *places)
{
    for (uint32_t i = 0; i < upsert->target_count; i++) {
        const parser_expr *expr = upsert->target[i].expr;
        if (expr->kind != PARSER_EXPR_COLUMN || expr->column.part_count != 1)
            return bind_error(b, BASE_INVALID_COLUMN_REFERENCE, expr->position,
                              "ON CONFLICT takes columns of a key");
        uint32_t place;
        RETURN_IF_ERROR(bind_target_column(b, table, &expr->column.parts[0], &place));
        places[place] = true;
    }
    return BASE_OK;
}

/* A unique index over exactly these columns? */
static bool is_key(const catalog_table *table, const catalog_index *index, const bool *places,
                   uint32_t place_count)
{
    uint32_t found = 0;
    for (uint32_t p = 0; p < index->part_count; p++)
        for (uint32_t i = 0; i < table->column_count; i++)
            found += places[i] && table->columns[i].id == index->parts[p].column;
    return found == place_count && index->part_count == place_count;
}

/* ON CONFLICT (columns): one key is meant. It must be there, and a table with further keys is
 * refused: the executor does not tell one key from another, so it would ignore conflicts that
 * were not named. */
static base_status check_target(binder *b, const catalog_table *table, const parser_upsert *upsert)
{
    bool *places = bind_array(b, table->column_count, sizeof *places);
    if (!places)
        return bind_no_memory(b);
    RETURN_IF_ERROR(target_places(b, table, upsert, places));
    uint32_t place_count = 0, keys = table->rowid_column >= 0;
    for (uint32_t i = 0; i < table->column_count; i++)
        place_count += places[i];
    bool matched = keys && place_count == 1 && places[table->rowid_column];
    for (uint32_t i = 0; i < table->index_count; i++) {
        if (!table->indexes[i]->unique)
            continue;
        keys++;
        matched |= is_key(table, table->indexes[i], places, place_count);
    }
    if (!matched)
        return bind_error(b, BASE_INVALID_COLUMN_REFERENCE, upsert->position,
                          "no unique key is over the columns of ON CONFLICT");
    if (keys > 1)
        return bind_error(b, BASE_NOT_SUPPORTED, upsert->position,
                          "ON CONFLICT for one of several keys is not available yet");
    return BASE_OK;
}

static base_status bind_upsert(binder *b, const parser_insert *ast, const catalog_table *table,
                               plan_conflict_action *conflict)
{
    *conflict = bind_conflict(ast->conflict);
    if (!ast->upsert)
        return BASE_OK;
    if (ast->upsert->update || ast->upsert->constraint.text.length)
        return bind_error(b, BASE_NOT_SUPPORTED, ast->upsert->position,
                          "only ON CONFLICT DO NOTHING is available yet");
    if (ast->upsert->target_count)
        RETURN_IF_ERROR(check_target(b, table, ast->upsert));
    *conflict = PLAN_CONFLICT_NOTHING;
    return BASE_OK;
}

static base_status number_row(binder *b, const insert_state *s, bind_row *row)
{
    row->table = s->table;
    row->alias = s->ast->alias.text.length ? s->ast->alias.text : s->table->name;
    row->columns = bind_array(b, s->width, sizeof *row->columns);
    if (!row->columns)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < s->width; i++)
        RETURN_IF_ERROR(bind_new_column(b, &row->columns[i]));
    return bind_new_column(b, &row->rowid);
}

base_status bind_insert(binder *b, const parser_insert *insert, binder_result *result)
{
    insert_state state = {.ast = insert};
    insert_state *s = &state;
    plan_conflict_action conflict;
    RETURN_IF_ERROR(bind_target_table(b, &insert->table, "insert into", &s->table));
    RETURN_IF_ERROR(bind_upsert(b, insert, s->table, &conflict));
    s->width = bind_descriptor_count(s->table);
    s->defaults = bind_array(b, s->table->column_count, sizeof *s->defaults);
    if (!s->defaults)
        return bind_no_memory(b);
    RETURN_IF_ERROR(list_targets(b, s));
    bind_cte *ctes = NULL;
    RETURN_IF_ERROR(bind_with(b, NULL, &insert->with, &ctes));
    RETURN_IF_ERROR(is_plain_values(insert->source) ? bind_value_rows(b, s, ctes)
                                                    : bind_query_rows(b, s, ctes));
    RETURN_IF_ERROR(bind_with_finish(b, ctes, NULL, &s->node));
    plan_node *node = plan_node_new(b->arena, PLAN_INSERT, 0);
    if (!node)
        return bind_no_memory(b);
    bind_row row;
    RETURN_IF_ERROR(number_row(b, s, &row));
    node->inputs[0] = s->node;
    node->position = bind_position(b, insert->table.name.position);
    node->insert.table = s->table;
    node->insert.conflict = conflict;
    node->insert.row_columns = row.columns;
    node->insert.rowid_column = row.rowid;
    RETURN_IF_ERROR(bind_checks(b, &row, NULL, &node->insert.checks, &node->insert.check_count));
    RETURN_IF_ERROR(bind_returning(b, &row, insert->returning, insert->returning_count, node,
                                   &node->insert.returning, result));
    node->insert.returning_count = node->column_count;
    result->root = node;
    return BASE_OK;
}
