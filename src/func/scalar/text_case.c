/*
 * text_case.c - upper, lower, initcap: Unicode's simple case mapping.
 *
 * ASCII text is folded eight bytes at a time. Other characters go through a table of ranges
 * (made from Unicode's data): one character becomes one character, independent of locale and
 * context, as in DuckDB. Full mappings (German sharp s to SS) and Turkish rules belong to
 * collations.
 * Rejected: towlower of libc (follows the process's locale).
 */
#include "func/func_int.h"
#include "func/scalar/text_case.h"

typedef struct case_range {
    uint32_t first, last;
    uint32_t stride;
    int32_t delta;
} case_range;

#include "func/scalar/case_ranges.inc"

static uint32_t map_character(uint32_t code_point, const case_range *ranges, size_t count)
{
    size_t low = 0, high = count; /* the first range that ends at or after the character */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (ranges[middle].last < code_point)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == count || code_point < ranges[low].first ||
        (code_point - ranges[low].first) % ranges[low].stride != 0)
        return code_point;
    return (uint32_t)((int64_t)code_point + ranges[low].delta);
}

uint32_t func_lower_character(uint32_t code_point)
{
    if (code_point < 0x80)
        return (uint8_t)base_ascii_lower((char)code_point);
    return map_character(code_point, to_lower, BASE_COUNT_OF(to_lower));
}

uint32_t func_upper_character(uint32_t code_point)
{
    if (code_point < 0x80)
        return (uint8_t)base_ascii_upper((char)code_point);
    return map_character(code_point, to_upper, BASE_COUNT_OF(to_upper));
}

/* Flips bit 5 of the bytes in [first, first + 25] of a word of ASCII bytes. */
static uint64_t fold_word(uint64_t word, uint8_t first)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t above = word + ones * (uint64_t)(0x80 - first);       /* bit 7: byte >= first */
    uint64_t beyond = word + ones * (uint64_t)(0x80 - first - 26); /* bit 7: byte > last */
    return word ^ ((above & ~beyond & (ones << 7)) >> 2);
}

/* Folds the ASCII bytes at the start; returns how many there were. */
static size_t fold_ascii(const char *text, size_t length, uint8_t first, char *out)
{
    size_t at = 0;
    for (; length - at >= 8; at += 8) {
        uint64_t word = base_load_u64(text + at);
        if (word & UINT64_C(0x8080808080808080))
            break;
        base_store_u64(out + at, fold_word(word, first));
    }
    for (; at < length && (uint8_t)text[at] < 0x80; at++) {
        uint8_t byte = (uint8_t)text[at];
        out[at] = (char)(byte >= first && byte < first + 26 ? byte ^ 0x20 : byte);
    }
    return at;
}

/* One character grows from 2 to 3 bytes at most: the result has at most 3/2 of the bytes. */
static size_t folded_bound(size_t length)
{
    return length + length / 2;
}

/* Writes at most folded_bound(length) bytes; returns how many. */
static size_t fold(const char *text, size_t length, bool upper, char *out)
{
    size_t at = fold_ascii(text, length, upper ? 'a' : 'A', out), written = at;
    while (at < length) {
        uint32_t code_point;
        uint32_t size = types_utf8_decode(text + at, length - at, &code_point);
        if (size == 1 && code_point == 0xFFFD) { /* a bad byte stays */
            out[written++] = text[at++];
            continue;
        }
        code_point = upper ? func_upper_character(code_point) : func_lower_character(code_point);
        char bytes[4];
        uint32_t made = types_utf8_encode(code_point, bytes);
        memcpy(out + written, bytes, made);
        written += made;
        at += size;
    }
    return written;
}

bool func_lower(base_text text, base_arena *heap, base_text *lower)
{
    char *bytes = base_arena_allocate(heap, folded_bound(text.length) + 1);
    if (!bytes)
        return false;
    *lower = (base_text){bytes, fold(text.data, text.length, false, bytes)};
    return true;
}

static base_status fold_string(func_call *call, const types_string *text, bool upper,
                               types_string *result, base_error *error)
{
    char small[TYPES_STRING_INLINE * 2];
    const char *data = types_string_data(text);
    if (text->length <= TYPES_STRING_INLINE) {
        size_t length = fold(data, text->length, upper, small);
        if (length <= TYPES_STRING_INLINE) {
            *result = types_string_of(small, length);
            return BASE_OK;
        }
    }
    char *bytes;
    RETURN_IF_ERROR(func_text_room(call, folded_bound(text->length), &bytes, error));
    *result = types_string_of(bytes, fold(data, text->length, upper, bytes));
    return BASE_OK;
}

static bool is_upper(const func_call *call)
{
    return call->function->name[0] == 'u';
}

static base_status case_row(func_call *call, const types_cell *arguments, const bool *nulls,
                            types_cell *result, bool *result_null, base_error *error)
{
    types_string text = arguments[0].string;
    return fold_string(call, &text, is_upper(call), &result->string, error);
}

static base_status case_batch(func_call *call, const vector *const *arguments,
                              const uint16_t *selection, uint32_t count, vector *result,
                              base_error *error)
{
    const types_string *texts = func_values(arguments[0])->data;
    types_string *results = result->data;
    bool upper = is_upper(call);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = vector_row(selection, i);
        RETURN_IF_ERROR(fold_string(call, &texts[func_position(arguments[0], row)], upper,
                                    &results[row], error));
    }
    return BASE_OK;
}

static bool is_alphanumeric(uint32_t code_point)
{
    if (code_point < 0x80)
        return (code_point >= '0' && code_point <= '9') ||
               ((code_point | 0x20) >= 'a' && (code_point | 0x20) <= 'z');
    return code_point >= 0xAA && code_point != 0xD7 && code_point != 0xF7 &&
           !(code_point >= 0x2000 && code_point <= 0x206F) && /* punctuation */
           !(code_point >= 0x3000 && code_point <= 0x3003) && code_point != 0xFEFF &&
           code_point != 0xBB && code_point != 0xAB && code_point != 0xBF;
}

static base_status initcap_row(func_call *call, const types_cell *arguments, const bool *nulls,
                               types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]);
    char *bytes;
    RETURN_IF_ERROR(func_text_room(call, folded_bound(text.length), &bytes, error));
    size_t written = 0;
    bool inside = false;
    for (size_t at = 0; at < text.length;) {
        uint32_t code_point;
        uint32_t size = types_utf8_decode(text.data + at, text.length - at, &code_point);
        if (size == 1 && code_point == 0xFFFD) { /* a bad byte stays */
            bytes[written++] = text.data[at++];
            continue;
        }
        char encoded[4];
        uint32_t made = types_utf8_encode(
            inside ? func_lower_character(code_point) : func_upper_character(code_point), encoded);
        memcpy(bytes + written, encoded, made);
        written += made;
        at += size;
        inside = is_alphanumeric(code_point);
    }
    func_finish_text(result, bytes, written);
    return BASE_OK;
}

#define CASE_ROW(name_, doc, example_, answer)                                                     \
    {                                                                                              \
        .name = name_, .resolve = func_resolve_fixed, .minimum_arguments = 1,                      \
        .maximum_arguments = 1, .flags = FUNC_STRICT, .argument_kinds = {TYPES_TEXT},              \
        .result_kind = TYPES_TEXT, .row = case_row, .batch = case_batch, .category = "text",       \
        .documentation = doc, .example = example_, .example_result = answer                        \
    }
const func_scalar func_case_rows[] = {
    CASE_ROW("upper", "All letters in upper case.", "upper('stra\xC3\x9F\x65 \xC3\xA4')",
             "STRA\xC3\x9F\x45 \xC3\x84"),
    CASE_ROW("ucase", "The same as upper.", "ucase('abc')", "ABC"),
    CASE_ROW("lower", "All letters in lower case.", "lower('ABC \xC3\x84')", "abc \xC3\xA4"),
    CASE_ROW("lcase", "The same as lower.", "lcase('ABC')", "abc"),
    FUNC_ROW("initcap", initcap_row, FUNC_STRICT, TYPES_TEXT, 1, 1, "text",
             "The first letter of each word in upper case, the others in lower case.",
             "initcap('hELLO wORLD')", "Hello World", TYPES_TEXT),
    {0},
};
