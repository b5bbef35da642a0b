/*
 * session_setting.c - the settings: one row each, with how it is shown and set.
 *
 * Some belong to the connection, some to the database (sync_mode, seal_rows,
 * history_retention): the description says which. The options that a database was opened with
 * are what its new connections begin with and what SET x = DEFAULT goes back to.
 */
#include "session/session_setting_int.h"

static base_status bad_value(base_text value, const char *expected, base_error *error)
{
    base_error_set(error, BASE_INVALID_PARAMETER, "\"%.*s\" is not a value of this setting",
                   (int)BASE_MIN(value.length, (size_t)60), value.data);
    base_error_set_hint(error, "expected %s", expected);
    return BASE_INVALID_PARAMETER;
}

static bool is_word(base_text value, const char *word)
{
    return base_text_equal_folded(value, base_text_of(word));
}

static base_status parse_switch(const base_text *value, bool unset, bool *result, base_error *error)
{
    if (!value)
        *result = unset;
    else if (is_word(*value, "on") || is_word(*value, "true") || is_word(*value, "1") ||
             is_word(*value, "yes"))
        *result = true;
    else if (is_word(*value, "off") || is_word(*value, "false") || is_word(*value, "0") ||
             is_word(*value, "no"))
        *result = false;
    else
        return bad_value(*value, "on or off", error);
    return BASE_OK;
}

static bool parse_integer(base_text value, int64_t minimum, int64_t maximum, int64_t *result)
{
    types_value parsed;
    if (types_parse(value, TYPES_OF(INTEGER), NULL, &parsed, NULL) != BASE_OK)
        return false;
    *result = parsed.cell.int64;
    return *result >= minimum && *result <= maximum;
}

bool session_parse_size(base_text text, uint64_t *size)
{
    uint64_t value = 0;
    size_t i = 0;
    for (; i < text.length && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.data[i] - '0'), &value))
            return false;
    }
    if (i == 0)
        return false;
    while (i < text.length && text.data[i] == ' ')
        i++;
    base_text unit = {text.data + i, text.length - i};
    static const struct {
        const char *names[3];
        uint32_t shift;
    } units[] = {{{"", "b", "bytes"}, 0},
                 {{"k", "kb", "kib"}, 10},
                 {{"m", "mb", "mib"}, 20},
                 {{"g", "gb", "gib"}, 30},
                 {{"t", "tb", "tib"}, 40}};
    for (size_t u = 0; u < BASE_COUNT_OF(units); u++) {
        for (size_t n = 0; n < BASE_COUNT_OF(units[u].names); n++) {
            if (!is_word(unit, units[u].names[n]))
                continue;
            *size = value << units[u].shift;
            return value <= UINT64_MAX >> units[u].shift;
        }
    }
    return false;
}

static void show_switch(bool value, base_buffer *out)
{
    base_buffer_append_text(out, value ? "on" : "off");
}

/* ---- Of the connection ---------------------------------------------------------------------- */

static table_options *options_of(const session_connection *connection)
{
    return table_database_options(connection->database->table);
}

static void show_threads(const session_connection *connection, base_buffer *out)
{
    uint32_t all = os_runtime_parallelism(connection->database->runtime);
    uint32_t threads = connection->settings.threads;
    base_buffer_append_format(out, "%u", threads ? BASE_MIN(threads, all) : all);
}
static base_status set_threads(session_connection *connection, const base_text *value,
                               base_error *error)
{
    int64_t threads = 0;
    if (value && !parse_integer(*value, 1, 1024, &threads))
        return bad_value(*value, "1 to 1024", error);
    connection->settings.threads = (uint32_t)threads;
    return BASE_OK;
}

static void show_memory_limit(const session_connection *connection, base_buffer *out)
{
    base_buffer_append_format(out, "%zu", connection->settings.memory_limit);
}
static base_status set_memory_limit(session_connection *connection, const base_text *value,
                                    base_error *error)
{
    uint64_t size = 0;
    if (value && !session_parse_size(*value, &size))
        return bad_value(*value, "bytes, or a number with KB, MB or GB; 0 for none", error);
    connection->settings.memory_limit = (size_t)BASE_MIN(size, (uint64_t)SIZE_MAX);
    return BASE_OK;
}

static void show_isolation(const session_connection *connection, base_buffer *out)
{
    base_buffer_append_text(out, connection->settings.isolation == TXN_SNAPSHOT ? "snapshot"
                                                                                : "read committed");
}
static base_status set_isolation(session_connection *connection, const base_text *value,
                                 base_error *error)
{
    if (!value || is_word(*value, "read committed") || is_word(*value, "read uncommitted"))
        connection->settings.isolation = TXN_READ_COMMITTED;
    else if (is_word(*value, "snapshot") || is_word(*value, "repeatable read"))
        connection->settings.isolation = TXN_SNAPSHOT;
    else
        return bad_value(*value, "'read committed' or 'snapshot'", error);
    return BASE_OK;
}

static void show_read_only(const session_connection *connection, base_buffer *out)
{
    show_switch(connection->settings.read_only, out);
}
static base_status set_read_only(session_connection *connection, const base_text *value,
                                 base_error *error)
{
    bool of_database = options_of(connection)->read_only;
    bool read_only;
    RETURN_IF_ERROR(parse_switch(value, of_database, &read_only, error));
    if (!read_only && of_database)
        return base_error_set(error, BASE_READ_ONLY, "the database is open for reading only");
    connection->settings.read_only = read_only;
    return BASE_OK;
}

static void show_optimizer(const session_connection *connection, base_buffer *out)
{
    show_switch(connection->settings.optimizer, out);
}
static base_status set_optimizer(session_connection *connection, const base_text *value,
                                 base_error *error)
{
    return parse_switch(value, true, &connection->settings.optimizer, error);
}

static void show_fast_path(const session_connection *connection, base_buffer *out)
{
    show_switch(connection->settings.fast_path, out);
}
static base_status set_fast_path(session_connection *connection, const base_text *value,
                                 base_error *error)
{
    return parse_switch(value, true, &connection->settings.fast_path, error);
}

static void show_external_access(const session_connection *connection, base_buffer *out)
{
    show_switch(connection->settings.external_access, out);
}
/* Off is for good: SQL from strangers must not be able to switch it on again. */
static base_status set_external_access(session_connection *connection, const base_text *value,
                                       base_error *error)
{
    bool on;
    RETURN_IF_ERROR(parse_switch(value, connection->settings.external_access, &on, error));
    if (on && !connection->settings.external_access)
        return base_error_set(error, BASE_ACCESS_DENIED,
                              "external_access cannot be switched on again");
    connection->settings.external_access = on;
    return BASE_OK;
}

static void show_timezone(const session_connection *connection, base_buffer *out)
{
    (void)connection;
    base_buffer_append_text(out, "UTC");
}
static base_status set_timezone(session_connection *connection, const base_text *value,
                                base_error *error)
{
    (void)connection;
    if (!value || is_word(*value, "utc") || is_word(*value, "gmt"))
        return BASE_OK;
    return bad_value(*value, "UTC", error);
}

static void show_lock_timeout(const session_connection *connection, base_buffer *out)
{
    int64_t timeout = connection->settings.lock_timeout;
    base_buffer_append_format(out, "%lld", timeout < 0 ? -1LL : (long long)(timeout / 1000));
}
static base_status set_lock_timeout(session_connection *connection, const base_text *value,
                                    base_error *error)
{
    int64_t microseconds = options_of(connection)->lock_timeout;
    if (value) {
        int64_t milliseconds;
        if (!parse_integer(*value, -1, INT64_MAX / 1000, &milliseconds))
            return bad_value(*value, "milliseconds, or -1 for ever", error);
        microseconds = milliseconds < 0 ? -1 : milliseconds * 1000;
    }
    connection->settings.lock_timeout = microseconds;
    if (connection->transaction)
        txn_set_lock_timeout(connection->transaction, microseconds);
    return BASE_OK;
}

/* ---- Of the database ------------------------------------------------------------------------ */

static void show_sync_mode(const session_connection *connection, base_buffer *out)
{
    static const char *const names[] = {"full", "normal", "none"};
    base_buffer_append_text(out, names[options_of(connection)->sync_mode]);
}
static base_status set_sync_mode(session_connection *connection, const base_text *value,
                                 base_error *error)
{
    table_sync_mode mode;
    if (!value || is_word(*value, "full") || is_word(*value, "2") || is_word(*value, "extra"))
        mode = TABLE_SYNC_FULL;
    else if (is_word(*value, "normal") || is_word(*value, "1"))
        mode = TABLE_SYNC_NORMAL;
    else if (is_word(*value, "none") || is_word(*value, "off") || is_word(*value, "0"))
        mode = TABLE_SYNC_NONE;
    else
        return bad_value(*value, "full, normal or none", error);
    table_set_sync_mode(connection->database->table, mode);
    return BASE_OK;
}

static void show_history_retention(const session_connection *connection, base_buffer *out)
{
    base_buffer_append_format(out, "%lld",
                              (long long)(options_of(connection)->history_retention / 1000000));
}

static void show_seal_rows(const session_connection *connection, base_buffer *out)
{
    base_buffer_append_format(out, "%u", options_of(connection)->seal_rows);
}
static base_status set_seal_rows(session_connection *connection, const base_text *value,
                                 base_error *error)
{
    int64_t rows = 0;
    if (value && !parse_integer(*value, 0, UINT32_MAX, &rows))
        return bad_value(*value, "a number of rows, or 0 for the usual one", error);
    options_of(connection)->seal_rows = (uint32_t)rows;
    return BASE_OK;
}

static void show_version(const session_connection *connection, base_buffer *out)
{
    base_buffer_append_text(out, connection->environment.version);
}

static const session_setting settings[] = {
    {"external_access", NULL, "COPY may read and write files; off is for good (connection)",
     show_external_access, set_external_access},
    {"fast_path", NULL, "short statements run row by row (connection)", show_fast_path,
     set_fast_path},
    {"history_retention", NULL, "seconds that old versions of rows are kept (database)",
     show_history_retention, NULL},
    {"lock_timeout", "busy_timeout",
     "milliseconds that a change waits for another transaction; -1: for ever (connection)",
     show_lock_timeout, set_lock_timeout},
    {"memory_limit", "work_mem", "bytes that one statement may use; 0: no limit (connection)",
     show_memory_limit, set_memory_limit},
    {"optimizer", NULL, "plans are improved by rules and costs (connection)", show_optimizer,
     set_optimizer},
    {"read_only", "query_only", "new transactions cannot change data (connection)", show_read_only,
     set_read_only},
    {"seal_rows", NULL,
     "hot rows of a table that a checkpoint makes a volume of; 0: the usual number (database)",
     show_seal_rows, set_seal_rows},
    {"sync_mode", "synchronous",
     "when a commit is on disk: full, normal (within a second), none (database)", show_sync_mode,
     set_sync_mode},
    {"threads", NULL, "threads that may work on one statement (connection)", show_threads,
     set_threads},
    {"timezone", NULL, "timestamps are UTC", show_timezone, set_timezone},
    {"transaction_isolation", "default_transaction_isolation",
     "isolation of new transactions: read committed, snapshot (connection)", show_isolation,
     set_isolation},
    {"version", "server_version", "of the library", show_version, NULL},
};

const session_setting *session_setting_at(uint32_t index)
{
    return index < BASE_COUNT_OF(settings) ? &settings[index] : NULL;
}

const session_setting *session_setting_find(base_text name)
{
    for (size_t i = 0; i < BASE_COUNT_OF(settings); i++) {
        if (is_word(name, settings[i].name) ||
            (settings[i].alias && is_word(name, settings[i].alias)))
            return &settings[i];
    }
    return NULL;
}

base_status session_setting_unknown(base_text name, int32_t position, const char *kind,
                                    base_error *error)
{
    base_error_set_at(error, BASE_UNDEFINED_OBJECT, position, "there is no %s \"%.*s\"", kind,
                      (int)BASE_MIN(name.length, (size_t)60), name.data);
    const char *nearest = NULL;
    uint32_t best = 4;
    for (size_t i = 0; i < BASE_COUNT_OF(settings); i++) {
        uint32_t distance = base_text_distance(name, base_text_of(settings[i].name), 3);
        if (distance < best) {
            best = distance;
            nearest = settings[i].name;
        }
    }
    if (nearest)
        base_error_set_hint(error, "did you mean \"%s\"?", nearest);
    else
        base_error_set_hint(error, "SHOW ALL lists the settings");
    return BASE_UNDEFINED_OBJECT;
}
