/*
 * session_copy_int.h - CSV: options, where bytes come from and go to, reading.
 *
 *   copy_stream   bytes from or to a file or the program
 *   copy_reader   a buffer of them, cut into slices of whole records
 *   copy_record   cuts a slice into records and fields
 *   copy_column   turns fields into values of a column
 *   copy_format   turns rows into lines
 */
#ifndef SESSION_SESSION_COPY_INT_H
#define SESSION_SESSION_COPY_INT_H

#include "session/session_define_int.h"

enum {
    COPY_NO_QUOTE = -1,      /* as quote and escape: nothing is quoted, every byte counts */
    COPY_SLICE = 1 << 20,    /* bytes that one task parses, about */
    COPY_MAX_SLICES = 32,    /* parsed at once */
    COPY_PADDING = 64,       /* bytes behind a buffer's end that may be looked at */
    COPY_MAX_COLUMNS = 2000, /* fields of a record that are kept */
};

typedef enum copy_header {
    COPY_HEADER_NONE,
    COPY_HEADER_SKIP,  /* the first line is passed over; written by COPY TO */
    COPY_HEADER_MATCH, /* and it has to name the columns */
} copy_header;

typedef struct copy_options {
    char delimiter;
    int quote, escape;
    copy_header header;
    base_text null_text;
} copy_options;

/* Bytes from or to a file, or the program's callback. */
typedef struct copy_stream {
    session_connection *connection;
    os_file *file; /* NULL: the callback */
    uint64_t offset;
    uint64_t size; /* of a file that is read; 0: unknown */
    bool created;  /* the file was not there before */
} copy_stream;

base_status session_copy_stream_open(copy_stream *stream, session_run *run, bool reading);
void session_copy_stream_close(copy_stream *stream);
/* Closes what could not be written whole: a file that was made goes, another one is left empty. */
void session_copy_stream_discard(copy_stream *stream);
/* Up to `size` bytes; 0 at the end. */
base_status session_copy_stream_read(copy_stream *stream, void *buffer, size_t size, size_t *count,
                                     base_error *error);
base_status session_copy_stream_write(copy_stream *stream, const void *bytes, size_t length,
                                      base_error *error);

/* ---- Slices ---------------------------------------------------------------------------- */

typedef struct copy_reader {
    copy_stream *stream;
    const copy_options *options;
    base_budget *budget;
    size_t slice_size; /* a slice has at least half of it, if there is so much */
    size_t wanted;     /* bytes that are read ahead, if there are so many */
    char *buffer;
    size_t capacity, start, end; /* unread bytes: buffer[start .. end) */
    bool at_end;                 /* the stream has no more */
    bool begun;
} copy_reader;

/* `slices` are read ahead at a time, each of about `slice_size` bytes. */
void session_copy_reader_init(copy_reader *reader, copy_stream *stream, const copy_options *options,
                              base_budget *budget, size_t slice_size, uint32_t slices);
void session_copy_reader_destroy(copy_reader *reader);
/* Takes the next whole records out of the stream, cut into at most `limit` slices of about
 * equal size; `*count` 0 at the end. They stay until the next call. `line` is that of the first
 * record, for messages. */
base_status session_copy_reader_next(copy_reader *reader, uint32_t limit, uint64_t line,
                                     base_text *slices, uint32_t *count, base_error *error);
/* The first record alone; empty at the end. */
base_status session_copy_reader_first(copy_reader *reader, base_text *record, base_error *error);

/* ---- Records --------------------------------------------------------------------------- */

/* One field of a record, as it stands in the slice. */
typedef struct copy_field {
    base_text text; /* without its quotes */
    bool quoted;
    bool escaped; /* session_copy_unescape has something to do */
} copy_field;

typedef struct copy_record {
    const copy_options *options;
    char escape_mark; /* the byte to look for beside the others */
    const char *at, *end;
    const char *block; /* 64 bytes whose marks are in `marks`, from the next one on */
    uint64_t marks;
    uint64_t line, next_line; /* of this record and the next, from 1 */
    uint32_t field_count;     /* all of them, kept or not */
    uint32_t field_limit;
    copy_field *fields;
} copy_record;

void session_copy_record_start(copy_record *record, const copy_options *options, base_text slice,
                               copy_field *fields, uint32_t field_limit);
/* BASE_ROW with the next record's fields, BASE_DONE, or BASE_BAD_COPY_FORMAT: a quoted field
 * does not end properly. Sets no error text. */
base_status session_copy_record_next(copy_record *record);
/* The bytes that the field's escapes stand for, at most its length; returns how many. */
size_t session_copy_unescape(const copy_options *options, base_text text, char *to);

/* ---- Values ---------------------------------------------------------------------------- */

typedef struct copy_column {
    base_text name;
    types_type type;
    /* Parses the usual spelling of a value into the vector; false: types_parse has to decide. */
    bool (*put)(const struct copy_column *self, base_text text, vector *to, uint32_t row);
    int64_t limit; /* DECIMAL: 10^precision */
} copy_column;

void session_copy_column_init(copy_column *column, base_text name, types_type type);
/* The field at `row` of the vector; COPY_PADDING bytes behind it can be read. Strings point into
 * the slice or into `heap`. `ascii`: the slice has no other bytes. */
base_status session_copy_put(const copy_column *column, const copy_options *options,
                             const copy_field *field, bool ascii, vector *to, uint32_t row,
                             base_arena *heap, base_error *error);

/* ---- Lines ----------------------------------------------------------------------------- */

typedef struct copy_format {
    const copy_options *options;
    bool special[256]; /* bytes that ask for quotes */
} copy_format;

void session_copy_format_init(copy_format *format, const copy_options *options);
base_status session_copy_format_text(const copy_format *format, base_text text, base_buffer *out,
                                     base_error *error);
/* Appends a line for each row from `*next` on, until the buffer has `enough` bytes. */
base_status session_copy_format_rows(const copy_format *format, const vector_chunk *rows,
                                     uint32_t *next, size_t enough, base_buffer *out,
                                     base_buffer *scratch, base_error *error);

/* Threads that a COPY may use: of the runtime, or what the user has set. */
uint32_t session_copy_lanes(const session_connection *connection);
base_status session_copy_from(session_run *run, const copy_options *options);
base_status session_copy_to(session_run *run, const copy_options *options);

#endif
