/*
 * wal_segment.c - a generation's stream of bytes on the segments of the file.
 *
 * Segments let a checkpoint forget the log's past while commits go on: the generations
 * before the switch give back their segments, the ones after keep theirs, nothing is copied
 * and the file does not grow for ever. Rejected: a second log file (two names for one thing,
 * and users copy files), holes punched into an ever-growing file (not on every system),
 * copying the live tail to the front (a pause as long as the tail).
 *
 * A sync that also changes the file's size costs the system a second write, to its journal.
 * In full mode the file is therefore filled with zeros some way ahead, further the larger it
 * is: most commits then overwrite. Zeros are no frames, so nothing else changes.
 *
 * The first segment's header is synced before any frame is written behind it, so a
 * generation that acknowledged anything can always be recognised. Headers of later segments
 * become durable with the frames they precede.
 */
#include "store/wal/wal_int.h"

uint64_t wal_stream_place(const wal_generation *generation, uint64_t position)
{
    uint64_t ordinal = position / WAL_PAYLOAD;
    BASE_VERIFY(ordinal < generation->segment_count);
    return (uint64_t)generation->segments[ordinal] * WAL_SEGMENT + WAL_BLOCK +
           position % WAL_PAYLOAD;
}

base_status wal_stream_read(wal_log *log, const wal_generation *generation, uint64_t position,
                            void *buffer, size_t length, base_error *error)
{
    for (size_t done = 0; done < length;) {
        size_t part =
            BASE_MIN(length - done, (size_t)(WAL_PAYLOAD - (position + done) % WAL_PAYLOAD));
        size_t got; /* what lies behind the file's end reads as zeros: no frame */
        RETURN_IF_ERROR(os_file_read_some(log->file, wal_stream_place(generation, position + done),
                                          (char *)buffer + done, part, &got, error));
        done += part;
    }
    return BASE_OK;
}

bool wal_segment_map_grow(wal_log *log, uint32_t count)
{
    if (!base_grow_array(log->budget, &log->segment_used, &log->segment_capacity, count,
                         sizeof *log->segment_used))
        return false;
    for (; log->segment_count < count; log->segment_count++)
        log->segment_used[log->segment_count] = false;
    return true;
}

bool wal_generation_add_segment(wal_log *log, wal_generation *generation, uint32_t place)
{
    if (!base_grow_array(log->budget, &generation->segments, &generation->segment_capacity,
                         generation->segment_count + 1, sizeof *generation->segments))
        return false;
    generation->segments[generation->segment_count++] = place;
    log->segment_used[place] = true;
    return true;
}

wal_generation *wal_generation_allocate(wal_log *log)
{
    return base_allocate_zeroed(log->budget, sizeof(wal_generation));
}

void wal_generation_free(wal_log *log, wal_generation *generation)
{
    for (uint32_t i = 0; i < generation->segment_count; i++)
        log->segment_used[generation->segments[i]] = false;
    base_free_array(log->budget, generation->segments, generation->segment_capacity,
                    sizeof *generation->segments);
    base_free(log->budget, generation, sizeof *generation);
}

/* Every write of the log: keeps track of the file's end. */
static base_status write_at(wal_log *log, uint64_t offset, const void *bytes, size_t length,
                            base_error *error)
{
    RETURN_IF_ERROR(os_file_write(log->file, offset, bytes, length, error));
    log->file_end = BASE_MAX(log->file_end, offset + length);
    return BASE_OK;
}

void wal_stream_extend(wal_log *log, const wal_generation *generation)
{
    uint64_t inside = generation->length % WAL_PAYLOAD;
    if (inside == 0)
        return; /* the next segment may lie elsewhere */
    uint64_t offset = wal_stream_place(generation, generation->length);
    if (offset < log->file_end)
        return;
    static const unsigned char zeros[WAL_LARGEST_EXTENSION];
    uint64_t size = BASE_ALIGN_UP(log->file_end / 2, (uint64_t)WAL_BLOCK);
    size = BASE_MIN(size, (uint64_t)WAL_LARGEST_EXTENSION);
    size = BASE_MIN(size, WAL_PAYLOAD - inside);
    /* Only for speed: where it fails, the commit's own writes tell what is wrong. */
    (void)write_at(log, offset, zeros, (size_t)size, NULL);
}

static uint32_t free_place(const wal_log *log)
{
    uint32_t place = 0;
    while (place < log->segment_count && log->segment_used[place])
        place++;
    return place;
}

/* Takes the first free segment (or a new one) and writes its header. Memory comes first: where it
 * fails nothing has been written. */
static base_status add_segment(wal_log *log, wal_generation *generation, wal_segment_header *header,
                               base_error *error)
{
    uint32_t place = free_place(log);
    unsigned char block[WAL_BLOCK];
    header->ordinal = generation->segment_count;
    if ((place == log->segment_count && !wal_segment_map_grow(log, place + 1)) ||
        !wal_generation_add_segment(log, generation, place))
        return base_error_no_memory(error);
    wal_segment_header_store(header, block);
    base_status status = write_at(log, (uint64_t)place * WAL_SEGMENT, block, sizeof block, error);
    if (status != BASE_OK) {
        generation->segment_count--;
        log->segment_used[place] = false;
    }
    return status;
}

/*
 * A generation whose first header may have been written before the disk was full: the number will
 * be given again, perhaps at a later sequence. Were the old header found then, the log would not
 * fit the database file.
 */
base_status wal_forget_stale(wal_log *log, base_error *error)
{
    static const unsigned char zeros[WAL_BLOCK];
    if (!log->has_stale)
        return BASE_OK;
    uint64_t offset = (uint64_t)log->stale_place * WAL_SEGMENT, size;
    RETURN_IF_ERROR(log->file->operations->size(log->file, &size, error));
    if (size > offset) /* needs no room */
        RETURN_IF_ERROR(os_file_write(log->file, offset, zeros,
                                      (size_t)BASE_MIN(size - offset, (uint64_t)WAL_BLOCK), error));
    log->has_stale = false;
    return BASE_OK;
}

static wal_segment_header header_of(const wal_log *log, const wal_generation *generation)
{
    wal_segment_header header = {
        .generation = generation->number,
        .salt = generation->salt,
        .base_sequence = generation->base_sequence,
        .base_epoch = log->epoch,
    };
    memcpy(header.database_id, log->database_id, sizeof header.database_id);
    return header;
}

base_status wal_stream_write(wal_log *log, wal_generation *generation, uint64_t position,
                             const void *bytes, size_t length, base_error *error)
{
    for (size_t done = 0; done < length;) {
        uint64_t at = position + done;
        if (at / WAL_PAYLOAD >= generation->segment_count) {
            wal_segment_header header = header_of(log, generation);
            RETURN_IF_ERROR(add_segment(log, generation, &header, error));
        }
        size_t part = BASE_MIN(length - done, (size_t)(WAL_PAYLOAD - at % WAL_PAYLOAD));
        RETURN_IF_ERROR(write_at(log, wal_stream_place(generation, at), (const char *)bytes + done,
                                 part, error));
        done += part;
    }
    return BASE_OK;
}

static base_status rewrite_part(wal_log *log, uint64_t offset, unsigned char *buffer, size_t length,
                                base_error *error)
{
    size_t got;
    RETURN_IF_ERROR(os_file_read_some(log->file, offset, buffer, length, &got, error));
    return got ? os_file_write(log->file, offset, buffer, got, error) : BASE_OK;
}

base_status wal_stream_rewrite(wal_log *log, const wal_generation *generation, uint64_t from,
                               base_error *error)
{
    unsigned char *buffer = base_allocate(log->budget, WAL_PAYLOAD);
    if (!buffer)
        return base_error_no_memory(error);
    base_status status = BASE_OK;
    uint32_t ordinal = (uint32_t)(from / WAL_PAYLOAD);
    for (; status == BASE_OK && ordinal < generation->segment_count; ordinal++) {
        uint64_t start = (uint64_t)ordinal * WAL_PAYLOAD, first = BASE_MAX(from, start);
        uint64_t end = BASE_MIN(start + WAL_PAYLOAD, generation->length);
        uint64_t place = (uint64_t)generation->segments[ordinal] * WAL_SEGMENT;
        if (first == start)
            status = rewrite_part(log, place, buffer, WAL_BLOCK, error);
        if (status == BASE_OK && end > first)
            status = rewrite_part(log, place + WAL_BLOCK + (first - start), buffer,
                                  (size_t)(end - first), error);
    }
    base_free(log->budget, buffer, WAL_PAYLOAD);
    return status;
}

/* Opens the file for writing, making it when it is missing. */
static base_status open_file(wal_log *log, base_error *error)
{
    if (log->file)
        return BASE_OK;
    RETURN_IF_ERROR(os_file_open(log->environment, log->budget, log->path,
                                 OS_OPEN_READ | OS_OPEN_WRITE | OS_OPEN_CREATE, &log->file, error));
    log->name_unsynced = true;
    return BASE_OK;
}

/* The header and the file's name on stable storage. */
static base_status sync_start(wal_log *log, base_error *error)
{
    RETURN_IF_ERROR(os_file_sync(log->file, error));
    if (log->name_unsynced)
        RETURN_IF_ERROR(log->environment->sync_directory(log->environment, log->path, error));
    log->name_unsynced = false;
    return BASE_OK;
}

static wal_generation *newest(const wal_log *log)
{
    wal_generation *generation = log->oldest;
    while (generation && generation->next)
        generation = generation->next;
    return generation;
}

/*
 * Begins the generation `next_generation`, durably, and makes it current. On failure the log
 * is as before (a file may have been made), unless `*broken` says that a header may or may
 * not be on disk: then a second try could make two generations of one number.
 */
base_status wal_generation_start(wal_log *log, bool *broken, base_error *error)
{
    BASE_ASSERT(!log->current);
    *broken = false;
    RETURN_IF_ERROR(open_file(log, error));
    RETURN_IF_ERROR(wal_forget_stale(log, error));
    wal_generation *generation = wal_generation_allocate(log);
    if (!generation)
        return base_error_no_memory(error);
    base_status status = log->environment->random_bytes(log->environment, &generation->salt,
                                                        sizeof generation->salt, error);
    if (status != BASE_OK)
        goto failed;
    generation->number = log->next_generation;
    generation->base_sequence = log->base_sequence;
    wal_segment_header header = header_of(log, generation);
    wal_generation *before = newest(log);
    if (before) {
        header.previous_length = before->length;
        header.previous_chain = before->chain;
    }
    log->stale_place = free_place(log);
    status = add_segment(log, generation, &header, error);
    log->has_stale = status == BASE_DISK_FULL;
    *broken = status != BASE_OK && status != BASE_DISK_FULL && status != BASE_OUT_OF_MEMORY;
    if (status != BASE_OK)
        goto failed;
    generation->chain = generation->first_chain = header.crc;
    status = sync_start(log, error);
    *broken = status != BASE_OK;
    if (status != BASE_OK)
        goto failed;
    if (before)
        before->next = generation;
    else
        log->oldest = generation;
    log->current = generation;
    log->next_generation++;
    return BASE_OK;

failed:
    wal_generation_free(log, generation);
    return status;
}
