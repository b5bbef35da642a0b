/*
 * capi_connection.c - connections: errors, interrupts, callbacks, transactions, scripts.
 */
#include "capi/capi_int.h"

/* Runs one statement that the library writes itself. */
static tuff_status run_setting(tuff_conn *conn, const char *name, int64_t value)
{
    char sql[96];
    (void)snprintf(sql, sizeof sql, "SET %s = %lld", name, (long long)value);
    return tuff_exec(conn, sql, NULL);
}

tuff_status tuff_connect(tuff_db *db, tuff_conn **connected)
{
    base_error error;
    *connected = NULL;
    base_error_clear(&error);
    if (!db->session) {
        base_error_set(&error, BASE_MISUSE, "the database is not open");
        return capi_database_failed(db, &error);
    }
    base_budget *budget = os_runtime_budget(db->runtime->os);
    tuff_conn *conn = base_allocate_zeroed(budget, sizeof *conn);
    if (!conn) {
        base_error_no_memory(&error);
        return capi_database_failed(db, &error);
    }
    conn->db = db;
    base_status status = session_connect(db->session, &conn->session, &error);
    if (status != BASE_OK) {
        base_free(budget, conn, sizeof *conn);
        return capi_database_failed(db, &error);
    }
    if (db->threads) {
        tuff_status set = run_setting(conn, "threads", db->threads);
        if (set != TUFF_OK) {
            error = *session_error(conn->session);
            tuff_disconnect(conn);
            return capi_database_failed(db, &error);
        }
    }
    *connected = conn;
    return TUFF_OK;
}

void tuff_disconnect(tuff_conn *conn)
{
    if (!conn)
        return;
    while (conn->statements)
        tuff_finalize(conn->statements);
    while (conn->appenders)
        (void)tuff_appender_close(conn->appenders, false);
    /* Once the session is gone another thread may close the database: nothing is touched then. */
    session_connection *session = conn->session;
    base_free(os_runtime_budget(conn->db->runtime->os), conn, sizeof *conn);
    session_disconnect(session);
}

const tuff_error *tuff_conn_error(const tuff_conn *conn)
{
    tuff_error *view = (tuff_error *)&conn->view; /* see tuff_db_error */
    capi_view(session_error(conn->session), conn->line, conn->column, view);
    return view;
}

void tuff_interrupt(tuff_conn *conn)
{
    session_interrupt(conn->session);
}

void tuff_set_progress(tuff_conn *conn, tuff_progress progress, void *context)
{
    session_set_progress(conn->session, progress, context);
}

void tuff_set_copy(tuff_conn *conn, tuff_copy_read read, tuff_copy_write write, void *context)
{
    session_set_copy(conn->session, read, write, context);
}

tuff_status tuff_set_lock_timeout(tuff_conn *conn, int64_t milliseconds)
{
    return run_setting(conn, "lock_timeout", milliseconds < 0 ? -1 : milliseconds);
}

int64_t tuff_last_insert_rowid(const tuff_conn *conn)
{
    return session_last_rowid(conn->session);
}

/* ---- Transactions ------------------------------------------------------------------------- */

tuff_status tuff_begin(tuff_conn *conn, tuff_isolation isolation, bool read_only)
{
    txn_isolation level = isolation == TUFF_SNAPSHOT ? TXN_SNAPSHOT : TXN_READ_COMMITTED;
    return capi_failed(conn, session_begin(conn->session, level, read_only), (base_text){0});
}

tuff_status tuff_commit(tuff_conn *conn)
{
    return capi_failed(conn, session_commit(conn->session), (base_text){0});
}

tuff_status tuff_rollback(tuff_conn *conn)
{
    return capi_failed(conn, session_rollback(conn->session), (base_text){0});
}

bool tuff_in_transaction(const tuff_conn *conn)
{
    return session_in_transaction(conn->session);
}

/* ---- Scripts ------------------------------------------------------------------------------ */

/* Runs the statement, throwing its rows away. `text` up to `end` is what was prepared so far:
 * an error's place is told within the whole text, as it is when preparing fails. */
static tuff_status run_to_end(tuff_stmt *stmt, base_text text, size_t end, int64_t *rows_affected)
{
    tuff_result *result;
    tuff_status status = tuff_execute(stmt, &result);
    while (status == TUFF_OK || status == TUFF_ROW)
        status = capi_result_batch(result);
    if (status != TUFF_DONE) {
        capi_relocate(stmt->conn, text, end - session_statement_sql(stmt->session).length);
        return status;
    }
    *rows_affected += tuff_rows_affected(result);
    return TUFF_OK;
}

tuff_status tuff_exec(tuff_conn *conn, const char *sql, int64_t *rows_affected)
{
    base_text text = base_text_of(sql);
    size_t offset = 0;
    int64_t total = 0;
    tuff_status status = TUFF_OK;
    while (status == TUFF_OK && offset < text.length) {
        tuff_stmt *stmt;
        status = capi_prepare(conn, text, &offset, &stmt);
        if (status != TUFF_OK || !stmt)
            break;
        status = run_to_end(stmt, text, offset, &total);
        tuff_finalize(stmt);
    }
    if (rows_affected)
        *rows_affected = total;
    return status;
}

/* A statement is prepared when those before it have run: it may need the tables that they make.
 * Whether it is the last one shows when the text behind it holds none. */
tuff_status tuff_query(tuff_conn *conn, const char *sql, tuff_result **result)
{
    base_text text = base_text_of(sql);
    size_t offset = 0;
    tuff_stmt *stmt = NULL;
    int64_t ignored = 0;
    *result = NULL;
    tuff_status status = capi_prepare(conn, text, &offset, &stmt);
    if (status == TUFF_OK && !stmt)
        return capi_refuse(conn, BASE_SYNTAX, "the text holds no statement");
    while (status == TUFF_OK && !session_is_blank(text, offset)) {
        status = run_to_end(stmt, text, offset, &ignored);
        tuff_finalize(stmt);
        stmt = NULL;
        if (status == TUFF_OK)
            status = capi_prepare(conn, text, &offset, &stmt);
    }
    if (status != TUFF_OK)
        return status;
    status = tuff_execute(stmt, result);
    if (status != TUFF_OK) {
        capi_relocate(conn, text, offset - session_statement_sql(stmt->session).length);
        tuff_finalize(stmt);
        return status;
    }
    (*result)->owns_stmt = true;
    return TUFF_OK;
}
