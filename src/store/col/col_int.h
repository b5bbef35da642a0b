/*
 * col_int.h - layout of pieces and of a volume's metadata (also in docs/FORMAT.md).
 *
 * Piece: head | NULL bitmap (if any) | zones: per vector u64 low key, u64 high key (low >
 * high: no value) | body. All offsets from the piece's start.
 *
 * Metadata: head | columns | registers of HyperLogLog per column | groups | pieces, group
 * after group.
 */
#ifndef STORE_COL_COL_INT_H
#define STORE_COL_COL_INT_H

#include "store/col/col.h"
#include "store/col/codec/codec.h"

enum {
    COL_MAGIC = 0x4C4F5654, /* "TVOL" */
    COL_VERSION = 1,
    COL_HEAD_SIZE = 64,
    COL_COLUMN_SIZE = 8,
    COL_REGISTERS = COL_STATISTICS_REGISTERS,
    COL_GROUP_SIZE = 24,
    COL_PIECE_SIZE = CACHE_REFERENCE_SIZE + 32,
    COL_PIECE_HEAD = 32,
    COL_OWN_COLUMNS = 2,      /* rowids and stamps come first */
    COL_SHARED_LIMIT = 65536, /* smaller pieces of a group share an extent */
};

/* Offsets in the metadata's head. */
enum {
    COL_HEAD_MAGIC = 0,
    COL_HEAD_VERSION = 4,
    COL_HEAD_ROWS = 8,
    COL_HEAD_GROUPS = 16,
    COL_HEAD_COLUMNS = 20,
    COL_HEAD_FIRST_ROWID = 24,
    COL_HEAD_LAST_ROWID = 32,
    COL_HEAD_FIRST_STAMP = 40,
    COL_HEAD_LAST_STAMP = 48,
    COL_HEAD_BYTES = 56, /* of all pieces */
};

/* Offsets in a piece's head. */
enum {
    COL_PIECE_CODEC = 0,
    COL_PIECE_FORM = 1,
    COL_PIECE_HAS_NULLS = 2,
    COL_PIECE_COUNT = 4,
    COL_PIECE_NULLS_AT = 8,
    COL_PIECE_ZONES_AT = 12,
    COL_PIECE_BODY_AT = 16,
    COL_PIECE_BODY_LENGTH = 20,
};

/* A piece as the metadata describes it. */
typedef struct col_piece_info {
    cache_reference extent;
    uint32_t offset, length; /* in the extent */
    uint32_t null_count;
    uint64_t low_key, high_key; /* low > high: no value */
} col_piece_info;

/* A piece in memory; belongs to the volume until it is closed. */
typedef struct col_piece {
    cache_pin pin;
    const codec *codec;
    codec_body body;
    const uint8_t *nulls; /* NULL: none */
    const uint8_t *zones;
    vector *dictionary; /* entries as a flat vector; dictionary codec only */
    uint32_t entry_count;
} col_piece;

typedef struct col_group_info {
    uint32_t rows;
    int64_t first_rowid, last_rowid;
} col_group_info;

struct col_volume {
    cache_file *file;
    base_budget *budget;
    base_arena arena; /* metadata */
    cache_reference reference;
    col_volume_info info;
    uint32_t column_count; /* own columns included */
    col_column *columns;
    const uint8_t *registers;
    col_group_info *groups;
    col_piece_info *pieces; /* group * column_count + place */
    _Atomic(col_piece *) *loaded;
    os_mutex mutex; /* loading a piece */
};

/* ---- Row groups on their way to the file (col_group.c) --------------------------------------- */

/* What all groups of a writer have in common. */
typedef struct col_group_plan {
    cache_file *file;
    base_budget *budget;
    bool loose;
    uint32_t column_count;     /* own columns included */
    const col_column *columns; /* likewise */
    const _Atomic(bool) *abandoned;
} col_group_plan;

typedef struct col_group col_group;

/* One column of the group. */
typedef struct col_builder {
    col_group *group;
    types_form form;
    uint8_t *values; /* COL_GROUP_ROWS of the form, grown as needed */
    uint32_t value_capacity;
    uint64_t *validity; /* NULL: no NULL so far */
    base_arena heap;    /* bytes of far strings */
    base_buffer out;    /* the encoded piece */
    col_piece_info info;
    uint8_t registers[COL_REGISTERS];
    base_status status;
    base_error error;
} col_builder;

struct col_group {
    const col_group_plan *plan;
    col_builder *columns;
    uint32_t rows;
    size_t heap_bytes;
    _Atomic(uint32_t) left; /* columns that are not encoded yet */
    _Atomic(bool) done;
    base_status status; /* once it is done */
    base_error error;
    uint32_t extent_count, extent_capacity;
    cache_reference *extents; /* the group's, until the writer takes them over */
};

base_status col_group_create(const col_group_plan *plan, col_group **group, base_error *error);
/* Nobody is encoding it. Discards loose extents that nobody took over. */
void col_group_destroy(col_group *group); /* NULL allowed */
void col_group_reset(col_group *group);
/* Memory of the rows collected. */
size_t col_group_bytes(const col_group *group);
/* Adds rows first .. first + count - 1 of the chunk, which fit; false: no memory, nothing was
 * added. */
BASE_MUST_USE bool col_group_append(col_group *group, const vector_chunk *rows, uint32_t first,
                                    uint32_t count, const int64_t *rowids, const uint64_t *stamps,
                                    uint64_t stamp);
/* Encodes and writes the rows, as tasks, the last of which sets `done`; NULL: before it
 * returns. */
void col_group_encode(col_group *group, os_task_group *tasks);

/* ---- Pieces ---------------------------------------------------------------------------------- */

/* Bytes of a piece over dense values; statistics go into `info` and `registers`. */
base_status col_piece_encode(types_form form, void *values, const uint64_t *validity,
                             uint32_t count, base_budget *budget, base_buffer *out,
                             col_piece_info *info, uint8_t *registers, base_error *error);
/* Widens the zone (low key, high key) by the values first .. end - 1, and counts them in. */
void col_measure(types_form form, const void *values, const uint64_t *validity, uint32_t first,
                 uint32_t end, uint64_t zone[2], uint8_t *registers);
/* Points the parts into `bytes`, checked. */
base_status col_piece_parse(const uint8_t *bytes, size_t length, types_form form, uint32_t count,
                            col_piece *piece, base_error *error);
/* The piece of a column of a group, loaded if need be. */
base_status col_volume_piece(col_volume *volume, uint32_t group, uint32_t place,
                             const col_piece **piece, base_error *error);
base_status col_damaged(base_error *error);

#endif
