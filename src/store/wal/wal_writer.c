/*
 * wal_writer.c - commits: order, group commit, failure.
 *
 * Started units stand in a queue in the order of their sequences. Whoever finishes a unit
 * and finds its queue's head ready and nobody leading becomes the leader: it takes the ready
 * units from the head, writes their frames, syncs once for all of them in full mode, then
 * publishes them in order and wakes their owners. Units that come meanwhile wait and form the
 * next group. With one thread this is two short mutex sections and one write.
 *
 * A group's frames and the padding after them are gathered and go to the system in one write,
 * so a commit in full mode is one write and one sync, however many commit at once; what is larger
 * than the buffer goes from the committers' own memory.
 *
 * The leader works without the mutex; the stream belongs to it (see wal_log). Units behind an
 * unready head wait: publishing out of order would show a snapshot a hole.
 *
 * Checksums of payloads are computed by each committer before it takes the mutex; what is
 * chained under the leader is 92 bytes a frame.
 *
 * A full disk. Nothing of the failed group may be replayed later, as its owners roll back. The
 * frame at the group's start is overwritten with zeros; where that fails too, and a whole frame
 * lies there, the log fails.
 *
 * Rejected: a ring buffer that committers copy into under the mutex, with a thread that writes it:
 * a commit waits for its write in every mode anyway. Frames one write each, which this was at
 * first: a second call for the padding, and one more per member of a group, cost more than
 * copying some kilobytes.
 */
#include "store/wal/wal_int.h"

void wal_fail(wal_log *log, base_status status, const base_error *error)
{
    if (log->failure != BASE_OK)
        return;
    log->failure = status;
    snprintf(log->failure_text, sizeof log->failure_text, "%.255s",
             error && error->message[0] ? error->message : base_status_meaning(status));
}

base_status wal_answer_failure(const wal_log *log, base_error *error)
{
    if (log->failure == BASE_OK)
        return BASE_OK;
    base_error_set(error, log->failure,
                   "the log failed earlier and accepts no commits until the database is "
                   "reopened: %s",
                   log->failure_text);
    return log->failure;
}

base_status wal_failure(wal_log *log)
{
    os_mutex_lock(&log->mutex);
    base_status status = log->failure;
    os_mutex_unlock(&log->mutex);
    return status;
}

void wal_await_publication(wal_log *log)
{
    os_mutex_lock(&log->mutex); /* which publishers hold */
    os_mutex_unlock(&log->mutex);
}

/* ---- The queue --------------------------------------------------------------------------- */

base_status wal_commit_start(wal_log *log, wal_unit *unit, base_error *error)
{
    if (log->path) {
        for (wal_chunk *chunk = unit->buffer->first; chunk; chunk = chunk->next)
            chunk->payload_crc = crypto_crc32c(0, chunk->payload, chunk->used);
    }
    unit->next = NULL;
    unit->ready = unit->done = unit->abandoned = false;
    unit->status = BASE_OK;
    int64_t now = log->environment->wall_clock(log->environment);

    os_mutex_lock(&log->mutex);
    BASE_ASSERT(log->replayed);
    while (log->switching)
        os_condition_wait(&log->changed, &log->mutex);
    base_status status = wal_answer_failure(log, error);
    if (status == BASE_OK && log->read_only)
        status = base_error_set(error, BASE_READ_ONLY, "the database is read-only");
    if (status == BASE_OK) {
        unit->sequence = ++log->last_sequence;
        unit->time = log->last_time = BASE_MAX(now, log->last_time + 1);
        if (log->last)
            log->last->next = unit;
        else
            log->first = unit;
        log->last = unit;
    }
    os_mutex_unlock(&log->mutex);
    return status;
}

void wal_commit_abandon(wal_log *log, wal_unit *unit)
{
    os_mutex_lock(&log->mutex);
    BASE_ASSERT(!unit->ready); /* so it is in no group */
    wal_unit *before = NULL;
    for (wal_unit *other = log->first; other != unit; other = other->next)
        before = other;
    if (before)
        before->next = unit->next;
    else
        log->first = unit->next;
    if (log->last == unit)
        log->last = before;
    unit->abandoned = true;
    os_condition_broadcast(&log->changed);
    os_mutex_unlock(&log->mutex);
}

/* ---- The leader's work, without the mutex ---------------------------------------------------- */

/* Writes what was gathered, which ends where the stream does. */
static base_status flush_batch(wal_log *log, base_error *error)
{
    wal_generation *generation = log->current;
    size_t used = log->batch_used;
    log->batch_used = 0;
    if (used == 0)
        return BASE_OK;
    return wal_stream_write(log, generation, generation->length - used, log->batch, used, error);
}

/* A frame at the end of the stream, written with the next flush. */
static base_status put_frame(wal_log *log, const unsigned char *frame, size_t size, uint32_t chain,
                             base_error *error)
{
    wal_generation *generation = log->current;
    if (size > WAL_BATCH - log->batch_used)
        RETURN_IF_ERROR(flush_batch(log, error));
    if (size <= WAL_BATCH) {
        memcpy(log->batch + log->batch_used, frame, size);
        log->batch_used += size;
    } else {
        RETURN_IF_ERROR(wal_stream_write(log, generation, generation->length, frame, size, error));
    }
    generation->length += size;
    generation->chain = chain;
    return BASE_OK;
}

base_status wal_pad(wal_log *log, base_error *error)
{
    wal_generation *generation = log->current;
    uint64_t gap = BASE_ALIGN_UP(generation->length, (uint64_t)WAL_BLOCK) - generation->length;
    if (gap == 0)
        return flush_batch(log, error);
    if (gap < WAL_FRAME_HEADER_SIZE)
        gap += WAL_BLOCK;
    wal_frame_header header = {
        .length = (uint32_t)(gap - WAL_FRAME_HEADER_SIZE),
        .type = WAL_FRAME_PADDING,
        .salt = generation->salt,
        .sequence = log->written_sequence,
        .durable = log->group_durable,
    };
    unsigned char bytes[WAL_FRAME_HEADER_SIZE];
    wal_frame_header_store(&header, generation->chain, bytes);
    uint64_t length = generation->length;
    uint32_t chain = generation->chain;
    base_status status = put_frame(log, bytes, sizeof bytes, header.chain, error);
    if (status == BASE_OK)
        status = flush_batch(log, error);
    if (status != BASE_OK) { /* the next frame comes here */
        generation->length = length;
        generation->chain = chain;
        return status;
    }
    generation->length += header.length; /* passed over */
    return BASE_OK;
}

static base_status write_unit(wal_log *log, const wal_unit *unit, base_error *error)
{
    wal_generation *generation = log->current;
    for (wal_chunk *chunk = unit->buffer->first; chunk; chunk = chunk->next) {
        wal_frame_header header = {
            .length = chunk->used,
            .type = WAL_FRAME_DATA,
            .flags = chunk->next ? 0 : WAL_FRAME_LAST,
            .salt = generation->salt,
            .sequence = unit->sequence,
            .durable = log->group_durable,
            .time = unit->time,
            .payload_crc = chunk->payload_crc,
        };
        wal_frame_header_store(&header, generation->chain, chunk->header);
        RETURN_IF_ERROR(put_frame(log, chunk->header, WAL_FRAME_HEADER_SIZE + chunk->used,
                                  header.chain, error));
    }
    return BASE_OK;
}

/* Makes sure that nothing of a group that failed is ever replayed. On a full disk the zeros may
 * find no room, because nothing of the group did either: then there is nothing to overwrite. */
static base_status take_back(wal_log *log, uint64_t length, uint32_t chain, base_error *error)
{
    wal_generation *generation = log->current;
    unsigned char bytes[WAL_FRAME_HEADER_SIZE] = {0};
    bool started = generation->length > length || log->batch_used > 0;
    generation->length = length;
    generation->chain = chain;
    log->batch_used = 0;
    if (!started || length / WAL_PAYLOAD >= generation->segment_count)
        return BASE_OK;
    base_status status = wal_stream_write(log, generation, length, bytes, sizeof bytes, error);
    if (status == BASE_OK)
        return BASE_OK;
    if (wal_stream_read(log, generation, length, bytes, sizeof bytes, NULL) == BASE_OK &&
        !wal_frame_header_is_whole(bytes))
        return BASE_OK;
    return status;
}

typedef struct group_outcome {
    bool written, synced;
    bool broken; /* the log cannot go on */
} group_outcome;

/* Writes the units from `first` to `last`. */
static base_status write_group(wal_log *log, wal_unit *first, const wal_unit *last, bool full,
                               group_outcome *outcome, base_error *error)
{
    bool anything = false;
    BASE_ASSERT(log->batch_used == 0);
    for (wal_unit *unit = first;; unit = unit->next) {
        anything |= !wal_buffer_is_empty(unit->buffer);
        if (unit == last)
            break;
    }
    if (!anything || !log->path)
        return BASE_OK;
    base_status status = BASE_OK;
    if (!log->current)
        RETURN_IF_ERROR(wal_generation_start(log, &outcome->broken, error));
    uint64_t length = log->current->length;
    uint32_t chain = log->current->chain;
    for (wal_unit *unit = first; status == BASE_OK; unit = unit->next) {
        if (!wal_buffer_is_empty(unit->buffer))
            status = write_unit(log, unit, error);
        if (unit == last)
            break;
    }
    uint64_t written_before = log->written_sequence;
    log->written_sequence = last->sequence;
    if (status == BASE_OK)
        status = full ? wal_pad(log, error) : flush_batch(log, error);
    if (status != BASE_OK) {
        log->written_sequence = written_before;
        bool forgivable = status == BASE_DISK_FULL || status == BASE_OUT_OF_MEMORY;
        outcome->broken = take_back(log, length, chain, error) != BASE_OK || !forgivable;
        return status;
    }
    BASE_VERIFY(log->batch_used == 0); /* or a commit would be told that is not on disk */
    outcome->written = true;
    if (full) {
        wal_stream_extend(log, log->current);
        status = os_file_sync(log->file, error);
        outcome->synced = status == BASE_OK;
        outcome->broken = status != BASE_OK;
    }
    return status;
}

/* ---- Groups ------------------------------------------------------------------------------- */

void wal_count_live_bytes(wal_log *log)
{
    uint64_t bytes = 0;
    for (wal_generation *generation = log->oldest; generation; generation = generation->next)
        bytes += generation->length;
    atomic_store_explicit(&log->live_bytes, bytes, memory_order_relaxed);
}

/* Called and left under the mutex; the head of the queue is ready and nobody leads. */
static void lead(wal_log *log)
{
    wal_unit *first = log->first;
    wal_unit *last = first;
    while (last->next && last->next->ready)
        last = last->next;
    bool full = log->sync_mode == WAL_SYNC_FULL;
    base_error error;
    base_error_clear(&error);
    group_outcome outcome = {false, false, false};
    base_status status = wal_answer_failure(log, &error);
    log->leading = true;
    log->group_durable = log->durable_sequence;
    if (status == BASE_OK) {
        os_mutex_unlock(&log->mutex);
        status = write_group(log, first, last, full, &outcome, &error);
        os_mutex_lock(&log->mutex);
    }
    if (outcome.broken)
        wal_fail(log, status, &error);
    if (outcome.synced)
        log->durable_sequence = last->sequence;
    if (outcome.written)
        log->unsynced = !outcome.synced;
    wal_count_live_bytes(log);
    log->first = last->next;
    if (!log->first)
        log->last = NULL;
    for (wal_unit *unit = first, *next; unit; unit = next) {
        next = unit == last ? NULL : unit->next;
        unit->status = status;
        if (status == BASE_OK)
            log->published_sequence = unit->sequence;
        if (status == BASE_OK && unit->publish)
            unit->publish(unit->context, unit->sequence);
        unit->done = true; /* from here on its owner may return */
    }
    log->leading = false;
    if (log->unsynced && log->sync_mode == WAL_SYNC_NORMAL && !log->flusher_running)
        wal_flusher_start(log);
    os_condition_broadcast(&log->changed);
}

base_status wal_commit_finish(wal_log *log, wal_unit *unit, base_error *error)
{
    os_mutex_lock(&log->mutex);
    unit->ready = true;
    while (!unit->done) {
        if (!log->leading && log->first->ready)
            lead(log);
        else
            os_condition_wait(&log->changed, &log->mutex);
    }
    base_status status = unit->status;
    if (status != BASE_OK) {
        if (log->failure != BASE_OK)
            wal_answer_failure(log, error);
        else
            base_error_set(error, status, "the commit could not be written to the log: %s",
                           base_status_meaning(status));
    }
    os_mutex_unlock(&log->mutex);
    return status;
}

base_status wal_commit(wal_log *log, wal_unit *unit, base_error *error)
{
    RETURN_IF_ERROR(wal_commit_start(log, unit, error));
    return wal_commit_finish(log, unit, error);
}

/* ---- Syncing outside of commits -------------------------------------------------------------- */

/*
 * Pads as leader, so that later frames begin in a block of their own, then syncs without the
 * lead: commits in normal mode go on meanwhile. What they write may or may not be covered.
 */
base_status wal_sync_locked(wal_log *log, base_error *error)
{
    while (log->leading || log->syncing)
        os_condition_wait(&log->changed, &log->mutex);
    RETURN_IF_ERROR(wal_answer_failure(log, error));
    if (!log->unsynced || !log->current)
        return BASE_OK;
    base_error own;
    base_error_clear(&own);
    log->leading = log->syncing = true;
    log->group_durable = log->durable_sequence;
    log->unsynced = false;
    os_mutex_unlock(&log->mutex);
    base_status status = wal_pad(log, &own);
    uint64_t sequence = log->written_sequence;
    os_mutex_lock(&log->mutex);
    log->leading = false;
    os_condition_broadcast(&log->changed);
    bool padded = status == BASE_OK;
    if (padded) {
        os_mutex_unlock(&log->mutex);
        status = os_file_sync(log->file, &own);
        os_mutex_lock(&log->mutex);
    }
    if (status == BASE_OK) {
        /* A leader in full mode may have got further meanwhile. */
        log->durable_sequence = BASE_MAX(log->durable_sequence, sequence);
    } else if (!padded && status == BASE_DISK_FULL) {
        /* Without padding a sync is not to be believed (see wal_recover.c): try later. */
        log->unsynced = true;
        base_error_set(error, status, "%s", own.message);
    } else {
        wal_fail(log, status, &own);
        status = wal_answer_failure(log, error);
    }
    log->syncing = false;
    os_condition_broadcast(&log->changed);
    return status;
}

base_status wal_sync(wal_log *log, base_error *error)
{
    os_mutex_lock(&log->mutex);
    base_status status = wal_sync_locked(log, error);
    os_mutex_unlock(&log->mutex);
    return status;
}

void wal_set_sync_mode(wal_log *log, wal_sync_mode mode)
{
    os_mutex_lock(&log->mutex);
    log->sync_mode = mode;
    os_mutex_unlock(&log->mutex);
}

uint64_t wal_last_sequence(wal_log *log)
{
    os_mutex_lock(&log->mutex);
    uint64_t sequence = log->last_sequence;
    os_mutex_unlock(&log->mutex);
    return sequence;
}

int64_t wal_last_time(wal_log *log)
{
    os_mutex_lock(&log->mutex);
    int64_t time = log->last_time;
    os_mutex_unlock(&log->mutex);
    return time;
}

uint64_t wal_live_bytes(const wal_log *log)
{
    return atomic_load_explicit(&log->live_bytes, memory_order_relaxed);
}
