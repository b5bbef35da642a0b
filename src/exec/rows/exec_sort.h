/*
 * exec_sort.h - rows put in order: for ORDER BY, windows, ordered aggregates.
 */
#ifndef EXEC_SORT_H
#define EXEC_SORT_H

#include "exec/rows/exec_rows.h"

enum {
    EXEC_SORT_WORDS = 4, /* of 8 bytes: normalised key bytes kept beside a row's address */
};

typedef struct exec_sort_key {
    uint32_t column; /* of the layout */
    bool descending;
    bool nulls_first;
} exec_sort_key;

typedef struct exec_sorter {
    exec_execution *execution;
    const exec_layout *layout;
    uint32_t key_count;
    exec_sort_key *keys;
    uint32_t words;       /* of an entry's normalised key */
    uint32_t exact_count; /* leading keys that the words decide; the others are compared in full */
} exec_sorter;

base_status exec_sorter_init(exec_sorter *sorter, exec_execution *execution,
                             const exec_layout *layout, const exec_sort_key *keys,
                             uint32_t key_count, base_error *error);

/* Addresses of all rows of the collections in order; rows with equal keys stay in order of
 * insertion. Allocated from the budget: freed with exec_sort_free. On several threads when it is
 * worth it. */
base_status exec_sort_rows(const exec_sorter *sorter, exec_rows *const *collections,
                           uint32_t collection_count, char ***sorted, uint64_t *count,
                           base_error *error);
void exec_sort_free(const exec_sorter *sorter, char **sorted, uint64_t count);

/* Order of two rows by all keys. */
int exec_sort_compare(const exec_sorter *sorter, const char *left, const char *right);
/* True when the rows are equal in keys `first` .. `last` - 1 (NULLs equal). */
bool exec_sort_same(const exec_sorter *sorter, uint32_t first, uint32_t last, const char *left,
                    const char *right);

/* The first key's leading bytes as a number: a row whose number is larger comes later. For
 * dropping rows before they are kept. */
void exec_sort_vector_words(const exec_sorter *sorter, const vector *first_key,
                            const uint16_t *selection, uint32_t count, uint64_t *words);
uint64_t exec_sort_row_word(const exec_sorter *sorter, const char *row);

#endif
