/*
 * table_index_build.c - whole indexes, and the entries of a bulk load, as sorted runs.
 *
 * Where a table has volumes its rows may exceed memory, and so would a tree of their entries:
 * the entries are brought into order beyond memory and written as one run, beside which the
 * tree is empty. Equal keys come side by side, so duplicates are found on the way. The run's
 * extents are loose; the log refers to them, which makes replay as short as the load.
 *
 * All threads of the runtime take part, in one of two ways:
 *   - keys that follow the order of the rows, as primary keys of loaded files do, need no sort:
 *     the rows are cut into segments, each of which becomes a part of the run by itself. The
 *     first entry that is out of order ends the attempt, and nothing of it is kept.
 *   - otherwise each thread takes units of rows into a sorter of its own (index_sorter); then
 *     the sorters are read as one by as many merges, each of a range of keys.
 * Either way writers of rising ranges are joined at the end. Where several segments fail, the
 * first one's error counts: what a user sees does not depend on how many threads there are.
 *
 * Nobody else writes meanwhile: definitions and bulk loads have the relation's lock alone.
 *
 * Rejected: rows of the hot store into the tree and only those of volumes into the run: two
 * sources of duplicates, and nothing gained, as an entry may be of any row. A run for each
 * thread: every look-up would pay for it until they are merged.
 */
#include "store/table/table_bytes_int.h"
#include "store/table/table_entries_int.h"

enum {
    BUILD_MEMORY = 64 << 20,      /* of a thread's sort, */
    BUILD_ALL_MEMORY = 256 << 20, /* and of all together, at most */
    BUILD_MOST_LANES = 256,       /* threads */
    BUILD_MAX_RUNS = 128          /* of an index, before loads go through the tree */
};

typedef struct build build;

/* A rising range of the run. */
typedef struct build_segment {
    build *self;
    uint32_t number;
    index_run_writer *writer;
    base_buffer last; /* key before */
    int64_t last_rowid;
    index_set_cursor *others; /* entries that were there before; NULL: none need be asked for */
    table_conflict conflict;
    base_status status;
    base_error error;
} build_segment;

typedef struct build_lane {
    index_sorter *sorter;
    base_status status;
    base_error error;
} build_lane;

struct build {
    txn_transaction *transaction;
    table_relation *relation;
    table_index *index;
    const table_entry_source *source;
    bool check;               /* refuse duplicates */
    bool has_others;          /* and compare with entries that were there before */
    table_conflict *conflict; /* may be NULL */
    base_arena arena;
    uint32_t lane_count;
    build_lane *lanes;
    index_sorter **sorters; /* theirs */
    _Atomic(uint32_t) next_unit;
    base_text *cuts;        /* between segments */
    uint32_t segment_count; /* at most as many as lanes */
    build_segment *segments;
    _Atomic(uint32_t) failed; /* number of a segment: those behind it need not go on */
};

/* Many threads share less memory each. */
static size_t sort_memory(const build *self)
{
    size_t limit = self->index->database->options.memory_limit;
    size_t all = limit ? BASE_MIN(limit / 8, (size_t)BUILD_ALL_MEMORY) : (size_t)BUILD_ALL_MEMORY;
    return BASE_MIN(all / self->lane_count, (size_t)BUILD_MEMORY);
}

/* ---- Segments -------------------------------------------------------------------------------- */

static base_status open_segments(build *self, uint32_t count, base_error *error)
{
    table_database *database = self->index->database;
    index_run_options options = {.file = database->file,
                                 .budget = &database->budget,
                                 .loose = true,
                                 .filter = self->index->descriptor.unique};
    atomic_store(&self->failed, UINT32_MAX);
    for (uint32_t i = 0; i < count; i++) {
        build_segment *segment = &self->segments[self->segment_count++];
        *segment = (build_segment){.self = self, .number = i, .status = BASE_OK};
        base_error_clear(&segment->error);
        base_buffer_init(&segment->last, &database->budget);
        options.joins = i > 0;
        RETURN_IF_ERROR(index_run_writer_create(&options, &segment->writer, error));
        if (self->has_others)
            RETURN_IF_ERROR(index_set_cursor_create(self->index->entries, &segment->others, error));
    }
    return BASE_OK;
}

static void close_segments(build *self)
{
    for (uint32_t i = 0; i < self->segment_count; i++) {
        index_run_writer_destroy(self->segments[i].writer);
        index_set_cursor_destroy(self->segments[i].others);
        base_buffer_destroy(&self->segments[i].last);
    }
    self->segment_count = 0;
}

/* Those behind may stop. */
static void end_segment(build_segment *segment, base_status status)
{
    segment->status = status;
    uint32_t first = atomic_load(&segment->self->failed);
    while (status != BASE_OK && segment->number < first &&
           !atomic_compare_exchange_weak(&segment->self->failed, &first, segment->number))
        continue;
}

/* The first error, in the order of the segments. */
static base_status answer_of_segments(const build *self, base_error *error)
{
    uint32_t first = atomic_load(&self->failed);
    if (first == UINT32_MAX)
        return BASE_OK;
    const build_segment *segment = &self->segments[first];
    if (error && error->status == BASE_OK)
        *error = segment->error;
    if (self->conflict && segment->status == BASE_UNIQUE_VIOLATION)
        *self->conflict = segment->conflict;
    return segment->status;
}

static base_status need_segment(const build_segment *segment)
{
    return atomic_load_explicit(&segment->self->failed, memory_order_relaxed) < segment->number
               ? BASE_INTERRUPTED
               : BASE_OK;
}

/* ---- Duplicates ------------------------------------------------------------------------------ */

static base_status refuse(build_segment *segment, int64_t other)
{
    segment->conflict.index_id = segment->self->index->descriptor.id;
    segment->conflict.rowid = other;
    return base_error_set(&segment->error, BASE_UNIQUE_VIOLATION, "two rows have the same key");
}

/* Entries that were there before: are they of rows that have the key? */
static base_status check_others(build_segment *segment, const index_entry *entry)
{
    build *self = segment->self;
    index_range range = {entry->key, entry->key, true, true};
    const index_entry *found;
    uint32_t count;
    table_holder holder;
    RETURN_IF_ERROR(index_set_cursor_seek(segment->others, &range, false, true, &segment->error));
    base_status status = index_set_cursor_next(segment->others, 1, &found, &count, &segment->error);
    if (status != BASE_ROW)
        return status == BASE_DONE ? BASE_OK : status;
    RETURN_IF_ERROR(table_check_unique(self->transaction, self->relation, self->index, entry->key,
                                       entry->rowid, &holder, &segment->conflict, &segment->error));
    return holder.id ? table_row_changed(self->transaction, &segment->error) : BASE_OK;
}

static base_status check_entry(build_segment *segment, const index_entry *entry)
{
    base_text last = {segment->last.data, segment->last.length};
    bool same = index_run_writer_count(segment->writer) > 0 && base_text_equal(last, entry->key);
    if (same && entry->rowid == segment->last_rowid)
        return BASE_OK;
    if (same || segment->others) {
        if (table_key_bytes_have_null(segment->self->index, entry->key))
            return BASE_OK;
        if (same)
            return refuse(segment, segment->last_rowid);
        RETURN_IF_ERROR(check_others(segment, entry));
    }
    base_buffer_clear(&segment->last);
    base_buffer_append(&segment->last, entry->key.data, entry->key.length);
    segment->last_rowid = entry->rowid;
    return segment->last.failed ? base_error_no_memory(&segment->error) : BASE_OK;
}

static base_status add_to_segment(build_segment *segment, const index_entry *entry)
{
    if (segment->self->check)
        RETURN_IF_ERROR(check_entry(segment, entry));
    return index_run_writer_append(segment->writer, entry->key, entry->rowid, &segment->error);
}

/* ---- Keys in the order of the rows ----------------------------------------------------------- */

static base_status add_in_order(void *context, base_text key, int64_t rowid, bool has_null,
                                base_error *error)
{
    build_segment *segment = context;
    const index_entry entry = {key, rowid};
    (void)has_null;
    (void)error; /* the segment's */
    RETURN_IF_ERROR(need_segment(segment));
    return add_to_segment(segment, &entry);
}

static void fill_in_order(void *argument, uint32_t number)
{
    build *self = argument;
    build_segment *segment = &self->segments[number];
    const table_entry_sink sink = {add_in_order, segment};
    uint64_t units = self->source->unit_count;
    uint32_t from = (uint32_t)(units * number / self->segment_count);
    uint32_t to = (uint32_t)(units * (number + 1) / self->segment_count);
    end_segment(segment, table_entries_read(self->source, from, to, &sink, &segment->error));
}

/* Whether each segment lies above the one before it, and has none of its keys. */
static bool segments_rise(const build *self)
{
    const build_segment *before = NULL;
    for (uint32_t i = 0; i < self->segment_count; i++) {
        const build_segment *segment = &self->segments[i];
        if (!index_run_writer_count(segment->writer))
            continue;
        base_text first = index_run_writer_first(segment->writer);
        if (before) {
            base_text last = index_run_writer_last(before->writer);
            base_text key = {first.data, first.length - INDEX_ROWID_SIZE};
            last.length -= INDEX_ROWID_SIZE;
            if (base_text_compare(last, key) >= 0)
                return false;
        }
        before = segment;
    }
    return true;
}

/* `*rose`: the segments have all entries. */
static base_status try_in_order(build *self, bool *rose, base_error *error)
{
    uint32_t count = BASE_MIN(self->lane_count, self->source->unit_count);
    base_status status = open_segments(self, BASE_MAX(count, 1u), error);
    if (status == BASE_OK) {
        os_runtime_run(self->index->database->runtime, self->segment_count, fill_in_order, self);
        status = answer_of_segments(self, NULL);
        /* Out of order, or with duplicates, which sorting finds in the order of the keys. */
        bool falls = status == BASE_CORRUPT || status == BASE_UNIQUE_VIOLATION ||
                     (status == BASE_OK && !segments_rise(self));
        *rose = status == BASE_OK && !falls;
        if (falls)
            status = BASE_OK;
        else
            (void)answer_of_segments(self, error);
    }
    if (!*rose)
        close_segments(self);
    return status;
}

/* ---- Other keys ------------------------------------------------------------------------------ */

static base_status add_to_sorter(void *context, base_text key, int64_t rowid, bool has_null,
                                 base_error *error)
{
    (void)has_null;
    return index_sorter_add(context, key, rowid, error);
}

/* Sorts unit by unit, as long as there are any. */
static void fill_sorter(void *argument, uint32_t number)
{
    build *self = argument;
    build_lane *lane = &self->lanes[number];
    const table_entry_sink sink = {add_to_sorter, lane->sorter};
    while (lane->status == BASE_OK) {
        uint32_t unit = atomic_fetch_add_explicit(&self->next_unit, 1, memory_order_relaxed);
        if (unit >= self->source->unit_count)
            break;
        lane->status = table_entries_read(self->source, unit, unit + 1, &sink, &lane->error);
    }
    if (lane->status == BASE_OK)
        lane->status = index_sorter_start(lane->sorter, &lane->error);
    if (lane->status != BASE_OK) /* the others need not go on */
        atomic_store(&self->next_unit, self->source->unit_count);
}

static base_status sort_entries(build *self, base_error *error)
{
    table_database *database = self->index->database;
    const index_sorter_options options = {
        .environment = os_runtime_environment(database->runtime),
        .budget = &database->budget,
        .directory_of = database->in_memory ? NULL : cache_os_file(database->file)->path,
        .memory = sort_memory(self)};
    atomic_store(&self->next_unit, 0);
    for (uint32_t i = 0; i < self->lane_count; i++) {
        base_error_clear(&self->lanes[i].error);
        RETURN_IF_ERROR(index_sorter_create(&options, &self->lanes[i].sorter, error));
        self->sorters[i] = self->lanes[i].sorter;
    }
    os_runtime_run(database->runtime, self->lane_count, fill_sorter, self);
    for (uint32_t i = 0; i < self->lane_count; i++) {
        if (self->lanes[i].status == BASE_OK)
            continue;
        if (error && error->status == BASE_OK)
            *error = self->lanes[i].error;
        return self->lanes[i].status;
    }
    return BASE_OK;
}

static base_status merge_range(build *self, build_segment *segment)
{
    index_merge *merge;
    base_text from = {NULL, 0}, to = {NULL, 0};
    if (segment->number > 0)
        from = self->cuts[segment->number - 1];
    if (segment->number + 1 < self->segment_count)
        to = self->cuts[segment->number];
    RETURN_IF_ERROR(
        index_merge_create(self->sorters, self->lane_count, from, to, &merge, &segment->error));
    base_status status = BASE_OK;
    while (status == BASE_OK) {
        index_entry entry;
        status = index_merge_next(merge, &entry, &segment->error);
        if (status != BASE_ROW)
            break;
        status = need_segment(segment);
        if (status == BASE_OK)
            status = add_to_segment(segment, &entry);
    }
    index_merge_destroy(merge);
    return status == BASE_DONE ? BASE_OK : status;
}

static void write_range(void *argument, uint32_t number)
{
    build *self = argument;
    build_segment *segment = &self->segments[number];
    end_segment(segment, merge_range(self, segment));
}

static base_status write_sorted(build *self, base_error *error)
{
    uint32_t cuts;
    RETURN_IF_ERROR(sort_entries(self, error));
    RETURN_IF_ERROR(index_merge_cut(self->sorters, self->lane_count, self->lane_count, &self->arena,
                                    self->cuts, &cuts, error));
    RETURN_IF_ERROR(open_segments(self, cuts + 1, error));
    os_runtime_run(self->index->database->runtime, self->segment_count, write_range, self);
    return answer_of_segments(self, error);
}

/* ---- The run --------------------------------------------------------------------------------- */

/* `*reference` stays null where there are no entries. */
static base_status join_segments(build *self, cache_reference *reference, base_error *error)
{
    index_run_writer *run = NULL;
    for (uint32_t i = 0; i < self->segment_count; i++) {
        index_run_writer *writer = self->segments[i].writer;
        if (!index_run_writer_count(writer))
            continue;
        if (!run)
            run = writer;
        else
            RETURN_IF_ERROR(index_run_writer_join(run, writer, error));
    }
    return run ? index_run_writer_finish(run, reference, error) : BASE_OK;
}

static void close_build(build *self)
{
    close_segments(self);
    for (uint32_t i = 0; i < self->lane_count; i++)
        index_sorter_destroy(self->lanes[i].sorter);
    base_arena_destroy(&self->arena);
}

static base_status open_build(build *self, base_error *error)
{
    table_database *database = self->index->database;
    uint32_t lanes = os_runtime_parallelism(database->runtime);
    lanes = BASE_MIN(lanes, (uint32_t)BUILD_MOST_LANES);
    lanes = BASE_MAX(BASE_MIN(lanes, self->source->unit_count), 1u);
    base_arena_init(&self->arena, &database->budget);
    self->lanes = base_arena_allocate_array(&self->arena, lanes, sizeof *self->lanes);
    self->sorters = base_arena_allocate_array(&self->arena, lanes, sizeof *self->sorters);
    self->cuts = base_arena_allocate_array(&self->arena, lanes, sizeof *self->cuts);
    self->segments = base_arena_allocate_array(&self->arena, lanes, sizeof *self->segments);
    if (!self->lanes || !self->sorters || !self->cuts || !self->segments)
        return base_error_no_memory(error);
    self->lane_count = lanes;
    return BASE_OK;
}

/* The entries of the source as one run. */
static base_status write_run(build *self, cache_reference *reference, base_error *error)
{
    bool rose = false;
    *reference = (cache_reference){0};
    base_status status = open_build(self, error);
    if (status == BASE_OK)
        status = try_in_order(self, &rose, error);
    if (status == BASE_OK && !rose)
        status = write_sorted(self, error);
    if (status == BASE_OK)
        status = join_segments(self, reference, error);
    close_build(self);
    return status;
}

static base_status discard_extent(void *context, const cache_reference *reference,
                                  base_error *error)
{
    (void)error;
    cache_discard(context, reference);
    return BASE_OK;
}

/* The run belongs to the index, or nobody. */
static base_status attach_run(build *self, const cache_reference *reference, base_error *error)
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
    table_entry_source source;
    cache_reference reference = {0};
    RETURN_IF_ERROR(table_entry_source_rows(&source, index, relation, snapshot, error));
    build self = {.transaction = transaction,
                  .relation = relation,
                  .index = index,
                  .source = &source,
                  .check = check && index->descriptor.unique};
    base_status status = write_run(&self, &reference, error);
    table_entry_source_close(&source);
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
static bool has_entries(const table_index *index)
{
    const index_kind *kind = index_set_kind(index->entries);
    index_set_list *runs = index_set_hold(index->entries);
    bool has = kind->count(index_set_tree(index->entries)) > 0 || index_set_run_count(runs) > 0;
    index_set_let_go(runs);
    return has;
}

static base_status load_index(build *self, base_error *error)
{
    cache_reference reference;
    RETURN_IF_ERROR(table_index_need(self->index, self->relation, error));
    self->has_others = self->check && has_entries(self->index);
    RETURN_IF_ERROR(write_run(self, &reference, error));
    if (cache_reference_is_null(&reference))
        return BASE_OK;
    RETURN_IF_ERROR(attach_run(self, &reference, error));
    return table_log_run(self->transaction, self->relation, self->index, &reference, error);
}

base_status table_index_load(txn_transaction *transaction, table_relation *relation,
                             table_volume **volumes, uint32_t count, table_conflict *conflict,
                             base_error *error)
{
    for (uint32_t i = 0; i < relation->index_count; i++) {
        table_entry_source source;
        table_entry_source_volumes(&source, relation->indexes[i], relation, volumes, count);
        build self = {.transaction = transaction,
                      .relation = relation,
                      .index = relation->indexes[i],
                      .source = &source,
                      .check = relation->indexes[i]->descriptor.unique,
                      .conflict = conflict};
        RETURN_IF_ERROR(load_index(&self, error));
    }
    return BASE_OK;
}
