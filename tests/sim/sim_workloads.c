/*
 * sim_workloads.c - eleven scripted workloads, each cut, failed and starved at every place.
 *
 * A script is run once to its end, and at every write, sync, rename and the like the power is cut
 * in four ways (nothing unsynced survives; all does; pieces of 512 and of 4,096 bytes do). Each
 * disk that may be left is opened and must hold the state after a commit that was begun, and
 * not before the last acknowledged one. Then the script is run with each call of the system, and
 * with each allocation, failing once, and with the process dying at each call: the error is
 * passed on, and what is on the disk is such a state again. The database goes on or is opened
 * again on the same machine, checkpoints, and no space is left loose; then the power is cut there,
 * too: what the process before could not sync nobody may have relied on.
 *
 * Where random steps (sim_table.c) find what nobody thought of, scripts make sure that what we
 * did think of is run: that seals, merges and key runs happened is asserted.
 */
#include "actions.h"
#include "store/cache/cache_int.h"
#include "store/table/table_int.h"

typedef struct script {
    run *run;
    txn_transaction *transaction; /* NULL: none is open */
    base_error *error;
} script;

/* ---- Words of the scripts -------------------------------------------------------------------- */

static base_status begin(script *self)
{
    return begin_run(self->run, TXN_READ_COMMITTED, &self->transaction, self->error);
}

static base_status commit(script *self)
{
    txn_transaction *transaction = self->transaction;
    self->transaction = NULL;
    return commit_run(self->run, transaction, self->error);
}

static base_status put(script *self, uint32_t t, uint32_t first, uint32_t count)
{
    for (uint32_t place = first; place < first + count; place++)
        RETURN_IF_ERROR(put_row(self->run, self->transaction, t, place, self->error));
    return BASE_OK;
}

static base_status take(script *self, uint32_t t, uint32_t first, uint32_t count)
{
    for (uint32_t place = first; place < first + count; place++)
        RETURN_IF_ERROR(remove_row(self->run, self->transaction, t, place, self->error));
    return BASE_OK;
}

/* A transaction that puts rows. */
static base_status put_alone(script *self, uint32_t t, uint32_t first, uint32_t count)
{
    RETURN_IF_ERROR(begin(self));
    RETURN_IF_ERROR(put(self, t, first, count));
    return commit(self);
}

static base_status take_alone(script *self, uint32_t t, uint32_t first, uint32_t count)
{
    RETURN_IF_ERROR(begin(self));
    RETURN_IF_ERROR(take(self, t, first, count));
    return commit(self);
}

static base_status create_with(script *self, bool indexed)
{
    RETURN_IF_ERROR(begin(self));
    RETURN_IF_ERROR(create_table(self->run, self->transaction, indexed, self->error));
    return commit(self);
}

static base_status create(script *self)
{
    return create_with(self, true);
}

static base_status checkpoint(script *self)
{
    return table_checkpoint(self->run->database, self->error);
}

static base_status reopen(script *self)
{
    close_database(self->run);
    return open_database(self->run, 0, self->error);
}

static void count_part(void *context, const table_part_info *info)
{
    uint64_t *volumes = context;
    *volumes += strcmp(info->tier, "cold") == 0;
}

static base_status count_volumes(script *self, uint64_t *volumes)
{
    txn_transaction *transaction;
    table_relation *relation;
    *volumes = 0;
    RETURN_IF_ERROR(
        table_begin(self->run->database, TXN_READ_COMMITTED, true, &transaction, self->error));
    base_status status = table_acquire(transaction, self->run->ids[0], &relation, self->error);
    if (status == BASE_OK) {
        table_list_parts(relation, count_part, volumes);
        table_release(relation);
    }
    table_rollback(transaction);
    return status;
}

/* The first table lies in that many volumes, or the script does not do what it says. */
static base_status expect_volumes(script *self, uint64_t least, uint64_t most)
{
    uint64_t volumes;
    if (self->run->failing)
        return BASE_OK; /* a seal or merge that fails is put off */
    RETURN_IF_ERROR(count_volumes(self, &volumes));
    sim_expect(self->run->report, volumes >= least && volumes <= most,
               "%llu volumes, expected %llu to %llu", (unsigned long long)volumes,
               (unsigned long long)least, (unsigned long long)most);
    return BASE_OK;
}

/* ---- The scripts ----------------------------------------------------------------------------- */

static base_status run_inserts(script *self)
{
    RETURN_IF_ERROR(create(self));
    for (uint32_t i = 0; i < 12; i++)
        RETURN_IF_ERROR(put_alone(self, 0, i, 1));
    RETURN_IF_ERROR(put_alone(self, 0, 12, 20));
    return reopen(self);
}

static base_status run_updates(script *self)
{
    RETURN_IF_ERROR(create(self));
    RETURN_IF_ERROR(put_alone(self, 0, 0, 10));
    for (uint32_t i = 0; i < 8; i++)
        RETURN_IF_ERROR(put_alone(self, 0, i, 2));
    RETURN_IF_ERROR(reopen(self));
    return put_alone(self, 0, 0, 10);
}

static base_status run_deletes(script *self)
{
    RETURN_IF_ERROR(create(self));
    RETURN_IF_ERROR(put_alone(self, 0, 0, 16));
    for (uint32_t i = 0; i < 16; i += 2)
        RETURN_IF_ERROR(take_alone(self, 0, i, 1));
    RETURN_IF_ERROR(put_alone(self, 0, 4, 4)); /* some of them over deleted ones */
    RETURN_IF_ERROR(take_alone(self, 0, 0, 16));
    RETURN_IF_ERROR(reopen(self));
    return put_alone(self, 0, 0, 3);
}

/* Savepoints, rollbacks, two tables in one transaction. */
static base_status run_transactions(script *self)
{
    run *run = self->run;
    RETURN_IF_ERROR(create(self));
    RETURN_IF_ERROR(create(self));
    for (uint32_t i = 0; i < 5; i++) {
        RETURN_IF_ERROR(begin(self));
        RETURN_IF_ERROR(put(self, 0, i, 4));
        model before = run->pending;
        txn_mark mark = table_get_mark(self->transaction);
        RETURN_IF_ERROR(put(self, 1, i, 3));
        RETURN_IF_ERROR(take(self, 0, i, 2));
        if (i % 2) {
            table_rollback_to(self->transaction, mark);
            run->pending = before;
        }
        RETURN_IF_ERROR(put(self, 1, 20 + i, 1));
        if (i == 3) {
            table_rollback(self->transaction);
            self->transaction = NULL;
        } else {
            RETURN_IF_ERROR(commit(self));
        }
    }
    return reopen(self);
}

static base_status run_definitions(script *self)
{
    run *run = self->run;
    RETURN_IF_ERROR(create(self));
    RETURN_IF_ERROR(put_alone(self, 0, 0, 8));
    table_column column = {.type = TYPES_OF(INTEGER), .missing = types_null_of(TYPES_OF(INTEGER))};
    table_index_part part = {.column = COLUMN_TEXT};
    table_index_descriptor index = {.relation_id = run->ids[0], .part_count = 1, .parts = &part};
    uint32_t column_id;
    uint64_t index_id;
    RETURN_IF_ERROR(begin(self));
    RETURN_IF_ERROR(
        table_add_column(self->transaction, run->ids[0], &column, &column_id, self->error));
    RETURN_IF_ERROR(table_index_create(self->transaction, &index, &index_id, self->error));
    RETURN_IF_ERROR(put(self, 0, 6, 4));
    RETURN_IF_ERROR(commit(self));
    RETURN_IF_ERROR(begin(self)); /* a table and its rows in one */
    RETURN_IF_ERROR(create_table(run, self->transaction, true, self->error));
    RETURN_IF_ERROR(put(self, 1, 0, 5));
    RETURN_IF_ERROR(commit(self));
    RETURN_IF_ERROR(checkpoint(self));
    RETURN_IF_ERROR(begin(self));
    RETURN_IF_ERROR(table_drop_column(self->transaction, run->ids[0], column_id, self->error));
    RETURN_IF_ERROR(table_index_drop(self->transaction, index_id, self->error));
    RETURN_IF_ERROR(commit(self));
    RETURN_IF_ERROR(begin(self));
    RETURN_IF_ERROR(truncate_table(run, self->transaction, 1, self->error));
    RETURN_IF_ERROR(put(self, 1, 3, 2));
    RETURN_IF_ERROR(commit(self));
    RETURN_IF_ERROR(begin(self));
    RETURN_IF_ERROR(drop_table(run, self->transaction, 0, self->error));
    RETURN_IF_ERROR(commit(self));
    return reopen(self);
}

/* Rows that are packed one by one: below the number that makes a volume. */
static base_status run_checkpoints(script *self)
{
    RETURN_IF_ERROR(create(self));
    for (uint32_t i = 0; i < 5; i++) {
        RETURN_IF_ERROR(put_alone(self, 0, 3 * i, 6));
        RETURN_IF_ERROR(checkpoint(self));
    }
    RETURN_IF_ERROR(take_alone(self, 0, 2, 5));
    RETURN_IF_ERROR(checkpoint(self));
    RETURN_IF_ERROR(put_alone(self, 0, 0, 2));
    RETURN_IF_ERROR(checkpoint(self));
    return reopen(self);
}

/* Indexes are built anew over rows in volumes and hot ones, and once in a transaction that is taken
 * back. */
static base_status run_rebuilds(script *self)
{
    run *run = self->run;
    RETURN_IF_ERROR(create(self));
    RETURN_IF_ERROR(put_alone(self, 0, 0, 10));
    for (uint32_t i = 0; i < 3; i++) {
        RETURN_IF_ERROR(begin(self));
        RETURN_IF_ERROR(put(self, 0, 8, 4));
        RETURN_IF_ERROR(rebuild_index(run, self->transaction, 0, i, self->error));
        RETURN_IF_ERROR(put(self, 0, 2, 3));
        if (i == 1) {
            table_rollback(self->transaction);
            self->transaction = NULL;
        } else {
            RETURN_IF_ERROR(commit(self));
        }
        if (i == 0)
            RETURN_IF_ERROR(checkpoint(self));
    }
    RETURN_IF_ERROR(take_alone(self, 0, 1, 2));
    RETURN_IF_ERROR(reopen(self));
    return put_alone(self, 0, 0, 3);
}

/* Every checkpoint seals; rows in volumes are changed, deleted and brought back. */
static base_status run_seals(script *self)
{
    RETURN_IF_ERROR(create(self));
    RETURN_IF_ERROR(put_alone(self, 0, 0, 10));
    RETURN_IF_ERROR(checkpoint(self));
    RETURN_IF_ERROR(expect_volumes(self, 1, 1));
    RETURN_IF_ERROR(put_alone(self, 0, 2, 3));
    RETURN_IF_ERROR(take_alone(self, 0, 6, 2));
    RETURN_IF_ERROR(put_alone(self, 0, 10, 10));
    RETURN_IF_ERROR(checkpoint(self));
    RETURN_IF_ERROR(expect_volumes(self, 2, 3));
    RETURN_IF_ERROR(put_alone(self, 0, 5, 3));
    RETURN_IF_ERROR(reopen(self));
    RETURN_IF_ERROR(put_alone(self, 0, 18, 10));
    return checkpoint(self);
}

static base_status run_merges(script *self)
{
    RETURN_IF_ERROR(create(self));
    for (uint32_t i = 0; i < 4; i++) {
        RETURN_IF_ERROR(put_alone(self, 0, 8 * i, 8));
        RETURN_IF_ERROR(checkpoint(self));
    }
    RETURN_IF_ERROR(take_alone(self, 0, 1, 5));
    RETURN_IF_ERROR(put_alone(self, 0, 10, 6));
    RETURN_IF_ERROR(checkpoint(self));
    RETURN_IF_ERROR(expect_volumes(self, 5, 5));
    RETURN_IF_ERROR(table_compact(self->run->database, self->error));
    RETURN_IF_ERROR(expect_volumes(self, 1, 4));
    RETURN_IF_ERROR(put_alone(self, 0, 20, 8)); /* of merged rows */
    RETURN_IF_ERROR(checkpoint(self));          /* adopts the merged volumes */
    RETURN_IF_ERROR(table_compact(self->run->database, self->error));
    RETURN_IF_ERROR(take_alone(self, 0, 20, 4));
    return reopen(self);
}

/* Through the loader, which writes volumes beside the log. */
static base_status load(script *self, uint32_t t, uint32_t first, uint32_t count)
{
    uint32_t places[ROWS];
    for (uint32_t i = 0; i < count; i++)
        places[i] = first + i;
    return load_rows(self->run, self->transaction, t, places, count, 5, self->error);
}

static base_status run_loads(script *self)
{
    RETURN_IF_ERROR(create_with(self, false));
    RETURN_IF_ERROR(begin(self));
    RETURN_IF_ERROR(load(self, 0, 0, 16));
    RETURN_IF_ERROR(commit(self));
    RETURN_IF_ERROR(expect_volumes(self, 1, 4));
    RETURN_IF_ERROR(put_alone(self, 0, 3, 4));
    RETURN_IF_ERROR(begin(self));
    RETURN_IF_ERROR(load(self, 0, 16, 16));
    RETURN_IF_ERROR(put(self, 0, 20, 3));
    RETURN_IF_ERROR(commit(self));
    RETURN_IF_ERROR(reopen(self));
    RETURN_IF_ERROR(begin(self));
    RETURN_IF_ERROR(load(self, 0, 32, 6));
    table_rollback(self->transaction);
    self->transaction = NULL;
    RETURN_IF_ERROR(take_alone(self, 0, 0, 5));
    RETURN_IF_ERROR(checkpoint(self));
    return put_alone(self, 0, 1, 2);
}

/* All of it in turn: what one leaves another finds. */
static base_status run_lives(script *self)
{
    RETURN_IF_ERROR(create_with(self, false));
    RETURN_IF_ERROR(begin(self));
    RETURN_IF_ERROR(load(self, 0, 0, 10));
    RETURN_IF_ERROR(commit(self));
    RETURN_IF_ERROR(put_alone(self, 0, 10, 6));
    RETURN_IF_ERROR(checkpoint(self));
    RETURN_IF_ERROR(take_alone(self, 0, 2, 6));
    RETURN_IF_ERROR(create(self));
    RETURN_IF_ERROR(put_alone(self, 1, 0, 12));
    RETURN_IF_ERROR(checkpoint(self));
    RETURN_IF_ERROR(table_compact(self->run->database, self->error));
    RETURN_IF_ERROR(put_alone(self, 0, 0, 9));
    RETURN_IF_ERROR(reopen(self));
    RETURN_IF_ERROR(begin(self));
    RETURN_IF_ERROR(truncate_table(self->run, self->transaction, 1, self->error));
    RETURN_IF_ERROR(load(self, 1, 0, 8));
    RETURN_IF_ERROR(commit(self));
    RETURN_IF_ERROR(checkpoint(self));
    return take_alone(self, 1, 3, 3);
}

static const struct workload {
    const char *name;
    base_status (*script)(script *self);
    uint32_t seal_rows;
} workloads[] = {
    {"inserts", run_inserts, 0},
    {"updates", run_updates, 0},
    {"deletes", run_deletes, 0},
    {"transactions", run_transactions, 0},
    {"definitions", run_definitions, 4},
    {"rebuilds", run_rebuilds, 5},
    {"checkpoints", run_checkpoints, 0},
    {"seals", run_seals, 5},
    {"merges", run_merges, 5},
    {"loads", run_loads, 4},
    {"lives", run_lives, 5},
};

/* ---- Running them ---------------------------------------------------------------------------- */

static site_set memory_sites, io_sites;

typedef enum harm {
    HARM_NONE,
    HARM_CUTS, /* at every change */
    HARM_CALL,
    HARM_KILL, /* from one call on none is made */
    HARM_ALLOCATION,
    HARM_KINDS
} harm;

/* Opens what a power cut at the script's end leaves. Never inlined: places (sites.h) are told
 * apart by their callers. */
static bool __attribute__((noinline)) recover(const run *before, harm kind, uint64_t at)
{
    static run self;
    os_sim *disk;
    base_error error;
    base_error_clear(&error);
    if (os_sim_crash(before->sim, OS_SIM_KEEP_ALL, 1, &disk, NULL) != BASE_OK)
        return false;
    self = (run){.report = before->report, .sim = disk, .table_count = before->table_count};
    memcpy(self.ids, before->ids, sizeof self.ids);
    self.seal_rows = before->seal_rows;
    self.manual_compaction = true;
    self.history_retention = before->history_retention;
    self.memory_sites = &memory_sites;
    self.io_sites = &io_sites;
    self.failing = kind != HARM_NONE;
    if (kind == HARM_CALL)
        os_sim_fail(disk, at, at % 2 ? BASE_IO_ERROR : BASE_DISK_FULL, false);
    else if (kind == HARM_ALLOCATION)
        self.allocation_fails_at = at;
    uint64_t print;
    int64_t sum;
    base_status status = open_database(&self, 0, &error);
    if (status == BASE_OK)
        status = database_print(&self, &print, &sum, &error);
    sim_expect(self.report, status == BASE_OK || self.failing, "recovery: %s", error.message);
    close_database(&self);
    bool reached = kind == HARM_CALL ? os_sim_has_failed(disk) : self.allocation_calls >= at;
    os_sim_fail(disk, 0, BASE_OK, false);
    os_sim_on_call(disk, NULL, NULL);
    static run expected;
    expected = *before;
    expected.may_lose_history |= kind != HARM_NONE;
    verify(&expected, disk, false, 2);
    os_sim_destroy(disk);
    return reached && kind != HARM_NONE;
}

static uint64_t fail_recoveries(const run *self)
{
    uint64_t tried = 0;
    for (harm kind = HARM_NONE; kind < HARM_KINDS; kind++) {
        if (kind == HARM_CUTS || kind == HARM_KILL)
            continue; /* cuts while it recovers: see verify */
        for (uint64_t at = 1; recover(self, kind, at); at++)
            tried++;
    }
    return tried;
}

/* Has log or file answered a failure that only a reopening mends? */
static bool is_read_only(const run *self)
{
    return self->database->file->failure != BASE_OK || wal_failure(self->database->log) != BASE_OK;
}

/* A checkpoint that has to succeed, and all space after it: reached or free, and nothing loose. */
static void expect_whole_checkpoint(run *self, const char *when)
{
    base_error error;
    cache_statistics space;
    base_error_clear(&error);
    base_status status = table_checkpoint(self->database, &error);
    if (!sim_expect(self->report, status == BASE_OK, "a checkpoint %s: %s", when, error.message))
        return;
    cache_get_statistics(self->database->file, &space);
    sim_expect(self->report, space.loose_size == 0 && space.lost_size == 0,
               "a checkpoint %s leaves %llu bytes loose", when,
               (unsigned long long)space.loose_size);
    check_integrity(self);
}

/* Which of the two states that a failed commit may have left is it? From now on it must stay. */
static void settle_model(run *self)
{
    uint64_t print;
    int64_t sum;
    base_error error;
    base_error_clear(&error);
    base_status status = database_print(self, &print, &sum, &error);
    if (self->begun > self->acknowledged && print == self->prints[self->begun])
        self->committed = self->pending;
    sim_expect(self->report, status == BASE_OK && print == model_print(self, &self->committed),
               "after a failure the database is not at a commit: %s", error.message);
    note_commit(self, self->begun, &self->committed);
    self->acknowledged = self->begun;
}

static base_status live_on(run *self, base_error *error)
{
    script how = {.run = self, .error = error};
    RETURN_IF_ERROR(create(&how));
    uint32_t t = 0;
    while (!self->committed.exists[t])
        t++;
    RETURN_IF_ERROR(put_alone(&how, t, 30, 3));
    RETURN_IF_ERROR(checkpoint(&how));
    return take_alone(&how, t, 31, 2);
}

/* What one refused call or allocation leaves in the database that goes on: and then the power is
 * cut. What the system has not written and will never write the next process finds as if it were
 * there, but it must not rely on it. */
static void expect_recovered(run *self)
{
    base_error error;
    base_error_clear(&error);
    self->allocation_fails_at = 0;
    os_sim_fail(self->sim, 0, BASE_OK, false);
    if (self->database && !is_read_only(self))
        expect_whole_checkpoint(self, "after a failure");
    close_database(self);
    self->failing = false;
    self->memory_sites = self->io_sites = NULL; /* these places are not the script's */
    os_sim_on_call(self->sim, NULL, NULL);
    self->tear_modes = 1;
    self->cut_every = 10;
    os_sim_on_change(self->sim, cut_now, self);
    base_status status = open_database(self, 0, &error);
    if (sim_expect(self->report, status == BASE_OK, "opening after a failure: %s", error.message)) {
        settle_model(self);
        status = live_on(self, &error);
        sim_expect(self->report, status == BASE_OK, "after a failure: %s", error.message);
        expect_whole_checkpoint(self, "after a failure and a reopening");
    }
    close_database(self);
}

static void __attribute__((noinline))
work(run *self, const struct workload *workload, uint64_t *recoveries)
{
    base_error error;
    base_error_clear(&error);
    script how = {.run = self, .error = &error};
    base_status status = open_database(self, 0, &error);
    if (status == BASE_OK)
        status = workload->script(&how);
    if (how.transaction)
        table_rollback(how.transaction);
    sim_expect(self->report, status == BASE_OK || self->failing, "%s: %s", workload->name,
               error.message);
    if (self->database && !self->failing) {
        self->memory_sites = NULL; /* places of the check are not those of the script */
        os_sim_on_call(self->sim, NULL, NULL);
        check_past(self, self, self->begun, true);
        check_integrity(self);
        *recoveries = fail_recoveries(self);
    }
}

/* After a refused call or allocation: an error, and the disk has a state of some commit. */
static void verify_rest(run *self, uint64_t at)
{
    os_sim *after;
    os_sim_fail(self->sim, 0, BASE_OK, false);
    if (os_sim_crash(self->sim, (os_sim_tear)(at % 2), at, &after, NULL) != BASE_OK)
        return;
    verify(self, after, false, 2);
    os_sim_destroy(after);
}

/* One run of the script. Returns whether the place `at` was reached. */
static bool __attribute__((noinline))
attempt(run *self, sim_report *report, const struct workload *workload, harm kind, uint64_t at,
        cut_outcome *outcome, uint64_t *recoveries)
{
    start_run(self, report, sim_first_seed());
    self->mode = TABLE_SYNC_FULL;
    self->seal_rows = workload->seal_rows;
    self->manual_compaction = true;
    self->memory_sites = &memory_sites;
    self->io_sites = &io_sites;
    self->outcome = outcome;
    self->tear_modes = 4;
    self->failing = kind != HARM_CUTS;
    self->may_lose_history = kind == HARM_CALL || kind == HARM_ALLOCATION;
    if (kind == HARM_CUTS)
        os_sim_on_change(self->sim, cut_now, self);
    else if (kind != HARM_ALLOCATION)
        os_sim_fail(self->sim, at, at % 2 ? BASE_IO_ERROR : BASE_DISK_FULL, kind == HARM_KILL);
    else
        self->allocation_fails_at = at;
    work(self, workload, recoveries);
    bool reached =
        kind == HARM_ALLOCATION ? self->allocation_calls >= at : os_sim_has_failed(self->sim);
    if (kind == HARM_KILL)
        close_database(self);
    if (kind != HARM_CUTS) {
        verify_rest(self, at);
        expect_recovered(self);
    }
    close_database(self);
    return reached;
}

static uint64_t run_workload(sim_report *report, const struct workload *workload)
{
    static run self;
    cut_outcome outcome = {0};
    char part[64];
    uint64_t cuts = 0, changes = 0, recoveries = 0, tried[HARM_KINDS] = {0};
    (void)snprintf(part, sizeof part, "workload %s", workload->name);
    report->part = part;
    for (harm kind = HARM_CUTS; kind < HARM_KINDS; kind++) {
        for (bool more = true; more;) {
            more = attempt(&self, report, workload, kind, tried[kind] + 1, &outcome, &recoveries);
            more = more && kind != HARM_CUTS;
            tried[kind] += more;
            if (kind == HARM_CUTS) {
                cuts = self.cuts;
                changes = os_sim_change_count(self.sim);
            }
            end_run(&self);
        }
    }
    printf("%-13s %llu changes, %llu power cuts, %llu failed calls, %llu deaths, "
           "%llu failed allocations, %llu in recovery: %llu lost, %llu partial, %llu refused\n",
           workload->name, (unsigned long long)changes, (unsigned long long)cuts,
           (unsigned long long)tried[HARM_CALL], (unsigned long long)tried[HARM_KILL],
           (unsigned long long)tried[HARM_ALLOCATION], (unsigned long long)recoveries,
           (unsigned long long)outcome.lost, (unsigned long long)outcome.partial,
           (unsigned long long)outcome.refused);
    (void)fflush(stdout);
    report->part = NULL;
    return cuts;
}

int main(int argc, char **argv)
{
    sim_report report = {0};
    uint64_t cuts = 0;
    for (uint32_t i = 0; i < BASE_COUNT_OF(workloads); i++) {
        if (argc < 2 || strcmp(argv[1], workloads[i].name) == 0)
            cuts += run_workload(&report, &workloads[i]);
    }
    printf("power cuts                 %llu\n", (unsigned long long)cuts);
    site_print("places that ask for I/O", &io_sites);
    site_print("places that allocate", &memory_sites);
    return sim_finish(&report);
}
