/*
 * run_writer.c - a run from rising entries, in one pass.
 *
 * Leaves, nodes and filters are written as they fill; only the head's list of nodes grows with
 * the run (some 200 bytes for each 40,000 entries). A separator is the shortest string that
 * tells a leaf's first string from the last before it, as in any prefix B-tree.
 *
 * A node with a filter is closed when the filter has its 64 KiB, so that asking for one key
 * never reads more than that. Writers of rising ranges of keys may work side by side and be
 * joined: leaves and nodes stay as they are, and the first separator of a range, written before
 * anybody knows what comes before it, is the whole first string. Rejected: a filter for each leaf
 * (too small an extent: a granule would be half empty), or one for the whole run (see
 * run_filter.c).
 */
#include "index/run/run_int.h"

/* Children of a node or of the head, before they are written. */
typedef struct child_list {
    base_buffer bodies; /* as they will be stored */
    uint32_t *places;   /* in `bodies` */
    uint32_t count, capacity;
} child_list;

struct index_run_writer {
    index_run_options options;
    uint64_t entry_count, byte_count;
    uint32_t leaf_count;
    base_buffer low, last; /* the run's first string, the newest */
    base_buffer string;    /* the one being appended */
    int64_t last_rowid;
    /* The leaf being filled. */
    base_buffer entries;
    uint16_t intervals[RUN_LEAF_SIZE];
    uint32_t leaf_entries, leaf_intervals;
    base_buffer separator; /* of the leaf */
    /* The node being filled. */
    child_list leaves;
    uint32_t node_entries;
    base_buffer node_separator;
    uint64_t *hashes; /* of its keys; NULL without a filter */
    uint32_t hash_count;
    child_list nodes; /* of the head */
    bool finished;
};

/* ---- Lists of children ----------------------------------------------------------------------- */

static void list_init(child_list *list, base_budget *budget)
{
    *list = (child_list){0};
    base_buffer_init(&list->bodies, budget);
}

static void list_destroy(child_list *list)
{
    base_free_array(list->bodies.budget, list->places, list->capacity, sizeof *list->places);
    base_buffer_destroy(&list->bodies);
}

/* `filter` NULL where children have none. */
static base_status list_add(child_list *list, const cache_reference *reference,
                            const cache_reference *filter, uint32_t entry_count,
                            base_text separator, base_error *error)
{
    unsigned char fixed[RUN_HEAD_FIXED + sizeof(uint16_t)];
    size_t size = CACHE_REFERENCE_SIZE;
    if (!base_grow_array(list->bodies.budget, &list->places, &list->capacity, list->count + 1,
                         sizeof *list->places))
        return base_error_no_memory(error);
    cache_reference_store(reference, fixed);
    if (filter) {
        cache_reference_store(filter, fixed + size);
        size += CACHE_REFERENCE_SIZE;
    }
    base_store_u32(fixed + size, entry_count);
    base_store_u16(fixed + size + 4, (uint16_t)separator.length);
    size += 4 + sizeof(uint16_t);
    size_t place = list->bodies.length;
    if (place + size + separator.length > UINT32_MAX / 2)
        return base_error_set(error, BASE_LIMIT, "an index run has too many nodes");
    if (!base_buffer_reserve(&list->bodies, size + separator.length))
        return base_error_no_memory(error);
    base_buffer_append(&list->bodies, fixed, size);
    base_buffer_append(&list->bodies, separator.data, separator.length);
    list->places[list->count++] = (uint32_t)place;
    return BASE_OK;
}

static void list_clear(child_list *list)
{
    base_buffer_clear(&list->bodies);
    list->count = 0;
}

/* Appends the places, as offsets in an extent in which they begin at `out`'s end, and the
 * bodies behind them. */
static void list_put(const child_list *list, base_buffer *out)
{
    size_t bodies = out->length + (size_t)list->count * sizeof(uint32_t);
    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t place = (uint32_t)(bodies + list->places[i]);
        base_buffer_append(out, &place, sizeof place);
    }
    base_buffer_append(out, list->bodies.data, list->bodies.length);
}

/* ---- Extents --------------------------------------------------------------------------------- */

static base_status write_extent(index_run_writer *self, cache_kind kind, const void *bytes,
                                size_t length, cache_reference *reference, base_error *error)
{
    const index_run_options *options = &self->options;
    if (kind != CACHE_KIND_INDEX_RUN)
        self->byte_count += length;
    return options->loose ? cache_write_loose(options->file, kind, bytes, length, reference, error)
                          : cache_write(options->file, kind, bytes, length, reference, error);
}

/* The checkpoint's own extents are its to abort. */
static void discard(const index_run_writer *self, const cache_reference *reference)
{
    if (self->options.loose && !cache_reference_is_null(reference))
        cache_discard(self->options.file, reference);
}

static base_status write_filter(index_run_writer *self, cache_reference *filter, base_error *error)
{
    *filter = (cache_reference){0};
    if (!self->hash_count)
        return BASE_OK;
    size_t size = index_run_filter_size(self->hash_count);
    void *bytes = base_allocate_zeroed(self->options.budget, size);
    if (!bytes)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < self->hash_count; i++)
        index_run_filter_add(bytes, size, self->hashes[i]);
    base_status status = write_extent(self, CACHE_KIND_INDEX_BLOCK, bytes, size, filter, error);
    base_free(self->options.budget, bytes, size);
    return status;
}

static base_status write_node(index_run_writer *self, cache_reference *node, base_error *error)
{
    base_buffer bytes;
    base_buffer_init(&bytes, self->options.budget);
    base_buffer_append(&bytes, &self->leaves.count, sizeof self->leaves.count);
    list_put(&self->leaves, &bytes);
    base_status status = bytes.failed ? base_error_no_memory(error)
                                      : write_extent(self, CACHE_KIND_INDEX_BLOCK, bytes.data,
                                                     bytes.length, node, error);
    base_buffer_destroy(&bytes);
    return status;
}

static base_status flush_node(index_run_writer *self, base_error *error)
{
    cache_reference node = {0}, filter = {0};
    if (!self->leaves.count)
        return BASE_OK;
    base_status status = write_filter(self, &filter, error);
    if (status == BASE_OK)
        status = write_node(self, &node, error);
    if (status == BASE_OK)
        status = list_add(&self->nodes, &node, &filter, self->node_entries,
                          run_text(&self->node_separator), error);
    if (status != BASE_OK) {
        discard(self, &filter);
        discard(self, &node);
        return status;
    }
    list_clear(&self->leaves);
    self->node_entries = self->hash_count = 0;
    return BASE_OK;
}

static base_status write_leaf(index_run_writer *self, cache_reference *leaf, base_error *error)
{
    base_buffer bytes;
    uint32_t head[2] = {self->leaf_entries, self->leaf_intervals};
    size_t entries = sizeof head + self->leaf_intervals * sizeof(uint16_t);
    base_buffer_init(&bytes, self->options.budget);
    base_buffer_append(&bytes, head, sizeof head);
    for (uint32_t i = 0; i < self->leaf_intervals; i++) {
        uint16_t place = (uint16_t)(entries + self->intervals[i]);
        base_buffer_append(&bytes, &place, sizeof place);
    }
    base_buffer_append(&bytes, self->entries.data, self->entries.length);
    base_status status = bytes.failed ? base_error_no_memory(error)
                                      : write_extent(self, CACHE_KIND_INDEX_BLOCK, bytes.data,
                                                     bytes.length, leaf, error);
    base_buffer_destroy(&bytes);
    return status;
}

static base_status flush_leaf(index_run_writer *self, base_error *error)
{
    cache_reference leaf;
    if (!self->leaf_entries)
        return BASE_OK;
    if (!self->leaves.count) {
        base_buffer_clear(&self->node_separator);
        base_buffer_append(&self->node_separator, self->separator.data, self->separator.length);
        if (self->node_separator.failed)
            return base_error_no_memory(error);
    }
    RETURN_IF_ERROR(write_leaf(self, &leaf, error));
    base_status status =
        list_add(&self->leaves, &leaf, NULL, self->leaf_entries, run_text(&self->separator), error);
    if (status != BASE_OK) {
        discard(self, &leaf);
        return status;
    }
    self->leaf_count++;
    self->node_entries += self->leaf_entries;
    self->leaf_entries = self->leaf_intervals = 0;
    base_buffer_clear(&self->entries);
    bool full = self->leaves.count == RUN_NODE_LEAVES ||
                (self->hashes && self->hash_count + RUN_LEAF_SIZE / 3 > RUN_NODE_KEYS);
    return full ? flush_node(self, error) : BASE_OK;
}

/* ---- Entries --------------------------------------------------------------------------------- */

base_status index_run_writer_create(const index_run_options *options, index_run_writer **created,
                                    base_error *error)
{
    base_budget *budget = options->budget;
    index_run_writer *self = base_allocate_zeroed(budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->options = *options;
    base_buffer_init(&self->low, budget);
    base_buffer_init(&self->last, budget);
    base_buffer_init(&self->string, budget);
    base_buffer_init(&self->entries, budget);
    base_buffer_init(&self->separator, budget);
    base_buffer_init(&self->node_separator, budget);
    list_init(&self->leaves, budget);
    list_init(&self->nodes, budget);
    if (options->filter) {
        self->hashes = base_allocate_array(budget, RUN_NODE_KEYS, sizeof *self->hashes);
        if (!self->hashes) {
            index_run_writer_destroy(self);
            return base_error_no_memory(error);
        }
    }
    *created = self;
    return BASE_OK;
}

static char *put_number(char *to, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        *to++ = (char)(unsigned char)(number | 0x80);
    *to++ = (char)(unsigned char)number;
    return to;
}

/* The entry without what its key shares with the one before; a difference of rowids may
 * wrap around. */
static void put_entry(index_run_writer *self, base_text key, int64_t rowid, bool whole,
                      size_t shared)
{
    char numbers[20], *end;
    size_t left_out = whole ? 0 : BASE_MIN(shared, key.length);
    uint64_t difference = (uint64_t)rowid - (whole ? 0 : (uint64_t)self->last_rowid);
    uint64_t sign = UINT64_C(0) - (difference >> 63);
    end = put_number(put_number(numbers, left_out), key.length - left_out);
    base_buffer_append(&self->entries, numbers, (size_t)(end - numbers));
    base_buffer_append(&self->entries, key.data + left_out, key.length - left_out);
    end = put_number(numbers, difference << 1 ^ sign);
    base_buffer_append(&self->entries, numbers, (size_t)(end - numbers));
}

static size_t shared_length(const base_buffer *a, const base_buffer *b)
{
    size_t limit = BASE_MIN(a->length, b->length), length = 0;
    for (; limit - length >= sizeof(uint64_t); length += sizeof(uint64_t)) {
        uint64_t differs = base_load_u64(a->data + length) ^ base_load_u64(b->data + length);
        if (differs)
            return length + (size_t)__builtin_ctzll(differs) / 8;
    }
    while (length < limit && a->data[length] == b->data[length])
        length++;
    return length;
}

/* The new string begins a leaf. */
static void begin_leaf(index_run_writer *self, size_t shared)
{
    base_buffer_clear(&self->separator);
    if (self->entry_count)
        base_buffer_append(&self->separator, self->string.data, shared + 1);
    else if (self->options.joins)
        base_buffer_append(&self->separator, self->string.data, self->string.length);
}

/* A key that was just noted for the filter is not noted again. */
static void note_key(index_run_writer *self, base_text key, size_t shared)
{
    bool same = self->hash_count && self->last.length == key.length + INDEX_ROWID_SIZE &&
                shared >= key.length;
    if (!same)
        self->hashes[self->hash_count++] = index_run_filter_hash(key);
}

base_status index_run_writer_append(index_run_writer *self, base_text key, int64_t rowid,
                                    base_error *error)
{
    char end[INDEX_ROWID_SIZE];
    index_rowid_store(rowid, end);
    base_buffer_clear(&self->string);
    base_buffer_append(&self->string, key.data, key.length);
    base_buffer_append(&self->string, end, sizeof end);
    if (self->string.failed)
        return base_error_no_memory(error);
    size_t shared = shared_length(&self->last, &self->string);
    if (self->entry_count && shared == self->string.length && shared == self->last.length)
        return BASE_OK;
    /* R1. Entries of runs that are merged come from the file: they may be anything. */
    if (self->string.length > INDEX_MAX_STRING ||
        (self->entry_count && shared < self->last.length &&
         (shared == self->string.length ||
          (unsigned char)self->string.data[shared] < (unsigned char)self->last.data[shared])))
        return base_error_set(error, BASE_CORRUPT, "the entries of an index are out of order");
    size_t most = key.length + 14 + sizeof(uint16_t); /* bytes that it may take */
    size_t used = RUN_LEAF_HEAD + self->leaf_intervals * sizeof(uint16_t) + self->entries.length;
    if (self->leaf_entries && used + most > RUN_LEAF_SIZE)
        RETURN_IF_ERROR(flush_leaf(self, error));
    if (!self->leaf_entries)
        begin_leaf(self, shared);
    bool whole = self->leaf_entries % RUN_INTERVAL == 0;
    if (whole)
        self->intervals[self->leaf_intervals++] = (uint16_t)self->entries.length;
    if (self->hashes)
        note_key(self, key, shared);
    put_entry(self, key, rowid, whole, shared);
    if (!self->entry_count)
        base_buffer_append(&self->low, self->string.data, self->string.length);
    if (self->entries.failed || self->separator.failed || self->low.failed)
        return base_error_no_memory(error);
    self->entry_count++;
    self->leaf_entries++;
    self->last_rowid = rowid;
    base_buffer before = self->last;
    self->last = self->string;
    self->string = before;
    return BASE_OK;
}

uint64_t index_run_writer_count(const index_run_writer *writer)
{
    return writer->entry_count;
}

base_text index_run_writer_first(const index_run_writer *writer)
{
    return run_text(&writer->low);
}

base_text index_run_writer_last(const index_run_writer *writer)
{
    return run_text(&writer->last);
}

/* ---- Joining --------------------------------------------------------------------------------- */

static base_status list_join(child_list *list, child_list *next, base_error *error)
{
    uint32_t start = (uint32_t)list->bodies.length;
    if (list->bodies.length + next->bodies.length > UINT32_MAX / 2)
        return base_error_set(error, BASE_LIMIT, "an index run has too many nodes");
    if (!base_grow_array(list->bodies.budget, &list->places, &list->capacity,
                         list->count + next->count, sizeof *list->places) ||
        !base_buffer_reserve(&list->bodies, next->bodies.length))
        return base_error_no_memory(error);
    base_buffer_append(&list->bodies, next->bodies.data, next->bodies.length);
    for (uint32_t i = 0; i < next->count; i++)
        list->places[list->count++] = start + next->places[i];
    list_clear(next);
    return BASE_OK;
}

base_status index_run_writer_join(index_run_writer *self, index_run_writer *next, base_error *error)
{
    if (!next->entry_count)
        return BASE_OK;
    BASE_ASSERT(next->options.joins && self->entry_count > 0);
    if (base_text_compare(run_text(&self->last), run_text(&next->low)) >= 0) /* R1 */
        return base_error_set(error, BASE_CORRUPT, "the entries of an index are out of order");
    RETURN_IF_ERROR(flush_leaf(self, error));
    RETURN_IF_ERROR(flush_node(self, error));
    RETURN_IF_ERROR(flush_leaf(next, error));
    RETURN_IF_ERROR(flush_node(next, error));
    RETURN_IF_ERROR(list_join(&self->nodes, &next->nodes, error));
    self->entry_count += next->entry_count;
    self->byte_count += next->byte_count;
    self->leaf_count += next->leaf_count;
    self->last_rowid = next->last_rowid;
    base_buffer before = self->last;
    self->last = next->last;
    next->last = before;
    next->entry_count = next->byte_count = next->leaf_count = 0;
    return BASE_OK;
}

/* ---- The end --------------------------------------------------------------------------------- */

base_status index_run_writer_finish(index_run_writer *self, cache_reference *run, base_error *error)
{
    BASE_ASSERT(self->entry_count > 0);
    RETURN_IF_ERROR(flush_leaf(self, error));
    RETURN_IF_ERROR(flush_node(self, error));
    base_buffer bytes;
    unsigned char head[RUN_HEAD_SIZE];
    base_store_u32(head + RUN_HEAD_MAGIC, RUN_MAGIC);
    base_store_u32(head + RUN_HEAD_VERSION, RUN_VERSION);
    base_store_u64(head + RUN_HEAD_ENTRIES, self->entry_count);
    base_store_u64(head + RUN_HEAD_BYTES, self->byte_count);
    base_store_u32(head + RUN_HEAD_LEAVES, self->leaf_count);
    base_store_u32(head + RUN_HEAD_NODES, self->nodes.count);
    base_store_u32(head + RUN_HEAD_LOW, (uint32_t)self->low.length);
    base_store_u32(head + RUN_HEAD_HIGH, (uint32_t)self->last.length);
    base_buffer_init(&bytes, self->options.budget);
    base_buffer_append(&bytes, head, sizeof head);
    base_buffer_append(&bytes, self->low.data, self->low.length);
    base_buffer_append(&bytes, self->last.data, self->last.length);
    list_put(&self->nodes, &bytes);
    base_status status = bytes.failed ? base_error_no_memory(error)
                                      : write_extent(self, CACHE_KIND_INDEX_RUN, bytes.data,
                                                     bytes.length, run, error);
    base_buffer_destroy(&bytes);
    self->finished = status == BASE_OK;
    return status;
}

static base_status discard_extent(void *context, const cache_reference *reference,
                                  base_error *error)
{
    (void)error;
    discard(context, reference);
    return BASE_OK;
}

/* Where a node cannot be read back, its leaves' space is lost until the file is reopened. */
static void discard_all(index_run_writer *self)
{
    cache_reference node, filter;
    for (uint32_t i = 0; i < self->leaves.count; i++) {
        cache_reference_load(&node, self->leaves.bodies.data + self->leaves.places[i]);
        discard(self, &node);
    }
    for (uint32_t i = 0; i < self->nodes.count; i++) {
        const char *body = self->nodes.bodies.data + self->nodes.places[i];
        cache_reference_load(&node, body);
        cache_reference_load(&filter, body + CACHE_REFERENCE_SIZE);
        (void)index_run_visit_node(self->options.file, &node, &filter, discard_extent, self, NULL);
    }
}

void index_run_writer_take_back(index_run_writer *self, const cache_reference *run)
{
    discard(self, run);
    self->finished = false;
}

void index_run_writer_destroy(index_run_writer *self)
{
    if (!self)
        return;
    if (!self->finished && self->options.loose)
        discard_all(self);
    base_free(self->options.budget, self->hashes, RUN_NODE_KEYS * sizeof *self->hashes);
    base_buffer_destroy(&self->low);
    base_buffer_destroy(&self->last);
    base_buffer_destroy(&self->string);
    base_buffer_destroy(&self->entries);
    base_buffer_destroy(&self->separator);
    base_buffer_destroy(&self->node_separator);
    list_destroy(&self->leaves);
    list_destroy(&self->nodes);
    base_free(self->options.budget, self, sizeof *self);
}
