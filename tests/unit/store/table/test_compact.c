/*
 * Merging volumes: rows, marks, snapshots and open transactions across the switch; how many
 * volumes there are, how often rows are written, and what becomes of the space.
 */
#include "table_fixture.h"
#include "table_place.h"

enum {
    ROWS = 20000,
    SMALL_ROWS = 6400,
    SMALL_SEAL = 64, /* a hundredth */
};

/* ---- What there is --------------------------------------------------------------------------- */

typedef struct parts {
    uint32_t cold, past, runs;
    uint64_t rows, dead;
    uint64_t seen; /* the highest part so far */
    uint64_t written;
} parts;

static void count_part(void *context, const table_part_info *info)
{
    parts *self = context;
    self->past += strcmp(info->tier, "past") == 0;
    if (strcmp(info->tier, "cold") != 0)
        return;
    self->cold++;
    self->runs = BASE_MAX(self->runs, info->run + 1);
    self->rows += info->row_count;
    self->dead += info->dead_count;
    if (info->part_id > self->seen)
        self->written += info->row_count;
}

static parts list_parts(const fixture *self)
{
    parts found = {0};
    table_list_parts(self->relation, count_part, &found);
    return found;
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

static void expect_now(fixture *self, uint64_t rows, int64_t sum)
{
    txn_transaction *transaction = fixture_begin(self, TXN_READ_COMMITTED);
    expect_scan(self, transaction, rows, sum);
    fixture_commit(self, transaction);
}

static void checkpoint(fixture *self)
{
    unit_assert_ok(table_checkpoint(self->database, &self->error));
}

static void compact(fixture *self)
{
    unit_assert_ok(table_compact(self->database, &self->error));
}

/* Rows 1 .. rows with number = 10 * rowid, sealed. */
static void open_sealed(fixture *self, int64_t rows, uint32_t seal_rows, bool with_index)
{
    unit_assert_ok(fixture_try_open(self, here.path));
    table_options *options = table_database_options(self->database);
    options->manual_compaction = true;
    options->history_retention = 0; /* what is dead goes at once */
    options->seal_rows = seal_rows;
    options->lock_timeout = 1000;
    fixture_create_table(self, with_index);
    txn_transaction *transaction = fixture_begin(self, TXN_READ_COMMITTED);
    for (int64_t i = 1; i <= rows; i++)
        unit_assert_ok(fixture_insert(self, transaction, i, i * 10));
    fixture_commit(self, transaction);
    checkpoint(self);
    assert_int_equal(list_parts(self).rows, rows);
}

static void reopen(fixture *self)
{
    uint64_t id = self->id, index_id = self->index_id;
    fixture_close(self);
    unit_assert_ok(fixture_try_open(self, here.path));
    table_database_options(self->database)->manual_compaction = true;
    fixture_find_table(self, id, index_id);
}

/* ---- Switches under transactions ------------------------------------------------------------- */

/* Half of the rows get new versions, which are sealed above the old ones. */
static int64_t update_half(fixture *self, int64_t sum)
{
    txn_transaction *writer = fixture_begin(self, TXN_READ_COMMITTED);
    for (int64_t i = 2; i <= ROWS; i += 2) {
        unit_assert_ok(fixture_update(self, writer, i, i * 10 + 10000000));
        sum += 10000000;
    }
    fixture_commit(self, writer);
    checkpoint(self);
    return sum;
}

static void test_snapshots(void **state)
{
    (void)state;
    fixture self;
    open_sealed(&self, ROWS, 0, true);
    int64_t first_sum = update_half(&self, sum_to(ROWS)), sum = first_sum;
    txn_transaction *old = fixture_begin(&self, TXN_SNAPSHOT);
    txn_transaction *writer = fixture_begin(&self, TXN_READ_COMMITTED);
    for (int64_t i = 8; i <= ROWS; i += 8) {
        unit_assert_ok(fixture_update(&self, writer, i, i * 10 + 20000000));
        sum += 10000000;
    }
    fixture_commit(&self, writer);
    txn_transaction *middle = fixture_begin(&self, TXN_SNAPSHOT);
    assert_int_equal(list_parts(&self).cold, 2);
    compact(&self);
    parts now = list_parts(&self);
    assert_int_equal(now.cold, 1);
    assert_int_equal(now.past, 2);
    assert_int_equal(now.rows, ROWS - ROWS / 8); /* the others are hot */
    assert_int_equal(now.dead, 0);
    expect_scan(&self, old, ROWS, first_sum);
    expect_scan(&self, middle, ROWS, sum);
    expect_now(&self, ROWS, sum);
    assert_int_equal(fixture_read(&self, old, 8), 10000080);
    assert_int_equal(fixture_read(&self, middle, 8), 20000080);
    assert_int_equal(table_row_count(self.relation), ROWS);
    fixture_check(&self);
    /* An old writer meets what was changed before and after the switch. */
    writer = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(fixture_update(&self, writer, 7, 777));
    assert_int_equal(fixture_update(&self, middle, 7, 1), BASE_SERIALIZATION);
    fixture_commit(&self, writer);
    assert_int_equal(fixture_update(&self, middle, 7, 1), BASE_SERIALIZATION);
    assert_int_equal(fixture_update(&self, old, 8, 1), BASE_SERIALIZATION);
    sum += 777 - 70;
    expect_scan(&self, middle, ROWS, sum - 777 + 70);
    /* And what nobody changed it may change. */
    unit_assert_ok(fixture_update(&self, middle, 9, 999));
    assert_int_equal(fixture_read(&self, middle, 9), 999);
    txn_transaction *young = fixture_begin(&self, TXN_SNAPSHOT);
    assert_int_equal(fixture_read(&self, young, 9), 90);
    assert_int_equal(fixture_update(&self, young, 9, 1), BASE_SERIALIZATION);
    fixture_commit(&self, middle);
    sum += 999 - 90;
    assert_int_equal(fixture_update(&self, young, 9, 1), BASE_SERIALIZATION);
    assert_int_equal(fixture_read(&self, young, 9), 90);
    fixture_commit(&self, young);
    expect_scan(&self, old, ROWS, first_sum);
    fixture_commit(&self, old);
    compact(&self);
    assert_int_equal(list_parts(&self).past, 0);
    expect_now(&self, ROWS, sum);
    fixture_check(&self);
    reopen(&self); /* through a checkpoint */
    expect_now(&self, ROWS, sum);
    fixture_check(&self);
    fixture_close(&self);
}

/* Marks of open transactions go along, and their undo finds them. */
static void test_open_writers(void **state)
{
    (void)state;
    fixture self;
    open_sealed(&self, ROWS, 0, true);
    int64_t sum = update_half(&self, sum_to(ROWS));
    txn_transaction *kept = fixture_begin(&self, TXN_READ_COMMITTED);
    txn_transaction *undone = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(fixture_update(&self, kept, 1, 5));
    unit_assert_ok(fixture_delete(&self, kept, 2));
    unit_assert_ok(fixture_update(&self, undone, 3, 6));
    unit_assert_ok(fixture_delete(&self, undone, 4));
    txn_mark mark = table_get_mark(kept);
    unit_assert_ok(fixture_delete(&self, kept, 5));
    compact(&self);
    assert_int_equal(list_parts(&self).cold, 1);
    assert_int_equal(list_parts(&self).dead, 5);
    /* As a rule, and by statement: each sees its own. */
    table_statement_start(kept);
    assert_int_equal(fixture_read(&self, kept, 1), 5);
    assert_int_equal(fixture_read(&self, kept, 2), INT64_MIN);
    assert_int_equal(fixture_read(&self, kept, 3), 30);
    assert_int_equal(fixture_read(&self, kept, 5), INT64_MIN);
    expect_now(&self, ROWS, sum);
    txn_transaction *other = fixture_begin(&self, TXN_READ_COMMITTED);
    assert_int_equal(fixture_update(&self, other, 1, 1), BASE_LOCK_TIMEOUT);
    assert_int_equal(fixture_update(&self, other, 4, 1), BASE_LOCK_TIMEOUT);
    base_error_clear(&self.error);
    table_rollback(other);
    table_rollback_to(kept, mark);
    assert_int_equal(fixture_read(&self, kept, 5), 50);
    unit_assert_ok(fixture_update(&self, kept, 6, 7));
    checkpoint(&self);
    compact(&self);
    table_rollback(undone);
    fixture_commit(&self, kept);
    sum += 5 - 10 - 10000020 + 7 - 10000060;
    expect_now(&self, ROWS - 1, sum);
    assert_int_equal(table_row_count(self.relation), ROWS - 1);
    fixture_check(&self);
    other = fixture_begin(&self, TXN_SNAPSHOT);
    unit_assert_ok(fixture_update(&self, other, 3, 31));
    unit_assert_ok(fixture_update(&self, other, 4, 41));
    fixture_commit(&self, other);
    sum += 31 - 30 + 41 - 10000040;
    checkpoint(&self);
    compact(&self);
    expect_now(&self, ROWS - 1, sum);
    fixture_check(&self);
    reopen(&self);
    expect_now(&self, ROWS - 1, sum);
    fixture_check(&self);
    fixture_close(&self);
}

/* ---- Columns --------------------------------------------------------------------------------- */

static int64_t read_column(fixture *self, int64_t rowid, uint32_t column)
{
    types_cell cell;
    bool is_null;
    base_arena heap;
    table_relation *relation;
    base_arena_init(&heap, table_database_budget(self->database));
    txn_transaction *reader = fixture_begin(self, TXN_READ_COMMITTED);
    unit_assert_ok(table_acquire(reader, self->id, &relation, &self->error));
    unit_assert_ok(
        table_read_row(reader, relation, rowid, &column, 1, &cell, &is_null, &heap, &self->error));
    table_release(relation);
    fixture_commit(self, reader);
    base_arena_destroy(&heap);
    return is_null ? INT64_MIN : cell.int64;
}

static void test_columns(void **state)
{
    (void)state;
    fixture self;
    open_sealed(&self, ROWS, 0, false);
    table_column column = {.type = TYPES_OF(INTEGER), .missing = types_null_of(TYPES_OF(INTEGER))};
    column.missing.is_null = false;
    column.missing.cell.int64 = 42;
    uint32_t added;
    txn_transaction *writer = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(table_add_column(writer, self.id, &column, &added, &self.error));
    table_relation *relation;
    unit_assert_ok(table_acquire(writer, self.id, &relation, &self.error));
    types_cell cell = {.int64 = 43};
    bool is_null = false;
    for (int64_t i = 1; i <= ROWS; i += 2) {
        cell.int64 = i;
        unit_assert_ok(
            table_update_row(writer, relation, i, &added, 1, &cell, &is_null, NULL, &self.error));
    }
    table_release(relation);
    fixture_commit(&self, writer);
    checkpoint(&self);
    assert_int_equal(list_parts(&self).cold, 2);
    compact(&self);
    assert_int_equal(list_parts(&self).cold, 1);
    assert_int_equal(read_column(&self, 7, added), 7);
    assert_int_equal(read_column(&self, 8, added), 42);
    assert_int_equal(read_column(&self, 8, COLUMN_NUMBER), 80);
    /* A dropped column stays behind, and old rows of one that nobody has are as before. */
    writer = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(table_drop_column(writer, self.id, added, &self.error));
    column.missing.cell.int64 = 44;
    unit_assert_ok(table_add_column(writer, self.id, &column, &added, &self.error));
    unit_assert_ok(table_acquire(writer, self.id, &relation, &self.error));
    for (int64_t i = 1; i <= ROWS; i += 2)
        unit_assert_ok(table_delete_row(writer, relation, i, &self.error));
    table_release(relation);
    fixture_commit(&self, writer);
    checkpoint(&self);
    compact(&self);
    assert_int_equal(list_parts(&self).rows, ROWS / 2);
    assert_int_equal(read_column(&self, 8, added), 44);
    assert_int_equal(read_column(&self, 8, COLUMN_NUMBER), 80);
    fixture_check(&self);
    reopen(&self);
    assert_int_equal(read_column(&self, 8, added), 44);
    fixture_check(&self);
    fixture_close(&self);
}

/* ---- How many, how often, how much ----------------------------------------------------------- */

/* Rows that a round wrote into volumes: those of parts that were not there before. */
static void note_written(fixture *self, parts *sum)
{
    parts now = {.seen = sum->seen};
    table_list_parts(self->relation, count_part, &now);
    sum->written += now.written;
}

static uint64_t newest_part(const fixture *self);

static void find_newest(void *context, const table_part_info *info)
{
    uint64_t *newest = context;
    *newest = BASE_MAX(*newest, info->part_id);
}

static uint64_t newest_part(const fixture *self)
{
    uint64_t newest = 0;
    table_list_parts(self->relation, find_newest, &newest);
    return newest;
}

/* Six times as many random updates as rows (docs/spikes.md, C). */
static void test_random_updates(void **state)
{
    (void)state;
    fixture self;
    static int64_t numbers[SMALL_ROWS + 1];
    open_sealed(&self, SMALL_ROWS, SMALL_SEAL, false);
    int64_t sum = 0;
    for (int64_t i = 1; i <= SMALL_ROWS; i++)
        sum += numbers[i] = i * 10;
    parts total = {.seen = newest_part(&self)};
    uint64_t random = 1, size = 0, updated = 0;
    uint32_t most_runs = 0;
    for (int round = 0; round < 600; round++) {
        txn_transaction *writer = fixture_begin(&self, TXN_READ_COMMITTED);
        for (int i = 0; i < SMALL_SEAL + 8; i++) {
            random = base_hash_u64(random + 1);
            int64_t rowid = 1 + (int64_t)(random % SMALL_ROWS);
            unit_assert_ok(fixture_update(&self, writer, rowid, numbers[rowid] + 1));
            numbers[rowid]++;
            sum++;
            updated++;
        }
        fixture_commit(&self, writer);
        checkpoint(&self);
        note_written(&self, &total);
        total.seen = newest_part(&self);
        compact(&self);
        note_written(&self, &total);
        total.seen = newest_part(&self);
        parts now = list_parts(&self);
        most_runs = BASE_MAX(most_runs, now.runs);
        if (round == 200)
            size = (uint64_t)file_size(here.path);
        if (round % 100 == 0) {
            expect_now(&self, SMALL_ROWS, sum);
            fixture_check(&self);
        }
    }
    assert_in_range(most_runs, 2, 10);
    assert_in_range(total.written, updated, updated * 10);
    assert_true((uint64_t)file_size(here.path) <= size * 3 / 2);
    expect_now(&self, SMALL_ROWS, sum);
    fixture_check(&self);
    fixture_close(&self);
}

/* Rows that are only added lie in one run, and small volumes become large ones. */
static void test_appended_rows(void **state)
{
    (void)state;
    fixture self;
    open_sealed(&self, SMALL_SEAL, SMALL_SEAL, false);
    int64_t last = SMALL_SEAL;
    for (int round = 0; round < 150; round++) {
        txn_transaction *writer = fixture_begin(&self, TXN_READ_COMMITTED);
        for (int i = 0; i < SMALL_SEAL; i++, last++)
            unit_assert_ok(fixture_insert(&self, writer, last + 1, (last + 1) * 10));
        fixture_commit(&self, writer);
        checkpoint(&self);
        compact(&self);
        parts now = list_parts(&self);
        assert_int_equal(now.runs, 1);
        assert_in_range(now.cold, 1, 15);
    }
    expect_now(&self, (uint64_t)last, sum_to(last));
    fixture_check(&self);
    /* Deleting all rows leaves nothing. */
    txn_transaction *writer = fixture_begin(&self, TXN_READ_COMMITTED);
    for (int64_t i = 1; i <= last; i++)
        unit_assert_ok(fixture_delete(&self, writer, i));
    fixture_commit(&self, writer);
    checkpoint(&self);
    compact(&self);
    assert_int_equal(list_parts(&self).cold, 0);
    expect_now(&self, 0, 0);
    for (int i = 0; i < 3; i++) { /* two headers later, and a header needs a commit */
        writer = fixture_begin(&self, TXN_READ_COMMITTED);
        unit_assert_ok(fixture_insert(&self, writer, 0, 10));
        fixture_commit(&self, writer);
        checkpoint(&self);
    }
    fixture_check(&self);
    fixture_close(&self);
    assert_in_range((uint64_t)file_size(here.path), 1, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_snapshots, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_open_writers, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_columns, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_random_updates, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_appended_rows, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
