/*
 * table_cold.c - the cold parts of a storage: its volumes, and single rows out of them.
 *
 * The list of volumes only grows, and readers look at it without a lock: they take the count,
 * then the array, which is at least as new. A volume is read by those who see its `since`.
 *
 * Within one storage a row may lie in several volumes, but only one of the copies is without
 * a mark that the snapshot sees; newer volumes are asked first.
 */
#include "store/table/table_int.h"

table_volume *table_volume_at(const table_storage *storage, uint32_t place)
{
    return atomic_load_explicit(&storage->volumes, memory_order_acquire)[place];
}

bool table_volume_is_visible(const table_volume *volume, const txn_snapshot *snapshot)
{
    return txn_sees(snapshot, atomic_load_explicit(&volume->since, memory_order_acquire));
}

static void destroy_volume(table_database *database, table_volume *volume)
{
    base_budget *budget = &database->budget;
    if (volume->data)
        table_volume_discard(database, volume);
    for (uint32_t i = 0; volume->marks && i < volume->vector_count; i++)
        base_free(budget, volume->marks[i], sizeof *volume->marks[i]);
    base_free(budget, volume->marks, volume->vector_count * sizeof *volume->marks);
    col_volume_close(volume->data);
    base_free(budget, volume, sizeof *volume);
}

void table_volumes_destroy(table_storage *storage)
{
    base_budget *budget = &storage->database->budget;
    uint32_t count = table_volume_count(storage);
    for (uint32_t i = 0; i < count; i++)
        destroy_volume(storage->database, table_volume_at(storage, i));
    base_free(budget, atomic_load(&storage->volumes),
              storage->volume_capacity * sizeof(table_volume *));
    while (storage->old_lists) {
        struct table_old_list *old = storage->old_lists;
        storage->old_lists = old->next;
        base_free(budget, old->volumes, old->capacity * sizeof *old->volumes);
        base_free(budget, old, sizeof *old);
    }
    atomic_store(&storage->volumes, NULL);
    atomic_store(&storage->volume_count, 0);
    storage->volume_capacity = 0;
}

/* Room for one more; the volume mutex is held. */
static base_status grow_list(table_storage *storage, base_error *error)
{
    base_budget *budget = &storage->database->budget;
    uint32_t count = table_volume_count(storage), old_capacity = storage->volume_capacity;
    if (count < old_capacity)
        return BASE_OK;
    uint32_t capacity = old_capacity ? old_capacity * 2 : 4;
    table_volume **longer = base_allocate_array(budget, capacity, sizeof *longer);
    struct table_old_list *old = base_allocate(budget, sizeof *old);
    if (!longer || !old) {
        base_free(budget, longer, capacity * sizeof *longer);
        base_free(budget, old, sizeof *old);
        return base_error_no_memory(error);
    }
    table_volume **shorter = atomic_load(&storage->volumes);
    if (count)
        memcpy(longer, shorter, count * sizeof *longer);
    *old = (struct table_old_list){storage->old_lists, shorter, old_capacity};
    storage->old_lists = old;
    storage->volume_capacity = capacity;
    atomic_store_explicit(&storage->volumes, longer, memory_order_release);
    return BASE_OK;
}

base_status table_volume_add(table_storage *storage, cache_file *file,
                             const cache_reference *reference, uint64_t since,
                             table_volume **volume, base_error *error)
{
    base_budget *budget = &storage->database->budget;
    table_volume *self = base_allocate_zeroed(budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->budget = budget;
    os_latch_init(&self->latch);
    atomic_init(&self->since, since);
    base_status status = col_volume_open(file, budget, reference, &self->data, error);
    if (status == BASE_OK) {
        col_volume_describe(self->data, &self->info);
        self->vector_count = (uint32_t)((self->info.row_count + VECTOR_SIZE - 1) / VECTOR_SIZE);
        self->marks = base_allocate_zeroed(budget, self->vector_count * sizeof *self->marks);
        if (!self->marks)
            status = base_error_no_memory(error);
    }
    os_mutex_lock(&storage->volume_mutex);
    if (status == BASE_OK)
        status = grow_list(storage, error);
    if (status == BASE_OK) {
        uint32_t count = table_volume_count(storage);
        atomic_load(&storage->volumes)[count] = self;
        atomic_store_explicit(&storage->volume_count, count + 1, memory_order_release);
    }
    os_mutex_unlock(&storage->volume_mutex);
    if (status != BASE_OK) {
        destroy_volume(storage->database, self);
        return status;
    }
    *volume = self;
    return BASE_OK;
}

uint64_t table_cold_count(const table_storage *storage)
{
    uint64_t rows = 0;
    uint32_t count = table_volume_count(storage);
    for (uint32_t i = 0; i < count; i++) {
        const table_volume *volume = table_volume_at(storage, i);
        if (atomic_load(&volume->since) != TABLE_NEVER)
            rows += volume->info.row_count -
                    BASE_MIN((uint64_t)atomic_load(&volume->mark_count), volume->info.row_count);
    }
    return rows;
}

/* ---- One row --------------------------------------------------------------------------------- */

base_status table_cold_find(table_storage *storage, const txn_snapshot *snapshot, int64_t rowid,
                            bool for_write, table_volume **volume, uint32_t *position,
                            base_error *error)
{
    for (uint32_t i = table_volume_count(storage); i > 0; i--) {
        table_volume *each = table_volume_at(storage, i - 1);
        if (rowid < each->info.first_rowid || rowid > each->info.last_rowid ||
            atomic_load(&each->since) == TABLE_NEVER ||
            (!for_write && !table_volume_is_visible(each, snapshot)))
            continue;
        base_status status = col_volume_find(each->data, rowid, position, error);
        if (status == BASE_NOT_FOUND)
            continue;
        if (status != BASE_OK)
            return status;
        if (for_write ? table_mark_get(each, *position) == TABLE_MARK_ALWAYS
                      : table_mark_hides(each, *position, snapshot))
            continue;
        *volume = each;
        return BASE_OK;
    }
    return BASE_NOT_FOUND;
}

base_status table_cold_read(const table_relation *relation, table_volume *volume, uint32_t position,
                            int64_t rowid, const uint32_t *columns, uint32_t column_count,
                            types_cell *cells, bool *nulls, base_arena *heap, base_error *error)
{
    for (uint32_t c = 0; c < column_count; c++) {
        if (columns[c] == TABLE_ROWID || (int32_t)columns[c] == relation->descriptor.rowid_column) {
            memset(&cells[c], 0, sizeof cells[c]);
            cells[c].int64 = rowid;
            nulls[c] = false;
            continue;
        }
        int32_t place = col_volume_column(volume->data, columns[c]);
        if (place < 0) {
            cells[c] = relation->descriptor.columns[columns[c]].missing.cell;
            nulls[c] = relation->descriptor.columns[columns[c]].missing.is_null;
            continue;
        }
        RETURN_IF_ERROR(
            col_volume_read(volume->data, position, &place, 1, &cells[c], &nulls[c], heap, error));
    }
    return BASE_OK;
}

base_status table_fetch(const table_relation *relation, const txn_snapshot *snapshot, int64_t rowid,
                        const uint32_t *columns, uint32_t column_count, types_cell *cells,
                        bool *nulls, base_arena *hot_heap, base_arena *cold_heap, base_error *error)
{
    table_storage *storage = relation->storage;
    base_status status = row_read(storage->hot, relation->layout, snapshot, rowid, columns,
                                  column_count, cells, nulls, hot_heap, error);
    if (status == BASE_DONE)
        return BASE_NOT_FOUND;
    if (BASE_LIKELY(status != BASE_NOT_FOUND) || table_volume_count(storage) == 0)
        return status;
    table_volume *volume;
    uint32_t position;
    status = table_cold_find(storage, snapshot, rowid, false, &volume, &position, error);
    if (status != BASE_OK)
        return status;
    return table_cold_read(relation, volume, position, rowid, columns, column_count, cells, nulls,
                           cold_heap, error);
}

base_status table_cold_past(const txn_transaction *transaction, table_storage *storage,
                            int64_t rowid, table_past *past, uint64_t *holder, base_error *error)
{
    *past = TABLE_PAST_NONE;
    for (uint32_t i = table_volume_count(storage); i > 0; i--) {
        table_volume *volume = table_volume_at(storage, i - 1);
        uint32_t position;
        if (atomic_load(&volume->since) == TABLE_NEVER || rowid < volume->info.first_rowid ||
            rowid > volume->info.last_rowid)
            continue;
        base_status status = col_volume_find(volume->data, rowid, &position, error);
        if (status == BASE_NOT_FOUND)
            continue;
        if (status != BASE_OK)
            return status;
        uint64_t mark = table_mark_get(volume, position);
        table_past found = TABLE_PAST_DEAD;
        if (mark == TABLE_MARK_ALWAYS)
            continue;
        if (!mark)
            found = table_volume_is_visible(volume, txn_snapshot_of(transaction))
                        ? TABLE_PAST_LIVE
                        : TABLE_PAST_LATER;
        else if (mark & TXN_ID_BIT && mark != txn_id_of(transaction))
            found = TABLE_PAST_HELD;
        if (found == TABLE_PAST_HELD)
            *holder = mark;
        *past = BASE_MAX(*past, found);
    }
    return BASE_OK;
}

/* ---- Versions, for index maintenance --------------------------------------------------------- */

/* Copies in volumes that some snapshot not older than `oldest` may read. */
static base_status visit_cold(const table_relation *relation, int64_t rowid, uint64_t oldest,
                              const uint32_t *columns, uint32_t column_count,
                              const table_visitor *visitor, bool *stop)
{
    table_storage *storage = relation->storage;
    types_cell cells[ROW_VISIT_COLUMNS];
    bool nulls[ROW_VISIT_COLUMNS];
    base_arena heap;
    base_status status = BASE_OK;
    base_arena_init(&heap, &storage->database->budget);
    for (uint32_t i = table_volume_count(storage); i > 0 && !*stop && status == BASE_OK; i--) {
        table_volume *volume = table_volume_at(storage, i - 1);
        uint64_t since = atomic_load(&volume->since);
        uint32_t position;
        if (since == TABLE_NEVER || rowid < volume->info.first_rowid ||
            rowid > volume->info.last_rowid)
            continue;
        status = col_volume_find(volume->data, rowid, &position, NULL);
        if (status == BASE_NOT_FOUND) {
            status = BASE_OK;
            continue;
        }
        uint64_t mark = table_mark_get(volume, position);
        if (mark == TABLE_MARK_ALWAYS || (mark && !(mark & TXN_ID_BIT) && mark <= oldest))
            continue;
        if (status == BASE_OK)
            status = table_cold_read(relation, volume, position, rowid, columns, column_count,
                                     cells, nulls, &heap, NULL);
        /* A version that an open transaction took away counts as that transaction's. */
        if (status == BASE_OK)
            *stop = visitor->cold(visitor->context, mark & TXN_ID_BIT ? mark | ROW_DELETED : since,
                                  cells, nulls);
    }
    base_arena_destroy(&heap);
    return status;
}

typedef struct hot_visit {
    const table_visitor *visitor;
    const table_storage *storage;
    uint64_t placements;
    bool missed;
} hot_visit;

/* Passes versions on. At the end, under the leaf's latch: the row may have gone from here to a
 * volume since those were looked at. */
static bool visit_hot(void *context, uint64_t stamp, const types_cell *cells, const bool *nulls)
{
    hot_visit *self = context;
    if (!cells && atomic_load(&self->storage->placements) != self->placements) {
        self->missed = true;
        return true;
    }
    return self->visitor->hot(self->visitor->context, stamp, cells, nulls);
}

base_status table_visit_versions(const table_relation *relation, int64_t rowid, uint64_t oldest,
                                 const uint32_t *columns, uint32_t column_count,
                                 const table_visitor *visitor)
{
    hot_visit self = {.visitor = visitor, .storage = relation->storage};
    do {
        bool stop = false;
        self.missed = false;
        self.placements = atomic_load(&relation->storage->placements);
        if (visitor->start)
            visitor->start(visitor->context);
        if (table_volume_count(relation->storage) > 0)
            RETURN_IF_ERROR(
                visit_cold(relation, rowid, oldest, columns, column_count, visitor, &stop));
        if (!stop)
            (void)row_visit_versions(relation->storage->hot, relation->layout, rowid, oldest,
                                     columns, column_count, visit_hot, &self);
    } while (self.missed);
    return BASE_OK;
}
