/*
 * parse_call.c - function calls, forms with words inside, and windows.
 *
 * The forms (EXTRACT, SUBSTRING ... FROM, POSITION ... IN, TRIM, OVERLAY) come out as ordinary
 * calls, so that the binder and the function table know one spelling:
 *   EXTRACT(f FROM x)            extract('f', x)
 *   SUBSTRING(x FROM a FOR b)    substring(x, a, b)
 *   POSITION(a IN b)             position(a, b)
 *   TRIM(LEADING c FROM x)       ltrim(x, c);  TRAILING: rtrim;  BOTH: btrim
 *   OVERLAY(x PLACING y FROM a)  overlay(x, y, a)
 */
#include "parser/parser_int.h"

base_status parser_make_string(parser_state *state, base_text text, int32_t position,
                               parser_expr **expr)
{
    parser_expr *made = parser_expr_new(state, PARSER_EXPR_STRING, position, 0);
    if (!made)
        return BASE_OUT_OF_MEMORY;
    made->text = text;
    *expr = made;
    return BASE_OK;
}

base_status parser_make_call(parser_state *state, const char *name, int32_t position,
                             uint32_t argument_count, parser_expr **arguments, parser_expr **expr)
{
    parser_expr *made = parser_expr_new(state, PARSER_EXPR_CALL, position, argument_count);
    parser_call *call = base_arena_allocate_zeroed(state->arena, sizeof *call);
    if (!made || !call)
        return parser_no_memory(state);
    if (argument_count)
        memcpy(made->arguments, arguments, argument_count * sizeof *arguments);
    call->name = (parser_name){base_text_of(name), position};
    made->call = call;
    *expr = made;
    return parser_expr_finish(state, made, 0);
}

/* ---- Windows ------------------------------------------------------------------------------ */

uint32_t parser_height_of_window(const parser_window *window)
{
    uint32_t height = parser_height_of(window->partition, window->partition_count);
    parser_raise(&height, parser_height_of_keys(window->order, window->order_count));
    if (window->start_offset)
        parser_raise(&height, window->start_offset->height);
    if (window->end_offset)
        parser_raise(&height, window->end_offset->height);
    return height;
}

static base_status frame_bound(parser_state *state, parser_frame_bound *bound, parser_expr **offset)
{
    if (parser_accept_word(state, WORD_UNBOUNDED)) {
        if (parser_accept_word(state, WORD_PRECEDING)) {
            *bound = PARSER_UNBOUNDED_PRECEDING;
            return BASE_OK;
        }
        *bound = PARSER_UNBOUNDED_FOLLOWING;
        return parser_expect_word(state, WORD_FOLLOWING);
    }
    if (parser_accept_words(state, WORD_CURRENT, WORD_ROW)) {
        *bound = PARSER_CURRENT_ROW;
        return BASE_OK;
    }
    /* BETWEEN x AND y: the offset must not swallow the AND. */
    RETURN_IF_ERROR(parser_expression_at(state, PRECEDENCE_OTHER, offset));
    if (parser_accept_word(state, WORD_PRECEDING)) {
        *bound = PARSER_PRECEDING;
        return BASE_OK;
    }
    *bound = PARSER_FOLLOWING;
    if (parser_accept_word(state, WORD_FOLLOWING))
        return BASE_OK;
    return parser_unexpected(state, "PRECEDING or FOLLOWING");
}

static base_status frame_exclusion(parser_state *state, parser_window *window)
{
    if (!parser_accept_word(state, WORD_EXCLUDE))
        return BASE_OK;
    if (parser_accept_word(state, WORD_GROUP)) {
        window->exclude = PARSER_EXCLUDE_GROUP;
    } else if (parser_accept_word(state, WORD_TIES)) {
        window->exclude = PARSER_EXCLUDE_TIES;
    } else if (parser_accept_word(state, WORD_NO)) {
        window->exclude = PARSER_EXCLUDE_NO_OTHERS;
        return parser_expect_word(state, WORD_OTHERS);
    } else {
        window->exclude = PARSER_EXCLUDE_CURRENT_ROW;
        RETURN_IF_ERROR(parser_expect_word(state, WORD_CURRENT));
        return parser_expect_word(state, WORD_ROW);
    }
    return BASE_OK;
}

static base_status window_frame(parser_state *state, parser_window *window)
{
    window->mode = PARSER_RANGE;
    window->start = PARSER_UNBOUNDED_PRECEDING;
    window->end = PARSER_CURRENT_ROW;
    if (parser_accept_word(state, WORD_ROWS))
        window->mode = PARSER_ROWS;
    else if (parser_accept_word(state, WORD_GROUPS))
        window->mode = PARSER_GROUPS;
    else if (!parser_accept_word(state, WORD_RANGE))
        return BASE_OK;
    window->has_frame = true;
    int32_t position = state->token.position;
    if (parser_accept_word(state, WORD_BETWEEN)) {
        RETURN_IF_ERROR(frame_bound(state, &window->start, &window->start_offset));
        RETURN_IF_ERROR(parser_expect_word(state, WORD_AND));
        RETURN_IF_ERROR(frame_bound(state, &window->end, &window->end_offset));
    } else {
        RETURN_IF_ERROR(frame_bound(state, &window->start, &window->start_offset));
    }
    if (window->start == PARSER_UNBOUNDED_FOLLOWING || window->end == PARSER_UNBOUNDED_PRECEDING ||
        window->start > window->end)
        return base_error_set_at(state->error, BASE_WINDOWING, position,
                                 "the frame ends before it begins");
    return frame_exclusion(state, window);
}

base_status parser_window_body(parser_state *state, parser_window *window)
{
    RETURN_IF_ERROR(parser_expect(state, TOKEN_OPEN));
    bool clause = (parser_at(state, WORD_PARTITION) && parser_peek_word(state, 1, WORD_BY)) ||
                  parser_at(state, WORD_ROWS) || parser_at(state, WORD_RANGE) ||
                  parser_at(state, WORD_GROUPS);
    if (!clause && parser_at_name(state))
        RETURN_IF_ERROR(parser_parse_name(state, "a window's name", &window->base));
    if (parser_accept_word(state, WORD_PARTITION)) {
        RETURN_IF_ERROR(parser_expect_word(state, WORD_BY));
        RETURN_IF_ERROR(
            parser_expression_list(state, &window->partition, &window->partition_count));
    }
    RETURN_IF_ERROR(parser_order_by(state, &window->order, &window->order_count));
    RETURN_IF_ERROR(window_frame(state, window));
    return parser_expect(state, TOKEN_CLOSE);
}

static base_status over_clause(parser_state *state, parser_call *call)
{
    bool follows = parser_at(state, WORD_OVER) &&
                   (parser_peek_is(state, 1, TOKEN_OPEN) || parser_peek_is(state, 1, TOKEN_WORD) ||
                    parser_peek_is(state, 1, TOKEN_QUOTED_NAME));
    if (!follows)
        return BASE_OK;
    parser_advance(state);
    parser_window *window = base_arena_allocate_zeroed(state->arena, sizeof *window);
    if (!window)
        return parser_no_memory(state);
    window->position = state->token.position;
    window->start = PARSER_UNBOUNDED_PRECEDING;
    window->end = PARSER_CURRENT_ROW;
    window->mode = PARSER_RANGE;
    call->window = window;
    if (parser_is(state, TOKEN_OPEN))
        return parser_window_body(state, window);
    return parser_parse_name(state, "a window's name", &window->base);
}

/* ---- Calls -------------------------------------------------------------------------------- */

/* IGNORE NULLS | RESPECT NULLS, inside or behind the parentheses. */
static void null_treatment(parser_state *state, parser_call *call)
{
    if (parser_accept_words(state, WORD_IGNORE, WORD_NULLS))
        call->ignore_nulls = true;
    else
        (void)parser_accept_words(state, WORD_RESPECT, WORD_NULLS);
}

/* percentile_cont(f) WITHIN GROUP (ORDER BY x) is the call percentile_cont(x, f), with 1 - f for a
 * falling order; behind WITHIN GROUP. Others of that form would need states of their own. */
static base_status within_group(parser_state *state, parser_call *call, parser_list *arguments)
{
    parser_sort_key *keys;
    uint32_t count;
    int32_t position = call->name.position;
    RETURN_IF_ERROR(parser_expect(state, TOKEN_OPEN));
    RETURN_IF_ERROR(parser_order_by(state, &keys, &count));
    RETURN_IF_ERROR(parser_expect(state, TOKEN_CLOSE));
    if (!base_text_equal_folded(call->name.text, BASE_TEXT("percentile_cont")) ||
        arguments->count != 1 || count != 1)
        return base_error_set_at(state->error, BASE_NOT_SUPPORTED, position,
                                 "of WITHIN GROUP only percentile_cont(fraction) is available");
    parser_expr *fraction = *(parser_expr **)arguments->items;
    if (keys[0].descending) {
        parser_expr *rest = parser_expr_new(state, PARSER_EXPR_OPERATOR, position, 2);
        parser_expr *one = parser_expr_new(state, PARSER_EXPR_NUMBER, position, 0);
        if (!rest || !one)
            return BASE_OUT_OF_MEMORY;
        one->text = BASE_TEXT("1");
        rest->text = BASE_TEXT("-");
        rest->arguments[0] = one;
        rest->arguments[1] = fraction;
        RETURN_IF_ERROR(parser_expr_finish(state, rest, 0));
        fraction = rest;
    }
    parser_expr **second = parser_push(state, arguments, sizeof *second);
    if (!second)
        return BASE_OUT_OF_MEMORY;
    *second = fraction;
    *(parser_expr **)arguments->items = keys[0].expr;
    return BASE_OK;
}

static base_status call_suffixes(parser_state *state, parser_call *call, parser_list *arguments,
                                 uint32_t *below)
{
    if (parser_at(state, WORD_WITHIN) && parser_peek_word(state, 1, WORD_GROUP)) {
        parser_advance(state);
        parser_advance(state);
        RETURN_IF_ERROR(within_group(state, call, arguments));
    }
    if (parser_at(state, WORD_FILTER) && parser_peek_is(state, 1, TOKEN_OPEN)) {
        parser_advance(state);
        parser_advance(state);
        (void)parser_accept_word(state, WORD_WHERE);
        RETURN_IF_ERROR(parser_expression(state, &call->filter));
        RETURN_IF_ERROR(parser_expect(state, TOKEN_CLOSE));
        parser_raise(below, call->filter->height);
    }
    null_treatment(state, call);
    RETURN_IF_ERROR(over_clause(state, call));
    if (call->window)
        parser_raise(below, parser_height_of_window(call->window));
    parser_raise(below, parser_height_of_keys(call->order, call->order_count));
    return BASE_OK;
}

/* Behind "(": the arguments and the closing parenthesis. */
static base_status call_arguments(parser_state *state, parser_call *call, parser_list *arguments)
{
    if (parser_is(state, TOKEN_STAR) && parser_peek_is(state, 1, TOKEN_CLOSE)) {
        call->star = true;
        parser_advance(state);
        parser_advance(state);
        return BASE_OK;
    }
    if (parser_accept_word(state, WORD_DISTINCT))
        call->distinct = true;
    else
        (void)parser_accept_word(state, WORD_ALL);
    if (parser_accept(state, TOKEN_CLOSE))
        return BASE_OK;
    do {
        parser_expr *expr;
        if (parser_begins_query(state)) { /* f(SELECT ...): a subquery without its own pair */
            parser_expr *made =
                parser_expr_new(state, PARSER_EXPR_SUBQUERY, state->token.position, 0);
            if (!made)
                return BASE_OUT_OF_MEMORY;
            RETURN_IF_ERROR(parser_query_of(state, &made->query));
            RETURN_IF_ERROR(parser_expr_finish(state, made, made->query->height));
            expr = made;
        } else {
            RETURN_IF_ERROR(parser_expression(state, &expr));
        }
        parser_expr **place = parser_push(state, arguments, sizeof *place);
        if (!place)
            return BASE_OUT_OF_MEMORY;
        *place = expr;
    } while (parser_accept(state, TOKEN_COMMA));
    null_treatment(state, call);
    RETURN_IF_ERROR(parser_order_by(state, &call->order, &call->order_count));
    if (parser_accept_word(state, WORD_SEPARATOR)) { /* MySQL's GROUP_CONCAT */
        parser_expr *separator;
        RETURN_IF_ERROR(parser_expression(state, &separator));
        parser_expr **place = parser_push(state, arguments, sizeof *place);
        if (!place)
            return BASE_OUT_OF_MEMORY;
        *place = separator;
    }
    return parser_expect(state, TOKEN_CLOSE);
}

base_status parser_call_of(parser_state *state, const parser_name *parts, uint32_t part_count,
                           parser_expr **expr)
{
    BASE_ASSERT(part_count >= 1 && parser_is(state, TOKEN_OPEN));
    int32_t position = parts[0].position;
    if (part_count > 2)
        return parser_unexpected(state, "a function's name with at most a schema");
    parser_call *call = base_arena_allocate_zeroed(state->arena, sizeof *call);
    if (!call)
        return parser_no_memory(state);
    call->name = parts[part_count - 1];
    if (part_count == 2)
        call->schema = parts[0];
    parser_list arguments = {0};
    uint32_t below = 0;
    parser_advance(state);
    RETURN_IF_ERROR(call_arguments(state, call, &arguments));
    RETURN_IF_ERROR(call_suffixes(state, call, &arguments, &below));
    parser_expr *made = parser_expr_new(state, PARSER_EXPR_CALL, position, 0);
    if (!made)
        return BASE_OUT_OF_MEMORY;
    made->argument_count = arguments.count;
    made->arguments = arguments.items;
    made->call = call;
    *expr = made;
    return parser_expr_finish(state, made, below);
}

/* ---- Forms with words inside --------------------------------------------------------------- */

static base_status parse_cast(parser_state *state, bool try_cast, int32_t position,
                              parser_expr **expr)
{
    parser_expr *made = parser_expr_new(state, PARSER_EXPR_CAST, position, 1);
    if (!made)
        return BASE_OUT_OF_MEMORY;
    RETURN_IF_ERROR(parser_expression(state, &made->arguments[0]));
    RETURN_IF_ERROR(parser_expect_word(state, WORD_AS));
    RETURN_IF_ERROR(parser_type_name(state, &made->cast.type));
    RETURN_IF_ERROR(parser_expect(state, TOKEN_CLOSE));
    made->cast.try_cast = try_cast;
    *expr = made;
    return parser_expr_finish(state, made, 0);
}

static base_status parse_extract(parser_state *state, int32_t position, parser_expr **expr)
{
    parser_expr *arguments[2];
    parser_name field = {0};
    RETURN_IF_ERROR(parser_parse_label(state, true, &field));
    RETURN_IF_ERROR(parser_make_string(state, field.text, field.position, &arguments[0]));
    RETURN_IF_ERROR(parser_expect_word(state, WORD_FROM));
    RETURN_IF_ERROR(parser_expression(state, &arguments[1]));
    RETURN_IF_ERROR(parser_expect(state, TOKEN_CLOSE));
    return parser_make_call(state, "extract", position, 2, arguments, expr);
}

/* SUBSTRING(x FROM a [FOR b]) | SUBSTRING(x, a, b) */
static base_status parse_substring(parser_state *state, const char *name, int32_t position,
                                   parser_expr **expr)
{
    parser_expr *arguments[3];
    uint32_t count = 1;
    RETURN_IF_ERROR(parser_expression(state, &arguments[0]));
    if (parser_is(state, TOKEN_COMMA)) {
        while (parser_accept(state, TOKEN_COMMA)) {
            if (count == BASE_COUNT_OF(arguments))
                return parser_unexpected(state, "at most three arguments");
            RETURN_IF_ERROR(parser_expression(state, &arguments[count++]));
        }
    } else {
        if (parser_accept_word(state, WORD_FROM))
            RETURN_IF_ERROR(parser_expression(state, &arguments[count++]));
        if (parser_accept_word(state, WORD_FOR)) {
            if (count == 1) { /* FOR alone counts from the start */
                arguments[1] = parser_expr_new(state, PARSER_EXPR_NUMBER, position, 0);
                if (!arguments[1])
                    return BASE_OUT_OF_MEMORY;
                arguments[1]->text = BASE_TEXT("1");
                count++;
            }
            RETURN_IF_ERROR(parser_expression(state, &arguments[count++]));
        }
    }
    RETURN_IF_ERROR(parser_expect(state, TOKEN_CLOSE));
    return parser_make_call(state, name, position, count, arguments, expr);
}

/* POSITION(a IN b): the operand must not swallow the IN. */
static base_status parse_position(parser_state *state, int32_t position, parser_expr **expr)
{
    parser_expr *arguments[2];
    RETURN_IF_ERROR(parser_expression_at(state, PRECEDENCE_OTHER, &arguments[0]));
    if (!parser_accept(state, TOKEN_COMMA))
        RETURN_IF_ERROR(parser_expect_word(state, WORD_IN));
    RETURN_IF_ERROR(parser_expression(state, &arguments[1]));
    RETURN_IF_ERROR(parser_expect(state, TOKEN_CLOSE));
    return parser_make_call(state, "position", position, 2, arguments, expr);
}

/* TRIM([BOTH | LEADING | TRAILING] [c] FROM x) | TRIM(x [, c]) */
static base_status parse_trim(parser_state *state, int32_t position, parser_expr **expr)
{
    const char *name = "btrim";
    parser_expr *first = NULL, *second = NULL;
    if (parser_accept_word(state, WORD_LEADING))
        name = "ltrim";
    else if (parser_accept_word(state, WORD_TRAILING))
        name = "rtrim";
    else
        (void)parser_accept_word(state, WORD_BOTH);
    if (!parser_at(state, WORD_FROM))
        RETURN_IF_ERROR(parser_expression(state, &first));
    if (parser_accept_word(state, WORD_FROM)) {
        RETURN_IF_ERROR(parser_expression(state, &second));
    } else if (parser_accept(state, TOKEN_COMMA)) {
        second = first;
        RETURN_IF_ERROR(parser_expression(state, &first));
    } else {
        second = first;
        first = NULL;
    }
    RETURN_IF_ERROR(parser_expect(state, TOKEN_CLOSE));
    parser_expr *arguments[2] = {second, first};
    return parser_make_call(state, name, position, first ? 2 : 1, arguments, expr);
}

static base_status parse_overlay(parser_state *state, int32_t position, parser_expr **expr)
{
    parser_expr *arguments[4];
    uint32_t count = 3;
    RETURN_IF_ERROR(parser_expression(state, &arguments[0]));
    bool commas = parser_accept(state, TOKEN_COMMA);
    if (!commas && !parser_accept_text(state, "placing"))
        return parser_unexpected(state, "PLACING");
    RETURN_IF_ERROR(parser_expression(state, &arguments[1]));
    RETURN_IF_ERROR(commas ? parser_expect(state, TOKEN_COMMA)
                           : parser_expect_word(state, WORD_FROM));
    RETURN_IF_ERROR(parser_expression(state, &arguments[2]));
    if (commas ? parser_accept(state, TOKEN_COMMA) : parser_accept_word(state, WORD_FOR))
        RETURN_IF_ERROR(parser_expression(state, &arguments[count++]));
    RETURN_IF_ERROR(parser_expect(state, TOKEN_CLOSE));
    return parser_make_call(state, "overlay", position, count, arguments, expr);
}

static base_status parse_row(parser_state *state, int32_t position, parser_expr **expr)
{
    parser_list list = {0};
    if (!parser_is(state, TOKEN_CLOSE)) {
        do {
            parser_expr **place = parser_push(state, &list, sizeof *place);
            if (!place)
                return BASE_OUT_OF_MEMORY;
            RETURN_IF_ERROR(parser_expression(state, place));
        } while (parser_accept(state, TOKEN_COMMA));
    }
    RETURN_IF_ERROR(parser_expect(state, TOKEN_CLOSE));
    parser_expr *made = parser_expr_new(state, PARSER_EXPR_ROW, position, 0);
    if (!made)
        return BASE_OUT_OF_MEMORY;
    made->argument_count = list.count;
    made->arguments = list.items;
    *expr = made;
    return parser_expr_finish(state, made, 0);
}

base_status parser_special_form(parser_state *state, parser_expr **expr)
{
    int32_t position = state->token.position;
    parser_keyword keyword = (parser_keyword)state->token.keyword;
    switch (keyword) {
    case WORD_CAST:
    case WORD_TRY_CAST:
    case WORD_EXTRACT:
    case WORD_SUBSTRING:
    case WORD_SUBSTR:
    case WORD_POSITION:
    case WORD_TRIM:
    case WORD_OVERLAY:
    case WORD_ROW:
        if (parser_peek_is(state, 1, TOKEN_OPEN))
            break;
        return BASE_OK;
    default:
        return BASE_OK;
    }
    /* date_part's spelling extract('year', x) is an ordinary call. */
    if (keyword == WORD_EXTRACT && parser_peek_is(state, 3, TOKEN_COMMA))
        return BASE_OK;
    parser_advance(state);
    parser_advance(state);
    switch (keyword) {
    case WORD_CAST:
    case WORD_TRY_CAST:
        return parse_cast(state, keyword == WORD_TRY_CAST, position, expr);
    case WORD_EXTRACT:
        return parse_extract(state, position, expr);
    case WORD_POSITION:
        return parse_position(state, position, expr);
    case WORD_TRIM:
        return parse_trim(state, position, expr);
    case WORD_OVERLAY:
        return parse_overlay(state, position, expr);
    case WORD_ROW:
        return parse_row(state, position, expr);
    default:
        return parse_substring(state, keyword == WORD_SUBSTR ? "substr" : "substring", position,
                               expr);
    }
}
