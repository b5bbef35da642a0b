/*
 * table_statistics.c - what the optimizer may know of a column, from a sample of its rows.
 *
 * A sample is taken when it is first asked for and again when the table has grown or shrunk
 * by half: a few ranges spread over the rowids, one batch from each. Distinct values are
 * estimated from how many values the sample has once and in all (the estimator of Haas and
 * Stokes that PostgreSQL uses). Small tables are read whole, so their figures are exact.
 */
#include "store/table/table_int.h"

enum {
    SAMPLE_ROWS = TABLE_SAMPLE_RANGES * VECTOR_SIZE
};

typedef struct sampler {
    const table_relation *relation;
    uint32_t column;
    vector_chunk chunk; /* of the one column */
    uint64_t *hashes;
    uint32_t hash_count;
    uint64_t rows, nulls;
    double width;
    table_column_statistics result;
} sampler;

static int compare_hashes(const void *a, const void *b)
{
    uint64_t left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return (left > right) - (left < right);
}

/* Strings keep their first bytes only: minimum and maximum live longer than the row. */
static types_value without_pointer(types_value value)
{
    if (types_form_of(value.type) == TYPES_FORM_STRING &&
        value.cell.string.length > TYPES_STRING_INLINE)
        value.cell.string = types_string_of(value.cell.string.far.pointer, TYPES_STRING_INLINE);
    return value;
}

static void note_value(sampler *sample, const types_value *value)
{
    table_column_statistics *result = &sample->result;
    types_form form = types_form_of(value->type);
    if (sample->hash_count < SAMPLE_ROWS)
        sample->hashes[sample->hash_count++] = types_cell_hash(form, &value->cell);
    sample->width += form == TYPES_FORM_STRING ? value->cell.string.length : types_form_size(form);
    if (!result->has_range || types_cell_compare(form, &value->cell, &result->minimum.cell) < 0)
        result->minimum = without_pointer(*value);
    if (!result->has_range || types_cell_compare(form, &value->cell, &result->maximum.cell) > 0)
        result->maximum = without_pointer(*value);
    result->has_range = true;
}

static void read_range(sampler *sample, const txn_snapshot *snapshot, int64_t first, int64_t last)
{
    const table_relation *relation = sample->relation;
    row_position position = {.next = first, .last = last, .done = first > last};
    if (row_scan(relation->storage->hot, relation->layout, snapshot, &position, &sample->column, 1,
                 &sample->chunk) != BASE_ROW)
        return;
    for (uint32_t row = 0; row < sample->chunk.count; row++) {
        types_value value = vector_get(&sample->chunk.columns[0], row);
        sample->rows++;
        if (value.is_null)
            sample->nulls++;
        else
            note_value(sample, &value);
    }
}

/* How many distinct values the whole column has. */
static double estimate_distinct(sampler *sample, uint64_t row_count)
{
    qsort(sample->hashes, sample->hash_count, sizeof *sample->hashes, compare_hashes);
    uint32_t distinct = 0, once = 0, n = sample->hash_count;
    for (uint32_t i = 0; i < n;) {
        uint32_t end = i + 1;
        while (end < n && sample->hashes[end] == sample->hashes[i])
            end++;
        distinct++;
        once += end - i == 1;
        i = end;
    }
    if (n == 0 || sample->rows >= row_count)
        return distinct;
    double all = (double)row_count * ((double)n / (double)sample->rows);
    if (once == n)
        return all; /* looks unique */
    double estimate = (double)n * distinct / ((double)(n - once) + (double)once * (double)n / all);
    return BASE_MIN(BASE_MAX(estimate, (double)distinct), all);
}

static void sample_column(sampler *sample, const txn_snapshot *snapshot, uint64_t row_count)
{
    const row_tree *hot = sample->relation->storage->hot;
    int64_t starts[TABLE_SAMPLE_RANGES];
    uint32_t leaves = row_tree_cut_bound(hot, 1) / TABLE_SAMPLE_RANGES + 1;
    uint32_t ranges = row_tree_cut(hot, INT64_MIN, INT64_MAX, leaves, starts, TABLE_SAMPLE_RANGES);
    for (uint32_t i = 0; i < ranges; i++)
        read_range(sample, snapshot, starts[i], i + 1 < ranges ? starts[i + 1] - 1 : INT64_MAX);
    double scale = sample->rows ? (double)row_count / (double)sample->rows : 0;
    uint64_t values = sample->rows - sample->nulls;
    sample->result.null_count = (uint64_t)((double)sample->nulls * BASE_MAX(scale, 1.0));
    sample->result.distinct_count = estimate_distinct(sample, row_count);
    sample->result.average_width = values ? sample->width / (double)values : 0;
}

/* All columns, read once each; on failure the statistics stay unknown. */
static base_status take_sample(const table_relation *relation, const txn_snapshot *snapshot,
                               table_column_statistics *columns, uint64_t row_count,
                               base_error *error)
{
    base_budget *budget = &relation->entry->database->budget;
    uint64_t *hashes = base_allocate_array(budget, SAMPLE_ROWS, sizeof *hashes);
    if (!hashes)
        return base_error_no_memory(error);
    base_status status = BASE_OK;
    for (uint32_t c = 0; c < relation->descriptor.column_count && status == BASE_OK; c++) {
        if (relation->descriptor.columns[c].dropped)
            continue;
        sampler sample = {.relation = relation, .column = c, .hashes = hashes};
        status = vector_chunk_init(&sample.chunk, budget, &relation->descriptor.columns[c].type, 1,
                                   error);
        if (status != BASE_OK)
            break;
        sample_column(&sample, snapshot, row_count);
        columns[c] = sample.result;
        vector_chunk_destroy(&sample.chunk);
    }
    base_free(budget, hashes, SAMPLE_ROWS * sizeof *hashes);
    return status;
}

static bool is_fresh(const table_sample *sample, uint32_t column_count, uint64_t row_count)
{
    return sample->column_count >= column_count && row_count <= sample->row_count * 3 / 2 + 64 &&
           row_count + 64 >= sample->row_count / 2;
}

/* The sample mutex is held. */
static void refresh(const table_relation *relation, uint64_t row_count)
{
    table_database *database = relation->entry->database;
    table_sample *sample = &relation->storage->sample;
    uint32_t count = relation->descriptor.column_count;
    table_column_statistics *columns =
        base_allocate_zeroed(&database->budget, count * sizeof *columns);
    if (!columns)
        return;
    txn_transaction *reader;
    base_status status = txn_begin(database->manager, TXN_SNAPSHOT, true, &reader, NULL);
    if (status == BASE_OK) {
        status = take_sample(relation, txn_snapshot_of(reader), columns, row_count, NULL);
        txn_rollback(reader);
    }
    if (status != BASE_OK) {
        base_free(&database->budget, columns, count * sizeof *columns);
        return;
    }
    base_free(&database->budget, sample->columns, sample->column_count * sizeof *sample->columns);
    *sample = (table_sample){count, row_count, columns};
}

void table_column_statistics_of(const table_relation *relation, uint32_t column,
                                table_column_statistics *statistics)
{
    memset(statistics, 0, sizeof *statistics);
    if (column >= relation->descriptor.column_count)
        return;
    table_storage *storage = relation->storage;
    uint64_t row_count = table_row_count(relation);
    os_mutex_lock(&storage->sample_mutex);
    if (!is_fresh(&storage->sample, relation->descriptor.column_count, row_count))
        refresh(relation, row_count);
    if (column < storage->sample.column_count)
        *statistics = storage->sample.columns[column];
    os_mutex_unlock(&storage->sample_mutex);
}
