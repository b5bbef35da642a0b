/*
 * run_check.c - the integrity check of one run: everything is read, from the head down.
 *
 * Reads the tree as it is, not through a cursor, which believes the separators.
 */
#include "index/run/run_int.h"

typedef struct checker {
    index_run *run;
    void (*report)(void *context, const char *problem);
    void *context;
    base_buffer last;      /* string before */
    base_buffer strings;   /* of the interval */
    base_buffer separator; /* of the child being looked at */
    uint64_t entries, bytes;
    uint32_t leaves;
    const unsigned char *filter; /* of the node, or NULL */
    size_t filter_length;
} checker;

static void check_string(checker *self, base_text string)
{
    if (self->entries && base_text_compare(run_text(&self->last), string) >= 0)
        self->report(self->context, "entries of a key run do not rise"); /* R1 */
    if (base_text_compare(run_text(&self->separator), string) > 0)
        self->report(self->context, "an entry of a key run lies below its separator"); /* R3 */
    base_text key = {string.data, string.length - INDEX_ROWID_SIZE};
    if (self->filter &&
        !index_run_filter_has(self->filter, self->filter_length, index_run_filter_hash(key)))
        self->report(self->context, "the filter of a key run does not have a key"); /* R4 */
    self->entries++;
    base_buffer_clear(&self->last);
    base_buffer_append(&self->last, string.data, string.length);
}

static base_status check_leaf(checker *self, const cache_reference *reference, uint32_t *count,
                              base_error *error)
{
    cache_pin pin;
    run_leaf leaf;
    RETURN_IF_ERROR(cache_pin_extent(self->run->file, reference, &pin, error));
    base_status status =
        index_run_parse_leaf(pin.data, pin.length, &leaf) ? BASE_OK : index_run_damaged(error);
    uint32_t intervals = status == BASE_OK ? leaf.interval_count : 0;
    for (uint32_t i = 0; status == BASE_OK && i < intervals; i++) {
        run_strings strings = {.bytes = &self->strings};
        base_buffer_clear(&self->strings);
        status = index_run_decode_interval(&leaf, i, &strings, error);
        uint32_t start = 0;
        for (uint32_t k = 0; status == BASE_OK && k < strings.count; k++) {
            check_string(self, (base_text){self->strings.data + start, strings.ends[k] - start});
            start = strings.ends[k];
        }
        if (self->last.failed)
            status = base_error_no_memory(error);
    }
    if (status == BASE_OK)
        *count = leaf.count;
    self->leaves++;
    self->bytes += reference->length;
    cache_unpin(self->run->file, &pin);
    return status;
}

/* A separator lies above all that came before. */
static base_status note_separator(checker *self, base_text separator, base_error *error)
{
    if (self->entries && base_text_compare(run_text(&self->last), separator) >= 0)
        self->report(self->context, "a separator of a key run lies below an entry before it");
    base_buffer_clear(&self->separator);
    base_buffer_append(&self->separator, separator.data, separator.length);
    return self->separator.failed ? base_error_no_memory(error) : BASE_OK;
}

static base_status check_leaves(checker *self, const run_directory *node, base_error *error)
{
    for (uint32_t i = 0; i < node->count; i++) {
        run_child child;
        cache_reference leaf;
        uint32_t count = 0;
        if (!index_run_get_child(node, i, &child))
            return index_run_damaged(error);
        cache_reference_load(&leaf, child.fixed);
        RETURN_IF_ERROR(note_separator(self, child.separator, error));
        RETURN_IF_ERROR(check_leaf(self, &leaf, &count, error));
        if (count != base_load_u32(child.fixed + CACHE_REFERENCE_SIZE))
            self->report(self->context, "a node of a key run counts wrongly");
    }
    return BASE_OK;
}

static base_status check_node(checker *self, const run_child *child, base_error *error)
{
    cache_reference node, filter;
    cache_pin pin, filter_pin = {0};
    run_directory leaves;
    uint64_t before = self->entries;
    cache_reference_load(&node, child->fixed);
    cache_reference_load(&filter, child->fixed + CACHE_REFERENCE_SIZE);
    RETURN_IF_ERROR(cache_pin_extent(self->run->file, &node, &pin, error));
    base_status status =
        index_run_parse_node(pin.data, pin.length, &leaves) ? BASE_OK : index_run_damaged(error);
    if (status == BASE_OK && !cache_reference_is_null(&filter))
        status = cache_pin_extent(self->run->file, &filter, &filter_pin, error);
    self->filter = filter_pin.data;
    self->filter_length = filter_pin.length;
    self->bytes += node.length + filter_pin.length;
    if (status == BASE_OK)
        status = check_leaves(self, &leaves, error);
    cache_unpin(self->run->file, &pin);
    cache_unpin(self->run->file, &filter_pin);
    if (status == BASE_OK &&
        self->entries - before != base_load_u32(child->fixed + 2 * CACHE_REFERENCE_SIZE))
        self->report(self->context, "the head of a key run counts a node wrongly");
    return status;
}

static base_status check_all(checker *self, const run_head *head, base_error *error)
{
    for (uint32_t i = 0; i < head->nodes.count; i++) {
        run_child child;
        if (!index_run_get_child(&head->nodes, i, &child))
            return index_run_damaged(error);
        RETURN_IF_ERROR(note_separator(self, child.separator, error));
        RETURN_IF_ERROR(check_node(self, &child, error));
    }
    if (!base_text_equal(run_text(&self->last), head->high))
        self->report(self->context, "a key run does not end where its head says");
    if (self->entries != head->entry_count || self->leaves != head->leaf_count ||
        self->bytes != head->byte_count)
        self->report(self->context, "the head of a key run counts wrongly");
    return BASE_OK;
}

base_status index_run_check(index_run *run, void (*report)(void *context, const char *problem),
                            void *context, base_error *error)
{
    checker self = {.run = run, .report = report, .context = context};
    cache_pin pin;
    run_head head;
    RETURN_IF_ERROR(cache_pin_extent(run->file, &run->reference, &pin, error));
    base_buffer_init(&self.last, run->budget);
    base_buffer_init(&self.strings, run->budget);
    base_buffer_init(&self.separator, run->budget);
    base_status status = index_run_parse_head(pin.data, pin.length, &head)
                             ? check_all(&self, &head, error)
                             : index_run_damaged(error);
    cache_unpin(run->file, &pin);
    base_buffer_destroy(&self.last);
    base_buffer_destroy(&self.strings);
    base_buffer_destroy(&self.separator);
    return status;
}
