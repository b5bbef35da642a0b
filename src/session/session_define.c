/*
 * session_define.c - DROP, TRUNCATE, views, and what all definitions share.
 *
 * Definitions are carried out from the syntax tree, step by step, inside the statement's
 * transaction: the session's run has taken a mark, so a failure half-way (or BASE_RESTART from
 * the catalog's version row) is undone as a whole and nothing here cleans up storage.
 *
 * Texts of DEFAULT, CHECK and views are stored as they were written; they are bound here once
 * to see that they are valid, and again whenever a statement uses them.
 */
#include "session/session_define_int.h"
#include "expr/expr.h"

base_status session_not_available(session_run *run, int32_t position, const char *what)
{
    return base_error_set_at(run->error, BASE_NOT_SUPPORTED, position, "%s is not available", what);
}

base_status session_check_schema(session_run *run, const parser_object *object, bool *temporary)
{
    base_text schema = object->schema.text;
    *temporary = base_text_equal_folded(schema, BASE_TEXT("temp")) ||
                 base_text_equal_folded(schema, BASE_TEXT("pg_temp"));
    if (!schema.length || *temporary || base_text_equal_folded(schema, BASE_TEXT("main")) ||
        base_text_equal_folded(schema, BASE_TEXT("public")))
        return BASE_OK;
    base_error_set_at(run->error, BASE_UNDEFINED_OBJECT, object->schema.position,
                      "schema \"%.*s\" does not exist", BASE_TEXT_ARGUMENTS(schema));
    base_error_set_hint(run->error, "the schema of all tables is \"main\"");
    return BASE_UNDEFINED_OBJECT;
}

base_status session_find_table(session_run *run, const parser_object *object,
                               const catalog_table **table)
{
    bool temporary;
    RETURN_IF_ERROR(session_check_schema(run, object, &temporary));
    *table = catalog_find_table(run->schema, object->name.text);
    if (*table && (!temporary || (*table)->temporary))
        return BASE_OK;
    base_error_set_at(run->error, BASE_UNDEFINED_TABLE, object->name.position,
                      "table \"%.*s\" does not exist", BASE_TEXT_ARGUMENTS(object->name.text));
    base_text nearest = catalog_nearest_table(run->schema, object->name.text);
    if (nearest.length)
        base_error_set_hint(run->error, "did you mean \"%.*s\"?", BASE_TEXT_ARGUMENTS(nearest));
    return BASE_UNDEFINED_TABLE;
}

base_status session_find_base_table(session_run *run, const parser_object *object,
                                    const catalog_table **table)
{
    RETURN_IF_ERROR(session_find_table(run, object, table));
    if ((*table)->kind == CATALOG_TABLE)
        return BASE_OK;
    return base_error_set_at(run->error, BASE_WRONG_OBJECT, object->name.position,
                             "\"%.*s\" is a view", BASE_TEXT_ARGUMENTS(object->name.text));
}

base_status session_refresh_schema(session_run *run)
{
    catalog_snapshot *fresh;
    RETURN_IF_ERROR(session_schema(run->connection, &fresh, run->error));
    catalog_snapshot_release(run->schema);
    run->schema = fresh;
    return BASE_OK;
}

base_status session_find_column(session_run *run, const catalog_table *table,
                                const parser_name *name, uint32_t *place)
{
    int32_t found = catalog_find_column(table, name->text);
    if (found >= 0) {
        *place = (uint32_t)found;
        return BASE_OK;
    }
    base_error_set_at(run->error, BASE_UNDEFINED_COLUMN, name->position,
                      "column \"%.*s\" of table \"%.*s\" does not exist",
                      BASE_TEXT_ARGUMENTS(name->text), BASE_TEXT_ARGUMENTS(table->name));
    base_text nearest = catalog_nearest_column(table, name->text);
    if (nearest.length)
        base_error_set_hint(run->error, "did you mean \"%.*s\"?", BASE_TEXT_ARGUMENTS(nearest));
    return BASE_UNDEFINED_COLUMN;
}

base_status session_bind_definition(session_run *run, const parser_expr *expr,
                                    binder_expr_purpose purpose, base_text table_name,
                                    const catalog_column *columns, uint32_t column_count,
                                    types_type type, plan_expr **bound)
{
    binder_input input = {
        .catalog = run->schema,
        .find_system = session_find_system,
        .system_context = run->connection,
    };
    return binder_bind_expr(&input, expr, purpose, table_name, columns, column_count, type,
                            run->arena, bound, run->error);
}

base_status session_evaluate(session_run *run, plan_expr *expr, types_value *value)
{
    expr_context context = {
        .environment = &run->connection->environment,
        .budget = &run->connection->budget,
    };
    expr_program *program;
    RETURN_IF_ERROR(expr_compile(&context, run->arena, expr, &program, run->error));
    RETURN_IF_ERROR(expr_reset(program, run->error));
    return expr_value(program, value, run->error);
}

/* ---- DROP and TRUNCATE ---------------------------------------------------------------------- */

static base_status drop_relation(session_run *run, const parser_object *object,
                                 parser_object_kind kind)
{
    const catalog_table *table;
    RETURN_IF_ERROR(session_find_table(run, object, &table));
    bool is_view = table->kind == CATALOG_VIEW;
    if (is_view != (kind == PARSER_VIEW)) {
        base_error_set_at(run->error, BASE_WRONG_OBJECT, object->name.position, "\"%.*s\" is a %s",
                          BASE_TEXT_ARGUMENTS(object->name.text), is_view ? "view" : "table");
        base_error_set_hint(run->error, "use DROP %s", is_view ? "VIEW" : "TABLE");
        return BASE_WRONG_OBJECT;
    }
    if (table->temporary) {
        (void)catalog_temporary_drop(run->connection->temporary, object->name.text);
        return BASE_OK;
    }
    return catalog_drop_table(run->connection->database->catalog, run->transaction, table,
                              run->error);
}

static base_status drop_index(session_run *run, const parser_object *object)
{
    const catalog_index *index = catalog_find_index(run->schema, object->name.text);
    if (!index)
        return base_error_set_at(run->error, BASE_UNDEFINED_OBJECT, object->name.position,
                                 "index \"%.*s\" does not exist",
                                 BASE_TEXT_ARGUMENTS(object->name.text));
    return catalog_drop_index(run->connection->database->catalog, run->transaction, index,
                              run->error);
}

static bool object_exists(const session_run *run, const parser_object *object,
                          parser_object_kind kind)
{
    if (kind == PARSER_INDEX)
        return catalog_find_index(run->schema, object->name.text) != NULL;
    return catalog_find_table(run->schema, object->name.text) != NULL;
}

static base_status drop_one(session_run *run, const parser_drop *drop, const parser_object *object)
{
    bool temporary;
    RETURN_IF_ERROR(session_check_schema(run, object, &temporary));
    if (drop->if_exists && !object_exists(run, object, drop->kind))
        return BASE_OK;
    switch (drop->kind) {
    case PARSER_TABLE:
    case PARSER_VIEW:
        return drop_relation(run, object, drop->kind);
    case PARSER_INDEX:
        return drop_index(run, object);
    case PARSER_TRIGGER:
        return drop->if_exists
                   ? BASE_OK
                   : base_error_set_at(run->error, BASE_UNDEFINED_OBJECT, object->name.position,
                                       "trigger \"%.*s\" does not exist",
                                       BASE_TEXT_ARGUMENTS(object->name.text));
    default:
        return session_not_available(run, object->name.position, "DROP SCHEMA");
    }
}

static base_status drop(session_run *run)
{
    const parser_drop *tree = run->tree->drop;
    for (uint32_t i = 0; i < tree->count; i++) {
        RETURN_IF_ERROR(drop_one(run, tree, &tree->names[i]));
        RETURN_IF_ERROR(session_refresh_schema(run));
    }
    return BASE_OK;
}

static base_status truncate(session_run *run)
{
    const catalog_table *table;
    RETURN_IF_ERROR(session_find_base_table(run, run->tree->truncate, &table));
    return table_truncate(run->transaction, table->id, run->error);
}

/* ---- Views --------------------------------------------------------------------------------- */

/* Names of the list given, or of the query's own columns, each once. */
static base_status view_columns(session_run *run, const parser_create_view *tree,
                                const binder_result *bound, catalog_column **made)
{
    if (tree->column_count && tree->column_count != bound->column_count)
        return base_error_set_at(run->error, BASE_INVALID_DEFINITION, tree->columns[0].position,
                                 "the view names %u columns, its query has %u", tree->column_count,
                                 bound->column_count);
    catalog_column *columns =
        base_arena_allocate_array(run->arena, bound->column_count, sizeof *columns);
    if (!columns)
        return base_error_no_memory(run->error);
    for (uint32_t i = 0; i < bound->column_count; i++) {
        columns[i].name =
            tree->column_count ? tree->columns[i].text : base_text_of(bound->column_names[i]);
        columns[i].type = bound->column_types[i];
        columns[i].id = i;
        for (uint32_t j = 0; j < i; j++) {
            if (base_text_equal_folded(columns[i].name, columns[j].name)) {
                base_error_set_at(run->error, BASE_DUPLICATE_COLUMN, tree->query->position,
                                  "column \"%.*s\" appears twice in the view",
                                  BASE_TEXT_ARGUMENTS(columns[i].name));
                base_error_set_hint(run->error, "give the columns names: CREATE VIEW v (a, b) AS");
                return BASE_DUPLICATE_COLUMN;
            }
        }
    }
    *made = columns;
    return BASE_OK;
}

/* Makes way for a new view: IF NOT EXISTS and OR REPLACE. */
static base_status view_in_the_way(session_run *run, const parser_create_view *tree, bool temporary,
                                   bool *done)
{
    const catalog_table *there = catalog_find_table(run->schema, tree->name.name.text);
    *done = false;
    if (!there || (temporary && !there->temporary))
        return BASE_OK;
    if (tree->if_not_exists) {
        *done = true;
        return BASE_OK;
    }
    if (!tree->or_replace || there->kind != CATALOG_VIEW)
        return base_error_set_at(run->error, BASE_DUPLICATE_TABLE, tree->name.name.position,
                                 "\"%.*s\" already exists",
                                 BASE_TEXT_ARGUMENTS(tree->name.name.text));
    RETURN_IF_ERROR(drop_relation(run, &tree->name, PARSER_VIEW));
    return session_refresh_schema(run);
}

static base_status create_view(session_run *run)
{
    const parser_create_view *tree = run->tree->create_view;
    session_connection *connection = run->connection;
    bool temporary, done;
    RETURN_IF_ERROR(session_check_schema(run, &tree->name, &temporary));
    temporary = temporary || tree->temporary;
    RETURN_IF_ERROR(view_in_the_way(run, tree, temporary, &done));
    if (done)
        return BASE_OK;

    binder_input input = {
        .catalog = run->schema,
        .find_system = session_find_system,
        .system_context = connection,
    };
    binder_result bound;
    catalog_column *columns = NULL;
    RETURN_IF_ERROR(binder_bind_query(&input, tree->query, run->arena, &bound, run->error));
    RETURN_IF_ERROR(view_columns(run, tree, &bound, &columns));
    base_text view_sql = parser_source(run->sql, tree->query->position, tree->query->end);
    base_text sql = parser_source(run->sql, run->tree->position, run->tree->end);
    if (!temporary)
        return catalog_create_view(connection->database->catalog, run->transaction,
                                   tree->name.name.text, bound.column_count, columns, view_sql, sql,
                                   run->error);
    if (!connection->temporary)
        RETURN_IF_ERROR(catalog_temporary_create(connection->database->catalog,
                                                 &connection->temporary, run->error));
    return catalog_temporary_add_view(connection->temporary, tree->name.name.text,
                                      bound.column_count, columns, view_sql, sql, run->error);
}

base_status session_define(session_run *run)
{
    switch (run->tree->kind) {
    case PARSER_STATEMENT_CREATE_TABLE:
        return session_create_table(run);
    case PARSER_STATEMENT_CREATE_INDEX:
        return session_create_index(run);
    case PARSER_STATEMENT_CREATE_VIEW:
        return create_view(run);
    case PARSER_STATEMENT_DROP:
        return drop(run);
    case PARSER_STATEMENT_ALTER_TABLE:
        return session_alter_table(run);
    case PARSER_STATEMENT_TRUNCATE:
        return truncate(run);
    default:
        BASE_ASSERT(run->tree->kind == PARSER_STATEMENT_REINDEX);
        return session_reindex(run);
    }
}
