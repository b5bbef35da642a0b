/*
 * posix_file.c - files of a POSIX system.
 *
 * Plain pread and pwrite through the page cache: io_uring and O_DIRECT are options for
 * later, behind the same operations. Never mmap (design-notes 1.7).
 *
 * Locking. An open-file-description lock excludes every other open of the file, of this
 * process too, and cannot be lost by an unrelated close() as a classic record lock can. It
 * does not tell its holder, though (F_OFD_GETLK answers pid -1). So the exclusive holder
 * also takes a classic record lock on another byte, as a name tag that F_GETLK reads. The
 * tag protects nothing: losing it only makes the error message poorer. Both bytes lie far
 * beyond any data.
 *
 * Rejected: writing the pid into the file (a write before the lock is certain, and a stale
 * one after a crash); lock files (survive kill -9).
 */
#define _GNU_SOURCE
#include "os/posix/posix_int.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    POSIX_MAX_TRANSFER = 1 << 30
}; /* Linux moves at most 2 GiB - 4 KiB a call */
static const int64_t lock_byte = INT64_C(0x4000000000000000);
static const int64_t tag_byte = INT64_C(0x4000000000000001);

typedef struct posix_file {
    os_file file;
    int descriptor;
    bool stream; /* no offsets: a pipe, a terminal */
} posix_file;

base_status posix_error(base_error *error, const char *action, const char *path)
{
    int number = errno;
    char reason_space[128];
    const char *reason = strerror_r(number, reason_space, sizeof reason_space);
    base_status status = BASE_IO_ERROR;
    if (number == ENOSPC || number == EDQUOT || number == EFBIG)
        status = BASE_DISK_FULL;
    else if (number == ENOMEM)
        status = BASE_OUT_OF_MEMORY;
    return base_error_set(error, status, "cannot %s \"%s\": %s", action, path, reason);
}

static base_status posix_read(os_file *file, uint64_t offset, void *buffer, size_t length,
                              size_t *bytes_read, base_error *error)
{
    posix_file *self = (posix_file *)file;
    size_t done = 0;
    while (done < length) {
        size_t part = BASE_MIN(length - done, (size_t)POSIX_MAX_TRANSFER);
        ssize_t moved = self->stream ? read(self->descriptor, (char *)buffer + done, part)
                                     : pread(self->descriptor, (char *)buffer + done, part,
                                             (off_t)(offset + done));
        if (moved < 0 && errno == EINTR)
            continue;
        if (moved < 0)
            return posix_error(error, "read", file->path);
        if (moved == 0)
            break;
        done += (size_t)moved;
        if (self->stream)
            break; /* what has come is handed on, a terminal's line at once */
    }
    if (done < length)
        memset((char *)buffer + done, 0, length - done);
    *bytes_read = done;
    return BASE_OK;
}

static base_status posix_write(os_file *file, uint64_t offset, const void *buffer, size_t length,
                               base_error *error)
{
    posix_file *self = (posix_file *)file;
    size_t done = 0;
    while (done < length) {
        size_t part = BASE_MIN(length - done, (size_t)POSIX_MAX_TRANSFER);
        ssize_t moved = self->stream ? write(self->descriptor, (const char *)buffer + done, part)
                                     : pwrite(self->descriptor, (const char *)buffer + done, part,
                                              (off_t)(offset + done));
        if (moved < 0 && errno == EINTR)
            continue;
        if (moved == 0)
            errno = ENOSPC; /* no system does this for a positive length: never loop on it */
        if (moved <= 0)
            return posix_error(error, "write", file->path);
        done += (size_t)moved;
    }
    return BASE_OK;
}

static base_status posix_sync(os_file *file, base_error *error)
{
    posix_file *self = (posix_file *)file;
    /* EINTR is retried: the call had no effect. Any other failure is final for the caller. */
    while (fdatasync(self->descriptor) != 0) {
        if (errno == EINVAL && self->stream)
            return BASE_OK;
        if (errno != EINTR)
            return posix_error(error, "sync", file->path);
    }
    return BASE_OK;
}

static base_status posix_size(os_file *file, uint64_t *size, base_error *error)
{
    struct stat info;
    if (fstat(((posix_file *)file)->descriptor, &info) != 0)
        return posix_error(error, "examine", file->path);
    *size = (uint64_t)info.st_size;
    return BASE_OK;
}

static base_status posix_set_size(os_file *file, uint64_t size, base_error *error)
{
    while (ftruncate(((posix_file *)file)->descriptor, (off_t)size) != 0) {
        if (errno != EINTR)
            return posix_error(error, "resize", file->path);
    }
    return BASE_OK;
}

static base_status posix_reserve(os_file *file, uint64_t size, base_error *error)
{
    int descriptor = ((posix_file *)file)->descriptor;
    while (fallocate(descriptor, FALLOC_FL_KEEP_SIZE, 0, (off_t)size) != 0) {
        if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL)
            return BASE_OK; /* the file system cannot; writes will tell */
        if (errno != EINTR)
            return posix_error(error, "reserve space for", file->path);
    }
    return BASE_OK;
}

static struct flock one_byte(short type, int64_t at)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
}

static base_status lock_refused(posix_file *self, base_error *error)
{
    const char *path = self->file.path;
    struct flock tag = one_byte(F_WRLCK, tag_byte);
    if (fcntl(self->descriptor, F_GETLK, &tag) == 0 && tag.l_type != F_UNLCK && tag.l_pid > 0)
        return base_error_set(error, BASE_FILE_LOCKED, "database \"%s\" is in use by process %ld",
                              path, (long)tag.l_pid);
    return base_error_set(error, BASE_FILE_LOCKED, "database \"%s\" is in use elsewhere", path);
}

static base_status posix_lock(os_file *file, bool exclusive, base_error *error)
{
    posix_file *self = (posix_file *)file;
    struct flock lock = one_byte(exclusive ? F_WRLCK : F_RDLCK, lock_byte);
    while (fcntl(self->descriptor, F_OFD_SETLK, &lock) != 0) {
        if (errno == EAGAIN || errno == EACCES)
            return lock_refused(self, error);
        if (errno != EINTR)
            return posix_error(error, "lock", file->path);
    }
    if (exclusive) {
        struct flock tag = one_byte(F_WRLCK, tag_byte);
        (void)fcntl(self->descriptor, F_SETLK, &tag); /* a courtesy: see the top */
    }
    return BASE_OK;
}

static void posix_unlock(os_file *file)
{
    posix_file *self = (posix_file *)file;
    struct flock tag = one_byte(F_UNLCK, tag_byte);
    (void)fcntl(self->descriptor, F_SETLK, &tag);
    struct flock lock = one_byte(F_UNLCK, lock_byte);
    (void)fcntl(self->descriptor, F_OFD_SETLK, &lock);
}

static void posix_close(os_file *file)
{
    posix_file *self = (posix_file *)file;
    /* Not repeated on EINTR: Linux has freed the descriptor already. Data that mattered was
     * synced before, so the result tells nothing of use. */
    (void)close(self->descriptor);
    base_free(file->budget, file->path, file->path_size);
    base_free(file->budget, self, sizeof *self);
}

static const os_file_operations posix_operations = {
    .read = posix_read,
    .write = posix_write,
    .sync = posix_sync,
    .size = posix_size,
    .set_size = posix_set_size,
    .reserve = posix_reserve,
    .lock = posix_lock,
    .unlock = posix_unlock,
    .close = posix_close,
};

/* Opens under a fresh name in the system's temporary directory; the name goes at once. */
static int open_temporary(os_environment *environment, char *path, size_t size, base_error *error)
{
    const char *directory = getenv("TMPDIR");
    if (!directory || !*directory)
        directory = "/tmp";
    for (int attempt = 0; attempt < 16; attempt++) {
        uint64_t name;
        if (environment->random_bytes(environment, &name, sizeof name, error) != BASE_OK)
            return -1;
        int length = snprintf(path, size, "%s/tuff-%016llx", directory, (unsigned long long)name);
        if (length < 0 || (size_t)length >= size) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (descriptor >= 0 || errno != EEXIST)
            return descriptor;
    }
    return -1;
}

static int open_descriptor(const char *path, uint32_t flags)
{
    int mode = O_CLOEXEC | (flags & OS_OPEN_WRITE ? O_RDWR : O_RDONLY);
    if (flags & OS_OPEN_CREATE)
        mode |= O_CREAT;
    if (flags & OS_OPEN_EXCLUSIVE)
        mode |= O_EXCL;
    int descriptor;
    do {
        descriptor = open(path, mode, 0666);
        /* A stream is opened for one direction only. */
        if (descriptor < 0 && (errno == ENXIO || errno == EACCES) && flags == OS_OPEN_WRITE)
            descriptor = open(path, O_WRONLY | O_CLOEXEC);
    } while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

static base_status cannot_open(base_error *error, const char *path, int number)
{
    char reason_space[128];
    base_status status = number == ENOMEM                       ? BASE_OUT_OF_MEMORY
                         : number == ENOSPC || number == EDQUOT ? BASE_DISK_FULL
                                                                : BASE_CANNOT_OPEN;
    return base_error_set(error, status, "cannot open \"%s\": %s", path,
                          strerror_r(number, reason_space, sizeof reason_space));
}

base_status posix_open(os_environment *environment, base_budget *budget, const char *path,
                       uint32_t flags, os_file **file, base_error *error)
{
    char temporary_path[4096] = "";
    int descriptor;
    if (path) {
        descriptor = open_descriptor(path, flags);
    } else {
        descriptor = open_temporary(environment, temporary_path, sizeof temporary_path, error);
        path = temporary_path;
    }
    if (descriptor < 0)
        return cannot_open(error, path, errno);
    if (flags & OS_OPEN_TEMPORARY)
        (void)unlink(path);
    struct stat info;
    if (fstat(descriptor, &info) != 0 || S_ISDIR(info.st_mode)) {
        base_status status = cannot_open(error, path, S_ISDIR(info.st_mode) ? EISDIR : errno);
        (void)close(descriptor);
        return status;
    }
    size_t path_size = strlen(path) + 1;
    posix_file *self = base_allocate_zeroed(budget, sizeof *self);
    char *copy = self ? base_allocate(budget, path_size) : NULL;
    if (!copy) {
        base_free(budget, self, sizeof *self);
        (void)close(descriptor);
        return base_error_no_memory(error);
    }
    memcpy(copy, path, path_size);
    self->file.operations = &posix_operations;
    self->file.environment = environment;
    self->file.budget = budget;
    self->file.path = copy;
    self->file.path_size = path_size;
    self->file.identity[0] = (uint64_t)info.st_dev;
    self->file.identity[1] = (uint64_t)info.st_ino;
    self->descriptor = descriptor;
    self->stream = !S_ISREG(info.st_mode) && !S_ISBLK(info.st_mode);
    *file = &self->file;
    return BASE_OK;
}
