/*
 * exec_group_direct.h - groups of one dense integer key, found by address.
 */
#ifndef EXEC_GROUP_DIRECT_H
#define EXEC_GROUP_DIRECT_H

#include "exec/rows/exec_groups.h"

typedef struct exec_group_direct exec_group_direct;

/* NULL in `*direct` when the key is not one integer. Lives as long as the execution; what it
 * allocates for a run is given back by clear. */
base_status exec_group_direct_new(exec_groups *groups, exec_group_direct **direct,
                                  base_error *error);
void exec_group_direct_clear(exec_group_direct *direct);
/* As exec_groups_find_or_add. False in `*done`: keys are too sparse, nothing was done, and the
 * groups found so far are in the table. */
base_status exec_group_direct_find(exec_group_direct *direct, const vector *key,
                                   const uint16_t *selection, uint32_t count, char **rows,
                                   bool *done, base_error *error);
size_t exec_group_direct_bytes(const exec_group_direct *direct);

#endif
