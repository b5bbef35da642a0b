/*
 * row_layout.c - where the columns of a relation lie in a slab.
 *
 * Columns are ordered by falling size, so that every array is aligned without padding, and
 * offsets are products with the slab's capacity: a layout needs no table per capacity and a
 * leaf no pointer per column. Rejected: row-major leaves (a scan of one column would read
 * all), offsets per leaf (eight bytes a column and leaf, which small tables feel).
 */
#include "store/row/row_int.h"

/* Gives places to the stored columns of one size. */
static uint32_t place_columns(row_layout *layout, uint32_t size, uint32_t before)
{
    for (uint32_t i = 0; i < layout->column_count; i++) {
        row_layout_column *column = &layout->columns[i];
        if (!column->stored || column->size != size)
            continue;
        column->before = before;
        column->small = size < 8;
        column->place = layout->stored_count++;
        before += size;
    }
    return before;
}

static void choose_row_counts(row_layout *layout)
{
    layout->max_rows = ROW_LEAF_ROWS;
    while (layout->max_rows > 64 && row_slab_size(layout, layout->max_rows, false) > ROW_LEAF_BYTES)
        layout->max_rows /= 2;
    layout->first_rows = ROW_FIRST_ROWS;
    while (layout->first_rows > ROW_LEAST_ROWS &&
           row_slab_size(layout, layout->first_rows, false) > ROW_FIRST_BYTES)
        layout->first_rows /= 2;
}

base_status row_layout_create(base_budget *budget, const row_column *columns, uint32_t column_count,
                              row_layout **layout, base_error *error)
{
    size_t size = sizeof(row_layout) + column_count * sizeof(row_layout_column);
    row_layout *self = base_allocate_zeroed(budget, size);
    if (!self)
        return base_error_no_memory(error);
    atomic_init(&self->references, 1);
    self->budget = budget;
    self->column_count = column_count;
    for (uint32_t i = 0; i < column_count; i++) {
        self->columns[i].definition = columns[i];
        self->columns[i].definition.missing_is_null = true;
        self->columns[i].stored = !columns[i].is_rowid;
        self->columns[i].size = (uint8_t)types_form_size(columns[i].form);
    }
    for (uint32_t i = 0; i < column_count; i++) {
        types_cell missing = columns[i].missing;
        if (columns[i].missing_is_null)
            continue;
        if (row_string_own(budget, columns[i].form, &missing, error) != BASE_OK) {
            row_layout_drop(self);
            return BASE_OUT_OF_MEMORY;
        }
        self->columns[i].definition.missing = missing;
        self->columns[i].definition.missing_is_null = false;
    }
    uint32_t before = place_columns(self, 16, 0);
    self->stamps_before = before;
    self->wide_width = place_columns(self, 8, before + (uint32_t)sizeof(uint64_t));
    self->width = place_columns(self, 4, self->wide_width);
    self->width = place_columns(self, 2, self->width);
    self->width = place_columns(self, 1, self->width);
    choose_row_counts(self);
    *layout = self;
    return BASE_OK;
}

void row_layout_keep(row_layout *layout)
{
    atomic_fetch_add_explicit(&layout->references, 1, memory_order_relaxed);
}

void row_layout_drop(row_layout *layout)
{
    if (!layout || atomic_fetch_sub_explicit(&layout->references, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < layout->column_count; i++) {
        const row_column *definition = &layout->columns[i].definition;
        if (!definition->missing_is_null)
            row_string_free(layout->budget, definition->form, &definition->missing);
    }
    base_free(layout->budget, layout,
              sizeof(row_layout) + layout->column_count * sizeof(row_layout_column));
}

size_t row_slab_size(const row_layout *layout, uint32_t capacity, bool sparse)
{
    size_t words = (capacity + 63) / 64;
    size_t size =
        (size_t)layout->width * capacity + (size_t)layout->stored_count * words * sizeof(uint64_t);
    if (sparse)
        size =
            BASE_ALIGN_UP(size, sizeof(int64_t)) + capacity * (sizeof(int64_t) + sizeof(uint16_t));
    return size;
}
