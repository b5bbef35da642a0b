/*
 * capi_dsn.c - data source names: a path, memory://, or file://PATH?key=value&...
 *
 * Keys and values of a file:// name are percent-decoded; a plain path is taken as it is, so
 * that any file name can be written. An unknown key is an error: a misspelt sync_mode must
 * not silently be full.
 */
#include "capi/capi_int.h"

static int hexadecimal(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = base_ascii_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Percent-decoded and NUL-terminated. */
static base_status decode(base_text text, base_arena *arena, char **decoded, base_error *error)
{
    char *out = base_arena_allocate(arena, text.length + 1);
    if (!out)
        return base_error_no_memory(error);
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (c == '%') {
            int high = i + 2 < text.length ? hexadecimal(text.data[i + 1]) : -1;
            int low = i + 2 < text.length ? hexadecimal(text.data[i + 2]) : -1;
            if (i + 2 >= text.length || high < 0 || low < 0 || (high == 0 && low == 0))
                return base_error_set(error, BASE_INVALID_PARAMETER,
                                      "a %% in the data source name needs two hexadecimal digits");
            c = (char)(high * 16 + low);
            i += 2;
        }
        out[length++] = c;
    }
    out[length] = '\0';
    *decoded = out;
    return BASE_OK;
}

static base_status bad_value(const char *key, const char *value, const char *expected,
                             base_error *error)
{
    base_error_set(error, BASE_INVALID_PARAMETER, "%s=%.60s is not valid in a data source name",
                   key, value);
    base_error_set_hint(error, "expected %s", expected);
    return BASE_INVALID_PARAMETER;
}

static base_status apply_mode(const char *value, table_options *options, base_error *error)
{
    bool may_create = !strcmp(value, "rwc"), may_write = may_create || !strcmp(value, "rw");
    if (!may_write && strcmp(value, "ro") != 0)
        return bad_value("mode", value, "ro, rw or rwc", error);
    options->read_only = !may_write;
    options->create = may_create;
    return BASE_OK;
}

static base_status apply_sync(const char *value, table_options *options, base_error *error)
{
    if (!strcmp(value, "full"))
        options->sync_mode = TABLE_SYNC_FULL;
    else if (!strcmp(value, "normal"))
        options->sync_mode = TABLE_SYNC_NORMAL;
    else if (!strcmp(value, "none") || !strcmp(value, "off"))
        options->sync_mode = TABLE_SYNC_NONE;
    else
        return bad_value("sync_mode", value, "full, normal or none", error);
    return BASE_OK;
}

static base_status apply(const char *key, const char *value, capi_dsn *parsed, base_error *error)
{
    uint64_t number = 0;
    bool is_number = session_parse_size(base_text_of(value), &number);
    if (!strcmp(key, "mode"))
        return apply_mode(value, &parsed->options, error);
    if (!strcmp(key, "sync_mode"))
        return apply_sync(value, &parsed->options, error);
    if (!strcmp(key, "lock_timeout")) {
        bool for_ever = !strcmp(value, "-1");
        if (!for_ever && (!is_number || number > INT64_MAX / 1000))
            return bad_value(key, value, "milliseconds, or -1 for ever", error);
        parsed->options.lock_timeout = for_ever ? -1 : (int64_t)number * 1000;
        return BASE_OK;
    }
    if (!strcmp(key, "memory_limit")) {
        if (!is_number || number > SIZE_MAX)
            return bad_value(key, value, "bytes, or a number with KB, MB or GB", error);
        parsed->options.memory_limit = (size_t)number;
        return BASE_OK;
    }
    if (!strcmp(key, "threads")) {
        if (!is_number || number < 1 || number > 1024)
            return bad_value(key, value, "1 to 1024", error);
        parsed->threads = (uint32_t)number;
        return BASE_OK;
    }
    if (!strcmp(key, "history_retention")) {
        if (!is_number || number > INT64_MAX / 1000000)
            return bad_value(key, value, "seconds", error);
        parsed->options.history_retention = (int64_t)number * 1000000;
        return BASE_OK;
    }
    if (!strncmp(key, "encryption", 10)) { /* never echo what may be a key */
        base_error_set(error, BASE_INVALID_PARAMETER,
                       "an encryption key cannot stand in a data source name");
        base_error_set_hint(error, "names end up in logs and error messages");
        return BASE_INVALID_PARAMETER;
    }
    base_error_set(error, BASE_INVALID_PARAMETER, "the data source name has no key \"%.60s\"", key);
    base_error_set_hint(error, "the keys are mode, sync_mode, lock_timeout, memory_limit, threads "
                               "and history_retention");
    return BASE_INVALID_PARAMETER;
}

static base_status parse_query(base_text query, base_arena *arena, capi_dsn *parsed,
                               base_error *error)
{
    while (query.length) {
        const char *end = memchr(query.data, '&', query.length);
        base_text pair = {query.data, end ? (size_t)(end - query.data) : query.length};
        query.data += pair.length + (end != NULL);
        query.length -= pair.length + (end != NULL);
        if (!pair.length)
            continue;
        const char *equal = memchr(pair.data, '=', pair.length);
        size_t key_length = equal ? (size_t)(equal - pair.data) : pair.length;
        base_text value_text = {equal ? equal + 1 : pair.data + pair.length,
                                equal ? pair.length - key_length - 1 : 0};
        char *key, *value;
        RETURN_IF_ERROR(decode((base_text){pair.data, key_length}, arena, &key, error));
        RETURN_IF_ERROR(decode(value_text, arena, &value, error));
        RETURN_IF_ERROR(apply(key, value, parsed, error));
    }
    return BASE_OK;
}

base_status capi_dsn_parse(const char *dsn, base_arena *arena, capi_dsn *parsed, base_error *error)
{
    *parsed = (capi_dsn){0};
    table_options_default(&parsed->options);
    parsed->options.create = true;
    if (!dsn)
        return BASE_OK;
    base_text text = base_text_of(dsn);
    bool memory = !strncmp(dsn, "memory:", 7);
    bool file = !strncmp(dsn, "file:", 5);
    if (!strcmp(dsn, ":memory:"))
        return BASE_OK;
    if (!memory && !file) {
        if (!text.length)
            return base_error_set(error, BASE_INVALID_PARAMETER, "the data source name is empty");
        parsed->path = base_arena_copy_text(arena, text.data, text.length);
        return parsed->path ? BASE_OK : base_error_no_memory(error);
    }
    size_t skip = memory ? 7 : 5;
    if (!strncmp(dsn + skip, "//", 2))
        skip += 2;
    text.data += skip;
    text.length -= skip;
    const char *question = text.length ? memchr(text.data, '?', text.length) : NULL;
    base_text path = {text.data, question ? (size_t)(question - text.data) : text.length};
    if (memory && path.length)
        return base_error_set(error, BASE_INVALID_PARAMETER,
                              "a database in memory has no name: memory://");
    if (file) {
        if (!path.length)
            return base_error_set(error, BASE_INVALID_PARAMETER,
                                  "the data source name has no path");
        RETURN_IF_ERROR(decode(path, arena, &parsed->path, error));
    }
    if (!question)
        return BASE_OK;
    base_text query = {question + 1, text.length - path.length - 1};
    return parse_query(query, arena, parsed, error);
}
