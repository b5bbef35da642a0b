/*
 * table_loader_sort.c - bulk loading of rows whose rowids do not rise.
 *
 * A batch that was held in memory is sorted by rowid and becomes a volume of its own. It may lie
 * among rows that are there, so every rowid is looked up: in the hot store by range first, as most
 * batches meet nothing there; in the volumes by walking through their rowids beside those of
 * the batch. A rowid that the hot store knows, be it deleted, goes through the hot store, which
 * decides: a version there would hide the row of a volume (docs/STORAGE.md, "Who sees what").
 *
 * Volumes of one load may overlap; merging makes one of them.
 */
#include "store/table/table_loader_int.h"

typedef struct sort_entry {
    int64_t rowid;
    uint32_t chunk;
    uint16_t row;
    bool hot;
} sort_entry;

static int compare_entries(const void *a, const void *b)
{
    const sort_entry *left = a, *right = b;
    return (left->rowid > right->rowid) - (left->rowid < right->rowid);
}

static base_status refuse(table_conflict *conflict, int64_t rowid, base_error *error)
{
    if (conflict)
        *conflict = (table_conflict){.rowid = rowid};
    return base_error_set(error, BASE_UNIQUE_VIOLATION, "a row with rowid %lld already exists",
                          (long long)rowid);
}

static base_status sort_rows(const table_loader *self, sort_entry *entries,
                             table_conflict *conflict, base_error *error)
{
    uint32_t count = 0;
    for (uint32_t c = 0; c < self->held_count; c++) {
        const table_held *held = self->held[c];
        for (uint32_t r = 0; r < held->rows.count; r++)
            entries[count++] = (sort_entry){held->rowids[r], c, (uint16_t)r, false};
    }
    qsort(entries, count, sizeof *entries, compare_entries);
    for (uint32_t i = 1; i < count; i++) {
        if (entries[i].rowid == entries[i - 1].rowid)
            return refuse(conflict, entries[i].rowid, error);
    }
    return BASE_OK;
}

/* ---- Rows that are there --------------------------------------------------------------------- */

static void find_hot(const row_tree *hot, sort_entry *entries, uint32_t count)
{
    if (count == 0 || !row_tree_has_rows(hot, entries[0].rowid, entries[count - 1].rowid))
        return;
    if (count == 1) {
        entries[0].hot = true;
        return;
    }
    find_hot(hot, entries, count / 2);
    find_hot(hot, entries + count / 2, count - count / 2);
}

/* A copy in a volume refuses the rowid unless a mark took it away. The relation is locked, so a
 * mark is the transaction's own or committed. */
static base_status check_position(const table_loader *self, table_volume *volume, uint32_t position,
                                  int64_t rowid, table_conflict *conflict, base_error *error)
{
    if (table_mark_get(volume, position))
        return BASE_OK;
    if (!table_volume_is_visible(volume, txn_snapshot_of(self->transaction)))
        return table_row_changed(self->transaction, error);
    return refuse(conflict, rowid, error);
}

/* Entries and the volume's rowids both rise: one walk finds what is in both. */
static base_status check_volume(const table_loader *self, table_volume *volume, vector *rowids,
                                base_arena *heap, const sort_entry *entries, uint32_t count,
                                table_conflict *conflict, base_error *error)
{
    int32_t place = col_volume_column(volume->data, COL_ROWID);
    uint32_t entry = 0, loaded = UINT32_MAX, length = 0;
    while (entry < count && entries[entry].rowid <= volume->info.last_rowid) {
        uint32_t position;
        RETURN_IF_ERROR(
            col_volume_lower_bound(volume->data, entries[entry].rowid, &position, error));
        uint32_t number = position / VECTOR_SIZE;
        if (number != loaded)
            RETURN_IF_ERROR(
                col_volume_vector(volume->data, place, number, rowids, &length, heap, error));
        loaded = number;
        const int64_t *values = rowids->data;
        for (uint32_t i = position % VECTOR_SIZE; i < length && entry < count;) {
            if (values[i] < entries[entry].rowid) {
                i++;
                continue;
            }
            if (values[i] == entries[entry].rowid && !entries[entry].hot)
                RETURN_IF_ERROR(check_position(self, volume, number * VECTOR_SIZE + i, values[i],
                                               conflict, error));
            entry++;
        }
    }
    return BASE_OK;
}

static base_status check_volumes(const table_loader *self, const sort_entry *entries,
                                 uint32_t count, table_conflict *conflict, base_error *error)
{
    base_budget *budget = &self->database->budget;
    const table_storage *storage = self->relation->storage;
    vector rowids;
    base_arena heap;
    RETURN_IF_ERROR(vector_init(&rowids, budget, TYPES_OF(INTEGER), error));
    base_arena_init(&heap, budget);
    base_status status = BASE_OK;
    const table_volumes *list = table_volumes_of(storage);
    for (uint32_t i = 0; list && i < list->count && status == BASE_OK; i++) {
        table_volume *volume = list->volumes[i];
        if (atomic_load(&volume->since) == TABLE_NEVER ||
            table_volume_is_past(volume, txn_snapshot_of(self->transaction)) ||
            volume->info.first_rowid > entries[count - 1].rowid)
            continue;
        status = check_volume(self, volume, &rowids, &heap, entries, count, conflict, error);
    }
    base_arena_destroy(&heap);
    vector_destroy(&rowids, budget);
    return status;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static base_status flush(table_loader *self, vector_chunk *rows, int64_t *rowids, bool hot,
                         table_conflict *conflict, base_error *error)
{
    if (rows->count == 0)
        return BASE_OK;
    base_status status = hot ? table_load_hot(self, rows, rowids, false, conflict, error)
                             : table_load_rising(self, rows, rowids, error);
    vector_chunk_reset(rows);
    rows->count = 0;
    return status;
}

/* Gathers the entries that go the one or the other way, in order. */
static base_status write_entries(table_loader *self, const sort_entry *entries, uint32_t count,
                                 bool hot, table_conflict *conflict, base_error *error)
{
    int64_t rowids[VECTOR_SIZE];
    vector_chunk rows;
    RETURN_IF_ERROR(
        vector_chunk_init(&rows, &self->database->budget, self->types, self->stored_count, error));
    base_status status = BASE_OK;
    for (uint32_t i = 0; i < count && status == BASE_OK; i++) {
        if (entries[i].hot != hot)
            continue;
        const table_held *held = self->held[entries[i].chunk];
        for (uint32_t c = 0; c < self->stored_count && status == BASE_OK; c++)
            status = vector_copy(&rows.columns[c], rows.count, &held->rows.columns[c],
                                 &entries[i].row, 1, NULL, error);
        rowids[rows.count++] = entries[i].rowid;
        if (status == BASE_OK && rows.count == VECTOR_SIZE)
            status = flush(self, &rows, rowids, hot, conflict, error);
    }
    if (status == BASE_OK)
        status = flush(self, &rows, rowids, hot, conflict, error);
    vector_chunk_destroy(&rows);
    return status;
}

base_status table_load_sorted(table_loader *self, table_conflict *conflict, base_error *error)
{
    uint32_t count = (uint32_t)self->held_rows;
    sort_entry *entries = base_allocate_array(&self->budget, count, sizeof *entries);
    if (!entries)
        return base_error_no_memory(error);
    base_status status = sort_rows(self, entries, conflict, error);
    if (status == BASE_OK) {
        find_hot(self->relation->storage->hot, entries, count);
        status = check_volumes(self, entries, count, conflict, error);
    }
    if (status == BASE_OK)
        status = write_entries(self, entries, count, true, conflict, error);
    if (status == BASE_OK)
        status = write_entries(self, entries, count, false, conflict, error);
    if (status == BASE_OK)
        status = table_load_finish_volume(self, error);
    base_free_array(&self->budget, entries, count, sizeof *entries);
    return status;
}
