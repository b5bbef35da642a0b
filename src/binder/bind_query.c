/*
 * bind_query.c - what goes around a SELECT, VALUES or set operation: WITH, ORDER BY over
 * finished columns, LIMIT; and VALUES itself.
 *
 * SELECT sorts its own output (bind_select.c), because its ORDER BY may use columns that it
 * does not return. VALUES and set operations can only be sorted by what they return.
 */
#include "binder/binder_int.h"

void bind_sort_direction(const parser_sort_key *ast, plan_sort_key *key)
{
    key->descending = ast->descending;
    switch (ast->nulls) {
    case PARSER_NULLS_DEFAULT: /* NULLs are largest */
        key->nulls_first = ast->descending;
        break;
    case PARSER_NULLS_FIRST:
        key->nulls_first = true;
        break;
    case PARSER_NULLS_LAST:
        key->nulls_first = false;
        break;
    }
}

base_status bind_item_position(binder *b, const parser_expr *ast, uint32_t item_count,
                               const char *clause, uint32_t *place)
{
    *place = UINT32_MAX;
    if (ast->kind != PARSER_EXPR_NUMBER || (ast->text.length && ast->text.data[0] == '-'))
        return BASE_OK;
    types_value value;
    base_status status = types_parse_number(ast->text, &value, b->error);
    if (status != BASE_OK)
        return bind_place_error(b, status, ast->position);
    if (value.type.kind != TYPES_INTEGER)
        return bind_error(b, BASE_SYNTAX, ast->position, "%s takes whole numbers as positions",
                          clause);
    if (value.cell.int64 < 1 || value.cell.int64 > (int64_t)item_count)
        return bind_error(b, BASE_INVALID_COLUMN_REFERENCE, ast->position,
                          "%s position %lld is not in the select list of %u", clause,
                          (long long)value.cell.int64, item_count);
    *place = (uint32_t)(value.cell.int64 - 1);
    return BASE_OK;
}

/* ---- LIMIT ------------------------------------------------------------------------------- */

static base_status bind_row_count(binder *b, bind_scope *scope, const parser_expr *ast,
                                  const char *what, plan_expr **count)
{
    *count = NULL;
    if (!ast)
        return BASE_OK;
    /* Names are offered so that the message is about LIMIT, not about a missing column. */
    bind_scope limits;
    bind_scope_init(&limits, scope->outer, scope->ctes, NULL);
    limits.clause = BIND_CLAUSE_LIMIT;
    limits.names = scope->names;
    RETURN_IF_ERROR(bind_expr(b, &limits, ast, count));
    plan_column_set used = {.arena = b->arena};
    if (!plan_expr_columns(*count, &used))
        return bind_no_memory(b);
    if (!plan_set_is_empty(&used))
        return bind_error(b, BASE_INVALID_COLUMN_REFERENCE, ast->position,
                          "%s must not depend on the rows", what);
    if (plan_expr_has_subquery(*count))
        return bind_error(b, BASE_NOT_SUPPORTED, ast->position, "a subquery in %s", what);
    RETURN_IF_ERROR(bind_cast(b, count, TYPES_OF(INTEGER), TYPES_CAST_ASSIGNMENT, what));
    if ((*count)->kind == PLAN_EXPR_CONSTANT && (*count)->constant.is_null)
        *count = NULL; /* LIMIT NULL is LIMIT ALL */
    return BASE_OK;
}

base_status bind_limit(binder *b, bind_scope *scope, const parser_expr *limit,
                       const parser_expr *offset, plan_node **node)
{
    plan_expr *limit_expr, *offset_expr;
    RETURN_IF_ERROR(bind_row_count(b, scope, limit, "LIMIT", &limit_expr));
    RETURN_IF_ERROR(bind_row_count(b, scope, offset, "OFFSET", &offset_expr));
    if (!limit_expr && !offset_expr)
        return BASE_OK;
    plan_node *cut = plan_node_over(b->arena, PLAN_LIMIT, *node);
    if (!cut)
        return bind_no_memory(b);
    cut->limit.limit = limit_expr;
    cut->limit.offset = offset_expr;
    *node = cut;
    return BASE_OK;
}

/* ---- ORDER BY over finished columns ------------------------------------------------------ */

static base_status bind_output_key(binder *b, bind_scope *scope, const bind_result *result,
                                   const parser_sort_key *ast, plan_sort_key *key)
{
    uint32_t place;
    RETURN_IF_ERROR(bind_item_position(b, ast->expr, result->column_count, "ORDER BY", &place));
    bind_sort_direction(ast, key);
    if (place == UINT32_MAX) {
        RETURN_IF_ERROR(bind_expr(b, scope, ast->expr, &key->expr));
        return bind_settle(b, &key->expr);
    }
    key->expr = plan_column_ref(b->arena, result->node->columns[place], result->types[place]);
    return key->expr ? BASE_OK : bind_no_memory(b);
}

static base_status bind_output_order(binder *b, bind_scope *outer, bind_cte *ctes,
                                     const parser_query *query, bind_result *result)
{
    bind_scope scope;
    bind_scope_init(&scope, outer, ctes, NULL);
    scope.clause = BIND_CLAUSE_LIMIT;
    if (query->order_count) {
        bind_relation *relation;
        RETURN_IF_ERROR(bind_relation_new(b, (base_text){0}, result->node, result->column_count,
                                          result->names, result->types, &relation));
        RETURN_IF_ERROR(bind_names_of_relation(b, relation, &scope.names));
        plan_node *sort = plan_node_over(b->arena, PLAN_SORT, result->node);
        plan_sort_key *keys = bind_array(b, query->order_count, sizeof *keys);
        if (!sort || !keys)
            return bind_no_memory(b);
        for (uint32_t i = 0; i < query->order_count; i++)
            RETURN_IF_ERROR(bind_output_key(b, &scope, result, &query->order[i], &keys[i]));
        sort->sort.key_count = query->order_count;
        sort->sort.keys = keys;
        result->node = sort;
        result->project = NULL;
    }
    return bind_limit(b, &scope, query->limit, query->offset, &result->node);
}

/* ---- VALUES ------------------------------------------------------------------------------ */

/* One type for each column over all rows. */
static base_status unify_values(binder *b, plan_expr **cells, uint32_t row_count,
                                uint32_t column_count, types_type *types)
{
    plan_expr **column = bind_array(b, row_count, sizeof *column);
    if (!column)
        return bind_no_memory(b);
    for (uint32_t c = 0; c < column_count; c++) {
        for (uint32_t r = 0; r < row_count; r++)
            column[r] = cells[(size_t)r * column_count + c];
        RETURN_IF_ERROR(bind_unify(b, column, row_count, "a column of VALUES", &types[c]));
        for (uint32_t r = 0; r < row_count; r++)
            cells[(size_t)r * column_count + c] = column[r];
    }
    return BASE_OK;
}

static base_status bind_values(binder *b, bind_scope *outer, bind_cte *ctes,
                               const parser_query *query, bind_result *result)
{
    uint32_t rows = query->values.row_count, columns = query->values.column_count;
    bind_scope scope;
    bind_scope_init(&scope, outer, ctes, query);
    scope.clause = BIND_CLAUSE_VALUES;
    plan_node *node = plan_node_new(b->arena, PLAN_VALUES, columns);
    result->names = bind_array(b, columns, sizeof *result->names);
    result->types = bind_array(b, columns, sizeof *result->types);
    if (!node || !result->names || !result->types)
        return bind_no_memory(b);
    node->values.row_count = rows;
    RETURN_IF_ERROR(
        bind_exprs(b, &scope, query->values.cells, rows * columns, &node->values.cells));
    RETURN_IF_ERROR(unify_values(b, node->values.cells, rows, columns, result->types));
    for (uint32_t i = 0; i < columns; i++) {
        RETURN_IF_ERROR(bind_new_column(b, &node->columns[i]));
        char *name = base_arena_format(b->arena, "column%u", i + 1);
        if (!name)
            return bind_no_memory(b);
        result->names[i] = base_text_of(name);
    }
    result->node = node;
    result->project = NULL;
    result->column_count = columns;
    return BASE_OK;
}

/* ---- Queries ----------------------------------------------------------------------------- */

static base_status bind_body(binder *b, bind_scope *outer, bind_cte *ctes,
                             const parser_query *query, bool keep_unknown, bind_result *result)
{
    switch (query->kind) {
    case PARSER_QUERY_SELECT:
        return bind_select(b, outer, ctes, query, keep_unknown, result);
    case PARSER_QUERY_VALUES:
        RETURN_IF_ERROR(bind_values(b, outer, ctes, query, result));
        return bind_output_order(b, outer, ctes, query, result);
    case PARSER_QUERY_SET:
        RETURN_IF_ERROR(bind_set_operation(b, outer, ctes, query, result));
        return bind_output_order(b, outer, ctes, query, result);
    }
    return BASE_OK;
}

static base_status bind_whole_query(binder *b, bind_scope *outer, bind_cte *ctes,
                                    const parser_query *query, bool keep_unknown,
                                    bind_result *result)
{
    if (query->lock != PARSER_LOCK_NONE)
        return bind_error(b, BASE_NOT_SUPPORTED, query->position,
                          "SELECT ... FOR UPDATE and FOR SHARE are not available yet");
    if (query->with_ties)
        return bind_error(b, BASE_NOT_SUPPORTED, query->limit->position,
                          "FETCH ... WITH TIES is not available yet");
    bind_cte *visible = ctes;
    RETURN_IF_ERROR(bind_with(b, outer, &query->with, &visible));
    RETURN_IF_ERROR(bind_body(b, outer, visible, query, keep_unknown, result));
    return bind_with_finish(b, visible, ctes, &result->node);
}

base_status bind_query(binder *b, bind_scope *outer, bind_cte *ctes, const parser_query *query,
                       bool keep_unknown, bind_result *result)
{
    *result = (bind_result){0};
    RETURN_IF_ERROR(bind_enter(b, query->position));
    base_status status = bind_whole_query(b, outer, ctes, query, keep_unknown, result);
    bind_leave(b);
    return status;
}
