/*
 * run.h - key runs: immutable sorted sets of entries (key bytes, rowid) in the file.
 *
 * A run is written once, from rising entries, and read through the buffer cache: whatever its
 * size, reading it pins one block at a time, within a call. Like every index (index.h) it
 * says nothing of visibility: it may hold entries of rows that are gone, so that nothing is
 * ever written for a deletion. Stale entries go when runs are merged.
 *
 *     head extent ──► nodes (40 leaves each) ──► leaves (16 KiB of entries, prefix-compressed)
 *               └───► filters, one per node: may a key be among the node's leaves?
 *
 * Entries are strings: the key, then the rowid, eight bytes big-endian with the sign flipped;
 * memcmp orders them. No key of an index is a prefix of another, so this is the order by key,
 * then rowid.
 *
 * Threads: an open run may be read by any number of threads; writers, sorters and cursors
 * belong to one.
 */
#ifndef INDEX_RUN_RUN_H
#define INDEX_RUN_RUN_H

#include "index/index.h"
#include "store/cache/cache.h"

enum {
    INDEX_ROWID_SIZE = 8,
    INDEX_MAX_STRING = 8192 + 512 + INDEX_ROWID_SIZE, /* a longer entry is damage */
};

/* The rowid as the end of an entry's string, and back. */
BASE_INLINE void index_rowid_store(int64_t rowid, char to[INDEX_ROWID_SIZE])
{
    base_store_u64(to, __builtin_bswap64((uint64_t)rowid ^ (UINT64_C(1) << 63)));
}
BASE_INLINE int64_t index_rowid_load(const char from[INDEX_ROWID_SIZE])
{
    return (int64_t)(__builtin_bswap64(base_load_u64(from)) ^ (UINT64_C(1) << 63));
}

typedef struct index_run index_run;
typedef struct index_run_writer index_run_writer;
typedef struct index_run_cursor index_run_cursor;
typedef struct index_sorter index_sorter;
typedef struct index_merge index_merge;

/* ---- Writing --------------------------------------------------------------------------------- */

typedef struct index_run_options {
    cache_file *file;
    base_budget *budget;
    bool loose;  /* extents are written outside of a checkpoint (cache_write_loose) */
    bool filter; /* single keys will be asked for: index_run_may_have */
    bool joins;  /* index_run_writer_join puts it behind another one */
} index_run_options;

base_status index_run_writer_create(const index_run_options *options, index_run_writer **writer,
                                    base_error *error);
/* Entries rise by key and rowid; one that equals the last is left out. */
base_status index_run_writer_append(index_run_writer *writer, base_text key, int64_t rowid,
                                    base_error *error);
uint64_t index_run_writer_count(const index_run_writer *writer); /* of entries so far */
/* Strings of the first and the last entry; there is one. */
base_text index_run_writer_first(const index_run_writer *writer);
base_text index_run_writer_last(const index_run_writer *writer);
/* All that `next` has (made with `joins`) goes behind what `writer` has, and is CORRUPT where it
 * does not lie above it. `next` is empty afterwards. */
base_status index_run_writer_join(index_run_writer *writer, index_run_writer *next,
                                  base_error *error);
/* Writes what is left; the reference names the run. At least one entry was appended. */
base_status index_run_writer_finish(index_run_writer *writer, cache_reference *run,
                                    base_error *error);
/* After finish: the run cannot be used, so its extents go as if it had not been finished. */
void index_run_writer_take_back(index_run_writer *writer, const cache_reference *run);
/* Without finish: loose extents are discarded; others are the checkpoint's to abort. */
void index_run_writer_destroy(index_run_writer *writer); /* NULL allowed */

/* ---- Sorting --------------------------------------------------------------------------------- */

/*
 * Brings entries into order, whatever their number: what exceeds `memory` bytes is sorted in
 * parts, which lie in a temporary file and are merged while they are read. Several sorters,
 * each filled by a thread of its own, are read as one.
 */
typedef struct index_sorter_options {
    os_environment *environment;
    base_budget *budget;
    const char *directory_of; /* spill.h */
    size_t memory;
} index_sorter_options;

base_status index_sorter_create(const index_sorter_options *options, index_sorter **sorter,
                                base_error *error);
base_status index_sorter_add(index_sorter *sorter, base_text key, int64_t rowid, base_error *error);
/* All are in: merges may read it, in any number of threads. */
base_status index_sorter_start(index_sorter *sorter, base_error *error);
void index_sorter_destroy(index_sorter *sorter); /* NULL allowed */

/* Up to parts - 1 rising keys that cut what the (started) sorters have into about equal parts;
 * fewer where there is little. They point into the sorters; `arena` is for the way there. */
base_status index_merge_cut(index_sorter *const *sorters, uint32_t sorter_count, uint32_t parts,
                            base_arena *arena, base_text *keys, uint32_t *key_count,
                            base_error *error);
/* The entries of all sorters, in order, whose key is at or above `from` and below `to` (NULL
 * data: open). Belongs to one thread; the sorters stay until it is destroyed. */
base_status index_merge_create(index_sorter *const *sorters, uint32_t count, base_text from,
                               base_text to, index_merge **merge, base_error *error);
/* BASE_ROW with the next entry, which lives until the next call, or BASE_DONE. */
base_status index_merge_next(index_merge *merge, index_entry *entry, base_error *error);
void index_merge_destroy(index_merge *merge); /* NULL allowed */

/* ---- Runs ------------------------------------------------------------------------------------ */

/* Reads nothing: what is wrong with the run is found when it is used. One reference. */
base_status index_run_open(cache_file *file, base_budget *budget, const cache_reference *reference,
                           index_run **run, base_error *error);
void index_run_keep(index_run *run);
void index_run_drop(index_run *run); /* NULL allowed; a loose run's extents are discarded */
const cache_reference *index_run_reference(const index_run *run);
/* Whether its extents are loose: not reached by any header. Set by whoever attaches it. */
void index_run_set_loose(index_run *run, bool loose);
bool index_run_is_loose(const index_run *run);

/* How a loose run gives its extents back; cache_discard unless set. */
void index_run_set_discard(index_run *run,
                           base_status (*discard)(void *context, const cache_reference *reference,
                                                  base_error *error),
                           void *context);
/* A stamp, for whoever attaches the run; 0 at first. */
void index_run_set_stamp(index_run *run, uint64_t stamp);
uint64_t index_run_stamp(const index_run *run);
/* The run's extents were freed (cache_free) while it may still be read: the token of cache_enter,
 * which is left with the last reference. */
void index_run_guard(index_run *run, uint64_t token);

typedef struct index_run_info {
    uint64_t entry_count, byte_count; /* of the extents' contents */
    uint32_t leaf_count;
} index_run_info;
base_status index_run_describe(index_run *run, index_run_info *info, base_error *error);
/* May an entry with this whole key be there? Reads the head, and a filter where the key lies
 * between the run's first and last. */
base_status index_run_may_have(index_run *run, base_text key, bool *may, base_error *error);
/* Every extent of the run, its head included, once. Reads head and nodes. */
base_status index_run_visit(index_run *run,
                            base_status (*visit)(void *context, const cache_reference *reference,
                                                 base_error *error),
                            void *context, base_error *error);
/* The integrity check: reads all of it. Problems go to `report`; failures to read are
 * returned. */
base_status index_run_check(index_run *run, void (*report)(void *context, const char *problem),
                            void *context, base_error *error);

/* Bounds are strings of entries: from <= string < to; NULL data: open. `whole_key`: both are
 * bounds of one whole key, which the filter may be asked for. */
typedef struct index_run_range {
    base_text from, to;
    bool whole_key;
    base_text key;
} index_run_range;

/* The run is the caller's to keep while the cursor is used; destroying comes at any time. */
base_status index_run_cursor_create(index_run *run, index_run_cursor **cursor, base_error *error);
void index_run_cursor_destroy(index_run_cursor *cursor); /* NULL allowed */
/* The bounds are copied. Reads nothing yet. */
base_status index_run_cursor_seek(index_run_cursor *cursor, const index_run_range *range,
                                  bool descending, base_error *error);
/* The next entries, about `limit`: BASE_ROW with 1 or more, or BASE_DONE. They live until the
 * next call. */
base_status index_run_cursor_next(index_run_cursor *cursor, uint32_t limit,
                                  const index_entry **entries, uint32_t *count, base_error *error);

#endif
