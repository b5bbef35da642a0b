/* Sorting and grouping what comes in order by the first keys: slices of whole groups. */
#include "unit/exec/exec_fixture.h"

enum {
    ROWS = 700, /* several slices: they are cut at 64 rows, then at twice as many each time */
};

/* Rows (i / width, i % 5), or all that `pattern` writes, divided by semicolons. */
typedef void (*row_writer)(char *row, size_t size, uint32_t number, uint32_t width);

static char *rows_of(fixture *f, uint32_t count, uint32_t width, row_writer write)
{
    size_t size = (size_t)count * 48 + 1, length = 0;
    char *rows = base_arena_allocate(&f->arena, size);
    assert_non_null(rows);
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            rows[length++] = ';';
        write(rows + length, size - length, i, width);
        length += strlen(rows + length);
    }
    return rows;
}

static void input_row(char *row, size_t size, uint32_t i, uint32_t width)
{
    (void)snprintf(row, size, "%u|%u", i / width, i * 3 % 5);
}

static void group_row(char *row, size_t size, uint32_t group, uint32_t width)
{
    uint32_t first = group * width, last = BASE_MIN(first + width, (uint32_t)ROWS), sum = 0;
    for (uint32_t i = first; i < last; i++)
        sum += i * 3 % 5;
    (void)snprintf(row, size, "%u|%u|%u", group, last - first, sum);
}

static plan_operator *ordered_rows(fixture *f, uint32_t width)
{
    return values(f, "II", rows_of(f, ROWS, width, input_row));
}

static const uint32_t widths[] = {1, 3, 64, 65, 350, ROWS};

static void test_groups_come_in_order(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < BASE_COUNT_OF(widths); i++) {
        uint32_t groups = (ROWS + widths[i] - 1) / widths[i];
        plan_aggregate aggregates[2] = {aggregate(f, "count", NULL),
                                        aggregate(f, "sum", slot(f, 1, 'I'))};
        plan_operator *op =
            group(f, ordered_rows(f, widths[i]), 1, list(f, 1, slot(f, 0, 'I')), 2, aggregates);
        op->kind = PLAN_OP_ORDERED_AGGREGATE;
        op->aggregate.presorted = 1;
        check(f, op, rows_of(f, groups, widths[i], group_row));
    }
}

/* Grouped by two keys, of which the first is in order: slices of a hash table. */
static void test_groups_within_groups(void **state)
{
    fixture *f = *state;
    plan_aggregate count[1] = {aggregate(f, "count", NULL)};
    plan_aggregate over[3] = {aggregate(f, "count", NULL), aggregate(f, "sum", slot(f, 2, 'I')),
                              aggregate(f, "max", slot(f, 0, 'I'))};
    plan_operator *inner =
        group(f, ordered_rows(f, 7), 2, list(f, 2, slot(f, 0, 'I'), slot(f, 1, 'I')), 1, count);
    inner->aggregate.presorted = 1;
    check(f, group(f, inner, 0, NULL, 3, over), "500|700|99");
}

static void test_a_limit_ends_the_reading(void **state)
{
    fixture *f = *state;
    plan_aggregate count[1] = {aggregate(f, "count", NULL)};
    plan_operator *groups = group(f, ordered_rows(f, 7), 1, list(f, 1, slot(f, 0, 'I')), 1, count);
    groups->kind = PLAN_OP_ORDERED_AGGREGATE;
    groups->aggregate.presorted = 1;
    check(f, limit(f, groups, "2", NULL), "0|7;1|7");
}

static void sorted_row(char *row, size_t size, uint32_t i, uint32_t width)
{
    /* Of five rows beside each other one has each rest; they come by falling rest. */
    (void)snprintf(row, size, "%u|%u", i / width, 4 - i % 5);
}

static void test_the_rest_is_sorted(void **state)
{
    fixture *f = *state;
    plan_operator *op =
        sort(f, ordered_rows(f, 5), 2, keys(f, 2, slot(f, 0, 'I'), "asc", slot(f, 1, 'I'), "desc"));
    op->sort.presorted = 1;
    check(f, op, rows_of(f, ROWS, 5, sorted_row));
}

static void test_nothing_comes_of_nothing(void **state)
{
    fixture *f = *state;
    plan_operator *none = filter(f, ordered_rows(f, 5), constant(f, 'B', "false"));
    plan_operator *op = sort(f, none, 1, keys(f, 1, slot(f, 0, 'I'), "asc"));
    op->sort.presorted = 1;
    check(f, op, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_groups_come_in_order),     TEST(test_groups_within_groups),
        TEST(test_a_limit_ends_the_reading), TEST(test_the_rest_is_sorted),
        TEST(test_nothing_comes_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
