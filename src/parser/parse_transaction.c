/*
 * parse_transaction.c - BEGIN, COMMIT, ROLLBACK, savepoints.
 */
#include "parser/parser_int.h"

static base_status new_transaction(parser_state *state, parser_statement *statement,
                                   parser_statement_kind kind)
{
    statement->kind = kind;
    statement->transaction =
        base_arena_allocate_zeroed(state->arena, sizeof *statement->transaction);
    if (!statement->transaction)
        return parser_no_memory(state);
    parser_advance(state);
    return BASE_OK;
}

static void noise_words(parser_state *state)
{
    if (!parser_accept_word(state, WORD_TRANSACTION))
        (void)parser_accept_word(state, WORD_WORK);
}

static base_status isolation_level(parser_state *state, parser_isolation *isolation)
{
    if (parser_accept_word(state, WORD_READ)) {
        if (parser_accept_word(state, WORD_UNCOMMITTED)) {
            *isolation = PARSER_READ_UNCOMMITTED;
            return BASE_OK;
        }
        *isolation = PARSER_READ_COMMITTED;
        return parser_expect_word(state, WORD_COMMITTED);
    }
    if (parser_accept_word(state, WORD_REPEATABLE)) {
        *isolation = PARSER_REPEATABLE_READ;
        return parser_expect_word(state, WORD_READ);
    }
    if (parser_accept_word(state, WORD_SNAPSHOT)) {
        *isolation = PARSER_REPEATABLE_READ;
        return BASE_OK;
    }
    *isolation = PARSER_SERIALIZABLE;
    if (parser_accept_word(state, WORD_SERIALIZABLE))
        return BASE_OK;
    return parser_unexpected(state, "READ COMMITTED, REPEATABLE READ, SNAPSHOT or SERIALIZABLE");
}

base_status parser_transaction_modes(parser_state *state, parser_transaction *transaction)
{
    for (;;) {
        if (parser_accept_word(state, WORD_ISOLATION)) {
            RETURN_IF_ERROR(parser_expect_word(state, WORD_LEVEL));
            RETURN_IF_ERROR(isolation_level(state, &transaction->isolation));
        } else if (parser_accept_words(state, WORD_READ, WORD_ONLY)) {
            transaction->access = PARSER_READ_ONLY;
        } else if (parser_accept_words(state, WORD_READ, WORD_WRITE)) {
            transaction->access = PARSER_READ_WRITE;
        } else if (parser_accept_word(state, WORD_SNAPSHOT)) {
            transaction->isolation = PARSER_REPEATABLE_READ;
        } else {
            return BASE_OK;
        }
        (void)parser_accept(state, TOKEN_COMMA);
    }
}

base_status parser_begin_statement(parser_state *state, parser_statement *statement)
{
    RETURN_IF_ERROR(new_transaction(state, statement, PARSER_STATEMENT_BEGIN));
    /* SQLite's lock modes: locks are by row here, and taken when needed. */
    if (!parser_accept_word(state, WORD_DEFERRED) && !parser_accept_word(state, WORD_IMMEDIATE))
        (void)parser_accept_word(state, WORD_EXCLUSIVE);
    noise_words(state);
    return parser_transaction_modes(state, statement->transaction);
}

base_status parser_start_statement(parser_state *state, parser_statement *statement)
{
    RETURN_IF_ERROR(new_transaction(state, statement, PARSER_STATEMENT_BEGIN));
    RETURN_IF_ERROR(parser_expect_word(state, WORD_TRANSACTION));
    return parser_transaction_modes(state, statement->transaction);
}

base_status parser_commit_statement(parser_state *state, parser_statement *statement)
{
    RETURN_IF_ERROR(new_transaction(state, statement, PARSER_STATEMENT_COMMIT));
    noise_words(state);
    return BASE_OK;
}

base_status parser_rollback_statement(parser_state *state, parser_statement *statement)
{
    RETURN_IF_ERROR(new_transaction(state, statement, PARSER_STATEMENT_ROLLBACK));
    noise_words(state);
    if (!parser_accept_word(state, WORD_TO))
        return BASE_OK;
    if (!parser_peek_is(state, 1, TOKEN_END) && !parser_peek_is(state, 1, TOKEN_SEMICOLON))
        (void)parser_accept_word(state, WORD_SAVEPOINT);
    return parser_parse_name(state, "a savepoint's name", &statement->transaction->savepoint);
}

base_status parser_savepoint_statement(parser_state *state, parser_statement *statement)
{
    RETURN_IF_ERROR(new_transaction(state, statement, PARSER_STATEMENT_SAVEPOINT));
    return parser_parse_name(state, "a savepoint's name", &statement->transaction->savepoint);
}

base_status parser_release_statement(parser_state *state, parser_statement *statement)
{
    RETURN_IF_ERROR(new_transaction(state, statement, PARSER_STATEMENT_RELEASE));
    if (!parser_peek_is(state, 1, TOKEN_END) && !parser_peek_is(state, 1, TOKEN_SEMICOLON))
        (void)parser_accept_word(state, WORD_SAVEPOINT);
    return parser_parse_name(state, "a savepoint's name", &statement->transaction->savepoint);
}
