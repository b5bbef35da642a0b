/*
 * op_window.c - window functions: keeping the input, sorting it, and handing it on with results.
 *
 * The sink keeps whole rows: the input's columns, what keys, arguments and filters evaluate to, and
 * room for the results. The end sorts them by partition and order keys and computes each function
 * over each partition, writing results into the rows (op_window_compute.c). The source hands
 * the input's columns and the results on.
 *
 * The sink takes rows in input order from one lane, so functions over rows without an order (or
 * with ties) give the same answer on any number of threads.
 */
#include "exec/op/op_slices.h"
#include "exec/op/op_window.h"

/* ---- The sink ---------------------------------------------------------------------------- */

static base_status open(exec_part *part, base_error *error)
{
    window_part *self = (window_part *)part;
    for (uint32_t f = 0; f < self->function_count; f++) {
        window_function *function = &self->functions[f];
        if (function->start_offset)
            RETURN_IF_ERROR(expr_value(function->start_offset, &function->start_value, error));
        if (function->end_offset)
            RETURN_IF_ERROR(expr_value(function->end_offset, &function->end_value, error));
    }
    return BASE_OK;
}

static base_status sink(exec_part *part, void *state, vector_chunk *input, base_error *error)
{
    window_part *self = (window_part *)part;
    RETURN_IF_ERROR(exec_rows_reserve(self->rows, input->count, self->addresses, error));
    for (uint32_t c = 0; c < self->input_count; c++)
        RETURN_IF_ERROR(exec_rows_scatter(self->rows, c, &input->columns[c], input->selection,
                                          input->count, self->addresses, error));
    for (uint32_t c = 0; c < self->computed_count; c++) {
        const vector *values;
        RETURN_IF_ERROR(expr_evaluate(self->programs[c], input, &values, error));
        RETURN_IF_ERROR(exec_rows_scatter(self->rows, self->computed_columns[c], values,
                                          input->selection, input->count, self->addresses, error));
    }
    return BASE_OK;
}

static void free_peers(window_part *self)
{
    base_budget *budget = &self->part.execution->budget;
    size_t size = (self->peer_capacity + 1) * sizeof(uint64_t);
    if (self->peer_capacity) {
        base_free(budget, self->peers, size);
        base_free(budget, self->peer_groups, size);
        base_free(budget, self->group_starts, size);
    }
    self->peers = self->peer_groups = self->group_starts = NULL;
    self->peer_capacity = 0;
}

/* Finds the peer groups of a partition: rows that are equal in the order keys. */
static base_status find_peers(window_part *self, const window_partition *partition,
                              base_error *error)
{
    base_budget *budget = &self->part.execution->budget;
    if (partition->count > self->peer_capacity) {
        free_peers(self);
        uint64_t capacity = base_next_power_of_two(partition->count);
        self->peers = base_allocate_array(budget, capacity + 1, sizeof(uint64_t));
        self->peer_groups = base_allocate_array(budget, capacity + 1, sizeof(uint64_t));
        self->group_starts = base_allocate_array(budget, capacity + 1, sizeof(uint64_t));
        self->peer_capacity = capacity;
        if (!self->peers || !self->peer_groups || !self->group_starts) {
            free_peers(self);
            return base_error_no_memory(error);
        }
    }
    uint32_t first_key = self->partition_count, end_key = first_key + self->order_count;
    uint64_t group = 0, start = 0;
    self->group_starts[0] = 0;
    for (uint64_t i = 0; i < partition->count; i++) {
        if (i && !exec_sort_same(&self->sorter, first_key, end_key, partition->rows[i - 1],
                                 partition->rows[i])) {
            start = i;
            self->group_starts[++group] = i;
        }
        self->peers[i] = start;
        self->peer_groups[i] = group;
    }
    self->group_count = group + 1;
    self->group_starts[self->group_count] = partition->count;
    return BASE_OK;
}

static base_status finish(exec_part *part, base_error *error)
{
    window_part *self = (window_part *)part;
    exec_note_memory(part->execution, part->op, exec_rows_bytes(self->rows));
    RETURN_IF_ERROR(
        exec_sort_rows(&self->sorter, &self->rows, 1, &self->sorted, &self->sorted_count, error));
    uint64_t begin = 0;
    while (begin < self->sorted_count) {
        uint64_t end = begin + 1;
        if (!self->partition_count)
            end = self->sorted_count;
        while (end < self->sorted_count && exec_sort_same(&self->sorter, 0, self->partition_count,
                                                          self->sorted[end - 1], self->sorted[end]))
            end++;
        window_partition partition = {self->sorted + begin, end - begin};
        RETURN_IF_ERROR(exec_check_interrupt(part->execution, error));
        if (self->needs_peers)
            RETURN_IF_ERROR(find_peers(self, &partition, error));
        for (uint32_t f = 0; f < self->function_count; f++)
            RETURN_IF_ERROR(window_compute(self, &self->functions[f], &partition, error));
        begin = end;
    }
    return BASE_OK;
}

static void close(exec_part *part)
{
    window_part *self = (window_part *)part;
    exec_sort_free(&self->sorter, self->sorted, self->sorted_count);
    self->sorted = NULL;
    self->sorted_count = 0;
    exec_rows_clear(self->rows);
    free_peers(self);
    for (uint32_t f = 0; f < self->function_count; f++)
        if (self->functions[f].set)
            exec_groups_clear(self->functions[f].set);
    base_arena_destroy(&self->heap);
}

static const exec_part_class window_class = {
    .name = "window",
    .open = open,
    .sink = sink,
    .finish = finish,
    .close = close,
};

/* ---- The source -------------------------------------------------------------------------- */

typedef struct window_source {
    exec_part part;
    window_part *window;
    uint64_t next;
    vector_chunk *chunk;
} window_source;

static base_status start(exec_part *part, base_error *error)
{
    window_source *self = (window_source *)part;
    self->next = 0;
    part->unit_count = 1;
    part->row_estimate = self->window->sorted_count;
    return BASE_OK;
}

static base_status next(exec_part *part, void *state, vector_chunk **chunk, base_error *error)
{
    window_source *self = (window_source *)part;
    window_part *window = self->window;
    if (self->next >= window->sorted_count)
        return BASE_DONE;
    uint32_t count = (uint32_t)BASE_MIN(window->sorted_count - self->next, (uint64_t)VECTOR_SIZE);
    char **rows = window->sorted + self->next;
    for (uint32_t c = 0; c < window->input_count; c++)
        exec_rows_gather(&window->layout, c, rows, NULL, count, &self->chunk->columns[c]);
    for (uint32_t f = 0; f < window->function_count; f++)
        exec_rows_gather(&window->layout, window->functions[f].result_column, rows, NULL, count,
                         &self->chunk->columns[window->input_count + f]);
    self->next += count;
    self->chunk->count = count;
    self->chunk->selection = NULL;
    *chunk = self->chunk;
    return BASE_ROW;
}

static const exec_part_class window_source_class = {
    .name = "window rows",
    .start = start,
    .next = next,
};

/* ---- Building ---------------------------------------------------------------------------- */

typedef struct window_builder {
    window_part *window;
    exec_builder *builder;
    types_type *types; /* of the layout */
    uint32_t column_count;
} window_builder;

/* The layout column that holds the expression's value. */
static uint32_t column_of(window_builder *self, plan_expr *expr)
{
    window_part *window = self->window;
    if (expr->kind == PLAN_EXPR_SLOT)
        return expr->slot;
    for (uint32_t i = 0; i < window->computed_count; i++)
        if (!plan_expr_is_volatile(expr) && plan_expr_equal(window->computed[i], expr))
            return window->computed_columns[i];
    uint32_t column = self->column_count++;
    self->types[column] = expr->type;
    window->computed[window->computed_count] = expr;
    window->computed_columns[window->computed_count++] = column;
    return column;
}

static uint32_t count_exprs(const plan_operator *op)
{
    uint32_t count = op->window.partition_count + op->window.order_count;
    for (uint32_t w = 0; w < op->window.window_count; w++)
        count += op->window.windows[w].argument_count + 2;
    return count;
}

static base_status init_aggregate(window_builder *self, window_function *function)
{
    exec_execution *execution = self->builder->execution;
    base_error *error = self->builder->error;
    const plan_window *plan = function->plan;
    uint32_t arguments = plan->argument_count;
    types_type *types = exec_types_of(execution, plan->arguments, arguments);
    const types_value **constants = exec_new(execution, (arguments + 1) * sizeof(*constants));
    function->vectors = exec_new(execution, (arguments + 1) * sizeof(vector *));
    if (!types || !constants || !function->vectors)
        return base_error_no_memory(error);
    for (uint32_t a = 0; a < arguments; a++)
        if (plan->arguments[a]->kind == PLAN_EXPR_CONSTANT)
            constants[a] = &plan->arguments[a]->constant;
    function->call = (func_aggregate_call){.function = plan->aggregate,
                                           .argument_count = arguments,
                                           .argument_types = types,
                                           .result_type = plan->type,
                                           .heap = &self->window->heap,
                                           .constants = constants};
    function->state_size = plan->aggregate->state_size(&function->call);
    function->state = exec_new(execution, function->state_size + 1);
    if (!function->state)
        return base_error_no_memory(error);
    RETURN_IF_ERROR(exec_chunk_new(execution, types, arguments, &function->gathered, error));
    if (!plan->distinct || plan->aggregate->distinct_is_noop || !arguments)
        return BASE_OK;
    RETURN_IF_ERROR(
        exec_groups_layout(&function->set_layout, execution, types, arguments, 0, error));
    return exec_groups_new(execution, &function->set_layout, arguments, &function->set, error);
}

static base_status init_function(window_builder *self, window_function *function,
                                 const plan_window *plan)
{
    exec_execution *execution = self->builder->execution;
    base_error *error = self->builder->error;
    function->plan = plan;
    function->filter_column = -1;
    function->argument_columns = exec_new(execution, (plan->argument_count + 1) * sizeof(uint32_t));
    if (!function->argument_columns)
        return base_error_no_memory(error);
    for (uint32_t a = 0; a < plan->argument_count; a++)
        function->argument_columns[a] = column_of(self, plan->arguments[a]);
    if (plan->filter)
        function->filter_column = (int32_t)column_of(self, plan->filter);
    if (plan->start_offset)
        RETURN_IF_ERROR(
            exec_compile(execution, plan->start_offset, &function->start_offset, error));
    if (plan->end_offset)
        RETURN_IF_ERROR(exec_compile(execution, plan->end_offset, &function->end_offset, error));
    if (plan->aggregate)
        return init_aggregate(self, function);
    return BASE_OK;
}

/* Does the function look at peers? Only row numbers, LAG, LEAD, NTILE and ROWS frames do not. */
static bool needs_peers(const plan_window *plan)
{
    if (plan->function) {
        switch (plan->function->kind) {
        case FUNC_WINDOW_ROW_NUMBER:
        case FUNC_WINDOW_NTILE:
        case FUNC_WINDOW_LAG:
        case FUNC_WINDOW_LEAD:
            return false;
        case FUNC_WINDOW_FIRST_VALUE:
        case FUNC_WINDOW_LAST_VALUE:
        case FUNC_WINDOW_NTH_VALUE:
            return plan->mode != PLAN_FRAME_ROWS;
        default:
            return true;
        }
    }
    return plan->mode != PLAN_FRAME_ROWS;
}

static base_status init_window(window_builder *self)
{
    window_part *window = self->window;
    exec_execution *execution = self->builder->execution;
    base_error *error = self->builder->error;
    const plan_operator *op = window->op;
    uint32_t most = count_exprs(op);
    uint32_t keys = op->window.partition_count + op->window.order_count;
    window->input_count = self->column_count = op->inputs[0]->column_count;
    window->function_count = op->window.window_count;
    self->types = exec_new(execution, (self->column_count + most + window->function_count + 1) *
                                          sizeof(types_type));
    window->computed = exec_new(execution, (most + 1) * sizeof(plan_expr *));
    window->computed_columns = exec_new(execution, (most + 1) * sizeof(uint32_t));
    window->functions = exec_new(execution, (window->function_count + 1) * sizeof(window_function));
    window->addresses = exec_new(execution, VECTOR_SIZE * sizeof(char *));
    exec_sort_key *sort_keys = exec_new(execution, (keys + 1) * sizeof(exec_sort_key));
    if (!self->types || !window->computed || !window->computed_columns || !window->functions ||
        !window->addresses || !sort_keys)
        return base_error_no_memory(error);
    memcpy(self->types, op->inputs[0]->types, window->input_count * sizeof(types_type));
    window->partition_count = op->window.partition_count;
    window->order_count = op->window.order_count;
    for (uint32_t k = 0; k < window->partition_count; k++)
        sort_keys[k].column = column_of(self, op->window.partition[k]);
    for (uint32_t k = 0; k < window->order_count; k++) {
        const plan_sort_key *key = &op->window.order[k];
        sort_keys[window->partition_count + k] =
            (exec_sort_key){column_of(self, key->expr), key->descending, key->nulls_first};
    }
    for (uint32_t f = 0; f < window->function_count; f++) {
        const plan_window *plan = &op->window.windows[f];
        RETURN_IF_ERROR(init_function(self, &window->functions[f], plan));
        window->needs_peers |= needs_peers(plan);
    }
    for (uint32_t f = 0; f < window->function_count; f++) {
        window->functions[f].result_column = self->column_count;
        self->types[self->column_count++] = op->window.windows[f].type;
    }
    RETURN_IF_ERROR(exec_compile_all(execution, window->computed, window->computed_count,
                                     &window->programs, error));
    RETURN_IF_ERROR(
        exec_layout_init(&window->layout, execution, self->types, self->column_count, 0, 0, error));
    RETURN_IF_ERROR(exec_rows_new(execution, &window->layout, &window->rows, error));
    return exec_sorter_init(&window->sorter, execution, &window->layout, sort_keys, keys, error);
}

base_status exec_build_window(exec_builder *builder, const plan_operator *op, exec_chain *chain)
{
    exec_execution *execution = builder->execution;
    window_part *self = exec_part_new(builder, &window_class, sizeof *self, op);
    window_source *source = exec_part_new(builder, &window_source_class, sizeof *source, op);
    exec_chain *input = self ? exec_chain_sink(builder, &self->part) : NULL;
    if (!input || !source)
        return base_error_no_memory(builder->error);
    self->part.parallel = source->part.parallel = false;
    self->op = op;
    source->window = self;
    base_arena_init(&self->heap, &execution->budget);
    window_builder building = {self, builder, NULL, 0};
    RETURN_IF_ERROR(init_window(&building));
    RETURN_IF_ERROR(
        exec_chunk_new(execution, op->types, op->column_count, &source->chunk, builder->error));
    if (op->window.presorted)
        return op_build_slices(builder, op, op->window.partition, op->window.presorted, &self->part,
                               &source->part, chain);
    RETURN_IF_ERROR(exec_build(builder, op->inputs[0], input));
    return exec_add_pipeline(builder, &source->part, chain);
}
