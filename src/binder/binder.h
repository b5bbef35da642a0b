/*
 * binder.h - from syntax trees to logical plans.
 *
 * The binder gives every name its meaning against one catalog snapshot: columns become
 * numbers, functions become registry rows, types are settled and casts made explicit,
 * views and CTEs are expanded, constraints are put into the plan of a change. What comes
 * out needs no text, no catalog look-up by name and no type decision any more.
 *
 * Queries, INSERT, UPDATE and DELETE are bound here; statements that define things are
 * carried out elsewhere and use the helpers at the end for the expressions and queries
 * inside them.
 *
 * Threads: a call touches nothing but its arguments; snapshots may be shared.
 */
#ifndef BINDER_BINDER_H
#define BINDER_BINDER_H

#include "base/base.h"
#include "catalog/catalog.h"
#include "parser/parser.h"
#include "plan/plan.h"
#include "types/types.h"

enum {
    BINDER_MAX_VIEW_DEPTH = 64,       /* views over views */
    BINDER_MAX_DEPTH = 2200,          /* nested syntax nodes, views included: a statement
                                         of the parser's depth, within 2 MiB of stack */
    BINDER_MAX_EXPRESSIONS = 5000000, /* bound expressions of one statement */
};

/* What a statement is bound against. Kept by reference during the call only, but for the
 * texts and definitions of `catalog`, which the plan points into: pin it as long. */
typedef struct binder_input {
    const catalog_snapshot *catalog;
    /* Relations that are made by the session: information_schema, pragma functions,
     * series. NULL where there is none of that name. `schema` is empty when not given. */
    const plan_system_source *(*find_system)(void *context, base_text schema, base_text name);
    void *system_context; /* find_system may be NULL: none */
    uint32_t parameter_count;
    /* Types of the values that are bound already: they decide what an untyped parameter
     * is, but for TEXT and NULL, which adapt to their surroundings. NULL: none known. */
    const types_type *parameter_types;
} binder_input;

typedef struct binder_result {
    plan_node *root; /* output columns are root->columns (changes: of RETURNING, else none) */
    uint32_t column_count;
    const char **column_names;
    types_type *column_types;
    uint32_t parameter_count;
    types_type *parameter_types; /* UNKNOWN where nothing tells */
    bool is_write;
} binder_result;

/* Binds PARSER_STATEMENT_QUERY, INSERT, UPDATE or DELETE; any other is BASE_INTERNAL.
 * Everything in `result` lies in `arena`. Errors carry the position in the text that was
 * parsed (a view's body: the place where the view is named). */
base_status binder_bind_statement(const binder_input *input, const parser_statement *statement,
                                  base_arena *arena, binder_result *result, base_error *error);
/* A query alone: CREATE VIEW, CREATE TABLE AS, COPY (query) TO. UNKNOWN columns are TEXT. */
base_status binder_bind_query(const binder_input *input, const parser_query *query,
                              base_arena *arena, binder_result *result, base_error *error);

typedef enum binder_expr_purpose {
    BINDER_CHECK,   /* BOOLEAN over the table's columns; no subqueries */
    BINDER_DEFAULT, /* no columns, no subqueries; cast to `type` as an assignment */
    BINDER_INDEX,   /* over the table's columns; no volatile functions */
    BINDER_VALUE,   /* no columns: PRAGMA, SET, LIMIT-like values; any type */
} binder_expr_purpose;

/* An expression of a definition. A column of `columns` becomes PLAN_EXPR_COLUMN with its
 * place (not its id), so a table that does not exist yet will do. `table_name` may qualify
 * columns. `type` is used by BINDER_DEFAULT only. */
base_status binder_bind_expr(const binder_input *input, const parser_expr *expr,
                             binder_expr_purpose purpose, base_text table_name,
                             const catalog_column *columns, uint32_t column_count, types_type type,
                             base_arena *arena, plan_expr **result, base_error *error);

#endif
