/*
 * Index entries go with the last version that has their key, whoever ends it (I12): histories in
 * which a release and a rollback could each leave the entry to the other. The integrity check at
 * the end of each finds an entry that no snapshot needs any more.
 */
#include "table_fixture.h"

enum {
    ROWS = 12,
    ROW = 5,
    KEY = 500, /* of that row at the start */
};

/* Rows 1 .. ROWS, number = 100 * rowid, an index on it. */
static void open_rows(fixture *self, bool sealed)
{
    fixture_open(self);
    table_database_options(self->database)->seal_rows = 4;
    fixture_create_table(self, true);
    txn_transaction *transaction = fixture_begin(self, TXN_READ_COMMITTED);
    for (int64_t rowid = 1; rowid <= ROWS; rowid++)
        unit_assert_ok(fixture_insert(self, transaction, rowid, 100 * rowid));
    fixture_commit(self, transaction);
    if (sealed)
        unit_assert_ok(table_checkpoint(self->database, &self->error));
}

static void delete_row(fixture *self, int64_t rowid)
{
    txn_transaction *transaction = fixture_begin(self, TXN_READ_COMMITTED);
    unit_assert_ok(table_delete_row(transaction, self->relation, rowid, &self->error));
    fixture_commit(self, transaction);
}

/* Ends a transaction; what it kept from being released goes. */
static void end(txn_transaction *transaction)
{
    uint64_t oldest;
    txn_manager *manager = txn_manager_of(transaction);
    table_rollback(transaction);
    assert_true(txn_collect_all_garbage(manager, &oldest));
}

/* Rows ROW .. ROW + 2 in one chunk, with their old keys. */
static void insert_three(fixture *self, txn_transaction *transaction)
{
    static const types_type types[] = {TYPES_OF(INTEGER), TYPES_OF(INTEGER), TYPES_OF(TEXT),
                                       TYPES_OF(SMALLINT)};
    int64_t rowids[3];
    char texts[3][40];
    vector_chunk chunk;
    table_conflict conflict;
    unit_assert_ok(vector_chunk_init(&chunk, table_database_budget(self->database), types,
                                     COLUMN_COUNT, &self->error));
    chunk.count = 3;
    for (uint32_t i = 0; i < 3; i++) {
        types_cell cells[COLUMN_COUNT];
        bool nulls[COLUMN_COUNT];
        rowids[i] = ROW + i;
        fixture_cells(100 * rowids[i], cells, nulls, texts[i]);
        for (uint32_t c = 0; c < COLUMN_COUNT; c++) {
            types_value value = {.type = types[c], .cell = cells[c], .is_null = nulls[c]};
            vector_put(&chunk.columns[c], i, &value);
        }
    }
    unit_assert_ok(
        table_insert(transaction, self->relation, &chunk, rowids, false, &conflict, &self->error));
    vector_chunk_destroy(&chunk);
}

/* A row was deleted; another with its rowid and key is inserted while an old snapshot keeps the
 * deletion from being released, is there when it is, and is then taken back. */
static void insertion_over_deleted_row(bool sealed, bool by_chunk, bool to_savepoint)
{
    fixture self;
    open_rows(&self, sealed);
    txn_transaction *reader = fixture_begin(&self, TXN_SNAPSHOT);
    delete_row(&self, ROW);
    if (by_chunk) {
        delete_row(&self, ROW + 1);
        delete_row(&self, ROW + 2);
    }
    txn_transaction *writer = fixture_begin(&self, TXN_READ_COMMITTED);
    txn_mark mark = table_get_mark(writer);
    if (by_chunk)
        insert_three(&self, writer);
    else
        unit_assert_ok(fixture_insert(&self, writer, ROW, KEY));
    end(reader);
    if (to_savepoint) {
        table_rollback_to(writer, mark);
        fixture_commit(&self, writer);
    } else {
        table_rollback(writer);
    }
    fixture_check(&self);
    fixture_close(&self);
}

static void test_insertions_over_deleted_rows(void **state)
{
    (void)state;
    for (int way = 0; way < 8; way++)
        insertion_over_deleted_row(way & 1, way & 2, way & 4);
}

/* Refused by the key of another row, so taken back at once. */
static void test_refused_insertion_over_deleted_row(void **state)
{
    (void)state;
    for (int sealed = 0; sealed < 2; sealed++) {
        fixture self;
        open_rows(&self, sealed);
        txn_transaction *reader = fixture_begin(&self, TXN_SNAPSHOT);
        delete_row(&self, ROW);
        txn_transaction *writer = fixture_begin(&self, TXN_READ_COMMITTED);
        assert_int_equal(fixture_insert(&self, writer, ROW, 100), BASE_UNIQUE_VIOLATION);
        unit_assert_ok(fixture_insert(&self, writer, ROW, KEY));
        end(reader);
        table_rollback(writer);
        fixture_check(&self);
        fixture_close(&self);
    }
}

/* A key comes back and goes again, in one transaction or by rollback. */
static void test_key_that_comes_back(void **state)
{
    (void)state;
    for (int way = 0; way < 8; way++) {
        fixture self;
        open_rows(&self, way & 1);
        txn_transaction *reader = fixture_begin(&self, TXN_SNAPSHOT);
        txn_transaction *writer = fixture_begin(&self, TXN_READ_COMMITTED);
        unit_assert_ok(fixture_update(&self, writer, ROW, 1));
        fixture_commit(&self, writer);
        writer = fixture_begin(&self, TXN_READ_COMMITTED);
        unit_assert_ok(fixture_update(&self, writer, ROW, KEY));
        if (way & 2)
            end(reader);
        if (way & 4) {
            unit_assert_ok(fixture_update(&self, writer, ROW, 2));
            fixture_commit(&self, writer);
        } else {
            table_rollback(writer);
        }
        if (!(way & 2))
            end(reader);
        fixture_check(&self);
        fixture_close(&self);
    }
}

/* An index is made while versions hang behind a row that nobody needs in it: who ended them did
 * not know it. */
static void test_versions_older_than_the_index(void **state)
{
    (void)state;
    for (int way = 0; way < 4; way++) {
        fixture self;
        uint64_t id;
        open_rows(&self, false);
        txn_transaction *reader = fixture_begin(&self, TXN_SNAPSHOT);
        txn_transaction *writer = fixture_begin(&self, TXN_READ_COMMITTED);
        unit_assert_ok(fixture_update(&self, writer, ROW, 1));
        fixture_commit(&self, writer);
        table_index_part part = {.column = COLUMN_NUMBER};
        table_index_descriptor index = {.relation_id = self.id, .part_count = 1, .parts = &part};
        writer = fixture_begin(&self, TXN_READ_COMMITTED);
        unit_assert_ok(way & 1 ? table_index_rebuild(writer, self.index_id, &self.error)
                               : table_index_create(writer, &index, &id, &self.error));
        fixture_commit(&self, writer);
        table_release(self.relation);
        fixture_find_table(&self, self.id, self.index_id);
        writer = fixture_begin(&self, TXN_READ_COMMITTED);
        unit_assert_ok(fixture_update(&self, writer, ROW, KEY));
        if (way & 2)
            end(reader);
        table_rollback(writer);
        if (!(way & 2))
            end(reader);
        fixture_check(&self);
        fixture_close(&self);
    }
}

/* While a row is open, a checkpoint writes others and may not take its copy for the row. */
static void test_open_row_beside_a_switch(void **state)
{
    (void)state;
    for (int commits = 0; commits < 2; commits++) {
        fixture self;
        open_rows(&self, false);
        txn_transaction *writer = fixture_begin(&self, TXN_READ_COMMITTED);
        unit_assert_ok(fixture_update(&self, writer, ROW, 1));
        unit_assert_ok(table_checkpoint(self.database, &self.error));
        if (commits)
            fixture_commit(&self, writer);
        else
            table_rollback(writer);
        unit_assert_ok(table_checkpoint(self.database, &self.error));
        writer = fixture_begin(&self, TXN_READ_COMMITTED);
        unit_assert_ok(fixture_update(&self, writer, ROW, 2));
        fixture_commit(&self, writer);
        fixture_check(&self);
        fixture_close(&self);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_insertions_over_deleted_rows),
        cmocka_unit_test(test_refused_insertion_over_deleted_row),
        cmocka_unit_test(test_key_that_comes_back),
        cmocka_unit_test(test_versions_older_than_the_index),
        cmocka_unit_test(test_open_row_beside_a_switch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
