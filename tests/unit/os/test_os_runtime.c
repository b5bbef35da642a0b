/*
 * test_os_runtime.c - threads, locks, the worker pool and task groups.
 */
#include <pthread.h>

#include "unit/unit.h"
#include "os/os.h"

typedef struct shared {
    os_mutex mutex;
    os_condition changed;
    os_rwlock lock;
    int value, copy;
    bool ready;
} shared;

static void add_many(void *argument)
{
    shared *self = argument;
    for (int i = 0; i < 10000; i++) {
        os_mutex_lock(&self->mutex);
        self->value++;
        os_mutex_unlock(&self->mutex);
    }
    os_mutex_lock(&self->mutex);
    self->ready = true;
    os_condition_signal(&self->changed);
    os_mutex_unlock(&self->mutex);
}

static void mutex_and_condition(void **state)
{
    (void)state;
    base_budget budget;
    unit_budget_init(&budget);
    shared self = {0};
    os_mutex_init(&self.mutex);
    os_condition_init(&self.changed);
    os_thread *threads[3];
    for (int i = 0; i < 3; i++)
        unit_assert_ok(os_thread_start(&budget, add_many, &self, &threads[i], NULL));
    os_mutex_lock(&self.mutex);
    while (!self.ready)
        os_condition_wait(&self.changed, &self.mutex);
    assert_true(self.value >= 10000);
    os_mutex_unlock(&self.mutex);
    for (int i = 0; i < 3; i++)
        os_thread_join(threads[i]);
    assert_int_equal(self.value, 30000);
    os_mutex_lock(&self.mutex);
    int64_t before = os_posix_environment()->monotonic_clock(NULL);
    assert_false(os_condition_wait_for(&self.changed, &self.mutex, 2000000));
    assert_true(os_posix_environment()->monotonic_clock(NULL) - before >= 2000000);
    os_mutex_unlock(&self.mutex);
    assert_true(os_mutex_try_lock(&self.mutex));
    os_mutex_unlock(&self.mutex);
    os_condition_destroy(&self.changed);
    os_mutex_destroy(&self.mutex);
    unit_budget_check(&budget);
}

static void write_pairs(void *argument)
{
    shared *self = argument;
    for (int i = 0; i < 2000; i++) {
        os_rwlock_write_lock(&self->lock);
        self->value++;
        self->copy++;
        os_rwlock_write_unlock(&self->lock);
    }
}

static void readers_see_whole_writes(void **state)
{
    (void)state;
    base_budget budget;
    unit_budget_init(&budget);
    shared self = {0};
    os_rwlock_init(&self.lock);
    os_thread *threads[2];
    for (int i = 0; i < 2; i++)
        unit_assert_ok(os_thread_start(&budget, write_pairs, &self, &threads[i], NULL));
    for (int i = 0; i < 2000; i++) {
        os_rwlock_read_lock(&self.lock);
        assert_int_equal(self.value, self.copy);
        os_rwlock_read_unlock(&self.lock);
    }
    for (int i = 0; i < 2; i++)
        os_thread_join(threads[i]);
    assert_int_equal(self.value, 4000);
    os_rwlock_destroy(&self.lock);
    unit_budget_check(&budget);
}

static os_runtime *make_runtime(uint32_t workers)
{
    os_runtime *runtime = NULL;
    os_runtime_options options = {.worker_count = workers};
    unit_assert_ok(os_runtime_create(os_posix_environment(), &options, &runtime, NULL));
    return runtime;
}

typedef struct marks {
    os_runtime *runtime;
    _Atomic(uint32_t) seen[500];
    _Atomic(uint32_t) inner;
    pthread_t caller;
    _Atomic(uint32_t) first_elsewhere;
} marks;

static void mark(void *argument, uint32_t index)
{
    marks *self = argument;
    atomic_fetch_add(&self->seen[index], 1);
    if (index == 0 && !pthread_equal(self->caller, pthread_self()))
        atomic_fetch_add(&self->first_elsewhere, 1);
}
static void count_inner(void *argument, uint32_t index)
{
    (void)index;
    atomic_fetch_add(&((marks *)argument)->inner, 1);
}
static void nest(void *argument, uint32_t index)
{
    mark(argument, index);
    os_runtime_run(((marks *)argument)->runtime, 3, count_inner, argument);
}

static void run_calls_each_index_once(void **state)
{
    (void)state;
    for (uint32_t workers = 0; workers < 4; workers++) {
        static marks self;
        memset(&self, 0, sizeof self);
        self.runtime = make_runtime(workers);
        self.caller = pthread_self();
        assert_int_equal(os_runtime_parallelism(self.runtime), workers + 1);
        for (int round = 1; round <= 50; round++) {
            os_runtime_run(self.runtime, 500, mark, &self);
            for (int i = 0; i < 500; i++)
                assert_int_equal(atomic_load(&self.seen[i]), round);
        }
        os_runtime_run(self.runtime, 0, mark, &self);
        os_runtime_run(self.runtime, 100, nest, &self);
        assert_int_equal(atomic_load(&self.inner), 300);
        assert_int_equal(atomic_load(&self.first_elsewhere), 0);
        os_runtime_destroy(self.runtime);
    }
}

static void run_nested(void *argument)
{
    marks *self = argument;
    for (int i = 0; i < 20; i++)
        os_runtime_run(self->runtime, 10, count_inner, self);
}

static void tasks_run_once_each_and_are_waited_for(void **state)
{
    (void)state;
    for (uint32_t workers = 0; workers < 3; workers++) {
        static marks self;
        memset(&self, 0, sizeof self);
        self.runtime = make_runtime(workers);
        os_task_group *group = NULL, *other = NULL;
        unit_assert_ok(os_task_group_create(self.runtime, &group, NULL));
        unit_assert_ok(os_task_group_create(self.runtime, &other, NULL));
        for (int i = 0; i < 30; i++) {
            unit_assert_ok(os_task_group_start(group, run_nested, &self, NULL));
            unit_assert_ok(os_task_group_start(other, run_nested, &self, NULL));
        }
        os_task_group_wait(group);
        assert_true(atomic_load(&self.inner) >= 30 * 200);
        os_task_group_destroy(other);
        assert_int_equal(atomic_load(&self.inner), 60 * 200);
        os_task_group_destroy(group);
        os_runtime_destroy(self.runtime);
    }
}

/* Who waits for a certain function may run others of the group meanwhile. */
static void tasks_can_be_helped(void **state)
{
    (void)state;
    for (uint32_t workers = 0; workers <= 3; workers++) {
        static marks self;
        memset(&self, 0, sizeof self);
        self.runtime = make_runtime(workers);
        os_task_group *group = NULL;
        unit_assert_ok(os_task_group_create(self.runtime, &group, NULL));
        assert_false(os_task_group_help(group));
        for (int i = 0; i < 30; i++)
            unit_assert_ok(os_task_group_start(group, run_nested, &self, NULL));
        while (os_task_group_help(group))
            continue;
        os_task_group_wait(group);
        assert_int_equal(atomic_load(&self.inner), 30 * 200);
        os_task_group_destroy(group);
        os_runtime_destroy(self.runtime);
    }
}

static void registry_finds_by_identity(void **state)
{
    (void)state;
    os_runtime *runtime = make_runtime(0);
    os_registry_entry one = {.identity = {1, 2}}, two = {.identity = {1, 3}};
    os_runtime_registry_lock(runtime);
    os_runtime_registry_add(runtime, &one);
    os_runtime_registry_add(runtime, &two);
    assert_ptr_equal(os_runtime_registry_find(runtime, (uint64_t[2]){1, 2}), &one);
    os_runtime_registry_remove(runtime, &one);
    assert_null(os_runtime_registry_find(runtime, (uint64_t[2]){1, 2}));
    os_runtime_registry_remove(runtime, &two);
    os_runtime_registry_unlock(runtime);
    os_runtime_destroy(runtime);
}

static void runtime_creation_survives_failed_allocations(void **state)
{
    (void)state;
    for (uint64_t fail_at = 1; fail_at <= 2; fail_at++) {
        unit_allocator allocator;
        unit_allocator_init(&allocator, fail_at, false);
        os_runtime_options options = {.allocator = &allocator.allocator, .worker_count = 2};
        os_runtime *runtime = NULL;
        assert_int_equal(os_runtime_create(os_posix_environment(), &options, &runtime, NULL),
                         BASE_OUT_OF_MEMORY);
    }
    /* A pool that cannot start threads still does the work. */
    static marks self;
    memset(&self, 0, sizeof self);
    unit_allocator allocator;
    unit_allocator_init(&allocator, 3, true);
    os_runtime_options options = {.allocator = &allocator.allocator, .worker_count = 2};
    unit_assert_ok(os_runtime_create(os_posix_environment(), &options, &self.runtime, NULL));
    os_runtime_run(self.runtime, 100, mark, &self);
    for (int i = 0; i < 100; i++)
        assert_int_equal(atomic_load(&self.seen[i]), 1);
    os_runtime_destroy(self.runtime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mutex_and_condition),
        cmocka_unit_test(readers_see_whole_writes),
        cmocka_unit_test(run_calls_each_index_once),
        cmocka_unit_test(tasks_run_once_each_and_are_waited_for),
        cmocka_unit_test(tasks_can_be_helped),
        cmocka_unit_test(registry_finds_by_identity),
        cmocka_unit_test(runtime_creation_survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
