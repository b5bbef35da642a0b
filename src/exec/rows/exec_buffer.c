/*
 * exec_buffer.c - rows kept as full chunks, in order: what CTEs, kept join inputs and
 * changes read again.
 *
 * Chunks are filled before the next one is begun, so a chunk other than the last holds
 * VECTOR_SIZE rows whatever came in.
 */
#include "exec/rows/exec_rows.h"

static void free_chunk(exec_buffer *buffer, vector_chunk *chunk)
{
    vector_chunk_destroy(chunk);
    base_free(&buffer->execution->budget, chunk, sizeof *chunk);
}

static void destroy_buffer(void *context)
{
    exec_buffer *buffer = context;
    for (uint32_t i = 0; i < buffer->chunk_count; i++)
        free_chunk(buffer, buffer->chunks[i]);
    base_free_array(&buffer->execution->budget, buffer->chunks, buffer->chunk_capacity,
                    sizeof(vector_chunk *));
}

base_status exec_buffer_new(exec_execution *execution, const types_type *types,
                            uint32_t column_count, exec_buffer **result, base_error *error)
{
    exec_buffer *buffer = EXEC_NEW(execution, exec_buffer);
    if (!buffer)
        return base_error_no_memory(error);
    buffer->execution = execution;
    buffer->column_count = column_count;
    buffer->types = exec_new(execution, (column_count + 1) * sizeof(types_type));
    if (!buffer->types)
        return base_error_no_memory(error);
    memcpy(buffer->types, types, column_count * sizeof(types_type));
    if (!base_arena_on_release(&execution->arena, destroy_buffer, buffer))
        return base_error_no_memory(error);
    *result = buffer;
    return BASE_OK;
}

void exec_buffer_clear(exec_buffer *buffer)
{
    while (buffer->chunk_count > 1)
        free_chunk(buffer, buffer->chunks[--buffer->chunk_count]);
    if (buffer->chunk_count)
        vector_chunk_reset(buffer->chunks[0]);
    buffer->row_count = 0;
}

static base_status add_chunk(exec_buffer *buffer, base_error *error)
{
    base_budget *budget = &buffer->execution->budget;
    if (!base_grow_array(budget, &buffer->chunks, &buffer->chunk_capacity, buffer->chunk_count + 1,
                         sizeof(vector_chunk *)))
        return base_error_no_memory(error);
    vector_chunk *chunk = base_allocate_zeroed(budget, sizeof *chunk);
    if (!chunk)
        return base_error_no_memory(error);
    base_status status =
        vector_chunk_init(chunk, budget, buffer->types, buffer->column_count, error);
    if (status != BASE_OK) {
        base_free(budget, chunk, sizeof *chunk);
        return status;
    }
    buffer->chunks[buffer->chunk_count++] = chunk;
    return BASE_OK;
}

base_status exec_buffer_append(exec_buffer *buffer, const vector_chunk *chunk, base_error *error)
{
    uint32_t done = 0;
    while (done < chunk->count) {
        vector_chunk *last = buffer->chunk_count ? buffer->chunks[buffer->chunk_count - 1] : NULL;
        if (!last || last->count == VECTOR_SIZE) {
            RETURN_IF_ERROR(add_chunk(buffer, error));
            continue;
        }
        uint32_t part = BASE_MIN(chunk->count - done, VECTOR_SIZE - last->count);
        uint16_t dense[VECTOR_SIZE];
        const uint16_t *selection = dense;
        if (chunk->selection)
            selection = chunk->selection + done;
        else
            for (uint32_t i = 0; i < part; i++)
                dense[i] = (uint16_t)(done + i);
        for (uint32_t c = 0; c < buffer->column_count; c++)
            RETURN_IF_ERROR(vector_copy(&last->columns[c], last->count, &chunk->columns[c],
                                        selection, part, last->heap, error));
        last->count += part;
        done += part;
        buffer->row_count += part;
    }
    return BASE_OK;
}

void exec_buffer_read(const exec_buffer *buffer, uint32_t index, vector_chunk *frame)
{
    const vector_chunk *chunk = buffer->chunks[index];
    memcpy(frame->columns, chunk->columns, buffer->column_count * sizeof(vector));
    frame->count = chunk->count;
    frame->selection = NULL;
}
