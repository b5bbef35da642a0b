/*
 * os_int.h - shared inside the room: how a thread is simulated, and errors of the system.
 */
#ifndef OS_OS_INT_H
#define OS_OS_INT_H

#include "os/os.h"

/*
 * What a simulated thread does instead of blocking. The hooks of the running thread are
 * kept in a thread-local pointer, NULL on real threads: the one thread-local of the
 * library. It is not state of any database, only the answer to "who am I", which a lock
 * function with no other argument than the lock cannot get elsewhere.
 *
 * Mutexes stay real (so that thread sanitizers see them); the simulator only decides who
 * runs. As at most one simulated thread runs at a time, taking a real mutex by try-lock
 * and registering as waiter form one step.
 */
typedef struct os_thread_hooks os_thread_hooks;
struct os_thread_hooks {
    void (*yield)(os_thread_hooks *self);
    /* A yield of a thread that cannot go on before another did something. */
    void (*pause)(os_thread_hooks *self);
    /* Sleeps until `address` is woken; false when `nanoseconds` (>= 0) passed before. */
    bool (*block)(os_thread_hooks *self, const void *address, int64_t nanoseconds);
    /* Makes one waiter of `address`, or all, runnable. Does not switch. */
    void (*wake)(os_thread_hooks *self, const void *address, bool all);
    base_status (*start)(os_thread_hooks *self, base_budget *budget,
                         void (*function)(void *argument), void *argument, os_thread **thread,
                         base_error *error);
    void (*join)(os_thread_hooks *self, os_thread *thread);
};

extern _Thread_local os_thread_hooks *os_current_hooks
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* A real thread whatever the hooks of the caller say; for the simulator. */
base_status os_thread_start_real(base_budget *budget, void (*function)(void *argument),
                                 void *argument, os_thread **thread, base_error *error);
void os_thread_join_real(os_thread *thread);

#endif
