/*
 * posix_environment.c - names, clocks, randomness and processors of a POSIX system.
 *
 * The environment is a constant: it has no state of its own, so that any number of
 * runtimes in the process can use it. open() and the rest keep none either.
 */
#define _GNU_SOURCE
#include "os/posix/posix_int.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static base_status posix_remove(os_environment *environment, const char *path, base_error *error)
{
    (void)environment;
    if (unlink(path) != 0 && errno != ENOENT)
        return posix_error(error, "remove", path);
    return BASE_OK;
}

static base_status posix_exists(os_environment *environment, const char *path, bool *exists,
                                base_error *error)
{
    (void)environment;
    *exists = access(path, F_OK) == 0;
    if (!*exists && errno != ENOENT && errno != ENOTDIR)
        return posix_error(error, "examine", path);
    return BASE_OK;
}

static base_status posix_sync_directory(os_environment *environment, const char *path,
                                        base_error *error)
{
    (void)environment;
    const char *slash = strrchr(path, '/');
    char directory[4096] = ".";
    if (slash) {
        size_t length = BASE_MAX((size_t)(slash - path), (size_t)1); /* "/x" lies in "/" */
        if (length >= sizeof directory) {
            errno = ENAMETOOLONG;
            return posix_error(error, "sync the directory of", path);
        }
        memcpy(directory, path, length);
        directory[length] = '\0';
    }
    int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return posix_error(error, "open the directory", directory);
    base_status status = BASE_OK;
    while (status == BASE_OK && fsync(descriptor) != 0) {
        if (errno == EINVAL) /* file systems that cannot sync directories order names themselves */
            break;
        if (errno != EINTR)
            status = posix_error(error, "sync the directory", directory);
    }
    (void)close(descriptor);
    return status;
}

static int64_t posix_wall_clock(os_environment *environment)
{
    (void)environment;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t posix_monotonic_clock(os_environment *environment)
{
    (void)environment;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static base_status posix_random_bytes(os_environment *environment, void *buffer, size_t length,
                                      base_error *error)
{
    (void)environment;
    size_t done = 0;
    while (done < length) {
        ssize_t got = getrandom((char *)buffer + done, length - done, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return base_error_set(error, BASE_IO_ERROR, "the system gives no random bytes");
        done += (size_t)got;
    }
    return BASE_OK;
}

static uint32_t posix_processor_count(os_environment *environment)
{
    (void)environment;
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (uint32_t)CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (uint32_t)online : 1;
}

static const os_environment posix_environment = {
    .name = "posix",
    .open = posix_open,
    .remove = posix_remove,
    .exists = posix_exists,
    .sync_directory = posix_sync_directory,
    .wall_clock = posix_wall_clock,
    .monotonic_clock = posix_monotonic_clock,
    .random_bytes = posix_random_bytes,
    .processor_count = posix_processor_count,
};

os_environment *os_posix_environment(void)
{
    return (os_environment *)&posix_environment; /* nobody writes to it */
}
