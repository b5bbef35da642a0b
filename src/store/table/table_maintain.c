/*
 * table_maintain.c - index entries follow the rows.
 *
 * Order of a write: row, entries, log. An entry of the new key is added after the row has its
 * new version; the entry of the old key stays, because older snapshots still find the row by
 * it, and is removed when the undo record of the change is released. Both removals, at
 * release and at rollback, ask the row itself whether any version that somebody may see has
 * the key, and remove the entry while the row's leaf is still latched: a writer that is about
 * to bring the key back either has its version in the row already or adds the entry again
 * after us.
 *
 * Invariant I12: an entry exists for every version that somebody may see, and no entry
 * outlives the last such version of its row and key.
 */
#include "store/table/table_int.h"

/* Undo of moving a row's entry from one key to another; of deletion, to none. */
typedef struct key_change {
    txn_undo undo;
    table_relation *relation; /* I11 keeps it */
    table_index *index;
    int64_t rowid;
    uint32_t old_length, new_length;
    bool has_new;
    char bytes[]; /* old key, new key */
} key_change;

/* ---- Removing an entry that no version needs ---------------------------------------------- */

typedef struct remover {
    const table_index *index;
    base_text key;
    int64_t rowid;
    bool skip_newest;
    table_key_space space;
} remover;

static bool same_key(remover *remove, const types_cell *cells, const bool *nulls)
{
    base_buffer *key = &remove->space.key;
    return table_key_build(remove->index, cells, nulls, key, NULL) == BASE_OK &&
           key->length == remove->key.length &&
           memcmp(key->data, remove->key.data, key->length) == 0;
}

static bool remove_if_unused(void *context, uint64_t stamp, const types_cell *cells,
                             const bool *nulls)
{
    remover *remove = context;
    if (!cells) {
        (void)remove->index->kind->remove(remove->index->tree, remove->key, remove->rowid);
        return true;
    }
    bool open = (stamp & TXN_ID_BIT) != 0, dead = (stamp & ROW_DELETED) != 0;
    if (remove->skip_newest && open && !dead) {
        remove->skip_newest = false; /* the version that is being taken back */
        return false;
    }
    /* What an open transaction deleted may come back. */
    return (!dead || open) && same_key(remove, cells, nulls); /* I12 */
}

static void remove_entry(table_relation *relation, table_index *index, base_text key, int64_t rowid,
                         uint64_t oldest, bool skip_newest)
{
    remover remove = {.index = index, .key = key, .rowid = rowid, .skip_newest = skip_newest};
    table_key_space_init(&remove.space);
    /* Where a volume cannot be read the entry stays: readers look at the row anyway. */
    (void)table_visit_versions(relation, rowid, oldest, true, index->key_columns,
                               index->descriptor.part_count, remove_if_unused, &remove);
}

/* ---- Changed keys ---------------------------------------------------------------------------- */

/* All rows are back. Versions that nobody sees any more do not count, even if they still hang
 * behind the row: whoever releases them may have looked while ours was there, and left the
 * entry to us. */
static void after_rollback_key(txn_undo *undo)
{
    key_change *change = (key_change *)(void *)undo;
    base_text key = {change->bytes + change->old_length, change->new_length};
    uint64_t oldest = txn_oldest_snapshot(change->relation->entry->database->manager);
    if (change->has_new)
        remove_entry(change->relation, change->index, key, change->rowid, oldest, false);
}

static void release_key(txn_undo *undo, uint64_t oldest)
{
    key_change *change = (key_change *)(void *)undo;
    base_text key = {change->bytes, change->old_length};
    if (change->old_length)
        remove_entry(change->relation, change->index, key, change->rowid, oldest, false);
}

const txn_undo_kind table_key_kind = {
    .name = "key", .after_rollback = after_rollback_key, .release = release_key, .lasting = true};

static base_status note_change(txn_transaction *transaction, table_relation *relation,
                               table_index *index, int64_t rowid, base_text old_key,
                               const base_text *new_key, base_error *error)
{
    size_t new_length = new_key ? new_key->length : 0;
    key_change *change =
        txn_undo_allocate(transaction, sizeof *change + old_key.length + new_length);
    if (!change)
        return base_error_no_memory(error);
    change->relation = relation;
    change->index = index;
    change->rowid = rowid;
    change->old_length = (uint32_t)old_key.length;
    change->new_length = (uint32_t)new_length;
    change->has_new = new_key != NULL;
    memcpy(change->bytes, old_key.data, old_key.length);
    if (new_key)
        memcpy(change->bytes + old_key.length, new_key->data, new_length);
    txn_undo_register(transaction, &change->undo, &table_key_kind);
    return BASE_OK;
}

base_status table_note_old_key(txn_transaction *transaction, table_relation *relation,
                               table_index *index, int64_t rowid, base_text key, base_error *error)
{
    return note_change(transaction, relation, index, rowid, key, NULL, error);
}

bool table_index_has_column(const table_index *index, const uint32_t *columns, uint32_t count)
{
    for (uint32_t i = 0; i < index->descriptor.part_count; i++) {
        for (uint32_t c = 0; c < count; c++) {
            if (index->key_columns[i] == columns[c])
                return true;
        }
    }
    return false;
}

static base_text text_of(const base_buffer *buffer)
{
    return (base_text){buffer->data, buffer->length};
}

/* ---- New rows -------------------------------------------------------------------------------- */

/* Adds one entry; where another row may have the key of a unique index, asks. */
static base_status add_entry(txn_transaction *transaction, table_relation *relation,
                             table_index *index, base_text key, int64_t rowid, bool has_null,
                             table_conflict *conflict, base_error *error)
{
    for (;;) {
        uint32_t found = 0;
        uint64_t holder = 0;
        RETURN_IF_ERROR(index->kind->insert(index->tree, key, rowid, &found, error));
        if (!index->descriptor.unique || has_null || !(found & INDEX_FOUND_KEY))
            return BASE_OK;
        RETURN_IF_ERROR(
            table_check_unique(transaction, relation, index, key, rowid, &holder, conflict, error));
        if (!holder)
            return BASE_OK;
        if (!(found & INDEX_FOUND_ENTRY))
            (void)index->kind->remove(index->tree, key, rowid);
        RETURN_IF_ERROR(txn_wait_for(transaction, holder, error));
    }
}

base_status table_add_entries(txn_transaction *transaction, table_relation *relation, int64_t rowid,
                              const types_cell *row, const bool *nulls, bool over_deleted,
                              table_conflict *conflict, base_error *error)
{
    base_buffer *key = txn_scratch_of(transaction, 0);
    for (uint32_t i = 0; i < relation->index_count; i++) {
        table_index *index = relation->indexes[i];
        types_cell cells[TABLE_MAX_KEY_PARTS];
        bool part_nulls[TABLE_MAX_KEY_PARTS];
        table_key_cells(relation, index, rowid, row, nulls, cells, part_nulls);
        RETURN_IF_ERROR(table_key_build(index, cells, part_nulls, key, error));
        base_text fresh = text_of(key);
        if (over_deleted)
            RETURN_IF_ERROR(note_change(transaction, relation, index, rowid, (base_text){"", 0},
                                        &fresh, error));
        RETURN_IF_ERROR(add_entry(transaction, relation, index, text_of(key), rowid,
                                  table_key_has_null(index, part_nulls), conflict, error));
    }
    return BASE_OK;
}

typedef struct forgetter {
    table_relation *relation;
    table_index *index;
    table_key_space space;
} forgetter;

/* Notes the key of the newest version. */
static bool note_newest(void *context, uint64_t stamp, const types_cell *cells, const bool *nulls)
{
    forgetter *forget = context;
    (void)stamp;
    if (!cells || table_key_build(forget->index, cells, nulls, &forget->space.key, NULL) != BASE_OK)
        base_buffer_clear(&forget->space.key);
    return true;
}

/* The newest version of the row is about to be taken back. */
void table_forget_row(void *relation, int64_t rowid)
{
    forgetter forget = {.relation = relation};
    table_key_space_init(&forget.space);
    for (uint32_t i = 0; i < forget.relation->index_count; i++) {
        forget.index = forget.relation->indexes[i];
        row_visit_versions(forget.relation->storage->hot, forget.relation->layout, rowid, 0,
                           forget.index->key_columns, forget.index->descriptor.part_count,
                           note_newest, &forget);
        if (forget.space.key.length)
            remove_entry(forget.relation, forget.index, text_of(&forget.space.key), rowid, 0, true);
    }
}

/* ---- Updated and deleted rows ---------------------------------------------------------------- */

/* Lays the new cells over the part cells of one index. */
static void overlay(const table_index *index, const uint32_t *columns, uint32_t column_count,
                    const types_cell *cells, const bool *nulls, types_cell *part_cells,
                    bool *part_nulls)
{
    for (uint32_t i = 0; i < index->descriptor.part_count; i++) {
        for (uint32_t c = 0; c < column_count; c++) {
            if (index->key_columns[i] != columns[c])
                continue;
            part_cells[i] = cells[c];
            part_nulls[i] = nulls[c];
        }
    }
}

base_status table_move_entries(txn_transaction *transaction, table_relation *relation,
                               int64_t rowid, const types_cell *before, const bool *before_nulls,
                               const uint32_t *columns, uint32_t column_count,
                               const types_cell *cells, const bool *nulls, table_conflict *conflict,
                               base_error *error)
{
    base_buffer *old_key = txn_scratch_of(transaction, 0);
    base_buffer *new_key = txn_scratch_of(transaction, 1);
    for (uint32_t i = 0; i < relation->index_count; i++) {
        table_index *index = relation->indexes[i];
        if (!table_index_has_column(index, columns, column_count))
            continue;
        types_cell part_cells[TABLE_MAX_KEY_PARTS];
        bool part_nulls[TABLE_MAX_KEY_PARTS];
        table_key_cells(relation, index, rowid, before, before_nulls, part_cells, part_nulls);
        RETURN_IF_ERROR(table_key_build(index, part_cells, part_nulls, old_key, error));
        overlay(index, columns, column_count, cells, nulls, part_cells, part_nulls);
        RETURN_IF_ERROR(table_key_build(index, part_cells, part_nulls, new_key, error));
        base_text fresh = text_of(new_key);
        if (base_text_equal(text_of(old_key), fresh))
            continue;
        RETURN_IF_ERROR(
            note_change(transaction, relation, index, rowid, text_of(old_key), &fresh, error));
        RETURN_IF_ERROR(add_entry(transaction, relation, index, fresh, rowid,
                                  table_key_has_null(index, part_nulls), conflict, error));
    }
    return BASE_OK;
}

base_status table_retire_entries(txn_transaction *transaction, table_relation *relation,
                                 int64_t rowid, const types_cell *before, const bool *before_nulls,
                                 base_error *error)
{
    base_buffer *key = txn_scratch_of(transaction, 0);
    for (uint32_t i = 0; i < relation->index_count; i++) {
        table_index *index = relation->indexes[i];
        types_cell cells[TABLE_MAX_KEY_PARTS];
        bool nulls[TABLE_MAX_KEY_PARTS];
        table_key_cells(relation, index, rowid, before, before_nulls, cells, nulls);
        RETURN_IF_ERROR(table_key_build(index, cells, nulls, key, error));
        RETURN_IF_ERROR(
            note_change(transaction, relation, index, rowid, text_of(key), NULL, error));
    }
    return BASE_OK;
}
