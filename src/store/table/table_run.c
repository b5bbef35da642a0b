/*
 * table_run.c - key runs of indexes: attaching, what a checkpoint writes, what it settles.
 *
 * When a checkpoint seals rows, their entries leave the tree as well: they are copied to a run
 * in the order of the tree, so nothing has to be sorted. Once the header that names the run is
 * durable the run is added to the index, and then the entries are removed from the tree
 * (index_set.h says why in this order). Entries of rows that stay hot stay in the tree: after a
 * reopen they are made from the rows.
 *
 * A run says nothing of versions, so it needs no tombstones: an entry whose row has another
 * key by now, or none, is looked at and passed over. Such entries go when all runs of an
 * index are merged into one, which is done when there are too many of them; other merges only
 * drop entries that are there twice.
 *
 * An index is complete when every row in a volume has its entry in a run. Where one is not (a
 * file of version 1, memory that failed, an index made while rows were sealed), its tree has
 * the entries, and the next checkpoint moves all of the tree.
 */
#include "store/table/table_int.h"

enum {
    RUN_FANOUT = 4,
    RUN_MOST = 8 /* of an index */
};

/* ---- Attaching ------------------------------------------------------------------------------- */

typedef struct run_undo {
    txn_undo undo;
    table_index *index; /* kept: the index may be gone before what was done to it is undone */
    index_run *run;     /* kept */
    index_set_list *prepared;
} run_undo;

static void rollback_run(txn_undo *undo)
{
    run_undo *self = (run_undo *)(void *)undo;
    bool changed = index_set_change(self->index->entries, self->prepared, &self->run, 1, NULL);
    BASE_VERIFY(changed); /* it removes */
    index_run_drop(self->run);
    table_index_drop_reference(self->index);
}

static void commit_run(txn_undo *undo, uint64_t id, uint64_t sequence)
{
    (void)id;
    index_run_set_stamp(((run_undo *)(void *)undo)->run, sequence);
}

static void release_run(txn_undo *undo, uint64_t oldest)
{
    run_undo *self = (run_undo *)(void *)undo;
    (void)oldest;
    index_set_forget(self->index->entries, self->prepared);
    index_run_drop(self->run);
    table_index_drop_reference(self->index);
}

static const txn_undo_kind run_kind = {
    .name = "run", .rollback = rollback_run, .commit = commit_run, .release = release_run};

/* The list gets the run, and the undo record the means to take it out again. */
static base_status attach(txn_transaction *transaction, table_index *index, index_run *run,
                          run_undo *undo, base_error *error)
{
    index_set_list *now, *later = NULL;
    index_set_list *held = index_set_hold(index->entries);
    uint32_t count = index_set_run_count(held);
    index_set_let_go(held);
    if (count >= INDEX_SET_MAX_RUNS)
        return base_error_set(error, BASE_LIMIT, "an index has too many runs: checkpoint first");
    RETURN_IF_ERROR(index_set_prepare(index->entries, &now, error));
    base_status status = undo ? index_set_prepare(index->entries, &later, error) : BASE_OK;
    if (status != BASE_OK) {
        index_set_forget(index->entries, now);
        return status;
    }
    bool changed = index_set_change(index->entries, now, NULL, 0, run);
    BASE_VERIFY(changed); /* one adder at a time: it holds the relation's lock alone */
    if (undo) {
        index_run_keep(run);
        atomic_fetch_add_explicit(&index->references, 1, memory_order_relaxed);
        undo->index = index;
        undo->run = run;
        undo->prepared = later;
        txn_undo_register(transaction, &undo->undo, &run_kind);
    }
    return BASE_OK;
}

base_status table_run_attach(txn_transaction *transaction, table_index *index,
                             const cache_reference *reference, bool loose, base_error *error)
{
    table_database *database = index->database;
    run_undo *undo = transaction ? txn_undo_allocate(transaction, sizeof *undo) : NULL;
    index_run *run;
    if (transaction && !undo)
        return base_error_no_memory(error);
    RETURN_IF_ERROR(index_run_open(database->file, &database->budget, reference, &run, error));
    index_run_set_loose(run, loose);
    if (transaction && !database->in_memory) /* the log may name it */
        index_run_set_discard(run, table_discard_logged, database);
    index_run_set_stamp(run, transaction ? txn_id_of(transaction) : 1);
    base_status status = attach(transaction, index, run, undo, error);
    if (status != BASE_OK)
        index_run_set_loose(run, false); /* the extents stay the caller's */
    index_run_drop(run);
    return status;
}

/* ---- Lists ----------------------------------------------------------------------------------- */

static base_status list_run(table_database *database, table_run_list *list, index_run *run,
                            base_error *error)
{
    if (!base_grow_array(&database->budget, &list->runs, &list->capacity, list->count + 1,
                         sizeof *list->runs))
        return base_error_no_memory(error);
    index_run_keep(run);
    list->runs[list->count++] = run;
    return BASE_OK;
}

void table_run_list_free(table_database *database, table_run_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        index_run_drop(list->runs[i]);
    base_free_array(&database->budget, list->runs, list->capacity, sizeof *list->runs);
    *list = (table_run_list){0};
}

static base_status adopt_extent(void *context, const cache_reference *reference, base_error *error)
{
    return cache_adopt(context, reference, error);
}

/* The checkpoint takes a loose run into the tree. In memory runs stay loose. */
static base_status adopt(table_run_changes *changes, index_run *run, base_error *error)
{
    table_database *database = changes->database;
    if (database->in_memory || !index_run_is_loose(run))
        return BASE_OK;
    if (!base_grow_array(&database->budget, &changes->adopted, &changes->adopted_capacity,
                         changes->adopted_count + 1, sizeof *changes->adopted))
        return base_error_no_memory(error);
    /* Kept also where only a part could be adopted: the run must not go, and discard its
     * extents, before the checkpoint is aborted. */
    index_run_keep(run);
    changes->adopted[changes->adopted_count++] = run;
    return index_run_visit(run, adopt_extent, database->file, error);
}

/* Runs that the snapshot sees; those of open loads are not the header's yet. */
static base_status list_visible(table_run_changes *changes, const table_index *index,
                                const txn_snapshot *snapshot, table_run_list *list,
                                base_error *error)
{
    base_status status = BASE_OK;
    index_set_list *held = index_set_hold(index->entries);
    for (uint32_t i = 0; status == BASE_OK && i < index_set_run_count(held); i++) {
        index_run *run = index_set_run_at(held, i);
        if (snapshot && !txn_sees(snapshot, index_run_stamp(run)))
            continue;
        status = list_run(changes->database, list, run, error);
    }
    index_set_let_go(held);
    return status;
}

/* What the root is going to name. Loose runs that were merged in this very checkpoint are not
 * taken in: they go as they are. */
static base_status adopt_all(table_run_changes *changes, const table_run_list *list,
                             base_error *error)
{
    for (uint32_t i = 0; i < list->count; i++)
        RETURN_IF_ERROR(adopt(changes, list->runs[i], error));
    return BASE_OK;
}

base_status table_run_pass_on(table_run_changes *changes, table_index *index, table_run_list *list,
                              base_error *error)
{
    *list = (table_run_list){.complete = !atomic_load(&index->incomplete)};
    RETURN_IF_ERROR(list_visible(changes, index, NULL, list, error));
    return adopt_all(changes, list, error);
}

/* ---- Changes --------------------------------------------------------------------------------- */

/* Notes a change of the index; `added` (NULL: no new run) is kept. */
static base_status note_change(table_run_changes *changes, table_index *index, index_run *added,
                               table_run_change **noted, base_error *error)
{
    index_set_list *prepared;
    if (!base_grow_array(&changes->database->budget, &changes->changes, &changes->capacity,
                         changes->count + 1, sizeof *changes->changes))
        return base_error_no_memory(error);
    RETURN_IF_ERROR(index_set_prepare(index->entries, &prepared, error));
    atomic_fetch_add_explicit(&index->references, 1, memory_order_relaxed);
    if (added)
        index_run_keep(added);
    *noted = &changes->changes[changes->count++];
    **noted = (table_run_change){.index = index, .prepared = prepared, .added = added};
    return BASE_OK;
}

/* The writer's run, open, with one reference; NULL if nothing was written. */
static base_status finish_run(table_database *database, index_run_writer *writer, index_run **run,
                              base_error *error)
{
    cache_reference reference;
    *run = NULL;
    if (index_run_writer_count(writer) == 0)
        return BASE_OK;
    RETURN_IF_ERROR(index_run_writer_finish(writer, &reference, error));
    base_status status = index_run_open(database->file, &database->budget, &reference, run, error);
    if (status != BASE_OK) {
        index_run_writer_take_back(writer, &reference);
        return status;
    }
    index_run_set_loose(*run, true);
    index_run_set_stamp(*run, 1);
    return BASE_OK;
}

static base_status make_writer(table_database *database, const table_index *index,
                               index_run_writer **writer, base_error *error)
{
    index_run_options options = {.file = database->file,
                                 .budget = &database->budget,
                                 .loose = true,
                                 .filter = index->descriptor.unique};
    return index_run_writer_create(&options, writer, error);
}

/* ---- Entries of sealed rows ------------------------------------------------------------------ */

static bool was_sealed(const table_seal *seal, int64_t rowid)
{
    for (uint32_t i = 0; i < seal->volume_count; i++) {
        const table_sealed *volume = &seal->volumes[i];
        uint32_t low = 0, high = volume->count;
        if (volume->count == 0 || rowid > volume->rowids[volume->count - 1])
            continue;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (volume->rowids[middle] < rowid)
                low = middle + 1;
            else
                high = middle;
        }
        return volume->rowids[low] == rowid;
    }
    return false;
}

/* `seal` NULL: all entries. */
static base_status copy_tree(const table_index *index, const table_seal *seal,
                             index_run_writer *writer, base_error *error)
{
    const index_kind *kind = index_set_kind(index->entries);
    index_cursor *cursor;
    index_range all = {0};
    RETURN_IF_ERROR(kind->cursor_create(index_set_tree(index->entries), &cursor, error));
    base_status status = kind->seek(cursor, &all, false, error);
    while (status == BASE_OK) {
        const index_entry *entries;
        uint32_t count;
        status = kind->next(cursor, 256, &entries, &count, error);
        if (status != BASE_ROW)
            break;
        status = BASE_OK;
        for (uint32_t i = 0; i < count && status == BASE_OK; i++) {
            if (!seal || was_sealed(seal, entries[i].rowid))
                status = index_run_writer_append(writer, entries[i].key, entries[i].rowid, error);
        }
    }
    kind->cursor_destroy(cursor);
    return status == BASE_DONE ? BASE_OK : status;
}

/* The run of what leaves the tree, noted in changes and list. */
static base_status write_sealed(table_run_changes *changes, table_index *index,
                                const table_seal *seal, uint32_t seal_count, table_run_list *list,
                                base_error *error)
{
    table_database *database = changes->database;
    index_run_writer *writer;
    index_run *run = NULL;
    table_run_change *change;
    RETURN_IF_ERROR(make_writer(database, index, &writer, error));
    base_status status = copy_tree(index, seal, writer, error);
    if (status == BASE_OK)
        status = finish_run(database, writer, &run, error);
    index_run_writer_destroy(writer);
    if (status == BASE_OK && run)
        status = list_run(database, list, run, error);
    if (status == BASE_OK)
        status = note_change(changes, index, run, &change, error);
    index_run_drop(run);
    if (status != BASE_OK)
        return status;
    change->seal_count = seal_count;
    list->complete = true;
    return BASE_OK;
}

/* ---- Merging --------------------------------------------------------------------------------- */

typedef struct sized_run {
    index_run *run;
    uint64_t count;
} sized_run;

static int compare_sizes(const void *a, const void *b)
{
    uint64_t left = ((const sized_run *)a)->count, right = ((const sized_run *)b)->count;
    return (left > right) - (left < right);
}

/* How many of the smallest runs are worth merging: each merged run is then several times
 * larger than all it was made of together, so that entries are copied a logarithmic number of
 * times, or there are too many runs. */
static uint32_t count_to_merge(const sized_run *runs, uint32_t count)
{
    uint64_t sum = 0;
    uint32_t similar = 0;
    while (similar < count && (similar == 0 || runs[similar].count <= sum * RUN_FANOUT))
        sum += runs[similar++].count;
    if (similar >= RUN_FANOUT)
        return similar;
    return count > RUN_MOST ? count - RUN_MOST / 2 : 0;
}

/* Do so many entries have no row, as far as numbers tell, that it is worth looking at all?
 * Not again while snapshots of the last time may still need what was kept then. */
static bool many_are_stale(const table_index *index, uint64_t rows, uint64_t total, uint64_t oldest)
{
    uint32_t few = index->database->options.seal_rows;
    return total > rows + rows / 4 + (few ? few : TABLE_SEAL_ROWS) && oldest >= index->merged_at;
}

typedef struct merger {
    table_index *index;
    table_relation *relation;
    index_run_writer *writer;
    bool drop_stale; /* all runs are merged: no other has what is left out */
    uint64_t oldest;
} merger;

/* An entry that no version needs is left out. One that is still needed stays although the tree
 * may have it as well. */
static base_status merge_entries(merger *self, index_set_cursor *cursor, base_error *error)
{
    for (;;) {
        const index_entry *entries;
        uint32_t count;
        base_status status = index_set_cursor_next(cursor, 256, &entries, &count, error);
        if (status != BASE_ROW)
            return status == BASE_DONE ? BASE_OK : status;
        for (uint32_t i = 0; i < count; i++) {
            if (self->drop_stale &&
                !table_entry_is_needed(self->relation, self->index, entries[i].key,
                                       entries[i].rowid, self->oldest))
                continue;
            RETURN_IF_ERROR(
                index_run_writer_append(self->writer, entries[i].key, entries[i].rowid, error));
        }
    }
}

/* A set of the runs alone: its cursor is the merge. */
static base_status make_set(table_database *database, const sized_run *runs, uint32_t count,
                            index_set **set, base_error *error)
{
    RETURN_IF_ERROR(index_set_create(&index_btree_kind, &database->budget, set, error));
    for (uint32_t i = 0; i < count; i++) {
        index_set_list *prepared;
        base_status status = index_set_prepare(*set, &prepared, error);
        if (status != BASE_OK) {
            index_set_destroy(*set);
            return status;
        }
        bool changed = index_set_change(*set, prepared, NULL, 0, runs[i].run);
        BASE_VERIFY(changed);
    }
    return BASE_OK;
}

static base_status merge_runs(merger *self, const sized_run *runs, uint32_t count, index_run **run,
                              base_error *error)
{
    table_database *database = self->index->database;
    index_set *set;
    index_set_cursor *cursor = NULL;
    index_range all = {0};
    *run = NULL;
    RETURN_IF_ERROR(make_set(database, runs, count, &set, error));
    base_status status = make_writer(database, self->index, &self->writer, error);
    if (status == BASE_OK)
        status = index_set_cursor_create(set, &cursor, error);
    if (status == BASE_OK)
        status = index_set_cursor_seek(cursor, &all, false, false, error);
    if (status == BASE_OK)
        status = merge_entries(self, cursor, error);
    if (status == BASE_OK)
        status = finish_run(database, self->writer, run, error);
    index_set_cursor_destroy(cursor);
    index_run_writer_destroy(self->writer);
    index_set_destroy(set);
    return status;
}

/* The list names the merged run (NULL: nothing was left) instead of those it was made of. */
static base_status note_merge(table_run_changes *changes, table_index *index, const sized_run *runs,
                              uint32_t count, index_run *merged, table_run_list *list,
                              base_error *error)
{
    table_database *database = changes->database;
    table_run_change *change;
    index_run **removed = base_allocate_array(&database->budget, count, sizeof *removed);
    if (!removed)
        return base_error_no_memory(error);
    base_status status = note_change(changes, index, merged, &change, error);
    if (status != BASE_OK) {
        base_free(&database->budget, removed, count * sizeof *removed);
        return status;
    }
    change->removed = removed;
    for (uint32_t i = 0; i < count; i++) {
        index_run_keep(runs[i].run);
        removed[change->removed_count++] = runs[i].run;
        for (uint32_t k = 0; k < list->count; k++) {
            if (list->runs[k] != runs[i].run)
                continue;
            index_run_drop(list->runs[k]);
            list->runs[k] = list->runs[--list->count];
            break;
        }
    }
    return merged ? list_run(database, list, merged, error) : BASE_OK;
}

static base_status merge_if_due(table_run_changes *changes, table_index *index,
                                table_relation *relation, table_run_list *list,
                                const sized_run *runs, uint64_t total, base_error *error)
{
    uint64_t rows = table_row_count(relation);
    uint64_t oldest = txn_oldest_snapshot(changes->database->manager);
    bool all = many_are_stale(index, rows, total, oldest);
    uint32_t count = all ? list->count : count_to_merge(runs, list->count);
    merger self = {.index = index,
                   .relation = relation,
                   .drop_stale = count == list->count && total > rows + rows / 16,
                   .oldest = oldest};
    index_run *merged;
    if (count == 0 || (count == 1 && !all))
        return BASE_OK;
    base_status status = merge_runs(&self, runs, count, &merged, NULL);
    /* A run that cannot be read is no reason not to write the rest of the checkpoint. */
    if (status != BASE_OK)
        return status == BASE_OUT_OF_MEMORY ? base_error_no_memory(error) : BASE_OK;
    status = note_merge(changes, index, runs, count, merged, list, error);
    if (status == BASE_OK && self.drop_stale)
        changes->changes[changes->count - 1].merged_at =
            txn_last_sequence(changes->database->manager);
    index_run_drop(merged);
    return status;
}

static base_status merge_list(table_run_changes *changes, table_index *index,
                              table_relation *relation, table_run_list *list, base_error *error)
{
    base_budget *budget = &changes->database->budget;
    uint32_t count = list->count;
    uint64_t total = 0;
    sized_run *runs = base_allocate_array(budget, count, sizeof *runs);
    if (!runs)
        return base_error_no_memory(error);
    base_status status = BASE_OK;
    for (uint32_t i = 0; status == BASE_OK && i < count; i++) {
        index_run_info info;
        status = index_run_describe(list->runs[i], &info, error);
        if (status != BASE_OK)
            break;
        runs[i] = (sized_run){list->runs[i], info.entry_count};
        total += info.entry_count;
    }
    if (status == BASE_OK) {
        qsort(runs, count, sizeof *runs, compare_sizes);
        status = merge_if_due(changes, index, relation, list, runs, total, error);
    } else if (status == BASE_CORRUPT) {
        if (error)
            base_error_clear(error);
        status = BASE_OK; /* damaged runs stay as they are */
    }
    base_free(budget, runs, count * sizeof *runs);
    return status;
}

/* ---- What a checkpoint writes ---------------------------------------------------------------- */

base_status table_run_write(table_run_changes *changes, table_index *index,
                            table_relation *relation, const txn_snapshot *snapshot,
                            const table_seal *seal, table_run_list *list, base_error *error)
{
    uint32_t seal_count = atomic_load(&relation->storage->seal_count);
    /* Rows were sealed that an index of that time knew, but not this checkpoint's. */
    if (index->seal_count != seal_count)
        atomic_store(&index->incomplete, true);
    bool incomplete = atomic_load(&index->incomplete), seals = seal->volume_count > 0;
    *list = (table_run_list){.complete = !incomplete};
    RETURN_IF_ERROR(list_visible(changes, index, snapshot, list, error));
    if (list->count > 1 || (list->count == 1 && seals))
        RETURN_IF_ERROR(merge_list(changes, index, relation, list, error));
    if (seals)
        RETURN_IF_ERROR(table_index_need(index, relation, error));
    if (seals || (incomplete && atomic_load(&index->filled)))
        RETURN_IF_ERROR(write_sealed(changes, index, incomplete ? NULL : seal, seal_count + seals,
                                     list, error));
    return adopt_all(changes, list, error);
}

/* ---- Settling -------------------------------------------------------------------------------- */

/* Entries that are in the run now leave the tree. */
static void leave_tree(table_index *index, index_run *run)
{
    index_run_cursor *cursor;
    index_run_range all = {0};
    const index_entry *entries;
    uint32_t count;
    if (index_run_cursor_create(run, &cursor, NULL) != BASE_OK)
        return; /* they count once all the same */
    base_status status = index_run_cursor_seek(cursor, &all, false, NULL);
    while (status == BASE_OK &&
           index_run_cursor_next(cursor, 256, &entries, &count, NULL) == BASE_ROW) {
        for (uint32_t i = 0; i < count; i++)
            (void)index_set_remove(index->entries, entries[i].key, entries[i].rowid);
    }
    index_run_cursor_destroy(cursor);
}

/* Runs that were merged may still be read by calls that began before. */
static void guard_removed(const table_database *database, const table_run_change *change)
{
    for (uint32_t i = 0; i < change->removed_count && !database->in_memory; i++)
        index_run_guard(change->removed[i], cache_enter(database->file));
}

static void settle(const table_database *database, table_run_change *change)
{
    table_index *index = change->index;
    guard_removed(database, change);
    bool changed = index_set_change(index->entries, change->prepared, change->removed,
                                    change->removed_count, change->added);
    BASE_VERIFY(changed); /* INDEX_SET_MAX_RUNS */
    change->prepared = NULL;
    if (change->removed) {
        index->merged_at = BASE_MAX(index->merged_at, change->merged_at);
        return;
    }
    index->seal_count = change->seal_count;
    atomic_store(&index->incomplete, false);
    if (change->added)
        leave_tree(index, change->added);
}

void table_run_settle(table_run_changes *changes)
{
    for (uint32_t i = 0; i < changes->adopted_count; i++)
        index_run_set_loose(changes->adopted[i], false);
    for (uint32_t i = 0; i < changes->count && !changes->database->closing; i++)
        settle(changes->database, &changes->changes[i]);
}

void table_run_changes_free(table_run_changes *changes)
{
    base_budget *budget = &changes->database->budget;
    for (uint32_t i = 0; i < changes->count; i++) {
        table_run_change *change = &changes->changes[i];
        for (uint32_t k = 0; k < change->removed_count; k++)
            index_run_drop(change->removed[k]);
        base_free(budget, change->removed, change->removed_count * sizeof *change->removed);
        index_run_drop(change->added);
        index_set_forget(change->index->entries, change->prepared);
        table_index_drop_reference(change->index);
    }
    for (uint32_t i = 0; i < changes->adopted_count; i++)
        index_run_drop(changes->adopted[i]);
    base_free_array(budget, changes->changes, changes->capacity, sizeof *changes->changes);
    base_free_array(budget, changes->adopted, changes->adopted_capacity, sizeof *changes->adopted);
    *changes = (table_run_changes){.database = changes->database};
}
