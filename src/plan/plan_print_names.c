/*
 * plan_print_names.c - finding the name behind a slot or a column number.
 *
 * Plans carry no names: rules would have to keep them right for the sake of EXPLAIN alone.
 * The printer follows a slot down to the table column, aggregate or expression that fills
 * it. The walk repeats for each reference; plans are small and printing is rare.
 *
 * Invariants: following stops at NAME_DEPTH expressions, so that chains of projections
 * cannot make the text grow exponentially; what has no name is printed as #number.
 */
#include "plan/plan_int.h"

enum {
    NAME_DEPTH = 3
};

static void print_number(uint32_t number, base_buffer *out)
{
    base_buffer_append_format(out, "#%u", number);
}

void plan_print_table_column(const catalog_table *table, uint32_t id, base_buffer *out)
{
    if (id == TABLE_ROWID) {
        base_buffer_append_text(out, "rowid");
        return;
    }
    for (uint32_t i = 0; i < table->column_count; i++)
        if (table->columns[i].id == id) {
            base_text name = table->columns[i].name;
            base_buffer_append(out, name.data, name.length);
            return;
        }
    print_number(id, out);
}

/* Follows into the expression behind a slot, unless that was done too often already. */
static void print_behind(const plan_expr *expr, plan_names names, uint32_t number, base_buffer *out)
{
    bool plain = expr->kind == PLAN_EXPR_SLOT || expr->kind == PLAN_EXPR_COLUMN;
    names.depth++;
    if (names.depth > NAME_DEPTH && !plain)
        print_number(number, out);
    else
        plan_print_named(expr, &names, out);
}

/* ---- Operators --------------------------------------------------------------------------- */

static void print_output(const plan_operator *op, uint32_t slot, uint32_t depth, base_buffer *out);

static void print_access_column(const plan_access *access, uint32_t slot, base_buffer *out)
{
    if (slot < access->column_count)
        plan_print_table_column(access->table, access->columns[slot], out);
    else
        print_number(slot, out);
}

static void print_aggregate_output(const plan_operator *op, uint32_t slot, plan_names names,
                                   base_buffer *out)
{
    if (slot < op->aggregate.key_count)
        print_behind(op->aggregate.keys[slot], names, slot, out);
    else if (slot - op->aggregate.key_count < op->aggregate.aggregate_count && names.depth < 2)
        plan_print_aggregate(&op->aggregate.aggregates[slot - op->aggregate.key_count],
                             &(plan_names){.left = names.left, .depth = names.depth + 1}, out);
    else
        print_number(slot, out);
}

static void print_output(const plan_operator *op, uint32_t slot, uint32_t depth, base_buffer *out)
{
    plan_names names = {.left = op->inputs[0], .right = op->inputs[1], .depth = depth};
    switch ((plan_operator_kind)op->kind) {
    case PLAN_OP_TABLE_SCAN:
        print_access_column(&op->scan, slot, out);
        return;
    case PLAN_OP_ROWID_LOOKUP:
        print_access_column(&op->rowid_lookup.access, slot, out);
        return;
    case PLAN_OP_INDEX_SCAN:
        print_access_column(&op->index_scan.access, slot, out);
        return;
    case PLAN_OP_FILTER:
    case PLAN_OP_SORT:
    case PLAN_OP_LIMIT:
    case PLAN_OP_DISTINCT_ON:
    case PLAN_OP_UNION_ALL:
    case PLAN_OP_SET_OPERATION:
        print_output(op->inputs[0], slot, depth, out);
        return;
    case PLAN_OP_CTE:
        print_output(op->inputs[1], slot, depth, out);
        return;
    case PLAN_OP_PROJECT:
        print_behind(op->project.exprs[slot], names, slot, out);
        return;
    case PLAN_OP_HASH_JOIN:
    case PLAN_OP_NESTED_LOOP:
        plan_print_slot_name(op->join.output_slots ? op->join.output_slots[slot] : slot, &names,
                             out);
        return;
    case PLAN_OP_INDEX_JOIN:
        names.right = NULL;
        names.access = &op->index_join.access;
        plan_print_slot_name(op->index_join.output_slots ? op->index_join.output_slots[slot] : slot,
                             &names, out);
        return;
    case PLAN_OP_HASH_AGGREGATE:
    case PLAN_OP_ORDERED_AGGREGATE:
        names.right = NULL;
        print_aggregate_output(op, slot, names, out);
        return;
    case PLAN_OP_WINDOW: {
        uint32_t inner = op->inputs[0]->column_count;
        if (slot < inner)
            print_output(op->inputs[0], slot, depth, out);
        else if (slot - inner < op->window.window_count && depth < 2)
            plan_print_window(&op->window.windows[slot - inner],
                              &(plan_names){.left = op->inputs[0], .depth = depth + 1}, out);
        else
            print_number(slot, out);
        return;
    }
    case PLAN_OP_VALUES:
    case PLAN_OP_SYSTEM_SCAN:
    case PLAN_OP_RECURSIVE_CTE:
    case PLAN_OP_CTE_SCAN:
    case PLAN_OP_INSERT:
    case PLAN_OP_UPDATE:
    case PLAN_OP_DELETE:
        print_number(slot, out);
        return;
    }
}

void plan_print_slot_name(uint32_t slot, const plan_names *names, base_buffer *out)
{
    uint32_t place = slot;
    if (names->row) {
        uint32_t count = table_describe(names->row->relation)->column_count;
        plan_print_table_column(names->row, slot == count ? TABLE_ROWID : slot, out);
        return;
    }
    if (names->left && place < names->left->column_count) {
        print_output(names->left, place, names->depth, out);
        return;
    }
    if (names->left)
        place -= names->left->column_count;
    if (names->access)
        print_access_column(names->access, place, out);
    else if (names->right && place < names->right->column_count)
        print_output(names->right, place, names->depth, out);
    else
        print_number(slot, out);
}

/* ---- Logical nodes ----------------------------------------------------------------------- */

/* Prints the column if this node (not its inputs) makes it. */
static bool print_made_column(const plan_node *node, plan_column column, plan_names names,
                              base_buffer *out)
{
    if (node->kind == PLAN_SCAN) {
        for (uint32_t i = 0; i < node->column_count; i++)
            if (node->columns[i] == column) {
                base_text alias = node->scan.alias;
                if (alias.length)
                    base_buffer_append_format(out, "%.*s.", BASE_TEXT_ARGUMENTS(alias));
                plan_print_table_column(node->scan.table, node->scan.column_ids[i], out);
                return true;
            }
        return false;
    }
    if (node->kind == PLAN_PROJECT || node->kind == PLAN_AGGREGATE) {
        bool project = node->kind == PLAN_PROJECT;
        const plan_output *outputs = project ? node->project.outputs : node->aggregate.keys;
        uint32_t count = project ? node->column_count : node->aggregate.key_count;
        for (uint32_t i = 0; i < count; i++)
            if (outputs[i].column == column &&
                !(outputs[i].expr->kind == PLAN_EXPR_COLUMN && outputs[i].expr->column == column)) {
                print_behind(outputs[i].expr, names, (uint32_t)column, out);
                return true;
            }
    }
    if (node->kind == PLAN_AGGREGATE)
        for (uint32_t i = 0; i < node->aggregate.aggregate_count; i++)
            if (node->aggregate.aggregates[i].column == column && names.depth < 2) {
                names.depth++;
                plan_print_aggregate(&node->aggregate.aggregates[i], &names, out);
                return true;
            }
    return false;
}

static bool print_column_below(const plan_node *node, plan_column column, const plan_names *names,
                               base_buffer *out)
{
    for (; node; node = node->inputs[0]) {
        if (print_made_column(node, column, *names, out))
            return true;
        if (node->inputs[1] && print_column_below(node->inputs[1], column, names, out))
            return true;
    }
    return false;
}

void plan_print_column_name(plan_column column, const plan_names *names, base_buffer *out)
{
    if (!print_column_below(names->root, column, names, out))
        print_number((uint32_t)column, out);
}
