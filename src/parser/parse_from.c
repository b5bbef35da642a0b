/*
 * parse_from.c - FROM: tables, derived tables, table functions, joins.
 *
 * Joins bind tighter than commas and go from the left; parentheses group. As with
 * expressions, what an opening parenthesis begins (a query or joined tables) is found out
 * without going back: see parse_primary.c.
 */
#include "parser/parser_int.h"

static base_status joined_tables(parser_state *state, parser_from **from);

static base_status new_from(parser_state *state, parser_from_kind kind, int32_t position,
                            parser_from **from)
{
    *from = base_arena_allocate_zeroed(state->arena, sizeof **from);
    if (!*from)
        return parser_no_memory(state);
    (*from)->kind = kind;
    (*from)->position = position;
    (*from)->height = 1;
    return BASE_OK;
}

static base_status finish_from(parser_state *state, parser_from *from, uint32_t below)
{
    RETURN_IF_ERROR(parser_check_height(state, below + 1, from->position));
    from->height = (uint16_t)(below + 1);
    from->end = state->last_end;
    return BASE_OK;
}

/* [AS] alias [(columns)] */
static base_status alias_clause(parser_state *state, parser_from *from)
{
    /* AS OF belongs to time travel. */
    if (parser_at(state, WORD_AS) && parser_peek_word(state, 1, WORD_OF))
        return BASE_OK;
    RETURN_IF_ERROR(parser_parse_alias(state, &from->alias));
    if (from->alias.text.length && parser_is(state, TOKEN_OPEN))
        RETURN_IF_ERROR(parser_parse_name_list(state, "a column name", &from->column_aliases,
                                               &from->column_alias_count));
    return BASE_OK;
}

static base_status as_of_clause(parser_state *state, parser_from *from)
{
    if (!parser_accept_words(state, WORD_AS, WORD_OF))
        return BASE_OK;
    from->table.as_of_transaction = parser_accept_word(state, WORD_TRANSACTION);
    if (!from->table.as_of_transaction) {
        /* AS OF TIMESTAMP '...' is a typed literal, AS OF TIMESTAMP e an expression. */
        if (parser_at(state, WORD_TIMESTAMP) && !parser_begins_typed_literal(state))
            parser_advance(state);
    }
    return parser_expression_at(state, PRECEDENCE_OTHER, &from->table.as_of);
}

/* SQLite's INDEXED BY name | NOT INDEXED. */
static base_status index_hint(parser_state *state, parser_from *from)
{
    if (parser_accept_words(state, WORD_INDEXED, WORD_BY))
        return parser_parse_name(state, "an index name", &from->table.indexed_by);
    (void)parser_accept_words(state, WORD_NOT, WORD_INDEXED);
    return BASE_OK;
}

static base_status table_or_function(parser_state *state, parser_from **from)
{
    int32_t position = state->token.position;
    parser_object object = {0};
    RETURN_IF_ERROR(parser_parse_object(state, "a table name", &object));
    if (parser_is(state, TOKEN_OPEN)) {
        parser_name parts[2] = {object.schema, object.name};
        bool schema = object.schema.text.data != NULL;
        RETURN_IF_ERROR(new_from(state, PARSER_FROM_FUNCTION, position, from));
        RETURN_IF_ERROR(
            parser_call_of(state, schema ? parts : parts + 1, schema ? 2 : 1, &(*from)->function));
        RETURN_IF_ERROR(alias_clause(state, *from));
        return finish_from(state, *from, (*from)->function->height);
    }
    RETURN_IF_ERROR(new_from(state, PARSER_FROM_TABLE, position, from));
    (*from)->table.object = object;
    RETURN_IF_ERROR(as_of_clause(state, *from));
    RETURN_IF_ERROR(alias_clause(state, *from));
    RETURN_IF_ERROR(as_of_clause(state, *from));
    RETURN_IF_ERROR(index_hint(state, *from));
    return finish_from(state, *from, (*from)->table.as_of ? (*from)->table.as_of->height : 0);
}

/* ---- Parentheses -------------------------------------------------------------------------- */

/* Behind "(": one of the two, up to and including ")". */
typedef struct from_content {
    parser_query *query;
    parser_from *from;
} from_content;

static base_status derived_table(parser_state *state, parser_query *query, int32_t position,
                                 parser_from **from)
{
    RETURN_IF_ERROR(new_from(state, PARSER_FROM_QUERY, position, from));
    (*from)->query = query;
    RETURN_IF_ERROR(alias_clause(state, *from));
    return finish_from(state, *from, query->height);
}

static base_status joins_after(parser_state *state, parser_from **left);
static base_status commas_after(parser_state *state, parser_from **left);

static base_status parenthesised(parser_state *state, from_content *content);

static base_status nested(parser_state *state, from_content *content)
{
    int32_t position = state->token.position;
    parser_advance(state);
    RETURN_IF_ERROR(parenthesised(state, content));
    if (content->query && (parser_continues_query(state) || parser_is(state, TOKEN_CLOSE)))
        return parser_query_after(state, &content->query);
    if (content->query) {
        RETURN_IF_ERROR(derived_table(state, content->query, position, &content->from));
        content->query = NULL;
    } else {
        RETURN_IF_ERROR(alias_clause(state, content->from));
    }
    RETURN_IF_ERROR(joins_after(state, &content->from));
    return commas_after(state, &content->from);
}

static base_status parenthesised(parser_state *state, from_content *content)
{
    *content = (from_content){0};
    RETURN_IF_ERROR(parser_enter(state));
    base_status status;
    if (parser_begins_query(state))
        status = parser_query_of(state, &content->query);
    else if (parser_is(state, TOKEN_OPEN))
        status = nested(state, content);
    else
        status = parser_from_clause(state, &content->from);
    if (status == BASE_OK)
        status = parser_expect(state, TOKEN_CLOSE);
    parser_leave(state);
    return status;
}

static base_status from_operand(parser_state *state, parser_from **from)
{
    int32_t position = state->token.position;
    bool lateral = parser_accept_word(state, WORD_LATERAL);
    if (parser_accept(state, TOKEN_OPEN)) {
        from_content content;
        RETURN_IF_ERROR(parenthesised(state, &content));
        if (content.query) {
            RETURN_IF_ERROR(derived_table(state, content.query, position, from));
        } else {
            *from = content.from;
            /* An alias of a parenthesised join hides what is inside. */
            bool unnamed = !(*from)->alias.text.data;
            if (unnamed && (*from)->kind == PARSER_FROM_JOIN)
                RETURN_IF_ERROR(alias_clause(state, *from));
        }
    } else {
        RETURN_IF_ERROR(table_or_function(state, from));
    }
    (*from)->lateral = lateral;
    return BASE_OK;
}

/* ---- Joins -------------------------------------------------------------------------------- */

/* The words of a join operator, if one begins here. */
static base_status join_operator(parser_state *state, bool *found, bool *natural,
                                 parser_join_kind *kind)
{
    *found = false;
    *natural = false;
    *kind = PARSER_JOIN_INNER;
    switch (state->token.keyword) {
    case WORD_NATURAL:
    case WORD_CROSS:
    case WORD_INNER:
    case WORD_LEFT:
    case WORD_RIGHT:
    case WORD_FULL:
    case WORD_JOIN:
        break;
    default:
        return BASE_OK;
    }
    *found = true;
    *natural = parser_accept_word(state, WORD_NATURAL);
    if (parser_accept_word(state, WORD_CROSS)) {
        *kind = PARSER_JOIN_CROSS;
    } else if (parser_accept_word(state, WORD_LEFT)) {
        *kind = PARSER_JOIN_LEFT;
    } else if (parser_accept_word(state, WORD_RIGHT)) {
        *kind = PARSER_JOIN_RIGHT;
    } else if (parser_accept_word(state, WORD_FULL)) {
        *kind = PARSER_JOIN_FULL;
    } else {
        (void)parser_accept_word(state, WORD_INNER);
        return parser_expect_word(state, WORD_JOIN);
    }
    if (*kind != PARSER_JOIN_CROSS)
        (void)parser_accept_word(state, WORD_OUTER);
    return parser_expect_word(state, WORD_JOIN);
}

static base_status join_condition(parser_state *state, parser_from *join)
{
    parser_join_kind kind = join->join.kind;
    if (join->join.natural || kind == PARSER_JOIN_CROSS) {
        if (parser_at(state, WORD_ON) || parser_at(state, WORD_USING)) {
            if (kind == PARSER_JOIN_CROSS && !join->join.natural)
                join->join.kind = PARSER_JOIN_INNER; /* MySQL and SQLite allow it */
            else
                return parser_unexpected(state, "no condition behind a NATURAL JOIN");
        } else {
            return BASE_OK;
        }
    }
    if (parser_accept_word(state, WORD_ON))
        return parser_expression(state, &join->join.condition);
    if (parser_accept_word(state, WORD_USING))
        return parser_parse_name_list(state, "a column name", &join->join.using_columns,
                                      &join->join.using_count);
    if (kind == PARSER_JOIN_INNER)
        return BASE_OK;
    return parser_unexpected(state, "ON or USING");
}

static base_status finish_join(parser_state *state, parser_from *join)
{
    uint32_t below = BASE_MAX(join->join.left->height, join->join.right->height);
    if (join->join.condition)
        parser_raise(&below, join->join.condition->height);
    return finish_from(state, join, below);
}

/* `a JOIN b JOIN c ON x ON y` is `a JOIN (b JOIN c ON x) ON y`, but a JOIN may go without a
 * condition, too: only the second ON says which it is. The last JOIN that has none on the way down
 * to the left gets it, and all that was joined to it since stands on its right side. */
static base_status late_condition(parser_state *state, parser_from **left, bool *found)
{
    parser_from **above = NULL, *top = *left, *join = top;
    *found = false;
    if (!parser_at(state, WORD_ON) && !parser_at(state, WORD_USING))
        return BASE_OK;
    while (join->kind == PARSER_FROM_JOIN &&
           (join->join.kind != PARSER_JOIN_INNER || join->join.natural || join->join.condition ||
            join->join.using_count)) {
        above = &join->join.left;
        join = join->join.left;
    }
    if (join->kind != PARSER_FROM_JOIN || !above)
        return BASE_OK;
    *above = join->join.right;
    join->join.right = top;
    *left = join;
    *found = true;
    RETURN_IF_ERROR(join_condition(state, join));
    return finish_join(state, join);
}

static bool is_outer(parser_join_kind kind)
{
    return kind == PARSER_JOIN_LEFT || kind == PARSER_JOIN_RIGHT || kind == PARSER_JOIN_FULL;
}

static base_status joins_after(parser_state *state, parser_from **left)
{
    for (;;) {
        bool found, natural;
        parser_join_kind kind;
        RETURN_IF_ERROR(late_condition(state, left, &found));
        if (found)
            continue;
        RETURN_IF_ERROR(join_operator(state, &found, &natural, &kind));
        if (!found)
            return BASE_OK;
        parser_from *join;
        RETURN_IF_ERROR(new_from(state, PARSER_FROM_JOIN, (*left)->position, &join));
        join->join.kind = kind;
        join->join.natural = natural;
        join->join.left = *left;
        RETURN_IF_ERROR(from_operand(state, &join->join.right));
        /* An outer join has a condition: what comes before it is its right side. */
        if (is_outer(kind) && !natural) {
            RETURN_IF_ERROR(parser_enter(state));
            RETURN_IF_ERROR(joins_after(state, &join->join.right));
            parser_leave(state);
        }
        RETURN_IF_ERROR(join_condition(state, join));
        *left = join;
        RETURN_IF_ERROR(finish_join(state, join));
    }
}

static base_status joined_tables(parser_state *state, parser_from **from)
{
    RETURN_IF_ERROR(from_operand(state, from));
    return joins_after(state, from);
}

static base_status commas_after(parser_state *state, parser_from **left)
{
    while (parser_accept(state, TOKEN_COMMA)) {
        parser_from *join;
        RETURN_IF_ERROR(new_from(state, PARSER_FROM_JOIN, (*left)->position, &join));
        join->join.kind = PARSER_JOIN_CROSS;
        join->join.left = *left;
        RETURN_IF_ERROR(joined_tables(state, &join->join.right));
        uint32_t below = BASE_MAX((*left)->height, join->join.right->height);
        *left = join;
        RETURN_IF_ERROR(finish_from(state, join, below));
    }
    return BASE_OK;
}

base_status parser_from_clause(parser_state *state, parser_from **from)
{
    RETURN_IF_ERROR(joined_tables(state, from));
    return commas_after(state, from);
}
