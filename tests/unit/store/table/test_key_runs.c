/*
 * test_key_runs.c - indexes whose entries lie in key runs: what a reopened database reads,
 * uniqueness over tree and runs, keys that change back and forth, old readers, merges, bulk
 * builds, crashes.
 */
#include "table_fixture.h"
#include "table_place.h"
#include "store/table/table_int.h"
#include "vector/vector.h"

enum {
    ROWS = 20000,
    MANY = 1500000, /* rows of the large database, unless TUFF_OPEN_ROWS says more */
    PART = 375 * 1024 / VECTOR_SIZE * VECTOR_SIZE
};

static void insert_rows(fixture *self, int64_t first, int64_t last)
{
    txn_transaction *transaction = fixture_begin(self, TXN_READ_COMMITTED);
    for (int64_t i = first; i <= last; i++)
        unit_assert_ok(fixture_insert(self, transaction, i, i * 10));
    fixture_commit(self, transaction);
}

static void checkpoint(fixture *self)
{
    unit_assert_ok(table_checkpoint(self->database, &self->error));
}

static table_index *index_of(fixture *self)
{
    table_relation *relation;
    txn_transaction *transaction = fixture_begin(self, TXN_READ_COMMITTED);
    unit_assert_ok(table_acquire(transaction, self->id, &relation, &self->error));
    table_index *index = table_index_by_id(relation, self->index_id);
    assert_non_null(index);
    table_release(relation);
    fixture_commit(self, transaction);
    return index;
}

static uint64_t in_tree(fixture *self)
{
    const index_set *entries = index_of(self)->entries;
    return index_set_kind(entries)->count(index_set_tree(entries));
}

static uint32_t run_count(fixture *self)
{
    index_set_list *list = index_set_hold(index_of(self)->entries);
    uint32_t count = index_set_run_count(list);
    index_set_let_go(list);
    return count;
}

static uint64_t in_runs(fixture *self)
{
    index_set_list *list = index_set_hold(index_of(self)->entries);
    uint64_t entries = 0;
    for (uint32_t i = 0; i < index_set_run_count(list); i++) {
        index_run_info info;
        unit_assert_ok(index_run_describe(index_set_run_at(list, i), &info, &self->error));
        entries += info.entry_count;
    }
    index_set_let_go(list);
    return entries;
}

/* The row with this number by the index, INT64_MIN: none. */
static int64_t look_up(fixture *self, txn_transaction *transaction, int64_t number)
{
    table_index *index = index_of(self);
    base_buffer key;
    base_buffer_init(&key, table_database_budget(self->database));
    types_cell cell = {.int64 = number};
    vector_key_append(&index->key_parts[0], &cell, false, &key);
    base_text text = {key.data, key.length};
    table_key_range range = {text, text, true, true};
    uint32_t column = TABLE_ROWID;
    table_index_cursor *cursor;
    bool is_null;
    base_arena heap;
    base_arena_init(&heap, table_database_budget(self->database));
    unit_assert_ok(table_index_cursor_create(transaction, self->relation, index, &range, false,
                                             &column, 1, &cursor, &self->error));
    base_status status = table_index_cursor_next_row(cursor, &cell, &is_null, &heap, &self->error);
    int64_t rowid = status == BASE_ROW ? cell.int64 : INT64_MIN;
    assert_true(status == BASE_ROW || status == BASE_DONE);
    if (status == BASE_ROW)
        assert_int_equal(table_index_cursor_next_row(cursor, &cell, &is_null, &heap, &self->error),
                         BASE_DONE);
    table_index_cursor_destroy(cursor);
    base_arena_destroy(&heap);
    base_buffer_destroy(&key);
    return rowid;
}

/* All rows by the index, in order of their numbers. */
static uint64_t walk(fixture *self, txn_transaction *transaction, bool descending)
{
    uint32_t column = COLUMN_NUMBER;
    types_type type = TYPES_OF(INTEGER);
    table_key_range all = {0};
    table_index_cursor *cursor;
    vector_chunk chunk;
    uint64_t count = 0;
    int64_t last = 0;
    unit_assert_ok(
        vector_chunk_init(&chunk, table_database_budget(self->database), &type, 1, &self->error));
    unit_assert_ok(table_index_cursor_create(transaction, self->relation, index_of(self), &all,
                                             descending, &column, 1, &cursor, &self->error));
    while (table_index_cursor_next(cursor, 500, &chunk, &self->error) == BASE_ROW) {
        for (uint32_t i = 0; i < chunk.count; i++) {
            int64_t number = vector_get(&chunk.columns[0], i).cell.int64;
            assert_true(!count || (descending ? number < last : number > last));
            last = number;
            count++;
        }
    }
    table_index_cursor_destroy(cursor);
    vector_chunk_destroy(&chunk);
    return count;
}

static void expect_rows(fixture *self, uint64_t rows)
{
    txn_transaction *transaction = fixture_begin(self, TXN_READ_COMMITTED);
    assert_int_equal(walk(self, transaction, false), rows);
    assert_int_equal(walk(self, transaction, true), rows);
    fixture_commit(self, transaction);
    fixture_check(self);
}

static void open_sealed(fixture *self)
{
    unit_assert_ok(fixture_try_open(self, here.path));
    table_database_options(self->database)->manual_compaction = true;
    fixture_create_table(self, true);
    insert_rows(self, 1, ROWS);
    assert_int_equal(in_tree(self), ROWS);
    checkpoint(self);
}

static void reopen(fixture *self, const char *name)
{
    uint64_t id = self->id, index_id = self->index_id;
    if (name == here.path)
        fixture_close(self);
    unit_assert_ok(fixture_try_open(self, name));
    table_database_options(self->database)->manual_compaction = true;
    fixture_find_table(self, id, index_id);
}

static void sealed_entries_leave_the_tree_and_come_back_as_they_are(void **state)
{
    (void)state;
    fixture self;
    open_sealed(&self);
    assert_int_equal(in_tree(&self), 0);
    assert_int_equal(run_count(&self), 1);
    assert_int_equal(in_runs(&self), ROWS);
    expect_rows(&self, ROWS);
    reopen(&self, here.path);
    assert_int_equal(in_tree(&self), 0);
    assert_int_equal(run_count(&self), 1);
    expect_rows(&self, ROWS);
    assert_int_equal(in_tree(&self), 0); /* nothing was filled */
    insert_rows(&self, ROWS + 1, ROWS + 100);
    assert_int_equal(in_tree(&self), 100);
    reopen(&self, here.path);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    assert_int_equal(look_up(&self, transaction, 10 * (ROWS + 7)), ROWS + 7);
    assert_int_equal(look_up(&self, transaction, 10 * 7), 7);
    assert_int_equal(look_up(&self, transaction, 71), INT64_MIN);
    fixture_commit(&self, transaction);
    assert_int_equal(in_tree(&self), 100); /* those of hot rows alone */
    expect_rows(&self, ROWS + 100);
    fixture_close(&self);
}

/* ---- Uniqueness ------------------------------------------------------------------------------ */

static void unique_keys_are_found_in_tree_and_runs(void **state)
{
    (void)state;
    fixture self;
    open_sealed(&self);
    insert_rows(&self, ROWS + 1, ROWS + 5); /* hot */
    for (int round = 0; round < 2; round++) {
        txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        assert_int_equal(fixture_insert(&self, transaction, 0, 770), BASE_UNIQUE_VIOLATION);
        assert_int_equal(fixture_insert(&self, transaction, 0, 10 * (ROWS + 3)),
                         BASE_UNIQUE_VIOLATION);
        assert_int_equal(fixture_update(&self, transaction, 5, 770), BASE_UNIQUE_VIOLATION);
        /* The key of a row that is moved away is free, in the same transaction already. */
        unit_assert_ok(fixture_update(&self, transaction, 77, 3));
        unit_assert_ok(fixture_insert(&self, transaction, 900000, 770));
        assert_int_equal(look_up(&self, transaction, 770), 900000);
        assert_int_equal(look_up(&self, transaction, 3), 77);
        table_rollback(transaction);
        transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        assert_int_equal(look_up(&self, transaction, 770), 77);
        fixture_commit(&self, transaction);
        reopen(&self, here.path);
    }
    expect_rows(&self, ROWS + 5);
    fixture_close(&self);
}

/* Keys change there and back, over seals: stale entries neither show nor hide anything. */
static void keys_change_back_and_forth(void **state)
{
    (void)state;
    fixture self;
    open_sealed(&self);
    table_database_options(self.database)->seal_rows = 50;
    for (int round = 0; round < 12; round++) {
        txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        for (int64_t i = 1; i <= 300; i++)
            unit_assert_ok(fixture_update(&self, transaction, i,
                                          round % 3 == 2 ? i * 10 : i * 10 + round % 9 + 1));
        if (round % 4 == 1) {
            unit_assert_ok(fixture_delete(&self, transaction, 1000 + round));
            unit_assert_ok(fixture_insert(&self, transaction, 1000 + round, (1000 + round) * 10));
        }
        fixture_commit(&self, transaction);
        if (round % 5 == 4)
            reopen(&self, here.path);
        else
            checkpoint(&self);
        table_database_options(self.database)->seal_rows = 50;
        transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        int64_t expected = round % 3 == 2 ? 70 : 70 + round % 9 + 1;
        assert_int_equal(look_up(&self, transaction, expected), 7);
        if (expected != 70)
            assert_int_equal(look_up(&self, transaction, 70), INT64_MIN);
        assert_int_equal(look_up(&self, transaction, 5000), 500);
        fixture_commit(&self, transaction);
        expect_rows(&self, ROWS);
    }
    assert_in_range(run_count(&self), 1, 8);
    fixture_close(&self);
}

/* ---- Old readers ----------------------------------------------------------------------------- */

/* A snapshot from before everything, with a cursor in the middle, goes on seeing its rows by
 * the index while entries move, runs are merged and rows change. */
static void old_readers_go_on(void **state)
{
    (void)state;
    fixture self;
    unit_assert_ok(fixture_try_open(&self, here.path));
    table_database_options(self.database)->manual_compaction = true;
    table_database_options(self.database)->seal_rows = 100;
    fixture_create_table(&self, true);
    insert_rows(&self, 1, 3000);
    txn_transaction *old = fixture_begin(&self, TXN_SNAPSHOT);
    uint32_t column = COLUMN_NUMBER;
    types_type type = TYPES_OF(INTEGER);
    table_key_range all = {0};
    table_index_cursor *cursor;
    vector_chunk chunk;
    int64_t expected = 10;
    unit_assert_ok(
        vector_chunk_init(&chunk, table_database_budget(self.database), &type, 1, &self.error));
    unit_assert_ok(table_index_cursor_create(old, self.relation, index_of(&self), &all, false,
                                             &column, 1, &cursor, &self.error));
    for (int step = 0; table_index_cursor_next(cursor, 50, &chunk, &self.error) == BASE_ROW;
         step++) {
        for (uint32_t i = 0; i < chunk.count; i++) {
            assert_int_equal(vector_get(&chunk.columns[0], i).cell.int64, expected);
            expected += 10;
        }
        txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        for (int64_t i = 1; i <= 120; i++)
            unit_assert_ok(fixture_update(&self, transaction, 25 * i, 25 * i * 10 + step % 3));
        fixture_commit(&self, transaction);
        insert_rows(&self, 3001 + step * 120, 3000 + (step + 1) * 120);
        checkpoint(&self);
    }
    assert_int_equal(expected, 30010);
    assert_int_equal(look_up(&self, old, 250), 25);
    assert_int_equal(walk(&self, old, true), 3000);
    table_index_cursor_destroy(cursor);
    vector_chunk_destroy(&chunk);
    fixture_commit(&self, old);
    checkpoint(&self);
    fixture_check(&self);
    assert_in_range(run_count(&self), 1, 8);
    fixture_close(&self);
}

/* ---- Merging --------------------------------------------------------------------------------- */

static void runs_are_merged_and_stale_entries_dropped(void **state)
{
    (void)state;
    fixture self;
    unit_assert_ok(fixture_try_open(&self, here.path));
    table_database_options(self.database)->manual_compaction = true;
    table_database_options(self.database)->seal_rows = 200;
    fixture_create_table(&self, true);
    for (int64_t i = 0; i < 40; i++) {
        insert_rows(&self, i * 500 + 1, (i + 1) * 500);
        checkpoint(&self);
        assert_true(run_count(&self) <= 9);
    }
    expect_rows(&self, ROWS);
    uint64_t before = in_runs(&self) + in_tree(&self);
    assert_true(before >= ROWS && before < ROWS + 2000);
    /* Every row gets another key: the old entries have to go. */
    for (int64_t part = 0; part < 10; part++) {
        txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        for (int64_t i = part * 2000 + 1; i <= (part + 1) * 2000; i++)
            unit_assert_ok(fixture_update(&self, transaction, i, i * 10 + 5));
        fixture_commit(&self, transaction);
        checkpoint(&self);
    }
    checkpoint(&self);
    uint64_t after = in_runs(&self) + in_tree(&self);
    print_message("%llu entries for %d rows, %u runs\n", (unsigned long long)after, ROWS,
                  run_count(&self));
    assert_true(after < ROWS + ROWS / 2);
    expect_rows(&self, ROWS);
    /* Deleted rows leave nothing in the end. */
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    for (int64_t i = 1; i <= ROWS; i++)
        unit_assert_ok(fixture_delete(&self, transaction, i));
    fixture_commit(&self, transaction);
    insert_rows(&self, ROWS + 1, ROWS + 300);
    checkpoint(&self);
    insert_rows(&self, ROWS + 301, ROWS + 600);
    checkpoint(&self);
    assert_true(in_runs(&self) + in_tree(&self) < 2000);
    expect_rows(&self, 600);
    fixture_close(&self);
}

/* ---- Definitions ----------------------------------------------------------------------------- */

static base_status create_index(fixture *self, txn_transaction *transaction, bool unique)
{
    table_index_part part = {.column = COLUMN_NUMBER};
    table_index_descriptor index = {
        .relation_id = self->id, .unique = unique, .part_count = 1, .parts = &part};
    base_error_clear(&self->error);
    return table_index_create(transaction, &index, &self->index_id, &self->error);
}

static void forget_table(fixture *self)
{
    table_release(self->relation);
    fixture_find_table(self, self->id, self->index_id);
}

static void an_index_over_volumes_is_built_as_a_run(void **state)
{
    (void)state;
    fixture self;
    unit_assert_ok(fixture_try_open(&self, here.path));
    fixture_create_table(&self, false);
    insert_rows(&self, 1, ROWS);
    checkpoint(&self);
    insert_rows(&self, ROWS + 1, ROWS + 50);
    /* Rolled back: its space is free again in the end. */
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(create_index(&self, transaction, true));
    table_rollback(transaction);
    /* Refused: two rows, one of them hot, have the same key. */
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(fixture_insert(&self, transaction, ROWS + 60, 770));
    assert_int_equal(create_index(&self, transaction, true), BASE_UNIQUE_VIOLATION);
    table_rollback(transaction);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(create_index(&self, transaction, true));
    fixture_commit(&self, transaction);
    forget_table(&self);
    assert_int_equal(in_tree(&self), 0);
    assert_int_equal(in_runs(&self), ROWS + 50);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    assert_int_equal(fixture_insert(&self, transaction, 0, 770), BASE_UNIQUE_VIOLATION);
    unit_assert_ok(fixture_insert(&self, transaction, ROWS + 70, 7));
    fixture_commit(&self, transaction);
    expect_rows(&self, ROWS + 51);
    /* After a crash the log names the run. */
    crash_copy();
    fixture copy = self;
    reopen(&copy, here.copy);
    assert_int_equal(in_runs(&copy), ROWS + 50);
    expect_rows(&copy, ROWS + 51);
    fixture_close(&copy);
    /* Rebuilt, dropped, truncated; each time reopened. */
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(table_index_rebuild(transaction, self.index_id, &self.error));
    fixture_commit(&self, transaction);
    forget_table(&self);
    expect_rows(&self, ROWS + 51);
    reopen(&self, here.path);
    expect_rows(&self, ROWS + 51);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(table_index_drop(transaction, self.index_id, &self.error));
    unit_assert_ok(create_index(&self, transaction, false));
    fixture_commit(&self, transaction);
    forget_table(&self);
    expect_rows(&self, ROWS + 51);
    reopen(&self, here.path);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(table_truncate(transaction, self.id, &self.error));
    fixture_commit(&self, transaction);
    forget_table(&self);
    expect_rows(&self, 0);
    checkpoint(&self);
    checkpoint(&self);
    fixture_check(&self);
    fixture_close(&self);
}

/* An index that is made while rows are being sealed: the entries of those rows are in its tree
 * when the rows are in a volume already. */
static void an_index_made_beside_a_seal_is_complete_in_the_end(void **state)
{
    (void)state;
    fixture self;
    unit_assert_ok(fixture_try_open(&self, here.path));
    fixture_create_table(&self, false);
    insert_rows(&self, 1, ROWS);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(create_index(&self, transaction, true));
    checkpoint(&self); /* does not see the index */
    fixture_commit(&self, transaction);
    forget_table(&self);
    assert_int_equal(in_tree(&self), ROWS);
    crash_copy();
    checkpoint(&self);
    assert_int_equal(in_tree(&self), 0);
    assert_int_equal(in_runs(&self), ROWS);
    expect_rows(&self, ROWS);
    reopen(&self, here.path);
    assert_int_equal(in_runs(&self), ROWS);
    expect_rows(&self, ROWS);
    fixture copy = self;
    fixture_close(&self);
    reopen(&copy, here.copy);
    expect_rows(&copy, ROWS);
    fixture_close(&copy);
}

/* ---- Failures -------------------------------------------------------------------------------- */

/* Every allocation of building an index over volumes may fail, and of a checkpoint that seals
 * rows, adds a run and merges runs: nothing is left behind, nothing is lost. */
static void every_allocation_may_fail(void **state)
{
    (void)state;
    fixture self;
    uint64_t refused = 0;
    unit_assert_ok(fixture_try_open(&self, here.path));
    table_database_options(self.database)->manual_compaction = true;
    table_database_options(self.database)->seal_rows = 50;
    fixture_create_table(&self, false);
    insert_rows(&self, 1, 400);
    checkpoint(&self);
    for (uint64_t fail_at = 1;; fail_at++) {
        txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        atomic_store(&self.allocator.calls, 0);
        self.allocator.fail_at = fail_at;
        base_status status = create_index(&self, transaction, true);
        bool failed = atomic_load(&self.allocator.calls) >= fail_at;
        self.allocator.fail_at = 0;
        assert_true(status == BASE_OK || (failed && status == BASE_OUT_OF_MEMORY));
        refused += status != BASE_OK;
        if (!failed) {
            fixture_commit(&self, transaction);
            break;
        }
        table_rollback(transaction);
    }
    forget_table(&self);
    int64_t rows = 400;
    for (uint64_t fail_at = 1;; fail_at += 1 + fail_at / 16) {
        insert_rows(&self, rows + 1, rows + 60);
        rows += 60;
        atomic_store(&self.allocator.calls, 0);
        self.allocator.fail_at = fail_at;
        base_status status = table_checkpoint(self.database, &self.error);
        bool failed = atomic_load(&self.allocator.calls) >= fail_at;
        self.allocator.fail_at = 0;
        base_error_clear(&self.error);
        assert_true(status == BASE_OK || (failed && status == BASE_OUT_OF_MEMORY));
        refused += status != BASE_OK;
        if (fail_at % 8 == 0)
            expect_rows(&self, (uint64_t)rows);
        if (!failed)
            break;
    }
    assert_true(refused > 50);
    checkpoint(&self);
    expect_rows(&self, (uint64_t)rows);
    assert_true(run_count(&self) <= 9);
    reopen(&self, here.path);
    expect_rows(&self, (uint64_t)rows);
    fixture_close(&self);
}

/* ---- Opening --------------------------------------------------------------------------------- */

static uint64_t bytes_read(fixture *self)
{
    return atomic_load(&cache_os_file(self->database->file)->counters.bytes_read);
}

static void load_many(fixture *self, int64_t first, int64_t count)
{
    types_type types[COLUMN_COUNT] = {TYPES_OF(INTEGER), TYPES_OF(INTEGER), TYPES_OF(TEXT),
                                      TYPES_OF(SMALLINT)};
    vector_chunk chunk;
    int64_t rowids[VECTOR_SIZE];
    txn_transaction *transaction = fixture_begin(self, TXN_READ_COMMITTED);
    unit_assert_ok(vector_chunk_init(&chunk, table_database_budget(self->database), types,
                                     COLUMN_COUNT, &self->error));
    for (int64_t done = 0; done < count; done += VECTOR_SIZE) {
        vector_chunk_reset(&chunk);
        chunk.count = VECTOR_SIZE;
        for (uint32_t i = 0; i < VECTOR_SIZE; i++) {
            uint64_t mixed = base_hash_u64((uint64_t)(first + done + i));
            char *text = base_arena_allocate(chunk.heap, 64);
            assert_non_null(text);
            for (uint32_t k = 0; k < 8; k++)
                base_store_u64(text + 8 * k, (base_hash_u64(mixed + k) & 0x3F3F3F3F3F3F3F3F) +
                                                 0x2020202020202020);
            rowids[i] = first + done + i;
            ((int64_t *)chunk.columns[COLUMN_NUMBER].data)[i] = (int64_t)mixed;
            ((types_string *)chunk.columns[COLUMN_TEXT].data)[i] = types_string_of(text, 64);
            ((int16_t *)chunk.columns[COLUMN_SMALL].data)[i] = (int16_t)i;
        }
        unit_assert_ok(
            table_insert(transaction, self->relation, &chunk, rowids, false, NULL, &self->error));
    }
    fixture_commit(self, transaction);
    vector_chunk_destroy(&chunk);
}

/* A database of 120 MB (a campaign's: a gigabyte): opening it reads at most a megabyte, and a
 * lookup by the index after that some blocks; memory follows the buffer cache, not the table. */
static void opening_reads_a_megabyte_at_most(void **state)
{
    (void)state;
    const char *wanted = getenv("TUFF_OPEN_ROWS");
    int64_t many = wanted ? strtoll(wanted, NULL, 10) : MANY;
    fixture self;
    unit_assert_ok(fixture_try_open(&self, here.path));
    fixture_create_table(&self, true);
    for (int64_t first = 1; first < many; first += PART) {
        load_many(&self, first, PART);
        checkpoint(&self);
    }
    uint64_t rows = table_row_count(self.relation), id = self.id, index_id = self.index_id;
    assert_true(in_tree(&self) < 10000);
    fixture_close(&self);
    unit_assert_ok(fixture_try_open(&self, here.path));
    uint64_t size, opening = bytes_read(&self);
    os_file *file = cache_os_file(self.database->file);
    unit_assert_ok(file->operations->size(file, &size, &self.error));
    print_message("%llu MB of %llu rows: opening reads %llu bytes\n",
                  (unsigned long long)(size >> 20), (unsigned long long)rows,
                  (unsigned long long)opening);
    assert_true(size > 100u << 20);
    assert_true(opening <= 1u << 20);
    fixture_find_table(&self, id, index_id);
    uint64_t touched = bytes_read(&self);
    assert_true(touched - opening <= 1u << 20);
    size_t before = atomic_load(&table_database_budget(self.database)->used);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    assert_int_equal(look_up(&self, transaction, (int64_t)base_hash_u64(PART / 3)), PART / 3);
    /* A head and a filter of each run, a node and a leaf; then a piece of each column. */
    uint64_t looked = bytes_read(&self);
    print_message("first touch %llu, first lookup %llu bytes\n",
                  (unsigned long long)(touched - opening), (unsigned long long)(looked - touched));
    assert_true(looked - touched <= 12u << 20);
    assert_int_equal(look_up(&self, transaction, 12345), INT64_MIN);
    for (int64_t i = 1; i < PART; i += 9973)
        assert_int_equal(look_up(&self, transaction, (int64_t)base_hash_u64((uint64_t)i)), i);
    fixture_commit(&self, transaction);
    assert_true(atomic_load(&table_database_budget(self.database)->used) - before < size / 2);
    fixture_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sealed_entries_leave_the_tree_and_come_back_as_they_are,
                                        make_place, remove_place),
        cmocka_unit_test_setup_teardown(unique_keys_are_found_in_tree_and_runs, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(keys_change_back_and_forth, make_place, remove_place),
        cmocka_unit_test_setup_teardown(old_readers_go_on, make_place, remove_place),
        cmocka_unit_test_setup_teardown(runs_are_merged_and_stale_entries_dropped, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(an_index_over_volumes_is_built_as_a_run, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(an_index_made_beside_a_seal_is_complete_in_the_end,
                                        make_place, remove_place),
        cmocka_unit_test_setup_teardown(every_allocation_may_fail, make_place, remove_place),
        cmocka_unit_test_setup_teardown(opening_reads_a_megabyte_at_most, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
