/*
 * wal_recover.c - what a log file holds: which generations count and where they end.
 *
 * Steps
 *   1. Read all segment headers. Other databases' and newer versions' logs are refused.
 *   2. Put segments into generations. Those older than the header asks for are dead space.
 *   3. The first generation must be the one that the header names and must not begin below the
 *      header's sequence, and none may be missing: else file and log do not belong together,
 *      and opening would lose commits.
 *   4. Every generation but the newest must be whole, up to the length that its successor
 *      states: it was synced before the successor began.
 *   5. The newest ends at the first frame that does not follow. Nothing that was known to be
 *      durable may be missing: frames behind the end tell, each by its field `durable`,
 *      found by the salt wherever they lie. If one knows of a later durable sequence than
 *      the last whole unit, the log is damaged. Otherwise the power was cut while the rest
 *      was on its way and nobody had been promised anything (but in modes that promise less).
 *
 * What cannot be told apart: damage to the very last acknowledged unit looks as a torn write.
 */
#include "store/wal/wal_int.h"

typedef struct found_segment {
    wal_segment_header header;
    uint32_t place;
} found_segment;

typedef struct recovery {
    wal_log *log;
    const wal_options *options;
    found_segment *found; /* of generations that count */
    uint32_t found_count, found_capacity;
    uint32_t *unknown; /* places of segments without a valid header */
    uint32_t unknown_count, unknown_capacity;
    uint64_t file_size;
    bool foreign_bytes; /* an invalid header that is not empty either */
} recovery;

static base_status damaged(const wal_log *log, base_error *error, const char *what)
{
    return base_error_set(error, BASE_CORRUPT, "log \"%s\" is damaged: %s", log->path, what);
}

/* ---- 1. Segment headers ---------------------------------------------------------------- */

static bool is_zero(const unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i])
            return false;
    }
    return true;
}

static base_status note_segment(recovery *self, uint32_t place, const unsigned char *block,
                                base_error *error)
{
    wal_log *log = self->log;
    wal_segment_header header;
    base_status status = wal_segment_header_load(&header, block, log->path, error);
    if (status == BASE_NOT_FOUND) {
        /* A file shorter than its first block is one whose making was cut short. */
        bool unfinished = self->file_size < WAL_BLOCK && wal_segment_header_begins(block);
        self->foreign_bytes |= !unfinished && !is_zero(block, WAL_SEGMENT_HEADER_SIZE);
        if (!base_grow_array(log->budget, &self->unknown, &self->unknown_capacity,
                             self->unknown_count + 1, sizeof *self->unknown))
            return base_error_no_memory(error);
        self->unknown[self->unknown_count++] = place;
        return BASE_OK;
    }
    RETURN_IF_ERROR(status);
    if (memcmp(header.database_id, log->database_id, sizeof header.database_id) != 0)
        return base_error_set(error, BASE_FORMAT, "log \"%s\" belongs to another database",
                              log->path);
    if (header.generation < self->options->generation)
        return BASE_OK; /* covered by the header: free space */
    if (header.base_epoch > self->options->epoch) {
        base_error_set(error, BASE_CORRUPT, "log \"%s\" is newer than its database file",
                       log->path);
        base_error_set_hint(error, "the file was replaced by an older copy, or its last "
                                   "checkpoint was lost");
        return BASE_CORRUPT;
    }
    if (!base_grow_array(log->budget, &self->found, &self->found_capacity, self->found_count + 1,
                         sizeof *self->found))
        return base_error_no_memory(error);
    self->found[self->found_count++] = (found_segment){header, place};
    return BASE_OK;
}

static base_status read_segment_headers(recovery *self, base_error *error)
{
    wal_log *log = self->log;
    RETURN_IF_ERROR(log->file->operations->size(log->file, &self->file_size, error));
    log->file_end = self->file_size;
    uint64_t count = (self->file_size + WAL_SEGMENT - 1) / WAL_SEGMENT;
    if (count >= UINT32_MAX)
        return damaged(log, error, "it is larger than a log can be");
    if (!wal_segment_map_grow(log, (uint32_t)count))
        return base_error_no_memory(error);
    for (uint32_t place = 0; place < count; place++) {
        unsigned char block[WAL_SEGMENT_HEADER_SIZE];
        size_t got;
        RETURN_IF_ERROR(os_file_read_some(log->file, (uint64_t)place * WAL_SEGMENT, block,
                                          sizeof block, &got, error));
        RETURN_IF_ERROR(note_segment(self, place, block, error));
    }
    return BASE_OK;
}

/* ---- 2, 3. Generations ---------------------------------------------------------------------- */

static int compare_segments(const void *left, const void *right)
{
    const wal_segment_header *a = &((const found_segment *)left)->header;
    const wal_segment_header *b = &((const found_segment *)right)->header;
    if (a->generation != b->generation)
        return a->generation < b->generation ? -1 : 1;
    return a->ordinal < b->ordinal ? -1 : a->ordinal > b->ordinal;
}

/*
 * No generation counts. That is right after a checkpoint, or when the power failed before
 * the first one was made. It is wrong when a header was lost that had units behind it.
 */
static base_status check_nothing_lost(recovery *self, base_error *error)
{
    wal_log *log = self->log;
    if (self->foreign_bytes)
        return damaged(log, error, "it is no log, or the header of a segment was changed");
    for (uint32_t i = 0; i < self->unknown_count; i++) {
        unsigned char bytes[WAL_FRAME_HEADER_SIZE];
        size_t got;
        uint64_t offset = (uint64_t)self->unknown[i] * WAL_SEGMENT + WAL_BLOCK;
        RETURN_IF_ERROR(os_file_read_some(log->file, offset, bytes, sizeof bytes, &got, error));
        bool frame = bytes[4] == WAL_FRAME_DATA && bytes[5] <= WAL_FRAME_LAST && bytes[6] == 0 &&
                     bytes[7] == 0 && base_load_u64(bytes + 8) != 0;
        if (frame && base_load_u64(bytes + 16) > self->options->sequence)
            return damaged(log, error, "the header of a segment is missing");
    }
    return BASE_OK;
}

/* Takes the segments [from, to) of one generation; those out of sequence become unknown. */
static base_status add_generation(recovery *self, uint32_t from, uint32_t to, wal_generation **link,
                                  base_error *error)
{
    wal_log *log = self->log;
    const wal_segment_header *first = &self->found[from].header;
    if (first->ordinal != 0)
        return damaged(log, error, "the first segment of a generation is missing");
    wal_generation *generation = wal_generation_allocate(log);
    if (!generation)
        return base_error_no_memory(error);
    *link = generation;
    generation->number = first->generation;
    generation->salt = first->salt;
    generation->base_sequence = first->base_sequence;
    generation->first_chain = first->crc;
    for (uint32_t i = from; i < to; i++) {
        const found_segment *segment = &self->found[i];
        bool follows = segment->header.ordinal == generation->segment_count &&
                       segment->header.salt == generation->salt;
        if (follows) {
            if (!wal_generation_add_segment(log, generation, segment->place))
                return base_error_no_memory(error);
            continue;
        }
        if (!base_grow_array(log->budget, &self->unknown, &self->unknown_capacity,
                             self->unknown_count + 1, sizeof *self->unknown))
            return base_error_no_memory(error);
        self->unknown[self->unknown_count++] = segment->place;
    }
    return BASE_OK;
}

static base_status build_generations(recovery *self, base_error *error)
{
    wal_log *log = self->log;
    qsort(self->found, self->found_count, sizeof *self->found, compare_segments);
    wal_generation **link = &log->oldest;
    uint64_t expected = self->options->generation;
    for (uint32_t from = 0, to; from < self->found_count; from = to) {
        uint64_t number = self->found[from].header.generation;
        for (to = from + 1; to < self->found_count; to++) {
            if (self->found[to].header.generation != number)
                break;
        }
        if (number != expected)
            return damaged(log, error, "a part that the database file needs is missing");
        expected++;
        RETURN_IF_ERROR(add_generation(self, from, to, link, error));
        link = &(*link)->next;
    }
    log->next_generation = expected;
    /* Above the header's when units that wrote nothing came between two switches. */
    if (log->oldest->base_sequence < self->options->sequence ||
        log->oldest->base_sequence >= WAL_SEQUENCE_END)
        return damaged(log, error, "it does not continue the database file");
    log->last_sequence = log->oldest->base_sequence;
    return BASE_OK;
}

/* ---- 4, 5. Frames ---------------------------------------------------------------------------- */

/* Reads up to `limit`; sets the generation's length and chain to the end of the last whole
 * unit, and the log's newest sequence and time. */
static base_status measure(recovery *self, wal_reader *reader, wal_generation *generation,
                           uint64_t limit, base_error *error)
{
    wal_log *log = self->log;
    wal_reader_open(reader, generation, limit, generation->first_chain);
    generation->length = 0;
    generation->chain = generation->first_chain;
    uint64_t unit = 0; /* sequence of the unit whose last frame has not come */
    for (;;) {
        base_status status = wal_reader_next(reader, error);
        if (status == BASE_DONE)
            return BASE_OK;
        if (status != BASE_ROW)
            return status;
        const wal_frame_header *header = &reader->header;
        log->stated_durable = BASE_MAX(log->stated_durable, header->durable);
        if (header->type == WAL_FRAME_DATA) {
            bool follows =
                unit ? header->sequence == unit
                     : header->sequence > log->last_sequence && header->sequence < WAL_SEQUENCE_END;
            if (!follows)
                return BASE_OK;
            unit = header->sequence;
            if (!(header->flags & WAL_FRAME_LAST))
                continue;
            log->last_sequence = unit;
            log->last_time = BASE_MAX(log->last_time, header->time);
            unit = 0;
        } else if (unit) {
            return BASE_OK; /* no padding inside a unit */
        }
        generation->length = reader->position;
        generation->chain = reader->chain;
    }
}

/*
 * Looks for frames of the generation in `length` bytes; true when one knows a durable
 * sequence above that of the last whole unit. The same sequence is enough when padding is
 * missing behind that unit: every sync pads first, so it was durable, too. (A header may be
 * torn itself and go on as what lay there before: only whole ones are believed.)
 */
static bool knows_more(const wal_log *log, const wal_generation *newest, const unsigned char *bytes,
                       size_t length)
{
    uint64_t known = log->last_sequence + (newest->length % WAL_BLOCK ? 0 : 1);
    for (size_t at = 0; at + WAL_FRAME_HEADER_SIZE <= length; at += 8) {
        if (base_load_u64(bytes + at + 8) == newest->salt &&
            base_load_u64(bytes + at + 24) >= known && wal_frame_header_is_whole(bytes + at))
            return true;
    }
    return false;
}

static base_status scan_place(recovery *self, const wal_generation *newest, uint32_t place,
                              size_t from, unsigned char *segment, base_error *error)
{
    size_t got;
    RETURN_IF_ERROR(os_file_read_some(self->log->file, (uint64_t)place * WAL_SEGMENT + from,
                                      segment, WAL_SEGMENT - from, &got, error));
    if (knows_more(self->log, newest, segment, got))
        return damaged(self->log, error, "something that had been synced is missing from it");
    return BASE_OK;
}

static base_status check_tail(recovery *self, const wal_generation *newest, base_error *error)
{
    wal_log *log = self->log;
    unsigned char *segment = base_allocate(log->budget, WAL_SEGMENT);
    if (!segment)
        return base_error_no_memory(error);
    base_status status = BASE_OK;
    uint32_t ordinal = (uint32_t)(newest->length / WAL_PAYLOAD);
    size_t from = WAL_BLOCK + (size_t)(newest->length % WAL_PAYLOAD);
    for (; ordinal < newest->segment_count && status == BASE_OK; ordinal++, from = WAL_BLOCK)
        status = scan_place(self, newest, newest->segments[ordinal], from, segment, error);
    for (uint32_t i = 0; i < self->unknown_count && status == BASE_OK; i++)
        status = scan_place(self, newest, self->unknown[i], 0, segment, error);
    base_free(log->budget, segment, WAL_SEGMENT);
    return status;
}

static const wal_segment_header *first_header(const recovery *self, uint64_t generation)
{
    for (uint32_t i = 0;; i++) {
        if (self->found[i].header.generation == generation)
            return &self->found[i].header;
    }
}

static base_status measure_all(recovery *self, base_error *error)
{
    wal_log *log = self->log;
    wal_reader reader;
    wal_reader_init(&reader, log);
    base_status status = BASE_OK;
    for (wal_generation *generation = log->oldest; generation; generation = generation->next) {
        if (!generation->next) {
            GOTO_IF_ERROR(status = measure(self, &reader, generation, UINT64_MAX, error), done);
            status = check_tail(self, generation, error);
            break;
        }
        const wal_segment_header *next = first_header(self, generation->next->number);
        GOTO_IF_ERROR(status = measure(self, &reader, generation, next->previous_length, error),
                      done);
        if (generation->length != next->previous_length ||
            generation->chain != next->previous_chain || log->last_sequence > next->base_sequence) {
            status = damaged(log, error, "a generation ends before its successor begins");
            break;
        }
        log->last_sequence = next->base_sequence;
    }
done:
    wal_reader_destroy(&reader);
    return status;
}

base_status wal_recover(wal_log *log, const wal_options *options, base_error *error)
{
    bool exists;
    RETURN_IF_ERROR(log->environment->exists(log->environment, log->path, &exists, error));
    if (!exists)
        return BASE_OK;
    uint32_t flags = options->read_only ? OS_OPEN_READ : OS_OPEN_READ | OS_OPEN_WRITE;
    RETURN_IF_ERROR(
        os_file_open(log->environment, log->budget, log->path, flags, &log->file, error));
    log->name_unsynced = true; /* for all that we know */
    recovery self = {.log = log, .options = options};
    base_status status;
    GOTO_IF_ERROR(status = read_segment_headers(&self, error), done);
    if (self.found_count == 0) {
        status = check_nothing_lost(&self, error);
        goto done;
    }
    GOTO_IF_ERROR(status = build_generations(&self, error), done);
    status = measure_all(&self, error);
done:
    base_free_array(log->budget, self.found, self.found_capacity, sizeof *self.found);
    base_free_array(log->budget, self.unknown, self.unknown_capacity, sizeof *self.unknown);
    return status;
}
