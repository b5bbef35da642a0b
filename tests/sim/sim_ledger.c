/*
 * sim_ledger.c - the log and the database file under power cuts, failures and schedules,
 * before any table: a tiny store of pairs that commits through the log and checkpoints into
 * extents the way the storage layer does.
 *
 * Each transaction sets both halves of some pairs to one new value. The history of all
 * commits is the model: what a recovery finds must be exactly the state after the commits up
 * to some sequence S, and S must cover everything that was acknowledged in full mode.
 */
#include "sim.h"

#include "store/cache/cache.h"
#include "store/wal/wal.h"

enum {
    PAIRS = 24,
    PARTS = 4,
    MAX_COMMITS = 4000,
    THREADS = 3
};

typedef struct commit {
    uint64_t sequence;
    uint32_t pair;
    uint64_t value;
    bool acknowledged;
    bool refused; /* failed, and the log went on: it must not be there */
} commit;

typedef struct state {
    uint64_t halves[2 * PAIRS];
} state;

typedef struct ledger {
    sim_report *report;
    os_sim *sim;
    base_budget budget;
    cache_file *file;
    wal_log *log;
    wal_sync_mode mode;
    cache_reference parts[PARTS]; /* of the newest checkpoint */
    state stored;                 /* what they hold */
    state recovered;
    commit *history; /* by sequence of start */
    uint32_t commit_count;
    uint64_t next_value;
    uint64_t random;
    uint32_t steps;      /* commits a thread makes */
    uint32_t tear_modes; /* cuts taken at each change; 0: none */
    uint64_t cuts;
    bool failing; /* calls may fail: errors are no defects */
} ledger;

static uint64_t draw(ledger *self)
{
    return self->random = base_hash_u64(self->random + 1);
}

/* ---- Opening ----------------------------------------------------------------------------- */

static base_status redo(void *context, uint64_t sequence, uint16_t type, const void *data,
                        size_t length, base_error *error)
{
    ledger *self = context;
    (void)sequence;
    if (type != 1 || length != 16)
        return base_error_set(error, BASE_CORRUPT, "a strange record");
    uint64_t place = base_load_u64(data);
    if (place >= 2 * PAIRS)
        return base_error_set(error, BASE_CORRUPT, "a strange place");
    self->recovered.halves[place] = base_load_u64((const char *)data + 8);
    return BASE_OK;
}

static base_status read_parts(ledger *self, base_error *error)
{
    const cache_root *root = cache_get_root(self->file);
    memset(&self->stored, 0, sizeof self->stored);
    memset(self->parts, 0, sizeof self->parts);
    if (cache_reference_is_null(&root->root))
        return BASE_OK;
    unsigned char bytes[PARTS * CACHE_REFERENCE_SIZE];
    RETURN_IF_ERROR(cache_read(self->file, &root->root, bytes, error));
    for (int i = 0; i < PARTS; i++) {
        cache_reference_load(&self->parts[i], bytes + i * CACHE_REFERENCE_SIZE);
        RETURN_IF_ERROR(cache_read(self->file, &self->parts[i],
                                   self->stored.halves + i * (2 * PAIRS / PARTS), error));
    }
    return BASE_OK;
}

static base_status open_ledger(ledger *self, base_error *error)
{
    bool created;
    cache_options options = {.environment = os_sim_environment(self->sim),
                             .budget = &self->budget,
                             .path = "x.tuff",
                             .create = true,
                             .cache_size = 100000};
    self->file = NULL;
    self->log = NULL;
    RETURN_IF_ERROR(cache_open(&options, &self->file, &created, error));
    base_status status = read_parts(self, error);
    const cache_root *root = cache_get_root(self->file);
    wal_options log_options = {.environment = options.environment,
                               .budget = &self->budget,
                               .path = "x.tuff-wal",
                               .sync_mode = self->mode,
                               .epoch = cache_epoch(self->file),
                               .sequence = root->sequence,
                               .generation = root->log_generation};
    memcpy(log_options.database_id, cache_database_id(self->file), 16);
    if (status == BASE_OK)
        status = wal_open(&log_options, &self->log, error);
    self->recovered = self->stored;
    wal_redo handlers = {.context = self, .record = redo};
    if (status == BASE_OK)
        status = wal_replay(self->log, &handlers, NULL, error);
    if (status != BASE_OK) {
        wal_close(self->log, false, NULL);
        cache_close(self->file);
        self->log = NULL;
        self->file = NULL;
    }
    return status;
}

static void close_ledger(ledger *self)
{
    wal_close(self->log, false, NULL);
    cache_close(self->file);
    self->log = NULL;
    self->file = NULL;
}

/* ---- The model ------------------------------------------------------------------------------ */

static state state_at(const ledger *self, uint64_t sequence)
{
    state result;
    uint64_t newest[PAIRS] = {0};
    memset(&result, 0, sizeof result);
    for (uint32_t i = 0; i < self->commit_count; i++) {
        const commit *entry = &self->history[i];
        if (entry->sequence > sequence || entry->sequence < newest[entry->pair] || entry->refused)
            continue;
        newest[entry->pair] = entry->sequence;
        result.halves[2 * entry->pair] = result.halves[2 * entry->pair + 1] = entry->value;
    }
    return result;
}

static uint64_t acknowledged_sequence(const ledger *self)
{
    uint64_t newest = 0;
    for (uint32_t i = 0; i < self->commit_count; i++) {
        if (self->history[i].acknowledged)
            newest = BASE_MAX(newest, self->history[i].sequence);
    }
    return newest;
}

static void report_problem(void *context, const char *problem)
{
    sim_expect(context, false, "integrity: %s", problem);
}

static void check_space(ledger *self)
{
    cache_check *check;
    base_error error;
    base_error_clear(&error);
    base_status status =
        cache_check_start(self->file, report_problem, self->report, &check, &error);
    const cache_root *root = cache_get_root(self->file);
    if (status == BASE_OK && !cache_reference_is_null(&root->root)) {
        status = cache_check_reference(check, &root->root, true, &error);
        for (int i = 0; i < PARTS && status == BASE_OK; i++)
            status = cache_check_reference(check, &self->parts[i], true, &error);
    }
    if (status == BASE_OK)
        status = cache_check_finish(check, &error);
    sim_expect(self->report, status == BASE_OK, "integrity check: %s", error.message);
}

/* Opens what a crash left and compares it with the model. */
static void verify(const ledger *before, os_sim *disk, bool lossy, int depth);

typedef struct recovery_cut {
    const ledger *model;
    os_sim *disk;
    uint64_t at;
    bool lossy;
    int depth;
} recovery_cut;

static void cut_recovery(void *context, uint64_t number)
{
    recovery_cut *self = context;
    os_sim *after;
    if (number != self->at)
        return;
    if (os_sim_crash(self->disk, OS_SIM_TEAR_512, number, &after, NULL) != BASE_OK)
        return;
    verify(self->model, after, self->lossy, self->depth + 1);
    os_sim_destroy(after);
}

static void verify(const ledger *before, os_sim *disk, bool lossy, int depth)
{
    sim_report *report = before->report;
    ledger self = {.report = report, .sim = disk, .mode = WAL_SYNC_FULL};
    base_budget_init(&self.budget, NULL, &base_libc_allocator, "verify", SIZE_MAX);
    base_error error;
    base_error_clear(&error);
    recovery_cut cut = {before, disk, 1 + os_sim_random(disk) % 4, lossy, depth};
    if (depth < 2)
        os_sim_on_change(disk, cut_recovery, &cut);
    base_status status = open_ledger(&self, &error);
    if (!sim_expect(report, status == BASE_OK, "a crash at commit %u: %s", before->commit_count,
                    error.message))
        return;
    os_sim_on_change(disk, NULL, NULL);
    uint64_t sequence = wal_last_sequence(self.log);
    uint64_t acknowledged = acknowledged_sequence(before);
    sim_expect(report, lossy || sequence >= acknowledged,
               "commit %llu was acknowledged, %llu is the last found",
               (unsigned long long)acknowledged, (unsigned long long)sequence);
    state expected = state_at(before, sequence);
    sim_expect(report, memcmp(&expected, &self.recovered, sizeof expected) == 0,
               "the state at sequence %llu is wrong", (unsigned long long)sequence);
    check_space(&self);
    /* It can go on, and what it does then is found by the next opening. */
    wal_buffer buffer;
    wal_buffer_init(&buffer, &self.budget);
    unsigned char *record = wal_buffer_add(&buffer, 1, 16);
    base_store_u64(record, 5);
    base_store_u64(record + 8, UINT64_MAX);
    wal_unit unit = {.buffer = &buffer};
    sim_expect(report, wal_commit(self.log, &unit, &error) == BASE_OK,
               "no commit after recovery: %s", error.message);
    wal_buffer_destroy(&buffer);
    close_ledger(&self);
    status = open_ledger(&self, &error);
    if (sim_expect(report, status == BASE_OK, "the second opening: %s", error.message)) {
        expected.halves[5] = UINT64_MAX;
        sim_expect(report, memcmp(&expected, &self.recovered, sizeof expected) == 0,
                   "the state after a commit behind recovery is wrong");
        close_ledger(&self);
    }
    sim_expect(report, atomic_load(&self.budget.used) == 0, "memory is left after recovery");
}

static void verify_cut(void *context, os_sim *after, os_sim_tear tear)
{
    const ledger *self = context;
    verify(self, after, self->mode != WAL_SYNC_FULL && tear != OS_SIM_KEEP_ALL, 0);
}

static void cut_now(void *context, uint64_t number)
{
    ledger *self = context;
    self->cuts +=
        sim_cut(self->sim, self->report->seed, number, self->tear_modes, verify_cut, self);
}

/* ---- The workload ---------------------------------------------------------------------------- */

static base_status write_part(ledger *self, const state *now, int part, base_error *error)
{
    const uint64_t *halves = now->halves + part * (2 * PAIRS / PARTS);
    size_t size = sizeof(uint64_t) * (2 * PAIRS / PARTS);
    bool exists = !cache_reference_is_null(&self->parts[part]);
    if (exists && memcmp(halves, self->stored.halves + part * (2 * PAIRS / PARTS), size) == 0)
        return BASE_OK;
    cache_reference before = self->parts[part];
    RETURN_IF_ERROR(
        cache_write(self->file, CACHE_KIND_HOT, halves, size, &self->parts[part], error));
    return exists ? cache_free(self->file, &before, error) : BASE_OK;
}

static base_status checkpoint(ledger *self, base_error *error)
{
    wal_switch_point point;
    RETURN_IF_ERROR(wal_switch(self->log, cache_epoch(self->file), &point, error));
    state now = state_at(self, point.sequence);
    RETURN_IF_ERROR(cache_checkpoint_begin(self->file, error));
    cache_reference before[PARTS];
    memcpy(before, self->parts, sizeof before);
    cache_root root = *cache_get_root(self->file);
    base_status status = BASE_OK;
    for (int part = 0; part < PARTS && status == BASE_OK; part++)
        status = write_part(self, &now, part, error);
    unsigned char bytes[PARTS * CACHE_REFERENCE_SIZE];
    for (int part = 0; part < PARTS; part++)
        cache_reference_store(&self->parts[part], bytes + part * CACHE_REFERENCE_SIZE);
    if (status == BASE_OK && !cache_reference_is_null(&root.root))
        status = cache_free(self->file, &root.root, error);
    if (status == BASE_OK)
        status = cache_write(self->file, CACHE_KIND_ROOT, bytes, sizeof bytes, &root.root, error);
    root.sequence = point.sequence;
    root.log_generation = point.generation;
    if (status == BASE_OK)
        status = cache_checkpoint_commit(self->file, &root, error);
    if (status != BASE_OK) {
        cache_checkpoint_abort(self->file);
        memcpy(self->parts, before, sizeof before);
        return status;
    }
    self->stored = now;
    wal_release(self->log, &point);
    return BASE_OK;
}

static base_status commit_one(ledger *self, wal_buffer *buffer, base_error *error)
{
    uint32_t pair = (uint32_t)(draw(self) % PAIRS);
    uint64_t value = ++self->next_value;
    wal_buffer_reset(buffer);
    for (uint64_t half = 0; half < 2; half++) {
        unsigned char *record = wal_buffer_add(buffer, 1, 16);
        if (!record)
            return base_error_no_memory(error);
        base_store_u64(record, 2 * pair + half);
        base_store_u64(record + 8, value);
    }
    /* Some units are larger than a block, some longer than a segment. */
    uint64_t extra = draw(self) % 200 == 0 ? 12000 : draw(self) % 10 == 0 ? 400 : 0;
    for (uint64_t i = 0; i < extra; i++) {
        unsigned char *record = wal_buffer_add(buffer, 1, 16);
        if (!record)
            return base_error_no_memory(error);
        base_store_u64(record, 2 * pair + i % 2);
        base_store_u64(record + 8, value);
    }
    wal_unit unit = {.buffer = buffer};
    RETURN_IF_ERROR(wal_commit_start(self->log, &unit, error));
    uint32_t place = self->commit_count++;
    self->history[place] = (commit){unit.sequence, pair, value, false, false};
    base_status status = wal_commit_finish(self->log, &unit, error);
    self->history[place].acknowledged = status == BASE_OK;
    self->history[place].refused = status != BASE_OK && wal_failure(self->log) == BASE_OK;
    return status;
}

static void work(void *argument)
{
    ledger *self = argument;
    wal_buffer buffer;
    wal_buffer_init(&buffer, &self->budget);
    for (uint32_t i = 0; i < self->steps; i++) {
        base_error error;
        base_error_clear(&error);
        base_status status = commit_one(self, &buffer, &error);
        sim_expect(self->report, status == BASE_OK || self->failing, "commit: %s", error.message);
    }
    wal_buffer_destroy(&buffer);
}

/* Commits of several threads beside checkpoints of this one. */
static void work_in_threads(void *argument)
{
    ledger *self = argument;
    os_thread *threads[THREADS];
    base_error error;
    base_error_clear(&error);
    base_status status = open_ledger(self, &error);
    if (!sim_expect(self->report, status == BASE_OK || self->failing, "open: %s", error.message) ||
        status != BASE_OK)
        return;
    int started = 0;
    for (; started < THREADS; started++) {
        if (os_thread_start(&self->budget, work, self, &threads[started], &error) != BASE_OK)
            break;
    }
    for (int i = 0; i < 3; i++) {
        status = checkpoint(self, &error);
        sim_expect(self->report, status == BASE_OK || self->failing, "checkpoint: %s",
                   error.message);
    }
    for (int i = 0; i < started; i++)
        os_thread_join(threads[i]);
    close_ledger(self);
}

/* One thread: commits and checkpoints in turn. */
static void work_alone(ledger *self)
{
    wal_buffer buffer;
    wal_buffer_init(&buffer, &self->budget);
    base_error error;
    base_error_clear(&error);
    base_status status = open_ledger(self, &error);
    sim_expect(self->report, status == BASE_OK || self->failing, "open: %s", error.message);
    for (uint32_t i = 0; i < self->steps && status == BASE_OK; i++) {
        base_error_clear(&error);
        base_status step =
            draw(self) % 8 == 0 ? checkpoint(self, &error) : commit_one(self, &buffer, &error);
        sim_expect(self->report, step == BASE_OK || self->failing, "step %u: %s", i, error.message);
    }
    close_ledger(self);
    wal_buffer_destroy(&buffer);
}

static void start_run(ledger *self, sim_report *report, uint64_t seed)
{
    memset(self, 0, sizeof *self);
    report->seed = seed;
    self->report = report;
    self->random = base_hash_u64(seed);
    base_budget_init(&self->budget, NULL, &base_libc_allocator, "run", SIZE_MAX);
    self->history = calloc(MAX_COMMITS, sizeof *self->history);
    base_error error;
    base_error_clear(&error);
    if (os_sim_create(&self->budget, seed, &self->sim, &error) != BASE_OK || !self->history) {
        printf("no memory\n");
        exit(1);
    }
}

static void end_run(ledger *self)
{
    os_sim_destroy(self->sim);
    free(self->history);
    sim_expect(self->report, atomic_load(&self->budget.used) == 0, "memory is left");
}

/* ---- Parts ----------------------------------------------------------------------------------- */

static uint64_t cuts_in_sequence(sim_report *report)
{
    uint64_t cuts = 0;
    report->part = "cuts at every change";
    for (uint64_t i = 0, seed = sim_first_seed(); i < sim_seed_count(12); i++, seed++) {
        ledger self;
        start_run(&self, report, seed);
        self.mode = (wal_sync_mode)(seed % 4 == 3 ? WAL_SYNC_NORMAL : WAL_SYNC_FULL);
        self.steps = 30;
        self.tear_modes = 4;
        os_sim_on_change(self.sim, cut_now, &self);
        work_alone(&self);
        cuts += self.cuts;
        end_run(&self);
    }
    return cuts;
}

static uint64_t cuts_among_threads(sim_report *report)
{
    uint64_t cuts = 0;
    report->part = "cuts among threads";
    for (uint64_t i = 0, seed = sim_first_seed(); i < sim_seed_count(25); i++, seed++) {
        ledger self;
        os_sim_result result;
        base_error error;
        base_error_clear(&error);
        start_run(&self, report, seed);
        self.mode = (wal_sync_mode)(seed % 3);
        self.steps = 8;
        self.tear_modes = 1;
        os_sim_on_change(self.sim, cut_now, &self);
        base_status status = os_sim_run(self.sim, seed, 0, work_in_threads, &self, &result, &error);
        if (!sim_expect(report, status == BASE_OK, "%s", error.message))
            exit(sim_finish(report)); /* its threads cannot be ended */
        cuts += self.cuts;
        end_run(&self);
    }
    return cuts;
}

static uint64_t schedules(sim_report *report)
{
    uint64_t count = sim_seed_count(400);
    report->part = "schedules";
    for (uint64_t i = 0, seed = sim_first_seed(); i < count; i++, seed++) {
        ledger self;
        os_sim_result result;
        base_error error;
        base_error_clear(&error);
        start_run(&self, report, seed);
        self.mode = (wal_sync_mode)(seed % 3);
        self.steps = 6;
        base_status status = os_sim_run(self.sim, seed, 0, work_in_threads, &self, &result, &error);
        if (!sim_expect(report, status == BASE_OK, "%s", error.message))
            exit(sim_finish(report));
        verify(&self, self.sim, false, 2);
        end_run(&self);
    }
    return count;
}

/* Every I/O call fails once, and once for good; afterwards the machine may crash or not. */
static uint64_t failures(sim_report *report)
{
    uint64_t calls = 0;
    static char part[64];
    report->part = part;
    for (uint64_t i = 0, seed = sim_first_seed(); i < sim_seed_count(2); i++, seed++) {
        for (int kind = 0; kind < 4; kind++) {
            for (uint64_t at = 1;; at++) {
                ledger self;
                snprintf(part, sizeof part, "failed call %llu (kind %d)", (unsigned long long)at,
                         kind);
                start_run(&self, report, seed);
                self.steps = 25;
                self.failing = true;
                os_sim_fail(self.sim, at, kind % 2 ? BASE_DISK_FULL : BASE_IO_ERROR, kind >= 2);
                work_alone(&self);
                bool reached = os_sim_has_failed(self.sim);
                os_sim_fail(self.sim, 0, BASE_OK, false);
                os_sim *after;
                if (os_sim_crash(self.sim, (os_sim_tear)(at % 2), at, &after, NULL) == BASE_OK) {
                    verify(&self, after, false, 2);
                    os_sim_destroy(after);
                }
                end_run(&self);
                calls += reached;
                if (!reached)
                    break;
            }
        }
    }
    return calls;
}

int main(void)
{
    sim_report report = {0};
    printf("power cuts, one thread:      %llu\n", (unsigned long long)cuts_in_sequence(&report));
    printf("power cuts, several threads: %llu\n", (unsigned long long)cuts_among_threads(&report));
    printf("thread schedules:            %llu\n", (unsigned long long)schedules(&report));
    printf("failed calls:                %llu\n", (unsigned long long)failures(&report));
    return sim_finish(&report);
}
