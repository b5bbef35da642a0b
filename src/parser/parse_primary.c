/*
 * parse_primary.c - operands: literals, parameters, names, parentheses, CASE, subqueries.
 *
 * An opening parenthesis may begin an expression, a row or a query, and only its inside tells:
 * `((SELECT 1) UNION SELECT 2)` against `((SELECT 1) + 2)`. Instead of trying one and going
 * back, parser_parenthesised returns whatever it found, and the caller one level up turns a
 * query into an operand when an operator follows. So every byte is parsed once.
 */
#include "parser/parser_int.h"

static base_status simple(parser_state *state, parser_expr_kind kind, parser_expr **expr)
{
    int32_t position = state->token.position;
    parser_advance(state);
    *expr = parser_expr_new(state, kind, position, 0);
    return *expr ? BASE_OK : BASE_OUT_OF_MEMORY;
}

/* 0x.., 0o.., 0b.. become decimal digits; underscores go. */
static base_status number_text(parser_state *state, base_text text, base_text *value)
{
    char marker = text.length > 2 && text.data[0] == '0' ? base_ascii_lower(text.data[1]) : 0;
    uint32_t base = marker == 'x' ? 16 : marker == 'o' ? 8 : marker == 'b' ? 2 : 0;
    if (!base && !memchr(text.data, '_', text.length)) {
        *value = text;
        return BASE_OK;
    }
    if (!base) {
        char *copy = base_arena_allocate(state->arena, text.length);
        if (!copy)
            return parser_no_memory(state);
        size_t length = 0;
        for (size_t i = 0; i < text.length; i++) {
            if (text.data[i] != '_')
                copy[length++] = text.data[i];
        }
        *value = (base_text){copy, length};
        return BASE_OK;
    }
    uint64_t sum = 0;
    for (size_t i = 2; i < text.length; i++) {
        char c = base_ascii_lower(text.data[i]);
        if (c == '_')
            continue;
        uint64_t digit = (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        if (__builtin_mul_overflow(sum, (uint64_t)base, &sum) ||
            __builtin_add_overflow(sum, digit, &sum))
            return base_error_set_at(state->error, BASE_OUT_OF_RANGE, state->token.position,
                                     "the number %.*s is out of range",
                                     (int)BASE_MIN(text.length, (size_t)60), text.data);
    }
    char *made = base_arena_format(state->arena, "%llu", (unsigned long long)sum);
    if (!made)
        return parser_no_memory(state);
    *value = base_text_of(made);
    return BASE_OK;
}

static base_status parse_literal(parser_state *state, parser_expr_kind kind, parser_expr **expr)
{
    base_text value;
    if (kind == PARSER_EXPR_NUMBER)
        RETURN_IF_ERROR(number_text(state, parser_token_text(state, &state->token), &value));
    else
        RETURN_IF_ERROR(parser_token_value(state, &state->token, &value));
    RETURN_IF_ERROR(simple(state, kind, expr));
    (*expr)->text = value;
    return BASE_OK;
}

/* The standard lets a string go on in another line: 'a' <line end> 'b' is 'ab'. */
static base_status parse_string(parser_state *state, parser_expr **expr)
{
    size_t end = (size_t)state->token.end;
    bool plain = parser_is(state, TOKEN_STRING);
    RETURN_IF_ERROR(parse_literal(state, PARSER_EXPR_STRING, expr));
    while (plain && parser_is(state, TOKEN_STRING) &&
           memchr(state->sql.data + end, '\n', (size_t)state->token.position - end)) {
        base_text more, had = (*expr)->text;
        end = (size_t)state->token.end;
        RETURN_IF_ERROR(parser_token_value(state, &state->token, &more));
        char *joined = base_arena_allocate(state->arena, had.length + more.length + 1);
        if (!joined)
            return parser_no_memory(state);
        if (had.length)
            memcpy(joined, had.data, had.length);
        if (more.length)
            memcpy(joined + had.length, more.data, more.length);
        (*expr)->text = (base_text){joined, had.length + more.length};
        parser_advance(state);
    }
    return BASE_OK;
}

/* ---- Parameters --------------------------------------------------------------------------- */

static base_status grow_parameters(parser_state *state, uint32_t count)
{
    if (count > PARSER_MAX_PARAMETERS)
        return base_error_set_at(state->error, BASE_LIMIT, state->token.position,
                                 "a statement has at most %d parameters", PARSER_MAX_PARAMETERS);
    if (count > state->parameter_capacity) {
        uint32_t capacity = BASE_MAX(count, state->parameter_capacity * 2);
        parser_name *names = base_arena_allocate_array(state->arena, capacity, sizeof *names);
        if (!names)
            return parser_no_memory(state);
        if (state->parameter_count)
            memcpy(names, state->parameter_names, state->parameter_count * sizeof *names);
        state->parameter_names = names;
        state->parameter_capacity = capacity;
    }
    if (count > state->parameter_count)
        state->parameter_count = count;
    return BASE_OK;
}

/* ? takes the next number; ?5 and $5 say theirs; equal names share one. */
static base_status parse_parameter(parser_state *state, parser_expr **expr)
{
    base_text text = parser_token_text(state, &state->token);
    if (!state->parameters_allowed)
        return base_error_set_at(state->error, BASE_SYNTAX, state->token.position,
                                 "parameters are not allowed in a definition");
    uint32_t number = state->parameter_count;
    char second = text.length > 1 ? text.data[1] : 0;
    if (second >= '0' && second <= '9') {
        uint32_t given = 0;
        for (size_t i = 1; i < text.length; i++) {
            if (text.data[i] < '0' || text.data[i] > '9')
                return parser_unexpected(state, "a parameter's number");
            given = BASE_MIN(given * 10 + (uint32_t)(text.data[i] - '0'),
                             (uint32_t)PARSER_MAX_PARAMETERS + 1);
        }
        if (given == 0)
            return base_error_set_at(state->error, BASE_UNDEFINED_PARAMETER, state->token.position,
                                     "parameters are counted from 1");
        number = given - 1;
        RETURN_IF_ERROR(grow_parameters(state, given));
    } else if (second) {
        uint32_t i = 0;
        while (i < state->parameter_count && !base_text_equal(state->parameter_names[i].text, text))
            i++;
        number = i;
        RETURN_IF_ERROR(grow_parameters(state, number + 1));
        state->parameter_names[number] = (parser_name){text, state->token.position};
    } else {
        RETURN_IF_ERROR(grow_parameters(state, number + 1));
    }
    RETURN_IF_ERROR(simple(state, PARSER_EXPR_PARAMETER, expr));
    (*expr)->parameter = number;
    return BASE_OK;
}

/* ---- Parentheses -------------------------------------------------------------------------- */

static base_status subquery_of(parser_state *state, parser_query *query, int32_t position,
                               parser_expr_kind kind, parser_expr **expr)
{
    parser_expr *made = parser_expr_new(state, kind, position, 0);
    if (!made)
        return BASE_OUT_OF_MEMORY;
    made->query = query;
    *expr = made;
    return parser_expr_finish(state, made, query->height);
}

/* What was found in one pair of parentheses, as an operand. */
static base_status operand_of(parser_state *state, const parser_parenthesis *content,
                              int32_t position, parser_expr **expr)
{
    if (content->query)
        return subquery_of(state, content->query, position, PARSER_EXPR_SUBQUERY, expr);
    if (content->count == 0)
        return parser_unexpected(state, "an expression between the parentheses");
    if (content->count == 1) {
        *expr = content->exprs[0];
        (*expr)->position = position; /* its source includes the parentheses */
        (*expr)->end = state->last_end;
        return BASE_OK;
    }
    parser_expr *made = parser_expr_new(state, PARSER_EXPR_ROW, position, 0);
    if (!made)
        return BASE_OUT_OF_MEMORY;
    made->argument_count = content->count;
    made->arguments = content->exprs;
    *expr = made;
    return parser_expr_finish(state, made, 0);
}

/* The rest of a list whose first expression is known, and the closing parenthesis. */
static base_status rest_of_list(parser_state *state, parser_expr *first,
                                parser_parenthesis *content)
{
    parser_list list = {0};
    parser_expr **place = parser_push(state, &list, sizeof *place);
    if (!place)
        return BASE_OUT_OF_MEMORY;
    *place = first;
    while (parser_accept(state, TOKEN_COMMA)) {
        parser_expr *expr;
        RETURN_IF_ERROR(parser_expression(state, &expr));
        place = parser_push(state, &list, sizeof *place);
        if (!place)
            return BASE_OUT_OF_MEMORY;
        *place = expr;
    }
    content->exprs = list.items;
    content->count = list.count;
    return parser_expect(state, TOKEN_CLOSE);
}

/* The content begins with another "(": see the head of this file. */
static base_status nested_parenthesis(parser_state *state, parser_parenthesis *content)
{
    parser_parenthesis inner;
    int32_t position = state->token.position;
    parser_advance(state);
    RETURN_IF_ERROR(parser_parenthesised(state, &inner));
    if (inner.query && (parser_continues_query(state) || parser_is(state, TOKEN_CLOSE))) {
        content->query = inner.query;
        RETURN_IF_ERROR(parser_query_after(state, &content->query));
        return parser_expect(state, TOKEN_CLOSE);
    }
    parser_expr *first;
    RETURN_IF_ERROR(operand_of(state, &inner, position, &first));
    RETURN_IF_ERROR(parser_postfix(state, &first));
    RETURN_IF_ERROR(parser_expression_after(state, PRECEDENCE_ANY, &first));
    return rest_of_list(state, first, content);
}

base_status parser_parenthesised(parser_state *state, parser_parenthesis *content)
{
    *content = (parser_parenthesis){0};
    if (parser_accept(state, TOKEN_CLOSE))
        return BASE_OK;
    RETURN_IF_ERROR(parser_enter(state));
    base_status status;
    if (parser_begins_query(state)) {
        status = parser_query_of(state, &content->query);
        if (status == BASE_OK)
            status = parser_expect(state, TOKEN_CLOSE);
    } else if (parser_is(state, TOKEN_OPEN)) {
        status = nested_parenthesis(state, content);
    } else {
        parser_expr *first;
        status = parser_expression(state, &first);
        if (status == BASE_OK)
            status = rest_of_list(state, first, content);
    }
    parser_leave(state);
    return status;
}

static base_status parse_parenthesis(parser_state *state, parser_expr **expr)
{
    int32_t position = state->token.position;
    parser_advance(state);
    parser_parenthesis content;
    RETURN_IF_ERROR(parser_parenthesised(state, &content));
    return operand_of(state, &content, position, expr);
}

/* ---- Words -------------------------------------------------------------------------------- */

static base_status parse_exists(parser_state *state, parser_expr **expr)
{
    int32_t position = state->token.position;
    parser_advance(state);
    RETURN_IF_ERROR(parser_expect(state, TOKEN_OPEN));
    parser_parenthesis content;
    parser_token inside = state->token;
    RETURN_IF_ERROR(parser_parenthesised(state, &content));
    if (!content.query) {
        state->token = inside;
        return parser_unexpected(state, "a subquery");
    }
    return subquery_of(state, content.query, position, PARSER_EXPR_EXISTS, expr);
}

static base_status push_expr(parser_state *state, parser_list *list)
{
    parser_expr *expr;
    RETURN_IF_ERROR(parser_expression(state, &expr));
    parser_expr **place = parser_push(state, list, sizeof *place);
    if (!place)
        return BASE_OUT_OF_MEMORY;
    *place = expr;
    return BASE_OK;
}

static base_status parse_case(parser_state *state, parser_expr **expr)
{
    int32_t position = state->token.position;
    parser_list list = {0};
    bool has_operand = false, has_else = false;
    parser_advance(state);
    if (!parser_at(state, WORD_WHEN)) {
        has_operand = true;
        RETURN_IF_ERROR(push_expr(state, &list));
    }
    if (!parser_at(state, WORD_WHEN))
        return parser_unexpected(state, "WHEN");
    while (parser_accept_word(state, WORD_WHEN)) {
        RETURN_IF_ERROR(push_expr(state, &list));
        RETURN_IF_ERROR(parser_expect_word(state, WORD_THEN));
        RETURN_IF_ERROR(push_expr(state, &list));
    }
    if (parser_accept_word(state, WORD_ELSE)) {
        has_else = true;
        RETURN_IF_ERROR(push_expr(state, &list));
    }
    RETURN_IF_ERROR(parser_expect_word(state, WORD_END));
    parser_expr *made = parser_expr_new(state, PARSER_EXPR_CASE, position, 0);
    if (!made)
        return BASE_OUT_OF_MEMORY;
    made->argument_count = list.count;
    made->arguments = list.items;
    made->cases.has_operand = has_operand;
    made->cases.has_else = has_else;
    *expr = made;
    return parser_expr_finish(state, made, 0);
}

/* a | t.a | s.t.a | f( ... ) | s.f( ... ); the first word is current. */
static base_status parse_name_or_call(parser_state *state, parser_expr **expr)
{
    int32_t position = state->token.position;
    parser_name parts[PARSER_MAX_NAME_PARTS];
    uint32_t count = 0;
    RETURN_IF_ERROR(parser_parse_label(state, false, &parts[count++]));
    while (parser_is(state, TOKEN_DOT) && !parser_peek_is(state, 1, TOKEN_STAR)) {
        if (count == PARSER_MAX_NAME_PARTS)
            return parser_unexpected(state, "at most schema.table.column");
        parser_advance(state);
        RETURN_IF_ERROR(parser_parse_label(state, false, &parts[count++]));
    }
    if (parser_is(state, TOKEN_OPEN))
        return parser_call_of(state, parts, count, expr);

    parser_expr *made = parser_expr_new(state, PARSER_EXPR_COLUMN, position, 0);
    parser_name *copy = base_arena_allocate_array(state->arena, count, sizeof *copy);
    if (!made || !copy)
        return parser_no_memory(state);
    memcpy(copy, parts, count * sizeof *copy);
    made->column.part_count = count;
    made->column.parts = copy;
    *expr = made;
    return BASE_OK;
}

/* A reserved word as an operand: some begin one, some name functions that need no (). */
static base_status parse_reserved(parser_state *state, parser_expr **expr)
{
    parser_name name = {0};
    switch (state->token.keyword) {
    case WORD_NULL:
        return simple(state, PARSER_EXPR_NULL, expr);
    case WORD_TRUE:
    case WORD_FALSE: {
        bool truth = parser_at(state, WORD_TRUE);
        RETURN_IF_ERROR(simple(state, PARSER_EXPR_BOOLEAN, expr));
        (*expr)->boolean = truth;
        return BASE_OK;
    }
    case WORD_DEFAULT:
        return simple(state, PARSER_EXPR_DEFAULT, expr);
    case WORD_CASE:
        return parse_case(state, expr);
    case WORD_EXISTS:
        return parse_exists(state, expr);
    case WORD_LEFT: /* the string functions */
    case WORD_RIGHT:
        if (!parser_peek_is(state, 1, TOKEN_OPEN))
            break;
        RETURN_IF_ERROR(parser_parse_label(state, false, &name));
        return parser_call_of(state, &name, 1, expr);
    case WORD_CURRENT_DATE:
    case WORD_CURRENT_TIME:
    case WORD_CURRENT_TIMESTAMP:
    case WORD_LOCALTIME:
    case WORD_LOCALTIMESTAMP: {
        int32_t position = state->token.position;
        uint16_t keyword = state->token.keyword;
        parser_advance(state);
        if (parser_accept(state, TOKEN_OPEN)) { /* a precision, which changes nothing here */
            if (parser_is(state, TOKEN_NUMBER))
                parser_advance(state);
            RETURN_IF_ERROR(parser_expect(state, TOKEN_CLOSE));
        }
        const char *lower = keyword == WORD_CURRENT_DATE        ? "current_date"
                            : keyword == WORD_CURRENT_TIME      ? "current_time"
                            : keyword == WORD_CURRENT_TIMESTAMP ? "current_timestamp"
                            : keyword == WORD_LOCALTIME         ? "localtime"
                                                                : "localtimestamp";
        return parser_make_call(state, lower, position, 0, NULL, expr);
    }
    default:
        break;
    }
    return parser_unexpected(state, "an expression");
}

base_status parser_primary(parser_state *state, parser_expr **expr)
{
    switch ((parser_token_kind)state->token.kind) {
    case TOKEN_NUMBER:
        return parse_literal(state, PARSER_EXPR_NUMBER, expr);
    case TOKEN_STRING:
    case TOKEN_ESCAPE_STRING:
    case TOKEN_DOLLAR_STRING:
        return parse_string(state, expr);
    case TOKEN_BLOB:
        return parse_literal(state, PARSER_EXPR_BLOB, expr);
    case TOKEN_PARAMETER:
        return parse_parameter(state, expr);
    case TOKEN_OPEN:
        return parse_parenthesis(state, expr);
    case TOKEN_QUOTED_NAME:
        return parse_name_or_call(state, expr);
    case TOKEN_WORD:
        if (parser_keyword_use_of((parser_keyword)state->token.keyword) == PARSER_WORD_RESERVED)
            return parse_reserved(state, expr);
        *expr = NULL;
        RETURN_IF_ERROR(parser_special_form(state, expr));
        if (*expr)
            return BASE_OK;
        if (parser_begins_interval(state))
            return parser_interval(state, expr);
        if (parser_begins_typed_literal(state))
            return parser_typed_literal(state, expr);
        return parse_name_or_call(state, expr);
    default:
        return parser_unexpected(state, "an expression");
    }
}

base_status parser_postfix(parser_state *state, parser_expr **expr)
{
    while (parser_accept(state, TOKEN_CAST)) {
        parser_expr *made = parser_expr_new(state, PARSER_EXPR_CAST, (*expr)->position, 1);
        if (!made)
            return BASE_OUT_OF_MEMORY;
        made->arguments[0] = *expr;
        RETURN_IF_ERROR(parser_type_name(state, &made->cast.type));
        RETURN_IF_ERROR(parser_expr_finish(state, made, 0));
        *expr = made;
    }
    return BASE_OK;
}
