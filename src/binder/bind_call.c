/*
 * bind_call.c - function calls and operators.
 *
 * The registry decides which body fits the arguments and what they must be cast to; here
 * are only the forms that look like functions but are expression kinds (COALESCE, NULLIF,
 * IIF), because they choose what to evaluate, and the way from a name to a window call,
 * an aggregate or a scalar function.
 */
#include "binder/binder_int.h"

base_status bind_function(binder *b, base_text name, plan_expr **arguments, uint32_t count,
                          int32_t position, plan_expr **expr)
{
    types_type types[FUNC_MAX_ARGUMENTS], result;
    const func_scalar *function;
    if (count > FUNC_MAX_ARGUMENTS)
        return bind_error(b, BASE_LIMIT, position, "a function takes at most %d arguments",
                          FUNC_MAX_ARGUMENTS);
    for (uint32_t i = 0; i < count; i++)
        types[i] = arguments[i]->type;
    base_status status = func_find_scalar(name, types, count, &function, &result, b->error);
    if (status != BASE_OK)
        return bind_place_error(b, status, position);
    plan_expr *call;
    RETURN_IF_ERROR(bind_new_expr(b, PLAN_EXPR_CALL, result, count, position, &call));
    call->function = function;
    for (uint32_t i = 0; i < count; i++) {
        call->arguments[i] = arguments[i];
        if (types[i].kind == TYPES_UNKNOWN)
            types[i] = TYPES_OF(TEXT);
        RETURN_IF_ERROR(
            bind_cast(b, &call->arguments[i], types[i], TYPES_CAST_EXPLICIT, "the argument"));
    }
    if (function->refine) {
        const types_value *constants[FUNC_MAX_ARGUMENTS];
        for (uint32_t i = 0; i < count; i++)
            constants[i] = call->arguments[i]->kind == PLAN_EXPR_CONSTANT
                               ? &call->arguments[i]->constant
                               : NULL;
        function->refine(function, types, constants, count, &call->type);
    }
    *expr = call;
    return BASE_OK;
}

/* ---- Forms that choose what to evaluate -------------------------------------------------- */

static base_status wrong_count(binder *b, const parser_expr *ast, const char *wanted)
{
    return bind_error(b, BASE_UNDEFINED_FUNCTION, ast->position, "%.*s takes %s, not %u",
                      BASE_TEXT_ARGUMENTS(ast->call->name.text), wanted, ast->argument_count);
}

/* What stands behind an argument that is never NULL decides nothing, not even the type:
 * COALESCE(65, avg(x)) is the INTEGER 65, as it is in SQLite, whose tests ask for it. */
static base_status bind_coalesce(binder *b, bind_scope *scope, const parser_expr *ast,
                                 plan_expr **expr)
{
    if (ast->argument_count == 0)
        return wrong_count(b, ast, "at least one argument");
    plan_expr **arguments;
    RETURN_IF_ERROR(bind_exprs(b, scope, ast->arguments, ast->argument_count, &arguments));
    uint32_t count = 1;
    while (count < ast->argument_count && !bind_is_never_null(arguments[count - 1]))
        count++;
    if (count == 1 && !bind_is_untyped(arguments[0])) {
        *expr = arguments[0];
        return BASE_OK;
    }
    RETURN_IF_ERROR(bind_new_expr(b, PLAN_EXPR_COALESCE, TYPES_OF(NULL), 0, ast->position, expr));
    /* An untyped literal takes the type of what follows it. */
    bool untyped = count < ast->argument_count && bind_is_untyped(arguments[count - 1]);
    (*expr)->argument_count = untyped ? ast->argument_count : count;
    (*expr)->arguments = arguments;
    return bind_unify(b, arguments, (*expr)->argument_count, "COALESCE", &(*expr)->type);
}

/* NULLIF(a, b) is CASE WHEN a = b THEN NULL ELSE a END: its type is a's own, which the
 * expression kind has only where both sides are of it. */
static base_status bind_nullif(binder *b, bind_scope *scope, const parser_expr *ast,
                               plan_expr **expr)
{
    if (ast->argument_count != 2)
        return wrong_count(b, ast, "two arguments");
    plan_expr *left, *right, *equal, *again;
    RETURN_IF_ERROR(bind_expr(b, scope, ast->arguments[0], &left));
    RETURN_IF_ERROR(bind_expr(b, scope, ast->arguments[1], &right));
    types_type own = left->type;
    RETURN_IF_ERROR(bind_compare_pair(b, VECTOR_EQUAL, left, right, ast->position, &equal));
    if (types_equal(equal->arguments[0]->type, own) || own.kind == TYPES_UNKNOWN ||
        own.kind == TYPES_NULL) {
        left = equal->arguments[0];
        RETURN_IF_ERROR(bind_new_expr(b, PLAN_EXPR_NULLIF, left->type, 2, ast->position, expr));
        (*expr)->arguments[0] = left;
        (*expr)->arguments[1] = equal->arguments[1];
        return BASE_OK;
    }
    /* Bound once more: the comparison may have given the first one another type. */
    RETURN_IF_ERROR(bind_expr(b, scope, ast->arguments[0], &again));
    RETURN_IF_ERROR(bind_new_expr(b, PLAN_EXPR_CASE, again->type, 3, ast->position, expr));
    types_value null = types_null_of(again->type);
    (*expr)->arguments[0] = equal;
    (*expr)->arguments[1] = plan_constant(b->arena, &null);
    (*expr)->arguments[2] = again;
    return (*expr)->arguments[1] ? BASE_OK : bind_no_memory(b);
}

static base_status bind_iif(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr)
{
    if (ast->argument_count != 2 && ast->argument_count != 3)
        return wrong_count(b, ast, "two or three arguments");
    parser_expr cases = {.kind = PARSER_EXPR_CASE,
                         .position = ast->position,
                         .end = ast->end,
                         .argument_count = ast->argument_count,
                         .arguments = ast->arguments};
    cases.cases.has_else = ast->argument_count == 3;
    return bind_case(b, scope, &cases, expr);
}

/* EXTRACT(field FROM x): whole fields have functions of their own that give INTEGER. */
static base_status bind_extract(binder *b, bind_scope *scope, const parser_expr *ast,
                                plan_expr **expr)
{
    static const char *const whole[] = {"year",    "quarter", "month",   "week",      "day",
                                        "hour",    "minute",  "dow",     "isodow",    "doy",
                                        "isoyear", "decade",  "century", "millennium"};
    plan_expr **arguments;
    RETURN_IF_ERROR(bind_exprs(b, scope, ast->arguments, ast->argument_count, &arguments));
    bool moment = ast->argument_count == 2 && (arguments[1]->type.kind == TYPES_DATE ||
                                               arguments[1]->type.kind == TYPES_TIMESTAMP);
    if (moment && ast->arguments[0]->kind == PARSER_EXPR_STRING)
        for (size_t i = 0; i < BASE_COUNT_OF(whole); i++)
            if (base_text_equal_folded(ast->arguments[0]->text, base_text_of(whole[i])))
                return bind_function(b, base_text_of(whole[i]), arguments + 1, 1, ast->position,
                                     expr);
    return bind_function(b, BASE_TEXT("extract"), arguments, ast->argument_count, ast->position,
                         expr);
}

typedef struct special_form {
    const char *name;
    base_status (*bind)(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr);
} special_form;

static const special_form *find_special(base_text name)
{
    static const special_form forms[] = {
        {"coalesce", bind_coalesce}, {"ifnull", bind_coalesce}, {"nvl", bind_coalesce},
        {"nullif", bind_nullif},     {"iif", bind_iif},         {"if", bind_iif},
        {"extract", bind_extract},
    };
    for (size_t i = 0; i < BASE_COUNT_OF(forms); i++)
        if (base_text_equal_folded(name, base_text_of(forms[i].name)))
            return &forms[i];
    return NULL;
}

/* ---- Calls ------------------------------------------------------------------------------- */

/* SQLite's min and max of several values are scalar functions. */
static bool is_scalar_form(const parser_expr *ast)
{
    base_text name = ast->call->name.text;
    return ast->argument_count > 1 && !ast->call->distinct &&
           (base_text_equal_folded(name, BASE_TEXT("min")) ||
            base_text_equal_folded(name, BASE_TEXT("max")));
}

static base_status check_scalar_form(binder *b, const parser_expr *ast)
{
    const parser_call *call = ast->call;
    const char *what = call->star          ? "*"
                       : call->distinct    ? "DISTINCT"
                       : call->order_count ? "ORDER BY"
                       : call->filter      ? "FILTER"
                                           : NULL;
    if (!what)
        return BASE_OK;
    return bind_error(b, BASE_WRONG_OBJECT, ast->position,
                      "%s is for aggregate functions, \"%.*s\" is none", what,
                      BASE_TEXT_ARGUMENTS(call->name.text));
}

base_status bind_call(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr)
{
    const parser_call *call = ast->call;
    base_text name = call->name.text;
    if (call->window)
        return bind_window(b, scope, ast, expr);
    if (func_is_aggregate_name(name) && !is_scalar_form(ast))
        return bind_aggregate(b, scope, ast, expr);
    if (func_is_window_name(name))
        return bind_error(b, BASE_WRONG_OBJECT, ast->position, "\"%.*s\" needs an OVER clause",
                          BASE_TEXT_ARGUMENTS(name));
    RETURN_IF_ERROR(check_scalar_form(b, ast));
    const special_form *special = find_special(name);
    if (special)
        return special->bind(b, scope, ast, expr);
    plan_expr **arguments;
    RETURN_IF_ERROR(bind_exprs(b, scope, ast->arguments, ast->argument_count, &arguments));
    return bind_function(b, name, arguments, ast->argument_count, ast->position, expr);
}

/* ---- Operators --------------------------------------------------------------------------- */

/* Concatenation of many parts as a balanced tree: || is associative, and a chain of ten
 * thousand must not be ten thousand calls deep. */
static base_status bind_concatenation(binder *b, plan_expr **parts, uint32_t count,
                                      int32_t position, plan_expr **expr)
{
    if (count == 1) {
        *expr = parts[0];
        return BASE_OK;
    }
    plan_expr *sides[2];
    uint32_t half = count / 2;
    RETURN_IF_ERROR(bind_concatenation(b, parts, half, position, &sides[0]));
    RETURN_IF_ERROR(bind_concatenation(b, parts + half, count - half, position, &sides[1]));
    return bind_function(b, BASE_TEXT("||"), sides, 2, position, expr);
}

static bool is_sign(base_text operator)
{
    return operator.length == 1 &&(operator.data[0] == '-' || operator.data[0] == '+');
}

/* -constant is a constant, so that keys are compared to constants; the smallest integer
 * has no counterpart and is left to the operator, which reports it. */
static bool negate_constant(plan_expr *expr)
{
    if (expr->kind != PLAN_EXPR_CONSTANT || expr->constant.is_null)
        return false;
    types_cell *cell = &expr->constant.cell;
    if (expr->type.kind == TYPES_INTEGER && cell->int64 != INT64_MIN) {
        cell->int64 = -cell->int64;
        return true;
    }
    if (expr->type.kind == TYPES_FLOAT) {
        cell->float64 = -cell->float64;
        return true;
    }
    if (expr->type.kind == TYPES_DECIMAL) { /* 10^38 - 1 at most: always representable */
        if (types_form_of(expr->type) == TYPES_FORM_INT64)
            cell->int64 = -cell->int64;
        else
            cell->int128 = -cell->int128;
        return true;
    }
    return false;
}

static base_status bind_sign(binder *b, const parser_expr *ast, plan_expr **arguments,
                             plan_expr **expr)
{
    plan_expr *value = arguments[0];
    bool minus = ast->text.data[0] == '-';
    bool number = types_is_numeric(value->type) || value->type.kind == TYPES_NULL;
    if (number && (!minus || value->type.kind == TYPES_NULL || negate_constant(value))) {
        *expr = value;
        return BASE_OK;
    }
    return bind_function(b, ast->text, arguments, 1, ast->position, expr);
}

base_status bind_operator(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr)
{
    plan_expr **arguments;
    uint32_t count = ast->argument_count;
    RETURN_IF_ERROR(bind_exprs(b, scope, ast->arguments, count, &arguments));
    if (count == 1 && is_sign(ast->text))
        return bind_sign(b, ast, arguments, expr);
    if (count > 2)
        return bind_concatenation(b, arguments, count, ast->position, expr);
    if (count == 2) {
        RETURN_IF_ERROR(bind_shorten(b, arguments[0], arguments[1]));
        RETURN_IF_ERROR(bind_shorten(b, arguments[1], arguments[0]));
    }
    return bind_function(b, ast->text, arguments, count, ast->position, expr);
}
