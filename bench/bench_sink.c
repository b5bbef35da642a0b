/*
 * bench_sink.c - results kept as text, and their comparison.
 */
#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bench_sink_reset(bench_sink *sink)
{
    sink->rows = sink->touched = 0;
    sink->length = 0;
    sink->failed = false;
}

void bench_sink_free(bench_sink *sink)
{
    free(sink->text);
    *sink = (bench_sink){0};
}

static void append(bench_sink *sink, const char *text, size_t length, char end)
{
    if (sink->length + length + 2 > sink->capacity) {
        size_t capacity = (sink->length + length + 2) * 2;
        char *grown = realloc(sink->text, capacity);
        if (!grown) {
            sink->failed = true;
            return;
        }
        sink->text = grown;
        sink->capacity = capacity;
    }
    if (length)
        memcpy(sink->text + sink->length, text, length);
    sink->length += length;
    sink->text[sink->length++] = end;
    sink->text[sink->length] = '\0';
}

void bench_sink_keep(bench_sink *sink, const char *text, size_t length)
{
    append(sink, text, length, '\x1f');
}

void bench_sink_keep_integer(bench_sink *sink, int64_t value)
{
    char text[32];
    bench_sink_keep(sink, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)value));
}

void bench_sink_keep_real(bench_sink *sink, double value)
{
    char text[40];
    bench_sink_keep(sink, text, (size_t)snprintf(text, sizeof text, "%.17g", value));
}

void bench_sink_end_row(bench_sink *sink)
{
    sink->rows++;
    if (sink->keep)
        append(sink, "", 0, '\n');
}

static size_t split(char *text, char divider, char **parts, size_t most)
{
    size_t count = 0;
    while (text && *text && count < most) {
        parts[count++] = text;
        text = strchr(text, divider);
        if (text)
            *text++ = '\0';
    }
    return count;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool fields_agree(const char *a, const char *b)
{
    char *end_a, *end_b;
    if (strcmp(a, b) == 0)
        return true;
    double x = strtod(a, &end_a), y = strtod(b, &end_b);
    if (end_a != a && end_b != b && !*end_a && !*end_b)
        return fabs(x - y) <= 1e-9 * fmax(fabs(x), fabs(y));
    /* A date may come with midnight behind it, text with blanks at its end. */
    if (strlen(a) >= 10 && strlen(b) >= 10 && a[4] == '-' && a[7] == '-' && strncmp(a, b, 10) == 0)
        return true;
    size_t length_a = strlen(a), length_b = strlen(b);
    while (length_a && a[length_a - 1] == ' ')
        length_a--;
    while (length_b && b[length_b - 1] == ' ')
        length_b--;
    return length_a == length_b && memcmp(a, b, length_a) == 0;
}

static bool lines_agree(char *expected, char *actual)
{
    char *left[256], *right[256];
    size_t count = split(expected, '\x1f', left, 256);
    if (count != split(actual, '\x1f', right, 256))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!fields_agree(left[i], right[i]))
            return false;
    }
    return true;
}

bool bench_results_agree(bench_sink *expected, bench_sink *actual, bool ordered, char *why,
                         size_t size)
{
    if (expected->failed || actual->failed) {
        (void)snprintf(why, size, "no memory to compare");
        return false;
    }
    if (expected->rows != actual->rows) {
        (void)snprintf(why, size, "%llu rows, not %llu", (unsigned long long)actual->rows,
                       (unsigned long long)expected->rows);
        return false;
    }
    size_t rows = (size_t)expected->rows;
    char *copies[2] = {strdup(expected->text ? expected->text : ""),
                       strdup(actual->text ? actual->text : "")};
    char **lines[2] = {calloc(rows + 1, sizeof(char *)), calloc(rows + 1, sizeof(char *))};
    bool agree = copies[0] && copies[1] && lines[0] && lines[1];
    for (int side = 0; agree && side < 2; side++) {
        agree = split(copies[side], '\n', lines[side], rows) == rows;
        if (!ordered)
            qsort(lines[side], rows, sizeof(char *), compare_lines);
    }
    for (size_t i = 0; agree && i < rows; i++) {
        if (!lines_agree(lines[0][i], lines[1][i])) {
            (void)snprintf(why, size, "row %zu differs", i + 1);
            agree = false;
        }
    }
    for (int side = 0; side < 2; side++) {
        free(copies[side]);
        free(lines[side]);
    }
    return agree;
}
