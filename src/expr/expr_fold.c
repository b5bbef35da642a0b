/*
 * expr_fold.c - constant folding of logical expressions (contract: expr.h).
 *
 * Bottom up, in place. A part that is constant is compiled and run by the same code as at
 * execution, so folding cannot disagree with it; a part whose evaluation fails stays as it is, for
 * the rows that ask for it. AND, OR and CASE drop arguments that are decided: FALSE AND x
 * is FALSE though x might fail, as a short-circuiting execution would have it.
 */
#include "expr/expr_int.h"

typedef struct folder {
    base_arena *arena;
    base_error *error;
} folder;

static bool is_constant(const plan_expr *expr)
{
    return expr->kind == PLAN_EXPR_CONSTANT;
}

/* TRUE, FALSE, UNKNOWN; or 3: not a constant. */
static uint8_t truth_of(const plan_expr *expr)
{
    if (!is_constant(expr))
        return 3;
    return expr->constant.is_null ? EXPR_UNKNOWN : expr->constant.cell.boolean;
}

static bool may_fold(const plan_expr *expr)
{
    switch ((plan_expr_kind)expr->kind) {
    case PLAN_EXPR_CONSTANT:
    case PLAN_EXPR_COLUMN:
    case PLAN_EXPR_SLOT:
    case PLAN_EXPR_PARAMETER:
    case PLAN_EXPR_SUBQUERY:
        return false;
    case PLAN_EXPR_CALL:
        if (expr->function->flags & (FUNC_VOLATILE | FUNC_STABLE))
            return false;
        break;
    default:
        break;
    }
    for (uint32_t i = 0; i < expr->argument_count; i++)
        if (!is_constant(expr->arguments[i]))
            return false;
    return true;
}

/* Replaces a constant expression by its value, if it has one. */
static base_status fold_value(folder *self, plan_expr **expr)
{
    base_arena scratch;
    base_arena_init(&scratch, self->arena->budget);
    expr_context context = {.budget = self->arena->budget};
    base_error ignored;
    base_error_clear(&ignored);
    expr_program *program;
    types_value value;
    base_status status = expr_compile(&context, &scratch, *expr, &program, &ignored);
    if (status == BASE_OK)
        status = expr_reset(program, &ignored);
    if (status == BASE_OK)
        status = expr_value(program, &value, &ignored);
    if (status == BASE_OK) {
        types_string *string = &value.cell.string;
        if (!value.is_null && types_form_of(value.type) == TYPES_FORM_STRING &&
            string->length > TYPES_STRING_INLINE) {
            string->far.pointer =
                base_arena_copy_text(self->arena, string->far.pointer, string->length);
            status = string->far.pointer ? BASE_OK : BASE_OUT_OF_MEMORY;
        }
    }
    if (status == BASE_OK) {
        plan_expr *constant = plan_constant(self->arena, &value);
        if (constant) {
            constant->position = (*expr)->position;
            *expr = constant;
        } else {
            status = BASE_OUT_OF_MEMORY;
        }
    }
    base_arena_destroy(&scratch);
    return status == BASE_OUT_OF_MEMORY ? base_error_no_memory(self->error) : BASE_OK;
}

/* Drops neutral arguments; a dominant one decides. */
static base_status fold_connective(folder *self, plan_expr **expr)
{
    plan_expr *node = *expr;
    uint8_t dominant = node->kind == PLAN_EXPR_AND ? EXPR_FALSE : EXPR_TRUE;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < node->argument_count; i++) {
        uint8_t truth = truth_of(node->arguments[i]);
        if (truth == dominant) {
            *expr = node->arguments[i];
            return BASE_OK;
        }
        if (truth != (dominant ^ 1))
            node->arguments[kept++] = node->arguments[i];
    }
    if (kept == 0) {
        types_value neutral = {.type = TYPES_OF(BOOLEAN)};
        neutral.cell.boolean = dominant ^ 1;
        *expr = plan_constant(self->arena, &neutral);
        return *expr ? BASE_OK : base_error_no_memory(self->error);
    }
    node->argument_count = kept;
    if (kept == 1)
        *expr = node->arguments[0];
    return BASE_OK;
}

/* Drops branches that no row takes; a branch that every row takes becomes the ELSE. */
static void fold_case(plan_expr **expr)
{
    plan_expr *node = *expr;
    uint32_t kept = 0, i = 0;
    for (; i + 1 < node->argument_count; i += 2) {
        uint8_t truth = truth_of(node->arguments[i]);
        if (truth == EXPR_TRUE) {
            i++;
            break;
        }
        if (truth == EXPR_FALSE || truth == EXPR_UNKNOWN)
            continue;
        node->arguments[kept++] = node->arguments[i];
        node->arguments[kept++] = node->arguments[i + 1];
    }
    node->arguments[kept++] = node->arguments[i];
    node->argument_count = kept;
    if (kept == 1 && types_equal(node->arguments[0]->type, node->type))
        *expr = node->arguments[0];
}

static base_status fold(folder *self, plan_expr **expr)
{
    plan_expr *node = *expr;
    for (uint32_t i = 0; i < node->argument_count; i++)
        RETURN_IF_ERROR(fold(self, &node->arguments[i]));
    if (may_fold(node))
        return fold_value(self, expr);
    if (node->kind == PLAN_EXPR_AND || node->kind == PLAN_EXPR_OR)
        return fold_connective(self, expr);
    if (node->kind == PLAN_EXPR_CASE)
        fold_case(expr);
    return BASE_OK;
}

base_status expr_fold(base_arena *arena, plan_expr **expr, base_error *error)
{
    folder self = {arena, error};
    return fold(&self, expr);
}
