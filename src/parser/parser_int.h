/*
 * parser_int.h - tokens, the parser's state and the helpers its files share.
 */
#ifndef PARSER_PARSER_INT_H
#define PARSER_PARSER_INT_H

#include "parser/parser.h"
#include "parser/keyword.h"

/* ---- Tokens (lexer.c) --------------------------------------------------------------------- */

typedef enum parser_token_kind {
    TOKEN_END,
    TOKEN_WORD,          /* unquoted; `keyword` is set where it is one */
    TOKEN_QUOTED_NAME,   /* "x" or `x` */
    TOKEN_STRING,        /* '...' */
    TOKEN_ESCAPE_STRING, /* E'...' */
    TOKEN_DOLLAR_STRING, /* $tag$...$tag$ */
    TOKEN_BLOB,          /* x'...' */
    TOKEN_NUMBER,
    TOKEN_PARAMETER, /* ?, ?1, $1, $name, :name, @name */
    TOKEN_COMMA,
    TOKEN_DOT,
    TOKEN_SEMICOLON,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_CAST, /* :: */
    TOKEN_PLUS,
    TOKEN_MINUS,
    TOKEN_STAR,
    TOKEN_SLASH,
    TOKEN_PERCENT,
    TOKEN_CARET,
    TOKEN_CONCAT,   /* || */
    TOKEN_OPERATOR, /* &, |, <<, >>, ->, ->>, #: binary operators without their own token */
    TOKEN_TILDE,    /* ~ : prefix bitwise NOT, infix regular expression */
    TOKEN_MATCH,    /* ~*, !~, !~*, ~~, ~~*, !~~, !~~* */
    TOKEN_EQUAL,
    TOKEN_NOT_EQUAL,
    TOKEN_LESS,
    TOKEN_LESS_EQUAL,
    TOKEN_GREATER,
    TOKEN_GREATER_EQUAL,
    TOKEN_NULL_EQUAL, /* <=> */
    TOKEN_BAD,        /* `bad` says why */
} parser_token_kind;

typedef enum parser_bad {
    BAD_NONE,
    BAD_CHARACTER,
    BAD_STRING_END,
    BAD_NAME_END,
    BAD_NAME_EMPTY,
    BAD_COMMENT_END,
    BAD_NUMBER,
    BAD_BLOB,
    BAD_PARAMETER,
} parser_bad;

typedef struct parser_token {
    uint8_t kind;     /* parser_token_kind */
    uint8_t bad;      /* parser_bad */
    uint16_t keyword; /* parser_keyword */
    int32_t position, end;
} parser_token;

/* The token at or after `offset`; blanks and comments are skipped. */
parser_token parser_lex(base_text sql, size_t offset);

/* ---- State (parse_support.c) -------------------------------------------------------------- */

enum {
    PARSER_LOOKAHEAD = 6
};

typedef struct parser_state {
    base_text sql;
    base_arena *arena;
    base_error *error;
    parser_token token;                   /* the current one */
    parser_token ahead[PARSER_LOOKAHEAD]; /* those behind it that were looked at */
    uint32_t ahead_count;
    parser_token last; /* the token consumed last */
    int32_t last_end;  /* where it ended */
    uint32_t depth;    /* of the recursion */
    bool parameters_allowed;
    uint32_t parameter_count;
    uint32_t parameter_capacity;
    parser_name *parameter_names;
} parser_state;

void parser_state_init(parser_state *state, base_text sql, size_t offset, base_arena *arena,
                       base_error *error);
void parser_advance(parser_state *state);
/* The token `distance` (1..PARSER_LOOKAHEAD) behind the current one. */
const parser_token *parser_peek(parser_state *state, uint32_t distance);

BASE_INLINE bool parser_is(const parser_state *state, parser_token_kind kind)
{
    return state->token.kind == kind;
}
BASE_INLINE bool parser_at(const parser_state *state, parser_keyword keyword)
{
    return state->token.keyword == keyword;
}
bool parser_accept(parser_state *state, parser_token_kind kind);
bool parser_accept_word(parser_state *state, parser_keyword keyword);
/* Two words in a row, or nothing is taken. */
bool parser_accept_words(parser_state *state, parser_keyword first, parser_keyword second);
/* A word that is no keyword, compared without case ("ordinality"). */
bool parser_at_text(const parser_state *state, const char *word);
bool parser_accept_text(parser_state *state, const char *word);
BASE_MUST_USE base_status parser_expect(parser_state *state, parser_token_kind kind);
BASE_MUST_USE base_status parser_expect_word(parser_state *state, parser_keyword keyword);
bool parser_peek_is(parser_state *state, uint32_t distance, parser_token_kind kind);
bool parser_peek_word(parser_state *state, uint32_t distance, parser_keyword keyword);

/* The error for the current token. `expected` says in words what could stand here. */
base_status parser_unexpected(parser_state *state, const char *expected);
base_status parser_no_memory(parser_state *state);

/* Recursion: enter answers BASE_LIMIT beyond PARSER_MAX_DEPTH. */
BASE_MUST_USE base_status parser_enter(parser_state *state);
BASE_INLINE void parser_leave(parser_state *state)
{
    BASE_ASSERT(state->depth > 0);
    state->depth--;
}

/* An array that grows in the arena; the elements are zeroed. */
typedef struct parser_list {
    void *items;
    uint32_t count, capacity;
} parser_list;
/* Room for one more element; NULL without memory. */
void *parser_push(parser_state *state, parser_list *list, size_t element_size);

base_text parser_token_text(const parser_state *state, const parser_token *token);
/* Texts of string and name tokens, without quotes. NULL data: no memory. */
BASE_MUST_USE base_status parser_token_value(parser_state *state, const parser_token *token,
                                             base_text *value);

/* Names. `what` is for the message: "a table name". */
BASE_MUST_USE base_status parser_parse_name(parser_state *state, const char *what,
                                            parser_name *name);
/* After AS or a dot: reserved words too; strings where `strings` says so. */
BASE_MUST_USE base_status parser_parse_label(parser_state *state, bool strings, parser_name *name);
BASE_MUST_USE base_status parser_parse_object(parser_state *state, const char *what,
                                              parser_object *object);
/* ( name, name, ... ) including the parentheses. */
BASE_MUST_USE base_status parser_parse_name_list(parser_state *state, const char *what,
                                                 parser_name **names, uint32_t *count);
/* [AS] alias; leaves `alias` empty where none stands. */
BASE_MUST_USE base_status parser_parse_alias(parser_state *state, parser_name *alias);
bool parser_at_name(const parser_state *state);
/* A word that may be an alias without AS. */
bool parser_at_bare_alias(const parser_state *state);
/* IF NOT EXISTS, IF EXISTS. */
BASE_MUST_USE base_status parser_parse_if_not_exists(parser_state *state, bool *found);
BASE_MUST_USE base_status parser_parse_if_exists(parser_state *state, bool *found);

/* ---- Expressions (parse_expr.c, parse_primary.c, parse_call.c, parse_type.c) --------------- */

enum parser_precedence {
    PRECEDENCE_ANY = 1,
    PRECEDENCE_OR = 1,
    PRECEDENCE_AND,
    PRECEDENCE_NOT,
    PRECEDENCE_IS,
    PRECEDENCE_COMPARE,
    PRECEDENCE_MEMBER, /* IN, BETWEEN, LIKE */
    PRECEDENCE_OTHER,  /* || and all other operators */
    PRECEDENCE_ADD,
    PRECEDENCE_MULTIPLY,
    PRECEDENCE_POWER,
    PRECEDENCE_AT, /* AT TIME ZONE */
    PRECEDENCE_COLLATE,
    PRECEDENCE_UNARY,
};

BASE_MUST_USE base_status parser_expression(parser_state *state, parser_expr **expr);
BASE_MUST_USE base_status parser_expression_at(parser_state *state, int precedence,
                                               parser_expr **expr);
/* Goes on after an operand that was read already. */
BASE_MUST_USE base_status parser_expression_after(parser_state *state, int precedence,
                                                  parser_expr **expr);
BASE_MUST_USE base_status parser_primary(parser_state *state, parser_expr **expr);
BASE_MUST_USE base_status parser_postfix(parser_state *state, parser_expr **expr);
BASE_MUST_USE base_status parser_expression_list(parser_state *state, parser_expr ***exprs,
                                                 uint32_t *count);

/* What stands in parentheses: one query, or expressions. Starts behind "(" and ends behind
 * ")". An empty pair gives no query and no expressions. */
typedef struct parser_parenthesis {
    parser_query *query; /* NULL: expressions */
    uint32_t count;
    parser_expr **exprs;
} parser_parenthesis;
BASE_MUST_USE base_status parser_parenthesised(parser_state *state, parser_parenthesis *content);

/* An expression with room for `argument_count` arguments. */
parser_expr *parser_expr_new(parser_state *state, parser_expr_kind kind, int32_t position,
                             uint32_t argument_count);
/* Sets `end` and the height from the arguments and `below` (what hangs elsewhere). */
BASE_MUST_USE base_status parser_expr_finish(parser_state *state, parser_expr *expr,
                                             uint32_t below);
uint32_t parser_height_of(parser_expr *const *exprs, uint32_t count);
uint32_t parser_height_of_keys(const parser_sort_key *keys, uint32_t count);

/* name ( ... ): a call, `parts` read already and "(" current. */
BASE_MUST_USE base_status parser_call_of(parser_state *state, const parser_name *parts,
                                         uint32_t part_count, parser_expr **expr);
/* Forms with words inside (CAST, EXTRACT, TRIM, ...): `*expr` stays NULL when the current
 * token begins none. */
BASE_MUST_USE base_status parser_special_form(parser_state *state, parser_expr **expr);
/* A call made by the parser itself. */
BASE_MUST_USE base_status parser_make_call(parser_state *state, const char *name, int32_t position,
                                           uint32_t argument_count, parser_expr **arguments,
                                           parser_expr **expr);
BASE_MUST_USE base_status parser_make_string(parser_state *state, base_text text, int32_t position,
                                             parser_expr **expr);
/* The body of a window: ( [base] [PARTITION BY] [ORDER BY] [frame] ), "(" current. */
BASE_MUST_USE base_status parser_window_body(parser_state *state, parser_window *window);
uint32_t parser_height_of_window(const parser_window *window);
/* INTERVAL literal; INTERVAL is the current token. */
BASE_MUST_USE base_status parser_interval(parser_state *state, parser_expr **expr);
bool parser_begins_interval(parser_state *state);
/* DATE '...', TIMESTAMP(3) '...', any_type '...'. */
bool parser_begins_typed_literal(parser_state *state);
BASE_MUST_USE base_status parser_typed_literal(parser_state *state, parser_expr **expr);
BASE_MUST_USE base_status parser_type_name(parser_state *state, parser_type *type);

/* ---- Queries (parse_query.c, parse_from.c) ------------------------------------------------- */

bool parser_begins_query(const parser_state *state); /* SELECT, VALUES, WITH, TABLE; not "(" */
/* WITH, the body, ORDER BY, LIMIT, locks. */
BASE_MUST_USE base_status parser_query_of(parser_state *state, parser_query **query);
/* Goes on after a parenthesised query: set operations, ORDER BY, LIMIT. */
BASE_MUST_USE base_status parser_query_after(parser_state *state, parser_query **query);
/* Whether the current token could go on with a query that stood in parentheses. */
bool parser_continues_query(const parser_state *state);
BASE_MUST_USE base_status parser_with_clause(parser_state *state, parser_with *with);
BASE_MUST_USE base_status parser_order_by(parser_state *state, parser_sort_key **keys,
                                          uint32_t *count);
BASE_MUST_USE base_status parser_limit(parser_state *state, parser_expr **limit,
                                       parser_expr **offset, bool *with_ties);
BASE_MUST_USE base_status parser_select_items(parser_state *state, parser_select_item **items,
                                              uint32_t *count);
BASE_MUST_USE base_status parser_from_clause(parser_state *state, parser_from **from);
/* SELECT * FROM object: for IN t and TABLE t. */
BASE_MUST_USE base_status parser_query_over(parser_state *state, const parser_object *object,
                                            int32_t position, parser_query **query);
void parser_raise(uint32_t *height, uint32_t other);
BASE_MUST_USE base_status parser_check_height(parser_state *state, uint32_t height,
                                              int32_t position);

/* ---- Statements --------------------------------------------------------------------------- */

/* Each begins at its first word and ends behind its last token. */
typedef base_status (*parser_statement_rule)(parser_state *state, parser_statement *statement);
base_status parser_statement_of(parser_state *state, parser_statement **statement);
base_status parser_insert_statement(parser_state *state, parser_statement *statement);
base_status parser_update_statement(parser_state *state, parser_statement *statement);
base_status parser_delete_statement(parser_state *state, parser_statement *statement);
base_status parser_truncate_statement(parser_state *state, parser_statement *statement);
base_status parser_create_statement(parser_state *state, parser_statement *statement);
base_status parser_create_table_statement(parser_state *state, parser_statement *statement,
                                          bool temporary);
base_status parser_drop_statement(parser_state *state, parser_statement *statement);
base_status parser_alter_statement(parser_state *state, parser_statement *statement);
base_status parser_begin_statement(parser_state *state, parser_statement *statement);
base_status parser_start_statement(parser_state *state, parser_statement *statement);
base_status parser_commit_statement(parser_state *state, parser_statement *statement);
base_status parser_rollback_statement(parser_state *state, parser_statement *statement);
base_status parser_savepoint_statement(parser_state *state, parser_statement *statement);
base_status parser_release_statement(parser_state *state, parser_statement *statement);
base_status parser_transaction_modes(parser_state *state, parser_transaction *transaction);
base_status parser_copy_statement(parser_state *state, parser_statement *statement);
base_status parser_pragma_statement(parser_state *state, parser_statement *statement);
base_status parser_set_statement(parser_state *state, parser_statement *statement);
base_status parser_reset_statement(parser_state *state, parser_statement *statement);
base_status parser_show_statement(parser_state *state, parser_statement *statement);
base_status parser_describe_statement(parser_state *state, parser_statement *statement);
base_status parser_explain_statement(parser_state *state, parser_statement *statement);
base_status parser_reindex_statement(parser_state *state, parser_statement *statement);
base_status parser_maintenance_statement(parser_state *state, parser_statement *statement);

/* Pieces of definitions that CREATE TABLE and ALTER TABLE share. */
BASE_MUST_USE base_status parser_column_definition(parser_state *state, parser_column *column);
BASE_MUST_USE base_status parser_table_constraint(parser_state *state,
                                                  parser_constraint *constraint);
bool parser_begins_table_constraint(parser_state *state);
BASE_MUST_USE base_status parser_index_parts(parser_state *state, parser_index_part **parts,
                                             uint32_t *count);
BASE_MUST_USE base_status parser_conflict_word(parser_state *state, parser_conflict *conflict);

#endif
