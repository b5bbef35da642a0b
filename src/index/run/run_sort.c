/*
 * run_sort.c - entries into order, beyond memory.
 *
 * Strings are laid one after the other into a block of memory; beside it an array of items,
 * each with the eight bytes that follow what all strings of the part share, so that most
 * comparisons touch no string. A full part is sorted and written to a temporary file, in blocks
 * whose first strings stay in memory: reading (run_merge.c) may begin at any key.
 *
 * The sort is a bottom-up merge sort: its worst case is its usual case, it needs no recursion,
 * and a part that comes in order (rising keys) costs one pass. Rejected: radix sort (faster for
 * short keys, but long shared prefixes make it walk every byte), libc's qsort (takes memory
 * that no budget sees).
 */
#include "index/run/run_sort_int.h"

enum {
    SORT_SMALL = 16,      /* items that are sorted by insertion */
    SORT_LEAST = 1 << 18, /* bytes of memory */
    SORT_MOST = 1 << 30,  /* offsets have 32 bits */
};

base_status index_sorter_create(const index_sorter_options *options, index_sorter **created,
                                base_error *error)
{
    index_sorter *self = base_allocate_zeroed(options->budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->options = *options;
    self->limit = BASE_MIN(BASE_MAX(options->memory, (size_t)SORT_LEAST), (size_t)SORT_MOST);
    *created = self;
    return BASE_OK;
}

static void free_items(index_sorter *self)
{
    base_budget *budget = self->options.budget;
    base_free(budget, self->bytes, self->byte_capacity);
    base_free_array(budget, self->items, self->item_capacity, sizeof *self->items);
    self->bytes = NULL;
    self->items = NULL;
    self->byte_count = self->byte_capacity = 0;
    self->item_count = self->item_capacity = 0;
}

void index_sorter_destroy(index_sorter *self)
{
    if (!self)
        return;
    base_budget *budget = self->options.budget;
    for (uint32_t i = 0; i < self->part_count; i++) {
        sort_part *part = &self->parts[i];
        base_free_array(budget, part->blocks, part->block_capacity, sizeof *part->blocks);
        base_buffer_destroy(&part->firsts);
    }
    base_free_array(budget, self->parts, self->part_capacity, sizeof *self->parts);
    free_items(self);
    spill_destroy(self->file);
    base_free(budget, self, sizeof *self);
}

/* ---- Sorting a part -------------------------------------------------------------------------- */

BASE_INLINE bool in_order(const index_sorter *self, const sort_item *a, const sort_item *b)
{
    if (a->head != b->head)
        return a->head < b->head;
    return base_text_compare(sort_string(self, a), sort_string(self, b)) <= 0;
}

/* Bytes that all strings begin with. */
static uint32_t shared_prefix(const index_sorter *self)
{
    base_text first = sort_string(self, &self->items[0]);
    size_t shared = first.length;
    for (uint32_t i = 1; i < self->item_count; i++) {
        base_text string = sort_string(self, &self->items[i]);
        size_t length = 0;
        shared = BASE_MIN(shared, string.length);
        while (length < shared && string.data[length] == first.data[length])
            length++;
        shared = length;
    }
    return (uint32_t)shared;
}

static void set_heads(index_sorter *self)
{
    uint32_t prefix = shared_prefix(self);
    for (uint32_t i = 0; i < self->item_count; i++) {
        sort_item *item = &self->items[i];
        unsigned char head[8] = {0};
        memcpy(head, self->bytes + item->offset + prefix, BASE_MIN(item->length - prefix, 8u));
        item->head = __builtin_bswap64(base_load_u64(head));
    }
}

static void sort_small(const index_sorter *self, sort_item *items, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        sort_item item = items[i];
        uint32_t at = i;
        for (; at > 0 && !in_order(self, &items[at - 1], &item); at--)
            items[at] = items[at - 1];
        items[at] = item;
    }
}

/* [0, middle) and [middle, count) of `from` are sorted; the whole goes to `to`. */
static void merge_items(const index_sorter *self, const sort_item *from, uint32_t middle,
                        uint32_t count, sort_item *to)
{
    uint32_t left = 0, right = middle;
    if (middle < count && in_order(self, &from[middle - 1], &from[middle])) {
        memcpy(to, from, count * sizeof *to);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        bool take_left =
            left < middle && (right == count || in_order(self, &from[left], &from[right]));
        to[i] = take_left ? from[left++] : from[right++];
    }
}

static base_status sort_items(index_sorter *self, base_error *error)
{
    uint32_t count = self->item_count;
    if (count == 0)
        return BASE_OK;
    set_heads(self);
    for (uint32_t start = 0; start < count; start += SORT_SMALL)
        sort_small(self, self->items + start, BASE_MIN(count - start, (uint32_t)SORT_SMALL));
    if (count <= SORT_SMALL)
        return BASE_OK;
    sort_item *spare =
        base_allocate_array(self->options.budget, self->item_capacity, sizeof *spare);
    if (!spare)
        return base_error_no_memory(error);
    sort_item *from = self->items, *to = spare;
    for (uint64_t width = SORT_SMALL; width < count; width *= 2) {
        for (uint64_t start = 0; start < count; start += 2 * width) {
            uint32_t all = (uint32_t)BASE_MIN((uint64_t)count - start, 2 * width);
            merge_items(self, from + start, (uint32_t)BASE_MIN((uint64_t)all, width), all,
                        to + start);
        }
        sort_item *swap = from;
        from = to;
        to = swap;
    }
    self->items = from;
    base_free_array(self->options.budget, to, self->item_capacity, sizeof *to);
    return BASE_OK;
}

/* ---- Parts in the file ----------------------------------------------------------------------- */

/* A block begins with a whole string, whose bytes follow its length. */
static base_status put_block(index_sorter *self, sort_part *part, base_buffer *block,
                             base_error *error)
{
    if (block->length == 0)
        return BASE_OK;
    if (!base_grow_array(self->options.budget, &part->blocks, &part->block_capacity,
                         part->block_count + 1, sizeof *part->blocks))
        return base_error_no_memory(error);
    sort_block *made = &part->blocks[part->block_count];
    made->first_length = base_load_u32(block->data);
    made->first = (uint32_t)part->firsts.length;
    base_buffer_append(&part->firsts, block->data + sizeof(uint32_t), made->first_length);
    if (part->firsts.failed)
        return base_error_no_memory(error);
    RETURN_IF_ERROR(spill_append(self->file, block->data, block->length, &made->place, error));
    part->block_count++;
    base_buffer_clear(block);
    return BASE_OK;
}

static base_status put_items(index_sorter *self, sort_part *part, base_buffer *block,
                             base_error *error)
{
    for (uint32_t i = 0; i < self->item_count; i++) {
        base_text string = sort_string(self, &self->items[i]);
        uint32_t length = (uint32_t)string.length;
        if (block->length + sizeof length + length > SORT_BLOCK)
            RETURN_IF_ERROR(put_block(self, part, block, error));
        if (!base_buffer_reserve(block, sizeof length + length))
            return base_error_no_memory(error);
        base_buffer_append(block, &length, sizeof length);
        base_buffer_append(block, string.data, string.length);
    }
    return put_block(self, part, block, error);
}

/* Sorts what is in memory and writes it to the file. */
static base_status spill_part(index_sorter *self, base_error *error)
{
    const index_sorter_options *options = &self->options;
    if (!self->file)
        RETURN_IF_ERROR(spill_create(options->environment, options->budget, options->directory_of,
                                     0, &self->file, error));
    if (!base_grow_array(options->budget, &self->parts, &self->part_capacity, self->part_count + 1,
                         sizeof *self->parts))
        return base_error_no_memory(error);
    RETURN_IF_ERROR(sort_items(self, error));
    sort_part *part = &self->parts[self->part_count++];
    *part = (sort_part){0};
    base_buffer_init(&part->firsts, options->budget);
    base_buffer block;
    base_buffer_init(&block, options->budget);
    base_status status = put_items(self, part, &block, error);
    base_buffer_destroy(&block);
    self->byte_count = self->item_count = 0;
    return status;
}

base_status index_sorter_add(index_sorter *self, base_text key, int64_t rowid, base_error *error)
{
    base_budget *budget = self->options.budget;
    size_t length = key.length + INDEX_ROWID_SIZE;
    /* Items count twice: sorting needs as many again. */
    size_t used = self->byte_count + (size_t)self->item_count * 2 * sizeof *self->items;
    if (self->item_count && used + length + 2 * sizeof *self->items > self->limit)
        RETURN_IF_ERROR(spill_part(self, error));
    if (self->byte_count + length > self->byte_capacity) {
        size_t capacity = BASE_MAX(self->byte_capacity * 2, self->byte_count + length + 4096);
        char *bytes = base_reallocate(budget, self->bytes, self->byte_capacity, capacity);
        if (!bytes)
            return base_error_no_memory(error);
        self->bytes = bytes;
        self->byte_capacity = capacity;
    }
    if (!base_grow_array(budget, &self->items, &self->item_capacity, self->item_count + 1,
                         sizeof *self->items))
        return base_error_no_memory(error);
    char *to = self->bytes + self->byte_count;
    if (key.length)
        memcpy(to, key.data, key.length);
    index_rowid_store(rowid, to + key.length);
    self->items[self->item_count++] =
        (sort_item){.offset = (uint32_t)self->byte_count, .length = (uint32_t)length};
    self->byte_count += length;
    return BASE_OK;
}

base_status index_sorter_start(index_sorter *self, base_error *error)
{
    if (self->part_count == 0)
        return sort_items(self, error);
    if (self->item_count)
        RETURN_IF_ERROR(spill_part(self, error));
    free_items(self);
    return BASE_OK;
}
