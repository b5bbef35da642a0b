/*
 * vector_compare.c - comparison of vectors of any shape (contract: vector.h).
 *
 * The stamped loops know flat values and a constant right side. Here nulls become a refinement
 * of the selection (or a combined bitmap), a constant left side is mirrored, a dictionary
 * against a constant is decided per entry, and any other dictionary is gathered first.
 *
 * Dense or sparse: for plain forms, comparing whole columns into flags and then picking from
 * the flags beats walking the selection as long as about a quarter of the rows is selected.
 *
 * Invariant: strings are looked at only where they are selected and not NULL.
 */
#include "vector/vector_int.h"

enum {
    DENSE_ROWS = 4, /* flags are computed for at most this many rows per selected one */
};

static const uint8_t mirrored[VECTOR_COMPARISON_COUNT] = {
    [VECTOR_EQUAL] = VECTOR_EQUAL,  [VECTOR_NOT_EQUAL] = VECTOR_NOT_EQUAL,
    [VECTOR_LESS] = VECTOR_GREATER, [VECTOR_LESS_EQUAL] = VECTOR_GREATER_EQUAL,
    [VECTOR_GREATER] = VECTOR_LESS, [VECTOR_GREATER_EQUAL] = VECTOR_LESS_EQUAL,
};

/* Positions of the selection whose flag is set. `out` may be `selection`. */
static uint32_t pick_flags(const uint8_t *flags, const uint16_t *selection, uint32_t count,
                           uint16_t *out)
{
    if (!selection)
        return vector_flags_to_selection(flags, count, out);
    uint32_t selected = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint16_t position = selection[i];
        out[selected] = position;
        selected += flags[position];
    }
    return selected;
}

static bool use_flags(types_form form, const uint16_t *selection, uint32_t count)
{
    return form != TYPES_FORM_STRING && vector_extent(selection, count) <= DENSE_ROWS * count;
}

/* No nulls here; left is flat, right flat or constant. */
static uint32_t select_values(vector_comparison comparison, const vector *left, const vector *right,
                              const uint16_t *selection, uint32_t count, uint16_t *out)
{
    types_form form = (types_form)left->form;
    bool right_constant = right->shape == VECTOR_CONSTANT;
    if (!use_flags(form, selection, count))
        return vector_selects[form][comparison](left->data, right->data, right_constant, selection,
                                                count, out);
    uint8_t flags[VECTOR_SIZE];
    vector_flags()->entries[form][comparison](left->data, right->data, right_constant,
                                              vector_extent(selection, count), flags);
    return pick_flags(flags, selection, count, out);
}

/* Decides each entry once, then each row by its code. */
static uint32_t select_by_entry(vector_comparison comparison, const vector *left,
                                const vector *right, const uint16_t *selection, uint32_t count,
                                uint16_t *out)
{
    uint8_t passes[VECTOR_SIZE];
    uint16_t entries[VECTOR_SIZE];
    uint32_t size = left->dictionary_size;
    BASE_ASSERT(size <= VECTOR_SIZE);
    uint32_t passing = select_values(comparison, left->dictionary, right, NULL, size, entries);
    memset(passes, 0, size);
    for (uint32_t i = 0; i < passing; i++)
        passes[entries[i]] = 1;
    const uint16_t *codes = left->data;
    uint32_t selected = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        out[selected] = (uint16_t)position;
        selected += passes[codes[position]];
    }
    return selected;
}

/* A flat copy of a dictionary vector's selected rows, in memory of the caller's frame. */
typedef struct flat_copy {
    vector column;
    _Alignas(16) char data[VECTOR_SIZE * sizeof(types_cell)];
} flat_copy;

static const vector *flat_view(const vector *column, const uint16_t *selection, uint32_t count,
                               flat_copy *copy)
{
    if (column->shape != VECTOR_DICTIONARY)
        return column;
    copy->column = *column;
    copy->column.own_data = copy->data;
    vector_flatten(&copy->column, selection, count);
    return &copy->column;
}

/* Kept out of line: 64 KiB of frame for a case that plans seldom have. */
static BASE_NOINLINE uint32_t select_gathered(vector_comparison comparison, const vector *left,
                                              const vector *right, const uint16_t *selection,
                                              uint32_t count, uint16_t *out)
{
    flat_copy left_copy, right_copy;
    left = flat_view(left, selection, count, &left_copy);
    right = flat_view(right, selection, count, &right_copy);
    if (left->shape == VECTOR_CONSTANT)
        return select_values(mirrored[comparison], right, left, selection, count, out);
    return select_values(comparison, left, right, selection, count, out);
}

/* Keeps all rows of the selection or none. */
static uint32_t keep_all(const uint16_t *selection, uint32_t count, bool keep, uint16_t *out)
{
    if (!keep)
        return 0;
    if (out != selection)
        for (uint32_t i = 0; i < count; i++)
            out[i] = (uint16_t)vector_row(selection, i);
    return count;
}

/* Any shapes, no nulls among the rows. */
static uint32_t select_valid_rows(vector_comparison comparison, const vector *left,
                                  const vector *right, const uint16_t *selection, uint32_t count,
                                  uint16_t *out)
{
    if (left->shape == VECTOR_CONSTANT && right->shape == VECTOR_CONSTANT) {
        uint16_t first;
        bool keep = vector_selects[left->form][comparison](left->data, right->data, true, NULL, 1,
                                                           &first) == 1;
        return keep_all(selection, count, keep, out);
    }
    if (left->shape == VECTOR_CONSTANT) {
        const vector *exchanged = left;
        left = right;
        right = exchanged;
        comparison = mirrored[comparison];
    }
    if (left->shape == VECTOR_DICTIONARY && right->shape == VECTOR_CONSTANT &&
        left->dictionary_size <= count)
        return select_by_entry(comparison, left, right, selection, count, out);
    if (left->shape == VECTOR_DICTIONARY || right->shape == VECTOR_DICTIONARY)
        return select_gathered(comparison, left, right, selection, count, out);
    return select_values(comparison, left, right, selection, count, out);
}

uint32_t vector_select_compare(vector_comparison comparison, const vector *left,
                               const vector *right, const uint16_t *selection, uint32_t count,
                               uint16_t *out)
{
    BASE_ASSERT(left->form == right->form);
    const vector *sides[2] = {left, right};
    for (int i = 0; i < 2; i++) {
        if (!sides[i]->validity)
            continue;
        if (sides[i]->shape == VECTOR_CONSTANT) {
            if (!vector_is_valid(sides[i], 0))
                return 0;
            continue;
        }
        count = vector_select_valid(sides[i]->validity, selection, count, out);
        selection = out;
    }
    return count ? select_valid_rows(comparison, left, right, selection, count, out) : 0;
}

/* The result is NULL where a side is. False: it is NULL everywhere. */
static bool combine_validity(const vector *left, const vector *right, uint32_t extent,
                             vector *result)
{
    const vector *sides[2] = {left, right};
    for (int i = 0; i < 2; i++) {
        if (!sides[i]->validity)
            continue;
        if (sides[i]->shape == VECTOR_CONSTANT) {
            if (!vector_is_valid(sides[i], 0))
                return false;
            continue;
        }
        if (!result->validity)
            vector_make_validity(result);
        for (uint32_t word = 0; word < (extent + 63) / 64; word++)
            result->validity[word] &= sides[i]->validity[word];
    }
    return true;
}

void vector_compare(vector_comparison comparison, const vector *left, const vector *right,
                    const uint16_t *selection, uint32_t count, vector *result)
{
    BASE_ASSERT(left->form == right->form && result->form == TYPES_FORM_BOOL);
    uint32_t extent = vector_extent(selection, count);
    vector_reset(result);
    if (!combine_validity(left, right, extent, result)) {
        types_value null = types_null_of(TYPES_OF(BOOLEAN));
        vector_set_constant(result, &null);
        return;
    }
    uint8_t *flags = result->data;
    bool both_constant = left->shape == VECTOR_CONSTANT && right->shape == VECTOR_CONSTANT;
    if (!both_constant && left->shape != VECTOR_DICTIONARY && right->shape != VECTOR_DICTIONARY &&
        use_flags((types_form)left->form, selection, count)) {
        if (left->shape == VECTOR_CONSTANT) {
            const vector *exchanged = left;
            left = right;
            right = exchanged;
            comparison = mirrored[comparison];
        }
        vector_flags()->entries[left->form][comparison](
            left->data, right->data, right->shape == VECTOR_CONSTANT, extent, flags);
        return;
    }
    uint16_t rows[VECTOR_SIZE];
    uint32_t passing = vector_select_compare(comparison, left, right, selection, count, rows);
    if (both_constant) {
        flags[0] = passing > 0;
        result->shape = VECTOR_CONSTANT;
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        flags[vector_row(selection, i)] = 0;
    for (uint32_t i = 0; i < passing; i++)
        flags[rows[i]] = 1;
}

uint32_t vector_select_true(const vector *column, const uint16_t *selection, uint32_t count,
                            uint16_t *out)
{
    BASE_ASSERT(column->form == TYPES_FORM_BOOL);
    if (column->shape == VECTOR_CONSTANT)
        return keep_all(selection, count,
                        vector_is_valid(column, 0) && ((const uint8_t *)column->data)[0], out);
    if (column->validity) {
        count = vector_select_valid(column->validity, selection, count, out);
        selection = out;
    }
    if (column->shape == VECTOR_FLAT)
        return pick_flags(column->data, selection, count, out);
    const uint16_t *codes = column->data;
    const uint8_t *entries = column->dictionary->data;
    uint32_t selected = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        out[selected] = (uint16_t)position;
        selected += entries[codes[position]];
    }
    return selected;
}

/* Where a row's value lies; NULL data for a NULL. */
static const void *value_at(const vector *column, uint32_t position)
{
    const char *data = column->data;
    if (!vector_is_valid(column, position))
        return NULL;
    if (column->shape == VECTOR_CONSTANT) {
        position = 0;
    } else if (column->shape == VECTOR_DICTIONARY) {
        position = ((const uint16_t *)column->data)[position];
        data = column->dictionary->data;
    }
    return data + (size_t)position * types_form_size((types_form)column->form);
}

int vector_compare_rows(const vector *left, uint32_t left_position, const vector *right,
                        uint32_t right_position)
{
    BASE_ASSERT(left->form == right->form);
    const void *a = value_at(left, left_position);
    const void *b = value_at(right, right_position);
    if (!a || !b)
        return (a == NULL) - (b == NULL);
    types_cell cell_a, cell_b;
    uint32_t size = types_form_size((types_form)left->form);
    memcpy(&cell_a, a, size);
    memcpy(&cell_b, b, size);
    return types_cell_compare((types_form)left->form, &cell_a, &cell_b);
}

/* ---- Hashing -------------------------------------------------------------------------- */

/* Hashes the entries once. */
static void hash_by_entry(const vector *column, const uint16_t *selection, uint32_t count,
                          bool combine, uint64_t *hashes)
{
    uint64_t of_entry[VECTOR_SIZE], of_null;
    static const uint64_t no_bits = 0;
    vector_hashes[column->form](column->dictionary->data, NULL, NULL, column->dictionary_size,
                                false, of_entry);
    vector_hashes[column->form](column->dictionary->data, &no_bits, NULL, 1, false, &of_null);
    const uint16_t *codes = column->data;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        uint64_t hash = vector_is_valid(column, position) ? of_entry[codes[position]] : of_null;
        hashes[i] = combine ? base_hash_combine(hashes[i], hash) : hash;
    }
}

static BASE_NOINLINE void hash_gathered(const vector *column, const uint16_t *selection,
                                        uint32_t count, bool combine, uint64_t *hashes)
{
    flat_copy copy;
    column = flat_view(column, selection, count, &copy);
    vector_hashes[column->form](column->data, column->validity, selection, count, combine, hashes);
}

void vector_hash(const vector *column, const uint16_t *selection, uint32_t count, bool combine,
                 uint64_t *hashes)
{
    if (column->shape == VECTOR_CONSTANT) {
        uint64_t hash;
        vector_hashes[column->form](column->data, column->validity, NULL, 1, false, &hash);
        for (uint32_t i = 0; i < count; i++)
            hashes[i] = combine ? base_hash_combine(hashes[i], hash) : hash;
    } else if (column->shape == VECTOR_DICTIONARY && column->dictionary_size <= count) {
        hash_by_entry(column, selection, count, combine, hashes);
    } else if (column->shape == VECTOR_DICTIONARY) {
        hash_gathered(column, selection, count, combine, hashes);
    } else {
        vector_hashes[column->form](column->data, column->validity, selection, count, combine,
                                    hashes);
    }
}
