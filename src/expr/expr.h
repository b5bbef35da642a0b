/*
 * expr.h - bound expressions made ready to run, and run by vector or by row.
 *
 * An expr_program is one operator expression (PLAN_EXPR_SLOT, never COLUMN or SUBQUERY) compiled
 * for one thread: it owns its intermediate vectors, its call sites' states and the heap of its
 * results. Programs are compiled once per prepared statement and thread, and run for every chunk
 * of every execution: nothing is allocated from the second chunk on.
 *
 * Errors of rows that the selection excludes never show: CASE, COALESCE, AND and OR evaluate
 * their later arguments only for the rows that need them.
 */
#ifndef EXPR_EXPR_H
#define EXPR_EXPR_H

#include "base/base.h"
#include "types/types.h"
#include "vector/vector.h"
#include "func/func.h"
#include "plan/plan.h"

typedef struct expr_program expr_program;

/* What all programs of one execution share. Outlives them. */
typedef struct expr_context {
    const types_value *parameters; /* of the types that the plan says; read by expr_reset */
    uint32_t parameter_count;
    func_environment *environment;
    base_budget *budget; /* intermediate vectors */
} expr_context;

/* Compiles; constant parts are folded, patterns prepared. Program and call states lie in
 * `arena`; what lies in the budget is released by a clean-up of the arena. */
base_status expr_compile(expr_context *context, base_arena *arena, const plan_expr *expr,
                         expr_program **program, base_error *error);

/* Before the first use and whenever parameters or the statement's time have changed:
 * evaluates again what depends on them alone. */
base_status expr_reset(expr_program *program, base_error *error);

/* Evaluates for the chunk's selected rows. `*result` stands at the chunk's physical positions, may
 * have any shape, may be a column of the chunk itself, and lives until the program's next run
 * (bare slots: as long as the chunk). */
base_status expr_evaluate(expr_program *program, const vector_chunk *chunk, const vector **result,
                          base_error *error);

/* Positions of the selected rows for which a BOOLEAN expression is TRUE, in order. `out` has
 * VECTOR_SIZE entries and may be the chunk's selection. */
base_status expr_select(expr_program *program, const vector_chunk *chunk, uint16_t *out,
                        uint32_t *count, base_error *error);

/* Value of an expression without slots (limits, bounds, rowids). Far strings live until the
 * program's next run. */
base_status expr_value(expr_program *program, types_value *value, base_error *error);

/* One row: `cells` and `nulls` by slot. Far strings of the result live until expr_clear_heap. */
base_status expr_row(expr_program *program, const types_cell *cells, const bool *nulls,
                     types_cell *result, bool *result_null, base_error *error);
void expr_clear_heap(expr_program *program);

types_type expr_type(const expr_program *program);

/* Replaces the constant parts of a bound expression (logical or physical) by their values, in
 * place; constants and copied bytes lie in `arena`. Parts that fail to evaluate stay. Not
 * into subquery nodes. The only error is BASE_OUT_OF_MEMORY. */
base_status expr_fold(base_arena *arena, plan_expr **expr, base_error *error);

#endif
