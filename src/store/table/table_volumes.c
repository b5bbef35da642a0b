/*
 * table_volumes.c - the list of a storage's volumes, and its cut into runs.
 *
 * The list is replaced, never changed: readers take the pointer once and need no lock. A list
 * with more volumes takes the place of the old one at any time; a list with fewer does so inside
 * a bare commit, so that a snapshot at or after it cannot hold the old one, and what left is
 * freed when no older snapshot is left. Those who look at volumes without a snapshot (undo
 * that is released) hold the visitor latch meanwhile, and the end of a volume waits for them.
 *
 * Runs are not kept in the file: they follow from the rowids. The volumes with most rows that do
 * not overlap each other are the base; the others are dealt out to as few runs as possible.
 * Rejected: runs and levels as a property of volumes (they have to be kept right through loads,
 * rollbacks and merges, and older files have none); an interval tree (ten runs are ten binary
 * searches).
 *
 * Invariants
 *   I16 the volumes of a run do not overlap.
 */
#include "store/table/table_int.h"

/* ---- One volume ------------------------------------------------------------------------------ */

bool table_volume_is_visible(const table_volume *volume, const txn_snapshot *snapshot)
{
    return txn_sees(snapshot, atomic_load_explicit(&volume->since, memory_order_acquire)) &&
           !table_volume_is_past(volume, snapshot);
}

bool table_volume_is_current(const table_volume *volume, uint64_t last_sequence)
{
    uint64_t since = atomic_load_explicit(&volume->since, memory_order_acquire);
    return !(since & TXN_ID_BIT) && since <= last_sequence &&
           atomic_load_explicit(&volume->until, memory_order_acquire) == TABLE_NEVER;
}

void table_volume_destroy(table_storage *storage, table_volume *volume)
{
    base_budget *budget = volume->budget;
    if (volume->data)
        table_volume_discard(storage->database, volume);
    for (uint32_t i = 0; volume->marks && i < volume->vector_count; i++)
        base_free(budget, volume->marks[i], sizeof *volume->marks[i]);
    base_free(budget, volume->marks, volume->vector_count * sizeof *volume->marks);
    col_volume_close(volume->data);
    base_free(budget, volume, sizeof *volume);
}

base_status table_volume_open(table_storage *storage, const cache_reference *reference,
                              uint64_t since, table_volume **volume, base_error *error)
{
    base_budget *budget = &storage->database->budget;
    table_volume *self = base_allocate_zeroed(budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->budget = budget;
    os_latch_init(&self->latch);
    atomic_init(&self->references, 1);
    atomic_init(&self->since, since);
    atomic_init(&self->until, TABLE_NEVER);
    base_status status =
        col_volume_open(storage->database->file, budget, reference, &self->data, error);
    if (status == BASE_OK) {
        col_volume_describe(self->data, &self->info);
        self->vector_count = (uint32_t)((self->info.row_count + VECTOR_SIZE - 1) / VECTOR_SIZE);
        self->marks = base_allocate_zeroed(budget, self->vector_count * sizeof *self->marks);
        if (!self->marks)
            status = base_error_no_memory(error);
    }
    if (status != BASE_OK) {
        table_volume_destroy(storage, self);
        return status;
    }
    *volume = self;
    return BASE_OK;
}

/* ---- Layers ---------------------------------------------------------------------------------- */

static int by_rows(const void *a, const void *b)
{
    const table_volume *left = *(table_volume *const *)a, *right = *(table_volume *const *)b;
    if (left->info.row_count != right->info.row_count)
        return left->info.row_count > right->info.row_count ? -1 : 1;
    return (left->number > right->number) - (left->number < right->number);
}

static int by_rowid(const void *a, const void *b)
{
    const table_volume *left = *(table_volume *const *)a, *right = *(table_volume *const *)b;
    if (left->info.first_rowid != right->info.first_rowid)
        return left->info.first_rowid < right->info.first_rowid ? -1 : 1;
    return (left->number > right->number) - (left->number < right->number);
}

/* Where a volume that begins at `rowid` belongs among these. */
static uint32_t place_of(table_volume *const *sorted, uint32_t count, int64_t rowid)
{
    uint32_t first = 0, end = count;
    while (first < end) {
        uint32_t middle = (first + end) / 2;
        if (sorted[middle]->info.first_rowid < rowid)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

/* Puts the base in front, by rising rowid, and the others behind it, by first rowid; returns how
 * many are in the base. The order of what is given does not matter. */
static uint32_t choose_base(table_volume **volumes, uint32_t count, table_volume **space)
{
    uint32_t base = 0, rest = 0;
    if (count)
        qsort(volumes, count, sizeof(table_volume *), by_rows);
    for (uint32_t i = 0; i < count; i++) {
        table_volume *volume = volumes[i];
        uint32_t place = place_of(space, base, volume->info.first_rowid);
        bool free_left = place == 0 || space[place - 1]->info.last_rowid < volume->info.first_rowid;
        bool free_right = place == base || space[place]->info.first_rowid > volume->info.last_rowid;
        if (free_left && free_right) {
            memmove(space + place + 1, space + place, (base - place) * sizeof *space);
            space[place] = volume;
            base++;
        } else {
            volumes[rest++] = volume;
        }
    }
    memcpy(space + base, volumes, rest * sizeof *space);
    if (rest)
        qsort(space + base, rest, sizeof(table_volume *), by_rowid);
    memcpy(volumes, space, count * sizeof *space);
    return base;
}

base_status table_layers_make(const table_storage *storage, const table_volumes *list,
                              table_layers *layers, base_error *error)
{
    base_budget *budget = &storage->database->budget;
    uint32_t capacity = list ? list->count : 0;
    uint64_t last = txn_last_sequence(storage->database->manager);
    *layers = (table_layers){.capacity = capacity};
    if (capacity == 0)
        return BASE_OK;
    /* The second half is for choosing. */
    layers->volumes = base_allocate_array(budget, capacity, 2 * sizeof(table_volume *));
    if (!layers->volumes)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < list->count; i++) {
        if (table_volume_is_current(list->volumes[i], last))
            layers->volumes[layers->count++] = list->volumes[i];
    }
    layers->base_count = choose_base(layers->volumes, layers->count, layers->volumes + capacity);
    return BASE_OK;
}

void table_layers_free(const table_storage *storage, table_layers *layers)
{
    base_free(&storage->database->budget, layers->volumes,
              (size_t)layers->capacity * 2 * sizeof(table_volume *));
    *layers = (table_layers){0};
}

bool table_layers_border(const table_layers *layers, int64_t rowid, int64_t *border)
{
    if (layers->base_count == 0)
        return false;
    uint32_t place = rowid == INT64_MAX ? layers->base_count
                                        : place_of(layers->volumes, layers->base_count, rowid + 1);
    if (place < layers->base_count) {
        *border = layers->volumes[place]->info.first_rowid;
        return true;
    }
    int64_t last = layers->volumes[layers->base_count - 1]->info.last_rowid;
    if (rowid > last || last == INT64_MAX)
        return false;
    *border = last + 1;
    return true;
}

/* ---- Lists ----------------------------------------------------------------------------------- */

static size_t list_size(uint32_t count)
{
    table_volumes *list;
    return sizeof *list + count * (sizeof *list->volumes + sizeof *list->run_ends);
}

static void free_list(base_budget *budget, table_volumes *list)
{
    while (list) {
        table_volumes *older = list->older;
        base_free(budget, list, list_size(list->count));
        list = older;
    }
}

/* Deals out volumes sorted by first rowid: each goes to the first run that ends before it. The
 * runs of `list` from `first_run` on are filled; `left` is used up. */
static void deal_out(table_volumes *list, uint32_t first_run, table_volume **left, uint32_t count)
{
    uint32_t filled = first_run ? list->run_ends[first_run - 1] : 0;
    list->run_count = first_run;
    while (count > 0) {
        uint32_t kept = 0;
        int64_t end = 0;
        bool is_first = true;
        for (uint32_t i = 0; i < count; i++) {
            if (is_first || left[i]->info.first_rowid > end) {
                end = left[i]->info.last_rowid;
                is_first = false;
                list->volumes[filled++] = left[i];
            } else {
                left[kept++] = left[i];
            }
        }
        list->run_ends[list->run_count++] = filled;
        count = kept;
    }
}

static void check_runs(const table_volumes *list)
{
    for (uint32_t run = 0, i = 0; run < list->run_count; run++) {
        for (i++; i < list->run_ends[run]; i++)
            BASE_VERIFY(list->volumes[i]->info.first_rowid >
                        list->volumes[i - 1]->info.last_rowid); /* I16 */
    }
}

/* A list of these volumes, which are put in some other order. `space` has room for as many. */
static table_volumes *make_list(base_budget *budget, table_volume **volumes, uint32_t count,
                                table_volume **space)
{
    table_volumes *list = base_allocate_zeroed(budget, list_size(count));
    if (!list)
        return NULL;
    list->count = count;
    list->run_ends = (uint32_t *)(void *)(list->volumes + count);
    uint32_t base = choose_base(volumes, count, space);
    memcpy(list->volumes, volumes, base * sizeof *volumes);
    if (base)
        list->run_ends[0] = base;
    deal_out(list, base > 0, volumes + base, count - base);
    check_runs(list);
    return list;
}

/* The listed volumes but for those that leave, and some more. NULL: no memory. */
static table_volumes *make_successor(table_storage *storage, table_volume *const *more,
                                     uint32_t more_count)
{
    base_budget *budget = &storage->database->budget;
    const table_volumes *old = table_volumes_of(storage);
    uint32_t capacity = (old ? old->count : 0) + more_count, count = 0;
    table_volume **space = base_allocate_array(budget, capacity, 2 * sizeof(table_volume *));
    if (!space)
        return NULL;
    for (uint32_t i = 0; old && i < old->count; i++) {
        if (!old->volumes[i]->leaving)
            space[count++] = old->volumes[i];
    }
    if (more_count)
        memcpy(space + count, more, more_count * sizeof *more);
    table_volumes *list = make_list(budget, space, count + more_count, space + capacity);
    base_free(budget, space, (size_t)capacity * 2 * sizeof(table_volume *));
    return list;
}

base_status table_volumes_add(table_storage *storage, table_volume *const *volumes, uint32_t count,
                              base_error *error)
{
    base_status status = BASE_OK;
    os_mutex_lock(&storage->volume_mutex);
    for (uint32_t i = 0; i < count; i++) {
        if (!volumes[i]->number)
            volumes[i]->number = ++storage->volume_number;
    }
    table_volumes *list = make_successor(storage, volumes, count);
    if (list) {
        list->older = atomic_load_explicit(&storage->volumes, memory_order_relaxed);
        atomic_store_explicit(&storage->volumes, list, memory_order_release);
    } else {
        status = base_error_no_memory(error);
    }
    os_mutex_unlock(&storage->volume_mutex);
    return status;
}

base_status table_volume_add(table_storage *storage, const cache_reference *reference,
                             uint64_t since, table_volume **volume, base_error *error)
{
    table_volume *self;
    RETURN_IF_ERROR(table_volume_open(storage, reference, since, &self, error));
    base_status status = table_volumes_add(storage, &self, 1, error);
    if (status != BASE_OK) {
        table_volume_destroy(storage, self);
        return status;
    }
    *volume = self;
    return BASE_OK;
}

void table_volumes_destroy(table_storage *storage)
{
    table_volumes *list = atomic_load(&storage->volumes);
    for (uint32_t i = 0; list && i < list->count; i++)
        table_volume_destroy(storage, list->volumes[i]);
    free_list(&storage->database->budget, list);
    atomic_store(&storage->volumes, NULL);
}

uint64_t table_cold_count(const table_storage *storage)
{
    uint64_t rows = 0;
    const table_volumes *list = table_volumes_of(storage);
    for (uint32_t i = 0; list && i < list->count; i++) {
        const table_volume *volume = list->volumes[i];
        if (atomic_load(&volume->since) != TABLE_NEVER &&
            atomic_load(&volume->until) == TABLE_NEVER)
            rows += volume->info.row_count -
                    BASE_MIN((uint64_t)atomic_load(&volume->mark_count), volume->info.row_count);
    }
    return rows;
}

table_volume *table_next_candidate(table_candidates *candidates)
{
    const table_volumes *list = candidates->list;
    int64_t rowid = candidates->rowid;
    while (list && candidates->run < list->run_count) {
        uint32_t run = candidates->run++;
        uint32_t start = run ? list->run_ends[run - 1] : 0, end = list->run_ends[run];
        /* The last one that does not begin above the row. */
        uint32_t first = start;
        while (first < end) {
            uint32_t middle = (first + end) / 2;
            if (list->volumes[middle]->info.first_rowid <= rowid)
                first = middle + 1;
            else
                end = middle;
        }
        if (first > start && list->volumes[first - 1]->info.last_rowid >= rowid)
            return list->volumes[first - 1];
    }
    return NULL;
}

/* ---- The end of volumes ---------------------------------------------------------------------- */

/* What left the list, and the lists that had it. */
typedef struct leftovers {
    txn_garbage garbage;
    table_storage *storage; /* one reference */
    table_volumes *lists;
    uint32_t count;
    table_volume *volumes[];
} leftovers;
_Static_assert(offsetof(leftovers, garbage) == 0, "dispose_leftovers");

static void dispose_leftovers(txn_garbage *garbage, txn_manager *manager, uint64_t oldest)
{
    leftovers *self = (leftovers *)(void *)garbage;
    table_storage *storage = self->storage;
    base_budget *budget = &storage->database->budget;
    (void)manager;
    (void)oldest;
    /* A visitor without a snapshot has ended its look at the old list, or has the new one. */
    os_latch_lock(&storage->visitor_latch);
    os_latch_unlock(&storage->visitor_latch);
    for (uint32_t i = 0; i < self->count; i++)
        table_volume_destroy(storage, self->volumes[i]);
    free_list(budget, self->lists);
    base_free(budget, self, sizeof *self + self->count * sizeof(table_volume *));
    table_storage_drop(storage);
}

typedef struct pruner {
    table_storage *storage;
    table_volumes *list;
} pruner;

/* Between two commits: snapshots from here on have not seen the old list. */
static void publish_pruned(void *context, uint64_t sequence)
{
    pruner *self = context;
    table_storage *storage = self->storage;
    uint32_t past = 0;
    (void)sequence;
    os_mutex_lock(&storage->moving_mutex);
    for (uint32_t i = 0; i < self->list->count; i++)
        past += atomic_load(&self->list->volumes[i]->until) != TABLE_NEVER;
    atomic_store_explicit(&storage->volumes, self->list, memory_order_release);
    atomic_store(&storage->past_count, past);
    os_mutex_unlock(&storage->moving_mutex);
}

/* Marks the volumes that nobody reads any more; how many? */
static uint32_t choose_leaving(const table_volumes *list, uint64_t oldest)
{
    uint32_t count = 0;
    for (uint32_t i = 0; list && i < list->count; i++) {
        table_volume *volume = list->volumes[i];
        volume->leaving = atomic_load(&volume->until) <= oldest || atomic_load(&volume->abandoned);
        count += volume->leaving;
    }
    return count;
}

/* The volume mutex is held. */
static void prune(table_storage *storage)
{
    table_database *database = storage->database;
    table_volumes *old = atomic_load_explicit(&storage->volumes, memory_order_relaxed);
    uint32_t count = choose_leaving(old, txn_oldest_snapshot(database->manager));
    if (count == 0)
        return;
    pruner self = {storage, make_successor(storage, NULL, 0)};
    size_t size = sizeof(leftovers) + count * sizeof(table_volume *);
    leftovers *later = base_allocate(&database->budget, size);
    if (!self.list || !later ||
        txn_publish(database->manager, publish_pruned, &self, NULL) != BASE_OK) {
        for (uint32_t i = 0; i < old->count; i++)
            old->volumes[i]->leaving = false;
        base_free(&database->budget, later, size);
        free_list(&database->budget, self.list);
        return;
    }
    later->count = 0;
    for (uint32_t i = 0; i < old->count; i++) {
        if (old->volumes[i]->leaving)
            later->volumes[later->count++] = old->volumes[i];
    }
    atomic_fetch_add_explicit(&storage->references, 1, memory_order_relaxed);
    later->storage = storage;
    later->lists = old;
    txn_retire(database->manager, &later->garbage, dispose_leftovers);
}

void table_volumes_prune(table_storage *storage)
{
    os_mutex_lock(&storage->volume_mutex);
    prune(storage);
    os_mutex_unlock(&storage->volume_mutex);
}
