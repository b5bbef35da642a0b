/*
 * posix_thread.c - mutexes, conditions and threads over pthreads.
 *
 * The pthread objects lie in the storage of our own types, so that headers above do not see
 * pthread.h. Every call first looks whether the calling thread is a simulated one (one load
 * of a thread-local, predicted): see os_int.h.
 *
 * Failures of lock calls are defects of our own code (a destroyed mutex, a deadlock with
 * oneself), never conditions of the system: they are verified, not reported.
 */
#define _GNU_SOURCE
#include "os/os_int.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(os_mutex), "os_mutex holds a pthread mutex");
_Static_assert(sizeof(pthread_cond_t) <= sizeof(os_condition), "os_condition holds a pthread one");
_Static_assert(_Alignof(pthread_mutex_t) <= _Alignof(os_mutex), "alignment");
_Static_assert(_Alignof(pthread_cond_t) <= _Alignof(os_condition), "alignment");

_Thread_local os_thread_hooks *os_current_hooks;

static pthread_mutex_t *mutex_of(os_mutex *mutex)
{
    return (pthread_mutex_t *)(void *)mutex->storage;
}
static pthread_cond_t *condition_of(os_condition *condition)
{
    return (pthread_cond_t *)(void *)condition->storage;
}

void os_mutex_init(os_mutex *mutex)
{
    int result = pthread_mutex_init(mutex_of(mutex), NULL);
    BASE_VERIFY(result == 0); /* a plain mutex allocates nothing */
}

void os_mutex_destroy(os_mutex *mutex)
{
    int result = pthread_mutex_destroy(mutex_of(mutex));
    BASE_VERIFY(result == 0);
}

static BASE_COLD void lock_simulated(os_thread_hooks *hooks, os_mutex *mutex)
{
    hooks->yield(hooks);
    while (pthread_mutex_trylock(mutex_of(mutex)) != 0)
        hooks->block(hooks, mutex, -1);
}

void os_mutex_lock(os_mutex *mutex)
{
    os_thread_hooks *hooks = os_current_hooks;
    if (BASE_UNLIKELY(hooks != NULL)) {
        lock_simulated(hooks, mutex);
        return;
    }
    int result = pthread_mutex_lock(mutex_of(mutex));
    BASE_VERIFY(result == 0);
}

bool os_mutex_try_lock(os_mutex *mutex)
{
    os_yield_point();
    return pthread_mutex_trylock(mutex_of(mutex)) == 0;
}

void os_mutex_unlock(os_mutex *mutex)
{
    int result = pthread_mutex_unlock(mutex_of(mutex));
    BASE_VERIFY(result == 0);
    os_thread_hooks *hooks = os_current_hooks;
    if (BASE_UNLIKELY(hooks != NULL)) {
        hooks->wake(hooks, mutex, true);
        hooks->yield(hooks);
    }
}

void os_condition_init(os_condition *condition)
{
    pthread_condattr_t attributes;
    int result = pthread_condattr_init(&attributes);
    BASE_VERIFY(result == 0);
    result = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    BASE_VERIFY(result == 0);
    result = pthread_cond_init(condition_of(condition), &attributes);
    BASE_VERIFY(result == 0);
    pthread_condattr_destroy(&attributes);
}

void os_condition_destroy(os_condition *condition)
{
    int result = pthread_cond_destroy(condition_of(condition));
    BASE_VERIFY(result == 0);
}

/* Unlocks without a switch, so that no wake-up falls between it and the block. */
static BASE_COLD bool wait_simulated(os_thread_hooks *hooks, os_condition *condition,
                                     os_mutex *mutex, int64_t nanoseconds)
{
    int result = pthread_mutex_unlock(mutex_of(mutex));
    BASE_VERIFY(result == 0);
    hooks->wake(hooks, mutex, true);
    bool woken = hooks->block(hooks, condition, nanoseconds);
    lock_simulated(hooks, mutex);
    return woken;
}

void os_condition_wait(os_condition *condition, os_mutex *mutex)
{
    os_thread_hooks *hooks = os_current_hooks;
    if (BASE_UNLIKELY(hooks != NULL)) {
        wait_simulated(hooks, condition, mutex, -1);
        return;
    }
    int result = pthread_cond_wait(condition_of(condition), mutex_of(mutex));
    BASE_VERIFY(result == 0);
}

bool os_condition_wait_for(os_condition *condition, os_mutex *mutex, int64_t nanoseconds)
{
    nanoseconds = BASE_MAX(nanoseconds, 0);
    os_thread_hooks *hooks = os_current_hooks;
    if (BASE_UNLIKELY(hooks != NULL))
        return wait_simulated(hooks, condition, mutex, nanoseconds);
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t fraction = until.tv_nsec + nanoseconds % 1000000000;
    int64_t seconds = nanoseconds / 1000000000 + fraction / 1000000000;
    /* Beyond what the clock can say is "for ever". */
    if (__builtin_add_overflow((int64_t)until.tv_sec, seconds, &seconds))
        seconds = INT64_MAX;
    until.tv_sec = (time_t)seconds;
    until.tv_nsec = (long)(fraction % 1000000000);
    int result = pthread_cond_timedwait(condition_of(condition), mutex_of(mutex), &until);
    BASE_VERIFY(result == 0 || result == ETIMEDOUT);
    return result == 0;
}

void os_condition_signal(os_condition *condition)
{
    os_thread_hooks *hooks = os_current_hooks;
    if (BASE_UNLIKELY(hooks != NULL)) {
        hooks->wake(hooks, condition, false);
        return;
    }
    pthread_cond_signal(condition_of(condition));
}

void os_condition_broadcast(os_condition *condition)
{
    os_thread_hooks *hooks = os_current_hooks;
    if (BASE_UNLIKELY(hooks != NULL)) {
        hooks->wake(hooks, condition, true);
        return;
    }
    pthread_cond_broadcast(condition_of(condition));
}

/* ---- Threads ------------------------------------------------------------------------- */

struct os_thread {
    base_budget *budget;
    void (*function)(void *argument);
    void *argument;
    pthread_t handle;
};

static void *thread_main(void *argument)
{
    os_thread *thread = argument;
    thread->function(thread->argument);
    return NULL;
}

base_status os_thread_start_real(base_budget *budget, void (*function)(void *argument),
                                 void *argument, os_thread **thread, base_error *error)
{
    os_thread *self = base_allocate_zeroed(budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->budget = budget;
    self->function = function;
    self->argument = argument;
    /* A thread of the library takes no signals: they belong to the host's threads. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&self->handle, NULL, thread_main, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result != 0) {
        base_free(budget, self, sizeof *self);
        return base_error_set(error, BASE_OUT_OF_MEMORY, "the system refuses another thread");
    }
    *thread = self;
    return BASE_OK;
}

void os_thread_join_real(os_thread *thread)
{
    int result = pthread_join(thread->handle, NULL);
    BASE_VERIFY(result == 0);
    base_free(thread->budget, thread, sizeof *thread);
}

base_status os_thread_start(base_budget *budget, void (*function)(void *argument), void *argument,
                            os_thread **thread, base_error *error)
{
    os_thread_hooks *hooks = os_current_hooks;
    if (BASE_UNLIKELY(hooks != NULL))
        return hooks->start(hooks, budget, function, argument, thread, error);
    return os_thread_start_real(budget, function, argument, thread, error);
}

void os_thread_join(os_thread *thread)
{
    os_thread_hooks *hooks = os_current_hooks;
    if (BASE_UNLIKELY(hooks != NULL))
        hooks->join(hooks, thread);
    else
        os_thread_join_real(thread);
}

void os_yield_point(void)
{
    os_thread_hooks *hooks = os_current_hooks;
    if (BASE_UNLIKELY(hooks != NULL))
        hooks->yield(hooks);
}

enum {
    SPINS_PER_YIELD = 128 /* some five microseconds, less than a switch costs */
};

void os_spin_pause(uint32_t turns)
{
    os_thread_hooks *hooks = os_current_hooks;
    if (BASE_UNLIKELY(hooks != NULL)) {
        hooks->pause(hooks);
        return;
    }
    if (turns % SPINS_PER_YIELD == SPINS_PER_YIELD - 1) {
        (void)sched_yield();
        return;
    }
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}
