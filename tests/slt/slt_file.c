/*
 * slt_file.c - reads a sqllogictest file, plain or gzip'd, and cuts it into records.
 *
 * The format is SQLite's: `statement ok|error`, `query TYPES [SORT] [LABEL]`, the SQL up to
 * an empty line or `----`, then the expected values. Beyond it, for our own files:
 * `statement error SQLSTATE`, and `restart`.
 */
#include "slt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static char *read_all(const char *path, size_t *length)
{
    gzFile file = gzopen(path, "rb"); /* reads plain files as they are */
    if (!file)
        return NULL;
    size_t capacity = 1 << 20, used = 0;
    char *text = malloc(capacity);
    for (int got = 1; text && got > 0; used += got > 0 ? (size_t)got : 0) {
        if (capacity - used < 65537) {
            capacity *= 2;
            char *grown = realloc(text, capacity);
            if (!grown) {
                free(text);
                text = NULL;
                break;
            }
            text = grown;
        }
        got = gzread(file, text + used, 65536);
        if (got < 0) {
            free(text);
            text = NULL;
        }
    }
    gzclose(file);
    if (text)
        text[used] = '\0';
    *length = used;
    return text;
}

bool slt_file_read(const char *path, slt_file *file)
{
    size_t length;
    *file = (slt_file){.path = path, .text = read_all(path, &length)};
    if (!file->text) {
        (void)fprintf(stderr, "%s: cannot be read\n", path);
        return false;
    }
    size_t count = 1;
    for (size_t i = 0; i < length; i++)
        count += file->text[i] == '\n';
    file->lines = calloc(count, sizeof *file->lines);
    if (!file->lines) {
        (void)fprintf(stderr, "%s: out of memory\n", path);
        free(file->text);
        return false;
    }
    char *line = file->text;
    while (line && *line) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        size_t used = strlen(line);
        if (used && line[used - 1] == '\r')
            line[used - 1] = '\0';
        file->lines[file->line_count++] = line;
        line = end ? end + 1 : NULL;
    }
    return true;
}

void slt_file_free(slt_file *file)
{
    free(file->text);
    free(file->lines);
}

static bool is_blank(const char *line)
{
    return line[strspn(line, " \t")] == '\0';
}

/* Cuts the reader's copy of a line into words. */
static size_t split_words(slt_reader *reader, const char *line, char **words, size_t most)
{
    (void)snprintf(reader->word_buffer, sizeof reader->word_buffer, "%s", line);
    size_t count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(reader->word_buffer, " \t", &rest); word && count < most;
         word = strtok_r(NULL, " \t", &rest))
        words[count++] = word;
    return count;
}

/* Joins the record's SQL lines with line ends; stops at an empty line or ----. */
static bool read_sql(slt_reader *reader, slt_record *record)
{
    size_t used = 0;
    while (reader->next < reader->file->line_count) {
        const char *line = reader->file->lines[reader->next];
        if (is_blank(line) || strcmp(line, "----") == 0)
            break;
        size_t length = strlen(line);
        if (used + length + 2 > reader->sql_capacity) {
            size_t capacity = (used + length + 2) * 2;
            char *grown = realloc(reader->sql_buffer, capacity);
            if (!grown)
                return false;
            reader->sql_buffer = grown;
            reader->sql_capacity = capacity;
        }
        if (used)
            reader->sql_buffer[used++] = '\n';
        memcpy(reader->sql_buffer + used, line, length + 1);
        used += length;
        reader->next++;
    }
    record->sql = used ? reader->sql_buffer : "";
    return true;
}

static void read_expected(slt_reader *reader, slt_record *record)
{
    const slt_file *file = reader->file;
    if (reader->next >= file->line_count || strcmp(file->lines[reader->next], "----") != 0)
        return;
    record->has_expected = true;
    record->expected = &file->lines[++reader->next];
    while (reader->next < file->line_count && file->lines[reader->next][0] != '\0') {
        record->expected_count++;
        reader->next++;
    }
}

static bool read_body(slt_reader *reader, slt_record *record, const char **error)
{
    if (!read_sql(reader, record)) {
        *error = "out of memory";
        return true;
    }
    read_expected(reader, record);
    return true;
}

static void parse_query(slt_record *record, char **words, size_t count)
{
    record->kind = SLT_QUERY;
    record->types = count > 1 ? words[1] : "";
    for (size_t i = 2; i < count; i++) {
        if (strcmp(words[i], "rowsort") == 0)
            record->sort = SLT_SORT_ROWS;
        else if (strcmp(words[i], "valuesort") == 0)
            record->sort = SLT_SORT_VALUES;
        else if (strcmp(words[i], "nosort") != 0)
            record->label = words[i];
    }
}

static bool parse_statement(slt_record *record, char **words, size_t count)
{
    if (count >= 2 && strcmp(words[1], "ok") == 0) {
        record->kind = SLT_STATEMENT_OK;
        return true;
    }
    if (count >= 2 && strcmp(words[1], "error") == 0) {
        record->kind = SLT_STATEMENT_ERROR;
        record->sqlstate = count > 2 ? words[2] : NULL;
        return true;
    }
    return false;
}

bool slt_read_record(slt_reader *reader, const char *engine, slt_record *record, const char **error)
{
    *error = NULL;
    *record = (slt_record){.kind = SLT_HALT};
    while (reader->next < reader->file->line_count) {
        const char *line = reader->file->lines[reader->next++];
        if (is_blank(line) || line[0] == '#')
            continue;
        char *words[8] = {""};
        record->line = reader->next;
        size_t count = split_words(reader, line, words, 8);
        if (strcmp(words[0], "onlyif") == 0 && count > 1) {
            record->skipped |= strcmp(words[1], engine) != 0;
        } else if (strcmp(words[0], "skipif") == 0 && count > 1) {
            record->skipped |= strcmp(words[1], engine) == 0;
        } else if (strcmp(words[0], "halt") == 0) {
            if (!record->skipped)
                return false;
            record->skipped = false;
        } else if (strcmp(words[0], "restart") == 0) {
            record->kind = SLT_RESTART;
            return true;
        } else if (strcmp(words[0], "hash-threshold") == 0 && count > 1) {
            record->kind = SLT_HASH_THRESHOLD;
            record->threshold = strtoul(words[1], NULL, 10);
            return true;
        } else if (strcmp(words[0], "query") == 0) {
            parse_query(record, words, count);
            return read_body(reader, record, error);
        } else if (strcmp(words[0], "statement") == 0 && parse_statement(record, words, count)) {
            return read_body(reader, record, error);
        } else {
            *error = "no record begins like this";
            return true;
        }
    }
    return false;
}
