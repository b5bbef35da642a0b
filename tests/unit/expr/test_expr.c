/*
 * test_expr.c - random expressions by vector, by filter and by row must agree, in values and in
 * errors, over random chunks with NULLs, shapes and selections; plus the rules that the header
 * promises, by example.
 */
#include "unit/unit.h"
#include "unit/vector/vector_fixture.h"
#include "expr/expr.h"

typedef struct fixture {
    base_budget budget;
    base_arena arena; /* expressions and programs */
    base_arena texts; /* bytes of the chunk's strings */
    uint64_t random;
    vector_chunk chunk, entries;
    expr_context context;
    func_environment environment;
    types_value parameters[2];
} fixture;

static const types_type slot_types[] = {
    {.kind = TYPES_BOOLEAN},
    {.kind = TYPES_INTEGER},
    {.kind = TYPES_DECIMAL, .precision = 15, .scale = 2},
    {.kind = TYPES_DECIMAL, .precision = 30, .scale = 4},
    {.kind = TYPES_FLOAT},
    {.kind = TYPES_TEXT},
    {.kind = TYPES_INT4},
    {.kind = TYPES_DATE},
};
enum {
    SLOTS = BASE_COUNT_OF(slot_types)
};

static void fixture_start(fixture *self, uint64_t seed)
{
    memset(self, 0, sizeof *self);
    unit_budget_init(&self->budget);
    base_arena_init(&self->arena, &self->budget);
    base_arena_init(&self->texts, &self->budget);
    self->random = seed * 2654435769u + 1;
    unit_assert_ok(vector_chunk_init(&self->chunk, &self->budget, slot_types, SLOTS, NULL));
    unit_assert_ok(vector_chunk_init(&self->entries, &self->budget, slot_types, SLOTS, NULL));
    self->context = (expr_context){.parameters = self->parameters,
                                   .parameter_count = 2,
                                   .environment = &self->environment,
                                   .budget = &self->budget};
    self->parameters[0] = (types_value){.type = TYPES_OF(INTEGER), .cell.int64 = 2};
    self->parameters[1] = types_null_of(TYPES_OF(TEXT));
}

static void fixture_end(fixture *self)
{
    base_arena_destroy(&self->arena);
    base_arena_destroy(&self->texts);
    vector_chunk_destroy(&self->chunk);
    vector_chunk_destroy(&self->entries);
    unit_budget_check(&self->budget);
}

static void fill_chunk(fixture *self, uint32_t rows, uint32_t nulls, uint32_t sparse)
{
    vector_chunk_reset(&self->chunk);
    base_arena_reset(&self->texts);
    for (uint32_t i = 0; i < SLOTS; i++) {
        uint64_t choice = fixture_random(&self->random) % 8;
        vector_shape shape = choice == 0   ? VECTOR_CONSTANT
                             : choice == 1 ? VECTOR_DICTIONARY
                                           : VECTOR_FLAT;
        fixture_fill(&self->chunk.columns[i], &self->entries.columns[i], shape, rows,
                     i % 2 ? nulls : 0, &self->random, &self->texts);
    }
    self->chunk.count = rows;
    if (sparse > 1) {
        self->chunk.count = fixture_select(self->chunk.own_selection, rows, sparse, &self->random);
        self->chunk.selection = self->chunk.own_selection;
    }
}

/* ---- Building ---------------------------------------------------------------------------- */

static plan_expr *expr_of(fixture *self, plan_expr_kind kind, types_type type, uint32_t count)
{
    plan_expr *expr = plan_expr_new(&self->arena, kind, type, count);
    assert_non_null(expr);
    return expr;
}

static plan_expr *cast_to(fixture *self, plan_expr *argument, types_type type)
{
    if (types_equal(argument->type, type))
        return argument;
    plan_expr *cast = expr_of(self, PLAN_EXPR_CAST, type, 1);
    cast->arguments[0] = argument;
    return cast;
}

static plan_expr *call_of(fixture *self, const char *name, plan_expr **arguments, uint32_t count)
{
    types_type types[4], result;
    const func_scalar *function;
    for (uint32_t i = 0; i < count; i++)
        types[i] = arguments[i]->type;
    unit_assert_ok(func_find_scalar(base_text_of(name), types, count, &function, &result, NULL));
    plan_expr *call = expr_of(self, PLAN_EXPR_CALL, result, count);
    call->function = function;
    for (uint32_t i = 0; i < count; i++)
        call->arguments[i] = cast_to(self, arguments[i], types[i]);
    return call;
}

static plan_expr *slot_of(fixture *self, uint32_t slot)
{
    plan_expr *expr = plan_slot(&self->arena, slot, slot_types[slot]);
    assert_non_null(expr);
    return expr;
}

static plan_expr *constant_of(fixture *self, const types_value *value)
{
    plan_expr *expr = plan_constant(&self->arena, value);
    assert_non_null(expr);
    return expr;
}

static plan_expr *integer_of(fixture *self, int64_t value)
{
    return constant_of(self, &(types_value){.type = TYPES_OF(INTEGER), .cell.int64 = value});
}

static uint32_t below(fixture *self, uint32_t limit)
{
    return (uint32_t)(fixture_random(&self->random) % limit);
}

static plan_expr *random_expr(fixture *self, types_type type, uint32_t depth);

static plan_expr *random_leaf(fixture *self, types_type type)
{
    for (uint32_t tries = 0; tries < 3; tries++) {
        uint32_t slot = below(self, SLOTS);
        if (types_equal(slot_types[slot], type))
            return slot_of(self, slot);
    }
    if (type.kind == TYPES_INTEGER && below(self, 4) == 0) {
        plan_expr *parameter = expr_of(self, PLAN_EXPR_PARAMETER, type, 0);
        return parameter;
    }
    types_value value = fixture_value(type, &self->random, &self->arena);
    if (below(self, 8) == 0)
        value = types_null_of(type);
    return constant_of(self, &value);
}

static plan_expr *text_of(fixture *self, const char *text)
{
    types_value value = {.type = TYPES_OF(TEXT)};
    value.cell.string = types_string_of(text, strlen(text));
    return constant_of(self, &value);
}

/* A function of one text, of the wanted type; NULL: there is none. */
static plan_expr *random_text_call(fixture *self, types_type type, uint32_t depth)
{
    plan_expr *arguments[3] = {random_expr(self, TYPES_OF(TEXT), depth - 1), integer_of(self, 2),
                               integer_of(self, 3)};
    if (type.kind == TYPES_INTEGER)
        return call_of(self, "length", arguments, 1);
    if (type.kind == TYPES_TEXT)
        return below(self, 2) ? call_of(self, "upper", arguments, 1)
                              : call_of(self, "substr", arguments, 3);
    arguments[1] = text_of(self, below(self, 2) ? "a%" : "%e_");
    return call_of(self, "like", arguments, 2);
}

static plan_expr *random_condition(fixture *self, uint32_t depth)
{
    plan_expr *expr;
    uint32_t count;
    types_type type = slot_types[below(self, SLOTS)];
    switch (below(self, 10)) {
    case 9:
        return random_text_call(self, TYPES_OF(BOOLEAN), depth);
    case 0:
    case 1:
        expr = expr_of(self, PLAN_EXPR_COMPARE, TYPES_OF(BOOLEAN), 2);
        expr->comparison = (vector_comparison)below(self, 6);
        break;
    case 2:
        expr = expr_of(self, PLAN_EXPR_DISTINCT_FROM, TYPES_OF(BOOLEAN), 2);
        expr->negated = below(self, 2);
        break;
    case 3:
    case 4:
        count = 2 + below(self, 3);
        expr =
            expr_of(self, below(self, 2) ? PLAN_EXPR_AND : PLAN_EXPR_OR, TYPES_OF(BOOLEAN), count);
        type = TYPES_OF(BOOLEAN);
        break;
    case 5:
        expr = expr_of(self, PLAN_EXPR_NOT, TYPES_OF(BOOLEAN), 1);
        type = TYPES_OF(BOOLEAN);
        break;
    case 6:
        expr = expr_of(self, PLAN_EXPR_IS_NULL, TYPES_OF(BOOLEAN), 1);
        expr->negated = below(self, 2);
        break;
    case 7:
        expr = expr_of(self, PLAN_EXPR_IS_TRUE, TYPES_OF(BOOLEAN), 1);
        expr->negated = below(self, 2);
        expr->is_truth = below(self, 2);
        type = TYPES_OF(BOOLEAN);
        break;
    default:
        count = 2 + below(self, 8);
        expr = expr_of(self, PLAN_EXPR_IN, TYPES_OF(BOOLEAN), count);
        expr->negated = below(self, 2);
        expr->arguments[0] = random_expr(self, type, depth - 1);
        for (uint32_t i = 1; i < count; i++)
            expr->arguments[i] =
                below(self, 8) == 0 ? random_expr(self, type, depth - 1) : random_leaf(self, type);
        if (below(self, 2)) /* a list of constants only */
            for (uint32_t i = 1; i < count; i++) {
                types_value value = fixture_value(type, &self->random, &self->arena);
                expr->arguments[i] = constant_of(self, &value);
            }
        return expr;
    }
    for (uint32_t i = 0; i < expr->argument_count; i++)
        expr->arguments[i] = random_expr(self, type, depth - 1);
    return expr;
}

static plan_expr *random_expr(fixture *self, types_type type, uint32_t depth)
{
    static const char *const operators[] = {"+", "-", "*", "/", "%"};
    if (depth == 0)
        return random_leaf(self, type);
    if (type.kind == TYPES_BOOLEAN && below(self, 4))
        return random_condition(self, depth);
    plan_expr *expr;
    uint32_t count;
    switch (below(self, 6)) {
    case 0:
        count = 3 + 2 * below(self, 2);
        expr = expr_of(self, PLAN_EXPR_CASE, type, count);
        for (uint32_t i = 0; i < count; i++)
            expr->arguments[i] = random_expr(
                self, i % 2 == 0 && i + 1 < count ? TYPES_OF(BOOLEAN) : type, depth - 1);
        return expr;
    case 1:
        count = 1 + below(self, 3);
        expr = expr_of(self, PLAN_EXPR_COALESCE, type, count);
        for (uint32_t i = 0; i < count; i++)
            expr->arguments[i] = random_expr(self, type, depth - 1);
        return expr;
    case 2:
        expr = expr_of(self, PLAN_EXPR_NULLIF, type, 2);
        expr->arguments[0] = random_expr(self, type, depth - 1);
        expr->arguments[1] = random_expr(self, type, depth - 1);
        return expr;
    case 3:
    case 4:
        if (type.kind == TYPES_INTEGER && below(self, 3) == 0)
            return random_text_call(self, type, depth);
        if (types_is_numeric(type)) {
            plan_expr *sides[2];
            for (uint32_t i = 0; i < 2; i++) {
                types_type side = slot_types[1 + below(self, 4)];
                sides[i] = random_expr(self, side, depth - 1);
            }
            return cast_to(self, call_of(self, operators[below(self, 5)], sides, 2), type);
        }
        if (type.kind == TYPES_TEXT && below(self, 2))
            return random_text_call(self, type, depth);
        if (type.kind == TYPES_TEXT) {
            plan_expr *sides[2] = {random_expr(self, type, depth - 1),
                                   random_expr(self, type, depth - 1)};
            return call_of(self, "||", sides, 2);
        }
        return random_leaf(self, type);
    default:
        if (types_is_numeric(type) || type.kind == TYPES_TEXT) {
            types_type from = slot_types[1 + below(self, 4)];
            plan_expr *cast = cast_to(self, random_expr(self, from, depth - 1), type);
            if (cast->kind == PLAN_EXPR_CAST)
                cast->try_cast = below(self, 2);
            return cast;
        }
        return random_leaf(self, type);
    }
}

/* ---- Checking ---------------------------------------------------------------------------- */

static void assert_same(const types_value *a, const types_value *b)
{
    assert_int_equal(a->is_null, b->is_null);
    if (!a->is_null)
        assert_int_equal(types_cell_compare(types_form_of(a->type), &a->cell, &b->cell), 0);
}

/* Every selected row by itself. Returns the first error. */
static base_status rows_of(fixture *self, expr_program *program, types_value *values,
                           base_arena *bytes)
{
    types_cell cells[SLOTS];
    bool nulls[SLOTS];
    for (uint32_t i = 0; i < self->chunk.count; i++) {
        uint32_t row = vector_row(self->chunk.selection, i);
        for (uint32_t slot = 0; slot < SLOTS; slot++) {
            types_value value = vector_get(&self->chunk.columns[slot], row);
            cells[slot] = value.cell;
            nulls[slot] = value.is_null;
        }
        values[i] = types_null_of(expr_type(program));
        base_status status =
            expr_row(program, cells, nulls, &values[i].cell, &values[i].is_null, NULL);
        if (status != BASE_OK)
            return status;
        types_string *string = &values[i].cell.string;
        if (!values[i].is_null && types_form_of(values[i].type) == TYPES_FORM_STRING &&
            string->length > TYPES_STRING_INLINE) {
            string->far.pointer = base_arena_copy_text(bytes, string->far.pointer, string->length);
            assert_non_null(string->far.pointer);
        }
        expr_clear_heap(program);
    }
    return BASE_OK;
}

static bool check_agreement(fixture *self, const plan_expr *expr)
{
    expr_program *by_vector, *by_row;
    types_value expected[VECTOR_SIZE];
    unit_assert_ok(expr_compile(&self->context, &self->arena, expr, &by_vector, NULL));
    unit_assert_ok(expr_compile(&self->context, &self->arena, expr, &by_row, NULL));
    unit_assert_ok(expr_reset(by_vector, NULL));
    unit_assert_ok(expr_reset(by_row, NULL));
    base_status row_status = rows_of(self, by_row, expected, &self->arena);
    const vector *result;
    base_status vector_status = expr_evaluate(by_vector, &self->chunk, &result, NULL);
    if (self->chunk.count == 0)
        return true;
    assert_int_equal(vector_status, row_status);
    if (row_status == BASE_OK)
        for (uint32_t i = 0; i < self->chunk.count; i++) {
            types_value got = vector_get(result, vector_row(self->chunk.selection, i));
            assert_same(&got, &expected[i]);
        }
    if (expr->type.kind != TYPES_BOOLEAN)
        return row_status == BASE_OK;
    uint16_t out[VECTOR_SIZE], wanted[VECTOR_SIZE];
    uint32_t count, wanted_count = 0;
    /* A filter asks for fewer rows than a value: NULL AND x does not pass whatever x is. */
    base_status select_status = expr_select(by_vector, &self->chunk, out, &count, NULL);
    assert_true(select_status == row_status || select_status == BASE_OK);
    if (row_status != BASE_OK)
        return false;
    for (uint32_t i = 0; i < self->chunk.count; i++)
        if (!expected[i].is_null && expected[i].cell.boolean)
            wanted[wanted_count++] = (uint16_t)vector_row(self->chunk.selection, i);
    assert_int_equal(count, wanted_count);
    assert_memory_equal(out, wanted, count * sizeof(uint16_t));
    return true;
}

static void vector_filter_and_row_agree(void **test)
{
    (void)test;
    uint32_t answered = 0, total = 0;
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        fixture self;
        fixture_start(&self, seed);
        plan_expr *expr = random_expr(&self, slot_types[below(&self, SLOTS)], 1 + seed % 4);
        for (uint32_t round = 0; round < 2; round++) {
            fill_chunk(&self, 1 + below(&self, 150), seed % 3 * 2, 1 + below(&self, 3));
            answered += check_agreement(&self, expr);
            total++;
        }
        /* Folding changes no answer. */
        plan_expr *folded = plan_expr_copy(&self.arena, expr);
        assert_non_null(folded);
        unit_assert_ok(expr_fold(&self.arena, &folded, NULL));
        if (check_agreement(&self, expr) && self.chunk.count > 0) {
            expr_program *a, *b;
            types_value left[VECTOR_SIZE], right[VECTOR_SIZE];
            unit_assert_ok(expr_compile(&self.context, &self.arena, expr, &a, NULL));
            unit_assert_ok(expr_compile(&self.context, &self.arena, folded, &b, NULL));
            unit_assert_ok(expr_reset(a, NULL));
            unit_assert_ok(expr_reset(b, NULL));
            unit_assert_ok(rows_of(&self, a, left, &self.arena));
            unit_assert_ok(rows_of(&self, b, right, &self.arena));
            for (uint32_t i = 0; i < self.chunk.count; i++)
                assert_same(&left[i], &right[i]);
        }
        fixture_end(&self);
    }
    assert_true(answered > total / 3); /* most expressions have answers, not errors */
}

/* ---- By example -------------------------------------------------------------------------- */

static types_value value_of(fixture *self, const plan_expr *expr, base_status expected)
{
    expr_program *program;
    types_value value = types_null_of(expr->type);
    base_error error;
    base_error_clear(&error);
    unit_assert_ok(expr_compile(&self->context, &self->arena, expr, &program, &error));
    unit_assert_ok(expr_reset(program, &error));
    assert_int_equal(expr_value(program, &value, &error), expected);
    assert_int_equal(error.status, expected);
    return value;
}

static void errors_show_only_for_rows_that_ask(void **test)
{
    (void)test;
    fixture self;
    fixture_start(&self, 5);
    plan_expr *bad = cast_to(&self, text_of(&self, "no number"), TYPES_OF(INTEGER));
    value_of(&self, bad, BASE_INVALID_TEXT);
    /* CASE WHEN slot1 IS NOT NULL THEN slot1 ELSE bad END over rows without NULL */
    plan_expr *condition = expr_of(&self, PLAN_EXPR_IS_NULL, TYPES_OF(BOOLEAN), 1);
    condition->negated = true;
    condition->arguments[0] = slot_of(&self, 1);
    plan_expr *choice = expr_of(&self, PLAN_EXPR_CASE, TYPES_OF(INTEGER), 3);
    choice->arguments[0] = condition;
    choice->arguments[1] = slot_of(&self, 1);
    choice->arguments[2] = bad;
    fill_chunk(&self, 50, 0, 1);
    expr_program *program;
    const vector *result;
    unit_assert_ok(expr_compile(&self.context, &self.arena, choice, &program, NULL));
    unit_assert_ok(expr_reset(program, NULL));
    unit_assert_ok(expr_evaluate(program, &self.chunk, &result, NULL));
    vector_reset(&self.chunk.columns[1]);
    memset(self.chunk.columns[1].data, 0, 8 * 50);
    vector_set_null(&self.chunk.columns[1], 33);
    assert_int_equal(expr_evaluate(program, &self.chunk, &result, NULL), BASE_INVALID_TEXT);
    fixture_end(&self);
}

static void parameters_are_read_at_reset(void **test)
{
    (void)test;
    fixture self;
    fixture_start(&self, 6);
    plan_expr *parameter = expr_of(&self, PLAN_EXPR_PARAMETER, TYPES_OF(INTEGER), 0);
    plan_expr *sides[2] = {parameter, integer_of(&self, 40)};
    plan_expr *sum = call_of(&self, "+", sides, 2);
    expr_program *program;
    types_value value;
    unit_assert_ok(expr_compile(&self.context, &self.arena, sum, &program, NULL));
    for (int64_t i = 0; i < 4; i++) {
        self.parameters[0].cell.int64 = i;
        unit_assert_ok(expr_reset(program, NULL));
        unit_assert_ok(expr_value(program, &value, NULL));
        assert_int_equal(value.cell.int64, 40 + i);
    }
    self.parameters[0] = types_null_of(TYPES_OF(INTEGER));
    unit_assert_ok(expr_reset(program, NULL));
    unit_assert_ok(expr_value(program, &value, NULL));
    assert_true(value.is_null);
    fixture_end(&self);
}

static void nothing_is_allocated_after_the_first_batch(void **test)
{
    (void)test;
    fixture self;
    fixture_start(&self, 7);
    plan_expr *sides[2] = {slot_of(&self, 2), slot_of(&self, 3)};
    plan_expr *product = call_of(&self, "*", sides, 2);
    sides[0] = product;
    sides[1] = slot_of(&self, 4);
    plan_expr *sum = call_of(&self, "+", sides, 2);
    plan_expr *condition = expr_of(&self, PLAN_EXPR_COMPARE, TYPES_OF(BOOLEAN), 2);
    condition->comparison = VECTOR_LESS;
    condition->arguments[0] = sum;
    condition->arguments[1] = cast_to(&self, integer_of(&self, 3), TYPES_OF(FLOAT));
    expr_program *program;
    unit_assert_ok(expr_compile(&self.context, &self.arena, condition, &program, NULL));
    unit_assert_ok(expr_reset(program, NULL));
    size_t used = 0;
    for (uint32_t round = 0; round < 5; round++) {
        vector_chunk_reset(&self.chunk);
        for (uint32_t i = 0; i < SLOTS; i++)
            memset(self.chunk.columns[i].data, 0, 16 * 16);
        self.chunk.count = 16;
        uint32_t count;
        uint16_t out[VECTOR_SIZE];
        unit_assert_ok(expr_select(program, &self.chunk, out, &count, NULL));
        assert_int_equal(count, 16);
        if (round > 0)
            assert_int_equal(atomic_load(&self.budget.used), used);
        used = atomic_load(&self.budget.used);
    }
    fixture_end(&self);
}

static void each_failed_allocation_is_reported(void **test)
{
    (void)test;
    bool finished = false;
    for (uint64_t fail_at = 1; !finished && fail_at < 400; fail_at++) {
        fixture self;
        fixture_start(&self, 11);
        fill_chunk(&self, 60, 3, 1);
        plan_expr *texts[2] = {slot_of(&self, 5), text_of(&self, " and a tail that is far")};
        plan_expr *joined = call_of(&self, "||", texts, 2);
        plan_expr *list = expr_of(&self, PLAN_EXPR_IN, TYPES_OF(BOOLEAN), 8);
        list->arguments[0] = joined;
        for (uint32_t i = 1; i < 8; i++)
            list->arguments[i] = text_of(&self, "some text that is far as well");
        unit_allocator failing;
        unit_allocator_init(&failing, fail_at, false);
        base_budget budget;
        base_budget_init(&budget, NULL, &failing.allocator, "test", SIZE_MAX);
        base_arena arena;
        base_arena_init(&arena, &budget);
        expr_context context = self.context;
        context.budget = &budget;
        base_error error;
        base_error_clear(&error);
        expr_program *program;
        const vector *result;
        base_status status = expr_compile(&context, &arena, list, &program, &error);
        if (status == BASE_OK)
            status = expr_reset(program, &error);
        if (status == BASE_OK)
            status = expr_evaluate(program, &self.chunk, &result, &error);
        finished = status == BASE_OK;
        if (!finished)
            assert_int_equal(error.status, BASE_OUT_OF_MEMORY);
        base_arena_destroy(&arena);
        unit_budget_check(&budget);
        fixture_end(&self);
    }
    assert_true(finished);
}

static void arithmetic_follows_the_rules(void **test)
{
    (void)test;
    fixture self;
    fixture_start(&self, 12);
    plan_expr *sides[2] = {integer_of(&self, INT64_MAX), integer_of(&self, 1)};
    value_of(&self, call_of(&self, "+", sides, 2), BASE_OUT_OF_RANGE);
    sides[0] = integer_of(&self, INT64_MIN);
    sides[1] = integer_of(&self, -1);
    value_of(&self, call_of(&self, "/", sides, 2), BASE_OUT_OF_RANGE);
    assert_int_equal(value_of(&self, call_of(&self, "%", sides, 2), BASE_OK).cell.int64, 0);
    sides[1] = integer_of(&self, 0);
    assert_true(value_of(&self, call_of(&self, "/", sides, 2), BASE_OK).is_null);
    assert_true(value_of(&self, call_of(&self, "%", sides, 2), BASE_OK).is_null);
    sides[0] = integer_of(&self, -7);
    sides[1] = integer_of(&self, 2);
    assert_int_equal(value_of(&self, call_of(&self, "/", sides, 2), BASE_OK).cell.int64, -3);
    /* Decimals: exact, and a quotient rounds half away from zero. */
    types_value one = {.type = TYPES_DECIMAL_OF(3, 1), .cell.int64 = 10};
    types_value three = {.type = TYPES_DECIMAL_OF(3, 1), .cell.int64 = -15};
    sides[0] = constant_of(&self, &one);
    sides[1] = constant_of(&self, &three);
    types_value quotient = value_of(&self, call_of(&self, "/", sides, 2), BASE_OK);
    int128_t scale = types_power_of_ten(quotient.type.scale);
    assert_true(quotient.cell.int128 == -(scale * 20 + 15) / 30);
    types_value product = value_of(&self, call_of(&self, "*", sides, 2), BASE_OK);
    assert_int_equal(product.type.scale, 2);
    assert_int_equal(product.cell.int64, -150);
    /* Products that need 128 bits, and one that needs more. */
    types_value large = {.type = TYPES_DECIMAL_OF(38, 0)};
    large.cell.int128 = types_power_of_ten(20);
    sides[0] = constant_of(&self, &large);
    sides[1] = sides[0];
    value_of(&self, call_of(&self, "*", sides, 2), BASE_OUT_OF_RANGE);
    large.cell.int128 = -types_power_of_ten(17);
    sides[1] = constant_of(&self, &large);
    assert_true(value_of(&self, call_of(&self, "*", sides, 2), BASE_OK).cell.int128 ==
                -types_power_of_ten(37));
    fixture_end(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic_follows_the_rules),
        cmocka_unit_test(errors_show_only_for_rows_that_ask),
        cmocka_unit_test(parameters_are_read_at_reset),
        cmocka_unit_test(nothing_is_allocated_after_the_first_batch),
        cmocka_unit_test(each_failed_allocation_is_reported),
        cmocka_unit_test(vector_filter_and_row_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
