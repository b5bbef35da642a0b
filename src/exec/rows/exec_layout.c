/*
 * exec_layout.c - where the parts of an in-memory row stand.
 *
 * Columns are placed by falling size, so that no padding is needed between them; the null bits
 * come before them and cost one bit per column. Everything is aligned for its form, rows to 16
 * bytes, so aggregate states may hold 128-bit integers.
 *
 * Rejected: variable-size rows with strings inline. They save a pointer and cost every other
 * access an addition that depends on the row.
 */
#include "exec/rows/exec_rows.h"

base_status exec_layout_init(exec_layout *layout, exec_execution *execution,
                             const types_type *types, uint32_t column_count, uint32_t header_size,
                             uint32_t tail_size, base_error *error)
{
    layout->column_count = column_count;
    layout->types = exec_new(execution, (column_count + 1) * sizeof(types_type));
    layout->forms = exec_new(execution, column_count + 1);
    layout->offsets = exec_new(execution, (column_count + 1) * sizeof(uint32_t));
    if (!layout->types || !layout->forms || !layout->offsets)
        return base_error_no_memory(error);
    uint32_t offset = header_size;
    for (uint32_t size = 16; size; size /= 2) {
        bool aligned = false;
        for (uint32_t i = 0; i < column_count; i++) {
            types_form form = types_form_of(types[i]);
            if (types_form_size(form) != size)
                continue;
            if (!aligned)
                offset = BASE_ALIGN_UP(offset, size);
            aligned = true;
            layout->types[i] = types[i];
            layout->forms[i] = (uint8_t)form;
            layout->offsets[i] = offset;
            offset += size;
        }
    }
    layout->null_offset = offset;
    offset += (column_count + 7) / 8;
    layout->tail_offset = BASE_ALIGN_UP(offset, 16u);
    layout->row_size = BASE_ALIGN_UP(layout->tail_offset + tail_size, 16u);
    if (layout->row_size == 0)
        layout->row_size = 16; /* rows of no columns still have an address each */
    return BASE_OK;
}

void exec_row_cell(const exec_layout *layout, const char *row, uint32_t column, types_cell *cell,
                   bool *is_null)
{
    memset(cell, 0, sizeof *cell);
    *is_null = exec_row_is_null(layout, row, column);
    if (!*is_null)
        memcpy(cell, row + layout->offsets[column],
               types_form_size((types_form)layout->forms[column]));
}

void exec_row_set_cell(const exec_layout *layout, char *row, uint32_t column,
                       const types_cell *cell, bool is_null)
{
    if (is_null)
        exec_row_set_null(layout, row, column);
    else
        memcpy(row + layout->offsets[column], cell,
               types_form_size((types_form)layout->forms[column]));
}

int exec_row_compare(const exec_layout *layout, uint32_t column, const char *left,
                     const char *right)
{
    types_cell left_cell, right_cell;
    bool left_null, right_null;
    exec_row_cell(layout, left, column, &left_cell, &left_null);
    exec_row_cell(layout, right, column, &right_cell, &right_null);
    if (left_null || right_null)
        return (int)left_null - (int)right_null;
    return types_cell_compare((types_form)layout->forms[column], &left_cell, &right_cell);
}
