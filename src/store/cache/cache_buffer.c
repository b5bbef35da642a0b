/*
 * cache_buffer.c - extents in memory.
 *
 * Frames by offset in a hash table, and in a ring that a clock hand walks: a frame that was
 * used since the hand last came gets a second chance. Contents are immutable, so there are
 * no dirty frames and no latches: a pin is a count. An offset may have been given to another
 * extent since; the seal tells, and a frame with another seal is thrown out.
 *
 * A memory-only database has no file behind: there the frames are the extents and leave only
 * when the space is given back.
 *
 * A read from the file happens without the mutex. Others that want the same extent wait for
 * it instead of reading too.
 *
 * Rejected for now: pointers from parents straight to frames (saves the table for hot column
 * pieces, needs a protocol for eviction), a mutex for each part of the table (a pin is held
 * for a whole column piece of a row group, so the mutex is taken rarely).
 */
#include "store/cache/cache_int.h"

enum {
    BUFFER_FIRST_BUCKETS = 16,
    BUFFER_ALIGNMENT = 64
};

base_status cache_buffer_init(cache_buffer *buffer, uint64_t limit)
{
    os_mutex_init(&buffer->mutex);
    os_condition_init(&buffer->loaded);
    buffer->limit = limit;
    return BASE_OK;
}

static void frame_free(cache_file *file, cache_frame *frame)
{
    base_free(file->budget, frame->block, (size_t)frame->length + BUFFER_ALIGNMENT);
    base_free(file->budget, frame, sizeof *frame);
}

static cache_frame *frame_allocate(cache_file *file, const cache_reference *reference)
{
    cache_frame *frame = base_allocate_zeroed(file->budget, sizeof *frame);
    if (!frame)
        return NULL;
    frame->block = base_allocate(file->budget, (size_t)reference->length + BUFFER_ALIGNMENT);
    if (!frame->block) {
        base_free(file->budget, frame, sizeof *frame);
        return NULL;
    }
    uintptr_t start = BASE_ALIGN_UP((uintptr_t)frame->block, (uintptr_t)BUFFER_ALIGNMENT);
    frame->data = (unsigned char *)frame->block + (start - (uintptr_t)frame->block);
    frame->offset = reference->offset;
    frame->length = reference->length;
    memcpy(frame->seal, reference->seal, sizeof frame->seal);
    return frame;
}

/* ---- Table and ring, under the mutex --------------------------------------------------------- */

static cache_frame **bucket_of(const cache_buffer *buffer, uint64_t offset)
{
    return &buffer->buckets[base_hash_u64(offset) & (buffer->bucket_count - 1)];
}

static cache_frame *find(const cache_buffer *buffer, uint64_t offset)
{
    if (!buffer->bucket_count)
        return NULL;
    cache_frame *frame = *bucket_of(buffer, offset);
    while (frame && frame->offset != offset)
        frame = frame->next_in_bucket;
    return frame;
}

/* False only when there is no table at all and no memory for one. */
static bool grow_table(cache_file *file)
{
    cache_buffer *buffer = &file->buffer;
    if (buffer->frame_count < buffer->bucket_count)
        return true;
    uint32_t before = buffer->bucket_count;
    uint32_t count = before ? before * 2 : BUFFER_FIRST_BUCKETS;
    cache_frame **old = buffer->buckets;
    cache_frame **buckets = base_allocate_zeroed(file->budget, count * sizeof(cache_frame *));
    if (!buckets)
        return before > 0; /* longer chains do no harm */
    buffer->buckets = buckets;
    buffer->bucket_count = count;
    for (uint32_t i = 0; i < before; i++) {
        for (cache_frame *frame = old[i], *next; frame; frame = next) {
            next = frame->next_in_bucket;
            cache_frame **bucket = bucket_of(buffer, frame->offset);
            frame->next_in_bucket = *bucket;
            *bucket = frame;
        }
    }
    base_free(file->budget, old, before * sizeof(cache_frame *));
    return true;
}

static void link_frame(cache_buffer *buffer, cache_frame *frame)
{
    cache_frame **bucket = bucket_of(buffer, frame->offset);
    frame->next_in_bucket = *bucket;
    *bucket = frame;
    if (buffer->hand) {
        frame->next = buffer->hand;
        frame->previous = buffer->hand->previous;
        frame->previous->next = frame;
        frame->next->previous = frame;
    } else {
        buffer->hand = frame->next = frame->previous = frame;
    }
    frame->linked = true;
    buffer->frame_count++;
    buffer->size += frame->length;
}

static void unlink_frame(cache_buffer *buffer, cache_frame *frame)
{
    cache_frame **link = bucket_of(buffer, frame->offset);
    while (*link != frame)
        link = &(*link)->next_in_bucket;
    *link = frame->next_in_bucket;
    if (frame->next == frame) {
        buffer->hand = NULL;
    } else {
        frame->previous->next = frame->next;
        frame->next->previous = frame->previous;
        if (buffer->hand == frame)
            buffer->hand = frame->next;
    }
    frame->linked = false;
    buffer->frame_count--;
    buffer->size -= frame->length;
}

/* Out of the table; freed now or with its last pin. */
static void expel(cache_file *file, cache_frame *frame)
{
    unlink_frame(&file->buffer, frame);
    if (frame->pins == 0)
        frame_free(file, frame);
}

/* One turn of the clock: frees a frame, or finds that none can go. */
static bool evict_one(cache_file *file)
{
    cache_buffer *buffer = &file->buffer;
    if (!file->file)
        return false;
    for (uint64_t steps = 2 * (uint64_t)buffer->frame_count; steps > 0; steps--) {
        cache_frame *frame = buffer->hand;
        buffer->hand = frame->next;
        if (frame->pins > 0)
            continue;
        if (frame->referenced) {
            frame->referenced = false;
            continue;
        }
        buffer->evictions++;
        expel(file, frame);
        return true;
    }
    return false;
}

void cache_buffer_destroy(cache_file *file)
{
    cache_buffer *buffer = &file->buffer;
    while (buffer->hand) {
        BASE_ASSERT(buffer->hand->pins == 0);
        buffer->hand->pins = 0;
        expel(file, buffer->hand);
    }
    base_free(file->budget, buffer->buckets, buffer->bucket_count * sizeof(cache_frame *));
    os_condition_destroy(&buffer->loaded);
    os_mutex_destroy(&buffer->mutex);
}

/* ---- Pins ------------------------------------------------------------------------------------ */

/* A pinned, linked frame whose bytes are still to come; evicts to make room. Under the mutex. */
static cache_frame *make_frame(cache_file *file, const cache_reference *reference)
{
    cache_buffer *buffer = &file->buffer;
    while (file->file && buffer->size + reference->length > buffer->limit && evict_one(file))
        continue;
    cache_frame *frame;
    do {
        frame = grow_table(file) ? frame_allocate(file, reference) : NULL;
    } while (!frame && evict_one(file));
    if (!frame)
        return NULL;
    frame->pins = 1;
    link_frame(buffer, frame);
    return frame;
}

/* The frame that holds the extent, pinned, or NULL when it is not here. Under the mutex. */
static cache_frame *pin_present(cache_file *file, const cache_reference *reference)
{
    cache_buffer *buffer = &file->buffer;
    for (;;) {
        cache_frame *frame = find(buffer, reference->offset);
        if (!frame)
            return NULL;
        if (memcmp(frame->seal, reference->seal, sizeof frame->seal) != 0 ||
            frame->length != reference->length) {
            expel(file, frame); /* of an extent that lay here before */
            continue;
        }
        frame->pins++;
        frame->referenced = true;
        while (frame->loading)
            os_condition_wait(&buffer->loaded, &buffer->mutex);
        if (frame->linked)
            return frame;
        if (--frame->pins == 0) /* could not be read: try ourselves */
            frame_free(file, frame);
    }
}

static base_status load(cache_file *file, const cache_reference *reference, cache_frame *frame,
                        base_error *error)
{
    cache_buffer *buffer = &file->buffer;
    frame->loading = true;
    os_mutex_unlock(&buffer->mutex);
    base_status status = cache_read(file, reference, frame->data, error);
    os_mutex_lock(&buffer->mutex);
    frame->loading = false;
    os_condition_broadcast(&buffer->loaded);
    if (status != BASE_OK) {
        if (frame->linked) /* it may have been expelled meanwhile */
            unlink_frame(buffer, frame);
        if (--frame->pins == 0)
            frame_free(file, frame);
    }
    return status;
}

base_status cache_pin_extent(cache_file *file, const cache_reference *reference, cache_pin *pin,
                             base_error *error)
{
    cache_buffer *buffer = &file->buffer;
    *pin = (cache_pin){NULL, 0, NULL};
    RETURN_IF_ERROR(cache_reference_check(file, reference, error));
    base_status status = BASE_OK;
    os_mutex_lock(&buffer->mutex);
    cache_frame *frame = pin_present(file, reference);
    if (frame) {
        buffer->hits++;
    } else if (!file->file) {
        status = base_error_set(error, BASE_INTERNAL, "the extent at %llu is gone",
                                (unsigned long long)reference->offset);
    } else {
        buffer->misses++;
        frame = make_frame(file, reference);
        status = frame ? load(file, reference, frame, error) : base_error_no_memory(error);
    }
    os_mutex_unlock(&buffer->mutex);
    if (status == BASE_OK)
        *pin = (cache_pin){frame->data, frame->length, frame};
    return status;
}

void cache_unpin(cache_file *file, cache_pin *pin)
{
    cache_frame *frame = pin->frame;
    if (!frame)
        return;
    os_mutex_lock(&file->buffer.mutex);
    BASE_ASSERT(frame->pins > 0);
    if (--frame->pins == 0 && !frame->linked)
        frame_free(file, frame);
    os_mutex_unlock(&file->buffer.mutex);
    *pin = (cache_pin){NULL, 0, NULL};
}

size_t cache_shrink(cache_file *file, size_t bytes)
{
    cache_buffer *buffer = &file->buffer;
    os_mutex_lock(&buffer->mutex);
    uint64_t before = buffer->size;
    while (before - buffer->size < bytes && evict_one(file))
        continue;
    size_t freed = (size_t)(before - buffer->size);
    os_mutex_unlock(&buffer->mutex);
    return freed;
}

/* ---- Memory-only extents --------------------------------------------------------------------- */

base_status cache_buffer_put(cache_file *file, const cache_reference *reference, const void *bytes,
                             base_error *error)
{
    os_mutex_lock(&file->buffer.mutex);
    cache_frame *frame = make_frame(file, reference);
    if (frame) {
        memcpy(frame->data, bytes, reference->length);
        frame->pins = 0;
    }
    os_mutex_unlock(&file->buffer.mutex);
    return frame ? BASE_OK : base_error_no_memory(error);
}

void cache_buffer_drop(cache_file *file, uint64_t offset)
{
    os_mutex_lock(&file->buffer.mutex);
    cache_frame *frame = find(&file->buffer, offset);
    if (frame)
        expel(file, frame);
    os_mutex_unlock(&file->buffer.mutex);
}

bool cache_buffer_copy(cache_file *file, const cache_reference *reference, void *bytes)
{
    os_mutex_lock(&file->buffer.mutex);
    cache_frame *frame = pin_present(file, reference);
    if (frame) {
        memcpy(bytes, frame->data, reference->length);
        frame->pins--;
    }
    os_mutex_unlock(&file->buffer.mutex);
    return frame != NULL;
}
