/*
 * bind_cte.c - WITH.
 *
 * The body of a CTE is bound once, where WITH stands; each reference makes a PLAN_CTE_SCAN.
 * Only when the query below is bound is it known how often the CTE is used, so its form is
 * decided last (bind_with_finish): a body used once takes the place of its scan, one used
 * more often is computed once (PLAN_CTE), one that nobody uses is dropped. Bodies that
 * depend on an outer query, and those marked NOT MATERIALIZED, are bound again for every
 * further use.
 *
 * A recursive CTE has the columns of its first part. When the repeated part gives wider
 * types (1, then 1.5), both are bound once more with the common types.
 *
 * Invariants: the list is ordered from the last definition to the first, so a CTE is
 * finished before those that its body uses.
 */
#include "binder/binder_int.h"

bind_cte *bind_find_cte(bind_cte *ctes, base_text name)
{
    for (bind_cte *cte = ctes; cte; cte = cte->next)
        if (base_text_equal_folded(cte->definition->name.text, name))
            return cte;
    return NULL;
}

base_status bind_cte_scan(binder *b, bind_cte *cte, base_text alias, int32_t position,
                          plan_node **result, bind_relation **relation)
{
    if (cte->binding)
        return bind_error(b, BASE_INVALID_DEFINITION, position,
                          "\"%.*s\" must not refer to itself here",
                          BASE_TEXT_ARGUMENTS(cte->definition->name.text));
    plan_node *node = plan_node_new(b->arena, PLAN_CTE_SCAN, cte->column_count);
    bind_cte_use *use = bind_array(b, 1, sizeof *use);
    if (!node || !use)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < cte->column_count; i++)
        RETURN_IF_ERROR(bind_new_column(b, &node->columns[i]));
    node->cte.cte = cte->number;
    *use = (bind_cte_use){cte->uses, node};
    cte->uses = use;
    cte->use_count++;
    *result = node;
    return bind_relation_new(b, alias, node, cte->column_count, cte->names, cte->types, relation);
}

/* ---- Definitions ------------------------------------------------------------------------- */

static base_status set_columns(binder *b, bind_cte *cte, const bind_result *body)
{
    const parser_cte *definition = cte->definition;
    if (definition->column_count && definition->column_count != body->column_count)
        return bind_error(b, BASE_INVALID_COLUMN_REFERENCE, definition->name.position,
                          "\"%.*s\" names %u columns but its query gives %u",
                          BASE_TEXT_ARGUMENTS(definition->name.text), definition->column_count,
                          body->column_count);
    cte->column_count = body->column_count;
    cte->names = bind_array(b, body->column_count, sizeof *cte->names);
    cte->types = bind_array(b, body->column_count, sizeof *cte->types);
    if (!cte->names || !cte->types)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < body->column_count; i++) {
        cte->names[i] = definition->column_count ? definition->columns[i].text : body->names[i];
        cte->types[i] = body->types[i];
    }
    return BASE_OK;
}

/* Does FROM of the query name the table? (Subqueries in expressions do not count: a
 * recursive reference is not allowed there.) */
static bool query_names_table(const parser_query *query, base_text name);

static bool from_names_table(const parser_from *from, base_text name)
{
    if (!from)
        return false;
    switch (from->kind) {
    case PARSER_FROM_TABLE:
        return !from->table.object.schema.text.length &&
               base_text_equal_folded(from->table.object.name.text, name);
    case PARSER_FROM_QUERY:
        return query_names_table(from->query, name);
    case PARSER_FROM_FUNCTION:
        return false;
    case PARSER_FROM_JOIN:
        return from_names_table(from->join.left, name) || from_names_table(from->join.right, name);
    }
    return false;
}

static bool query_names_table(const parser_query *query, base_text name)
{
    switch (query->kind) {
    case PARSER_QUERY_SELECT:
        return from_names_table(query->select.from, name);
    case PARSER_QUERY_VALUES:
        return false;
    case PARSER_QUERY_SET:
        return query_names_table(query->set.left, name) ||
               query_names_table(query->set.right, name);
    }
    return false;
}

static base_status bind_recursive_round(binder *b, bind_cte *cte, const types_type *wider,
                                        bind_result *left, bind_result *right)
{
    const parser_query *query = cte->definition->query;
    cte->binding = true;
    RETURN_IF_ERROR(bind_query(b, cte->outer, cte, query->set.left, false, left));
    if (wider)
        RETURN_IF_ERROR(bind_cast_result(b, left, wider, TYPES_CAST_EXPLICIT, query->position));
    RETURN_IF_ERROR(set_columns(b, cte, left));
    cte->binding = false;
    return bind_query(b, cte->outer, cte, query->set.right, true, right);
}

/* Types that hold both parts; true in `*differ` when the first part must be widened. */
static base_status recursive_types(binder *b, bind_cte *cte, const bind_result *right,
                                   types_type *types, bool *differ)
{
    if (right->column_count != cte->column_count)
        return bind_error(b, BASE_SYNTAX, cte->definition->query->position,
                          "the two parts of recursive \"%.*s\" have %u and %u columns",
                          BASE_TEXT_ARGUMENTS(cte->definition->name.text), cte->column_count,
                          right->column_count);
    *differ = false;
    for (uint32_t i = 0; i < cte->column_count; i++) {
        if (!types_common(cte->types[i], right->types[i], &types[i]))
            return bind_error(b, BASE_TYPE_MISMATCH, cte->definition->query->position,
                              "column %u of recursive \"%.*s\" changes its type", i + 1,
                              BASE_TEXT_ARGUMENTS(cte->definition->name.text));
        *differ |= !types_equal(types[i], cte->types[i]);
    }
    return BASE_OK;
}

/* LIMIT ends a recursion that need not end by itself, so it belongs to the CTE and not to the
 * union, which would want all of its input first. */
static base_status bind_recursive_limit(binder *b, bind_cte *cte, plan_node *both)
{
    const parser_query *query = cte->definition->query;
    bind_scope scope;
    plan_node *cut = both;
    bind_scope_init(&scope, cte->outer, cte->next, NULL);
    RETURN_IF_ERROR(bind_limit(b, &scope, query->limit, query->offset, &cut));
    if (cut != both) {
        cte->limit = cut->limit.limit;
        cte->offset = cut->limit.offset;
    }
    return BASE_OK;
}

static base_status bind_recursive(binder *b, bind_cte *cte)
{
    const parser_query *query = cte->definition->query;
    if (query->order_count)
        return bind_error(b, BASE_NOT_SUPPORTED, query->position,
                          "ORDER BY is not available in a recursive query");
    bind_result left, right, both;
    RETURN_IF_ERROR(bind_recursive_round(b, cte, NULL, &left, &right));
    types_type *types = bind_array(b, cte->column_count, sizeof *types);
    if (!types)
        return bind_no_memory(b);
    bool differ = false;
    RETURN_IF_ERROR(recursive_types(b, cte, &right, types, &differ));
    if (differ)
        RETURN_IF_ERROR(bind_recursive_round(b, cte, types, &left, &right));
    /* Sums and products of decimals grow at each round: they come back to the column's. */
    RETURN_IF_ERROR(
        bind_cast_result(b, &right, types, TYPES_CAST_ASSIGNMENT, query->set.right->position));
    RETURN_IF_ERROR(bind_set_combine(b, query, &left, &right, &both));
    RETURN_IF_ERROR(bind_recursive_limit(b, cte, both.node));
    cte->recursive = true;
    cte->body = both.node;
    cte->use_count = 0;
    cte->uses = NULL;
    return BASE_OK;
}

static base_status bind_definition(binder *b, bind_cte *cte)
{
    const parser_query *query = cte->definition->query;
    base_text name = cte->definition->name.text;
    if (cte->with->recursive && query->kind == PARSER_QUERY_SET &&
        query->set.kind == PARSER_UNION && query_names_table(query->set.right, name))
        return bind_recursive(b, cte);
    /* Without RECURSIVE the name means what it meant before. */
    bind_cte *visible = cte->with->recursive ? cte : cte->next;
    cte->binding = true;
    bind_result body;
    RETURN_IF_ERROR(bind_query(b, cte->outer, visible, query, false, &body));
    cte->binding = false;
    cte->body = body.node;
    return set_columns(b, cte, &body);
}

base_status bind_with(binder *b, bind_scope *outer, const parser_with *with, bind_cte **ctes)
{
    for (uint32_t i = 0; i < with->count; i++) {
        for (uint32_t j = 0; j < i; j++)
            if (base_text_equal_folded(with->ctes[i].name.text, with->ctes[j].name.text))
                return bind_error(b, BASE_DUPLICATE_OBJECT, with->ctes[i].name.position,
                                  "WITH defines \"%.*s\" twice",
                                  BASE_TEXT_ARGUMENTS(with->ctes[i].name.text));
        bind_cte *cte = bind_array(b, 1, sizeof *cte);
        if (!cte)
            return bind_no_memory(b);
        *cte = (bind_cte){.next = *ctes,
                          .definition = &with->ctes[i],
                          .with = with,
                          .outer = outer,
                          .number = b->next_cte++};
        RETURN_IF_ERROR(bind_definition(b, cte));
        *ctes = cte;
    }
    return BASE_OK;
}

/* ---- What becomes of them ---------------------------------------------------------------- */

/* The scan becomes a projection of the body onto the scan's numbers, in place: everything
 * that refers to it stays right. */
static base_status replace_scan(binder *b, plan_node *scan, plan_node *body,
                                const types_type *types)
{
    plan_output *outputs = bind_array(b, scan->column_count, sizeof *outputs);
    if (!outputs)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < scan->column_count; i++) {
        outputs[i].column = scan->columns[i];
        outputs[i].expr = plan_column_ref(b->arena, body->columns[i], types[i]);
        if (!outputs[i].expr)
            return bind_no_memory(b);
    }
    scan->kind = PLAN_PROJECT;
    scan->inputs[0] = body;
    memset(&scan->cte, 0, sizeof scan->cte);
    scan->project.outputs = outputs;
    return BASE_OK;
}

static base_status inline_cte(binder *b, bind_cte *cte)
{
    plan_node *body = cte->body;
    for (bind_cte_use *use = cte->uses; use; use = use->next) {
        if (!body) {
            bind_result again;
            bind_cte *visible = cte->next;
            RETURN_IF_ERROR(
                bind_query(b, cte->outer, visible, cte->definition->query, false, &again));
            body = again.node;
        }
        RETURN_IF_ERROR(replace_scan(b, use->scan, body, cte->types));
        body = NULL;
    }
    return BASE_OK;
}

static base_status must_inline(binder *b, const bind_cte *cte, bool *result)
{
    *result = false;
    if (cte->recursive || cte->definition->materialized == PARSER_CTE_MATERIALIZED)
        return BASE_OK;
    plan_column_set free = {.arena = b->arena};
    if (cte->outer && !plan_node_free_columns(cte->body, &free))
        return bind_no_memory(b);
    *result = cte->use_count == 1 || cte->definition->materialized == PARSER_CTE_INLINE ||
              !plan_set_is_empty(&free);
    return BASE_OK;
}

base_status bind_with_finish(binder *b, bind_cte *ctes, bind_cte *end, plan_node **node)
{
    for (bind_cte *cte = ctes; cte != end; cte = cte->next) {
        if (cte->use_count == 0)
            continue;
        bool inlined;
        RETURN_IF_ERROR(must_inline(b, cte, &inlined));
        if (inlined) {
            RETURN_IF_ERROR(inline_cte(b, cte));
            continue;
        }
        plan_node *with = plan_node_over(b->arena, PLAN_CTE, *node);
        if (!with)
            return bind_no_memory(b);
        with->inputs[1] = *node;
        with->inputs[0] = cte->body;
        with->cte.cte = cte->number;
        with->cte.recursive = cte->recursive;
        with->cte.limit = cte->limit;
        with->cte.offset = cte->offset;
        *node = with;
    }
    return BASE_OK;
}
