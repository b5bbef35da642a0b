/*
 * test_volume.c - volumes written and read back: every row, every column, zone maps, memory
 * failures, damaged bytes; written by one thread and by several.
 */
#include "unit/unit.h"
#include "store/col/col.h"

enum {
    COLUMNS = 4,
};

static const types_type column_types[COLUMNS] = {
    {.kind = TYPES_INTEGER}, {.kind = TYPES_TEXT}, {.kind = TYPES_FLOAT}, {.kind = TYPES_TEXT}};

/* How rowids are spread: evenly, ever wider, at both ends of all numbers. */
static uint32_t spread;

/* Where rows are encoded; NULL: in the caller. */
static os_runtime *runtime;
static size_t writer_memory;

/* What row number n holds; rowids have gaps. */
static int64_t rowid_of(uint64_t n)
{
    if (spread == 1)
        return (int64_t)(n * n * n + n * 3) - 1000;
    if (spread == 2)
        return n < 70000 ? INT64_MIN + 5 + (int64_t)n * 3 : INT64_MAX - 1000000 + (int64_t)n * 3;
    return (int64_t)(n * 3 + n % 2) - 1000;
}

static types_value value_of(uint64_t n, uint32_t column, char *buffer)
{
    types_value value = {.type = column_types[column]};
    value.is_null = n % (11 + column) == 5;
    switch (column) {
    case 0:
        value.cell.int64 = (int64_t)(n / 7) * 10;
        break;
    case 1: {
        int length = snprintf(buffer, 64, "comment number %u of some length", (unsigned)(n % 997));
        value.cell.string = types_string_of(buffer, (size_t)length);
        break;
    }
    case 2:
        value.cell.float64 = (double)n / 3;
        break;
    default:
        value.cell.string = types_string_of(n % 3 ? "AIR" : "RAIL", n % 3 ? 3 : 4);
    }
    return value;
}

static cache_file *open_memory(base_budget *budget)
{
    cache_options options = {.environment = os_posix_environment(), .budget = budget};
    options.create = true;
    cache_file *file = NULL;
    bool created;
    base_error error;
    base_error_clear(&error);
    if (cache_open(&options, &file, &created, &error) != BASE_OK)
        fail_msg("%s", error.message);
    return file;
}

static base_status write_rows(cache_file *file, base_budget *budget, uint64_t rows,
                              cache_reference *reference, base_error *error)
{
    col_column columns[COLUMNS];
    for (uint32_t i = 0; i < COLUMNS; i++)
        columns[i] = (col_column){i + 10, types_form_of(column_types[i])};
    col_writer_options options = {.file = file,
                                  .budget = budget,
                                  .runtime = runtime,
                                  .memory = writer_memory,
                                  .loose = true,
                                  .column_count = COLUMNS,
                                  .columns = columns};
    col_writer *writer;
    vector_chunk chunk;
    RETURN_IF_ERROR(vector_chunk_init(&chunk, budget, column_types, COLUMNS, error));
    base_status status = col_writer_create(&options, &writer, error);
    static int64_t rowids[VECTOR_SIZE];
    static char buffers[VECTOR_SIZE][64];
    for (uint64_t done = 0; status == BASE_OK && done < rows; done += chunk.count) {
        vector_chunk_reset(&chunk);
        chunk.count = (uint32_t)BASE_MIN(rows - done, (uint64_t)VECTOR_SIZE);
        for (uint32_t i = 0; i < chunk.count; i++) {
            rowids[i] = rowid_of(done + i);
            for (uint32_t c = 0; c < COLUMNS; c++) {
                types_value value = value_of(done + i, c, buffers[i]);
                vector_put(&chunk.columns[c], i, &value);
            }
        }
        status = col_writer_append(writer, &chunk, rowids, NULL, 42, error);
    }
    if (status == BASE_OK)
        status = col_writer_finish(writer, reference, error);
    col_writer_destroy(writer);
    vector_chunk_destroy(&chunk);
    return status;
}

static void check_row(col_volume *volume, uint64_t n, base_arena *heap)
{
    int32_t places[COLUMNS];
    types_cell cells[COLUMNS];
    bool nulls[COLUMNS];
    char buffer[64];
    uint32_t position;
    for (uint32_t i = 0; i < COLUMNS; i++)
        places[i] = col_volume_column(volume, i + 10);
    unit_assert_ok(col_volume_find(volume, rowid_of(n), &position, NULL));
    assert_int_equal(position, n);
    assert_int_equal(col_volume_find(volume, rowid_of(n) - 1, &position, NULL), BASE_NOT_FOUND);
    unit_assert_ok(col_volume_lower_bound(volume, rowid_of(n) - 1, &position, NULL));
    assert_int_equal(position, n);
    unit_assert_ok(col_volume_read(volume, position, places, COLUMNS, cells, nulls, heap, NULL));
    for (uint32_t i = 0; i < COLUMNS; i++) {
        types_value value = value_of(n, i, buffer);
        assert_int_equal(nulls[i], value.is_null);
        if (!nulls[i])
            assert_int_equal(types_cell_compare(types_form_of(value.type), &cells[i], &value.cell),
                             0);
    }
}

static void check_vectors(col_volume *volume, uint64_t rows, base_budget *budget, base_arena *heap)
{
    for (uint32_t c = 0; c < COLUMNS; c++) {
        vector column;
        unit_assert_ok(vector_init(&column, budget, column_types[c], NULL));
        for (uint32_t number = 0; number * VECTOR_SIZE < rows; number++) {
            uint32_t count;
            char buffer[64];
            unit_assert_ok(col_volume_vector(volume, col_volume_column(volume, c + 10), number,
                                             &column, &count, heap, NULL));
            for (uint32_t i = 0; i < count; i += 13) {
                types_value expected = value_of((uint64_t)number * VECTOR_SIZE + i, c, buffer);
                types_value value = vector_get(&column, i);
                assert_int_equal(vector_is_valid(&column, i), !expected.is_null);
                if (!expected.is_null)
                    assert_int_equal(types_cell_compare(types_form_of(expected.type), &value.cell,
                                                        &expected.cell),
                                     0);
            }
            base_arena_reset(heap);
        }
        vector_destroy(&column, budget);
    }
}

static void report_failure(void *context, const char *problem)
{
    (void)context;
    fail_msg("%s", problem);
}

static base_status count_extent(void *context, const cache_reference *reference, base_error *error)
{
    (void)error;
    assert_true(reference->offset != 0);
    ++*(int *)context;
    return BASE_OK;
}

static void rows_come_back(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, 100, 2048, 2049, 131072, 140001};
    for (size_t s = 0; s < 3 * BASE_COUNT_OF(sizes); s++) {
        uint64_t rows = sizes[s / 3];
        spread = s % 3;
        base_budget budget;
        unit_budget_init(&budget);
        base_arena heap;
        base_arena_init(&heap, &budget);
        cache_file *file = open_memory(&budget);
        cache_reference reference;
        col_volume *volume;
        col_volume_info info;
        unit_assert_ok(write_rows(file, &budget, rows, &reference, NULL));
        unit_assert_ok(col_volume_open(file, &budget, &reference, &volume, NULL));
        col_volume_describe(volume, &info);
        assert_int_equal(info.row_count, rows);
        assert_int_equal(info.first_rowid, rowid_of(0));
        assert_int_equal(info.last_rowid, rowid_of(rows - 1));
        assert_int_equal(info.first_stamp, 42);
        assert_int_equal(col_volume_column(volume, 99), -1);
        for (uint64_t n = 0; n < rows; n += 1 + rows / 500)
            check_row(volume, n, &heap);
        check_row(volume, rows - 1, &heap);
        check_vectors(volume, rows, &budget, &heap);
        unit_assert_ok(col_volume_check(volume, report_failure, NULL, NULL));
        int extents = 0;
        unit_assert_ok(col_volume_visit(volume, count_extent, &extents, NULL));
        assert_true(extents >= 2 && extents <= 2 + 2 * (COLUMNS + 2));
        col_volume_close(volume);
        base_arena_destroy(&heap);
        cache_close(file);
        unit_budget_check(&budget);
    }
    spread = 0;
}

static void start_runtime(void)
{
    const os_runtime_options options = {.worker_count = 3};
    unit_assert_ok(os_runtime_create(os_posix_environment(), &options, &runtime, NULL));
}

static void stop_runtime(void)
{
    os_runtime_destroy(runtime);
    runtime = NULL;
}

static void expect_same_statistics(const col_volume *a, const col_volume *b)
{
    col_volume_info of_a, of_b;
    col_volume_describe(a, &of_a);
    col_volume_describe(b, &of_b);
    assert_int_equal(of_a.byte_count, of_b.byte_count);
    assert_int_equal(of_a.group_count, of_b.group_count);
    for (int32_t place = 0; place < COLUMNS + 2; place++) {
        col_statistics left, right;
        col_volume_statistics(a, place, &left);
        col_volume_statistics(b, place, &right);
        assert_int_equal(left.null_count, right.null_count);
        assert_true(left.low_key == right.low_key && left.high_key == right.high_key);
        assert_memory_equal(left.registers, right.registers, sizeof left.registers);
    }
}

/* Row groups that are encoded by several threads come in their order, whoever is first. */
static void groups_are_encoded_side_by_side(void **state)
{
    (void)state;
    enum {
        ROWS = 5 * COL_GROUP_ROWS + 4711
    };
    static const size_t memories[] = {0, 1, 64 << 20};
    base_budget budget;
    base_arena heap;
    unit_budget_init(&budget);
    base_arena_init(&heap, &budget);
    cache_file *file = open_memory(&budget);
    cache_reference reference, by_one;
    col_volume *volume, *expected;
    unit_assert_ok(write_rows(file, &budget, ROWS, &by_one, NULL));
    unit_assert_ok(col_volume_open(file, &budget, &by_one, &expected, NULL));
    start_runtime();
    for (size_t m = 0; m < BASE_COUNT_OF(memories); m++) {
        writer_memory = memories[m];
        unit_assert_ok(write_rows(file, &budget, ROWS, &reference, NULL));
        unit_assert_ok(col_volume_open(file, &budget, &reference, &volume, NULL));
        expect_same_statistics(expected, volume);
        for (uint64_t n = 0; n < ROWS; n += 1000)
            check_row(volume, n, &heap);
        unit_assert_ok(col_volume_check(volume, report_failure, NULL, NULL));
        col_volume_close(volume);
    }
    stop_runtime();
    writer_memory = 0;
    col_volume_close(expected);
    base_arena_destroy(&heap);
    cache_close(file);
    unit_budget_check(&budget);
}

/* Rows behind a selection: side by side, some left out, one twice; values NULL and not. */
static void selected_rows_come_back(void **state)
{
    (void)state;
    static const uint16_t selections[][4] = {
        {0, 1, 2, 3}, {4, 5, 6, 7}, {1, 2, 4, 5}, {3, 3, 5, 6}, {0, 1, 1, 3}};
    for (size_t s = 0; s < BASE_COUNT_OF(selections); s++) {
        base_budget budget;
        base_arena heap;
        unit_budget_init(&budget);
        base_arena_init(&heap, &budget);
        cache_file *file = open_memory(&budget);
        const col_column column = {7, TYPES_FORM_INT64};
        col_writer_options options = {
            .file = file, .budget = &budget, .loose = true, .column_count = 1, .columns = &column};
        const types_type type = TYPES_OF(INTEGER);
        const int64_t rowids[] = {10, 11, 12, 13};
        col_writer *writer;
        col_volume *volume;
        cache_reference reference;
        vector_chunk chunk;
        unit_assert_ok(vector_chunk_init(&chunk, &budget, &type, 1, NULL));
        for (uint32_t i = 0; i < 8; i++) {
            types_value value = {.type = type, .cell.int64 = i * 100};
            vector_put(&chunk.columns[0], i, &value);
        }
        vector_set_null(&chunk.columns[0], 2);
        chunk.count = 4;
        chunk.selection = selections[s];
        unit_assert_ok(col_writer_create(&options, &writer, NULL));
        unit_assert_ok(col_writer_append(writer, &chunk, rowids, NULL, 1, NULL));
        unit_assert_ok(col_writer_finish(writer, &reference, NULL));
        col_writer_destroy(writer);
        unit_assert_ok(col_volume_open(file, &budget, &reference, &volume, NULL));
        for (uint32_t i = 0; i < 4; i++) {
            int32_t place = col_volume_column(volume, 7);
            types_cell cell;
            bool is_null;
            unit_assert_ok(col_volume_read(volume, i, &place, 1, &cell, &is_null, &heap, NULL));
            assert_int_equal(is_null, selections[s][i] == 2);
            assert_true(is_null || cell.int64 == selections[s][i] * 100);
        }
        col_volume_close(volume);
        vector_chunk_destroy(&chunk);
        base_arena_destroy(&heap);
        cache_close(file);
        unit_budget_check(&budget);
    }
}

static void zone_maps_exclude_only_what_is_not_there(void **state)
{
    (void)state;
    enum {
        ROWS = 140000
    };
    base_budget budget;
    unit_budget_init(&budget);
    cache_file *file = open_memory(&budget);
    cache_reference reference;
    col_volume *volume;
    unit_assert_ok(write_rows(file, &budget, ROWS, &reference, NULL));
    unit_assert_ok(col_volume_open(file, &budget, &reference, &volume, NULL));
    uint32_t skipped = 0;
    for (uint64_t n = 0; n < ROWS; n += 997) {
        char buffer[64];
        types_value value = value_of(n, 0, buffer);
        uint64_t key = col_key_of(TYPES_FORM_INT64, &value.cell);
        col_range range = {col_volume_column(volume, 10), key, key, value.is_null, !value.is_null};
        bool may;
        uint32_t number = (uint32_t)(n / VECTOR_SIZE);
        assert_true(col_group_may_match(volume, number / COL_GROUP_VECTORS, &range, 1));
        unit_assert_ok(col_vector_may_match(volume, number, &range, 1, &may, NULL));
        assert_true(may);
        unit_assert_ok(col_vector_may_match(volume, (number + 30) % 60, &range, 1, &may, NULL));
        skipped += !may;
    }
    assert_true(skipped > 100);
    col_statistics statistics;
    col_volume_statistics(volume, col_volume_column(volume, 11), &statistics);
    double distinct = col_distinct_estimate(statistics.registers);
    assert_true(distinct > 997 * 0.8 && distinct < 997 * 1.2);
    col_volume_close(volume);
    cache_close(file);
    unit_budget_check(&budget);
}

static void keys_give_values_back(void **state)
{
    (void)state;
    static const int64_t integers[] = {INT64_MIN, -70000, -1, 0, 1, 255, 70000, INT64_MAX};
    static const double floats[] = {-INFINITY, -1.5, 0, 2.25e-300, 1e300, INFINITY};
    types_cell cell, back;
    for (size_t i = 0; i < BASE_COUNT_OF(integers); i++) {
        memset(&cell, 0, sizeof cell);
        cell.int64 = integers[i];
        assert_true(col_value_of_key(TYPES_FORM_INT64, col_key_of(TYPES_FORM_INT64, &cell), &back));
        assert_int_equal(back.int64, integers[i]);
        cell.int16 = (int16_t)integers[i];
        assert_true(col_value_of_key(TYPES_FORM_INT16, col_key_of(TYPES_FORM_INT16, &cell), &back));
        assert_int_equal(back.int16, cell.int16);
    }
    for (size_t i = 0; i < BASE_COUNT_OF(floats); i++) {
        cell.float64 = floats[i];
        uint64_t key = col_key_of(TYPES_FORM_FLOAT64, &cell);
        assert_true(col_value_of_key(TYPES_FORM_FLOAT64, key, &back));
        assert_true(back.float64 == floats[i]);
    }
    cell.string = types_string_of("harbour master", 14);
    assert_true(col_value_of_key(TYPES_FORM_STRING, col_key_of(TYPES_FORM_STRING, &cell), &back));
    types_string head = types_string_of("harbour ", 8);
    assert_true(types_string_equal(&back.string, &head));
    assert_false(col_value_of_key(TYPES_FORM_INTERVAL, 0, &back));
}

static void failed_allocations_leave_nothing_behind(void **state)
{
    (void)state;
    for (uint64_t fail_at = 1; fail_at < 120; fail_at++) {
        unit_allocator failing;
        unit_allocator_init(&failing, 0, false);
        base_budget budget, working;
        unit_budget_init(&working);
        base_budget_init(&budget, NULL, &failing.allocator, "test", SIZE_MAX);
        cache_file *file = open_memory(&working);
        cache_reference reference;
        failing.fail_at = fail_at;
        base_status status = write_rows(file, &budget, 3000, &reference, NULL);
        assert_true(status == BASE_OK || status == BASE_OUT_OF_MEMORY);
        if (status == BASE_OK) {
            col_volume *volume;
            base_arena heap;
            base_arena_init(&heap, &working);
            failing.fail_at = atomic_load(&failing.calls) + fail_at % 7;
            status = col_volume_open(file, &budget, &reference, &volume, NULL);
            assert_true(status == BASE_OK || status == BASE_OUT_OF_MEMORY);
            if (volume)
                col_volume_close(volume);
            base_arena_destroy(&heap);
        }
        unit_budget_check(&budget);
        cache_close(file);
        unit_budget_check(&working);
    }
}

/* In any thread: the volume is not to be had, and every extent was given back. */
static void failed_allocations_of_threads_leave_nothing_behind(void **state)
{
    (void)state;
    start_runtime();
    uint32_t failed = 0;
    for (uint64_t fail_at = 1; fail_at < 1500; fail_at += 1 + fail_at / 3) {
        unit_allocator failing;
        unit_allocator_init(&failing, 0, false);
        base_budget budget, working;
        unit_budget_init(&working);
        base_budget_init(&budget, NULL, &failing.allocator, "test", SIZE_MAX);
        cache_file *file = open_memory(&working);
        cache_reference reference;
        failing.fail_at = fail_at;
        base_status status = write_rows(file, &budget, COL_GROUP_ROWS + 3000, &reference, NULL);
        assert_true(status == BASE_OK || status == BASE_OUT_OF_MEMORY);
        failed += status != BASE_OK;
        unit_budget_check(&budget);
        cache_close(file);
        unit_budget_check(&working);
    }
    assert_true(failed > 5);
    stop_runtime();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back),
        cmocka_unit_test(groups_are_encoded_side_by_side),
        cmocka_unit_test(selected_rows_come_back),
        cmocka_unit_test(zone_maps_exclude_only_what_is_not_there),
        cmocka_unit_test(keys_give_values_back),
        cmocka_unit_test(failed_allocations_leave_nothing_behind),
        cmocka_unit_test(failed_allocations_of_threads_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
