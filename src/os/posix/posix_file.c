/*
 * posix_file.c - files of a POSIX system.
 *
 * Plain pread and pwrite through the page cache: io_uring and O_DIRECT are options for
 * later, behind the same operations. Never mmap: an I/O error would be a signal in the host's
 * process, and nothing could order what reaches the disk.
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
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
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

/* write() that takes back the SIGPIPE of a pipe without readers: a library may not end its
 * host. The signal goes to the writing thread, which blocks and collects it. */
static ssize_t write_stream(int descriptor, const void *bytes, size_t length)
{
    sigset_t broken_pipe, before, pending;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    sigemptyset(&pending);
    (void)sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
    ssize_t moved = write(descriptor, bytes, length);
    int number = errno;
    if (moved < 0 && number == EPIPE && sigismember(&pending, SIGPIPE) == 0) {
        const struct timespec at_once = {0, 0};
        while (sigtimedwait(&broken_pipe, NULL, &at_once) < 0 && errno == EINTR)
            ;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = number;
    return moved;
}

static base_status posix_write(os_file *file, uint64_t offset, const void *buffer, size_t length,
                               base_error *error)
{
    posix_file *self = (posix_file *)file;
    size_t done = 0;
    while (done < length) {
        size_t part = BASE_MIN(length - done, (size_t)POSIX_MAX_TRANSFER);
        const char *from = (const char *)buffer + done;
        ssize_t moved = self->stream ? write_stream(self->descriptor, from, part)
                                     : pwrite(self->descriptor, from, part, (off_t)(offset + done));
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
    posix_file *self = (posix_file *)file;
    if (self->stream) /* a pipe or a terminal has no size */
        return BASE_OK;
    while (ftruncate(self->descriptor, (off_t)size) != 0) {
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
    struct flock tag = one_byte(exclusive ? F_WRLCK : F_UNLCK, tag_byte);
    (void)fcntl(self->descriptor, F_SETLK, &tag); /* a courtesy: see the top */
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

static base_status cannot_open(base_error *error, const char *path, int number)
{
    char reason_space[128];
    base_status status = number == ENOMEM                       ? BASE_OUT_OF_MEMORY
                         : number == ENOSPC || number == EDQUOT ? BASE_DISK_FULL
                                                                : BASE_CANNOT_OPEN;
    return base_error_set(error, status, "cannot open \"%s\": %s", path,
                          strerror_r(number, reason_space, sizeof reason_space));
}

static int open_descriptor(const char *path, uint32_t flags, mode_t permissions)
{
    /* A pipe must not be opened for both: its writer would be a reader of itself, and neither
     * wait for another nor see the last one go. */
    int mode = flags & OS_OPEN_READ ? (flags & OS_OPEN_WRITE ? O_RDWR : O_RDONLY) : O_WRONLY;
    if (flags & OS_OPEN_CREATE)
        mode |= O_CREAT;
    if (flags & OS_OPEN_EXCLUSIVE)
        mode |= O_EXCL;
    int descriptor;
    do {
        descriptor = open(path, mode | O_CLOEXEC, permissions);
    } while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

/* Opens under a fresh name in the system's temporary directory; `path` gets the name. */
static base_status open_temporary(os_environment *environment, uint32_t flags, char *path,
                                  size_t size, int *descriptor, base_error *error)
{
    const char *directory = getenv("TMPDIR");
    if (!directory || !*directory)
        directory = "/tmp";
    for (int attempt = 0; attempt < 16; attempt++) {
        uint64_t name;
        RETURN_IF_ERROR(environment->random_bytes(environment, &name, sizeof name, error));
        int length = snprintf(path, size, "%s/tuff-%016llx", directory, (unsigned long long)name);
        if (length < 0 || (size_t)length >= size)
            return cannot_open(error, directory, ENAMETOOLONG);
        *descriptor = open_descriptor(path, flags | OS_OPEN_CREATE | OS_OPEN_EXCLUSIVE, 0600);
        if (*descriptor >= 0)
            return BASE_OK;
        if (errno != EEXIST)
            return cannot_open(error, path, errno);
    }
    return cannot_open(error, path, EEXIST);
}

base_status posix_open(os_environment *environment, base_budget *budget, const char *path,
                       uint32_t flags, os_file **file, base_error *error)
{
    char temporary_path[4096] = "";
    int descriptor = -1;
    if (path) {
        descriptor = open_descriptor(path, flags, 0666);
        if (descriptor < 0)
            return cannot_open(error, path, errno);
    } else {
        RETURN_IF_ERROR(open_temporary(environment, flags, temporary_path, sizeof temporary_path,
                                       &descriptor, error));
        path = temporary_path;
    }
    if (flags & OS_OPEN_TEMPORARY)
        (void)unlink(path);
    struct stat info;
    int refused = fstat(descriptor, &info) != 0 ? errno : S_ISDIR(info.st_mode) ? EISDIR : 0;
    if (refused) {
        (void)close(descriptor);
        return cannot_open(error, path, refused);
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
