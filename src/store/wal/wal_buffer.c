/*
 * wal_buffer.c - a transaction's records before commit.
 *
 * A list of chunks that double in size, each with room for a frame header before its
 * records: at commit a chunk is a frame and goes to the file as it lies, without a copy. A
 * record never spans chunks, so that replay hands it out in one piece.
 *
 * Invariants: `position` is the sum of `used` of all chunks; a chunk's `start` is the sum
 * before it; only `last` grows.
 */
#include "store/wal/wal_int.h"

static size_t chunk_size(uint32_t capacity)
{
    return sizeof(wal_chunk) + capacity;
}

void wal_buffer_init(wal_buffer *buffer, base_budget *budget)
{
    *buffer = (wal_buffer){.budget = budget};
}

static void free_chunks_after(wal_buffer *buffer, wal_chunk *kept)
{
    wal_chunk *chunk = kept ? kept->next : buffer->first;
    while (chunk) {
        wal_chunk *next = chunk->next;
        base_free(buffer->budget, chunk, chunk_size(chunk->capacity));
        chunk = next;
    }
    if (kept)
        kept->next = NULL;
    else
        buffer->first = NULL;
    buffer->last = kept;
}

void wal_buffer_destroy(wal_buffer *buffer)
{
    free_chunks_after(buffer, NULL);
    buffer->position = buffer->record_count = 0;
}

void wal_buffer_reset(wal_buffer *buffer)
{
    wal_chunk *first = buffer->first;
    bool keep = first && first->capacity <= WAL_FIRST_CHUNK;
    free_chunks_after(buffer, keep ? first : NULL);
    if (keep)
        first->used = 0;
    buffer->position = buffer->record_count = 0;
}

/* A new last chunk with room for `needed` bytes. */
static wal_chunk *add_chunk(wal_buffer *buffer, size_t needed)
{
    size_t capacity = WAL_FIRST_CHUNK;
    if (buffer->last)
        capacity = BASE_MIN((size_t)buffer->last->capacity * 2, (size_t)WAL_LARGEST_CHUNK);
    capacity = BASE_MAX(capacity, needed);
    BASE_ASSERT(capacity <= WAL_MAX_FRAME_LENGTH);
    wal_chunk *chunk = base_allocate(buffer->budget, chunk_size((uint32_t)capacity));
    if (!chunk)
        return NULL;
    chunk->next = NULL;
    chunk->start = buffer->position;
    chunk->capacity = (uint32_t)capacity;
    chunk->used = 0;
    if (buffer->last)
        buffer->last->next = chunk;
    else
        buffer->first = chunk;
    buffer->last = chunk;
    return chunk;
}

void *wal_buffer_add(wal_buffer *buffer, uint16_t type, size_t length)
{
    BASE_ASSERT(type != 0);
    if (length > WAL_MAX_RECORD)
        return NULL;
    size_t needed = BASE_ALIGN_UP(WAL_RECORD_HEADER_SIZE + length, (size_t)8);
    wal_chunk *chunk = buffer->last;
    if (BASE_UNLIKELY(!chunk || chunk->capacity - chunk->used < needed)) {
        chunk = add_chunk(buffer, needed);
        if (!chunk)
            return NULL;
    }
    unsigned char *record = chunk->payload + chunk->used;
    base_store_u32(record, (uint32_t)length);
    base_store_u16(record + 4, type);
    base_store_u16(record + 6, 0);
    base_store_u64(record + needed - 8, 0); /* the bytes that only align */
    if (length == 0) {
        base_store_u32(record, 0);
        base_store_u16(record + 4, type);
    }
    chunk->used += (uint32_t)needed;
    buffer->position += needed;
    buffer->record_count++;
    return record + WAL_RECORD_HEADER_SIZE;
}

void wal_buffer_shrink_last(wal_buffer *buffer, size_t length, size_t new_length)
{
    wal_chunk *chunk = buffer->last;
    size_t before = BASE_ALIGN_UP(WAL_RECORD_HEADER_SIZE + length, (size_t)8);
    size_t after = BASE_ALIGN_UP(WAL_RECORD_HEADER_SIZE + new_length, (size_t)8);
    BASE_ASSERT(new_length <= length && chunk && chunk->used >= before);
    unsigned char *record = chunk->payload + chunk->used - before;
    BASE_ASSERT(base_load_u32(record) == length);
    base_store_u32(record, (uint32_t)new_length);
    memset(record + WAL_RECORD_HEADER_SIZE + new_length, 0,
           after - WAL_RECORD_HEADER_SIZE - new_length);
    chunk->used -= (uint32_t)(before - after);
    buffer->position -= before - after;
}

void wal_buffer_truncate(wal_buffer *buffer, uint64_t position)
{
    BASE_ASSERT(position <= buffer->position);
    wal_chunk *kept = NULL;
    for (wal_chunk *chunk = buffer->first; chunk && chunk->start <= position; chunk = chunk->next)
        kept = chunk;
    if (!kept)
        return; /* nothing was ever added */
    free_chunks_after(buffer, kept);
    kept->used = (uint32_t)(position - kept->start);
    buffer->position = position;
}
