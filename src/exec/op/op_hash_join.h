/*
 * op_hash_join.h - the table that the build side fills and the probe side reads.
 */
#ifndef EXEC_OP_HASH_JOIN_H
#define EXEC_OP_HASH_JOIN_H

#include "exec/op/op_join.h"

/* Header of a build row. */
typedef struct hash_join_row {
    struct hash_join_row *next; /* in the chain */
    uint64_t hash;
    _Atomic(uint8_t) matched; /* a probe row joined it; only where the kind flags */
    bool null_key;            /* a key is NULL that then equals nothing: in no chain */
} hash_join_row;

/*
 * A directory entry: the low 48 bits are the address of the chain's first row, the high 16 are a
 * small bloom filter of the chain's hashes, so that most misses never touch a row. User-space
 * addresses fit 48 bits on every machine that we build for.
 */
#define HASH_JOIN_POINTER_BITS 48
#define HASH_JOIN_POINTER_MASK ((UINT64_C(1) << HASH_JOIN_POINTER_BITS) - 1)
BASE_INLINE uint64_t hash_join_tag(uint64_t hash)
{
    return UINT64_C(1) << (HASH_JOIN_POINTER_BITS + (hash & 15));
}
BASE_INLINE hash_join_row *hash_join_first(uint64_t entry)
{
    return (hash_join_row *)(uintptr_t)(entry & HASH_JOIN_POINTER_MASK);
}

typedef struct hash_join_part {
    exec_part part; /* the sink of the build side */
    op_join join;
    uint32_t key_count;
    bool *null_equal;
    exec_layout layout;     /* keys, then build columns that are no keys */
    uint32_t column_count;  /* of the layout */
    uint32_t *payload;      /* build column of layout column key_count + i */
    int32_t *layout_column; /* of each build column, -1: not kept */
    bool keeps_null_keys;   /* rows that equal nothing are kept all the same */
    _Atomic(uint64_t) *directory;
    uint64_t directory_size;
    uint64_t directory_capacity; /* entries allocated; kept over runs when few */
    uint32_t shift;              /* entry number = hash >> shift */
    /* One dense integer key: entry number = key - base; a chain then holds one key, nothing is
     * compared, and entries have no bloom bits. */
    bool is_direct;
    int64_t base;
    uint64_t row_count;
    bool has_null_key;
} hash_join_part;

typedef struct hash_join_state {
    expr_program **keys;
    const vector **key_vectors;
    exec_rows *rows;
    char **addresses;
    uint64_t *hashes;
    uint16_t *selection;
    bool has_null_key;
} hash_join_state;

/* The key of a row of the build side, for direct tables. */
BASE_INLINE int64_t hash_join_integer(types_form form, const void *data, uint32_t place)
{
    switch (form) {
    case TYPES_FORM_INT8:
        return ((const int8_t *)data)[place];
    case TYPES_FORM_INT16:
        return ((const int16_t *)data)[place];
    case TYPES_FORM_INT32:
        return ((const int32_t *)data)[place];
    default:
        return ((const int64_t *)data)[place];
    }
}

/* Evaluates keys for the chunk's rows. Rows with a NULL in a key that then equals nothing are
 * left out of `selection`; returns how many stay, in `*kept`. */
base_status hash_join_keys(const hash_join_part *join, expr_program **programs,
                           const vector_chunk *chunk, const vector **vectors, uint16_t *selection,
                           uint32_t *kept, base_error *error);
exec_part *hash_join_probe_new(exec_builder *builder, hash_join_part *join);

#endif
