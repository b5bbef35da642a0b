/*
 * bind_from.c - tables, views, derived tables, table functions and joins.
 *
 * While FROM is bound, scope->names is what a LATERAL item may see: the items to its left.
 * A join is bound left to right, its condition sees both sides, and its names are the
 * concatenation of both, with the merged columns of USING in front. RIGHT becomes LEFT with
 * its sides exchanged; only the order of the names remembers it.
 *
 * A view is its text, parsed and bound again wherever it stands: it has no scope around it,
 * and errors in it point to its name in the statement.
 *
 * Every scan offers all live columns and the rowid; the optimizer takes out what nobody
 * uses. Rejected: adding columns as names are resolved; joins above the scan would have to
 * be patched each time.
 */
#include "binder/binder_int.h"

/* ---- Base tables ------------------------------------------------------------------------- */

base_status bind_table_scan(binder *b, const catalog_table *table, base_text alias,
                            plan_node **result, bind_relation **relation)
{
    uint32_t count = table->column_count;
    plan_node *node = plan_node_new(b->arena, PLAN_SCAN, count + 1);
    base_text *names = bind_array(b, count, sizeof *names);
    types_type *types = bind_array(b, count, sizeof *types);
    uint32_t *ids = bind_array(b, count + 1, sizeof *ids);
    if (!node || !names || !types || !ids)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < count; i++) {
        names[i] = table->columns[i].name;
        types[i] = table->columns[i].type;
        ids[i] = table->columns[i].id;
        RETURN_IF_ERROR(bind_new_column(b, &node->columns[i]));
    }
    ids[count] = TABLE_ROWID;
    RETURN_IF_ERROR(bind_new_column(b, &node->columns[count]));
    node->scan.table = table;
    node->scan.alias = alias;
    node->scan.column_ids = ids;
    RETURN_IF_ERROR(bind_relation_new(b, alias, node, count, names, types, relation));
    (*relation)->table = table;
    (*relation)->rowid = plan_column_ref(b->arena, node->columns[count], TYPES_OF(INTEGER));
    if (!(*relation)->rowid)
        return bind_no_memory(b);
    *result = node;
    return BASE_OK;
}

static bool is_own_schema(base_text schema)
{
    return !schema.length || base_text_equal_folded(schema, BASE_TEXT("main")) ||
           base_text_equal_folded(schema, BASE_TEXT("temp")) ||
           base_text_equal_folded(schema, BASE_TEXT("public"));
}

static base_status relation_not_found(binder *b, const parser_object *object)
{
    base_text schema = object->schema.text;
    if (is_own_schema(schema) || base_text_equal_folded(schema, BASE_TEXT("information_schema")))
        return bind_table_not_found(b, object->name.text, object->name.position);
    bind_error(b, BASE_UNDEFINED_OBJECT, object->schema.position, "schema \"%.*s\" does not exist",
               BASE_TEXT_ARGUMENTS(schema));
    base_error_set_hint(b->error, "the schema of all tables is \"main\"");
    return BASE_UNDEFINED_OBJECT;
}

base_status bind_target_table(binder *b, const parser_object *object, const char *verb,
                              const catalog_table **result)
{
    base_text name = object->name.text;
    const catalog_table *table =
        is_own_schema(object->schema.text) ? catalog_find_table(b->input->catalog, name) : NULL;
    if (!table) {
        if (b->input->find_system &&
            b->input->find_system(b->input->system_context, object->schema.text, name))
            return bind_error(b, BASE_WRONG_OBJECT, object->name.position,
                              "cannot %s the system relation \"%.*s\"", verb,
                              BASE_TEXT_ARGUMENTS(name));
        return relation_not_found(b, object);
    }
    if (table->kind != CATALOG_TABLE)
        return bind_error(b, BASE_WRONG_OBJECT, object->name.position,
                          "cannot %s \"%.*s\" because it is a view", verb,
                          BASE_TEXT_ARGUMENTS(name));
    *result = table;
    return BASE_OK;
}

/* ---- Views ------------------------------------------------------------------------------- */

static base_status bind_view_body(binder *b, const catalog_table *view, bind_result *body)
{
    parser_query *query;
    base_error inner;
    base_error_clear(&inner);
    base_status status = parser_parse_query(view->view_sql, b->arena, &query, &inner);
    if (status == BASE_OUT_OF_MEMORY)
        return bind_no_memory(b);
    if (status != BASE_OK)
        return bind_error(b, status, -1, "view \"%.*s\" cannot be read: %s",
                          BASE_TEXT_ARGUMENTS(view->name), inner.message);
    RETURN_IF_ERROR(bind_query(b, NULL, NULL, query, false, body));
    if (body->column_count < view->column_count)
        return bind_error(b, BASE_INVALID_DEFINITION, -1,
                          "view \"%.*s\" is out of date: it has %u columns, its query gives %u",
                          BASE_TEXT_ARGUMENTS(view->name), view->column_count, body->column_count);
    return BASE_OK;
}

static base_status bind_view(binder *b, const catalog_table *view, base_text alias,
                             int32_t position, plan_node **node, bind_relation **relation)
{
    if (b->view_depth >= BINDER_MAX_VIEW_DEPTH)
        return bind_error(b, BASE_LIMIT, position, "views are nested too deeply at \"%.*s\"",
                          BASE_TEXT_ARGUMENTS(view->name));
    bool was_foreign = b->foreign;
    int32_t was_position = b->foreign_position;
    b->foreign_position = bind_position(b, position);
    b->foreign = true;
    b->view_depth++;
    bind_result body;
    base_status status = bind_view_body(b, view, &body);
    if (status != BASE_OK && b->error && !b->error->detail[0])
        base_error_set_detail(b->error, "in the query of view \"%.*s\"",
                              BASE_TEXT_ARGUMENTS(view->name));
    b->view_depth--;
    b->foreign = was_foreign;
    b->foreign_position = was_position;
    RETURN_IF_ERROR(status);
    for (uint32_t i = 0; i < view->column_count; i++)
        body.names[i] = view->columns[i].name;
    *node = body.node;
    return bind_relation_new(b, alias, body.node, view->column_count, body.names, body.types,
                             relation);
}

/* ---- System relations and table functions ------------------------------------------------ */

static base_status bind_system_scan(binder *b, const plan_system_source *source, base_text alias,
                                    plan_expr **arguments, uint32_t argument_count,
                                    plan_node **result, bind_relation **relation)
{
    uint32_t count = source->column_count;
    plan_node *node = plan_node_new(b->arena, PLAN_SYSTEM, count);
    base_text *names = bind_array(b, count, sizeof *names);
    types_type *types = bind_array(b, count, sizeof *types);
    uint32_t *ids = bind_array(b, count, sizeof *ids);
    if (!node || !names || !types || !ids)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < count; i++) {
        names[i] = source->columns[i].name;
        types[i] = source->columns[i].type;
        ids[i] = i;
        RETURN_IF_ERROR(bind_new_column(b, &node->columns[i]));
    }
    node->system.source = source;
    node->system.name = base_text_of(source->name);
    node->system.arguments = arguments;
    node->system.argument_count = argument_count;
    node->system.column_ids = ids;
    node->system.types = types;
    *result = node;
    return bind_relation_new(b, alias, node, count, names, types, relation);
}

static base_status bind_table_arguments(binder *b, bind_scope *scope, const parser_expr *call,
                                        const plan_system_source *source, plan_expr ***arguments)
{
    uint32_t count = call->argument_count;
    if (count < source->minimum_arguments || count > source->maximum_arguments)
        return bind_error(b, BASE_UNDEFINED_FUNCTION, call->position,
                          "%s takes %u to %u arguments, not %u", source->name,
                          source->minimum_arguments, source->maximum_arguments, count);
    RETURN_IF_ERROR(bind_exprs(b, scope, call->arguments, count, arguments));
    for (uint32_t i = 0; i < count; i++) {
        plan_column_set used = {.arena = b->arena};
        if (!plan_expr_columns((*arguments)[i], &used))
            return bind_no_memory(b);
        if (!plan_set_is_empty(&used) || plan_expr_has_subquery((*arguments)[i]))
            return bind_error(b, BASE_NOT_SUPPORTED, call->arguments[i]->position,
                              "the arguments of %s must not depend on rows", source->name);
        RETURN_IF_ERROR(bind_cast(b, &(*arguments)[i], source->argument_types[i],
                                  TYPES_CAST_ASSIGNMENT, "the argument"));
    }
    return BASE_OK;
}

static base_status bind_table_function(binder *b, bind_scope *scope, const parser_from *from,
                                       plan_node **node, bind_relation **relation)
{
    const parser_expr *call = from->function;
    base_text name = call->call->name.text;
    const plan_system_source *source =
        b->input->find_system
            ? b->input->find_system(b->input->system_context, call->call->schema.text, name)
            : NULL;
    if (!source)
        return bind_error(b, BASE_UNDEFINED_FUNCTION, call->position,
                          "there is no table function \"%.*s\"", BASE_TEXT_ARGUMENTS(name));
    plan_expr **arguments;
    RETURN_IF_ERROR(bind_table_arguments(b, scope, call, source, &arguments));
    base_text alias = from->alias.text.length ? from->alias.text : name;
    RETURN_IF_ERROR(
        bind_system_scan(b, source, alias, arguments, call->argument_count, node, relation));
    /* FROM generate_series(1, 3) AS n: n is also the name of the only column. */
    if (from->alias.text.length && (*relation)->column_count == 1)
        (*relation)->columns[0].name = from->alias.text;
    return BASE_OK;
}

/* ---- Items ------------------------------------------------------------------------------- */

static base_status bind_named_table(binder *b, bind_scope *scope, const parser_from *from,
                                    plan_node **node, bind_relation **relation)
{
    const parser_object *object = &from->table.object;
    base_text name = object->name.text;
    base_text alias = from->alias.text.length ? from->alias.text : name;
    if (from->table.as_of)
        return bind_error(b, BASE_NOT_SUPPORTED, from->table.as_of->position,
                          "AS OF is not available yet");
    bind_cte *cte = object->schema.text.length ? NULL : bind_find_cte(scope->ctes, name);
    if (cte)
        return bind_cte_scan(b, cte, alias, from->position, node, relation);
    const catalog_table *table =
        is_own_schema(object->schema.text) ? catalog_find_table(b->input->catalog, name) : NULL;
    if (table && table->kind == CATALOG_VIEW)
        return bind_view(b, table, alias, object->name.position, node, relation);
    if (table)
        return bind_table_scan(b, table, alias, node, relation);
    const plan_system_source *source =
        b->input->find_system
            ? b->input->find_system(b->input->system_context, object->schema.text, name)
            : NULL;
    if (source && source->minimum_arguments == 0)
        return bind_system_scan(b, source, alias, NULL, 0, node, relation);
    return relation_not_found(b, object);
}

static base_status bind_derived(binder *b, bind_scope *scope, const parser_from *from,
                                plan_node **node, bind_relation **relation)
{
    bind_result query;
    RETURN_IF_ERROR(bind_query(b, from->lateral ? scope : scope->outer, scope->ctes, from->query,
                               false, &query));
    *node = query.node;
    return bind_relation_new(b, from->alias.text, query.node, query.column_count, query.names,
                             query.types, relation);
}

/* ---- Joins ------------------------------------------------------------------------------- */

static bool is_lateral(const parser_from *from)
{
    switch (from->kind) {
    case PARSER_FROM_QUERY:
        return from->lateral;
    case PARSER_FROM_JOIN:
        return is_lateral(from->join.left) || is_lateral(from->join.right);
    case PARSER_FROM_TABLE:
    case PARSER_FROM_FUNCTION:
        return false;
    }
    return false;
}

typedef struct join_sides {
    const parser_from *from;
    plan_node *left, *right;
    bind_names left_names, right_names;
    plan_expr *condition;
    uint32_t merged_count;
    bind_column *merged;
} join_sides;

static base_status find_join_column(binder *b, const bind_names *names, const parser_name *name,
                                    int32_t position, const char *side, const bind_column **column)
{
    uint32_t matches = bind_match_column(names, name->text, column);
    if (matches == 0)
        return bind_error(b, BASE_UNDEFINED_COLUMN, position,
                          "column \"%.*s\" is not on the %s side of the join",
                          BASE_TEXT_ARGUMENTS(name->text), side);
    if (matches > 1)
        return bind_error(b, BASE_AMBIGUOUS, position,
                          "column \"%.*s\" is ambiguous on the %s side of the join",
                          BASE_TEXT_ARGUMENTS(name->text), side);
    return BASE_OK;
}

/* One column of USING: its equality, and what its bare name means afterwards. */
static base_status merge_column(binder *b, join_sides *join, const parser_name *name,
                                int32_t position)
{
    const bind_column *left, *right;
    RETURN_IF_ERROR(find_join_column(b, &join->left_names, name, position, "left", &left));
    RETURN_IF_ERROR(find_join_column(b, &join->right_names, name, position, "right", &right));
    plan_expr *pair[2] = {plan_expr_copy(b->arena, left->expr),
                          plan_expr_copy(b->arena, right->expr)};
    if (!pair[0] || !pair[1])
        return bind_no_memory(b);
    plan_expr *equal;
    RETURN_IF_ERROR(bind_compare_pair(b, VECTOR_EQUAL, pair[0], pair[1], position, &equal));
    join->condition = plan_and(b->arena, join->condition, equal);
    if (!join->condition)
        return bind_no_memory(b);
    bind_column *merged = &join->merged[join->merged_count++];
    merged->name = left->name;
    merged->expr = join->from->join.kind == PARSER_JOIN_RIGHT ? right->expr : left->expr;
    if (join->from->join.kind != PARSER_JOIN_FULL)
        return BASE_OK;
    plan_expr *either;
    RETURN_IF_ERROR(bind_new_expr(b, PLAN_EXPR_COALESCE, left->expr->type, 2, position, &either));
    either->arguments[0] = plan_expr_copy(b->arena, left->expr);
    either->arguments[1] = plan_expr_copy(b->arena, right->expr);
    if (!either->arguments[0] || !either->arguments[1])
        return bind_no_memory(b);
    merged->expr = either;
    return bind_unify(b, either->arguments, 2, "the joined column", &either->type);
}

static base_status merge_columns(binder *b, join_sides *join)
{
    const parser_from *from = join->from;
    uint32_t most = from->join.natural ? join->left_names.column_count : from->join.using_count;
    join->merged = bind_array(b, most, sizeof *join->merged);
    if (!join->merged)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < from->join.using_count; i++)
        RETURN_IF_ERROR(merge_column(b, join, &from->join.using_columns[i],
                                     from->join.using_columns[i].position));
    for (uint32_t i = 0; from->join.natural && i < join->left_names.column_count; i++) {
        parser_name name = {join->left_names.columns[i].name, from->position};
        const bind_column *ignored;
        if (bind_match_column(&join->right_names, name.text, &ignored))
            RETURN_IF_ERROR(merge_column(b, join, &name, from->position));
    }
    return BASE_OK;
}

/* Puts merged columns first and takes their parts out of the list of bare names. */
static base_status merge_names(binder *b, const join_sides *join, bind_names *names)
{
    bind_column *columns = bind_array(b, names->column_count, sizeof *columns);
    if (!columns)
        return bind_no_memory(b);
    const bind_names merged = {.column_count = join->merged_count, .columns = join->merged};
    uint32_t count = join->merged_count;
    if (count)
        memcpy(columns, join->merged, count * sizeof *columns);
    for (uint32_t i = 0; i < names->column_count; i++) {
        const bind_column *ignored;
        if (!bind_match_column(&merged, names->columns[i].name, &ignored))
            columns[count++] = names->columns[i];
    }
    names->columns = columns;
    names->column_count = count;
    return BASE_OK;
}

static base_status check_aliases(binder *b, const join_sides *join)
{
    for (uint32_t i = 0; i < join->right_names.relation_count; i++) {
        base_text alias = join->right_names.relations[i]->alias;
        if (alias.length && bind_find_relation(&join->left_names, alias)) {
            base_status status = bind_error(
                b, BASE_DUPLICATE_OBJECT, join->from->join.right->position,
                "the table name \"%.*s\" is used more than once", BASE_TEXT_ARGUMENTS(alias));
            base_error_set_hint(b->error, "give one of them an alias");
            return status;
        }
    }
    return BASE_OK;
}

static base_status make_join(binder *b, const join_sides *join, plan_node **node)
{
    plan_join_kind kind = PLAN_JOIN_INNER;
    plan_node *left = join->left, *right = join->right;
    switch (join->from->join.kind) {
    case PARSER_JOIN_CROSS:
    case PARSER_JOIN_INNER:
        break;
    case PARSER_JOIN_LEFT:
        kind = PLAN_JOIN_LEFT;
        break;
    case PARSER_JOIN_RIGHT:
        kind = PLAN_JOIN_LEFT;
        left = join->right;
        right = join->left;
        break;
    case PARSER_JOIN_FULL:
        kind = PLAN_JOIN_FULL;
        break;
    }
    *node = plan_node_join(b->arena, kind, left, right, join->condition, PLAN_NO_COLUMN);
    if (!*node)
        return bind_no_memory(b);
    if (!is_lateral(join->from->join.right))
        return BASE_OK;
    plan_column_set free = {.arena = b->arena}, offered = {.arena = b->arena};
    if (!plan_node_free_columns(join->right, &free) || !plan_node_columns(join->left, &offered))
        return bind_no_memory(b);
    (*node)->join.dependent = plan_set_intersects(&free, &offered);
    if ((*node)->join.dependent && right != join->right)
        return bind_error(b, BASE_INVALID_COLUMN_REFERENCE, join->from->join.right->position,
                          "LATERAL must not refer to the left side of a RIGHT JOIN");
    if ((*node)->join.dependent && kind == PLAN_JOIN_FULL)
        return bind_error(b, BASE_INVALID_COLUMN_REFERENCE, join->from->join.right->position,
                          "LATERAL must not refer to the left side of a FULL JOIN");
    return BASE_OK;
}

static base_status bind_join_sides(binder *b, bind_scope *scope, const bind_names *visible,
                                   join_sides *join, bind_names *names)
{
    const parser_from *from = join->from;
    RETURN_IF_ERROR(bind_from(b, scope, from->join.left, &join->left, &join->left_names));
    RETURN_IF_ERROR(bind_names_join(b, visible, &join->left_names, &scope->names));
    RETURN_IF_ERROR(bind_from(b, scope, from->join.right, &join->right, &join->right_names));
    RETURN_IF_ERROR(check_aliases(b, join));
    RETURN_IF_ERROR(bind_names_join(b, &join->left_names, &join->right_names, names));
    if (from->join.natural || from->join.using_count) {
        RETURN_IF_ERROR(merge_columns(b, join));
        return merge_names(b, join, names);
    }
    if (!from->join.condition)
        return BASE_OK;
    RETURN_IF_ERROR(bind_names_join(b, visible, names, &scope->names));
    bind_clause clause = scope->clause;
    scope->clause = BIND_CLAUSE_ON;
    RETURN_IF_ERROR(bind_expr(b, scope, from->join.condition, &join->condition));
    scope->clause = clause;
    return bind_condition(b, &join->condition, "the condition of JOIN");
}

/* (a JOIN b) AS x: one relation over all bare columns. */
static base_status rename_join(binder *b, const parser_from *from, bind_names *names)
{
    bind_relation *relation = bind_array(b, 1, sizeof *relation);
    bind_column *columns = bind_array(b, names->column_count, sizeof *columns);
    if (!relation || !columns)
        return bind_no_memory(b);
    for (uint32_t i = 0; i < names->column_count; i++) {
        columns[i] = names->columns[i];
        columns[i].relation = relation;
    }
    *relation = (bind_relation){
        .alias = from->alias.text, .column_count = names->column_count, .columns = columns};
    RETURN_IF_ERROR(bind_alias_columns(b, relation, from));
    return bind_names_of_relation(b, relation, names);
}

static base_status bind_join(binder *b, bind_scope *scope, const parser_from *from,
                             plan_node **node, bind_names *names)
{
    const bind_names visible = scope->names;
    join_sides join = {.from = from};
    base_status status = bind_join_sides(b, scope, &visible, &join, names);
    scope->names = visible;
    RETURN_IF_ERROR(status);
    RETURN_IF_ERROR(make_join(b, &join, node));
    return from->alias.text.length ? rename_join(b, from, names) : BASE_OK;
}

static base_status bind_from_item(binder *b, bind_scope *scope, const parser_from *from,
                                  plan_node **node, bind_names *names)
{
    bind_relation *relation = NULL;
    switch (from->kind) {
    case PARSER_FROM_JOIN:
        return bind_join(b, scope, from, node, names);
    case PARSER_FROM_TABLE:
        RETURN_IF_ERROR(bind_named_table(b, scope, from, node, &relation));
        break;
    case PARSER_FROM_QUERY:
        RETURN_IF_ERROR(bind_derived(b, scope, from, node, &relation));
        break;
    case PARSER_FROM_FUNCTION:
        RETURN_IF_ERROR(bind_table_function(b, scope, from, node, &relation));
        break;
    }
    RETURN_IF_ERROR(bind_alias_columns(b, relation, from));
    return bind_names_of_relation(b, relation, names);
}

base_status bind_from(binder *b, bind_scope *scope, const parser_from *from, plan_node **node,
                      bind_names *names)
{
    RETURN_IF_ERROR(bind_enter(b, from->position));
    base_status status = bind_from_item(b, scope, from, node, names);
    bind_leave(b);
    return status;
}
