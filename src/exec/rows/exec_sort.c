/*
 * exec_sort.c - merge sort over normalised keys.
 *
 * Per row an entry is made: up to four 64-bit words of normalised key bytes (one byte for NULL,
 * then the value in an order that unsigned comparison respects, inverted when descending) and
 * the row's address. So nearly all comparisons touch the entries only. Strings put in their
 * first bytes; keys that do not fit are compared in full when the words tie.
 * A string's first bytes are followed by its length, and one that is longer than those bytes by
 * zeros only: the keys behind it must not decide before the rest of it has.
 *
 * Runs are sorted by insertion, then merged bottom-up; each thread sorts a run of its own, and
 * merges of large runs are cut by merge path so that all threads have a part of each. The sort is
 * stable: rows with equal keys stay in input order, so answers do not depend on luck.
 *
 * Rejected: quicksort variants (not stable, no faster on 16 to 40-byte entries); radix sort on all
 * words (wins on one word only; may come later for it).
 */
#include "exec/rows/exec_sort.h"

enum {
    SMALL_RUN = 24, /* sorted by insertion */
    ENTRIES_PER_TASK = 32768,
    STRING_PREFIX = 12,
    STRING_BYTES = STRING_PREFIX + 1, /* the length, or STRING_BYTES for all longer ones */
};

/* Value bytes that a key column adds to the words. */
static uint32_t key_bytes(types_form form)
{
    return form == TYPES_FORM_STRING ? STRING_BYTES : types_form_size(form);
}

base_status exec_sorter_init(exec_sorter *sorter, exec_execution *execution,
                             const exec_layout *layout, const exec_sort_key *keys,
                             uint32_t key_count, base_error *error)
{
    sorter->execution = execution;
    sorter->layout = layout;
    sorter->key_count = key_count;
    sorter->keys = exec_new(execution, (key_count + 1) * sizeof *keys);
    if (!sorter->keys)
        return base_error_no_memory(error);
    if (key_count)
        memcpy(sorter->keys, keys, key_count * sizeof *keys);
    uint32_t bytes = 0;
    bool exact = true;
    for (uint32_t i = 0; i < key_count; i++) {
        types_form form = (types_form)layout->forms[keys[i].column];
        bytes += 1 + key_bytes(form);
        if (form == TYPES_FORM_STRING || form == TYPES_FORM_INTERVAL || bytes > EXEC_SORT_WORDS * 8)
            exact = false;
        if (exact)
            sorter->exact_count = i + 1;
    }
    sorter->words = BASE_MIN(BASE_MAX((bytes + 7) / 8, 1u), (uint32_t)EXEC_SORT_WORDS);
    return BASE_OK;
}

/* ---- Normalised keys --------------------------------------------------------------------- */

static void put_big_endian(uint8_t *to, uint64_t value, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        to[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
}

static uint64_t float_order(double value)
{
    if (value != value)
        return UINT64_MAX; /* NaN is largest */
    if (value == 0)
        value = 0; /* -0 equals 0 */
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static uint32_t float32_order(float value)
{
    if (value != value)
        return UINT32_MAX;
    if (value == 0)
        value = 0;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 31 ? ~bits : bits | UINT32_C(1) << 31;
}

static void interval_order(const void *value, uint8_t *to)
{
    types_interval interval;
    memcpy(&interval, value, sizeof interval);
    int128_t days = (int128_t)interval.months * 30 + interval.days;
    int128_t total = days * TYPES_MICROSECONDS_PER_DAY + interval.microseconds;
    uint128_t order = (uint128_t)total ^ ((uint128_t)1 << 127);
    put_big_endian(to, (uint64_t)(order >> 64), 8);
    put_big_endian(to + 8, (uint64_t)order, 8);
}

/* The bytes of one value that is not NULL, in ascending order. */
BASE_INLINE void normalise(types_form form, const void *value, uint8_t *to)
{
    types_cell cell;
    switch (form) {
    case TYPES_FORM_BOOL:
        to[0] = *(const uint8_t *)value;
        break;
    case TYPES_FORM_INT8:
        to[0] = (uint8_t)(*(const uint8_t *)value ^ 0x80);
        break;
    case TYPES_FORM_INT16:
        memcpy(&cell.int16, value, 2);
        put_big_endian(to, (uint16_t)((uint16_t)cell.int16 ^ 0x8000u), 2);
        break;
    case TYPES_FORM_INT32:
        memcpy(&cell.int32, value, 4);
        put_big_endian(to, (uint32_t)cell.int32 ^ 0x80000000u, 4);
        break;
    case TYPES_FORM_INT64:
        memcpy(&cell.int64, value, 8);
        put_big_endian(to, (uint64_t)cell.int64 ^ UINT64_C(1) << 63, 8);
        break;
    case TYPES_FORM_UINT64:
        memcpy(&cell.uint64, value, 8);
        put_big_endian(to, cell.uint64, 8);
        break;
    case TYPES_FORM_INT128: {
        memcpy(&cell.int128, value, 16);
        uint128_t order = (uint128_t)cell.int128 ^ ((uint128_t)1 << 127);
        put_big_endian(to, (uint64_t)(order >> 64), 8);
        put_big_endian(to + 8, (uint64_t)order, 8);
        break;
    }
    case TYPES_FORM_FLOAT32:
        memcpy(&cell.float32, value, 4);
        put_big_endian(to, float32_order(cell.float32), 4);
        break;
    case TYPES_FORM_FLOAT64:
        memcpy(&cell.float64, value, 8);
        put_big_endian(to, float_order(cell.float64), 8);
        break;
    case TYPES_FORM_STRING: {
        memcpy(&cell.string, value, 16);
        uint32_t length = BASE_MIN(cell.string.length, (uint32_t)STRING_PREFIX);
        memset(to, 0, STRING_PREFIX);
        memcpy(to, types_string_data(&cell.string), length);
        to[STRING_PREFIX] = (uint8_t)BASE_MIN(cell.string.length, (uint32_t)STRING_BYTES);
        break;
    }
    case TYPES_FORM_INTERVAL:
        interval_order(value, to);
        break;
    case TYPES_FORM_COUNT:
        break;
    }
}

/* Marker and value of one key; returns the bytes written. */
BASE_INLINE uint32_t encode_key(const exec_sort_key *key, types_form form, const void *value,
                                bool is_null, uint8_t *to)
{
    uint32_t size = key_bytes(form);
    if (is_null) {
        to[0] = key->nulls_first ? 0 : 2;
        memset(to + 1, 0, size);
    } else {
        to[0] = 1;
        normalise(form, value, to + 1);
        if (key->descending)
            for (uint32_t i = 1; i <= size; i++)
                to[i] = (uint8_t)~to[i];
    }
    return 1 + size;
}

BASE_INLINE uint64_t load_big_endian(const uint8_t *from)
{
    return __builtin_bswap64(base_load_u64(from));
}

enum {
    KEY_BUFFER = EXEC_SORT_WORDS * 8 + 32
};

static bool is_long_string(types_form form, const char *value)
{
    types_string string;
    if (form != TYPES_FORM_STRING)
        return false;
    memcpy(&string, value, sizeof string);
    return string.length > STRING_PREFIX;
}

static void encode_row(const exec_sorter *sorter, const char *row, uint64_t *words)
{
    uint8_t bytes[KEY_BUFFER];
    uint32_t length = 0, wanted = sorter->words * 8;
    const exec_layout *layout = sorter->layout;
    for (uint32_t k = 0; k < sorter->key_count && length < wanted; k++) {
        uint32_t column = sorter->keys[k].column;
        types_form form = (types_form)layout->forms[column];
        const char *value = row + layout->offsets[column];
        bool is_null = exec_row_is_null(layout, row, column);
        length += encode_key(&sorter->keys[k], form, value, is_null, bytes + length);
        if (!is_null && is_long_string(form, value))
            break;
    }
    if (length < wanted)
        memset(bytes + length, 0, wanted - length);
    for (uint32_t w = 0; w < sorter->words; w++)
        words[w] = load_big_endian(bytes + 8 * w);
}

/* One value of the first key as a number in its order: eight bytes of value, where sorting's own
 * first word has one for NULL and seven (too few to tell small integers apart). NULL takes an end
 * of the range, which other values may share: whoever compares keeps ties. */
static uint64_t bound_word(const exec_sort_key *key, types_form form, const void *value, bool null)
{
    uint8_t bytes[KEY_BUFFER] = {0};
    if (null)
        return key->nulls_first ? 0 : UINT64_MAX;
    encode_key(key, form, value, false, bytes);
    return load_big_endian(bytes + 1);
}

uint64_t exec_sort_row_word(const exec_sorter *sorter, const char *row)
{
    const exec_layout *layout = sorter->layout;
    uint32_t column = sorter->keys[0].column;
    return bound_word(&sorter->keys[0], (types_form)layout->forms[column],
                      row + layout->offsets[column], exec_row_is_null(layout, row, column));
}

void exec_sort_vector_words(const exec_sorter *sorter, const vector *first_key,
                            const uint16_t *selection, uint32_t count, uint64_t *words)
{
    types_form form = (types_form)first_key->form;
    uint32_t size = types_form_size(form);
    const char *data =
        first_key->shape == VECTOR_DICTIONARY ? first_key->dictionary->data : first_key->data;
    const uint16_t *codes = first_key->data;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        uint32_t place = first_key->shape == VECTOR_FLAT       ? position
                         : first_key->shape == VECTOR_CONSTANT ? 0
                                                               : codes[position];
        words[i] = bound_word(&sorter->keys[0], form, data + (size_t)place * size,
                              !vector_is_valid(first_key, position));
    }
}

/* ---- Comparing --------------------------------------------------------------------------- */

static int compare_key(const exec_sorter *sorter, uint32_t k, const char *left, const char *right)
{
    const exec_sort_key *key = &sorter->keys[k];
    const exec_layout *layout = sorter->layout;
    bool left_null = exec_row_is_null(layout, left, key->column);
    bool right_null = exec_row_is_null(layout, right, key->column);
    if (left_null || right_null) {
        int order = (int)left_null - (int)right_null;
        return key->nulls_first ? -order : order;
    }
    int order = exec_row_compare(layout, key->column, left, right);
    return key->descending ? -order : order;
}

int exec_sort_compare(const exec_sorter *sorter, const char *left, const char *right)
{
    for (uint32_t k = 0; k < sorter->key_count; k++) {
        int order = compare_key(sorter, k, left, right);
        if (order)
            return order;
    }
    return 0;
}

/* Are two values of a key the same? Equal bytes are equal values; other bytes are other values but
 * for far strings, floats and intervals. */
static bool same_key(const exec_sorter *sorter, uint32_t k, const char *left, const char *right)
{
    const exec_layout *layout = sorter->layout;
    uint32_t column = sorter->keys[k].column, offset = layout->offsets[column];
    types_form form = (types_form)layout->forms[column];
    bool left_null = exec_row_is_null(layout, left, column);
    bool right_null = exec_row_is_null(layout, right, column);
    if (left_null || right_null)
        return left_null && right_null;
    if (memcmp(left + offset, right + offset, types_form_size(form)) == 0)
        return true;
    if (form == TYPES_FORM_STRING || form == TYPES_FORM_FLOAT32 || form == TYPES_FORM_FLOAT64 ||
        form == TYPES_FORM_INTERVAL)
        return compare_key(sorter, k, left, right) == 0;
    return false;
}

bool exec_sort_same(const exec_sorter *sorter, uint32_t first, uint32_t last, const char *left,
                    const char *right)
{
    for (uint32_t k = first; k < last; k++)
        if (!same_key(sorter, k, left, right))
            return false;
    return true;
}

static int compare_rest(const exec_sorter *sorter, const char *left, const char *right)
{
    for (uint32_t k = sorter->exact_count; k < sorter->key_count; k++) {
        int order = compare_key(sorter, k, left, right);
        if (order)
            return order;
    }
    return 0;
}

/* ---- Sorting: entries of `words` words and an address ------------------------------------ */

BASE_INLINE char *entry_row(uint32_t words, const uint64_t *entry)
{
    char *row;
    memcpy(&row, entry + words, sizeof row);
    return row;
}

/* True when `a` must come after `b`. */
BASE_INLINE bool entry_after(const exec_sorter *sorter, uint32_t words, const uint64_t *a,
                             const uint64_t *b)
{
    for (uint32_t w = 0; w < words; w++)
        if (a[w] != b[w])
            return a[w] > b[w];
    if (sorter->exact_count == sorter->key_count)
        return false;
    return compare_rest(sorter, entry_row(words, a), entry_row(words, b)) > 0;
}

BASE_INLINE void copy_entry(uint32_t words, uint64_t *to, const uint64_t *from)
{
    memcpy(to, from, (words + 1) * sizeof(uint64_t));
}

BASE_INLINE void insertion_sort(const exec_sorter *sorter, uint32_t words, uint64_t *entries,
                                size_t count)
{
    uint32_t stride = words + 1;
    uint64_t moved[EXEC_SORT_WORDS + 1];
    for (size_t i = 1; i < count; i++) {
        uint64_t *place = entries + i * stride;
        if (!entry_after(sorter, words, place - stride, place))
            continue;
        copy_entry(words, moved, place);
        do {
            copy_entry(words, place, place - stride);
            place -= stride;
        } while (place > entries && entry_after(sorter, words, place - stride, moved));
        copy_entry(words, place, moved);
    }
}

/* Merges left and right into `to`; equal entries of the left come first. */
BASE_INLINE void merge_runs(const exec_sorter *sorter, uint32_t words, const uint64_t *left,
                            size_t left_count, const uint64_t *right, size_t right_count,
                            uint64_t *to)
{
    uint32_t stride = words + 1;
    const uint64_t *left_end = left + left_count * stride,
                   *right_end = right + right_count * stride;
    while (left < left_end && right < right_end) {
        bool take_right = entry_after(sorter, words, left, right);
        const uint64_t *from = take_right ? right : left;
        copy_entry(words, to, from);
        right += take_right ? stride : 0;
        left += take_right ? 0 : stride;
        to += stride;
    }
    memcpy(to, left, (size_t)(left_end - left) * sizeof *to);
    to += left_end - left;
    memcpy(to, right, (size_t)(right_end - right) * sizeof *to);
}

/* Sorts `entries`; `spare` has the same size. */
BASE_INLINE void sort_body(const exec_sorter *sorter, uint32_t words, uint64_t *entries,
                           size_t count, uint64_t *spare)
{
    uint32_t stride = words + 1;
    for (size_t i = 0; i < count; i += SMALL_RUN)
        insertion_sort(sorter, words, entries + i * stride, BASE_MIN((size_t)SMALL_RUN, count - i));
    uint64_t *from = entries, *to = spare;
    for (size_t run = SMALL_RUN; run < count; run *= 2) {
        for (size_t i = 0; i < count; i += 2 * run) {
            size_t left = BASE_MIN(run, count - i);
            size_t right = BASE_MIN(run, count - i - left);
            uint64_t *middle = from + (i + left) * stride;
            if (!right || !entry_after(sorter, words, middle - stride, middle))
                memcpy(to + i * stride, from + i * stride, (left + right) * stride * sizeof *to);
            else
                merge_runs(sorter, words, from + i * stride, left, middle, right, to + i * stride);
        }
        uint64_t *swapped = from;
        from = to;
        to = swapped;
    }
    if (from != entries)
        memcpy(entries, from, count * stride * sizeof *entries);
}

#define SORT_BY_WORDS(call)                                                                        \
    switch (sorter->words) {                                                                       \
    case 1:                                                                                        \
        call(1);                                                                                   \
        break;                                                                                     \
    case 2:                                                                                        \
        call(2);                                                                                   \
        break;                                                                                     \
    case 3:                                                                                        \
        call(3);                                                                                   \
        break;                                                                                     \
    default:                                                                                       \
        call(4);                                                                                   \
        break;                                                                                     \
    }

/* ---- On several threads ------------------------------------------------------------------ */

typedef struct sort_run {
    const exec_sorter *sorter;
    char **rows; /* in: all addresses; out: in order */
    uint64_t count;
    uint64_t *entries, *spare;
    uint32_t task_count;
    uint64_t run; /* entries in a sorted run */
    /* A round of merging: entries go from `from` to `to`. */
    const uint64_t *from;
    uint64_t *to;
} sort_run;

static base_status sort_task(void *argument, uint32_t index, base_error *error)
{
    sort_run *run = argument;
    const exec_sorter *sorter = run->sorter;
    uint32_t stride = sorter->words + 1;
    uint64_t first = (uint64_t)index * run->run;
    uint64_t count = BASE_MIN(run->run, run->count - first);
    uint64_t *entries = run->entries + first * stride, *spare = run->spare + first * stride;
    for (uint64_t i = 0; i < count; i++) {
        char *row = run->rows[first + i];
        encode_row(sorter, row, entries + i * stride);
        memcpy(entries + i * stride + sorter->words, &row, sizeof row);
    }
#define SORT_CALL(words) sort_body(sorter, words, entries, count, spare)
    SORT_BY_WORDS(SORT_CALL)
#undef SORT_CALL
    return BASE_OK;
}

/* How many of the first `wanted` merged entries come from the left run. */
static uint64_t merge_split(const exec_sorter *sorter, const uint64_t *left, uint64_t left_count,
                            const uint64_t *right, uint64_t right_count, uint64_t wanted)
{
    uint32_t words = sorter->words, stride = words + 1;
    uint64_t low = wanted > right_count ? wanted - right_count : 0;
    uint64_t high = BASE_MIN(wanted, left_count);
    while (low < high) {
        uint64_t middle = low + (high - low) / 2; /* taken from the left */
        uint64_t taken = wanted - middle;
        /* Too few from the left when its next entry is not after the last of the right. */
        if (taken > 0 &&
            !entry_after(sorter, words, left + middle * stride, right + (taken - 1) * stride))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static base_status merge_task(void *argument, uint32_t index, base_error *error)
{
    sort_run *run = argument;
    const exec_sorter *sorter = run->sorter;
    uint32_t stride = sorter->words + 1;
    /* Output places [first, last) of the whole; a part may span several pairs of runs. */
    uint64_t first = run->count * index / run->task_count;
    uint64_t last = run->count * (index + 1) / run->task_count;
    while (first < last) {
        uint64_t pair = first / (2 * run->run) * (2 * run->run);
        uint64_t left_count = BASE_MIN(run->run, run->count - pair);
        uint64_t right_count = BASE_MIN(run->run, run->count - pair - left_count);
        uint64_t end = BASE_MIN(last, pair + left_count + right_count);
        const uint64_t *left = run->from + pair * stride;
        const uint64_t *right = left + left_count * stride;
        uint64_t left_first =
            merge_split(sorter, left, left_count, right, right_count, first - pair);
        uint64_t left_last = merge_split(sorter, left, left_count, right, right_count, end - pair);
        uint64_t right_first = first - pair - left_first;
        uint64_t right_last = end - pair - left_last;
        uint64_t *to = run->to + first * stride;
#define MERGE_CALL(words)                                                                          \
    merge_runs(sorter, words, left + left_first * stride, left_last - left_first,                  \
               right + right_first * stride, right_last - right_first, to)
        SORT_BY_WORDS(MERGE_CALL)
#undef MERGE_CALL
        first = end;
    }
    return BASE_OK;
}

static base_status collect_rows(const exec_sorter *sorter, exec_rows *const *collections,
                                uint32_t collection_count, char **rows)
{
    uint64_t done = 0;
    for (uint32_t c = 0; c < collection_count; c++) {
        for (uint32_t b = 0; collections[c] && b < collections[c]->block_count; b++) {
            const exec_row_block *block = &collections[c]->blocks[b];
            char *row = block->rows;
            for (uint32_t i = 0; i < block->count; i++, row += sorter->layout->row_size)
                rows[done++] = row;
        }
    }
    return BASE_OK;
}

static base_status sort_collected(sort_run *run, base_error *error)
{
    const exec_sorter *sorter = run->sorter;
    exec_execution *execution = sorter->execution;
    uint64_t worth = run->count / ENTRIES_PER_TASK;
    run->task_count =
        (uint32_t)BASE_MIN(BASE_MAX(worth, (uint64_t)1), (uint64_t)exec_thread_limit(execution));
    run->run = (run->count + run->task_count - 1) / run->task_count;
    RETURN_IF_ERROR(exec_run_tasks(execution, run->task_count, sort_task, run, error));
    run->from = run->entries;
    run->to = run->spare;
    for (; run->run < run->count; run->run *= 2) {
        RETURN_IF_ERROR(exec_run_tasks(execution, run->task_count, merge_task, run, error));
        uint64_t *swapped = (uint64_t *)run->from;
        run->from = run->to;
        run->to = swapped;
    }
    for (uint64_t i = 0; i < run->count; i++)
        run->rows[i] = entry_row(sorter->words, run->from + i * (sorter->words + 1));
    return BASE_OK;
}

base_status exec_sort_rows(const exec_sorter *sorter, exec_rows *const *collections,
                           uint32_t collection_count, char ***sorted, uint64_t *count,
                           base_error *error)
{
    base_budget *budget = &sorter->execution->budget;
    uint64_t total = 0;
    for (uint32_t i = 0; i < collection_count; i++)
        total += collections[i] ? collections[i]->row_count : 0;
    *sorted = NULL;
    *count = total;
    if (!total)
        return BASE_OK;
    size_t size = (size_t)total * (sorter->words + 1) * sizeof(uint64_t);
    sort_run run = {.sorter = sorter, .count = total};
    run.rows = base_allocate(budget, total * sizeof(char *));
    base_status status = BASE_OK;
    if (run.rows) {
        status = collect_rows(sorter, collections, collection_count, run.rows);
        run.entries = base_allocate(budget, size);
        run.spare = base_allocate(budget, size);
    }
    if (!run.rows || !run.entries || !run.spare)
        status = base_error_no_memory(error);
    else if (sorter->key_count)
        status = sort_collected(&run, error);
    base_free(budget, run.entries, size);
    base_free(budget, run.spare, size);
    if (status != BASE_OK) {
        base_free(budget, run.rows, total * sizeof(char *));
        *count = 0;
        return status;
    }
    *sorted = run.rows;
    return BASE_OK;
}

void exec_sort_free(const exec_sorter *sorter, char **sorted, uint64_t count)
{
    base_free(&sorter->execution->budget, sorted, count * sizeof(char *));
}
