/*
 * sim_disk.c - files of the simulated machine.
 *
 * A file has two contents: what programs read (`current`) and what is on the platters
 * (`durable`), and between them the list of changes since the last sync. A sync applies the
 * list to the platters. After a failed sync the list is gone: some of it was applied, the
 * rest never will be although programs still read it, as on systems that mark pages clean
 * when writing them back failed.
 *
 * Everything is under one mutex: speed does not matter here, sameness does.
 */
#include "os/sim/sim_int.h"

typedef struct sim_file {
    os_file file;
    sim_node *node;
    bool holds_exclusive, holds_shared;
} sim_file;

static os_sim *sim_of(os_file *file)
{
    return file->environment->state;
}
static sim_node *node_of(os_file *file)
{
    return ((sim_file *)file)->node;
}

/* ---- Bytes ------------------------------------------------------------------------------- */

bool sim_bytes_reserve(base_budget *budget, sim_bytes *bytes, size_t size)
{
    if (size <= bytes->capacity)
        return true;
    size_t capacity = BASE_MAX(size, bytes->capacity * 2);
    unsigned char *data = base_reallocate(budget, bytes->data, bytes->capacity, capacity);
    if (!data)
        return false;
    memset(data + bytes->capacity, 0, capacity - bytes->capacity);
    bytes->data = data;
    bytes->capacity = capacity;
    return true;
}

void sim_bytes_destroy(base_budget *budget, sim_bytes *bytes)
{
    base_free(budget, bytes->data, bytes->capacity);
    *bytes = (sim_bytes){NULL, 0, 0};
}

bool sim_bytes_write(base_budget *budget, sim_bytes *bytes, uint64_t offset, const void *data,
                     size_t length)
{
    if (!sim_bytes_reserve(budget, bytes, (size_t)offset + length))
        return false;
    memcpy(bytes->data + offset, data, length);
    bytes->size = BASE_MAX(bytes->size, (size_t)offset + length);
    return true;
}

bool sim_bytes_resize(base_budget *budget, sim_bytes *bytes, uint64_t size)
{
    if (!sim_bytes_reserve(budget, bytes, (size_t)size))
        return false;
    if (size < bytes->size)
        memset(bytes->data + size, 0, bytes->size - (size_t)size);
    bytes->size = (size_t)size;
    return true;
}

/* ---- Nodes --------------------------------------------------------------------------------- */

static void drop_changes(os_sim *sim, sim_node *node)
{
    for (uint32_t i = 0; i < node->change_count; i++) {
        if (node->changes[i].bytes)
            base_free(sim->budget, node->changes[i].bytes, (size_t)node->changes[i].size);
    }
    node->change_count = 0;
}

sim_node *sim_node_create(os_sim *sim, const char *path)
{
    sim_node *node = base_allocate_zeroed(sim->budget, sizeof *node);
    if (!node)
        return NULL;
    node->path_size = strlen(path) + 1;
    node->path = base_allocate(sim->budget, node->path_size);
    if (!node->path) {
        base_free(sim->budget, node, sizeof *node);
        return NULL;
    }
    memcpy(node->path, path, node->path_size);
    node->serial = ++sim->next_serial;
    node->next = sim->nodes;
    sim->nodes = node;
    return node;
}

void sim_node_free(os_sim *sim, sim_node *node)
{
    sim_node **link = &sim->nodes;
    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    drop_changes(sim, node);
    base_free_array(sim->budget, node->changes, node->change_capacity, sizeof *node->changes);
    sim_bytes_destroy(sim->budget, &node->current);
    sim_bytes_destroy(sim->budget, &node->durable);
    base_free(sim->budget, node->path, node->path_size);
    base_free(sim->budget, node, sizeof *node);
}

static bool note_change(os_sim *sim, sim_node *node, sim_change change)
{
    if (!base_grow_array(sim->budget, &node->changes, &node->change_capacity,
                         node->change_count + 1, sizeof *node->changes))
        return false;
    node->changes[node->change_count++] = change;
    return true;
}

static bool apply(os_sim *sim, sim_node *node, const sim_change *change)
{
    if (change->is_resize)
        return sim_bytes_resize(sim->budget, &node->durable, change->size);
    return sim_bytes_write(sim->budget, &node->durable, change->offset, change->bytes,
                           (size_t)change->size);
}

/* ---- Operations ------------------------------------------------------------------------------ */

static base_status sim_read(os_file *file, uint64_t offset, void *buffer, size_t length,
                            size_t *bytes_read, base_error *error)
{
    os_sim *sim = sim_of(file);
    const sim_bytes *current = &node_of(file)->current;
    os_mutex_lock(&sim->mutex);
    base_status status = sim_count_call(sim, "read", file->path, error);
    if (status == BASE_OK) {
        size_t exists =
            offset < current->size ? (size_t)BASE_MIN((uint64_t)length, current->size - offset) : 0;
        if (exists)
            memcpy(buffer, current->data + offset, exists);
        memset((char *)buffer + exists, 0, length - exists);
        *bytes_read = exists;
    }
    os_mutex_unlock(&sim->mutex);
    return status;
}

static uint64_t disk_use(const os_sim *sim)
{
    uint64_t bytes = 0;
    for (const sim_node *node = sim->nodes; node; node = node->next)
        bytes += node->current.size;
    return bytes;
}

static base_status change_content(os_sim *sim, sim_node *node, uint64_t offset, const void *bytes,
                                  size_t length, base_error *error)
{
    /* Memory for all of it first: no change is noted that programs do not see. */
    unsigned char *copy = base_allocate(sim->budget, length);
    if (!copy)
        return base_error_no_memory(error);
    memcpy(copy, bytes, length);
    if (!sim_bytes_reserve(sim->budget, &node->current, (size_t)offset + length) ||
        !note_change(sim, node, (sim_change){offset, length, false, copy})) {
        base_free(sim->budget, copy, length);
        return base_error_no_memory(error);
    }
    bool written = sim_bytes_write(sim->budget, &node->current, offset, bytes, length);
    BASE_ASSERT(written);
    return written ? BASE_OK : base_error_no_memory(error);
}

static base_status sim_write(os_file *file, uint64_t offset, const void *buffer, size_t length,
                             base_error *error)
{
    os_sim *sim = sim_of(file);
    sim_node *node = node_of(file);
    sim_announce_change(sim);
    os_mutex_lock(&sim->mutex);
    base_status status = sim_count_call(sim, "write", file->path, error);
    uint64_t grows =
        offset + length > node->current.size ? offset + length - node->current.size : 0;
    if (status == BASE_OK && grows && disk_use(sim) + grows > sim->capacity)
        status = base_error_set(error, BASE_DISK_FULL, "cannot write \"%s\": the disk is full",
                                file->path);
    size_t part = length;
    if (status != BASE_OK) /* some of it may have been written */
        part = grows ? 0 : (size_t)(sim_random(sim) % (length + 1)) / 512 * 512;
    if (part > 0) {
        base_status changed = change_content(sim, node, offset, buffer, part, error);
        status = status == BASE_OK ? changed : status;
    }
    os_mutex_unlock(&sim->mutex);
    return status;
}

static base_status sim_sync(os_file *file, base_error *error)
{
    os_sim *sim = sim_of(file);
    sim_node *node = node_of(file);
    sim_announce_change(sim);
    os_mutex_lock(&sim->mutex);
    base_status status = sim_count_call(sim, "sync", file->path, error);
    for (uint32_t i = 0; i < node->change_count; i++) {
        bool reaches = status == BASE_OK || sim_random(sim) % 2 == 0;
        if (reaches && !apply(sim, node, &node->changes[i]))
            status = base_error_no_memory(error);
    }
    drop_changes(sim, node);
    os_mutex_unlock(&sim->mutex);
    return status;
}

static base_status sim_size(os_file *file, uint64_t *size, base_error *error)
{
    os_sim *sim = sim_of(file);
    os_mutex_lock(&sim->mutex);
    base_status status = sim_count_call(sim, "examine", file->path, error);
    *size = node_of(file)->current.size;
    os_mutex_unlock(&sim->mutex);
    return status;
}

static base_status sim_set_size(os_file *file, uint64_t size, base_error *error)
{
    os_sim *sim = sim_of(file);
    sim_node *node = node_of(file);
    sim_announce_change(sim);
    os_mutex_lock(&sim->mutex);
    base_status status = sim_count_call(sim, "resize", file->path, error);
    if (status == BASE_OK && size > node->current.size &&
        disk_use(sim) + size - node->current.size > sim->capacity)
        status = base_error_set(error, BASE_DISK_FULL, "cannot resize \"%s\": the disk is full",
                                file->path);
    if (status == BASE_OK && (!sim_bytes_reserve(sim->budget, &node->current, (size_t)size) ||
                              !note_change(sim, node, (sim_change){0, size, true, NULL}) ||
                              !sim_bytes_resize(sim->budget, &node->current, size)))
        status = base_error_no_memory(error);
    os_mutex_unlock(&sim->mutex);
    return status;
}

static base_status sim_reserve(os_file *file, uint64_t size, base_error *error)
{
    os_sim *sim = sim_of(file);
    (void)size;
    os_mutex_lock(&sim->mutex);
    base_status status = sim_count_call(sim, "reserve space for", file->path, error);
    os_mutex_unlock(&sim->mutex);
    return status;
}

static base_status sim_lock(os_file *file, bool exclusive, base_error *error)
{
    os_sim *sim = sim_of(file);
    sim_file *self = (sim_file *)file;
    sim_node *node = self->node;
    os_mutex_lock(&sim->mutex);
    base_status status = sim_count_call(sim, "lock", file->path, error);
    bool others_share = node->locked_shared > (self->holds_shared ? 1u : 0u);
    bool other_excludes = node->locked_exclusive && !self->holds_exclusive;
    if (status == BASE_OK && (other_excludes || (exclusive && others_share)))
        status = base_error_set(error, BASE_FILE_LOCKED, "database \"%s\" is in use elsewhere",
                                file->path);
    if (status == BASE_OK) {
        node->locked_shared -= self->holds_shared;
        self->holds_exclusive = node->locked_exclusive = exclusive;
        self->holds_shared = !exclusive;
        node->locked_shared += self->holds_shared;
    }
    os_mutex_unlock(&sim->mutex);
    return status;
}

static void release_locks(sim_file *self)
{
    if (self->holds_exclusive)
        self->node->locked_exclusive = false;
    self->node->locked_shared -= self->holds_shared;
    self->holds_exclusive = self->holds_shared = false;
}

static void sim_unlock(os_file *file)
{
    os_sim *sim = sim_of(file);
    os_mutex_lock(&sim->mutex);
    release_locks((sim_file *)file);
    os_mutex_unlock(&sim->mutex);
}

static void sim_close(os_file *file)
{
    os_sim *sim = sim_of(file);
    sim_file *self = (sim_file *)file;
    os_mutex_lock(&sim->mutex);
    release_locks(self);
    sim_node *node = self->node;
    if (--node->opens == 0 && !node->named && !node->named_durably)
        sim_node_free(sim, node);
    os_mutex_unlock(&sim->mutex);
    base_free(file->budget, file->path, file->path_size);
    base_free(file->budget, self, sizeof *self);
}

static const os_file_operations sim_operations = {
    .read = sim_read,
    .write = sim_write,
    .sync = sim_sync,
    .size = sim_size,
    .set_size = sim_set_size,
    .reserve = sim_reserve,
    .lock = sim_lock,
    .unlock = sim_unlock,
    .close = sim_close,
};

/* ---- Opening --------------------------------------------------------------------------------- */

static base_status find_or_create(os_sim *sim, const char *path, uint32_t flags, sim_node **node,
                                  base_error *error)
{
    bool temporary = flags & OS_OPEN_TEMPORARY;
    RETURN_IF_ERROR(sim_count_call(sim, "open", path, error));
    *node = NULL;
    for (sim_node *other = sim->nodes; other && !temporary; other = other->next) {
        if (other->named && strcmp(other->path, path) == 0)
            *node = other;
    }
    if (*node && (flags & OS_OPEN_EXCLUSIVE))
        return base_error_set(error, BASE_CANNOT_OPEN, "cannot open \"%s\": it exists", path);
    if (!*node && !temporary && !(flags & OS_OPEN_CREATE))
        return base_error_set(error, BASE_CANNOT_OPEN, "cannot open \"%s\": no such file", path);
    if (!*node) {
        *node = sim_node_create(sim, path);
        if (!*node)
            return base_error_no_memory(error);
        (*node)->named = !temporary;
    }
    (*node)->opens++;
    return BASE_OK;
}

base_status sim_open(os_environment *environment, base_budget *budget, const char *path,
                     uint32_t flags, os_file **file, base_error *error)
{
    os_sim *sim = environment->state;
    path = path ? path : "(temporary)";
    if (flags & OS_OPEN_CREATE)
        sim_announce_change(sim);
    size_t path_size = strlen(path) + 1;
    sim_file *opened = base_allocate_zeroed(budget, sizeof *opened);
    char *copy = opened ? base_allocate(budget, path_size) : NULL;
    if (!copy) {
        base_free(budget, opened, sizeof *opened);
        return base_error_no_memory(error);
    }
    memcpy(copy, path, path_size);
    os_mutex_lock(&sim->mutex);
    base_status status = find_or_create(sim, path, flags, &opened->node, error);
    os_mutex_unlock(&sim->mutex);
    if (status != BASE_OK) {
        base_free(budget, copy, path_size);
        base_free(budget, opened, sizeof *opened);
        return status;
    }
    opened->file.operations = &sim_operations;
    opened->file.environment = environment;
    opened->file.budget = budget;
    opened->file.path = copy;
    opened->file.path_size = path_size;
    opened->file.identity[0] = (uint64_t)(uintptr_t)sim;
    opened->file.identity[1] = opened->node->serial;
    *file = &opened->file;
    return BASE_OK;
}
