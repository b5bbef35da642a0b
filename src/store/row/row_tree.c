/*
 * row_tree.c - a tree as a whole: create, destroy, counts.
 */
#include "store/row/row_int.h"

base_status row_tree_create(base_budget *budget, txn_manager *manager, row_tree **tree,
                            base_error *error)
{
    row_tree *self = base_allocate_zeroed(budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->budget = budget;
    self->manager = manager;
    os_mutex_init(&self->structure);
    atomic_init(&self->last_rowid, INT64_MIN);
    row_leaf *leaf = base_allocate_zeroed(budget, sizeof *leaf);
    base_status status = leaf ? row_directory_create(self, error) : base_error_no_memory(error);
    if (status != BASE_OK) {
        base_free(budget, leaf, sizeof *leaf);
        os_mutex_destroy(&self->structure);
        base_free(budget, self, sizeof *self);
        return status;
    }
    os_latch_init(&leaf->latch);
    leaf->linked = true;
    leaf->low = INT64_MIN;
    leaf->high = INT64_MAX;
    row_directory_insert(self, INT64_MIN, leaf);
    *tree = self;
    return BASE_OK;
}

static bool layout_has_strings(const row_layout *layout)
{
    for (uint32_t i = 0; i < layout->column_count; i++) {
        if (layout->columns[i].stored && layout->columns[i].definition.form == TYPES_FORM_STRING)
            return true;
    }
    return false;
}

static void destroy_leaf(row_tree *tree, row_leaf *leaf)
{
    row_slab *slab = &leaf->slab;
    BASE_ASSERT(leaf->version_count == 0 && leaf->open_count == 0);
    if (slab->data && layout_has_strings(slab->layout)) {
        for (uint32_t entry = 0; entry < slab->count; entry++) {
            uint32_t slot = row_slot_at(slab, entry);
            if (slab->stamps[slot] != ROW_DELETED)
                row_slab_free_strings(tree, slab, slot);
        }
    }
    row_slab_destroy(tree, slab);
    base_free(tree->budget, leaf, sizeof *leaf);
}

void row_tree_destroy(row_tree *tree)
{
    if (!tree)
        return;
    row_directory_destroy(tree, destroy_leaf);
    while (tree->unused_leaves) {
        row_leaf *leaf = tree->unused_leaves;
        tree->unused_leaves = leaf->next_unused;
        base_free(tree->budget, leaf, sizeof *leaf);
    }
    os_mutex_destroy(&tree->structure);
    base_free(tree->budget, tree, sizeof *tree);
}

uint64_t row_tree_count(const row_tree *tree)
{
    int64_t live = atomic_load_explicit(&tree->live_count, memory_order_relaxed);
    return live > 0 ? (uint64_t)live : 0;
}

uint64_t row_tree_byte_count(const row_tree *tree)
{
    return atomic_load_explicit(&tree->slab_bytes, memory_order_relaxed);
}

uint64_t row_tree_last_change(const row_tree *tree)
{
    return atomic_load_explicit(&tree->last_change, memory_order_acquire);
}

int64_t row_tree_last_rowid(const row_tree *tree)
{
    return atomic_load_explicit(&tree->last_rowid, memory_order_relaxed);
}

static void add_dead(void *context, row_leaf *leaf)
{
    uint64_t *dead = context;
    os_latch_lock_shared(&leaf->latch);
    *dead += leaf->dead_count - leaf->free_count;
    os_latch_unlock_shared(&leaf->latch);
}

uint64_t row_tree_dead_count(row_tree *tree)
{
    uint64_t dead = 0;
    os_mutex_lock(&tree->structure);
    row_directory_each(tree, add_dead, &dead);
    os_mutex_unlock(&tree->structure);
    return dead;
}
