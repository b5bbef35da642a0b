/*
 * table_history.c - superseded versions are kept for as long as the retention says.
 *
 * A version that the hot store lets go of (row_history.c) is copied, whole, into its storage's
 * buffer. A checkpoint at sequence Q writes those that were over by Q to history volumes, and
 * with them those that the hot store still has for old snapshots; a crash brings the later ones
 * back, because the log is run again. Versions in volumes of rows stay there with their marks until
 * a merge leaves them behind, and then go to history volumes too.
 *
 *   hot ──release──► buffer ──checkpoint──► history volume ──beyond the horizon──► (nothing)
 *                     volume of rows ──merge──► history volume
 *
 * So at any time a version is in one of these places, or in two while it is on its way; who
 * reads the past looks at them in this order and takes each version once.
 *
 * History never fails a write: where memory is short, or the buffer full, versions are lost and
 * `from` says since when the past is whole. Volumes are merged with newer ones of their size, so
 * that there are few, and dropped whole when all of a volume is beyond the horizon or there are
 * too many bytes, the oldest first.
 *
 * Rejected: keeping the undo records instead of copies (chains make every reader of the leaf
 * slow, and records lie in blocks with others'); one history for all tables (dropping a table
 * would leave holes).
 *
 * Invariants
 *   I20 the past of a storage is whole for every sequence from `from` on.
 */
#include "store/table/table_history_int.h"

enum {
    MOST_VOLUMES = 16,      /* of a storage before they are merged whatever their size */
    ABSORB_FACTOR = 3,      /* a volume is merged into one that is at least a third of it */
    COMMITS_TIMED = 64,     /* the time of one of so many commits is noted */
    LEAST_LIMIT = 64 << 20, /* bytes of history that a table may always have */
};

#define MOST_COMMITS 4000000000u /* the past is no longer: marks keep distances of 32 bits */

/* ---- Lists ----------------------------------------------------------------------------------- */

void table_history_list_drop(table_storage *storage, table_history_list *list)
{
    if (!list || atomic_fetch_sub_explicit(&list->references, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < list->count; i++)
        table_history_volume_drop(storage, list->volumes[i]);
    base_free(&storage->database->budget, list,
              sizeof *list + list->count * sizeof(table_volume *));
}

void table_history_volume_drop(table_storage *storage, table_volume *volume)
{
    if (atomic_fetch_sub_explicit(&volume->references, 1, memory_order_acq_rel) == 1)
        table_volume_destroy(storage, volume);
}

static table_history_list *make_list(table_storage *storage, uint32_t count)
{
    table_history_list *list = base_allocate_zeroed(&storage->database->budget,
                                                    sizeof *list + count * sizeof(table_volume *));
    if (list) {
        atomic_init(&list->references, 1);
        list->count = count;
    }
    return list;
}

table_history_list *table_history_list_take(table_history *history)
{
    os_latch_lock(&history->latch);
    table_history_list *list = history->list;
    if (list)
        atomic_fetch_add_explicit(&list->references, 1, memory_order_relaxed);
    os_latch_unlock(&history->latch);
    return list;
}

/* History that is damaged keeps nobody from the rows of today, nor a checkpoint from being made:
 * it is lost. What may be read another time is not. */
static bool is_unreadable(base_status status)
{
    return status == BASE_CORRUPT || status == BASE_FORMAT;
}

void table_history_init(table_storage *storage)
{
    os_latch_init(&storage->history.latch);
    atomic_init(&storage->history.from, txn_last_sequence(storage->database->manager));
}

void table_history_destroy(table_storage *storage)
{
    table_history *history = &storage->history;
    table_history_buffer_drop(storage);
    table_history_list_drop(storage, history->list);
    history->list = NULL;
}

/* ---- Looking at it --------------------------------------------------------------------------- */

base_status table_history_check(table_storage *storage, uint64_t sequence, base_error *error)
{
    if (storage->database->options.history_retention <= 0)
        return base_error_set(error, BASE_MISUSE, "no history is kept (history_retention)");
    if (sequence < atomic_load(&storage->history.from))
        return base_error_set(error, BASE_INVALID_PARAMETER,
                              "the table's history begins with transaction %llu",
                              (unsigned long long)atomic_load(&storage->history.from));
    return BASE_OK;
}

void table_history_list_parts(table_storage *storage,
                              void (*report)(void *context, const table_part_info *info),
                              void *context)
{
    table_part_info buffer = {.tier = "history"};
    table_history_buffer_count(storage, &buffer.row_count, &buffer.byte_count);
    if (buffer.row_count)
        report(context, &buffer);
    table_history_list *list = table_history_list_take(&storage->history);
    for (uint32_t i = 0; list && i < list->count; i++) {
        const table_volume *volume = list->volumes[i];
        table_part_info info = {.tier = "history",
                                .part_id = i + 1,
                                .row_count = volume->info.row_count,
                                .byte_count = volume->info.byte_count};
        report(context, &info);
    }
    table_history_list_drop(storage, list);
}

base_status table_history_check_volumes(table_storage *storage,
                                        void (*report)(void *context, const char *problem),
                                        void *context, base_error *error)
{
    base_status status = BASE_OK;
    table_history_list *list = table_history_list_take(&storage->history);
    for (uint32_t i = 0; list && i < list->count && status == BASE_OK; i++)
        status = col_volume_check(list->volumes[i]->data, report, context, error);
    table_history_list_drop(storage, list);
    if (atomic_load(&storage->history.damaged))
        report(context, "a history volume cannot be read");
    return status;
}

/* ---- Time ------------------------------------------------------------------------------------ */

void table_history_note_time(table_database *database, uint64_t sequence, int64_t time)
{
    os_mutex_lock(&database->times_mutex);
    table_times *times = &database->times;
    uint32_t count = times->count;
    int64_t spacing = database->options.history_retention / (TABLE_TIMES / 2);
    bool is_new = count == 0 || (sequence > times->places[count - 1].sequence &&
                                 time >= times->places[count - 1].time);
    /* Close to the one before the last: takes the place of the last. */
    if (is_new && count > 1 && time - times->places[count - 2].time < spacing)
        count--;
    if (is_new && count == TABLE_TIMES) {
        memmove(times->places, times->places + 1, (count - 1) * sizeof times->places[0]);
        count--;
    }
    if (is_new) {
        times->places[count] = (table_time){sequence, time};
        times->count = count + 1;
    }
    os_mutex_unlock(&database->times_mutex);
}

void table_history_note_commit(table_database *database)
{
    uint64_t last = txn_last_sequence(database->manager);
    uint64_t noted = atomic_load_explicit(&database->timed_sequence, memory_order_relaxed);
    if (last - noted < COMMITS_TIMED || database->options.history_retention <= 0)
        return;
    atomic_store_explicit(&database->timed_sequence, last, memory_order_relaxed);
    table_history_note_time(database, last, wal_last_time(database->log));
}

uint64_t table_history_horizon(table_database *database)
{
    os_environment *environment = os_runtime_environment(database->runtime);
    int64_t oldest = environment->wall_clock(environment) - database->options.history_retention;
    uint64_t horizon = 0;
    os_mutex_lock(&database->times_mutex);
    for (uint32_t i = 0; i < database->times.count; i++) {
        if (database->times.places[i].time <= oldest)
            horizon = database->times.places[i].sequence;
    }
    os_mutex_unlock(&database->times_mutex);
    uint64_t last = txn_last_sequence(database->manager);
    return last > MOST_COMMITS ? BASE_MAX(horizon, last - MOST_COMMITS) : horizon;
}

/* ---- Checkpoints ----------------------------------------------------------------------------- */

typedef struct gatherer {
    base_arena arena; /* of versions found behind rows */
    base_budget *budget;
    const table_history_entry **entries;
    uint32_t count, capacity;
    uint64_t horizon;
    uint64_t saved_at; /* a volume has those that were over by then */
    bool failed;
} gatherer;

static bool is_wanted(const gatherer *self, uint64_t end)
{
    return !self->failed && end > self->horizon && end > self->saved_at;
}

static void add_entry(gatherer *self, const table_history_entry *entry)
{
    if (base_grow_array(self->budget, &self->entries, &self->capacity, self->count + 1,
                        sizeof *self->entries))
        self->entries[self->count++] = entry;
    else
        self->failed = true;
}

static void gather_version(void *context, const row_superseded *version)
{
    gatherer *self = context;
    if (!is_wanted(self, version->end))
        return;
    table_history_entry *entry = table_history_copy_version(&self->arena, version);
    if (entry)
        add_entry(self, entry);
    else
        self->failed = true;
}

/* Versions over by `sequence`: in the order in which they move, so that none is missed. */
static base_status gather(gatherer *self, table_storage *storage, table_history_view *view,
                          uint64_t sequence, base_error *error)
{
    row_keeper visitor = {gather_version, self};
    row_visit_superseded(storage->hot, sequence, &visitor);
    const table_history_entry *entry;
    while (view->segment && (entry = table_history_view_next(storage, view))) {
        if (entry->end <= sequence && is_wanted(self, entry->end))
            add_entry(self, entry);
    }
    if (self->failed)
        return base_error_no_memory(error);
    table_history_sort(self->entries, self->count);
    return BASE_OK;
}

static uint64_t last_end(const table_volume *volume)
{
    col_statistics statistics;
    int32_t place = col_volume_column(volume->data, TABLE_HISTORY_END);
    if (place < 0)
        return UINT64_MAX;
    col_volume_statistics(volume->data, place, &statistics);
    return statistics.has_range ? statistics.high_key : 0; /* the key of an unsigned is itself */
}

/* Which of the volumes stay, are written anew with the entries, or go. */
static void choose_volumes(table_history_save *save, uint64_t horizon, uint64_t limit,
                           uint32_t entry_count)
{
    const table_history_list *list = save->before;
    uint32_t count = list ? list->count : 0;
    uint64_t bytes = 0, rows = entry_count;
    bool may_absorb = entry_count > 0 || count > MOST_VOLUMES;
    for (uint32_t i = count; i > 0; i--) {
        const table_volume *volume = list->volumes[i - 1];
        uint64_t each = volume->info.row_count;
        bytes += volume->info.byte_count;
        save->fates[i - 1] = TABLE_HISTORY_STAYS;
        if (last_end(volume) <= horizon || bytes > limit) {
            save->fates[i - 1] = TABLE_HISTORY_GOES;
            save->from = BASE_MAX(save->from, last_end(volume));
        } else if (may_absorb && rows + each <= COL_MAX_ROWS &&
                   (each <= rows * ABSORB_FACTOR || count > MOST_VOLUMES)) {
            save->fates[i - 1] = TABLE_HISTORY_ABSORBED;
            rows += each;
        } else {
            may_absorb = false;
        }
    }
}

static void note_problem(void *context, const char *problem)
{
    (void)problem;
    *(bool *)context = true;
}

/* Volumes that would be written anew and cannot be read go. */
static base_status check_volumes(table_history_save *save, base_error *error)
{
    const table_history_list *list = save->before;
    for (uint32_t i = 0; list && i < list->count; i++) {
        bool damaged = false;
        if (save->fates[i] != TABLE_HISTORY_ABSORBED)
            continue;
        base_status status =
            col_volume_check(list->volumes[i]->data, note_problem, &damaged, error);
        if (status != BASE_OK && !is_unreadable(status))
            return status;
        if (status != BASE_OK || damaged) {
            base_error_clear(error);
            save->fates[i] = TABLE_HISTORY_GOES;
            save->from = BASE_MAX(save->from, last_end(list->volumes[i]));
        }
    }
    return BASE_OK;
}

static base_status write_volumes(table_history_save *save, const gatherer *found, uint64_t horizon,
                                 base_error *error)
{
    base_budget *budget = &save->relation->storage->database->budget;
    const table_history_list *list = save->before;
    const table_history_filter all = {
        .horizon = horizon, .first_rowid = INT64_MIN, .last_rowid = INT64_MAX};
    uint32_t capacity = (list ? list->count : 0) + 1, count = 1;
    table_history_cursor *cursors = base_allocate_array(budget, capacity, sizeof *cursors);
    if (!cursors)
        return base_error_no_memory(error);
    table_history_open_entries(&cursors[0], save->relation, found->entries, found->count, &all);
    base_status status = BASE_OK;
    for (uint32_t i = 0; list && i < list->count && status == BASE_OK; i++) {
        if (save->fates[i] == TABLE_HISTORY_ABSORBED)
            status = table_history_open_volume(&cursors[count++], TABLE_HISTORY_VOLUME,
                                               save->relation, list->volumes[i], &all, error);
    }
    if (status == BASE_OK && (found->count || count > 1))
        status = table_history_write(&save->writing, cursors, count, error);
    for (uint32_t i = 0; i < count; i++)
        table_history_close(&cursors[i]);
    base_free(budget, cursors, capacity * sizeof *cursors);
    return status;
}

/* The list after the checkpoint. */
static base_status make_after(table_history_save *save, base_error *error)
{
    const table_history_list *before = save->before;
    uint32_t stay = 0;
    for (uint32_t i = 0; before && i < before->count; i++)
        stay += save->fates[i] == TABLE_HISTORY_STAYS;
    save->after = make_list(save->relation->storage, stay + save->writing.count);
    if (!save->after)
        return base_error_no_memory(error);
    uint32_t count = 0;
    for (uint32_t i = 0; before && i < before->count; i++) {
        if (save->fates[i] != TABLE_HISTORY_STAYS)
            continue;
        atomic_fetch_add_explicit(&before->volumes[i]->references, 1, memory_order_relaxed);
        save->after->volumes[count++] = before->volumes[i];
    }
    for (uint32_t i = 0; i < save->writing.count; i++)
        save->after->volumes[count++] = save->writing.volumes[i];
    save->writing.count = 0; /* they are the list's now */
    return BASE_OK;
}

static uint64_t limit_of(const table_database *database)
{
    cache_statistics statistics;
    if (database->options.history_limit)
        return database->options.history_limit;
    cache_get_statistics(database->file, &statistics);
    return BASE_MAX((uint64_t)LEAST_LIMIT, statistics.file_size / 4);
}

base_status table_history_save_write(table_history_save *save, table_relation *relation,
                                     uint64_t sequence, base_error *error)
{
    table_storage *storage = relation->storage;
    table_database *database = storage->database;
    table_history_view view;
    gatherer found = {.budget = &database->budget};
    bool keeps = database->options.history_retention > 0;
    save->writing.relation = relation;
    base_buffer_init(&save->packed, &database->budget);
    save->sequence = sequence;
    save->from = atomic_load(&storage->history.from);
    found.horizon = keeps ? table_history_horizon(database) : sequence;
    found.saved_at = atomic_load_explicit(&storage->history.saved_at, memory_order_acquire);
    save->from = BASE_MAX(save->from, found.horizon);
    base_arena_init(&found.arena, &database->budget);
    table_history_view_open(storage, &view);
    save->before = view.list;
    view.list = NULL;
    uint32_t count = save->before ? save->before->count : 0;
    save->fates = base_allocate_array(&database->budget, count, sizeof *save->fates);
    base_status status = count && !save->fates ? base_error_no_memory(error) : BASE_OK;
    if (status == BASE_OK && keeps)
        status = gather(&found, storage, &view, sequence, error);
    bool in_root = false;
    if (status == BASE_OK)
        status = table_history_pack(relation, found.entries, found.count, found.horizon,
                                    &save->packed, &in_root, error);
    if (in_root)
        found.count = 0;
    save->saved_at = in_root ? found.saved_at : sequence;
    save->trim_before = in_root ? found.horizon : sequence;
    if (status == BASE_OK) {
        choose_volumes(save, found.horizon, limit_of(database), found.count);
        status = check_volumes(save, error);
    }
    if (status == BASE_OK)
        status = write_volumes(save, &found, found.horizon, error);
    if (status == BASE_OK)
        status = make_after(save, error);
    table_history_view_close(storage, &view);
    base_free_array(found.budget, found.entries, found.capacity, sizeof *found.entries);
    base_arena_destroy(&found.arena);
    return status;
}

uint32_t table_history_save_count(const table_history_save *save)
{
    return save->after->count;
}

table_volume *table_history_save_at(const table_history_save *save, uint32_t place)
{
    return save->after->volumes[place];
}

void table_history_save_settle(table_history_save *save)
{
    if (!save->after)
        return;
    table_storage *storage = save->relation->storage;
    table_history *history = &storage->history;
    os_latch_lock(&history->latch);
    table_history_list *before = history->list;
    BASE_VERIFY(before == save->before); /* merges add under the checkpoint mutex */
    history->list = save->after;
    save->after = NULL;
    os_latch_unlock(&history->latch);
    table_history_raise(history, save->from);
    atomic_store(&history->damaged, false); /* the new header does not name it */
    table_history_list_drop(storage, before);
    atomic_store_explicit(&history->saved_at, save->saved_at, memory_order_release);
    table_history_trim(storage, save->relation, save->trim_before);
}

void table_history_save_free(table_history_save *save)
{
    table_storage *storage = save->relation->storage;
    table_history_forget(&save->writing);
    base_buffer_destroy(&save->packed);
    base_free(&storage->database->budget, save->fates,
              (save->before ? save->before->count : 0) * sizeof *save->fates);
    table_history_list_drop(storage, save->before);
    table_history_list_drop(storage, save->after);
    *save = (table_history_save){0};
}

/* ---- Opening and merging --------------------------------------------------------------------- */

base_status table_history_add(table_storage *storage, table_volume *const *volumes, uint32_t count,
                              base_error *error)
{
    table_history *history = &storage->history;
    if (count == 0)
        return BASE_OK;
    table_history_list *before, *after;
    bool done;
    do {
        before = table_history_list_take(history);
        uint32_t old = before ? before->count : 0;
        after = make_list(storage, old + count);
        if (!after) {
            table_history_list_drop(storage, before);
            return base_error_no_memory(error);
        }
        for (uint32_t i = 0; i < old; i++) {
            atomic_fetch_add_explicit(&before->volumes[i]->references, 1, memory_order_relaxed);
            after->volumes[i] = before->volumes[i];
        }
        for (uint32_t i = 0; i < count; i++) {
            atomic_fetch_add_explicit(&volumes[i]->references, 1, memory_order_relaxed);
            after->volumes[old + i] = volumes[i];
        }
        os_latch_lock(&history->latch);
        done = history->list == before;
        if (done)
            history->list = after;
        os_latch_unlock(&history->latch);
        table_history_list_drop(storage, before); /* this look's */
        table_history_list_drop(storage, done ? before : after);
    } while (!done);
    for (uint32_t i = 0; i < count; i++)
        table_history_volume_drop(storage, volumes[i]);
    return BASE_OK;
}

static bool has_form(const table_volume *volume, uint32_t id, types_form form)
{
    int32_t place = col_volume_column(volume->data, id);
    return place >= 0 && col_volume_column_at(volume->data, (uint32_t)place).form == form;
}

/* What the file says is not believed. */
static base_status check_columns(const table_relation *relation, const table_volume *volume,
                                 base_error *error)
{
    const table_descriptor *descriptor = &relation->descriptor;
    bool agrees = has_form(volume, TABLE_HISTORY_ROWID, TYPES_FORM_INT64) &&
                  has_form(volume, TABLE_HISTORY_END, TYPES_FORM_UINT64) &&
                  last_end(volume) != UINT64_MAX;
    for (uint32_t i = 0; agrees && i < col_volume_column_count(volume->data); i++) {
        col_column column = col_volume_column_at(volume->data, i);
        bool is_own = column.id >= TABLE_HISTORY_END; /* and COL_ROWID, COL_STAMP */
        agrees = is_own || (column.id < descriptor->column_count &&
                            column.form == types_form_of(descriptor->columns[column.id].type));
    }
    return agrees ? BASE_OK : table_corrupt("a history volume's column", error);
}

static base_status open_volume(const table_relation *relation, const cache_reference *reference,
                               base_error *error)
{
    table_storage *storage = relation->storage;
    table_volume *volume;
    RETURN_IF_ERROR(table_volume_open(storage, reference, 0, &volume, error));
    base_status status = check_columns(relation, volume, error);
    if (status == BASE_OK)
        status = table_history_add(storage, &volume, 1, error);
    if (status != BASE_OK)
        table_history_volume_drop(storage, volume);
    return status;
}

base_status table_history_open(const table_relation *relation, const cache_reference *references,
                               uint32_t count, base_error *error)
{
    table_storage *storage = relation->storage;
    for (uint32_t i = 0; i < count; i++) {
        base_status status = open_volume(relation, &references[i], error);
        if (is_unreadable(status)) {
            base_error_clear(error);
            atomic_store(&storage->history.damaged, true);
            table_history_raise(&storage->history, storage->saved.sequence);
        } else if (status != BASE_OK) {
            return status;
        }
    }
    return BASE_OK;
}

base_status table_history_leave(const table_relation *relation, table_volume *const *inputs,
                                uint32_t count, base_error *error)
{
    table_storage *storage = relation->storage;
    table_database *database = storage->database;
    if (database->options.history_retention <= 0)
        return BASE_OK;
    const table_history_filter over = {.horizon = table_history_horizon(database),
                                       .first_rowid = INT64_MIN,
                                       .last_rowid = INT64_MAX};
    table_history_cursor *cursors =
        base_allocate_zeroed(&database->budget, count * sizeof *cursors);
    table_history_writing writing = {.relation = relation, .loose = true};
    base_status status = cursors ? BASE_OK : base_error_no_memory(error);
    for (uint32_t i = 0; i < count && status == BASE_OK; i++)
        status = table_history_open_volume(&cursors[i], TABLE_HISTORY_COLD, relation, inputs[i],
                                           &over, error);
    if (status == BASE_OK)
        status = table_history_write(&writing, cursors, count, error);
    for (uint32_t i = 0; cursors && i < count; i++)
        table_history_close(&cursors[i]);
    base_free(&database->budget, cursors, count * sizeof *cursors);
    if (status == BASE_OK && writing.count) {
        os_mutex_lock(&database->checkpoint_mutex); /* which may be replacing the list */
        status = table_history_add(storage, writing.volumes, writing.count, error);
        os_mutex_unlock(&database->checkpoint_mutex);
    }
    if (status == BASE_OK) {
        writing.count = 0;
        table_history_raise(&storage->history,
                            over.horizon); /* the merge drops what was over by then */
    }
    table_history_forget(&writing);
    return status;
}
