/*
 * spill.c - temporary runs.
 *
 * Space is given out by one atomic counter: threads that spill at the same time write to
 * different places and need no lock but for making the file. Blocks begin at multiples of
 * 64 bytes only; alignment to granules would waste half a granule a block.
 *
 * A checksum a block, as temporary files meet the same disks as all others. Nothing is ever
 * synced, and the name is gone once the file is open: a crash leaves nothing behind.
 */
#include "store/cache/spill.h"

#include "crypto/crypto.h"

enum {
    SPILL_ALIGNMENT = 64
};

struct spill_file {
    os_environment *environment;
    base_budget *budget;
    uint64_t limit;
    size_t path_size;
    char *path; /* NULL: in the system's place */
    os_mutex mutex;
    os_file *_Atomic file; /* NULL until the first append */
    _Atomic(uint64_t) end;
};

base_status spill_create(os_environment *environment, base_budget *budget, const char *directory_of,
                         uint64_t limit, spill_file **file, base_error *error)
{
    spill_file *self = base_allocate_zeroed(budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->environment = environment;
    self->budget = budget;
    self->limit = limit;
    if (directory_of) {
        self->path_size = strlen(directory_of) + 32;
        self->path = base_allocate(budget, self->path_size);
        if (!self->path) {
            base_free(budget, self, sizeof *self);
            return base_error_no_memory(error);
        }
        memcpy(self->path, directory_of, strlen(directory_of) + 1);
    }
    os_mutex_init(&self->mutex);
    *file = self;
    return BASE_OK;
}

void spill_destroy(spill_file *file)
{
    if (!file)
        return;
    os_file_close(atomic_load(&file->file));
    os_mutex_destroy(&file->mutex);
    base_free(file->budget, file->path, file->path_size);
    base_free(file->budget, file, sizeof *file);
}

/* Makes the file under a name that nobody else has. Under the mutex. */
static base_status make_file(spill_file *file, base_error *error)
{
    uint32_t flags =
        OS_OPEN_READ | OS_OPEN_WRITE | OS_OPEN_CREATE | OS_OPEN_EXCLUSIVE | OS_OPEN_TEMPORARY;
    if (file->path) {
        uint64_t name;
        RETURN_IF_ERROR(
            file->environment->random_bytes(file->environment, &name, sizeof name, error));
        size_t length = file->path_size - 32;
        snprintf(file->path + length, 32, "-spill-%016llx", (unsigned long long)name);
    }
    os_file *opened = NULL;
    RETURN_IF_ERROR(
        os_file_open(file->environment, file->budget, file->path, flags, &opened, error));
    atomic_store(&file->file, opened);
    return BASE_OK;
}

static base_status get_file(spill_file *file, os_file **opened, base_error *error)
{
    *opened = atomic_load_explicit(&file->file, memory_order_acquire);
    if (*opened)
        return BASE_OK;
    os_mutex_lock(&file->mutex);
    base_status status = BASE_OK;
    if (!atomic_load(&file->file))
        status = make_file(file, error);
    *opened = atomic_load(&file->file);
    os_mutex_unlock(&file->mutex);
    return status;
}

base_status spill_append(spill_file *file, const void *bytes, size_t length, spill_block *block,
                         base_error *error)
{
    BASE_ASSERT(length > 0 && length <= (size_t)1 << 30);
    os_file *opened;
    RETURN_IF_ERROR(get_file(file, &opened, error));
    uint64_t size = BASE_ALIGN_UP((uint64_t)length, (uint64_t)SPILL_ALIGNMENT);
    uint64_t offset = atomic_fetch_add_explicit(&file->end, size, memory_order_relaxed);
    if (file->limit && offset + size > file->limit) {
        atomic_fetch_sub_explicit(&file->end, size, memory_order_relaxed);
        return base_error_set(error, BASE_LIMIT,
                              "the statement needs more than %llu bytes of temporary space",
                              (unsigned long long)file->limit);
    }
    RETURN_IF_ERROR(os_file_write(opened, offset, bytes, length, error));
    *block = (spill_block){offset, (uint32_t)length, crypto_crc32c(0, bytes, length)};
    return BASE_OK;
}

base_status spill_read(spill_file *file, const spill_block *block, void *buffer, base_error *error)
{
    os_file *opened;
    RETURN_IF_ERROR(get_file(file, &opened, error));
    RETURN_IF_ERROR(os_file_read(opened, block->offset, buffer, block->length, error));
    if (crypto_crc32c(0, buffer, block->length) != block->checksum)
        return base_error_set(error, BASE_CORRUPT, "temporary file \"%s\" is damaged",
                              opened->path);
    return BASE_OK;
}

uint64_t spill_size(const spill_file *file)
{
    return atomic_load_explicit(&((spill_file *)file)->end, memory_order_relaxed);
}
