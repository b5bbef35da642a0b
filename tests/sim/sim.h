/*
 * sim.h - what the simulation programs share: counting, seeds, and stepping out of the
 * simulated threads for a moment.
 */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

#include "os/os_int.h"
#include "os/sim/os_sim.h"

typedef struct sim_report {
    uint64_t passed, failed;
    uint64_t seed;    /* of the run, for messages */
    const char *part; /* of the program */
} sim_report;

/* Counts; prints the first failures with what is needed to run them again. */
static inline bool BASE_PRINTF(3, 4)
    sim_expect(sim_report *report, bool condition, const char *format, ...)
{
    if (condition) {
        report->passed++;
        return true;
    }
    if (++report->failed <= 20) {
        va_list arguments;
        va_start(arguments, format);
        printf("FAILED %s, seed %llu: ", report->part, (unsigned long long)report->seed);
        vprintf(format, arguments);
        printf("\n");
        va_end(arguments);
        fflush(stdout);
    }
    return false;
}

/* `usual` times TUFF_SIM_SEEDS. */
static inline uint64_t sim_seed_count(uint64_t usual)
{
    const char *factor = getenv("TUFF_SIM_SEEDS");
    double value = factor ? strtod(factor, NULL) : 1;
    uint64_t count = (uint64_t)((double)usual * value);
    return count ? count : 1;
}
static inline uint64_t sim_first_seed(void)
{
    const char *first = getenv("TUFF_SIM_FIRST");
    return first ? strtoull(first, NULL, 10) : 1;
}

static inline int sim_finish(const sim_report *report)
{
    printf("%llu passed, %llu failed, 0 skipped\n", (unsigned long long)report->passed,
           (unsigned long long)report->failed);
    return report->failed ? 1 : 0;
}

/* Between these the calling thread is a real one: no switches happen. */
static inline os_thread_hooks *sim_step_out(void)
{
    os_thread_hooks *hooks = os_current_hooks;
    os_current_hooks = NULL;
    return hooks;
}
static inline void sim_step_in(os_thread_hooks *hooks)
{
    os_current_hooks = hooks;
}

/* Cuts the power at change `number` of the disk, in `tear_modes` ways that take turns: `verify`
 * gets each disk that may be left. */
static inline uint64_t sim_cut(os_sim *sim, uint64_t seed, uint64_t number, uint32_t tear_modes,
                               void (*verify)(void *context, os_sim *after, os_sim_tear tear),
                               void *context)
{
    os_thread_hooks *hooks = sim_step_out();
    uint64_t cuts = 0;
    for (uint32_t i = 0; i < tear_modes; i++) {
        os_sim *after;
        os_sim_tear tear = (os_sim_tear)((number + i) % 4);
        if (os_sim_crash(sim, tear, seed * 999983 + number * 5 + i, &after, NULL) != BASE_OK)
            continue;
        verify(context, after, tear);
        os_sim_destroy(after);
        cuts++;
    }
    sim_step_in(hooks);
    return cuts;
}

#endif
