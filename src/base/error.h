/*
 * error.h - what went wrong, in the words that a user reads.
 *
 * The object is of fixed size, so that it can be filled when memory is exhausted, and
 * lives in the handle that a call was made on: no thread-locals. The first error is
 * kept; what fails while cleaning up after it does not overwrite it.
 * Texts too long for their field are cut at a character border and end in "...".
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/platform.h"
#include "base/status.h"

enum {
    BASE_ERROR_MESSAGE_SIZE = 512,
    BASE_ERROR_DETAIL_SIZE = 512,
    BASE_ERROR_HINT_SIZE = 256,
    BASE_ERROR_NAME_SIZE = 128,
};

typedef struct base_error {
    base_status status;
    char sqlstate[6];
    int32_t position; /* byte offset into the statement's text, -1 if unknown */
    char message[BASE_ERROR_MESSAGE_SIZE];
    char detail[BASE_ERROR_DETAIL_SIZE];
    char hint[BASE_ERROR_HINT_SIZE];
    char table[BASE_ERROR_NAME_SIZE];
    char column[BASE_ERROR_NAME_SIZE];
    char constraint[BASE_ERROR_NAME_SIZE];
} base_error;

void base_error_clear(base_error *error);

/* Records status and message unless an error is already recorded; returns `status`.
 * `error` may be NULL where the caller wants the status only. */
base_status base_error_set(base_error *error, base_status status, const char *format, ...)
    BASE_PRINTF(3, 4);
/* The same with the position in the statement's text. */
base_status base_error_set_at(base_error *error, base_status status, int32_t position,
                              const char *format, ...) BASE_PRINTF(4, 5);
base_status base_error_no_memory(base_error *error);
/* Gives an error that is recorded already its position, unless it has one; returns `status`. */
base_status base_error_place(base_error *error, base_status status, int32_t position);

/* Additions to the error just set; each ignores a NULL error. */
void base_error_set_detail(base_error *error, const char *format, ...) BASE_PRINTF(2, 3);
void base_error_set_hint(base_error *error, const char *format, ...) BASE_PRINTF(2, 3);
void base_error_set_names(base_error *error, const char *table, const char *column,
                          const char *constraint);

#endif
