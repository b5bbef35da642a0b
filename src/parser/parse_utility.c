/*
 * parse_utility.c - COPY, PRAGMA, SET, SHOW, DESCRIBE, EXPLAIN and upkeep.
 *
 * Values of options and settings are expressions; a bare word (on, csv, full) is a string.
 */
#include "parser/parser_int.h"

static base_status option_value(parser_state *state, parser_expr **value)
{
    bool word = parser_is(state, TOKEN_WORD) && !parser_peek_is(state, 1, TOKEN_OPEN) &&
                !parser_at(state, WORD_TRUE) && !parser_at(state, WORD_FALSE) &&
                !parser_at(state, WORD_NULL) && !parser_at(state, WORD_DEFAULT) &&
                !parser_begins_typed_literal(state);
    if (!word)
        return parser_expression_at(state, PRECEDENCE_OTHER, value);
    parser_name name = {0};
    RETURN_IF_ERROR(parser_parse_label(state, false, &name));
    return parser_make_string(state, name.text, name.position, value);
}

/* ---- COPY --------------------------------------------------------------------------------- */

static base_status push_option(parser_state *state, parser_list *list, const char *name,
                               bool valued)
{
    parser_option *option = parser_push(state, list, sizeof *option);
    if (!option)
        return BASE_OUT_OF_MEMORY;
    option->name = (parser_name){base_text_of(name), state->token.position};
    if (!valued)
        return BASE_OK;
    if (!parser_accept(state, TOKEN_EQUAL))
        (void)parser_accept_word(state, WORD_AS);
    return option_value(state, &option->value);
}

/* (FORMAT csv, HEADER true, DELIMITER ';') */
static base_status copy_option_list(parser_state *state, parser_list *list)
{
    parser_advance(state);
    do {
        parser_option *option = parser_push(state, list, sizeof *option);
        if (!option)
            return BASE_OUT_OF_MEMORY;
        RETURN_IF_ERROR(parser_parse_label(state, false, &option->name));
        (void)parser_accept(state, TOKEN_EQUAL);
        if (!parser_is(state, TOKEN_COMMA) && !parser_is(state, TOKEN_CLOSE))
            RETURN_IF_ERROR(option_value(state, &option->value));
    } while (parser_accept(state, TOKEN_COMMA));
    return parser_expect(state, TOKEN_CLOSE);
}

/* CSV HEADER DELIMITER ';' NULL '': the older spelling. */
static base_status copy_option_words(parser_state *state, parser_list *list)
{
    static const char *const flags[] = {"header", "csv"};
    static const char *const valued[] = {"delimiter", "null",     "quote",
                                         "escape",    "encoding", "format"};
    bool found = true;
    while (found) {
        found = false;
        for (size_t i = 0; i < BASE_COUNT_OF(flags) && !found; i++) {
            found = parser_accept_text(state, flags[i]);
            if (found)
                RETURN_IF_ERROR(push_option(state, list, flags[i], false));
        }
        for (size_t i = 0; i < BASE_COUNT_OF(valued) && !found; i++) {
            found = parser_accept_text(state, valued[i]);
            if (found)
                RETURN_IF_ERROR(push_option(state, list, valued[i], true));
        }
    }
    return BASE_OK;
}

base_status parser_copy_statement(parser_state *state, parser_statement *statement)
{
    parser_copy *copy = base_arena_allocate_zeroed(state->arena, sizeof *copy);
    if (!copy)
        return parser_no_memory(state);
    statement->kind = PARSER_STATEMENT_COPY;
    statement->copy = copy;
    parser_advance(state);
    if (parser_accept(state, TOKEN_OPEN)) {
        RETURN_IF_ERROR(parser_query_of(state, &copy->query));
        RETURN_IF_ERROR(parser_expect(state, TOKEN_CLOSE));
    } else {
        RETURN_IF_ERROR(parser_parse_object(state, "a table name", &copy->table));
        if (parser_is(state, TOKEN_OPEN))
            RETURN_IF_ERROR(parser_parse_name_list(state, "a column name", &copy->columns,
                                                   &copy->column_count));
    }
    copy->from = !copy->query && parser_accept_word(state, WORD_FROM);
    if (!copy->from && !parser_accept_word(state, WORD_TO))
        return parser_unexpected(state, copy->query ? "TO" : "FROM or TO");
    if (parser_accept_text(state, copy->from ? "stdin" : "stdout")) {
        copy->standard_stream = true;
    } else {
        if (!parser_is(state, TOKEN_STRING))
            return parser_unexpected(state, copy->from ? "a path in single quotes, or STDIN"
                                                       : "a path in single quotes, or STDOUT");
        RETURN_IF_ERROR(parser_token_value(state, &state->token, &copy->path));
        parser_advance(state);
    }
    parser_list list = {0};
    (void)parser_accept_word(state, WORD_WITH);
    if (parser_is(state, TOKEN_OPEN))
        RETURN_IF_ERROR(copy_option_list(state, &list));
    else
        RETURN_IF_ERROR(copy_option_words(state, &list));
    copy->options = list.items;
    copy->option_count = list.count;
    return BASE_OK;
}

/* ---- Settings ----------------------------------------------------------------------------- */

base_status parser_pragma_statement(parser_state *state, parser_statement *statement)
{
    parser_object name = {0};
    statement->kind = PARSER_STATEMENT_PRAGMA;
    parser_advance(state);
    RETURN_IF_ERROR(parser_parse_object(state, "a pragma's name", &name));
    statement->setting.schema = name.schema;
    statement->setting.option.name = name.name;
    if (parser_accept(state, TOKEN_EQUAL))
        return option_value(state, &statement->setting.option.value);
    if (!parser_accept(state, TOKEN_OPEN))
        return BASE_OK;
    if (!parser_is(state, TOKEN_CLOSE))
        RETURN_IF_ERROR(option_value(state, &statement->setting.option.value));
    return parser_expect(state, TOKEN_CLOSE);
}

base_status parser_set_statement(parser_state *state, parser_statement *statement)
{
    parser_advance(state);
    if (!parser_peek_is(state, 1, TOKEN_EQUAL) && !parser_peek_word(state, 1, WORD_TO)) {
        if (!parser_accept_word(state, WORD_SESSION) && !parser_accept_text(state, "local"))
            (void)parser_accept_text(state, "global");
        if (parser_accept_text(state, "characteristics")) {
            RETURN_IF_ERROR(parser_expect_word(state, WORD_AS));
        }
    }
    if (parser_at(state, WORD_TRANSACTION)) {
        statement->kind = PARSER_STATEMENT_SET_TRANSACTION;
        statement->transaction =
            base_arena_allocate_zeroed(state->arena, sizeof *statement->transaction);
        if (!statement->transaction)
            return parser_no_memory(state);
        parser_advance(state);
        return parser_transaction_modes(state, statement->transaction);
    }
    statement->kind = PARSER_STATEMENT_SET;
    parser_object name = {0};
    if (parser_accept_words(state, WORD_TIME, WORD_ZONE)) {
        statement->setting.option.name = (parser_name){BASE_TEXT("timezone"), state->last_end};
        return option_value(state, &statement->setting.option.value);
    }
    RETURN_IF_ERROR(parser_parse_object(state, "a setting's name", &name));
    statement->setting.schema = name.schema;
    statement->setting.option.name = name.name;
    if (!parser_accept(state, TOKEN_EQUAL) && !parser_accept_word(state, WORD_TO))
        return parser_unexpected(state, "\"=\" or TO");
    return option_value(state, &statement->setting.option.value);
}

base_status parser_reset_statement(parser_state *state, parser_statement *statement)
{
    parser_object name = {0};
    statement->kind = PARSER_STATEMENT_SET;
    parser_advance(state);
    RETURN_IF_ERROR(parser_parse_object(state, "a setting's name", &name));
    statement->setting.schema = name.schema;
    statement->setting.option.name = name.name;
    statement->setting.option.value =
        parser_expr_new(state, PARSER_EXPR_DEFAULT, state->last_end, 0);
    return statement->setting.option.value ? BASE_OK : BASE_OUT_OF_MEMORY;
}

/* ---- SHOW, DESCRIBE, EXPLAIN ---------------------------------------------------------------- */

static base_status new_show(parser_state *state, parser_statement *statement,
                            parser_statement_kind kind)
{
    statement->kind = kind;
    statement->show = base_arena_allocate_zeroed(state->arena, sizeof *statement->show);
    if (!statement->show)
        return parser_no_memory(state);
    parser_advance(state);
    return BASE_OK;
}

base_status parser_show_statement(parser_state *state, parser_statement *statement)
{
    static const char *const of_tables[] = {"columns", "fields", "indexes", "index", "keys"};
    RETURN_IF_ERROR(new_show(state, statement, PARSER_STATEMENT_SHOW));
    parser_show *show = statement->show;
    show->what.position = state->token.position;
    if (parser_accept_word(state, WORD_CREATE)) {
        bool view = parser_accept_word(state, WORD_VIEW);
        if (!view)
            RETURN_IF_ERROR(parser_expect_word(state, WORD_TABLE));
        show->what.text = BASE_TEXT("create table");
        return parser_parse_object(state, "a table name", &show->object);
    }
    for (size_t i = 0; i < BASE_COUNT_OF(of_tables); i++) {
        bool follows = parser_peek_word(state, 1, WORD_FROM) || parser_peek_word(state, 1, WORD_IN);
        if (!follows || !parser_accept_text(state, of_tables[i]))
            continue;
        parser_advance(state);
        show->what.text = i < 2 ? BASE_TEXT("columns") : BASE_TEXT("indexes");
        return parser_parse_object(state, "a table name", &show->object);
    }
    if (parser_accept_words(state, WORD_TIME, WORD_ZONE)) {
        show->what.text = BASE_TEXT("timezone");
        return BASE_OK;
    }
    if (parser_at(state, WORD_TRANSACTION) && parser_peek_word(state, 1, WORD_ISOLATION)) {
        parser_advance(state);
        parser_advance(state);
        show->what.text = BASE_TEXT("transaction_isolation");
        return parser_expect_word(state, WORD_LEVEL);
    }
    return parser_parse_label(state, false, &show->what);
}

base_status parser_describe_statement(parser_state *state, parser_statement *statement)
{
    RETURN_IF_ERROR(new_show(state, statement, PARSER_STATEMENT_DESCRIBE));
    (void)parser_accept_word(state, WORD_TABLE);
    return parser_parse_object(state, "a table name", &statement->show->object);
}

base_status parser_explain_statement(parser_state *state, parser_statement *statement)
{
    statement->kind = PARSER_STATEMENT_EXPLAIN;
    parser_advance(state);
    if (parser_is(state, TOKEN_OPEN) && !parser_peek_word(state, 1, WORD_SELECT) &&
        !parser_peek_word(state, 1, WORD_WITH) && !parser_peek_is(state, 1, TOKEN_OPEN)) {
        parser_list options = {0};
        RETURN_IF_ERROR(copy_option_list(state, &options));
        const parser_option *option = options.items;
        for (uint32_t i = 0; i < options.count; i++) {
            if (base_text_equal_folded(option[i].name.text, BASE_TEXT("analyze")))
                statement->explain.analyze = true;
        }
    } else if (parser_accept_words(state, WORD_QUERY, WORD_PLAN)) {
        statement->explain.query_plan = true;
    } else {
        statement->explain.analyze =
            parser_accept_word(state, WORD_ANALYZE) || parser_accept_word(state, WORD_ANALYSE);
        (void)parser_accept_text(state, "verbose");
    }
    RETURN_IF_ERROR(parser_enter(state));
    base_status status = parser_statement_of(state, &statement->explain.statement);
    parser_leave(state);
    return status;
}

/* ---- Upkeep ------------------------------------------------------------------------------- */

base_status parser_reindex_statement(parser_state *state, parser_statement *statement)
{
    statement->kind = PARSER_STATEMENT_REINDEX;
    parser_advance(state);
    bool kind =
        (parser_at(state, WORD_TABLE) || parser_at(state, WORD_INDEX) ||
         parser_at(state, WORD_DATABASE)) &&
        (parser_peek_is(state, 1, TOKEN_WORD) || parser_peek_is(state, 1, TOKEN_QUOTED_NAME));
    if (kind)
        RETURN_IF_ERROR(parser_parse_label(state, false, &statement->reindex.kind));
    if (!parser_at_name(state))
        return BASE_OK;
    return parser_parse_object(state, "a table or index name", &statement->reindex.name);
}

base_status parser_maintenance_statement(parser_state *state, parser_statement *statement)
{
    statement->kind = parser_at(state, WORD_VACUUM)       ? PARSER_STATEMENT_VACUUM
                      : parser_at(state, WORD_CHECKPOINT) ? PARSER_STATEMENT_CHECKPOINT
                                                          : PARSER_STATEMENT_ANALYZE;
    parser_advance(state);
    if (statement->kind == PARSER_STATEMENT_VACUUM) {
        (void)parser_accept_word(state, WORD_FULL);
        (void)parser_accept_word(state, WORD_ANALYZE);
    } else if (statement->kind == PARSER_STATEMENT_ANALYZE) {
        (void)parser_accept_word(state, WORD_TABLE);
    }
    if (!parser_at_name(state))
        return BASE_OK;
    return parser_parse_object(state, "a table name", &statement->maintenance.name);
}
