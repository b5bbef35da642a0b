/*
 * session_copy_reader.c - cutting CSV into records and fields.
 *
 * One pass: fields are cut while the bytes are scanned, and quoted ones are closed up in place.
 * When the buffer ends inside a record, more is read behind it (the buffer grows if the record
 * fills it) and the record is scanned again from its start: that happens once per buffer, so it
 * costs nothing and needs no state between calls. Because a second scan must see the same
 * bytes, a quoted field is closed up only after its record is known to be whole.
 *
 * Line ends are \n, \r\n and the end of the input; inside quotes they belong to the field.
 */
#include "session/session_copy_int.h"

enum {
    FIRST_CAPACITY = 1 << 18,
    LARGEST_RECORD = 1 << 30,
};

void session_copy_reader_init(copy_reader *reader, copy_stream *stream, const copy_options *options,
                              base_budget *budget)
{
    *reader = (copy_reader){.stream = stream, .options = options, .budget = budget, .next_line = 1};
}

void session_copy_reader_destroy(copy_reader *reader)
{
    base_free(reader->budget, reader->buffer, reader->capacity);
    base_free_array(reader->budget, reader->fields, reader->field_capacity, sizeof *reader->fields);
    reader->buffer = NULL;
    reader->fields = NULL;
    reader->capacity = reader->field_capacity = 0;
}

/* Reads more behind the unread bytes, which move to the front. */
static base_status refill(copy_reader *reader, base_error *error)
{
    size_t unread = reader->end - reader->start;
    if (reader->start) {
        memmove(reader->buffer, reader->buffer + reader->start, unread);
        reader->start = 0;
        reader->end = unread;
    }
    if (reader->end == reader->capacity) {
        size_t capacity = reader->capacity ? reader->capacity * 2 : FIRST_CAPACITY;
        if (capacity > LARGEST_RECORD)
            return base_error_set(error, BASE_LIMIT, "line %llu is longer than %d MiB",
                                  (unsigned long long)reader->next_line, LARGEST_RECORD >> 20);
        char *grown = base_reallocate(reader->budget, reader->buffer, reader->capacity, capacity);
        if (!grown)
            return base_error_no_memory(error);
        reader->buffer = grown;
        reader->capacity = capacity;
    }
    size_t count;
    RETURN_IF_ERROR(session_copy_stream_read(reader->stream, reader->buffer + reader->end,
                                             reader->capacity - reader->end, &count, error));
    reader->end += count;
    reader->at_end = count == 0;
    return BASE_OK;
}

typedef enum scan_result {
    SCAN_WHOLE,
    SCAN_NEEDS_MORE,
    SCAN_NO_MEMORY,
    SCAN_BAD_QUOTE,
} scan_result;

/* A record under scan; offsets into the buffer. */
typedef struct scan {
    size_t at;
    uint64_t lines; /* line ends passed */
    bool ended;     /* by a line end or the end of the input */
} scan;

static bool add_field(copy_reader *reader, size_t from, size_t to, bool quoted)
{
    if (reader->field_count == reader->field_capacity &&
        !base_grow_array(reader->budget, &reader->fields, &reader->field_capacity,
                         reader->field_count + 1, sizeof *reader->fields))
        return false;
    reader->fields[reader->field_count++] = (copy_field){
        .text = {reader->buffer + from, to - from},
        .quoted = quoted,
    };
    return true;
}

/* Behind a field: a delimiter, or the end of the record. */
static scan_result end_of_field(const copy_reader *reader, scan *self)
{
    if (self->at >= reader->end) {
        if (!reader->at_end)
            return SCAN_NEEDS_MORE;
        self->ended = true;
        return SCAN_WHOLE;
    }
    char c = reader->buffer[self->at];
    if (c == reader->options->delimiter) {
        self->at++;
        return SCAN_WHOLE;
    }
    if (c == '\r') {
        if (self->at + 1 >= reader->end && !reader->at_end)
            return SCAN_NEEDS_MORE;
        self->at++;
        if (self->at < reader->end && reader->buffer[self->at] == '\n')
            self->at++;
        self->lines++;
        self->ended = true;
        return SCAN_WHOLE;
    }
    if (c == '\n') {
        self->at++;
        self->lines++;
        self->ended = true;
        return SCAN_WHOLE;
    }
    return SCAN_BAD_QUOTE;
}

static scan_result scan_plain(copy_reader *reader, scan *self)
{
    const char *data = reader->buffer;
    char delimiter = reader->options->delimiter;
    size_t from = self->at, end = reader->end;
    size_t at = from;
    while (at < end && data[at] != delimiter && data[at] != '\n' && data[at] != '\r')
        at++;
    self->at = at;
    if (at == end && !reader->at_end)
        return SCAN_NEEDS_MORE;
    return add_field(reader, from, at, false) ? end_of_field(reader, self) : SCAN_NO_MEMORY;
}

static bool is_escape(int escape, char byte)
{
    return escape != COPY_NO_QUOTE && byte == (char)escape;
}

/* At the opening quote. The text keeps its escapes until the record is whole. */
static scan_result scan_quoted(copy_reader *reader, scan *self)
{
    const char *data = reader->buffer;
    char quote = (char)reader->options->quote;
    int escape = reader->options->escape;
    size_t from = self->at + 1;
    for (size_t at = from; at < reader->end; at++) {
        char c = data[at];
        if (is_escape(escape, c) && at + 1 < reader->end &&
            (data[at + 1] == quote || data[at + 1] == (char)escape)) {
            at++;
            continue;
        }
        if (is_escape(escape, c) && at + 1 >= reader->end && !reader->at_end)
            return SCAN_NEEDS_MORE;
        self->lines += c == '\n';
        if (c != quote)
            continue;
        self->at = at + 1;
        if (self->at >= reader->end && !reader->at_end)
            return SCAN_NEEDS_MORE;
        return add_field(reader, from, at, true) ? end_of_field(reader, self) : SCAN_NO_MEMORY;
    }
    return reader->at_end ? SCAN_BAD_QUOTE : SCAN_NEEDS_MORE;
}

static bool is_quote(const copy_options *options, char byte)
{
    return options->quote != COPY_NO_QUOTE && byte == (char)options->quote;
}

static scan_result scan_record(copy_reader *reader, scan *self)
{
    *self = (scan){.at = reader->start};
    reader->field_count = 0;
    while (!self->ended) {
        bool quoted = self->at < reader->end && is_quote(reader->options, reader->buffer[self->at]);
        if (self->at >= reader->end && !reader->at_end)
            return SCAN_NEEDS_MORE;
        scan_result result = quoted ? scan_quoted(reader, self) : scan_plain(reader, self);
        if (result != SCAN_WHOLE)
            return result;
    }
    return SCAN_WHOLE;
}

/* Takes the escapes out of a quoted field, in place. */
static void close_up(const copy_options *options, base_text *text)
{
    if (options->escape == COPY_NO_QUOTE || !memchr(text->data, options->escape, text->length))
        return;
    char *data = (char *)(uintptr_t)text->data; /* it is the reader's own buffer */
    size_t to = 0;
    for (size_t from = 0; from < text->length; from++) {
        if (data[from] == (char)options->escape && from + 1 < text->length)
            from++;
        data[to++] = data[from];
    }
    text->length = to;
}

base_status session_copy_reader_next(copy_reader *reader, base_error *error)
{
    scan self;
    scan_result result;
    for (;;) {
        if (reader->start == reader->end) {
            if (reader->at_end)
                return BASE_DONE;
            RETURN_IF_ERROR(refill(reader, error));
            continue;
        }
        result = scan_record(reader, &self);
        if (result != SCAN_NEEDS_MORE)
            break;
        RETURN_IF_ERROR(refill(reader, error));
    }
    if (result == SCAN_NO_MEMORY)
        return base_error_no_memory(error);
    if (result == SCAN_BAD_QUOTE) {
        base_error_set(error, BASE_BAD_COPY_FORMAT,
                       "line %llu: a quoted field does not end properly",
                       (unsigned long long)reader->next_line);
        base_error_set_hint(error, "a quote inside a quoted field is written twice");
        return BASE_BAD_COPY_FORMAT;
    }
    for (uint32_t i = 0; i < reader->field_count; i++) {
        if (reader->fields[i].quoted)
            close_up(reader->options, &reader->fields[i].text);
    }
    reader->line = reader->next_line;
    reader->next_line += self.lines;
    reader->start = self.at;
    return BASE_ROW;
}
