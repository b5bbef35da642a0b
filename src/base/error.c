/*
 * error.c - filling the error object (why it looks so: error.h).
 *
 * Invariants: every text field is NUL-terminated and holds whole UTF-8 characters;
 * once status is not OK, message never changes until base_error_clear.
 */
#include "base/base.h"

const char *base_status_sqlstate(base_status status)
{
    switch (status) {
#define CASE(name, number, sqlstate, meaning)                                                      \
    case BASE_##name:                                                                              \
        return sqlstate;
        BASE_STATUS_LIST(CASE)
#undef CASE
    }
    return "XX000";
}

const char *base_status_name(base_status status)
{
    switch (status) {
#define CASE(name, number, sqlstate, meaning)                                                      \
    case BASE_##name:                                                                              \
        return #name;
        BASE_STATUS_LIST(CASE)
#undef CASE
    }
    return "UNKNOWN";
}

const char *base_status_meaning(base_status status)
{
    switch (status) {
#define CASE(name, number, sqlstate, meaning)                                                      \
    case BASE_##name:                                                                              \
        return meaning;
        BASE_STATUS_LIST(CASE)
#undef CASE
    }
    return "Unknown status.";
}

_Noreturn void base_assertion_failed(const char *expression, const char *file, int line)
{
    (void)fprintf(stderr, "tuff: broken invariant: %s (%s:%d)\n", expression, file, line);
    abort();
}

void base_error_clear(base_error *error)
{
    if (!error)
        return;
    error->status = BASE_OK;
    memcpy(error->sqlstate, "00000", sizeof error->sqlstate);
    error->position = -1;
    error->message[0] = error->detail[0] = error->hint[0] = '\0';
    error->table[0] = error->column[0] = error->constraint[0] = '\0';
}

/* Messages quote pieces of user text by length: a character that such a piece cuts in two
 * becomes a question mark. */
static void keep_whole_characters(char *text)
{
    while (*text) {
        uint8_t lead = (uint8_t)*text;
        uint32_t size = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        uint32_t have = 1;
        while (have < size && ((uint8_t)text[have] & 0xC0) == 0x80)
            have++;
        if (have != size)
            memset(text, '?', have);
        text += have;
    }
}

/* Formats into a field; a text that does not fit is cut at a character border. */
static void fill_text(char *field, size_t size, const char *format, va_list arguments)
{
    int length = vsnprintf(field, size, format, arguments);
    if (length < 0) {
        field[0] = '\0';
        return;
    }
    if ((size_t)length >= size) {
        size_t end = size - 4;
        while (end > 0 && ((unsigned char)field[end] & 0xC0) == 0x80)
            end--;
        memcpy(field + end, "...", 4);
    }
    keep_whole_characters(field);
}

static base_status set_error(base_error *error, base_status status, int32_t position,
                             const char *format, va_list arguments)
{
    BASE_ASSERT(status != BASE_OK);
    if (!error || error->status != BASE_OK)
        return status;
    base_error_clear(error);
    error->status = status;
    memcpy(error->sqlstate, base_status_sqlstate(status), sizeof error->sqlstate);
    error->position = position;
    fill_text(error->message, sizeof error->message, format, arguments);
    return status;
}

base_status base_error_set(base_error *error, base_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_error(error, status, -1, format, arguments);
    va_end(arguments);
    return status;
}

base_status base_error_set_at(base_error *error, base_status status, int32_t position,
                              const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_error(error, status, position, format, arguments);
    va_end(arguments);
    return status;
}

base_status base_error_place(base_error *error, base_status status, int32_t position)
{
    if (error && error->status == status && error->position < 0)
        error->position = position;
    return status;
}

base_status base_error_no_memory(base_error *error)
{
    return base_error_set(error, BASE_OUT_OF_MEMORY, "out of memory");
}

void base_error_set_detail(base_error *error, const char *format, ...)
{
    if (!error || error->detail[0])
        return;
    va_list arguments;
    va_start(arguments, format);
    fill_text(error->detail, sizeof error->detail, format, arguments);
    va_end(arguments);
}

void base_error_set_hint(base_error *error, const char *format, ...)
{
    if (!error || error->hint[0])
        return;
    va_list arguments;
    va_start(arguments, format);
    fill_text(error->hint, sizeof error->hint, format, arguments);
    va_end(arguments);
}

static void fill_name(char *field, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill_text(field, size, format, arguments);
    va_end(arguments);
}

void base_error_set_names(base_error *error, const char *table, const char *column,
                          const char *constraint)
{
    if (!error)
        return;
    if (table)
        fill_name(error->table, sizeof error->table, "%s", table);
    if (column)
        fill_name(error->column, sizeof error->column, "%s", column);
    if (constraint)
        fill_name(error->constraint, sizeof error->constraint, "%s", constraint);
}
