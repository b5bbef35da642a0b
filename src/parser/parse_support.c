/*
 * parse_support.c - the parser's state: tokens with lookahead, lists, names, errors.
 *
 * The grammar's files are recursive descent by hand: the errors can say what was expected,
 * the stack depth is counted, and a reader can step through it. A generator (lemon, bison)
 * was rejected: its conflicts with words that are sometimes names cost more than they save.
 *
 * Invariants: `token` is always lexed; nothing accepts TOKEN_BAD, so a lexical fault becomes
 * the error of whoever meets it first; every node hangs in the arena.
 */
#include "parser/parser_int.h"

void parser_state_init(parser_state *state, base_text sql, size_t offset, base_arena *arena,
                       base_error *error)
{
    *state = (parser_state){.sql = sql, .arena = arena, .error = error};
    state->parameters_allowed = true;
    state->last_end = (int32_t)offset;
    state->token = parser_lex(sql, offset);
}

void parser_advance(parser_state *state)
{
    state->last = state->token;
    state->last_end = state->token.end;
    if (state->ahead_count) {
        state->token = state->ahead[0];
        state->ahead_count--;
        memmove(state->ahead, state->ahead + 1, state->ahead_count * sizeof *state->ahead);
        return;
    }
    state->token = parser_lex(state->sql, (size_t)state->token.end);
}

const parser_token *parser_peek(parser_state *state, uint32_t distance)
{
    BASE_ASSERT(distance >= 1 && distance <= PARSER_LOOKAHEAD);
    while (state->ahead_count < distance) {
        const parser_token *last =
            state->ahead_count ? &state->ahead[state->ahead_count - 1] : &state->token;
        state->ahead[state->ahead_count++] = parser_lex(state->sql, (size_t)last->end);
    }
    return &state->ahead[distance - 1];
}

bool parser_accept(parser_state *state, parser_token_kind kind)
{
    if (state->token.kind != kind)
        return false;
    parser_advance(state);
    return true;
}

bool parser_accept_word(parser_state *state, parser_keyword keyword)
{
    if (state->token.keyword != keyword)
        return false;
    parser_advance(state);
    return true;
}

bool parser_accept_words(parser_state *state, parser_keyword first, parser_keyword second)
{
    if (state->token.keyword != first || !parser_peek_word(state, 1, second))
        return false;
    parser_advance(state);
    parser_advance(state);
    return true;
}

bool parser_at_text(const parser_state *state, const char *word)
{
    return state->token.kind == TOKEN_WORD &&
           base_text_equal_folded(parser_token_text(state, &state->token), base_text_of(word));
}

bool parser_accept_text(parser_state *state, const char *word)
{
    if (!parser_at_text(state, word))
        return false;
    parser_advance(state);
    return true;
}

bool parser_peek_is(parser_state *state, uint32_t distance, parser_token_kind kind)
{
    return parser_peek(state, distance)->kind == kind;
}

bool parser_peek_word(parser_state *state, uint32_t distance, parser_keyword keyword)
{
    return parser_peek(state, distance)->keyword == keyword;
}

static const char *kind_name(parser_token_kind kind)
{
    switch (kind) {
    case TOKEN_OPEN:
        return "\"(\"";
    case TOKEN_CLOSE:
        return "\")\"";
    case TOKEN_COMMA:
        return "\",\"";
    case TOKEN_EQUAL:
        return "\"=\"";
    case TOKEN_STRING:
        return "a string in single quotes";
    case TOKEN_NUMBER:
        return "a number";
    case TOKEN_SEMICOLON:
        return "the end of the statement";
    default:
        return "something else";
    }
}

base_status parser_expect(parser_state *state, parser_token_kind kind)
{
    if (parser_accept(state, kind))
        return BASE_OK;
    return parser_unexpected(state, kind_name(kind));
}

base_status parser_expect_word(parser_state *state, parser_keyword keyword)
{
    if (parser_accept_word(state, keyword))
        return BASE_OK;
    return parser_unexpected(state, parser_keyword_name(keyword));
}

/* ---- Errors ------------------------------------------------------------------------------- */

static base_status report_bad_token(parser_state *state)
{
    const parser_token *token = &state->token;
    base_text text = parser_token_text(state, token);
    int shown = (int)BASE_MIN(text.length, (size_t)40);
    switch ((parser_bad)token->bad) {
    case BAD_STRING_END:
        base_error_set_at(state->error, BASE_SYNTAX, token->position,
                          "the string that begins here does not end");
        base_error_set_hint(state->error, "a single quote inside a string is written twice");
        break;
    case BAD_NAME_END:
        base_error_set_at(state->error, BASE_SYNTAX, token->position,
                          "the quoted name that begins here does not end");
        break;
    case BAD_NAME_EMPTY:
        base_error_set_at(state->error, BASE_SYNTAX, token->position, "a quoted name is empty");
        base_error_set_hint(state->error, "strings stand in single quotes");
        break;
    case BAD_COMMENT_END:
        base_error_set_at(state->error, BASE_SYNTAX, token->position,
                          "the comment that begins here does not end");
        break;
    case BAD_NUMBER:
        base_error_set_at(state->error, BASE_SYNTAX, token->position, "\"%.*s\" is not a number",
                          shown, text.data);
        base_error_set_hint(state->error, "a name that begins with a digit needs double quotes");
        break;
    case BAD_BLOB:
        base_error_set_at(state->error, BASE_SYNTAX, token->position,
                          "a blob literal needs pairs of hexadecimal digits");
        base_error_set_hint(state->error, "for example x'0aff'");
        break;
    case BAD_PARAMETER:
        base_error_set_at(state->error, BASE_SYNTAX, token->position,
                          "\"%.*s\" is not followed by a parameter's name or number", shown,
                          text.data);
        break;
    default:
        if ((unsigned char)text.data[0] >= ' ' && (unsigned char)text.data[0] < 0x7F)
            base_error_set_at(state->error, BASE_SYNTAX, token->position,
                              "syntax error at or near \"%c\"", text.data[0]);
        else
            base_error_set_at(state->error, BASE_SYNTAX, token->position,
                              "the character 0x%02X is not allowed here",
                              (unsigned)(unsigned char)text.data[0]);
    }
    return BASE_SYNTAX;
}

/* A word that is nearly a clause's first word, but was taken for a name: FORM, WEHRE. */
static const char *misspelt_clause(const parser_state *state, const parser_token *token)
{
    static const char *const clauses[] = {"FROM",  "WHERE",  "GROUP", "ORDER",    "HAVING", "LIMIT",
                                          "UNION", "OFFSET", "INNER", "VALUES",   "SET",    "ON",
                                          "INTO",  "JOIN",   "TABLE", "RETURNING"};
    base_text text = parser_token_text(state, token);
    bool candidate = token->kind == TOKEN_WORD && text.length > 2 &&
                     parser_keyword_use_of((parser_keyword)token->keyword) == PARSER_WORD_FREE;
    for (size_t i = 0; candidate && i < BASE_COUNT_OF(clauses); i++) {
        base_text clause = base_text_of(clauses[i]);
        uint32_t limit = clause.length > 4 ? 2 : 1;
        if (clause.length > 3 && base_text_distance(text, clause, limit) <= limit)
            return clauses[i];
    }
    return NULL;
}

static void hint_for(parser_state *state, base_text text, const char *expected)
{
    const parser_token *token = &state->token;
    base_text wanted = base_text_of(expected);
    if (token->kind == TOKEN_WORD && text.length > 2 && !base_text_equal_folded(text, wanted) &&
        base_text_distance(text, wanted, 2) <= 2) {
        base_error_set_hint(state->error, "did you mean %s?", expected);
        return;
    }
    if (token->kind == TOKEN_WORD && strstr(expected, "name") &&
        parser_keyword_use_of((parser_keyword)token->keyword) == PARSER_WORD_RESERVED) {
        base_error_set_hint(state->error,
                            "%.*s is a reserved word: as a name it needs double quotes",
                            (int)BASE_MIN(text.length, (size_t)60), text.data);
        return;
    }
    /* The word itself, or the one before it, which was taken for an alias. */
    const char *clause = misspelt_clause(state, token);
    if (!clause)
        clause = misspelt_clause(state, &state->last);
    if (clause)
        base_error_set_hint(state->error, "did you mean %s?", clause);
}

base_status parser_unexpected(parser_state *state, const char *expected)
{
    const parser_token *token = &state->token;
    if (token->kind == TOKEN_BAD)
        return report_bad_token(state);
    if (token->kind == TOKEN_END) {
        base_error_set_at(state->error, BASE_SYNTAX, token->position,
                          "syntax error at the end of the text: expected %s", expected);
        return BASE_SYNTAX;
    }
    base_text text = parser_token_text(state, token);
    bool cut = text.length > 60;
    base_error_set_at(state->error, BASE_SYNTAX, token->position,
                      "syntax error at or near \"%.*s%s\": expected %s",
                      (int)(cut ? 57 : text.length), text.data, cut ? "..." : "", expected);
    hint_for(state, text, expected);
    return BASE_SYNTAX;
}

base_status parser_no_memory(parser_state *state)
{
    return base_error_no_memory(state->error);
}

base_status parser_enter(parser_state *state)
{
    if (state->depth >= PARSER_MAX_DEPTH) {
        base_error_set_at(state->error, BASE_LIMIT, state->token.position,
                          "the statement is nested more than %d levels deep", PARSER_MAX_DEPTH);
        return BASE_LIMIT;
    }
    state->depth++;
    return BASE_OK;
}

base_status parser_check_height(parser_state *state, uint32_t height, int32_t position)
{
    if (height <= PARSER_MAX_DEPTH)
        return BASE_OK;
    base_error_set_at(state->error, BASE_LIMIT, position,
                      "the statement is nested more than %d levels deep", PARSER_MAX_DEPTH);
    return BASE_LIMIT;
}

void parser_raise(uint32_t *height, uint32_t other)
{
    if (*height < other)
        *height = other;
}

/* ---- Lists and texts ---------------------------------------------------------------------- */

void *parser_push(parser_state *state, parser_list *list, size_t element_size)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 4;
        void *items = base_arena_allocate_array(state->arena, capacity, element_size);
        if (!items) {
            parser_no_memory(state);
            return NULL;
        }
        if (list->count)
            memcpy(items, list->items, list->count * element_size);
        list->items = items;
        list->capacity = capacity;
    }
    return (char *)list->items + element_size * list->count++;
}

base_text parser_token_text(const parser_state *state, const parser_token *token)
{
    return (base_text){state->sql.data + token->position, (size_t)(token->end - token->position)};
}

base_text parser_source(base_text sql, int32_t position, int32_t end)
{
    BASE_ASSERT(position >= 0 && position <= end && (size_t)end <= sql.length);
    return (base_text){sql.data + position, (size_t)(end - position)};
}

/* Between the quotes, doubled quotes folded; the text itself where there are none. */
static base_status unquote(parser_state *state, base_text inner, char quote, base_text *value)
{
    if (!inner.length || !memchr(inner.data, quote, inner.length)) {
        *value = inner;
        return BASE_OK;
    }
    char *copy = base_arena_allocate(state->arena, inner.length);
    if (!copy)
        return parser_no_memory(state);
    size_t length = 0;
    for (size_t i = 0; i < inner.length; i++) {
        copy[length++] = inner.data[i];
        if (inner.data[i] == quote)
            i++;
    }
    *value = (base_text){copy, length};
    return BASE_OK;
}

static int hexadecimal_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = base_ascii_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static base_status blob_value(parser_state *state, base_text digits, base_text *value)
{
    char *bytes = base_arena_allocate(state->arena, digits.length / 2 + 1);
    if (!bytes)
        return parser_no_memory(state);
    for (size_t i = 0; i + 1 < digits.length; i += 2)
        bytes[i / 2] =
            (char)(hexadecimal_digit(digits.data[i]) * 16 + hexadecimal_digit(digits.data[i + 1]));
    *value = (base_text){bytes, digits.length / 2};
    return BASE_OK;
}

/* Up to `maximum` digits of `base` from `at`; how many were read goes to `count`. */
static uint32_t read_digits(base_text text, size_t at, uint32_t base, uint32_t maximum,
                            uint32_t *count)
{
    uint32_t value = 0;
    *count = 0;
    while (*count < maximum && at + *count < text.length) {
        int digit = hexadecimal_digit(text.data[at + *count]);
        if (digit < 0 || digit >= (int)base)
            break;
        value = value * base + (uint32_t)digit;
        ++*count;
    }
    return value;
}

/* One backslash escape of E'...' at inner[at] (behind the backslash); appends to `out`. */
static base_status resolve_escape(parser_state *state, base_text inner, size_t *at, char *out,
                                  size_t *length, int32_t position)
{
    static const char letters[] = "bfnrtv", bytes[] = "\b\f\n\r\t\v";
    char c = inner.data[*at];
    const char *letter = memchr(letters, c, sizeof letters - 1);
    uint32_t count = 0;
    ++*at;
    if (letter) {
        out[(*length)++] = bytes[letter - letters];
    } else if (c == 'x' || (c >= '0' && c <= '7')) {
        uint32_t value = c == 'x' ? read_digits(inner, *at, 16, 2, &count)
                                  : read_digits(inner, *at - 1, 8, 3, &count);
        if (c != 'x')
            count--;
        else if (!count)
            value = 'x';
        if (value == 0 || value > 255)
            return base_error_set_at(state->error, BASE_INVALID_ESCAPE, position,
                                     "a byte escape must be between 1 and 255");
        *at += count;
        out[(*length)++] = (char)value;
    } else if (c == 'u' || c == 'U') {
        uint32_t wanted = c == 'u' ? 4 : 8;
        uint32_t point = read_digits(inner, *at, 16, wanted, &count);
        if (count != wanted || point == 0 || point > 0x10FFFF ||
            (point >= 0xD800 && point < 0xE000))
            return base_error_set_at(state->error, BASE_INVALID_ESCAPE, position,
                                     "\\%c needs %u hexadecimal digits of a character", c, wanted);
        *at += count;
        *length += types_utf8_encode(point, out + *length);
    } else {
        out[(*length)++] = c;
    }
    return BASE_OK;
}

static base_status escape_string_value(parser_state *state, base_text inner, int32_t position,
                                       base_text *value)
{
    char *copy = base_arena_allocate(state->arena, inner.length + 1);
    if (!copy)
        return parser_no_memory(state);
    size_t length = 0;
    for (size_t at = 0; at < inner.length;) {
        char c = inner.data[at++];
        if (c == '\\' && at < inner.length) {
            RETURN_IF_ERROR(resolve_escape(state, inner, &at, copy, &length, position));
        } else {
            copy[length++] = c;
            if (c == '\'')
                at++; /* doubled */
        }
    }
    *value = (base_text){copy, length};
    return BASE_OK;
}

base_status parser_token_value(parser_state *state, const parser_token *token, base_text *value)
{
    base_text text = parser_token_text(state, token);
    switch ((parser_token_kind)token->kind) {
    case TOKEN_STRING:
    case TOKEN_QUOTED_NAME:
        return unquote(state, (base_text){text.data + 1, text.length - 2}, text.data[0], value);
    case TOKEN_ESCAPE_STRING:
        return escape_string_value(state, (base_text){text.data + 2, text.length - 3},
                                   token->position, value);
    case TOKEN_BLOB:
        return blob_value(state, (base_text){text.data + 2, text.length - 3}, value);
    case TOKEN_DOLLAR_STRING: {
        const char *second = memchr(text.data + 1, '$', text.length - 1);
        size_t tag = (size_t)(second - text.data) + 1;
        *value = (base_text){text.data + tag, text.length - 2 * tag};
        return BASE_OK;
    }
    default:
        *value = text;
        return BASE_OK;
    }
}

/* ---- Names -------------------------------------------------------------------------------- */

bool parser_at_name(const parser_state *state)
{
    if (state->token.kind == TOKEN_QUOTED_NAME)
        return true;
    return state->token.kind == TOKEN_WORD &&
           parser_keyword_use_of((parser_keyword)state->token.keyword) != PARSER_WORD_RESERVED;
}

bool parser_at_bare_alias(const parser_state *state)
{
    if (state->token.kind == TOKEN_QUOTED_NAME)
        return true;
    return state->token.kind == TOKEN_WORD &&
           parser_keyword_use_of((parser_keyword)state->token.keyword) == PARSER_WORD_FREE;
}

static base_status take_name(parser_state *state, parser_name *name)
{
    name->position = state->token.position;
    RETURN_IF_ERROR(parser_token_value(state, &state->token, &name->text));
    parser_advance(state);
    return BASE_OK;
}

base_status parser_parse_name(parser_state *state, const char *what, parser_name *name)
{
    if (!parser_at_name(state))
        return parser_unexpected(state, what);
    return take_name(state, name);
}

base_status parser_parse_label(parser_state *state, bool strings, parser_name *name)
{
    bool fits =
        parser_is(state, TOKEN_WORD) || parser_is(state, TOKEN_QUOTED_NAME) ||
        (strings && parser_is(state, TOKEN_STRING) && state->token.end - state->token.position > 2);
    if (!fits)
        return parser_unexpected(state, "a name");
    return take_name(state, name);
}

base_status parser_parse_object(parser_state *state, const char *what, parser_object *object)
{
    RETURN_IF_ERROR(parser_parse_name(state, what, &object->name));
    if (!parser_accept(state, TOKEN_DOT))
        return BASE_OK;
    object->schema = object->name;
    return parser_parse_label(state, false, &object->name);
}

base_status parser_parse_name_list(parser_state *state, const char *what, parser_name **names,
                                   uint32_t *count)
{
    parser_list list = {0};
    RETURN_IF_ERROR(parser_expect(state, TOKEN_OPEN));
    do {
        parser_name *name = parser_push(state, &list, sizeof *name);
        if (!name)
            return BASE_OUT_OF_MEMORY;
        RETURN_IF_ERROR(parser_parse_name(state, what, name));
    } while (parser_accept(state, TOKEN_COMMA));
    *names = list.items;
    *count = list.count;
    return parser_expect(state, TOKEN_CLOSE);
}

base_status parser_parse_alias(parser_state *state, parser_name *alias)
{
    if (parser_accept_word(state, WORD_AS))
        return parser_parse_label(state, true, alias);
    if (parser_at_bare_alias(state))
        return take_name(state, alias);
    return BASE_OK;
}

base_status parser_parse_if_not_exists(parser_state *state, bool *found)
{
    *found = false;
    if (!parser_at(state, WORD_IF) || !parser_peek_word(state, 1, WORD_NOT))
        return BASE_OK;
    parser_advance(state);
    parser_advance(state);
    *found = true;
    return parser_expect_word(state, WORD_EXISTS);
}

base_status parser_parse_if_exists(parser_state *state, bool *found)
{
    *found = parser_accept_words(state, WORD_IF, WORD_EXISTS);
    return BASE_OK;
}
