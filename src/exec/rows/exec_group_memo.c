/*
 * exec_group_memo.c - a small direct-mapped memory in front of a table of groups.
 *
 * Much grouping is into a handful of groups (TPC-H Q1: four out of millions of rows). Then nearly
 * all time goes into hashing keys and comparing them again. Here short keys (integers, inline
 * strings; 32 bytes together at most) are taken as words as they stand, mixed by one multiplication
 * each, and compared with the words of the row that went through this place last. Rows that miss
 * go to the table and are remembered.
 *
 * Where more than a half of the rows miss, the keys have too many values: the memory steps aside
 * for the rest of the run. Clustered keys (the lines of an order) hit, however many there are.
 *
 * Rejected: special tables per type of key (one-byte domains, dictionaries): this gives most of
 * what they give for all short keys. Floats are left out, because equal ones can differ in bits.
 */
#include "exec/rows/exec_group_memo.h"

enum {
    MEMO_PLACES = 512,
    MEMO_WORDS = 4,
    MEMO_TRIAL = 8 * VECTOR_SIZE, /* rows after which the memory must have paid */
};

typedef struct memo_entry {
    uint64_t words[MEMO_WORDS];
    uint64_t nulls; /* a bit per key, one more set: in use */
    char *row;
} memo_entry;

struct exec_group_memo {
    exec_groups *groups;
    uint32_t word_count;
    uint64_t tried, missed;
    bool is_out; /* stepped aside */
    memo_entry *entries;
    uint64_t *words; /* of the batch: VECTOR_SIZE for each word */
    uint64_t *nulls;
    uint16_t *places, *missing, *missing_positions;
    char **missing_rows;
    bool *far; /* holds a string that is not inline */
};

static uint32_t words_of(types_form form)
{
    switch (form) {
    case TYPES_FORM_FLOAT32:
    case TYPES_FORM_FLOAT64:
    case TYPES_FORM_INTERVAL:
        return MEMO_WORDS + 1;
    case TYPES_FORM_STRING:
    case TYPES_FORM_INT128:
        return 2;
    default:
        return 1;
    }
}

base_status exec_group_memo_new(exec_groups *groups, exec_group_memo **result, base_error *error)
{
    uint32_t words = 0;
    *result = NULL;
    for (uint32_t k = 0; k < groups->key_count && words <= MEMO_WORDS; k++)
        words += words_of((types_form)groups->layout->forms[k]);
    if (!words || words > MEMO_WORDS)
        return BASE_OK;
    exec_execution *execution = groups->execution;
    exec_group_memo *memo = EXEC_NEW(execution, exec_group_memo);
    if (!memo)
        return base_error_no_memory(error);
    memo->groups = groups;
    memo->word_count = words;
    memo->entries = exec_new(execution, MEMO_PLACES * sizeof(memo_entry));
    memo->words = exec_new(execution, (size_t)words * VECTOR_SIZE * sizeof(uint64_t));
    memo->nulls = exec_new(execution, VECTOR_SIZE * sizeof(uint64_t));
    memo->places = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    memo->missing = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    memo->missing_positions = exec_new(execution, VECTOR_SIZE * sizeof(uint16_t));
    memo->missing_rows = exec_new(execution, VECTOR_SIZE * sizeof(char *));
    memo->far = exec_new(execution, VECTOR_SIZE * sizeof(bool));
    if (!memo->entries || !memo->words || !memo->nulls || !memo->places || !memo->missing ||
        !memo->missing_positions || !memo->missing_rows || !memo->far)
        return base_error_no_memory(error);
    *result = memo;
    return BASE_OK;
}

void exec_group_memo_clear(exec_group_memo *memo)
{
    if (memo->tried)
        memset(memo->entries, 0, MEMO_PLACES * sizeof(memo_entry));
    memo->tried = memo->missed = 0;
    memo->is_out = false;
}

/* ---- Keys as words ----------------------------------------------------------------------- */

BASE_INLINE void take_body(uint32_t size, const vector *key, const uint16_t *selection,
                           uint32_t count, uint64_t *first, uint64_t *second)
{
    const char *data = key->shape == VECTOR_DICTIONARY ? key->dictionary->data : key->data;
    const uint16_t *codes = key->data;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = vector_row(selection, i);
        uint32_t place = key->shape == VECTOR_FLAT       ? position
                         : key->shape == VECTOR_CONSTANT ? 0
                                                         : codes[position];
        uint64_t words[2] = {0, 0};
        memcpy(words, data + (size_t)place * size, size);
        first[i] = words[0];
        if (size == 16)
            second[i] = words[1];
    }
}

/* Writes the words of one key; returns how many. */
static uint32_t take_key(exec_group_memo *memo, uint32_t number, const vector *key,
                         const uint16_t *selection, uint32_t count, uint64_t *words)
{
    uint32_t size = types_form_size((types_form)key->form);
    uint64_t *second = words + VECTOR_SIZE;
    switch (size) {
    case 1:
        take_body(1, key, selection, count, words, second);
        break;
    case 2:
        take_body(2, key, selection, count, words, second);
        break;
    case 4:
        take_body(4, key, selection, count, words, second);
        break;
    case 8:
        take_body(8, key, selection, count, words, second);
        break;
    default:
        take_body(16, key, selection, count, words, second);
        break;
    }
    for (uint32_t i = 0; key->validity && i < count; i++) {
        if (vector_is_valid(key, vector_row(selection, i)))
            continue;
        memo->nulls[i] |= UINT64_C(2) << number;
        words[i] = 0;
        if (size == 16)
            second[i] = 0;
    }
    if (key->form == TYPES_FORM_STRING) /* the length is the first half word */
        for (uint32_t i = 0; i < count; i++)
            memo->far[i] |= (uint32_t)words[i] > TYPES_STRING_INLINE;
    return size == 16 ? 2 : 1;
}

/* ---- Finding ----------------------------------------------------------------------------- */

BASE_INLINE uint64_t turn(uint64_t word, uint32_t by)
{
    return word << by | word >> (64 - by);
}

/* Place of a key in the memory. Written without loops: the number of words is a constant. */
BASE_INLINE uint32_t place_of(const uint64_t words[MEMO_WORDS], uint32_t word_count, uint64_t nulls)
{
    uint64_t mixed = words[0] + nulls;
    if (word_count > 1)
        mixed += turn(words[1], 13);
    if (word_count > 2)
        mixed += turn(words[2], 29);
    if (word_count > 3)
        mixed += turn(words[3], 43);
    return (uint32_t)((mixed ^ mixed >> 32) * UINT64_C(0x9E3779B97F4A7C15) >> 55);
}

BASE_INLINE bool entry_differs(const memo_entry *entry, const uint64_t words[MEMO_WORDS],
                               uint32_t word_count, uint64_t nulls)
{
    uint64_t differs = (entry->nulls ^ nulls) | (entry->words[0] ^ words[0]);
    if (word_count > 1)
        differs |= entry->words[1] ^ words[1];
    if (word_count > 2)
        differs |= entry->words[2] ^ words[2];
    if (word_count > 3)
        differs |= entry->words[3] ^ words[3];
    return differs != 0;
}

/* Reads word w of a key at a position. */
#define TAKE_WORDS(words, word_count, expression_of_w)                                             \
    do {                                                                                           \
        (words)[0] = expression_of_w(0);                                                           \
        (words)[1] = (word_count) > 1 ? expression_of_w(1) : 0;                                    \
        (words)[2] = (word_count) > 2 ? expression_of_w(2) : 0;                                    \
        (words)[3] = (word_count) > 3 ? expression_of_w(3) : 0;                                    \
    } while (0)

/* Rows that are remembered; the others are listed in `missing`. */
BASE_INLINE uint32_t find_body(exec_group_memo *memo, uint32_t word_count,
                               const uint16_t *selection, uint32_t count, char **rows)
{
    uint32_t missing = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t words[MEMO_WORDS];
#define PACKED_WORD(w) memo->words[(size_t)(w)*VECTOR_SIZE + i]
        TAKE_WORDS(words, word_count, PACKED_WORD);
#undef PACKED_WORD
        uint32_t place = place_of(words, word_count, memo->nulls[i]);
        const memo_entry *entry = &memo->entries[place];
        rows[i] = entry->row;
        memo->places[i] = (uint16_t)place;
        memo->missing[missing] = (uint16_t)i;
        memo->missing_positions[missing] = (uint16_t)vector_row(selection, i);
        missing += entry_differs(entry, words, word_count, memo->nulls[i]) || memo->far[i];
    }
    return missing;
}

/* The same over keys that need no copy: flat, without NULLs, of whole words. `bases` and `strides`
 * say where each word of position 0 stands and how far the next one is. */
BASE_INLINE uint32_t find_plain_body(exec_group_memo *memo, uint32_t word_count,
                                     const char *const *bases, const uint32_t *strides,
                                     const uint16_t *selection, uint32_t count, char **rows)
{
    const memo_entry *entries = memo->entries;
    uint16_t *missing_rows = memo->missing;
    uint32_t missing = 0;
    for (uint32_t i = 0; i < count; i++) {
        size_t position = vector_row(selection, i);
        uint64_t words[MEMO_WORDS];
#define PLAIN_WORD(w) base_load_u64(bases[w] + position * strides[w])
        TAKE_WORDS(words, word_count, PLAIN_WORD);
#undef PLAIN_WORD
        const memo_entry *entry = &entries[place_of(words, word_count, 1)];
        rows[i] = entry->row;
        missing_rows[missing] = (uint16_t)i;
        missing += entry_differs(entry, words, word_count, 1);
    }
    return missing;
}

/* Where the words of plain keys stand; false: a key is not plain. */
static bool plain_words(const exec_group_memo *memo, const vector *const *keys, const char **bases,
                        uint32_t *strides)
{
    uint32_t word = 0;
    for (uint32_t k = 0; k < memo->groups->key_count; k++) {
        uint32_t size = types_form_size((types_form)keys[k]->form);
        if (keys[k]->shape != VECTOR_FLAT || keys[k]->validity || size < 8)
            return false;
        for (uint32_t w = 0; w < size / 8; w++) {
            bases[word] = (const char *)keys[k]->data + 8 * w;
            strides[word++] = size;
        }
    }
    return true;
}

#define FIND_PLAIN(words)                                                                          \
    case words:                                                                                    \
        *missing = find_plain_body(memo, words, bases, strides, selection, count, rows);           \
        break;

/* Finds plain keys and prepares what find_missing needs of the rows that miss. */
static bool find_plain(exec_group_memo *memo, const vector *const *keys, const uint16_t *selection,
                       uint32_t count, char **rows, uint32_t *missing)
{
    const char *bases[MEMO_WORDS];
    uint32_t strides[MEMO_WORDS];
    if (!plain_words(memo, keys, bases, strides))
        return false;
    switch (memo->word_count) {
        FIND_PLAIN(1)
        FIND_PLAIN(2)
        FIND_PLAIN(3)
        FIND_PLAIN(4)
    }
    for (uint32_t m = 0; m < *missing; m++) {
        uint32_t i = memo->missing[m], position = vector_row(selection, i);
        uint64_t words[MEMO_WORDS];
        memo->missing_positions[m] = (uint16_t)position;
        memo->nulls[i] = 1;
        for (uint32_t w = 0; w < memo->word_count; w++) {
            words[w] = base_load_u64(bases[w] + (size_t)position * strides[w]);
            memo->words[(size_t)w * VECTOR_SIZE + i] = words[w];
        }
        for (uint32_t w = memo->word_count; w < MEMO_WORDS; w++)
            words[w] = 0;
        memo->places[i] = (uint16_t)place_of(words, memo->word_count, 1);
        memo->far[i] = false;
        for (uint32_t k = 0, w = 0; k < memo->groups->key_count; k++) {
            memo->far[i] |=
                keys[k]->form == TYPES_FORM_STRING &&
                (uint32_t)memo->words[(size_t)w * VECTOR_SIZE + i] > TYPES_STRING_INLINE;
            w += types_form_size((types_form)keys[k]->form) / 8;
        }
    }
    return true;
}

/* Sends the missing rows to the table and remembers where they went. */
static base_status find_missing(exec_group_memo *memo, const vector *const *keys, uint32_t missing,
                                char **rows, base_error *error)
{
    RETURN_IF_ERROR(exec_groups_find_or_add(memo->groups, keys, memo->missing_positions, missing,
                                            memo->missing_rows, NULL, error));
    for (uint32_t m = 0; m < missing; m++) {
        uint32_t i = memo->missing[m];
        rows[i] = memo->missing_rows[m];
        if (memo->far[i])
            continue;
        memo_entry *entry = &memo->entries[memo->places[i]];
        for (uint32_t w = 0; w < memo->word_count; w++)
            entry->words[w] = memo->words[(size_t)w * VECTOR_SIZE + i];
        entry->nulls = memo->nulls[i];
        entry->row = rows[i];
    }
    return BASE_OK;
}

static uint32_t find_packed(exec_group_memo *memo, const vector *const *keys,
                            const uint16_t *selection, uint32_t count, char **rows)
{
    uint32_t word = 0;
    memset(memo->far, 0, count * sizeof(bool));
    for (uint32_t i = 0; i < count; i++)
        memo->nulls[i] = 1;
    for (uint32_t k = 0; k < memo->groups->key_count; k++)
        word +=
            take_key(memo, k, keys[k], selection, count, memo->words + (size_t)word * VECTOR_SIZE);
    switch (memo->word_count) {
    case 1:
        return find_body(memo, 1, selection, count, rows);
    case 2:
        return find_body(memo, 2, selection, count, rows);
    case 3:
        return find_body(memo, 3, selection, count, rows);
    default:
        return find_body(memo, 4, selection, count, rows);
    }
}

base_status exec_group_memo_find(exec_group_memo *memo, const vector *const *keys,
                                 const uint16_t *selection, uint32_t count, char **rows,
                                 base_error *error)
{
    if (memo->is_out)
        return exec_groups_find_or_add(memo->groups, keys, selection, count, rows, NULL, error);
    uint32_t missing = 0;
    if (!find_plain(memo, keys, selection, count, rows, &missing))
        missing = find_packed(memo, keys, selection, count, rows);
    memo->tried += count;
    memo->missed += missing;
    memo->is_out = memo->tried >= MEMO_TRIAL && memo->missed > memo->tried / 2;
    return missing ? find_missing(memo, keys, missing, rows, error) : BASE_OK;
}
