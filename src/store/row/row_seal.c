/*
 * row_seal.c - rows leave the hot store for a volume.
 *
 * The switch has two steps. First, between two commits, each row that still is what the volume
 * has gets a stamp that says from which sequence on it is read there; older snapshots go on
 * reading it here. Then, when no older snapshot is left, the rows are freed. So every
 * snapshot finds every row in exactly one place, and neither readers nor writers wait.
 *
 * Invariant I15: a version is read from the hot store or from a volume, never from both and
 * never from none, and which of the two depends on the snapshot's sequence alone.
 */
#include "store/row/row_int.h"

/* The stamp of the newest committed version; ROW_DELETED: there is none. */
static uint64_t committed_stamp(const row_slab *slab, uint32_t slot)
{
    if (slot == UINT32_MAX)
        return ROW_DELETED;
    uint64_t stamp = slab->stamps[slot];
    const row_version *version = row_chain_of(slab, slot);
    for (; stamp & TXN_ID_BIT && version; version = version->older)
        stamp = version->stamp;
    return stamp & TXN_ID_BIT ? ROW_DELETED : stamp;
}

void row_find_stale(row_tree *tree, const int64_t *rowids, uint32_t count, uint64_t newest,
                    row_stale is_stale, void *context)
{
    for (uint32_t i = 0; i < count;) {
        row_leaf *leaf = row_leaf_lock_shared(tree, rowids[i]);
        for (; i < count && rowids[i] <= leaf->high; i++) {
            if (committed_stamp(&leaf->slab, row_slab_find(&leaf->slab, rowids[i])) > newest)
                is_stale(context, i);
        }
        os_latch_unlock_shared(&leaf->latch);
    }
}

void row_seal(row_tree *tree, const int64_t *rowids, uint32_t count, uint64_t newest,
              uint64_t sequence, row_stale is_stale, void *context)
{
    for (uint32_t i = 0; i < count;) {
        int64_t sealed = 0;
        row_leaf *leaf = row_leaf_lock(tree, rowids[i]);
        for (; i < count && rowids[i] <= leaf->high; i++) {
            uint32_t slot = row_slab_find(&leaf->slab, rowids[i]);
            uint64_t stamp = slot == UINT32_MAX ? ROW_DELETED : leaf->slab.stamps[slot];
            if (stamp > newest) {
                is_stale(context, i);
                continue;
            }
            BASE_VERIFY(!row_chain_of(&leaf->slab, slot)); /* I15: it would have a newer stamp */
            row_leaf_set_stamp(leaf, slot, ROW_SEALED | sequence);
            sealed++;
        }
        /* With the stamps, for row_tree_check. */
        atomic_fetch_sub_explicit(&tree->live_count, sealed, memory_order_relaxed);
        os_latch_unlock(&leaf->latch);
    }
}

/* From the end, so that a tail of free slots is given up as it grows. */
static void sweep_leaf(row_tree *tree, row_leaf *leaf, uint64_t oldest)
{
    row_slab *slab = &leaf->slab;
    for (uint32_t entry = slab->count; entry > 0 && leaf->sealed_count > 0; entry--) {
        if (entry > slab->count)
            continue;
        uint32_t slot = row_slot_at(slab, entry - 1);
        uint64_t stamp = slab->stamps[slot];
        if (!row_is_sealed(stamp) || (stamp & ~ROW_SEALED) > oldest || row_chain_of(slab, slot))
            continue;
        row_slab_free_strings(tree, slab, slot);
        row_leaf_free_slot(leaf, slot);
    }
}

void row_sweep(row_tree *tree, uint64_t oldest)
{
    for (int64_t at = INT64_MIN;;) {
        row_leaf *leaf = row_leaf_lock(tree, at);
        bool had = leaf->sealed_count > 0;
        if (had)
            sweep_leaf(tree, leaf, oldest);
        bool empty = had && leaf->slab.count == leaf->free_count;
        int64_t high = leaf->high;
        os_latch_unlock(&leaf->latch);
        if (empty)
            row_leaf_drop_if_empty(tree, at);
        if (high == INT64_MAX)
            return;
        at = high + 1;
    }
}
