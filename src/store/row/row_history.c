/*
 * row_history.c - superseded versions, for whoever keeps them.
 *
 * A version that an update or deletion replaced is what lies in place, with the images of the
 * records down to its own laid over it. It is over when its record is released; then the keeper
 * gets it, under the leaf's latch, while all newer records still hang there. Versions that a
 * transaction replaced itself were never seen by anybody and are passed over; so are those of
 * rows that were sealed: the volume has them, with their marks.
 */
#include "store/row/row_int.h"

uint32_t row_superseded_columns(const row_superseded *version)
{
    return version->slab->layout->column_count;
}

void row_superseded_read(const row_superseded *version, types_cell *cells, bool *nulls)
{
    const row_slab *slab = version->slab;
    const row_layout *layout = slab->layout;
    for (uint32_t c = 0; c < layout->column_count; c++) {
        const row_layout_column *column = &layout->columns[c];
        nulls[c] = !column->stored || !base_bit_get(row_bitmap(slab, column), version->slot);
        if (!nulls[c])
            row_copy_value(&cells[c],
                           row_values(slab, column) + (size_t)version->slot * column->size,
                           column->size);
    }
    for (const row_version *each = slab->chains[version->slot];; each = each->older) {
        for (uint32_t i = 0; i < each->image_count; i++) {
            const row_image *image = &each->images[i];
            cells[image->column] = image->cell;
            nulls[image->column] = image->is_null;
        }
        if (each == version->last)
            return;
    }
}

bool row_superseded_is_far(const row_superseded *version, uint32_t column, const types_cell *cell,
                           bool is_null)
{
    return !is_null && row_is_far(version->slab->layout->columns[column].definition.form, cell);
}

void row_tree_set_keeper(row_tree *tree, const row_keeper *keeper)
{
    tree->keeper = *keeper;
}

/* A version that others could see. */
static bool was_public(uint64_t stamp)
{
    return !(stamp & (TXN_ID_BIT | ROW_DELETED | ROW_SEALED));
}

void row_keep_version(row_tree *tree, const row_slab *slab, uint32_t slot,
                      const row_version *version)
{
    row_superseded found = {.rowid = version->rowid, .slab = slab, .slot = slot};
    uint64_t stamp = slab->stamps[slot];
    const row_version *each = slab->chains[slot];
    bool reached = false;
    for (; each; each = each->older) {
        if (!(stamp & TXN_ID_BIT))
            found.end = stamp & ~ROW_DELETED;
        stamp = each->stamp;
        reached |= each == version;
        /* Behind versions of the same transaction lies the one that it found. */
        if (reached && !(stamp & TXN_ID_BIT))
            break;
    }
    if (!each || !was_public(stamp))
        return;
    BASE_ASSERT(found.end > stamp);
    found.begin = stamp;
    found.last = each;
    tree->keeper.keep(tree->keeper.context, &found);
}

static void visit_chain(const row_slab *slab, uint32_t slot, uint64_t newest,
                        const row_keeper *visitor)
{
    row_superseded found = {.slab = slab, .slot = slot};
    uint64_t stamp = slab->stamps[slot];
    for (const row_version *each = row_chain_of(slab, slot); each; each = each->older) {
        if (!(stamp & TXN_ID_BIT))
            found.end = stamp & ~ROW_DELETED;
        stamp = each->stamp;
        if (!was_public(stamp) || found.end == 0 || found.end > newest)
            continue;
        found.rowid = each->rowid;
        found.begin = stamp;
        found.last = each;
        visitor->keep(visitor->context, &found);
    }
}

void row_visit_superseded(row_tree *tree, uint64_t newest, const row_keeper *visitor)
{
    for (int64_t at = INT64_MIN;;) {
        row_leaf *leaf = row_leaf_lock_shared(tree, at);
        for (uint32_t entry = 0; leaf->version_count && entry < leaf->slab.count; entry++)
            visit_chain(&leaf->slab, row_slot_at(&leaf->slab, entry), newest, visitor);
        int64_t high = leaf->high;
        os_latch_unlock_shared(&leaf->latch);
        if (high == INT64_MAX)
            return;
        at = high + 1;
    }
}
