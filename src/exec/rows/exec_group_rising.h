/*
 * exec_group_rising.h - groups of one integer key whose rows come in the order of the key.
 */
#ifndef EXEC_GROUP_RISING_H
#define EXEC_GROUP_RISING_H

#include "exec/rows/exec_groups.h"

typedef struct exec_group_rising exec_group_rising;

/* NULL in `*rising` when the key is not one integer. Lives as long as the execution. */
base_status exec_group_rising_new(exec_groups *groups, exec_group_rising **rising,
                                  base_error *error);
void exec_group_rising_clear(exec_group_rising *rising);
/* As exec_groups_find_or_add. False in `*done`: a key is NULL or below the one before, in this
 * batch or an earlier one; nothing was done. Rows that were added have no hash yet. */
base_status exec_group_rising_find(exec_group_rising *rising, const vector *key,
                                   const uint16_t *selection, uint32_t count, char **rows,
                                   bool *done, base_error *error);
/* Merges the groups that lanes have in common, where those are only at the ends of batches. False
 * in `*done`: lanes overlap otherwise, or a key fell; nothing was done. */
base_status exec_group_rising_merge(exec_group_rising *const *lanes, uint32_t lane_count,
                                    exec_group_merge merge, void *context, bool *done,
                                    base_error *error);
size_t exec_group_rising_bytes(const exec_group_rising *rising);

#endif
