/*
 * sites.h - places of the program that ask for something that may be refused: which were
 * reached, and which were refused at least once. A place is a chain of return addresses.
 */
#ifndef TESTS_SITES_H
#define TESTS_SITES_H

#include <execinfo.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SITES_DEPTH = 3, /* callers that tell places apart */
    SITES_SLOTS = 1 << 14,
};

typedef struct site_set {
    uint64_t chains[SITES_SLOTS]; /* 0: free; bit 0: refused once */
    void *callers[SITES_SLOTS][SITES_DEPTH];
    uint32_t reached, refused;
} site_set;

/* Notes who called: `skip` frames lie between. They have to be there: SITE_FRAME. */
#ifdef __clang__
#define SITE_FRAME __attribute__((noinline, disable_tail_calls))
#else
#define SITE_FRAME __attribute__((noinline, optimize("no-optimize-sibling-calls")))
#endif
static void SITE_FRAME __attribute__((unused)) site_note(site_set *sites, int skip, bool refused)
{
    void *frames[16];
    int count = backtrace(frames, skip + 1 + SITES_DEPTH);
    uint64_t hash = 14695981039346656037u;
    for (int i = skip + 1; i < count; i++)
        hash = (hash ^ (uint64_t)(uintptr_t)frames[i]) * 1099511628211u;
    hash |= 3;
    hash ^= 1; /* bit 1 set, bit 0 clear */
    for (uint64_t slot = hash >> 20;; slot++) {
        uint64_t *chain = &sites->chains[slot % SITES_SLOTS];
        if (!*chain && sites->reached < SITES_SLOTS / 2) {
            *chain = hash;
            sites->reached++;
            for (int i = 0; i < SITES_DEPTH && skip + 1 + i < count; i++)
                sites->callers[slot % SITES_SLOTS][i] = frames[skip + 1 + i];
        }
        if (!*chain)
            return; /* full */
        if ((*chain & ~(uint64_t)1) != hash)
            continue;
        if (refused && !(*chain & 1)) {
            *chain |= 1;
            sites->refused++;
        }
        return;
    }
}

static inline void site_print(const char *what, const site_set *sites)
{
    printf("%-26s %u reached, %u refused once (%.1f %%)\n", what, sites->reached, sites->refused,
           sites->reached ? 100.0 * sites->refused / sites->reached : 100.0);
    if (!getenv("TUFF_SITES")) /* set: which were not */
        return;
    for (uint32_t slot = 0; slot < SITES_SLOTS; slot++) {
        if (sites->chains[slot] && !(sites->chains[slot] & 1)) {
            printf("not refused:\n");
            (void)fflush(stdout);
            backtrace_symbols_fd(sites->callers[slot], SITES_DEPTH, 1);
        }
    }
}

#endif
