/*
 * exec_group_direct.c - an array of rows by key value instead of a hash table.
 *
 * Keys of tables are mostly dense: order numbers, customer numbers, dates. One subtraction then
 * finds the group; nothing is hashed or compared, and where the input is clustered by the
 * key (the lines of an order) array and rows are touched in order.
 *
 * The array covers the smallest to the largest key seen and grows as keys come. When it would have
 * more than eight entries for a group the groups go to the hash table and the array is given up
 * for the rest of the run.
 *
 * Invariants: while the array is in use the table has no slots, only rows; every row has its
 * hash in the header, so that tables of lanes can be merged and slots be made at any time.
 */
#include "exec/rows/exec_group_direct.h"

enum {
    DIRECT_SPARSENESS = 8,   /* entries a group */
    DIRECT_ALWAYS = 1 << 16, /* entries that are worth it in any case */
    DIRECT_FIRST = 1 << 10,
};

struct exec_group_direct {
    exec_groups *groups;
    types_form form;
    char **entries; /* row of key base + i, or NULL */
    uint64_t size;
    int64_t base;
    char *null_row;
    bool is_out;
    uint16_t *fresh;
    char **fresh_rows;
    uint64_t *hashes;
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

base_status exec_group_direct_new(exec_groups *groups, exec_group_direct **result,
                                  base_error *error)
{
    types_form form = (types_form)groups->layout->forms[0];
    *result = NULL;
    if (groups->key_count != 1 || (form != TYPES_FORM_INT8 && form != TYPES_FORM_INT16 &&
                                   form != TYPES_FORM_INT32 && form != TYPES_FORM_INT64))
        return BASE_OK;
    exec_execution *execution = groups->execution;
    exec_group_direct *direct = EXEC_NEW(execution, exec_group_direct);
    if (!direct)
        return base_error_no_memory(error);
    direct->groups = groups;
    direct->form = form;
    direct->fresh = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    direct->fresh_rows = exec_new(execution, VECTOR_SIZE * sizeof(char *));
    direct->hashes = exec_new(execution, VECTOR_SIZE * sizeof(uint64_t));
    if (!direct->fresh || !direct->fresh_rows || !direct->hashes ||
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
    direct->is_out = false;
}

size_t exec_group_direct_bytes(const exec_group_direct *direct)
{
    return direct->size * sizeof(char *);
}

BASE_INLINE int64_t integer_at(types_form form, const void *data, uint32_t place)
{
    switch (form) {
    case TYPES_FORM_INT8:
        return ((const int8_t *)data)[place];
    case TYPES_FORM_INT16:
        return ((const int16_t *)data)[place];
    case TYPES_FORM_INT32:
        return ((const int32_t *)data)[place];
    default:
        return ((const int64_t *)data)[place];
    }
}

/* The key of a flat vector without NULLs, or of any vector. */
BASE_INLINE int64_t key_at(types_form form, const vector *key, bool plain, uint32_t position)
{
    if (plain || key->shape == VECTOR_FLAT)
        return integer_at(form, key->data, position);
    if (key->shape == VECTOR_CONSTANT)
        return integer_at(form, key->data, 0);
    return integer_at(form, key->dictionary->data, ((const uint16_t *)key->data)[position]);
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
        if (first >= direct->base && (uint64_t)last - (uint64_t)direct->base < direct->size)
            return BASE_OK;
        first = BASE_MIN(first, direct->base);
        last = BASE_MAX(last, direct->base + (int64_t)(direct->size - 1));
    }
    uint64_t span = (uint64_t)last - (uint64_t)first;
    uint64_t most = (groups->group_count + count) * DIRECT_SPARSENESS + DIRECT_ALWAYS;
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
               direct->size * sizeof(char *));
    release_entries(direct);
    direct->entries = entries;
    direct->size = size;
    direct->base = first;
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

#define BY_FORM(call)                                                                              \
    switch (direct->form) {                                                                        \
    case TYPES_FORM_INT8:                                                                          \
        call(TYPES_FORM_INT8);                                                                     \
        break;                                                                                     \
    case TYPES_FORM_INT16:                                                                         \
        call(TYPES_FORM_INT16);                                                                    \
        break;                                                                                     \
    case TYPES_FORM_INT32:                                                                         \
        call(TYPES_FORM_INT32);                                                                    \
        break;                                                                                     \
    default:                                                                                       \
        call(TYPES_FORM_INT64);                                                                    \
        break;                                                                                     \
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
    if (direct->is_out)
        return BASE_OK;
#define RANGE_CALL(form)                                                                           \
    range = plain ? range_body(form, key, true, selection, count)                                  \
                  : range_body(form, key, false, selection, count)
    BY_FORM(RANGE_CALL)
    bool dense;
    RETURN_IF_ERROR(cover(direct, range, count, &dense, error));
    if (!dense) {
        direct->is_out = true;
        release_entries(direct);
        return BASE_OK; /* the table makes its slots from the rows when it is asked next */
    }
    base_status status;
#define FIND_CALL(form)                                                                            \
    status = plain ? find_body(direct, form, key, true, selection, count, rows, &fresh, error)     \
                   : find_body(direct, form, key, false, selection, count, rows, &fresh, error)
    BY_FORM(FIND_CALL)
    RETURN_IF_ERROR(status);
    *done = true;
    if (!fresh)
        return BASE_OK;
    groups->group_count += fresh;
    RETURN_IF_ERROR(
        exec_rows_scatter(groups->rows, 0, key, direct->fresh, fresh, direct->fresh_rows, error));
    vector_hash(key, direct->fresh, fresh, false, direct->hashes);
    for (uint32_t f = 0; f < fresh; f++)
        ((exec_group *)(void *)direct->fresh_rows[f])->hash = direct->hashes[f];
    return BASE_OK;
}
