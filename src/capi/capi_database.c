/*
 * capi_database.c - opening and closing databases.
 */
#include "capi/capi_int.h"

tuff_status capi_database_failed(tuff_db *db, const base_error *error)
{
    os_latch_lock(&db->error_latch);
    db->error = *error;
    os_latch_unlock(&db->error_latch);
    return capi_status(error->status);
}

static base_status open_session(tuff_db *db, const char *dsn)
{
    base_arena arena;
    capi_dsn parsed;
    base_arena_init(&arena, os_runtime_budget(db->runtime->os));
    base_status status = capi_dsn_parse(dsn, &arena, &parsed, &db->error);
    if (status == BASE_OK) {
        db->threads = parsed.threads;
        status = session_database_open(db->runtime->os, parsed.path, &parsed.options, &db->session,
                                       &db->error);
    }
    base_arena_destroy(&arena);
    return status;
}

tuff_status tuff_open_in(tuff_runtime *runtime, const char *dsn, tuff_db **opened)
{
    *opened = NULL;
    tuff_db *db = base_allocate_zeroed(os_runtime_budget(runtime->os), sizeof *db);
    if (!db)
        return TUFF_OUT_OF_MEMORY;
    db->runtime = runtime;
    base_error_clear(&db->error);
    os_latch_init(&db->error_latch);
    atomic_fetch_add(&runtime->databases, 1);
    *opened = db;
    return capi_status(open_session(db, dsn));
}

tuff_status tuff_open(const char *dsn, tuff_db **opened)
{
    tuff_runtime *runtime;
    *opened = NULL;
    base_status status = capi_default_runtime(&runtime, NULL);
    if (status != BASE_OK)
        return capi_status(status);
    tuff_status answer = tuff_open_in(runtime, dsn, opened);
    if (*opened)
        (*opened)->default_runtime = true;
    else
        capi_release_default_runtime(runtime);
    return answer;
}

tuff_status tuff_close(tuff_db *db)
{
    if (!db)
        return TUFF_OK;
    base_status status = BASE_OK;
    if (db->session) {
        base_error error;
        base_error_clear(&error);
        status = session_database_close(db->session, &error);
        if (status == BASE_MISUSE)
            return capi_database_failed(db, &error);
    }
    tuff_runtime *runtime = db->runtime;
    bool default_runtime = db->default_runtime;
    base_free(os_runtime_budget(runtime->os), db, sizeof *db);
    atomic_fetch_sub(&runtime->databases, 1);
    if (default_runtime)
        capi_release_default_runtime(runtime);
    return capi_status(status);
}

const tuff_error *tuff_db_error(const tuff_db *db)
{
    /* The view lies in the handle; filling it changes nothing that a caller can see. */
    tuff_error *view = (tuff_error *)&db->view;
    capi_view(&db->error, 0, 0, view);
    return view;
}
