/*
 * session_backlog.c - rows collected in chunks, beyond memory.
 *
 * A chunk in the file is its columns one after the other: a byte that says whether there are
 * NULLs, the bits of those, the values, and behind strings the bytes that do not lie in
 * them, in order. The file is this process's alone, so the layout is that of memory; what comes
 * back was checked by spill_read.
 *
 * Rejected: handing the rows to the table as they come. They would be there for every other
 * statement of the connection before the appender is closed, an open appender would keep a
 * transaction and the table's lock for as long as the program likes, and a conflict would come
 * up at some later row.
 */
#include "session/session_backlog.h"

enum {
    BACKLOG_BLOCK = 1 << 28 /* bytes that are written at once, at most */
};

void session_backlog_init(session_backlog *self, base_budget *budget, os_environment *environment,
                          size_t memory, const types_type *types, uint32_t column_count)
{
    *self = (session_backlog){
        .environment = environment, .memory = memory, .types = types, .column_count = column_count};
    base_budget_init(&self->budget, budget, NULL, "rows", SIZE_MAX);
    base_buffer_init(&self->bytes, budget);
}

static void drop_chunks(session_backlog *self)
{
    for (uint32_t i = 0; i < self->chunk_count; i++)
        vector_chunk_destroy(&self->chunks[i]);
    self->chunk_count = 0;
}

void session_backlog_destroy(session_backlog *self)
{
    base_budget *parent = self->bytes.budget;
    drop_chunks(self);
    if (self->has_read)
        vector_chunk_destroy(&self->read);
    base_free_array(&self->budget, self->chunks, self->chunk_capacity, sizeof *self->chunks);
    base_free_array(parent, self->blocks, self->block_capacity, sizeof *self->blocks);
    spill_destroy(self->file);
    base_buffer_destroy(&self->bytes);
    BASE_ASSERT(atomic_load(&self->budget.used) == 0);
}

/* ---- To the file ----------------------------------------------------------------------------- */

static void put_column(const vector *column, uint32_t count, base_buffer *out)
{
    base_buffer_append_byte(out, column->validity != NULL);
    if (column->validity)
        base_buffer_append(out, column->validity, VECTOR_WORDS * sizeof *column->validity);
    base_buffer_append(out, column->data, (size_t)count * types_form_size(column->form));
    if (column->form != TYPES_FORM_STRING)
        return;
    const types_string *strings = column->data;
    for (uint32_t i = 0; i < count; i++) {
        if (vector_is_valid(column, i) && strings[i].length > TYPES_STRING_INLINE)
            base_buffer_append(out, strings[i].far.pointer, strings[i].length);
    }
}

/* What a chunk's bytes begin with. */
typedef struct chunk_head {
    uint64_t length; /* of all, this included; in as many blocks as that takes */
    uint64_t count;
} chunk_head;

static base_status put_chunk(session_backlog *self, const vector_chunk *chunk, base_error *error)
{
    chunk_head head = {0, chunk->count};
    base_buffer_clear(&self->bytes);
    base_buffer_append(&self->bytes, &head, sizeof head);
    for (uint32_t c = 0; c < self->column_count; c++)
        put_column(&chunk->columns[c], chunk->count, &self->bytes);
    if (self->bytes.failed)
        return base_error_no_memory(error);
    head.length = self->bytes.length;
    memcpy(self->bytes.data, &head, sizeof head);
    for (size_t done = 0; done < self->bytes.length;) {
        size_t part = BASE_MIN(self->bytes.length - done, (size_t)BACKLOG_BLOCK);
        if (!base_grow_array(self->bytes.budget, &self->blocks, &self->block_capacity,
                             self->block_count + 1, sizeof *self->blocks))
            return base_error_no_memory(error);
        RETURN_IF_ERROR(spill_append(self->file, self->bytes.data + done, part,
                                     &self->blocks[self->block_count], error));
        self->block_count++;
        done += part;
    }
    return BASE_OK;
}

static base_status put_chunks(session_backlog *self, base_error *error)
{
    if (!self->file)
        RETURN_IF_ERROR(
            spill_create(self->environment, self->bytes.budget, NULL, 0, &self->file, error));
    for (uint32_t i = 0; i < self->chunk_count; i++)
        RETURN_IF_ERROR(put_chunk(self, &self->chunks[i], error));
    drop_chunks(self);
    return BASE_OK;
}

/* ---- Adding ---------------------------------------------------------------------------------- */

base_status session_backlog_room(session_backlog *self, vector_chunk **room, base_error *error)
{
    if (self->chunk_count && self->chunks[self->chunk_count - 1].count < VECTOR_SIZE) {
        *room = &self->chunks[self->chunk_count - 1];
        return BASE_OK;
    }
    if (!base_grow_array(&self->budget, &self->chunks, &self->chunk_capacity, self->chunk_count + 1,
                         sizeof *self->chunks))
        return base_error_no_memory(error);
    *room = &self->chunks[self->chunk_count];
    RETURN_IF_ERROR(
        vector_chunk_init(*room, &self->budget, self->types, self->column_count, error));
    /* Rows may not give every column: what goes to the file then is zeros, no old strings. */
    for (uint32_t c = 0; c < self->column_count; c++) {
        vector *column = &(*room)->columns[c];
        memset(column->data, 0, VECTOR_SIZE * (size_t)types_form_size(column->form));
    }
    if (self->chunk_count++ == 0)
        self->chunk_bytes = atomic_load(&self->budget.used);
    return BASE_OK;
}

base_status session_backlog_added(session_backlog *self, base_error *error)
{
    bool is_full = ++self->chunks[self->chunk_count - 1].count == VECTOR_SIZE;
    size_t used = atomic_load(&self->budget.used);
    self->row_count++;
    /* Before the chunk is full only where its texts are long. */
    bool exceeds = used > self->memory && (is_full || used - self->memory > 2 * self->chunk_bytes);
    return exceeds ? put_chunks(self, error) : BASE_OK;
}

/* ---- Reading --------------------------------------------------------------------------------- */

void session_backlog_rewind(session_backlog *self)
{
    self->next_block = self->next_chunk = 0;
}

static base_status take_column(vector *column, uint32_t count, base_arena *heap, const char **from,
                               base_error *error)
{
    const char *at = *from;
    if (*at++) {
        vector_make_validity(column);
        memcpy(column->validity, at, VECTOR_WORDS * sizeof *column->validity);
        at += VECTOR_WORDS * sizeof *column->validity;
    }
    size_t size = (size_t)count * types_form_size(column->form);
    memcpy(column->data, at, size);
    at += size;
    types_string *strings = column->data;
    for (uint32_t i = 0; column->form == TYPES_FORM_STRING && i < count; i++) {
        if (!vector_is_valid(column, i) || strings[i].length <= TYPES_STRING_INLINE)
            continue;
        strings[i].far.pointer = base_arena_copy_text(heap, at, strings[i].length);
        if (!strings[i].far.pointer)
            return base_error_no_memory(error);
        at += strings[i].length;
    }
    *from = at;
    return BASE_OK;
}

/* The bytes of the next chunk. */
static base_status read_blocks(session_backlog *self, chunk_head *head, base_error *error)
{
    base_buffer_clear(&self->bytes);
    do {
        const spill_block *block = &self->blocks[self->next_block];
        if (!base_buffer_reserve(&self->bytes, block->length))
            return base_error_no_memory(error);
        RETURN_IF_ERROR(
            spill_read(self->file, block, self->bytes.data + self->bytes.length, error));
        self->bytes.length += block->length;
        self->next_block++;
        memcpy(head, self->bytes.data, sizeof *head);
    } while (self->bytes.length < head->length);
    return BASE_OK;
}

static base_status take_chunk(session_backlog *self, base_error *error)
{
    chunk_head head;
    if (!self->has_read)
        RETURN_IF_ERROR(
            vector_chunk_init(&self->read, &self->budget, self->types, self->column_count, error));
    self->has_read = true;
    vector_chunk_reset(&self->read);
    RETURN_IF_ERROR(read_blocks(self, &head, error));
    const char *at = self->bytes.data + sizeof head;
    self->read.count = (uint32_t)head.count;
    for (uint32_t c = 0; c < self->column_count; c++)
        RETURN_IF_ERROR(
            take_column(&self->read.columns[c], self->read.count, self->read.heap, &at, error));
    BASE_ASSERT(at == self->bytes.data + self->bytes.length);
    return BASE_OK;
}

base_status session_backlog_next(session_backlog *self, const vector_chunk **chunk,
                                 base_error *error)
{
    if (self->next_block < self->block_count) {
        RETURN_IF_ERROR(take_chunk(self, error));
        *chunk = &self->read;
        return BASE_ROW;
    }
    if (self->next_chunk == self->chunk_count || !self->chunks[self->next_chunk].count)
        return BASE_DONE;
    *chunk = &self->chunks[self->next_chunk++];
    return BASE_ROW;
}
