/*
 * test_kernels.c - every comparison, selection and hash kernel against a model that looks at one
 * row at a time, over forms, shapes, NULLs and selections.
 */
#include "vector_fixture.h"

static bool passes(vector_comparison comparison, int order)
{
    switch (comparison) {
    case VECTOR_EQUAL:
        return order == 0;
    case VECTOR_NOT_EQUAL:
        return order != 0;
    case VECTOR_LESS:
        return order < 0;
    case VECTOR_LESS_EQUAL:
        return order <= 0;
    case VECTOR_GREATER:
        return order > 0;
    default:
        return order >= 0;
    }
}

static void check_pair(vector_comparison comparison, const vector *left, const vector *right,
                       const uint16_t *selection, uint32_t count, vector *result)
{
    uint16_t expected[VECTOR_SIZE], got[VECTOR_SIZE];
    uint32_t expected_count = 0;
    vector_compare(comparison, left, right, selection, count, result);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = vector_row(selection, i);
        types_value a = vector_get(left, row), b = vector_get(right, row);
        types_value truth = vector_get(result, row);
        assert_int_equal(truth.is_null, a.is_null || b.is_null);
        if (truth.is_null)
            continue;
        int order = types_cell_compare((types_form)left->form, &a.cell, &b.cell);
        assert_int_equal(truth.cell.boolean, passes(comparison, order));
        if (passes(comparison, order))
            expected[expected_count++] = (uint16_t)row;
    }
    uint32_t got_count = vector_select_compare(comparison, left, right, selection, count, got);
    assert_int_equal(got_count, expected_count);
    assert_memory_equal(got, expected, got_count * sizeof(uint16_t));
    got_count = vector_select_true(result, selection, count, got);
    assert_int_equal(got_count, expected_count);
    assert_memory_equal(got, expected, got_count * sizeof(uint16_t));
    if (selection) { /* in place */
        memcpy(got, selection, count * sizeof(uint16_t));
        got_count = vector_select_compare(comparison, left, right, got, count, got);
        assert_int_equal(got_count, expected_count);
        assert_memory_equal(got, expected, got_count * sizeof(uint16_t));
    }
}

static void compare_agrees_with_single_rows(void **test)
{
    (void)test;
    base_budget budget;
    unit_budget_init(&budget);
    base_arena arena;
    base_arena_init(&arena, &budget);
    uint64_t state = 88172645463325252u;
    vector result;
    unit_assert_ok(vector_init(&result, &budget, TYPES_OF(BOOLEAN), NULL));
    for (uint32_t t = 0; t < BASE_COUNT_OF(fixture_types); t++) {
        vector left, right, left_entries, right_entries;
        vector *made[] = {&left, &right, &left_entries, &right_entries};
        for (uint32_t i = 0; i < 4; i++)
            unit_assert_ok(vector_init(made[i], &budget, fixture_types[t], NULL));
        for (uint32_t round = 0; round < 90; round++) {
            base_arena_reset(&arena);
            uint32_t rows =
                round % 3 == 0 ? VECTOR_SIZE : 1 + (uint32_t)fixture_random(&state) % 300;
            uint32_t nulls = round % 2 ? 3 : 0;
            fixture_fill(&left, &left_entries, (vector_shape)(round % 3), rows, nulls, &state,
                         &arena);
            fixture_fill(&right, &right_entries, (vector_shape)(round / 3 % 3), rows,
                         round % 5 ? 0 : 2, &state, &arena);
            uint16_t buffer[VECTOR_SIZE];
            const uint16_t *selection = NULL;
            uint32_t count = rows;
            if (round / 9 % 3) {
                count = fixture_select(buffer, rows, round / 9 % 3 == 1 ? 2 : 13, &state);
                selection = buffer;
            }
            check_pair((vector_comparison)(fixture_random(&state) % 6), &left, &right, selection,
                       count, &result);
        }
        for (uint32_t i = 0; i < 4; i++)
            vector_destroy(made[i], &budget);
    }
    vector_destroy(&result, &budget);
    base_arena_destroy(&arena);
    unit_budget_check(&budget);
}

static void equal_rows_hash_alike_in_every_shape(void **test)
{
    (void)test;
    base_budget budget;
    unit_budget_init(&budget);
    base_arena arena;
    base_arena_init(&arena, &budget);
    uint64_t state = 2463534242u;
    for (uint32_t t = 0; t < BASE_COUNT_OF(fixture_types); t++) {
        vector columns[3], entries;
        unit_assert_ok(vector_init(&entries, &budget, fixture_types[t], NULL));
        uint64_t hashes[3][VECTOR_SIZE];
        uint16_t selection[VECTOR_SIZE];
        uint32_t rows = 200, count = fixture_select(selection, rows, 2, &state);
        for (uint32_t shape = 0; shape < 3; shape++) {
            unit_assert_ok(vector_init(&columns[shape], &budget, fixture_types[t], NULL));
            fixture_fill(&columns[shape], &entries, (vector_shape)shape, rows,
                         shape == VECTOR_CONSTANT ? 0 : 2, &state, &arena);
            vector_hash(&columns[shape], selection, count, false, hashes[shape]);
        }
        uint32_t distinct = 0;
        for (uint32_t a = 0; a < 3; a++)
            for (uint32_t i = 0; i < count; i++)
                for (uint32_t b = 0; b < 3; b++) {
                    uint32_t other = (i * 7 + b) % count;
                    int order = vector_compare_rows(&columns[a], selection[i], &columns[b],
                                                    selection[other]);
                    if (order == 0)
                        assert_true(hashes[a][i] == hashes[b][other]);
                    else
                        distinct += hashes[a][i] != hashes[b][other];
                }
        assert_true(distinct > 0);
        /* Combining depends on what stands there. */
        uint64_t twice[VECTOR_SIZE];
        memcpy(twice, hashes[0], sizeof twice);
        vector_hash(&columns[0], selection, count, true, twice);
        assert_true(twice[0] != hashes[0][0]);
        for (uint32_t shape = 0; shape < 3; shape++)
            vector_destroy(&columns[shape], &budget);
        vector_destroy(&entries, &budget);
    }
    base_arena_destroy(&arena);
    unit_budget_check(&budget);
}

static void flags_and_bits_of_any_length_become_selections(void **test)
{
    (void)test;
    base_budget budget;
    unit_budget_init(&budget);
    vector column;
    unit_assert_ok(vector_init(&column, &budget, TYPES_OF(BOOLEAN), NULL));
    uint64_t state = 1;
    for (uint32_t count = 0; count <= 200; count++) {
        vector_reset(&column);
        uint16_t expected[VECTOR_SIZE], got[VECTOR_SIZE];
        uint32_t expected_count = 0;
        for (uint32_t i = 0; i < count; i++) {
            bool value = fixture_random(&state) % 3 == 0;
            ((uint8_t *)column.data)[i] = value;
            bool is_null = count % 2 && fixture_random(&state) % 4 == 0;
            if (is_null)
                vector_set_null(&column, i);
            if (value && !is_null)
                expected[expected_count++] = (uint16_t)i;
        }
        assert_int_equal(vector_select_true(&column, NULL, count, got), expected_count);
        assert_memory_equal(got, expected, expected_count * sizeof(uint16_t));
    }
    vector_destroy(&column, &budget);
    unit_budget_check(&budget);
}

static void bytes_of_one_value_are_selected(void **test)
{
    (void)test;
    uint64_t state = 3;
    for (uint32_t count = 0; count <= VECTOR_SIZE; count += count < 100 ? 1 : 487) {
        uint8_t bytes[VECTOR_SIZE];
        uint16_t expected[VECTOR_SIZE], got[VECTOR_SIZE + 4];
        for (uint32_t i = 0; i < count; i++)
            bytes[i] = (uint8_t)(fixture_random(&state) % 4 * 85); /* 0, 85, 170, 255 */
        for (uint32_t value = 0; value <= 255; value += 85) {
            uint32_t expected_count = 0;
            for (uint32_t i = 0; i < count; i++)
                if (bytes[i] == value)
                    expected[expected_count++] = (uint16_t)i;
            assert_int_equal(vector_select_byte(bytes, (uint8_t)value, count, got), expected_count);
            assert_memory_equal(got, expected, expected_count * sizeof(uint16_t));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compare_agrees_with_single_rows),
        cmocka_unit_test(equal_rows_hash_alike_in_every_shape),
        cmocka_unit_test(flags_and_bits_of_any_length_become_selections),
        cmocka_unit_test(bytes_of_one_value_are_selected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
