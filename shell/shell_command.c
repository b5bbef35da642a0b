/*
 * shell_command.c - dot commands: a table of names, arguments, help and functions.
 *
 * A command's name may be cut short as long as it is unambiguous by the table's order (.q,
 * .ta), as SQLite's users are used to.
 */
#include "shell.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_WORDS = 16,
    MAX_READ_DEPTH = 16,
};

typedef struct command {
    const char *name, *arguments, *help;
    int minimum, maximum; /* arguments */
    bool (*run)(shell *self, int count, char **words);
} command;

static bool complain(const char *format, const char *what)
{
    (void)fprintf(stderr, "Error: ");
    (void)fprintf(stderr, format, what);
    (void)fputc('\n', stderr);
    return false;
}

static bool parse_switch(const char *word, bool *value)
{
    if (strcmp(word, "on") == 0 || strcmp(word, "1") == 0 || strcmp(word, "yes") == 0)
        *value = true;
    else if (strcmp(word, "off") == 0 || strcmp(word, "0") == 0 || strcmp(word, "no") == 0)
        *value = false;
    else
        return complain("expected on or off, not %s", word);
    return true;
}

/* A switch without argument changes over. */
static bool change_switch(int count, char **words, bool *value)
{
    if (count == 1) {
        *value = !*value;
        return true;
    }
    return parse_switch(words[1], value);
}

static bool run_bail(shell *self, int count, char **words)
{
    return change_switch(count, words, &self->bail);
}

static bool run_changes(shell *self, int count, char **words)
{
    return change_switch(count, words, &self->changes);
}

static bool run_echo(shell *self, int count, char **words)
{
    return change_switch(count, words, &self->echo);
}

static bool run_headers(shell *self, int count, char **words)
{
    self->headers_set = true;
    return change_switch(count, words, &self->headers);
}

static bool run_timer(shell *self, int count, char **words)
{
    return change_switch(count, words, &self->timer);
}

static bool run_databases(shell *self, int count, char **words)
{
    (void)count;
    (void)words;
    (void)fprintf(self->output, "main: %s\n", self->dsn);
    return true;
}

static bool run_dump(shell *self, int count, char **words)
{
    return shell_dump(self, count > 1 ? words[1] : NULL);
}

static bool run_import(shell *self, int count, char **words)
{
    unsigned skip = 0;
    const char *names[2] = {NULL, NULL};
    int found = 0;
    char separator[sizeof self->separator];
    (void)snprintf(separator, sizeof separator, "%s", self->separator);
    bool csv = self->mode == SHELL_CSV;
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--skip") == 0 && i + 1 < count) {
            const char *number = words[++i];
            if (strcmp(number, "0") != 0 && strcmp(number, "1") != 0)
                return complain("--skip takes 0 or 1, not %s", number);
            skip = (unsigned)(*number - '0');
        } else if (strcmp(words[i], "--csv") == 0)
            csv = true;
        else if (found < 2)
            names[found++] = words[i];
    }
    if (found != 2)
        return complain("usage: %s", ".import [--csv] [--skip 1] FILE TABLE");
    size_t length = strlen(names[0]);
    if (csv || (length > 4 && strcmp(names[0] + length - 4, ".csv") == 0))
        (void)snprintf(self->separator, sizeof self->separator, ",");
    bool good = shell_import(self, names[0], names[1], skip);
    (void)snprintf(self->separator, sizeof self->separator, "%s", separator);
    return good;
}

static bool run_indexes(shell *self, int count, char **words)
{
    return shell_indexes(self, count > 1 ? words[1] : NULL);
}

static bool run_mode(shell *self, int count, char **words)
{
    if (count == 1) {
        (void)fprintf(self->output, "current output mode: %s\n", shell_mode_names[self->mode]);
        return true;
    }
    if (!shell_set_mode(self, words[1])) {
        (void)fprintf(stderr, "Error: there is no mode %s; modes are:", words[1]);
        for (int i = 0; i < SHELL_MODE_COUNT; i++)
            (void)fprintf(stderr, " %s", shell_mode_names[i]);
        (void)fputc('\n', stderr);
        return false;
    }
    (void)snprintf(self->insert_table, sizeof self->insert_table, "%s",
                   count > 2 ? words[2] : "table");
    return true;
}

static bool run_nullvalue(shell *self, int count, char **words)
{
    (void)count;
    (void)snprintf(self->null_value, sizeof self->null_value, "%s", words[1]);
    return true;
}

static bool run_open(shell *self, int count, char **words)
{
    return shell_open(self, count > 1 ? words[1] : "memory://");
}

static bool redirect(shell *self, const char *path, bool once)
{
    if (!shell_end_output(self))
        return false;
    if (!path || strcmp(path, "stdout") == 0)
        return true;
    FILE *file = fopen(path, "w");
    if (!file)
        return complain("%s cannot be written", path);
    self->output = file;
    self->output_once = once;
    return true;
}

static bool run_output(shell *self, int count, char **words)
{
    return redirect(self, count > 1 ? words[1] : NULL, false);
}

static bool run_once(shell *self, int count, char **words)
{
    (void)count;
    return redirect(self, words[1], true);
}

static bool run_print(shell *self, int count, char **words)
{
    for (int i = 1; i < count; i++)
        (void)fprintf(self->output, "%s%s", i > 1 ? " " : "", words[i]);
    (void)fputc('\n', self->output);
    return true;
}

static bool run_quit(shell *self, int count, char **words)
{
    self->quit = true;
    if (count > 1)
        self->exit_code = (int)strtol(words[1], NULL, 10);
    return true;
}

static bool run_read(shell *self, int count, char **words)
{
    (void)count;
    return shell_read_file(self, words[1]);
}

static bool run_cd(shell *self, int count, char **words)
{
    (void)self;
    (void)count;
    return chdir(words[1]) == 0 || complain("%s is no folder that can be entered", words[1]);
}

static bool run_schema(shell *self, int count, char **words)
{
    return shell_schema(self, count > 1 ? words[1] : NULL);
}

static bool run_separator(shell *self, int count, char **words)
{
    (void)count;
    const char *text = strcmp(words[1], "\\t") == 0 ? "\t" : words[1];
    (void)snprintf(self->separator, sizeof self->separator, "%s", text);
    return true;
}

static bool run_show(shell *self, int count, char **words)
{
    (void)count;
    (void)words;
    (void)fprintf(self->output,
                  "     bail: %s\n  changes: %s\n     echo: %s\n  headers: %s\n     mode: %s\n"
                  "nullvalue: \"%s\"\nseparator: \"%s\"\n    timer: %s\n filename: %s\n",
                  self->bail ? "on" : "off", self->changes ? "on" : "off",
                  self->echo ? "on" : "off", self->headers ? "on" : "off",
                  shell_mode_names[self->mode], self->null_value, self->separator,
                  self->timer ? "on" : "off", self->dsn);
    return true;
}

static bool run_tables(shell *self, int count, char **words)
{
    return shell_tables(self, count > 1 ? words[1] : NULL);
}

static bool run_version(shell *self, int count, char **words)
{
    (void)count;
    (void)words;
    (void)fprintf(self->output, "tuff %s\n", tuff_version());
    return true;
}

static bool run_help(shell *self, int count, char **words);

static const command commands[] = {
    {".bail", "[on|off]", "stop at the first error", 0, 1, run_bail},
    {".cd", "FOLDER", "files are read from and written to FOLDER", 1, 1, run_cd},
    {".changes", "[on|off]", "say how many rows a statement changed", 0, 1, run_changes},
    {".databases", "", "the open database", 0, 0, run_databases},
    {".dump", "[TABLE]", "the database as SQL; TABLE may be a LIKE pattern", 0, 1, run_dump},
    {".echo", "[on|off]", "print statements before they run", 0, 1, run_echo},
    {".exit", "[CODE]", "leave the shell", 0, 1, run_quit},
    {".fullschema", "", "all CREATE statements", 0, 0, run_schema},
    {".headers", "[on|off]", "print column names", 0, 1, run_headers},
    {".help", "[COMMAND]", "this list", 0, 1, run_help},
    {".import", "[--csv] [--skip 1] FILE TABLE", "load a delimited file; makes a missing table", 2,
     5, run_import},
    {".indexes", "[TABLE]", "names of indexes", 0, 1, run_indexes},
    {".mode", "[MODE [TABLE]]",
     "box table column list tabs csv json jsonl markdown line quote insert", 0, 2, run_mode},
    {".nullvalue", "TEXT", "what NULL prints as", 1, 1, run_nullvalue},
    {".once", "FILE", "output of the next statement goes to FILE", 1, 1, run_once},
    {".open", "[DSN]", "close the database and open another one", 0, 1, run_open},
    {".output", "[FILE]", "output goes to FILE, or back to the screen", 0, 1, run_output},
    {".print", "TEXT...", "print the text", 0, MAX_WORDS, run_print},
    {".quit", "", "leave the shell", 0, 1, run_quit},
    {".read", "FILE", "run statements and commands from FILE", 1, 1, run_read},
    {".schema", "[TABLE]", "CREATE statements; TABLE may be a LIKE pattern", 0, 1, run_schema},
    {".separator", "TEXT", "column separator of list, csv and .import", 1, 1, run_separator},
    {".show", "", "current settings", 0, 0, run_show},
    {".tables", "[TABLE]", "names of tables and views; TABLE may be a LIKE pattern", 0, 1,
     run_tables},
    {".timer", "[on|off]", "print how long statements take", 0, 1, run_timer},
    {".version", "", "version of the library", 0, 0, run_version},
};
enum {
    COMMAND_COUNT = sizeof commands / sizeof commands[0]
};

static bool run_help(shell *self, int count, char **words)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const char *name = commands[i].name;
        if (count > 1 && strcmp(name + 1, words[1] + (words[1][0] == '.')) != 0)
            continue;
        char left[64];
        (void)snprintf(left, sizeof left, "%s %s", name, commands[i].arguments);
        (void)fprintf(self->output, "%-38s %s\n", left, commands[i].help);
    }
    return true;
}

const char *shell_command_name(size_t place)
{
    return place < COMMAND_COUNT ? commands[place].name : NULL;
}

/* Words at blanks; single and double quotes keep blanks. Changes the line. */
static int split(char *line, char **words)
{
    int count = 0;
    while (count < MAX_WORDS) {
        line += strspn(line, " \t");
        if (!*line)
            break;
        char quote = *line == '\'' || *line == '"' ? *line : '\0';
        words[count++] = quote ? ++line : line;
        line += strcspn(line, quote == '\'' ? "'" : quote ? "\"" : " \t");
        if (*line)
            *line++ = '\0';
    }
    return count;
}

static const command *find_command(const char *name)
{
    size_t length = strlen(name);
    const command *prefix = NULL;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
        if (!prefix && length > 1 && strncmp(commands[i].name, name, length) == 0)
            prefix = &commands[i];
    }
    return prefix;
}

bool shell_run_command(shell *self, const char *line)
{
    char *words[MAX_WORDS];
    char *copy = strdup(line);
    if (!copy)
        return false;
    copy[strcspn(copy, "\r\n")] = '\0';
    int count = split(copy, words);
    const command *found = count ? find_command(words[0]) : NULL;
    bool good = false;
    if (!found)
        (void)complain("there is no command %s; try .help", count ? words[0] : ".");
    else if (count - 1 < found->minimum || count - 1 > found->maximum)
        (void)fprintf(stderr, "usage: %s %s\n", found->name, found->arguments);
    else
        good = found->run(self, count, words) && shell_flush_output(self);
    free(copy);
    if (!good && !self->interactive)
        self->exit_code = 1;
    return good;
}

/* ---- Files ---- */

typedef struct stream_state {
    shell_text statement;
    unsigned line, start;
    bool good;
} stream_state;

static void take_line(shell *self, stream_state *state, const char *line, const char *source)
{
    shell_text *statement = &state->statement;
    state->line++;
    if (!statement->length && line[0] == '.') {
        state->good = shell_run_command(self, line);
        return;
    }
    if (!statement->length) {
        /* A blank line between statements must not hide a command after it. */
        if (line[strspn(line, " \t\r\n")] == '\0')
            return;
        state->start = state->line;
    }
    shell_text_append_string(statement, line);
    /* Complete statements end a line with a semicolon: asking only then keeps this linear. */
    if (!strchr(line, ';') || !tuff_is_complete(statement->data, statement->length))
        return;
    state->good = shell_run_sql(self, statement->data, source, state->start);
    shell_text_clear(statement);
}

bool shell_read_stream(shell *self, FILE *file, const char *source)
{
    stream_state state = {.good = true};
    bool result = true;
    char *line = NULL;
    size_t room = 0;
    while (!self->quit && getline(&line, &room, file) >= 0) {
        take_line(self, &state, line, source);
        result = result && state.good;
        if (!state.good && self->bail)
            break;
        state.good = true;
    }
    /* The last statement needs no semicolon. */
    if (!self->quit && (result || !self->bail) && state.statement.length)
        result = shell_run_sql(self, state.statement.data, source, state.start) && result;
    free(line);
    shell_text_free(&state.statement);
    return result;
}

bool shell_read_file(shell *self, const char *path)
{
    if (self->read_depth == MAX_READ_DEPTH)
        return complain("files read each other: %s", path);
    FILE *file = fopen(path, "r");
    if (!file) {
        self->exit_code = self->interactive ? 0 : 1;
        return complain("%s cannot be read", path);
    }
    self->read_depth++;
    bool good = shell_read_stream(self, file, path);
    self->read_depth--;
    (void)fclose(file);
    return good;
}
