/*
 * codec_dictionary.c - strings with few different values: sorted entries and packed codes.
 *
 * Entries are in byte order, so an order of codes is an order of strings and a range of
 * strings is a range of codes.
 *
 * Body: u32 entries | u8 width | 3 x 0 | u32 offset of codes | u32 offset of bytes |
 *       (entries + 1) x u32 offset of the entry's bytes |
 *       codes: blocks of 1,024 in 128 * width bytes | bytes
 */
#include "store/col/codec/codec.h"

enum {
    HEAD = 16,
};

typedef struct dictionary_plan {
    uint32_t entry_count;
    types_string *entries; /* sorted */
    uint16_t *codes;       /* per value */
    size_t text_size;
} dictionary_plan;

/* Numbers the different strings in order of appearance; false: too many, or no memory. */
typedef struct distinct_set {
    uint32_t *slots; /* number + 1; 0: free */
    uint32_t mask;
    types_string *entries;
    uint32_t count;
} distinct_set;

static uint64_t hash_string(const types_string *string)
{
    return base_hash_bytes(types_string_data(string), string->length, 0);
}

/* Number of the string, added if it is new; UINT32_MAX: the set is full. */
static uint32_t number_of(distinct_set *set, const types_string *string)
{
    uint32_t place = (uint32_t)hash_string(string) & set->mask;
    while (set->slots[place]) {
        uint32_t number = set->slots[place] - 1;
        if (types_string_equal(&set->entries[number], string))
            return number;
        place = (place + 1) & set->mask;
    }
    if (set->count == CODEC_MAX_DICTIONARY)
        return UINT32_MAX;
    set->entries[set->count] = *string;
    set->slots[place] = ++set->count;
    return set->count - 1;
}

static int compare_entries(const void *a, const void *b)
{
    return types_string_compare(a, b);
}

/* Sorts the entries and renumbers the codes to match. */
static bool sort_entries(dictionary_plan *plan, uint32_t count, base_arena *arena)
{
    uint32_t entries = plan->entry_count;
    types_string *sorted = base_arena_allocate(arena, entries * sizeof *sorted);
    uint16_t *renumbered = base_arena_allocate(arena, entries * sizeof *renumbered);
    if (!sorted || !renumbered)
        return false;
    memcpy(sorted, plan->entries, entries * sizeof *sorted);
    qsort(sorted, entries, sizeof *sorted, compare_entries);
    for (uint32_t i = 0; i < entries; i++) {
        const types_string *found =
            bsearch(&plan->entries[i], sorted, entries, sizeof *sorted, compare_entries);
        renumbered[i] = (uint16_t)(found - sorted);
    }
    for (uint32_t i = 0; i < count; i++)
        plan->codes[i] = renumbered[plan->codes[i]];
    plan->entries = sorted;
    return true;
}

static uint32_t code_width(uint32_t entries)
{
    return base_bit_width(entries - 1);
}

static size_t body_size(const dictionary_plan *plan, uint32_t count)
{
    uint32_t blocks = (count + CODEC_BLOCK - 1) / CODEC_BLOCK;
    return HEAD + ((size_t)plan->entry_count + 1) * 4 +
           blocks * codec_bits_size(code_width(plan->entry_count)) + plan->text_size;
}

static base_status dictionary_estimate(const codec_input *input, void **plan, size_t *bytes,
                                       base_error *error)
{
    *bytes = SIZE_MAX;
    if (input->form != TYPES_FORM_STRING)
        return BASE_OK;
    base_arena *arena = input->arena;
    const types_string *values = input->values;
    uint32_t most = BASE_MIN(input->count, (uint32_t)CODEC_MAX_DICTIONARY);
    uint32_t slots = (uint32_t)base_next_power_of_two((uint64_t)most * 2);
    distinct_set set = {.mask = slots - 1};
    dictionary_plan *made = base_arena_allocate_zeroed(arena, sizeof *made);
    set.slots = base_arena_allocate_array(arena, slots, sizeof *set.slots);
    set.entries = base_arena_allocate(arena, most * sizeof *set.entries);
    uint16_t *codes = base_arena_allocate(arena, input->count * sizeof *codes);
    if (!made || !set.slots || !set.entries || !codes)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < input->count; i++) {
        uint32_t number = number_of(&set, &values[i]);
        /* Half of the values being different means that no dictionary pays. */
        if (number == UINT32_MAX || (i == 8191 && set.count > 4096))
            return BASE_OK;
        codes[i] = (uint16_t)number;
    }
    made->entry_count = set.count;
    made->entries = set.entries;
    made->codes = codes;
    for (uint32_t i = 0; i < set.count; i++)
        made->text_size += set.entries[i].length;
    *plan = made;
    *bytes = body_size(made, input->count);
    return BASE_OK;
}

static base_status dictionary_encode(const codec_input *input, void *plan, base_buffer *out,
                                     base_error *error)
{
    dictionary_plan *self = plan;
    if (!sort_entries(self, input->count, input->arena))
        return base_error_no_memory(error);
    uint32_t width = code_width(self->entry_count);
    uint32_t blocks = (input->count + CODEC_BLOCK - 1) / CODEC_BLOCK;
    uint32_t codes_at = HEAD + (self->entry_count + 1) * 4;
    uint32_t bytes_at = codes_at + (uint32_t)(blocks * codec_bits_size(width));
    uint8_t head[HEAD] = {0};
    base_store_u32(head, self->entry_count);
    head[4] = (uint8_t)width;
    base_store_u32(head + 8, codes_at);
    base_store_u32(head + 12, bytes_at);
    base_buffer_append(out, head, sizeof head);
    uint32_t offset = 0;
    for (uint32_t i = 0; i <= self->entry_count; i++) {
        base_buffer_append(out, &offset, sizeof offset);
        if (i < self->entry_count)
            offset += self->entries[i].length;
    }
    for (uint32_t i = 0; i < blocks && base_buffer_reserve(out, codec_bits_size(width)); i++) {
        uint64_t codes[CODEC_BLOCK];
        for (uint32_t j = 0; j < CODEC_BLOCK; j++)
            codes[j] = self->codes[BASE_MIN(i * CODEC_BLOCK + j, input->count - 1)];
        codec_bits_pack(codes, width, (uint8_t *)out->data + out->length);
        out->length += codec_bits_size(width);
    }
    for (uint32_t i = 0; i < self->entry_count; i++)
        base_buffer_append(out, types_string_data(&self->entries[i]), self->entries[i].length);
    return out->failed ? base_error_no_memory(error) : BASE_OK;
}

static uint32_t dictionary_entry_count(const codec_body *body)
{
    return base_load_u32(body->data);
}

/* Codes are checked too: each must name an entry. */
static bool codes_are_good(const codec_body *body, uint32_t entries)
{
    uint32_t width = body->data[4];
    const uint8_t *codes = body->data + base_load_u32(body->data + 8);
    uint16_t block[CODEC_BLOCK];
    for (uint32_t first = 0; first < body->count; first += CODEC_BLOCK) {
        codec_bits_unpack_16(codes + first / CODEC_BLOCK * codec_bits_size(width), width, 0, block);
        uint16_t largest = 0;
        for (uint32_t i = 0; i < CODEC_BLOCK; i++)
            largest = BASE_MAX(largest, block[i]);
        if (largest >= entries)
            return false;
    }
    return true;
}

static bool dictionary_check(const codec_body *body)
{
    if (body->form != TYPES_FORM_STRING || body->length < HEAD)
        return false;
    size_t entries = dictionary_entry_count(body), width = body->data[4];
    size_t codes_at = base_load_u32(body->data + 8), bytes_at = base_load_u32(body->data + 12);
    size_t blocks = (body->count + CODEC_BLOCK - 1) / CODEC_BLOCK;
    if (entries == 0 || entries > CODEC_MAX_DICTIONARY || width > 16 ||
        codes_at < HEAD + (entries + 1) * 4 || codes_at > body->length || bytes_at > body->length ||
        body->length - codes_at < blocks * codec_bits_size((uint32_t)width))
        return false;
    uint32_t before = 0;
    for (size_t i = 0; i <= entries; i++) {
        uint32_t offset = base_load_u32(body->data + HEAD + i * 4);
        if (offset < before || offset > body->length - bytes_at)
            return false;
        before = offset;
    }
    return codes_are_good(body, (uint32_t)entries);
}

static types_string dictionary_entry(const codec_body *body, uint32_t code)
{
    const uint8_t *offsets = body->data + HEAD + (size_t)code * 4;
    uint32_t start = base_load_u32(offsets), end = base_load_u32(offsets + 4);
    const uint8_t *bytes = body->data + base_load_u32(body->data + 12);
    return types_string_of((const char *)bytes + start, end - start);
}

static bool dictionary_get(const codec_body *body, uint32_t index, types_cell *cell,
                           base_arena *heap)
{
    (void)heap;
    uint32_t width = body->data[4];
    const uint8_t *block =
        body->data + base_load_u32(body->data + 8) + index / CODEC_BLOCK * codec_bits_size(width);
    cell->string =
        dictionary_entry(body, (uint32_t)codec_bits_get(block, width, index % CODEC_BLOCK));
    return true;
}

static void dictionary_codes(const codec_body *body, uint32_t first, uint32_t count,
                             uint16_t *codes)
{
    uint32_t width = body->data[4];
    const uint8_t *packed = body->data + base_load_u32(body->data + 8);
    BASE_ASSERT(first % CODEC_STEP == 0);
    for (uint32_t at = first, part; at < first + count; at += part, codes += part) {
        uint16_t block[CODEC_BLOCK];
        uint32_t skip = at % CODEC_BLOCK;
        part = BASE_MIN(first + count - at, CODEC_BLOCK - skip);
        codec_bits_unpack_16(packed + at / CODEC_BLOCK * codec_bits_size(width), width, 0,
                             part == CODEC_BLOCK ? codes : block);
        if (part < CODEC_BLOCK)
            memcpy(codes, block + skip, part * sizeof *codes);
    }
}

static bool dictionary_decode(const codec_body *body, uint32_t first, uint32_t count, void *out,
                              base_arena *heap)
{
    (void)heap;
    types_string *strings = out;
    for (uint32_t done = 0; done < count; done += CODEC_BLOCK) {
        uint16_t codes[CODEC_BLOCK];
        uint32_t part = BASE_MIN(count - done, (uint32_t)CODEC_BLOCK);
        dictionary_codes(body, first + done, part, codes);
        for (uint32_t i = 0; i < part; i++)
            strings[done + i] = dictionary_entry(body, codes[i]);
    }
    return true;
}

const codec codec_dictionary = {
    .id = CODEC_DICTIONARY,
    .name = "dictionary",
    .estimate = dictionary_estimate,
    .encode = dictionary_encode,
    .check = dictionary_check,
    .get = dictionary_get,
    .decode = dictionary_decode,
    .decode_codes = dictionary_codes,
    .entry_count = dictionary_entry_count,
    .entry = dictionary_entry,
};
