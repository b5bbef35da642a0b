/*
 * func.h - functions and operators as data rows.
 *
 * A function is a C body and one row: name, argument kinds, result rule, flags, sentence of
 * documentation, example with its answer. The registry, the reference page and the smoke
 * test come from the rows, so they cannot disagree. Operators are functions whose name is
 * the operator ("+", "||"). Comparison, AND/OR/NOT, CASE, COALESCE, CAST, IN, IS are not
 * functions: they are expression kinds of plan/.
 */
#ifndef FUNC_FUNC_H
#define FUNC_FUNC_H

#include "base/base.h"
#include "types/types.h"
#include "vector/vector.h"

enum {
    FUNC_MAX_ARGUMENTS = 64,
    FUNC_MAX_TEXT = 1 << 30, /* bytes of a text that a function makes */
};

typedef enum func_flags {
    FUNC_STRICT = 1,   /* a NULL argument gives NULL; the body never sees one */
    FUNC_VOLATILE = 2, /* a new answer each time: never folded or moved (random) */
    FUNC_STABLE = 4,   /* one answer within a statement (now) */
    FUNC_VARIADIC = 8, /* the last argument kind may repeat */
} func_flags;

/* What a statement gives to its functions. */
typedef struct func_environment {
    int64_t statement_time; /* microseconds UTC: now() */
    int64_t transaction_time;
    uint64_t random_state[2]; /* xoroshiro128+ of the session */
    const char *version;
    uint64_t transaction_id;
    int64_t changes, last_insert_rowid; /* SQLite's functions */
} func_environment;

typedef struct func_scalar func_scalar;

/* One call site, ready to run on one thread. */
typedef struct func_call {
    const func_scalar *function;
    uint32_t argument_count;
    const types_type *argument_types; /* as resolved: arguments have been cast to these */
    types_type result_type;
    func_environment *environment;
    base_arena *heap; /* far strings of the result; reset per batch by the caller */
    void *state;      /* what `prepare` made */
    /* Constant arguments, NULL where not constant: for prepare (LIKE patterns). */
    const types_value *const *constants;
} func_call;

struct func_scalar {
    const char *name; /* lower case */
    /* Fills in the types that arguments must be cast to and the result; false when the
     * arguments do not fit. `types` holds the given types and may be changed. */
    bool (*resolve)(const func_scalar *function, types_type *types, uint32_t count,
                    types_type *result);
    /* Optional: the binder calls it after resolve with the arguments that are constants (NULL
     * where not), already cast; it may make the result's type narrower (round(x, 2)). */
    void (*refine)(const func_scalar *function, const types_type *types,
                   const types_value *const *constants, uint32_t count, types_type *result);
    uint8_t minimum_arguments, maximum_arguments;
    uint8_t flags;
    /* Fixed signature, for rows whose resolve is func_resolve_fixed: kinds of arguments,
     * kind of result. */
    uint8_t argument_kinds[6];
    uint8_t result_kind;
    /* Result of one row. Strict functions get no NULL. */
    base_status (*row)(func_call *call, const types_cell *arguments, const bool *nulls,
                       types_cell *result, bool *result_null, base_error *error);
    /* Results of many rows; NULL: built from `row`. Arguments may have any shape. The
     * caller of a strict function's batch body handles NULLs by passing a selection
     * without them. */
    base_status (*batch)(func_call *call, const vector *const *arguments, const uint16_t *selection,
                         uint32_t count, vector *result, base_error *error);
    /* Optional: per call site state in `arena` (compiled patterns). */
    base_status (*prepare)(func_call *call, base_arena *arena, base_error *error);
    const char *category;      /* "string", "math", ... for the reference page */
    const char *documentation; /* one sentence */
    const char *example;       /* SQL expression, "upper('abc')"; NULL for operators' variants */
    const char *example_result;
};

bool func_resolve_fixed(const func_scalar *function, types_type *types, uint32_t count,
                        types_type *result);

/* Aggregates: a state of fixed size per group. States are moved by memcpy and freed all at
 * once: what they point to lives in `heap` (of the hash table or of the group). */
typedef struct func_aggregate func_aggregate;
typedef struct func_aggregate_call {
    const func_aggregate *function;
    uint32_t argument_count;
    const types_type *argument_types;
    types_type result_type;
    base_arena *heap;                    /* bytes owned by states */
    const types_value *const *constants; /* separators and other constant arguments */
    bool keeps_results; /* bytes of results stay as they are while their state goes on (windows) */
} func_aggregate_call;

struct func_aggregate {
    const char *name;
    bool (*resolve)(const func_aggregate *function, types_type *types, uint32_t count,
                    types_type *result);
    uint8_t minimum_arguments, maximum_arguments;
    bool distinct_is_noop; /* MIN, MAX */
    bool order_sensitive;  /* STRING_AGG, FIRST, LAST */
    bool zero_if_empty;    /* COUNT, TOTAL: 0 over no rows where others give NULL */
    uint32_t (*state_size)(const func_aggregate_call *call); /* multiple of 8; zeroed = empty */
    /* Adds row selection[i] to states[i]; NULL handling is the function's. */
    base_status (*update)(func_aggregate_call *call, const vector *const *arguments,
                          const uint16_t *selection, uint32_t count, void *const *states,
                          base_error *error);
    /* All rows into one state (no GROUP BY, windows). NULL: built from update. */
    base_status (*update_single)(func_aggregate_call *call, const vector *const *arguments,
                                 const uint16_t *selection, uint32_t count, void *state,
                                 base_error *error);
    /* Takes one row out again (moving window frames); NULL: not possible. */
    base_status (*remove)(func_aggregate_call *call, const vector *const *arguments,
                          uint32_t position, void *state, base_error *error);
    /* Merges `from` into `into` (parallel aggregation). */
    base_status (*combine)(func_aggregate_call *call, void *into, const void *from,
                           base_error *error);
    base_status (*finish)(func_aggregate_call *call, const void *state, types_cell *result,
                          bool *result_null, base_error *error);
    const char *documentation, *example, *example_result;
};

/* Window functions that are no aggregates. The executor computes them from the frame; the
 * row here gives name, arguments and result only. */
typedef enum func_window_kind {
    FUNC_WINDOW_ROW_NUMBER,
    FUNC_WINDOW_RANK,
    FUNC_WINDOW_DENSE_RANK,
    FUNC_WINDOW_PERCENT_RANK,
    FUNC_WINDOW_CUME_DIST,
    FUNC_WINDOW_NTILE,
    FUNC_WINDOW_LAG,
    FUNC_WINDOW_LEAD,
    FUNC_WINDOW_FIRST_VALUE,
    FUNC_WINDOW_LAST_VALUE,
    FUNC_WINDOW_NTH_VALUE,
} func_window_kind;
typedef struct func_window {
    const char *name;
    func_window_kind kind;
    bool (*resolve)(const struct func_window *function, types_type *types, uint32_t count,
                    types_type *result);
    uint8_t minimum_arguments, maximum_arguments;
    const char *documentation, *example, *example_result;
} func_window;

/* Finding by name (without regard to case). `types` come in as given (UNKNOWN for untyped
 * literals) and go out as the arguments must be cast. On BASE_UNDEFINED_FUNCTION the error
 * has the nearest name as hint. */
base_status func_find_scalar(base_text name, types_type *types, uint32_t count,
                             const func_scalar **function, types_type *result, base_error *error);
base_status func_find_aggregate(base_text name, types_type *types, uint32_t count,
                                const func_aggregate **function, types_type *result,
                                base_error *error);
base_status func_find_window(base_text name, types_type *types, uint32_t count,
                             const func_window **function, types_type *result, base_error *error);
bool func_is_aggregate_name(base_text name);
bool func_is_window_name(base_text name);

/* All rows, for documentation, completion and the smoke test. */
const func_scalar *func_scalar_at(uint32_t index);       /* NULL past the end */
const func_aggregate *func_aggregate_at(uint32_t index); /* NULL past the end */
const func_window *func_window_at(uint32_t index);       /* NULL past the end */

#endif
