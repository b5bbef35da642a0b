/*
 * session_connection.c - a connection: its settings, errors, interrupts.
 *
 * Interrupts name the run they mean: the caller's thread reads the number of the run that
 * is under way and asks for that number to stop, so a request that comes late finds a
 * number that no later run has.
 */
#include "session/session_int.h"

base_status session_connect(session_database *database, session_connection **connected,
                            base_error *error)
{
    *connected = NULL;
    base_budget *parent = table_database_budget(database->table);
    session_connection *connection = base_allocate_zeroed(parent, sizeof *connection);
    if (!connection)
        return base_error_no_memory(error);
    connection->database = database;
    base_budget_init(&connection->budget, parent, NULL, "connection", SIZE_MAX);
    base_error_clear(&connection->error);
    connection->settings = (session_settings){
        .isolation = TXN_READ_COMMITTED,
        .read_only = table_database_options(database->table)->read_only,
        .optimizer = true,
        .external_access = true,
        .fast_path = true,
        .lock_timeout = table_database_options(database->table)->lock_timeout,
    };
    os_environment *environment = os_runtime_environment(database->runtime);
    connection->environment.version = "0.1.0";
    base_status status =
        environment->random_bytes(environment, connection->environment.random_state,
                                  sizeof connection->environment.random_state, error);
    if (status != BASE_OK) {
        base_free(parent, connection, sizeof *connection);
        return status;
    }
    connection->environment.random_state[0] |= 1; /* the generator must not start at zero */
    atomic_init(&connection->running, 0);
    atomic_init(&connection->interrupted, 0);
    atomic_fetch_add(&database->connection_count, 1);
    *connected = connection;
    return BASE_OK;
}

void session_disconnect(session_connection *connection)
{
    if (!connection)
        return;
    for (session_statement *statement = connection->statements; statement;
         statement = statement->next)
        session_reset(statement);
    if (connection->transaction || connection->in_transaction)
        (void)session_end_transaction(connection, false, NULL);
    while (connection->statements) {
        session_statement *statement = connection->statements;
        session_finalize(statement);
        /* Finalized statements go to the cache, which is emptied below. */
    }
    session_cache_clear(connection);
    catalog_temporary_destroy(connection->temporary);
    session_database *database = connection->database;
    base_budget *parent = table_database_budget(database->table);
    BASE_ASSERT(atomic_load(&connection->budget.used) == 0);
    base_free(parent, connection, sizeof *connection);
    atomic_fetch_sub(&database->connection_count, 1);
}

base_error *session_error(session_connection *connection)
{
    return &connection->error;
}

void session_interrupt(session_connection *connection)
{
    uint64_t run = atomic_load(&connection->running);
    if (run)
        atomic_store(&connection->interrupted, run);
}

bool session_is_interrupted(void *context)
{
    session_connection *connection = context;
    uint64_t run = atomic_load_explicit(&connection->running, memory_order_relaxed);
    return run && atomic_load_explicit(&connection->interrupted, memory_order_relaxed) == run;
}

void session_set_progress(session_connection *connection,
                          int (*progress)(void *context, double fraction, uint64_t rows),
                          void *context)
{
    connection->progress = progress;
    connection->progress_context = context;
}

void session_set_copy(session_connection *connection,
                      int64_t (*read)(void *context, void *buffer, size_t size),
                      int (*write)(void *context, const void *bytes, size_t length), void *context)
{
    connection->copy_read = read;
    connection->copy_write = write;
    connection->copy_context = context;
}

int64_t session_last_rowid(const session_connection *connection)
{
    return connection->environment.last_insert_rowid;
}

bool session_in_transaction(const session_connection *connection)
{
    return connection->in_transaction;
}

base_budget *session_budget(session_connection *connection)
{
    return &connection->budget;
}

/* The executor's hook: a callback that wants to stop interrupts the run. */
static void report_progress(void *context, uint64_t rows_read, uint64_t rows_total)
{
    session_connection *connection = context;
    if (!connection->progress)
        return;
    double fraction = rows_total ? (double)rows_read / (double)rows_total : -1;
    fraction = BASE_MIN(fraction, 1.0);
    if (connection->progress(connection->progress_context, fraction, rows_read))
        session_interrupt(connection);
}

void session_exec_options(session_connection *connection, exec_options *options)
{
    *options = (exec_options){
        .runtime = connection->database->runtime,
        .budget = &connection->budget,
        .memory_limit = connection->settings.memory_limit,
        .thread_limit = connection->settings.threads,
        .fast_path = connection->settings.fast_path,
        .environment = &connection->environment,
        .system_environment = connection,
        .interrupted = session_is_interrupted,
        .progress = report_progress,
        .hook_context = connection,
    };
}

uint64_t session_schema_version(const session_connection *connection)
{
    uint64_t version =
        catalog_current_version(connection->database->catalog, connection->transaction);
    return version && connection->first_schema ? catalog_snapshot_version(connection->first_schema)
                                               : version;
}

base_status session_schema(session_connection *connection, catalog_snapshot **schema,
                           base_error *error)
{
    catalog *catalog = connection->database->catalog;
    bool is_first =
        connection->first_schema && catalog_current_version(catalog, connection->transaction);
    catalog_snapshot *base = is_first ? catalog_snapshot_pin(connection->first_schema)
                                      : catalog_current(catalog, connection->transaction);
    if (!connection->temporary) {
        *schema = base;
        return BASE_OK;
    }
    base_status status = catalog_overlay(base, connection->temporary, schema, error);
    catalog_snapshot_release(base);
    return status;
}
