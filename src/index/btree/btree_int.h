/*
 * btree_int.h - node layout of the ordered tree in memory.
 *
 * The tree is an ordered set of byte strings: an entry's string is its key followed by its
 * rowid, eight bytes big-endian with the sign flipped. A node covers the strings s with
 * low fence <= s < high fence and stores them without the prefix that both fences share.
 *
 *     header | slots, growing up -> ... free ... <- heap, growing down
 *
 * A slot has the first four bytes after the prefix (big-endian, zero padded), so that most
 * comparisons touch no heap. A string whose rest is longer than BTREE_INLINE lies in a
 * block of its own, so a node always holds several. In an inner node the heap piece of
 * separator i begins with the pointer to child i, which covers the strings below it;
 * `last_child` covers those from the last separator on.
 */
#ifndef INDEX_BTREE_INT_H
#define INDEX_BTREE_INT_H

#include "index/index.h"

enum {
    BTREE_NODE_SIZE = 4096,
    BTREE_SMALLEST_NODE = 512, /* a root leaf starts small and doubles */
    BTREE_INLINE = 400,        /* longer rests lie outside the node */
    BTREE_ROWID_SIZE = 8,
    BTREE_MAX_STRING = 16384,
};

typedef struct btree_slot {
    uint32_t head;
    uint16_t offset; /* of the heap piece */
    uint16_t length; /* of the rest; BTREE_FAR: the piece is a btree_far */
} btree_slot;
#define BTREE_FAR UINT16_MAX

typedef struct btree_far {
    char *data;
    size_t length;
} btree_far;

typedef struct btree_fence {
    char *data; /* NULL: no bound */
    uint32_t length;
} btree_fence;

typedef struct btree_node {
    os_latch latch;
    uint16_t level; /* 0: leaf */
    uint16_t count;
    uint16_t capacity; /* bytes of the node, header included */
    uint16_t heap_top; /* the heap is [heap_top, capacity) */
    uint16_t heap_garbage;
    uint16_t prefix_length;
    struct btree_node *last_child;
    btree_fence low, high;
    btree_slot slots[];
} btree_node;

struct index_tree {
    base_budget *budget;
    os_latch root_latch; /* guards `root` */
    btree_node *root;
    _Atomic(uint64_t) entry_count;
    _Atomic(uint64_t) byte_count;
};

/* ---- One node (btree_node.c). The caller holds the latch that the change needs. ---------- */

btree_node *btree_node_create(index_tree *tree, uint32_t level, uint32_t capacity,
                              const btree_fence *low, const btree_fence *high);
/* Frees fences and far strings too, but not children. */
void btree_node_destroy(index_tree *tree, btree_node *node);
/* First slot whose string is not below `string` (which lies within the fences, or equals
 * one); `*equal` tells whether it is the same, NULL allowed. */
uint32_t btree_node_lower_bound(const btree_node *node, base_text string, bool *equal);
/* The rest of slot i after the node's prefix. */
base_text btree_node_rest(const btree_node *node, uint32_t place);
/* The whole string of slot i into `buffer` (BTREE_MAX_STRING bytes). */
base_text btree_node_string(const btree_node *node, uint32_t place, char *buffer);
/* Child i: below separator i, or last_child for i = count. */
btree_node *btree_node_child(const btree_node *node, uint32_t place);
void btree_node_set_child(btree_node *node, uint32_t place, btree_node *child);
/* Bytes that slots and heap use, garbage left out. */
uint32_t btree_node_used(const btree_node *node);
/* Room for one more string of that whole length? Packs the heap when that is what it takes. */
bool btree_node_has_room(const btree_node *node, size_t string_length);
/* Inserts at `place`; there is room. False only when memory for a far string fails. */
bool btree_node_insert(index_tree *tree, btree_node *node, uint32_t place, base_text string,
                       btree_node *child);
void btree_node_remove(index_tree *tree, btree_node *node, uint32_t place);
/* Appends slots [first, end) of `from`, far strings moved by copy; false: no memory. */
bool btree_node_append_range(index_tree *tree, btree_node *to, const btree_node *from,
                             uint32_t first, uint32_t end);
/* The child whose range has `string`: the number of separators not above it. */
BASE_INLINE uint32_t btree_node_child_place(const btree_node *node, base_text string)
{
    bool equal;
    uint32_t place = btree_node_lower_bound(node, string, &equal);
    return place + equal;
}

BASE_INLINE base_text btree_fence_text(const btree_fence *fence)
{
    return (base_text){fence->data, fence->length};
}

void *btree_allocate(index_tree *tree, size_t size);
void btree_free(index_tree *tree, void *block, size_t size);

void btree_check(index_tree *tree, void (*report)(void *context, const char *problem),
                 void *context);
base_status btree_cursor_create(index_tree *tree, index_cursor **cursor, base_error *error);
void btree_cursor_destroy(index_cursor *cursor);
base_status btree_cursor_seek(index_cursor *cursor, const index_range *range, bool descending,
                              base_error *error);
base_status btree_cursor_next(index_cursor *cursor, uint32_t limit, const index_entry **entries,
                              uint32_t *count, base_error *error);

#endif
