/*
 * Cold rows: sealing at a checkpoint, reading, changing and scanning rows that lie in volumes,
 * with snapshots from before and after, after a reopen and after a crash.
 */
#include "table_fixture.h"
#include "table_place.h"

enum {
    ROWS = 20000
};

static void count_part(void *context, const table_part_info *info)
{
    uint64_t *cold = context;
    if (strcmp(info->tier, "cold") == 0)
        *cold += info->row_count;
}

static uint64_t cold_rows(const fixture *self)
{
    uint64_t rows = 0;
    table_list_parts(self->relation, count_part, &rows);
    return rows;
}

/* Rows 1 .. ROWS with number = 10 * rowid, in one volume. */
static void open_sealed(fixture *self, bool with_index)
{
    unit_assert_ok(fixture_try_open(self, here.path));
    fixture_create_table(self, with_index);
    txn_transaction *transaction = fixture_begin(self, TXN_READ_COMMITTED);
    for (int64_t i = 1; i <= ROWS; i++)
        unit_assert_ok(fixture_insert(self, transaction, i, i * 10));
    fixture_commit(self, transaction);
    assert_int_equal(cold_rows(self), 0);
    unit_assert_ok(table_checkpoint(self->database, &self->error));
    assert_int_equal(cold_rows(self), ROWS);
    assert_int_equal(table_row_count(self->relation), ROWS);
}

static int64_t sum_to(int64_t rows)
{
    return rows * (rows + 1) / 2 * 10;
}

static void expect_scan(fixture *self, txn_transaction *transaction, uint64_t rows, int64_t sum)
{
    int64_t found;
    assert_int_equal(fixture_scan(self, transaction, false, &found), rows);
    assert_int_equal(found, sum);
    assert_int_equal(fixture_scan(self, transaction, true, &found), rows);
    assert_int_equal(found, sum);
}

static void test_seal_and_read(void **state)
{
    (void)state;
    fixture self;
    open_sealed(&self, true);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    for (int64_t i = 1; i <= ROWS; i += 37)
        assert_int_equal(fixture_read(&self, transaction, i), i * 10);
    assert_int_equal(fixture_read(&self, transaction, ROWS + 1), INT64_MIN);
    expect_scan(&self, transaction, ROWS, sum_to(ROWS));
    assert_int_equal(fixture_insert(&self, transaction, 77, 1), BASE_UNIQUE_VIOLATION);
    assert_int_equal(fixture_insert(&self, transaction, 0, 770), BASE_UNIQUE_VIOLATION);
    assert_int_equal(fixture_update(&self, transaction, 5, 770), BASE_UNIQUE_VIOLATION);
    assert_int_equal(fixture_read(&self, transaction, 5), 50);
    fixture_commit(&self, transaction);
    fixture_check(&self);
    uint64_t id = self.id, index_id = self.index_id;
    fixture_close(&self);
    unit_assert_ok(fixture_try_open(&self, here.path));
    fixture_find_table(&self, id, index_id);
    assert_int_equal(cold_rows(&self), ROWS);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    expect_scan(&self, transaction, ROWS, sum_to(ROWS));
    assert_int_equal(fixture_insert(&self, transaction, 0, 770), BASE_UNIQUE_VIOLATION);
    table_rollback(transaction);
    fixture_check(&self);
    fixture_close(&self);
}

/* Changes of cold rows, with a snapshot from before, rolled back and committed. */
static void test_change_cold_rows(void **state)
{
    (void)state;
    fixture self;
    open_sealed(&self, true);
    txn_transaction *old = fixture_begin(&self, TXN_SNAPSHOT);
    int64_t sum = sum_to(ROWS);
    uint64_t rows = ROWS;
    for (int round = 0; round < 3; round++) {
        txn_transaction *writer = fixture_begin(&self, TXN_READ_COMMITTED);
        int64_t new_sum = sum;
        uint64_t new_rows = rows;
        for (int64_t i = 3 + round; i <= ROWS; i += 211) {
            if (fixture_read(&self, writer, i) == INT64_MIN)
                continue;
            if (i % 2) {
                new_sum += i + 10000000 * (round + 1) - fixture_read(&self, writer, i);
                unit_assert_ok(fixture_update(&self, writer, i, i + 10000000 * (round + 1)));
            } else {
                new_sum -= fixture_read(&self, writer, i);
                new_rows--;
                unit_assert_ok(fixture_delete(&self, writer, i));
            }
        }
        expect_scan(&self, writer, new_rows, new_sum);
        expect_scan(&self, old, ROWS, sum_to(ROWS));
        if (round == 1) {
            table_rollback(writer);
        } else {
            fixture_commit(&self, writer);
            sum = new_sum;
            rows = new_rows;
        }
        expect_scan(&self, old, ROWS, sum_to(ROWS));
        assert_int_equal(fixture_read(&self, old, 3), 30);
        assert_int_equal(table_row_count(self.relation), rows);
        fixture_check(&self);
    }
    /* A deleted rowid is free again. */
    txn_transaction *writer = fixture_begin(&self, TXN_READ_COMMITTED);
    assert_int_equal(fixture_read(&self, writer, 214), INT64_MIN);
    unit_assert_ok(fixture_insert(&self, writer, 214, 5));
    sum += 5;
    rows++;
    fixture_commit(&self, writer);
    assert_int_equal(fixture_read(&self, old, 214), 2140);
    fixture_commit(&self, old);
    uint64_t id = self.id, index_id = self.index_id;
    crash_copy();
    fixture crashed;
    unit_assert_ok(fixture_try_open(&crashed, here.copy));
    fixture_find_table(&crashed, id, index_id);
    writer = fixture_begin(&crashed, TXN_READ_COMMITTED);
    expect_scan(&crashed, writer, rows, sum);
    fixture_commit(&crashed, writer);
    fixture_check(&crashed);
    fixture_close(&crashed);
    /* Marks reach the file, twice. */
    for (int round = 0; round < 2; round++) {
        unit_assert_ok(table_checkpoint(self.database, &self.error));
        fixture_check(&self);
        crash_copy();
        unit_assert_ok(fixture_try_open(&crashed, here.copy));
        fixture_find_table(&crashed, id, index_id);
        writer = fixture_begin(&crashed, TXN_READ_COMMITTED);
        expect_scan(&crashed, writer, rows, sum);
        fixture_commit(&crashed, writer);
        fixture_check(&crashed);
        fixture_close(&crashed);
    }
    fixture_close(&self);
}

/* Transactions that are open across the switch. */
static void test_seal_under_transactions(void **state)
{
    (void)state;
    fixture self;
    unit_assert_ok(fixture_try_open(&self, here.path));
    table_database_options(self.database)->lock_timeout = 1000;
    fixture_create_table(&self, true);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    for (int64_t i = 1; i <= ROWS; i++)
        unit_assert_ok(fixture_insert(&self, transaction, i, i * 10));
    fixture_commit(&self, transaction);
    txn_transaction *reader = fixture_begin(&self, TXN_SNAPSHOT);
    txn_transaction *writer = fixture_begin(&self, TXN_READ_COMMITTED);
    txn_transaction *undone = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(fixture_update(&self, writer, 100, 7));
    unit_assert_ok(fixture_delete(&self, writer, 200));
    unit_assert_ok(fixture_update(&self, undone, 300, 8));
    unit_assert_ok(fixture_delete(&self, undone, 400));
    unit_assert_ok(table_checkpoint(self.database, &self.error));
    assert_true(cold_rows(&self) > ROWS / 2);
    /* Before and after the switch, everybody sees what they saw. */
    expect_scan(&self, reader, ROWS, sum_to(ROWS));
    assert_int_equal(fixture_read(&self, reader, 100), 1000);
    assert_int_equal(fixture_read(&self, writer, 100), 7);
    assert_int_equal(fixture_read(&self, writer, 400), 4000);
    /* Rows that are in both places: changed by one who began before the switch. */
    unit_assert_ok(fixture_update(&self, writer, 500, 9));
    unit_assert_ok(fixture_delete(&self, writer, 600));
    unit_assert_ok(fixture_update(&self, undone, 700, 11));
    unit_assert_ok(fixture_delete(&self, undone, 800));
    txn_transaction *young = fixture_begin(&self, TXN_SNAPSHOT);
    expect_scan(&self, young, ROWS, sum_to(ROWS));
    assert_int_equal(fixture_update(&self, young, 500, 12), BASE_SERIALIZATION);
    int64_t expected = sum_to(ROWS) - 1000 + 7 - 2000 - 5000 + 9 - 6000;
    expect_scan(&self, writer, ROWS - 2, expected);
    fixture_commit(&self, writer);
    table_rollback(undone);
    expect_scan(&self, young, ROWS, sum_to(ROWS));
    expect_scan(&self, reader, ROWS, sum_to(ROWS));
    fixture_commit(&self, young);
    fixture_commit(&self, reader);
    for (int round = 0; round < 3; round++) {
        transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        expect_scan(&self, transaction, ROWS - 2, expected);
        assert_int_equal(fixture_read(&self, transaction, 700), 7000);
        fixture_commit(&self, transaction);
        assert_int_equal(table_row_count(self.relation), ROWS - 2);
        fixture_check(&self);
        unit_assert_ok(table_checkpoint(self.database, &self.error));
    }
    uint64_t id = self.id, index_id = self.index_id;
    fixture_close(&self);
    unit_assert_ok(fixture_try_open(&self, here.path));
    fixture_find_table(&self, id, index_id);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    expect_scan(&self, transaction, ROWS - 2, expected);
    fixture_commit(&self, transaction);
    fixture_check(&self);
    fixture_close(&self);
}

/* A second volume, with rows of the first that were changed. */
static void test_several_volumes(void **state)
{
    (void)state;
    fixture self;
    open_sealed(&self, false);
    table_database_options(self.database)->manual_compaction = true;
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    int64_t sum = sum_to(ROWS);
    for (int64_t i = 1; i <= ROWS; i += 2) {
        unit_assert_ok(fixture_update(&self, transaction, i, i * 10 + 1));
        sum++;
    }
    for (int64_t i = 0; i < 5000; i++) {
        unit_assert_ok(fixture_insert(&self, transaction, 0, i));
        sum += i;
    }
    fixture_commit(&self, transaction);
    unit_assert_ok(table_checkpoint(self.database, &self.error));
    assert_int_equal(cold_rows(&self), ROWS + ROWS / 2 + 5000);
    assert_int_equal(table_row_count(self.relation), ROWS + 5000);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    expect_scan(&self, transaction, ROWS + 5000, sum);
    assert_int_equal(fixture_read(&self, transaction, 2), 20);
    assert_int_equal(fixture_read(&self, transaction, 3), 31);
    /* A column that the volumes do not have, a table without rows, and back. */
    table_column column = {.type = TYPES_OF(INTEGER), .missing = types_null_of(TYPES_OF(INTEGER))};
    column.missing.is_null = false;
    column.missing.cell.int64 = 42;
    uint32_t added;
    unit_assert_ok(table_add_column(transaction, self.id, &column, &added, &self.error));
    table_relation *relation;
    unit_assert_ok(table_acquire(transaction, self.id, &relation, &self.error));
    types_cell cell;
    bool is_null;
    unit_assert_ok(
        table_read_row(transaction, relation, 3, &added, 1, &cell, &is_null, NULL, &self.error));
    assert_int_equal(cell.int64, 42);
    cell.int64 = 43;
    unit_assert_ok(
        table_update_row(transaction, relation, 3, &added, 1, &cell, &is_null, NULL, &self.error));
    unit_assert_ok(
        table_read_row(transaction, relation, 3, &added, 1, &cell, &is_null, NULL, &self.error));
    assert_int_equal(cell.int64, 43);
    table_release(relation);
    txn_mark mark = table_get_mark(transaction);
    unit_assert_ok(table_truncate(transaction, self.id, &self.error));
    expect_scan(&self, transaction, 0, 0);
    table_rollback_to(transaction, mark);
    expect_scan(&self, transaction, ROWS + 5000, sum);
    fixture_commit(&self, transaction);
    fixture_check(&self);
    fixture_close(&self);
}

/* Loads rows first .. first + count - 1 with number = 10 * rowid. */
static base_status load_rows(fixture *self, txn_transaction *transaction, int64_t first,
                             int64_t count, bool choose)
{
    types_type types[] = {TYPES_OF(INTEGER), TYPES_OF(INTEGER), TYPES_OF(TEXT), TYPES_OF(SMALLINT)};
    static char texts[VECTOR_SIZE][40];
    static int64_t rowids[VECTOR_SIZE];
    table_conflict conflict;
    table_loader *loader;
    vector_chunk chunk;
    unit_assert_ok(
        vector_chunk_init(&chunk, table_database_budget(self->database), types, 4, &self->error));
    unit_assert_ok(table_loader_create(transaction, self->relation, &loader, &self->error));
    base_status status = BASE_OK;
    for (int64_t done = 0; done < count && status == BASE_OK;) {
        vector_chunk_reset(&chunk);
        for (; chunk.count < 1500 && done < count; chunk.count++, done++) {
            types_cell cells[COLUMN_COUNT];
            bool nulls[COLUMN_COUNT];
            fixture_cells((first + done) * 10, cells, nulls, texts[chunk.count]);
            rowids[chunk.count] = first + done;
            for (uint32_t c = 1; c < COLUMN_COUNT; c++) {
                types_value value = {types[c], nulls[c], cells[c]};
                if (nulls[c] && !chunk.columns[c].validity)
                    vector_make_validity(&chunk.columns[c]);
                vector_put(&chunk.columns[c], chunk.count, &value);
            }
        }
        status = table_loader_append(loader, &chunk, rowids, choose, &conflict, &self->error);
    }
    if (status == BASE_OK)
        status = table_loader_finish(loader, &conflict, &self->error);
    table_loader_destroy(loader);
    vector_chunk_destroy(&chunk);
    return status;
}

static void expect_copy(uint64_t id, uint64_t rows, int64_t sum)
{
    fixture crashed;
    crash_copy();
    unit_assert_ok(fixture_try_open(&crashed, here.copy));
    fixture_find_table(&crashed, id, 0);
    txn_transaction *transaction = fixture_begin(&crashed, TXN_READ_COMMITTED);
    expect_scan(&crashed, transaction, rows, sum);
    fixture_commit(&crashed, transaction);
    fixture_check(&crashed);
    fixture_close(&crashed);
}

static void test_loader(void **state)
{
    (void)state;
    fixture self;
    unit_assert_ok(fixture_try_open(&self, here.path));
    fixture_create_table(&self, false);
    txn_transaction *old = fixture_begin(&self, TXN_SNAPSHOT);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(load_rows(&self, transaction, 1, 100, true)); /* stays hot */
    assert_int_equal(cold_rows(&self), 0);
    unit_assert_ok(load_rows(&self, transaction, 101, ROWS - 100, false));
    assert_int_equal(cold_rows(&self), ROWS - 100);
    expect_scan(&self, transaction, ROWS, sum_to(ROWS));
    txn_mark mark = table_get_mark(transaction);
    unit_assert_ok(load_rows(&self, transaction, ROWS + 1, ROWS, true));
    unit_assert_ok(fixture_update(&self, transaction, ROWS + 5, 1));
    assert_int_equal(fixture_read(&self, transaction, 2 * ROWS), 20 * ROWS);
    table_rollback_to(transaction, mark);
    expect_scan(&self, transaction, ROWS, sum_to(ROWS));
    expect_scan(&self, old, 0, 0);
    unit_assert_ok(fixture_delete(&self, transaction, 5000));
    fixture_commit(&self, transaction);
    expect_scan(&self, old, 0, 0);
    fixture_commit(&self, old);
    int64_t sum = sum_to(ROWS) - 50000;
    fixture_check(&self);
    expect_copy(self.id, ROWS - 1, sum); /* the log refers to loose extents */
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    assert_int_equal(load_rows(&self, transaction, 200, ROWS, false), BASE_UNIQUE_VIOLATION);
    base_error_clear(&self.error);
    table_rollback(transaction);
    fixture_check(&self);
    unit_assert_ok(table_checkpoint(self.database, &self.error));
    fixture_check(&self);
    expect_copy(self.id, ROWS - 1, sum); /* the header reaches them */
    uint64_t id = self.id;
    fixture_close(&self);
    unit_assert_ok(fixture_try_open(&self, here.path));
    fixture_find_table(&self, id, 0);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    expect_scan(&self, transaction, ROWS - 1, sum);
    fixture_commit(&self, transaction);
    fixture_check(&self);
    fixture_close(&self);
}

/* The volumes' own figures, and newer values that are hot yet. */
static void test_statistics(void **state)
{
    (void)state;
    fixture self;
    open_sealed(&self, false);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(fixture_insert(&self, transaction, ROWS + 1, 5000000));
    fixture_commit(&self, transaction);
    table_column_statistics statistics;
    table_column_statistics_of(self.relation, COLUMN_NUMBER, &statistics);
    assert_true(statistics.has_range);
    assert_int_equal(statistics.minimum.cell.int64, 10);
    assert_int_equal(statistics.maximum.cell.int64, 5000000);
    assert_int_equal(statistics.null_count, 0);
    assert_true(statistics.distinct_count == (double)(ROWS + 1));
    table_column_statistics_of(self.relation, COLUMN_ID, &statistics);
    assert_int_equal(statistics.minimum.cell.int64, 1);
    assert_int_equal(statistics.maximum.cell.int64, ROWS + 1);
    fixture_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_statistics, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_seal_and_read, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_change_cold_rows, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_seal_under_transactions, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_several_volumes, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_loader, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
