/*
 * row_write.c - insert, update and delete of rows.
 *
 * The row's stamp is its lock: a writer puts its id there under the leaf's latch, having hung
 * the undo record off the row. A writer that meets another's id waits for that transaction
 * without any latch and looks again; what it then finds decides (judge).
 *
 * Everything that can fail (undo memory, strings, room in the leaf) is done before the first
 * byte of the row changes: new strings are made in the record's images and then change places
 * with the row's values.
 */
#include "store/row/row_int.h"

/* May the transaction change a row with this stamp? */
typedef enum verdict {
    VERDICT_GO,
    VERDICT_HELD,    /* by an open transaction */
    VERDICT_CHANGED, /* committed after the snapshot */
    VERDICT_GONE,    /* the snapshot sees that it is deleted */
} verdict;

static verdict judge(const txn_transaction *transaction, uint64_t stamp)
{
    uint64_t bare = stamp & ~ROW_DELETED;
    const txn_snapshot *snapshot = txn_snapshot_of(transaction);
    if (BASE_UNLIKELY(row_is_sealed(stamp)))
        return VERDICT_GO; /* everybody sees it, here or in its volume */
    if (BASE_UNLIKELY(bare & TXN_ID_BIT) && bare != snapshot->self)
        return VERDICT_HELD;
    if (!txn_sees(snapshot, bare))
        return VERDICT_CHANGED;
    return stamp & ROW_DELETED ? VERDICT_GONE : VERDICT_GO;
}

static base_status changed(txn_transaction *transaction, base_error *error)
{
    if (txn_isolation_of(transaction) == TXN_READ_COMMITTED)
        return txn_restart(transaction);
    return base_error_set(error, BASE_SERIALIZATION,
                          "a concurrent transaction changed the same row");
}

/* No latch is held. OK: look again. */
static base_status wait_for_row(txn_transaction *transaction, uint64_t stamp, base_error *error)
{
    if (txn_isolation_of(transaction) != TXN_READ_COMMITTED)
        return changed(transaction, error);
    return txn_wait_for(transaction, stamp & ~ROW_DELETED, error);
}

static void note_rowid(row_tree *tree, int64_t rowid)
{
    int64_t last = atomic_load_explicit(&tree->last_rowid, memory_order_relaxed);
    while (rowid > last &&
           !atomic_compare_exchange_weak_explicit(&tree->last_rowid, &last, rowid,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

/* ---- Versions -------------------------------------------------------------------------------- */

static row_version *new_version(txn_transaction *transaction, row_tree *tree, int64_t rowid,
                                uint32_t image_count)
{
    row_version *version = txn_undo_allocate(
        transaction, sizeof *version + (size_t)image_count * sizeof version->images[0]);
    if (!version)
        return NULL;
    version->tree = tree;
    version->rowid = rowid;
    version->image_count = 0;
    return version;
}

/* A new value for a column, in the record's memory until it changes places with the old. */
static base_status add_image(row_version *version, const row_slab *slab, uint32_t column,
                             const types_cell *cell, bool is_null, base_error *error)
{
    types_form form = slab->layout->columns[column].definition.form;
    row_image *image = &version->images[version->image_count];
    image->column = column;
    image->form = form;
    image->is_null = is_null;
    if (!is_null) {
        image->cell = *cell;
        RETURN_IF_ERROR(row_string_own(version->tree->budget, form, &image->cell, error));
    }
    version->image_count++;
    return BASE_OK;
}

static void drop_images(row_version *version)
{
    for (uint32_t i = 0; i < version->image_count; i++) {
        if (!version->images[i].is_null)
            row_string_free(version->tree->budget, version->images[i].form,
                            &version->images[i].cell);
    }
}

/* Cannot fail: hangs the record off the row and swaps its images in. */
static void apply_version(txn_transaction *transaction, row_leaf *leaf, uint32_t slot,
                          row_version *version, uint64_t new_stamp)
{
    row_slab *slab = &leaf->slab;
    version->older = slab->chains[slot];
    version->stamp = slab->stamps[slot];
    txn_undo_register(transaction, &version->undo, &row_version_kind);
    leaf->version_count += version->older == NULL;
    slab->chains[slot] = version;
    for (uint32_t i = 0; i < version->image_count; i++) {
        row_image *image = &version->images[i];
        const row_layout_column *column = &slab->layout->columns[image->column];
        types_cell fresh = image->cell;
        bool fresh_is_null = image->is_null;
        image->cell = row_slab_get(slab, column, slot, &image->is_null);
        row_slab_put(slab, column, slot, &fresh, fresh_is_null);
    }
    row_count_live(version->tree, version->stamp, new_stamp);
    row_leaf_set_stamp(leaf, slot, new_stamp);
}

/* The latched row gets new values in `columns` (NULL: in all, cells by column id). */
static base_status write_version(txn_transaction *transaction, row_tree *tree, row_layout *layout,
                                 row_leaf *leaf, int64_t rowid, const uint32_t *columns,
                                 uint32_t column_count, const types_cell *cells, const bool *nulls,
                                 base_error *error)
{
    RETURN_IF_ERROR(row_leaf_use_layout(tree, leaf, layout, error));
    row_slab *slab = &leaf->slab;
    uint32_t slot = row_slab_find(slab, rowid);
    RETURN_IF_ERROR(row_slab_need_chains(tree, slab, error));
    row_version *version = new_version(transaction, tree, rowid, column_count);
    if (!version)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < column_count; i++) {
        uint32_t column = columns ? columns[i] : i;
        if (!layout->columns[column].stored)
            continue;
        base_status status = add_image(version, slab, column, &cells[i], nulls[i], error);
        if (status != BASE_OK) {
            drop_images(version);
            return status;
        }
    }
    apply_version(transaction, leaf, slot, version, txn_id_of(transaction));
    return BASE_OK;
}

/* ---- Insert ---------------------------------------------------------------------------------- */

/* The run that `rowid` continues, or a new one of no rows. */
static row_run *need_run(txn_transaction *transaction, row_tree *tree, int64_t rowid,
                         const row_hook *hook)
{
    row_run *run = (row_run *)(void *)txn_undo_last(transaction, &row_run_kind);
    if (run && run->tree == tree && run->hook == hook && rowid > run->first &&
        (uint64_t)rowid - (uint64_t)run->first == (uint64_t)run->count)
        return run;
    run = txn_undo_allocate(transaction, sizeof *run);
    if (!run)
        return NULL;
    run->tree = tree;
    run->hook = hook;
    run->first = rowid;
    run->count = 0;
    return run;
}

static void add_to_run(txn_transaction *transaction, row_run *run, int64_t count)
{
    if (run != (row_run *)(void *)txn_undo_last(transaction, &row_run_kind))
        txn_undo_register(transaction, &run->undo, &row_run_kind);
    run->count += count;
}

/* Puts the cells into a free slot of the latched leaf. */
static base_status fill_slot(row_tree *tree, row_leaf *leaf, uint32_t slot, const types_cell *cells,
                             const bool *nulls, base_error *error)
{
    row_slab *slab = &leaf->slab;
    const row_layout *layout = slab->layout;
    for (uint32_t c = 0; c < layout->column_count; c++) {
        const row_layout_column *column = &layout->columns[c];
        if (!column->stored)
            continue;
        types_cell cell = cells[c];
        if (!nulls[c] &&
            row_string_own(tree->budget, column->definition.form, &cell, error) != BASE_OK) {
            while (c-- > 0) {
                column = &layout->columns[c];
                if (column->stored && !nulls[c]) {
                    bool is_null;
                    cell = row_slab_get(slab, column, slot, &is_null);
                    row_string_free(tree->budget, column->definition.form, &cell);
                }
            }
            return BASE_OUT_OF_MEMORY;
        }
        row_slab_put(slab, column, slot, &cell, nulls[c]);
    }
    return BASE_OK;
}

static base_status insert_fresh(txn_transaction *transaction, row_tree *tree, row_leaf *leaf,
                                uint32_t slot, int64_t rowid, const types_cell *cells,
                                const bool *nulls, const row_hook *hook, base_error *error)
{
    row_run *run = need_run(transaction, tree, rowid, hook);
    base_status status =
        run ? fill_slot(tree, leaf, slot, cells, nulls, error) : base_error_no_memory(error);
    if (status != BASE_OK) {
        row_leaf_free_slot(leaf, slot);
        return status;
    }
    add_to_run(transaction, run, 1);
    row_leaf_set_stamp(leaf, slot, txn_id_of(transaction));
    atomic_fetch_add_explicit(&tree->live_count, 1, memory_order_relaxed);
    return BASE_OK;
}

base_status row_insert(txn_transaction *transaction, row_tree *tree, row_layout *layout,
                       int64_t rowid, const types_cell *cells, const bool *nulls,
                       const row_hook *hook, bool *over_deleted, base_error *error)
{
    if (over_deleted)
        *over_deleted = false;
    for (;;) {
        row_leaf *leaf = row_leaf_lock(tree, rowid);
        uint32_t slot = row_slab_find(&leaf->slab, rowid);
        uint64_t stamp = slot == UINT32_MAX ? ROW_DELETED : leaf->slab.stamps[slot];
        base_status status;
        if (BASE_LIKELY(stamp == ROW_DELETED)) {
            RETURN_IF_ERROR(row_leaf_make_place(tree, layout, rowid, &leaf, &slot, error));
            stamp = leaf->slab.stamps[slot];
            /* The latch may have been let go: somebody else may have taken the place. */
            if (BASE_UNLIKELY(stamp != ROW_DELETED)) {
                os_latch_unlock(&leaf->latch);
                continue;
            }
            status = insert_fresh(transaction, tree, leaf, slot, rowid, cells, nulls, hook, error);
        } else if (judge(transaction, stamp) == VERDICT_HELD) {
            os_latch_unlock(&leaf->latch);
            RETURN_IF_ERROR(txn_wait_for(transaction, stamp & ~ROW_DELETED, error));
            continue;
        } else if (!(stamp & ROW_DELETED)) {
            status = BASE_UNIQUE_VIOLATION;
        } else {
            status = write_version(transaction, tree, layout, leaf, rowid, NULL,
                                   layout->column_count, cells, nulls, error);
            if (over_deleted)
                *over_deleted = true;
        }
        os_latch_unlock(&leaf->latch);
        if (status == BASE_OK)
            note_rowid(tree, rowid);
        return status;
    }
}

base_status row_load(row_tree *tree, row_layout *layout, int64_t rowid, const types_cell *cells,
                     const bool *nulls, uint64_t stamp, base_error *error)
{
    uint32_t slot;
    row_leaf *leaf = row_leaf_lock(tree, rowid);
    RETURN_IF_ERROR(row_leaf_make_place(tree, layout, rowid, &leaf, &slot, error));
    base_status status = BASE_OK;
    if (leaf->slab.stamps[slot] != ROW_DELETED) {
        status = BASE_UNIQUE_VIOLATION;
    } else {
        status = fill_slot(tree, leaf, slot, cells, nulls, error);
        if (status == BASE_OK) {
            row_leaf_set_stamp(leaf, slot, stamp);
            atomic_fetch_add_explicit(&tree->live_count, 1, memory_order_relaxed);
            note_rowid(tree, rowid);
        } else {
            row_leaf_free_slot(leaf, slot);
        }
    }
    os_latch_unlock(&leaf->latch);
    return status;
}

/* ---- Update and delete ----------------------------------------------------------------------- */

/* Latches the row's leaf once the transaction may change the row. BASE_OK: latched. */
static base_status lock_row(txn_transaction *transaction, row_tree *tree, int64_t rowid,
                            row_leaf **leaf, uint32_t *slot, base_error *error)
{
    for (;;) {
        *leaf = row_leaf_lock(tree, rowid);
        *slot = row_slab_find(&(*leaf)->slab, rowid);
        uint64_t stamp = *slot == UINT32_MAX ? ROW_DELETED : (*leaf)->slab.stamps[*slot];
        verdict answer = judge(transaction, stamp);
        if (BASE_LIKELY(answer == VERDICT_GO))
            return BASE_OK;
        os_latch_unlock(&(*leaf)->latch);
        if (answer == VERDICT_GONE)
            return BASE_NOT_FOUND;
        if (answer == VERDICT_CHANGED)
            return changed(transaction, error);
        RETURN_IF_ERROR(wait_for_row(transaction, stamp, error));
    }
}

base_status row_update(txn_transaction *transaction, row_tree *tree, row_layout *layout,
                       int64_t rowid, const uint32_t *columns, uint32_t column_count,
                       const types_cell *cells, const bool *nulls, bool *was_sealed,
                       base_error *error)
{
    row_leaf *leaf;
    uint32_t slot;
    RETURN_IF_ERROR(lock_row(transaction, tree, rowid, &leaf, &slot, error));
    *was_sealed = row_is_sealed(leaf->slab.stamps[slot]);
    base_status status = write_version(transaction, tree, layout, leaf, rowid, columns,
                                       column_count, cells, nulls, error);
    os_latch_unlock(&leaf->latch);
    return status;
}

base_status row_delete(txn_transaction *transaction, row_tree *tree, int64_t rowid,
                       bool *was_sealed, base_error *error)
{
    row_leaf *leaf;
    uint32_t slot;
    RETURN_IF_ERROR(lock_row(transaction, tree, rowid, &leaf, &slot, error));
    *was_sealed = row_is_sealed(leaf->slab.stamps[slot]);
    base_status status = row_slab_need_chains(tree, &leaf->slab, error);
    if (status == BASE_OK) {
        row_version *version = new_version(transaction, tree, rowid, 0);
        if (version)
            apply_version(transaction, leaf, slot, version, txn_id_of(transaction) | ROW_DELETED);
        else
            status = base_error_no_memory(error);
    }
    os_latch_unlock(&leaf->latch);
    return status;
}

/* ---- Insert of many -------------------------------------------------------------------------- */

static void cell_of(const vector *column, uint32_t position, types_cell *cell, bool *is_null)
{
    *is_null = !vector_is_valid(column, position);
    if (*is_null)
        return;
    const unsigned char *data = column->data;
    if (column->shape == VECTOR_DICTIONARY) {
        uint16_t code = ((const uint16_t *)column->data)[position];
        data = column->dictionary->data;
        position = code;
    } else if (column->shape == VECTOR_CONSTANT) {
        position = 0;
    }
    uint32_t size = types_form_size(column->form);
    row_copy_value(cell, data + (size_t)position * size, size);
}

/* Rows [from, from + count) of the chunk into free slots first, first + 1, ... : a column at
 * a time. On failure the strings made so far are freed. */
static base_status fill_slots(row_tree *tree, row_leaf *leaf, uint32_t first,
                              const vector_chunk *rows, uint32_t from, uint32_t count,
                              base_error *error)
{
    row_slab *slab = &leaf->slab;
    const row_layout *layout = slab->layout;
    for (uint32_t c = 0; c < layout->column_count; c++) {
        const row_layout_column *column = &layout->columns[c];
        if (!column->stored)
            continue;
        const vector *values = &rows->columns[c];
        bool plain = values->shape == VECTOR_FLAT && !values->validity && !rows->selection &&
                     column->definition.form != TYPES_FORM_STRING;
        if (plain) {
            memcpy(row_values(slab, column) + (size_t)first * column->size,
                   (const unsigned char *)values->data + (size_t)from * column->size,
                   (size_t)count * column->size);
            for (uint32_t i = 0; i < count; i++)
                base_bit_set(row_bitmap(slab, column), first + i);
            continue;
        }
        for (uint32_t i = 0; i < count; i++) {
            types_cell cell;
            bool is_null;
            cell_of(values, vector_row(rows->selection, from + i), &cell, &is_null);
            base_status status = BASE_OK;
            if (!is_null)
                status = row_string_own(tree->budget, column->definition.form, &cell, error);
            if (status == BASE_OK) {
                row_slab_put(slab, column, first + i, &cell, is_null);
                continue;
            }
            /* Slots that were not reached hold no strings of this column: make them say so. */
            for (uint32_t rest = c; rest < layout->column_count; rest++) {
                if (!layout->columns[rest].stored)
                    continue;
                for (uint32_t j = rest == c ? i : 0; j < count; j++)
                    row_slab_put(slab, &layout->columns[rest], first + j, &cell, true);
            }
            for (uint32_t j = 0; j < count; j++)
                row_slab_free_strings(tree, slab, first + j);
            return status;
        }
    }
    return BASE_OK;
}

/* How many rows from `from` on have rising rowids without gaps. */
static uint32_t run_length(const int64_t *rowids, uint32_t from, uint32_t count)
{
    uint32_t end = from + 1;
    while (end < count && rowids[end - 1] < INT64_MAX && rowids[end] == rowids[end - 1] + 1)
        end++;
    return end - from;
}

/* Rows into free slots of one leaf, as many as lie side by side. `*done` 0: the first row's
 * place is taken. */
static base_status insert_run(txn_transaction *transaction, row_tree *tree, row_layout *layout,
                              const vector_chunk *rows, const int64_t *rowids, uint32_t from,
                              const row_hook *hook, uint32_t *done, base_error *error)
{
    *done = 0;
    row_leaf *leaf = row_leaf_lock(tree, rowids[from]);
    uint32_t slot = row_slab_find(&leaf->slab, rowids[from]);
    if (slot != UINT32_MAX && leaf->slab.stamps[slot] != ROW_DELETED) {
        os_latch_unlock(&leaf->latch);
        return BASE_OK;
    }
    uint32_t length = run_length(rowids, from, rows->count);
    RETURN_IF_ERROR(row_leaf_make_run(tree, layout, rowids[from], &leaf, &slot, &length, error));
    if (leaf->slab.stamps[slot] != ROW_DELETED) {
        os_latch_unlock(&leaf->latch);
        return BASE_OK;
    }
    row_run *run = need_run(transaction, tree, rowids[from], hook);
    base_status status =
        run ? fill_slots(tree, leaf, slot, rows, from, length, error) : base_error_no_memory(error);
    if (status == BASE_OK) {
        add_to_run(transaction, run, length);
        for (uint32_t i = 0; i < length; i++)
            row_leaf_set_stamp(leaf, slot + i, txn_id_of(transaction));
        *done = length;
        atomic_fetch_add_explicit(&tree->live_count, length, memory_order_relaxed);
        note_rowid(tree, rowids[from + length - 1]);
    } else {
        row_leaf_free_slot(leaf, slot); /* and the free ones behind it */
    }
    os_latch_unlock(&leaf->latch);
    return status;
}

base_status row_insert_chunk(txn_transaction *transaction, row_tree *tree, row_layout *layout,
                             const vector_chunk *rows, const int64_t *rowids, uint32_t first,
                             const row_hook *hook, uint32_t *written, base_error *error)
{
    BASE_ASSERT(rows->column_count >= layout->column_count);
    *written = 0;
    while (first + *written < rows->count) {
        uint32_t done;
        RETURN_IF_ERROR(insert_run(transaction, tree, layout, rows, rowids, first + *written, hook,
                                   &done, error));
        if (done == 0)
            return BASE_OK;
        *written += done;
    }
    return BASE_OK;
}
