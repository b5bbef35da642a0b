/*
 * table_scan.c - scans: a relation cut into units, read by any number of readers.
 *
 * A unit is a range of rowids: some leaves of the hot tree, later also the row groups of
 * volumes that overlap it. Cutting reads only the directory. A reader keeps a rowid between
 * calls and no latch, so a slow consumer holds nobody up.
 *
 * The scan ends at the largest rowid that existed when it was made: rows that the statement
 * itself inserts behind it are not met, however long it runs.
 */
#include "store/table/table_int.h"

struct table_scan {
    base_budget *budget;
    const table_relation *relation; /* resolved; the snapshot keeps it */
    txn_snapshot snapshot;
    uint32_t *columns;
    uint32_t column_count;
    int64_t first, last;
    bool descending;
    uint32_t unit_count, unit_capacity;
    int64_t *starts; /* ascending */
};

struct table_reader {
    const table_scan *scan;
    row_position position;
};

/* Narrows the range by predicates on the rowid. */
static void apply_predicate(table_scan *scan, const table_predicate *predicate)
{
    const types_cell *values = predicate->values;
    switch (predicate->test) {
    case TABLE_EQUAL:
        scan->first = BASE_MAX(scan->first, values[0].int64);
        scan->last = BASE_MIN(scan->last, values[0].int64);
        break;
    case TABLE_LESS:
        if (values[0].int64 == INT64_MIN)
            scan->first = INT64_MAX, scan->last = INT64_MIN;
        else
            scan->last = BASE_MIN(scan->last, values[0].int64 - 1);
        break;
    case TABLE_LESS_EQUAL:
        scan->last = BASE_MIN(scan->last, values[0].int64);
        break;
    case TABLE_GREATER:
        if (values[0].int64 == INT64_MAX)
            scan->first = INT64_MAX, scan->last = INT64_MIN;
        else
            scan->first = BASE_MAX(scan->first, values[0].int64 + 1);
        break;
    case TABLE_GREATER_EQUAL:
        scan->first = BASE_MAX(scan->first, values[0].int64);
        break;
    case TABLE_IN:
        if (predicate->value_count == 0) {
            scan->first = INT64_MAX, scan->last = INT64_MIN;
        } else {
            scan->first = BASE_MAX(scan->first, values[0].int64);
            scan->last = BASE_MIN(scan->last, values[predicate->value_count - 1].int64);
        }
        break;
    case TABLE_IS_NULL: /* a rowid never is */
        scan->first = INT64_MAX, scan->last = INT64_MIN;
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

static base_status cut_units(table_scan *scan, base_error *error)
{
    if (scan->first > scan->last)
        return BASE_OK;
    const row_tree *hot = scan->relation->storage->hot;
    uint32_t limit = row_tree_cut_bound(hot, TABLE_UNIT_LEAVES);
    if (!base_grow_array(scan->budget, &scan->starts, &scan->unit_capacity, limit,
                         sizeof *scan->starts))
        return base_error_no_memory(error);
    scan->unit_count =
        row_tree_cut(hot, scan->first, scan->last, TABLE_UNIT_LEAVES, scan->starts, limit);
    return BASE_OK;
}

base_status table_scan_create(txn_transaction *transaction, table_relation *relation,
                              const table_scan_options *options, table_scan **scan,
                              base_error *error)
{
    RETURN_IF_ERROR(table_resolve(transaction, relation, &relation, error));
    RETURN_IF_ERROR(check_columns(relation, options->columns, options->column_count, error));
    base_budget *budget = table_database_budget(table_database_of(transaction));
    size_t columns_size = options->column_count * sizeof(uint32_t);
    table_scan *self = base_allocate_zeroed(budget, sizeof *self + columns_size);
    if (!self)
        return base_error_no_memory(error);
    self->budget = budget;
    self->relation = relation;
    self->snapshot = *txn_snapshot_of(transaction);
    self->columns = (uint32_t *)(self + 1);
    if (columns_size)
        memcpy(self->columns, options->columns, columns_size);
    self->column_count = options->column_count;
    self->first = options->first_rowid;
    self->last = BASE_MIN(options->last_rowid, row_tree_last_rowid(relation->storage->hot));
    self->descending = options->descending;
    for (uint32_t i = 0; i < options->predicate_count; i++) {
        const table_predicate *predicate = &options->predicates[i];
        if (predicate->column == TABLE_ROWID ||
            (int32_t)predicate->column == relation->descriptor.rowid_column)
            apply_predicate(self, predicate);
    }
    base_status status = cut_units(self, error);
    if (status != BASE_OK) {
        table_scan_destroy(self);
        return status;
    }
    *scan = self;
    return BASE_OK;
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

base_status table_reader_create(table_scan *scan, table_reader **reader, base_error *error)
{
    table_reader *self = base_allocate_zeroed(scan->budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->scan = scan;
    self->position.done = true;
    *reader = self;
    return BASE_OK;
}

void table_reader_destroy(table_reader *reader)
{
    if (reader)
        base_free(reader->scan->budget, reader, sizeof *reader);
}

base_status table_reader_open_unit(table_reader *reader, uint32_t unit, base_error *error)
{
    const table_scan *scan = reader->scan;
    BASE_ASSERT(unit < scan->unit_count);
    (void)error;
    if (scan->descending)
        unit = scan->unit_count - 1 - unit;
    int64_t first = scan->starts[unit];
    int64_t last = unit + 1 < scan->unit_count ? scan->starts[unit + 1] - 1 : scan->last;
    reader->position = (row_position){.next = scan->descending ? last : first,
                                      .last = scan->descending ? first : last,
                                      .descending = scan->descending,
                                      .done = first > last};
    return BASE_OK;
}

base_status table_reader_next(table_reader *reader, vector_chunk *chunk, base_error *error)
{
    const table_scan *scan = reader->scan;
    (void)error;
    BASE_ASSERT(chunk->column_count >= scan->column_count);
    return row_scan(scan->relation->storage->hot, scan->relation->layout, &scan->snapshot,
                    &reader->position, scan->columns, scan->column_count, chunk);
}
