/*
 * optimizer_int.h - what the files of the optimizer share.
 */
#ifndef OPTIMIZER_OPTIMIZER_INT_H
#define OPTIMIZER_OPTIMIZER_INT_H

#include "optimizer/optimizer.h"

enum {
    OPTIMIZER_MAX_DEPTH = 1000, /* nodes above each other: recursion is counted */
    OPTIMIZER_MAX_ORDER = 32,   /* keys of an order that may be met without sorting */
};

/* What is known of a column number, wherever in the tree it is used. */
typedef struct optimizer_column {
    types_type type;
    const catalog_table *table; /* the base column that it is, or NULL */
    uint32_t column_id;
    bool not_null;   /* where it is produced; outer joins above may add NULLs */
    double distinct; /* estimated values; 0: unknown */
} optimizer_column;

typedef struct optimizer_state {
    base_arena *arena;
    base_error *error;
    const optimizer_options *options;
    optimizer_column *columns; /* by number */
    uint32_t column_count, column_capacity;
    plan_node **cte_definitions; /* by CTE number: the node that fills it */
    uint32_t cte_count, cte_capacity;
    int32_t *slots; /* scratch of optimizer_bind: slot of each column number or -1 */
    uint32_t slot_capacity;
    uint32_t depth;
    uint32_t join_filter_count;
    plan_column_set taken_filters; /* ids of filters that a scan applies */
} optimizer_state;

/* ---- Lists of expressions, mostly conjuncts (optimizer_lists.c) --------------------------- */

typedef struct optimizer_list {
    plan_expr **items;
    uint32_t count, capacity;
} optimizer_list;

base_status optimizer_no_memory(optimizer_state *state);
base_status optimizer_list_add(optimizer_state *state, optimizer_list *list, plan_expr *expr);
base_status optimizer_list_append(optimizer_state *state, optimizer_list *list,
                                  const optimizer_list *more);
/* Appends the conjuncts of `expr` (NULL: true, none). Conditions of lower nodes stand before those
 * of higher ones: what was tested first may keep rows away from what comes behind it. */
base_status optimizer_split(optimizer_state *state, plan_expr *expr, optimizer_list *list);
/* The conjunction of the list; *expr is NULL when it is empty. */
base_status optimizer_conjunction(optimizer_state *state, const optimizer_list *list,
                                  plan_expr **expr);
bool optimizer_is_true(const plan_expr *expr);          /* constant TRUE */
bool optimizer_is_false_or_null(const plan_expr *expr); /* constant FALSE or NULL */
/* An AND or OR over the arguments; one argument is returned as it is. */
base_status optimizer_connect(optimizer_state *state, plan_expr_kind kind,
                              const optimizer_list *list, plan_expr **expr);
base_status optimizer_true(optimizer_state *state, bool value, plan_expr **expr);
/* arguments[0] IS NOT DISTINCT FROM arguments[1] */
base_status optimizer_not_distinct(optimizer_state *state, plan_expr *a, plan_expr *b,
                                   plan_expr **expr);
/* NOT, IS [NOT] TRUE, COALESCE(a, b) */
base_status optimizer_not(optimizer_state *state, plan_expr *argument, plan_expr **expr);
base_status optimizer_is_truth(optimizer_state *state, plan_expr *argument, bool negated,
                               plan_expr **expr);
base_status optimizer_coalesce(optimizer_state *state, plan_expr *a, plan_expr *b,
                               plan_expr **expr);
base_status optimizer_zero(optimizer_state *state, types_type type, plan_expr **expr);
base_status optimizer_is_null(optimizer_state *state, plan_expr *argument, bool negated,
                              plan_expr **expr);

/* ---- Columns (optimizer_columns.c) -------------------------------------------------------- */

/* Records types and origins of all columns of the tree, subqueries included. */
base_status optimizer_register(optimizer_state *state, plan_node *root);
base_status optimizer_new_column(optimizer_state *state, types_type type, plan_column *column);
base_status optimizer_new_cte(optimizer_state *state, plan_node *definition, uint32_t *cte);
BASE_INLINE types_type optimizer_type(const optimizer_state *state, plan_column column)
{
    return state->columns[column].type;
}
base_status optimizer_column_expr(optimizer_state *state, plan_column column, plan_expr **expr);

BASE_INLINE plan_column_set optimizer_set(optimizer_state *state)
{
    return (plan_column_set){.arena = state->arena};
}
base_status optimizer_set_add(optimizer_state *state, plan_column_set *set, plan_column column);
base_status optimizer_set_add_expr(optimizer_state *state, plan_column_set *set,
                                   const plan_expr *expr);
base_status optimizer_set_add_node(optimizer_state *state, plan_column_set *set,
                                   const plan_node *node); /* its output columns */
base_status optimizer_set_union(optimizer_state *state, plan_column_set *set,
                                const plan_column_set *other);
/* Every column of the expression is in the set / none is. */
base_status optimizer_expr_within(optimizer_state *state, const plan_expr *expr,
                                  const plan_column_set *set, bool *within);
base_status optimizer_expr_touches(optimizer_state *state, const plan_expr *expr,
                                   const plan_column_set *set, bool *touches);
bool optimizer_node_has(const plan_node *node, plan_column column);

/* Replacement of columns by expressions. */
typedef struct optimizer_map {
    plan_column *from;
    plan_expr **to;
    uint32_t count, capacity;
} optimizer_map;
base_status optimizer_map_add(optimizer_state *state, optimizer_map *map, plan_column from,
                              plan_expr *to);
plan_expr *optimizer_map_find(const optimizer_map *map, plan_column from);
/* Replaces columns in *expr, which is copied first (expressions may be shared); subquery
 * trees inside it are rewritten in place. */
base_status optimizer_map_apply(optimizer_state *state, const optimizer_map *map, plan_expr **expr);
/* The same for every expression of the node, not of its inputs. */
base_status optimizer_map_apply_node(optimizer_state *state, const optimizer_map *map,
                                     plan_node *node);
/* The same for every expression of the tree. */
base_status optimizer_map_apply_tree(optimizer_state *state, const optimizer_map *map,
                                     plan_node *node);

/* ---- Making nodes (optimizer_nodes.c) ------------------------------------------------------ */

base_status optimizer_filter_node(optimizer_state *state, plan_node *input, plan_expr *condition,
                                  plan_node **node); /* condition NULL: input itself */
/* Passes the input's columns through, then the outputs. */
base_status optimizer_extend_node(optimizer_state *state, plan_node *input,
                                  const plan_output *outputs, uint32_t count, plan_node **node);
/* Exactly these columns of the input; the input itself when it has no others. */
base_status optimizer_restrict_node(optimizer_state *state, plan_node *input,
                                    const plan_column *columns, uint32_t count, plan_node **node);
/* Exactly the outputs. */
base_status optimizer_project_node(optimizer_state *state, plan_node *input,
                                   const plan_output *outputs, uint32_t count, plan_node **node);
/* Columns: left then right, left alone, or left and the mark, as the kind says. */
base_status optimizer_join_node(optimizer_state *state, plan_join_kind kind, plan_node *left,
                                plan_node *right, plan_expr *condition, plan_column mark,
                                plan_node **node);
/* Sets the node's columns anew from its inputs, for kinds that pass them on. */
base_status optimizer_refresh_columns(optimizer_state *state, plan_node *node);
bool optimizer_join_keeps_right(plan_join_kind kind); /* its output has the right columns */
base_status optimizer_enter(optimizer_state *state);  /* counts depth; pair with leave */
void optimizer_leave(optimizer_state *state);
uint32_t optimizer_input_count(const plan_node *node);

/* ---- Stages --------------------------------------------------------------------------------- */

/* subqueries.c: every PLAN_EXPR_SUBQUERY under *root becomes a (dependent) join. */
base_status optimizer_extract_subqueries(optimizer_state *state, plan_node **root);

/* unnest.c: no dependent join is left under *root. */
base_status optimizer_unnest(optimizer_state *state, plan_node **root);

/* A predicate on its way up out of a subquery. */
typedef struct optimizer_pulled {
    plan_expr *expr;
    plan_expr *outer, *inner; /* expr is outer = inner, each of its own side; or NULL */
} optimizer_pulled;
typedef struct optimizer_pulled_list {
    optimizer_pulled *items;
    uint32_t count, capacity;
} optimizer_pulled_list;

/* unnest_pull.c: whether the tree uses `outer` columns only in predicates that can be moved
 * above it. `keyed`: a root aggregate without keys may be given some. */
base_status optimizer_can_pull(optimizer_state *state, plan_node *node,
                               const plan_column_set *outer, bool keyed, bool *can);
/* Moves them to `pulled`; the tree then has the columns that they need in its output. */
base_status optimizer_pull(optimizer_state *state, plan_node **node, const plan_column_set *outer,
                           optimizer_pulled_list *pulled);

/* unnest_push.c: makes the right side of the dependent join `join` produce, besides its own
 * columns, those of the duplicate-free domain of the left columns it uses; the join becomes
 * an ordinary one and *root the tree (with a common table expression) that stands for it. */
base_status optimizer_push_domain(optimizer_state *state, plan_node *join, bool keyed,
                                  plan_node **root);

/* unnest_limit.c: `limit` (over an optional sort) per group of `partition`: a window and a
 * filter over the sort's input. */
base_status optimizer_limit_by_group(optimizer_state *state, plan_node *limit,
                                     plan_expr **partition, uint32_t partition_count,
                                     plan_node **node);

/* ---- Rules (rule_*.c) ------------------------------------------------------------------------ */

/* rule_simplify.c: every expression of the tree in its simplest form. */
base_status optimizer_simplify(optimizer_state *state, plan_node *root);
base_status optimizer_simplify_expr(optimizer_state *state, plan_expr **expr);
/* rule_factor.c: an OR of ANDs as AND of what its branches share and the OR of the rest;
 * an OR of equalities as IN. */
base_status optimizer_factor_or(optimizer_state *state, plan_expr **expr);
/* What the OR implies for `columns` alone: the OR of its branches' conjuncts over them;
 * NULL when a branch has none. */
base_status optimizer_implied_or(optimizer_state *state, const plan_expr *expr,
                                 const plan_column_set *columns, plan_expr **implied);
/* rule_merge.c: projections merged, limits below them, CTEs used once inlined. */
base_status optimizer_merge(optimizer_state *state, plan_node **root);
/* rule_limit.c: below what gives one row per row. */
base_status optimizer_sink_limit(optimizer_state *state, plan_node **root);
/* A scalar subquery of grouping without keys, or one row of values. */
bool optimizer_has_one_row(const plan_node *node);
/* rule_extreme.c: MIN and MAX by the order of an index. */
base_status optimizer_shorten_extremes(optimizer_state *state, plan_node *root);
/* rule_distinct.c: DISTINCT where a key tells the rows apart. */
base_status optimizer_drop_distinct(optimizer_state *state, plan_node **root);
/* rule_common.c: parts that expressions of a node share, equal aggregates. */
base_status optimizer_share_expressions(optimizer_state *state, plan_node **root);
/* rule_conjuncts.c: cheap and selective tests first. */
base_status optimizer_order_conjuncts(optimizer_state *state, plan_node *root);
/* rule_pushdown.c: conditions to where their columns come from. */
base_status optimizer_push_down(optimizer_state *state, plan_node **root);
base_status optimizer_push_conditions(optimizer_state *state, plan_node **root,
                                      const optimizer_list *conditions);
/* rule_transitive.c: the conditions of a tree of inner joins lifted out of it, and what
 * equalities among conditions imply. */
base_status optimizer_lift_conditions(optimizer_state *state, plan_node *join,
                                      optimizer_list *conditions);
base_status optimizer_close_conditions(optimizer_state *state, optimizer_list *conditions);
/* rule_semi_join.c: below inner joins, where few rows have partners. Right side estimated. */
base_status optimizer_place_semi_join(optimizer_state *state, plan_node **root);
/* rule_outer_join.c: what a filter above makes of an outer join. */
base_status optimizer_reduce_outer_join(optimizer_state *state, plan_node *join,
                                        const optimizer_list *conditions);
/* Never TRUE when all columns of the set are NULL. */
base_status optimizer_rejects_null(optimizer_state *state, const plan_expr *expr,
                                   const plan_column_set *columns, bool *rejects);
/* rule_mark.c: marks that only filter become SEMI and ANTI joins. Takes what it uses out of
 * `conditions`. */
base_status optimizer_reduce_mark(optimizer_state *state, plan_node *join,
                                  optimizer_list *conditions);
/* uniqueness.c: no two rows have the same value in the column, NULLs aside; each left row
 * of the join has at most one partner. */
base_status optimizer_is_key(optimizer_state *state, const plan_node *node, plan_column column,
                             bool *is_key);
base_status optimizer_right_is_unique(optimizer_state *state, const plan_node *join, bool *unique);
/* nullability.c */
bool optimizer_never_null(optimizer_state *state, const plan_node *node, const plan_expr *expr);
/* join_order.c: inner joins in the cheapest order. */
base_status optimizer_order_joins(optimizer_state *state, plan_node **root);

/* ---- Estimates (cardinality.c, selectivity.c) ------------------------------------------------ */

/* Sets `rows` of every node of the tree, and the columns' distinct counts. */
base_status optimizer_estimate(optimizer_state *state, plan_node *root);
/* The node alone, its inputs being estimated. */
base_status optimizer_estimate_node(optimizer_state *state, plan_node *node);
/* Share of rows that pass all conjuncts of the condition (NULL: 1). */
base_status optimizer_selectivity(optimizer_state *state, plan_expr *condition, double *share);
/* Distinct values of an expression among `rows` rows. */
double optimizer_distinct(const optimizer_state *state, const plan_expr *expr, double rows);
/* Rows of an inner join of inputs of these sizes. */
base_status optimizer_join_rows(optimizer_state *state, const optimizer_list *conjuncts,
                                double left, double right, double *rows);
/* Share of left rows that have a partner in the right input. */
double optimizer_partner_share(const optimizer_state *state, const optimizer_list *conjuncts,
                               const plan_node *right);
double optimizer_table_rows(const optimizer_state *state, const catalog_table *table);
/* The column alone is a key of its table. */
bool optimizer_is_unique(const optimizer_column *column);

/* ---- Translation (physical*.c) --------------------------------------------------------------- */

/* What the consumer of an operator wants. */
typedef struct optimizer_request {
    plan_column_set columns; /* these must be in the output; others may */
    /* Wishes; the answer tells how much of the order was met. With a row goal and an order no more
     * rows are asked for only where it is met. */
    const plan_sort_key *order;
    uint32_t order_count;  /* at most OPTIMIZER_MAX_ORDER */
    bool any_order;        /* rows that are equal in the keys shall stand together, no more */
    double row_goal;       /* no more rows than this will be asked for; 0: all */
    bool partial_order;    /* some of the keys are better than none */
    double unordered_cost; /* of doing without the order; 0: of sorting what comes out */
    /* Filters of joins above that a scan which makes the column may apply. */
    const struct optimizer_filter_wish *filters;
    uint32_t filter_count;
} optimizer_request;

typedef struct optimizer_filter_wish {
    uint32_t id;
    plan_column column;
} optimizer_filter_wish;

/* A join's condition, sorted: left.items[i] = right.items[i], and the rest. */
typedef struct optimizer_join_keys {
    optimizer_list left, right;
    bool *null_equal;
    optimizer_list residual;
} optimizer_join_keys;

/* An operator and where its columns are. Two columns may share a slot (renamings). */
typedef struct optimizer_physical {
    plan_operator *op;
    uint32_t count;
    plan_column *columns; /* columns[i] is in slot slots[i] of the output */
    uint32_t *slots;
    bool ordered; /* rows come in the requested order */
    /* By which of its keys (bits) they come ordered: the first ones, or with any_order any. */
    uint64_t presorted;
} optimizer_physical;

/* ---- Access paths (access_path.c) ------------------------------------------------------------ */

/* A conjunct of the form `column test values` of a scan. */
typedef struct optimizer_test {
    plan_expr *expr;
    uint32_t column; /* of the relation; TABLE_ROWID also for the INTEGER PRIMARY KEY */
    table_test test;
    plan_expr **values; /* constants or parameters */
    uint32_t value_count;
} optimizer_test;

typedef struct optimizer_path {
    plan_operator_kind kind; /* TABLE_SCAN, ROWID_LOOKUP, INDEX_SCAN */
    double cost;
    bool ordered, descending;
    uint64_t presorted;           /* as in optimizer_physical */
    const optimizer_test *rowids; /* ROWID_LOOKUP */
    const catalog_index *index;
    /* INDEX_SCAN: tests of leading parts for equality, then IN or bounds of the next. */
    uint32_t equal_count;
    const optimizer_test *equal[TABLE_MAX_KEY_PARTS];
    const optimizer_test *in, *low, *high;
} optimizer_path;

/* like_prefix.c: up to two tests that a LIKE or GLOB with a fixed beginning implies. */
base_status optimizer_prefix_tests(optimizer_state *state, const plan_expr *expr,
                                   optimizer_test tests[2], uint32_t *count);
/* ---- Costs in nanoseconds (optimizer_cost.c) ------------------------------------------------- */

double optimizer_cost_scan(double rows, uint32_t columns);
/* One row of a table of so many: by rowid; placing an index cursor; the row of an index entry. */
double optimizer_cost_rowid(double table_rows, uint32_t columns);
double optimizer_cost_seek(double table_rows);
double optimizer_cost_entry(double table_rows, uint32_t columns);
double optimizer_cost_build(double rows);
double optimizer_cost_probe(double rows, double build_rows);
double optimizer_cost_output(double rows); /* of a join, on their way */
double optimizer_cost_group(double rows, double groups);
double optimizer_cost_pairs(double pairs);
double optimizer_cost_sort(double rows, bool top); /* top: all but a few rows are dropped */

/* TABLE_ROWID for the INTEGER PRIMARY KEY. */
uint32_t optimizer_relation_column(const catalog_table *table, uint32_t column_id);
/* An index begins with the relation's column. */
bool optimizer_leads_index(const catalog_table *table, uint32_t column);
/* How many columns of the scan a consumer of these columns and the scan's filter read. */
base_status optimizer_read_width(optimizer_state *state, const plan_node *scan,
                                 const plan_column_set *wanted, uint32_t *width);
base_status optimizer_find_tests(optimizer_state *state, const plan_node *scan,
                                 optimizer_test **tests, uint32_t *count);
/* The cheapest way to read the scan's rows. */
base_status optimizer_choose_path(optimizer_state *state, const plan_node *scan,
                                  const optimizer_request *request, const optimizer_test *tests,
                                  uint32_t test_count, optimizer_path *path);

base_status optimizer_translate(optimizer_state *state, plan_node *node,
                                const optimizer_request *request, optimizer_physical *out);
/* The same; the output is exactly `columns`, in order. */
base_status optimizer_translate_exactly(optimizer_state *state, plan_node *node,
                                        const plan_column *columns, uint32_t count,
                                        plan_operator **op);
/* The same, with wishes for filters. */
base_status optimizer_translate_filtered(optimizer_state *state, plan_node *node,
                                         const plan_column *columns, uint32_t count,
                                         const optimizer_request *wishes, plan_operator **op);
base_status optimizer_operator_new(optimizer_state *state, plan_operator_kind kind,
                                   uint32_t column_count, plan_operator **op);
/* Makes slot i of `op` hold columns[i]. */
base_status optimizer_set_layout(optimizer_state *state, plan_operator *op,
                                 const plan_column *columns, optimizer_physical *out);
/* Starts or goes on binding columns to slots, for optimizer_resolve. */
base_status optimizer_bind_clear(optimizer_state *state);
void optimizer_bind(optimizer_state *state, const optimizer_physical *physical, uint32_t offset);
void optimizer_bind_column(optimizer_state *state, plan_column column, uint32_t slot);
/* A copy of `expr` with slots for columns; NULL gives NULL. */
base_status optimizer_resolve(optimizer_state *state, const plan_expr *expr, plan_expr **result);
base_status optimizer_resolve_all(optimizer_state *state, plan_expr *const *exprs, uint32_t count,
                                  plan_expr ***result);
base_status optimizer_resolve_keys(optimizer_state *state, const plan_sort_key *keys,
                                   uint32_t count, plan_sort_key **result);

/* The columns of a scan that are needed, with their ids. */
base_status optimizer_choose_columns(optimizer_state *state, const plan_node *node,
                                     const plan_column_set *needed, plan_column **columns,
                                     uint32_t **ids, uint32_t *count);
base_status optimizer_translate_scan(optimizer_state *state, plan_node *node,
                                     const optimizer_request *request, optimizer_physical *out);
/* The wished order in terms of a projection's input, when all its keys are bare columns there. */
base_status optimizer_order_below(optimizer_state *state, const plan_node *project,
                                  const optimizer_request *request, optimizer_request *below);
/* Whether the node's rows can come in the wished order, or partly so where that is of use. */
base_status optimizer_meets_order(optimizer_state *state, plan_node *node,
                                  const optimizer_request *request, bool *met);
/* Wishes on outputs that are bare columns of the node's input, in terms of these. */
base_status optimizer_filters_below(optimizer_state *state, const plan_output *outputs,
                                    uint32_t count, const optimizer_request *request,
                                    optimizer_request *below);
/* Adds the wishes of `from` that `input` has the columns for. */
base_status optimizer_pass_filters(optimizer_state *state, const optimizer_request *from,
                                   const plan_node *input, optimizer_request *to);
/* Hands the request's order and goal on to the join's streaming input. */
base_status optimizer_pass_order(optimizer_state *state, const plan_node *join,
                                 const plan_node *streaming, const optimizer_request *request,
                                 optimizer_request *below);
/* *done: the join looks rows up, which is cheaper than reading them. */
base_status optimizer_try_index_join(optimizer_state *state, plan_node *node,
                                     const optimizer_request *request,
                                     const optimizer_join_keys *keys, optimizer_physical *out,
                                     bool *done);
/* Which input of a join has all columns of the wished order; -1: neither. */
int32_t optimizer_order_side(const plan_node *join, const optimizer_request *request);
/* The cheaper of looking partners of inputs[outer] up and of hashing the other input, until the
 * request's goal is met; what reading the outer input costs is not counted. */
base_status optimizer_join_cost(optimizer_state *state, plan_node *node,
                                const optimizer_join_keys *keys, const optimizer_request *request,
                                uint32_t outer, double *cost);
base_status optimizer_translate_join(optimizer_state *state, plan_node *node,
                                     const optimizer_request *request, optimizer_physical *out);
/* physical_skip_scan.c: `node`, the distinct values of `keys` over `input`, by one search per value
 * where that is cheapest; `outputs` are their columns, by key. `wish` has the request's order in
 * terms of the input. */
base_status optimizer_try_skip_scan(optimizer_state *state, plan_node *node, plan_node *input,
                                    plan_expr *const *keys, uint32_t count,
                                    const plan_column *outputs, const optimizer_request *request,
                                    const optimizer_request *wish, optimizer_physical *out,
                                    bool *done);
base_status optimizer_translate_aggregate(optimizer_state *state, plan_node *node,
                                          const optimizer_request *request,
                                          optimizer_physical *out);
base_status optimizer_translate_window(optimizer_state *state, plan_node *node,
                                       const optimizer_request *request, optimizer_physical *out);
base_status optimizer_translate_set(optimizer_state *state, plan_node *node,
                                    const optimizer_request *request, optimizer_physical *out);
base_status optimizer_translate_cte(optimizer_state *state, plan_node *node,
                                    const optimizer_request *request, optimizer_physical *out);
base_status optimizer_translate_change(optimizer_state *state, plan_node *node,
                                       optimizer_physical *out);

#endif
