/*
 * table_cold.c - single rows out of a storage's volumes.
 *
 * Of a row's copies in the volumes that a snapshot reads at most one is without a mark that the
 * snapshot sees, so the order in which runs are asked does not matter.
 */
#include "store/table/table_int.h"

/* ---- One row --------------------------------------------------------------------------------- */

base_status table_cold_find(table_storage *storage, const txn_snapshot *snapshot, int64_t rowid,
                            bool for_write, table_volume **volume, uint32_t *position,
                            base_error *error)
{
    table_candidates candidates = {table_volumes_of(storage), rowid, 0};
    table_volume *each;
    while ((each = table_next_candidate(&candidates))) {
        if (for_write
                ? atomic_load(&each->since) == TABLE_NEVER || table_volume_is_past(each, snapshot)
                : !table_volume_is_visible(each, snapshot))
            continue;
        base_status status = col_volume_find(each->data, rowid, position, error);
        if (status == BASE_NOT_FOUND)
            continue;
        RETURN_IF_ERROR(status);
        uint64_t mark = table_mark_get(each, *position);
        if (mark && (for_write ? !(mark & TXN_ID_BIT) : txn_sees(snapshot, mark)))
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
    if (BASE_LIKELY(status != BASE_NOT_FOUND) || !table_has_volumes(storage))
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
    const txn_snapshot *snapshot = txn_snapshot_of(transaction);
    table_candidates candidates = {table_volumes_of(storage), rowid, 0};
    table_volume *volume;
    while ((volume = table_next_candidate(&candidates))) {
        uint32_t position;
        if (atomic_load(&volume->since) == TABLE_NEVER)
            continue;
        base_status status = col_volume_find(volume->data, rowid, &position, error);
        if (status == BASE_NOT_FOUND)
            continue;
        if (status != BASE_OK)
            return status;
        uint64_t mark = table_mark_get(volume, position);
        table_past found = TABLE_PAST_DEAD;
        /* What is not marked in a volume of the past has a copy in another. */
        if (mark == TABLE_MARK_ALWAYS || (!mark && table_volume_is_past(volume, snapshot)))
            continue;
        if (!mark)
            found = table_volume_is_visible(volume, snapshot) ? TABLE_PAST_LIVE : TABLE_PAST_LATER;
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
    table_candidates candidates = {table_volumes_of(storage), rowid, 0};
    table_volume *volume;
    while (!*stop && status == BASE_OK && (volume = table_next_candidate(&candidates))) {
        uint64_t since = atomic_load(&volume->since), until = atomic_load(&volume->until);
        uint32_t position;
        /* What nobody reads any more has a copy in a volume that is read. */
        if (since == TABLE_NEVER || (until != TABLE_NEVER && until <= oldest))
            continue;
        status = col_volume_find(volume->data, rowid, &position, NULL);
        if (status == BASE_NOT_FOUND) {
            status = BASE_OK;
            continue;
        }
        if (status != BASE_OK)
            break;
        uint64_t mark = table_mark_get(volume, position);
        if (mark == TABLE_MARK_ALWAYS || (mark && !(mark & TXN_ID_BIT) && mark <= oldest))
            continue;
        status = table_cold_read(relation, volume, position, rowid, columns, column_count, cells,
                                 nulls, &heap, NULL);
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

static base_status visit_all(const table_relation *relation, int64_t rowid, uint64_t oldest,
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
        if (table_has_volumes(relation->storage))
            RETURN_IF_ERROR(
                visit_cold(relation, rowid, oldest, columns, column_count, visitor, &stop));
        if (!stop)
            (void)row_visit_versions(relation->storage->hot, relation->layout, rowid, oldest,
                                     columns, column_count, visit_hot, &self);
    } while (self.missed);
    return BASE_OK;
}

base_status table_visit_versions(const table_relation *relation, int64_t rowid, uint64_t oldest,
                                 const uint32_t *columns, uint32_t column_count,
                                 const table_visitor *visitor)
{
    /* Undo that is released looks at rows without a snapshot that would keep volumes. Held while
     * they are read, too: only the end of a volume waits, and nobody waits for that. */
    os_latch_lock_shared(&relation->storage->visitor_latch);
    base_status status = visit_all(relation, rowid, oldest, columns, column_count, visitor);
    os_latch_unlock_shared(&relation->storage->visitor_latch);
    return status;
}
