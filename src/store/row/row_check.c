/*
 * row_check.c - the hot store's part of the integrity check: fences, order, counts, chains.
 */
#include "store/row/row_int.h"

typedef struct checker {
    void (*report)(void *context, const char *problem);
    void *context;
    bool first;
    int64_t expected_low;
    int64_t live;
} checker;

static void complain(const checker *check, const row_leaf *leaf, const char *what)
{
    char text[160];
    (void)snprintf(text, sizeof text, "hot leaf of rowids %lld to %lld: %s", (long long)leaf->low,
                   (long long)leaf->high, what);
    check->report(check->context, text);
}

static void check_slab(checker *check, const row_leaf *leaf)
{
    const row_slab *slab = &leaf->slab;
    uint64_t seen[ROW_LEAF_ROWS / 64] = {0};
    for (uint32_t entry = 0; entry < slab->count; entry++) {
        uint32_t slot = row_slot_at(slab, entry);
        int64_t rowid = row_rowid_at(slab, entry);
        if (slot >= slab->capacity || base_bit_get(seen, slot)) {
            complain(check, leaf, "a slot is used twice or does not exist");
            return;
        }
        base_bit_set(seen, slot);
        if (slab->stamps[slot] == ROW_DELETED)
            continue;
        if (rowid < leaf->low || rowid > leaf->high)
            complain(check, leaf, "a row lies outside of the leaf's range");
        if (entry && row_rowid_at(slab, entry - 1) >= rowid)
            complain(check, leaf, "rowids do not rise");
        check->live += row_is_counted(slab->stamps[slot]);
    }
}

static void check_leaf(void *context, row_leaf *leaf)
{
    checker *check = context;
    os_latch_lock_shared(&leaf->latch);
    if (!leaf->linked || leaf->low != check->expected_low) /* I7 */
        complain(check, leaf, "the ranges of leaves overlap or leave a gap");
    check_slab(check, leaf);
    row_leaf counted = {.slab = leaf->slab};
    row_leaf_recount(&counted);
    if (counted.open_count != leaf->open_count || counted.dead_count != leaf->dead_count ||
        counted.free_count != leaf->free_count || counted.newest > leaf->newest ||
        counted.version_count != leaf->version_count ||
        counted.sealed_count != leaf->sealed_count) /* I8 */
        complain(check, leaf, "the counts are not those of the slots");
    check->expected_low = leaf->high == INT64_MAX ? INT64_MIN : leaf->high + 1;
    os_latch_unlock_shared(&leaf->latch);
}

void row_tree_check(row_tree *tree, void (*report)(void *context, const char *problem),
                    void *context)
{
    checker check = {.report = report, .context = context, .expected_low = INT64_MIN};
    os_mutex_lock(&tree->structure);
    int64_t before = atomic_load(&tree->live_count);
    row_directory_each(tree, check_leaf, &check);
    if (check.expected_low != INT64_MIN)
        report(context, "hot rows: the last leaf does not reach the largest rowid");
    /* Rows may be sealed meanwhile, which lowers the count. */
    if (check.live != before && atomic_load(&tree->live_count) == before)
        report(context, "hot rows: the count of rows is wrong");
    os_mutex_unlock(&tree->structure);
}
