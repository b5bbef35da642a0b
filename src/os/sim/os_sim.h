/*
 * os_sim.h - the seeded twin of the machine: a disk that loses power and fails calls, a
 * clock, randomness, and threads whose every switch follows from a seed. For tests.
 *
 * Disk. Writes are kept apart until they are synced; names until their directory is. A crash
 * takes a copy of the disk as a power cut at this moment may leave it: of what was not
 * synced, each piece survives or not. Tests cut the power at any call by taking crashes from
 * the hook that sees every change before it happens; the run itself goes on.
 *
 * Threads. os_sim_run runs a function as a simulated thread; what it starts with
 * os_thread_start is simulated, too. Exactly one runs at a time; at each lock, unlock, wait
 * and os_yield_point the seed decides who goes on. Time stands still but for waits: when all
 * threads wait, it jumps to the first deadline; when nobody has one, that is a deadlock.
 */
#ifndef OS_SIM_OS_SIM_H
#define OS_SIM_OS_SIM_H

#include "os/os.h"

typedef struct os_sim os_sim;

base_status os_sim_create(base_budget *budget, uint64_t seed, os_sim **sim, base_error *error);
/* All files must be closed. */
void os_sim_destroy(os_sim *sim);
os_environment *os_sim_environment(os_sim *sim);
/* The next value of the simulation's own sequence of random numbers. */
uint64_t os_sim_random(os_sim *sim);

/* ---- Power cuts ------------------------------------------------------------------------ */

typedef enum os_sim_tear {
    OS_SIM_LOSE_ALL, /* nothing that was not synced survives */
    OS_SIM_KEEP_ALL, /* the process died, the machine did not */
    OS_SIM_TEAR_512, /* each 512 bytes of each write survive or not, in any order */
    OS_SIM_TEAR_4096,
} os_sim_tear;

/* A new machine with the disk as it may be after a power cut now. Its files are not locked
 * and not open; its clock goes on a little later. */
base_status os_sim_crash(os_sim *sim, os_sim_tear tear, uint64_t seed, os_sim **after,
                         base_error *error);

/* Called before each change of the disk (write, sync, set_size, create, remove, directory
 * sync), numbered from 1. Must not use this machine's files; os_sim_crash is what it is for. */
void os_sim_on_change(os_sim *sim, void (*hook)(void *context, uint64_t number), void *context);
uint64_t os_sim_change_count(os_sim *sim);

/* ---- Failures ----------------------------------------------------------------------------- */

/* Call number `at` from now (1: the next; 0: none) fails with `status`, and all later ones
 * do when `persistent`. Every file operation counts. A failing write leaves a part of the
 * bytes; after a failing sync some of what was written will never be on disk, and later
 * syncs do not bring it back. */
void os_sim_fail(os_sim *sim, uint64_t at, base_status status, bool persistent);
/* Calls since the last os_sim_fail, and whether one of them was failed. */
uint64_t os_sim_call_count(os_sim *sim);
bool os_sim_has_failed(os_sim *sim);
/* Called at each counted call, by the thread that makes it, with what becomes of it. Must not
 * call this machine. */
void os_sim_on_call(os_sim *sim, void (*hook)(void *context, bool fails), void *context);
/* Sizes of all files together may not grow beyond this: DISK_FULL. UINT64_MAX: no bound. */
void os_sim_set_capacity(os_sim *sim, uint64_t bytes);

/* ---- Threads --------------------------------------------------------------------------------- */

typedef struct os_sim_result {
    uint64_t steps;    /* points at which a switch could happen */
    uint64_t switches; /* and did */
    uint32_t threads;
} os_sim_result;

/*
 * Runs `function(argument)` and all threads that it starts, until the last has ended. The
 * schedule follows from `seed`: some are random walks, some give threads priorities that
 * change at a few points (PCT, Burckhardt et al. 2010), which finds bugs that need few, but
 * certain, switches. BASE_DEADLOCK: all wait for each other; BASE_LIMIT: more than
 * `max_steps` steps (0: 50 million). In both cases the threads stay where they are, and
 * their memory with them: the program should end soon.
 */
base_status os_sim_run(os_sim *sim, uint64_t seed, uint64_t max_steps,
                       void (*function)(void *argument), void *argument, os_sim_result *result,
                       base_error *error);

#endif
