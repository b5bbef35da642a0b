/*
 * col_group.c - one row group on its way to the file: collected, encoded, written.
 *
 * The writer's thread collects; when the group is full its columns are encoded one by one as
 * tasks of the runtime, while the writer goes on with the next group. Each column has its own
 * output, so nothing is shared but the budget and a count of the columns that are left; who
 * brings it to zero writes the extents and sets `done`. Until then the group is the tasks', before
 * and after it is the writer's.
 *
 * Small pieces of a group go into one extent: a granule for each would waste most of a small
 * volume.
 *
 * Rejected: a task for the whole group (with two threads one of them would wait for the other
 * at the end of each volume), writing the extents in the writer's thread (it is the one that
 * everybody waits for).
 */
#include "store/col/col_int.h"

base_status col_group_create(const col_group_plan *plan, col_group **created, base_error *error)
{
    base_budget *budget = plan->budget;
    col_group *group = base_allocate_zeroed(budget, sizeof *group);
    if (!group)
        return base_error_no_memory(error);
    group->plan = plan;
    group->columns = base_allocate_zeroed(budget, plan->column_count * sizeof *group->columns);
    if (!group->columns) {
        base_free(budget, group, sizeof *group);
        return base_error_no_memory(error);
    }
    for (uint32_t i = 0; i < plan->column_count; i++) {
        col_builder *column = &group->columns[i];
        column->group = group;
        column->form = plan->columns[i].form;
        base_arena_init(&column->heap, budget);
        base_buffer_init(&column->out, budget);
    }
    *created = group;
    return BASE_OK;
}

void col_group_destroy(col_group *group)
{
    if (!group)
        return;
    const col_group_plan *plan = group->plan;
    for (uint32_t i = 0; plan->loose && i < group->extent_count; i++)
        cache_discard(plan->file, &group->extents[i]);
    for (uint32_t i = 0; i < plan->column_count; i++) {
        col_builder *column = &group->columns[i];
        base_free_array(plan->budget, column->values, column->value_capacity,
                        types_form_size(column->form));
        base_free(plan->budget, column->validity, COL_GROUP_ROWS / 8);
        base_arena_destroy(&column->heap);
        base_buffer_destroy(&column->out);
    }
    base_free_array(plan->budget, group->extents, group->extent_capacity, sizeof *group->extents);
    base_free(plan->budget, group->columns, plan->column_count * sizeof *group->columns);
    base_free(plan->budget, group, sizeof *group);
}

void col_group_reset(col_group *group)
{
    BASE_ASSERT(group->extent_count == 0);
    group->rows = 0;
    group->heap_bytes = 0;
    for (uint32_t i = 0; i < group->plan->column_count; i++) {
        col_builder *column = &group->columns[i];
        base_arena_reset(&column->heap);
        if (column->validity)
            memset(column->validity, 0xFF, COL_GROUP_ROWS / 8);
    }
}

size_t col_group_bytes(const col_group *group)
{
    size_t bytes = group->heap_bytes;
    for (uint32_t i = 0; i < group->plan->column_count; i++)
        bytes += group->columns[i].value_capacity * types_form_size(group->columns[i].form);
    return bytes;
}

/* ---- Collecting ----------------------------------------------------------------------------- */

static bool room_for(col_group *group, uint32_t rows)
{
    for (uint32_t i = 0; i < group->plan->column_count; i++) {
        col_builder *column = &group->columns[i];
        if (!base_grow_array(group->plan->budget, &column->values, &column->value_capacity, rows,
                             types_form_size(column->form)))
            return false;
    }
    return true;
}

/* The first NULL of a group: everything before it is valid. */
static bool need_validity(col_builder *column)
{
    if (column->validity)
        return true;
    column->validity = base_allocate(column->group->plan->budget, COL_GROUP_ROWS / 8);
    if (column->validity)
        memset(column->validity, 0xFF, COL_GROUP_ROWS / 8);
    return column->validity != NULL;
}

/* Bytes of far strings get a home in the group: one piece of memory for all. */
static bool keep_strings(col_builder *column, types_string *strings, uint32_t count)
{
    size_t size = 0;
    for (uint32_t i = 0; i < count; i++)
        size += strings[i].length > TYPES_STRING_INLINE ? strings[i].length : 0;
    if (size == 0)
        return true;
    char *to = base_arena_allocate(&column->heap, size);
    if (!to)
        return false;
    column->group->heap_bytes += size;
    for (uint32_t i = 0; i < count; i++) {
        if (strings[i].length <= TYPES_STRING_INLINE)
            continue;
        memcpy(to, strings[i].far.pointer, strings[i].length);
        strings[i].far.pointer = to;
        to += strings[i].length;
    }
    return true;
}

static bool append_null(col_builder *column, uint32_t row, uint8_t *to, size_t size)
{
    if (!need_validity(column))
        return false;
    base_bit_clear(column->validity, row);
    memset(to, 0, size);
    return true;
}

/* Values of a vector of any shape, NULLs as zeros. */
static bool append_each(col_builder *column, const vector *from, const uint16_t *selection,
                        uint32_t first, uint32_t count)
{
    size_t size = types_form_size(column->form);
    uint32_t rows = column->group->rows;
    uint8_t *to = column->values + (size_t)rows * size;
    for (uint32_t i = 0; i < count; i++, to += size) {
        types_cell cell;
        if (vector_load(from, vector_row(selection, first + i), &cell))
            memcpy(to, &cell, size);
        else if (!append_null(column, rows + i, to, size))
            return false;
    }
    return true;
}

/* The same for FLAT values that stand side by side. */
static bool append_flat(col_builder *column, const vector *from, uint32_t first, uint32_t count)
{
    size_t size = types_form_size(column->form);
    uint32_t rows = column->group->rows;
    uint8_t *to = column->values + (size_t)rows * size;
    memcpy(to, (const uint8_t *)from->data + first * size, count * size);
    for (uint32_t i = 0; from->validity && i < count; i++) {
        if (!base_bit_get(from->validity, first + i) &&
            !append_null(column, rows + i, to + i * size, size))
            return false;
    }
    return true;
}

/* Whether the rows stand side by side. Positions rise, but the same may come twice. */
static bool is_dense(const uint16_t *selection, uint32_t first, uint32_t count)
{
    if (!selection)
        return true;
    uint32_t start = selection[first], wrong = 0;
    for (uint32_t i = 0; i < count; i++)
        wrong |= selection[first + i] ^ (start + i);
    return wrong == 0;
}

static bool append_vector(col_builder *column, const vector *from, const uint16_t *selection,
                          uint32_t first, uint32_t count, bool dense)
{
    bool flat = dense && from->shape == VECTOR_FLAT;
    if (!(flat ? append_flat(column, from, vector_row(selection, first), count)
               : append_each(column, from, selection, first, count)))
        return false;
    types_string *strings = (types_string *)(void *)column->values + column->group->rows;
    return column->form != TYPES_FORM_STRING || keep_strings(column, strings, count);
}

bool col_group_append(col_group *group, const vector_chunk *rows, uint32_t first, uint32_t count,
                      const int64_t *rowids, const uint64_t *stamps, uint64_t stamp)
{
    if (!room_for(group, group->rows + count))
        return false;
    bool dense = is_dense(rows->selection, first, count);
    for (uint32_t i = COL_OWN_COLUMNS; i < group->plan->column_count; i++) {
        if (!append_vector(&group->columns[i], &rows->columns[i - COL_OWN_COLUMNS], rows->selection,
                           first, count, dense))
            return false;
    }
    int64_t *rowid_to = (int64_t *)(void *)group->columns[0].values + group->rows;
    uint64_t *stamp_to = (uint64_t *)(void *)group->columns[1].values + group->rows;
    memcpy(rowid_to, rowids + first, count * sizeof *rowids);
    for (uint32_t i = 0; i < count; i++)
        stamp_to[i] = stamps ? stamps[first + i] : stamp;
    group->rows += count;
    return true;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static base_status write_extent(col_group *group, const void *bytes, size_t length,
                                cache_reference *reference, base_error *error)
{
    const col_group_plan *plan = group->plan;
    if (!base_grow_array(plan->budget, &group->extents, &group->extent_capacity,
                         group->extent_count + 1, sizeof *group->extents))
        return base_error_no_memory(error);
    RETURN_IF_ERROR(
        plan->loose
            ? cache_write_loose(plan->file, CACHE_KIND_COLUMN, bytes, length, reference, error)
            : cache_write(plan->file, CACHE_KIND_COLUMN, bytes, length, reference, error));
    group->extents[group->extent_count++] = *reference;
    return BASE_OK;
}

/* Pieces below the limit share one extent, eight-byte aligned. */
static base_status write_shared(col_group *group, base_error *error)
{
    uint32_t columns = group->plan->column_count;
    base_buffer shared;
    base_buffer_init(&shared, group->plan->budget);
    static const char zeros[8] = {0};
    for (uint32_t i = 0; i < columns; i++) {
        col_builder *column = &group->columns[i];
        if (column->out.length >= COL_SHARED_LIMIT)
            continue;
        base_buffer_append(&shared, zeros, -shared.length & 7);
        column->info.offset = (uint32_t)shared.length;
        base_buffer_append(&shared, column->out.data, column->out.length);
    }
    base_status status = shared.failed ? base_error_no_memory(error) : BASE_OK;
    cache_reference reference;
    if (status == BASE_OK && shared.length)
        status = write_extent(group, shared.data, shared.length, &reference, error);
    for (uint32_t i = 0; i < columns && status == BASE_OK; i++) {
        if (group->columns[i].out.length < COL_SHARED_LIMIT)
            group->columns[i].info.extent = reference;
    }
    base_buffer_destroy(&shared);
    return status;
}

static base_status write_pieces(col_group *group, base_error *error)
{
    RETURN_IF_ERROR(write_shared(group, error));
    for (uint32_t i = 0; i < group->plan->column_count; i++) {
        col_builder *column = &group->columns[i];
        if (column->out.length < COL_SHARED_LIMIT)
            continue;
        column->info.offset = 0;
        RETURN_IF_ERROR(
            write_extent(group, column->out.data, column->out.length, &column->info.extent, error));
    }
    return BASE_OK;
}

/* ---- Encoding -------------------------------------------------------------------------------- */

/* All columns are encoded, or refused. */
static void end_group(col_group *group)
{
    group->status = BASE_OK;
    base_error_clear(&group->error);
    for (uint32_t i = 0; i < group->plan->column_count && group->status == BASE_OK; i++) {
        group->status = group->columns[i].status;
        if (group->status != BASE_OK)
            group->error = group->columns[i].error;
    }
    if (group->status == BASE_OK)
        group->status = write_pieces(group, &group->error);
    atomic_store_explicit(&group->done, true, memory_order_release);
}

static void encode_column(void *argument)
{
    col_builder *column = argument;
    col_group *group = column->group;
    base_buffer_clear(&column->out);
    base_error_clear(&column->error);
    memset(column->registers, 0, sizeof column->registers);
    column->status = BASE_INTERRUPTED; /* nobody asks for it any more */
    if (!atomic_load_explicit(group->plan->abandoned, memory_order_relaxed))
        column->status = col_piece_encode(column->form, column->values, column->validity,
                                          group->rows, group->plan->budget, &column->out,
                                          &column->info, column->registers, &column->error);
    if (atomic_fetch_sub_explicit(&group->left, 1, memory_order_acq_rel) == 1)
        end_group(group);
}

void col_group_encode(col_group *group, os_task_group *tasks)
{
    BASE_ASSERT(group->rows > 0);
    uint32_t count = group->plan->column_count;
    atomic_store(&group->left, count);
    atomic_store(&group->done, false);
    /* From the back: strings, which take longest, come late in most tables. After the last
     * column was given away the group may be done at any time. */
    for (uint32_t i = count; i > 0; i--) {
        col_builder *column = &group->columns[i - 1];
        if (!tasks || os_task_group_start(tasks, encode_column, column, NULL) != BASE_OK)
            encode_column(column);
    }
}
