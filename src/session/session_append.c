/*
 * session_append.c - the appender: rows collected, then one INSERT ... SELECT.
 *
 * Values are cast when they are given, so that a bad one is refused at its place. The rows are
 * then a system relation for one INSERT, as with COPY, which makes it all or nothing and gives it
 * everything that INSERT has. Rows go from the collected chunks (session_backlog.h: many of them
 * lie in a temporary file) to the executor without a copy.
 *
 * Every row gives the same columns, the first k of the table; the others get their defaults.
 */
#include "session/session_define_int.h"
#include "session/session_backlog.h"

static const char source_name[] = "\x01"
                                  "append";

enum {
    APPEND_MEMORY = 64 << 20 /* bytes of rows that are kept in memory */
};

struct session_appender {
    plan_system_source source; /* first: the executor hands it back */
    session_connection *connection;
    base_arena arena; /* names, types, the statement's text */
    base_text table;
    uint32_t column_count; /* of the table */
    types_type *types;
    plan_system_column *columns;
    session_backlog rows;
    uint32_t given;      /* values of the row under way */
    uint32_t row_width;  /* values of each row; 0: no row has ended */
    base_status failure; /* a value was refused: nothing can be kept */
};

static base_status describe(session_appender *self, const catalog_table *table, base_error *error)
{
    self->column_count = table->column_count;
    self->types = base_arena_allocate_array(&self->arena, self->column_count, sizeof(types_type));
    self->columns =
        base_arena_allocate_array(&self->arena, self->column_count, sizeof *self->columns);
    char *name = base_arena_copy_text(&self->arena, table->name.data, table->name.length);
    if (!self->types || !self->columns || !name)
        return base_error_no_memory(error);
    self->table = (base_text){name, table->name.length};
    for (uint32_t i = 0; i < self->column_count; i++) {
        base_text column = table->columns[i].name;
        char *copy = base_arena_copy_text(&self->arena, column.data, column.length);
        if (!copy)
            return base_error_no_memory(error);
        self->types[i] = table->columns[i].type;
        self->columns[i] = (plan_system_column){{copy, column.length}, self->types[i]};
    }
    return BASE_OK;
}

/* So much, or a fair part of what a statement may use. */
static size_t rows_memory(const session_connection *connection)
{
    size_t limit = connection->settings.memory_limit;
    return limit ? BASE_MIN(limit / 4, (size_t)APPEND_MEMORY) : (size_t)APPEND_MEMORY;
}

static void destroy(session_appender *self)
{
    base_budget *budget = &self->connection->budget;
    session_backlog_destroy(&self->rows);
    base_arena_destroy(&self->arena);
    base_free(budget, self, sizeof *self);
}

base_status session_appender_create(session_connection *connection, base_text table_name,
                                    session_appender **appender)
{
    base_error *error = &connection->error;
    catalog_snapshot *schema;
    *appender = NULL;
    base_error_clear(error);
    RETURN_IF_ERROR(session_schema(connection, &schema, error));
    const catalog_table *table = catalog_find_table(schema, table_name);
    base_status status = BASE_OK;
    session_appender *self = NULL;
    if (!table)
        status = base_error_set(error, BASE_UNDEFINED_TABLE, "table \"%.*s\" does not exist",
                                BASE_TEXT_ARGUMENTS(table_name));
    else if (table->kind == CATALOG_VIEW)
        status = base_error_set(error, BASE_WRONG_OBJECT, "\"%.*s\" is a view",
                                BASE_TEXT_ARGUMENTS(table_name));
    if (status == BASE_OK) {
        self = base_allocate_zeroed(&connection->budget, sizeof *self);
        status = self ? BASE_OK : base_error_no_memory(error);
    }
    if (self) {
        self->connection = connection;
        base_arena_init(&self->arena, &connection->budget);
        status = describe(self, table, error);
        session_backlog_init(&self->rows, &connection->budget,
                             os_runtime_environment(connection->database->runtime),
                             rows_memory(connection), self->types, self->column_count);
        if (status != BASE_OK)
            destroy(self);
        else
            *appender = self;
    }
    catalog_snapshot_release(schema);
    return status;
}

static base_status put(session_appender *self, const types_value *given, base_error *error)
{
    vector_chunk *chunk = NULL;
    RETURN_IF_ERROR(session_backlog_room(&self->rows, &chunk, error));
    vector *column = &chunk->columns[self->given];
    if (given->is_null) {
        vector_set_null(column, chunk->count);
        return BASE_OK;
    }
    types_value value = *given;
    base_status status = BASE_OK;
    if (!types_equal(given->type, column->type))
        status = types_cast(given, column->type, chunk->heap, &value, error);
    if (status != BASE_OK) {
        base_error_set_names(error, NULL, NULL, NULL);
        return status;
    }
    if (value.is_null) {
        vector_set_null(column, chunk->count);
        return BASE_OK;
    }
    if (column->form == TYPES_FORM_STRING && value.cell.string.length > TYPES_STRING_INLINE) {
        char *copy = base_arena_allocate(chunk->heap, value.cell.string.length);
        if (!copy)
            return base_error_no_memory(error);
        memcpy(copy, value.cell.string.far.pointer, value.cell.string.length);
        value.cell.string = types_string_of(copy, value.cell.string.length);
    }
    vector_put(column, chunk->count, &value);
    return BASE_OK;
}

static base_status refused_before(base_error *error)
{
    return base_error_set(error, BASE_MISUSE, "a value or row was refused: nothing is added");
}

base_status session_append(session_appender *self, const types_value *value)
{
    base_error *error = &self->connection->error;
    base_error_clear(error);
    if (self->failure != BASE_OK)
        return refused_before(error);
    if (self->given >= self->column_count)
        return base_error_set(error, BASE_MISUSE, "\"%.*s\" has %u columns only",
                              BASE_TEXT_ARGUMENTS(self->table), self->column_count);
    base_status status = put(self, value, error);
    if (status == BASE_OK)
        self->given++;
    else
        session_append_fail(self, status);
    return status;
}

void session_append_fail(session_appender *self, base_status status)
{
    if (self->failure == BASE_OK)
        self->failure = status;
}

base_status session_append_end_row(session_appender *self)
{
    base_error *error = &self->connection->error;
    base_error_clear(error);
    if (self->failure != BASE_OK)
        return refused_before(error);
    if (self->given == 0 || (self->row_width && self->given != self->row_width)) {
        self->failure = BASE_MISUSE;
        return base_error_set(error, BASE_MISUSE, "the row gives %u values, the rows before %u",
                              self->given, self->row_width);
    }
    self->row_width = self->given;
    self->given = 0;
    base_status status = session_backlog_added(&self->rows, error);
    if (status != BASE_OK)
        session_append_fail(self, status);
    return status;
}

/* ---- Handing the rows over ------------------------------------------------------------------ */

static base_status open_rows(const plan_system_source *source, void *environment,
                             txn_transaction *transaction, const types_value *arguments,
                             uint32_t argument_count, base_arena *arena, void **state,
                             base_error *error)
{
    session_appender *self = (session_appender *)(uintptr_t)source;
    session_backlog_rewind(&self->rows);
    *state = self;
    return BASE_OK;
}

static base_status next_rows(void *state, vector_chunk *chunk, base_error *error)
{
    session_appender *self = state;
    const vector_chunk *from;
    base_status status = session_backlog_next(&self->rows, &from, error);
    if (status != BASE_ROW)
        return status;
    /* The first columns of the chunk, without a copy. */
    vector_chunk view = *from;
    view.column_count = chunk->column_count;
    vector_chunk_reference(chunk, &view);
    return BASE_ROW;
}

static base_status run_insert(session_appender *self)
{
    session_connection *connection = self->connection;
    session_statement *statement = NULL;
    base_buffer sql;
    size_t offset = 0;
    base_buffer_init(&sql, &connection->budget);
    base_buffer_append_text(&sql, "INSERT INTO ");
    session_append_name(&sql, self->table);
    for (uint32_t i = 0; i < self->row_width; i++) {
        base_buffer_append_text(&sql, i ? ", " : " (");
        session_append_name(&sql, self->columns[i].name);
    }
    base_buffer_append_format(&sql, ") SELECT * FROM \"%s\"", source_name);
    base_status status = sql.failed ? base_error_no_memory(&connection->error) : BASE_OK;
    connection->copy_source = &self->source;
    if (status == BASE_OK)
        status =
            session_prepare(connection, (base_text){sql.data, sql.length}, &offset, &statement);
    if (status == BASE_OK)
        status = session_execute(statement);
    connection->copy_source = NULL;
    if (statement) {
        session_reset(statement);
        session_drop_plan(statement); /* it names this appender: never kept for later */
        session_finalize(statement);
    }
    base_buffer_destroy(&sql);
    return status;
}

base_status session_appender_close(session_appender *self, bool keep)
{
    base_status status = BASE_OK;
    base_error *error = &self->connection->error;
    base_error_clear(error);
    if (keep && self->failure != BASE_OK)
        status = refused_before(error);
    else if (keep && self->given)
        status = base_error_set(error, BASE_MISUSE, "the last row has no end");
    else if (keep && self->row_width) {
        self->source.name = source_name;
        self->source.column_count = self->row_width;
        self->source.columns = self->columns;
        self->source.open = open_rows;
        self->source.next = next_rows;
        self->source.reads_no_table = true;
        self->source.rows = (double)self->rows.row_count;
        status = run_insert(self);
    }
    destroy(self);
    return status;
}
