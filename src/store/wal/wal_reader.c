/*
 * wal_reader.c - reads a generation's frames in order.
 *
 * One window of the stream is kept in memory, so that small frames cost no system call each;
 * a frame larger than the window enlarges it. Lengths are checked against the stream before
 * anything is read or allocated: a damaged length costs nothing.
 */
#include "store/wal/wal_int.h"

enum {
    READER_WINDOW = 262144
};

void wal_reader_init(wal_reader *reader, wal_log *log)
{
    *reader = (wal_reader){.log = log};
}

void wal_reader_destroy(wal_reader *reader)
{
    base_free(reader->log->budget, reader->window, reader->window_capacity);
    reader->window = NULL;
}

void wal_reader_open(wal_reader *reader, const wal_generation *generation, uint64_t limit,
                     uint32_t first_chain)
{
    reader->generation = generation;
    reader->limit = BASE_MIN(limit, (uint64_t)generation->segment_count * WAL_PAYLOAD);
    reader->position = 0;
    reader->chain = first_chain;
    reader->window_start = 0;
    reader->window_length = 0;
}

/* Makes `length` bytes from `position` available. */
static base_status fetch(wal_reader *reader, uint64_t position, size_t length,
                         const unsigned char **bytes, base_error *error)
{
    BASE_ASSERT(position + length <= reader->limit);
    if (position < reader->window_start ||
        position + length > reader->window_start + reader->window_length) {
        if (length > reader->window_capacity) {
            size_t capacity = BASE_MAX(length, (size_t)READER_WINDOW);
            base_free(reader->log->budget, reader->window, reader->window_capacity);
            reader->window_capacity = reader->window_length = 0;
            reader->window = base_allocate(reader->log->budget, capacity);
            if (!reader->window)
                return base_error_no_memory(error);
            reader->window_capacity = capacity;
        }
        size_t part = (size_t)BASE_MIN((uint64_t)reader->window_capacity, reader->limit - position);
        reader->window_length = 0;
        RETURN_IF_ERROR(wal_stream_read(reader->log, reader->generation, position, reader->window,
                                        part, error));
        reader->window_start = position;
        reader->window_length = part;
    }
    *bytes = reader->window + (position - reader->window_start);
    return BASE_OK;
}

base_status wal_reader_next(wal_reader *reader, base_error *error)
{
    const unsigned char *bytes;
    if (reader->position + WAL_FRAME_HEADER_SIZE > reader->limit)
        return BASE_DONE;
    RETURN_IF_ERROR(fetch(reader, reader->position, WAL_FRAME_HEADER_SIZE, &bytes, error));
    wal_frame_header *header = &reader->header;
    if (!wal_frame_header_load(header, reader->generation->salt, reader->chain, bytes))
        return BASE_DONE;
    uint64_t end = reader->position + WAL_FRAME_HEADER_SIZE + header->length;
    if (end > reader->limit && header->type == WAL_FRAME_DATA)
        return BASE_DONE;
    reader->payload = NULL;
    if (header->type == WAL_FRAME_DATA) {
        RETURN_IF_ERROR(fetch(reader, reader->position + WAL_FRAME_HEADER_SIZE, header->length,
                              &reader->payload, error));
        if (crypto_crc32c(0, reader->payload, header->length) != header->payload_crc)
            return BASE_DONE;
    }
    reader->position = end;
    reader->chain = header->chain;
    return BASE_ROW;
}
