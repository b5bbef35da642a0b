/*
 * row_scan.c - rows in order of rowid, a leaf at a time.
 *
 * One call latches one leaf and copies its visible rows, or the next ones up to a limit. Three
 * speeds:
 *   - all rows of the range are visible: the columns are copied as they lie;
 *   - some are deleted or invisible: the stretches between them are copied;
 *   - the leaf is in order of arrival, or read backwards: values are gathered.
 * Where rows have an older version to show, the undo images are laid over.
 * Between calls only a rowid is kept, so leaves may split and vanish in between.
 *
 * Far strings are not copied: they belong to a version that the snapshot sees, and such
 * versions stay where they are while the snapshot is active (row_slab.c).
 */
#include "store/row/row_int.h"

enum {
    MOST_STRETCHES = 256, /* with more of them gathering is as good */
    LOOK_AHEAD = 64,      /* rows that are looked at together: bits of a word */
    MOST_FETCHED = 8,     /* images of a version that are asked for ahead */
};

/* Slots that rise by one. */
typedef struct stretch {
    uint16_t slot, length;
} stretch;

/* The rows to show: slots in the order of output, and for some the record to go back to. */
typedef struct batch {
    uint32_t count;
    bool contiguous; /* slots rise by one; only the first is filled in */
    bool scattered;  /* the stretches do not have all rows */
    uint32_t old_count, stretch_count;
    stretch stretches[MOST_STRETCHES];
    uint16_t slots[VECTOR_SIZE];
    uint16_t old_rows[VECTOR_SIZE]; /* places in the output */
    const row_version *old_versions[VECTOR_SIZE];
    int64_t first_rowid, last_rowid; /* of the entries looked at */
} batch;

static void begin_batch(batch *rows, bool scattered)
{
    rows->count = rows->old_count = rows->stretch_count = 0;
    rows->scattered = scattered;
    rows->contiguous = false;
}

/* `length` slots have been added. */
BASE_INLINE void note_stretch(batch *rows, uint32_t slot, uint32_t length)
{
    stretch *last = rows->stretch_count ? &rows->stretches[rows->stretch_count - 1] : NULL;
    rows->count += length;
    if (last && last->slot + last->length == slot)
        last->length = (uint16_t)(last->length + length);
    else if (!rows->scattered && rows->stretch_count < MOST_STRETCHES)
        rows->stretches[rows->stretch_count++] = (stretch){(uint16_t)slot, (uint16_t)length};
    else
        rows->scattered = true;
}

/* Adds the row in `slot` if the snapshot sees one. Most that come here are deleted. */
static void add_row(batch *rows, const row_slab *slab, uint32_t slot, const txn_snapshot *snapshot)
{
    row_sight sight = row_sight_of(snapshot, slab->stamps[slot]);
    const row_version *version = NULL;
    if (BASE_UNLIKELY(sight == ROW_SIGHT_UNSEEN)) {
        version = row_chain_of(slab, slot);
        while (version && (sight = row_sight_of(snapshot, version->stamp)) == ROW_SIGHT_UNSEEN)
            version = version->older;
    }
    if (sight != ROW_SIGHT_LIVE)
        return;
    if (BASE_UNLIKELY(version != NULL)) {
        /* lay_over comes for the images when the leaf's columns have been copied. */
        for (uint32_t i = 0; i < version->image_count && i < MOST_FETCHED; i++)
            __builtin_prefetch(&version->images[i]);
        rows->old_rows[rows->old_count] = (uint16_t)rows->count;
        rows->old_versions[rows->old_count++] = version;
    }
    rows->slots[rows->count] = (uint16_t)slot;
    note_stretch(rows, slot, 1);
}

static void add_stretch(batch *rows, uint32_t slot, uint32_t length)
{
    if (length == 0)
        return;
    for (uint32_t i = 0; i < length; i++)
        rows->slots[rows->count + i] = (uint16_t)(slot + i);
    note_stretch(rows, slot, length);
}

BASE_INLINE uint32_t eight_above(const uint64_t *stamps, uint64_t limit)
{
    return (uint32_t)(stamps[0] > limit) | (uint32_t)(stamps[1] > limit) << 1 |
           (uint32_t)(stamps[2] > limit) << 2 | (uint32_t)(stamps[3] > limit) << 3 |
           (uint32_t)(stamps[4] > limit) << 4 | (uint32_t)(stamps[5] > limit) << 5 |
           (uint32_t)(stamps[6] > limit) << 6 | (uint32_t)(stamps[7] > limit) << 7;
}

/* Bit i: stamp i is above the limit. By eights, which need no shift by a variable. */
static uint64_t stamps_above(const uint64_t *stamps, uint32_t count, uint64_t limit)
{
    uint64_t bits = 0;
    uint32_t done = 0;
    for (; done + 8 <= count; done += 8)
        bits |= (uint64_t)eight_above(stamps + done, limit) << done;
    for (; done < count; done++)
        bits |= (uint64_t)(stamps[done] > limit) << done;
    return bits;
}

/* Slots [from, to), LOOK_AHEAD at most. The flags of a stamp are its highest bits, so what is not
 * above the snapshot's sequence is there for it. */
static void add_slots(batch *rows, const row_slab *slab, uint32_t from, uint32_t to,
                      const txn_snapshot *snapshot)
{
    const uint32_t first = from;
    uint64_t others = stamps_above(slab->stamps + from, to - from, snapshot->sequence);
    for (uint64_t rest = others; rest; rest &= rest - 1)
        __builtin_prefetch(row_chain_of(slab, first + (uint32_t)__builtin_ctzll(rest)));
    for (; others; others &= others - 1) {
        uint32_t slot = first + (uint32_t)__builtin_ctzll(others);
        add_stretch(rows, from, slot - from);
        add_row(rows, slab, slot, snapshot);
        from = slot + 1;
    }
    add_stretch(rows, from, to - from);
}

/* Looks at entries [from, to) of the leaf. */
static void collect(batch *rows, const row_leaf *leaf, uint32_t from, uint32_t to,
                    const txn_snapshot *snapshot, bool descending)
{
    const row_slab *slab = &leaf->slab;
    bool in_order = slab->ordered && !descending;
    begin_batch(rows, !in_order);
    if (leaf->open_count == 0 && leaf->dead_count == 0 && leaf->sealed_count == 0 &&
        leaf->newest <= snapshot->sequence) {
        rows->count = to - from;
        rows->contiguous = in_order;
        if (in_order) {
            rows->slots[0] = (uint16_t)from;
            return;
        }
        for (uint32_t i = 0; i < to - from; i++)
            rows->slots[i] = (uint16_t)row_slot_at(slab, descending ? to - 1 - i : from + i);
        return;
    }
    for (uint32_t at = from; in_order && at < to; at += LOOK_AHEAD)
        add_slots(rows, slab, at, BASE_MIN(to, at + LOOK_AHEAD), snapshot);
    for (uint32_t i = 0; !in_order && i < to - from; i++)
        add_row(rows, slab, row_slot_at(slab, descending ? to - 1 - i : from + i), snapshot);
    rows->contiguous = !rows->scattered && rows->stretch_count == 1;
}

/* Sets bits `at` .. at + count - 1 of `to`, which were 0, to those from `first` on. */
static void copy_bits(uint64_t *to, uint32_t at, const uint64_t *from, uint32_t first,
                      uint32_t count)
{
    while (count) {
        uint32_t length = BASE_MIN(count, 64 - (at & 63)), shift = first & 63;
        uint64_t bits = from[first >> 6] >> shift;
        if (shift + length > 64)
            bits |= from[(first >> 6) + 1] << (64 - shift);
        if (length < 64)
            bits &= ((uint64_t)1 << length) - 1;
        to[at >> 6] |= bits << (at & 63);
        at += length;
        first += length;
        count -= length;
    }
}

static bool all_set(const uint64_t *bits, uint32_t count)
{
    uint32_t words = count / 64;
    uint64_t all = UINT64_MAX;
    for (uint32_t i = 0; i < words; i++)
        all &= bits[i];
    uint32_t rest = count & 63;
    if (rest)
        all &= bits[words] | UINT64_MAX << rest;
    return all == UINT64_MAX;
}

#define GATHER(size)                                                                               \
    for (uint32_t i = 0; i < rows->count; i++)                                                     \
    memcpy(to + (size_t)i * (size), values + (size_t)rows->slots[i] * (size), (size))

static void gather(const batch *rows, const unsigned char *values, uint32_t size, vector *out)
{
    unsigned char *to = out->own_data;
    switch (size) {
    case 1:
        GATHER(1);
        break;
    case 2:
        GATHER(2);
        break;
    case 4:
        GATHER(4);
        break;
    case 8:
        GATHER(8);
        break;
    default:
        GATHER(16);
        break;
    }
}
#undef GATHER

static void copy_stretches(const batch *rows, const unsigned char *values, const uint64_t *bitmap,
                           uint32_t size, vector *out)
{
    unsigned char *to = out->own_data;
    for (uint32_t i = 0, at = 0; i < rows->stretch_count; i++) {
        const stretch *each = &rows->stretches[i];
        memcpy(to + (size_t)at * size, values + (size_t)each->slot * size,
               (size_t)each->length * size);
        copy_bits(out->own_validity, at, bitmap, each->slot, each->length);
        at += each->length;
    }
}

/* One stored column of the newest versions. */
static void copy_column(const batch *rows, const row_slab *slab, const row_layout_column *column,
                        vector *out)
{
    const unsigned char *values = row_values(slab, column);
    const uint64_t *bitmap = row_bitmap(slab, column);
    out->data = out->own_data;
    out->shape = VECTOR_FLAT;
    memset(out->own_validity, 0, (rows->count + 63) / 64 * sizeof(uint64_t));
    if (rows->contiguous) {
        memcpy(out->own_data, values + (size_t)rows->slots[0] * column->size,
               (size_t)rows->count * column->size);
        copy_bits(out->own_validity, 0, bitmap, rows->slots[0], rows->count);
    } else if (!rows->scattered) {
        copy_stretches(rows, values, bitmap, column->size, out);
    } else {
        gather(rows, values, column->size, out);
        for (uint32_t i = 0; i < rows->count; i++)
            out->own_validity[i >> 6] |= (uint64_t)base_bit_get(bitmap, rows->slots[i]) << (i & 63);
    }
    out->validity = all_set(out->own_validity, rows->count) ? NULL : out->own_validity;
}

static void fill_missing(const batch *rows, const row_column *definition, vector *out)
{
    uint32_t size = types_form_size(definition->form);
    vector_reset(out);
    if (definition->missing_is_null) {
        memset(out->own_validity, 0, (rows->count + 63) / 64 * sizeof(uint64_t));
        out->validity = out->own_validity;
        return;
    }
    for (uint32_t i = 0; i < rows->count; i++)
        row_copy_value((unsigned char *)out->own_data + (size_t)i * size, &definition->missing,
                       size);
}

/* Rowids of the rows; slots give the entries only when they are ordered. */
static void fill_rowids(const batch *rows, const row_slab *slab, vector *out)
{
    int64_t *to = out->own_data;
    vector_reset(out);
    if (!slab->sparse && rows->contiguous) {
        uint64_t first = (uint64_t)slab->base + rows->slots[0];
        for (uint32_t i = 0; i < rows->count; i++)
            to[i] = (int64_t)(first + i);
        return;
    }
    if (!slab->sparse || slab->ordered) {
        for (uint32_t i = 0; i < rows->count; i++) {
            uint32_t slot = rows->contiguous ? rows->slots[0] + i : rows->slots[i];
            to[i] = row_rowid_at(slab, slot);
        }
        return;
    }
    int64_t by_slot[ROW_LEAF_ROWS];
    for (uint32_t entry = 0; entry < slab->count; entry++)
        by_slot[slab->places[entry]] = slab->rowids[entry];
    for (uint32_t i = 0; i < rows->count; i++)
        to[i] = by_slot[rows->slots[i]];
}

static void set_value(vector *out, uint32_t row, const row_image *image)
{
    if (!out->validity && image->is_null)
        vector_make_validity(out);
    if (image->is_null) {
        vector_set_null(out, row);
        return;
    }
    uint32_t size = types_form_size(image->form);
    row_copy_value((unsigned char *)out->own_data + (size_t)row * size, &image->cell, size);
    if (out->validity)
        base_bit_set(out->own_validity, row);
}

/* Takes the rows back to the versions to see. */
static void lay_over(const batch *rows, const row_slab *slab, const uint32_t *columns,
                     uint32_t column_count, vector_chunk *chunk)
{
    for (uint32_t i = 0; i < rows->old_count; i++) {
        uint32_t row = rows->old_rows[i];
        uint32_t slot = rows->contiguous ? rows->slots[0] + row : rows->slots[row];
        const row_version *version = slab->chains[slot];
        for (;; version = version->older) {
            for (uint32_t k = 0; k < version->image_count; k++) {
                for (uint32_t c = 0; c < column_count; c++) {
                    if (columns[c] == version->images[k].column)
                        set_value(&chunk->columns[c], row, &version->images[k]);
                }
            }
            if (version == rows->old_versions[i])
                break;
        }
    }
}

static void emit(const batch *rows, const row_slab *slab, const row_layout *layout,
                 const uint32_t *columns, uint32_t column_count, vector_chunk *chunk)
{
    for (uint32_t c = 0; c < column_count; c++) {
        vector *out = &chunk->columns[c];
        if (columns[c] == ROW_ROWID || layout->columns[columns[c]].definition.is_rowid) {
            fill_rowids(rows, slab, out);
            continue;
        }
        const row_layout_column *stored = row_stored_column(slab->layout, layout, columns[c]);
        if (stored)
            copy_column(rows, slab, stored, out);
        else
            fill_missing(rows, &layout->columns[columns[c]].definition, out);
    }
    if (rows->old_count)
        lay_over(rows, slab, columns, column_count, chunk);
    chunk->count = rows->count;
    chunk->selection = NULL;
}

/* Entries of the latched leaf that lie in the range. */
static void entries_in_range(const row_leaf *leaf, const row_position *position, uint32_t *from,
                             uint32_t *to)
{
    bool descending = position->descending;
    int64_t low = descending ? BASE_MAX(position->last, leaf->low) : position->next;
    int64_t high = descending ? position->next : BASE_MIN(position->last, leaf->high);
    *from = row_slab_search(&leaf->slab, low);
    *to = high == INT64_MAX ? leaf->slab.count : row_slab_search(&leaf->slab, high + 1);
}

/* No more entries than the position's limit; the rowid at which they end: the leaf's border, or
 * that of the last entry. */
static int64_t cut_entries(const row_leaf *leaf, const row_position *position, uint32_t *from,
                           uint32_t *to)
{
    bool descending = position->descending;
    if (!position->limit || *from + position->limit >= *to)
        return descending ? leaf->low : leaf->high;
    if (descending) {
        *from = *to - position->limit;
        return row_rowid_at(&leaf->slab, *from);
    }
    *to = *from + position->limit;
    return row_rowid_at(&leaf->slab, *to - 1);
}

/* Behind the rows looked at, which end at `border`. */
static void move_on(row_position *position, int64_t border)
{
    bool descending = position->descending;
    position->done = descending ? border <= position->last : border >= position->last;
    if (!position->done)
        position->next = border + (descending ? -1 : 1);
}

static void fill_stamps(const batch *rows, const row_slab *slab, uint64_t *stamps)
{
    for (uint32_t i = 0; i < rows->count; i++)
        stamps[i] = slab->stamps[rows->contiguous ? rows->slots[0] + i : rows->slots[i]];
    for (uint32_t i = 0; i < rows->old_count; i++)
        stamps[rows->old_rows[i]] = rows->old_versions[i]->stamp;
}

base_status row_scan(row_tree *tree, const row_layout *layout, const txn_snapshot *snapshot,
                     row_position *position, const uint32_t *columns, uint32_t column_count,
                     vector_chunk *chunk)
{
    return row_scan_stamped(tree, layout, snapshot, position, columns, column_count, chunk, NULL);
}

base_status row_scan_stamped(row_tree *tree, const row_layout *layout, const txn_snapshot *snapshot,
                             row_position *position, const uint32_t *columns, uint32_t column_count,
                             vector_chunk *chunk, uint64_t *stamps)
{
    batch rows;
    while (!position->done) {
        row_leaf *leaf = row_leaf_lock_shared(tree, position->next);
        const row_slab *slab = &leaf->slab;
        uint32_t from, to;
        entries_in_range(leaf, position, &from, &to);
        int64_t border = cut_entries(leaf, position, &from, &to);
        rows.count = 0;
        if (from < to)
            collect(&rows, leaf, from, to, snapshot, position->descending);
        if (rows.count)
            emit(&rows, slab, layout, columns, column_count, chunk);
        if (rows.count && stamps)
            fill_stamps(&rows, slab, stamps);
        os_latch_unlock_shared(&leaf->latch);
        move_on(position, border);
        if (rows.count)
            return BASE_ROW;
    }
    return BASE_DONE;
}

/* Where slots tell rowids: the rowid of row `row` of the batch. */
static int64_t rowid_of_row(const batch *rows, const row_slab *slab, uint32_t row)
{
    return row_rowid_at(slab, rows->contiguous ? rows->slots[0] + row : rows->slots[row]);
}

void row_skip(row_tree *tree, const txn_snapshot *snapshot, row_position *position, uint64_t *rows)
{
    batch found;
    bool stop = false;
    while (*rows && !position->done && !stop) {
        row_leaf *leaf = row_leaf_lock_shared(tree, position->next);
        bool slots_tell = !leaf->slab.sparse || leaf->slab.ordered;
        uint32_t from, to;
        entries_in_range(leaf, position, &from, &to);
        found.count = 0;
        if (from < to)
            collect(&found, leaf, from, to, snapshot, position->descending);
        int64_t border = position->descending ? leaf->low : leaf->high;
        stop = found.count > *rows;
        if (!stop) {
            *rows -= found.count;
        } else if (slots_tell) {
            position->next = rowid_of_row(&found, &leaf->slab, (uint32_t)*rows);
            *rows = 0;
        }
        os_latch_unlock_shared(&leaf->latch);
        if (!stop)
            move_on(position, border);
    }
}

/* ---- Sealing ------------------------------------------------------------------------------- */

/* Rows that everybody sees, in place, with nothing behind them. */
static void collect_settled(batch *rows, const row_slab *slab, uint32_t from, uint32_t to,
                            uint64_t newest, uint64_t *stamps)
{
    begin_batch(rows, true);
    for (uint32_t entry = from; entry < to; entry++) {
        uint32_t slot = row_slot_at(slab, entry);
        uint64_t stamp = slab->stamps[slot];
        if (stamp > newest || row_chain_of(slab, slot))
            continue; /* flags are high bits: open, deleted and sealed rows are all above */
        stamps[rows->count] = stamp;
        rows->slots[rows->count++] = (uint16_t)slot;
    }
    rows->contiguous = slab->ordered && rows->count == to - from;
}

base_status row_collect(row_tree *tree, const row_layout *layout, uint64_t newest,
                        row_position *position, const uint32_t *columns, uint32_t column_count,
                        vector_chunk *chunk, uint64_t *stamps)
{
    batch rows;
    BASE_ASSERT(!position->descending && newest < ROW_SEALED);
    while (!position->done) {
        row_leaf *leaf = row_leaf_lock_shared(tree, position->next);
        uint32_t from, to;
        entries_in_range(leaf, position, &from, &to);
        rows.count = 0;
        if (from < to)
            collect_settled(&rows, &leaf->slab, from, to, newest, stamps);
        if (rows.count)
            emit(&rows, &leaf->slab, layout, columns, column_count, chunk);
        int64_t border = leaf->high;
        os_latch_unlock_shared(&leaf->latch);
        move_on(position, border);
        if (rows.count)
            return BASE_ROW;
    }
    return BASE_DONE;
}

bool row_tree_has_rows(const row_tree *tree, int64_t first, int64_t last)
{
    row_position position = {.next = first, .last = last, .done = first > last};
    bool found = false;
    while (!position.done && !found) {
        row_leaf *leaf = row_leaf_lock_shared(tree, position.next);
        uint32_t from, to;
        entries_in_range(leaf, &position, &from, &to);
        bool none = leaf->slab.count == leaf->free_count;
        for (uint32_t entry = from; entry < to && !none && !found; entry++)
            found = leaf->slab.stamps[row_slot_at(&leaf->slab, entry)] != ROW_DELETED;
        int64_t border = leaf->high;
        os_latch_unlock_shared(&leaf->latch);
        move_on(&position, border);
    }
    return found;
}
