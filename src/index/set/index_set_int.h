/*
 * index_set_int.h - the room's own view of an index and its list of runs.
 */
#ifndef INDEX_SET_INDEX_SET_INT_H
#define INDEX_SET_INDEX_SET_INT_H

#include "index/set/index_set.h"

struct index_set_list {
    _Atomic(uint32_t) references;
    base_budget *budget;
    uint32_t count, capacity;
    index_run *runs[];
};

struct index_set {
    base_budget *budget;
    const index_kind *kind;
    index_tree *tree;
    os_latch latch; /* of `list` */
    index_set_list *list;
    /* Counts changes of the list; 0: there never was a run. Changes under the latch. */
    _Atomic(uint64_t) serial;
};

/* The list and the serial that it has. */
index_set_list *index_set_hold_at(index_set *set, uint64_t *serial);

#endif
