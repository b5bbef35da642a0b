/*
 * test_run.c - key runs against a sorted array: cursors in both directions, filters, sorting
 * beyond memory, damaged bytes, failing memory and files.
 */
#include <stdlib.h>

#include "unit/unit.h"
#include "index/run/run_int.h"
#include "os/sim/os_sim.h"

typedef struct model_entry {
    char *key;
    uint32_t length;
    int64_t rowid;
} model_entry;

typedef struct fixture {
    base_budget budget;
    os_environment *environment;
    cache_file *file;
    model_entry *entries; /* in order once `sort` was called */
    uint32_t count;
    index_run *run;
} fixture;

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void start(fixture *self)
{
    memset(self, 0, sizeof *self);
    unit_budget_init(&self->budget);
    unit_assert_ok(os_memory_environment_create(&self->budget, &self->environment, NULL));
    cache_options options = {.environment = self->environment,
                             .budget = &self->budget,
                             .path = "x.tuff",
                             .create = true};
    bool created;
    unit_assert_ok(cache_open(&options, &self->file, &created, NULL));
}

static void forget_entries(fixture *self)
{
    for (uint32_t i = 0; i < self->count; i++)
        free(self->entries[i].key);
    free(self->entries);
    self->entries = NULL;
    self->count = 0;
}

static void stop(fixture *self)
{
    forget_entries(self);
    index_run_drop(self->run);
    cache_statistics statistics;
    cache_get_statistics(self->file, &statistics);
    assert_int_equal(statistics.loose_size, 0); /* a loose run gives all of its extents back */
    cache_close(self->file);
    os_memory_environment_destroy(self->environment);
    unit_budget_check(&self->budget);
}

/* Keys that form a prefix-free set: some letters and an end mark; `longest` may be large. */
static void add_random(fixture *self, uint64_t *seed, uint32_t longest, uint32_t letters)
{
    model_entry *entry = &self->entries[self->count++];
    entry->length = (uint32_t)(next_random(seed) % longest) + 1;
    entry->key = malloc(entry->length);
    for (uint32_t i = 0; i + 1 < entry->length; i++)
        entry->key[i] = (char)(unsigned char)(1 + next_random(seed) % letters);
    entry->key[entry->length - 1] = '\0';
    entry->rowid = (int64_t)(next_random(seed) % 1000) - 500;
}

static int compare_entries(const void *a, const void *b)
{
    const model_entry *left = a, *right = b;
    int order = base_text_compare((base_text){left->key, left->length},
                                  (base_text){right->key, right->length});
    return order ? order : (left->rowid > right->rowid) - (left->rowid < right->rowid);
}

/* Sorts; equal entries count once. */
static void sort(fixture *self)
{
    uint32_t kept = 0;
    qsort(self->entries, self->count, sizeof *self->entries, compare_entries);
    for (uint32_t i = 0; i < self->count; i++) {
        if (kept && compare_entries(&self->entries[kept - 1], &self->entries[i]) == 0)
            free(self->entries[i].key);
        else
            self->entries[kept++] = self->entries[i];
    }
    self->count = kept;
}

static base_text key_of(const model_entry *entry)
{
    return (base_text){entry->key, entry->length};
}

enum {
    MOST_WRITERS = 4
};

/* Writes its part of the entries; the first one takes what the others have. */
static base_status write_parts(fixture *self, index_run_writer **writers, uint32_t count,
                               cache_reference *reference)
{
    for (uint32_t i = 0; i < self->count; i++) {
        index_run_writer *writer = writers[(uint64_t)i * count / self->count];
        RETURN_IF_ERROR(index_run_writer_append(writer, key_of(&self->entries[i]),
                                                self->entries[i].rowid, NULL));
    }
    for (uint32_t i = 1; i < count; i++) {
        if (index_run_writer_count(writers[i]))
            RETURN_IF_ERROR(index_run_writer_join(writers[0], writers[i], NULL));
        assert_int_equal(index_run_writer_count(writers[i]), 0);
    }
    assert_int_equal(index_run_writer_count(writers[0]), self->count);
    return index_run_writer_finish(writers[0], reference, NULL);
}

static base_status try_write(fixture *self, bool loose, bool filter, cache_reference *reference)
{
    index_run_options options = {
        .file = self->file, .budget = &self->budget, .loose = loose, .filter = filter};
    index_run_writer *writers[MOST_WRITERS] = {NULL};
    uint32_t count = 1 + self->count % MOST_WRITERS;
    base_status status = BASE_OK;
    for (uint32_t i = 0; i < count && status == BASE_OK; i++) {
        options.joins = i > 0;
        status = index_run_writer_create(&options, &writers[i], NULL);
    }
    if (status == BASE_OK)
        status = write_parts(self, writers, count, reference);
    for (uint32_t i = 0; i < count; i++)
        index_run_writer_destroy(writers[i]);
    return status;
}

static void write_run(fixture *self, bool filter)
{
    cache_reference reference;
    unit_assert_ok(try_write(self, true, filter, &reference));
    unit_assert_ok(index_run_open(self->file, &self->budget, &reference, &self->run, NULL));
    index_run_set_loose(self->run, true);
}

static void complain(void *context, const char *problem)
{
    (void)context;
    fail_msg("%s", problem);
}

static void make_random(fixture *self, uint64_t seed, uint32_t count, uint32_t longest,
                        uint32_t letters, bool filter)
{
    start(self);
    self->entries = malloc(count * sizeof *self->entries);
    for (uint32_t i = 0; i < count; i++)
        add_random(self, &seed, longest, letters);
    sort(self);
    write_run(self, filter);
    unit_assert_ok(index_run_check(self->run, complain, NULL, NULL));
    index_run_info info;
    unit_assert_ok(index_run_describe(self->run, &info, NULL));
    assert_int_equal(info.entry_count, self->count);
}

/* Reads the range and compares with the model's entries [first, end). */
static void expect_range(index_run_cursor *cursor, const fixture *self, index_run_range range,
                         uint32_t first, uint32_t end, bool descending, uint32_t limit)
{
    unit_assert_ok(index_run_cursor_seek(cursor, &range, descending, NULL));
    uint32_t at = descending ? end : first;
    for (;;) {
        const index_entry *entries;
        uint32_t count;
        base_status status = index_run_cursor_next(cursor, limit, &entries, &count, NULL);
        if (status == BASE_DONE)
            break;
        assert_int_equal(status, BASE_ROW);
        assert_true(count > 0);
        for (uint32_t i = 0; i < count; i++) {
            assert_true(descending ? at > first : at < end);
            const model_entry *expected = &self->entries[descending ? --at : at++];
            assert_int_equal(entries[i].rowid, expected->rowid);
            assert_true(base_text_equal(entries[i].key, key_of(expected)));
        }
    }
    assert_int_equal(at, descending ? first : end);
}

static uint32_t lower_bound(const fixture *self, base_text string)
{
    uint32_t place = 0;
    for (; place < self->count; place++) {
        char whole[INDEX_MAX_STRING];
        memcpy(whole, self->entries[place].key, self->entries[place].length);
        index_rowid_store(self->entries[place].rowid, whole + self->entries[place].length);
        base_text entry = {whole, self->entries[place].length + INDEX_ROWID_SIZE};
        if (base_text_compare(entry, string) >= 0)
            break;
    }
    return place;
}

/* A bound: an entry's whole string, its key, a part of its key, or that and something. */
static base_text random_bound(const fixture *self, uint64_t *seed, char *buffer)
{
    const model_entry *entry = &self->entries[next_random(seed) % self->count];
    uint32_t length = entry->length;
    memcpy(buffer, entry->key, length);
    switch (next_random(seed) % 4) {
    case 0:
        index_rowid_store(entry->rowid, buffer + length);
        return (base_text){buffer, length + INDEX_ROWID_SIZE};
    case 1:
        return (base_text){buffer, length};
    case 2:
        return (base_text){buffer, next_random(seed) % (length + 1)};
    default:
        buffer[length - 1] = (char)(unsigned char)(next_random(seed) % 256);
        return (base_text){buffer, length};
    }
}

static void probe_ranges(fixture *self, uint64_t seed, int probes)
{
    static char low[INDEX_MAX_STRING], high[INDEX_MAX_STRING];
    index_run_cursor *cursor;
    unit_assert_ok(index_run_cursor_create(self->run, &cursor, NULL));
    index_run_range all = {0};
    for (uint32_t limit = 1; limit <= 256; limit *= 4) {
        expect_range(cursor, self, all, 0, self->count, false, limit);
        expect_range(cursor, self, all, 0, self->count, true, limit);
    }
    for (int i = 0; i < probes; i++) {
        index_run_range range = {0};
        if (next_random(&seed) % 8)
            range.from = random_bound(self, &seed, low);
        if (next_random(&seed) % 8)
            range.to = random_bound(self, &seed, high);
        uint32_t first = range.from.data ? lower_bound(self, range.from) : 0;
        uint32_t end = range.to.data ? lower_bound(self, range.to) : self->count;
        expect_range(cursor, self, range, first, BASE_MAX(first, end), i & 1,
                     1 + (uint32_t)(next_random(&seed) % 40));
    }
    index_run_cursor_destroy(cursor);
}

static void ranges_match_a_sorted_array(void **state)
{
    (void)state;
    static const struct {
        uint32_t count, longest, letters;
    } shapes[] = {{1, 5, 3},     {15, 6, 2},     {17, 300, 3},    {3000, 4, 2},
                  {8000, 12, 3}, {4000, 200, 2}, {1500, 8190, 2}, {30000, 20, 26}};
    for (uint32_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        fixture self;
        make_random(&self, i + 1, shapes[i].count, shapes[i].longest, shapes[i].letters, i & 1);
        probe_ranges(&self, i + 100, 120);
        stop(&self);
    }
}

static void integers_take_eight_bytes_and_filters_say_no(void **state)
{
    (void)state;
    enum {
        COUNT = 200000
    };
    fixture self;
    start(&self);
    index_run_options options = {
        .file = self.file, .budget = &self.budget, .loose = true, .filter = true};
    index_run_writer *writer;
    unit_assert_ok(index_run_writer_create(&options, &writer, NULL));
    for (uint64_t i = 0; i < COUNT; i++) {
        char key[9] = {1};
        base_store_u64(key + 1, __builtin_bswap64(i * 2));
        unit_assert_ok(
            index_run_writer_append(writer, (base_text){key, sizeof key}, (int64_t)i, NULL));
    }
    cache_reference reference;
    unit_assert_ok(index_run_writer_finish(writer, &reference, NULL));
    index_run_writer_destroy(writer);
    unit_assert_ok(index_run_open(self.file, &self.budget, &reference, &self.run, NULL));
    index_run_set_loose(self.run, true);
    unit_assert_ok(index_run_check(self.run, complain, NULL, NULL));
    index_run_info info;
    unit_assert_ok(index_run_describe(self.run, &info, NULL));
    print_message("%.2f bytes an entry\n", (double)info.byte_count / COUNT);
    assert_true(info.byte_count < COUNT * 10);
    uint32_t wrong = 0;
    for (uint64_t i = 0; i < COUNT; i++) {
        char key[9] = {1};
        bool may;
        base_store_u64(key + 1, __builtin_bswap64(i * 2));
        unit_assert_ok(index_run_may_have(self.run, (base_text){key, sizeof key}, &may, NULL));
        assert_true(may);
        base_store_u64(key + 1, __builtin_bswap64(i * 2 + 1));
        unit_assert_ok(index_run_may_have(self.run, (base_text){key, sizeof key}, &may, NULL));
        wrong += may;
    }
    print_message("%u of %u absent keys pass\n", wrong, COUNT);
    assert_true(wrong < COUNT / 100);
    stop(&self);
}

/* ---- Sorting --------------------------------------------------------------------------------- */

enum {
    MOST_SORTERS = 5
};

static base_status fill_sorters(const fixture *self, index_sorter **sorters, uint32_t count,
                                uint64_t seed)
{
    uint32_t *order = malloc(self->count * sizeof *order);
    base_status status = BASE_OK;
    for (uint32_t i = 0; i < self->count; i++) {
        uint32_t other = (uint32_t)(next_random(&seed) % (i + 1));
        order[i] = order[other];
        order[other] = i;
    }
    for (uint32_t i = 0; i < self->count && status == BASE_OK; i++) {
        const model_entry *entry = &self->entries[order[i]];
        status = index_sorter_add(sorters[i % count], key_of(entry), entry->rowid, NULL);
    }
    free(order);
    for (uint32_t i = 0; i < count && status == BASE_OK; i++)
        status = index_sorter_start(sorters[i], NULL);
    return status;
}

/* Entries from `*at` on, as far as the keys lie below `to`. */
static base_status try_merge(const fixture *self, index_sorter *const *sorters, uint32_t count,
                             base_text from, base_text to, uint32_t *at)
{
    index_merge *merge;
    RETURN_IF_ERROR(index_merge_create(sorters, count, from, to, &merge, NULL));
    base_status status;
    for (;;) {
        index_entry entry;
        status = index_merge_next(merge, &entry, NULL);
        if (status != BASE_ROW)
            break;
        assert_true(*at < self->count);
        assert_int_equal(entry.rowid, self->entries[*at].rowid);
        assert_true(base_text_equal(entry.key, key_of(&self->entries[*at])));
        assert_true(!to.data || base_text_compare(entry.key, to) < 0);
        ++*at;
    }
    index_merge_destroy(merge);
    return status == BASE_DONE ? BASE_OK : status;
}

/* What several sorters have, in ranges of keys one after the other. */
static base_status try_ranges(const fixture *self, index_sorter *const *sorters, uint32_t count,
                              uint32_t parts)
{
    base_arena arena;
    base_text cuts[MOST_SORTERS], none = {NULL, 0};
    uint32_t cut_count, at = 0;
    base_arena_init(&arena, (base_budget *)&self->budget);
    base_status status = index_merge_cut(sorters, count, parts, &arena, cuts, &cut_count, NULL);
    assert_true(status != BASE_OK || cut_count < parts);
    for (uint32_t i = 0; status == BASE_OK && i <= cut_count; i++)
        status = try_merge(self, sorters, count, i ? cuts[i - 1] : none,
                           i < cut_count ? cuts[i] : none, &at);
    base_arena_destroy(&arena);
    if (status == BASE_OK)
        assert_int_equal(at, self->count);
    return status == BASE_OK ? BASE_DONE : status;
}

static base_status try_sort(fixture *self, os_environment *environment, size_t memory,
                            uint64_t seed)
{
    index_sorter_options options = {environment, &self->budget, NULL, memory};
    index_sorter *sorters[MOST_SORTERS] = {NULL};
    uint32_t count = 1 + (uint32_t)(seed % MOST_SORTERS);
    base_status status = BASE_OK;
    for (uint32_t i = 0; i < count && status == BASE_OK; i++)
        status = index_sorter_create(&options, &sorters[i], NULL);
    if (status == BASE_OK)
        status = fill_sorters(self, sorters, count, seed);
    if (status == BASE_OK)
        status = try_ranges(self, sorters, count, 1);
    if (status == BASE_DONE)
        status = try_ranges(self, sorters, count, MOST_SORTERS);
    for (uint32_t i = 0; i < count; i++)
        index_sorter_destroy(sorters[i]);
    return status;
}

static void sorting_in_memory_and_in_parts(void **state)
{
    (void)state;
    static const struct {
        uint32_t count, longest, letters;
    } shapes[] = {{1, 5, 3}, {17, 6, 2}, {60000, 12, 3}, {30000, 200, 2}, {600, 8190, 2}};
    for (uint32_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        fixture self;
        uint64_t seed = i + 7;
        base_budget disk_budget; /* what lies in files is not memory */
        os_environment *disk;
        unit_budget_init(&disk_budget);
        unit_assert_ok(os_memory_environment_create(&disk_budget, &disk, NULL));
        start(&self);
        self.entries = malloc(shapes[i].count * sizeof *self.entries);
        for (uint32_t k = 0; k < shapes[i].count; k++)
            add_random(&self, &seed, shapes[i].longest, shapes[i].letters);
        sort(&self);
        assert_int_equal(try_sort(&self, disk, SIZE_MAX, i), BASE_DONE);
        atomic_store(&self.budget.peak, atomic_load(&self.budget.used));
        size_t before = atomic_load(&self.budget.used);
        assert_int_equal(try_sort(&self, disk, 0, i), BASE_DONE);
        /* A quarter of a megabyte and, while merging, a block of each part. */
        assert_true(atomic_load(&self.budget.peak) - before < (4 << 20));
        os_memory_environment_destroy(disk);
        unit_budget_check(&disk_budget);
        stop(&self);
    }
}

/* ---- Failures -------------------------------------------------------------------------------- */

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (uint64_t fail_at = 1;; fail_at++) {
        fixture self;
        unit_allocator allocator;
        memset(&self, 0, sizeof self);
        unit_allocator_init(&allocator, 0, false);
        base_budget_init(&self.budget, NULL, &allocator.allocator, "test", SIZE_MAX);
        unit_assert_ok(os_memory_environment_create(&self.budget, &self.environment, NULL));
        cache_options options = {.environment = self.environment,
                                 .budget = &self.budget,
                                 .path = "x.tuff",
                                 .create = true};
        bool created;
        unit_assert_ok(cache_open(&options, &self.file, &created, NULL));
        self.entries = malloc(2000 * sizeof *self.entries);
        uint64_t seed = 3;
        for (uint32_t i = 0; i < 2000; i++)
            add_random(&self, &seed, 100, 3);
        sort(&self);
        atomic_store(&allocator.calls, 0);
        allocator.fail_at = fail_at;
        cache_reference reference;
        index_run_cursor *cursor = NULL;
        base_status status = try_sort(&self, self.environment, 0, 1);
        status = status == BASE_DONE ? try_write(&self, true, true, &reference) : status;
        if (status == BASE_OK) {
            status = index_run_open(self.file, &self.budget, &reference, &self.run, NULL);
            if (status == BASE_OK) {
                index_run_set_loose(self.run, true);
                status = index_run_cursor_create(self.run, &cursor, NULL);
            }
            index_run_range all = {0};
            if (status == BASE_OK)
                status = index_run_cursor_seek(cursor, &all, fail_at & 1, NULL);
            const index_entry *entries;
            uint32_t count, total = 0;
            while (status == BASE_OK || status == BASE_ROW) {
                status = index_run_cursor_next(cursor, 100, &entries, &count, NULL);
                total += status == BASE_ROW ? count : 0;
            }
            if (status == BASE_DONE)
                assert_int_equal(total, self.count);
            index_run_cursor_destroy(cursor);
        }
        bool failed = atomic_load(&allocator.calls) >= fail_at;
        /* The buffer cache may do without some of its memory. */
        assert_true(status == BASE_DONE || (failed && status == BASE_OUT_OF_MEMORY));
        allocator.fail_at = 0;
        bool lost = failed && !self.run; /* opening failed: the reference is the caller's */
        if (lost && status == BASE_OUT_OF_MEMORY) {
            cache_statistics statistics;
            cache_get_statistics(self.file, &statistics);
            if (statistics.loose_size) {
                unit_assert_ok(
                    index_run_open(self.file, &self.budget, &reference, &self.run, NULL));
                index_run_set_loose(self.run, true);
            }
        }
        stop(&self);
        if (!failed)
            break;
    }
}

/* Each call of the file may fail: the failure comes out, and nothing stays behind. */
static void every_call_of_the_file_may_fail(void **state)
{
    (void)state;
    for (uint64_t fail_at = 1;; fail_at++) {
        base_budget budget;
        os_sim *sim;
        unit_budget_init(&budget);
        unit_assert_ok(os_sim_create(&budget, 1, &sim, NULL));
        fixture self = {.environment = os_sim_environment(sim)};
        unit_budget_init(&self.budget);
        cache_options options = {.environment = self.environment,
                                 .budget = &self.budget,
                                 .path = "x.tuff",
                                 .create = true};
        bool created;
        unit_assert_ok(cache_open(&options, &self.file, &created, NULL));
        self.entries = malloc(2000 * sizeof *self.entries);
        uint64_t seed = 3;
        for (uint32_t i = 0; i < 2000; i++)
            add_random(&self, &seed, 60, 3);
        sort(&self);
        os_sim_fail(sim, fail_at, BASE_IO_ERROR, false);
        cache_reference reference;
        base_status status = try_write(&self, true, true, &reference);
        if (status == BASE_OK) {
            unit_assert_ok(index_run_open(self.file, &self.budget, &reference, &self.run, NULL));
            status = index_run_check(self.run, complain, NULL, NULL);
        }
        bool failed = os_sim_has_failed(sim);
        os_sim_fail(sim, 0, BASE_OK, false);
        assert_int_equal(status, failed ? BASE_IO_ERROR : BASE_OK);
        if (self.run) {
            index_run_set_loose(self.run, true);
            unit_assert_ok(index_run_check(self.run, complain, NULL, NULL)); /* read anew */
        }
        forget_entries(&self);
        index_run_drop(self.run);
        cache_statistics statistics;
        cache_get_statistics(self.file, &statistics);
        assert_int_equal(statistics.loose_size, 0);
        cache_close(self.file);
        unit_budget_check(&self.budget);
        os_sim_destroy(sim);
        unit_budget_check(&budget);
        if (!failed)
            break;
    }
}

static void ignore_problem(void *context, const char *problem)
{
    (void)problem;
    ++*(uint32_t *)context;
}

/* Bytes that were changed after they were written are found by their checksum. */
static void damaged_files_are_reported(void **state)
{
    (void)state;
    fixture self;
    make_random(&self, 5, 5000, 40, 3, true);
    index_run_info info;
    unit_assert_ok(index_run_describe(self.run, &info, NULL));
    os_file *raw = cache_os_file(self.file);
    uint64_t size, seed = 9;
    unit_assert_ok(raw->operations->size(raw, &size, NULL));
    uint32_t found = 0;
    for (int i = 0; i < 200; i++) {
        uint64_t at = 8192 + next_random(&seed) % (size - 8192);
        unsigned char byte;
        unit_assert_ok(os_file_read(raw, at, &byte, 1, NULL));
        unsigned char other = byte ^ (unsigned char)(1 << next_random(&seed) % 8);
        unit_assert_ok(os_file_write(raw, at, &other, 1, NULL));
        (void)cache_shrink(self.file, SIZE_MAX);
        (void)cache_shrink(self.file, SIZE_MAX); /* the clock's second chance */
        base_status status = index_run_check(self.run, complain, NULL, NULL);
        assert_true(status == BASE_OK || status == BASE_CORRUPT); /* OK: between extents */
        found += status == BASE_CORRUPT;
        unit_assert_ok(os_file_write(raw, at, &byte, 1, NULL));
    }
    assert_true(found > 100);
    unit_assert_ok(index_run_check(self.run, complain, NULL, NULL));
    stop(&self);
}

/* Bytes whose checksum was forged: any answer but a crash, a hang or reading outside. */
static base_status read_all(fixture *self, const cache_reference *reference, bool descending)
{
    index_run *run;
    index_run_cursor *cursor;
    index_run_range all = {0};
    uint32_t problems = 0, batches = 0;
    RETURN_IF_ERROR(index_run_open(self->file, &self->budget, reference, &run, NULL));
    unit_assert_ok(index_run_cursor_create(run, &cursor, NULL));
    unit_assert_ok(index_run_cursor_seek(cursor, &all, descending, NULL));
    const index_entry *entries;
    uint32_t count;
    base_status status;
    while ((status = index_run_cursor_next(cursor, 64, &entries, &count, NULL)) == BASE_ROW)
        assert_true(++batches < 100000);
    index_run_cursor_destroy(cursor);
    (void)index_run_check(run, ignore_problem, &problems, NULL);
    index_run_drop(run);
    return status;
}

static void rewrite(fixture *self, const cache_reference *old, const unsigned char *bytes,
                    cache_reference *fresh)
{
    unit_assert_ok(
        cache_write_loose(self->file, (cache_kind)old->kind, bytes, old->length, fresh, NULL));
}

/* The head, and the first node and leaf, with bytes changed and checksums made anew. */
static void forged_bytes_do_no_harm(void **state)
{
    (void)state;
    fixture self;
    make_random(&self, 6, 3000, 40, 3, true);
    const cache_reference *head = index_run_reference(self.run);
    unsigned char *head_bytes = malloc(head->length), *changed_head = malloc(head->length);
    unit_assert_ok(cache_read(self.file, head, head_bytes, NULL));
    run_head parsed;
    run_child child;
    run_directory directory;
    cache_reference node, leaf;
    assert_true(index_run_parse_head(head_bytes, head->length, &parsed));
    assert_true(index_run_get_child(&parsed.nodes, 0, &child));
    size_t node_at = (size_t)(child.fixed - head_bytes);
    cache_reference_load(&node, child.fixed);
    unsigned char *node_bytes = malloc(node.length), *changed_node = malloc(node.length);
    unit_assert_ok(cache_read(self.file, &node, node_bytes, NULL));
    assert_true(index_run_parse_node(node_bytes, node.length, &directory));
    assert_true(index_run_get_child(&directory, 0, &child));
    size_t leaf_at = (size_t)(child.fixed - node_bytes);
    cache_reference_load(&leaf, child.fixed);
    unsigned char *leaf_bytes = malloc(leaf.length), *changed_leaf = malloc(leaf.length);
    unit_assert_ok(cache_read(self.file, &leaf, leaf_bytes, NULL));
    uint64_t seed = 11;
    uint32_t refused = 0;
    for (uint32_t i = 0; i < 1500; i++) {
        memcpy(changed_head, head_bytes, head->length);
        memcpy(changed_node, node_bytes, node.length);
        memcpy(changed_leaf, leaf_bytes, leaf.length);
        unsigned char *victims[] = {changed_head, changed_node, changed_leaf};
        uint32_t lengths[] = {head->length, node.length, leaf.length};
        uint32_t victim = i % 3, near = i % 2 ? lengths[victim] : BASE_MIN(lengths[victim], 64u);
        for (uint64_t changes = 1 + next_random(&seed) % 3; changes > 0; changes--)
            victims[victim][next_random(&seed) % near] = (unsigned char)next_random(&seed);
        cache_reference new_head, new_node, new_leaf;
        rewrite(&self, &leaf, changed_leaf, &new_leaf);
        if (victim != 1)
            cache_reference_store(&new_leaf, changed_node + leaf_at);
        rewrite(&self, &node, changed_node, &new_node);
        if (victim != 0)
            cache_reference_store(&new_node, changed_head + node_at);
        rewrite(&self, head, changed_head, &new_head);
        base_status status = read_all(&self, &new_head, i & 1);
        assert_true(status == BASE_DONE || status == BASE_CORRUPT);
        refused += status == BASE_CORRUPT;
        cache_discard(self.file, &new_leaf);
        cache_discard(self.file, &new_node);
        cache_discard(self.file, &new_head);
    }
    assert_true(refused > 150);
    free(head_bytes);
    free(changed_head);
    free(node_bytes);
    free(changed_node);
    free(leaf_bytes);
    free(changed_leaf);
    stop(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_match_a_sorted_array),
        cmocka_unit_test(integers_take_eight_bytes_and_filters_say_no),
        cmocka_unit_test(sorting_in_memory_and_in_parts),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(every_call_of_the_file_may_fail),
        cmocka_unit_test(damaged_files_are_reported),
        cmocka_unit_test(forged_bytes_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
