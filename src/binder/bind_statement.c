/*
 * bind_statement.c - the binder's entry points and the small helpers of all its files.
 *
 * One call makes one `binder` on the stack; everything that outlives the call lies in the
 * statement's arena. Work is bounded three ways, because SQL may come from strangers:
 * nesting (bind_enter), views over views, and the number of bound expressions, since
 * CASE x WHEN, BETWEEN, views and CTEs bind one syntax tree several times.
 *
 * Invariants: column numbers are handed out once; errors carry positions of the
 * statement's own text only (bind_position).
 */
#include "binder/binder_int.h"

base_status bind_no_memory(binder *b)
{
    return base_error_no_memory(b->error);
}

int32_t bind_position(const binder *b, int32_t position)
{
    return b->foreign ? b->foreign_position : position;
}

base_status bind_place_error(binder *b, base_status status, int32_t position)
{
    if (status != BASE_OK && b->error && b->error->status != BASE_OK && b->error->position < 0)
        b->error->position = bind_position(b, position);
    return status;
}

void *bind_array(binder *b, size_t count, size_t size)
{
    return base_arena_allocate_array(b->arena, BASE_MAX(count, (size_t)1), size);
}

void *bind_grow(binder *b, void *array, uint32_t count, uint32_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    uint32_t larger = BASE_MAX(*capacity * 2, 8u);
    void *copy = bind_array(b, larger, size);
    if (!copy)
        return NULL;
    if (count)
        memcpy(copy, array, (size_t)count * size);
    *capacity = larger;
    return copy;
}

base_status bind_new_column(binder *b, plan_column *column)
{
    if (b->next_column == INT32_MAX)
        return bind_error(b, BASE_LIMIT, -1, "the statement has too many columns");
    *column = b->next_column++;
    return BASE_OK;
}

base_status bind_enter(binder *b, int32_t position)
{
    if (++b->depth > BINDER_MAX_DEPTH)
        return bind_error(b, BASE_LIMIT, position, "the statement is nested too deeply");
    return BASE_OK;
}

void bind_leave(binder *b)
{
    BASE_ASSERT(b->depth > 0);
    b->depth--;
}

base_status bind_new_expr(binder *b, plan_expr_kind kind, types_type type, uint32_t arguments,
                          int32_t position, plan_expr **expr)
{
    if (++b->expr_count > BINDER_MAX_EXPRESSIONS)
        return bind_error(b, BASE_LIMIT, position, "the statement is too large once expanded");
    *expr = plan_expr_new(b->arena, kind, type, arguments);
    if (!*expr)
        return bind_no_memory(b);
    (*expr)->position = bind_position(b, position);
    return BASE_OK;
}

base_status bind_project(binder *b, plan_node *input, plan_expr *const *exprs, uint32_t count,
                         plan_node **node)
{
    plan_output *outputs = bind_array(b, count, sizeof *outputs);
    if (!outputs)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < count; i++) {
        outputs[i].expr = exprs[i];
        RETURN_IF_ERROR(bind_new_column(b, &outputs[i].column));
    }
    *node = plan_node_project(b->arena, input, outputs, count);
    return *node ? BASE_OK : bind_no_memory(b);
}

base_status bind_filter(binder *b, plan_node **node, plan_expr *condition)
{
    *node = plan_node_filter(b->arena, *node, condition);
    return *node ? BASE_OK : bind_no_memory(b);
}

/* One row of no columns: what SELECT without FROM reads. */
base_status bind_single_row(binder *b, plan_node **node)
{
    *node = plan_node_new(b->arena, PLAN_VALUES, 0);
    if (!*node)
        return bind_no_memory(b);
    (*node)->values.row_count = 1;
    return BASE_OK;
}

void bind_scope_init(bind_scope *scope, bind_scope *outer, bind_cte *ctes,
                     const parser_query *query)
{
    *scope = (bind_scope){.outer = outer, .ctes = ctes, .query = query};
}

/* ---- Entry points ------------------------------------------------------------------------ */

static base_status binder_start(binder *b, const binder_input *input, uint32_t parameter_count,
                                base_arena *arena, base_error *error)
{
    *b = (binder){.arena = arena, .error = error, .input = input};
    b->parameter_count = parameter_count;
    b->parameter_types = bind_array(b, parameter_count, sizeof *b->parameter_types);
    if (!b->parameter_types)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < parameter_count; i++) {
        types_type type = TYPES_OF(UNKNOWN);
        if (input->parameter_types && i < input->parameter_count)
            type = input->parameter_types[i];
        if (type.kind == TYPES_TEXT || type.kind == TYPES_NULL)
            type = TYPES_OF(UNKNOWN);
        b->parameter_types[i] = type;
    }
    return BASE_OK;
}

static base_status publish_query(binder *b, bind_result *query, binder_result *result)
{
    BASE_ASSERT(query->node->column_count == query->column_count);
    result->root = query->node;
    result->column_count = query->column_count;
    result->column_types = query->types;
    result->column_names = bind_array(b, query->column_count, sizeof *result->column_names);
    if (!result->column_names)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < query->column_count; i++) {
        result->column_names[i] =
            base_arena_copy_text(b->arena, query->names[i].data, query->names[i].length);
        if (!result->column_names[i])
            return bind_no_memory(b);
    }
    return BASE_OK;
}

static base_status bind_any(binder *b, const parser_statement *statement, binder_result *result)
{
    bind_result query;
    switch (statement->kind) {
    case PARSER_STATEMENT_QUERY:
        RETURN_IF_ERROR(bind_query(b, NULL, NULL, statement->query, false, &query));
        return publish_query(b, &query, result);
    case PARSER_STATEMENT_INSERT:
        return bind_insert(b, statement->insert, result);
    case PARSER_STATEMENT_UPDATE:
        return bind_update(b, statement->update, result);
    case PARSER_STATEMENT_DELETE:
        return bind_delete(b, statement->delete_from, result);
    default:
        return bind_error(b, BASE_INTERNAL, statement->position,
                          "a statement without a plan was given to the binder");
    }
}

base_status binder_bind_statement(const binder_input *input, const parser_statement *statement,
                                  base_arena *arena, binder_result *result, base_error *error)
{
    binder b;
    RETURN_IF_ERROR(binder_start(&b, input, statement->parameter_count, arena, error));
    *result = (binder_result){.is_write = statement->kind != PARSER_STATEMENT_QUERY};
    RETURN_IF_ERROR(bind_any(&b, statement, result));
    result->parameter_count = b.parameter_count;
    result->parameter_types = b.parameter_types;
    return BASE_OK;
}

base_status binder_bind_query(const binder_input *input, const parser_query *query,
                              base_arena *arena, binder_result *result, base_error *error)
{
    binder b;
    RETURN_IF_ERROR(binder_start(&b, input, input->parameter_count, arena, error));
    *result = (binder_result){0};
    bind_result bound;
    RETURN_IF_ERROR(bind_query(&b, NULL, NULL, query, false, &bound));
    RETURN_IF_ERROR(publish_query(&b, &bound, result));
    result->parameter_count = b.parameter_count;
    result->parameter_types = b.parameter_types;
    return BASE_OK;
}

/* ---- Expressions of definitions ---------------------------------------------------------- */

/* Numbers are the columns' places, so binding must not hand out numbers below them. */
static base_status definition_scope(binder *b, base_text table_name, const catalog_column *columns,
                                    uint32_t count, bind_scope *scope)
{
    bind_relation *relation = bind_array(b, 1, sizeof *relation);
    if (!relation)
        return bind_no_memory(b);
    relation->alias = table_name;
    relation->column_count = count;
    relation->columns = bind_array(b, count, sizeof *relation->columns);
    if (!relation->columns)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < count; i++) {
        bind_column *column = &relation->columns[i];
        column->name = columns[i].name;
        column->relation = relation;
        column->expr = plan_column_ref(b->arena, (plan_column)i, columns[i].type);
        if (!column->expr)
            return bind_no_memory(b);
    }
    b->next_column = (plan_column)count;
    return bind_names_of_relation(b, relation, &scope->names);
}

base_status binder_bind_expr(const binder_input *input, const parser_expr *expr,
                             binder_expr_purpose purpose, base_text table_name,
                             const catalog_column *columns, uint32_t column_count, types_type type,
                             base_arena *arena, plan_expr **result, base_error *error)
{
    static const bind_clause clauses[] = {BIND_CLAUSE_CHECK, BIND_CLAUSE_DEFAULT, BIND_CLAUSE_INDEX,
                                          BIND_CLAUSE_VALUE};
    BASE_ASSERT((size_t)purpose < BASE_COUNT_OF(clauses));
    binder b;
    RETURN_IF_ERROR(binder_start(&b, input, input->parameter_count, arena, error));
    bind_scope scope;
    bind_scope_init(&scope, NULL, NULL, NULL);
    scope.clause = clauses[purpose];
    if (purpose == BINDER_CHECK || purpose == BINDER_INDEX)
        RETURN_IF_ERROR(definition_scope(&b, table_name, columns, column_count, &scope));
    RETURN_IF_ERROR(bind_expr(&b, &scope, expr, result));
    switch (purpose) {
    case BINDER_CHECK:
        return bind_condition(&b, result, "a CHECK constraint");
    case BINDER_DEFAULT:
        return bind_cast(&b, result, type, TYPES_CAST_ASSIGNMENT, "the DEFAULT");
    case BINDER_INDEX:
        if (plan_expr_is_volatile(*result))
            return bind_error(&b, BASE_INVALID_DEFINITION, expr->position,
                              "an index needs an expression that always gives the same answer");
        return bind_settle(&b, result);
    case BINDER_VALUE:
        return bind_settle(&b, result);
    }
    return BASE_OK;
}
