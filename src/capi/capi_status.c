/*
 * capi_status.c - the public numbers, and errors as texts.
 *
 * The public codes are the internal ones: checked here, once for every status of the list, so
 * that no translation table can drift.
 */
#include "capi/capi_int.h"

/* Statuses below 10 are answers; three of them are public. */
_Static_assert((int)TUFF_OK == (int)BASE_OK, "OK");
_Static_assert((int)TUFF_ROW == (int)BASE_ROW, "ROW");
_Static_assert((int)TUFF_DONE == (int)BASE_DONE, "DONE");
enum {
    TUFF_NOT_FOUND = BASE_NOT_FOUND, /* never leaves the library */
    TUFF_RESTART = BASE_RESTART,
};
#define CHECK_NUMBER(name, number, sqlstate, meaning)                                              \
    _Static_assert((int)TUFF_##name == (int)BASE_##name, #name);
BASE_STATUS_LIST(CHECK_NUMBER)
#undef CHECK_NUMBER

#define CHECK_TYPE(name, number, form, sql)                                                        \
    _Static_assert((int)TUFF_TYPE_##name == (int)TYPES_##name, #name);
enum {
    TUFF_TYPE_UNKNOWN = TYPES_UNKNOWN, /* shown as TEXT */
};
TYPES_KIND_LIST(CHECK_TYPE)
#undef CHECK_TYPE

const char *tuff_version(void)
{
    return TUFF_VERSION;
}

const char *tuff_status_name(tuff_status status)
{
    return base_status_name((base_status)status);
}

const char *tuff_status_sqlstate(tuff_status status)
{
    return base_status_sqlstate((base_status)status);
}

const char *tuff_status_meaning(tuff_status status)
{
    return base_status_meaning((base_status)status);
}

void capi_view(const base_error *error, int32_t line, int32_t column, tuff_error *view)
{
    *view = (tuff_error){
        .status = capi_status(error->status),
        .sqlstate = error->sqlstate,
        .message = error->message,
        .detail = error->detail,
        .hint = error->hint,
        .position = error->position,
        .line = line,
        .column = column,
        .table = error->table,
        .column_name = error->column,
        .constraint = error->constraint,
    };
}

tuff_status capi_failed(tuff_conn *conn, base_status status, base_text sql)
{
    const base_error *error = session_error(conn->session);
    conn->line = conn->column = 0;
    if (status == BASE_OK)
        return TUFF_OK;
    if (sql.data && error->position >= 0 && (size_t)error->position <= sql.length) {
        size_t line_start = 0;
        conn->line = 1;
        for (size_t i = 0; i < (size_t)error->position; i++) {
            if (sql.data[i] == '\n') {
                conn->line++;
                line_start = i + 1;
            }
        }
        conn->column = 1 + (int32_t)types_utf8_count(sql.data + line_start,
                                                     (size_t)error->position - line_start);
    }
    return capi_status(status);
}

void capi_relocate(tuff_conn *conn, base_text sql, size_t start)
{
    base_error *error = session_error(conn->session);
    if (error->position < 0)
        return;
    error->position += (int32_t)start; /* session_prepare refuses texts that do not fit */
    (void)capi_failed(conn, error->status, sql);
}

tuff_status capi_refuse(tuff_conn *conn, base_status status, const char *message)
{
    base_error *error = session_error(conn->session);
    base_error_clear(error);
    base_error_set(error, status, "%s", message);
    conn->line = conn->column = 0;
    return capi_status(status);
}
