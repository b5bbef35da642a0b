/*
 * plan.h - bound expressions, logical operators, physical operators.
 *
 * One vocabulary from the binder to the executor:
 *
 *   AST --binder--> logical nodes --optimizer--> logical nodes --optimizer--> operators --exec
 *
 * Columns of a statement have numbers (plan_column) that are unique in it: every logical
 * node says which numbers it produces, an expression refers to a number, wherever it
 * stands. So rules move expressions and nodes about without renumbering, and a subquery is
 * correlated exactly when it uses a number that it does not produce. Only the physical
 * choice turns numbers into slots of the input chunk (PLAN_EXPR_SLOT).
 * Rejected: positions from the start (every rule must shift them).
 *
 * Logical nodes are mutable while the optimizer owns them; operators are immutable and are
 * shared by executions. All live in the arena of the prepared statement, which also keeps
 * the catalog snapshot alive that they point to.
 */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include "base/base.h"
#include "types/types.h"
#include "vector/vector.h"
#include "func/func.h"
#include "catalog/catalog.h"

typedef int32_t plan_column;
#define PLAN_NO_COLUMN (-1)

typedef struct plan_expr plan_expr;
typedef struct plan_node plan_node;
typedef struct plan_operator plan_operator;

/* ---- Expressions ------------------------------------------------------------------------- */

typedef enum plan_expr_kind {
    PLAN_EXPR_CONSTANT,
    PLAN_EXPR_COLUMN,    /* a column number (logical trees) */
    PLAN_EXPR_SLOT,      /* a position in the input chunk (operators) */
    PLAN_EXPR_PARAMETER, /* value known when the statement runs */
    PLAN_EXPR_CALL,      /* scalar function or arithmetic operator */
    PLAN_EXPR_CAST,
    PLAN_EXPR_COMPARE,       /* both sides have one type */
    PLAN_EXPR_DISTINCT_FROM, /* arguments[0] IS [NOT] DISTINCT FROM arguments[1] (negated = NOT) */
    PLAN_EXPR_AND,           /* two or more arguments */
    PLAN_EXPR_OR,
    PLAN_EXPR_NOT,
    PLAN_EXPR_IS_NULL, /* negated: IS NOT NULL */
    PLAN_EXPR_IS_TRUE, /* truth: IS [NOT] TRUE | FALSE, see is_truth */
    PLAN_EXPR_CASE,    /* arguments: when, then, when, then, ..., else (always present) */
    PLAN_EXPR_COALESCE,
    PLAN_EXPR_NULLIF,   /* arguments cast to a common type; result type is the first's */
    PLAN_EXPR_IN,       /* arguments[0] IN (arguments[1] ...), all of one type */
    PLAN_EXPR_SUBQUERY, /* only before unnesting */
} plan_expr_kind;

typedef enum plan_subquery_kind {
    PLAN_SUBQUERY_SCALAR, /* one column; 0 rows NULL, 2 rows BASE_CARDINALITY */
    PLAN_SUBQUERY_EXISTS,
    PLAN_SUBQUERY_ANY, /* row of arguments `comparison` ANY (node); IN is = ANY */
    PLAN_SUBQUERY_ALL,
} plan_subquery_kind;

struct plan_expr {
    uint8_t kind; /* plan_expr_kind */
    bool negated;
    types_type type;
    int32_t position; /* in the statement's text, -1 */
    uint32_t argument_count;
    plan_expr **arguments;
    union {
        types_value constant;
        plan_column column;
        uint32_t slot;
        uint32_t parameter; /* 0-based */
        const func_scalar *function;
        vector_comparison comparison;
        bool try_cast; /* CAST: failure gives NULL */
        bool is_truth; /* IS_TRUE: compare with TRUE (or FALSE) */
        struct {
            plan_subquery_kind kind;
            vector_comparison comparison;
            plan_node *node;
        } subquery;
    };
};

typedef struct plan_aggregate {
    plan_column column; /* where the result goes */
    const func_aggregate *function;
    types_type type;
    int32_t position; /* of the call in the statement's text, -1 */
    bool distinct;
    uint32_t argument_count; /* 0: COUNT(*) */
    plan_expr **arguments;
    plan_expr *filter;           /* or NULL */
    struct plan_sort_key *order; /* inner ORDER BY, or NULL */
    uint32_t order_count;
} plan_aggregate;

typedef struct plan_sort_key {
    plan_expr *expr;
    bool descending;
    bool nulls_first;
} plan_sort_key;

typedef enum plan_frame_bound {
    PLAN_FRAME_UNBOUNDED_PRECEDING,
    PLAN_FRAME_PRECEDING,
    PLAN_FRAME_CURRENT_ROW,
    PLAN_FRAME_FOLLOWING,
    PLAN_FRAME_UNBOUNDED_FOLLOWING,
} plan_frame_bound;
typedef enum plan_frame_mode {
    PLAN_FRAME_ROWS,
    PLAN_FRAME_RANGE,
    PLAN_FRAME_GROUPS,
} plan_frame_mode;

typedef struct plan_window {
    plan_column column;
    const func_window *function; /* one of the two */
    const func_aggregate *aggregate;
    types_type type;
    int32_t position; /* of the call in the statement's text, -1 */
    bool distinct;
    uint32_t argument_count;
    plan_expr **arguments;
    plan_expr *filter;
    plan_frame_mode mode;
    plan_frame_bound start, end;
    plan_expr *start_offset, *end_offset; /* constants or parameters */
} plan_window;

/* An output column of a node: its number and what fills it. */
typedef struct plan_output {
    plan_column column;
    plan_expr *expr;
} plan_output;

/* ---- Logical nodes ----------------------------------------------------------------------- */

typedef enum plan_node_kind {
    PLAN_SCAN,   /* rows of a base table */
    PLAN_VALUES, /* rows of expressions; one row of no columns for SELECT without FROM */
    PLAN_SYSTEM, /* rows of a built-in relation (tuff_schema, pragma results, series) */
    PLAN_FILTER,
    PLAN_PROJECT,
    PLAN_JOIN,
    PLAN_AGGREGATE,
    PLAN_WINDOW,
    PLAN_SORT,
    PLAN_LIMIT,
    PLAN_DISTINCT, /* over all columns of the input, or `keys` for DISTINCT ON */
    PLAN_SET_OPERATION,
    PLAN_CTE, /* inputs[0] computed once, inputs[1] refers to it */
    PLAN_CTE_SCAN,
    PLAN_INSERT,
    PLAN_UPDATE,
    PLAN_DELETE,
} plan_node_kind;

typedef enum plan_join_kind {
    PLAN_JOIN_INNER,
    PLAN_JOIN_LEFT,
    PLAN_JOIN_FULL,   /* RIGHT is LEFT with its sides exchanged */
    PLAN_JOIN_SEMI,   /* left rows with a partner */
    PLAN_JOIN_ANTI,   /* left rows without one (a NULL condition is no partner) */
    PLAN_JOIN_MARK,   /* left rows and a BOOLEAN column: TRUE, FALSE or NULL as IN gives it */
    PLAN_JOIN_SINGLE, /* LEFT, and an error on a second partner: scalar subqueries */
} plan_join_kind;

typedef enum plan_set_kind {
    PLAN_UNION,
    PLAN_INTERSECT,
    PLAN_EXCEPT,
} plan_set_kind;

typedef enum plan_conflict_action {
    PLAN_CONFLICT_ERROR,
    PLAN_CONFLICT_IGNORE,  /* INSERT OR IGNORE */
    PLAN_CONFLICT_REPLACE, /* REPLACE, INSERT OR REPLACE: the rows in the way are deleted */
    PLAN_CONFLICT_NOTHING, /* ON CONFLICT DO NOTHING: as IGNORE, but for keys only */
} plan_conflict_action;

/* A system relation: rows made by the session on request (registered there). The binder reads
 * its columns, the executor calls it; only the source itself knows what `environment` (handed
 * through exec_options) is. */
typedef struct plan_system_column {
    base_text name;
    types_type type;
} plan_system_column;
typedef struct plan_system_source {
    const char *name; /* lower case */
    uint32_t column_count;
    const plan_system_column *columns;
    uint32_t minimum_arguments, maximum_arguments;
    const types_type *argument_types; /* maximum_arguments of them: arguments are cast to these */
    /* Starts a scan. `state` may lie in `arena`, which lives as long as the scan. */
    base_status (*open)(const struct plan_system_source *source, void *environment,
                        txn_transaction *transaction, const types_value *arguments,
                        uint32_t argument_count, base_arena *arena, void **state,
                        base_error *error);
    /* BASE_ROW with 1 .. VECTOR_SIZE rows of all columns in the reset `chunk` (far strings in
     * its heap or in the arena), or BASE_DONE. */
    base_status (*next)(void *state, vector_chunk *chunk, base_error *error);
    void (*close)(void *state); /* NULL: nothing to do */
    double rows;                /* estimate; negative: unknown */
    bool reads_no_table;        /* may be read while tables are written */
} plan_system_source;

struct plan_node {
    uint8_t kind; /* plan_node_kind */
    plan_node *inputs[2];
    /* What comes out, in order. For PLAN_FILTER, SORT, LIMIT, DISTINCT: the input's. */
    uint32_t column_count;
    plan_column *columns;
    double rows;      /* estimate, set by the optimizer; negative: unknown */
    int32_t position; /* of a subquery's join or a changed table in the statement's text, -1 */
    union {
        struct {
            const catalog_table *table;
            base_text alias;
            /* columns[i] reads column column_ids[i] of the relation (TABLE_ROWID allowed). */
            uint32_t *column_ids;
            plan_expr *filter; /* pushed down; NULL at first */
        } scan;
        struct {
            uint32_t row_count;
            plan_expr **cells; /* row after row, column_count each */
        } values;
        struct {
            const plan_system_source *source;
            base_text name;
            uint32_t argument_count;
            plan_expr **arguments;
            uint32_t *column_ids; /* columns[i] is the source's column column_ids[i] ... */
            types_type *types;    /* ... of this type */
        } system;
        struct {
            plan_expr *condition;
        } filter;
        struct {
            plan_output *outputs; /* column_count of them */
        } project;
        struct {
            plan_join_kind kind;
            bool dependent;       /* inputs[1] may use columns of inputs[0]; gone after unnesting */
            plan_expr *condition; /* NULL: true */
            plan_column mark;     /* PLAN_JOIN_MARK */
            bool right_ordered;   /* the joins below inputs[1] have their order */
        } join;
        struct {
            uint32_t key_count;
            plan_output *keys;
            uint32_t aggregate_count;
            plan_aggregate *aggregates;
        } aggregate;
        struct {
            uint32_t partition_count;
            plan_expr **partition;
            uint32_t order_count;
            plan_sort_key *order;
            uint32_t window_count;
            plan_window *windows; /* all over one partition and order */
        } window;
        struct {
            uint32_t key_count;
            plan_sort_key *keys;
        } sort;
        struct {
            plan_expr *limit, *offset; /* NULL: none; constants or parameters */
        } limit;
        struct {
            uint32_t key_count; /* 0: all columns */
            plan_expr **keys;
        } distinct;
        struct {
            plan_set_kind kind;
            bool all;
            /* columns[i] comes from inputs[0]->columns[i] and inputs[1]->columns[i]. */
        } set;
        struct {
            uint32_t cte;              /* number in the statement */
            bool recursive;            /* inputs[0] is a UNION whose right side scans the CTE */
            plan_expr *limit, *offset; /* of the recursion's rows; as in `limit` */
        } cte;                         /* PLAN_CTE, PLAN_CTE_SCAN */
        struct {
            const catalog_table *table;
            plan_conflict_action conflict;
            /* inputs[0] gives one column per table column, in descriptor order, defaults
             * filled in and cast, then (if the table has none that is the rowid) nothing. */
            uint32_t check_count;
            struct plan_check *checks;
            uint32_t returning_count;
            plan_output *returning;   /* over row_columns */
            plan_column *row_columns; /* numbers of the new row's columns, descriptor order */
            plan_column rowid_column; /* number of the new row's rowid */
        } insert;
        struct {
            const catalog_table *table;
            plan_column rowid;        /* which input column has the rowid of the row to change */
            uint32_t set_count;       /* UPDATE */
            uint32_t *set_columns;    /* descriptor columns */
            plan_column *set_sources; /* input columns with the new values, cast */
            plan_conflict_action conflict; /* UPDATE OR ... */
            uint32_t check_count;
            struct plan_check *checks;
            uint32_t returning_count;
            plan_output *returning;
            /* Numbers of the row's columns in descriptor order, for checks and RETURNING:
             * the new row for UPDATE, the old one for DELETE; the input provides those
             * that are needed and not set (PLAN_NO_COLUMN: not needed). */
            plan_column *row_columns;
        } change; /* PLAN_UPDATE, PLAN_DELETE */
    };
};

/* A condition that a new row must not make FALSE. */
typedef struct plan_check {
    plan_expr *condition;
    base_status violation; /* NOT_NULL_VIOLATION or CHECK_VIOLATION */
    base_text name;        /* of the constraint, or the column for NOT NULL */
} plan_check;

/* ---- Physical operators ------------------------------------------------------------------ */
/*
 * Expressions use PLAN_EXPR_SLOT: the position in the input chunk. Joins number the left
 * (probe) side's columns first, then the right (build) side's.
 */
typedef enum plan_operator_kind {
    PLAN_OP_TABLE_SCAN,
    PLAN_OP_ROWID_LOOKUP, /* rows of given rowids, or a short rowid range */
    PLAN_OP_INDEX_SCAN,
    PLAN_OP_VALUES,
    PLAN_OP_SYSTEM_SCAN,
    PLAN_OP_FILTER,
    PLAN_OP_PROJECT,
    PLAN_OP_HASH_JOIN,   /* inputs[0] probes, inputs[1] is built */
    PLAN_OP_INDEX_JOIN,  /* for each row of inputs[0] look up a table by index or rowid */
    PLAN_OP_NESTED_LOOP, /* inputs[1] is kept, any condition */
    PLAN_OP_HASH_AGGREGATE,
    PLAN_OP_ORDERED_AGGREGATE, /* input comes group by group; so do the results */
    PLAN_OP_WINDOW,
    PLAN_OP_SORT, /* with `limit`: keeps the top rows only */
    PLAN_OP_LIMIT,
    PLAN_OP_DISTINCT_ON, /* first row of each key, in input order */
    PLAN_OP_UNION_ALL,
    PLAN_OP_SET_OPERATION, /* hash based INTERSECT, EXCEPT, [ALL] */
    PLAN_OP_CTE,           /* inputs[0] into a buffer, then inputs[1] */
    PLAN_OP_RECURSIVE_CTE,
    PLAN_OP_CTE_SCAN,
    PLAN_OP_INSERT,
    PLAN_OP_UPDATE,
    PLAN_OP_DELETE,
} plan_operator_kind;

typedef struct plan_access { /* how a base table is read */
    const catalog_table *table;
    uint32_t column_count;
    uint32_t *columns; /* descriptor columns in output order, TABLE_ROWID allowed */
    /* For skipping: each is `column test constant-or-parameter`, ANDed, and each is also
     * part of `filter` (the scan may let rows through). */
    uint32_t predicate_count;
    struct plan_predicate *predicates;
    plan_expr *filter; /* over the output columns' slots; NULL: none */
    bool descending;
    bool ordered; /* TABLE_SCAN: a sort was dropped, rows must come in rowid order */
    /* Filters that hash joins above publish: a row whose column is not in one has no partner
     * there and may be dropped. Optional: a filter that is not ready yet passes everything. */
    uint32_t join_filter_count;
    struct plan_join_filter *join_filters;
} plan_access;

typedef struct plan_join_filter {
    uint32_t id;   /* number in the statement */
    uint32_t slot; /* scan: output column that is tested; join: key whose build side is published */
} plan_join_filter;

typedef struct plan_predicate {
    uint32_t column; /* descriptor column or TABLE_ROWID */
    table_test test;
    uint32_t value_count;
    plan_expr **values; /* constants or parameters of the column's type */
} plan_predicate;

/* Bounds of an index scan: equal_count leading parts are equal to values[..], then the
 * next part may be bounded from either side. */
typedef struct plan_key_range {
    uint32_t equal_count;
    plan_expr **equal;     /* of the parts' types */
    plan_expr *low, *high; /* NULL: open */
    bool low_inclusive, high_inclusive;
} plan_key_range;

struct plan_operator {
    uint8_t kind; /* plan_operator_kind */
    uint32_t id;  /* dense in the plan, for run-time state and EXPLAIN ANALYZE */
    plan_operator *inputs[2];
    uint32_t column_count;
    types_type *types; /* of the output columns */
    double rows;       /* estimate */
    int32_t position;  /* as the node's */
    union {
        plan_access scan; /* TABLE_SCAN */
        struct {
            plan_access access;
            uint32_t rowid_count; /* rows to look up ... */
            plan_expr **rowids;   /* ... constants, parameters or expressions without slots */
        } rowid_lookup;
        struct {
            plan_access access;
            uint64_t index_id;
            uint32_t range_count; /* several: IN lists; in key order, disjoint */
            plan_key_range *ranges;
            /* Not 0: one row for each value of so many leading parts, which are all columns that
             * are read; there is one range, without bounds. */
            uint32_t distinct_parts;
        } index_scan;
        struct {
            uint32_t row_count;
            plan_expr **cells;
        } values;
        struct {
            const plan_system_source *source;
            uint32_t argument_count;
            plan_expr **arguments;
            uint32_t *columns; /* which of the source's columns */
        } system;
        struct {
            plan_expr *condition;
        } filter;
        struct {
            plan_expr **exprs;
        } project;
        struct {
            plan_join_kind kind;
            uint32_t key_count;                  /* equalities; 0 only for NESTED_LOOP */
            plan_expr **left_keys, **right_keys; /* slots of their own side */
            bool *null_equal;    /* per key: NULL matches NULL (IS NOT DISTINCT FROM) */
            plan_expr *residual; /* over left then right columns */
            /* Output: chosen columns of left ++ right (++ mark as the last number). */
            uint32_t *output_slots;
            bool build_is_left; /* inputs[1] holds the logical LEFT side (LEFT, SEMI, ANTI...) */
            /* HASH_JOIN: smallest and largest value and a bloom filter of build keys for scans
             * below inputs[0]. Only where probe rows without partner have no effect. */
            uint32_t filter_count;
            plan_join_filter *filters;
        } join;
        struct {
            plan_join_kind kind; /* INNER, LEFT, SEMI, ANTI */
            plan_access access;
            uint64_t index_id; /* 0: by rowid */
            uint32_t key_count;
            plan_expr **keys;    /* over inputs[0]: leading parts of the index, or the rowid */
            plan_expr *residual; /* over left ++ access columns */
            uint32_t *output_slots;
        } index_join;
        struct {
            uint32_t key_count;
            plan_expr **keys;
            uint32_t aggregate_count;
            plan_aggregate *aggregates; /* expressions over slots; output: keys, aggregates */
            /* ORDERED_AGGREGATE: rows equal in so many first keys stand together, and the other
             * keys are the same for them. */
            uint32_t presorted;
        } aggregate;
        struct {
            uint32_t partition_count;
            plan_expr **partition;
            uint32_t order_count;
            plan_sort_key *order;
            uint32_t window_count;
            plan_window *windows; /* output: input columns, then one per window */
            uint32_t presorted;   /* rows equal in so many first partition keys stand together */
        } window;
        struct {
            uint32_t key_count;
            plan_sort_key *keys;
            plan_expr *limit, *offset; /* top-N when limit is set */
            uint32_t presorted;        /* the input is ordered by so many first keys; no limit */
        } sort;
        struct {
            plan_expr *limit, *offset;
        } limit;
        struct {
            uint32_t key_count;
            plan_expr **keys;
        } distinct_on;
        struct {
            plan_set_kind kind;
            bool all;
        } set;
        /* CTE: inputs[0] (a RECURSIVE_CTE where it is recursive) fills buffer `cte`, then
         * inputs[1] runs. RECURSIVE_CTE: inputs[0] starts, inputs[1] is repeated and its
         * CTE_SCAN of the same number reads the rows of the round before; output: all rows. */
        struct {
            uint32_t cte;
            bool all; /* RECURSIVE_CTE: UNION ALL; otherwise rows seen before are dropped */
        } cte;
        struct {
            const catalog_table *table;
            plan_conflict_action conflict;
            uint32_t check_count;
            plan_check
                *checks; /* over the new row: one slot per descriptor column, then the rowid */
            uint32_t returning_count;
            plan_expr **returning; /* same slots; empty: the only output is the row count */
            uint32_t set_count;    /* UPDATE */
            uint32_t *set_columns;
            uint32_t *set_slots; /* input slots of the new values */
            uint32_t rowid_slot; /* UPDATE, DELETE */
            int32_t *row_slots;  /* UPDATE, DELETE: input slot of each descriptor column or -1 */
        } change;                /* INSERT, UPDATE, DELETE */
    };
};

/* A prepared statement's plan. */
typedef struct plan_statement {
    plan_operator *root;
    uint32_t operator_count;
    uint32_t cte_count;
    uint32_t join_filter_count;
    uint32_t parameter_count;
    types_type *parameter_types; /* UNKNOWN where nothing tells: text, or by the value bound */
    uint32_t column_count;       /* of the result; 0 for changes without RETURNING */
    const char **column_names;
    types_type *column_types;
    bool is_write;
    catalog_snapshot *catalog; /* pinned */
} plan_statement;

/* ---- Making and walking (plan_build.c, plan_walk.c, plan_print.c) ---------------  */
/* Constructors return NULL when memory ends; the caller answers base_error_no_memory. */
plan_expr *plan_expr_new(base_arena *arena, plan_expr_kind kind, types_type type,
                         uint32_t argument_count);
plan_expr *plan_constant(base_arena *arena, const types_value *value);
plan_expr *plan_column_ref(base_arena *arena, plan_column column, types_type type);
plan_expr *plan_slot(base_arena *arena, uint32_t slot, types_type type);
plan_expr *plan_and(base_arena *arena, plan_expr *a, plan_expr *b); /* NULL is true */
plan_expr *plan_compare(base_arena *arena, vector_comparison comparison, plan_expr *a,
                        plan_expr *b);
plan_expr *plan_cast(base_arena *arena, plan_expr *expr, types_type type);
plan_expr *plan_not(base_arena *arena, plan_expr *expr);
/* `columns` has room for column_count numbers, all PLAN_NO_COLUMN; `rows` is unknown. */
plan_node *plan_node_new(base_arena *arena, plan_node_kind kind, uint32_t column_count);
/* A node whose output is its input's (PLAN_FILTER, SORT, LIMIT, DISTINCT): it shares the
 * input's array of columns, so a rule that changes columns gives the node a new array. */
plan_node *plan_node_over(base_arena *arena, plan_node_kind kind, plan_node *input);
plan_node *plan_node_filter(base_arena *arena, plan_node *input, plan_expr *condition);
plan_node *plan_node_project(base_arena *arena, plan_node *input, plan_output *outputs,
                             uint32_t count);
/* Columns: left's, then right's unless SEMI, ANTI or MARK, then `mark` (MARK only; else
 * PLAN_NO_COLUMN). */
plan_node *plan_node_join(base_arena *arena, plan_join_kind kind, plan_node *left, plan_node *right,
                          plan_expr *condition, plan_column mark);
plan_expr *plan_expr_copy(base_arena *arena, const plan_expr *expr); /* deep; not subquery nodes */
bool plan_expr_equal(const plan_expr *a, const plan_expr *b);
bool plan_expr_is_volatile(const plan_expr *expr);
bool plan_expr_has_subquery(const plan_expr *expr);

/* Calls `visit` on every expression slot of the node itself (not of its inputs), so that a
 * rule can replace it; stops at the first status that is not OK. */
typedef base_status (*plan_expr_visitor)(void *context, plan_expr **expr);
base_status plan_node_visit_exprs(plan_node *node, plan_expr_visitor visit, void *context);
/* Pre-order over an expression's slots, itself included; not into subquery nodes. */
base_status plan_expr_walk(plan_expr **expr, plan_expr_visitor visit, void *context);

/* Sets of column numbers; all zero but for the arena is the empty set. */
typedef struct plan_column_set {
    uint64_t *words;
    uint32_t word_count;
    base_arena *arena;
} plan_column_set;
bool plan_set_add(plan_column_set *set, plan_column column); /* false: no memory */
void plan_set_remove(plan_column_set *set, plan_column column);
bool plan_set_add_all(plan_column_set *set, const plan_column_set *more); /* false: no memory */
bool plan_set_is_empty(const plan_column_set *set);
bool plan_set_has(const plan_column_set *set, plan_column column);
bool plan_set_contains(const plan_column_set *outer, const plan_column_set *inner);
bool plan_set_intersects(const plan_column_set *a, const plan_column_set *b);
/* Columns that the expression uses (of a subquery: those it does not produce itself). */
bool plan_expr_columns(const plan_expr *expr, plan_column_set *set);
/* Columns that the node's tree uses and does not produce: its correlation. */
bool plan_node_free_columns(const plan_node *node, plan_column_set *set);
/* Adds the node's output columns. */
bool plan_node_columns(const plan_node *node, plan_column_set *set);

/* EXPLAIN's tree, one line per operator, and the SQL-like text of an expression. Names
 * are found again through the tree; what has none prints as #number. `annotate` (may be
 * NULL) appends what EXPLAIN ANALYZE knows to each operator's line. */
typedef void (*plan_annotator)(void *context, const plan_operator *operator, base_buffer * out);
void plan_print_operator(const plan_operator *root, base_buffer *out);
void plan_print_analyzed(const plan_operator *root, plan_annotator annotate, void *context,
                         base_buffer *out);
void plan_print_node(const plan_node *root, base_buffer *out);
void plan_print_expr(const plan_expr *expr, base_buffer *out);

#endif
