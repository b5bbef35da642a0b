/*
 * bind_known.c - what is known before anything runs, where it decides types.
 *
 * PostgreSQL gives CASE and COALESCE the type that holds all their branches. Engines with
 * dynamic types give the type of the branch taken, and the sqllogictest corpus asks for
 * that where the branch is known beforehand: a branch that cannot be taken has no say here.
 * For the same reason an aggregate over the one row of a SELECT without FROM is a constant
 * at once: it may decide a branch.
 *
 * Only what changes a type is looked at; folding for speed is the optimizer's.
 */
#include "binder/binder_int.h"
#include "expr/expr.h"

bool bind_is_never_null(const plan_expr *expr)
{
    static const char *const total[] = {"+", "-", "*"}; /* division by zero is NULL */
    if (expr->kind == PLAN_EXPR_CONSTANT)
        return !expr->constant.is_null;
    if (expr->kind != PLAN_EXPR_CALL && !(expr->kind == PLAN_EXPR_CAST && !expr->try_cast))
        return false;
    bool known = expr->kind == PLAN_EXPR_CAST;
    for (size_t i = 0; !known && i < BASE_COUNT_OF(total); i++)
        known = strcmp(expr->function->name, total[i]) == 0;
    for (uint32_t i = 0; known && i < expr->argument_count; i++)
        known = bind_is_never_null(expr->arguments[i]);
    return known;
}

static bool depends_on_rows(const plan_expr *expr)
{
    if (expr->kind == PLAN_EXPR_COLUMN || expr->kind == PLAN_EXPR_PARAMETER ||
        expr->kind == PLAN_EXPR_SUBQUERY)
        return true;
    for (uint32_t i = 0; i < expr->argument_count; i++)
        if (depends_on_rows(expr->arguments[i]))
            return true;
    return false;
}

/* Numbers of several types (and NULLs); `common` holds them all. */
static bool mixes_numbers(plan_expr *const *exprs, uint32_t count, types_type *common)
{
    bool differ = false;
    *common = TYPES_OF(NULL);
    for (uint32_t i = 0; i < count; i++) {
        types_type type = exprs[i]->type;
        if (type.kind == TYPES_NULL)
            continue;
        differ |= common->kind != TYPES_NULL && !types_equal(type, *common);
        if (!types_is_numeric(type) || !types_common(*common, type, common))
            return false;
    }
    return differ;
}

static base_status drop_branches(binder *b, plan_expr **conditions, plan_expr **results,
                                 uint32_t *branches)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *branches; i++) {
        if (!depends_on_rows(conditions[i]))
            RETURN_IF_ERROR(expr_fold(b->arena, &conditions[i], b->error));
        const plan_expr *condition = conditions[i];
        bool known = condition->kind == PLAN_EXPR_CONSTANT;
        bool taken = known && !condition->constant.is_null && condition->constant.cell.boolean;
        if (known && !taken)
            continue;
        conditions[kept] = conditions[i];
        results[kept] = results[i];
        if (taken) { /* ELSE from here on */
            *branches = kept;
            return BASE_OK;
        }
        kept++;
    }
    results[kept] = results[*branches];
    *branches = kept;
    return BASE_OK;
}

base_status bind_prune_case(binder *b, plan_expr **conditions, plan_expr **results,
                            uint32_t *branches)
{
    types_type common;
    if (!mixes_numbers(results, *branches + 1, &common))
        return BASE_OK;
    RETURN_IF_ERROR(drop_branches(b, conditions, results, branches));
    for (uint32_t i = 0; i <= *branches; i++)
        if (results[i]->type.kind != TYPES_NULL)
            return BASE_OK;
    /* Only NULLs are left: they are numbers still. */
    return bind_cast(b, &results[0], common, TYPES_CAST_EXPLICIT, "CASE");
}

/* ---- Aggregates over one row ------------------------------------------------------------- */

static base_status count_one_row(binder *b, const plan_aggregate *aggregate, plan_expr **expr)
{
    types_value one = {.type = aggregate->type};
    bool is_null = aggregate->argument_count && aggregate->arguments[0]->constant.is_null;
    one.cell.int64 = is_null ? 0 : 1;
    *expr = plan_constant(b->arena, &one);
    return *expr ? BASE_OK : bind_no_memory(b);
}

base_status bind_known_aggregate(binder *b, const bind_scope *owner, plan_aggregate *aggregate,
                                 plan_expr **expr)
{
    static const char *const same[] = {"sum", "min", "max", "avg"};
    *expr = NULL;
    if (!owner->single_row || aggregate->filter || aggregate->argument_count > 1)
        return BASE_OK;
    if (aggregate->argument_count && !depends_on_rows(aggregate->arguments[0]))
        RETURN_IF_ERROR(expr_fold(b->arena, &aggregate->arguments[0], b->error));
    if (aggregate->argument_count && aggregate->arguments[0]->kind != PLAN_EXPR_CONSTANT)
        return BASE_OK;
    const char *name = aggregate->function->name;
    if (strcmp(name, "count") == 0 && aggregate->type.kind == TYPES_INTEGER)
        return count_one_row(b, aggregate, expr);
    for (size_t i = 0; i < BASE_COUNT_OF(same); i++)
        if (strcmp(name, same[i]) == 0 && types_is_numeric(aggregate->type)) {
            plan_expr *value = aggregate->arguments[0];
            RETURN_IF_ERROR(
                bind_cast(b, &value, aggregate->type, TYPES_CAST_EXPLICIT, "the aggregate"));
            if (value->kind == PLAN_EXPR_CONSTANT)
                *expr = value;
            return BASE_OK;
        }
    return BASE_OK;
}
