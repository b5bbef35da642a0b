/*
 * sim_machine.c - the simulated machine: names, clock, randomness, failures, crashes.
 *
 * A crash makes a new machine instead of resetting this one, so that many outcomes of one
 * moment can be looked at, and the run that was interrupted goes on to the next moment.
 *
 * What may survive of changes that were not synced, piece by piece and in any order: a write
 * is cut into sectors of the file, each kept or lost; a resize is kept or lost as a whole; a
 * name that was made or removed and whose directory was not synced is kept or lost. How
 * likely a piece is to survive is drawn once for each crash, so that almost all, almost none
 * and a mixture all come up.
 */
#include "os/sim/sim_int.h"

uint64_t sim_random(os_sim *sim)
{
    sim->random_state += UINT64_C(0x9E3779B97F4A7C15);
    return base_hash_u64(sim->random_state);
}

uint64_t os_sim_random(os_sim *sim)
{
    os_mutex_lock(&sim->mutex);
    uint64_t value = sim_random(sim);
    os_mutex_unlock(&sim->mutex);
    return value;
}

/* ---- Counting and failing ------------------------------------------------------------------ */

base_status sim_count_call(os_sim *sim, const char *action, const char *path, base_error *error)
{
    sim->call_number++;
    bool fails = sim->fail_at && (sim->fail_persistent ? sim->call_number >= sim->fail_at
                                                       : sim->call_number == sim->fail_at);
    if (sim->call_hook)
        sim->call_hook(sim->call_context, fails);
    if (!fails)
        return BASE_OK;
    sim->has_failed = true;
    return base_error_set(error, sim->fail_status, "cannot %s \"%s\": simulated failure", action,
                          path);
}

void sim_announce_change(os_sim *sim)
{
    os_mutex_lock(&sim->mutex);
    uint64_t number = ++sim->change_number;
    void (*hook)(void *, uint64_t) = sim->hook;
    void *context = sim->hook_context;
    os_mutex_unlock(&sim->mutex);
    if (hook)
        hook(context, number);
}

void os_sim_fail(os_sim *sim, uint64_t at, base_status status, bool persistent)
{
    os_mutex_lock(&sim->mutex);
    sim->call_number = 0;
    sim->fail_at = at;
    sim->fail_status = status;
    sim->fail_persistent = persistent;
    sim->has_failed = false;
    os_mutex_unlock(&sim->mutex);
}

uint64_t os_sim_call_count(os_sim *sim)
{
    os_mutex_lock(&sim->mutex);
    uint64_t calls = sim->call_number;
    os_mutex_unlock(&sim->mutex);
    return calls;
}

bool os_sim_has_failed(os_sim *sim)
{
    os_mutex_lock(&sim->mutex);
    bool failed = sim->has_failed;
    os_mutex_unlock(&sim->mutex);
    return failed;
}

void os_sim_on_call(os_sim *sim, void (*hook)(void *context, bool fails), void *context)
{
    os_mutex_lock(&sim->mutex);
    sim->call_hook = hook;
    sim->call_context = context;
    os_mutex_unlock(&sim->mutex);
}

void os_sim_set_capacity(os_sim *sim, uint64_t bytes)
{
    os_mutex_lock(&sim->mutex);
    sim->capacity = bytes;
    os_mutex_unlock(&sim->mutex);
}

void os_sim_on_change(os_sim *sim, void (*hook)(void *context, uint64_t number), void *context)
{
    os_mutex_lock(&sim->mutex);
    sim->hook = hook;
    sim->hook_context = context;
    os_mutex_unlock(&sim->mutex);
}

uint64_t os_sim_change_count(os_sim *sim)
{
    os_mutex_lock(&sim->mutex);
    uint64_t count = sim->change_number;
    os_mutex_unlock(&sim->mutex);
    return count;
}

/* ---- The environment ------------------------------------------------------------------------- */

static base_status sim_remove(os_environment *environment, const char *path, base_error *error)
{
    os_sim *sim = environment->state;
    sim_announce_change(sim);
    os_mutex_lock(&sim->mutex);
    base_status status = sim_count_call(sim, "remove", path, error);
    for (sim_node *node = sim->nodes; node && status == BASE_OK; node = node->next) {
        if (!node->named || strcmp(node->path, path) != 0)
            continue;
        node->named = false;
        if (node->opens == 0 && !node->named_durably)
            sim_node_free(sim, node);
        break;
    }
    os_mutex_unlock(&sim->mutex);
    return status;
}

static base_status sim_exists(os_environment *environment, const char *path, bool *exists,
                              base_error *error)
{
    os_sim *sim = environment->state;
    os_mutex_lock(&sim->mutex);
    base_status status = sim_count_call(sim, "examine", path, error);
    *exists = false;
    for (const sim_node *node = sim->nodes; node; node = node->next)
        *exists |= node->named && strcmp(node->path, path) == 0;
    os_mutex_unlock(&sim->mutex);
    return status;
}

/* The simulated disk has one directory. */
static base_status sim_sync_directory(os_environment *environment, const char *path,
                                      base_error *error)
{
    os_sim *sim = environment->state;
    sim_announce_change(sim);
    os_mutex_lock(&sim->mutex);
    base_status status = sim_count_call(sim, "sync the directory of", path, error);
    for (sim_node *node = sim->nodes, *next; node && status == BASE_OK; node = next) {
        next = node->next;
        node->named_durably = node->named;
        if (!node->named && node->opens == 0)
            sim_node_free(sim, node);
    }
    os_mutex_unlock(&sim->mutex);
    return status;
}

static int64_t sim_monotonic_clock(os_environment *environment)
{
    os_sim *sim = environment->state;
    os_mutex_lock(&sim->mutex);
    sim->now += 1 + (int64_t)(sim_random(sim) % 1000);
    int64_t now = sim->now;
    os_mutex_unlock(&sim->mutex);
    return now;
}

static int64_t sim_wall_clock(os_environment *environment)
{
    os_sim *sim = environment->state;
    return sim->wall_start + sim_monotonic_clock(environment) / 1000;
}

static base_status sim_random_bytes(os_environment *environment, void *buffer, size_t length,
                                    base_error *error)
{
    os_sim *sim = environment->state;
    os_mutex_lock(&sim->mutex);
    base_status status = sim_count_call(sim, "get randomness for", "the program", error);
    for (size_t i = 0; i < length; i++)
        ((unsigned char *)buffer)[i] = (unsigned char)sim_random(sim);
    os_mutex_unlock(&sim->mutex);
    return status;
}

static uint32_t sim_processor_count(os_environment *environment)
{
    (void)environment;
    return 3;
}

base_status os_sim_create(base_budget *budget, uint64_t seed, os_sim **sim, base_error *error)
{
    os_sim *self = base_allocate_zeroed(budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->environment = (os_environment){
        .name = "simulated",
        .open = sim_open,
        .remove = sim_remove,
        .exists = sim_exists,
        .sync_directory = sim_sync_directory,
        .wall_clock = sim_wall_clock,
        .monotonic_clock = sim_monotonic_clock,
        .random_bytes = sim_random_bytes,
        .processor_count = sim_processor_count,
        .state = self,
    };
    self->budget = budget;
    self->random_state = base_hash_u64(seed);
    self->wall_start = INT64_C(1700000000000000);
    self->capacity = UINT64_MAX;
    os_mutex_init(&self->mutex);
    *sim = self;
    return BASE_OK;
}

void os_sim_destroy(os_sim *sim)
{
    if (!sim)
        return;
    while (sim->nodes) {
        BASE_ASSERT(sim->nodes->opens == 0);
        sim_node_free(sim, sim->nodes);
    }
    os_mutex_destroy(&sim->mutex);
    base_free(sim->budget, sim, sizeof *sim);
}

os_environment *os_sim_environment(os_sim *sim)
{
    return &sim->environment;
}

/* ---- Crashes --------------------------------------------------------------------------------- */

typedef struct crash {
    os_sim *after;
    os_sim_tear tear;
    uint64_t survival; /* of 256 pieces, so many survive on average */
} crash;

static bool survives(crash *self)
{
    if (self->tear == OS_SIM_LOSE_ALL)
        return false;
    if (self->tear == OS_SIM_KEEP_ALL)
        return true;
    return sim_random(self->after) % 256 < self->survival;
}

/* The part of a write that survives, sector by sector. */
static bool replay_write(crash *self, sim_bytes *content, const sim_change *change)
{
    uint64_t sector = self->tear == OS_SIM_TEAR_512 ? 512 : 4096;
    for (uint64_t done = 0; done < change->size;) {
        uint64_t at = change->offset + done;
        uint64_t part = BASE_MIN(change->size - done, sector - at % sector);
        if (survives(self) &&
            !sim_bytes_write(self->after->budget, content, at, change->bytes + done, (size_t)part))
            return false;
        done += part;
    }
    return true;
}

static bool copy_node(crash *self, const sim_node *node)
{
    sim_node *copy = sim_node_create(self->after, node->path);
    if (!copy)
        return false;
    copy->named = copy->named_durably = true;
    sim_bytes *content = &copy->durable;
    if (node->durable.size &&
        !sim_bytes_write(self->after->budget, content, 0, node->durable.data, node->durable.size))
        return false;
    for (uint32_t i = 0; i < node->change_count; i++) {
        const sim_change *change = &node->changes[i];
        if (!change->is_resize) {
            if (!replay_write(self, content, change))
                return false;
        } else if (survives(self) &&
                   !sim_bytes_resize(self->after->budget, content, change->size)) {
            return false;
        }
    }
    /* The new size may be on disk although the bytes are not. */
    bool longer = content->size < node->current.size && self->tear > OS_SIM_KEEP_ALL;
    if (longer && survives(self) &&
        !sim_bytes_resize(self->after->budget, content, node->current.size))
        return false;
    return content->size == 0 ||
           sim_bytes_write(self->after->budget, &copy->current, 0, content->data, content->size);
}

base_status os_sim_crash(os_sim *sim, os_sim_tear tear, uint64_t seed, os_sim **after,
                         base_error *error)
{
    os_sim *copy;
    RETURN_IF_ERROR(os_sim_create(sim->budget, seed, &copy, error));
    crash self = {.after = copy, .tear = tear};
    static const uint64_t likely[] = {16, 64, 128, 192, 240};
    self.survival = likely[sim_random(copy) % BASE_COUNT_OF(likely)];
    bool complete = true;
    os_mutex_lock(&sim->mutex);
    copy->now = sim->now + 1000000000;
    copy->wall_start = sim->wall_start;
    for (const sim_node *node = sim->nodes; node && complete; node = node->next) {
        bool kept = node->named_durably;
        if (node->named != node->named_durably && survives(&self))
            kept = node->named;
        if (kept)
            complete = copy_node(&self, node);
    }
    os_mutex_unlock(&sim->mutex);
    if (!complete) {
        os_sim_destroy(copy);
        return base_error_no_memory(error);
    }
    *after = copy;
    return BASE_OK;
}
