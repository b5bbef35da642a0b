/*
 * exec_group_direct.h - groups of one dense integer key, found by address.
 */
#ifndef EXEC_GROUP_DIRECT_H
#define EXEC_GROUP_DIRECT_H

#include "exec/rows/exec_groups.h"

typedef struct exec_group_direct exec_group_direct;

/* NULL in `*direct` when the key is not one integer. Lives as long as the execution; what it
 * allocates for a run is given back by clear. `expected` is an estimate of the groups. */
base_status exec_group_direct_new(exec_groups *groups, double expected, exec_group_direct **direct,
                                  base_error *error);
void exec_group_direct_clear(exec_group_direct *direct);
/* As exec_groups_find_or_add; takes over rows that are there already. False in `*done`: keys are
 * too sparse, nothing was done, and the table is to be asked. Rows that were added have no hash. */
base_status exec_group_direct_find(exec_group_direct *direct, const vector *key,
                                   const uint16_t *selection, uint32_t count, char **rows,
                                   bool *done, base_error *error);

/* Merging the groups of lanes by walking their arrays side by side. First `prepare`, which says
 * whether all of them are arrays; then the parts of the keys' range, in any order, each by any
 * thread; part 0 merges the groups of NULL too. */
base_status exec_group_direct_prepare(exec_group_direct *const *lanes, uint32_t lane_count,
                                      bool *all_direct, base_error *error);
base_status exec_group_direct_merge(exec_group_direct *const *lanes, uint32_t lane_count,
                                    uint32_t part, uint32_t parts, exec_group_merge merge,
                                    void *context, base_error *error);
size_t exec_group_direct_bytes(const exec_group_direct *direct);

#endif
