/*
 * bind_compare.c - comparisons: of values and rows, IS DISTINCT FROM, BETWEEN, IN, LIKE.
 *
 * Both sides of a comparison are cast to their common type, so that the executor compares
 * like with like. Rows are taken apart: (a, b) = (c, d) is a = c AND b = d, and
 * (a, b) < (c, d) is a < c OR (a = c AND b < d): rules for single columns then see single
 * columns. BETWEEN becomes two comparisons for the same reason.
 *
 * Rejected: kinds of their own for BETWEEN and rows, which every rule, the index choice
 * and both executors would have to know.
 */
#include "binder/binder_int.h"

static vector_comparison comparison_of(parser_comparison comparison)
{
    switch (comparison) {
    case PARSER_EQUAL:
        return VECTOR_EQUAL;
    case PARSER_NOT_EQUAL:
        return VECTOR_NOT_EQUAL;
    case PARSER_LESS:
        return VECTOR_LESS;
    case PARSER_LESS_EQUAL:
        return VECTOR_LESS_EQUAL;
    case PARSER_GREATER:
        return VECTOR_GREATER;
    case PARSER_GREATER_EQUAL:
        return VECTOR_GREATER_EQUAL;
    }
    return VECTOR_EQUAL;
}

/* Types of both sides, or the error that says why they cannot be compared. */
static base_status common_type(binder *b, const char *operator, const plan_expr * left,
                               const plan_expr *right, int32_t position, types_type *common)
{
    if (types_common(left->type, right->type, common)) {
        if (common->kind == TYPES_UNKNOWN)
            *common = TYPES_OF(TEXT);
        return BASE_OK;
    }
    char left_name[TYPES_NAME_SIZE], right_name[TYPES_NAME_SIZE];
    base_status status = bind_error(
        b, BASE_UNDEFINED_FUNCTION, position, "operator does not exist: %s %s %s",
        types_name(left->type, left_name), operator, types_name(right->type, right_name));
    base_error_set_hint(b->error, "CAST one side to the type of the other");
    return status;
}

base_status bind_compare_pair(binder *b, vector_comparison comparison, plan_expr *left,
                              plan_expr *right, int32_t position, plan_expr **expr)
{
    static const char *const names[] = {"=", "<>", "<", "<=", ">", ">="};
    types_type type;
    RETURN_IF_ERROR(bind_narrow(b, left, right));
    RETURN_IF_ERROR(bind_narrow(b, right, left));
    RETURN_IF_ERROR(common_type(b, names[comparison], left, right, position, &type));
    RETURN_IF_ERROR(bind_new_expr(b, PLAN_EXPR_COMPARE, TYPES_OF(BOOLEAN), 2, position, expr));
    RETURN_IF_ERROR(bind_cast(b, &left, type, TYPES_CAST_EXPLICIT, "the comparison"));
    RETURN_IF_ERROR(bind_cast(b, &right, type, TYPES_CAST_EXPLICIT, "the comparison"));
    (*expr)->comparison = comparison;
    (*expr)->arguments[0] = left;
    (*expr)->arguments[1] = right;
    return BASE_OK;
}

static base_status distinct_pair(binder *b, plan_expr *left, plan_expr *right, bool negated,
                                 int32_t position, plan_expr **expr)
{
    types_type type;
    RETURN_IF_ERROR(bind_narrow(b, left, right));
    RETURN_IF_ERROR(bind_narrow(b, right, left));
    RETURN_IF_ERROR(common_type(b, "IS DISTINCT FROM", left, right, position, &type));
    RETURN_IF_ERROR(
        bind_new_expr(b, PLAN_EXPR_DISTINCT_FROM, TYPES_OF(BOOLEAN), 2, position, expr));
    RETURN_IF_ERROR(bind_cast(b, &left, type, TYPES_CAST_EXPLICIT, "the comparison"));
    RETURN_IF_ERROR(bind_cast(b, &right, type, TYPES_CAST_EXPLICIT, "the comparison"));
    (*expr)->negated = negated;
    (*expr)->arguments[0] = left;
    (*expr)->arguments[1] = right;
    return BASE_OK;
}

static base_status join_conditions(binder *b, plan_expr_kind kind, plan_expr *left,
                                   plan_expr *right, int32_t position, plan_expr **expr)
{
    RETURN_IF_ERROR(bind_new_expr(b, kind, TYPES_OF(BOOLEAN), 2, position, expr));
    (*expr)->arguments[0] = left;
    (*expr)->arguments[1] = right;
    return BASE_OK;
}

/* ---- Rows -------------------------------------------------------------------------------- */

/* A row written out, or a query that gives one. */
static bool is_row(const parser_expr *ast)
{
    return ast->kind == PARSER_EXPR_ROW;
}

/* Field `place` of a row of `count`: of a written row its expression, of a query its column. */
static base_status bind_field(binder *b, bind_scope *scope, const parser_expr *row, uint32_t place,
                              uint32_t count, plan_expr **expr)
{
    if (is_row(row)) {
        if (row->argument_count != count)
            return bind_error(b, BASE_SYNTAX, row->position,
                              "rows of %u and %u fields cannot be compared", count,
                              row->argument_count);
        return bind_expr(b, scope, row->arguments[place], expr);
    }
    if (row->kind == PARSER_EXPR_SUBQUERY)
        return bind_query_column(b, scope, row->query, place, count, row->position, expr);
    return bind_error(b, BASE_TYPE_MISMATCH, row->position,
                      "a row can only be compared to a row of %u fields", count);
}

static base_status compare_field(binder *b, bind_scope *scope, const parser_expr *ast,
                                 vector_comparison comparison, uint32_t place, uint32_t count,
                                 plan_expr **expr)
{
    plan_expr *left, *right;
    RETURN_IF_ERROR(bind_field(b, scope, ast->arguments[0], place, count, &left));
    RETURN_IF_ERROR(bind_field(b, scope, ast->arguments[1], place, count, &right));
    return bind_compare_pair(b, comparison, left, right, ast->position, expr);
}

/* a < c OR (a = c AND (rest)): built from the last field to the first. */
static base_status compare_rows_in_order(binder *b, bind_scope *scope, const parser_expr *ast,
                                         vector_comparison comparison, uint32_t count,
                                         plan_expr **expr)
{
    bool less = comparison == VECTOR_LESS || comparison == VECTOR_LESS_EQUAL;
    vector_comparison strict = less ? VECTOR_LESS : VECTOR_GREATER;
    RETURN_IF_ERROR(compare_field(b, scope, ast, comparison, count - 1, count, expr));
    for (uint32_t place = count - 1; place-- > 0;) {
        plan_expr *before, *equal, *rest;
        RETURN_IF_ERROR(compare_field(b, scope, ast, strict, place, count, &before));
        RETURN_IF_ERROR(compare_field(b, scope, ast, VECTOR_EQUAL, place, count, &equal));
        RETURN_IF_ERROR(join_conditions(b, PLAN_EXPR_AND, equal, *expr, ast->position, &rest));
        RETURN_IF_ERROR(join_conditions(b, PLAN_EXPR_OR, before, rest, ast->position, expr));
    }
    return BASE_OK;
}

static base_status compare_rows(binder *b, bind_scope *scope, const parser_expr *ast,
                                plan_expr **expr)
{
    vector_comparison comparison = comparison_of(ast->comparison);
    uint32_t count = is_row(ast->arguments[0]) ? ast->arguments[0]->argument_count
                                               : ast->arguments[1]->argument_count;
    if (comparison != VECTOR_EQUAL && comparison != VECTOR_NOT_EQUAL)
        return compare_rows_in_order(b, scope, ast, comparison, count, expr);
    plan_expr_kind kind = comparison == VECTOR_EQUAL ? PLAN_EXPR_AND : PLAN_EXPR_OR;
    RETURN_IF_ERROR(compare_field(b, scope, ast, comparison, 0, count, expr));
    for (uint32_t place = 1; place < count; place++) {
        plan_expr *field;
        RETURN_IF_ERROR(compare_field(b, scope, ast, comparison, place, count, &field));
        RETURN_IF_ERROR(join_conditions(b, kind, *expr, field, ast->position, expr));
    }
    return BASE_OK;
}

/* ---- Comparison and IS DISTINCT FROM ----------------------------------------------------- */

static bool folds_case(const parser_expr *ast)
{
    return ast->kind == PARSER_EXPR_COLLATE &&
           base_text_equal_folded(ast->text, BASE_TEXT("nocase"));
}

/* a = 'x' COLLATE NOCASE: the collation is that of the comparison. */
static base_status bind_side(binder *b, bind_scope *scope, const parser_expr *side, bool fold,
                             plan_expr **expr)
{
    if (!fold)
        return bind_expr(b, scope, side, expr);
    const parser_expr *value = folds_case(side) ? side->arguments[0] : side;
    RETURN_IF_ERROR(bind_expr(b, scope, value, expr));
    return bind_function(b, BASE_TEXT("lower"), expr, 1, side->position, expr);
}

base_status bind_compare(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr)
{
    const parser_expr *left_ast = ast->arguments[0], *right_ast = ast->arguments[1];
    if (is_row(left_ast) || is_row(right_ast))
        return compare_rows(b, scope, ast, expr);
    bool fold = folds_case(left_ast) || folds_case(right_ast);
    plan_expr *left, *right;
    RETURN_IF_ERROR(bind_side(b, scope, left_ast, fold, &left));
    RETURN_IF_ERROR(bind_side(b, scope, right_ast, fold, &right));
    return bind_compare_pair(b, comparison_of(ast->comparison), left, right, ast->position, expr);
}

base_status bind_is_distinct(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr)
{
    const parser_expr *left_ast = ast->arguments[0], *right_ast = ast->arguments[1];
    bool rows = is_row(left_ast) || is_row(right_ast);
    uint32_t count = !rows              ? 1
                     : is_row(left_ast) ? left_ast->argument_count
                                        : right_ast->argument_count;
    *expr = NULL;
    for (uint32_t place = 0; place < count; place++) {
        plan_expr *left, *right, *field;
        if (rows) {
            RETURN_IF_ERROR(bind_field(b, scope, left_ast, place, count, &left));
            RETURN_IF_ERROR(bind_field(b, scope, right_ast, place, count, &right));
        } else {
            RETURN_IF_ERROR(bind_expr(b, scope, left_ast, &left));
            RETURN_IF_ERROR(bind_expr(b, scope, right_ast, &right));
        }
        RETURN_IF_ERROR(distinct_pair(b, left, right, ast->negated, ast->position, &field));
        plan_expr_kind kind = ast->negated ? PLAN_EXPR_AND : PLAN_EXPR_OR;
        if (*expr)
            RETURN_IF_ERROR(join_conditions(b, kind, *expr, field, ast->position, expr));
        else
            *expr = field;
    }
    return BASE_OK;
}

/* ---- BETWEEN ----------------------------------------------------------------------------- */

static base_status bind_range(binder *b, bind_scope *scope, const parser_expr *ast,
                              const parser_expr *low_ast, const parser_expr *high_ast,
                              plan_expr **expr)
{
    plan_expr *value, *again, *low, *high, *above, *below;
    RETURN_IF_ERROR(bind_expr(b, scope, ast->arguments[0], &value));
    RETURN_IF_ERROR(bind_expr(b, scope, low_ast, &low));
    RETURN_IF_ERROR(bind_expr(b, scope, high_ast, &high));
    if (bind_is_untyped(value)) {
        /* '5' BETWEEN 1 AND 10: the bounds together say what it is. */
        plan_expr *all[3] = {value, low, high};
        types_type type;
        RETURN_IF_ERROR(bind_unify(b, all, 3, "BETWEEN", &type));
        value = all[0];
        low = all[1];
        high = all[2];
    }
    RETURN_IF_ERROR(bind_again(b, scope, ast->arguments[0], value, &again));
    RETURN_IF_ERROR(bind_compare_pair(b, VECTOR_GREATER_EQUAL, value, low, ast->position, &above));
    RETURN_IF_ERROR(bind_compare_pair(b, VECTOR_LESS_EQUAL, again, high, ast->position, &below));
    return join_conditions(b, PLAN_EXPR_AND, above, below, ast->position, expr);
}

base_status bind_between(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr)
{
    RETURN_IF_ERROR(bind_range(b, scope, ast, ast->arguments[1], ast->arguments[2], expr));
    if (ast->symmetric) {
        plan_expr *turned;
        RETURN_IF_ERROR(bind_range(b, scope, ast, ast->arguments[2], ast->arguments[1], &turned));
        RETURN_IF_ERROR(join_conditions(b, PLAN_EXPR_OR, *expr, turned, ast->position, expr));
    }
    return ast->negated ? bind_negation(b, expr) : BASE_OK;
}

/* ---- IN (list) --------------------------------------------------------------------------- */

/* (a, b) IN ((1, 2), (3, 4)) is an OR of row equalities. */
static base_status bind_in_rows(binder *b, bind_scope *scope, const parser_expr *ast,
                                plan_expr **expr)
{
    uint32_t count = ast->argument_count - 1;
    RETURN_IF_ERROR(bind_new_expr(b, PLAN_EXPR_OR, TYPES_OF(BOOLEAN), count, ast->position, expr));
    for (uint32_t i = 0; i < count; i++) {
        parser_expr *sides[2] = {ast->arguments[0], ast->arguments[i + 1]};
        parser_expr equality = {.kind = PARSER_EXPR_COMPARE,
                                .position = ast->position,
                                .end = ast->end,
                                .argument_count = 2,
                                .arguments = sides,
                                .comparison = PARSER_EQUAL};
        RETURN_IF_ERROR(compare_rows(b, scope, &equality, &(*expr)->arguments[i]));
    }
    if (count == 1)
        *expr = (*expr)->arguments[0];
    return BASE_OK;
}

base_status bind_in_list(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr)
{
    uint32_t count = ast->argument_count;
    BASE_ASSERT(count >= 1);
    if (count == 1)
        return bind_boolean(b, ast->negated, ast->position, expr);
    if (is_row(ast->arguments[0])) {
        RETURN_IF_ERROR(bind_in_rows(b, scope, ast, expr));
        return ast->negated ? bind_negation(b, expr) : BASE_OK;
    }
    plan_expr **values;
    RETURN_IF_ERROR(bind_exprs(b, scope, ast->arguments, count, &values));
    for (uint32_t i = 1; i < count; i++)
        RETURN_IF_ERROR(bind_narrow(b, values[i], values[0]));
    types_type type;
    RETURN_IF_ERROR(bind_unify(b, values, count, "IN", &type));
    if (count == 2) {
        RETURN_IF_ERROR(
            bind_compare_pair(b, VECTOR_EQUAL, values[0], values[1], ast->position, expr));
    } else {
        RETURN_IF_ERROR(bind_new_expr(b, PLAN_EXPR_IN, TYPES_OF(BOOLEAN), 0, ast->position, expr));
        (*expr)->argument_count = count;
        (*expr)->arguments = values;
    }
    return ast->negated ? bind_negation(b, expr) : BASE_OK;
}

/* ---- LIKE and its relatives -------------------------------------------------------------- */

base_status bind_like(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr)
{
    base_text name = BASE_TEXT("like");
    switch (ast->like) {
    case PARSER_LIKE:
        break;
    case PARSER_ILIKE:
        name = BASE_TEXT("ilike");
        break;
    case PARSER_GLOB:
        name = BASE_TEXT("glob");
        break;
    case PARSER_SIMILAR:
        name = BASE_TEXT("similar_to");
        break;
    case PARSER_REGEXP:
        name = BASE_TEXT("regexp");
        break;
    case PARSER_REGEXP_FOLDED:
        name = BASE_TEXT("iregexp");
        break;
    }
    plan_expr **arguments;
    RETURN_IF_ERROR(bind_exprs(b, scope, ast->arguments, ast->argument_count, &arguments));
    RETURN_IF_ERROR(bind_function(b, name, arguments, ast->argument_count, ast->position, expr));
    return ast->negated ? bind_negation(b, expr) : BASE_OK;
}
