/*
 * session_copy_reader.c - cutting CSV into slices of whole records, to be parsed side by side.
 *
 * Where a record ends depends on the quotes before it, so the bytes are walked through once
 * before anybody parses them; but only from quote to quote, by memchr, and without quotes not
 * at all: a line end near the wanted place is an end. Guessing the state in the middle of the
 * input and checking later was rejected: it parses twice exactly where text has many quotes,
 * and the walk takes a few percent of the parsing.
 *
 * A quote opens a field only at its beginning; elsewhere it is a byte like others. Line ends are
 * \n, \r\n, \r and the end of the input; inside quotes they belong to the field. A byte order
 * mark at the very beginning is passed over.
 */
#include "session/session_copy_int.h"

#define FIRST_CAPACITY ((size_t)1 << 18)
#define LARGEST_RECORD ((size_t)1 << 30)

void session_copy_reader_init(copy_reader *reader, copy_stream *stream, const copy_options *options,
                              base_budget *budget, size_t slice_size, uint32_t slices)
{
    *reader = (copy_reader){.stream = stream,
                            .options = options,
                            .budget = budget,
                            .slice_size = slice_size,
                            .wanted = slice_size * slices};
}

void session_copy_reader_destroy(copy_reader *reader)
{
    if (reader->buffer)
        base_free(reader->budget, reader->buffer, reader->capacity + COPY_PADDING);
    reader->buffer = NULL;
    reader->capacity = 0;
}

/* ---- Bytes --------------------------------------------------------------------------------- */

static base_status make_room(copy_reader *reader, size_t capacity, uint64_t line, base_error *error)
{
    if (capacity > LARGEST_RECORD)
        return base_error_set(error, BASE_LIMIT, "line %llu is longer than %zu MiB",
                              (unsigned long long)line, LARGEST_RECORD >> 20);
    size_t old_size = reader->buffer ? reader->capacity + COPY_PADDING : 0;
    char *grown =
        base_reallocate(reader->budget, reader->buffer, old_size, capacity + COPY_PADDING);
    if (!grown)
        return base_error_no_memory(error);
    memset(grown + capacity, 0, COPY_PADDING);
    reader->buffer = grown;
    reader->capacity = capacity;
    return BASE_OK;
}

/* Reads on behind the unread bytes until the buffer is full or the stream ends. */
static base_status fill(copy_reader *reader, base_error *error)
{
    while (!reader->at_end && reader->end < reader->capacity) {
        size_t count;
        RETURN_IF_ERROR(session_copy_stream_read(reader->stream, reader->buffer + reader->end,
                                                 reader->capacity - reader->end, &count, error));
        reader->end += count;
        reader->at_end = count == 0;
    }
    return BASE_OK;
}

/* The unread bytes move to the front; what was taken before is gone. */
static base_status refill(copy_reader *reader, uint64_t line, base_error *error)
{
    size_t unread = reader->end - reader->start;
    if (reader->start && unread)
        memmove(reader->buffer, reader->buffer + reader->start, unread);
    reader->start = 0;
    reader->end = unread;
    if (reader->capacity < reader->wanted) {
        /* Of a file of known size a byte more, so that the end shows. */
        uint64_t size = reader->stream->size;
        uint64_t capacity = size ? size + 1 : BASE_MAX(2 * reader->capacity, FIRST_CAPACITY);
        capacity = BASE_MIN(capacity, reader->wanted);
        if (capacity > reader->capacity)
            RETURN_IF_ERROR(make_room(reader, (size_t)capacity, line, error));
    }
    RETURN_IF_ERROR(fill(reader, error));
    if (!reader->begun && reader->end >= 3 && memcmp(reader->buffer, "\xEF\xBB\xBF", 3) == 0)
        reader->start = 3;
    reader->begun = true;
    return BASE_OK;
}

/* ---- Ends of records --------------------------------------------------------------------- */

/* Goes through the unread bytes; `at` is outside of quotes. */
typedef struct walk {
    const copy_reader *reader;
    const char *begin, *at, *end;
    const char *quote; /* the next one that opens a field, if not before `at`; `end`: none */
} walk;

static const char *find(const char *from, const char *to, char byte)
{
    const char *found = from < to ? memchr(from, byte, (size_t)(to - from)) : NULL;
    return found ? found : to;
}

static const char *opening_quote(const walk *self)
{
    const copy_options *options = self->reader->options;
    const char *at = self->at;
    if (options->quote == COPY_NO_QUOTE)
        return self->end;
    for (;; at++) {
        at = find(at, self->end, (char)options->quote);
        if (at == self->end || at == self->begin || at[-1] == options->delimiter ||
            at[-1] == '\n' || at[-1] == '\r')
            return at;
    }
}

/* Behind the quote that closes the field opened before `at`; the end when there is none. */
static const char *closing_quote(const walk *self, const char *at)
{
    const copy_options *options = self->reader->options;
    char quote = (char)options->quote, escape = (char)options->escape;
    if (options->escape == COPY_NO_QUOTE || quote == escape) {
        for (;; at += 2) {
            at = find(at, self->end, quote);
            if (at == self->end)
                return at;
            bool doubled = options->escape != COPY_NO_QUOTE && at + 1 < self->end && at[1] == quote;
            if (!doubled)
                return at + 1;
        }
    }
    for (; at < self->end; at++) {
        if (*at == escape && at + 1 < self->end && (at[1] == quote || at[1] == escape))
            at++;
        else if (*at == quote)
            return at + 1;
    }
    return self->end;
}

/* A line end between the two, which are outside of quotes: gives what follows it, or NULL. */
static const char *line_end(const walk *self, const char *from, const char *to)
{
    const char *at = find(from, to, '\n');
    if (at < to)
        return at + 1;
    at = find(from, to, '\r');
    /* At the end of the buffer a \n may still follow. */
    if (at == to || (at + 1 == self->end && !self->reader->at_end))
        return NULL;
    return at + 1 < self->end && at[1] == '\n' ? at + 2 : at + 1;
}

/* Moves behind the first record that ends behind `target`; false: none does. */
static bool walk_to(walk *self, const char *target)
{
    for (;;) {
        if (self->quote < self->at)
            self->quote = opening_quote(self);
        const char *from = BASE_MAX(self->at, target);
        const char *ended = from < self->quote ? line_end(self, from, self->quote) : NULL;
        if (ended) {
            self->at = ended;
            return true;
        }
        if (self->quote == self->end)
            return false;
        const char *closed = closing_quote(self, self->quote + 1);
        if (closed == self->end)
            return false;
        self->at = closed;
    }
}

static uint32_t cut(copy_reader *reader, uint32_t limit, base_text *slices)
{
    const char *begin = reader->buffer + reader->start, *end = reader->buffer + reader->end;
    walk walker = {.reader = reader, .begin = begin, .at = begin, .end = end, .quote = begin - 1};
    walker.quote = opening_quote(&walker);
    size_t length = (size_t)(end - begin);
    uint32_t parts = (uint32_t)BASE_MIN((size_t)limit, length / (reader->slice_size / 2) + 1),
             count = 0;
    const char *last = begin;
    for (uint32_t i = 1; i < parts; i++) {
        const char *target = begin + length / parts * i;
        if (target < last)
            continue;
        if (!walk_to(&walker, target))
            break;
        slices[count++] = (base_text){last, (size_t)(walker.at - last)};
        last = walker.at;
    }
    const char *stop = end;
    if (!reader->at_end) {
        /* The last record may be incomplete. */
        stop = last;
        while (walk_to(&walker, walker.at))
            stop = walker.at;
    }
    if (stop > last)
        slices[count++] = (base_text){last, (size_t)(stop - last)};
    reader->start += (size_t)(stop - begin);
    return count;
}

base_status session_copy_reader_next(copy_reader *reader, uint32_t limit, uint64_t line,
                                     base_text *slices, uint32_t *count, base_error *error)
{
    *count = 0;
    RETURN_IF_ERROR(refill(reader, line, error));
    while (reader->start < reader->end) {
        *count = cut(reader, limit, slices);
        if (*count)
            return BASE_OK;
        RETURN_IF_ERROR(make_room(reader, reader->capacity * 2, line, error));
        RETURN_IF_ERROR(fill(reader, error));
    }
    return BASE_OK;
}

base_status session_copy_reader_first(copy_reader *reader, base_text *record, base_error *error)
{
    *record = (base_text){"", 0};
    RETURN_IF_ERROR(refill(reader, 1, error));
    while (reader->start < reader->end) {
        const char *begin = reader->buffer + reader->start, *end = reader->buffer + reader->end;
        walk walker = {.reader = reader, .begin = begin, .at = begin, .end = end};
        walker.quote = opening_quote(&walker);
        bool whole = walk_to(&walker, begin);
        if (whole || reader->at_end) {
            *record = (base_text){begin, (size_t)((whole ? walker.at : end) - begin)};
            reader->start += record->length;
            return BASE_OK;
        }
        RETURN_IF_ERROR(make_room(reader, reader->capacity * 2, 1, error));
        RETURN_IF_ERROR(fill(reader, error));
    }
    return BASE_OK;
}
