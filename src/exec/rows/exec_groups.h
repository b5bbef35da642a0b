/*
 * exec_groups.h - a hash table of distinct keys: for GROUP BY, DISTINCT, set operations,
 * recursive UNION.
 */
#ifndef EXEC_GROUPS_H
#define EXEC_GROUPS_H

#include "exec/rows/exec_rows.h"

/* Header of a group's row. */
typedef struct exec_group {
    uint64_t hash;
    /* The row that this one was merged into; NULL: it stands for its group itself. */
    struct exec_group *merged_into;
    uint32_t batch, ordinal; /* number of the group within the batch that met it last */
} exec_group;

/* Called for two rows of one key: `from` becomes part of `into`. */
typedef base_status (*exec_group_merge)(void *context, char *into, char *from, base_error *error);

typedef struct exec_groups {
    exec_execution *execution;
    exec_layout *layout; /* header exec_group, columns: the keys (others may follow) */
    uint32_t key_count;
    exec_rows *rows;
    uint64_t *slots; /* 16 bits of the hash, 48 bits of the row's address; 0: empty */
    uint64_t slot_count;
    uint64_t group_count;
    /* There are rows without a hash in their header and no slot of this run: who added them has not
     * looked anything up here. They are hashed before somebody does. */
    bool is_unhashed;
    uint64_t *hashes; /* working space of one batch */
    uint64_t *places;
    uint16_t *positions, *open, *compare, *fresh, *unequal;
    char **fresh_rows;
} exec_groups;

/* `tail_size` bytes, zeroed, follow the keys in each row. */
base_status exec_groups_layout(exec_layout *layout, exec_execution *execution,
                               const types_type *key_types, uint32_t key_count, uint32_t tail_size,
                               base_error *error);
/* Lives as long as the execution; memory is given back by clear. */
base_status exec_groups_new(exec_execution *execution, exec_layout *layout, uint32_t key_count,
                            exec_groups **groups, base_error *error);
void exec_groups_clear(exec_groups *groups);

/* The row of each key: rows[i] for the i-th selected row. Keys that are new are added; `is_new`
 * (unless NULL) says for which rows that happened first. NULLs are one key. */
base_status exec_groups_find_or_add(exec_groups *groups, const vector *const *keys,
                                    const uint16_t *selection, uint32_t count, char **rows,
                                    bool *is_new, base_error *error);
/* As above without adding: rows[i] is NULL for unknown keys. */
base_status exec_groups_find(exec_groups *groups, const vector *const *keys,
                             const uint16_t *selection, uint32_t count, char **rows,
                             base_error *error);

/* Takes rows of other tables of the same layout in: groups[i] is NULL where rows[i] now stands for
 * its key, else the row that stood there before. `keys` are the rows' keys at 0 .. count - 1. The
 * table points to the rows, which must outlive it. */
base_status exec_groups_adopt(exec_groups *groups, const vector *const *keys, char *const *rows,
                              uint32_t count, char **standing, base_error *error);
/* Gives all rows their hashes, if is_unhashed. */
base_status exec_groups_hash_rows(exec_groups *groups, base_error *error);
size_t exec_groups_bytes(const exec_groups *groups);

#endif
