/*
 * file.c - the calls on files that the rooms above use: counted, and strict about short reads.
 *
 * Counters are relaxed atomics bumped here, once for all environments, rather than in each
 * implementation, so that a test that bounds I/O means the same on all of them. A call that
 * fails is not counted.
 */
#include "os/os_int.h"

base_status os_file_open(os_environment *environment, base_budget *budget, const char *path,
                         uint32_t flags, os_file **file, base_error *error)
{
    BASE_ASSERT(path || (flags & OS_OPEN_TEMPORARY));
    *file = NULL;
    return environment->open(environment, budget, path, flags, file, error);
}

static void count(_Atomic(uint64_t) *calls, _Atomic(uint64_t) *bytes, size_t length)
{
    atomic_fetch_add_explicit(calls, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(bytes, length, memory_order_relaxed);
}

base_status os_file_read_some(os_file *file, uint64_t offset, void *buffer, size_t length,
                              size_t *bytes_read, base_error *error)
{
    RETURN_IF_ERROR(file->operations->read(file, offset, buffer, length, bytes_read, error));
    BASE_ASSERT(*bytes_read <= length);
    count(&file->counters.reads, &file->counters.bytes_read, *bytes_read);
    return BASE_OK;
}

base_status os_file_read(os_file *file, uint64_t offset, void *buffer, size_t length,
                         base_error *error)
{
    size_t bytes_read = 0;
    RETURN_IF_ERROR(os_file_read_some(file, offset, buffer, length, &bytes_read, error));
    if (bytes_read != length)
        return base_error_set(error, BASE_CORRUPT,
                              "file \"%s\" ends early: %zu of %zu bytes at offset %llu", file->path,
                              bytes_read, length, (unsigned long long)offset);
    return BASE_OK;
}

base_status os_file_write(os_file *file, uint64_t offset, const void *buffer, size_t length,
                          base_error *error)
{
    RETURN_IF_ERROR(file->operations->write(file, offset, buffer, length, error));
    count(&file->counters.writes, &file->counters.bytes_written, length);
    return BASE_OK;
}

base_status os_file_sync(os_file *file, base_error *error)
{
    RETURN_IF_ERROR(file->operations->sync(file, error));
    atomic_fetch_add_explicit(&file->counters.syncs, 1, memory_order_relaxed);
    return BASE_OK;
}

void os_file_close(os_file *file)
{
    if (file)
        file->operations->close(file);
}
