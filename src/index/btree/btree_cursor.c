/*
 * btree_cursor.c - reading ranges of the tree in either direction.
 *
 * A cursor holds no latch between calls: it remembers the string from which to go on and
 * goes down again for each batch. A leaf's fence is where the next leaf begins, so leaves
 * need no sibling pointers, which would have to be latched sideways and mended by merges.
 * The price, a descent per batch, is spread over up to 256 entries.
 *
 * Invariant: everything in [from, to) that was not given out yet is what is left to read;
 * ascending reads raise `from`, descending ones lower `to`.
 */
#include "index/btree/btree_int.h"

enum {
    CURSOR_BATCH = 256,
};

/* A bound that the cursor owns; length 0 with `open` false sorts before everything. */
typedef struct cursor_bound {
    char *data;
    uint32_t length;
    uint32_t capacity;
    bool open;
} cursor_bound;

struct index_cursor {
    index_tree *tree;
    cursor_bound from, to; /* from <= string < to */
    bool descending;
    bool done;
    index_entry entries[CURSOR_BATCH];
    uint32_t offsets[CURSOR_BATCH];
    base_buffer bytes; /* the batch's strings */
};

base_status btree_cursor_create(index_tree *tree, index_cursor **created, base_error *error)
{
    index_cursor *cursor = base_allocate(tree->budget, sizeof *cursor);
    *created = cursor;
    if (!cursor)
        return base_error_no_memory(error);
    cursor->tree = tree;
    cursor->from = cursor->to = (cursor_bound){.open = true};
    cursor->descending = false;
    cursor->done = true;
    base_buffer_init(&cursor->bytes, tree->budget);
    return BASE_OK;
}

void btree_cursor_destroy(index_cursor *cursor)
{
    if (!cursor)
        return;
    base_free_array(cursor->tree->budget, cursor->from.data, cursor->from.capacity, 1);
    base_free_array(cursor->tree->budget, cursor->to.data, cursor->to.capacity, 1);
    base_buffer_destroy(&cursor->bytes);
    base_free(cursor->tree->budget, cursor, sizeof *cursor);
}

static bool set_bound(index_cursor *cursor, cursor_bound *bound, base_text text)
{
    base_budget *budget = cursor->tree->budget;
    if (!base_grow_array(budget, &bound->data, &bound->capacity, (uint32_t)text.length + 1, 1))
        return false;
    if (text.length)
        memmove(bound->data, text.data, text.length);
    bound->length = (uint32_t)text.length;
    bound->open = false;
    return true;
}

/* The smallest string above all that begin with the bound; open when there is none. */
static void to_successor(cursor_bound *bound)
{
    while (bound->length && (unsigned char)bound->data[bound->length - 1] == 0xFF)
        bound->length--;
    if (bound->length == 0)
        bound->open = true;
    else
        bound->data[bound->length - 1]++;
}

base_status btree_cursor_seek(index_cursor *cursor, const index_range *range, bool descending,
                              base_error *error)
{
    cursor->descending = descending;
    cursor->done = false;
    cursor->from.open = cursor->to.open = true;
    if (range->low.data) {
        if (!set_bound(cursor, &cursor->from, range->low))
            return base_error_no_memory(error);
        if (!range->low_inclusive) {
            to_successor(&cursor->from);
            cursor->done = cursor->from.open; /* nothing is above */
        }
    }
    if (range->high.data) {
        if (!set_bound(cursor, &cursor->to, range->high))
            return base_error_no_memory(error);
        if (range->high_inclusive)
            to_successor(&cursor->to);
    }
    return BASE_OK;
}

static base_text bound_text(const cursor_bound *bound)
{
    return (base_text){bound->data, bound->length};
}

/* The child to go on with: where `from` lies, or what is just below `to`. */
static uint32_t child_place(const index_cursor *cursor, const btree_node *node)
{
    if (!cursor->descending)
        return cursor->from.open ? 0 : btree_node_child_place(node, bound_text(&cursor->from));
    return cursor->to.open ? node->count
                           : btree_node_lower_bound(node, bound_text(&cursor->to), NULL);
}

static btree_node *latch_leaf_shared(index_cursor *cursor)
{
    index_tree *tree = cursor->tree;
    os_latch_lock_shared(&tree->root_latch);
    btree_node *node = tree->root;
    os_latch_lock_shared(&node->latch);
    os_latch_unlock_shared(&tree->root_latch);
    while (node->level) {
        btree_node *child = btree_node_child(node, child_place(cursor, node));
        os_latch_lock_shared(&child->latch);
        os_latch_unlock_shared(&node->latch);
        node = child;
    }
    return node;
}

/* Place of `bound` among the leaf's slots, where the bound may lie outside its fences. */
static uint32_t place_of(const btree_node *leaf, const cursor_bound *bound)
{
    base_text text = bound_text(bound);
    if (leaf->high.data && base_text_compare(text, btree_fence_text(&leaf->high)) >= 0)
        return leaf->count;
    if (leaf->low.data && base_text_compare(text, btree_fence_text(&leaf->low)) < 0)
        return 0;
    return btree_node_lower_bound(leaf, text, NULL);
}

static bool copy_entry(index_cursor *cursor, const btree_node *leaf, uint32_t place,
                       uint32_t number)
{
    base_text rest = btree_node_rest(leaf, place);
    base_buffer *bytes = &cursor->bytes;
    cursor->offsets[number] = (uint32_t)bytes->length;
    if (!base_buffer_reserve(bytes, leaf->prefix_length + rest.length))
        return false;
    if (leaf->prefix_length)
        memcpy(bytes->data + bytes->length, leaf->low.data, leaf->prefix_length);
    memcpy(bytes->data + bytes->length + leaf->prefix_length, rest.data, rest.length);
    bytes->length += leaf->prefix_length + rest.length;
    return true;
}

/* Turns the copied strings into entries, once the buffer no longer moves. */
static void finish_entries(index_cursor *cursor, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        size_t end = i + 1 < count ? cursor->offsets[i + 1] : cursor->bytes.length;
        const char *string = cursor->bytes.data + cursor->offsets[i];
        size_t key_length = end - cursor->offsets[i] - BTREE_ROWID_SIZE;
        uint64_t ordered = __builtin_bswap64(base_load_u64(string + key_length));
        cursor->entries[i].key = (base_text){string, key_length};
        cursor->entries[i].rowid = (int64_t)(ordered ^ (UINT64_C(1) << 63));
    }
}

/* Remembers where to go on: after the last entry given out, or at the leaf's fence. */
static bool move_on(index_cursor *cursor, const btree_node *leaf, uint32_t count, bool leaf_ended)
{
    if (leaf_ended) {
        const btree_fence *fence = cursor->descending ? &leaf->low : &leaf->high;
        cursor_bound *bound = cursor->descending ? &cursor->to : &cursor->from;
        const cursor_bound *other = cursor->descending ? &cursor->from : &cursor->to;
        if (!fence->data) {
            cursor->done = true;
            return true;
        }
        if (!set_bound(cursor, bound, btree_fence_text(fence)))
            return false;
        int order = other->open ? (cursor->descending ? 1 : -1)
                                : base_text_compare(bound_text(bound), bound_text(other));
        cursor->done = cursor->descending ? order <= 0 : order >= 0;
        return true;
    }
    base_text last = {cursor->bytes.data + cursor->offsets[count - 1],
                      cursor->bytes.length - cursor->offsets[count - 1]};
    if (cursor->descending)
        return set_bound(cursor, &cursor->to, last);
    /* The smallest string above `last` is `last` and a zero byte. */
    if (!set_bound(cursor, &cursor->from, last))
        return false;
    cursor->from.data[cursor->from.length++] = '\0'; /* set_bound keeps a byte spare */
    return true;
}

/* One leaf's share of the range; `*count` may be 0. */
static base_status read_leaf(index_cursor *cursor, uint32_t limit, uint32_t *count,
                             base_error *error)
{
    btree_node *leaf = latch_leaf_shared(cursor);
    uint32_t first = cursor->from.open ? 0 : place_of(leaf, &cursor->from);
    uint32_t end = cursor->to.open ? leaf->count : place_of(leaf, &cursor->to);
    uint32_t available = end > first ? end - first : 0;
    uint32_t taken = BASE_MIN(available, limit);
    bool copied = true;
    for (uint32_t i = 0; i < taken && copied; i++)
        copied = copy_entry(cursor, leaf, cursor->descending ? end - 1 - i : first + i, i);
    copied = copied && move_on(cursor, leaf, taken, taken == available);
    os_latch_unlock_shared(&leaf->latch);
    *count = taken;
    return copied ? BASE_OK : base_error_no_memory(error);
}

base_status btree_cursor_next(index_cursor *cursor, uint32_t limit, const index_entry **entries,
                              uint32_t *count, base_error *error)
{
    *entries = cursor->entries;
    *count = 0;
    limit = BASE_MIN(BASE_MAX(limit, 1u), (uint32_t)CURSOR_BATCH);
    base_buffer_clear(&cursor->bytes);
    while (!cursor->done && *count == 0)
        RETURN_IF_ERROR(read_leaf(cursor, limit, count, error));
    if (*count == 0)
        return BASE_DONE;
    finish_entries(cursor, *count);
    return BASE_ROW;
}
