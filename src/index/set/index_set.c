/*
 * index_set.c - tree and list of runs.
 *
 * The list is immutable and counted: a reader takes a reference for the time of one call, under
 * a latch that is held for a few instructions. A run that left the list is closed, and its
 * space may be used again, when the last of those calls returns: never by a cursor that lies
 * idle in somebody's prepared statement.
 *
 * Rejected: runs that cursors keep for their whole life (an idle cursor would keep the space of
 * merged runs), and readers that announce themselves by epoch (the same, for all indexes).
 */
#include "index/set/index_set_int.h"

enum {
    LIST_SPARE = 32 /* runs that may come between preparing a change and making it, at least */
};

static size_t list_size(uint32_t capacity)
{
    return sizeof(index_set_list) + capacity * sizeof(index_run *);
}

base_status index_set_create(const index_kind *kind, base_budget *budget, index_set **created,
                             base_error *error)
{
    index_set *set = base_allocate_zeroed(budget, sizeof *set);
    if (!set)
        return base_error_no_memory(error);
    set->budget = budget;
    set->kind = kind;
    os_latch_init(&set->latch);
    base_status status = kind->create(budget, &set->tree, error);
    if (status != BASE_OK) {
        base_free(budget, set, sizeof *set);
        return status;
    }
    *created = set;
    return BASE_OK;
}

void index_set_destroy(index_set *set)
{
    index_set_let_go(set->list);
    set->kind->destroy(set->tree);
    base_free(set->budget, set, sizeof *set);
}

const index_kind *index_set_kind(const index_set *set)
{
    return set->kind;
}

index_tree *index_set_tree(const index_set *set)
{
    return set->tree;
}

/* ---- The list -------------------------------------------------------------------------------- */

index_set_list *index_set_hold_at(index_set *set, uint64_t *serial)
{
    *serial = atomic_load_explicit(&set->serial, memory_order_acquire);
    if (*serial == 0)
        return NULL;
    os_latch_lock_shared(&set->latch);
    index_set_list *list = set->list;
    *serial = atomic_load_explicit(&set->serial, memory_order_relaxed);
    atomic_fetch_add_explicit(&list->references, 1, memory_order_relaxed);
    os_latch_unlock_shared(&set->latch);
    return list;
}

index_set_list *index_set_hold(index_set *set)
{
    uint64_t serial;
    return index_set_hold_at(set, &serial);
}

static void free_list(index_set_list *list)
{
    base_free(list->budget, list, list_size(list->capacity));
}

void index_set_let_go(index_set_list *list)
{
    if (!list || atomic_fetch_sub_explicit(&list->references, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < list->count; i++)
        index_run_drop(list->runs[i]);
    free_list(list);
}

uint32_t index_set_run_count(const index_set_list *list)
{
    return list ? list->count : 0;
}

index_run *index_set_run_at(const index_set_list *list, uint32_t place)
{
    return list->runs[place];
}

base_status index_set_prepare(index_set *set, index_set_list **prepared, base_error *error)
{
    index_set_list *now = index_set_hold(set);
    uint32_t capacity =
        BASE_MAX(index_set_run_count(now), (uint32_t)INDEX_SET_MAX_RUNS) + LIST_SPARE;
    index_set_let_go(now);
    index_set_list *list = base_allocate(set->budget, list_size(capacity));
    if (!list)
        return base_error_no_memory(error);
    *list = (index_set_list){.budget = set->budget, .capacity = capacity};
    atomic_init(&list->references, 1);
    *prepared = list;
    return BASE_OK;
}

void index_set_forget(index_set *set, index_set_list *prepared)
{
    (void)set;
    if (prepared)
        free_list(prepared);
}

static bool is_among(const index_run *run, index_run *const *runs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (runs[i] == run)
            return true;
    }
    return false;
}

bool index_set_change(index_set *set, index_set_list *prepared, index_run *const *removed,
                      uint32_t removed_count, index_run *added)
{
    os_latch_lock(&set->latch);
    index_set_list *before = set->list;
    uint32_t count = index_set_run_count(before);
    if (count + 1 > prepared->capacity) {
        os_latch_unlock(&set->latch);
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (is_among(before->runs[i], removed, removed_count))
            continue;
        index_run_keep(before->runs[i]);
        prepared->runs[prepared->count++] = before->runs[i];
    }
    if (added) {
        index_run_keep(added);
        prepared->runs[prepared->count++] = added;
    }
    set->list = prepared;
    atomic_fetch_add_explicit(&set->serial, 1, memory_order_release);
    os_latch_unlock(&set->latch);
    index_set_let_go(before);
    return true;
}

/* ---- Entries --------------------------------------------------------------------------------- */

base_status index_set_runs_may_have(index_set *set, base_text key, bool *may, base_error *error)
{
    index_set_list *list = index_set_hold(set);
    base_status status = BASE_OK;
    *may = false;
    for (uint32_t i = index_set_run_count(list); status == BASE_OK && i > 0 && !*may; i--)
        status = index_run_may_have(list->runs[i - 1], key, may, error);
    index_set_let_go(list);
    return status;
}

base_status index_set_insert(index_set *set, base_text key, int64_t rowid, bool ask_runs,
                             uint32_t *found, base_error *error)
{
    RETURN_IF_ERROR(set->kind->insert(set->tree, key, rowid, found, error));
    /* Asked after the insertion: what is on its way from the tree to a run was either met in
     * the tree, or its run is in the list by now. */
    if (!ask_runs || *found & INDEX_FOUND_KEY ||
        atomic_load_explicit(&set->serial, memory_order_acquire) == 0)
        return BASE_OK;
    bool may;
    RETURN_IF_ERROR(index_set_runs_may_have(set, key, &may, error));
    if (may)
        *found |= INDEX_FOUND_KEY;
    return BASE_OK;
}

bool index_set_remove(index_set *set, base_text key, int64_t rowid)
{
    return set->kind->remove(set->tree, key, rowid);
}
