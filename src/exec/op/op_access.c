/*
 * op_access.c - predicates, filters and key ranges that are evaluated once per run.
 *
 * Predicates given to the storage layer are hints: rows that fail them may be left out. So a
 * predicate that cannot be expressed there (a NULL among IN's values) is just dropped or, where no
 * row can pass (a comparison with NULL), empties the scan.
 *
 * Key ranges are built in the byte order of the index. A range that is open on one side must not
 * reach into the NULLs, which stand beside the values: their marker byte bounds it.
 */
#include "exec/op/op_access.h"
#include "exec/rows/exec_join_filter.h"

types_type *op_access_types(exec_execution *execution, const plan_access *access)
{
    const table_descriptor *descriptor = table_describe(access->table->relation);
    types_type *types = exec_new(execution, (access->column_count + 1) * sizeof *types);
    for (uint32_t i = 0; types && i < access->column_count; i++)
        types[i] = access->columns[i] == TABLE_ROWID ? TYPES_OF(INTEGER)
                                                     : descriptor->columns[access->columns[i]].type;
    return types;
}

base_status op_access_init(op_access *access, exec_execution *execution, const plan_access *plan,
                           base_error *error)
{
    access->execution = execution;
    access->access = plan;
    uint32_t count = plan->predicate_count;
    access->value_programs = exec_new(execution, (count + 1) * sizeof(*access->value_programs));
    access->values = exec_new(execution, (count + 1) * sizeof(*access->values));
    uint32_t most = count + 2 * plan->join_filter_count;
    access->predicates = exec_new(execution, (most + 1) * sizeof(*access->predicates));
    access->filter_bounds =
        exec_new(execution, (2 * plan->join_filter_count + 1) * sizeof(types_cell));
    if (!access->value_programs || !access->values || !access->predicates || !access->filter_bounds)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < count; i++) {
        const plan_predicate *predicate = &plan->predicates[i];
        RETURN_IF_ERROR(exec_compile_all(execution, predicate->values, predicate->value_count,
                                         &access->value_programs[i], error));
        access->values[i] = exec_new(execution, (predicate->value_count + 1) * sizeof(types_cell));
        if (!access->values[i])
            return base_error_no_memory(error);
    }
    return BASE_OK;
}

/* Insertion sort without duplicates; lists are short, and sorted already when they come from
 * a plan that was made with constants. */
static uint32_t insert_sorted(types_form form, types_cell *cells, uint32_t count,
                              const types_cell *cell)
{
    uint32_t place = count;
    while (place > 0) {
        int order = types_cell_compare(form, &cells[place - 1], cell);
        if (order == 0)
            return count;
        if (order < 0)
            break;
        place--;
    }
    memmove(&cells[place + 1], &cells[place], (count - place) * sizeof *cells);
    cells[place] = *cell;
    return count + 1;
}

static void narrow_rowids(op_access *access, const table_predicate *predicate)
{
    if (!predicate->value_count)
        return;
    int64_t low = predicate->values[0].int64;
    int64_t high = predicate->values[predicate->value_count - 1].int64;
    bool bounds_low = false, bounds_high = false;
    switch (predicate->test) {
    case TABLE_EQUAL:
    case TABLE_IN:
        bounds_low = bounds_high = true;
        break;
    case TABLE_GREATER:
        access->nothing |= low == INT64_MAX;
        low += low != INT64_MAX;
        bounds_low = true;
        break;
    case TABLE_GREATER_EQUAL:
        bounds_low = true;
        break;
    case TABLE_LESS:
        access->nothing |= high == INT64_MIN;
        high -= high != INT64_MIN;
        bounds_high = true;
        break;
    case TABLE_LESS_EQUAL:
        bounds_high = true;
        break;
    default:
        break;
    }
    if (bounds_low)
        access->first_rowid = BASE_MAX(access->first_rowid, low);
    if (bounds_high)
        access->last_rowid = BASE_MIN(access->last_rowid, high);
}

static base_status open_predicate(op_access *access, uint32_t index, base_error *error)
{
    const plan_predicate *plan = &access->access->predicates[index];
    types_cell *cells = access->values[index];
    bool tests_value = plan->test != TABLE_IS_NULL && plan->test != TABLE_IS_NOT_NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->value_count; i++) {
        types_value value;
        RETURN_IF_ERROR(expr_value(access->value_programs[index][i], &value, error));
        if (!value.is_null)
            count = insert_sorted(types_form_of(value.type), cells, count, &value.cell);
    }
    if (tests_value && count == 0) {
        access->nothing = true;
        return BASE_OK;
    }
    table_predicate *predicate = &access->predicates[access->predicate_count++];
    *predicate = (table_predicate){plan->column, plan->test, count, cells};
    const table_descriptor *descriptor = table_describe(access->access->table->relation);
    if (tests_value &&
        (plan->column == TABLE_ROWID || (int64_t)plan->column == descriptor->rowid_column))
        narrow_rowids(access, predicate);
    return BASE_OK;
}

/* The smallest and largest key of a build side rule out parts of the table. */
static void add_filter_range(op_access *access, uint32_t index)
{
    const plan_join_filter *plan = &access->access->join_filters[index];
    const exec_join_filter *filter = &access->execution->join_filters[plan->id];
    if (!atomic_load_explicit(&filter->ready, memory_order_acquire))
        return;
    if (filter->empty)
        access->nothing = true;
    if (filter->empty || !filter->has_range)
        return;
    types_cell *bounds = access->filter_bounds + 2 * (size_t)index;
    for (uint32_t i = 0; i < 2; i++) {
        int64_t value = i ? filter->maximum : filter->minimum;
        memset(&bounds[i], 0, sizeof bounds[i]);
        switch ((types_form)filter->form) {
        case TYPES_FORM_INT8:
            bounds[i].int8 = (int8_t)value;
            break;
        case TYPES_FORM_INT16:
            bounds[i].int16 = (int16_t)value;
            break;
        case TYPES_FORM_INT32:
            bounds[i].int32 = (int32_t)value;
            break;
        default:
            bounds[i].int64 = value;
            break;
        }
        access->predicates[access->predicate_count++] =
            (table_predicate){access->access->columns[plan->slot],
                              i ? TABLE_LESS_EQUAL : TABLE_GREATER_EQUAL, 1, &bounds[i]};
    }
}

base_status op_access_open(op_access *access, base_error *error)
{
    access->predicate_count = 0;
    access->nothing = false;
    access->first_rowid = INT64_MIN;
    access->last_rowid = INT64_MAX;
    for (uint32_t i = 0; i < access->access->predicate_count; i++)
        RETURN_IF_ERROR(open_predicate(access, i, error));
    for (uint32_t i = 0; i < access->access->join_filter_count; i++)
        add_filter_range(access, i);
    if (access->first_rowid > access->last_rowid)
        access->nothing = true;
    return BASE_OK;
}

/* ---- Filters ----------------------------------------------------------------------------- */

base_status op_filter_init(op_filter *filter, exec_execution *execution, const plan_expr *condition,
                           base_error *error)
{
    if (!condition)
        return BASE_OK;
    filter->selection = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    if (!filter->selection)
        return base_error_no_memory(error);
    return exec_compile(execution, condition, &filter->program, error);
}

base_status op_filter_add_joins(op_filter *filter, exec_execution *execution,
                                const plan_access *access, base_error *error)
{
    uint32_t count = access->join_filter_count;
    if (!count)
        return BASE_OK;
    filter->access = access;
    filter->join_filters = execution->join_filters;
    filter->seen = exec_new(execution, count * sizeof(uint64_t));
    filter->passed = exec_new(execution, count * sizeof(uint64_t));
    if (!filter->selection)
        filter->selection = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    return filter->seen && filter->passed && filter->selection ? BASE_OK
                                                               : base_error_no_memory(error);
}

void op_filter_clear(op_filter *filter)
{
    for (uint32_t i = 0; filter->access && i < filter->access->join_filter_count; i++)
        filter->seen[i] = filter->passed[i] = 0;
}

/* A filter that lets more than nine in ten rows pass costs more than it saves. */
static bool is_worth_it(const op_filter *filter, uint32_t index)
{
    return filter->seen[index] < 8 * VECTOR_SIZE ||
           filter->passed[index] < filter->seen[index] / 10 * 9;
}

static void apply_join_filters(op_filter *filter, vector_chunk *chunk)
{
    for (uint32_t i = 0; i < filter->access->join_filter_count && chunk->count; i++) {
        const plan_join_filter *plan = &filter->access->join_filters[i];
        const exec_join_filter *join = &filter->join_filters[plan->id];
        const vector *column = &chunk->columns[plan->slot];
        if (!atomic_load_explicit(&join->ready, memory_order_acquire) ||
            join->form != column->form || !is_worth_it(filter, i))
            continue;
        uint32_t count = exec_join_filter_select(join, column, chunk->selection, chunk->count,
                                                 filter->selection);
        filter->seen[i] += chunk->count;
        filter->passed[i] += count;
        if (count != chunk->count) {
            chunk->selection = filter->selection;
            chunk->count = count;
        }
    }
}

base_status op_filter_apply(op_filter *filter, vector_chunk *chunk, base_error *error)
{
    if (filter->program && chunk->count) {
        uint32_t count;
        RETURN_IF_ERROR(expr_select(filter->program, chunk, filter->selection, &count, error));
        if (count != chunk->count) { /* else the old selection says the same */
            chunk->selection = filter->selection;
            chunk->count = count;
        }
    }
    if (filter->access)
        apply_join_filters(filter, chunk);
    return BASE_OK;
}

/* ---- Key ranges -------------------------------------------------------------------------- */

base_status op_key_range_init(op_key_range *range, exec_execution *execution,
                              const plan_key_range *plan, base_error *error)
{
    base_buffer_init(&range->low_key, &execution->budget);
    base_buffer_init(&range->high_key, &execution->budget);
    RETURN_IF_ERROR(
        exec_compile_all(execution, plan->equal, plan->equal_count, &range->equal, error));
    if (plan->low)
        RETURN_IF_ERROR(exec_compile(execution, plan->low, &range->low, error));
    if (plan->high)
        RETURN_IF_ERROR(exec_compile(execution, plan->high, &range->high, error));
    return BASE_OK;
}

static vector_key_part key_part(const table_relation *relation, const table_index *index,
                                uint32_t place)
{
    const table_index_part *part = &table_index_describe(index)->parts[place];
    return (vector_key_part){table_describe(relation)->columns[part->column].type, part->descending,
                             part->nulls_first};
}

/* Appends the value to the key; a NULL empties the range. */
static base_status append_value(op_key_range *range, expr_program *program,
                                const vector_key_part *part, base_buffer *key, base_error *error)
{
    types_value value;
    RETURN_IF_ERROR(expr_value(program, &value, error));
    if (value.is_null)
        range->nothing = true;
    else
        vector_key_append(part, &value.cell, false, key);
    return BASE_OK;
}

base_status op_key_range_open(op_key_range *range, const plan_key_range *plan,
                              const table_relation *relation, const table_index *index,
                              base_error *error)
{
    range->nothing = false;
    base_buffer_clear(&range->low_key);
    base_buffer_clear(&range->high_key);
    for (uint32_t i = 0; i < plan->equal_count; i++) {
        vector_key_part part = key_part(relation, index, i);
        RETURN_IF_ERROR(append_value(range, range->equal[i], &part, &range->low_key, error));
    }
    base_buffer_append(&range->high_key, range->low_key.data, range->low_key.length);
    bool low_inclusive = true, high_inclusive = true;
    if (plan->low || plan->high) {
        vector_key_part part = key_part(relation, index, plan->equal_count);
        /* In a descending part the larger value has the smaller key. */
        expr_program *low = part.descending ? range->high : range->low;
        expr_program *high = part.descending ? range->low : range->high;
        if (low) {
            RETURN_IF_ERROR(append_value(range, low, &part, &range->low_key, error));
            low_inclusive = part.descending ? plan->high_inclusive : plan->low_inclusive;
        } else {
            base_buffer_append_byte(&range->low_key, 0x01); /* not the NULLs */
        }
        if (high) {
            RETURN_IF_ERROR(append_value(range, high, &part, &range->high_key, error));
            high_inclusive = part.descending ? plan->low_inclusive : plan->high_inclusive;
        } else {
            base_buffer_append_byte(&range->high_key, 0x01);
        }
    }
    if (range->low_key.failed || range->high_key.failed)
        return base_error_no_memory(error);
    bool bounded = range->low_key.length > 0;
    bool bounded_above = range->high_key.length > 0;
    range->range = (table_key_range){
        .low = {bounded ? range->low_key.data : NULL, range->low_key.length},
        .high = {bounded_above ? range->high_key.data : NULL, range->high_key.length},
        .low_inclusive = low_inclusive,
        .high_inclusive = high_inclusive};
    return BASE_OK;
}
