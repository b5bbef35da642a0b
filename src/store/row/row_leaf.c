/*
 * row_leaf.c - leaves: latching the right one, and making room in it.
 *
 * A leaf is dense while its rowids lie close together: then a row's slot is its rowid less the
 * base, found without a search. It turns sparse (sorted rowids beside slots in order of
 * arrival) when gaps would waste more than half, and is cut in two when it is full. Rising
 * rowids, the usual case, never move a row: a full leaf is left as it is and the next rowid
 * begins a new one.
 *
 * Order of locks: structure mutex, then leaf latches from left to right. A writer that finds
 * its leaf full lets the latch go, takes the mutex and looks again.
 *
 * Invariants
 *   I7  every rowid belongs to exactly one linked leaf: fences neither overlap nor leave gaps.
 *   I8  a leaf's counts of open, dead, free and versioned rows are those of its slots.
 */
#include "store/row/row_int.h"

static row_leaf *guess_leaf(const row_tree *tree, int64_t rowid)
{
    return row_directory_find(tree, rowid);
}

static bool belongs(const row_leaf *leaf, int64_t rowid)
{
    return BASE_LIKELY(leaf->linked && rowid >= leaf->low && rowid <= leaf->high);
}

row_leaf *row_leaf_lock(row_tree *tree, int64_t rowid)
{
    for (;;) {
        row_leaf *leaf = guess_leaf(tree, rowid);
        os_latch_lock(&leaf->latch);
        if (belongs(leaf, rowid))
            return leaf;
        os_latch_unlock(&leaf->latch); /* it was split or unlinked since it was found */
    }
}

row_leaf *row_leaf_lock_shared(const row_tree *tree, int64_t rowid)
{
    for (;;) {
        row_leaf *leaf = guess_leaf(tree, rowid);
        os_latch_lock_shared(&leaf->latch);
        if (belongs(leaf, rowid))
            return leaf;
        os_latch_unlock_shared(&leaf->latch);
    }
}

/* ---- Counts -------------------------------------------------------------------------------- */

static void count_slot(row_leaf *leaf, uint64_t stamp, uint32_t by)
{
    leaf->open_count += stamp & TXN_ID_BIT ? by : 0;
    leaf->dead_count += stamp & ROW_DELETED ? by : 0;
    leaf->free_count += stamp == ROW_DELETED ? by : 0;
    leaf->sealed_count += row_is_sealed(stamp) ? by : 0;
}

void row_leaf_set_stamp(row_leaf *leaf, uint32_t slot, uint64_t stamp)
{
    count_slot(leaf, leaf->slab.stamps[slot], (uint32_t)-1);
    count_slot(leaf, stamp, 1);
    leaf->slab.stamps[slot] = stamp;
    uint64_t sequence = stamp & ~ROW_DELETED;
    if (!(stamp & TXN_ID_BIT) && !row_is_sealed(stamp) && sequence > leaf->newest)
        leaf->newest = sequence;
}

void row_leaf_recount(row_leaf *leaf)
{
    leaf->open_count = leaf->dead_count = leaf->free_count = leaf->version_count = 0;
    leaf->sealed_count = 0;
    leaf->newest = 0;
    for (uint32_t entry = 0; entry < leaf->slab.count; entry++) {
        uint32_t slot = row_slot_at(&leaf->slab, entry);
        uint64_t stamp = leaf->slab.stamps[slot];
        count_slot(leaf, stamp, 1);
        if (!(stamp & TXN_ID_BIT) && !row_is_sealed(stamp) && (stamp & ~ROW_DELETED) > leaf->newest)
            leaf->newest = stamp & ~ROW_DELETED;
        leaf->version_count += row_chain_of(&leaf->slab, slot) != NULL;
    }
}

void row_leaf_free_slot(row_leaf *leaf, uint32_t slot)
{
    row_slab *slab = &leaf->slab;
    BASE_ASSERT(!row_chain_of(slab, slot));
    row_leaf_set_stamp(leaf, slot, ROW_DELETED);
    /* A tail of free slots is given up, so that taken-back insertions leave no trace. */
    while (slab->count && slab->ordered && slab->stamps[slab->count - 1] == ROW_DELETED) {
        slab->count--;
        leaf->dead_count--;
        leaf->free_count--;
    }
}

/* ---- Replacing the slab ---------------------------------------------------------------------- */

/* Strings of columns that the new layout does not have go with the old slab. */
static void free_lost_columns(row_tree *tree, const row_slab *old, const row_layout *layout)
{
    if (old->layout == layout)
        return;
    for (uint32_t c = 0; c < old->layout->column_count; c++) {
        const row_layout_column *column = &old->layout->columns[c];
        bool kept = c < layout->column_count &&
                    layout->columns[c].definition.birth == column->definition.birth;
        if (kept || !column->stored || column->definition.form != TYPES_FORM_STRING)
            continue;
        for (uint32_t entry = 0; entry < old->count; entry++) {
            uint32_t slot = row_slot_at(old, entry);
            bool is_null;
            types_cell cell = row_slab_get(old, column, slot, &is_null);
            if (old->stamps[slot] != ROW_DELETED && !is_null)
                row_string_free(tree->budget, TYPES_FORM_STRING, &cell);
        }
    }
}

/* All of the leaf's rows in a new slab. */
static base_status rebuild(row_tree *tree, row_leaf *leaf, row_layout *layout, uint32_t capacity,
                           bool sparse, base_error *error)
{
    row_slab slab;
    RETURN_IF_ERROR(row_slab_create(tree, layout, capacity, sparse, &slab, error));
    if (leaf->slab.data) {
        base_status status = row_slab_copy(tree, &leaf->slab, 0, leaf->slab.count, &slab, error);
        if (status != BASE_OK) {
            row_slab_destroy(tree, &slab);
            return status;
        }
        free_lost_columns(tree, &leaf->slab, layout);
        row_slab_destroy(tree, &leaf->slab);
    }
    leaf->slab = slab;
    row_leaf_recount(leaf);
    return BASE_OK;
}

base_status row_leaf_use_layout(row_tree *tree, row_leaf *leaf, row_layout *layout,
                                base_error *error)
{
    if (BASE_LIKELY(leaf->slab.layout == layout) || !leaf->slab.data)
        return BASE_OK;
    /* Where rows got so wide that fewer should share a leaf, a fuller one stays as it is. */
    uint32_t capacity = leaf->slab.capacity;
    if (leaf->slab.count <= layout->max_rows)
        capacity = BASE_MIN(capacity, layout->max_rows);
    return rebuild(tree, leaf, layout, capacity, leaf->slab.sparse, error);
}

static uint32_t live_count(const row_leaf *leaf)
{
    return leaf->slab.count - leaf->free_count;
}

static uint32_t grown(const row_slab *slab, const row_layout *layout, uint32_t needed)
{
    uint32_t capacity = slab->data ? slab->capacity : layout->first_rows;
    while (capacity < needed)
        capacity *= 2;
    return BASE_MIN(capacity, BASE_MAX(layout->max_rows, needed));
}

/* ---- A place for a new row ------------------------------------------------------------------- */

typedef enum place_answer {
    PLACE_FOUND,
    PLACE_NEEDS_LEAF, /* the leaf is full or the rowid lies outside of what it can take */
    PLACE_NO_MEMORY,
} place_answer;

static void add_free_slots(row_leaf *leaf, uint32_t count)
{
    row_slab *slab = &leaf->slab;
    while (slab->count < count) {
        slab->stamps[slab->count++] = ROW_DELETED;
        leaf->dead_count++;
        leaf->free_count++;
    }
}

/* Dense, and the slot lies behind the last one. */
static place_answer extend_dense(row_tree *tree, row_leaf *leaf, row_layout *layout,
                                 uint32_t distance, uint32_t *slot, base_error *error)
{
    row_slab *slab = &leaf->slab;
    if (distance >= slab->capacity &&
        rebuild(tree, leaf, layout, grown(slab, layout, distance + 1), false, error) != BASE_OK)
        return PLACE_NO_MEMORY;
    add_free_slots(leaf, distance + 1);
    *slot = distance;
    return PLACE_FOUND;
}

static place_answer insert_sparse(row_tree *tree, row_leaf *leaf, row_layout *layout, int64_t rowid,
                                  uint32_t *slot, base_error *error)
{
    row_slab *slab = &leaf->slab;
    if (slab->count == slab->capacity) {
        /* Grown, or the same again without the free slots. */
        if (slab->capacity >= layout->max_rows && leaf->free_count < slab->capacity / 8)
            return PLACE_NEEDS_LEAF;
        uint32_t capacity = grown(slab, layout, live_count(leaf) + 1);
        if (rebuild(tree, leaf, layout, capacity, true, error) != BASE_OK)
            return PLACE_NO_MEMORY;
    }
    uint32_t entry = row_slab_search(slab, rowid);
    uint32_t behind = slab->count - entry;
    memmove(&slab->rowids[entry + 1], &slab->rowids[entry], behind * sizeof *slab->rowids);
    memmove(&slab->places[entry + 1], &slab->places[entry], behind * sizeof *slab->places);
    slab->rowids[entry] = rowid;
    slab->places[entry] = (uint16_t)slab->count;
    slab->ordered &= behind == 0;
    slab->stamps[slab->count] = ROW_DELETED;
    leaf->dead_count++;
    leaf->free_count++;
    *slot = slab->count++;
    return PLACE_FOUND;
}

static place_answer find_place(row_tree *tree, row_leaf *leaf, row_layout *layout, int64_t rowid,
                               uint32_t *slot, base_error *error)
{
    row_slab *slab = &leaf->slab;
    *slot = row_slab_find(slab, rowid);
    if (slab->data && *slot != UINT32_MAX)
        return PLACE_FOUND;
    if (slab->count == 0) {
        /* Whatever it was, it starts anew from this rowid. */
        if ((!slab->data || slab->sparse) &&
            rebuild(tree, leaf, layout, layout->first_rows, false, error) != BASE_OK)
            return PLACE_NO_MEMORY;
        slab->base = rowid;
    }
    if (slab->sparse)
        return insert_sparse(tree, leaf, layout, rowid, slot, error);
    uint64_t distance = (uint64_t)rowid - (uint64_t)slab->base;
    uint32_t live = live_count(leaf);
    if (rowid >= slab->base && distance < layout->max_rows && distance < 2 * (uint64_t)live + 32)
        return extend_dense(tree, leaf, layout, (uint32_t)distance, slot, error);
    if (live >= layout->max_rows / 2)
        return PLACE_NEEDS_LEAF;
    if (rebuild(tree, leaf, layout, grown(slab, layout, live + 1), true, error) != BASE_OK)
        return PLACE_NO_MEMORY;
    return insert_sparse(tree, leaf, layout, rowid, slot, error);
}

/* ---- New leaves: under the structure mutex --------------------------------------------------- */

static row_leaf *take_leaf(row_tree *tree, base_error *error)
{
    row_leaf *leaf = tree->unused_leaves;
    if (leaf) {
        tree->unused_leaves = leaf->next_unused;
        return leaf;
    }
    leaf = base_allocate_zeroed(tree->budget, sizeof *leaf);
    if (!leaf)
        base_error_no_memory(error);
    else
        os_latch_init(&leaf->latch);
    return leaf;
}

static void link_leaf(row_tree *tree, row_leaf *leaf, int64_t low, int64_t high)
{
    leaf->low = low;
    leaf->high = high;
    leaf->linked = true;
    row_directory_insert(tree, low, leaf);
}

/* The upper half of a full sparse leaf moves to a new one. */
static base_status split(row_tree *tree, row_leaf *leaf, row_leaf *upper, base_error *error)
{
    row_slab *slab = &leaf->slab;
    uint32_t middle = slab->count / 2;
    int64_t border = row_rowid_at(slab, middle);
    row_slab low_part, high_part;
    uint32_t capacity = slab->capacity;
    RETURN_IF_ERROR(row_slab_create(tree, slab->layout, capacity, true, &low_part, error));
    base_status status = row_slab_create(tree, slab->layout, capacity, true, &high_part, error);
    if (status == BASE_OK) {
        status = row_slab_copy(tree, slab, 0, middle, &low_part, error);
        if (status == BASE_OK)
            status = row_slab_copy(tree, slab, middle, slab->count, &high_part, error);
        if (status != BASE_OK)
            row_slab_destroy(tree, &high_part);
    }
    if (status != BASE_OK) {
        row_slab_destroy(tree, &low_part);
        return status;
    }
    row_slab_destroy(tree, slab);
    leaf->slab = low_part;
    upper->slab = high_part;
    row_leaf_recount(leaf);
    row_leaf_recount(upper);
    int64_t high = leaf->high;
    leaf->high = border - 1;
    link_leaf(tree, upper, border, high);
    return BASE_OK;
}

/* Gives the full leaf a neighbour: an empty one beside its rows where the rowid lies outside
 * of them, else half of its rows. */
static base_status add_leaf(row_tree *tree, row_leaf *leaf, int64_t rowid, base_error *error)
{
    row_slab *slab = &leaf->slab;
    RETURN_IF_ERROR(row_directory_reserve(tree, error));
    row_leaf *other = take_leaf(tree, error);
    if (!other)
        return BASE_OUT_OF_MEMORY;
    base_status status = BASE_OK;
    int64_t first = row_rowid_at(slab, 0), last = row_rowid_at(slab, slab->count - 1);
    if (rowid > last) {
        int64_t high = leaf->high;
        leaf->high = rowid - 1;
        link_leaf(tree, other, rowid, high);
    } else if (rowid < first) {
        /* The old leaf keeps its key in the directory and gets the new rows; its rows go to
         * the new leaf above. */
        other->slab = *slab;
        memset(slab, 0, sizeof *slab);
        int64_t high = leaf->high;
        leaf->high = first - 1;
        row_leaf_recount(leaf);
        row_leaf_recount(other);
        link_leaf(tree, other, first, high);
    } else {
        status = split(tree, leaf, other, error);
    }
    if (status != BASE_OK) {
        other->next_unused = tree->unused_leaves;
        tree->unused_leaves = other;
    }
    return status;
}

base_status row_leaf_make_place(row_tree *tree, row_layout *layout, int64_t rowid, row_leaf **leaf,
                                uint32_t *slot, base_error *error)
{
    base_status status = row_leaf_use_layout(tree, *leaf, layout, error);
    place_answer answer = PLACE_NO_MEMORY;
    if (status == BASE_OK)
        answer = find_place(tree, *leaf, layout, rowid, slot, error);
    while (answer == PLACE_NEEDS_LEAF) {
        os_latch_unlock(&(*leaf)->latch);
        os_mutex_lock(&tree->structure);
        *leaf = row_leaf_lock(tree, rowid);
        status = row_leaf_use_layout(tree, *leaf, layout, error);
        answer = status == BASE_OK ? find_place(tree, *leaf, layout, rowid, slot, error)
                                   : PLACE_NO_MEMORY;
        if (answer == PLACE_NEEDS_LEAF) {
            if (add_leaf(tree, *leaf, rowid, error) == BASE_OK) {
                os_latch_unlock(&(*leaf)->latch);
                *leaf = row_leaf_lock(tree, rowid);
                status = row_leaf_use_layout(tree, *leaf, layout, error);
                answer = status == BASE_OK ? find_place(tree, *leaf, layout, rowid, slot, error)
                                           : PLACE_NO_MEMORY;
            } else {
                answer = PLACE_NO_MEMORY;
            }
        }
        os_mutex_unlock(&tree->structure);
    }
    if (answer == PLACE_FOUND)
        return BASE_OK;
    os_latch_unlock(&(*leaf)->latch);
    *leaf = NULL;
    return BASE_OUT_OF_MEMORY;
}

base_status row_leaf_make_run(row_tree *tree, row_layout *layout, int64_t rowid, row_leaf **leaf,
                              uint32_t *slot, uint32_t *length, base_error *error)
{
    RETURN_IF_ERROR(row_leaf_make_place(tree, layout, rowid, leaf, slot, error));
    row_slab *slab = &(*leaf)->slab;
    uint64_t wanted = BASE_MIN(*length, (uint64_t)(*leaf)->high - (uint64_t)rowid + 1);
    *length = 1;
    if (slab->sparse || *slot + 1 != slab->count || *slot >= layout->max_rows)
        return BASE_OK;
    wanted = BASE_MIN(wanted, layout->max_rows - *slot);
    uint32_t end = *slot + (uint32_t)wanted;
    /* Without memory for more, fewer rows go in at a time. */
    if (end > slab->capacity &&
        rebuild(tree, *leaf, layout, grown(slab, layout, end), false, NULL) != BASE_OK)
        end = slab->capacity;
    add_free_slots(*leaf, end);
    *length = end - *slot;
    return BASE_OK;
}

void row_leaf_drop_if_empty(row_tree *tree, int64_t rowid)
{
    os_mutex_lock(&tree->structure);
    row_leaf *leaf = row_leaf_lock(tree, rowid);
    bool empty = live_count(leaf) == 0 && leaf->version_count == 0;
    int64_t low = leaf->low;
    /* A small slab is kept for the next rows. */
    if (empty && low == INT64_MIN && leaf->slab.data && leaf->slab.capacity > ROW_FIRST_ROWS) {
        row_slab_destroy(tree, &leaf->slab);
        row_leaf_recount(leaf);
    }
    os_latch_unlock(&leaf->latch);
    /* Only the holder of the mutex moves fences, so the left neighbour stays what it is. The
     * first leaf stays: its key stands for everything below. */
    if (empty && low != INT64_MIN) {
        row_leaf *left = row_leaf_lock(tree, low - 1);
        os_latch_lock(&leaf->latch);
        if (live_count(leaf) == 0 && leaf->version_count == 0) {
            left->high = leaf->high;
            leaf->linked = false;
            row_slab_destroy(tree, &leaf->slab);
            row_leaf_recount(leaf);
            row_directory_remove(tree, leaf, low);
            leaf->next_unused = tree->unused_leaves;
            tree->unused_leaves = leaf;
        }
        os_latch_unlock(&leaf->latch);
        os_latch_unlock(&left->latch);
    }
    os_mutex_unlock(&tree->structure);
}
