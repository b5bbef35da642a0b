/*
 * test_set.c - tree and runs as one set: entries that move are never missed and never given
 * twice, whoever reads, adds and removes meanwhile.
 */
#include <stdlib.h>

#include "unit/unit.h"
#include "index/set/index_set.h"

enum {
    STABLE = 3000, /* entries that stay: odd numbers */
    READERS = 3,
    ROUNDS = 30
};

typedef struct fixture {
    base_budget budget;
    os_environment *environment;
    cache_file *file;
    index_set *set;
    _Atomic(bool) stop;
    _Atomic(uint32_t) scans;
} fixture;

static void start(fixture *self)
{
    memset(self, 0, sizeof *self);
    unit_budget_init(&self->budget);
    unit_assert_ok(os_memory_environment_create(&self->budget, &self->environment, NULL));
    cache_options options = {.environment = self->environment,
                             .budget = &self->budget,
                             .path = "x.tuff",
                             .create = true};
    bool created;
    unit_assert_ok(cache_open(&options, &self->file, &created, NULL));
    unit_assert_ok(index_set_create(&index_btree_kind, &self->budget, &self->set, NULL));
}

static void stop(fixture *self)
{
    index_set_destroy(self->set);
    cache_statistics statistics;
    cache_get_statistics(self->file, &statistics);
    assert_int_equal(statistics.loose_size, 0);
    cache_close(self->file);
    os_memory_environment_destroy(self->environment);
    unit_budget_check(&self->budget);
}

static base_text key_of(uint64_t number, char key[8])
{
    base_store_u64(key, __builtin_bswap64(number / 4)); /* four rowids share a key */
    return (base_text){key, 8};
}

static void insert(fixture *self, uint64_t number)
{
    char key[8];
    uint32_t found;
    unit_assert_ok(
        index_set_insert(self->set, key_of(number, key), (int64_t)number, true, &found, NULL));
}

static bool remove_one(fixture *self, uint64_t number)
{
    char key[8];
    return index_set_remove(self->set, key_of(number, key), (int64_t)number);
}

/* Everything in the range; stable entries must all be there, once, in order. */
static uint32_t scan(fixture *self, index_set_cursor *cursor, uint64_t first, uint64_t end,
                     bool descending, uint32_t limit)
{
    char low[8], high[8];
    index_range range = {key_of(first, low), key_of(end, high), true, false};
    uint64_t expected = descending ? (end - 1) | 1 : first | 1;
    uint32_t total = 0;
    bool has_last = false;
    int64_t last = 0;
    unit_assert_ok(index_set_cursor_seek(cursor, &range, descending, false, NULL));
    for (;;) {
        const index_entry *entries;
        uint32_t count;
        base_status status = index_set_cursor_next(cursor, limit, &entries, &count, NULL);
        if (status == BASE_DONE)
            break;
        assert_int_equal(status, BASE_ROW);
        assert_in_range(count, 1, limit);
        for (uint32_t i = 0; i < count; i++) {
            int64_t number = entries[i].rowid;
            assert_true(!has_last || (descending ? number < last : number > last));
            last = number;
            has_last = true;
            total++;
            if (number & 1) {
                assert_int_equal(number, expected);
                expected += descending ? UINT64_MAX - 1 : 2;
            }
        }
    }
    assert_int_equal(expected, descending ? first - 1 : end + 1);
    return total;
}

/* ---- One thread ------------------------------------------------------------------------------ */

static index_run *write_tree(fixture *self, bool *empty)
{
    const index_kind *kind = index_set_kind(self->set);
    index_run_options options = {
        .file = self->file, .budget = &self->budget, .loose = true, .filter = true};
    index_run_writer *writer;
    index_cursor *cursor;
    index_range all = {0};
    index_run *run = NULL;
    unit_assert_ok(index_run_writer_create(&options, &writer, NULL));
    unit_assert_ok(kind->cursor_create(index_set_tree(self->set), &cursor, NULL));
    unit_assert_ok(kind->seek(cursor, &all, false, NULL));
    const index_entry *entries;
    uint32_t count;
    while (kind->next(cursor, 256, &entries, &count, NULL) == BASE_ROW) {
        for (uint32_t i = 0; i < count; i++)
            unit_assert_ok(index_run_writer_append(writer, entries[i].key, entries[i].rowid, NULL));
    }
    kind->cursor_destroy(cursor);
    *empty = index_run_writer_count(writer) == 0;
    if (!*empty) {
        cache_reference reference;
        unit_assert_ok(index_run_writer_finish(writer, &reference, NULL));
        unit_assert_ok(index_run_open(self->file, &self->budget, &reference, &run, NULL));
        index_run_set_loose(run, true);
    }
    index_run_writer_destroy(writer);
    return run;
}

static void change(fixture *self, index_run *const *removed, uint32_t count, index_run *added)
{
    index_set_list *prepared;
    unit_assert_ok(index_set_prepare(self->set, &prepared, NULL));
    assert_true(index_set_change(self->set, prepared, removed, count, added));
}

/* The tree's stable entries move to a run. */
static void move_entries(fixture *self)
{
    bool empty;
    index_run *run = write_tree(self, &empty);
    if (empty)
        return;
    index_run_cursor *cursor;
    index_run_range all = {0};
    const index_entry *entries;
    uint32_t count;
    change(self, NULL, 0, run);
    unit_assert_ok(index_run_cursor_create(run, &cursor, NULL));
    unit_assert_ok(index_run_cursor_seek(cursor, &all, false, NULL));
    while (index_run_cursor_next(cursor, 256, &entries, &count, NULL) == BASE_ROW) {
        for (uint32_t i = 0; i < count; i++)
            (void)index_set_remove(self->set, entries[i].key, entries[i].rowid);
    }
    index_run_cursor_destroy(cursor);
    index_run_drop(run);
}

/* All runs become one; even entries, which are stale in runs, are left out. */
static void merge_runs(fixture *self)
{
    index_set_list *list = index_set_hold(self->set);
    index_set *all_runs;
    index_set_cursor *cursor;
    unit_assert_ok(index_set_create(&index_btree_kind, &self->budget, &all_runs, NULL));
    for (uint32_t i = 0; i < index_set_run_count(list); i++) {
        index_set_list *prepared;
        unit_assert_ok(index_set_prepare(all_runs, &prepared, NULL));
        assert_true(index_set_change(all_runs, prepared, NULL, 0, index_set_run_at(list, i)));
    }
    index_run_options options = {
        .file = self->file, .budget = &self->budget, .loose = true, .filter = true};
    index_run_writer *writer;
    index_range all = {0};
    unit_assert_ok(index_run_writer_create(&options, &writer, NULL));
    unit_assert_ok(index_set_cursor_create(all_runs, &cursor, NULL));
    unit_assert_ok(index_set_cursor_seek(cursor, &all, false, false, NULL));
    const index_entry *entries;
    uint32_t count;
    while (index_set_cursor_next(cursor, 256, &entries, &count, NULL) == BASE_ROW) {
        for (uint32_t i = 0; i < count; i++) {
            if (entries[i].rowid & 1)
                unit_assert_ok(
                    index_run_writer_append(writer, entries[i].key, entries[i].rowid, NULL));
        }
    }
    index_set_cursor_destroy(cursor);
    index_set_destroy(all_runs);
    cache_reference reference;
    index_run *merged, *removed[64];
    unit_assert_ok(index_run_writer_finish(writer, &reference, NULL));
    index_run_writer_destroy(writer);
    unit_assert_ok(index_run_open(self->file, &self->budget, &reference, &merged, NULL));
    index_run_set_loose(merged, true);
    uint32_t removed_count = index_set_run_count(list);
    assert_in_range(removed_count, 1, 64);
    for (uint32_t i = 0; i < removed_count; i++)
        removed[i] = index_set_run_at(list, i);
    change(self, removed, removed_count, merged);
    index_run_drop(merged);
    index_set_let_go(list);
}

static void entries_count_once(void **state)
{
    (void)state;
    fixture self;
    index_set_cursor *cursor;
    start(&self);
    unit_assert_ok(index_set_cursor_create(self.set, &cursor, NULL));
    for (uint64_t i = 1; i < 2 * STABLE; i += 2)
        insert(&self, i);
    assert_int_equal(scan(&self, cursor, 0, 2 * STABLE, false, 256), STABLE);
    move_entries(&self);
    assert_int_equal(index_set_kind(self.set)->count(index_set_tree(self.set)), 0);
    assert_int_equal(scan(&self, cursor, 0, 2 * STABLE, false, 256), STABLE);
    assert_int_equal(scan(&self, cursor, 0, 2 * STABLE, true, 7), STABLE);
    for (int round = 0; round < 5; round++) { /* again, so they are here and there */
        for (uint64_t i = 1; i < 2 * STABLE; i += 2)
            insert(&self, i);
        uint32_t stale = round ? 20 : 0;
        assert_int_equal(scan(&self, cursor, 0, 2 * STABLE, true, 256), STABLE + stale);
        for (uint64_t i = 0; i < 40; i += 2)
            insert(&self, i);
        assert_int_equal(scan(&self, cursor, 0, 2 * STABLE, false, 5), STABLE + 20);
        move_entries(&self);
    }
    char key[8];
    uint32_t found = 0;
    bool may;
    unit_assert_ok(index_set_runs_may_have(self.set, key_of(12, key), &may, NULL));
    assert_true(may);
    unit_assert_ok(index_set_insert(self.set, key_of(12, key), 100000, false, &found, NULL));
    assert_int_equal(found, 0); /* the tree alone was asked */
    assert_true(remove_one(&self, 12) == false);
    assert_true(index_set_remove(self.set, key_of(12, key), 100000));
    unit_assert_ok(index_set_insert(self.set, key_of(12, key), 100000, true, &found, NULL));
    assert_int_equal(found, INDEX_FOUND_KEY);
    assert_true(index_set_remove(self.set, key_of(12, key), 100000));
    merge_runs(&self);
    assert_int_equal(scan(&self, cursor, 0, 2 * STABLE, true, 256), STABLE);
    /* One key by its filter. */
    index_range one = {key_of(401, key), key_of(401, key), true, true};
    const index_entry *entries;
    uint32_t count;
    unit_assert_ok(index_set_cursor_seek(cursor, &one, false, true, NULL));
    assert_int_equal(index_set_cursor_next(cursor, 16, &entries, &count, NULL), BASE_ROW);
    assert_int_equal(count, 2);
    assert_int_equal(entries[0].rowid, 401);
    assert_int_equal(index_set_cursor_next(cursor, 16, &entries, &count, NULL), BASE_DONE);
    index_set_cursor_destroy(cursor);
    stop(&self);
}

/* A cursor that stands in the middle goes on through every change of place. */
static void cursors_survive_every_change(void **state)
{
    (void)state;
    for (int descending = 0; descending < 2; descending++) {
        fixture self;
        index_set_cursor *cursor;
        index_range all = {0};
        uint64_t expected = descending ? 2 * STABLE - 1 : 1;
        start(&self);
        for (uint64_t i = 1; i < 2 * STABLE; i += 2)
            insert(&self, i);
        unit_assert_ok(index_set_cursor_create(self.set, &cursor, NULL));
        unit_assert_ok(index_set_cursor_seek(cursor, &all, descending, false, NULL));
        for (uint32_t step = 0;; step++) {
            const index_entry *entries;
            uint32_t count;
            base_status status = index_set_cursor_next(cursor, 100, &entries, &count, NULL);
            if (status == BASE_DONE)
                break;
            assert_int_equal(status, BASE_ROW);
            for (uint32_t i = 0; i < count; i++) {
                assert_int_equal(entries[i].rowid, expected);
                expected += descending ? UINT64_MAX - 1 : 2;
            }
            if (step % 3 == 0)
                move_entries(&self);
            else if (step % 3 == 1)
                merge_runs(&self);
            else
                for (uint64_t i = 1; i < 2 * STABLE; i += 2)
                    insert(&self, i);
        }
        assert_int_equal(expected, descending ? UINT64_MAX : 2 * STABLE + 1);
        index_set_cursor_destroy(cursor);
        stop(&self);
    }
}

/* A tree that changes under its reader: all entries leave for a run just before they would be
 * read, after the cursor took its list of runs. */
static fixture *moving;

static base_status move_then_read(index_cursor *cursor, uint32_t limit, const index_entry **entries,
                                  uint32_t *count, base_error *error)
{
    fixture *self = moving;
    moving = NULL;
    if (self)
        move_entries(self);
    return index_btree_kind.next(cursor, limit, entries, count, error);
}

static void entries_that_move_under_the_reader_are_found(void **state)
{
    (void)state;
    for (int shape = 0; shape < 4; shape++) { /* without and with runs; up and down */
        fixture self;
        index_set_cursor *cursor;
        index_kind kind = index_btree_kind;
        kind.next = move_then_read;
        start(&self);
        index_set_destroy(self.set);
        unit_assert_ok(index_set_create(&kind, &self.budget, &self.set, NULL));
        for (uint64_t i = 1; i < STABLE; i += 2)
            insert(&self, i);
        if (shape & 1)
            move_entries(&self);
        for (uint64_t i = STABLE + 1; i < 2 * STABLE; i += 2)
            insert(&self, i);
        unit_assert_ok(index_set_cursor_create(self.set, &cursor, NULL));
        moving = &self;
        assert_int_equal(scan(&self, cursor, 0, 2 * STABLE, shape & 2, 256), STABLE);
        assert_null(moving);
        index_set_cursor_destroy(cursor);
        stop(&self);
    }
}

/* ---- Threads --------------------------------------------------------------------------------- */

static void read_on(void *argument)
{
    fixture *self = argument;
    index_set_cursor *cursor;
    uint64_t seed = atomic_fetch_add(&self->scans, 1) * 77 + 1;
    unit_assert_ok(index_set_cursor_create(self->set, &cursor, NULL));
    while (!atomic_load(&self->stop)) {
        seed = base_hash_u64(seed);
        uint64_t first = seed % STABLE / 4 * 4;
        uint64_t length = ((seed >> 20) % 16 == 0 ? STABLE : 64) / 4 * 4;
        (void)scan(self, cursor, first, first + length, seed >> 40 & 1,
                   1 + (uint32_t)(seed >> 44) % 256);
        atomic_fetch_add(&self->scans, 1);
    }
    index_set_cursor_destroy(cursor);
}

/* Even entries come and go. */
static void write_on(void *argument)
{
    fixture *self = argument;
    uint64_t seed = 5;
    while (!atomic_load(&self->stop)) {
        seed = base_hash_u64(seed);
        if (seed >> 60 & 1)
            insert(self, seed % STABLE * 2);
        else
            (void)remove_one(self, seed % STABLE * 2);
    }
}

static void readers_miss_nothing(void **state)
{
    (void)state;
    fixture self;
    os_thread *threads[READERS + 1];
    start(&self);
    for (uint64_t i = 1; i < 2 * STABLE; i += 2)
        insert(&self, i);
    for (uint32_t i = 0; i < READERS; i++)
        unit_assert_ok(os_thread_start(&self.budget, read_on, &self, &threads[i], NULL));
    unit_assert_ok(os_thread_start(&self.budget, write_on, &self, &threads[READERS], NULL));
    for (uint32_t round = 0; round < ROUNDS; round++) {
        move_entries(&self);
        if (round % 4 == 3)
            merge_runs(&self);
        for (uint64_t i = 1; i < 2 * STABLE; i += 2)
            insert(&self, i);
    }
    for (uint32_t turns = 0; atomic_load(&self.scans) < 20 * READERS; turns++)
        os_spin_pause(turns);
    atomic_store(&self.stop, true);
    for (uint32_t i = 0; i <= READERS; i++)
        os_thread_join(threads[i]);
    print_message("%u scans\n", atomic_load(&self.scans));
    stop(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_count_once),
        cmocka_unit_test(cursors_survive_every_change),
        cmocka_unit_test(entries_that_move_under_the_reader_are_found),
        cmocka_unit_test(readers_miss_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
