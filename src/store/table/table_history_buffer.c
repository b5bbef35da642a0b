/*
 * table_history_buffer.c - superseded versions in memory, and few of them as bytes.
 *
 * Versions come when the hot store lets go of them, under the latch of their leaf, and out of the
 * root. Readers go along while versions are added; a checkpoint that has written volumes puts a
 * new segment, with what is left, in the place of the old one, which readers keep as long as they
 * need it.
 *
 * Few versions are not worth a volume: they lie in the root, as the rows of small tables do, and
 * stay in the buffer.
 */
#include "store/table/table_bytes_int.h"
#include "store/table/table_history_int.h"

enum {
    BUFFER_LIMIT = 128 << 20, /* bytes of a storage's buffer: the oldest go */
    BUFFER_DUE = 64 << 20,    /* of all buffers: a checkpoint is worth while */
};

/* Only what is lost moves it, and never back. */
void table_history_raise(table_history *history, uint64_t sequence)
{
    uint64_t from = atomic_load(&history->from);
    while (from < sequence && !atomic_compare_exchange_weak(&history->from, &from, sequence))
        ;
}

/* ---- Segments -------------------------------------------------------------------------------- */

static void keep_segment(table_history_segment *segment)
{
    atomic_fetch_add_explicit(&segment->references, 1, memory_order_relaxed);
}

static void drop_segment(table_history_segment *segment)
{
    while (segment &&
           atomic_fetch_sub_explicit(&segment->references, 1, memory_order_acq_rel) == 1) {
        table_history_segment *next = segment->next;
        base_arena_destroy(&segment->arena);
        base_free(segment->budget, segment, sizeof *segment);
        segment = next;
    }
}

static table_history_segment *make_segment(base_budget *budget)
{
    table_history_segment *segment = base_allocate_zeroed(budget, sizeof *segment);
    if (!segment)
        return NULL;
    atomic_init(&segment->references, 1);
    segment->budget = budget;
    base_arena_init(&segment->arena, budget);
    return segment;
}

/* ---- Entries --------------------------------------------------------------------------------- */

static size_t entry_size(uint32_t column_count)
{
    table_history_entry *entry;
    return sizeof *entry + column_count * (sizeof *entry->cells + sizeof *entry->nulls);
}

static bool own_string(base_arena *arena, types_cell *cell)
{
    char *copy = base_arena_allocate(arena, cell->string.length);
    if (copy) {
        memcpy(copy, cell->string.far.pointer, cell->string.length);
        cell->string.far.pointer = copy;
    }
    return copy != NULL;
}

/* The cells as they lie in memory: packing them would cost every update more than the copy. */
table_history_entry *table_history_copy_version(base_arena *arena, const row_superseded *version)
{
    uint32_t count = row_superseded_columns(version);
    table_history_entry *entry = base_arena_allocate(arena, entry_size(count));
    if (!entry)
        return NULL;
    entry->next = NULL;
    entry->rowid = version->rowid;
    entry->begin = version->begin;
    entry->end = version->end;
    entry->column_count = count;
    entry->nulls = (bool *)(entry->cells + count);
    row_superseded_read(version, entry->cells, entry->nulls);
    for (uint32_t c = 0; c < count; c++) {
        if (row_superseded_is_far(version, c, &entry->cells[c], entry->nulls[c]) &&
            !own_string(arena, &entry->cells[c]))
            return NULL;
    }
    return entry;
}

static void link_entry(table_history_segment *segment, table_history_entry *entry)
{
    if (segment->last)
        segment->last->next = entry;
    else
        segment->first = entry;
    segment->last = entry;
    segment->count++;
    segment->bytes += entry_size(entry->column_count);
}

static void add_entry(table_storage *storage, table_history_segment *segment,
                      table_history_entry *entry)
{
    uint64_t before = segment->bytes;
    link_entry(segment, entry);
    atomic_fetch_add_explicit(&storage->database->history_bytes, segment->bytes - before,
                              memory_order_relaxed);
}

/* A row_keeper: under the leaf's latch. */
static void keep_version(void *context, const row_superseded *version)
{
    table_storage *storage = context;
    table_history *history = &storage->history;
    table_history_segment *full = NULL;
    if (version->end <= atomic_load_explicit(&history->saved_at, memory_order_acquire))
        return; /* a checkpoint has found it behind its row */
    os_latch_lock(&history->latch);
    if (history->segment && history->segment->bytes > BUFFER_LIMIT) {
        full = history->segment;
        table_history_raise(history, full->last->end);
        history->segment = NULL;
        atomic_fetch_sub(&storage->database->history_bytes, full->bytes);
    }
    if (!history->segment)
        history->segment = make_segment(&storage->database->budget);
    table_history_segment *segment = history->segment;
    table_history_entry *entry =
        segment ? table_history_copy_version(&segment->arena, version) : NULL;
    if (entry) {
        add_entry(storage, segment, entry);
    } else {
        table_history_raise(history, version->end);
    }
    os_latch_unlock(&history->latch);
    drop_segment(full);
}

void table_history_watch(table_storage *storage, row_tree *tree)
{
    if (storage->database->options.history_retention <= 0)
        return;
    row_keeper keeper = {keep_version, storage};
    row_tree_set_keeper(tree, &keeper);
}

bool table_history_is_due(const table_database *database)
{
    return atomic_load_explicit(&database->history_bytes, memory_order_relaxed) > BUFFER_DUE;
}

void table_history_buffer_drop(table_storage *storage)
{
    table_history *history = &storage->history;
    if (history->segment)
        atomic_fetch_sub(&storage->database->history_bytes, history->segment->bytes);
    drop_segment(history->segment);
    history->segment = NULL;
}

void table_history_buffer_count(table_storage *storage, uint64_t *count, uint64_t *bytes)
{
    os_latch_lock(&storage->history.latch);
    const table_history_segment *segment = storage->history.segment;
    *count = segment ? segment->count : 0;
    *bytes = segment ? segment->bytes : 0;
    os_latch_unlock(&storage->history.latch);
}

/* ---- Readers --------------------------------------------------------------------------------- */

void table_history_view_open(table_storage *storage, table_history_view *view)
{
    table_history *history = &storage->history;
    memset(view, 0, sizeof *view);
    os_latch_lock(&history->latch);
    /* A reader needs a place to wait for entries that come later. */
    if (!history->segment)
        history->segment = make_segment(&storage->database->budget);
    view->first = view->segment = history->segment;
    if (view->first)
        keep_segment(view->first);
    os_latch_unlock(&history->latch);
    view->list = table_history_list_take(history);
}

void table_history_view_close(table_storage *storage, table_history_view *view)
{
    drop_segment(view->first);
    table_history_list_drop(storage, view->list);
    memset(view, 0, sizeof *view);
}

const table_history_entry *table_history_view_next(table_storage *storage, table_history_view *view)
{
    table_history *history = &storage->history;
    for (;;) {
        os_latch_lock(&history->latch);
        const table_history_entry *entry = view->seen ? view->seen->next : view->segment->first;
        table_history_segment *next = view->segment->next;
        os_latch_unlock(&history->latch);
        if (entry)
            view->seen = entry;
        if (entry || !next)
            return entry;
        view->segment = next;
        view->seen = NULL;
    }
}

/* ---- After a checkpoint ---------------------------------------------------------------------- */

/* Strings that do not lie in the entry become the arena's. */
static bool own_strings(base_arena *arena, const table_relation *relation,
                        table_history_entry *entry)
{
    for (uint32_t c = 0; c < BASE_MIN(entry->column_count, relation->descriptor.column_count);
         c++) {
        types_form form = types_form_of(relation->descriptor.columns[c].type);
        if (!entry->nulls[c] && form == TYPES_FORM_STRING &&
            entry->cells[c].string.length > TYPES_STRING_INLINE &&
            !own_string(arena, &entry->cells[c]))
            return false;
    }
    return true;
}

static table_history_entry *copy_entry(base_arena *arena, const table_relation *relation,
                                       const table_history_entry *entry)
{
    uint32_t count = entry->column_count;
    table_history_entry *copy = base_arena_allocate(arena, entry_size(count));
    if (!copy)
        return NULL;
    memcpy(copy, entry, entry_size(count));
    copy->next = NULL;
    copy->nulls = (bool *)(copy->cells + count);
    return own_strings(arena, relation, copy) ? copy : NULL;
}

/* Entries that were over after the checkpoint's sequence, in a new segment. NULL: no memory, or
 * there are none. */
static table_history_segment *copy_rest(const table_relation *relation, table_history_segment *old,
                                        uint64_t sequence)
{
    table_history_segment *rest = make_segment(old->budget);
    for (const table_history_entry *entry = old->first; rest && entry; entry = entry->next) {
        if (entry->end <= sequence)
            continue;
        table_history_entry *copy = copy_entry(&rest->arena, relation, entry);
        if (!copy) {
            drop_segment(rest);
            return NULL;
        }
        link_entry(rest, copy);
    }
    return rest;
}

void table_history_trim(table_storage *storage, const table_relation *relation, uint64_t sequence)
{
    table_history *history = &storage->history;
    table_history_segment *old = NULL;
    os_latch_lock(&history->latch);
    if (history->segment && history->segment->first && history->segment->first->end <= sequence) {
        table_history_segment *rest = copy_rest(relation, history->segment, sequence);
        if (rest) { /* otherwise its versions are found twice for a while */
            old = history->segment;
            keep_segment(rest);
            old->next = rest;
            history->segment = rest;
            atomic_fetch_sub(&storage->database->history_bytes, old->bytes - rest->bytes);
        }
    }
    os_latch_unlock(&history->latch);
    drop_segment(old);
}

/* ---- In the root ----------------------------------------------------------------------------- */

/* u32 columns, u32 versions; each begin, end, row. */
enum {
    PACKED_HEAD = 8
};

static bool has_dropped_columns(const table_relation *relation)
{
    for (uint32_t c = 0; c < relation->descriptor.column_count; c++) {
        if (relation->descriptor.columns[c].dropped)
            return true;
    }
    return false;
}

static base_status pack_all(table_history_cursor *cursor, base_arena *arena, base_buffer *bytes,
                            bool *fits, base_error *error)
{
    const table_relation *relation = cursor->relation;
    uint32_t columns = relation->descriptor.column_count, count = 0;
    uint32_t *wanted = base_arena_allocate_array(arena, columns + 1, sizeof *wanted);
    types_cell *cells = base_arena_allocate_array(arena, columns + 1, sizeof *cells);
    bool *nulls = base_arena_allocate_array(arena, columns + 1, sizeof *nulls);
    if (!wanted || !cells || !nulls)
        return base_error_no_memory(error);
    for (uint32_t c = 0; c < columns; c++)
        wanted[c] = c;
    const uint32_t head[2] = {columns, 0};
    base_buffer_append(bytes, head, sizeof head);
    RETURN_IF_ERROR(table_history_next(cursor, error));
    for (; !cursor->done; count++) {
        RETURN_IF_ERROR(table_history_read(cursor, wanted, columns, cells, nulls, arena, error));
        size_t size = 2 * sizeof(uint64_t) + table_pack_size(relation, cells, nulls);
        *fits = bytes->length + size <= TABLE_INLINE_BYTES;
        if (!*fits)
            return BASE_OK;
        if (!base_buffer_reserve(bytes, size))
            return base_error_no_memory(error);
        unsigned char *to = (unsigned char *)bytes->data + bytes->length;
        base_store_u64(to, cursor->begin);
        base_store_u64(to + 8, cursor->end);
        (void)table_pack_row(relation, cursor->rowid, cells, nulls, to + 16);
        bytes->length += size;
        RETURN_IF_ERROR(table_history_next(cursor, error));
    }
    if (bytes->failed)
        return base_error_no_memory(error);
    base_store_u32(bytes->data + 4, count);
    if (count == 0)
        base_buffer_clear(bytes);
    return BASE_OK;
}

base_status table_history_pack(const table_relation *relation, const table_history_entry **entries,
                               uint32_t count, uint64_t horizon, base_buffer *bytes, bool *fits,
                               base_error *error)
{
    const table_history_filter all = {
        .horizon = horizon, .first_rowid = INT64_MIN, .last_rowid = INT64_MAX};
    /* Packed rows have no values of dropped columns; the past does. */
    *fits = count <= TABLE_INLINE_BYTES / 16 && !has_dropped_columns(relation);
    if (!*fits)
        return BASE_OK;
    base_arena arena;
    base_arena_init(&arena, &relation->storage->database->budget);
    table_history_cursor cursor;
    table_history_open_entries(&cursor, relation, entries, count, &all);
    base_status status = pack_all(&cursor, &arena, bytes, fits, error);
    table_history_close(&cursor);
    base_arena_destroy(&arena);
    if (!*fits)
        base_buffer_clear(bytes);
    return status;
}

static base_status unpack_entry(const table_relation *relation, table_history_segment *segment,
                                table_bytes *bytes, uint32_t packed_count, uint64_t newest,
                                base_error *error)
{
    uint32_t count = relation->descriptor.column_count;
    table_history_entry *entry = base_arena_allocate(&segment->arena, entry_size(count));
    if (!entry)
        return base_error_no_memory(error);
    memset(entry, 0, entry_size(count));
    entry->column_count = count;
    entry->nulls = (bool *)(entry->cells + count);
    if (!table_unpack_u64(bytes, &entry->begin) || !table_unpack_u64(bytes, &entry->end) ||
        entry->begin >= entry->end || entry->end > newest ||
        !table_unpack_row(bytes, relation, packed_count, &entry->rowid, entry->cells, entry->nulls))
        return table_corrupt("a row of the past", error);
    if (!own_strings(&segment->arena, relation, entry))
        return base_error_no_memory(error);
    add_entry(relation->storage, segment, entry);
    return BASE_OK;
}

base_status table_history_unpack(const table_relation *relation, table_bytes bytes, uint64_t newest,
                                 base_error *error)
{
    table_storage *storage = relation->storage;
    uint32_t columns, count;
    if (storage->database->options.history_retention <= 0)
        return BASE_OK;
    if (!table_unpack_u32(&bytes, &columns) || !table_unpack_u32(&bytes, &count))
        return table_corrupt("rows of the past", error);
    BASE_ASSERT(!storage->history.segment);
    storage->history.segment = make_segment(&storage->database->budget);
    if (!storage->history.segment)
        return base_error_no_memory(error);
    base_status status = BASE_OK;
    for (uint32_t i = 0; i < count && status == BASE_OK; i++)
        status = unpack_entry(relation, storage->history.segment, &bytes, columns, newest, error);
    return status;
}
