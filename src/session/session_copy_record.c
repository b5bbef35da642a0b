/*
 * session_copy_record.c - cutting a slice of CSV into records and fields.
 *
 * Bytes that may mean something (delimiter, line ends, quote, escape) are found 64 at a time, as
 * a mask of bits; the cutting then steps from bit to bit and never looks at the bytes of a field.
 * What a mark means depends on where it stands: within a quoted field only quotes count, in the
 * middle of another field a quote does not.
 *
 * The slice is only read: other tasks may look at bytes behind its end. Escapes are taken out
 * when the value is made.
 */
#include "session/session_copy_int.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#ifdef __SSE2__
static inline uint64_t marks_of(const copy_record *self, const char *block)
{
    const copy_options *options = self->options;
    const __m128i delimiter = _mm_set1_epi8(options->delimiter);
    const __m128i quote = _mm_set1_epi8((char)options->quote);
    const __m128i escape = _mm_set1_epi8(self->escape_mark);
    const __m128i line_feed = _mm_set1_epi8('\n'), carriage_return = _mm_set1_epi8('\r');
    uint64_t marks = 0;
    for (unsigned i = 0; i < 4; i++) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(block + 16 * i));
        __m128i found = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(bytes, delimiter), _mm_cmpeq_epi8(bytes, quote)),
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, line_feed),
                                      _mm_cmpeq_epi8(bytes, carriage_return)),
                         _mm_cmpeq_epi8(bytes, escape)));
        marks |= (uint64_t)(uint32_t)_mm_movemask_epi8(found) << (16 * i);
    }
    return marks;
}
#else
static inline uint64_t marks_of(const copy_record *self, const char *block)
{
    const copy_options *options = self->options;
    uint64_t marks = 0;
    for (unsigned i = 0; i < 64; i++) {
        char c = block[i];
        bool found = c == options->delimiter || c == (char)options->quote || c == '\n' ||
                     c == '\r' || c == self->escape_mark;
        marks |= (uint64_t)found << i;
    }
    return marks;
}
#endif

/* Marks of the block, those behind the end left out. */
static inline void load_marks(copy_record *self)
{
    self->marks = marks_of(self, self->block);
    size_t left = (size_t)(self->end - self->block);
    if (left < 64)
        self->marks &= (UINT64_C(1) << left) - 1;
}

/* Takes the next mark; the end when there is none. */
static inline const char *next_mark(copy_record *self)
{
    while (!self->marks) {
        if (self->end - self->block <= 64) {
            self->block = self->end;
            return self->end;
        }
        self->block += 64;
        load_marks(self);
    }
    const char *mark = self->block + __builtin_ctzll(self->marks);
    self->marks &= self->marks - 1;
    return mark;
}

void session_copy_record_start(copy_record *record, const copy_options *options, base_text slice,
                               copy_field *fields, uint32_t field_limit)
{
    *record = (copy_record){.options = options,
                            .at = slice.data,
                            .end = slice.data + slice.length,
                            .block = slice.data,
                            .next_line = 1,
                            .field_limit = field_limit,
                            .fields = fields};
    /* Where there is none, a byte that is looked for anyway. */
    record->escape_mark = options->delimiter;
    if (options->quote != COPY_NO_QUOTE && options->escape != COPY_NO_QUOTE)
        record->escape_mark = (char)options->escape;
    if (slice.length)
        load_marks(record);
}

static inline void add_field(copy_record *self, const char *from, const char *to, bool quoted,
                             bool escaped)
{
    if (self->field_count < self->field_limit)
        self->fields[self->field_count] =
            (copy_field){{from, (size_t)(to - from)}, quoted, escaped};
    self->field_count++;
}

/* Behind the opening quote, which was taken. Gives the closing one; NULL: there is none. */
static const char *quoted_end(copy_record *self, bool *escaped)
{
    const copy_options *options = self->options;
    char quote = (char)options->quote;
    bool has_escape = options->escape != COPY_NO_QUOTE;
    *escaped = false;
    for (;;) {
        const char *mark = next_mark(self);
        if (mark == self->end)
            return NULL;
        char c = *mark;
        if (has_escape && c == (char)options->escape && mark + 1 < self->end &&
            (mark[1] == quote || mark[1] == c)) {
            *escaped = true;
            (void)next_mark(self); /* what it escapes is a mark, too */
        } else if (c == quote) {
            return mark;
        } else if (c == '\n') {
            self->next_line++;
        }
    }
}

/* What ends the unquoted field that begins at `at`. */
static inline const char *plain_end(copy_record *self)
{
    for (;;) {
        const char *mark = next_mark(self);
        if (mark == self->end || *mark == self->options->delimiter || *mark == '\n' ||
            *mark == '\r')
            return mark;
    }
}

base_status session_copy_record_next(copy_record *self)
{
    const copy_options *options = self->options;
    self->field_count = 0;
    self->line = self->next_line;
    if (self->at == self->end)
        return BASE_DONE;
    for (;;) {
        const char *from = self->at, *ended;
        if (options->quote != COPY_NO_QUOTE && from < self->end && *from == (char)options->quote) {
            bool escaped;
            (void)next_mark(self);
            const char *closed = quoted_end(self, &escaped);
            if (!closed)
                return BASE_BAD_COPY_FORMAT;
            ended = next_mark(self);
            if (ended != closed + 1)
                return BASE_BAD_COPY_FORMAT;
            add_field(self, from + 1, closed, true, escaped);
        } else {
            ended = plain_end(self);
            add_field(self, from, ended, false, false);
        }
        if (ended == self->end) {
            self->at = ended;
            return BASE_ROW;
        }
        self->at = ended + 1;
        if (*ended == options->delimiter)
            continue;
        if (*ended == '\r' && self->at < self->end && *self->at == '\n') {
            (void)next_mark(self);
            self->at++;
        } else if (*ended != '\r' && *ended != '\n') {
            return BASE_BAD_COPY_FORMAT; /* a quote or an escape behind a closing quote */
        }
        self->next_line++;
        return BASE_ROW;
    }
}

size_t session_copy_unescape(const copy_options *options, base_text text, char *to)
{
    size_t length = 0;
    for (size_t from = 0; from < text.length; from++) {
        char next = from + 1 < text.length ? text.data[from + 1] : 0;
        if (text.data[from] == (char)options->escape && from + 1 < text.length &&
            (next == (char)options->quote || next == (char)options->escape))
            from++;
        to[length++] = text.data[from];
    }
    return length;
}
