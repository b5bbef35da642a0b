/*
 * codec_fsst.c - text by a table of frequent substrings, each string by itself.
 *
 * After P. Boncz, T. Neumann, V. Leis, "FSST: Fast Random Access String Compression",
 * VLDB 2020: up to 255 symbols of 1 to 8 bytes; a code byte stands for a symbol, code 255
 * says that the next byte stands for itself. The table is made in five rounds over a
 * sample: compress with the table so far, count symbols and neighbours, keep those that
 * save most. LZ4 over blocks compresses long text better but must unpack a whole block to
 * give one string; it is for long text, not for columns that point reads touch.
 *
 * Body (offsets from its start):
 *     u32 anchors_at | u32 lengths_at | u32 bytes_at | u8 symbols | u8 width | u16 0 |
 *     u32 x 2 0
 *     symbols x u8 length | padding to 8 | symbols x 8 bytes
 *     anchors: one u32 per 32 strings: where the first one's bytes start
 *     lengths: encoded length of each string, blocks of 1,024 in 128 * width bytes
 *     bytes
 */
#include "store/col/codec/codec.h"

enum {
    HEAD = 24,
    MAX_SYMBOLS = 255,
    ESCAPE = 255,
    SYMBOL_SIZE = 8,
    GROUP = 32,          /* strings per anchor */
    SAMPLE_SIZE = 16384, /* bytes */
    ROUNDS = 5,
    HASH_SIZE = 4096,
    NO_CODE = 511,
    ALL_CODES = 512, /* while training: 0..254 symbols, 256 + byte: the byte itself */
};

typedef struct symbol {
    uint64_t bytes; /* first byte lowest; unused ones zero */
    uint32_t length;
} symbol;

/* Symbols and how to find the longest one that a text begins with: three bytes or more by
 * hash (one per place: the one added first stays), shorter ones by their first two bytes. */
typedef struct symbol_table {
    uint32_t count;
    symbol symbols[MAX_SYMBOLS];
    uint16_t by_hash[HASH_SIZE];
    uint16_t by_two[65536]; /* NO_CODE: none; once finished: of the first byte then */
    uint16_t by_one[256];
    /* Once finished: of each symbol. */
    uint64_t masks[MAX_SYMBOLS];
    uint8_t lengths[MAX_SYMBOLS];
} symbol_table;

typedef struct fsst_plan {
    symbol_table *table;
} fsst_plan;

static uint32_t hash_three(uint64_t word)
{
    return (uint32_t)((word & 0xFFFFFF) * 2971215073u >> 15) & (HASH_SIZE - 1);
}

static uint64_t low_bytes(uint64_t word, uint32_t length)
{
    return length == 8 ? word : word & ((UINT64_C(1) << (length * 8)) - 1);
}

static void table_clear(symbol_table *table)
{
    table->count = 0;
    for (uint32_t i = 0; i < HASH_SIZE; i++)
        table->by_hash[i] = NO_CODE;
    for (uint32_t i = 0; i < 65536; i++)
        table->by_two[i] = NO_CODE;
    for (uint32_t i = 0; i < 256; i++)
        table->by_one[i] = NO_CODE;
}

static bool table_add(symbol_table *table, symbol added)
{
    uint16_t *place = added.length >= 3   ? &table->by_hash[hash_three(added.bytes)]
                      : added.length == 2 ? &table->by_two[added.bytes]
                                          : &table->by_one[added.bytes];
    if (table->count == MAX_SYMBOLS || *place != NO_CODE)
        return false;
    *place = (uint16_t)table->count;
    table->symbols[table->count++] = added;
    return true;
}

/* Up to 8 bytes from `at`, zeros beyond `end`. */
static uint64_t load_text(const uint8_t *at, const uint8_t *end)
{
    if (end - at >= 8)
        return base_load_u64(at);
    uint64_t word = 0;
    memcpy(&word, at, (size_t)(end - at));
    return word;
}

/* Code of the longest symbol that [at, end) begins with, NO_CODE if none does. */
static uint32_t longest_symbol(const symbol_table *table, const uint8_t *at, const uint8_t *end)
{
    uint64_t word = load_text(at, end);
    size_t left = (size_t)(end - at);
    uint32_t code = table->by_hash[hash_three(word)];
    if (code != NO_CODE) {
        const symbol *found = &table->symbols[code];
        if (found->length <= left && low_bytes(word, found->length) == found->bytes)
            return code;
    }
    if (left >= 2 && table->by_two[word & 0xFFFF] != NO_CODE)
        return table->by_two[word & 0xFFFF];
    return table->by_one[word & 0xFF];
}

/* The table will not change any more: what makes encoding quick. */
static void table_finish(symbol_table *table)
{
    for (uint32_t i = 0; i < table->count; i++) {
        table->lengths[i] = (uint8_t)table->symbols[i].length;
        table->masks[i] = low_bytes(UINT64_MAX, table->symbols[i].length);
    }
    for (uint32_t i = 0; i < 65536; i++) {
        if (table->by_two[i] == NO_CODE)
            table->by_two[i] = table->by_one[i & 0xFF];
    }
}

/* As longest_symbol of a finished table, for at least eight bytes of text. */
BASE_INLINE uint32_t longest_in_word(const symbol_table *table, uint64_t word)
{
    uint32_t code = table->by_hash[hash_three(word)];
    if (code != NO_CODE && !((word ^ table->symbols[code].bytes) & table->masks[code]))
        return code;
    return table->by_two[word & 0xFFFF];
}

/* ---- Training ------------------------------------------------------------------------------ */

typedef struct counts {
    uint16_t single[ALL_CODES];
    uint16_t pair[ALL_CODES][ALL_CODES];
} counts;

typedef struct candidate {
    symbol symbol;
    uint64_t gain;
} candidate;

static symbol symbol_of(const symbol_table *table, uint32_t code)
{
    if (code >= 256)
        return (symbol){code - 256, 1};
    return table->symbols[code];
}

static void count_text(const symbol_table *table, const uint8_t *at, const uint8_t *end,
                       counts *seen)
{
    uint32_t before = NO_CODE + 1;
    while (at < end) {
        uint32_t code = longest_symbol(table, at, end);
        if (code == NO_CODE)
            code = 256u + *at;
        if (seen->single[code] < UINT16_MAX)
            seen->single[code]++;
        if (before <= NO_CODE && seen->pair[before][code] < UINT16_MAX)
            seen->pair[before][code]++;
        before = code;
        at += symbol_of(table, code).length;
    }
}

static int compare_candidates(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->gain != y->gain)
        return x->gain > y->gain ? -1 : 1;
    if (x->symbol.bytes != y->symbol.bytes)
        return x->symbol.bytes < y->symbol.bytes ? -1 : 1;
    return (int)x->symbol.length - (int)y->symbol.length;
}

/* Symbols seen and joined neighbours, with the bytes that each would cover. */
static uint32_t collect_candidates(const symbol_table *table, const counts *seen, candidate *out,
                                   uint32_t room)
{
    uint32_t count = 0;
    for (uint32_t first = 0; first < ALL_CODES; first++) {
        if (!seen->single[first] || (first < 256 && first >= table->count))
            continue;
        symbol a = symbol_of(table, first);
        if (count < room)
            out[count++] = (candidate){a, (uint64_t)seen->single[first] * a.length};
        for (uint32_t second = 0; second < ALL_CODES && a.length < SYMBOL_SIZE; second++) {
            /* Pairs seen once tell nothing. */
            if (seen->pair[first][second] < 2 || count == room)
                continue;
            symbol b = symbol_of(table, second), joined = a;
            joined.length = BASE_MIN(a.length + b.length, (uint32_t)SYMBOL_SIZE);
            joined.bytes |= low_bytes(b.bytes, joined.length - a.length) << (a.length * 8);
            out[count++] = (candidate){joined, (uint64_t)seen->pair[first][second] * joined.length};
        }
    }
    return count;
}

static void rebuild(symbol_table *table, candidate *candidates, uint32_t count)
{
    qsort(candidates, count, sizeof *candidates, compare_candidates);
    table_clear(table);
    for (uint32_t i = 0; i < count && table->count < MAX_SYMBOLS; i++) {
        bool repeated = false;
        for (uint32_t j = 0; j < table->count && !repeated; j++)
            repeated = table->symbols[j].bytes == candidates[i].symbol.bytes &&
                       table->symbols[j].length == candidates[i].symbol.length;
        if (!repeated)
            (void)table_add(table, candidates[i].symbol);
    }
}

/* Strings spread over the input, SAMPLE_SIZE bytes or little more. */
static uint32_t sample_step(const codec_input *input, uint64_t total)
{
    uint64_t step = total / SAMPLE_SIZE;
    return (uint32_t)BASE_MAX(BASE_MIN(step, (uint64_t)input->count), UINT64_C(1));
}

static base_status train(const codec_input *input, uint64_t total, symbol_table *table,
                         base_error *error)
{
    enum {
        ROOM = 16384
    };
    const types_string *strings = input->values;
    counts *seen = base_arena_allocate(input->arena, sizeof *seen);
    candidate *candidates = base_arena_allocate(input->arena, ROOM * sizeof *candidates);
    if (!seen || !candidates)
        return base_error_no_memory(error);
    uint32_t step = sample_step(input, total);
    table_clear(table);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        memset(seen, 0, sizeof *seen);
        for (uint32_t i = 0; i < input->count; i += step) {
            const uint8_t *text = (const uint8_t *)types_string_data(&strings[i]);
            /* One very long string must not be the whole sample. */
            uint32_t length = BASE_MIN(strings[i].length, (uint32_t)SAMPLE_SIZE / 4);
            count_text(table, text, text + length, seen);
        }
        rebuild(table, candidates, collect_candidates(table, seen, candidates, ROOM));
    }
    table_finish(table);
    return BASE_OK;
}

/* ---- Encoding ------------------------------------------------------------------------------ */

/* Encodes a text; `out` has room for twice its length. Returns the encoded length. */
static size_t encode_text(const symbol_table *table, const uint8_t *at, const uint8_t *end,
                          uint8_t *out)
{
    uint8_t *start = out;
    while (end - at >= SYMBOL_SIZE) {
        uint32_t code = longest_in_word(table, base_load_u64(at));
        if (code == NO_CODE) {
            *out++ = ESCAPE;
            *out++ = *at++;
        } else {
            *out++ = (uint8_t)code;
            at += table->lengths[code];
        }
    }
    while (at < end) {
        uint32_t code = longest_symbol(table, at, end);
        if (code == NO_CODE) {
            *out++ = ESCAPE;
            *out++ = *at++;
        } else {
            *out++ = (uint8_t)code;
            at += table->symbols[code].length;
        }
    }
    return (size_t)(out - start);
}

static base_status fsst_estimate(const codec_input *input, void **plan, size_t *bytes,
                                 base_error *error)
{
    enum {
        SMALLEST = 2048
    };
    *bytes = SIZE_MAX;
    if (input->form != TYPES_FORM_STRING)
        return BASE_OK;
    const types_string *strings = input->values;
    uint64_t total = 0, longest = 0;
    for (uint32_t i = 0; i < input->count; i++) {
        total += strings[i].length;
        longest = BASE_MAX(longest, (uint64_t)strings[i].length);
    }
    if (total < SMALLEST || total > UINT32_MAX / 4)
        return BASE_OK;
    fsst_plan *made = base_arena_allocate(input->arena, sizeof *made);
    symbol_table *table = base_arena_allocate(input->arena, sizeof *table);
    uint8_t *scratch = base_arena_allocate(input->arena, longest * 2);
    if (!made || !table || !scratch)
        return base_error_no_memory(error);
    RETURN_IF_ERROR(train(input, total, table, error));
    uint64_t sampled = 0, encoded = 0;
    uint32_t step = sample_step(input, total), width = 1;
    for (uint32_t i = step / 2; i < input->count; i += step) {
        const uint8_t *text = (const uint8_t *)types_string_data(&strings[i]);
        size_t size = encode_text(table, text, text + strings[i].length, scratch);
        sampled += strings[i].length;
        encoded += size;
        width = BASE_MAX(width, base_bit_width(size));
    }
    if (sampled == 0)
        return BASE_OK;
    made->table = table;
    *plan = made;
    *bytes = (size_t)((double)total * (double)encoded / (double)sampled) + HEAD +
             (size_t)table->count * 9 + input->count / GROUP * 4 + input->count / 8 * width;
    return BASE_OK;
}

static void write_head(base_buffer *out, const symbol_table *table, uint32_t anchors_at,
                       uint32_t lengths_at, uint32_t bytes_at, uint32_t width)
{
    uint8_t head[HEAD] = {0};
    base_store_u32(head, anchors_at);
    base_store_u32(head + 4, lengths_at);
    base_store_u32(head + 8, bytes_at);
    head[12] = (uint8_t)table->count;
    head[13] = (uint8_t)width;
    base_buffer_append(out, head, sizeof head);
    for (uint32_t i = 0; i < table->count; i++)
        base_buffer_append_byte(out, (char)table->symbols[i].length);
    for (uint32_t i = table->count; i % 8; i++)
        base_buffer_append_byte(out, 0);
    for (uint32_t i = 0; i < table->count; i++)
        base_buffer_append(out, &table->symbols[i].bytes, SYMBOL_SIZE);
}

static uint32_t block_count(uint32_t count)
{
    return (count + CODEC_BLOCK - 1) / CODEC_BLOCK;
}

/* Encodes all strings into `bytes`; lengths per string. */
static bool encode_all(const codec_input *input, const symbol_table *table, base_buffer *bytes,
                       uint32_t *lengths, uint32_t *longest)
{
    const types_string *strings = input->values;
    *longest = 0;
    for (uint32_t i = 0; i < input->count; i++) {
        if (!base_buffer_reserve(bytes, (size_t)strings[i].length * 2))
            return false;
        const uint8_t *text = (const uint8_t *)types_string_data(&strings[i]);
        size_t size = encode_text(table, text, text + strings[i].length,
                                  (uint8_t *)bytes->data + bytes->length);
        bytes->length += size;
        lengths[i] = (uint32_t)size;
        *longest = BASE_MAX(*longest, lengths[i]);
    }
    return true;
}

static base_status fsst_encode(const codec_input *input, void *plan, base_buffer *out,
                               base_error *error)
{
    const symbol_table *table = ((const fsst_plan *)plan)->table;
    uint32_t *lengths = base_arena_allocate(input->arena, input->count * sizeof *lengths);
    uint32_t longest, groups = (input->count + GROUP - 1) / GROUP;
    base_buffer bytes;
    base_buffer_init(&bytes, out->budget);
    if (!lengths || !encode_all(input, table, &bytes, lengths, &longest)) {
        base_buffer_destroy(&bytes);
        return base_error_no_memory(error);
    }
    uint32_t width = base_bit_width(longest);
    uint32_t anchors_at = HEAD + BASE_ALIGN_UP(table->count, 8u) + table->count * SYMBOL_SIZE;
    uint32_t lengths_at = anchors_at + groups * 4;
    uint32_t bytes_at = lengths_at + (uint32_t)(block_count(input->count) * codec_bits_size(width));
    write_head(out, table, anchors_at, lengths_at, bytes_at, width);
    uint32_t offset = 0;
    for (uint32_t i = 0; i < input->count; i++) {
        if (i % GROUP == 0)
            base_buffer_append(out, &offset, sizeof offset);
        offset += lengths[i];
    }
    for (uint32_t first = 0; first < input->count; first += CODEC_BLOCK) {
        uint64_t block[CODEC_BLOCK];
        if (!base_buffer_reserve(out, codec_bits_size(width)))
            break;
        for (uint32_t i = 0; i < CODEC_BLOCK; i++)
            block[i] = first + i < input->count ? lengths[first + i] : 0;
        codec_bits_pack(block, width, (uint8_t *)out->data + out->length);
        out->length += codec_bits_size(width);
    }
    base_buffer_append(out, bytes.data, bytes.length);
    base_buffer_destroy(&bytes);
    return out->failed ? base_error_no_memory(error) : BASE_OK;
}

/* ---- Decoding ------------------------------------------------------------------------------ */

/* The parts of a checked body. */
typedef struct fsst_view {
    const uint8_t *symbol_lengths, *symbols, *anchors, *lengths, *bytes;
    uint32_t symbol_count, width;
} fsst_view;

static fsst_view view_of(const codec_body *body)
{
    const uint8_t *data = body->data;
    fsst_view view = {.symbol_lengths = data + HEAD,
                      .anchors = data + base_load_u32(data),
                      .lengths = data + base_load_u32(data + 4),
                      .bytes = data + base_load_u32(data + 8),
                      .symbol_count = data[12],
                      .width = data[13]};
    view.symbols = view.symbol_lengths + BASE_ALIGN_UP(view.symbol_count, 8u);
    return view;
}

static bool lengths_are_good(const codec_body *body, const fsst_view *view, size_t available)
{
    uint64_t block[CODEC_BLOCK], sum = 0;
    for (uint32_t i = 0; i < body->count; i++) {
        if (i % CODEC_BLOCK == 0)
            codec_bits_unpack(view->lengths + i / CODEC_BLOCK * codec_bits_size(view->width),
                              view->width, 0, block);
        if (i % GROUP == 0 && base_load_u32(view->anchors + i / GROUP * 4) != sum)
            return false;
        sum += block[i % CODEC_BLOCK];
    }
    return sum <= available;
}

static bool fsst_check(const codec_body *body)
{
    if (body->form != TYPES_FORM_STRING || body->length < HEAD)
        return false;
    size_t anchors_at = base_load_u32(body->data), lengths_at = base_load_u32(body->data + 4);
    size_t bytes_at = base_load_u32(body->data + 8), symbols = body->data[12];
    size_t groups = (body->count + GROUP - 1) / GROUP;
    fsst_view view = view_of(body);
    if (view.width > 32 || anchors_at < HEAD + BASE_ALIGN_UP(symbols, (size_t)8) + symbols * 8 ||
        anchors_at > body->length || (body->length - anchors_at) / 4 < groups ||
        lengths_at > body->length || bytes_at > body->length ||
        body->length - lengths_at < block_count(body->count) * codec_bits_size(view.width))
        return false;
    for (size_t i = 0; i < symbols; i++) {
        if (view.symbol_lengths[i] < 1 || view.symbol_lengths[i] > SYMBOL_SIZE)
            return false;
    }
    return lengths_are_good(body, &view, body->length - bytes_at);
}

/* Length of the text that the code bytes stand for. */
static size_t decoded_length(const fsst_view *view, const uint8_t *at, const uint8_t *end)
{
    size_t length = 0;
    while (at < end) {
        uint32_t code = *at++;
        if (code == ESCAPE) {
            length += at < end;
            at++;
        } else if (code < view->symbol_count) {
            length += view->symbol_lengths[code];
        }
    }
    return length;
}

/* Writes the text; up to 7 bytes beyond it are scribbled on. Codes that are no symbol (a
 * damaged body that still has a good checksum) are left out, as decoded_length does. */
static void decode_text(const fsst_view *view, const uint8_t *at, const uint8_t *end, uint8_t *out)
{
    while (at < end) {
        uint32_t code = *at++;
        if (BASE_UNLIKELY(code == ESCAPE)) {
            if (at < end)
                *out++ = *at++;
        } else if (BASE_LIKELY(code < view->symbol_count)) {
            memcpy(out, view->symbols + (size_t)code * SYMBOL_SIZE, SYMBOL_SIZE);
            out += view->symbol_lengths[code];
        }
    }
}

static bool decode_string(const fsst_view *view, const uint8_t *at, const uint8_t *end,
                          types_string *string, base_arena *heap)
{
    size_t length = decoded_length(view, at, end);
    if (length <= TYPES_STRING_INLINE) {
        uint8_t text[TYPES_STRING_INLINE + SYMBOL_SIZE];
        decode_text(view, at, end, text);
        *string = types_string_of((const char *)text, length);
        return true;
    }
    uint8_t *text = base_arena_allocate(heap, length + SYMBOL_SIZE);
    if (!text)
        return false;
    decode_text(view, at, end, text);
    *string = types_string_of((const char *)text, length);
    return true;
}

static bool fsst_get(const codec_body *body, uint32_t index, types_cell *cell, base_arena *heap)
{
    fsst_view view = view_of(body);
    const uint8_t *lengths = view.lengths + index / CODEC_BLOCK * codec_bits_size(view.width);
    size_t start = base_load_u32(view.anchors + index / GROUP * 4);
    if (view.width <= 32) {
        start += codec_bits_sum_before(lengths, view.width, index % CODEC_BLOCK);
    } else {
        for (uint32_t i = index / GROUP * GROUP; i < index; i++)
            start += codec_bits_get(lengths, view.width, i % CODEC_BLOCK);
    }
    size_t length = codec_bits_get(lengths, view.width, index % CODEC_BLOCK);
    const uint8_t *at = view.bytes + start;
    return decode_string(&view, at, at + length, &cell->string, heap);
}

/* Symbols by code, without holes: codes that are no symbol have no length. */
typedef struct fsst_codes {
    uint64_t symbols[256];
    uint8_t lengths[256];
} fsst_codes;

static void take_codes(const fsst_view *view, fsst_codes *codes)
{
    memset(codes->lengths, 0, sizeof codes->lengths);
    memset(codes->symbols, 0, sizeof codes->symbols);
    memcpy(codes->symbols, view->symbols, (size_t)view->symbol_count * SYMBOL_SIZE);
    memcpy(codes->lengths, view->symbol_lengths, view->symbol_count);
}

BASE_INLINE uint8_t *put_symbol(const fsst_codes *codes, uint32_t code, uint8_t *out)
{
    memcpy(out, &codes->symbols[code], SYMBOL_SIZE);
    return out + codes->lengths[code];
}

/* As decode_text, for many strings: four codes at a time where none of them is an escape. */
static uint8_t *decode_codes(const fsst_codes *codes, const uint8_t *at, const uint8_t *end,
                             uint8_t *out)
{
    while (at < end) {
        if (end - at >= 4) {
            uint32_t four = base_load_u32(at), inverse = ~four;
            /* A byte of `inverse` is zero where a code is 255. */
            if (BASE_LIKELY(!((inverse - 0x01010101u) & four & 0x80808080u))) {
                out = put_symbol(codes, four & 255, out);
                out = put_symbol(codes, four >> 8 & 255, out);
                out = put_symbol(codes, four >> 16 & 255, out);
                out = put_symbol(codes, four >> 24, out);
                at += 4;
                continue;
            }
        }
        uint32_t code = *at++;
        if (code != ESCAPE)
            out = put_symbol(codes, code, out);
        else if (at < end)
            *out++ = *at++;
    }
    return out;
}

/*
 * Texts are decoded one behind the other into pieces of the heap that have room for the longest
 * text that a string's codes can stand for, so that nothing is measured beforehand.
 */
static bool fsst_decode(const codec_body *body, uint32_t first, uint32_t count, void *out,
                        base_arena *heap)
{
    fsst_view view = view_of(body);
    fsst_codes codes;
    types_string *strings = out;
    const uint8_t *at = view.bytes + base_load_u32(view.anchors + first / GROUP * 4);
    uint64_t block[CODEC_BLOCK], left = 0; /* encoded bytes of the rows of the block to come */
    uint8_t *to = NULL;
    size_t room = 0; /* at `to` */
    take_codes(&view, &codes);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = (first + i) % CODEC_BLOCK;
        if (i == 0 || place == 0) {
            codec_bits_unpack(view.lengths +
                                  (first + i) / CODEC_BLOCK * codec_bits_size(view.width),
                              view.width, 0, block);
            uint32_t end = BASE_MIN(place + count - i, (uint32_t)CODEC_BLOCK);
            for (uint32_t j = place; j < end; j++)
                left += block[j];
        }
        uint64_t encoded = block[place];
        size_t most = encoded * SYMBOL_SIZE + SYMBOL_SIZE;
        if (room < most) {
            room = BASE_MAX(most, left * 3 + SYMBOL_SIZE);
            to = base_arena_allocate(heap, room);
            if (!to)
                return false;
        }
        uint8_t *end = decode_codes(&codes, at, at + encoded, to);
        strings[i] = types_string_of((const char *)to, (size_t)(end - to));
        if (strings[i].length > TYPES_STRING_INLINE) {
            room -= (size_t)(end - to);
            to = end;
        }
        at += encoded;
        left -= encoded;
    }
    return true;
}

const codec codec_fsst = {
    .id = CODEC_FSST,
    .name = "fsst",
    .estimate = fsst_estimate,
    .encode = fsst_encode,
    .check = fsst_check,
    .get = fsst_get,
    .decode = fsst_decode,
};
