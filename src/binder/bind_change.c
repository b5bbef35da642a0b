/*
 * bind_change.c - the rows that UPDATE and DELETE work on.
 *
 * The target is scanned, joined to what FROM or USING names, filtered, and, where ORDER BY
 * and LIMIT stand, sorted and cut. The input of the change is a projection that begins
 * with the rowid. A join may meet one row several times; as in PostgreSQL it is changed
 * once, by any one of its partners.
 */
#include "binder/binder_int.h"

static base_status join_others(binder *b, const parser_from *from, bind_change *change,
                               bind_names *names)
{
    plan_node *others;
    bind_names other_names;
    change->scope.clause = BIND_CLAUSE_FROM;
    RETURN_IF_ERROR(bind_from(b, &change->scope, from, &others, &other_names));
    for (uint32_t i = 0; i < other_names.relation_count; i++)
        if (base_text_equal_folded(other_names.relations[i]->alias, change->relation->alias))
            return bind_error(b, BASE_DUPLICATE_OBJECT, from->position,
                              "the table name \"%.*s\" is used more than once",
                              BASE_TEXT_ARGUMENTS(change->relation->alias));
    change->node =
        plan_node_join(b->arena, PLAN_JOIN_INNER, change->node, others, NULL, PLAN_NO_COLUMN);
    if (!change->node)
        return bind_no_memory(b);
    bind_names joined;
    RETURN_IF_ERROR(bind_names_join(b, names, &other_names, &joined));
    *names = joined;
    return BASE_OK;
}

static base_status cut(binder *b, const bind_change_syntax *syntax, bind_change *change)
{
    if (syntax->order_count) {
        change->scope.clause = BIND_CLAUSE_SET;
        plan_node *sort = plan_node_over(b->arena, PLAN_SORT, change->node);
        plan_sort_key *keys = bind_array(b, syntax->order_count, sizeof *keys);
        if (!sort || !keys)
            return bind_no_memory(b);
        for (uint32_t i = 0; i < syntax->order_count; i++) {
            bind_sort_direction(&syntax->order[i], &keys[i]);
            RETURN_IF_ERROR(bind_expr(b, &change->scope, syntax->order[i].expr, &keys[i].expr));
            RETURN_IF_ERROR(bind_settle(b, &keys[i].expr));
        }
        sort->sort.key_count = syntax->order_count;
        sort->sort.keys = keys;
        change->node = sort;
    }
    return bind_limit(b, &change->scope, syntax->limit, syntax->offset, &change->node);
}

base_status bind_change_source(binder *b, const bind_change_syntax *syntax, bind_cte *ctes,
                               bind_change *change)
{
    *change = (bind_change){0};
    bind_scope_init(&change->scope, NULL, ctes, NULL);
    RETURN_IF_ERROR(bind_target_table(b, syntax->table, syntax->verb, &change->table));
    base_text alias = syntax->alias->text.length ? syntax->alias->text : change->table->name;
    RETURN_IF_ERROR(bind_table_scan(b, change->table, alias, &change->node, &change->relation));
    bind_names names;
    RETURN_IF_ERROR(bind_names_of_relation(b, change->relation, &names));
    if (syntax->from)
        RETURN_IF_ERROR(join_others(b, syntax->from, change, &names));
    change->scope.names = names;
    if (syntax->where) {
        plan_expr *condition;
        change->scope.clause = BIND_CLAUSE_WHERE;
        RETURN_IF_ERROR(bind_expr(b, &change->scope, syntax->where, &condition));
        RETURN_IF_ERROR(bind_condition(b, &condition, "the condition of WHERE"));
        RETURN_IF_ERROR(bind_filter(b, &change->node, condition));
    }
    return cut(b, syntax, change);
}

base_status bind_change_input(binder *b, const bind_change_syntax *syntax, plan_expr *const *exprs,
                              uint32_t count, bind_cte *ctes, bind_change *change)
{
    RETURN_IF_ERROR(bind_project(b, change->node, exprs, count, &change->node));
    if (syntax->from) {
        plan_node *distinct = plan_node_over(b->arena, PLAN_DISTINCT, change->node);
        plan_expr **keys = bind_array(b, 1, sizeof *keys);
        if (!distinct || !keys)
            return bind_no_memory(b);
        keys[0] = plan_column_ref(b->arena, change->node->columns[0], TYPES_OF(INTEGER));
        if (!keys[0])
            return bind_no_memory(b);
        distinct->distinct.key_count = 1;
        distinct->distinct.keys = keys;
        change->node = distinct;
    }
    return bind_with_finish(b, ctes, NULL, &change->node);
}
