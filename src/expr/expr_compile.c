/*
 * expr_compile.c - from a bound expression to a program (contract: expr.h).
 *
 * Four steps, bottom up: NOT is pushed down to the leaves; parts that are constant are
 * evaluated; parts that are constant per execution become ONCE nodes; scratch vectors are assigned.
 *
 * Scratch places are assigned like registers: a node takes the lowest place that no value
 * still needed lies in, so a sum of a thousand terms works in two vectors, and they
 * stay in the nearest cache. A node that may answer with an argument's vector keeps the
 * argument's places taken.
 *
 * Order of AND's and OR's arguments: those that cannot fail first, cheapest first; those that
 * may fail after them in the order they were written, so that a guard written in front of
 * a cast keeps guarding it.
 *
 * Rejected: a flat byte code with registers (decoding costs more than the direct calls, and
 * CASE needs jumps).
 */
#include "expr/expr_int.h"

enum {
    SHORT_LIST = 4, /* IN lists up to this become comparisons */
    COST_COMPARE = 1,
    COST_COMPARE_STRING = 4,
    COST_CALL = 3,
    COST_CALL_STRING = 30,
    COST_CAST = 2,
    COST_CAST_TEXT = 40,
    COST_SET = 3,
};

typedef struct compiler {
    expr_program *program;
    base_arena *arena;
    base_error *error;
} compiler;

static base_status compile(compiler *self, const plan_expr *expr, bool negate, expr_node **node);

static expr_node *new_node(compiler *self, const expr_operation *operation, types_type type,
                           uint32_t argument_count)
{
    expr_node *node = base_arena_allocate_zeroed(self->arena, sizeof *node);
    expr_node **arguments =
        base_arena_allocate_array(self->arena, argument_count, sizeof(expr_node *));
    if (!node || !arguments)
        return NULL;
    node->operation = operation;
    node->type = type;
    node->position = -1;
    node->argument_count = argument_count;
    node->arguments = arguments;
    node->result.type = type;
    node->result.form = (uint8_t)types_form_of(type);
    node->result_place = node->selection_places[0] = node->selection_places[1] = -1;
    return node;
}

/* ---- Constants --------------------------------------------------------------------------- */

static base_status new_constant(compiler *self, const types_value *value, expr_node **result)
{
    expr_node *node = new_node(self, &expr_constant_operation, value->type, 0);
    if (!node)
        return base_error_no_memory(self->error);
    node->constant.value = *value;
    types_string *string = &node->constant.value.cell.string;
    if (value->is_null) {
        memset(&node->constant.value.cell, 0, sizeof(types_cell));
    } else if (node->result.form == TYPES_FORM_STRING && string->length > TYPES_STRING_INLINE) {
        /* The program may outlive the bytes. */
        char *bytes = base_arena_copy_text(self->arena, string->far.pointer, string->length);
        if (!bytes)
            return base_error_no_memory(self->error);
        string->far.pointer = bytes;
    }
    *result = node;
    return BASE_OK;
}

static base_status new_null(compiler *self, types_type type, expr_node **node)
{
    types_value null = types_null_of(type);
    return new_constant(self, &null, node);
}

/* Visited by expr_reset. */
static void on_reset(compiler *self, expr_node *node)
{
    node->next = self->program->reset_list;
    self->program->reset_list = node;
}

/* A pure node becomes its value. One that cannot be computed stays: its error belongs to the
 * rows that ask for it. */
static base_status fold_pure(compiler *self, expr_node **node)
{
    types_value value = types_null_of((*node)->type);
    base_error ignored;
    base_error_clear(&ignored);
    base_status status = expr_node_row(self->program, *node, &value.cell, &value.is_null, &ignored);
    if (status == BASE_OUT_OF_MEMORY)
        return base_error_no_memory(self->error);
    if (status == BASE_OK)
        status = new_constant(self, &value, node);
    else
        (*node)->class = EXPR_RUN;
    base_arena_reset(&self->program->heap);
    return status == BASE_OUT_OF_MEMORY ? status : BASE_OK;
}

/* Gives a node that is constant per execution a place for its value. */
static base_status remember_once(compiler *self, expr_node **node)
{
    if ((*node)->class != EXPR_RUN || (*node)->operation == &expr_constant_operation)
        return BASE_OK;
    expr_node *once = new_node(self, &expr_once_operation, (*node)->type, 1);
    if (!once)
        return base_error_no_memory(self->error);
    once->arguments[0] = *node;
    once->class = EXPR_RUN;
    once->may_fail = (*node)->may_fail;
    once->position = (*node)->position;
    once->constant.value = types_null_of(once->type);
    on_reset(self, once);
    *node = once;
    return BASE_OK;
}

/* After the arguments are in place: class, cost, whether it may fail; then folding. `own` is the
 * weakest class that the operation itself allows. */
static base_status finish_node(compiler *self, expr_node **result, expr_class own, uint32_t cost,
                               bool may_fail)
{
    expr_node *node = *result;
    node->class = own;
    node->cost = cost;
    node->may_fail = may_fail;
    for (uint32_t i = 0; i < node->argument_count; i++) {
        const expr_node *argument = node->arguments[i];
        node->class = BASE_MAX(node->class, argument->class);
        node->cost += argument->cost;
        node->may_fail = node->may_fail || argument->may_fail;
    }
    if (node->class == EXPR_PURE)
        return fold_pure(self, result);
    if (node->class == EXPR_ROWS)
        for (uint32_t i = 0; i < node->argument_count; i++)
            RETURN_IF_ERROR(remember_once(self, &node->arguments[i]));
    return BASE_OK;
}

/* ---- Kinds ------------------------------------------------------------------------------- */

static base_status compile_arguments(compiler *self, const plan_expr *expr, bool negate,
                                     const expr_operation *operation, expr_node **result)
{
    expr_node *node = new_node(self, operation, expr->type, expr->argument_count);
    if (!node)
        return base_error_no_memory(self->error);
    node->position = expr->position;
    for (uint32_t i = 0; i < expr->argument_count; i++)
        RETURN_IF_ERROR(compile(self, expr->arguments[i], negate, &node->arguments[i]));
    *result = node;
    return BASE_OK;
}

static base_status compile_slot(compiler *self, const plan_expr *expr, expr_node **result)
{
    expr_node *node = new_node(self, &expr_slot_operation, expr->type, 0);
    if (!node)
        return base_error_no_memory(self->error);
    node->slot = expr->slot;
    node->class = EXPR_ROWS;
    *result = node;
    return BASE_OK;
}

static base_status compile_parameter(compiler *self, const plan_expr *expr, expr_node **result)
{
    RETURN_IF_ERROR(new_null(self, expr->type, result));
    (*result)->class = EXPR_RUN;
    (*result)->constant.parameter = expr->parameter;
    (*result)->position = expr->position;
    on_reset(self, *result);
    return BASE_OK;
}

/* Is a part of it another in each execution? What is made of constants alone is made once and
 * lives with the program: made anew each time it would pile up there. */
static bool depends_on_run(const expr_node *node)
{
    bool depends = false;
    for (uint32_t i = 0; i < node->argument_count; i++)
        depends = depends || node->arguments[i]->class == EXPR_RUN;
    return depends;
}

static base_status compile_call(compiler *self, const plan_expr *expr, expr_node **result)
{
    const func_scalar *function = expr->function;
    RETURN_IF_ERROR(compile_arguments(self, expr, false, &expr_call_operation, result));
    RETURN_IF_ERROR(expr_call_init(self->program, *result, function, self->error));
    expr_class own = function->flags & FUNC_VOLATILE ? EXPR_ROWS
                     : function->flags & FUNC_STABLE ? EXPR_RUN
                                                     : EXPR_PURE;
    bool has_text = (*result)->result.form == TYPES_FORM_STRING;
    for (uint32_t i = 0; i < (*result)->argument_count; i++)
        has_text = has_text || (*result)->arguments[i]->result.form == TYPES_FORM_STRING;
    expr_node *call = *result;
    RETURN_IF_ERROR(finish_node(self, result, own, has_text ? COST_CALL_STRING : COST_CALL, true));
    if (*result != call || call->call.is_prepared)
        return BASE_OK;
    call->call.is_of_run = own != EXPR_PURE || depends_on_run(call);
    if (call->call.is_of_run)
        on_reset(self, call);
    return BASE_OK;
}

/* Whether the cast changes nothing but the type's name, length or greatest precision. */
static bool is_relabel(types_type from, types_type to)
{
    if (types_equal(from, to))
        return true;
    if (from.kind == TYPES_DECIMAL && to.kind == TYPES_DECIMAL)
        return from.scale == to.scale && from.precision <= to.precision &&
               types_form_of(from) == types_form_of(to);
    bool from_text = from.kind == TYPES_TEXT || from.kind == TYPES_UNKNOWN;
    return from_text && to.kind == TYPES_TEXT;
}

static base_status compile_cast(compiler *self, const plan_expr *expr, expr_node **result)
{
    expr_node *argument;
    RETURN_IF_ERROR(compile(self, expr->arguments[0], false, &argument));
    types_type from = argument->type, to = expr->type;
    if (from.kind == TYPES_NULL)
        return new_null(self, to, result);
    bool relabel = is_relabel(from, to);
    expr_node *node =
        new_node(self, relabel ? &expr_relabel_operation : &expr_cast_operation, to, 1);
    if (!node)
        return base_error_no_memory(self->error);
    node->arguments[0] = argument;
    node->position = expr->position;
    node->cast.is_try = expr->try_cast;
    if (!relabel)
        RETURN_IF_ERROR(expr_cast_init(self->program, node, self->error));
    *result = node;
    bool numeric = types_is_numeric(from) && types_is_numeric(to);
    bool widens = types_cast_level_of(from, to) == TYPES_CAST_IMPLICIT && numeric;
    return finish_node(self, result, EXPR_PURE,
                       relabel   ? 0
                       : numeric ? COST_CAST
                                 : COST_CAST_TEXT,
                       !relabel && !widens && !expr->try_cast);
}

static vector_comparison complement(vector_comparison comparison)
{
    static const uint8_t complements[] = {
        [VECTOR_EQUAL] = VECTOR_NOT_EQUAL,    [VECTOR_NOT_EQUAL] = VECTOR_EQUAL,
        [VECTOR_LESS] = VECTOR_GREATER_EQUAL, [VECTOR_LESS_EQUAL] = VECTOR_GREATER,
        [VECTOR_GREATER] = VECTOR_LESS_EQUAL, [VECTOR_GREATER_EQUAL] = VECTOR_LESS,
    };
    return (vector_comparison)complements[comparison];
}

static base_status finish_compare(compiler *self, vector_comparison comparison, expr_node **result)
{
    types_form form = (types_form)(*result)->arguments[0]->result.form;
    BASE_ASSERT(form == (types_form)(*result)->arguments[1]->result.form);
    (*result)->operation = expr_compare_operation_of(form);
    (*result)->comparison = comparison;
    return finish_node(self, result, EXPR_PURE,
                       form == TYPES_FORM_STRING ? COST_COMPARE_STRING : COST_COMPARE, false);
}

static base_status compile_compare(compiler *self, const plan_expr *expr, bool negate,
                                   expr_node **result)
{
    RETURN_IF_ERROR(compile_arguments(self, expr, false, &expr_compare_operation, result));
    return finish_compare(self, negate ? complement(expr->comparison) : expr->comparison, result);
}

/* Stable: cannot-fail by cost, then may-fail as written. */
static void order_arguments(expr_node *node)
{
    for (uint32_t i = 1; i < node->argument_count; i++) {
        expr_node *moved = node->arguments[i];
        uint32_t at = i;
        if (moved->may_fail)
            continue;
        for (; at > 0; at--) {
            const expr_node *before = node->arguments[at - 1];
            if (!before->may_fail && before->cost <= moved->cost)
                break;
            node->arguments[at] = node->arguments[at - 1];
        }
        node->arguments[at] = moved;
    }
}

static base_status finish_connective(compiler *self, expr_node **result)
{
    order_arguments(*result);
    return finish_node(self, result, EXPR_PURE, 0, false);
}

static base_status compile_connective(compiler *self, const plan_expr *expr, bool negate,
                                      expr_node **result)
{
    /* NOT (a AND b) is NOT a OR NOT b, with NULLs too. */
    bool is_and = (expr->kind == PLAN_EXPR_AND) != negate;
    RETURN_IF_ERROR(compile_arguments(self, expr, negate,
                                      is_and ? &expr_and_operation : &expr_or_operation, result));
    return finish_connective(self, result);
}

/* x IN (a, b) over a bare column as x = a OR x = b; NOT IN as x <> a AND x <> b. */
static base_status compile_short_list(compiler *self, const plan_expr *expr, bool negated,
                                      expr_node **result)
{
    uint32_t count = expr->argument_count - 1;
    expr_node *list =
        new_node(self, negated ? &expr_and_operation : &expr_or_operation, expr->type, count);
    if (!list)
        return base_error_no_memory(self->error);
    for (uint32_t i = 0; i < count; i++) {
        expr_node *compare = new_node(self, &expr_compare_operation, expr->type, 2);
        if (!compare)
            return base_error_no_memory(self->error);
        RETURN_IF_ERROR(compile(self, expr->arguments[0], false, &compare->arguments[0]));
        RETURN_IF_ERROR(compile(self, expr->arguments[i + 1], false, &compare->arguments[1]));
        list->arguments[i] = compare;
        RETURN_IF_ERROR(
            finish_compare(self, negated ? VECTOR_NOT_EQUAL : VECTOR_EQUAL, &list->arguments[i]));
    }
    *result = list;
    return finish_connective(self, result);
}

static base_status compile_in(compiler *self, const plan_expr *expr, bool negate,
                              expr_node **result)
{
    bool negated = expr->negated != negate;
    if (expr->arguments[0]->kind == PLAN_EXPR_SLOT && expr->argument_count - 1 <= SHORT_LIST)
        return compile_short_list(self, expr, negated, result);
    RETURN_IF_ERROR(compile_arguments(self, expr, false, &expr_in_operation, result));
    expr_node *node = *result;
    node->negated = negated;
    node->in.is_list_fixed = true;
    for (uint32_t i = 1; i < node->argument_count; i++)
        node->in.is_list_fixed = node->in.is_list_fixed && node->arguments[i]->class != EXPR_ROWS;
    RETURN_IF_ERROR(finish_node(self, result, EXPR_PURE, COST_SET, false));
    if (*result != node)
        return BASE_OK;
    node->in.is_of_run = depends_on_run(node);
    if (node->in.is_of_run)
        on_reset(self, node);
    return BASE_OK;
}

/* IS NULL, IS TRUE, IS DISTINCT FROM: never NULL, so NOT only turns the flag. */
static base_status compile_test(compiler *self, const plan_expr *expr, bool negate,
                                expr_node **result)
{
    const expr_operation *operation = expr->kind == PLAN_EXPR_IS_NULL   ? &expr_is_null_operation
                                      : expr->kind == PLAN_EXPR_IS_TRUE ? &expr_is_true_operation
                                                                        : &expr_distinct_operation;
    RETURN_IF_ERROR(compile_arguments(self, expr, false, operation, result));
    (*result)->negated = expr->negated != negate;
    if (expr->kind == PLAN_EXPR_IS_TRUE)
        (*result)->is_truth = expr->is_truth;
    return finish_node(self, result, EXPR_PURE, COST_COMPARE, false);
}

static base_status compile_plain(compiler *self, const plan_expr *expr, expr_node **result)
{
    const expr_operation *operation = expr->kind == PLAN_EXPR_CASE       ? &expr_case_operation
                                      : expr->kind == PLAN_EXPR_COALESCE ? &expr_coalesce_operation
                                                                         : &expr_nullif_operation;
    RETURN_IF_ERROR(compile_arguments(self, expr, false, operation, result));
    return finish_node(self, result, EXPR_PURE, COST_COMPARE, false);
}

/* A NOT that could not be pushed further. */
static base_status wrap_not(compiler *self, expr_node **result)
{
    expr_node *node = new_node(self, &expr_not_operation, TYPES_OF(BOOLEAN), 1);
    if (!node)
        return base_error_no_memory(self->error);
    node->arguments[0] = *result;
    *result = node;
    return finish_node(self, result, EXPR_PURE, COST_COMPARE, false);
}

static base_status compile(compiler *self, const plan_expr *expr, bool negate, expr_node **result)
{
    switch ((plan_expr_kind)expr->kind) {
    case PLAN_EXPR_COMPARE:
        return compile_compare(self, expr, negate, result);
    case PLAN_EXPR_AND:
    case PLAN_EXPR_OR:
        return compile_connective(self, expr, negate, result);
    case PLAN_EXPR_NOT:
        return compile(self, expr->arguments[0], !negate, result);
    case PLAN_EXPR_IN:
        return compile_in(self, expr, negate, result);
    case PLAN_EXPR_IS_NULL:
    case PLAN_EXPR_IS_TRUE:
    case PLAN_EXPR_DISTINCT_FROM:
        return compile_test(self, expr, negate, result);
    case PLAN_EXPR_CONSTANT:
        RETURN_IF_ERROR(new_constant(self, &expr->constant, result));
        break;
    case PLAN_EXPR_SLOT:
        RETURN_IF_ERROR(compile_slot(self, expr, result));
        break;
    case PLAN_EXPR_PARAMETER:
        RETURN_IF_ERROR(compile_parameter(self, expr, result));
        break;
    case PLAN_EXPR_CALL:
        RETURN_IF_ERROR(compile_call(self, expr, result));
        break;
    case PLAN_EXPR_CAST:
        RETURN_IF_ERROR(compile_cast(self, expr, result));
        break;
    case PLAN_EXPR_CASE:
    case PLAN_EXPR_COALESCE:
    case PLAN_EXPR_NULLIF:
        RETURN_IF_ERROR(compile_plain(self, expr, result));
        break;
    case PLAN_EXPR_COLUMN:
    case PLAN_EXPR_SUBQUERY:
        return base_error_set(self->error, BASE_INTERNAL,
                              "an expression of a logical plan cannot be run");
    }
    return negate ? wrap_not(self, result) : BASE_OK;
}

/* ---- Scratch places ---------------------------------------------------------------------- */

typedef struct places {
    compiler *compiler;
    bool *is_taken; /* by place */
    uint32_t capacity;
    uint32_t selections_taken; /* selections nest, so they are a stack */
} places;

static void take_place(places *self, expr_node *node)
{
    if (!node->operation->own_result)
        return;
    expr_program *program = self->compiler->program;
    uint32_t place = 0;
    while (self->is_taken[place])
        place++;
    BASE_ASSERT(place < self->capacity);
    self->is_taken[place] = true;
    node->result_place = (int32_t)place;
    uint32_t size = types_form_size((types_form)node->result.form);
    program->place_count = BASE_MAX(program->place_count, place + 1);
    program->place_sizes[place] = BASE_MAX(program->place_sizes[place], size);
}

/* The node's value is not needed any more. */
static void free_places(places *self, const expr_node *node)
{
    if (node->result_place >= 0)
        self->is_taken[node->result_place] = false;
    if (node->operation->returns_arguments)
        for (uint32_t i = 0; i < node->argument_count; i++)
            free_places(self, node->arguments[i]);
}

static void assign_places(places *self, expr_node *node)
{
    const expr_operation *operation = node->operation;
    if (operation == &expr_once_operation)
        return; /* evaluated by row */
    uint32_t selections_before = self->selections_taken;
    for (uint32_t i = 0; i < operation->selection_count; i++)
        node->selection_places[i] = (int32_t)self->selections_taken++;
    expr_program *program = self->compiler->program;
    program->selection_count = BASE_MAX(program->selection_count, self->selections_taken);
    if (operation->result_first)
        take_place(self, node);
    for (uint32_t i = 0; i < node->argument_count; i++)
        assign_places(self, node->arguments[i]);
    if (!operation->result_first)
        take_place(self, node);
    if (!operation->returns_arguments)
        for (uint32_t i = 0; i < node->argument_count; i++)
            free_places(self, node->arguments[i]);
    self->selections_taken = selections_before;
}

static uint32_t count_nodes(const expr_node *node)
{
    uint32_t count = 1;
    for (uint32_t i = 0; i < node->argument_count; i++)
        count += count_nodes(node->arguments[i]);
    return count;
}

static base_status assign_scratch(compiler *self)
{
    expr_program *program = self->program;
    places state = {.compiler = self, .capacity = count_nodes(program->root) + 1};
    state.is_taken = base_arena_allocate_array(self->arena, state.capacity, sizeof(bool));
    program->place_sizes = base_arena_allocate_array(self->arena, state.capacity, sizeof(uint32_t));
    if (!state.is_taken || !program->place_sizes)
        return base_error_no_memory(self->error);
    assign_places(&state, program->root);
    return BASE_OK;
}

/* ---- Entry points ------------------------------------------------------------------------ */

static void release_program(void *context)
{
    expr_program *program = context;
    base_arena_destroy(&program->heap);
    base_arena_destroy(&program->run_arena);
    base_free(program->context->budget, program->scratch, program->scratch_size);
    program->scratch = NULL;
}

base_status expr_compile(expr_context *context, base_arena *arena, const plan_expr *expr,
                         expr_program **program, base_error *error)
{
    expr_program *made = base_arena_allocate_zeroed(arena, sizeof *made);
    if (!made)
        return base_error_no_memory(error);
    made->context = context;
    made->arena = arena;
    base_arena_init(&made->run_arena, context->budget);
    base_arena_init(&made->heap, context->budget);
    if (!base_arena_on_release(arena, release_program, made))
        return base_error_no_memory(error);
    compiler self = {.program = made, .arena = arena, .error = error};
    RETURN_IF_ERROR(compile(&self, expr, false, &made->root));
    RETURN_IF_ERROR(remember_once(&self, &made->root));
    RETURN_IF_ERROR(assign_scratch(&self));
    *program = made;
    return BASE_OK;
}

static base_status reset_parameter(expr_program *program, expr_node *node, base_error *error)
{
    const expr_context *context = program->context;
    if (node->constant.parameter >= context->parameter_count)
        return base_error_set(error, BASE_UNDEFINED_PARAMETER, "no value for parameter $%u",
                              node->constant.parameter + 1);
    const types_value *given = &context->parameters[node->constant.parameter];
    types_value value = *given;
    if (!given->is_null && types_form_of(given->type) != (types_form)node->result.form)
        RETURN_IF_ERROR(types_cast(given, node->type, &program->run_arena, &value, error));
    value.type = node->type;
    if (value.is_null)
        memset(&value.cell, 0, sizeof value.cell);
    node->constant.value = value;
    return BASE_OK;
}

base_status expr_reset(expr_program *program, base_error *error)
{
    base_arena_reset(&program->run_arena);
    for (expr_node *node = program->reset_list; node; node = node->next) {
        if (node->operation == &expr_constant_operation) {
            RETURN_IF_ERROR(reset_parameter(program, node, error));
        } else if (node->operation == &expr_once_operation) {
            node->constant.is_known = false;
        } else if (node->operation == &expr_call_operation) {
            node->call.is_prepared = false;
        } else {
            BASE_ASSERT(node->operation == &expr_in_operation);
            node->in.set = NULL;
        }
    }
    return BASE_OK;
}
