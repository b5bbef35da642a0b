/*
 * table_database.c - opening and closing a database.
 */
#include "store/table/table_int.h"

void table_options_default(table_options *options)
{
    *options = (table_options){.create = true,
                               .sync_mode = TABLE_SYNC_FULL,
                               .lock_timeout = 5 * 1000 * 1000,
                               .checkpoint_log_size = (uint64_t)64 << 20};
}

static base_status create_database(os_runtime *runtime, const table_options *options,
                                   table_database **database, base_error *error)
{
    base_budget *parent = os_runtime_budget(runtime);
    table_database *self = base_allocate_zeroed(parent, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    base_budget_init(&self->budget, parent, NULL, "database",
                     options->memory_limit ? options->memory_limit : SIZE_MAX);
    self->runtime = runtime;
    self->options = *options;
    self->open_count = 1;
    atomic_init(&self->next_id, TABLE_FIRST_USER_ID);
    os_mutex_init(&self->registry);
    os_mutex_init(&self->checkpoint_mutex);
    base_status status = txn_manager_create(&self->budget, os_runtime_environment(runtime), self,
                                            &self->manager, error);
    if (status != BASE_OK) {
        os_mutex_destroy(&self->registry);
        os_mutex_destroy(&self->checkpoint_mutex);
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
    destroy_relations(database);
    txn_manager_destroy(database->manager); /* disposes of what was released */
    os_mutex_destroy(&database->registry);
    os_mutex_destroy(&database->checkpoint_mutex);
    base_free(parent, database, sizeof *database);
}

base_status table_database_open(os_runtime *runtime, const char *path, const table_options *options,
                                table_database **database, base_error *error)
{
    if (path)
        return base_error_set(error, BASE_NOT_SUPPORTED, "files come with the next landing");
    RETURN_IF_ERROR(create_database(runtime, options, database, error));
    (*database)->in_memory = true;
    atomic_store(&(*database)->is_new, true);
    return BASE_OK;
}

base_status table_database_close(table_database *database, base_error *error)
{
    (void)error;
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

table_options *table_database_options(table_database *database)
{
    return &database->options;
}

base_status table_checkpoint(table_database *database, base_error *error)
{
    (void)error;
    txn_collect_garbage(database->manager, UINT32_MAX);
    return BASE_OK;
}
