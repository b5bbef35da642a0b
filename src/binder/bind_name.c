/*
 * bind_name.c - names in scope, and what to say when a name is not there.
 *
 * FROM gives a list of relations (for qualified names) and a list of bare columns (in the
 * order of `*`, merged columns of USING first). Look-up goes outwards scope by scope; a
 * name found in an outer scope is a correlation by the mere fact that its number comes
 * from there. Lists are searched linearly: a statement names few columns, and a hash
 * would have to be built for every FROM of every statement.
 *
 * Invariants: what a reference gets is its own copy, so that rules may change it.
 */
#include "binder/binder_int.h"

bool bind_is_rowid_name(base_text name)
{
    return base_text_equal_folded(name, BASE_TEXT("rowid")) ||
           base_text_equal_folded(name, BASE_TEXT("_rowid_")) ||
           base_text_equal_folded(name, BASE_TEXT("oid"));
}

const bind_relation *bind_find_relation(const bind_names *names, base_text alias)
{
    for (uint32_t i = 0; i < names->relation_count; i++)
        if (base_text_equal_folded(names->relations[i]->alias, alias))
            return names->relations[i];
    return NULL;
}

uint32_t bind_match_column(const bind_names *names, base_text name, const bind_column **column)
{
    uint32_t matches = 0;
    for (uint32_t i = 0; i < names->column_count; i++)
        if (base_text_equal_folded(names->columns[i].name, name) && matches++ == 0)
            *column = &names->columns[i];
    return matches;
}

/* ---- Building lists ---------------------------------------------------------------------- */

base_status bind_names_of_relation(binder *b, bind_relation *relation, bind_names *names)
{
    names->relations = bind_array(b, 1, sizeof *names->relations);
    if (!names->relations)
        return bind_no_memory(b);
    names->relations[0] = relation;
    names->relation_count = 1;
    names->columns = relation->columns;
    names->column_count = relation->column_count;
    return BASE_OK;
}

base_status bind_names_join(binder *b, const bind_names *left, const bind_names *right,
                            bind_names *joined)
{
    joined->relation_count = left->relation_count + right->relation_count;
    joined->column_count = left->column_count + right->column_count;
    joined->relations = bind_array(b, joined->relation_count, sizeof *joined->relations);
    joined->columns = bind_array(b, joined->column_count, sizeof *joined->columns);
    if (!joined->relations || !joined->columns)
        return bind_no_memory(b);
    if (left->relation_count)
        memcpy(joined->relations, left->relations,
               left->relation_count * sizeof *joined->relations);
    if (right->relation_count)
        memcpy(joined->relations + left->relation_count, right->relations,
               right->relation_count * sizeof *joined->relations);
    if (left->column_count)
        memcpy(joined->columns, left->columns, left->column_count * sizeof *joined->columns);
    if (right->column_count)
        memcpy(joined->columns + left->column_count, right->columns,
               right->column_count * sizeof *joined->columns);
    return BASE_OK;
}

base_status bind_relation_new(binder *b, base_text alias, const plan_node *node, uint32_t count,
                              const base_text *names, const types_type *types,
                              bind_relation **result)
{
    bind_relation *relation = bind_array(b, 1, sizeof *relation);
    if (!relation)
        return bind_no_memory(b);
    relation->alias = alias;
    relation->column_count = count;
    relation->columns = bind_array(b, count, sizeof *relation->columns);
    if (!relation->columns)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < count; i++) {
        relation->columns[i].name = names[i];
        relation->columns[i].relation = relation;
        relation->columns[i].expr = plan_column_ref(b->arena, node->columns[i], types[i]);
        if (!relation->columns[i].expr)
            return bind_no_memory(b);
    }
    *result = relation;
    return BASE_OK;
}

/* FROM t AS a (x, y): new names for the first columns. */
base_status bind_alias_columns(binder *b, bind_relation *relation, const parser_from *from)
{
    if (from->column_alias_count > relation->column_count)
        return bind_error(b, BASE_INVALID_COLUMN_REFERENCE, from->position,
                          "\"%.*s\" has %u column%s but %u names are given",
                          BASE_TEXT_ARGUMENTS(relation->alias), relation->column_count,
                          relation->column_count == 1 ? "" : "s", from->column_alias_count);
    for (uint32_t i = 0; i < from->column_alias_count; i++)
        relation->columns[i].name = from->column_aliases[i].text;
    return BASE_OK;
}

/* ---- Errors ------------------------------------------------------------------------------ */

base_status bind_table_not_found(binder *b, base_text name, int32_t position)
{
    base_status status = bind_error(b, BASE_UNDEFINED_TABLE, position,
                                    "table \"%.*s\" does not exist", BASE_TEXT_ARGUMENTS(name));
    base_text nearest = catalog_nearest_table(b->input->catalog, name);
    if (nearest.length)
        base_error_set_hint(b->error, "did you mean \"%.*s\"?", BASE_TEXT_ARGUMENTS(nearest));
    return status;
}

typedef struct nearest_name {
    base_text wanted, found;
    base_text relation;
    uint32_t distance; /* of `found`, or one more than is allowed */
} nearest_name;

static void consider(nearest_name *nearest, base_text name, base_text relation)
{
    if (nearest->distance == 0)
        return;
    uint32_t distance = base_text_distance(nearest->wanted, name, nearest->distance - 1);
    if (distance < nearest->distance) {
        nearest->distance = distance;
        nearest->found = name;
        nearest->relation = relation;
    }
}

/* A name of n letters may be wrong in a third of them, three at most. */
static uint32_t allowed_distance(base_text name)
{
    return (uint32_t)BASE_MIN(name.length / 3 + 1, (size_t)3);
}

static base_status column_not_found(binder *b, bind_scope *scope, base_text table, base_text name,
                                    int32_t position)
{
    base_status status =
        table.length
            ? bind_error(b, BASE_UNDEFINED_COLUMN, position, "column \"%.*s.%.*s\" does not exist",
                         BASE_TEXT_ARGUMENTS(table), BASE_TEXT_ARGUMENTS(name))
            : bind_error(b, BASE_UNDEFINED_COLUMN, position, "column \"%.*s\" does not exist",
                         BASE_TEXT_ARGUMENTS(name));
    nearest_name nearest = {.wanted = name, .distance = allowed_distance(name) + 1};
    for (bind_scope *s = scope; s; s = s->outer)
        for (uint32_t i = 0; i < s->names.relation_count; i++) {
            const bind_relation *relation = s->names.relations[i];
            if (table.length && !base_text_equal_folded(relation->alias, table))
                continue;
            for (uint32_t c = 0; c < relation->column_count; c++)
                consider(&nearest, relation->columns[c].name, relation->alias);
        }
    if (nearest.found.length)
        base_error_set_hint(b->error, "did you mean \"%.*s%s%.*s\"?",
                            BASE_TEXT_ARGUMENTS(nearest.relation),
                            nearest.relation.length ? "." : "", BASE_TEXT_ARGUMENTS(nearest.found));
    return status;
}

static base_status relation_not_found(binder *b, bind_scope *scope, base_text alias,
                                      int32_t position)
{
    base_status status = bind_error(b, BASE_UNDEFINED_TABLE, position,
                                    "table \"%.*s\" is not in FROM", BASE_TEXT_ARGUMENTS(alias));
    nearest_name nearest = {.wanted = alias, .distance = allowed_distance(alias) + 1};
    for (bind_scope *s = scope; s; s = s->outer)
        for (uint32_t i = 0; i < s->names.relation_count; i++) {
            const bind_relation *relation = s->names.relations[i];
            if (relation->table && base_text_equal_folded(relation->table->name, alias)) {
                base_error_set_hint(b->error, "it is called \"%.*s\" here",
                                    BASE_TEXT_ARGUMENTS(relation->alias));
                return status;
            }
            consider(&nearest, relation->alias, (base_text){0});
        }
    if (nearest.found.length)
        base_error_set_hint(b->error, "did you mean \"%.*s\"?", BASE_TEXT_ARGUMENTS(nearest.found));
    return status;
}

static base_status ambiguous(binder *b, base_text name, int32_t position)
{
    base_status status = bind_error(b, BASE_AMBIGUOUS, position, "column \"%.*s\" is ambiguous",
                                    BASE_TEXT_ARGUMENTS(name));
    base_error_set_hint(b->error, "put the table's name before it");
    return status;
}

/* ---- Look-up ----------------------------------------------------------------------------- */

static base_status use_column(binder *b, bind_scope *scope, const plan_expr *column,
                              int32_t position, plan_expr **expr)
{
    scope->touched = true;
    if (++b->expr_count > BINDER_MAX_EXPRESSIONS)
        return bind_error(b, BASE_LIMIT, position, "the statement is too large once expanded");
    *expr = plan_expr_copy(b->arena, column);
    if (!*expr)
        return bind_no_memory(b);
    (*expr)->position = bind_position(b, position);
    return BASE_OK;
}

/* The rowid under one of its names, where exactly one base table offers it. */
static const plan_expr *find_rowid(const bind_names *names)
{
    const plan_expr *rowid = NULL;
    for (uint32_t i = 0; i < names->relation_count; i++)
        if (names->relations[i]->rowid) {
            if (rowid)
                return NULL;
            rowid = names->relations[i]->rowid;
        }
    return rowid;
}

static base_status find_qualified(binder *b, bind_scope *scope, base_text table, base_text name,
                                  int32_t position, plan_expr **expr)
{
    for (bind_scope *s = scope; s; s = s->outer) {
        const bind_relation *relation = bind_find_relation(&s->names, table);
        if (!relation)
            continue;
        const bind_names own = {.column_count = relation->column_count,
                                .columns = relation->columns};
        const bind_column *column = NULL;
        uint32_t matches = bind_match_column(&own, name, &column);
        if (matches > 1)
            return ambiguous(b, name, position);
        if (matches == 1)
            return use_column(b, s, column->expr, position, expr);
        if (relation->rowid && bind_is_rowid_name(name))
            return use_column(b, s, relation->rowid, position, expr);
        return column_not_found(b, scope, table, name, position);
    }
    return relation_not_found(b, scope, table, position);
}

/* An alias stands for its expression, whose calls must be allowed where it is used. */
static base_status use_output(binder *b, bind_scope *scope, const plan_expr *output,
                              int32_t position, plan_expr **expr)
{
    plan_column_set columns = {.arena = b->arena};
    if (!plan_expr_columns(output, &columns))
        return bind_no_memory(b);
    for (uint32_t i = 0; i < scope->aggregate_count; i++)
        if (plan_set_has(&columns, scope->aggregates[i].column))
            RETURN_IF_ERROR(bind_aggregate_place(b, scope, position));
    for (uint32_t i = 0; i < scope->window_count; i++)
        if (plan_set_has(&columns, scope->windows[i].window.column))
            RETURN_IF_ERROR(bind_window_place(b, scope, position));
    return use_column(b, scope, output, position, expr);
}

static base_status find_bare(binder *b, bind_scope *scope, base_text name, int32_t position,
                             plan_expr **expr)
{
    for (bind_scope *s = scope; s; s = s->outer) {
        const bind_column *column = NULL;
        uint32_t matches = bind_match_column(&s->names, name, &column);
        if (matches > 1)
            return ambiguous(b, name, position);
        if (matches == 1)
            return use_column(b, s, column->expr, position, expr);
        for (uint32_t i = 0; i < s->item_count; i++)
            if (base_text_equal_folded(s->items[i].name, name) &&
                !plan_expr_has_subquery(s->items[i].expr))
                return use_output(b, s, s->items[i].expr, position, expr);
        const plan_expr *rowid = bind_is_rowid_name(name) ? find_rowid(&s->names) : NULL;
        if (rowid)
            return use_column(b, s, rowid, position, expr);
    }
    return column_not_found(b, scope, (base_text){0}, name, position);
}

base_status bind_column_reference(binder *b, bind_scope *scope, const parser_expr *ast,
                                  plan_expr **expr)
{
    uint32_t count = ast->column.part_count;
    BASE_ASSERT(count >= 1 && count <= PARSER_MAX_NAME_PARTS);
    base_text name = ast->column.parts[count - 1].text;
    if (count == 1)
        return find_bare(b, scope, name, ast->position, expr);
    return find_qualified(b, scope, ast->column.parts[count - 2].text, name, ast->position, expr);
}

static base_status add_star_column(binder *b, bind_scope *scope, const bind_column *column,
                                   int32_t position, bind_item **items, uint32_t *count,
                                   uint32_t *capacity)
{
    *items = bind_grow(b, *items, *count, capacity, sizeof **items);
    if (!*items)
        return bind_no_memory(b);
    bind_item *item = &(*items)[(*count)++];
    item->name = column->name;
    return use_column(b, scope, column->expr, position, &item->expr);
}

base_status bind_star(binder *b, bind_scope *scope, const parser_expr *star, bind_item **items,
                      uint32_t *count, uint32_t *capacity)
{
    const bind_column *columns = scope->names.columns;
    uint32_t column_count = scope->names.column_count;
    bind_scope *owner = scope;
    if (star->column.part_count) {
        base_text alias = star->column.parts[star->column.part_count - 1].text;
        const bind_relation *relation = bind_find_relation(&owner->names, alias);
        while (!relation && owner->outer) {
            owner = owner->outer;
            relation = bind_find_relation(&owner->names, alias);
        }
        if (!relation)
            return relation_not_found(b, scope, alias, star->position);
        columns = relation->columns;
        column_count = relation->column_count;
    } else if (!scope->names.relation_count) {
        return bind_error(b, BASE_SYNTAX, star->position, "SELECT * needs a FROM clause");
    }
    for (uint32_t i = 0; i < column_count; i++)
        RETURN_IF_ERROR(
            add_star_column(b, owner, &columns[i], star->position, items, count, capacity));
    return BASE_OK;
}

base_text bind_output_name(const parser_expr *expr)
{
    switch ((parser_expr_kind)expr->kind) {
    case PARSER_EXPR_COLUMN:
        return expr->column.parts[expr->column.part_count - 1].text;
    case PARSER_EXPR_CALL:
        return expr->call->name.text;
    case PARSER_EXPR_CAST: {
        base_text inner = bind_output_name(expr->arguments[0]);
        return base_text_equal(inner, BASE_TEXT("?column?")) ? expr->cast.type.name : inner;
    }
    case PARSER_EXPR_COLLATE:
        return bind_output_name(expr->arguments[0]);
    case PARSER_EXPR_CASE:
        return BASE_TEXT("case");
    case PARSER_EXPR_EXISTS:
        return BASE_TEXT("exists");
    case PARSER_EXPR_BOOLEAN:
        return BASE_TEXT("bool");
    case PARSER_EXPR_ROW:
        return BASE_TEXT("row");
    case PARSER_EXPR_SUBQUERY: {
        const parser_query *query = expr->query;
        if (query->kind == PARSER_QUERY_SELECT && query->select.item_count == 1) {
            const parser_select_item *item = &query->select.items[0];
            if (item->alias.text.length)
                return item->alias.text;
            if (item->expr->kind != PARSER_EXPR_STAR)
                return bind_output_name(item->expr);
        }
        return BASE_TEXT("?column?");
    }
    default:
        return BASE_TEXT("?column?");
    }
}
