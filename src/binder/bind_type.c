/*
 * bind_type.c - settling types: what an untyped literal is, which cast is allowed where.
 *
 * As in PostgreSQL a quoted literal has no type of its own until something needs it to
 * have one; a parameter likewise. Both are given the type in place: a literal is parsed at
 * once (so a bad one is an error with its position, before anything runs), a parameter
 * notes the type for whoever binds the value. NULL takes any type. Everything else gets
 * an explicit PLAN_EXPR_CAST, if the cast's level allows it in this place.
 *
 * Numeric constants are converted here: a key compared to `5` should be compared to a
 * constant of its own type. Other folding is expr's.
 *
 * Where types_common has chosen the type, the cast to it is allowed whatever its level: two
 * wide decimals meet at a scale that one of them reaches only by an explicit cast.
 *
 * Invariants: after bind_cast the expression has the wanted type, precision and scale.
 */
#include "binder/binder_int.h"

bool bind_is_untyped(const plan_expr *expr)
{
    return expr->type.kind == TYPES_UNKNOWN || expr->type.kind == TYPES_NULL;
}

static base_status cast_refused(binder *b, const plan_expr *expr, types_type to,
                                types_cast_level level, const char *what)
{
    char from_name[TYPES_NAME_SIZE], to_name[TYPES_NAME_SIZE];
    types_name(expr->type, from_name);
    types_name(to, to_name);
    bool none = types_cast_level_of(expr->type, to) == TYPES_CAST_NONE;
    if (level == TYPES_CAST_EXPLICIT)
        return base_error_set_at(b->error, BASE_CANNOT_CAST, expr->position, "cannot cast %s to %s",
                                 from_name, to_name);
    base_status status = base_error_set_at(b->error, BASE_TYPE_MISMATCH, expr->position,
                                           "%s is of type %s but the expression is of type %s",
                                           what, to_name, from_name);
    if (!none)
        base_error_set_hint(b->error, "write a CAST to %s", to_name);
    return status;
}

/* A quoted literal becomes a value of the type. */
static base_status parse_literal(binder *b, plan_expr *expr, types_type to)
{
    base_text text = {types_string_data(&expr->constant.cell.string),
                      expr->constant.cell.string.length};
    types_value value;
    base_status status = types_parse(text, to, b->arena, &value, b->error);
    if (status != BASE_OK) {
        if (b->error && b->error->position < 0)
            b->error->position = expr->position;
        return status;
    }
    expr->constant = value;
    expr->constant.type = to;
    expr->type = to;
    return BASE_OK;
}

static base_status set_parameter_type(binder *b, plan_expr *expr, types_type to,
                                      types_cast_level level, const char *what)
{
    BASE_ASSERT(expr->parameter < b->parameter_count);
    types_type *known = &b->parameter_types[expr->parameter];
    if (known->kind == TYPES_UNKNOWN)
        *known = to;
    expr->type = *known;
    if (types_equal(expr->type, to) ||
        types_cast_level_of(expr->type, to) >= BASE_MIN(level, TYPES_CAST_ASSIGNMENT))
        return BASE_OK;
    return cast_refused(b, expr, to, level, what);
}

/* Constants that convert without loss of meaning are converted now; a failure is left to
 * the cast, which may never run (inside CASE). */
static bool fold_cast(binder *b, plan_expr *expr, types_type to)
{
    if (expr->kind != PLAN_EXPR_CONSTANT)
        return false;
    types_value value;
    base_error ignored;
    base_error_clear(&ignored);
    if (expr->constant.is_null)
        value = types_null_of(to);
    else if (!types_is_numeric(expr->type) || !types_is_numeric(to) ||
             types_cast(&expr->constant, to, b->arena, &value, &ignored) != BASE_OK)
        return false;
    value.type = to;
    expr->constant = value;
    expr->type = to;
    return true;
}

base_status bind_cast(binder *b, plan_expr **slot, types_type to, types_cast_level level,
                      const char *what)
{
    plan_expr *expr = *slot;
    BASE_ASSERT(to.kind != TYPES_UNKNOWN);
    if (types_equal(expr->type, to))
        return BASE_OK;
    if (expr->type.kind == TYPES_UNKNOWN) {
        if (expr->kind == PLAN_EXPR_CONSTANT && !expr->constant.is_null)
            return parse_literal(b, expr, to);
        if (expr->kind == PLAN_EXPR_PARAMETER) {
            RETURN_IF_ERROR(set_parameter_type(b, expr, to, level, what));
            if (types_equal(expr->type, to))
                return BASE_OK;
        }
    } else if (expr->type.kind != TYPES_NULL && types_cast_level_of(expr->type, to) < level) {
        return cast_refused(b, expr, to, level, what);
    }
    if (fold_cast(b, expr, to))
        return BASE_OK;
    *slot = plan_cast(b->arena, expr, to);
    return *slot ? BASE_OK : bind_no_memory(b);
}

static bool is_exact(types_type type)
{
    return types_is_integer(type) || type.kind == TYPES_DECIMAL;
}

static bool is_number_constant(const plan_expr *expr)
{
    return expr->kind == PLAN_EXPR_CONSTANT && !expr->constant.is_null && is_exact(expr->type);
}

base_status bind_narrow(binder *b, plan_expr *constant, const plan_expr *other)
{
    if (!is_number_constant(constant) || other->kind == PLAN_EXPR_CONSTANT ||
        !is_exact(other->type) || types_equal(constant->type, other->type))
        return BASE_OK;
    types_value there, back;
    base_error ignored;
    base_error_clear(&ignored);
    if (types_cast(&constant->constant, other->type, b->arena, &there, &ignored) != BASE_OK ||
        types_cast(&there, constant->type, b->arena, &back, &ignored) != BASE_OK)
        return BASE_OK;
    types_form form = types_form_of(constant->type);
    if (types_cell_compare(form, &back.cell, &constant->constant.cell) != 0)
        return BASE_OK;
    constant->type = there.type = other->type;
    constant->constant = there;
    return BASE_OK;
}

base_status bind_shorten(binder *b, plan_expr *constant, const plan_expr *other)
{
    if (!is_number_constant(constant) || constant->type.kind != TYPES_INTEGER ||
        other->type.kind != TYPES_DECIMAL)
        return BASE_OK;
    uint32_t digits = 1;
    while (digits < TYPES_DECIMAL_MAX_PRECISION &&
           !types_decimal_fits(constant->constant.cell.int64, digits))
        digits++;
    return fold_cast(b, constant, TYPES_DECIMAL_OF(digits, 0))
               ? BASE_OK
               : bind_error(b, BASE_INTERNAL, -1, "an integer does not fit its own digits");
}

base_status bind_unify(binder *b, plan_expr **exprs, uint32_t count, const char *what,
                       types_type *common)
{
    BASE_ASSERT(count > 0);
    types_type type = exprs[0]->type;
    for (uint32_t i = 1; i < count; i++) {
        types_type next;
        if (!types_common(type, exprs[i]->type, &next)) {
            char one[TYPES_NAME_SIZE], other[TYPES_NAME_SIZE];
            return base_error_set_at(b->error, BASE_TYPE_MISMATCH, exprs[i]->position,
                                     "%s cannot hold both %s and %s", what, types_name(type, one),
                                     types_name(exprs[i]->type, other));
        }
        type = next;
    }
    if (type.kind == TYPES_UNKNOWN)
        type = TYPES_OF(TEXT);
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(bind_cast(b, &exprs[i], type, TYPES_CAST_EXPLICIT, what));
    *common = type;
    return BASE_OK;
}

/* Numbers are accepted as conditions for users of SQLite and MySQL: not 0 is true. */
static base_status number_condition(binder *b, plan_expr **expr)
{
    types_value zero = {.type = TYPES_OF(INTEGER)};
    plan_expr *constant = plan_constant(b->arena, &zero);
    if (!constant)
        return bind_no_memory(b);
    return bind_compare_pair(b, VECTOR_NOT_EQUAL, *expr, constant, (*expr)->position, expr);
}

base_status bind_condition(binder *b, plan_expr **expr, const char *what)
{
    types_type type = (*expr)->type;
    if (type.kind == TYPES_BOOLEAN)
        return BASE_OK;
    if (types_is_numeric(type))
        return number_condition(b, expr);
    if (!bind_is_untyped(*expr)) {
        char name[TYPES_NAME_SIZE];
        return base_error_set_at(b->error, BASE_TYPE_MISMATCH, (*expr)->position,
                                 "%s must be of type BOOLEAN, not %s", what,
                                 types_name(type, name));
    }
    return bind_cast(b, expr, TYPES_OF(BOOLEAN), TYPES_CAST_IMPLICIT, what);
}

base_status bind_settle(binder *b, plan_expr **expr)
{
    if ((*expr)->type.kind != TYPES_UNKNOWN)
        return BASE_OK;
    if ((*expr)->kind == PLAN_EXPR_PARAMETER)
        (*expr)->type = b->parameter_types[(*expr)->parameter];
    if ((*expr)->type.kind != TYPES_UNKNOWN)
        return BASE_OK;
    return bind_cast(b, expr, TYPES_OF(TEXT), TYPES_CAST_IMPLICIT, "the result");
}

/* Puts a projection with the casts on top. */
static base_status wrap_casts(binder *b, bind_result *result, const types_type *types,
                              types_cast_level level, int32_t position)
{
    plan_expr **exprs = bind_array(b, result->column_count, sizeof *exprs);
    if (!exprs)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < result->column_count; i++) {
        exprs[i] = plan_column_ref(b->arena, result->node->columns[i], result->types[i]);
        if (!exprs[i])
            return bind_no_memory(b);
        exprs[i]->position = bind_position(b, position);
        char what[128];
        (void)snprintf(what, sizeof what, "column %u (%.*s)", i + 1,
                       (int)BASE_MIN(result->names[i].length, (size_t)64), result->names[i].data);
        RETURN_IF_ERROR(bind_cast(b, &exprs[i], types[i], level, what));
    }
    RETURN_IF_ERROR(bind_project(b, result->node, exprs, result->column_count, &result->node));
    result->project = result->node;
    memcpy(result->types, types, result->column_count * sizeof *types);
    return BASE_OK;
}

base_status bind_cast_result(binder *b, bind_result *result, const types_type *types,
                             types_cast_level level, int32_t position)
{
    bool differ = false;
    for (uint32_t i = 0; i < result->column_count; i++) {
        if (types_equal(result->types[i], types[i]))
            continue;
        plan_expr **output = result->project ? &result->project->project.outputs[i].expr : NULL;
        if (output && bind_is_untyped(*output) &&
            ((*output)->kind == PLAN_EXPR_CONSTANT || (*output)->kind == PLAN_EXPR_PARAMETER)) {
            RETURN_IF_ERROR(bind_cast(b, output, types[i], level, "the column"));
            result->types[i] = types[i];
        } else {
            differ = true;
        }
    }
    return differ ? wrap_casts(b, result, types, level, position) : BASE_OK;
}
