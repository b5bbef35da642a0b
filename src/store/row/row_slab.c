/*
 * row_slab.c - the memory of a leaf's rows: values, null bits, stamps, rowids.
 *
 * A slab is replaced, never stretched: growing, splitting, changing the layout and turning
 * dense into sparse are one operation, copying entries to a new slab. Strings of more than 12
 * bytes are single blocks, owned by the row (or by the undo record that they moved to), so
 * they keep their address when slabs change: a reader may use a far string for as long as its
 * snapshot is active, without copying it. Rejected: a string heap per leaf, which would have
 * to be compacted under readers' feet.
 */
#include "store/row/row_int.h"

base_status row_string_own(base_budget *budget, types_form form, types_cell *cell,
                           base_error *error)
{
    if (BASE_LIKELY(!row_is_far(form, cell)))
        return BASE_OK;
    char *copy = base_allocate(budget, cell->string.length);
    if (!copy)
        return base_error_no_memory(error);
    memcpy(copy, cell->string.far.pointer, cell->string.length);
    cell->string.far.pointer = copy;
    return BASE_OK;
}

void row_string_free(base_budget *budget, types_form form, const types_cell *cell)
{
    if (row_is_far(form, cell))
        base_free(budget, (void *)(uintptr_t)cell->string.far.pointer, cell->string.length);
}

base_status row_slab_create(row_tree *tree, row_layout *layout, uint32_t capacity, bool sparse,
                            row_slab *slab, base_error *error)
{
    BASE_ASSERT(capacity > 0 && capacity <= ROW_LEAF_ROWS);
    memset(slab, 0, sizeof *slab);
    slab->size = row_slab_size(layout, capacity, sparse);
    slab->data = base_allocate(tree->budget, slab->size);
    if (!slab->data)
        return base_error_no_memory(error);
    atomic_fetch_add_explicit(&tree->slab_bytes, slab->size, memory_order_relaxed);
    row_layout_keep(layout);
    slab->layout = layout;
    slab->capacity = capacity;
    slab->bitmap_words = (capacity + 63) / 64;
    slab->stamps = (uint64_t *)(void *)(slab->data + (size_t)layout->stamps_before * capacity);
    slab->sparse = sparse;
    slab->ordered = true;
    if (sparse) {
        size_t fixed = BASE_ALIGN_UP(row_slab_size(layout, capacity, false), sizeof(int64_t));
        slab->rowids = (int64_t *)(void *)(slab->data + fixed);
        slab->places = (uint16_t *)(void *)(slab->rowids + capacity);
    }
    return BASE_OK;
}

void row_slab_destroy(row_tree *tree, row_slab *slab)
{
    if (slab->chains)
        base_free(tree->budget, slab->chains, slab->capacity * sizeof *slab->chains);
    if (slab->data) {
        atomic_fetch_sub_explicit(&tree->slab_bytes, slab->size, memory_order_relaxed);
        base_free(tree->budget, slab->data, slab->size);
    }
    row_layout_drop(slab->layout);
    memset(slab, 0, sizeof *slab);
}

base_status row_slab_need_chains(row_tree *tree, row_slab *slab, base_error *error)
{
    if (slab->chains)
        return BASE_OK;
    slab->chains = base_allocate_zeroed(tree->budget, slab->capacity * sizeof *slab->chains);
    return slab->chains ? BASE_OK : base_error_no_memory(error);
}

types_cell row_slab_get(const row_slab *slab, const row_layout_column *column, uint32_t slot,
                        bool *is_null)
{
    types_cell cell;
    memset(&cell, 0, sizeof cell);
    *is_null = !base_bit_get(row_bitmap(slab, column), slot);
    if (!*is_null)
        row_copy_value(&cell, row_values(slab, column) + (size_t)slot * column->size, column->size);
    return cell;
}

void row_slab_put(row_slab *slab, const row_layout_column *column, uint32_t slot,
                  const types_cell *cell, bool is_null)
{
    uint64_t *bitmap = row_bitmap(slab, column);
    unsigned char *value = row_values(slab, column) + (size_t)slot * column->size;
    if (is_null) {
        base_bit_clear(bitmap, slot);
        memset(value, 0, column->size); /* scans copy values under cleared bits */
    } else {
        base_bit_set(bitmap, slot);
        row_copy_value(value, cell, column->size);
    }
}

void row_slab_free_strings(row_tree *tree, const row_slab *slab, uint32_t slot)
{
    const row_layout *layout = slab->layout;
    for (uint32_t i = 0; i < layout->column_count; i++) {
        const row_layout_column *column = &layout->columns[i];
        if (!column->stored || column->definition.form != TYPES_FORM_STRING)
            continue;
        bool is_null;
        types_cell cell = row_slab_get(slab, column, slot, &is_null);
        if (!is_null)
            row_string_free(tree->budget, TYPES_FORM_STRING, &cell);
    }
}

uint32_t row_slab_search(const row_slab *slab, int64_t rowid)
{
    if (slab->count == 0)
        return 0;
    if (!slab->sparse) {
        if (rowid <= slab->base)
            return 0;
        uint64_t distance = (uint64_t)rowid - (uint64_t)slab->base;
        return distance < slab->count ? (uint32_t)distance : slab->count;
    }
    uint32_t low = 0, high = slab->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (slab->rowids[middle] < rowid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t row_slab_find(const row_slab *slab, int64_t rowid)
{
    uint64_t distance = (uint64_t)rowid - (uint64_t)slab->base;
    if (BASE_LIKELY(!slab->sparse))
        return distance < slab->count ? (uint32_t)distance : UINT32_MAX;
    uint32_t entry = row_slab_search(slab, rowid);
    return entry < slab->count && slab->rowids[entry] == rowid ? slab->places[entry] : UINT32_MAX;
}

/* ---- Copying ------------------------------------------------------------------------------ */

/* Values of one column for slots[i] of `source` into `target` from slot 0 (or, dense with
 * gaps, to targets[i]). */
static void copy_column(const row_slab *source, const row_layout_column *from, row_slab *target,
                        const row_layout_column *to, const uint16_t *slots, const uint16_t *targets,
                        uint32_t count)
{
    const unsigned char *old_values = row_values(source, from);
    unsigned char *new_values = row_values(target, to);
    const uint64_t *old_bits = row_bitmap(source, from);
    uint64_t *new_bits = row_bitmap(target, to);
    uint32_t size = to->size;
    for (uint32_t i = 0; i < count; i++) {
        row_copy_value(new_values + (size_t)targets[i] * size, old_values + (size_t)slots[i] * size,
                       size);
        if (base_bit_get(old_bits, slots[i]))
            base_bit_set(new_bits, targets[i]);
    }
}

/* A column that the source does not have: every row gets its `missing` value. */
static base_status fill_missing(row_tree *tree, row_slab *target, const row_layout_column *to,
                                const uint16_t *targets, uint32_t count, base_error *error)
{
    const row_column *definition = &to->definition;
    for (uint32_t i = 0; i < count; i++) {
        types_cell cell = definition->missing;
        if (!definition->missing_is_null &&
            row_string_own(tree->budget, definition->form, &cell, error) != BASE_OK) {
            while (i-- > 0) {
                bool is_null;
                cell = row_slab_get(target, to, targets[i], &is_null);
                row_string_free(tree->budget, definition->form, &cell);
            }
            return BASE_OUT_OF_MEMORY;
        }
        row_slab_put(target, to, targets[i], &cell, definition->missing_is_null);
    }
    return BASE_OK;
}

/* Strings of columns that fill_missing gave to the target before `end`: taken back. */
static void free_missing(row_tree *tree, const row_slab *source, row_slab *target, uint32_t end,
                         const uint16_t *targets, uint32_t count)
{
    for (uint32_t c = 0; c < end; c++) {
        const row_layout_column *to = &target->layout->columns[c];
        if (!to->stored || to->definition.form != TYPES_FORM_STRING ||
            row_stored_column(source->layout, target->layout, c))
            continue;
        for (uint32_t i = 0; i < count; i++) {
            bool is_null;
            types_cell cell = row_slab_get(target, to, targets[i], &is_null);
            if (!is_null)
                row_string_free(tree->budget, TYPES_FORM_STRING, &cell);
        }
    }
}

static base_status copy_columns(row_tree *tree, const row_slab *source, row_slab *target,
                                const uint16_t *slots, const uint16_t *targets, uint32_t count,
                                base_error *error)
{
    const row_layout *layout = target->layout;
    for (uint32_t c = 0; c < layout->column_count; c++) {
        const row_layout_column *to = &layout->columns[c];
        if (!to->stored)
            continue;
        const row_layout_column *from = row_stored_column(source->layout, layout, c);
        if (from) {
            copy_column(source, from, target, to, slots, targets, count);
            continue;
        }
        base_status status = fill_missing(tree, target, to, targets, count, error);
        if (status != BASE_OK) {
            free_missing(tree, source, target, c, targets, count);
            return status;
        }
    }
    return BASE_OK;
}

base_status row_slab_copy(row_tree *tree, const row_slab *source, uint32_t from, uint32_t to,
                          row_slab *target, base_error *error)
{
    uint16_t slots[ROW_LEAF_ROWS], targets[ROW_LEAF_ROWS];
    uint32_t count = 0;
    bool has_chains = false;
    if (!source->sparse)
        target->base = source->base; /* slots keep their numbers */
    else if (!target->sparse && from < to)
        target->base = source->rowids[from];
    memset(row_bitmap(target, &(row_layout_column){.place = 0}), 0,
           (size_t)target->layout->stored_count * target->bitmap_words * sizeof(uint64_t));
    for (uint32_t entry = from; entry < to; entry++) {
        uint32_t slot = row_slot_at(source, entry);
        if (source->stamps[slot] == ROW_DELETED)
            continue;
        int64_t rowid = row_rowid_at(source, entry);
        slots[count] = (uint16_t)slot;
        targets[count] = (uint16_t)count;
        if (target->sparse) {
            target->rowids[count] = rowid;
            target->places[count] = (uint16_t)count;
        } else {
            targets[count] = (uint16_t)(rowid - target->base);
        }
        has_chains |= row_chain_of(source, slot) != NULL;
        count++;
    }
    if (has_chains)
        RETURN_IF_ERROR(row_slab_need_chains(tree, target, error));
    RETURN_IF_ERROR(copy_columns(tree, source, target, slots, targets, count, error));
    target->count = count ? targets[count - 1] + 1u : 0;
    BASE_ASSERT(target->count <= target->capacity);
    for (uint32_t slot = 0; !target->sparse && slot < target->count; slot++)
        target->stamps[slot] = ROW_DELETED;
    for (uint32_t i = 0; i < count; i++) {
        target->stamps[targets[i]] = source->stamps[slots[i]];
        if (has_chains)
            target->chains[targets[i]] = row_chain_of(source, slots[i]);
    }
    return BASE_OK;
}
