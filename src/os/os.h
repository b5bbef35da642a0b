/*
 * os.h - everything that is not computation: files, clock, randomness, threads.
 *
 * One environment object supplies all of it, so that the seeded twin (os/sim) can cut the
 * power, tear and reorder writes, fail any call and choose every thread switch, and replay
 * it from a number. Nothing above this room makes a system call or reads a clock.
 *
 *   os_posix_environment    the real machine
 *   os_memory_environment   files in memory (memory:// databases), real clock and threads
 *   os_sim_*                the seeded twin, for tests (os/sim/os_sim.h)
 *
 * The runtime object (os_runtime) holds what open databases share: the root memory budget,
 * the worker pool and the registry of open files. It is the only process-wide mutable
 * state, and a test can make its own.
 */
#ifndef OS_OS_H
#define OS_OS_H

#include "base/base.h"
#include "os/os_latch.h"

/* ---- Files ------------------------------------------------------------------------- */

typedef struct os_environment os_environment;
typedef struct os_file os_file;

typedef enum os_open_flags {
    OS_OPEN_READ = 1,
    OS_OPEN_WRITE = 2,      /* without READ: what is opened can only be written */
    OS_OPEN_CREATE = 4,     /* make it if missing */
    OS_OPEN_EXCLUSIVE = 8,  /* with CREATE: fail if it exists */
    OS_OPEN_TEMPORARY = 16, /* no name remains once closed; path NULL: in the system's place */
} os_open_flags;

/* Counters of one file, for statistics and for tests that bound I/O. */
typedef struct os_file_counters {
    _Atomic(uint64_t) reads, bytes_read, writes, bytes_written, syncs;
} os_file_counters;

/* Operations of an environment's files. All return BASE_OK or an error whose message names
 * the path and the system's reason. Read and write are positional and complete: the layer
 * loops over short transfers and EINTR. A read past the end fills with zeros and reports
 * the bytes that exist. Any thread may call them at the same time on one file.
 * Pipes and terminals open too: their offsets are ignored, one thread reads in order. Writing
 * to a pipe that nobody reads any more is an error, never a signal. */
typedef struct os_file_operations {
    base_status (*read)(os_file *file, uint64_t offset, void *buffer, size_t length,
                        size_t *bytes_read, base_error *error);
    base_status (*write)(os_file *file, uint64_t offset, const void *buffer, size_t length,
                         base_error *error);
    /* Returns once everything written before is on stable storage (fdatasync). */
    base_status (*sync)(os_file *file, base_error *error);
    base_status (*size)(os_file *file, uint64_t *size, base_error *error);
    /* Shrinks, or grows with zeros. */
    base_status (*set_size)(os_file *file, uint64_t size, base_error *error);
    /* Reserves disk space up to `size` where the system can (else does nothing). */
    base_status (*reserve)(os_file *file, uint64_t size, base_error *error);
    /* Exclusive or shared advisory lock on the whole file (OFD lock); never waits.
     * BASE_FILE_LOCKED names the holding process in the error where it is known. */
    base_status (*lock)(os_file *file, bool exclusive, base_error *error);
    void (*unlock)(os_file *file);
    void (*close)(os_file *file);
} os_file_operations;

struct os_file {
    const os_file_operations *operations;
    os_environment *environment;
    os_file_counters counters;
    base_budget *budget;  /* what the handle was allocated from */
    uint64_t identity[2]; /* equal for two opens of the same file, by whatever name */
    size_t path_size;     /* bytes of `path` with its NUL */
    char *path;           /* owned by the file */
};

struct os_environment {
    const char *name;
    /* The handle is allocated from `budget`, which must outlive it. */
    base_status (*open)(os_environment *environment, base_budget *budget, const char *path,
                        uint32_t flags, os_file **file, base_error *error);
    base_status (*remove)(os_environment *environment, const char *path, base_error *error);
    base_status (*exists)(os_environment *environment, const char *path, bool *exists,
                          base_error *error);
    /* Makes creation and removal of names in the directory of `path` durable. */
    base_status (*sync_directory)(os_environment *environment, const char *path, base_error *error);
    int64_t (*wall_clock)(os_environment *environment);      /* microseconds since 1970 UTC */
    int64_t (*monotonic_clock)(os_environment *environment); /* nanoseconds, never back */
    /* Cryptographic randomness; failure is a hard error. */
    base_status (*random_bytes)(os_environment *environment, void *buffer, size_t length,
                                base_error *error);
    uint32_t (*processor_count)(os_environment *environment);
    void *state; /* of the implementation */
};

/* Statically allocated, shared by all, need no closing. */
os_environment *os_posix_environment(void);

/* Files in memory, charged to `budget`; each environment is an own name space. */
base_status os_memory_environment_create(base_budget *budget, os_environment **environment,
                                         base_error *error);
void os_memory_environment_destroy(os_environment *environment);

/* The calls of the rooms above: as the operations, and they count. */
base_status os_file_open(os_environment *environment, base_budget *budget, const char *path,
                         uint32_t flags, os_file **file, base_error *error);
/* May be short at the file's end: `*bytes_read` tells, the rest is zeros. */
base_status os_file_read_some(os_file *file, uint64_t offset, void *buffer, size_t length,
                              size_t *bytes_read, base_error *error);
base_status os_file_read(os_file *file, uint64_t offset, void *buffer, size_t length,
                         base_error *error); /* a short read is BASE_CORRUPT */
base_status os_file_write(os_file *file, uint64_t offset, const void *buffer, size_t length,
                          base_error *error);
base_status os_file_sync(os_file *file, base_error *error);
void os_file_close(os_file *file); /* NULL allowed */

/* ---- Threads ----------------------------------------------------------------------- */
/*
 * Mutexes and conditions work on real threads and, inside os/sim's scheduler, on its seeded
 * ones: a simulated thread gives up control at every lock, latch, unlock, wait and os_yield_point.
 */
typedef struct os_mutex {
    _Alignas(8) unsigned char storage[48];
} os_mutex;
typedef struct os_condition {
    _Alignas(8) unsigned char storage[64];
} os_condition;
/* Readers share, a writer is alone; writers are not starved. Not recursive. */
typedef struct os_rwlock {
    os_mutex mutex;
    os_condition changed;
    int32_t readers; /* -1: a writer holds it */
    int32_t writers_waiting;
} os_rwlock;
typedef struct os_thread os_thread;

void os_mutex_init(os_mutex *mutex);
void os_mutex_destroy(os_mutex *mutex);
void os_mutex_lock(os_mutex *mutex);
bool os_mutex_try_lock(os_mutex *mutex);
void os_mutex_unlock(os_mutex *mutex);

void os_condition_init(os_condition *condition);
void os_condition_destroy(os_condition *condition);
void os_condition_wait(os_condition *condition, os_mutex *mutex);
/* False when `nanoseconds` passed without a signal. */
bool os_condition_wait_for(os_condition *condition, os_mutex *mutex, int64_t nanoseconds);
void os_condition_signal(os_condition *condition);
void os_condition_broadcast(os_condition *condition);

void os_rwlock_init(os_rwlock *lock);
void os_rwlock_destroy(os_rwlock *lock);
void os_rwlock_read_lock(os_rwlock *lock);
void os_rwlock_read_unlock(os_rwlock *lock);
void os_rwlock_write_lock(os_rwlock *lock);
void os_rwlock_write_unlock(os_rwlock *lock);

base_status os_thread_start(base_budget *budget, void (*function)(void *argument), void *argument,
                            os_thread **thread, base_error *error);
void os_thread_join(os_thread *thread); /* waits, then frees the handle */
/* Where a lock-free algorithm wants the simulator to try a switch; free on real threads. */
void os_yield_point(void);

/* ---- The runtime and its worker pool ----------------------------------------------- */

typedef struct os_runtime os_runtime;
typedef struct os_task_group os_task_group;

typedef struct os_runtime_options {
    const base_allocator *allocator; /* NULL: libc */
    size_t memory_limit;             /* 0: none */
    uint32_t worker_count;           /* pool threads beside the callers; UINT32_MAX: one per
                                        processor less one */
} os_runtime_options;

base_status os_runtime_create(os_environment *environment, const os_runtime_options *options,
                              os_runtime **runtime, base_error *error);
/* Every database on it must be closed. */
void os_runtime_destroy(os_runtime *runtime);
base_budget *os_runtime_budget(os_runtime *runtime);
os_environment *os_runtime_environment(os_runtime *runtime);
/* The registry of open databases: a second open of a file finds the first. An entry lies in
 * its owner's structure. Find, add and remove are called between lock and unlock. */
typedef struct os_registry_entry {
    struct os_registry_entry *next;
    uint64_t identity[2]; /* of the os_file */
    void *owner;
} os_registry_entry;
void os_runtime_registry_lock(os_runtime *runtime);
void os_runtime_registry_unlock(os_runtime *runtime);
os_registry_entry *os_runtime_registry_find(os_runtime *runtime, const uint64_t identity[2]);
void os_runtime_registry_add(os_runtime *runtime, os_registry_entry *entry);
void os_runtime_registry_remove(os_runtime *runtime, os_registry_entry *entry);

/* Threads that can work on one statement: the workers and the caller. At least 1. */
uint32_t os_runtime_parallelism(const os_runtime *runtime);

/*
 * Runs `function(argument, i)` for i in 0 .. count - 1 on the pool and on the calling thread,
 * which does number 0, and returns when all are done. Workers are started on first use. Where
 * the pool is busy or has no worker, the caller does the rest itself: it never waits for a worker
 * that has not begun. Functions must not wait for locks that a user's transaction holds.
 */
void os_runtime_run(os_runtime *runtime, uint32_t count,
                    void (*function)(void *argument, uint32_t index), void *argument);

/* Background work (checkpoint, merge): runs once on a pool thread. A runtime without
 * workers runs it in the caller, at once. The group counts what is under way. */
base_status os_task_group_create(os_runtime *runtime, os_task_group **group, base_error *error);
base_status os_task_group_start(os_task_group *group, void (*function)(void *argument),
                                void *argument, base_error *error);
void os_task_group_wait(os_task_group *group); /* until nothing is under way */
/* Runs one function that no thread has begun in the caller; false: there is none. */
bool os_task_group_help(os_task_group *group);
/* Until one of them has set `*done`; helps meanwhile. */
void os_task_group_wait_for(os_task_group *group, const _Atomic(bool) *done);
void os_task_group_destroy(os_task_group *group); /* waits first; NULL allowed */

#endif
