/*
 * bench_report.c - what was measured: results.json, a chart (SVG), a page (Markdown).
 *
 * The chart has one line per operation: how many times longer than Tuff each engine took, on a
 * logarithmic scale; what stands right of the middle is slower than Tuff.
 */
#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static void put_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '"':
        case '\\':
            (void)fprintf(out, "\\%c", *text);
            break;
        case '&':
            (void)fputs("&amp;", out);
            break;
        case '<':
            (void)fputs("&lt;", out);
            break;
        default:
            (void)fputc((unsigned char)*text < 32 ? ' ' : *text, out);
            break;
        }
    }
}

static void processor_name(char *name, size_t size)
{
    char line[256];
    (void)snprintf(name, size, "unknown processor");
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (colon && strncmp(line, "model name", 10) == 0) {
            (void)snprintf(name, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
            break;
        }
    }
    if (file)
        (void)fclose(file);
}

static bool write_json(const bench_run *run)
{
    char path[1024], processor[128];
    (void)snprintf(path, sizeof path, "%s/results.json", run->folder);
    FILE *out = fopen(path, "w");
    if (!out)
        return false;
    processor_name(processor, sizeof processor);
    (void)fprintf(out, "{\n \"processor\": \"");
    put_escaped(out, processor);
    (void)fprintf(out, "\",\n \"processors\": %ld,\n \"engines\": {",
                  sysconf(_SC_NPROCESSORS_ONLN));
    for (int i = 0; i < BENCH_ENGINES; i++) {
        (void)fprintf(out, "%s\"%s\": \"", i ? ", " : "", bench_engines[i]->name);
        put_escaped(out, bench_engines[i]->available ? bench_engines[i]->version : "absent");
        (void)fputc('"', out);
    }
    (void)fprintf(out, "},\n \"results\": [\n");
    for (size_t r = 0; r < run->count; r++) {
        const bench_result *result = &run->results[r];
        (void)fprintf(out, "  {\"group\": \"%s\", \"operation\": \"", result->group);
        put_escaped(out, result->operation);
        (void)fputc('"', out);
        for (int i = 0; i < BENCH_ENGINES; i++) {
            if (result->seconds[i] < 0)
                continue;
            (void)fprintf(out, ", \"%s\": {\"seconds\": %.9g, \"equal\": %s}",
                          bench_engines[i]->name, result->seconds[i],
                          result->wrong[i] ? "false" : "true");
        }
        (void)fprintf(out, "}%s\n", r + 1 < run->count ? "," : "");
    }
    (void)fprintf(out, " ]\n}\n");
    return fclose(out) == 0;
}

/* ---- Chart -------------------------------------------------------------------------------- */

enum {
    LABELS = 250,
    WIDTH = 640,
    LINE = 16,
    TOP = 60,
};

/* 1/100 of Tuff's time at the left border, 10,000 times at the right one. */
static double place(double ratio)
{
    double x = (log10(ratio) + 2) / 6;
    return LABELS + WIDTH * fmin(fmax(x, 0), 1);
}

static bool write_chart(const bench_run *run)
{
    static const char *const colours[BENCH_ENGINES] = {"#222222", "#1f77b4", "#e0a000", "#2ca02c"};
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/chart.svg", run->folder);
    FILE *out = fopen(path, "w");
    if (!out)
        return false;
    int height = TOP + LINE * (int)run->count + 30;
    (void)fprintf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                  "font-family=\"sans-serif\" font-size=\"11\">\n"
                  "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
                  LABELS + WIDTH + 30, height);
    for (int power = -2; power <= 4; power++) {
        double x = place(pow(10, power));
        (void)fprintf(out,
                      "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"%s\"/>"
                      "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%gx</text>\n",
                      x, TOP - 14, x, height - 20, power == 0 ? "#222" : "#ddd", x, TOP - 18,
                      pow(10, power));
    }
    for (int i = 0; i < BENCH_ENGINES; i++)
        (void)fprintf(out,
                      "<circle cx=\"%d\" cy=\"20\" r=\"4\" fill=\"%s\"/><text x=\"%d\" y=\"24\">%s"
                      "</text>\n",
                      LABELS + i * 110, colours[i], LABELS + i * 110 + 8, bench_engines[i]->name);
    (void)fprintf(out, "<text x=\"10\" y=\"24\">time relative to Tuff (right: slower)</text>\n");
    for (size_t r = 0; r < run->count; r++) {
        const bench_result *result = &run->results[r];
        int y = TOP + LINE * (int)r;
        (void)fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", LABELS - 8, y + 4);
        put_escaped(out, result->operation);
        (void)fprintf(out, "</text>");
        for (int i = BENCH_ENGINES - 1; i >= 0; i--) {
            if (result->seconds[i] > 0 && result->seconds[0] > 0)
                (void)fprintf(out, "<circle cx=\"%.1f\" cy=\"%d\" r=\"4\" fill=\"%s\"%s/>",
                              place(result->seconds[i] / result->seconds[0]), y, colours[i],
                              result->wrong[i] ? " fill-opacity=\"0.3\"" : "");
        }
        (void)fputc('\n', out);
    }
    (void)fprintf(out, "</svg>\n");
    return fclose(out) == 0;
}

/* ---- Page --------------------------------------------------------------------------------- */

static void put_time(FILE *out, const bench_result *result, int index)
{
    double seconds = result->seconds[index];
    if (seconds < 0) {
        (void)fprintf(out, " |");
        return;
    }
    if (strstr(result->operation, "bytes"))
        (void)fprintf(out, " %.1f", seconds);
    else if (seconds < 1e-3)
        (void)fprintf(out, " %.2f us", seconds * 1e6);
    else if (seconds < 1)
        (void)fprintf(out, " %.2f ms", seconds * 1e3);
    else
        (void)fprintf(out, " %.2f s", seconds);
    if (index > 0 && result->seconds[0] > 0) {
        double ratio = seconds / result->seconds[0];
        (void)fprintf(out, " (%.*fx%s)",
                      ratio < 10    ? 2
                      : ratio < 100 ? 1
                                    : 0,
                      ratio, result->wrong[index] ? ", other answer" : "");
    }
    (void)fprintf(out, " |");
}

static bool has_rivals(const bench_run *run, const char *group)
{
    for (size_t r = 0; r < run->count; r++) {
        for (int i = 1; i < BENCH_ENGINES; i++) {
            if (strcmp(run->results[r].group, group) == 0 && run->results[r].seconds[i] > 0)
                return true;
        }
    }
    return false;
}

/* Geometric mean of the ratios to Tuff over a group, and in how many Tuff was fastest. */
static void put_summary(FILE *out, const bench_run *run, const char *group)
{
    if (!has_rivals(run, group))
        return;
    (void)fprintf(out, "| **geometric mean, Tuff fastest in** |");
    for (int i = 0; i < BENCH_ENGINES; i++) {
        double sum = 0;
        int count = 0, faster = 0;
        for (size_t r = 0; r < run->count; r++) {
            const bench_result *result = &run->results[r];
            if (strcmp(result->group, group) != 0 || result->seconds[i] <= 0 ||
                result->seconds[0] <= 0)
                continue;
            sum += log(result->seconds[i] / result->seconds[0]);
            faster += result->seconds[0] <= result->seconds[i];
            count++;
        }
        if (i == 0 || count == 0)
            (void)fprintf(out, " |");
        else
            (void)fprintf(out, " **%.3gx**, %d of %d |", exp(sum / count), faster, count);
    }
    (void)fputc('\n', out);
}

/* What a person has found out about the figures: written by hand, kept beside the program. */
static void put_findings(FILE *out)
{
    char buffer[4096];
    size_t length;
    FILE *in = fopen("bench/findings.md", "r");
    if (!in)
        return;
    (void)fputc('\n', out);
    while ((length = fread(buffer, 1, sizeof buffer, in)) > 0)
        (void)fwrite(buffer, 1, length, out);
    (void)fclose(in);
}

static bool write_page(const bench_run *run, const char *path)
{
    char processor[128], date[32];
    struct utsname system = {0};
    time_t now = time(NULL);
    struct tm parts;
    FILE *out = fopen(path, "w");
    if (!out)
        return false;
    processor_name(processor, sizeof processor);
    (void)uname(&system);
    (void)strftime(date, sizeof date, "%Y-%m-%d", gmtime_r(&now, &parts));
    (void)fprintf(out,
                  "# Benchmarks\n\nMade by `make bench` on %s: %s, %ld processors, %s %s.\n\n"
                  "All engines run in one process, turn by turn; the median of five rounds counts "
                  "(TPC-H: the best of two after a warm-up). In parentheses: how many times Tuff's "
                  "time. Answers are compared before a time counts; what differs is marked. "
                  "Compare ratios, not numbers: the machine is shared.\n\n",
                  date, processor, sysconf(_SC_NPROCESSORS_ONLN), system.sysname, system.machine);
    for (int i = 0; i < BENCH_ENGINES; i++)
        (void)fprintf(out, "- %s %s\n", bench_engines[i]->name,
                      bench_engines[i]->available ? bench_engines[i]->version : "(absent)");
    (void)fprintf(out,
                  "\nIn memory all engines have their defaults (SQLite: 512 MiB of cache). On disk "
                  "every commit is on the disk when it returns (SQLite: WAL, synchronous=FULL; "
                  "Stoolap: sync_mode=full). The chart is `chart.svg`, the numbers `results.json`, "
                  "both in build/bench.\n");
    const char *group = "";
    for (size_t r = 0; r < run->count; r++) {
        const bench_result *result = &run->results[r];
        if (strcmp(result->group, group) != 0) {
            group = result->group;
            (void)fprintf(out, "\n## %s\n\n| operation |", group);
            for (int i = 0; i < BENCH_ENGINES; i++)
                (void)fprintf(out, " %s |", bench_engines[i]->name);
            (void)fprintf(out, "\n|---|---:|---:|---:|---:|\n");
        }
        (void)fprintf(out, "| %s |", result->operation);
        for (int i = 0; i < BENCH_ENGINES; i++)
            put_time(out, result, i);
        (void)fputc('\n', out);
        if (r + 1 == run->count || strcmp(run->results[r + 1].group, group) != 0)
            put_summary(out, run, group);
    }
    put_findings(out);
    return fclose(out) == 0;
}

bool bench_report(bench_run *run, const char *page)
{
    bool good = write_json(run) && write_chart(run) && (!page || write_page(run, page));
    if (good)
        (void)printf("\nwritten: %s/results.json, %s/chart.svg%s%s\n", run->folder, run->folder,
                     page ? ", " : "", page ? page : "");
    else
        (void)printf("the report could not be written\n");
    return good;
}
