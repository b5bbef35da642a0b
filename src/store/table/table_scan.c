/*
 * table_scan.c - scans: a relation cut into units, read by any number of readers.
 *
 * A unit is a range of rowids with about 65,536 rows in it: leaves of the hot tree and
 * vectors of the volumes that overlap it. Cutting reads only the directory and what volumes
 * say of themselves. A reader keeps rowids and positions between calls and no latch, so a slow
 * consumer holds nobody up.
 *
 * Rows come in the order of rowids. Where a unit has rows in one part only (the usual case)
 * that part's batches are handed on as they are; otherwise table_merge.c merges them.
 *
 * The scan ends at the largest rowid that existed when it was made: rows that the statement
 * itself inserts behind it are not met, however long it runs.
 */
#include "store/table/table_history_int.h"
#include "store/table/table_scan_int.h"

enum {
    UNIT_ROWS = TABLE_UNIT_LEAVES * VECTOR_SIZE
};

static void make_empty(table_scan *scan)
{
    scan->first = INT64_MAX;
    scan->last = INT64_MIN;
}

/* Narrows the range by predicates on the rowid. */
static void apply_predicate(table_scan *scan, const table_predicate *predicate)
{
    const types_cell *values = predicate->values;
    uint32_t count = predicate->value_count;
    switch (predicate->test) {
    case TABLE_EQUAL:
        scan->first = BASE_MAX(scan->first, values[0].int64);
        scan->last = BASE_MIN(scan->last, values[0].int64);
        break;
    case TABLE_LESS:
        if (values[0].int64 == INT64_MIN)
            make_empty(scan);
        else
            scan->last = BASE_MIN(scan->last, values[0].int64 - 1);
        break;
    case TABLE_LESS_EQUAL:
        scan->last = BASE_MIN(scan->last, values[0].int64);
        break;
    case TABLE_GREATER:
        if (values[0].int64 == INT64_MAX)
            make_empty(scan);
        else
            scan->first = BASE_MAX(scan->first, values[0].int64 + 1);
        break;
    case TABLE_GREATER_EQUAL:
        scan->first = BASE_MAX(scan->first, values[0].int64);
        break;
    case TABLE_IN:
        if (count == 0) {
            make_empty(scan);
        } else {
            scan->first = BASE_MAX(scan->first, values[0].int64);
            scan->last = BASE_MIN(scan->last, values[count - 1].int64);
        }
        break;
    case TABLE_IS_NULL: /* a rowid never is */
        make_empty(scan);
        break;
    case TABLE_IS_NOT_NULL:
        break;
    }
}

static base_status check_columns(const table_relation *relation, const uint32_t *columns,
                                 uint32_t count, base_error *error)
{
    for (uint32_t i = 0; i < count; i++) {
        if (columns[i] != TABLE_ROWID && columns[i] >= relation->descriptor.column_count)
            return base_error_set(error, BASE_UNDEFINED_COLUMN,
                                  "the table's definition has changed");
    }
    return BASE_OK;
}

/* ---- Units ---------------------------------------------------------------------------------- */

int64_t table_last_rowid(const table_storage *storage)
{
    int64_t last = row_tree_last_rowid(storage->hot);
    const table_volumes *list = table_volumes_of(storage);
    for (uint32_t i = 0; list && i < list->count; i++)
        last = BASE_MAX(last, list->volumes[i]->info.last_rowid);
    return last;
}

/* Rowids of a volume that cut it into equal parts, if they are spread evenly. */
static void cut_volume(table_scan *scan, const table_volume *volume)
{
    const col_volume_info *info = &volume->info;
    uint64_t parts = (info->row_count + UNIT_ROWS - 1) / UNIT_ROWS;
    uint64_t span = (uint64_t)info->last_rowid - (uint64_t)info->first_rowid;
    for (uint64_t i = 0; i < parts; i++) {
        uint64_t offset = (uint64_t)((uint128_t)span * i / parts);
        int64_t start = (int64_t)((uint64_t)info->first_rowid + offset);
        if (start > scan->first && start <= scan->last)
            scan->starts[scan->unit_count++] = start;
    }
}

static int compare_rowids(const void *a, const void *b)
{
    int64_t left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return (left > right) - (left < right);
}

static void sort_starts(table_scan *scan)
{
    qsort(scan->starts, scan->unit_count, sizeof *scan->starts, compare_rowids);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < scan->unit_count; i++) {
        if (kept == 0 || scan->starts[i] != scan->starts[kept - 1])
            scan->starts[kept++] = scan->starts[i];
    }
    scan->unit_count = kept;
}

static base_status cut_units(table_scan *scan, base_error *error)
{
    if (scan->first > scan->last)
        return BASE_OK;
    const table_storage *storage = scan->relation->storage;
    uint32_t hot_limit = row_tree_cut_bound(storage->hot, TABLE_UNIT_LEAVES);
    const table_volumes *list = table_volumes_of(storage);
    uint32_t volumes = list ? list->count : 0;
    uint64_t limit = hot_limit;
    for (uint32_t i = 0; i < volumes; i++)
        limit += list->volumes[i]->info.row_count / UNIT_ROWS + 1;
    if (limit > UINT32_MAX || !base_grow_array(scan->budget, &scan->starts, &scan->unit_capacity,
                                               (uint32_t)limit, sizeof *scan->starts))
        return base_error_no_memory(error);
    scan->unit_count = row_tree_cut(storage->hot, scan->first, scan->last, TABLE_UNIT_LEAVES,
                                    scan->starts, hot_limit);
    for (uint32_t i = 0; i < volumes; i++) {
        const table_volume *volume = list->volumes[i];
        if (table_volume_is_visible(volume, &scan->snapshot))
            cut_volume(scan, volume);
    }
    if (volumes)
        sort_starts(scan);
    return BASE_OK;
}

/* The past is read as a whole. */
static base_status one_unit(table_scan *scan, base_error *error)
{
    RETURN_IF_ERROR(table_history_check(scan->relation->storage, scan->as_of, error));
    if (scan->as_of > scan->snapshot.sequence)
        return base_error_set(error, BASE_INVALID_PARAMETER, "transaction %llu is not over",
                              (unsigned long long)scan->as_of);
    if (!base_grow_array(scan->budget, &scan->starts, &scan->unit_capacity, 1,
                         sizeof *scan->starts))
        return base_error_no_memory(error);
    scan->starts[0] = scan->first;
    scan->unit_count = scan->first <= scan->last;
    return BASE_OK;
}

base_status table_scan_create_at(table_relation *relation, const txn_snapshot *snapshot,
                                 const table_scan_options *options, table_scan **scan,
                                 base_error *error)
{
    RETURN_IF_ERROR(check_columns(relation, options->columns, options->column_count, error));
    base_budget *budget = &relation->storage->database->budget;
    size_t columns_size = options->column_count * sizeof(uint32_t);
    table_scan *self = base_allocate_zeroed(budget, sizeof *self + columns_size);
    if (!self)
        return base_error_no_memory(error);
    self->budget = budget;
    self->relation = relation;
    self->snapshot = *snapshot;
    self->columns = (uint32_t *)(self + 1);
    if (columns_size)
        memcpy(self->columns, options->columns, columns_size);
    self->column_count = options->column_count;
    self->predicates = options->predicates;
    self->predicate_count = options->predicate_count;
    self->first = options->first_rowid;
    self->last = BASE_MIN(options->last_rowid, table_last_rowid(relation->storage));
    self->descending = options->descending;
    self->as_of = options->as_of;
    if (self->as_of) {
        BASE_ASSERT(!self->descending);
        self->last = options->last_rowid; /* rows may be gone since */
    }
    for (uint32_t i = 0; i < options->predicate_count; i++) {
        const table_predicate *predicate = &options->predicates[i];
        if (table_is_rowid(relation, predicate->column))
            apply_predicate(self, predicate);
    }
    base_status status = self->as_of ? one_unit(self, error) : cut_units(self, error);
    if (status != BASE_OK) {
        table_scan_destroy(self);
        return status;
    }
    *scan = self;
    return BASE_OK;
}

base_status table_scan_create(txn_transaction *transaction, table_relation *relation,
                              const table_scan_options *options, table_scan **scan,
                              base_error *error)
{
    RETURN_IF_ERROR(table_resolve(transaction, relation, &relation, error));
    return table_scan_create_at(relation, txn_snapshot_of(transaction), options, scan, error);
}

uint32_t table_scan_unit_count(const table_scan *scan)
{
    return scan->unit_count;
}

void table_scan_destroy(table_scan *scan)
{
    if (!scan)
        return;
    base_free_array(scan->budget, scan->starts, scan->unit_capacity, sizeof *scan->starts);
    base_free(scan->budget, scan, sizeof *scan + scan->column_count * sizeof(uint32_t));
}

/* ---- Readers --------------------------------------------------------------------------------- */

base_status table_reader_create(table_scan *scan, table_reader **reader, base_error *error)
{
    table_reader *self = base_allocate_zeroed(scan->budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->scan = scan;
    self->limit = VECTOR_SIZE;
    *reader = self;
    return BASE_OK;
}

void table_reader_destroy(table_reader *reader)
{
    if (!reader)
        return;
    table_merge_close(reader);
    table_as_of_close(reader->as_of);
    base_budget *budget = reader->scan->budget;
    base_free_array(budget, reader->sources, reader->source_capacity, sizeof *reader->sources);
    base_free(budget, reader, sizeof *reader);
}

static base_status add_source(table_reader *reader, table_volume *volume, int64_t first,
                              int64_t last, base_error *error)
{
    if (!base_grow_array(reader->scan->budget, &reader->sources, &reader->source_capacity,
                         reader->source_count + 1, sizeof *reader->sources))
        return base_error_no_memory(error);
    table_source *source = &reader->sources[reader->source_count];
    memset(source, 0, sizeof *source);
    bool descending = reader->scan->descending;
    if (!volume) {
        source->position = (row_position){.next = descending ? last : first,
                                          .last = descending ? first : last,
                                          .descending = descending};
    } else {
        RETURN_IF_ERROR(table_source_open(reader->scan, source, volume, first, last, error));
    }
    reader->source_count += !volume || source->from < source->to;
    return BASE_OK;
}

base_status table_reader_open_unit(table_reader *reader, uint32_t unit, base_error *error)
{
    const table_scan *scan = reader->scan;
    table_storage *storage = scan->relation->storage;
    BASE_ASSERT(unit < scan->unit_count);
    if (scan->as_of) {
        table_as_of_close(reader->as_of);
        reader->as_of = NULL;
        return table_as_of_open(scan, &reader->as_of, error);
    }
    if (scan->descending)
        unit = scan->unit_count - 1 - unit;
    int64_t first = scan->starts[unit];
    int64_t last = unit + 1 < scan->unit_count ? scan->starts[unit + 1] - 1 : scan->last;
    table_merge_close(reader);
    reader->source_count = 0;
    const table_volumes *list = table_volumes_of(storage);
    uint32_t volumes = list ? list->count : 0;
    if (volumes == 0 || row_tree_has_rows(storage->hot, first, last))
        RETURN_IF_ERROR(add_source(reader, NULL, first, last, error));
    for (uint32_t i = 0; i < volumes; i++) {
        table_volume *volume = list->volumes[i];
        if (volume->info.first_rowid <= last && volume->info.last_rowid >= first &&
            table_volume_is_visible(volume, &scan->snapshot))
            RETURN_IF_ERROR(add_source(reader, volume, first, last, error));
    }
    return reader->source_count > 1 ? table_merge_open(reader, error) : BASE_OK;
}

base_status table_reader_open_volumes(table_reader *reader, table_volume *const *volumes,
                                      uint32_t count, base_error *error)
{
    table_merge_close(reader);
    reader->source_count = 0;
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(
            add_source(reader, volumes[i], reader->scan->first, reader->scan->last, error));
    return reader->source_count > 1 ? table_merge_open(reader, error) : BASE_OK;
}

void table_reader_limit(table_reader *reader, uint32_t rows)
{
    BASE_ASSERT(rows % 64 == 0 && rows > 0 && rows <= VECTOR_SIZE);
    reader->limit = rows;
}

void table_reader_skip(table_reader *reader, uint64_t *rows)
{
    const table_scan *scan = reader->scan;
    BASE_ASSERT(scan->predicate_count == 0);
    if (reader->source_count != 1 || *rows == 0)
        return; /* what is merged has to be read to tell whose turn it is */
    table_source *source = &reader->sources[0];
    if (source->volume)
        table_source_skip(scan, source, rows);
    else
        row_skip(scan->relation->storage->hot, &scan->snapshot, &source->position, rows);
}

base_status table_reader_next(table_reader *reader, vector_chunk *chunk, base_error *error)
{
    const table_scan *scan = reader->scan;
    BASE_ASSERT(chunk->column_count >= scan->column_count);
    if (scan->as_of)
        return table_as_of_next(reader->as_of, chunk, error);
    if (reader->source_count == 0)
        return BASE_DONE;
    if (reader->source_count > 1)
        return table_merge_next(reader, chunk, error);
    return table_source_next(reader, &reader->sources[0], scan->columns, scan->column_count, chunk,
                             chunk->own_selection, error);
}
