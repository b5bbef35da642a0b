/*
 * bind_window.c - calls with OVER.
 *
 * Like aggregates, window calls are taken out into a list of the scope and leave a number
 * behind. At the end, calls over the same partition and order are computed by one
 * PLAN_WINDOW node, one sort for all of them; different windows are stacked.
 *
 * A window may name another one (WINDOW w AS ..., OVER (w ROWS ...)): partition, order and
 * frame come from the base where the window itself has none.
 *
 * Invariants: window calls stand in SELECT and ORDER BY only and do not nest; frames are
 * normalised, so that without ORDER BY the default frame is the whole partition.
 */
#include "binder/binder_int.h"

base_status bind_window_place(binder *b, const bind_scope *scope, int32_t position)
{
    if (scope->in_window)
        return bind_error(b, BASE_WINDOWING, position, "window functions cannot be nested");
    if (scope->in_aggregate)
        return bind_error(b, BASE_GROUPING, position,
                          "a window function cannot stand inside an aggregate function");
    if (scope->clause == BIND_CLAUSE_SELECT || scope->clause == BIND_CLAUSE_ORDER)
        return BASE_OK;
    base_status status =
        bind_error(b, BASE_WINDOWING, position,
                   "window functions are allowed in the select list and in ORDER BY only");
    base_error_set_hint(b->error, "compute it in a subquery and test its result outside");
    return status;
}

static base_status check_form(binder *b, const parser_expr *ast)
{
    const parser_call *call = ast->call;
    if (call->distinct)
        return bind_error(b, BASE_NOT_SUPPORTED, ast->position,
                          "DISTINCT is not available in window functions");
    if (call->order_count)
        return bind_error(b, BASE_NOT_SUPPORTED, ast->position,
                          "ORDER BY inside a window function's arguments");
    if (call->ignore_nulls)
        return bind_error(b, BASE_NOT_SUPPORTED, ast->position,
                          "IGNORE NULLS is not available yet");
    if (call->window->exclude != PARSER_EXCLUDE_NO_OTHERS)
        return bind_error(b, BASE_NOT_SUPPORTED, ast->position,
                          "EXCLUDE in a window frame is not available yet");
    if (call->star &&
        (ast->argument_count || !base_text_equal_folded(call->name.text, BASE_TEXT("count"))))
        return bind_error(b, BASE_UNDEFINED_FUNCTION, ast->position, "%.*s(*) does not exist",
                          BASE_TEXT_ARGUMENTS(call->name.text));
    return BASE_OK;
}

/* ---- The window's definition ------------------------------------------------------------- */

static const parser_window *find_definition(const parser_query *query, base_text name)
{
    if (!query || query->kind != PARSER_QUERY_SELECT)
        return NULL;
    for (uint32_t i = 0; i < query->select.window_count; i++)
        if (base_text_equal_folded(query->select.windows[i].name.text, name))
            return &query->select.windows[i];
    return NULL;
}

/* `flat`: the window with what it inherits. Chains are followed at most as long as there
 * are definitions, so that a cycle ends. */
static base_status flatten_window(binder *b, const bind_scope *scope, const parser_window *window,
                                  parser_window *flat)
{
    *flat = *window;
    uint32_t left = scope->query && scope->query->kind == PARSER_QUERY_SELECT
                        ? scope->query->select.window_count
                        : 0;
    while (flat->base.text.length) {
        const parser_window *base = find_definition(scope->query, flat->base.text);
        if (!base || left-- == 0)
            return bind_error(b, BASE_UNDEFINED_OBJECT, flat->base.position,
                              "window \"%.*s\" does not exist",
                              BASE_TEXT_ARGUMENTS(flat->base.text));
        if (flat->partition_count)
            return bind_error(b, BASE_WINDOWING, window->position,
                              "cannot override PARTITION BY of window \"%.*s\"",
                              BASE_TEXT_ARGUMENTS(flat->base.text));
        if (flat->order_count && base->order_count)
            return bind_error(b, BASE_WINDOWING, window->position,
                              "cannot override ORDER BY of window \"%.*s\"",
                              BASE_TEXT_ARGUMENTS(flat->base.text));
        flat->partition_count = base->partition_count;
        flat->partition = base->partition;
        if (!flat->order_count) {
            flat->order_count = base->order_count;
            flat->order = base->order;
        }
        if (!flat->has_frame) {
            flat->has_frame = base->has_frame;
            flat->mode = base->mode;
            flat->start = base->start;
            flat->end = base->end;
            flat->start_offset = base->start_offset;
            flat->end_offset = base->end_offset;
            flat->exclude = base->exclude;
        }
        flat->base = base->base;
    }
    return BASE_OK;
}

static base_status bind_definition(binder *b, bind_scope *scope, const parser_window *flat,
                                   bind_window_call *call)
{
    call->partition_count = flat->partition_count;
    RETURN_IF_ERROR(bind_exprs(b, scope, flat->partition, flat->partition_count, &call->partition));
    for (uint32_t i = 0; i < call->partition_count; i++)
        RETURN_IF_ERROR(bind_settle(b, &call->partition[i]));
    call->order_count = flat->order_count;
    call->order = bind_array(b, flat->order_count, sizeof *call->order);
    if (!call->order)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < flat->order_count; i++) {
        bind_sort_direction(&flat->order[i], &call->order[i]);
        RETURN_IF_ERROR(bind_expr(b, scope, flat->order[i].expr, &call->order[i].expr));
        RETURN_IF_ERROR(bind_settle(b, &call->order[i].expr));
    }
    return BASE_OK;
}

/* ---- The frame --------------------------------------------------------------------------- */

static plan_frame_bound frame_bound(parser_frame_bound bound)
{
    switch (bound) {
    case PARSER_UNBOUNDED_PRECEDING:
        return PLAN_FRAME_UNBOUNDED_PRECEDING;
    case PARSER_PRECEDING:
        return PLAN_FRAME_PRECEDING;
    case PARSER_CURRENT_ROW:
        return PLAN_FRAME_CURRENT_ROW;
    case PARSER_FOLLOWING:
        return PLAN_FRAME_FOLLOWING;
    case PARSER_UNBOUNDED_FOLLOWING:
        return PLAN_FRAME_UNBOUNDED_FOLLOWING;
    }
    return PLAN_FRAME_CURRENT_ROW;
}

static base_status refuse_range(binder *b, types_type type, int32_t position)
{
    char name[TYPES_NAME_SIZE];
    types_name(type, name);
    return bind_error(b, BASE_NOT_SUPPORTED, position,
                      "RANGE with an offset is not available for a column of type %s", name);
}

/* ROWS and GROUPS count; RANGE adds to the value that rows are ordered by. */
static base_status bind_offset(binder *b, bind_scope *scope, const parser_expr *ast,
                               const parser_window *flat, const bind_window_call *call,
                               plan_expr **offset)
{
    *offset = NULL;
    if (!ast)
        return BASE_OK;
    bind_scope empty;
    bind_scope_init(&empty, NULL, scope->ctes, NULL);
    empty.clause = BIND_CLAUSE_LIMIT;
    RETURN_IF_ERROR(bind_expr(b, &empty, ast, offset));
    if (plan_expr_has_subquery(*offset))
        return bind_error(b, BASE_NOT_SUPPORTED, ast->position, "a subquery in a window frame");
    types_type type = TYPES_OF(INTEGER);
    if (flat->mode == PARSER_RANGE) {
        if (call->order_count != 1)
            return bind_error(b, BASE_WINDOWING, ast->position,
                              "RANGE with an offset needs exactly one ORDER BY column");
        type = call->order[0].expr->type;
        bool is_time =
            type.kind == TYPES_DATE || type.kind == TYPES_TIME || type.kind == TYPES_TIMESTAMP;
        if (is_time)
            type = TYPES_OF(INTERVAL);
        else if (!types_is_numeric(type))
            return refuse_range(b, type, ast->position);
        else if (type.kind == TYPES_DECIMAL) /* a distance may be wider than every key */
            type = TYPES_DECIMAL_OF(TYPES_DECIMAL_MAX_PRECISION, type.scale);
        else if (types_is_integer(type) && type.kind != TYPES_UBIGINT)
            type = TYPES_OF(INTEGER);
    }
    RETURN_IF_ERROR(bind_cast(b, offset, type, TYPES_CAST_ASSIGNMENT, "the frame's offset"));
    if ((*offset)->kind == PLAN_EXPR_CONSTANT && type.kind == TYPES_INTEGER &&
        ((*offset)->constant.is_null || (*offset)->constant.cell.int64 < 0))
        return bind_error(b, BASE_INVALID_PARAMETER, ast->position,
                          "a frame's offset must be a number that is not negative");
    return BASE_OK;
}

static base_status bind_frame(binder *b, bind_scope *scope, const parser_window *flat,
                              bind_window_call *call)
{
    plan_window *window = &call->window;
    window->mode = flat->mode == PARSER_ROWS    ? PLAN_FRAME_ROWS
                   : flat->mode == PARSER_RANGE ? PLAN_FRAME_RANGE
                                                : PLAN_FRAME_GROUPS;
    window->start = frame_bound(flat->start);
    window->end = frame_bound(flat->end);
    if (!flat->has_frame) {
        window->mode = PLAN_FRAME_RANGE;
        window->start = PLAN_FRAME_UNBOUNDED_PRECEDING;
        window->end = PLAN_FRAME_CURRENT_ROW;
    }
    if (window->start == PLAN_FRAME_UNBOUNDED_FOLLOWING ||
        window->end == PLAN_FRAME_UNBOUNDED_PRECEDING || window->start > window->end)
        return bind_error(b, BASE_WINDOWING, flat->position,
                          "the window's frame ends before it starts");
    if (window->mode == PLAN_FRAME_GROUPS && !call->order_count)
        return bind_error(b, BASE_WINDOWING, flat->position, "GROUPS needs ORDER BY");
    if (window->mode == PLAN_FRAME_RANGE && !call->order_count) {
        /* All rows are peers of the current one. */
        if (window->start == PLAN_FRAME_CURRENT_ROW)
            window->start = PLAN_FRAME_UNBOUNDED_PRECEDING;
        if (window->end == PLAN_FRAME_CURRENT_ROW)
            window->end = PLAN_FRAME_UNBOUNDED_FOLLOWING;
    }
    RETURN_IF_ERROR(bind_offset(b, scope, flat->start_offset, flat, call, &window->start_offset));
    return bind_offset(b, scope, flat->end_offset, flat, call, &window->end_offset);
}

/* ---- The function ------------------------------------------------------------------------ */

static base_status find_window_function(binder *b, const parser_expr *ast, plan_window *window)
{
    types_type types[FUNC_MAX_ARGUMENTS];
    uint32_t count = ast->argument_count;
    if (count > FUNC_MAX_ARGUMENTS)
        return bind_error(b, BASE_LIMIT, ast->position, "a function has too many arguments");
    for (uint32_t i = 0; i < count; i++)
        types[i] = window->arguments[i]->type;
    base_status status = func_find_window(ast->call->name.text, types, count, &window->function,
                                          &window->type, b->error);
    if (status != BASE_OK)
        return bind_place_error(b, status, ast->position);
    for (uint32_t i = 0; i < count; i++) {
        if (types[i].kind == TYPES_UNKNOWN)
            types[i] = TYPES_OF(TEXT);
        RETURN_IF_ERROR(
            bind_cast(b, &window->arguments[i], types[i], TYPES_CAST_EXPLICIT, "the argument"));
    }
    if (window->type.kind == TYPES_UNKNOWN)
        window->type = TYPES_OF(TEXT);
    return BASE_OK;
}

static base_status bind_parts(binder *b, bind_scope *scope, const parser_expr *ast,
                              bind_window_call *call)
{
    plan_window *window = &call->window;
    base_text name = ast->call->name.text;
    window->argument_count = ast->argument_count;
    window->position = bind_position(b, ast->position);
    RETURN_IF_ERROR(bind_exprs(b, scope, ast->arguments, ast->argument_count, &window->arguments));
    if (func_is_window_name(name)) {
        RETURN_IF_ERROR(find_window_function(b, ast, window));
    } else if (func_is_aggregate_name(name)) {
        RETURN_IF_ERROR(
            bind_aggregate_function(b, ast, window->arguments, &window->aggregate, &window->type));
    } else {
        return bind_error(b, BASE_WRONG_OBJECT, ast->position,
                          "OVER: \"%.*s\" is neither a window function nor an aggregate",
                          BASE_TEXT_ARGUMENTS(name));
    }
    if (ast->call->filter) {
        if (window->function)
            return bind_error(b, BASE_NOT_SUPPORTED, ast->position,
                              "FILTER is for aggregate functions only");
        RETURN_IF_ERROR(bind_expr(b, scope, ast->call->filter, &window->filter));
        RETURN_IF_ERROR(bind_condition(b, &window->filter, "the condition of FILTER"));
    }
    parser_window flat;
    RETURN_IF_ERROR(flatten_window(b, scope, ast->call->window, &flat));
    RETURN_IF_ERROR(bind_definition(b, scope, &flat, call));
    return bind_frame(b, scope, &flat, call);
}

base_status bind_window(binder *b, bind_scope *scope, const parser_expr *ast, plan_expr **expr)
{
    RETURN_IF_ERROR(bind_window_place(b, scope, ast->position));
    RETURN_IF_ERROR(check_form(b, ast));
    bind_window_call call = {.position = bind_position(b, ast->position)};
    scope->in_window = true;
    base_status status = bind_parts(b, scope, ast, &call);
    scope->in_window = false;
    RETURN_IF_ERROR(status);
    RETURN_IF_ERROR(bind_new_column(b, &call.window.column));
    scope->windows = bind_grow(b, scope->windows, scope->window_count, &scope->window_capacity,
                               sizeof *scope->windows);
    if (!scope->windows)
        return bind_no_memory(b);
    scope->windows[scope->window_count++] = call;
    *expr = plan_column_ref(b->arena, call.window.column, call.window.type);
    if (!*expr)
        return bind_no_memory(b);
    (*expr)->position = call.position;
    return BASE_OK;
}

/* ---- Nodes ------------------------------------------------------------------------------- */

static bool same_window(const bind_window_call *a, const bind_window_call *b)
{
    if (a->partition_count != b->partition_count || a->order_count != b->order_count)
        return false;
    for (uint32_t i = 0; i < a->partition_count; i++)
        if (!plan_expr_equal(a->partition[i], b->partition[i]))
            return false;
    for (uint32_t i = 0; i < a->order_count; i++)
        if (a->order[i].descending != b->order[i].descending ||
            a->order[i].nulls_first != b->order[i].nulls_first ||
            !plan_expr_equal(a->order[i].expr, b->order[i].expr))
            return false;
    return true;
}

/* One node for `windows[0]` and all later calls over the same window, which are marked as
 * done in `placed`. */
static base_status make_window_node(binder *b, const bind_scope *scope, uint32_t first,
                                    bool *placed, plan_node **node)
{
    const bind_window_call *window = &scope->windows[first];
    plan_window *windows = bind_array(b, scope->window_count, sizeof *windows);
    if (!windows)
        return bind_no_memory(b);
    uint32_t count = 0;
    for (uint32_t i = first; i < scope->window_count; i++)
        if (!placed[i] && same_window(window, &scope->windows[i])) {
            placed[i] = true;
            windows[count++] = scope->windows[i].window;
        }
    plan_node *input = *node;
    *node = plan_node_new(b->arena, PLAN_WINDOW, input->column_count + count);
    if (!*node)
        return bind_no_memory(b);
    (*node)->inputs[0] = input;
    for (uint32_t i = 0; i < input->column_count; i++)
        (*node)->columns[i] = input->columns[i];
    for (uint32_t i = 0; i < count; i++)
        (*node)->columns[input->column_count + i] = windows[i].column;
    (*node)->window.partition_count = window->partition_count;
    (*node)->window.partition = window->partition;
    (*node)->window.order_count = window->order_count;
    (*node)->window.order = window->order;
    (*node)->window.window_count = count;
    (*node)->window.windows = windows;
    return BASE_OK;
}

base_status bind_window_nodes(binder *b, bind_scope *scope, plan_node **node)
{
    if (!scope->window_count)
        return BASE_OK;
    bool *placed = bind_array(b, scope->window_count, sizeof *placed);
    if (!placed)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < scope->window_count; i++)
        if (!placed[i])
            RETURN_IF_ERROR(make_window_node(b, scope, i, placed, node));
    return BASE_OK;
}
