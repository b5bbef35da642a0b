/*
 * expr_compare.c - comparisons and IS DISTINCT FROM.
 *
 * By vector they are the kernels of vector/. By row, the forms that keys have (64-bit and
 * 32-bit integers, strings) get bodies of their own: a filter on the tuple path is a
 * load, a compare and a switch. Others go through types_cell_compare.
 */
#include "expr/expr_int.h"

static base_status evaluate_sides(expr_program *program, expr_node *node, const uint16_t *selection,
                                  uint32_t count, const vector **left, const vector **right,
                                  base_error *error)
{
    RETURN_IF_ERROR(expr_node_evaluate(program, node->arguments[0], selection, count, left, error));
    return expr_node_evaluate(program, node->arguments[1], selection, count, right, error);
}

static base_status compare_evaluate(expr_program *program, expr_node *node,
                                    const uint16_t *selection, uint32_t count,
                                    const vector **result, base_error *error)
{
    const vector *left, *right;
    RETURN_IF_ERROR(evaluate_sides(program, node, selection, count, &left, &right, error));
    vector_compare(node->comparison, left, right, selection, count, &node->result);
    *result = &node->result;
    return BASE_OK;
}

static base_status compare_select(expr_program *program, expr_node *node, const uint16_t *selection,
                                  uint32_t count, uint16_t *out, uint32_t *selected,
                                  base_error *error)
{
    const vector *left, *right;
    RETURN_IF_ERROR(evaluate_sides(program, node, selection, count, &left, &right, error));
    *selected = vector_select_compare(node->comparison, left, right, selection, count, out);
    return BASE_OK;
}

BASE_INLINE bool order_passes(vector_comparison comparison, int order)
{
    switch (comparison) {
    case VECTOR_EQUAL:
        return order == 0;
    case VECTOR_NOT_EQUAL:
        return order != 0;
    case VECTOR_LESS:
        return order < 0;
    case VECTOR_LESS_EQUAL:
        return order <= 0;
    case VECTOR_GREATER:
        return order > 0;
    default:
        return order >= 0;
    }
}

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))
#define COMPARE_ROW(name, order)                                                                   \
    static base_status compare_row_##name(expr_program *program, expr_node *node,                  \
                                          types_cell *result, bool *result_null,                   \
                                          base_error *error)                                       \
    {                                                                                              \
        types_cell a, b;                                                                           \
        bool a_null, b_null;                                                                       \
        RETURN_IF_ERROR(expr_node_row(program, node->arguments[0], &a, &a_null, error));           \
        RETURN_IF_ERROR(expr_node_row(program, node->arguments[1], &b, &b_null, error));           \
        *result_null = a_null | b_null;                                                            \
        result->boolean = 0;                                                                       \
        if (!*result_null)                                                                         \
            result->boolean = order_passes(node->comparison, order);                               \
        return BASE_OK;                                                                            \
    }
COMPARE_ROW(int64, ORDER(a.int64, b.int64))
COMPARE_ROW(int32, ORDER(a.int32, b.int32))
COMPARE_ROW(string, types_string_compare(&a.string, &b.string))
COMPARE_ROW(any, types_cell_compare((types_form)node->arguments[0]->result.form, &a, &b))

#define COMPARE_OPERATION(body)                                                                    \
    {                                                                                              \
        .evaluate = compare_evaluate, .select = compare_select, .row = body, .own_result = true    \
    }
const expr_operation expr_compare_operation = COMPARE_OPERATION(compare_row_any);
static const expr_operation compare_int64_operation = COMPARE_OPERATION(compare_row_int64);
static const expr_operation compare_int32_operation = COMPARE_OPERATION(compare_row_int32);
static const expr_operation compare_string_operation = COMPARE_OPERATION(compare_row_string);

const expr_operation *expr_compare_operation_of(types_form form)
{
    switch (form) {
    case TYPES_FORM_INT64:
        return &compare_int64_operation;
    case TYPES_FORM_INT32:
        return &compare_int32_operation;
    case TYPES_FORM_STRING:
        return &compare_string_operation;
    default:
        return &expr_compare_operation;
    }
}

/* ---- IS DISTINCT FROM: NULL is a value like others --------------------------------------- */

static base_status distinct_evaluate(expr_program *program, expr_node *node,
                                     const uint16_t *selection, uint32_t count,
                                     const vector **result, base_error *error)
{
    const vector *left, *right;
    RETURN_IF_ERROR(evaluate_sides(program, node, selection, count, &left, &right, error));
    vector *truth = &node->result;
    vector_compare(node->negated ? VECTOR_EQUAL : VECTOR_NOT_EQUAL, left, right, selection, count,
                   truth);
    *result = truth;
    if (!truth->validity)
        return BASE_OK;
    vector_flatten(truth, selection, count);
    uint8_t *truths = truth->data;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        if (base_bit_get(truth->validity, position))
            continue;
        bool distinct = vector_is_valid(left, position) != vector_is_valid(right, position);
        truths[position] = distinct ^ node->negated;
    }
    truth->validity = NULL;
    return BASE_OK;
}

static base_status distinct_row(expr_program *program, expr_node *node, types_cell *result,
                                bool *result_null, base_error *error)
{
    types_cell a, b;
    bool a_null, b_null;
    RETURN_IF_ERROR(expr_node_row(program, node->arguments[0], &a, &a_null, error));
    RETURN_IF_ERROR(expr_node_row(program, node->arguments[1], &b, &b_null, error));
    bool distinct = a_null != b_null;
    if (!a_null && !b_null)
        distinct = types_cell_compare((types_form)node->arguments[0]->result.form, &a, &b) != 0;
    result->boolean = distinct ^ node->negated;
    *result_null = false;
    return BASE_OK;
}

const expr_operation expr_distinct_operation = {
    .evaluate = distinct_evaluate, .row = distinct_row, .own_result = true};
