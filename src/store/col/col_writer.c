/*
 * col_writer.c - collects a row group in memory, encodes its columns, writes the extents.
 *
 * Columns of a group are encoded side by side on the runtime's threads; each has its own
 * output, so nothing is shared but the budget. Small pieces of a group go into one extent:
 * a granule for each would waste most of a small volume.
 *
 * Invariant: rowids rise over the whole volume; a full group is written at once, so memory
 * is bounded by one group.
 */
#include "store/col/col_int.h"

/* One column of the group being collected. */
typedef struct column_builder {
    types_form form;
    uint32_t id;
    uint8_t *values; /* COL_GROUP_ROWS of the form, grown as needed */
    uint32_t value_capacity;
    uint64_t *validity; /* NULL: no NULL so far in this group */
    base_arena heap;    /* bytes of far strings */
    base_buffer out;    /* the encoded piece */
    col_piece_info info;
    uint8_t registers[COL_REGISTERS];
    base_status status;
    base_error error;
} column_builder;

struct col_writer {
    col_writer_options options;
    uint32_t column_count; /* own columns included */
    column_builder *columns;
    uint32_t group_rows; /* in the group being collected */
    uint64_t row_count;
    int64_t last_rowid, first_rowid;
    uint64_t first_stamp, last_stamp, byte_count;
    uint32_t group_count;
    uint32_t group_capacity;
    col_group_info *groups;
    uint32_t piece_count, piece_capacity;
    col_piece_info *pieces;
    uint32_t extent_count, extent_capacity;
    cache_reference *extents; /* written so far, to discard */
    bool finished;
};

base_status col_writer_create(const col_writer_options *options, col_writer **created,
                              base_error *error)
{
    *created = NULL;
    base_budget *budget = options->budget;
    col_writer *writer = base_allocate_zeroed(budget, sizeof *writer);
    if (!writer)
        return base_error_no_memory(error);
    writer->options = *options;
    writer->options.columns = NULL; /* copied below */
    writer->column_count = options->column_count + COL_OWN_COLUMNS;
    writer->columns = base_allocate_zeroed(budget, writer->column_count * sizeof *writer->columns);
    if (!writer->columns) {
        base_free(budget, writer, sizeof *writer);
        return base_error_no_memory(error);
    }
    for (uint32_t i = 0; i < writer->column_count; i++) {
        column_builder *column = &writer->columns[i];
        base_arena_init(&column->heap, budget);
        base_buffer_init(&column->out, budget);
        column->id = i == 0   ? COL_ROWID
                     : i == 1 ? COL_STAMP
                              : options->columns[i - COL_OWN_COLUMNS].id;
        column->form = i == 0   ? TYPES_FORM_INT64
                       : i == 1 ? TYPES_FORM_UINT64
                                : options->columns[i - COL_OWN_COLUMNS].form;
    }
    writer->first_stamp = UINT64_MAX;
    *created = writer;
    return BASE_OK;
}

void col_writer_destroy(col_writer *writer)
{
    if (!writer)
        return;
    base_budget *budget = writer->options.budget;
    for (uint32_t i = 0; i < writer->extent_count; i++) {
        if (writer->options.loose && !writer->finished)
            cache_discard(writer->options.file, &writer->extents[i]);
    }
    for (uint32_t i = 0; i < writer->column_count; i++) {
        column_builder *column = &writer->columns[i];
        base_free_array(budget, column->values, column->value_capacity,
                        types_form_size(column->form));
        base_free(budget, column->validity, COL_GROUP_ROWS / 8);
        base_arena_destroy(&column->heap);
        base_buffer_destroy(&column->out);
    }
    base_free(budget, writer->columns, writer->column_count * sizeof *writer->columns);
    base_free_array(budget, writer->groups, writer->group_capacity, sizeof *writer->groups);
    base_free_array(budget, writer->pieces, writer->piece_capacity, sizeof *writer->pieces);
    base_free_array(budget, writer->extents, writer->extent_capacity, sizeof *writer->extents);
    base_free(budget, writer, sizeof *writer);
}

void col_writer_take_back(col_writer *writer)
{
    writer->finished = false;
}

uint64_t col_writer_row_count(const col_writer *writer)
{
    return writer->row_count;
}

/* ---- Collecting ----------------------------------------------------------------------------- */

static bool room_for(col_writer *writer, column_builder *column, uint32_t rows)
{
    return base_grow_array(writer->options.budget, &column->values, &column->value_capacity, rows,
                           types_form_size(column->form));
}

/* The first NULL of a group: everything before it is valid. */
static bool need_validity(col_writer *writer, column_builder *column)
{
    if (column->validity)
        return true;
    column->validity = base_allocate(writer->options.budget, COL_GROUP_ROWS / 8);
    if (column->validity)
        memset(column->validity, 0xFF, COL_GROUP_ROWS / 8);
    return column->validity != NULL;
}

/* Bytes of far strings get a home in the group: one piece of memory for all. */
static bool keep_strings(column_builder *column, types_string *strings, uint32_t count)
{
    size_t size = 0;
    for (uint32_t i = 0; i < count; i++)
        size += strings[i].length > TYPES_STRING_INLINE ? strings[i].length : 0;
    if (size == 0)
        return true;
    char *to = base_arena_allocate(&column->heap, size);
    if (!to)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (strings[i].length <= TYPES_STRING_INLINE)
            continue;
        memcpy(to, strings[i].far.pointer, strings[i].length);
        strings[i].far.pointer = to;
        to += strings[i].length;
    }
    return true;
}

/* Values of a vector of any shape, NULLs as zeros. */
static bool append_each(col_writer *writer, column_builder *column, const vector *from,
                        const uint16_t *selection, uint32_t first, uint32_t count)
{
    size_t size = types_form_size(column->form);
    uint8_t *to = column->values + (size_t)writer->group_rows * size;
    for (uint32_t i = 0; i < count; i++, to += size) {
        types_cell cell;
        if (vector_load(from, vector_row(selection, first + i), &cell)) {
            memcpy(to, &cell, size);
            continue;
        }
        if (!need_validity(writer, column))
            return false;
        base_bit_clear(column->validity, writer->group_rows + i);
        memset(to, 0, size);
    }
    return true;
}

static bool append_vector(col_writer *writer, column_builder *column, const vector *from,
                          const uint16_t *selection, uint32_t first, uint32_t count)
{
    size_t size = types_form_size(column->form);
    uint8_t *to = column->values + (size_t)writer->group_rows * size;
    if (from->shape == VECTOR_FLAT && !from->validity && !selection)
        memcpy(to, (const uint8_t *)from->data + first * size, count * size);
    else if (!append_each(writer, column, from, selection, first, count))
        return false;
    return column->form != TYPES_FORM_STRING ||
           keep_strings(column, (types_string *)(void *)to, count);
}

static bool append_rows(col_writer *writer, const vector_chunk *rows, uint32_t first,
                        uint32_t count, const int64_t *rowids, const uint64_t *stamps,
                        uint64_t stamp)
{
    uint32_t needed = writer->group_rows + count;
    for (uint32_t i = 0; i < writer->column_count; i++) {
        if (!room_for(writer, &writer->columns[i], needed))
            return false;
    }
    int64_t *rowid_to = (int64_t *)(void *)writer->columns[0].values + writer->group_rows;
    uint64_t *stamp_to = (uint64_t *)(void *)writer->columns[1].values + writer->group_rows;
    for (uint32_t i = 0; i < count; i++) {
        rowid_to[i] = rowids[first + i];
        stamp_to[i] = stamps ? stamps[first + i] : stamp;
        writer->first_stamp = BASE_MIN(writer->first_stamp, stamp_to[i]);
        writer->last_stamp = BASE_MAX(writer->last_stamp, stamp_to[i]);
    }
    for (uint32_t i = COL_OWN_COLUMNS; i < writer->column_count; i++) {
        if (!append_vector(writer, &writer->columns[i], &rows->columns[i - COL_OWN_COLUMNS],
                           rows->selection, first, count))
            return false;
    }
    return true;
}

/* ---- Writing a group ------------------------------------------------------------------------- */

static void encode_column(void *argument, uint32_t index)
{
    col_writer *writer = argument;
    column_builder *column = &writer->columns[index];
    base_buffer_clear(&column->out);
    base_error_clear(&column->error);
    column->status = col_piece_encode(column->form, column->values, column->validity,
                                      writer->group_rows, writer->options.budget, &column->out,
                                      &column->info, column->registers, &column->error);
}

static base_status encode_group(col_writer *writer, base_error *error)
{
    if (writer->options.runtime) {
        os_runtime_run(writer->options.runtime, writer->column_count, encode_column, writer);
    } else {
        for (uint32_t i = 0; i < writer->column_count; i++)
            encode_column(writer, i);
    }
    for (uint32_t i = 0; i < writer->column_count; i++) {
        if (writer->columns[i].status == BASE_OK)
            continue;
        if (error && error->status == BASE_OK)
            *error = writer->columns[i].error;
        return writer->columns[i].status;
    }
    return BASE_OK;
}

static base_status write_extent(col_writer *writer, cache_kind kind, const void *bytes,
                                size_t length, cache_reference *reference, base_error *error)
{
    if (!base_grow_array(writer->options.budget, &writer->extents, &writer->extent_capacity,
                         writer->extent_count + 1, sizeof *writer->extents))
        return base_error_no_memory(error);
    cache_file *file = writer->options.file;
    RETURN_IF_ERROR(writer->options.loose
                        ? cache_write_loose(file, kind, bytes, length, reference, error)
                        : cache_write(file, kind, bytes, length, reference, error));
    writer->extents[writer->extent_count++] = *reference;
    return BASE_OK;
}

/* Pieces below the limit share one extent, eight-byte aligned. */
static base_status write_shared(col_writer *writer, base_error *error)
{
    base_buffer shared;
    base_buffer_init(&shared, writer->options.budget);
    static const char zeros[8] = {0};
    for (uint32_t i = 0; i < writer->column_count; i++) {
        column_builder *column = &writer->columns[i];
        if (column->out.length >= COL_SHARED_LIMIT)
            continue;
        base_buffer_append(&shared, zeros, -shared.length & 7);
        column->info.offset = (uint32_t)shared.length;
        base_buffer_append(&shared, column->out.data, column->out.length);
    }
    base_status status = shared.failed ? base_error_no_memory(error) : BASE_OK;
    cache_reference reference;
    if (status == BASE_OK && shared.length)
        status =
            write_extent(writer, CACHE_KIND_COLUMN, shared.data, shared.length, &reference, error);
    for (uint32_t i = 0; i < writer->column_count && status == BASE_OK; i++) {
        if (writer->columns[i].out.length < COL_SHARED_LIMIT)
            writer->columns[i].info.extent = reference;
    }
    base_buffer_destroy(&shared);
    return status;
}

static base_status write_pieces(col_writer *writer, base_error *error)
{
    base_budget *budget = writer->options.budget;
    if (!base_grow_array(budget, &writer->pieces, &writer->piece_capacity,
                         writer->piece_count + writer->column_count, sizeof *writer->pieces) ||
        !base_grow_array(budget, &writer->groups, &writer->group_capacity, writer->group_count + 1,
                         sizeof *writer->groups))
        return base_error_no_memory(error);
    RETURN_IF_ERROR(write_shared(writer, error));
    for (uint32_t i = 0; i < writer->column_count; i++) {
        column_builder *column = &writer->columns[i];
        if (column->out.length >= COL_SHARED_LIMIT) {
            column->info.offset = 0;
            RETURN_IF_ERROR(write_extent(writer, CACHE_KIND_COLUMN, column->out.data,
                                         column->out.length, &column->info.extent, error));
        }
        writer->byte_count += column->out.length;
        writer->pieces[writer->piece_count++] = column->info;
    }
    return BASE_OK;
}

static base_status flush_group(col_writer *writer, base_error *error)
{
    if (writer->group_rows == 0)
        return BASE_OK;
    const int64_t *rowids = (const int64_t *)(const void *)writer->columns[0].values;
    col_group_info group = {writer->group_rows, rowids[0], rowids[writer->group_rows - 1]};
    RETURN_IF_ERROR(encode_group(writer, error));
    RETURN_IF_ERROR(write_pieces(writer, error));
    writer->groups[writer->group_count++] = group;
    writer->group_rows = 0;
    for (uint32_t i = 0; i < writer->column_count; i++) {
        column_builder *column = &writer->columns[i];
        base_arena_reset(&column->heap);
        if (column->validity)
            memset(column->validity, 0xFF, COL_GROUP_ROWS / 8);
    }
    return BASE_OK;
}

base_status col_writer_append(col_writer *writer, const vector_chunk *rows, const int64_t *rowids,
                              const uint64_t *stamps, uint64_t stamp, base_error *error)
{
    if (rows->count > COL_MAX_ROWS - writer->row_count)
        return base_error_set(error, BASE_LIMIT, "more than %d rows in a volume", COL_MAX_ROWS);
    for (uint32_t done = 0; done < rows->count;) {
        uint32_t part = BASE_MIN(rows->count - done, COL_GROUP_ROWS - writer->group_rows);
        if (!append_rows(writer, rows, done, part, rowids, stamps, stamp))
            return base_error_no_memory(error);
        if (writer->row_count == 0 && done == 0)
            writer->first_rowid = rowids[0];
        done += part;
        writer->group_rows += part;
        writer->row_count += part;
        writer->last_rowid = rowids[done - 1];
        if (writer->group_rows == COL_GROUP_ROWS)
            RETURN_IF_ERROR(flush_group(writer, error));
    }
    return BASE_OK;
}

/* ---- Metadata -------------------------------------------------------------------------------- */

static void write_metadata(const col_writer *writer, base_buffer *out)
{
    uint8_t head[COL_HEAD_SIZE] = {0};
    base_store_u32(head + COL_HEAD_MAGIC, COL_MAGIC);
    base_store_u32(head + COL_HEAD_VERSION, COL_VERSION);
    base_store_u64(head + COL_HEAD_ROWS, writer->row_count);
    base_store_u32(head + COL_HEAD_GROUPS, writer->group_count);
    base_store_u32(head + COL_HEAD_COLUMNS, writer->column_count);
    base_store_u64(head + COL_HEAD_FIRST_ROWID, (uint64_t)writer->first_rowid);
    base_store_u64(head + COL_HEAD_LAST_ROWID, (uint64_t)writer->last_rowid);
    base_store_u64(head + COL_HEAD_FIRST_STAMP, writer->first_stamp);
    base_store_u64(head + COL_HEAD_LAST_STAMP, writer->last_stamp);
    base_store_u64(head + COL_HEAD_BYTES, writer->byte_count);
    base_buffer_append(out, head, sizeof head);
    for (uint32_t i = 0; i < writer->column_count; i++) {
        uint32_t column[2] = {writer->columns[i].id, writer->columns[i].form};
        base_buffer_append(out, column, sizeof column);
    }
    for (uint32_t i = 0; i < writer->column_count; i++)
        base_buffer_append(out, writer->columns[i].registers, COL_REGISTERS);
    for (uint32_t i = 0; i < writer->group_count; i++) {
        uint8_t group[COL_GROUP_SIZE] = {0};
        base_store_u32(group, writer->groups[i].rows);
        base_store_u64(group + 8, (uint64_t)writer->groups[i].first_rowid);
        base_store_u64(group + 16, (uint64_t)writer->groups[i].last_rowid);
        base_buffer_append(out, group, sizeof group);
    }
    for (uint32_t i = 0; i < writer->piece_count; i++) {
        const col_piece_info *info = &writer->pieces[i];
        uint8_t piece[COL_PIECE_SIZE] = {0};
        cache_reference_store(&info->extent, piece);
        uint8_t *rest = piece + CACHE_REFERENCE_SIZE;
        base_store_u32(rest, info->offset);
        base_store_u32(rest + 4, info->length);
        base_store_u32(rest + 8, info->null_count);
        base_store_u64(rest + 16, info->low_key);
        base_store_u64(rest + 24, info->high_key);
        base_buffer_append(out, piece, sizeof piece);
    }
}

base_status col_writer_finish(col_writer *writer, cache_reference *volume, base_error *error)
{
    BASE_ASSERT(writer->row_count > 0 && !writer->finished);
    RETURN_IF_ERROR(flush_group(writer, error));
    base_buffer out;
    base_buffer_init(&out, writer->options.budget);
    write_metadata(writer, &out);
    base_status status =
        out.failed ? base_error_no_memory(error)
                   : write_extent(writer, CACHE_KIND_VOLUME, out.data, out.length, volume, error);
    base_buffer_destroy(&out);
    writer->finished = status == BASE_OK;
    return status;
}
