/*
 * bind_group.c - what may stand above an aggregation, and the PLAN_AGGREGATE node.
 *
 * Select list, HAVING, ORDER BY and windows were bound against the columns of FROM. Here
 * each part that equals a grouping key becomes that key's output; a column of FROM that is
 * left over is an error (42803), unless the table's primary key is grouped: then it
 * depends on the keys and becomes a key too. Subqueries are walked as well, for their
 * correlations must use the grouped columns.
 *
 * Invariants: after bind_regroup an expression uses no column of below the aggregation.
 */
#include "binder/binder_int.h"

static base_status add_key(bind_grouping *grouping, plan_expr *expr, plan_output **key)
{
    binder *b = grouping->b;
    grouping->keys = bind_grow(b, grouping->keys, grouping->key_count, &grouping->key_capacity,
                               sizeof *grouping->keys);
    if (!grouping->keys)
        return bind_no_memory(b);
    plan_output *added = &grouping->keys[grouping->key_count++];
    added->expr = expr;
    if (key)
        *key = added;
    return bind_new_column(b, &added->column);
}

static plan_output *find_key(const bind_grouping *grouping, const plan_expr *expr)
{
    for (uint32_t i = 0; i < grouping->key_count; i++)
        if (plan_expr_equal(grouping->keys[i].expr, expr))
            return &grouping->keys[i];
    return NULL;
}

base_status bind_grouping_init(binder *b, const bind_scope *scope, const plan_node *input,
                               plan_expr *const *keys, uint32_t key_count, bind_grouping *grouping)
{
    *grouping = (bind_grouping){.b = b, .scope = scope, .inputs = {.arena = b->arena}};
    if (!plan_node_columns(input, &grouping->inputs))
        return bind_no_memory(b);
    for (uint32_t i = 0; i < key_count; i++)
        if (!find_key(grouping, keys[i]))
            RETURN_IF_ERROR(add_key(grouping, keys[i], NULL));
    return BASE_OK;
}

/* ---- Columns that depend on the keys ----------------------------------------------------- */

static bool is_grouped(const bind_grouping *grouping, const plan_expr *column)
{
    return column && find_key(grouping, column);
}

static bool key_is_grouped(const bind_grouping *grouping, const bind_relation *relation,
                           const catalog_constraint *key)
{
    for (uint32_t i = 0; i < key->column_count; i++)
        if (!is_grouped(grouping, relation->columns[key->columns[i]].expr))
            return false;
    return true;
}

static bool determines_row(const bind_grouping *grouping, const bind_relation *relation)
{
    const catalog_table *table = relation->table;
    if (!table)
        return false;
    if (is_grouped(grouping, relation->rowid))
        return true;
    for (uint32_t i = 0; i < table->constraint_count; i++)
        if (table->constraints[i].kind == CATALOG_PRIMARY_KEY)
            return key_is_grouped(grouping, relation, &table->constraints[i]);
    return table->rowid_column >= 0 &&
           is_grouped(grouping, relation->columns[table->rowid_column].expr);
}

static bool has_number(const plan_expr *expr, plan_column column)
{
    return expr && expr->kind == PLAN_EXPR_COLUMN && expr->column == column;
}

/* The relation of FROM that has the column, and the column's name. */
static const bind_relation *owner_of(const bind_grouping *grouping, plan_column column,
                                     base_text *name)
{
    const bind_names *names = &grouping->scope->names;
    for (uint32_t i = 0; i < names->relation_count; i++) {
        const bind_relation *relation = names->relations[i];
        for (uint32_t c = 0; c < relation->column_count; c++)
            if (has_number(relation->columns[c].expr, column)) {
                *name = relation->columns[c].name;
                return relation;
            }
        if (has_number(relation->rowid, column)) {
            *name = BASE_TEXT("rowid");
            return relation;
        }
    }
    return NULL;
}

static base_status use_ungrouped(bind_grouping *grouping, plan_expr **slot)
{
    binder *b = grouping->b;
    base_text name = BASE_TEXT("?");
    const bind_relation *relation = owner_of(grouping, (*slot)->column, &name);
    if (!relation || !determines_row(grouping, relation)) {
        base_text alias = relation ? relation->alias : (base_text){0};
        return base_error_set_at(
            b->error, BASE_GROUPING, (*slot)->position,
            "column \"%.*s%s%.*s\" must be in GROUP BY or inside an aggregate function",
            BASE_TEXT_ARGUMENTS(alias), alias.length ? "." : "", BASE_TEXT_ARGUMENTS(name));
    }
    plan_output *key;
    RETURN_IF_ERROR(add_key(grouping, *slot, &key));
    *slot = plan_column_ref(b->arena, key->column, key->expr->type);
    return *slot ? BASE_OK : bind_no_memory(b);
}

/* ---- Rewriting --------------------------------------------------------------------------- */

static base_status regroup_visitor(void *context, plan_expr **expr)
{
    return bind_regroup(context, expr);
}

static base_status regroup_node(bind_grouping *grouping, plan_node *node)
{
    RETURN_IF_ERROR(plan_node_visit_exprs(node, regroup_visitor, grouping));
    for (int side = 0; side < 2; side++)
        if (node->inputs[side])
            RETURN_IF_ERROR(regroup_node(grouping, node->inputs[side]));
    return BASE_OK;
}

base_status bind_regroup(bind_grouping *grouping, plan_expr **slot)
{
    plan_expr *expr = *slot;
    const plan_output *key = find_key(grouping, expr);
    if (key) {
        *slot = plan_column_ref(grouping->b->arena, key->column, expr->type);
        if (!*slot)
            return bind_no_memory(grouping->b);
        (*slot)->position = expr->position;
        return BASE_OK;
    }
    if (expr->kind == PLAN_EXPR_COLUMN && plan_set_has(&grouping->inputs, expr->column))
        return use_ungrouped(grouping, slot);
    if (expr->kind == PLAN_EXPR_SUBQUERY)
        RETURN_IF_ERROR(regroup_node(grouping, expr->subquery.node));
    for (uint32_t i = 0; i < expr->argument_count; i++)
        RETURN_IF_ERROR(bind_regroup(grouping, &expr->arguments[i]));
    return BASE_OK;
}

base_status bind_aggregate_node(bind_grouping *grouping, plan_node *input, plan_node **result)
{
    const bind_scope *scope = grouping->scope;
    uint32_t count = grouping->key_count + scope->aggregate_count;
    plan_node *node = plan_node_new(grouping->b->arena, PLAN_AGGREGATE, count);
    if (!node)
        return bind_no_memory(grouping->b);
    node->inputs[0] = input;
    node->aggregate.key_count = grouping->key_count;
    node->aggregate.keys = grouping->keys;
    node->aggregate.aggregate_count = scope->aggregate_count;
    node->aggregate.aggregates = scope->aggregates;
    for (uint32_t i = 0; i < grouping->key_count; i++)
        node->columns[i] = grouping->keys[i].column;
    for (uint32_t i = 0; i < scope->aggregate_count; i++)
        node->columns[grouping->key_count + i] = scope->aggregates[i].column;
    *result = node;
    return BASE_OK;
}
