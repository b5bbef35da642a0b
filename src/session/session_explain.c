/*
 * session_explain.c - EXPLAIN and EXPLAIN ANALYZE: the plan as rows of text.
 *
 * ANALYZE runs the statement within the transaction, changes included, as in PostgreSQL.
 */
#include "session/session_int.h"

static base_status add_lines(session_run *run, base_text text)
{
    while (text.length) {
        const char *end = memchr(text.data, '\n', text.length);
        size_t length = end ? (size_t)(end - text.data) : text.length;
        types_value line = {.type = TYPES_OF(TEXT),
                            .cell.string = types_string_of(text.data, length)};
        RETURN_IF_ERROR(session_add_row(run, &line));
        size_t used = BASE_MIN(length + 1, text.length);
        text.data += used;
        text.length -= used;
    }
    return BASE_OK;
}

/* Runs the plan, throwing rows away. */
static base_status run_to_end(session_run *run, exec_execution *execution, uint64_t *rows)
{
    vector_chunk *chunk;
    base_status status;
    *rows = 0;
    for (uint32_t i = 0; i < run->statement->parameter_count; i++)
        RETURN_IF_ERROR(exec_bind(execution, i, &run->statement->parameters[i], run->error));
    RETURN_IF_ERROR(exec_open(execution, run->transaction, run->error));
    while ((status = exec_next(execution, &chunk, run->error)) == BASE_ROW)
        *rows += chunk->count;
    return status == BASE_DONE ? BASE_OK : status;
}

/* Milliseconds; printf's point would follow the process's locale. */
static void append_time(base_buffer *out, uint64_t nanoseconds)
{
    base_buffer_append_format(out, "%llu.%03u ms", (unsigned long long)(nanoseconds / 1000000),
                              (uint32_t)(nanoseconds / 1000 % 1000));
}

/* What a line of EXPLAIN ANALYZE adds to its operator. */
static void annotate(void *context, const plan_operator *op, base_buffer *out)
{
    exec_statistics statistics;
    exec_operator_statistics(context, op->id, &statistics);
    base_buffer_append_format(out, "  [%llu rows", (unsigned long long)statistics.rows);
    if (statistics.examined)
        base_buffer_append_format(out, ", %llu examined", (unsigned long long)statistics.examined);
    if (statistics.searches)
        base_buffer_append_format(out, ", %llu searches", (unsigned long long)statistics.searches);
    base_buffer_append_text(out, ", ");
    append_time(out, (uint64_t)statistics.nanoseconds);
    if (statistics.bytes)
        base_buffer_append_format(out, ", %llu KiB", (unsigned long long)statistics.bytes / 1024);
    base_buffer_append_byte(out, ']');
}

static base_status describe_run(session_run *run, const plan_statement *plan, base_buffer *out)
{
    session_connection *connection = run->connection;
    os_environment *environment = os_runtime_environment(connection->database->runtime);
    exec_options options;
    exec_execution *execution;
    uint64_t rows;
    session_exec_options(connection, &options);
    options.profile = true;
    RETURN_IF_ERROR(exec_create(plan, &options, &execution, run->error));
    int64_t started = environment->monotonic_clock(environment);
    base_status status = run_to_end(run, execution, &rows);
    int64_t taken = environment->monotonic_clock(environment) - started;
    size_t peak = exec_memory_peak(execution);
    exec_reset(execution);
    if (status == BASE_OK) {
        plan_print_analyzed(plan->root, annotate, execution, out);
        base_buffer_append_format(out, "%llu rows in ", (unsigned long long)rows);
        append_time(out, (uint64_t)taken);
        base_buffer_append_format(out, ", at most %zu KiB\n", peak / 1024);
    }
    exec_destroy(execution);
    return status;
}

base_status session_explain(session_run *run)
{
    static const char *const names[] = {"plan"};
    static const types_type types[] = {{.kind = TYPES_TEXT}};
    const parser_statement *inner = run->tree->explain.statement;
    if (inner->kind > PARSER_STATEMENT_DELETE)
        return base_error_set_at(run->error, BASE_SYNTAX, inner->position,
                                 "EXPLAIN is for queries, INSERT, UPDATE and DELETE");
    plan_statement plan;
    base_buffer out;
    base_buffer_init(&out, &run->connection->budget);
    RETURN_IF_ERROR(
        session_plan_tree(run->connection, run->schema, inner, run->statement->parameter_count,
                          run->statement->parameter_types, run->arena, &plan, run->error));
    base_status status = BASE_OK;
    if (run->tree->explain.analyze)
        status = describe_run(run, &plan, &out);
    else
        plan_print_operator(plan.root, &out);
    if (status == BASE_OK && out.failed)
        status = base_error_no_memory(run->error);
    if (status == BASE_OK)
        status = session_set_columns(run, 1, names, types);
    if (status == BASE_OK)
        status = add_lines(run, (base_text){out.data, out.length});
    base_buffer_destroy(&out);
    return status;
}
