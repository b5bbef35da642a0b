/*
 * codec.h - how the values of one column of one row group become bytes.
 *
 * A codec is one struct of callbacks and one row of codec_table. Values come and go in
 * their physical form (types_form), dense, up to CODEC_MAX_COUNT of them; NULLs are kept
 * beside the body by col_piece, so a codec sees a value at every place (the writer has
 * repeated a neighbour under NULLs). Every codec gives one value without decoding its
 * neighbours; `get` is what point reads are made of.
 *
 * Bodies come from files and are not trusted: `check` looks at every offset once, when the
 * piece is loaded, so that `get` and `decode` need no checks of their own.
 *
 * Body formats stand in each codec's file; numbers are part of the file format.
 */
#ifndef STORE_COL_CODEC_H
#define STORE_COL_CODEC_H

#include "base/base.h"
#include "types/types.h"

enum {
    CODEC_BLOCK = 1024,           /* values packed together */
    CODEC_STEP = 64,              /* decoding begins at a multiple of it */
    CODEC_MAX_COUNT = 131072,     /* rows of a row group */
    CODEC_MAX_DICTIONARY = 65535, /* entries: codes are 16 bits */
};

typedef enum codec_id {
    CODEC_PLAIN = 1,
    CODEC_CONSTANT = 2, /* also arithmetic progressions of integers */
    CODEC_PACKED = 3,   /* frame of reference and bit-packing */
    CODEC_DICTIONARY = 4,
    CODEC_FSST = 5,
} codec_id;

/* What is to be written. */
typedef struct codec_input {
    types_form form;
    uint32_t count;     /* at least 1 */
    const void *values; /* of the form */
    base_arena *arena;  /* scratch of the encoding */
} codec_input;

/* A body as loaded; it stays in place while in use. */
typedef struct codec_body {
    types_form form;
    uint32_t count;
    const uint8_t *data;
    size_t length;
} codec_body;

typedef struct codec {
    codec_id id;
    const char *name;
    /* Bytes that encode would write, close to it; SIZE_MAX: not for these values. Work that
     * encode needs again may be left in `*plan` (in the arena). */
    base_status (*estimate)(const codec_input *input, void **plan, size_t *bytes,
                            base_error *error);
    base_status (*encode)(const codec_input *input, void *plan, base_buffer *out,
                          base_error *error);
    /* Whether the bytes are a body of that form and count. */
    bool (*check)(const codec_body *body);
    /* Value `index`. Strings point into the body, or into `heap` when they had to be made;
     * false only when `heap` has no memory. */
    bool (*get)(const codec_body *body, uint32_t index, types_cell *cell, base_arena *heap);
    /* Values first .. first + count - 1 into dense `out`; `first` is a multiple of
     * CODEC_STEP. The same about strings. */
    bool (*decode)(const codec_body *body, uint32_t first, uint32_t count, void *out,
                   base_arena *heap);
    /* Whether all values are the same; NULL: they are not. */
    bool (*is_one_value)(const codec_body *body);
    /* Dictionary codec only (else NULL): codes instead of values, and the entries. */
    void (*decode_codes)(const codec_body *body, uint32_t first, uint32_t count, uint16_t *codes);
    uint32_t (*entry_count)(const codec_body *body);
    types_string (*entry)(const codec_body *body, uint32_t code);
} codec;

/* NULL: a number that this library does not know. */
const codec *codec_find(uint32_t id);
/* The codec that writes these values smallest, with its plan. */
base_status codec_choose(const codec_input *input, const codec **chosen, void **plan,
                         base_error *error);

extern const codec codec_plain;
extern const codec codec_constant;
extern const codec codec_packed;
extern const codec codec_dictionary;
extern const codec codec_fsst;

/* ---- Integers of any form as 64 bits (codec_packed.c) ---- */

/* Forms that have a 64-bit image: BOOL .. UINT64, and INT128 where all values fit. */
bool codec_to_int64(const codec_input *input, int64_t *out);
void codec_from_int64(types_form form, const int64_t *values, uint32_t count, void *out);

/* ---- Bit-packing (codec_bits_kernels.c) ---- */
/*
 * 1,024 values of `width` bits in 128 * width bytes, in interleaved order: with lanes of 32
 * bits (width <= 32; 64 bits above) value i lies in lane i mod lanes, and each lane is
 * packed by itself, so that one step unpacks all lanes at once (the order of A. Afroozeh
 * and P. Boncz, "The FastLanes Compression Layout", VLDB 2023).
 */
BASE_INLINE size_t codec_bits_size(uint32_t width)
{
    return (size_t)128 * width;
}
/* Packs 1,024 values, each below 2^width. */
void codec_bits_pack(const uint64_t *values, uint32_t width, uint8_t *out);
/* values[i] = base + i-th packed number, of up to 64, 32 and 16 bits; sums wrap. */
void codec_bits_unpack(const uint8_t *in, uint32_t width, uint64_t base, uint64_t *values);
void codec_bits_unpack_32(const uint8_t *in, uint32_t width, uint64_t base, uint32_t *values);
void codec_bits_unpack_16(const uint8_t *in, uint32_t width, uint64_t base, uint16_t *values);
uint64_t codec_bits_get(const uint8_t *in, uint32_t width, uint32_t index);
/* The sum of the packed numbers before number `index` that lie in one row of 32 with it; widths up
 * to 32 bits. */
uint64_t codec_bits_sum_before(const uint8_t *in, uint32_t width, uint32_t index);

#endif
