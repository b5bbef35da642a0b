/*
 * catalog_snapshot.c - counted entries and snapshots, and finding names in them.
 *
 * A change copies an array of pointers and shares all entries but one, so that a statement
 * may keep the schema it was bound to for as long as it likes. Names are found by binary
 * search in sorted arrays; a hash table would have to be copied or shared with care, and a
 * thousand tables are ten comparisons.
 */
#include "catalog/catalog_int.h"

catalog_entry *catalog_entry_create(base_budget *budget)
{
    catalog_entry *entry = base_allocate_zeroed(budget, sizeof *entry);
    if (!entry)
        return NULL;
    atomic_init(&entry->references, 1);
    base_arena_init(&entry->arena, budget);
    entry->table.rowid_column = -1;
    entry->rowid = -1;
    return entry;
}

static void pin_entry(catalog_entry *entry)
{
    atomic_fetch_add_explicit(&entry->references, 1, memory_order_relaxed);
}

void catalog_entry_release(catalog_entry *entry)
{
    if (!entry || atomic_fetch_sub_explicit(&entry->references, 1, memory_order_acq_rel) != 1)
        return;
    if (entry->table.relation)
        table_release(entry->table.relation);
    base_budget *budget = entry->arena.budget;
    base_arena_destroy(&entry->arena);
    base_free(budget, entry, sizeof *entry);
}

catalog_entry *catalog_entry_of(const catalog_table *table)
{
    return (catalog_entry *)((char *)(uintptr_t)table - offsetof(catalog_entry, table));
}

/* Order of names: bytes with ASCII letters folded. */
static int compare_names(base_text a, base_text b)
{
    size_t common = BASE_MIN(a.length, b.length);
    for (size_t i = 0; i < common; i++) {
        unsigned char x = (unsigned char)base_ascii_lower(a.data[i]);
        unsigned char y = (unsigned char)base_ascii_lower(b.data[i]);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return a.length < b.length ? -1 : a.length > b.length;
}

static int compare_entries(const void *a, const void *b)
{
    const catalog_entry *const *x = a, *const *y = b;
    return compare_names((*x)->table.name, (*y)->table.name);
}

/* After a change one element is new, and insertion sort is linear; what comes from the file stands
 * in the order of its creation. */
static void sort_entries(catalog_entry **entries, uint32_t count)
{
    uint32_t falls = 0;
    for (uint32_t i = 1; i < count; i++)
        falls += compare_names(entries[i - 1]->table.name, entries[i]->table.name) > 0;
    if (falls > 1) {
        qsort(entries, count, sizeof *entries, compare_entries);
        return;
    }
    for (uint32_t i = 1; i < count; i++) {
        catalog_entry *entry = entries[i];
        uint32_t place = i;
        for (; place && compare_names(entries[place - 1]->table.name, entry->table.name) > 0;
             place--)
            entries[place] = entries[place - 1];
        entries[place] = entry;
    }
}

static int compare_indexes(const void *a, const void *b)
{
    const catalog_index *const *x = a, *const *y = b;
    return compare_names((*x)->name, (*y)->name);
}

static base_status collect_indexes(catalog_snapshot *snapshot, base_error *error)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < snapshot->entry_count; i++)
        count += snapshot->entries[i]->table.index_count;
    if (count == 0)
        return BASE_OK;
    snapshot->indexes = base_allocate_array(snapshot->budget, count, sizeof *snapshot->indexes);
    if (!snapshot->indexes)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < snapshot->entry_count; i++) {
        const catalog_table *table = &snapshot->entries[i]->table;
        for (uint32_t j = 0; j < table->index_count; j++)
            snapshot->indexes[snapshot->index_count++] = table->indexes[j];
    }
    qsort(snapshot->indexes, count, sizeof *snapshot->indexes, compare_indexes);
    return BASE_OK;
}

base_status catalog_snapshot_create(catalog *catalog, catalog_entry *const *entries, uint32_t count,
                                    uint64_t schema_version, catalog_snapshot **created,
                                    base_error *error)
{
    *created = NULL;
    catalog_snapshot *snapshot = base_allocate_zeroed(catalog->budget, sizeof *snapshot);
    if (!snapshot)
        return base_error_no_memory(error);
    atomic_init(&snapshot->references, 1);
    snapshot->budget = catalog->budget;
    snapshot->version = atomic_fetch_add(&catalog->next_version, 1);
    snapshot->schema_version = schema_version;
    if (count) {
        snapshot->entries = base_allocate_array(snapshot->budget, count, sizeof *entries);
        if (!snapshot->entries) {
            catalog_snapshot_release(snapshot);
            return base_error_no_memory(error);
        }
        memcpy(snapshot->entries, entries, count * sizeof *entries);
        snapshot->entry_count = count;
        for (uint32_t i = 0; i < count; i++)
            pin_entry(entries[i]);
        sort_entries(snapshot->entries, count);
    }
    base_status status = collect_indexes(snapshot, error);
    if (status != BASE_OK) {
        catalog_snapshot_release(snapshot);
        return status;
    }
    *created = snapshot;
    return BASE_OK;
}

base_status catalog_snapshot_replace(catalog *catalog, const catalog_snapshot *base,
                                     const catalog_entry *removed, catalog_entry *added,
                                     uint64_t schema_version, catalog_snapshot **snapshot,
                                     base_error *error)
{
    uint32_t count = 0;
    catalog_entry **entries =
        base_allocate_array(catalog->budget, base->entry_count + 1u, sizeof *entries);
    if (!entries)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < base->entry_count; i++) {
        if (base->entries[i] != removed)
            entries[count++] = base->entries[i];
    }
    if (added)
        entries[count++] = added;
    base_status status =
        catalog_snapshot_create(catalog, entries, count, schema_version, snapshot, error);
    base_free(catalog->budget, entries, (base->entry_count + 1u) * sizeof *entries);
    return status;
}

catalog_snapshot *catalog_snapshot_pin(catalog_snapshot *snapshot)
{
    atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    return snapshot;
}

void catalog_snapshot_release(catalog_snapshot *snapshot)
{
    if (!snapshot || atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < snapshot->entry_count; i++)
        catalog_entry_release(snapshot->entries[i]);
    base_budget *budget = snapshot->budget;
    base_free(budget, snapshot->entries, snapshot->entry_count * sizeof *snapshot->entries);
    base_free(budget, snapshot->indexes, snapshot->index_count * sizeof *snapshot->indexes);
    base_free(budget, snapshot, sizeof *snapshot);
}

uint64_t catalog_snapshot_version(const catalog_snapshot *snapshot)
{
    return snapshot->version;
}

const catalog_table *catalog_find_table(const catalog_snapshot *snapshot, base_text name)
{
    uint32_t first = 0, end = snapshot->entry_count;
    while (first < end) {
        uint32_t middle = (first + end) / 2;
        int order = compare_names(snapshot->entries[middle]->table.name, name);
        if (order == 0)
            return &snapshot->entries[middle]->table;
        if (order < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return NULL;
}

const catalog_index *catalog_find_index(const catalog_snapshot *snapshot, base_text name)
{
    uint32_t first = 0, end = snapshot->index_count;
    while (first < end) {
        uint32_t middle = (first + end) / 2;
        int order = compare_names(snapshot->indexes[middle]->name, name);
        if (order == 0)
            return snapshot->indexes[middle];
        if (order < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return NULL;
}

int64_t catalog_creation_order(const catalog_table *table)
{
    return catalog_entry_of(table)->rowid;
}

uint32_t catalog_table_count(const catalog_snapshot *snapshot)
{
    return snapshot->entry_count;
}

const catalog_table *catalog_table_at(const catalog_snapshot *snapshot, uint32_t place)
{
    return place < snapshot->entry_count ? &snapshot->entries[place]->table : NULL;
}

enum {
    LARGEST_DISTANCE = 3,
};

/* Keeps the nearer of `best` and `candidate`; short names allow fewer edits. */
static void consider(base_text name, base_text candidate, base_text *best, uint32_t *distance)
{
    uint32_t limit = BASE_MIN((uint32_t)LARGEST_DISTANCE, (uint32_t)(name.length + 1) / 2);
    uint32_t edits = base_text_distance(name, candidate, limit);
    if (edits <= limit && edits < *distance) {
        *distance = edits;
        *best = candidate;
    }
}

base_text catalog_nearest_table(const catalog_snapshot *snapshot, base_text name)
{
    base_text best = {NULL, 0};
    uint32_t distance = UINT32_MAX;
    for (uint32_t i = 0; i < snapshot->entry_count; i++)
        consider(name, snapshot->entries[i]->table.name, &best, &distance);
    return best;
}

int32_t catalog_find_column(const catalog_table *table, base_text name)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (base_text_equal_folded(table->columns[i].name, name))
            return (int32_t)i;
    }
    return -1;
}

int32_t catalog_column_of_id(const catalog_table *table, uint32_t id)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].id == id)
            return (int32_t)i;
    }
    return -1;
}

base_text catalog_nearest_column(const catalog_table *table, base_text name)
{
    base_text best = {NULL, 0};
    uint32_t distance = UINT32_MAX;
    for (uint32_t i = 0; i < table->column_count; i++)
        consider(name, table->columns[i].name, &best, &distance);
    return best;
}
