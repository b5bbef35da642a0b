/*
 * op_access.h - what the operators that read base tables share: bounds and filters whose
 * values are known when the statement runs.
 */
#ifndef EXEC_OP_ACCESS_H
#define EXEC_OP_ACCESS_H

#include "exec/exec_int.h"

/* The parts of a plan_access that are evaluated once per run. */
typedef struct op_access {
    exec_execution *execution;
    const plan_access *access;
    expr_program ***value_programs; /* by predicate */
    types_cell **values;            /* by predicate: room for value_count cells */
    table_predicate *predicates;
    uint32_t predicate_count; /* of this run */
    int64_t first_rowid, last_rowid;
    bool nothing;              /* a predicate cannot be true in this run */
    types_cell *filter_bounds; /* two for each join filter */
} op_access;

base_status op_access_init(op_access *access, exec_execution *execution, const plan_access *plan,
                           base_error *error);
/* Evaluates the predicates' values, and adds the ranges of join filters that are ready. */
base_status op_access_open(op_access *access, base_error *error);
/* Types of the columns that an access produces, in the arena. */
types_type *op_access_types(exec_execution *execution, const plan_access *access);

/* A filter over the chunks that an access produces, for one lane. */
typedef struct op_filter {
    expr_program *program; /* NULL: all rows pass */
    uint16_t *selection;
    /* Join filters that the rows of a scan must pass. */
    const plan_access *access; /* NULL: none */
    const struct exec_join_filter *join_filters;
    uint64_t *seen, *passed; /* by filter: rows; a filter that lets nearly all pass is left out */
} op_filter;
/* Adds the access's join filters to the filter; cleared for each run. */
base_status op_filter_add_joins(op_filter *filter, exec_execution *execution,
                                const plan_access *access, base_error *error);
void op_filter_clear(op_filter *filter);
base_status op_filter_init(op_filter *filter, exec_execution *execution, const plan_expr *condition,
                           base_error *error);
/* Narrows the chunk's selection. */
base_status op_filter_apply(op_filter *filter, vector_chunk *chunk, base_error *error);

/* op_index_skip.c: an INDEX_SCAN of the distinct values of leading parts. */
base_status op_build_index_skip(exec_builder *builder, const plan_operator *op, exec_chain *chain);

/* Key ranges of an index as bytes. */
typedef struct op_key_range {
    expr_program **equal;
    expr_program *low, *high;
    base_buffer low_key, high_key;
    table_key_range range;
    bool nothing; /* an equality with NULL, in this run */
} op_key_range;
base_status op_key_range_init(op_key_range *range, exec_execution *execution,
                              const plan_key_range *plan, base_error *error);
base_status op_key_range_open(op_key_range *range, const plan_key_range *plan,
                              const table_relation *relation, const table_index *index,
                              base_error *error);

#endif
