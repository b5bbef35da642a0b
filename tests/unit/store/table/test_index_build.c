/*
 * test_index_build.c - indexes of bulk loads and over volumes, made by one thread and by several:
 * keys in the order of the rows and in others, duplicates, entries that were there before, memory
 * that fails.
 */
#include "table_fixture.h"
#include "store/table/table_int.h"

enum {
    ROWS = 3 * COL_GROUP_ROWS + 5000, /* of a load: some units for each thread */
    MANY = 4                          /* threads */
};

/* What the number of the n-th row is, n from 0. */
typedef int64_t (*number_rule)(int64_t n);

static int64_t rising(int64_t n)
{
    return n * 10;
}
static int64_t falling(int64_t n)
{
    return -n;
}
/* Each once: an odd factor permutes the numbers below a power of two. */
static int64_t scattered(int64_t n)
{
    return (int64_t)((uint64_t)n * 0x9E3779B1u % (1 << 20));
}
/* In order within a row group; each lies below the one before. */
static int64_t falling_groups(int64_t n)
{
    return n - n / COL_GROUP_ROWS * 1000000;
}
/* In order, but for the last row. */
static int64_t almost_rising(int64_t n)
{
    return n == ROWS - 1 ? 5 : n * 10;
}
/* Some numbers are there twice: side by side, at the ends of a thread's part, far apart. */
static int64_t twice_in_order(int64_t n)
{
    return n - (n >= 200000) - (n >= ROWS / 2) - (n >= 390000);
}
static int64_t twice_scattered(int64_t n)
{
    return n == 300000 ? scattered(7) : n == 20 ? scattered(399999) : scattered(n);
}

static base_status load(fixture *self, txn_transaction *transaction, number_rule number,
                        int64_t first_rowid, table_conflict *conflict)
{
    types_type types[] = {TYPES_OF(INTEGER), TYPES_OF(INTEGER), TYPES_OF(TEXT), TYPES_OF(SMALLINT)};
    int64_t rowids[VECTOR_SIZE];
    vector_chunk chunk;
    table_loader *loader;
    base_error_clear(&self->error);
    RETURN_IF_ERROR(
        vector_chunk_init(&chunk, table_database_budget(self->database), types, 4, &self->error));
    base_status status = table_loader_create(transaction, self->relation, &loader, &self->error);
    if (status != BASE_OK) {
        vector_chunk_destroy(&chunk);
        return status;
    }
    for (int64_t done = 0; done < ROWS && status == BASE_OK; done += chunk.count) {
        vector_chunk_reset(&chunk);
        chunk.count = (uint32_t)BASE_MIN((int64_t)VECTOR_SIZE, ROWS - done);
        for (uint32_t i = 0; i < chunk.count; i++) {
            rowids[i] = first_rowid + done + i;
            ((int64_t *)chunk.columns[COLUMN_NUMBER].data)[i] = number(done + i);
            ((types_string *)chunk.columns[COLUMN_TEXT].data)[i] = types_string_of("text", 4);
            ((int16_t *)chunk.columns[COLUMN_SMALL].data)[i] = (int16_t)(i % 100);
        }
        status = table_loader_append(loader, &chunk, rowids, false, conflict, &self->error);
    }
    if (status == BASE_OK)
        status = table_loader_finish(loader, conflict, &self->error);
    table_loader_destroy(loader);
    vector_chunk_destroy(&chunk);
    return status;
}

static base_status create_index(fixture *self, txn_transaction *transaction, bool unique)
{
    table_index_part part = {.column = COLUMN_NUMBER};
    table_index_descriptor index = {
        .relation_id = self->id, .unique = unique, .part_count = 1, .parts = &part};
    base_error_clear(&self->error);
    return table_index_create(transaction, &index, &self->index_id, &self->error);
}

/* All entries are in one run of the index, and those of the table's rows. */
static void expect_one_run(fixture *self, uint64_t rows)
{
    txn_transaction *transaction = fixture_begin(self, TXN_READ_COMMITTED);
    table_relation *relation;
    index_run_info info;
    unit_assert_ok(table_acquire(transaction, self->id, &relation, &self->error));
    index_set *entries = table_index_by_id(relation, self->index_id)->entries;
    assert_int_equal(index_set_kind(entries)->count(index_set_tree(entries)), 0);
    index_set_list *list = index_set_hold(entries);
    assert_int_equal(index_set_run_count(list), 1);
    unit_assert_ok(index_run_describe(index_set_run_at(list, 0), &info, &self->error));
    assert_int_equal(info.entry_count, rows);
    index_set_let_go(list);
    table_release(relation);
    fixture_commit(self, transaction);
    fixture_check(self);
}

static const number_rule distinct_rules[] = {rising, falling, scattered, falling_groups,
                                             almost_rising};

static void loads_build_their_indexes(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT_OF(distinct_rules); i++) {
        for (uint32_t threads = 1; threads <= MANY; threads += MANY - 1) {
            fixture self;
            table_conflict conflict;
            unit_assert_ok(fixture_try_open_with(&self, NULL, threads - 1));
            fixture_create_table(&self, true);
            txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
            unit_assert_ok(load(&self, transaction, distinct_rules[i], 1, &conflict));
            fixture_commit(&self, transaction);
            expect_one_run(&self, ROWS);
            fixture_close(&self);
        }
    }
}

static void indexes_over_volumes_are_built(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT_OF(distinct_rules); i++) {
        fixture self;
        table_conflict conflict;
        unit_assert_ok(fixture_try_open_with(&self, NULL, MANY - 1));
        fixture_create_table(&self, false);
        txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        unit_assert_ok(load(&self, transaction, distinct_rules[i], 1, &conflict));
        fixture_commit(&self, transaction);
        transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        unit_assert_ok(create_index(&self, transaction, i % 2));
        fixture_commit(&self, transaction);
        expect_one_run(&self, ROWS);
        fixture_close(&self);
    }
}

/* Which duplicate is reported is told by the keys, not by who came upon it first. */
static void duplicates_are_refused_alike(void **state)
{
    (void)state;
    const struct {
        number_rule rule;
        int64_t smallest; /* number that is there twice */
    } cases[] = {{twice_in_order, twice_in_order(BASE_MIN(200000, ROWS / 2))},
                 {twice_scattered, BASE_MIN(scattered(7), scattered(399999))}};
    for (size_t i = 0; i < BASE_COUNT_OF(cases); i++) {
        int64_t seen = 0;
        for (uint32_t threads = 1; threads <= MANY; threads++) {
            fixture self;
            table_conflict conflict = {0};
            unit_assert_ok(fixture_try_open_with(&self, NULL, threads - 1));
            fixture_create_table(&self, true);
            txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
            assert_int_equal(load(&self, transaction, cases[i].rule, 0, &conflict),
                             BASE_UNIQUE_VIOLATION);
            assert_int_equal(conflict.index_id, self.index_id);
            assert_int_equal(cases[i].rule(conflict.rowid), cases[i].smallest);
            assert_true(threads == 1 || conflict.rowid == seen);
            seen = conflict.rowid;
            table_rollback(transaction);
            fixture_check(&self);
            fixture_close(&self);
        }
    }
}

/* Keys of rows that were there before, in a run and in the tree. */
static void older_rows_have_their_keys(void **state)
{
    (void)state;
    fixture self;
    table_conflict conflict = {0};
    unit_assert_ok(fixture_try_open_with(&self, NULL, MANY - 1));
    fixture_create_table(&self, true);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(load(&self, transaction, falling, 1, &conflict));
    fixture_commit(&self, transaction);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(fixture_insert(&self, transaction, 3 * ROWS, 777 * 10));
    fixture_commit(&self, transaction);
    static const number_rule rules[] = {rising, scattered};
    for (size_t i = 0; i < BASE_COUNT_OF(rules); i++) {
        transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        assert_int_equal(load(&self, transaction, rules[i], ROWS + 1, &conflict),
                         BASE_UNIQUE_VIOLATION);
        /* Number 0, the smallest, is the first row's. */
        assert_int_equal(conflict.rowid, 1);
        table_rollback(transaction);
    }
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(fixture_delete(&self, transaction, 1));
    assert_int_equal(load(&self, transaction, rising, ROWS + 1, &conflict), BASE_UNIQUE_VIOLATION);
    assert_int_equal(conflict.rowid, 3 * ROWS);
    table_rollback(transaction);
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(fixture_delete(&self, transaction, 1));
    unit_assert_ok(fixture_delete(&self, transaction, 3 * ROWS));
    unit_assert_ok(load(&self, transaction, rising, 4 * ROWS, &conflict));
    fixture_commit(&self, transaction);
    fixture_check(&self);
    fixture_close(&self);
}

/* Whichever thread it is that gets no memory. */
static void allocations_of_all_threads_may_fail(void **state)
{
    (void)state;
    fixture self;
    table_conflict conflict;
    uint32_t failed = 0;
    unit_assert_ok(fixture_try_open_with(&self, NULL, MANY - 1));
    fixture_create_table(&self, false);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(load(&self, transaction, scattered, 1, &conflict));
    fixture_commit(&self, transaction);
    for (uint64_t fail_at = 1; fail_at < 600; fail_at += 1 + fail_at / 4) {
        transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        atomic_store(&self.allocator.calls, 0);
        self.allocator.fail_at = fail_at;
        base_status status = create_index(&self, transaction, true);
        self.allocator.fail_at = 0;
        assert_true(status == BASE_OK || status == BASE_OUT_OF_MEMORY);
        failed += status != BASE_OK;
        table_rollback(transaction);
    }
    assert_true(failed > 5);
    fixture_check(&self);
    fixture_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_build_their_indexes),
        cmocka_unit_test(indexes_over_volumes_are_built),
        cmocka_unit_test(duplicates_are_refused_alike),
        cmocka_unit_test(older_rows_have_their_keys),
        cmocka_unit_test(allocations_of_all_threads_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
