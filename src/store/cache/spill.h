/*
 * spill.h - temporary runs: where sorts, joins and aggregates put what exceeds their memory.
 *
 * A spill file belongs to one statement. It has no name, is made by the first append, and
 * is gone when destroyed, or when the process dies. Blocks are appended and read back any
 * number of times; each is checked when read. Nothing is synced.
 *
 * Threads: append and read may be called from several at the same time.
 */
#ifndef STORE_CACHE_SPILL_H
#define STORE_CACHE_SPILL_H

#include "base/base.h"
#include "os/os.h"

typedef struct spill_file spill_file;

typedef struct spill_block {
    uint64_t offset;
    uint32_t length;
    uint32_t checksum;
} spill_block;

/* `limit` bounds the file's bytes (0: none); passing it is BASE_LIMIT. `directory_of` is a
 * path beside which the file is made, NULL: the system's place for temporary files. */
base_status spill_create(os_environment *environment, base_budget *budget, const char *directory_of,
                         uint64_t limit, spill_file **file, base_error *error);
void spill_destroy(spill_file *file); /* NULL allowed */
/* Appends 1 .. 1 GiB bytes. */
base_status spill_append(spill_file *file, const void *bytes, size_t length, spill_block *block,
                         base_error *error);
/* Reads `block.length` bytes. */
base_status spill_read(spill_file *file, const spill_block *block, void *buffer, base_error *error);
/* Bytes appended so far: for EXPLAIN ANALYZE. */
uint64_t spill_size(const spill_file *file);

#endif
