/*
 * session_copy.c - COPY: options and streams.
 *
 * CSV as RFC 4180 has it and as PostgreSQL reads it: a field without quotes that equals the NULL
 * text is NULL, a quoted one never is. Files are reached through the environment of the runtime,
 * so the simulator sees them; external_access=off forbids them, but not the program's own
 * callbacks.
 */
#include "session/session_copy_int.h"

/* ---- Options ------------------------------------------------------------------------------ */

static base_status bad_option(session_run *run, const parser_option *option, const char *expected)
{
    base_error_set_at(run->error, BASE_INVALID_PARAMETER, option->name.position,
                      "COPY option \"%.*s\" has an unfit value",
                      BASE_TEXT_ARGUMENTS(option->name.text));
    base_error_set_hint(run->error, "expected %s", expected);
    return BASE_INVALID_PARAMETER;
}

static base_status one_byte(session_run *run, const parser_option *option, char *byte)
{
    const parser_expr *value = option->value;
    if (!value || value->kind != PARSER_EXPR_STRING)
        return bad_option(run, option, "one character in single quotes");
    base_text text = value->text;
    if (text.length == 2 && text.data[0] == '\\' && text.data[1] == 't') {
        *byte = '\t';
        return BASE_OK;
    }
    if (text.length != 1 || text.data[0] == '\n' || text.data[0] == '\r' ||
        (unsigned char)text.data[0] >= 0x80)
        return bad_option(run, option, "one character, no line end");
    *byte = text.data[0];
    return BASE_OK;
}

/* QUOTE '' and ESCAPE '' mean none. */
static base_status byte_or_none(session_run *run, const parser_option *option, int *byte)
{
    char given;
    if (option->value && option->value->kind == PARSER_EXPR_STRING && !option->value->text.length) {
        *byte = COPY_NO_QUOTE;
        return BASE_OK;
    }
    RETURN_IF_ERROR(one_byte(run, option, &given));
    *byte = given;
    return BASE_OK;
}

static base_status header_option(session_run *run, const parser_option *option,
                                 copy_options *options)
{
    const parser_expr *value = option->value;
    if (!value) {
        options->header = COPY_HEADER_SKIP;
        return BASE_OK;
    }
    if (value->kind == PARSER_EXPR_BOOLEAN) {
        options->header = value->boolean ? COPY_HEADER_SKIP : COPY_HEADER_NONE;
        return BASE_OK;
    }
    static const char *const on[] = {"on", "true", "1", "yes"};
    static const char *const off[] = {"off", "false", "0", "no"};
    bool text = value->kind == PARSER_EXPR_STRING || value->kind == PARSER_EXPR_NUMBER;
    for (size_t i = 0; text && i < BASE_COUNT_OF(on); i++) {
        if (base_text_equal_folded(value->text, base_text_of(on[i])) ||
            base_text_equal_folded(value->text, base_text_of(off[i]))) {
            bool is_on = base_text_equal_folded(value->text, base_text_of(on[i]));
            options->header = is_on ? COPY_HEADER_SKIP : COPY_HEADER_NONE;
            return BASE_OK;
        }
    }
    if (text && run->tree->copy->from && base_text_equal_folded(value->text, BASE_TEXT("match"))) {
        options->header = COPY_HEADER_MATCH;
        return BASE_OK;
    }
    return bad_option(run, option,
                      run->tree->copy->from ? "true, false or match" : "true or false");
}

static base_status apply_option(session_run *run, const parser_option *option,
                                copy_options *options, bool *escape_given)
{
    base_text name = option->name.text;
    const parser_expr *value = option->value;
    bool text = value && value->kind == PARSER_EXPR_STRING;
    if (base_text_equal_folded(name, BASE_TEXT("header")))
        return header_option(run, option, options);
    if (base_text_equal_folded(name, BASE_TEXT("delimiter")) ||
        base_text_equal_folded(name, BASE_TEXT("delim")) ||
        base_text_equal_folded(name, BASE_TEXT("sep")))
        return one_byte(run, option, &options->delimiter);
    if (base_text_equal_folded(name, BASE_TEXT("quote")))
        return byte_or_none(run, option, &options->quote);
    if (base_text_equal_folded(name, BASE_TEXT("escape"))) {
        *escape_given = true;
        return byte_or_none(run, option, &options->escape);
    }
    if (base_text_equal_folded(name, BASE_TEXT("null")) ||
        base_text_equal_folded(name, BASE_TEXT("nullstr"))) {
        if (!text)
            return bad_option(run, option, "a string");
        options->null_text = value->text;
        return BASE_OK;
    }
    if (base_text_equal_folded(name, BASE_TEXT("csv")) && !value)
        return BASE_OK;
    if (base_text_equal_folded(name, BASE_TEXT("format"))) {
        if (text && base_text_equal_folded(value->text, BASE_TEXT("csv")))
            return BASE_OK;
        return base_error_set_at(run->error, BASE_NOT_SUPPORTED, option->name.position,
                                 "COPY knows the format csv only");
    }
    if (base_text_equal_folded(name, BASE_TEXT("encoding"))) {
        if (text && (base_text_equal_folded(value->text, BASE_TEXT("utf8")) ||
                     base_text_equal_folded(value->text, BASE_TEXT("utf-8"))))
            return BASE_OK;
        return bad_option(run, option, "'UTF8'");
    }
    base_error_set_at(run->error, BASE_INVALID_PARAMETER, option->name.position,
                      "COPY has no option \"%.*s\"", BASE_TEXT_ARGUMENTS(name));
    base_error_set_hint(run->error,
                        "the options are format, header, delimiter, quote, escape and null");
    return BASE_INVALID_PARAMETER;
}

static base_status parse_options(session_run *run, copy_options *options)
{
    const parser_copy *tree = run->tree->copy;
    bool escape_given = false;
    *options = (copy_options){.delimiter = ',', .quote = '"', .escape = '"'};
    options->null_text = (base_text){"", 0};
    for (uint32_t i = 0; i < tree->option_count; i++)
        RETURN_IF_ERROR(apply_option(run, &tree->options[i], options, &escape_given));
    if (!escape_given || options->quote == COPY_NO_QUOTE)
        options->escape = options->quote;
    if (options->delimiter == options->quote)
        return base_error_set_at(run->error, BASE_INVALID_PARAMETER, run->tree->position,
                                 "delimiter and quote of COPY are the same");
    return BASE_OK;
}

/* ---- Streams ------------------------------------------------------------------------------ */

static base_status open_callback(session_run *run, bool reading)
{
    session_connection *connection = run->connection;
    if (reading ? connection->copy_read != NULL : connection->copy_write != NULL)
        return BASE_OK;
    base_error_set_at(run->error, BASE_MISUSE, run->tree->position,
                      reading ? "COPY FROM STDIN: the program gives no input"
                              : "COPY TO STDOUT: the program takes no output");
    base_error_set_hint(run->error, "see tuff_set_copy, or name a file");
    return BASE_MISUSE;
}

base_status session_copy_stream_open(copy_stream *stream, session_run *run, bool reading)
{
    const parser_copy *tree = run->tree->copy;
    session_connection *connection = run->connection;
    *stream = (copy_stream){.connection = connection};
    if (tree->standard_stream)
        return open_callback(run, reading);
    if (!connection->settings.external_access) {
        base_error_set_at(run->error, BASE_ACCESS_DENIED, run->tree->position,
                          "external_access is off: COPY cannot reach files");
        return BASE_ACCESS_DENIED;
    }
    if (memchr(tree->path.data, '\0', tree->path.length))
        return base_error_set_at(run->error, BASE_CANNOT_OPEN, run->tree->position,
                                 "the path holds a NUL byte");
    char *path = base_arena_copy_text(run->arena, tree->path.data, tree->path.length);
    if (!path)
        return base_error_no_memory(run->error);
    os_environment *environment = os_runtime_environment(connection->database->runtime);
    bool exists = true;
    if (!reading && environment->exists(environment, path, &exists, NULL) != BASE_OK)
        exists = true; /* opening it will tell */
    stream->created = !exists;
    uint32_t flags = reading ? OS_OPEN_READ : OS_OPEN_WRITE | OS_OPEN_CREATE;
    RETURN_IF_ERROR(
        os_file_open(environment, &connection->budget, path, flags, &stream->file, run->error));
    base_status status = BASE_OK;
    if (!reading) /* what stood in the file goes */
        status = stream->file->operations->set_size(stream->file, 0, run->error);
    /* Pipes have no size: progress then has no fraction. */
    else if (stream->file->operations->size(stream->file, &stream->size, NULL) != BASE_OK)
        stream->size = 0;
    if (status != BASE_OK)
        session_copy_stream_close(stream);
    return status;
}

void session_copy_stream_close(copy_stream *stream)
{
    os_file_close(stream->file);
    stream->file = NULL;
}

void session_copy_stream_discard(copy_stream *stream)
{
    os_file *file = stream->file;
    /* The statement's own error is the one to report. Only what this statement made may be
     * removed: the path may be a device's. */
    if (file && stream->created)
        (void)file->environment->remove(file->environment, file->path, NULL);
    else if (file)
        (void)file->operations->set_size(file, 0, NULL);
    session_copy_stream_close(stream);
}

base_status session_copy_stream_read(copy_stream *stream, void *buffer, size_t size, size_t *count,
                                     base_error *error)
{
    session_connection *connection = stream->connection;
    *count = 0;
    if (stream->file) {
        RETURN_IF_ERROR(
            os_file_read_some(stream->file, stream->offset, buffer, size, count, error));
    } else {
        int64_t given = connection->copy_read(connection->copy_context, buffer, size);
        if (given < 0 || (uint64_t)given > size)
            return base_error_set(error, BASE_IO_ERROR, "the program's input for COPY failed");
        *count = (size_t)given;
    }
    stream->offset += *count;
    return BASE_OK;
}

base_status session_copy_stream_write(copy_stream *stream, const void *bytes, size_t length,
                                      base_error *error)
{
    session_connection *connection = stream->connection;
    if (stream->file)
        RETURN_IF_ERROR(os_file_write(stream->file, stream->offset, bytes, length, error));
    else if (connection->copy_write(connection->copy_context, bytes, length))
        return base_error_set(error, BASE_IO_ERROR, "the program's output for COPY failed");
    stream->offset += length;
    return BASE_OK;
}

base_status session_copy(session_run *run)
{
    copy_options options;
    RETURN_IF_ERROR(parse_options(run, &options));
    return run->tree->copy->from ? session_copy_from(run, &options)
                                 : session_copy_to(run, &options);
}

uint32_t session_copy_lanes(const session_connection *connection)
{
    uint32_t threads = os_runtime_parallelism(connection->database->runtime);
    uint32_t limit = connection->settings.threads;
    return limit ? BASE_MIN(limit, threads) : threads;
}
