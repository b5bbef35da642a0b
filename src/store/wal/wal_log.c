/*
 * wal_log.c - the log's life: open, replay, switch and release at checkpoints, close.
 *
 *      wal_open        wal_replay                    wal_close
 *   ──► opened ──────────► running ◄──┐ commit ──────────► gone
 *                             │       │
 *                             └───────┘ wal_switch (ends the generation; the next write
 *                                       starts one), wal_release (forgets those before)
 *
 * After replay, too, the next write starts a new generation: nothing is ever appended behind
 * a tail that a crash may have torn, and what was replayed has been made durable before. It need
 * not have been: the process that wrote it may have died before its sync, or the sync failed,
 * after which the system shows the bytes to every reader and never writes them. So what no frame
 * says to be durable is written again, as it is, and synced.
 */
#include "store/wal/wal_int.h"

static void log_free(wal_log *log)
{
    while (log->oldest) {
        wal_generation *next = log->oldest->next;
        wal_generation_free(log, log->oldest);
        log->oldest = next;
    }
    os_file_close(log->file);
    base_free_array(log->budget, log->segment_used, log->segment_capacity,
                    sizeof *log->segment_used);
    base_free(log->budget, log->path, log->path_size);
    base_free(log->budget, log->batch, WAL_BATCH);
    os_condition_destroy(&log->flusher_wake);
    os_condition_destroy(&log->changed);
    os_mutex_destroy(&log->mutex);
    base_free(log->budget, log, sizeof *log);
}

base_status wal_open(const wal_options *options, wal_log **log, base_error *error)
{
    wal_log *self = base_allocate_zeroed(options->budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->environment = options->environment;
    self->budget = options->budget;
    memcpy(self->database_id, options->database_id, sizeof self->database_id);
    self->read_only = options->read_only;
    self->sync_mode = options->sync_mode;
    self->last_sequence = options->sequence;
    self->next_generation = options->generation;
    self->epoch = options->epoch;
    os_mutex_init(&self->mutex);
    os_condition_init(&self->changed);
    os_condition_init(&self->flusher_wake);
    base_status status = BASE_OK;
    if (options->path) {
        self->path_size = strlen(options->path) + 1;
        self->path = base_allocate(self->budget, self->path_size);
        self->batch = options->read_only ? NULL : base_allocate(self->budget, WAL_BATCH);
        if (self->path && (self->batch || options->read_only)) {
            memcpy(self->path, options->path, self->path_size);
            status = wal_recover(self, options, error);
        } else {
            status = base_error_no_memory(error);
        }
    }
    if (status != BASE_OK) {
        log_free(self);
        return status;
    }
    self->base_sequence = self->written_sequence = self->last_sequence;
    self->published_sequence = self->last_sequence;
    wal_count_live_bytes(self);
    *log = self;
    return BASE_OK;
}

/* ---- Replay ---------------------------------------------------------------------------------- */

/* Hands out the records of one frame. Lengths are checked although the checksum is right. */
static base_status replay_frame(const wal_log *log, const wal_redo *redo,
                                const wal_frame_header *header, const unsigned char *payload,
                                base_error *error)
{
    size_t left = header->length;
    while (left > 0) {
        uint32_t length = left >= WAL_RECORD_HEADER_SIZE ? base_load_u32(payload) : UINT32_MAX;
        size_t size = BASE_ALIGN_UP((size_t)length + WAL_RECORD_HEADER_SIZE, (size_t)8);
        if (length > WAL_MAX_RECORD || size > left)
            return base_error_set(error, BASE_CORRUPT, "log \"%s\" holds a malformed record",
                                  log->path);
        RETURN_IF_ERROR(redo->record(redo->context, header->sequence, base_load_u16(payload + 4),
                                     payload + WAL_RECORD_HEADER_SIZE, length, error));
        payload += size;
        left -= size;
    }
    return BASE_OK;
}

/* `*unsure` becomes the place from which on nothing says that it is durable. */
static base_status replay_generation(wal_log *log, const wal_generation *generation,
                                     wal_reader *reader, const wal_redo *redo, uint64_t *units,
                                     uint64_t *unsure, base_error *error)
{
    wal_reader_open(reader, generation, generation->length, generation->first_chain);
    bool in_unit = false, is_durable = true;
    *unsure = 0;
    while (reader->position < generation->length) {
        if (is_durable)
            *unsure = reader->position;
        base_status status = wal_reader_next(reader, error);
        if (status == BASE_DONE)
            return base_error_set(error, BASE_CORRUPT, "log \"%s\" changed while it was read",
                                  log->path);
        if (status != BASE_ROW)
            return status;
        const wal_frame_header *header = &reader->header;
        if (header->type != WAL_FRAME_DATA)
            continue;
        is_durable &= header->sequence <= log->stated_durable;
        if (!in_unit && redo->begin)
            RETURN_IF_ERROR(redo->begin(redo->context, header->sequence, header->time, error));
        RETURN_IF_ERROR(replay_frame(log, redo, header, reader->payload, error));
        in_unit = !(header->flags & WAL_FRAME_LAST);
        if (!in_unit && redo->end)
            RETURN_IF_ERROR(redo->end(redo->context, header->sequence, error));
        *units += !in_unit;
    }
    return BASE_OK;
}

base_status wal_replay(wal_log *log, const wal_redo *redo, uint64_t *unit_count, base_error *error)
{
    BASE_ASSERT(!log->replayed);
    wal_reader reader;
    wal_reader_init(&reader, log);
    uint64_t units = 0, unsure = 0;
    wal_generation *newest = NULL;
    base_status status = BASE_OK;
    for (wal_generation *generation = log->oldest; generation && status == BASE_OK;
         generation = generation->next) {
        newest = generation;
        status = replay_generation(log, generation, &reader, redo, &units, &unsure, error);
    }
    wal_reader_destroy(&reader);
    if (status == BASE_OK && newest && !log->read_only) {
        status = wal_stream_rewrite(log, newest, unsure, error);
        if (status == BASE_OK)
            status = os_file_sync(log->file, error);
    }
    RETURN_IF_ERROR(status);
    log->durable_sequence = log->last_sequence;
    log->replayed = true;
    if (unit_count)
        *unit_count = units;
    return BASE_OK;
}

/* ---- Checkpoints ----------------------------------------------------------------------------- */

/* Durably: the header that the switch is for will name the number from another sequence on. */
static base_status forget_stale_locked(wal_log *log, base_error *error)
{
    while (log->leading)
        os_condition_wait(&log->changed, &log->mutex);
    log->leading = true;
    os_mutex_unlock(&log->mutex);
    base_status status = wal_forget_stale(log, error);
    if (status == BASE_OK)
        status = os_file_sync(log->file, error);
    os_mutex_lock(&log->mutex);
    log->has_stale |= status != BASE_OK;
    log->leading = false;
    os_condition_broadcast(&log->changed);
    return status;
}

base_status wal_switch(wal_log *log, uint64_t epoch, wal_switch_point *point, base_error *error)
{
    os_mutex_lock(&log->mutex);
    while (log->switching)
        os_condition_wait(&log->changed, &log->mutex);
    log->switching = true; /* holds back new units; those started get through */
    while (log->first || log->leading || log->syncing)
        os_condition_wait(&log->changed, &log->mutex);
    base_status status = wal_sync_locked(log, error);
    if (status == BASE_OK && log->has_stale)
        status = forget_stale_locked(log, error);
    if (status == BASE_OK) {
        log->current = NULL; /* stays in the list until released */
        log->epoch = epoch;
        /* Not last_sequence: units that failed have numbers, too, which nobody will see. */
        log->base_sequence = log->published_sequence;
        point->sequence = log->published_sequence;
        point->generation = log->next_generation;
    }
    log->switching = false;
    os_condition_broadcast(&log->changed);
    os_mutex_unlock(&log->mutex);
    return status;
}

/* Shortens the file where its last segments are free. Failure only leaves it long. */
static void trim(wal_log *log)
{
    uint32_t count = log->segment_count;
    while (count > WAL_KEEP_SEGMENTS && !log->segment_used[count - 1])
        count--;
    if (count == log->segment_count)
        return;
    if (log->file->operations->set_size(log->file, (uint64_t)count * WAL_SEGMENT, NULL) != BASE_OK)
        return;
    log->segment_count = count;
    log->file_end = BASE_MIN(log->file_end, (uint64_t)count * WAL_SEGMENT);
}

void wal_release(wal_log *log, const wal_switch_point *point)
{
    os_mutex_lock(&log->mutex);
    while (log->leading) /* the segment map belongs to the leader */
        os_condition_wait(&log->changed, &log->mutex);
    log->leading = true;
    while (log->oldest && log->oldest->number < point->generation) {
        wal_generation *next = log->oldest->next;
        BASE_VERIFY(log->oldest != log->current);
        wal_generation_free(log, log->oldest);
        log->oldest = next;
    }
    os_mutex_unlock(&log->mutex);
    if (log->file && !log->read_only)
        trim(log);
    os_mutex_lock(&log->mutex);
    wal_count_live_bytes(log);
    log->leading = false;
    os_condition_broadcast(&log->changed);
    os_mutex_unlock(&log->mutex);
}

base_status wal_close(wal_log *log, bool remove, base_error *error)
{
    if (!log)
        return BASE_OK;
    wal_flusher_stop(log);
    base_status status = BASE_OK;
    if (log->file && log->replayed && !remove && !log->read_only)
        status = wal_sync(log, error);
    os_file_close(log->file);
    log->file = NULL;
    if (remove && log->path && !log->read_only && status == BASE_OK)
        status = log->environment->remove(log->environment, log->path, error);
    log_free(log);
    return status;
}
