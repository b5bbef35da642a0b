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
    if (catalog_find_column(table, tree->column.name.text) >= 0)
        return base_error_set_at(run->error, BASE_DUPLICATE_COLUMN, tree->column.name.position,
                                 "column \"%.*s\" already exists",
                                 BASE_TEXT_ARGUMENTS(tree->column.name.text));
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

/* ---- CHECKs that name what changes ---- */

/* Names in a CHECK's text that stand for one column, or that qualify columns with the table. */
typedef struct name_search {
    base_text table;  /* the table's name now */
    base_text column; /* empty: look for the qualifiers */
    const parser_name *found[256];
    uint32_t count;
    bool overflow;
} name_search;

static void search_names(name_search *self, const parser_expr *expr)
{
    if (expr->kind == PARSER_EXPR_COLUMN) {
        uint32_t count = expr->column.part_count;
        const parser_name *name = NULL;
        if (self->column.length)
            name = &expr->column.parts[count - 1];
        else if (count > 1)
            name = &expr->column.parts[count - 2];
        base_text wanted = self->column.length ? self->column : self->table;
        if (name && base_text_equal_folded(name->text, wanted)) {
            if (self->count == BASE_COUNT_OF(self->found))
                self->overflow = true;
            else
                self->found[self->count++] = name;
        }
    }
    for (uint32_t i = 0; i < expr->argument_count; i++)
        search_names(self, expr->arguments[i]);
}

static base_status search_check(session_run *run, name_search *self, base_text check_sql)
{
    parser_expr *expr;
    self->count = 0;
    self->overflow = false;
    RETURN_IF_ERROR(parser_parse_expr(check_sql, run->arena, &expr, run->error));
    search_names(self, expr);
    return self->overflow ? base_error_set(run->error, BASE_LIMIT,
                                           "a CHECK names the column more than %zu times",
                                           BASE_COUNT_OF(self->found))
                          : BASE_OK;
}

/* The length of a name as it stands in the text, quotes included. */
static size_t written_length(base_text sql, const parser_name *name)
{
    size_t at = (size_t)name->position;
    char quote = sql.data[at];
    if (quote != '"' && quote != '`')
        return name->text.length;
    size_t end = at + 1;
    while (sql.data[end] != quote || (end + 1 < sql.length && sql.data[end + 1] == quote))
        end += sql.data[end] == quote ? 2 : 1;
    return end + 1 - at;
}

static int by_position(const void *a, const void *b)
{
    int32_t first = (*(const parser_name *const *)a)->position;
    int32_t second = (*(const parser_name *const *)b)->position;
    return first < second ? -1 : first > second;
}

/* The text with the names found replaced. A tree's order is not always the text's: trim(a FROM b)
 * is a call whose first argument is b. */
static base_status replace_names(session_run *run, name_search *self, base_text sql, base_text name,
                                 base_text *replaced)
{
    base_buffer out;
    size_t from = 0;
    base_buffer_init(&out, &run->connection->budget);
    qsort(self->found, self->count, sizeof *self->found, by_position);
    for (uint32_t i = 0; i < self->count; i++) {
        size_t at = (size_t)self->found[i]->position;
        base_buffer_append(&out, sql.data + from, at - from);
        session_append_name(&out, name);
        from = at + written_length(sql, self->found[i]);
    }
    base_buffer_append(&out, sql.data + from, sql.length - from);
    char *copy = out.failed ? NULL : base_arena_copy_text(run->arena, out.data, out.length);
    *replaced = (base_text){copy, out.length};
    base_buffer_destroy(&out);
    return copy ? BASE_OK : base_error_no_memory(run->error);
}

/* New texts of the CHECKs, for a rename of a column or (column empty) of the table. */
static base_status renamed_checks(session_run *run, const catalog_table *table, base_text column,
                                  base_text new_name, base_text **check_sqls)
{
    name_search *search = base_arena_allocate_zeroed(run->arena, sizeof *search);
    *check_sqls =
        base_arena_allocate_array(run->arena, table->constraint_count + 1u, sizeof **check_sqls);
    if (!search || !*check_sqls)
        return base_error_no_memory(run->error);
    search->table = table->name;
    search->column = column;
    for (uint32_t i = 0; i < table->constraint_count; i++) {
        base_text sql = table->constraints[i].check_sql;
        if (table->constraints[i].kind != CATALOG_CHECK)
            continue;
        RETURN_IF_ERROR(search_check(run, search, sql));
        if (search->count)
            RETURN_IF_ERROR(replace_names(run, search, sql, new_name, &(*check_sqls)[i]));
    }
    return BASE_OK;
}

static base_status refuse_used_by_check(session_run *run, const catalog_table *table,
                                        base_text column)
{
    name_search *search = base_arena_allocate_zeroed(run->arena, sizeof *search);
    if (!search)
        return base_error_no_memory(run->error);
    search->table = table->name;
    search->column = column;
    for (uint32_t i = 0; i < table->constraint_count; i++) {
        const catalog_constraint *constraint = &table->constraints[i];
        if (constraint->kind != CATALOG_CHECK)
            continue;
        RETURN_IF_ERROR(search_check(run, search, constraint->check_sql));
        if (search->count)
            return base_error_set(run->error, BASE_DEPENDENT_OBJECTS,
                                  "column \"%.*s\" is used by the check constraint \"%.*s\"",
                                  BASE_TEXT_ARGUMENTS(column),
                                  BASE_TEXT_ARGUMENTS(constraint->name));
    }
    return BASE_OK;
}

/* ---- The other changes ---- */

static base_status drop_column(session_run *run, const catalog_table *table)
{
    const parser_alter_table *tree = run->tree->alter_table;
    uint32_t place;
    if (tree->if_column_exists && catalog_find_column(table, tree->name.text) < 0)
        return BASE_OK;
    RETURN_IF_ERROR(session_find_column(run, table, &tree->name, &place));
    RETURN_IF_ERROR(refuse_used_by_check(run, table, table->columns[place].name));
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
    base_text *check_sqls;
    RETURN_IF_ERROR(
        renamed_checks(run, table, table->columns[place].name, tree->new_name.text, &check_sqls));
    return catalog_rename_column(run->connection->database->catalog, run->transaction, table, place,
                                 tree->new_name.text, check_sqls, run->error);
}

static base_status rename_table(session_run *run, const catalog_table *table)
{
    const parser_alter_table *tree = run->tree->alter_table;
    base_text *check_sqls;
    base_text none = {NULL, 0};
    RETURN_IF_ERROR(renamed_checks(run, table, none, tree->new_name.text, &check_sqls));
    return catalog_rename_table(run->connection->database->catalog, run->transaction, table,
                                tree->new_name.text, check_sqls, run->error);
}

/* Changes that take names away: views that use them are in the way. */
static base_status change_names(session_run *run, const catalog_table *table)
{
    const parser_alter_table *tree = run->tree->alter_table;
    bool drops = tree->kind == PARSER_ALTER_DROP_COLUMN;
    bool of_column = drops || tree->kind == PARSER_ALTER_RENAME_COLUMN;
    session_views views;
    RETURN_IF_ERROR(session_views_bind(run, &views));
    if (drops)
        RETURN_IF_ERROR(drop_column(run, table));
    else if (of_column)
        RETURN_IF_ERROR(rename_column(run, table));
    else
        RETURN_IF_ERROR(rename_table(run, table));
    return session_views_check(run, &views, drops,
                               of_column ? tree->name.position : tree->table.name.position);
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
    case PARSER_ALTER_RENAME_COLUMN:
    case PARSER_ALTER_RENAME_TABLE:
        return change_names(run, table);
    case PARSER_ALTER_ADD_CONSTRAINT:
        return session_not_available(run, tree->constraint.position, "ADD CONSTRAINT");
    case PARSER_ALTER_DROP_CONSTRAINT:
        return session_not_available(run, tree->name.position, "DROP CONSTRAINT");
    default:
        return session_not_available(run, tree->name.position, "ALTER COLUMN");
    }
}
