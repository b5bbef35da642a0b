/*
 * shell_main.c - the command line, and the loop that a person types into.
 *
 * Input comes from -c and -f in their order, else from the terminal, else from the pipe.
 * What is not typed by a person stops at the first error with exit code 1.
 */
#include "shell.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int usage(FILE *to)
{
    (void)fputs("usage: tuff [DSN] [OPTION]...\n"
                "\n"
                "DSN is a file, file://PATH?key=value&..., or memory:// (the default).\n"
                "\n"
                "  -c SQL       run SQL (or a dot command) and exit; may be repeated\n"
                "  -f FILE      run the file and exit; may be repeated\n"
                "  --box --table --column --list --tabs --csv --json --jsonl --markdown\n"
                "  --line --quote --insert\n"
                "               output mode: box on a terminal, else list\n"
                "  --readonly   open the file for reading only\n"
                "  --version    print the version\n"
                "  --help       this text\n"
                "\n"
                "Without -c and -f, SQL is read from the terminal, or from standard input.\n",
                to);
    return to == stderr ? 2 : 0;
}

/* What -c and -f give, in order. */
typedef struct task {
    bool is_file;
    const char *text;
} task;

typedef struct command_line {
    const char *dsn;
    bool read_only;
    task *tasks;
    size_t task_count;
} command_line;

/* True when the option was one of the shell's modes. */
static bool mode_option(shell *self, const char *option)
{
    return strncmp(option, "--", 2) == 0 && shell_set_mode(self, option + 2);
}

/* -1: go on; otherwise the exit code. */
static int parse_arguments(shell *self, int count, char **arguments, command_line *line)
{
    for (int i = 1; i < count; i++) {
        const char *argument = arguments[i];
        if (strcmp(argument, "-c") == 0 || strcmp(argument, "-f") == 0) {
            if (i + 1 == count) {
                (void)fprintf(stderr, "tuff: %s needs an argument\n", argument);
                return usage(stderr);
            }
            line->tasks[line->task_count++] = (task){argument[1] == 'f', arguments[++i]};
        } else if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
            return usage(stdout);
        } else if (strcmp(argument, "--version") == 0) {
            (void)printf("tuff %s\n", tuff_version());
            return 0;
        } else if (strcmp(argument, "--readonly") == 0) {
            line->read_only = true;
        } else if (argument[0] == '-' && argument[1] != '\0') {
            if (!mode_option(self, argument)) {
                (void)fprintf(stderr, "tuff: there is no option %s\n", argument);
                return usage(stderr);
            }
        } else if (line->dsn) {
            (void)fprintf(stderr, "tuff: one database at a time: %s\n", argument);
            return usage(stderr);
        } else {
            line->dsn = argument;
        }
    }
    return -1;
}

/* What a person types who wants to leave, or help, without knowing about the dot. */
static bool is_bare_command(const char *line)
{
    return strcmp(line, "quit") == 0 || strcmp(line, "exit") == 0 || strcmp(line, "help") == 0;
}

static void run_interactive(shell *self)
{
    shell_text statement = {0};
    (void)printf("Tuff %s - %s\n"
                 "Type SQL ended by a semicolon, or .help\n",
                 tuff_version(), self->dsn);
    shell_input_start(self);
    while (!self->quit) {
        bool interrupted;
        (void)shell_take_interrupt(); /* it was for the statement before, and is done with */
        char *line = shell_read_line(self, statement.length ? "  ...> " : "tuff> ", &interrupted);
        if (!line)
            break;
        if (interrupted) {
            shell_text_clear(&statement);
        } else if (!statement.length && (line[0] == '.' || is_bare_command(line))) {
            char command[8];
            shell_history_add(line);
            (void)snprintf(command, sizeof command, ".%.4s", line);
            (void)shell_run_command(self, line[0] == '.' ? line : command);
        } else {
            if (statement.length)
                shell_text_append(&statement, "\n", 1);
            shell_text_append_string(&statement, line);
            if (tuff_is_complete(statement.data ? statement.data : "", statement.length)) {
                shell_history_add(statement.data);
                (void)shell_run_sql(self, statement.data, NULL, 0);
                shell_text_clear(&statement);
            } else if (statement.length == strspn(statement.data, " \t\n")) {
                shell_text_clear(&statement);
            }
        }
        free(line);
    }
    shell_input_end(self);
    if (!self->quit)
        (void)putchar('\n');
    shell_text_free(&statement);
}

static bool run_tasks(shell *self, const command_line *line)
{
    for (size_t i = 0; i < line->task_count && !self->quit; i++) {
        const task *next = &line->tasks[i];
        bool good = next->is_file          ? shell_read_file(self, next->text)
                    : next->text[0] == '.' ? shell_run_command(self, next->text)
                                           : shell_run_sql(self, next->text, NULL, 0);
        if (!good)
            return false;
    }
    return true;
}

static char *dsn_of(const command_line *line)
{
    const char *dsn = line->dsn ? line->dsn : "memory://";
    shell_text text = {0};
    if (!line->read_only) {
        shell_text_append_string(&text, dsn);
        return text.data;
    }
    if (strstr(dsn, "://")) {
        shell_text_append_string(&text, dsn);
        shell_text_append_string(&text, strchr(dsn, '?') ? "&mode=ro" : "?mode=ro");
        return text.data;
    }
    /* A plain path is taken as it is; in a URL some of its characters would mean something. */
    shell_text_append_string(&text, "file://");
    for (const char *at = dsn; *at; at++) {
        char escape[4];
        (void)snprintf(escape, sizeof escape, "%%%02X", (unsigned char)*at);
        shell_text_append(&text, strchr("%?&=#", *at) ? escape : at, strchr("%?&=#", *at) ? 3 : 1);
    }
    shell_text_append_string(&text, "?mode=ro");
    return text.data;
}

int main(int count, char **arguments)
{
    /* Text is UTF-8 whatever the locale says: widths must be counted so. */
    if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    shell self = {.mode = SHELL_LIST, .output = stdout, .separator = "|"};
    command_line line = {.tasks = calloc((size_t)count, sizeof(task))};
    if (!line.tasks)
        return 2;
    if (isatty(STDOUT_FILENO))
        (void)shell_set_mode(&self, "box");
    int code = parse_arguments(&self, count, arguments, &line);
    if (code >= 0) {
        free(line.tasks);
        return code;
    }
    self.interactive = !line.task_count && isatty(STDIN_FILENO);
    self.bail = !self.interactive;
    shell_catch_interrupts();
    char *dsn = dsn_of(&line);
    bool good = dsn && shell_open(&self, dsn);
    if (good && line.task_count)
        good = run_tasks(&self, &line);
    else if (good && self.interactive)
        run_interactive(&self);
    else if (good)
        good = shell_read_stream(&self, stdin, "stdin");
    shell_close(&self);
    good = shell_end_output(&self) && good;
    good = shell_flush_output(&self) && good;
    free(dsn);
    free(line.tasks);
    return self.exit_code ? self.exit_code : good ? 0 : 1;
}
