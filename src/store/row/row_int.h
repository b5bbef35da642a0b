/*
 * row_int.h - leaves, their slabs, undo records and the directory.
 */
#ifndef ROW_ROW_INT_H
#define ROW_ROW_INT_H

#include "store/row/row.h"

enum {
    ROW_LEAF_ROWS = 2048,
    ROW_LEAF_BYTES = 4 << 20, /* of wide rows fewer than 2,048 share a leaf */
    ROW_FIRST_ROWS = 16,
    ROW_FIRST_BYTES = 2048, /* a first slab of wide rows has fewer than 16 */
    ROW_LEAST_ROWS = 4,
    ROW_SMALL_NODE = 8,
    ROW_NODE = 128,
};

/* ---- Layout ------------------------------------------------------------------------------ */

typedef struct row_layout_column {
    row_column definition;
    bool stored;
    bool small;      /* 1, 2 or 4 bytes: its array lies behind the bitmaps */
    uint8_t size;    /* bytes of a value */
    uint32_t place;  /* number of its bitmap */
    uint32_t before; /* bytes of a row that lie before its array */
} row_layout_column;

/*
 * A slab of n rows: arrays of 16-byte values, stamps, arrays of 8-byte values, bitmaps (one
 * bit a row and column, set: there is a value), arrays of 4-, 2- and 1-byte values; when
 * sparse, rowids and places. Every array is aligned because the ones before it are multiples
 * of its element.
 */
struct row_layout {
    _Atomic(uint32_t) references;
    base_budget *budget;
    uint32_t column_count;
    uint32_t stored_count;
    uint32_t stamps_before; /* bytes of a row before the stamps */
    uint32_t wide_width;    /* bytes of a row before the bitmaps, stamps included */
    uint32_t width;         /* bytes of a row, bitmaps left out */
    uint32_t first_rows, max_rows;
    row_layout_column columns[];
};

/* ---- Leaves ------------------------------------------------------------------------------ */

/* What lies off a row: the version that was there before, as the columns that differ. */
typedef struct row_image {
    types_cell cell; /* far strings are owned by the record */
    uint32_t column;
    types_form form;
    bool is_null;
} row_image;
typedef struct row_version {
    txn_undo undo;
    row_tree *tree;
    int64_t rowid;
    struct row_version *older;
    uint64_t stamp; /* of the version that it restores, ROW_DELETED included */
    uint32_t image_count;
    row_image images[];
} row_version;

/* Rows that went into free places: nothing lies behind them. */
typedef struct row_run {
    txn_undo undo;
    row_tree *tree;
    const row_hook *hook; /* may be NULL */
    int64_t first;
    int64_t count;
} row_run;

/* The rows of a leaf. Entry i is the i-th by rowid. Dense: its rowid is base + i and its slot
 * i; free slots lie between. Sparse: rowids[i] and places[i]. */
typedef struct row_slab {
    row_layout *layout;
    unsigned char *data;
    size_t size;
    uint32_t capacity;
    uint32_t count;
    uint32_t bitmap_words; /* per column */
    bool sparse;
    bool ordered; /* places[i] == i */
    int64_t base;
    uint64_t *stamps;
    int64_t *rowids;
    uint16_t *places;
    row_version **chains; /* by slot; NULL: no row ever had any. Kept for the next update */
} row_slab;

typedef struct row_leaf {
    os_latch latch;
    bool linked;       /* in the directory */
    int64_t low, high; /* rowids that belong here, both inclusive */
    row_slab slab;
    uint32_t open_count;    /* rows with the stamp of an open transaction */
    uint32_t dead_count;    /* slots with ROW_DELETED, free ones included */
    uint32_t free_count;    /* slots with nothing but ROW_DELETED */
    uint32_t version_count; /* rows with a chain */
    uint32_t sealed_count;  /* rows with ROW_SEALED */
    uint64_t newest;        /* no row has a higher sequence */
    struct row_leaf *next_unused;
} row_leaf;

/* Inner node of the directory. Fields change under the tree's structure mutex while readers
 * look on: they check `structure_version` before they believe anything. */
typedef struct row_node {
    _Atomic(uint32_t) level; /* 1: children are leaves */
    uint32_t capacity;
    _Atomic(uint32_t) count;
    struct row_node *next_unused;
    struct row_node_entry {
        _Atomic(int64_t) key; /* smallest rowid below the child; entry 0's is not used */
        _Atomic(void *) child;
    } entries[];
} row_node;

struct row_tree {
    base_budget *budget;
    txn_manager *manager;
    row_keeper keeper;                   /* may be empty */
    _Atomic(uint64_t) structure_version; /* odd: being changed */
    _Atomic(row_node *) root;
    _Atomic(row_leaf *) last_leaf; /* a guess for rising rowids */
    os_mutex structure;
    row_node *unused_nodes; /* replaced; kept because readers may still look at them */
    row_leaf *unused_leaves;
    _Atomic(uint32_t) leaf_count;
    _Atomic(int64_t) live_count;
    _Atomic(uint64_t) slab_bytes;
    _Atomic(int64_t) last_rowid;
    _Atomic(uint64_t) last_change; /* sequence of the newest commit that wrote here */
};

/* ---- Access ------------------------------------------------------------------------------- */

BASE_INLINE unsigned char *row_values(const row_slab *slab, const row_layout_column *column)
{
    size_t offset = (size_t)column->before * slab->capacity;
    if (column->small)
        offset += (size_t)slab->layout->stored_count * slab->bitmap_words * sizeof(uint64_t);
    return slab->data + offset;
}
BASE_INLINE uint64_t *row_bitmap(const row_slab *slab, const row_layout_column *column)
{
    return (uint64_t *)(void *)(slab->data + (size_t)slab->layout->wide_width * slab->capacity) +
           (size_t)column->place * slab->bitmap_words;
}
BASE_INLINE int64_t row_rowid_at(const row_slab *slab, uint32_t entry)
{
    return slab->sparse ? slab->rowids[entry] : (int64_t)((uint64_t)slab->base + entry);
}
BASE_INLINE uint32_t row_slot_at(const row_slab *slab, uint32_t entry)
{
    return slab->sparse ? slab->places[entry] : entry;
}
BASE_INLINE row_version *row_chain_of(const row_slab *slab, uint32_t slot)
{
    return slab->chains ? slab->chains[slot] : NULL;
}
/* What a snapshot makes of a version. */
typedef enum row_sight {
    ROW_SIGHT_LIVE,
    ROW_SIGHT_DEAD,   /* sees that the row is deleted */
    ROW_SIGHT_COLD,   /* reads it from a volume */
    ROW_SIGHT_UNSEEN, /* an older version, if any */
} row_sight;
BASE_INLINE row_sight row_sight_of(const txn_snapshot *snapshot, uint64_t stamp)
{
    if (BASE_UNLIKELY(stamp & ROW_SEALED) && !(stamp & TXN_ID_BIT))
        return snapshot->sequence < (stamp & ~ROW_SEALED) ? ROW_SIGHT_LIVE : ROW_SIGHT_COLD;
    if (!txn_sees(snapshot, stamp & ~ROW_DELETED))
        return ROW_SIGHT_UNSEEN;
    return stamp & ROW_DELETED ? ROW_SIGHT_DEAD : ROW_SIGHT_LIVE;
}
BASE_INLINE bool row_is_sealed(uint64_t stamp)
{
    return (stamp & (ROW_SEALED | TXN_ID_BIT)) == ROW_SEALED;
}
/* Counted as a row of the hot store. */
BASE_INLINE bool row_is_counted(uint64_t stamp)
{
    return !(stamp & ROW_DELETED) && !row_is_sealed(stamp);
}
BASE_INLINE bool row_is_far(types_form form, const types_cell *cell)
{
    return form == TYPES_FORM_STRING && cell->string.length > TYPES_STRING_INLINE;
}
BASE_INLINE void row_copy_value(void *to, const void *from, uint32_t size)
{
    switch (size) {
    case 1:
        memcpy(to, from, 1);
        break;
    case 2:
        memcpy(to, from, 2);
        break;
    case 4:
        memcpy(to, from, 4);
        break;
    case 8:
        memcpy(to, from, 8);
        break;
    default:
        memcpy(to, from, 16);
        break;
    }
}
/* The column as the leaf has it, or NULL: the row reads `missing` of the reader's layout. */
BASE_INLINE const row_layout_column *row_stored_column(const row_layout *leaf_layout,
                                                       const row_layout *layout, uint32_t column)
{
    if (BASE_LIKELY(leaf_layout == layout))
        return &layout->columns[column];
    if (column < leaf_layout->column_count &&
        leaf_layout->columns[column].definition.birth == layout->columns[column].definition.birth)
        return &leaf_layout->columns[column];
    return NULL;
}

/* row_layout.c */
size_t row_slab_size(const row_layout *layout, uint32_t capacity, bool sparse);

/* row_slab.c */
base_status row_string_own(base_budget *budget, types_form form, types_cell *cell,
                           base_error *error);
void row_string_free(base_budget *budget, types_form form, const types_cell *cell);
/* An empty slab; `capacity` is rounded to what layouts allow by the caller. */
base_status row_slab_create(row_tree *tree, row_layout *layout, uint32_t capacity, bool sparse,
                            row_slab *slab, base_error *error);
void row_slab_destroy(row_tree *tree, row_slab *slab); /* memory only, not the strings */
void row_slab_free_strings(row_tree *tree, const row_slab *slab, uint32_t slot);
/* Copies entries [from, to) of `source` that are not free into the new slab `target`; strings
 * and chains move by reference. `target` may have another layout and be dense or sparse. */
base_status row_slab_copy(row_tree *tree, const row_slab *source, uint32_t from, uint32_t to,
                          row_slab *target, base_error *error);
/* Entry of the first rowid >= `rowid`; count if none. */
uint32_t row_slab_search(const row_slab *slab, int64_t rowid);
/* Slot of the row, or UINT32_MAX. */
uint32_t row_slab_find(const row_slab *slab, int64_t rowid);
types_cell row_slab_get(const row_slab *slab, const row_layout_column *column, uint32_t slot,
                        bool *is_null);
void row_slab_put(row_slab *slab, const row_layout_column *column, uint32_t slot,
                  const types_cell *cell, bool is_null);
base_status row_slab_need_chains(row_tree *tree, row_slab *slab, base_error *error);

/* row_directory.c */
row_leaf *row_directory_find(const row_tree *tree, int64_t rowid);
base_status row_directory_create(row_tree *tree, base_error *error);
void row_directory_destroy(row_tree *tree, void (*destroy_leaf)(row_tree *tree, row_leaf *leaf));
/* Under the structure mutex: memory for one insertion is made ready, so that it cannot fail. */
base_status row_directory_reserve(row_tree *tree, base_error *error);
void row_directory_insert(row_tree *tree, int64_t key, row_leaf *leaf);
void row_directory_remove(row_tree *tree, row_leaf *leaf, int64_t key);
/* Calls for every leaf in order; under the structure mutex. */
void row_directory_each(row_tree *tree, void (*visit)(void *context, row_leaf *leaf),
                        void *context);

/* row_leaf.c */
row_leaf *row_leaf_lock(row_tree *tree, int64_t rowid);
row_leaf *row_leaf_lock_shared(const row_tree *tree, int64_t rowid);
/* A place for a row that has none yet; the leaf may come back another one, latched. BASE_OK
 * with `*slot` free, or no memory (the latch is gone then, `*leaf` NULL). */
base_status row_leaf_make_place(row_tree *tree, row_layout *layout, int64_t rowid, row_leaf **leaf,
                                uint32_t *slot, base_error *error);
/* The same for up to `*length` rows with rowids side by side: slots `*slot` and following are
 * free, `*length` of them, at least 1. */
base_status row_leaf_make_run(row_tree *tree, row_layout *layout, int64_t rowid, row_leaf **leaf,
                              uint32_t *slot, uint32_t *length, base_error *error);
/* Brings the latched leaf to this layout. */
base_status row_leaf_use_layout(row_tree *tree, row_leaf *leaf, row_layout *layout,
                                base_error *error);
void row_leaf_set_stamp(row_leaf *leaf, uint32_t slot, uint64_t stamp);
/* Gives a dead row's slot free; its strings are gone already. */
void row_leaf_free_slot(row_leaf *leaf, uint32_t slot);
/* Unlinks the leaf that has this rowid if nothing is left in it. No latch may be held. */
void row_leaf_drop_if_empty(row_tree *tree, int64_t rowid);
void row_leaf_recount(row_leaf *leaf);

/* row_history.c */
/* Tells the keeper, if there is one, of what the record restores, before that is gone. The row is
 * latched and the record is in its chain. */
void row_keep_version(row_tree *tree, const row_slab *slab, uint32_t slot,
                      const row_version *version);

/* row_undo.c */
/* The count of rows follows a row's stamp. */
void row_count_live(row_tree *tree, uint64_t from, uint64_t to);
extern const txn_undo_kind row_run_kind;     /* rows in free places */
extern const txn_undo_kind row_version_kind; /* changed, deleted or replaced rows */

#endif
