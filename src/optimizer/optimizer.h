/*
 * optimizer.h - from a bound logical tree to a physical plan.
 *
 * Three stages: subqueries are unnested (always: no operator executes a subquery per row),
 * rules and join ordering improve the tree (may be switched off, to compare answers), and
 * every logical node is translated into an operator whose expressions name input slots.
 */
#ifndef OPTIMIZER_OPTIMIZER_H
#define OPTIMIZER_OPTIMIZER_H

#include "base/base.h"
#include "plan/plan.h"

/* Where estimates come from; tests give their own. */
typedef struct optimizer_statistics {
    double (*row_count)(void *context, const catalog_table *table);
    /* All zero where nothing is known. `column_id` is the relation's column. */
    void (*column)(void *context, const catalog_table *table, uint32_t column_id,
                   table_column_statistics *statistics);
    void *context;
} optimizer_statistics;

typedef struct optimizer_options {
    bool rules;        /* off: only unnesting and translation */
    bool join_filters; /* hash joins publish filters to scans of their probe side */
    optimizer_statistics statistics;
} optimizer_options;

/* Everything on, statistics of the storage layer. */
void optimizer_options_default(optimizer_options *options);

/*
 * Makes the plan of the tree under `root`, which is consumed (nodes and expressions are
 * moved into the plan or changed). All memory comes from `arena`, which must outlive the
 * plan. Fills root, operator_count, cte_count, column_count, column_types and is_write of
 * `statement`; the other members are the caller's.
 */
base_status optimizer_optimize(base_arena *arena, plan_node *root, const optimizer_options *options,
                               plan_statement *statement, base_error *error);

#endif
