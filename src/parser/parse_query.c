/*
 * parse_query.c - SELECT, VALUES, set operations, WITH, ORDER BY, LIMIT.
 *
 * INTERSECT binds tighter than UNION and EXCEPT, which go from the left. Parentheses that
 * change nothing vanish: `(SELECT 1) ORDER BY 1` is one query. Where both the inside and the
 * outside have an ORDER BY, LIMIT or WITH, the inside becomes a derived table.
 */
#include "parser/parser_int.h"

bool parser_begins_query(const parser_state *state)
{
    return parser_at(state, WORD_SELECT) || parser_at(state, WORD_VALUES) ||
           parser_at(state, WORD_WITH) || parser_at(state, WORD_TABLE);
}

static bool at_suffix(const parser_state *state)
{
    return parser_at(state, WORD_ORDER) || parser_at(state, WORD_LIMIT) ||
           parser_at(state, WORD_OFFSET) || parser_at(state, WORD_FETCH) ||
           parser_at(state, WORD_FOR);
}

bool parser_continues_query(const parser_state *state)
{
    return parser_at(state, WORD_UNION) || parser_at(state, WORD_INTERSECT) ||
           parser_at(state, WORD_EXCEPT) || at_suffix(state);
}

static base_status new_query(parser_state *state, parser_query_kind kind, int32_t position,
                             parser_query **query)
{
    *query = base_arena_allocate_zeroed(state->arena, sizeof **query);
    if (!*query)
        return parser_no_memory(state);
    (*query)->kind = kind;
    (*query)->position = position;
    return BASE_OK;
}

static base_status finish_query(parser_state *state, parser_query *query, uint32_t below)
{
    RETURN_IF_ERROR(parser_check_height(state, below + 1, query->position));
    if (query->height < below + 1)
        query->height = (uint16_t)(below + 1);
    query->end = state->last_end;
    return BASE_OK;
}

static base_status star_item(parser_state *state, int32_t position, parser_select_item **items)
{
    *items = base_arena_allocate_array(state->arena, 1, sizeof **items);
    if (!*items)
        return parser_no_memory(state);
    (*items)->expr = parser_expr_new(state, PARSER_EXPR_STAR, position, 0);
    return (*items)->expr ? BASE_OK : BASE_OUT_OF_MEMORY;
}

/* SELECT * FROM `from`. */
static base_status select_all(parser_state *state, parser_from *from, parser_query **query)
{
    RETURN_IF_ERROR(new_query(state, PARSER_QUERY_SELECT, from->position, query));
    (*query)->select.item_count = 1;
    RETURN_IF_ERROR(star_item(state, from->position, &(*query)->select.items));
    (*query)->select.from = from;
    return finish_query(state, *query, from->height);
}

base_status parser_query_over(parser_state *state, const parser_object *object, int32_t position,
                              parser_query **query)
{
    parser_from *from = base_arena_allocate_zeroed(state->arena, sizeof *from);
    if (!from)
        return parser_no_memory(state);
    from->kind = PARSER_FROM_TABLE;
    from->height = 1;
    from->position = position;
    from->end = state->last_end;
    from->table.object = *object;
    return select_all(state, from, query);
}

/* `*query` becomes SELECT * FROM (`*query`). */
static base_status wrap(parser_state *state, parser_query **query)
{
    parser_from *from = base_arena_allocate_zeroed(state->arena, sizeof *from);
    if (!from)
        return parser_no_memory(state);
    uint32_t height = (*query)->height + 1u;
    RETURN_IF_ERROR(parser_check_height(state, height, (*query)->position));
    from->kind = PARSER_FROM_QUERY;
    from->height = (uint16_t)height;
    from->position = (*query)->position;
    from->end = (*query)->end;
    from->query = *query;
    return select_all(state, from, query);
}

/* ---- ORDER BY, LIMIT, locks ----------------------------------------------------------------- */

static base_status nulls_place(parser_state *state, parser_sort_key *key)
{
    if (!parser_at(state, WORD_NULLS))
        return BASE_OK;
    parser_advance(state);
    if (parser_accept_word(state, WORD_FIRST))
        key->nulls = PARSER_NULLS_FIRST;
    else if (parser_accept_word(state, WORD_LAST))
        key->nulls = PARSER_NULLS_LAST;
    else
        return parser_unexpected(state, "FIRST or LAST");
    return BASE_OK;
}

base_status parser_order_by(parser_state *state, parser_sort_key **keys, uint32_t *count)
{
    if (!parser_at(state, WORD_ORDER))
        return BASE_OK;
    parser_advance(state);
    RETURN_IF_ERROR(parser_expect_word(state, WORD_BY));
    parser_list list = {0};
    do {
        parser_sort_key key = {0};
        RETURN_IF_ERROR(parser_expression(state, &key.expr));
        if (parser_accept_word(state, WORD_DESC))
            key.descending = true;
        else
            (void)parser_accept_word(state, WORD_ASC);
        RETURN_IF_ERROR(nulls_place(state, &key));
        parser_sort_key *place = parser_push(state, &list, sizeof *place);
        if (!place)
            return BASE_OUT_OF_MEMORY;
        *place = key;
    } while (parser_accept(state, TOKEN_COMMA));
    *keys = list.items;
    *count = list.count;
    return BASE_OK;
}

static void row_word(parser_state *state)
{
    if (!parser_accept_word(state, WORD_ROW))
        (void)parser_accept_word(state, WORD_ROWS);
}

/* FETCH FIRST [n] ROWS ONLY | WITH TIES; behind FETCH. */
static base_status fetch_clause(parser_state *state, parser_expr **limit, bool *with_ties)
{
    if (!parser_accept_word(state, WORD_FIRST))
        RETURN_IF_ERROR(parser_expect_word(state, WORD_NEXT));
    if (parser_at(state, WORD_ROW) || parser_at(state, WORD_ROWS)) {
        *limit = parser_expr_new(state, PARSER_EXPR_NUMBER, state->token.position, 0);
        if (!*limit)
            return BASE_OUT_OF_MEMORY;
        (*limit)->text = BASE_TEXT("1");
    } else {
        RETURN_IF_ERROR(parser_expression_at(state, PRECEDENCE_OTHER, limit));
    }
    row_word(state);
    if (parser_accept_word(state, WORD_ONLY))
        return BASE_OK;
    RETURN_IF_ERROR(parser_expect_word(state, WORD_WITH));
    *with_ties = true;
    return parser_expect_word(state, WORD_TIES);
}

base_status parser_limit(parser_state *state, parser_expr **limit, parser_expr **offset,
                         bool *with_ties)
{
    for (;;) {
        if (!*limit && parser_accept_word(state, WORD_LIMIT)) {
            if (parser_accept_word(state, WORD_ALL))
                continue;
            RETURN_IF_ERROR(parser_expression(state, limit));
            if (!*offset && parser_accept(state, TOKEN_COMMA)) { /* LIMIT offset, count */
                *offset = *limit;
                RETURN_IF_ERROR(parser_expression(state, limit));
            }
        } else if (!*offset && parser_accept_word(state, WORD_OFFSET)) {
            RETURN_IF_ERROR(parser_expression(state, offset));
            row_word(state);
        } else if (!*limit && with_ties && parser_accept_word(state, WORD_FETCH)) {
            RETURN_IF_ERROR(fetch_clause(state, limit, with_ties));
        } else {
            return BASE_OK;
        }
    }
}

static base_status lock_clause(parser_state *state, parser_query *query)
{
    while (parser_accept_word(state, WORD_FOR)) {
        if (parser_accept_word(state, WORD_UPDATE)) {
            query->lock = PARSER_LOCK_UPDATE;
        } else {
            RETURN_IF_ERROR(parser_expect_word(state, WORD_SHARE));
            if (query->lock == PARSER_LOCK_NONE)
                query->lock = PARSER_LOCK_SHARE;
        }
        if (parser_accept_word(state, WORD_OF)) {
            parser_name table = {0};
            do
                RETURN_IF_ERROR(parser_parse_name(state, "a table name", &table));
            while (parser_accept(state, TOKEN_COMMA));
        }
        if (parser_accept_word(state, WORD_NOWAIT)) {
            query->lock_no_wait = true;
        } else if (parser_accept_text(state, "skip")) {
            query->lock_skip = true;
            RETURN_IF_ERROR(parser_expect_word(state, WORD_LOCKED));
        }
    }
    return BASE_OK;
}

static bool has_suffix(const parser_query *query)
{
    return query->order_count || query->limit || query->offset || query->lock != PARSER_LOCK_NONE;
}

static base_status query_suffix(parser_state *state, parser_query **query)
{
    if (!at_suffix(state))
        return BASE_OK;
    if (has_suffix(*query))
        RETURN_IF_ERROR(wrap(state, query));
    parser_query *target = *query;
    RETURN_IF_ERROR(parser_order_by(state, &target->order, &target->order_count));
    RETURN_IF_ERROR(parser_limit(state, &target->limit, &target->offset, &target->with_ties));
    RETURN_IF_ERROR(lock_clause(state, target));
    uint32_t below = parser_height_of_keys(target->order, target->order_count);
    if (target->limit)
        parser_raise(&below, target->limit->height);
    if (target->offset)
        parser_raise(&below, target->offset->height);
    return finish_query(state, target, below);
}

/* ---- SELECT and VALUES ---------------------------------------------------------------------- */

/* `*`, t.*, s.t.* */
static base_status parse_star(parser_state *state, parser_expr **expr)
{
    *expr = NULL;
    uint32_t names = 0;
    if (!parser_is(state, TOKEN_STAR)) {
        if (!parser_is(state, TOKEN_WORD) && !parser_is(state, TOKEN_QUOTED_NAME))
            return BASE_OK;
        if (!parser_peek_is(state, 1, TOKEN_DOT))
            return BASE_OK;
        if (parser_peek_is(state, 2, TOKEN_STAR))
            names = 1;
        else if (parser_peek_is(state, 3, TOKEN_DOT) && parser_peek_is(state, 4, TOKEN_STAR))
            names = 2;
        else
            return BASE_OK;
    }
    parser_expr *made = parser_expr_new(state, PARSER_EXPR_STAR, state->token.position, 0);
    if (!made)
        return BASE_OUT_OF_MEMORY;
    made->column.part_count = names;
    if (names) {
        made->column.parts =
            base_arena_allocate_array(state->arena, names, sizeof *made->column.parts);
        if (!made->column.parts)
            return parser_no_memory(state);
    }
    for (uint32_t i = 0; i < names; i++) {
        RETURN_IF_ERROR(parser_parse_label(state, false, &made->column.parts[i]));
        parser_advance(state); /* the dot */
    }
    RETURN_IF_ERROR(parser_expect(state, TOKEN_STAR));
    made->end = state->last_end;
    *expr = made;
    return BASE_OK;
}

base_status parser_select_items(parser_state *state, parser_select_item **items, uint32_t *count)
{
    parser_list list = {0};
    do {
        parser_select_item item = {0};
        RETURN_IF_ERROR(parse_star(state, &item.expr));
        if (!item.expr) {
            RETURN_IF_ERROR(parser_expression(state, &item.expr));
            RETURN_IF_ERROR(parser_parse_alias(state, &item.alias));
        }
        parser_select_item *place = parser_push(state, &list, sizeof *place);
        if (!place)
            return BASE_OUT_OF_MEMORY;
        *place = item;
    } while (parser_accept(state, TOKEN_COMMA));
    *items = list.items;
    *count = list.count;
    return BASE_OK;
}

static base_status distinct_clause(parser_state *state, parser_query *query)
{
    if (!parser_accept_word(state, WORD_DISTINCT)) {
        (void)parser_accept_word(state, WORD_ALL);
        return BASE_OK;
    }
    query->select.distinct = true;
    if (!parser_at(state, WORD_ON) || !parser_peek_is(state, 1, TOKEN_OPEN))
        return BASE_OK;
    parser_advance(state);
    parser_advance(state);
    RETURN_IF_ERROR(parser_expression_list(state, &query->select.distinct_on,
                                           &query->select.distinct_on_count));
    return parser_expect(state, TOKEN_CLOSE);
}

/* ROLLUP (, CUBE (, GROUPING SETS (, WITH ROLLUP: known, so that nobody looks for a function. */
static base_status refuse_grouping_sets(parser_state *state)
{
    bool call = parser_peek_is(state, 1, TOKEN_OPEN);
    bool sets = (call && (parser_at_text(state, "rollup") || parser_at_text(state, "cube"))) ||
                (parser_at_text(state, "grouping") && parser_peek_is(state, 1, TOKEN_WORD)) ||
                (parser_at(state, WORD_WITH) && parser_peek_is(state, 1, TOKEN_WORD));
    if (!sets)
        return BASE_OK;
    base_error_set_at(state->error, BASE_NOT_SUPPORTED, state->token.position,
                      "ROLLUP, CUBE and GROUPING SETS are not available yet");
    base_error_set_hint(state->error, "join several GROUP BY queries with UNION ALL");
    return BASE_NOT_SUPPORTED;
}

/* GROUP BY () makes one group of all rows, as HAVING alone does. */
static base_status group_of_all(parser_state *state, parser_query *query)
{
    parser_advance(state);
    query->select.having = parser_expr_new(state, PARSER_EXPR_BOOLEAN, state->token.position, 0);
    if (!query->select.having)
        return BASE_OUT_OF_MEMORY;
    query->select.having->boolean = true;
    parser_advance(state);
    return BASE_OK;
}

static base_status group_list(parser_state *state, parser_query *query)
{
    if (parser_is(state, TOKEN_OPEN) && parser_peek_is(state, 1, TOKEN_CLOSE))
        return group_of_all(state, query);
    parser_list list = {0};
    do {
        RETURN_IF_ERROR(refuse_grouping_sets(state));
        parser_expr **key = parser_push(state, &list, sizeof *key);
        if (!key)
            return BASE_OUT_OF_MEMORY;
        RETURN_IF_ERROR(parser_expression(state, key));
    } while (parser_accept(state, TOKEN_COMMA));
    query->select.group = list.items;
    query->select.group_count = list.count;
    return refuse_grouping_sets(state);
}

static base_status group_clause(parser_state *state, parser_query *query)
{
    if (parser_at(state, WORD_GROUP)) {
        parser_advance(state);
        RETURN_IF_ERROR(parser_expect_word(state, WORD_BY));
        if (parser_accept_word(state, WORD_ALL))
            query->select.group_all = true;
        else
            RETURN_IF_ERROR(group_list(state, query));
    }
    if (parser_accept_word(state, WORD_HAVING))
        RETURN_IF_ERROR(parser_expression(state, &query->select.having));
    return BASE_OK;
}

static base_status window_clause(parser_state *state, parser_query *query)
{
    if (!parser_accept_word(state, WORD_WINDOW))
        return BASE_OK;
    parser_list list = {0};
    do {
        parser_window *window = parser_push(state, &list, sizeof *window);
        if (!window)
            return BASE_OUT_OF_MEMORY;
        window->position = state->token.position;
        RETURN_IF_ERROR(parser_parse_name(state, "a window's name", &window->name));
        RETURN_IF_ERROR(parser_expect_word(state, WORD_AS));
        RETURN_IF_ERROR(parser_window_body(state, window));
    } while (parser_accept(state, TOKEN_COMMA));
    query->select.windows = list.items;
    query->select.window_count = list.count;
    return BASE_OK;
}

static uint32_t height_of_select(const parser_query *query)
{
    uint32_t height = parser_height_of(query->select.distinct_on, query->select.distinct_on_count);
    for (uint32_t i = 0; i < query->select.item_count; i++)
        parser_raise(&height, query->select.items[i].expr->height);
    if (query->select.from)
        parser_raise(&height, query->select.from->height);
    if (query->select.where)
        parser_raise(&height, query->select.where->height);
    parser_raise(&height, parser_height_of(query->select.group, query->select.group_count));
    if (query->select.having)
        parser_raise(&height, query->select.having->height);
    for (uint32_t i = 0; i < query->select.window_count; i++)
        parser_raise(&height, parser_height_of_window(&query->select.windows[i]));
    return height;
}

static base_status parse_select(parser_state *state, parser_query **query)
{
    RETURN_IF_ERROR(new_query(state, PARSER_QUERY_SELECT, state->token.position, query));
    parser_query *made = *query;
    parser_advance(state);
    RETURN_IF_ERROR(distinct_clause(state, made));
    RETURN_IF_ERROR(parser_select_items(state, &made->select.items, &made->select.item_count));
    if (parser_accept_word(state, WORD_FROM))
        RETURN_IF_ERROR(parser_from_clause(state, &made->select.from));
    if (parser_accept_word(state, WORD_WHERE))
        RETURN_IF_ERROR(parser_expression(state, &made->select.where));
    RETURN_IF_ERROR(group_clause(state, made));
    RETURN_IF_ERROR(window_clause(state, made));
    return finish_query(state, made, height_of_select(made));
}

static base_status parse_values(parser_state *state, parser_query **query)
{
    RETURN_IF_ERROR(new_query(state, PARSER_QUERY_VALUES, state->token.position, query));
    parser_list cells = {0};
    uint32_t rows = 0, columns = 0;
    parser_advance(state);
    do {
        int32_t position = state->token.position;
        parser_expr **row;
        uint32_t count;
        (void)parser_accept_word(state, WORD_ROW); /* MySQL's VALUES ROW(1, 2) */
        RETURN_IF_ERROR(parser_expect(state, TOKEN_OPEN));
        RETURN_IF_ERROR(parser_expression_list(state, &row, &count));
        RETURN_IF_ERROR(parser_expect(state, TOKEN_CLOSE));
        if (rows == 0)
            columns = count;
        if (count != columns)
            return base_error_set_at(state->error, BASE_SYNTAX, position,
                                     "the rows of VALUES have different lengths: %u and %u",
                                     columns, count);
        for (uint32_t i = 0; i < count; i++) {
            parser_expr **place = parser_push(state, &cells, sizeof *place);
            if (!place)
                return BASE_OUT_OF_MEMORY;
            *place = row[i];
        }
        rows++;
    } while (parser_accept(state, TOKEN_COMMA));
    (*query)->values.row_count = rows;
    (*query)->values.column_count = columns;
    (*query)->values.cells = cells.items;
    return finish_query(state, *query, parser_height_of(cells.items, cells.count));
}

/* ---- Set operations, WITH ------------------------------------------------------------------- */

static base_status query_operand(parser_state *state, parser_query **query)
{
    if (parser_at(state, WORD_SELECT))
        return parse_select(state, query);
    if (parser_at(state, WORD_VALUES))
        return parse_values(state, query);
    if (parser_accept_word(state, WORD_TABLE)) {
        parser_object object = {0};
        int32_t position = state->last_end;
        RETURN_IF_ERROR(parser_parse_object(state, "a table name", &object));
        return parser_query_over(state, &object, position, query);
    }
    if (!parser_is(state, TOKEN_OPEN))
        return parser_unexpected(state, "SELECT");
    parser_advance(state);
    RETURN_IF_ERROR(parser_query_of(state, query));
    return parser_expect(state, TOKEN_CLOSE);
}

/* 1 for UNION and EXCEPT, 2 for INTERSECT, 0 for anything else. */
static int set_level(const parser_state *state, parser_set_kind *kind)
{
    switch (state->token.keyword) {
    case WORD_UNION:
        *kind = PARSER_UNION;
        return 1;
    case WORD_EXCEPT:
        *kind = PARSER_EXCEPT;
        return 1;
    case WORD_INTERSECT:
        *kind = PARSER_INTERSECT;
        return 2;
    default:
        return 0;
    }
}

static base_status set_operations(parser_state *state, int minimum, parser_query **left)
{
    for (;;) {
        parser_set_kind kind = PARSER_UNION;
        int level = set_level(state, &kind);
        if (!level || level < minimum)
            return BASE_OK;
        parser_advance(state);
        bool all = parser_accept_word(state, WORD_ALL);
        if (!all)
            (void)parser_accept_word(state, WORD_DISTINCT);
        parser_query *right, *made;
        RETURN_IF_ERROR(query_operand(state, &right));
        RETURN_IF_ERROR(set_operations(state, level + 1, &right));
        RETURN_IF_ERROR(new_query(state, PARSER_QUERY_SET, (*left)->position, &made));
        made->set.kind = kind;
        made->set.all = all;
        made->set.left = *left;
        made->set.right = right;
        *left = made;
        RETURN_IF_ERROR(finish_query(state, made, BASE_MAX(made->set.left->height, right->height)));
    }
}

base_status parser_query_after(parser_state *state, parser_query **query)
{
    RETURN_IF_ERROR(set_operations(state, 1, query));
    return query_suffix(state, query);
}

base_status parser_with_clause(parser_state *state, parser_with *with)
{
    if (!parser_accept_word(state, WORD_WITH))
        return BASE_OK;
    /* A table may be called "recursive": WITH recursive AS (...) */
    if (parser_at(state, WORD_RECURSIVE) && !parser_peek_word(state, 1, WORD_AS)) {
        with->recursive = true;
        parser_advance(state);
    }
    parser_list list = {0};
    do {
        parser_cte *cte = parser_push(state, &list, sizeof *cte);
        if (!cte)
            return BASE_OUT_OF_MEMORY;
        RETURN_IF_ERROR(parser_parse_name(state, "a name for the WITH query", &cte->name));
        if (parser_is(state, TOKEN_OPEN))
            RETURN_IF_ERROR(
                parser_parse_name_list(state, "a column name", &cte->columns, &cte->column_count));
        RETURN_IF_ERROR(parser_expect_word(state, WORD_AS));
        if (parser_accept_words(state, WORD_NOT, WORD_MATERIALIZED))
            cte->materialized = PARSER_CTE_INLINE;
        else if (parser_accept_word(state, WORD_MATERIALIZED))
            cte->materialized = PARSER_CTE_MATERIALIZED;
        RETURN_IF_ERROR(parser_expect(state, TOKEN_OPEN));
        if (parser_at(state, WORD_INSERT) || parser_at(state, WORD_UPDATE) ||
            parser_at(state, WORD_DELETE))
            return base_error_set_at(state->error, BASE_NOT_SUPPORTED, state->token.position,
                                     "a WITH query cannot change data");
        RETURN_IF_ERROR(parser_query_of(state, &cte->query));
        RETURN_IF_ERROR(parser_expect(state, TOKEN_CLOSE));
    } while (parser_accept(state, TOKEN_COMMA));
    with->ctes = list.items;
    with->count = list.count;
    return BASE_OK;
}

static base_status query_body(parser_state *state, parser_query **query)
{
    int32_t position = state->token.position;
    parser_with with = {0};
    RETURN_IF_ERROR(parser_with_clause(state, &with));
    RETURN_IF_ERROR(query_operand(state, query));
    RETURN_IF_ERROR(parser_query_after(state, query));
    if (!with.count)
        return BASE_OK;
    if ((*query)->with.count)
        RETURN_IF_ERROR(wrap(state, query));
    (*query)->with = with;
    (*query)->position = position;
    uint32_t below = (*query)->height - 1u;
    for (uint32_t i = 0; i < with.count; i++)
        parser_raise(&below, with.ctes[i].query->height);
    return finish_query(state, *query, below);
}

base_status parser_query_of(parser_state *state, parser_query **query)
{
    *query = NULL;
    RETURN_IF_ERROR(parser_enter(state));
    base_status status = query_body(state, query);
    parser_leave(state);
    return status;
}
