/*
 * table_compact_copy.c - the rows of some volumes into new ones.
 *
 * The volumes are read as a scan reads them, merged by rowid, with a snapshot that sees every
 * commit and no open transaction: rows that a commit took away stay behind, rows that an open
 * one wants to take away come along, with their marks later. Columns that were added since a
 * volume was written get their `missing` value unless none of the volumes has them; columns that
 * were dropped stay behind.
 *
 * New volumes end where the base has a border, and otherwise have about equally many rows.
 */
#include "store/table/table_compact_int.h"
#include "store/table/table_scan_int.h"

typedef struct copier {
    const table_relation *relation;
    table_database *database;
    table_job *job;
    base_arena arena;
    uint32_t column_count; /* stored ones; in the chunk rowid and stamp follow */
    uint32_t *columns;
    types_type *types;
    col_column *cold;
    table_layers others; /* the base without the inputs */
    uint64_t rows_each;  /* of a full output */
    vector_chunk chunk;
    bool has_chunk;
    int64_t rowids[VECTOR_SIZE];
    uint64_t stamps[VECTOR_SIZE];
    uint16_t rows[VECTOR_SIZE];
    bool is_first;
    int64_t last_rowid;
    col_writer *writer;
    bool has_border;
    int64_t border; /* the first rowid that belongs to the next output */
} copier;

static bool is_input(const table_job *job, const table_volume *volume)
{
    for (uint32_t i = 0; i < job->input_count; i++) {
        if (job->inputs[i] == volume)
            return true;
    }
    return false;
}

/* ---- What is copied -------------------------------------------------------------------------- */

static bool some_input_has(const table_job *job, uint32_t column)
{
    for (uint32_t i = 0; i < job->input_count; i++) {
        if (col_volume_column(job->inputs[i]->data, column) >= 0)
            return true;
    }
    return false;
}

static base_status choose_columns(copier *self, base_error *error)
{
    const table_descriptor *descriptor = &self->relation->descriptor;
    uint32_t count = descriptor->column_count + 2;
    self->columns = base_arena_allocate_array(&self->arena, count, sizeof *self->columns);
    self->types = base_arena_allocate_array(&self->arena, count, sizeof *self->types);
    self->cold = base_arena_allocate_array(&self->arena, count, sizeof *self->cold);
    if (!self->columns || !self->types || !self->cold)
        return base_error_no_memory(error);
    for (uint32_t c = 0; c < descriptor->column_count; c++) {
        if (descriptor->columns[c].dropped || descriptor->rowid_column == (int32_t)c ||
            !some_input_has(self->job, c))
            continue;
        types_type type = descriptor->columns[c].type;
        self->cold[self->column_count] = (col_column){c, types_form_of(type)};
        self->types[self->column_count] = type;
        self->columns[self->column_count++] = c;
    }
    self->columns[self->column_count] = TABLE_ROWID;
    self->types[self->column_count] = TYPES_OF(INTEGER);
    self->columns[self->column_count + 1] = TABLE_STAMP;
    self->types[self->column_count + 1] = TYPES_OF(UBIGINT);
    RETURN_IF_ERROR(vector_chunk_init(&self->chunk, &self->database->budget, self->types,
                                      self->column_count + 2, error));
    self->has_chunk = true;
    return BASE_OK;
}

static base_status choose_sizes(copier *self, base_error *error)
{
    const table_storage *storage = self->relation->storage;
    uint64_t rows = 0;
    for (uint32_t i = 0; i < self->job->input_count; i++) {
        const table_volume *input = self->job->inputs[i];
        rows += input->info.row_count -
                BASE_MIN((uint64_t)atomic_load(&input->mark_count), input->info.row_count);
    }
    uint64_t outputs = BASE_MAX((rows + COL_MAX_ROWS - 1) / COL_MAX_ROWS, (uint64_t)1);
    self->rows_each = BASE_MIN(rows / outputs + VECTOR_SIZE, (uint64_t)COL_MAX_ROWS);
    RETURN_IF_ERROR(table_layers_make(storage, table_volumes_of(storage), &self->others, error));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < self->others.base_count; i++) {
        if (!is_input(self->job, self->others.volumes[i]))
            self->others.volumes[kept++] = self->others.volumes[i];
    }
    self->others.base_count = self->others.count = kept;
    return BASE_OK;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static base_status start_output(copier *self, int64_t rowid, base_error *error)
{
    col_writer_options options = {.file = self->database->file,
                                  .budget = &self->database->budget,
                                  .runtime = self->database->runtime,
                                  .memory = self->database->options.memory_limit / 4,
                                  .loose = true,
                                  .column_count = self->column_count,
                                  .columns = self->cold};
    self->has_border = table_layers_border(&self->others, rowid, &self->border);
    return col_writer_create(&options, &self->writer, error);
}

static base_status finish_output(copier *self, base_error *error)
{
    table_job *job = self->job;
    cache_reference reference;
    if (!self->writer)
        return BASE_OK;
    if (!base_grow_array(job->budget, &job->outputs, &job->output_capacity, job->output_count + 1,
                         sizeof(table_volume *)))
        return base_error_no_memory(error);
    RETURN_IF_ERROR(col_writer_finish(self->writer, &reference, error));
    table_volume *volume;
    base_status status =
        table_volume_open(self->relation->storage, &reference, TABLE_NEVER, &volume, error);
    if (status != BASE_OK) {
        col_writer_take_back(self->writer);
        return status;
    }
    atomic_store(&volume->loose, true);
    job->outputs[job->output_count++] = volume;
    col_writer_destroy(self->writer);
    self->writer = NULL;
    return BASE_OK;
}

/* Rows [from, to) of the chunk. */
static base_status write_rows(copier *self, uint32_t from, uint32_t to, base_error *error)
{
    vector_chunk part = self->chunk;
    part.count = to - from;
    part.column_count = self->column_count;
    part.selection = self->rows + from;
    return col_writer_append(self->writer, &part, self->rowids + from, self->stamps + from, 0,
                             error);
}

/* How many rows from `from` on go into the output that is being written: up to its border, its
 * size, or the chunk's end. */
static uint32_t rows_that_fit(const copier *self, uint32_t from)
{
    uint64_t room = self->rows_each - col_writer_row_count(self->writer);
    uint32_t end = (uint32_t)BASE_MIN((uint64_t)self->chunk.count, from + room);
    while (self->has_border && end > from && self->rowids[end - 1] >= self->border)
        end--;
    return end - from;
}

static base_status write_chunk(copier *self, base_error *error)
{
    const vector *rowids = &self->chunk.columns[self->column_count];
    const vector *stamps = &self->chunk.columns[self->column_count + 1];
    for (uint32_t i = 0; i < self->chunk.count; i++) {
        types_cell cell;
        self->rows[i] = (uint16_t)vector_row(self->chunk.selection, i);
        (void)vector_load(rowids, self->rows[i], &cell);
        if (!self->is_first &&
            cell.int64 <= self->last_rowid) /* I17; a damaged file's may not rise */
            return table_corrupt("a columnar volume", error);
        self->is_first = false;
        self->rowids[i] = self->last_rowid = cell.int64;
        (void)vector_load(stamps, self->rows[i], &cell);
        self->stamps[i] = cell.uint64;
    }
    for (uint32_t from = 0; from < self->chunk.count;) {
        if (!self->writer)
            RETURN_IF_ERROR(start_output(self, self->rowids[from], error));
        uint32_t count = rows_that_fit(self, from);
        if (count == 0) {
            RETURN_IF_ERROR(finish_output(self, error));
            continue;
        }
        RETURN_IF_ERROR(write_rows(self, from, from + count, error));
        from += count;
    }
    return BASE_OK;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static base_status copy_rows(copier *self, base_error *error)
{
    table_reader *reader;
    table_scan scan = {.budget = &self->database->budget,
                       .relation = (table_relation *)(uintptr_t)self->relation,
                       .snapshot = {.sequence = WAL_SEQUENCE_END},
                       .columns = self->columns,
                       .column_count = self->column_count + 2,
                       .first = INT64_MIN,
                       .last = INT64_MAX};
    RETURN_IF_ERROR(table_reader_create(&scan, &reader, error));
    base_status status =
        table_reader_open_volumes(reader, self->job->inputs, self->job->input_count, error);
    while (status == BASE_OK && !atomic_load(&self->database->stopping)) {
        status = table_reader_next(reader, &self->chunk, error);
        if (status == BASE_ROW)
            status = write_chunk(self, error);
        else if (status == BASE_OK)
            status = BASE_INTERNAL;
    }
    table_reader_destroy(reader);
    if (status == BASE_OK)
        return base_error_set(error, BASE_INTERRUPTED, "the database is being closed");
    return status == BASE_DONE ? BASE_OK : status;
}

base_status table_compact_copy(const table_relation *relation, table_job *job, base_error *error)
{
    copier *self = base_allocate_zeroed(job->budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->relation = relation;
    self->database = relation->storage->database;
    self->job = job;
    self->is_first = true;
    base_arena_init(&self->arena, job->budget);
    base_status status = choose_columns(self, error);
    if (status == BASE_OK)
        status = choose_sizes(self, error);
    if (status == BASE_OK)
        status = copy_rows(self, error);
    if (status == BASE_OK)
        status = finish_output(self, error);
    for (uint32_t i = 0; status == BASE_OK && i < job->output_count; i++)
        status = col_volume_load_rowids(job->outputs[i]->data, error);
    if (self->writer)
        col_writer_destroy(self->writer);
    if (self->has_chunk)
        vector_chunk_destroy(&self->chunk);
    table_layers_free(relation->storage, &self->others);
    base_arena_destroy(&self->arena);
    base_free(job->budget, self, sizeof *self);
    return status;
}
