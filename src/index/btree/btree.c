/*
 * btree.c - the ordered tree in memory: descent, insertion, removal.
 *
 * Why this way: latch coupling from the root (R. Bayer, M. Schkolnick, 1977). Nearly every change
 * fits its leaf, so a writer first goes down with shared latches and takes only the leaf
 * exclusively; when the leaf must split, or has become nearly empty, it starts again with
 * exclusive latches and splits (merges) on the way down, so that a parent always has room
 * for the separator of its child and no latch is ever taken upwards. Nodes are rebuilt
 * rather than shifted: the prefix changes with the fences, and a failed allocation then
 * finds the old node whole.
 *
 * Rejected: ART (DuckDB's choice): larger for short keys, no cheap ordered batches; a
 * B-link tree: saves the parent's latch but needs removal marks and a garbage collector.
 *
 * Invariants: index/README.md rules 2-5; all leaves have level 0 and the same depth; an
 * inner node of the way down has room for one more separator before its child is split.
 */
#include "index/btree/btree_int.h"

static base_status tree_create(base_budget *budget, index_tree **created, base_error *error)
{
    *created = NULL;
    index_tree *tree = base_allocate_zeroed(budget, sizeof *tree);
    if (!tree)
        return base_error_no_memory(error);
    tree->budget = budget;
    os_latch_init(&tree->root_latch);
    atomic_init(&tree->entry_count, 0);
    atomic_init(&tree->byte_count, sizeof *tree);
    tree->root = btree_node_create(tree, 0, BTREE_SMALLEST_NODE, NULL, NULL);
    if (!tree->root) {
        base_free(budget, tree, sizeof *tree);
        return base_error_no_memory(error);
    }
    *created = tree;
    return BASE_OK;
}

static void destroy_subtree(index_tree *tree, btree_node *node)
{
    if (node->level) {
        for (uint32_t i = 0; i <= node->count; i++)
            destroy_subtree(tree, btree_node_child(node, i));
    }
    btree_node_destroy(tree, node);
}

static void tree_destroy(index_tree *tree)
{
    if (!tree)
        return;
    destroy_subtree(tree, tree->root);
    base_free(tree->budget, tree, sizeof *tree);
}

static uint64_t tree_count(const index_tree *tree)
{
    return atomic_load_explicit(&tree->entry_count, memory_order_relaxed);
}

static uint64_t tree_byte_count(const index_tree *tree)
{
    return atomic_load_explicit(&tree->byte_count, memory_order_relaxed);
}

/* Key and rowid as one string; false when the key is too long. */
static bool make_string(base_text key, int64_t rowid, char *buffer, base_text *string)
{
    if (key.length > BTREE_MAX_STRING - BTREE_ROWID_SIZE)
        return false;
    if (key.length)
        memcpy(buffer, key.data, key.length);
    uint64_t ordered = __builtin_bswap64((uint64_t)rowid ^ (UINT64_C(1) << 63));
    memcpy(buffer + key.length, &ordered, sizeof ordered);
    *string = (base_text){buffer, key.length + BTREE_ROWID_SIZE};
    return true;
}

/* The leaf for `string`, latched exclusively; inner nodes were latched shared. */
static btree_node *latch_leaf(index_tree *tree, base_text string)
{
    os_latch_lock_shared(&tree->root_latch);
    btree_node *node = tree->root;
    if (node->level == 0) {
        os_latch_lock(&node->latch);
        os_latch_unlock_shared(&tree->root_latch);
        return node;
    }
    os_latch_lock_shared(&node->latch);
    os_latch_unlock_shared(&tree->root_latch);
    for (;;) {
        btree_node *child = btree_node_child(node, btree_node_child_place(node, string));
        bool leaf = child->level == 0;
        if (leaf)
            os_latch_lock(&child->latch);
        else
            os_latch_lock_shared(&child->latch);
        os_latch_unlock_shared(&node->latch);
        if (leaf)
            return child;
        node = child;
    }
}

/* Shortest string that is above the last one on the left and not above the first one on
 * the right; a prefix of the latter. Inner nodes split at an existing separator. */
static base_text make_separator(const btree_node *node, uint32_t split, char *left_buffer,
                                char *right_buffer)
{
    base_text right = btree_node_string(node, split, right_buffer);
    if (node->level)
        return right;
    base_text left = btree_node_string(node, split - 1, left_buffer);
    size_t length = 0;
    while (length < left.length && left.data[length] == right.data[length])
        length++;
    BASE_ASSERT(length < right.length);
    return (base_text){right.data, length + 1};
}

/* Where to cut: in the middle by bytes, but almost at the end when entries arrive in
 * rising order, so that ascending inserts leave full nodes behind. */
static uint32_t split_place(const btree_node *node, base_text string)
{
    bool rising = !node->high.data && btree_node_lower_bound(node, string, NULL) == node->count;
    if (rising)
        return (uint32_t)node->count - 1;
    uint32_t half = 0, used = 0, total = btree_node_used(node) - (uint32_t)sizeof(btree_node);
    while (half < node->count && used < total / 2) {
        base_text rest = btree_node_rest(node, half);
        used += (uint32_t)(sizeof(btree_slot) + (node->level ? sizeof(btree_node *) : 0) +
                           BASE_MIN(rest.length, (size_t)BTREE_INLINE));
        half++;
    }
    return BASE_MIN(BASE_MAX(half, 1u), (uint32_t)node->count - 1);
}

/*
 * Splits child `place` of `parent` (both latched exclusively, the parent with room for a
 * separator) into two new nodes and frees it. Afterwards children `place` and `place` + 1
 * of the parent are the halves, unlatched. False: no memory, nothing changed.
 */
static bool split_child(index_tree *tree, btree_node *parent, uint32_t place, base_text string)
{
    char left_buffer[BTREE_MAX_STRING], right_buffer[BTREE_MAX_STRING];
    btree_node *child = btree_node_child(parent, place);
    BASE_ASSERT(child->count >= 2);
    uint32_t split = split_place(child, string);
    base_text separator = make_separator(child, split, left_buffer, right_buffer);
    btree_fence fence = {(char *)(uintptr_t)separator.data, (uint32_t)separator.length};
    btree_node *left = btree_node_create(tree, child->level, BTREE_NODE_SIZE, &child->low, &fence);
    btree_node *right =
        btree_node_create(tree, child->level, BTREE_NODE_SIZE, &fence, &child->high);
    if (!left || !right || !btree_node_append_range(tree, left, child, 0, split))
        goto failed;
    uint32_t first = split;
    if (child->level) {
        left->last_child = btree_node_child(child, split);
        right->last_child = child->last_child;
        first++; /* the separator moves up */
    }
    if (!btree_node_append_range(tree, right, child, first, child->count))
        goto failed;
    if (!btree_node_insert(tree, parent, place, separator, left))
        goto failed;
    btree_node_set_child(parent, place + 1, right);
    btree_node_destroy(tree, child);
    return true;
failed:
    if (left)
        btree_node_destroy(tree, left);
    if (right)
        btree_node_destroy(tree, right);
    return false;
}

/* Replaces a small root leaf by one of twice the size. root_latch and root are latched. */
static bool grow_root_leaf(index_tree *tree)
{
    btree_node *old = tree->root;
    uint32_t capacity = BASE_MIN(old->capacity * 2u, (uint32_t)BTREE_NODE_SIZE);
    btree_node *grown = btree_node_create(tree, 0, capacity, NULL, NULL);
    if (!grown)
        return false;
    if (!btree_node_append_range(tree, grown, old, 0, old->count)) {
        btree_node_destroy(tree, grown);
        return false;
    }
    tree->root = grown;
    os_latch_lock(&grown->latch);
    btree_node_destroy(tree, old);
    return true;
}

/* Longest separator plus its slot: what a parent must have room for. */
static bool safe_for_split_below(const btree_node *node)
{
    return btree_node_has_room(node, node->prefix_length + BTREE_INLINE);
}

static bool must_split(const btree_node *node, base_text string)
{
    return node->level ? !safe_for_split_below(node) : !btree_node_has_room(node, string.length);
}

/* A new root above a full one. root_latch and root are latched; afterwards the new root is. */
static bool raise_root(index_tree *tree)
{
    btree_node *old = tree->root;
    btree_node *root = btree_node_create(tree, old->level + 1u, BTREE_NODE_SIZE, NULL, NULL);
    if (!root)
        return false;
    root->last_child = old;
    os_latch_lock(&root->latch);
    tree->root = root;
    return true;
}

/*
 * Goes down with exclusive latches, splitting what is full, and gives the leaf for
 * `string` latched exclusively with room for it; NULL: no memory.
 */
static btree_node *latch_leaf_with_room(index_tree *tree, base_text string)
{
    os_latch_lock(&tree->root_latch);
    os_latch_lock(&tree->root->latch);
    while (tree->root->level == 0 && tree->root->capacity < BTREE_NODE_SIZE &&
           !btree_node_has_room(tree->root, string.length)) {
        if (!grow_root_leaf(tree)) {
            os_latch_unlock(&tree->root->latch);
            os_latch_unlock(&tree->root_latch);
            return NULL;
        }
    }
    btree_node *node = tree->root;
    if (must_split(node, string)) {
        /* The old root stays latched and becomes the child that the loop below splits. */
        if (!raise_root(tree)) {
            os_latch_unlock(&node->latch);
            os_latch_unlock(&tree->root_latch);
            return NULL;
        }
        os_latch_unlock(&node->latch);
        node = tree->root;
    }
    os_latch_unlock(&tree->root_latch);
    while (node->level) {
        uint32_t place = btree_node_child_place(node, string);
        btree_node *child = btree_node_child(node, place);
        os_latch_lock(&child->latch);
        if (must_split(child, string)) {
            if (!split_child(tree, node, place, string)) {
                os_latch_unlock(&child->latch);
                os_latch_unlock(&node->latch);
                return NULL;
            }
            child = btree_node_child(node, btree_node_child_place(node, string));
            os_latch_lock(&child->latch);
        }
        os_latch_unlock(&node->latch);
        node = child;
    }
    return node;
}

static bool begins_with(base_text string, base_text key)
{
    return string.length >= key.length && memcmp(string.data, key.data, key.length) == 0;
}

/*
 * May another entry have this key, where `string` stands (or would stand) at `place`? Such
 * an entry is a neighbour; when the neighbour lies beyond the leaf, the fence between the
 * two begins with the key as well. So false is certain and true nearly always is.
 */
static bool key_may_repeat(const btree_node *leaf, uint32_t place, bool equal, base_text key)
{
    char buffer[BTREE_MAX_STRING];
    uint32_t after = place + equal;
    if (place > 0) {
        if (begins_with(btree_node_string(leaf, place - 1, buffer), key))
            return true;
    } else if (leaf->low.data && begins_with(btree_fence_text(&leaf->low), key)) {
        return true;
    }
    if (after < leaf->count)
        return begins_with(btree_node_string(leaf, after, buffer), key);
    return leaf->high.data && begins_with(btree_fence_text(&leaf->high), key);
}

static base_status tree_insert(index_tree *tree, base_text key, int64_t rowid, uint32_t *found,
                               base_error *error)
{
    char buffer[BTREE_MAX_STRING];
    base_text string;
    if (!make_string(key, rowid, buffer, &string))
        return base_error_set(error, BASE_LIMIT, "index key of %zu bytes is too long", key.length);
    btree_node *leaf = latch_leaf(tree, string);
    bool equal;
    uint32_t place = btree_node_lower_bound(leaf, string, &equal);
    if (!equal && !btree_node_has_room(leaf, string.length)) {
        os_latch_unlock(&leaf->latch);
        leaf = latch_leaf_with_room(tree, string);
        /* A rising split may leave too little room beside one long string: try again. */
        while (leaf && !btree_node_has_room(leaf, string.length)) {
            os_latch_unlock(&leaf->latch);
            leaf = latch_leaf_with_room(tree, string);
        }
        if (!leaf)
            return base_error_no_memory(error);
        place = btree_node_lower_bound(leaf, string, &equal);
    }
    if (found)
        *found = (equal ? INDEX_FOUND_ENTRY : 0u) |
                 (key_may_repeat(leaf, place, equal, key) ? INDEX_FOUND_KEY : 0u);
    bool stored = equal || btree_node_insert(tree, leaf, place, string, NULL);
    os_latch_unlock(&leaf->latch);
    if (!stored)
        return base_error_no_memory(error);
    if (!equal)
        atomic_fetch_add_explicit(&tree->entry_count, 1, memory_order_relaxed);
    return BASE_OK;
}

static bool is_sparse(const btree_node *node)
{
    return btree_node_used(node) - sizeof(btree_node) < (BTREE_NODE_SIZE - sizeof(btree_node)) / 4;
}

/*
 * Joins children `place` and `place` + 1 of `parent` into a new node when they fit in one;
 * all three are latched exclusively. On success the two are gone and child `place` is the
 * new node, unlatched.
 */
static bool merge_children(index_tree *tree, btree_node *parent, uint32_t place)
{
    char buffer[BTREE_MAX_STRING];
    btree_node *left = btree_node_child(parent, place);
    btree_node *right = btree_node_child(parent, place + 1);
    base_text separator = btree_node_string(parent, place, buffer);
    if (btree_node_used(left) + btree_node_used(right) > BTREE_NODE_SIZE + sizeof(btree_node))
        return false;
    btree_node *joined =
        btree_node_create(tree, left->level, BTREE_NODE_SIZE, &left->low, &right->high);
    if (!joined)
        return false;
    /* The joined node's prefix may be shorter: every string grows by the difference. */
    uint32_t growth = left->count * (uint32_t)(left->prefix_length - joined->prefix_length) +
                      right->count * (uint32_t)(right->prefix_length - joined->prefix_length);
    if (left->level)
        growth += (uint32_t)(sizeof(btree_slot) + sizeof(btree_node *)) +
                  (uint32_t)BASE_MAX(separator.length, sizeof(btree_far));
    if (btree_node_used(left) + btree_node_used(right) - sizeof(btree_node) + growth >
        BTREE_NODE_SIZE) {
        btree_node_destroy(tree, joined);
        return false;
    }
    bool copied = btree_node_append_range(tree, joined, left, 0, left->count);
    if (copied && left->level)
        copied = btree_node_insert(tree, joined, joined->count, separator, left->last_child);
    copied = copied && btree_node_append_range(tree, joined, right, 0, right->count);
    if (!copied) {
        btree_node_destroy(tree, joined);
        return false;
    }
    joined->last_child = right->last_child;
    btree_node_set_child(parent, place + 1, joined);
    btree_node_remove(tree, parent, place);
    btree_node_destroy(tree, left);
    btree_node_destroy(tree, right);
    return true;
}

/*
 * Merges sparse child `place` with the neighbour to its left or, failing that, to its right
 * if the two fit in one node. Both sides are tried: when entries go away in rising order,
 * an empty leaf waits beside a full one until that is sparse and takes it in. The parent
 * and the child are latched; gives the latched child for `string` to go on with.
 */
static btree_node *merge_on_the_way(index_tree *tree, btree_node *parent, uint32_t place,
                                    base_text string)
{
    btree_node *child = btree_node_child(parent, place);
    for (uint32_t left_side = place > 0; left_side != UINT32_MAX; left_side--) {
        uint32_t first = left_side ? place - 1 : place;
        if (first == parent->count)
            continue; /* there is no right neighbour */
        btree_node *neighbour = btree_node_child(parent, left_side ? first : place + 1);
        if (left_side) {
            /* Latched from left to right; the parent's latch keeps others out meanwhile. */
            os_latch_unlock(&child->latch);
            os_latch_lock(&neighbour->latch);
            os_latch_lock(&child->latch);
        } else {
            os_latch_lock(&neighbour->latch);
        }
        if (merge_children(tree, parent, first)) {
            child = btree_node_child(parent, btree_node_child_place(parent, string));
            os_latch_lock(&child->latch);
            return child;
        }
        os_latch_unlock(&neighbour->latch);
    }
    return child;
}

/* Walks down to the leaf of `string` and merges sparse nodes with a neighbour where both
 * fit in one; lowers the root when it has one child left. Best effort. */
static void shrink_path(index_tree *tree, base_text string)
{
    os_latch_lock(&tree->root_latch);
    btree_node *node = tree->root;
    os_latch_lock(&node->latch);
    while (node->level && node->count == 0) {
        btree_node *child = node->last_child;
        os_latch_lock(&child->latch);
        tree->root = child;
        btree_node_destroy(tree, node);
        node = child;
    }
    os_latch_unlock(&tree->root_latch);
    while (node->level) {
        uint32_t place = btree_node_child_place(node, string);
        btree_node *child = btree_node_child(node, place);
        os_latch_lock(&child->latch);
        if (is_sparse(child) && node->count > 0)
            child = merge_on_the_way(tree, node, place, string);
        os_latch_unlock(&node->latch);
        node = child;
    }
    os_latch_unlock(&node->latch);
}

static bool tree_remove(index_tree *tree, base_text key, int64_t rowid)
{
    char buffer[BTREE_MAX_STRING];
    base_text string;
    if (!make_string(key, rowid, buffer, &string))
        return false;
    btree_node *leaf = latch_leaf(tree, string);
    bool found;
    uint32_t place = btree_node_lower_bound(leaf, string, &found);
    bool shrink = false;
    if (found) {
        btree_node_remove(tree, leaf, place);
        bool is_root = !leaf->low.data && !leaf->high.data;
        /* Not at every removal of a leaf that cannot be merged just now. */
        shrink = !is_root && is_sparse(leaf) && leaf->count % 8 == 0;
    }
    os_latch_unlock(&leaf->latch);
    if (found)
        atomic_fetch_sub_explicit(&tree->entry_count, 1, memory_order_relaxed);
    if (shrink)
        shrink_path(tree, string);
    return found;
}

const index_kind index_btree_kind = {
    .name = "BTREE",
    .ordered = true,
    .create = tree_create,
    .destroy = tree_destroy,
    .insert = tree_insert,
    .remove = tree_remove,
    .count = tree_count,
    .byte_count = tree_byte_count,
    .cursor_create = btree_cursor_create,
    .cursor_destroy = btree_cursor_destroy,
    .seek = btree_cursor_seek,
    .next = btree_cursor_next,
    .check = btree_check,
};
