/*
 * test_chunk.c - memory of chunks, copying, flattening, and order-preserving keys.
 */
#include "vector_fixture.h"

static void append_gathers_and_owns_strings(void **test)
{
    (void)test;
    base_budget budget;
    unit_budget_init(&budget);
    uint32_t count = BASE_COUNT_OF(fixture_types);
    base_arena arena;
    base_arena_init(&arena, &budget);
    vector_chunk from, to, entries;
    unit_assert_ok(vector_chunk_init(&from, &budget, fixture_types, count, NULL));
    unit_assert_ok(vector_chunk_init(&to, &budget, fixture_types, count, NULL));
    unit_assert_ok(vector_chunk_init(&entries, &budget, fixture_types, count, NULL));
    uint64_t state = 7;
    types_value expected[BASE_COUNT_OF(fixture_types)][VECTOR_SIZE];
    char *expected_bytes = base_arena_allocate(&arena, 1 << 20);
    assert_non_null(expected_bytes);
    for (uint32_t round = 0; round < 12; round++) {
        base_arena texts; /* gone before the check */
        base_arena_init(&texts, &budget);
        vector_chunk_reset(&from);
        for (uint32_t c = 0; c < count; c++)
            fixture_fill(&from.columns[c], &entries.columns[c], (vector_shape)((round + c) % 3),
                         100, 2, &state, &texts);
        from.count = 100;
        if (round % 2) {
            from.count = fixture_select(from.own_selection, 100, 3, &state);
            from.selection = from.own_selection;
        }
        if (to.count + from.count > VECTOR_SIZE || round % 7 == 6)
            vector_chunk_reset(&to);
        uint32_t start = to.count;
        for (uint32_t c = 0; c < count; c++)
            for (uint32_t i = 0; i < from.count; i++)
                expected[c][i] = vector_get(&from.columns[c], vector_row(from.selection, i));
        unit_assert_ok(vector_chunk_append(&to, &from, NULL));
        assert_int_equal(to.count, start + from.count);
        for (uint32_t c = 0; c < count; c++)
            for (uint32_t i = 0; i < from.count; i++) {
                types_value got = vector_get(&to.columns[c], start + i);
                assert_int_equal(got.is_null, expected[c][i].is_null);
                if (got.is_null)
                    continue;
                assert_int_equal(types_cell_compare((types_form)to.columns[c].form, &got.cell,
                                                    &expected[c][i].cell),
                                 0);
                if (got.type.kind == TYPES_TEXT && got.cell.string.length > TYPES_STRING_INLINE)
                    assert_ptr_not_equal(got.cell.string.far.pointer,
                                         expected[c][i].cell.string.far.pointer);
            }
        base_arena_destroy(&texts);
    }
    vector_chunk_destroy(&from);
    vector_chunk_destroy(&to);
    vector_chunk_destroy(&entries);
    base_arena_destroy(&arena);
    unit_budget_check(&budget);
}

static void flatten_keeps_values(void **test)
{
    (void)test;
    base_budget budget;
    unit_budget_init(&budget);
    base_arena arena;
    base_arena_init(&arena, &budget);
    uint64_t state = 99;
    for (uint32_t t = 0; t < BASE_COUNT_OF(fixture_types); t++)
        for (uint32_t round = 0; round < 12; round++) {
            vector column, entries;
            unit_assert_ok(vector_init(&column, &budget, fixture_types[t], NULL));
            unit_assert_ok(vector_init(&entries, &budget, fixture_types[t], NULL));
            fixture_fill(&column, &entries, (vector_shape)(round % 3), 300, round % 2 ? 4 : 0,
                         &state, &arena);
            if (column.shape == VECTOR_DICTIONARY && round >= 6) { /* codes in own memory */
                memcpy(column.own_data, column.data, 300 * sizeof(uint16_t));
                column.data = column.own_data;
            }
            vector before = column;
            uint16_t buffer[VECTOR_SIZE];
            uint32_t count = 300;
            const uint16_t *selection = NULL;
            if (round >= 3) {
                count = fixture_select(buffer, 300, 3, &state);
                selection = buffer;
            }
            types_value expected[300];
            for (uint32_t i = 0; i < count; i++)
                expected[i] = vector_get(&before, vector_row(selection, i));
            vector_flatten(&column, selection, count);
            assert_int_equal(column.shape, VECTOR_FLAT);
            for (uint32_t i = 0; i < count; i++) {
                types_value got = vector_get(&column, vector_row(selection, i));
                assert_int_equal(got.is_null, expected[i].is_null);
                if (!got.is_null)
                    assert_int_equal(
                        types_cell_compare((types_form)column.form, &got.cell, &expected[i].cell),
                        0);
            }
            vector_destroy(&column, &budget);
            vector_destroy(&entries, &budget);
        }
    base_arena_destroy(&arena);
    unit_budget_check(&budget);
}

/* Values and NULLs stand in the opposite order, of all shapes, over the borders of words. */
static void reverse_turns_values_and_nulls(void **test)
{
    (void)test;
    base_budget budget;
    unit_budget_init(&budget);
    base_arena arena;
    base_arena_init(&arena, &budget);
    uint64_t state = 5;
    for (uint32_t t = 0; t < BASE_COUNT_OF(fixture_types); t++)
        for (uint32_t round = 0; round < 12; round++) {
            uint32_t count = (uint32_t[]){1, 2, 63, 64, 65, 300}[round % 6];
            vector column, entries;
            unit_assert_ok(vector_init(&column, &budget, fixture_types[t], NULL));
            unit_assert_ok(vector_init(&entries, &budget, fixture_types[t], NULL));
            fixture_fill(&column, &entries, (vector_shape)(round % 3), count, round / 6 * 4, &state,
                         &arena);
            if (column.shape != VECTOR_CONSTANT && column.data != column.own_data) {
                memcpy(column.own_data, column.data, count * sizeof(uint16_t));
                column.data = column.own_data;
            }
            types_value expected[300];
            for (uint32_t i = 0; i < count; i++)
                expected[i] = vector_get(&column, count - 1 - i);
            vector_reverse(&column, count);
            for (uint32_t i = 0; i < count; i++) {
                types_value got = vector_get(&column, i);
                assert_int_equal(got.is_null, expected[i].is_null);
                if (!got.is_null)
                    assert_int_equal(
                        types_cell_compare((types_form)column.form, &got.cell, &expected[i].cell),
                        0);
            }
            vector_destroy(&column, &budget);
            vector_destroy(&entries, &budget);
        }
    base_arena_destroy(&arena);
    unit_budget_check(&budget);
}

static void chunk_survives_each_failed_allocation(void **test)
{
    (void)test;
    for (uint64_t fail_at = 1; fail_at < 40; fail_at++) {
        unit_allocator failing;
        unit_allocator_init(&failing, fail_at, false);
        base_budget budget;
        base_budget_init(&budget, NULL, &failing.allocator, "test", SIZE_MAX);
        vector_chunk chunk, other;
        base_error error;
        base_error_clear(&error);
        uint32_t count = BASE_COUNT_OF(fixture_types);
        base_status status = vector_chunk_init(&chunk, &budget, fixture_types, count, &error);
        if (status == BASE_OK) {
            status = vector_chunk_init(&other, &budget, fixture_types, count, &error);
            if (status == BASE_OK) {
                types_value text = {.type = TYPES_OF(TEXT)};
                text.cell.string = types_string_of("a text that is far", 18);
                for (uint32_t c = 0; c < count; c++)
                    memset(other.columns[c].own_data, 0, 16);
                for (uint32_t c = 0; c < count; c++)
                    if (fixture_types[c].kind == TYPES_TEXT)
                        vector_put(&other.columns[c], 0, &text);
                other.count = 1;
                status = vector_chunk_append(&chunk, &other, &error);
                vector_chunk_destroy(&other);
            }
            vector_chunk_destroy(&chunk);
        }
        if (status != BASE_OK)
            assert_int_equal(error.status, BASE_OUT_OF_MEMORY);
        assert_int_equal(status != BASE_OK, atomic_load(&failing.calls) >= fail_at);
        unit_budget_check(&budget);
    }
}

/* ---- Keys ---------------------------------------------------------------------------------- */

static int key_order(const vector_key_part *part, const types_value *a, const types_value *b)
{
    if (a->is_null || b->is_null) {
        if (a->is_null && b->is_null)
            return 0;
        return (a->is_null ? -1 : 1) * (part->nulls_first ? 1 : -1);
    }
    int order = types_cell_compare(types_form_of(part->type), &a->cell, &b->cell);
    return part->descending ? -order : order;
}

static int sign_of(int order)
{
    return (order > 0) - (order < 0);
}

static void keys_sort_as_values_and_decode(void **test)
{
    (void)test;
    base_budget budget;
    unit_budget_init(&budget);
    base_arena arena;
    base_arena_init(&arena, &budget);
    base_buffer keys[2];
    base_buffer_init(&keys[0], &budget);
    base_buffer_init(&keys[1], &budget);
    uint64_t state = 4711;
    for (uint32_t t = 0; t < BASE_COUNT_OF(fixture_types); t++) {
        for (uint32_t round = 0; round < 3000; round++) {
            if (round % 100 == 0)
                base_arena_reset(&arena);
            vector_key_part parts[2] = {
                {fixture_types[t], round & 1, round & 2},
                {fixture_types[(t + round) % BASE_COUNT_OF(fixture_types)], round & 4, round & 8},
            };
            types_value values[2][2];
            for (uint32_t k = 0; k < 2; k++) {
                base_buffer_clear(&keys[k]);
                for (uint32_t p = 0; p < 2; p++) {
                    values[k][p] = fixture_value(parts[p].type, &state, &arena);
                    if (fixture_random(&state) % 8 == 0)
                        values[k][p] = types_null_of(parts[p].type);
                    vector_key_append(&parts[p], &values[k][p].cell, values[k][p].is_null,
                                      &keys[k]);
                }
                assert_false(keys[k].failed);
            }
            int expected = key_order(&parts[0], &values[0][0], &values[1][0]);
            if (expected == 0)
                expected = key_order(&parts[1], &values[0][1], &values[1][1]);
            base_text key_a = {keys[0].data, keys[0].length};
            base_text key_b = {keys[1].data, keys[1].length};
            assert_int_equal(sign_of(base_text_compare(key_a, key_b)), sign_of(expected));
            size_t offset = 0;
            for (uint32_t p = 0; p < 2; p++) {
                types_value back = types_null_of(parts[p].type);
                assert_true(vector_key_decode(&parts[p], key_a, &offset, &arena, &back.cell,
                                              &back.is_null));
                assert_int_equal(key_order(&parts[p], &back, &values[0][p]), 0);
            }
            assert_int_equal(offset, key_a.length);
        }
    }
    base_buffer_destroy(&keys[0]);
    base_buffer_destroy(&keys[1]);
    base_arena_destroy(&arena);
    unit_budget_check(&budget);
}

static void damaged_keys_are_refused(void **test)
{
    (void)test;
    base_budget budget;
    unit_budget_init(&budget);
    base_arena arena;
    base_arena_init(&arena, &budget);
    base_buffer key;
    base_buffer_init(&key, &budget);
    uint64_t state = 17;
    for (uint32_t t = 0; t < BASE_COUNT_OF(fixture_types); t++)
        for (uint32_t round = 0; round < 500; round++) {
            vector_key_part part = {fixture_types[t], round & 1, round & 2};
            types_value value = fixture_value(part.type, &state, &arena);
            base_buffer_clear(&key);
            vector_key_append(&part, &value.cell, false, &key);
            /* Any prefix is no key; any changed byte is a key or refused, never a crash. */
            types_cell cell;
            bool is_null;
            size_t offset = 0, length = fixture_random(&state) % key.length;
            char *copy = base_arena_allocate(&arena, key.length);
            assert_non_null(copy);
            memcpy(copy, key.data, key.length);
            assert_false(vector_key_decode(&part, (base_text){copy, length}, &offset, &arena, &cell,
                                           &is_null));
            copy[fixture_random(&state) % key.length] ^= (char)(1 << fixture_random(&state) % 8);
            offset = 0;
            if (vector_key_decode(&part, (base_text){copy, key.length}, &offset, &arena, &cell,
                                  &is_null))
                assert_true(offset <= key.length);
        }
    base_buffer_destroy(&key);
    base_arena_destroy(&arena);
    unit_budget_check(&budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(append_gathers_and_owns_strings),
        cmocka_unit_test(flatten_keeps_values),
        cmocka_unit_test(reverse_turns_values_and_nulls),
        cmocka_unit_test(chunk_survives_each_failed_allocation),
        cmocka_unit_test(keys_sort_as_values_and_decode),
        cmocka_unit_test(damaged_keys_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
