/*
 * op_window.c - window functions: keeping the input, sorting it, and handing it on with results.
 *
 * The sink keeps whole rows: the input's columns, what keys, arguments and filters evaluate to, and
 * room for the results. The end sorts them by partition and order keys and computes each function
 * over each partition, writing results into the rows (op_window_compute.c). The source hands
 * the input's columns and the results on.
 *
 * The sink takes rows in input order from one lane, so functions over rows without an order (or
 * with ties) give the same answer on any number of threads. The sorted rows are cut into pieces
 * of whole partitions; lanes take piece after piece, and of several errors that
 * of the first piece is reported, as one thread would have met it.
 */
#include "exec/op/op_slices.h"
#include "exec/op/op_window.h"

enum {
    PIECE_ROWS = 8192 /* at least, for a lane of its own to be worth while */
};

/* ---- The sink ---------------------------------------------------------------------------- */

static base_status open(exec_part *part, base_error *error)
{
    window_part *self = (window_part *)part;
    for (uint32_t f = 0; f < self->function_count; f++) {
        window_function *function = &self->lanes[0]->functions[f];
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

/* ---- Partitions -------------------------------------------------------------------------- */

static void free_peers(window_lane *lane)
{
    base_budget *budget = &lane->execution->budget;
    size_t size = (lane->peer_capacity + 1) * sizeof(uint64_t);
    if (lane->peer_capacity) {
        base_free(budget, lane->peers, size);
        base_free(budget, lane->peer_groups, size);
        base_free(budget, lane->group_starts, size);
    }
    lane->peers = lane->peer_groups = lane->group_starts = NULL;
    lane->peer_capacity = 0;
}

/* Finds the peer groups of a partition: rows that are equal in the order keys. */
static base_status find_peers(window_lane *lane, const window_partition *partition,
                              base_error *error)
{
    const window_part *self = lane->part;
    base_budget *budget = &lane->execution->budget;
    if (partition->count > lane->peer_capacity) {
        free_peers(lane);
        uint64_t capacity = base_next_power_of_two(partition->count);
        lane->peers = base_allocate_array(budget, capacity + 1, sizeof(uint64_t));
        lane->peer_groups = base_allocate_array(budget, capacity + 1, sizeof(uint64_t));
        lane->group_starts = base_allocate_array(budget, capacity + 1, sizeof(uint64_t));
        lane->peer_capacity = capacity;
        if (!lane->peers || !lane->peer_groups || !lane->group_starts) {
            free_peers(lane);
            return base_error_no_memory(error);
        }
    }
    uint32_t first_key = self->partition_count, end_key = first_key + self->order_count;
    uint64_t group = 0, start = 0;
    lane->group_starts[0] = 0;
    for (uint64_t i = 0; i < partition->count; i++) {
        if (i && !exec_sort_same(&self->sorter, first_key, end_key, partition->rows[i - 1],
                                 partition->rows[i])) {
            start = i;
            lane->group_starts[++group] = i;
        }
        lane->peers[i] = start;
        lane->peer_groups[i] = group;
    }
    lane->group_count = group + 1;
    lane->group_starts[lane->group_count] = partition->count;
    return BASE_OK;
}

static bool begins_partition(const window_part *self, uint64_t row)
{
    return row == 0 ||
           (self->partition_count && !exec_sort_same(&self->sorter, 0, self->partition_count,
                                                     self->sorted[row - 1], self->sorted[row]));
}

/* The partitions of the rows [begin, end), all of them whole. Rows of others are not looked at:
 * results that are NULL stand in the same bytes as keys that are. */
static base_status compute_rows(window_lane *lane, uint64_t begin, uint64_t end, base_error *error)
{
    const window_part *self = lane->part;
    while (begin < end) {
        uint64_t next = begin + 1;
        while (next < end && !begins_partition(self, next))
            next++;
        window_partition partition = {self->sorted + begin, next - begin};
        RETURN_IF_ERROR(exec_check_interrupt(lane->execution, error));
        if (self->needs_peers)
            RETURN_IF_ERROR(find_peers(lane, &partition, error));
        for (uint32_t f = 0; f < self->function_count; f++)
            RETURN_IF_ERROR(window_compute(lane, &lane->functions[f], &partition, error));
        begin = next;
    }
    return BASE_OK;
}

/* Cuts the rows into pieces of whole partitions, some of them empty. */
static void cut_pieces(window_part *self, uint32_t count)
{
    uint64_t start = 0;
    self->piece_count = count;
    self->piece_starts[0] = 0;
    for (uint32_t i = 1; i < count; i++) {
        start = BASE_MAX(start, self->sorted_count * i / count);
        while (start < self->sorted_count && !begins_partition(self, start))
            start++;
        self->piece_starts[i] = start;
    }
    self->piece_starts[count] = self->sorted_count;
}

/* Pieces rise, so whoever fails later may be told about earlier ones only. */
static base_status compute_pieces(void *argument, uint32_t number, base_error *error)
{
    window_part *self = argument;
    window_lane *lane = self->lanes[number];
    (void)error; /* the lane's */
    lane->failed_piece = UINT32_MAX;
    for (;;) {
        uint32_t piece = atomic_fetch_add_explicit(&self->next_piece, 1, memory_order_relaxed);
        if (piece >= self->piece_count || piece > atomic_load(&self->first_failed))
            return BASE_OK;
        base_error_clear(&lane->error);
        lane->status = compute_rows(lane, self->piece_starts[piece], self->piece_starts[piece + 1],
                                    &lane->error);
        if (lane->status == BASE_OK)
            continue;
        lane->failed_piece = piece;
        uint32_t first = atomic_load(&self->first_failed);
        while (piece < first && !atomic_compare_exchange_weak(&self->first_failed, &first, piece))
            continue;
        return BASE_OK;
    }
}

static base_status make_lane(window_part *self, base_error *error);

static base_status compute_all(window_part *self, base_error *error)
{
    exec_execution *execution = self->part.execution;
    uint64_t worth = self->partition_count ? self->sorted_count / PIECE_ROWS : 1;
    uint32_t lanes = (uint32_t)BASE_MIN((uint64_t)exec_thread_limit(execution), worth);
    lanes = BASE_MAX(lanes, 1u);
    while (self->lane_count < lanes)
        RETURN_IF_ERROR(make_lane(self, error));
    for (uint32_t l = 1; l < lanes; l++) {
        for (uint32_t f = 0; f < self->function_count; f++) {
            self->lanes[l]->functions[f].start_value = self->lanes[0]->functions[f].start_value;
            self->lanes[l]->functions[f].end_value = self->lanes[0]->functions[f].end_value;
        }
    }
    cut_pieces(self, lanes > 1 ? lanes * WINDOW_LANE_PIECES : 1);
    atomic_store(&self->next_piece, 0);
    atomic_store(&self->first_failed, UINT32_MAX);
    RETURN_IF_ERROR(exec_run_tasks(execution, lanes, compute_pieces, self, error));
    uint32_t failed = atomic_load(&self->first_failed);
    for (uint32_t l = 0; failed != UINT32_MAX && l < lanes; l++) {
        if (self->lanes[l]->failed_piece != failed)
            continue;
        if (error && error->status == BASE_OK)
            *error = self->lanes[l]->error;
        return self->lanes[l]->status;
    }
    return BASE_OK;
}

static base_status finish(exec_part *part, base_error *error)
{
    window_part *self = (window_part *)part;
    exec_note_memory(part->execution, part->op, exec_rows_bytes(self->rows));
    RETURN_IF_ERROR(
        exec_sort_rows(&self->sorter, &self->rows, 1, &self->sorted, &self->sorted_count, error));
    return compute_all(self, error);
}

static void close(exec_part *part)
{
    window_part *self = (window_part *)part;
    exec_sort_free(&self->sorter, self->sorted, self->sorted_count);
    self->sorted = NULL;
    self->sorted_count = 0;
    exec_rows_clear(self->rows);
    for (uint32_t l = 0; l < self->lane_count; l++) {
        window_lane *lane = self->lanes[l];
        free_peers(lane);
        for (uint32_t f = 0; f < self->function_count; f++) {
            window_function *function = &lane->functions[f];
            if (function->set)
                exec_groups_clear(function->set);
            function->suffixes = function->joined = NULL; /* the heap's */
            function->suffix_capacity = 0;
        }
        base_arena_destroy(&lane->heap);
    }
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
        exec_rows_gather(&window->layout, window->lanes[0]->functions[f].result_column, rows, NULL,
                         count, &self->chunk->columns[window->input_count + f]);
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

/* State of its own for one lane. */
static base_status init_aggregate(window_lane *lane, window_function *function, base_error *error)
{
    exec_execution *execution = lane->execution;
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
                                           .heap = &lane->heap,
                                           .constants = constants,
                                           .keeps_results = true};
    function->state_size = plan->aggregate->state_size(&function->call);
    function->state = exec_new(execution, function->state_size + 1);
    if (!function->state)
        return base_error_no_memory(error);
    RETURN_IF_ERROR(exec_chunk_new(execution, types, arguments, &function->gathered, error));
    function->suffixes = function->joined = NULL;
    function->suffix_capacity = 0;
    function->set = NULL;
    if (!plan->distinct || plan->aggregate->distinct_is_noop || !arguments)
        return BASE_OK;
    RETURN_IF_ERROR(
        exec_groups_layout(&function->set_layout, execution, types, arguments, 0, error));
    return exec_groups_new(execution, &function->set_layout, arguments, &function->set, error);
}

/* One more lane; the functions of the first, if there is one, tell what they do. */
static base_status make_lane(window_part *self, base_error *error)
{
    exec_execution *execution = self->part.execution;
    window_lane *lane = exec_new(execution, sizeof *lane);
    if (!lane)
        return base_error_no_memory(error);
    lane->execution = execution;
    lane->part = self;
    lane->functions = exec_new(execution, (self->function_count + 1) * sizeof(window_function));
    if (!lane->functions)
        return base_error_no_memory(error);
    base_arena_init(&lane->heap, &execution->budget);
    for (uint32_t f = 0; self->lane_count && f < self->function_count; f++) {
        window_function *function = &lane->functions[f];
        *function = self->lanes[0]->functions[f];
        if (function->plan->aggregate)
            RETURN_IF_ERROR(init_aggregate(lane, function, error));
    }
    self->lanes[self->lane_count++] = lane;
    return BASE_OK;
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
        return init_aggregate(self->window->lanes[0], function, error);
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
    RETURN_IF_ERROR(make_lane(window, error));
    window_function *functions = window->lanes[0]->functions;
    window->addresses = exec_new(execution, VECTOR_SIZE * sizeof(char *));
    exec_sort_key *sort_keys = exec_new(execution, (keys + 1) * sizeof(exec_sort_key));
    if (!self->types || !window->computed || !window->computed_columns || !window->addresses ||
        !sort_keys)
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
        RETURN_IF_ERROR(init_function(self, &functions[f], plan));
        window->needs_peers |= needs_peers(plan);
    }
    for (uint32_t f = 0; f < window->function_count; f++) {
        functions[f].result_column = self->column_count;
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
