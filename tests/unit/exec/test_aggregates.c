/* Grouping by hash and in order, DISTINCT, FILTER, ORDER BY inside, many groups on threads. */
#include "unit/exec/exec_fixture.h"

static plan_operator *ordered(plan_operator *op)
{
    op->kind = PLAN_OP_ORDERED_AGGREGATE;
    op->aggregate.presorted = op->aggregate.key_count;
    return op;
}

static void test_groups(void **state)
{
    fixture *f = *state;
    plan_operator *rows = values(f, "TI",
                                 "a|1;a|2;b|NULL;NULL|5;NULL|6;"
                                 "a key longer than inline|7;a key longer than inline|9");
    plan_aggregate aggregates[4] = {
        aggregate(f, "count", NULL), aggregate(f, "sum", slot(f, 1, 'I')),
        aggregate(f, "min", slot(f, 1, 'I')), aggregate(f, "max", slot(f, 1, 'I'))};
    const char *expected = "a|2|3|1|2;b|1|NULL|NULL|NULL;NULL|2|11|5|6;"
                           "a key longer than inline|2|16|7|9";
    plan_operator *op = group(f, rows, 1, list(f, 1, slot(f, 0, 'T')), 4, aggregates);
    check_any_order(f, op, expected);
    check(f, ordered(op), expected);
}

static void test_without_groups(void **state)
{
    fixture *f = *state;
    plan_aggregate aggregates[3] = {aggregate(f, "count", NULL),
                                    aggregate(f, "sum", slot(f, 0, 'I')),
                                    aggregate(f, "min", slot(f, 1, 'T'))};
    check(f, group(f, values(f, "IT", "1|b;2|a text longer than inline"), 0, NULL, 3, aggregates),
          "2|3|a text longer than inline");
    check(f, group(f, values(f, "IT", ""), 0, NULL, 3, aggregates), "0|NULL|NULL");
    check(f, group(f, values(f, "IT", ""), 1, list(f, 1, slot(f, 0, 'I')), 3, aggregates), "");
}

static void test_distinct(void **state)
{
    fixture *f = *state;
    check_any_order(f,
                    group(f, values(f, "IT", "1|a;1|a;1|b;NULL|a;NULL|a"), 2,
                          list(f, 2, slot(f, 0, 'I'), slot(f, 1, 'T')), 0, NULL),
                    "1|a;1|b;NULL|a");
    plan_aggregate aggregates[3] = {aggregate(f, "count", slot(f, 1, 'I')),
                                    aggregate(f, "sum", slot(f, 1, 'I')),
                                    aggregate(f, "sum", slot(f, 1, 'I'))};
    aggregates[0].distinct = aggregates[1].distinct = true;
    plan_operator *rows = values(f, "TI", "a|1;a|1;a|2;b|3;b|NULL;b|3");
    plan_operator *op = group(f, rows, 1, list(f, 1, slot(f, 0, 'T')), 3, aggregates);
    check_any_order(f, op, "a|2|3|4;b|1|3|6");
    check(f, ordered(op), "a|2|3|4;b|1|3|6");
    check(f, group(f, rows, 0, NULL, 3, aggregates), "3|6|10");
}

static void test_filter(void **state)
{
    fixture *f = *state;
    plan_aggregate aggregates[2] = {aggregate(f, "count", NULL),
                                    aggregate(f, "sum", slot(f, 1, 'I'))};
    aggregates[0].filter = compare(f, VECTOR_GREATER, slot(f, 1, 'I'), constant(f, 'I', "1"));
    aggregates[1].filter = compare(f, VECTOR_LESS, slot(f, 1, 'I'), constant(f, 'I', "2"));
    plan_operator *rows = values(f, "TI", "a|1;a|2;b|3;a|4");
    check_any_order(f, group(f, rows, 1, list(f, 1, slot(f, 0, 'T')), 2, aggregates),
                    "a|2|1;b|1|NULL");
    check(f, group(f, rows, 0, NULL, 2, aggregates), "3|1");
}

static void test_order_inside(void **state)
{
    fixture *f = *state;
    types_type types[2] = {TYPES_OF(TEXT), TYPES_OF(TEXT)};
    plan_aggregate joined = {.argument_count = 2, .order_count = 1};
    unit_assert_ok(func_find_aggregate(BASE_TEXT("string_agg"), types, 2, &joined.function,
                                       &joined.type, &f->error));
    joined.arguments = list(f, 2, slot(f, 1, 'T'), constant(f, 'T', ","));
    joined.order = keys(f, 1, slot(f, 2, 'I'), "desc last");
    plan_operator *rows = values(f, "TTI", "g|x|1;g|y|3;h|z|5;g|w|2;g|v|NULL");
    check_any_order(f, group(f, rows, 1, list(f, 1, slot(f, 0, 'T')), 1, &joined), "g|y,w,x,v;h|z");
    joined.order_count = 0;
    check_any_order(f, group(f, rows, 1, list(f, 1, slot(f, 0, 'T')), 1, &joined), "g|x,y,w,v;h|z");
    check(f, group(f, rows, 0, NULL, 1, &joined), "x,y,z,w,v");
    joined.distinct = true;
    joined.order_count = 1;
    joined.order = keys(f, 1, slot(f, 1, 'T'), "asc");
    plan_operator *repeated = values(f, "TTI", "g|b|1;g|a|3;g|b|5");
    check(f, group(f, repeated, 0, NULL, 1, &joined), "a,b");
}

/* 160,000 rows: many groups, few groups, DISTINCT across lanes; one and four threads agree. */
static void test_threads(void **state)
{
    fixture *f = *state;
    f->skip_failures = true;
    for (f->threads = 1; f->threads <= 4; f->threads += 3) {
        plan_expr *key = call2(f, "%", slot(f, 0, 'I'), constant(f, 'I', "40000"));
        plan_aggregate sums[2] = {aggregate(f, "count", NULL),
                                  aggregate(f, "sum", slot(f, 0, 'I'))};
        plan_operator *groups = group(f, cte_scan(f, 0, "I"), 1, list(f, 1, key), 2, sums);
        plan_aggregate over[4] = {aggregate(f, "count", NULL), aggregate(f, "sum", slot(f, 0, 'I')),
                                  aggregate(f, "min", slot(f, 1, 'I')),
                                  aggregate(f, "max", slot(f, 1, 'I'))};
        check(f, many(f, 0, "400", group(f, groups, 0, NULL, 4, over)), "40000|799980000|4|4");

        plan_expr *few = call2(f, "%", slot(f, 0, 'I'), constant(f, 'I', "3"));
        plan_aggregate distinct[2] = {aggregate(f, "count", NULL), aggregate(f, "count", key)};
        distinct[1].distinct = true;
        check_any_order(
            f, many(f, 0, "400", group(f, cte_scan(f, 0, "I"), 1, list(f, 1, few), 2, distinct)),
            "0|53334|40000;1|53333|40000;2|53333|40000");
        check(f, many(f, 0, "400", group(f, cte_scan(f, 0, "I"), 0, NULL, 2, distinct)),
              "160000|40000");
    }
}

/* Keys that are addressed directly, that are too sparse for it, and short keys of several
 * columns, each from its first row on and after a change of mind. */
static void test_integer_keys(void **state)
{
    fixture *f = *state;
    plan_aggregate count[1] = {aggregate(f, "count", NULL)};
    plan_expr **key = list(f, 1, slot(f, 0, 'I'));
    check_any_order(f, group(f, values(f, "I", "5;NULL;-3;5;NULL;70000"), 1, key, 1, count),
                    "5|2;NULL|2;-3|1;70000|1");
    check_any_order(f,
                    group(f, values(f, "I", "9223372036854775807;-9223372036854775808;NULL;0"), 1,
                          key, 1, count),
                    "9223372036854775807|1;-9223372036854775808|1;NULL|1;0|1");
    f->skip_failures = true;
    plan_aggregate over[3] = {aggregate(f, "count", NULL), aggregate(f, "min", slot(f, 1, 'I')),
                              aggregate(f, "max", slot(f, 1, 'I'))};
    for (f->threads = 1; f->threads <= 4; f->threads += 3) {
        /* x * x: dense for a thousand rows, sparse later. */
        plan_expr *square = call2(f, "*", slot(f, 0, 'I'), slot(f, 0, 'I'));
        plan_operator *groups = group(f, cte_scan(f, 0, "I"), 1, list(f, 1, square), 1, count);
        check(f, many(f, 0, "400", group(f, groups, 0, NULL, 3, over)), "160000|1|1");
        plan_expr *thirds = call2(f, "%", slot(f, 0, 'I'), constant(f, 'I', "3"));
        plan_expr *fifths = call2(f, "%", slot(f, 0, 'I'), constant(f, 'I', "5"));
        groups = group(f, cte_scan(f, 0, "I"), 2, list(f, 2, thirds, fifths), 1, count);
        over[1] = aggregate(f, "min", slot(f, 2, 'I'));
        over[2] = aggregate(f, "max", slot(f, 2, 'I'));
        check(f, many(f, 0, "400", group(f, groups, 0, NULL, 3, over)), "15|10666|10667");
        over[1] = aggregate(f, "min", slot(f, 1, 'I'));
        over[2] = aggregate(f, "max", slot(f, 1, 'I'));
    }
}

/* Keys in the order of the rows: groups that cross batches and lanes, keys that fall half-way
 * (dense and sparse ones), a NULL among them. One lane and four. */
static void test_rising_keys(void **state)
{
    fixture *f = *state;
    f->skip_failures = true;
    plan_expr *number = slot(f, 0, 'I'), *seven = constant(f, 'I', "7");
    plan_expr *half = call2(f, "%", number, constant(f, 'I', "80000"));
    plan_expr *null_once =
        call2(f, "/", constant(f, 'I', "0"), call2(f, "-", number, constant(f, 'I', "150000")));
    const struct {
        plan_expr *key;
        const char *expected; /* groups, rows, rows of the smallest and largest, sum */
    } cases[] = {
        {call2(f, "/", number, seven), "22858|160000|1|7|12799920000"},
        {call2(f, "/", half, seven), "11429|160000|8|14|12799920000"},
        {call2(f, "*", half, constant(f, 'I', "1000003")), "80000|160000|2|2|12799920000"},
        {call2(f, "+", call2(f, "/", number, seven), null_once), "22859|160000|1|7|12799920000"},
        {call2(f, "-", constant(f, 'I', "0"), number), "160000|160000|1|1|12799920000"},
    };
    for (f->threads = 1; f->threads <= 4; f->threads += 3) {
        for (uint32_t c = 0; c < BASE_COUNT_OF(cases); c++) {
            plan_aggregate each[2] = {aggregate(f, "count", NULL), aggregate(f, "sum", number)};
            plan_aggregate over[5] = {
                aggregate(f, "count", NULL), aggregate(f, "sum", slot(f, 1, 'I')),
                aggregate(f, "min", slot(f, 1, 'I')), aggregate(f, "max", slot(f, 1, 'I')),
                aggregate(f, "sum", slot(f, 2, 'I'))};
            plan_operator *groups =
                group(f, cte_scan(f, 0, "I"), 1, list(f, 1, cases[c].key), 2, each);
            check(f, many(f, 0, "400", group(f, groups, 0, NULL, 5, over)), cases[c].expected);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_groups),       TEST(test_without_groups), TEST(test_distinct),
        TEST(test_filter),       TEST(test_order_inside),   TEST(test_threads),
        TEST(test_integer_keys), TEST(test_rising_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
