/*
 * session_copy_from.c - COPY FROM: a relation whose rows come from CSV, and INSERT ... SELECT.
 *
 * The file becomes a system relation with the types of the target's columns, known to the binder
 * for this one statement under a name that cannot be written, and the rest is INSERT INTO t
 * SELECT * FROM it: defaults, checks, keys and bulk paths are INSERT's, and it is all or nothing
 * because every statement is.
 *
 * The input is taken in batches of slices (session_copy_reader.c), which the runtime's threads
 * parse side by side, each into chunks of its own; then the chunks are handed on in the order
 * of the file, without a copy: strings point into the reader's buffer. An error waits until all
 * rows before it were handed on, so the first one in the file is reported, with its line.
 *
 * Rejected: a pipeline lane per slice. The rows would reach the table in any order, and the
 * cost of handing chunks on is small beside parsing.
 */
#include "session/session_copy_int.h"

static const char source_name[] = "\x01"
                                  "copy";

/* Whole records, and what became of them. */
typedef struct copy_slice {
    base_text bytes;
    uint32_t chunk_count, chunk_capacity; /* filled; made */
    vector_chunk **chunks;
    copy_field *fields;
    uint64_t lines; /* line ends passed */
    base_status status;
    base_error error; /* its line counts from the slice's first */
    uint64_t error_line;
} copy_slice;

typedef struct copy_source {
    plan_system_source source; /* first: the executor hands it back */
    session_run *run;
    const copy_options *options;
    copy_stream *stream;
    copy_reader reader;
    base_budget *budget;
    copy_column *columns;
    types_type *types;
    uint32_t slice_limit;
    copy_slice *slices;
    uint32_t slice_count;
    _Atomic(uint32_t) next_slice; /* to be parsed */
    uint32_t slice, chunk;        /* to be handed on */
    uint64_t line;                /* of the current slice's first record */
    uint64_t rows;
    bool begun;
} copy_source;

/* ---- Parsing a slice, on any thread --------------------------------------------------------- */

static bool is_ascii(base_text text)
{
    uint64_t bits = 0;
    size_t at = 0;
    for (; text.length - at >= 8; at += 8)
        bits |= base_load_u64(text.data + at);
    for (; at < text.length; at++)
        bits |= (unsigned char)text.data[at];
    return !(bits & UINT64_C(0x8080808080808080));
}

/* The chunk that the next row goes to. */
static base_status room_for_row(const copy_source *self, copy_slice *slice, vector_chunk **room,
                                base_error *error)
{
    if (slice->chunk_count && slice->chunks[slice->chunk_count - 1]->count < VECTOR_SIZE) {
        *room = slice->chunks[slice->chunk_count - 1];
        return BASE_OK;
    }
    if (slice->chunk_count < slice->chunk_capacity && slice->chunks[slice->chunk_count]) {
        *room = slice->chunks[slice->chunk_count++];
        vector_chunk_reset(*room);
        (*room)->count = 0;
        return BASE_OK;
    }
    uint32_t before = slice->chunk_capacity;
    if (!base_grow_array(self->budget, &slice->chunks, &slice->chunk_capacity,
                         slice->chunk_count + 1, sizeof(vector_chunk *)))
        return base_error_no_memory(error);
    for (uint32_t i = before; i < slice->chunk_capacity; i++)
        slice->chunks[i] = NULL;
    vector_chunk *made = base_allocate(self->budget, sizeof *made);
    if (!made)
        return base_error_no_memory(error);
    base_status status =
        vector_chunk_init(made, self->budget, self->types, self->source.column_count, error);
    if (status != BASE_OK) {
        base_free(self->budget, made, sizeof *made);
        return status;
    }
    slice->chunks[slice->chunk_count++] = *room = made;
    return BASE_OK;
}

static base_status bad_count(const copy_source *self, const copy_record *record, base_error *error)
{
    base_error_set(error, BASE_BAD_COPY_FORMAT, "%u fields, %u are expected", record->field_count,
                   self->source.column_count);
    if (record->field_count == 1)
        base_error_set_hint(error, "is the delimiter another one than '%c'?",
                            self->options->delimiter);
    return BASE_BAD_COPY_FORMAT;
}

static base_status bad_quote(base_error *error)
{
    base_error_set(error, BASE_BAD_COPY_FORMAT, "a quoted field does not end properly");
    base_error_set_hint(error, "a quote inside a quoted field is written twice");
    return BASE_BAD_COPY_FORMAT;
}

static bool is_blank_line(const copy_record *record)
{
    return record->field_count == 1 && !record->fields[0].quoted &&
           record->fields[0].text.length == 0;
}

static base_status put_record(const copy_source *self, const copy_record *record, bool ascii,
                              vector_chunk *chunk, base_error *error)
{
    uint32_t wanted = self->source.column_count;
    /* A delimiter at the end of each line, as TPC-H's files have it. */
    bool trailing = record->field_count == wanted + 1 && !record->fields[wanted].quoted &&
                    record->fields[wanted].text.length == 0;
    if (record->field_count != wanted && !trailing)
        return bad_count(self, record, error);
    for (uint32_t i = 0; i < wanted; i++) {
        base_status status =
            session_copy_put(&self->columns[i], self->options, &record->fields[i], ascii,
                             &chunk->columns[i], chunk->count, chunk->heap, error);
        if (BASE_LIKELY(status == BASE_OK))
            continue;
        char name[BASE_ERROR_NAME_SIZE];
        snprintf(name, sizeof name, "%.*s", BASE_TEXT_ARGUMENTS(self->columns[i].name));
        base_error_set_names(error, NULL, name, NULL);
        return status;
    }
    chunk->count++;
    return BASE_OK;
}

static base_status parse_records(const copy_source *self, copy_slice *slice, copy_record *record)
{
    bool ascii = is_ascii(slice->bytes);
    vector_chunk *chunk = NULL;
    for (;;) {
        base_status status = session_copy_record_next(record);
        if (status == BASE_DONE)
            return BASE_OK;
        if (status != BASE_ROW)
            return bad_quote(&slice->error);
        if (is_blank_line(record) && self->source.column_count > 1)
            continue;
        if (!chunk || chunk->count == VECTOR_SIZE)
            RETURN_IF_ERROR(room_for_row(self, slice, &chunk, &slice->error));
        RETURN_IF_ERROR(put_record(self, record, ascii, chunk, &slice->error));
    }
}

static void parse_slice(const copy_source *self, copy_slice *slice)
{
    copy_record record;
    slice->chunk_count = 0;
    base_error_clear(&slice->error);
    session_copy_record_start(&record, self->options, slice->bytes, slice->fields,
                              self->source.column_count + 1);
    slice->status = parse_records(self, slice, &record);
    slice->lines = record.next_line - 1;
    slice->error_line = record.line - 1;
}

static void parse_slices(void *argument, uint32_t lane)
{
    copy_source *self = argument;
    (void)lane;
    for (;;) {
        uint32_t next = atomic_fetch_add_explicit(&self->next_slice, 1, memory_order_relaxed);
        if (next >= self->slice_count)
            return;
        parse_slice(self, &self->slices[next]);
    }
}

/* ---- Batches ----------------------------------------------------------------------------- */

/* Parses the next part of the file; no slices at its end. */
static base_status next_batch(copy_source *self, base_error *error)
{
    base_text bytes[COPY_MAX_SLICES];
    self->slice = self->chunk = 0;
    RETURN_IF_ERROR(session_copy_reader_next(&self->reader, self->slice_limit, self->line, bytes,
                                             &self->slice_count, error));
    for (uint32_t i = 0; i < self->slice_count; i++) {
        copy_slice *slice = &self->slices[i];
        slice->bytes = bytes[i];
        if (slice->fields)
            continue;
        slice->fields =
            base_allocate_array(self->budget, self->source.column_count + 1, sizeof *slice->fields);
        if (!slice->fields)
            return base_error_no_memory(error);
    }
    atomic_store(&self->next_slice, 0);
    uint32_t lanes = BASE_MIN(session_copy_lanes(self->run->connection), self->slice_count);
    if (lanes > 1)
        os_runtime_run(self->run->connection->database->runtime, lanes, parse_slices, self);
    else
        parse_slices(self, 0);
    return BASE_OK;
}

/* The slice's error in the user's words. */
static base_status report_error(const copy_source *self, const copy_slice *slice, base_error *error)
{
    const base_error *cause = &slice->error;
    unsigned long long line = self->line + slice->error_line;
    if (slice->status == BASE_OUT_OF_MEMORY)
        return base_error_no_memory(error);
    if (cause->column[0])
        base_error_set(error, slice->status, "line %llu, column \"%s\": %s", line, cause->column,
                       cause->message);
    else
        base_error_set(error, slice->status, "line %llu: %s", line, cause->message);
    if (cause->hint[0])
        base_error_set_hint(error, "%s", cause->hint);
    return slice->status;
}

static base_status report_progress(copy_source *self, base_error *error)
{
    session_connection *connection = self->run->connection;
    if (session_is_interrupted(connection))
        return base_error_set(error, BASE_INTERRUPTED, "the statement was interrupted");
    if (!connection->progress)
        return BASE_OK;
    double fraction =
        self->stream->size ? (double)self->stream->offset / (double)self->stream->size : -1;
    if (connection->progress(connection->progress_context, BASE_MIN(fraction, 1.0), self->rows))
        return base_error_set(error, BASE_INTERRUPTED, "the statement was interrupted");
    return BASE_OK;
}

/* The next chunk in the order of the file, or NULL. */
static base_status take_chunk(copy_source *self, const vector_chunk **taken, base_error *error)
{
    *taken = NULL;
    for (;;) {
        while (self->slice < self->slice_count) {
            const copy_slice *slice = &self->slices[self->slice];
            if (self->chunk < slice->chunk_count) {
                *taken = slice->chunks[self->chunk++];
                if ((*taken)->count)
                    return BASE_OK;
                continue;
            }
            if (slice->status != BASE_OK)
                return report_error(self, slice, error);
            self->line += slice->lines;
            self->slice++;
            self->chunk = 0;
        }
        RETURN_IF_ERROR(next_batch(self, error));
        if (!self->slice_count) {
            *taken = NULL;
            return BASE_OK;
        }
    }
}

static base_status next_rows(void *state, vector_chunk *chunk, base_error *error)
{
    copy_source *self = state;
    const vector_chunk *rows;
    RETURN_IF_ERROR(take_chunk(self, &rows, error));
    if (rows) {
        self->rows += rows->count;
        vector_chunk_reference(chunk, rows);
    }
    RETURN_IF_ERROR(report_progress(self, error));
    return rows ? BASE_ROW : BASE_DONE;
}

/* ---- The first line ---------------------------------------------------------------------- */

/* HEADER MATCH: the line names the columns, in order. */
static base_status match_header(const copy_source *self, const copy_record *record,
                                base_error *error)
{
    if (record->field_count != self->source.column_count)
        return bad_count(self, record, error);
    for (uint32_t i = 0; i < record->field_count; i++) {
        const copy_field *field = &record->fields[i];
        char name[BASE_ERROR_NAME_SIZE];
        base_text text = field->text;
        if (field->escaped && text.length <= sizeof name)
            text = (base_text){name, session_copy_unescape(self->options, text, name)};
        if (!base_text_equal_folded(text, self->columns[i].name))
            return base_error_set(error, BASE_BAD_COPY_FORMAT,
                                  "the header has \"%.*s\" where column \"%.*s\" is expected",
                                  BASE_TEXT_ARGUMENTS(text),
                                  BASE_TEXT_ARGUMENTS(self->columns[i].name));
    }
    return BASE_OK;
}

static base_status read_header(copy_source *self, base_error *error)
{
    base_text first;
    copy_record record;
    uint32_t limit = self->source.column_count + 1;
    RETURN_IF_ERROR(session_copy_reader_first(&self->reader, &first, error));
    copy_field *fields = base_allocate_array(self->budget, limit, sizeof *fields);
    if (!fields)
        return base_error_no_memory(error);
    copy_slice slice = {.error_line = 0};
    base_error_clear(&slice.error);
    session_copy_record_start(&record, self->options, first, fields, limit);
    slice.status = session_copy_record_next(&record);
    if (slice.status == BASE_BAD_COPY_FORMAT)
        (void)bad_quote(&slice.error);
    else if (slice.status == BASE_ROW && self->options->header == COPY_HEADER_MATCH)
        slice.status = match_header(self, &record, &slice.error);
    else
        slice.status = BASE_OK;
    base_free_array(self->budget, fields, limit, sizeof *fields);
    if (slice.status != BASE_OK)
        return report_error(self, &slice, error);
    self->line = record.next_line;
    return BASE_OK;
}

static base_status open_rows(const plan_system_source *source, void *environment,
                             txn_transaction *transaction, const types_value *arguments,
                             uint32_t argument_count, base_arena *arena, void **state,
                             base_error *error)
{
    copy_source *self = (copy_source *)(uintptr_t)source;
    *state = self;
    if (self->options->header == COPY_HEADER_NONE || self->begun)
        return BASE_OK;
    self->begun = true;
    return read_header(self, error);
}

/* ---- The statement -------------------------------------------------------------------------- */

/* Names and types of the columns that the file has. */
static base_status file_columns(copy_source *self, const catalog_table *table)
{
    session_run *run = self->run;
    const parser_copy *tree = run->tree->copy;
    uint32_t count = tree->column_count ? tree->column_count : table->column_count;
    plan_system_column *columns = base_arena_allocate_array(run->arena, count, sizeof *columns);
    self->columns = base_arena_allocate_array(run->arena, count, sizeof *self->columns);
    self->types = base_arena_allocate_array(run->arena, count, sizeof *self->types);
    if (!columns || !self->columns || !self->types)
        return base_error_no_memory(run->error);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = i;
        if (tree->column_count)
            RETURN_IF_ERROR(session_find_column(run, table, &tree->columns[i], &place));
        columns[i].name = table->columns[place].name;
        columns[i].type = self->types[i] = table->columns[place].type;
        session_copy_column_init(&self->columns[i], columns[i].name, columns[i].type);
    }
    self->source.columns = columns;
    self->source.column_count = count;
    return BASE_OK;
}

/* INSERT INTO t (columns) SELECT * FROM the source. */
static base_status run_insert(session_run *run, copy_source *self)
{
    const parser_copy *copy = run->tree->copy;
    parser_from from = {.kind = PARSER_FROM_TABLE, .height = 1};
    from.table.object.name.text = base_text_of(source_name);
    parser_expr star = {.kind = PARSER_EXPR_STAR, .height = 1};
    parser_select_item item = {.expr = &star};
    parser_query query = {.kind = PARSER_QUERY_SELECT, .height = 2};
    query.select.item_count = 1;
    query.select.items = &item;
    query.select.from = &from;
    parser_insert insert = {.table = copy->table,
                            .column_count = copy->column_count,
                            .columns = copy->columns,
                            .source = &query};
    parser_statement statement = {.kind = PARSER_STATEMENT_INSERT, .insert = &insert};
    run->connection->copy_source = &self->source;
    base_status status = session_run_internal(run, &statement, &run->statement->rows_affected);
    run->connection->copy_source = NULL;
    return status;
}

static base_status begin(copy_source *self)
{
    session_run *run = self->run;
    self->budget = &run->connection->budget;
    self->line = 1;
    self->slice_limit =
        BASE_MIN(2 * session_copy_lanes(self->run->connection), (uint32_t)COPY_MAX_SLICES);
    self->slices = base_arena_allocate_array(run->arena, self->slice_limit, sizeof *self->slices);
    if (!self->slices)
        return base_error_no_memory(run->error);
    self->source.name = source_name;
    self->source.open = open_rows;
    self->source.next = next_rows;
    self->source.reads_no_table = true;
    self->source.rows = self->stream->size ? (double)self->stream->size / 64.0 : -1;
    session_copy_reader_init(&self->reader, self->stream, self->options, self->budget, COPY_SLICE,
                             self->slice_limit);
    return BASE_OK;
}

static void end(copy_source *self)
{
    for (uint32_t i = 0; self->slices && i < self->slice_limit; i++) {
        copy_slice *slice = &self->slices[i];
        for (uint32_t c = 0; c < slice->chunk_capacity && slice->chunks[c]; c++) {
            vector_chunk_destroy(slice->chunks[c]);
            base_free(self->budget, slice->chunks[c], sizeof *slice->chunks[c]);
        }
        base_free_array(self->budget, slice->chunks, slice->chunk_capacity, sizeof(vector_chunk *));
        base_free(self->budget, slice->fields,
                  (self->source.column_count + 1) * sizeof *slice->fields);
    }
    session_copy_reader_destroy(&self->reader);
}

base_status session_copy_from(session_run *run, const copy_options *options)
{
    const catalog_table *table;
    copy_stream stream;
    copy_source self = {.run = run, .options = options, .stream = &stream};
    RETURN_IF_ERROR(session_find_base_table(run, &run->tree->copy->table, &table));
    RETURN_IF_ERROR(file_columns(&self, table));
    RETURN_IF_ERROR(session_copy_stream_open(&stream, run, true));
    base_status status = begin(&self);
    if (status == BASE_OK) {
        status = run_insert(run, &self);
        end(&self);
    }
    if (status == BASE_RESTART && !stream.file && stream.offset)
        /* The statement would begin again, but the program's input cannot. */
        status = base_error_set(run->error, BASE_SERIALIZATION,
                                "a concurrent change conflicts with COPY FROM STDIN");
    session_copy_stream_close(&stream);
    return status;
}
