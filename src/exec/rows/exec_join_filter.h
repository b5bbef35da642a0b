/*
 * exec_join_filter.h - what the build side of a hash join lets scans of the probe side know.
 */
#ifndef EXEC_JOIN_FILTER_H
#define EXEC_JOIN_FILTER_H

#include "exec/exec_int.h"

typedef struct exec_join_filter {
    _Atomic(bool) ready; /* false: everything passes */
    uint8_t form;        /* types_form of the key */
    bool empty;          /* nothing passes */
    bool has_range;      /* forms of integers up to 64 bits */
    bool is_bitmap;      /* one bit per value from minimum on; otherwise a bloom filter */
    int64_t minimum, maximum;
    uint64_t *bits;
    uint64_t word_count;
    uint32_t shift; /* bloom filter: word = hash >> shift */
} exec_join_filter;

/* Fills a filter in two passes over the keys: values first, then (after prepare) bits. Values of
 * NULL keys must not be passed. `probe_rows`: an estimate of the rows that will be tested. */
void exec_join_filter_begin(exec_join_filter *filter, types_form form);
void exec_join_filter_range(exec_join_filter *filter, const vector *keys, uint32_t count);
base_status exec_join_filter_prepare(exec_join_filter *filter, exec_execution *execution,
                                     uint64_t key_count, double probe_rows, base_error *error);
void exec_join_filter_add(exec_join_filter *filter, const vector *keys, uint32_t count);
void exec_join_filter_publish(exec_join_filter *filter);
void exec_join_filter_clear(exec_join_filter *filter, exec_execution *execution);

/* Positions of rows that may have a partner; `out` may be `selection`. */
uint32_t exec_join_filter_select(const exec_join_filter *filter, const vector *column,
                                 const uint16_t *selection, uint32_t count, uint16_t *out);

#endif
