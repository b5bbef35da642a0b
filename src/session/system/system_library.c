/*
 * system_library.c - what the library itself offers: tuff_settings, tuff_functions.
 */
#include "session/system/system_int.h"
#include "session/session_setting_int.h"

static const plan_system_column settings_columns[] = {
    SYSTEM_COLUMN("name", TEXT),
    SYSTEM_COLUMN("value", TEXT),
    SYSTEM_COLUMN("description", TEXT),
};

static base_status collect_settings(system_rows *rows, const types_value *arguments,
                                    uint32_t argument_count)
{
    base_buffer out;
    base_buffer_init(&out, &rows->connection->budget);
    for (uint32_t i = 0; session_setting_at(i); i++) {
        const session_setting *setting = session_setting_at(i);
        types_value *row = session_system_add_row(rows);
        base_buffer_clear(&out);
        setting->show(rows->connection, &out);
        if (!row || out.failed) {
            base_buffer_destroy(&out);
            return base_error_no_memory(rows->error);
        }
        row[0] = session_system_text(rows, base_text_of(setting->name));
        row[1] = session_system_text(rows, (base_text){out.length ? out.data : "", out.length});
        row[2] = session_system_text(rows, base_text_of(setting->description));
    }
    base_buffer_destroy(&out);
    return BASE_OK;
}

static const plan_system_column functions_columns[] = {
    SYSTEM_COLUMN("name", TEXT),        SYSTEM_COLUMN("kind", TEXT),
    SYSTEM_COLUMN("description", TEXT), SYSTEM_COLUMN("example", TEXT),
    SYSTEM_COLUMN("result", TEXT),
};

static base_status add_function(system_rows *rows, const char *name, const char *kind,
                                const char *description, const char *example, const char *result)
{
    if (!name || !description) /* operators' variants are documented once */
        return BASE_OK;
    types_value *row = session_system_add_row(rows);
    if (!row)
        return BASE_OUT_OF_MEMORY;
    row[0] = session_system_text(rows, base_text_of(name));
    row[1] = session_system_text(rows, base_text_of(kind));
    row[2] = session_system_text(rows, base_text_of(description));
    row[3] = session_system_text(rows, base_text_of(example));
    row[4] = session_system_text(rows, base_text_of(result));
    return BASE_OK;
}

static base_status collect_functions(system_rows *rows, const types_value *arguments,
                                     uint32_t argument_count)
{
    for (uint32_t i = 0; func_scalar_at(i); i++) {
        const func_scalar *function = func_scalar_at(i);
        RETURN_IF_ERROR(add_function(rows, function->name, "scalar", function->documentation,
                                     function->example, function->example_result));
    }
    for (uint32_t i = 0; func_aggregate_at(i); i++) {
        const func_aggregate *function = func_aggregate_at(i);
        RETURN_IF_ERROR(add_function(rows, function->name, "aggregate", function->documentation,
                                     function->example, function->example_result));
    }
    for (uint32_t i = 0; func_window_at(i); i++) {
        const func_window *function = func_window_at(i);
        RETURN_IF_ERROR(add_function(rows, function->name, "window", function->documentation,
                                     function->example, function->example_result));
    }
    return BASE_OK;
}

const system_source session_system_library_sources[] = {
    SYSTEM_SOURCE("tuff_settings", settings_columns, 0, 0, NULL, collect_settings),
    SYSTEM_SOURCE("tuff_functions", functions_columns, 0, 0, NULL, collect_functions),
    {.schema = NULL},
};
