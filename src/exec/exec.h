/*
 * exec.h - plans run: from an immutable operator tree to result chunks.
 *
 *   exec_create --> exec_bind --> exec_open --> exec_next ... BASE_DONE --> exec_reset --+
 *                      ^                                                                 |
 *                      +-----------------------------------------------------------------+
 *                                            exec_destroy from anywhere
 *
 * An execution is the run-time state of one plan_statement: pipelines, compiled expressions,
 * tables. It is made once per prepared statement and run any number of times; a second run
 * allocates nothing for the fixed part. The caller pulls chunks; inside, pipelines push chunks
 * from a source through steps into a sink, on as many threads as the input is worth
 * (src/exec/README.md has the rules).
 *
 * Threads: an execution belongs to one thread at a time; it recruits the runtime's workers
 * itself and they are idle whenever a call has returned.
 */
#ifndef EXEC_EXEC_H
#define EXEC_EXEC_H

#include "base/base.h"
#include "os/os.h"
#include "txn/txn.h"
#include "func/func.h"
#include "plan/plan.h"

typedef struct exec_execution exec_execution;

typedef struct exec_options {
    os_runtime *runtime;
    base_budget *budget;           /* parent of the execution's own budget */
    size_t memory_limit;           /* bytes of one execution; 0: none of its own */
    uint32_t thread_limit;         /* threads that may work at once; 0: all of the runtime */
    func_environment *environment; /* outlives the execution; read when it is opened */
    void *system_environment;      /* handed to plan_system_source.open */
    /* Asked every few thousand rows, from any of the working threads; true stops the statement
     * with BASE_INTERRUPTED. NULL: never. */
    bool (*interrupted)(void *context);
    /* Called now and then with the rows read so far and the rows that there are to read (an
     * estimate), by the thread that runs the statement. NULL: never. */
    void (*progress)(void *context, uint64_t rows_read, uint64_t rows_total);
    void *hook_context;
    bool fast_path; /* statements on few rows run row by row, without pipelines (exec/fast) */
    bool profile;   /* measure time per operator (EXPLAIN ANALYZE) */
} exec_options;

/* What an operator did, for EXPLAIN ANALYZE. */
typedef struct exec_statistics {
    uint64_t rows;     /* that came out */
    uint64_t examined; /* rows read, found or paired to make them; 0: it looks at its inputs only */
    uint64_t searches; /* descents into a tree of rows or of keys */
    uint64_t nanoseconds; /* spent in it, all threads, inputs not included; 0 unless profiled */
    uint64_t bytes;       /* of its tables at their largest */
} exec_statistics;

/* `statement` must outlive the execution. */
base_status exec_create(const plan_statement *statement, const exec_options *options,
                        exec_execution **execution, base_error *error);
void exec_destroy(exec_execution *execution); /* NULL allowed */

/* Gives parameter `index` (0-based) a value: cast to the planned type, text copied. Values
 * stay bound over resets. Not while open. */
base_status exec_bind(exec_execution *execution, uint32_t index, const types_value *value,
                      base_error *error);

/* Starts a run within the transaction, whose statement has been started. A parameter without a
 * value is BASE_UNDEFINED_PARAMETER. */
base_status exec_open(exec_execution *execution, txn_transaction *transaction, base_error *error);

/* BASE_ROW with a chunk of at least one row, or BASE_DONE. The chunk lives until the next
 * call. A statement that changes rows has done all of it when the first call returns; without
 * RETURNING that call answers BASE_DONE. After an error only reset and destroy are allowed; the
 * caller takes back what was written (table_rollback_to). */
base_status exec_next(exec_execution *execution, vector_chunk **chunk, base_error *error);

/* Rows inserted, updated or deleted by the run so far. */
uint64_t exec_rows_affected(const exec_execution *execution);
/* Rowid of the row inserted last; false: none was. */
bool exec_last_rowid(const exec_execution *execution, int64_t *rowid);

/* Ends the run: scans are closed, tables are freed. Nothing to do when not open. */
void exec_reset(exec_execution *execution);

/* Of operator `id` in the last run, kept until the next exec_open. */
void exec_operator_statistics(const exec_execution *execution, uint32_t id,
                              exec_statistics *statistics);
/* Bytes held now and at most during the run. */
size_t exec_memory_used(const exec_execution *execution);
size_t exec_memory_peak(const exec_execution *execution);

#endif
