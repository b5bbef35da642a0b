/*
 * system_series.c - generate_series(first, last [, step]) and range(first, last [, step]).
 *
 * Computed batch by batch, so a series may be long. generate_series includes its last number
 * (PostgreSQL), range does not (DuckDB); range(n) counts from 0. A NULL argument gives no rows.
 */
#include "session/system/system_int.h"

typedef struct series {
    int64_t next, step;
    uint64_t left; /* numbers still to come */
} series;

static const plan_system_column series_columns[] = {SYSTEM_COLUMN("generate_series", INTEGER)};
static const plan_system_column range_columns[] = {SYSTEM_COLUMN("range", INTEGER)};
static const types_type three_integers[] = {
    {.kind = TYPES_INTEGER}, {.kind = TYPES_INTEGER}, {.kind = TYPES_INTEGER}};

static base_status open_series(const plan_system_source *source, void *environment,
                               txn_transaction *transaction, const types_value *arguments,
                               uint32_t argument_count, base_arena *arena, void **state,
                               base_error *error)
{
    series *self = base_arena_allocate_zeroed(arena, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    *state = self;
    for (uint32_t i = 0; i < argument_count; i++) {
        if (arguments[i].is_null)
            return BASE_OK;
    }
    bool exclusive = source->columns == range_columns;
    bool from_zero = argument_count == 1;
    int64_t first = from_zero ? 0 : arguments[0].cell.int64;
    int64_t last = arguments[from_zero ? 0 : 1].cell.int64;
    self->step = argument_count > 2 ? arguments[2].cell.int64 : 1;
    if (self->step == 0)
        return base_error_set(error, BASE_INVALID_PARAMETER, "the step of a series cannot be 0");
    self->next = first;
    bool empty = self->step > 0 ? first > last : first < last;
    if (empty || (exclusive && first == last))
        return BASE_OK;
    /* Distances in unsigned arithmetic: the whole range of integers may be asked for. */
    uint64_t distance =
        self->step > 0 ? (uint64_t)last - (uint64_t)first : (uint64_t)first - (uint64_t)last;
    uint64_t step = self->step > 0 ? (uint64_t)self->step : 0 - (uint64_t)self->step;
    if (exclusive)
        distance--;
    self->left = distance / step;
    self->left += self->left < UINT64_MAX;
    return BASE_OK;
}

static base_status next_series(void *state, vector_chunk *chunk, base_error *error)
{
    series *self = state;
    (void)error;
    uint32_t count = (uint32_t)BASE_MIN(self->left, (uint64_t)VECTOR_SIZE);
    if (!count)
        return BASE_DONE;
    int64_t *values = chunk->columns[0].data;
    uint64_t value = (uint64_t)self->next;
    for (uint32_t i = 0; i < count; i++) {
        values[i] = (int64_t)value;
        value += (uint64_t)self->step;
    }
    self->next = (int64_t)value;
    self->left -= count;
    chunk->count = count;
    return BASE_ROW;
}

const plan_system_source session_system_series_sources[] = {
    {.name = "generate_series",
     .column_count = 1,
     .columns = series_columns,
     .minimum_arguments = 2,
     .maximum_arguments = 3,
     .argument_types = three_integers,
     .open = open_series,
     .reads_no_table = true,
     .next = next_series,
     .rows = 1000},
    {.name = "range",
     .column_count = 1,
     .columns = range_columns,
     .minimum_arguments = 1,
     .maximum_arguments = 3,
     .argument_types = three_integers,
     .open = open_series,
     .reads_no_table = true,
     .next = next_series,
     .rows = 1000},
    {.name = NULL},
};
