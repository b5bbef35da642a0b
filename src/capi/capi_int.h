/*
 * capi_int.h - the public handles from the inside.
 *
 * Handles are thin: what they do is the session's. They keep what the interface promises on
 * top of it: errors as texts with line and column, NUL-terminated texts, current rows,
 * results that belong to statements.
 */
#ifndef CAPI_CAPI_INT_H
#define CAPI_CAPI_INT_H

#include "tuff.h"
#include "base/base.h"
#include "os/os.h"
#include "session/session.h"
#include "types/types.h"
#include "vector/vector.h"

struct tuff_runtime {
    os_runtime *os;
    const base_allocator *allocator;
    base_allocator adapted;      /* the host's functions in our shape */
    _Atomic(uint32_t) databases; /* open ones */
};

struct tuff_db {
    tuff_runtime *runtime;
    bool default_runtime; /* taken with capi_default_runtime */
    session_database *session;
    uint32_t threads; /* of the DSN; 0: not given */
    os_latch error_latch;
    base_error error;
    tuff_error view;
};

struct tuff_conn {
    tuff_db *db;
    session_connection *session;
    tuff_stmt *statements;    /* those not finalized */
    tuff_appender *appenders; /* those not closed */
    int32_t line, column;     /* of the last error's position */
    tuff_error view;
};

struct tuff_result {
    tuff_stmt *stmt;
    vector_chunk *chunk; /* NULL: no current batch */
    uint32_t row;        /* entry of the chunk that is the current row */
    bool has_row;
    bool done;
    bool owns_stmt;   /* made by tuff_query */
    base_arena texts; /* NUL-terminated copies for the current row */
    bool texts_used;
    base_buffer packed;
    base_arena names;        /* type names, for as long as the result is open */
    const char **type_names; /* by column, each made when asked for; NULL: none yet */
};

struct tuff_stmt {
    tuff_conn *conn;
    session_statement *session;
    tuff_stmt *next, *previous;
    tuff_result result;
    base_arena names;             /* of parameters */
    const char **parameter_names; /* each made when asked for; NULL: none yet */
};

/* ---- Runtime ------------------------------------------------------------------------------ */

/* The process's own runtime, made at first use and destroyed with its last database. */
base_status capi_default_runtime(tuff_runtime **runtime, base_error *error);
void capi_release_default_runtime(tuff_runtime *runtime);

/* ---- Errors ------------------------------------------------------------------------------- */

BASE_INLINE tuff_status capi_status(base_status status)
{
    return (tuff_status)status;
}
/* Fills the public view of an error. */
void capi_view(const base_error *error, int32_t line, int32_t column, tuff_error *view);
/* Notes line and column of the connection's error in `sql`; hands the status on. */
tuff_status capi_failed(tuff_conn *conn, base_status status, base_text sql);
/* Moves the place of the connection's error from the statement that begins at `start` to the
 * whole of `sql`. */
void capi_relocate(tuff_conn *conn, base_text sql, size_t start);
/* Leaves the error in the database's handle, where several threads may fail at once. */
tuff_status capi_database_failed(tuff_db *db, const base_error *error);
/* A failure found by this room itself. */
tuff_status capi_refuse(tuff_conn *conn, base_status status, const char *message);

/* ---- DSN ---------------------------------------------------------------------------------- */

typedef struct capi_dsn {
    char *path; /* own memory in the arena; NULL: in memory */
    table_options options;
    uint32_t threads;
} capi_dsn;
/* `dsn` NULL: a database in memory. */
base_status capi_dsn_parse(const char *dsn, base_arena *arena, capi_dsn *parsed, base_error *error);

/* ---- Statements and results ----------------------------------------------------------------- */

tuff_status capi_prepare(tuff_conn *conn, base_text sql, size_t *offset, tuff_stmt **stmt);
void capi_result_end(tuff_result *result);
/* The next batch into result->chunk. */
tuff_status capi_result_batch(tuff_result *result);
types_value capi_value(const tuff_result *result, uint32_t column);
int64_t capi_to_int64(const types_value *value);
double capi_to_double(const types_value *value);

#endif
