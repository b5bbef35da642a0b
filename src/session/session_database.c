/*
 * session_database.c - opening and closing: storage, then the catalog on it.
 */
#include "session/session_int.h"

base_status session_database_open(os_runtime *runtime, const char *path,
                                  const table_options *options, session_database **opened,
                                  base_error *error)
{
    *opened = NULL;
    base_budget *budget = os_runtime_budget(runtime);
    session_database *database = base_allocate_zeroed(budget, sizeof *database);
    if (!database)
        return base_error_no_memory(error);
    database->runtime = runtime;
    atomic_init(&database->connection_count, 0);
    atomic_init(&database->next_statement, 1);
    base_status status = table_database_open(runtime, path, options, &database->table, error);
    if (status == BASE_OK) {
        status = catalog_open(database->table, &database->catalog, error);
        if (status != BASE_OK)
            (void)table_database_close(database->table, NULL);
    }
    if (status != BASE_OK) {
        base_free(budget, database, sizeof *database);
        return status;
    }
    *opened = database;
    return BASE_OK;
}

base_status session_database_close(session_database *database, base_error *error)
{
    uint32_t open = atomic_load(&database->connection_count);
    if (open)
        return base_error_set(error, BASE_MISUSE, "the database has %u open connection%s", open,
                              open == 1 ? "" : "s");
    base_budget *budget = os_runtime_budget(database->runtime);
    catalog_close(database->catalog);
    base_status status = table_database_close(database->table, error);
    base_free(budget, database, sizeof *database);
    return status;
}
