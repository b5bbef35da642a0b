/*
 * bind_aggregate.c - calls of aggregate functions.
 *
 * A call belongs to the innermost query whose columns its arguments use (to its own where
 * they use none): `SELECT (SELECT sum(t.a) FROM u) FROM t` sums over t. It is put into that
 * query's list and leaves a column number behind; equal calls share one. Which scopes the
 * arguments use is seen by the `touched` marks that name look-up leaves.
 *
 * Invariants: arguments hold no other aggregate of the same query and no window call.
 */
#include "binder/binder_int.h"

bool bind_ast_has_aggregate(const parser_expr *ast)
{
    if (ast->kind == PARSER_EXPR_CALL && !ast->call->window &&
        func_is_aggregate_name(ast->call->name.text))
        return true;
    for (uint32_t i = 0; i < ast->argument_count; i++)
        if (ast->arguments[i] && bind_ast_has_aggregate(ast->arguments[i]))
            return true;
    return false;
}

static const char *clause_name(bind_clause clause)
{
    static const char *const names[] = {"FROM",      "the condition of JOIN",
                                        "WHERE",     "GROUP BY",
                                        "SELECT",    "HAVING",
                                        "ORDER BY",  "LIMIT",
                                        "VALUES",    "SET",
                                        "RETURNING", "a CHECK constraint",
                                        "a DEFAULT", "an index",
                                        "this place"};
    BASE_ASSERT((size_t)clause < BASE_COUNT_OF(names));
    return names[clause];
}

base_status bind_aggregate_place(binder *b, const bind_scope *owner, int32_t position)
{
    if (owner->in_aggregate)
        return bind_error(b, BASE_GROUPING, position, "aggregate functions cannot be nested");
    if (owner->clause == BIND_CLAUSE_SELECT || owner->clause == BIND_CLAUSE_HAVING ||
        owner->clause == BIND_CLAUSE_ORDER)
        return BASE_OK;
    base_status status =
        bind_error(b, BASE_GROUPING, position, "aggregate functions are not allowed in %s",
                   clause_name(owner->clause));
    if (owner->clause == BIND_CLAUSE_WHERE)
        base_error_set_hint(b->error, "conditions on aggregates belong into HAVING");
    return status;
}

static base_status check_form(binder *b, const parser_expr *ast)
{
    const parser_call *call = ast->call;
    if (call->star && (call->distinct || ast->argument_count))
        return bind_error(b, BASE_SYNTAX, ast->position, "%.*s(DISTINCT *) means nothing",
                          BASE_TEXT_ARGUMENTS(call->name.text));
    if (call->star && !base_text_equal_folded(call->name.text, BASE_TEXT("count")))
        return bind_error(b, BASE_UNDEFINED_FUNCTION, ast->position, "%.*s(*) does not exist",
                          BASE_TEXT_ARGUMENTS(call->name.text));
    if (call->distinct && ast->argument_count == 0)
        return bind_error(b, BASE_SYNTAX, ast->position, "DISTINCT needs an argument");
    /* SQLite's function and SQLite's rule; STRING_AGG(DISTINCT a, b) is PostgreSQL's. */
    if (call->distinct && ast->argument_count > 1 &&
        base_text_equal_folded(call->name.text, BASE_TEXT("group_concat")))
        return bind_error(b, BASE_SYNTAX, ast->position,
                          "group_concat(DISTINCT ...) takes exactly one argument");
    if (call->ignore_nulls)
        return bind_error(b, BASE_NOT_SUPPORTED, ast->position,
                          "IGNORE NULLS is not available yet");
    return BASE_OK;
}

/* ---- Whose it is ------------------------------------------------------------------------- */

enum {
    TRACKED_SCOPES = 64 /* marks of scopes further out are left set: harmless, see take_marks */
};

typedef struct touch_marks {
    uint64_t touched; /* bit i: the i-th scope outwards had its mark set */
} touch_marks;

static touch_marks clear_marks(bind_scope *scope)
{
    touch_marks marks = {0};
    uint32_t i = 0;
    for (bind_scope *s = scope; s && i < TRACKED_SCOPES; s = s->outer, i++) {
        marks.touched |= (uint64_t)s->touched << i;
        s->touched = false;
    }
    return marks;
}

/* The innermost scope that was touched since clear_marks; puts the old marks back. */
static bind_scope *take_marks(bind_scope *scope, touch_marks marks)
{
    bind_scope *owner = NULL;
    uint32_t i = 0;
    for (bind_scope *s = scope; s && i < TRACKED_SCOPES; s = s->outer, i++) {
        if (s->touched && !owner)
            owner = s;
        s->touched |= marks.touched >> i & 1;
    }
    return owner ? owner : scope;
}

/* ---- The call ---------------------------------------------------------------------------- */

base_status bind_aggregate_function(binder *b, const parser_expr *ast, plan_expr **arguments,
                                    const func_aggregate **function, types_type *type)
{
    types_type types[FUNC_MAX_ARGUMENTS];
    uint32_t count = ast->argument_count;
    if (count > FUNC_MAX_ARGUMENTS)
        return bind_error(b, BASE_LIMIT, ast->position, "a function has too many arguments");
    for (uint32_t i = 0; i < count; i++)
        types[i] = arguments[i]->type;
    base_status status =
        func_find_aggregate(ast->call->name.text, types, count, function, type, b->error);
    if (status != BASE_OK)
        return bind_place_error(b, status, ast->position);
    for (uint32_t i = 0; i < count; i++) {
        if (types[i].kind == TYPES_UNKNOWN)
            types[i] = TYPES_OF(TEXT);
        RETURN_IF_ERROR(bind_cast(b, &arguments[i], types[i], TYPES_CAST_EXPLICIT, "the argument"));
    }
    return BASE_OK;
}

static base_status bind_inner_order(binder *b, bind_scope *scope, const parser_call *call,
                                    plan_aggregate *aggregate)
{
    if (!call->order_count || !aggregate->function->order_sensitive)
        return BASE_OK;
    aggregate->order = bind_array(b, call->order_count, sizeof *aggregate->order);
    if (!aggregate->order)
        return bind_no_memory(b);
    aggregate->order_count = call->order_count;
    for (uint32_t i = 0; i < call->order_count; i++) {
        bind_sort_direction(&call->order[i], &aggregate->order[i]);
        RETURN_IF_ERROR(bind_expr(b, scope, call->order[i].expr, &aggregate->order[i].expr));
        RETURN_IF_ERROR(bind_settle(b, &aggregate->order[i].expr));
    }
    return BASE_OK;
}

static base_status bind_parts(binder *b, bind_scope *scope, const parser_expr *ast,
                              plan_aggregate *aggregate)
{
    const parser_call *call = ast->call;
    aggregate->argument_count = ast->argument_count;
    RETURN_IF_ERROR(
        bind_exprs(b, scope, ast->arguments, ast->argument_count, &aggregate->arguments));
    RETURN_IF_ERROR(bind_aggregate_function(b, ast, aggregate->arguments, &aggregate->function,
                                            &aggregate->type));
    aggregate->distinct = call->distinct && !aggregate->function->distinct_is_noop;
    RETURN_IF_ERROR(bind_inner_order(b, scope, call, aggregate));
    if (!call->filter)
        return BASE_OK;
    RETURN_IF_ERROR(bind_expr(b, scope, call->filter, &aggregate->filter));
    return bind_condition(b, &aggregate->filter, "the condition of FILTER");
}

static bool same_exprs(plan_expr *const *a, plan_expr *const *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!plan_expr_equal(a[i], b[i]) || plan_expr_is_volatile(a[i]))
            return false;
    return true;
}

static bool same_aggregate(const plan_aggregate *a, const plan_aggregate *b)
{
    if (a->function != b->function || a->distinct != b->distinct || a->order_count ||
        b->order_count || a->argument_count != b->argument_count || !a->filter != !b->filter)
        return false;
    return same_exprs(a->arguments, b->arguments, a->argument_count) &&
           (!a->filter || plan_expr_equal(a->filter, b->filter));
}

/* The number of the call in its query's list, which gets it unless an equal one is there. */
static base_status note_aggregate(binder *b, bind_scope *owner, plan_aggregate *aggregate)
{
    for (uint32_t i = 0; i < owner->aggregate_count; i++)
        if (same_aggregate(&owner->aggregates[i], aggregate)) {
            aggregate->column = owner->aggregates[i].column;
            return BASE_OK;
        }
    owner->aggregates = bind_grow(b, owner->aggregates, owner->aggregate_count,
                                  &owner->aggregate_capacity, sizeof *owner->aggregates);
    if (!owner->aggregates)
        return bind_no_memory(b);
    RETURN_IF_ERROR(bind_new_column(b, &aggregate->column));
    owner->aggregates[owner->aggregate_count++] = *aggregate;
    return BASE_OK;
}

base_status bind_aggregate(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr)
{
    RETURN_IF_ERROR(check_form(b, ast));
    plan_aggregate aggregate = {.position = bind_position(b, ast->position)};
    touch_marks marks = clear_marks(scope);
    bool inside = scope->in_aggregate;
    scope->in_aggregate = true;
    base_status status = bind_parts(b, scope, ast, &aggregate);
    scope->in_aggregate = inside;
    bind_scope *owner = take_marks(scope, marks);
    RETURN_IF_ERROR(status);
    RETURN_IF_ERROR(bind_aggregate_place(b, owner, ast->position));
    owner->touched = true; /* an aggregate around this one would be its query's too */
    RETURN_IF_ERROR(bind_known_aggregate(b, owner, &aggregate, expr));
    if (*expr)
        return BASE_OK;
    RETURN_IF_ERROR(note_aggregate(b, owner, &aggregate));
    *expr = plan_column_ref(b->arena, aggregate.column, aggregate.type);
    if (!*expr)
        return bind_no_memory(b);
    (*expr)->position = bind_position(b, ast->position);
    return BASE_OK;
}
