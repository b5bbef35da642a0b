/*
 * session.h - databases, connections and statements, as the public interface sees them.
 *
 * The one room that joins parser, binder, optimizer and executor. It owns the life of a
 * statement: finding or making its plan, taking part in a transaction, running it again
 * when a row it met had changed (BASE_RESTART), undoing it alone when it fails.
 *
 * Threads: a database by any; a connection with its statements by one at a time;
 * session_interrupt by any.
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include "base/base.h"
#include "os/os.h"
#include "txn/txn.h"
#include "types/types.h"
#include "vector/vector.h"
#include "store/table/table.h"

typedef struct session_database session_database;
typedef struct session_connection session_connection;
typedef struct session_statement session_statement;

/* ---- Databases and connections ------------------------------------------------------- */

/* `path` NULL: in memory. `options` is copied. */
base_status session_database_open(os_runtime *runtime, const char *path,
                                  const table_options *options, session_database **database,
                                  base_error *error);
/* BASE_MISUSE, and nothing is done, while connections are open. */
base_status session_database_close(session_database *database, base_error *error);

base_status session_connect(session_database *database, session_connection **connection,
                            base_error *error);
/* Rolls back, finalizes its statements. NULL allowed. */
void session_disconnect(session_connection *connection);
/* Where the calls below on the connection and its statements leave their errors. Cleared
 * by each of them on entry. */
base_error *session_error(session_connection *connection);

/* Stops the statement that is running, never a later one. Any thread. */
void session_interrupt(session_connection *connection);

/* See tuff_progress. */
void session_set_progress(session_connection *connection,
                          int (*progress)(void *context, double fraction, uint64_t rows),
                          void *context);
/* See tuff_copy_read, tuff_copy_write. */
void session_set_copy(session_connection *connection,
                      int64_t (*read)(void *context, void *buffer, size_t size),
                      int (*write)(void *context, const void *bytes, size_t length), void *context);

int64_t session_last_rowid(const session_connection *connection);
bool session_in_transaction(const session_connection *connection);
base_budget *session_budget(session_connection *connection);
/* A number of bytes: "1048576", "64MB", "1 GiB"; units are powers of 1,024. */
bool session_parse_size(base_text text, uint64_t *size);

/* ---- Transactions ----------------------------------------------------------------------- */

base_status session_begin(session_connection *connection, txn_isolation isolation, bool read_only);
base_status session_commit(session_connection *connection);
base_status session_rollback(session_connection *connection);

/* Does `sql` hold a whole statement? For shells that read line by line. */
bool session_is_complete(base_text sql);

/* Nothing but blanks, comments and semicolons from `offset` on? */
bool session_is_blank(base_text sql, size_t offset);

/* ---- Statements -------------------------------------------------------------------------- */

/* Prepares the statement at `*offset` of `sql` and moves the offset behind it; *statement
 * is NULL when nothing but blanks and comments is left. The text is copied. */
base_status session_prepare(session_connection *connection, base_text sql, size_t *offset,
                            session_statement **statement);
void session_finalize(session_statement *statement); /* NULL allowed */

base_text session_statement_sql(const session_statement *statement); /* NUL-terminated too */
bool session_statement_is_write(const session_statement *statement);
uint32_t session_parameter_count(const session_statement *statement);
/* With its sign (":a"), or empty. */
base_text session_parameter_name(const session_statement *statement, uint32_t index);
/* 0-based; the value is copied. */
base_status session_bind(session_statement *statement, uint32_t index, const types_value *value);
void session_clear_bindings(session_statement *statement);

/* Result columns: known from prepare on; a schema change may alter them at execute. */
uint32_t session_column_count(const session_statement *statement);
const char *session_column_name(const session_statement *statement, uint32_t column);
types_type session_column_type(const session_statement *statement, uint32_t column);

/* Runs the statement: a change is done on return, a query is ready for its first batch. */
base_status session_execute(session_statement *statement);
/* BASE_ROW with a chunk that lives until the next call on the statement, BASE_DONE, or an
 * error. Outside a transaction the statement's own ends with BASE_DONE. */
base_status session_next(session_statement *statement, vector_chunk **chunk);
/* Ends the run; bindings stay. */
void session_reset(session_statement *statement);
/* Rows changed by the last run. */
int64_t session_rows_affected(const session_statement *statement);

/* ---- Appender ---------------------------------------------------------------------------- */

/* See tuff_appender. Values are cast to the columns' types when they are given. */
typedef struct session_appender session_appender;
base_status session_appender_create(session_connection *connection, base_text table,
                                    session_appender **appender);
base_status session_append(session_appender *appender, const types_value *value);
/* The next value is none that could be handed over: nothing can be kept any more. */
void session_append_fail(session_appender *appender, base_status status);
base_status session_append_end_row(session_appender *appender);
/* Frees the appender whatever the answer. */
base_status session_appender_close(session_appender *appender, bool keep);

#endif
