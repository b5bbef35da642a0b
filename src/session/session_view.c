/*
 * session_view.c - CREATE VIEW, and views that a change of what they read would break.
 *
 * A view is its text: it is bound again wherever it stands. Renaming or dropping a column or
 * renaming a table could leave it naming what is gone, or, where it says *, showing another
 * column's values under an old name. So ALTER TABLE binds the views before and after its change
 * and is refused when one of them no longer means the same. DROP TABLE is not: as in SQLite, a
 * view may wait for its table to be made again.
 *
 * Rejected: rewriting the texts, as PostgreSQL can because it keeps trees; finding names in a
 * query's text safely means binding it anyway.
 */
#include "session/session_define_int.h"

/* ---- CREATE VIEW ---------------------------------------------------------------------------- */

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
    RETURN_IF_ERROR(session_drop_relation(run, &tree->name, PARSER_VIEW));
    return session_refresh_schema(run);
}

base_status session_create_view(session_run *run)
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

/* ---- Views that depend on a table ----------------------------------------------------------- */

static base_status bind_body(session_run *run, const catalog_table *view, binder_result *bound,
                             base_error *error)
{
    parser_query *query;
    binder_input input = {
        .catalog = run->schema,
        .find_system = session_find_system,
        .system_context = run->connection,
    };
    RETURN_IF_ERROR(parser_parse_query(view->view_sql, run->arena, &query, error));
    return binder_bind_query(&input, query, run->arena, bound, error);
}

base_status session_views_bind(session_run *run, session_views *views)
{
    uint32_t count = catalog_table_count(run->schema);
    *views = (session_views){0};
    views->views = base_arena_allocate_array(run->arena, count + 1u, sizeof *views->views);
    if (!views->views)
        return base_error_no_memory(run->error);
    for (uint32_t i = 0; i < count; i++) {
        const catalog_table *table = catalog_table_at(run->schema, i);
        session_bound_view *view = &views->views[views->count];
        base_error ignored;
        base_error_clear(&ignored);
        if (table->kind != CATALOG_VIEW)
            continue;
        base_status status = bind_body(run, table, &view->bound, &ignored);
        if (status == BASE_OUT_OF_MEMORY)
            return base_error_no_memory(run->error);
        if (status != BASE_OK) /* it is broken already */
            continue;
        char *name = base_arena_copy_text(run->arena, table->name.data, table->name.length);
        if (!name)
            return base_error_no_memory(run->error);
        view->name = (base_text){name, table->name.length};
        views->count++;
    }
    return BASE_OK;
}

/* Does the view give what it gave? Its columns are those of its query by place. */
static bool is_same(const catalog_table *view, const binder_result *before,
                    const binder_result *after, bool same_names)
{
    if (after->column_count < view->column_count)
        return false;
    for (uint32_t i = 0; i < view->column_count; i++) {
        base_text name_before = base_text_of(before->column_names[i]);
        base_text name_after = base_text_of(after->column_names[i]);
        if (!types_equal(before->column_types[i], after->column_types[i]) ||
            (same_names && !base_text_equal_folded(name_before, name_after)))
            return false;
    }
    return true;
}

base_status session_views_check(session_run *run, const session_views *before, bool same_names,
                                int32_t position)
{
    RETURN_IF_ERROR(session_refresh_schema(run));
    for (uint32_t i = 0; i < before->count; i++) {
        const session_bound_view *was = &before->views[i];
        const catalog_table *view = catalog_find_table(run->schema, was->name);
        binder_result bound;
        base_error why;
        base_error_clear(&why);
        if (!view) /* it is what was renamed */
            continue;
        base_status status = bind_body(run, view, &bound, &why);
        if (status == BASE_OUT_OF_MEMORY)
            return base_error_no_memory(run->error);
        if (status == BASE_OK && is_same(view, &was->bound, &bound, same_names))
            continue;
        base_error_set_at(run->error, BASE_DEPENDENT_OBJECTS, position,
                          "view \"%.*s\" depends on it", BASE_TEXT_ARGUMENTS(was->name));
        if (status != BASE_OK)
            base_error_set_detail(run->error, "%s", why.message);
        base_error_set_hint(run->error, "drop the view first and create it again afterwards");
        return BASE_DEPENDENT_OBJECTS;
    }
    return BASE_OK;
}
