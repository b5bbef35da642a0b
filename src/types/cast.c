/*
 * cast.c - conversion of one value to another type.
 *
 * Every numeric conversion goes through the exact form of its source (int128 with a scale,
 * or a double), so there is one range check per target instead of one per pair. Rounding is
 * PostgreSQL's: decimals half away from zero, floats to integers half to even.
 * TEXT is reached by types_format, left by types_parse: printing and casting cannot differ.
 */
#include "types/types_int.h"

static base_status out_of_range(const types_value *value, types_type to, base_error *error)
{
    char name[TYPES_NAME_SIZE], text[TYPES_INTERVAL_TEXT_SIZE];
    base_buffer shown = {.data = text, .capacity = sizeof text};
    types_format(value, &shown); /* numbers only: they fit without growing */
    return base_error_set(error, BASE_OUT_OF_RANGE, "value %.*s is out of range for type %s",
                          (int)shown.length, text, types_name(to, name));
}

static bool is_float(types_type type)
{
    return type.kind == TYPES_FLOAT || type.kind == TYPES_FLOAT4;
}

/* The exact number of a BOOLEAN, integer or DECIMAL, and its scale. */
static int128_t exact_of(const types_value *value, uint32_t *scale)
{
    *scale = 0;
    switch ((types_kind)value->type.kind) {
    case TYPES_BOOLEAN:
        return value->cell.boolean != 0;
    case TYPES_UBIGINT:
        return value->cell.uint64;
    case TYPES_DECIMAL:
        *scale = value->type.scale;
        return types_decimal_of(value->type, &value->cell);
    default:
        return types_integer_of(value->type, &value->cell);
    }
}

static bool store_float(double number, types_type to, types_cell *cell)
{
    if (to.kind == TYPES_FLOAT) {
        cell->float64 = number;
        return true;
    }
    if (isfinite(number) && fabs(number) >= 0x1.ffffffp127) /* rounds beyond FLT_MAX */
        return false;
    cell->float32 = (float)number;
    return true;
}

static base_status from_exact(const types_value *value, types_type to, types_value *result,
                              base_error *error)
{
    uint32_t scale;
    int128_t number = exact_of(value, &scale);
    bool fits;
    if (to.kind == TYPES_BOOLEAN) {
        result->cell.boolean = number != 0;
        return BASE_OK;
    }
    if (is_float(to))
        fits = store_float(types_decimal_to_double(number, scale), to, &result->cell);
    else if (to.kind == TYPES_DECIMAL)
        fits = types_decimal_rescale(number, scale, to.scale, &number) &&
               types_store_decimal(number, to, &result->cell);
    else
        fits = types_decimal_rescale(number, scale, 0, &number) &&
               types_store_integer(number, to, &result->cell);
    return fits ? BASE_OK : out_of_range(value, to, error);
}

static base_status from_float(const types_value *value, types_type to, types_value *result,
                              base_error *error)
{
    double number =
        value->type.kind == TYPES_FLOAT ? value->cell.float64 : (double)value->cell.float32;
    bool fits;
    if (to.kind == TYPES_BOOLEAN) {
        result->cell.boolean = number != 0;
        return BASE_OK;
    }
    if (is_float(to)) {
        fits = store_float(number, to, &result->cell);
    } else if (to.kind == TYPES_DECIMAL) {
        int128_t exact;
        fits = types_decimal_from_double(number, to, &exact) &&
               types_store_decimal(exact, to, &result->cell);
    } else {
        double whole = rint(number); /* half to even in the default rounding mode */
        fits = whole >= -0x1p64 && whole <= 0x1p64 && /* false for NaN */
               types_store_integer((int128_t)whole, to, &result->cell);
    }
    return fits ? BASE_OK : out_of_range(value, to, error);
}

static int64_t time_of_day(int64_t microseconds)
{
    int64_t time = microseconds % TYPES_MICROSECONDS_PER_DAY;
    return time < 0 ? time + TYPES_MICROSECONDS_PER_DAY : time;
}

static base_status from_time(const types_value *value, types_type to, types_value *result,
                             base_error *error)
{
    const types_cell *cell = &value->cell;
    switch ((types_kind)value->type.kind) {
    case TYPES_DATE:
        /* Unsigned: a date out of range (a damaged file) must not overflow. */
        result->cell.int64 =
            (int64_t)((uint64_t)cell->int32 * (uint64_t)TYPES_MICROSECONDS_PER_DAY);
        return BASE_OK;
    case TYPES_TIMESTAMP:
        if (to.kind == TYPES_DATE)
            result->cell.int32 = types_timestamp_day(cell->int64);
        else
            result->cell.int64 = time_of_day(cell->int64);
        return BASE_OK;
    case TYPES_TIME:
        result->cell.interval = (types_interval){.microseconds = cell->int64};
        return BASE_OK;
    default: /* INTERVAL to TIME */
        result->cell.int64 = time_of_day(cell->interval.microseconds);
        return BASE_OK;
    }
}

static base_status to_text(const types_value *value, base_arena *arena, types_value *result,
                           base_error *error)
{
    if (value->type.kind == TYPES_BLOB) {
        /* Two digits a byte and the \x: straight into the arena. */
        if (value->cell.string.length > (UINT32_MAX - 2) / 2)
            return base_error_set(error, BASE_STRING_TOO_LONG, "text is longer than 4 GiB");
        size_t length = 2 + (size_t)value->cell.string.length * 2;
        char *bytes = base_arena_allocate(arena, length + 1);
        if (!bytes)
            return base_error_no_memory(error);
        base_buffer buffer = {.data = bytes, .capacity = length + 1};
        types_format(value, &buffer);
        result->cell.string = types_string_of(bytes, length);
        return BASE_OK;
    }
    char text[TYPES_INTERVAL_TEXT_SIZE];
    base_buffer buffer = {.data = text, .capacity = sizeof text};
    types_format(value, &buffer);
    BASE_ASSERT(buffer.data == text && !buffer.failed);
    const char *bytes = text;
    if (buffer.length > TYPES_STRING_INLINE) {
        bytes = base_arena_copy_text(arena, text, buffer.length);
        if (!bytes)
            return base_error_no_memory(error);
    }
    result->cell.string = types_string_of(bytes, buffer.length);
    return BASE_OK;
}

base_status types_cast(const types_value *value, types_type to, base_arena *arena,
                       types_value *result, base_error *error)
{
    types_value from = *value; /* `result` may be `value` */
    memset(result, 0, sizeof *result);
    result->type = to;
    if (from.is_null) {
        result->is_null = true;
        return BASE_OK;
    }
    if (types_cast_level_of(from.type, to) == TYPES_CAST_NONE || to.kind == TYPES_NULL) {
        char from_name[TYPES_NAME_SIZE], to_name[TYPES_NAME_SIZE];
        return base_error_set(error, BASE_CANNOT_CAST, "cannot cast type %s to %s",
                              types_name(from.type, from_name), types_name(to, to_name));
    }
    if (types_equal(from.type, to)) {
        result->cell = from.cell;
        return BASE_OK;
    }
    if (from.type.kind == TYPES_TEXT || from.type.kind == TYPES_UNKNOWN) {
        base_text text = {types_string_data(&from.cell.string), from.cell.string.length};
        if (to.kind == TYPES_TEXT || to.kind == TYPES_UNKNOWN) {
            result->cell = from.cell; /* the view itself: far bytes stay where they are */
            return BASE_OK;
        }
        return types_parse(text, to, arena, result, error);
    }
    if (to.kind == TYPES_TEXT)
        return to_text(&from, arena, result, error);
    if (is_float(from.type))
        return from_float(&from, to, result, error);
    if (types_is_numeric(from.type) || from.type.kind == TYPES_BOOLEAN)
        return from_exact(&from, to, result, error);
    return from_time(&from, to, result, error);
}
