/*
 * table_fixture.h - a database with one table, and short words for what tests do with it.
 *
 * The table has id INTEGER (the rowid), number INTEGER, text TEXT, small SMALLINT.
 */
#ifndef TESTS_TABLE_FIXTURE_H
#define TESTS_TABLE_FIXTURE_H

#include "unit/unit.h"
#include "store/table/table.h"

enum {
    COLUMN_ID,
    COLUMN_NUMBER,
    COLUMN_TEXT,
    COLUMN_SMALL,
    COLUMN_COUNT
};

typedef struct fixture {
    unit_allocator allocator;
    os_runtime *runtime;
    table_database *database;
    table_relation *relation;
    uint64_t id, index_id;
    size_t idle_bytes; /* of the runtime without databases */
    base_error error;
} fixture;

static inline void fixture_do_nothing(void *argument, uint32_t index)
{
    (void)argument;
    (void)index;
}

/* `path` NULL: in memory. */
static inline base_status fixture_try_open_with(fixture *self, const char *path, uint32_t workers)
{
    memset(self, 0, sizeof *self);
    unit_allocator_init(&self->allocator, 0, false);
    os_runtime_options options = {.allocator = &self->allocator.allocator, .worker_count = workers};
    unit_assert_ok(
        os_runtime_create(os_posix_environment(), &options, &self->runtime, &self->error));
    os_runtime_run(self->runtime, workers + 1, fixture_do_nothing, NULL); /* starts the threads */
    self->idle_bytes = atomic_load(&os_runtime_budget(self->runtime)->used);
    table_options how;
    table_options_default(&how);
    how.sync_mode = TABLE_SYNC_NONE;
    base_status status =
        table_database_open(self->runtime, path, &how, &self->database, &self->error);
    if (status != BASE_OK) {
        assert_int_equal(atomic_load(&os_runtime_budget(self->runtime)->used), self->idle_bytes);
        os_runtime_destroy(self->runtime);
    }
    return status;
}

static inline base_status fixture_try_open(fixture *self, const char *path)
{
    return fixture_try_open_with(self, path, 0);
}

static inline void fixture_open(fixture *self)
{
    unit_assert_ok(fixture_try_open(self, NULL));
}

static inline txn_transaction *fixture_begin(fixture *self, txn_isolation isolation)
{
    txn_transaction *transaction = NULL;
    unit_assert_ok(table_begin(self->database, isolation, false, &transaction, &self->error));
    return transaction;
}

static inline void fixture_commit(fixture *self, txn_transaction *transaction)
{
    unit_assert_ok(table_commit(transaction, &self->error));
}

static inline void fixture_create_table(fixture *self, bool unique_number)
{
    table_column columns[COLUMN_COUNT] = {
        {.type = TYPES_OF(INTEGER), .missing = types_null_of(TYPES_OF(INTEGER))},
        {.type = TYPES_OF(INTEGER), .missing = types_null_of(TYPES_OF(INTEGER))},
        {.type = TYPES_OF(TEXT), .missing = types_null_of(TYPES_OF(TEXT))},
        {.type = TYPES_OF(SMALLINT), .missing = types_null_of(TYPES_OF(SMALLINT))},
    };
    table_descriptor descriptor = {
        .column_count = COLUMN_COUNT, .columns = columns, .rowid_column = COLUMN_ID};
    txn_transaction *transaction = fixture_begin(self, TXN_READ_COMMITTED);
    unit_assert_ok(table_create(transaction, &descriptor, &self->id, &self->error));
    if (unique_number) {
        table_index_part part = {.column = COLUMN_NUMBER};
        table_index_descriptor index = {
            .relation_id = self->id, .unique = true, .part_count = 1, .parts = &part};
        unit_assert_ok(table_index_create(transaction, &index, &self->index_id, &self->error));
    }
    fixture_commit(self, transaction);
    transaction = fixture_begin(self, TXN_READ_COMMITTED);
    unit_assert_ok(table_acquire(transaction, self->id, &self->relation, &self->error));
    fixture_commit(self, transaction);
}

/* After a reopen. */
static inline void fixture_find_table(fixture *self, uint64_t id, uint64_t index_id)
{
    txn_transaction *transaction = fixture_begin(self, TXN_READ_COMMITTED);
    self->id = id;
    self->index_id = index_id;
    unit_assert_ok(table_acquire(transaction, id, &self->relation, &self->error));
    fixture_commit(self, transaction);
}

static inline void fixture_complain(void *context, const char *problem)
{
    (void)context;
    fail_msg("integrity: %s", problem);
}

static inline void fixture_check(fixture *self)
{
    unit_assert_ok(table_check_integrity(self->database, fixture_complain, NULL, &self->error));
}

static inline void fixture_close(fixture *self)
{
    table_release(self->relation);
    unit_assert_ok(table_database_close(self->database, &self->error));
    assert_int_equal(atomic_load(&os_runtime_budget(self->runtime)->used), self->idle_bytes);
    os_runtime_destroy(self->runtime);
}

/* A row whose text is long when `number` is odd. */
static inline void fixture_cells(int64_t number, types_cell *cells, bool *nulls, char text[40])
{
    memset(cells, 0, COLUMN_COUNT * sizeof *cells);
    memset(nulls, 0, COLUMN_COUNT * sizeof *nulls);
    cells[COLUMN_NUMBER].int64 = number;
    int length =
        snprintf(text, 40, number & 1 ? "a text of some length, %lld" : "t%lld", (long long)number);
    cells[COLUMN_TEXT].string = types_string_of(text, (size_t)length);
    cells[COLUMN_SMALL].int16 = (int16_t)(number % 1000);
    nulls[COLUMN_SMALL] = number % 3 == 0;
}

static inline base_status fixture_insert(fixture *self, txn_transaction *transaction, int64_t rowid,
                                         int64_t number)
{
    types_cell cells[COLUMN_COUNT];
    bool nulls[COLUMN_COUNT];
    char text[40];
    table_conflict conflict;
    base_error_clear(&self->error);
    fixture_cells(number, cells, nulls, text);
    return table_insert_row(transaction, self->relation, cells, nulls, &rowid, rowid == 0,
                            &conflict, &self->error);
}

/* Sets number and text. */
static inline base_status fixture_update(fixture *self, txn_transaction *transaction, int64_t rowid,
                                         int64_t number)
{
    types_cell cells[COLUMN_COUNT];
    bool nulls[COLUMN_COUNT];
    char text[40];
    uint32_t columns[] = {COLUMN_NUMBER, COLUMN_TEXT, COLUMN_SMALL};
    table_conflict conflict;
    base_error_clear(&self->error);
    fixture_cells(number, cells, nulls, text);
    return table_update_row(transaction, self->relation, rowid, columns, 3, cells + 1, nulls + 1,
                            &conflict, &self->error);
}

static inline base_status fixture_delete(fixture *self, txn_transaction *transaction, int64_t rowid)
{
    base_error_clear(&self->error);
    return table_delete_row(transaction, self->relation, rowid, &self->error);
}

/* The row's number after checking its other columns; INT64_MIN when it is not visible. */
static inline int64_t fixture_read(fixture *self, txn_transaction *transaction, int64_t rowid)
{
    types_cell cells[COLUMN_COUNT], expected[COLUMN_COUNT];
    bool nulls[COLUMN_COUNT], expected_nulls[COLUMN_COUNT];
    char text[40];
    uint32_t columns[] = {COLUMN_ID, COLUMN_NUMBER, COLUMN_TEXT, COLUMN_SMALL};
    base_arena heap;
    base_arena_init(&heap, table_database_budget(self->database));
    base_status status = table_read_row(transaction, self->relation, rowid, columns, COLUMN_COUNT,
                                        cells, nulls, &heap, &self->error);
    int64_t number = INT64_MIN;
    if (status != BASE_NOT_FOUND) {
        unit_assert_ok(status);
        number = cells[COLUMN_NUMBER].int64;
        fixture_cells(number, expected, expected_nulls, text);
        assert_int_equal(cells[COLUMN_ID].int64, rowid);
        assert_true(types_string_equal(&cells[COLUMN_TEXT].string, &expected[COLUMN_TEXT].string));
        assert_int_equal(nulls[COLUMN_SMALL], expected_nulls[COLUMN_SMALL]);
        if (!nulls[COLUMN_SMALL])
            assert_int_equal(cells[COLUMN_SMALL].int16, expected[COLUMN_SMALL].int16);
    }
    base_arena_destroy(&heap);
    return number;
}

/* How fixture_scan_as reads: in chunks of `limit` rows at most, without the first `skip` rows. */
typedef struct fixture_way {
    uint32_t limit;
    uint64_t skip;
    int64_t *note;           /* gets the rowids; NULL: nobody wants them */
    const int64_t *expected; /* the rowids that the rows must have; NULL: unknown */
} fixture_way;

/* Scans the rows in order; returns how many there are with those left out, and the sum of the
 * numbers of the others. Each row's columns must fit together. */
static inline uint64_t fixture_scan_as(fixture *self, txn_transaction *transaction, bool descending,
                                       fixture_way way, int64_t *sum)
{
    uint32_t columns[] = {TABLE_ROWID, COLUMN_NUMBER, COLUMN_TEXT, COLUMN_SMALL};
    types_type types[] = {TYPES_OF(INTEGER), TYPES_OF(INTEGER), TYPES_OF(TEXT), TYPES_OF(SMALLINT)};
    table_scan_options options = {.columns = columns,
                                  .column_count = 4,
                                  .first_rowid = INT64_MIN,
                                  .last_rowid = INT64_MAX,
                                  .descending = descending};
    table_scan *scan = NULL;
    table_reader *reader = NULL;
    vector_chunk chunk;
    uint64_t count = 0, read = 0;
    int64_t last = 0;
    *sum = 0;
    unit_assert_ok(
        vector_chunk_init(&chunk, table_database_budget(self->database), types, 4, &self->error));
    unit_assert_ok(table_scan_create(transaction, self->relation, &options, &scan, &self->error));
    unit_assert_ok(table_reader_create(scan, &reader, &self->error));
    table_reader_limit(reader, way.limit);
    for (uint32_t unit = 0; unit < table_scan_unit_count(scan); unit++) {
        unit_assert_ok(table_reader_open_unit(reader, unit, &self->error));
        uint64_t left = way.skip > count ? way.skip - count : 0;
        count += left;
        table_reader_skip(reader, &left);
        count -= left;
        while (table_reader_next(reader, &chunk, &self->error) == BASE_ROW) {
            assert_in_range(chunk.count, 1, way.limit);
            for (uint32_t i = 0; i < chunk.count; i++) {
                uint32_t row = vector_row(chunk.selection, i);
                int64_t rowid = vector_get(&chunk.columns[0], row).cell.int64;
                int64_t number = vector_get(&chunk.columns[1], row).cell.int64;
                types_value text = vector_get(&chunk.columns[2], row);
                types_value small = vector_get(&chunk.columns[3], row);
                types_cell expected[COLUMN_COUNT];
                bool nulls[COLUMN_COUNT];
                char buffer[40];
                fixture_cells(number, expected, nulls, buffer);
                assert_true(types_string_equal(&text.cell.string, &expected[COLUMN_TEXT].string));
                assert_int_equal(small.is_null, nulls[COLUMN_SMALL]);
                if (!small.is_null)
                    assert_int_equal(small.cell.int16, expected[COLUMN_SMALL].int16);
                if (read)
                    assert_true(descending ? rowid < last : rowid > last);
                if (way.note)
                    way.note[count] = rowid;
                if (way.expected)
                    assert_int_equal(way.expected[count], rowid);
                last = rowid;
                *sum += number;
                count++;
                read++;
            }
        }
    }
    table_reader_destroy(reader);
    table_scan_destroy(scan);
    vector_chunk_destroy(&chunk);
    return count;
}

/* In one go, and again in chunks of other sizes and from later rows on, with the same answer. */
static inline uint64_t fixture_scan(fixture *self, txn_transaction *transaction, bool descending,
                                    int64_t *sum)
{
    static const uint32_t limits[] = {64, 192, 1024};
    static const uint64_t skips[] = {1, 63, 1000, 2048, 2500, 100000};
    fixture_way way = {.limit = VECTOR_SIZE};
    uint64_t count = fixture_scan_as(self, transaction, descending, way, sum);
    int64_t *rowids = malloc((count + 1) * sizeof *rowids), again;
    for (size_t i = 0; i < BASE_COUNT_OF(limits); i++) {
        way = (fixture_way){.limit = limits[i], .note = rowids};
        assert_int_equal(fixture_scan_as(self, transaction, descending, way, &again), count);
        assert_int_equal(again, *sum);
    }
    for (size_t i = 0; i < BASE_COUNT_OF(skips); i++) {
        way = (fixture_way){.limit = VECTOR_SIZE, .skip = skips[i], .expected = rowids};
        assert_int_equal(fixture_scan_as(self, transaction, descending, way, &again), count);
    }
    free(rowids);
    return count;
}

#endif
