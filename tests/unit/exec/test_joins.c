/* Every kind of join, by hash and by nested loop, with NULLs, repeats and residuals. */
#include "unit/exec/exec_fixture.h"

/* The same join by hash and as a nested loop with the equality as its condition. */
static void check_both(fixture *f, plan_join_kind kind, plan_operator *left, plan_operator *right,
                       plan_expr *residual, const char *expected)
{
    plan_operator *hash = join(f, kind, left, right, slot(f, 0, 'I'), slot(f, 0, 'I'));
    hash->join.residual = residual;
    check_any_order(f, hash, expected);
    plan_operator *loop = join(f, kind, left, right, NULL, NULL);
    plan_expr *equal = compare(f, VECTOR_EQUAL, slot(f, 0, 'I'), slot(f, left->column_count, 'I'));
    loop->join.residual = residual ? plan_and(&f->arena, equal, residual) : equal;
    check_any_order(f, loop, expected);
}

static void test_kinds(void **state)
{
    fixture *f = *state;
    plan_operator *a = values(f, "IT", "1|a;2|b;2|c;NULL|d;4|a text longer than inline");
    plan_operator *b = values(f, "IT", "2|x;2|y;4|z;NULL|n;5|q");
    check_both(f, PLAN_JOIN_INNER, a, b, NULL,
               "2|b|2|x;2|b|2|y;2|c|2|x;2|c|2|y;4|a text longer than inline|4|z");
    check_both(f, PLAN_JOIN_LEFT, a, b, NULL,
               "2|b|2|x;2|b|2|y;2|c|2|x;2|c|2|y;4|a text longer than inline|4|z;"
               "1|a|NULL|NULL;NULL|d|NULL|NULL");
    check_both(f, PLAN_JOIN_FULL, a, b, NULL,
               "2|b|2|x;2|b|2|y;2|c|2|x;2|c|2|y;4|a text longer than inline|4|z;"
               "1|a|NULL|NULL;NULL|d|NULL|NULL;NULL|NULL|NULL|n;NULL|NULL|5|q");
    check_both(f, PLAN_JOIN_SEMI, a, b, NULL, "2|b;2|c;4|a text longer than inline");
    check_both(f, PLAN_JOIN_ANTI, a, b, NULL, "1|a;NULL|d");
}

static void test_empty_sides(void **state)
{
    fixture *f = *state;
    plan_operator *a = values(f, "IT", "1|a;NULL|b"), *none = values(f, "IT", "");
    check_both(f, PLAN_JOIN_INNER, a, none, NULL, "");
    check_both(f, PLAN_JOIN_INNER, none, a, NULL, "");
    check_both(f, PLAN_JOIN_LEFT, a, none, NULL, "1|a|NULL|NULL;NULL|b|NULL|NULL");
    check_both(f, PLAN_JOIN_FULL, none, a, NULL, "NULL|NULL|1|a;NULL|NULL|NULL|b");
    check_both(f, PLAN_JOIN_ANTI, a, none, NULL, "1|a;NULL|b");
    check_both(f, PLAN_JOIN_SEMI, a, none, NULL, "");
    check_both(f, PLAN_JOIN_MARK, a, none, NULL, "1|a|false;NULL|b|false");
    check_both(f, PLAN_JOIN_SINGLE, a, none, NULL, "1|a|NULL|NULL;NULL|b|NULL|NULL");
}

static void test_mark(void **state)
{
    fixture *f = *state;
    plan_operator *a = values(f, "I", "1;2;NULL");
    check_both(f, PLAN_JOIN_MARK, a, values(f, "I", "2;3"), NULL, "1|false;2|true;NULL|NULL");
    check_both(f, PLAN_JOIN_MARK, a, values(f, "I", "2;NULL"), NULL, "1|NULL;2|true;NULL|NULL");
    /* With a residual: only build rows that pass it (or might) count. */
    plan_operator *b = values(f, "II", "2|0;1|1;NULL|0");
    plan_expr *passes = compare(f, VECTOR_EQUAL, slot(f, 2, 'I'), constant(f, 'I', "1"));
    check_both(f, PLAN_JOIN_MARK, a, b, passes, "1|true;2|false;NULL|NULL");
    /* Two keys: (1, NULL) IN ((1, 5)) is NULL, (2, NULL) IN ((1, 5)) is false. */
    plan_operator *pairs = values(f, "II", "1|NULL;2|NULL;1|5;1|6");
    plan_operator *op = join(f, PLAN_JOIN_MARK, pairs, values(f, "II", "1|5;3|NULL"),
                             slot(f, 0, 'I'), slot(f, 0, 'I'));
    op->join.key_count = 2;
    op->join.left_keys = list(f, 2, slot(f, 0, 'I'), slot(f, 1, 'I'));
    op->join.right_keys = list(f, 2, slot(f, 0, 'I'), slot(f, 1, 'I'));
    check_any_order(f, op, "1|NULL|NULL;2|NULL|false;1|5|true;1|6|false");
}

static void test_single(void **state)
{
    fixture *f = *state;
    plan_operator *a = values(f, "I", "1;2;3");
    check_both(f, PLAN_JOIN_SINGLE, a, values(f, "IT", "1|x;3|z"), NULL, "1|1|x;2|NULL|NULL;3|3|z");
    f->expected = BASE_CARDINALITY;
    check_both(f, PLAN_JOIN_SINGLE, a, values(f, "IT", "1|x;3|z;3|y"), NULL, "");
}

static void test_residual(void **state)
{
    fixture *f = *state;
    plan_operator *a = values(f, "II", "1|10;1|20;2|30;3|40");
    plan_operator *b = values(f, "II", "1|15;1|5;2|99;4|0");
    plan_expr *less = compare(f, VECTOR_LESS, slot(f, 1, 'I'), slot(f, 3, 'I'));
    check_both(f, PLAN_JOIN_INNER, a, b, less, "1|10|1|15;2|30|2|99");
    check_both(f, PLAN_JOIN_LEFT, a, b, less, "1|10|1|15;2|30|2|99;1|20|NULL|NULL;3|40|NULL|NULL");
    check_both(f, PLAN_JOIN_FULL, a, b, less,
               "1|10|1|15;2|30|2|99;1|20|NULL|NULL;3|40|NULL|NULL;"
               "NULL|NULL|1|5;NULL|NULL|4|0");
    check_both(f, PLAN_JOIN_SEMI, a, b, less, "1|10;2|30");
    check_both(f, PLAN_JOIN_ANTI, a, b, less, "1|20;3|40");
}

static void test_build_left(void **state)
{
    fixture *f = *state;
    plan_operator *a = values(f, "I", "1;2;2;NULL"), *b = values(f, "IT", "2|x;3|y;NULL|z");
    plan_join_kind kinds[] = {PLAN_JOIN_LEFT, PLAN_JOIN_SEMI, PLAN_JOIN_ANTI};
    const char *expected[] = {"2|2|x;2|2|x;NULL|3|y;NULL|NULL|z", "2|x", "3|y;NULL|z"};
    for (uint32_t i = 0; i < 3; i++) {
        plan_operator *hash = join(f, kinds[i], a, b, slot(f, 0, 'I'), slot(f, 0, 'I'));
        build_left(hash);
        check_any_order(f, hash, expected[i]);
        plan_operator *loop = join(f, kinds[i], a, b, NULL, NULL);
        build_left(loop);
        loop->join.residual = compare(f, VECTOR_EQUAL, slot(f, 0, 'I'), slot(f, 1, 'I'));
        check_any_order(f, loop, expected[i]);
    }
}

static void test_null_equal(void **state)
{
    fixture *f = *state;
    plan_operator *op = join(f, PLAN_JOIN_INNER, values(f, "IT", "1|a;NULL|b"),
                             values(f, "IT", "1|x;NULL|y"), slot(f, 0, 'I'), slot(f, 0, 'I'));
    op->join.null_equal[0] = true;
    check_any_order(f, op, "1|a|1|x;NULL|b|NULL|y");
}

static void test_text_keys(void **state)
{
    fixture *f = *state;
    plan_operator *a = values(f, "T", "short;a text longer than inline;NULL;other long text here");
    plan_operator *op = join(f, PLAN_JOIN_INNER, a, a, slot(f, 0, 'T'), slot(f, 0, 'T'));
    check_any_order(f, op,
                    "short|short;a text longer than inline|a text longer than inline;"
                    "other long text here|other long text here");
}

/* 160,000 rows against 512 keys that repeat 4 times, on one and on four threads. */
static void test_large(void **state)
{
    fixture *f = *state;
    f->skip_failures = true;
    plan_operator *build =
        project(f, series(f, 5, "2048"), 1,
                list(f, 1, call2(f, "%", slot(f, 0, 'I'), constant(f, 'I', "512"))));
    plan_operator *probe =
        project(f, cte_scan(f, 0, "I"), 1,
                list(f, 1, call2(f, "%", slot(f, 0, 'I'), constant(f, 'I', "1024"))));
    plan_aggregate counts[2] = {aggregate(f, "count", NULL), aggregate(f, "sum", slot(f, 1, 'I'))};
    f->cte_count = 6;
    /* 160000 = 156 * 1024 + 256: keys below 256 come 157 times, up to 511 156 times. */
    for (f->threads = 1; f->threads <= 4; f->threads += 3) {
        plan_operator *inner =
            join(f, PLAN_JOIN_INNER, probe, build, slot(f, 0, 'I'), slot(f, 0, 'I'));
        check(f, many(f, 0, "400", group(f, inner, 0, NULL, 2, counts)), "320512|81759744");
        plan_operator *full =
            join(f, PLAN_JOIN_FULL, probe, build, slot(f, 0, 'I'), slot(f, 0, 'I'));
        check(f, many(f, 0, "400", group(f, full, 0, NULL, 2, counts)), "400384|81759744");
        plan_operator *anti =
            join(f, PLAN_JOIN_ANTI, probe, build, slot(f, 0, 'I'), slot(f, 0, 'I'));
        check(f, many(f, 0, "400", group(f, anti, 0, NULL, 1, counts)), "79872");
    }
}

/* A pair chunk that overflows: one key 3,000 times on each side. */
static void test_many_partners(void **state)
{
    fixture *f = *state;
    f->skip_failures = true;
    plan_operator *sides[2];
    for (uint32_t i = 0; i < 2; i++)
        sides[i] = project(f, series(f, i, "3000"), 1, list(f, 1, constant(f, 'I', "7")));
    plan_operator *op =
        join(f, PLAN_JOIN_INNER, sides[0], sides[1], slot(f, 0, 'I'), slot(f, 0, 'I'));
    plan_aggregate count[1] = {aggregate(f, "count", NULL)};
    check(f, group(f, op, 0, NULL, 1, count), "9000000");
    op->join.kind = PLAN_JOIN_SEMI;
    op->column_count = 1;
    check(f, group(f, op, 0, NULL, 1, count), "3000");
}

/* Dense keys are addressed, sparse ones hashed; the answers are the same. */
static void test_dense_and_sparse(void **state)
{
    fixture *f = *state;
    plan_operator *dense = values(f, "IT", "-2|a;0|b;0|c;3|d;NULL|e");
    plan_operator *sparse =
        values(f, "IT", "-2|a;0|b;0|c;3|d;NULL|e;9223372036854775807|f;-9223372036854775808|g");
    plan_operator *probe = values(f, "I", "0;3;4;-3;NULL;9223372036854775807");
    check_both(f, PLAN_JOIN_INNER, probe, dense, NULL, "0|0|b;0|0|c;3|3|d");
    check_both(f, PLAN_JOIN_INNER, probe, sparse, NULL,
               "0|0|b;0|0|c;3|3|d;9223372036854775807|9223372036854775807|f");
    check_both(f, PLAN_JOIN_FULL, probe, dense, NULL,
               "0|0|b;0|0|c;3|3|d;4|NULL|NULL;-3|NULL|NULL;NULL|NULL|NULL;"
               "9223372036854775807|NULL|NULL;NULL|-2|a;NULL|NULL|e");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_kinds),         TEST(test_empty_sides),      TEST(test_mark),
        TEST(test_single),        TEST(test_residual),         TEST(test_build_left),
        TEST(test_null_equal),    TEST(test_text_keys),        TEST(test_large),
        TEST(test_many_partners), TEST(test_dense_and_sparse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
