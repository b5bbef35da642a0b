/*
 * session_internal.c - changes that a statement makes as part of itself.
 *
 * CREATE TABLE AS and COPY FROM are, at their heart, INSERT ... SELECT. They hand its tree to
 * the same planner and executor as any INSERT, so defaults, casts, checks, keys and the
 * parallel paths are those of INSERT by construction.
 */
#include "session/session_define_int.h"

base_status session_run_internal(session_run *run, const parser_statement *tree,
                                 int64_t *rows_affected)
{
    session_connection *connection = run->connection;
    session_statement *statement = run->statement;
    plan_statement plan;
    exec_options options;
    exec_execution *execution = NULL;
    RETURN_IF_ERROR(session_plan_tree(connection, run->schema, tree, statement->parameter_count,
                                      statement->parameter_types, run->arena, &plan, run->error));
    session_exec_options(connection, &options);
    RETURN_IF_ERROR(exec_create(&plan, &options, &execution, run->error));
    base_status status = BASE_OK;
    for (uint32_t i = 0; i < plan.parameter_count && status == BASE_OK; i++)
        status = exec_bind(execution, i, &statement->parameters[i], run->error);
    if (status == BASE_OK)
        status = exec_open(execution, run->transaction, run->error);
    if (status == BASE_OK) {
        vector_chunk *chunk;
        do
            status = exec_next(execution, &chunk, run->error);
        while (status == BASE_ROW);
        if (status == BASE_DONE)
            status = BASE_OK;
    }
    if (status == BASE_OK)
        *rows_affected = session_note_changes(connection, execution);
    exec_reset(execution);
    exec_destroy(execution);
    return status;
}
