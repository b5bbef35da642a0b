/*
 * expr_cast_int.h - the batch kernels of numeric casts (expr_cast_kernels.c).
 */
#ifndef EXPR_EXPR_CAST_INT_H
#define EXPR_EXPR_CAST_INT_H

#include "expr/expr_int.h"

/* Integers and decimals are one family: a scaled integer becomes another one. */
typedef struct expr_rescale {
    int128_t factor;       /* a power of ten */
    int128_t low, high;    /* what the target holds */
    uint32_t source_scale; /* for floats */
} expr_rescale;

/* Converts the selected rows; false if one does not fit (results are then undefined). */
typedef bool (*expr_cast_kernel)(const void *from, void *to, const expr_rescale *rescale,
                                 const uint16_t *selection, uint32_t count);

/* A kernel and what it needs, chosen when the cast is compiled. */
typedef struct expr_conversion {
    expr_cast_kernel kernel;
    expr_rescale rescale;
} expr_conversion;

/* NULL: no kernel for the pair, convert value by value. Fills in `rescale`. */
expr_cast_kernel expr_cast_kernel_of(types_type from, types_type to, expr_rescale *rescale);

#endif
