/*
 * shell_dump.c - what the schema holds: .tables, .schema, .indexes, .dump, .import.
 */
#include "shell.h"

#include <stdlib.h>
#include <string.h>

/* Appends `text` as an SQL string or identifier. */
static void append_quoted(shell_text *to, const char *text, char quote)
{
    shell_text_append(to, &quote, 1);
    for (; *text; text++) {
        if (*text == quote)
            shell_text_append(to, &quote, 1);
        shell_text_append(to, text, 1);
    }
    shell_text_append(to, &quote, 1);
}

static void append_pattern(shell_text *sql, const char *column, const char *pattern)
{
    if (!pattern)
        return;
    shell_text_append_string(sql, " AND lower(");
    shell_text_append_string(sql, column);
    shell_text_append_string(sql, ") LIKE lower(");
    append_quoted(sql, pattern, '\'');
    shell_text_append_string(sql, ")");
}

static void print_name(void *context, tuff_result *result)
{
    shell *self = context;
    (void)fprintf(self->output, "%s\n", tuff_get_text(result, 0, NULL));
}

static void print_statement(void *context, tuff_result *result)
{
    shell *self = context;
    const char *sql = tuff_get_text(result, 0, NULL);
    if (sql && *sql)
        (void)fprintf(self->output, "%s;\n", sql);
}

bool shell_tables(shell *self, const char *pattern)
{
    shell_text sql = {0};
    shell_text_append_string(&sql, "SELECT name FROM tuff_schema WHERE type IN ('table', 'view')");
    append_pattern(&sql, "name", pattern);
    shell_text_append_string(&sql, " ORDER BY name");
    bool good = shell_query(self, sql.data, print_name, self);
    shell_text_free(&sql);
    return good;
}

bool shell_indexes(shell *self, const char *table)
{
    shell_text sql = {0};
    shell_text_append_string(&sql, "SELECT name FROM tuff_schema WHERE type = 'index'");
    append_pattern(&sql, "tbl_name", table);
    shell_text_append_string(&sql, " ORDER BY name");
    bool good = shell_query(self, sql.data, print_name, self);
    shell_text_free(&sql);
    return good;
}

/* Tables before their indexes before views. */
static void append_order(shell_text *sql)
{
    shell_text_append_string(sql, " ORDER BY CASE type WHEN 'table' THEN 1 WHEN 'index' THEN 2 "
                                  "ELSE 3 END, name");
}

bool shell_schema(shell *self, const char *pattern)
{
    shell_text sql = {0};
    shell_text_append_string(&sql, "SELECT sql FROM tuff_schema WHERE sql IS NOT NULL");
    append_pattern(&sql, "tbl_name", pattern);
    append_order(&sql);
    bool good = shell_query(self, sql.data, print_statement, self);
    shell_text_free(&sql);
    return good;
}

/* ---- .dump ---- */

typedef struct name_list {
    char **names;
    size_t count;
} name_list;

static void add_name(void *context, tuff_result *result)
{
    name_list *list = context;
    char **grown = realloc(list->names, (list->count + 1) * sizeof *grown);
    char *copy = strdup(tuff_get_text(result, 0, NULL));
    if (!grown || !copy) {
        (void)fputs("tuff: out of memory\n", stderr);
        exit(2);
    }
    list->names = grown;
    list->names[list->count++] = copy;
}

typedef struct dump_state {
    shell *self;
    const char *table;
} dump_state;

static void print_insert(void *context, tuff_result *result)
{
    dump_state *state = context;
    FILE *output = state->self->output;
    (void)fputs("INSERT INTO ", output);
    shell_print_quoted(output, state->table, '"');
    (void)fputs(" VALUES (", output);
    for (uint32_t i = 0; i < tuff_column_count(result); i++) {
        if (i)
            (void)fputs(", ", output);
        shell_print_literal(output, result, i);
    }
    (void)fputs(");\n", output);
}

static bool dump_rows(shell *self, const char *table)
{
    dump_state state = {self, table};
    shell_text sql = {0};
    shell_text_append_string(&sql, "SELECT * FROM ");
    append_quoted(&sql, table, '"');
    bool good = shell_query(self, sql.data, print_insert, &state);
    shell_text_free(&sql);
    return good;
}

/* In the order of their creation: a view comes behind the views that it reads. What is temporary
 * is not the database's. */
static bool dump_kind(shell *self, const char *type, const char *pattern)
{
    shell_text sql = {0};
    shell_text_append_string(&sql, "SELECT s.sql FROM tuff_schema s JOIN tuff_tables t "
                                   "ON t.name = s.tbl_name WHERE s.sql IS NOT NULL AND "
                                   "NOT t.temporary AND s.type = ");
    append_quoted(&sql, type, '\'');
    append_pattern(&sql, "s.tbl_name", pattern);
    shell_text_append_string(&sql, " ORDER BY t.creation_order, s.name");
    bool good = shell_query(self, sql.data, print_statement, self);
    shell_text_free(&sql);
    return good;
}

bool shell_dump(shell *self, const char *pattern)
{
    name_list tables = {0};
    shell_text sql = {0};
    shell_text_append_string(&sql, "SELECT name FROM tuff_schema WHERE type = 'table'");
    append_pattern(&sql, "name", pattern);
    shell_text_append_string(&sql, " ORDER BY name");
    /* One snapshot for everything, unless the caller has one already. */
    bool own = !tuff_in_transaction(self->conn);
    bool good = !own || tuff_begin(self->conn, TUFF_SNAPSHOT, true) == TUFF_OK;
    (void)fputs("BEGIN;\n", self->output);
    good = good && shell_query(self, sql.data, add_name, &tables);
    good = good && dump_kind(self, "table", pattern);
    for (size_t i = 0; i < tables.count; i++) {
        good = good && dump_rows(self, tables.names[i]);
        free(tables.names[i]);
    }
    good = good && dump_kind(self, "index", pattern) && dump_kind(self, "view", pattern);
    (void)fputs(good ? "COMMIT;\n" : "ROLLBACK; -- the dump is incomplete\n", self->output);
    if (own && tuff_in_transaction(self->conn))
        (void)tuff_rollback(self->conn);
    free(tables.names);
    shell_text_free(&sql);
    return good;
}

/* ---- .import ---- */

static void count_row(void *context, tuff_result *result)
{
    (void)result;
    ++*(size_t *)context;
}

static bool table_exists(shell *self, const char *table, bool *exists)
{
    size_t found = 0;
    shell_text sql = {0};
    shell_text_append_string(&sql, "SELECT 1 FROM tuff_schema WHERE lower(name) = lower(");
    append_quoted(&sql, table, '\'');
    shell_text_append_string(&sql, ")");
    bool good = shell_query(self, sql.data, count_row, &found);
    shell_text_free(&sql);
    *exists = found > 0;
    return good;
}

/* The next field of a CSV line into `field`, quotes undone; returns what is behind its separator,
 * NULL behind the last one. */
static const char *take_field(const char *at, const char *separator, shell_text *field)
{
    size_t width = strlen(separator);
    bool quoted = *at == '"';
    shell_text_clear(field);
    shell_text_append(field, "", 0);
    for (at += quoted; *at; at++) {
        if (quoted && *at == '"') {
            if (at[1] != '"') {
                quoted = false;
                continue;
            }
            at++;
        } else if (!quoted && strncmp(at, separator, width) == 0) {
            return at + width;
        }
        shell_text_append(field, at, 1);
    }
    return NULL;
}

/* The first line of a file without its end and without a byte order mark. */
static char *first_line(const char *path)
{
    char *line = NULL;
    size_t room = 0;
    FILE *file = fopen(path, "r");
    ssize_t length = file ? getline(&line, &room, file) : -1;
    if (file)
        (void)fclose(file);
    if (length < 0) {
        (void)fprintf(stderr, "Error: %s cannot be read\n", path);
        free(line);
        return NULL;
    }
    line[strcspn(line, "\r\n")] = '\0';
    if (strncmp(line, "\xEF\xBB\xBF", 3) == 0)
        memmove(line, line + 3, strlen(line + 3) + 1);
    return line;
}

/* Columns named by the file's first line, all TEXT. */
static bool create_from_header(shell *self, const char *path, const char *table)
{
    char *line = first_line(path);
    if (!line)
        return false;
    shell_text sql = {0}, name = {0};
    shell_text_append_string(&sql, "CREATE TABLE ");
    append_quoted(&sql, table, '"');
    const char *before = " (";
    for (const char *at = line; at; before = ", ") {
        at = take_field(at, self->separator, &name);
        shell_text_append_string(&sql, before);
        append_quoted(&sql, name.data, '"');
        shell_text_append_string(&sql, " TEXT");
    }
    shell_text_append_string(&sql, ")");
    bool good = shell_run_sql(self, sql.data, NULL, 0);
    shell_text_free(&sql);
    shell_text_free(&name);
    free(line);
    return good;
}

bool shell_import(shell *self, const char *path, const char *table, unsigned skip)
{
    bool exists;
    if (!table_exists(self, table, &exists))
        return false;
    if (!exists) {
        if (!create_from_header(self, path, table))
            return false;
        skip = 1;
    }
    shell_text sql = {0};
    shell_text_append_string(&sql, "COPY ");
    append_quoted(&sql, table, '"');
    shell_text_append_string(&sql, " FROM ");
    append_quoted(&sql, path, '\'');
    shell_text_append_string(&sql, " (FORMAT csv, DELIMITER ");
    append_quoted(&sql, self->separator, '\'');
    shell_text_append_string(&sql, skip ? ", HEADER true)" : ", HEADER false)");
    bool good = shell_run_sql(self, sql.data, NULL, 0);
    shell_text_free(&sql);
    return good;
}
