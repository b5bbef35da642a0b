/*
 * sim_table.c - the storage layer under power cuts, failed calls, failed allocations and
 * schedules, through table.h.
 *
 * The model is a list of fingerprints: what the database holds after each commit, summed over
 * tables and rows. After a crash the database must hold exactly what it did after some
 * commit: not before the last acknowledged one (in full mode), not after the last begun.
 * Threads are in sim_threads.c.
 */
#include "store.h"

/* ---- After a crash --------------------------------------------------------------------------- */

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
    self.seal_rows = before->seal_rows;
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

/* ---- One thread's work ----------------------------------------------------------------------- */

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
    bool indexed = draw(self, 3) > 0;
    table_index_part parts[] = {{.column = COLUMN_NUMBER}, {.column = COLUMN_TEXT}};
    table_index_descriptor index = {
        .relation_id = id, .unique = true, .part_count = 1, .parts = parts};
    if (indexed)
        RETURN_IF_ERROR(table_index_create(transaction, &index, &index_id, error));
    index = (table_index_descriptor){.relation_id = id, .part_count = 2, .parts = parts};
    if (indexed)
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

static base_status load_chunk(run *self, table_loader *loader, vector_chunk *chunk,
                              const int64_t *places, uint32_t count, int64_t *numbers,
                              base_error *error)
{
    static char texts[ROWS][64];
    int64_t rowids[ROWS];
    table_conflict conflict;
    vector_chunk_reset(chunk);
    for (uint32_t i = 0; i < count; i++) {
        types_cell cells[COLUMN_COUNT];
        bool nulls[COLUMN_COUNT];
        int64_t fresh = (int64_t)++self->next_number;
        make_cells(fresh, cells, nulls, texts[i]);
        rowids[i] = places[i] + 1;
        numbers[places[i]] = fresh;
        for (uint32_t c = 1; c < COLUMN_COUNT; c++) {
            types_value value = {chunk->columns[c].type, nulls[c], cells[c]};
            if (nulls[c])
                vector_set_null(&chunk->columns[c], i);
            else
                vector_put(&chunk->columns[c], i, &value);
        }
    }
    chunk->count = count;
    return table_loader_append(loader, chunk, rowids, false, &conflict, error);
}

/* All places of the table that are free are loaded, in order or not. */
static base_status load_rows(run *self, txn_transaction *transaction, table_relation *relation,
                             int64_t *numbers, base_error *error)
{
    static const types_type types[] = {TYPES_OF(INTEGER), TYPES_OF(INTEGER), TYPES_OF(TEXT)};
    int64_t places[ROWS];
    uint32_t count = 0, step = 1 + (uint32_t)draw(self, ROWS);
    bool shuffled = draw(self, 2);
    table_conflict conflict;
    table_loader *loader;
    vector_chunk chunk;
    for (int64_t place = 0; place < ROWS; place++) {
        if (numbers[place])
            continue;
        uint32_t to = shuffled ? (uint32_t)draw(self, count + 1) : count;
        places[count++] = places[to];
        places[to] = place;
    }
    trace("  load %u rows by %u%s\n", count, step, shuffled ? ", shuffled" : "");
    RETURN_IF_ERROR(vector_chunk_init(&chunk, table_database_budget(self->database), types,
                                      COLUMN_COUNT, error));
    base_status status = table_loader_create(transaction, relation, &loader, error);
    if (status != BASE_OK)
        loader = NULL;
    for (uint32_t i = 0; i < count && status == BASE_OK; i += step)
        status =
            load_chunk(self, loader, &chunk, places + i, BASE_MIN(step, count - i), numbers, error);
    if (status == BASE_OK)
        status = table_loader_finish(loader, &conflict, error);
    table_loader_destroy(loader);
    vector_chunk_destroy(&chunk);
    return status;
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
    if (kind < 6)
        status = load_rows(self, transaction, relation, self->pending.numbers[t], error);
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

/* ---- Parts ----------------------------------------------------------------------------------- */

static uint64_t cuts_in_sequence(sim_report *report)
{
    uint64_t cuts = 0;
    report->part = "cuts at every change";
    for (uint64_t i = 0, seed = sim_first_seed(); i < sim_seed_count(10); i++, seed++) {
        static run self;
        start_run(&self, report, seed);
        self.mode = (table_sync_mode)(seed % 5 == 4 ? seed % 2 + 1 : TABLE_SYNC_FULL);
        self.steps = 50;
        self.seal_rows = seed % 2 ? 5 : 0;
        self.tear_modes = 2;
        os_sim_on_change(self.sim, cut_now, &self);
        work_alone(&self);
        cuts += self.cuts;
        end_run(&self);
    }
    return cuts;
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
            self.seal_rows = 5;
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
        self.seal_rows = 5;
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
    printf("failed calls:              %llu\n", (unsigned long long)failed_calls(&report));
    printf("failed allocations:        %llu\n", (unsigned long long)failed_allocations(&report));
    return sim_finish(&report);
}
