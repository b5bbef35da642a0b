/*
 * sim_table.c - the storage layer under power cuts, failed calls, failed allocations and
 * schedules, through table.h.
 *
 * The model is a list of fingerprints: what the database holds after each commit, summed over
 * tables and rows. After a crash the database must hold exactly what it did after some
 * commit: not before the last acknowledged one (in full mode), not after the last begun.
 * Threads are in sim_threads.c.
 */
#include "actions.h"

/* ---- One thread's work ----------------------------------------------------------------------- */

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

/* All places of the table that are free, in order or not. */
static base_status load_free_rows(run *self, txn_transaction *transaction, uint32_t t,
                                  base_error *error)
{
    uint32_t places[ROWS], count = 0, step = 1 + (uint32_t)draw(self, ROWS);
    bool shuffled = draw(self, 2);
    for (uint32_t place = 0; place < ROWS; place++) {
        if (self->pending.numbers[t][place])
            continue;
        uint32_t to = shuffled ? (uint32_t)draw(self, count + 1) : count;
        places[count++] = places[to];
        places[to] = place;
    }
    return load_rows(self, transaction, t, places, count, step, error);
}

/* A statement: some rows of one table, or a definition. */
static base_status statement(run *self, txn_transaction *transaction, base_error *error)
{
    uint64_t kind = draw(self, 40);
    uint32_t t = pick_table(self);
    if (kind == 0 || t == MAX_TABLES)
        return create_table(self, transaction, draw(self, 3) > 0, error);
    if (kind == 1)
        return drop_table(self, transaction, t, error);
    if (kind == 2)
        return truncate_table(self, transaction, t, error);
    if (kind == 6)
        return rebuild_index(self, transaction, t, (uint32_t)draw(self, 2), error);
    if (kind < 6)
        RETURN_IF_ERROR(load_free_rows(self, transaction, t, error));
    for (uint64_t i = 1 + draw(self, 6); i > 0; i--) {
        uint32_t place = (uint32_t)draw(self, ROWS);
        RETURN_IF_ERROR(draw(self, 3) == 0 ? remove_row(self, transaction, t, place, error)
                                           : put_row(self, transaction, t, place, error));
    }
    return BASE_OK;
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
    RETURN_IF_ERROR(
        begin_run(self, draw(self, 2) ? TXN_SNAPSHOT : TXN_READ_COMMITTED, &transaction, error));
    base_status status = transaction_body(self, transaction, error);
    if (status != BASE_OK || draw(self, 6) == 0) {
        trace("rollback\n");
        table_rollback(transaction);
        return status;
    }
    return commit_run(self, transaction, error);
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
        note_commit(self, ++self->begun, &self->committed);
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
    if (kind == 2) {
        trace("compact\n");
        return table_compact(self->database, error);
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
        note_commit(self, ++self->begun, &self->committed);
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
        check_past(self, self, self->begun, self->history_retention < 0);
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
        self.seal_rows = seed % 4 ? 5 : 0;
        if (seed % 7 == 3)
            self.history_retention = seed % 2 * 20;
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
            self.failing = self.may_lose_history = true;
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
        self.failing = self.may_lose_history = true;
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
