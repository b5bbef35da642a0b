/*
 * cache_extent.c - the life of extents: allocate, write, read, adopt, free, use again.
 *
 * cache.h draws the states. What is in the tree is not listed in memory: it is whatever is
 * neither free nor loose nor awaiting. Lists are kept only of what the checkpoint under way
 * has done, so that abort can undo it.
 *
 * When an extent freed by epoch F may be used again:
 *   1. header F + 1 is durable: then neither slot reaches it;
 *   2. every reader that entered before epoch F + 1 has left. A reader that entered later
 *      came when the rooms above had long been on tree F.
 * Loose extents that are discarded were never in any tree: they are usable at once.
 *
 * Writes go to the file without the lock: an extent has one writer and nobody knows it yet.
 */
#include "store/cache/cache_int.h"

enum {
    CACHE_MAX_GROWTH = 64 * 1024 * 1024 / CACHE_GRANULE
};

bool run_list_add(base_budget *budget, run_list *list, cache_run run)
{
    if (!base_grow_array(budget, &list->runs, &list->capacity, list->count + 1, sizeof *list->runs))
        return false;
    list->runs[list->count++] = run;
    return true;
}

void run_list_destroy(base_budget *budget, run_list *list)
{
    base_free_array(budget, list->runs, list->capacity, sizeof *list->runs);
    *list = (run_list){NULL, 0, 0};
}

base_status cache_answer_failure(const cache_file *file, base_error *error)
{
    if (file->failure == BASE_OK)
        return BASE_OK;
    return base_error_set(error, file->failure,
                          "\"%s\" could not be written earlier and is read-only until reopened",
                          file->file->path);
}

/* ---- Space ------------------------------------------------------------------------------- */

base_status cache_allocate(cache_file *file, uint64_t count, uint64_t *start, base_error *error)
{
    if (space_take(&file->free, count, start))
        return BASE_OK;
    /* Grow: by an eighth, at most 64 MiB. A free end of the file is part of what is needed. */
    uint64_t growth = BASE_MIN(file->granules / 8, (uint64_t)CACHE_MAX_GROWTH);
    growth = BASE_MAX(growth, count);
    if (file->granules + growth > UINT64_C(1) << 48)
        return base_error_set(error, BASE_LIMIT, "the database has reached its largest size");
    cache_run last;
    bool free_end = space_last(&file->free, &last) && last.start + last.count == file->granules;
    uint64_t missing = count;
    *start = file->granules;
    if (free_end && space_take_at(&file->free, last)) {
        *start = last.start;
        missing -= last.count;
        growth = BASE_MAX(BASE_MIN(file->granules / 8, (uint64_t)CACHE_MAX_GROWTH), missing);
    }
    file->granules += growth;
    if (growth > missing)
        space_add(&file->free, (cache_run){*start + count, growth - missing});
    return BASE_OK;
}

void cache_recycle(cache_file *file)
{
    uint64_t oldest_reader = file->reader_count ? file->readers[0].epoch : UINT64_MAX;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < file->awaiting_count; i++) {
        cache_freed freed = file->awaiting[i];
        if (freed.epoch >= file->header.epoch || freed.epoch >= oldest_reader) {
            file->awaiting[kept++] = freed;
            continue;
        }
        if (!file->file)
            cache_buffer_drop(file, freed.run.start * CACHE_GRANULE);
        file->awaiting_granules -= freed.run.count;
        space_add(&file->free, freed.run);
    }
    file->awaiting_count = kept;
}

uint64_t cache_enter(cache_file *file)
{
    os_mutex_lock(&file->mutex);
    uint64_t epoch = file->header.epoch;
    if (file->reader_count == 0 || file->readers[file->reader_count - 1].epoch != epoch) {
        /* There is room: each checkpoint makes some for the epoch it begins. */
        BASE_VERIFY(file->reader_count < file->reader_capacity);
        file->readers[file->reader_count++] = (cache_readers){epoch, 0};
    }
    file->readers[file->reader_count - 1].count++;
    os_mutex_unlock(&file->mutex);
    return epoch;
}

void cache_leave(cache_file *file, uint64_t token)
{
    os_mutex_lock(&file->mutex);
    uint32_t place = 0;
    while (place < file->reader_count && file->readers[place].epoch != token)
        place++;
    BASE_VERIFY(place < file->reader_count);
    if (--file->readers[place].count == 0) {
        memmove(file->readers + place, file->readers + place + 1,
                (file->reader_count - place - 1) * sizeof *file->readers);
        file->reader_count--;
        if (place == 0 && file->awaiting_count > 0)
            cache_recycle(file);
    }
    os_mutex_unlock(&file->mutex);
}

/* ---- Writing ------------------------------------------------------------------------------ */

void cache_seal(const void *bytes, size_t length, cache_kind kind, unsigned char seal[16])
{
    memset(seal, 0, 16);
    base_store_u64(seal, crypto_checksum64(bytes, length, kind));
}

/* Allocates an extent and notes whose it is. */
static base_status claim_space(cache_file *file, cache_run *run, bool loose, base_error *error)
{
    RETURN_IF_ERROR(cache_answer_failure(file, error));
    if (!loose && !file->in_checkpoint)
        return base_error_set(error, BASE_MISUSE, "no checkpoint is under way");
    if (!space_reserve(&file->free))
        return base_error_no_memory(error);
    RETURN_IF_ERROR(cache_allocate(file, run->count, &run->start, error));
    bool noted;
    if (loose) {
        uint64_t lost = file->loose.lost;
        space_add(&file->loose, *run);
        noted = file->loose.lost == lost;
        file->loose.lost = lost;
    } else {
        noted = run_list_add(file->budget, &file->written, *run);
    }
    if (noted)
        return BASE_OK;
    space_add(&file->free, *run);
    return base_error_no_memory(error);
}

static void give_back(cache_file *file, cache_run run, bool loose)
{
    if (loose) {
        bool taken = space_take_at(&file->loose, run);
        BASE_VERIFY(taken);
    } else {
        uint32_t place = file->written.count;
        while (file->written.runs[--place].start != run.start)
            BASE_ASSERT(place > 0);
        file->written.runs[place] = file->written.runs[--file->written.count];
    }
    space_add(&file->free, run);
}

static base_status write_extent(cache_file *file, cache_kind kind, const void *bytes, size_t length,
                                bool loose, cache_reference *reference, base_error *error)
{
    BASE_ASSERT(length > 0);
    if (length > CACHE_MAX_EXTENT)
        return base_error_set(error, BASE_LIMIT, "an extent cannot have %zu bytes", length);
    if (file->read_only)
        return base_error_set(error, BASE_READ_ONLY, "the database is read-only");
    cache_run run = {0, cache_granules_of(length)};
    os_mutex_lock(&file->mutex);
    base_status status = claim_space(file, &run, loose, error);
    uint64_t epoch = file->header.epoch + 1;
    os_mutex_unlock(&file->mutex);
    RETURN_IF_ERROR(status);
    *reference = (cache_reference){
        .offset = run.start * CACHE_GRANULE,
        .length = (uint32_t)length,
        .kind = (uint16_t)kind,
        .birth_epoch = epoch,
    };
    cache_seal(bytes, length, kind, reference->seal);
    if (file->file)
        status = os_file_write(file->file, reference->offset, bytes, length, error);
    else
        status = cache_buffer_put(file, reference, bytes, error);
    if (status != BASE_OK) {
        os_mutex_lock(&file->mutex);
        give_back(file, run, loose);
        os_mutex_unlock(&file->mutex);
        memset(reference, 0, sizeof *reference);
    }
    return status;
}

base_status cache_write(cache_file *file, cache_kind kind, const void *bytes, size_t length,
                        cache_reference *reference, base_error *error)
{
    return write_extent(file, kind, bytes, length, false, reference, error);
}

base_status cache_write_loose(cache_file *file, cache_kind kind, const void *bytes, size_t length,
                              cache_reference *reference, base_error *error)
{
    return write_extent(file, kind, bytes, length, true, reference, error);
}

base_status cache_sync(cache_file *file, base_error *error)
{
    if (!file->file)
        return BASE_OK;
    os_mutex_lock(&file->mutex);
    base_status status = cache_answer_failure(file, error);
    os_mutex_unlock(&file->mutex);
    RETURN_IF_ERROR(status);
    status = os_file_sync(file->file, error);
    if (status != BASE_OK) {
        os_mutex_lock(&file->mutex);
        file->failure = status;
        os_mutex_unlock(&file->mutex);
    }
    return status;
}

/* ---- Adopt, discard, claim, free ------------------------------------------------------------- */

base_status cache_adopt(cache_file *file, const cache_reference *reference, base_error *error)
{
    cache_run run = cache_run_of(reference);
    os_mutex_lock(&file->mutex);
    base_status status = BASE_OK;
    if (!file->in_checkpoint)
        status = base_error_set(error, BASE_MISUSE, "no checkpoint is under way");
    else if (!space_has(&file->loose, run))
        status = base_error_set(error, BASE_INTERNAL, "the extent at %llu is not loose",
                                (unsigned long long)reference->offset);
    else if (!run_list_add(file->budget, &file->adopted, run))
        status = base_error_no_memory(error);
    if (status == BASE_OK) {
        bool taken = space_take_at(&file->loose, run);
        BASE_VERIFY(taken); /* a whole node: needs no memory */
    }
    os_mutex_unlock(&file->mutex);
    return status;
}

void cache_discard(cache_file *file, const cache_reference *reference)
{
    cache_run run = cache_run_of(reference);
    os_mutex_lock(&file->mutex);
    BASE_VERIFY(space_has(&file->loose, run));
    give_back(file, run, true);
    if (!file->file)
        cache_buffer_drop(file, reference->offset);
    os_mutex_unlock(&file->mutex);
}

/* Under the mutex. */
static base_status claim_run(cache_file *file, cache_run run, base_error *error)
{
    if (space_has(&file->loose, run))
        return BASE_OK;
    uint64_t end = run.start + run.count;
    if (end > file->granules) {
        space_add(&file->free, (cache_run){file->granules, end - file->granules});
        file->granules = end;
    }
    if (!space_take_at(&file->free, run))
        return base_error_set(error, BASE_CORRUPT,
                              "the log of \"%s\" refers to an extent at %llu whose place is used",
                              file->file->path, (unsigned long long)run.start * CACHE_GRANULE);
    uint64_t lost = file->loose.lost;
    space_add(&file->loose, run);
    if (file->loose.lost == lost)
        return BASE_OK;
    file->loose.lost = lost;
    space_add(&file->free, run);
    return base_error_no_memory(error);
}

base_status cache_claim(cache_file *file, const cache_reference *reference, base_error *error)
{
    BASE_ASSERT(file->file);
    uint64_t size;
    RETURN_IF_ERROR(file->file->operations->size(file->file, &size, error));
    bool inside = reference->offset % CACHE_GRANULE == 0 && reference->offset <= size &&
                  reference->length > 0 && reference->length <= size - reference->offset &&
                  reference->offset >= CACHE_FIRST_GRANULE * CACHE_GRANULE;
    if (!inside)
        return base_error_set(error, BASE_CORRUPT,
                              "the log of \"%s\" refers to an extent outside the file",
                              file->file->path);
    os_mutex_lock(&file->mutex);
    base_status status = claim_run(file, cache_run_of(reference), error);
    os_mutex_unlock(&file->mutex);
    return status;
}

base_status cache_free(cache_file *file, const cache_reference *reference, base_error *error)
{
    /* It may come from a part of the file that nobody has read yet. */
    base_status status = cache_reference_check(file, reference, error);
    if (status != BASE_OK)
        return status;
    cache_run run = cache_run_of(reference);
    os_mutex_lock(&file->mutex);
    if (!file->in_checkpoint)
        status = base_error_set(error, BASE_MISUSE, "no checkpoint is under way");
    else if (run.start + run.count > file->granules)
        status = base_error_set(error, BASE_CORRUPT, "the extent at %llu is not in \"%s\"",
                                (unsigned long long)reference->offset,
                                file->file ? file->file->path : "the database in memory");
    else if (space_overlaps(&file->free, run))
        status = base_error_set(error, BASE_CORRUPT, "the extent at %llu of \"%s\" is free already",
                                (unsigned long long)reference->offset,
                                file->file ? file->file->path : "the database in memory");
    else if (!run_list_add(file->budget, &file->freed, run))
        status = base_error_no_memory(error);
    os_mutex_unlock(&file->mutex);
    return status;
}

/* ---- Reading --------------------------------------------------------------------------------- */

base_status cache_reference_check(const cache_file *file, const cache_reference *reference,
                                  base_error *error)
{
    /* The file may have grown: no upper bound but what keeps the arithmetic right. */
    bool sound = reference->offset % CACHE_GRANULE == 0 &&
                 reference->offset >= CACHE_FIRST_GRANULE * CACHE_GRANULE &&
                 reference->offset < UINT64_C(1) << 60 && reference->length > 0 &&
                 reference->length <= CACHE_MAX_EXTENT && reference->flags == 0 &&
                 reference->key_epoch == 0;
    if (!sound)
        return base_error_set(error, BASE_CORRUPT, "\"%s\" holds a malformed reference",
                              file->file ? file->file->path : "the database in memory");
    return BASE_OK;
}

base_status cache_read(cache_file *file, const cache_reference *reference, void *buffer,
                       base_error *error)
{
    RETURN_IF_ERROR(cache_reference_check(file, reference, error));
    if (!file->file) {
        if (cache_buffer_copy(file, reference, buffer))
            return BASE_OK;
        return base_error_set(error, BASE_INTERNAL, "the extent at %llu is gone",
                              (unsigned long long)reference->offset);
    }
    RETURN_IF_ERROR(os_file_read(file->file, reference->offset, buffer, reference->length, error));
    unsigned char seal[16];
    cache_seal(buffer, reference->length, (cache_kind)reference->kind, seal);
    if (memcmp(seal, reference->seal, sizeof seal) != 0)
        return base_error_set(error, BASE_CORRUPT,
                              "\"%s\" is damaged: %u bytes at offset %llu (kind %u) are not what "
                              "was written",
                              file->file->path, reference->length,
                              (unsigned long long)reference->offset, reference->kind);
    return BASE_OK;
}
