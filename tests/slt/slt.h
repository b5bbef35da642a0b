/*
 * slt.h - the parts of the sqllogictest runner: reading files, running records, MD5.
 *
 * The runner sees the database through tuff.h only, as any program does.
 */
#ifndef TESTS_SLT_H
#define TESTS_SLT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tuff.h"

/* ---- Files (slt_file.c) ---- */

/* A file's lines, unpacked if it is gzip'd; each NUL-terminated without its line end. */
typedef struct slt_file {
    const char *path;
    char *text;
    char **lines;
    size_t line_count;
} slt_file;

bool slt_file_read(const char *path, slt_file *file); /* false: said why on stderr */
void slt_file_free(slt_file *file);

typedef enum slt_kind {
    SLT_STATEMENT_OK,
    SLT_STATEMENT_ERROR,
    SLT_QUERY,
    SLT_HALT,
    SLT_HASH_THRESHOLD,
    SLT_RESTART, /* close the database and open it again */
} slt_kind;

typedef enum slt_sort {
    SLT_SORT_NONE,
    SLT_SORT_ROWS,
    SLT_SORT_VALUES,
} slt_sort;

/* One record; texts point into the file or into `sql_buffer`. */
typedef struct slt_record {
    slt_kind kind;
    size_t line;       /* from 1 */
    bool skipped;      /* by onlyif or skipif */
    char *sql;         /* owned by the reader until the next record */
    const char *types; /* query */
    slt_sort sort;
    const char *label;    /* query; NULL: none */
    const char *sqlstate; /* statement error; NULL: any */
    char **expected;      /* lines after ---- */
    size_t expected_count;
    bool has_expected; /* a ---- was there */
    size_t threshold;
} slt_record;

typedef struct slt_reader {
    const slt_file *file;
    size_t next; /* line, from 0 */
    char *sql_buffer;
    size_t sql_capacity;
    char word_buffer[512];
} slt_reader;

/* The next record; false at the end. A line that is no record is reported by `error`. */
bool slt_read_record(slt_reader *reader, const char *engine, slt_record *record,
                     const char **error);

/* ---- Running (slt_run.c) ---- */

typedef struct slt_options {
    const char *engine;     /* name for onlyif and skipif */
    const char *database;   /* DSN, or NULL for memory://; a plain path is removed first */
    const char *setup;      /* SQL that runs after each opening, or NULL */
    uint64_t restart_every; /* statements; 0: never */
    bool verbose;
    size_t failures_shown; /* per file */
} slt_options;

typedef struct slt_counts {
    uint64_t passed, failed, skipped;
} slt_counts;

void slt_run_file(const char *path, const slt_options *options, slt_counts *counts);

/* ---- MD5 (slt_md5.c) ---- */

typedef struct slt_md5 {
    uint32_t state[4];
    uint64_t length;
    unsigned char block[64];
} slt_md5;

void slt_md5_start(slt_md5 *md5);
void slt_md5_add(slt_md5 *md5, const void *bytes, size_t length);
void slt_md5_finish(slt_md5 *md5, char hex[33]);

#endif
