/*
 * lexer.c - bytes to tokens.
 *
 * A pure function of text and offset: it keeps no state, allocates nothing and never fails.
 * What is no token comes out as TOKEN_BAD with the reason, and becomes an error only when the
 * parser arrives there; so looking ahead cannot report an error before an earlier one.
 * Values (quotes removed, escapes resolved) are made later, by the parser, for the tokens that
 * it keeps.
 *
 * Bytes from 0x80 are letters: names may hold any UTF-8 (the session checks the encoding of
 * the whole text once).
 */
#include "parser/parser_int.h"

static bool is_blank(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}
static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}
static bool is_word_start(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}
static bool is_word_part(unsigned char c)
{
    return is_word_start(c) || is_digit(c) || c == '$';
}

/* The text with a NUL read beyond its end, so that looking one byte ahead needs no check. */
typedef struct reader {
    const unsigned char *data;
    size_t length;
} reader;

static unsigned char byte_at(const reader *in, size_t offset)
{
    return offset < in->length ? in->data[offset] : 0;
}

/* Behind blanks and comments; `*open` is set when a block comment does not end. Block comments
 * nest, as in the standard. */
static size_t skip_blanks(const reader *in, size_t at, bool *open)
{
    *open = false;
    for (;;) {
        unsigned char c = byte_at(in, at);
        if (is_blank(c)) {
            at++;
        } else if (c == '-' && byte_at(in, at + 1) == '-') {
            while (at < in->length && in->data[at] != '\n')
                at++;
        } else if (c == '/' && byte_at(in, at + 1) == '*') {
            size_t start = at;
            uint32_t depth = 0;
            do {
                if (at >= in->length) {
                    *open = true;
                    return start;
                }
                if (in->data[at] == '/' && byte_at(in, at + 1) == '*') {
                    depth++;
                    at += 2;
                } else if (in->data[at] == '*' && byte_at(in, at + 1) == '/') {
                    depth--;
                    at += 2;
                } else {
                    at++;
                }
            } while (depth);
        } else if (at == 0 && c == 0xEF && byte_at(in, 1) == 0xBB && byte_at(in, 2) == 0xBF) {
            at = 3; /* a byte order mark */
        } else {
            return at;
        }
    }
}

static parser_token token_of(parser_token_kind kind, size_t position, size_t end)
{
    return (parser_token){
        .kind = (uint8_t)kind, .position = (int32_t)position, .end = (int32_t)end};
}
static parser_token bad_token(parser_bad bad, size_t position, size_t end)
{
    parser_token token = token_of(TOKEN_BAD, position, end);
    token.bad = (uint8_t)bad;
    return token;
}

/* From the opening quote at `at`; a doubled quote stands for one. 0: it does not end. */
static size_t quoted_end(const reader *in, size_t at, bool backslashes)
{
    unsigned char quote = in->data[at++];
    while (at < in->length) {
        if (in->data[at] == quote) {
            if (byte_at(in, at + 1) != quote)
                return at + 1;
            at += 2;
        } else if (backslashes && in->data[at] == '\\') {
            at += 2;
        } else {
            at++;
        }
    }
    return 0;
}

static parser_token lex_quoted(const reader *in, size_t position, size_t quote,
                               parser_token_kind kind)
{
    size_t end = quoted_end(in, quote, kind == TOKEN_ESCAPE_STRING);
    if (!end)
        return bad_token(kind == TOKEN_QUOTED_NAME ? BAD_NAME_END : BAD_STRING_END, position,
                         in->length);
    if (kind == TOKEN_QUOTED_NAME && end - quote == 2)
        return bad_token(BAD_NAME_EMPTY, position, end);
    if (kind == TOKEN_BLOB) {
        size_t digits = end - quote - 2;
        for (size_t i = quote + 1; i < end - 1; i++) {
            unsigned char c = in->data[i] | 0x20;
            if (!is_digit(c) && !(c >= 'a' && c <= 'f'))
                return bad_token(BAD_BLOB, position, end);
        }
        if (digits % 2)
            return bad_token(BAD_BLOB, position, end);
    }
    return token_of(kind, position, end);
}

static parser_token lex_word(const reader *in, size_t position)
{
    unsigned char first = in->data[position];
    if (byte_at(in, position + 1) == '\'') {
        if (first == 'x' || first == 'X')
            return lex_quoted(in, position, position + 1, TOKEN_BLOB);
        if (first == 'e' || first == 'E')
            return lex_quoted(in, position, position + 1, TOKEN_ESCAPE_STRING);
    }
    size_t end = position + 1;
    while (is_word_part(byte_at(in, end)))
        end++;
    parser_token token = token_of(TOKEN_WORD, position, end);
    base_text word = {(const char *)in->data + position, end - position};
    token.keyword = (uint16_t)parser_keyword_find(word);
    return token;
}

/* Digits with single underscores between them. */
static size_t digits_end(const reader *in, size_t at)
{
    while (is_digit(byte_at(in, at)) ||
           (byte_at(in, at) == '_' && is_digit(byte_at(in, at + 1)) && is_digit(in->data[at - 1])))
        at++;
    return at;
}

static parser_token lex_number(const reader *in, size_t position)
{
    size_t at = position;
    unsigned char marker = byte_at(in, at + 1) | 0x20;
    if (in->data[at] == '0' && (marker == 'x' || marker == 'o' || marker == 'b')) {
        at += 2;
        size_t first = at;
        while (is_word_part(byte_at(in, at))) {
            unsigned char c = in->data[at] | 0x20;
            bool fits = marker == 'x'   ? is_digit(c) || (c >= 'a' && c <= 'f')
                        : marker == 'o' ? in->data[at] >= '0' && in->data[at] <= '7'
                                        : in->data[at] == '0' || in->data[at] == '1';
            if (!fits && !(in->data[at] == '_' && at > first))
                return bad_token(BAD_NUMBER, position, at + 1);
            at++;
        }
        return at == first ? bad_token(BAD_NUMBER, position, at)
                           : token_of(TOKEN_NUMBER, position, at);
    }
    if (in->data[at] != '.')
        at = digits_end(in, at);
    if (byte_at(in, at) == '.') {
        at++;
        if (is_digit(byte_at(in, at)))
            at = digits_end(in, at);
    }
    if ((byte_at(in, at) | 0x20) == 'e') {
        size_t exponent = at + 1;
        if (byte_at(in, exponent) == '+' || byte_at(in, exponent) == '-')
            exponent++;
        if (is_digit(byte_at(in, exponent)))
            at = digits_end(in, exponent);
    }
    if (is_word_part(byte_at(in, at))) {
        while (is_word_part(byte_at(in, at)))
            at++;
        return bad_token(BAD_NUMBER, position, at);
    }
    return token_of(TOKEN_NUMBER, position, at);
}

/* $1, $name or $tag$...$tag$. */
static parser_token lex_dollar(const reader *in, size_t position)
{
    size_t at = position + 1;
    while (is_word_part(byte_at(in, at)) && byte_at(in, at) != '$')
        at++;
    bool digits = is_digit(byte_at(in, position + 1));
    if (byte_at(in, at) == '$' && !digits) {
        size_t tag = at + 1 - position;
        for (size_t end = at + 1; end + tag <= in->length; end++) {
            if (in->data[end] == '$' && memcmp(in->data + end, in->data + position, tag) == 0)
                return token_of(TOKEN_DOLLAR_STRING, position, end + tag);
        }
        return bad_token(BAD_STRING_END, position, in->length);
    }
    if (at == position + 1)
        return bad_token(BAD_PARAMETER, position, at);
    return token_of(TOKEN_PARAMETER, position, at);
}

static parser_token lex_parameter(const reader *in, size_t position)
{
    size_t at = position + 1;
    if (in->data[position] == '?') {
        while (is_digit(byte_at(in, at)))
            at++;
        return token_of(TOKEN_PARAMETER, position, at);
    }
    if (!is_word_start(byte_at(in, at)) && !is_digit(byte_at(in, at)))
        return bad_token(BAD_PARAMETER, position, at);
    while (is_word_part(byte_at(in, at)))
        at++;
    return token_of(TOKEN_PARAMETER, position, at);
}

/* Operators: the frequent ones first, and longer ones before those that they begin with. */
static const struct {
    char text[5];
    uint8_t kind;
} operators[] = {
    {",", TOKEN_COMMA},       {"(", TOKEN_OPEN},           {")", TOKEN_CLOSE},
    {".", TOKEN_DOT},         {"!~~*", TOKEN_MATCH},       {"<=>", TOKEN_NULL_EQUAL},
    {"->>", TOKEN_OPERATOR},  {"!~~", TOKEN_MATCH},        {"!~*", TOKEN_MATCH},
    {"~~*", TOKEN_MATCH},     {"::", TOKEN_CAST},          {"||", TOKEN_CONCAT},
    {"<<", TOKEN_OPERATOR},   {">>", TOKEN_OPERATOR},      {"->", TOKEN_OPERATOR},
    {"==", TOKEN_EQUAL},      {"!=", TOKEN_NOT_EQUAL},     {"<>", TOKEN_NOT_EQUAL},
    {"<=", TOKEN_LESS_EQUAL}, {">=", TOKEN_GREATER_EQUAL}, {"!~", TOKEN_MATCH},
    {"~~", TOKEN_MATCH},      {"~*", TOKEN_MATCH},         {"**", TOKEN_CARET},
    {";", TOKEN_SEMICOLON},   {"+", TOKEN_PLUS},           {"-", TOKEN_MINUS},
    {"*", TOKEN_STAR},        {"/", TOKEN_SLASH},          {"%", TOKEN_PERCENT},
    {"^", TOKEN_CARET},       {"&", TOKEN_OPERATOR},       {"|", TOKEN_OPERATOR},
    {"#", TOKEN_OPERATOR},    {"~", TOKEN_TILDE},          {"=", TOKEN_EQUAL},
    {"<", TOKEN_LESS},        {">", TOKEN_GREATER},
};

static parser_token lex_operator(const reader *in, size_t position)
{
    for (size_t i = 0; i < BASE_COUNT_OF(operators); i++) {
        const char *text = operators[i].text;
        size_t length = 0;
        while (text[length] && byte_at(in, position + length) == (unsigned char)text[length])
            length++;
        if (!text[length])
            return token_of((parser_token_kind)operators[i].kind, position, position + length);
    }
    return bad_token(BAD_CHARACTER, position, position + 1);
}

parser_token parser_lex(base_text sql, size_t offset)
{
    reader in = {(const unsigned char *)sql.data, sql.length};
    bool open;
    size_t at = skip_blanks(&in, offset, &open);
    if (open)
        return bad_token(BAD_COMMENT_END, at, in.length);
    if (at >= in.length)
        return token_of(TOKEN_END, in.length, in.length);

    unsigned char c = in.data[at];
    if (is_word_start(c))
        return lex_word(&in, at);
    if (is_digit(c) || (c == '.' && is_digit(byte_at(&in, at + 1))))
        return lex_number(&in, at);
    switch (c) {
    case '\'':
        return lex_quoted(&in, at, at, TOKEN_STRING);
    case '"':
    case '`':
        return lex_quoted(&in, at, at, TOKEN_QUOTED_NAME);
    case '$':
        return lex_dollar(&in, at);
    case '?':
    case '@':
        return lex_parameter(&in, at);
    case ':':
        if (byte_at(&in, at + 1) != ':')
            return lex_parameter(&in, at);
        return lex_operator(&in, at);
    default:
        return lex_operator(&in, at);
    }
}

bool parser_is_complete(base_text sql, size_t *end, bool *blank)
{
    size_t offset = 0;
    *blank = true;
    for (;;) {
        parser_token token = parser_lex(sql, offset);
        if (token.kind == TOKEN_END ||
            (token.kind == TOKEN_BAD && (token.bad == BAD_STRING_END || token.bad == BAD_NAME_END ||
                                         token.bad == BAD_COMMENT_END))) {
            if (token.kind == TOKEN_BAD)
                *blank = false;
            *end = sql.length;
            return false;
        }
        if (token.kind == TOKEN_SEMICOLON) {
            if (!*blank) {
                *end = (size_t)token.end;
                return true;
            }
        } else {
            *blank = false;
        }
        offset = (size_t)token.end;
    }
}

bool parser_needs_quotes(base_text name)
{
    if (!name.length)
        return true;
    parser_token token = parser_lex(name, 0);
    return token.kind != TOKEN_WORD || (size_t)token.end != name.length || token.position != 0 ||
           parser_keyword_use_of((parser_keyword)token.keyword) != PARSER_WORD_FREE;
}
