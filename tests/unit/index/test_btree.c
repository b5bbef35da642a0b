/*
 * test_btree.c - the ordered tree against a sorted array, with failing memory and threads.
 */
#include "unit/unit.h"
#include "index/index.h"

static const index_kind *kind = &index_btree_kind;

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void no_problem(void *context, const char *problem)
{
    (void)context;
    fail_msg("%s", problem);
}

/* Keys of different length that still form a prefix-free set: digits and an end mark. */
static base_text make_key(uint64_t number, char *buffer, size_t padding)
{
    memset(buffer, 'k', padding);
    int length = snprintf(buffer + padding, 32, "%06llu.", (unsigned long long)number);
    return (base_text){buffer, padding + (size_t)length};
}

static uint64_t count_range(index_tree *tree, index_range range, bool descending, uint32_t limit)
{
    index_cursor *cursor;
    base_error error;
    base_error_clear(&error);
    unit_assert_ok(kind->cursor_create(tree, &cursor, &error));
    unit_assert_ok(kind->seek(cursor, &range, descending, &error));
    uint64_t total = 0;
    char before[512] = "";
    size_t before_length = 0;
    int64_t before_rowid = 0;
    for (;;) {
        const index_entry *entries;
        uint32_t count;
        base_status status = kind->next(cursor, limit, &entries, &count, &error);
        if (status == BASE_DONE)
            break;
        assert_int_equal(status, BASE_ROW);
        assert_true(count >= 1 && count <= limit);
        for (uint32_t i = 0; i < count; i++) {
            base_text last = {before, before_length};
            int order = base_text_compare(last, entries[i].key);
            if (order == 0)
                order = before_rowid < entries[i].rowid ? -1 : 1;
            if (total)
                assert_true(descending ? order > 0 : order < 0);
            assert_true(entries[i].key.length < sizeof before);
            memcpy(before, entries[i].key.data, entries[i].key.length);
            before_length = entries[i].key.length;
            before_rowid = entries[i].rowid;
            total++;
        }
    }
    kind->cursor_destroy(cursor);
    return total;
}

static void random_changes_match_a_bitmap(void **state)
{
    (void)state;
    enum {
        KEYS = 5000,
        STEPS = 60000
    };
    static bool present[KEYS];
    for (size_t padding = 0; padding <= 450; padding += 150) {
        memset(present, 0, sizeof present);
        base_budget budget;
        unit_budget_init(&budget);
        index_tree *tree;
        unit_assert_ok(kind->create(&budget, &tree, NULL));
        uint64_t seed = padding + 1, live = 0, false_alarms = 0;
        char buffer[512];
        for (int step = 0; step < STEPS; step++) {
            /* Growth first, then shrinking to nothing. */
            uint64_t number = next_random(&seed) % KEYS;
            bool insert = next_random(&seed) % 100 < (step < STEPS / 2 ? 70u : 10u);
            base_text key = make_key(number / 3, buffer, padding);
            int64_t rowid = (int64_t)(number % 3) - 1;
            if (insert) {
                uint32_t found;
                unit_assert_ok(kind->insert(tree, key, rowid, &found, NULL));
                assert_int_equal((found & INDEX_FOUND_ENTRY) != 0, present[number]);
                uint64_t first = number / 3 * 3;
                bool others = false;
                for (uint64_t i = first; i < first + 3 && i < KEYS; i++)
                    others |= i != number && present[i];
                if (others)
                    assert_true(found & INDEX_FOUND_KEY);
                false_alarms += !others && (found & INDEX_FOUND_KEY);
                live += !present[number];
                present[number] = true;
            } else {
                assert_int_equal(kind->remove(tree, key, rowid), present[number]);
                live -= present[number];
                present[number] = false;
            }
        }
        assert_int_equal(kind->count(tree), live);
        assert_true(false_alarms < STEPS / 100);
        kind->check(tree, no_problem, NULL);
        index_range all = {0};
        assert_int_equal(count_range(tree, all, false, 7), live);
        assert_int_equal(count_range(tree, all, true, 256), live);
        for (int probe = 0; probe < 200; probe++) {
            char low_buffer[512], high_buffer[512];
            uint64_t low = next_random(&seed) % (KEYS / 3), high = low + next_random(&seed) % 40;
            index_range range = {make_key(low, low_buffer, padding),
                                 make_key(high, high_buffer, padding), probe & 1, probe & 2};
            uint64_t expected = 0;
            for (uint64_t number = 0; number < KEYS; number++) {
                uint64_t k = number / 3;
                bool inside = (range.low_inclusive ? k >= low : k > low) &&
                              (range.high_inclusive ? k <= high : k < high);
                expected += inside && present[number];
            }
            assert_int_equal(count_range(tree, range, probe & 4, 3), expected);
        }
        kind->destroy(tree);
        unit_budget_check(&budget);
    }
}

static void rising_keys_fill_nodes_and_falling_removal_returns_memory(void **state)
{
    (void)state;
    base_budget budget;
    unit_budget_init(&budget);
    index_tree *tree;
    char buffer[512];
    unit_assert_ok(kind->create(&budget, &tree, NULL));
    uint64_t small = kind->byte_count(tree);
    assert_true(small <= 1024);
    for (uint64_t i = 0; i < 100000; i++)
        unit_assert_ok(kind->insert(tree, make_key(i, buffer, 0), (int64_t)i, NULL, NULL));
    assert_true(kind->byte_count(tree) < 100000 * 40);
    kind->check(tree, no_problem, NULL);
    for (uint64_t i = 0; i < 100000; i++)
        assert_true(kind->remove(tree, make_key(i, buffer, 0), (int64_t)i));
    assert_int_equal(kind->count(tree), 0);
    assert_true(kind->byte_count(tree) < 64 * 1024);
    kind->destroy(tree);
    unit_budget_check(&budget);
}

static void prefix_bounds_take_whole_groups(void **state)
{
    (void)state;
    base_budget budget;
    unit_budget_init(&budget);
    index_tree *tree;
    unit_assert_ok(kind->create(&budget, &tree, NULL));
    const char *keys[] = {"a.1.", "a.2.", "b.1.", "b.2.", "b.3.", "c.1.", "\xFF\xFF."};
    for (size_t i = 0; i < BASE_COUNT_OF(keys); i++)
        unit_assert_ok(kind->insert(tree, base_text_of(keys[i]), (int64_t)i, NULL, NULL));
    index_range b = {BASE_TEXT("b."), BASE_TEXT("b."), true, true};
    assert_int_equal(count_range(tree, b, false, 10), 3);
    assert_int_equal(count_range(tree, b, true, 1), 3);
    index_range above_b = {BASE_TEXT("b."), {NULL, 0}, false, false};
    assert_int_equal(count_range(tree, above_b, false, 10), 2);
    index_range below_b = {{NULL, 0}, BASE_TEXT("b."), false, false};
    assert_int_equal(count_range(tree, below_b, true, 10), 2);
    index_range top = {BASE_TEXT("\xFF\xFF"), BASE_TEXT("\xFF\xFF"), true, true};
    assert_int_equal(count_range(tree, top, false, 10), 1);
    index_range past = {BASE_TEXT("\xFF\xFF"), {NULL, 0}, false, false};
    assert_int_equal(count_range(tree, past, false, 10), 0);
    kind->destroy(tree);
    unit_budget_check(&budget);
}

static void failed_allocations_leave_the_set_whole(void **state)
{
    (void)state;
    for (uint64_t fail_at = 1; fail_at < 400; fail_at += 3) {
        unit_allocator failing;
        unit_allocator_init(&failing, fail_at, fail_at % 2);
        base_budget budget;
        base_budget_init(&budget, NULL, &failing.allocator, "test", SIZE_MAX);
        index_tree *tree = NULL;
        base_status status = kind->create(&budget, &tree, NULL);
        uint64_t stored = 0, seed = fail_at;
        char buffer[512];
        for (uint64_t i = 0; status == BASE_OK && i < 400; i++) {
            uint64_t number = next_random(&seed) % 100000;
            uint32_t found = 0;
            status = kind->insert(tree, make_key(number, buffer, 420), (int64_t)i, &found, NULL);
            stored += status == BASE_OK && !(found & INDEX_FOUND_ENTRY);
        }
        assert_true(status == BASE_OK || status == BASE_OUT_OF_MEMORY);
        if (tree) {
            assert_int_equal(kind->count(tree), stored);
            kind->check(tree, no_problem, NULL);
            kind->destroy(tree);
        }
        unit_budget_check(&budget);
    }
}

typedef struct worker {
    index_tree *tree;
    uint64_t number;
} worker;

static void change_own_keys(void *argument)
{
    worker *self = argument;
    char buffer[512];
    uint64_t seed = self->number + 77;
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t number = next_random(&seed) % 2000;
        base_text key = make_key(number, buffer, 0);
        if (next_random(&seed) % 3)
            (void)kind->insert(self->tree, key, (int64_t)self->number, NULL, NULL);
        else
            (void)kind->remove(self->tree, key, (int64_t)self->number);
        if (i % 512 == 0) {
            index_range all = {0};
            (void)count_range(self->tree, all, i & 512, 100);
        }
    }
    for (uint64_t number = 0; number < 2000; number += 2)
        (void)kind->insert(self->tree, make_key(number, buffer, 0), (int64_t)self->number, NULL,
                           NULL);
    for (uint64_t number = 1; number < 2000; number += 2)
        (void)kind->remove(self->tree, make_key(number, buffer, 0), (int64_t)self->number);
}

static void threads_change_one_tree(void **state)
{
    (void)state;
    enum {
        THREADS = 4
    };
    base_budget budget;
    unit_budget_init(&budget);
    index_tree *tree;
    unit_assert_ok(kind->create(&budget, &tree, NULL));
    worker workers[THREADS];
    os_thread *threads[THREADS];
    for (uint64_t i = 0; i < THREADS; i++) {
        workers[i] = (worker){tree, i};
        unit_assert_ok(os_thread_start(&budget, change_own_keys, &workers[i], &threads[i], NULL));
    }
    for (int i = 0; i < THREADS; i++)
        os_thread_join(threads[i]);
    assert_int_equal(kind->count(tree), THREADS * 1000);
    kind->check(tree, no_problem, NULL);
    kind->destroy(tree);
    unit_budget_check(&budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_changes_match_a_bitmap),
        cmocka_unit_test(rising_keys_fill_nodes_and_falling_removal_returns_memory),
        cmocka_unit_test(prefix_bounds_take_whole_groups),
        cmocka_unit_test(failed_allocations_leave_the_set_whole),
        cmocka_unit_test(threads_change_one_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
