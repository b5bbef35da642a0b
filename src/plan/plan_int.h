/*
 * plan_int.h - what the printers share: how a column number or slot finds its name.
 */
#ifndef PLAN_PLAN_INT_H
#define PLAN_PLAN_INT_H

#include "plan/plan.h"

/* Where an expression stands, so that its columns can be named. */
typedef struct plan_names {
    const plan_node *root;      /* logical: the tree that is printed */
    const plan_operator *left;  /* operators: whose output slots 0.. are */
    const plan_operator *right; /* ... and those after left's */
    const plan_access *access;  /* ... or a table's columns after left's */
    const catalog_table *row;   /* changes: slots are the row's columns, then the rowid */
    uint32_t depth;             /* how often a name was followed into another expression */
} plan_names;

void plan_print_named(const plan_expr *expr, const plan_names *names, base_buffer *out);
void plan_print_sort_key(const plan_sort_key *key, const plan_names *names, base_buffer *out);
void plan_print_aggregate(const plan_aggregate *aggregate, const plan_names *names,
                          base_buffer *out);
void plan_print_window(const plan_window *window, const plan_names *names, base_buffer *out);
void plan_print_slot_name(uint32_t slot, const plan_names *names, base_buffer *out);
void plan_print_column_name(plan_column column, const plan_names *names, base_buffer *out);
/* Name of a relation's column by its id; "rowid" for TABLE_ROWID. */
void plan_print_table_column(const catalog_table *table, uint32_t id, base_buffer *out);
const char *plan_join_name(plan_join_kind kind);
const char *plan_comparison_name(vector_comparison comparison);

#endif
