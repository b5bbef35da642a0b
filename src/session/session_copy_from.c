/*
 * session_copy_from.c - COPY FROM: a relation whose rows come from CSV, and INSERT ... SELECT.
 *
 * The file becomes a system relation with the types of the target's columns, known to the binder
 * for this one statement under a name that cannot be written, and the rest is INSERT INTO t
 * SELECT * FROM it: defaults, checks, keys and bulk paths are INSERT's, and it is all or nothing
 * because every statement is. Values are parsed here, where the line is known.
 */
#include "session/session_copy_int.h"

static const char source_name[] = "\x01"
                                  "copy";

typedef struct copy_source {
    plan_system_source source; /* first: the executor hands it back */
    session_run *run;
    const copy_options *options;
    copy_stream *stream;
    copy_reader reader;
    uint64_t rows;
} copy_source;

/* ---- Rows --------------------------------------------------------------------------------- */

static base_status bad_field(copy_source *self, uint32_t column, base_status status,
                             const base_error *cause, base_error *error)
{
    base_text name = self->source.columns[column].name;
    base_error_set(error, status, "line %llu, column \"%.*s\": %s",
                   (unsigned long long)self->reader.line, BASE_TEXT_ARGUMENTS(name),
                   cause->message);
    if (cause->hint[0])
        base_error_set_hint(error, "%s", cause->hint);
    base_error_set_names(error, NULL, NULL, NULL);
    return status;
}

static base_status put_text(copy_source *self, uint32_t column, base_text text, vector_chunk *chunk,
                            base_error *error)
{
    vector *to = &chunk->columns[column];
    types_value value = {.type = to->type};
    if (text.length > UINT32_MAX)
        return base_error_set(error, BASE_LIMIT, "a value is larger than 4 GiB");
    if (types_utf8_valid_prefix(text.data, text.length) != text.length) {
        base_error cause;
        base_error_clear(&cause);
        base_error_set(&cause, BASE_INVALID_ENCODING, "the text is not valid UTF-8");
        return bad_field(self, column, BASE_INVALID_ENCODING, &cause, error);
    }
    if (text.length > TYPES_STRING_INLINE) {
        char *copy = base_arena_allocate(chunk->heap, text.length);
        if (!copy)
            return base_error_no_memory(error);
        memcpy(copy, text.data, text.length);
        text.data = copy;
    }
    value.cell.string = types_string_of(text.data, text.length);
    vector_put(to, chunk->count, &value);
    return BASE_OK;
}

static base_status put_field(copy_source *self, uint32_t column, const copy_field *field,
                             vector_chunk *chunk, base_error *error)
{
    vector *to = &chunk->columns[column];
    if (!field->quoted && base_text_equal(field->text, self->options->null_text)) {
        vector_set_null(to, chunk->count);
        return BASE_OK;
    }
    if (to->type.kind == TYPES_TEXT)
        return put_text(self, column, field->text, chunk, error);
    base_error cause;
    types_value value;
    base_error_clear(&cause);
    base_status status = types_parse(field->text, to->type, chunk->heap, &value, &cause);
    if (status == BASE_OUT_OF_MEMORY)
        return base_error_no_memory(error);
    if (status != BASE_OK)
        return bad_field(self, column, status, &cause, error);
    if (!value.is_null && to->form == TYPES_FORM_STRING &&
        value.cell.string.length > TYPES_STRING_INLINE) {
        /* A view may still point into the reader's buffer. */
        char *copy = base_arena_allocate(chunk->heap, value.cell.string.length);
        if (!copy)
            return base_error_no_memory(error);
        memcpy(copy, value.cell.string.far.pointer, value.cell.string.length);
        value.cell.string = types_string_of(copy, value.cell.string.length);
    }
    vector_put(to, chunk->count, &value);
    return BASE_OK;
}

static bool is_blank_line(const copy_reader *reader)
{
    return reader->field_count == 1 && !reader->fields[0].quoted &&
           reader->fields[0].text.length == 0;
}

static base_status put_record(copy_source *self, vector_chunk *chunk, base_error *error)
{
    copy_reader *reader = &self->reader;
    uint32_t wanted = self->source.column_count;
    /* A delimiter at the end of each line, as TPC-H's files have it. */
    bool trailing = reader->field_count == wanted + 1 && !reader->fields[wanted].quoted &&
                    reader->fields[wanted].text.length == 0;
    if (reader->field_count != wanted && !trailing) {
        base_error_set(error, BASE_BAD_COPY_FORMAT, "line %llu has %u fields, %u are expected",
                       (unsigned long long)reader->line, reader->field_count, wanted);
        if (reader->field_count == 1)
            base_error_set_hint(error, "is the delimiter another one than '%c'?",
                                self->options->delimiter);
        return BASE_BAD_COPY_FORMAT;
    }
    for (uint32_t i = 0; i < wanted; i++)
        RETURN_IF_ERROR(put_field(self, i, &reader->fields[i], chunk, error));
    chunk->count++;
    return BASE_OK;
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

static base_status next_rows(void *state, vector_chunk *chunk, base_error *error)
{
    copy_source *self = state;
    while (chunk->count < VECTOR_SIZE) {
        base_status status = session_copy_reader_next(&self->reader, error);
        if (status == BASE_DONE)
            break;
        if (status != BASE_ROW)
            return status;
        if (is_blank_line(&self->reader) && self->source.column_count > 1)
            continue;
        RETURN_IF_ERROR(put_record(self, chunk, error));
    }
    self->rows += chunk->count;
    RETURN_IF_ERROR(report_progress(self, error));
    return chunk->count ? BASE_ROW : BASE_DONE;
}

static base_status open_rows(const plan_system_source *source, void *environment,
                             txn_transaction *transaction, const types_value *arguments,
                             uint32_t argument_count, base_arena *arena, void **state,
                             base_error *error)
{
    copy_source *self = (copy_source *)(uintptr_t)source;
    *state = self;
    if (!self->options->header || self->reader.line)
        return BASE_OK;
    base_status status = session_copy_reader_next(&self->reader, error);
    return status == BASE_ROW || status == BASE_DONE ? BASE_OK : status;
}

/* ---- The statement -------------------------------------------------------------------------- */

/* Names and types of the columns that the file has. */
static base_status file_columns(session_run *run, const catalog_table *table,
                                plan_system_column **made, uint32_t *count)
{
    const parser_copy *tree = run->tree->copy;
    *count = tree->column_count ? tree->column_count : table->column_count;
    plan_system_column *columns = base_arena_allocate_array(run->arena, *count, sizeof *columns);
    if (!columns)
        return base_error_no_memory(run->error);
    for (uint32_t i = 0; i < *count; i++) {
        uint32_t place = i;
        if (tree->column_count)
            RETURN_IF_ERROR(session_find_column(run, table, &tree->columns[i], &place));
        columns[i].name = table->columns[place].name;
        columns[i].type = table->columns[place].type;
    }
    *made = columns;
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

base_status session_copy_from(session_run *run, const copy_options *options)
{
    const catalog_table *table;
    copy_stream stream;
    plan_system_column *columns = NULL;
    copy_source self = {.run = run, .options = options, .stream = &stream};
    RETURN_IF_ERROR(session_find_base_table(run, &run->tree->copy->table, &table));
    RETURN_IF_ERROR(file_columns(run, table, &columns, &self.source.column_count));
    self.source.name = source_name;
    self.source.columns = columns;
    self.source.open = open_rows;
    self.source.next = next_rows;
    RETURN_IF_ERROR(session_copy_stream_open(&stream, run, true));
    self.source.rows = stream.size ? (double)stream.size / 64.0 : -1;
    session_copy_reader_init(&self.reader, &stream, options, &run->connection->budget);
    base_status status = run_insert(run, &self);
    if (status == BASE_RESTART && !stream.file && stream.offset)
        /* The statement would begin again, but the program's input cannot. */
        status = base_error_set(run->error, BASE_SERIALIZATION,
                                "a concurrent change conflicts with COPY FROM STDIN");
    session_copy_reader_destroy(&self.reader);
    session_copy_stream_close(&stream);
    return status;
}
