/*
 * cache_space.c - sets of extents of free (or loose) granules.
 *
 * Two treaps over the same nodes: by address, to unite neighbours, and by size and address,
 * to find the best fit (the smallest that is enough; of equal ones the first in the file,
 * which keeps the end of the file free so that it can be cut off). A node's priority is a
 * hash of its address, so the shape depends on the contents alone and a run can be replayed.
 *
 * Giving space back must not fail. A node may be needed for it, so some are kept in reserve,
 * and nothing is allocated from a file without a reserve. Only when memory stays short for
 * many returns in a row is a run counted as lost: its place is not used until a check of the
 * file finds it again.
 *
 * Rejected: a bitmap in memory (finding the best fit means reading all of it), size classes
 * (extents have any length; classes would leave a fifth of the file unusable).
 */
#include "store/cache/cache_int.h"

enum {
    SPACE_RESERVE = 16
};
enum {
    BY_ADDRESS,
    BY_SIZE
};

struct space_node {
    cache_run run;
    uint64_t priority;
    space_node *child[2][2]; /* [tree][left, right]; spares are chained by child[0][0] */
};

static bool before(int tree, cache_run a, cache_run b)
{
    if (tree == BY_SIZE && a.count != b.count)
        return a.count < b.count;
    return a.start < b.start;
}

static void split(int tree, space_node *root, cache_run pivot, space_node **left,
                  space_node **right)
{
    while (root) {
        bool goes_left = before(tree, root->run, pivot);
        space_node ***side = goes_left ? &left : &right;
        **side = root;
        *side = &root->child[tree][goes_left];
        root = **side;
    }
    *left = *right = NULL;
}

static space_node *merge(int tree, space_node *left, space_node *right)
{
    space_node *root = NULL;
    space_node **link = &root;
    while (left && right) {
        bool take_left = left->priority > right->priority;
        space_node **from = take_left ? &left : &right;
        *link = *from;
        link = &(*from)->child[tree][take_left];
        *from = *link;
    }
    *link = left ? left : right;
    return root;
}

static space_node **root_of(cache_space *space, int tree)
{
    return tree == BY_ADDRESS ? &space->by_address : &space->by_size;
}

static void link_node(cache_space *space, space_node *node)
{
    node->priority = base_hash_u64(node->run.start);
    for (int tree = BY_ADDRESS; tree <= BY_SIZE; tree++) {
        space_node *left, *right;
        node->child[tree][0] = node->child[tree][1] = NULL;
        split(tree, *root_of(space, tree), node->run, &left, &right);
        *root_of(space, tree) = merge(tree, merge(tree, left, node), right);
    }
    space->count++;
    space->granules += node->run.count;
}

static void unlink_node(cache_space *space, space_node *node)
{
    for (int tree = BY_ADDRESS; tree <= BY_SIZE; tree++) {
        space_node **link = root_of(space, tree);
        while (*link != node)
            link = &(*link)->child[tree][before(tree, (*link)->run, node->run)];
        *link = merge(tree, node->child[tree][0], node->child[tree][1]);
    }
    space->count--;
    space->granules -= node->run.count;
}

static space_node *node_get(cache_space *space)
{
    space_node *node = base_allocate(space->budget, sizeof *node);
    if (node || !space->spares)
        return node;
    node = space->spares;
    space->spares = node->child[0][0];
    space->spare_count--;
    return node;
}

static void node_put(cache_space *space, space_node *node)
{
    if (space->spare_count >= SPACE_RESERVE) {
        base_free(space->budget, node, sizeof *node);
        return;
    }
    node->child[0][0] = space->spares;
    space->spares = node;
    space->spare_count++;
}

void space_init(cache_space *space, base_budget *budget, bool separate)
{
    *space = (cache_space){.budget = budget, .separate = separate};
}

bool space_reserve(cache_space *space)
{
    while (space->spare_count < SPACE_RESERVE) {
        space_node *node = base_allocate(space->budget, sizeof *node);
        if (!node)
            break;
        node_put(space, node);
    }
    return space->spare_count >= SPACE_RESERVE / 2;
}

void space_destroy(cache_space *space)
{
    while (space->by_address) {
        space_node *node = space->by_address;
        unlink_node(space, node);
        base_free(space->budget, node, sizeof *node);
    }
    while (space->spares) {
        space_node *next = space->spares->child[0][0];
        base_free(space->budget, space->spares, sizeof *space->spares);
        space->spares = next;
    }
    space->spare_count = 0;
}

/* The last node that starts at or before `start`. */
static space_node *floor_node(const cache_space *space, uint64_t start)
{
    space_node *found = NULL;
    for (space_node *node = space->by_address; node;) {
        bool right = node->run.start <= start;
        if (right)
            found = node;
        node = node->child[BY_ADDRESS][right];
    }
    return found;
}

bool space_overlaps(const cache_space *space, cache_run run)
{
    const space_node *node = floor_node(space, run.start + run.count - 1);
    return node && node->run.start + node->run.count > run.start;
}

void space_add(cache_space *space, cache_run run)
{
    BASE_ASSERT(run.count > 0);
    space_node *node = NULL;
    if (!space->separate) {
        space_node *left = floor_node(space, run.start);
        if (left && left->run.start + left->run.count == run.start) {
            unlink_node(space, left);
            run = (cache_run){left->run.start, left->run.count + run.count};
            node = left;
        }
        space_node *right = floor_node(space, run.start + run.count);
        if (right && right->run.start == run.start + run.count) {
            unlink_node(space, right);
            run.count += right->run.count;
            if (node)
                node_put(space, node);
            node = right;
        }
    }
    if (!node)
        node = node_get(space);
    if (!node) {
        space->lost += run.count;
        return;
    }
    node->run = run;
    link_node(space, node);
}

bool space_take(cache_space *space, uint64_t count, uint64_t *start)
{
    space_node *found = NULL;
    for (space_node *node = space->by_size; node;) {
        bool enough = node->run.count >= count;
        if (enough)
            found = node;
        node = node->child[BY_SIZE][!enough];
    }
    if (!found)
        return false;
    unlink_node(space, found);
    *start = found->run.start;
    if (found->run.count == count) {
        node_put(space, found);
        return true;
    }
    found->run = (cache_run){found->run.start + count, found->run.count - count};
    link_node(space, found);
    return true;
}

bool space_take_at(cache_space *space, cache_run run)
{
    space_node *node = floor_node(space, run.start);
    if (!node || node->run.start + node->run.count < run.start + run.count)
        return false;
    cache_run left = {node->run.start, run.start - node->run.start};
    cache_run right = {run.start + run.count,
                       node->run.start + node->run.count - run.start - run.count};
    space_node *second = left.count && right.count ? node_get(space) : NULL;
    if (left.count && right.count && !second)
        return false;
    unlink_node(space, node);
    if (second) {
        second->run = right;
        link_node(space, second);
    }
    if (!left.count && !right.count) {
        node_put(space, node);
        return true;
    }
    node->run = left.count ? left : right;
    link_node(space, node);
    return true;
}

bool space_has(const cache_space *space, cache_run run)
{
    const space_node *node = floor_node(space, run.start);
    return node && node->run.start == run.start && node->run.count == run.count;
}

bool space_last(const cache_space *space, cache_run *run)
{
    const space_node *node = space->by_address;
    while (node && node->child[BY_ADDRESS][1])
        node = node->child[BY_ADDRESS][1];
    if (node)
        *run = node->run;
    return node != NULL;
}

static void walk(const space_node *node, void (*visit)(void *context, cache_run run), void *context)
{
    /* Recursion to the left only; a treap is some 2 log n deep. */
    for (; node; node = node->child[BY_ADDRESS][1]) {
        walk(node->child[BY_ADDRESS][0], visit, context);
        visit(context, node->run);
    }
}

void space_walk(const cache_space *space, void (*visit)(void *context, cache_run run),
                void *context)
{
    walk(space->by_address, visit, context);
}
