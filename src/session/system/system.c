/*
 * system.c - finding system relations, and scanning those that are collected in memory.
 *
 * A system relation is read like a table or called like a function (pragma_table_info('t')).
 * Rows are collected when the scan opens, from one schema snapshot and within the statement's
 * transaction, so what they say is consistent.
 */
#include "session/system/system_int.h"

static const system_source *const tables[] = {
    session_system_schema_sources,
    session_system_pragma_sources,
    session_system_information_sources,
    session_system_library_sources,
};

const plan_system_source *session_find_system(void *connection, base_text schema, base_text name)
{
    const session_connection *self = connection;
    if (!schema.length && self->copy_source &&
        base_text_equal(name, base_text_of(self->copy_source->name)))
        return self->copy_source;
    bool is_main = !schema.length || base_text_equal_folded(schema, BASE_TEXT("main"));
    for (size_t i = 0; i < BASE_COUNT_OF(tables); i++) {
        for (const system_source *source = tables[i]; source->source.name; source++) {
            bool in_schema = source->schema
                                 ? base_text_equal_folded(schema, base_text_of(source->schema))
                                 : is_main;
            if (in_schema && base_text_equal_folded(name, base_text_of(source->source.name)))
                return &source->source;
        }
    }
    for (const plan_system_source *source = session_system_series_sources; is_main && source->name;
         source++) {
        if (base_text_equal_folded(name, base_text_of(source->name)))
            return source;
    }
    return NULL;
}

/* ---- Values ------------------------------------------------------------------------------- */

types_value *session_system_add_row(system_rows *rows)
{
    if (rows->row_count == rows->row_capacity) {
        uint32_t capacity = rows->row_capacity ? rows->row_capacity * 2 : 16;
        types_value *cells = base_arena_allocate_array(
            rows->arena, (size_t)capacity * rows->column_count, sizeof *cells);
        if (!cells) {
            base_error_no_memory(rows->error);
            return NULL;
        }
        if (rows->row_count)
            memcpy(cells, rows->cells,
                   (size_t)rows->row_count * rows->column_count * sizeof *cells);
        rows->cells = cells;
        rows->row_capacity = capacity;
    }
    types_value *row = rows->cells + (size_t)rows->row_count * rows->column_count;
    for (uint32_t i = 0; i < rows->column_count; i++)
        row[i] = types_null_of(TYPES_OF(NULL));
    rows->row_count++;
    return row;
}

types_value session_system_text(system_rows *rows, base_text text)
{
    if (!text.data)
        return types_null_of(TYPES_OF(TEXT));
    char *copy = base_arena_copy_text(rows->arena, text.data, text.length);
    if (!copy) {
        base_error_no_memory(rows->error);
        return types_null_of(TYPES_OF(TEXT));
    }
    return (types_value){.type = TYPES_OF(TEXT), .cell.string = types_string_of(copy, text.length)};
}

types_value session_system_integer(int64_t value)
{
    return (types_value){.type = TYPES_OF(INTEGER), .cell.int64 = value};
}

types_value session_system_boolean(bool value)
{
    return (types_value){.type = TYPES_OF(BOOLEAN), .cell.boolean = value};
}

types_value session_system_type_name(system_rows *rows, types_type type)
{
    char name[TYPES_NAME_SIZE];
    return session_system_text(rows, base_text_of(types_name(type, name)));
}

int64_t session_system_key_place(const catalog_table *table, uint32_t column)
{
    for (uint32_t i = 0; i < table->constraint_count; i++) {
        const catalog_constraint *constraint = &table->constraints[i];
        if (constraint->kind != CATALOG_PRIMARY_KEY)
            continue;
        for (uint32_t j = 0; j < constraint->column_count; j++) {
            if (constraint->columns[j] == column)
                return j + 1;
        }
    }
    return 0;
}

const catalog_constraint *session_system_key_of(const catalog_index *index)
{
    for (uint32_t i = 0; index->of_constraint && i < index->table->constraint_count; i++) {
        if (index->table->constraints[i].index_id == index->id)
            return &index->table->constraints[i];
    }
    return NULL;
}

bool session_system_argument_text(const types_value *arguments, uint32_t argument_count,
                                  uint32_t index, base_text *text)
{
    if (index >= argument_count || arguments[index].is_null)
        return false;
    *text = (base_text){types_string_data(&arguments[index].cell.string),
                        arguments[index].cell.string.length};
    return true;
}

/* ---- Scans -------------------------------------------------------------------------------- */

base_status session_system_open(const plan_system_source *source, void *environment,
                                txn_transaction *transaction, const types_value *arguments,
                                uint32_t argument_count, base_arena *arena, void **state,
                                base_error *error)
{
    const system_source *self = (const system_source *)source;
    system_rows *rows = base_arena_allocate_zeroed(arena, sizeof *rows);
    base_error local;
    if (!rows)
        return base_error_no_memory(error);
    if (!error) {
        base_error_clear(&local);
        error = &local; /* texts report failure through the error object */
    }
    rows->connection = environment;
    rows->transaction = transaction;
    rows->arena = arena;
    rows->error = error;
    rows->column_count = source->column_count;
    RETURN_IF_ERROR(session_schema(rows->connection, &rows->schema, error));
    base_status status = self->collect(rows, arguments, argument_count);
    catalog_snapshot_release(rows->schema);
    rows->schema = NULL;
    if (status == BASE_OK && error->status == BASE_OUT_OF_MEMORY)
        status = BASE_OUT_OF_MEMORY;
    *state = rows;
    return status;
}

base_status session_system_next(void *state, vector_chunk *chunk, base_error *error)
{
    system_rows *rows = state;
    (void)error;
    uint32_t count = BASE_MIN(rows->row_count - rows->next, (uint32_t)VECTOR_SIZE);
    if (!count)
        return BASE_DONE;
    for (uint32_t i = 0; i < count; i++) {
        const types_value *row = rows->cells + (size_t)(rows->next + i) * rows->column_count;
        for (uint32_t column = 0; column < rows->column_count; column++) {
            if (row[column].is_null)
                vector_set_null(&chunk->columns[column], i);
            else
                vector_put(&chunk->columns[column], i, &row[column]);
        }
    }
    chunk->count = count;
    rows->next += count;
    return BASE_ROW;
}
