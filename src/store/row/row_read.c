/*
 * row_read.c - one row, as a snapshot sees it.
 *
 * The values are copied out under the leaf's shared latch. Where the version in place is not
 * the one to see, its values are copied all the same and the images of the undo records are
 * laid over them, newest first, until a version is visible: that is how the versions are
 * defined.
 */
#include "store/row/row_int.h"

/* Finds the version to see; `*last` is the newest record that leads to it, NULL: in place. */
static row_sight find_visible(const row_slab *slab, uint32_t slot, const txn_snapshot *snapshot,
                              const row_version **last)
{
    *last = NULL;
    row_sight sight = row_sight_of(snapshot, slab->stamps[slot]);
    if (BASE_LIKELY(sight != ROW_SIGHT_UNSEEN))
        return sight;
    for (const row_version *version = row_chain_of(slab, slot); version; version = version->older) {
        *last = version;
        sight = row_sight_of(snapshot, version->stamp);
        if (sight != ROW_SIGHT_UNSEEN)
            return sight;
    }
    return ROW_SIGHT_UNSEEN;
}

/* One column of the newest version. */
static void read_column(const row_slab *slab, const row_layout *layout, uint32_t slot,
                        int64_t rowid, uint32_t column, types_cell *cell, bool *is_null)
{
    if (column == ROW_ROWID || layout->columns[column].definition.is_rowid) {
        memset(cell, 0, sizeof *cell);
        cell->int64 = rowid;
        *is_null = false;
        return;
    }
    const row_layout_column *stored = row_stored_column(slab->layout, layout, column);
    if (BASE_UNLIKELY(!stored)) {
        *cell = layout->columns[column].definition.missing;
        *is_null = layout->columns[column].definition.missing_is_null;
        return;
    }
    *is_null = !base_bit_get(row_bitmap(slab, stored), slot);
    if (!*is_null)
        row_copy_value(cell, row_values(slab, stored) + (size_t)slot * stored->size, stored->size);
}

/* Lays a record's images over the cells that were asked for. */
static void apply_images(const row_version *version, const uint32_t *columns, uint32_t column_count,
                         types_cell *cells, bool *nulls)
{
    for (uint32_t i = 0; i < version->image_count; i++) {
        const row_image *image = &version->images[i];
        for (uint32_t c = 0; c < column_count; c++) {
            if (columns[c] != image->column)
                continue;
            cells[c] = image->cell;
            nulls[c] = image->is_null;
        }
    }
}

static void read_visible(const row_slab *slab, const row_layout *layout, uint32_t slot,
                         int64_t rowid, const row_version *last, const uint32_t *columns,
                         uint32_t column_count, types_cell *cells, bool *nulls)
{
    for (uint32_t c = 0; c < column_count; c++)
        read_column(slab, layout, slot, rowid, columns[c], &cells[c], &nulls[c]);
    if (BASE_LIKELY(!last))
        return;
    for (const row_version *version = slab->chains[slot];; version = version->older) {
        apply_images(version, columns, column_count, cells, nulls);
        if (version == last)
            break;
    }
}

/* Moves far strings into `heap`, while the latch keeps them where they are. */
static base_status copy_strings(const row_layout *layout, const uint32_t *columns,
                                uint32_t column_count, types_cell *cells, const bool *nulls,
                                base_arena *heap, base_error *error)
{
    for (uint32_t c = 0; c < column_count; c++) {
        if (nulls[c] || columns[c] == ROW_ROWID ||
            !row_is_far(layout->columns[columns[c]].definition.form, &cells[c]))
            continue;
        uint32_t length = cells[c].string.length;
        char *copy = base_arena_allocate(heap, length);
        if (!copy)
            return base_error_no_memory(error);
        memcpy(copy, cells[c].string.far.pointer, length);
        cells[c].string.far.pointer = copy;
    }
    return BASE_OK;
}

base_status row_read(row_tree *tree, const row_layout *layout, const txn_snapshot *snapshot,
                     int64_t rowid, const uint32_t *columns, uint32_t column_count,
                     types_cell *cells, bool *nulls, base_arena *heap, base_error *error)
{
    row_leaf *leaf = row_leaf_lock_shared(tree, rowid);
    const row_slab *slab = &leaf->slab;
    uint32_t slot = row_slab_find(slab, rowid);
    base_status status = BASE_NOT_FOUND;
    const row_version *last;
    if (slot != UINT32_MAX && slab->stamps[slot] != ROW_DELETED) {
        row_sight sight = find_visible(slab, slot, snapshot, &last);
        if (sight == ROW_SIGHT_LIVE) {
            status = BASE_OK;
            read_visible(slab, layout, slot, rowid, last, columns, column_count, cells, nulls);
            if (heap)
                status = copy_strings(layout, columns, column_count, cells, nulls, heap, error);
        } else if (sight == ROW_SIGHT_DEAD) {
            status = BASE_DONE;
        }
    }
    os_latch_unlock_shared(&leaf->latch);
    return status;
}

base_status row_read_past(row_tree *tree, const row_layout *layout, uint64_t sequence,
                          int64_t rowid, const uint32_t *columns, uint32_t column_count,
                          types_cell *cells, bool *nulls, base_arena *heap, base_error *error)
{
    const txn_snapshot snapshot = {.sequence = sequence};
    row_leaf *leaf = row_leaf_lock_shared(tree, rowid);
    const row_slab *slab = &leaf->slab;
    uint32_t slot = row_slab_find(slab, rowid);
    base_status status = BASE_NOT_FOUND;
    const row_version *last;
    if (slot != UINT32_MAX && slab->stamps[slot] != ROW_DELETED &&
        find_visible(slab, slot, &snapshot, &last) == ROW_SIGHT_LIVE &&
        !row_is_sealed(last ? last->stamp : slab->stamps[slot])) {
        read_visible(slab, layout, slot, rowid, last, columns, column_count, cells, nulls);
        status = copy_strings(layout, columns, column_count, cells, nulls, heap, error);
    }
    os_latch_unlock_shared(&leaf->latch);
    return status;
}

bool row_visit_versions(row_tree *tree, const row_layout *layout, int64_t rowid, uint64_t oldest,
                        const uint32_t *columns, uint32_t column_count, row_visitor visit,
                        void *context)
{
    types_cell cells[ROW_VISIT_COLUMNS];
    bool nulls[ROW_VISIT_COLUMNS];
    BASE_ASSERT(column_count <= ROW_VISIT_COLUMNS);
    bool stop = false;
    row_leaf *leaf = row_leaf_lock_shared(tree, rowid);
    const row_slab *slab = &leaf->slab;
    uint32_t slot = row_slab_find(slab, rowid);
    if (slot != UINT32_MAX && slab->stamps[slot] != ROW_DELETED) {
        uint64_t stamp = slab->stamps[slot];
        read_visible(slab, layout, slot, rowid, NULL, columns, column_count, cells, nulls);
        for (const row_version *next = row_chain_of(slab, slot);; next = next->older) {
            /* A version that everybody sees hides the ones behind it. */
            bool final = !next || row_is_sealed(stamp) ||
                         (!(stamp & TXN_ID_BIT) && (stamp & ~ROW_DELETED) <= oldest);
            if (!(stamp & ROW_DELETED) || (stamp & TXN_ID_BIT))
                stop = visit(context, stamp, cells, nulls);
            if (stop || final)
                break;
            stamp = next->stamp;
            apply_images(next, columns, column_count, cells, nulls);
        }
    }
    if (!stop)
        stop = visit(context, 0, NULL, NULL);
    os_latch_unlock_shared(&leaf->latch);
    return stop;
}
