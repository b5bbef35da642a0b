/*
 * table_cursor.c - rows in the order of an index.
 *
 * The index gives candidates; the row decides. For each entry the version that the snapshot
 * sees is fetched together with the key's columns, the key is built again, and the row is
 * given only if it is the entry's: an entry may belong to an older or a newer version, and
 * the right version has an entry of its own.
 */
#include "store/table/table_int.h"

enum {
    FIRST_AHEAD = 4, /* entries that next_row reads at once after a seek; twice as many each time */
    MOST_AHEAD = 64,
};

struct table_index_cursor {
    base_budget *budget;
    txn_transaction *transaction;
    table_relation *handle;   /* the caller's */
    table_relation *relation; /* resolved, pinned */
    table_index *index;
    index_set_cursor *entries;
    bool descending;
    uint32_t column_count; /* what the caller asked for */
    uint32_t fetch_count;  /* the parts of the key, and what else was asked for */
    uint32_t *fetch;       /* columns */
    uint32_t *places;      /* in `fetch`, of what was asked for */
    types_cell *cells;     /* as `fetch` */
    bool *nulls;
    uint32_t room; /* entries of these arrays */
    base_buffer key;
    base_arena heap;          /* strings of the row looked at by next_row */
    const index_entry *batch; /* read ahead by next_row */
    uint32_t batch_count, batch_next;
    uint32_t ahead; /* entries of the next batch */
};

static size_t cursor_size(uint32_t room)
{
    return sizeof(table_index_cursor) +
           room * (sizeof(types_cell) + 2 * sizeof(uint32_t) + sizeof(bool)) + 16;
}

/* The key's columns, which decide about an entry, and behind them those asked for that are none. */
static void choose_columns(table_index_cursor *self, const uint32_t *columns)
{
    self->fetch_count = self->index->descriptor.part_count;
    memcpy(self->fetch, self->index->key_columns, self->fetch_count * sizeof *columns);
    for (uint32_t c = 0; c < self->column_count; c++) {
        uint32_t place = 0;
        while (place < self->fetch_count && self->fetch[place] != columns[c])
            place++;
        self->fetch[place] = columns[c];
        self->fetch_count += place == self->fetch_count;
        self->places[c] = place;
    }
}

base_status table_index_cursor_create(txn_transaction *transaction, table_relation *relation,
                                      table_index *index, const table_key_range *range,
                                      bool descending, const uint32_t *columns,
                                      uint32_t column_count, table_index_cursor **cursor,
                                      base_error *error)
{
    table_relation *handle = relation;
    uint64_t index_id = index->descriptor.id;
    RETURN_IF_ERROR(table_resolve(transaction, relation, &relation, error));
    index = table_index_by_id(relation, index_id);
    if (!index)
        return table_changed(transaction, error);
    base_budget *budget = table_database_budget(table_database_of(transaction));
    uint32_t room = column_count + index->descriptor.part_count;
    table_index_cursor *self = base_allocate_zeroed(budget, cursor_size(room));
    if (!self)
        return base_error_no_memory(error);
    self->budget = budget;
    self->transaction = transaction;
    self->handle = handle;
    self->relation = relation;
    atomic_fetch_add_explicit(&relation->references, 1, memory_order_relaxed);
    self->index = index;
    self->descending = descending;
    self->column_count = column_count;
    self->room = room;
    char *behind = (char *)BASE_ALIGN_UP((uintptr_t)(self + 1), (uintptr_t)16);
    self->cells = (types_cell *)(void *)behind;
    self->fetch = (uint32_t *)(void *)(self->cells + room);
    self->places = self->fetch + room;
    self->nulls = (bool *)(self->places + room);
    choose_columns(self, columns);
    base_buffer_init(&self->key, budget);
    base_arena_init(&self->heap, budget);
    base_status status = table_index_need(index, relation, error);
    if (status == BASE_OK)
        status = index_set_cursor_create(index->entries, &self->entries, error);
    if (status == BASE_OK)
        status = table_index_cursor_seek(self, range, error);
    if (status != BASE_OK) {
        table_index_cursor_destroy(self);
        return status;
    }
    *cursor = self;
    return BASE_OK;
}

base_status table_index_cursor_seek(table_index_cursor *cursor, const table_key_range *range,
                                    base_error *error)
{
    index_range bounds = {range->low, range->high, range->low_inclusive, range->high_inclusive};
    /* Bounds of an index of one part are whole keys; of several, they may be prefixes. */
    bool whole_key = cursor->index->descriptor.part_count == 1 && range->low.data &&
                     range->low_inclusive && range->high_inclusive &&
                     base_text_equal(range->low, range->high);
    cursor->batch_count = cursor->batch_next = 0;
    cursor->ahead = FIRST_AHEAD;
    return index_set_cursor_seek(cursor->entries, &bounds, cursor->descending, whole_key, error);
}

base_status table_index_cursor_rebind(table_index_cursor *cursor, txn_transaction *transaction,
                                      base_error *error)
{
    table_relation *relation;
    RETURN_IF_ERROR(table_resolve(transaction, cursor->handle, &relation, error));
    cursor->transaction = transaction;
    cursor->batch_count = cursor->batch_next = 0;
    if (BASE_LIKELY(relation == cursor->relation))
        return BASE_OK;
    table_index *index = table_index_by_id(relation, cursor->index->descriptor.id);
    if (!index)
        return table_changed(transaction, error);
    index_set_cursor *entries;
    RETURN_IF_ERROR(table_index_need(index, relation, error));
    RETURN_IF_ERROR(index_set_cursor_create(index->entries, &entries, error));
    index_set_cursor_destroy(cursor->entries);
    atomic_fetch_add_explicit(&relation->references, 1, memory_order_relaxed);
    table_release(cursor->relation);
    cursor->relation = relation;
    cursor->index = index;
    cursor->entries = entries;
    return BASE_OK;
}

void table_index_cursor_destroy(table_index_cursor *cursor)
{
    if (!cursor)
        return;
    index_set_cursor_destroy(cursor->entries);
    table_release(cursor->relation);
    base_buffer_destroy(&cursor->key);
    base_arena_destroy(&cursor->heap);
    base_free(cursor->budget, cursor, cursor_size(cursor->room));
}

/* Fetches the entry's row; NOT_FOUND when the entry is not for this snapshot. */
static base_status fetch(table_index_cursor *cursor, const index_entry *entry, base_arena *heap,
                         base_error *error)
{
    RETURN_IF_ERROR(table_fetch(cursor->relation, txn_snapshot_of(cursor->transaction),
                                entry->rowid, cursor->fetch, cursor->fetch_count, cursor->cells,
                                cursor->nulls, NULL, heap, error));
    const table_index *index = cursor->index;
    unsigned char fixed[VECTOR_KEY_FIXED];
    base_buffer *key = &cursor->key;
    base_text row_key = {(const char *)fixed, 0};
    if (index->descriptor.part_count == 1) /* the usual case, without a buffer */
        row_key.length = vector_key_fixed(index->key_parts, cursor->cells, cursor->nulls[0], fixed);
    if (row_key.length == 0) {
        RETURN_IF_ERROR(table_key_build(index, cursor->cells, cursor->nulls, key, error));
        row_key = (base_text){key->data, key->length};
    }
    return base_text_equal(row_key, entry->key) ? BASE_OK : BASE_NOT_FOUND;
}

static void emit(const table_index_cursor *cursor, vector_chunk *chunk)
{
    uint32_t row = chunk->count++;
    for (uint32_t c = 0; c < cursor->column_count; c++) {
        vector *column = &chunk->columns[c];
        uint32_t size = types_form_size(column->form), place = cursor->places[c];
        if (cursor->nulls[place]) {
            if (!column->validity)
                vector_make_validity(column);
            vector_set_null(column, row);
        } else {
            memcpy((unsigned char *)column->data + (size_t)row * size, &cursor->cells[place], size);
        }
    }
}

base_status table_index_cursor_next(table_index_cursor *cursor, uint32_t limit, vector_chunk *chunk,
                                    base_error *error)
{
    BASE_ASSERT(chunk->column_count >= cursor->column_count && limit > 0);
    limit = BASE_MIN(limit, VECTOR_SIZE);
    vector_chunk_reset(chunk);
    while (chunk->count < limit) {
        const index_entry *entries;
        uint32_t count;
        base_status status =
            index_set_cursor_next(cursor->entries, limit - chunk->count, &entries, &count, error);
        if (status == BASE_DONE)
            break;
        if (status != BASE_ROW)
            return status;
        for (uint32_t i = 0; i < count; i++) {
            status = fetch(cursor, &entries[i], chunk->heap, error);
            if (status == BASE_OK)
                emit(cursor, chunk);
            else if (status != BASE_NOT_FOUND)
                return status;
        }
    }
    return chunk->count ? BASE_ROW : BASE_DONE;
}

/* Strings that point into the store move to the caller's heap. */
static base_status give_cells(const table_index_cursor *cursor, types_cell *cells, bool *nulls,
                              base_arena *heap, base_error *error)
{
    for (uint32_t c = 0; c < cursor->column_count; c++) {
        uint32_t place = cursor->places[c], column = cursor->fetch[place];
        nulls[c] = cursor->nulls[place];
        cells[c] = cursor->cells[place];
        if (nulls[c] || column == TABLE_ROWID ||
            types_form_of(cursor->relation->descriptor.columns[column].type) != TYPES_FORM_STRING ||
            cells[c].string.length <= TYPES_STRING_INLINE)
            continue;
        char *copy = base_arena_allocate(heap, cells[c].string.length);
        if (!copy)
            return base_error_no_memory(error);
        memcpy(copy, cells[c].string.far.pointer, cells[c].string.length);
        cells[c].string.far.pointer = copy;
    }
    return BASE_OK;
}

base_status table_index_cursor_next_row(table_index_cursor *cursor, types_cell *cells, bool *nulls,
                                        base_arena *heap, base_error *error)
{
    for (;;) {
        if (cursor->batch_next == cursor->batch_count) {
            cursor->batch_next = cursor->batch_count = 0;
            base_status status = index_set_cursor_next(cursor->entries, cursor->ahead,
                                                       &cursor->batch, &cursor->batch_count, error);
            cursor->ahead = BASE_MIN(cursor->ahead * 2, (uint32_t)MOST_AHEAD);
            if (status != BASE_ROW)
                return status;
        }
        base_arena_reset(&cursor->heap);
        base_status status =
            fetch(cursor, &cursor->batch[cursor->batch_next++], &cursor->heap, error);
        if (status == BASE_NOT_FOUND)
            continue;
        if (status != BASE_OK)
            return status;
        RETURN_IF_ERROR(give_cells(cursor, cells, nulls, heap, error));
        return BASE_ROW;
    }
}
