/*
 * plan_print_expr.c - SQL-like text of bound expressions.
 *
 * The text is for people (EXPLAIN, errors in tests): it reads like the SQL that gave it,
 * with every implied operator grouping in brackets, and is not promised to parse again.
 *
 * Invariants: nothing is allocated but by the buffer; the caller checks `failed` once.
 */
#include "plan/plan_int.h"

const char *plan_comparison_name(vector_comparison comparison)
{
    static const char *const names[] = {"=", "<>", "<", "<=", ">", ">="};
    BASE_ASSERT((size_t)comparison < BASE_COUNT_OF(names));
    return names[comparison];
}

static bool is_operator_name(const char *name)
{
    char first = base_ascii_lower(name[0]);
    return !((first >= 'a' && first <= 'z') || first == '_');
}

/* Needs brackets when it stands inside another expression. */
static bool is_compound(const plan_expr *expr)
{
    switch ((plan_expr_kind)expr->kind) {
    case PLAN_EXPR_CALL:
        return is_operator_name(expr->function->name) ||
               (expr->argument_count == 2 && strcmp(expr->function->name, "like") == 0);
    case PLAN_EXPR_COMPARE:
    case PLAN_EXPR_DISTINCT_FROM:
    case PLAN_EXPR_AND:
    case PLAN_EXPR_OR:
    case PLAN_EXPR_NOT:
    case PLAN_EXPR_IS_NULL:
    case PLAN_EXPR_IS_TRUE:
    case PLAN_EXPR_IN:
        return true;
    case PLAN_EXPR_CONSTANT:
    case PLAN_EXPR_COLUMN:
    case PLAN_EXPR_SLOT:
    case PLAN_EXPR_PARAMETER:
    case PLAN_EXPR_CAST:
    case PLAN_EXPR_CASE:
    case PLAN_EXPR_COALESCE:
    case PLAN_EXPR_NULLIF:
    case PLAN_EXPR_SUBQUERY:
        return false;
    }
    return false;
}

static void print_operand(const plan_expr *expr, const plan_names *names, base_buffer *out)
{
    bool brackets = is_compound(expr);
    if (brackets)
        base_buffer_append_byte(out, '(');
    plan_print_named(expr, names, out);
    if (brackets)
        base_buffer_append_byte(out, ')');
}

static void print_list(plan_expr *const *exprs, uint32_t count, const plan_names *names,
                       base_buffer *out)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            base_buffer_append_text(out, ", ");
        plan_print_named(exprs[i], names, out);
    }
}

static void print_function(const char *name, const plan_expr *expr, const plan_names *names,
                           base_buffer *out)
{
    base_buffer_append_text(out, name);
    base_buffer_append_byte(out, '(');
    print_list(expr->arguments, expr->argument_count, names, out);
    base_buffer_append_byte(out, ')');
}

static void print_infix(const char *name, const plan_expr *expr, const plan_names *names,
                        base_buffer *out)
{
    for (uint32_t i = 0; i < expr->argument_count; i++) {
        if (i)
            base_buffer_append_format(out, " %s ", name);
        print_operand(expr->arguments[i], names, out);
    }
}

static void print_call(const plan_expr *expr, const plan_names *names, base_buffer *out)
{
    const char *name = expr->function->name;
    if (expr->argument_count == 2 && strcmp(name, "like") == 0) {
        print_infix("LIKE", expr, names, out);
    } else if (!is_operator_name(name)) {
        print_function(name, expr, names, out);
    } else if (expr->argument_count == 1) {
        base_buffer_append_text(out, name);
        print_operand(expr->arguments[0], names, out);
    } else {
        print_infix(name, expr, names, out);
    }
}

static void print_case(const plan_expr *expr, const plan_names *names, base_buffer *out)
{
    BASE_ASSERT(expr->argument_count % 2 == 1);
    base_buffer_append_text(out, "CASE");
    for (uint32_t i = 0; i + 1 < expr->argument_count; i += 2) {
        base_buffer_append_text(out, " WHEN ");
        plan_print_named(expr->arguments[i], names, out);
        base_buffer_append_text(out, " THEN ");
        plan_print_named(expr->arguments[i + 1], names, out);
    }
    base_buffer_append_text(out, " ELSE ");
    plan_print_named(expr->arguments[expr->argument_count - 1], names, out);
    base_buffer_append_text(out, " END");
}

static void print_subquery(const plan_expr *expr, const plan_names *names, base_buffer *out)
{
    if (expr->negated)
        base_buffer_append_text(out, "NOT ");
    if (expr->argument_count) {
        bool row = expr->argument_count > 1;
        base_buffer_append_text(out, row ? "(" : "");
        print_list(expr->arguments, expr->argument_count, names, out);
        base_buffer_append_format(out, "%s %s ", row ? ")" : "",
                                  plan_comparison_name(expr->subquery.comparison));
    }
    static const char *const kinds[] = {"", "EXISTS ", "ANY ", "ALL "};
    base_buffer_append_format(out, "%s(subquery)", kinds[expr->subquery.kind]);
}

static void print_cast(const plan_expr *expr, const plan_names *names, base_buffer *out)
{
    char type[TYPES_NAME_SIZE];
    base_buffer_append_text(out, expr->try_cast ? "TRY_CAST(" : "CAST(");
    plan_print_named(expr->arguments[0], names, out);
    base_buffer_append_format(out, " AS %s)", types_name(expr->type, type));
}

void plan_print_named(const plan_expr *expr, const plan_names *names, base_buffer *out)
{
    switch ((plan_expr_kind)expr->kind) {
    case PLAN_EXPR_CONSTANT:
        types_format_literal(&expr->constant, out);
        break;
    case PLAN_EXPR_COLUMN:
        plan_print_column_name(expr->column, names, out);
        break;
    case PLAN_EXPR_SLOT:
        plan_print_slot_name(expr->slot, names, out);
        break;
    case PLAN_EXPR_PARAMETER:
        base_buffer_append_format(out, "$%u", expr->parameter + 1);
        break;
    case PLAN_EXPR_CALL:
        print_call(expr, names, out);
        break;
    case PLAN_EXPR_CAST:
        print_cast(expr, names, out);
        break;
    case PLAN_EXPR_COMPARE:
        print_infix(plan_comparison_name(expr->comparison), expr, names, out);
        break;
    case PLAN_EXPR_DISTINCT_FROM:
        print_infix(expr->negated ? "IS NOT DISTINCT FROM" : "IS DISTINCT FROM", expr, names, out);
        break;
    case PLAN_EXPR_AND:
        print_infix("AND", expr, names, out);
        break;
    case PLAN_EXPR_OR:
        print_infix("OR", expr, names, out);
        break;
    case PLAN_EXPR_NOT:
        base_buffer_append_text(out, "NOT ");
        print_operand(expr->arguments[0], names, out);
        break;
    case PLAN_EXPR_IS_NULL:
        print_operand(expr->arguments[0], names, out);
        base_buffer_append_text(out, expr->negated ? " IS NOT NULL" : " IS NULL");
        break;
    case PLAN_EXPR_IS_TRUE:
        print_operand(expr->arguments[0], names, out);
        base_buffer_append_format(out, " IS %s%s", expr->negated ? "NOT " : "",
                                  expr->is_truth ? "TRUE" : "FALSE");
        break;
    case PLAN_EXPR_CASE:
        print_case(expr, names, out);
        break;
    case PLAN_EXPR_COALESCE:
        print_function("coalesce", expr, names, out);
        break;
    case PLAN_EXPR_NULLIF:
        print_function("nullif", expr, names, out);
        break;
    case PLAN_EXPR_IN:
        print_operand(expr->arguments[0], names, out);
        base_buffer_append_text(out, expr->negated ? " NOT IN (" : " IN (");
        print_list(expr->arguments + 1, expr->argument_count - 1, names, out);
        base_buffer_append_byte(out, ')');
        break;
    case PLAN_EXPR_SUBQUERY:
        print_subquery(expr, names, out);
        break;
    }
}

void plan_print_expr(const plan_expr *expr, base_buffer *out)
{
    plan_names none = {0};
    plan_print_named(expr, &none, out);
}

void plan_print_sort_key(const plan_sort_key *key, const plan_names *names, base_buffer *out)
{
    plan_print_named(key->expr, names, out);
    if (key->descending)
        base_buffer_append_text(out, " DESC");
    /* NULLs are largest: only what differs from that is worth a word. */
    if (key->nulls_first != key->descending)
        base_buffer_append_text(out, key->nulls_first ? " NULLS FIRST" : " NULLS LAST");
}

static void print_filter_clause(const plan_expr *filter, const plan_names *names, base_buffer *out)
{
    if (!filter)
        return;
    base_buffer_append_text(out, " FILTER (WHERE ");
    plan_print_named(filter, names, out);
    base_buffer_append_byte(out, ')');
}

void plan_print_aggregate(const plan_aggregate *aggregate, const plan_names *names,
                          base_buffer *out)
{
    base_buffer_append_text(out, aggregate->function->name);
    base_buffer_append_text(out, aggregate->distinct ? "(DISTINCT " : "(");
    if (!aggregate->argument_count)
        base_buffer_append_byte(out, '*');
    print_list(aggregate->arguments, aggregate->argument_count, names, out);
    for (uint32_t i = 0; i < aggregate->order_count; i++) {
        base_buffer_append_text(out, i ? ", " : " ORDER BY ");
        plan_print_sort_key(&aggregate->order[i], names, out);
    }
    base_buffer_append_byte(out, ')');
    print_filter_clause(aggregate->filter, names, out);
}

static void print_bound(plan_frame_bound bound, const plan_expr *offset, const plan_names *names,
                        base_buffer *out)
{
    static const char *const texts[] = {"UNBOUNDED PRECEDING", " PRECEDING", "CURRENT ROW",
                                        " FOLLOWING", "UNBOUNDED FOLLOWING"};
    if (offset)
        plan_print_named(offset, names, out);
    base_buffer_append_text(out, texts[bound]);
}

void plan_print_window(const plan_window *window, const plan_names *names, base_buffer *out)
{
    static const char *const modes[] = {"ROWS", "RANGE", "GROUPS"};
    const char *name = window->function ? window->function->name : window->aggregate->name;
    base_buffer_append_format(out, "%s(%s", name, window->distinct ? "DISTINCT " : "");
    if (!window->function && !window->argument_count)
        base_buffer_append_byte(out, '*');
    print_list(window->arguments, window->argument_count, names, out);
    base_buffer_append_byte(out, ')');
    print_filter_clause(window->filter, names, out);
    base_buffer_append_format(out, " %s BETWEEN ", modes[window->mode]);
    print_bound(window->start, window->start_offset, names, out);
    base_buffer_append_text(out, " AND ");
    print_bound(window->end, window->end_offset, names, out);
}
