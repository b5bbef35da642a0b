/*
 * sim_scheduler.c - seeded threads.
 *
 * Simulated threads are real threads of which exactly one holds the baton; the others sleep
 * on a condition of their own. At each point where a real program could lose the processor
 * (os_int.h lists the hooks) the holder asks the schedule who goes on. Everything between
 * two points is one step, so a run is a function of the seed.
 *
 * Schedules, by seed:
 *   - random walk: at each point the baton changes with a probability drawn once a run;
 *   - priorities (PCT): the runnable thread with the highest priority goes on; at a few
 *     points drawn beforehand the holder falls to the lowest. A bug that needs d switches is
 *     hit with a probability that does not shrink with the length of the run to the d-th
 *     power, as a random walk's does.
 *
 * A thread that spins (os_spin_pause) cannot go on before another did something: it falls
 * behind all, in both kinds.
 *
 * The scheduler's own mutex and conditions must not be simulated: the hooks of the thread
 * are put aside while they are used (outside() and inside()).
 */
#include "os/sim/sim_int.h"

enum {
    SCHEDULER_MAX_THREADS = 256,
    SCHEDULER_MAX_CHANGES = 16
};

typedef enum thread_state {
    THREAD_RUNNABLE,
    THREAD_BLOCKED,
    THREAD_ENDED
} thread_state;

typedef struct scheduler scheduler;
typedef struct sim_thread {
    os_thread_hooks hooks; /* first: a hook's `self` is the thread */
    scheduler *scheduler;
    base_budget *budget;
    void (*function)(void *argument);
    void *argument;
    os_thread *real;
    os_condition turn;
    thread_state state;
    const void *waits_for;
    int64_t deadline; /* of the simulated clock; -1: none */
    bool timed_out;
    uint64_t priority;
    uint32_t place; /* in scheduler.threads */
} sim_thread;

struct scheduler {
    os_sim *sim;
    os_mutex mutex; /* real */
    os_condition ended;
    sim_thread *threads[SCHEDULER_MAX_THREADS]; /* NULL once joined */
    uint32_t thread_count, alive;
    sim_thread *holder;
    uint64_t random_state;
    bool by_priority;
    uint64_t switch_chance;                  /* of 256, for the random walk */
    uint64_t changes[SCHEDULER_MAX_CHANGES]; /* steps at which the holder falls, rising */
    uint32_t change_count, next_change;
    uint64_t lowest; /* next priority below all */
    uint64_t max_steps;
    os_sim_result result;
    base_status outcome; /* not OK: deadlock or too many steps; nobody runs any more */
};

static os_thread_hooks *outside(void)
{
    os_thread_hooks *hooks = os_current_hooks;
    os_current_hooks = NULL;
    return hooks;
}
static void inside(os_thread_hooks *hooks)
{
    os_current_hooks = hooks;
}

static uint64_t draw(scheduler *self)
{
    self->random_state += UINT64_C(0x9E3779B97F4A7C15);
    return base_hash_u64(self->random_state);
}

/* ---- Choosing, under the scheduler's mutex --------------------------------------------------- */

static sim_thread *random_runnable(scheduler *self, const sim_thread *except)
{
    uint32_t count = 0;
    sim_thread *chosen = NULL;
    for (uint32_t i = 0; i < self->thread_count; i++) {
        sim_thread *thread = self->threads[i];
        if (!thread || thread->state != THREAD_RUNNABLE || thread == except)
            continue;
        if (draw(self) % ++count == 0)
            chosen = thread;
    }
    return chosen;
}

static sim_thread *highest_runnable(const scheduler *self)
{
    sim_thread *chosen = NULL;
    for (uint32_t i = 0; i < self->thread_count; i++) {
        sim_thread *thread = self->threads[i];
        if (thread && thread->state == THREAD_RUNNABLE &&
            (!chosen || thread->priority > chosen->priority))
            chosen = thread;
    }
    return chosen;
}

/* Time jumps to the first deadline; false: nobody has one. */
static bool expire_first(scheduler *self)
{
    sim_thread *first = NULL;
    for (uint32_t i = 0; i < self->thread_count; i++) {
        sim_thread *thread = self->threads[i];
        if (thread && thread->state == THREAD_BLOCKED && thread->deadline >= 0 &&
            (!first || thread->deadline < first->deadline))
            first = thread;
    }
    if (!first)
        return false;
    self->sim->now = BASE_MAX(self->sim->now, first->deadline);
    first->state = THREAD_RUNNABLE;
    first->timed_out = true;
    return true;
}

/* Who goes on; NULL: nobody can, which ends the run. */
static sim_thread *choose(scheduler *self, bool may_stay)
{
    sim_thread *holder = self->holder;
    bool can_stay = may_stay && holder && holder->state == THREAD_RUNNABLE;
    sim_thread *next = NULL;
    if (self->by_priority)
        next = highest_runnable(self);
    else if (can_stay && draw(self) % 256 >= self->switch_chance)
        next = holder;
    else
        next = random_runnable(self, may_stay ? NULL : holder);
    if (!next && holder && holder->state == THREAD_RUNNABLE)
        next = holder;
    if (next)
        return next;
    return expire_first(self) ? choose(self, true) : NULL;
}

static void stop_run(scheduler *self, base_status outcome)
{
    if (self->outcome == BASE_OK)
        self->outcome = outcome;
    os_condition_broadcast(&self->ended);
}

/* Gives the baton on and waits for it, unless the thread has ended. Under the mutex. */
static void give_on(scheduler *self, sim_thread *me, bool may_stay)
{
    self->result.steps++;
    if (self->result.steps > self->max_steps)
        stop_run(self, BASE_LIMIT);
    if (self->next_change < self->change_count &&
        self->result.steps >= self->changes[self->next_change]) {
        self->next_change++;
        me->priority = self->lowest--;
    }
    sim_thread *next = choose(self, may_stay);
    if (!next && self->alive > 0)
        stop_run(self, BASE_DEADLOCK);
    if (next != me && next) {
        self->result.switches++;
        self->holder = next;
        os_condition_signal(&next->turn);
    }
    /* After a failed run nobody moves: states stay as they were, for a debugger. */
    while (me->state != THREAD_ENDED && (self->holder != me || self->outcome != BASE_OK))
        os_condition_wait(&me->turn, &self->mutex);
}

/* ---- Hooks ----------------------------------------------------------------------------------- */

static void hook_yield(os_thread_hooks *hooks)
{
    sim_thread *me = (sim_thread *)hooks;
    outside();
    os_mutex_lock(&me->scheduler->mutex);
    give_on(me->scheduler, me, true);
    os_mutex_unlock(&me->scheduler->mutex);
    inside(hooks);
}

static void hook_pause(os_thread_hooks *hooks)
{
    sim_thread *me = (sim_thread *)hooks;
    outside();
    os_mutex_lock(&me->scheduler->mutex);
    me->priority = me->scheduler->lowest--;
    give_on(me->scheduler, me, false);
    os_mutex_unlock(&me->scheduler->mutex);
    inside(hooks);
}

static bool hook_block(os_thread_hooks *hooks, const void *address, int64_t nanoseconds)
{
    sim_thread *me = (sim_thread *)hooks;
    outside();
    os_mutex_lock(&me->scheduler->mutex);
    me->state = THREAD_BLOCKED;
    me->waits_for = address;
    me->timed_out = false;
    me->deadline = -1;
    if (nanoseconds >= 0 &&
        __builtin_add_overflow(me->scheduler->sim->now, nanoseconds, &me->deadline))
        me->deadline = INT64_MAX;
    give_on(me->scheduler, me, true);
    bool woken = !me->timed_out;
    os_mutex_unlock(&me->scheduler->mutex);
    inside(hooks);
    return woken;
}

static void wake(scheduler *self, const void *address, bool all)
{
    sim_thread *chosen = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < self->thread_count; i++) {
        sim_thread *thread = self->threads[i];
        if (!thread || thread->state != THREAD_BLOCKED || thread->waits_for != address)
            continue;
        if (all)
            thread->state = THREAD_RUNNABLE;
        else if (draw(self) % ++count == 0)
            chosen = thread;
    }
    if (chosen)
        chosen->state = THREAD_RUNNABLE;
}

static void hook_wake(os_thread_hooks *hooks, const void *address, bool all)
{
    sim_thread *me = (sim_thread *)hooks;
    outside();
    os_mutex_lock(&me->scheduler->mutex);
    wake(me->scheduler, address, all);
    os_mutex_unlock(&me->scheduler->mutex);
    inside(hooks);
}

/* ---- Threads --------------------------------------------------------------------------------- */

static void thread_main(void *argument)
{
    sim_thread *me = argument;
    scheduler *self = me->scheduler;
    os_mutex_lock(&self->mutex);
    while (self->holder != me || self->outcome != BASE_OK)
        os_condition_wait(&me->turn, &self->mutex);
    os_mutex_unlock(&self->mutex);
    os_current_hooks = &me->hooks;
    me->function(me->argument);
    os_current_hooks = NULL;
    os_mutex_lock(&self->mutex);
    me->state = THREAD_ENDED;
    self->alive--;
    wake(self, me, true);
    if (self->alive == 0)
        stop_run(self, BASE_OK);
    else
        give_on(self, me, true);
    os_mutex_unlock(&self->mutex);
}

static base_status hook_start(os_thread_hooks *hooks, base_budget *budget,
                              void (*function)(void *argument), void *argument, os_thread **thread,
                              base_error *error);
static void hook_join(os_thread_hooks *hooks, os_thread *thread);

/* Makes a thread that waits for its first turn. Called with the hooks put aside. */
static base_status thread_create(scheduler *self, base_budget *budget,
                                 void (*function)(void *argument), void *argument,
                                 sim_thread **thread, base_error *error)
{
    sim_thread *created = base_allocate_zeroed(budget, sizeof *created);
    if (!created)
        return base_error_no_memory(error);
    created->hooks =
        (os_thread_hooks){hook_yield, hook_pause, hook_block, hook_wake, hook_start, hook_join};
    created->scheduler = self;
    created->budget = budget;
    created->function = function;
    created->argument = argument;
    created->deadline = -1;
    os_condition_init(&created->turn);
    os_mutex_lock(&self->mutex);
    base_status status = BASE_OK;
    if (self->thread_count == SCHEDULER_MAX_THREADS) {
        status = base_error_set(error, BASE_LIMIT, "too many simulated threads");
    } else {
        /* High enough that `lowest` stays below for the whole run. */
        created->priority = draw(self) | UINT64_C(1) << 63;
        created->place = self->thread_count;
        self->threads[self->thread_count++] = created;
        self->alive++;
        self->result.threads++;
        status = os_thread_start_real(budget, thread_main, created, &created->real, error);
        if (status != BASE_OK) {
            self->thread_count--;
            self->alive--;
        }
    }
    os_mutex_unlock(&self->mutex);
    if (status != BASE_OK) {
        os_condition_destroy(&created->turn);
        base_free(budget, created, sizeof *created);
        return status;
    }
    *thread = created;
    return BASE_OK;
}

/* The thread has ended; its real one is about to. Called with the hooks put aside. */
static void thread_dispose(sim_thread *thread)
{
    scheduler *self = thread->scheduler;
    os_thread_join_real(thread->real);
    os_mutex_lock(&self->mutex);
    self->threads[thread->place] = NULL;
    os_mutex_unlock(&self->mutex);
    os_condition_destroy(&thread->turn);
    base_free(thread->budget, thread, sizeof *thread);
}

static base_status hook_start(os_thread_hooks *hooks, base_budget *budget,
                              void (*function)(void *argument), void *argument, os_thread **thread,
                              base_error *error)
{
    sim_thread *me = (sim_thread *)hooks, *created = NULL;
    outside();
    base_status status = thread_create(me->scheduler, budget, function, argument, &created, error);
    inside(hooks);
    if (status == BASE_OK) {
        *thread = (os_thread *)(void *)created; /* only hook_join looks into it */
        hook_yield(hooks);
    }
    return status;
}

static void hook_join(os_thread_hooks *hooks, os_thread *thread)
{
    sim_thread *other = (sim_thread *)(void *)thread;
    /* Only the holder runs: nothing happens between the look and the block. */
    while (other->state != THREAD_ENDED)
        hook_block(hooks, other, -1);
    outside();
    thread_dispose(other);
    inside(hooks);
}

/* ---- Runs ------------------------------------------------------------------------------------ */

static void choose_schedule(scheduler *self, uint64_t seed)
{
    static const uint64_t chances[] = {4, 16, 64, 128};
    self->random_state = base_hash_u64(seed ^ UINT64_C(0xD1B54A32D192ED03));
    self->by_priority = draw(self) % 2 == 0;
    self->switch_chance = chances[draw(self) % BASE_COUNT_OF(chances)];
    self->lowest = UINT64_C(1) << 62;
    self->change_count = (uint32_t)(draw(self) % SCHEDULER_MAX_CHANGES);
    /* Run lengths are not known beforehand: points lie denser near the start. */
    uint64_t step = 0, spread = UINT64_C(1) << (4 + draw(self) % 9);
    for (uint32_t i = 0; i < self->change_count; i++) {
        step += 1 + draw(self) % (spread << i / 4);
        self->changes[i] = step;
    }
}

base_status os_sim_run(os_sim *sim, uint64_t seed, uint64_t max_steps,
                       void (*function)(void *argument), void *argument, os_sim_result *result,
                       base_error *error)
{
    BASE_ASSERT(!os_current_hooks);
    scheduler *self = base_allocate_zeroed(sim->budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->sim = sim;
    self->max_steps = max_steps ? max_steps : 50000000;
    choose_schedule(self, seed);
    os_mutex_init(&self->mutex);
    os_condition_init(&self->ended);
    sim_thread *first = NULL;
    base_status status = thread_create(self, sim->budget, function, argument, &first, error);
    if (status == BASE_OK) {
        os_mutex_lock(&self->mutex);
        self->holder = first;
        os_condition_signal(&first->turn);
        while (self->alive > 0 && self->outcome == BASE_OK)
            os_condition_wait(&self->ended, &self->mutex);
        status = self->outcome;
        os_mutex_unlock(&self->mutex);
        *result = self->result;
        if (status == BASE_DEADLOCK)
            return base_error_set(error, status, "all simulated threads wait for each other");
        if (status != BASE_OK)
            return base_error_set(error, status, "the simulated threads come to no end");
        thread_dispose(first);
    }
    for (uint32_t i = 0; i < self->thread_count; i++)
        BASE_ASSERT(!self->threads[i]); /* every thread was joined */
    os_condition_destroy(&self->ended);
    os_mutex_destroy(&self->mutex);
    base_free(sim->budget, self, sizeof *self);
    return status;
}
