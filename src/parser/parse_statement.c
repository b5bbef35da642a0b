/*
 * parse_statement.c - which statement it is, and the room's entry points.
 *
 * Statements are taken one by one: a script runs its first statements before the parser has
 * seen its last ones, as with SQLite, and a later syntax error does not undo them.
 */
#include "parser/parser_int.h"

static const struct statement_rule {
    uint16_t keyword;
    parser_statement_rule rule;
} statement_rules[] = {
    {WORD_INSERT, parser_insert_statement},
    {WORD_REPLACE, parser_insert_statement},
    {WORD_UPDATE, parser_update_statement},
    {WORD_DELETE, parser_delete_statement},
    {WORD_TRUNCATE, parser_truncate_statement},
    {WORD_CREATE, parser_create_statement},
    {WORD_DROP, parser_drop_statement},
    {WORD_ALTER, parser_alter_statement},
    {WORD_BEGIN, parser_begin_statement},
    {WORD_START, parser_start_statement},
    {WORD_COMMIT, parser_commit_statement},
    {WORD_END, parser_commit_statement},
    {WORD_ROLLBACK, parser_rollback_statement},
    {WORD_ABORT, parser_rollback_statement},
    {WORD_SAVEPOINT, parser_savepoint_statement},
    {WORD_RELEASE, parser_release_statement},
    {WORD_EXPLAIN, parser_explain_statement},
    {WORD_COPY, parser_copy_statement},
    {WORD_PRAGMA, parser_pragma_statement},
    {WORD_SET, parser_set_statement},
    {WORD_RESET, parser_reset_statement},
    {WORD_SHOW, parser_show_statement},
    {WORD_DESCRIBE, parser_describe_statement},
    {WORD_DESC, parser_describe_statement},
    {WORD_REINDEX, parser_reindex_statement},
    {WORD_VACUUM, parser_maintenance_statement},
    {WORD_ANALYZE, parser_maintenance_statement},
    {WORD_ANALYSE, parser_maintenance_statement},
    {WORD_CHECKPOINT, parser_maintenance_statement},
};

static parser_statement_rule rule_of(uint16_t keyword)
{
    for (size_t i = 0; i < BASE_COUNT_OF(statement_rules); i++) {
        if (statement_rules[i].keyword == keyword)
            return statement_rules[i].rule;
    }
    return NULL;
}

/* Statements of other systems that are known, but not made. */
static bool is_planned_statement(parser_state *state)
{
    static const char *const words[] = {"attach",  "call",   "comment",   "deallocate", "declare",
                                        "detach",  "do",     "execute",   "fetch",      "grant",
                                        "listen",  "lock",   "merge",     "notify",     "pivot",
                                        "prepare", "revoke", "summarize", "unpivot",    "use"};
    for (size_t i = 0; i < BASE_COUNT_OF(words); i++)
        if (parser_at_text(state, words[i]))
            return true;
    return false;
}

/* No statement begins with this word: the nearest that does goes into the hint. */
static base_status unknown_statement(parser_state *state)
{
    if (is_planned_statement(state)) {
        base_text name = parser_token_text(state, &state->token);
        return base_error_set_at(state->error, BASE_NOT_SUPPORTED, state->token.position,
                                 "%.*s is not available", BASE_TEXT_ARGUMENTS(name));
    }
    base_status status = parser_unexpected(state, "a statement");
    if (!parser_is(state, TOKEN_WORD))
        return status;
    static const uint16_t queries[] = {WORD_SELECT, WORD_WITH, WORD_VALUES};
    base_text word = parser_token_text(state, &state->token);
    uint32_t best = 3;
    parser_keyword nearest = WORD_NONE;
    for (size_t i = 0; i < BASE_COUNT_OF(statement_rules) + BASE_COUNT_OF(queries); i++) {
        uint16_t keyword = i < BASE_COUNT_OF(queries)
                               ? queries[i]
                               : statement_rules[i - BASE_COUNT_OF(queries)].keyword;
        base_text name = base_text_of(parser_keyword_name((parser_keyword)keyword));
        uint32_t distance = base_text_distance(word, name, 2);
        if (distance < best) {
            best = distance;
            nearest = (parser_keyword)keyword;
        }
    }
    if (nearest != WORD_NONE)
        base_error_set_hint(state->error, "did you mean %s?", parser_keyword_name(nearest));
    return status;
}

/* WITH before INSERT, UPDATE, DELETE goes to the change; before a query it is the query's. */
static base_status with_statement(parser_state *state, parser_statement *statement)
{
    parser_state before = *state;
    parser_with with = {0};
    RETURN_IF_ERROR(parser_with_clause(state, &with));
    if (parser_at(state, WORD_INSERT) || parser_at(state, WORD_REPLACE)) {
        RETURN_IF_ERROR(parser_insert_statement(state, statement));
        statement->insert->with = with;
    } else if (parser_at(state, WORD_UPDATE)) {
        RETURN_IF_ERROR(parser_update_statement(state, statement));
        statement->update->with = with;
    } else if (parser_at(state, WORD_DELETE)) {
        RETURN_IF_ERROR(parser_delete_statement(state, statement));
        statement->delete_from->with = with;
    } else {
        /* Read again as one query: the WITH clause is small beside what follows it, and the
         * parameters keep their numbers because the state goes back with the text. */
        *state = before;
        statement->kind = PARSER_STATEMENT_QUERY;
        return parser_query_of(state, &statement->query);
    }
    return BASE_OK;
}

base_status parser_statement_of(parser_state *state, parser_statement **statement)
{
    parser_statement *made = base_arena_allocate_zeroed(state->arena, sizeof *made);
    if (!made)
        return parser_no_memory(state);
    *statement = made;
    made->position = state->token.position;
    parser_statement_rule rule =
        parser_is(state, TOKEN_WORD) ? rule_of(state->token.keyword) : NULL;
    if (rule) {
        RETURN_IF_ERROR(rule(state, made));
    } else if (parser_at(state, WORD_WITH)) {
        RETURN_IF_ERROR(with_statement(state, made));
    } else if (parser_begins_query(state) || parser_is(state, TOKEN_OPEN)) {
        made->kind = PARSER_STATEMENT_QUERY;
        RETURN_IF_ERROR(parser_query_of(state, &made->query));
    } else {
        return unknown_statement(state);
    }
    made->end = state->last_end;
    return BASE_OK;
}

/* Behind the semicolon that ends the statement in which an error was found. */
static size_t skip_statement(base_text sql, size_t offset)
{
    for (;;) {
        parser_token token = parser_lex(sql, offset);
        if (token.kind == TOKEN_END)
            return sql.length;
        offset = (size_t)token.end;
        if (token.kind == TOKEN_SEMICOLON)
            return offset;
    }
}

static base_status check_size(base_text sql, base_error *error)
{
    if (sql.length <= INT32_MAX - 16)
        return BASE_OK;
    return base_error_set(error, BASE_LIMIT, "the statement's text is larger than 2 GiB");
}

base_status parser_parse(base_text sql, size_t *offset, base_arena *arena,
                         parser_statement **statement, base_error *error)
{
    *statement = NULL;
    BASE_ASSERT(*offset <= sql.length);
    RETURN_IF_ERROR(check_size(sql, error));
    parser_state state;
    parser_state_init(&state, sql, *offset, arena, error);
    while (parser_accept(&state, TOKEN_SEMICOLON)) {
    }
    if (parser_is(&state, TOKEN_END)) {
        *offset = sql.length;
        return BASE_OK;
    }
    size_t start = (size_t)state.token.position;
    parser_statement *made = NULL;
    base_status status = parser_statement_of(&state, &made);
    if (status == BASE_OK && !parser_is(&state, TOKEN_END) && !parser_is(&state, TOKEN_SEMICOLON))
        status = parser_unexpected(&state, "the end of the statement");
    if (status != BASE_OK) {
        *offset = skip_statement(sql, start);
        return status;
    }
    *offset = (size_t)state.token.end;
    made->parameter_count = state.parameter_count;
    made->parameter_names = state.parameter_names;
    *statement = made;
    return BASE_OK;
}

base_status parser_parse_expr(base_text sql, base_arena *arena, parser_expr **expr,
                              base_error *error)
{
    RETURN_IF_ERROR(check_size(sql, error));
    parser_state state;
    parser_state_init(&state, sql, 0, arena, error);
    state.parameters_allowed = false;
    RETURN_IF_ERROR(parser_expression(&state, expr));
    return parser_is(&state, TOKEN_END) ? BASE_OK
                                        : parser_unexpected(&state, "the end of the expression");
}

base_status parser_parse_query(base_text sql, base_arena *arena, parser_query **query,
                               base_error *error)
{
    RETURN_IF_ERROR(check_size(sql, error));
    parser_state state;
    parser_state_init(&state, sql, 0, arena, error);
    state.parameters_allowed = false;
    RETURN_IF_ERROR(parser_query_of(&state, query));
    return parser_is(&state, TOKEN_END) ? BASE_OK
                                        : parser_unexpected(&state, "the end of the query");
}
