/*
 * session_run.c - running statements.
 *
 *   execute: park what another statement left open; take part in the transaction, or begin
 *            one for this statement; plan if need be; run. BASE_RESTART (a row changed
 *            since the statement's snapshot, READ COMMITTED) undoes the statement and runs
 *            it again on a new snapshot. A failure undoes it and nothing else.
 *   next:    rows of a query come from the executor until they end or another statement
 *            begins; then the rest is parked: pulled into the statement's own memory.
 *
 * Restarting the whole statement was preferred to re-checking the one row on its newest
 * version (PostgreSQL's way): every row of the statement then comes from one snapshot, and
 * joins and subqueries need no special case. RETURNING rows are handed out only after the
 * last restart. Invariant: at most one statement of a connection is `active`.
 */
#include "session/session_int.h"

/* ---- Rows that a statement keeps ---- */

void session_rows_clear(session_rows *rows)
{
    for (uint32_t i = 0; i < rows->count; i++)
        vector_chunk_destroy(&rows->chunks[i]);
    rows->count = rows->next = 0;
}

/* A fresh chunk at the end, or the last one when it has room for `count` rows. */
static base_status room_for_rows(session_statement *statement, uint32_t count,
                                 const types_type *types, uint32_t column_count,
                                 vector_chunk **chunk, base_error *error)
{
    session_rows *rows = &statement->rows;
    base_budget *budget = &statement->connection->budget;
    if (rows->count && rows->chunks[rows->count - 1].count + count <= VECTOR_SIZE) {
        *chunk = &rows->chunks[rows->count - 1];
        return BASE_OK;
    }
    if (!base_grow_array(budget, &rows->chunks, &rows->capacity, rows->count + 1,
                         sizeof *rows->chunks))
        return base_error_no_memory(error);
    *chunk = &rows->chunks[rows->count];
    RETURN_IF_ERROR(vector_chunk_init(*chunk, budget, types, column_count, error));
    rows->count++;
    return BASE_OK;
}

static base_status keep_chunk(session_statement *statement, const vector_chunk *chunk,
                              base_error *error)
{
    vector_chunk *to;
    RETURN_IF_ERROR(room_for_rows(statement, chunk->count, statement->plan.column_types,
                                  statement->plan.column_count, &to, error));
    return vector_chunk_append(to, chunk, error);
}

base_status session_set_columns(session_run *run, uint32_t count, const char *const *names,
                                const types_type *types)
{
    session_statement *statement = run->statement;
    base_arena *arena = &statement->plan_arena;
    statement->column_count = 0;
    statement->column_names = base_arena_allocate_array(arena, count, sizeof(char *));
    statement->column_types = base_arena_allocate_array(arena, count, sizeof(types_type));
    if (!statement->column_names || !statement->column_types)
        return base_error_no_memory(run->error);
    for (uint32_t i = 0; i < count; i++) {
        statement->column_names[i] = base_arena_copy_text(arena, names[i], strlen(names[i]));
        if (!statement->column_names[i])
            return base_error_no_memory(run->error);
        statement->column_types[i] = types[i];
    }
    statement->column_count = count;
    statement->buffered = true;
    return BASE_OK;
}

base_status session_add_row(session_run *run, const types_value *values)
{
    session_statement *statement = run->statement;
    vector_chunk *chunk;
    RETURN_IF_ERROR(room_for_rows(statement, 1, statement->column_types, statement->column_count,
                                  &chunk, run->error));
    for (uint32_t i = 0; i < statement->column_count; i++) {
        types_value value = values[i];
        if (!value.is_null && types_form_of(value.type) == TYPES_FORM_STRING) {
            const types_string *string = &value.cell.string;
            char *copy =
                base_arena_copy_text(chunk->heap, types_string_data(string), string->length);
            if (!copy)
                return base_error_no_memory(run->error);
            value.cell.string = types_string_of(copy, string->length);
        }
        vector_put(&chunk->columns[i], chunk->count, &value);
    }
    chunk->count++;
    return BASE_OK;
}

/* ---- Ends ---- */

/* Closes the run of a statement and ends the transaction that it began for itself. */
static base_status end_run(session_statement *statement, bool commit, base_error *error)
{
    session_connection *connection = statement->connection;
    base_status status = BASE_OK;
    if (statement->execution)
        exec_reset(statement->execution);
    if (connection->active == statement)
        connection->active = NULL;
    if (statement->owns_transaction) {
        statement->owns_transaction = false;
        status = session_end_transaction(connection, commit, error);
    }
    uint64_t number = statement->run_number;
    (void)atomic_compare_exchange_strong(&connection->running, &number, 0);
    return status;
}

/* An execution that ran out of memory may have made some of its parts by half: it is made anew
 * when the statement runs next. */
static void drop_incomplete(session_statement *statement, base_status status)
{
    if (status == BASE_OUT_OF_MEMORY && statement->is_plan)
        session_drop_plan(statement);
}

/* A conflict leaves the transaction rolled back, with ROLLBACK still to come. */
static void fail_transaction(session_connection *connection)
{
    (void)session_end_transaction(connection, false, NULL);
    connection->in_transaction = true;
    connection->failed = true;
}

static bool is_conflict(base_status status)
{
    return status == BASE_SERIALIZATION || status == BASE_DEADLOCK;
}

/* The caller may stand in the middle of a batch, which the executor is about to overwrite: it
 * becomes the first of the kept rows, and `view` shows it there (see session_next). */
static base_status keep_view(session_statement *statement, base_error *error)
{
    if (!statement->view.count)
        return BASE_OK;
    return keep_chunk(statement, &statement->view, error);
}

base_status session_park_active(session_connection *connection, base_error *error)
{
    session_statement *statement = connection->active;
    if (!statement)
        return BASE_OK;
    vector_chunk *chunk;
    base_status status = keep_view(statement, error);
    bool has_view = status == BASE_OK && statement->view.count;
    while (status == BASE_OK) {
        status = exec_next(statement->execution, &chunk, error);
        if (status == BASE_ROW)
            status = keep_chunk(statement, chunk, error);
    }
    statement->buffered = true;
    if (status == BASE_DONE) {
        if (has_view) {
            statement->view = statement->rows.chunks[0];
            statement->rows.next = 1;
        }
        return end_run(statement, true, error);
    }
    session_rows_clear(&statement->rows);
    statement->view = (vector_chunk){0};
    statement->lost = status;
    (void)end_run(statement, false, NULL);
    drop_incomplete(statement, status);
    return status;
}

/* ---- Execute ---- */

static bool controls_transaction(parser_statement_kind kind)
{
    return kind >= PARSER_STATEMENT_BEGIN && kind <= PARSER_STATEMENT_SET_TRANSACTION;
}

int64_t session_note_changes(session_connection *connection, const exec_execution *execution)
{
    int64_t rowid;
    connection->environment.changes = (int64_t)exec_rows_affected(execution);
    if (exec_last_rowid(execution, &rowid)) /* it inserted something */
        connection->environment.last_insert_rowid = rowid;
    return connection->environment.changes;
}

/* Opens the plan, which is current; a change runs to its end and keeps its RETURNING rows. */
static base_status run_plan(session_statement *statement, base_error *error)
{
    session_connection *connection = statement->connection;
    for (uint32_t i = 0; i < statement->parameter_count; i++)
        RETURN_IF_ERROR(exec_bind(statement->execution, i, &statement->parameters[i], error));
    RETURN_IF_ERROR(exec_open(statement->execution, connection->transaction, error));
    if (!statement->plan.is_write) {
        connection->active = statement;
        return BASE_OK;
    }
    vector_chunk *chunk;
    base_status status;
    while ((status = exec_next(statement->execution, &chunk, error)) == BASE_ROW)
        RETURN_IF_ERROR(keep_chunk(statement, chunk, error));
    if (status != BASE_DONE)
        return status;
    statement->buffered = true;
    statement->rows_affected = session_note_changes(connection, statement->execution);
    return BASE_OK;
}

static base_status dispatch_utility(session_run *run)
{
    switch (run->tree->kind) {
    case PARSER_STATEMENT_EXPLAIN:
        return session_explain(run);
    case PARSER_STATEMENT_COPY:
        return session_copy(run);
    case PARSER_STATEMENT_CREATE_TABLE:
    case PARSER_STATEMENT_CREATE_INDEX:
    case PARSER_STATEMENT_CREATE_VIEW:
    case PARSER_STATEMENT_DROP:
    case PARSER_STATEMENT_ALTER_TABLE:
    case PARSER_STATEMENT_TRUNCATE:
    case PARSER_STATEMENT_REINDEX:
        return session_define(run);
    default:
        return controls_transaction(run->tree->kind) ? session_control_transaction(run)
                                                     : session_set(run);
    }
}

/* Takes the schema over. */
static base_status run_utility(session_statement *statement, catalog_snapshot *schema,
                               base_error *error)
{
    session_connection *connection = statement->connection;
    base_arena scratch;
    base_arena_reset(&statement->plan_arena);
    statement->column_count = 0;
    statement->buffered = true;
    session_run run = {
        .connection = connection,
        .statement = statement,
        .tree = statement->tree,
        .sql = statement->tree_sql,
        .transaction = connection->transaction,
        .schema = schema,
        .arena = &scratch,
        .error = error,
    };
    base_arena_init(&scratch, &connection->budget);
    base_status status = dispatch_utility(&run);
    base_arena_destroy(&scratch);
    catalog_snapshot_release(run.schema); /* another one where the statement has changed it */
    return status;
}

static base_status run_control(session_statement *statement, base_error *error)
{
    catalog_snapshot *schema;
    RETURN_IF_ERROR(session_schema(statement->connection, &schema, error));
    return run_utility(statement, schema, error);
}

static base_status begin_own_transaction(session_statement *statement, base_error *error)
{
    session_connection *connection = statement->connection;
    bool read_only = connection->settings.read_only ||
                     (statement->is_plan && !session_statement_is_write(statement));
    RETURN_IF_ERROR(session_begin_statement(connection, read_only, error));
    statement->owns_transaction = true;
    return BASE_OK;
}

/* One attempt; on failure everything that the statement did is undone. The schema comes before the
 * snapshot of rows, as make_transaction says. */
static base_status attempt(session_statement *statement, base_error *error)
{
    session_connection *connection = statement->connection;
    catalog *catalog = connection->database->catalog;
    catalog_snapshot *schema = NULL, *before = NULL;
    RETURN_IF_ERROR(statement->is_plan ? session_make_plan(statement, error)
                                       : session_schema(connection, &schema, error));
    table_statement_start(connection->transaction);
    txn_mark mark = table_get_mark(connection->transaction);
    if (!statement->is_plan)
        before = catalog_before_statement(catalog, connection->transaction);
    base_status status =
        statement->is_plan ? run_plan(statement, error) : run_utility(statement, schema, error);
    if (status == BASE_OK) {
        catalog_snapshot_release(before);
        return BASE_OK;
    }
    if (statement->execution)
        exec_reset(statement->execution);
    drop_incomplete(statement, status);
    session_rows_clear(&statement->rows);
    table_rollback_to(connection->transaction, mark);
    if (!statement->is_plan)
        catalog_back_to(catalog, connection->transaction, before);
    return status;
}

static base_status attempt_until_settled(session_statement *statement, base_error *error)
{
    base_status status = BASE_OK;
    for (uint32_t restarts = 0; restarts < SESSION_MAX_RESTARTS; restarts++) {
        status = attempt(statement, error);
        if (status != BASE_RESTART)
            return status;
        if (session_is_interrupted(statement->connection))
            return base_error_set(error, BASE_INTERRUPTED, "the statement was interrupted");
    }
    return base_error_set(error, BASE_SERIALIZATION,
                          "gave up after %d restarts: the rows keep changing",
                          SESSION_MAX_RESTARTS);
}

static void start_run(session_statement *statement)
{
    session_connection *connection = statement->connection;
    os_environment *environment = os_runtime_environment(connection->database->runtime);
    statement->run_number =
        atomic_fetch_add_explicit(&connection->database->next_statement, 1, memory_order_relaxed);
    statement->rows_affected = 0;
    connection->environment.statement_time = environment->wall_clock(environment);
    atomic_store(&connection->running, statement->run_number);
}

/* Everything but transaction control: within the connection's transaction or its own. */
static base_status execute_within(session_statement *statement, base_error *error)
{
    session_connection *connection = statement->connection;
    if (connection->failed)
        return base_error_set(error, BASE_TRANSACTION_ABORTED,
                              "the transaction has failed: only ROLLBACK is accepted");
    if (!connection->transaction)
        RETURN_IF_ERROR(begin_own_transaction(statement, error));
    base_status status = attempt_until_settled(statement, error);
    if (status == BASE_OK)
        return connection->active == statement ? BASE_OK : end_run(statement, true, error);
    (void)end_run(statement, false, NULL);
    if (connection->in_transaction && is_conflict(status))
        fail_transaction(connection);
    return status;
}

base_status session_execute(session_statement *statement)
{
    session_connection *connection = statement->connection;
    base_error *error = &connection->error;
    session_reset(statement);
    base_error_clear(error);
    RETURN_IF_ERROR(session_park_active(connection, error));
    start_run(statement);
    base_status status;
    if (!statement->is_plan && controls_transaction(statement->tree->kind))
        status = run_control(statement, error);
    else
        status = execute_within(statement, error);
    if (connection->active != statement)
        atomic_store(&connection->running, 0);
    statement->open = status == BASE_OK;
    return status;
}

base_status session_next(session_statement *statement, vector_chunk **chunk)
{
    session_connection *connection = statement->connection;
    base_error *error = &connection->error;
    base_error_clear(error);
    statement->view.count = 0;
    *chunk = &statement->view;
    if (!statement->open)
        return BASE_DONE;
    if (statement->lost != BASE_OK)
        return base_error_set(error, statement->lost,
                              "the rest of the rows could not be kept when another statement "
                              "began");
    if (statement->buffered) {
        if (statement->rows.next < statement->rows.count) {
            statement->view = statement->rows.chunks[statement->rows.next++];
            return BASE_ROW;
        }
        statement->open = false;
        return BASE_DONE;
    }
    vector_chunk *made;
    base_status status = exec_next(statement->execution, &made, error);
    if (status == BASE_ROW) {
        statement->view = *made;
        return BASE_ROW;
    }
    statement->open = false;
    base_status ended = end_run(statement, status == BASE_DONE, error);
    drop_incomplete(statement, status);
    return status == BASE_DONE && ended != BASE_OK ? ended : status;
}

void session_reset(session_statement *statement)
{
    session_connection *connection = statement->connection;
    if (connection->active == statement)
        (void)end_run(statement, true, NULL);
    else if (statement->execution)
        exec_reset(statement->execution);
    session_rows_clear(&statement->rows);
    statement->view.count = 0;
    statement->lost = BASE_OK;
    statement->buffered = false;
    statement->open = false;
}
