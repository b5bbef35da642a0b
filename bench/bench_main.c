/*
 * bench_main.c - `make bench`: the command line, the way of measuring, the order of things.
 *
 * The engines run in one process, turn by turn: each operation is measured in rounds, in each
 * round every engine gets its share of the executions, and the median round counts. So what
 * disturbs the machine disturbs all of them alike, and ratios hold where absolute numbers do not.
 * Before an operation is timed, its answer is compared between the engines; a time without an
 * equal answer is marked.
 */
#include "bench.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bench_engine *const bench_engines[BENCH_ENGINES] = {&bench_engine_tuff, &bench_engine_sqlite,
                                                    &bench_engine_duckdb, &bench_engine_stoolap};

enum {
    ROUNDS = 5
};

bool bench_problem(bench_engine *engine, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(engine->problem, sizeof engine->problem, format, arguments);
    va_end(arguments);
    for (char *c = engine->problem; *c; c++) {
        if (*c == '\n')
            *c = ' ';
    }
    return false;
}

/* By the loader's path, and from the folders named in BENCH_LIBRARIES (divided by colons). */
void *bench_library(bench_engine *engine, const char *const *names)
{
    const char *folders = getenv("BENCH_LIBRARIES");
    for (; *names; names++) {
        void *library = dlopen(*names, RTLD_NOW | RTLD_LOCAL);
        for (const char *at = folders; !library && at && *at;) {
            char path[1024];
            size_t length = strcspn(at, ":");
            (void)snprintf(path, sizeof path, "%.*s/%s", (int)length, at, *names);
            library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
            at += length + (at[length] == ':');
        }
        if (library)
            return library;
    }
    (void)bench_problem(engine, "the library cannot be loaded");
    return NULL;
}

double bench_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

uint64_t bench_mix(uint64_t number)
{
    number = (number ^ number >> 33) * UINT64_C(0xff51afd7ed558ccd);
    number = (number ^ number >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return number ^ number >> 33;
}

bench_result *bench_add_result(bench_run *run, const char *group, const char *operation)
{
    if (run->count == run->capacity) {
        size_t capacity = run->capacity ? 2 * run->capacity : 64;
        bench_result *grown = realloc(run->results, capacity * sizeof *grown);
        if (!grown) {
            (void)fputs("out of memory\n", stderr);
            exit(1);
        }
        run->results = grown;
        run->capacity = capacity;
    }
    bench_result *result = &run->results[run->count++];
    *result = (bench_result){0};
    (void)snprintf(result->group, sizeof result->group, "%s", group);
    (void)snprintf(result->operation, sizeof result->operation, "%s", operation);
    for (int i = 0; i < BENCH_ENGINES; i++)
        result->seconds[i] = -1;
    return result;
}

static void print_time(double seconds)
{
    if (seconds < 0)
        (void)printf(" %11s", "-");
    else if (seconds < 1e-3)
        (void)printf(" %8.2f us", seconds * 1e6);
    else if (seconds < 1)
        (void)printf(" %8.2f ms", seconds * 1e3);
    else
        (void)printf(" %9.2f s", seconds);
}

void bench_print_result(const bench_result *result)
{
    (void)printf("%-28.28s", result->operation);
    for (int i = 0; i < BENCH_ENGINES; i++) {
        print_time(result->seconds[i]);
        double ratio = result->seconds[i] / result->seconds[0];
        if (i > 0 && result->seconds[i] >= 0 && result->seconds[0] > 0)
            (void)printf(" %7.2fx%s", ratio, result->wrong[i] ? "!" : " ");
        else if (i > 0)
            (void)printf("%10s", "");
    }
    (void)putchar('\n');
    for (int i = 0; i < BENCH_ENGINES; i++) {
        if (result->note[i][0])
            (void)printf("    %s: %s\n", bench_engines[i]->name, result->note[i]);
    }
    (void)fflush(stdout);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One engine's share of a round: seconds per execution, negative on failure. */
static double measure_share(bench_operation *operation, int index, void *statement,
                            uint64_t executions, double budget)
{
    bench_engine *engine = bench_engines[index];
    bench_sink sink = {0};
    bench_value values[16];
    double spent = 0, began = bench_seconds();
    uint64_t done = 0;
    while (done < executions && bench_seconds() - began < budget) {
        uint64_t number = operation->executed[index]++;
        if (operation->before && !operation->before(engine, operation->context[index], number))
            return -1;
        double start = bench_seconds();
        uint32_t repeats = operation->repeats > 1 ? operation->repeats : 1;
        bool good = repeats == 1 || engine->exec(engine, "BEGIN");
        for (uint32_t i = 0; good && i < repeats; i++) {
            if (operation->values)
                operation->values(number * repeats + i, values);
            bench_sink_reset(&sink);
            good = engine->run(engine, statement, values, operation->parameters, &sink);
        }
        if (!good || (repeats > 1 && !engine->exec(engine, "COMMIT")))
            return -1;
        spent += bench_seconds() - start;
        done++;
    }
    return spent / (double)done;
}

void bench_measure(bench_run *run, bench_operation *operation, bench_result *result)
{
    void *statements[BENCH_ENGINES] = {NULL};
    double times[BENCH_ENGINES][ROUNDS];
    for (int i = 0; i < BENCH_ENGINES; i++) {
        bench_engine *engine = bench_engines[i];
        if (engine->available && !(statements[i] = engine->prepare(engine, operation->sql)))
            (void)snprintf(result->note[i], sizeof result->note[i], "%.90s", engine->problem);
    }
    uint64_t share = (operation->iterations + ROUNDS - 1) / ROUNDS;
    for (int round = 0; round < ROUNDS; round++) {
        for (int turn = 0; turn < BENCH_ENGINES; turn++) {
            int i = (turn + round) % BENCH_ENGINES;
            if (!statements[i] || result->note[i][0])
                continue;
            times[i][round] =
                measure_share(operation, i, statements[i], share, run->budget / ROUNDS);
            if (times[i][round] < 0)
                (void)snprintf(result->note[i], sizeof result->note[i], "%.90s",
                               bench_engines[i]->problem);
        }
    }
    for (int i = 0; i < BENCH_ENGINES; i++) {
        if (!statements[i])
            continue;
        bench_engines[i]->finalize(bench_engines[i], statements[i]);
        if (result->note[i][0])
            continue;
        qsort(times[i], ROUNDS, sizeof(double), compare_doubles);
        result->seconds[i] = times[i][ROUNDS / 2];
    }
}

static int usage(void)
{
    (void)fputs("usage: tuff-bench [--only=points,versions,operations,tpch] [--scale=sf0.1,sf1] "
                "[--budget=SECONDS]\n"
                "                  [--shared=FOLDER] [--folder=FOLDER] [--page=FILE]\n",
                stderr);
    return 2;
}

static const char *value_of(const char *argument, const char *name)
{
    size_t length = strlen(name);
    return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1
                                                                           : NULL;
}

int main(int count, char **arguments)
{
    bench_run run = {
        .shared = "../shared", .folder = "build/bench", .scale = "sf0.1", .budget = 0.4};
    const char *only = "points,versions,operations,tpch", *page = NULL;
    for (int i = 1; i < count; i++) {
        const char *value;
        if ((value = value_of(arguments[i], "--only")))
            only = value;
        else if ((value = value_of(arguments[i], "--scale")))
            run.scale = value;
        else if ((value = value_of(arguments[i], "--budget")))
            run.budget = strtod(value, NULL);
        else if ((value = value_of(arguments[i], "--shared")))
            run.shared = value;
        else if ((value = value_of(arguments[i], "--folder")))
            run.folder = value;
        else if ((value = value_of(arguments[i], "--page")))
            page = value;
        else
            return usage();
    }
    for (int i = 0; i < BENCH_ENGINES; i++) {
        bench_engine *engine = bench_engines[i];
        engine->available = engine->load(engine);
        if (engine->available)
            (void)printf("%s %s\n", engine->name, engine->version);
        else
            (void)printf("skipped: %s (%s)\n", engine->name, engine->problem);
        (void)fflush(stdout);
    }
    bool good = true;
    if (strstr(only, "points"))
        good = bench_points(&run, false) && bench_points(&run, true);
    if (good && strstr(only, "versions"))
        good = bench_versions(&run);
    if (good && strstr(only, "operations"))
        good = bench_operations(&run);
    for (const char *scales = run.scale; good && strstr(only, "tpch") && *scales;) {
        char scale[32];
        size_t length = strcspn(scales, ",");
        (void)snprintf(scale, sizeof scale, "%.*s", (int)length, scales);
        run.scale = scale;
        good = bench_tpch(&run);
        scales += length + (scales[length] == ',');
    }
    good = bench_report(&run, page) && good;
    free(run.results);
    if (run.differences)
        (void)printf("%u answers of Tuff differ\n", run.differences);
    return good && run.differences == 0 ? 0 : 1;
}
