/*
 * col_writer.c - a volume from rising rows, row group by row group.
 *
 * One group is collected while earlier ones are encoded and written on the runtime's threads
 * (col_group.c). They end in any order; what they are is taken over in theirs, so that the
 * metadata is that of one thread. The writer's thread helps with the encoding where it would
 * have to wait: at the end, and when COL_GROUPS_AHEAD groups, or half of the memory that it may
 * take, are under way.
 *
 * An error of a group comes up at a later call; the volume is not to be had from there on.
 *
 * Invariants: rowids rise over the whole volume; memory is bounded by COL_GROUPS_AHEAD + 1
 * groups; only the writer's thread touches the writer.
 */
#include "store/col/col_int.h"

enum {
    COL_GROUPS_AHEAD = 2
};

struct col_writer {
    col_writer_options options;
    col_group_plan plan;
    col_column *columns; /* own ones included */
    _Atomic(bool) abandoned;
    os_task_group *tasks; /* NULL: groups are encoded by the caller */
    col_group *filling;   /* NULL: none has been begun */
    col_group *spare;
    col_group *ahead[COL_GROUPS_AHEAD]; /* oldest first */
    uint32_t ahead_count;
    uint64_t row_count;
    int64_t last_rowid, first_rowid;
    uint64_t first_stamp, last_stamp, byte_count;
    uint32_t group_count;
    uint32_t group_capacity;
    col_group_info *groups;
    uint32_t piece_count, piece_capacity;
    col_piece_info *pieces;
    uint8_t *registers; /* COL_REGISTERS a column */
    uint32_t extent_count, extent_capacity;
    cache_reference *extents; /* written so far, to discard */
    bool finished;
};

static base_status choose_columns(col_writer *writer, const col_writer_options *options,
                                  base_error *error)
{
    base_budget *budget = options->budget;
    uint32_t count = options->column_count + COL_OWN_COLUMNS;
    writer->plan = (col_group_plan){.file = options->file,
                                    .budget = budget,
                                    .loose = options->loose,
                                    .column_count = count,
                                    .abandoned = &writer->abandoned};
    writer->columns = base_allocate_array(budget, count, sizeof *writer->columns);
    writer->registers = base_allocate_zeroed(budget, (size_t)count * COL_REGISTERS);
    if (!writer->columns || !writer->registers)
        return base_error_no_memory(error);
    writer->plan.columns = writer->columns;
    writer->columns[0] = (col_column){COL_ROWID, TYPES_FORM_INT64};
    writer->columns[1] = (col_column){COL_STAMP, TYPES_FORM_UINT64};
    memcpy(writer->columns + COL_OWN_COLUMNS, options->columns,
           options->column_count * sizeof *options->columns);
    return BASE_OK;
}

base_status col_writer_create(const col_writer_options *options, col_writer **created,
                              base_error *error)
{
    *created = NULL;
    col_writer *writer = base_allocate_zeroed(options->budget, sizeof *writer);
    if (!writer)
        return base_error_no_memory(error);
    writer->options = *options;
    writer->options.columns = NULL; /* copied */
    writer->first_stamp = UINT64_MAX;
    base_status status = choose_columns(writer, options, error);
    if (status == BASE_OK && options->runtime && os_runtime_parallelism(options->runtime) > 1)
        status = os_task_group_create(options->runtime, &writer->tasks, error);
    if (status != BASE_OK) {
        col_writer_destroy(writer);
        return status;
    }
    *created = writer;
    return BASE_OK;
}

void col_writer_destroy(col_writer *writer)
{
    if (!writer)
        return;
    base_budget *budget = writer->options.budget;
    uint32_t columns = writer->plan.column_count;
    atomic_store(&writer->abandoned, true);
    os_task_group_destroy(writer->tasks);
    for (uint32_t i = 0; i < writer->ahead_count; i++)
        col_group_destroy(writer->ahead[i]);
    col_group_destroy(writer->filling);
    col_group_destroy(writer->spare);
    for (uint32_t i = 0; i < writer->extent_count; i++) {
        if (writer->options.loose && !writer->finished)
            cache_discard(writer->options.file, &writer->extents[i]);
    }
    base_free(budget, writer->columns, columns * sizeof *writer->columns);
    base_free(budget, writer->registers, (size_t)columns * COL_REGISTERS);
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

size_t col_writer_collected(const col_writer *writer)
{
    return writer->filling ? col_group_bytes(writer->filling) : 0;
}

/* ---- Groups that are under way --------------------------------------------------------------- */

/* What a group that is done has become part of; its extents are the writer's from here on. */
static base_status take_over(col_writer *writer, col_group *group, base_error *error)
{
    base_budget *budget = writer->options.budget;
    uint32_t columns = writer->plan.column_count;
    if (group->status != BASE_OK) {
        if (error && error->status == BASE_OK)
            *error = group->error;
        return group->status;
    }
    if (!base_grow_array(budget, &writer->pieces, &writer->piece_capacity,
                         writer->piece_count + columns, sizeof *writer->pieces) ||
        !base_grow_array(budget, &writer->groups, &writer->group_capacity, writer->group_count + 1,
                         sizeof *writer->groups) ||
        !base_grow_array(budget, &writer->extents, &writer->extent_capacity,
                         writer->extent_count + group->extent_count, sizeof *writer->extents))
        return base_error_no_memory(error);
    const int64_t *rowids = (const int64_t *)(const void *)group->columns[0].values;
    writer->groups[writer->group_count++] =
        (col_group_info){group->rows, rowids[0], rowids[group->rows - 1]};
    for (uint32_t i = 0; i < columns; i++) {
        const col_builder *column = &group->columns[i];
        uint8_t *registers = writer->registers + (size_t)i * COL_REGISTERS;
        for (uint32_t r = 0; r < COL_REGISTERS; r++)
            registers[r] = BASE_MAX(registers[r], column->registers[r]);
        writer->byte_count += column->out.length;
        writer->pieces[writer->piece_count++] = column->info;
    }
    memcpy(writer->extents + writer->extent_count, group->extents,
           group->extent_count * sizeof *group->extents);
    writer->extent_count += group->extent_count;
    group->extent_count = 0;
    return BASE_OK;
}

/* Waits for the oldest group, and helps where nobody has begun. */
static base_status end_oldest(col_writer *writer, base_error *error)
{
    col_group *group = writer->ahead[0];
    if (writer->tasks)
        os_task_group_wait_for(writer->tasks, &group->done);
    BASE_ASSERT(atomic_load_explicit(&group->done, memory_order_acquire));
    base_status status = take_over(writer, group, error);
    if (status != BASE_OK)
        return status; /* it stays for destroy */
    memmove(writer->ahead, writer->ahead + 1, --writer->ahead_count * sizeof(col_group *));
    col_group_destroy(writer->spare);
    writer->spare = group;
    col_group_reset(group);
    return BASE_OK;
}

static base_status end_all(col_writer *writer, base_error *error)
{
    while (writer->ahead_count)
        RETURN_IF_ERROR(end_oldest(writer, error));
    return BASE_OK;
}

/* Is the memory for a group that is collected beside those under way too much? */
static bool is_short_of_memory(const col_writer *writer)
{
    size_t memory = writer->options.memory;
    return memory && atomic_load(&writer->options.budget->used) > memory / 2;
}

static base_status need_group(col_writer *writer, base_error *error)
{
    if (writer->filling)
        return BASE_OK;
    while (writer->ahead_count &&
           (writer->ahead_count == COL_GROUPS_AHEAD || is_short_of_memory(writer)))
        RETURN_IF_ERROR(end_oldest(writer, error));
    if (!writer->spare)
        return col_group_create(&writer->plan, &writer->filling, error);
    writer->filling = writer->spare;
    writer->spare = NULL;
    return BASE_OK;
}

/* The group is encoded from here on. */
static base_status give_group(col_writer *writer, base_error *error)
{
    col_group *group = writer->filling;
    if (!group || group->rows == 0)
        return BASE_OK;
    writer->filling = NULL;
    BASE_ASSERT(writer->ahead_count < COL_GROUPS_AHEAD);
    writer->ahead[writer->ahead_count++] = group;
    col_group_encode(group, writer->tasks);
    return writer->tasks ? BASE_OK : end_all(writer, error);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static base_status append_part(col_writer *writer, const vector_chunk *rows, uint32_t first,
                               uint32_t count, const int64_t *rowids, const uint64_t *stamps,
                               uint64_t stamp, base_error *error)
{
    RETURN_IF_ERROR(need_group(writer, error));
    if (!col_group_append(writer->filling, rows, first, count, rowids, stamps, stamp)) {
        /* What the others hold may be enough. */
        RETURN_IF_ERROR(end_all(writer, error));
        col_group_destroy(writer->spare);
        writer->spare = NULL;
        if (!col_group_append(writer->filling, rows, first, count, rowids, stamps, stamp))
            return base_error_no_memory(error);
    }
    if (writer->row_count == 0)
        writer->first_rowid = rowids[first];
    writer->row_count += count;
    writer->last_rowid = rowids[first + count - 1];
    for (uint32_t i = 0; stamps && i < count; i++) {
        writer->first_stamp = BASE_MIN(writer->first_stamp, stamps[first + i]);
        writer->last_stamp = BASE_MAX(writer->last_stamp, stamps[first + i]);
    }
    if (!stamps) {
        writer->first_stamp = BASE_MIN(writer->first_stamp, stamp);
        writer->last_stamp = BASE_MAX(writer->last_stamp, stamp);
    }
    return writer->filling->rows == COL_GROUP_ROWS ? give_group(writer, error) : BASE_OK;
}

base_status col_writer_append(col_writer *writer, const vector_chunk *rows, const int64_t *rowids,
                              const uint64_t *stamps, uint64_t stamp, base_error *error)
{
    if (rows->count > COL_MAX_ROWS - writer->row_count)
        return base_error_set(error, BASE_LIMIT, "more than %d rows in a volume", COL_MAX_ROWS);
    for (uint32_t done = 0; done < rows->count;) {
        uint32_t filled = writer->filling ? writer->filling->rows : 0;
        uint32_t part = BASE_MIN(rows->count - done, COL_GROUP_ROWS - filled);
        RETURN_IF_ERROR(append_part(writer, rows, done, part, rowids, stamps, stamp, error));
        done += part;
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
    base_store_u32(head + COL_HEAD_COLUMNS, writer->plan.column_count);
    base_store_u64(head + COL_HEAD_FIRST_ROWID, (uint64_t)writer->first_rowid);
    base_store_u64(head + COL_HEAD_LAST_ROWID, (uint64_t)writer->last_rowid);
    base_store_u64(head + COL_HEAD_FIRST_STAMP, writer->first_stamp);
    base_store_u64(head + COL_HEAD_LAST_STAMP, writer->last_stamp);
    base_store_u64(head + COL_HEAD_BYTES, writer->byte_count);
    base_buffer_append(out, head, sizeof head);
    for (uint32_t i = 0; i < writer->plan.column_count; i++) {
        uint32_t column[2] = {writer->columns[i].id, writer->columns[i].form};
        base_buffer_append(out, column, sizeof column);
    }
    base_buffer_append(out, writer->registers, (size_t)writer->plan.column_count * COL_REGISTERS);
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

static base_status write_volume(col_writer *writer, const base_buffer *bytes,
                                cache_reference *volume, base_error *error)
{
    cache_file *file = writer->options.file;
    if (!base_grow_array(writer->options.budget, &writer->extents, &writer->extent_capacity,
                         writer->extent_count + 1, sizeof *writer->extents))
        return base_error_no_memory(error);
    RETURN_IF_ERROR(
        writer->options.loose
            ? cache_write_loose(file, CACHE_KIND_VOLUME, bytes->data, bytes->length, volume, error)
            : cache_write(file, CACHE_KIND_VOLUME, bytes->data, bytes->length, volume, error));
    writer->extents[writer->extent_count++] = *volume;
    return BASE_OK;
}

base_status col_writer_finish(col_writer *writer, cache_reference *volume, base_error *error)
{
    BASE_ASSERT(writer->row_count > 0 && !writer->finished);
    while (writer->ahead_count == COL_GROUPS_AHEAD)
        RETURN_IF_ERROR(end_oldest(writer, error));
    RETURN_IF_ERROR(give_group(writer, error));
    RETURN_IF_ERROR(end_all(writer, error));
    base_buffer out;
    base_buffer_init(&out, writer->options.budget);
    write_metadata(writer, &out);
    base_status status =
        out.failed ? base_error_no_memory(error) : write_volume(writer, &out, volume, error);
    base_buffer_destroy(&out);
    writer->finished = status == BASE_OK;
    return status;
}
