/*
 * row_directory.c - from a rowid to its leaf: a B+-tree of inner nodes.
 *
 * There is one leaf per about two thousand rows, so the directory is small and changes once in
 * a thousand insertions. Changes are serialised by the tree's structure mutex; readers take
 * no lock: they walk down and believe what they read only if the structure version is even
 * and has not moved. Nodes and leaf headers are never freed while the tree lives, only kept
 * for reuse, so a reader that follows a stale pointer reads valid memory and then finds out.
 * Even the answer may be stale when it is used: whoever latches the leaf compares its fences.
 *
 * Rejected: a lock per node (readers of the root would share a line), copying the whole
 * directory at each change (quadratic in the number of leaves), epochs (a second kind of
 * garbage, for a few kilobytes).
 *
 * Invariant I6: readers hold no pointer of the directory over a look at the version that
 * failed; fields they read are atomic.
 */
#include "store/row/row_int.h"

static row_node *create_node(row_tree *tree, uint32_t capacity)
{
    row_node *node =
        base_allocate_zeroed(tree->budget, sizeof *node + capacity * sizeof node->entries[0]);
    if (node)
        node->capacity = capacity;
    return node;
}

static void free_node(row_tree *tree, row_node *node)
{
    base_free(tree->budget, node, sizeof *node + node->capacity * sizeof node->entries[0]);
}

static int64_t key_at(const row_node *node, uint32_t place)
{
    return atomic_load_explicit(&node->entries[place].key, memory_order_acquire);
}

static void *child_at(const row_node *node, uint32_t place)
{
    return atomic_load_explicit(&node->entries[place].child, memory_order_acquire);
}

static uint32_t count_of(const row_node *node)
{
    return atomic_load_explicit(&node->count, memory_order_acquire);
}

static uint32_t level_of(const row_node *node)
{
    return atomic_load_explicit(&node->level, memory_order_acquire);
}

static void set_entry(row_node *node, uint32_t place, int64_t key, void *child)
{
    atomic_store_explicit(&node->entries[place].key, key, memory_order_release);
    atomic_store_explicit(&node->entries[place].child, child, memory_order_release);
}

/* The child whose range has the rowid. Dense tables have evenly spaced keys, so a guess by
 * proportion is tried before halving. */
static uint32_t search_node(const row_node *node, uint32_t count, int64_t rowid)
{
    uint32_t low = 0, high = count; /* answer in [low, high) */
    if (count > 4) {
        int64_t first = key_at(node, 1), last = key_at(node, count - 1);
        if (rowid >= last)
            return count - 1;
        if (rowid < first)
            return 0;
        if ((uint64_t)last - (uint64_t)first < (uint64_t)1 << 48) {
            uint64_t offset = (uint64_t)rowid - (uint64_t)first;
            uint64_t span = (uint64_t)last - (uint64_t)first;
            uint32_t guess = 1 + (uint32_t)(offset * (count - 2) / (span ? span : 1));
            if (key_at(node, guess) <= rowid) {
                if (guess + 1 >= count || key_at(node, guess + 1) > rowid)
                    return guess;
                low = guess + 1;
            } else {
                if (key_at(node, guess - 1) <= rowid)
                    return guess - 1;
                high = guess - 1;
            }
        }
    }
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (key_at(node, middle) <= rowid)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static uint64_t even_version(const row_tree *tree)
{
    for (uint32_t turns = 0;; turns++) {
        uint64_t version = atomic_load_explicit(&tree->structure_version, memory_order_acquire);
        if (!(version & 1))
            return version;
        os_spin_pause(turns);
    }
}

row_leaf *row_directory_find(const row_tree *tree, int64_t rowid)
{
    for (;;) {
        uint64_t version = even_version(tree);
        const row_node *node = atomic_load_explicit(&tree->root, memory_order_acquire);
        for (;;) {
            uint32_t level = level_of(node);
            uint32_t count = count_of(node);
            void *child = child_at(node, count ? search_node(node, count, rowid) : 0);
            if (atomic_load_explicit(&tree->structure_version, memory_order_acquire) != version)
                break;
            if (level == 1)
                return child;
            node = child;
        }
    }
}

/* ---- Changes: under the structure mutex ---------------------------------------------------- */

static void begin_change(row_tree *tree)
{
    uint64_t version = atomic_load_explicit(&tree->structure_version, memory_order_relaxed);
    BASE_ASSERT(!(version & 1));
    atomic_store_explicit(&tree->structure_version, version + 1, memory_order_relaxed);
}

static void end_change(row_tree *tree)
{
    uint64_t version = atomic_load_explicit(&tree->structure_version, memory_order_relaxed);
    atomic_store_explicit(&tree->structure_version, version + 1, memory_order_release);
}

static void keep_unused(row_tree *tree, row_node *node)
{
    node->next_unused = tree->unused_nodes;
    tree->unused_nodes = node;
}

/* A full-sized node from those that row_directory_reserve laid up. */
static row_node *take_unused(row_tree *tree)
{
    row_node **link = &tree->unused_nodes;
    while (*link && (*link)->capacity < ROW_NODE)
        link = &(*link)->next_unused;
    row_node *node = *link;
    BASE_VERIFY(node);
    *link = node->next_unused;
    return node;
}

base_status row_directory_reserve(row_tree *tree, base_error *error)
{
    uint32_t needed = level_of(atomic_load(&tree->root)) + 2, have = 0;
    for (const row_node *node = tree->unused_nodes; node; node = node->next_unused)
        have += node->capacity == ROW_NODE;
    for (; have < needed; have++) {
        row_node *node = create_node(tree, ROW_NODE);
        if (!node)
            return base_error_no_memory(error);
        keep_unused(tree, node);
    }
    return BASE_OK;
}

static void copy_entries(row_node *to, uint32_t at, const row_node *from, uint32_t first,
                         uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        set_entry(to, at + i, key_at(from, first + i), child_at(from, first + i));
}

static void insert_entry(row_node *node, uint32_t place, int64_t key, void *child)
{
    uint32_t count = count_of(node);
    BASE_ASSERT(count < node->capacity && place <= count);
    for (uint32_t i = count; i > place; i--)
        set_entry(node, i, key_at(node, i - 1), child_at(node, i - 1));
    set_entry(node, place, key, child);
    atomic_store_explicit(&node->count, count + 1, memory_order_release);
}

static void replace_child(row_tree *tree, row_node *parent, uint32_t place, row_node *child)
{
    if (parent)
        atomic_store_explicit(&parent->entries[place].child, child, memory_order_release);
    else
        atomic_store_explicit(&tree->root, child, memory_order_release);
}

/* Makes room in `node`, child number `place` of `parent` (NULL: the root): a small node gets a
 * full-sized successor, a full one is cut in two, and its parent has room for that. Returns
 * the node that takes `key`. */
static row_node *make_room(row_tree *tree, row_node *parent, uint32_t place, row_node *node,
                           int64_t key)
{
    uint32_t count = count_of(node);
    row_node *other = take_unused(tree);
    atomic_store_explicit(&other->level, level_of(node), memory_order_release);
    if (node->capacity < ROW_NODE) {
        copy_entries(other, 0, node, 0, count);
        atomic_store_explicit(&other->count, count, memory_order_release);
        replace_child(tree, parent, place, other);
        keep_unused(tree, node);
        return other;
    }
    /* Rising keys: leave the left node nearly full. */
    uint32_t middle = key > key_at(node, count - 1) ? count - 1 : count / 2;
    copy_entries(other, 0, node, middle, count - middle);
    atomic_store_explicit(&other->count, count - middle, memory_order_release);
    atomic_store_explicit(&node->count, middle, memory_order_release);
    int64_t border = key_at(other, 0);
    if (!parent) {
        row_node *root = take_unused(tree);
        atomic_store_explicit(&root->level, level_of(node) + 1, memory_order_release);
        set_entry(root, 0, INT64_MIN, node);
        set_entry(root, 1, border, other);
        atomic_store_explicit(&root->count, 2, memory_order_release);
        replace_child(tree, NULL, 0, root);
    } else {
        insert_entry(parent, place + 1, border, other);
    }
    return key >= border ? other : node;
}

void row_directory_insert(row_tree *tree, int64_t key, row_leaf *leaf)
{
    begin_change(tree);
    row_node *parent = NULL, *node = atomic_load(&tree->root);
    uint32_t place = 0;
    for (;;) {
        if (count_of(node) == node->capacity) {
            row_node *root = atomic_load(&tree->root);
            node = make_room(tree, parent, place, node, key);
            if (!parent && root != node && level_of(atomic_load(&tree->root)) > level_of(node)) {
                parent = atomic_load(&tree->root);
                place = search_node(parent, count_of(parent), key);
            } else if (parent) {
                place = search_node(parent, count_of(parent), key);
            }
        }
        if (level_of(node) == 1)
            break;
        parent = node;
        place = search_node(node, count_of(node), key);
        node = child_at(node, place);
    }
    uint32_t at = count_of(node) ? search_node(node, count_of(node), key) + 1 : 0;
    insert_entry(node, at, key, leaf);
    end_change(tree);
    atomic_fetch_add_explicit(&tree->leaf_count, 1, memory_order_relaxed);
}

/* Takes the leaf out of the node below `node` that has it; true when `node` is empty after.
 * A node's key follows its first entry: the range of a leaf that was first in its node has
 * gone to the leaf on the left, which lies in another node. */
static bool remove_below(row_tree *tree, row_node *node, const row_leaf *leaf, int64_t key)
{
    uint32_t count = count_of(node);
    uint32_t place = search_node(node, count, key);
    if (level_of(node) > 1) {
        row_node *child = child_at(node, place);
        if (!remove_below(tree, child, leaf, key)) {
            atomic_store_explicit(&node->entries[place].key, key_at(child, 0),
                                  memory_order_release);
            return false;
        }
        keep_unused(tree, child);
    } else {
        BASE_VERIFY(child_at(node, place) == leaf);
    }
    for (uint32_t i = place; i + 1 < count; i++)
        set_entry(node, i, key_at(node, i + 1), child_at(node, i + 1));
    atomic_store_explicit(&node->count, count - 1, memory_order_release);
    return count == 1;
}

void row_directory_remove(row_tree *tree, row_leaf *leaf, int64_t key)
{
    begin_change(tree);
    row_node *root = atomic_load(&tree->root);
    bool emptied = remove_below(tree, root, leaf, key);
    BASE_VERIFY(!emptied); /* the last leaf stays */
    while (level_of(root) > 1 && count_of(root) == 1) {
        row_node *child = child_at(root, 0);
        atomic_store_explicit(&tree->root, child, memory_order_release);
        keep_unused(tree, root);
        root = child;
    }
    end_change(tree);
    atomic_fetch_sub_explicit(&tree->leaf_count, 1, memory_order_relaxed);
}

/* ---- Whole tree ----------------------------------------------------------------------------- */

base_status row_directory_create(row_tree *tree, base_error *error)
{
    row_node *root = create_node(tree, ROW_SMALL_NODE);
    if (!root)
        return base_error_no_memory(error);
    atomic_init(&root->level, 1);
    atomic_init(&tree->root, root);
    return BASE_OK;
}

static void each_below(row_node *node, void (*visit)(void *context, row_leaf *leaf), void *context)
{
    uint32_t count = count_of(node);
    for (uint32_t i = 0; i < count; i++) {
        if (level_of(node) == 1)
            visit(context, child_at(node, i));
        else
            each_below(child_at(node, i), visit, context);
    }
}

void row_directory_each(row_tree *tree, void (*visit)(void *context, row_leaf *leaf), void *context)
{
    each_below(atomic_load(&tree->root), visit, context);
}

static void destroy_below(row_tree *tree, row_node *node,
                          void (*destroy_leaf)(row_tree *tree, row_leaf *leaf))
{
    uint32_t count = count_of(node);
    for (uint32_t i = 0; i < count; i++) {
        if (level_of(node) == 1)
            destroy_leaf(tree, child_at(node, i));
        else
            destroy_below(tree, child_at(node, i), destroy_leaf);
    }
    free_node(tree, node);
}

void row_directory_destroy(row_tree *tree, void (*destroy_leaf)(row_tree *tree, row_leaf *leaf))
{
    row_node *root = atomic_load(&tree->root);
    if (root)
        destroy_below(tree, root, destroy_leaf);
    while (tree->unused_nodes) {
        row_node *node = tree->unused_nodes;
        tree->unused_nodes = node->next_unused;
        free_node(tree, node);
    }
}

/* ---- Cutting a range into units -------------------------------------------------------------- */

typedef struct cutter {
    int64_t first, last;
    int64_t *starts;
    uint32_t limit, count, leaves, seen;
} cutter;

/* Every `leaves`-th leaf border within the range begins a unit. Borders are read without
 * latches; false when the directory changed meanwhile. */
static bool cut_below(const row_tree *tree, uint64_t version, const row_node *node, cutter *cut,
                      int64_t low, bool has_low)
{
    uint32_t level = level_of(node), count = count_of(node);
    for (uint32_t i = 0; i < count; i++) {
        int64_t key = i ? key_at(node, i) : low;
        bool has_key = i || has_low;
        void *child = child_at(node, i);
        int64_t next = i + 1 < count ? key_at(node, i + 1) : INT64_MAX;
        if (atomic_load_explicit(&tree->structure_version, memory_order_acquire) != version)
            return false;
        if (i + 1 < count && next <= cut->first)
            continue;
        if (has_key && key > cut->last)
            return true;
        if (level > 1) {
            if (!cut_below(tree, version, child, cut, key, has_key))
                return false;
        } else if (has_key && key > cut->first && ++cut->seen % cut->leaves == 0 &&
                   cut->count < cut->limit) {
            cut->starts[cut->count++] = key;
        }
    }
    return true;
}

uint32_t row_tree_cut(const row_tree *tree, int64_t first, int64_t last, uint32_t leaves,
                      int64_t *starts, uint32_t limit)
{
    cutter cut;
    do {
        uint64_t version = even_version(tree);
        cut = (cutter){
            .first = first, .last = last, .starts = starts, .limit = limit, .leaves = leaves};
        cut.starts[cut.count++] = first;
        if (cut_below(tree, version, atomic_load(&tree->root), &cut, INT64_MIN, false))
            break;
    } while (true);
    return cut.count;
}

uint32_t row_tree_cut_bound(const row_tree *tree, uint32_t leaves)
{
    return atomic_load_explicit(&tree->leaf_count, memory_order_relaxed) / leaves + 2;
}
