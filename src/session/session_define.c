/*
 * session_define.c - DROP, TRUNCATE, and what all definitions share.
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

base_status session_drop_relation(session_run *run, const parser_object *object,
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
        return session_drop_relation(run, object, drop->kind);
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

/* ---- The kinds ----------------------------------------------------------------------------- */

base_status session_define(session_run *run)
{
    switch (run->tree->kind) {
    case PARSER_STATEMENT_CREATE_TABLE:
        return session_create_table(run);
    case PARSER_STATEMENT_CREATE_INDEX:
        return session_create_index(run);
    case PARSER_STATEMENT_CREATE_VIEW:
        return session_create_view(run);
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
