/*
 * table_history_scan.c - rows as of a commit of the past.
 *
 * A row's version of that time is in one place, or on its way between two: behind its hot row, in
 * the buffer of history, in a volume of rows (whose marks say until when it was alive), or in a
 * history volume. All are read side by side by rowid, and a row that two of them have is given
 * once.
 *
 * Nothing may slip through while it moves. Moves go hot → buffer → history volume and hot →
 * volume → history volume, each copy being there before the original goes. So the buffer is held
 * before the list of history volumes is taken, its new entries are looked at after each batch of
 * hot rows and before any row of that range is given, and a hot row that turns out to be gone is
 * looked for in the volumes as they are then. Volumes are those that the transaction's own
 * snapshot reads; it keeps them, and commits after it do not change who was alive before.
 *
 * Rows are put together one by one: reading the past is for looking up, not for analysis.
 */
#include "store/table/table_history_int.h"
#include "store/table/table_scan_int.h"

struct table_as_of {
    const table_scan *scan;
    table_storage *storage;
    table_history_view view;
    base_arena arena, heap;
    types_cell *cells;
    bool *nulls;
    /* The hot store: rowids of a batch. */
    row_position position;
    vector_chunk batch;
    bool has_batch;
    uint32_t next_hot, hot_count;
    /* Entries of the buffer that may still be given, sorted. */
    const table_history_entry **entries;
    uint32_t next_entry, entry_count, entry_capacity;
    /* Volumes. */
    table_history_cursor *cursors;
    uint32_t cursor_count, cursor_capacity;
    bool has_last;
    int64_t last_rowid;
};

static const types_type rowid_type = TYPES_OF(INTEGER);

/* ---- The buffer ------------------------------------------------------------------------------ */

static base_status look_at_buffer(table_as_of *self, base_error *error)
{
    const table_scan *scan = self->scan;
    const table_history_entry *entry;
    uint32_t before = self->entry_count;
    while (self->view.segment &&
           (entry = table_history_view_next(self->storage, &self->view)) != NULL) {
        if (entry->begin > scan->as_of || entry->end <= scan->as_of || entry->rowid < scan->first ||
            entry->rowid > scan->last || (self->has_last && entry->rowid <= self->last_rowid))
            continue;
        if (!base_grow_array(scan->budget, &self->entries, &self->entry_capacity,
                             self->entry_count + 1, sizeof *self->entries))
            return base_error_no_memory(error);
        self->entries[self->entry_count++] = entry;
    }
    if (self->entry_count > before)
        table_history_sort(self->entries + self->next_entry, self->entry_count - self->next_entry);
    return BASE_OK;
}

/* ---- The hot store --------------------------------------------------------------------------- */

static base_status fill_hot(table_as_of *self, base_error *error)
{
    static const uint32_t rowid = ROW_ROWID;
    const txn_snapshot past = {.sequence = self->scan->as_of};
    const table_relation *relation = self->scan->relation;
    self->next_hot = self->hot_count = 0;
    vector_chunk_reset(&self->batch);
    if (row_scan(self->storage->hot, relation->layout, &past, &self->position, &rowid, 1,
                 &self->batch) == BASE_ROW)
        self->hot_count = self->batch.count;
    return look_at_buffer(self, error);
}

static int64_t hot_rowid(const table_as_of *self)
{
    return ((const int64_t *)self->batch.columns[0].data)[self->next_hot];
}

/* The copy of a volume that was alive then, of the volumes that are there now. */
static base_status read_sealed(table_as_of *self, int64_t rowid, base_error *error)
{
    static const int32_t stamp_place = 1;
    const table_scan *scan = self->scan;
    table_candidates candidates = {table_volumes_of(self->storage), rowid, 0};
    table_volume *volume;
    while ((volume = table_next_candidate(&candidates))) {
        uint32_t position;
        types_cell stamp;
        bool is_null;
        if (atomic_load(&volume->since) & TXN_ID_BIT || atomic_load(&volume->since) == TABLE_NEVER)
            continue;
        base_status status = col_volume_find(volume->data, rowid, &position, error);
        if (status == BASE_NOT_FOUND)
            continue;
        RETURN_IF_ERROR(status);
        RETURN_IF_ERROR(col_volume_read(volume->data, position, &stamp_place, 1, &stamp, &is_null,
                                        NULL, error));
        uint64_t mark = table_mark_get(volume, position);
        uint64_t begin = stamp.uint64 ? stamp.uint64 : atomic_load(&volume->since);
        if (begin > scan->as_of || (mark && !(mark & TXN_ID_BIT) && mark <= scan->as_of))
            continue;
        return table_cold_read(scan->relation, volume, position, rowid, scan->columns,
                               scan->column_count, self->cells, self->nulls, &self->heap, error);
    }
    return BASE_NOT_FOUND;
}

/* The hot row's cells, or NOT_FOUND: it went, or was never alive then. */
static base_status read_hot(table_as_of *self, int64_t rowid, base_error *error)
{
    const table_scan *scan = self->scan;
    base_status status =
        row_read_past(self->storage->hot, scan->relation->layout, scan->as_of, rowid, scan->columns,
                      scan->column_count, self->cells, self->nulls, &self->heap, error);
    if (status != BASE_NOT_FOUND)
        return status;
    RETURN_IF_ERROR(look_at_buffer(self, error));
    return read_sealed(self, rowid, error);
}

/* ---- Volumes --------------------------------------------------------------------------------- */

static base_status add_cursor(table_as_of *self, table_history_kind kind, table_volume *volume,
                              base_error *error)
{
    const table_scan *scan = self->scan;
    const table_history_filter filter = {
        .alive_at = true, .at = scan->as_of, .first_rowid = scan->first, .last_rowid = scan->last};
    if (!base_grow_array(scan->budget, &self->cursors, &self->cursor_capacity,
                         self->cursor_count + 1, sizeof *self->cursors))
        return base_error_no_memory(error);
    table_history_cursor *cursor = &self->cursors[self->cursor_count];
    RETURN_IF_ERROR(
        table_history_open_volume(cursor, kind, scan->relation, volume, &filter, error));
    self->cursor_count++;
    return table_history_next(cursor, error);
}

static base_status open_volumes(table_as_of *self, base_error *error)
{
    const table_scan *scan = self->scan;
    const table_volumes *list = table_volumes_of(self->storage);
    for (uint32_t i = 0; list && i < list->count; i++) {
        if (table_volume_is_visible(list->volumes[i], &scan->snapshot))
            RETURN_IF_ERROR(add_cursor(self, TABLE_HISTORY_COLD, list->volumes[i], error));
    }
    const table_history_list *history = self->view.list;
    for (uint32_t i = 0; history && i < history->count; i++)
        RETURN_IF_ERROR(add_cursor(self, TABLE_HISTORY_VOLUME, history->volumes[i], error));
    return BASE_OK;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* The smallest rowid that some part offers; false: there is none. */
static bool next_rowid(const table_as_of *self, int64_t *rowid)
{
    bool found = false;
    if (self->next_hot < self->hot_count) {
        *rowid = hot_rowid(self);
        found = true;
    }
    if (self->next_entry < self->entry_count &&
        (!found || self->entries[self->next_entry]->rowid < *rowid)) {
        *rowid = self->entries[self->next_entry]->rowid;
        found = true;
    }
    for (uint32_t i = 0; i < self->cursor_count; i++) {
        if (!self->cursors[i].done && (!found || self->cursors[i].rowid < *rowid)) {
            *rowid = self->cursors[i].rowid;
            found = true;
        }
    }
    return found;
}

static base_status read_entry(table_as_of *self, base_error *error)
{
    const table_scan *scan = self->scan;
    const table_history_filter filter = {
        .alive_at = true, .at = scan->as_of, .first_rowid = INT64_MIN, .last_rowid = INT64_MAX};
    table_history_cursor cursor;
    table_history_open_entries(&cursor, scan->relation, self->entries + self->next_entry, 1,
                               &filter);
    RETURN_IF_ERROR(table_history_next(&cursor, error));
    return table_history_read(&cursor, scan->columns, scan->column_count, self->cells, self->nulls,
                              &self->heap, error);
}

/* The version of the row, from the first part that has it; all others pass it by. */
static base_status take_row(table_as_of *self, int64_t rowid, base_error *error)
{
    const table_scan *scan = self->scan;
    base_status status = BASE_NOT_FOUND;
    if (self->next_hot < self->hot_count && hot_rowid(self) == rowid) {
        status = read_hot(self, rowid, error);
        self->next_hot++;
    }
    while (self->next_entry < self->entry_count &&
           self->entries[self->next_entry]->rowid == rowid) {
        if (status == BASE_NOT_FOUND)
            status = read_entry(self, error);
        self->next_entry++;
    }
    for (uint32_t i = 0; i < self->cursor_count; i++) {
        table_history_cursor *cursor = &self->cursors[i];
        while (!cursor->done && cursor->rowid == rowid) {
            if (status == BASE_NOT_FOUND)
                status = table_history_read(cursor, scan->columns, scan->column_count, self->cells,
                                            self->nulls, &self->heap, error);
            if (status != BASE_OK)
                return status;
            RETURN_IF_ERROR(table_history_next(cursor, error));
        }
    }
    self->has_last = true;
    self->last_rowid = rowid;
    return status;
}

static base_status put_row(table_as_of *self, vector_chunk *chunk, base_error *error)
{
    const table_relation *relation = self->scan->relation;
    uint32_t row = chunk->count++;
    for (uint32_t c = 0; c < self->scan->column_count; c++) {
        uint32_t column = self->scan->columns[c];
        types_value value = {table_is_rowid(relation, column)
                                 ? rowid_type
                                 : relation->descriptor.columns[column].type,
                             self->nulls[c], self->cells[c]};
        if (!value.is_null && types_form_of(value.type) == TYPES_FORM_STRING &&
            value.cell.string.length > TYPES_STRING_INLINE) {
            char *copy = base_arena_copy_text(chunk->heap, value.cell.string.far.pointer,
                                              value.cell.string.length);
            if (!copy)
                return base_error_no_memory(error);
            value.cell.string = types_string_of(copy, value.cell.string.length);
        }
        if (value.is_null && !chunk->columns[c].validity)
            vector_make_validity(&chunk->columns[c]);
        vector_put(&chunk->columns[c], row, &value);
    }
    return BASE_OK;
}

base_status table_as_of_next(table_as_of *self, vector_chunk *chunk, base_error *error)
{
    vector_chunk_reset(chunk);
    while (chunk->count < VECTOR_SIZE) {
        while (self->next_hot == self->hot_count && !self->position.done)
            RETURN_IF_ERROR(fill_hot(self, error));
        int64_t rowid;
        if (!next_rowid(self, &rowid)) {
            RETURN_IF_ERROR(look_at_buffer(self, error));
            if (!next_rowid(self, &rowid))
                break;
        }
        base_arena_reset(&self->heap);
        base_status status = take_row(self, rowid, error);
        if (status == BASE_OK)
            status = put_row(self, chunk, error);
        if (status != BASE_OK && status != BASE_NOT_FOUND)
            return status;
    }
    return chunk->count ? BASE_ROW : BASE_DONE;
}

/* ---- Opening --------------------------------------------------------------------------------- */

void table_as_of_close(table_as_of *self)
{
    if (!self)
        return;
    base_budget *budget = self->scan->budget;
    for (uint32_t i = 0; i < self->cursor_count; i++)
        table_history_close(&self->cursors[i]);
    base_free_array(budget, self->cursors, self->cursor_capacity, sizeof *self->cursors);
    base_free_array(budget, self->entries, self->entry_capacity, sizeof *self->entries);
    if (self->has_batch)
        vector_chunk_destroy(&self->batch);
    table_history_view_close(self->storage, &self->view);
    base_arena_destroy(&self->heap);
    base_arena_destroy(&self->arena);
    base_free(budget, self, sizeof *self);
}

base_status table_as_of_open(const table_scan *scan, table_as_of **opened, base_error *error)
{
    table_as_of *self = base_allocate_zeroed(scan->budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->scan = scan;
    self->storage = scan->relation->storage;
    base_arena_init(&self->arena, scan->budget);
    base_arena_init(&self->heap, scan->budget);
    self->position =
        (row_position){.next = scan->first, .last = scan->last, .done = scan->first > scan->last};
    table_history_view_open(self->storage, &self->view);
    self->cells =
        base_arena_allocate_array(&self->arena, scan->column_count + 1, sizeof *self->cells);
    self->nulls =
        base_arena_allocate_array(&self->arena, scan->column_count + 1, sizeof *self->nulls);
    base_status status =
        self->view.segment && self->cells && self->nulls ? BASE_OK : base_error_no_memory(error);
    if (status == BASE_OK)
        status = vector_chunk_init(&self->batch, scan->budget, &rowid_type, 1, error);
    self->has_batch = status == BASE_OK;
    if (status == BASE_OK)
        status = open_volumes(self, error);
    if (status != BASE_OK) {
        table_as_of_close(self);
        return status;
    }
    *opened = self;
    return BASE_OK;
}
