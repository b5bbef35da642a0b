/*
 * History: rows as of commits of the past, against a model that keeps every version, while rows
 * are changed, sealed, merged, reopened, recovered after a crash, and dropped by the retention.
 */
#include "store/table/table_int.h"
#include "table_fixture.h"
#include "table_place.h"

enum {
    ROWS = 300,
    COMMITS = 2000,
};

/* ---- The model ------------------------------------------------------------------------------- */

/* What the rows were after each commit; INT64_MIN: no row. */
typedef struct model {
    int64_t now[ROWS + 1];
    uint32_t count;
    uint64_t sequences[COMMITS];
    int64_t past[COMMITS][ROWS + 1];
} model;

static model *new_model(void)
{
    model *self = test_malloc(sizeof *self);
    self->count = 0;
    for (int i = 0; i <= ROWS; i++)
        self->now[i] = INT64_MIN;
    return self;
}

static void note_commit(fixture *self, model *what)
{
    assert_true(what->count < COMMITS);
    txn_transaction *reader = fixture_begin(self, TXN_SNAPSHOT);
    what->sequences[what->count] = txn_snapshot_of(reader)->sequence;
    fixture_commit(self, reader);
    memcpy(what->past[what->count++], what->now, sizeof what->now);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static base_status read_past(fixture *self, uint64_t as_of, int64_t rows[ROWS + 1])
{
    uint32_t columns[] = {TABLE_ROWID, COLUMN_NUMBER, COLUMN_TEXT, COLUMN_SMALL};
    types_type types[] = {TYPES_OF(INTEGER), TYPES_OF(INTEGER), TYPES_OF(TEXT), TYPES_OF(SMALLINT)};
    table_scan_options options = {.columns = columns,
                                  .column_count = 4,
                                  .first_rowid = INT64_MIN,
                                  .last_rowid = INT64_MAX,
                                  .as_of = as_of};
    table_scan *scan;
    table_reader *reader;
    vector_chunk chunk;
    for (int i = 0; i <= ROWS; i++)
        rows[i] = INT64_MIN;
    base_error_clear(&self->error);
    txn_transaction *transaction = fixture_begin(self, TXN_SNAPSHOT);
    base_status status =
        table_scan_create(transaction, self->relation, &options, &scan, &self->error);
    if (status != BASE_OK) {
        fixture_commit(self, transaction);
        return status;
    }
    unit_assert_ok(
        vector_chunk_init(&chunk, table_database_budget(self->database), types, 4, &self->error));
    unit_assert_ok(table_reader_create(scan, &reader, &self->error));
    int64_t last = INT64_MIN;
    for (uint32_t unit = 0; unit < table_scan_unit_count(scan); unit++) {
        unit_assert_ok(table_reader_open_unit(reader, unit, &self->error));
        while ((status = table_reader_next(reader, &chunk, &self->error)) == BASE_ROW) {
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
                assert_in_range(rowid, 1, ROWS);
                assert_true(rowid > last);
                last = rowid;
                rows[rowid] = number;
            }
        }
        assert_int_equal(status, BASE_DONE);
    }
    table_reader_destroy(reader);
    table_scan_destroy(scan);
    vector_chunk_destroy(&chunk);
    fixture_commit(self, transaction);
    return BASE_OK;
}

static void expect_commit(fixture *self, const model *what, uint32_t commit)
{
    int64_t rows[ROWS + 1];
    unit_assert_ok(read_past(self, what->sequences[commit], rows));
    for (int i = 1; i <= ROWS; i++) {
        if (rows[i] != what->past[commit][i])
            fail_msg("as of commit %u (%llu) row %d is %lld, not %lld", commit,
                     (unsigned long long)what->sequences[commit], i, (long long)rows[i],
                     (long long)what->past[commit][i]);
    }
}

static void expect_some(fixture *self, const model *what, uint64_t *random, int count)
{
    for (int i = 0; i < count; i++) {
        *random = base_hash_u64(*random + 1);
        expect_commit(self, what, (uint32_t)(*random % what->count));
    }
}

/* ---- Changing -------------------------------------------------------------------------------- */

static void change_rows(fixture *self, model *what, uint64_t *random, int count)
{
    int64_t before[ROWS + 1];
    memcpy(before, what->now, sizeof before);
    txn_transaction *writer = fixture_begin(self, TXN_READ_COMMITTED);
    for (int i = 0; i < count; i++) {
        *random = base_hash_u64(*random + 1);
        int64_t rowid = 1 + (int64_t)(*random % ROWS), number = (int64_t)(*random >> 40);
        if (what->now[rowid] == INT64_MIN) {
            unit_assert_ok(fixture_insert(self, writer, rowid, number));
            what->now[rowid] = number;
        } else if (*random >> 20 & 3) {
            unit_assert_ok(fixture_update(self, writer, rowid, number));
            what->now[rowid] = number;
        } else {
            unit_assert_ok(fixture_delete(self, writer, rowid));
            what->now[rowid] = INT64_MIN;
        }
    }
    if (*random >> 30 & 7) {
        fixture_commit(self, writer);
        note_commit(self, what);
    } else {
        table_rollback(writer);
        memcpy(what->now, before, sizeof before);
    }
}

static void use_options(fixture *self, uint32_t seal_rows)
{
    table_options *options = table_database_options(self->database);
    options->manual_compaction = true;
    options->seal_rows = seal_rows;
}

static void reopen(fixture *self, uint32_t seal_rows)
{
    uint64_t id = self->id, index_id = self->index_id;
    fixture_close(self);
    unit_assert_ok(fixture_try_open(self, here.path));
    use_options(self, seal_rows);
    fixture_find_table(self, id, index_id);
}

/* The state after a crash now, looked at and thrown away. */
static void check_crashed(const fixture *self, const model *what, uint64_t *random)
{
    fixture crashed;
    crash_copy();
    unit_assert_ok(fixture_try_open(&crashed, here.copy));
    use_options(&crashed, 0);
    fixture_find_table(&crashed, self->id, self->index_id);
    expect_some(&crashed, what, random, 5);
    fixture_check(&crashed);
    fixture_close(&crashed);
}

static void run_history(uint64_t seed, uint32_t seal_rows)
{
    fixture self;
    model *what = new_model();
    uint64_t random = seed;
    txn_transaction *old = NULL;
    unit_assert_ok(fixture_try_open(&self, here.path));
    use_options(&self, seal_rows);
    fixture_create_table(&self, false);
    note_commit(&self, what);
    for (int step = 0; step < 600; step++) {
        random = base_hash_u64(random + 1);
        switch (random % 24) {
        case 0:
        case 1:
            unit_assert_ok(table_checkpoint(self.database, &self.error));
            break;
        case 2:
            unit_assert_ok(table_compact(self.database, &self.error));
            break;
        case 3:
            if (old)
                fixture_commit(&self, old);
            old = old ? NULL : fixture_begin(&self, TXN_SNAPSHOT);
            break;
        case 4:
            if (!old && step % 3 == 0)
                reopen(&self, seal_rows);
            break;
        case 5:
            if (step % 4 == 0)
                check_crashed(&self, what, &random);
            break;
        case 6:
        case 7:
            expect_some(&self, what, &random, 2);
            break;
        default:
            change_rows(&self, what, &random, 1 + (int)(random >> 50) % 20);
        }
    }
    for (uint32_t commit = 0; commit < what->count; commit += 3)
        expect_commit(&self, what, commit);
    if (old)
        fixture_commit(&self, old);
    reopen(&self, seal_rows);
    for (uint32_t commit = 0; commit < what->count; commit += 3)
        expect_commit(&self, what, commit);
    fixture_check(&self);
    fixture_close(&self);
    test_free(what);
}

static void test_against_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        run_history(seed * 1000, seed % 3 == 0 ? 0 : (uint32_t)(seed % 3) * 30);
        remove_place(NULL);
        make_place(NULL);
    }
}

/* ---- How long, how much ---------------------------------------------------------------------- */

typedef struct history_parts {
    uint32_t count;
    uint64_t rows, bytes;
} history_parts;

static void count_part(void *context, const table_part_info *info)
{
    history_parts *self = context;
    if (strcmp(info->tier, "history") != 0)
        return;
    self->count++;
    self->rows += info->row_count;
    self->bytes += info->byte_count;
}

static history_parts list_history(const fixture *self)
{
    history_parts found = {0};
    table_list_parts(self->relation, count_part, &found);
    return found;
}

/* Volumes stay few however many checkpoints there are. */
static void test_volumes_are_few(void **state)
{
    (void)state;
    fixture self;
    model *what = new_model();
    uint64_t random = 77;
    unit_assert_ok(fixture_try_open(&self, here.path));
    use_options(&self, 0);
    fixture_create_table(&self, false);
    for (int round = 0; round < 200; round++) {
        change_rows(&self, what, &random, 20);
        unit_assert_ok(table_checkpoint(self.database, &self.error));
        assert_in_range(list_history(&self).count, 0, 20);
    }
    assert_in_range(list_history(&self).rows, 1000, 4000);
    for (uint32_t commit = 0; commit < what->count; commit += 7)
        expect_commit(&self, what, commit);
    fixture_check(&self);
    fixture_close(&self);
    test_free(what);
}

/* What is too much goes, the oldest first, and is not asked for any more. */
static void test_limit(void **state)
{
    (void)state;
    fixture self;
    model *what = new_model();
    uint64_t random = 5;
    int64_t rows[ROWS + 1];
    unit_assert_ok(fixture_try_open(&self, here.path));
    use_options(&self, 0);
    table_database_options(self.database)->history_limit = 20000;
    fixture_create_table(&self, false);
    note_commit(&self, what);
    for (int round = 0; round < 300; round++) {
        change_rows(&self, what, &random, 50);
        unit_assert_ok(table_checkpoint(self.database, &self.error));
        assert_in_range(list_history(&self).bytes, 0, 40000);
    }
    assert_int_equal(read_past(&self, what->sequences[0], rows), BASE_INVALID_PARAMETER);
    base_error_clear(&self.error);
    expect_commit(&self, what, what->count - 1);
    expect_commit(&self, what, what->count - 2);
    uint32_t answered = 0;
    for (uint32_t commit = 0; commit < what->count; commit++) {
        base_status status = read_past(&self, what->sequences[commit], rows);
        assert_true(status == BASE_OK || answered == 0);
        if (status == BASE_OK) {
            answered++;
            expect_commit(&self, what, commit);
        }
        base_error_clear(&self.error);
    }
    assert_in_range(answered, 2, what->count - 1);
    fixture_check(&self);
    fixture_close(&self);
    test_free(what);
}

/* Nothing is kept where nothing is asked for, and what was kept goes. */
static void test_no_retention(void **state)
{
    (void)state;
    fixture self;
    model *what = new_model();
    uint64_t random = 9;
    int64_t rows[ROWS + 1];
    unit_assert_ok(fixture_try_open(&self, here.path));
    use_options(&self, 0);
    fixture_create_table(&self, false);
    for (int round = 0; round < 20; round++)
        change_rows(&self, what, &random, 50);
    unit_assert_ok(table_checkpoint(self.database, &self.error));
    assert_in_range(list_history(&self).rows, 100, 1000);
    /* The time of all that was written before is over. */
    table_database_options(self.database)->history_retention = 1;
    for (int round = 0; round < 4; round++) {
        change_rows(&self, what, &random, 50);
        unit_assert_ok(table_checkpoint(self.database, &self.error));
    }
    assert_in_range(list_history(&self).rows, 0, 100);
    assert_int_equal(read_past(&self, what->sequences[3], rows), BASE_INVALID_PARAMETER);
    table_database_options(self.database)->history_retention = 0;
    assert_int_equal(read_past(&self, what->sequences[what->count - 1], rows), BASE_MISUSE);
    base_error_clear(&self.error);
    change_rows(&self, what, &random, 50);
    unit_assert_ok(table_checkpoint(self.database, &self.error));
    assert_int_equal(list_history(&self).count, 0);
    fixture_check(&self);
    fixture_close(&self);
    test_free(what);
}

/* A column that came later, in memory and in the file; a future that is not there. */
static void test_columns_and_bounds(void **state)
{
    (void)state;
    fixture self;
    model *what = new_model();
    uint64_t random = 11;
    int64_t rows[ROWS + 1];
    unit_assert_ok(fixture_try_open(&self, here.path));
    use_options(&self, 0);
    fixture_create_table(&self, false);
    for (int round = 0; round < 10; round++)
        change_rows(&self, what, &random, 50);
    table_column column = {.type = TYPES_OF(INTEGER), .missing = types_null_of(TYPES_OF(INTEGER))};
    uint32_t added;
    txn_transaction *writer = fixture_begin(&self, TXN_READ_COMMITTED);
    unit_assert_ok(table_add_column(writer, self.id, &column, &added, &self.error));
    fixture_commit(&self, writer);
    table_release(self.relation);
    fixture_find_table(&self, self.id, 0);
    for (uint32_t commit = 0; commit < what->count; commit++)
        expect_commit(&self, what, commit);
    unit_assert_ok(table_checkpoint(self.database, &self.error));
    for (uint32_t commit = 0; commit < what->count; commit++)
        expect_commit(&self, what, commit);
    assert_int_equal(read_past(&self, 1000000, rows), BASE_INVALID_PARAMETER);
    base_error_clear(&self.error);
    fixture_check(&self);
    fixture_close(&self);
    test_free(what);
}

/* ---- Beside readers -------------------------------------------------------------------------- */

static void write_rows(fixture *self, int64_t from, int64_t to, int64_t offset, bool insert)
{
    txn_transaction *writer = fixture_begin(self, TXN_READ_COMMITTED);
    for (int64_t rowid = from; rowid <= to; rowid++) {
        int64_t number = rowid * 1000 + offset;
        unit_assert_ok(insert ? fixture_insert(self, writer, rowid, number)
                              : fixture_update(self, writer, rowid, number));
    }
    fixture_commit(self, writer);
}

static uint64_t last_sequence(fixture *self)
{
    txn_transaction *reader = fixture_begin(self, TXN_SNAPSHOT);
    uint64_t sequence = txn_snapshot_of(reader)->sequence;
    fixture_commit(self, reader);
    return sequence;
}

/* Checkpoints take the buffer away under a scan of the past that has begun. */
static void test_scan_across_checkpoints(void **state)
{
    enum {
        MANY = 10000
    };
    (void)state;
    fixture self;
    unit_assert_ok(fixture_try_open(&self, here.path));
    use_options(&self, 0);
    fixture_create_table(&self, false);
    write_rows(&self, 1, MANY, 0, true);
    uint64_t then = last_sequence(&self);
    write_rows(&self, 1, MANY, 7, false);
    txn_collect_garbage(self.database->manager, UINT32_MAX);
    uint32_t columns[] = {TABLE_ROWID, COLUMN_NUMBER, COLUMN_TEXT};
    types_type types[] = {TYPES_OF(INTEGER), TYPES_OF(INTEGER), TYPES_OF(TEXT)};
    table_scan_options options = {.columns = columns,
                                  .column_count = 3,
                                  .first_rowid = INT64_MIN,
                                  .last_rowid = INT64_MAX,
                                  .as_of = then};
    table_scan *scan;
    table_reader *reader;
    vector_chunk chunk;
    txn_transaction *transaction = fixture_begin(&self, TXN_SNAPSHOT);
    unit_assert_ok(table_scan_create(transaction, self.relation, &options, &scan, &self.error));
    unit_assert_ok(
        vector_chunk_init(&chunk, table_database_budget(self.database), types, 3, &self.error));
    unit_assert_ok(table_reader_create(scan, &reader, &self.error));
    unit_assert_ok(table_reader_open_unit(reader, 0, &self.error));
    int64_t expected = 1;
    while (table_reader_next(reader, &chunk, &self.error) == BASE_ROW) {
        for (uint32_t i = 0; i < chunk.count; i++, expected++) {
            uint32_t row = vector_row(chunk.selection, i);
            types_value text = vector_get(&chunk.columns[2], row);
            types_cell cells[COLUMN_COUNT];
            bool nulls[COLUMN_COUNT];
            char buffer[40];
            fixture_cells(expected * 1000, cells, nulls, buffer);
            assert_int_equal(vector_get(&chunk.columns[0], row).cell.int64, expected);
            assert_int_equal(vector_get(&chunk.columns[1], row).cell.int64, expected * 1000);
            assert_true(types_string_equal(&text.cell.string, &cells[COLUMN_TEXT].string));
        }
        write_rows(&self, 1, 10, expected, false);
        unit_assert_ok(table_checkpoint(self.database, &self.error));
    }
    assert_int_equal(expected, MANY + 1);
    table_reader_destroy(reader);
    table_scan_destroy(scan);
    vector_chunk_destroy(&chunk);
    fixture_commit(&self, transaction);
    fixture_check(&self);
    fixture_close(&self);
}

/* Versions that stay behind their rows for an old snapshot are written to volumes once, whatever
 * the number of checkpoints; and rows that could not be sealed for its sake are sealed when it has
 * ended, though nothing has changed since. */
static void test_old_reader(void **state)
{
    (void)state;
    fixture self;
    unit_assert_ok(fixture_try_open(&self, here.path));
    use_options(&self, 100);
    fixture_create_table(&self, false);
    write_rows(&self, 1, 1000, 0, true);
    txn_transaction *old = fixture_begin(&self, TXN_SNAPSHOT);
    write_rows(&self, 1, 1000, 7, false);
    for (int i = 0; i < 5; i++) {
        unit_assert_ok(table_checkpoint(self.database, &self.error));
        assert_int_equal(list_history(&self).rows, 1000);
    }
    assert_int_equal(row_tree_count(self.relation->storage->hot), 1000);
    fixture_commit(&self, old);
    unit_assert_ok(table_checkpoint(self.database, &self.error));
    txn_collect_garbage(self.database->manager, UINT32_MAX);
    assert_int_equal(row_tree_count(self.relation->storage->hot), 0);
    assert_int_equal(list_history(&self).rows, 1000);
    fixture_check(&self);
    fixture_close(&self);
}

static void load_rows(fixture *self, txn_transaction *transaction)
{
    types_type types[] = {TYPES_OF(INTEGER), TYPES_OF(INTEGER), TYPES_OF(TEXT), TYPES_OF(SMALLINT)};
    table_loader *loader;
    table_conflict conflict;
    vector_chunk chunk;
    int64_t rowids[ROWS];
    char texts[ROWS][40];
    unit_assert_ok(
        vector_chunk_init(&chunk, table_database_budget(self->database), types, 4, &self->error));
    for (uint32_t i = 0; i < ROWS; i++) {
        types_cell cells[COLUMN_COUNT];
        bool nulls[COLUMN_COUNT];
        rowids[i] = i + 1;
        fixture_cells(i + 1, cells, nulls, texts[i]);
        for (uint32_t c = 1; c < COLUMN_COUNT; c++) {
            types_value value = {types[c], nulls[c], cells[c]};
            if (nulls[c] && !chunk.columns[c].validity)
                vector_make_validity(&chunk.columns[c]);
            vector_put(&chunk.columns[c], i, &value);
        }
    }
    chunk.count = ROWS;
    unit_assert_ok(table_loader_create(transaction, self->relation, &loader, &self->error));
    unit_assert_ok(table_loader_append(loader, &chunk, rowids, false, &conflict, &self->error));
    unit_assert_ok(table_loader_finish(loader, &conflict, &self->error));
    table_loader_destroy(loader);
    vector_chunk_destroy(&chunk);
}

/* Rows that one transaction loads and changes: the loaded version was nobody's, and begins with
 * the same commit as the one that was. */
static void test_loaded_and_changed(void **state)
{
    (void)state;
    fixture self;
    int64_t rows[ROWS + 1];
    unit_assert_ok(fixture_try_open(&self, here.path));
    use_options(&self, 50);
    fixture_create_table(&self, false);
    txn_transaction *writer = fixture_begin(&self, TXN_READ_COMMITTED);
    load_rows(&self, writer);
    for (int64_t rowid = 1; rowid <= ROWS; rowid++)
        unit_assert_ok(fixture_update(&self, writer, rowid, rowid * 1000));
    fixture_commit(&self, writer);
    uint64_t then = last_sequence(&self);
    for (int round = 0; round < 2; round++) {
        unit_assert_ok(table_checkpoint(self.database, &self.error));
        write_rows(&self, 1, ROWS, 7 + round, false);
    }
    unit_assert_ok(table_checkpoint(self.database, &self.error));
    unit_assert_ok(table_compact(self.database, &self.error));
    assert_int_not_equal(list_history(&self).rows, 0);
    unit_assert_ok(read_past(&self, then, rows));
    for (int64_t rowid = 1; rowid <= ROWS; rowid++)
        assert_int_equal(rows[rowid], rowid * 1000);
    fixture_check(&self);
    fixture_close(&self);
}

/* ---- Damage ---------------------------------------------------------------------------------- */

typedef struct extents {
    uint32_t count;
    cache_reference references[64];
} extents;

static base_status list_extent(void *context, const cache_reference *reference, base_error *error)
{
    extents *list = context;
    (void)error;
    assert_in_range(list->count, 0, 63);
    list->references[list->count++] = *reference;
    return BASE_OK;
}

static void count_problem(void *context, const char *problem)
{
    (void)problem;
    ++*(uint32_t *)context;
}

static uint32_t problems(fixture *self)
{
    uint32_t count = 0;
    unit_assert_ok(table_check_integrity(self->database, count_problem, &count, &self->error));
    return count;
}

/* A history volume that cannot be read, be it its head or a column, costs the past and nothing
 * else: the rows are there, checkpoints are made, and the integrity check says so. */
static void test_damaged_history(void **state)
{
    (void)state;
    fixture self;
    unit_assert_ok(fixture_try_open(&self, here.path));
    use_options(&self, 0);
    fixture_create_table(&self, false);
    write_rows(&self, 1, ROWS, 0, true);
    uint64_t then = last_sequence(&self);
    write_rows(&self, 1, ROWS, 7, false);
    uint64_t id = self.id, index_id = self.index_id;
    fixture_close(&self);
    unit_assert_ok(fixture_try_open(&self, here.path));
    fixture_find_table(&self, id, index_id);
    const table_saved *reached = &self.database->reached;
    extents list = {0};
    assert_int_equal(list_history(&self).count, 1);
    for (uint32_t i = 0; i < reached->count; i++) {
        if (reached->references[i].kind == CACHE_KIND_VOLUME) /* the only one */
            unit_assert_ok(table_visit_extents(self.database, &reached->references[i], list_extent,
                                               &list, &self.error));
    }
    fixture_close(&self);
    assert_in_range(list.count, 2, 60); /* a head, and columns */
    for (uint32_t i = 0; i < list.count; i++) {
        int64_t rows[ROWS + 1], sum;
        copy_file(here.path, here.copy);
        FILE *file = fopen(here.copy, "r+b");
        assert_int_equal(fseek(file, (long)list.references[i].offset, SEEK_SET), 0);
        assert_int_equal(fputc('?', file), '?');
        assert_int_equal(fclose(file), 0);
        unit_assert_ok(fixture_try_open(&self, here.copy));
        use_options(&self, 0);
        fixture_find_table(&self, id, index_id);
        assert_true(problems(&self) > 0);
        write_rows(&self, 1, ROWS, 9, false);
        unit_assert_ok(table_checkpoint(self.database, &self.error));
        assert_int_equal(problems(&self), 0);
        assert_int_equal(list_history(&self).rows, ROWS);
        txn_transaction *reader = fixture_begin(&self, TXN_SNAPSHOT);
        assert_int_equal(fixture_scan(&self, reader, false, &sum), ROWS);
        fixture_commit(&self, reader);
        assert_int_equal(read_past(&self, then, rows), BASE_INVALID_PARAMETER);
        fixture_close(&self);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_scan_across_checkpoints, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_damaged_history, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_loaded_and_changed, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_old_reader, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_against_model, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_volumes_are_few, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_limit, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_no_retention, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_columns_and_bounds, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
