/*
 * session_transaction.c - BEGIN to RELEASE, and how a transaction ends.
 *
 *   none --BEGIN--> open --COMMIT/ROLLBACK--> none
 *   none --statement--> its own --end of the statement--> none
 *   open --conflict, deadlock--> failed --ROLLBACK/COMMIT--> none
 *   none --SAVEPOINT s--> open --RELEASE s, COMMIT/ROLLBACK--> none
 *
 * A savepoint outside of a transaction begins one, and its RELEASE commits it: SQLite's rule,
 * which libraries use to nest changes without knowing whether a transaction is open. Leaving the
 * transaction open would lose the change when the connection closes.
 *
 * A failed statement undoes itself alone and the transaction goes on, as in SQLite and
 * MySQL: every statement is atomic. Conflicts are different: what the transaction has read
 * is out of date, and in a deadlock it must let go of its rows, so it is rolled back at
 * once and only ROLLBACK (or COMMIT, which then says what happened) is accepted.
 */
#include "session/session_int.h"

static void free_savepoints(session_connection *connection, session_savepoint *until)
{
    while (connection->savepoints != until) {
        session_savepoint *savepoint = connection->savepoints;
        connection->savepoints = savepoint->older;
        catalog_snapshot_release(savepoint->schema);
        base_free(&connection->budget, (char *)(uintptr_t)savepoint->name.data,
                  savepoint->name.length);
        base_free(&connection->budget, savepoint, sizeof *savepoint);
    }
}

base_status session_end_transaction(session_connection *connection, bool commit, base_error *error)
{
    txn_transaction *transaction = connection->transaction;
    catalog *catalog = connection->database->catalog;
    base_status status = BASE_OK;
    free_savepoints(connection, NULL);
    connection->transaction = NULL;
    catalog_snapshot_release(connection->first_schema);
    connection->first_schema = NULL;
    connection->in_transaction = false;
    connection->failed = false;
    if (!transaction)
        return BASE_OK;
    uint64_t id = catalog_transaction_id(transaction);
    if (commit)
        status = table_commit(transaction, error);
    else
        table_rollback(transaction);
    if (commit && status == BASE_OK)
        catalog_after_commit(catalog, id);
    else
        catalog_after_rollback(catalog, id);
    return status;
}

typedef struct made_transaction {
    txn_transaction *transaction;
    catalog_snapshot *first_schema;
} made_transaction;

/* A transaction with the connection's waiting time and its ear for interrupts. The schema is taken
 * before the snapshot: an older one can be read by a younger snapshot, whose tables have all of its
 * columns, but not the other way round. */
static base_status make_transaction(session_connection *connection, txn_isolation isolation,
                                    bool read_only, made_transaction *made, base_error *error)
{
    *made = (made_transaction){NULL, NULL};
    if (isolation != TXN_READ_COMMITTED)
        made->first_schema = catalog_current(connection->database->catalog, NULL);
    base_status status =
        table_begin(connection->database->table, isolation, read_only, &made->transaction, error);
    if (status != BASE_OK) {
        catalog_snapshot_release(made->first_schema);
        return status;
    }
    txn_set_lock_timeout(made->transaction, connection->settings.lock_timeout);
    table_set_interrupt(made->transaction, session_is_interrupted, connection);
    return BASE_OK;
}

base_status session_begin_statement(session_connection *connection, bool read_only,
                                    base_error *error)
{
    made_transaction made;
    RETURN_IF_ERROR(make_transaction(connection, TXN_READ_COMMITTED, read_only, &made, error));
    connection->transaction = made.transaction;
    connection->environment.transaction_time = connection->environment.statement_time;
    return BASE_OK;
}

static void adopt_transaction(session_connection *connection, made_transaction made)
{
    os_environment *environment = os_runtime_environment(connection->database->runtime);
    connection->transaction = made.transaction;
    connection->first_schema = made.first_schema;
    connection->environment.transaction_time = environment->wall_clock(environment);
    connection->in_transaction = true;
}

static base_status begin(session_connection *connection, txn_isolation isolation, bool read_only,
                         base_error *error)
{
    made_transaction made;
    if (connection->in_transaction)
        return base_error_set(error, BASE_TRANSACTION_STATE,
                              "a transaction is already in progress");
    RETURN_IF_ERROR(session_park_active(connection, error));
    RETURN_IF_ERROR(make_transaction(connection, isolation, read_only, &made, error));
    adopt_transaction(connection, made);
    return BASE_OK;
}

static base_status finish(session_connection *connection, bool commit, base_error *error)
{
    if (!connection->in_transaction) {
        base_error_set(error, BASE_TRANSACTION_STATE, "no transaction is in progress");
        base_error_set_hint(error, "Without BEGIN each statement commits by itself.");
        return BASE_TRANSACTION_STATE;
    }
    bool failed = connection->failed;
    base_status status = session_park_active(connection, error);
    if (status != BASE_OK)
        commit = false;
    base_status ended = session_end_transaction(connection, commit && !failed, error);
    if (status == BASE_OK)
        status = ended;
    if (failed && commit)
        return base_error_set(error, BASE_TRANSACTION_ABORTED,
                              "the transaction had failed and has been rolled back");
    return status;
}

base_status session_begin(session_connection *connection, txn_isolation isolation, bool read_only)
{
    base_error_clear(&connection->error);
    return begin(connection, isolation, read_only, &connection->error);
}

base_status session_commit(session_connection *connection)
{
    base_error_clear(&connection->error);
    return finish(connection, true, &connection->error);
}

base_status session_rollback(session_connection *connection)
{
    base_error_clear(&connection->error);
    return finish(connection, false, &connection->error);
}

/* ---- Savepoints ------------------------------------------------------------------------------ */

static base_status set_savepoint(session_run *run, base_text name)
{
    session_connection *connection = run->connection;
    bool begins = !connection->in_transaction;
    session_savepoint *savepoint = base_allocate_zeroed(&connection->budget, sizeof *savepoint);
    char *copy = base_allocate(&connection->budget, name.length);
    base_status status = savepoint && copy ? BASE_OK : base_error_no_memory(run->error);
    if (status == BASE_OK && begins)
        status = begin(connection, connection->settings.isolation, connection->settings.read_only,
                       run->error);
    if (status != BASE_OK) {
        base_free(&connection->budget, savepoint, sizeof *savepoint);
        base_free(&connection->budget, copy, name.length);
        return status;
    }
    memcpy(copy, name.data, name.length);
    savepoint->name = (base_text){copy, name.length};
    savepoint->began = begins;
    savepoint->mark = table_get_mark(connection->transaction);
    savepoint->schema =
        catalog_before_statement(connection->database->catalog, connection->transaction);
    savepoint->older = connection->savepoints;
    connection->savepoints = savepoint;
    return BASE_OK;
}

static session_savepoint *find_savepoint(session_connection *connection, base_text name)
{
    session_savepoint *savepoint = connection->savepoints;
    while (savepoint && !base_text_equal_folded(savepoint->name, name))
        savepoint = savepoint->older;
    return savepoint;
}

static base_status use_savepoint(session_run *run, const parser_name *name, bool rollback)
{
    session_connection *connection = run->connection;
    session_savepoint *savepoint = find_savepoint(connection, name->text);
    if (!savepoint)
        return base_error_set_at(run->error, BASE_NO_SAVEPOINT, name->position,
                                 "savepoint \"%.*s\" does not exist",
                                 BASE_TEXT_ARGUMENTS(name->text));
    if (!rollback && savepoint->began)
        return finish(connection, true, run->error);
    RETURN_IF_ERROR(session_park_active(connection, run->error));
    if (!rollback) {
        free_savepoints(connection, savepoint->older);
        return BASE_OK;
    }
    free_savepoints(connection, savepoint); /* the savepoint itself stays */
    table_rollback_to(connection->transaction, savepoint->mark);
    catalog_snapshot *schema = savepoint->schema;
    catalog_back_to(connection->database->catalog, connection->transaction,
                    schema ? catalog_snapshot_pin(schema) : NULL);
    return BASE_OK;
}

/* ---- SQL ------------------------------------------------------------------------------------- */

/* What the statement says, and `otherwise` where it says nothing. */
static base_status isolation_of(const parser_transaction *tree, txn_isolation otherwise,
                                txn_isolation *isolation, base_error *error)
{
    switch (tree->isolation) {
    case PARSER_ISOLATION_DEFAULT:
        *isolation = otherwise;
        return BASE_OK;
    case PARSER_READ_UNCOMMITTED: /* as in PostgreSQL: no dirty reads */
    case PARSER_READ_COMMITTED:
        *isolation = TXN_READ_COMMITTED;
        return BASE_OK;
    case PARSER_REPEATABLE_READ:
        *isolation = TXN_SNAPSHOT;
        return BASE_OK;
    case PARSER_SERIALIZABLE:
        break;
    }
    base_error_set(error, BASE_NOT_SUPPORTED, "SERIALIZABLE is not available");
    base_error_set_hint(error, "ISOLATION LEVEL SNAPSHOT gives one consistent view and refuses "
                               "lost updates.");
    return BASE_NOT_SUPPORTED;
}

static bool read_only_of(const parser_transaction *tree, bool otherwise)
{
    return tree->access == PARSER_ACCESS_DEFAULT ? otherwise : tree->access == PARSER_READ_ONLY;
}

static base_status begin_from_tree(session_run *run)
{
    const parser_transaction *tree = run->tree->transaction;
    const session_settings *settings = &run->connection->settings;
    txn_isolation isolation;
    RETURN_IF_ERROR(isolation_of(tree, settings->isolation, &isolation, run->error));
    return begin(run->connection, isolation, read_only_of(tree, settings->read_only), run->error);
}

/* SET TRANSACTION: before anything was done another transaction takes the place of the open one;
 * what the statement does not name stays as BEGIN had it. */
static base_status set_transaction(session_run *run)
{
    session_connection *connection = run->connection;
    const parser_transaction *tree = run->tree->transaction;
    const txn_transaction *before = connection->transaction;
    made_transaction made;
    txn_isolation isolation;
    if (!connection->in_transaction)
        return base_error_set(run->error, BASE_TRANSACTION_STATE,
                              "SET TRANSACTION is for an open transaction");
    if (txn_has_writes(before) || connection->savepoints)
        return base_error_set(run->error, BASE_TRANSACTION_STATE,
                              "SET TRANSACTION must come before the first change");
    RETURN_IF_ERROR(isolation_of(tree, txn_isolation_of(before), &isolation, run->error));
    bool read_only = read_only_of(tree, txn_is_read_only(before));
    RETURN_IF_ERROR(session_park_active(connection, run->error));
    RETURN_IF_ERROR(make_transaction(connection, isolation, read_only, &made, run->error));
    (void)session_end_transaction(connection, false, NULL); /* a rollback cannot fail */
    adopt_transaction(connection, made);
    return BASE_OK;
}

base_status session_control_transaction(session_run *run)
{
    session_connection *connection = run->connection;
    const parser_transaction *tree = run->tree->transaction;
    base_text savepoint = tree->savepoint.text;
    bool to_savepoint = run->tree->kind == PARSER_STATEMENT_ROLLBACK && savepoint.length;
    bool ends = run->tree->kind == PARSER_STATEMENT_COMMIT ||
                (run->tree->kind == PARSER_STATEMENT_ROLLBACK && !to_savepoint);
    if (connection->failed && !ends)
        return base_error_set(run->error, BASE_TRANSACTION_ABORTED,
                              "the transaction has failed: only ROLLBACK is accepted");
    switch (run->tree->kind) {
    case PARSER_STATEMENT_BEGIN:
        return begin_from_tree(run);
    case PARSER_STATEMENT_COMMIT:
        return finish(connection, true, run->error);
    case PARSER_STATEMENT_ROLLBACK:
        if (to_savepoint)
            return use_savepoint(run, &tree->savepoint, true);
        return finish(connection, false, run->error);
    case PARSER_STATEMENT_SAVEPOINT:
        return set_savepoint(run, savepoint);
    case PARSER_STATEMENT_RELEASE:
        return use_savepoint(run, &tree->savepoint, false);
    default:
        BASE_ASSERT(run->tree->kind == PARSER_STATEMENT_SET_TRANSACTION);
        return set_transaction(run);
    }
}
