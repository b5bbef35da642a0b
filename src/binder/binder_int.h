/*
 * binder_int.h - what the binder's files share: the state of one call, scopes of names,
 * and one function per construct.
 */
#ifndef BINDER_BINDER_INT_H
#define BINDER_BINDER_INT_H

#include "binder/binder.h"

/* ---- State of one call -------------------------------------------------------------------- */

typedef struct binder {
    base_arena *arena;
    base_error *error;
    const binder_input *input;
    plan_column next_column;
    uint32_t next_cte;
    uint32_t depth, view_depth, expr_count;
    uint32_t parameter_count;
    types_type *parameter_types;
    /* Inside text that is not the statement's (views, defaults): errors point here. */
    bool foreign;
    int32_t foreign_position;
} binder;

/* ---- Names -------------------------------------------------------------------------------- */

typedef struct bind_relation bind_relation;

/* A column that can be named: a reference becomes a copy of `expr` (a column, or COALESCE
 * of two for the merged columns of a FULL JOIN). */
typedef struct bind_column {
    base_text name;
    plan_expr *expr;
    const bind_relation *relation; /* NULL for merged columns */
} bind_column;

/* One table of FROM under its alias. */
struct bind_relation {
    base_text alias;
    const catalog_table *table; /* base tables; else NULL */
    uint32_t column_count;
    bind_column *columns;
    plan_expr *rowid; /* base tables: what rowid, _rowid_ and oid mean; else NULL */
};

/* What FROM offers: relations for qualified names, columns for bare ones, in `*` order. */
typedef struct bind_names {
    uint32_t relation_count;
    bind_relation **relations;
    uint32_t column_count;
    bind_column *columns;
} bind_names;

typedef enum bind_clause {
    BIND_CLAUSE_FROM, /* arguments of table functions, VALUES */
    BIND_CLAUSE_ON,
    BIND_CLAUSE_WHERE,
    BIND_CLAUSE_GROUP,
    BIND_CLAUSE_SELECT,
    BIND_CLAUSE_HAVING,
    BIND_CLAUSE_ORDER,
    BIND_CLAUSE_LIMIT,
    BIND_CLAUSE_VALUES,
    BIND_CLAUSE_SET,
    BIND_CLAUSE_RETURNING,
    BIND_CLAUSE_CHECK,
    BIND_CLAUSE_DEFAULT,
    BIND_CLAUSE_INDEX,
    BIND_CLAUSE_VALUE,
} bind_clause;

/* A CTE in sight. References make PLAN_CTE_SCAN nodes first; when the query under WITH is
 * bound, the number of references decides what becomes of them. */
typedef struct bind_cte_use {
    struct bind_cte_use *next;
    plan_node *scan;
} bind_cte_use;
typedef struct bind_cte {
    struct bind_cte *next; /* defined earlier, or further out */
    const parser_cte *definition;
    const parser_with *with;
    struct bind_scope *outer; /* where the body is bound */
    uint32_t number;
    bool recursive, binding;   /* `binding`: the name may not be used yet (not recursive) */
    plan_expr *limit, *offset; /* recursive: how many rows it makes */
    plan_node *body;
    uint32_t column_count;
    base_text *names;
    types_type *types;
    uint32_t use_count; /* outside of its own body */
    bind_cte_use *uses;
} bind_cte;

/* A window call: plan_window and the window that it runs over. */
typedef struct bind_window_call {
    plan_window window;
    uint32_t partition_count;
    plan_expr **partition;
    uint32_t order_count;
    plan_sort_key *order;
    int32_t position;
} bind_window_call;

typedef struct bind_item { /* of a select list */
    base_text name;
    plan_expr *expr;
} bind_item;

typedef struct bind_scope {
    struct bind_scope *outer; /* correlation; NULL: none */
    bind_cte *ctes;
    bind_names names;
    bind_clause clause;
    const parser_query *query; /* for WINDOW definitions; may be NULL */
    /* ORDER BY: output names that an expression may use where no column has the name. */
    uint32_t item_count;
    const bind_item *items;
    bool touched; /* a name was resolved here (which query owns an aggregate) */
    bool in_aggregate, in_window;
    bool single_row; /* SELECT without FROM, WHERE and GROUP BY */
    uint32_t aggregate_count, aggregate_capacity;
    plan_aggregate *aggregates;
    uint32_t window_count, window_capacity;
    bind_window_call *windows;
} bind_scope;

/* A bound query: node->columns[i] has names[i], types[i]. */
typedef struct bind_result {
    plan_node *node;
    /* The projection whose outputs are the columns, where their expressions may still be
     * given another type (untyped literals); else NULL. */
    plan_node *project;
    uint32_t column_count;
    base_text *names;
    types_type *types;
} bind_result;

/* ---- Small helpers (bind_statement.c) ----------------------------------------------------- */

base_status bind_no_memory(binder *b);
int32_t bind_position(const binder *b, int32_t position);
/* An error that a callee has set without knowing the place gets this one. */
base_status bind_place_error(binder *b, base_status status, int32_t position);
#define bind_error(b, status, position, ...)                                                       \
    base_error_set_at((b)->error, status, bind_position(b, position), __VA_ARGS__)
/* The array with room for one element more than `count`; NULL: no memory. */
void *bind_grow(binder *b, void *array, uint32_t count, uint32_t *capacity, size_t size);
void *bind_array(binder *b, size_t count, size_t size); /* zeroed; NULL: no memory */
base_status bind_new_column(binder *b, plan_column *column);
base_status bind_enter(binder *b, int32_t position); /* counts depth; pair with bind_leave */
void bind_leave(binder *b);
base_status bind_new_expr(binder *b, plan_expr_kind kind, types_type type, uint32_t arguments,
                          int32_t position, plan_expr **expr);
/* PLAN_PROJECT of the expressions under fresh numbers. */
base_status bind_project(binder *b, plan_node *input, plan_expr *const *exprs, uint32_t count,
                         plan_node **node);
base_status bind_filter(binder *b, plan_node **node, plan_expr *condition);
base_status bind_single_row(binder *b, plan_node **node);
void bind_scope_init(bind_scope *scope, bind_scope *outer, bind_cte *ctes,
                     const parser_query *query);

/* ---- Types (bind_type.c) ------------------------------------------------------------------ */

/* Makes `*expr` of type `to`: literals and parameters adapt, else a cast of at least that
 * level. `what` says what wanted it, for the message: "column \"a\"". */
base_status bind_cast(binder *b, plan_expr **expr, types_type to, types_cast_level level,
                      const char *what);
/* The type that all have in common, and casts to it. */
base_status bind_unify(binder *b, plan_expr **exprs, uint32_t count, const char *what,
                       types_type *common);
/* BOOLEAN, for WHERE and the like; numbers test as <> 0. */
base_status bind_condition(binder *b, plan_expr **expr, const char *what);
base_status bind_settle(binder *b, plan_expr **expr); /* UNKNOWN becomes TEXT */
/* Casts the columns of a bound query. */
base_status bind_cast_result(binder *b, bind_result *result, const types_type *types,
                             types_cast_level level, int32_t position);
bool bind_is_untyped(const plan_expr *expr); /* UNKNOWN or NULL */
/* A numeric constant beside a column: takes the column's type where that changes nothing, so
 * that the column needs no cast. */
base_status bind_narrow(binder *b, plan_expr *constant, const plan_expr *other);
/* An INTEGER constant beside a DECIMAL becomes a DECIMAL of its own few digits. */
base_status bind_shorten(binder *b, plan_expr *constant, const plan_expr *other);

/* ---- Names (bind_name.c) ------------------------------------------------------------------ */

base_status bind_column_reference(binder *b, bind_scope *scope, const parser_expr *ast,
                                  plan_expr **expr);
base_status bind_names_join(binder *b, const bind_names *left, const bind_names *right,
                            bind_names *joined);
base_status bind_names_of_relation(binder *b, bind_relation *relation, bind_names *names);
/* Relation over a node's columns; names beyond `alias_count` come from `names`. */
base_status bind_relation_new(binder *b, base_text alias, const plan_node *node, uint32_t count,
                              const base_text *names, const types_type *types,
                              bind_relation **relation);
base_status bind_alias_columns(binder *b, bind_relation *relation, const parser_from *from);
const bind_relation *bind_find_relation(const bind_names *names, base_text alias);
/* Column of a names list, counting matches. */
uint32_t bind_match_column(const bind_names *names, base_text name, const bind_column **column);
/* Expands `*` or `t.*`. */
base_status bind_star(binder *b, bind_scope *scope, const parser_expr *star, bind_item **items,
                      uint32_t *count, uint32_t *capacity);
base_status bind_table_not_found(binder *b, base_text name, int32_t position);
bool bind_is_rowid_name(base_text name);
/* Name of an expression that has no alias, as PostgreSQL gives it. */
base_text bind_output_name(const parser_expr *expr);

/* ---- FROM (bind_from.c, bind_cte.c) -------------------------------------------------------- */

base_status bind_from(binder *b, bind_scope *scope, const parser_from *from, plan_node **node,
                      bind_names *names);
/* All live columns of a base table, then its rowid. */
base_status bind_table_scan(binder *b, const catalog_table *table, base_text alias,
                            plan_node **node, bind_relation **relation);
/* The base table that a change is about. */
base_status bind_target_table(binder *b, const parser_object *object, const char *verb,
                              const catalog_table **table);

base_status bind_with(binder *b, bind_scope *outer, const parser_with *with, bind_cte **ctes);
/* After the query under WITH is bound: inlines, wraps or drops the CTEs down to `end`. */
base_status bind_with_finish(binder *b, bind_cte *ctes, bind_cte *end, plan_node **node);
bind_cte *bind_find_cte(bind_cte *ctes, base_text name);
base_status bind_cte_scan(binder *b, bind_cte *cte, base_text alias, int32_t position,
                          plan_node **node, bind_relation **relation);

/* ---- Queries (bind_query.c, bind_select.c, bind_set.c) ------------------------------------- */

/* `keep_unknown`: untyped literals of the select list stay so (the caller casts them). */
base_status bind_query(binder *b, bind_scope *outer, bind_cte *ctes, const parser_query *query,
                       bool keep_unknown, bind_result *result);
base_status bind_select(binder *b, bind_scope *outer, bind_cte *ctes, const parser_query *query,
                        bool keep_unknown, bind_result *result);
base_status bind_set_operation(binder *b, bind_scope *outer, bind_cte *ctes,
                               const parser_query *query, bind_result *result);
/* Makes left and right agree and combines them. */
base_status bind_set_combine(binder *b, const parser_query *query, bind_result *left,
                             bind_result *right, bind_result *result);
base_status bind_limit(binder *b, bind_scope *scope, const parser_expr *limit,
                       const parser_expr *offset, plan_node **node);
/* An integer literal that names an output column: its place, or UINT32_MAX. */
base_status bind_item_position(binder *b, const parser_expr *ast, uint32_t item_count,
                               const char *clause, uint32_t *place);
void bind_sort_direction(const parser_sort_key *ast, plan_sort_key *key);

/* ---- Expressions (bind_expr.c, bind_compare.c, bind_call.c, bind_subquery.c) ---------------- */

base_status bind_expr(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr);
base_status bind_exprs(binder *b, bind_scope *scope, parser_expr *const *asts, uint32_t count,
                       plan_expr ***exprs);
/* The same as bind_expr(ast) once more: a copy where that is safe. */
base_status bind_again(binder *b, bind_scope *scope, const parser_expr *ast, const plan_expr *bound,
                       plan_expr **again);
base_status bind_negation(binder *b, plan_expr **expr); /* NOT */
base_status bind_boolean(binder *b, bool value, int32_t position, plan_expr **expr);

base_status bind_compare(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr);
base_status bind_compare_pair(binder *b, vector_comparison comparison, plan_expr *left,
                              plan_expr *right, int32_t position, plan_expr **expr);
base_status bind_is_distinct(binder *b, bind_scope *scope, const parser_expr *ast,
                             plan_expr **expr);
base_status bind_between(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr);
base_status bind_in_list(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr);
base_status bind_like(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr);
base_status bind_case(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr);

base_status bind_call(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr);
base_status bind_operator(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr);
/* A scalar function over bound arguments, which are cast as it wants them. */
base_status bind_function(binder *b, base_text name, plan_expr **arguments, uint32_t count,
                          int32_t position, plan_expr **expr);

base_status bind_subquery_value(binder *b, bind_scope *scope, const parser_expr *ast,
                                plan_expr **expr);
base_status bind_exists(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr);
base_status bind_in_query(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr);
base_status bind_quantified(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr);
/* Column `place` of a query of `count` columns as a scalar subquery: for rows. */
base_status bind_query_column(binder *b, bind_scope *scope, const parser_query *query,
                              uint32_t place, uint32_t count, int32_t position, plan_expr **expr);

/* ---- Aggregates and windows (bind_aggregate.c, bind_group.c, bind_window.c) ----------------- */

base_status bind_aggregate(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr);
/* (bind_known.c) Drops branches that cannot be taken, where results are numbers of several
 * types; what stands at results[*branches] is ELSE. */
base_status bind_prune_case(binder *b, plan_expr **conditions, plan_expr **results,
                            uint32_t *branches);
bool bind_is_never_null(const plan_expr *expr); /* as far as its form tells */
/* The value of an aggregate over one row of constants; NULL: not known. */
base_status bind_known_aggregate(binder *b, const bind_scope *owner, plan_aggregate *aggregate,
                                 plan_expr **expr);
/* May a call of such a function (or the alias of one) stand here? */
base_status bind_aggregate_place(binder *b, const bind_scope *owner, int32_t position);
base_status bind_window_place(binder *b, const bind_scope *scope, int32_t position);
/* Finds the aggregate for bound arguments and casts them as it wants. */
base_status bind_aggregate_function(binder *b, const parser_expr *ast, plan_expr **arguments,
                                    const func_aggregate **function, types_type *type);
bool bind_ast_has_aggregate(const parser_expr *ast);
base_status bind_window(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr);

/* Rewriting of what stands above an aggregation. */
typedef struct bind_grouping {
    binder *b;
    const bind_scope *scope;
    plan_column_set inputs; /* columns below the aggregation */
    uint32_t key_count, key_capacity;
    plan_output *keys;
} bind_grouping;
base_status bind_grouping_init(binder *b, const bind_scope *scope, const plan_node *input,
                               plan_expr *const *keys, uint32_t key_count, bind_grouping *grouping);
base_status bind_regroup(bind_grouping *grouping, plan_expr **expr);
base_status bind_aggregate_node(bind_grouping *grouping, plan_node *input, plan_node **node);
/* Stacks one PLAN_WINDOW per distinct window of the scope. */
base_status bind_window_nodes(binder *b, bind_scope *scope, plan_node **node);

/* ---- Changes (bind_insert.c, bind_update.c, bind_delete.c, bind_row.c) ---------------------- */

base_status bind_insert(binder *b, const parser_insert *insert, binder_result *result);
base_status bind_update(binder *b, const parser_update *update, binder_result *result);
base_status bind_delete(binder *b, const parser_delete *delete_from, binder_result *result);

/* The row that a change writes (or deletes), under the numbers that CHECK and RETURNING use. */
typedef struct bind_row {
    const catalog_table *table;
    base_text alias;
    plan_column *columns; /* by descriptor column; PLAN_NO_COLUMN: not at hand */
    plan_column rowid;
} bind_row;

/* NOT NULL and CHECK of the table. `set` (by place) limits NOT NULL to the columns that an
 * UPDATE changes; NULL: all columns of an INSERT. */
base_status bind_checks(binder *b, const bind_row *row, const bool *set, plan_check **checks,
                        uint32_t *count);
bool bind_has_checks(const catalog_table *table);
/* RETURNING: fills `outputs` and the result's columns; gives `node` its columns. */
base_status bind_returning(binder *b, const bind_row *row, const parser_select_item *items,
                           uint32_t item_count, plan_node *node, plan_output **outputs,
                           binder_result *result);
/* The column's DEFAULT (or NULL) as a value of the column's type. */
base_status bind_default(binder *b, const catalog_table *table, uint32_t place, int32_t position,
                         plan_expr **expr);
/* Casts as an assignment to the column. */
base_status bind_assign(binder *b, const catalog_table *table, uint32_t place, plan_expr **expr);
uint32_t bind_descriptor_count(const catalog_table *table);
plan_conflict_action bind_conflict(parser_conflict conflict);
/* Place of a column that a change names, with a good error. */
base_status bind_target_column(binder *b, const catalog_table *table, const parser_name *name,
                               uint32_t *place);

/* The rows that UPDATE and DELETE are about: the table, joined to others, filtered, cut. */
typedef struct bind_change {
    const catalog_table *table;
    bind_relation *relation; /* of the table */
    bind_scope scope;
    plan_node *node;
} bind_change;
typedef struct bind_change_syntax {
    const parser_object *table;
    const parser_name *alias;
    const parser_from *from;
    const parser_expr *where, *limit, *offset;
    const parser_sort_key *order;
    uint32_t order_count;
    const char *verb;
} bind_change_syntax;
base_status bind_change_source(binder *b, const bind_change_syntax *syntax, bind_cte *ctes,
                               bind_change *change);
/* Ends the input of a change: `exprs[0]` is the rowid. A row that a join met several times
 * is changed once. */
base_status bind_change_input(binder *b, const bind_change_syntax *syntax, plan_expr *const *exprs,
                              uint32_t count, bind_cte *ctes, bind_change *change);

#endif
