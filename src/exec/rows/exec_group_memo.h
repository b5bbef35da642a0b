/*
 * exec_group_memo.h - the groups that rows went to lately, found without hashing the keys.
 */
#ifndef EXEC_GROUP_MEMO_H
#define EXEC_GROUP_MEMO_H

#include "exec/rows/exec_groups.h"

typedef struct exec_group_memo exec_group_memo;

/* NULL in `*memo` when the keys are not short enough. Lives as long as the execution. */
base_status exec_group_memo_new(exec_groups *groups, exec_group_memo **memo, base_error *error);
void exec_group_memo_clear(exec_group_memo *memo);
/* As exec_groups_find_or_add. */
base_status exec_group_memo_find(exec_group_memo *memo, const vector *const *keys,
                                 const uint16_t *selection, uint32_t count, char **rows,
                                 base_error *error);

#endif
