/*
 * threads.h - what the programs with simulated threads share: a worker's own random numbers, and
 * what a transaction among others may answer.
 */
#ifndef TESTS_SIM_THREADS_H
#define TESTS_SIM_THREADS_H

#include "store.h"

typedef struct worker {
    run *run;
    uint64_t random;
    uint32_t done;
} worker;

static inline uint64_t next(worker *self, uint64_t below)
{
    self->random = base_hash_u64(self->random + 1);
    return self->random % below;
}

static inline bool is_conflict(base_status status)
{
    return status == BASE_SERIALIZATION || status == BASE_DEADLOCK || status == BASE_LOCK_TIMEOUT ||
           status == BASE_RESTART;
}

static inline void finish_step(worker *self, const char *what, base_status status,
                               const base_error *error)
{
    self->done += status == BASE_OK;
    sim_expect(self->run->report, status == BASE_OK || is_conflict(status), "%s: %s %s", what,
               base_status_name(status), error->message);
}

#endif
