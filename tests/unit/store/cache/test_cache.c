/*
 * test_cache.c - headers, extents, space, checkpoints, damage, the buffer cache, spill files.
 */
#include "unit/unit.h"
#include "store/cache/cache_int.h"
#include "store/cache/spill.h"

typedef struct fixture {
    base_budget budget;
    os_environment *environment;
    cache_options options;
    cache_file *file;
} fixture;

static void start(fixture *self)
{
    memset(self, 0, sizeof *self);
    unit_budget_init(&self->budget);
    unit_assert_ok(os_memory_environment_create(&self->budget, &self->environment, NULL));
    self->options = (cache_options){.environment = self->environment,
                                    .budget = &self->budget,
                                    .path = "x.tuff",
                                    .create = true};
}

static void stop(fixture *self)
{
    cache_close(self->file);
    os_memory_environment_destroy(self->environment);
    unit_budget_check(&self->budget);
}

static base_status try_open(fixture *self, bool *created, base_error *error)
{
    self->file = NULL;
    return cache_open(&self->options, &self->file, created, error);
}

static void reopen(fixture *self)
{
    bool created;
    cache_close(self->file);
    base_error error;
    base_error_clear(&error);
    if (try_open(self, &created, &error) != BASE_OK)
        fail_msg("%s", error.message);
    assert_false(created);
}

static void fill_bytes(unsigned char *bytes, size_t length, uint64_t value)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (unsigned char)(base_hash_u64(value) >> (i % 8 * 8));
}

static void write_value(fixture *self, uint64_t value, size_t length, bool loose,
                        cache_reference *reference)
{
    unsigned char *bytes = malloc(length);
    fill_bytes(bytes, length, value);
    if (loose)
        unit_assert_ok(
            cache_write_loose(self->file, CACHE_KIND_COLUMN, bytes, length, reference, NULL));
    else
        unit_assert_ok(cache_write(self->file, CACHE_KIND_COLUMN, bytes, length, reference, NULL));
    free(bytes);
}

static void expect_content(fixture *self, const cache_reference *reference, uint64_t value)
{
    unsigned char *expected = malloc(reference->length), *bytes = malloc(reference->length);
    fill_bytes(expected, reference->length, value);
    unit_assert_ok(cache_read(self->file, reference, bytes, NULL));
    assert_memory_equal(bytes, expected, reference->length);
    cache_pin pin;
    unit_assert_ok(cache_pin_extent(self->file, reference, &pin, NULL));
    assert_int_equal(pin.length, reference->length);
    assert_int_equal((uintptr_t)pin.data % 64, 0);
    assert_memory_equal(pin.data, expected, reference->length);
    cache_unpin(self->file, &pin);
    free(expected);
    free(bytes);
}

static void no_problem(void *context, const char *problem)
{
    (void)context;
    fail_msg("check: %s", problem);
}
static void count_problem(void *context, const char *problem)
{
    (void)problem;
    ++*(int *)context;
}

/* ---- Headers --------------------------------------------------------------------------------- */

static void a_new_file_is_small_and_opens_again(void **state)
{
    (void)state;
    fixture self;
    start(&self);
    bool created;
    unit_assert_ok(try_open(&self, &created, NULL));
    assert_true(created);
    assert_int_equal(cache_epoch(self.file), 1);
    unsigned char id[16];
    memcpy(id, cache_database_id(self.file), 16);
    unit_assert_ok(cache_checkpoint_begin(self.file, NULL));
    cache_root root = {.sequence = 5, .time = -3, .log_generation = 9, .next_id = 7, .user = {1}};
    write_value(&self, 1, 5000, false, &root.root);
    unit_assert_ok(cache_checkpoint_commit(self.file, &root, NULL));
    reopen(&self);
    assert_int_equal(cache_epoch(self.file), 2);
    assert_memory_equal(id, cache_database_id(self.file), 16);
    const cache_root *read = cache_get_root(self.file);
    assert_int_equal(read->sequence, 5);
    assert_int_equal(read->time, -3);
    assert_int_equal(read->log_generation, 9);
    assert_int_equal(read->next_id, 7);
    assert_int_equal(read->user[0], 1);
    expect_content(&self, &read->root, 1);
    assert_int_equal(read->root.birth_epoch, 2);
    os_file *file = cache_os_file(self.file);
    uint64_t size;
    unit_assert_ok(file->operations->size(file, &size, NULL));
    assert_true(size <= 16384);
    assert_true(atomic_load(&file->counters.bytes_read) < 20000);
    stop(&self);
}

/* Opens the file itself, past the cache. */
static os_file *raw(fixture *self)
{
    os_file *file;
    unit_assert_ok(os_file_open(self->environment, &self->budget, "x.tuff",
                                OS_OPEN_READ | OS_OPEN_WRITE | OS_OPEN_CREATE, &file, NULL));
    return file;
}

static void flip(os_file *file, uint64_t at, unsigned char mask)
{
    unsigned char byte;
    unit_assert_ok(os_file_read(file, at, &byte, 1, NULL));
    byte ^= mask;
    unit_assert_ok(os_file_write(file, at, &byte, 1, NULL));
}

static void bad_files_are_refused(void **state)
{
    (void)state;
    fixture self;
    start(&self);
    bool created;
    base_error error;
    unit_assert_ok(try_open(&self, &created, NULL));
    unit_assert_ok(cache_checkpoint_begin(self.file, NULL));
    cache_root root = {0};
    write_value(&self, 1, 9000, false, &root.root);
    unit_assert_ok(cache_checkpoint_commit(self.file, &root, NULL));
    /* Somebody else has it open. */
    cache_file *other;
    base_error_clear(&error);
    assert_int_equal(cache_open(&self.options, &other, &created, &error), BASE_FILE_LOCKED);
    cache_close(self.file);
    os_file *file = raw(&self);
    /* One damaged slot is harmless, as the other has the same; closing repairs it. */
    for (int place = 0; place < 2; place++) {
        flip(file, (uint64_t)place * CACHE_GRANULE + 70, 4);
        unit_assert_ok(try_open(&self, &created, NULL));
        assert_int_equal(cache_epoch(self.file), 2);
        cache_close(self.file);
    }
    unit_assert_ok(try_open(&self, &created, NULL));
    cache_close(self.file);
    /* Both. */
    flip(file, 70, 4);
    flip(file, CACHE_GRANULE + 70, 4);
    base_error_clear(&error);
    assert_int_equal(try_open(&self, &created, &error), BASE_CORRUPT);
    assert_non_null(strstr(error.message, "headers"));
    flip(file, 70, 4);
    flip(file, CACHE_GRANULE + 70, 4);
    /* A later version. */
    unsigned char slot[CACHE_GRANULE];
    unit_assert_ok(os_file_read(file, 0, slot, sizeof slot, NULL));
    base_store_u32(slot + 8, CACHE_VERSION + 1);
    base_store_u64(slot + 48, 77);
    base_store_u64(slot + CACHE_HEADER_CHECKED, crypto_checksum64(slot, CACHE_HEADER_CHECKED, 0));
    unit_assert_ok(os_file_write(file, 0, slot, sizeof slot, NULL));
    base_error_clear(&error);
    assert_int_equal(try_open(&self, &created, &error), BASE_FORMAT);
    assert_non_null(strstr(error.message, "newer version"));
    /* Cut off. */
    unit_assert_ok(os_file_read(file, CACHE_GRANULE, slot, sizeof slot, NULL));
    unit_assert_ok(os_file_write(file, 0, slot, sizeof slot, NULL));
    uint64_t size;
    unit_assert_ok(file->operations->size(file, &size, NULL));
    unit_assert_ok(file->operations->set_size(file, size - 5000, NULL));
    base_error_clear(&error);
    assert_int_equal(try_open(&self, &created, &error), BASE_CORRUPT);
    assert_non_null(strstr(error.message, "cut off"));
    /* Something else. */
    unit_assert_ok(file->operations->set_size(file, 0, NULL));
    unit_assert_ok(os_file_write(file, 0, "dear diary", 10, NULL));
    base_error_clear(&error);
    assert_int_equal(try_open(&self, &created, &error), BASE_FORMAT);
    assert_non_null(strstr(error.message, "not a Tuff database"));
    /* Not there. */
    os_file_close(file);
    unit_assert_ok(self.environment->remove(self.environment, "x.tuff", NULL));
    self.options.create = false;
    assert_int_equal(try_open(&self, &created, NULL), BASE_CANNOT_OPEN);
    stop(&self);
}

static void every_flipped_byte_is_harmless_or_noticed(void **state)
{
    (void)state;
    fixture self;
    start(&self);
    bool created;
    unit_assert_ok(try_open(&self, &created, NULL));
    cache_reference references[3];
    cache_root root = {.sequence = 4};
    for (uint64_t round = 0; round < 2; round++) {
        unit_assert_ok(cache_checkpoint_begin(self.file, NULL));
        for (uint64_t i = round; i < 3; i += 2)
            write_value(&self, i, 100 + 4000 * i, false, &references[i]);
        root.root = references[0];
        unit_assert_ok(cache_checkpoint_commit(self.file, &root, NULL));
    }
    cache_close(self.file);
    os_file *file = raw(&self);
    uint64_t size;
    unit_assert_ok(file->operations->size(file, &size, NULL));
    for (uint64_t at = 0; at < size; at += at < 600 ? 1 : 37) {
        flip(file, at, (unsigned char)(1u << at % 8));
        base_status status = try_open(&self, &created, NULL);
        assert_true(status == BASE_OK || status == BASE_CORRUPT || status == BASE_FORMAT);
        assert_false(status == BASE_OK && created);
        if (status == BASE_OK) {
            assert_int_equal(cache_get_root(self.file)->sequence, 4);
            for (uint64_t i = 0; i < 3; i++) {
                unsigned char bytes[9000], expected[9000];
                fill_bytes(expected, references[i].length, i);
                status = cache_read(self.file, &references[i], bytes, NULL);
                assert_true(status == BASE_CORRUPT ||
                            memcmp(bytes, expected, references[i].length) == 0);
            }
        }
        cache_file *opened = self.file;
        if (opened) { /* close without repairing the other slot */
            opened->failure = BASE_IO_ERROR;
            cache_close(opened);
        }
        flip(file, at, (unsigned char)(1u << at % 8));
    }
    self.file = NULL;
    os_file_close(file);
    stop(&self);
}

/* ---- Space ----------------------------------------------------------------------------------- */

static void freed_extents_wait_for_headers_and_readers(void **state)
{
    (void)state;
    fixture self;
    start(&self);
    bool created;
    unit_assert_ok(try_open(&self, &created, NULL));
    cache_reference old, next, other;
    cache_root root = {0};
    unit_assert_ok(cache_checkpoint_begin(self.file, NULL));
    write_value(&self, 1, 40000, false, &old);
    unit_assert_ok(cache_checkpoint_commit(self.file, &root, NULL));
    uint64_t reader = cache_enter(self.file);
    unit_assert_ok(cache_checkpoint_begin(self.file, NULL));
    unit_assert_ok(cache_free(self.file, &old, NULL));
    write_value(&self, 2, 40000, false, &next);
    assert_true(next.offset != old.offset);
    unit_assert_ok(cache_checkpoint_commit(self.file, &root, NULL));
    write_value(&self, 3, 40000, true, &other); /* the header before still reaches it */
    assert_true(other.offset != old.offset);
    unit_assert_ok(cache_checkpoint_begin(self.file, NULL));
    unit_assert_ok(cache_checkpoint_commit(self.file, &root, NULL));
    write_value(&self, 4, 40000, true, &other); /* the reader is still there */
    assert_true(other.offset != old.offset);
    expect_content(&self, &old, 1);
    cache_leave(self.file, reader);
    write_value(&self, 5, 40000, true, &other);
    assert_int_equal(other.offset, old.offset);
    expect_content(&self, &other, 5); /* and no stale bytes from memory */
    stop(&self);
}

typedef struct model {
    cache_reference references[400];
    uint64_t values[400];
    uint32_t count;
} model;

static void model_remove(model *self, uint32_t place)
{
    self->references[place] = self->references[--self->count];
    self->values[place] = self->values[self->count];
}

static void check_all(fixture *self, const model *tree)
{
    cache_check *check;
    unit_assert_ok(cache_check_start(self->file, no_problem, NULL, &check, NULL));
    for (uint32_t i = 0; i < tree->count; i++)
        unit_assert_ok(cache_check_reference(check, &tree->references[i], true, NULL));
    unit_assert_ok(cache_check_finish(check, NULL));
    for (uint32_t i = 0; i < tree->count; i++)
        expect_content(self, &tree->references[i], tree->values[i]);
}

/* Random checkpoints over a model of the tree; crashes are simulated by a copy of the file. */
static void random_work_agrees_with_a_model(bool in_memory, uint64_t seed)
{
    fixture self;
    static model committed, tree, loose;
    start(&self);
    if (in_memory)
        self.options.path = NULL;
    self.options.cache_size = 100000;
    bool created;
    unit_assert_ok(try_open(&self, &created, NULL));
    memset(&committed, 0, sizeof committed);
    memset(&loose, 0, sizeof loose);
    uint64_t random = seed, value = 1;
    for (int round = 0; round < 120; round++) {
        tree = committed;
        model loose_before = loose;
        unit_assert_ok(cache_checkpoint_begin(self.file, NULL));
        for (int step = 0; step < 12; step++) {
            random = base_hash_u64(random + (uint64_t)round);
            size_t length = 1 + random % 977 * (random % 13 == 0 ? 100 : 17);
            uint32_t kind = (uint32_t)(random >> 32) % 6;
            if (kind < 2 && tree.count < 300) {
                write_value(&self, ++value, length, false, &tree.references[tree.count]);
                tree.values[tree.count++] = value;
            } else if (kind == 2 && loose.count < 50) {
                write_value(&self, ++value, length, true, &loose.references[loose.count]);
                loose.values[loose.count++] = value;
                loose_before.references[loose_before.count] = loose.references[loose.count - 1];
                loose_before.values[loose_before.count++] = value;
            } else if (kind == 3 && loose.count > 0 && loose_before.count == loose.count) {
                uint32_t place = (uint32_t)(random >> 20) % loose.count;
                if (random & 1) {
                    cache_discard(self.file, &loose.references[place]);
                    model_remove(&loose, place);
                    loose_before = loose;
                } else {
                    unit_assert_ok(cache_adopt(self.file, &loose.references[place], NULL));
                    tree.references[tree.count] = loose.references[place];
                    tree.values[tree.count++] = loose.values[place];
                    model_remove(&loose, place);
                }
            } else if (tree.count > 0) {
                uint32_t place = (uint32_t)(random >> 20) % tree.count;
                bool is_committed = false; /* only extents of the old tree are freed here */
                for (uint32_t i = 0; i < committed.count; i++)
                    is_committed |= committed.references[i].offset == tree.references[place].offset;
                if (is_committed) {
                    unit_assert_ok(cache_free(self.file, &tree.references[place], NULL));
                    model_remove(&tree, place);
                }
            }
        }
        if (random % 4 == 0) {
            cache_checkpoint_abort(self.file);
            loose = loose_before;
        } else {
            cache_root root = {.sequence = (uint64_t)round};
            unit_assert_ok(cache_checkpoint_commit(self.file, &root, NULL));
            committed = tree;
        }
        check_all(&self, &committed);
        for (uint32_t i = 0; i < loose.count; i++)
            expect_content(&self, &loose.references[i], loose.values[i]);
        if (round % 10 == 9 && !in_memory) {
            /* Reopen: what was loose is claimed by "the log", or is gone. */
            if (round % 20 == 9)
                self.file->failure = BASE_IO_ERROR; /* as after a crash: no second header */
            cache_file *closed = self.file;
            cache_close(closed);
            unit_assert_ok(try_open(&self, &created, NULL));
            assert_false(created);
            if (round % 20 == 9) {
                for (uint32_t i = 0; i < loose.count; i++) {
                    unit_assert_ok(cache_claim(self.file, &loose.references[i], NULL));
                    unit_assert_ok(cache_claim(self.file, &loose.references[i], NULL));
                    expect_content(&self, &loose.references[i], loose.values[i]);
                }
            } else {
                loose.count = 0;
            }
            check_all(&self, &committed);
            /* What the tree holds cannot be claimed. */
            if (committed.count)
                assert_int_equal(cache_claim(self.file, &committed.references[0], NULL),
                                 BASE_CORRUPT);
        }
    }
    stop(&self);
}

static void random_work_on_a_file(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++)
        random_work_agrees_with_a_model(false, seed);
}
static void random_work_in_memory(void **state)
{
    (void)state;
    random_work_agrees_with_a_model(true, 9);
}

static void a_long_free_map_comes_back(void **state)
{
    (void)state;
    fixture self;
    start(&self);
    bool created;
    unit_assert_ok(try_open(&self, &created, NULL));
    enum {
        COUNT = 1500
    };
    cache_reference *references = calloc(COUNT, sizeof *references);
    cache_root root = {0};
    unit_assert_ok(cache_checkpoint_begin(self.file, NULL));
    for (uint32_t i = 0; i < COUNT; i++)
        write_value(&self, i, 100, false, &references[i]);
    unit_assert_ok(cache_checkpoint_commit(self.file, &root, NULL));
    unit_assert_ok(cache_checkpoint_begin(self.file, NULL));
    for (uint32_t i = 0; i < COUNT; i += 2)
        unit_assert_ok(cache_free(self.file, &references[i], NULL));
    unit_assert_ok(cache_checkpoint_commit(self.file, &root, NULL));
    for (int round = 0; round < 5; round++) {
        unit_assert_ok(cache_checkpoint_begin(self.file, NULL));
        unit_assert_ok(cache_checkpoint_commit(self.file, &root, NULL));
        reopen(&self);
        cache_check *check;
        unit_assert_ok(cache_check_start(self.file, no_problem, NULL, &check, NULL));
        for (uint32_t i = 1; i < COUNT; i += 2)
            unit_assert_ok(cache_check_reference(check, &references[i], false, NULL));
        unit_assert_ok(cache_check_finish(check, NULL));
    }
    /* An omitted, a doubled and a damaged extent are found. */
    int problems = 0;
    cache_check *check;
    unit_assert_ok(cache_check_start(self.file, count_problem, &problems, &check, NULL));
    for (uint32_t i = 3; i < COUNT; i += 2)
        unit_assert_ok(cache_check_reference(check, &references[i], false, NULL));
    unit_assert_ok(cache_check_reference(check, &references[3], false, NULL));
    cache_reference wrong = references[5];
    wrong.seal[0] ^= 1;
    wrong.offset = references[1].offset;
    unit_assert_ok(cache_check_reference(check, &wrong, true, NULL));
    unit_assert_ok(cache_check_finish(check, NULL));
    assert_int_equal(problems, 2); /* doubled; damaged (and the omitted one was reached by it) */
    free(references);
    stop(&self);
}

/* ---- The buffer cache ------------------------------------------------------------------------ */

enum {
    EXTENTS = 60
};
typedef struct pinner {
    fixture *fixture;
    cache_reference *references;
    uint64_t seed;
} pinner;

static void pin_many(void *argument)
{
    pinner *self = argument;
    uint64_t random = self->seed;
    for (int i = 0; i < 2000; i++) {
        random = base_hash_u64(random);
        uint32_t place = (uint32_t)random % EXTENTS;
        cache_pin pin;
        unit_assert_ok(cache_pin_extent(self->fixture->file, &self->references[place], &pin, NULL));
        const unsigned char *data = pin.data;
        assert_int_equal(data[3], (unsigned char)(base_hash_u64(place) >> 24));
        cache_unpin(self->fixture->file, &pin);
    }
}

static void pins_share_evict_and_stay_within_the_limit(void **state)
{
    (void)state;
    fixture self;
    start(&self);
    self.options.cache_size = 200000;
    bool created;
    unit_assert_ok(try_open(&self, &created, NULL));
    cache_reference references[EXTENTS];
    for (uint32_t i = 0; i < EXTENTS; i++)
        write_value(&self, i, 10000, true, &references[i]);
    pinner pinners[3];
    os_thread *threads[3];
    for (uint64_t i = 0; i < 3; i++) {
        pinners[i] = (pinner){&self, references, i};
        unit_assert_ok(os_thread_start(&self.budget, pin_many, &pinners[i], &threads[i], NULL));
    }
    for (int i = 0; i < 3; i++)
        os_thread_join(threads[i]);
    cache_statistics statistics;
    cache_get_statistics(self.file, &statistics);
    assert_int_equal(statistics.hits + statistics.misses, 6000);
    assert_true(statistics.evictions > 0 && statistics.hits > 100);
    assert_true(statistics.cached_size <= 200000);
    /* Pinned extents stay even beyond the limit. */
    cache_pin pins[EXTENTS];
    for (uint32_t i = 0; i < EXTENTS; i++)
        unit_assert_ok(cache_pin_extent(self.file, &references[i], &pins[i], NULL));
    for (uint32_t i = 0; i < EXTENTS; i++) {
        assert_int_equal(((const unsigned char *)pins[i].data)[3],
                         (unsigned char)(base_hash_u64(i) >> 24));
        cache_unpin(self.file, &pins[i]);
    }
    assert_true(cache_shrink(self.file, SIZE_MAX) >= 60 * 10000);
    cache_get_statistics(self.file, &statistics);
    assert_int_equal(statistics.cached_size, 0);
    stop(&self);
}

static void damaged_extents_are_not_handed_out(void **state)
{
    (void)state;
    fixture self;
    start(&self);
    bool created;
    unit_assert_ok(try_open(&self, &created, NULL));
    cache_reference reference;
    write_value(&self, 7, 5000, true, &reference);
    os_file *file = raw(&self);
    flip(file, reference.offset + 4999, 1);
    cache_pin pin;
    base_error error;
    base_error_clear(&error);
    assert_int_equal(cache_pin_extent(self.file, &reference, &pin, &error), BASE_CORRUPT);
    assert_non_null(strstr(error.message, "x.tuff"));
    flip(file, reference.offset + 4999, 1);
    expect_content(&self, &reference, 7);
    os_file_close(file);
    stop(&self);
}

/* ---- Failures -------------------------------------------------------------------------------- */

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    for (uint64_t fail_at = 1;; fail_at++) {
        fixture self;
        start(&self);
        unit_allocator allocator;
        unit_allocator_init(&allocator, fail_at, false);
        base_budget budget;
        base_budget_init(&budget, NULL, &allocator.allocator, "failing", SIZE_MAX);
        self.options.budget = &budget;
        bool created;
        base_status status = try_open(&self, &created, NULL);
        cache_reference references[40];
        uint32_t written = 0;
        unsigned char bytes[5000];
        fill_bytes(bytes, sizeof bytes, 1);
        bool committed = false;
        if (status == BASE_OK) {
            unit_assert_ok(cache_checkpoint_begin(self.file, NULL));
            for (; written < 40 && status == BASE_OK; written++)
                status = cache_write(self.file, CACHE_KIND_COLUMN, bytes, sizeof bytes,
                                     &references[written], NULL);
            cache_root root = {.root = references[0]};
            if (status == BASE_OK)
                status = cache_checkpoint_commit(self.file, &root, NULL);
            committed = status == BASE_OK;
            if (!committed)
                cache_checkpoint_abort(self.file);
        }
        for (uint32_t round = 0; round < 3 && status == BASE_OK; round++) {
            unit_assert_ok(cache_checkpoint_begin(self.file, NULL));
            for (uint32_t i = 1 + round; i < 40 && status == BASE_OK; i += 3)
                status = cache_free(self.file, &references[i], NULL);
            if (status == BASE_OK)
                status = cache_checkpoint_commit(self.file, cache_get_root(self.file), NULL);
            if (status != BASE_OK)
                cache_checkpoint_abort(self.file);
            cache_pin pin = {0};
            if (status == BASE_OK)
                status = cache_pin_extent(self.file, &references[0], &pin, NULL);
            cache_unpin(self.file, &pin);
        }
        assert_true(status == BASE_OK || status == BASE_OUT_OF_MEMORY);
        bool finished = atomic_load(&allocator.calls) < fail_at;
        cache_close(self.file);
        self.options.budget = &self.budget;
        unit_assert_ok(try_open(&self, &created, NULL));
        assert_int_equal(!cache_reference_is_null(&cache_get_root(self.file)->root), committed);
        unit_budget_check(&budget);
        stop(&self);
        if (finished)
            break;
        assert_true(fail_at < 5000);
    }
}

/* ---- Spill files ----------------------------------------------------------------------------- */

static void spilled_blocks_come_back(void **state)
{
    (void)state;
    fixture self;
    start(&self);
    spill_file *file;
    unit_assert_ok(spill_create(self.environment, &self.budget, "x.tuff", 100000, &file, NULL));
    assert_int_equal(spill_size(file), 0);
    spill_block blocks[10];
    unsigned char bytes[9000], back[9000];
    for (uint64_t i = 0; i < 10; i++) {
        fill_bytes(bytes, 100 + i * 900, i);
        unit_assert_ok(spill_append(file, bytes, 100 + i * 900, &blocks[i], NULL));
    }
    for (uint64_t i = 10; i-- > 0;) {
        fill_bytes(bytes, 100 + i * 900, i);
        unit_assert_ok(spill_read(file, &blocks[i], back, NULL));
        assert_memory_equal(bytes, back, 100 + i * 900);
    }
    blocks[3].checksum ^= 1;
    assert_int_equal(spill_read(file, &blocks[3], back, NULL), BASE_CORRUPT);
    base_status status = BASE_OK;
    while (status == BASE_OK)
        status = spill_append(file, bytes, 9000, &blocks[0], NULL);
    assert_int_equal(status, BASE_LIMIT);
    assert_true(spill_size(file) <= 100000);
    spill_destroy(file);
    spill_destroy(NULL);
    unit_assert_ok(spill_create(os_posix_environment(), &self.budget, NULL, 0, &file, NULL));
    unit_assert_ok(spill_append(file, bytes, 9000, &blocks[0], NULL));
    unit_assert_ok(spill_read(file, &blocks[0], back, NULL));
    spill_destroy(file);
    stop(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_file_is_small_and_opens_again),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(every_flipped_byte_is_harmless_or_noticed),
        cmocka_unit_test(freed_extents_wait_for_headers_and_readers),
        cmocka_unit_test(random_work_on_a_file),
        cmocka_unit_test(random_work_in_memory),
        cmocka_unit_test(a_long_free_map_comes_back),
        cmocka_unit_test(pins_share_evict_and_stay_within_the_limit),
        cmocka_unit_test(damaged_extents_are_not_handed_out),
        cmocka_unit_test(every_failed_allocation_is_survived),
        cmocka_unit_test(spilled_blocks_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
