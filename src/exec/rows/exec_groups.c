/*
 * exec_groups.c - salted linear probing over rows.
 *
 * A slot is 16 bits of the hash and the address of the row; so a probe reads a row only when 16
 * bits agree, and growing the table moves slots, never rows. A batch is worked on in rounds: each
 * open key goes to the next slot that is empty or has its salt; keys that found an empty slot get
 * a row there at once (so that an equal key later in the batch finds it), then keys are written
 * and the others compared, column by column; who differs goes on in the next round.
 *
 * Rejected: chains (another cache miss per key); storing keys in slots (moves them on growth).
 *
 * Invariants: at most 5/8 of the slots are used; a row that a slot points to has its hash
 * in the header and its keys written before the batch ends.
 */
#include "exec/rows/exec_groups.h"

#define SALT_MASK (UINT64_C(0xFFFF) << 48)
#define ADDRESS_MASK (~SALT_MASK)

enum {
    FIRST_SLOT_COUNT = 4096,   /* a first chunk of new keys fits */
    KEPT_SLOT_COUNT = 1 << 16, /* over a reset */
    QUICK_GROWTH = 1 << 18,
    PREFETCH_FROM = 1 << 13, /* slots: more than fit the first cache */
};

static exec_group *slot_row(uint64_t slot)
{
    return (exec_group *)(uintptr_t)(slot & ADDRESS_MASK);
}

base_status exec_groups_layout(exec_layout *layout, exec_execution *execution,
                               const types_type *key_types, uint32_t key_count, uint32_t tail_size,
                               base_error *error)
{
    return exec_layout_init(layout, execution, key_types, key_count, sizeof(exec_group), tail_size,
                            error);
}

static void release_slots(exec_groups *groups)
{
    base_free(&groups->execution->budget, groups->slots, groups->slot_count * sizeof(uint64_t));
    groups->slots = NULL;
    groups->slot_count = 0;
}

static void release_groups(void *context)
{
    release_slots(context);
}

base_status exec_groups_new(exec_execution *execution, exec_layout *layout, uint32_t key_count,
                            exec_groups **result, base_error *error)
{
    exec_groups *groups = EXEC_NEW(execution, exec_groups);
    if (!groups)
        return base_error_no_memory(error);
    size_t shorts = VECTOR_SIZE * sizeof(uint16_t);
    groups->execution = execution;
    groups->layout = layout;
    groups->key_count = key_count;
    groups->hashes = exec_new(execution, VECTOR_SIZE * sizeof(uint64_t));
    groups->places = exec_new(execution, VECTOR_SIZE * sizeof(uint64_t));
    groups->positions = exec_new(execution, shorts);
    groups->open = exec_new(execution, shorts);
    groups->compare = exec_new(execution, shorts);
    groups->fresh = exec_new(execution, shorts);
    groups->unequal = exec_new(execution, shorts);
    groups->fresh_rows = exec_new(execution, VECTOR_SIZE * sizeof(char *));
    if (!groups->hashes || !groups->places || !groups->positions || !groups->open ||
        !groups->compare || !groups->fresh || !groups->unequal || !groups->fresh_rows)
        return base_error_no_memory(error);
    if (!base_arena_on_release(&execution->arena, release_groups, groups))
        return base_error_no_memory(error);
    *result = groups;
    return exec_rows_new(execution, layout, &groups->rows, error);
}

void exec_groups_clear(exec_groups *groups)
{
    bool sparse = groups->group_count < groups->slot_count / 16;
    if (groups->slot_count > KEPT_SLOT_COUNT || (groups->slot_count > FIRST_SLOT_COUNT && sparse))
        release_slots(groups);
    else if (groups->slots && groups->group_count)
        memset(groups->slots, 0, groups->slot_count * sizeof(uint64_t));
    groups->group_count = 0;
    groups->is_unhashed = false;
    exec_rows_clear(groups->rows);
}

size_t exec_groups_bytes(const exec_groups *groups)
{
    return groups->slot_count * sizeof(uint64_t) + exec_rows_bytes(groups->rows);
}

static void place_row(uint64_t *slots, uint64_t mask, const exec_group *group)
{
    uint64_t place = group->hash & mask;
    while (slots[place])
        place = (place + 1) & mask;
    slots[place] = (group->hash & SALT_MASK) | (uint64_t)(uintptr_t)group;
}

/* Fills larger slots. Own rows are read in the order in which they stand, which the machine can
 * foresee; adopted ones have to be found through their slots. */
static void place_rows(exec_groups *groups, uint64_t *slots, uint64_t mask)
{
    const exec_rows *rows = groups->rows;
    if (rows->row_count != groups->group_count) {
        for (uint64_t i = 0; i < groups->slot_count; i++)
            if (groups->slots[i])
                place_row(slots, mask, slot_row(groups->slots[i]));
        return;
    }
    for (uint32_t b = 0; b < rows->block_count; b++) {
        const char *row = rows->blocks[b].rows;
        for (uint32_t i = 0; i < rows->blocks[b].count; i++, row += groups->layout->row_size)
            place_row(slots, mask, (const exec_group *)(const void *)row);
    }
}

/* Makes room for `more` groups. Small tables grow by more than they need, since most of
 * them go on growing. */
static base_status make_room(exec_groups *groups, uint32_t more, base_error *error)
{
    uint64_t needed = (groups->group_count + more) * 8 / 5 + 1;
    if (needed <= groups->slot_count)
        return BASE_OK;
    if (groups->slot_count && groups->slot_count < QUICK_GROWTH)
        needed *= 4;
    uint64_t count = base_next_power_of_two(BASE_MAX(needed, (uint64_t)FIRST_SLOT_COUNT));
    uint64_t *slots = base_allocate_zeroed(&groups->execution->budget, count * sizeof(uint64_t));
    if (!slots)
        return base_error_no_memory(error);
    if (groups->group_count)
        place_rows(groups, slots, count - 1);
    release_slots(groups);
    groups->slots = slots;
    groups->slot_count = count;
    return BASE_OK;
}

static void hash_keys(exec_groups *groups, const vector *const *keys, const uint16_t *selection,
                      uint32_t count)
{
    for (uint32_t k = 0; k < groups->key_count; k++)
        vector_hash(keys[k], selection, count, k > 0, groups->hashes);
    if (!groups->key_count)
        memset(groups->hashes, 0, count * sizeof(uint64_t));
    for (uint32_t i = 0; i < count; i++) {
        groups->positions[i] = (uint16_t)vector_row(selection, i);
        groups->open[i] = (uint16_t)i;
        groups->places[i] = groups->hashes[i] & (groups->slot_count - 1);
    }
    if (groups->slot_count >= PREFETCH_FROM)
        for (uint32_t i = 0; i < count; i++)
            BASE_PREFETCH(&groups->slots[groups->places[i]]);
}

/* The next slot of key `i` that is empty or has its salt. */
BASE_INLINE uint64_t next_slot(exec_groups *groups, uint32_t i)
{
    uint64_t place = groups->places[i], mask = groups->slot_count - 1;
    uint64_t salt = groups->hashes[i] & SALT_MASK;
    uint64_t slot = groups->slots[place];
    while (slot && (slot & SALT_MASK) != salt) {
        place = (place + 1) & mask;
        slot = groups->slots[place];
    }
    groups->places[i] = place;
    return slot;
}

/* Compares the keys in `compare` with the rows found; who differs is open again. */
static uint32_t compare_keys(exec_groups *groups, const vector *const *keys, char *const *rows,
                             uint32_t count)
{
    uint32_t open = 0;
    for (uint32_t k = 0; k < groups->key_count && count; k++) {
        uint32_t unequal;
        count = exec_rows_match(groups->layout, k, keys[k], groups->positions, rows,
                                groups->compare, count, true, groups->unequal, &unequal);
        for (uint32_t u = 0; u < unequal; u++) {
            uint16_t i = groups->unequal[u];
            groups->places[i] = (groups->places[i] + 1) & (groups->slot_count - 1);
            groups->open[open++] = i;
        }
    }
    return open;
}

/* Puts a row into the empty slot of key `i`. */
static void fill_slot(exec_groups *groups, uint32_t i, char *row)
{
    exec_group *group = (exec_group *)(void *)row;
    group->hash = groups->hashes[i];
    groups->slots[groups->places[i]] = (groups->hashes[i] & SALT_MASK) | (uint64_t)(uintptr_t)row;
    groups->group_count++;
}

base_status exec_groups_hash_rows(exec_groups *groups, base_error *error)
{
    if (!groups->is_unhashed)
        return BASE_OK;
    vector_chunk chunk;
    char *rows[VECTOR_SIZE];
    exec_rows_cursor cursor = {0, 0};
    uint32_t count;
    /* Slots of a run before would be taken for those of these rows: make_room makes them anew. */
    release_slots(groups);
    RETURN_IF_ERROR(vector_chunk_init(&chunk, &groups->execution->budget, groups->layout->types,
                                      groups->key_count, error));
    while ((count = exec_rows_next(groups->rows, &cursor, rows))) {
        for (uint32_t k = 0; k < groups->key_count; k++) {
            exec_rows_gather(groups->layout, k, rows, NULL, count, &chunk.columns[k]);
            vector_hash(&chunk.columns[k], NULL, count, k > 0, groups->hashes);
        }
        for (uint32_t i = 0; i < count; i++)
            ((exec_group *)(void *)rows[i])->hash = groups->hashes[i];
    }
    vector_chunk_destroy(&chunk);
    groups->is_unhashed = false;
    return BASE_OK;
}

base_status exec_groups_find_or_add(exec_groups *groups, const vector *const *keys,
                                    const uint16_t *selection, uint32_t count, char **rows,
                                    bool *is_new, base_error *error)
{
    RETURN_IF_ERROR(exec_groups_hash_rows(groups, error));
    RETURN_IF_ERROR(make_room(groups, count, error));
    hash_keys(groups, keys, selection, count);
    if (is_new)
        memset(is_new, 0, count * sizeof(bool));
    uint32_t open = count;
    while (open) {
        uint32_t fresh = 0, compare = 0;
        for (uint32_t o = 0; o < open; o++) {
            uint16_t i = groups->open[o];
            uint64_t slot = next_slot(groups, i);
            if (!slot) {
                RETURN_IF_ERROR(exec_rows_reserve_one(groups->rows, &rows[i], error));
                fill_slot(groups, i, rows[i]);
                groups->fresh_rows[fresh] = rows[i];
                groups->fresh[fresh++] = groups->positions[i];
                if (is_new)
                    is_new[i] = true;
            } else {
                rows[i] = (char *)slot_row(slot);
                BASE_PREFETCH(rows[i]);
                groups->compare[compare++] = i;
            }
        }
        for (uint32_t k = 0; k < groups->key_count && fresh; k++)
            RETURN_IF_ERROR(exec_rows_scatter(groups->rows, k, keys[k], groups->fresh, fresh,
                                              groups->fresh_rows, error));
        open = compare_keys(groups, keys, rows, compare);
    }
    return BASE_OK;
}

base_status exec_groups_find(exec_groups *groups, const vector *const *keys,
                             const uint16_t *selection, uint32_t count, char **rows,
                             base_error *error)
{
    BASE_ASSERT(!groups->is_unhashed);
    if (!groups->group_count) {
        memset(rows, 0, count * sizeof(char *));
        return BASE_OK;
    }
    hash_keys(groups, keys, selection, count);
    uint32_t open = count;
    while (open) {
        uint32_t compare = 0;
        for (uint32_t o = 0; o < open; o++) {
            uint16_t i = groups->open[o];
            uint64_t slot = next_slot(groups, i);
            rows[i] = (char *)slot_row(slot);
            if (slot)
                groups->compare[compare++] = i;
        }
        open = compare_keys(groups, keys, rows, compare);
    }
    return BASE_OK;
}

base_status exec_groups_adopt(exec_groups *groups, const vector *const *keys, char *const *rows,
                              uint32_t count, char **standing, base_error *error)
{
    RETURN_IF_ERROR(make_room(groups, count, error));
    for (uint32_t i = 0; i < count; i++) {
        groups->hashes[i] = ((const exec_group *)(const void *)rows[i])->hash;
        groups->positions[i] = groups->open[i] = (uint16_t)i;
        groups->places[i] = groups->hashes[i] & (groups->slot_count - 1);
        standing[i] = NULL;
    }
    uint32_t open = count;
    while (open) {
        uint32_t compare = 0;
        for (uint32_t o = 0; o < open; o++) {
            uint16_t i = groups->open[o];
            uint64_t slot = next_slot(groups, i);
            standing[i] = (char *)slot_row(slot);
            if (slot)
                groups->compare[compare++] = i;
            else
                fill_slot(groups, i, rows[i]);
        }
        open = compare_keys(groups, keys, standing, compare);
    }
    return BASE_OK;
}
