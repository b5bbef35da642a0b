/*
 * test_aggregates.c - every aggregate grouped, at once and in combined parts must agree with each
 * other and, where it is simple, with a model.
 */
#include "unit/vector/vector_fixture.h"
#include "func/func.h"

enum {
    GROUPS = 5
};

typedef struct fixture {
    base_budget budget;
    base_arena heap, texts;
    uint64_t random;
} fixture;

static void start(fixture *self, uint64_t seed)
{
    unit_budget_init(&self->budget);
    base_arena_init(&self->heap, &self->budget);
    base_arena_init(&self->texts, &self->budget);
    self->random = seed;
}

static void end(fixture *self)
{
    base_arena_destroy(&self->heap);
    base_arena_destroy(&self->texts);
    unit_budget_check(&self->budget);
}

static func_aggregate_call find(fixture *self, const char *name, types_type *types, uint32_t count)
{
    func_aggregate_call call = {
        .argument_count = count, .argument_types = types, .heap = &self->heap};
    unit_assert_ok(func_find_aggregate(base_text_of(name), types, count, &call.function,
                                       &call.result_type, NULL));
    return call;
}

static void *new_state(fixture *self, func_aggregate_call *call)
{
    uint32_t size = call->function->state_size(call);
    assert_int_equal(size % 8, 0);
    void *state = base_arena_allocate_zeroed(&self->heap, size);
    assert_non_null(state);
    return state;
}

static base_status add_all(func_aggregate_call *call, const vector *const *arguments,
                           const uint16_t *selection, uint32_t count, void *state)
{
    if (call->function->update_single)
        return call->function->update_single(call, arguments, selection, count, state, NULL);
    void *states[VECTOR_SIZE];
    for (uint32_t i = 0; i < count; i++)
        states[i] = state;
    return call->function->update(call, arguments, selection, count, states, NULL);
}

static types_value finish(func_aggregate_call *call, const void *state)
{
    types_value value = types_null_of(call->result_type);
    unit_assert_ok(call->function->finish(call, state, &value.cell, &value.is_null, NULL));
    return value;
}

/* Equal, or for floats nearly so: parts add up in another order. */
static void assert_near(const types_value *a, const types_value *b)
{
    assert_int_equal(a->is_null, b->is_null);
    if (a->is_null)
        return;
    if (a->type.kind == TYPES_FLOAT && a->cell.float64 == a->cell.float64) {
        double scale = fabs(a->cell.float64) + 1;
        assert_true(fabs(a->cell.float64 - b->cell.float64) <= 1e-9 * scale);
        return;
    }
    assert_int_equal(types_cell_compare(types_form_of(a->type), &a->cell, &b->cell), 0);
}

/* One aggregate over one random column: all rows at once, row by row in groups, groups made of
 * combined parts. */
static void check(fixture *self, const char *name, types_type type, uint32_t seed)
{
    types_type types[2] = {type, TYPES_OF(TEXT)};
    bool two = strcmp(name, "string_agg") == 0 || strcmp(name, "corr") == 0 ||
               strcmp(name, "arg_min") == 0 || strcmp(name, "arg_max") == 0;
    if (strcmp(name, "corr") == 0)
        types[1] = TYPES_OF(FLOAT);
    func_aggregate_call call = find(self, name, types, two ? 2 : 1);
    vector columns[2], entries[2];
    const vector *arguments[2] = {&columns[0], &columns[1]};
    uint32_t rows = 150, count = rows;
    for (uint32_t i = 0; i < 2; i++) {
        unit_assert_ok(vector_init(&columns[i], &self->budget, types[i], NULL));
        unit_assert_ok(vector_init(&entries[i], &self->budget, types[i], NULL));
        fixture_fill(&columns[i], &entries[i], (vector_shape)((seed + i) % 3), rows, seed % 2 * 4,
                     &self->random, &self->texts);
    }
    uint16_t selection[VECTOR_SIZE];
    if (seed % 4 >= 2)
        count = fixture_select(selection, rows, 2, &self->random);
    const uint16_t *used = seed % 4 >= 2 ? selection : NULL;

    void *groups[GROUPS], *single[GROUPS], *parts[GROUPS][2], *states[VECTOR_SIZE];
    uint16_t members[GROUPS][VECTOR_SIZE];
    uint32_t sizes[GROUPS] = {0};
    for (uint32_t g = 0; g < GROUPS; g++) {
        groups[g] = new_state(self, &call);
        single[g] = new_state(self, &call);
        parts[g][0] = new_state(self, &call);
        parts[g][1] = new_state(self, &call);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = vector_row(used, i);
        uint32_t group = row / 40; /* the last group stays empty */
        states[i] = groups[group];
        members[group][sizes[group]++] = (uint16_t)row;
    }
    unit_assert_ok(call.function->update(&call, arguments, used, count, states, NULL));
    for (uint32_t g = 0; g < GROUPS; g++) {
        uint32_t half = sizes[g] / 3;
        unit_assert_ok(add_all(&call, arguments, members[g], sizes[g], single[g]));
        unit_assert_ok(add_all(&call, arguments, members[g], half, parts[g][0]));
        unit_assert_ok(add_all(&call, arguments, members[g] + half, sizes[g] - half, parts[g][1]));
        unit_assert_ok(call.function->combine(&call, parts[g][0], parts[g][1], NULL));
        types_value grouped = finish(&call, groups[g]);
        types_value whole = finish(&call, single[g]);
        types_value combined = finish(&call, parts[g][0]);
        assert_near(&grouped, &whole);
        assert_near(&grouped, &combined);
        if (sizes[g] == 0)
            assert_int_equal(grouped.is_null, !call.function->zero_if_empty);
        if (call.function->remove && sizes[g] > 1) { /* out again but for the first */
            for (uint32_t i = 1; i < sizes[g]; i++)
                unit_assert_ok(
                    call.function->remove(&call, arguments, members[g][i], groups[g], NULL));
            void *one = new_state(self, &call);
            unit_assert_ok(add_all(&call, arguments, members[g], 1, one));
            types_value left = finish(&call, groups[g]), expected = finish(&call, one);
            assert_near(&left, &expected);
        }
    }
    for (uint32_t i = 0; i < 2; i++) {
        vector_destroy(&columns[i], &self->budget);
        vector_destroy(&entries[i], &self->budget);
    }
}

static void grouped_single_and_combined_agree(void **test)
{
    (void)test;
    static const char *const of_any[] = {"count",   "min",       "max",          "first",
                                         "last",    "any_value", "group_concat", "string_agg",
                                         "arg_min", "arg_max"};
    static const char *const of_numbers[] = {"sum",        "avg",    "total", "variance",
                                             "stddev_pop", "median", "corr"};
    fixture self;
    start(&self, 31337);
    for (uint32_t seed = 0; seed < 12; seed++)
        for (uint32_t t = 0; t < BASE_COUNT_OF(fixture_types); t++) {
            base_arena_reset(&self.heap);
            base_arena_reset(&self.texts);
            types_type type = fixture_types[t];
            /* Sums of long decimals and of unsigned edges overflow by themselves. */
            bool small = type.precision < 38 && type.kind != TYPES_UBIGINT;
            for (uint32_t i = 0; i < BASE_COUNT_OF(of_any); i++)
                check(&self, of_any[i], type, seed);
            for (uint32_t i = 0; types_is_numeric(type) && i < BASE_COUNT_OF(of_numbers); i++)
                if (small && type.kind != TYPES_FLOAT && type.kind != TYPES_FLOAT4)
                    check(&self, of_numbers[i], type, seed);
        }
    check(&self, "bool_and", TYPES_OF(BOOLEAN), 1);
    check(&self, "bool_or", TYPES_OF(BOOLEAN), 2);
    check(&self, "bit_xor", TYPES_OF(INTEGER), 3);
    check(&self, "count_if", TYPES_OF(BOOLEAN), 1);
    end(&self);
}

static void put_integers(vector *column, const int64_t *values, uint32_t count)
{
    vector_reset(column);
    memcpy(column->data, values, count * sizeof(int64_t));
}

static void sums_are_exact_and_checked(void **test)
{
    (void)test;
    fixture self;
    start(&self, 1);
    types_type type = TYPES_OF(INTEGER);
    func_aggregate_call sum = find(&self, "sum", &type, 1);
    assert_int_equal(sum.result_type.kind, TYPES_INTEGER);
    vector column;
    const vector *arguments[1] = {&column};
    unit_assert_ok(vector_init(&column, &self.budget, type, NULL));
    /* Overflows on the way, but not at the end. */
    put_integers(&column, (int64_t[]){INT64_MAX, INT64_MAX, INT64_MIN, INT64_MIN, -5}, 5);
    void *state = new_state(&self, &sum);
    unit_assert_ok(add_all(&sum, arguments, NULL, 5, state));
    assert_int_equal(finish(&sum, state).cell.int64, -7);
    unit_assert_ok(add_all(&sum, arguments, NULL, 2, state));
    types_cell cell;
    bool is_null;
    base_error error;
    base_error_clear(&error);
    assert_int_equal(sum.function->finish(&sum, state, &cell, &is_null, &error), BASE_OUT_OF_RANGE);
    assert_string_equal(error.sqlstate, "22003");
    /* Means and moments of 2, 4, 4, 4, 5, 5, 7, 9. */
    int64_t sample[] = {2, 4, 4, 4, 5, 5, 7, 9};
    static const struct {
        const char *name;
        double expected;
    } cases[] = {{"avg", 5}, {"stddev_pop", 2}, {"var_samp", 32.0 / 7}, {"median", 4.5}};
    for (uint32_t i = 0; i < BASE_COUNT_OF(cases); i++) {
        types_type argument = TYPES_OF(INTEGER);
        func_aggregate_call call = find(&self, cases[i].name, &argument, 1);
        vector_reset(&column);
        if (argument.kind == TYPES_FLOAT)
            for (uint32_t v = 0; v < 8; v++)
                ((double *)column.data)[v] = (double)sample[v];
        else
            put_integers(&column, sample, 8);
        void *own = new_state(&self, &call);
        unit_assert_ok(add_all(&call, arguments, NULL, 8, own));
        assert_true(fabs(finish(&call, own).cell.float64 - cases[i].expected) < 1e-12);
    }
    vector_destroy(&column, &self.budget);
    end(&self);
}

/* A batch of the largest values of each precision: its sum is taken in 64 bits only where that is
 * wide enough. */
static void sums_of_extreme_decimals_are_exact(void **test)
{
    (void)test;
    fixture self;
    start(&self, 1);
    vector column;
    const vector *arguments[1] = {&column};
    uint16_t selection[VECTOR_SIZE];
    for (uint32_t precision = 1; precision <= TYPES_DECIMAL_MAX_INT64; precision++) {
        types_type type = TYPES_DECIMAL_OF(precision, 0);
        int64_t largest = (int64_t)types_power_of_ten(precision) - 1;
        unit_assert_ok(vector_init(&column, &self.budget, type, NULL));
        func_aggregate_call sum = find(&self, "sum", &type, 1);
        for (uint32_t round = 0; round < 8; round++) {
            int64_t value = round & 1 ? -largest : largest;
            uint32_t count = round & 2 ? VECTOR_SIZE : VECTOR_SIZE - 1;
            for (uint32_t i = 0; i < VECTOR_SIZE; i++) {
                ((int64_t *)column.data)[i] = value;
                selection[i] = (uint16_t)i;
            }
            void *state = new_state(&self, &sum);
            unit_assert_ok(add_all(&sum, arguments, round & 4 ? selection : NULL, count, state));
            types_value total = finish(&sum, state);
            assert_true(total.cell.int128 == (int128_t)value * count);
        }
        vector_destroy(&column, &self.budget);
    }
    end(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grouped_single_and_combined_agree),
        cmocka_unit_test(sums_are_exact_and_checked),
        cmocka_unit_test(sums_of_extreme_decimals_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
