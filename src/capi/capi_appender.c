/*
 * capi_appender.c - the appender's values in the host's types.
 */
#include "capi/capi_int.h"

struct tuff_appender {
    tuff_conn *conn;
    session_appender *session;
    tuff_appender *previous, *next; /* of the connection */
};

static tuff_status answer(tuff_conn *conn, base_status status)
{
    return status == BASE_OK ? TUFF_OK : capi_failed(conn, status, (base_text){0});
}

tuff_status tuff_appender_create(tuff_conn *conn, const char *table, tuff_appender **created)
{
    base_budget *budget = session_budget(conn->session);
    *created = NULL;
    tuff_appender *appender = base_allocate_zeroed(budget, sizeof *appender);
    if (!appender)
        return capi_refuse(conn, BASE_OUT_OF_MEMORY, "memory is exhausted");
    appender->conn = conn;
    base_status status =
        session_appender_create(conn->session, base_text_of(table), &appender->session);
    if (status != BASE_OK) {
        base_free(budget, appender, sizeof *appender);
        return answer(conn, status);
    }
    appender->next = conn->appenders;
    if (appender->next)
        appender->next->previous = appender;
    conn->appenders = *created = appender;
    return TUFF_OK;
}

static tuff_status append(tuff_appender *appender, const types_value *value)
{
    return answer(appender->conn, session_append(appender->session, value));
}

static tuff_status refuse(tuff_appender *appender, base_status status, const char *message)
{
    session_append_fail(appender->session, status);
    return capi_refuse(appender->conn, status, message);
}

tuff_status tuff_append_null(tuff_appender *appender)
{
    types_value value = types_null_of(TYPES_OF(NULL));
    return append(appender, &value);
}

tuff_status tuff_append_bool(tuff_appender *appender, bool given)
{
    types_value value = {.type = TYPES_OF(BOOLEAN), .cell.boolean = given};
    return append(appender, &value);
}

tuff_status tuff_append_int64(tuff_appender *appender, int64_t given)
{
    types_value value = {.type = TYPES_OF(INTEGER), .cell.int64 = given};
    return append(appender, &value);
}

tuff_status tuff_append_double(tuff_appender *appender, double given)
{
    types_value value = {.type = TYPES_OF(FLOAT), .cell.float64 = given};
    return append(appender, &value);
}

static tuff_status append_bytes(tuff_appender *appender, types_type type, const void *bytes,
                                size_t length)
{
    if (length > UINT32_MAX)
        return refuse(appender, BASE_LIMIT, "a value is larger than 4 GiB");
    types_value value = {.type = type, .cell.string = types_string_of(bytes, length)};
    return append(appender, &value);
}

tuff_status tuff_append_text(tuff_appender *appender, const char *text, int64_t length)
{
    if (!text)
        return tuff_append_null(appender);
    size_t bytes = length < 0 ? strlen(text) : (size_t)length;
    if (types_utf8_valid_prefix(text, bytes) != bytes)
        return refuse(appender, BASE_INVALID_ENCODING, "the text is not valid UTF-8");
    return append_bytes(appender, TYPES_OF(TEXT), text, bytes);
}

tuff_status tuff_append_blob(tuff_appender *appender, const void *bytes, size_t length)
{
    if (!bytes && length)
        return tuff_append_null(appender);
    return append_bytes(appender, TYPES_OF(BLOB), length ? bytes : "", length);
}

tuff_status tuff_append_date(tuff_appender *appender, int32_t days)
{
    if (!types_is_date(days))
        return refuse(appender, BASE_DATETIME_OVERFLOW, "date out of range");
    types_value value = {.type = TYPES_OF(DATE), .cell.int32 = days};
    return append(appender, &value);
}

tuff_status tuff_append_time(tuff_appender *appender, int64_t microseconds)
{
    if (!types_is_time(microseconds))
        return refuse(appender, BASE_DATETIME_OVERFLOW, "a time lies between 0 and 24 hours");
    types_value value = {.type = TYPES_OF(TIME), .cell.int64 = microseconds};
    return append(appender, &value);
}

tuff_status tuff_append_interval(tuff_appender *appender, tuff_interval given)
{
    types_value value = {
        .type = TYPES_OF(INTERVAL),
        .cell.interval = {given.months, given.days, given.microseconds},
    };
    return append(appender, &value);
}

tuff_status tuff_append_timestamp(tuff_appender *appender, int64_t microseconds)
{
    if (!types_is_timestamp(microseconds))
        return refuse(appender, BASE_DATETIME_OVERFLOW, "timestamp out of range");
    types_value value = {.type = TYPES_OF(TIMESTAMP), .cell.int64 = microseconds};
    return append(appender, &value);
}

tuff_status tuff_append_end_row(tuff_appender *appender)
{
    return answer(appender->conn, session_append_end_row(appender->session));
}

tuff_status tuff_appender_close(tuff_appender *appender, bool keep)
{
    if (!appender)
        return TUFF_OK;
    tuff_conn *conn = appender->conn;
    if (appender->previous)
        appender->previous->next = appender->next;
    else
        conn->appenders = appender->next;
    if (appender->next)
        appender->next->previous = appender->previous;
    base_status status = session_appender_close(appender->session, keep);
    base_free(session_budget(conn->session), appender, sizeof *appender);
    return answer(conn, status);
}
