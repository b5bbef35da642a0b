/*
 * sim_table.c - the storage layer under power cuts, failed calls, failed allocations and
 * schedules, through table.h.
 *
 * The model is a list of fingerprints: what the database holds after each commit, summed over
 * tables and rows. After a crash the database must hold exactly what it did after some
 * commit: not before the last acknowledged one (in full mode), not after the last begun.
 * Threads move amounts between accounts; there the sum must never change.
 */
#include "sim.h"

#include "store/table/table.h"

enum {
    ROWS = 40,       /* of the first table */
    MAX_TABLES = 64, /* ever created in a run */
    MAX_COMMITS = 600,
    ACCOUNTS = 12,
    AMOUNT = 100,
    THREADS = 3,
};
enum {
    COLUMN_ID,
    COLUMN_NUMBER,
    COLUMN_TEXT,
    COLUMN_COUNT
};

typedef struct model {
    bool exists[MAX_TABLES];
    int64_t numbers[MAX_TABLES][ROWS]; /* 0: no row */
} model;

typedef struct run {
    sim_report *report;
    os_sim *sim;
    base_budget budget; /* of the machine */
    os_runtime *runtime;
    table_database *database;
    base_allocator allocator;
    uint64_t allocation_calls, allocation_fails_at; /* 0: never */
    bool failing;                                   /* errors are no defects */
    bool lossy_mode;
    table_sync_mode mode;
    uint64_t random;
    uint32_t steps, tear_modes;
    uint64_t cuts;

    uint64_t ids[MAX_TABLES];
    uint32_t table_count; /* ever created */
    model committed, pending;
    model uncertain; /* with a commit that failed: a reopening may find it */
    bool is_uncertain;
    uint64_t prints[MAX_COMMITS]; /* fingerprint after commit i */
    uint32_t begun, acknowledged; /* commits */
    uint64_t next_number;
} run;

static void BASE_PRINTF(1, 2) trace(const char *format, ...)
{
    if (!getenv("TUFF_SIM_TRACE"))
        return;
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
}

static uint64_t draw(run *self, uint64_t below)
{
    self->random = base_hash_u64(self->random + 1);
    return self->random % below;
}

/* ---- Fingerprints ------------------------------------------------------------------------- */

static uint64_t row_print(uint64_t id, int64_t rowid, int64_t number)
{
    return base_hash_combine(base_hash_combine(id, (uint64_t)rowid), (uint64_t)number);
}

static uint64_t model_print(const run *self, const model *what)
{
    uint64_t print = 0;
    for (uint32_t t = 0; t < self->table_count; t++) {
        if (!what->exists[t])
            continue;
        print += base_hash_u64(self->ids[t]);
        for (int64_t r = 0; r < ROWS; r++) {
            if (what->numbers[t][r])
                print += row_print(self->ids[t], r + 1, what->numbers[t][r]);
        }
    }
    return print;
}

static void make_cells(int64_t number, types_cell *cells, bool *nulls, char text[64])
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

static base_status scan_table(run *self, txn_transaction *transaction, uint64_t id, uint64_t *print,
                              int64_t *sum, base_error *error)
{
    uint32_t columns[] = {TABLE_ROWID, COLUMN_NUMBER, COLUMN_TEXT};
    types_type types[] = {TYPES_OF(INTEGER), TYPES_OF(INTEGER), TYPES_OF(TEXT)};
    table_scan_options options = {
        .columns = columns, .column_count = 3, .first_rowid = INT64_MIN, .last_rowid = INT64_MAX};
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

static base_status database_print(run *self, uint64_t *print, int64_t *sum, base_error *error)
{
    txn_transaction *transaction;
    *print = 0;
    *sum = 0;
    RETURN_IF_ERROR(table_begin(self->database, TXN_SNAPSHOT, true, &transaction, error));
    base_status status = BASE_OK;
    for (uint32_t t = 0; t < self->table_count && status == BASE_OK; t++) {
        status = scan_table(self, transaction, self->ids[t], print, sum, error);
        if (status == BASE_UNDEFINED_TABLE)
            status = BASE_OK;
    }
    table_rollback(transaction);
    return status;
}

/* ---- Opening and closing ----------------------------------------------------------------------- */

static bool refuses(run *self)
{
    return ++self->allocation_calls == self->allocation_fails_at;
}
static void *allocate(void *context, size_t size)
{
    return refuses(context) ? NULL : malloc(size);
}
static void *reallocate(void *context, void *block, size_t old_size, size_t new_size)
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

static base_status open_database(run *self, uint32_t workers, base_error *error)
{
    self->allocator = (base_allocator){allocate, reallocate, release, self};
    os_runtime_options options = {.allocator = &self->allocator, .worker_count = workers};
    self->database = NULL;
    self->runtime = NULL;
    RETURN_IF_ERROR(
        os_runtime_create(os_sim_environment(self->sim), &options, &self->runtime, error));
    table_options how;
    table_options_default(&how);
    how.sync_mode = self->mode;
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

static void close_database(run *self)
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

static void check_integrity(run *self)
{
    base_error error;
    base_error_clear(&error);
    base_status status =
        table_check_integrity(self->database, report_problem, self->report, &error);
    sim_expect(self->report, status == BASE_OK, "integrity check: %s", error.message);
}

/* ---- After a crash ------------------------------------------------------------------------------- */

static void verify(const run *before, os_sim *disk, bool lossy, int depth);

typedef struct recovery_cut {
    const run *before;
    os_sim *disk;
    uint64_t at;
    bool lossy;
    int depth;
} recovery_cut;

static void cut_recovery(void *context, uint64_t number)
{
    recovery_cut *self = context;
    os_sim *after;
    if (number != self->at ||
        os_sim_crash(self->disk, OS_SIM_TEAR_512, number, &after, NULL) != BASE_OK)
        return;
    verify(self->before, after, self->lossy, self->depth + 1);
    os_sim_destroy(after);
}

static void verify(const run *before, os_sim *disk, bool lossy, int depth)
{
    run self = {.report = before->report, .sim = disk, .table_count = before->table_count};
    memcpy(self.ids, before->ids, sizeof self.ids);
    base_error error;
    base_error_clear(&error);
    recovery_cut cut = {before, disk, 1 + os_sim_random(disk) % 9, lossy, depth};
    /* The cut may fall into the opening, or into the checkpoint at close. */
    if (depth < 2)
        os_sim_on_change(disk, cut_recovery, &cut);
    base_status status = open_database(&self, 0, &error);
    if (!sim_expect(self.report, status == BASE_OK, "a crash at commit %u: %s", before->begun,
                    error.message))
        return;
    for (int round = 0; round < 2; round++) {
        uint64_t print;
        int64_t sum;
        status = database_print(&self, &print, &sum, &error);
        sim_expect(self.report, status == BASE_OK, "reading after a crash: %s", error.message);
        uint32_t first = lossy ? 0 : before->acknowledged;
        bool found = false;
        for (uint32_t i = first; i <= before->begun; i++)
            found |= before->prints[i] == print;
        sim_expect(self.report, found,
                   "%s: not the state after any commit from %u to %u (depth %d)",
                   round ? "reopened" : "recovered", first, before->begun, depth);
        check_integrity(&self);
        close_database(&self);
        if (round == 0 && open_database(&self, 0, &error) != BASE_OK) {
            sim_expect(self.report, false, "opening again: %s", error.message);
            return;
        }
    }
}

static void cut_now(void *context, uint64_t number)
{
    run *self = context;
    os_thread_hooks *hooks = sim_step_out();
    for (uint32_t i = 0; i < self->tear_modes; i++) {
        os_sim *after;
        os_sim_tear tear = (os_sim_tear)((number + i) % 4);
        if (os_sim_crash(self->sim, tear, self->report->seed * 999983 + number * 5 + i, &after,
                         NULL) != BASE_OK)
            continue;
        verify(self, after, self->mode != TABLE_SYNC_FULL && tear != OS_SIM_KEEP_ALL, 0);
        os_sim_destroy(after);
        self->cuts++;
    }
    sim_step_in(hooks);
}

/* ---- One thread's work ------------------------------------------------------------------------------ */

static base_status create_table(run *self, txn_transaction *transaction, base_error *error)
{
    if (self->table_count == MAX_TABLES)
        return BASE_OK;
    table_column columns[COLUMN_COUNT] = {
        {.type = TYPES_OF(INTEGER), .missing = types_null_of(TYPES_OF(INTEGER))},
        {.type = TYPES_OF(INTEGER), .missing = types_null_of(TYPES_OF(INTEGER))},
        {.type = TYPES_OF(TEXT), .missing = types_null_of(TYPES_OF(TEXT))},
    };
    table_descriptor descriptor = {
        .column_count = COLUMN_COUNT, .columns = columns, .rowid_column = COLUMN_ID};
    uint64_t id, index_id;
    RETURN_IF_ERROR(table_create(transaction, &descriptor, &id, error));
    table_index_part parts[] = {{.column = COLUMN_NUMBER}, {.column = COLUMN_TEXT}};
    table_index_descriptor index = {
        .relation_id = id, .unique = true, .part_count = 1, .parts = parts};
    RETURN_IF_ERROR(table_index_create(transaction, &index, &index_id, error));
    index = (table_index_descriptor){.relation_id = id, .part_count = 2, .parts = parts};
    RETURN_IF_ERROR(table_index_create(transaction, &index, &index_id, error));
    uint32_t t = 0; /* the id of a creation that was rolled back may come again */
    while (t < self->table_count && self->ids[t] != id)
        t++;
    if (t == self->table_count)
        self->ids[self->table_count++] = id;
    sim_expect(self->report, !self->pending.exists[t], "id %llu was given twice",
               (unsigned long long)id);
    memset(self->pending.numbers[t], 0, sizeof self->pending.numbers[t]);
    self->pending.exists[t] = true;
    trace("  create %llu\n", (unsigned long long)id);
    return BASE_OK;
}

static base_status change_row(run *self, txn_transaction *transaction, table_relation *relation,
                              int64_t *number, int64_t rowid, base_error *error)
{
    types_cell cells[COLUMN_COUNT];
    bool nulls[COLUMN_COUNT];
    char text[64];
    table_conflict conflict;
    int64_t fresh = (int64_t)++self->next_number;
    make_cells(fresh, cells, nulls, text);
    if (*number == 0) {
        RETURN_IF_ERROR(
            table_insert_row(transaction, relation, cells, nulls, &rowid, false, &conflict, error));
    } else if (draw(self, 3) == 0) {
        fresh = 0;
        RETURN_IF_ERROR(table_delete_row(transaction, relation, rowid, error));
    } else {
        uint32_t columns[] = {COLUMN_NUMBER, COLUMN_TEXT};
        RETURN_IF_ERROR(table_update_row(transaction, relation, rowid, columns, 2, cells + 1,
                                         nulls + 1, &conflict, error));
    }
    trace("  row %lld: %lld -> %lld\n", (long long)rowid, (long long)*number, (long long)fresh);
    *number = fresh;
    return BASE_OK;
}

/* Any of the tables there are; MAX_TABLES: none. */
static uint32_t pick_table(run *self)
{
    uint32_t chosen = MAX_TABLES, count = 0;
    for (uint32_t t = 0; t < self->table_count; t++) {
        if (self->pending.exists[t] && draw(self, ++count) == 0)
            chosen = t;
    }
    return chosen;
}

/* A statement: some rows of one table, or a definition. */
static base_status statement(run *self, txn_transaction *transaction, base_error *error)
{
    uint64_t kind = draw(self, 40);
    uint32_t t = pick_table(self);
    if (kind == 0 || t == MAX_TABLES)
        return create_table(self, transaction, error);
    if (kind == 1) {
        trace("  drop %llu\n", (unsigned long long)self->ids[t]);
        RETURN_IF_ERROR(table_drop(transaction, self->ids[t], error));
        self->pending.exists[t] = false;
        return BASE_OK;
    }
    if (kind == 2) {
        trace("  truncate %llu\n", (unsigned long long)self->ids[t]);
        RETURN_IF_ERROR(table_truncate(transaction, self->ids[t], error));
        memset(self->pending.numbers[t], 0, sizeof self->pending.numbers[t]);
        return BASE_OK;
    }
    table_relation *relation;
    RETURN_IF_ERROR(table_acquire(transaction, self->ids[t], &relation, error));
    base_status status = BASE_OK;
    for (uint64_t i = 1 + draw(self, 6); i > 0 && status == BASE_OK; i--) {
        int64_t place = (int64_t)draw(self, ROWS);
        status = change_row(self, transaction, relation, &self->pending.numbers[t][place],
                            place + 1, error);
    }
    table_release(relation);
    return status;
}

static base_status transaction_body(run *self, txn_transaction *transaction, base_error *error)
{
    for (uint64_t i = 1 + draw(self, 4); i > 0; i--) {
        table_statement_start(transaction);
        txn_mark mark = table_get_mark(transaction);
        model before = self->pending;
        RETURN_IF_ERROR(statement(self, transaction, error));
        if (draw(self, 5) == 0) {
            trace("  back\n");
            table_rollback_to(transaction, mark);
            self->pending = before;
        }
    }
    return BASE_OK;
}

static base_status one_transaction(run *self, base_error *error)
{
    txn_transaction *transaction;
    self->pending = self->committed;
    RETURN_IF_ERROR(table_begin(self->database, draw(self, 2) ? TXN_SNAPSHOT : TXN_READ_COMMITTED,
                                false, &transaction, error));
    base_status status = transaction_body(self, transaction, error);
    if (status != BASE_OK || draw(self, 6) == 0) {
        trace("rollback\n");
        table_rollback(transaction);
        return status;
    }
    if (!txn_has_writes(transaction))
        return table_commit(transaction, error); /* says nothing about the log */
    trace("commit %u\n", self->begun + 1);
    self->prints[self->begun + 1] = model_print(self, &self->pending);
    self->begun++;
    status = table_commit(transaction, error);
    if (status == BASE_OK) {
        self->acknowledged = self->begun;
        self->committed = self->pending;
        self->is_uncertain = false;
    }
    return status;
}

/* After a reopening: was the commit that failed in the log after all? */
static base_status settle_uncertain(run *self, base_error *error)
{
    uint64_t print;
    int64_t sum;
    if (!self->is_uncertain)
        return BASE_OK;
    RETURN_IF_ERROR(database_print(self, &print, &sum, error));
    if (print == model_print(self, &self->uncertain)) {
        self->committed = self->uncertain;
        self->prints[self->begun + 1] = print;
        self->begun++;
    }
    self->is_uncertain = false;
    return BASE_OK;
}

/* A commit that failed may or may not be found later; what this process sees is without it. */
static base_status step(run *self, base_error *error)
{
    uint64_t kind = draw(self, 16);
    if (kind == 0) {
        trace("checkpoint\n");
        return table_checkpoint(self->database, error);
    }
    if (kind == 1) {
        trace("reopen\n");
        close_database(self);
        RETURN_IF_ERROR(open_database(self, 0, error));
        return settle_uncertain(self, error);
    }
    uint32_t begun = self->begun;
    base_status status = one_transaction(self, error);
    if (status != BASE_OK && self->begun > begun) {
        if (!self->is_uncertain) /* later ones do not reach a log that has failed */
            self->uncertain = self->pending;
        self->is_uncertain = true;
        /* Only as the last one: whatever commits later comes without it. */
        self->prints[self->begun + 1] = model_print(self, &self->committed);
        self->begun++;
    }
    if (status != BASE_OK)
        trace("failed: %s\n", error->message);
    return status;
}

static void expect_model(run *self)
{
    uint64_t print;
    int64_t sum;
    base_error error;
    base_error_clear(&error);
    base_status status = database_print(self, &print, &sum, &error);
    if (status == BASE_OUT_OF_MEMORY && self->failing)
        return;
    if (status == BASE_OK || !self->failing)
        sim_expect(self->report, status == BASE_OK && print == model_print(self, &self->committed),
                   "the open database is not at its last commit: %s", error.message);
}

static void work_alone(run *self)
{
    base_error error;
    base_error_clear(&error);
    base_status status = open_database(self, 0, &error);
    sim_expect(self->report, status == BASE_OK || self->failing, "open: %s", error.message);
    for (uint32_t i = 0; i < self->steps && self->database; i++) {
        base_error_clear(&error);
        status = step(self, &error);
        sim_expect(self->report, status == BASE_OK || self->failing, "step %u: %s %s", i,
                   base_status_name(status), error.message);
        if (status != BASE_OK && self->database)
            expect_model(self);
    }
    if (self->database && !self->failing) {
        expect_model(self);
        check_integrity(self);
    }
    close_database(self);
}

static void start_run(run *self, sim_report *report, uint64_t seed)
{
    memset(self, 0, sizeof *self);
    report->seed = seed;
    self->report = report;
    self->random = base_hash_u64(seed);
    base_budget_init(&self->budget, NULL, &base_libc_allocator, "machine", SIZE_MAX);
    if (os_sim_create(&self->budget, seed, &self->sim, NULL) != BASE_OK) {
        printf("no memory\n");
        exit(1);
    }
}

static void end_run(run *self)
{
    os_sim_destroy(self->sim);
    sim_expect(self->report, atomic_load(&self->budget.used) == 0, "the machine's memory is left");
}

/* ---- Threads -------------------------------------------------------------------------------------------- */

static base_status set_account(txn_transaction *transaction, table_relation *relation,
                               int64_t rowid, int64_t number, base_error *error)
{
    types_cell cells[COLUMN_COUNT];
    bool nulls[COLUMN_COUNT];
    char text[64];
    table_conflict conflict;
    uint32_t columns[] = {COLUMN_NUMBER, COLUMN_TEXT};
    make_cells(number, cells, nulls, text);
    return table_update_row(transaction, relation, rowid, columns, 2, cells + 1, nulls + 1,
                            &conflict, error);
}

static base_status read_account(run *self, txn_transaction *transaction, table_relation *relation,
                                int64_t rowid, int64_t *number, base_error *error)
{
    uint32_t column = COLUMN_NUMBER;
    types_cell cell;
    bool null;
    base_arena heap;
    base_arena_init(&heap, table_database_budget(self->database));
    base_status status =
        table_read_row(transaction, relation, rowid, &column, 1, &cell, &null, &heap, error);
    if (status == BASE_OK)
        *number = cell.int64;
    base_arena_destroy(&heap);
    return status;
}

static base_status transfer(run *self, uint64_t random, base_error *error)
{
    txn_transaction *transaction;
    table_relation *relation;
    int64_t from = 1 + (int64_t)(random % ACCOUNTS), to = 1 + (int64_t)(random / 16 % ACCOUNTS);
    int64_t amount = (int64_t)(random >> 40) % 10, left = 0, right = 0;
    if (from == to)
        return BASE_OK;
    RETURN_IF_ERROR(table_begin(self->database, TXN_SNAPSHOT, false, &transaction, error));
    base_status status = table_acquire(transaction, self->ids[0], &relation, error);
    if (status != BASE_OK) {
        table_rollback(transaction);
        return status;
    }
    status = read_account(self, transaction, relation, from, &left, error);
    if (status == BASE_OK)
        status = read_account(self, transaction, relation, to, &right, error);
    if (status == BASE_OK)
        status = set_account(transaction, relation, from, left - amount, error);
    if (status == BASE_OK)
        status = set_account(transaction, relation, to, right + amount, error);
    table_release(relation);
    if (status == BASE_OK)
        return table_commit(transaction, error);
    table_rollback(transaction);
    return status;
}

typedef struct worker {
    run *run;
    uint64_t random;
    uint32_t done;
} worker;

static bool is_conflict(base_status status)
{
    return status == BASE_SERIALIZATION || status == BASE_DEADLOCK || status == BASE_LOCK_TIMEOUT ||
           status == BASE_RESTART;
}

static void transfer_many(void *argument)
{
    worker *self = argument;
    for (uint32_t i = 0; i < self->run->steps; i++) {
        base_error error;
        base_error_clear(&error);
        self->random = base_hash_u64(self->random + i);
        base_status status = transfer(self->run, self->random, &error);
        self->done += status == BASE_OK;
        sim_expect(self->run->report, status == BASE_OK || is_conflict(status), "transfer: %s %s",
                   base_status_name(status), error.message);
    }
}

static void expect_sum(run *self, bool may_be_empty, const char *when)
{
    uint64_t print;
    int64_t sum;
    base_error error;
    base_error_clear(&error);
    base_status status = database_print(self, &print, &sum, &error);
    bool right = sum == ACCOUNTS * AMOUNT || (may_be_empty && sum == 0);
    sim_expect(self->report, status == BASE_OK && right, "%s: the sum is %lld %s", when,
               (long long)sum, error.message);
}

static base_status make_accounts(run *self, base_error *error)
{
    txn_transaction *transaction;
    table_relation *relation;
    RETURN_IF_ERROR(table_begin(self->database, TXN_READ_COMMITTED, false, &transaction, error));
    table_column columns[COLUMN_COUNT] = {
        {.type = TYPES_OF(INTEGER), .missing = types_null_of(TYPES_OF(INTEGER))},
        {.type = TYPES_OF(INTEGER), .missing = types_null_of(TYPES_OF(INTEGER))},
        {.type = TYPES_OF(TEXT), .missing = types_null_of(TYPES_OF(TEXT))},
    };
    table_descriptor descriptor = {
        .column_count = COLUMN_COUNT, .columns = columns, .rowid_column = COLUMN_ID};
    uint64_t index_id;
    RETURN_IF_ERROR(table_create(transaction, &descriptor, &self->ids[0], error));
    self->table_count = 1;
    table_index_part part = {.column = COLUMN_NUMBER};
    table_index_descriptor index = {.relation_id = self->ids[0], .part_count = 1, .parts = &part};
    RETURN_IF_ERROR(table_index_create(transaction, &index, &index_id, error));
    RETURN_IF_ERROR(table_acquire(transaction, self->ids[0], &relation, error));
    for (int64_t rowid = 1; rowid <= ACCOUNTS; rowid++) {
        types_cell cells[COLUMN_COUNT];
        bool nulls[COLUMN_COUNT];
        char text[64];
        table_conflict conflict;
        make_cells(AMOUNT, cells, nulls, text);
        RETURN_IF_ERROR(
            table_insert_row(transaction, relation, cells, nulls, &rowid, false, &conflict, error));
    }
    table_release(relation);
    return table_commit(transaction, error);
}

/* The database of a crash among threads: whole transfers only. */
static void cut_among_threads(void *context, uint64_t number)
{
    run *before = context;
    if (!before->table_count || base_hash_u64(number + before->report->seed) % 8 != 0)
        return;
    os_thread_hooks *hooks = sim_step_out();
    os_sim *after;
    if (os_sim_crash(before->sim, (os_sim_tear)(number % 4), number, &after, NULL) == BASE_OK) {
        run self = {.report = before->report, .sim = after, .table_count = 1};
        self.ids[0] = before->ids[0];
        base_error error;
        base_error_clear(&error);
        base_status status = open_database(&self, 0, &error);
        if (sim_expect(self.report, status == BASE_OK, "a crash among threads: %s",
                       error.message)) {
            bool lossy = before->mode != TABLE_SYNC_FULL && number % 4 != OS_SIM_KEEP_ALL;
            expect_sum(&self, lossy || !before->acknowledged, "after a crash");
            check_integrity(&self);
            close_database(&self);
        }
        os_sim_destroy(after);
        before->cuts++;
    }
    sim_step_in(hooks);
}

static void work_in_threads(void *argument)
{
    run *self = argument;
    base_error error;
    base_error_clear(&error);
    base_status status = open_database(self, 1, &error);
    if (status == BASE_OK)
        status = make_accounts(self, &error);
    if (!sim_expect(self->report, status == BASE_OK, "start: %s", error.message))
        return;
    self->acknowledged = 1;
    os_thread *threads[THREADS];
    worker workers[THREADS];
    uint32_t started = 0, done = 0;
    for (; started < THREADS; started++) {
        workers[started] = (worker){self, base_hash_u64(self->random + started), 0};
        if (os_thread_start(&self->budget, transfer_many, &workers[started], &threads[started],
                            &error) != BASE_OK)
            break;
    }
    for (int i = 0; i < 2; i++) {
        status = table_checkpoint(self->database, &error);
        sim_expect(self->report, status == BASE_OK, "checkpoint: %s", error.message);
        expect_sum(self, false, "beside writers");
    }
    for (uint32_t i = 0; i < started; i++) {
        os_thread_join(threads[i]);
        done += workers[i].done;
    }
    sim_expect(self->report, done > 0, "no transfer succeeded");
    expect_sum(self, false, "at the end");
    check_integrity(self);
    close_database(self);
}

/* ---- Parts ------------------------------------------------------------------------------------------------ */

static uint64_t cuts_in_sequence(sim_report *report)
{
    uint64_t cuts = 0;
    report->part = "cuts at every change";
    for (uint64_t i = 0, seed = sim_first_seed(); i < sim_seed_count(10); i++, seed++) {
        static run self;
        start_run(&self, report, seed);
        self.mode = (table_sync_mode)(seed % 5 == 4 ? seed % 2 + 1 : TABLE_SYNC_FULL);
        self.steps = 50;
        self.tear_modes = 2;
        os_sim_on_change(self.sim, cut_now, &self);
        work_alone(&self);
        cuts += self.cuts;
        end_run(&self);
    }
    return cuts;
}

static uint64_t schedules(sim_report *report)
{
    uint64_t count = sim_seed_count(2000), cuts = 0;
    for (uint64_t i = 0, seed = sim_first_seed(); i < count; i++, seed++) {
        static run self;
        os_sim_result result;
        base_error error;
        base_error_clear(&error);
        report->part = "schedules";
        start_run(&self, report, seed);
        self.mode = (table_sync_mode)(seed % 3);
        self.steps = 6;
        if (seed % 16 == 0)
            os_sim_on_change(self.sim, cut_among_threads, &self);
        base_status status = os_sim_run(self.sim, seed, 0, work_in_threads, &self, &result, &error);
        if (!sim_expect(report, status == BASE_OK, "%s", error.message))
            exit(sim_finish(report));
        cuts += self.cuts;
        end_run(&self);
    }
    printf("power cuts among threads:  %llu\n", (unsigned long long)cuts);
    return count;
}

static void verify_after_failure(run *self, uint64_t at)
{
    os_sim *after;
    os_sim_fail(self->sim, 0, BASE_OK, false);
    if (os_sim_crash(self->sim, (os_sim_tear)(at % 2), at, &after, NULL) == BASE_OK) {
        verify(self, after, false, 2);
        os_sim_destroy(after);
    }
}

static uint64_t failed_calls(sim_report *report)
{
    static char part[64];
    uint64_t reached = 0;
    report->part = part;
    for (int kind = 0; kind < 4; kind++) {
        for (uint64_t at = 1;; at++) {
            static run self;
            snprintf(part, sizeof part, "failed call %llu (kind %d)", (unsigned long long)at, kind);
            start_run(&self, report, sim_first_seed());
            self.steps = 40;
            self.failing = true;
            os_sim_fail(self.sim, at, kind % 2 ? BASE_DISK_FULL : BASE_IO_ERROR, kind >= 2);
            trace("-- %s\n", part);
            work_alone(&self);
            bool was = os_sim_has_failed(self.sim);
            verify_after_failure(&self, at);
            end_run(&self);
            reached += was;
            if (!was)
                break;
        }
    }
    return reached;
}

static uint64_t failed_allocations(sim_report *report)
{
    static char part[64];
    uint64_t reached = 0;
    report->part = part;
    for (uint64_t at = 1;; at++) {
        static run self;
        snprintf(part, sizeof part, "failed allocation %llu", (unsigned long long)at);
        start_run(&self, report, sim_first_seed());
        self.steps = 40;
        self.failing = true;
        self.allocation_fails_at = at;
        trace("-- %s\n", part);
        work_alone(&self);
        bool was = self.allocation_calls >= at;
        verify_after_failure(&self, at);
        end_run(&self);
        reached += was;
        if (!was)
            break;
    }
    return reached;
}

int main(void)
{
    sim_report report = {0};
    printf("power cuts, one thread:    %llu\n", (unsigned long long)cuts_in_sequence(&report));
    printf("thread schedules:          %llu\n", (unsigned long long)schedules(&report));
    printf("failed calls:              %llu\n", (unsigned long long)failed_calls(&report));
    printf("failed allocations:        %llu\n", (unsigned long long)failed_allocations(&report));
    return sim_finish(&report);
}
