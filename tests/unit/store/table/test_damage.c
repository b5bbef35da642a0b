/*
 * Damaged parts of a file: each extent of a table in turn is written over while the database is
 * closed. The other tables go on, the check tells of it, the table can be dropped or emptied, later
 * checkpoints succeed, and no space is lost for good.
 */
#include "store/table/table_int.h"
#include "table_fixture.h"
#include "table_place.h"

enum {
    SEALED = 1500, /* rows in volumes */
    PACKED = 900,  /* and in extents of packed rows */
    MOST_EXTENTS = 200
};

static void damage(uint64_t offset)
{
    FILE *file = fopen(here.path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
    int byte = fgetc(file);
    assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
    assert_int_not_equal(fputc(byte ^ 0x55, file), EOF);
    (void)fclose(file);
}

typedef struct extents {
    uint32_t count;
    cache_reference references[MOST_EXTENTS];
    uint32_t parts; /* those that the root names come first */
} extents;

static base_status list_extent(void *context, const cache_reference *reference, base_error *error)
{
    extents *list = context;
    (void)error;
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->references[i].offset == reference->offset)
            return BASE_OK;
    }
    assert_true(list->count < MOST_EXTENTS);
    list->references[list->count++] = *reference;
    return BASE_OK;
}

static void insert_rows(fixture *self, int64_t first, int64_t count)
{
    txn_transaction *transaction = fixture_begin(self, TXN_READ_COMMITTED);
    for (int64_t i = first; i < first + count; i++)
        unit_assert_ok(fixture_insert(self, transaction, i, i));
    fixture_commit(self, transaction);
}

/* A table with volumes, marks, packed rows and key runs. */
static uint64_t fill_table(fixture *self)
{
    table_options *options = table_database_options(self->database);
    fixture_create_table(self, true);
    options->seal_rows = PACKED + 1; /* a table packed before stays so */
    insert_rows(self, 1, SEALED);
    unit_assert_ok(table_checkpoint(self->database, &self->error));
    txn_transaction *transaction = fixture_begin(self, TXN_READ_COMMITTED);
    for (int64_t i = 3; i < SEALED; i += 7)
        unit_assert_ok(fixture_delete(self, transaction, i));
    fixture_commit(self, transaction);
    options->seal_rows = 0;
    insert_rows(self, SEALED + 1, PACKED);
    unit_assert_ok(table_checkpoint(self->database, &self->error));
    table_release(self->relation);
    self->relation = NULL;
    return self->id;
}

/* `tables` of them, and last one so small that the root has its rows. Its id is one that the
 * tables' are below. */
static uint64_t make_file(uint32_t tables, uint64_t *ids, uint64_t *indexes, extents *list)
{
    fixture self;
    (void)unlink(here.path);
    unit_assert_ok(fixture_try_open(&self, here.path));
    table_database_options(self.database)->history_retention = 0; /* test_history.c has its own */
    for (uint32_t i = 0; i < tables; i++) {
        ids[i] = fill_table(&self);
        indexes[i] = self.index_id;
    }
    fixture_create_table(&self, false);
    insert_rows(&self, 1, 5);
    uint64_t id = self.id;
    fixture_close(&self);
    unit_assert_ok(fixture_try_open(&self, here.path));
    const table_saved *reached = &self.database->reached;
    *list = (extents){.parts = reached->count};
    for (uint32_t i = 0; i < reached->count; i++)
        (void)list_extent(list, &reached->references[i], NULL);
    for (uint32_t i = 0; i < reached->count; i++)
        unit_assert_ok(table_visit_extents(self.database, &reached->references[i], list_extent,
                                           list, &self.error));
    self.relation = NULL;
    fixture_close(&self);
    copy_file(here.path, here.copy);
    return id;
}

static void count_problem(void *context, const char *problem)
{
    (void)problem;
    ++*(uint32_t *)context;
}

static uint32_t problems(fixture *self)
{
    uint32_t count = 0;
    base_error_clear(&self->error);
    unit_assert_ok(table_check_integrity(self->database, count_problem, &count, &self->error));
    return count;
}

static void open_with(fixture *self, uint64_t small_id)
{
    int64_t sum;
    unit_assert_ok(fixture_try_open(self, here.path));
    fixture_find_table(self, small_id, 0);
    txn_transaction *transaction = fixture_begin(self, TXN_READ_COMMITTED);
    assert_int_equal(fixture_scan(self, transaction, false, &sum), 5);
    fixture_commit(self, transaction);
}

static base_status try_acquire(fixture *self, uint64_t id)
{
    table_relation *relation;
    txn_transaction *transaction = fixture_begin(self, TXN_READ_COMMITTED);
    base_status status = table_acquire(transaction, id, &relation, &self->error);
    if (status == BASE_OK)
        table_release(relation);
    fixture_commit(self, transaction);
    base_error_clear(&self->error);
    return status;
}

static void drop_table(fixture *self, uint64_t id)
{
    txn_transaction *transaction = fixture_begin(self, TXN_READ_COMMITTED);
    unit_assert_ok(table_drop(transaction, id, &self->error));
    fixture_commit(self, transaction);
}

/* All space but headers, root and free map is free, once what was freed has waited. */
static void expect_no_space_lost(fixture *self, uint64_t small_id)
{
    assert_int_equal(problems(self), 0);
    fixture_close(self);
    open_with(self, small_id);
    assert_int_equal(problems(self), 0);
    insert_rows(self, 1000, 1);
    unit_assert_ok(table_checkpoint(self->database, &self->error));
    assert_int_equal(problems(self), 0);
    txn_transaction *transaction = fixture_begin(self, TXN_READ_COMMITTED);
    unit_assert_ok(fixture_delete(self, transaction, 1000));
    fixture_commit(self, transaction);
    fixture_close(self);
}

/* Which kinds of parts make the table unreadable as a whole. */
static bool hinders_loading(uint16_t kind)
{
    return kind == CACHE_KIND_HOT || kind == CACHE_KIND_VOLUME || kind == CACHE_KIND_MARKS;
}

static void damaged_tables_are_dropped(void **state)
{
    uint64_t id, index_id;
    uint32_t kinds[CACHE_KIND_LAST + 1] = {0};
    static extents list;
    (void)state;
    uint64_t small_id = make_file(1, &id, &index_id, &list);
    for (uint32_t i = 0; i < list.count; i++) {
        fixture self;
        uint16_t kind = list.references[i].kind;
        kinds[kind]++;
        copy_file(here.copy, here.path);
        damage(list.references[i].offset + list.references[i].length / 2);
        open_with(&self, small_id);
        assert_int_equal(try_acquire(&self, id), hinders_loading(kind) ? BASE_CORRUPT : BASE_OK);
        assert_true(problems(&self) > 0);
        insert_rows(&self, 2000, 1); /* what is damaged is no reason not to write the rest */
        unit_assert_ok(table_checkpoint(self.database, &self.error));
        drop_table(&self, id);
        txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        unit_assert_ok(fixture_delete(&self, transaction, 2000));
        fixture_commit(&self, transaction);
        unit_assert_ok(table_checkpoint(self.database, &self.error));
        expect_no_space_lost(&self, small_id);
    }
    assert_true(kinds[CACHE_KIND_HOT] && kinds[CACHE_KIND_VOLUME] && kinds[CACHE_KIND_COLUMN] &&
                kinds[CACHE_KIND_MARKS] && kinds[CACHE_KIND_INDEX_RUN] &&
                kinds[CACHE_KIND_INDEX_BLOCK]);
}

static void damaged_tables_are_emptied(void **state)
{
    uint64_t id, index_id;
    static extents list;
    (void)state;
    uint64_t small_id = make_file(1, &id, &index_id, &list);
    for (uint32_t i = 0; i < list.parts; i++) {
        fixture self;
        copy_file(here.copy, here.path);
        damage(list.references[i].offset);
        open_with(&self, small_id);
        txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        unit_assert_ok(table_truncate(transaction, id, &self.error));
        fixture_commit(&self, transaction);
        table_release(self.relation);
        fixture_find_table(&self, id, index_id);
        insert_rows(&self, 5, 3);
        unit_assert_ok(table_checkpoint(self.database, &self.error));
        assert_int_equal(problems(&self), 0);
        fixture_close(&self);
        unit_assert_ok(fixture_try_open(&self, here.path));
        fixture_find_table(&self, id, index_id);
        assert_int_equal(table_row_count(self.relation), 3);
        assert_int_equal(problems(&self), 0);
        fixture_close(&self);
    }
}

/* While another damaged table is there nobody can tell whose the space is; after it has gone, too,
 * all of it is found, also where the file was closed in between. */
static void two_damaged_tables(void **state)
{
    uint64_t ids[2], indexes[2];
    static extents list;
    (void)state;
    uint64_t small_id = make_file(2, ids, indexes, &list);
    for (uint32_t reopen = 0; reopen < 2; reopen++) {
        fixture self;
        uint32_t damaged = 0;
        copy_file(here.copy, here.path);
        for (uint32_t i = 0; i < list.parts; i++) {
            if (list.references[i].kind == CACHE_KIND_VOLUME) {
                damage(list.references[i].offset);
                damaged++;
            }
        }
        assert_int_equal(damaged, 2);
        open_with(&self, small_id);
        drop_table(&self, ids[0]);
        unit_assert_ok(table_checkpoint(self.database, &self.error));
        assert_true(problems(&self) > 0);
        if (reopen) {
            fixture_close(&self);
            open_with(&self, small_id);
        }
        drop_table(&self, ids[1]);
        unit_assert_ok(table_checkpoint(self.database, &self.error));
        expect_no_space_lost(&self, small_id);
    }
}

/* A crash after the drop: the log drops the table again, and nobody has to read it. */
static void the_drop_is_replayed(void **state)
{
    uint64_t id, index_id;
    static extents list;
    (void)state;
    uint64_t small_id = make_file(1, &id, &index_id, &list);
    fixture self, after;
    char log[128], other[96], other_log[128];
    copy_file(here.copy, here.path);
    for (uint32_t i = 0; i < list.parts; i++)
        damage(list.references[i].offset);
    open_with(&self, small_id);
    drop_table(&self, id);
    (void)snprintf(log, sizeof log, "%s-wal", here.path);
    (void)snprintf(other, sizeof other, "%s/c.tuff", here.folder);
    (void)snprintf(other_log, sizeof other_log, "%s-wal", other);
    copy_file(here.path, other);
    copy_file(log, other_log);
    fixture_close(&self);
    unit_assert_ok(fixture_try_open(&after, other));
    fixture_find_table(&after, small_id, 0);
    assert_int_equal(try_acquire(&after, id), BASE_UNDEFINED_TABLE);
    unit_assert_ok(table_checkpoint(after.database, &after.error));
    assert_int_equal(problems(&after), 0);
    fixture_close(&after);
    (void)unlink(other);
    (void)unlink(other_log);
}

/* A damaged run: the index can be built anew, and a crash does not bring the old one back. */
static void a_rebuilt_index_stays(void **state)
{
    uint64_t id, index_id;
    static extents list;
    (void)state;
    make_file(1, &id, &index_id, &list);
    for (uint32_t checkpoints = 0; checkpoints < 2; checkpoints++) {
        fixture self;
        char log[128], other[96], other_log[128];
        copy_file(here.copy, here.path);
        for (uint32_t i = 0; i < list.parts; i++) {
            if (list.references[i].kind == CACHE_KIND_INDEX_RUN)
                damage(list.references[i].offset);
        }
        unit_assert_ok(fixture_try_open(&self, here.path));
        fixture_find_table(&self, id, index_id);
        assert_true(problems(&self) > 0);
        txn_transaction *transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        assert_int_equal(fixture_insert(&self, transaction, 9001, 1), BASE_CORRUPT);
        table_rollback(transaction);
        transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        unit_assert_ok(table_index_rebuild(transaction, index_id, &self.error));
        fixture_commit(&self, transaction);
        table_release(self.relation);
        fixture_find_table(&self, id, index_id);
        insert_rows(&self, 9001, 2);
        if (checkpoints)
            unit_assert_ok(table_checkpoint(self.database, &self.error));
        (void)snprintf(log, sizeof log, "%s-wal", here.path);
        (void)snprintf(other, sizeof other, "%s/c.tuff", here.folder);
        (void)snprintf(other_log, sizeof other_log, "%s-wal", other);
        copy_file(here.path, other);
        copy_file(log, other_log);
        fixture_close(&self);
        unit_assert_ok(fixture_try_open(&self, other));
        fixture_find_table(&self, id, index_id);
        transaction = fixture_begin(&self, TXN_READ_COMMITTED);
        assert_int_equal(fixture_insert(&self, transaction, 0, 9001), BASE_UNIQUE_VIOLATION);
        assert_int_equal(fixture_insert(&self, transaction, 0, 1), BASE_UNIQUE_VIOLATION);
        table_rollback(transaction);
        unit_assert_ok(table_checkpoint(self.database, &self.error));
        assert_int_equal(problems(&self), 0);
        fixture_close(&self);
        (void)unlink(other);
        (void)unlink(other_log);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(damaged_tables_are_dropped, make_place, remove_place),
        cmocka_unit_test_setup_teardown(damaged_tables_are_emptied, make_place, remove_place),
        cmocka_unit_test_setup_teardown(two_damaged_tables, make_place, remove_place),
        cmocka_unit_test_setup_teardown(the_drop_is_replayed, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_rebuilt_index_stays, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
