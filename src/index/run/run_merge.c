/*
 * run_merge.c - what sorters have, in order: all of it, or the entries between two keys.
 *
 * Each sorter is one sorted sequence in memory or several in its file; a merge goes through a
 * heap of their next strings. Merges of different ranges of the same sorters run side by side,
 * so an index is written by as many threads as it was sorted by. Ranges are cut at keys, never
 * within one: who looks for duplicates has all entries of a key in one range.
 *
 * Where to cut is told by samples: a string for each 64 KiB, which the blocks of a file
 * have in memory anyway. Rejected: counting exactly (a pass over everything), cutting at equal
 * distances of the first bytes (keys are seldom spread evenly).
 */
#include "index/run/run_sort_int.h"

/* One sorted sequence, between the bounds. */
typedef struct merge_source {
    const index_sorter *sorter;
    const sort_part *part; /* NULL: the items in memory */
    uint32_t next;         /* item, or block */
    uint32_t end;          /* items */
    char *buffer;          /* the block being read */
    uint32_t buffer_size, at, length;
    base_text string; /* the next one; NULL data: none is left */
} merge_source;

struct index_merge {
    base_budget *budget;
    base_buffer to; /* ends before this key */
    bool has_end;
    merge_source *sources;
    uint32_t source_count;
    uint32_t *heap; /* sources, smallest next string first */
    uint32_t heap_count;
    bool has_current; /* the heap's first source gave the last entry */
};

/* ---- Samples --------------------------------------------------------------------------------- */

static int compare_texts(const void *a, const void *b)
{
    return base_text_compare(*(const base_text *)a, *(const base_text *)b);
}

/* Items between two samples of what a sorter has in memory. */
static uint32_t sample_distance(const index_sorter *sorter)
{
    if (!sorter->item_count)
        return 1;
    size_t each = sorter->byte_count / sorter->item_count + 1;
    return (uint32_t)(SORT_BLOCK / each) + 1;
}

static uint32_t count_samples(const index_sorter *sorter)
{
    uint32_t count = sorter->item_count / sample_distance(sorter);
    for (uint32_t i = 0; i < sorter->part_count; i++)
        count += sorter->parts[i].block_count;
    return count;
}

static uint32_t take_samples(const index_sorter *sorter, base_text *samples)
{
    uint32_t distance = sample_distance(sorter), count = 0;
    for (uint32_t i = distance; i <= sorter->item_count; i += distance)
        samples[count++] = sort_string(sorter, &sorter->items[i - 1]);
    for (uint32_t i = 0; i < sorter->part_count; i++) {
        for (uint32_t b = 0; b < sorter->parts[i].block_count; b++)
            samples[count++] = sort_first(&sorter->parts[i], b);
    }
    return count;
}

base_status index_merge_cut(index_sorter *const *sorters, uint32_t sorter_count, uint32_t parts,
                            base_arena *arena, base_text *keys, uint32_t *key_count,
                            base_error *error)
{
    uint32_t count = 0, taken = 0;
    *key_count = 0;
    for (uint32_t i = 0; i < sorter_count; i++)
        count += count_samples(sorters[i]);
    if (count < parts)
        return BASE_OK;
    base_text *samples = base_arena_allocate_array(arena, count, sizeof *samples);
    if (!samples)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < sorter_count; i++)
        taken += take_samples(sorters[i], samples + taken);
    BASE_ASSERT(taken == count);
    qsort(samples, count, sizeof *samples, compare_texts);
    for (uint32_t i = 1; i < parts; i++) {
        base_text key = samples[(uint64_t)count * i / parts];
        key.length -= INDEX_ROWID_SIZE;
        if (*key_count == 0 || base_text_compare(keys[*key_count - 1], key) < 0)
            keys[(*key_count)++] = key;
    }
    return BASE_OK;
}

/* ---- Sources --------------------------------------------------------------------------------- */

/* The first item at or above the key. */
static uint32_t find_item(const index_sorter *sorter, base_text key)
{
    uint32_t low = 0, high = sorter->item_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (base_text_compare(sort_string(sorter, &sorter->items[middle]), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The block that has the first string at or above the key, if it is not the next one's first. */
static uint32_t find_block(const sort_part *part, base_text key)
{
    uint32_t low = 0, high = part->block_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (base_text_compare(sort_first(part, middle), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? low - 1 : 0;
}

static base_status read_block(index_merge *self, merge_source *source, base_error *error)
{
    const spill_block *place = &source->part->blocks[source->next].place;
    if (place->length > source->buffer_size) {
        base_free(self->budget, source->buffer, source->buffer_size);
        source->buffer_size = 0;
        source->buffer = base_allocate(self->budget, place->length);
        if (!source->buffer)
            return base_error_no_memory(error);
        source->buffer_size = place->length;
    }
    RETURN_IF_ERROR(spill_read(source->sorter->file, place, source->buffer, error));
    source->at = 0;
    source->length = place->length;
    source->next++;
    return BASE_OK;
}

/* The source's next string, whatever the end. Blocks are checked by spill_read. */
static base_status step(index_merge *self, merge_source *source, base_error *error)
{
    source->string = (base_text){NULL, 0};
    if (!source->part) {
        if (source->next < source->end)
            source->string = sort_string(source->sorter, &source->sorter->items[source->next++]);
        return BASE_OK;
    }
    if (source->at == source->length) {
        if (source->next == source->part->block_count)
            return BASE_OK;
        RETURN_IF_ERROR(read_block(self, source, error));
    }
    uint32_t length = base_load_u32(source->buffer + source->at);
    source->string = (base_text){source->buffer + source->at + sizeof length, length};
    source->at += (uint32_t)sizeof length + length;
    BASE_ASSERT(source->at <= source->length && length >= INDEX_ROWID_SIZE);
    if (self->has_end && base_text_compare(source->string, run_text(&self->to)) >= 0) {
        source->string = (base_text){NULL, 0};
        source->next = source->part->block_count;
        source->at = source->length;
    }
    return BASE_OK;
}

static base_status open_source(index_merge *self, merge_source *source, base_text from,
                               base_error *error)
{
    const index_sorter *sorter = source->sorter;
    if (!source->part) {
        source->next = from.data ? find_item(sorter, from) : 0;
        source->end = self->has_end ? find_item(sorter, run_text(&self->to)) : sorter->item_count;
        return step(self, source, error);
    }
    source->next = from.data ? find_block(source->part, from) : 0;
    do
        RETURN_IF_ERROR(step(self, source, error));
    while (from.data && source->string.data && base_text_compare(source->string, from) < 0);
    return BASE_OK;
}

/* ---- The merge ------------------------------------------------------------------------------- */

static void sift_down(index_merge *self, uint32_t place)
{
    uint32_t *heap = self->heap, moving = heap[place];
    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child >= self->heap_count)
            break;
        if (child + 1 < self->heap_count &&
            base_text_compare(self->sources[heap[child + 1]].string,
                              self->sources[heap[child]].string) < 0)
            child++;
        if (base_text_compare(self->sources[moving].string, self->sources[heap[child]].string) <= 0)
            break;
        heap[place] = heap[child];
        place = child;
    }
    heap[place] = moving;
}

static base_status open_sources(index_merge *self, index_sorter *const *sorters, uint32_t count,
                                base_text from, base_error *error)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t p = 0; p < sorters[i]->part_count; p++)
            self->sources[next++] =
                (merge_source){.sorter = sorters[i], .part = &sorters[i]->parts[p]};
        if (!sorters[i]->part_count)
            self->sources[next++] = (merge_source){.sorter = sorters[i]};
    }
    for (uint32_t i = 0; i < self->source_count; i++) {
        RETURN_IF_ERROR(open_source(self, &self->sources[i], from, error));
        if (self->sources[i].string.data)
            self->heap[self->heap_count++] = i;
    }
    for (uint32_t i = self->heap_count / 2; i > 0; i--)
        sift_down(self, i - 1);
    return BASE_OK;
}

base_status index_merge_create(index_sorter *const *sorters, uint32_t count, base_text from,
                               base_text to, index_merge **merge, base_error *error)
{
    BASE_ASSERT(count > 0);
    base_budget *budget = sorters[0]->options.budget;
    index_merge *self = base_allocate_zeroed(budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->budget = budget;
    self->has_end = to.data != NULL;
    base_buffer_init(&self->to, budget);
    base_buffer_append(&self->to, to.data, to.length);
    for (uint32_t i = 0; i < count; i++)
        self->source_count += BASE_MAX(sorters[i]->part_count, 1u);
    self->sources = base_allocate_zeroed(budget, self->source_count * sizeof *self->sources);
    self->heap = base_allocate_array(budget, self->source_count, sizeof *self->heap);
    base_status status = self->sources && self->heap && !self->to.failed
                             ? open_sources(self, sorters, count, from, error)
                             : base_error_no_memory(error);
    if (status != BASE_OK) {
        index_merge_destroy(self);
        return status;
    }
    *merge = self;
    return BASE_OK;
}

void index_merge_destroy(index_merge *self)
{
    if (!self)
        return;
    for (uint32_t i = 0; self->sources && i < self->source_count; i++)
        base_free(self->budget, self->sources[i].buffer, self->sources[i].buffer_size);
    base_free(self->budget, self->sources, self->source_count * sizeof *self->sources);
    base_free(self->budget, self->heap, self->source_count * sizeof *self->heap);
    base_buffer_destroy(&self->to);
    base_free(self->budget, self, sizeof *self);
}

base_status index_merge_next(index_merge *self, index_entry *entry, base_error *error)
{
    if (self->has_current) {
        merge_source *source = &self->sources[self->heap[0]];
        self->has_current = false;
        RETURN_IF_ERROR(step(self, source, error));
        if (!source->string.data)
            self->heap[0] = self->heap[--self->heap_count];
        if (self->heap_count > 1)
            sift_down(self, 0);
    }
    if (self->heap_count == 0)
        return BASE_DONE;
    self->has_current = true;
    base_text string = self->sources[self->heap[0]].string;
    entry->key = (base_text){string.data, string.length - INDEX_ROWID_SIZE};
    entry->rowid = index_rowid_load(entry->key.data + entry->key.length);
    return BASE_ROW;
}
