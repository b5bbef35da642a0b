/*
 * test_base.c - errors, budgets, arenas, text and hashes.
 */
#include "unit/unit.h"

static void error_keeps_the_first_and_cuts_at_characters(void **state)
{
    (void)state;
    base_error error;
    base_error_clear(&error);
    assert_int_equal(base_error_set_at(&error, BASE_SYNTAX, 7, "bad %s", "token"), BASE_SYNTAX);
    base_error_set(&error, BASE_INTERNAL, "later");
    assert_string_equal(error.message, "bad token");
    assert_string_equal(error.sqlstate, "42601");
    assert_int_equal(error.position, 7);
    char text[2 * BASE_ERROR_MESSAGE_SIZE];
    for (size_t i = 0; i + 2 < sizeof text; i += 2)
        memcpy(text + i, "\xC3\xA4", 2);
    text[sizeof text - 2] = '\0';
    base_error_clear(&error);
    base_error_set(&error, BASE_INTERNAL, "%s", text);
    size_t length = strlen(error.message);
    assert_true(length < sizeof error.message);
    assert_memory_equal(error.message + length - 3, "...", 3);
    assert_int_equal((unsigned char)error.message[length - 4], 0xA4);
}

static void budget_refuses_at_any_level(void **state)
{
    (void)state;
    base_budget root, child;
    base_budget_init(&root, NULL, &base_libc_allocator, "root", 1000);
    base_budget_init(&child, &root, NULL, "child", SIZE_MAX);
    void *block = base_allocate(&child, 900);
    assert_non_null(block);
    assert_null(base_allocate(&child, 200));
    assert_int_equal(atomic_load(&root.used), 900);
    block = base_reallocate(&child, block, 900, 1000);
    assert_non_null(block);
    base_free(&child, block, 1000);
    unit_budget_check(&root);
    unit_budget_check(&child);
    assert_int_equal(atomic_load(&root.peak), 1000);
}

static void count_release(void *context)
{
    ++*(int *)context;
}

static void arena_marks_nest_and_release(void **state)
{
    (void)state;
    base_budget root;
    unit_budget_init(&root);
    base_arena arena;
    base_arena_init(&arena, &root);
    int released = 0;
    assert_true(base_arena_on_release(&arena, count_release, &released));
    base_arena_mark mark = base_arena_get_mark(&arena);
    for (int i = 0; i < 1000; i++) {
        char *piece = base_arena_allocate(&arena, 100);
        assert_non_null(piece);
        memset(piece, i, 100);
    }
    assert_true(base_arena_on_release(&arena, count_release, &released));
    base_arena_back_to_mark(&arena, mark);
    assert_int_equal(released, 1);
    assert_string_equal(base_arena_format(&arena, "%d-%s", 5, "x"), "5-x");
    base_arena_reset(&arena);
    assert_int_equal(released, 2);
    base_arena_destroy(&arena);
    unit_budget_check(&root);
}

static void arena_survives_each_failed_allocation(void **state)
{
    (void)state;
    for (uint64_t fail_at = 1; fail_at < 8; fail_at++) {
        unit_allocator failing;
        unit_allocator_init(&failing, fail_at, false);
        base_budget root;
        base_budget_init(&root, NULL, &failing.allocator, "root", SIZE_MAX);
        base_arena arena;
        base_arena_init(&arena, &root);
        for (int i = 0; i < 100; i++) {
            char *piece = base_arena_allocate(&arena, 200);
            if (piece)
                memset(piece, 1, 200);
        }
        base_arena_destroy(&arena);
        unit_budget_check(&root);
    }
}

static void texts_compare_and_measure(void **state)
{
    (void)state;
    assert_true(base_text_equal_folded(BASE_TEXT("Name"), BASE_TEXT("nAME")));
    assert_true(base_text_compare(BASE_TEXT("ab"), BASE_TEXT("abc")) < 0);
    assert_int_equal(base_text_distance(BASE_TEXT("emial"), BASE_TEXT("email"), 3), 1);
    assert_int_equal(base_text_distance(BASE_TEXT("a"), BASE_TEXT("xyzw"), 2), 3);
    assert_int_equal(base_text_distance(BASE_TEXT("h"), BASE_TEXT("a"), 3), 4);
    assert_int_equal(base_text_distance(BASE_TEXT("ab"), BASE_TEXT("a"), 3), 4);
    assert_int_equal(base_text_distance(BASE_TEXT("ab"), BASE_TEXT("aB"), 3), 0);
    base_budget root;
    unit_budget_init(&root);
    base_buffer buffer;
    base_buffer_init(&buffer, &root);
    for (int i = 0; i < 100; i++)
        base_buffer_append_format(&buffer, "%d,", i);
    assert_false(buffer.failed);
    assert_memory_equal(buffer.data, "0,1,2,", 6);
    base_buffer_destroy(&buffer);
    unit_budget_check(&root);
}

/* Messages quote the first bytes of what a user gave: half a character becomes question marks. */
static void error_texts_hold_whole_characters(void **state)
{
    (void)state;
    base_error error;
    char name[BASE_ERROR_NAME_SIZE + 8];
    base_error_clear(&error);
    base_error_set(&error, BASE_INTERNAL, "\"%.*s\" and \xE2\x82\xAC", 4, "ab\xE2\x82\xAC");
    assert_string_equal(error.message, "\"ab??\" and \xE2\x82\xAC");
    memset(name, 'x', sizeof name);
    memcpy(name + BASE_ERROR_NAME_SIZE - 5, "\xC3\xA9", 3);
    base_error_set_names(&error, name, "\xC3", NULL);
    name[BASE_ERROR_NAME_SIZE - 3] = '\0';
    assert_string_equal(error.table, name); /* fits to the byte */
    memcpy(name + BASE_ERROR_NAME_SIZE - 5, "\xC3\xA9\xC3\xA9\xC3\xA9", 7);
    base_error_set_names(&error, name, NULL, NULL);
    memcpy(name + BASE_ERROR_NAME_SIZE - 5, "...", 4);
    assert_string_equal(error.table, name);
    assert_string_equal(error.column, "?");
}

static void hashes_differ_by_length_and_byte(void **state)
{
    (void)state;
    char bytes[64] = {0};
    uint64_t seen[65];
    for (size_t n = 0; n <= 64; n++) {
        seen[n] = base_hash_bytes(bytes, n, 1);
        for (size_t m = 0; m < n; m++)
            assert_true(seen[m] != seen[n]);
    }
    for (size_t i = 0; i < 64; i++) {
        bytes[i] = 1;
        assert_true(base_hash_bytes(bytes, 64, 1) != seen[64]);
        bytes[i] = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_keeps_the_first_and_cuts_at_characters),
        cmocka_unit_test(error_texts_hold_whole_characters),
        cmocka_unit_test(budget_refuses_at_any_level),
        cmocka_unit_test(arena_marks_nest_and_release),
        cmocka_unit_test(arena_survives_each_failed_allocation),
        cmocka_unit_test(texts_compare_and_measure),
        cmocka_unit_test(hashes_differ_by_length_and_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
