/*
 * other.c - comparison of many values, types, the session.
 *
 * greatest and least leave NULLs out, as in PostgreSQL; max and min of two and more arguments
 * are SQLite's and give NULL for a NULL. The parameterless ones read the environment that the
 * statement runs in.
 */
#include "func/func_int.h"

static base_status extreme(func_call *call, const types_cell *arguments, const bool *nulls,
                           int wanted, types_cell *result, bool *result_null)
{
    types_form form = types_form_of(call->result_type);
    const types_cell *best = NULL;
    for (uint32_t i = 0; i < call->argument_count; i++) {
        if (nulls[i])
            continue;
        int order = best ? types_cell_compare(form, &arguments[i], best) : wanted;
        if ((wanted > 0 && order > 0) || (wanted < 0 && order < 0))
            best = &arguments[i];
    }
    *result_null = !best;
    if (best)
        *result = *best;
    return BASE_OK;
}

static base_status greatest_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                types_cell *result, bool *result_null, base_error *error)
{
    return extreme(call, arguments, nulls, 1, result, result_null);
}

static base_status least_row(func_call *call, const types_cell *arguments, const bool *nulls,
                             types_cell *result, bool *result_null, base_error *error)
{
    return extreme(call, arguments, nulls, -1, result, result_null);
}

/* ---- Types ------------------------------------------------------------------------------ */

static base_status text_result(func_call *call, const char *text, types_cell *result,
                               base_error *error)
{
    size_t length = strlen(text);
    char *bytes;
    RETURN_IF_ERROR(func_text_room(call, length, &bytes, error));
    memcpy(bytes, text, length);
    func_finish_text(result, bytes, length);
    return BASE_OK;
}

static base_status typeof_row(func_call *call, const types_cell *arguments, const bool *nulls,
                              types_cell *result, bool *result_null, base_error *error)
{
    char name[TYPES_NAME_SIZE];
    if (nulls[0])
        return text_result(call, "null", result, error);
    (void)types_name(call->argument_types[0], name);
    for (char *c = name; *c; c++)
        *c = base_ascii_lower(*c);
    return text_result(call, name, result, error);
}

/* ---- The session ------------------------------------------------------------------------ */

static base_status version_row(func_call *call, const types_cell *arguments, const bool *nulls,
                               types_cell *result, bool *result_null, base_error *error)
{
    const char *version = call->environment->version;
    return text_result(call, version ? version : "", result, error);
}

static base_status schema_row(func_call *call, const types_cell *arguments, const bool *nulls,
                              types_cell *result, bool *result_null, base_error *error)
{
    return text_result(call, "main", result, error);
}

static base_status changes_row(func_call *call, const types_cell *arguments, const bool *nulls,
                               types_cell *result, bool *result_null, base_error *error)
{
    result->int64 = call->environment->changes;
    return BASE_OK;
}

static base_status last_insert_rowid_row(func_call *call, const types_cell *arguments,
                                         const bool *nulls, types_cell *result, bool *result_null,
                                         base_error *error)
{
    result->int64 = call->environment->last_insert_rowid;
    return BASE_OK;
}

static base_status transaction_id_row(func_call *call, const types_cell *arguments,
                                      const bool *nulls, types_cell *result, bool *result_null,
                                      base_error *error)
{
    result->int64 = (int64_t)call->environment->transaction_id;
    *result_null = call->environment->transaction_id == 0;
    return BASE_OK;
}

/* SQLite's hints to its planner are the value itself. */
static base_status same_row(func_call *call, const types_cell *arguments, const bool *nulls,
                            types_cell *result, bool *result_null, base_error *error)
{
    *result = arguments[0];
    return BASE_OK;
}

#define SESSION_ROW(name, body, result, doc, example, answer)                                      \
    FUNC_ROW(name, body, FUNC_STABLE, TYPES_##result, 0, 0, "session", doc, example, answer, 0)
const func_scalar func_other_rows[] = {
    FUNC_ROW("greatest", greatest_row, FUNC_VARIADIC, FUNC_KIND_COMMON, 1, FUNC_MAX_ARGUMENTS,
             "conditional", "The largest of the values; NULLs are left out.",
             "greatest(3, NULL, 7.5)", "7.5", FUNC_KIND_COMMON),
    FUNC_ROW("least", least_row, FUNC_VARIADIC, FUNC_KIND_COMMON, 1, FUNC_MAX_ARGUMENTS,
             "conditional", "The smallest of the values; NULLs are left out.", "least('b', 'a')",
             "a", FUNC_KIND_COMMON),
    FUNC_ROW("max", greatest_row, FUNC_STRICT | FUNC_VARIADIC, FUNC_KIND_COMMON, 2,
             FUNC_MAX_ARGUMENTS, "conditional", "The largest of the values; NULL if one is NULL.",
             "max(1, 2)", "2", FUNC_KIND_COMMON),
    FUNC_ROW("min", least_row, FUNC_STRICT | FUNC_VARIADIC, FUNC_KIND_COMMON, 2, FUNC_MAX_ARGUMENTS,
             "conditional", "The smallest of the values; NULL if one is NULL.", "min(1, 2)", "1",
             FUNC_KIND_COMMON),
    FUNC_ROW("likely", same_row, FUNC_STRICT, FUNC_KIND_COMMON, 1, 1, "conditional",
             "The value itself.", "likely(5 > 3)", "true", FUNC_KIND_COMMON),
    FUNC_ROW("unlikely", same_row, FUNC_STRICT, FUNC_KIND_COMMON, 1, 1, "conditional",
             "The value itself.", "unlikely(5)", "5", FUNC_KIND_COMMON),
    FUNC_ROW("typeof", typeof_row, 0, TYPES_TEXT, 1, 1, "type",
             "The name of the value's type; null for NULL.", "typeof(1.50)", "decimal(3,2)",
             FUNC_KIND_ANY),
    FUNC_ROW("pg_typeof", typeof_row, 0, TYPES_TEXT, 1, 1, "type", "The same as typeof.",
             "pg_typeof(1)", "integer", FUNC_KIND_ANY),
    SESSION_ROW("version", version_row, TEXT, "The version of the library.", NULL, NULL),
    SESSION_ROW("sqlite_version", version_row, TEXT, "The version of the library.", NULL, NULL),
    SESSION_ROW("current_database", schema_row, TEXT, "The name of the database.",
                "current_database()", "main"),
    SESSION_ROW("database", schema_row, TEXT, "The name of the database.", "database()", "main"),
    SESSION_ROW("current_schema", schema_row, TEXT, "The name of the schema.", "current_schema()",
                "main"),
    SESSION_ROW("changes", changes_row, INTEGER, "Rows changed by the last statement.", NULL, NULL),
    SESSION_ROW("row_count", changes_row, INTEGER, "The same as changes.", NULL, NULL),
    SESSION_ROW("last_insert_rowid", last_insert_rowid_row, INTEGER,
                "The row id of the last inserted row.", NULL, NULL),
    SESSION_ROW("last_insert_id", last_insert_rowid_row, INTEGER, "The same as last_insert_rowid.",
                NULL, NULL),
    SESSION_ROW("current_transaction_id", transaction_id_row, INTEGER,
                "The number of the open transaction; NULL outside of one.", NULL, NULL),
    SESSION_ROW("txid_current", transaction_id_row, INTEGER,
                "The same as "
                "current_transaction_id.",
                NULL, NULL),
    {0},
};
