/*
 * cache_file.c - opening, checkpoints, closing.
 *
 *   begin ── cache_write, cache_adopt, cache_free ── commit ──► (new epoch)
 *     └──────────────────────────────────────────── abort ──► (as before)
 *
 * Commit: free map, sync, header into the slot of the older epoch, sync. Until the header is
 * written whole the file is at the old epoch, whatever happens. After a failed sync, or a
 * failed write of the header, nobody knows which epoch a crash would leave: the file is
 * read-only until it is reopened, and nothing is used again in between.
 *
 * Close writes the newest header into the other slot as well. A cleanly closed file thus has
 * it twice: damage to one slot loses nothing, and what the epoch before alone could reach is
 * cut off the end.
 *
 * A file whose creation was cut short (no valid header, nothing behind the slots) is made
 * anew; it has never held anything.
 */
#include "store/cache/cache_int.h"

enum {
    CACHE_FIRST_READERS = 4
};

/* ---- Opening ----------------------------------------------------------------------------- */

static void file_free(cache_file *file)
{
    cache_buffer_destroy(file);
    if (file->file) {
        file->file->operations->unlock(file->file);
        os_file_close(file->file);
    }
    space_destroy(&file->free);
    space_destroy(&file->loose);
    run_list_destroy(file->budget, &file->written);
    run_list_destroy(file->budget, &file->adopted);
    run_list_destroy(file->budget, &file->freed);
    base_free_array(file->budget, file->awaiting, file->awaiting_capacity, sizeof *file->awaiting);
    base_free_array(file->budget, file->readers, file->reader_capacity, sizeof *file->readers);
    os_mutex_destroy(&file->mutex);
    base_free(file->budget, file, sizeof *file);
}

static uint64_t choose_cache_size(const cache_options *options)
{
    const uint64_t least = UINT64_C(16) << 20, most = UINT64_C(1) << 30;
    if (options->cache_size)
        return options->cache_size;
    uint64_t quarter = SIZE_MAX / 4;
    for (const base_budget *budget = options->budget; budget; budget = budget->parent)
        quarter = BASE_MIN(quarter, atomic_load(&budget->limit) / 4);
    return BASE_MIN(BASE_MAX(quarter, least), most);
}

static base_status write_header(cache_file *file, const cache_header *header, unsigned char *slot,
                                uint64_t place, base_error *error)
{
    cache_header_store(header, slot);
    return os_file_write(file->file, place * CACHE_GRANULE, slot, CACHE_GRANULE, error);
}

/* Writes both headers of a new database. */
static base_status make_file(cache_file *file, base_error *error)
{
    cache_header *header = &file->header;
    *header = (cache_header){.epoch = 1, .granules = CACHE_FIRST_GRANULE};
    header->root.log_generation = 1;
    RETURN_IF_ERROR(file->environment->random_bytes(file->environment, header->database_id,
                                                    sizeof header->database_id, error));
    file->other_epoch = 1;
    file->granules = header->granules;
    if (!file->file)
        return BASE_OK;
    unsigned char slot[CACHE_GRANULE] = {0};
    RETURN_IF_ERROR(write_header(file, header, slot, 0, error));
    RETURN_IF_ERROR(write_header(file, header, slot, 1, error));
    RETURN_IF_ERROR(os_file_sync(file->file, error));
    return file->environment->sync_directory(file->environment, file->file->path, error);
}

static void add_run(void *context, cache_run run)
{
    space_add(context, run);
}

/*
 * The physical file must reach the last granule of the tree. What is free at the end may be
 * missing, and so may what the newest epoch freed: a close may have cut it off. (Of a new file
 * the second slot may not have got there.)
 */
static base_status check_size(const cache_file *file, uint64_t size, base_error *error)
{
    cache_space unused;
    cache_run last;
    uint64_t used = file->granules;
    space_init(&unused, file->budget, false);
    space_walk(&file->free, add_run, &unused);
    for (uint32_t i = 0; i < file->awaiting_count; i++)
        space_add(&unused, file->awaiting[i].run);
    bool complete = unused.lost == 0;
    if (space_last(&unused, &last) && last.start + last.count == used)
        used = last.start;
    space_destroy(&unused);
    if (!complete)
        return base_error_no_memory(error);
    if (used > CACHE_FIRST_GRANULE && size <= (used - 1) * CACHE_GRANULE)
        return base_error_set(
            error, BASE_CORRUPT, "\"%s\" was cut off: it has %llu bytes and should have %llu",
            file->file->path, (unsigned long long)size, (unsigned long long)(used * CACHE_GRANULE));
    return BASE_OK;
}

static base_status write_slot(cache_file *file, int place, const unsigned char *slot,
                              base_error *error)
{
    return os_file_write(file->file, (uint64_t)place * CACHE_GRANULE, slot, CACHE_GRANULE, error);
}

/*
 * What is read need not be on the disk: the process that wrote it may have died before its sync, or
 * the sync failed, after which the system shows the bytes to every reader and never writes them.
 * So the newest header is written again where it is before anything relies on it. That is safe
 * whatever lies there, as the bytes are the same or the other slot has a whole header. A new file
 * may have neither; there the name may be missing, too.
 *
 * Where both slots are the same one of them is on the disk, which is enough until the other is
 * written: see cache_checkpoint_commit.
 *
 * A slot that a power cut has torn gets the newest header, before anything is written elsewhere. It
 * holds pieces of a header whose epoch will be given again: had the next write of the slot been
 * torn as well, the pieces of both could make the lost header whole, when its extents have long
 * been used for something else.
 */
static base_status settle_slots(cache_file *file, const unsigned char *slots, int newest,
                                base_error *error)
{
    const unsigned char *slot = slots + (size_t)newest * CACHE_GRANULE;
    bool is_new = file->header.epoch == 1, is_same = file->other_epoch == file->header.epoch;
    if (file->read_only)
        return BASE_OK;
    file->unconfirmed = is_same && !is_new;
    if (file->unconfirmed)
        return BASE_OK;
    RETURN_IF_ERROR(write_slot(file, newest, slot, error));
    if (is_new && is_same)
        RETURN_IF_ERROR(write_slot(file, 1 - newest, slot, error));
    RETURN_IF_ERROR(os_file_sync(file->file, error));
    if (is_new)
        RETURN_IF_ERROR(
            file->environment->sync_directory(file->environment, file->file->path, error));
    if (file->other_epoch != 0)
        return BASE_OK;
    RETURN_IF_ERROR(write_slot(file, 1 - newest, slot, error));
    RETURN_IF_ERROR(os_file_sync(file->file, error));
    file->other_epoch = file->header.epoch;
    return BASE_OK;
}

static base_status load_file(cache_file *file, const unsigned char *slots, uint64_t size,
                             int newest, base_error *error)
{
    file->granules = file->header.granules;
    if (file->granules < CACHE_FIRST_GRANULE || file->granules > UINT64_C(1) << 48 ||
        file->header.root.sequence >= UINT64_C(1) << 56)
        return base_error_set(error, BASE_CORRUPT, "the header of \"%s\" is malformed",
                              file->file->path);
    RETURN_IF_ERROR(cache_map_load(file, slots + (size_t)newest * CACHE_GRANULE, error));
    if (file->free.lost)
        return base_error_no_memory(error);
    RETURN_IF_ERROR(check_size(file, size, error));
    RETURN_IF_ERROR(settle_slots(file, slots, newest, error));
    /* Both slots hold this epoch, or the other one is torn and we only read: nothing reaches what
     * this epoch freed, and what lay there since may be named by the log. */
    if (file->other_epoch == file->header.epoch || file->other_epoch == 0) {
        for (uint32_t i = 0; i < file->awaiting_count; i++)
            file->awaiting[i].epoch = 0;
        cache_recycle(file);
    }
    return file->free.lost ? base_error_no_memory(error) : BASE_OK;
}

static base_status choose_header(cache_file *file, const cache_options *options, bool *created,
                                 base_error *error)
{
    unsigned char slots[2 * CACHE_GRANULE];
    size_t got;
    uint64_t size;
    RETURN_IF_ERROR(file->file->operations->size(file->file, &size, error));
    RETURN_IF_ERROR(os_file_read_some(file->file, 0, slots, sizeof slots, &got, error));
    cache_header headers[2];
    memset(headers, 0, sizeof headers);
    cache_slot_state states[2];
    for (int i = 0; i < 2; i++)
        states[i] = cache_header_load(&headers[i], slots + i * CACHE_GRANULE, file->read_only);
    int newest = -1;
    for (int i = 0; i < 2; i++) {
        bool known = states[i] == CACHE_SLOT_VALID || states[i] == CACHE_SLOT_NEWER;
        if (known && (newest < 0 || headers[i].epoch > headers[newest].epoch))
            newest = i;
    }
    const char *path = file->file->path;
    if (newest >= 0 && states[newest] == CACHE_SLOT_NEWER)
        return base_error_set(error, BASE_FORMAT, "\"%s\" needs a newer version of this library",
                              path);
    if (newest >= 0) {
        file->header = headers[newest];
        file->newest_slot = (uint64_t)newest;
        file->other_epoch = states[1 - newest] == CACHE_SLOT_VALID ? headers[1 - newest].epoch : 0;
        return load_file(file, slots, size, newest, error);
    }
    if (states[0] == CACHE_SLOT_FOREIGN || states[1] == CACHE_SLOT_FOREIGN ||
        (size == 0 && !options->create))
        return base_error_set(error, BASE_FORMAT, "\"%s\" is not a Tuff database", path);
    if (size > sizeof slots || file->read_only || !options->create)
        return base_error_set(error, BASE_CORRUPT, "both headers of \"%s\" are damaged", path);
    *created = true;
    return make_file(file, error);
}

static base_status open_file(cache_file *file, const cache_options *options, bool *created,
                             base_error *error)
{
    if (!options->path) {
        *created = true;
        return make_file(file, error);
    }
    uint32_t flags = OS_OPEN_READ;
    if (!options->read_only)
        flags |= OS_OPEN_WRITE | (options->create ? OS_OPEN_CREATE : 0);
    os_file *opened;
    RETURN_IF_ERROR(
        os_file_open(file->environment, file->budget, options->path, flags, &opened, error));
    base_status status = opened->operations->lock(opened, !options->read_only, error);
    if (status != BASE_OK) {
        os_file_close(opened);
        return status;
    }
    file->file = opened;
    return choose_header(file, options, created, error);
}

base_status cache_open(const cache_options *options, cache_file **file, bool *created,
                       base_error *error)
{
    *created = false;
    cache_file *self = base_allocate_zeroed(options->budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->environment = options->environment;
    self->budget = options->budget;
    self->read_only = options->read_only;
    self->memory_identity[0] = (uint64_t)(uintptr_t)self;
    space_init(&self->free, self->budget, false);
    space_init(&self->loose, self->budget, true);
    os_mutex_init(&self->mutex);
    base_status status = cache_buffer_init(&self->buffer, choose_cache_size(options));
    if (status == BASE_OK && !base_grow_array(self->budget, &self->readers, &self->reader_capacity,
                                              CACHE_FIRST_READERS, sizeof *self->readers))
        status = base_error_no_memory(error);
    if (status == BASE_OK)
        status = open_file(self, options, created, error);
    if (status != BASE_OK) {
        file_free(self);
        return status;
    }
    *file = self;
    return BASE_OK;
}

/* ---- Closing ------------------------------------------------------------------------------- */

/* The newest header into the other slot, too: see the top. */
static bool write_header_twice(cache_file *file)
{
    if (file->other_epoch == file->header.epoch)
        return true;
    unsigned char slot[CACHE_GRANULE];
    return os_file_read(file->file, file->newest_slot * CACHE_GRANULE, slot, sizeof slot, NULL) ==
               BASE_OK &&
           os_file_write(file->file, (1 - file->newest_slot) * CACHE_GRANULE, slot, sizeof slot,
                         NULL) == BASE_OK &&
           os_file_sync(file->file, NULL) == BASE_OK;
}

/* Cuts off the end of the file that nothing reaches. Failure leaves it longer. */
static void cut_end(cache_file *file)
{
    for (uint32_t i = 0; i < file->awaiting_count; i++)
        space_add(&file->free, file->awaiting[i].run);
    file->awaiting_count = 0;
    space_walk(&file->loose, add_run, &file->free);
    cache_run last;
    uint64_t size;
    if (!space_last(&file->free, &last) || last.start + last.count != file->granules ||
        file->file->operations->size(file->file, &size, NULL) != BASE_OK)
        return;
    if (size > last.start * CACHE_GRANULE)
        (void)file->file->operations->set_size(file->file, last.start * CACHE_GRANULE, NULL);
}

void cache_close(cache_file *file)
{
    if (!file)
        return;
    if (file->in_checkpoint)
        cache_checkpoint_abort(file);
    BASE_ASSERT(file->reader_count == 0);
    if (file->file && !file->read_only && file->failure == BASE_OK && write_header_twice(file))
        cut_end(file);
    file_free(file);
}

void cache_abandon(cache_file *file)
{
    if (file)
        file->read_only = true;
    cache_close(file);
}

/* ---- Checkpoints ----------------------------------------------------------------------------- */

base_status cache_checkpoint_begin(cache_file *file, base_error *error)
{
    if (file->read_only)
        return base_error_set(error, BASE_READ_ONLY, "the database is read-only");
    os_mutex_lock(&file->mutex);
    base_status status = cache_answer_failure(file, error);
    if (status == BASE_OK && file->in_checkpoint)
        status = base_error_set(error, BASE_MISUSE, "a checkpoint is under way");
    if (status == BASE_OK)
        file->in_checkpoint = true;
    os_mutex_unlock(&file->mutex);
    return status;
}

static void end_checkpoint(cache_file *file)
{
    run_list_destroy(file->budget, &file->written);
    run_list_destroy(file->budget, &file->adopted);
    run_list_destroy(file->budget, &file->freed);
    file->found = 0;
    file->in_checkpoint = false;
}

void cache_checkpoint_abort(cache_file *file)
{
    os_mutex_lock(&file->mutex);
    BASE_ASSERT(file->in_checkpoint);
    for (uint32_t i = 0; i < file->written.count; i++) {
        /* After a failure the new header may be on disk: its extents must stay. */
        if (file->failure != BASE_OK)
            continue;
        if (!file->file)
            cache_buffer_drop(file, file->written.runs[i].start * CACHE_GRANULE);
        space_add(&file->free, file->written.runs[i]);
    }
    for (uint32_t i = 0; i < file->adopted.count; i++)
        space_add(&file->loose, file->adopted.runs[i]);
    end_checkpoint(file);
    os_mutex_unlock(&file->mutex);
}

/* Room for everything that the end of the checkpoint notes, so that it cannot fail then. */
static base_status make_room(cache_file *file, base_error *error)
{
    uint32_t freed = file->freed.count + 1; /* and the old free map */
    if (!space_reserve(&file->free) ||
        !base_grow_array(file->budget, &file->awaiting, &file->awaiting_capacity,
                         file->awaiting_count + freed, sizeof *file->awaiting) ||
        !base_grow_array(file->budget, &file->readers, &file->reader_capacity,
                         file->reader_count + 2, sizeof *file->readers))
        return base_error_no_memory(error);
    return BASE_OK;
}

static void become(cache_file *file, const cache_header *header)
{
    for (uint32_t i = 0; i < file->freed.count; i++) {
        BASE_VERIFY(file->awaiting_count < file->awaiting_capacity);
        file->awaiting[file->awaiting_count++] = (cache_freed){file->freed.runs[i], header->epoch};
        file->awaiting_granules += file->freed.runs[i].count;
    }
    file->other_epoch = file->header.epoch;
    file->newest_slot = 1 - file->newest_slot;
    file->unconfirmed = false;
    file->header = *header;
    file->free.lost -= file->found;
    end_checkpoint(file);
    cache_recycle(file);
}

/* The other slot is going to be written: now this one must be on the disk. */
static base_status confirm_newest(cache_file *file, base_error *error)
{
    unsigned char slot[CACHE_GRANULE];
    if (!file->unconfirmed)
        return BASE_OK;
    uint64_t place = file->newest_slot * CACHE_GRANULE;
    RETURN_IF_ERROR(os_file_read(file->file, place, slot, sizeof slot, error));
    return os_file_write(file->file, place, slot, sizeof slot, error);
}

base_status cache_checkpoint_commit(cache_file *file, const cache_root *root, base_error *error)
{
    unsigned char slot[CACHE_GRANULE] = {0};
    cache_header header = file->header;
    header.epoch++;
    header.root = *root;
    os_mutex_lock(&file->mutex);
    BASE_ASSERT(file->in_checkpoint);
    base_status status = cache_answer_failure(file, error);
    if (status == BASE_OK)
        status = make_room(file, error);
    if (status == BASE_OK && file->file)
        status = cache_map_store(file, &header, slot, error);
    header.granules = file->granules;
    os_mutex_unlock(&file->mutex);
    RETURN_IF_ERROR(status);

    if (file->file) {
        status = confirm_newest(file, error);
        if (status == BASE_OK)
            status = os_file_sync(file->file, error);
        if (status == BASE_OK)
            status = write_header(file, &header, slot, 1 - file->newest_slot, error);
        if (status == BASE_OK)
            status = os_file_sync(file->file, error);
    }
    os_mutex_lock(&file->mutex);
    if (status == BASE_OK)
        become(file, &header);
    else
        file->failure = status;
    os_mutex_unlock(&file->mutex);
    return status;
}

/* ---- What is known --------------------------------------------------------------------------- */

const unsigned char *cache_database_id(const cache_file *file)
{
    return file->header.database_id;
}
const cache_root *cache_get_root(const cache_file *file)
{
    return &file->header.root;
}
const uint64_t *cache_identity(const cache_file *file)
{
    return file->file ? file->file->identity : file->memory_identity;
}
os_file *cache_os_file(cache_file *file)
{
    return file->file;
}

uint64_t cache_epoch(cache_file *file)
{
    os_mutex_lock(&file->mutex);
    uint64_t epoch = file->header.epoch;
    os_mutex_unlock(&file->mutex);
    return epoch;
}
uint64_t cache_checkpoint_epoch(cache_file *file)
{
    return cache_epoch(file) + 1;
}

void cache_get_statistics(cache_file *file, cache_statistics *statistics)
{
    *statistics = (cache_statistics){0};
    os_mutex_lock(&file->mutex);
    statistics->file_size = file->granules * CACHE_GRANULE;
    statistics->free_size = file->free.granules * CACHE_GRANULE;
    statistics->awaiting_size = file->awaiting_granules * CACHE_GRANULE;
    statistics->loose_size = file->loose.granules * CACHE_GRANULE;
    statistics->lost_size = file->free.lost * CACHE_GRANULE;
    os_mutex_unlock(&file->mutex);
    os_mutex_lock(&file->buffer.mutex);
    statistics->cached_size = file->buffer.size;
    statistics->hits = file->buffer.hits;
    statistics->misses = file->buffer.misses;
    statistics->evictions = file->buffer.evictions;
    os_mutex_unlock(&file->buffer.mutex);
}
