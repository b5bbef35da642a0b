/*
 * test_wal.c - commits, replay, checkpoints, torn tails, damage, foreign logs, failures.
 */
#include "unit/unit.h"
#include "store/wal/wal_int.h"
#include "os/sim/os_sim.h"

typedef struct fixture {
    base_budget budget;
    os_environment *environment;
    wal_options options;
    wal_log *log;
    wal_buffer buffer;
} fixture;

static void start(fixture *self, wal_sync_mode mode)
{
    memset(self, 0, sizeof *self);
    unit_budget_init(&self->budget);
    unit_assert_ok(os_memory_environment_create(&self->budget, &self->environment, NULL));
    self->options = (wal_options){
        .environment = self->environment,
        .budget = &self->budget,
        .path = "x.tuff-wal",
        .database_id = "0123456789abcde",
        .sync_mode = mode,
        .epoch = 1,
        .generation = 7,
        .sequence = 100,
    };
    wal_buffer_init(&self->buffer, &self->budget);
}

static void stop(fixture *self)
{
    unit_assert_ok(wal_close(self->log, false, NULL));
    wal_buffer_destroy(&self->buffer);
    os_memory_environment_destroy(self->environment);
    unit_budget_check(&self->budget);
}

/* What replay saw: unit i must hold records that say i. */
typedef struct replayed {
    uint64_t sequences[2000];
    uint32_t values[2000];
    uint32_t count, records;
    bool inside;
} replayed;

static base_status redo_begin(void *context, uint64_t sequence, int64_t time, base_error *error)
{
    replayed *self = context;
    (void)error;
    assert_false(self->inside);
    assert_true(time > 0);
    assert_true(self->count == 0 || sequence > self->sequences[self->count - 1]);
    self->inside = true;
    self->sequences[self->count] = sequence;
    return BASE_OK;
}
static base_status redo_record(void *context, uint64_t sequence, uint16_t type, const void *data,
                               size_t length, base_error *error)
{
    replayed *self = context;
    (void)error;
    assert_true(self->inside);
    assert_int_equal(sequence, self->sequences[self->count]);
    assert_true(type >= 1 && type <= 3);
    assert_int_equal((uintptr_t)data % 8, 0);
    if (length >= 4)
        self->values[self->count] = base_load_u32(data);
    for (size_t i = 4; i < length; i++)
        assert_int_equal(((const unsigned char *)data)[i], (unsigned char)length);
    self->records++;
    return BASE_OK;
}
static base_status redo_end(void *context, uint64_t sequence, base_error *error)
{
    replayed *self = context;
    (void)sequence;
    (void)error;
    assert_true(self->inside);
    self->inside = false;
    self->count++;
    return BASE_OK;
}

static base_status open_log(fixture *self, replayed *seen, base_error *error)
{
    wal_redo redo = {seen, redo_begin, redo_record, redo_end};
    memset(seen, 0, sizeof *seen);
    self->log = NULL;
    RETURN_IF_ERROR(wal_open(&self->options, &self->log, error));
    base_status status = wal_replay(self->log, &redo, NULL, error);
    if (status != BASE_OK) {
        wal_close(self->log, false, NULL);
        self->log = NULL;
    }
    return status;
}

static void add_record(wal_buffer *buffer, uint32_t value, size_t length)
{
    unsigned char *data = wal_buffer_add(buffer, (uint16_t)(1 + value % 3), length);
    assert_non_null(data);
    assert_int_equal((uintptr_t)data % 8, 0);
    memset(data, (int)length, length);
    if (length >= 4)
        base_store_u32(data, value);
}

static uint64_t commit(fixture *self, uint32_t value, size_t length)
{
    wal_buffer_reset(&self->buffer);
    add_record(&self->buffer, value, length);
    wal_unit unit = {.buffer = &self->buffer};
    unit_assert_ok(wal_commit(self->log, &unit, NULL));
    return unit.sequence;
}

static void reopen_sees_what_was_committed(void **state)
{
    (void)state;
    for (int mode = WAL_SYNC_FULL; mode <= WAL_SYNC_NONE; mode++) {
        fixture self;
        static replayed seen;
        start(&self, (wal_sync_mode)mode);
        unit_assert_ok(open_log(&self, &seen, NULL));
        bool exists;
        unit_assert_ok(self.environment->exists(self.environment, "x.tuff-wal", &exists, NULL));
        assert_false(exists); /* nothing was committed yet */
        uint32_t value = 0;
        for (int round = 0; round < 4; round++) {
            for (int i = 0; i < 20; i++, value++)
                assert_int_equal(commit(&self, value, 4 + value * 37 % 3000), 101 + value);
            /* One unit of many chunks, longer than a segment. */
            wal_buffer_reset(&self.buffer);
            for (int i = 0; i < 3000; i++)
                add_record(&self.buffer, value, 200);
            wal_unit unit = {.buffer = &self.buffer};
            unit_assert_ok(wal_commit(self.log, &unit, NULL));
            value++;
            unit_assert_ok(wal_close(self.log, false, NULL));
            unit_assert_ok(open_log(&self, &seen, NULL));
            assert_int_equal(seen.count, value);
            for (uint32_t i = 0; i < value; i++)
                assert_int_equal(seen.values[i], i);
            assert_int_equal(wal_last_sequence(self.log), 100 + value);
        }
        stop(&self);
    }
}

static void marks_take_records_back(void **state)
{
    (void)state;
    fixture self;
    static replayed seen;
    start(&self, WAL_SYNC_NONE);
    unit_assert_ok(open_log(&self, &seen, NULL));
    uint64_t positions[400];
    for (uint32_t i = 0; i < 400; i++) {
        positions[i] = self.buffer.position;
        add_record(&self.buffer, 5, i * 11 % 900);
    }
    for (uint32_t i = 400; i-- > 0;) {
        wal_buffer_truncate(&self.buffer, positions[i]);
        assert_int_equal(self.buffer.position, positions[i]);
        if (i == 3) {
            /* What is added after a rollback lies where the old was. */
            add_record(&self.buffer, 5, 12);
            unsigned char *data = wal_buffer_add(&self.buffer, 2, 100);
            memset(data, 9, 100);
            base_store_u32(data, 5);
            wal_buffer_shrink_last(&self.buffer, 100, 9);
            break;
        }
    }
    wal_unit unit = {.buffer = &self.buffer};
    unit_assert_ok(wal_commit(self.log, &unit, NULL));
    unit_assert_ok(wal_close(self.log, false, NULL));
    unit_assert_ok(open_log(&self, &seen, NULL));
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.records, 5);
    stop(&self);
}

/* The log's bytes, to be cut and damaged. */
static unsigned char *copy_log(fixture *self, size_t *size)
{
    os_file *file;
    unit_assert_ok(
        os_file_open(self->environment, &self->budget, "x.tuff-wal", OS_OPEN_READ, &file, NULL));
    uint64_t length;
    unit_assert_ok(file->operations->size(file, &length, NULL));
    unsigned char *bytes = malloc(length);
    unit_assert_ok(os_file_read(file, 0, bytes, length, NULL));
    os_file_close(file);
    *size = length;
    return bytes;
}

static void write_log(fixture *self, const unsigned char *bytes, size_t size)
{
    os_file *file;
    unit_assert_ok(os_file_open(self->environment, &self->budget, "x.tuff-wal",
                                OS_OPEN_READ | OS_OPEN_WRITE | OS_OPEN_CREATE, &file, NULL));
    unit_assert_ok(file->operations->set_size(file, 0, NULL));
    if (size)
        unit_assert_ok(os_file_write(file, 0, bytes, size, NULL));
    os_file_close(file);
}

static void close_log(fixture *self)
{
    unit_assert_ok(wal_close(self->log, false, NULL));
    self->log = NULL;
}

static void every_prefix_gives_the_commits_in_it(void **state)
{
    (void)state;
    for (int mode = WAL_SYNC_FULL; mode <= WAL_SYNC_NONE; mode += 2) {
        fixture self;
        static replayed seen;
        start(&self, (wal_sync_mode)mode);
        unit_assert_ok(open_log(&self, &seen, NULL));
        size_t ends[7] = {0};
        for (uint32_t i = 0; i < 6; i++) {
            commit(&self, i, 30 + 100 * i);
            ends[i] = WAL_BLOCK + self.log->current->length;
        }
        size_t size;
        unsigned char *bytes;
        close_log(&self);
        bytes = copy_log(&self, &size);
        for (size_t cut = 0; cut <= size; cut += 7) {
            write_log(&self, bytes, cut);
            unit_assert_ok(open_log(&self, &seen, NULL));
            /* At most what lies before the cut, at least what does with its padding. */
            uint32_t least = 0;
            while (least < 6 && ends[least] <= cut)
                least++;
            assert_true(seen.count >= least && seen.count <= least + 1);
            for (uint32_t i = 0; i < seen.count; i++)
                assert_int_equal(seen.values[i], i);
            if (cut % 35 == 0) {
                /* Work goes on behind the torn tail and is found together with the rest. */
                uint32_t kept = seen.count;
                commit(&self, kept, 50);
                close_log(&self);
                unit_assert_ok(open_log(&self, &seen, NULL));
                assert_int_equal(seen.count, kept + 1);
                assert_int_equal(seen.values[kept], kept);
            }
            close_log(&self);
        }
        free(bytes);
        stop(&self);
    }
}

static void flipped_bits_are_noticed(void **state)
{
    (void)state;
    fixture self;
    static replayed seen;
    start(&self, WAL_SYNC_FULL);
    unit_assert_ok(open_log(&self, &seen, NULL));
    size_t last_start = 0;
    for (uint32_t i = 0; i < 4; i++) {
        last_start = self.log->current ? WAL_BLOCK + self.log->current->length : 0;
        commit(&self, i, 100);
    }
    close_log(&self);
    size_t size;
    unsigned char *bytes = copy_log(&self, &size);
    uint32_t refused = 0;
    for (size_t at = 0; at < size; at++) {
        if (at == 200 || (at > WAL_BLOCK && at % WAL_BLOCK == 250))
            at += 3500; /* padding: nothing there to find, save time */
        if (at >= size)
            break;
        bytes[at] ^= (unsigned char)(1u << at % 8);
        write_log(&self, bytes, size);
        base_error error;
        base_error_clear(&error);
        base_status status = open_log(&self, &seen, &error);
        if (status == BASE_OK) {
            /* Harmless, or it looks as a torn last unit. */
            assert_true(seen.count == 4 || (seen.count == 3 && at >= last_start));
            assert_false(at < WAL_SEGMENT_HEADER_SIZE);
            close_log(&self);
        } else {
            assert_true(status == BASE_CORRUPT || status == BASE_FORMAT);
            assert_non_null(strstr(error.message, "x.tuff-wal"));
            refused++;
        }
        bytes[at] ^= (unsigned char)(1u << at % 8);
    }
    assert_true(refused >= WAL_SEGMENT_HEADER_SIZE + 3 * (52 + 108));
    free(bytes);
    stop(&self);
}

static void checkpoints_release_and_later_commits_survive(void **state)
{
    (void)state;
    fixture self;
    static replayed seen;
    start(&self, WAL_SYNC_NORMAL);
    unit_assert_ok(open_log(&self, &seen, NULL));
    uint32_t value = 0;
    uint64_t size_before = 0;
    for (int round = 0; round < 30; round++) {
        for (int i = 0; i < 20; i++)
            commit(&self, value++, 20000);
        wal_switch_point point;
        unit_assert_ok(wal_switch(self.log, self.options.epoch, &point, NULL));
        assert_int_equal(point.sequence, 100 + value);
        uint32_t after = value;
        for (int i = 0; i < 3; i++)
            commit(&self, value++, 3000);
        if (round % 3 == 1) {
            /* The checkpoint failed: everything since the old header is replayed. */
            close_log(&self);
            unit_assert_ok(open_log(&self, &seen, NULL));
            assert_int_equal(seen.values[seen.count - 1], value - 1);
            assert_int_equal(seen.count, 100 + value - self.options.sequence);
            continue;
        }
        self.options.epoch++;
        self.options.sequence = point.sequence;
        self.options.generation = point.generation;
        if (round % 3 == 0)
            wal_release(self.log, &point);
        close_log(&self);
        unit_assert_ok(open_log(&self, &seen, NULL));
        assert_int_equal(seen.count, 3);
        assert_int_equal(seen.values[0], after);
        os_file *file = self.log->file;
        uint64_t size;
        unit_assert_ok(file->operations->size(file, &size, NULL));
        if (round == 12)
            size_before = size;
        if (round > 12)
            assert_true(size <= size_before + 4 * WAL_SEGMENT); /* space is used again */
    }
    /* A checkpoint that covers all leaves nothing to replay, with or without the file. */
    wal_switch_point point;
    unit_assert_ok(wal_switch(self.log, self.options.epoch, &point, NULL));
    wal_release(self.log, &point);
    assert_int_equal(wal_live_bytes(self.log), 0);
    self.options.epoch++;
    self.options.sequence = point.sequence;
    self.options.generation = point.generation;
    close_log(&self);
    unit_assert_ok(open_log(&self, &seen, NULL));
    assert_int_equal(seen.count, 0);
    unit_assert_ok(wal_close(self.log, true, NULL));
    bool exists;
    unit_assert_ok(self.environment->exists(self.environment, "x.tuff-wal", &exists, NULL));
    assert_false(exists);
    unit_assert_ok(open_log(&self, &seen, NULL));
    stop(&self);
}

static void logs_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    fixture self;
    static replayed seen;
    start(&self, WAL_SYNC_FULL);
    unit_assert_ok(open_log(&self, &seen, NULL));
    commit(&self, 0, 10);
    close_log(&self);
    base_error error;
    wal_options right = self.options;

    base_error_clear(&error);
    self.options.database_id[0] ^= 1;
    assert_int_equal(open_log(&self, &seen, &error), BASE_FORMAT);
    assert_non_null(strstr(error.message, "another database"));

    base_error_clear(&error);
    self.options = right;
    self.options.epoch = 0;
    assert_int_equal(open_log(&self, &seen, &error), BASE_CORRUPT);
    assert_non_null(strstr(error.message, "newer than its database"));

    base_error_clear(&error);
    self.options = right;
    self.options.generation = 6; /* an older file, whose log is gone */
    assert_int_equal(open_log(&self, &seen, &error), BASE_CORRUPT);

    base_error_clear(&error);
    self.options = right;
    self.options.sequence = 101;
    assert_int_equal(open_log(&self, &seen, &error), BASE_CORRUPT);
    assert_non_null(strstr(error.message, "does not continue"));

    self.options = right;
    write_log(&self, (const unsigned char *)"this is a shopping list", 23);
    base_error_clear(&error);
    assert_int_equal(open_log(&self, &seen, &error), BASE_CORRUPT);
    stop(&self);
}

static void read_only_logs_are_read_only(void **state)
{
    (void)state;
    fixture self;
    static replayed seen;
    start(&self, WAL_SYNC_FULL);
    self.options.read_only = true;
    unit_assert_ok(open_log(&self, &seen, NULL));
    wal_unit unit = {.buffer = &self.buffer};
    assert_int_equal(wal_commit(self.log, &unit, NULL), BASE_READ_ONLY);
    close_log(&self);
    self.options.read_only = false;
    unit_assert_ok(open_log(&self, &seen, NULL));
    commit(&self, 0, 10);
    close_log(&self);
    self.options.read_only = true;
    unit_assert_ok(open_log(&self, &seen, NULL));
    assert_int_equal(seen.count, 1);
    stop(&self);
}

static void abandoned_units_leave_a_gap(void **state)
{
    (void)state;
    fixture self;
    static replayed seen;
    start(&self, WAL_SYNC_FULL);
    unit_assert_ok(open_log(&self, &seen, NULL));
    commit(&self, 0, 10);
    wal_unit given_up = {.buffer = &self.buffer};
    unit_assert_ok(wal_commit_start(self.log, &given_up, NULL));
    wal_commit_abandon(self.log, &given_up);
    assert_int_equal(commit(&self, 1, 10), 103);
    close_log(&self);
    unit_assert_ok(open_log(&self, &seen, NULL));
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.sequences[1], 103);
    stop(&self);
}

/* Units that write nothing move the sequence between two switches, of which only the first
 * got its header. */
static void empty_units_between_switches_do_no_harm(void **state)
{
    (void)state;
    fixture self;
    static replayed seen;
    wal_switch_point first, second;
    start(&self, WAL_SYNC_FULL);
    unit_assert_ok(open_log(&self, &seen, NULL));
    commit(&self, 0, 10);
    unit_assert_ok(wal_switch(self.log, 1, &first, NULL));
    wal_release(self.log, &first);
    wal_buffer_reset(&self.buffer);
    wal_unit unit = {.buffer = &self.buffer};
    unit_assert_ok(wal_commit(self.log, &unit, NULL));
    unit_assert_ok(wal_switch(self.log, 1, &second, NULL));
    assert_true(second.sequence > first.sequence);
    commit(&self, 1, 10);
    close_log(&self);
    for (int i = 0; i < 2; i++) {
        self.options.sequence = i ? second.sequence : first.sequence;
        self.options.generation = i ? second.generation : first.generation;
        unit_assert_ok(open_log(&self, &seen, NULL));
        assert_int_equal(seen.count, 1);
        assert_int_equal(seen.values[0], 1);
        close_log(&self);
    }
    stop(&self);
}

static void a_log_in_memory_only_counts(void **state)
{
    (void)state;
    fixture self;
    static replayed seen;
    start(&self, WAL_SYNC_FULL);
    self.options.path = NULL;
    unit_assert_ok(open_log(&self, &seen, NULL));
    assert_int_equal(commit(&self, 0, 10), 101);
    wal_switch_point point;
    unit_assert_ok(wal_switch(self.log, 1, &point, NULL));
    assert_int_equal(point.sequence, 101);
    wal_release(self.log, &point);
    assert_int_equal(commit(&self, 0, 10), 102);
    stop(&self);
}

/* ---- Threads ------------------------------------------------------------------------------- */

enum {
    THREADS = 4,
    COMMITS = 150
};

typedef struct committer {
    fixture *fixture;
    uint32_t number;
    uint64_t *published; /* newest, for all */
} committer;

static void note_published(void *context, uint64_t sequence)
{
    committer *self = context;
    assert_true(sequence > *self->published);
    *self->published = sequence;
}

static void commit_many(void *argument)
{
    committer *self = argument;
    wal_buffer buffer;
    wal_buffer_init(&buffer, &self->fixture->budget);
    for (uint32_t i = 0; i < COMMITS; i++) {
        wal_buffer_reset(&buffer);
        add_record(&buffer, self->number * 1000 + i, 10 + i);
        wal_unit unit = {.buffer = &buffer, .publish = note_published, .context = self};
        base_status status = wal_commit_start(self->fixture->log, &unit, NULL);
        if (status == BASE_OK && i % 10 == 3)
            wal_commit_abandon(self->fixture->log, &unit);
        else
            unit_assert_ok(wal_commit_finish(self->fixture->log, &unit, NULL));
    }
    wal_buffer_destroy(&buffer);
}

static void threads_commit_in_one_order(void **state)
{
    (void)state;
    for (int mode = WAL_SYNC_FULL; mode <= WAL_SYNC_NORMAL; mode++) {
        fixture self;
        static replayed seen;
        start(&self, (wal_sync_mode)mode);
        unit_assert_ok(open_log(&self, &seen, NULL));
        committer committers[THREADS];
        os_thread *threads[THREADS];
        uint64_t published = 0;
        for (uint32_t i = 0; i < THREADS; i++) {
            committers[i] = (committer){&self, i, &published};
            unit_assert_ok(
                os_thread_start(&self.budget, commit_many, &committers[i], &threads[i], NULL));
        }
        wal_switch_point point;
        for (int i = 0; i < 10; i++) {
            unit_assert_ok(wal_switch(self.log, 1, &point, NULL));
            unit_assert_ok(wal_sync(self.log, NULL));
        }
        for (uint32_t i = 0; i < THREADS; i++)
            os_thread_join(threads[i]);
        close_log(&self);
        unit_assert_ok(open_log(&self, &seen, NULL));
        assert_int_equal(seen.count, THREADS * COMMITS * 9 / 10);
        uint32_t next[THREADS] = {0};
        for (uint32_t i = 0; i < seen.count; i++) {
            uint32_t thread = seen.values[i] / 1000;
            assert_true(seen.values[i] % 1000 >= next[thread]);
            next[thread] = seen.values[i] % 1000 + 1;
        }
        stop(&self);
    }
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    bool finished = false;
    uint32_t fail_at = 1;
    for (; !finished; fail_at++) {
        fixture self;
        static replayed seen;
        start(&self, WAL_SYNC_FULL);
        unit_allocator allocator;
        unit_allocator_init(&allocator, fail_at, false);
        base_budget budget;
        base_budget_init(&budget, NULL, &allocator.allocator, "failing", SIZE_MAX);
        self.options.budget = &budget;
        wal_buffer_destroy(&self.buffer);
        wal_buffer_init(&self.buffer, &budget);
        base_status status = open_log(&self, &seen, NULL);
        uint32_t acknowledged = 0;
        for (uint32_t i = 0; i < 5 && self.log && status == BASE_OK; i++) {
            wal_buffer_reset(&self.buffer);
            unsigned char *data = wal_buffer_add(&self.buffer, 1, 300000);
            if (!data) {
                status = BASE_OUT_OF_MEMORY;
                break;
            }
            memset(data, (unsigned char)300000, 300000);
            base_store_u32(data, i);
            wal_unit unit = {.buffer = &self.buffer};
            status = wal_commit(self.log, &unit, NULL);
            acknowledged += status == BASE_OK;
        }
        assert_true(status == BASE_OK || status == BASE_OUT_OF_MEMORY);
        finished = atomic_load(&allocator.calls) < fail_at;
        wal_close(self.log, false, NULL);
        self.options.budget = &self.budget;
        unit_assert_ok(open_log(&self, &seen, NULL));
        assert_int_equal(seen.count, acknowledged);
        wal_buffer_destroy(&self.buffer);
        unit_budget_check(&budget);
        stop(&self);
    }
    assert_true(fail_at > 8);
}

/* ---- Calls ---------------------------------------------------------------------------------- */

enum {
    GROUP = 6 /* committers at once */
};

static void commit_one(void *argument)
{
    fixture *self = argument;
    wal_buffer buffer;
    wal_buffer_init(&buffer, &self->budget);
    add_record(&buffer, 7, 300);
    wal_unit unit = {.buffer = &buffer};
    unit_assert_ok(wal_commit(self->log, &unit, NULL));
    wal_buffer_destroy(&buffer);
}

static void commit_together(void *argument)
{
    fixture *self = argument;
    os_thread *threads[GROUP];
    for (int i = 0; i < GROUP; i++)
        unit_assert_ok(os_thread_start(&self->budget, commit_one, self, &threads[i], NULL));
    for (int i = 0; i < GROUP; i++)
        os_thread_join(threads[i]);
}

/* In full mode a commit is one write and one sync, whatever lies in it, and committers that meet
 * share them; in normal mode it is the write alone. */
static void a_commit_is_one_write_and_one_sync(void **state)
{
    fixture self;
    os_sim *sim;
    replayed seen;
    (void)state;
    for (int mode = WAL_SYNC_FULL; mode <= WAL_SYNC_NORMAL; mode++) {
        uint64_t each = mode == WAL_SYNC_FULL ? 2 : 1;
        start(&self, (wal_sync_mode)mode);
        unit_assert_ok(os_sim_create(&self.budget, 1, &sim, NULL));
        self.options.environment = os_sim_environment(sim);
        unit_assert_ok(open_log(&self, &seen, NULL));
        for (uint32_t i = 0; i < 70; i++) /* the file has grown to its steps */
            commit(&self, i, 200);
        uint64_t before = os_sim_change_count(sim);
        for (uint32_t i = 0; i < 10; i++)
            commit(&self, i, 8 + 40 * i);
        if (mode == WAL_SYNC_FULL)
            assert_int_equal(os_sim_change_count(sim) - before, 10 * each);
        else /* the flusher may sync once */
            assert_in_range(os_sim_change_count(sim) - before, 10, 12);
        unit_assert_ok(wal_close(self.log, false, NULL));
        unit_assert_ok(open_log(&self, &seen, NULL));
        assert_int_equal(seen.count, 80);
        unit_assert_ok(wal_close(self.log, false, NULL));
        os_sim_destroy(sim);
        self.log = NULL;
        wal_buffer_destroy(&self.buffer);
        os_memory_environment_destroy(self.environment);
        unit_budget_check(&self.budget);
    }
}

/* Commits of all lengths: the padding behind them has all lengths too, its header alone among them.
 * Each is on the disk when it is acknowledged. */
static void commits_of_all_lengths_are_written(void **state)
{
    fixture self;
    os_sim *sim, *after;
    replayed seen;
    (void)state;
    start(&self, WAL_SYNC_FULL);
    unit_assert_ok(os_sim_create(&self.budget, 1, &sim, NULL));
    self.options.environment = os_sim_environment(sim);
    unit_assert_ok(open_log(&self, &seen, NULL));
    uint32_t count = 0;
    for (size_t length = 3700; length < 4200; length += 4) {
        commit(&self, count++, length);
        if (length < 3900 || length > 4100)
            continue;
        unit_assert_ok(os_sim_crash(sim, OS_SIM_LOSE_ALL, 1, &after, NULL));
        wal_log *log = self.log;
        self.options.environment = os_sim_environment(after);
        unit_assert_ok(open_log(&self, &seen, NULL));
        assert_int_equal(seen.count, count);
        unit_assert_ok(wal_close(self.log, false, NULL));
        os_sim_destroy(after);
        self.options.environment = os_sim_environment(sim);
        self.log = log;
    }
    unit_assert_ok(wal_close(self.log, false, NULL));
    unit_assert_ok(open_log(&self, &seen, NULL));
    assert_int_equal(seen.count, count);
    unit_assert_ok(wal_close(self.log, false, NULL));
    os_sim_destroy(sim);
    wal_buffer_destroy(&self.buffer);
    os_memory_environment_destroy(self.environment);
    unit_budget_check(&self.budget);
}

static void committers_that_meet_share_a_sync(void **state)
{
    fixture self;
    os_sim *sim;
    replayed seen;
    uint64_t changes = 0;
    (void)state;
    start(&self, WAL_SYNC_FULL);
    unit_assert_ok(os_sim_create(&self.budget, 1, &sim, NULL));
    self.options.environment = os_sim_environment(sim);
    unit_assert_ok(open_log(&self, &seen, NULL));
    for (uint32_t i = 0; i < 70; i++)
        commit(&self, i, 200);
    for (uint64_t seed = 1; seed <= 8; seed++) {
        os_sim_result result;
        uint64_t before = os_sim_change_count(sim);
        unit_assert_ok(os_sim_run(sim, seed, 0, commit_together, &self, &result, NULL));
        changes += os_sim_change_count(sim) - before;
    }
    /* Alone each would take two, and some more for the file's growth. */
    assert_true(changes < 8 * GROUP * 3 / 2);
    unit_assert_ok(wal_close(self.log, false, NULL));
    unit_assert_ok(open_log(&self, &seen, NULL));
    assert_int_equal(seen.count, 70 + 8 * GROUP);
    unit_assert_ok(wal_close(self.log, false, NULL));
    os_sim_destroy(sim);
    wal_buffer_destroy(&self.buffer);
    os_memory_environment_destroy(self.environment);
    unit_budget_check(&self.budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reopen_sees_what_was_committed),
        cmocka_unit_test(marks_take_records_back),
        cmocka_unit_test(every_prefix_gives_the_commits_in_it),
        cmocka_unit_test(flipped_bits_are_noticed),
        cmocka_unit_test(checkpoints_release_and_later_commits_survive),
        cmocka_unit_test(logs_that_do_not_fit_are_refused),
        cmocka_unit_test(read_only_logs_are_read_only),
        cmocka_unit_test(abandoned_units_leave_a_gap),
        cmocka_unit_test(empty_units_between_switches_do_no_harm),
        cmocka_unit_test(a_log_in_memory_only_counts),
        cmocka_unit_test(a_commit_is_one_write_and_one_sync),
        cmocka_unit_test(commits_of_all_lengths_are_written),
        cmocka_unit_test(committers_that_meet_share_a_sync),
        cmocka_unit_test(threads_commit_in_one_order),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
