/*
 * capi_arrow.c - results in the Arrow C data interface.
 *
 * A batch is copied into memory of its own, because it outlives the result: one arena on the
 * runtime's budget holds all arrays, buffers and texts, until the last of them is released. The
 * budget must outlive the batch: that is the runtime's, not the connection's. Texts are Arrow's
 * large layout (64-bit offsets), so no batch is too large.
 *
 * Types: BOOLEAN b; TINYINT c; SMALLINT s; INT4 i; INTEGER l; UBIGINT L; FLOAT4 f; FLOAT g;
 * DECIMAL d:p,s (128 bits); TEXT U; BLOB Z; DATE tdD; TIME ttu; TIMESTAMP tsu:; INTERVAL tin
 * (months, days, nanoseconds).
 */
#include "capi/capi_int.h"

enum {
    ARROW_NULLABLE = 2
};

/* ---- Memory --------------------------------------------------------------------------------- */

/* What a schema or a batch is made of. A consumer may move single children out and release the
 * parent at once: the memory goes with the last of them that is released, on whatever thread. */
typedef struct arrow_memory {
    base_budget *budget;
    base_arena arena;
    _Atomic(uint32_t) references; /* of the parent and each child */
} arrow_memory;

static arrow_memory *memory_create(tuff_conn *conn)
{
    base_budget *budget = os_runtime_budget(conn->db->runtime->os);
    arrow_memory *memory = base_allocate_zeroed(budget, sizeof *memory);
    if (!memory)
        return NULL;
    memory->budget = budget;
    base_arena_init(&memory->arena, budget);
    return memory;
}

static void memory_destroy(arrow_memory *memory)
{
    base_arena_destroy(&memory->arena);
    base_free(memory->budget, memory, sizeof *memory);
}

static void memory_release(arrow_memory *memory)
{
    if (atomic_fetch_sub_explicit(&memory->references, 1, memory_order_acq_rel) == 1)
        memory_destroy(memory);
}

/* ---- Schema ------------------------------------------------------------------------------- */

static void release_child_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
    memory_release(schema->private_data);
}

static void release_schema(struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i]->release) /* not moved, nor released singly */
            schema->children[i]->release(schema->children[i]);
    }
    schema->release = NULL;
    memory_release(schema->private_data);
}

static const char *format_of(types_type type, base_arena *arena)
{
    static const char *const formats[TYPES_KIND_COUNT] = {
        [TYPES_NULL] = "n",     [TYPES_BOOLEAN] = "b",      [TYPES_TINYINT] = "c",
        [TYPES_SMALLINT] = "s", [TYPES_INT4] = "i",         [TYPES_INTEGER] = "l",
        [TYPES_UBIGINT] = "L",  [TYPES_FLOAT4] = "f",       [TYPES_FLOAT] = "g",
        [TYPES_TEXT] = "U",     [TYPES_BLOB] = "Z",         [TYPES_DATE] = "tdD",
        [TYPES_TIME] = "ttu",   [TYPES_TIMESTAMP] = "tsu:", [TYPES_INTERVAL] = "tin",
        [TYPES_UNKNOWN] = "U",
    };
    if (type.kind == TYPES_DECIMAL)
        return base_arena_format(arena, "d:%u,%u", type.precision, type.scale);
    return formats[type.kind];
}

static bool fill_schema(tuff_result *result, struct ArrowSchema *schema, arrow_memory *memory)
{
    base_arena *arena = &memory->arena;
    session_statement *session = result->stmt->session;
    uint32_t count = session_column_count(session);
    struct ArrowSchema *children =
        base_arena_allocate_array(arena, count ? count : 1, sizeof *children);
    schema->children =
        base_arena_allocate_array(arena, count ? count : 1, sizeof *schema->children);
    if (!children || !schema->children)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const char *name = session_column_name(session, i);
        children[i].format = format_of(session_column_type(session, i), arena);
        children[i].name = base_arena_copy_text(arena, name, strlen(name));
        children[i].flags = ARROW_NULLABLE;
        children[i].release = release_child_schema;
        children[i].private_data = memory;
        if (!children[i].format || !children[i].name)
            return false;
        schema->children[i] = &children[i];
    }
    schema->format = "+s";
    schema->name = "";
    schema->n_children = count;
    schema->release = release_schema;
    schema->private_data = memory;
    atomic_init(&memory->references, count + 1);
    return true;
}

tuff_status tuff_arrow_schema(tuff_result *result, struct ArrowSchema *schema)
{
    tuff_conn *conn = result->stmt->conn;
    memset(schema, 0, sizeof *schema);
    arrow_memory *memory = memory_create(conn);
    if (!memory)
        return capi_refuse(conn, BASE_OUT_OF_MEMORY, "memory is exhausted");
    if (!fill_schema(result, schema, memory)) {
        memory_destroy(memory);
        memset(schema, 0, sizeof *schema);
        return capi_refuse(conn, BASE_OUT_OF_MEMORY, "memory is exhausted");
    }
    return TUFF_OK;
}

/* ---- Batches ------------------------------------------------------------------------------ */

static void release_child_array(struct ArrowArray *array)
{
    array->release = NULL;
    memory_release(array->private_data);
}

static void release_array(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i]->release)
            array->children[i]->release(array->children[i]);
    }
    array->release = NULL;
    memory_release(array->private_data);
}

/* What one column's conversion needs. Row i of the batch is entry first + i of the chunk. */
typedef struct column_source {
    const vector *column;
    const uint16_t *selection;
    uint32_t first, count;
} column_source;

static uint32_t source_position(const column_source *source, uint32_t row)
{
    return vector_row(source->selection, source->first + row);
}

static bool fill_validity(const column_source *source, base_arena *arena, struct ArrowArray *array)
{
    if (!source->column->validity)
        return true;
    uint64_t *bits = base_arena_allocate_array(arena, (source->count + 63) / 64, sizeof *bits);
    if (!bits)
        return false;
    for (uint32_t i = 0; i < source->count; i++) {
        if (vector_is_valid(source->column, source_position(source, i)))
            base_bit_set(bits, i);
        else
            array->null_count++;
    }
    array->buffers[0] = bits;
    return true;
}

static bool fill_strings(const column_source *source, base_arena *arena, struct ArrowArray *array)
{
    int64_t *offsets = base_arena_allocate_array(arena, source->count + 1, sizeof *offsets);
    if (!offsets)
        return false;
    int64_t total = 0;
    for (uint32_t i = 0; i < source->count; i++) {
        types_value value = vector_get(source->column, source_position(source, i));
        total += value.is_null ? 0 : value.cell.string.length;
        offsets[i + 1] = total;
    }
    char *bytes = base_arena_allocate(arena, (size_t)total + 1);
    if (!bytes)
        return false;
    for (uint32_t i = 0; i < source->count; i++) {
        types_value value = vector_get(source->column, source_position(source, i));
        if (!value.is_null && value.cell.string.length)
            memcpy(bytes + offsets[i], types_string_data(&value.cell.string),
                   value.cell.string.length);
    }
    array->buffers[1] = offsets;
    array->buffers[2] = bytes;
    array->n_buffers = 3;
    return true;
}

static bool fill_booleans(const column_source *source, base_arena *arena, struct ArrowArray *array)
{
    uint64_t *bits = base_arena_allocate_array(arena, (source->count + 63) / 64, sizeof *bits);
    if (!bits)
        return false;
    for (uint32_t i = 0; i < source->count; i++) {
        types_value value = vector_get(source->column, source_position(source, i));
        if (!value.is_null && value.cell.boolean)
            base_bit_set(bits, i);
    }
    array->buffers[1] = bits;
    array->n_buffers = 2;
    return true;
}

/* Arrow's decimals are 128 bits wide whatever their precision, its intervals count
 * nanoseconds. Saturates where a number of microseconds has no nanoseconds. */
static void store_wide(const types_value *value, char *to)
{
    if (value->type.kind == TYPES_DECIMAL) {
        int128_t wide =
            types_form_of(value->type) == TYPES_FORM_INT64 ? value->cell.int64 : value->cell.int128;
        memcpy(to, &wide, sizeof wide);
        return;
    }
    int64_t nanoseconds;
    if (__builtin_mul_overflow(value->cell.interval.microseconds, (int64_t)1000, &nanoseconds))
        nanoseconds = value->cell.interval.microseconds < 0 ? INT64_MIN : INT64_MAX;
    memcpy(to, &value->cell.interval.months, 4);
    memcpy(to + 4, &value->cell.interval.days, 4);
    memcpy(to + 8, &nanoseconds, 8);
}

static bool fill_fixed(const column_source *source, base_arena *arena, struct ArrowArray *array)
{
    types_type type = source->column->type;
    bool wide = type.kind == TYPES_DECIMAL || type.kind == TYPES_INTERVAL;
    size_t size = wide ? 16 : types_form_size((types_form)source->column->form);
    char *values = base_arena_allocate_array(arena, source->count, size);
    if (!values)
        return false;
    for (uint32_t i = 0; i < source->count; i++) {
        types_value value = vector_get(source->column, source_position(source, i));
        if (value.is_null)
            continue;
        if (wide)
            store_wide(&value, values + i * size);
        else
            memcpy(values + i * size, &value.cell, size);
    }
    array->buffers[1] = values;
    array->n_buffers = 2;
    return true;
}

static bool fill_column(const column_source *source, base_arena *arena, struct ArrowArray *array)
{
    array->length = source->count;
    array->release = release_child_array;
    array->buffers = base_arena_allocate_array(arena, 3, sizeof *array->buffers);
    if (!array->buffers)
        return false;
    if (source->column->type.kind == TYPES_NULL) { /* Arrow's null type has no buffers */
        array->null_count = source->count;
        return true;
    }
    if (!fill_validity(source, arena, array))
        return false;
    switch ((types_form)source->column->form) {
    case TYPES_FORM_STRING:
        return fill_strings(source, arena, array);
    case TYPES_FORM_BOOL:
        return fill_booleans(source, arena, array);
    default:
        return fill_fixed(source, arena, array);
    }
}

static bool fill_batch(const vector_chunk *chunk, uint32_t first, arrow_memory *memory,
                       struct ArrowArray *array)
{
    base_arena *arena = &memory->arena;
    uint32_t columns = chunk->column_count;
    array->length = chunk->count - first;
    array->n_children = columns;
    array->n_buffers = 1;
    array->buffers = base_arena_allocate_array(arena, 1, sizeof *array->buffers);
    array->children =
        base_arena_allocate_array(arena, columns ? columns : 1, sizeof *array->children);
    struct ArrowArray *children =
        base_arena_allocate_array(arena, columns ? columns : 1, sizeof *children);
    if (!array->buffers || !array->children || !children)
        return false;
    for (uint32_t i = 0; i < columns; i++) {
        column_source source = {&chunk->columns[i], chunk->selection, first, chunk->count - first};
        array->children[i] = &children[i];
        children[i].private_data = memory;
        if (!fill_column(&source, arena, &children[i]))
            return false;
    }
    array->release = release_array;
    array->private_data = memory;
    atomic_init(&memory->references, columns + 1);
    return true;
}

tuff_status tuff_arrow_next(tuff_result *result, struct ArrowArray *array)
{
    tuff_conn *conn = result->stmt->conn;
    memset(array, 0, sizeof *array);
    /* What tuff_next has left of the current batch comes first. */
    uint32_t first = 0;
    if (result->chunk && result->has_row && result->row + 1 < result->chunk->count) {
        first = result->row + 1;
    } else if (!result->chunk || result->has_row) {
        tuff_status status = capi_result_batch(result);
        if (status != TUFF_ROW)
            return status;
    }
    arrow_memory *memory = memory_create(conn);
    if (!memory)
        return capi_refuse(conn, BASE_OUT_OF_MEMORY, "memory is exhausted");
    if (!fill_batch(result->chunk, first, memory, array)) {
        memory_destroy(memory);
        memset(array, 0, sizeof *array);
        return capi_refuse(conn, BASE_OUT_OF_MEMORY, "memory is exhausted");
    }
    result->chunk = NULL;
    result->has_row = false;
    return TUFF_ROW;
}
