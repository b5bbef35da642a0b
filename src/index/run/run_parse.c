/*
 * run_parse.c - reading the bytes of heads, nodes and leaves.
 *
 * The buffer cache has compared each extent's checksum with what its parent holds, so what
 * arrives here was written by this library, or by somebody who can forge checksums. Nothing
 * is believed all the same: every place and length is compared with the extent before it is
 * used, and what does not fit is BASE_CORRUPT. Checks are made where a value is used, not in
 * a pass over the whole: a lookup touches a few children of a head that may list thousands.
 */
#include "index/run/run_int.h"

base_status index_run_damaged(base_error *error)
{
    return base_error_set(error, BASE_CORRUPT, "a key run of an index is damaged");
}

/* ---- Directories ----------------------------------------------------------------------------- */

static bool open_directory(run_directory *directory, const unsigned char *bytes, size_t length,
                           size_t places, uint32_t count, uint32_t fixed)
{
    *directory = (run_directory){bytes, length, places, count, fixed};
    return count > 0 && places <= length && (length - places) / sizeof(uint32_t) >= count;
}

bool index_run_parse_head(const void *data, size_t length, run_head *head)
{
    const unsigned char *bytes = data;
    if (length < RUN_HEAD_SIZE || base_load_u32(bytes + RUN_HEAD_MAGIC) != RUN_MAGIC ||
        base_load_u32(bytes + RUN_HEAD_VERSION) != RUN_VERSION)
        return false;
    size_t low = base_load_u32(bytes + RUN_HEAD_LOW), high = base_load_u32(bytes + RUN_HEAD_HIGH);
    if (low > INDEX_MAX_STRING || high > INDEX_MAX_STRING || length - RUN_HEAD_SIZE < low + high)
        return false;
    head->entry_count = base_load_u64(bytes + RUN_HEAD_ENTRIES);
    head->byte_count = base_load_u64(bytes + RUN_HEAD_BYTES);
    head->leaf_count = base_load_u32(bytes + RUN_HEAD_LEAVES);
    head->low = (base_text){(const char *)bytes + RUN_HEAD_SIZE, low};
    head->high = (base_text){(const char *)bytes + RUN_HEAD_SIZE + low, high};
    return open_directory(&head->nodes, bytes, length, RUN_HEAD_SIZE + low + high,
                          base_load_u32(bytes + RUN_HEAD_NODES), RUN_HEAD_FIXED);
}

bool index_run_parse_node(const void *bytes, size_t length, run_directory *node)
{
    return length >= RUN_NODE_HEAD &&
           open_directory(node, bytes, length, RUN_NODE_HEAD, base_load_u32(bytes), RUN_NODE_FIXED);
}

bool index_run_get_child(const run_directory *directory, uint32_t place, run_child *child)
{
    if (place >= directory->count)
        return false;
    size_t at = base_load_u32(directory->bytes + directory->places + place * sizeof(uint32_t));
    size_t head = directory->fixed + sizeof(uint16_t);
    if (at > directory->length || directory->length - at < head)
        return false;
    size_t separator = base_load_u16(directory->bytes + at + directory->fixed);
    if (directory->length - at - head < separator)
        return false;
    child->fixed = directory->bytes + at;
    child->separator = (base_text){(const char *)directory->bytes + at + head, separator};
    return true;
}

bool index_run_find_child(const run_directory *directory, base_text string, bool below,
                          uint32_t *place)
{
    uint32_t low = 0, high = directory->count;
    if (!string.data) {
        *place = below ? directory->count - 1 : 0;
        return true;
    }
    while (low < high) { /* children before `low` begin at or below, those from `high` above */
        uint32_t middle = low + (high - low) / 2;
        run_child child;
        if (!index_run_get_child(directory, middle, &child))
            return false;
        int order = base_text_compare(child.separator, string);
        if (below ? order < 0 : order <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    *place = low ? low - 1 : 0;
    return true;
}

/* ---- Leaves ---------------------------------------------------------------------------------- */

bool index_run_parse_leaf(const void *data, size_t length, run_leaf *leaf)
{
    const unsigned char *bytes = data;
    if (length < RUN_LEAF_HEAD)
        return false;
    *leaf = (run_leaf){bytes, length, base_load_u32(bytes), base_load_u32(bytes + 4)};
    return leaf->count > 0 && leaf->count <= length &&
           leaf->interval_count == (leaf->count + RUN_INTERVAL - 1) / RUN_INTERVAL &&
           (length - RUN_LEAF_HEAD) / sizeof(uint16_t) >= leaf->interval_count;
}

/* Where an interval's bytes begin and end. */
static bool interval_bytes(const run_leaf *leaf, uint32_t interval, size_t *start, size_t *end)
{
    const unsigned char *places = leaf->bytes + RUN_LEAF_HEAD;
    if (interval >= leaf->interval_count)
        return false;
    *start = base_load_u16(places + interval * sizeof(uint16_t));
    *end = interval + 1 < leaf->interval_count
               ? base_load_u16(places + (interval + 1) * sizeof(uint16_t))
               : leaf->length;
    return *start <= *end && *end <= leaf->length;
}

/* Groups of seven bits, the lowest first. */
static bool get_long_number(const run_leaf *leaf, size_t *at, size_t end, uint64_t *value)
{
    *value = 0;
    for (uint32_t shift = 0; shift < 64 && *at < end; shift += 7) {
        uint64_t byte = leaf->bytes[(*at)++];
        *value |= (byte & 0x7F) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

/* Most numbers are lengths of one byte. */
BASE_INLINE bool get_number(const run_leaf *leaf, size_t *at, size_t end, uint64_t *value)
{
    if (BASE_UNLIKELY(*at >= end || leaf->bytes[*at] >= 0x80))
        return get_long_number(leaf, at, end, value);
    *value = leaf->bytes[(*at)++];
    return true;
}

/* An entry as it is stored. */
typedef struct stored_entry {
    size_t shared;  /* bytes of the key before */
    base_text rest; /* of the key */
    uint64_t rowid; /* with the one before added */
} stored_entry;

BASE_INLINE bool get_entry(const run_leaf *leaf, size_t *at, size_t end, size_t shared_at_most,
                           uint64_t rowid_before, stored_entry *entry)
{
    uint64_t shared, rest, difference;
    if (!get_number(leaf, at, end, &shared) || !get_number(leaf, at, end, &rest) ||
        shared > shared_at_most || rest > end - *at ||
        shared + rest > INDEX_MAX_STRING - INDEX_ROWID_SIZE) /* R2 */
        return false;
    entry->shared = (size_t)shared;
    entry->rest = (base_text){(const char *)leaf->bytes + *at, (size_t)rest};
    *at += (size_t)rest;
    if (!get_number(leaf, at, end, &difference))
        return false;
    entry->rowid = rowid_before + (difference >> 1 ^ (UINT64_C(0) - (difference & 1)));
    return true;
}

/* Compares the string of key and rowid with another one. */
static int compare_entry(const stored_entry *entry, base_text string)
{
    char rowid[INDEX_ROWID_SIZE];
    base_text head = {string.data, BASE_MIN(string.length, entry->rest.length)};
    base_text tail = {string.data + head.length, string.length - head.length};
    int order = base_text_compare(entry->rest, head);
    if (order != 0)
        return order;
    index_rowid_store((int64_t)entry->rowid, rowid);
    return base_text_compare((base_text){rowid, sizeof rowid}, tail);
}

/* Does the interval begin at or below the string (`below`: below it)? */
static bool begins_before(const run_leaf *leaf, uint32_t interval, base_text string, bool below,
                          bool *before)
{
    stored_entry first;
    size_t at, end;
    if (!interval_bytes(leaf, interval, &at, &end) || !get_entry(leaf, &at, end, 0, 0, &first))
        return false;
    int order = compare_entry(&first, string);
    *before = below ? order < 0 : order <= 0;
    return true;
}

bool index_run_find_interval(const run_leaf *leaf, base_text string, bool below, uint32_t hint,
                             uint32_t *place)
{
    uint32_t low = 0, high = leaf->interval_count;
    if (!string.data) {
        *place = below ? leaf->interval_count - 1 : 0;
        return true;
    }
    bool before = true;
    /* In steps that double as long as intervals lie before the string. */
    for (uint32_t at = hint, step = 1; before && at > 0 && at < high; at += step, step *= 2) {
        if (!begins_before(leaf, at, string, below, &before))
            return false;
        if (before)
            low = at + 1;
        else
            high = at;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (!begins_before(leaf, middle, string, below, &before))
            return false;
        if (before)
            low = middle + 1;
        else
            high = middle;
    }
    *place = low ? low - 1 : 0;
    return true;
}

base_status index_run_decode_interval(const run_leaf *leaf, uint32_t interval, run_strings *strings,
                                      base_error *error)
{
    size_t at, end, key_before = 0;
    uint64_t rowid = 0;
    if (!interval_bytes(leaf, interval, &at, &end))
        return index_run_damaged(error);
    base_buffer *bytes = strings->bytes;
    uint32_t count = BASE_MIN((uint32_t)RUN_INTERVAL, leaf->count - interval * RUN_INTERVAL);
    for (strings->count = 0; strings->count < count; strings->count++) {
        stored_entry entry;
        if (!get_entry(leaf, &at, end, key_before, rowid, &entry))
            return index_run_damaged(error);
        size_t key = entry.shared + entry.rest.length;
        if (!base_buffer_reserve(bytes, key + INDEX_ROWID_SIZE))
            return base_error_no_memory(error);
        char *to = bytes->data + bytes->length;
        if (entry.shared)
            memcpy(to, to - key_before - INDEX_ROWID_SIZE, entry.shared);
        memcpy(to + entry.shared, entry.rest.data, entry.rest.length);
        index_rowid_store((int64_t)entry.rowid, to + key);
        bytes->length += key + INDEX_ROWID_SIZE;
        strings->ends[strings->count] = (uint32_t)bytes->length;
        key_before = key;
        rowid = entry.rowid;
    }
    return BASE_OK;
}

/* ---- Windows --------------------------------------------------------------------------------- */

/* Nearly always a few bytes, for which a call costs more than the copy. */
BASE_INLINE void copy_bytes(char *to, const char *from, size_t length)
{
    if (length > 16) {
        memcpy(to, from, length);
    } else if (length >= 8) {
        memcpy(to, from, 8);
        memcpy(to + length - 8, from + length - 8, 8);
    } else {
        for (size_t i = 0; i < length; i++)
            to[i] = from[i];
    }
}

/* Is the string, which shares `shared` bytes with the one before, below the bound as that was?
 * Where it shares more than that one did with the bound, the byte that decides is the same. */
BASE_INLINE bool is_below(base_text string, size_t shared, run_bound *bound)
{
    if (shared > bound->common)
        return true;
    size_t at = 0, end = BASE_MIN(string.length, bound->string.length);
    while (at < end && string.data[at] == bound->string.data[at])
        at++;
    bound->common = at;
    if (at == bound->string.length)
        return false;
    return at == string.length ||
           (unsigned char)string.data[at] < (unsigned char)bound->string.data[at];
}

/*
 * A string is put together behind those that were taken. One that lies below the window is not
 * taken: the next one is made in its place, where the bytes that both share are already.
 */
base_status index_run_take_interval(const run_leaf *leaf, uint32_t interval, run_window *window,
                                    base_error *error)
{
    size_t at, end, key_before = 0;
    uint64_t rowid = 0;
    bool taken = false, compared = false; /* the string before was; with the upper bound */
    if (!interval_bytes(leaf, interval, &at, &end))
        return index_run_damaged(error);
    base_buffer *bytes = window->bytes;
    uint32_t count = BASE_MIN((uint32_t)RUN_INTERVAL, leaf->count - interval * RUN_INTERVAL);
    window->from.common = window->to.common = 0;
    for (uint32_t i = 0; i < count; i++) {
        stored_entry entry;
        if (!get_entry(leaf, &at, end, key_before, rowid, &entry))
            return index_run_damaged(error);
        size_t key = entry.shared + entry.rest.length, length = key + INDEX_ROWID_SIZE;
        if (bytes->capacity - bytes->length <= length && !base_buffer_reserve(bytes, length))
            return base_error_no_memory(error);
        char *to = bytes->data + bytes->length;
        if (taken)
            copy_bytes(to, to - key_before - INDEX_ROWID_SIZE, entry.shared);
        copy_bytes(to + entry.shared, entry.rest.data, entry.rest.length);
        index_rowid_store((int64_t)entry.rowid, to + key);
        key_before = key;
        rowid = entry.rowid;
        base_text string = {to, length};
        taken = window->entered || !window->from.string.data ||
                !is_below(string, entry.shared, &window->from);
        if (!taken)
            continue;
        window->entered = true;
        window->ended =
            window->to.string.data && !is_below(string, compared ? entry.shared : 0, &window->to);
        if (window->ended)
            return BASE_OK;
        compared = true;
        window->starts[window->count] = (uint32_t)bytes->length;
        window->lengths[window->count++] = (uint32_t)length;
        bytes->length += length;
    }
    return BASE_OK;
}
