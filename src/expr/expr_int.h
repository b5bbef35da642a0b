/*
 * expr_int.h - the compiled form of an expression, shared by the files of this room.
 *
 * A program is a tree of nodes. Each kind of node is one expr_operation with three bodies:
 * `evaluate` for the selected rows of a chunk, `select` for filters, `row` for one row.
 * Bodies call their arguments' bodies directly, so a CASE can narrow the selection before it
 * asks for the next branch.
 */
#ifndef EXPR_EXPR_INT_H
#define EXPR_EXPR_INT_H

#include "expr/expr.h"

typedef struct expr_node expr_node;

/* What the value of a node depends on, weakest first. */
typedef enum expr_class {
    EXPR_PURE, /* constants only */
    EXPR_RUN,  /* parameters or the statement's environment: one value per execution */
    EXPR_ROWS, /* slots, or volatile */
} expr_class;

typedef struct expr_operation {
    base_status (*evaluate)(expr_program *program, expr_node *node, const uint16_t *selection,
                            uint32_t count, const vector **result, base_error *error);
    /* NULL: evaluate, then keep the TRUE rows. `out` may be `selection`. */
    base_status (*select)(expr_program *program, expr_node *node, const uint16_t *selection,
                          uint32_t count, uint16_t *out, uint32_t *selected, base_error *error);
    base_status (*row)(expr_program *program, expr_node *node, types_cell *result,
                       bool *result_null, base_error *error);
    bool own_result;         /* needs `result` */
    bool result_first;       /* writes `result` while arguments are still evaluated */
    bool returns_arguments;  /* may answer with an argument's vector */
    uint8_t selection_count; /* how many of `selections` it needs */
} expr_operation;

typedef struct expr_set expr_set; /* expr_set.c: the constants of an IN list */

struct expr_node {
    const expr_operation *operation;
    types_type type;
    bool negated;
    bool may_fail;
    uint8_t class; /* expr_class */
    uint32_t cost; /* of one row, about nanoseconds */
    int32_t position;
    uint32_t argument_count;
    expr_node **arguments;
    /* Scratch, in the program's block: made before the first batch. */
    vector result;
    int32_t result_place;
    int32_t selection_places[2];
    uint16_t *selections[2];
    expr_node *next; /* of the program's list of nodes that expr_reset visits */
    union {
        uint32_t slot;
        struct {
            types_value value;
            uint32_t parameter;
            bool is_known; /* ONCE: evaluated in this execution */
            uint64_t validity;
        } constant; /* CONSTANT, PARAMETER, ONCE */
        struct {
            func_call call;
            types_cell *cells; /* arguments of one row */
            bool *nulls;
            const vector **vectors;
            types_value *constant_values;
            vector entries; /* results over a dictionary's entries */
            bool is_prepared;
            bool
                is_of_run; /* what is prepared depends on parameters: made anew by each execution */
        } call;
        vector_comparison comparison;
        bool is_truth;
        struct {
            bool is_try;
            const struct expr_conversion *conversion; /* NULL: value by value */
        } cast;
        struct {
            expr_set *set;      /* NULL: not built, or the list has slots */
            bool is_list_fixed; /* no slots in the list */
            bool is_of_run;     /* parameters in the list: the set is made anew by each execution */
        } in;
    };
};

struct expr_program {
    expr_context *context;
    base_arena *arena;    /* of the program */
    base_arena run_arena; /* sets and patterns made from parameters; reset by expr_reset */
    base_arena heap;      /* far strings of results */
    expr_node *root;
    expr_node *reset_list;
    const vector_chunk *chunk; /* of the running batch */
    const types_cell *cells;   /* of the running row */
    const bool *nulls;
    void *scratch; /* NULL until the first batch */
    size_t scratch_size;
    uint32_t place_count;  /* scratch vectors */
    uint32_t *place_sizes; /* bytes of a value in each place */
    uint32_t selection_count;
};

/* ---- Between the files ------------------------------------------------------------------- */

base_status expr_node_evaluate(expr_program *program, expr_node *node, const uint16_t *selection,
                               uint32_t count, const vector **result, base_error *error);
base_status expr_node_select(expr_program *program, expr_node *node, const uint16_t *selection,
                             uint32_t count, uint16_t *out, uint32_t *selected, base_error *error);
BASE_INLINE base_status expr_node_row(expr_program *program, expr_node *node, types_cell *result,
                                      bool *result_null, base_error *error)
{
    return node->operation->row(program, node, result, result_null, error);
}

extern const expr_operation expr_slot_operation, expr_constant_operation, expr_once_operation;
extern const expr_operation expr_call_operation, expr_compare_operation;
extern const expr_operation expr_distinct_operation, expr_and_operation, expr_or_operation;
extern const expr_operation expr_not_operation, expr_is_null_operation, expr_is_true_operation;
extern const expr_operation expr_case_operation, expr_coalesce_operation, expr_nullif_operation;
extern const expr_operation expr_in_operation, expr_cast_operation, expr_relabel_operation;
/* The row body for two arguments of the form; NULL: the general one. */
const expr_operation *expr_compare_operation_of(types_form form);

/* Fills in a CALL node's call site. */
base_status expr_call_init(expr_program *program, expr_node *node, const func_scalar *function,
                           base_error *error);
/* Chooses a CAST node's kernel. */
base_status expr_cast_init(expr_program *program, expr_node *node, base_error *error);
/* An IN list's constants as a set, in `arena`. */
base_status expr_set_build(expr_program *program, expr_node *node, base_arena *arena,
                           base_error *error);

/* TRUE 1, FALSE 0, NULL 2 at a position of a BOOLEAN vector of any shape. */
enum {
    EXPR_FALSE = 0,
    EXPR_TRUE = 1,
    EXPR_UNKNOWN = 2,
};
BASE_INLINE uint8_t expr_truth_at(const vector *column, uint32_t position)
{
    if (!vector_is_valid(column, position))
        return EXPR_UNKNOWN;
    const uint8_t *values = column->data;
    if (column->shape == VECTOR_FLAT)
        return values[position];
    if (column->shape == VECTOR_CONSTANT)
        return values[0];
    return ((const uint8_t *)column->dictionary->data)[((const uint16_t *)column->data)[position]];
}
/* Turns the truth values at the selected positions of a flat BOOLEAN vector, which has no
 * validity yet, into values and validity. */
void expr_truths_to_validity(vector *result, const uint16_t *selection, uint32_t count);

/* Sets `result`'s validity to NULL where `argument` is NULL too. False: it is NULL everywhere, and
 * `result` is now that constant. */
bool expr_and_validity(vector *result, const vector *argument, const uint16_t *selection,
                       uint32_t count);
/* Rows of the selection that are not NULL in `argument`; `*selection` and `*count` move on to
 * `buffer` only where needed. */
void expr_skip_nulls(const vector *argument, const uint16_t **selection, uint32_t *count,
                     uint16_t *buffer);
/* Copies the selected positions to the same positions of the flat vector `to`. */
void expr_scatter(vector *to, const vector *from, const uint16_t *selection, uint32_t count);
/* Makes `to` the same vector as `from` under `to`'s type. */
void expr_alias(vector *to, const vector *from);
BASE_INLINE void expr_put_cell(vector *column, uint32_t position, const types_cell *cell)
{
    uint32_t size = types_form_size((types_form)column->form);
    memcpy((char *)column->data + (size_t)position * size, cell, size);
}

#endif
