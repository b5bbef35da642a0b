/*
 * row_undo.c - taking changes back, stamping them, and letting go of old versions.
 *
 * Records name a row by tree and rowid, never by leaf and slot: slabs and leaves change under
 * them. An update, a deletion and an insertion over a deleted row are one kind of record: it
 * restores a stamp and the columns in its images. Insertions into free places need no version
 * at all and are kept as runs of rowids.
 *
 * Invariants
 *   I9  a row's chain holds records from newest to oldest, and its first is the one to be
 *       rolled back first.
 *   I10 a slot becomes free only when no snapshot can see any version of its row.
 */
#include "store/row/row_int.h"

static row_version *as_version(txn_undo *undo)
{
    return (row_version *)(void *)undo;
}

static row_run *as_run(txn_undo *undo)
{
    return (row_run *)(void *)undo;
}

/* ---- Runs of new rows ------------------------------------------------------------------------ */

/* Calls `visit` for the run's slots in the latched leaf; returns the rowid behind them. */
static int64_t visit_slots(row_tree *tree, row_leaf *leaf, int64_t from, int64_t last,
                           void (*visit)(row_tree *tree, row_leaf *leaf, uint32_t slot,
                                         uint64_t stamp),
                           uint64_t stamp)
{
    int64_t end = BASE_MIN(last, leaf->high);
    for (int64_t rowid = from; rowid <= end; rowid++) {
        uint32_t slot = row_slab_find(&leaf->slab, rowid);
        if (slot != UINT32_MAX)
            visit(tree, leaf, slot, stamp);
        if (rowid == INT64_MAX)
            return rowid;
    }
    return end + (end < INT64_MAX);
}

static void take_back_row(row_tree *tree, row_leaf *leaf, uint32_t slot, uint64_t stamp)
{
    (void)stamp;
    BASE_ASSERT(leaf->slab.stamps[slot] & TXN_ID_BIT);
    row_slab_free_strings(tree, &leaf->slab, slot);
    row_leaf_free_slot(leaf, slot);
    atomic_fetch_sub_explicit(&tree->live_count, 1, memory_order_relaxed);
}

static void rollback_run(txn_undo *undo)
{
    row_run *run = as_run(undo);
    if (run->count == 0)
        return;
    int64_t last = run->first + (run->count - 1);
    for (int64_t i = run->count; run->hook && i > 0; i--)
        run->hook->before_rollback(run->hook->context, run->first + (i - 1));
    for (int64_t at = last; at >= run->first;) {
        row_leaf *leaf = row_leaf_lock(run->tree, at);
        int64_t from = BASE_MAX(run->first, leaf->low);
        /* From the end, so that the tail of free slots is given up as it grows. */
        for (; at >= from; at--) {
            uint32_t slot = row_slab_find(&leaf->slab, at);
            if (slot != UINT32_MAX)
                take_back_row(run->tree, leaf, slot, 0);
            if (at == INT64_MIN)
                break;
        }
        bool empty = leaf->slab.count == leaf->free_count;
        os_latch_unlock(&leaf->latch);
        if (empty)
            row_leaf_drop_if_empty(run->tree, from);
        if (at == INT64_MIN)
            break;
    }
}

/* Commits come one after the other, in order. */
static void note_change(row_tree *tree, uint64_t sequence)
{
    atomic_store_explicit(&tree->last_change, sequence, memory_order_release);
}

static void stamp_row(row_tree *tree, row_leaf *leaf, uint32_t slot, uint64_t sequence)
{
    uint64_t stamp = leaf->slab.stamps[slot];
    (void)tree;
    if (stamp & TXN_ID_BIT) /* only its own writer can have its id on it */
        row_leaf_set_stamp(leaf, slot, sequence | (stamp & ROW_DELETED));
}

static void commit_run(txn_undo *undo, uint64_t id, uint64_t sequence)
{
    row_run *run = as_run(undo);
    (void)id;
    if (run->count == 0)
        return;
    note_change(run->tree, sequence);
    int64_t last = run->first + (run->count - 1);
    for (int64_t at = run->first;;) {
        row_leaf *leaf = row_leaf_lock(run->tree, at);
        int64_t next = visit_slots(run->tree, leaf, at, last, stamp_row, sequence);
        os_latch_unlock(&leaf->latch);
        if (next > last || next <= at)
            break;
        at = next;
    }
}

const txn_undo_kind row_run_kind = {.name = "rows", .rollback = rollback_run, .commit = commit_run};

void row_insert_undo(txn_transaction *transaction, row_tree *tree, int64_t rowid)
{
    row_run *run = (row_run *)(void *)txn_undo_last(transaction, &row_run_kind);
    BASE_VERIFY(run && run->tree == tree && run->first + (run->count - 1) == rowid);
    if (run->hook)
        run->hook->before_rollback(run->hook->context, rowid);
    row_leaf *leaf = row_leaf_lock(tree, rowid);
    take_back_row(tree, leaf, row_slab_find(&leaf->slab, rowid), 0);
    os_latch_unlock(&leaf->latch);
    run->count--;
}

/* ---- Versions -------------------------------------------------------------------------------- */

void row_count_live(row_tree *tree, uint64_t from, uint64_t to)
{
    int64_t change = (int64_t)row_is_counted(to) - (int64_t)row_is_counted(from);
    if (change)
        atomic_fetch_add_explicit(&tree->live_count, change, memory_order_relaxed);
}

static void free_if_dead(row_tree *tree, row_leaf *leaf, uint32_t slot, uint64_t oldest)
{
    uint64_t stamp = leaf->slab.stamps[slot];
    bool dead = stamp != ROW_DELETED && stamp & ROW_DELETED && !(stamp & TXN_ID_BIT);
    if (!dead || row_chain_of(&leaf->slab, slot) || (stamp & ~ROW_DELETED) > oldest)
        return; /* I10 */
    row_slab_free_strings(tree, &leaf->slab, slot);
    row_leaf_free_slot(leaf, slot);
}

static void free_if_sealed(row_tree *tree, row_leaf *leaf, uint32_t slot)
{
    if (slot >= leaf->slab.count)
        return;
    uint64_t stamp = leaf->slab.stamps[slot];
    if (!row_is_sealed(stamp) || row_chain_of(&leaf->slab, slot) ||
        (stamp & ~ROW_SEALED) > txn_oldest_snapshot(tree->manager))
        return;
    row_slab_free_strings(tree, &leaf->slab, slot);
    row_leaf_free_slot(leaf, slot);
}

static void set_chain(row_leaf *leaf, uint32_t slot, row_version *version)
{
    bool had = leaf->slab.chains[slot] != NULL;
    leaf->slab.chains[slot] = version;
    leaf->version_count += (uint32_t)(version != NULL) - (uint32_t)had;
}

static void rollback_version(txn_undo *undo)
{
    row_version *version = as_version(undo);
    row_tree *tree = version->tree;
    row_leaf *leaf = row_leaf_lock(tree, version->rowid);
    row_slab *slab = &leaf->slab;
    uint32_t slot = row_slab_find(slab, version->rowid);
    BASE_VERIFY(slot != UINT32_MAX && row_chain_of(slab, slot) == version); /* I9 */
    for (uint32_t i = 0; i < version->image_count; i++) {
        const row_image *image = &version->images[i];
        const row_layout_column *column = &slab->layout->columns[image->column];
        bool is_null;
        types_cell current = row_slab_get(slab, column, slot, &is_null);
        if (!is_null)
            row_string_free(tree->budget, image->form, &current);
        row_slab_put(slab, column, slot, &image->cell, image->is_null);
    }
    row_count_live(tree, slab->stamps[slot], version->stamp);
    row_leaf_set_stamp(leaf, slot, version->stamp);
    set_chain(leaf, slot, version->older);
    /* A deleted row whose own record was released meanwhile has nobody else to free it, nor
     * has a sealed one that the sweep passed by. */
    free_if_dead(tree, leaf, slot, UINT64_MAX);
    free_if_sealed(tree, leaf, slot);
    bool empty = slab->count == leaf->free_count;
    os_latch_unlock(&leaf->latch);
    if (empty)
        row_leaf_drop_if_empty(tree, version->rowid);
}

static void commit_version(txn_undo *undo, uint64_t id, uint64_t sequence)
{
    row_version *version = as_version(undo);
    note_change(version->tree, sequence);
    row_leaf *leaf = row_leaf_lock(version->tree, version->rowid);
    uint32_t slot = row_slab_find(&leaf->slab, version->rowid);
    BASE_VERIFY(slot != UINT32_MAX);
    uint64_t stamp = leaf->slab.stamps[slot];
    if ((stamp & ~ROW_DELETED) == id)
        row_leaf_set_stamp(leaf, slot, sequence | (stamp & ROW_DELETED));
    os_latch_unlock(&leaf->latch);
}

/* Nobody sees what it restores, nor what older records of the row restore. */
static void release_version(txn_undo *undo, uint64_t oldest)
{
    row_version *version = as_version(undo);
    row_tree *tree = version->tree;
    row_leaf *leaf = row_leaf_lock(tree, version->rowid);
    row_slab *slab = &leaf->slab;
    uint32_t slot = row_slab_find(slab, version->rowid);
    if (slot != UINT32_MAX && row_chain_of(slab, slot)) {
        row_version **link = &slab->chains[slot];
        while (*link && *link != version)
            link = &(*link)->older;
        if (*link && tree->keeper.keep)
            row_keep_version(tree, slab, slot, version);
        if (link == &slab->chains[slot])
            set_chain(leaf, slot, NULL);
        else if (*link)
            *link = NULL;
    }
    if (slot != UINT32_MAX)
        free_if_dead(tree, leaf, slot, oldest);
    bool empty = slab->count == leaf->free_count;
    os_latch_unlock(&leaf->latch);
    for (uint32_t i = 0; i < version->image_count; i++) {
        if (!version->images[i].is_null)
            row_string_free(tree->budget, version->images[i].form, &version->images[i].cell);
    }
    if (empty)
        row_leaf_drop_if_empty(tree, version->rowid);
}

const txn_undo_kind row_version_kind = {.name = "version",
                                        .rollback = rollback_version,
                                        .commit = commit_version,
                                        .release = release_version,
                                        .lasting = true};
