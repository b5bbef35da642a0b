/*
 * table_statistics.c - what the optimizer may know of a column, from a sample of its rows.
 *
 * A column is sampled when it is first asked for and again when the table has grown or shrunk
 * by half: a few ranges spread over the rowids and the table's end, some hundred rows from
 * each. Distinct values are estimated from how many values the sample has once and in all
 * (the estimator of Haas and Stokes that PostgreSQL uses). Tables of some thousand rows are
 * read whole, so their figures are exact.
 */
#include "store/table/table_int.h"

enum {
    SAMPLE_ROWS = 8192,
    SAMPLE_PLACES = 4 * SAMPLE_ROWS, /* of the set of values: a power of two */
};

/* A value of the sample, by its hash. */
typedef struct seen_value {
    uint64_t hash;
    uint32_t count; /* 0: free place */
} seen_value;

typedef struct sampler {
    const table_relation *relation;
    uint32_t column;
    vector_chunk chunk; /* of the one column */
    seen_value *seen;
    uint32_t value_count, distinct, once;
    uint64_t rows, nulls;
    double width;
    table_column_statistics result;
} sampler;

static void count_value(sampler *sample, uint64_t hash)
{
    uint32_t place = (uint32_t)hash & (SAMPLE_PLACES - 1);
    while (sample->seen[place].count && sample->seen[place].hash != hash)
        place = (place + 1) & (SAMPLE_PLACES - 1);
    seen_value *value = &sample->seen[place];
    value->hash = hash;
    value->count++;
    sample->value_count++;
    sample->distinct += value->count == 1;
    sample->once += (uint32_t)(value->count == 1) - (uint32_t)(value->count == 2);
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
    count_value(sample, types_cell_hash(form, &value->cell));
    sample->width += form == TYPES_FORM_STRING ? value->cell.string.length : types_form_size(form);
    if (!result->has_range || types_cell_compare(form, &value->cell, &result->minimum.cell) < 0)
        result->minimum = without_pointer(*value);
    if (!result->has_range || types_cell_compare(form, &value->cell, &result->maximum.cell) > 0)
        result->maximum = without_pointer(*value);
    result->has_range = true;
}

static void read_range(sampler *sample, const txn_snapshot *snapshot, row_position position,
                       uint32_t limit)
{
    const table_relation *relation = sample->relation;
    if (row_scan(relation->storage->hot, relation->layout, snapshot, &position, &sample->column, 1,
                 &sample->chunk) != BASE_ROW)
        return;
    uint32_t count = BASE_MIN(sample->chunk.count, limit);
    for (uint32_t row = 0; row < count; row++) {
        types_value value = vector_get(&sample->chunk.columns[0], row);
        sample->rows++;
        if (value.is_null)
            sample->nulls++;
        else
            note_value(sample, &value);
    }
}

/* How many distinct values the whole column has. */
static double estimate_distinct(const sampler *sample, uint64_t row_count)
{
    double n = sample->value_count, once = sample->once, distinct = sample->distinct;
    if (sample->value_count == 0 || sample->rows >= row_count)
        return distinct;
    double all = (double)row_count * (n / (double)sample->rows);
    if (sample->once == sample->value_count)
        return all; /* looks unique */
    double estimate = n * distinct / ((n - once) + once * n / all);
    return BASE_MIN(BASE_MAX(estimate, distinct), all);
}

static void sample_rows(sampler *sample, const txn_snapshot *snapshot, uint64_t row_count)
{
    const row_tree *hot = sample->relation->storage->hot;
    int64_t starts[TABLE_SAMPLE_RANGES];
    uint32_t leaves = row_tree_cut_bound(hot, 1) / TABLE_SAMPLE_RANGES + 1;
    uint32_t ranges = row_tree_cut(hot, INT64_MIN, INT64_MAX, leaves, starts, TABLE_SAMPLE_RANGES);
    uint32_t each = SAMPLE_ROWS / ranges;
    for (uint32_t i = 0; i < ranges; i++) {
        int64_t last = i + 1 < ranges ? starts[i + 1] - 1 : INT64_MAX;
        read_range(sample, snapshot, (row_position){.next = starts[i], .last = last}, each);
    }
    /* Rising values have their largest at the end. */
    if (sample->rows < row_count)
        read_range(sample, snapshot,
                   (row_position){.next = INT64_MAX, .last = INT64_MIN, .descending = true}, each);
    double scale = sample->rows ? (double)row_count / (double)sample->rows : 0;
    uint64_t values = sample->rows - sample->nulls;
    sample->result.null_count = (uint64_t)((double)sample->nulls * BASE_MAX(scale, 1.0));
    sample->result.distinct_count = estimate_distinct(sample, row_count);
    sample->result.average_width = values ? sample->width / (double)values : 0;
}

static base_status take_sample(const table_relation *relation, uint32_t column, uint64_t row_count,
                               table_column_statistics *result)
{
    table_database *database = relation->entry->database;
    sampler sample = {.relation = relation, .column = column};
    txn_transaction *reader;
    sample.seen = base_allocate_zeroed(&database->budget, SAMPLE_PLACES * sizeof *sample.seen);
    if (!sample.seen)
        return BASE_OUT_OF_MEMORY;
    base_status status = vector_chunk_init(&sample.chunk, &database->budget,
                                           &relation->descriptor.columns[column].type, 1, NULL);
    if (status == BASE_OK) {
        status = txn_begin(database->manager, TXN_SNAPSHOT, true, &reader, NULL);
        if (status == BASE_OK) {
            sample_rows(&sample, txn_snapshot_of(reader), row_count);
            txn_rollback(reader);
            *result = sample.result;
        }
        vector_chunk_destroy(&sample.chunk);
    }
    base_free(&database->budget, sample.seen, SAMPLE_PLACES * sizeof *sample.seen);
    return status;
}

/* The storage's place for the column, made if missing; the sample mutex is held. */
static table_sample *place_of(const table_relation *relation, uint32_t column)
{
    table_storage *storage = relation->storage;
    uint32_t count = relation->descriptor.column_count, had = storage->sample_count;
    if (column < had)
        return &storage->samples[column];
    table_sample *samples = base_reallocate(&storage->database->budget, storage->samples,
                                            had * sizeof *samples, count * sizeof *samples);
    if (!samples)
        return NULL;
    memset(samples + had, 0, (count - had) * sizeof *samples);
    storage->samples = samples;
    storage->sample_count = count;
    return &samples[column];
}

static bool is_fresh(const table_sample *sample, uint64_t row_count)
{
    return sample->taken && row_count <= sample->row_count * 3 / 2 + 64 &&
           row_count + 64 >= sample->row_count / 2;
}

void table_column_statistics_of(const table_relation *relation, uint32_t column,
                                table_column_statistics *statistics)
{
    memset(statistics, 0, sizeof *statistics);
    if (column >= relation->descriptor.column_count || relation->descriptor.columns[column].dropped)
        return;
    uint64_t row_count = table_row_count(relation);
    os_mutex_lock(&relation->storage->sample_mutex);
    table_sample *sample = place_of(relation, column);
    if (sample && !is_fresh(sample, row_count) &&
        take_sample(relation, column, row_count, &sample->statistics) == BASE_OK) {
        sample->taken = true;
        sample->row_count = row_count;
    }
    if (sample)
        *statistics = sample->statistics;
    os_mutex_unlock(&relation->storage->sample_mutex);
}
