/*
 * test_catalog.c - definitions over the storage layer alone: who sees a change when, what a
 * rollback takes back, what a file brings back, and that a definition that does not fit its
 * rows is refused.
 */
#include <strings.h>
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

/* A change that is refused and undone, as its statement is. */
#define ASSERT_REFUSED(transaction, change, expected)                                              \
    do {                                                                                           \
        txn_mark mark_ = table_get_mark(transaction);                                              \
        assert_int_equal((change), (expected));                                                    \
        table_rollback_to((transaction), mark_);                                                   \
    } while (0)

/* ---- Visibility ---- */

static void a_change_is_private_until_commit(void **state)
{
    fixture *f = *state;
    txn_transaction *writer = begin(f), *reader = begin(f);
    create_table(f, writer, "t");
    assert_true(has_table(f, writer, "t"));
    assert_true(has_table(f, writer, "T")); /* without regard to case */
    assert_false(has_table(f, reader, "t"));
    assert_int_equal(catalog_current_version(f->catalog, writer), 0);
    uint64_t before = catalog_current_version(f->catalog, reader);
    commit(f, writer);
    assert_true(has_table(f, reader, "t"));
    catalog_snapshot *now = catalog_current(f->catalog, reader);
    assert_int_equal(catalog_current_version(f->catalog, reader), catalog_snapshot_version(now));
    assert_int_not_equal(catalog_snapshot_version(now), before);
    catalog_snapshot_release(now);
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

static void constraints_have_names_of_their_own(void **state)
{
    fixture *f = *state;
    txn_transaction *transaction = begin(f);
    catalog_column columns[] = {{.name = BASE_TEXT("a"), .type = TYPES_OF(TEXT)},
                                {.name = BASE_TEXT("b"), .type = TYPES_OF(TEXT)}};
    table_index_part a = {.column = 0}, b = {.column = 1};
    catalog_key_definition keys[] = {{.kind = CATALOG_UNIQUE, .part_count = 1, .parts = &a},
                                     {.kind = CATALOG_UNIQUE, .part_count = 1, .parts = &b}};
    catalog_constraint checks[] = {{.kind = CATALOG_CHECK, .check_sql = BASE_TEXT("a > ''")},
                                   {.kind = CATALOG_CHECK, .check_sql = BASE_TEXT("b > ''")}};
    catalog_table_definition definition = {.name = BASE_TEXT("t"),
                                           .column_count = 2,
                                           .columns = columns,
                                           .rowid_column = -1,
                                           .key_count = 2,
                                           .keys = keys,
                                           .check_count = 2,
                                           .checks = checks};
    static const struct {
        const char *names[4]; /* of the keys, then of the checks; NULL: made */
        base_status expected;
    } cases[] = {
        {{"x", "X", NULL, NULL}, BASE_DUPLICATE_OBJECT},
        {{"x", NULL, "x", NULL}, BASE_DUPLICATE_OBJECT},
        {{NULL, NULL, "x", "X"}, BASE_DUPLICATE_OBJECT},
        {{"T", NULL, NULL, NULL}, BASE_DUPLICATE_TABLE}, /* indexes share the tables' names */
        {{"t_b_key", NULL, "t_check", NULL}, BASE_OK},   /* made ones get out of the way */
    };
    for (size_t i = 0; i < BASE_COUNT_OF(cases); i++) {
        for (uint32_t k = 0; k < 2; k++) {
            keys[k].name = base_text_of(cases[i].names[k]);
            checks[k].name = base_text_of(cases[i].names[2 + k]);
        }
        if (cases[i].expected == BASE_OK)
            unit_assert_ok(catalog_create_table(f->catalog, transaction, &definition, NULL));
        else
            ASSERT_REFUSED(transaction,
                           catalog_create_table(f->catalog, transaction, &definition, NULL),
                           cases[i].expected);
    }
    catalog_snapshot *snapshot = catalog_current(f->catalog, transaction);
    const catalog_table *table = catalog_find_table(snapshot, BASE_TEXT("t"));
    static const char *const names[] = {"t_b_key", "t_b_key1", "t_check", "t_check1"};
    assert_int_equal(table->constraint_count, 4);
    for (uint32_t i = 0; i < 4; i++)
        assert_true(base_text_equal(table->constraints[i].name, base_text_of(names[i])));
    catalog_snapshot_release(snapshot);
    roll_back(f, transaction);
}

/* Between a commit and its catalog_after_commit another one may look for a table: it must not
 * change what it found then. */
static void a_change_of_an_old_definition_begins_again(void **state)
{
    fixture *f = *state;
    txn_transaction *first = begin(f);
    create_table(f, first, "t");
    commit(f, first);
    for (int turn = 0; turn < 2; turn++) {
        txn_transaction *mine, *other = begin(f);
        catalog_snapshot *before = catalog_current(f->catalog, other);
        catalog_column column = {.name = base_text_of(turn ? "e" : "d"), .type = TYPES_OF(INTEGER)};
        types_value missing = types_null_of(column.type);
        unit_assert_ok(catalog_add_column(f->catalog, other,
                                          catalog_find_table(before, BASE_TEXT("t")), &column,
                                          &missing, NULL));
        uint64_t other_id = catalog_transaction_id(other);
        unit_assert_ok(table_commit(other, NULL));
        txn_isolation isolation = turn ? TXN_SNAPSHOT : TXN_READ_COMMITTED;
        unit_assert_ok(table_begin(f->database, isolation, false, &mine, NULL));
        catalog_snapshot *mine_before = catalog_current(f->catalog, mine);
        assert_ptr_equal(mine_before, before);
        catalog_after_commit(f->catalog, other_id);
        const catalog_table *old = catalog_find_table(mine_before, BASE_TEXT("t"));
        base_status expected = turn ? BASE_SERIALIZATION : BASE_RESTART;
        txn_mark mark = table_get_mark(mine);
        column.name = BASE_TEXT("f");
        assert_int_equal(catalog_add_column(f->catalog, mine, old, &column, &missing, NULL),
                         expected);
        table_rollback_to(mine, mark);
        assert_int_equal(catalog_drop_table(f->catalog, mine, old, NULL), expected);
        roll_back(f, mine);
        catalog_snapshot_release(mine_before);
        catalog_snapshot_release(before);
    }
    txn_transaction *reader = begin(f);
    catalog_snapshot *now = catalog_current(f->catalog, reader);
    assert_int_equal(catalog_find_table(now, BASE_TEXT("t"))->column_count, 5);
    catalog_snapshot_release(now);
    roll_back(f, reader);
}

/* ---- Changes ---- */

static const catalog_table *table_of(fixture *f, txn_transaction *transaction, const char *name,
                                     catalog_snapshot **snapshot)
{
    catalog_snapshot_release(*snapshot);
    *snapshot = catalog_current(f->catalog, transaction);
    const catalog_table *table = catalog_find_table(*snapshot, base_text_of(name));
    assert_non_null(table);
    return table;
}

/* Places in the table move with the columns, ids of the relation stay. */
static void columns_come_and_go(void **state)
{
    fixture *f = *state;
    txn_transaction *transaction = begin(f);
    catalog_snapshot *snapshot = NULL;
    base_error error;
    base_error_clear(&error);
    create_table(f, transaction, "t");
    const catalog_table *table = table_of(f, transaction, "t", &snapshot);
    ASSERT_REFUSED(transaction, catalog_drop_column(f->catalog, transaction, table, 0, &error),
                   BASE_DEPENDENT_OBJECTS); /* the rowid */
    unit_assert_ok(catalog_drop_column(f->catalog, transaction, table, 1, NULL));
    table = table_of(f, transaction, "t", &snapshot);
    assert_int_equal(table->column_count, 2);
    assert_int_equal(table->index_count, 0); /* its key and index went with b */
    assert_int_equal(table->constraint_count, 1);
    assert_int_equal(table->rowid_column, 0);
    assert_int_equal(table->columns[1].id, 2);
    assert_int_equal(table->sql.length, 0); /* what was written is no longer true */
    catalog_column column = {.name = BASE_TEXT("d"), .type = TYPES_OF(DATE), .not_null = true};
    types_value day = {.type = TYPES_OF(DATE), .cell.int32 = 1};
    unit_assert_ok(catalog_add_column(f->catalog, transaction, table, &column, &day, NULL));
    table = table_of(f, transaction, "t", &snapshot);
    assert_int_equal(table->columns[2].id, 3);
    column.name = BASE_TEXT("D");
    ASSERT_REFUSED(transaction,
                   catalog_add_column(f->catalog, transaction, table, &column, &day, NULL),
                   BASE_DUPLICATE_COLUMN);
    base_text checks[] = {{NULL, 0}};
    unit_assert_ok(
        catalog_rename_column(f->catalog, transaction, table, 2, BASE_TEXT("when"), checks, NULL));
    table = table_of(f, transaction, "t", &snapshot);
    assert_int_equal(catalog_find_column(table, BASE_TEXT("WHEN")), 2);
    assert_int_equal(catalog_find_column(table, BASE_TEXT("d")), -1);
    unit_assert_ok(
        catalog_rename_table(f->catalog, transaction, table, BASE_TEXT("T"), NULL, NULL));
    table = table_of(f, transaction, "t", &snapshot);
    assert_true(base_text_equal(table->name, BASE_TEXT("T"))); /* a change of spelling */
    unit_assert_ok(catalog_drop_column(f->catalog, transaction, table, 2, NULL));
    table = table_of(f, transaction, "t", &snapshot);
    unit_assert_ok(catalog_drop_column(f->catalog, transaction, table, 1, NULL));
    table = table_of(f, transaction, "t", &snapshot);
    ASSERT_REFUSED(transaction, catalog_drop_column(f->catalog, transaction, table, 0, NULL),
                   BASE_INVALID_DEFINITION); /* the only one */
    catalog_snapshot_release(snapshot);
    roll_back(f, transaction);
}

static void indexes_come_and_go(void **state)
{
    fixture *f = *state;
    txn_transaction *transaction = begin(f);
    catalog_snapshot *snapshot = NULL;
    create_table(f, transaction, "t");
    const catalog_table *table = table_of(f, transaction, "t", &snapshot);
    ASSERT_REFUSED(transaction,
                   catalog_drop_index(f->catalog, transaction, table->indexes[0], NULL),
                   BASE_DEPENDENT_OBJECTS); /* it belongs to a key */
    table_index_part parts[] = {{.column = 2, .descending = true}, {.column = 1}};
    unit_assert_ok(catalog_create_index(f->catalog, transaction, BASE_TEXT("i"), table, false, 2,
                                        parts, BASE_TEXT("CREATE INDEX"), NULL));
    table = table_of(f, transaction, "t", &snapshot);
    assert_int_equal(table->index_count, 2);
    const catalog_index *index = catalog_find_index(snapshot, BASE_TEXT("I"));
    assert_ptr_equal(index->table, table);
    assert_false(index->unique);
    assert_true(index->parts[0].descending);
    assert_int_equal(index->parts[1].column, 1);
    ASSERT_REFUSED(transaction,
                   catalog_create_index(f->catalog, transaction, BASE_TEXT("T"), table, false, 1,
                                        parts, BASE_TEXT(""), NULL),
                   BASE_DUPLICATE_TABLE);
    unit_assert_ok(catalog_drop_index(f->catalog, transaction, index, NULL));
    table = table_of(f, transaction, "t", &snapshot);
    assert_null(catalog_find_index(snapshot, BASE_TEXT("i")));
    assert_int_equal(table->index_count, 1);
    catalog_snapshot_release(snapshot);
    roll_back(f, transaction);
}

/* A statement that fails goes back to the definitions that its transaction had before it. */
static void a_statement_goes_back_alone(void **state)
{
    fixture *f = *state;
    txn_transaction *transaction = begin(f);
    create_table(f, transaction, "kept");
    txn_mark mark = table_get_mark(transaction);
    catalog_snapshot *before = catalog_before_statement(f->catalog, transaction);
    create_table(f, transaction, "undone");
    assert_true(has_table(f, transaction, "undone"));
    table_rollback_to(transaction, mark);
    catalog_back_to(f->catalog, transaction, before);
    assert_false(has_table(f, transaction, "undone"));
    assert_true(has_table(f, transaction, "kept"));
    create_table(f, transaction, "undone");
    commit(f, transaction);
    transaction = begin(f);
    assert_true(has_table(f, transaction, "kept"));
    assert_true(has_table(f, transaction, "undone"));
    assert_null(catalog_before_statement(f->catalog, transaction)); /* nothing of its own */
    roll_back(f, transaction);
}

/* Names are found by halves: any order of creation, and of what a file brings back. */
static void many_tables_are_found(void **state)
{
    enum {
        TABLES = 300
    };
    fixture *f = *state;
    char name[16];
    txn_transaction *transaction = begin(f);
    for (uint32_t i = 0; i < TABLES; i++) {
        snprintf(name, sizeof name, "%c%u", i % 2 ? 't' : 'T', i * 7 % TABLES);
        unit_assert_ok(catalog_create_view(f->catalog, transaction, base_text_of(name), 0, NULL,
                                           BASE_TEXT("SELECT 1"), BASE_TEXT("CREATE VIEW"), NULL));
    }
    commit(f, transaction);
    for (int turn = 0; turn < 2; turn++) {
        transaction = begin(f);
        catalog_snapshot *snapshot = catalog_current(f->catalog, transaction);
        assert_int_equal(catalog_table_count(snapshot), TABLES);
        assert_null(catalog_table_at(snapshot, TABLES));
        for (uint32_t i = 0; i < TABLES; i++) {
            snprintf(name, sizeof name, "t%u", i);
            assert_non_null(catalog_find_table(snapshot, base_text_of(name)));
            if (i)
                assert_true(strcasecmp(catalog_table_at(snapshot, i - 1)->name.data,
                                       catalog_table_at(snapshot, i)->name.data) < 0);
        }
        assert_null(catalog_find_table(snapshot, BASE_TEXT("t")));
        assert_null(catalog_find_table(snapshot, BASE_TEXT("t300")));
        catalog_snapshot_release(snapshot);
        roll_back(f, transaction);
        close_all(f);
        open_all(f);
    }
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
        TEST(constraints_have_names_of_their_own),
        TEST(a_change_of_an_old_definition_begins_again),
        TEST(columns_come_and_go),
        TEST(indexes_come_and_go),
        TEST(a_statement_goes_back_alone),
        TEST(many_tables_are_found),
        TEST(definitions_come_back_from_the_file),
        TEST(definitions_must_fit_their_rows),
        TEST(damaged_bodies_are_refused),
        TEST(temporary_views_hide_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
