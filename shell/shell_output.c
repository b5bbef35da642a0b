/*
 * shell_output.c - results as boxes, columns, lists, CSV, JSON, Markdown, lines, literals.
 *
 * Modes that align columns look at the rows of a block before they print it, so memory is
 * bounded and a long result still begins at once; widths only grow from block to block.
 */
#define _XOPEN_SOURCE 700
#include "shell.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum {
    BLOCK_ROWS = 4096,
    WIDEST = 1000,
};

const char *const shell_mode_names[SHELL_MODE_COUNT] = {
    "box",  "table", "column",   "list", "tabs",  "csv",
    "json", "jsonl", "markdown", "line", "quote", "insert",
};

/* Columns that the text takes on a terminal. */
static int display_width(const char *text)
{
    int width = 0;
    mbstate_t state = {0};
    while (*text) {
        wchar_t character;
        size_t used = mbrtowc(&character, text, MB_CUR_MAX, &state);
        if (used == (size_t)-1 || used == (size_t)-2) {
            memset(&state, 0, sizeof state);
            used = 1;
            width++;
        } else {
            int columns = wcwidth(character);
            width += columns > 0 ? columns : 0;
        }
        text += used;
    }
    return width;
}

static bool is_numeric(tuff_type type)
{
    return type >= TUFF_TYPE_TINYINT && type <= TUFF_TYPE_DECIMAL;
}

/* ---- Aligned modes ---- */

typedef struct block {
    shell *self;
    tuff_result *result;
    uint32_t columns;
    int *widths;
    char **cells; /* row after row */
    size_t rows, room;
    bool started;
} block;

static char *checked_copy(const char *text)
{
    char *copy = strdup(text);
    if (!copy) {
        (void)fputs("tuff: out of memory\n", stderr);
        exit(2);
    }
    return copy;
}

/* Line ends and tabs would break the frame. */
static char *cell_text(block *self, uint32_t column)
{
    const char *text = tuff_is_null(self->result, column)
                           ? self->self->null_value
                           : tuff_get_text(self->result, column, NULL);
    char *copy = checked_copy(text ? text : "");
    for (char *at = copy; *at; at++) {
        if ((unsigned char)*at < ' ')
            *at = ' ';
    }
    return copy;
}

static void grow_width(block *self, uint32_t column, const char *text)
{
    int width = display_width(text);
    if (width > WIDEST)
        width = WIDEST;
    if (width > self->widths[column])
        self->widths[column] = width;
}

static void print_padded(block *self, uint32_t column, const char *text, bool right)
{
    FILE *output = self->self->output;
    int padding = self->widths[column] - display_width(text);
    (void)fprintf(output, "%*s%s%*s", right && padding > 0 ? padding : 0, "", text,
                  !right && padding > 0 ? padding : 0, "");
}

/* Pieces of a frame. */
typedef struct frame {
    const char *bar, *before, *between, *after; /* of rows */
    const char *line, *top[3], *middle[3], *bottom[3];
} frame;

static const frame box_frame = {
    "│", "│ ", " │ ", " │", "─", {"┌─", "─┬─", "─┐"}, {"├─", "─┼─", "─┤"}, {"└─", "─┴─", "─┘"}};
static const frame ascii_frame = {
    "|", "| ", " | ", " |", "-", {"+-", "-+-", "-+"}, {"+-", "-+-", "-+"}, {"+-", "-+-", "-+"}};
static const frame markdown_frame = {
    "|", "| ", " | ", " |", "-", {NULL, NULL, NULL}, {"|-", "-|-", "-|"}, {NULL, NULL, NULL}};
static const frame column_frame = {
    "", "", "  ", "", "-", {NULL, NULL, NULL}, {"", "  ", ""}, {NULL, NULL, NULL}};

static const frame *frame_of(shell_mode mode)
{
    switch (mode) {
    case SHELL_BOX:
        return &box_frame;
    case SHELL_TABLE:
        return &ascii_frame;
    case SHELL_MARKDOWN:
        return &markdown_frame;
    default:
        return &column_frame;
    }
}

static void print_rule(block *self, const frame *drawn, const char *const pieces[3])
{
    FILE *output = self->self->output;
    if (!pieces[0])
        return;
    (void)fputs(pieces[0], output);
    for (uint32_t i = 0; i < self->columns; i++) {
        if (i)
            (void)fputs(pieces[1], output);
        for (int j = 0; j < self->widths[i]; j++)
            (void)fputs(drawn->line, output);
    }
    (void)fprintf(output, "%s\n", pieces[2]);
}

static void print_cells(block *self, const frame *drawn, char *const *cells, bool is_header)
{
    FILE *output = self->self->output;
    (void)fputs(drawn->before, output);
    for (uint32_t i = 0; i < self->columns; i++) {
        if (i)
            (void)fputs(drawn->between, output);
        print_padded(self, i, cells[i],
                     !is_header && is_numeric(tuff_column_type(self->result, i)));
    }
    (void)fprintf(output, "%s\n", drawn->after);
}

static void print_header(block *self, const frame *drawn)
{
    if (!self->self->headers && self->self->mode != SHELL_MARKDOWN) {
        print_rule(self, drawn, drawn->top);
        return;
    }
    char **names = calloc(self->columns ? self->columns : 1, sizeof *names);
    if (!names)
        return;
    for (uint32_t i = 0; i < self->columns; i++)
        names[i] = checked_copy(tuff_column_name(self->result, i));
    print_rule(self, drawn, drawn->top);
    print_cells(self, drawn, names, true);
    print_rule(self, drawn, drawn->middle);
    for (uint32_t i = 0; i < self->columns; i++)
        free(names[i]);
    free(names);
}

static void flush_block(block *self)
{
    const frame *drawn = frame_of(self->self->mode);
    if (!self->started) {
        shell_clear_progress(self->self);
        print_header(self, drawn);
    }
    self->started = true;
    for (size_t row = 0; row < self->rows; row++) {
        char **cells = self->cells + row * self->columns;
        print_cells(self, drawn, cells, false);
        for (uint32_t i = 0; i < self->columns; i++)
            free(cells[i]);
    }
    self->rows = 0;
}

static tuff_status print_aligned(shell *self, tuff_result *result, uint64_t *rows)
{
    block state = {.self = self, .result = result, .columns = tuff_column_count(result)};
    state.widths = calloc(state.columns, sizeof *state.widths);
    state.cells = calloc((size_t)state.columns * BLOCK_ROWS, sizeof *state.cells);
    tuff_status status = TUFF_OUT_OF_MEMORY;
    if (state.widths && state.cells) {
        for (uint32_t i = 0; i < state.columns && self->headers; i++)
            grow_width(&state, i, tuff_column_name(result, i));
        while ((status = tuff_next(result)) == TUFF_ROW) {
            for (uint32_t i = 0; i < state.columns; i++) {
                char *text = cell_text(&state, i);
                grow_width(&state, i, text);
                state.cells[state.rows * state.columns + i] = text;
            }
            ++*rows;
            if (++state.rows == BLOCK_ROWS)
                flush_block(&state);
        }
        bool nothing = *rows == 0 && status != TUFF_DONE;
        if (!nothing) {
            flush_block(&state);
            print_rule(&state, frame_of(self->mode), frame_of(self->mode)->bottom);
        }
    }
    free(state.widths);
    free(state.cells);
    return status;
}

/* ---- Streaming modes ---- */

void shell_print_quoted(FILE *output, const char *text, char quote)
{
    (void)fputc(quote, output);
    for (; *text; text++) {
        if (*text == quote)
            (void)fputc(quote, output);
        (void)fputc(*text, output);
    }
    (void)fputc(quote, output);
}

static void print_csv_cell(shell *self, const char *text)
{
    bool plain = *text && !strpbrk(text, "\"\r\n") && !strstr(text, self->separator);
    if (plain)
        (void)fputs(text, self->output);
    else
        shell_print_quoted(self->output, text, '"');
}

static void print_json_string(FILE *output, const char *text, size_t length)
{
    (void)fputc('"', output);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            (void)fprintf(output, "\\%c", c);
        else if (c == '\n')
            (void)fputs("\\n", output);
        else if (c == '\t')
            (void)fputs("\\t", output);
        else if (c < ' ')
            (void)fprintf(output, "\\u%04x", c);
        else
            (void)fputc(c, output);
    }
    (void)fputc('"', output);
}

static void print_json_value(shell *self, tuff_result *result, uint32_t column)
{
    tuff_type type = tuff_column_type(result, column);
    size_t length;
    const char *text = tuff_get_text(result, column, &length);
    if (tuff_is_null(result, column) || !text)
        (void)fputs("null", self->output);
    else if (type == TUFF_TYPE_BOOLEAN ||
             (is_numeric(type) && strspn(text, "0123456789+-.eE") == length))
        (void)fputs(text, self->output); /* NaN and Infinity are no JSON numbers */
    else
        print_json_string(self->output, text, length);
}

void shell_print_literal(FILE *output, tuff_result *result, uint32_t column)
{
    tuff_type type = tuff_column_type(result, column);
    const char *text = tuff_get_text(result, column, NULL);
    if (tuff_is_null(result, column) || !text) {
        (void)fputs("NULL", output);
    } else if (type == TUFF_TYPE_BLOB) {
        size_t length;
        const unsigned char *bytes = tuff_get_blob(result, column, &length);
        (void)fputs("x'", output);
        for (size_t i = 0; i < length; i++)
            (void)fprintf(output, "%02x", bytes[i]);
        (void)fputc('\'', output);
    } else if (type == TUFF_TYPE_BOOLEAN ||
               (is_numeric(type) && strspn(text, "0123456789+-.eE") == strlen(text))) {
        (void)fputs(text, output);
    } else {
        shell_print_quoted(output, text, '\'');
    }
}

static const char *plain_text(shell *self, tuff_result *result, uint32_t column)
{
    if (tuff_is_null(result, column))
        return self->null_value;
    const char *text = tuff_get_text(result, column, NULL);
    return text ? text : "";
}

static void print_json_row(shell *self, tuff_result *result, uint64_t row)
{
    uint32_t columns = tuff_column_count(result);
    FILE *output = self->output;
    if (self->mode == SHELL_JSON)
        (void)fputs(row ? ",\n" : "[", output);
    (void)fputc('{', output);
    for (uint32_t i = 0; i < columns; i++) {
        const char *name = tuff_column_name(result, i);
        if (i)
            (void)fputc(',', output);
        print_json_string(output, name, strlen(name));
        (void)fputc(':', output);
        print_json_value(self, result, i);
    }
    (void)fputc('}', output);
    if (self->mode == SHELL_JSONL)
        (void)fputc('\n', output);
}

static void print_line_row(shell *self, tuff_result *result, uint64_t row)
{
    uint32_t columns = tuff_column_count(result);
    int width = 0;
    for (uint32_t i = 0; i < columns; i++) {
        int name = display_width(tuff_column_name(result, i));
        width = name > width ? name : width;
    }
    if (row)
        (void)fputc('\n', self->output);
    for (uint32_t i = 0; i < columns; i++) {
        const char *name = tuff_column_name(result, i);
        (void)fprintf(self->output, "%*s%s = %s\n", width - display_width(name), "", name,
                      plain_text(self, result, i));
    }
}

static void print_row(shell *self, tuff_result *result)
{
    uint32_t columns = tuff_column_count(result);
    FILE *output = self->output;
    if (self->mode == SHELL_INSERT)
        (void)fprintf(output, "INSERT INTO %s VALUES (", self->insert_table);
    for (uint32_t i = 0; i < columns; i++) {
        if (i)
            (void)fputs(self->mode == SHELL_QUOTE || self->mode == SHELL_INSERT ? ", "
                        : self->mode == SHELL_TABS                              ? "\t"
                                                                                : self->separator,
                        output);
        if (self->mode == SHELL_QUOTE || self->mode == SHELL_INSERT)
            shell_print_literal(output, result, i);
        else if (self->mode == SHELL_CSV && tuff_is_null(result, i))
            (void)fputs(self->null_value, output); /* unquoted: not the empty text */
        else if (self->mode == SHELL_CSV)
            print_csv_cell(self, plain_text(self, result, i));
        else
            (void)fputs(plain_text(self, result, i), output);
    }
    (void)fputs(self->mode == SHELL_INSERT ? ");\n" : "\n", output);
}

static void print_names(shell *self, tuff_result *result)
{
    bool rows_only = self->mode == SHELL_INSERT || self->mode == SHELL_QUOTE;
    if (!self->headers || rows_only)
        return;
    for (uint32_t i = 0; i < tuff_column_count(result); i++) {
        if (i)
            (void)fputs(self->mode == SHELL_TABS ? "\t" : self->separator, self->output);
        if (self->mode == SHELL_CSV)
            print_csv_cell(self, tuff_column_name(result, i));
        else
            (void)fputs(tuff_column_name(result, i), self->output);
    }
    (void)fputc('\n', self->output);
}

static tuff_status print_streaming(shell *self, tuff_result *result, uint64_t *rows)
{
    bool json = self->mode == SHELL_JSON || self->mode == SHELL_JSONL;
    tuff_status status = tuff_next(result);
    shell_clear_progress(self);
    if (!json && self->mode != SHELL_LINE && (status == TUFF_ROW || status == TUFF_DONE))
        print_names(self, result);
    for (; status == TUFF_ROW; status = tuff_next(result)) {
        if (json)
            print_json_row(self, result, *rows);
        else if (self->mode == SHELL_LINE)
            print_line_row(self, result, *rows);
        else
            print_row(self, result);
        ++*rows;
    }
    if (self->mode == SHELL_JSON && status == TUFF_DONE)
        (void)fputs(*rows ? "]\n" : "[]\n", self->output);
    return status;
}

tuff_status shell_print_result(shell *self, tuff_result *result, uint64_t *rows)
{
    *rows = 0;
    switch (self->mode) {
    case SHELL_BOX:
    case SHELL_TABLE:
    case SHELL_COLUMN:
    case SHELL_MARKDOWN:
        return print_aligned(self, result, rows);
    default:
        return print_streaming(self, result, rows);
    }
}

bool shell_set_mode(shell *self, const char *name)
{
    for (int i = 0; i < SHELL_MODE_COUNT; i++) {
        if (strcmp(shell_mode_names[i], name) != 0)
            continue;
        self->mode = (shell_mode)i;
        /* As in SQLite: lists have no header unless asked, everything else has. */
        if (!self->headers_set)
            self->headers = i != SHELL_LIST;
        (void)snprintf(self->separator, sizeof self->separator, "%s", i == SHELL_CSV ? "," : "|");
        return true;
    }
    return false;
}
