/*
 * parser.h - SQL text to syntax trees.
 *
 * The tree says what was written, not what it means: names are unresolved, types are names,
 * numbers are text. Spellings of one thing are folded here, so that the binder sees one shape
 * (TRIM(BOTH a FROM b) is a call of btrim, `x::INT` a cast, `x IN t` a query over t).
 *
 * Everything lives in the arena given. Texts (names, numbers, strings) point into the SQL text
 * where they stand there verbatim, else into the arena: the SQL text must live as long as the
 * tree. Names come without their quotes and keep their spelling; `quoted` is not kept, since
 * names are found without regard to case, quoted or not.
 *
 * `position` and `end` are byte offsets into the SQL text: [position, end) is the node's
 * source, which is how DEFAULT, CHECK and view texts are taken from it (parser_source).
 *
 * Depth is bounded: no tree that comes out is higher than PARSER_MAX_DEPTH, so walkers may
 * recurse. Chains of AND, of OR and of || are one node with many arguments.
 */
#ifndef PARSER_PARSER_H
#define PARSER_PARSER_H

#include "base/base.h"
#include "types/types.h"

enum {
    PARSER_MAX_DEPTH = 1000,
    PARSER_MAX_PARAMETERS = 32767,
    PARSER_MAX_NAME_PARTS = 3,
};

typedef struct parser_expr parser_expr;
typedef struct parser_query parser_query;
typedef struct parser_from parser_from;
typedef struct parser_window parser_window;
typedef struct parser_statement parser_statement;

/* ---- Names and types ---------------------------------------------------------------------- */

/* A name as it stood there, with its place for messages. Empty data: absent. */
typedef struct parser_name {
    base_text text;
    int32_t position;
} parser_name;

/* [schema.]name of a table, view or index. */
typedef struct parser_object {
    parser_name schema; /* empty: none given; "main", "temp", "public", ... */
    parser_name name;
} parser_object;

/* A type's name as written, words joined by one blank ("double precision"), with its
 * arguments: what types_from_name takes. */
typedef struct parser_type {
    base_text name; /* empty: no type given (SQLite's columns) */
    uint32_t argument_count;
    int64_t arguments[2];
    int32_t position;
} parser_type;

/* ---- Expressions -------------------------------------------------------------------------- */

typedef enum parser_expr_kind {
    PARSER_EXPR_NULL,
    PARSER_EXPR_BOOLEAN,     /* boolean */
    PARSER_EXPR_NUMBER,      /* text: what types_parse_number takes; a leading '-' when negated */
    PARSER_EXPR_STRING,      /* text: quotes removed, escapes resolved; not yet typed */
    PARSER_EXPR_BLOB,        /* text: the bytes */
    PARSER_EXPR_PARAMETER,   /* parameter: 0-based number */
    PARSER_EXPR_COLUMN,      /* column: [[schema.]table.]column */
    PARSER_EXPR_STAR,        /* column: `*` or `t.*`; in select lists and RETURNING only */
    PARSER_EXPR_DEFAULT,     /* DEFAULT as a value of INSERT or UPDATE */
    PARSER_EXPR_CALL,        /* call: function, aggregate or window function */
    PARSER_EXPR_OPERATOR,    /* text: "+", "-", "*", "/", "%", "^", "||", "&", "|", "<<", ">>", "~",
                              "->", "->>", ...; 1 argument: prefix; "||" may have more than 2 */
    PARSER_EXPR_COMPARE,     /* comparison of 2 arguments; either may be a ROW */
    PARSER_EXPR_IS_DISTINCT, /* a IS DISTINCT FROM b; negated: IS NOT DISTINCT FROM, SQLite's
                                `a IS b`, MySQL's `a <=> b` */
    PARSER_EXPR_AND,         /* 2 or more arguments */
    PARSER_EXPR_OR,          /* 2 or more arguments */
    PARSER_EXPR_NOT,
    PARSER_EXPR_IS_NULL,    /* negated: IS NOT NULL, NOTNULL */
    PARSER_EXPR_IS_TRUTH,   /* truth: IS [NOT] TRUE | FALSE (UNKNOWN is IS_NULL) */
    PARSER_EXPR_LIKE,       /* like: arguments value, pattern, [escape] */
    PARSER_EXPR_BETWEEN,    /* value, low, high; symmetric */
    PARSER_EXPR_IN_LIST,    /* value, then the list (may be empty, as in SQLite) */
    PARSER_EXPR_IN_QUERY,   /* 1 argument (may be a ROW); query */
    PARSER_EXPR_QUANTIFIED, /* 1 argument, quantified: comparison ANY | ALL (query) */
    PARSER_EXPR_EXISTS,     /* query */
    PARSER_EXPR_SUBQUERY,   /* query as a value */
    PARSER_EXPR_ROW,        /* (a, b, ...) or ROW(a, ...) */
    PARSER_EXPR_CASE,       /* [operand], when, then, ..., [else]: see has_operand, has_else */
    PARSER_EXPR_CAST,       /* cast; typed literals (DATE '...', INTERVAL '1 day') are casts of a
                              STRING */
    PARSER_EXPR_COLLATE,    /* text: the collation's name; 1 argument */
} parser_expr_kind;

typedef enum parser_comparison {
    PARSER_EQUAL,
    PARSER_NOT_EQUAL,
    PARSER_LESS,
    PARSER_LESS_EQUAL,
    PARSER_GREATER,
    PARSER_GREATER_EQUAL,
} parser_comparison;

typedef enum parser_like_kind {
    PARSER_LIKE,
    PARSER_ILIKE,
    PARSER_GLOB,
    PARSER_SIMILAR,       /* SIMILAR TO */
    PARSER_REGEXP,        /* REGEXP, RLIKE, ~ */
    PARSER_REGEXP_FOLDED, /* ~* */
} parser_like_kind;

typedef struct parser_sort_key {
    parser_expr *expr;
    bool descending;
    enum {
        PARSER_NULLS_DEFAULT,
        PARSER_NULLS_FIRST,
        PARSER_NULLS_LAST
    } nulls;
} parser_sort_key;

/* What a call has beside its arguments. */
typedef struct parser_call {
    parser_name schema; /* pg_catalog.lower(...): usually empty */
    parser_name name;
    bool star;            /* COUNT(*) */
    bool distinct;        /* COUNT(DISTINCT x) */
    uint32_t order_count; /* inner ORDER BY, WITHIN GROUP likewise */
    parser_sort_key *order;
    parser_expr *filter;   /* FILTER (WHERE ...); NULL: none */
    parser_window *window; /* OVER; NULL: none */
    bool ignore_nulls;     /* IGNORE NULLS */
} parser_call;

struct parser_expr {
    uint8_t kind;    /* parser_expr_kind */
    bool negated;    /* NOT LIKE, NOT IN, NOT BETWEEN, IS NOT ... */
    uint16_t height; /* of the tree below; at most PARSER_MAX_DEPTH */
    int32_t position, end;
    uint32_t argument_count;
    parser_expr **arguments;
    union {
        bool boolean;
        base_text text;
        uint32_t parameter;
        struct {
            uint32_t part_count; /* 1..3; for STAR 0..2 */
            parser_name *parts;  /* outermost first */
        } column;
        parser_call *call;
        parser_comparison comparison;
        bool truth;
        parser_like_kind like;
        bool symmetric;
        parser_query *query;
        struct {
            parser_comparison comparison;
            bool all;
            parser_query *query;
        } quantified;
        struct {
            bool has_operand, has_else;
        } cases;
        struct {
            parser_type type;
            bool try_cast;
        } cast;
    };
};

typedef enum parser_frame_mode {
    PARSER_ROWS,
    PARSER_RANGE,
    PARSER_GROUPS
} parser_frame_mode;
typedef enum parser_frame_bound {
    PARSER_UNBOUNDED_PRECEDING,
    PARSER_PRECEDING,
    PARSER_CURRENT_ROW,
    PARSER_FOLLOWING,
    PARSER_UNBOUNDED_FOLLOWING,
} parser_frame_bound;
typedef enum parser_frame_exclude {
    PARSER_EXCLUDE_NO_OTHERS,
    PARSER_EXCLUDE_CURRENT_ROW,
    PARSER_EXCLUDE_GROUP,
    PARSER_EXCLUDE_TIES,
} parser_frame_exclude;

/* OVER name | OVER (...) | one entry of a WINDOW clause. */
struct parser_window {
    parser_name name; /* WINDOW clause: the name defined */
    parser_name base; /* the window referred to or extended; empty: none */
    uint32_t partition_count;
    parser_expr **partition;
    uint32_t order_count;
    parser_sort_key *order;
    bool has_frame; /* false: RANGE UNBOUNDED PRECEDING to CURRENT ROW (the fields say so) */
    parser_frame_mode mode;
    parser_frame_bound start, end;
    parser_expr *start_offset, *end_offset; /* PRECEDING and FOLLOWING */
    parser_frame_exclude exclude;
    int32_t position;
};

/* ---- Queries ------------------------------------------------------------------------------ */

typedef struct parser_select_item {
    parser_expr *expr; /* or STAR */
    parser_name alias; /* empty: none */
} parser_select_item;

typedef enum parser_join_kind {
    PARSER_JOIN_CROSS, /* comma, CROSS JOIN: no condition */
    PARSER_JOIN_INNER, /* JOIN without a condition is allowed, as in SQLite */
    PARSER_JOIN_LEFT,
    PARSER_JOIN_RIGHT,
    PARSER_JOIN_FULL,
} parser_join_kind;

typedef enum parser_from_kind {
    PARSER_FROM_TABLE,    /* object: table, view, CTE or system relation */
    PARSER_FROM_QUERY,    /* query: derived table */
    PARSER_FROM_FUNCTION, /* function: a CALL expression */
    PARSER_FROM_JOIN,
} parser_from_kind;

struct parser_from {
    parser_from_kind kind;
    uint16_t height;
    int32_t position, end;
    parser_name alias; /* empty: none; also of a parenthesised join */
    uint32_t column_alias_count;
    parser_name *column_aliases;
    bool lateral;
    union {
        struct {
            parser_object object;
            parser_name indexed_by; /* SQLite's hint: empty, or the index's name */
            parser_expr *as_of;     /* AS OF TIMESTAMP e | AS OF TRANSACTION e; NULL: now */
            bool as_of_transaction;
        } table;
        parser_query *query;
        parser_expr *function;
        struct {
            parser_join_kind kind;
            bool natural;
            parser_from *left, *right;
            parser_expr *condition; /* ON; NULL: none */
            uint32_t using_count;
            parser_name *using_columns;
        } join;
    };
};

typedef struct parser_cte {
    parser_name name;
    uint32_t column_count;
    parser_name *columns;
    /* WITH t AS (INSERT ... RETURNING) is refused by the grammar. */
    parser_query *query;
    enum {
        PARSER_CTE_DEFAULT,
        PARSER_CTE_MATERIALIZED,
        PARSER_CTE_INLINE
    } materialized;
} parser_cte;

typedef struct parser_with {
    bool recursive;
    uint32_t count; /* 0: no WITH */
    parser_cte *ctes;
} parser_with;

typedef enum parser_set_kind {
    PARSER_UNION,
    PARSER_INTERSECT,
    PARSER_EXCEPT
} parser_set_kind;
typedef enum parser_query_kind {
    PARSER_QUERY_SELECT,
    PARSER_QUERY_VALUES,
    PARSER_QUERY_SET,
} parser_query_kind;
typedef enum parser_lock_kind {
    PARSER_LOCK_NONE,
    PARSER_LOCK_SHARE,
    PARSER_LOCK_UPDATE,
} parser_lock_kind;

/* A SELECT, VALUES or set operation with the clauses that go around it. Parentheses that
 * change nothing have been removed; (SELECT ... LIMIT 1) UNION ... keeps its own LIMIT. */
struct parser_query {
    parser_query_kind kind;
    uint16_t height;
    int32_t position, end;
    parser_with with;
    uint32_t order_count;
    parser_sort_key *order;
    parser_expr *limit, *offset; /* NULL: none (LIMIT ALL likewise) */
    bool with_ties;              /* FETCH FIRST n ROWS WITH TIES */
    parser_lock_kind lock;
    bool lock_no_wait, lock_skip;
    union {
        struct {
            bool distinct;
            uint32_t distinct_on_count; /* DISTINCT ON (...) */
            parser_expr **distinct_on;
            uint32_t item_count;
            parser_select_item *items;
            parser_from *from; /* NULL: none; commas are CROSS joins */
            parser_expr *where;
            uint32_t group_count;
            parser_expr **group; /* an integer literal is an output column's place */
            bool group_all;      /* GROUP BY ALL */
            parser_expr *having;
            uint32_t window_count;
            parser_window *windows;
        } select;
        struct {
            uint32_t row_count, column_count; /* all rows are equally long */
            parser_expr **cells;              /* row after row; DEFAULT only under INSERT */
        } values;
        struct {
            parser_set_kind kind;
            bool all;
            parser_query *left, *right;
        } set;
    };
};

/* ---- Definitions -------------------------------------------------------------------------- */

typedef enum parser_constraint_kind {
    PARSER_CONSTRAINT_PRIMARY_KEY,
    PARSER_CONSTRAINT_UNIQUE,
    PARSER_CONSTRAINT_CHECK,
    PARSER_CONSTRAINT_FOREIGN_KEY, /* REFERENCES */
    PARSER_CONSTRAINT_NOT_NULL,    /* columns only */
    PARSER_CONSTRAINT_NULL,        /* columns only: says nothing */
    PARSER_CONSTRAINT_DEFAULT,     /* columns only */
    PARSER_CONSTRAINT_COLLATE,     /* columns only: text */
    PARSER_CONSTRAINT_GENERATED,   /* columns only: AS (expr) [STORED | VIRTUAL] */
    PARSER_CONSTRAINT_IDENTITY,    /* columns only: AUTOINCREMENT, GENERATED ... AS IDENTITY */
} parser_constraint_kind;

/* What happens where a key exists already. */
typedef enum parser_conflict {
    PARSER_CONFLICT_DEFAULT,
    PARSER_CONFLICT_ABORT,
    PARSER_CONFLICT_ROLLBACK,
    PARSER_CONFLICT_FAIL,
    PARSER_CONFLICT_IGNORE,
    PARSER_CONFLICT_REPLACE,
} parser_conflict;

/* A key's or index's column. */
typedef struct parser_index_part {
    parser_expr *expr; /* COLUMN, or any expression */
    parser_name collation;
    bool descending;
    enum {
        PARSER_PART_NULLS_DEFAULT,
        PARSER_PART_NULLS_FIRST,
        PARSER_PART_NULLS_LAST
    } nulls;
} parser_index_part;

typedef struct parser_constraint {
    parser_constraint_kind kind;
    parser_name name; /* CONSTRAINT name; empty: none */
    int32_t position;
    uint32_t part_count; /* keys of tables; of a column: 0, or 1 PRIMARY KEY DESC */
    parser_index_part *parts;
    bool descending;           /* column PRIMARY KEY DESC */
    parser_expr *expr;         /* CHECK, DEFAULT, GENERATED */
    parser_name collation;     /* COLLATE */
    parser_object references;  /* FOREIGN KEY */
    uint32_t referenced_count; /* 0: the primary key */
    parser_name *referenced;
    base_text on_delete, on_update; /* "cascade", "set null", ...; empty: none */
    parser_conflict on_conflict;    /* SQLite's ON CONFLICT */
} parser_constraint;

typedef struct parser_column {
    parser_name name;
    parser_type type; /* empty name: none given */
    uint32_t constraint_count;
    parser_constraint *constraints;
} parser_column;

/* ---- Statements --------------------------------------------------------------------------- */

typedef enum parser_statement_kind {
    PARSER_STATEMENT_QUERY,
    PARSER_STATEMENT_INSERT,
    PARSER_STATEMENT_UPDATE,
    PARSER_STATEMENT_DELETE,
    PARSER_STATEMENT_TRUNCATE,
    PARSER_STATEMENT_CREATE_TABLE,
    PARSER_STATEMENT_CREATE_INDEX,
    PARSER_STATEMENT_CREATE_VIEW,
    PARSER_STATEMENT_DROP,
    PARSER_STATEMENT_ALTER_TABLE,
    PARSER_STATEMENT_REINDEX,
    PARSER_STATEMENT_EXPLAIN,
    PARSER_STATEMENT_BEGIN,
    PARSER_STATEMENT_COMMIT,
    PARSER_STATEMENT_ROLLBACK, /* also ROLLBACK TO */
    PARSER_STATEMENT_SAVEPOINT,
    PARSER_STATEMENT_RELEASE,
    PARSER_STATEMENT_SET_TRANSACTION,
    PARSER_STATEMENT_COPY,
    PARSER_STATEMENT_PRAGMA,
    PARSER_STATEMENT_SET,
    PARSER_STATEMENT_SHOW,
    PARSER_STATEMENT_DESCRIBE,
    PARSER_STATEMENT_VACUUM,
    PARSER_STATEMENT_ANALYZE,
    PARSER_STATEMENT_CHECKPOINT,
} parser_statement_kind;

typedef struct parser_assignment {
    /* One column = expr, or (a, b) = ROW or SUBQUERY. */
    uint32_t column_count;
    parser_name *columns;
    parser_expr *value; /* or DEFAULT */
} parser_assignment;

/* ON CONFLICT ... of INSERT. */
typedef struct parser_upsert {
    uint32_t target_count; /* 0: any key */
    parser_index_part *target;
    parser_expr *target_where;
    parser_name constraint; /* ON CONFLICT ON CONSTRAINT name */
    bool update;            /* false: DO NOTHING */
    uint32_t assignment_count;
    parser_assignment *assignments;
    parser_expr *where;
    int32_t position;
} parser_upsert;

typedef struct parser_insert {
    parser_with with;
    parser_object table;
    parser_name alias;
    parser_conflict conflict; /* OR ...; REPLACE is PARSER_CONFLICT_REPLACE */
    uint32_t column_count;    /* 0: all columns */
    parser_name *columns;
    parser_query *source; /* NULL: DEFAULT VALUES */
    parser_upsert *upsert;
    uint32_t returning_count;
    parser_select_item *returning;
} parser_insert;

typedef struct parser_update {
    parser_with with;
    parser_object table;
    parser_name alias;
    parser_conflict conflict;
    uint32_t assignment_count;
    parser_assignment *assignments;
    parser_from *from;
    parser_expr *where;
    uint32_t order_count; /* ORDER BY ... LIMIT of SQLite and MySQL */
    parser_sort_key *order;
    parser_expr *limit, *offset;
    uint32_t returning_count;
    parser_select_item *returning;
} parser_update;

typedef struct parser_delete {
    parser_with with;
    parser_object table;
    parser_name alias;
    parser_from *using_from;
    parser_expr *where;
    uint32_t order_count;
    parser_sort_key *order;
    parser_expr *limit, *offset;
    uint32_t returning_count;
    parser_select_item *returning;
} parser_delete;

typedef struct parser_create_table {
    parser_object name;
    bool temporary, if_not_exists;
    bool without_rowid, strict; /* SQLite's options: accepted */
    uint32_t column_count;
    parser_column *columns;
    uint32_t constraint_count;
    parser_constraint *constraints;
    parser_query *as_query; /* CREATE TABLE AS; `columns` then have names only, or none stand */
    bool with_no_data;
} parser_create_table;

typedef struct parser_create_index {
    parser_object name; /* empty name: to be made */
    parser_object table;
    bool unique, if_not_exists;
    parser_name method; /* USING btree */
    uint32_t part_count;
    parser_index_part *parts;
    parser_expr *where; /* partial index */
} parser_create_index;

typedef struct parser_create_view {
    parser_object name;
    bool temporary, if_not_exists, or_replace;
    uint32_t column_count;
    parser_name *columns;
    parser_query *query;
} parser_create_view;

typedef enum parser_object_kind {
    PARSER_TABLE,
    PARSER_VIEW,
    PARSER_INDEX,
    PARSER_TRIGGER,
    PARSER_SCHEMA,
} parser_object_kind;

typedef struct parser_drop {
    parser_object_kind kind;
    bool if_exists;
    bool cascade; /* RESTRICT is the default */
    uint32_t count;
    parser_object *names;
    parser_object on_table; /* DROP INDEX name ON table (MySQL) */
} parser_drop;

typedef enum parser_alter_kind {
    PARSER_ALTER_ADD_COLUMN,
    PARSER_ALTER_DROP_COLUMN,
    PARSER_ALTER_RENAME_COLUMN,
    PARSER_ALTER_RENAME_TABLE,
    PARSER_ALTER_ADD_CONSTRAINT,
    PARSER_ALTER_DROP_CONSTRAINT,
    PARSER_ALTER_COLUMN_TYPE,
    PARSER_ALTER_COLUMN_SET_DEFAULT,
    PARSER_ALTER_COLUMN_DROP_DEFAULT,
    PARSER_ALTER_COLUMN_SET_NOT_NULL,
    PARSER_ALTER_COLUMN_DROP_NOT_NULL,
} parser_alter_kind;

typedef struct parser_alter_table {
    parser_object table;
    bool if_exists;
    bool is_view; /* ALTER VIEW v RENAME TO ... */
    parser_alter_kind kind;
    bool if_column_exists, if_column_not_exists;
    parser_column column;         /* ADD COLUMN, new type */
    parser_name name;             /* the column or constraint that changes */
    parser_name new_name;         /* RENAME */
    parser_expr *expr;            /* SET DEFAULT */
    parser_constraint constraint; /* ADD CONSTRAINT */
    bool cascade;
} parser_alter_table;

typedef enum parser_isolation {
    PARSER_ISOLATION_DEFAULT,
    PARSER_READ_UNCOMMITTED,
    PARSER_READ_COMMITTED,
    PARSER_REPEATABLE_READ, /* SNAPSHOT likewise */
    PARSER_SERIALIZABLE,
} parser_isolation;

/* BEGIN, START TRANSACTION and SET TRANSACTION. */
typedef struct parser_transaction {
    parser_isolation isolation;
    enum {
        PARSER_ACCESS_DEFAULT,
        PARSER_READ_WRITE,
        PARSER_READ_ONLY
    } access;
    parser_name savepoint; /* SAVEPOINT, RELEASE, ROLLBACK TO; empty: none */
} parser_transaction;

/* name [=] value of COPY, SET and PRAGMA. */
typedef struct parser_option {
    parser_name name;
    parser_expr *value; /* NULL: none (a flag); bare words are STRINGs */
} parser_option;

typedef struct parser_copy {
    bool from; /* COPY t FROM; false: TO */
    parser_object table;
    uint32_t column_count;
    parser_name *columns;
    parser_query *query;  /* COPY (query) TO; NULL: a table */
    bool standard_stream; /* STDIN, STDOUT */
    base_text path;
    uint32_t option_count; /* "header", "delimiter", "quote", "null", "escape", "format" */
    parser_option *options;
} parser_copy;

typedef struct parser_show {
    parser_name what;     /* "tables", "columns", "indexes", "create table", a setting, "all" */
    parser_object object; /* SHOW COLUMNS FROM t, SHOW CREATE TABLE t, DESCRIBE t */
} parser_show;

struct parser_statement {
    parser_statement_kind kind;
    int32_t position, end; /* without the semicolon */
    uint32_t parameter_count;
    parser_name *parameter_names; /* ":name", "@name" with the sign, or empty for ? and $1 */
    union {
        parser_query *query; /* QUERY */
        parser_insert *insert;
        parser_update *update;
        parser_delete *delete_from;
        parser_object *truncate;
        parser_create_table *create_table;
        parser_create_index *create_index;
        parser_create_view *create_view;
        parser_drop *drop;
        parser_alter_table *alter_table;
        struct {
            parser_object name; /* empty: everything */
            parser_name kind;   /* "table", "index", "database" or empty */
        } reindex;
        struct {
            parser_statement *statement;
            bool analyze;
            bool query_plan; /* EXPLAIN QUERY PLAN: the same tree */
        } explain;
        parser_transaction *transaction;
        parser_copy *copy;
        struct {
            parser_name schema;
            parser_option option;
        } setting;         /* SET, PRAGMA; RESET x is SET x = DEFAULT */
        parser_show *show; /* SHOW, DESCRIBE */
        struct {
            parser_object name; /* empty: everything */
        } maintenance;          /* VACUUM, ANALYZE, CHECKPOINT */
    };
};

/* ---- Calls -------------------------------------------------------------------------------- */

/*
 * Parses the statement that begins at or after `*offset`, moves `*offset` behind it and its
 * semicolon. `*statement` is NULL when only blanks, comments and semicolons are left.
 * Errors: BASE_SYNTAX (or BASE_LIMIT for depth, BASE_OUT_OF_MEMORY) with the position in
 * `sql`; `*offset` is then behind the next semicolon, so that a caller may go on.
 */
base_status parser_parse(base_text sql, size_t *offset, base_arena *arena,
                         parser_statement **statement, base_error *error);

/* A text that holds one expression or one query and nothing else: stored DEFAULT and CHECK
 * texts, view bodies. Parameters are refused. */
base_status parser_parse_expr(base_text sql, base_arena *arena, parser_expr **expr,
                              base_error *error);
base_status parser_parse_query(base_text sql, base_arena *arena, parser_query **query,
                               base_error *error);

/* The source of a node: sql[position, end). */
base_text parser_source(base_text sql, int32_t position, int32_t end);

/*
 * For shells: true when `sql` holds a whole statement, up to and including the first
 * semicolon outside of strings, quoted names and comments; `*end` is the offset behind it.
 * False when more text is needed (`*end` is then the length). A text of blanks and comments
 * alone is not a statement: false, and `*blank` is set.
 */
bool parser_is_complete(base_text sql, size_t *end, bool *blank);

/* True when a name must be quoted to be read again as a name: it is reserved, or no plain word. */
bool parser_needs_quotes(base_text name);

#endif
