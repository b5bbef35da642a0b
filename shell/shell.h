/*
 * shell.h - the parts of the shell.
 *
 * shell_main.c      command line, opening, where input comes from
 * shell_input.c     lines: from a terminal with editing, history and completion, or a file
 * shell_run.c       statements: running, errors with a caret, timer, progress, Ctrl-C
 * shell_output.c    results in every output mode
 * shell_command.c   dot commands
 * shell_dump.c      .dump and .schema
 *
 * The shell sees the database through tuff.h only, as any program does.
 */
#ifndef SHELL_H
#define SHELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tuff.h"

typedef enum shell_mode {
    SHELL_BOX,
    SHELL_TABLE, /* box drawn with ASCII */
    SHELL_COLUMN,
    SHELL_LIST,
    SHELL_TABS,
    SHELL_CSV,
    SHELL_JSON,
    SHELL_JSONL,
    SHELL_MARKDOWN,
    SHELL_LINE,
    SHELL_QUOTE,
    SHELL_INSERT,
    SHELL_MODE_COUNT,
} shell_mode;
extern const char *const shell_mode_names[SHELL_MODE_COUNT];

/* Growing text; the shell ends when memory does. */
typedef struct shell_text {
    char *data; /* NUL-terminated; NULL while empty */
    size_t length, capacity;
} shell_text;
void shell_text_append(shell_text *text, const char *bytes, size_t length);
void shell_text_append_string(shell_text *text, const char *string);
void shell_text_clear(shell_text *text);
void shell_text_free(shell_text *text);

/* The bar of a statement that takes long. */
typedef struct shell_progress {
    double started, drawn;
    bool wanted, visible;
} shell_progress;

typedef struct shell {
    tuff_db *db;
    tuff_conn *conn;
    char *dsn;
    shell_mode mode;
    bool headers;
    bool headers_set; /* by the user: modes no longer choose */
    bool timer, echo, changes;
    bool bail;        /* stop at the first error */
    bool interactive; /* a person types */
    bool quit;
    int exit_code;
    char separator[16];
    char null_value[64];
    char insert_table[128];
    FILE *output;     /* stdout or a file of .output */
    bool output_once; /* back to stdout after one statement */
    unsigned read_depth;
    shell_progress progress;
} shell;

/* ---- shell_run.c ---- */
/* Runs every statement of `sql`; false when one failed. `source` and `line` name the text
 * in errors (NULL: typed). */
bool shell_run_sql(shell *self, const char *sql, const char *source, unsigned line);
/* Prints the connection's (or database's) last error. */
void shell_report_error(shell *self, const tuff_error *error, const char *sql, const char *source,
                        unsigned line);
/* False, and said, when what was printed so far could not be written: a full disk. */
bool shell_flush_output(shell *self);
/* Closes the file of .output or .once, if there is one: back to stdout. */
bool shell_end_output(shell *self);
bool shell_open(shell *self, const char *dsn);
void shell_close(shell *self);
void shell_catch_interrupts(void);
/* Whether Ctrl-C came since the last call. */
bool shell_take_interrupt(void);
/* Calls `row` for each row of a query of the shell's own; false and reported on failure. */
bool shell_query(shell *self, const char *sql, void (*row)(void *context, tuff_result *result),
                 void *context);

/* Takes the bar away: something is about to be printed. */
void shell_clear_progress(shell *self);

/* ---- shell_output.c ---- */
/* Prints all rows; TUFF_DONE, or the error that ended them. `rows` counts them. */
tuff_status shell_print_result(shell *self, tuff_result *result, uint64_t *rows);
/* A value as an SQL literal. */
void shell_print_literal(FILE *output, tuff_result *result, uint32_t column);
void shell_print_quoted(FILE *output, const char *text, char quote);

/* ---- shell_command.c ---- */
/* Runs a line that begins with a dot; false when it failed. */
bool shell_run_command(shell *self, const char *line);
const char *shell_command_name(size_t place); /* ".help", ...; NULL past the end */
/* Reads statements and commands from a file; false when one failed. */
bool shell_read_file(shell *self, const char *path);
bool shell_read_stream(shell *self, FILE *file, const char *source);
bool shell_set_mode(shell *self, const char *name);

/* ---- shell_dump.c ---- */
bool shell_dump(shell *self, const char *pattern);
bool shell_schema(shell *self, const char *pattern);
bool shell_tables(shell *self, const char *pattern);
bool shell_indexes(shell *self, const char *table);
bool shell_import(shell *self, const char *path, const char *table, unsigned skip);

/* ---- shell_input.c ---- */
/* A line from the terminal without its end, to be freed; NULL at the end of input. An
 * interrupted line comes back empty with *interrupted set. */
char *shell_read_line(shell *self, const char *prompt, bool *interrupted);
void shell_input_start(shell *self);
void shell_input_end(shell *self);
void shell_history_add(const char *statement);

#endif
