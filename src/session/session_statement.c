/*
 * session_statement.c - preparing, binding values, finalizing; the cache of statements.
 *
 * A finalized statement is kept with its plan and execution state for the next prepare of
 * the same text, so that programs that never prepare pay for parsing and planning once.
 * The cache belongs to the connection: nothing in it is shared, so it needs no lock. What
 * makes a kept plan stale (schema, settings, parameter types) is checked when it is run.
 */
#include "session/session_int.h"

static void link_statement(session_statement *statement)
{
    session_connection *connection = statement->connection;
    statement->previous = NULL;
    statement->next = connection->statements;
    if (statement->next)
        statement->next->previous = statement;
    connection->statements = statement;
}

static void unlink_statement(session_statement *statement)
{
    if (statement->previous)
        statement->previous->next = statement->next;
    else
        statement->connection->statements = statement->next;
    if (statement->next)
        statement->next->previous = statement->previous;
    statement->next = statement->previous = NULL;
}

static void destroy_statement(session_statement *statement)
{
    session_connection *connection = statement->connection;
    base_budget *budget = &connection->budget;
    session_drop_plan(statement);
    session_rows_clear(&statement->rows);
    base_free_array(budget, statement->rows.chunks, statement->rows.capacity,
                    sizeof *statement->rows.chunks);
    for (uint32_t i = 0; i < statement->parameter_count && statement->parameter_text; i++)
        base_buffer_destroy(&statement->parameter_text[i]);
    base_arena_destroy(&statement->plan_arena);
    base_arena_destroy(&statement->text_arena);
    base_free(budget, statement, sizeof *statement);
}

void session_cache_clear(session_connection *connection)
{
    for (uint32_t i = 0; i < SESSION_CACHED_STATEMENTS; i++) {
        if (connection->cached[i])
            destroy_statement(connection->cached[i]);
        connection->cached[i] = NULL;
    }
}

/* Takes a kept statement of that text out of the cache. */
static session_statement *take_cached(session_connection *connection, base_text sql)
{
    for (uint32_t i = 0; i < SESSION_CACHED_STATEMENTS; i++) {
        session_statement *statement = connection->cached[i];
        if (statement && base_text_equal(statement->sql, sql)) {
            connection->cached[i] = NULL;
            return statement;
        }
    }
    return NULL;
}

/* A kept statement must not hold on to large values that were bound to it. */
static void forget_bindings(session_statement *statement)
{
    enum {
        KEPT_BYTES = 1024
    };
    session_clear_bindings(statement);
    for (uint32_t i = 0; i < statement->parameter_count; i++) {
        if (statement->parameter_text[i].capacity > KEPT_BYTES)
            base_buffer_destroy(&statement->parameter_text[i]);
    }
}

static void keep_or_destroy(session_statement *statement)
{
    session_connection *connection = statement->connection;
    /* What was rewritten was checked against the schema when it was prepared: DESCRIBE of a table
     * that is gone must be an error again. */
    bool rewritten = statement->tree_sql.data != statement->sql.data;
    if (!statement->is_plan || !statement->plan.root || rewritten) {
        destroy_statement(statement);
        return;
    }
    forget_bindings(statement);
    session_statement **place = &connection->cached[connection->next_cached];
    connection->next_cached = (connection->next_cached + 1) % SESSION_CACHED_STATEMENTS;
    if (*place)
        destroy_statement(*place);
    *place = statement;
}

static bool is_plan_kind(parser_statement_kind kind)
{
    return kind == PARSER_STATEMENT_QUERY || kind == PARSER_STATEMENT_INSERT ||
           kind == PARSER_STATEMENT_UPDATE || kind == PARSER_STATEMENT_DELETE;
}

static base_status allocate_parameters(session_statement *statement, base_error *error)
{
    uint32_t count = statement->tree->parameter_count;
    base_arena *arena = &statement->text_arena;
    if (count == 0)
        return BASE_OK;
    statement->parameters = base_arena_allocate_array(arena, count, sizeof(types_value));
    statement->parameter_types = base_arena_allocate_array(arena, count, sizeof(types_type));
    statement->parameter_text = base_arena_allocate_array(arena, count, sizeof(base_buffer));
    if (!statement->parameters || !statement->parameter_types || !statement->parameter_text)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < count; i++)
        base_buffer_init(&statement->parameter_text[i], &statement->connection->budget);
    statement->parameter_count = count;
    session_clear_bindings(statement);
    for (uint32_t i = 0; i < count; i++)
        statement->parameter_types[i] = TYPES_OF(UNKNOWN);
    return BASE_OK;
}

/* Parses the copied text; a statement that only asks is replaced by its query. */
static base_status parse(session_statement *statement, base_error *error)
{
    session_connection *connection = statement->connection;
    size_t offset = 0;
    RETURN_IF_ERROR(
        parser_parse(statement->sql, &offset, &statement->text_arena, &statement->tree, error));
    statement->tree_sql = statement->sql;
    if (!statement->tree)
        return BASE_OK;
    base_text rewritten = {NULL, 0};
    RETURN_IF_ERROR(session_rewrite(connection, statement->tree, statement->sql,
                                    &statement->text_arena, &rewritten, error));
    if (rewritten.length) {
        offset = 0;
        statement->tree_sql = rewritten;
        RETURN_IF_ERROR(
            parser_parse(rewritten, &offset, &statement->text_arena, &statement->tree, error));
    }
    statement->is_plan = is_plan_kind(statement->tree->kind);
    return allocate_parameters(statement, error);
}

static base_status create_statement(session_connection *connection, base_text sql,
                                    session_statement **created)
{
    base_error *error = &connection->error;
    *created = NULL;
    session_statement *statement = base_allocate_zeroed(&connection->budget, sizeof *statement);
    if (!statement)
        return base_error_no_memory(error);
    statement->connection = connection;
    base_arena_init(&statement->text_arena, &connection->budget);
    base_arena_init(&statement->plan_arena, &connection->budget);
    base_status status = BASE_OK;
    char *copy = base_arena_copy_text(&statement->text_arena, sql.data, sql.length);
    if (!copy)
        status = base_error_no_memory(error);
    statement->sql = (base_text){copy, sql.length};
    if (status == BASE_OK)
        status = parse(statement, error);
    if (status == BASE_OK && statement->is_plan && !connection->failed)
        status = session_make_plan(statement, error);
    if (status != BASE_OK || !statement->tree) {
        destroy_statement(statement);
        return status;
    }
    *created = statement;
    return BASE_OK;
}

base_status session_prepare(session_connection *connection, base_text sql, size_t *offset,
                            session_statement **prepared)
{
    base_error *error = &connection->error;
    base_error_clear(error);
    *prepared = NULL;
    if (sql.length > INT32_MAX)
        return base_error_set(error, BASE_LIMIT, "the statement's text is longer than 2 GiB");
    while (!*prepared && *offset < sql.length) {
        base_text rest = {sql.data + *offset, sql.length - *offset};
        size_t end, start = *offset;
        bool blank;
        if (!parser_is_complete(rest, &end, &blank)) {
            end = rest.length;
            if (blank) {
                *offset = sql.length;
                return BASE_OK;
            }
        }
        rest.length = end;
        *offset += end;
        session_statement *statement = take_cached(connection, rest);
        base_status status = statement ? BASE_OK : create_statement(connection, rest, &statement);
        if (status != BASE_OK) {
            if (error->position >= 0)
                error->position += (int32_t)start;
            return status;
        }
        if (statement)
            link_statement(statement);
        *prepared = statement;
    }
    return BASE_OK;
}

void session_finalize(session_statement *statement)
{
    if (!statement)
        return;
    session_reset(statement);
    unlink_statement(statement);
    keep_or_destroy(statement);
}

bool session_is_complete(base_text sql)
{
    size_t end;
    bool blank, any = false;
    while (parser_is_complete(sql, &end, &blank)) {
        sql.data += end;
        sql.length -= end;
        any = true;
    }
    return any && blank; /* a further statement that has begun must end, too */
}

bool session_is_blank(base_text sql, size_t offset)
{
    base_text rest = {sql.data + offset, sql.length - offset};
    size_t end;
    bool blank;
    return !parser_is_complete(rest, &end, &blank) && blank;
}

base_text session_statement_sql(const session_statement *statement)
{
    return statement->sql;
}

bool session_statement_is_write(const session_statement *statement)
{
    switch (statement->tree->kind) {
    case PARSER_STATEMENT_QUERY:
    case PARSER_STATEMENT_EXPLAIN:
    case PARSER_STATEMENT_BEGIN:
    case PARSER_STATEMENT_COMMIT:
    case PARSER_STATEMENT_ROLLBACK:
    case PARSER_STATEMENT_SAVEPOINT:
    case PARSER_STATEMENT_RELEASE:
    case PARSER_STATEMENT_SET_TRANSACTION:
    case PARSER_STATEMENT_SET:
    case PARSER_STATEMENT_PRAGMA:
        return false;
    case PARSER_STATEMENT_COPY:
        return statement->tree->copy->from;
    default:
        return true;
    }
}

uint32_t session_parameter_count(const session_statement *statement)
{
    return statement->parameter_count;
}

base_text session_parameter_name(const session_statement *statement, uint32_t index)
{
    if (index >= statement->parameter_count)
        return (base_text){NULL, 0};
    return statement->tree->parameter_names[index].text;
}

base_status session_bind(session_statement *statement, uint32_t index, const types_value *value)
{
    base_error *error = &statement->connection->error;
    base_error_clear(error);
    if (index >= statement->parameter_count) {
        base_error_set(error, BASE_INVALID_PARAMETER, "there is no parameter %u", index + 1);
        base_error_set_hint(error, "The statement has %u parameters.", statement->parameter_count);
        return BASE_INVALID_PARAMETER;
    }
    if (statement->open) /* its rows still read the values of before */
        session_reset(statement);
    types_value *bound = &statement->parameters[index];
    *bound = *value;
    if (value->is_null || types_form_of(value->type) != TYPES_FORM_STRING)
        return BASE_OK;
    base_buffer *text = &statement->parameter_text[index];
    base_buffer_clear(text);
    base_buffer_append(text, types_string_data(&value->cell.string), value->cell.string.length);
    if (text->failed) {
        *bound = types_null_of(value->type);
        return base_error_no_memory(error);
    }
    bound->cell.string = types_string_of(text->data, text->length);
    return BASE_OK;
}

void session_clear_bindings(session_statement *statement)
{
    if (statement->open)
        session_reset(statement);
    for (uint32_t i = 0; i < statement->parameter_count; i++)
        statement->parameters[i] = types_null_of(TYPES_OF(NULL));
}

uint32_t session_column_count(const session_statement *statement)
{
    return statement->is_plan ? statement->plan.column_count : statement->column_count;
}

const char *session_column_name(const session_statement *statement, uint32_t column)
{
    if (column >= session_column_count(statement))
        return NULL;
    return statement->is_plan ? statement->plan.column_names[column]
                              : statement->column_names[column];
}

types_type session_column_type(const session_statement *statement, uint32_t column)
{
    if (column >= session_column_count(statement))
        return TYPES_OF(NULL);
    return statement->is_plan ? statement->plan.column_types[column]
                              : statement->column_types[column];
}

int64_t session_rows_affected(const session_statement *statement)
{
    return statement->rows_affected;
}
