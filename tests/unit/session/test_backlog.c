/*
 * Rows that are collected, in memory and in a temporary file: all come back, in order, any number
 * of times, whatever the limit; memory and files that fail leave nothing behind.
 */
#include "unit/unit.h"
#include "os/sim/os_sim.h"
#include "session/session_backlog.h"

enum {
    COLUMNS = 4
};

static const types_type column_types[COLUMNS] = {
    {.kind = TYPES_INTEGER}, {.kind = TYPES_TEXT}, {.kind = TYPES_SMALLINT}, {.kind = TYPES_TEXT}};

/* Longest text of the last column. */
static uint32_t longest;

static types_value value_of(uint64_t row, uint32_t column, char *buffer)
{
    types_value value = {.type = column_types[column]};
    value.is_null = (row + column) % 9 == 4 || (column == 2 && row % 4096 > 3000);
    switch (column) {
    case 0:
        value.cell.int64 = (int64_t)(row * row);
        break;
    case 2:
        value.cell.int16 = (int16_t)(row % 1000);
        break;
    default: {
        uint32_t length = column == 1 ? (uint32_t)(row % 30) : (uint32_t)(row * 7919 % longest);
        memset(buffer, 'a' + (int)(row % 26), length);
        value.cell.string = types_string_of(buffer, length);
    }
    }
    return value;
}

static base_status add_rows(session_backlog *self, uint64_t rows)
{
    static char buffer[1 << 20];
    for (uint64_t row = 0; row < rows; row++) {
        vector_chunk *chunk;
        RETURN_IF_ERROR(session_backlog_room(self, &chunk, NULL));
        for (uint32_t c = 0; c < COLUMNS; c++) {
            types_value value = value_of(row, c, buffer);
            if (value.is_null) {
                vector_set_null(&chunk->columns[c], chunk->count);
                continue;
            }
            if (c % 2 && value.cell.string.length > TYPES_STRING_INLINE) {
                uint32_t length = value.cell.string.length;
                char *copy = base_arena_copy_text(chunk->heap, buffer, length);
                if (!copy)
                    return BASE_OUT_OF_MEMORY;
                value.cell.string = types_string_of(copy, length);
            }
            vector_put(&chunk->columns[c], chunk->count, &value);
        }
        RETURN_IF_ERROR(session_backlog_added(self, NULL));
    }
    return BASE_OK;
}

static base_status expect_rows(session_backlog *self, uint64_t rows)
{
    static char buffer[1 << 20];
    uint64_t row = 0;
    session_backlog_rewind(self);
    for (;;) {
        const vector_chunk *chunk;
        base_status status = session_backlog_next(self, &chunk, NULL);
        if (status != BASE_ROW) {
            assert_true(status != BASE_DONE || row == rows);
            return status == BASE_DONE ? BASE_OK : status;
        }
        for (uint32_t i = 0; i < chunk->count; i++, row++) {
            for (uint32_t c = 0; c < COLUMNS; c++) {
                types_value expected = value_of(row, c, buffer);
                types_value value = vector_get(&chunk->columns[c], i);
                assert_int_equal(value.is_null, expected.is_null);
                if (!value.is_null)
                    assert_int_equal(
                        types_cell_compare(types_form_of(value.type), &value.cell, &expected.cell),
                        0);
            }
        }
    }
}

static base_status there_and_back(base_budget *budget, os_environment *environment, size_t memory,
                                  uint64_t rows)
{
    session_backlog backlog;
    session_backlog_init(&backlog, budget, environment, memory, column_types, COLUMNS);
    base_status status = add_rows(&backlog, rows);
    if (status == BASE_OK)
        status = expect_rows(&backlog, rows);
    if (status == BASE_OK)
        status = expect_rows(&backlog, rows);
    if (status == BASE_OK)
        assert_int_equal(backlog.row_count, rows);
    session_backlog_destroy(&backlog);
    return status;
}

static void rows_come_back_in_order(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, 2047, 2048, 2049, 30000};
    static const size_t memories[] = {0, 100000, 1 << 20, SIZE_MAX};
    longest = 200;
    for (size_t s = 0; s < BASE_COUNT_OF(sizes); s++) {
        for (size_t m = 0; m < BASE_COUNT_OF(memories); m++) {
            base_budget budget, disk;
            os_environment *environment;
            unit_budget_init(&budget);
            unit_budget_init(&disk);
            unit_assert_ok(os_memory_environment_create(&disk, &environment, NULL));
            unit_assert_ok(there_and_back(&budget, environment, memories[m], sizes[s]));
            /* The limit, what a chunk takes, and its bytes on the way. */
            if (memories[m] <= 1 << 20)
                assert_true(atomic_load(&budget.peak) < (memories[m] + (3 << 20)));
            unit_budget_check(&budget);
            os_memory_environment_destroy(environment);
            unit_budget_check(&disk);
        }
    }
}

/* A chunk of long texts goes to the file before it is full. */
static void long_texts_do_not_gather(void **state)
{
    (void)state;
    base_budget budget, disk;
    os_environment *environment;
    unit_budget_init(&budget);
    unit_budget_init(&disk);
    longest = 200000;
    unit_assert_ok(os_memory_environment_create(&disk, &environment, NULL));
    unit_assert_ok(there_and_back(&budget, environment, 1 << 20, 1500));
    assert_true(atomic_load(&budget.peak) < (16 << 20)); /* of 130 MB */
    unit_budget_check(&budget);
    os_memory_environment_destroy(environment);
    unit_budget_check(&disk);
}

static void failures_leave_nothing_behind(void **state)
{
    (void)state;
    uint32_t failed = 0;
    longest = 100;
    for (uint64_t fail_at = 1; fail_at < 400; fail_at += 1 + fail_at / 20) {
        for (int files = 0; files < 2; files++) {
            unit_allocator memory, disk_memory;
            base_budget budget, disk;
            os_environment *environment;
            unit_allocator_init(&memory, files ? 0 : fail_at, false);
            unit_allocator_init(&disk_memory, 0, false);
            base_budget_init(&budget, NULL, &memory.allocator, "test", SIZE_MAX);
            base_budget_init(&disk, NULL, &disk_memory.allocator, "disk", SIZE_MAX);
            unit_assert_ok(os_memory_environment_create(&disk, &environment, NULL));
            disk_memory.fail_at = files ? atomic_load(&disk_memory.calls) + fail_at : 0;
            base_status status = there_and_back(&budget, environment, 300000, 12000);
            failed += status != BASE_OK;
            unit_budget_check(&budget);
            os_memory_environment_destroy(environment);
            unit_budget_check(&disk);
        }
    }
    assert_true(failed > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_in_order),
        cmocka_unit_test(long_texts_do_not_gather),
        cmocka_unit_test(failures_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
