/*
 * op_join.h - what all joins share: which rows they keep and how their output is put together.
 *
 * The probe side (inputs[0]) streams, the build side (inputs[1]) is kept. Slots number the probe
 * columns first, then the build columns, then the mark. Normally the probe side is the logical
 * left; with `build_is_left` the kept side is, and its rows are told apart by a flag each once
 * all probe rows have been seen.
 */
#ifndef EXEC_OP_JOIN_H
#define EXEC_OP_JOIN_H

#include "exec/rows/exec_rows.h"

typedef struct op_join {
    const plan_operator *op;
    plan_join_kind kind;
    bool build_is_left;
    uint32_t left_count, right_count; /* columns of probe and build side */
    const plan_expr *residual;
    bool *needed; /* by slot: in the output or the residual */

    bool emits_pairs; /* INNER, LEFT, FULL, SINGLE */
    bool keeps_probe; /* probe rows without a partner come out with NULLs */
    bool tests_probe; /* SEMI, ANTI, MARK of probe rows: a narrowed input comes out */
    bool flags_build; /* build rows remember that they had a partner ... */
    bool emits_build; /* ... because some of them come out in the end */
    bool single;      /* a second partner is an error */
} op_join;

base_status op_join_init(op_join *join, exec_execution *execution, const plan_operator *op,
                         base_error *error);
base_status op_join_second_partner(const op_join *join, base_error *error);

/* One lane's place where joined rows are put together. */
typedef struct op_joined {
    const op_join *join;
    vector_chunk *all;    /* by slot; heads only */
    vector_chunk *output; /* by output column; heads only */
    vector *left_copies;  /* by probe column: own memory where needed */
    vector *right_values; /* by build column: own memory where needed */
    vector mark;          /* MARK: own memory */
    base_arena *heap;
} op_joined;
base_status op_joined_init(op_joined *joined, const op_join *join, exec_execution *execution,
                           base_error *error);
/* Points the probe columns at the input's. */
void op_joined_left(op_joined *joined, const vector_chunk *input);
/* Copies the needed probe columns of the rows at `positions` (rising) to 0 .. count - 1. */
base_status op_joined_copy_left(op_joined *joined, const vector_chunk *input,
                                const uint16_t *positions, uint32_t count, base_error *error);
/* All build columns, or all probe columns, NULL. */
void op_joined_null_right(op_joined *joined);
void op_joined_null_left(op_joined *joined);
/* The output columns over the rows of `selection`. */
vector_chunk *op_joined_output(op_joined *joined, const uint16_t *selection, uint32_t count);

#endif
