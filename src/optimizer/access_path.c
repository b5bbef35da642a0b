/*
 * access_path.c - which way into a base table is cheapest.
 *
 * The ways: all rows (or a rowid range) vector by vector; rows by given rowids; a range of an
 * index, that is equalities on its leading parts and then a list of values or bounds on the
 * next. Costs are optimizer_cost.c's. A wished order that a way provides saves the sort, and with
 * a row goal (LIMIT) also the rows behind the goal.
 *
 * Invariant: any way gives a superset of the rows that the filter passes.
 */
#include "optimizer/optimizer_int.h"

static const double SMALLEST_TABLE = 1000, SMALLEST_SLICE = 128;

/* ---- Tests --------------------------------------------------------------------------------- */

static bool is_value(const plan_expr *expr)
{
    return expr->kind == PLAN_EXPR_CONSTANT || expr->kind == PLAN_EXPR_PARAMETER;
}

static bool test_of(vector_comparison comparison, bool exchanged, table_test *test)
{
    static const table_test plain[] = {TABLE_EQUAL,      TABLE_EQUAL,   TABLE_LESS,
                                       TABLE_LESS_EQUAL, TABLE_GREATER, TABLE_GREATER_EQUAL};
    static const table_test turned[] = {TABLE_EQUAL,         TABLE_EQUAL, TABLE_GREATER,
                                        TABLE_GREATER_EQUAL, TABLE_LESS,  TABLE_LESS_EQUAL};
    if (comparison == VECTOR_NOT_EQUAL)
        return false;
    *test = exchanged ? turned[comparison] : plain[comparison];
    return true;
}

/* Reads one conjunct; *column is the expression that is tested. */
static bool read_test(plan_expr *expr, const plan_expr **column, optimizer_test *test)
{
    if (expr->argument_count == 0)
        return false;
    plan_expr **arguments = expr->arguments;
    *test = (optimizer_test){.expr = expr, .values = arguments + 1, .value_count = 1};
    *column = arguments[0];
    if (expr->kind == PLAN_EXPR_COMPARE) {
        bool exchanged = arguments[1]->kind == PLAN_EXPR_COLUMN && is_value(arguments[0]);
        *column = arguments[exchanged];
        test->values = &arguments[!exchanged];
        return (*column)->kind == PLAN_EXPR_COLUMN && is_value(test->values[0]) &&
               test_of(expr->comparison, exchanged, &test->test);
    }
    if (arguments[0]->kind != PLAN_EXPR_COLUMN)
        return false;
    if (expr->kind == PLAN_EXPR_IS_NULL) {
        test->test = expr->negated ? TABLE_IS_NOT_NULL : TABLE_IS_NULL;
        test->value_count = 0;
        return true;
    }
    if (expr->kind != PLAN_EXPR_IN || expr->negated)
        return false;
    test->test = TABLE_IN;
    test->value_count = expr->argument_count - 1;
    for (uint32_t i = 0; i < test->value_count; i++) {
        if (!is_value(test->values[i]))
            return false;
    }
    return true;
}

uint32_t optimizer_relation_column(const catalog_table *table, uint32_t column_id)
{
    bool is_rowid = table->rowid_column >= 0 && table->columns[table->rowid_column].id == column_id;
    return is_rowid ? TABLE_ROWID : column_id;
}

bool optimizer_leads_index(const catalog_table *table, uint32_t column)
{
    for (uint32_t i = 0; i < table->index_count; i++) {
        if (table->indexes[i]->parts[0].column == column)
            return true;
    }
    return false;
}

base_status optimizer_read_width(optimizer_state *state, const plan_node *scan,
                                 const plan_column_set *wanted, uint32_t *width)
{
    plan_column_set read = optimizer_set(state);
    RETURN_IF_ERROR(optimizer_set_union(state, &read, wanted));
    RETURN_IF_ERROR(optimizer_set_add_expr(state, &read, scan->scan.filter));
    *width = 0;
    for (uint32_t i = 0; i < scan->column_count; i++)
        *width += plan_set_has(&read, scan->columns[i]);
    return BASE_OK;
}

/* Adds the test if its column is one of the scan's. */
static void add_test(const plan_node *scan, const plan_expr *column, optimizer_test *test,
                     optimizer_test *tests, uint32_t *count)
{
    for (uint32_t i = 0; i < scan->column_count; i++) {
        if (scan->columns[i] != column->column)
            continue;
        test->column = optimizer_relation_column(scan->scan.table, scan->scan.column_ids[i]);
        tests[(*count)++] = *test;
        return;
    }
}

base_status optimizer_find_tests(optimizer_state *state, const plan_node *scan,
                                 optimizer_test **tests, uint32_t *count)
{
    optimizer_list conjuncts = {0};
    RETURN_IF_ERROR(optimizer_split(state, scan->scan.filter, &conjuncts));
    *count = 0;
    *tests = base_arena_allocate_array(state->arena, (size_t)conjuncts.count * 2, sizeof **tests);
    if (!*tests)
        return optimizer_no_memory(state);
    for (uint32_t i = 0; i < conjuncts.count; i++) {
        optimizer_test test, implied[2];
        const plan_expr *column;
        uint32_t implied_count = 0;
        if (read_test(conjuncts.items[i], &column, &test)) {
            add_test(scan, column, &test, *tests, count);
            continue;
        }
        RETURN_IF_ERROR(optimizer_prefix_tests(state, conjuncts.items[i], implied, &implied_count));
        for (uint32_t k = 0; k < implied_count; k++)
            add_test(scan, conjuncts.items[i]->arguments[0], &implied[k], *tests, count);
    }
    return BASE_OK;
}

/* ---- Orders ---------------------------------------------------------------------------------- */

/* The relation's column that a sort key is; false: not a bare column of the scan. */
static bool key_column(const plan_node *scan, const plan_sort_key *key, uint32_t *column)
{
    if (key->expr->kind != PLAN_EXPR_COLUMN)
        return false;
    for (uint32_t i = 0; i < scan->column_count; i++) {
        if (scan->columns[i] == key->expr->column) {
            *column = optimizer_relation_column(scan->scan.table, scan->scan.column_ids[i]);
            return true;
        }
    }
    return false;
}

static uint64_t all_keys(const optimizer_request *request)
{
    BASE_ASSERT(request->order_count <= OPTIMIZER_MAX_ORDER);
    return ((uint64_t)1 << request->order_count) - 1;
}

static void settle_order(const optimizer_request *request, optimizer_path *path)
{
    path->ordered = path->presorted && path->presorted == all_keys(request);
    if (!path->ordered && !request->partial_order) {
        path->presorted = 0;
        path->descending = false;
    }
}

/* The keys that an order by rowid gives: a rowid determines the rest of its row. */
static void order_by_rowid(const plan_node *scan, const optimizer_request *request,
                           optimizer_path *path)
{
    uint64_t keys = 0, by_rowid = 0;
    for (uint32_t i = 0; i < request->order_count; i++) {
        uint32_t column;
        if (!key_column(scan, &request->order[i], &column))
            continue;
        keys |= (uint64_t)1 << i;
        if (column == TABLE_ROWID)
            by_rowid |= (uint64_t)1 << i;
    }
    if (request->any_order) {
        path->presorted = by_rowid ? keys : 0;
    } else if (by_rowid & 1) {
        path->presorted = all_keys(request);
        path->descending = request->order[0].descending;
    }
    settle_order(request, path);
}

static bool is_fixed(const optimizer_path *path, uint32_t column)
{
    for (uint32_t i = 0; i < path->equal_count; i++) {
        if (path->equal[i]->column == column)
            return true;
    }
    return false;
}

static bool column_not_null(const catalog_table *table, uint32_t column)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].id == column)
            return table->columns[i].not_null;
    }
    return false;
}

/* The keys, in sequence, that the index gives when it is read forwards or backwards. */
static uint64_t ordered_keys(const plan_node *scan, const optimizer_request *request,
                             optimizer_path *path)
{
    const catalog_index *index = path->index;
    uint32_t part = path->equal_count;
    bool decided = false;
    path->descending = false;
    for (uint32_t i = 0; i < request->order_count; i++) {
        const plan_sort_key *key = &request->order[i];
        uint64_t before = ((uint64_t)1 << i) - 1;
        uint32_t column;
        if (!key_column(scan, key, &column))
            return before;
        if (is_fixed(path, column))
            continue;
        if (part == index->part_count) {
            /* Equal keys come by rising rowid, in both directions of the scan. */
            bool rowid = column == TABLE_ROWID && !path->descending && !key->descending;
            return rowid ? all_keys(request) : before;
        }
        const table_index_part *own = &index->parts[part++];
        bool backwards = own->descending != key->descending;
        bool nulls = (own->nulls_first != backwards) == key->nulls_first;
        if (own->column != column || (decided && backwards != path->descending) ||
            (!nulls && !column_not_null(scan->scan.table, column)))
            return before;
        path->descending = backwards;
        decided = true;
    }
    return all_keys(request);
}

/* The keys whose equal rows the index has beside each other. */
static uint64_t grouped_keys(const plan_node *scan, const optimizer_request *request,
                             const optimizer_path *path)
{
    uint64_t keys = 0, found = 1;
    for (uint32_t part = path->equal_count; part < path->index->part_count && found; part++) {
        found = 0;
        for (uint32_t i = 0; i < request->order_count; i++) {
            uint32_t column;
            if (key_column(scan, &request->order[i], &column) &&
                column == path->index->parts[part].column)
                found |= (uint64_t)1 << i;
        }
        keys |= found;
    }
    for (uint32_t i = 0; i < request->order_count; i++) {
        uint32_t column;
        if (key_column(scan, &request->order[i], &column) && is_fixed(path, column))
            keys |= (uint64_t)1 << i;
    }
    return keys;
}

static void order_by_index(const plan_node *scan, const optimizer_request *request,
                           optimizer_path *path)
{
    if (!request->order_count)
        return;
    path->presorted =
        request->any_order ? grouped_keys(scan, request, path) : ordered_keys(scan, request, path);
    settle_order(request, path);
}

/* ---- Costs ----------------------------------------------------------------------------------- */

typedef struct path_choice {
    optimizer_state *state;
    const plan_node *scan;
    const optimizer_request *request;
    const optimizer_test *tests;
    uint32_t test_count;
    double table_rows, output_rows;
    uint32_t width; /* columns that are read */
    optimizer_path *best;
} path_choice;

static base_status share_of_test(path_choice *self, const optimizer_test *test, double *share)
{
    double one;
    if (!test)
        return BASE_OK;
    RETURN_IF_ERROR(optimizer_selectivity(self->state, test->expr, &one));
    *share *= one;
    return BASE_OK;
}

/* Two bounds of one column are one interval: they are asked for together. */
static base_status share_of_bounds(path_choice *self, const optimizer_path *path, double *share)
{
    if (!path->low || !path->high || path->low == path->high) {
        RETURN_IF_ERROR(share_of_test(self, path->low, share));
        return path->high == path->low ? BASE_OK : share_of_test(self, path->high, share);
    }
    double one;
    plan_expr *both = plan_and(self->state->arena, path->low->expr, path->high->expr);
    if (!both)
        return optimizer_no_memory(self->state);
    RETURN_IF_ERROR(optimizer_selectivity(self->state, both, &one));
    *share *= one;
    return BASE_OK;
}

/* Rows that come out until the goal is met: where only some keys are in order, whole groups. */
static double rows_wanted(const path_choice *self, const optimizer_path *path, double output)
{
    const optimizer_request *request = self->request;
    double groups = 1;
    if (request->row_goal <= 0 || (request->order_count && !path->presorted))
        return output;
    if (!request->order_count || path->ordered)
        return BASE_MIN(request->row_goal, output);
    for (uint32_t i = 0; i < request->order_count; i++) {
        if (path->presorted >> i & 1)
            groups *= optimizer_distinct(self->state, request->order[i].expr, self->table_rows);
    }
    return BASE_MIN(request->row_goal + output / groups, output);
}

/* How many of the path's `rows` are read. Rows that pass are taken to lie evenly among the others,
 * and a reader stops after a slice, not after a row. */
static double rows_read(const path_choice *self, const optimizer_path *path, double rows)
{
    double output = BASE_MIN(self->output_rows, rows);
    double wanted = rows_wanted(self, path, output);
    return BASE_MIN(rows, BASE_MAX(wanted * BASE_MAX(rows / output, 1.0), SMALLEST_SLICE));
}

/* Takes the path if it is the cheapest so far, at `cost` without the sort that it leaves. */
static void offer(path_choice *self, optimizer_path *path, double rows, double cost)
{
    const optimizer_request *request = self->request;
    double output = BASE_MIN(self->output_rows, rows);
    path->cost = cost;
    if (request->order_count && !path->ordered) {
        if (path->presorted && request->row_goal > 0)
            path->cost += optimizer_cost_sort(rows_wanted(self, path, output), false);
        else
            path->cost += request->unordered_cost > 0
                              ? request->unordered_cost
                              : optimizer_cost_sort(output, request->row_goal > 0);
    }
    if (path->cost < self->best->cost)
        *self->best = *path;
}

static const optimizer_test *find_test(const path_choice *self, uint32_t column, table_test first,
                                       table_test second)
{
    for (uint32_t i = 0; i < self->test_count; i++) {
        const optimizer_test *test = &self->tests[i];
        if (test->column == column && (test->test == first || test->test == second))
            return test;
    }
    return NULL;
}

static base_status offer_scan(path_choice *self)
{
    optimizer_path path = {.kind = PLAN_OP_TABLE_SCAN};
    double share = 1;
    path.low = find_test(self, TABLE_ROWID, TABLE_GREATER, TABLE_GREATER_EQUAL);
    path.high = find_test(self, TABLE_ROWID, TABLE_LESS, TABLE_LESS_EQUAL);
    RETURN_IF_ERROR(share_of_bounds(self, &path, &share));
    order_by_rowid(self->scan, self->request, &path);
    double rows = BASE_MAX(self->table_rows * share, 1.0);
    offer(self, &path, rows, optimizer_cost_scan(rows_read(self, &path, rows), self->width));
    return BASE_OK;
}

static void offer_rowids(path_choice *self)
{
    const optimizer_test *test = find_test(self, TABLE_ROWID, TABLE_EQUAL, TABLE_EQUAL);
    if (!test)
        test = find_test(self, TABLE_ROWID, TABLE_IN, TABLE_IN);
    if (!test)
        return;
    optimizer_path path = {.kind = PLAN_OP_ROWID_LOOKUP, .rowids = test};
    order_by_rowid(self->scan, self->request, &path);
    if (self->request->order_count && test->test == TABLE_EQUAL) { /* one row at most */
        path.presorted = all_keys(self->request);
        path.ordered = true;
    }
    offer(self, &path, test->value_count,
          test->value_count * optimizer_cost_rowid(self->table_rows, self->width));
}

static bool all_constant(const optimizer_test *test)
{
    for (uint32_t i = 0; i < test->value_count; i++) {
        if (test->values[i]->kind != PLAN_EXPR_CONSTANT)
            return false;
    }
    return true;
}

/* An index is of use with a test on its first part, or for its order. */
static base_status offer_index(path_choice *self, const catalog_index *index)
{
    optimizer_path path = {.kind = PLAN_OP_INDEX_SCAN, .index = index};
    double share = 1;
    uint32_t part = 0;
    for (; part < index->part_count; part++) {
        const optimizer_test *test =
            find_test(self, index->parts[part].column, TABLE_EQUAL, TABLE_EQUAL);
        if (!test)
            break;
        RETURN_IF_ERROR(share_of_test(self, test, &share));
        path.equal[path.equal_count++] = test;
    }
    if (part < index->part_count && !index->parts[part].descending) {
        uint32_t column = index->parts[part].column;
        path.in = find_test(self, column, TABLE_IN, TABLE_IN);
        if (path.in && !all_constant(path.in))
            path.in = NULL;
        if (!path.in) {
            path.low = find_test(self, column, TABLE_GREATER, TABLE_GREATER_EQUAL);
            path.high = find_test(self, column, TABLE_LESS, TABLE_LESS_EQUAL);
        }
        RETURN_IF_ERROR(share_of_test(self, path.in, &share));
        RETURN_IF_ERROR(share_of_bounds(self, &path, &share));
    }
    order_by_index(self->scan, self->request, &path);
    if (!path.equal_count && !path.in && !path.low && !path.high && !path.presorted)
        return BASE_OK;
    double rows = BASE_MAX(self->table_rows * share, 1.0);
    if (index->unique && path.equal_count == index->part_count)
        rows = 1;
    double seeks = path.in ? path.in->value_count : 1;
    offer(self, &path, rows,
          seeks * optimizer_cost_seek(self->table_rows) +
              rows_read(self, &path, rows) * optimizer_cost_entry(self->table_rows, self->width));
    return BASE_OK;
}

base_status optimizer_choose_path(optimizer_state *state, const plan_node *scan,
                                  const optimizer_request *request, const optimizer_test *tests,
                                  uint32_t test_count, optimizer_path *path)
{
    const catalog_table *table = scan->scan.table;
    path_choice self = {state, scan, request, tests, test_count, 0, 0, 0, path};
    RETURN_IF_ERROR(optimizer_read_width(state, scan, &request->columns, &self.width));
    double share;
    RETURN_IF_ERROR(optimizer_selectivity(state, scan->scan.filter, &share));
    /* Plans outlive the size they were made for: a table that is empty now may not stay so. */
    self.table_rows = BASE_MAX(optimizer_table_rows(state, table), SMALLEST_TABLE);
    self.output_rows = BASE_MAX(self.table_rows * share, 1.0);
    *path = (optimizer_path){.cost = INFINITY};
    RETURN_IF_ERROR(offer_scan(&self));
    if (!state->options->rules)
        return BASE_OK;
    offer_rowids(&self);
    for (uint32_t i = 0; i < table->index_count; i++)
        RETURN_IF_ERROR(offer_index(&self, table->indexes[i]));
    return BASE_OK;
}
