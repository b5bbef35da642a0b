/*
 * run_cursor.c - ranges of one run, in either direction.
 *
 * A cursor knows its place by numbers (node, leaf, interval) and holds no pin between calls. A
 * call pins the leaf, copies out some intervals and lets go; nodes and head are pinned only
 * to step from leaf to leaf. Because runs never change, numbers stay true: a range that begins in
 * the leaf that was read last, as those of a join by rising keys do, needs neither.
 */
#include "index/run/run_int.h"

struct index_run_cursor {
    index_run *run;
    base_budget *budget;
    base_buffer from, to, key;
    bool from_open, to_open, whole_key, descending;
    bool placed, done;
    bool leaf_ended; /* its last interval was read */
    uint32_t node, node_count;
    uint32_t leaf, leaf_count; /* within the node */
    uint32_t interval;
    bool leaf_known; /* what lies between these bounds is in the leaf or nowhere */
    base_buffer leaf_low, leaf_high;
    run_window window; /* for rising strings */
    cache_reference node_reference, leaf_reference;
    base_buffer bytes;
    uint32_t count;
    uint32_t starts[RUN_BATCH + RUN_INTERVAL], lengths[RUN_BATCH + RUN_INTERVAL];
    index_entry entries[RUN_BATCH + RUN_INTERVAL];
};

base_status index_run_cursor_create(index_run *run, index_run_cursor **created, base_error *error)
{
    index_run_cursor *cursor = base_allocate_zeroed(run->budget, sizeof *cursor);
    if (!cursor)
        return base_error_no_memory(error);
    cursor->run = run;
    cursor->budget = run->budget;
    cursor->done = true;
    base_buffer_init(&cursor->from, run->budget);
    base_buffer_init(&cursor->to, run->budget);
    base_buffer_init(&cursor->key, run->budget);
    base_buffer_init(&cursor->leaf_low, run->budget);
    base_buffer_init(&cursor->leaf_high, run->budget);
    base_buffer_init(&cursor->bytes, run->budget);
    *created = cursor;
    return BASE_OK;
}

void index_run_cursor_destroy(index_run_cursor *cursor)
{
    if (!cursor)
        return;
    base_budget *budget = cursor->budget;
    base_buffer_destroy(&cursor->from);
    base_buffer_destroy(&cursor->to);
    base_buffer_destroy(&cursor->key);
    base_buffer_destroy(&cursor->leaf_low);
    base_buffer_destroy(&cursor->leaf_high);
    base_buffer_destroy(&cursor->bytes);
    base_free(budget, cursor, sizeof *cursor);
}

static bool copy_bound(base_buffer *to, base_text text, bool *open)
{
    *open = text.data == NULL;
    base_buffer_clear(to);
    base_buffer_append(to, text.data, text.length);
    return !to->failed;
}

base_status index_run_cursor_seek(index_run_cursor *cursor, const index_run_range *range,
                                  bool descending, base_error *error)
{
    bool ignored;
    cursor->descending = descending;
    cursor->whole_key = range->whole_key;
    cursor->placed = false;
    cursor->done = true;
    if (!copy_bound(&cursor->from, range->from, &cursor->from_open) ||
        !copy_bound(&cursor->to, range->to, &cursor->to_open) ||
        (range->whole_key && !copy_bound(&cursor->key, range->key, &ignored)))
        return base_error_no_memory(error);
    cursor->window =
        (run_window){.bytes = &cursor->bytes, .starts = cursor->starts, .lengths = cursor->lengths};
    if (!cursor->from_open)
        cursor->window.from.string = run_text(&cursor->from);
    if (!cursor->to_open)
        cursor->window.to.string = run_text(&cursor->to);
    cursor->done = false;
    return BASE_OK;
}

/* ---- Places ---------------------------------------------------------------------------------- */

/* Where reading begins: at `from`, or just below `to`. */
static base_text start_bound(const index_run_cursor *cursor)
{
    bool open = cursor->descending ? cursor->to_open : cursor->from_open;
    return open ? (base_text){NULL, 0} : run_text(cursor->descending ? &cursor->to : &cursor->from);
}

/* Nothing of the run lies in the range: no need to look further than its head. */
static bool is_outside(const index_run_cursor *cursor, const run_head *head)
{
    return (!cursor->from_open && base_text_compare(run_text(&cursor->from), head->high) > 0) ||
           (!cursor->to_open && base_text_compare(run_text(&cursor->to), head->low) <= 0);
}

static base_status enter_node(index_run_cursor *cursor, const run_directory *nodes,
                              base_error *error)
{
    run_child child;
    if (!index_run_get_child(nodes, cursor->node, &child))
        return index_run_damaged(error);
    cache_reference_load(&cursor->node_reference, child.fixed);
    return BASE_OK;
}

static base_status with_head(index_run_cursor *cursor, bool first, base_error *error)
{
    cache_file *file = cursor->run->file;
    cache_pin pin;
    run_head head;
    RETURN_IF_ERROR(cache_pin_extent(file, &cursor->run->reference, &pin, error));
    base_status status = BASE_OK;
    bool may = true;
    if (!index_run_parse_head(pin.data, pin.length, &head) ||
        (first && !index_run_find_child(&head.nodes, start_bound(cursor), cursor->descending,
                                        &cursor->node)))
        status = index_run_damaged(error);
    else if (first && is_outside(cursor, &head))
        may = false;
    else if (first && cursor->whole_key)
        status = index_run_head_may_have(cursor->run, &head, run_text(&cursor->key), &may, error);
    cursor->done = !may;
    if (status == BASE_OK && may)
        status = enter_node(cursor, &head.nodes, error);
    cursor->node_count = head.nodes.count;
    cache_unpin(file, &pin);
    return status;
}

/* Remembers where the chosen leaf begins and ends. Not of a node's last leaf, as its end is not
 * known here; and not without memory: it only saves work. */
static void note_leaf(index_run_cursor *cursor, const run_directory *node, base_text separator)
{
    run_child next;
    bool ignored;
    cursor->leaf_known = index_run_get_child(node, cursor->leaf + 1, &next) &&
                         copy_bound(&cursor->leaf_low, separator, &ignored) &&
                         copy_bound(&cursor->leaf_high, next.separator, &ignored);
}

/* Does the range begin in the leaf that was read last? */
static bool begins_in_leaf(const index_run_cursor *cursor)
{
    return cursor->leaf_known && !cursor->descending && !cursor->from_open &&
           base_text_compare(run_text(&cursor->from), run_text(&cursor->leaf_low)) >= 0 &&
           base_text_compare(run_text(&cursor->from), run_text(&cursor->leaf_high)) < 0;
}

/* The node is chosen; chooses the leaf: by the bound, or the first in the cursor's direction. */
static base_status with_node(index_run_cursor *cursor, bool choose, bool first, base_error *error)
{
    cache_file *file = cursor->run->file;
    cache_pin pin;
    run_directory node;
    run_child child;
    RETURN_IF_ERROR(cache_pin_extent(file, &cursor->node_reference, &pin, error));
    bool sound = index_run_parse_node(pin.data, pin.length, &node);
    if (sound && choose && first)
        sound = index_run_find_child(&node, start_bound(cursor), cursor->descending, &cursor->leaf);
    else if (sound && choose)
        cursor->leaf = cursor->descending ? node.count - 1 : 0;
    sound = sound && index_run_get_child(&node, cursor->leaf, &child);
    if (sound) {
        cursor->leaf_count = node.count;
        note_leaf(cursor, &node, child.separator);
        cache_reference_load(&cursor->leaf_reference, child.fixed);
        if (!first && !cursor->descending && !cursor->to_open &&
            base_text_compare(child.separator, run_text(&cursor->to)) >= 0)
            cursor->done = true; /* R3: the leaf begins behind the range */
    }
    cache_unpin(file, &pin);
    return sound ? BASE_OK : index_run_damaged(error);
}

/* The next leaf in the cursor's direction; `done` when there is none. */
static base_status step_leaf(index_run_cursor *cursor, base_error *error)
{
    bool node_ends =
        cursor->descending ? cursor->leaf == 0 : cursor->leaf + 1 >= cursor->leaf_count;
    if (!node_ends) {
        cursor->leaf += cursor->descending ? UINT32_MAX : 1;
        return with_node(cursor, false, false, error);
    }
    bool run_ends = cursor->descending ? cursor->node == 0 : cursor->node + 1 >= cursor->node_count;
    if (run_ends) {
        cursor->done = true;
        return BASE_OK;
    }
    cursor->node += cursor->descending ? UINT32_MAX : 1;
    RETURN_IF_ERROR(with_head(cursor, false, error));
    return with_node(cursor, true, false, error);
}

/* ---- Entries --------------------------------------------------------------------------------- */

/* Takes over what lies in the range of an interval's strings, which begin at `start` in
 * `bytes`, the last one first; true: the range ends here. */
static bool take_backwards(index_run_cursor *cursor, const run_strings *strings, uint32_t start)
{
    for (uint32_t number = strings->count; number-- > 0;) {
        uint32_t at = number ? strings->ends[number - 1] : start;
        base_text string = {cursor->bytes.data + at, strings->ends[number] - at};
        if (!cursor->from_open && base_text_compare(string, run_text(&cursor->from)) < 0)
            return true;
        if (!cursor->to_open && base_text_compare(string, run_text(&cursor->to)) >= 0)
            continue;
        cursor->starts[cursor->count] = at;
        cursor->lengths[cursor->count++] = (uint32_t)string.length;
    }
    return false;
}

/* The interval's strings in the range; `done` where that ends here. */
static base_status read_interval(index_run_cursor *cursor, const run_leaf *leaf, base_error *error)
{
    if (cursor->descending) {
        uint32_t start = (uint32_t)cursor->bytes.length;
        run_strings strings = {.bytes = &cursor->bytes};
        RETURN_IF_ERROR(index_run_decode_interval(leaf, cursor->interval, &strings, error));
        cursor->done = take_backwards(cursor, &strings, start);
        return BASE_OK;
    }
    cursor->window.count = cursor->count;
    base_status status = index_run_take_interval(leaf, cursor->interval, &cursor->window, error);
    cursor->count = cursor->window.count;
    cursor->done = cursor->window.ended;
    return status;
}

/* Reads intervals of the leaf until there are `limit` entries or the leaf ends. */
static base_status read_leaf(index_run_cursor *cursor, const run_leaf *leaf, uint32_t limit,
                             base_error *error)
{
    cursor->leaf_ended = false;
    while (cursor->count < limit && cursor->bytes.length < RUN_BATCH_BYTES) {
        RETURN_IF_ERROR(read_interval(cursor, leaf, error));
        if (cursor->done)
            return BASE_OK;
        cursor->leaf_ended = cursor->descending ? cursor->interval == 0
                                                : cursor->interval + 1 >= leaf->interval_count;
        if (cursor->leaf_ended)
            return BASE_OK;
        cursor->interval += cursor->descending ? UINT32_MAX : 1;
    }
    return BASE_OK;
}

/* Reads from the chosen leaf; where that was only just chosen, from the interval that the
 * bound (`first`) or the direction says. */
static base_status with_leaf(index_run_cursor *cursor, bool fresh, bool first, uint32_t limit,
                             base_error *error)
{
    cache_file *file = cursor->run->file;
    cache_pin pin;
    run_leaf leaf;
    RETURN_IF_ERROR(cache_pin_extent(file, &cursor->leaf_reference, &pin, error));
    bool sound = index_run_parse_leaf(pin.data, pin.length, &leaf);
    if (sound && first)
        sound = index_run_find_interval(&leaf, start_bound(cursor), cursor->descending,
                                        cursor->interval, &cursor->interval);
    else if (sound && fresh)
        cursor->interval = cursor->descending ? leaf.interval_count - 1 : 0;
    base_status status = sound ? read_leaf(cursor, &leaf, limit, error) : index_run_damaged(error);
    cache_unpin(file, &pin);
    return status;
}

/* Finds the leaf where reading begins; `done` where the run has nothing in the range. */
static base_status place_cursor(index_run_cursor *cursor, base_error *error)
{
    if (!begins_in_leaf(cursor)) {
        cursor->leaf_known = false;
        RETURN_IF_ERROR(with_head(cursor, true, error));
        if (cursor->done)
            return BASE_OK;
        RETURN_IF_ERROR(with_node(cursor, true, true, error));
    }
    cursor->placed = true;
    return BASE_OK;
}

static void finish_entries(index_run_cursor *cursor)
{
    for (uint32_t i = 0; i < cursor->count; i++) {
        const char *string = cursor->bytes.data + cursor->starts[i];
        size_t key_length = cursor->lengths[i] - INDEX_ROWID_SIZE; /* R2: decoding checked */
        cursor->entries[i].key = (base_text){string, key_length};
        cursor->entries[i].rowid = index_rowid_load(string + key_length);
    }
}

base_status index_run_cursor_next(index_run_cursor *cursor, uint32_t limit,
                                  const index_entry **entries, uint32_t *count, base_error *error)
{
    *entries = cursor->entries;
    *count = cursor->count = 0;
    limit = BASE_MIN(BASE_MAX(limit, 1u), (uint32_t)RUN_BATCH);
    while (!cursor->done && cursor->count == 0) {
        bool first = !cursor->placed, fresh = first || cursor->leaf_ended;
        base_buffer_clear(&cursor->bytes);
        if (first)
            RETURN_IF_ERROR(place_cursor(cursor, error));
        else if (fresh)
            RETURN_IF_ERROR(step_leaf(cursor, error));
        if (!cursor->done)
            RETURN_IF_ERROR(with_leaf(cursor, fresh, first, limit, error));
    }
    if (cursor->count == 0)
        return BASE_DONE;
    finish_entries(cursor);
    *count = cursor->count;
    return BASE_ROW;
}
