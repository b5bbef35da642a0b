/*
 * table_index_build.c - whole indexes, and the entries of a bulk load, as sorted runs.
 *
 * Where a table has volumes its rows may exceed memory, and so would a tree of their entries:
 * the entries are sorted in parts (index_sorter) and written as one run, beside which the
 * tree is empty. Equal keys come side by side, so duplicates are found on the way. The run's
 * extents are loose; the log refers to them, which makes replay as short as the load.
 *
 * Nobody else writes meanwhile: definitions and bulk loads have the relation's lock alone.
 *
 * Rejected: rows of the hot store into the tree and only those of volumes into the run: two
 * sources of duplicates, and nothing gained, as an entry may be of any row.
 */
#include "store/table/table_int.h"

enum {
    BUILD_MEMORY = 64 << 20, /* of a sort, at most */
    BUILD_MAX_RUNS = 128     /* of an index, before loads go through the tree */
};

typedef struct builder {
    txn_transaction *transaction;
    table_relation *relation;
    table_index *index;
    index_sorter *sorter;
    index_run_writer *writer;
    base_buffer last; /* key before */
    int64_t last_rowid;
    bool check;               /* refuse duplicates */
    table_conflict *conflict; /* may be NULL */
    index_set_cursor *others; /* entries that were there before; NULL: none need be asked for */
} builder;

static size_t sort_memory(const table_database *database)
{
    size_t limit = database->options.memory_limit;
    return limit ? BASE_MIN(limit / 8, (size_t)BUILD_MEMORY) : (size_t)BUILD_MEMORY;
}

static base_status open_builder(builder *self, base_error *error)
{
    table_database *database = self->index->database;
    index_sorter_options sort = {
        .environment = os_runtime_environment(database->runtime),
        .budget = &database->budget,
        .directory_of = database->in_memory ? NULL : cache_os_file(database->file)->path,
        .memory = sort_memory(database)};
    index_run_options run = {.file = database->file,
                             .budget = &database->budget,
                             .loose = true,
                             .filter = self->index->descriptor.unique};
    base_buffer_init(&self->last, &database->budget);
    RETURN_IF_ERROR(index_sorter_create(&sort, &self->sorter, error));
    return index_run_writer_create(&run, &self->writer, error);
}

static void close_builder(builder *self)
{
    index_sorter_destroy(self->sorter);
    index_run_writer_destroy(self->writer);
    index_set_cursor_destroy(self->others);
    base_buffer_destroy(&self->last);
}

static base_status add_to_sorter(void *context, base_text key, int64_t rowid, bool has_null,
                                 base_error *error)
{
    builder *self = context;
    (void)has_null;
    return index_sorter_add(self->sorter, key, rowid, error);
}

/* ---- Duplicates ------------------------------------------------------------------------------ */

static base_status refuse(builder *self, int64_t other, base_error *error)
{
    if (self->conflict) {
        self->conflict->index_id = self->index->descriptor.id;
        self->conflict->rowid = other;
    }
    return base_error_set(error, BASE_UNIQUE_VIOLATION, "two rows have the same key");
}

/* Entries that were there before: are they of rows that have the key? */
static base_status check_others(builder *self, const index_entry *entry, base_error *error)
{
    index_range range = {entry->key, entry->key, true, true};
    const index_entry *found;
    uint32_t count;
    table_holder holder;
    RETURN_IF_ERROR(index_set_cursor_seek(self->others, &range, false, true, error));
    base_status status = index_set_cursor_next(self->others, 1, &found, &count, error);
    if (status != BASE_ROW)
        return status == BASE_DONE ? BASE_OK : status;
    RETURN_IF_ERROR(table_check_unique(self->transaction, self->relation, self->index, entry->key,
                                       entry->rowid, &holder, self->conflict, error));
    return holder.id ? table_row_changed(self->transaction, error) : BASE_OK;
}

static base_status check_entry(builder *self, const index_entry *entry, base_error *error)
{
    base_text last = {self->last.data, self->last.length};
    bool same = index_run_writer_count(self->writer) > 0 && base_text_equal(last, entry->key);
    if (same && entry->rowid == self->last_rowid)
        return BASE_OK;
    if (same || self->others) {
        if (table_key_bytes_have_null(self->index, entry->key))
            return BASE_OK;
        if (same)
            return refuse(self, self->last_rowid, error);
        RETURN_IF_ERROR(check_others(self, entry, error));
    }
    base_buffer_clear(&self->last);
    base_buffer_append(&self->last, entry->key.data, entry->key.length);
    self->last_rowid = entry->rowid;
    return self->last.failed ? base_error_no_memory(error) : BASE_OK;
}

/* ---- The run --------------------------------------------------------------------------------- */

/* All entries are in the sorter. `*reference` stays null where there are none. */
static base_status write_sorted(builder *self, cache_reference *reference, base_error *error)
{
    *reference = (cache_reference){0};
    RETURN_IF_ERROR(index_sorter_start(self->sorter, error));
    for (;;) {
        index_entry entry;
        base_status status = index_sorter_next(self->sorter, &entry, error);
        if (status == BASE_DONE)
            break;
        if (status != BASE_ROW)
            return status;
        if (self->check)
            RETURN_IF_ERROR(check_entry(self, &entry, error));
        RETURN_IF_ERROR(index_run_writer_append(self->writer, entry.key, entry.rowid, error));
    }
    if (index_run_writer_count(self->writer) == 0)
        return BASE_OK;
    return index_run_writer_finish(self->writer, reference, error);
}

static base_status discard_extent(void *context, const cache_reference *reference,
                                  base_error *error)
{
    (void)error;
    cache_discard(context, reference);
    return BASE_OK;
}

/* The run belongs to the index, or nobody. */
static base_status attach_run(builder *self, const cache_reference *reference, base_error *error)
{
    table_database *database = self->index->database;
    base_status status = table_run_attach(self->transaction, self->index, reference, true, error);
    if (status != BASE_OK)
        (void)table_visit_extents(database, reference, discard_extent, database->file, NULL);
    return status;
}

static base_status build_at(txn_transaction *transaction, table_relation *relation,
                            table_index *index, const txn_snapshot *snapshot, bool check,
                            base_error *error)
{
    builder self = {.transaction = transaction,
                    .relation = relation,
                    .index = index,
                    .check = check && index->descriptor.unique};
    const table_entry_sink sink = {add_to_sorter, &self};
    cache_reference reference = {0};
    base_status status = open_builder(&self, error);
    if (status == BASE_OK)
        status = table_entries_of_all(index, relation, snapshot, &sink, error);
    if (status == BASE_OK)
        status = write_sorted(&self, &reference, error);
    close_builder(&self);
    if (status != BASE_OK || cache_reference_is_null(&reference))
        return status;
    return attach_run(&self, &reference, error);
}

base_status table_index_build(txn_transaction *transaction, table_relation *relation,
                              table_index *index, const txn_snapshot *newest, bool older,
                              base_error *error)
{
    table_database *database = index->database;
    RETURN_IF_ERROR(build_at(transaction, relation, index, newest, true, error));
    if (older)
        RETURN_IF_ERROR(
            build_at(transaction, relation, index, txn_snapshot_of(transaction), false, error));
    index->since = newest->sequence;
    atomic_store_explicit(&index->filled, true, memory_order_release);
    return database->in_memory ? BASE_OK : cache_sync(database->file, error);
}

/* ---- Bulk loads ------------------------------------------------------------------------------ */

bool table_index_may_load(const table_relation *relation)
{
    for (uint32_t i = 0; i < relation->index_count; i++) {
        index_set_list *runs = index_set_hold(relation->indexes[i]->entries);
        uint32_t count = index_set_run_count(runs);
        index_set_let_go(runs);
        if (count >= BUILD_MAX_RUNS)
            return false;
    }
    return true;
}

/* Must the keys be compared with entries that were there before? */
static base_status look_at_others(builder *self, base_error *error)
{
    const index_kind *kind = index_set_kind(self->index->entries);
    index_set_list *runs = index_set_hold(self->index->entries);
    bool has_others =
        kind->count(index_set_tree(self->index->entries)) > 0 || index_set_run_count(runs) > 0;
    index_set_let_go(runs);
    if (!self->check || !has_others)
        return BASE_OK;
    return index_set_cursor_create(self->index->entries, &self->others, error);
}

static base_status load_index(builder *self, table_volume **volumes, uint32_t count,
                              base_error *error)
{
    const table_entry_sink sink = {add_to_sorter, self};
    cache_reference reference = {0};
    RETURN_IF_ERROR(table_index_need(self->index, self->relation, error));
    base_status status = open_builder(self, error);
    if (status == BASE_OK)
        status = look_at_others(self, error);
    for (uint32_t i = 0; status == BASE_OK && i < count; i++)
        status = table_entries_of_volume(self->index, self->relation, volumes[i], &sink, error);
    if (status == BASE_OK)
        status = write_sorted(self, &reference, error);
    close_builder(self);
    if (status != BASE_OK || cache_reference_is_null(&reference))
        return status;
    RETURN_IF_ERROR(attach_run(self, &reference, error));
    return table_log_run(self->transaction, self->relation, self->index, &reference, error);
}

base_status table_index_load(txn_transaction *transaction, table_relation *relation,
                             table_volume **volumes, uint32_t count, table_conflict *conflict,
                             base_error *error)
{
    for (uint32_t i = 0; i < relation->index_count; i++) {
        builder self = {.transaction = transaction,
                        .relation = relation,
                        .index = relation->indexes[i],
                        .check = relation->indexes[i]->descriptor.unique,
                        .conflict = conflict};
        RETURN_IF_ERROR(load_index(&self, volumes, count, error));
    }
    return BASE_OK;
}
