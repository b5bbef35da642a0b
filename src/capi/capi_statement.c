/*
 * capi_statement.c - prepared statements and their parameters.
 */
#include "capi/capi_int.h"

tuff_status capi_prepare(tuff_conn *conn, base_text sql, size_t *offset, tuff_stmt **prepared)
{
    session_statement *session = NULL;
    *prepared = NULL;
    base_status status = session_prepare(conn->session, sql, offset, &session);
    if (status != BASE_OK)
        return capi_failed(conn, status, sql);
    if (!session)
        return TUFF_OK;
    base_budget *budget = session_budget(conn->session);
    tuff_stmt *stmt = base_allocate_zeroed(budget, sizeof *stmt);
    if (!stmt) {
        session_finalize(session);
        return capi_refuse(conn, BASE_OUT_OF_MEMORY, "memory is exhausted");
    }
    stmt->conn = conn;
    stmt->session = session;
    base_arena_init(&stmt->names, budget);
    stmt->result.stmt = stmt;
    stmt->result.done = true;
    base_arena_init(&stmt->result.texts, budget);
    base_arena_init(&stmt->result.names, budget);
    base_buffer_init(&stmt->result.packed, budget);
    stmt->next = conn->statements;
    if (stmt->next)
        stmt->next->previous = stmt;
    conn->statements = stmt;
    *prepared = stmt;
    return TUFF_OK;
}

tuff_status tuff_prepare(tuff_conn *conn, const char *sql, int64_t length, tuff_stmt **stmt,
                         const char **tail)
{
    base_text text = length < 0 ? base_text_of(sql) : (base_text){sql, (size_t)length};
    size_t offset = 0;
    tuff_status status = capi_prepare(conn, text, &offset, stmt);
    if (tail)
        *tail = sql ? sql + offset : NULL;
    return status;
}

void tuff_finalize(tuff_stmt *stmt)
{
    if (!stmt)
        return;
    tuff_conn *conn = stmt->conn;
    if (stmt->previous)
        stmt->previous->next = stmt->next;
    else
        conn->statements = stmt->next;
    if (stmt->next)
        stmt->next->previous = stmt->previous;
    capi_result_end(&stmt->result);
    base_arena_destroy(&stmt->result.texts);
    base_arena_destroy(&stmt->result.names);
    base_buffer_destroy(&stmt->result.packed);
    base_arena_destroy(&stmt->names);
    session_finalize(stmt->session);
    base_free(session_budget(conn->session), stmt, sizeof *stmt);
}

const char *tuff_stmt_sql(const tuff_stmt *stmt)
{
    return session_statement_sql(stmt->session).data;
}

bool tuff_stmt_is_write(const tuff_stmt *stmt)
{
    return session_statement_is_write(stmt->session);
}

uint32_t tuff_stmt_column_count(const tuff_stmt *stmt)
{
    return session_column_count(stmt->session);
}

bool tuff_is_complete(const char *sql, size_t length)
{
    return session_is_complete((base_text){sql, length});
}

/* ---- Parameters --------------------------------------------------------------------------- */

uint32_t tuff_parameter_count(const tuff_stmt *stmt)
{
    return session_parameter_count(stmt->session);
}

uint32_t tuff_parameter_index(const tuff_stmt *stmt, const char *name)
{
    base_text wanted = base_text_of(name);
    uint32_t count = session_parameter_count(stmt->session);
    for (uint32_t i = 0; i < count; i++) {
        base_text given = session_parameter_name(stmt->session, i);
        if (given.length == wanted.length + 1 &&
            !memcmp(given.data + 1, wanted.data, wanted.length))
            return i + 1;
    }
    return 0;
}

const char *tuff_parameter_name(const tuff_stmt *stmt, uint32_t index)
{
    if (index == 0 || index > session_parameter_count(stmt->session))
        return NULL;
    base_text name = session_parameter_name(stmt->session, index - 1);
    if (name.length < 2)
        return NULL;
    tuff_stmt *cache = (tuff_stmt *)stmt; /* only what is derived changes */
    if (!cache->parameter_names) {
        uint32_t count = session_parameter_count(stmt->session);
        cache->parameter_names = base_arena_allocate_array(&cache->names, count, sizeof(char *));
    }
    if (!cache->parameter_names)
        return NULL;
    const char **known = &cache->parameter_names[index - 1];
    if (!*known)
        *known = base_arena_copy_text(&cache->names, name.data + 1, name.length - 1);
    return *known;
}

static tuff_status bind(tuff_stmt *stmt, uint32_t index, const types_value *value)
{
    if (index == 0 || index > session_parameter_count(stmt->session))
        return capi_refuse(stmt->conn, BASE_INVALID_PARAMETER,
                           "the statement has no parameter of that number");
    capi_result_end(&stmt->result); /* its rows were asked for with the values of before */
    base_status status = session_bind(stmt->session, index - 1, value);
    return status == BASE_OK ? TUFF_OK : capi_failed(stmt->conn, status, (base_text){0});
}

tuff_status tuff_bind_null(tuff_stmt *stmt, uint32_t index)
{
    types_value value = types_null_of(TYPES_OF(NULL));
    return bind(stmt, index, &value);
}

tuff_status tuff_bind_bool(tuff_stmt *stmt, uint32_t index, bool given)
{
    types_value value = {.type = TYPES_OF(BOOLEAN), .cell.boolean = given};
    return bind(stmt, index, &value);
}

tuff_status tuff_bind_int64(tuff_stmt *stmt, uint32_t index, int64_t given)
{
    types_value value = {.type = TYPES_OF(INTEGER), .cell.int64 = given};
    return bind(stmt, index, &value);
}

tuff_status tuff_bind_double(tuff_stmt *stmt, uint32_t index, double given)
{
    types_value value = {.type = TYPES_OF(FLOAT), .cell.float64 = given};
    return bind(stmt, index, &value);
}

static tuff_status bind_bytes(tuff_stmt *stmt, uint32_t index, types_type type, const void *bytes,
                              size_t length)
{
    if (!bytes)
        return tuff_bind_null(stmt, index);
    if (length > UINT32_MAX)
        return capi_refuse(stmt->conn, BASE_LIMIT, "a value is larger than 4 GiB");
    types_value value = {.type = type, .cell.string = types_string_of(bytes, length)};
    return bind(stmt, index, &value);
}

tuff_status tuff_bind_text(tuff_stmt *stmt, uint32_t index, const char *text, int64_t length)
{
    size_t bytes = !text ? 0 : length < 0 ? strlen(text) : (size_t)length;
    if (types_utf8_valid_prefix(text, bytes) != bytes)
        return capi_refuse(stmt->conn, BASE_INVALID_ENCODING, "the text is not valid UTF-8");
    return bind_bytes(stmt, index, TYPES_OF(TEXT), text, bytes);
}

tuff_status tuff_bind_blob(tuff_stmt *stmt, uint32_t index, const void *bytes, size_t length)
{
    return bind_bytes(stmt, index, TYPES_OF(BLOB), length ? bytes : "", length);
}

tuff_status tuff_bind_date(tuff_stmt *stmt, uint32_t index, int32_t days)
{
    if (!types_is_date(days))
        return capi_refuse(stmt->conn, BASE_DATETIME_OVERFLOW, "date out of range");
    types_value value = {.type = TYPES_OF(DATE), .cell.int32 = days};
    return bind(stmt, index, &value);
}

tuff_status tuff_bind_time(tuff_stmt *stmt, uint32_t index, int64_t microseconds)
{
    if (!types_is_time(microseconds))
        return capi_refuse(stmt->conn, BASE_DATETIME_OVERFLOW,
                           "a time lies between 0 and 24 hours");
    types_value value = {.type = TYPES_OF(TIME), .cell.int64 = microseconds};
    return bind(stmt, index, &value);
}

tuff_status tuff_bind_timestamp(tuff_stmt *stmt, uint32_t index, int64_t microseconds)
{
    if (!types_is_timestamp(microseconds))
        return capi_refuse(stmt->conn, BASE_DATETIME_OVERFLOW, "timestamp out of range");
    types_value value = {.type = TYPES_OF(TIMESTAMP), .cell.int64 = microseconds};
    return bind(stmt, index, &value);
}

tuff_status tuff_bind_interval(tuff_stmt *stmt, uint32_t index, tuff_interval given)
{
    types_value value = {
        .type = TYPES_OF(INTERVAL),
        .cell.interval = {given.months, given.days, given.microseconds},
    };
    return bind(stmt, index, &value);
}

tuff_status tuff_bind_decimal(tuff_stmt *stmt, uint32_t index, const char *digits)
{
    types_value value;
    if (!digits)
        return tuff_bind_null(stmt, index);
    base_error *error = session_error(stmt->conn->session);
    base_error_clear(error);
    base_text text = base_text_of(digits);
    base_status status = types_parse_number(text, &value, error);
    if (status != BASE_OK)
        return capi_failed(stmt->conn, status, (base_text){0});
    return bind(stmt, index, &value);
}

void tuff_clear_bindings(tuff_stmt *stmt)
{
    capi_result_end(&stmt->result);
    session_clear_bindings(stmt->session);
}
