/*
 * table_compact_int.h - a merge of volumes: which, and into what.
 */
#ifndef TABLE_TABLE_COMPACT_INT_H
#define TABLE_TABLE_COMPACT_INT_H

#include "store/table/table_int.h"

typedef struct table_job {
    base_budget *budget;
    table_volume **inputs;
    uint32_t input_count, input_capacity;
    table_volume **outputs; /* rising rowids, disjoint; not listed before the switch */
    uint32_t output_count, output_capacity;
} table_job;

/* table_compact_plan.c: fills `inputs`; none: nothing is worth while. */
base_status table_compact_plan(const table_storage *storage, table_job *job, base_error *error);

/* table_compact_copy.c: the rows of the inputs that are not marked by a commit, into outputs. */
base_status table_compact_copy(const table_relation *relation, table_job *job, base_error *error);

/* table_mark.c */
/* What is marked in `from`, but for marks that every snapshot saw at `known`, is
 * marked in those of `to` (disjoint, rising) that have the row. `only_committed`: marks of open
 * transactions find their memory reserved. */
base_status table_marks_carry(table_volume *from, uint64_t known, table_volume *const *to,
                              uint32_t to_count, bool only_committed, base_error *error);
/* From now on marks are set by those only who have the moving mutex, or nobody. */
void table_marks_hold(table_volume *volume, bool held);

#endif
