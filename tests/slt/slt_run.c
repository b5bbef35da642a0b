/*
 * slt_run.c - runs the records of a file against a database and compares the answers.
 *
 * Values become text as the corpus wants it: I as a whole number, R with three decimals, T
 * as it is with unprintable bytes as @ and empty text as (empty), NULL as NULL. Results of
 * more values than the threshold are compared by MD5 over their lines.
 */
#include "slt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Values of one result, row after row. */
typedef struct value_list {
    char **values;
    size_t count, capacity;
} value_list;

/* Results by label: queries of one label must agree. */
typedef struct label_hash {
    char *label;
    char hash[33];
} label_hash;

typedef struct run {
    const slt_options *options;
    const slt_file *file;
    slt_counts counts;
    tuff_db *db;
    tuff_conn *conn;
    size_t threshold;
    uint64_t statements;
    label_hash *labels;
    size_t label_count, label_capacity;
} run;

static void *checked(void *memory)
{
    if (!memory) {
        (void)fprintf(stderr, "out of memory\n");
        exit(2);
    }
    return memory;
}

static void add_value(value_list *list, const char *text)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 64;
        list->values = checked(realloc(list->values, list->capacity * sizeof *list->values));
    }
    list->values[list->count++] = checked(strdup(text));
}

static void free_values(value_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->values[i]);
    free(list->values);
    *list = (value_list){0};
}

static void report(run *self, const slt_record *record, const char *format, const char *a,
                   const char *b)
{
    self->counts.failed++;
    if (self->counts.failed > self->options->failures_shown)
        return;
    printf("%s:%zu: ", self->file->path, record->line);
    printf(format, a, b); /* formats are literals of this file */
    printf("\n    %.600s\n", record->sql ? record->sql : "");
}

static void report_error(run *self, const slt_record *record)
{
    const tuff_error *error = tuff_conn_error(self->conn);
    char text[900];
    (void)snprintf(text, sizeof text, "%s%s%s%s%s", error->message, error->detail[0] ? "; " : "",
                   error->detail, error->hint[0] ? "; hint: " : "", error->hint);
    report(self, record, "error %s: %s", error->sqlstate, text);
}

/* ---- Opening ---- */

static bool open_database(run *self)
{
    const char *dsn = self->options->database ? self->options->database : "memory://";
    tuff_status status = tuff_open(dsn, &self->db);
    if (status == TUFF_OK)
        status = tuff_connect(self->db, &self->conn);
    if (status != TUFF_OK) {
        printf("%s: cannot open %s: %s\n", self->file->path, dsn,
               self->db ? tuff_db_error(self->db)->message : "out of memory");
        return false;
    }
    if (self->options->setup && tuff_exec(self->conn, self->options->setup, NULL) != TUFF_OK) {
        printf("%s: setup failed: %s\n", self->file->path, tuff_conn_error(self->conn)->message);
        return false;
    }
    return true;
}

static bool close_database(run *self)
{
    tuff_disconnect(self->conn);
    tuff_status status = tuff_close(self->db);
    self->conn = NULL;
    self->db = NULL;
    if (status != TUFF_OK)
        printf("%s: close failed: %s\n", self->file->path, tuff_status_meaning(status));
    return status == TUFF_OK;
}

static bool restart(run *self)
{
    return close_database(self) && open_database(self);
}

static void remove_database(const char *dsn)
{
    if (!dsn || strstr(dsn, "://"))
        return;
    char log[4096];
    (void)snprintf(log, sizeof log, "%s-wal", dsn);
    (void)unlink(dsn);
    (void)unlink(log);
}

/* ---- Answers ---- */

static void format_value(tuff_result *result, uint32_t column, char type, value_list *list)
{
    char buffer[64];
    if (tuff_is_null(result, column)) {
        add_value(list, "NULL");
    } else if (type == 'I') {
        (void)snprintf(buffer, sizeof buffer, "%lld", (long long)tuff_get_int64(result, column));
        add_value(list, buffer);
    } else if (type == 'R') {
        char real[512];
        (void)snprintf(real, sizeof real, "%.3f", tuff_get_double(result, column));
        add_value(list, real);
    } else {
        size_t length;
        const char *text = tuff_get_text(result, column, &length);
        if (!text || !length) {
            add_value(list, "(empty)");
            return;
        }
        add_value(list, text);
        for (char *at = list->values[list->count - 1]; *at; at++) {
            if ((unsigned char)*at < ' ' || (unsigned char)*at > '~')
                *at = '@';
        }
    }
}

static tuff_status fetch(run *self, const slt_record *record, value_list *list, uint32_t *columns)
{
    tuff_result *result;
    tuff_status status = tuff_query(self->conn, record->sql, &result);
    if (status != TUFF_OK)
        return status;
    *columns = tuff_column_count(result);
    size_t types = strlen(record->types);
    while ((status = tuff_next(result)) == TUFF_ROW) {
        for (uint32_t i = 0; i < *columns; i++)
            format_value(result, i, i < types ? record->types[i] : 'T', list);
    }
    tuff_result_close(result);
    return status == TUFF_DONE ? TUFF_OK : status;
}

static int compare_values(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static uint32_t sort_width; /* qsort passes no context; the runner has one thread */

static int compare_rows(const void *a, const void *b)
{
    char *const *x = a, *const *y = b;
    for (uint32_t i = 0; i < sort_width; i++) {
        int order = strcmp(x[i], y[i]);
        if (order)
            return order;
    }
    return 0;
}

static void sort_values(value_list *list, slt_sort sort, uint32_t columns)
{
    if (!list->count)
        return;
    if (sort == SLT_SORT_VALUES)
        qsort(list->values, list->count, sizeof *list->values, compare_values);
    sort_width = columns;
    if (sort == SLT_SORT_ROWS && columns)
        qsort(list->values, list->count / columns, columns * sizeof *list->values, compare_rows);
}

static void hash_values(const value_list *list, char hex[33])
{
    slt_md5 md5;
    slt_md5_start(&md5);
    for (size_t i = 0; i < list->count; i++) {
        slt_md5_add(&md5, list->values[i], strlen(list->values[i]));
        slt_md5_add(&md5, "\n", 1);
    }
    slt_md5_finish(&md5, hex);
}

static bool label_agrees(run *self, const char *label, const char *hash)
{
    for (size_t i = 0; i < self->label_count; i++) {
        if (strcmp(self->labels[i].label, label) == 0)
            return strcmp(self->labels[i].hash, hash) == 0;
    }
    if (self->label_count == self->label_capacity) {
        self->label_capacity = self->label_capacity ? self->label_capacity * 2 : 64;
        self->labels = checked(realloc(self->labels, self->label_capacity * sizeof *self->labels));
    }
    label_hash *added = &self->labels[self->label_count++];
    added->label = checked(strdup(label));
    (void)snprintf(added->hash, sizeof added->hash, "%s", hash);
    return true;
}

static bool compare_hashed(run *self, const slt_record *record, const value_list *list,
                           const char *hash)
{
    char actual[128];
    (void)snprintf(actual, sizeof actual, "%zu values hashing to %s", list->count, hash);
    if (strcmp(actual, record->expected[0]) == 0)
        return true;
    report(self, record, "expected %s, got %s", record->expected[0], actual);
    return false;
}

static bool compare_listed(run *self, const slt_record *record, const value_list *list)
{
    char what[128];
    if (record->expected_count != list->count) {
        (void)snprintf(what, sizeof what, "%zu values, got %zu", record->expected_count,
                       list->count);
        report(self, record, "expected %s%s", what, "");
        return false;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->values[i], record->expected[i]) != 0) {
            report(self, record, "expected \"%.200s\", got \"%.200s\"", record->expected[i],
                   list->values[i]);
            return false;
        }
    }
    return true;
}

static bool is_hash_line(const slt_record *record)
{
    return record->expected_count == 1 && strstr(record->expected[0], " values hashing to ");
}

static void run_query(run *self, const slt_record *record)
{
    value_list list = {0};
    uint32_t columns = 0;
    char hash[33];
    if (fetch(self, record, &list, &columns) != TUFF_OK) {
        report_error(self, record);
        free_values(&list);
        return;
    }
    sort_values(&list, record->sort, columns);
    hash_values(&list, hash);
    bool good = true;
    if (columns != strlen(record->types) && list.count) {
        char got[16];
        (void)snprintf(got, sizeof got, "%u", columns);
        report(self, record, "expected columns %s, got %s of them", record->types, got);
        good = false;
    } else if (is_hash_line(record)) {
        good = compare_hashed(self, record, &list, hash);
    } else if (record->has_expected) {
        good = compare_listed(self, record, &list);
    }
    if (good && record->label && !label_agrees(self, record->label, hash)) {
        report(self, record, "differs from an earlier result of label %s%s", record->label, "");
        good = false;
    }
    self->counts.passed += good;
    free_values(&list);
}

static void run_statement(run *self, const slt_record *record)
{
    tuff_status status = tuff_exec(self->conn, record->sql, NULL);
    if (record->kind == SLT_STATEMENT_OK) {
        if (status == TUFF_OK)
            self->counts.passed++;
        else
            report_error(self, record);
        return;
    }
    const char *sqlstate = tuff_conn_error(self->conn)->sqlstate;
    if (status == TUFF_OK)
        report(self, record, "expected an error%s%s", "", "");
    else if (record->sqlstate && strcmp(record->sqlstate, sqlstate) != 0)
        report(self, record, "expected error %s, got %s", record->sqlstate, sqlstate);
    else
        self->counts.passed++;
}

/* False: the file cannot go on. */
static bool run_record(run *self, const slt_record *record)
{
    if (record->skipped) {
        self->counts.skipped += record->kind <= SLT_QUERY;
        return true;
    }
    switch (record->kind) {
    case SLT_HASH_THRESHOLD:
        self->threshold = record->threshold;
        return true;
    case SLT_RESTART:
        return restart(self);
    case SLT_QUERY:
        run_query(self, record);
        break;
    default:
        run_statement(self, record);
    }
    self->statements++;
    if (self->options->restart_every && self->statements % self->options->restart_every == 0 &&
        !tuff_in_transaction(self->conn))
        return restart(self);
    return true;
}

void slt_run_file(const char *path, const slt_options *options, slt_counts *counts)
{
    slt_file file;
    run self = {.options = options, .file = &file};
    if (!slt_file_read(path, &file)) {
        counts->failed++;
        return;
    }
    remove_database(options->database);
    slt_reader reader = {.file = &file};
    slt_record record;
    const char *error;
    bool open = open_database(&self);
    if (!open)
        self.counts.failed++;
    while (open && slt_read_record(&reader, options->engine, &record, &error)) {
        if (error) {
            report(&self, &record, "%s%s", error, "");
            continue;
        }
        if (!run_record(&self, &record)) {
            self.counts.failed++;
            open = false;
        }
    }
    if (self.conn && !close_database(&self))
        self.counts.failed++;
    if (self.counts.failed > options->failures_shown)
        printf("%s: and %llu further failures\n", path,
               (unsigned long long)(self.counts.failed - options->failures_shown));
    if (options->verbose)
        printf("%s: %llu passed, %llu failed, %llu skipped\n", path,
               (unsigned long long)self.counts.passed, (unsigned long long)self.counts.failed,
               (unsigned long long)self.counts.skipped);
    counts->passed += self.counts.passed;
    counts->failed += self.counts.failed;
    counts->skipped += self.counts.skipped;
    for (size_t i = 0; i < self.label_count; i++)
        free(self.labels[i].label);
    free(self.labels);
    free(reader.sql_buffer);
    slt_file_free(&file);
}
