/*
 * capi_result.c - running statements and reading rows.
 *
 * A result walks over the session's batches: moving to the next row is an increment, and a
 * value is read where it lies. Only texts are copied, because the caller wants a NUL behind
 * them; the copies live in an arena that keeps its block from row to row, so reading a prepared
 * statement again and again allocates nothing.
 */
#include "capi/capi_int.h"

/* Makes the result ready for the rows of a run that has just begun. */
static void begin_result(tuff_result *result)
{
    result->chunk = NULL;
    result->has_row = false;
    result->done = false;
    if (result->texts_used)
        base_arena_reset(&result->texts);
    result->texts_used = false;
    if (result->type_names)
        base_arena_reset(&result->names);
    result->type_names = NULL;
}

void capi_result_end(tuff_result *result)
{
    result->chunk = NULL;
    result->has_row = false;
    result->done = true;
}

tuff_status tuff_execute(tuff_stmt *stmt, tuff_result **result)
{
    *result = NULL;
    capi_result_end(&stmt->result);
    base_status status = session_execute(stmt->session);
    if (BASE_UNLIKELY(status != BASE_OK))
        return capi_failed(stmt->conn, status, session_statement_sql(stmt->session));
    begin_result(&stmt->result);
    *result = &stmt->result;
    return TUFF_OK;
}

void tuff_reset(tuff_stmt *stmt)
{
    capi_result_end(&stmt->result);
    session_reset(stmt->session);
}

void tuff_result_close(tuff_result *result)
{
    if (!result)
        return;
    if (result->owns_stmt)
        tuff_finalize(result->stmt);
    else
        tuff_reset(result->stmt);
}

tuff_status capi_result_batch(tuff_result *result)
{
    result->has_row = false;
    result->chunk = NULL;
    if (result->done)
        return TUFF_DONE;
    vector_chunk *chunk;
    base_status status = session_next(result->stmt->session, &chunk);
    if (BASE_LIKELY(status == BASE_ROW)) {
        BASE_ASSERT(chunk->count > 0);
        result->chunk = chunk;
        result->row = 0;
        return TUFF_ROW;
    }
    result->done = true;
    if (status == BASE_DONE)
        return TUFF_DONE;
    return capi_failed(result->stmt->conn, status, session_statement_sql(result->stmt->session));
}

tuff_status tuff_next(tuff_result *result)
{
    if (result->texts_used) {
        base_arena_reset(&result->texts);
        result->texts_used = false;
    }
    if (result->chunk && result->has_row && result->row + 1 < result->chunk->count) {
        result->row++;
    } else if (!result->chunk || result->has_row) {
        tuff_status status = capi_result_batch(result);
        if (status != TUFF_ROW)
            return status;
    }
    result->has_row = true;
    return TUFF_ROW;
}

int64_t tuff_rows_affected(const tuff_result *result)
{
    return session_rows_affected(result->stmt->session);
}

/* Physical position of the current row; not kept, because another statement on the connection
 * may have moved the batch into memory of its own (session_next). */
static uint32_t current_position(const tuff_result *result)
{
    return vector_row(result->chunk->selection, result->row);
}

/* ---- Columns ------------------------------------------------------------------------------ */

uint32_t tuff_column_count(const tuff_result *result)
{
    return session_column_count(result->stmt->session);
}

const char *tuff_column_name(const tuff_result *result, uint32_t column)
{
    if (column >= tuff_column_count(result))
        return NULL;
    return session_column_name(result->stmt->session, column);
}

static types_type column_type(const tuff_result *result, uint32_t column)
{
    if (column >= tuff_column_count(result))
        return TYPES_OF(NULL);
    types_type type = session_column_type(result->stmt->session, column);
    return type.kind == TYPES_UNKNOWN ? TYPES_OF(TEXT) : type;
}

tuff_type tuff_column_type(const tuff_result *result, uint32_t column)
{
    return (tuff_type)column_type(result, column).kind;
}

const char *tuff_column_type_name(const tuff_result *result, uint32_t column)
{
    char name[TYPES_NAME_SIZE];
    tuff_result *cache = (tuff_result *)result; /* only what is derived changes */
    uint32_t count = tuff_column_count(result);
    if (column >= count)
        return NULL;
    if (!cache->type_names)
        cache->type_names = base_arena_allocate_array(&cache->names, count, sizeof(char *));
    if (!cache->type_names)
        return "";
    if (!cache->type_names[column]) {
        (void)types_name(column_type(result, column), name);
        cache->type_names[column] = base_arena_copy_text(&cache->names, name, strlen(name));
    }
    return cache->type_names[column] ? cache->type_names[column] : "";
}

uint32_t tuff_column_precision(const tuff_result *result, uint32_t column)
{
    return column_type(result, column).precision;
}

uint32_t tuff_column_scale(const tuff_result *result, uint32_t column)
{
    return column_type(result, column).scale;
}

/* ---- Values ------------------------------------------------------------------------------- */

types_value capi_value(const tuff_result *result, uint32_t column)
{
    if (!result->has_row || column >= result->chunk->column_count)
        return types_null_of(TYPES_OF(NULL));
    return vector_get(&result->chunk->columns[column], current_position(result));
}

bool tuff_is_null(const tuff_result *result, uint32_t column)
{
    if (!result->has_row || column >= result->chunk->column_count)
        return true;
    return !vector_is_valid(&result->chunk->columns[column], current_position(result));
}

static int64_t clamp_double(double value)
{
    if (isnan(value))
        return 0;
    if (value >= 9223372036854775808.0)
        return INT64_MAX;
    if (value < -9223372036854775808.0)
        return INT64_MIN;
    return (int64_t)value;
}

static int64_t clamp_decimal(int128_t value, uint32_t scale)
{
    value /= types_power_of_ten(scale); /* towards zero */
    return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

static int128_t decimal_of(const types_value *value)
{
    return types_form_of(value->type) == TYPES_FORM_INT64 ? value->cell.int64 : value->cell.int128;
}

/* A text as a number: 0 where it is none. */
static double text_to_double(const types_value *value)
{
    types_value parsed;
    base_text text = {types_string_data(&value->cell.string), value->cell.string.length};
    if (types_parse(text, TYPES_OF(FLOAT), NULL, &parsed, NULL) != BASE_OK)
        return 0;
    return parsed.cell.float64;
}

int64_t capi_to_int64(const types_value *value)
{
    if (value->is_null)
        return 0;
    switch ((types_kind)value->type.kind) {
    case TYPES_BOOLEAN:
        return value->cell.boolean;
    case TYPES_TINYINT:
        return value->cell.int8;
    case TYPES_SMALLINT:
        return value->cell.int16;
    case TYPES_INT4:
    case TYPES_DATE:
        return value->cell.int32;
    case TYPES_INTEGER:
    case TYPES_TIME:
    case TYPES_TIMESTAMP:
        return value->cell.int64;
    case TYPES_UBIGINT:
        return value->cell.uint64 > INT64_MAX ? INT64_MAX : (int64_t)value->cell.uint64;
    case TYPES_FLOAT4:
        return clamp_double(value->cell.float32);
    case TYPES_FLOAT:
        return clamp_double(value->cell.float64);
    case TYPES_DECIMAL:
        return clamp_decimal(decimal_of(value), value->type.scale);
    case TYPES_TEXT:
    case TYPES_UNKNOWN: {
        types_value parsed;
        base_text text = {types_string_data(&value->cell.string), value->cell.string.length};
        if (types_parse(text, TYPES_OF(INTEGER), NULL, &parsed, NULL) == BASE_OK)
            return parsed.cell.int64;
        return clamp_double(text_to_double(value));
    }
    default:
        return 0;
    }
}

double capi_to_double(const types_value *value)
{
    if (value->is_null)
        return 0;
    switch ((types_kind)value->type.kind) {
    case TYPES_UBIGINT:
        return (double)value->cell.uint64;
    case TYPES_FLOAT4:
        return value->cell.float32;
    case TYPES_FLOAT:
        return value->cell.float64;
    case TYPES_DECIMAL:
        return types_decimal_to_double(decimal_of(value), value->type.scale);
    case TYPES_TEXT:
    case TYPES_UNKNOWN:
        return text_to_double(value);
    default:
        return (double)capi_to_int64(value);
    }
}

bool tuff_get_bool(const tuff_result *result, uint32_t column)
{
    types_value value = capi_value(result, column);
    return capi_to_double(&value) != 0;
}

int64_t tuff_get_int64(const tuff_result *result, uint32_t column)
{
    types_value value = capi_value(result, column);
    return capi_to_int64(&value);
}

double tuff_get_double(const tuff_result *result, uint32_t column)
{
    types_value value = capi_value(result, column);
    return capi_to_double(&value);
}

static const char *formatted(tuff_result *result, const types_value *value, size_t *length)
{
    base_buffer buffer;
    base_buffer_init(&buffer, session_budget(result->stmt->conn->session));
    types_format(value, &buffer);
    const char *copy = NULL;
    if (!buffer.failed) {
        copy = base_arena_copy_text(&result->texts, buffer.data, buffer.length);
        if (length && copy)
            *length = buffer.length;
    }
    base_buffer_destroy(&buffer);
    return copy;
}

const char *tuff_get_text(tuff_result *result, uint32_t column, size_t *length)
{
    types_value value = capi_value(result, column);
    if (length)
        *length = 0;
    if (value.is_null)
        return NULL;
    result->texts_used = true;
    if (value.type.kind != TYPES_TEXT && value.type.kind != TYPES_UNKNOWN)
        return formatted(result, &value, length);
    const char *copy = base_arena_copy_text(&result->texts, types_string_data(&value.cell.string),
                                            value.cell.string.length);
    if (copy && length)
        *length = value.cell.string.length;
    return copy;
}

const void *tuff_get_blob(const tuff_result *result, uint32_t column, size_t *length)
{
    if (length)
        *length = 0;
    if (tuff_is_null(result, column))
        return NULL;
    const vector *source = &result->chunk->columns[column];
    if (source->form != TYPES_FORM_STRING)
        return NULL;
    /* The bytes of a short string lie in its view: point into the vector, not to a copy. */
    uint32_t place = source->shape == VECTOR_CONSTANT ? 0 : current_position(result);
    const types_string *strings = source->data;
    if (source->shape == VECTOR_DICTIONARY) {
        const uint16_t *codes = source->data;
        strings = source->dictionary->data;
        place = codes[place];
    }
    if (length)
        *length = strings[place].length;
    return types_string_data(&strings[place]);
}

tuff_interval tuff_get_interval(const tuff_result *result, uint32_t column)
{
    types_value value = capi_value(result, column);
    if (value.is_null || value.type.kind != TYPES_INTERVAL)
        return (tuff_interval){0};
    return (tuff_interval){value.cell.interval.months, value.cell.interval.days,
                           value.cell.interval.microseconds};
}
