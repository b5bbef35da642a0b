/*
 * cache_int.h - the bytes of headers and free map, and the structures of the room.
 *
 * The file begins with two header slots of 4 KiB; a checkpoint writes the one with the older
 * epoch. All fields lie within the first 512 bytes, which a disk writes whole or not at all; the
 * rest of the slot holds the free map when it is short, with a checksum of its own.
 *
 *   offset size  header slot
 *   0      8     magic "TUFFFILE"
 *   8      4     version, 1
 *   12     4     0
 *   16     8     features that a reader must know, 0
 *   24     8     features that a writer must know, 0
 *   32     16    database id, random
 *   48     8     epoch
 *   56     8     size of the file in granules (the end may be free and missing)
 *   64     72    reference of the root
 *   136    72    reference of the free map; null when it is in the slot
 *   208    8     checkpoint sequence
 *   216    8     time of that sequence's commit
 *   224    8     generation of the log to replay first
 *   232    8     next id
 *   240    32    four words of store/table
 *   272    4     entries of the free map in the slot
 *   276    4     CRC-32C of them
 *   280    224   0 (encryption: suite, key derivation, salt, wrapped keys)
 *   504    8     checksum (XXH64) of bytes 0 .. 503
 *   512    3584  free map in the slot: at most 224 entries
 *
 *   offset size  free map entry, by rising offset within each of its two parts
 *   0      8     first granule
 *   8      4     granules
 *   12     4     0: free; 1: freed by this epoch, so the header before still reaches it
 *
 *   offset size  reference
 *   0      8     offset of the extent in bytes
 *   8      4     length of the content
 *   12     2     kind
 *   14     2     flags, 0
 *   16     8     birth epoch
 *   24     4     key epoch, 0
 *   28     4     0
 *   32     16    seal: checksum (XXH64, seeded with the kind) and 8 zero bytes, or the tag
 *   48     24    nonce, 0
 */
#ifndef STORE_CACHE_CACHE_INT_H
#define STORE_CACHE_CACHE_INT_H

#include "crypto/crypto.h"
#include "store/cache/cache.h"

enum {
    CACHE_VERSION = 1,
    CACHE_HEADER_CHECKED = 504,
    CACHE_MAP_START = 512,
    CACHE_MAP_ENTRY = 16,
    CACHE_INLINE_ENTRIES = (CACHE_GRANULE - CACHE_MAP_START) / CACHE_MAP_ENTRY,
    CACHE_FIRST_GRANULE = 2, /* behind the header slots */
};

typedef struct cache_header {
    unsigned char database_id[16];
    uint64_t epoch;
    uint64_t granules;
    cache_reference free_map;
    cache_root root;
    uint32_t inline_entries;
} cache_header;

/* cache_format.c. `slot` has CACHE_GRANULE bytes, its map part already filled. */
void cache_header_store(const cache_header *header, unsigned char *slot);
typedef enum cache_slot_state {
    CACHE_SLOT_VALID,
    CACHE_SLOT_DAMAGED, /* has the magic, or is zero */
    CACHE_SLOT_FOREIGN, /* something else */
    CACHE_SLOT_NEWER,   /* valid, of a version or with features that we do not know */
} cache_slot_state;
cache_slot_state cache_header_load(cache_header *header, const unsigned char *slot, bool read_only);

/* ---- Space: sets of extents (cache_space.c) ---------------------------------------------- */

typedef struct space_node space_node;
typedef struct cache_space {
    base_budget *budget;
    space_node *by_address, *by_size;
    space_node *spares; /* so that giving back rarely needs memory */
    uint32_t spare_count;
    uint64_t count;    /* extents */
    uint64_t granules; /* in them */
    uint64_t lost;     /* granules that could not be noted for want of memory */
    bool separate;     /* neighbours are not united (loose extents keep their borders) */
} cache_space;

typedef struct cache_run {
    uint64_t start, count; /* granules */
} cache_run;

void space_init(cache_space *space, base_budget *budget, bool separate);
void space_destroy(cache_space *space);
/* Fills up the reserve of nodes; false when it stays low for want of memory. */
bool space_reserve(cache_space *space);
/* Adds a run that does not overlap the set. Without memory it counts as lost. */
void space_add(cache_space *space, cache_run run);
/* Takes the smallest run that has `count`, the first of those; false: none. */
bool space_take(cache_space *space, uint64_t count, uint64_t *start);
/* Takes exactly this run out of the set; false when it is not wholly inside one extent of
 * the set, or when memory ends. */
bool space_take_at(cache_space *space, cache_run run);
/* True when the set holds some granule of the run. */
bool space_overlaps(const cache_space *space, cache_run run);
/* True when the set holds an extent that begins and ends with the run. */
bool space_has(const cache_space *space, cache_run run);
/* The extent that ends last; false: the set is empty. */
bool space_last(const cache_space *space, cache_run *run);
/* By rising address. */
void space_walk(const cache_space *space, void (*visit)(void *context, cache_run run),
                void *context);

/* ---- Lists of runs -------------------------------------------------------------------------- */

typedef struct cache_freed {
    cache_run run;
    uint64_t epoch; /* of the header that no longer reaches it */
} cache_freed;

typedef struct run_list {
    cache_run *runs;
    uint32_t count, capacity;
} run_list;

/* Readers that entered at an epoch. */
typedef struct cache_readers {
    uint64_t epoch;
    uint64_t count;
} cache_readers;

/* ---- Buffer cache (cache_buffer.c) ----------------------------------------------------------- */

struct cache_frame {
    cache_frame *next_in_bucket;
    cache_frame *next, *previous; /* ring of the clock */
    uint64_t offset;
    unsigned char seal[16];
    uint32_t length;
    uint32_t pins;
    bool referenced;
    bool loading; /* its bytes are on their way */
    bool linked;  /* in table and ring; a frame no longer linked goes with its last pin */
    void *block;  /* allocation that holds `data` */
    unsigned char *data;
};

typedef struct cache_buffer {
    os_mutex mutex;
    os_condition loaded;
    cache_frame **buckets;
    uint32_t bucket_count, frame_count;
    cache_frame *hand;
    uint64_t size, limit; /* bytes of frames */
    uint64_t hits, misses, evictions;
} cache_buffer;

/* ---- The file -------------------------------------------------------------------------------- */

struct cache_file {
    os_environment *environment;
    base_budget *budget;
    os_file *file; /* NULL: memory only */
    bool read_only;
    uint64_t memory_identity[2];
    cache_header header;  /* the newest on disk */
    uint64_t newest_slot; /* where it lies: 0 or 1 */
    uint64_t other_epoch; /* of the other slot; 0 when it is damaged */
    bool unconfirmed;     /* both slots are the same, and either may not be on the disk */
    cache_buffer buffer;

    os_mutex mutex; /* of all that follows */
    uint64_t granules;
    cache_space free;  /* usable at once */
    cache_space loose; /* written outside of checkpoints */
    cache_freed *awaiting;
    uint32_t awaiting_count, awaiting_capacity;
    uint64_t awaiting_granules;
    cache_readers *readers; /* by rising epoch */
    uint32_t reader_count, reader_capacity;
    bool in_checkpoint;
    run_list written, adopted, freed; /* of the checkpoint under way */
    uint64_t found;                   /* lost granules that the checkpoint frees */
    base_status failure;              /* sticky: a sync or header write failed */
};

BASE_INLINE uint64_t cache_granules_of(uint64_t length)
{
    return (length + CACHE_GRANULE - 1) / CACHE_GRANULE;
}
BASE_INLINE cache_run cache_run_of(const cache_reference *reference)
{
    return (cache_run){reference->offset / CACHE_GRANULE, cache_granules_of(reference->length)};
}

bool run_list_add(base_budget *budget, run_list *list, cache_run run);
void run_list_destroy(base_budget *budget, run_list *list);

/* cache_extent.c. Both under the file's mutex. */
base_status cache_allocate(cache_file *file, uint64_t count, uint64_t *start, base_error *error);
/* Frees what no header and no reader reaches any more. */
void cache_recycle(cache_file *file);
/* Computes the seal of content. */
void cache_seal(const void *bytes, size_t length, cache_kind kind, unsigned char seal[16]);
/* Bounds and kind of a reference before it is followed. */
base_status cache_reference_check(const cache_file *file, const cache_reference *reference,
                                  base_error *error);
base_status cache_answer_failure(const cache_file *file, base_error *error);

/* cache_map.c */
base_status cache_map_load(cache_file *file, const unsigned char *slot, base_error *error);
/* Fills the map part of `slot` and the header's fields about it; writes an extent when the
 * map is long. Under the mutex. */
base_status cache_map_store(cache_file *file, cache_header *header, unsigned char *slot,
                            base_error *error);

/* cache_buffer.c */
base_status cache_buffer_init(cache_buffer *buffer, uint64_t limit);
void cache_buffer_destroy(cache_file *file);
/* Memory-only files: the frame is the extent. */
base_status cache_buffer_put(cache_file *file, const cache_reference *reference, const void *bytes,
                             base_error *error);
void cache_buffer_drop(cache_file *file, uint64_t offset);
bool cache_buffer_copy(cache_file *file, const cache_reference *reference, void *bytes);

#endif
