/*
 * index_set_cursor.c - ranges of a whole index: the tree and the runs merged.
 *
 * The cursor knows its bounds and the last entry that it gave. A call holds the list of runs;
 * where that is not the one of the call before, all sources are placed anew behind the last
 * entry. After each look at the tree the list's serial is compared once more: entries may
 * just have moved from the tree to a run that this call does not know of. In that case the call
 * begins again. So an entry that was there for the cursor's whole life is never missed, and,
 * as places are made by the last entry alone, none is given twice.
 *
 * While the index has no runs the tree's batches are passed on as they are.
 */
#include "index/set/index_set_int.h"

enum {
    SET_BATCH = 256
};

/* The tree (place 0) or a run. */
typedef struct set_source {
    index_run_cursor *run;
    const index_entry *batch;
    uint32_t count, next;
    bool done;
} set_source;

struct index_set_cursor {
    index_set *set;
    index_cursor *tree;
    index_range range; /* texts point into `low` and `high` */
    base_buffer low, high;
    bool descending, whole_key;
    bool placed;
    uint64_t serial;
    base_buffer last; /* string of the last entry given */
    bool has_last;
    base_buffer from, to; /* bounds for runs, while they are placed */
    set_source *sources;
    uint32_t source_count, source_capacity;
    index_entry entries[SET_BATCH];
};

base_status index_set_cursor_create(index_set *set, index_set_cursor **created, base_error *error)
{
    index_set_cursor *cursor = base_allocate(set->budget, sizeof *cursor);
    if (!cursor)
        return base_error_no_memory(error);
    memset(cursor, 0, offsetof(index_set_cursor, entries));
    cursor->set = set;
    base_buffer_init(&cursor->low, set->budget);
    base_buffer_init(&cursor->high, set->budget);
    base_buffer_init(&cursor->last, set->budget);
    base_buffer_init(&cursor->from, set->budget);
    base_buffer_init(&cursor->to, set->budget);
    base_status status = set->kind->cursor_create(set->tree, &cursor->tree, error);
    if (status != BASE_OK) {
        index_set_cursor_destroy(cursor);
        return status;
    }
    *created = cursor;
    return BASE_OK;
}

static void drop_sources(index_set_cursor *cursor)
{
    for (uint32_t i = 1; i < cursor->source_count; i++)
        index_run_cursor_destroy(cursor->sources[i].run);
    cursor->source_count = 0;
}

void index_set_cursor_destroy(index_set_cursor *cursor)
{
    if (!cursor)
        return;
    base_budget *budget = cursor->set->budget;
    drop_sources(cursor);
    base_free_array(budget, cursor->sources, cursor->source_capacity, sizeof *cursor->sources);
    if (cursor->tree)
        cursor->set->kind->cursor_destroy(cursor->tree);
    base_buffer_destroy(&cursor->low);
    base_buffer_destroy(&cursor->high);
    base_buffer_destroy(&cursor->last);
    base_buffer_destroy(&cursor->from);
    base_buffer_destroy(&cursor->to);
    base_free(budget, cursor, sizeof *cursor);
}

static bool copy_text(base_buffer *to, base_text from, base_text *copy)
{
    *copy = (base_text){NULL, 0};
    if (!from.data)
        return true;
    base_buffer_clear(to);
    base_buffer_append(to, from.data, from.length);
    if (to->failed)
        return false;
    *copy = (base_text){to->data, to->length};
    return true;
}

base_status index_set_cursor_seek(index_set_cursor *cursor, const index_range *range,
                                  bool descending, bool whole_key, base_error *error)
{
    cursor->placed = cursor->has_last = false;
    cursor->descending = descending;
    cursor->whole_key = whole_key;
    cursor->range.low_inclusive = range->low_inclusive;
    cursor->range.high_inclusive = range->high_inclusive;
    if (!copy_text(&cursor->low, range->low, &cursor->range.low) ||
        !copy_text(&cursor->high, range->high, &cursor->range.high))
        return base_error_no_memory(error);
    return BASE_OK;
}

/* ---- Placing the sources --------------------------------------------------------------------- */

/* The smallest string above all that begin with the text; false when there is none. */
static bool to_successor(base_buffer *text)
{
    while (text->length && (unsigned char)text->data[text->length - 1] == 0xFF)
        text->length--;
    if (text->length == 0)
        return false;
    text->data[text->length - 1]++;
    return true;
}

/* What is left of the range, as an index_range for the tree. */
static index_range range_left(const index_set_cursor *cursor)
{
    index_range range = cursor->range;
    base_text last = {cursor->last.data, cursor->last.length};
    if (cursor->has_last && cursor->descending) {
        range.high = last;
        range.high_inclusive = false;
    } else if (cursor->has_last) {
        /* The smallest string above the last is that and a zero byte, which ends the buffer. */
        range.low = (base_text){last.data, last.length + 1};
        range.low_inclusive = true;
    }
    return range;
}

/* The same as bounds of strings; `*empty`: nothing can lie between them. */
static base_status bounds_left(index_set_cursor *cursor, index_run_range *bounds, bool *empty,
                               base_error *error)
{
    index_range range = range_left(cursor);
    *bounds = (index_run_range){.whole_key = cursor->whole_key, .key = cursor->range.low};
    *empty = false;
    if (!copy_text(&cursor->from, range.low, &bounds->from) ||
        !copy_text(&cursor->to, range.high, &bounds->to))
        return base_error_no_memory(error);
    if (bounds->from.data && !range.low_inclusive) {
        *empty = !to_successor(&cursor->from);
        bounds->from.length = cursor->from.length;
    }
    if (bounds->to.data && range.high_inclusive) {
        if (!to_successor(&cursor->to))
            bounds->to.data = NULL;
        bounds->to.length = cursor->to.length;
    }
    return BASE_OK;
}

/* One source for the tree and one for each run of the list. */
static base_status make_sources(index_set_cursor *cursor, const index_set_list *list,
                                base_error *error)
{
    uint32_t count = index_set_run_count(list) + 1;
    drop_sources(cursor);
    if (!base_grow_array(cursor->set->budget, &cursor->sources, &cursor->source_capacity, count,
                         sizeof *cursor->sources))
        return base_error_no_memory(error);
    cursor->sources[0].run = NULL;
    for (cursor->source_count = 1; cursor->source_count < count; cursor->source_count++)
        RETURN_IF_ERROR(index_run_cursor_create(index_set_run_at(list, cursor->source_count - 1),
                                                &cursor->sources[cursor->source_count].run, error));
    return BASE_OK;
}

static base_status place(index_set_cursor *cursor, const index_set_list *list, uint64_t serial,
                         base_error *error)
{
    index_range range = range_left(cursor);
    if (cursor->source_count == 0 || serial != cursor->serial)
        RETURN_IF_ERROR(make_sources(cursor, list, error));
    cursor->serial = serial;
    for (uint32_t i = 0; i < cursor->source_count; i++)
        cursor->sources[i] = (set_source){.run = cursor->sources[i].run};
    RETURN_IF_ERROR(cursor->set->kind->seek(cursor->tree, &range, cursor->descending, error));
    if (cursor->source_count > 1) {
        index_run_range bounds;
        bool empty;
        RETURN_IF_ERROR(bounds_left(cursor, &bounds, &empty, error));
        for (uint32_t i = 1; i < cursor->source_count; i++) {
            cursor->sources[i].done = empty;
            RETURN_IF_ERROR(
                index_run_cursor_seek(cursor->sources[i].run, &bounds, cursor->descending, error));
        }
    }
    cursor->placed = true;
    return BASE_OK;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static bool list_changed(const index_set_cursor *cursor)
{
    return atomic_load_explicit(&cursor->set->serial, memory_order_acquire) != cursor->serial;
}

static base_status remember(index_set_cursor *cursor, const index_entry *last, base_error *error)
{
    char rowid[INDEX_ROWID_SIZE];
    index_rowid_store(last->rowid, rowid);
    base_buffer_clear(&cursor->last);
    base_buffer_append(&cursor->last, last->key.data, last->key.length);
    base_buffer_append(&cursor->last, rowid, sizeof rowid);
    cursor->has_last = true;
    return cursor->last.failed ? base_error_no_memory(error) : BASE_OK;
}

/* BASE_RESTART: the list changed while the tree was looked at. */
static base_status refill(index_set_cursor *cursor, set_source *source, uint32_t limit,
                          base_error *error)
{
    base_status status =
        source->run
            ? index_run_cursor_next(source->run, limit, &source->batch, &source->count, error)
            : cursor->set->kind->next(cursor->tree, limit, &source->batch, &source->count, error);
    source->next = 0;
    source->done = status == BASE_DONE;
    if (!source->run && list_changed(cursor))
        return BASE_RESTART;
    return status == BASE_ROW || status == BASE_DONE ? BASE_OK : status;
}

static int compare_entries(const index_entry *a, const index_entry *b)
{
    int order = base_text_compare(a->key, b->key);
    return order ? order : (a->rowid > b->rowid) - (a->rowid < b->rowid);
}

/* Moves the next entry of all sources to `entry`; false: some source has to be read first, or
 * all have ended. */
static bool take_next(index_set_cursor *cursor, index_entry *entry)
{
    const index_entry *best = NULL;
    for (uint32_t i = 0; i < cursor->source_count; i++) {
        const set_source *source = &cursor->sources[i];
        if (source->done)
            continue;
        if (source->next == source->count)
            return false;
        const index_entry *head = &source->batch[source->next];
        int order = best ? compare_entries(head, best) : -1;
        if (best && cursor->descending)
            order = -order;
        if (order < 0)
            best = head;
    }
    if (!best)
        return false;
    *entry = *best;
    for (uint32_t i = 0; i < cursor->source_count; i++) {
        set_source *source = &cursor->sources[i];
        if (!source->done && compare_entries(&source->batch[source->next], entry) == 0)
            source->next++;
    }
    return true;
}

/* The one source that has not ended, or NULL. */
static set_source *only_source(index_set_cursor *cursor)
{
    set_source *only = NULL;
    for (uint32_t i = 0; i < cursor->source_count; i++) {
        if (cursor->sources[i].done)
            continue;
        if (only)
            return NULL;
        only = &cursor->sources[i];
    }
    return only;
}

/* Entries lie in the sources' batches: once there are some, no source is read again. */
static base_status merge(index_set_cursor *cursor, uint32_t limit, const index_entry **entries,
                         uint32_t *count, base_error *error)
{
    *count = 0;
    for (;;) {
        set_source *only = only_source(cursor);
        if (only && only->next < only->count) { /* nothing to merge with: as they are */
            *entries = only->batch + only->next;
            *count = BASE_MIN(limit, only->count - only->next);
            only->next += *count;
            return BASE_ROW;
        }
        *entries = cursor->entries;
        while (!only && *count < limit && take_next(cursor, &cursor->entries[*count]))
            ++*count;
        if (*count)
            return BASE_ROW;
        bool all_done = true;
        for (uint32_t i = 0; i < cursor->source_count; i++) {
            set_source *source = &cursor->sources[i];
            if (!source->done && source->next == source->count)
                RETURN_IF_ERROR(refill(cursor, source, limit, error));
            all_done &= source->done;
        }
        if (all_done)
            return BASE_DONE;
    }
}

/* With the list held. */
static base_status read_merged(index_set_cursor *cursor, const index_set_list *list,
                               uint64_t serial, uint32_t limit, const index_entry **entries,
                               uint32_t *count, base_error *error)
{
    if (!cursor->placed || serial != cursor->serial) {
        cursor->placed = false; /* also when placing fails */
        RETURN_IF_ERROR(place(cursor, list, serial, error));
    }
    return merge(cursor, limit, entries, count, error);
}

/* While there are no runs; BASE_RESTART: now there are. */
static base_status read_tree(index_set_cursor *cursor, uint32_t limit, const index_entry **entries,
                             uint32_t *count, base_error *error)
{
    if (!cursor->placed) {
        index_range range = range_left(cursor);
        RETURN_IF_ERROR(cursor->set->kind->seek(cursor->tree, &range, cursor->descending, error));
        cursor->placed = true;
        cursor->serial = 0;
    }
    base_status status = cursor->set->kind->next(cursor->tree, limit, entries, count, error);
    return BASE_UNLIKELY(list_changed(cursor)) ? BASE_RESTART : status;
}

base_status index_set_cursor_next(index_set_cursor *cursor, uint32_t limit,
                                  const index_entry **entries, uint32_t *count, base_error *error)
{
    base_status status;
    limit = BASE_MIN(BASE_MAX(limit, 1u), (uint32_t)SET_BATCH);
    do {
        uint64_t serial;
        index_set_list *list = index_set_hold_at(cursor->set, &serial);
        if (BASE_LIKELY(!list)) {
            status = read_tree(cursor, limit, entries, count, error);
        } else {
            status = read_merged(cursor, list, serial, limit, entries, count, error);
            index_set_let_go(list);
        }
    } while (BASE_UNLIKELY(status == BASE_RESTART));
    if (status == BASE_ROW)
        RETURN_IF_ERROR(remember(cursor, &(*entries)[*count - 1], error));
    return status;
}
