/*
 * table_maintain.c - index entries follow the rows.
 *
 * Order of a write: undo of the entries, row, entries, log. The entry of an old key stays,
 * because older snapshots still find the row by it. Who ends a version looks, when it has
 * ended, whether any version that somebody may still come to see has its key, and removes the
 * entry if none has: the release of the commit that replaced the version (old key), or the
 * rollback that took it back (new key; when all rows are back). What it finds instead is a
 * version whose own end comes later, so each entry has somebody who will look last. That holds
 * because
 *   - a version that is over for every snapshot never counts: the oldest snapshot is asked for
 *     after the version has ended, and never falls (I1);
 *   - a copy in a volume that was outdated before the volume was shown never counts
 *     (table_seal.c marks it first);
 *   - a version that was over before the index was filled never counts (`since`): who ended it
 *     may not know the index;
 *   - undo is registered before the version can be seen: the look cannot fail to come;
 *   - look and removal are one step under the latch of the row's leaf: a writer that is about
 *     to bring the key back has its version in the row already, or adds the entry after us;
 *     and a row on its way to a volume is found (placements).
 * Rows that went into free places need no undo of their entries: no other version lies behind.
 *
 * All this is about the index's tree. Entries that have gone to a key run stay there, whatever
 * becomes of their rows, until runs are merged (table_run.c); a version that comes back to such
 * a key finds no entry in the tree, and adds its own.
 *
 * Invariant I12: an entry exists, in the tree or in a run, for every version that somebody may
 * see, and no entry of the tree outlives the last such version of its row and key.
 */
#include "store/table/table_int.h"

/* Undo of moving a row's entry from one key to another; of deletion, to none. */
typedef struct key_change {
    txn_undo undo;
    table_relation *relation; /* I11 keeps it */
    table_index *index;
    int64_t rowid;
    uint32_t old_length, new_length;
    bool has_new, new_has_null;
    bool deferred; /* the new key was taken; table_check_deferred looks again */
    char bytes[];  /* old key, new key */
} key_change;

static base_text old_key_of(const key_change *change)
{
    return (base_text){change->bytes, change->old_length};
}
static base_text new_key_of(const key_change *change)
{
    return (base_text){change->bytes + change->old_length, change->new_length};
}

/* ---- Removing an entry that no version needs ---------------------------------------------- */

typedef struct remover {
    const table_index *index;
    base_text key;
    int64_t rowid;
    table_key_space space;
} remover;

/* The space, several KiB of it, is left as it is. */
static void remover_init(remover *self, const table_index *index, base_text key, int64_t rowid)
{
    self->index = index;
    self->key = key;
    self->rowid = rowid;
    table_key_space_init(&self->space);
}

static bool is_needed(void *context, uint64_t stamp, const types_cell *cells, const bool *nulls)
{
    remover *remove = context;
    const base_buffer *key = &remove->space.key;
    /* What an open transaction deleted may come back. */
    if (stamp & ROW_DELETED && !(stamp & TXN_ID_BIT))
        return false;
    return table_key_build(remove->index, cells, nulls, &remove->space.key, NULL) == BASE_OK &&
           key->length == remove->key.length &&
           memcmp(key->data, remove->key.data, key->length) == 0; /* I12 */
}

static bool remove_if_unused(void *context, uint64_t stamp, const types_cell *cells,
                             const bool *nulls)
{
    remover *remove = context;
    if (cells)
        return is_needed(context, stamp, cells, nulls);
    (void)index_set_remove(remove->index->entries, remove->key, remove->rowid);
    return true;
}

/* The same for a row whose hot versions are all about to be taken back. */
static bool remove_anyway(void *context, uint64_t stamp, const types_cell *cells, const bool *nulls)
{
    return !cells && remove_if_unused(context, stamp, cells, nulls);
}

static void remove_entry(table_relation *relation, const table_index *index, base_text key,
                         int64_t rowid, uint64_t oldest, row_visitor hot)
{
    remover remove;
    const table_visitor visitor = {.cold = is_needed, .hot = hot, .context = &remove};
    remover_init(&remove, index, key, rowid);
    /* Where a volume cannot be read the entry stays: readers look at the row anyway. */
    (void)table_visit_versions(relation, rowid, BASE_MAX(oldest, index->since), index->key_columns,
                               index->descriptor.part_count, &visitor);
}

typedef struct need {
    remover remove; /* first: see is_needed */
    bool unneeded;
} need;

static void ask_again(void *context)
{
    ((need *)context)->unneeded = false;
}

static bool note_unneeded(void *context, uint64_t stamp, const types_cell *cells, const bool *nulls)
{
    need *self = context;
    if (cells)
        return is_needed(&self->remove, stamp, cells, nulls);
    self->unneeded = true;
    return true;
}

bool table_entry_is_needed(table_relation *relation, const table_index *index, base_text key,
                           int64_t rowid, uint64_t oldest)
{
    need self;
    const table_visitor visitor = {
        .start = ask_again, .cold = is_needed, .hot = note_unneeded, .context = &self};
    remover_init(&self.remove, index, key, rowid);
    self.unneeded = false;
    base_status status = table_visit_versions(relation, rowid, oldest, index->key_columns,
                                              index->descriptor.part_count, &visitor);
    return status != BASE_OK || !self.unneeded;
}

/* From here on no older snapshot can come: versions that nobody sees any more do not count,
 * even if they still hang behind the row. Whoever releases them may have looked while a version
 * was there that is gone now, and left the entry to us. */
static uint64_t oldest_now(const table_relation *relation)
{
    return txn_oldest_snapshot(relation->entry->database->manager);
}

/* ---- Changed keys ---------------------------------------------------------------------------- */

/* All rows are back. */
static void after_rollback_key(txn_undo *undo)
{
    key_change *change = (key_change *)(void *)undo;
    if (change->has_new)
        remove_entry(change->relation, change->index, new_key_of(change), change->rowid,
                     oldest_now(change->relation), remove_if_unused);
}

static void release_key(txn_undo *undo, uint64_t oldest)
{
    key_change *change = (key_change *)(void *)undo;
    if (change->old_length)
        remove_entry(change->relation, change->index, old_key_of(change), change->rowid, oldest,
                     remove_if_unused);
}

const txn_undo_kind table_key_kind = {
    .name = "key", .after_rollback = after_rollback_key, .release = release_key, .lasting = true};

static base_status note_change(txn_transaction *transaction, table_relation *relation,
                               table_index *index, int64_t rowid, base_text old_key,
                               const base_text *new_key, key_change **made, base_error *error)
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
    change->new_has_null = change->deferred = false;
    memcpy(change->bytes, old_key.data, old_key.length);
    if (new_key)
        memcpy(change->bytes + old_key.length, new_key->data, new_length);
    txn_undo_register(transaction, &change->undo, &table_key_kind);
    if (made)
        *made = change;
    return BASE_OK;
}

base_status table_note_old_key(txn_transaction *transaction, table_relation *relation,
                               table_index *index, int64_t rowid, base_text key, base_error *error)
{
    return note_change(transaction, relation, index, rowid, key, NULL, NULL, error);
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

/* The row and its entry are there: has it the key? Waits while that depends on others. */
static base_status claim_key(txn_transaction *transaction, table_relation *relation,
                             table_index *index, base_text key, int64_t rowid,
                             table_conflict *conflict, base_error *error)
{
    for (;;) {
        table_holder holder;
        RETURN_IF_ERROR(
            table_check_unique(transaction, relation, index, key, rowid, &holder, conflict, error));
        if (!holder.id)
            return BASE_OK;
        const txn_claim own = {index, rowid}, others = {index, holder.rowid};
        RETURN_IF_ERROR(txn_wait_to_claim(transaction, holder.id, &own,
                                          holder.may_give_way ? &others : NULL, error));
    }
}

/* Adds one entry; where another row may have the key of a unique index, asks. */
static base_status add_entry(txn_transaction *transaction, table_relation *relation,
                             table_index *index, base_text key, int64_t rowid, bool has_null,
                             table_conflict *conflict, base_error *error)
{
    uint32_t found = 0;
    bool unique = index->descriptor.unique && !has_null;
    RETURN_IF_ERROR(index_set_insert(index->entries, key, rowid, unique, &found, error));
    if (!unique || !(found & INDEX_FOUND_KEY))
        return BASE_OK;
    return claim_key(transaction, relation, index, key, rowid, conflict, error);
}

base_status table_add_entries(txn_transaction *transaction, table_relation *relation, int64_t rowid,
                              const types_cell *row, const bool *nulls, bool has_past,
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
        if (has_past)
            RETURN_IF_ERROR(note_change(transaction, relation, index, rowid, (base_text){"", 0},
                                        &fresh, NULL, error));
        RETURN_IF_ERROR(add_entry(transaction, relation, index, fresh, rowid,
                                  table_key_has_null(index, part_nulls), conflict, error));
    }
    return BASE_OK;
}

void table_drop_entries(table_relation *relation, int64_t rowid, const types_cell *row,
                        const bool *nulls)
{
    table_key_space space;
    table_key_space_init(&space);
    for (uint32_t i = 0; i < relation->index_count; i++) {
        table_index *index = relation->indexes[i];
        types_cell cells[TABLE_MAX_KEY_PARTS];
        bool part_nulls[TABLE_MAX_KEY_PARTS];
        table_key_cells(relation, index, rowid, row, nulls, cells, part_nulls);
        if (table_key_build(index, cells, part_nulls, &space.key, NULL) == BASE_OK)
            remove_entry(relation, index, text_of(&space.key), rowid, oldest_now(relation),
                         remove_if_unused);
    }
}

typedef struct forgetter {
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

/*
 * A row that went into a free place is about to be taken back, and nobody else can write it
 * before. No hot versions lie behind it. If a copy in a volume has the key, the entry stays for
 * that, and undo of its own (`has_past`) looks again when the row is gone.
 */
void table_forget_row(void *relation, int64_t rowid)
{
    table_relation *self = relation;
    forgetter forget;
    table_key_space_init(&forget.space);
    for (uint32_t i = 0; i < self->index_count; i++) {
        forget.index = self->indexes[i];
        row_visit_versions(self->storage->hot, self->layout, rowid, 0, forget.index->key_columns,
                           forget.index->descriptor.part_count, note_newest, &forget);
        base_text key = text_of(&forget.space.key);
        if (key.length && !table_has_volumes(self->storage))
            (void)index_set_remove(forget.index->entries, key, rowid);
        else if (key.length)
            remove_entry(self, forget.index, key, rowid, oldest_now(self), remove_anyway);
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

base_status table_note_moves(txn_transaction *transaction, table_relation *relation, int64_t rowid,
                             const types_cell *before, const bool *before_nulls,
                             const uint32_t *columns, uint32_t column_count,
                             const types_cell *cells, const bool *nulls, table_moves *moves,
                             base_error *error)
{
    base_buffer *old_key = txn_scratch_of(transaction, 0);
    base_buffer *new_key = txn_scratch_of(transaction, 1);
    *moves = (table_moves){0};
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
        key_change *change;
        RETURN_IF_ERROR(note_change(transaction, relation, index, rowid, text_of(old_key), &fresh,
                                    &change, error));
        change->new_has_null = table_key_has_null(index, part_nulls);
        if (moves->count++ == 0)
            moves->first = &change->undo;
    }
    return BASE_OK;
}

base_status table_add_moved(txn_transaction *transaction, const table_moves *moves,
                            table_deferral *deferral, table_conflict *conflict, base_error *error)
{
    txn_undo *undo = moves->first;
    for (uint32_t i = 0; i < moves->count; i++, undo = undo->next) {
        key_change *change = (key_change *)(void *)undo;
        base_error refused;
        base_error_clear(&refused);
        base_status status =
            add_entry(transaction, change->relation, change->index, new_key_of(change),
                      change->rowid, change->new_has_null, conflict, deferral ? &refused : error);
        if (!deferral || status == BASE_OK) {
            RETURN_IF_ERROR(status);
            continue;
        }
        if (status != BASE_UNIQUE_VIOLATION) {
            if (error)
                *error = refused;
            return status;
        }
        change->deferred = true;
        if (deferral->count++ == 0)
            deferral->first = undo;
    }
    return BASE_OK;
}

base_status table_check_deferred(txn_transaction *transaction, const table_deferral *deferral,
                                 table_conflict *conflict, base_error *error)
{
    uint64_t left = deferral->count;
    for (txn_undo *undo = deferral->first; left > 0; undo = undo->next) {
        BASE_ASSERT(undo != NULL); /* nothing of the statement was taken back */
        key_change *change = (key_change *)(void *)undo;
        if (undo->kind != &table_key_kind || !change->deferred)
            continue;
        left--;
        change->deferred = false;
        RETURN_IF_ERROR(claim_key(transaction, change->relation, change->index, new_key_of(change),
                                  change->rowid, conflict, error));
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
            note_change(transaction, relation, index, rowid, text_of(key), NULL, NULL, error));
    }
    return BASE_OK;
}
