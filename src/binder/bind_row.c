/*
 * bind_row.c - what every change shares: targets, defaults, assignments, constraints,
 * RETURNING.
 *
 * NOT NULL and CHECK become conditions over the new row (plan_check), which the executor
 * evaluates before it writes. DEFAULT and CHECK are stored as text and parsed here each time; a
 * prepared statement is bound once, so that costs little, and the text survives
 * renaming of functions and changes of the tree.
 *
 * Invariants: conditions and RETURNING use the numbers of bind_row only; the INTEGER
 * PRIMARY KEY of an inserted row is its rowid, which exists only when it is written.
 */
#include "binder/binder_int.h"

uint32_t bind_descriptor_count(const catalog_table *table)
{
    return table_describe(table->relation)->column_count;
}

plan_conflict_action bind_conflict(parser_conflict conflict)
{
    switch (conflict) {
    case PARSER_CONFLICT_IGNORE:
        return PLAN_CONFLICT_IGNORE;
    case PARSER_CONFLICT_REPLACE:
        return PLAN_CONFLICT_REPLACE;
    case PARSER_CONFLICT_DEFAULT:
    case PARSER_CONFLICT_ABORT: /* statements are atomic: what ABORT asks for */
    case PARSER_CONFLICT_ROLLBACK:
    case PARSER_CONFLICT_FAIL:
        return PLAN_CONFLICT_ERROR;
    }
    return PLAN_CONFLICT_ERROR;
}

base_status bind_target_column(binder *b, const catalog_table *table, const parser_name *name,
                               uint32_t *place)
{
    int32_t found = catalog_find_column(table, name->text);
    if (found >= 0) {
        *place = (uint32_t)found;
        return BASE_OK;
    }
    if (bind_is_rowid_name(name->text)) {
        if (table->rowid_column >= 0) {
            *place = (uint32_t)table->rowid_column;
            return BASE_OK;
        }
        return bind_error(b, BASE_NOT_SUPPORTED, name->position,
                          "the rowid of \"%.*s\" cannot be set: it has no INTEGER PRIMARY KEY",
                          BASE_TEXT_ARGUMENTS(table->name));
    }
    base_status status =
        bind_error(b, BASE_UNDEFINED_COLUMN, name->position,
                   "column \"%.*s\" of table \"%.*s\" does not exist",
                   BASE_TEXT_ARGUMENTS(name->text), BASE_TEXT_ARGUMENTS(table->name));
    base_text nearest = catalog_nearest_column(table, name->text);
    if (nearest.length)
        base_error_set_hint(b->error, "did you mean \"%.*s\"?", BASE_TEXT_ARGUMENTS(nearest));
    return status;
}

/* ---- Values ------------------------------------------------------------------------------ */

static void name_column(binder *b, const catalog_table *table, const catalog_column *column)
{
    char table_name[BASE_ERROR_NAME_SIZE], column_name[BASE_ERROR_NAME_SIZE];
    (void)snprintf(table_name, sizeof table_name, "%.*s", BASE_TEXT_ARGUMENTS(table->name));
    (void)snprintf(column_name, sizeof column_name, "%.*s", BASE_TEXT_ARGUMENTS(column->name));
    base_error_set_names(b->error, table_name, column_name, NULL);
}

base_status bind_assign(binder *b, const catalog_table *table, uint32_t place, plan_expr **expr)
{
    const catalog_column *column = &table->columns[place];
    char what[BASE_ERROR_NAME_SIZE];
    (void)snprintf(what, sizeof what, "column \"%.*s\"", (int)BASE_MIN(column->name.length, 64u),
                   column->name.data);
    base_status status = bind_cast(b, expr, column->type, TYPES_CAST_ASSIGNMENT, what);
    if (status != BASE_OK && status != BASE_OUT_OF_MEMORY)
        name_column(b, table, column);
    return status;
}

/* Text that belongs to a definition: errors in it point to where it is used. */
static base_status bind_stored(binder *b, base_text sql, bind_scope *scope, int32_t position,
                               const char *what, base_text owner, plan_expr **expr)
{
    parser_expr *ast;
    base_error inner;
    base_error_clear(&inner);
    base_status status = parser_parse_expr(sql, b->arena, &ast, &inner);
    if (status == BASE_OUT_OF_MEMORY)
        return bind_no_memory(b);
    if (status != BASE_OK)
        return bind_error(b, status, position, "%s of \"%.*s\" cannot be read: %s", what,
                          BASE_TEXT_ARGUMENTS(owner), inner.message);
    bool was_foreign = b->foreign;
    int32_t was_position = b->foreign_position;
    b->foreign_position = bind_position(b, position);
    b->foreign = true;
    status = bind_expr(b, scope, ast, expr);
    b->foreign = was_foreign;
    b->foreign_position = was_position;
    return status;
}

base_status bind_default(binder *b, const catalog_table *table, uint32_t place, int32_t position,
                         plan_expr **expr)
{
    const catalog_column *column = &table->columns[place];
    if (!column->default_sql.length) {
        types_value null = types_null_of(column->type);
        RETURN_IF_ERROR(bind_new_expr(b, PLAN_EXPR_CONSTANT, column->type, 0, position, expr));
        (*expr)->constant = null;
        return BASE_OK;
    }
    bind_scope scope;
    bind_scope_init(&scope, NULL, NULL, NULL);
    scope.clause = BIND_CLAUSE_DEFAULT;
    RETURN_IF_ERROR(
        bind_stored(b, column->default_sql, &scope, position, "the DEFAULT", column->name, expr));
    return bind_assign(b, table, place, expr);
}

/* ---- The row ----------------------------------------------------------------------------- */

static plan_column number_of(const bind_row *row, uint32_t place)
{
    /* A fresh rowid is known only as the rowid. */
    if (row->table->rowid_column == (int32_t)place && row->rowid != PLAN_NO_COLUMN)
        return row->rowid;
    return row->columns[row->table->columns[place].id];
}

/* The row as a relation of the columns that are at hand. */
static base_status row_relation(binder *b, const bind_row *row, bind_relation **result)
{
    const catalog_table *table = row->table;
    bind_relation *relation = bind_array(b, 1, sizeof *relation);
    if (!relation)
        return bind_no_memory(b);
    relation->alias = row->alias;
    relation->columns = bind_array(b, table->column_count, sizeof *relation->columns);
    if (!relation->columns)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < table->column_count; i++) {
        plan_column number = number_of(row, i);
        if (number == PLAN_NO_COLUMN)
            continue;
        bind_column *column = &relation->columns[relation->column_count++];
        column->name = table->columns[i].name;
        column->relation = relation;
        column->expr = plan_column_ref(b->arena, number, table->columns[i].type);
        if (!column->expr)
            return bind_no_memory(b);
    }
    if (row->rowid != PLAN_NO_COLUMN) {
        relation->rowid = plan_column_ref(b->arena, row->rowid, TYPES_OF(INTEGER));
        if (!relation->rowid)
            return bind_no_memory(b);
    }
    *result = relation;
    return BASE_OK;
}

/* ---- Constraints ------------------------------------------------------------------------- */

bool bind_has_checks(const catalog_table *table)
{
    for (uint32_t i = 0; i < table->constraint_count; i++)
        if (table->constraints[i].kind == CATALOG_CHECK)
            return true;
    return false;
}

static bool forbids_null(const catalog_table *table, uint32_t place)
{
    if (table->columns[place].not_null)
        return true;
    for (uint32_t i = 0; i < table->constraint_count; i++) {
        const catalog_constraint *key = &table->constraints[i];
        if (key->kind != CATALOG_PRIMARY_KEY)
            continue;
        for (uint32_t c = 0; c < key->column_count; c++)
            if (key->columns[c] == place)
                return true;
    }
    return false;
}

static base_status not_null_check(binder *b, const bind_row *row, uint32_t place, plan_check *check)
{
    const catalog_column *column = &row->table->columns[place];
    plan_expr *test;
    RETURN_IF_ERROR(bind_new_expr(b, PLAN_EXPR_IS_NULL, TYPES_OF(BOOLEAN), 1, -1, &test));
    test->negated = true;
    test->arguments[0] = plan_column_ref(b->arena, row->columns[column->id], column->type);
    if (!test->arguments[0])
        return bind_no_memory(b);
    *check = (plan_check){test, BASE_NOT_NULL_VIOLATION, column->name};
    return BASE_OK;
}

/* An INSERT may leave the INTEGER PRIMARY KEY out: it then gets a fresh value. An UPDATE
 * must not set it to NULL. */
static bool needs_not_null(const bind_row *row, const bool *set, uint32_t place)
{
    bool is_rowid = row->table->rowid_column == (int32_t)place;
    if (set)
        return set[place] && (is_rowid || forbids_null(row->table, place));
    return !is_rowid && forbids_null(row->table, place);
}

base_status bind_checks(binder *b, const bind_row *row, const bool *set, plan_check **checks,
                        uint32_t *count)
{
    const catalog_table *table = row->table;
    *count = 0;
    *checks = bind_array(b, table->column_count + table->constraint_count, sizeof **checks);
    if (!*checks)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < table->column_count; i++)
        if (needs_not_null(row, set, i))
            RETURN_IF_ERROR(not_null_check(b, row, i, &(*checks)[(*count)++]));
    if (!bind_has_checks(table))
        return BASE_OK;
    bind_relation *relation;
    bind_scope scope;
    bind_scope_init(&scope, NULL, NULL, NULL);
    scope.clause = BIND_CLAUSE_CHECK;
    RETURN_IF_ERROR(row_relation(b, row, &relation));
    RETURN_IF_ERROR(bind_names_of_relation(b, relation, &scope.names));
    for (uint32_t i = 0; i < table->constraint_count; i++) {
        const catalog_constraint *constraint = &table->constraints[i];
        if (constraint->kind != CATALOG_CHECK)
            continue;
        plan_check *check = &(*checks)[(*count)++];
        check->violation = BASE_CHECK_VIOLATION;
        check->name = constraint->name;
        RETURN_IF_ERROR(bind_stored(b, constraint->check_sql, &scope, -1, "the CHECK",
                                    constraint->name, &check->condition));
        RETURN_IF_ERROR(bind_condition(b, &check->condition, "a CHECK constraint"));
    }
    return BASE_OK;
}

/* ---- RETURNING --------------------------------------------------------------------------- */

static base_status list_returning(binder *b, bind_scope *scope, const parser_select_item *items,
                                  uint32_t item_count, bind_item **list, uint32_t *count)
{
    uint32_t capacity = 0;
    *list = NULL;
    *count = 0;
    for (uint32_t i = 0; i < item_count; i++) {
        if (items[i].expr->kind == PARSER_EXPR_STAR) {
            RETURN_IF_ERROR(bind_star(b, scope, items[i].expr, list, count, &capacity));
            continue;
        }
        *list = bind_grow(b, *list, *count, &capacity, sizeof **list);
        if (!*list)
            return bind_no_memory(b);
        bind_item *item = &(*list)[(*count)++];
        item->name =
            items[i].alias.text.length ? items[i].alias.text : bind_output_name(items[i].expr);
        RETURN_IF_ERROR(bind_expr(b, scope, items[i].expr, &item->expr));
        RETURN_IF_ERROR(bind_settle(b, &item->expr));
        if (plan_expr_has_subquery(item->expr))
            return bind_error(b, BASE_NOT_SUPPORTED, items[i].expr->position,
                              "a subquery in RETURNING is not available yet");
    }
    return BASE_OK;
}

static base_status publish_returning(binder *b, const bind_item *items, uint32_t count,
                                     plan_node *node, plan_output **outputs, binder_result *result)
{
    *outputs = bind_array(b, count, sizeof **outputs);
    node->columns = bind_array(b, count, sizeof *node->columns);
    result->column_names = bind_array(b, count, sizeof *result->column_names);
    result->column_types = bind_array(b, count, sizeof *result->column_types);
    if (!*outputs || !node->columns || !result->column_names || !result->column_types)
        return bind_no_memory(b);
    node->column_count = result->column_count = count;
    for (uint32_t i = 0; i < count; i++) {
        RETURN_IF_ERROR(bind_new_column(b, &node->columns[i]));
        (*outputs)[i] = (plan_output){node->columns[i], items[i].expr};
        result->column_types[i] = items[i].expr->type;
        result->column_names[i] =
            base_arena_copy_text(b->arena, items[i].name.data, items[i].name.length);
        if (!result->column_names[i])
            return bind_no_memory(b);
    }
    return BASE_OK;
}

base_status bind_returning(binder *b, const bind_row *row, const parser_select_item *items,
                           uint32_t item_count, plan_node *node, plan_output **outputs,
                           binder_result *result)
{
    if (!item_count)
        return BASE_OK;
    bind_relation *relation;
    bind_scope scope;
    bind_item *list;
    uint32_t count;
    bind_scope_init(&scope, NULL, NULL, NULL);
    scope.clause = BIND_CLAUSE_RETURNING;
    RETURN_IF_ERROR(row_relation(b, row, &relation));
    RETURN_IF_ERROR(bind_names_of_relation(b, relation, &scope.names));
    RETURN_IF_ERROR(list_returning(b, &scope, items, item_count, &list, &count));
    return publish_returning(b, list, count, node, outputs, result);
}
