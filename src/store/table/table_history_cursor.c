/*
 * table_history_cursor.c - versions of the past, part by part, by rising rowid and begin.
 *
 * Three kinds of parts: entries of the buffer, sorted; history volumes; and volumes of rows, whose
 * marks say when a version was over. A filter chooses by time. Cells are read only of versions
 * that are wanted.
 */
#include "store/table/table_history_int.h"

static bool passes(const table_history_filter *filter, int64_t rowid, uint64_t begin, uint64_t end)
{
    if (rowid < filter->first_rowid || rowid > filter->last_rowid)
        return false;
    if (filter->alive_at)
        return begin <= filter->at && filter->at < end;
    /* What one transaction loaded and replaced was never anybody's, and would be taken for the
     * version that it made instead, which begins with the same commit. */
    return end != UINT64_MAX && end > filter->horizon && begin < end;
}

static int compare_entries(const void *a, const void *b)
{
    const table_history_entry *left = *(const table_history_entry *const *)a;
    const table_history_entry *right = *(const table_history_entry *const *)b;
    if (left->rowid != right->rowid)
        return left->rowid < right->rowid ? -1 : 1;
    return (left->begin > right->begin) - (left->begin < right->begin);
}

void table_history_sort(const table_history_entry **entries, uint32_t count)
{
    if (count)
        qsort(entries, count, sizeof *entries, compare_entries);
}

void table_history_open_entries(table_history_cursor *cursor, const table_relation *relation,
                                const table_history_entry **entries, uint32_t count,
                                const table_history_filter *filter)
{
    *cursor = (table_history_cursor){.kind = TABLE_HISTORY_ENTRIES,
                                     .relation = relation,
                                     .filter = *filter,
                                     .entries = entries,
                                     .entry_count = count};
}

base_status table_history_open_volume(table_history_cursor *cursor, table_history_kind kind,
                                      const table_relation *relation, table_volume *volume,
                                      const table_history_filter *filter, base_error *error)
{
    static const types_type types[] = {TYPES_OF(INTEGER), TYPES_OF(UBIGINT), TYPES_OF(UBIGINT)};
    *cursor = (table_history_cursor){
        .kind = kind, .relation = relation, .filter = *filter, .volume = volume};
    RETURN_IF_ERROR(vector_chunk_init(&cursor->chunk, volume->budget, types, 3, error));
    cursor->has_chunk = true;
    return BASE_OK;
}

void table_history_close(table_history_cursor *cursor)
{
    if (cursor->has_chunk)
        vector_chunk_destroy(&cursor->chunk);
    cursor->has_chunk = false;
}

/* ---- Volumes --------------------------------------------------------------------------------- */

static base_status decode(table_history_cursor *cursor, uint32_t id, uint32_t place,
                          base_error *error)
{
    int32_t column = col_volume_column(cursor->volume->data, id);
    if (column < 0)
        return table_corrupt("a history volume", error);
    vector *out = &cursor->chunk.columns[place];
    RETURN_IF_ERROR(col_volume_vector(cursor->volume->data, column, cursor->vector_number, out,
                                      &cursor->count, cursor->chunk.heap, error));
    if (out->validity)
        return table_corrupt("a history volume", error);
    uint16_t rows[VECTOR_SIZE];
    for (uint32_t i = 0; i < cursor->count; i++)
        rows[i] = (uint16_t)i;
    vector_flatten(out, rows, cursor->count);
    return BASE_OK;
}

static base_status next_vector(table_history_cursor *cursor, base_error *error)
{
    bool is_cold = cursor->kind == TABLE_HISTORY_COLD;
    vector_chunk_reset(&cursor->chunk);
    RETURN_IF_ERROR(decode(cursor, is_cold ? COL_ROWID : TABLE_HISTORY_ROWID, 0, error));
    RETURN_IF_ERROR(decode(cursor, COL_STAMP, 1, error));
    if (!is_cold)
        RETURN_IF_ERROR(decode(cursor, TABLE_HISTORY_END, 2, error));
    cursor->rowids = cursor->chunk.columns[0].data;
    cursor->begins = cursor->chunk.columns[1].data;
    cursor->ends = cursor->chunk.columns[2].data;
    if (is_cold) {
        table_mark_copy(cursor->volume, cursor->vector_number, cursor->ends);
        /* A volume that was loaded: all rows are of one commit. */
        uint64_t since = atomic_load(&cursor->volume->since);
        for (uint32_t i = 0; i < cursor->count; i++)
            cursor->begins[i] = cursor->begins[i] ? cursor->begins[i] : since;
    }
    cursor->position = cursor->vector_number * VECTOR_SIZE;
    cursor->vector_number++;
    cursor->next = 0;
    return BASE_OK;
}

static base_status next_in_volume(table_history_cursor *cursor, base_error *error)
{
    for (;;) {
        for (; cursor->next < cursor->count; cursor->next++) {
            uint32_t i = cursor->next;
            if (!passes(&cursor->filter, cursor->rowids[i], cursor->begins[i], cursor->ends[i]))
                continue;
            cursor->rowid = cursor->rowids[i];
            cursor->begin = cursor->begins[i];
            cursor->end = cursor->ends[i];
            cursor->position = (cursor->vector_number - 1) * VECTOR_SIZE + i;
            cursor->next++;
            return BASE_OK;
        }
        if (cursor->vector_number == cursor->volume->vector_count) {
            cursor->done = true;
            return BASE_OK;
        }
        RETURN_IF_ERROR(next_vector(cursor, error));
    }
}

/* ---- Entries --------------------------------------------------------------------------------- */

base_status table_history_next(table_history_cursor *cursor, base_error *error)
{
    if (cursor->kind != TABLE_HISTORY_ENTRIES)
        return next_in_volume(cursor, error);
    while (cursor->next_entry < cursor->entry_count) {
        const table_history_entry *entry = cursor->entries[cursor->next_entry++];
        if (!passes(&cursor->filter, entry->rowid, entry->begin, entry->end))
            continue;
        cursor->rowid = entry->rowid;
        cursor->begin = entry->begin;
        cursor->end = entry->end;
        return BASE_OK;
    }
    cursor->done = true;
    return BASE_OK;
}

static void read_entry(const table_history_cursor *cursor, const uint32_t *columns,
                       uint32_t column_count, types_cell *cells, bool *nulls)
{
    const table_history_entry *entry = cursor->entries[cursor->next_entry - 1];
    const table_descriptor *descriptor = &cursor->relation->descriptor;
    for (uint32_t c = 0; c < column_count; c++) {
        uint32_t column = columns[c];
        nulls[c] = false;
        if (table_is_rowid(cursor->relation, column)) {
            cells[c].int64 = entry->rowid;
        } else if (column < entry->column_count) {
            cells[c] = entry->cells[column];
            nulls[c] = entry->nulls[column];
        } else { /* added later */
            cells[c] = descriptor->columns[column].missing.cell;
            nulls[c] = descriptor->columns[column].missing.is_null;
        }
    }
}

base_status table_history_read(const table_history_cursor *cursor, const uint32_t *columns,
                               uint32_t column_count, types_cell *cells, bool *nulls,
                               base_arena *heap, base_error *error)
{
    if (cursor->kind == TABLE_HISTORY_ENTRIES) {
        read_entry(cursor, columns, column_count, cells, nulls);
        return BASE_OK;
    }
    return table_cold_read(cursor->relation, cursor->volume, cursor->position, cursor->rowid,
                           columns, column_count, cells, nulls, heap, error);
}

table_history_cursor *table_history_first(table_history_cursor *cursors, uint32_t count)
{
    table_history_cursor *first = NULL;
    for (uint32_t i = 0; i < count; i++) {
        table_history_cursor *each = &cursors[i];
        if (each->done)
            continue;
        if (!first || each->rowid < first->rowid ||
            (each->rowid == first->rowid && each->begin < first->begin))
            first = each;
    }
    return first;
}
