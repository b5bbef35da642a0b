/*
 * bind_select.c - SELECT.
 *
 * Order of work: FROM, WHERE, GROUP BY, select list, HAVING, ORDER BY are bound against the
 * same names, those of FROM. Aggregate and window calls met on the way are taken out into
 * lists of the scope and leave a column number behind. Then the tree is stacked:
 *
 *     FROM, WHERE filter, aggregation, HAVING filter, windows, projection (select list and
 *     hidden sort columns), DISTINCT, sort, limit, projection without the hidden columns
 *
 * and everything above the aggregation is rewritten to use its output (bind_group.c).
 * Sorting stands above the projection, so that an output used as a sort key is computed
 * once, even if it is volatile or a subquery.
 *
 * Invariants: every output has a fresh number; entries of GROUP BY that are places or
 * aliases share their expression with the select list by pointer.
 */
#include "binder/binder_int.h"

/* One output column on its way: its syntax (NULL for columns made by `*`). */
typedef struct select_entry {
    const parser_expr *ast;
    base_text name;
    plan_expr *expr; /* NULL: not bound yet */
} select_entry;

typedef struct select_key { /* of ORDER BY or DISTINCT ON */
    uint32_t place;         /* among the outputs (hidden ones included), or UINT32_MAX */
    plan_expr *expr;        /* until it has a place */
    plan_sort_key direction;
} select_key;

typedef struct select_state {
    const parser_query *query;
    bool keep_unknown;
    bind_scope scope;
    plan_node *node;
    uint32_t entry_count, entry_capacity;
    select_entry *entries;
    uint32_t group_count, group_capacity;
    plan_expr **groups;
    plan_expr *having;
    uint32_t key_count; /* ORDER BY */
    select_key *keys;
    uint32_t distinct_count; /* DISTINCT ON */
    select_key *distinct_keys;
    uint32_t visible_count; /* outputs that are no hidden sort columns */
    plan_node *project;
} select_state;

/* ---- FROM and WHERE ---------------------------------------------------------------------- */

static base_status bind_source(binder *b, select_state *s)
{
    bind_names names = {0};
    s->scope.clause = BIND_CLAUSE_FROM;
    if (s->query->select.from)
        RETURN_IF_ERROR(bind_from(b, &s->scope, s->query->select.from, &s->node, &names));
    else
        RETURN_IF_ERROR(bind_single_row(b, &s->node));
    s->scope.names = names;
    if (!s->query->select.where)
        return BASE_OK;
    s->scope.clause = BIND_CLAUSE_WHERE;
    plan_expr *condition;
    RETURN_IF_ERROR(bind_expr(b, &s->scope, s->query->select.where, &condition));
    RETURN_IF_ERROR(bind_condition(b, &condition, "the condition of WHERE"));
    return bind_filter(b, &s->node, condition);
}

/* ---- Select list ------------------------------------------------------------------------- */

static base_status add_entry(binder *b, select_state *s, select_entry entry)
{
    s->entries = bind_grow(b, s->entries, s->entry_count, &s->entry_capacity, sizeof *s->entries);
    if (!s->entries)
        return bind_no_memory(b);
    s->entries[s->entry_count++] = entry;
    return BASE_OK;
}

/* Expands stars; expressions are only noted, because GROUP BY comes first. */
static base_status list_entries(binder *b, select_state *s)
{
    s->scope.clause = BIND_CLAUSE_SELECT;
    for (uint32_t i = 0; i < s->query->select.item_count; i++) {
        const parser_select_item *item = &s->query->select.items[i];
        if (item->expr->kind != PARSER_EXPR_STAR) {
            base_text name =
                item->alias.text.length ? item->alias.text : bind_output_name(item->expr);
            RETURN_IF_ERROR(add_entry(b, s, (select_entry){.ast = item->expr, .name = name}));
            continue;
        }
        bind_item *columns = NULL;
        uint32_t count = 0, capacity = 0;
        RETURN_IF_ERROR(bind_star(b, &s->scope, item->expr, &columns, &count, &capacity));
        for (uint32_t c = 0; c < count; c++)
            RETURN_IF_ERROR(
                add_entry(b, s, (select_entry){.name = columns[c].name, .expr = columns[c].expr}));
    }
    return BASE_OK;
}

static base_status bind_entries(binder *b, select_state *s)
{
    s->scope.clause = BIND_CLAUSE_SELECT;
    for (uint32_t i = 0; i < s->entry_count; i++) {
        select_entry *entry = &s->entries[i];
        if (!entry->expr)
            RETURN_IF_ERROR(bind_expr(b, &s->scope, entry->ast, &entry->expr));
        if (!s->keep_unknown)
            RETURN_IF_ERROR(bind_settle(b, &entry->expr));
    }
    return BASE_OK;
}

/* ---- GROUP BY ---------------------------------------------------------------------------- */

static base_status add_group(binder *b, select_state *s, plan_expr *expr)
{
    RETURN_IF_ERROR(bind_settle(b, &expr));
    s->groups = bind_grow(b, s->groups, s->group_count, &s->group_capacity, sizeof *s->groups);
    if (!s->groups)
        return bind_no_memory(b);
    s->groups[s->group_count++] = expr;
    return BASE_OK;
}

/* The output column that a GROUP BY item names: by place, or by alias where FROM has no
 * column of that name (PostgreSQL's order). */
static base_status grouped_entry(binder *b, select_state *s, const parser_expr *ast,
                                 uint32_t *place)
{
    RETURN_IF_ERROR(bind_item_position(b, ast, s->entry_count, "GROUP BY", place));
    if (*place != UINT32_MAX || ast->kind != PARSER_EXPR_COLUMN || ast->column.part_count != 1)
        return BASE_OK;
    base_text name = ast->column.parts[0].text;
    const bind_column *ignored;
    if (bind_match_column(&s->scope.names, name, &ignored))
        return BASE_OK;
    for (uint32_t i = 0; i < s->entry_count; i++)
        if (base_text_equal_folded(s->entries[i].name, name)) {
            *place = i;
            return BASE_OK;
        }
    return BASE_OK;
}

static base_status bind_group_item(binder *b, select_state *s, const parser_expr *ast)
{
    uint32_t place;
    RETURN_IF_ERROR(grouped_entry(b, s, ast, &place));
    if (place == UINT32_MAX) {
        plan_expr *expr;
        RETURN_IF_ERROR(bind_expr(b, &s->scope, ast, &expr));
        return add_group(b, s, expr);
    }
    select_entry *entry = &s->entries[place];
    if (!entry->expr) {
        RETURN_IF_ERROR(bind_expr(b, &s->scope, entry->ast, &entry->expr));
        RETURN_IF_ERROR(bind_settle(b, &entry->expr));
    }
    return add_group(b, s, entry->expr);
}

static base_status bind_groups(binder *b, select_state *s)
{
    s->scope.clause = BIND_CLAUSE_GROUP;
    for (uint32_t i = 0; i < s->query->select.group_count; i++)
        RETURN_IF_ERROR(bind_group_item(b, s, s->query->select.group[i]));
    if (!s->query->select.group_all)
        return BASE_OK;
    for (uint32_t i = 0; i < s->entry_count; i++) {
        select_entry *entry = &s->entries[i];
        if (entry->ast && bind_ast_has_aggregate(entry->ast))
            continue;
        if (!entry->expr)
            RETURN_IF_ERROR(bind_expr(b, &s->scope, entry->ast, &entry->expr));
        RETURN_IF_ERROR(bind_settle(b, &entry->expr));
        RETURN_IF_ERROR(add_group(b, s, entry->expr));
    }
    return BASE_OK;
}

/* HAVING and expressions of ORDER BY may use an output's alias where FROM has no such name. */
static base_status offer_outputs(binder *b, select_state *s)
{
    bind_item *items = bind_array(b, s->entry_count, sizeof *items);
    if (!items)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < s->entry_count; i++)
        items[i] = (bind_item){s->entries[i].name, s->entries[i].expr};
    s->scope.items = items;
    s->scope.item_count = s->entry_count;
    return BASE_OK;
}

static base_status bind_having(binder *b, select_state *s)
{
    if (!s->query->select.having)
        return BASE_OK;
    s->scope.clause = BIND_CLAUSE_HAVING;
    RETURN_IF_ERROR(offer_outputs(b, s));
    RETURN_IF_ERROR(bind_expr(b, &s->scope, s->query->select.having, &s->having));
    s->scope.item_count = 0;
    return bind_condition(b, &s->having, "the condition of HAVING");
}

/* ---- ORDER BY and DISTINCT ON ------------------------------------------------------------ */

/* An output's name (which goes before columns of FROM), or UINT32_MAX. */
static base_status match_output(binder *b, const select_state *s, const parser_expr *ast,
                                uint32_t *place)
{
    *place = UINT32_MAX;
    if (ast->kind != PARSER_EXPR_COLUMN || ast->column.part_count != 1)
        return BASE_OK;
    base_text name = ast->column.parts[0].text;
    for (uint32_t i = 0; i < s->entry_count; i++) {
        if (!base_text_equal_folded(s->entries[i].name, name))
            continue;
        if (*place != UINT32_MAX && !plan_expr_equal(s->entries[*place].expr, s->entries[i].expr))
            return bind_error(b, BASE_AMBIGUOUS, ast->position, "ORDER BY \"%.*s\" is ambiguous",
                              BASE_TEXT_ARGUMENTS(name));
        if (*place == UINT32_MAX)
            *place = i;
    }
    return BASE_OK;
}

static base_status bind_key(binder *b, select_state *s, const parser_expr *ast, const char *clause,
                            select_key *key)
{
    RETURN_IF_ERROR(bind_item_position(b, ast, s->entry_count, clause, &key->place));
    if (key->place == UINT32_MAX)
        RETURN_IF_ERROR(match_output(b, s, ast, &key->place));
    if (key->place != UINT32_MAX)
        return BASE_OK;
    RETURN_IF_ERROR(bind_expr(b, &s->scope, ast, &key->expr));
    return bind_settle(b, &key->expr);
}

static base_status bind_keys(binder *b, select_state *s)
{
    const parser_query *query = s->query;
    if (!query->order_count && !query->select.distinct_on_count)
        return BASE_OK;
    s->scope.clause = BIND_CLAUSE_ORDER;
    RETURN_IF_ERROR(offer_outputs(b, s));
    s->key_count = query->order_count;
    s->keys = bind_array(b, s->key_count, sizeof *s->keys);
    s->distinct_count = query->select.distinct_on_count;
    s->distinct_keys = bind_array(b, s->distinct_count, sizeof *s->distinct_keys);
    if (!s->keys || !s->distinct_keys)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < s->key_count; i++) {
        bind_sort_direction(&query->order[i], &s->keys[i].direction);
        RETURN_IF_ERROR(bind_key(b, s, query->order[i].expr, "ORDER BY", &s->keys[i]));
    }
    for (uint32_t i = 0; i < s->distinct_count; i++)
        RETURN_IF_ERROR(
            bind_key(b, s, query->select.distinct_on[i], "DISTINCT ON", &s->distinct_keys[i]));
    s->scope.item_count = 0;
    return BASE_OK;
}

/* ---- Stacking the tree ------------------------------------------------------------------- */

static base_status regroup_windows(bind_grouping *grouping, bind_scope *scope)
{
    for (uint32_t i = 0; i < scope->window_count; i++) {
        bind_window_call *call = &scope->windows[i];
        for (uint32_t a = 0; a < call->window.argument_count; a++)
            RETURN_IF_ERROR(bind_regroup(grouping, &call->window.arguments[a]));
        if (call->window.filter)
            RETURN_IF_ERROR(bind_regroup(grouping, &call->window.filter));
        for (uint32_t p = 0; p < call->partition_count; p++)
            RETURN_IF_ERROR(bind_regroup(grouping, &call->partition[p]));
        for (uint32_t o = 0; o < call->order_count; o++)
            RETURN_IF_ERROR(bind_regroup(grouping, &call->order[o].expr));
    }
    return BASE_OK;
}

static base_status regroup_all(bind_grouping *grouping, select_state *s)
{
    for (uint32_t i = 0; i < s->entry_count; i++)
        RETURN_IF_ERROR(bind_regroup(grouping, &s->entries[i].expr));
    if (s->having)
        RETURN_IF_ERROR(bind_regroup(grouping, &s->having));
    for (uint32_t i = 0; i < s->key_count; i++)
        if (s->keys[i].expr)
            RETURN_IF_ERROR(bind_regroup(grouping, &s->keys[i].expr));
    for (uint32_t i = 0; i < s->distinct_count; i++)
        if (s->distinct_keys[i].expr)
            RETURN_IF_ERROR(bind_regroup(grouping, &s->distinct_keys[i].expr));
    return regroup_windows(grouping, &s->scope);
}

static base_status stack_aggregation(binder *b, select_state *s)
{
    if (!s->group_count && !s->scope.aggregate_count && !s->having && !s->query->select.group_all)
        return BASE_OK;
    bind_grouping grouping;
    RETURN_IF_ERROR(
        bind_grouping_init(b, &s->scope, s->node, s->groups, s->group_count, &grouping));
    RETURN_IF_ERROR(regroup_all(&grouping, s));
    RETURN_IF_ERROR(bind_aggregate_node(&grouping, s->node, &s->node));
    return s->having ? bind_filter(b, &s->node, s->having) : BASE_OK;
}

/* A sort key becomes an output: one that is there already, or a hidden one behind them. */
static base_status place_key(binder *b, select_state *s, select_key *key)
{
    if (key->place != UINT32_MAX)
        return BASE_OK;
    for (uint32_t i = 0; i < s->entry_count; i++)
        if (plan_expr_equal(s->entries[i].expr, key->expr)) {
            key->place = i;
            return BASE_OK;
        }
    if (s->query->select.distinct && !s->distinct_count)
        return base_error_set_at(
            b->error, BASE_INVALID_COLUMN_REFERENCE, key->expr->position,
            "with SELECT DISTINCT, ORDER BY may only use what is in the select list");
    key->place = s->entry_count;
    return add_entry(b, s, (select_entry){.expr = key->expr});
}

static base_status stack_projection(binder *b, select_state *s)
{
    s->visible_count = s->entry_count;
    for (uint32_t i = 0; i < s->key_count; i++)
        RETURN_IF_ERROR(place_key(b, s, &s->keys[i]));
    for (uint32_t i = 0; i < s->distinct_count; i++)
        RETURN_IF_ERROR(place_key(b, s, &s->distinct_keys[i]));
    if (s->entry_count > s->visible_count)
        for (uint32_t i = 0; i < s->visible_count; i++)
            RETURN_IF_ERROR(bind_settle(b, &s->entries[i].expr));
    plan_expr **exprs = bind_array(b, s->entry_count, sizeof *exprs);
    if (!exprs)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < s->entry_count; i++)
        exprs[i] = s->entries[i].expr;
    RETURN_IF_ERROR(bind_project(b, s->node, exprs, s->entry_count, &s->node));
    s->project = s->node;
    return BASE_OK;
}

static base_status output_reference(binder *b, const select_state *s, uint32_t place,
                                    plan_expr **expr)
{
    *expr = plan_column_ref(b->arena, s->project->columns[place], s->entries[place].expr->type);
    return *expr ? BASE_OK : bind_no_memory(b);
}

static base_status stack_sort(binder *b, select_state *s)
{
    if (!s->key_count)
        return BASE_OK;
    plan_node *sort = plan_node_over(b->arena, PLAN_SORT, s->node);
    plan_sort_key *keys = bind_array(b, s->key_count, sizeof *keys);
    if (!sort || !keys)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < s->key_count; i++) {
        keys[i] = s->keys[i].direction;
        RETURN_IF_ERROR(output_reference(b, s, s->keys[i].place, &keys[i].expr));
    }
    sort->sort.key_count = s->key_count;
    sort->sort.keys = keys;
    s->node = sort;
    return BASE_OK;
}

/* DISTINCT goes before the sort; DISTINCT ON takes the first row of each key after it. */
static base_status stack_distinct(binder *b, select_state *s)
{
    plan_node *distinct = plan_node_over(b->arena, PLAN_DISTINCT, s->node);
    plan_expr **keys = bind_array(b, s->distinct_count, sizeof *keys);
    if (!distinct || !keys)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < s->distinct_count; i++)
        RETURN_IF_ERROR(output_reference(b, s, s->distinct_keys[i].place, &keys[i]));
    distinct->distinct.key_count = s->distinct_count;
    distinct->distinct.keys = s->distinct_count ? keys : NULL;
    s->node = distinct;
    return BASE_OK;
}

static base_status drop_hidden(binder *b, select_state *s)
{
    if (s->entry_count == s->visible_count)
        return BASE_OK;
    plan_expr **exprs = bind_array(b, s->visible_count, sizeof *exprs);
    if (!exprs)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < s->visible_count; i++)
        RETURN_IF_ERROR(output_reference(b, s, i, &exprs[i]));
    s->project = NULL;
    return bind_project(b, s->node, exprs, s->visible_count, &s->node);
}

static base_status publish(binder *b, const select_state *s, bind_result *result)
{
    result->node = s->node;
    result->project = s->project;
    result->column_count = s->visible_count;
    result->names = bind_array(b, s->visible_count, sizeof *result->names);
    result->types = bind_array(b, s->visible_count, sizeof *result->types);
    if (!result->names || !result->types)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < s->visible_count; i++) {
        result->names[i] = s->entries[i].name;
        result->types[i] = s->entries[i].expr->type;
    }
    return BASE_OK;
}

base_status bind_select(binder *b, bind_scope *outer, bind_cte *ctes, const parser_query *query,
                        bool keep_unknown, bind_result *result)
{
    /* Distinct and sorted untyped literals need a type; they are TEXT at once. */
    bool plain = !query->select.distinct && !query->order_count;
    select_state state = {.query = query, .keep_unknown = keep_unknown && plain};
    select_state *s = &state;
    bind_scope_init(&s->scope, outer, ctes, query);
    s->scope.single_row = !query->select.from && !query->select.where &&
                          !query->select.group_count && !query->select.group_all &&
                          !query->select.having;
    RETURN_IF_ERROR(bind_source(b, s));
    RETURN_IF_ERROR(list_entries(b, s));
    RETURN_IF_ERROR(bind_groups(b, s));
    RETURN_IF_ERROR(bind_entries(b, s));
    RETURN_IF_ERROR(bind_having(b, s));
    RETURN_IF_ERROR(bind_keys(b, s));
    RETURN_IF_ERROR(stack_aggregation(b, s));
    RETURN_IF_ERROR(bind_window_nodes(b, &s->scope, &s->node));
    RETURN_IF_ERROR(stack_projection(b, s));
    if (query->select.distinct && !s->distinct_count)
        RETURN_IF_ERROR(stack_distinct(b, s));
    RETURN_IF_ERROR(stack_sort(b, s));
    if (s->distinct_count)
        RETURN_IF_ERROR(stack_distinct(b, s));
    RETURN_IF_ERROR(bind_limit(b, &s->scope, query->limit, query->offset, &s->node));
    RETURN_IF_ERROR(drop_hidden(b, s));
    return publish(b, s, result);
}
