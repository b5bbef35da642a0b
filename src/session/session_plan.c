/*
 * session_plan.c - from syntax tree to plan: binder, then optimizer, then execution state.
 *
 * A plan is good for one schema version, one set of settings and the parameter types it
 * was made for. A parameter's type follows from its surroundings where those say
 * something; a bound value of another type (a float compared with an integer column) makes
 * the statement be planned again for that type, once, because values arrive after prepare.
 *
 * A plan is also good for tables about as large as they were. Those that it reads otherwise than by
 * a key are looked at before each run, and one that has grown or shrunk GROWTH times makes the
 * statement be planned again. Rejected: a count of changes that invalidates plans as a new schema
 * does; every insert would have to keep it, and a read by key would pay for others' growth.
 */
#include "session/session_int.h"

enum {
    GROWTH = 8,
    SMALL_TABLE = 1000, /* rows: smaller tables count as this large, for the optimizer, too */
    MOST_SIZES = 16,    /* tables that a plan remembers */
};

typedef struct session_plan_size {
    const table_relation *relation; /* pinned by the plan's snapshot of the catalog */
    uint64_t rows;
} session_plan_size;

static uint64_t size_of(const table_relation *relation)
{
    return BASE_MAX(table_row_count(relation), (uint64_t)SMALL_TABLE);
}

/* Whether each range of the scan finds one row at most, however large the table. */
static bool finds_by_key(const plan_operator *op)
{
    const catalog_table *table = op->index_scan.access.table;
    for (uint32_t i = 0; i < table->index_count; i++) {
        const catalog_index *index = table->indexes[i];
        if (index->id != op->index_scan.index_id)
            continue;
        for (uint32_t r = 0; r < op->index_scan.range_count; r++) {
            if (op->index_scan.ranges[r].equal_count < index->part_count)
                return false;
        }
        return index->unique;
    }
    return false;
}

static const catalog_table *sized_table(const plan_operator *op)
{
    switch ((plan_operator_kind)op->kind) {
    case PLAN_OP_TABLE_SCAN:
        return op->scan.table;
    case PLAN_OP_INDEX_SCAN:
        return finds_by_key(op) ? NULL : op->index_scan.access.table;
    case PLAN_OP_INDEX_JOIN:
        return op->index_join.access.table;
    default:
        return NULL;
    }
}

/* Notes the sizes of the tables below the operator; `sizes` has room for MOST_SIZES. */
static void note_sizes(const plan_operator *op, session_plan_size *sizes, uint32_t *count)
{
    const catalog_table *table = sized_table(op);
    bool known = !table || *count == MOST_SIZES;
    for (uint32_t i = 0; i < *count && !known; i++)
        known = sizes[i].relation == table->relation;
    if (!known)
        sizes[(*count)++] = (session_plan_size){table->relation, size_of(table->relation)};
    for (uint32_t i = 0; i < 2 && op->inputs[i]; i++)
        note_sizes(op->inputs[i], sizes, count);
}

static base_status remember_sizes(session_statement *statement, base_error *error)
{
    session_plan_size sizes[MOST_SIZES];
    uint32_t count = 0;
    note_sizes(statement->plan.root, sizes, &count);
    statement->plan_size_count = 0;
    if (!count)
        return BASE_OK;
    statement->plan_sizes = base_arena_allocate_array(&statement->plan_arena, count, sizeof *sizes);
    if (!statement->plan_sizes)
        return base_error_no_memory(error);
    memcpy(statement->plan_sizes, sizes, count * sizeof *sizes);
    statement->plan_size_count = count;
    return BASE_OK;
}

static bool sizes_hold(const session_statement *statement)
{
    for (uint32_t i = 0; i < statement->plan_size_count; i++) {
        uint64_t then = statement->plan_sizes[i].rows;
        uint64_t now = size_of(statement->plan_sizes[i].relation);
        if (now / GROWTH > then || then / GROWTH > now)
            return false;
    }
    return true;
}

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
    statement->plan_size_count = 0;
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

static bool plan_is_current(const session_statement *statement, uint64_t schema_version)
{
    if (!statement->plan.root || statement->plan_version != schema_version ||
        !settings_equal(&statement->plan_settings, &statement->connection->settings))
        return false;
    for (uint32_t i = 0; i < statement->parameter_count; i++) {
        if (parameter_differs(statement, i))
            return false;
    }
    return sizes_hold(statement);
}

base_status session_make_plan(session_statement *statement, base_error *error)
{
    session_connection *connection = statement->connection;
    catalog_snapshot *schema;
    /* The usual case takes no lock and no pin: the plan has its own. */
    if (!connection->temporary && plan_is_current(statement, session_schema_version(connection)))
        return BASE_OK;
    RETURN_IF_ERROR(session_schema(connection, &schema, error));
    if (plan_is_current(statement, catalog_snapshot_version(schema))) {
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
    status = remember_sizes(statement, error);
    if (status == BASE_OK)
        status = exec_create(&statement->plan, &options, &statement->execution, error);
    if (status != BASE_OK)
        session_drop_plan(statement);
    return status;
}
