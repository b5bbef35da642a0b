/*
 * bind_expr.c - the expression switch: literals, parameters, names, logic, casts.
 *
 * Binding is one recursive walk, bottom up: an expression's type is known when its parts'
 * types are. Where SQL lets the surroundings decide (untyped literals, parameters) the
 * parent calls bind_cast on its finished parts. Comparisons are in bind_compare.c, calls
 * and operators in bind_call.c, subqueries in bind_subquery.c.
 *
 * Invariants: literals' bytes are copied into the arena, so that a cached plan does not
 * need the SQL text; every expression has a type, possibly UNKNOWN or NULL.
 */
#include "binder/binder_int.h"

/* ---- Literals ---------------------------------------------------------------------------- */

static base_status bind_constant(binder *b, const types_value *value, int32_t position,
                                 plan_expr **expr)
{
    RETURN_IF_ERROR(bind_new_expr(b, PLAN_EXPR_CONSTANT, value->type, 0, position, expr));
    (*expr)->constant = *value;
    return BASE_OK;
}

base_status bind_boolean(binder *b, bool value, int32_t position, plan_expr **expr)
{
    types_value constant = {.type = TYPES_OF(BOOLEAN)};
    constant.cell.boolean = value;
    return bind_constant(b, &constant, position, expr);
}

static base_status bind_number(binder *b, const parser_expr *ast, plan_expr **expr)
{
    types_value value;
    memset(&value, 0, sizeof value);
    base_status status = types_parse_number(ast->text, &value, b->error);
    if (status != BASE_OK)
        return bind_place_error(b, status, ast->position);
    return bind_constant(b, &value, ast->position, expr);
}

static base_status bind_text(binder *b, const parser_expr *ast, types_type type, plan_expr **expr)
{
    const char *bytes = ast->text.data;
    if (ast->text.length > INT32_MAX)
        return bind_error(b, BASE_LIMIT, ast->position, "the literal is too long");
    if (ast->text.length > TYPES_STRING_INLINE) {
        bytes = base_arena_copy_text(b->arena, bytes, ast->text.length);
        if (!bytes)
            return bind_no_memory(b);
    }
    types_value value = {.type = type};
    value.cell.string = types_string_of(bytes, ast->text.length);
    return bind_constant(b, &value, ast->position, expr);
}

static base_status bind_parameter(binder *b, const parser_expr *ast, plan_expr **expr)
{
    if (ast->parameter >= b->parameter_count)
        return bind_error(b, BASE_UNDEFINED_PARAMETER, ast->position,
                          "parameters are not allowed here");
    RETURN_IF_ERROR(bind_new_expr(b, PLAN_EXPR_PARAMETER, b->parameter_types[ast->parameter], 0,
                                  ast->position, expr));
    (*expr)->parameter = ast->parameter;
    return BASE_OK;
}

/* ---- Logic ------------------------------------------------------------------------------- */

static base_status bind_logic(binder *b, bind_scope *scope, const parser_expr *ast,
                              plan_expr_kind kind, const char *what, plan_expr **expr)
{
    RETURN_IF_ERROR(
        bind_new_expr(b, kind, TYPES_OF(BOOLEAN), ast->argument_count, ast->position, expr));
    for (uint32_t i = 0; i < ast->argument_count; i++) {
        RETURN_IF_ERROR(bind_expr(b, scope, ast->arguments[i], &(*expr)->arguments[i]));
        RETURN_IF_ERROR(bind_condition(b, &(*expr)->arguments[i], what));
    }
    return BASE_OK;
}

base_status bind_negation(binder *b, plan_expr **expr)
{
    *expr = plan_not(b->arena, *expr);
    return *expr ? BASE_OK : bind_no_memory(b);
}

static base_status bind_is_truth(binder *b, bind_scope *scope, const parser_expr *ast,
                                 plan_expr **expr)
{
    RETURN_IF_ERROR(bind_new_expr(b, PLAN_EXPR_IS_TRUE, TYPES_OF(BOOLEAN), 1, ast->position, expr));
    (*expr)->is_truth = ast->truth;
    (*expr)->negated = ast->negated;
    RETURN_IF_ERROR(bind_expr(b, scope, ast->arguments[0], &(*expr)->arguments[0]));
    return bind_condition(b, &(*expr)->arguments[0], "the argument of IS TRUE");
}

static base_status bind_null_test(binder *b, bind_scope *scope, const parser_expr *value,
                                  const parser_expr *ast, plan_expr **expr)
{
    RETURN_IF_ERROR(bind_new_expr(b, PLAN_EXPR_IS_NULL, TYPES_OF(BOOLEAN), 1, ast->position, expr));
    (*expr)->negated = ast->negated;
    RETURN_IF_ERROR(bind_expr(b, scope, value, &(*expr)->arguments[0]));
    return bind_settle(b, &(*expr)->arguments[0]);
}

/* A row IS NULL when all its fields are, IS NOT NULL when none is. */
static base_status bind_is_null(binder *b, bind_scope *scope, const parser_expr *ast,
                                plan_expr **expr)
{
    const parser_expr *value = ast->arguments[0];
    if (value->kind != PARSER_EXPR_ROW)
        return bind_null_test(b, scope, value, ast, expr);
    *expr = NULL;
    for (uint32_t i = 0; i < value->argument_count; i++) {
        plan_expr *test;
        RETURN_IF_ERROR(bind_null_test(b, scope, value->arguments[i], ast, &test));
        *expr = plan_and(b->arena, *expr, test);
        if (!*expr)
            return bind_no_memory(b);
    }
    return *expr ? BASE_OK : bind_boolean(b, true, ast->position, expr);
}

/* ---- CAST and COLLATE -------------------------------------------------------------------- */

/* How many digits a text like '-1.50' has behind the point; `other` for what is written else. */
static uint8_t digits_behind_point(types_value text, uint8_t other)
{
    const char *data = types_string_data(&text.cell.string);
    size_t length = text.cell.string.length, digits = 0, i = 0;
    i += length && (data[0] == '-' || data[0] == '+');
    while (i < length && data[i] >= '0' && data[i] <= '9')
        i++;
    size_t before = i;
    for (i += i < length && data[i] == '.'; i + digits < length; digits++)
        if (data[i + digits] < '0' || data[i + digits] > '9')
            return other;
    return before + digits <= TYPES_DECIMAL_MAX_PRECISION ? (uint8_t)digits : other;
}

/* DECIMAL without a precision is any number in PostgreSQL: a value that has a scale keeps it. */
static void fit_decimal(const plan_expr *expr, types_type *type)
{
    if (expr->type.kind == TYPES_DECIMAL)
        *type = expr->type;
    else if (types_is_integer(expr->type))
        *type = TYPES_DECIMAL_OF(expr->type.kind == TYPES_UBIGINT ? 20 : 19, 0);
    else if (expr->kind == PLAN_EXPR_CONSTANT && expr->type.kind == TYPES_UNKNOWN &&
             !expr->constant.is_null)
        type->scale = digits_behind_point(expr->constant, type->scale);
}

static base_status bind_cast_expr(binder *b, bind_scope *scope, const parser_expr *ast,
                                  plan_expr **expr)
{
    const parser_type *name = &ast->cast.type;
    types_type type;
    base_status status =
        types_from_name(name->name, name->arguments, name->argument_count, &type, b->error);
    if (status != BASE_OK)
        return bind_place_error(b, status, name->position);
    RETURN_IF_ERROR(bind_expr(b, scope, ast->arguments[0], expr));
    if (type.kind == TYPES_DECIMAL && !name->argument_count)
        fit_decimal(*expr, &type);
    if (!ast->cast.try_cast)
        return bind_cast(b, expr, type, TYPES_CAST_EXPLICIT, "the CAST");
    /* A literal that cannot be converted is NULL, hence no conversion at once. */
    RETURN_IF_ERROR(bind_settle(b, expr));
    if (types_equal((*expr)->type, type))
        return BASE_OK;
    if ((*expr)->type.kind != TYPES_NULL &&
        types_cast_level_of((*expr)->type, type) == TYPES_CAST_NONE)
        return bind_cast(b, expr, type, TYPES_CAST_EXPLICIT, "the CAST");
    *expr = plan_cast(b->arena, *expr, type);
    if (!*expr)
        return bind_no_memory(b);
    (*expr)->try_cast = true;
    return BASE_OK;
}

/* Text compares by bytes, so the byte collations mean nothing. NOCASE folds where order and
 * equality are all that matters; a result would show the folded text. */
static base_status bind_collate(binder *b, bind_scope *scope, const parser_expr *ast,
                                plan_expr **expr)
{
    static const char *const bytewise[] = {"binary", "c", "posix", "ucs_basic", "default"};
    RETURN_IF_ERROR(bind_expr(b, scope, ast->arguments[0], expr));
    RETURN_IF_ERROR(bind_settle(b, expr));
    if ((*expr)->type.kind != TYPES_TEXT && (*expr)->type.kind != TYPES_NULL)
        return bind_error(b, BASE_TYPE_MISMATCH, ast->position, "COLLATE is for TEXT only");
    for (size_t i = 0; i < BASE_COUNT_OF(bytewise); i++)
        if (base_text_equal_folded(ast->text, base_text_of(bytewise[i])))
            return BASE_OK;
    if (!base_text_equal_folded(ast->text, BASE_TEXT("nocase")))
        return bind_error(b, BASE_UNDEFINED_OBJECT, ast->position, "there is no collation \"%.*s\"",
                          BASE_TEXT_ARGUMENTS(ast->text));
    if (scope->clause == BIND_CLAUSE_SELECT || scope->clause == BIND_CLAUSE_RETURNING)
        return bind_error(b, BASE_NOT_SUPPORTED, ast->position,
                          "COLLATE NOCASE in a select list is not available yet");
    return bind_function(b, BASE_TEXT("lower"), expr, 1, ast->position, expr);
}

/* ---- CASE -------------------------------------------------------------------------------- */

/* WHEN conditions: with an operand each is `operand = value`. */
static base_status bind_when(binder *b, bind_scope *scope, const parser_expr *ast,
                             const parser_expr *when, const plan_expr *operand, plan_expr **expr)
{
    plan_expr *value;
    RETURN_IF_ERROR(bind_expr(b, scope, when, &value));
    if (!operand) {
        *expr = value;
        return bind_condition(b, expr, "the condition of WHEN");
    }
    plan_expr *again;
    RETURN_IF_ERROR(bind_again(b, scope, ast->arguments[0], operand, &again));
    return bind_compare_pair(b, VECTOR_EQUAL, again, value, when->position, expr);
}

base_status bind_case(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr)
{
    uint32_t first = ast->cases.has_operand ? 1 : 0;
    uint32_t branches = (ast->argument_count - first) / 2;
    plan_expr *operand = NULL;
    if (first)
        RETURN_IF_ERROR(bind_expr(b, scope, ast->arguments[0], &operand));
    plan_expr **conditions = bind_array(b, branches, sizeof *conditions);
    plan_expr **results = bind_array(b, branches + 1, sizeof *results);
    if (!conditions || !results)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < branches; i++) {
        const parser_expr *when = ast->arguments[first + 2 * i];
        RETURN_IF_ERROR(bind_when(b, scope, ast, when, operand, &conditions[i]));
        RETURN_IF_ERROR(bind_expr(b, scope, ast->arguments[first + 2 * i + 1], &results[i]));
    }
    types_value null = types_null_of(TYPES_OF(NULL));
    if (ast->cases.has_else)
        RETURN_IF_ERROR(
            bind_expr(b, scope, ast->arguments[ast->argument_count - 1], &results[branches]));
    else
        RETURN_IF_ERROR(bind_constant(b, &null, ast->position, &results[branches]));
    RETURN_IF_ERROR(bind_prune_case(b, conditions, results, &branches));
    types_type type;
    RETURN_IF_ERROR(bind_unify(b, results, branches + 1, "CASE", &type));
    if (branches == 0) {
        *expr = results[0];
        return BASE_OK;
    }
    RETURN_IF_ERROR(bind_new_expr(b, PLAN_EXPR_CASE, type, branches * 2 + 1, ast->position, expr));
    for (uint32_t i = 0; i < branches; i++) {
        (*expr)->arguments[2 * i] = conditions[i];
        (*expr)->arguments[2 * i + 1] = results[i];
    }
    (*expr)->arguments[2 * branches] = results[branches];
    return BASE_OK;
}

/* ---- The switch -------------------------------------------------------------------------- */

static base_status bind_leaf(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr)
{
    types_value null = types_null_of(TYPES_OF(NULL));
    switch ((parser_expr_kind)ast->kind) {
    case PARSER_EXPR_NULL:
        return bind_constant(b, &null, ast->position, expr);
    case PARSER_EXPR_BOOLEAN:
        return bind_boolean(b, ast->boolean, ast->position, expr);
    case PARSER_EXPR_NUMBER:
        return bind_number(b, ast, expr);
    case PARSER_EXPR_STRING:
        return bind_text(b, ast, TYPES_OF(UNKNOWN), expr);
    case PARSER_EXPR_BLOB:
        return bind_text(b, ast, TYPES_OF(BLOB), expr);
    case PARSER_EXPR_PARAMETER:
        return bind_parameter(b, ast, expr);
    case PARSER_EXPR_COLUMN:
        return bind_column_reference(b, scope, ast, expr);
    case PARSER_EXPR_STAR:
        return bind_error(b, BASE_SYNTAX, ast->position, "* is not allowed here");
    case PARSER_EXPR_DEFAULT:
        return bind_error(b, BASE_SYNTAX, ast->position, "DEFAULT is not allowed here");
    case PARSER_EXPR_ROW:
        return bind_error(b, BASE_NOT_SUPPORTED, ast->position,
                          "a row of values can only be compared");
    default:
        return bind_error(b, BASE_INTERNAL, ast->position, "unknown syntax node %d", ast->kind);
    }
}

static base_status bind_node(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr)
{
    switch ((parser_expr_kind)ast->kind) {
    case PARSER_EXPR_CALL:
        return bind_call(b, scope, ast, expr);
    case PARSER_EXPR_OPERATOR:
        return bind_operator(b, scope, ast, expr);
    case PARSER_EXPR_COMPARE:
        return bind_compare(b, scope, ast, expr);
    case PARSER_EXPR_IS_DISTINCT:
        return bind_is_distinct(b, scope, ast, expr);
    case PARSER_EXPR_AND:
        return bind_logic(b, scope, ast, PLAN_EXPR_AND, "the argument of AND", expr);
    case PARSER_EXPR_OR:
        return bind_logic(b, scope, ast, PLAN_EXPR_OR, "the argument of OR", expr);
    case PARSER_EXPR_NOT:
        return bind_logic(b, scope, ast, PLAN_EXPR_NOT, "the argument of NOT", expr);
    case PARSER_EXPR_IS_NULL:
        return bind_is_null(b, scope, ast, expr);
    case PARSER_EXPR_IS_TRUTH:
        return bind_is_truth(b, scope, ast, expr);
    case PARSER_EXPR_LIKE:
        return bind_like(b, scope, ast, expr);
    case PARSER_EXPR_BETWEEN:
        return bind_between(b, scope, ast, expr);
    case PARSER_EXPR_IN_LIST:
        return bind_in_list(b, scope, ast, expr);
    case PARSER_EXPR_IN_QUERY:
        return bind_in_query(b, scope, ast, expr);
    case PARSER_EXPR_QUANTIFIED:
        return bind_quantified(b, scope, ast, expr);
    case PARSER_EXPR_EXISTS:
        return bind_exists(b, scope, ast, expr);
    case PARSER_EXPR_SUBQUERY:
        return bind_subquery_value(b, scope, ast, expr);
    case PARSER_EXPR_CASE:
        return bind_case(b, scope, ast, expr);
    case PARSER_EXPR_CAST:
        return bind_cast_expr(b, scope, ast, expr);
    case PARSER_EXPR_COLLATE:
        return bind_collate(b, scope, ast, expr);
    default:
        return bind_leaf(b, scope, ast, expr);
    }
}

base_status bind_expr(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr)
{
    RETURN_IF_ERROR(bind_enter(b, ast->position));
    base_status status = bind_node(b, scope, ast, expr);
    bind_leave(b);
    return status;
}

base_status bind_exprs(binder *b, bind_scope *scope, parser_expr *const *asts, uint32_t count,
                       plan_expr ***exprs)
{
    *exprs = bind_array(b, count, sizeof **exprs);
    if (!*exprs)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(bind_expr(b, scope, asts[i], &(*exprs)[i]));
    return BASE_OK;
}

/* Subqueries must not be shared: each gets unnested by itself. Window calls would be noted
 * twice, which costs a little and is right. */
base_status bind_again(binder *b, bind_scope *scope, const parser_expr *ast, const plan_expr *bound,
                       plan_expr **again)
{
    if (plan_expr_has_subquery(bound))
        return bind_expr(b, scope, ast, again);
    if (++b->expr_count > BINDER_MAX_EXPRESSIONS)
        return bind_error(b, BASE_LIMIT, ast->position, "the statement is too large once expanded");
    *again = plan_expr_copy(b->arena, bound);
    return *again ? BASE_OK : bind_no_memory(b);
}
