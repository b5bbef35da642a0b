/*
 * test_catalog.c - definitions over the storage layer alone: who sees a change when, what a
 * rollback takes back, what a file brings back, and that a definition that does not fit its
 * rows is refused.
 */
#include "unit/unit.h"

#include "catalog/catalog_int.h"

typedef struct fixture {
    base_budget disk;
    os_environment *environment;
    os_runtime *runtime;
    table_database *database;
    catalog *catalog;
} fixture;

static void open_all(fixture *f)
{
    table_options options;
    table_options_default(&options);
    unit_assert_ok(table_database_open(f->runtime, "x", &options, &f->database, NULL));
    unit_assert_ok(catalog_open(f->database, &f->catalog, NULL));
}

static void close_all(fixture *f)
{
    catalog_close(f->catalog);
    unit_assert_ok(table_database_close(f->database, NULL));
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    os_runtime_options options = {.worker_count = 0};
    unit_budget_init(&f->disk);
    unit_assert_ok(os_memory_environment_create(&f->disk, &f->environment, NULL));
    unit_assert_ok(os_runtime_create(f->environment, &options, &f->runtime, NULL));
    open_all(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    close_all(f);
    unit_budget_check(os_runtime_budget(f->runtime));
    os_runtime_destroy(f->runtime);
    os_memory_environment_destroy(f->environment);
    unit_budget_check(&f->disk);
    free(f);
    return 0;
}

static txn_transaction *begin(fixture *f)
{
    txn_transaction *transaction;
    unit_assert_ok(table_begin(f->database, TXN_READ_COMMITTED, false, &transaction, NULL));
    return transaction;
}

static void commit(fixture *f, txn_transaction *transaction)
{
    uint64_t id = catalog_transaction_id(transaction);
    unit_assert_ok(table_commit(transaction, NULL));
    catalog_after_commit(f->catalog, id);
}

static void roll_back(fixture *f, txn_transaction *transaction)
{
    uint64_t id = catalog_transaction_id(transaction);
    table_rollback(transaction);
    catalog_after_rollback(f->catalog, id);
}

/* a INTEGER (the rowid), b TEXT UNIQUE, c DECIMAL(10,2) */
static void create_table(fixture *f, txn_transaction *transaction, const char *name)
{
    catalog_column columns[] = {
        {.name = BASE_TEXT("a"), .type = TYPES_OF(INTEGER)},
        {.name = BASE_TEXT("b"), .type = TYPES_OF(TEXT), .not_null = true},
        {.name = BASE_TEXT("c"), .type = TYPES_DECIMAL_OF(10, 2), .default_sql = BASE_TEXT("1.5")},
    };
    table_index_part b = {.column = 1}, a = {.column = 0};
    char key_name[32]; /* indexes share the tables' names */
    int length = snprintf(key_name, sizeof key_name, "%s_b_key", name);
    catalog_key_definition keys[] = {
        {.kind = CATALOG_PRIMARY_KEY, .name = BASE_TEXT("pk"), .part_count = 1, .parts = &a},
        {.kind = CATALOG_UNIQUE, .name = {key_name, (size_t)length}, .part_count = 1, .parts = &b},
    };
    catalog_table_definition definition = {.name = {name, strlen(name)},
                                           .column_count = 3,
                                           .columns = columns,
                                           .rowid_column = 0,
                                           .key_count = 2,
                                           .keys = keys,
                                           .sql = BASE_TEXT("CREATE TABLE")};
    unit_assert_ok(catalog_create_table(f->catalog, transaction, &definition, NULL));
}

static bool has_table(fixture *f, txn_transaction *transaction, const char *name)
{
    catalog_snapshot *snapshot = catalog_current(f->catalog, transaction);
    bool found = catalog_find_table(snapshot, (base_text){name, strlen(name)}) != NULL;
    catalog_snapshot_release(snapshot);
    return found;
}

/* ---- Visibility ---- */

static void a_change_is_private_until_commit(void **state)
{
    fixture *f = *state;
    txn_transaction *writer = begin(f), *reader = begin(f);
    create_table(f, writer, "t");
    assert_true(has_table(f, writer, "t"));
    assert_true(has_table(f, writer, "T")); /* without regard to case */
    assert_false(has_table(f, reader, "t"));
    commit(f, writer);
    assert_true(has_table(f, reader, "t"));
    roll_back(f, reader);
}

static void a_rollback_takes_definitions_back(void **state)
{
    fixture *f = *state;
    txn_transaction *transaction = begin(f);
    create_table(f, transaction, "t");
    roll_back(f, transaction);
    transaction = begin(f);
    assert_false(has_table(f, transaction, "t"));
    create_table(f, transaction, "t"); /* and the name is free again */
    commit(f, transaction);
    transaction = begin(f);
    catalog_snapshot *snapshot = catalog_current(f->catalog, transaction);
    const catalog_table *table = catalog_find_table(snapshot, BASE_TEXT("t"));
    unit_assert_ok(catalog_drop_table(f->catalog, transaction, table, NULL));
    catalog_snapshot_release(snapshot);
    assert_false(has_table(f, transaction, "t"));
    roll_back(f, transaction);
    transaction = begin(f);
    assert_true(has_table(f, transaction, "t"));
    roll_back(f, transaction);
}

/* A snapshot stays what it was, whatever is committed after it. */
static void snapshots_do_not_change(void **state)
{
    fixture *f = *state;
    txn_transaction *transaction = begin(f);
    create_table(f, transaction, "t");
    commit(f, transaction);
    transaction = begin(f);
    catalog_snapshot *before = catalog_current(f->catalog, transaction);
    const catalog_table *table = catalog_find_table(before, BASE_TEXT("t"));
    unit_assert_ok(
        catalog_rename_column(f->catalog, transaction, table, 1, BASE_TEXT("title"), NULL, NULL));
    catalog_snapshot *after = catalog_current(f->catalog, transaction);
    assert_int_not_equal(catalog_snapshot_version(before), catalog_snapshot_version(after));
    assert_int_equal(catalog_find_column(table, BASE_TEXT("b")), 1);
    assert_int_equal(catalog_find_column(table, BASE_TEXT("title")), -1);
    const catalog_table *renamed = catalog_find_table(after, BASE_TEXT("t"));
    assert_int_equal(catalog_find_column(renamed, BASE_TEXT("TITLE")), 1);
    assert_int_equal(renamed->id, table->id);
    catalog_snapshot_release(after);
    catalog_snapshot_release(before);
    commit(f, transaction);
}

/* ---- Names ---- */

static void near_names_are_found(void **state)
{
    fixture *f = *state;
    txn_transaction *transaction = begin(f);
    create_table(f, transaction, "customers");
    create_table(f, transaction, "orders");
    catalog_snapshot *snapshot = catalog_current(f->catalog, transaction);
    base_text near = catalog_nearest_table(snapshot, BASE_TEXT("custmers"));
    assert_true(base_text_equal(near, BASE_TEXT("customers")));
    assert_int_equal(catalog_nearest_table(snapshot, BASE_TEXT("elephants")).length, 0);
    assert_int_equal(catalog_table_count(snapshot), 2);
    assert_true(base_text_equal(catalog_table_at(snapshot, 0)->name, BASE_TEXT("customers")));
    assert_true(catalog_creation_order(catalog_table_at(snapshot, 0)) <
                catalog_creation_order(catalog_table_at(snapshot, 1)));
    catalog_snapshot_release(snapshot);
    roll_back(f, transaction);
}

static void a_name_is_given_once(void **state)
{
    fixture *f = *state;
    txn_transaction *transaction = begin(f);
    create_table(f, transaction, "t");
    base_error error;
    base_error_clear(&error);
    assert_int_equal(catalog_create_view(f->catalog, transaction, BASE_TEXT("T"), 0, NULL,
                                         BASE_TEXT("SELECT 1"), BASE_TEXT(""), &error),
                     BASE_DUPLICATE_TABLE);
    assert_true(error.message[0] != '\0');
    roll_back(f, transaction);
}

/* ---- Files ---- */

static void definitions_come_back_from_the_file(void **state)
{
    fixture *f = *state;
    txn_transaction *transaction = begin(f);
    create_table(f, transaction, "t");
    catalog_snapshot *snapshot = catalog_current(f->catalog, transaction);
    const catalog_table *table = catalog_find_table(snapshot, BASE_TEXT("t"));
    table_index_part parts[] = {{.column = 2, .descending = true}, {.column = 1}};
    unit_assert_ok(catalog_create_index(f->catalog, transaction, BASE_TEXT("by_c"), table, false, 2,
                                        parts, BASE_TEXT("CREATE INDEX"), NULL));
    catalog_snapshot_release(snapshot);
    commit(f, transaction);
    close_all(f);
    open_all(f);
    transaction = begin(f);
    snapshot = catalog_current(f->catalog, transaction);
    table = catalog_find_table(snapshot, BASE_TEXT("t"));
    assert_non_null(table);
    assert_int_equal(table->column_count, 3);
    assert_int_equal(table->rowid_column, 0);
    assert_true(table->columns[1].not_null);
    assert_true(types_equal(table->columns[2].type, TYPES_DECIMAL_OF(10, 2)));
    assert_true(base_text_equal(table->columns[2].default_sql, BASE_TEXT("1.5")));
    const catalog_index *index = catalog_find_index(snapshot, BASE_TEXT("BY_C"));
    assert_non_null(index);
    assert_int_equal(index->part_count, 2);
    assert_int_equal(index->parts[0].column, 2);
    assert_true(index->parts[0].descending);
    assert_non_null(table_index_by_id(table->relation, index->id));
    catalog_snapshot_release(snapshot);
    roll_back(f, transaction);
}

/* What a damaged file may claim: the check looks at every claim. */
static void definitions_must_fit_their_rows(void **state)
{
    fixture *f = *state;
    txn_transaction *transaction = begin(f);
    create_table(f, transaction, "t");
    catalog_snapshot *snapshot = catalog_current(f->catalog, transaction);
    catalog_entry *entry = catalog_entry_of(catalog_find_table(snapshot, BASE_TEXT("t")));
    catalog_table *table = &entry->table; /* changed and mended again: nobody else looks */
    unit_assert_ok(catalog_entry_agree(entry, NULL));
    table->columns[2].type.scale = 3;
    assert_int_equal(catalog_entry_agree(entry, NULL), BASE_CORRUPT);
    table->columns[2].type.scale = 2;
    table->columns[2].id = 7;
    assert_int_equal(catalog_entry_agree(entry, NULL), BASE_CORRUPT);
    table->columns[2].id = 1;
    assert_int_equal(catalog_entry_agree(entry, NULL), BASE_CORRUPT);
    table->columns[2].id = 2;
    table->rowid_column = -1;
    assert_int_equal(catalog_entry_agree(entry, NULL), BASE_CORRUPT);
    table->rowid_column = 0;
    table->indexes[0]->parts[0].column = 2;
    assert_int_equal(catalog_entry_agree(entry, NULL), BASE_CORRUPT);
    table->indexes[0]->parts[0].column = 1;
    table->indexes[0]->id++;
    assert_int_equal(catalog_entry_agree(entry, NULL), BASE_CORRUPT);
    table->indexes[0]->id--;
    unit_assert_ok(catalog_entry_agree(entry, NULL));
    catalog_snapshot_release(snapshot);
    roll_back(f, transaction);
}

/* A body cut off at any length, or with a byte changed, is refused or read: never worse. */
static void damaged_bodies_are_refused(void **state)
{
    fixture *f = *state;
    txn_transaction *transaction = begin(f);
    create_table(f, transaction, "t");
    catalog_snapshot *snapshot = catalog_current(f->catalog, transaction);
    base_budget budget;
    base_buffer body;
    unit_budget_init(&budget);
    base_buffer_init(&body, &budget);
    catalog_body_write(catalog_find_table(snapshot, BASE_TEXT("t")), &body);
    for (size_t length = 0; length <= body.length; length++) {
        catalog_entry *entry = catalog_entry_create(&budget);
        base_status status = catalog_body_read(entry, (base_text){body.data, length}, NULL);
        assert_int_equal(status, length == body.length ? BASE_OK : BASE_CORRUPT);
        catalog_entry_release(entry);
    }
    for (size_t at = 0; at < body.length; at++) {
        catalog_entry *entry = catalog_entry_create(&budget);
        body.data[at] ^= 0x55;
        (void)catalog_body_read(entry, (base_text){body.data, body.length}, NULL);
        body.data[at] ^= 0x55;
        catalog_entry_release(entry);
    }
    base_buffer_destroy(&body);
    unit_budget_check(&budget);
    catalog_snapshot_release(snapshot);
    roll_back(f, transaction);
}

/* ---- Temporary views ---- */

static void temporary_views_hide_tables(void **state)
{
    fixture *f = *state;
    txn_transaction *transaction = begin(f);
    create_table(f, transaction, "t");
    catalog_temporary *temporary;
    unit_assert_ok(catalog_temporary_create(f->catalog, &temporary, NULL));
    catalog_snapshot *base = catalog_current(f->catalog, transaction), *overlay;
    unit_assert_ok(catalog_overlay(base, temporary, &overlay, NULL));
    assert_ptr_equal(overlay, base); /* nothing to lay over */
    catalog_snapshot_release(overlay);
    catalog_column column = {.name = BASE_TEXT("x"), .type = TYPES_OF(INTEGER)};
    unit_assert_ok(catalog_temporary_add_view(temporary, BASE_TEXT("T"), 1, &column,
                                              BASE_TEXT("SELECT 1"), BASE_TEXT(""), NULL));
    unit_assert_ok(catalog_overlay(base, temporary, &overlay, NULL));
    assert_int_equal(catalog_find_table(overlay, BASE_TEXT("t"))->kind, CATALOG_VIEW);
    assert_int_equal(catalog_find_table(base, BASE_TEXT("t"))->kind, CATALOG_TABLE);
    assert_int_not_equal(catalog_snapshot_version(base), catalog_snapshot_version(overlay));
    catalog_snapshot_release(overlay);
    assert_true(catalog_temporary_drop(temporary, BASE_TEXT("t")));
    assert_false(catalog_temporary_drop(temporary, BASE_TEXT("t")));
    catalog_temporary_destroy(temporary);
    catalog_snapshot_release(base);
    roll_back(f, transaction);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_change_is_private_until_commit),
        TEST(a_rollback_takes_definitions_back),
        TEST(snapshots_do_not_change),
        TEST(near_names_are_found),
        TEST(a_name_is_given_once),
        TEST(definitions_come_back_from_the_file),
        TEST(definitions_must_fit_their_rows),
        TEST(damaged_bodies_are_refused),
        TEST(temporary_views_hide_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
