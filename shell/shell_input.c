/*
 * shell_input.c - lines from a terminal: editing, history, completion (libedit).
 *
 * Built without libedit the shell still works, with the terminal's own editing. History is
 * kept in ~/.tuff_history. Completion offers keywords, dot commands and the names of tables
 * and their columns, asked from the open database.
 */
#include "shell.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#ifdef TUFF_HAVE_EDIT
#include <histedit.h>

enum {
    HISTORY_SIZE = 2000,
    MAX_MATCHES = 200,
};

/* libedit calls back with its own handle only; the shell has one terminal. */
static shell *input_shell;
static EditLine *editor;
static History *history_list;
static const char *current_prompt = "";

static const char *const keywords[] = {
    "ALTER",      "ANALYZE", "AND",       "BEGIN",     "BETWEEN",  "CASE",      "CAST",
    "CHECKPOINT", "COLUMN",  "COMMIT",    "COPY",      "CREATE",   "CROSS",     "DEFAULT",
    "DELETE",     "DESC",    "DESCRIBE",  "DISTINCT",  "DROP",     "ELSE",      "END",
    "EXCEPT",     "EXISTS",  "EXPLAIN",   "FROM",      "FULL",     "GROUP",     "HAVING",
    "INDEX",      "INNER",   "INSERT",    "INTERSECT", "INTERVAL", "INTO",      "JOIN",
    "LEFT",       "LIKE",    "LIMIT",     "NATURAL",   "NOT",      "NULL",      "OFFSET",
    "ORDER",      "OUTER",   "OVER",      "PARTITION", "PRAGMA",   "PRIMARY",   "REFERENCES",
    "REINDEX",    "REPLACE", "RETURNING", "RIGHT",     "ROLLBACK", "SAVEPOINT", "SELECT",
    "SHOW",       "TABLE",   "THEN",      "TRUNCATE",  "UNION",    "UNIQUE",    "UPDATE",
    "USING",      "VALUES",  "VIEW",      "WHEN",      "WHERE",    "WINDOW",    "WITH",
};

static char *get_prompt(EditLine *unused)
{
    (void)unused;
    return (char *)(uintptr_t)current_prompt;
}

static void history_path(char *path, size_t size)
{
    const char *home = getenv("HOME");
    (void)snprintf(path, size, "%s/.tuff_history", home ? home : ".");
}

/* Candidates that begin with the word, without regard to case. */
typedef struct matches {
    const char *word;
    size_t length;
    char *found[MAX_MATCHES];
    size_t count;
} matches;

static bool begins_with(const char *name, const char *word, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (tolower((unsigned char)name[i]) != tolower((unsigned char)word[i]))
            return false;
    }
    return true;
}

static void offer(matches *self, const char *name)
{
    if (!name || self->count == MAX_MATCHES || !begins_with(name, self->word, self->length))
        return;
    for (size_t i = 0; i < self->count; i++) {
        if (strcmp(self->found[i], name) == 0)
            return;
    }
    char *copy = strdup(name);
    if (copy)
        self->found[self->count++] = copy;
}

/* Names from the database; a failing query (a failed transaction, say) offers nothing. */
static void offer_names(matches *self, const char *sql)
{
    tuff_result *result;
    if (!input_shell->conn || tuff_query(input_shell->conn, sql, &result) != TUFF_OK)
        return;
    while (tuff_next(result) == TUFF_ROW)
        offer(self, tuff_get_text(result, 0, NULL));
    tuff_result_close(result);
}

static void collect(matches *self)
{
    if (self->word[0] == '.') {
        for (size_t i = 0; shell_command_name(i); i++)
            offer(self, shell_command_name(i));
        return;
    }
    offer_names(self, "SELECT name FROM tuff_schema WHERE type IN ('table', 'view')");
    offer_names(self, "SELECT name FROM tuff_columns");
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++)
        offer(self, keywords[i]);
}

/* The longest beginning that all candidates share. */
static size_t shared_length(const matches *self)
{
    size_t length = strlen(self->found[0]);
    for (size_t i = 1; i < self->count; i++) {
        size_t same = 0;
        while (same < length && tolower((unsigned char)self->found[0][same]) ==
                                    tolower((unsigned char)self->found[i][same]))
            same++;
        length = same;
    }
    return length;
}

static void list_matches(const matches *self)
{
    (void)putchar('\n');
    for (size_t i = 0; i < self->count; i++)
        (void)printf("%-24s%s", self->found[i], (i + 1) % 3 == 0 ? "\n" : " ");
    if (self->count % 3)
        (void)putchar('\n');
    (void)fflush(stdout);
}

static unsigned char complete(EditLine *edit, int unused)
{
    (void)unused;
    const LineInfo *line = el_line(edit);
    const char *start = line->cursor;
    while (start > line->buffer && (isalnum((unsigned char)start[-1]) || strchr("_.", start[-1])))
        start--;
    /* In `t.col` the part behind the point is completed; a command keeps its own. */
    for (const char *at = start; at < line->cursor; at++) {
        if (*at == '.' && at > line->buffer)
            start = at + 1;
    }
    char word[128];
    size_t length = (size_t)(line->cursor - start);
    if (length == 0 || length >= sizeof word)
        return CC_ERROR;
    memcpy(word, start, length);
    word[length] = '\0';
    matches self = {.word = word, .length = length};
    collect(&self);
    unsigned char answer = CC_ERROR;
    if (self.count) {
        size_t shared = shared_length(&self);
        if (self.count == 1 || shared > length) {
            char text[256];
            (void)snprintf(text, sizeof text, "%.*s%s", (int)shared, self.found[0],
                           self.count == 1 ? " " : "");
            el_deletestr(edit, (int)length);
            if (el_insertstr(edit, text) == 0)
                answer = CC_REFRESH;
        } else {
            list_matches(&self);
            answer = CC_REDISPLAY;
        }
    }
    for (size_t i = 0; i < self.count; i++)
        free(self.found[i]);
    return answer;
}

void shell_input_start(shell *self)
{
    char path[4096];
    HistEvent event;
    input_shell = self;
    editor = el_init("tuff", stdin, stdout, stderr);
    history_list = history_init();
    if (!editor || !history_list)
        return;
    history_path(path, sizeof path);
    (void)history(history_list, &event, H_SETSIZE, HISTORY_SIZE);
    (void)history(history_list, &event, H_SETUNIQUE, 1);
    (void)history(history_list, &event, H_LOAD, path);
    (void)el_set(editor, EL_PROMPT, get_prompt);
    (void)el_set(editor, EL_EDITOR, "emacs");
    (void)el_set(editor, EL_HIST, history, history_list);
    (void)el_set(editor, EL_ADDFN, "tuff-complete", "complete names", complete);
    (void)el_set(editor, EL_BIND, "^I", "tuff-complete", NULL);
    (void)el_set(editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
    (void)el_source(editor, NULL); /* ~/.editrc */
}

void shell_input_end(shell *self)
{
    char path[4096];
    HistEvent event;
    (void)self;
    if (history_list) {
        history_path(path, sizeof path);
        (void)history(history_list, &event, H_SAVE, path);
        history_end(history_list);
    }
    if (editor)
        el_end(editor);
    editor = NULL;
    history_list = NULL;
}

void shell_history_add(const char *statement)
{
    HistEvent event;
    if (history_list)
        (void)history(history_list, &event, H_ENTER, statement);
}

static char *read_edited(const char *prompt, bool *interrupted)
{
    int length;
    current_prompt = prompt;
    const char *line = el_gets(editor, &length);
    if (shell_take_interrupt()) {
        *interrupted = true;
        (void)el_set(editor, EL_UNBUFFERED, 0);
        el_reset(editor);
        (void)putchar('\n');
        return strdup("");
    }
    if (!line || length <= 0)
        return NULL;
    char *copy = strdup(line);
    if (copy)
        copy[strcspn(copy, "\r\n")] = '\0';
    return copy;
}
#else
void shell_input_start(shell *self)
{
    (void)self;
}

void shell_input_end(shell *self)
{
    (void)self;
}

void shell_history_add(const char *statement)
{
    (void)statement;
}
#endif

/* The terminal's own editing. */
static char *read_plain(const char *prompt, bool *interrupted)
{
    char *line = NULL;
    size_t room = 0;
    (void)fputs(prompt, stdout);
    (void)fflush(stdout);
    ssize_t length = getline(&line, &room, stdin);
    if (shell_take_interrupt()) {
        *interrupted = true;
        clearerr(stdin);
        (void)putchar('\n');
        free(line);
        return strdup("");
    }
    if (length < 0) {
        free(line);
        return NULL;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

char *shell_read_line(shell *self, const char *prompt, bool *interrupted)
{
    (void)self;
    *interrupted = false;
#ifdef TUFF_HAVE_EDIT
    if (editor)
        return read_edited(prompt, interrupted);
#endif
    return read_plain(prompt, interrupted);
}
