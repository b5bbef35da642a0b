/*
 * cache.h - the database file: extents, references, free space, checkpoints, buffer cache.
 *
 * The file is a tree of immutable extents. An extent is a run of 4 KiB granules, written
 * once and never changed; whoever points to it holds its reference: place, length, checksum,
 * birth. The root of the tree is in the header, of which there are two slots: a checkpoint
 * writes new extents, syncs, writes the slot of the older header, syncs. At any moment one
 * header on disk describes a whole tree.
 *
 * What becomes of an extent
 *
 *   cache_write ──► in the tree ──cache_free──► awaiting ──two headers later──► free
 *   cache_write_loose ──► loose ──cache_adopt──► in the tree
 *                           └────cache_discard──► free
 *
 *   - cache_write, cache_free and cache_adopt belong to the checkpoint under way (between
 *     cache_checkpoint_begin and _commit or _abort, on one thread at a time). Abort undoes
 *     all three.
 *   - Loose extents are written outside of checkpoints (bulk loads, merges). A header counts
 *     them as free space: after a crash they are gone, unless the log refers to them and
 *     replay claims them (cache_claim).
 *   - A freed extent is used again only when neither header reaches it and no reader that was
 *     there when it was freed is still there (cache_enter, cache_leave).
 *
 * What is read is checked against the reference: wrong bytes are BASE_CORRUPT, never data.
 *
 * Threads: everything may be called from any thread but the checkpoint calls (one at a time).
 */
#ifndef STORE_CACHE_CACHE_H
#define STORE_CACHE_CACHE_H

#include "base/base.h"
#include "os/os.h"

enum {
    CACHE_GRANULE = 4096,
    CACHE_REFERENCE_SIZE = 72, /* bytes of a stored reference */
    CACHE_MAX_EXTENT = 1 << 30,
};

/* What an extent holds; stored, so that a reference to the wrong thing is noticed. Numbers
 * are part of the format: add at the end. */
typedef enum cache_kind {
    CACHE_KIND_NONE = 0,
    CACHE_KIND_ROOT = 1, /* list of relations and indexes */
    CACHE_KIND_FREE_MAP = 2,
    CACHE_KIND_DESCRIPTOR = 3,
    CACHE_KIND_HOT = 4,       /* row-packed small volumes */
    CACHE_KIND_VOLUME = 5,    /* metadata of a columnar volume */
    CACHE_KIND_COLUMN = 6,    /* a column's piece of a row group */
    CACHE_KIND_INDEX_RUN = 7, /* metadata of a sorted run */
    CACHE_KIND_INDEX_BLOCK = 8,
    CACHE_KIND_MARKS = 9, /* delete marks */
    CACHE_KIND_CATALOG = 10,
    CACHE_KIND_LAST = 255,
} cache_kind;

/*
 * A reference. With encryption `seal` is the authentication tag and `nonce` is set; without,
 * the first 8 bytes of `seal` are the checksum of the content and the rest is zero.
 */
typedef struct cache_reference {
    uint64_t offset; /* in the file, a multiple of the granule; 0: no extent */
    uint32_t length; /* bytes of content; the extent is that, rounded up to granules */
    uint16_t kind;
    uint16_t flags;       /* 0 */
    uint64_t birth_epoch; /* epoch of the first header that could reach it */
    uint32_t key_epoch;   /* 0: not encrypted */
    unsigned char seal[16];
    unsigned char nonce[24];
} cache_reference;

BASE_INLINE bool cache_reference_is_null(const cache_reference *reference)
{
    return reference->offset == 0;
}
/* To and from CACHE_REFERENCE_SIZE bytes. Loading checks nothing: reading will. */
void cache_reference_store(const cache_reference *reference, void *bytes);
void cache_reference_load(cache_reference *reference, const void *bytes);

/* ---- The file ---------------------------------------------------------------------------- */

typedef struct cache_file cache_file;

/* What the rooms above keep in the header. */
typedef struct cache_root {
    cache_reference root;    /* null in a new database */
    uint64_t sequence;       /* checkpoint sequence: replay starts after it */
    int64_t time;            /* wall clock of that sequence's commit */
    uint64_t log_generation; /* the log's generation to replay first */
    uint64_t next_id;        /* counters that must never go back */
    uint64_t user[4];        /* of store/table */
} cache_root;

typedef struct cache_options {
    os_environment *environment;
    base_budget *budget; /* of the database */
    const char *path;    /* NULL: extents live in memory only (a database in memory) */
    bool read_only;
    bool create;
    size_t cache_size; /* bytes of extents kept in memory; 0: a quarter of the budget's limit,
                          at least 16 MiB, at most 1 GiB */
} cache_options;

/* Opens and locks the file; `*created` tells whether it was made. A new file gets both of
 * its headers here, synced, directory included. FILE_LOCKED names the holder; FORMAT: not a
 * database, or one that needs a newer library; CORRUPT: no valid header. */
base_status cache_open(const cache_options *options, cache_file **file, bool *created,
                       base_error *error);
/* Cuts free space off the file's end where that is safe, unlocks, closes, frees all. */
void cache_close(cache_file *file);
/* Unlocks, closes, frees all and leaves the file as it is: for one that was refused. */
void cache_abandon(cache_file *file); /* NULL allowed */

const unsigned char *cache_database_id(const cache_file *file); /* 16 bytes */
const cache_root *cache_get_root(const cache_file *file);       /* of the newest header */
uint64_t cache_epoch(cache_file *file);                         /* of the newest header */
const uint64_t *cache_identity(const cache_file *file);         /* for the runtime's registry */
os_file *cache_os_file(cache_file *file);                       /* counters; NULL in memory */

/* ---- Extents ----------------------------------------------------------------------------- */

/* Writes `length` bytes (1 .. CACHE_MAX_EXTENT) to a new extent of the checkpoint under way. */
base_status cache_write(cache_file *file, cache_kind kind, const void *bytes, size_t length,
                        cache_reference *reference, base_error *error);
/* The same outside of it: loose until adopted or discarded. */
base_status cache_write_loose(cache_file *file, cache_kind kind, const void *bytes, size_t length,
                              cache_reference *reference, base_error *error);
/* The checkpoint under way takes the loose extent into the tree. */
base_status cache_adopt(cache_file *file, const cache_reference *reference, base_error *error);
/* Nobody can reach the loose extent any more (its loader was rolled back). */
void cache_discard(cache_file *file, const cache_reference *reference);
/* During replay: the log refers to a loose extent written before the crash; CORRUPT when
 * its place is in use by something else. Claiming it twice is allowed. */
base_status cache_claim(cache_file *file, const cache_reference *reference, base_error *error);
/* The checkpoint under way no longer reaches the extent. */
base_status cache_free(cache_file *file, const cache_reference *reference, base_error *error);
/* Every extent written so far is on stable storage (before a log record refers to it). */
base_status cache_sync(cache_file *file, base_error *error);

/* A reader of extents keeps those that are freed from now on from being used again. Gives a
 * token for cache_leave. Cheap: one short mutex section. */
uint64_t cache_enter(cache_file *file);
void cache_leave(cache_file *file, uint64_t token);

/* Reads and checks `reference->length` bytes, past the buffer cache. */
base_status cache_read(cache_file *file, const cache_reference *reference, void *buffer,
                       base_error *error);

/* An extent held in memory. `data` is aligned to 64 bytes and stays until unpinned. */
typedef struct cache_frame cache_frame;
typedef struct cache_pin {
    const void *data;
    size_t length;
    cache_frame *frame;
} cache_pin;

base_status cache_pin_extent(cache_file *file, const cache_reference *reference, cache_pin *pin,
                             base_error *error);
/* A zeroed pin is allowed; the pin is zeroed. */
void cache_unpin(cache_file *file, cache_pin *pin);
/* Gives memory back: evicts unpinned extents until `bytes` are freed or none is left. */
size_t cache_shrink(cache_file *file, size_t bytes);

/* ---- Checkpoints ------------------------------------------------------------------------- */

/* One at a time; MISUSE when one is under way. READ_ONLY for a read-only file. */
base_status cache_checkpoint_begin(cache_file *file, base_error *error);
/* Writes the free map, syncs, writes the header, syncs. On failure nothing has changed and
 * the checkpoint is still to be aborted; after a failed sync the file is read-only. */
base_status cache_checkpoint_commit(cache_file *file, const cache_root *root, base_error *error);
void cache_checkpoint_abort(cache_file *file);
/* The epoch that extents written now are born in. */
uint64_t cache_checkpoint_epoch(cache_file *file);

/* ---- Inspection --------------------------------------------------------------------------- */

typedef struct cache_statistics {
    uint64_t file_size;     /* bytes */
    uint64_t free_size;     /* bytes that can be used at once */
    uint64_t awaiting_size; /* freed, not yet usable */
    uint64_t loose_size;
    uint64_t lost_size;   /* could not be noted for want of memory */
    uint64_t cached_size; /* bytes of extents in memory */
    uint64_t hits, misses, evictions;
} cache_statistics;
void cache_get_statistics(cache_file *file, cache_statistics *statistics);

/*
 * The integrity check of space: start, name every reference of the newest tree once, finish.
 * Overlaps, extents outside the file or marked free, and space that is neither reached nor
 * free nor loose are reported. Nothing may checkpoint meanwhile.
 */
typedef struct cache_check cache_check;
base_status cache_check_start(cache_file *file, void (*report)(void *context, const char *problem),
                              void *context, cache_check **check, base_error *error);
/* Also reads the extent and compares its checksum when `read` is set. */
base_status cache_check_reference(cache_check *check, const cache_reference *reference, bool read,
                                  base_error *error);
base_status cache_check_finish(cache_check *check, base_error *error);

/*
 * The other use of the check, within a checkpoint: `report` is NULL, what the new tree is going to
 * reach is named, and what nobody owns is freed by the checkpoint, as cache_free does. The check
 * is gone afterwards, also when it fails.
 */
base_status cache_check_free_rest(cache_check *check, base_error *error);
/* Ends a check without a result: what is reached could not be found out. */
void cache_check_drop(cache_check *check);

#endif
