/*
 * parse_type.c - type names, INTERVAL and typed literals.
 *
 * A type is taken as words here and resolved by types_from_name: the parser only knows which
 * words can follow one another ("double precision", "timestamp with time zone"), so that it
 * knows where a type ends.
 */
#include "parser/parser_int.h"

/* Words that go on with a type's name whatever stood before. */
static bool continues_type(parser_state *state)
{
    static const char *const words[] = {"precision", "varying", "unsigned",  "signed", "large",
                                        "object",    "big",     "character", "char",   "varchar"};
    for (size_t i = 0; i < BASE_COUNT_OF(words); i++) {
        if (parser_at_text(state, words[i]))
            return true;
    }
    return false;
}

/* [ WITH | WITHOUT ] TIME ZONE behind TIME and TIMESTAMP. */
static base_status zone_words(parser_state *state, base_text *name)
{
    bool with = parser_at(state, WORD_WITH), without = parser_at(state, WORD_WITHOUT);
    if ((!with && !without) || !parser_peek_word(state, 1, WORD_TIME))
        return BASE_OK;
    parser_advance(state);
    parser_advance(state);
    RETURN_IF_ERROR(parser_expect_word(state, WORD_ZONE));
    char *joined = base_arena_format(state->arena, "%.*s %s time zone", BASE_TEXT_ARGUMENTS(*name),
                                     with ? "with" : "without");
    if (!joined)
        return parser_no_memory(state);
    *name = base_text_of(joined);
    return BASE_OK;
}

static base_status type_argument(parser_state *state, int64_t *argument)
{
    bool negative = parser_accept(state, TOKEN_MINUS);
    if (!negative)
        (void)parser_accept(state, TOKEN_PLUS);
    base_text text = parser_token_text(state, &state->token);
    if (!parser_is(state, TOKEN_NUMBER) || text.length > 18)
        return parser_unexpected(state, "a small whole number");
    int64_t value = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return parser_unexpected(state, "a small whole number");
        value = value * 10 + (text.data[i] - '0');
    }
    parser_advance(state);
    *argument = negative ? -value : value;
    return BASE_OK;
}

static base_status type_arguments(parser_state *state, parser_type *type)
{
    if (!parser_accept(state, TOKEN_OPEN))
        return BASE_OK;
    do {
        if (type->argument_count == BASE_COUNT_OF(type->arguments))
            return parser_unexpected(state, "\")\"");
        RETURN_IF_ERROR(type_argument(state, &type->arguments[type->argument_count]));
        type->argument_count++;
    } while (parser_accept(state, TOKEN_COMMA));
    return parser_expect(state, TOKEN_CLOSE);
}

/* INTERVAL DAY TO SECOND: the fields restrict nothing here. */
static void interval_fields(parser_state *state)
{
    static const char *const fields[] = {"year", "month", "day", "hour", "minute", "second"};
    bool more = true;
    while (more) {
        more = false;
        for (size_t i = 0; i < BASE_COUNT_OF(fields) && !more; i++)
            more = parser_accept_text(state, fields[i]);
        if (more)
            more = parser_accept_word(state, WORD_TO);
    }
}

base_status parser_type_name(parser_state *state, parser_type *type)
{
    *type = (parser_type){.position = state->token.position};
    parser_name word = {0};
    if (!parser_at_name(state))
        return parser_unexpected(state, "a type name");
    bool zoned = parser_at(state, WORD_TIME) || parser_at(state, WORD_TIMESTAMP);
    bool interval = parser_at(state, WORD_INTERVAL);
    RETURN_IF_ERROR(parser_parse_name(state, "a type name", &word));
    if (parser_is(state, TOKEN_DOT)) { /* pg_catalog.int4 */
        parser_advance(state);
        RETURN_IF_ERROR(parser_parse_label(state, false, &word));
    }
    type->name = word.text;
    bool after_unsigned = base_text_equal_folded(word.text, BASE_TEXT("unsigned"));
    while (continues_type(state) || (after_unsigned && parser_at_text(state, "int"))) {
        base_text next = parser_token_text(state, &state->token);
        char *joined = base_arena_format(state->arena, "%.*s %.*s", BASE_TEXT_ARGUMENTS(type->name),
                                         BASE_TEXT_ARGUMENTS(next));
        if (!joined)
            return parser_no_memory(state);
        type->name = base_text_of(joined);
        parser_advance(state);
    }
    RETURN_IF_ERROR(type_arguments(state, type));
    if (zoned)
        return zone_words(state, &type->name);
    if (interval)
        interval_fields(state);
    /* MySQL: INT(11) UNSIGNED */
    if (type->argument_count && parser_at_text(state, "unsigned")) {
        char *joined =
            base_arena_format(state->arena, "%.*s unsigned", BASE_TEXT_ARGUMENTS(type->name));
        if (!joined)
            return parser_no_memory(state);
        type->name = base_text_of(joined);
        parser_advance(state);
    }
    return BASE_OK;
}

static base_status cast_string(parser_state *state, base_text text, const parser_type *type,
                               int32_t position, parser_expr **expr)
{
    parser_expr *made = parser_expr_new(state, PARSER_EXPR_CAST, position, 1);
    if (!made)
        return BASE_OUT_OF_MEMORY;
    RETURN_IF_ERROR(parser_make_string(state, text, position, &made->arguments[0]));
    made->cast.type = *type;
    *expr = made;
    return parser_expr_finish(state, made, 0);
}

/* ---- INTERVAL ----------------------------------------------------------------------------- */

bool parser_begins_interval(parser_state *state)
{
    if (!parser_at(state, WORD_INTERVAL))
        return false;
    switch ((parser_token_kind)parser_peek(state, 1)->kind) {
    case TOKEN_STRING:
    case TOKEN_ESCAPE_STRING:
    case TOKEN_NUMBER:
    case TOKEN_PARAMETER:
    case TOKEN_OPEN:
        return true;
    case TOKEN_MINUS:
        return parser_peek_is(state, 2, TOKEN_NUMBER);
    default:
        return false;
    }
}

/* The unit that follows an interval's amount, or an empty text. `last` of YEAR TO MONTH. */
static base_text interval_unit(parser_state *state)
{
    static const char *const units[] = {
        "year",        "years",        "month",   "months",   "day",         "days",
        "hour",        "hours",        "minute",  "minutes",  "second",      "seconds",
        "week",        "weeks",        "quarter", "quarters", "millisecond", "milliseconds",
        "microsecond", "microseconds", "decade",  "decades",  "century",     "centuries",
        "millennium",  "millennia"};
    for (size_t i = 0; i < BASE_COUNT_OF(units); i++) {
        if (parser_accept_text(state, units[i]))
            return base_text_of(units[i]);
    }
    return (base_text){0};
}

static base_status join_amount(parser_state *state, base_text amount, base_text unit,
                               base_text *text)
{
    char *joined = base_arena_format(state->arena, "%.*s %.*s", BASE_TEXT_ARGUMENTS(amount),
                                     BASE_TEXT_ARGUMENTS(unit));
    if (!joined)
        return parser_no_memory(state);
    *text = base_text_of(joined);
    return BASE_OK;
}

base_status parser_interval(parser_state *state, parser_expr **expr)
{
    int32_t position = state->token.position;
    parser_type type = {.name = BASE_TEXT("interval"), .position = position};
    base_text text, unit;
    parser_advance(state);
    if (parser_is(state, TOKEN_STRING) || parser_is(state, TOKEN_ESCAPE_STRING)) {
        RETURN_IF_ERROR(parser_token_value(state, &state->token, &text));
        parser_advance(state);
        unit = interval_unit(state);
        if (unit.length && parser_at(state, WORD_TO)) {
            /* YEAR TO MONTH and the like: the text has its own marks ('1-2', '3 04:05') */
            parser_advance(state);
            unit = interval_unit(state);
            if (!unit.length)
                return parser_unexpected(state, "a unit (DAY, HOUR, ...)");
            unit.length = 0;
        }
        if (unit.length)
            RETURN_IF_ERROR(join_amount(state, text, unit, &text));
        return cast_string(state, text, &type, position, expr);
    }

    parser_expr *amount;
    RETURN_IF_ERROR(parser_expression_at(state, PRECEDENCE_UNARY, &amount));
    unit = interval_unit(state);
    if (!unit.length)
        return parser_unexpected(state, "a unit (DAY, HOUR, ...)");
    if (amount->kind == PARSER_EXPR_NUMBER) {
        RETURN_IF_ERROR(join_amount(state, amount->text, unit, &text));
        return cast_string(state, text, &type, position, expr);
    }
    /* An amount that is computed: amount * INTERVAL '1 unit'. */
    parser_expr *one;
    RETURN_IF_ERROR(join_amount(state, BASE_TEXT("1"), unit, &text));
    RETURN_IF_ERROR(cast_string(state, text, &type, position, &one));
    parser_expr *made = parser_expr_new(state, PARSER_EXPR_OPERATOR, position, 2);
    if (!made)
        return BASE_OUT_OF_MEMORY;
    made->text = BASE_TEXT("*");
    made->arguments[0] = amount;
    made->arguments[1] = one;
    *expr = made;
    return parser_expr_finish(state, made, 0);
}

/* ---- Typed literals ------------------------------------------------------------------------ */

bool parser_begins_typed_literal(parser_state *state)
{
    parser_token_kind next = (parser_token_kind)parser_peek(state, 1)->kind;
    if (next == TOKEN_STRING)
        return true;
    if (!parser_at(state, WORD_TIME) && !parser_at(state, WORD_TIMESTAMP))
        return parser_at_text(state, "double") && parser_peek_is(state, 2, TOKEN_STRING) &&
               next == TOKEN_WORD;
    if (next == TOKEN_OPEN)
        return parser_peek_is(state, 2, TOKEN_NUMBER) && parser_peek_is(state, 3, TOKEN_CLOSE) &&
               (parser_peek_is(state, 4, TOKEN_STRING) || parser_peek_word(state, 4, WORD_WITH) ||
                parser_peek_word(state, 4, WORD_WITHOUT));
    return (parser_peek_word(state, 1, WORD_WITH) || parser_peek_word(state, 1, WORD_WITHOUT)) &&
           parser_peek_word(state, 2, WORD_TIME);
}

base_status parser_typed_literal(parser_state *state, parser_expr **expr)
{
    int32_t position = state->token.position;
    parser_type type;
    base_text text;
    RETURN_IF_ERROR(parser_type_name(state, &type));
    if (!parser_is(state, TOKEN_STRING))
        return parser_expect(state, TOKEN_STRING);
    RETURN_IF_ERROR(parser_token_value(state, &state->token, &text));
    parser_advance(state);
    return cast_string(state, text, &type, position, expr);
}
