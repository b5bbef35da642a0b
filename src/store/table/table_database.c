/*
 * table_database.c - opening and closing a database.
 *
 * Open: the file's newest header leads to the root, the definitions as of the last checkpoint
 * are brought into memory, then the log's units after it are replayed. Only then can anybody
 * begin. Rows are read when a relation is first touched. A second open of the same file in one
 * runtime finds the first and shares it.
 *
 * Close, by the last opener: a checkpoint folds the log into the file, and the log is removed.
 * Where that fails the log stays and the next open replays it: nothing is lost, so closing
 * reports the failure and goes on.
 */
#include "store/table/table_int.h"

void table_options_default(table_options *options)
{
    *options = (table_options){.create = true,
                               .sync_mode = TABLE_SYNC_FULL,
                               .lock_timeout = 5 * 1000 * 1000,
                               .checkpoint_log_size = (uint64_t)64 << 20,
                               .history_retention = -1};
}

static base_status create_database(os_runtime *runtime, const table_options *options,
                                   bool in_memory, table_database **database, base_error *error)
{
    base_budget *parent = os_runtime_budget(runtime);
    table_database *self = base_allocate_zeroed(parent, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    base_budget_init(&self->budget, parent, NULL, "database",
                     options->memory_limit ? options->memory_limit : SIZE_MAX);
    self->runtime = runtime;
    self->options = *options;
    if (options->history_retention < 0)
        self->options.history_retention = in_memory ? 0 : INT64_C(3600) * 1000 * 1000;
    self->in_memory = in_memory;
    self->open_count = 1;
    atomic_init(&self->next_id, TABLE_FIRST_USER_ID);
    os_mutex_init(&self->registry);
    os_mutex_init(&self->checkpoint_mutex);
    os_mutex_init(&self->load_mutex);
    os_mutex_init(&self->fill_mutex);
    os_mutex_init(&self->discard_mutex);
    os_mutex_init(&self->compact_mutex);
    os_mutex_init(&self->times_mutex);
    base_status status = txn_manager_create(&self->budget, os_runtime_environment(runtime), self,
                                            &self->manager, error);
    if (status != BASE_OK) {
        os_mutex_destroy(&self->registry);
        os_mutex_destroy(&self->checkpoint_mutex);
        os_mutex_destroy(&self->load_mutex);
        os_mutex_destroy(&self->fill_mutex);
        os_mutex_destroy(&self->discard_mutex);
        os_mutex_destroy(&self->compact_mutex);
        os_mutex_destroy(&self->times_mutex);
        base_free(parent, self, sizeof *self);
        return status;
    }
    *database = self;
    return BASE_OK;
}

/* Every version of every relation goes; nobody has one pinned. */
static void destroy_relations(table_database *database)
{
    txn_collect_garbage(database->manager, UINT32_MAX);
    for (uint32_t i = 0; i < database->bucket_count; i++) {
        while (database->buckets[i]) {
            table_entry *entry = database->buckets[i];
            table_relation *version = entry->newest;
            entry->newest = NULL;
            while (version) {
                table_relation *older = version->older;
                table_release(version);
                version = older;
            }
            table_entry_unlist(entry);
        }
    }
    base_free(&database->budget, database->buckets,
              database->bucket_count * sizeof *database->buckets);
}

static void destroy_database(table_database *database)
{
    base_budget *parent = os_runtime_budget(database->runtime);
    if (database->background)
        os_task_group_destroy(database->background);
    destroy_relations(database);
    txn_manager_destroy(database->manager); /* disposes of what was released */
    table_saved_free(database, &database->reached);
    table_saved_free(database, &database->discarded);
    if (database->log)
        (void)wal_close(database->log, false, NULL);
    if (database->in_memory || (database->registered.owner && !database->log_stays))
        cache_close(database->file);
    else
        /* Whatever is there stays: opening failed, or a log that may name loose extents is left
         * to be replayed. */
        cache_abandon(database->file);
    os_mutex_destroy(&database->registry);
    os_mutex_destroy(&database->checkpoint_mutex);
    os_mutex_destroy(&database->load_mutex);
    os_mutex_destroy(&database->fill_mutex);
    os_mutex_destroy(&database->discard_mutex);
    os_mutex_destroy(&database->compact_mutex);
    os_mutex_destroy(&database->times_mutex);
    base_free(parent, database, sizeof *database);
}

/* ---- Files ------------------------------------------------------------------------------- */

static wal_sync_mode sync_mode_of(table_sync_mode mode)
{
    switch (mode) {
    case TABLE_SYNC_NORMAL:
        return WAL_SYNC_NORMAL;
    case TABLE_SYNC_NONE:
        return WAL_SYNC_NONE;
    default:
        return WAL_SYNC_FULL;
    }
}

static base_status open_log(table_database *database, const char *path, base_error *error)
{
    const cache_root *root = cache_get_root(database->file);
    wal_options options = {.environment = os_runtime_environment(database->runtime),
                           .budget = &database->budget,
                           .path = path,
                           .sync_mode = sync_mode_of(database->options.sync_mode),
                           .read_only = database->options.read_only,
                           .epoch = cache_epoch(database->file),
                           .sequence = root->sequence,
                           .generation = root->log_generation};
    memcpy(options.database_id, cache_database_id(database->file), sizeof options.database_id);
    return wal_open(&options, &database->log, error);
}

/* Everything that is on disk comes into memory. */
static base_status recover(table_database *database, const char *log_path, base_error *error)
{
    uint64_t units = 0;
    RETURN_IF_ERROR(open_log(database, log_path, error));
    RETURN_IF_ERROR(table_load(database, error));
    RETURN_IF_ERROR(table_replay(database, &units, error));
    const cache_root *root = cache_get_root(database->file);
    atomic_store(&database->is_new,
                 units == 0 && root->sequence == 0 && cache_reference_is_null(&root->root));
    uint64_t last = wal_last_sequence(database->log);
    txn_manager_set_sequence(database->manager, last);
    txn_manager_set_log(database->manager, database->log);
    return BASE_OK;
}

/* A log with content says that there was a database: its file is lost or damaged, and making
 * a new one in its place would orphan the commits in the log. (A new file is on disk before
 * its log is made.) */
static base_status log_has_content(table_database *database, const char *log_path, bool *content,
                                   base_error *error)
{
    os_environment *environment = os_runtime_environment(database->runtime);
    os_file *log;
    uint64_t size;
    RETURN_IF_ERROR(environment->exists(environment, log_path, content, error));
    if (!*content)
        return BASE_OK;
    RETURN_IF_ERROR(
        os_file_open(environment, &database->budget, log_path, OS_OPEN_READ, &log, error));
    base_status status = log->operations->size(log, &size, error);
    os_file_close(log);
    *content = status == BASE_OK && size > 0;
    return status;
}

static base_status open_file(table_database *database, const char *path, const char *log_path,
                             base_error *error)
{
    bool has_log, created = false;
    RETURN_IF_ERROR(log_has_content(database, log_path, &has_log, error));
    cache_options options = {.environment = os_runtime_environment(database->runtime),
                             .budget = &database->budget,
                             .path = path,
                             .read_only = database->options.read_only,
                             .create = database->options.create && !has_log};
    base_status status = cache_open(&options, &database->file, &created, error);
    if (status != BASE_OK) {
        if (has_log &&
            (status == BASE_CANNOT_OPEN || status == BASE_FORMAT || status == BASE_CORRUPT))
            base_error_set_hint(error, "its log \"%s\" is there: do not lose it", log_path);
        return status;
    }
    RETURN_IF_ERROR(recover(database, log_path, error));
    database->read_only = database->options.read_only; /* recovery itself had to write */
    return os_task_group_create(database->runtime, &database->background, error);
}

/* Made when the first volume is: a small database in memory does without. */
base_status table_need_file(table_database *database, base_error *error)
{
    if (!database->in_memory)
        return BASE_OK;
    cache_options options = {.environment = os_runtime_environment(database->runtime),
                             .budget = &database->budget};
    bool created;
    base_status status = BASE_OK;
    os_mutex_lock(&database->registry);
    if (!database->background)
        status = os_task_group_create(database->runtime, &database->background, error);
    if (status == BASE_OK && !database->file)
        status = cache_open(&options, &database->file, &created, error);
    os_mutex_unlock(&database->registry);
    return status;
}

/* A database of this runtime that has the file open; the registry is locked. */
static table_database *find_open(os_runtime *runtime, const char *path)
{
    os_environment *environment = os_runtime_environment(runtime);
    bool exists = false;
    os_file *file;
    if (environment->exists(environment, path, &exists, NULL) != BASE_OK || !exists ||
        os_file_open(environment, os_runtime_budget(runtime), path, OS_OPEN_READ, &file, NULL) !=
            BASE_OK)
        return NULL;
    os_registry_entry *entry = os_runtime_registry_find(runtime, file->identity);
    os_file_close(file);
    return entry ? entry->owner : NULL;
}

/* The registry is locked: two openers of one file come one after the other. */
static base_status open_or_share(os_runtime *runtime, const char *path,
                                 const table_options *options, table_database **database,
                                 base_error *error)
{
    *database = find_open(runtime, path);
    if (*database) {
        if ((*database)->read_only && !options->read_only)
            return base_error_set(error, BASE_READ_ONLY,
                                  "the database is already open for reading only");
        (*database)->open_count++;
        return BASE_OK;
    }
    table_database *self;
    base_buffer log_path;
    RETURN_IF_ERROR(create_database(runtime, options, false, &self, error));
    base_buffer_init(&log_path, &self->budget);
    base_buffer_append_format(&log_path, "%s-wal", path);
    base_status status =
        log_path.failed ? base_error_no_memory(error) : open_file(self, path, log_path.data, error);
    base_buffer_destroy(&log_path);
    if (status != BASE_OK) {
        destroy_database(self);
        return status;
    }
    memcpy(self->registered.identity, cache_identity(self->file), sizeof self->registered.identity);
    self->registered.owner = self;
    os_runtime_registry_add(runtime, &self->registered);
    *database = self;
    return BASE_OK;
}

base_status table_database_open(os_runtime *runtime, const char *path, const table_options *options,
                                table_database **database, base_error *error)
{
    if (path) {
        os_runtime_registry_lock(runtime);
        base_status status = open_or_share(runtime, path, options, database, error);
        os_runtime_registry_unlock(runtime);
        return status;
    }
    RETURN_IF_ERROR(create_database(runtime, options, true, database, error));
    atomic_store(&(*database)->is_new, true);
    return BASE_OK;
}

/* Folds the log into the file. */
static base_status fold(table_database *database, base_error *error)
{
    if (database->read_only || wal_live_bytes(database->log) == 0)
        return BASE_OK;
    return table_checkpoint(database, error);
}

base_status table_database_close(table_database *database, base_error *error)
{
    base_status status = BASE_OK;
    if (!database->in_memory) {
        os_runtime *runtime = database->runtime;
        os_runtime_registry_lock(runtime);
        bool last = --database->open_count == 0;
        if (last) {
            atomic_store(&database->stopping, true);
            os_task_group_wait(database->background);
            database->closing = true;
            status = fold(database, error);
            database->log_stays = status != BASE_OK;
            os_runtime_registry_remove(runtime, &database->registered);
            txn_collect_garbage(database->manager, UINT32_MAX);
            txn_manager_set_log(database->manager, NULL);
            base_status closed =
                wal_close(database->log, status == BASE_OK && !database->read_only, error);
            database->log = NULL;
            if (status == BASE_OK)
                status = closed;
            destroy_database(database);
        }
        os_runtime_registry_unlock(runtime);
        return status;
    }
    atomic_store(&database->stopping, true);
    destroy_database(database);
    return BASE_OK;
}

bool table_database_is_new(table_database *database)
{
    return atomic_exchange(&database->is_new, false);
}

base_budget *table_database_budget(table_database *database)
{
    return &database->budget;
}

os_runtime *table_database_runtime(table_database *database)
{
    return database->runtime;
}

void table_set_sync_mode(table_database *database, table_sync_mode mode)
{
    database->options.sync_mode = mode;
    if (database->log)
        wal_set_sync_mode(database->log, sync_mode_of(mode));
}

table_options *table_database_options(table_database *database)
{
    return &database->options;
}
