/*
 * shell_run.c - running statements: errors with a caret, timer, progress bar, Ctrl-C.
 *
 * Ctrl-C interrupts the statement that is running and nothing else; at the prompt it drops
 * the line. The signal handler only raises a flag and calls tuff_interrupt, which is a
 * store to an atomic.
 */
#include "shell.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A signal handler has no argument to find the shell by. */
static tuff_conn *volatile running_connection;
static volatile sig_atomic_t interrupt_seen;

static void on_interrupt(int number)
{
    (void)number;
    interrupt_seen = 1;
    tuff_conn *conn = running_connection;
    if (conn)
        tuff_interrupt(conn);
}

void shell_catch_interrupts(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
}

bool shell_take_interrupt(void)
{
    bool seen = interrupt_seen;
    interrupt_seen = 0;
    return seen;
}

/* ---- Text ---- */

void shell_text_append(shell_text *text, const char *bytes, size_t length)
{
    if (text->length + length + 1 > text->capacity) {
        text->capacity = (text->length + length + 1) * 2;
        text->data = realloc(text->data, text->capacity);
        if (!text->data) {
            (void)fputs("tuff: out of memory\n", stderr);
            exit(2);
        }
    }
    memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void shell_text_append_string(shell_text *text, const char *string)
{
    shell_text_append(text, string, strlen(string));
}

void shell_text_clear(shell_text *text)
{
    text->length = 0;
    if (text->data)
        text->data[0] = '\0';
}

void shell_text_free(shell_text *text)
{
    free(text->data);
    *text = (shell_text){0};
}

/* ---- Progress ---- */

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Draws a bar on the terminal once a statement has taken a second. */
static int draw_progress(void *context, double fraction, uint64_t rows)
{
    shell *self = context;
    shell_progress *state = &self->progress;
    double now = seconds_now();
    if (!state->wanted || now - state->started < 1 || now - state->drawn < 0.1)
        return 0;
    enum {
        WIDTH = 40,
        FEWEST_ROWS = 1000, /* below it a fraction says little: one row may be all the work */
    };
    char bar[WIDTH * 3 + 1] = "";
    int filled = fraction < 0 ? 0 : (int)(fraction * WIDTH);
    for (int i = 0; i < WIDTH; i++)
        memcpy(bar + (size_t)i * 3, i < filled ? "█" : "░", 4);
    if (fraction >= 0 && rows >= FEWEST_ROWS)
        (void)fprintf(stderr, "\r%s %3.0f%%  %llu rows  ", bar, fraction * 100,
                      (unsigned long long)rows);
    else
        (void)fprintf(stderr, "\rworking, %.0f s  ", now - state->started);
    state->drawn = now;
    state->visible = true;
    return 0;
}

static void start_progress(shell *self)
{
    self->progress = (shell_progress){.started = seconds_now(), .wanted = isatty(STDERR_FILENO)};
    tuff_set_progress(self->conn, self->progress.wanted ? draw_progress : NULL, self);
}

void shell_clear_progress(shell *self)
{
    if (self->progress.visible)
        (void)fputs("\r\033[K", stderr);
    self->progress.visible = false;
    if (isatty(fileno(self->output))) /* rows follow, a bar among them would be in the way */
        self->progress.wanted = false;
}

/* ---- Errors ---- */

/* The line of `sql` that the position is in, and a caret under it. */
static void print_caret(const tuff_error *error, const char *sql)
{
    size_t length = strlen(sql);
    if (error->position < 0 || (size_t)error->position > length)
        return;
    const char *at = sql + error->position, *start = at, *end = at;
    while (start > sql && start[-1] != '\n')
        start--;
    end += strcspn(end, "\n");
    /* A very long line is shown around the place only. */
    enum {
        BEFORE = 60,
        AFTER = 40
    };
    if (at - start > BEFORE) {
        start = at - BEFORE;
        while (start < at && ((unsigned char)*start & 0xC0) == 0x80)
            start++;
    }
    if (end - at > AFTER) {
        end = at + AFTER;
        while (end > at && ((unsigned char)*end & 0xC0) == 0x80)
            end--;
    }
    (void)fprintf(stderr, "  %.*s\n  ", (int)(end - start), start);
    for (const char *c = start; c < at; c++) {
        if (*c == '\t')
            (void)fputc('\t', stderr);
        else if (((unsigned char)*c & 0xC0) != 0x80)
            (void)fputc(' ', stderr);
    }
    (void)fputs("^\n", stderr);
}

void shell_report_error(shell *self, const tuff_error *error, const char *sql, const char *source,
                        unsigned line)
{
    (void)fflush(self->output);
    if (source)
        (void)fprintf(stderr, "%s:%u: ", source,
                      line + (error->line > 0 ? (unsigned)error->line - 1 : 0));
    (void)fprintf(stderr, "Error %s: %s\n", error->sqlstate, error->message);
    if (sql)
        print_caret(error, sql);
    if (error->detail[0])
        (void)fprintf(stderr, "Detail: %s\n", error->detail);
    if (error->hint[0])
        (void)fprintf(stderr, "Hint: %s\n", error->hint);
}

/* ---- Opening ---- */

bool shell_open(shell *self, const char *dsn)
{
    tuff_db *db = NULL;
    tuff_conn *conn = NULL;
    tuff_status status = tuff_open(dsn, &db);
    if (status == TUFF_OK)
        status = tuff_connect(db, &conn);
    if (status != TUFF_OK) {
        if (db)
            shell_report_error(self, tuff_db_error(db), NULL, NULL, 0);
        else
            (void)fprintf(stderr, "Error: %s\n", tuff_status_meaning(status));
        (void)tuff_close(db);
        return false;
    }
    shell_close(self);
    self->db = db;
    self->conn = conn;
    self->dsn = strdup(dsn);
    return self->dsn != NULL;
}

void shell_close(shell *self)
{
    tuff_disconnect(self->conn);
    if (self->db) {
        tuff_status status = tuff_close(self->db);
        if (status != TUFF_OK) {
            (void)fprintf(stderr, "Error: closing: %s\n", tuff_status_meaning(status));
            self->exit_code = 1;
        }
    }
    free(self->dsn);
    self->conn = NULL;
    self->db = NULL;
    self->dsn = NULL;
}

/* ---- Statements ---- */

static int64_t copy_from_stdin(void *context, void *buffer, size_t size)
{
    (void)context;
    size_t got = fread(buffer, 1, size, stdin);
    return got == 0 && ferror(stdin) ? -1 : (int64_t)got;
}

static int copy_to_output(void *context, const void *bytes, size_t length)
{
    shell *self = context;
    return fwrite(bytes, 1, length, self->output) == length ? 0 : 1;
}

static void print_changes(shell *self, tuff_result *result, tuff_stmt *stmt)
{
    if (self->changes && tuff_stmt_is_write(stmt))
        (void)fprintf(self->output, "changes: %lld\n", (long long)tuff_rows_affected(result));
}

static bool run_statement(shell *self, tuff_stmt *stmt)
{
    tuff_result *result;
    uint64_t rows = 0;
    start_progress(self);
    tuff_set_copy(self->conn, copy_from_stdin, copy_to_output, self);
    running_connection = self->conn;
    tuff_status status = tuff_execute(stmt, &result);
    if (status == TUFF_OK && tuff_column_count(result))
        status = shell_print_result(self, result, &rows);
    shell_clear_progress(self);
    running_connection = NULL;
    tuff_set_progress(self->conn, NULL, NULL);
    if (status == TUFF_OK || status == TUFF_DONE) {
        print_changes(self, result, stmt);
        if (self->timer)
            (void)fprintf(self->output, "Run time: %.6f s\n",
                          seconds_now() - self->progress.started);
    }
    return status == TUFF_OK || status == TUFF_DONE;
}

static bool output_failed(shell *self)
{
    (void)fputs("Error: the output cannot be written\n", stderr);
    self->exit_code = self->interactive ? 0 : 1;
    return false;
}

bool shell_flush_output(shell *self)
{
    if (fflush(self->output) == 0 && !ferror(self->output))
        return true;
    clearerr(self->output);
    return output_failed(self);
}

bool shell_end_output(shell *self)
{
    FILE *file = self->output;
    self->output = stdout;
    self->output_once = false;
    return file == stdout || fclose(file) == 0 || output_failed(self);
}

static unsigned count_lines(const char *from, const char *to)
{
    unsigned lines = 0;
    for (; from < to; from++)
        lines += *from == '\n';
    return lines;
}

bool shell_run_sql(shell *self, const char *sql, const char *source, unsigned line)
{
    const char *rest = sql, *end = sql + strlen(sql);
    bool good = true;
    if (self->echo) {
        size_t length = strlen(sql);
        while (length && sql[length - 1] == '\n')
            length--;
        (void)fprintf(self->output, "%.*s\n", (int)length, sql);
    }
    if (self->interactive) /* a Ctrl-C at the prompt was for the line */
        (void)shell_take_interrupt();
    while (good && *rest) {
        if (shell_take_interrupt()) { /* between two statements: there is nothing to undo */
            (void)fputs("Interrupted\n", stderr);
            good = false;
            break;
        }
        const char *start = rest;
        tuff_stmt *stmt = NULL;
        tuff_status status = tuff_prepare(self->conn, start, end - start, &stmt, &rest);
        if (status == TUFF_OK && !stmt)
            break;
        good = status == TUFF_OK && run_statement(self, stmt);
        if (!good)
            shell_report_error(self, tuff_conn_error(self->conn), start, source,
                               line + count_lines(sql, start));
        tuff_finalize(stmt);
        good = shell_flush_output(self) && good;
        if (self->output_once)
            good = shell_end_output(self) && good;
    }
    if (!good)
        self->exit_code = self->interactive ? 0 : 1;
    return good;
}

bool shell_query(shell *self, const char *sql, void (*row)(void *context, tuff_result *result),
                 void *context)
{
    tuff_result *result;
    running_connection = self->conn;
    tuff_status status = tuff_query(self->conn, sql, &result);
    while (status == TUFF_OK || status == TUFF_ROW) {
        status = tuff_next(result);
        if (status == TUFF_ROW)
            row(context, result);
    }
    running_connection = NULL;
    if (status != TUFF_DONE)
        shell_report_error(self, tuff_conn_error(self->conn), NULL, NULL, 0);
    tuff_result_close(result);
    return status == TUFF_DONE;
}
