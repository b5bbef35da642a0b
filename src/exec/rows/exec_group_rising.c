/*
 * exec_group_rising.c - groups by comparing each key with the one before.
 *
 * Rows are often stored in the order of what they are grouped by: the lines of an order follow each
 * other. While keys do not fall, a row belongs to the newest group or begins a new one; nothing is
 * hashed, no table is looked into, and memory is touched in order. A lane takes units in order, so
 * each lane sees rising keys too.
 *
 * Each batch leaves a segment: its first and last key with their groups. If the segments of all
 * lanes, sorted, follow each other and at most touch, then lanes have only the groups in common
 * that stand where segments touch, and merging millions of groups means combining some dozen.
 *
 * Once a key falls or is NULL all is left to the array or the table, which take the rows over.
 *
 * Rejected: learning from the plan or from zone maps that the input is sorted. Storage order is no
 * promise that a plan may build on, and this sees it where it is true, for the price of a compare.
 */
#include "exec/rows/exec_group_rising.h"
#include "exec/rows/exec_integer_key.h"

/* Keys of one batch, in order, with the groups at both ends. */
typedef struct key_segment {
    int64_t first, last;
    char *first_row, *last_row;
} key_segment;

struct exec_group_rising {
    exec_groups *groups;
    types_form form;
    bool is_out; /* a key fell or was NULL */
    key_segment *segments;
    uint32_t segment_count, segment_capacity;
    uint16_t *numbers; /* of each row's group: 0 for the newest before the batch, 1 .. */
    uint16_t *fresh;   /* position of the first row of each new group */
    char **rows;       /* by number */
};

static void release_segments(void *context)
{
    exec_group_rising *rising = context;
    base_free_array(&rising->groups->execution->budget, rising->segments, rising->segment_capacity,
                    sizeof *rising->segments);
    rising->segments = NULL;
    rising->segment_count = rising->segment_capacity = 0;
}

base_status exec_group_rising_new(exec_groups *groups, exec_group_rising **result,
                                  base_error *error)
{
    types_form form = (types_form)groups->layout->forms[0];
    *result = NULL;
    if (groups->key_count != 1 || !exec_is_integer_key(form))
        return BASE_OK;
    exec_execution *execution = groups->execution;
    exec_group_rising *rising = EXEC_NEW(execution, exec_group_rising);
    if (!rising)
        return base_error_no_memory(error);
    rising->groups = groups;
    rising->form = form;
    rising->numbers = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    rising->fresh = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    rising->rows = exec_new(execution, (VECTOR_SIZE + 1) * sizeof(char *));
    if (!rising->numbers || !rising->fresh || !rising->rows ||
        !base_arena_on_release(&execution->arena, release_segments, rising))
        return base_error_no_memory(error);
    *result = rising;
    return BASE_OK;
}

void exec_group_rising_clear(exec_group_rising *rising)
{
    release_segments(rising);
    rising->is_out = false;
}

size_t exec_group_rising_bytes(const exec_group_rising *rising)
{
    return rising->segment_capacity * sizeof *rising->segments;
}

/* ---- Finding ----------------------------------------------------------------------------- */

/* Numbers the rows' groups; `before` is the key of group 0. Returns the number of the last one;
 * false in `*rises` when a key falls. */
BASE_INLINE uint32_t number_body(exec_group_rising *rising, types_form form, const vector *key,
                                 const uint16_t *selection, uint32_t count, int64_t before,
                                 bool *rises)
{
    uint16_t *numbers = rising->numbers, *fresh = rising->fresh;
    uint32_t number = 0;
    bool falls = false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        int64_t value = exec_integer_at(form, key->data, position);
        falls |= value < before;
        fresh[number] = (uint16_t)position;
        number += value != before;
        numbers[i] = (uint16_t)number;
        before = value;
    }
    *rises = !falls;
    return number;
}

static uint32_t number_rows(exec_group_rising *rising, const vector *key, const uint16_t *selection,
                            uint32_t count, int64_t before, bool *rises)
{
    uint32_t number = 0;
#define NUMBER_CALL(form) number = number_body(rising, form, key, selection, count, before, rises)
    EXEC_BY_INTEGER_FORM(rising->form, NUMBER_CALL)
    return number;
}

base_status exec_group_rising_find(exec_group_rising *rising, const vector *key,
                                   const uint16_t *selection, uint32_t count, char **rows,
                                   bool *done, base_error *error)
{
    exec_groups *groups = rising->groups;
    *done = false;
    if (rising->is_out || !count)
        return BASE_OK;
    int64_t first = 0, last;
    bool rises = key->shape == VECTOR_FLAT && !key->validity;
    uint32_t new_groups = 0, start = 0;
    if (rises) {
        first = exec_integer_at(rising->form, key->data, vector_row(selection, 0));
        const key_segment *before =
            rising->segment_count ? &rising->segments[rising->segment_count - 1] : NULL;
        /* The first row of all begins a group: it is numbered as one that follows itself. */
        start = before == NULL;
        rising->rows[0] = before ? before->last_row : NULL;
        new_groups =
            number_rows(rising, key, selection, count, before ? before->last : first, &rises);
    }
    if (!rises) {
        rising->is_out = true;
        return BASE_OK;
    }
    if (!base_grow_array(&groups->execution->budget, &rising->segments, &rising->segment_capacity,
                         rising->segment_count + 1, sizeof *rising->segments))
        return base_error_no_memory(error);
    if (start) {
        memmove(rising->fresh + 1, rising->fresh, new_groups * sizeof *rising->fresh);
        rising->fresh[0] = (uint16_t)vector_row(selection, 0);
        RETURN_IF_ERROR(exec_rows_reserve(groups->rows, new_groups + 1, rising->rows, error));
    } else {
        RETURN_IF_ERROR(exec_rows_reserve(groups->rows, new_groups, rising->rows + 1, error));
    }
    groups->group_count += new_groups + start;
    groups->is_unhashed = true;
    RETURN_IF_ERROR(exec_rows_scatter(groups->rows, 0, key, rising->fresh, new_groups + start,
                                      rising->rows + !start, error));
    for (uint32_t i = 0; i < count; i++)
        rows[i] = rising->rows[rising->numbers[i]];
    last = exec_integer_at(rising->form, key->data, vector_row(selection, count - 1));
    rising->segments[rising->segment_count++] =
        (key_segment){first, last, rows[0], rows[count - 1]};
    *done = true;
    return BASE_OK;
}

/* ---- Merging ----------------------------------------------------------------------------- */

static int compare_segments(const void *left, const void *right)
{
    const key_segment *a = left, *b = right;
    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    return (a->last > b->last) - (a->last < b->last);
}

/* Whether sorted segments at most touch. */
static bool are_apart(const key_segment *segments, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        if (segments[i].first < segments[i - 1].last)
            return false;
    return true;
}

/* Combines groups of one key that stand at the ends of neighbours. The earlier one stays. */
static base_status merge_ends(const key_segment *segments, uint32_t count, exec_group_merge merge,
                              void *context, base_error *error)
{
    char *standing = count ? segments[0].last_row : NULL;
    for (uint32_t i = 1; i < count; i++) {
        const key_segment *segment = &segments[i];
        bool is_shared = segment->first == segments[i - 1].last;
        bool is_single = segment->first == segment->last;
        /* Two batches of one lane have had one row for the key from the start. */
        const exec_group *group = (const exec_group *)(const void *)segment->first_row;
        if (is_shared && segment->first_row != standing && !group->merged_into)
            RETURN_IF_ERROR(merge(context, standing, segment->first_row, error));
        if (!is_shared || !is_single)
            standing = segment->last_row;
    }
    return BASE_OK;
}

base_status exec_group_rising_merge(exec_group_rising *const *lanes, uint32_t lane_count,
                                    exec_group_merge merge, void *context, bool *done,
                                    base_error *error)
{
    uint32_t count = 0;
    *done = false;
    for (uint32_t l = 0; l < lane_count; l++) { /* those in use have segments */
        if (lanes[l]->is_out || __builtin_add_overflow(count, lanes[l]->segment_count, &count))
            return BASE_OK;
    }
    base_budget *budget = &lanes[0]->groups->execution->budget;
    key_segment *segments = base_allocate_array(budget, count, sizeof *segments);
    BASE_ASSERT(count > 0);
    if (!segments)
        return base_error_no_memory(error);
    uint32_t filled = 0;
    for (uint32_t l = 0; l < lane_count; l++) {
        memcpy(segments + filled, lanes[l]->segments, lanes[l]->segment_count * sizeof *segments);
        filled += lanes[l]->segment_count;
    }
    qsort(segments, count, sizeof *segments, compare_segments);
    base_status status = BASE_OK;
    *done = are_apart(segments, count);
    if (*done)
        status = merge_ends(segments, count, merge, context, error);
    base_free_array(budget, segments, count, sizeof *segments);
    return status;
}
