/*
 * session_copy_to.c - COPY TO: a query's rows as CSV.
 *
 * The caller's thread asks the query for chunks, copies each into a place of a ring, and writes
 * what became of the oldest; the runtime's threads turn them into text meanwhile
 * (session_copy_format.c). So the bytes are those of one thread, and an error waits until all
 * rows before it were written. A single chunk needs nobody's help, and chunks with very long
 * texts are not copied: the caller writes them piece by piece.
 *
 * A file that could not be written whole is removed, or left empty where it was there before: half
 * of an answer never looks like one.
 *
 * Rejected: formatting in the lanes of the query's pipelines. They know no order, and a query
 * that sorts or has a window at its end hands out chunks by one lane anyway.
 */
#include "session/session_copy_int.h"

enum {
    COPY_RING = 32,            /* chunks under way, at most */
    COPY_CHUNK_TEXT = 1 << 20, /* bytes of text in one of them, at most */
    FLUSH_SIZE = 1 << 17
};

/* A chunk on its way to the stream. */
typedef struct copy_place {
    const copy_format *format;
    bool made;
    vector_chunk rows;
    base_buffer out, scratch;
    base_status status;
    base_error error;
    _Atomic(bool) done;
} copy_place;

typedef struct copy_writer {
    session_run *run;
    copy_stream *stream;
    copy_format format;
    base_budget *budget;
    uint32_t lanes;
    os_task_group *tasks; /* NULL until there is a second chunk */
    copy_place *ring;
    uint32_t ring_size;
    uint32_t first, count; /* under way; first: the oldest */
    int64_t rows;
    base_buffer out, scratch; /* of the caller */
} copy_writer;

static base_status flush(copy_writer *self, base_error *error)
{
    if (!self->out.length)
        return BASE_OK;
    base_status status =
        session_copy_stream_write(self->stream, self->out.data, self->out.length, error);
    base_buffer_clear(&self->out);
    return status;
}

/* ---- The ring -------------------------------------------------------------------------------- */

static void format_place(void *argument)
{
    copy_place *place = argument;
    uint32_t next = 0;
    base_buffer_clear(&place->out);
    base_error_clear(&place->error);
    place->status = session_copy_format_rows(place->format, &place->rows, &next, SIZE_MAX,
                                             &place->out, &place->scratch, &place->error);
    atomic_store_explicit(&place->done, true, memory_order_release);
}

static base_status need_tasks(copy_writer *self, base_error *error)
{
    os_runtime *runtime = self->run->connection->database->runtime;
    if (self->tasks)
        return BASE_OK;
    self->ring_size = BASE_MIN(2 * self->lanes, (uint32_t)COPY_RING);
    self->ring = base_arena_allocate_array(self->run->arena, self->ring_size, sizeof *self->ring);
    if (!self->ring)
        return base_error_no_memory(error);
    return os_task_group_create(runtime, &self->tasks, error);
}

static base_status make_place(copy_writer *self, copy_place *place, const vector_chunk *like,
                              base_error *error)
{
    types_type *types =
        base_arena_allocate_array(self->run->arena, like->column_count, sizeof *types);
    if (!types)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < like->column_count; i++)
        types[i] = like->columns[i].type;
    RETURN_IF_ERROR(
        vector_chunk_init(&place->rows, self->budget, types, like->column_count, error));
    base_buffer_init(&place->out, self->budget);
    base_buffer_init(&place->scratch, self->budget);
    place->format = &self->format;
    place->made = true;
    return BASE_OK;
}

/* Writes the oldest chunk's text. */
static base_status end_oldest(copy_writer *self, base_error *error)
{
    copy_place *place = &self->ring[self->first];
    os_task_group_wait_for(self->tasks, &place->done);
    self->first = (self->first + 1) % self->ring_size;
    self->count--;
    if (place->status != BASE_OK) {
        if (error && error->status == BASE_OK)
            *error = place->error;
        return place->status;
    }
    return session_copy_stream_write(self->stream, place->out.data, place->out.length, error);
}

static base_status end_all(copy_writer *self, base_error *error)
{
    while (self->count)
        RETURN_IF_ERROR(end_oldest(self, error));
    return BASE_OK;
}

static base_status give_chunk(copy_writer *self, const vector_chunk *chunk, base_error *error)
{
    RETURN_IF_ERROR(flush(self, error)); /* what the caller wrote comes before */
    RETURN_IF_ERROR(need_tasks(self, error));
    if (self->count == self->ring_size)
        RETURN_IF_ERROR(end_oldest(self, error));
    copy_place *place = &self->ring[(self->first + self->count) % self->ring_size];
    if (!place->made)
        RETURN_IF_ERROR(make_place(self, place, chunk, error));
    vector_chunk_reset(&place->rows);
    place->rows.count = 0;
    RETURN_IF_ERROR(vector_chunk_append(&place->rows, chunk, error));
    atomic_store(&place->done, false);
    self->count++;
    if (os_task_group_start(self->tasks, format_place, place, NULL) != BASE_OK)
        format_place(place);
    return BASE_OK;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static bool has_long_texts(const vector_chunk *chunk)
{
    size_t bytes = 0;
    for (uint32_t c = 0; c < chunk->column_count; c++) {
        const vector *column = &chunk->columns[c];
        for (uint32_t i = 0; column->form == TYPES_FORM_STRING && i < chunk->count; i++) {
            types_cell cell;
            if (vector_load(column, vector_row(chunk->selection, i), &cell))
                bytes += cell.string.length;
        }
    }
    return bytes > COPY_CHUNK_TEXT;
}

static base_status write_chunk(copy_writer *self, const vector_chunk *chunk, base_error *error)
{
    bool first = self->rows == 0;
    self->rows += chunk->count;
    if (self->lanes > 1 && !first && !has_long_texts(chunk))
        return give_chunk(self, chunk, error);
    RETURN_IF_ERROR(end_all(self, error));
    for (uint32_t next = 0; next < chunk->count;) {
        RETURN_IF_ERROR(session_copy_format_rows(&self->format, chunk, &next, FLUSH_SIZE,
                                                 &self->out, &self->scratch, error));
        if (self->out.length >= FLUSH_SIZE)
            RETURN_IF_ERROR(flush(self, error));
    }
    return BASE_OK;
}

/* Stays in the buffer: written with the first rows, or at the end. */
static base_status put_header(copy_writer *self, const plan_statement *plan)
{
    base_error *error = self->run->error;
    for (uint32_t i = 0; i < plan->column_count; i++) {
        if (i)
            base_buffer_append_byte(&self->out, self->format.options->delimiter);
        RETURN_IF_ERROR(session_copy_format_text(&self->format, base_text_of(plan->column_names[i]),
                                                 &self->out, error));
    }
    base_buffer_append_byte(&self->out, '\n');
    return self->out.failed ? base_error_no_memory(error) : BASE_OK;
}

static base_status put_rows(copy_writer *self, exec_execution *execution)
{
    base_error *error = self->run->error;
    base_status status = BASE_OK;
    while (status == BASE_OK) {
        vector_chunk *chunk;
        status = exec_next(execution, &chunk, error);
        if (status == BASE_ROW)
            status = write_chunk(self, chunk, error);
        else
            break;
    }
    if (status != BASE_DONE) {
        /* Of two errors that of the earlier rows is told. */
        base_error earlier;
        base_error_clear(&earlier);
        base_status ended = end_all(self, &earlier);
        if (ended != BASE_OK)
            *error = earlier;
        return ended == BASE_OK ? status : ended;
    }
    RETURN_IF_ERROR(end_all(self, error));
    return self->out.length
               ? session_copy_stream_write(self->stream, self->out.data, self->out.length, error)
               : BASE_OK;
}

static base_status run_query(copy_writer *self, const plan_statement *plan)
{
    session_run *run = self->run;
    exec_options options;
    exec_execution *execution = NULL;
    session_exec_options(run->connection, &options);
    RETURN_IF_ERROR(exec_create(plan, &options, &execution, run->error));
    base_status status = BASE_OK;
    for (uint32_t i = 0; i < plan->parameter_count && status == BASE_OK; i++)
        status = exec_bind(execution, i, &run->statement->parameters[i], run->error);
    if (status == BASE_OK)
        status = exec_open(execution, run->transaction, run->error);
    if (status == BASE_OK)
        status = put_rows(self, execution);
    exec_reset(execution);
    exec_destroy(execution);
    return status;
}

static void open_writer(copy_writer *self, session_run *run, copy_stream *stream,
                        const copy_options *options)
{
    *self = (copy_writer){.run = run, .stream = stream, .budget = &run->connection->budget};
    self->lanes = session_copy_lanes(run->connection);
    session_copy_format_init(&self->format, options);
    base_buffer_init(&self->out, self->budget);
    base_buffer_init(&self->scratch, self->budget);
}

static void close_writer(copy_writer *self)
{
    os_task_group_destroy(self->tasks);
    for (uint32_t i = 0; self->ring && i < self->ring_size; i++) {
        copy_place *place = &self->ring[i];
        if (!place->made)
            continue;
        vector_chunk_destroy(&place->rows);
        base_buffer_destroy(&place->out);
        base_buffer_destroy(&place->scratch);
    }
    base_buffer_destroy(&self->out);
    base_buffer_destroy(&self->scratch);
}

/* ---- The statement --------------------------------------------------------------------------- */

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
    copy_writer writer;
    if (!query)
        RETURN_IF_ERROR(query_of_table(run, &query));
    parser_statement statement = {.kind = PARSER_STATEMENT_QUERY, .query = query};
    RETURN_IF_ERROR(
        session_plan_tree(run->connection, run->schema, &statement, run->statement->parameter_count,
                          run->statement->parameter_types, run->arena, &plan, run->error));
    RETURN_IF_ERROR(session_copy_stream_open(&stream, run, false));
    open_writer(&writer, run, &stream, options);
    base_status status = options->header ? put_header(&writer, &plan) : BASE_OK;
    if (status == BASE_OK)
        status = run_query(&writer, &plan);
    close_writer(&writer);
    if (status != BASE_OK) {
        session_copy_stream_discard(&stream);
        return status;
    }
    session_copy_stream_close(&stream);
    run->statement->rows_affected = writer.rows;
    return BASE_OK;
}
