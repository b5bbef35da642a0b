/*
 * run_int.h - layout of a key run's extents (also in docs/FORMAT.md).
 *
 * Leaf (kind 8): head | u16 place of each interval | entries. The first entry of an interval
 * of 16 is whole; the others leave out what their key shares with the one before:
 *     varint length shared, varint length of the rest, the rest, varint of the rowid's
 *     difference to the one before (to 0 in the first), zigzag.
 * Node (kind 8): u32 count | u32 place of each child | children: reference of the leaf, u32
 *     entries, u16 length and bytes of the separator: no string of the leaf lies below it, no
 *     string of the leaf before is at or above it.
 * Filter (kind 8): blocks of 32 bytes, see run_filter.c.
 * Head (kind 7): head | lowest string | highest string | u32 place of each node | nodes:
 *     reference of the node, of its filter (null: none), u32 entries, u16 length and bytes
 *     of the separator.
 *
 * Invariants, checked by index_run_check:
 *   R1 strings rise strictly through the whole run;
 *   R2 every string is at least INDEX_ROWID_SIZE long and at most INDEX_MAX_STRING;
 *   R3 separators lie between what they separate; counts are those of what they count;
 *   R4 a filter has every key of its node.
 */
#ifndef INDEX_RUN_RUN_INT_H
#define INDEX_RUN_RUN_INT_H

#include "index/run/run.h"
#include "crypto/crypto.h"

enum {
    RUN_MAGIC = 0x4E555254, /* "TRUN" */
    RUN_VERSION = 1,
    RUN_LEAF_SIZE = 16384, /* a leaf is flushed before it gets larger */
    RUN_INTERVAL = 16,     /* entries */
    RUN_NODE_LEAVES = 40,
    RUN_NODE_KEYS = 43690, /* of a node with a filter: the filter then has 64 KiB */
    RUN_FILTER_BITS = 12,  /* a key */
    RUN_FILTER_BLOCK = 32, /* bytes */
    RUN_LEAF_HEAD = 8,     /* u32 entries, u32 intervals */
    RUN_NODE_HEAD = 4,
    RUN_NODE_FIXED = CACHE_REFERENCE_SIZE + 4,     /* before a child's separator */
    RUN_HEAD_FIXED = 2 * CACHE_REFERENCE_SIZE + 4, /* before a node's separator */
    RUN_BATCH = 256,                               /* entries of a cursor's batch, about */
    RUN_BATCH_BYTES = 1 << 16,
};

/* Offsets in the head. */
enum {
    RUN_HEAD_MAGIC = 0,
    RUN_HEAD_VERSION = 4,
    RUN_HEAD_ENTRIES = 8,
    RUN_HEAD_BYTES = 16, /* of all extents but this */
    RUN_HEAD_LEAVES = 24,
    RUN_HEAD_NODES = 28,
    RUN_HEAD_LOW = 32,  /* length */
    RUN_HEAD_HIGH = 36, /* length */
    RUN_HEAD_SIZE = 40,
};

struct index_run {
    _Atomic(uint32_t) references;
    _Atomic(bool) loose;
    _Atomic(uint64_t) stamp;
    bool guarded;
    uint64_t token;
    base_status (*discard)(void *context, const cache_reference *reference, base_error *error);
    void *discard_context;
    cache_file *file;
    base_budget *budget;
    cache_reference reference;
};

/* The children that a head or a node lists. */
typedef struct run_directory {
    const unsigned char *bytes;
    size_t length;
    size_t places;  /* where they begin */
    uint32_t count; /* at least 1 */
    uint32_t fixed; /* bytes of a child before its separator */
} run_directory;

typedef struct run_child {
    const unsigned char *fixed;
    base_text separator;
} run_child;

typedef struct run_head {
    uint64_t entry_count, byte_count;
    uint32_t leaf_count;
    base_text low, high;
    run_directory nodes;
} run_head;

typedef struct run_leaf {
    const unsigned char *bytes;
    size_t length;
    uint32_t count, interval_count; /* at least 1 */
} run_leaf;

BASE_INLINE base_text run_text(const base_buffer *buffer)
{
    return (base_text){buffer->data, buffer->length};
}

/* ---- Parsing (run_parse.c): false where the bytes make no sense ------------------------------ */

base_status index_run_damaged(base_error *error);
BASE_MUST_USE bool index_run_parse_head(const void *bytes, size_t length, run_head *head);
BASE_MUST_USE bool index_run_parse_node(const void *bytes, size_t length, run_directory *node);
BASE_MUST_USE bool index_run_parse_leaf(const void *bytes, size_t length, run_leaf *leaf);
BASE_MUST_USE bool index_run_get_child(const run_directory *directory, uint32_t place,
                                       run_child *child);
/* The child whose strings may include `string` (the last whose separator is not above it), or,
 * with `below`, the one that has what comes just before it; 0 where there is none. NULL
 * data: the first, or with `below` the last. */
BASE_MUST_USE bool index_run_find_child(const run_directory *directory, base_text string,
                                        bool below, uint32_t *place);
/* The same among a leaf's intervals, sooner found if it is `hint` or one of the next. */
BASE_MUST_USE bool index_run_find_interval(const run_leaf *leaf, base_text string, bool below,
                                           uint32_t hint, uint32_t *place);

/* Strings of an interval, one after the other in `bytes`. */
typedef struct run_strings {
    base_buffer *bytes;
    uint32_t count;
    uint32_t ends[RUN_INTERVAL]; /* in `bytes` */
} run_strings;
/* Appends the interval's strings; `strings->bytes` may have strings of others. BASE_CORRUPT or
 * BASE_OUT_OF_MEMORY. */
base_status index_run_decode_interval(const run_leaf *leaf, uint32_t interval, run_strings *strings,
                                      base_error *error);

/* An end of a range, and how the string before lies to it. */
typedef struct run_bound {
    base_text string; /* NULL data: open */
    size_t common;    /* bytes that the string before, which is below, shares with it */
} run_bound;

/* The strings from <= string < to that intervals, read one after the other, have. */
typedef struct run_window {
    run_bound from, to;
    bool entered;       /* a string at or above `from` was met */
    bool ended;         /* one at or above `to` was met */
    base_buffer *bytes; /* the strings */
    uint32_t count;
    uint32_t *starts, *lengths; /* in `bytes`; room for an interval more */
} run_window;
/* Adds what an interval has of the window. BASE_CORRUPT or BASE_OUT_OF_MEMORY. */
base_status index_run_take_interval(const run_leaf *leaf, uint32_t interval, run_window *window,
                                    base_error *error);

/* ---- Heads (run.c) --------------------------------------------------------------------------- */

/* As index_run_may_have, with the head at hand. */
base_status index_run_head_may_have(index_run *run, const run_head *head, base_text key, bool *may,
                                    base_error *error);

/* ---- Filters (run_filter.c) ------------------------------------------------------------------ */

uint64_t index_run_filter_hash(base_text key);
/* Bytes of a filter for so many keys. */
size_t index_run_filter_size(size_t key_count);
void index_run_filter_add(void *filter, size_t size, uint64_t hash);
bool index_run_filter_has(const void *filter, size_t size, uint64_t hash);

/* ---- Extents of a directory (run.c) ---------------------------------------------------------- */

/* Visits what a node's extent lists and the node and filter themselves. */
base_status index_run_visit_node(
    cache_file *file, const cache_reference *node, const cache_reference *filter,
    base_status (*visit)(void *context, const cache_reference *reference, base_error *error),
    void *context, base_error *error);

#endif
