/*
 * op_window_compute.c - the functions over one sorted partition.
 *
 * Ranking follows from places and peers. Aggregates over a frame that only grows (all that begin
 * with the partition) add each row once; a frame that moves gives rows back where the aggregate
 * can (func_aggregate.remove). MIN, MAX and their like cannot; their frames are two parts, as a
 * queue made of two stacks: of the front one the states of all its suffixes are kept, of the back
 * one a single state. When the frame has left the front behind, the back becomes the front. So
 * each row is added twice, however long the frame is. Anything else is computed anew. Rows with
 * the same frame share one result.
 *
 * Rejected: segment trees (a logarithm per row, and frames do not jump about); two parts for
 * sums of floats and the like too (their last digits would depend on where the parts meet).
 */
#include "exec/op/op_window.h"

static void set_result(window_lane *window, const window_function *function, char *row,
                       const types_cell *cell, bool is_null)
{
    exec_row_set_cell(&window->part->layout, row, function->result_column, cell, is_null);
}

/* ---- Ranking ----------------------------------------------------------------------------- */

static base_status argument_integer(const window_lane *window, const window_function *function,
                                    const char *row, uint32_t argument, int64_t *value,
                                    bool *is_null, base_error *error)
{
    uint32_t column = function->argument_columns[argument];
    types_value given = types_null_of(window->part->layout.types[column]), integer;
    exec_row_cell(&window->part->layout, row, column, &given.cell, &given.is_null);
    *is_null = given.is_null;
    if (given.is_null)
        return BASE_OK;
    RETURN_IF_ERROR(types_cast(&given, TYPES_OF(INTEGER), NULL, &integer, error));
    *value = integer.cell.int64;
    return BASE_OK;
}

static base_status compute_ntile(window_lane *window, window_function *function,
                                 const window_partition *partition, base_error *error)
{
    int64_t tiles = 0;
    bool is_null;
    RETURN_IF_ERROR(
        argument_integer(window, function, partition->rows[0], 0, &tiles, &is_null, error));
    if (!is_null && tiles <= 0)
        return base_error_set(error, BASE_INVALID_PARAMETER,
                              "the argument of ntile must be greater than zero");
    /* The first `larger` tiles have one row more. */
    uint64_t size = is_null ? 0 : partition->count / (uint64_t)tiles;
    uint64_t larger = is_null ? 0 : partition->count % (uint64_t)tiles;
    for (uint64_t i = 0; i < partition->count; i++) {
        types_cell cell = {.int64 = 0};
        if (i < larger * (size + 1))
            cell.int64 = (int64_t)(i / (size + 1)) + 1;
        else if (size)
            cell.int64 = (int64_t)(larger + (i - larger * (size + 1)) / size) + 1;
        set_result(window, function, partition->rows[i], &cell, is_null);
    }
    return BASE_OK;
}

static void compute_rank(window_lane *window, window_function *function,
                         const window_partition *partition)
{
    double rows = (double)partition->count;
    for (uint64_t i = 0; i < partition->count; i++) {
        types_cell cell = {.int64 = 0};
        switch (function->plan->function->kind) {
        case FUNC_WINDOW_ROW_NUMBER:
            cell.int64 = (int64_t)i + 1;
            break;
        case FUNC_WINDOW_RANK:
            cell.int64 = (int64_t)window_peer_start(window, i) + 1;
            break;
        case FUNC_WINDOW_DENSE_RANK:
            cell.int64 = (int64_t)window->peer_groups[i] + 1;
            break;
        case FUNC_WINDOW_PERCENT_RANK:
            cell.float64 =
                partition->count > 1 ? (double)window_peer_start(window, i) / (rows - 1) : 0;
            break;
        default: /* CUME_DIST */
            cell.float64 = (double)window_peer_end(window, i) / rows;
            break;
        }
        set_result(window, function, partition->rows[i], &cell, false);
    }
}

/* ---- Values of other rows ---------------------------------------------------------------- */

/* Copies argument 0 of row `from` (or `fallback` of the row itself, or NULL) into the result. */
static void take_value(window_lane *window, const window_function *function, char *row,
                       const char *from, int32_t fallback)
{
    types_cell cell;
    bool is_null = true;
    memset(&cell, 0, sizeof cell);
    if (from)
        exec_row_cell(&window->part->layout, from, function->argument_columns[0], &cell, &is_null);
    else if (fallback >= 0)
        exec_row_cell(&window->part->layout, row, (uint32_t)fallback, &cell, &is_null);
    set_result(window, function, row, &cell, is_null);
}

static base_status compute_lag(window_lane *window, window_function *function,
                               const window_partition *partition, base_error *error)
{
    bool leads = function->plan->function->kind == FUNC_WINDOW_LEAD;
    uint32_t arguments = function->plan->argument_count;
    int32_t fallback = arguments > 2 ? (int32_t)function->argument_columns[2] : -1;
    for (uint64_t i = 0; i < partition->count; i++) {
        char *row = partition->rows[i];
        int64_t by = 1, place;
        bool is_null = false;
        if (arguments > 1)
            RETURN_IF_ERROR(argument_integer(window, function, row, 1, &by, &is_null, error));
        if (is_null) {
            types_cell none = {.int64 = 0};
            set_result(window, function, row, &none, true);
            continue;
        }
        bool outside = leads ? __builtin_add_overflow((int64_t)i, by, &place)
                             : __builtin_sub_overflow((int64_t)i, by, &place);
        outside |= place < 0 || place >= (int64_t)partition->count;
        take_value(window, function, row, outside ? NULL : partition->rows[place], fallback);
    }
    return BASE_OK;
}

static base_status compute_frame_value(window_lane *window, window_function *function,
                                       const window_partition *partition, base_error *error)
{
    func_window_kind kind = function->plan->function->kind;
    for (uint64_t i = 0; i < partition->count; i++) {
        char *row = partition->rows[i], *from = NULL;
        window_frame frame;
        RETURN_IF_ERROR(window_frame_of(window, function, partition, i, &frame, error));
        if (frame.start < frame.end && kind == FUNC_WINDOW_FIRST_VALUE) {
            from = partition->rows[frame.start];
        } else if (frame.start < frame.end && kind == FUNC_WINDOW_LAST_VALUE) {
            from = partition->rows[frame.end - 1];
        } else if (kind == FUNC_WINDOW_NTH_VALUE) {
            int64_t nth = 0;
            bool is_null;
            RETURN_IF_ERROR(argument_integer(window, function, row, 1, &nth, &is_null, error));
            if (!is_null && nth <= 0)
                return base_error_set(error, BASE_INVALID_PARAMETER,
                                      "the argument of nth_value must be greater than zero");
            if (!is_null && frame.start < frame.end && (uint64_t)nth <= frame.end - frame.start)
                from = partition->rows[frame.start + (uint64_t)nth - 1];
        }
        take_value(window, function, row, from, -1);
    }
    return BASE_OK;
}

/* ---- Aggregates -------------------------------------------------------------------------- */

static void clear_state(window_function *function)
{
    memset(function->state, 0, function->state_size);
    if (function->set)
        exec_groups_clear(function->set);
}

/* Gathers the arguments of rows [first, first + count) and the selection of those that the FILTER
 * lets through; all of them: NULL. */
static const uint16_t *gather_rows(window_lane *window, window_function *function, char **rows,
                                   uint32_t count, uint16_t *selection, uint32_t *kept)
{
    const exec_layout *layout = &window->part->layout;
    for (uint32_t a = 0; a < function->plan->argument_count; a++) {
        exec_rows_gather(layout, function->argument_columns[a], rows, NULL, count,
                         &function->gathered->columns[a]);
        function->vectors[a] = &function->gathered->columns[a];
    }
    *kept = count;
    if (function->filter_column < 0)
        return NULL;
    uint32_t column = (uint32_t)function->filter_column, passed = 0;
    for (uint32_t i = 0; i < count; i++) {
        selection[passed] = (uint16_t)i;
        passed += !exec_row_is_null(layout, rows[i], column) &&
                  *(const uint8_t *)(rows[i] + layout->offsets[column]);
    }
    *kept = passed;
    return selection;
}

/* Adds the rows [first, end) of the partition to the state. */
static base_status add_rows(window_lane *window, window_function *function,
                            const window_partition *partition, uint64_t first, uint64_t end,
                            base_error *error)
{
    const func_aggregate *aggregate = function->plan->aggregate;
    uint16_t selection[VECTOR_SIZE];
    for (; first < end; first += VECTOR_SIZE) {
        uint32_t count = (uint32_t)BASE_MIN(end - first, (uint64_t)VECTOR_SIZE);
        const uint16_t *kept =
            gather_rows(window, function, partition->rows + first, count, selection, &count);
        if (!count)
            continue;
        if (function->set) {
            char *found[VECTOR_SIZE];
            bool is_new[VECTOR_SIZE];
            uint32_t fresh = 0;
            RETURN_IF_ERROR(exec_groups_find_or_add(function->set, function->vectors, kept, count,
                                                    found, is_new, error));
            for (uint32_t i = 0; i < count; i++) {
                selection[fresh] = (uint16_t)vector_row(kept, i);
                fresh += is_new[i];
            }
            kept = selection;
            count = fresh;
        }
        if (aggregate->update_single) {
            RETURN_IF_ERROR(aggregate->update_single(&function->call, function->vectors, kept,
                                                     count, function->state, error));
            continue;
        }
        void *states[VECTOR_SIZE];
        for (uint32_t i = 0; i < count; i++)
            states[i] = function->state;
        RETURN_IF_ERROR(
            aggregate->update(&function->call, function->vectors, kept, count, states, error));
    }
    return BASE_OK;
}

static base_status remove_rows(window_lane *window, window_function *function,
                               const window_partition *partition, uint64_t first, uint64_t end,
                               base_error *error)
{
    uint16_t selection[VECTOR_SIZE];
    for (; first < end; first += VECTOR_SIZE) {
        uint32_t count = (uint32_t)BASE_MIN(end - first, (uint64_t)VECTOR_SIZE);
        const uint16_t *kept =
            gather_rows(window, function, partition->rows + first, count, selection, &count);
        for (uint32_t i = 0; i < count; i++)
            RETURN_IF_ERROR(function->plan->aggregate->remove(
                &function->call, function->vectors, vector_row(kept, i), function->state, error));
    }
    return BASE_OK;
}

/* Brings the state from the frame `had` to `wanted`. */
static base_status move_frame(window_lane *window, window_function *function,
                              const window_partition *partition, window_frame *had,
                              window_frame wanted, base_error *error)
{
    bool can_remove = function->plan->aggregate->remove && !function->set;
    bool grows = had->start == wanted.start && had->end <= wanted.end;
    bool slides = can_remove && had->start <= wanted.start && had->end <= wanted.end &&
                  wanted.start <= had->end;
    if (grows) {
        RETURN_IF_ERROR(add_rows(window, function, partition, had->end, wanted.end, error));
    } else if (slides) {
        RETURN_IF_ERROR(add_rows(window, function, partition, had->end, wanted.end, error));
        RETURN_IF_ERROR(remove_rows(window, function, partition, had->start, wanted.start, error));
    } else {
        clear_state(function);
        RETURN_IF_ERROR(add_rows(window, function, partition, wanted.start, wanted.end, error));
    }
    *had = wanted;
    return BASE_OK;
}

/* ---- Two parts ------------------------------------------------------------------------------- */

/* Rows [start, middle) are in the suffixes, [middle, end) in the function's state. */
typedef struct two_parts {
    uint64_t start, middle, end;
    uint64_t first; /* whose suffix is the first state */
} two_parts;

static bool may_use_parts(const window_function *function)
{
    const func_aggregate *aggregate = function->plan->aggregate;
    return aggregate->distinct_is_noop && !aggregate->order_sensitive && aggregate->combine &&
           !aggregate->remove;
}

static base_status need_suffixes(window_lane *window, window_function *function, uint64_t count,
                                 base_error *error)
{
    if (count <= function->suffix_capacity)
        return BASE_OK;
    uint64_t capacity = BASE_MAX(count, function->suffix_capacity * 2);
    char *states = capacity < UINT32_MAX ? base_arena_allocate_array(&window->heap, capacity + 1,
                                                                     function->state_size)
                                         : NULL;
    if (!states)
        return base_error_no_memory(error);
    function->suffixes = states + function->state_size;
    function->joined = states;
    function->suffix_capacity = capacity;
    return BASE_OK;
}

static void *suffix_at(const window_function *function, const two_parts *parts, uint64_t row)
{
    return function->suffixes + (row - parts->first) * function->state_size;
}

/* All rows of the frame become the front. */
static base_status turn_over(window_lane *window, window_function *function,
                             const window_partition *partition, two_parts *parts, base_error *error)
{
    const func_aggregate *aggregate = function->plan->aggregate;
    RETURN_IF_ERROR(need_suffixes(window, function, parts->end - parts->start, error));
    parts->first = parts->start;
    parts->middle = parts->end;
    base_status status = BASE_OK;
    char *state = function->state;
    for (uint64_t row = parts->end; status == BASE_OK && row > parts->start; row--) {
        function->state = suffix_at(function, parts, row - 1);
        memset(function->state, 0, function->state_size);
        status = add_rows(window, function, partition, row - 1, row, error);
        if (status == BASE_OK && row < parts->end)
            status = aggregate->combine(&function->call, function->state,
                                        suffix_at(function, parts, row), error);
        if (status == BASE_OK && row % 4096 == 0)
            status = exec_check_interrupt(window->execution, error);
    }
    function->state = state;
    clear_state(function);
    return status;
}

/* Brings the parts to the frame; `*result` gets its state. */
static base_status move_parts(window_lane *window, window_function *function,
                              const window_partition *partition, two_parts *parts,
                              window_frame wanted, const void **result, base_error *error)
{
    const func_aggregate *aggregate = function->plan->aggregate;
    if (wanted.start < parts->start || wanted.end < parts->end) { /* as frames seldom do */
        clear_state(function);
        *parts = (two_parts){wanted.start, wanted.start, wanted.start, wanted.start};
    }
    if (wanted.start > parts->middle) {
        parts->start = wanted.start;
        parts->end = wanted.end;
        RETURN_IF_ERROR(turn_over(window, function, partition, parts, error));
    } else {
        RETURN_IF_ERROR(add_rows(window, function, partition, parts->end, wanted.end, error));
        parts->start = wanted.start;
        parts->end = wanted.end;
    }
    *result = function->state;
    if (parts->start == parts->middle)
        return BASE_OK;
    *result = suffix_at(function, parts, parts->start);
    if (parts->middle == parts->end)
        return BASE_OK;
    memset(function->joined, 0, function->state_size);
    RETURN_IF_ERROR(aggregate->combine(&function->call, function->joined, *result, error));
    *result = function->joined;
    return aggregate->combine(&function->call, function->joined, function->state, error);
}

/* ---- Aggregates ------------------------------------------------------------------------------ */

static base_status compute_aggregate(window_lane *window, window_function *function,
                                     const window_partition *partition, base_error *error)
{
    const func_aggregate *aggregate = function->plan->aggregate;
    window_frame had = {0, 0};
    two_parts parts = {0};
    bool has_result = false, is_null = false, in_parts = may_use_parts(function);
    types_cell cell;
    clear_state(function);
    for (uint64_t i = 0; i < partition->count; i++) {
        window_frame frame;
        RETURN_IF_ERROR(window_frame_of(window, function, partition, i, &frame, error));
        if (frame.start >= frame.end) /* empty: stand where the state is empty too */
            frame.start = frame.end = has_result && had.start == had.end ? had.start : 0;
        if (!has_result || frame.start != had.start || frame.end != had.end) {
            const void *state = function->state;
            if (i % 256 == 0)
                RETURN_IF_ERROR(exec_check_interrupt(window->execution, error));
            if (in_parts)
                RETURN_IF_ERROR(
                    move_parts(window, function, partition, &parts, frame, &state, error));
            else
                RETURN_IF_ERROR(move_frame(window, function, partition, &had, frame, error));
            had = frame;
            is_null = false;
            memset(&cell, 0, sizeof cell);
            RETURN_IF_ERROR(aggregate->finish(&function->call, state, &cell, &is_null, error));
            has_result = true;
        }
        set_result(window, function, partition->rows[i], &cell, is_null);
    }
    return BASE_OK;
}

static base_status compute(window_lane *window, window_function *function,
                           const window_partition *partition, base_error *error)
{
    if (function->plan->aggregate)
        return compute_aggregate(window, function, partition, error);
    switch (function->plan->function->kind) {
    case FUNC_WINDOW_NTILE:
        return compute_ntile(window, function, partition, error);
    case FUNC_WINDOW_LAG:
    case FUNC_WINDOW_LEAD:
        return compute_lag(window, function, partition, error);
    case FUNC_WINDOW_FIRST_VALUE:
    case FUNC_WINDOW_LAST_VALUE:
    case FUNC_WINDOW_NTH_VALUE:
        return compute_frame_value(window, function, partition, error);
    default:
        compute_rank(window, function, partition);
        return BASE_OK;
    }
}

base_status window_compute(window_lane *window, window_function *function,
                           const window_partition *partition, base_error *error)
{
    base_status status = compute(window, function, partition, error);
    return status == BASE_OK ? status : base_error_place(error, status, function->plan->position);
}
