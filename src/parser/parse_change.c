/*
 * parse_change.c - INSERT, REPLACE, UPDATE, DELETE, TRUNCATE.
 *
 * The spellings of four systems in one shape: OR IGNORE and INSERT IGNORE, ON CONFLICT and
 * ON DUPLICATE KEY UPDATE, DELETE with USING, LIMIT on changes. What a spelling means (or that
 * it means nothing here) is the binder's to say.
 */
#include "parser/parser_int.h"

/* Target tables take an alias only with AS, or a bare word that begins no clause. */
static base_status target_alias(parser_state *state, parser_name *alias)
{
    if (parser_accept_word(state, WORD_AS))
        return parser_parse_name(state, "an alias", alias);
    if (parser_at_bare_alias(state) && !parser_at(state, WORD_DEFAULT))
        return parser_parse_name(state, "an alias", alias);
    return BASE_OK;
}

base_status parser_conflict_word(parser_state *state, parser_conflict *conflict)
{
    if (parser_accept_word(state, WORD_ABORT))
        *conflict = PARSER_CONFLICT_ABORT;
    else if (parser_accept_word(state, WORD_ROLLBACK))
        *conflict = PARSER_CONFLICT_ROLLBACK;
    else if (parser_accept_word(state, WORD_FAIL))
        *conflict = PARSER_CONFLICT_FAIL;
    else if (parser_accept_word(state, WORD_IGNORE))
        *conflict = PARSER_CONFLICT_IGNORE;
    else if (parser_accept_word(state, WORD_REPLACE))
        *conflict = PARSER_CONFLICT_REPLACE;
    else
        return parser_unexpected(state, "REPLACE, IGNORE, ABORT, FAIL or ROLLBACK");
    return BASE_OK;
}

static base_status conflict_clause(parser_state *state, parser_conflict *conflict)
{
    if (parser_accept_word(state, WORD_OR))
        return parser_conflict_word(state, conflict);
    if (parser_accept_word(state, WORD_IGNORE)) /* MySQL */
        *conflict = PARSER_CONFLICT_IGNORE;
    return BASE_OK;
}

static base_status returning_clause(parser_state *state, parser_select_item **items,
                                    uint32_t *count)
{
    if (!parser_accept_word(state, WORD_RETURNING))
        return BASE_OK;
    return parser_select_items(state, items, count);
}

/* a = x | t.a = x | (a, b) = (x, y) */
static base_status assignment(parser_state *state, parser_assignment *made)
{
    if (parser_is(state, TOKEN_OPEN)) {
        RETURN_IF_ERROR(
            parser_parse_name_list(state, "a column name", &made->columns, &made->column_count));
    } else {
        made->columns = base_arena_allocate_array(state->arena, 1, sizeof *made->columns);
        if (!made->columns)
            return parser_no_memory(state);
        made->column_count = 1;
        RETURN_IF_ERROR(parser_parse_name(state, "a column name", &made->columns[0]));
        if (parser_accept(state, TOKEN_DOT))
            RETURN_IF_ERROR(parser_parse_label(state, false, &made->columns[0]));
    }
    RETURN_IF_ERROR(parser_expect(state, TOKEN_EQUAL));
    return parser_expression(state, &made->value);
}

static base_status assignments(parser_state *state, parser_assignment **made, uint32_t *count)
{
    parser_list list = {0};
    do {
        parser_assignment *place = parser_push(state, &list, sizeof *place);
        if (!place)
            return BASE_OUT_OF_MEMORY;
        RETURN_IF_ERROR(assignment(state, place));
    } while (parser_accept(state, TOKEN_COMMA));
    *made = list.items;
    *count = list.count;
    return BASE_OK;
}

/* Behind ON CONFLICT. */
static base_status conflict_target(parser_state *state, parser_upsert *upsert)
{
    if (parser_is(state, TOKEN_OPEN)) {
        RETURN_IF_ERROR(parser_index_parts(state, &upsert->target, &upsert->target_count));
        if (parser_accept_word(state, WORD_WHERE))
            RETURN_IF_ERROR(parser_expression(state, &upsert->target_where));
    } else if (parser_accept_words(state, WORD_ON, WORD_CONSTRAINT)) {
        RETURN_IF_ERROR(parser_parse_name(state, "a constraint's name", &upsert->constraint));
    }
    return parser_expect_word(state, WORD_DO);
}

static base_status upsert_clause(parser_state *state, parser_insert *insert)
{
    if (!parser_at(state, WORD_ON))
        return BASE_OK;
    parser_upsert *upsert = base_arena_allocate_zeroed(state->arena, sizeof *upsert);
    if (!upsert)
        return parser_no_memory(state);
    insert->upsert = upsert;
    upsert->position = state->token.position;
    parser_advance(state);
    if (parser_accept_word(state, WORD_DUPLICATE)) {
        RETURN_IF_ERROR(parser_expect_word(state, WORD_KEY));
    } else {
        RETURN_IF_ERROR(parser_expect_word(state, WORD_CONFLICT));
        RETURN_IF_ERROR(conflict_target(state, upsert));
        if (parser_accept_word(state, WORD_NOTHING))
            return BASE_OK;
    }
    upsert->update = true;
    RETURN_IF_ERROR(parser_expect_word(state, WORD_UPDATE));
    (void)parser_accept_word(state, WORD_SET);
    RETURN_IF_ERROR(assignments(state, &upsert->assignments, &upsert->assignment_count));
    if (parser_accept_word(state, WORD_WHERE))
        RETURN_IF_ERROR(parser_expression(state, &upsert->where));
    return BASE_OK;
}

base_status parser_insert_statement(parser_state *state, parser_statement *statement)
{
    parser_insert *insert = base_arena_allocate_zeroed(state->arena, sizeof *insert);
    if (!insert)
        return parser_no_memory(state);
    statement->kind = PARSER_STATEMENT_INSERT;
    statement->insert = insert;
    if (parser_accept_word(state, WORD_REPLACE)) {
        insert->conflict = PARSER_CONFLICT_REPLACE;
    } else {
        RETURN_IF_ERROR(parser_expect_word(state, WORD_INSERT));
        RETURN_IF_ERROR(conflict_clause(state, &insert->conflict));
    }
    RETURN_IF_ERROR(parser_expect_word(state, WORD_INTO));
    (void)parser_accept_word(state, WORD_TABLE);
    RETURN_IF_ERROR(parser_parse_object(state, "a table name", &insert->table));
    RETURN_IF_ERROR(target_alias(state, &insert->alias));

    /* "(" begins the columns, or a query in parentheses. */
    bool columns = parser_is(state, TOKEN_OPEN) && !parser_peek_word(state, 1, WORD_SELECT) &&
                   !parser_peek_word(state, 1, WORD_WITH) &&
                   !parser_peek_word(state, 1, WORD_VALUES) &&
                   !parser_peek_is(state, 1, TOKEN_OPEN);
    if (columns)
        RETURN_IF_ERROR(parser_parse_name_list(state, "a column name", &insert->columns,
                                               &insert->column_count));
    if (parser_accept_word(state, WORD_DEFAULT))
        RETURN_IF_ERROR(parser_expect_word(state, WORD_VALUES));
    else if (parser_begins_query(state) || parser_is(state, TOKEN_OPEN))
        RETURN_IF_ERROR(parser_query_of(state, &insert->source));
    else
        return parser_unexpected(state, "VALUES, SELECT or DEFAULT VALUES");
    RETURN_IF_ERROR(upsert_clause(state, insert));
    return returning_clause(state, &insert->returning, &insert->returning_count);
}

base_status parser_update_statement(parser_state *state, parser_statement *statement)
{
    parser_update *update = base_arena_allocate_zeroed(state->arena, sizeof *update);
    if (!update)
        return parser_no_memory(state);
    statement->kind = PARSER_STATEMENT_UPDATE;
    statement->update = update;
    parser_advance(state);
    RETURN_IF_ERROR(conflict_clause(state, &update->conflict));
    (void)parser_accept_word(state, WORD_ONLY);
    RETURN_IF_ERROR(parser_parse_object(state, "a table name", &update->table));
    RETURN_IF_ERROR(target_alias(state, &update->alias));
    RETURN_IF_ERROR(parser_expect_word(state, WORD_SET));
    RETURN_IF_ERROR(assignments(state, &update->assignments, &update->assignment_count));
    if (parser_accept_word(state, WORD_FROM))
        RETURN_IF_ERROR(parser_from_clause(state, &update->from));
    if (parser_accept_word(state, WORD_WHERE))
        RETURN_IF_ERROR(parser_expression(state, &update->where));
    RETURN_IF_ERROR(returning_clause(state, &update->returning, &update->returning_count));
    RETURN_IF_ERROR(parser_order_by(state, &update->order, &update->order_count));
    RETURN_IF_ERROR(parser_limit(state, &update->limit, &update->offset, NULL));
    if (!update->returning_count)
        RETURN_IF_ERROR(returning_clause(state, &update->returning, &update->returning_count));
    return BASE_OK;
}

base_status parser_delete_statement(parser_state *state, parser_statement *statement)
{
    parser_delete *made = base_arena_allocate_zeroed(state->arena, sizeof *made);
    if (!made)
        return parser_no_memory(state);
    statement->kind = PARSER_STATEMENT_DELETE;
    statement->delete_from = made;
    parser_advance(state);
    RETURN_IF_ERROR(parser_expect_word(state, WORD_FROM));
    (void)parser_accept_word(state, WORD_ONLY);
    RETURN_IF_ERROR(parser_parse_object(state, "a table name", &made->table));
    RETURN_IF_ERROR(target_alias(state, &made->alias));
    if (parser_accept_word(state, WORD_USING))
        RETURN_IF_ERROR(parser_from_clause(state, &made->using_from));
    if (parser_accept_word(state, WORD_WHERE))
        RETURN_IF_ERROR(parser_expression(state, &made->where));
    RETURN_IF_ERROR(returning_clause(state, &made->returning, &made->returning_count));
    RETURN_IF_ERROR(parser_order_by(state, &made->order, &made->order_count));
    RETURN_IF_ERROR(parser_limit(state, &made->limit, &made->offset, NULL));
    if (!made->returning_count)
        RETURN_IF_ERROR(returning_clause(state, &made->returning, &made->returning_count));
    return BASE_OK;
}

base_status parser_truncate_statement(parser_state *state, parser_statement *statement)
{
    statement->kind = PARSER_STATEMENT_TRUNCATE;
    statement->truncate = base_arena_allocate_zeroed(state->arena, sizeof *statement->truncate);
    if (!statement->truncate)
        return parser_no_memory(state);
    parser_advance(state);
    (void)parser_accept_word(state, WORD_TABLE);
    return parser_parse_object(state, "a table name", statement->truncate);
}
