/*
 * run_sort_int.h - what a sorter holds, for those who write it (run_sort.c) and read it
 * (run_merge.c).
 *
 * Once it was started a sorter does not change: any number of threads may read it.
 */
#ifndef INDEX_RUN_RUN_SORT_INT_H
#define INDEX_RUN_RUN_SORT_INT_H

#include "index/run/run_int.h"
#include "store/cache/spill.h"

enum {
    SORT_BLOCK = 1 << 16, /* bytes of a block in the file, about */
};

typedef struct sort_item {
    uint64_t head; /* eight bytes, big-endian */
    uint32_t offset, length;
} sort_item;

/* Strings in the file: u32 length and bytes each. */
typedef struct sort_block {
    spill_block place;
    uint32_t first, first_length; /* its first string, in `firsts` */
} sort_block;

/* A sorted part in the file. */
typedef struct sort_part {
    sort_block *blocks;
    uint32_t block_count, block_capacity;
    base_buffer firsts;
} sort_part;

struct index_sorter {
    index_sorter_options options;
    size_t limit;
    /* The part being filled; all there is where nothing went to the file. */
    char *bytes;
    size_t byte_count, byte_capacity;
    sort_item *items;
    uint32_t item_count, item_capacity;
    spill_file *file;
    sort_part *parts;
    uint32_t part_count, part_capacity;
};

BASE_INLINE base_text sort_string(const index_sorter *sorter, const sort_item *item)
{
    return (base_text){sorter->bytes + item->offset, item->length};
}
BASE_INLINE base_text sort_first(const sort_part *part, uint32_t block)
{
    return (base_text){part->firsts.data + part->blocks[block].first,
                       part->blocks[block].first_length};
}

#endif
