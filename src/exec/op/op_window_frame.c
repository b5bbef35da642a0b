/*
 * op_window_frame.c - which rows a frame holds.
 *
 * ROWS counts rows, GROUPS counts peer groups, RANGE compares the one order key with the current
 * row's plus or minus an offset. The key's place is found by binary search among the rows whose
 * key is not NULL; a row whose own key is NULL has its peers instead.
 *
 * Arithmetic on keys is done in 128 bits or in doubles, so that no bound overflows; dates and
 * timestamps take intervals by the calendar.
 */
#include "exec/op/op_window.h"

/* Saturating i - k and i + k within 0 .. count. */
static uint64_t back_by(uint64_t from, uint64_t by)
{
    return by > from ? 0 : from - by;
}
static uint64_t forward_by(uint64_t from, uint64_t by, uint64_t count)
{
    return by > count - BASE_MIN(from, count) ? count : from + by;
}

static base_status offset_count(const types_value *offset, uint64_t *count, base_error *error)
{
    types_value integer;
    if (!offset->is_null)
        RETURN_IF_ERROR(types_cast(offset, TYPES_OF(INTEGER), NULL, &integer, error));
    if (offset->is_null || integer.cell.int64 < 0)
        return base_error_set(error, BASE_INVALID_PARAMETER,
                              "a frame's offset must not be NULL or negative");
    *count = (uint64_t)integer.cell.int64;
    return BASE_OK;
}

/* ---- RANGE with an offset ---------------------------------------------------------------- */

typedef struct range_bound {
    bool is_float;
    double number;
    int128_t integer;
} range_bound;

static bool cell_number(types_form form, const types_cell *cell, range_bound *bound)
{
    bound->is_float = false;
    switch (form) {
    case TYPES_FORM_INT8:
        bound->integer = cell->int8;
        return true;
    case TYPES_FORM_INT16:
        bound->integer = cell->int16;
        return true;
    case TYPES_FORM_INT32:
        bound->integer = cell->int32;
        return true;
    case TYPES_FORM_INT64:
        bound->integer = cell->int64;
        return true;
    case TYPES_FORM_UINT64:
        bound->integer = (int128_t)cell->uint64;
        return true;
    case TYPES_FORM_INT128:
        bound->integer = cell->int128;
        return true;
    case TYPES_FORM_FLOAT32:
        bound->is_float = true;
        bound->number = (double)cell->float32;
        return true;
    case TYPES_FORM_FLOAT64:
        bound->is_float = true;
        bound->number = cell->float64;
        return true;
    default:
        return false;
    }
}

static int compare_bounds(const range_bound *a, const range_bound *b)
{
    if (a->is_float)
        return (a->number > b->number) - (a->number < b->number);
    return (a->integer > b->integer) - (a->integer < b->integer);
}

static base_status negate_interval(types_interval *interval, base_error *error)
{
    if (__builtin_sub_overflow(0, interval->months, &interval->months) ||
        __builtin_sub_overflow(0, interval->days, &interval->days) ||
        __builtin_sub_overflow(INT64_C(0), interval->microseconds, &interval->microseconds))
        return base_error_set(error, BASE_OUT_OF_RANGE, "interval out of range");
    return BASE_OK;
}

/* The unit in which keys are compared: a date may meet a bound within a day. */
static int64_t unit_of(types_type type, const types_value *offset)
{
    bool within_days = type.kind == TYPES_DATE && offset->type.kind == TYPES_INTERVAL;
    return within_days ? TYPES_MICROSECONDS_PER_DAY : 1;
}

/* The key plus an interval, in microseconds. */
static base_status add_interval(types_type type, const types_cell *key, types_interval interval,
                                range_bound *bound, base_error *error)
{
    int64_t result;
    bound->is_float = false;
    if (type.kind == TYPES_DATE) {
        int64_t midnight = (int64_t)key->int32 * TYPES_MICROSECONDS_PER_DAY;
        RETURN_IF_ERROR(types_timestamp_add(midnight, interval, &result, error));
        bound->integer = result;
    } else if (type.kind == TYPES_TIMESTAMP) {
        RETURN_IF_ERROR(types_timestamp_add(key->int64, interval, &result, error));
        bound->integer = result;
    } else {
        bound->integer = (int128_t)key->int64 + interval.microseconds;
    }
    return BASE_OK;
}

static base_status key_bound(types_type type, const types_cell *key, const types_value *offset,
                             bool add, range_bound *bound, base_error *error)
{
    if (offset->is_null)
        return base_error_set(error, BASE_INVALID_PARAMETER, "a frame's offset must not be NULL");
    if (offset->type.kind == TYPES_INTERVAL) {
        types_interval interval = offset->cell.interval;
        if (!add)
            RETURN_IF_ERROR(negate_interval(&interval, error));
        return add_interval(type, key, interval, bound, error);
    }
    range_bound by;
    if (!cell_number(types_form_of(type), key, bound) ||
        !cell_number(types_form_of(offset->type), &offset->cell, &by) ||
        bound->is_float != by.is_float || offset->type.scale != type.scale)
        return base_error_set(error, BASE_NOT_SUPPORTED,
                              "RANGE with an offset is not defined for this type of key");
    if (bound->is_float ? by.number < 0 : by.integer < 0)
        return base_error_set(error, BASE_INVALID_PARAMETER,
                              "a frame's offset must not be negative");
    if (bound->is_float)
        bound->number += add ? by.number : -by.number;
    else
        bound->integer += add ? by.integer : -by.integer;
    return BASE_OK;
}

/* First row (of those with a key) whose key, in units, is not before the bound, or, with `after`,
 * is behind it. */
static uint64_t search_key(const window_lane *window, const window_partition *partition,
                           uint64_t low, uint64_t high, int64_t unit, const range_bound *bound,
                           bool after)
{
    const exec_sort_key *key = &window->part->sorter.keys[window->part->partition_count];
    types_form form = (types_form)window->part->layout.forms[key->column];
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        types_cell cell;
        bool is_null;
        range_bound value;
        exec_row_cell(&window->part->layout, partition->rows[middle], key->column, &cell, &is_null);
        cell_number(form, &cell, &value);
        if (!value.is_float)
            value.integer *= unit;
        int order = compare_bounds(&value, bound);
        if (key->descending)
            order = -order;
        if (after ? order <= 0 : order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Rows whose order key is NULL stand at one end; the others are [*first, *end). */
static void keyed_rows(const window_lane *window, const window_partition *partition,
                       uint64_t *first, uint64_t *end)
{
    const exec_sort_key *key = &window->part->sorter.keys[window->part->partition_count];
    const exec_layout *layout = &window->part->layout;
    *first = 0;
    *end = partition->count;
    if (exec_row_is_null(layout, partition->rows[0], key->column))
        *first = window_peer_end(window, 0);
    else if (exec_row_is_null(layout, partition->rows[*end - 1], key->column))
        *end = window_peer_start(window, *end - 1);
}

static base_status range_place(const window_lane *window, const window_partition *partition,
                               uint64_t row, const types_value *offset, bool following, bool is_end,
                               uint64_t *place, base_error *error)
{
    const exec_sort_key *key = &window->part->sorter.keys[window->part->partition_count];
    if (window->part->order_count != 1)
        return base_error_set(error, BASE_WINDOWING,
                              "RANGE with an offset needs exactly one ORDER BY key");
    types_cell cell;
    bool is_null;
    exec_row_cell(&window->part->layout, partition->rows[row], key->column, &cell, &is_null);
    if (is_null) {
        *place = is_end ? window_peer_end(window, row) : window_peer_start(window, row);
        return BASE_OK;
    }
    range_bound bound;
    RETURN_IF_ERROR(key_bound(window->part->layout.types[key->column], &cell, offset,
                              following != key->descending, &bound, error));
    uint64_t first, end;
    keyed_rows(window, partition, &first, &end);
    types_type type = window->part->layout.types[key->column];
    *place = search_key(window, partition, first, end, unit_of(type, offset), &bound, is_end);
    return BASE_OK;
}

/* ---- Bounds ------------------------------------------------------------------------------ */

/* Place of a bound that has an offset: the frame's first row, or one behind its last. */
static base_status offset_place(const window_lane *window, const window_function *function,
                                const window_partition *partition, uint64_t row, bool is_end,
                                bool following, uint64_t *place, base_error *error)
{
    const types_value *offset = is_end ? &function->end_value : &function->start_value;
    uint64_t by = 0;
    if (function->plan->mode == PLAN_FRAME_RANGE)
        return range_place(window, partition, row, offset, following, is_end, place, error);
    RETURN_IF_ERROR(offset_count(offset, &by, error));
    if (function->plan->mode == PLAN_FRAME_ROWS) {
        uint64_t from = row + is_end;
        *place = following ? forward_by(from, by, partition->count) : back_by(from, by);
        return BASE_OK;
    }
    uint64_t group = window->peer_groups[row] + is_end;
    group = following ? forward_by(group, by, window->group_count) : back_by(group, by);
    *place = window->group_starts[group];
    return BASE_OK;
}

base_status window_frame_of(const window_lane *window, const window_function *function,
                            const window_partition *partition, uint64_t row, window_frame *frame,
                            base_error *error)
{
    const plan_window *plan = function->plan;
    bool by_row = plan->mode == PLAN_FRAME_ROWS;
    switch (plan->start) {
    case PLAN_FRAME_UNBOUNDED_PRECEDING:
        frame->start = 0;
        break;
    case PLAN_FRAME_CURRENT_ROW:
        frame->start = by_row ? row : window_peer_start(window, row);
        break;
    case PLAN_FRAME_UNBOUNDED_FOLLOWING:
        frame->start = partition->count;
        break;
    default:
        RETURN_IF_ERROR(offset_place(window, function, partition, row, false,
                                     plan->start == PLAN_FRAME_FOLLOWING, &frame->start, error));
        break;
    }
    switch (plan->end) {
    case PLAN_FRAME_UNBOUNDED_PRECEDING:
        frame->end = 0;
        break;
    case PLAN_FRAME_CURRENT_ROW:
        frame->end = by_row ? row + 1 : window_peer_end(window, row);
        break;
    case PLAN_FRAME_UNBOUNDED_FOLLOWING:
        frame->end = partition->count;
        break;
    default:
        RETURN_IF_ERROR(offset_place(window, function, partition, row, true,
                                     plan->end == PLAN_FRAME_FOLLOWING, &frame->end, error));
        break;
    }
    return BASE_OK;
}
