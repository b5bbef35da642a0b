/*
 * memory_environment.c - files that live in memory; clock, randomness and threads are real.
 *
 * A file is an array of fixed chunks, made on first write: holes cost nothing, growth never
 * copies data, and a chunk's address is stable. Under one reader-writer lock a file, so that
 * reads of one file run side by side.
 *
 * Names are a list: such an environment holds a handful of files. A removed file lives on
 * until its last close, as on POSIX.
 *
 * Memory: everything is charged to the environment's budget; a write that finds none left
 * fails with OUT_OF_MEMORY and has changed a prefix of the range, as a full disk does.
 */
#include "os/os_int.h"

enum {
    MEMORY_CHUNK_SIZE = 16384
};

typedef struct memory_node {
    struct memory_node *next;
    char *path;
    size_t path_size;
    uint64_t serial;
    uint32_t opens;
    bool named;
    bool locked_exclusive;
    uint32_t locked_shared;
    os_rwlock lock; /* chunks, capacity, size */
    char **chunks;
    uint32_t capacity; /* of `chunks`; unused entries are NULL */
    uint64_t size;
} memory_node;

typedef struct memory_environment {
    os_environment environment;
    base_budget *budget;
    os_mutex mutex; /* everything of the nodes but their contents */
    memory_node *nodes;
    uint64_t next_serial;
} memory_environment;

typedef struct memory_file {
    os_file file;
    memory_node *node;
    bool holds_exclusive, holds_shared;
} memory_file;

static memory_node *node_of(os_file *file)
{
    return ((memory_file *)file)->node;
}
static memory_environment *environment_of(os_file *file)
{
    return file->environment->state;
}

static base_status memory_read(os_file *file, uint64_t offset, void *buffer, size_t length,
                               size_t *bytes_read, base_error *error)
{
    (void)error;
    memory_node *node = node_of(file);
    os_rwlock_read_lock(&node->lock);
    size_t exists = 0;
    if (offset < node->size)
        exists = (size_t)BASE_MIN((uint64_t)length, node->size - offset);
    for (size_t done = 0; done < exists;) {
        uint64_t place = (offset + done) / MEMORY_CHUNK_SIZE;
        size_t start = (size_t)((offset + done) % MEMORY_CHUNK_SIZE);
        size_t part = BASE_MIN(exists - done, (size_t)MEMORY_CHUNK_SIZE - start);
        const char *chunk = place < node->capacity ? node->chunks[place] : NULL;
        if (chunk)
            memcpy((char *)buffer + done, chunk + start, part);
        else
            memset((char *)buffer + done, 0, part);
        done += part;
    }
    os_rwlock_read_unlock(&node->lock);
    if (exists < length)
        memset((char *)buffer + exists, 0, length - exists);
    *bytes_read = exists;
    return BASE_OK;
}

/* The chunk at `place`, made when missing; NULL without memory. Under the write lock. */
static char *chunk_for_write(base_budget *budget, memory_node *node, uint64_t place)
{
    if (place >= UINT32_MAX)
        return NULL;
    if (place >= node->capacity) {
        uint32_t before = node->capacity;
        if (!base_grow_array(budget, &node->chunks, &node->capacity, (uint32_t)place + 1,
                             sizeof *node->chunks))
            return NULL;
        memset(node->chunks + before, 0, (node->capacity - before) * sizeof *node->chunks);
    }
    if (!node->chunks[place])
        node->chunks[place] = base_allocate_zeroed(budget, MEMORY_CHUNK_SIZE);
    return node->chunks[place];
}

static base_status memory_write(os_file *file, uint64_t offset, const void *buffer, size_t length,
                                base_error *error)
{
    memory_node *node = node_of(file);
    base_budget *budget = environment_of(file)->budget;
    base_status status = BASE_OK;
    os_rwlock_write_lock(&node->lock);
    for (size_t done = 0; done < length;) {
        size_t start = (size_t)((offset + done) % MEMORY_CHUNK_SIZE);
        size_t part = BASE_MIN(length - done, (size_t)MEMORY_CHUNK_SIZE - start);
        char *chunk = chunk_for_write(budget, node, (offset + done) / MEMORY_CHUNK_SIZE);
        if (!chunk) {
            status = base_error_no_memory(error);
            break;
        }
        memcpy(chunk + start, (const char *)buffer + done, part);
        done += part;
        node->size = BASE_MAX(node->size, offset + done);
    }
    os_rwlock_write_unlock(&node->lock);
    return status;
}

static base_status memory_sync(os_file *file, base_error *error)
{
    (void)file;
    (void)error;
    return BASE_OK;
}

static base_status memory_size(os_file *file, uint64_t *size, base_error *error)
{
    (void)error;
    memory_node *node = node_of(file);
    os_rwlock_read_lock(&node->lock);
    *size = node->size;
    os_rwlock_read_unlock(&node->lock);
    return BASE_OK;
}

static base_status memory_set_size(os_file *file, uint64_t size, base_error *error)
{
    (void)error;
    memory_node *node = node_of(file);
    os_rwlock_write_lock(&node->lock);
    if (size < node->size) {
        uint64_t first = (size + MEMORY_CHUNK_SIZE - 1) / MEMORY_CHUNK_SIZE;
        for (uint64_t place = first; place < node->capacity; place++) {
            base_free(environment_of(file)->budget, node->chunks[place], MEMORY_CHUNK_SIZE);
            node->chunks[place] = NULL;
        }
        size_t kept = (size_t)(size % MEMORY_CHUNK_SIZE);
        uint64_t last = size / MEMORY_CHUNK_SIZE;
        if (kept && last < node->capacity && node->chunks[last])
            memset(node->chunks[last] + kept, 0, MEMORY_CHUNK_SIZE - kept);
    }
    node->size = size;
    os_rwlock_write_unlock(&node->lock);
    return BASE_OK;
}

static base_status memory_reserve(os_file *file, uint64_t size, base_error *error)
{
    (void)file;
    (void)size;
    (void)error;
    return BASE_OK;
}

static base_status memory_lock(os_file *file, bool exclusive, base_error *error)
{
    memory_file *self = (memory_file *)file;
    memory_environment *environment = environment_of(file);
    base_status status = BASE_OK;
    os_mutex_lock(&environment->mutex);
    memory_node *node = self->node;
    bool others_share = node->locked_shared > (self->holds_shared ? 1u : 0u);
    bool other_excludes = node->locked_exclusive && !self->holds_exclusive;
    if (other_excludes || (exclusive && others_share)) {
        status = base_error_set(error, BASE_FILE_LOCKED, "database \"%s\" is in use elsewhere",
                                file->path);
    } else {
        node->locked_shared -= self->holds_shared;
        self->holds_exclusive = exclusive;
        self->holds_shared = !exclusive;
        node->locked_shared += self->holds_shared;
        node->locked_exclusive = exclusive;
    }
    os_mutex_unlock(&environment->mutex);
    return status;
}

static void release_locks(memory_file *self)
{
    if (self->holds_exclusive)
        self->node->locked_exclusive = false;
    self->node->locked_shared -= self->holds_shared;
    self->holds_exclusive = self->holds_shared = false;
}

static void memory_unlock(os_file *file)
{
    memory_environment *environment = environment_of(file);
    os_mutex_lock(&environment->mutex);
    release_locks((memory_file *)file);
    os_mutex_unlock(&environment->mutex);
}

static void node_free(memory_environment *environment, memory_node *node)
{
    for (uint32_t i = 0; i < node->capacity; i++)
        base_free(environment->budget, node->chunks[i], MEMORY_CHUNK_SIZE);
    base_free_array(environment->budget, node->chunks, node->capacity, sizeof *node->chunks);
    os_rwlock_destroy(&node->lock);
    base_free(environment->budget, node->path, node->path_size);
    base_free(environment->budget, node, sizeof *node);
}

static void memory_close(os_file *file)
{
    memory_file *self = (memory_file *)file;
    memory_environment *environment = environment_of(file);
    os_mutex_lock(&environment->mutex);
    release_locks(self);
    memory_node *node = self->node;
    if (--node->opens == 0 && !node->named)
        node_free(environment, node);
    os_mutex_unlock(&environment->mutex);
    base_free(file->budget, file->path, file->path_size);
    base_free(file->budget, self, sizeof *self);
}

static const os_file_operations memory_operations = {
    .read = memory_read,
    .write = memory_write,
    .sync = memory_sync,
    .size = memory_size,
    .set_size = memory_set_size,
    .reserve = memory_reserve,
    .lock = memory_lock,
    .unlock = memory_unlock,
    .close = memory_close,
};

static memory_node *find(memory_environment *environment, const char *path)
{
    for (memory_node *node = environment->nodes; node; node = node->next) {
        if (strcmp(node->path, path) == 0)
            return node;
    }
    return NULL;
}

static memory_node *node_create(memory_environment *environment, const char *path)
{
    memory_node *node = base_allocate_zeroed(environment->budget, sizeof *node);
    if (!node)
        return NULL;
    node->path_size = strlen(path) + 1;
    node->path = base_allocate(environment->budget, node->path_size);
    if (!node->path) {
        base_free(environment->budget, node, sizeof *node);
        return NULL;
    }
    memcpy(node->path, path, node->path_size);
    os_rwlock_init(&node->lock);
    node->serial = ++environment->next_serial;
    return node;
}

/* Finds or makes the node as `flags` ask. Under the environment's mutex. */
static base_status open_node(memory_environment *environment, const char *path, uint32_t flags,
                             memory_node **node, base_error *error)
{
    bool temporary = flags & OS_OPEN_TEMPORARY;
    *node = temporary ? NULL : find(environment, path);
    if (*node && (flags & OS_OPEN_EXCLUSIVE))
        return base_error_set(error, BASE_CANNOT_OPEN, "cannot open \"%s\": it exists", path);
    if (*node)
        return BASE_OK;
    if (!temporary && !(flags & OS_OPEN_CREATE))
        return base_error_set(error, BASE_CANNOT_OPEN, "cannot open \"%s\": no such file", path);
    *node = node_create(environment, path);
    if (!*node)
        return base_error_no_memory(error);
    if (!temporary) {
        (*node)->named = true;
        (*node)->next = environment->nodes;
        environment->nodes = *node;
    }
    return BASE_OK;
}

static base_status memory_open(os_environment *environment, base_budget *budget, const char *path,
                               uint32_t flags, os_file **file, base_error *error)
{
    memory_environment *self = environment->state;
    path = path ? path : "(temporary)";
    size_t path_size = strlen(path) + 1;
    memory_file *opened = base_allocate_zeroed(budget, sizeof *opened);
    char *copy = opened ? base_allocate(budget, path_size) : NULL;
    if (!copy) {
        base_free(budget, opened, sizeof *opened);
        return base_error_no_memory(error);
    }
    memcpy(copy, path, path_size);
    os_mutex_lock(&self->mutex);
    memory_node *node;
    base_status status = open_node(self, path, flags, &node, error);
    if (status == BASE_OK)
        node->opens++;
    os_mutex_unlock(&self->mutex);
    if (status != BASE_OK) {
        base_free(budget, copy, path_size);
        base_free(budget, opened, sizeof *opened);
        return status;
    }
    opened->node = node;
    opened->file.operations = &memory_operations;
    opened->file.environment = environment;
    opened->file.budget = budget;
    opened->file.path = copy;
    opened->file.path_size = path_size;
    opened->file.identity[0] = (uint64_t)(uintptr_t)self;
    opened->file.identity[1] = node->serial;
    *file = &opened->file;
    return BASE_OK;
}

static base_status memory_remove(os_environment *environment, const char *path, base_error *error)
{
    (void)error;
    memory_environment *self = environment->state;
    os_mutex_lock(&self->mutex);
    memory_node *node = find(self, path);
    if (node) {
        memory_node **link = &self->nodes;
        while (*link != node)
            link = &(*link)->next;
        *link = node->next;
        node->named = false;
        if (node->opens == 0)
            node_free(self, node);
    }
    os_mutex_unlock(&self->mutex);
    return BASE_OK;
}

static base_status memory_exists(os_environment *environment, const char *path, bool *exists,
                                 base_error *error)
{
    (void)error;
    memory_environment *self = environment->state;
    os_mutex_lock(&self->mutex);
    *exists = find(self, path) != NULL;
    os_mutex_unlock(&self->mutex);
    return BASE_OK;
}

static base_status memory_sync_directory(os_environment *environment, const char *path,
                                         base_error *error)
{
    (void)environment;
    (void)path;
    (void)error;
    return BASE_OK;
}

base_status os_memory_environment_create(base_budget *budget, os_environment **environment,
                                         base_error *error)
{
    memory_environment *self = base_allocate_zeroed(budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->environment = *os_posix_environment();
    self->environment.name = "memory";
    self->environment.open = memory_open;
    self->environment.remove = memory_remove;
    self->environment.exists = memory_exists;
    self->environment.sync_directory = memory_sync_directory;
    self->environment.state = self;
    self->budget = budget;
    os_mutex_init(&self->mutex);
    *environment = &self->environment;
    return BASE_OK;
}

void os_memory_environment_destroy(os_environment *environment)
{
    if (!environment)
        return;
    memory_environment *self = environment->state;
    while (self->nodes) {
        memory_node *node = self->nodes;
        BASE_ASSERT(node->opens == 0);
        self->nodes = node->next;
        node_free(self, node);
    }
    os_mutex_destroy(&self->mutex);
    base_free(self->budget, self, sizeof *self);
}
