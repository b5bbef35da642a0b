/*
 * bench.h - one interface to the engines that are compared, and what the measurements share.
 *
 * Every engine is driven through its own C interface at its best: prepared statements, its own
 * bulk loader, every cell of every row read through its fastest accessor. An adapter only
 * translates; what is measured, in which order and how often is the same for all. Rivals are
 * loaded with dlopen: the program builds without them and names those that are missing.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum bench_kind {
    BENCH_NULL,
    BENCH_INTEGER,
    BENCH_REAL,
    BENCH_TEXT,
    BENCH_BOOLEAN,
} bench_kind;

typedef struct bench_value {
    bench_kind kind;
    int64_t integer; /* BOOLEAN too */
    double real;
    const char *text;
    size_t length;
} bench_value;

/* Takes the cells of a result: touches them, or keeps them as text for comparison. */
typedef struct bench_sink {
    bool keep;
    bool failed; /* no memory for what was to be kept */
    uint64_t rows;
    uint64_t touched; /* depends on every cell, so that none can be left unread */
    char *text;       /* fields ended by \x1f, rows by \n */
    size_t length, capacity;
} bench_sink;

void bench_sink_reset(bench_sink *sink);
void bench_sink_free(bench_sink *sink);
void bench_sink_keep(bench_sink *sink, const char *text, size_t length);
void bench_sink_keep_integer(bench_sink *sink, int64_t value);
void bench_sink_keep_real(bench_sink *sink, double value);

static inline void bench_sink_null(bench_sink *sink)
{
    sink->touched += 1;
    if (sink->keep)
        bench_sink_keep(sink, "", 0);
}
static inline void bench_sink_integer(bench_sink *sink, int64_t value)
{
    sink->touched += (uint64_t)value;
    if (sink->keep)
        bench_sink_keep_integer(sink, value);
}
static inline void bench_sink_real(bench_sink *sink, double value)
{
    sink->touched += (uint64_t)(value != 0);
    if (sink->keep)
        bench_sink_keep_real(sink, value);
}
static inline void bench_sink_text(bench_sink *sink, const char *text, size_t length)
{
    sink->touched += length ? (uint8_t)text[0] + length : 0;
    if (sink->keep)
        bench_sink_keep(sink, text, length);
}
void bench_sink_end_row(bench_sink *sink);

/* Do two kept results agree? Numbers within 1e-9 relative; rows in any order unless `ordered`.
 * On a difference `why` says where. */
bool bench_results_agree(bench_sink *expected, bench_sink *actual, bool ordered, char *why,
                         size_t size);

/* Fills in the values of row `row`; texts stay valid until the next call. */
typedef void (*bench_row)(void *context, uint64_t row, bench_value *values);

typedef struct bench_engine bench_engine;
struct bench_engine {
    const char *name;
    char version[64];
    char problem[512]; /* what the last failed call said */
    bool available;
    void *state;
    /* False with `problem` when the library cannot be had. */
    bool (*load)(bench_engine *engine);
    /* `path` NULL: in memory; else a file, every commit on disk when it returns. */
    bool (*open)(bench_engine *engine, const char *path);
    void (*close)(bench_engine *engine);
    bool (*exec)(bench_engine *engine, const char *sql);
    void *(*prepare)(bench_engine *engine, const char *sql); /* NULL: problem */
    bool (*run)(bench_engine *engine, void *statement, const bench_value *values, uint32_t count,
                bench_sink *sink);
    void (*finalize)(bench_engine *engine, void *statement);
    /* The engine's fastest way to add rows to an existing table. */
    bool (*append)(bench_engine *engine, const char *table, uint32_t columns, uint64_t rows,
                   bench_row row, void *context);
    /* Loads a file of fields divided by |; NULL: the engine takes no part in TPC-H. */
    bool (*copy)(bench_engine *engine, const char *table, const char *path);
};

enum {
    BENCH_ENGINES = 4
};
extern bench_engine bench_engine_tuff, bench_engine_sqlite, bench_engine_duckdb,
    bench_engine_stoolap;
extern bench_engine *const bench_engines[BENCH_ENGINES];

bool bench_problem(bench_engine *engine, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void *bench_library(bench_engine *engine, const char *const *names);

/* ---- Measuring ------------------------------------------------------------------------- */

double bench_seconds(void);
/* A number that looks random, the same for each run and engine. */
uint64_t bench_mix(uint64_t number);

/* One line of the report: seconds per operation of each engine, negative: not measured. */
typedef struct bench_result {
    char group[32];
    char operation[64];
    double seconds[BENCH_ENGINES];
    bool wrong[BENCH_ENGINES]; /* answered differently */
    char note[BENCH_ENGINES][96];
} bench_result;

typedef struct bench_run {
    const char *shared; /* corpora */
    const char *folder; /* for databases and results */
    const char *scale;  /* TPC-H: "sf0.1", ... */
    double budget;      /* seconds per engine and operation */
    bench_result *results;
    size_t count, capacity;
    uint32_t differences; /* of Tuff from the others */
} bench_run;

bench_result *bench_add_result(bench_run *run, const char *group, const char *operation);
void bench_print_result(const bench_result *result);

/* Untimed work before each execution, and the values of execution `number`. */
typedef struct bench_operation {
    const char *sql;
    uint32_t parameters;
    uint32_t repeats; /* statements per execution (batch insert), 1 */
    void (*values)(uint64_t number, bench_value *values);
    bool (*before)(bench_engine *engine, void *context, uint64_t number);
    void *context[BENCH_ENGINES];
    uint64_t iterations;
    uint64_t executed[BENCH_ENGINES];
} bench_operation;

/* Interleaved rounds over all available engines; the median round counts. */
void bench_measure(bench_run *run, bench_operation *operation, bench_result *result);

bool bench_points(bench_run *run, bool on_file);
bool bench_versions(bench_run *run);
bool bench_operations(bench_run *run);
bool bench_tpch(bench_run *run);
bool bench_report(bench_run *run, const char *page);

#endif
