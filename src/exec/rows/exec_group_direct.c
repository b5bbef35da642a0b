/*
 * exec_group_direct.c - an array of rows by key value instead of a hash table.
 *
 * Keys of tables are mostly dense: order numbers, customer numbers, dates. One subtraction then
 * finds the group; nothing is hashed or compared, and where the input is clustered by the
 * key (the lines of an order) array and rows are touched in order.
 *
 * The array covers the smallest to the largest key seen and grows as keys come. When it would have
 * more than eight entries for a group (found or expected) the groups are left to the hash table for
 * the rest of the run.
 *
 * Lanes are merged by their arrays, part by part of the range of keys: that is a walk in order over
 * each, where merging by hash would look up every group.
 *
 * Invariants: while the array is in use the table has no slots, only rows without hashes, and every
 * row is in the array.
 */
#include "exec/rows/exec_group_direct.h"
#include "exec/rows/exec_integer_key.h"

enum {
    DIRECT_SPARSENESS = 8,     /* entries a group */
    DIRECT_ALWAYS = 1 << 16,   /* entries that are worth it in any case */
    DIRECT_EXPECTED = 1 << 21, /* expected groups that are believed, at most */
    DIRECT_FIRST = 1 << 10,
};

struct exec_group_direct {
    exec_groups *groups;
    types_form form;
    uint64_t expected; /* entries that the expected groups are worth */
    char **entries;    /* row of key base + i, or NULL */
    uint64_t size;
    int64_t base;
    int64_t top; /* the largest key that was asked for; entries above it are spare */
    char *null_row;
    bool is_used; /* in this run: all rows are in the array */
    bool is_out;
    uint16_t *fresh;
    char **fresh_rows;
};

static void release_entries(exec_group_direct *direct)
{
    base_free(&direct->groups->execution->budget, direct->entries, direct->size * sizeof(char *));
    direct->entries = NULL;
    direct->size = 0;
}

static void release_direct(void *context)
{
    release_entries(context);
}

base_status exec_group_direct_new(exec_groups *groups, double expected, exec_group_direct **result,
                                  base_error *error)
{
    types_form form = (types_form)groups->layout->forms[0];
    *result = NULL;
    if (groups->key_count != 1 || !exec_is_integer_key(form))
        return BASE_OK;
    exec_execution *execution = groups->execution;
    exec_group_direct *direct = EXEC_NEW(execution, exec_group_direct);
    if (!direct)
        return base_error_no_memory(error);
    direct->groups = groups;
    direct->form = form;
    if (expected > 0) /* an estimate may be wrong: two entries for each, not eight */
        direct->expected = 2 * (uint64_t)BASE_MIN(expected, (double)DIRECT_EXPECTED);
    direct->fresh = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    direct->fresh_rows = exec_new(execution, VECTOR_SIZE * sizeof(char *));
    if (!direct->fresh || !direct->fresh_rows ||
        !base_arena_on_release(&execution->arena, release_direct, direct))
        return base_error_no_memory(error);
    *result = direct;
    return BASE_OK;
}

void exec_group_direct_clear(exec_group_direct *direct)
{
    if (direct->size > DIRECT_ALWAYS)
        release_entries(direct);
    else if (direct->entries)
        memset(direct->entries, 0, direct->size * sizeof(char *));
    direct->null_row = NULL;
    direct->is_used = direct->is_out = false;
}

size_t exec_group_direct_bytes(const exec_group_direct *direct)
{
    return direct->size * sizeof(char *);
}

/* The key of a flat vector without NULLs, or of any vector. */
BASE_INLINE int64_t key_at(types_form form, const vector *key, bool plain, uint32_t position)
{
    if (plain || key->shape == VECTOR_FLAT)
        return exec_integer_at(form, key->data, position);
    if (key->shape == VECTOR_CONSTANT)
        return exec_integer_at(form, key->data, 0);
    return exec_integer_at(form, key->dictionary->data, ((const uint16_t *)key->data)[position]);
}

/* ---- The array --------------------------------------------------------------------------- */

typedef struct key_range {
    int64_t minimum, maximum; /* minimum > maximum: no keys */
} key_range;

BASE_INLINE key_range range_body(types_form form, const vector *key, bool plain,
                                 const uint16_t *selection, uint32_t count)
{
    key_range range = {INT64_MAX, INT64_MIN};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        if (!plain && !vector_is_valid(key, position))
            continue;
        int64_t value = key_at(form, key, plain, position);
        range.minimum = BASE_MIN(range.minimum, value);
        range.maximum = BASE_MAX(range.maximum, value);
    }
    return range;
}

/* Makes the array cover the range; false in `*dense` when that would be too sparse. */
static base_status cover(exec_group_direct *direct, key_range range, uint32_t count, bool *dense,
                         base_error *error)
{
    exec_groups *groups = direct->groups;
    *dense = true;
    if (range.minimum > range.maximum)
        return BASE_OK;
    int64_t first = range.minimum, last = range.maximum;
    if (direct->size) {
        first = BASE_MIN(first, direct->base);
        direct->top = last = BASE_MAX(last, direct->top);
        if (first == direct->base && (uint64_t)last - (uint64_t)first < direct->size)
            return BASE_OK;
    }
    uint64_t span = (uint64_t)last - (uint64_t)first;
    uint64_t found = groups->group_count + count;
    uint64_t most = BASE_MAX(found * DIRECT_SPARSENESS, direct->expected) + DIRECT_ALWAYS;
    if (span >= most) {
        *dense = false;
        return BASE_OK;
    }
    /* Room behind the last key: most inputs come in rising order. */
    uint64_t size = BASE_MAX(span + 1 + span / 2, (uint64_t)DIRECT_FIRST);
    if ((uint64_t)INT64_MAX - (uint64_t)first < size)
        size = span + 1;
    base_budget *budget = &groups->execution->budget;
    char **entries = base_allocate_zeroed(budget, size * sizeof(char *));
    if (!entries)
        return base_error_no_memory(error);
    if (direct->size)
        memcpy(entries + ((uint64_t)direct->base - (uint64_t)first), direct->entries,
               BASE_MIN(direct->size, size - ((uint64_t)direct->base - (uint64_t)first)) *
                   sizeof(char *));
    release_entries(direct);
    direct->entries = entries;
    direct->size = size;
    direct->base = first;
    direct->top = last;
    return BASE_OK;
}

/* ---- Finding ----------------------------------------------------------------------------- */

BASE_INLINE base_status find_body(exec_group_direct *direct, types_form form, const vector *key,
                                  bool plain, const uint16_t *selection, uint32_t count,
                                  char **rows, uint32_t *fresh, base_error *error)
{
    char **entries = direct->entries;
    uint64_t base = (uint64_t)direct->base;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        char **entry = &direct->null_row;
        if (plain || vector_is_valid(key, position))
            entry = &entries[(uint64_t)key_at(form, key, plain, position) - base];
        if (BASE_UNLIKELY(!*entry)) {
            RETURN_IF_ERROR(exec_rows_reserve_one(direct->groups->rows, entry, error));
            direct->fresh[*fresh] = (uint16_t)position;
            direct->fresh_rows[(*fresh)++] = *entry;
        }
        rows[i] = *entry;
    }
    return BASE_OK;
}

static void go_out(exec_group_direct *direct)
{
    direct->is_out = true;
    release_entries(direct);
}

/* Takes over rows that are there already: of keys that rose until now. They have no NULL. */
static base_status absorb_rows(exec_group_direct *direct, base_error *error)
{
    exec_groups *groups = direct->groups;
    if (direct->is_out || direct->is_used)
        return BASE_OK;
    direct->is_used = true;
    if (!groups->rows->row_count)
        return BASE_OK;
    BASE_ASSERT(groups->is_unhashed);
    uint32_t offset = groups->layout->offsets[0], count;
    key_range range = {INT64_MAX, INT64_MIN};
    char *rows[VECTOR_SIZE];
    bool dense;
    exec_rows_cursor cursor = {0, 0};
    while ((count = exec_rows_next(groups->rows, &cursor, rows))) {
        for (uint32_t i = 0; i < count; i++) {
            int64_t value = exec_integer_at(direct->form, rows[i] + offset, 0);
            range.minimum = BASE_MIN(range.minimum, value);
            range.maximum = BASE_MAX(range.maximum, value);
        }
    }
    RETURN_IF_ERROR(cover(direct, range, 0, &dense, error));
    if (!dense) {
        go_out(direct);
        return BASE_OK;
    }
    cursor = (exec_rows_cursor){0, 0};
    while ((count = exec_rows_next(groups->rows, &cursor, rows))) {
        for (uint32_t i = 0; i < count; i++) {
            int64_t value = exec_integer_at(direct->form, rows[i] + offset, 0);
            direct->entries[(uint64_t)value - (uint64_t)direct->base] = rows[i];
        }
    }
    return BASE_OK;
}

base_status exec_group_direct_find(exec_group_direct *direct, const vector *key,
                                   const uint16_t *selection, uint32_t count, char **rows,
                                   bool *done, base_error *error)
{
    exec_groups *groups = direct->groups;
    bool plain = key->shape == VECTOR_FLAT && !key->validity;
    uint32_t fresh = 0;
    key_range range;
    *done = false;
    RETURN_IF_ERROR(absorb_rows(direct, error));
    if (direct->is_out)
        return BASE_OK;
#define RANGE_CALL(form)                                                                           \
    range = plain ? range_body(form, key, true, selection, count)                                  \
                  : range_body(form, key, false, selection, count)
    EXEC_BY_INTEGER_FORM(direct->form, RANGE_CALL)
    bool dense;
    RETURN_IF_ERROR(cover(direct, range, count, &dense, error));
    if (!dense) {
        go_out(direct); /* the table makes its slots from the rows when it is asked next */
        return BASE_OK;
    }
    base_status status;
#define FIND_CALL(form)                                                                            \
    status = plain ? find_body(direct, form, key, true, selection, count, rows, &fresh, error)     \
                   : find_body(direct, form, key, false, selection, count, rows, &fresh, error)
    EXEC_BY_INTEGER_FORM(direct->form, FIND_CALL)
    RETURN_IF_ERROR(status);
    *done = true;
    if (!fresh)
        return BASE_OK;
    groups->group_count += fresh;
    groups->is_unhashed = true;
    return exec_rows_scatter(groups->rows, 0, key, direct->fresh, fresh, direct->fresh_rows, error);
}

/* ---- Merging ----------------------------------------------------------------------------- */

base_status exec_group_direct_prepare(exec_group_direct *const *lanes, uint32_t lane_count,
                                      bool *all_direct, base_error *error)
{
    *all_direct = true;
    for (uint32_t l = 0; l < lane_count; l++) {
        RETURN_IF_ERROR(absorb_rows(lanes[l], error));
        *all_direct = *all_direct && !lanes[l]->is_out;
    }
    return BASE_OK;
}

static base_status merge_nulls(exec_group_direct *const *lanes, uint32_t lane_count,
                               exec_group_merge merge, void *context, base_error *error)
{
    char *standing = NULL;
    for (uint32_t l = 0; l < lane_count; l++) {
        char *row = lanes[l]->null_row;
        if (row && standing)
            RETURN_IF_ERROR(merge(context, standing, row, error));
        standing = standing ? standing : row;
    }
    return BASE_OK;
}

/* Merges the keys at offsets begin .. end - 1 from `lowest` that lane `l` has into lanes before. */
static base_status merge_lane(exec_group_direct *const *lanes, uint32_t l, uint64_t lowest,
                              uint64_t begin, uint64_t end, exec_group_merge merge, void *context,
                              base_error *error)
{
    const exec_group_direct *lane = lanes[l];
    uint64_t offset = (uint64_t)lane->base - lowest;
    begin = BASE_MAX(begin, offset);
    end = BASE_MIN(end, offset + lane->size);
    for (uint64_t i = begin; i < end; i++) {
        char *row = lane->entries[i - offset];
        for (uint32_t before = 0; row && before < l; before++) {
            uint64_t place = lowest + i - (uint64_t)lanes[before]->base; /* wraps below its base */
            char *standing = place < lanes[before]->size ? lanes[before]->entries[place] : NULL;
            if (!standing)
                continue;
            RETURN_IF_ERROR(merge(context, standing, row, error));
            row = NULL;
        }
    }
    return BASE_OK;
}

base_status exec_group_direct_merge(exec_group_direct *const *lanes, uint32_t lane_count,
                                    uint32_t part, uint32_t parts, exec_group_merge merge,
                                    void *context, base_error *error)
{
    if (part == 0)
        RETURN_IF_ERROR(merge_nulls(lanes, lane_count, merge, context, error));
    int64_t lowest = INT64_MAX;
    for (uint32_t l = 0; l < lane_count; l++)
        lowest = lanes[l]->size ? BASE_MIN(lowest, lanes[l]->base) : lowest;
    uint64_t span = 0;
    for (uint32_t l = 0; l < lane_count; l++) {
        if (lanes[l]->size)
            span = BASE_MAX(span, (uint64_t)lanes[l]->base - (uint64_t)lowest + lanes[l]->size);
    }
    uint64_t begin = (uint64_t)((uint128_t)span * part / parts);
    uint64_t end = (uint64_t)((uint128_t)span * (part + 1) / parts);
    for (uint32_t l = 1; l < lane_count; l++) {
        if (lanes[l]->size)
            RETURN_IF_ERROR(
                merge_lane(lanes, l, (uint64_t)lowest, begin, end, merge, context, error));
    }
    return BASE_OK;
}
