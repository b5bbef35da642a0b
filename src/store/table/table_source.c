/*
 * table_source.c - a volume as a part of a scan: vectors, without the rows that marks hide.
 *
 * Zone maps are asked by row group and by vector before anything is decoded. Dictionary-coded
 * strings are handed on as codes.
 *
 * A descending scan turns the decoded columns round: positions in a selection always rise
 * (vector.h), so a selection that falls is no way to say it.
 */
#include "store/table/table_scan_int.h"

/* ---- Predicates as key ranges ---------------------------------------------------------------- */

static bool range_of(const table_predicate *predicate, types_form form, col_range *range)
{
    const types_cell *values = predicate->values;
    range->low = 0;
    range->high = UINT64_MAX;
    range->nulls = false;
    range->values = true;
    switch (predicate->test) {
    case TABLE_EQUAL:
        range->low = range->high = col_key_of(form, &values[0]);
        return true;
    case TABLE_LESS: /* different values may share a key */
    case TABLE_LESS_EQUAL:
        range->high = col_key_of(form, &values[0]);
        return true;
    case TABLE_GREATER:
    case TABLE_GREATER_EQUAL:
        range->low = col_key_of(form, &values[0]);
        return true;
    case TABLE_IN:
        if (predicate->value_count == 0)
            return false;
        range->low = col_key_of(form, &values[0]);
        range->high = col_key_of(form, &values[predicate->value_count - 1]);
        return true;
    case TABLE_IS_NULL:
        range->nulls = true;
        range->values = false;
        return true;
    case TABLE_IS_NOT_NULL:
        return true;
    }
    return false;
}

static void make_ranges(const table_scan *scan, table_source *source)
{
    for (uint32_t i = 0; i < scan->predicate_count; i++) {
        const table_predicate *predicate = &scan->predicates[i];
        if (table_is_rowid(scan->relation, predicate->column) ||
            source->range_count == TABLE_SCAN_RANGES)
            continue;
        int32_t place = col_volume_column(source->volume->data, predicate->column);
        if (place < 0)
            continue; /* added later: the volume cannot tell */
        col_range *range = &source->ranges[source->range_count];
        range->place = place;
        types_type type = scan->relation->descriptor.columns[predicate->column].type;
        source->range_count += range_of(predicate, types_form_of(type), range);
    }
}

base_status table_source_open(const table_scan *scan, table_source *source, table_volume *volume,
                              int64_t first, int64_t last, base_error *error)
{
    const col_volume_info *info = &volume->info;
    source->volume = volume;
    source->from = 0;
    source->to = (uint32_t)info->row_count;
    if (first > info->first_rowid)
        RETURN_IF_ERROR(col_volume_lower_bound(volume->data, first, &source->from, error));
    if (last < info->last_rowid)
        RETURN_IF_ERROR(col_volume_lower_bound(volume->data, last + 1, &source->to, error));
    make_ranges(scan, source);
    return BASE_OK;
}

/* ---- Batches --------------------------------------------------------------------------------- */

/* Rows of one vector of the volume. */
typedef struct piece {
    uint32_t number;     /* of the vector */
    uint32_t start, end; /* rows of the vector that are to be read */
    uint32_t first; /* what is decoded begins here, at a word of the bitmaps, and ends at `end` */
} piece;

/* What lies in the vector that comes next, all of it. */
static piece next_vector(const table_scan *scan, const table_source *source)
{
    uint32_t number = (scan->descending ? source->to - 1 : source->from) / VECTOR_SIZE;
    uint32_t before = number * VECTOR_SIZE;
    return (piece){.number = number,
                   .start = source->from > before ? source->from - before : 0,
                   .end = BASE_MIN(source->to - before, (uint32_t)VECTOR_SIZE)};
}

/* Leaves at most `limit` rows in the piece, those that come first. */
static void cut_piece(const table_scan *scan, piece *rows, uint32_t limit)
{
    if (rows->end - rows->start > limit) {
        if (scan->descending)
            rows->start = rows->end - limit;
        else
            rows->end = (rows->start + limit) / 64 * 64; /* the next one begins at a word */
    }
    rows->first = rows->start / 64 * 64;
}

static void move_behind(const table_scan *scan, table_source *source, const piece *rows)
{
    uint32_t before = rows->number * VECTOR_SIZE;
    if (scan->descending)
        source->to = before + rows->start;
    else
        source->from = before + rows->end;
}

static base_status may_match(const table_source *source, uint32_t number, bool *may,
                             base_error *error)
{
    *may = true;
    if (source->range_count == 0)
        return BASE_OK;
    *may = col_group_may_match(source->volume->data, number / COL_GROUP_VECTORS, source->ranges,
                               source->range_count);
    if (!*may)
        return BASE_OK;
    return col_vector_may_match(source->volume->data, number, source->ranges, source->range_count,
                                may, error);
}

/* Rows of the piece that no mark hides, as positions of what is decoded, which rise: when
 * descending they count from its end. 0: none. `*all`: everything that is decoded. */
static uint32_t choose_rows(const table_scan *scan, const table_source *source, const piece *rows,
                            uint16_t *selection, bool *all)
{
    uint64_t bits[VECTOR_WORDS];
    uint32_t count = 0;
    memset(bits, 0xFF, sizeof bits);
    bool marked = table_mark_filter(source->volume, rows->number, &scan->snapshot, bits);
    *all = !marked && rows->start == rows->first;
    if (*all) /* nearly always: nobody looks at the selection */
        return rows->end - rows->first;
    if (scan->descending) {
        for (uint32_t row = rows->end; row > rows->start; row--) {
            selection[count] = (uint16_t)(rows->end - row);
            count += base_bit_get(bits, row - 1);
        }
    } else {
        for (uint32_t row = rows->start; row < rows->end; row++) {
            selection[count] = (uint16_t)(row - rows->first);
            count += base_bit_get(bits, row);
        }
    }
    return count;
}

static base_status read_column(const table_scan *scan, const table_source *source, uint32_t column,
                               const piece *rows, vector *out, base_arena *heap, base_error *error)
{
    const table_relation *relation = scan->relation;
    uint32_t id = table_is_rowid(relation, column) ? COL_ROWID : column;
    int32_t place = col_volume_column(source->volume->data, id);
    if (column == TABLE_STAMP && source->volume->info.last_stamp == 0) {
        /* Loaded: all rows are of the commit that brought the volume. */
        types_value since = {.type = TYPES_OF(UBIGINT)};
        since.cell.uint64 = atomic_load(&source->volume->since);
        vector_set_constant(out, &since);
        return BASE_OK;
    }
    if (place >= 0) {
        uint32_t count = rows->end - rows->first;
        RETURN_IF_ERROR(col_volume_rows(source->volume->data, place,
                                        rows->number * VECTOR_SIZE + rows->first, count, out, heap,
                                        error));
        if (scan->descending)
            vector_reverse(out, count);
        return BASE_OK;
    }
    vector_set_constant(out, &relation->descriptor.columns[column].missing);
    return BASE_OK;
}

base_status table_source_next(const table_reader *reader, table_source *source,
                              const uint32_t *columns, uint32_t column_count, vector_chunk *chunk,
                              uint16_t *selection, base_error *error)
{
    const table_scan *scan = reader->scan;
    if (!source->volume) {
        source->position.limit = reader->limit;
        return row_scan(scan->relation->storage->hot, scan->relation->layout, &scan->snapshot,
                        &source->position, columns, column_count, chunk);
    }
    while (source->from < source->to) {
        piece rows = next_vector(scan, source);
        bool may, all;
        RETURN_IF_ERROR(may_match(source, rows.number, &may, error));
        if (may)
            cut_piece(scan, &rows, reader->limit);
        move_behind(scan, source, &rows);
        if (!may)
            continue;
        uint32_t count = choose_rows(scan, source, &rows, selection, &all);
        if (count == 0)
            continue;
        vector_chunk_reset(chunk);
        for (uint32_t c = 0; c < column_count; c++)
            RETURN_IF_ERROR(read_column(scan, source, columns[c], &rows, &chunk->columns[c],
                                        chunk->heap, error));
        chunk->count = count;
        chunk->selection = all ? NULL : selection;
        return BASE_ROW;
    }
    return BASE_DONE;
}

void table_source_skip(const table_scan *scan, table_source *source, uint64_t *rows)
{
    bool marked = atomic_load_explicit(&source->volume->mark_count, memory_order_acquire) > 0;
    while (*rows && source->from < source->to) {
        piece next = next_vector(scan, source);
        uint16_t selection[VECTOR_SIZE];
        bool all;
        cut_piece(scan, &next, VECTOR_SIZE);
        uint32_t count = next.end - next.start;
        if (!marked && count > *rows) {
            count = (uint32_t)*rows;
            if (scan->descending)
                next.start = next.end - count;
            else
                next.end = next.start + count;
        } else if (marked) {
            next.first = next.start;
            count = choose_rows(scan, source, &next, selection, &all);
        }
        if (count > *rows)
            return;
        *rows -= count;
        move_behind(scan, source, &next);
    }
}
