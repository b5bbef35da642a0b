/*
 * runtime.c - the runtime object: memory budget, registry of open files, worker pool.
 *
 * The pool. A parallel call (os_runtime_run) puts a job that lies on its own stack into a
 * list, wakes sleeping workers and then works on the job itself; indexes are handed out by
 * one atomic counter. When they are used up it takes the job out of the list and waits only
 * for workers that are inside the job. So a busy pool costs the caller nothing but help it
 * did not get, calls may nest, and no worker ever waits for another.
 *
 * Waking a sleeping thread costs a system call and tens of microseconds, an order above the
 * work of a short pipeline. A worker that runs out of work therefore looks again for some
 * ten microseconds before it sleeps, and a caller looks before it waits for the last index.
 *
 * Threads start on first use and only as many as can help: an open idle database has none.
 *
 * Rejected: a queue per worker with stealing. The unit of work is a morsel of some hundred
 * microseconds; one list under a mutex is touched twice a job, not once a morsel.
 *
 * Invariants (under `mutex` unless said otherwise)
 *   1. A job in `jobs` is alive: its caller takes it out, after which no worker finds it,
 *      and returns only when `active` is 0.
 *   2. `active` falls to 0 under the mutex, so a caller that has seen it there may go.
 *   3. Tasks are run in the order of their start, each once.
 */
#include "os/os_int.h"

enum {
    RUNTIME_MAX_WORKERS = 1024,
    RUNTIME_SPINS = 400, /* looks before sleep: about 10 microseconds */
};

typedef struct runtime_job {
    struct runtime_job *next;
    void (*function)(void *argument, uint32_t index);
    void *argument;
    uint32_t count;
    _Atomic(uint64_t) next_index; /* 64 bits: helpers run past `count` */
    _Atomic(uint32_t) active;     /* workers inside; changed under the mutex */
} runtime_job;

typedef struct runtime_task {
    struct runtime_task *next;
    os_task_group *group;
    void (*function)(void *argument);
    void *argument;
} runtime_task;

struct os_task_group {
    os_runtime *runtime;
    uint32_t queued, running; /* under the runtime's mutex */
    os_condition idle;
};

struct os_runtime {
    base_budget budget;
    base_allocator allocator;
    os_environment *environment;

    os_mutex registry_mutex;
    os_registry_entry *registry;

    os_mutex mutex; /* of all that follows */
    os_condition work;
    os_condition job_finished;
    runtime_job *jobs;
    runtime_task *first_task, *last_task;
    os_thread **workers;
    uint32_t worker_limit, worker_count;
    uint32_t sleeping; /* workers that wait for `work` */
    bool stopping;
    _Atomic(uint32_t) offers; /* grows with every job and task; read without the mutex */
};

base_status os_runtime_create(os_environment *environment, const os_runtime_options *options,
                              os_runtime **runtime, base_error *error)
{
    const base_allocator *allocator =
        options->allocator ? options->allocator : &base_libc_allocator;
    os_runtime *self = allocator->allocate(allocator->context, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    memset(self, 0, sizeof *self);
    self->allocator = *allocator;
    self->environment = environment;
    base_budget_init(&self->budget, NULL, &self->allocator, "runtime",
                     options->memory_limit ? options->memory_limit : SIZE_MAX);
    uint32_t limit = options->worker_count;
    if (limit == UINT32_MAX)
        limit = environment->processor_count(environment) - 1;
    self->worker_limit = BASE_MIN(limit, (uint32_t)RUNTIME_MAX_WORKERS);
    if (self->worker_limit) {
        self->workers =
            base_allocate_array(&self->budget, self->worker_limit, sizeof *self->workers);
        if (!self->workers) {
            allocator->release(allocator->context, self, sizeof *self);
            return base_error_no_memory(error);
        }
    }
    os_mutex_init(&self->registry_mutex);
    os_mutex_init(&self->mutex);
    os_condition_init(&self->work);
    os_condition_init(&self->job_finished);
    *runtime = self;
    return BASE_OK;
}

void os_runtime_destroy(os_runtime *runtime)
{
    if (!runtime)
        return;
    BASE_ASSERT(!runtime->registry && !runtime->jobs && !runtime->first_task);
    os_mutex_lock(&runtime->mutex);
    runtime->stopping = true;
    os_condition_broadcast(&runtime->work);
    os_mutex_unlock(&runtime->mutex);
    for (uint32_t i = 0; i < runtime->worker_count; i++)
        os_thread_join(runtime->workers[i]);
    base_free(&runtime->budget, runtime->workers, runtime->worker_limit * sizeof *runtime->workers);
    os_condition_destroy(&runtime->job_finished);
    os_condition_destroy(&runtime->work);
    os_mutex_destroy(&runtime->mutex);
    os_mutex_destroy(&runtime->registry_mutex);
    base_allocator allocator = runtime->allocator;
    allocator.release(allocator.context, runtime, sizeof *runtime);
}

base_budget *os_runtime_budget(os_runtime *runtime)
{
    return &runtime->budget;
}
os_environment *os_runtime_environment(os_runtime *runtime)
{
    return runtime->environment;
}
uint32_t os_runtime_parallelism(const os_runtime *runtime)
{
    return runtime->worker_limit + 1;
}

/* ---- The registry ---------------------------------------------------------------------- */

void os_runtime_registry_lock(os_runtime *runtime)
{
    os_mutex_lock(&runtime->registry_mutex);
}
void os_runtime_registry_unlock(os_runtime *runtime)
{
    os_mutex_unlock(&runtime->registry_mutex);
}

os_registry_entry *os_runtime_registry_find(os_runtime *runtime, const uint64_t identity[2])
{
    for (os_registry_entry *entry = runtime->registry; entry; entry = entry->next) {
        if (entry->identity[0] == identity[0] && entry->identity[1] == identity[1])
            return entry;
    }
    return NULL;
}

void os_runtime_registry_add(os_runtime *runtime, os_registry_entry *entry)
{
    BASE_ASSERT(!os_runtime_registry_find(runtime, entry->identity));
    entry->next = runtime->registry;
    runtime->registry = entry;
}

void os_runtime_registry_remove(os_runtime *runtime, os_registry_entry *entry)
{
    os_registry_entry **link = &runtime->registry;
    while (*link && *link != entry)
        link = &(*link)->next;
    BASE_ASSERT(*link);
    if (*link)
        *link = entry->next;
}

/* ---- Workers ---------------------------------------------------------------------------- */

static void work_on_job(runtime_job *job)
{
    for (;;) {
        uint64_t index = atomic_fetch_add_explicit(&job->next_index, 1, memory_order_relaxed);
        if (index >= job->count)
            return;
        job->function(job->argument, (uint32_t)index);
    }
}

/* A job with indexes left, or NULL. Under the mutex. */
static runtime_job *find_job(os_runtime *runtime)
{
    for (runtime_job *job = runtime->jobs; job; job = job->next) {
        if (atomic_load_explicit(&job->next_index, memory_order_relaxed) < job->count)
            return job;
    }
    return NULL;
}

/* Takes the oldest task out of the queue; with `group`, the oldest of that group. Under the
 * mutex; the task counts as running from here on. */
static runtime_task *take_task(os_runtime *runtime, const os_task_group *group)
{
    runtime_task *before = NULL;
    runtime_task *task = runtime->first_task;
    while (task && group && task->group != group) {
        before = task;
        task = task->next;
    }
    if (!task)
        return NULL;
    if (before)
        before->next = task->next;
    else
        runtime->first_task = task->next;
    if (runtime->last_task == task)
        runtime->last_task = before;
    task->group->queued--;
    task->group->running++;
    return task;
}

/* Called and left under the mutex; runs without it. */
static void run_task(os_runtime *runtime, runtime_task *task)
{
    os_mutex_unlock(&runtime->mutex);
    task->function(task->argument);
    os_mutex_lock(&runtime->mutex);
    os_task_group *group = task->group;
    base_free(&runtime->budget, task, sizeof *task);
    if (--group->running == 0 && group->queued == 0)
        os_condition_broadcast(&group->idle);
}

static void run_share_of_job(os_runtime *runtime, runtime_job *job)
{
    atomic_fetch_add_explicit(&job->active, 1, memory_order_relaxed);
    os_mutex_unlock(&runtime->mutex);
    work_on_job(job);
    os_mutex_lock(&runtime->mutex);
    if (atomic_fetch_sub_explicit(&job->active, 1, memory_order_acq_rel) == 1)
        os_condition_broadcast(&runtime->job_finished);
}

/* Looks for a new offer for a while. Called and left under the mutex. */
static void look_before_sleep(os_runtime *runtime)
{
    if (os_current_hooks)
        return; /* simulated threads gain nothing by it */
    uint32_t seen = atomic_load_explicit(&runtime->offers, memory_order_relaxed);
    os_mutex_unlock(&runtime->mutex);
    for (uint32_t i = 0; i < RUNTIME_SPINS; i++) {
        if (atomic_load_explicit(&runtime->offers, memory_order_relaxed) != seen)
            break;
        os_spin_pause(i);
    }
    os_mutex_lock(&runtime->mutex);
}

static void worker_main(void *argument)
{
    os_runtime *runtime = argument;
    bool looked = true;
    os_mutex_lock(&runtime->mutex);
    for (;;) {
        runtime_job *job = find_job(runtime);
        runtime_task *task = job ? NULL : take_task(runtime, NULL);
        if (job) {
            run_share_of_job(runtime, job);
            looked = false;
        } else if (task) {
            run_task(runtime, task);
        } else if (runtime->stopping) {
            break;
        } else if (!looked) {
            look_before_sleep(runtime);
            looked = true;
        } else {
            runtime->sleeping++;
            os_condition_wait(&runtime->work, &runtime->mutex);
            runtime->sleeping--;
        }
    }
    os_mutex_unlock(&runtime->mutex);
}

/* Starts workers until `wanted` could help, as far as the limit and the system allow. */
static void start_workers(os_runtime *runtime, uint32_t wanted)
{
    wanted = BASE_MIN(wanted, runtime->worker_limit);
    while (runtime->worker_count < wanted) {
        os_thread *thread;
        if (os_thread_start(&runtime->budget, worker_main, runtime, &thread, NULL) != BASE_OK)
            return; /* fewer helpers: the callers do the work */
        runtime->workers[runtime->worker_count++] = thread;
    }
}

static void wake_workers(os_runtime *runtime, uint32_t wanted)
{
    atomic_fetch_add_explicit(&runtime->offers, 1, memory_order_relaxed);
    uint32_t signals = BASE_MIN(wanted, runtime->sleeping);
    for (uint32_t i = 0; i < signals; i++)
        os_condition_signal(&runtime->work);
}

/* ---- Parallel calls --------------------------------------------------------------------- */

void os_runtime_run(os_runtime *runtime, uint32_t count,
                    void (*function)(void *argument, uint32_t index), void *argument)
{
    if (count <= 1 || runtime->worker_limit == 0) {
        for (uint32_t i = 0; i < count; i++)
            function(argument, i);
        return;
    }
    runtime_job job = {.function = function, .argument = argument, .count = count};
    atomic_init(&job.next_index, 1); /* 0 is the caller's */
    atomic_init(&job.active, 0);

    os_mutex_lock(&runtime->mutex);
    start_workers(runtime, count - 1);
    job.next = runtime->jobs;
    runtime->jobs = &job;
    wake_workers(runtime, count - 1);
    os_mutex_unlock(&runtime->mutex);

    function(argument, 0);
    work_on_job(&job);
    for (uint32_t i = 0; i < RUNTIME_SPINS && !os_current_hooks; i++) {
        if (atomic_load_explicit(&job.active, memory_order_relaxed) == 0)
            break;
        os_spin_pause(i);
    }
    os_mutex_lock(&runtime->mutex);
    runtime_job **link = &runtime->jobs;
    while (*link != &job)
        link = &(*link)->next;
    *link = job.next;
    while (atomic_load_explicit(&job.active, memory_order_acquire) > 0)
        os_condition_wait(&runtime->job_finished, &runtime->mutex);
    os_mutex_unlock(&runtime->mutex);
}

/* ---- Background tasks -------------------------------------------------------------------- */

base_status os_task_group_create(os_runtime *runtime, os_task_group **group, base_error *error)
{
    os_task_group *self = base_allocate_zeroed(&runtime->budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->runtime = runtime;
    os_condition_init(&self->idle);
    *group = self;
    return BASE_OK;
}

base_status os_task_group_start(os_task_group *group, void (*function)(void *argument),
                                void *argument, base_error *error)
{
    os_runtime *runtime = group->runtime;
    runtime_task *task = base_allocate_zeroed(&runtime->budget, sizeof *task);
    if (!task)
        return base_error_no_memory(error);
    *task = (runtime_task){.group = group, .function = function, .argument = argument};
    os_mutex_lock(&runtime->mutex);
    if (runtime->sleeping == 0)
        start_workers(runtime, runtime->worker_count + 1);
    if (runtime->worker_count == 0) {
        group->running++;
        run_task(runtime, task);
        os_mutex_unlock(&runtime->mutex);
        return BASE_OK;
    }
    if (runtime->last_task)
        runtime->last_task->next = task;
    else
        runtime->first_task = task;
    runtime->last_task = task;
    group->queued++;
    wake_workers(runtime, 1);
    os_mutex_unlock(&runtime->mutex);
    return BASE_OK;
}

/* Runs what no worker has taken yet itself: a task that waits for a group cannot starve. */
void os_task_group_wait(os_task_group *group)
{
    os_runtime *runtime = group->runtime;
    os_mutex_lock(&runtime->mutex);
    for (;;) {
        runtime_task *task = group->queued ? take_task(runtime, group) : NULL;
        if (task)
            run_task(runtime, task);
        else if (group->running > 0)
            os_condition_wait(&group->idle, &runtime->mutex);
        else
            break;
    }
    os_mutex_unlock(&runtime->mutex);
}

bool os_task_group_help(os_task_group *group)
{
    os_runtime *runtime = group->runtime;
    os_mutex_lock(&runtime->mutex);
    runtime_task *task = group->queued ? take_task(runtime, group) : NULL;
    if (task)
        run_task(runtime, task);
    os_mutex_unlock(&runtime->mutex);
    return task != NULL;
}

/* When nobody can be helped any more all that is left is running: waiting for all of it costs
 * no more than the longest of a few. */
void os_task_group_wait_for(os_task_group *group, const _Atomic(bool) *done)
{
    while (!atomic_load_explicit(done, memory_order_acquire) && os_task_group_help(group))
        continue;
    if (!atomic_load_explicit(done, memory_order_acquire))
        os_task_group_wait(group);
}

void os_task_group_destroy(os_task_group *group)
{
    if (!group)
        return;
    os_task_group_wait(group);
    os_condition_destroy(&group->idle);
    base_free(&group->runtime->budget, group, sizeof *group);
}
