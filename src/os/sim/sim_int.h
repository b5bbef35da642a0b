/*
 * sim_int.h - shared by the files of the simulated machine.
 */
#ifndef OS_SIM_SIM_INT_H
#define OS_SIM_SIM_INT_H

#include "os/os_int.h"
#include "os/sim/os_sim.h"

/* A change that is not synced. */
typedef struct sim_change {
    uint64_t offset; /* of a write */
    uint64_t size;   /* bytes written, or the new size */
    bool is_resize;
    unsigned char *bytes; /* NULL for a resize */
} sim_change;

typedef struct sim_bytes {
    unsigned char *data; /* zeros behind `size` */
    size_t size, capacity;
} sim_bytes;

typedef struct sim_node {
    struct sim_node *next;
    char *path; /* empty for a temporary file */
    size_t path_size;
    uint64_t serial;
    uint32_t opens;
    bool named;         /* what a program sees */
    bool named_durably; /* what survives */
    bool locked_exclusive;
    uint32_t locked_shared;
    sim_bytes current, durable;
    sim_change *changes; /* since the last sync, oldest first */
    uint32_t change_count, change_capacity;
} sim_node;

struct os_sim {
    os_environment environment;
    base_budget *budget;
    os_mutex mutex;
    sim_node *nodes;
    uint64_t next_serial;
    uint64_t random_state;
    int64_t now; /* nanoseconds */
    int64_t wall_start;

    void (*hook)(void *context, uint64_t number);
    void *hook_context;
    uint64_t change_number;
    void (*call_hook)(void *context, bool fails);
    void *call_context;
    uint64_t call_number, fail_at;
    base_status fail_status;
    bool fail_persistent, has_failed;
    uint64_t capacity;
};

/* Under the mutex. */
uint64_t sim_random(os_sim *sim);
/* Counts a call; not OK when it is to fail. */
base_status sim_count_call(os_sim *sim, const char *action, const char *path, base_error *error);
/* Without the mutex: tells the hook. */
void sim_announce_change(os_sim *sim);

bool sim_bytes_reserve(base_budget *budget, sim_bytes *bytes, size_t size);
void sim_bytes_destroy(base_budget *budget, sim_bytes *bytes);
bool sim_bytes_write(base_budget *budget, sim_bytes *bytes, uint64_t offset, const void *data,
                     size_t length);
bool sim_bytes_resize(base_budget *budget, sim_bytes *bytes, uint64_t size);

/* sim_disk.c */
sim_node *sim_node_create(os_sim *sim, const char *path);
void sim_node_free(os_sim *sim, sim_node *node);
base_status sim_open(os_environment *environment, base_budget *budget, const char *path,
                     uint32_t flags, os_file **file, base_error *error);

#endif
