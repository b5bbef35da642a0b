/*
 * rule_simplify.c - expressions in the form that the other rules look for.
 *
 * Constants are folded (by the expression room, so with the executor's own arithmetic),
 * NOT moves to the leaves, comparisons have their column on the left, and a cast that only
 * widens a column moves to the constant it is compared with: `CAST(a AS BIGINT) = 5` hides
 * `a` from indexes and zone maps, `a = 5` does not.
 *
 * Invariant: the value is the same for every row, three-valued.
 */
#include "optimizer/optimizer_int.h"
#include "expr/expr.h"

static vector_comparison exchanged(vector_comparison comparison)
{
    static const vector_comparison turned[] = {VECTOR_EQUAL,   VECTOR_NOT_EQUAL,
                                               VECTOR_GREATER, VECTOR_GREATER_EQUAL,
                                               VECTOR_LESS,    VECTOR_LESS_EQUAL};
    return turned[comparison];
}

static vector_comparison opposite(vector_comparison comparison)
{
    static const vector_comparison opposites[] = {VECTOR_NOT_EQUAL,     VECTOR_EQUAL,
                                                  VECTOR_GREATER_EQUAL, VECTOR_GREATER,
                                                  VECTOR_LESS_EQUAL,    VECTOR_LESS};
    return opposites[comparison];
}

static bool is_value(const plan_expr *expr)
{
    return expr->kind == PLAN_EXPR_CONSTANT || expr->kind == PLAN_EXPR_PARAMETER;
}

/* ---- Casts ------------------------------------------------------------------------------- */

/* Every value of `from` has its own value of `to`, in the same order. */
static bool widens(types_type from, types_type to)
{
    if (types_equal(from, to))
        return true;
    if (types_is_integer(from) && types_is_integer(to))
        return to.kind != TYPES_UBIGINT && from.kind != TYPES_UBIGINT && from.kind < to.kind;
    if (types_is_integer(from) && to.kind == TYPES_DECIMAL) {
        types_type exact = types_decimal_of_integer(from);
        return to.precision - to.scale >= exact.precision;
    }
    if (from.kind == TYPES_DECIMAL && to.kind == TYPES_DECIMAL)
        return to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale;
    if (to.kind == TYPES_FLOAT)
        return from.kind == TYPES_FLOAT4 || from.kind == TYPES_TINYINT ||
               from.kind == TYPES_SMALLINT || from.kind == TYPES_INT4;
    return from.kind == TYPES_DATE && to.kind == TYPES_TIMESTAMP;
}

/* The constant as `type`, where that is exactly the same value; else *narrow is NULL. */
static base_status narrow_constant(optimizer_state *state, const plan_expr *constant,
                                   types_type type, plan_expr **narrow)
{
    types_value value, back;
    base_error ignored;
    *narrow = NULL;
    base_error_clear(&ignored);
    if (constant->kind != PLAN_EXPR_CONSTANT || constant->constant.is_null)
        return BASE_OK;
    if (types_cast(&constant->constant, type, state->arena, &value, &ignored) != BASE_OK ||
        value.is_null)
        return ignored.status == BASE_OUT_OF_MEMORY ? optimizer_no_memory(state) : BASE_OK;
    if (types_cast(&value, constant->type, state->arena, &back, &ignored) != BASE_OK)
        return ignored.status == BASE_OUT_OF_MEMORY ? optimizer_no_memory(state) : BASE_OK;
    types_form form = types_form_of(constant->type);
    if (back.is_null || types_cell_compare(form, &back.cell, &constant->constant.cell) != 0)
        return BASE_OK;
    *narrow = plan_constant(state->arena, &value);
    return *narrow ? BASE_OK : optimizer_no_memory(state);
}

/* arguments[0] is a widening cast of a column and all others are constants that fit the
 * column's type: the cast goes. */
static base_status unwrap_cast(optimizer_state *state, plan_expr *expr)
{
    plan_expr *cast = expr->arguments[0];
    if (cast->kind != PLAN_EXPR_CAST || cast->arguments[0]->kind != PLAN_EXPR_COLUMN ||
        !widens(cast->arguments[0]->type, cast->type))
        return BASE_OK;
    types_type type = cast->arguments[0]->type;
    plan_expr **narrow =
        base_arena_allocate_array(state->arena, expr->argument_count, sizeof *narrow);
    if (!narrow)
        return optimizer_no_memory(state);
    narrow[0] = cast->arguments[0];
    for (uint32_t i = 1; i < expr->argument_count; i++) {
        RETURN_IF_ERROR(narrow_constant(state, expr->arguments[i], type, &narrow[i]));
        if (!narrow[i])
            return BASE_OK;
    }
    memcpy(expr->arguments, narrow, expr->argument_count * sizeof *narrow);
    return BASE_OK;
}

/* ---- NOT ----------------------------------------------------------------------------------- */

static base_status simplify(optimizer_state *state, plan_expr **expr);

/* NOT over AND and OR, by De Morgan: also true with NULLs. */
static base_status negate_list(optimizer_state *state, plan_expr **expr)
{
    plan_expr *list = (*expr)->arguments[0];
    plan_expr_kind kind = list->kind == PLAN_EXPR_AND ? PLAN_EXPR_OR : PLAN_EXPR_AND;
    plan_expr *made = plan_expr_new(state->arena, kind, TYPES_OF(BOOLEAN), list->argument_count);
    if (!made)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < list->argument_count; i++) {
        RETURN_IF_ERROR(optimizer_not(state, list->arguments[i], &made->arguments[i]));
        RETURN_IF_ERROR(simplify(state, &made->arguments[i]));
    }
    *expr = made;
    return BASE_OK;
}

static base_status simplify_not(optimizer_state *state, plan_expr **expr)
{
    plan_expr *argument = (*expr)->arguments[0];
    switch ((plan_expr_kind)argument->kind) {
    case PLAN_EXPR_NOT:
        *expr = argument->arguments[0];
        return BASE_OK;
    case PLAN_EXPR_COMPARE:
        argument->comparison = opposite(argument->comparison);
        *expr = argument;
        return BASE_OK;
    case PLAN_EXPR_IS_NULL:
    case PLAN_EXPR_IS_TRUE:
    case PLAN_EXPR_DISTINCT_FROM:
        argument->negated = !argument->negated;
        *expr = argument;
        return BASE_OK;
    case PLAN_EXPR_AND:
    case PLAN_EXPR_OR:
        return negate_list(state, expr);
    default:
        return BASE_OK;
    }
}

/* ---- All kinds ------------------------------------------------------------------------------- */

static base_status simplify_compare(optimizer_state *state, plan_expr *expr)
{
    plan_expr **arguments = expr->arguments;
    if (is_value(arguments[0]) && !is_value(arguments[1])) {
        plan_expr *value = arguments[0];
        arguments[0] = arguments[1];
        arguments[1] = value;
        expr->comparison = exchanged(expr->comparison);
    }
    return unwrap_cast(state, expr);
}

static base_status simplify_in(optimizer_state *state, plan_expr **expr)
{
    RETURN_IF_ERROR(unwrap_cast(state, *expr));
    if ((*expr)->argument_count != 2 || (*expr)->negated)
        return BASE_OK;
    plan_expr *equal =
        plan_compare(state->arena, VECTOR_EQUAL, (*expr)->arguments[0], (*expr)->arguments[1]);
    if (!equal)
        return optimizer_no_memory(state);
    *expr = equal;
    return BASE_OK;
}

/* One level of nesting less: AND in AND, OR in OR. */
static base_status flatten(optimizer_state *state, plan_expr **expr)
{
    plan_expr *list = *expr;
    optimizer_list all = {0};
    for (uint32_t i = 0; i < list->argument_count; i++) {
        plan_expr *part = list->arguments[i];
        if (part->kind != list->kind) {
            RETURN_IF_ERROR(optimizer_list_add(state, &all, part));
            continue;
        }
        for (uint32_t k = 0; k < part->argument_count; k++)
            RETURN_IF_ERROR(optimizer_list_add(state, &all, part->arguments[k]));
    }
    if (all.count == list->argument_count)
        return BASE_OK;
    return optimizer_connect(state, (plan_expr_kind)list->kind, &all, expr);
}

/* Bottom-up, on a tree that is nobody else's. */
static base_status simplify(optimizer_state *state, plan_expr **expr)
{
    for (uint32_t i = 0; i < (*expr)->argument_count; i++)
        RETURN_IF_ERROR(simplify(state, &(*expr)->arguments[i]));
    switch ((plan_expr_kind)(*expr)->kind) {
    case PLAN_EXPR_NOT:
        return simplify_not(state, expr);
    case PLAN_EXPR_COMPARE:
        return simplify_compare(state, *expr);
    case PLAN_EXPR_IN:
        return simplify_in(state, expr);
    case PLAN_EXPR_AND:
        return flatten(state, expr);
    case PLAN_EXPR_OR:
        RETURN_IF_ERROR(flatten(state, expr));
        return (*expr)->kind == PLAN_EXPR_OR ? optimizer_factor_or(state, expr) : BASE_OK;
    default:
        return BASE_OK;
    }
}

base_status optimizer_simplify_expr(optimizer_state *state, plan_expr **expr)
{
    plan_expr *copy = plan_expr_copy(state->arena, *expr);
    if (!copy)
        return optimizer_no_memory(state);
    *expr = copy;
    RETURN_IF_ERROR(expr_fold(state->arena, expr, state->error));
    RETURN_IF_ERROR(simplify(state, expr));
    return BASE_OK;
}

static base_status simplify_slot(void *context, plan_expr **expr)
{
    return optimizer_simplify_expr(context, expr);
}

base_status optimizer_simplify(optimizer_state *state, plan_node *root)
{
    RETURN_IF_ERROR(optimizer_enter(state));
    RETURN_IF_ERROR(plan_node_visit_exprs(root, simplify_slot, state));
    for (uint32_t i = 0; i < optimizer_input_count(root); i++)
        RETURN_IF_ERROR(optimizer_simplify(state, root->inputs[i]));
    optimizer_leave(state);
    return BASE_OK;
}
