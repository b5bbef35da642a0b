/*
 * Files: what was committed is there after a clean close, after a crash (the files are copied
 * while the database is open) and after both, and nothing else is.
 */
#include "table_fixture.h"
#include "table_place.h"

static void expect(const char *path, uint64_t id, uint64_t index_id, uint64_t rows, int64_t sum)
{
    fixture self;
    int64_t found;
    unit_assert_ok(fixture_try_open(&self, path));
    assert_false(table_database_is_new(self.database));
    fixture_find_table(&self, id, index_id);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    assert_int_equal(fixture_scan(&self, transaction, false, &found), rows);
    assert_int_equal(found, sum);
    fixture_commit(&self, transaction);
    assert_int_equal(table_index_count(self.relation), index_id ? 1 : 0);
    fixture_check(&self);
    fixture_close(&self);
}

static void test_log_and_file(void **state)
{
    (void)state;
    fixture self;
    unit_assert_ok(fixture_try_open(&self, here.path));
    assert_true(table_database_is_new(self.database));
    fixture_create_table(&self, true);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    int64_t sum = 0;
    for (int64_t i = 1; i <= 5000; i++) {
        unit_assert_ok(fixture_insert(&self, transaction, 0, i * 2));
        sum += i * 2;
    }
    fixture_commit(&self, transaction);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(fixture_update(&self, transaction, 10, 21));
    sum += 1;
    txn_mark mark = table_get_mark(transaction);
    unit_assert_ok(fixture_delete(&self, transaction, 11));
    unit_assert_ok(fixture_insert(&self, transaction, 9000, 3));
    table_rollback_to(transaction, mark);
    unit_assert_ok(fixture_delete(&self, transaction, 12));
    sum -= 24;
    fixture_commit(&self, transaction);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(fixture_insert(&self, transaction, 0, 1)); /* never committed */
    crash_copy();
    expect(here.copy, self.id, self.index_id, 4999, sum); /* by replay */
    assert_int_equal(file_size(here.copy_log), -1);       /* folded at close */
    expect(here.copy, self.id, self.index_id, 4999, sum); /* from the file */
    table_rollback(transaction);

    unit_assert_ok(table_checkpoint(self.database, &self.error));
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(fixture_insert(&self, transaction, 0, 7)); /* behind the checkpoint */
    sum += 7;
    fixture_commit(&self, transaction);
    crash_copy();
    expect(here.copy, self.id, self.index_id, 5000, sum); /* from both */
    uint64_t id = self.id, index_id = self.index_id;
    fixture_close(&self);
    assert_int_equal(file_size(here.log), -1);
    expect(here.path, id, index_id, 5000, sum);
}

static void test_definitions_come_back(void **state)
{
    (void)state;
    fixture self;
    int64_t sum;
    unit_assert_ok(fixture_try_open(&self, here.path));
    (void)table_database_is_new(self.database);
    fixture_create_table(&self, false);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    for (int64_t i = 1; i <= 100; i++)
        unit_assert_ok(fixture_insert(&self, transaction, 0, i));
    unit_assert_ok(table_truncate(transaction, self.id, &self.error));
    for (int64_t i = 1; i <= 10; i++)
        unit_assert_ok(fixture_insert(&self, transaction, 0, i));
    table_column column = {.type = TYPES_OF(INTEGER), .missing = types_null_of(TYPES_OF(INTEGER))};
    column.missing.is_null = false;
    column.missing.cell.int64 = 42;
    uint32_t added;
    unit_assert_ok(table_add_column(transaction, self.id, &column, &added, &self.error));
    table_index_part part = {.column = COLUMN_TEXT, .descending = true};
    table_index_descriptor index = {.relation_id = self.id, .part_count = 1, .parts = &part};
    unit_assert_ok(table_index_create(transaction, &index, &self.index_id, &self.error));
    fixture_commit(&self, transaction);
    uint64_t id = self.id, index_id = self.index_id;
    crash_copy();
    fixture_close(&self);
    for (int round = 0; round < 3; round++) {
        unit_assert_ok(fixture_try_open(&self, round < 2 ? here.copy : here.path));
        fixture_find_table(&self, id, index_id);
        transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        assert_int_equal(fixture_scan(&self, transaction, false, &sum), 10);
        assert_int_equal(sum, 55);
        types_cell cell;
        bool is_null = true;
        unit_assert_ok(table_read_row(transaction, self.relation, 101, &added, 1, &cell, &is_null,
                                      NULL, &self.error));
        assert_false(is_null);
        assert_int_equal(cell.int64, 42);
        table_rollback(transaction);
        fixture_check(&self);
        /* Ids are not given out twice. */
        transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        table_descriptor descriptor = {.column_count = 1, .columns = &column, .rowid_column = -1};
        uint64_t other;
        unit_assert_ok(table_create(transaction, &descriptor, &other, &self.error));
        assert_true(other > index_id);
        table_rollback(transaction);
        fixture_close(&self);
    }
}

static void test_small_tables_are_small(void **state)
{
    (void)state;
    fixture self;
    unit_assert_ok(fixture_try_open(&self, here.path));
    for (int table = 0; table < 3; table++) {
        table_release(self.relation);
        fixture_create_table(&self, true);
        txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        for (int64_t i = 1; i <= 10; i++)
            unit_assert_ok(fixture_insert(&self, transaction, 0, i));
        fixture_commit(&self, transaction);
    }
    fixture_close(&self);
    assert_in_range(file_size(here.path), 1, 64 * 1024);
    assert_int_equal(file_size(here.log), -1);
}

static void test_checkpoint_reuses_space(void **state)
{
    (void)state;
    fixture self;
    unit_assert_ok(fixture_try_open(&self, here.path));
    fixture_create_table(&self, true);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    for (int64_t i = 1; i <= 20000; i++)
        unit_assert_ok(fixture_insert(&self, transaction, 0, i));
    fixture_commit(&self, transaction);
    long first = 0;
    for (int round = 0; round < 12; round++) {
        transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        unit_assert_ok(fixture_update(&self, transaction, 1 + round, 100001 + 2 * round));
        fixture_commit(&self, transaction);
        unit_assert_ok(table_checkpoint(self.database, &self.error));
        fixture_check(&self);
        if (round == 3)
            first = file_size(here.path);
    }
    assert_in_range(file_size(here.path), 1, (uint64_t)first * 3 / 2);
    fixture_close(&self);
}

static void test_shared_and_refused(void **state)
{
    (void)state;
    fixture self;
    table_database *second;
    table_options options;
    unit_assert_ok(fixture_try_open(&self, here.path));
    fixture_create_table(&self, false);
    table_options_default(&options);
    unit_assert_ok(table_database_open(self.runtime, here.path, &options, &second, &self.error));
    assert_ptr_equal(second, self.database);
    unit_assert_ok(table_database_close(second, &self.error));
    uint64_t id = self.id;
    fixture_close(&self);
    expect(here.path, id, 0, 0, 0);
    /* A damaged byte in the root is reported, never read as data. */
    FILE *file = fopen(here.path, "r+b");
    for (long offset = 2 * 4096; offset < file_size(here.path); offset += 4096) {
        assert_int_equal(fseek(file, offset + 5, SEEK_SET), 0);
        (void)fputc(0xA5, file);
    }
    (void)fclose(file);
    assert_int_equal(fixture_try_open(&self, here.path), BASE_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_log_and_file, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_definitions_come_back, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_small_tables_are_small, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_checkpoint_reuses_space, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_shared_and_refused, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
