/*
 * btree_node.c - searching and changing one node (layout: btree_int.h).
 *
 * Invariants: slots are in ascending order of their strings; every string lies within the
 * fences; heap pieces do not overlap; prefix_length is the length of the prefix that both
 * fences share (0 where one is open).
 */
#include "index/btree/btree_int.h"

void *btree_allocate(index_tree *tree, size_t size)
{
    void *block = base_allocate(tree->budget, size);
    if (block)
        atomic_fetch_add_explicit(&tree->byte_count, size, memory_order_relaxed);
    return block;
}

void btree_free(index_tree *tree, void *block, size_t size)
{
    if (!block)
        return;
    base_free(tree->budget, block, size);
    atomic_fetch_sub_explicit(&tree->byte_count, size, memory_order_relaxed);
}

static char *node_bytes(const btree_node *node)
{
    return (char *)(uintptr_t)node;
}

static uint32_t slots_end(const btree_node *node)
{
    return (uint32_t)(sizeof(btree_node) + node->count * sizeof(btree_slot));
}

static bool copy_fence(index_tree *tree, btree_fence *to, const btree_fence *from)
{
    *to = (btree_fence){NULL, 0};
    if (!from || !from->data)
        return true;
    to->data = btree_allocate(tree, from->length ? from->length : 1);
    if (!to->data)
        return false;
    memcpy(to->data, from->data, from->length);
    to->length = from->length;
    return true;
}

static void free_fence(index_tree *tree, btree_fence *fence)
{
    btree_free(tree, fence->data, fence->length ? fence->length : 1);
}

static uint32_t shared_prefix(const btree_fence *low, const btree_fence *high)
{
    if (!low->data || !high->data)
        return 0;
    uint32_t limit = BASE_MIN(low->length, high->length), length = 0;
    while (length < limit && low->data[length] == high->data[length])
        length++;
    return length;
}

btree_node *btree_node_create(index_tree *tree, uint32_t level, uint32_t capacity,
                              const btree_fence *low, const btree_fence *high)
{
    btree_node *node = btree_allocate(tree, capacity);
    if (!node)
        return NULL;
    memset(node, 0, sizeof *node);
    os_latch_init(&node->latch);
    node->level = (uint16_t)level;
    node->capacity = (uint16_t)capacity;
    node->heap_top = (uint16_t)capacity;
    if (!copy_fence(tree, &node->low, low)) {
        btree_free(tree, node, capacity);
        return NULL;
    }
    if (!copy_fence(tree, &node->high, high)) {
        free_fence(tree, &node->low);
        btree_free(tree, node, capacity);
        return NULL;
    }
    node->prefix_length = (uint16_t)shared_prefix(&node->low, &node->high);
    return node;
}

/* Inner nodes keep the child's pointer in front of the separator. */
static uint32_t piece_head(const btree_node *node)
{
    return node->level ? (uint32_t)sizeof(btree_node *) : 0;
}

static btree_far load_far(const btree_node *node, const btree_slot *slot)
{
    btree_far far;
    memcpy(&far, node_bytes(node) + slot->offset + piece_head(node), sizeof far);
    return far;
}

static uint32_t piece_size(const btree_node *node, size_t rest_length)
{
    size_t body = rest_length > BTREE_INLINE ? sizeof(btree_far) : rest_length;
    return (uint32_t)(piece_head(node) + body);
}

static uint32_t slot_piece_size(const btree_node *node, const btree_slot *slot)
{
    return slot->length == BTREE_FAR ? piece_head(node) + (uint32_t)sizeof(btree_far)
                                     : piece_head(node) + slot->length;
}

void btree_node_destroy(index_tree *tree, btree_node *node)
{
    for (uint32_t i = 0; i < node->count; i++) {
        if (node->slots[i].length == BTREE_FAR) {
            btree_far far = load_far(node, &node->slots[i]);
            btree_free(tree, far.data, far.length);
        }
    }
    free_fence(tree, &node->low);
    free_fence(tree, &node->high);
    btree_free(tree, node, node->capacity);
}

static uint32_t head_of(const char *data, size_t length)
{
    unsigned char bytes[4] = {0};
    if (length)
        memcpy(bytes, data, BASE_MIN(length, (size_t)4));
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

base_text btree_node_rest(const btree_node *node, uint32_t place)
{
    const btree_slot *slot = &node->slots[place];
    if (slot->length == BTREE_FAR) {
        btree_far far = load_far(node, slot);
        return (base_text){far.data, far.length};
    }
    return (base_text){node_bytes(node) + slot->offset + piece_head(node), slot->length};
}

base_text btree_node_string(const btree_node *node, uint32_t place, char *buffer)
{
    base_text rest = btree_node_rest(node, place);
    BASE_ASSERT(node->prefix_length + rest.length <= BTREE_MAX_STRING);
    if (node->prefix_length)
        memcpy(buffer, node->low.data, node->prefix_length);
    memcpy(buffer + node->prefix_length, rest.data, rest.length);
    return (base_text){buffer, node->prefix_length + rest.length};
}

uint32_t btree_node_lower_bound(const btree_node *node, base_text string, bool *equal)
{
    BASE_ASSERT(string.length >= node->prefix_length);
    base_text rest = {string.data + node->prefix_length, string.length - node->prefix_length};
    uint32_t head = head_of(rest.data, rest.length);
    uint32_t first = 0, end = node->count;
    bool same = false;
    while (first < end) {
        uint32_t middle = (first + end) / 2;
        uint32_t other = node->slots[middle].head;
        int order = other < head ? -1 : other > head;
        if (order == 0) {
            order = base_text_compare(btree_node_rest(node, middle), rest);
            same |= order == 0;
        }
        if (order < 0)
            first = middle + 1;
        else
            end = middle;
    }
    if (equal)
        *equal = same;
    return first;
}

btree_node *btree_node_child(const btree_node *node, uint32_t place)
{
    BASE_ASSERT(node->level > 0 && place <= node->count);
    if (place == node->count)
        return node->last_child;
    btree_node *child;
    memcpy(&child, node_bytes(node) + node->slots[place].offset, sizeof child);
    return child;
}

void btree_node_set_child(btree_node *node, uint32_t place, btree_node *child)
{
    if (place == node->count)
        node->last_child = child;
    else
        memcpy(node_bytes(node) + node->slots[place].offset, &child, sizeof child);
}

uint32_t btree_node_used(const btree_node *node)
{
    return slots_end(node) + node->capacity - node->heap_top - node->heap_garbage;
}

bool btree_node_has_room(const btree_node *node, size_t string_length)
{
    size_t rest = string_length > node->prefix_length ? string_length - node->prefix_length : 0;
    return btree_node_used(node) + sizeof(btree_slot) + piece_size(node, rest) <= node->capacity;
}

/* Moves the heap pieces together at the end of the node. */
static void pack_heap(btree_node *node)
{
    char pieces[BTREE_NODE_SIZE];
    uint32_t top = node->capacity;
    for (uint32_t i = 0; i < node->count; i++) {
        btree_slot *slot = &node->slots[i];
        uint32_t size = slot_piece_size(node, slot);
        top -= size;
        memcpy(pieces + top, node_bytes(node) + slot->offset, size);
        slot->offset = (uint16_t)top;
    }
    memcpy(node_bytes(node) + top, pieces + top, node->capacity - top);
    node->heap_top = (uint16_t)top;
    node->heap_garbage = 0;
}

bool btree_node_insert(index_tree *tree, btree_node *node, uint32_t place, base_text string,
                       btree_node *child)
{
    BASE_ASSERT(btree_node_has_room(node, string.length) && place <= node->count);
    base_text rest = {string.data + node->prefix_length, string.length - node->prefix_length};
    btree_far far = {NULL, rest.length};
    bool is_far = rest.length > BTREE_INLINE;
    if (is_far) {
        far.data = btree_allocate(tree, rest.length);
        if (!far.data)
            return false;
        memcpy(far.data, rest.data, rest.length);
    }
    uint32_t size = piece_size(node, rest.length);
    if (slots_end(node) + sizeof(btree_slot) + size > node->heap_top)
        pack_heap(node);
    node->heap_top = (uint16_t)(node->heap_top - size);
    char *piece = node_bytes(node) + node->heap_top;
    if (node->level) {
        memcpy(piece, &child, sizeof child);
        piece += sizeof child;
    }
    if (is_far)
        memcpy(piece, &far, sizeof far);
    else if (rest.length)
        memcpy(piece, rest.data, rest.length);
    memmove(&node->slots[place + 1], &node->slots[place],
            (node->count - place) * sizeof(btree_slot));
    node->slots[place] = (btree_slot){
        .head = head_of(rest.data, rest.length),
        .offset = node->heap_top,
        .length = is_far ? BTREE_FAR : (uint16_t)rest.length,
    };
    node->count++;
    return true;
}

void btree_node_remove(index_tree *tree, btree_node *node, uint32_t place)
{
    BASE_ASSERT(place < node->count);
    btree_slot *slot = &node->slots[place];
    uint32_t size = slot_piece_size(node, slot);
    if (slot->length == BTREE_FAR) {
        btree_far far = load_far(node, slot);
        btree_free(tree, far.data, far.length);
    }
    node->heap_garbage = (uint16_t)(node->heap_garbage + size);
    node->count--;
    memmove(slot, slot + 1, (node->count - place) * sizeof(btree_slot));
}

bool btree_node_append_range(index_tree *tree, btree_node *to, const btree_node *from,
                             uint32_t first, uint32_t end)
{
    char buffer[BTREE_MAX_STRING];
    for (uint32_t i = first; i < end; i++) {
        base_text string = btree_node_string(from, i, buffer);
        btree_node *child = from->level ? btree_node_child(from, i) : NULL;
        if (!btree_node_insert(tree, to, to->count, string, child))
            return false;
    }
    return true;
}
