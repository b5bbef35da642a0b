/*
 * parse_object.c - CREATE INDEX and VIEW, DROP, ALTER TABLE.
 */
#include "parser/parser_int.h"

static base_status create_index(parser_state *state, parser_statement *statement, bool unique)
{
    parser_create_index *index = base_arena_allocate_zeroed(state->arena, sizeof *index);
    if (!index)
        return parser_no_memory(state);
    statement->kind = PARSER_STATEMENT_CREATE_INDEX;
    statement->create_index = index;
    index->unique = unique;
    parser_advance(state);
    RETURN_IF_ERROR(parser_parse_if_not_exists(state, &index->if_not_exists));
    if (!parser_at(state, WORD_ON))
        RETURN_IF_ERROR(parser_parse_object(state, "an index name", &index->name));
    RETURN_IF_ERROR(parser_expect_word(state, WORD_ON));
    (void)parser_accept_word(state, WORD_ONLY);
    RETURN_IF_ERROR(parser_parse_object(state, "a table name", &index->table));
    state->parameters_allowed = false;
    if (parser_accept_word(state, WORD_USING))
        RETURN_IF_ERROR(parser_parse_name(state, "an index kind", &index->method));
    RETURN_IF_ERROR(parser_index_parts(state, &index->parts, &index->part_count));
    if (parser_accept_word(state, WORD_USING)) /* MySQL puts it last */
        RETURN_IF_ERROR(parser_parse_name(state, "an index kind", &index->method));
    if (parser_accept_word(state, WORD_WHERE))
        RETURN_IF_ERROR(parser_expression(state, &index->where));
    return BASE_OK;
}

static base_status create_view(parser_state *state, parser_statement *statement, bool temporary,
                               bool or_replace)
{
    parser_create_view *view = base_arena_allocate_zeroed(state->arena, sizeof *view);
    if (!view)
        return parser_no_memory(state);
    statement->kind = PARSER_STATEMENT_CREATE_VIEW;
    statement->create_view = view;
    view->temporary = temporary;
    view->or_replace = or_replace;
    parser_advance(state);
    RETURN_IF_ERROR(parser_parse_if_not_exists(state, &view->if_not_exists));
    RETURN_IF_ERROR(parser_parse_object(state, "a view name", &view->name));
    if (parser_is(state, TOKEN_OPEN))
        RETURN_IF_ERROR(
            parser_parse_name_list(state, "a column name", &view->columns, &view->column_count));
    RETURN_IF_ERROR(parser_expect_word(state, WORD_AS));
    state->parameters_allowed = false;
    return parser_query_of(state, &view->query);
}

base_status parser_create_statement(parser_state *state, parser_statement *statement)
{
    parser_advance(state);
    bool or_replace = parser_accept_words(state, WORD_OR, WORD_REPLACE);
    bool temporary =
        parser_accept_word(state, WORD_TEMP) || parser_accept_word(state, WORD_TEMPORARY);
    if (parser_at(state, WORD_VIEW))
        return create_view(state, statement, temporary, or_replace);
    if (!or_replace && parser_at(state, WORD_TABLE))
        return parser_create_table_statement(state, statement, temporary);
    if (!or_replace && !temporary) {
        if (parser_at(state, WORD_INDEX))
            return create_index(state, statement, false);
        if (parser_at(state, WORD_UNIQUE)) {
            parser_advance(state);
            if (parser_at(state, WORD_INDEX))
                return create_index(state, statement, true);
            return parser_unexpected(state, "INDEX");
        }
    }
    /* Known kinds of objects that there are none of yet: say so, instead of "syntax error". */
    static const char *const absent[] = {"trigger",  "sequence", "schema", "function",  "type",
                                         "database", "role",     "user",   "extension", "virtual"};
    for (size_t i = 0; i < BASE_COUNT_OF(absent); i++) {
        if (parser_at_text(state, absent[i]))
            return base_error_set_at(state->error, BASE_NOT_SUPPORTED, state->token.position,
                                     "CREATE %.*s is not available",
                                     BASE_TEXT_ARGUMENTS(parser_token_text(state, &state->token)));
    }
    return parser_unexpected(state, "TABLE, INDEX or VIEW");
}

base_status parser_drop_statement(parser_state *state, parser_statement *statement)
{
    parser_drop *drop = base_arena_allocate_zeroed(state->arena, sizeof *drop);
    if (!drop)
        return parser_no_memory(state);
    statement->kind = PARSER_STATEMENT_DROP;
    statement->drop = drop;
    parser_advance(state);
    (void)parser_accept_word(state, WORD_TEMPORARY);
    if (parser_accept_word(state, WORD_TABLE))
        drop->kind = PARSER_TABLE;
    else if (parser_accept_word(state, WORD_VIEW))
        drop->kind = PARSER_VIEW;
    else if (parser_accept_word(state, WORD_INDEX))
        drop->kind = PARSER_INDEX;
    else if (parser_accept_word(state, WORD_TRIGGER))
        drop->kind = PARSER_TRIGGER;
    else if (parser_accept_text(state, "schema"))
        drop->kind = PARSER_SCHEMA;
    else
        return parser_unexpected(state, "TABLE, INDEX or VIEW");
    RETURN_IF_ERROR(parser_parse_if_exists(state, &drop->if_exists));
    parser_list list = {0};
    do {
        parser_object *object = parser_push(state, &list, sizeof *object);
        if (!object)
            return BASE_OUT_OF_MEMORY;
        RETURN_IF_ERROR(parser_parse_object(state, "a name", object));
    } while (parser_accept(state, TOKEN_COMMA));
    drop->names = list.items;
    drop->count = list.count;
    if (parser_accept_word(state, WORD_ON))
        RETURN_IF_ERROR(parser_parse_object(state, "a table name", &drop->on_table));
    drop->cascade = parser_accept_word(state, WORD_CASCADE);
    if (!drop->cascade)
        (void)parser_accept_word(state, WORD_RESTRICT);
    return BASE_OK;
}

/* ---- ALTER TABLE -------------------------------------------------------------------------- */

static base_status alter_add(parser_state *state, parser_alter_table *alter)
{
    if (parser_begins_table_constraint(state)) {
        alter->kind = PARSER_ALTER_ADD_CONSTRAINT;
        return parser_table_constraint(state, &alter->constraint);
    }
    alter->kind = PARSER_ALTER_ADD_COLUMN;
    (void)parser_accept_word(state, WORD_COLUMN);
    RETURN_IF_ERROR(parser_parse_if_not_exists(state, &alter->if_column_not_exists));
    state->parameters_allowed = false;
    return parser_column_definition(state, &alter->column);
}

static base_status alter_drop(parser_state *state, parser_alter_table *alter)
{
    bool constraint = parser_accept_word(state, WORD_CONSTRAINT);
    alter->kind = constraint ? PARSER_ALTER_DROP_CONSTRAINT : PARSER_ALTER_DROP_COLUMN;
    if (!constraint)
        (void)parser_accept_word(state, WORD_COLUMN);
    RETURN_IF_ERROR(parser_parse_if_exists(state, &alter->if_column_exists));
    RETURN_IF_ERROR(parser_parse_name(state, constraint ? "a constraint's name" : "a column name",
                                      &alter->name));
    alter->cascade = parser_accept_word(state, WORD_CASCADE);
    if (!alter->cascade)
        (void)parser_accept_word(state, WORD_RESTRICT);
    return BASE_OK;
}

static base_status alter_rename(parser_state *state, parser_alter_table *alter)
{
    if (parser_accept_word(state, WORD_TO) || parser_accept_word(state, WORD_AS)) {
        alter->kind = PARSER_ALTER_RENAME_TABLE;
        return parser_parse_name(state, "a table name", &alter->new_name);
    }
    alter->kind = PARSER_ALTER_RENAME_COLUMN;
    (void)parser_accept_word(state, WORD_COLUMN);
    RETURN_IF_ERROR(parser_parse_name(state, "a column name", &alter->name));
    RETURN_IF_ERROR(parser_expect_word(state, WORD_TO));
    return parser_parse_name(state, "a column name", &alter->new_name);
}

static base_status alter_column(parser_state *state, parser_alter_table *alter)
{
    (void)parser_accept_word(state, WORD_COLUMN);
    RETURN_IF_ERROR(parser_parse_name(state, "a column name", &alter->name));
    if (parser_accept_word(state, WORD_DROP)) {
        if (parser_accept_word(state, WORD_DEFAULT)) {
            alter->kind = PARSER_ALTER_COLUMN_DROP_DEFAULT;
            return BASE_OK;
        }
        alter->kind = PARSER_ALTER_COLUMN_DROP_NOT_NULL;
        RETURN_IF_ERROR(parser_expect_word(state, WORD_NOT));
        return parser_expect_word(state, WORD_NULL);
    }
    bool set = parser_accept_word(state, WORD_SET);
    if (set && parser_accept_word(state, WORD_DEFAULT)) {
        alter->kind = PARSER_ALTER_COLUMN_SET_DEFAULT;
        state->parameters_allowed = false;
        return parser_expression(state, &alter->expr);
    }
    if (set && parser_accept_word(state, WORD_NOT)) {
        alter->kind = PARSER_ALTER_COLUMN_SET_NOT_NULL;
        return parser_expect_word(state, WORD_NULL);
    }
    if (set)
        RETURN_IF_ERROR(parser_expect_word(state, WORD_DATA));
    if (!parser_accept_text(state, "type"))
        return parser_unexpected(state, "TYPE, SET or DROP");
    alter->kind = PARSER_ALTER_COLUMN_TYPE;
    return parser_type_name(state, &alter->column.type);
}

base_status parser_alter_statement(parser_state *state, parser_statement *statement)
{
    parser_alter_table *alter = base_arena_allocate_zeroed(state->arena, sizeof *alter);
    if (!alter)
        return parser_no_memory(state);
    statement->kind = PARSER_STATEMENT_ALTER_TABLE;
    statement->alter_table = alter;
    parser_advance(state);
    alter->is_view = parser_accept_word(state, WORD_VIEW);
    if (!alter->is_view)
        RETURN_IF_ERROR(parser_expect_word(state, WORD_TABLE));
    RETURN_IF_ERROR(parser_parse_if_exists(state, &alter->if_exists));
    (void)parser_accept_word(state, WORD_ONLY);
    RETURN_IF_ERROR(parser_parse_object(state, "a table name", &alter->table));
    if (parser_accept_word(state, WORD_RENAME))
        return alter_rename(state, alter);
    if (!alter->is_view) {
        if (parser_accept_word(state, WORD_ADD))
            return alter_add(state, alter);
        if (parser_accept_word(state, WORD_DROP))
            return alter_drop(state, alter);
        if (parser_accept_word(state, WORD_ALTER))
            return alter_column(state, alter);
    }
    return parser_unexpected(state, alter->is_view ? "RENAME" : "ADD, DROP, ALTER or RENAME");
}
