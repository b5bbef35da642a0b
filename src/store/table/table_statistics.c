/*
 * table_statistics.c - what the optimizer may know of a column.
 *
 * Of a table that is cold for the most part it is what was noted when its volumes were written:
 * NULLs, range, and registers of HyperLogLog, which merge over volumes by maximum. Nothing is
 * read for it but the table's end, which may have newer values than all volumes.
 *
 * Other tables are sampled when a column is first asked for and again when they have grown or
 * shrunk by half: a few ranges spread over the rowids and the table's end, some hundred rows
 * from each. Distinct values are estimated from how many values the sample has once and in all
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
    uint32_t range; /* of rows that it was last seen in, from 1 */
} seen_value;

typedef struct sampler {
    table_relation *relation;
    uint32_t column;
    vector_chunk chunk; /* of the one column */
    seen_value *seen;
    uint32_t value_count, distinct, once;
    uint32_t range,
        distinct_by_range; /* the range in work; sum of the ranges' own distinct values */
    uint64_t rows, nulls;
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
    sample->distinct_by_range += value->range != sample->range;
    value->range = sample->range;
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
    if (!result->has_range || types_cell_compare(form, &value->cell, &result->minimum.cell) < 0)
        result->minimum = without_pointer(*value);
    if (!result->has_range || types_cell_compare(form, &value->cell, &result->maximum.cell) > 0)
        result->maximum = without_pointer(*value);
    result->has_range = true;
}

/* Up to `limit` rows of the reader's unit. */
static base_status read_unit(sampler *sample, table_reader *reader, uint32_t unit, uint32_t limit)
{
    sample->range++;
    RETURN_IF_ERROR(table_reader_open_unit(reader, unit, NULL));
    while (limit > 0) {
        base_status status = table_reader_next(reader, &sample->chunk, NULL);
        if (status != BASE_ROW)
            return status == BASE_DONE ? BASE_OK : status;
        uint32_t count = BASE_MIN(sample->chunk.count, limit);
        for (uint32_t i = 0; i < count; i++) {
            types_value value =
                vector_get(&sample->chunk.columns[0], vector_row(sample->chunk.selection, i));
            sample->rows++;
            if (value.is_null)
                sample->nulls++;
            else
                note_value(sample, &value);
        }
        limit -= count;
    }
    return BASE_OK;
}

/* Units spread over the table; from the end of it one only. */
static base_status read_spread(sampler *sample, const txn_snapshot *snapshot, bool from_end)
{
    table_scan_options options = {.columns = &sample->column,
                                  .column_count = 1,
                                  .first_rowid = INT64_MIN,
                                  .last_rowid = INT64_MAX,
                                  .descending = from_end};
    table_scan *scan;
    table_reader *reader = NULL;
    RETURN_IF_ERROR(table_scan_create_at(sample->relation, snapshot, &options, &scan, NULL));
    base_status status = table_reader_create(scan, &reader, NULL);
    uint32_t units = table_scan_unit_count(scan);
    uint32_t ranges = BASE_MIN(units, from_end ? 1u : (uint32_t)TABLE_SAMPLE_RANGES);
    uint32_t each = SAMPLE_ROWS / (from_end ? TABLE_SAMPLE_RANGES : BASE_MAX(ranges, 1u));
    for (uint32_t i = 0; status == BASE_OK && i < ranges; i++)
        status = read_unit(sample, reader, (uint32_t)((uint64_t)units * i / ranges), each);
    table_reader_destroy(reader);
    table_scan_destroy(scan);
    return status;
}

/* Values repeat within a range of rows and hardly ever in another: the rows lie in the order
 * of the column (the lines of one order). Then the table has as many times more values as it
 * has more rows, which an estimator for independent rows cannot know. */
static bool is_clustered(const sampler *sample)
{
    uint64_t apart = sample->distinct_by_range;
    return sample->range > 2 && apart * 5 < (uint64_t)sample->value_count * 4 &&
           (uint64_t)sample->distinct * 20 >= apart * 19;
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
    if (is_clustered(sample))
        estimate = BASE_MAX(estimate, distinct * (double)row_count / (double)sample->rows);
    return BASE_MIN(BASE_MAX(estimate, distinct), all);
}

static base_status sample_rows(sampler *sample, const txn_snapshot *snapshot, uint64_t row_count)
{
    RETURN_IF_ERROR(read_spread(sample, snapshot, false));
    /* Rising values have their largest at the end. */
    if (sample->rows < row_count)
        RETURN_IF_ERROR(read_spread(sample, snapshot, true));
    double scale = sample->rows ? (double)row_count / (double)sample->rows : 0;
    sample->result.null_count = (uint64_t)((double)sample->nulls * BASE_MAX(scale, 1.0));
    sample->result.distinct_count = estimate_distinct(sample, row_count);
    return BASE_OK;
}

/* ---- What volumes know ----------------------------------------------------------------------- */

enum {
    COLD_PARTS = 4, /* of so many parts of a table one may be hot */
};

typedef struct cold_summary {
    uint64_t rows, nulls;
    bool has_range;
    uint64_t low_key, high_key;
    col_statistics each; /* of one volume; its registers become those of all */
    uint8_t registers[COL_STATISTICS_REGISTERS];
} cold_summary;

/* Rows without the column have its `missing` value. */
static void add_missing(cold_summary *summary, const table_column *column, uint64_t rows)
{
    if (column->missing.is_null) {
        summary->nulls += rows;
        return;
    }
    uint64_t key = col_key_of(types_form_of(column->type), &column->missing.cell);
    summary->low_key = BASE_MIN(summary->low_key, key);
    summary->high_key = BASE_MAX(summary->high_key, key);
    summary->has_range = true;
}

static void add_volume(cold_summary *summary, const table_relation *relation, uint32_t column,
                       const table_volume *volume)
{
    bool is_rowid = (int32_t)column == relation->descriptor.rowid_column;
    int32_t place = col_volume_column(volume->data, is_rowid ? COL_ROWID : column);
    summary->rows += volume->info.row_count;
    if (place < 0) {
        add_missing(summary, &relation->descriptor.columns[column], volume->info.row_count);
        return;
    }
    col_statistics *each = &summary->each;
    col_volume_statistics(volume->data, place, each);
    summary->nulls += each->null_count;
    for (uint32_t i = 0; i < COL_STATISTICS_REGISTERS; i++)
        summary->registers[i] = BASE_MAX(summary->registers[i], each->registers[i]);
    if (!each->has_range)
        return;
    summary->low_key = BASE_MIN(summary->low_key, each->low_key);
    summary->high_key = BASE_MAX(summary->high_key, each->high_key);
    summary->has_range = true;
}

/* The estimate is off by a fifteenth as a rule: what is nearly as many values as rows is a key. */
static double cold_distinct(const cold_summary *summary, double values)
{
    double estimate = col_distinct_estimate(summary->registers);
    double sealed = (double)(summary->rows - summary->nulls);
    if (estimate > sealed * 0.85)
        return values;
    return BASE_MIN(BASE_MAX(estimate, 1.0), values);
}

/* False: the volumes hold too little of the table to speak for it. */
static bool read_summary(sampler *sample, const txn_snapshot *snapshot, uint64_t row_count)
{
    const table_relation *relation = sample->relation;
    const table_volumes *list = table_volumes_of(relation->storage);
    table_column_statistics *result = &sample->result;
    types_type type = relation->descriptor.columns[sample->column].type;
    cold_summary summary = {.low_key = UINT64_MAX};
    if (row_tree_count(relation->storage->hot) * COLD_PARTS > row_count)
        return false;
    for (uint32_t i = 0; list && i < list->count; i++)
        if (table_volume_is_visible(list->volumes[i], snapshot))
            add_volume(&summary, relation, sample->column, list->volumes[i]);
    if (summary.rows == 0)
        return false;
    double scale = (double)row_count / (double)summary.rows;
    result->null_count = (uint64_t)((double)summary.nulls * scale);
    double values = (double)row_count - (double)result->null_count;
    result->distinct_count = values > 0 ? cold_distinct(&summary, values) : 0;
    types_form form = types_form_of(type);
    result->minimum.type = result->maximum.type = type;
    result->has_range = summary.has_range &&
                        col_value_of_key(form, summary.low_key, &result->minimum.cell) &&
                        col_value_of_key(form, summary.high_key, &result->maximum.cell);
    return true;
}

/* Rising values have their largest at the end, and new rows may be hot yet. */
static base_status summarise(sampler *sample, const txn_snapshot *snapshot)
{
    bool known = sample->result.has_range; /* not of intervals, nor of NULLs alone */
    if (row_tree_count(sample->relation->storage->hot) == 0)
        return BASE_OK;
    RETURN_IF_ERROR(read_spread(sample, snapshot, true));
    sample->result.has_range &= known;
    return BASE_OK;
}

static base_status take_sample(table_relation *relation, uint32_t column, uint64_t row_count,
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
            const txn_snapshot *snapshot = txn_snapshot_of(reader);
            status = read_summary(&sample, snapshot, row_count)
                         ? summarise(&sample, snapshot)
                         : sample_rows(&sample, snapshot, row_count);
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
        take_sample((table_relation *)(uintptr_t)relation, column, row_count,
                    &sample->statistics) == BASE_OK) {
        sample->taken = true;
        sample->row_count = row_count;
    }
    if (sample)
        *statistics = sample->statistics;
    os_mutex_unlock(&relation->storage->sample_mutex);
}
