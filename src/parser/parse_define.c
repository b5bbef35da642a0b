/*
 * parse_define.c - CREATE TABLE: columns, constraints, options.
 *
 * DEFAULT takes an operand without NOT, IN, AND and the like, because what follows it may be
 * another constraint (DEFAULT 5 NOT NULL); anything larger needs parentheses, as elsewhere.
 */
#include "parser/parser_int.h"

base_status parser_index_parts(parser_state *state, parser_index_part **parts, uint32_t *count)
{
    parser_list list = {0};
    RETURN_IF_ERROR(parser_expect(state, TOKEN_OPEN));
    do {
        parser_index_part part = {0};
        RETURN_IF_ERROR(parser_expression(state, &part.expr));
        if (part.expr->kind == PARSER_EXPR_COLLATE) {
            part.collation = (parser_name){part.expr->text, part.expr->position};
            part.expr = part.expr->arguments[0];
        }
        if (parser_accept_word(state, WORD_DESC))
            part.descending = true;
        else
            (void)parser_accept_word(state, WORD_ASC);
        if (parser_accept_word(state, WORD_NULLS)) {
            if (parser_accept_word(state, WORD_FIRST)) {
                part.nulls = PARSER_PART_NULLS_FIRST;
            } else {
                RETURN_IF_ERROR(parser_expect_word(state, WORD_LAST));
                part.nulls = PARSER_PART_NULLS_LAST;
            }
        }
        parser_index_part *place = parser_push(state, &list, sizeof *place);
        if (!place)
            return BASE_OUT_OF_MEMORY;
        *place = part;
    } while (parser_accept(state, TOKEN_COMMA));
    *parts = list.items;
    *count = list.count;
    return parser_expect(state, TOKEN_CLOSE);
}

/* ---- Constraints -------------------------------------------------------------------------- */

/* ON CONFLICT word behind a key (SQLite). */
static base_status constraint_conflict(parser_state *state, parser_constraint *constraint)
{
    if (!parser_accept_words(state, WORD_ON, WORD_CONFLICT))
        return BASE_OK;
    return parser_conflict_word(state, &constraint->on_conflict);
}

/* CASCADE | RESTRICT | NO ACTION | SET NULL | SET DEFAULT */
static base_status reference_action(parser_state *state, base_text *action)
{
    if (parser_accept_word(state, WORD_CASCADE)) {
        *action = BASE_TEXT("cascade");
    } else if (parser_accept_word(state, WORD_RESTRICT)) {
        *action = BASE_TEXT("restrict");
    } else if (parser_accept_word(state, WORD_NO)) {
        *action = BASE_TEXT("no action");
        return parser_expect_word(state, WORD_ACTION);
    } else {
        RETURN_IF_ERROR(parser_expect_word(state, WORD_SET));
        if (parser_accept_word(state, WORD_NULL)) {
            *action = BASE_TEXT("set null");
        } else {
            *action = BASE_TEXT("set default");
            return parser_expect_word(state, WORD_DEFAULT);
        }
    }
    return BASE_OK;
}

static base_status deferrable(parser_state *state)
{
    bool negated = parser_at(state, WORD_NOT) && parser_peek_word(state, 1, WORD_DEFERRABLE);
    if (negated)
        parser_advance(state);
    if (parser_accept_word(state, WORD_DEFERRABLE) || parser_at(state, WORD_INITIALLY)) {
        if (parser_accept_word(state, WORD_INITIALLY) && !parser_accept_word(state, WORD_DEFERRED))
            return parser_expect_word(state, WORD_IMMEDIATE);
    }
    return BASE_OK;
}

/* Behind REFERENCES. */
static base_status reference_clause(parser_state *state, parser_constraint *constraint)
{
    RETURN_IF_ERROR(parser_parse_object(state, "a table name", &constraint->references));
    if (parser_is(state, TOKEN_OPEN))
        RETURN_IF_ERROR(parser_parse_name_list(state, "a column name", &constraint->referenced,
                                               &constraint->referenced_count));
    while (parser_at(state, WORD_ON) &&
           (parser_peek_word(state, 1, WORD_DELETE) || parser_peek_word(state, 1, WORD_UPDATE))) {
        parser_advance(state);
        bool deleted = parser_at(state, WORD_DELETE);
        parser_advance(state);
        RETURN_IF_ERROR(
            reference_action(state, deleted ? &constraint->on_delete : &constraint->on_update));
    }
    return deferrable(state);
}

/* GENERATED ALWAYS AS (e) [STORED|VIRTUAL] | GENERATED ... AS IDENTITY | AS (e) */
static base_status generated_clause(parser_state *state, parser_constraint *constraint)
{
    if (parser_accept_word(state, WORD_GENERATED)) {
        if (!parser_accept_word(state, WORD_ALWAYS)) {
            RETURN_IF_ERROR(parser_expect_word(state, WORD_BY));
            RETURN_IF_ERROR(parser_expect_word(state, WORD_DEFAULT));
        }
    }
    RETURN_IF_ERROR(parser_expect_word(state, WORD_AS));
    if (parser_accept_word(state, WORD_IDENTITY)) {
        constraint->kind = PARSER_CONSTRAINT_IDENTITY;
        return BASE_OK;
    }
    constraint->kind = PARSER_CONSTRAINT_GENERATED;
    RETURN_IF_ERROR(parser_expect(state, TOKEN_OPEN));
    RETURN_IF_ERROR(parser_expression(state, &constraint->expr));
    RETURN_IF_ERROR(parser_expect(state, TOKEN_CLOSE));
    if (!parser_accept_word(state, WORD_STORED))
        (void)parser_accept_word(state, WORD_VIRTUAL);
    return BASE_OK;
}

static bool begins_column_constraint(parser_state *state)
{
    switch (state->token.keyword) {
    case WORD_CONSTRAINT:
    case WORD_PRIMARY:
    case WORD_UNIQUE:
    case WORD_CHECK:
    case WORD_REFERENCES:
    case WORD_NOT:
    case WORD_NULL:
    case WORD_DEFAULT:
    case WORD_COLLATE:
    case WORD_GENERATED:
    case WORD_AS:
    case WORD_AUTOINCREMENT:
    case WORD_AUTO_INCREMENT:
        return true;
    default:
        return false;
    }
}

static base_status check_clause(parser_state *state, parser_constraint *constraint)
{
    constraint->kind = PARSER_CONSTRAINT_CHECK;
    RETURN_IF_ERROR(parser_expect(state, TOKEN_OPEN));
    RETURN_IF_ERROR(parser_expression(state, &constraint->expr));
    return parser_expect(state, TOKEN_CLOSE);
}

static base_status primary_key_of_column(parser_state *state, parser_constraint *constraint)
{
    constraint->kind = PARSER_CONSTRAINT_PRIMARY_KEY;
    RETURN_IF_ERROR(parser_expect_word(state, WORD_KEY));
    constraint->descending = parser_accept_word(state, WORD_DESC);
    if (!constraint->descending)
        (void)parser_accept_word(state, WORD_ASC);
    return constraint_conflict(state, constraint);
}

static base_status column_constraint(parser_state *state, parser_constraint *constraint)
{
    if (parser_accept_word(state, WORD_CONSTRAINT))
        RETURN_IF_ERROR(parser_parse_name(state, "a constraint's name", &constraint->name));
    constraint->position = state->token.position;
    if (parser_accept_word(state, WORD_PRIMARY))
        return primary_key_of_column(state, constraint);
    if (parser_accept_word(state, WORD_UNIQUE)) {
        constraint->kind = PARSER_CONSTRAINT_UNIQUE;
        (void)parser_accept_word(state, WORD_KEY);
        return constraint_conflict(state, constraint);
    }
    if (parser_accept_word(state, WORD_CHECK))
        return check_clause(state, constraint);
    if (parser_accept_word(state, WORD_REFERENCES)) {
        constraint->kind = PARSER_CONSTRAINT_FOREIGN_KEY;
        return reference_clause(state, constraint);
    }
    if (parser_accept_word(state, WORD_NOT)) {
        constraint->kind = PARSER_CONSTRAINT_NOT_NULL;
        RETURN_IF_ERROR(parser_expect_word(state, WORD_NULL));
        return constraint_conflict(state, constraint);
    }
    if (parser_accept_word(state, WORD_NULL)) {
        constraint->kind = PARSER_CONSTRAINT_NULL;
        return BASE_OK;
    }
    if (parser_accept_word(state, WORD_DEFAULT)) {
        constraint->kind = PARSER_CONSTRAINT_DEFAULT;
        return parser_expression_at(state, PRECEDENCE_OTHER, &constraint->expr);
    }
    if (parser_accept_word(state, WORD_COLLATE)) {
        constraint->kind = PARSER_CONSTRAINT_COLLATE;
        return parser_parse_name(state, "a collation's name", &constraint->collation);
    }
    if (parser_accept_word(state, WORD_AUTOINCREMENT) ||
        parser_accept_word(state, WORD_AUTO_INCREMENT)) {
        constraint->kind = PARSER_CONSTRAINT_IDENTITY;
        return BASE_OK;
    }
    return generated_clause(state, constraint);
}

/* PostgreSQL's SERIAL is no type: it says what GENERATED ... AS IDENTITY says. */
static base_status parse_serial(parser_state *state, parser_column *column, parser_list *list)
{
    static const char *const names[] = {"serial",    "serial4",     "serial8",
                                        "bigserial", "smallserial", "serial2"};
    bool is_serial = false;
    for (size_t i = 0; i < BASE_COUNT_OF(names); i++)
        is_serial |= base_text_equal_folded(column->type.name, base_text_of(names[i]));
    if (!is_serial)
        return BASE_OK;
    parser_constraint *constraint = parser_push(state, list, sizeof *constraint);
    if (!constraint)
        return BASE_OUT_OF_MEMORY;
    constraint->kind = PARSER_CONSTRAINT_IDENTITY;
    constraint->position = column->type.position;
    column->type.name = BASE_TEXT("integer");
    return BASE_OK;
}

base_status parser_column_definition(parser_state *state, parser_column *column)
{
    parser_list list = {0};
    RETURN_IF_ERROR(parser_parse_name(state, "a column name", &column->name));
    if (parser_at_name(state) && !begins_column_constraint(state)) {
        RETURN_IF_ERROR(parser_type_name(state, &column->type));
        RETURN_IF_ERROR(parse_serial(state, column, &list));
    }
    while (begins_column_constraint(state)) {
        parser_constraint *constraint = parser_push(state, &list, sizeof *constraint);
        if (!constraint)
            return BASE_OUT_OF_MEMORY;
        RETURN_IF_ERROR(column_constraint(state, constraint));
    }
    column->constraints = list.items;
    column->constraint_count = list.count;
    return BASE_OK;
}

bool parser_begins_table_constraint(parser_state *state)
{
    switch (state->token.keyword) {
    case WORD_CONSTRAINT:
    case WORD_PRIMARY:
    case WORD_UNIQUE:
    case WORD_CHECK:
    case WORD_FOREIGN:
        return true;
    default:
        return false;
    }
}

/* FOREIGN KEY (a, b) REFERENCES ...; behind FOREIGN. The columns become parts. */
static base_status foreign_key(parser_state *state, parser_constraint *constraint)
{
    constraint->kind = PARSER_CONSTRAINT_FOREIGN_KEY;
    RETURN_IF_ERROR(parser_expect_word(state, WORD_KEY));
    RETURN_IF_ERROR(parser_index_parts(state, &constraint->parts, &constraint->part_count));
    RETURN_IF_ERROR(parser_expect_word(state, WORD_REFERENCES));
    return reference_clause(state, constraint);
}

base_status parser_table_constraint(parser_state *state, parser_constraint *constraint)
{
    if (parser_accept_word(state, WORD_CONSTRAINT))
        RETURN_IF_ERROR(parser_parse_name(state, "a constraint's name", &constraint->name));
    constraint->position = state->token.position;
    if (parser_accept_word(state, WORD_CHECK))
        return check_clause(state, constraint);
    if (parser_accept_word(state, WORD_FOREIGN))
        return foreign_key(state, constraint);
    if (parser_accept_word(state, WORD_PRIMARY)) {
        constraint->kind = PARSER_CONSTRAINT_PRIMARY_KEY;
        RETURN_IF_ERROR(parser_expect_word(state, WORD_KEY));
    } else if (parser_accept_word(state, WORD_UNIQUE)) {
        constraint->kind = PARSER_CONSTRAINT_UNIQUE;
        if (!parser_accept_word(state, WORD_KEY))
            (void)parser_accept_word(state, WORD_INDEX);
        if (!constraint->name.text.data && parser_at_name(state)) /* MySQL: UNIQUE KEY name (..) */
            RETURN_IF_ERROR(parser_parse_name(state, "a constraint's name", &constraint->name));
    } else {
        return parser_unexpected(state, "PRIMARY KEY, UNIQUE, CHECK or FOREIGN KEY");
    }
    RETURN_IF_ERROR(parser_index_parts(state, &constraint->parts, &constraint->part_count));
    RETURN_IF_ERROR(constraint_conflict(state, constraint));
    return deferrable(state);
}

/* ---- CREATE TABLE ------------------------------------------------------------------------- */

/* One entry of the list in parentheses. */
static base_status table_entry(parser_state *state, parser_list *columns, parser_list *constraints)
{
    if (parser_begins_table_constraint(state)) {
        parser_constraint *constraint = parser_push(state, constraints, sizeof *constraint);
        if (!constraint)
            return BASE_OUT_OF_MEMORY;
        return parser_table_constraint(state, constraint);
    }
    if (constraints->count) /* SQLite allows no comma between constraints, nobody columns */
        return parser_unexpected(state, "a constraint or \")\"");
    parser_column *column = parser_push(state, columns, sizeof *column);
    if (!column)
        return BASE_OUT_OF_MEMORY;
    return parser_column_definition(state, column);
}

static base_status table_entries(parser_state *state, parser_create_table *table)
{
    parser_list columns = {0}, constraints = {0};
    RETURN_IF_ERROR(parser_expect(state, TOKEN_OPEN));
    do {
        RETURN_IF_ERROR(table_entry(state, &columns, &constraints));
    } while (parser_accept(state, TOKEN_COMMA) || parser_begins_table_constraint(state));
    table->columns = columns.items;
    table->column_count = columns.count;
    table->constraints = constraints.items;
    table->constraint_count = constraints.count;
    return parser_expect(state, TOKEN_CLOSE);
}

/* SQLite's options, and MySQL's ENGINE=..., which mean nothing here. */
static base_status table_options(parser_state *state, parser_create_table *table)
{
    static const char *const ignored[] = {"engine", "charset", "comment", "row_format",
                                          "auto_increment"};
    for (;;) {
        bool more = parser_accept(state, TOKEN_COMMA);
        if (parser_accept_word(state, WORD_WITHOUT)) {
            if (!parser_accept_text(state, "rowid"))
                return parser_unexpected(state, "ROWID");
            table->without_rowid = true;
            continue;
        }
        if (parser_accept_word(state, WORD_STRICT)) {
            table->strict = true;
            continue;
        }
        bool known =
            parser_accept_word(state, WORD_DEFAULT) || parser_accept_word(state, WORD_COLLATE);
        for (size_t i = 0; i < BASE_COUNT_OF(ignored); i++)
            known = parser_accept_text(state, ignored[i]) || known;
        if (!known)
            return more ? parser_unexpected(state, "a table option") : BASE_OK;
        (void)parser_accept(state, TOKEN_EQUAL);
        parser_name value = {0};
        if (parser_is(state, TOKEN_NUMBER))
            parser_advance(state);
        else
            RETURN_IF_ERROR(parser_parse_label(state, true, &value));
    }
}

/* AS query [WITH [NO] DATA]; behind AS. */
static base_status as_query(parser_state *state, parser_create_table *table)
{
    RETURN_IF_ERROR(parser_query_of(state, &table->as_query));
    if (!parser_accept_word(state, WORD_WITH))
        return BASE_OK;
    table->with_no_data = parser_accept_word(state, WORD_NO);
    return parser_expect_word(state, WORD_DATA);
}

base_status parser_create_table_statement(parser_state *state, parser_statement *statement,
                                          bool temporary)
{
    parser_create_table *table = base_arena_allocate_zeroed(state->arena, sizeof *table);
    if (!table)
        return parser_no_memory(state);
    statement->kind = PARSER_STATEMENT_CREATE_TABLE;
    statement->create_table = table;
    table->temporary = temporary;
    parser_advance(state);
    RETURN_IF_ERROR(parser_parse_if_not_exists(state, &table->if_not_exists));
    RETURN_IF_ERROR(parser_parse_object(state, "a table name", &table->name));
    /* Definitions are kept as text, where a parameter would have no value. */
    state->parameters_allowed = false;
    if (parser_is(state, TOKEN_OPEN) && !parser_peek_word(state, 1, WORD_SELECT) &&
        !parser_peek_word(state, 1, WORD_WITH))
        RETURN_IF_ERROR(table_entries(state, table));
    if (parser_accept_word(state, WORD_AS)) {
        state->parameters_allowed = true;
        return as_query(state, table);
    }
    if (!table->column_count)
        return parser_unexpected(state, "\"(\" with columns, or AS");
    return table_options(state, table);
}
