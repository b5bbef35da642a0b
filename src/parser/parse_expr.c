/*
 * parse_expr.c - operators: precedence climbing.
 *
 * The ladder is PostgreSQL's (parser_int.h): OR, AND, NOT, IS, comparison, membership, all
 * other operators, + -, * / %, ^, AT TIME ZONE, COLLATE, signs, ::. Looser than PostgreSQL:
 * comparisons chain from the left, as in SQLite, and NOT may stand wherever an operand may
 * (`a = NOT b`).
 *
 * AND, OR and || chains become one node, so that ten thousand ORed terms are not ten thousand
 * levels; every other left-leaning chain is bounded by the tree height that each node carries.
 */
#include "parser/parser_int.h"

parser_expr *parser_expr_new(parser_state *state, parser_expr_kind kind, int32_t position,
                             uint32_t argument_count)
{
    size_t size = sizeof(parser_expr) + argument_count * sizeof(parser_expr *);
    parser_expr *expr = base_arena_allocate_zeroed(state->arena, size);
    if (!expr) {
        parser_no_memory(state);
        return NULL;
    }
    expr->kind = (uint8_t)kind;
    expr->position = position;
    expr->end = state->last_end;
    expr->height = 1;
    expr->argument_count = argument_count;
    expr->arguments = argument_count ? (parser_expr **)(expr + 1) : NULL;
    return expr;
}

uint32_t parser_height_of(parser_expr *const *exprs, uint32_t count)
{
    uint32_t height = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (exprs[i])
            parser_raise(&height, exprs[i]->height);
    }
    return height;
}

uint32_t parser_height_of_keys(const parser_sort_key *keys, uint32_t count)
{
    uint32_t height = 0;
    for (uint32_t i = 0; i < count; i++)
        parser_raise(&height, keys[i].expr->height);
    return height;
}

base_status parser_expr_finish(parser_state *state, parser_expr *expr, uint32_t below)
{
    uint32_t height = parser_height_of(expr->arguments, expr->argument_count);
    parser_raise(&height, below);
    height++;
    RETURN_IF_ERROR(parser_check_height(state, height, expr->position));
    expr->height = (uint16_t)height;
    expr->end = state->last_end;
    return BASE_OK;
}

/* ---- Making nodes of operators ------------------------------------------------------------- */

static base_status make_binary(parser_state *state, parser_expr_kind kind, parser_expr *left,
                               parser_expr *right, parser_expr **expr)
{
    parser_expr *made = parser_expr_new(state, kind, left->position, 2);
    if (!made)
        return BASE_OUT_OF_MEMORY;
    made->arguments[0] = left;
    made->arguments[1] = right;
    *expr = made;
    return parser_expr_finish(state, made, 0);
}

static base_status make_unary(parser_state *state, parser_expr_kind kind, int32_t position,
                              parser_expr *argument, parser_expr **expr)
{
    parser_expr *made = parser_expr_new(state, kind, position, 1);
    if (!made)
        return BASE_OUT_OF_MEMORY;
    made->arguments[0] = argument;
    *expr = made;
    return parser_expr_finish(state, made, 0);
}

/* AND, OR and || with all operands of the chain; the first operator is the current token. */
static base_status parse_chain(parser_state *state, parser_expr_kind kind, int precedence,
                               parser_expr **left)
{
    parser_token operator_token = state->token;
    parser_list list = {0};
    parser_expr **place = parser_push(state, &list, sizeof *place);
    if (!place)
        return BASE_OUT_OF_MEMORY;
    *place = *left;
    while (state->token.kind == operator_token.kind &&
           state->token.keyword == operator_token.keyword) {
        parser_advance(state);
        place = parser_push(state, &list, sizeof *place);
        if (!place)
            return BASE_OUT_OF_MEMORY;
        parser_expr *right;
        RETURN_IF_ERROR(parser_expression_at(state, precedence + 1, &right));
        *place = right;
    }
    parser_expr *made = parser_expr_new(state, kind, (*left)->position, 0);
    if (!made)
        return BASE_OUT_OF_MEMORY;
    made->argument_count = list.count;
    made->arguments = list.items;
    if (kind == PARSER_EXPR_OPERATOR)
        made->text = BASE_TEXT("||");
    *left = made;
    return parser_expr_finish(state, made, 0);
}

/* ---- The ladder ----------------------------------------------------------------------------- */

static int not_precedence(parser_state *state)
{
    switch (parser_peek(state, 1)->keyword) {
    case WORD_IN:
    case WORD_BETWEEN:
    case WORD_LIKE:
    case WORD_ILIKE:
    case WORD_GLOB:
    case WORD_REGEXP:
    case WORD_RLIKE:
    case WORD_SIMILAR:
        return PRECEDENCE_MEMBER;
    case WORD_NULL: /* SQLite: x NOT NULL */
        return PRECEDENCE_IS;
    default:
        return 0;
    }
}

static int word_precedence(parser_state *state)
{
    switch (state->token.keyword) {
    case WORD_OR:
        return PRECEDENCE_OR;
    case WORD_AND:
        return PRECEDENCE_AND;
    case WORD_IS:
    case WORD_ISNULL:
    case WORD_NOTNULL:
        return PRECEDENCE_IS;
    case WORD_IN:
    case WORD_BETWEEN:
    case WORD_LIKE:
    case WORD_ILIKE:
    case WORD_GLOB:
    case WORD_REGEXP:
    case WORD_RLIKE:
        return PRECEDENCE_MEMBER;
    case WORD_SIMILAR:
        return parser_peek_word(state, 1, WORD_TO) ? PRECEDENCE_MEMBER : 0;
    case WORD_NOT:
        return not_precedence(state);
    case WORD_AT:
        return parser_peek_word(state, 1, WORD_TIME) ? PRECEDENCE_AT : 0;
    case WORD_COLLATE:
        return PRECEDENCE_COLLATE;
    default:
        return 0;
    }
}

/* How tightly the current token binds as an infix operator; 0: it is none. */
static int infix_precedence(parser_state *state)
{
    switch ((parser_token_kind)state->token.kind) {
    case TOKEN_WORD:
        return word_precedence(state);
    case TOKEN_EQUAL:
    case TOKEN_NOT_EQUAL:
    case TOKEN_LESS:
    case TOKEN_LESS_EQUAL:
    case TOKEN_GREATER:
    case TOKEN_GREATER_EQUAL:
    case TOKEN_NULL_EQUAL:
        return PRECEDENCE_COMPARE;
    case TOKEN_MATCH:
    case TOKEN_TILDE:
    case TOKEN_CONCAT:
    case TOKEN_OPERATOR:
        return PRECEDENCE_OTHER;
    case TOKEN_PLUS:
    case TOKEN_MINUS:
        return PRECEDENCE_ADD;
    case TOKEN_STAR:
    case TOKEN_SLASH:
    case TOKEN_PERCENT:
        return PRECEDENCE_MULTIPLY;
    case TOKEN_CARET:
        return PRECEDENCE_POWER;
    default:
        return 0;
    }
}

static bool comparison_of(parser_token_kind kind, parser_comparison *comparison)
{
    switch (kind) {
    case TOKEN_EQUAL:
        *comparison = PARSER_EQUAL;
        return true;
    case TOKEN_NOT_EQUAL:
        *comparison = PARSER_NOT_EQUAL;
        return true;
    case TOKEN_LESS:
        *comparison = PARSER_LESS;
        return true;
    case TOKEN_LESS_EQUAL:
        *comparison = PARSER_LESS_EQUAL;
        return true;
    case TOKEN_GREATER:
        *comparison = PARSER_GREATER;
        return true;
    case TOKEN_GREATER_EQUAL:
        *comparison = PARSER_GREATER_EQUAL;
        return true;
    default:
        return false;
    }
}

/* left op ANY | SOME | ALL ( query ); the quantifier is current. */
static base_status parse_quantified(parser_state *state, parser_comparison comparison,
                                    parser_expr **left)
{
    bool all = parser_at(state, WORD_ALL);
    parser_advance(state);
    RETURN_IF_ERROR(parser_expect(state, TOKEN_OPEN));
    parser_parenthesis content;
    int32_t position = state->token.position;
    RETURN_IF_ERROR(parser_parenthesised(state, &content));
    if (!content.query) {
        base_error_set_at(state->error, BASE_NOT_SUPPORTED, position, "%s takes a subquery here",
                          all ? "ALL" : "ANY");
        return BASE_NOT_SUPPORTED;
    }
    parser_expr *made = parser_expr_new(state, PARSER_EXPR_QUANTIFIED, (*left)->position, 1);
    if (!made)
        return BASE_OUT_OF_MEMORY;
    made->arguments[0] = *left;
    made->quantified.comparison = comparison;
    made->quantified.all = all;
    made->quantified.query = content.query;
    *left = made;
    return parser_expr_finish(state, made, content.query->height);
}

static base_status parse_comparison(parser_state *state, parser_expr **left)
{
    parser_token_kind kind = (parser_token_kind)state->token.kind;
    parser_comparison comparison = PARSER_EQUAL;
    bool compares = comparison_of(kind, &comparison);
    parser_advance(state);
    bool quantifier =
        (parser_at(state, WORD_ANY) || parser_at(state, WORD_SOME) || parser_at(state, WORD_ALL)) &&
        parser_peek_is(state, 1, TOKEN_OPEN);
    if (compares && quantifier)
        return parse_quantified(state, comparison, left);

    parser_expr *right;
    RETURN_IF_ERROR(parser_expression_at(state, PRECEDENCE_COMPARE + 1, &right));
    RETURN_IF_ERROR(make_binary(state, compares ? PARSER_EXPR_COMPARE : PARSER_EXPR_IS_DISTINCT,
                                *left, right, left));
    if (compares)
        (*left)->comparison = comparison;
    else
        (*left)->negated = true; /* <=> */
    return BASE_OK;
}

/* IS [NOT] ...; IS is current. */
static base_status parse_is(parser_state *state, parser_expr **left)
{
    int32_t position = (*left)->position;
    parser_advance(state);
    bool negated = parser_accept_word(state, WORD_NOT);
    if (parser_accept_word(state, WORD_NULL) || parser_accept_word(state, WORD_UNKNOWN)) {
        RETURN_IF_ERROR(make_unary(state, PARSER_EXPR_IS_NULL, position, *left, left));
        (*left)->negated = negated;
        return BASE_OK;
    }
    if (parser_at(state, WORD_TRUE) || parser_at(state, WORD_FALSE)) {
        bool truth = parser_at(state, WORD_TRUE);
        parser_advance(state);
        RETURN_IF_ERROR(make_unary(state, PARSER_EXPR_IS_TRUTH, position, *left, left));
        (*left)->negated = negated;
        (*left)->truth = truth;
        return BASE_OK;
    }
    bool distinct = parser_accept_words(state, WORD_DISTINCT, WORD_FROM);
    parser_expr *right;
    RETURN_IF_ERROR(parser_expression_at(state, PRECEDENCE_IS + 1, &right));
    RETURN_IF_ERROR(make_binary(state, PARSER_EXPR_IS_DISTINCT, *left, right, left));
    /* SQLite's `a IS b` asks for equality; IS NOT DISTINCT FROM likewise. */
    (*left)->negated = distinct == negated;
    return BASE_OK;
}

/* x IN ( ... ) | x IN table; behind IN. */
static base_status parse_in(parser_state *state, bool negated, parser_expr **left)
{
    int32_t position = (*left)->position;
    parser_parenthesis content = {0};
    if (parser_accept(state, TOKEN_OPEN)) {
        RETURN_IF_ERROR(parser_parenthesised(state, &content));
    } else {
        parser_object table = {0};
        int32_t table_position = state->token.position;
        RETURN_IF_ERROR(parser_parse_object(state, "\"(\" or a table name", &table));
        RETURN_IF_ERROR(parser_query_over(state, &table, table_position, &content.query));
    }
    uint32_t count = content.query ? 1 : 1 + content.count;
    parser_expr *made = parser_expr_new(
        state, content.query ? PARSER_EXPR_IN_QUERY : PARSER_EXPR_IN_LIST, position, count);
    if (!made)
        return BASE_OUT_OF_MEMORY;
    made->arguments[0] = *left;
    if (content.query)
        made->query = content.query;
    else if (content.count)
        memcpy(made->arguments + 1, content.exprs, content.count * sizeof *content.exprs);
    made->negated = negated;
    *left = made;
    return parser_expr_finish(state, made, content.query ? content.query->height : 0);
}

static base_status parse_between(parser_state *state, bool negated, parser_expr **left)
{
    bool symmetric = parser_accept_text(state, "symmetric");
    if (!symmetric)
        (void)parser_accept_text(state, "asymmetric");
    parser_expr *low, *high;
    RETURN_IF_ERROR(parser_expression_at(state, PRECEDENCE_MEMBER + 1, &low));
    RETURN_IF_ERROR(parser_expect_word(state, WORD_AND));
    RETURN_IF_ERROR(parser_expression_at(state, PRECEDENCE_MEMBER + 1, &high));
    parser_expr *made = parser_expr_new(state, PARSER_EXPR_BETWEEN, (*left)->position, 3);
    if (!made)
        return BASE_OUT_OF_MEMORY;
    made->arguments[0] = *left;
    made->arguments[1] = low;
    made->arguments[2] = high;
    made->symmetric = symmetric;
    made->negated = negated;
    *left = made;
    return parser_expr_finish(state, made, 0);
}

/* Pattern, then ESCAPE; the operator has been read. */
static base_status parse_like(parser_state *state, parser_like_kind kind, bool negated,
                              int precedence, parser_expr **left)
{
    parser_expr *pattern, *escape = NULL;
    RETURN_IF_ERROR(parser_expression_at(state, precedence + 1, &pattern));
    if (kind <= PARSER_SIMILAR && parser_accept_word(state, WORD_ESCAPE))
        RETURN_IF_ERROR(parser_expression_at(state, precedence + 1, &escape));
    parser_expr *made = parser_expr_new(state, PARSER_EXPR_LIKE, (*left)->position, escape ? 3 : 2);
    if (!made)
        return BASE_OUT_OF_MEMORY;
    made->arguments[0] = *left;
    made->arguments[1] = pattern;
    if (escape)
        made->arguments[2] = escape;
    made->like = kind;
    made->negated = negated;
    *left = made;
    return parser_expr_finish(state, made, 0);
}

/* [NOT] IN | BETWEEN | LIKE | ...; NOT or the operator is current. */
static base_status parse_membership(parser_state *state, parser_expr **left)
{
    bool negated = parser_accept_word(state, WORD_NOT);
    parser_keyword keyword = (parser_keyword)state->token.keyword;
    parser_advance(state);
    switch (keyword) {
    case WORD_IN:
        return parse_in(state, negated, left);
    case WORD_BETWEEN:
        return parse_between(state, negated, left);
    case WORD_LIKE:
        return parse_like(state, PARSER_LIKE, negated, PRECEDENCE_MEMBER, left);
    case WORD_ILIKE:
        return parse_like(state, PARSER_ILIKE, negated, PRECEDENCE_MEMBER, left);
    case WORD_GLOB:
        return parse_like(state, PARSER_GLOB, negated, PRECEDENCE_MEMBER, left);
    case WORD_SIMILAR:
        RETURN_IF_ERROR(parser_expect_word(state, WORD_TO));
        return parse_like(state, PARSER_SIMILAR, negated, PRECEDENCE_MEMBER, left);
    default:
        BASE_ASSERT(keyword == WORD_REGEXP || keyword == WORD_RLIKE);
        return parse_like(state, PARSER_REGEXP, negated, PRECEDENCE_MEMBER, left);
    }
}

/* PostgreSQL's operator spellings of LIKE and of regular expressions. */
static base_status parse_match_operator(parser_state *state, parser_expr **left)
{
    base_text text = parser_token_text(state, &state->token);
    bool negated = text.data[0] == '!';
    if (negated)
        text = (base_text){text.data + 1, text.length - 1};
    bool folded = text.data[text.length - 1] == '*';
    bool like = text.length >= 2 && text.data[1] == '~';
    parser_like_kind kind = like     ? (folded ? PARSER_ILIKE : PARSER_LIKE)
                            : folded ? PARSER_REGEXP_FOLDED
                                     : PARSER_REGEXP;
    parser_advance(state);
    return parse_like(state, kind, negated, PRECEDENCE_OTHER, left);
}

static base_status parse_is_level(parser_state *state, parser_expr **left)
{
    if (parser_at(state, WORD_IS))
        return parse_is(state, left);
    bool negated = !parser_at(state, WORD_ISNULL);
    if (parser_accept_word(state, WORD_NOT))
        RETURN_IF_ERROR(parser_expect_word(state, WORD_NULL));
    else
        parser_advance(state); /* ISNULL, NOTNULL */
    RETURN_IF_ERROR(make_unary(state, PARSER_EXPR_IS_NULL, (*left)->position, *left, left));
    (*left)->negated = negated;
    return BASE_OK;
}

static base_status parse_arithmetic(parser_state *state, int precedence, parser_expr **left)
{
    base_text text = parser_token_text(state, &state->token);
    if (parser_is(state, TOKEN_CARET))
        text = BASE_TEXT("^"); /* ** likewise */
    parser_advance(state);
    parser_expr *right;
    RETURN_IF_ERROR(parser_expression_at(state, precedence + 1, &right));
    RETURN_IF_ERROR(make_binary(state, PARSER_EXPR_OPERATOR, *left, right, left));
    (*left)->text = text;
    return BASE_OK;
}

static base_status parse_at_time_zone(parser_state *state, parser_expr **left)
{
    parser_advance(state);
    RETURN_IF_ERROR(parser_expect_word(state, WORD_TIME));
    RETURN_IF_ERROR(parser_expect_word(state, WORD_ZONE));
    parser_expr *arguments[2] = {NULL, *left};
    RETURN_IF_ERROR(parser_expression_at(state, PRECEDENCE_AT + 1, &arguments[0]));
    return parser_make_call(state, "timezone", (*left)->position, 2, arguments, left);
}

static base_status parse_collate(parser_state *state, parser_expr **left)
{
    parser_name collation = {0};
    parser_advance(state);
    RETURN_IF_ERROR(parser_parse_name(state, "a collation's name", &collation));
    RETURN_IF_ERROR(make_unary(state, PARSER_EXPR_COLLATE, (*left)->position, *left, left));
    (*left)->text = collation.text;
    return BASE_OK;
}

/* The infix operator that is current, with what follows it. */
static base_status parse_infix(parser_state *state, int precedence, parser_expr **left)
{
    switch (precedence) {
    case PRECEDENCE_OR:
        return parse_chain(state, PARSER_EXPR_OR, precedence, left);
    case PRECEDENCE_AND:
        return parse_chain(state, PARSER_EXPR_AND, precedence, left);
    case PRECEDENCE_IS:
        return parse_is_level(state, left);
    case PRECEDENCE_COMPARE:
        return parse_comparison(state, left);
    case PRECEDENCE_MEMBER:
        return parse_membership(state, left);
    case PRECEDENCE_OTHER:
        if (parser_is(state, TOKEN_CONCAT))
            return parse_chain(state, PARSER_EXPR_OPERATOR, precedence, left);
        if (parser_is(state, TOKEN_MATCH) || parser_is(state, TOKEN_TILDE))
            return parse_match_operator(state, left);
        return parse_arithmetic(state, precedence, left);
    case PRECEDENCE_AT:
        return parse_at_time_zone(state, left);
    case PRECEDENCE_COLLATE:
        return parse_collate(state, left);
    default:
        return parse_arithmetic(state, precedence, left);
    }
}

/* -5 is a number, not an operation: so that the smallest integer can be written. */
static base_status negate(parser_state *state, int32_t position, parser_expr *operand,
                          parser_expr **expr)
{
    if (operand->kind == PARSER_EXPR_NUMBER && operand->text.data[0] != '-' &&
        state->sql.data[operand->position] != '(') {
        char *text = base_arena_format(state->arena, "-%.*s", BASE_TEXT_ARGUMENTS(operand->text));
        if (!text)
            return parser_no_memory(state);
        operand->text = (base_text){text, operand->text.length + 1};
        operand->position = position;
        *expr = operand;
        return BASE_OK;
    }
    RETURN_IF_ERROR(make_unary(state, PARSER_EXPR_OPERATOR, position, operand, expr));
    (*expr)->text = BASE_TEXT("-");
    return BASE_OK;
}

static base_status parse_prefix(parser_state *state, parser_expr **expr)
{
    int32_t position = state->token.position;
    if (parser_accept(state, TOKEN_PLUS))
        return parser_expression_at(state, PRECEDENCE_UNARY, expr);
    if (parser_accept(state, TOKEN_MINUS)) {
        parser_expr *operand;
        RETURN_IF_ERROR(parser_expression_at(state, PRECEDENCE_UNARY, &operand));
        return negate(state, position, operand, expr);
    }
    if (parser_accept(state, TOKEN_TILDE)) {
        parser_expr *operand;
        RETURN_IF_ERROR(parser_expression_at(state, PRECEDENCE_UNARY, &operand));
        RETURN_IF_ERROR(make_unary(state, PARSER_EXPR_OPERATOR, position, operand, expr));
        (*expr)->text = BASE_TEXT("~");
        return BASE_OK;
    }
    if (parser_accept_word(state, WORD_NOT)) {
        parser_expr *operand;
        RETURN_IF_ERROR(parser_expression_at(state, PRECEDENCE_NOT, &operand));
        return make_unary(state, PARSER_EXPR_NOT, position, operand, expr);
    }
    RETURN_IF_ERROR(parser_primary(state, expr));
    return parser_postfix(state, expr);
}

base_status parser_expression_after(parser_state *state, int precedence, parser_expr **expr)
{
    for (;;) {
        int infix = infix_precedence(state);
        if (!infix || infix < precedence)
            return BASE_OK;
        RETURN_IF_ERROR(parse_infix(state, infix, expr));
    }
}

base_status parser_expression_at(parser_state *state, int precedence, parser_expr **expr)
{
    *expr = NULL;
    RETURN_IF_ERROR(parser_enter(state));
    base_status status = parse_prefix(state, expr);
    if (status == BASE_OK)
        status = parser_expression_after(state, precedence, expr);
    parser_leave(state);
    return status;
}

base_status parser_expression(parser_state *state, parser_expr **expr)
{
    return parser_expression_at(state, PRECEDENCE_ANY, expr);
}

base_status parser_expression_list(parser_state *state, parser_expr ***exprs, uint32_t *count)
{
    parser_list list = {0};
    do {
        parser_expr *expr;
        RETURN_IF_ERROR(parser_expression(state, &expr));
        parser_expr **place = parser_push(state, &list, sizeof *place);
        if (!place)
            return BASE_OUT_OF_MEMORY;
        *place = expr;
    } while (parser_accept(state, TOKEN_COMMA));
    *exprs = list.items;
    *count = list.count;
    return BASE_OK;
}
