/*
 * table_write.c - insert, update and delete: rows, then index entries, then the log.
 *
 * A statement's atomicity is the caller's mark. Here a row is all or nothing where the caller
 * may go on after a refusal (INSERT OR IGNORE): a row that a unique index refuses is taken
 * back at once, so "earlier ones are written" holds exactly.
 *
 * Whole chunks go to the rows column by column when no unique index can refuse a row in the
 * middle; else row by row.
 */
#include "store/table/table_bytes_int.h"

/* ---- Rowids -------------------------------------------------------------------------------- */

base_status table_choose_rowids(table_storage *storage, int64_t *rowids, uint32_t count,
                                base_error *error)
{
    int64_t first = atomic_load_explicit(&storage->next_rowid, memory_order_relaxed);
    do {
        if (first > INT64_MAX - (int64_t)count)
            return base_error_set(error, BASE_LIMIT, "the table has no free rowids left");
    } while (!atomic_compare_exchange_weak_explicit(&storage->next_rowid, &first,
                                                    first + (int64_t)count, memory_order_relaxed,
                                                    memory_order_relaxed));
    for (uint32_t i = 0; i < count; i++)
        rowids[i] = first + (int64_t)i;
    return BASE_OK;
}

/* Given rowids must not be chosen again. */
void table_note_rowid(table_storage *storage, int64_t rowid)
{
    int64_t next = rowid == INT64_MAX ? INT64_MAX : rowid + 1;
    int64_t known = atomic_load_explicit(&storage->next_rowid, memory_order_relaxed);
    while (known < next &&
           !atomic_compare_exchange_weak_explicit(&storage->next_rowid, &known, next,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

static base_status refuse_rowid(table_conflict *conflict, int64_t rowid, base_error *error)
{
    if (conflict) {
        conflict->index_id = 0;
        conflict->rowid = rowid;
    }
    return base_error_set(error, BASE_UNIQUE_VIOLATION, "a row with rowid %lld already exists",
                          (long long)rowid);
}

/* ---- Insert ---------------------------------------------------------------------------------- */

/* The new hot row is there and holds the rowid; does a volume have a row of that number? One that
 * the snapshot does not read yet was loaded by a commit since: the rows of a sealed one are
 * still in the hot store, which has decided already, or are stale. */
static base_status check_past(txn_transaction *transaction, table_relation *relation, int64_t rowid,
                              bool *has_past, uint64_t *holder, table_conflict *conflict,
                              base_error *error)
{
    table_past past;
    RETURN_IF_ERROR(table_cold_past(transaction, relation->storage, rowid, &past, holder, error));
    *has_past |= past != TABLE_PAST_NONE;
    if (past == TABLE_PAST_LATER)
        return table_row_changed(transaction, error);
    return past == TABLE_PAST_LIVE ? refuse_rowid(conflict, rowid, error) : BASE_OK;
}

/* Row and entries; nothing is left of a row that is refused, or that must wait for `*holder`
 * (0: it need not). */
static base_status try_insert(txn_transaction *transaction, table_relation *relation, int64_t rowid,
                              const types_cell *cells, const bool *nulls, bool may_be_cold,
                              uint64_t *holder, table_conflict *conflict, base_error *error)
{
    row_tree *hot = relation->storage->hot;
    bool over_deleted;
    uint64_t before = txn_undo_position(transaction);
    *holder = 0;
    base_status status = row_insert(transaction, hot, relation->layout, rowid, cells, nulls,
                                    table_hook_of(relation), &over_deleted, error);
    if (status == BASE_UNIQUE_VIOLATION)
        return refuse_rowid(conflict, rowid, error);
    if (status != BASE_OK)
        return status;
    uint64_t after = txn_undo_position(transaction);
    bool has_past = over_deleted;
    if (may_be_cold)
        status = check_past(transaction, relation, rowid, &has_past, holder, conflict, error);
    if (status == BASE_OK && !*holder && relation->index_count)
        status = table_add_entries(transaction, relation, rowid, cells, nulls, has_past, conflict,
                                   error);
    if (status == BASE_OK && !*holder)
        return BASE_OK;
    txn_undo_back_to(transaction, over_deleted ? before : after);
    if (!over_deleted)
        row_insert_undo(transaction, hot, rowid);
    if (has_past)
        table_drop_entries(relation, rowid, cells, nulls);
    return status;
}

static base_status insert_one(txn_transaction *transaction, table_relation *relation, int64_t rowid,
                              const types_cell *cells, const bool *nulls, bool may_be_cold,
                              table_conflict *conflict, base_error *error)
{
    for (;;) {
        uint64_t holder;
        RETURN_IF_ERROR(try_insert(transaction, relation, rowid, cells, nulls, may_be_cold, &holder,
                                   conflict, error));
        if (BASE_LIKELY(!holder))
            return BASE_OK;
        RETURN_IF_ERROR(txn_wait_for(transaction, holder, error));
    }
}

base_status table_insert_row(txn_transaction *transaction, table_relation *relation,
                             const types_cell *cells, const bool *nulls, int64_t *rowid,
                             bool choose_rowid, table_conflict *conflict, base_error *error)
{
    RETURN_IF_ERROR(table_enter_write(transaction, relation, &relation, error));
    if (choose_rowid)
        RETURN_IF_ERROR(table_choose_rowids(relation->storage, rowid, 1, error));
    else
        table_note_rowid(relation->storage, *rowid);
    if (conflict)
        conflict->row = 0;
    RETURN_IF_ERROR(insert_one(transaction, relation, *rowid, cells, nulls,
                               !choose_rowid && table_has_volumes(relation->storage), conflict,
                               error));
    return table_log_insert(transaction, relation, *rowid, cells, nulls, error);
}

static bool has_unique_index(const table_relation *relation)
{
    for (uint32_t i = 0; i < relation->index_count; i++) {
        if (relation->indexes[i]->descriptor.unique)
            return true;
    }
    return false;
}

/* Room for one row's cells and null flags in a scratch buffer of the transaction. */
static base_status cell_space(txn_transaction *transaction, uint32_t place, uint32_t count,
                              types_cell **cells, bool **nulls, base_error *error)
{
    base_buffer *scratch = txn_scratch_of(transaction, place);
    base_buffer_clear(scratch);
    if (!base_buffer_reserve(scratch, count * (sizeof **cells + sizeof **nulls)))
        return base_error_no_memory(error);
    *cells = (types_cell *)(void *)scratch->data;
    *nulls = (bool *)(*cells + count);
    return BASE_OK;
}

/* Cells of one row of a chunk, by column id. */
static void row_cells(const table_relation *relation, const vector_chunk *rows, uint32_t row,
                      types_cell *cells, bool *nulls)
{
    uint32_t position = vector_row(rows->selection, row);
    for (uint32_t c = 0; c < relation->descriptor.column_count; c++) {
        nulls[c] = true;
        if (relation->descriptor.columns[c].dropped ||
            relation->descriptor.rowid_column == (int32_t)c)
            continue;
        nulls[c] = !vector_load(&rows->columns[c], position, &cells[c]);
    }
}

static base_status insert_by_row(txn_transaction *transaction, table_relation *relation,
                                 const vector_chunk *rows, const int64_t *rowids, bool may_be_cold,
                                 uint32_t *written, table_conflict *conflict, base_error *error)
{
    types_cell *cells = NULL;
    bool *nulls = NULL;
    RETURN_IF_ERROR(
        cell_space(transaction, 2, relation->descriptor.column_count, &cells, &nulls, error));
    for (*written = 0; *written < rows->count; (*written)++) {
        row_cells(relation, rows, *written, cells, nulls);
        RETURN_IF_ERROR(insert_one(transaction, relation, rowids[*written], cells, nulls,
                                   may_be_cold, conflict, error));
    }
    return BASE_OK;
}

/* Entries of the rows [from, end) that went into free places. */
static base_status enter_rows(txn_transaction *transaction, table_relation *relation,
                              const vector_chunk *rows, const int64_t *rowids, uint32_t from,
                              uint32_t end, types_cell *cells, bool *nulls,
                              table_conflict *conflict, base_error *error)
{
    for (uint32_t i = from; i < end && relation->index_count; i++) {
        row_cells(relation, rows, i, cells, nulls);
        RETURN_IF_ERROR(table_add_entries(transaction, relation, rowids[i], cells, nulls, false,
                                          conflict, error));
    }
    return BASE_OK;
}

/* The rows at once, then the entries of those that are in; a row whose place is not free, alone. */
static base_status insert_by_column(txn_transaction *transaction, table_relation *relation,
                                    const vector_chunk *rows, const int64_t *rowids,
                                    uint32_t *written, table_conflict *conflict, base_error *error)
{
    types_cell *cells = NULL;
    bool *nulls = NULL;
    *written = 0;
    RETURN_IF_ERROR(
        cell_space(transaction, 2, relation->descriptor.column_count, &cells, &nulls, error));
    while (*written < rows->count) {
        uint32_t done;
        base_status status =
            row_insert_chunk(transaction, relation->storage->hot, relation->layout, rows, rowids,
                             *written, table_hook_of(relation), &done, error);
        uint32_t from = *written;
        *written += done;
        RETURN_IF_ERROR(status);
        RETURN_IF_ERROR(enter_rows(transaction, relation, rows, rowids, from, *written, cells,
                                   nulls, conflict, error));
        if (*written == rows->count)
            break;
        row_cells(relation, rows, *written, cells, nulls);
        RETURN_IF_ERROR(insert_one(transaction, relation, rowids[*written], cells, nulls, false,
                                   conflict, error));
        ++*written;
    }
    return BASE_OK;
}

base_status table_insert_at(txn_transaction *transaction, table_relation *relation,
                            const vector_chunk *rows, const int64_t *rowids, bool fresh,
                            table_conflict *conflict, base_error *error)
{
    uint32_t written = 0;
    bool may_be_cold = !fresh && table_has_volumes(relation->storage);
    base_status status =
        has_unique_index(relation) || may_be_cold
            ? insert_by_row(transaction, relation, rows, rowids, may_be_cold, &written, conflict,
                            error)
            : insert_by_column(transaction, relation, rows, rowids, &written, conflict, error);
    if (conflict)
        conflict->row = written;
    if (status == BASE_OK || status == BASE_UNIQUE_VIOLATION) {
        base_status logged =
            table_log_insert_chunk(transaction, relation, rows, rowids, written, error);
        if (status == BASE_OK)
            status = logged;
    }
    return status;
}

base_status table_insert(txn_transaction *transaction, table_relation *relation,
                         const vector_chunk *rows, int64_t *rowids, bool choose_rowids_too,
                         table_conflict *conflict, base_error *error)
{
    RETURN_IF_ERROR(table_enter_write(transaction, relation, &relation, error));
    if (choose_rowids_too) {
        RETURN_IF_ERROR(table_choose_rowids(relation->storage, rowids, rows->count, error));
    } else {
        for (uint32_t i = 0; i < rows->count; i++)
            table_note_rowid(relation->storage, rowids[i]);
    }
    return table_insert_at(transaction, relation, rows, rowids, choose_rowids_too, conflict, error);
}

/* ---- Update and delete ----------------------------------------------------------------------- */

/* The row's key columns as they are now, by column id; strings point into the store or lie
 * in `heap`. */
static base_status read_before(txn_transaction *transaction, table_relation *relation,
                               int64_t rowid, types_cell **cells, bool **nulls, base_arena *heap,
                               base_error *error)
{
    uint32_t count = relation->descriptor.column_count, wanted = relation->key_column_count;
    RETURN_IF_ERROR(cell_space(transaction, 2, count + wanted, cells, nulls, error));
    types_cell *read_cells = *cells + count;
    bool *read_nulls = *nulls + count;
    base_status status =
        table_fetch(relation, txn_snapshot_of(transaction), rowid, relation->key_columns, wanted,
                    read_cells, read_nulls, NULL, heap, error);
    for (uint32_t i = 0; status == BASE_OK && i < wanted; i++) {
        (*cells)[relation->key_columns[i]] = read_cells[i];
        (*nulls)[relation->key_columns[i]] = read_nulls[i];
    }
    return status;
}

static base_status not_visible(int64_t rowid, base_error *error)
{
    return base_error_set(error, BASE_INTERNAL, "row %lld to be changed is not visible",
                          (long long)rowid);
}

static bool touches_index(const table_relation *relation, const uint32_t *columns,
                          uint32_t column_count)
{
    for (uint32_t i = 0; i < relation->index_count; i++) {
        if (table_index_has_column(relation->indexes[i], columns, column_count))
            return true;
    }
    return false;
}

/* Marks the copy of a row that lies in a volume. With `sealed` the hot store has the row as
 * well and its latch has decided who may write, so the mark is free. BASE_OK, or NOT_FOUND:
 * no such row is visible. */
static base_status take_cold_row(txn_transaction *transaction, table_relation *relation,
                                 int64_t rowid, bool sealed, table_volume **volume,
                                 uint32_t *position, base_error *error)
{
    table_storage *storage = relation->storage;
    for (;;) {
        uint64_t holder = 0;
        base_status status = table_cold_find(storage, txn_snapshot_of(transaction), rowid, sealed,
                                             volume, position, error);
        if (status == BASE_OK)
            status = table_mark_set(transaction, storage, *volume, *position, rowid, sealed,
                                    &holder, error);
        if (status != BASE_NOT_FOUND || !holder)
            return status;
        RETURN_IF_ERROR(txn_wait_for(transaction, holder, error));
    }
}

/* The row moves to the hot store as a whole, with new values in `columns`. */
static base_status move_to_hot(txn_transaction *transaction, table_relation *relation,
                               int64_t rowid, const uint32_t *columns, uint32_t column_count,
                               const types_cell *cells, const bool *nulls, base_arena *heap,
                               base_error *error)
{
    table_volume *volume;
    uint32_t position, count = relation->descriptor.column_count;
    RETURN_IF_ERROR(take_cold_row(transaction, relation, rowid, false, &volume, &position, error));
    types_cell *row = base_arena_allocate_array(heap, count + 1, sizeof *row);
    bool *row_nulls = base_arena_allocate_array(heap, count + 1, sizeof *row_nulls);
    if (!row || !row_nulls)
        return base_error_no_memory(error);
    for (uint32_t c = 0; c < count; c++) {
        row_nulls[c] = true;
        if (!relation->descriptor.columns[c].dropped)
            RETURN_IF_ERROR(table_cold_read(relation, volume, position, rowid, &c, 1, &row[c],
                                            &row_nulls[c], heap, error));
    }
    for (uint32_t i = 0; i < column_count; i++) {
        row[columns[i]] = cells[i];
        row_nulls[columns[i]] = nulls[i];
    }
    base_status status = row_insert(transaction, relation->storage->hot, relation->layout, rowid,
                                    row, row_nulls, NULL, NULL, error);
    /* Somebody else moved it between the look at the hot store and the mark. */
    return status == BASE_UNIQUE_VIOLATION ? table_row_changed(transaction, error) : status;
}

static base_status update_anywhere(txn_transaction *transaction, table_relation *relation,
                                   int64_t rowid, const uint32_t *columns, uint32_t column_count,
                                   const types_cell *cells, const bool *nulls, base_arena *heap,
                                   base_error *error)
{
    bool was_sealed = false;
    base_status status = row_update(transaction, relation->storage->hot, relation->layout, rowid,
                                    columns, column_count, cells, nulls, &was_sealed, error);
    if (BASE_LIKELY(status == BASE_OK && !was_sealed))
        return BASE_OK;
    if (status == BASE_OK) {
        table_volume *volume;
        uint32_t position;
        return take_cold_row(transaction, relation, rowid, true, &volume, &position, error);
    }
    if (status != BASE_NOT_FOUND || !table_has_volumes(relation->storage))
        return status;
    return move_to_hot(transaction, relation, rowid, columns, column_count, cells, nulls, heap,
                       error);
}

/* What an update does about keys that are taken: refuses the row, or notes it. */
typedef struct update_mode {
    table_deferral *deferral; /* NULL: refuses */
    table_conflict *conflict; /* may be NULL */
} update_mode;

static base_status update_keys(txn_transaction *transaction, table_relation *relation,
                               int64_t rowid, const uint32_t *columns, uint32_t column_count,
                               const types_cell *cells, const bool *nulls, const update_mode *mode,
                               base_arena *heap, base_error *error)
{
    types_cell *before = NULL;
    bool *before_nulls = NULL;
    table_moves moves = {0};
    RETURN_IF_ERROR(read_before(transaction, relation, rowid, &before, &before_nulls, heap, error));
    RETURN_IF_ERROR(table_note_moves(transaction, relation, rowid, before, before_nulls, columns,
                                     column_count, cells, nulls, &moves, error));
    RETURN_IF_ERROR(update_anywhere(transaction, relation, rowid, columns, column_count, cells,
                                    nulls, heap, error));
    return table_add_moved(transaction, &moves, mode->deferral, mode->conflict, error);
}

/* A row that is refused is as it was. */
static base_status update_one(txn_transaction *transaction, table_relation *relation, int64_t rowid,
                              const uint32_t *columns, uint32_t column_count,
                              const types_cell *cells, const bool *nulls, bool keys_change,
                              const update_mode *mode, base_error *error)
{
    base_arena heap; /* allocates only for cold rows */
    base_arena_init(&heap, table_database_budget(table_database_of(transaction)));
    txn_mark mark = {0};
    if (keys_change && !mode->deferral)
        mark = txn_get_mark(transaction);
    base_status status = keys_change ? update_keys(transaction, relation, rowid, columns,
                                                   column_count, cells, nulls, mode, &heap, error)
                                     : update_anywhere(transaction, relation, rowid, columns,
                                                       column_count, cells, nulls, &heap, error);
    if (status == BASE_NOT_FOUND)
        status = not_visible(rowid, error);
    if (status == BASE_OK)
        status = table_log_update(transaction, relation, rowid, columns, column_count, cells, nulls,
                                  error);
    if (status == BASE_UNIQUE_VIOLATION)
        txn_rollback_to(transaction, mark);
    base_arena_destroy(&heap);
    return status;
}

static base_status update_row(txn_transaction *transaction, table_relation *relation, int64_t rowid,
                              const uint32_t *columns, uint32_t column_count,
                              const types_cell *cells, const bool *nulls, const update_mode *mode,
                              base_error *error)
{
    RETURN_IF_ERROR(table_enter_write(transaction, relation, &relation, error));
    return update_one(transaction, relation, rowid, columns, column_count, cells, nulls,
                      touches_index(relation, columns, column_count), mode, error);
}

base_status table_update_row(txn_transaction *transaction, table_relation *relation, int64_t rowid,
                             const uint32_t *columns, uint32_t column_count,
                             const types_cell *cells, const bool *nulls, table_conflict *conflict,
                             base_error *error)
{
    if (conflict)
        conflict->row = 0;
    return update_row(transaction, relation, rowid, columns, column_count, cells, nulls,
                      &(update_mode){.conflict = conflict}, error);
}

base_status table_update_row_deferring(txn_transaction *transaction, table_relation *relation,
                                       int64_t rowid, const uint32_t *columns,
                                       uint32_t column_count, const types_cell *cells,
                                       const bool *nulls, table_deferral *deferral,
                                       base_error *error)
{
    return update_row(transaction, relation, rowid, columns, column_count, cells, nulls,
                      &(update_mode){.deferral = deferral}, error);
}

static base_status update_chunk(txn_transaction *transaction, table_relation *relation,
                                const int64_t *rowids, uint32_t count, const uint32_t *columns,
                                uint32_t column_count, const vector_chunk *values,
                                const update_mode *mode, base_error *error)
{
    RETURN_IF_ERROR(table_enter_write(transaction, relation, &relation, error));
    bool keys_change = touches_index(relation, columns, column_count);
    base_buffer space;
    base_buffer_init(&space, table_database_budget(table_database_of(transaction)));
    if (!base_buffer_reserve(&space, column_count * (sizeof(types_cell) + sizeof(bool))))
        return base_error_no_memory(error);
    types_cell *cells = (types_cell *)(void *)space.data;
    bool *nulls = (bool *)(cells + column_count);
    base_status status = BASE_OK;
    for (uint32_t i = 0; i < count && status == BASE_OK; i++) {
        uint32_t position = vector_row(values->selection, i);
        for (uint32_t c = 0; c < column_count; c++)
            nulls[c] = !vector_load(&values->columns[c], position, &cells[c]);
        status = update_one(transaction, relation, rowids[i], columns, column_count, cells, nulls,
                            keys_change, mode, error);
        if (mode->conflict)
            mode->conflict->row = i;
    }
    base_buffer_destroy(&space);
    return status;
}

base_status table_update(txn_transaction *transaction, table_relation *relation,
                         const int64_t *rowids, uint32_t count, const uint32_t *columns,
                         uint32_t column_count, const vector_chunk *values,
                         table_conflict *conflict, base_error *error)
{
    return update_chunk(transaction, relation, rowids, count, columns, column_count, values,
                        &(update_mode){.conflict = conflict}, error);
}

base_status table_update_deferring(txn_transaction *transaction, table_relation *relation,
                                   const int64_t *rowids, uint32_t count, const uint32_t *columns,
                                   uint32_t column_count, const vector_chunk *values,
                                   table_deferral *deferral, base_error *error)
{
    return update_chunk(transaction, relation, rowids, count, columns, column_count, values,
                        &(update_mode){.deferral = deferral}, error);
}

static base_status delete_anywhere(txn_transaction *transaction, table_relation *relation,
                                   int64_t rowid, base_error *error)
{
    bool was_sealed = false;
    base_status status = row_delete(transaction, relation->storage->hot, rowid, &was_sealed, error);
    if (BASE_LIKELY(status == BASE_OK && !was_sealed))
        return BASE_OK;
    if ((status != BASE_OK && status != BASE_NOT_FOUND) || !table_has_volumes(relation->storage))
        return status;
    table_volume *volume;
    uint32_t position;
    return take_cold_row(transaction, relation, rowid, was_sealed, &volume, &position, error);
}

static base_status delete_one(txn_transaction *transaction, table_relation *relation, int64_t rowid,
                              base_error *error)
{
    types_cell *before = NULL;
    bool *before_nulls = NULL;
    base_status status = BASE_OK;
    base_arena heap;
    base_arena_init(&heap, table_database_budget(table_database_of(transaction)));
    if (relation->index_count)
        status = read_before(transaction, relation, rowid, &before, &before_nulls, &heap, error);
    if (status == BASE_OK)
        status = delete_anywhere(transaction, relation, rowid, error);
    if (status == BASE_NOT_FOUND)
        status = not_visible(rowid, error);
    if (status == BASE_OK && relation->index_count)
        status = table_retire_entries(transaction, relation, rowid, before, before_nulls, error);
    if (status == BASE_OK)
        status = table_log_delete(transaction, relation, rowid, error);
    base_arena_destroy(&heap);
    return status;
}

base_status table_delete_row(txn_transaction *transaction, table_relation *relation, int64_t rowid,
                             base_error *error)
{
    RETURN_IF_ERROR(table_enter_write(transaction, relation, &relation, error));
    return delete_one(transaction, relation, rowid, error);
}

base_status table_delete(txn_transaction *transaction, table_relation *relation,
                         const int64_t *rowids, uint32_t count, base_error *error)
{
    RETURN_IF_ERROR(table_enter_write(transaction, relation, &relation, error));
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(delete_one(transaction, relation, rowids[i], error));
    return BASE_OK;
}
