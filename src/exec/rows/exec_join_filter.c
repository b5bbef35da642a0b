/*
 * exec_join_filter.c - the keys of a build side as range, bitmap or bloom filter.
 *
 * Integer keys give their smallest and largest value, by which a scan passes over whole parts of
 * its table. Where that range is small for the number of keys (keys of a table usually are dense)
 * or of rows to be tested, one bit per value tells exactly who has a partner, without hashing (a
 * third of the time per row); otherwise a blocked bloom filter does: four bits of one 64-bit word
 * per key, about 12 bits a key, 2 % let through in vain.
 *
 * Invariants: a published filter does not change until the statement is reset; a key that was
 * added always passes.
 */
#include "exec/rows/exec_join_filter.h"

enum {
    BITMAP_SPARSENESS = 64,       /* bits per key that a bitmap may cost, */
    BITMAP_PROBED = 8,            /* or per row that is tested, */
    BITMAP_PROBED_MOST = 1 << 26, /* up to 8 MiB; */
    BITMAP_ALWAYS = 1 << 20,      /* bits that it may cost in any case */
    BLOOM_KEYS_PER_WORD = 5,
};

void exec_join_filter_begin(exec_join_filter *filter, types_form form)
{
    filter->form = (uint8_t)form;
    filter->empty = true;
    filter->has_range = form == TYPES_FORM_INT8 || form == TYPES_FORM_INT16 ||
                        form == TYPES_FORM_INT32 || form == TYPES_FORM_INT64;
    filter->minimum = INT64_MAX;
    filter->maximum = INT64_MIN;
}

/* The value at a position of a vector of integers, in any shape. */
BASE_INLINE int64_t integer_at(types_form form, const void *data, uint32_t place)
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

void exec_join_filter_range(exec_join_filter *filter, const vector *keys, uint32_t count)
{
    BASE_ASSERT(keys->shape == VECTOR_FLAT && keys->form == filter->form);
    filter->empty &= count == 0;
    for (uint32_t i = 0; filter->has_range && i < count; i++) {
        int64_t value = integer_at((types_form)filter->form, keys->data, i);
        filter->minimum = BASE_MIN(filter->minimum, value);
        filter->maximum = BASE_MAX(filter->maximum, value);
    }
}

static bool is_worth_bitmap(uint64_t span, uint64_t key_count, double probe_rows)
{
    return span < BITMAP_ALWAYS || span / BITMAP_SPARSENESS < key_count ||
           (span < BITMAP_PROBED_MOST && (double)span < probe_rows * BITMAP_PROBED);
}

base_status exec_join_filter_prepare(exec_join_filter *filter, exec_execution *execution,
                                     uint64_t key_count, double probe_rows, base_error *error)
{
    if (filter->empty)
        return BASE_OK;
    uint64_t span = (uint64_t)filter->maximum - (uint64_t)filter->minimum;
    filter->is_bitmap =
        filter->has_range && span < UINT64_MAX / 2 && is_worth_bitmap(span, key_count, probe_rows);
    if (filter->is_bitmap) {
        filter->word_count = span / 64 + 1;
    } else {
        filter->word_count =
            base_next_power_of_two(BASE_MAX(key_count / BLOOM_KEYS_PER_WORD, (uint64_t)64));
        filter->shift = 64 - (base_bit_width(filter->word_count) - 1);
    }
    filter->bits = base_allocate_zeroed(&execution->budget, filter->word_count * sizeof(uint64_t));
    if (!filter->bits)
        return base_error_no_memory(error);
    return BASE_OK;
}

/* Four bits of a word, from bits of the hash that do not choose the word. */
BASE_INLINE uint64_t bloom_pattern(uint64_t hash)
{
    return UINT64_C(1) << (hash & 63) | UINT64_C(1) << (hash >> 6 & 63) |
           UINT64_C(1) << (hash >> 12 & 63) | UINT64_C(1) << (hash >> 18 & 63);
}

void exec_join_filter_add(exec_join_filter *filter, const vector *keys, uint32_t count)
{
    if (filter->is_bitmap) {
        for (uint32_t i = 0; i < count; i++) {
            int64_t value = integer_at((types_form)filter->form, keys->data, i);
            base_bit_set(filter->bits, (uint64_t)value - (uint64_t)filter->minimum);
        }
        return;
    }
    uint64_t hashes[VECTOR_SIZE];
    vector_hash(keys, NULL, count, false, hashes);
    for (uint32_t i = 0; i < count; i++)
        filter->bits[hashes[i] >> filter->shift] |= bloom_pattern(hashes[i]);
}

void exec_join_filter_publish(exec_join_filter *filter)
{
    atomic_store_explicit(&filter->ready, true, memory_order_release);
}

void exec_join_filter_clear(exec_join_filter *filter, exec_execution *execution)
{
    base_free(&execution->budget, filter->bits, filter->word_count * sizeof(uint64_t));
    filter->bits = NULL;
    filter->word_count = 0;
    filter->is_bitmap = false;
    atomic_store_explicit(&filter->ready, false, memory_order_relaxed);
}

/* ---- Testing ----------------------------------------------------------------------------- */

BASE_INLINE uint32_t select_places(const exec_join_filter *filter, types_form form,
                                   const vector *column, const uint16_t *selection, uint32_t count,
                                   uint16_t *out)
{
    uint64_t minimum = (uint64_t)filter->minimum;
    uint64_t span = (uint64_t)filter->maximum - minimum;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        uint64_t place = (uint64_t)integer_at(form, column->data, position) - minimum;
        uint64_t inside = place <= span;
        out[kept] = (uint16_t)position;
        kept += inside && base_bit_get(filter->bits, inside ? place : 0);
    }
    return kept;
}

BASE_INLINE uint32_t select_bitmap(const exec_join_filter *filter, types_form form,
                                   const vector *column, const uint16_t *selection, uint32_t count,
                                   uint16_t *out)
{
    return selection ? select_places(filter, form, column, selection, count, out)
                     : select_places(filter, form, column, NULL, count, out);
}

static uint32_t select_valid(const vector *column, const uint16_t *selection, uint32_t count,
                             uint16_t *out)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        out[kept] = (uint16_t)position;
        kept += vector_is_valid(column, position);
    }
    return kept;
}

static uint32_t select_bloom(const exec_join_filter *filter, const vector *column,
                             const uint16_t *selection, uint32_t count, uint16_t *out)
{
    uint64_t hashes[VECTOR_SIZE];
    uint32_t kept = 0;
    vector_hash(column, selection, count, false, hashes);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t pattern = bloom_pattern(hashes[i]);
        out[kept] = (uint16_t)vector_row(selection, i);
        kept += (filter->bits[hashes[i] >> filter->shift] & pattern) == pattern;
    }
    return kept;
}

uint32_t exec_join_filter_select(const exec_join_filter *filter, const vector *column,
                                 const uint16_t *selection, uint32_t count, uint16_t *out)
{
    if (filter->empty)
        return 0;
    if (column->validity) {
        count = select_valid(column, selection, count, out);
        selection = out;
    }
    if (!filter->is_bitmap)
        return select_bloom(filter, column, selection, count, out);
    if (column->shape != VECTOR_FLAT) /* constants: not worth a loop of their own */
        return select_valid(column, selection, count, out);
    switch ((types_form)filter->form) {
    case TYPES_FORM_INT8:
        return select_bitmap(filter, TYPES_FORM_INT8, column, selection, count, out);
    case TYPES_FORM_INT16:
        return select_bitmap(filter, TYPES_FORM_INT16, column, selection, count, out);
    case TYPES_FORM_INT32:
        return select_bitmap(filter, TYPES_FORM_INT32, column, selection, count, out);
    default:
        return select_bitmap(filter, TYPES_FORM_INT64, column, selection, count, out);
    }
}
