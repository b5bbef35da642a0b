/*
 * Tables in memory: writing, reading, scans, indexes, definitions, undo; one thread.
 */
#include "table_fixture.h"

#define ABSENT INT64_MIN

static int64_t read_committed(fixture *self, int64_t rowid)
{
    txn_transaction *transaction = fixture_begin(self, TXN_READ_COMMITTED);
    int64_t number = fixture_read(self, transaction, rowid);
    fixture_commit(self, transaction);
    return number;
}

static void test_insert_read_update_delete(void **state)
{
    (void)state;
    fixture self;
    fixture_open(&self);
    fixture_create_table(&self, false);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(fixture_insert(&self, transaction, 5, 50));
    unit_assert_ok(fixture_insert(&self, transaction, 0, 61)); /* chosen: behind the given */
    assert_int_equal(fixture_read(&self, transaction, 5), 50);
    assert_int_equal(fixture_read(&self, transaction, 6), 61);
    fixture_commit(&self, transaction);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(fixture_update(&self, transaction, 5, 51));
    unit_assert_ok(fixture_update(&self, transaction, 5, 53));
    unit_assert_ok(fixture_delete(&self, transaction, 6));
    assert_int_equal(fixture_read(&self, transaction, 5), 53);
    assert_int_equal(fixture_read(&self, transaction, 6), ABSENT);
    fixture_commit(&self, transaction);
    assert_int_equal(read_committed(&self, 5), 53);
    assert_int_equal(read_committed(&self, 6), ABSENT);
    assert_int_equal(table_row_count(self.relation), 1);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    assert_int_equal(fixture_insert(&self, transaction, 5, 1), BASE_UNIQUE_VIOLATION);
    unit_assert_ok(fixture_insert(&self, transaction, 6, 66));
    fixture_commit(&self, transaction);
    assert_int_equal(read_committed(&self, 6), 66);
    fixture_check(&self);
    fixture_close(&self);
}

static void test_rollback_and_marks(void **state)
{
    (void)state;
    fixture self;
    fixture_open(&self);
    fixture_create_table(&self, true);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    for (int64_t i = 1; i <= 100; i++)
        unit_assert_ok(fixture_insert(&self, transaction, i, i * 10));
    fixture_commit(&self, transaction);
    transaction = fixture_begin(&self, TXN_SNAPSHOT);
    unit_assert_ok(fixture_update(&self, transaction, 1, 11));
    txn_mark mark = table_get_mark(transaction);
    unit_assert_ok(fixture_update(&self, transaction, 1, 12));
    unit_assert_ok(fixture_delete(&self, transaction, 2));
    unit_assert_ok(fixture_insert(&self, transaction, 2, 22)); /* over its own deletion */
    unit_assert_ok(fixture_insert(&self, transaction, 101, 1011));
    unit_assert_ok(fixture_insert(&self, transaction, 102, 1021));
    assert_int_equal(fixture_read(&self, transaction, 2), 22);
    table_rollback_to(transaction, mark);
    assert_int_equal(fixture_read(&self, transaction, 1), 11);
    assert_int_equal(fixture_read(&self, transaction, 2), 20);
    assert_int_equal(fixture_read(&self, transaction, 101), ABSENT);
    unit_assert_ok(fixture_insert(&self, transaction, 101, 12)); /* the key is free again */
    table_rollback(transaction);
    assert_int_equal(read_committed(&self, 1), 10);
    assert_int_equal(read_committed(&self, 101), ABSENT);
    assert_int_equal(table_row_count(self.relation), 100);
    fixture_check(&self);
    fixture_close(&self);
}

static void test_snapshots_see_their_time(void **state)
{
    (void)state;
    fixture self;
    int64_t sum;
    fixture_open(&self);
    fixture_create_table(&self, true);
    txn_transaction *writer = fixture_begin(&self, TXN_READ_COMMITTED);
    for (int64_t i = 1; i <= 3000; i++)
        unit_assert_ok(fixture_insert(&self, writer, i, i));
    fixture_commit(&self, writer);
    txn_transaction *reader = fixture_begin(&self, TXN_SNAPSHOT);
    for (int round = 0; round < 3; round++) {
        writer = fixture_begin(&self, TXN_READ_COMMITTED);
        for (int64_t i = 1; i <= 3000; i += 7)
            unit_assert_ok(fixture_update(&self, writer, i, 10000 * (round + 1) + i));
        for (int64_t i = 2 + round; i <= 3000; i += 70)
            (void)(fixture_read(&self, writer, i) != ABSENT && fixture_delete(&self, writer, i));
        unit_assert_ok(fixture_insert(&self, writer, 0, -1 - round));
        assert_int_equal(fixture_scan(&self, reader, round & 1, &sum), 3000);
        assert_int_equal(sum, 3000 * 3001 / 2);
        fixture_commit(&self, writer);
        assert_int_equal(fixture_scan(&self, reader, round & 1, &sum), 3000);
        assert_int_equal(sum, 3000 * 3001 / 2);
        assert_int_equal(fixture_read(&self, reader, 8), 8);
        assert_int_equal(fixture_read(&self, reader, 2), 2);
        fixture_check(&self);
    }
    /* Deleted meanwhile and inserted again: both are to be seen, each at its time. */
    writer = fixture_begin(&self, TXN_READ_COMMITTED);
    assert_int_equal(fixture_read(&self, writer, 2), ABSENT);
    unit_assert_ok(fixture_insert(&self, writer, 2, 77777));
    fixture_commit(&self, writer);
    assert_int_equal(fixture_read(&self, reader, 2), 2);
    assert_int_equal(read_committed(&self, 2), 77777);
    fixture_commit(&self, reader);
    assert_int_equal(read_committed(&self, 2), 77777);
    fixture_check(&self);
    fixture_close(&self);
}

static void test_sparse_and_random_rowids(void **state)
{
    (void)state;
    fixture self;
    int64_t sum, expected = 0;
    fixture_open(&self);
    fixture_create_table(&self, false);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    uint64_t seed = 12345;
    enum {
        ROWS = 20000
    };
    for (int64_t i = 0; i < ROWS; i++) {
        seed = base_hash_u64(seed + (uint64_t)i);
        int64_t rowid = i % 5 == 0 ? i * 3 : (int64_t)(seed | 1);
        base_status status = fixture_insert(&self, transaction, rowid ? rowid : 1, i);
        unit_assert_ok(status);
        expected += i;
    }
    unit_assert_ok(fixture_insert(&self, transaction, INT64_MAX, 1));
    unit_assert_ok(fixture_insert(&self, transaction, INT64_MIN, 2));
    expected += 3;
    assert_int_equal(fixture_scan(&self, transaction, false, &sum), ROWS + 2);
    assert_int_equal(sum, expected);
    assert_int_equal(fixture_scan(&self, transaction, true, &sum), ROWS + 2);
    assert_int_equal(sum, expected);
    fixture_commit(&self, transaction);
    fixture_check(&self);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    assert_int_equal(fixture_insert(&self, transaction, 0, 5), BASE_LIMIT);
    seed = 12345;
    for (int64_t i = 0; i < ROWS; i++) { /* empties most leaves */
        seed = base_hash_u64(seed + (uint64_t)i);
        if (i % 5)
            unit_assert_ok(fixture_delete(&self, transaction, (int64_t)(seed | 1)));
    }
    fixture_commit(&self, transaction);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    assert_int_equal(fixture_scan(&self, transaction, false, &sum), ROWS / 5 + 2);
    table_rollback(transaction);
    fixture_check(&self);
    fixture_close(&self);
}

/* More leaves than a node of the directory has entries; all go and come again, in parts. */
static void test_directory(void **state)
{
    (void)state;
    fixture self;
    int64_t sum;
    enum {
        MANY = 400 * 1000,
        PART = 50 * 1000
    };
    fixture_open(&self);
    fixture_create_table(&self, false);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    for (int64_t i = 1; i <= MANY; i++)
        unit_assert_ok(fixture_insert(&self, transaction, i, i));
    fixture_commit(&self, transaction);
    for (int64_t part = 0; part < MANY / PART; part++) {
        int64_t first = (part * 5 % (MANY / PART)) * PART;
        transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        for (int64_t i = 1; i <= PART; i++)
            unit_assert_ok(fixture_delete(&self, transaction, first + i));
        fixture_commit(&self, transaction);
        transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        assert_int_equal(fixture_scan(&self, transaction, part & 1, &sum),
                         MANY - (part + 1) * PART);
        assert_int_equal(fixture_read(&self, transaction, first + 7), ABSENT);
        unit_assert_ok(fixture_insert(&self, transaction, first + 7, 1));
        table_rollback(transaction);
    }
    fixture_check(&self);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    for (int64_t i = MANY; i >= 1; i -= 100)
        unit_assert_ok(fixture_insert(&self, transaction, i, i));
    fixture_commit(&self, transaction);
    fixture_check(&self);
    fixture_close(&self);
}

static uint64_t count_by_index(fixture *self, txn_transaction *transaction, bool descending)
{
    uint32_t columns[] = {COLUMN_NUMBER};
    types_type type = TYPES_OF(INTEGER);
    table_key_range all = {0};
    table_index_cursor *cursor;
    vector_chunk chunk;
    uint64_t count = 0;
    int64_t last = 0;
    unit_assert_ok(
        vector_chunk_init(&chunk, table_database_budget(self->database), &type, 1, &self->error));
    unit_assert_ok(table_index_cursor_create(transaction, self->relation,
                                             table_index_by_id(self->relation, self->index_id),
                                             &all, descending, columns, 1, &cursor, &self->error));
    while (table_index_cursor_next(cursor, 100, &chunk, &self->error) == BASE_ROW) {
        for (uint32_t i = 0; i < chunk.count; i++) {
            int64_t number = vector_get(&chunk.columns[0], i).cell.int64;
            if (count)
                assert_true(descending ? number < last : number > last);
            last = number;
            count++;
        }
    }
    table_index_cursor_destroy(cursor);
    vector_chunk_destroy(&chunk);
    return count;
}

static void test_unique_index(void **state)
{
    (void)state;
    fixture self;
    fixture_open(&self);
    fixture_create_table(&self, true);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    for (int64_t i = 1; i <= 500; i++)
        unit_assert_ok(fixture_insert(&self, transaction, 0, 1000 - i));
    assert_int_equal(fixture_insert(&self, transaction, 0, 900), BASE_UNIQUE_VIOLATION);
    assert_int_equal(fixture_update(&self, transaction, 1, 900), BASE_UNIQUE_VIOLATION);
    assert_int_equal(fixture_read(&self, transaction, 1), 999);
    fixture_commit(&self, transaction);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    txn_transaction *old = fixture_begin(&self, TXN_SNAPSHOT);
    unit_assert_ok(fixture_update(&self, transaction, 1, 5));   /* 999 becomes free ... */
    unit_assert_ok(fixture_insert(&self, transaction, 0, 999)); /* ... for this transaction */
    unit_assert_ok(fixture_update(&self, transaction, 1, 6));
    unit_assert_ok(fixture_update(&self, transaction, 1, 5)); /* back to an entry it has */
    assert_int_equal(count_by_index(&self, transaction, false), 501);
    assert_int_equal(count_by_index(&self, transaction, true), 501);
    assert_int_equal(count_by_index(&self, old, false), 500);
    fixture_commit(&self, transaction);
    assert_int_equal(count_by_index(&self, old, true), 500);
    fixture_commit(&self, old);
    fixture_check(&self);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    assert_int_equal(count_by_index(&self, transaction, false), 501);
    fixture_commit(&self, transaction);
    fixture_close(&self);
}

static void test_conflicts(void **state)
{
    (void)state;
    fixture self;
    fixture_open(&self);
    table_database_options(self.database)->lock_timeout = 20 * 1000;
    fixture_create_table(&self, true);
    txn_transaction *one = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(fixture_insert(&self, one, 1, 10));
    unit_assert_ok(fixture_insert(&self, one, 2, 20));
    fixture_commit(&self, one);
    one = fixture_begin(&self, TXN_READ_COMMITTED);
    txn_transaction *two = fixture_begin(&self, TXN_SNAPSHOT);
    txn_transaction *three = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(fixture_update(&self, one, 1, 11));
    assert_int_equal(fixture_update(&self, two, 1, 12), BASE_SERIALIZATION);
    assert_int_equal(fixture_update(&self, three, 1, 13), BASE_LOCK_TIMEOUT);
    assert_int_equal(fixture_insert(&self, three, 0, 11), BASE_LOCK_TIMEOUT);
    assert_int_equal(fixture_insert(&self, three, 0, 10), BASE_LOCK_TIMEOUT);
    fixture_commit(&self, one);
    assert_int_equal(fixture_update(&self, two, 1, 12), BASE_SERIALIZATION);
    assert_int_equal(fixture_update(&self, three, 1, 13), BASE_RESTART);
    table_statement_start(three);
    unit_assert_ok(fixture_update(&self, three, 1, 13));
    assert_int_equal(fixture_read(&self, two, 1), 10);
    table_rollback(two);
    fixture_commit(&self, three);
    assert_int_equal(read_committed(&self, 1), 13);
    fixture_check(&self);
    fixture_close(&self);
}

static void test_definitions(void **state)
{
    (void)state;
    fixture self;
    int64_t sum;
    fixture_open(&self);
    fixture_create_table(&self, true);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    for (int64_t i = 1; i <= 1000; i++)
        unit_assert_ok(fixture_insert(&self, transaction, i, i));
    fixture_commit(&self, transaction);

    txn_transaction *old = fixture_begin(&self, TXN_SNAPSHOT);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(table_truncate(transaction, self.id, &self.error));
    unit_assert_ok(fixture_insert(&self, transaction, 0, 5));
    assert_int_equal(fixture_scan(&self, transaction, false, &sum), 1);
    txn_mark mark = table_get_mark(transaction);
    unit_assert_ok(table_drop(transaction, self.id, &self.error));
    assert_int_equal(fixture_insert(&self, transaction, 0, 5), BASE_UNDEFINED_TABLE);
    table_rollback_to(transaction, mark);
    base_error_clear(&self.error);
    assert_int_equal(fixture_scan(&self, transaction, false, &sum), 1);
    assert_int_equal(fixture_scan(&self, old, false, &sum), 1000);
    table_rollback(transaction);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    assert_int_equal(fixture_scan(&self, transaction, false, &sum), 1000);
    fixture_commit(&self, old);

    /* A column with a long value for the rows that are there. */
    const char *long_text = "something longer than twelve bytes";
    table_column column = {.type = TYPES_OF(TEXT), .missing = types_null_of(TYPES_OF(TEXT))};
    column.missing.is_null = false;
    column.missing.cell.string = types_string_of(long_text, strlen(long_text));
    uint32_t added;
    unit_assert_ok(table_add_column(transaction, self.id, &column, &added, &self.error));
    assert_int_equal(added, COLUMN_COUNT);
    table_relation *relation;
    unit_assert_ok(table_acquire(transaction, self.id, &relation, &self.error));
    types_cell cell = {.int64 = 0};
    bool is_null = true;
    uint32_t number = COLUMN_NUMBER;
    cell.int64 = -7;
    is_null = false;
    unit_assert_ok(
        table_update_row(transaction, relation, 7, &number, 1, &cell, &is_null, NULL, &self.error));
    is_null = true;
    unit_assert_ok(
        table_update_row(transaction, relation, 8, &added, 1, &cell, &is_null, NULL, &self.error));
    base_arena heap;
    base_arena_init(&heap, table_database_budget(self.database));
    for (int64_t rowid = 6; rowid <= 8; rowid++) {
        unit_assert_ok(table_read_row(transaction, relation, rowid, &added, 1, &cell, &is_null,
                                      &heap, &self.error));
        assert_int_equal(is_null, rowid == 8);
        if (!is_null)
            assert_true(types_string_equal(&cell.string, &column.missing.cell.string));
    }
    base_arena_destroy(&heap);
    table_release(relation);
    table_rollback(transaction);

    /* The same number for another column, of another type, after the rollback. */
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    table_column other = {.type = TYPES_OF(INTEGER), .missing = types_null_of(TYPES_OF(INTEGER))};
    unit_assert_ok(table_add_column(transaction, self.id, &other, &added, &self.error));
    unit_assert_ok(table_drop_column(transaction, self.id, COLUMN_SMALL, &self.error));
    assert_int_equal(table_drop_column(transaction, self.id, COLUMN_NUMBER, &self.error),
                     BASE_DEPENDENT_OBJECTS);
    base_error_clear(&self.error);
    fixture_commit(&self, transaction);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(table_acquire(transaction, self.id, &relation, &self.error));
    unit_assert_ok(
        table_read_row(transaction, relation, 7, &added, 1, &cell, &is_null, NULL, &self.error));
    assert_true(is_null);
    table_release(relation);
    assert_int_equal(fixture_insert(&self, transaction, 0, 7777), BASE_RESTART); /* old handle */
    table_rollback(transaction);
    fixture_check(&self);

    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(table_index_rebuild(transaction, self.index_id, &self.error));
    unit_assert_ok(table_drop(transaction, self.id, &self.error));
    fixture_commit(&self, transaction);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    assert_int_equal(table_acquire(transaction, self.id, &relation, &self.error),
                     BASE_UNDEFINED_TABLE);
    table_rollback(transaction);
    fixture_close(&self);
}

static void test_index_build_finds_duplicates(void **state)
{
    (void)state;
    fixture self;
    fixture_open(&self);
    fixture_create_table(&self, false);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    for (int64_t i = 1; i <= 5000; i++)
        unit_assert_ok(fixture_insert(&self, transaction, i, i == 4000 ? 17 : i));
    fixture_commit(&self, transaction);
    table_index_part part = {.column = COLUMN_NUMBER, .descending = true};
    table_index_descriptor index = {
        .relation_id = self.id, .unique = true, .part_count = 1, .parts = &part};
    transaction = fixture_begin(&self, TXN_SNAPSHOT);
    assert_int_equal(table_index_create(transaction, &index, &self.index_id, &self.error),
                     BASE_UNIQUE_VIOLATION);
    base_error_clear(&self.error);
    unit_assert_ok(fixture_update(&self, transaction, 4000, 4000));
    unit_assert_ok(table_index_create(transaction, &index, &self.index_id, &self.error));
    fixture_commit(&self, transaction);
    table_column_statistics statistics;
    table_column_statistics_of(self.relation, COLUMN_NUMBER, &statistics);
    assert_true(statistics.has_range);
    assert_int_equal(statistics.minimum.cell.int64, 1);
    assert_int_equal(statistics.maximum.cell.int64, 5000);
    assert_true(statistics.distinct_count == 5000.0);
    fixture_check(&self);
    fixture_close(&self);
}

static void test_chunks(void **state)
{
    (void)state;
    fixture self;
    int64_t sum, expected = 0;
    types_type types[] = {TYPES_OF(INTEGER), TYPES_OF(INTEGER), TYPES_OF(TEXT), TYPES_OF(SMALLINT)};
    static char texts[VECTOR_SIZE][40];
    fixture_open(&self);
    fixture_create_table(&self, false);
    vector_chunk chunk;
    int64_t rowids[VECTOR_SIZE];
    table_conflict conflict;
    unit_assert_ok(
        vector_chunk_init(&chunk, table_database_budget(self.database), types, 4, &self.error));
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    for (int64_t batch = 0; batch < 5; batch++) {
        vector_chunk_reset(&chunk);
        uint32_t count = batch == 3 ? 100 : VECTOR_SIZE;
        for (uint32_t i = 0; i < count; i++) {
            types_cell cells[COLUMN_COUNT];
            bool nulls[COLUMN_COUNT];
            fixture_cells(batch * 10000 + i, cells, nulls, texts[i]);
            expected += batch * 10000 + i;
            for (uint32_t c = 1; c < COLUMN_COUNT; c++) {
                types_value value = {types[c], nulls[c], cells[c]};
                if (nulls[c] && !chunk.columns[c].validity)
                    vector_make_validity(&chunk.columns[c]);
                vector_put(&chunk.columns[c], i, &value);
            }
        }
        chunk.count = count;
        unit_assert_ok(
            table_insert(transaction, self.relation, &chunk, rowids, true, &conflict, &self.error));
    }
    assert_int_equal(fixture_scan(&self, transaction, false, &sum), 4 * VECTOR_SIZE + 100);
    assert_int_equal(sum, expected);
    /* A taken rowid in the middle: those before it are written, the rest is not. */
    txn_mark mark = table_get_mark(transaction);
    for (uint32_t i = 0; i < 10; i++)
        rowids[i] = 100000 + i;
    rowids[6] = 17;
    chunk.count = 10;
    assert_int_equal(
        table_insert(transaction, self.relation, &chunk, rowids, false, &conflict, &self.error),
        BASE_UNIQUE_VIOLATION);
    base_error_clear(&self.error);
    assert_int_equal(conflict.row, 6);
    assert_int_equal(conflict.rowid, 17);
    assert_int_equal(fixture_scan(&self, transaction, false, &sum), 4 * VECTOR_SIZE + 106);
    table_rollback_to(transaction, mark);
    uint16_t origins[VECTOR_SIZE];
    uint32_t columns[] = {TABLE_ROWID, COLUMN_NUMBER, COLUMN_TEXT, COLUMN_SMALL};
    int64_t wanted[] = {3, 100000, 2050, 1};
    unit_assert_ok(table_read_rows(transaction, self.relation, wanted, 4, columns, 4, &chunk,
                                   origins, &self.error));
    assert_int_equal(chunk.count, 3);
    assert_int_equal(origins[1], 2);
    assert_int_equal(vector_get(&chunk.columns[0], 1).cell.int64, 2050);
    fixture_commit(&self, transaction);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    assert_int_equal(fixture_scan(&self, transaction, false, &sum), 4 * VECTOR_SIZE + 100);
    table_rollback(transaction);
    vector_chunk_destroy(&chunk);
    fixture_check(&self);
    fixture_close(&self);
}

/* One script with every kind of write; each allocation fails once. */
static base_status run_script(fixture *self)
{
    txn_transaction *transaction;
    RETURN_IF_ERROR(table_begin(self->database, TXN_READ_COMMITTED, false, &transaction, NULL));
    base_status status = BASE_OK;
    for (int64_t i = 1; i <= 40 && status == BASE_OK; i++)
        status = fixture_insert(self, transaction, i * 3, i);
    if (status == BASE_OK)
        status = fixture_update(self, transaction, 9, 901);
    if (status == BASE_OK)
        status = fixture_delete(self, transaction, 12);
    if (status == BASE_OK)
        status = fixture_insert(self, transaction, 12, 1201);
    table_column column = {.type = TYPES_OF(TEXT), .missing = types_null_of(TYPES_OF(TEXT))};
    uint32_t added;
    if (status == BASE_OK)
        status = table_add_column(transaction, self->id, &column, &added, NULL);
    table_index_part part = {.column = COLUMN_TEXT};
    table_index_descriptor index = {.relation_id = self->id, .part_count = 1, .parts = &part};
    uint64_t id;
    if (status == BASE_OK)
        status = table_index_create(transaction, &index, &id, NULL);
    if (status == BASE_OK)
        status = table_truncate(transaction, self->id, NULL);
    table_rollback(transaction);
    return status;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    fixture self;
    fixture_open(&self);
    fixture_create_table(&self, true);
    base_status status = BASE_OUT_OF_MEMORY;
    uint64_t step = 0;
    for (uint64_t fail = 1; status != BASE_OK; fail++) {
        uint64_t before = atomic_load(&self.allocator.calls);
        self.allocator.fail_at = before + fail;
        status = run_script(&self);
        self.allocator.fail_at = 0;
        if (status != BASE_OK)
            assert_int_equal(status, BASE_OUT_OF_MEMORY);
        assert_int_equal(table_row_count(self.relation), 0);
        fixture_check(&self);
        step = fail;
        assert_true(fail < 5000);
    }
    assert_true(step > 20);
    fixture_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_insert_read_update_delete),
        cmocka_unit_test(test_rollback_and_marks),
        cmocka_unit_test(test_snapshots_see_their_time),
        cmocka_unit_test(test_sparse_and_random_rowids),
        cmocka_unit_test(test_directory),
        cmocka_unit_test(test_unique_index),
        cmocka_unit_test(test_conflicts),
        cmocka_unit_test(test_definitions),
        cmocka_unit_test(test_index_build_finds_duplicates),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
