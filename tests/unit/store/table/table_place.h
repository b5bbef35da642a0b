/*
 * table_place.h - a folder of their own for tests with files: a database, the copy that a crash
 * would leave of it, and both with their logs.
 *
 * The place is the test program's (`here`); make_place and remove_place are cmocka's set-up and
 * tear-down.
 */
#ifndef TESTS_TABLE_PLACE_H
#define TESTS_TABLE_PLACE_H

#include <stdlib.h>
#include <unistd.h>

#include "unit/unit.h"

typedef struct place {
    char folder[64];
    char path[96], log[112];
    char copy[96], copy_log[112];
} place;

static place here;

static inline int make_place(void **state)
{
    (void)state;
    (void)snprintf(here.folder, sizeof here.folder, "/tmp/tuff-table-XXXXXX");
    assert_non_null(mkdtemp(here.folder));
    (void)snprintf(here.path, sizeof here.path, "%s/a.tuff", here.folder);
    (void)snprintf(here.log, sizeof here.log, "%s-wal", here.path);
    (void)snprintf(here.copy, sizeof here.copy, "%s/b.tuff", here.folder);
    (void)snprintf(here.copy_log, sizeof here.copy_log, "%s-wal", here.copy);
    return 0;
}

static inline int remove_place(void **state)
{
    (void)state;
    (void)unlink(here.path);
    (void)unlink(here.log);
    (void)unlink(here.copy);
    (void)unlink(here.copy_log);
    return rmdir(here.folder); /* a file that was left behind fails the test */
}

/* Copies the bytes as they are now; without `from` there is no `to` either. */
static inline void copy_file(const char *from, const char *to)
{
    FILE *in = fopen(from, "rb");
    (void)unlink(to);
    if (!in)
        return;
    FILE *out = fopen(to, "wb");
    assert_non_null(out);
    char buffer[16384];
    size_t length;
    while ((length = fread(buffer, 1, sizeof buffer, in)) > 0)
        assert_int_equal(fwrite(buffer, 1, length, out), length);
    (void)fclose(in);
    assert_int_equal(fclose(out), 0);
}

/* The files as a crash would leave them now. */
static inline void crash_copy(void)
{
    copy_file(here.path, here.copy);
    copy_file(here.log, here.copy_log);
}

/* Bytes of a file, -1 when there is none. */
static inline int64_t file_size(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return -1;
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    int64_t size = ftell(file);
    (void)fclose(file);
    return size;
}

#endif
