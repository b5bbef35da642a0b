/*
 * session_plan.c - from syntax tree to plan: binder, then optimizer, then execution state.
 *
 * A plan is good for one schema version, one set of settings and the parameter types it
 * was made for. A parameter's type follows from its surroundings where those say
 * something; a bound value of another type (a float compared with an integer column) makes
 * the statement be planned again for that type, once, because values arrive after prepare.
 */
#include "session/session_int.h"

base_status session_plan_tree(session_connection *connection, catalog_snapshot *schema,
                              const parser_statement *tree, uint32_t parameter_count,
                              const types_type *parameter_types, base_arena *arena,
                              plan_statement *plan, base_error *error)
{
    binder_input input = {
        .catalog = schema,
        .find_system = session_find_system,
        .system_context = connection,
        .parameter_count = parameter_count,
        .parameter_types = parameter_types,
    };
    binder_result bound;
    memset(plan, 0, sizeof *plan);
    RETURN_IF_ERROR(binder_bind_statement(&input, tree, arena, &bound, error));
    optimizer_options options;
    optimizer_options_default(&options);
    if (!connection->settings.optimizer)
        options.rules = options.join_filters = false;
    RETURN_IF_ERROR(optimizer_optimize(arena, bound.root, &options, plan, error));
    plan->parameter_count = bound.parameter_count;
    plan->parameter_types = bound.parameter_types;
    plan->column_count = bound.column_count;
    plan->column_names = bound.column_names;
    plan->column_types = bound.column_types;
    plan->is_write = bound.is_write;
    plan->catalog = schema;
    return BASE_OK;
}

void session_drop_plan(session_statement *statement)
{
    exec_destroy(statement->execution);
    statement->execution = NULL;
    if (statement->plan.root)
        catalog_snapshot_release(statement->plan.catalog);
    memset(&statement->plan, 0, sizeof statement->plan);
    base_arena_reset(&statement->plan_arena);
}

/* Does a bound value say more about its parameter than the plan was made for? */
static bool parameter_differs(const session_statement *statement, uint32_t index)
{
    const types_value *value = &statement->parameters[index];
    if (value->is_null || value->type.kind == TYPES_TEXT || value->type.kind == TYPES_NULL)
        return false; /* these adapt */
    return !types_equal(value->type, statement->plan.parameter_types[index]) &&
           !types_equal(value->type, statement->parameter_types[index]);
}

static bool settings_equal(const session_settings *a, const session_settings *b)
{
    return a->optimizer == b->optimizer && a->threads == b->threads &&
           a->memory_limit == b->memory_limit && a->fast_path == b->fast_path;
}

static bool plan_is_current(const session_statement *statement, const catalog_snapshot *schema)
{
    if (!statement->plan.root || statement->plan_version != catalog_snapshot_version(schema) ||
        !settings_equal(&statement->plan_settings, &statement->connection->settings))
        return false;
    for (uint32_t i = 0; i < statement->parameter_count; i++) {
        if (parameter_differs(statement, i))
            return false;
    }
    return true;
}

base_status session_make_plan(session_statement *statement, base_error *error)
{
    session_connection *connection = statement->connection;
    catalog_snapshot *schema;
    RETURN_IF_ERROR(session_schema(connection, &schema, error));
    if (plan_is_current(statement, schema)) {
        catalog_snapshot_release(schema);
        return BASE_OK;
    }
    session_drop_plan(statement);
    for (uint32_t i = 0; i < statement->parameter_count; i++) {
        const types_value *value = &statement->parameters[i];
        statement->parameter_types[i] = value->is_null ? TYPES_OF(UNKNOWN) : value->type;
    }
    base_status status = session_plan_tree(connection, schema, statement->tree,
                                           statement->parameter_count, statement->parameter_types,
                                           &statement->plan_arena, &statement->plan, error);
    if (status != BASE_OK) {
        /* The plan, made by half, is not the owner of the snapshot yet. */
        memset(&statement->plan, 0, sizeof statement->plan);
        base_arena_reset(&statement->plan_arena);
        catalog_snapshot_release(schema);
        return status;
    }
    statement->plan_version = catalog_snapshot_version(schema);
    statement->plan_settings = connection->settings;
    exec_options options;
    session_exec_options(connection, &options);
    status = exec_create(&statement->plan, &options, &statement->execution, error);
    if (status != BASE_OK)
        session_drop_plan(statement);
    return status;
}
