/*
 * btree_check.c - walks the whole tree and reports what breaks its invariants.
 */
#include "index/btree/btree_int.h"

typedef struct check_state {
    index_tree *tree;
    void (*report)(void *context, const char *problem);
    void *context;
    uint64_t entries;
} check_state;

static void check_strings(check_state *state, const btree_node *node)
{
    char buffers[2][BTREE_MAX_STRING];
    base_text before = {NULL, 0};
    for (uint32_t i = 0; i < node->count; i++) {
        base_text string = btree_node_string(node, i, buffers[i & 1]);
        if (before.data && base_text_compare(before, string) >= 0)
            state->report(state->context, "index entries are out of order");
        if (node->low.data && base_text_compare(string, btree_fence_text(&node->low)) < 0)
            state->report(state->context, "index entry below its node's low fence");
        if (node->high.data && base_text_compare(string, btree_fence_text(&node->high)) >= 0)
            state->report(state->context, "index entry above its node's high fence");
        before = string;
    }
}

static bool same_bound(const btree_fence *fence, base_text expected)
{
    if (!fence->data || !expected.data)
        return !fence->data && !expected.data;
    return base_text_equal(btree_fence_text(fence), expected);
}

static void check_node(check_state *state, const btree_node *node)
{
    check_strings(state, node);
    if (node->level == 0) {
        state->entries += node->count;
        return;
    }
    char low_buffer[BTREE_MAX_STRING], high_buffer[BTREE_MAX_STRING];
    for (uint32_t i = 0; i <= node->count; i++) {
        const btree_node *child = btree_node_child(node, i);
        base_text low =
            i ? btree_node_string(node, i - 1, low_buffer) : btree_fence_text(&node->low);
        base_text high = i < node->count ? btree_node_string(node, i, high_buffer)
                                         : btree_fence_text(&node->high);
        if (child->level + 1 != node->level)
            state->report(state->context, "index node at the wrong depth");
        if (!same_bound(&child->low, low) || !same_bound(&child->high, high))
            state->report(state->context, "index node's fences differ from its separators");
        check_node(state, child);
    }
}

void btree_check(index_tree *tree, void (*report)(void *context, const char *problem),
                 void *context)
{
    check_state state = {tree, report, context, 0};
    check_node(&state, tree->root);
    if (state.entries != atomic_load(&tree->entry_count))
        report(context, "index entry count differs from its entries");
}
