/*
 * test_os_sim.c - the simulated disk forgets what it should, fails when told, and the
 * simulated threads follow their seed.
 */
#include "unit/unit.h"
#include "os/sim/os_sim.h"

static base_budget budget;

static os_sim *make(uint64_t seed)
{
    os_sim *sim = NULL;
    unit_budget_init(&budget);
    unit_assert_ok(os_sim_create(&budget, seed, &sim, NULL));
    return sim;
}

static os_file *open_file(os_sim *sim, const char *path)
{
    os_file *file = NULL;
    unit_assert_ok(os_file_open(os_sim_environment(sim), &budget, path,
                                OS_OPEN_READ | OS_OPEN_WRITE | OS_OPEN_CREATE, &file, NULL));
    return file;
}

static bool exists(os_sim *sim, const char *path)
{
    bool found = false;
    os_environment *environment = os_sim_environment(sim);
    unit_assert_ok(environment->exists(environment, path, &found, NULL));
    return found;
}

static unsigned char byte_at(os_sim *sim, const char *path, uint64_t at)
{
    os_file *file = open_file(sim, path);
    unsigned char byte = 0;
    size_t got;
    unit_assert_ok(os_file_read_some(file, at, &byte, 1, &got, NULL));
    os_file_close(file);
    return byte;
}

static void only_what_was_synced_is_sure(void **state)
{
    (void)state;
    os_sim *sim = make(1), *after;
    os_environment *environment = os_sim_environment(sim);
    os_file *file = open_file(sim, "a");
    unit_assert_ok(os_file_write(file, 0, "old", 3, NULL));
    unit_assert_ok(os_sim_crash(sim, OS_SIM_LOSE_ALL, 1, &after, NULL));
    assert_false(exists(after, "a")); /* the name was not synced */
    os_sim_destroy(after);
    unit_assert_ok(environment->sync_directory(environment, "a", NULL));
    unit_assert_ok(os_sim_crash(sim, OS_SIM_LOSE_ALL, 1, &after, NULL));
    assert_true(exists(after, "a"));
    assert_int_equal(byte_at(after, "a", 0), 0); /* the bytes were not */
    os_sim_destroy(after);
    unit_assert_ok(os_file_sync(file, NULL));
    unit_assert_ok(os_file_write(file, 0, "new", 3, NULL));
    unit_assert_ok(os_sim_crash(sim, OS_SIM_LOSE_ALL, 1, &after, NULL));
    assert_int_equal(byte_at(after, "a", 0), 'o');
    os_sim_destroy(after);
    unit_assert_ok(os_sim_crash(sim, OS_SIM_KEEP_ALL, 1, &after, NULL));
    assert_int_equal(byte_at(after, "a", 0), 'n');
    os_sim_destroy(after);
    unit_assert_ok(environment->remove(environment, "a", NULL));
    assert_false(exists(sim, "a"));
    unit_assert_ok(os_sim_crash(sim, OS_SIM_LOSE_ALL, 1, &after, NULL));
    assert_true(exists(after, "a")); /* neither was the removal */
    os_sim_destroy(after);
    os_file_close(file);
    unit_assert_ok(environment->sync_directory(environment, "a", NULL));
    os_sim_destroy(sim);
    unit_budget_check(&budget);
}

static void unsynced_writes_are_torn_in_any_order(void **state)
{
    (void)state;
    os_sim *sim = make(2);
    os_environment *environment = os_sim_environment(sim);
    os_file *file = open_file(sim, "a");
    unit_assert_ok(environment->sync_directory(environment, "a", NULL));
    unsigned char ones[16384];
    memset(ones, 1, sizeof ones);
    unit_assert_ok(os_file_write(file, 0, ones, sizeof ones, NULL));
    unit_assert_ok(os_file_write(file, 16384, ones, sizeof ones, NULL));
    uint32_t reordered = 0, torn = 0, within = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        os_sim *after;
        unit_assert_ok(
            os_sim_crash(sim, seed % 2 ? OS_SIM_TEAR_512 : OS_SIM_TEAR_4096, seed, &after, NULL));
        unsigned char back[32768];
        size_t got;
        os_file *other = open_file(after, "a");
        unit_assert_ok(os_file_read_some(other, 0, back, sizeof back, &got, NULL));
        os_file_close(other);
        uint32_t first = 0, second = 0, inside = 0;
        for (size_t i = 0; i < sizeof back; i += 512) {
            *(i < 16384 ? &first : &second) += back[i];
            inside += i % 4096 != 0 && back[i] != back[i - 512];
            for (size_t j = 0; j < 512; j++)
                assert_int_equal(back[i + j], back[i]); /* sectors are whole */
        }
        torn += (first > 0 && first < 32) || (second > 0 && second < 32);
        reordered += first < 32 && second > 0;
        within += inside > 0;
        assert_true(seed % 2 == 1 || inside == 0);
        os_sim_destroy(after);
    }
    assert_true(torn > 50 && reordered > 50 && within > 20);
    os_file_close(file);
    os_sim_destroy(sim);
    unit_budget_check(&budget);
}

static void calls_fail_when_told(void **state)
{
    (void)state;
    os_sim *sim = make(3);
    os_environment *environment = os_sim_environment(sim);
    os_file *file = open_file(sim, "a");
    unit_assert_ok(environment->sync_directory(environment, "a", NULL));
    os_sim_fail(sim, 2, BASE_IO_ERROR, false);
    unit_assert_ok(os_file_write(file, 0, "x", 1, NULL));
    base_error error;
    base_error_clear(&error);
    assert_int_equal(os_file_sync(file, &error), BASE_IO_ERROR);
    assert_non_null(strstr(error.message, "\"a\""));
    assert_true(os_sim_has_failed(sim));
    unit_assert_ok(os_file_sync(file, NULL));
    os_sim_fail(sim, 1, BASE_DISK_FULL, true);
    assert_int_equal(os_file_write(file, 0, "x", 1, NULL), BASE_DISK_FULL);
    assert_int_equal(os_file_write(file, 0, "x", 1, NULL), BASE_DISK_FULL);
    os_sim_fail(sim, 0, BASE_OK, false);
    assert_false(os_sim_has_failed(sim));
    /* What a failed sync lost stays lost, although it is still read. */
    uint32_t lost = 0;
    for (uint64_t i = 0; i < 20; i++) {
        unit_assert_ok(os_file_write(file, i, "y", 1, NULL));
        os_sim_fail(sim, 1, BASE_IO_ERROR, false);
        assert_int_equal(os_file_sync(file, NULL), BASE_IO_ERROR);
        unit_assert_ok(os_file_sync(file, NULL));
        assert_int_equal(byte_at(sim, "a", i), 'y');
        os_sim *after;
        unit_assert_ok(os_sim_crash(sim, OS_SIM_LOSE_ALL, 1, &after, NULL));
        lost += byte_at(after, "a", i) != 'y';
        os_sim_destroy(after);
    }
    assert_true(lost > 2 && lost < 18);
    os_sim_set_capacity(sim, 100);
    unit_assert_ok(os_file_write(file, 99, "z", 1, NULL));
    assert_int_equal(os_file_write(file, 100, "z", 1, NULL), BASE_DISK_FULL);
    unit_assert_ok(os_file_write(file, 5, "z", 1, NULL));
    os_file_close(file);
    os_sim_destroy(sim);
    unit_budget_check(&budget);
}

static void note_number(void *context, uint64_t number)
{
    uint64_t *seen = context;
    assert_int_equal(number, *seen + 1);
    *seen = number;
}

static void changes_are_announced(void **state)
{
    (void)state;
    os_sim *sim = make(4);
    uint64_t seen = 0;
    os_sim_on_change(sim, note_number, &seen);
    os_file *file = open_file(sim, "a");
    unit_assert_ok(os_file_write(file, 0, "x", 1, NULL));
    unit_assert_ok(os_file_sync(file, NULL));
    unit_assert_ok(file->operations->set_size(file, 0, NULL));
    assert_int_equal(seen, 4);
    assert_int_equal(os_sim_change_count(sim), 4);
    os_file_close(file);
    os_sim_destroy(sim);
    unit_budget_check(&budget);
}

/* ---- Threads --------------------------------------------------------------------------------- */

typedef struct shared {
    os_sim *sim;
    os_mutex mutex, second;
    os_condition changed;
    int counter;
    bool careful; /* takes the mutex */
    bool opposite;
    uint64_t trace;
    int turn;
} shared;

static void increment(void *argument)
{
    shared *self = argument;
    for (int i = 0; i < 5; i++) {
        if (self->careful)
            os_mutex_lock(&self->mutex);
        int read = self->counter;
        os_yield_point();
        self->counter = read + 1;
        self->trace = base_hash_combine(self->trace, (uint64_t)read);
        if (self->careful)
            os_mutex_unlock(&self->mutex);
    }
}

static void race(void *argument)
{
    shared *self = argument;
    os_thread *threads[3];
    for (int i = 0; i < 3; i++)
        unit_assert_ok(os_thread_start(&budget, increment, self, &threads[i], NULL));
    for (int i = 0; i < 3; i++)
        os_thread_join(threads[i]);
}

static void races_are_found_and_replayed(void **state)
{
    (void)state;
    uint32_t lost = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        uint64_t traces[2];
        for (int repeat = 0; repeat < 2; repeat++) {
            shared self = {.sim = make(seed)};
            os_sim_result result;
            unit_assert_ok(os_sim_run(self.sim, seed, 0, race, &self, &result, NULL));
            assert_int_equal(result.threads, 4);
            traces[repeat] = self.trace;
            lost += self.counter < 15;
            os_sim_destroy(self.sim);
            unit_budget_check(&budget);
        }
        assert_true(traces[0] == traces[1]);
    }
    assert_true(lost > 20);
    for (uint64_t seed = 0; seed < 60; seed++) {
        shared self = {.sim = make(seed), .careful = true};
        os_mutex_init(&self.mutex);
        os_sim_result result;
        unit_assert_ok(os_sim_run(self.sim, seed, 0, race, &self, &result, NULL));
        assert_int_equal(self.counter, 15);
        os_mutex_destroy(&self.mutex);
        os_sim_destroy(self.sim);
    }
}

static void wait_for_turn(void *argument)
{
    shared *self = argument;
    os_mutex_lock(&self->mutex);
    while (self->turn < 3)
        os_condition_wait(&self->changed, &self->mutex);
    self->turn++;
    os_condition_broadcast(&self->changed);
    os_mutex_unlock(&self->mutex);
}

static void take_turns(void *argument)
{
    shared *self = argument;
    os_thread *thread;
    unit_assert_ok(os_thread_start(&budget, wait_for_turn, self, &thread, NULL));
    os_mutex_lock(&self->mutex);
    int64_t before = os_sim_environment(self->sim)->monotonic_clock(os_sim_environment(self->sim));
    /* Nobody signals: time jumps. */
    assert_false(os_condition_wait_for(&self->changed, &self->mutex, 5000000000));
    int64_t now = os_sim_environment(self->sim)->monotonic_clock(os_sim_environment(self->sim));
    assert_true(now - before >= 5000000000 && now - before < 5100000000);
    self->turn = 3;
    os_condition_signal(&self->changed);
    while (self->turn < 4)
        os_condition_wait(&self->changed, &self->mutex);
    os_mutex_unlock(&self->mutex);
    os_thread_join(thread);
    self->turn = 5;
}

static void conditions_and_time_work(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        shared self = {.sim = make(seed)};
        os_mutex_init(&self.mutex);
        os_condition_init(&self.changed);
        os_sim_result result;
        unit_assert_ok(os_sim_run(self.sim, seed, 0, take_turns, &self, &result, NULL));
        assert_int_equal(self.turn, 5);
        os_condition_destroy(&self.changed);
        os_mutex_destroy(&self.mutex);
        os_sim_destroy(self.sim);
        unit_budget_check(&budget);
    }
}

static void count_index(void *argument, uint32_t index)
{
    (void)index;
    os_yield_point();
    atomic_fetch_add((_Atomic(uint32_t) *)argument, 1);
}
static void count_task(void *argument)
{
    count_index(argument, 0);
}

static void use_pool(void *argument)
{
    os_sim *sim = argument;
    os_runtime *runtime;
    os_runtime_options options = {.worker_count = 3};
    unit_assert_ok(os_runtime_create(os_sim_environment(sim), &options, &runtime, NULL));
    _Atomic(uint32_t) count = 0;
    os_task_group *group;
    unit_assert_ok(os_task_group_create(runtime, &group, NULL));
    for (int i = 0; i < 5; i++) {
        unit_assert_ok(os_task_group_start(group, count_task, &count, NULL));
        os_runtime_run(runtime, 4, count_index, &count);
    }
    os_task_group_destroy(group);
    assert_int_equal(atomic_load(&count), 25);
    os_runtime_destroy(runtime);
}

static void the_worker_pool_works_under_any_schedule(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        os_sim *sim = make(seed);
        os_sim_result result;
        unit_assert_ok(os_sim_run(sim, seed, 0, use_pool, sim, &result, NULL));
        os_sim_destroy(sim);
        unit_budget_check(&budget);
    }
}

static void lock_backwards(void *argument)
{
    shared *self = argument;
    os_mutex_lock(&self->second);
    os_mutex_lock(&self->mutex);
    os_mutex_unlock(&self->mutex);
    os_mutex_unlock(&self->second);
}

static void lock_both(void *argument)
{
    shared *self = argument;
    os_thread *thread;
    unit_assert_ok(os_thread_start(&budget, lock_backwards, self, &thread, NULL));
    os_mutex_lock(&self->mutex);
    os_mutex_lock(&self->second);
    os_mutex_unlock(&self->second);
    os_mutex_unlock(&self->mutex);
    os_thread_join(thread);
}

/* Last: the threads of a run that deadlocked stay. */
static void deadlocks_are_found(void **state)
{
    (void)state;
    static shared runs[40];
    uint32_t found = 0;
    for (uint64_t seed = 0; seed < BASE_COUNT_OF(runs) && !found; seed++) {
        shared *self = &runs[seed];
        self->sim = make(seed);
        os_mutex_init(&self->mutex);
        os_mutex_init(&self->second);
        os_sim_result result;
        base_error error;
        base_error_clear(&error);
        base_status status = os_sim_run(self->sim, seed, 0, lock_both, self, &result, &error);
        assert_true(status == BASE_OK || status == BASE_DEADLOCK);
        found += status == BASE_DEADLOCK;
        if (status == BASE_OK)
            os_sim_destroy(self->sim);
        else
            assert_non_null(strstr(error.message, "wait for each other"));
    }
    assert_true(found > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_was_synced_is_sure),
        cmocka_unit_test(unsynced_writes_are_torn_in_any_order),
        cmocka_unit_test(calls_fail_when_told),
        cmocka_unit_test(changes_are_announced),
        cmocka_unit_test(races_are_found_and_replayed),
        cmocka_unit_test(conditions_and_time_work),
        cmocka_unit_test(the_worker_pool_works_under_any_schedule),
        cmocka_unit_test(deadlocks_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
