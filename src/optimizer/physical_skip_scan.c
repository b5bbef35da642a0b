/*
 * physical_skip_scan.c - SELECT DISTINCT a, GROUP BY a without aggregates: one search per value.
 *
 * Where the keys are the leading parts of an index, its first row of each value is all that is
 * asked for. Worth it when values are few and runs long: a search costs as much as some hundred
 * rows of a scan. The table must be read bare; its filter may look at the keys, which are the same
 * for all rows of a run, and at nothing else.
 *
 * The values come in the index's order, which may be the one that is wished for.
 */
#include "optimizer/optimizer_int.h"

typedef struct skip_scan {
    plan_node *scan;
    uint32_t count;
    plan_column columns[TABLE_MAX_KEY_PARTS]; /* of the scan, by key */
    uint32_t ids[TABLE_MAX_KEY_PARTS];        /* of the relation */
    const catalog_index *index;
    bool ordered, descending;
} skip_scan;

static plan_column below_renames(const plan_node *node, plan_column column)
{
    for (uint32_t i = 0; node->kind == PLAN_PROJECT && i < node->column_count; i++) {
        if (node->project.outputs[i].column == column)
            return node->project.outputs[i].expr->kind == PLAN_EXPR_COLUMN
                       ? node->project.outputs[i].expr->column
                       : PLAN_NO_COLUMN;
    }
    return column;
}

/* The keys as columns of a bare scan; false: they are something else. */
static bool find_keys(plan_node *input, plan_expr *const *keys, uint32_t count, skip_scan *self)
{
    self->scan = input->kind == PLAN_PROJECT ? input->inputs[0] : input;
    if (self->scan->kind != PLAN_SCAN || !count || count > TABLE_MAX_KEY_PARTS)
        return false;
    self->count = count;
    for (uint32_t k = 0; k < count; k++) {
        if (keys[k]->kind != PLAN_EXPR_COLUMN)
            return false;
        self->columns[k] = below_renames(input, keys[k]->column);
        uint32_t place = 0;
        while (place < self->scan->column_count && self->scan->columns[place] != self->columns[k])
            place++;
        if (place == self->scan->column_count)
            return false;
        self->ids[k] =
            optimizer_relation_column(self->scan->scan.table, self->scan->scan.column_ids[place]);
        for (uint32_t i = 0; i < k; i++) {
            if (self->ids[i] == self->ids[k])
                return false;
        }
        if (self->ids[k] == TABLE_ROWID)
            return false;
    }
    return true;
}

/* The place among the keys of a part of the index; -1: it is none. */
static int32_t key_of_part(const skip_scan *self, const catalog_index *index, uint32_t part)
{
    for (uint32_t k = 0; k < self->count; k++) {
        if (self->ids[k] == index->parts[part].column)
            return (int32_t)k;
    }
    return -1;
}

static bool fits(const skip_scan *self, const catalog_index *index)
{
    for (uint32_t part = 0; part < self->count; part++) {
        if (part == index->part_count || key_of_part(self, index, part) < 0)
            return false;
    }
    return true;
}

/* Whether the index gives the order, in terms of the scan's columns, forwards or backwards. */
static bool gives_order(const skip_scan *self, const catalog_index *index, const plan_node *input,
                        const plan_sort_key *order, uint32_t count, bool *descending)
{
    *descending = false;
    if (!count || count > self->count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const table_index_part *part = &index->parts[i];
        if (order[i].expr->kind != PLAN_EXPR_COLUMN ||
            below_renames(input, order[i].expr->column) !=
                self->columns[key_of_part(self, index, i)])
            return false;
        bool backwards = part->descending != order[i].descending;
        if ((i > 0 && backwards != *descending) ||
            (part->nulls_first != backwards) != order[i].nulls_first)
            return false;
        *descending = backwards;
    }
    return true;
}

static double scan_cost(const optimizer_state *state, const skip_scan *self, double groups)
{
    double rows = optimizer_table_rows(state, self->scan->scan.table);
    return optimizer_cost_scan(rows, self->count) + optimizer_cost_group(rows, groups);
}

static base_status make_operator(optimizer_state *state, const plan_node *node,
                                 const skip_scan *self, const plan_column *outputs,
                                 optimizer_physical *out)
{
    plan_operator *op;
    uint32_t *ids = base_arena_allocate_array(state->arena, self->count, sizeof *ids);
    plan_key_range *range = base_arena_allocate_zeroed(state->arena, sizeof *range);
    if (!ids || !range)
        return optimizer_no_memory(state);
    RETURN_IF_ERROR(optimizer_operator_new(state, PLAN_OP_INDEX_SCAN, self->count, &op));
    op->rows = node->rows;
    RETURN_IF_ERROR(optimizer_set_layout(state, op, outputs, out));
    memcpy(ids, self->ids, self->count * sizeof *ids);
    op->index_scan.access.table = self->scan->scan.table;
    op->index_scan.access.column_count = self->count;
    op->index_scan.access.columns = ids;
    op->index_scan.access.descending = self->descending;
    op->index_scan.index_id = self->index->id;
    op->index_scan.range_count = 1;
    op->index_scan.ranges = range;
    op->index_scan.distinct_parts = self->count;
    out->ordered = self->ordered;
    RETURN_IF_ERROR(optimizer_bind_clear(state));
    for (uint32_t k = 0; k < self->count; k++)
        optimizer_bind_column(state, self->columns[k], k);
    return optimizer_resolve(state, self->scan->scan.filter, &op->index_scan.access.filter);
}

base_status optimizer_try_skip_scan(optimizer_state *state, plan_node *node, plan_node *input,
                                    plan_expr *const *keys, uint32_t count,
                                    const plan_column *outputs, const optimizer_request *request,
                                    const optimizer_request *wish, optimizer_physical *out,
                                    bool *done)
{
    skip_scan self = {0};
    plan_column_set read = optimizer_set(state);
    bool within = true;
    *done = false;
    if (!state->options->rules || !find_keys(input, keys, count, &self))
        return BASE_OK;
    for (uint32_t k = 0; k < count; k++)
        RETURN_IF_ERROR(optimizer_set_add(state, &read, self.columns[k]));
    if (self.scan->scan.filter)
        RETURN_IF_ERROR(optimizer_expr_within(state, self.scan->scan.filter, &read, &within));
    if (!within)
        return BASE_OK;
    double rows = optimizer_table_rows(state, self.scan->scan.table);
    double groups = BASE_MAX(node->rows, 1.0), least = scan_cost(state, &self, groups);
    if (request->order_count && !request->any_order)
        least += optimizer_cost_sort(groups, request->row_goal > 0);
    const catalog_table *table = self.scan->scan.table;
    for (uint32_t i = 0; i < table->index_count; i++) {
        const catalog_index *index = table->indexes[i];
        bool descending = false;
        if (!fits(&self, index))
            continue;
        bool ordered =
            gives_order(&self, index, input, wish->order, request->order_count, &descending);
        bool stops = request->row_goal > 0 && (ordered || !request->order_count);
        double values = stops ? BASE_MIN(groups, request->row_goal) : groups;
        double cost = values * (optimizer_cost_seek(rows) + optimizer_cost_entry(rows, self.count));
        if (request->order_count && !request->any_order && !ordered)
            cost += optimizer_cost_sort(groups, request->row_goal > 0);
        if (cost >= least)
            continue;
        least = cost;
        self.index = index;
        self.ordered = ordered;
        self.descending = ordered && descending;
    }
    *done = self.index != NULL;
    return *done ? make_operator(state, node, &self, outputs, out) : BASE_OK;
}
