/*
 * col.h - cold rows: immutable columnar volumes.
 *
 * A volume holds up to COL_MAX_ROWS rows in rising order of rowid, cut into row groups of
 * 131,072 rows and vectors of 2,048. Beside the relation's columns it has two of its own:
 * the rowids (COL_ROWID) and the begin stamps (COL_STAMP: the commit sequence that made the
 * version). A column of a row group is a piece: NULL bitmap, zone map per vector, and a
 * body written by the codec that makes it smallest. Pieces are read when first needed and
 * stay pinned while the volume is used.
 *
 * A volume knows forms, not types, and nothing of visibility or delete marks: the merged
 * table looks at those.
 *
 * Threads: an open volume may be read by any number of threads; a writer belongs to one (and
 * uses the runtime's for encoding).
 */
#ifndef STORE_COL_COL_H
#define STORE_COL_COL_H

#include "base/base.h"
#include "os/os.h"
#include "store/cache/cache.h"
#include "types/types.h"
#include "vector/vector.h"

enum {
    COL_GROUP_ROWS = 131072,
    COL_MAX_ROWS = 1 << 20,
    COL_GROUP_VECTORS = COL_GROUP_ROWS / VECTOR_SIZE,
};
#define COL_ROWID UINT32_MAX
#define COL_STAMP (UINT32_MAX - 1)

typedef struct col_column {
    uint32_t id; /* the relation's column */
    types_form form;
} col_column;

/* ---- Writing ------------------------------------------------------------------------------ */

typedef struct col_writer col_writer;

typedef struct col_writer_options {
    cache_file *file;
    base_budget *budget;
    os_runtime *runtime; /* row groups are encoded on its threads; NULL: by the caller */
    size_t memory;       /* while the budget has half of it no group is collected beside those
                            being encoded; 0: never mind */
    bool loose;          /* extents are written outside of a checkpoint (cache_write_loose) */
    uint32_t column_count;
    const col_column *columns; /* without rowid and stamp; copied */
} col_writer_options;

base_status col_writer_create(const col_writer_options *options, col_writer **writer,
                              base_error *error);
/* Adds the chunk's selected rows: column i of `rows` is columns[i]. Rowids rise, over all
 * calls; `stamps` NULL: `stamp` for all. BASE_LIMIT beyond COL_MAX_ROWS rows. */
base_status col_writer_append(col_writer *writer, const vector_chunk *rows, const int64_t *rowids,
                              const uint64_t *stamps, uint64_t stamp, base_error *error);
uint64_t col_writer_row_count(const col_writer *writer);
/* Bytes of memory that rows take which are not being encoded yet. */
size_t col_writer_collected(const col_writer *writer);
/* Writes what is left and the metadata, whose reference names the volume. At least one row
 * was added. */
base_status col_writer_finish(col_writer *writer, cache_reference *volume, base_error *error);
/* After finish: the volume cannot be used, so its extents go as if it had not been finished. */
void col_writer_take_back(col_writer *writer);
/* Without finish: loose extents are discarded; others are the checkpoint's to abort. */
void col_writer_destroy(col_writer *writer);

/* ---- Volumes ------------------------------------------------------------------------------- */

typedef struct col_volume col_volume;

/* Reads and checks the metadata. The reference must stay in the tree while it is open. */
base_status col_volume_open(cache_file *file, base_budget *budget, const cache_reference *reference,
                            col_volume **volume, base_error *error);
void col_volume_close(col_volume *volume); /* NULL allowed */
const cache_reference *col_volume_reference(const col_volume *volume);

typedef struct col_volume_info {
    uint64_t row_count, byte_count;
    int64_t first_rowid, last_rowid;
    uint64_t first_stamp, last_stamp;
    uint32_t group_count;
} col_volume_info;
void col_volume_describe(const col_volume *volume, col_volume_info *info);
/* Place of the column in the volume, or -1: it was added to the relation later. */
int32_t col_volume_column(const col_volume *volume, uint32_t id);

/* The columns by place, the volume's own two included. */
uint32_t col_volume_column_count(const col_volume *volume);
col_column col_volume_column_at(const col_volume *volume, uint32_t place);

/* Every extent of the volume, its metadata included, once. */
base_status col_volume_visit(const col_volume *volume,
                             base_status (*visit)(void *context, const cache_reference *reference,
                                                  base_error *error),
                             void *context, base_error *error);

/* What is known of a column, for the optimizer. Keys: see below. */
enum {
    COL_STATISTICS_REGISTERS = 256
};
typedef struct col_statistics {
    uint64_t null_count;
    bool has_range;
    uint64_t low_key, high_key;
    uint8_t registers
        [COL_STATISTICS_REGISTERS]; /* HyperLogLog; registers of several volumes merge by maximum */
} col_statistics;
void col_volume_statistics(const col_volume *volume, int32_t place, col_statistics *statistics);
/* The number of different values that a set of registers stands for. */
double col_distinct_estimate(const uint8_t registers[COL_STATISTICS_REGISTERS]);

/* ---- One row -------------------------------------------------------------------------------- */

/* Position of the row, from 0: BASE_OK or BASE_NOT_FOUND (without text). */
base_status col_volume_find(col_volume *volume, int64_t rowid, uint32_t *position,
                            base_error *error);
/* Afterwards col_volume_find and _lower_bound cannot fail. */
base_status col_volume_load_rowids(col_volume *volume, base_error *error);
/* Position of the first row whose rowid is not below `rowid`; the row count if none is. */
base_status col_volume_lower_bound(col_volume *volume, int64_t rowid, uint32_t *position,
                                   base_error *error);
/* Cells at a position; places as col_volume_column gives them, not -1. Far strings point
 * into the volume or into `heap`. */
base_status col_volume_read(col_volume *volume, uint32_t position, const int32_t *places,
                            uint32_t count, types_cell *cells, bool *nulls, base_arena *heap,
                            base_error *error);

/* ---- Vectors --------------------------------------------------------------------------------- */

/* Rows of vector `number` (of VECTOR_SIZE rows from the volume's start) of one column into
 * `out`, which has own memory: FLAT, CONSTANT where the row group has one value, or DICTIONARY
 * for dictionary-coded strings, pointing into the volume. `count` gets the number of rows. */
base_status col_volume_vector(col_volume *volume, int32_t place, uint32_t number, vector *out,
                              uint32_t *count, base_arena *heap, base_error *error);

/*
 * Zone maps. Values are compared as 64-bit keys that keep their order: integers with the
 * sign flipped (128-bit ones cut to 64), floats by their bits, strings by their first
 * eight bytes. Different values may share a key, so a test says "no" only when it is sure.
 */
uint64_t col_key_of(types_form form, const types_cell *cell);
/* A value that has the key: the key's own where keys are exact, otherwise one near it (128-bit
 * integers at the end of 64 bits, the first eight bytes of a string). False: intervals. */
bool col_value_of_key(types_form form, uint64_t key, types_cell *cell);
typedef struct col_range {
    int32_t place;
    uint64_t low, high; /* keys, inclusive */
    bool nulls;         /* rows with NULL pass */
    bool values;        /* rows with a value in the range pass */
} col_range;
/* May a row of the group (vector) pass all ranges? The second reads the piece. */
bool col_group_may_match(const col_volume *volume, uint32_t group, const col_range *ranges,
                         uint32_t count);
base_status col_vector_may_match(col_volume *volume, uint32_t number, const col_range *ranges,
                                 uint32_t count, bool *may, base_error *error);

/* The same for `count` rows from `position`, a multiple of 64, on; all lie in one vector. */
base_status col_volume_rows(col_volume *volume, int32_t place, uint32_t position, uint32_t count,
                            vector *out, base_arena *heap, base_error *error);

/* The integrity check: decodes every piece and compares it with its zone maps, rising
 * rowids included. Problems go to `report`; failures to read are returned. */
base_status col_volume_check(col_volume *volume, void (*report)(void *context, const char *problem),
                             void *context, base_error *error);

#endif
