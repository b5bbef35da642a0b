/*
 * cache_map.c - the free map on disk.
 *
 * The map of epoch E tells what a process that opens the file at E may use: all that tree E
 * does not reach. Loose extents count as free there (the log claims those that matter), and
 * so does what older epochs freed, whoever still reads it, as readers die with the process.
 * What E itself freed is marked: header E - 1 still reaches it, and if E's slot should turn
 * out torn, E - 1 must be whole.
 *
 * A short map lies in the header's slot, so that a small database has no extent for it. A
 * long one is an extent of the tree like any other, whose predecessor is freed by the same
 * checkpoint. It is allocated before its entries are listed; allocating can only remove
 * entries or shorten them, so the room computed before is enough.
 */
#include "store/cache/cache_int.h"

/* ---- Loading ------------------------------------------------------------------------------ */

static base_status load_entry(cache_file *file, const unsigned char *bytes, uint64_t *previous_end,
                              base_error *error)
{
    cache_run run = {base_load_u64(bytes), base_load_u32(bytes + 8)};
    uint32_t marked = base_load_u32(bytes + 12);
    if (run.start == 0 && run.count == 0)
        return BASE_OK; /* filling */
    if (run.start < CACHE_FIRST_GRANULE || run.count == 0 || run.start > file->granules ||
        run.count > file->granules - run.start || marked > 1 ||
        (!marked && run.start < *previous_end))
        return base_error_set(error, BASE_CORRUPT, "the free map of \"%s\" is malformed",
                              file->file->path);
    if (!marked) {
        *previous_end = run.start + run.count;
        space_add(&file->free, run);
        return file->free.lost ? base_error_no_memory(error) : BASE_OK;
    }
    if (!base_grow_array(file->budget, &file->awaiting, &file->awaiting_capacity,
                         file->awaiting_count + 1, sizeof *file->awaiting))
        return base_error_no_memory(error);
    file->awaiting[file->awaiting_count++] = (cache_freed){run, file->header.epoch};
    file->awaiting_granules += run.count;
    return BASE_OK;
}

static base_status load_entries(cache_file *file, const unsigned char *bytes, size_t count,
                                base_error *error)
{
    uint64_t previous_end = 0;
    for (size_t i = 0; i < count; i++)
        RETURN_IF_ERROR(load_entry(file, bytes + i * CACHE_MAP_ENTRY, &previous_end, error));
    return BASE_OK;
}

base_status cache_map_load(cache_file *file, const unsigned char *slot, base_error *error)
{
    const cache_reference *map = &file->header.free_map;
    if (cache_reference_is_null(map))
        return load_entries(file, slot + CACHE_MAP_START, file->header.inline_entries, error);
    if (map->kind != CACHE_KIND_FREE_MAP || map->length % CACHE_MAP_ENTRY != 0)
        return base_error_set(error, BASE_CORRUPT, "the free map of \"%s\" is malformed",
                              file->file->path);
    RETURN_IF_ERROR(cache_reference_check(file, map, error));
    unsigned char *bytes = base_allocate(file->budget, map->length);
    if (!bytes)
        return base_error_no_memory(error);
    base_status status = cache_read(file, map, bytes, error);
    if (status == BASE_OK)
        status = load_entries(file, bytes, map->length / CACHE_MAP_ENTRY, error);
    base_free(file->budget, bytes, map->length);
    return status;
}

/* ---- Storing ------------------------------------------------------------------------------- */

typedef struct map_writer {
    unsigned char *bytes;
    size_t count, capacity;
} map_writer;

static void put(map_writer *self, cache_run run, uint32_t marked)
{
    /* An entry's count has 32 bits: 16 TiB in one free run takes several. */
    while (run.count > 0) {
        uint64_t part = BASE_MIN(run.count, (uint64_t)UINT32_MAX);
        BASE_VERIFY(self->count < self->capacity);
        unsigned char *entry = self->bytes + self->count++ * CACHE_MAP_ENTRY;
        base_store_u64(entry, run.start);
        base_store_u32(entry + 8, (uint32_t)part);
        base_store_u32(entry + 12, marked);
        run = (cache_run){run.start + part, run.count - part};
    }
}

static void add_free(void *context, cache_run run)
{
    space_add(context, run);
}
static void put_free(void *context, cache_run run)
{
    put(context, run, 0);
}

/* Everything that the next header may count as free, united, into `all`. */
static void collect(const cache_file *file, cache_space *all)
{
    space_walk(&file->free, add_free, all);
    space_walk(&file->loose, add_free, all);
    for (uint32_t i = 0; i < file->awaiting_count; i++)
        space_add(all, file->awaiting[i].run);
}

static void fill(const cache_file *file, const cache_space *all, map_writer *writer)
{
    space_walk(all, put_free, writer);
    for (uint32_t i = 0; i < file->freed.count; i++)
        put(writer, file->freed.runs[i], 1);
}

base_status cache_map_store(cache_file *file, cache_header *header, unsigned char *slot,
                            base_error *error)
{
    memset(&header->free_map, 0, sizeof header->free_map);
    header->inline_entries = 0;
    const cache_reference *old = &file->header.free_map;
    if (!cache_reference_is_null(old) &&
        !run_list_add(file->budget, &file->freed, cache_run_of(old)))
        return base_error_no_memory(error);
    size_t most = file->free.count + file->loose.count + file->awaiting_count + file->freed.count +
                  8 + file->granules / UINT32_MAX;
    if (most * CACHE_MAP_ENTRY > CACHE_MAX_EXTENT)
        return base_error_set(error, BASE_LIMIT, "the free space of \"%s\" is in too many pieces",
                              file->file ? file->file->path : "memory");
    cache_space all;
    space_init(&all, file->budget, false);
    base_status status = BASE_OK;
    unsigned char *bytes = NULL;
    size_t size = most * CACHE_MAP_ENTRY;
    map_writer writer = {slot + CACHE_MAP_START, 0, CACHE_INLINE_ENTRIES};
    uint64_t start = 0;
    bool is_long = most > CACHE_INLINE_ENTRIES;
    if (is_long) {
        GOTO_IF_ERROR(status = cache_allocate(file, cache_granules_of(size), &start, error), done);
        if (!run_list_add(file->budget, &file->written,
                          (cache_run){start, cache_granules_of(size)})) {
            space_add(&file->free, (cache_run){start, cache_granules_of(size)});
            status = base_error_no_memory(error);
            goto done;
        }
        bytes = base_allocate_zeroed(file->budget, size);
        if (!bytes) {
            status = base_error_no_memory(error);
            goto done;
        }
        writer = (map_writer){bytes, 0, most};
    }
    collect(file, &all);
    if (all.lost) {
        status = base_error_no_memory(error);
        goto done;
    }
    fill(file, &all, &writer);
    if (!is_long) {
        header->inline_entries = (uint32_t)writer.count;
        goto done;
    }
    /* Entries that were united away leave zeros at the end: the content keeps its size. */
    header->free_map = (cache_reference){
        .offset = start * CACHE_GRANULE,
        .length = (uint32_t)size,
        .kind = CACHE_KIND_FREE_MAP,
        .birth_epoch = header->epoch,
    };
    cache_seal(bytes, header->free_map.length, CACHE_KIND_FREE_MAP, header->free_map.seal);
    status =
        os_file_write(file->file, header->free_map.offset, bytes, header->free_map.length, error);
done:
    base_free(file->budget, bytes, bytes ? size : 0);
    space_destroy(&all);
    return status;
}
