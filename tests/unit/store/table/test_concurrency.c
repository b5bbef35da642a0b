/*
 * Many threads on one database: money is neither made nor lost, unique keys are won once,
 * circles of waiting are broken, and long readers see one moment. Run under the thread
 * sanitizer by the tsan preset.
 */
#include <stdlib.h>
#include <unistd.h>

#include "table_fixture.h"

enum {
    ACCOUNTS = 200,
    BALANCE = 1000,
    THREADS = 8,
    STEPS = 300,
};

typedef struct worker {
    fixture *shared;
    table_relation *relation;
    uint32_t number;
    uint64_t seed;
    uint64_t committed, refused;
    _Atomic(int) *failed; /* line * 1000 + status of a step that should not have failed */
    _Atomic(uint32_t) *winners;
} worker;

static void note_failure(worker *self, int line, base_status status)
{
    atomic_store(self->failed, line * 1000 + (int)status);
}

static uint32_t choose(worker *self, uint32_t below)
{
    self->seed = base_hash_u64(self->seed + 1);
    return (uint32_t)(self->seed % below);
}

/* One number column of a row; INT64_MIN when it is not visible. */
static int64_t get(worker *self, txn_transaction *transaction, int64_t rowid)
{
    uint32_t column = COLUMN_NUMBER;
    types_cell cell;
    bool is_null;
    base_status status =
        table_read_row(transaction, self->relation, rowid, &column, 1, &cell, &is_null, NULL, NULL);
    return status == BASE_OK ? cell.int64 : INT64_MIN;
}

static base_status set(worker *self, txn_transaction *transaction, int64_t rowid, int64_t number)
{
    uint32_t columns[] = {COLUMN_NUMBER, COLUMN_TEXT};
    types_cell cells[2];
    bool nulls[2] = {false, false};
    char text[40];
    int length = snprintf(text, sizeof text, "balance of the account: %lld", (long long)number);
    cells[0].int64 = number;
    cells[1].string = types_string_of(text, (size_t)length);
    return table_update_row(transaction, self->relation, rowid, columns, 2, cells, nulls, NULL,
                            NULL);
}

/* Moves money from one account to another; the statement is run again while rows changed. */
static base_status add(worker *self, txn_transaction *transaction, int64_t rowid, int64_t amount)
{
    for (;;) {
        table_statement_start(transaction);
        txn_mark mark = table_get_mark(transaction);
        base_status status = set(self, transaction, rowid, get(self, transaction, rowid) + amount);
        if (status != BASE_RESTART)
            return status;
        table_rollback_to(transaction, mark);
    }
}

static void transfer(worker *self, txn_isolation isolation)
{
    txn_transaction *transaction;
    int64_t from = 1 + choose(self, ACCOUNTS), to = 1 + choose(self, ACCOUNTS);
    int64_t amount = 1 + choose(self, 10);
    base_status status = table_begin(self->shared->database, isolation, false, &transaction, NULL);
    if (status != BASE_OK) {
        note_failure(self, __LINE__, status);
        return;
    }
    status = add(self, transaction, from, -amount);
    if (status == BASE_OK)
        status = add(self, transaction, to, amount);
    if (status == BASE_OK && choose(self, 4)) {
        self->committed += table_commit(transaction, NULL) == BASE_OK;
        return;
    }
    table_rollback(transaction);
    self->refused++;
    if (status != BASE_OK && status != BASE_DEADLOCK && status != BASE_SERIALIZATION)
        note_failure(self, __LINE__, status);
}

/* The sum of all accounts by scan or by single reads, at one snapshot. */
static void audit(worker *self)
{
    txn_transaction *transaction;
    uint32_t column = COLUMN_NUMBER;
    types_type type = TYPES_OF(INTEGER);
    table_scan_options options = {.columns = &column,
                                  .column_count = 1,
                                  .first_rowid = 1,
                                  .last_rowid = ACCOUNTS,
                                  .descending = choose(self, 2)};
    table_scan *scan;
    table_reader *reader;
    vector_chunk chunk;
    int64_t by_scan = 0, by_row = 0;
    if (table_begin(self->shared->database, TXN_SNAPSHOT, true, &transaction, NULL) != BASE_OK ||
        vector_chunk_init(&chunk, table_database_budget(self->shared->database), &type, 1, NULL) !=
            BASE_OK ||
        table_scan_create(transaction, self->relation, &options, &scan, NULL) != BASE_OK ||
        table_reader_create(scan, &reader, NULL) != BASE_OK) {
        note_failure(self, __LINE__, BASE_INTERNAL);
        return;
    }
    for (uint32_t unit = 0; unit < table_scan_unit_count(scan); unit++) {
        (void)table_reader_open_unit(reader, unit, NULL);
        while (table_reader_next(reader, &chunk, NULL) == BASE_ROW) {
            for (uint32_t i = 0; i < chunk.count; i++)
                by_scan += vector_get(&chunk.columns[0], vector_row(chunk.selection, i)).cell.int64;
        }
    }
    for (int64_t rowid = 1; rowid <= ACCOUNTS; rowid++)
        by_row += get(self, transaction, rowid);
    if (by_scan != ACCOUNTS * BALANCE || by_row != by_scan)
        note_failure(self, __LINE__, BASE_OK);
    table_reader_destroy(reader);
    table_scan_destroy(scan);
    vector_chunk_destroy(&chunk);
    (void)table_commit(transaction, NULL);
}

/* Rows beside the accounts come and go, so that leaves grow, split and vanish. */
static void churn(worker *self)
{
    txn_transaction *transaction;
    if (table_begin(self->shared->database, TXN_READ_COMMITTED, false, &transaction, NULL) !=
        BASE_OK)
        return;
    int64_t base = 1000000 + (int64_t)self->number * 1000000 + choose(self, 50) * 100;
    base_status status = BASE_OK;
    for (int64_t rowid = base; rowid < base + 100 && status == BASE_OK; rowid++) {
        if (get(self, transaction, rowid) != INT64_MIN) {
            status = table_delete_row(transaction, self->relation, rowid, NULL);
        } else {
            types_cell cells[COLUMN_COUNT];
            bool nulls[COLUMN_COUNT];
            char text[40];
            int64_t given = rowid;
            fixture_cells(rowid, cells, nulls, text);
            status = table_insert_row(transaction, self->relation, cells, nulls, &given, false,
                                      NULL, NULL);
        }
    }
    if (status == BASE_OK)
        status = table_commit(transaction, NULL);
    else
        table_rollback(transaction);
    if (status != BASE_OK && status != BASE_RESTART) /* the table was redefined */
        note_failure(self, __LINE__, status);
}

/* An index on the table comes and goes. */
static void redefine(worker *self)
{
    txn_transaction *transaction;
    table_index_part part = {.column = COLUMN_NUMBER};
    table_index_descriptor index = {
        .relation_id = self->shared->id, .part_count = 1, .parts = &part};
    uint64_t id;
    for (int phase = 0; phase < 2; phase++) {
        if (table_begin(self->shared->database, TXN_READ_COMMITTED, false, &transaction, NULL) !=
            BASE_OK)
            return;
        base_status status = phase == 0 ? table_index_create(transaction, &index, &id, NULL)
                                        : table_index_drop(transaction, id, NULL);
        if (status == BASE_OK)
            status = table_commit(transaction, NULL);
        else
            table_rollback(transaction);
        if (status == BASE_DEADLOCK || status == BASE_RESTART)
            phase--;
        else if (status != BASE_OK)
            note_failure(self, __LINE__, status);
    }
}

static void bank_thread(void *argument)
{
    worker *self = argument;
    for (uint32_t step = 0; step < STEPS; step++) {
        switch (self->number) {
        case 0:
            audit(self);
            break;
        case 1:
            if (step % 40 == 0)
                redefine(self);
            else if (step % 40 == 20)
                (void)table_checkpoint(self->shared->database, NULL);
            else
                audit(self);
            break;
        case 2:
        case 3:
            churn(self);
            break;
        default:
            transfer(self, self->number & 1 ? TXN_SNAPSHOT : TXN_READ_COMMITTED);
            break;
        }
    }
}

static void run_threads(worker *workers, fixture *self, void (*function)(void *argument))
{
    os_thread *threads[THREADS];
    _Atomic(int) failed = 0;
    base_budget *budget = os_runtime_budget(self->runtime);
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i].shared = self;
        workers[i].relation = self->relation;
        workers[i].number = i;
        workers[i].seed = i * 7919 + 1;
        workers[i].failed = &failed;
        unit_assert_ok(os_thread_start(budget, function, &workers[i], &threads[i], &self->error));
    }
    for (uint32_t i = 0; i < THREADS; i++)
        os_thread_join(threads[i]);
    assert_int_equal(atomic_load(&failed), 0);
}

/* With `path` the rows of the table go to volumes at every checkpoint. */
static void run_bank(const char *path)
{
    fixture self;
    worker workers[THREADS] = {0};
    unit_assert_ok(fixture_try_open(&self, path));
    table_database_options(self.database)->seal_rows = 50;
    fixture_create_table(&self, false);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    for (int64_t i = 1; i <= ACCOUNTS; i++)
        unit_assert_ok(fixture_insert(&self, transaction, i, BALANCE));
    fixture_commit(&self, transaction);
    run_threads(workers, &self, bank_thread);
    uint64_t committed = 0;
    for (uint32_t i = 0; i < THREADS; i++)
        committed += workers[i].committed;
    assert_true(committed > STEPS / 2);
    audit(&workers[0]);
    fixture_check(&self);
    fixture_close(&self);
}

static void test_bank(void **state)
{
    (void)state;
    run_bank(NULL);
}

static void test_bank_that_is_sealed(void **state)
{
    (void)state;
    char folder[64], path[96], log[112];
    (void)snprintf(folder, sizeof folder, "/tmp/tuff-bank-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/a.tuff", folder);
    (void)snprintf(log, sizeof log, "%s-wal", path);
    run_bank(path);
    (void)unlink(path);
    (void)unlink(log);
    (void)rmdir(folder);
}

/* Everybody inserts the same keys; each key is won by one. */
static void unique_thread(void *argument)
{
    worker *self = argument;
    for (uint32_t key = 0; key < STEPS; key++) {
        txn_transaction *transaction;
        types_cell cells[COLUMN_COUNT];
        bool nulls[COLUMN_COUNT];
        char text[40];
        int64_t rowid;
        if (table_begin(self->shared->database, TXN_READ_COMMITTED, false, &transaction, NULL) !=
            BASE_OK)
            return;
        fixture_cells(key, cells, nulls, text);
        base_status status =
            table_insert_row(transaction, self->relation, cells, nulls, &rowid, true, NULL, NULL);
        if (status == BASE_OK && choose(self, 3) == 0) {
            table_rollback(transaction);
        } else if (status == BASE_OK) {
            if (table_commit(transaction, NULL) == BASE_OK)
                atomic_fetch_add(&self->winners[key], 1);
        } else {
            table_rollback(transaction);
            if (status != BASE_UNIQUE_VIOLATION)
                note_failure(self, __LINE__, status);
        }
    }
}

static void test_unique_races(void **state)
{
    (void)state;
    fixture self;
    worker workers[THREADS] = {0};
    static _Atomic(uint32_t) winners[STEPS];
    fixture_open(&self);
    fixture_create_table(&self, true);
    memset(winners, 0, sizeof winners);
    for (uint32_t i = 0; i < THREADS; i++)
        workers[i].winners = winners;
    run_threads(workers, &self, unique_thread);
    uint64_t total = 0;
    for (uint32_t key = 0; key < STEPS; key++) {
        assert_true(atomic_load(&winners[key]) <= 1);
        total += atomic_load(&winners[key]);
    }
    assert_int_equal(table_row_count(self.relation), total);
    assert_true(total > STEPS / 2);
    fixture_check(&self);
    fixture_close(&self);
}

/* Two transactions that take two rows in opposite order: one is refused, the other commits. */
typedef struct crossing {
    fixture *shared;
    int64_t first, second;
    _Atomic(uint32_t) *arrived;
    base_status status;
} crossing;

static void crossing_thread(void *argument)
{
    crossing *self = argument;
    worker as = {.shared = self->shared, .relation = self->shared->relation};
    txn_transaction *transaction;
    if (table_begin(self->shared->database, TXN_READ_COMMITTED, false, &transaction, NULL) !=
        BASE_OK)
        return;
    self->status = add(&as, transaction, self->first, 1);
    atomic_fetch_add(self->arrived, 1);
    for (uint32_t turns = 0; atomic_load(self->arrived) < 2; turns++)
        os_spin_pause(turns);
    if (self->status == BASE_OK)
        self->status = add(&as, transaction, self->second, 1);
    if (self->status == BASE_OK)
        self->status = table_commit(transaction, NULL);
    else
        table_rollback(transaction);
}

static void test_deadlock(void **state)
{
    (void)state;
    fixture self;
    fixture_open(&self);
    fixture_create_table(&self, false);
    txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(fixture_insert(&self, transaction, 1, 10));
    unit_assert_ok(fixture_insert(&self, transaction, 2, 20));
    fixture_commit(&self, transaction);
    for (int round = 0; round < 20; round++) {
        _Atomic(uint32_t) arrived = 0;
        crossing sides[2] = {{&self, 1, 2, &arrived, BASE_INTERNAL},
                             {&self, 2, 1, &arrived, BASE_INTERNAL}};
        os_thread *threads[2];
        for (int i = 0; i < 2; i++)
            unit_assert_ok(os_thread_start(os_runtime_budget(self.runtime), crossing_thread,
                                           &sides[i], &threads[i], &self.error));
        for (int i = 0; i < 2; i++)
            os_thread_join(threads[i]);
        assert_true((sides[0].status == BASE_OK && sides[1].status == BASE_DEADLOCK) ||
                    (sides[1].status == BASE_OK && sides[0].status == BASE_DEADLOCK));
    }
    worker as = {.shared = &self, .relation = self.relation};
    transaction = fixture_begin(&self, TXN_READ_COMMITTED);
    assert_int_equal(get(&as, transaction, 1), 30);
    assert_int_equal(get(&as, transaction, 2), 40);
    fixture_commit(&self, transaction);
    fixture_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bank),
        cmocka_unit_test(test_bank_that_is_sealed),
        cmocka_unit_test(test_unique_races),
        cmocka_unit_test(test_deadlock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
