/*
 * fuzz_copy.c - any bytes as CSV, in pieces of any size, under any options.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "tuff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct input {
    const uint8_t *data;
    size_t left, step;
} input;

static int64_t give(void *context, void *buffer, size_t size)
{
    input *self = context;
    size_t count = self->left < self->step ? self->left : self->step;
    count = count < size ? count : size;
    memcpy(buffer, self->data, count);
    self->data += count;
    self->left -= count;
    return (int64_t)count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const statements[] = {
        "COPY t FROM STDIN",
        "COPY t FROM STDIN (HEADER, DELIMITER ';', QUOTE '''', NULL 'NA')",
        "COPY t FROM STDIN (DELIMITER '|', QUOTE '')",
        "COPY t (b) FROM STDIN (ESCAPE '\\')",
    };
    tuff_db *db;
    tuff_conn *conn;
    if (size < 2)
        return 0;
    input in = {data + 2, size - 2, (size_t)data[1] + 1};
    if (tuff_open("memory://", &db) != TUFF_OK || tuff_connect(db, &conn) != TUFF_OK ||
        tuff_exec(conn, "CREATE TABLE t (a INTEGER, b TEXT, c DATE, d DECIMAL(9,3), e BLOB)",
                  NULL) != TUFF_OK)
        abort();
    tuff_set_copy(conn, give, NULL, &in);
    tuff_status status = tuff_exec(conn, statements[data[0] % 4], NULL);
    if (status == TUFF_INTERNAL || status == TUFF_CORRUPT)
        abort();
    tuff_disconnect(conn);
    if (tuff_close(db) != TUFF_OK)
        abort();
    return 0;
}
