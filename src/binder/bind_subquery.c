/*
 * bind_subquery.c - queries inside expressions.
 *
 * A subquery is bound with the surrounding scope as its outer scope and becomes a
 * PLAN_EXPR_SUBQUERY; the optimizer unnests it into a join, correlated or not. NOT IN and
 * NOT EXISTS are NOT over the positive form, so that there is one form to unnest.
 *
 * Invariants: a subquery's node belongs to exactly one expression; the columns of ANY and
 * ALL have the types of the arguments.
 */
#include "binder/binder_int.h"

static base_status new_subquery(binder *b, plan_subquery_kind kind, types_type type,
                                uint32_t arguments, plan_node *node, int32_t position,
                                plan_expr **expr)
{
    RETURN_IF_ERROR(bind_new_expr(b, PLAN_EXPR_SUBQUERY, type, arguments, position, expr));
    (*expr)->subquery.kind = kind;
    (*expr)->subquery.node = node;
    return BASE_OK;
}

/* CHECK, DEFAULT and index expressions are evaluated where no query can run. */
static base_status check_place(binder *b, const bind_scope *scope, int32_t position)
{
    if (scope->clause < BIND_CLAUSE_CHECK)
        return BASE_OK;
    return bind_error(b, BASE_NOT_SUPPORTED, position, "a subquery is not allowed here");
}

static base_status bind_inner(binder *b, bind_scope *scope, const parser_query *query,
                              int32_t position, bind_result *result)
{
    RETURN_IF_ERROR(check_place(b, scope, position));
    return bind_query(b, scope, scope->ctes, query, false, result);
}

base_status bind_subquery_value(binder *b, bind_scope *scope, const parser_expr *ast,
                                plan_expr **expr)
{
    bind_result query;
    RETURN_IF_ERROR(bind_inner(b, scope, ast->query, ast->position, &query));
    if (query.column_count != 1)
        return bind_error(b, BASE_SYNTAX, ast->position,
                          "a subquery used as a value must have one column, not %u",
                          query.column_count);
    return new_subquery(b, PLAN_SUBQUERY_SCALAR, query.types[0], 0, query.node, ast->position,
                        expr);
}

base_status bind_query_column(binder *b, bind_scope *scope, const parser_query *query,
                              uint32_t place, uint32_t count, int32_t position, plan_expr **expr)
{
    bind_result result;
    RETURN_IF_ERROR(bind_inner(b, scope, query, position, &result));
    if (result.column_count != count)
        return bind_error(b, BASE_SYNTAX, position, "the subquery has %u columns, not %u",
                          result.column_count, count);
    plan_expr *column = plan_column_ref(b->arena, result.node->columns[place], result.types[place]);
    if (!column)
        return bind_no_memory(b);
    plan_node *node;
    RETURN_IF_ERROR(bind_project(b, result.node, &column, 1, &node));
    return new_subquery(b, PLAN_SUBQUERY_SCALAR, result.types[place], 0, node, position, expr);
}

base_status bind_exists(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr)
{
    bind_result query;
    RETURN_IF_ERROR(bind_inner(b, scope, ast->query, ast->position, &query));
    RETURN_IF_ERROR(new_subquery(b, PLAN_SUBQUERY_EXISTS, TYPES_OF(BOOLEAN), 0, query.node,
                                 ast->position, expr));
    return ast->negated ? bind_negation(b, expr) : BASE_OK;
}

/* ---- IN, ANY, ALL ------------------------------------------------------------------------ */

/* CASE WHEN value IS NULL THEN NULL ELSE `otherwise` END */
static base_status null_or(binder *b, plan_expr *value, bool otherwise, plan_expr **expr)
{
    types_value null = types_null_of(TYPES_OF(BOOLEAN));
    plan_expr *test;
    RETURN_IF_ERROR(
        bind_new_expr(b, PLAN_EXPR_IS_NULL, TYPES_OF(BOOLEAN), 1, value->position, &test));
    RETURN_IF_ERROR(bind_new_expr(b, PLAN_EXPR_CASE, TYPES_OF(BOOLEAN), 3, value->position, expr));
    test->arguments[0] = value;
    (*expr)->arguments[0] = test;
    (*expr)->arguments[1] = plan_constant(b->arena, &null);
    if (!(*expr)->arguments[1])
        return bind_no_memory(b);
    return bind_boolean(b, otherwise, value->position, &(*expr)->arguments[2]);
}

/* Whether the literal can be a value of the type. */
static bool literal_fits(binder *b, const plan_expr *literal, types_type type)
{
    if (literal->kind != PLAN_EXPR_CONSTANT || literal->constant.is_null ||
        literal->type.kind != TYPES_UNKNOWN)
        return true;
    base_text text = {types_string_data(&literal->constant.cell.string),
                      literal->constant.cell.string.length};
    types_value value;
    base_error ignored;
    base_error_clear(&ignored);
    base_status status = types_parse(text, type, b->arena, &value, &ignored);
    return status == BASE_OK || status == BASE_OUT_OF_MEMORY;
}

/* A literal that is no value of the column's type is equal to none of its values ('x' IN
 * (SELECT 1) is false, as in SQLite): both sides become flags that differ unless NULL. */
static base_status make_unequal(binder *b, plan_expr **argument, plan_output *output)
{
    RETURN_IF_ERROR(bind_settle(b, argument));
    RETURN_IF_ERROR(null_or(b, *argument, true, argument));
    return null_or(b, output->expr, false, &output->expr);
}

/* Puts a projection on top of a query whose outputs cannot be changed in place. */
static base_status own_projection(binder *b, bind_result *query)
{
    plan_expr **exprs = bind_array(b, query->column_count, sizeof *exprs);
    if (!exprs)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < query->column_count; i++) {
        exprs[i] = plan_column_ref(b->arena, query->node->columns[i], query->types[i]);
        if (!exprs[i])
            return bind_no_memory(b);
    }
    RETURN_IF_ERROR(bind_project(b, query->node, exprs, query->column_count, &query->node));
    query->project = query->node;
    return BASE_OK;
}

/* The common type of argument and column `place`; `type` is BOOLEAN where they were made
 * unequal. */
static base_status match_type(binder *b, const parser_expr *ast, plan_expr **argument,
                              bind_result *query, uint32_t place, types_type *type)
{
    types_type column = query->types[place];
    bool comparable = types_common((*argument)->type, column, type);
    if (comparable && literal_fits(b, *argument, *type))
        return BASE_OK;
    if ((*argument)->kind == PLAN_EXPR_CONSTANT) {
        RETURN_IF_ERROR(own_projection(b, query));
        RETURN_IF_ERROR(make_unequal(b, argument, &query->project->project.outputs[place]));
        query->types[place] = *type = TYPES_OF(BOOLEAN);
        return BASE_OK;
    }
    char left[TYPES_NAME_SIZE], right[TYPES_NAME_SIZE];
    return bind_error(b, BASE_UNDEFINED_FUNCTION, ast->position,
                      "%s cannot be compared to the subquery's column of type %s",
                      types_name((*argument)->type, left), types_name(column, right));
}

/* Gives arguments and columns their common types. */
static base_status match_types(binder *b, const parser_expr *ast, plan_expr *subquery,
                               bind_result *query)
{
    types_type *types = bind_array(b, query->column_count, sizeof *types);
    if (!types)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < query->column_count; i++) {
        plan_expr **argument = &subquery->arguments[i];
        RETURN_IF_ERROR(match_type(b, ast, argument, query, i, &types[i]));
        if (types[i].kind == TYPES_UNKNOWN)
            types[i] = TYPES_OF(TEXT);
        RETURN_IF_ERROR(bind_cast(b, argument, types[i], TYPES_CAST_EXPLICIT, "the comparison"));
    }
    return bind_cast_result(b, query, types, TYPES_CAST_EXPLICIT, ast->position);
}

static base_status bind_any_or_all(binder *b, bind_scope *scope, const parser_expr *ast,
                                   const parser_query *query_ast, plan_subquery_kind kind,
                                   vector_comparison comparison, plan_expr **expr)
{
    const parser_expr *left = ast->arguments[0];
    bool row = left->kind == PARSER_EXPR_ROW;
    uint32_t count = row ? left->argument_count : 1;
    bind_result query;
    RETURN_IF_ERROR(bind_inner(b, scope, query_ast, ast->position, &query));
    if (query.column_count != count)
        return bind_error(b, BASE_SYNTAX, query_ast->position,
                          "the subquery has %u column%s but is compared to %u value%s",
                          query.column_count, query.column_count == 1 ? "" : "s", count,
                          count == 1 ? "" : "s");
    if (row && comparison != VECTOR_EQUAL && comparison != VECTOR_NOT_EQUAL)
        return bind_error(b, BASE_NOT_SUPPORTED, ast->position,
                          "rows are compared to subqueries by = and <> only");
    RETURN_IF_ERROR(new_subquery(b, kind, TYPES_OF(BOOLEAN), count, NULL, ast->position, expr));
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(
            bind_expr(b, scope, row ? left->arguments[i] : left, &(*expr)->arguments[i]));
    RETURN_IF_ERROR(match_types(b, ast, *expr, &query));
    (*expr)->subquery.node = query.node;
    (*expr)->subquery.comparison = comparison;
    return BASE_OK;
}

base_status bind_in_query(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr)
{
    RETURN_IF_ERROR(
        bind_any_or_all(b, scope, ast, ast->query, PLAN_SUBQUERY_ANY, VECTOR_EQUAL, expr));
    return ast->negated ? bind_negation(b, expr) : BASE_OK;
}

static vector_comparison comparison_of(parser_comparison comparison)
{
    static const vector_comparison comparisons[] = {VECTOR_EQUAL,   VECTOR_NOT_EQUAL,
                                                    VECTOR_LESS,    VECTOR_LESS_EQUAL,
                                                    VECTOR_GREATER, VECTOR_GREATER_EQUAL};
    BASE_ASSERT((size_t)comparison < BASE_COUNT_OF(comparisons));
    return comparisons[comparison];
}

/* x <> ALL (q) is x NOT IN (q): one form less to unnest. */
base_status bind_quantified(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr)
{
    vector_comparison comparison = comparison_of(ast->quantified.comparison);
    bool all = ast->quantified.all;
    if (all && comparison == VECTOR_NOT_EQUAL) {
        RETURN_IF_ERROR(bind_any_or_all(b, scope, ast, ast->quantified.query, PLAN_SUBQUERY_ANY,
                                        VECTOR_EQUAL, expr));
        return bind_negation(b, expr);
    }
    return bind_any_or_all(b, scope, ast, ast->quantified.query,
                           all ? PLAN_SUBQUERY_ALL : PLAN_SUBQUERY_ANY, comparison, expr);
}
