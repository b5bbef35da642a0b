/*
 * table_history_write.c - history volumes.
 *
 * They have the form of other volumes, but a rowid may come several times: the versions are
 * numbered, and the rowid is a column, as is the sequence that ended the version. Sorted by rowid
 * and begin. All columns are kept, dropped ones too: the past had them.
 */
#include "store/table/table_history_int.h"

typedef struct past_writer {
    table_history_writing *writing;
    table_database *database;
    base_arena arena, heap;
    uint32_t column_count; /* of the relation that are stored */
    uint32_t *columns;
    types_type *types;
    col_column *cold; /* rowid and end come first */
    types_cell *cells;
    bool *nulls;
    vector_chunk chunk;
    bool has_chunk;
    int64_t numbers[VECTOR_SIZE];
    uint64_t begins[VECTOR_SIZE];
    int64_t next_number;
    bool has_last;
    int64_t last_rowid;
    uint64_t last_begin;
    col_writer *writer;
} past_writer;

static base_status open_writer(past_writer *self, base_error *error)
{
    const table_descriptor *descriptor = &self->writing->relation->descriptor;
    uint32_t count = descriptor->column_count + 2;
    base_arena *arena = &self->arena;
    self->columns = base_arena_allocate_array(arena, count, sizeof *self->columns);
    self->types = base_arena_allocate_array(arena, count, sizeof *self->types);
    self->cold = base_arena_allocate_array(arena, count, sizeof *self->cold);
    self->cells = base_arena_allocate_array(arena, count, sizeof *self->cells);
    self->nulls = base_arena_allocate_array(arena, count, sizeof *self->nulls);
    if (!self->columns || !self->types || !self->cold || !self->cells || !self->nulls)
        return base_error_no_memory(error);
    self->types[0] = TYPES_OF(INTEGER);
    self->types[1] = TYPES_OF(UBIGINT);
    self->cold[0] = (col_column){TABLE_HISTORY_ROWID, TYPES_FORM_INT64};
    self->cold[1] = (col_column){TABLE_HISTORY_END, TYPES_FORM_UINT64};
    for (uint32_t c = 0; c < descriptor->column_count; c++) {
        if (descriptor->rowid_column == (int32_t)c)
            continue;
        types_type type = descriptor->columns[c].type;
        self->types[self->column_count + 2] = type;
        self->cold[self->column_count + 2] = (col_column){c, types_form_of(type)};
        self->columns[self->column_count++] = c;
    }
    RETURN_IF_ERROR(vector_chunk_init(&self->chunk, &self->database->budget, self->types,
                                      self->column_count + 2, error));
    self->has_chunk = true;
    return BASE_OK;
}

static void close_writer(past_writer *self)
{
    if (self->writer)
        col_writer_destroy(self->writer);
    if (self->has_chunk)
        vector_chunk_destroy(&self->chunk);
    base_arena_destroy(&self->heap);
    base_arena_destroy(&self->arena);
}

static base_status finish_volume(past_writer *self, base_error *error)
{
    table_history_writing *writing = self->writing;
    table_storage *storage = writing->relation->storage;
    cache_reference reference;
    table_volume *volume;
    if (!self->writer)
        return BASE_OK;
    if (!base_grow_array(&self->database->budget, &writing->volumes, &writing->capacity,
                         writing->count + 1, sizeof(table_volume *)))
        return base_error_no_memory(error);
    RETURN_IF_ERROR(col_writer_finish(self->writer, &reference, error));
    base_status status = table_volume_open(storage, &reference, 0, &volume, error);
    if (status != BASE_OK) {
        col_writer_take_back(self->writer);
        return status;
    }
    atomic_store(&volume->loose, writing->loose);
    writing->volumes[writing->count++] = volume;
    col_writer_destroy(self->writer);
    self->writer = NULL;
    return BASE_OK;
}

static base_status write_chunk(past_writer *self, base_error *error)
{
    if (self->chunk.count == 0)
        return BASE_OK;
    if (self->writer && col_writer_row_count(self->writer) + self->chunk.count > COL_MAX_ROWS)
        RETURN_IF_ERROR(finish_volume(self, error));
    if (!self->writer) {
        col_writer_options options = {.file = self->database->file,
                                      .budget = &self->database->budget,
                                      .runtime = self->database->runtime,
                                      .loose = self->writing->loose,
                                      .column_count = self->column_count + 2,
                                      .columns = self->cold};
        RETURN_IF_ERROR(col_writer_create(&options, &self->writer, error));
    }
    RETURN_IF_ERROR(
        col_writer_append(self->writer, &self->chunk, self->numbers, self->begins, 0, error));
    vector_chunk_reset(&self->chunk);
    base_arena_reset(&self->heap);
    return BASE_OK;
}

static base_status write_version(past_writer *self, const table_history_cursor *from,
                                 base_error *error)
{
    /* The same version from two parts: it was on its way from one to the other. */
    if (self->has_last && self->last_rowid == from->rowid && self->last_begin == from->begin)
        return BASE_OK;
    self->has_last = true;
    self->last_rowid = from->rowid;
    self->last_begin = from->begin;
    RETURN_IF_ERROR(table_history_read(from, self->columns, self->column_count, self->cells,
                                       self->nulls, &self->heap, error));
    vector_chunk *chunk = &self->chunk;
    uint32_t row = chunk->count++;
    types_value value = {.type = TYPES_OF(INTEGER)};
    value.cell.int64 = from->rowid;
    vector_put(&chunk->columns[0], row, &value);
    value = (types_value){.type = TYPES_OF(UBIGINT)};
    value.cell.uint64 = from->end;
    vector_put(&chunk->columns[1], row, &value);
    for (uint32_t c = 0; c < self->column_count; c++) {
        value = (types_value){self->types[c + 2], self->nulls[c], self->cells[c]};
        if (value.is_null && !chunk->columns[c + 2].validity)
            vector_make_validity(&chunk->columns[c + 2]);
        vector_put(&chunk->columns[c + 2], row, &value);
    }
    self->numbers[row] = self->next_number++;
    self->begins[row] = from->begin;
    return chunk->count == VECTOR_SIZE ? write_chunk(self, error) : BASE_OK;
}

static base_status write_all(past_writer *self, table_history_cursor *cursors, uint32_t count,
                             base_error *error)
{
    RETURN_IF_ERROR(open_writer(self, error));
    for (uint32_t i = 0; i < count; i++)
        RETURN_IF_ERROR(table_history_next(&cursors[i], error));
    table_history_cursor *first;
    while ((first = table_history_first(cursors, count))) {
        RETURN_IF_ERROR(write_version(self, first, error));
        RETURN_IF_ERROR(table_history_next(first, error));
    }
    RETURN_IF_ERROR(write_chunk(self, error));
    return finish_volume(self, error);
}

base_status table_history_write(table_history_writing *writing, table_history_cursor *cursors,
                                uint32_t count, base_error *error)
{
    table_database *database = writing->relation->storage->database;
    past_writer *self = base_allocate_zeroed(&database->budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->writing = writing;
    self->database = database;
    base_arena_init(&self->arena, &database->budget);
    base_arena_init(&self->heap, &database->budget);
    base_status status = write_all(self, cursors, count, error);
    close_writer(self);
    base_free(&database->budget, self, sizeof *self);
    return status;
}

void table_history_forget(table_history_writing *writing)
{
    if (!writing->relation)
        return;
    table_storage *storage = writing->relation->storage;
    for (uint32_t i = 0; i < writing->count; i++)
        table_volume_destroy(storage, writing->volumes[i]);
    base_free_array(&storage->database->budget, writing->volumes, writing->capacity,
                    sizeof(table_volume *));
    *writing = (table_history_writing){0};
}
