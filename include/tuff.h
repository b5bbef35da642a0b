/*
 * tuff.h - the C interface of Tuff, an embedded SQL database.
 *
 *     tuff_db *db;  tuff_conn *conn;  tuff_stmt *stmt;  tuff_result *result;
 *     tuff_open("shop.tuff", &db);
 *     tuff_connect(db, &conn);
 *     tuff_exec(conn, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)", NULL);
 *     tuff_prepare(conn, "SELECT name FROM t WHERE id = ?", -1, &stmt, NULL);
 *     tuff_bind_int64(stmt, 1, 42);
 *     tuff_execute(stmt, &result);
 *     while (tuff_next(result) == TUFF_ROW)
 *         puts(tuff_get_text(result, 0, NULL));
 *     tuff_finalize(stmt);  tuff_disconnect(conn);  tuff_close(db);
 *
 * Status and errors. Every call that can fail returns a tuff_status. TUFF_OK is 0; TUFF_ROW
 * and TUFF_DONE are answers; anything from TUFF_FIRST_ERROR on is a failure, whose details
 * tuff_conn_error (or tuff_db_error) gives until the next call on that connection. There
 * are no thread-local variables and no global error.
 *
 * Threads. A tuff_db may be used by any thread at any time. A tuff_conn, with all its
 * statements and results, belongs to one thread at a time; tuff_interrupt is the one call
 * on it that other threads may make. Open several connections to work in parallel.
 *
 * Ownership. Handles are freed by their closing call, which accepts NULL; every other call needs
 * a handle that is open. Text and bytes given to the library are copied unless a function says
 * otherwise. Pointers that the library returns belong to the handle and live as long as stated
 * there. Arguments through which a call answers (tuff_db **, and so on) must not be NULL unless
 * the function says so; where a call fails they are set to NULL.
 *
 * Open results. A result reads the state of the database at the start of its statement,
 * whatever others commit meanwhile. It stays readable when another statement begins on the
 * same connection, and after COMMIT, ROLLBACK or DDL: the rows not yet read are then moved
 * into memory. It ends when its statement is executed again, bound, reset or finalized. Closing
 * a database waits for nothing: it fails with TUFF_MISUSE while connections are open.
 *
 * Indexes: parameters count from 1 (as in SQL: $1), columns from 0.
 */
#ifndef TUFF_H
#define TUFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(TUFF_STATIC)
#define TUFF_API
#else
#define TUFF_API __attribute__((visibility("default")))
#endif

/* ---- Version and status ---- */

#define TUFF_VERSION "0.1.0"

/* The version of the library that is linked: "0.1.0". Static. */
TUFF_API const char *tuff_version(void);

/* Numbers never change their meaning. The reference page of errors lists cause and cure. */
typedef enum tuff_status {
    TUFF_OK = 0,
    TUFF_ROW = 1,
    TUFF_DONE = 2,
    TUFF_FIRST_ERROR = 10,
    TUFF_OUT_OF_MEMORY = 10,
    TUFF_DISK_FULL = 11,
    TUFF_IO_ERROR = 12,
    TUFF_CANNOT_OPEN = 13,
    TUFF_FILE_LOCKED = 14,
    TUFF_READ_ONLY = 15,
    TUFF_CORRUPT = 16,
    TUFF_FORMAT = 17,
    TUFF_INTERRUPTED = 18,
    TUFF_LIMIT = 19,
    TUFF_ACCESS_DENIED = 20,
    TUFF_INTERNAL = 21,
    TUFF_MISUSE = 22,
    TUFF_NOT_SUPPORTED = 23,
    TUFF_SERIALIZATION = 30, /* retry the transaction */
    TUFF_DEADLOCK = 31,      /* retry the transaction */
    TUFF_LOCK_TIMEOUT = 32,
    TUFF_TRANSACTION_STATE = 33,
    TUFF_TRANSACTION_ABORTED = 34,
    TUFF_NO_SAVEPOINT = 35,
    TUFF_UNIQUE_VIOLATION = 40,
    TUFF_NOT_NULL_VIOLATION = 41,
    TUFF_CHECK_VIOLATION = 42,
    TUFF_FOREIGN_KEY_VIOLATION = 43,
    TUFF_SYNTAX = 50,
    TUFF_UNDEFINED_TABLE = 51,
    TUFF_UNDEFINED_COLUMN = 52,
    TUFF_UNDEFINED_FUNCTION = 53,
    TUFF_UNDEFINED_OBJECT = 54,
    TUFF_DUPLICATE_TABLE = 55,
    TUFF_DUPLICATE_COLUMN = 56,
    TUFF_DUPLICATE_OBJECT = 57,
    TUFF_AMBIGUOUS = 58,
    TUFF_GROUPING = 59,
    TUFF_TYPE_MISMATCH = 60,
    TUFF_CANNOT_CAST = 61,
    TUFF_INVALID_DEFINITION = 62,
    TUFF_WINDOWING = 63,
    TUFF_INVALID_PARAMETER = 64,
    TUFF_UNDEFINED_PARAMETER = 65,
    TUFF_WRONG_OBJECT = 66,
    TUFF_DEPENDENT_OBJECTS = 67,
    TUFF_INVALID_COLUMN_REFERENCE = 68,
    TUFF_OUT_OF_RANGE = 80,
    TUFF_INVALID_TEXT = 81,
    TUFF_DATETIME_OVERFLOW = 82,
    TUFF_INVALID_DATETIME = 83,
    TUFF_CARDINALITY = 84,
    TUFF_INVALID_ENCODING = 85,
    TUFF_INVALID_ESCAPE = 86,
    TUFF_BAD_COPY_FORMAT = 87,
    TUFF_INVALID_REGEX = 88,
    TUFF_STRING_TOO_LONG = 89,
} tuff_status;

/* "UNIQUE_VIOLATION", "23505" and a sentence; static, never NULL. */
TUFF_API const char *tuff_status_name(tuff_status status);
TUFF_API const char *tuff_status_sqlstate(tuff_status status);
TUFF_API const char *tuff_status_meaning(tuff_status status);

/* What went wrong. Texts are UTF-8 and never NULL; empty where there is nothing to say. */
typedef struct tuff_error {
    tuff_status status;
    const char *sqlstate; /* five characters */
    const char *message;
    const char *detail;
    const char *hint;
    /* Byte offset into the text that was given to tuff_exec, tuff_query or tuff_prepare; for
     * tuff_execute, tuff_next and the other calls on a statement into its own text
     * (tuff_stmt_sql). -1: unknown. */
    int32_t position;
    int32_t line, column; /* of the position, from 1, the column in characters; 0: unknown */
    const char *table, *column_name, *constraint;
} tuff_error;

/* ---- Runtime ---- */
/*
 * What the databases of a process share: worker threads, one memory limit, the registry of
 * open files. Most programs never make one: tuff_open uses the process's own, which is
 * created at first use.
 */
typedef struct tuff_runtime tuff_runtime;

/* `size` bytes aligned to 16, or NULL. `release` is told the size again. Any thread. */
typedef struct tuff_allocator {
    void *(*allocate)(void *context, size_t size);
    void *(*reallocate)(void *context, void *block, size_t old_size, size_t new_size);
    void (*release)(void *context, void *block, size_t size);
    void *context;
} tuff_allocator;

typedef struct tuff_runtime_options {
    uint32_t struct_size;            /* sizeof(tuff_runtime_options) */
    uint32_t worker_count;           /* UINT32_MAX: one fewer than processors */
    uint64_t memory_limit;           /* bytes of all databases; 0: none */
    const tuff_allocator *allocator; /* copied; its context must live as long; NULL: malloc */
} tuff_runtime_options;

/* `options` NULL: defaults. TUFF_OUT_OF_MEMORY, or TUFF_INVALID_PARAMETER when struct_size is
 * smaller than that of the first version. The allocator's functions are called by any thread. */
TUFF_API tuff_status tuff_runtime_create(const tuff_runtime_options *options,
                                         tuff_runtime **runtime);
/* TUFF_MISUSE while one of its databases is open. */
TUFF_API tuff_status tuff_runtime_destroy(tuff_runtime *runtime);

/* ---- Databases and connections ---- */

typedef struct tuff_db tuff_db;
typedef struct tuff_conn tuff_conn;

/*
 * Opens a database, making the file if it is missing, and recovers it from its log if need
 * be. The DSN is a path, `file://PATH?key=value&...`, or `memory://` (also ":memory:" and
 * NULL), a new database each time. Keys: `mode` (ro, rw, rwc; rwc unless set), `sync_mode` (full,
 * normal, none), `lock_timeout` (milliseconds), `memory_limit` (bytes, or with K, M, G),
 * `threads`, `history_retention` (seconds). An unknown key is an error.
 *
 * On failure *db is a handle good for tuff_db_error and tuff_close only (NULL when memory
 * is exhausted). Opening one file twice in a process shares it; another process that has
 * it open for writing is TUFF_FILE_LOCKED.
 */
TUFF_API tuff_status tuff_open(const char *dsn, tuff_db **db);
TUFF_API tuff_status tuff_open_in(tuff_runtime *runtime, const char *dsn, tuff_db **db);
/* Folds the log into the file; only the file is left. TUFF_MISUSE (and nothing done) while
 * connections are open; otherwise the handle is gone whatever the answer. */
TUFF_API tuff_status tuff_close(tuff_db *db);
/* Details of the last failure on the handle itself (tuff_open, tuff_connect, tuff_close). Valid
 * until its next call: threads that connect at the same time must not read it meanwhile. */
TUFF_API const tuff_error *tuff_db_error(const tuff_db *db);

/* A connection is cheap: a few KiB and no thread. On failure tuff_db_error tells why. */
TUFF_API tuff_status tuff_connect(tuff_db *db, tuff_conn **conn);
/* Rolls back an open transaction, closes results, finalizes statements and closes appenders, whose
 * rows are dropped. NULL allowed. */
TUFF_API void tuff_disconnect(tuff_conn *conn);
/* Details of the last failed call on the connection, its statements or results. Valid
 * until the next call on it. */
TUFF_API const tuff_error *tuff_conn_error(const tuff_conn *conn);

/* Stops the statement that is running on `conn` (a query runs from tuff_execute to its last row),
 * or does nothing: it never stops a later one. The statement fails with TUFF_INTERRUPTED and is
 * undone; a transaction goes on. Any thread, as long as the connection is open. */
TUFF_API void tuff_interrupt(tuff_conn *conn);

/* Called now and then while a statement runs, on the thread that runs it. `fraction` is in
 * 0..1, or negative where the end is not known; `rows` is how many rows were worked on. A
 * return value other than 0 interrupts the statement. It must not use the connection. NULL takes
 * it away. */
typedef int (*tuff_progress)(void *context, double fraction, uint64_t rows);
TUFF_API void tuff_set_progress(tuff_conn *conn, tuff_progress progress, void *context);

/* How long a statement of this connection waits for rows that another transaction has changed;
 * negative: for ever, 0: not at all. 5000 unless the DSN says otherwise. */
TUFF_API tuff_status tuff_set_lock_timeout(tuff_conn *conn, int64_t milliseconds);

/* ---- Statements ---- */

typedef struct tuff_stmt tuff_stmt;
typedef struct tuff_result tuff_result;

/* Runs all statements of `sql`, throwing rows away; stops at the first failure.
 * `rows_affected` (NULL allowed) gets the sum over INSERT, UPDATE, DELETE and COPY. */
TUFF_API tuff_status tuff_exec(tuff_conn *conn, const char *sql, int64_t *rows_affected);

/*
 * Prepares the first statement of `sql` (`length` bytes; negative: NUL-terminated). `tail`
 * (NULL allowed) gets the place behind it. An empty text gives *stmt = NULL and TUFF_OK.
 * The statement follows later schema changes: it is planned anew when it is executed next.
 */
TUFF_API tuff_status tuff_prepare(tuff_conn *conn, const char *sql, int64_t length,
                                  tuff_stmt **stmt, const char **tail);
/* Closes its result. NULL allowed. */
TUFF_API void tuff_finalize(tuff_stmt *stmt);
TUFF_API const char *tuff_stmt_sql(const tuff_stmt *stmt); /* its own text; until finalize */
/* True when it may change data or schema. */
TUFF_API bool tuff_stmt_is_write(const tuff_stmt *stmt);
/* How many columns its result will have, before it is executed. A schema change may alter that at
 * the next execution. Statements other than queries, changes with RETURNING, SHOW, DESCRIBE and
 * PRAGMA have none until they have run. */
TUFF_API uint32_t tuff_stmt_column_count(const tuff_stmt *stmt);

/* Does `sql` end with a complete statement? For shells that read line by line. */
TUFF_API bool tuff_is_complete(const char *sql, size_t length);

/* ---- Parameters (index from 1) ---- */

/* `?` parameters are numbered in order, `$n` gives the number, and each new name of `:a`
 * or `@a` gets the next number. Values stay bound until bound again or cleared. A
 * parameter that was never bound is NULL. Binding ends an open result of the statement. */
TUFF_API uint32_t tuff_parameter_count(const tuff_stmt *stmt);
/* Number of the parameter called `name` (without its sign), 0: none. */
TUFF_API uint32_t tuff_parameter_index(const tuff_stmt *stmt, const char *name);
/* Name without its sign; NULL for `?` and `$n`. Valid until finalize. */
TUFF_API const char *tuff_parameter_name(const tuff_stmt *stmt, uint32_t index);

/* TUFF_INVALID_PARAMETER for an index out of range. */
TUFF_API tuff_status tuff_bind_null(tuff_stmt *stmt, uint32_t index);
TUFF_API tuff_status tuff_bind_bool(tuff_stmt *stmt, uint32_t index, bool value);
TUFF_API tuff_status tuff_bind_int64(tuff_stmt *stmt, uint32_t index, int64_t value);
TUFF_API tuff_status tuff_bind_double(tuff_stmt *stmt, uint32_t index, double value);
/* UTF-8 (checked: TUFF_INVALID_ENCODING); `length` negative: NUL-terminated. Copied. A NULL
 * pointer binds NULL; an empty blob may be given as (NULL, 0). */
TUFF_API tuff_status tuff_bind_text(tuff_stmt *stmt, uint32_t index, const char *text,
                                    int64_t length);
TUFF_API tuff_status tuff_bind_blob(tuff_stmt *stmt, uint32_t index, const void *bytes,
                                    size_t length);
/* Days since 1970-01-01; microseconds since midnight; microseconds since 1970-01-01 00:00.
 * TUFF_DATETIME_OVERFLOW outside of 4714-11-24 BC .. 294246-12-31 and 0 .. 24:00:00. */
TUFF_API tuff_status tuff_bind_date(tuff_stmt *stmt, uint32_t index, int32_t days);
TUFF_API tuff_status tuff_bind_time(tuff_stmt *stmt, uint32_t index, int64_t microseconds);
TUFF_API tuff_status tuff_bind_timestamp(tuff_stmt *stmt, uint32_t index, int64_t microseconds);
/* The three parts are kept apart: a month has no fixed number of days, nor a day of hours. */
typedef struct tuff_interval {
    int32_t months, days;
    int64_t microseconds;
} tuff_interval;
TUFF_API tuff_status tuff_bind_interval(tuff_stmt *stmt, uint32_t index, tuff_interval interval);
/* A number as SQL writes it: "-12.50" is a decimal, "7" an integer, "1e9" a float. NULL binds
 * NULL; TUFF_INVALID_TEXT when it is no number. */
TUFF_API tuff_status tuff_bind_decimal(tuff_stmt *stmt, uint32_t index, const char *digits);
/* All parameters are NULL again. */
TUFF_API void tuff_clear_bindings(tuff_stmt *stmt);

/* ---- Execution ---- */

/*
 * Starts the statement with the bound values. The result belongs to the statement: it is
 * valid until the statement is executed again, reset or finalized, and needs no closing
 * call. INSERT, UPDATE, DELETE and DDL are done when the call returns.
 */
TUFF_API tuff_status tuff_execute(tuff_stmt *stmt, tuff_result **result);
/* Closes the result and, outside a transaction, lets its snapshot go. Bindings stay. */
TUFF_API void tuff_reset(tuff_stmt *stmt);

/* Prepares, executes and gives the result of `sql`'s only or last statement; earlier ones
 * run to their end. Close it with tuff_result_close. */
TUFF_API tuff_status tuff_query(tuff_conn *conn, const char *sql, tuff_result **result);
/* For results of tuff_query; also ends those of tuff_execute early. NULL allowed. */
TUFF_API void tuff_result_close(tuff_result *result);

/* The next row: TUFF_ROW, TUFF_DONE or an error. Texts of the row before become invalid. */
TUFF_API tuff_status tuff_next(tuff_result *result);

/* Rows changed by INSERT, UPDATE, DELETE, CREATE TABLE AS and COPY; 0 otherwise. */
TUFF_API int64_t tuff_rows_affected(const tuff_result *result);
/* The rowid of the last row that this connection inserted, 0 before the first; other changes
 * leave it as it is. */
TUFF_API int64_t tuff_last_insert_rowid(const tuff_conn *conn);

/* ---- Columns of a result (index from 0) ---- */

typedef enum tuff_type {
    TUFF_TYPE_NULL = 0,
    TUFF_TYPE_BOOLEAN = 1,
    TUFF_TYPE_TINYINT = 2,
    TUFF_TYPE_SMALLINT = 3,
    TUFF_TYPE_INT4 = 4,
    TUFF_TYPE_INTEGER = 5,
    TUFF_TYPE_UBIGINT = 6,
    TUFF_TYPE_FLOAT4 = 7,
    TUFF_TYPE_FLOAT = 8,
    TUFF_TYPE_DECIMAL = 9,
    TUFF_TYPE_TEXT = 10,
    TUFF_TYPE_BLOB = 11,
    TUFF_TYPE_DATE = 12,
    TUFF_TYPE_TIME = 13,
    TUFF_TYPE_TIMESTAMP = 14,
    TUFF_TYPE_INTERVAL = 15,
} tuff_type;

/* 0 for statements that give no rows. */
TUFF_API uint32_t tuff_column_count(const tuff_result *result);
/* UTF-8, until the result closes; NULL for an index out of range. */
TUFF_API const char *tuff_column_name(const tuff_result *result, uint32_t column);
/* TUFF_TYPE_NULL for an index out of range, and for a column of nothing but NULL literals. */
TUFF_API tuff_type tuff_column_type(const tuff_result *result, uint32_t column);
/* "DECIMAL(15,2)"; until the result closes. NULL for an index out of range. */
TUFF_API const char *tuff_column_type_name(const tuff_result *result, uint32_t column);
/* Decimals: digits before and after the point together, and after it. 0 otherwise. */
TUFF_API uint32_t tuff_column_precision(const tuff_result *result, uint32_t column);
TUFF_API uint32_t tuff_column_scale(const tuff_result *result, uint32_t column);

/* ---- Values of the current row ---- */
/*
 * A value is converted to what is asked for: numbers to each other (fractions are cut,
 * what does not fit becomes the nearest bound), everything to text. Text that is no
 * number reads as 0. NULL, an index out of range and no current row read as 0 or NULL.
 */
TUFF_API bool tuff_is_null(const tuff_result *result, uint32_t column);
TUFF_API bool tuff_get_bool(const tuff_result *result, uint32_t column);
/* DATE: days; TIME, TIMESTAMP: microseconds. */
TUFF_API int64_t tuff_get_int64(const tuff_result *result, uint32_t column);
TUFF_API double tuff_get_double(const tuff_result *result, uint32_t column);
/* NUL-terminated UTF-8, until the next row; `length` (NULL allowed) without the NUL. NULL
 * for NULL and when memory is exhausted. */
TUFF_API const char *tuff_get_text(tuff_result *result, uint32_t column, size_t *length);
/* The bytes of a BLOB or TEXT as they are; NULL for other types. Not terminated; valid until the
 * next row or the next statement on the connection. */
TUFF_API const void *tuff_get_blob(const tuff_result *result, uint32_t column, size_t *length);
/* Zeros for other types. */
TUFF_API tuff_interval tuff_get_interval(const tuff_result *result, uint32_t column);

/* ---- Many rows at once ---- */

/* Arrow C data interface (https://arrow.apache.org/docs/format/CDataInterface.html). */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};
struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
#endif

/* The result's columns as a struct schema. The caller releases it, before its runtime ends;
 * children may be moved out and released later, on any thread. The same holds for batches. */
TUFF_API tuff_status tuff_arrow_schema(tuff_result *result, struct ArrowSchema *schema);
/* Up to 2,048 further rows as a struct array: TUFF_ROW, TUFF_DONE or an error. It owns its
 * memory and outlives the result; the caller releases it. May be mixed with tuff_next. */
TUFF_API tuff_status tuff_arrow_next(tuff_result *result, struct ArrowArray *array);

/*
 * Up to `row_limit` further rows in one block, for hosts where a call is dear. Per row and
 * column, without padding, little-endian: one byte tuff_type (0: NULL), then BOOLEAN 1
 * byte; integers and DATE, TIME, TIMESTAMP 8; FLOAT4 and FLOAT 8 (a double); INTERVAL 16
 * (months, days, microseconds); TEXT, BLOB and DECIMAL (as text) a 4-byte length and the
 * bytes. TUFF_ROW with the block (valid until the next call on the result), TUFF_DONE, or
 * an error.
 */
TUFF_API tuff_status tuff_fetch_packed(tuff_result *result, uint32_t row_limit,
                                       const uint8_t **block, size_t *length, uint32_t *rows);

/* ---- Transactions ---- */

/* Without one, each statement commits by itself. The SQL statements do the same. */
typedef enum tuff_isolation {
    TUFF_READ_COMMITTED = 0, /* each statement sees what was committed before it */
    TUFF_SNAPSHOT = 1,       /* all see the state at the first; REPEATABLE READ */
} tuff_isolation;
/* TUFF_TRANSACTION_STATE when one is open already. */
TUFF_API tuff_status tuff_begin(tuff_conn *conn, tuff_isolation isolation, bool read_only);
/* TUFF_TRANSACTION_STATE when none is open, TUFF_TRANSACTION_ABORTED when a conflict has rolled it
 * back already. A failed commit has rolled back. */
TUFF_API tuff_status tuff_commit(tuff_conn *conn);
TUFF_API tuff_status tuff_rollback(tuff_conn *conn);
TUFF_API bool tuff_in_transaction(const tuff_conn *conn);

/* ---- COPY through the program ---- */

/* COPY t FROM STDIN reads from `read`, COPY ... TO STDOUT writes to `write`. `read` gives
 * how many bytes it put into `buffer`, 0 at the end, negative to fail the statement;
 * `write` gives 0, or another value to fail it. Both are called on the thread that runs the
 * statement and must not use the connection. NULL takes the callback away. */
typedef int64_t (*tuff_copy_read)(void *context, void *buffer, size_t size);
typedef int (*tuff_copy_write)(void *context, const void *bytes, size_t length);
TUFF_API void tuff_set_copy(tuff_conn *conn, tuff_copy_read read, tuff_copy_write write,
                            void *context);

/* ---- Appender ---- */
/*
 * The fast way to add many rows to one table: values in column order, then
 * tuff_append_end_row. Rows are visible to nobody before tuff_appender_close, which adds
 * all or none; it takes part in an open transaction, or commits by itself.
 */
typedef struct tuff_appender tuff_appender;
TUFF_API tuff_status tuff_appender_create(tuff_conn *conn, const char *table,
                                          tuff_appender **appender);
/* Each puts the next column's value, cast to its type. TUFF_MISUSE beyond the last. A value that
 * is refused fails the appender: what comes after it is TUFF_MISUSE, and only
 * tuff_appender_close(appender, false) is left. Texts and blobs as in tuff_bind_text and
 * tuff_bind_blob; decimals go in as text. */
TUFF_API tuff_status tuff_append_null(tuff_appender *appender);
TUFF_API tuff_status tuff_append_bool(tuff_appender *appender, bool value);
TUFF_API tuff_status tuff_append_int64(tuff_appender *appender, int64_t value);
TUFF_API tuff_status tuff_append_double(tuff_appender *appender, double value);
TUFF_API tuff_status tuff_append_text(tuff_appender *appender, const char *text, int64_t length);
TUFF_API tuff_status tuff_append_blob(tuff_appender *appender, const void *bytes, size_t length);
/* Ranges and units as in tuff_bind_date and its companions. */
TUFF_API tuff_status tuff_append_date(tuff_appender *appender, int32_t days);
TUFF_API tuff_status tuff_append_time(tuff_appender *appender, int64_t microseconds);
TUFF_API tuff_status tuff_append_timestamp(tuff_appender *appender, int64_t microseconds);
TUFF_API tuff_status tuff_append_interval(tuff_appender *appender, tuff_interval interval);
/* Columns that were not given get their defaults. */
TUFF_API tuff_status tuff_append_end_row(tuff_appender *appender);
/* Adds the rows, unless `keep` is false: then none. Frees the appender either way. */
TUFF_API tuff_status tuff_appender_close(tuff_appender *appender, bool keep);

#ifdef __cplusplus
}
#endif
#endif
