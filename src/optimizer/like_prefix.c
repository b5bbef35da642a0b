/*
 * like_prefix.c - the range of texts that a pattern's fixed beginning allows.
 *
 *   name LIKE 'ab%c'   only texts from 'ab' on and below 'ac' can match
 *
 * Text compares by bytes, so the end of the range is the prefix with its last byte raised.
 * The range serves indexes and zone maps; the pattern itself stays in the filter.
 */
#include "optimizer/optimizer_int.h"

/* Length of the pattern's beginning without wildcards and escapes. */
static size_t fixed_length(const char *pattern, size_t length, bool is_glob)
{
    const char *special = is_glob ? "*?[" : "%_\\";
    for (size_t i = 0; i < length; i++) {
        if (pattern[i] == '\0' || strchr(special, pattern[i]))
            return i;
    }
    return length;
}

static base_status bound(optimizer_state *state, const plan_expr *column, const char *text,
                         size_t length, vector_comparison comparison, optimizer_test *test)
{
    types_value value = {.type = column->type};
    char *copy = base_arena_copy_text(state->arena, text, length);
    if (!copy)
        return optimizer_no_memory(state);
    value.cell.string = types_string_of(copy, length);
    plan_expr *constant = plan_constant(state->arena, &value);
    plan_expr *left = plan_expr_copy(state->arena, column);
    if (!constant || !left)
        return optimizer_no_memory(state);
    test->expr = plan_compare(state->arena, comparison, left, constant);
    if (!test->expr)
        return optimizer_no_memory(state);
    test->test = comparison == VECTOR_LESS ? TABLE_LESS : TABLE_GREATER_EQUAL;
    test->values = &test->expr->arguments[1];
    test->value_count = 1;
    return BASE_OK;
}

base_status optimizer_prefix_tests(optimizer_state *state, const plan_expr *expr,
                                   optimizer_test tests[2], uint32_t *count)
{
    *count = 0;
    if (expr->kind != PLAN_EXPR_CALL || expr->argument_count != 2)
        return BASE_OK;
    bool is_glob = strcmp(expr->function->name, "glob") == 0;
    const plan_expr *column = expr->arguments[0], *pattern = expr->arguments[1];
    if ((!is_glob && strcmp(expr->function->name, "like") != 0) ||
        column->kind != PLAN_EXPR_COLUMN || column->type.kind != TYPES_TEXT ||
        pattern->kind != PLAN_EXPR_CONSTANT || pattern->constant.is_null ||
        pattern->type.kind != TYPES_TEXT)
        return BASE_OK;
    const types_string *string = &pattern->constant.cell.string;
    size_t length = fixed_length(types_string_data(string), string->length, is_glob);
    if (!length)
        return BASE_OK;
    char *text = base_arena_copy_text(state->arena, types_string_data(string), length);
    if (!text)
        return optimizer_no_memory(state);
    RETURN_IF_ERROR(bound(state, column, text, length, VECTOR_GREATER_EQUAL, &tests[0]));
    *count = 1;
    while (length && (unsigned char)text[length - 1] == 0xFF)
        length--;
    if (!length)
        return BASE_OK;
    text[length - 1] = (char)((unsigned char)text[length - 1] + 1);
    RETURN_IF_ERROR(bound(state, column, text, length, VECTOR_LESS, &tests[1]));
    *count = 2;
    return BASE_OK;
}
