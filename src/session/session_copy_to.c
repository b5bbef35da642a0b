/*
 * session_copy_to.c - COPY TO: a query's rows as CSV.
 *
 * A file that could not be written whole is removed, or left empty where it was there before: half
 * of an answer never looks like one.
 */
#include "session/session_copy_int.h"

enum {
    FLUSH_SIZE = 1 << 17
};

typedef struct copy_writer {
    copy_stream *stream;
    const copy_options *options;
    base_buffer out;
    base_buffer field;
    bool unquotable; /* a value needs quotes and there are none */
    base_error *error;
} copy_writer;

static bool needs_quotes(const copy_options *options, base_text text)
{
    if (base_text_equal(text, options->null_text))
        return true;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        bool quote = options->quote != COPY_NO_QUOTE && c == (char)options->quote;
        if (c == options->delimiter || quote || c == '\n' || c == '\r')
            return true;
    }
    return false;
}

static void append_field(copy_writer *self, base_text text)
{
    const copy_options *options = self->options;
    if (!needs_quotes(options, text)) {
        base_buffer_append(&self->out, text.data, text.length);
        return;
    }
    if (options->quote == COPY_NO_QUOTE) {
        self->unquotable = true;
        return;
    }
    char quote = (char)options->quote, escape = (char)options->escape;
    base_buffer_append_byte(&self->out, quote);
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == quote || (options->escape != COPY_NO_QUOTE && text.data[i] == escape))
            base_buffer_append_byte(&self->out, escape);
        base_buffer_append_byte(&self->out, text.data[i]);
    }
    base_buffer_append_byte(&self->out, quote);
}

static void append_value(copy_writer *self, const types_value *value)
{
    if (value->is_null) {
        base_buffer_append(&self->out, self->options->null_text.data,
                           self->options->null_text.length);
        return;
    }
    if (value->type.kind == TYPES_TEXT || value->type.kind == TYPES_UNKNOWN) {
        append_field(
            self, (base_text){types_string_data(&value->cell.string), value->cell.string.length});
        return;
    }
    base_buffer_clear(&self->field);
    types_format(value, &self->field);
    if (self->field.failed)
        self->out.failed = true;
    else
        append_field(self, (base_text){self->field.data, self->field.length});
}

static base_status flush(copy_writer *self)
{
    if (self->out.failed)
        return base_error_no_memory(self->error);
    if (!self->out.length)
        return BASE_OK;
    RETURN_IF_ERROR(
        session_copy_stream_write(self->stream, self->out.data, self->out.length, self->error));
    base_buffer_clear(&self->out);
    return BASE_OK;
}

static base_status write_chunk(copy_writer *self, const vector_chunk *chunk)
{
    for (uint32_t row = 0; row < chunk->count; row++) {
        uint32_t position = vector_row(chunk->selection, row);
        for (uint32_t column = 0; column < chunk->column_count; column++) {
            if (column)
                base_buffer_append_byte(&self->out, self->options->delimiter);
            types_value value = vector_get(&chunk->columns[column], position);
            append_value(self, &value);
        }
        base_buffer_append_byte(&self->out, '\n');
        if (self->unquotable)
            return base_error_set(self->error, BASE_BAD_COPY_FORMAT,
                                  "a value needs quotes, and QUOTE is empty");
        if (self->out.length >= FLUSH_SIZE || self->out.failed)
            RETURN_IF_ERROR(flush(self));
    }
    return BASE_OK;
}

static void write_header(copy_writer *self, const plan_statement *plan)
{
    for (uint32_t i = 0; i < plan->column_count; i++) {
        if (i)
            base_buffer_append_byte(&self->out, self->options->delimiter);
        append_field(self, base_text_of(plan->column_names[i]));
    }
    base_buffer_append_byte(&self->out, '\n');
}

static base_status write_rows(session_run *run, copy_writer *self, const plan_statement *plan,
                              int64_t *rows)
{
    exec_options options;
    exec_execution *execution = NULL;
    vector_chunk *chunk;
    session_exec_options(run->connection, &options);
    RETURN_IF_ERROR(exec_create(plan, &options, &execution, run->error));
    base_status status = BASE_OK;
    for (uint32_t i = 0; i < plan->parameter_count && status == BASE_OK; i++)
        status = exec_bind(execution, i, &run->statement->parameters[i], run->error);
    if (status == BASE_OK)
        status = exec_open(execution, run->transaction, run->error);
    while (status == BASE_OK) {
        status = exec_next(execution, &chunk, run->error);
        if (status != BASE_ROW)
            break;
        *rows += chunk->count;
        status = write_chunk(self, chunk);
    }
    if (status == BASE_DONE)
        status = flush(self);
    exec_reset(execution);
    exec_destroy(execution);
    return status;
}

/* SELECT columns FROM t. */
static base_status query_of_table(session_run *run, parser_query **made)
{
    const parser_copy *tree = run->tree->copy;
    uint32_t count = tree->column_count ? tree->column_count : 1;
    parser_query *query = base_arena_allocate_zeroed(run->arena, sizeof *query);
    parser_from *from = base_arena_allocate_zeroed(run->arena, sizeof *from);
    parser_expr *exprs = base_arena_allocate_array(run->arena, count, sizeof *exprs);
    parser_select_item *items = base_arena_allocate_array(run->arena, count, sizeof *items);
    if (!query || !from || !exprs || !items)
        return base_error_no_memory(run->error);
    for (uint32_t i = 0; i < count; i++) {
        exprs[i].kind = tree->column_count ? PARSER_EXPR_COLUMN : PARSER_EXPR_STAR;
        exprs[i].height = 1;
        if (tree->column_count) {
            exprs[i].position = tree->columns[i].position;
            exprs[i].end = tree->columns[i].position + (int32_t)tree->columns[i].text.length;
            exprs[i].column.part_count = 1;
            exprs[i].column.parts = &tree->columns[i];
        }
        items[i].expr = &exprs[i];
    }
    from->kind = PARSER_FROM_TABLE;
    from->height = 1;
    from->position = tree->table.name.position;
    from->table.object = tree->table;
    query->kind = PARSER_QUERY_SELECT;
    query->height = 2;
    query->select.item_count = count;
    query->select.items = items;
    query->select.from = from;
    *made = query;
    return BASE_OK;
}

base_status session_copy_to(session_run *run, const copy_options *options)
{
    const parser_copy *tree = run->tree->copy;
    parser_query *query = tree->query;
    plan_statement plan;
    copy_stream stream;
    if (!query)
        RETURN_IF_ERROR(query_of_table(run, &query));
    parser_statement statement = {.kind = PARSER_STATEMENT_QUERY, .query = query};
    RETURN_IF_ERROR(
        session_plan_tree(run->connection, run->schema, &statement, run->statement->parameter_count,
                          run->statement->parameter_types, run->arena, &plan, run->error));
    RETURN_IF_ERROR(session_copy_stream_open(&stream, run, false));
    copy_writer writer = {.stream = &stream, .options = options, .error = run->error};
    base_buffer_init(&writer.out, &run->connection->budget);
    base_buffer_init(&writer.field, &run->connection->budget);
    if (options->header)
        write_header(&writer, &plan);
    int64_t rows = 0;
    base_status status = write_rows(run, &writer, &plan, &rows);
    base_buffer_destroy(&writer.out);
    base_buffer_destroy(&writer.field);
    if (status != BASE_OK) {
        session_copy_stream_discard(&stream);
        return status;
    }
    session_copy_stream_close(&stream);
    run->statement->rows_affected = rows;
    return BASE_OK;
}
