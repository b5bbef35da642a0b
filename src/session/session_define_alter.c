/*
 * session_define_alter.c - ALTER TABLE.
 *
 * ADD COLUMN writes no row: rows that are there read the DEFAULT's value as of now, which the
 * storage keeps with the column. So NOT NULL without a DEFAULT is refused unless the table is
 * empty.
 */
#include "session/session_define_int.h"

static const char *unavailable_constraint(parser_constraint_kind kind)
{
    switch (kind) {
    case PARSER_CONSTRAINT_PRIMARY_KEY:
        return "ADD COLUMN with PRIMARY KEY";
    case PARSER_CONSTRAINT_UNIQUE:
        return "ADD COLUMN with UNIQUE";
    case PARSER_CONSTRAINT_CHECK:
        return "ADD COLUMN with CHECK";
    case PARSER_CONSTRAINT_IDENTITY:
        return "ADD COLUMN with AUTOINCREMENT";
    default:
        return NULL;
    }
}

/* Is there a row that the statement sees? */
static base_status has_rows(session_run *run, const catalog_table *table, bool *found)
{
    uint32_t column = TABLE_ROWID;
    types_type type = TYPES_OF(INTEGER);
    table_scan_options options = {
        .columns = &column, .column_count = 1, .first_rowid = INT64_MIN, .last_rowid = INT64_MAX};
    table_scan *scan = NULL;
    table_reader *reader = NULL;
    vector_chunk chunk;
    *found = false;
    RETURN_IF_ERROR(vector_chunk_init(&chunk, &run->connection->budget, &type, 1, run->error));
    base_status status =
        table_scan_create(run->transaction, table->relation, &options, &scan, run->error);
    if (status == BASE_OK)
        status = table_reader_create(scan, &reader, run->error);
    uint32_t units = status == BASE_OK ? table_scan_unit_count(scan) : 0;
    for (uint32_t unit = 0; unit < units && status == BASE_OK && !*found; unit++) {
        status = table_reader_open_unit(reader, unit, run->error);
        if (status != BASE_OK)
            break;
        status = table_reader_next(reader, &chunk, run->error);
        *found = status == BASE_ROW;
        if (status == BASE_ROW || status == BASE_DONE)
            status = BASE_OK;
    }
    if (reader)
        table_reader_destroy(reader);
    if (scan)
        table_scan_destroy(scan);
    vector_chunk_destroy(&chunk);
    return status;
}

static base_status default_value(session_run *run, const parser_column *tree,
                                 const catalog_column *column, types_value *value)
{
    *value = types_null_of(column->type);
    for (uint32_t i = 0; i < tree->constraint_count; i++) {
        const parser_constraint *constraint = &tree->constraints[i];
        if (constraint->kind != PARSER_CONSTRAINT_DEFAULT)
            continue;
        plan_expr *bound;
        base_text none = {NULL, 0};
        RETURN_IF_ERROR(session_bind_definition(run, constraint->expr, BINDER_DEFAULT, none, NULL,
                                                0, column->type, &bound));
        RETURN_IF_ERROR(session_evaluate(run, bound, value));
    }
    return BASE_OK;
}

static base_status add_column(session_run *run, const catalog_table *table)
{
    const parser_alter_table *tree = run->tree->alter_table;
    catalog_column column;
    if (tree->if_column_not_exists && catalog_find_column(table, tree->column.name.text) >= 0)
        return BASE_OK;
    if (table->column_count >= TABLE_MAX_COLUMNS)
        return base_error_set_at(run->error, BASE_LIMIT, tree->column.name.position,
                                 "a table has at most %d columns", TABLE_MAX_COLUMNS);
    for (uint32_t i = 0; i < tree->column.constraint_count; i++) {
        const parser_constraint *constraint = &tree->column.constraints[i];
        const char *unavailable = unavailable_constraint(constraint->kind);
        if (unavailable)
            return session_not_available(run, constraint->position, unavailable);
    }
    RETURN_IF_ERROR(session_define_column(run, &tree->column, &column));
    types_value value;
    RETURN_IF_ERROR(default_value(run, &tree->column, &column, &value));
    if (column.not_null && value.is_null) {
        bool rows;
        RETURN_IF_ERROR(has_rows(run, table, &rows));
        if (rows) {
            base_error_set_at(run->error, BASE_NOT_NULL_VIOLATION, tree->column.name.position,
                              "the rows of \"%.*s\" would have NULL in the NOT NULL column "
                              "\"%.*s\"",
                              BASE_TEXT_ARGUMENTS(table->name), BASE_TEXT_ARGUMENTS(column.name));
            base_error_set_hint(run->error, "give the column a DEFAULT");
            return BASE_NOT_NULL_VIOLATION;
        }
    }
    return catalog_add_column(run->connection->database->catalog, run->transaction, table, &column,
                              &value, run->error);
}

static base_status drop_column(session_run *run, const catalog_table *table)
{
    const parser_alter_table *tree = run->tree->alter_table;
    uint32_t place;
    if (tree->if_column_exists && catalog_find_column(table, tree->name.text) < 0)
        return BASE_OK;
    RETURN_IF_ERROR(session_find_column(run, table, &tree->name, &place));
    return catalog_drop_column(run->connection->database->catalog, run->transaction, table, place,
                               run->error);
}

static base_status rename_column(session_run *run, const catalog_table *table)
{
    const parser_alter_table *tree = run->tree->alter_table;
    uint32_t place;
    RETURN_IF_ERROR(session_find_column(run, table, &tree->name, &place));
    int32_t taken = catalog_find_column(table, tree->new_name.text);
    if (taken >= 0 && taken != (int32_t)place)
        return base_error_set_at(run->error, BASE_DUPLICATE_COLUMN, tree->new_name.position,
                                 "column \"%.*s\" already exists",
                                 BASE_TEXT_ARGUMENTS(tree->new_name.text));
    return catalog_rename_column(run->connection->database->catalog, run->transaction, table, place,
                                 tree->new_name.text, run->error);
}

base_status session_alter_table(session_run *run)
{
    const parser_alter_table *tree = run->tree->alter_table;
    const catalog_table *table;
    if (tree->if_exists && !catalog_find_table(run->schema, tree->table.name.text))
        return BASE_OK;
    RETURN_IF_ERROR(session_find_table(run, &tree->table, &table));
    if (table->temporary)
        return session_not_available(run, tree->table.name.position, "ALTER of a temporary view");
    bool renames = tree->kind == PARSER_ALTER_RENAME_TABLE;
    if (!renames)
        RETURN_IF_ERROR(session_find_base_table(run, &tree->table, &table));
    switch (tree->kind) {
    case PARSER_ALTER_ADD_COLUMN:
        return add_column(run, table);
    case PARSER_ALTER_DROP_COLUMN:
        return drop_column(run, table);
    case PARSER_ALTER_RENAME_COLUMN:
        return rename_column(run, table);
    case PARSER_ALTER_RENAME_TABLE:
        return catalog_rename_table(run->connection->database->catalog, run->transaction, table,
                                    tree->new_name.text, run->error);
    case PARSER_ALTER_ADD_CONSTRAINT:
        return session_not_available(run, tree->constraint.position, "ADD CONSTRAINT");
    case PARSER_ALTER_DROP_CONSTRAINT:
        return session_not_available(run, tree->name.position, "DROP CONSTRAINT");
    default:
        return session_not_available(run, tree->name.position, "ALTER COLUMN");
    }
}
