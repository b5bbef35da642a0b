/*
 * index.h - what an index kind must do, seen by store/table.
 *
 * An index is a set of entries (key bytes, rowid). Keys come from vector_key_append: all
 * keys of one index are made of the same parts, so none is a prefix of another, and memcmp
 * gives their order. Entries carry no stamps and say nothing about visibility: whoever
 * reads one fetches the visible version of the row and compares its key again; an entry is
 * removed only when no version that anyone may read has the key. Rows are only ids here.
 *
 * A kind is one struct of callbacks.
 *
 * Threads: insert, remove and cursors of one index may run at the same time on many
 * threads. A cursor belongs to one thread. A cursor sees every entry that was there for
 * its whole life, in order and once; entries that come or go meanwhile may be seen or not.
 */
#ifndef INDEX_INDEX_H
#define INDEX_INDEX_H

#include "base/base.h"
#include "os/os.h"

typedef struct index_tree index_tree;     /* the entries of one index */
typedef struct index_cursor index_cursor; /* a place in them */

typedef struct index_entry {
    base_text key;
    int64_t rowid;
} index_entry;

/* What an insert met. Of two inserters of one key at least the later one is told KEY, so
 * that exactly one of them has to look at (and wait for) the other's row. */
typedef enum index_found {
    INDEX_FOUND_ENTRY = 1, /* the entry itself was there; nothing was added */
    INDEX_FOUND_KEY = 2,   /* an entry with this key and another rowid is there; may be set
                              in vain, never missed */
} index_found;

/* Bounds; NULL data: open. A bound of fewer parts than the key is a prefix: an inclusive
 * low or high bound takes in all keys that begin with it, an exclusive one leaves out all
 * of them. */
typedef struct index_range {
    base_text low, high;
    bool low_inclusive, high_inclusive;
} index_range;

typedef struct index_kind {
    const char *name; /* "BTREE" */
    bool ordered;     /* cursors give key order */
    base_status (*create)(base_budget *budget, index_tree **tree, base_error *error);
    void (*destroy)(index_tree *tree);
    /* Adds the entry; BASE_OK also if it was there. `*found` (NULL allowed) gets a set of
     * index_found: what stood there at that very moment. */
    base_status (*insert)(index_tree *tree, base_text key, int64_t rowid, uint32_t *found,
                          base_error *error);
    /* Takes the entry away; false if it was not there. Cannot fail. */
    bool (*remove)(index_tree *tree, base_text key, int64_t rowid);
    uint64_t (*count)(const index_tree *tree);      /* entries */
    uint64_t (*byte_count)(const index_tree *tree); /* memory */
    base_status (*cursor_create)(index_tree *tree, index_cursor **cursor, base_error *error);
    void (*cursor_destroy)(index_cursor *cursor);
    /* Places the cursor before the range's first entry (its last when descending). The
     * bounds are copied. Allocates nothing once the cursor has seen bounds of that size. */
    base_status (*seek)(index_cursor *cursor, const index_range *range, bool descending,
                        base_error *error);
    /* The next entries, `limit` at most: BASE_ROW with 1 or more, or BASE_DONE. They point
     * into the cursor and live until its next call. */
    base_status (*next)(index_cursor *cursor, uint32_t limit, const index_entry **entries,
                        uint32_t *count, base_error *error);
    /* Calls `report` for each broken invariant; for the integrity check. Nobody may write
     * meanwhile. */
    void (*check)(index_tree *tree, void (*report)(void *context, const char *problem),
                  void *context);
} index_kind;

/* The ordered tree in memory. */
extern const index_kind index_btree_kind;

#endif
