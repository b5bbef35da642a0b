/*
 * exec_group_codes.h - groups of a batch whose keys are codes of small sets: dictionary codes of
 * strings, truth values, constants.
 */
#ifndef EXEC_GROUP_CODES_H
#define EXEC_GROUP_CODES_H

#include "exec/rows/exec_groups.h"

typedef struct exec_group_codes exec_group_codes;

/* The different keys of a batch, numbered in the order in which the batch meets them. */
typedef struct exec_group_ranks {
    uint32_t count;
    const uint16_t *of_row; /* of the i-th selected row */
    char *const *rows;      /* the group row of each; two may have one (codes of equal strings) */
} exec_group_ranks;

/* NULL in `*codes` when the keys have forms that never come as codes. Lives as long as the
 * execution. */
base_status exec_group_codes_new(exec_groups *groups, exec_group_codes **codes, base_error *error);
/* As exec_groups_find_or_add. `*ranks` lives until the next call; NULL: the batch's keys are not
 * codes, or there are too many; nothing was done. */
base_status exec_group_codes_find(exec_group_codes *codes, const vector *const *keys,
                                  const uint16_t *selection, uint32_t count, char **rows,
                                  const exec_group_ranks **ranks, base_error *error);

#endif
