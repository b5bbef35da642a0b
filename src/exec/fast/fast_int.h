/*
 * fast_int.h - stages: what a fast plan consists of.
 *
 * A stage pulls one row from its input and shows one row: cells and nulls by slot. A filter
 * shows its input's arrays, so a row is copied only where its columns change.
 */
#ifndef EXEC_FAST_FAST_INT_H
#define EXEC_FAST_FAST_INT_H

#include "exec/exec_int.h"
#include "exec/fast/fast.h"
#include "exec/op/op_access.h"
#include "exec/op/op_write.h"

enum {
    FAST_ROWS = 64,          /* rows of a result chunk; bound on the rows of a change */
    FAST_ROWS_READ = 128,    /* estimated rows of a read at most */
    FAST_LOOKUP_ROWIDS = 64, /* rowids of one lookup at most */
};

typedef struct fast_stage fast_stage;

struct fast_stage {
    /* Both with the stage itself first; `open` NULL: nothing to do. BASE_ROW or BASE_DONE. */
    base_status (*open)(exec_fast *fast, fast_stage *stage, base_error *error);
    base_status (*next)(exec_fast *fast, fast_stage *stage, base_error *error);
    const plan_operator *op;
    fast_stage *input;
    types_cell *cells; /* the row shown, by slot */
    bool *nulls;
};

/* A change of rows: what runs at the top of a fast plan that writes. */
typedef struct fast_change fast_change;

struct exec_fast {
    exec_execution *execution;
    fast_stage *top;
    fast_change *change;     /* NULL: the plan reads */
    base_arena heap;         /* far strings of rows read, until the next chunk */
    expr_program **programs; /* every expression; reset with each run */
    uint32_t program_count, program_capacity;
    /* The result: FAST_ROWS long columns. */
    vector_chunk chunk;
    uint32_t column_count;
    bool is_done;
};

/* Compiles and registers an expression. */
base_status exec_fast_compile(exec_fast *fast, const plan_expr *expr, expr_program **program,
                              base_error *error);
base_status exec_fast_compile_all(exec_fast *fast, plan_expr *const *exprs, uint32_t count,
                                  expr_program ***programs, base_error *error);
/* Arrays for a row of `count` slots. */
base_status exec_fast_row_new(exec_fast *fast, uint32_t count, types_cell **cells, bool **nulls,
                              base_error *error);

/* Whether the condition is TRUE for the row; no condition passes all. */
BASE_INLINE base_status exec_fast_test(expr_program *condition, const types_cell *cells,
                                       const bool *nulls, bool *passes, base_error *error)
{
    types_cell truth;
    bool is_null;
    *passes = true;
    if (!condition)
        return BASE_OK;
    RETURN_IF_ERROR(expr_row(condition, cells, nulls, &truth, &is_null, error));
    *passes = !is_null && truth.boolean;
    return BASE_OK;
}

/* An index cursor that is kept from run to run; `is_bound` false when a run begins. */
typedef struct fast_cursor {
    table_index_cursor *cursor;
    bool is_bound; /* to the run's transaction */
} fast_cursor;
base_status exec_fast_cursor_seek(exec_fast *fast, fast_cursor *cursor, const plan_access *access,
                                  table_index *index, const table_key_range *range,
                                  base_error *error);

/* fast_join.c */
base_status exec_fast_build_join(exec_fast *fast, const plan_operator *op, fast_stage *input,
                                 fast_stage **stage, base_error *error);

/* fast_read.c: the stages of a plan that reads; only for plans that fast_can_read takes. */
base_status exec_fast_build_read(exec_fast *fast, const plan_operator *op, fast_stage **stage,
                                 base_error *error);
base_status exec_fast_open_stages(exec_fast *fast, fast_stage *stage, base_error *error);
/* Whether the operator and its inputs are stages that this path has. */
bool exec_fast_can_read(const plan_operator *op);
/* Rows that the operator gives at most; UINT32_MAX: nobody knows. */
uint32_t exec_fast_row_bound(const plan_operator *op);

/* fast_write.c */
bool exec_fast_can_change(const plan_operator *op);
base_status exec_fast_build_change(exec_fast *fast, const plan_operator *op, base_error *error);
/* Reads all rows, writes them, leaves RETURNING's rows in the chunk. */
base_status exec_fast_run_change(exec_fast *fast, base_error *error);

/* Appends a row of results to the chunk. */
base_status exec_fast_emit(exec_fast *fast, const types_cell *cells, const bool *nulls);

#endif
