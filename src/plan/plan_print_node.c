/*
 * plan_print_node.c - logical trees as text, for tests and for whoever debugs a rule.
 *
 * The same manner as EXPLAIN (plan_print.c), but columns keep their numbers where no table
 * names them, because numbers are what rules work with. Subqueries that still stand in
 * expressions are printed below the node, as further branches.
 */
#include "plan/plan_int.h"

typedef struct node_printer {
    plan_names names;
    base_buffer *out;
    uint32_t depth;
} node_printer;

static void print_tree(node_printer *printer, const plan_node *node);

static void print_columns(const plan_node *node, base_buffer *out)
{
    base_buffer_append_text(out, " ->");
    for (uint32_t i = 0; i < node->column_count; i++)
        base_buffer_append_format(out, "%s#%d", i ? "," : " ", node->columns[i]);
}

static void print_outputs(const plan_output *outputs, uint32_t count, const plan_names *names,
                          base_buffer *out)
{
    for (uint32_t i = 0; i < count; i++) {
        base_buffer_append_format(out, "%s#%d=", i ? ", " : " ", outputs[i].column);
        plan_print_named(outputs[i].expr, names, out);
    }
}

static void print_condition(const plan_expr *condition, const plan_names *names, base_buffer *out)
{
    if (!condition)
        return;
    base_buffer_append_byte(out, ' ');
    plan_print_named(condition, names, out);
}

static void print_limit(const plan_expr *limit, const plan_expr *offset, const plan_names *names,
                        base_buffer *out)
{
    if (limit)
        base_buffer_append_text(out, " LIMIT");
    print_condition(limit, names, out);
    if (offset)
        base_buffer_append_text(out, " OFFSET");
    print_condition(offset, names, out);
}

static void print_aggregate_node(const plan_node *node, const plan_names *names, base_buffer *out)
{
    base_buffer_append_text(out, "AGGREGATE");
    print_outputs(node->aggregate.keys, node->aggregate.key_count, names, out);
    for (uint32_t i = 0; i < node->aggregate.aggregate_count; i++) {
        base_buffer_append_format(out, "; #%d=", node->aggregate.aggregates[i].column);
        plan_print_aggregate(&node->aggregate.aggregates[i], names, out);
    }
}

static void print_window_node(const plan_node *node, const plan_names *names, base_buffer *out)
{
    base_buffer_append_text(out, "WINDOW");
    for (uint32_t i = 0; i < node->window.partition_count; i++) {
        base_buffer_append_text(out, i ? ", " : " PARTITION BY ");
        plan_print_named(node->window.partition[i], names, out);
    }
    for (uint32_t i = 0; i < node->window.order_count; i++) {
        base_buffer_append_text(out, i ? ", " : " ORDER BY ");
        plan_print_sort_key(&node->window.order[i], names, out);
    }
    for (uint32_t i = 0; i < node->window.window_count; i++) {
        base_buffer_append_format(out, "; #%d=", node->window.windows[i].column);
        plan_print_window(&node->window.windows[i], names, out);
    }
}

static void print_sort_node(const plan_node *node, const plan_names *names, base_buffer *out)
{
    base_buffer_append_text(out, "SORT");
    for (uint32_t i = 0; i < node->sort.key_count; i++) {
        base_buffer_append_text(out, i ? ", " : " ");
        plan_print_sort_key(&node->sort.keys[i], names, out);
    }
}

static void print_change_node(const plan_node *node, const plan_names *names, base_buffer *out)
{
    base_buffer_append_text(out, node->kind == PLAN_UPDATE ? "UPDATE " : "DELETE ");
    base_text name = node->change.table->name;
    base_buffer_append(out, name.data, name.length);
    for (uint32_t i = 0; i < node->change.set_count; i++) {
        base_buffer_append_text(out, i ? ", " : " SET ");
        plan_print_table_column(node->change.table, node->change.set_columns[i], out);
        base_buffer_append_format(out, "=#%d", node->change.set_sources[i]);
    }
    for (uint32_t i = 0; i < node->change.check_count; i++) {
        base_buffer_append_text(out, " CHECK");
        print_condition(node->change.checks[i].condition, names, out);
    }
    if (node->change.returning_count)
        base_buffer_append_text(out, " RETURNING");
    print_outputs(node->change.returning, node->change.returning_count, names, out);
}

static void print_insert_node(const plan_node *node, const plan_names *names, base_buffer *out)
{
    base_text name = node->insert.table->name;
    base_buffer_append_format(out, "INSERT %.*s", BASE_TEXT_ARGUMENTS(name));
    for (uint32_t i = 0; i < node->insert.check_count; i++) {
        base_buffer_append_text(out, " CHECK");
        print_condition(node->insert.checks[i].condition, names, out);
    }
    if (node->insert.returning_count)
        base_buffer_append_text(out, " RETURNING");
    print_outputs(node->insert.returning, node->insert.returning_count, names, out);
}

static void print_node_line(const plan_node *node, const plan_names *names, base_buffer *out)
{
    static const char *const sets[] = {"UNION", "INTERSECT", "EXCEPT"};
    switch ((plan_node_kind)node->kind) {
    case PLAN_SCAN:
        base_buffer_append_format(out, "SCAN %.*s", BASE_TEXT_ARGUMENTS(node->scan.table->name));
        print_condition(node->scan.filter, names, out);
        break;
    case PLAN_VALUES:
        base_buffer_append_format(out, "VALUES %u", node->values.row_count);
        break;
    case PLAN_SYSTEM:
        base_buffer_append_format(out, "SYSTEM %.*s", BASE_TEXT_ARGUMENTS(node->system.name));
        break;
    case PLAN_FILTER:
        base_buffer_append_text(out, "FILTER");
        print_condition(node->filter.condition, names, out);
        break;
    case PLAN_PROJECT:
        base_buffer_append_text(out, "PROJECT");
        print_outputs(node->project.outputs, node->column_count, names, out);
        break;
    case PLAN_JOIN:
        base_buffer_append_format(out, "%sJOIN %s", node->join.dependent ? "DEPENDENT " : "",
                                  plan_join_name(node->join.kind));
        print_condition(node->join.condition, names, out);
        break;
    case PLAN_AGGREGATE:
        print_aggregate_node(node, names, out);
        break;
    case PLAN_WINDOW:
        print_window_node(node, names, out);
        break;
    case PLAN_SORT:
        print_sort_node(node, names, out);
        break;
    case PLAN_LIMIT:
        base_buffer_append_text(out, "CUT");
        print_limit(node->limit.limit, node->limit.offset, names, out);
        break;
    case PLAN_DISTINCT:
        base_buffer_append_text(out, node->distinct.key_count ? "DISTINCT ON" : "DISTINCT");
        for (uint32_t i = 0; i < node->distinct.key_count; i++)
            print_condition(node->distinct.keys[i], names, out);
        break;
    case PLAN_SET_OPERATION:
        base_buffer_append_format(out, "%s%s", sets[node->set.kind], node->set.all ? " ALL" : "");
        break;
    case PLAN_CTE:
        base_buffer_append_format(out, "%sCTE %u", node->cte.recursive ? "RECURSIVE " : "",
                                  node->cte.cte);
        print_limit(node->cte.limit, node->cte.offset, names, out);
        break;
    case PLAN_CTE_SCAN:
        base_buffer_append_format(out, "CTE SCAN %u", node->cte.cte);
        break;
    case PLAN_INSERT:
        print_insert_node(node, names, out);
        break;
    case PLAN_UPDATE:
    case PLAN_DELETE:
        print_change_node(node, names, out);
        break;
    }
    print_columns(node, out);
}

static base_status print_subqueries(void *context, plan_expr **expr)
{
    node_printer *printer = context;
    if ((*expr)->kind == PLAN_EXPR_SUBQUERY)
        print_tree(printer, (*expr)->subquery.node);
    for (uint32_t i = 0; i < (*expr)->argument_count; i++)
        RETURN_IF_ERROR(print_subqueries(printer, &(*expr)->arguments[i]));
    return BASE_OK;
}

static void print_tree(node_printer *printer, const plan_node *node)
{
    for (uint32_t i = 0; i < printer->depth; i++)
        base_buffer_append_text(printer->out, i + 1 == printer->depth ? "└─ " : "   ");
    print_node_line(node, &printer->names, printer->out);
    if (node->rows >= 0)
        base_buffer_append_format(printer->out, "  (~%.0f rows)", node->rows);
    base_buffer_append_byte(printer->out, '\n');
    printer->depth++;
    /* The visitor's answer is always OK; it changes nothing, hence the cast of const. */
    (void)plan_node_visit_exprs((plan_node *)(uintptr_t)node, print_subqueries, printer);
    for (int side = 0; side < 2; side++)
        if (node->inputs[side])
            print_tree(printer, node->inputs[side]);
    printer->depth--;
}

void plan_print_node(const plan_node *root, base_buffer *out)
{
    node_printer printer = {.names = {.root = root}, .out = out};
    print_tree(&printer, root);
}
