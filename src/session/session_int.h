/*
 * session_int.h - connections and statements from the inside.
 *
 * A statement is one of two:
 *   PLAN     queries and changes: parsed, bound, optimized, executed. SHOW, DESCRIBE and
 *            PRAGMAs that ask are rewritten as queries over system relations first.
 *   UTILITY  everything else: carried out from the syntax tree by the handler of its kind
 *            (session_run.c has the table), which may leave rows of text.
 */
#ifndef SESSION_SESSION_INT_H
#define SESSION_SESSION_INT_H

#include "session/session.h"
#include "binder/binder.h"
#include "catalog/catalog.h"
#include "exec/exec.h"
#include "func/func.h"
#include "optimizer/optimizer.h"
#include "parser/parser.h"
#include "plan/plan.h"

enum {
    SESSION_CACHED_STATEMENTS = 64, /* finalized statements kept for the same text */
    SESSION_MAX_RESTARTS = 10000,
};

struct session_database {
    os_runtime *runtime;
    table_database *table;
    catalog *catalog;
    _Atomic(uint32_t) connection_count;
    _Atomic(uint64_t) next_statement; /* run numbers, for interrupts */
};

/* What SET and PRAGMA change, per connection. */
typedef struct session_settings {
    txn_isolation isolation; /* of new transactions */
    bool read_only;          /* of new transactions */
    bool optimizer;          /* false: only unnesting and translation */
    bool external_access;    /* COPY to and from files */
    bool fast_path;          /* false: everything through pipelines */
    uint32_t threads;        /* 0: all of the runtime */
    size_t memory_limit;     /* of one statement; 0: none */
    int64_t lock_timeout;    /* microseconds; negative: for ever */
} session_settings;

typedef struct session_savepoint {
    base_text name; /* own memory */
    txn_mark mark;
    catalog_snapshot *schema; /* pinned, or NULL: as committed */
    bool began;               /* no transaction was open: RELEASE commits it */
    struct session_savepoint *older;
} session_savepoint;

struct session_connection {
    session_database *database;
    base_budget budget;
    base_error error;
    session_settings settings;
    txn_transaction *transaction; /* NULL: none under way */
    /* The schema when a SNAPSHOT transaction began, which is what it sees; NULL: the current one */
    catalog_snapshot *first_schema;
    bool in_transaction; /* BEGIN was given; otherwise `transaction` is a statement's own */
    bool failed;         /* a conflict has rolled it back; ROLLBACK is awaited */
    session_savepoint *savepoints;
    catalog_temporary *temporary;  /* NULL until the first temporary view */
    session_statement *statements; /* all that are prepared */
    session_statement *active;     /* the one whose rows come from the executor now */
    session_statement *cached[SESSION_CACHED_STATEMENTS];
    uint32_t next_cached;
    func_environment environment;
    _Atomic(uint64_t) running;     /* run number, 0: none */
    _Atomic(uint64_t) interrupted; /* run number that shall stop */
    int (*progress)(void *context, double fraction, uint64_t rows);
    void *progress_context;
    int64_t (*copy_read)(void *context, void *buffer, size_t size);
    int (*copy_write)(void *context, const void *bytes, size_t length);
    void *copy_context;
    const plan_system_source *copy_source; /* rows of the COPY FROM that runs, or NULL */
};

/* Rows that a statement keeps itself: text of utilities, the rest of a query when another
 * statement begins. */
typedef struct session_rows {
    vector_chunk *chunks;
    uint32_t count, capacity;
    uint32_t next;
} session_rows;

struct session_statement {
    session_connection *connection;
    session_statement *next, *previous; /* in connection->statements */
    base_arena text_arena;              /* sql, its copy of the tree, parameter values */
    base_text sql;
    parser_statement *tree; /* after rewriting */
    base_text tree_sql;     /* the text that the tree's positions point into */
    bool is_plan;
    base_arena plan_arena; /* emptied when the plan is made anew */
    plan_statement plan;   /* root NULL: no plan now */
    uint64_t plan_version; /* of the catalog snapshot */
    session_settings plan_settings;
    /* Tables whose size the plan was chosen for, in the plan's arena. */
    struct session_plan_size *plan_sizes;
    uint32_t plan_size_count;
    exec_execution *execution;
    types_value *parameters; /* far strings in `parameter_text` */
    base_buffer *parameter_text;
    types_type *parameter_types; /* the bound ones' when the plan was made */
    uint32_t parameter_count;
    /* Utilities' columns; a plan's are in `plan`. */
    uint32_t column_count;
    const char **column_names;
    types_type *column_types;
    /* The run */
    bool open; /* executed and not at its end */
    bool owns_transaction;
    uint64_t run_number;
    session_rows rows; /* kept rows; used when `buffered` */
    /* The batch that the caller reads: a shallow copy, so that its place stays the same when
     * the rows behind it are moved. count 0: none. */
    vector_chunk view;
    bool buffered;
    base_status lost; /* not OK: why the rest of the rows could not be kept */
    int64_t rows_affected;
};

/* One go of a utility statement: what its handler gets. */
typedef struct session_run {
    session_connection *connection;
    session_statement *statement;
    const parser_statement *tree;
    base_text sql;                /* text of the tree's positions */
    txn_transaction *transaction; /* statement started; NULL for transaction control */
    catalog_snapshot *schema;     /* current, pinned for the run */
    base_arena *arena;            /* scratch of the run */
    base_error *error;
} session_run;

/* ---- Parts of the core ------------------------------------------------------------------- */

/* The schema that statements of the connection see, temporary views included; pinned. */
/* The version of what session_schema gives, without a lock; 0: the transaction has changed it. */
uint64_t session_schema_version(const session_connection *connection);
base_status session_schema(session_connection *connection, catalog_snapshot **schema,
                           base_error *error);
/* session_statement.c: empties the cache of finalized statements. */
void session_cache_clear(session_connection *connection);
/* session_plan.c: makes sure that the statement has a plan for the schema, the settings and
 * the parameter types of now. */
base_status session_make_plan(session_statement *statement, base_error *error);
void session_drop_plan(session_statement *statement);
/* Binds and optimizes `tree` into `plan` (EXPLAIN and COPY use it with their own arena).
 * `sql` names the text for error positions. The schema must be pinned as long. */
base_status session_plan_tree(session_connection *connection, catalog_snapshot *schema,
                              const parser_statement *tree, uint32_t parameter_count,
                              const types_type *parameter_types, base_arena *arena,
                              plan_statement *plan, base_error *error);
/* Fills an exec_options for the connection. */
void session_exec_options(session_connection *connection, exec_options *options);
base_status session_explain(session_run *run); /* session_explain.c */

/* session_transaction.c */
/* The transaction of a statement that stands alone; the statement ends it. */
base_status session_begin_statement(session_connection *connection, bool read_only,
                                    base_error *error);
base_status session_control_transaction(session_run *run); /* BEGIN .. RELEASE */
/* Ends the connection's transaction; the schema follows. */
base_status session_end_transaction(session_connection *connection, bool commit, base_error *error);
/* session_run.c: moves the active statement's remaining rows into its own memory, so that
 * another statement (or COMMIT) may go on. */
base_status session_park_active(session_connection *connection, base_error *error);
bool session_is_interrupted(void *connection);
/* After a change: what changes() and last_insert_rowid() tell; gives the rows affected. */
int64_t session_note_changes(session_connection *connection, const exec_execution *execution);

/* Rows of a utility: columns first (names are copied), then a row at a time (texts are copied). */
base_status session_set_columns(session_run *run, uint32_t count, const char *const *names,
                                const types_type *types);
base_status session_add_row(session_run *run, const types_value *values);
void session_rows_clear(session_rows *rows);

/* ---- Handlers of statement kinds, one file per subject ------------------------------------- */

base_status session_define(session_run *run); /* CREATE, DROP, ALTER, TRUNCATE, REINDEX */
base_status session_copy(session_run *run);
base_status session_set(session_run *run); /* SET, PRAGMA that sets or acts, VACUUM, ANALYZE,
                                              CHECKPOINT */
/* SHOW, DESCRIBE and PRAGMAs that ask become queries: *rewritten gets the SQL text (in
 * `arena`), or stays empty for a statement that is what it is. */
base_status session_rewrite(session_connection *connection, const parser_statement *tree,
                            base_text sql, base_arena *arena, base_text *rewritten,
                            base_error *error);
/* System relations (session/system): for binder_input; `connection` is a session_connection,
 * which is also the environment of their scans. */
const plan_system_source *session_find_system(void *connection, base_text schema, base_text name);

#endif
