/*
 * session_copy_int.h - CSV: options, where bytes come from and go to, the reader.
 */
#ifndef SESSION_SESSION_COPY_INT_H
#define SESSION_SESSION_COPY_INT_H

#include "session/session_define_int.h"

enum {
    COPY_NO_QUOTE = -1 /* as quote and escape: nothing is quoted, every byte counts */
};

typedef struct copy_options {
    char delimiter;
    int quote, escape;
    bool header;
    base_text null_text;
} copy_options;

/* Bytes from or to a file, or the program's callback. */
typedef struct copy_stream {
    session_connection *connection;
    os_file *file; /* NULL: the callback */
    uint64_t offset;
    uint64_t size; /* of a file that is read; 0: unknown */
} copy_stream;

base_status session_copy_stream_open(copy_stream *stream, session_run *run, bool reading);
void session_copy_stream_close(copy_stream *stream);
/* Up to `size` bytes; 0 at the end. */
base_status session_copy_stream_read(copy_stream *stream, void *buffer, size_t size, size_t *count,
                                     base_error *error);
base_status session_copy_stream_write(copy_stream *stream, const void *bytes, size_t length,
                                      base_error *error);

/* One field of a record. `text` lies in the reader's buffer until the next record. */
typedef struct copy_field {
    base_text text;
    bool quoted;
} copy_field;

typedef struct copy_reader {
    copy_stream *stream;
    const copy_options *options;
    base_budget *budget;
    char *buffer;
    size_t capacity, start, end; /* unread bytes: buffer[start .. end) */
    bool at_end;                 /* the stream has no more */
    uint64_t line;               /* of the record read last, from 1 */
    uint64_t next_line;
    copy_field *fields;
    uint32_t field_count, field_capacity;
} copy_reader;

void session_copy_reader_init(copy_reader *reader, copy_stream *stream, const copy_options *options,
                              base_budget *budget);
void session_copy_reader_destroy(copy_reader *reader);
/* BASE_ROW with the fields of the next record, BASE_DONE, or an error. */
base_status session_copy_reader_next(copy_reader *reader, base_error *error);

base_status session_copy_from(session_run *run, const copy_options *options);
base_status session_copy_to(session_run *run, const copy_options *options);

#endif
