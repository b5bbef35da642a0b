/*
 * The bulk loader: rowids in any order, rowids that are taken, other writers, savepoints, in
 * files and in memory. What survives a crash is in test_cold.c and tests/sim.
 */
#include <stdlib.h>
#include <unistd.h>

#include "table_fixture.h"

enum {
    ROWS = 3000, /* of a load; seal_rows is set so that this is long */
    SEAL_ROWS = 100
};

static char path[64];

static int make_place(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/tuff-loader-%ld", (long)getpid());
    return 0;
}

static int remove_place(void **state)
{
    char name[96];
    (void)state;
    (void)unlink(path);
    (void)snprintf(name, sizeof name, "%s-wal", path);
    (void)unlink(name);
    return 0;
}

static void open_table(fixture *self, const char *where)
{
    unit_assert_ok(fixture_try_open(self, where));
    table_database_options(self->database)->seal_rows = SEAL_ROWS;
    fixture_create_table(self, false);
}

/* With a unique index on the number. */
static void open_indexed(fixture *self, const char *where)
{
    unit_assert_ok(fixture_try_open(self, where));
    table_database_options(self->database)->seal_rows = SEAL_ROWS;
    fixture_create_table(self, true);
}

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

/* Of row `rowid`; two rows that are so far apart share it. */
static int64_t repeat_after = INT64_MAX;

static int64_t number_of(int64_t rowid)
{
    return rowid % repeat_after * 10;
}

static base_status append(fixture *self, table_loader *loader, vector_chunk *chunk,
                          const int64_t *rowids, uint32_t count, bool choose)
{
    static char texts[VECTOR_SIZE][40];
    int64_t given[VECTOR_SIZE];
    table_conflict conflict = {0};
    vector_chunk_reset(chunk);
    for (uint32_t i = 0; i < count; i++) {
        types_cell cells[COLUMN_COUNT];
        bool nulls[COLUMN_COUNT];
        given[i] = rowids[i];
        fixture_cells(number_of(rowids[i]), cells, nulls, texts[i]);
        for (uint32_t c = 1; c < COLUMN_COUNT; c++) {
            types_value value = {chunk->columns[c].type, nulls[c], cells[c]};
            if (nulls[c] && !chunk->columns[c].validity)
                vector_make_validity(&chunk->columns[c]);
            vector_put(&chunk->columns[c], i, &value);
        }
    }
    chunk->count = count;
    base_status status = table_loader_append(loader, chunk, given, choose, &conflict, &self->error);
    for (uint32_t i = 0; status == BASE_OK && i < count; i++)
        assert_int_equal(given[i], rowids[i]); /* chosen ones are what the caller expects */
    return status;
}

/* Loads rows with number = 10 * rowid, `step` at a time; finishes. */
static base_status load(fixture *self, txn_transaction *transaction, const int64_t *rowids,
                        uint32_t count, uint32_t step, bool choose)
{
    types_type types[] = {TYPES_OF(INTEGER), TYPES_OF(INTEGER), TYPES_OF(TEXT), TYPES_OF(SMALLINT)};
    table_conflict conflict = {0};
    table_loader *loader;
    vector_chunk chunk;
    base_error_clear(&self->error);
    unit_assert_ok(
        vector_chunk_init(&chunk, table_database_budget(self->database), types, 4, &self->error));
    unit_assert_ok(table_loader_create(transaction, self->relation, &loader, &self->error));
    base_status status = BASE_OK;
    for (uint32_t i = 0; i < count && status == BASE_OK; i += step)
        status = append(self, loader, &chunk, rowids + i, BASE_MIN(step, count - i), choose);
    if (status == BASE_OK)
        status = table_loader_finish(loader, &conflict, &self->error);
    if (status == BASE_UNIQUE_VIOLATION)
        assert_int_equal(conflict.index_id, self->index_id);
    table_loader_destroy(loader);
    vector_chunk_destroy(&chunk);
    return status;
}

/* first, first + 1, ... in order, or shuffled. */
static void fill(int64_t *rowids, uint32_t count, int64_t first, bool shuffled)
{
    for (uint32_t i = 0; i < count; i++)
        rowids[i] = first + i;
    uint64_t seed = 7;
    for (uint32_t i = count - 1; shuffled && i > 0; i--) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint32_t other = (uint32_t)((seed >> 33) % (i + 1));
        int64_t kept = rowids[i];
        rowids[i] = rowids[other];
        rowids[other] = kept;
    }
}

static void expect_rows(fixture *self, txn_transaction *transaction, int64_t first, int64_t last)
{
    int64_t sum, rows = last - first + 1;
    for (int direction = 0; direction < 2; direction++) {
        assert_int_equal(fixture_scan(self, transaction, direction, &sum), rows);
        assert_int_equal(sum, (first + last) * rows / 2 * 10);
    }
    assert_int_equal(fixture_read(self, transaction, first), first * 10);
    assert_int_equal(fixture_read(self, transaction, last), last * 10);
}

/* ---- Where rows go -------------------------------------------------------------------------- */

static void go_to_volumes(const char *where)
{
    static int64_t rowids[2 * ROWS];
    fixture self;
    open_table(&self, where);
    fill(rowids, 2 * ROWS, 1, false);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    /* As many rows as are worth a volume, less one. */
    unit_assert_ok(load(&self, transaction, rowids, 2 * SEAL_ROWS - 1, 50, true));
    assert_int_equal(cold_rows(&self), 0);
    int64_t next = 2 * SEAL_ROWS;
    unit_assert_ok(load(&self, transaction, rowids + next - 1, ROWS, 333, true));
    assert_int_equal(cold_rows(&self), ROWS);
    expect_rows(&self, transaction, 1, next - 1 + ROWS);
    fixture_commit(&self, transaction);
    /* Taken back: by a savepoint, and as a whole. */
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    txn_mark mark = table_get_mark(transaction);
    fill(rowids, ROWS, next + ROWS, false);
    unit_assert_ok(load(&self, transaction, rowids, ROWS, 1000, false));
    table_rollback_to(transaction, mark);
    expect_rows(&self, transaction, 1, next - 1 + ROWS);
    unit_assert_ok(load(&self, transaction, rowids, ROWS, 1000, false));
    expect_rows(&self, transaction, 1, next - 1 + 2 * ROWS);
    table_rollback(transaction);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    expect_rows(&self, transaction, 1, next - 1 + ROWS);
    fixture_commit(&self, transaction);
    fixture_check(&self);
    fixture_close(&self);
}

static void test_volumes_in_file(void **state)
{
    (void)state;
    go_to_volumes(path);
}

static void test_volumes_in_memory(void **state)
{
    (void)state;
    go_to_volumes(NULL);
}

/* ---- Rowids in any order --------------------------------------------------------------------- */

static void load_shuffled(const char *where)
{
    static int64_t rowids[ROWS];
    fixture self;
    open_table(&self, where);
    /* The middle rises, what follows lies on both sides of it. */
    fill(rowids, ROWS, ROWS + 1, false);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(load(&self, transaction, rowids, ROWS, 500, false));
    fill(rowids, ROWS, 1, true);
    unit_assert_ok(load(&self, transaction, rowids, ROWS, 500, false));
    fill(rowids, ROWS, 2 * ROWS + 1, true);
    unit_assert_ok(load(&self, transaction, rowids, ROWS, 500, false));
    assert_int_equal(cold_rows(&self), 3 * ROWS);
    expect_rows(&self, transaction, 1, 3 * ROWS);
    fixture_commit(&self, transaction);
    fixture_check(&self);
    if (where) {
        uint64_t id = self.id;
        fixture_close(&self);
        unit_assert_ok(fixture_try_open(&self, where));
        fixture_find_table(&self, id, 0);
        transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        expect_rows(&self, transaction, 1, 3 * ROWS);
        fixture_commit(&self, transaction);
        fixture_check(&self);
    }
    fixture_close(&self);
}

static void test_shuffled(void **state)
{
    (void)state;
    load_shuffled(NULL);
    load_shuffled(path);
}

static void expect_refused(fixture *self, const int64_t *rowids, uint32_t count)
{
    txn_transaction *transaction = fixture_begin(self, TXN_READ_COMMITTED);
    txn_mark mark = table_get_mark(transaction);
    assert_int_equal(load(self, transaction, rowids, count, 700, false), BASE_UNIQUE_VIOLATION);
    table_rollback_to(transaction, mark);
    fixture_commit(self, transaction);
    base_error_clear(&self->error);
    fixture_check(self);
}

static void test_taken_rowids(void **state)
{
    (void)state;
    static int64_t rowids[ROWS + 1];
    fixture self;
    open_table(&self, NULL);
    /* Twice in one load: in a batch that is sorted, and behind what is written already. */
    fill(rowids, ROWS, 1, true);
    rowids[ROWS] = rowids[5];
    expect_refused(&self, rowids, ROWS + 1);
    fill(rowids, ROWS, 1, false);
    rowids[ROWS] = 17;
    expect_refused(&self, rowids, ROWS + 1);
    /* By a row in a volume; by a hot one. */
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(load(&self, transaction, rowids, ROWS, 500, false));
    unit_assert_ok(fixture_insert(&self, transaction, 5000, 50000));
    fixture_commit(&self, transaction);
    fill(rowids, ROWS, ROWS, true);
    expect_refused(&self, rowids, ROWS);
    fill(rowids, ROWS, 5000, true);
    expect_refused(&self, rowids, ROWS);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    int64_t sum;
    assert_int_equal(fixture_scan(&self, transaction, false, &sum), ROWS + 1);
    fixture_commit(&self, transaction);
    fixture_close(&self);
}

/* Rowids that were deleted may be loaded again: hot ones, cold ones, and by the load's own
 * transaction; an older snapshot sees the rows that were there. */
static void test_deleted_rowids(void **state)
{
    (void)state;
    static int64_t rowids[ROWS];
    fixture self;
    open_table(&self, NULL);
    fill(rowids, ROWS, 1, false);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(load(&self, transaction, rowids, ROWS, 500, false));
    for (int64_t id = ROWS + 1; id <= ROWS + 100; id++)
        unit_assert_ok(fixture_insert(&self, transaction, id, id * 10));
    fixture_commit(&self, transaction);
    txn_transaction *old = fixture_begin(&self, TXN_SNAPSHOT);
    expect_rows(&self, old, 1, ROWS + 100);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    for (int64_t id = 1; id <= ROWS + 50; id++)
        unit_assert_ok(fixture_delete(&self, transaction, id));
    fixture_commit(&self, transaction);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    for (int64_t id = ROWS + 51; id <= ROWS + 100; id++)
        unit_assert_ok(fixture_delete(&self, transaction, id));
    fill(rowids, ROWS, 101, true);
    unit_assert_ok(load(&self, transaction, rowids, ROWS, 500, false));
    expect_rows(&self, transaction, 101, ROWS + 100);
    expect_rows(&self, old, 1, ROWS + 100);
    fixture_commit(&self, transaction);
    expect_rows(&self, old, 1, ROWS + 100);
    fixture_commit(&self, old);
    fixture_check(&self);
    fixture_close(&self);
}

/* ---- Indexes -------------------------------------------------------------------------------- */

/* The row that the index leads to; 0: none. */
static int64_t look_up(fixture *self, txn_transaction *transaction, int64_t number)
{
    table_index *index = table_index_by_id(self->relation, self->index_id);
    vector_key_part part = {.type = TYPES_OF(INTEGER)};
    types_cell cell = {.int64 = number}, found;
    uint32_t columns[] = {TABLE_ROWID};
    base_buffer key;
    bool is_null;
    base_arena heap;
    table_index_cursor *cursor;
    base_buffer_init(&key, table_database_budget(self->database));
    base_arena_init(&heap, table_database_budget(self->database));
    vector_key_append(&part, &cell, false, &key);
    base_text bound = {key.data, key.length};
    table_key_range range = {bound, bound, true, true};
    unit_assert_ok(table_index_cursor_create(transaction, self->relation, index, &range, false,
                                             columns, 1, &cursor, &self->error));
    base_status status = table_index_cursor_next_row(cursor, &found, &is_null, &heap, &self->error);
    table_index_cursor_destroy(cursor);
    base_arena_destroy(&heap);
    base_buffer_destroy(&key);
    if (status == BASE_DONE)
        return 0;
    assert_int_equal(status, BASE_ROW);
    return found.int64;
}

static void load_indexed(const char *where)
{
    static int64_t rowids[ROWS];
    fixture self;
    open_indexed(&self, where);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(fixture_insert(&self, transaction, 9 * ROWS, 500));
    fixture_commit(&self, transaction);
    /* Its key is of the row that is there; then two rows of the load share one. */
    fill(rowids, ROWS, 1, true);
    expect_refused(&self, rowids, ROWS);
    repeat_after = ROWS - 1;
    fill(rowids, ROWS, 51, false);
    expect_refused(&self, rowids, ROWS);
    repeat_after = INT64_MAX;
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    assert_int_equal(look_up(&self, transaction, 600), 0);
    unit_assert_ok(load(&self, transaction, rowids, ROWS, 500, false));
    assert_int_equal(cold_rows(&self), ROWS);
    assert_int_equal(look_up(&self, transaction, 600), 60);
    fixture_commit(&self, transaction);
    /* A key of a cold row; a key that a cold row had. */
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    assert_int_equal(fixture_insert(&self, transaction, 9 * ROWS + 1, 700), BASE_UNIQUE_VIOLATION);
    base_error_clear(&self.error);
    unit_assert_ok(fixture_update(&self, transaction, 70, 5));
    unit_assert_ok(fixture_insert(&self, transaction, 9 * ROWS + 1, 700));
    fixture_commit(&self, transaction);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(fixture_delete(&self, transaction, 70));
    fixture_commit(&self, transaction);
    fixture_check(&self);
    if (where) {
        uint64_t id = self.id, index_id = self.index_id;
        fixture_close(&self);
        unit_assert_ok(fixture_try_open(&self, where));
        fixture_find_table(&self, id, index_id);
    }
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    assert_int_equal(look_up(&self, transaction, 700), 9 * ROWS + 1);
    assert_int_equal(look_up(&self, transaction, 710), 71);
    assert_int_equal(look_up(&self, transaction, 5), 0);
    fixture_commit(&self, transaction);
    fixture_check(&self);
    fixture_close(&self);
}

static void test_indexed(void **state)
{
    (void)state;
    load_indexed(NULL);
    load_indexed(path);
}

/* ---- Others ---------------------------------------------------------------------------------- */

static void test_beside_a_writer(void **state)
{
    (void)state;
    static int64_t rowids[ROWS];
    fixture self;
    open_table(&self, NULL);
    txn_transaction *writer = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(fixture_insert(&self, writer, ROWS + 1, (ROWS + 1) * 10));
    fill(rowids, ROWS, 1, false);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(load(&self, transaction, rowids, ROWS, 500, false));
    assert_int_equal(cold_rows(&self), 0); /* nobody was waited for */
    fixture_commit(&self, transaction);
    fixture_commit(&self, writer);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    expect_rows(&self, transaction, 1, ROWS + 1);
    fixture_commit(&self, transaction);
    fixture_check(&self);
    fixture_close(&self);
}

/* A rowid that was loaded by a commit since the snapshot is a conflict, never a second row. */
static void test_since_the_snapshot(void **state)
{
    (void)state;
    static int64_t rowids[ROWS];
    fixture self;
    open_table(&self, NULL);
    txn_transaction *late = fixture_begin(&self, TXN_SNAPSHOT);
    txn_transaction *later = fixture_begin(&self, TXN_SNAPSHOT);
    fill(rowids, ROWS, 1, false);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(load(&self, transaction, rowids, ROWS, 500, false));
    fixture_commit(&self, transaction);
    assert_int_equal(fixture_insert(&self, late, 5, 50), BASE_SERIALIZATION);
    table_rollback(late);
    fill(rowids, ROWS, ROWS, true);
    assert_int_equal(load(&self, later, rowids, ROWS, 500, false), BASE_SERIALIZATION);
    table_rollback(later);
    base_error_clear(&self.error);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    expect_rows(&self, transaction, 1, ROWS);
    fixture_commit(&self, transaction);
    fixture_check(&self);
    fixture_close(&self);
}

/* A load that is given up leaves nothing, whatever it has done by then. */
static void test_given_up(void **state)
{
    (void)state;
    static int64_t rowids[ROWS];
    for (uint32_t rows = 50; rows <= ROWS; rows += 590) {
        fixture self;
        types_type types[] = {TYPES_OF(INTEGER), TYPES_OF(INTEGER), TYPES_OF(TEXT),
                              TYPES_OF(SMALLINT)};
        table_loader *loader;
        vector_chunk chunk;
        open_table(&self, rows % 20 ? path : NULL);
        fill(rowids, rows, 1, rows > 1000);
        unit_assert_ok(
            vector_chunk_init(&chunk, table_database_budget(self.database), types, 4, &self.error));
        txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        unit_assert_ok(table_loader_create(transaction, self.relation, &loader, &self.error));
        for (uint32_t i = 0; i < rows; i += 50)
            unit_assert_ok(append(&self, loader, &chunk, rowids + i, 50, false));
        table_loader_destroy(loader);
        table_rollback(transaction);
        vector_chunk_destroy(&chunk);
        fixture_check(&self);
        fixture_close(&self);
        (void)remove_place(NULL);
    }
}

/* Dropping a loaded table in memory gives its bytes back. */
static void test_memory_returns(void **state)
{
    (void)state;
    static int64_t rowids[ROWS];
    fixture self;
    open_table(&self, NULL);
    fill(rowids, ROWS, 1, false);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(load(&self, transaction, rowids, ROWS, 500, false));
    fixture_commit(&self, transaction);
    size_t full = atomic_load(&table_database_budget(self.database)->used);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(table_truncate(transaction, self.id, &self.error));
    fixture_commit(&self, transaction);
    table_release(self.relation);
    fixture_find_table(&self, self.id, 0);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    int64_t sum;
    assert_int_equal(fixture_scan(&self, transaction, false, &sum), 0);
    fixture_commit(&self, transaction);
    assert_true(atomic_load(&table_database_budget(self.database)->used) + ROWS * 4 < full);
    fixture_close(&self);
}

/* CHECKPOINT in memory: rows go to volumes, stay what they are, and may be changed. */
static void test_checkpoint_in_memory(void **state)
{
    (void)state;
    fixture self;
    open_table(&self, NULL);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    for (int64_t id = 1; id <= ROWS; id++)
        unit_assert_ok(fixture_insert(&self, transaction, id, id * 10));
    fixture_commit(&self, transaction);
    size_t hot = atomic_load(&table_database_budget(self.database)->used);
    txn_transaction *old = fixture_begin(&self, TXN_SNAPSHOT);
    unit_assert_ok(table_checkpoint(self.database, &self.error));
    assert_int_equal(cold_rows(&self), ROWS);
    expect_rows(&self, old, 1, ROWS);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    expect_rows(&self, transaction, 1, ROWS);
    for (int64_t id = 11; id <= ROWS; id++) {
        if (id % 2)
            unit_assert_ok(fixture_delete(&self, transaction, id));
        else
            unit_assert_ok(fixture_update(&self, transaction, id, 2));
    }
    int64_t sum;
    assert_int_equal(fixture_scan(&self, transaction, false, &sum), 10 + (ROWS - 10) / 2);
    assert_int_equal(sum, 550 + (ROWS - 10));
    expect_rows(&self, old, 1, ROWS);
    table_rollback(transaction);
    fixture_commit(&self, old);
    unit_assert_ok(table_checkpoint(self.database, &self.error)); /* frees the hot copies */
    assert_true(atomic_load(&table_database_budget(self.database)->used) < hot);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    expect_rows(&self, transaction, 1, ROWS);
    fixture_commit(&self, transaction);
    fixture_check(&self);
    fixture_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_volumes_in_file, make_place, remove_place),
        cmocka_unit_test(test_volumes_in_memory),
        cmocka_unit_test_setup_teardown(test_shuffled, make_place, remove_place),
        cmocka_unit_test(test_taken_rowids),
        cmocka_unit_test(test_deleted_rowids),
        cmocka_unit_test_setup_teardown(test_indexed, make_place, remove_place),
        cmocka_unit_test(test_beside_a_writer),
        cmocka_unit_test(test_since_the_snapshot),
        cmocka_unit_test_setup_teardown(test_given_up, make_place, remove_place),
        cmocka_unit_test(test_memory_returns),
        cmocka_unit_test(test_checkpoint_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
