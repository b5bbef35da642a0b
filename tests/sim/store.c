/*
 * store.c - see store.h.
 */
#include "store.h"
#include "store/table/table_int.h"

void BASE_PRINTF(1, 2) trace(const char *format, ...)
{
    if (!getenv("TUFF_SIM_TRACE"))
        return;
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
}

uint64_t draw(run *self, uint64_t below)
{
    self->random = base_hash_u64(self->random + 1);
    return self->random % below;
}

/* ---- Fingerprints ------------------------------------------------------------------------- */

static uint64_t row_print(uint64_t id, int64_t rowid, int64_t number)
{
    return base_hash_combine(base_hash_combine(id, (uint64_t)rowid), (uint64_t)number);
}

static uint64_t table_print(const run *self, const model *what, uint32_t t)
{
    uint64_t print = base_hash_u64(self->ids[t]);
    for (int64_t r = 0; r < ROWS; r++) {
        if (what->numbers[t][r])
            print += row_print(self->ids[t], r + 1, what->numbers[t][r]);
    }
    return print;
}

uint64_t model_print(const run *self, const model *what)
{
    uint64_t print = 0;
    for (uint32_t t = 0; t < self->table_count; t++) {
        if (what->exists[t])
            print += table_print(self, what, t);
    }
    return print;
}

void note_commit(run *self, uint32_t number, const model *what)
{
    self->prints[number] = model_print(self, what);
    if (!self->past)
        return;
    past_commit *commit = &self->past[number];
    *commit = (past_commit){0};
    for (uint32_t t = 0; t < self->table_count; t++) {
        commit->exists[t] = what->exists[t];
        commit->since[t] = what->since[t];
        commit->prints[t] = what->exists[t] ? table_print(self, what, t) : 0;
    }
}

void make_cells(int64_t number, types_cell *cells, bool *nulls, char text[64])
{
    memset(cells, 0, COLUMN_COUNT * sizeof *cells);
    memset(nulls, 0, COLUMN_COUNT * sizeof *nulls);
    int length = snprintf(text, 64, number % 2 ? "a longer text that is not inline: %lld" : "%lld",
                          (long long)number);
    cells[COLUMN_NUMBER].int64 = number;
    cells[COLUMN_TEXT].string = types_string_of(text, (size_t)length);
    nulls[COLUMN_TEXT] = number % 5 == 0;
}

static bool row_fits(const vector_chunk *chunk, uint32_t row)
{
    types_cell cells[COLUMN_COUNT];
    bool nulls[COLUMN_COUNT];
    char text[64];
    make_cells(vector_get(&chunk->columns[1], row).cell.int64, cells, nulls, text);
    types_value value = vector_get(&chunk->columns[2], row);
    return value.is_null == nulls[COLUMN_TEXT] &&
           (value.is_null || types_string_equal(&value.cell.string, &cells[COLUMN_TEXT].string));
}

base_status scan_table(run *self, txn_transaction *transaction, uint64_t id, uint64_t as_of,
                       uint64_t *print, int64_t *sum, base_error *error)
{
    uint32_t columns[] = {TABLE_ROWID, COLUMN_NUMBER, COLUMN_TEXT};
    types_type types[] = {TYPES_OF(INTEGER), TYPES_OF(INTEGER), TYPES_OF(TEXT)};
    table_scan_options options = {.columns = columns,
                                  .column_count = 3,
                                  .first_rowid = INT64_MIN,
                                  .last_rowid = INT64_MAX,
                                  .as_of = as_of};
    table_relation *relation;
    table_scan *scan = NULL;
    table_reader *reader = NULL;
    vector_chunk chunk;
    base_status status = table_acquire(transaction, id, &relation, NULL);
    if (status != BASE_OK)
        return status;
    *print += base_hash_u64(id);
    status = vector_chunk_init(&chunk, table_database_budget(self->database), types, 3, error);
    if (status != BASE_OK) {
        table_release(relation);
        return status;
    }
    status = table_scan_create(transaction, relation, &options, &scan, error);
    if (status == BASE_OK)
        status = table_reader_create(scan, &reader, error);
    for (uint32_t unit = 0; status == BASE_OK && unit < table_scan_unit_count(scan); unit++) {
        status = table_reader_open_unit(reader, unit, error);
        while (status == BASE_OK &&
               (status = table_reader_next(reader, &chunk, error)) == BASE_ROW) {
            for (uint32_t i = 0; i < chunk.count; i++) {
                uint32_t row = vector_row(chunk.selection, i);
                int64_t number = vector_get(&chunk.columns[1], row).cell.int64;
                *print += row_print(id, vector_get(&chunk.columns[0], row).cell.int64, number);
                *sum += number;
                sim_expect(self->report, row_fits(&chunk, row), "a row's columns do not fit");
            }
            status = BASE_OK;
        }
        if (status == BASE_DONE)
            status = BASE_OK;
    }
    if (reader)
        table_reader_destroy(reader);
    if (scan)
        table_scan_destroy(scan);
    vector_chunk_destroy(&chunk);
    table_release(relation);
    return status;
}

base_status snapshot_print(run *self, txn_transaction *transaction, uint64_t *print, int64_t *sum,
                           base_error *error)
{
    base_status status = BASE_OK;
    *print = 0;
    *sum = 0;
    for (uint32_t t = 0; t < self->table_count && status == BASE_OK; t++) {
        status = scan_table(self, transaction, self->ids[t], 0, print, sum, error);
        if (status == BASE_UNDEFINED_TABLE)
            status = BASE_OK;
    }
    return status;
}

/* The rows that a table's first index leads to; of a table without one a scan's. */
static base_status print_by_index(run *self, txn_transaction *transaction, uint64_t id,
                                  uint64_t *print, base_error *error)
{
    int64_t sum = 0;
    uint32_t columns[] = {TABLE_ROWID, COLUMN_NUMBER};
    table_key_range everything = {.low_inclusive = true, .high_inclusive = true};
    table_relation *relation;
    table_index_cursor *cursor;
    types_cell cells[2];
    bool nulls[2];
    base_arena heap;
    base_status status = table_acquire(transaction, id, &relation, NULL);
    if (status != BASE_OK)
        return status == BASE_UNDEFINED_TABLE ? BASE_OK : status;
    if (!table_index_count(relation)) {
        table_release(relation);
        return scan_table(self, transaction, id, 0, print, &sum, error);
    }
    *print += base_hash_u64(id);
    status = table_index_cursor_create(transaction, relation, table_index_at(relation, 0),
                                       &everything, false, columns, 2, &cursor, error);
    if (status == BASE_OK) {
        base_arena_init(&heap, table_database_budget(self->database));
        while ((status = table_index_cursor_next_row(cursor, cells, nulls, &heap, error)) ==
               BASE_ROW)
            *print += row_print(id, cells[0].int64, cells[1].int64);
        base_arena_destroy(&heap);
        table_index_cursor_destroy(cursor);
    }
    table_release(relation);
    return status == BASE_DONE ? BASE_OK : status;
}

base_status snapshot_index_print(run *self, txn_transaction *transaction, uint64_t *print,
                                 base_error *error)
{
    *print = 0;
    for (uint32_t t = 0; t < self->table_count; t++)
        RETURN_IF_ERROR(print_by_index(self, transaction, self->ids[t], print, error));
    return BASE_OK;
}

base_status database_print(run *self, uint64_t *print, int64_t *sum, base_error *error)
{
    txn_transaction *transaction;
    RETURN_IF_ERROR(table_begin(self->database, TXN_SNAPSHOT, true, &transaction, error));
    base_status status = snapshot_print(self, transaction, print, sum, error);
    table_rollback(transaction);
    return status;
}

static void check_table_then(run *self, txn_transaction *transaction, const run *history,
                             uint32_t t, uint32_t then, bool strict)
{
    const past_commit *commit = &history->past[then];
    uint64_t print = 0;
    int64_t sum = 0;
    base_error error;
    base_error_clear(&error);
    /* The sequence may be one of those after the commit that say nothing and are not logged. */
    uint64_t as_of = BASE_MIN(commit->sequence, txn_last_sequence(self->database->manager));
    base_status status =
        scan_table(self, transaction, history->ids[t], as_of, &print, &sum, &error);
    if ((status == BASE_INVALID_PARAMETER || status == BASE_MISUSE) && !strict)
        return; /* beyond the history, or there is none */
    sim_expect(self->report, status == BASE_OK && print == commit->prints[t],
               "table %llu as of commit %u (sequence %llu): %s %s",
               (unsigned long long)history->ids[t], then, (unsigned long long)commit->sequence,
               base_status_name(status), error.message);
}

void check_past(run *self, const run *history, uint32_t number, bool strict)
{
    enum {
        LOOKS = 4
    };
    txn_transaction *transaction;
    if (!history->past || number == 0 ||
        table_begin(self->database, TXN_SNAPSHOT, true, &transaction, NULL) != BASE_OK)
        return;
    uint64_t random = base_hash_u64(history->random + number);
    for (uint32_t i = 0; i < LOOKS; i++) {
        random = base_hash_u64(random);
        uint32_t then = 1 + (uint32_t)(random % number);
        if (i == 0)
            then = number;
        if (!history->past[then].sequence)
            continue;
        for (uint32_t t = 0; t < history->table_count; t++) {
            if (history->past[number].exists[t] && history->past[number].since[t] <= then)
                check_table_then(self, transaction, history, t, then, strict);
        }
    }
    table_rollback(transaction);
}

/* ---- Opening and closing --------------------------------------------------------------------- */

/* Is this the one that fails? */
static bool SITE_FRAME refuses(run *self)
{
    bool fails = ++self->allocation_calls == self->allocation_fails_at;
    if (self->memory_sites && (fails || !self->failing))
        site_note(self->memory_sites, 3, fails);
    return fails;
}
static void SITE_FRAME note_io(void *context, bool fails)
{
    run *self = context;
    if (fails || !self->failing)
        site_note(self->io_sites, 2, fails);
}
static void *SITE_FRAME allocate(void *context, size_t size)
{
    return refuses(context) ? NULL : malloc(size);
}
static void *SITE_FRAME reallocate(void *context, void *block, size_t old_size, size_t new_size)
{
    (void)old_size;
    return refuses(context) ? NULL : realloc(block, new_size);
}
static void release(void *context, void *block, size_t size)
{
    (void)context;
    (void)size;
    free(block);
}

base_status open_database(run *self, uint32_t workers, base_error *error)
{
    if (self->io_sites)
        os_sim_on_call(self->sim, note_io, self);
    self->allocator = (base_allocator){allocate, reallocate, release, self};
    os_runtime_options options = {.allocator = &self->allocator, .worker_count = workers};
    self->database = NULL;
    self->runtime = NULL;
    RETURN_IF_ERROR(
        os_runtime_create(os_sim_environment(self->sim), &options, &self->runtime, error));
    table_options how;
    table_options_default(&how);
    how.sync_mode = self->mode;
    how.seal_rows = self->seal_rows;
    how.manual_compaction = self->manual_compaction;
    how.history_retention = self->history_retention;
    how.checkpoint_log_size = 30000; /* some come by themselves */
    base_status status = table_database_open(self->runtime, "x.tuff", &how, &self->database, error);
    if (status != BASE_OK) {
        self->database = NULL;
        sim_expect(self->report,
                   atomic_load(&os_runtime_budget(self->runtime)->used) <= 8 * workers,
                   "memory is left after a failed opening");
        os_runtime_destroy(self->runtime);
        self->runtime = NULL;
        return status;
    }
    (void)table_database_is_new(self->database);
    return BASE_OK;
}

void close_database(run *self)
{
    if (!self->database)
        return;
    base_error error;
    base_error_clear(&error);
    base_status status = table_database_close(self->database, &error);
    sim_expect(self->report, status == BASE_OK || self->failing, "close: %s", error.message);
    self->database = NULL;
    os_runtime_destroy(self->runtime);
    self->runtime = NULL;
}

static void report_problem(void *context, const char *problem)
{
    sim_expect(context, false, "integrity: %s", problem);
}

void check_integrity(run *self)
{
    base_error error;
    base_error_clear(&error);
    base_status status =
        table_check_integrity(self->database, report_problem, self->report, &error);
    sim_expect(self->report, status == BASE_OK, "integrity check: %s", error.message);
}

void start_run(run *self, sim_report *report, uint64_t seed)
{
    memset(self, 0, sizeof *self);
    report->seed = seed;
    self->report = report;
    self->random = base_hash_u64(seed);
    self->history_retention = -1;
    self->past = calloc(MAX_COMMITS, sizeof *self->past);
    base_budget_init(&self->budget, NULL, &base_libc_allocator, "machine", SIZE_MAX);
    if (!self->past || os_sim_create(&self->budget, seed, &self->sim, NULL) != BASE_OK) {
        printf("no memory\n");
        exit(1);
    }
}

void end_run(run *self)
{
    os_sim_destroy(self->sim);
    free(self->past);
    sim_expect(self->report, atomic_load(&self->budget.used) == 0, "the machine's memory is left");
}
