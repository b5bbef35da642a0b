/*
 * text_edit.c - trimming, replacing, padding, splitting.
 *
 * Characters are those of UTF-8 everywhere: a set of characters to trim or translate is
 * compared character by character, lengths to pad to count characters.
 */
#include "func/func_int.h"
#include "func/scalar/text_search.h"

/* ---- Trimming --------------------------------------------------------------------------- */

static bool set_has(base_text set, const char *character, uint32_t size)
{
    for (size_t at = 0; at < set.length;) {
        uint32_t code_point;
        uint32_t here = types_utf8_decode(set.data + at, set.length - at, &code_point);
        if (here == size && memcmp(set.data + at, character, size) == 0)
            return true;
        at += here;
    }
    return false;
}

static base_text trim_left(base_text text, base_text set)
{
    while (text.length) {
        uint32_t code_point;
        uint32_t size = types_utf8_decode(text.data, text.length, &code_point);
        if (!set_has(set, text.data, size))
            break;
        text.data += size;
        text.length -= size;
    }
    return text;
}

static base_text trim_right(base_text text, base_text set)
{
    while (text.length) {
        size_t start = text.length - 1;
        while (start > 0 && text.length - start < 4 && ((uint8_t)text.data[start] & 0xC0) == 0x80)
            start--;
        if (!set_has(set, text.data + start, (uint32_t)(text.length - start)))
            break;
        text.length = start;
    }
    return text;
}

static base_text trim_set(const func_call *call, const types_cell *arguments)
{
    return call->argument_count > 1 ? func_text(&arguments[1]) : BASE_TEXT(" ");
}

static base_status trim_row(func_call *call, const types_cell *arguments, const bool *nulls,
                            types_cell *result, bool *result_null, base_error *error)
{
    base_text set = trim_set(call, arguments);
    base_text text = trim_right(trim_left(func_text(&arguments[0]), set), set);
    func_view(result, text.data, text.length);
    return BASE_OK;
}

static base_status ltrim_row(func_call *call, const types_cell *arguments, const bool *nulls,
                             types_cell *result, bool *result_null, base_error *error)
{
    base_text text = trim_left(func_text(&arguments[0]), trim_set(call, arguments));
    func_view(result, text.data, text.length);
    return BASE_OK;
}

static base_status rtrim_row(func_call *call, const types_cell *arguments, const bool *nulls,
                             types_cell *result, bool *result_null, base_error *error)
{
    base_text text = trim_right(func_text(&arguments[0]), trim_set(call, arguments));
    func_view(result, text.data, text.length);
    return BASE_OK;
}

/* ---- Replacing -------------------------------------------------------------------------- */

static base_status replace_row(func_call *call, const types_cell *arguments, const bool *nulls,
                               types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]), from = func_text(&arguments[1]);
    base_text to = func_text(&arguments[2]);
    const char *end = text.data + text.length;
    uint64_t count = 0;
    const char *at = text.data;
    while (from.length && (at = func_find_bytes(at, (size_t)(end - at), from.data, from.length))) {
        count++;
        at += from.length;
    }
    if (count == 0) {
        func_view(result, text.data, text.length);
        return BASE_OK;
    }
    size_t length = text.length - count * from.length;
    if (to.length && count > (FUNC_MAX_TEXT + UINT64_C(1)) / to.length)
        length = (size_t)FUNC_MAX_TEXT + 1; /* refused below */
    else
        length += count * to.length;
    char *bytes;
    RETURN_IF_ERROR(func_text_room(call, length, &bytes, error));
    char *out = bytes;
    for (at = text.data; count > 0; count--) {
        const char *found = func_find_bytes(at, (size_t)(end - at), from.data, from.length);
        memcpy(out, at, (size_t)(found - at));
        out += found - at;
        if (to.length)
            memcpy(out, to.data, to.length);
        out += to.length;
        at = found + from.length;
    }
    memcpy(out, at, (size_t)(end - at));
    func_finish_text(result, bytes, length);
    return BASE_OK;
}

/* Each character of `from` becomes the one at its place in `to`, or goes when there is none. */
static base_status translate_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                 types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]), from = func_text(&arguments[1]);
    base_text to = func_text(&arguments[2]);
    char *bytes;
    RETURN_IF_ERROR(func_text_room(call, text.length * 4, &bytes, error)); /* 1 byte may become 4 */
    size_t written = 0;
    for (size_t at = 0; at < text.length;) {
        uint32_t code_point;
        uint32_t size = types_utf8_decode(text.data + at, text.length - at, &code_point);
        const char *use = text.data + at;
        uint32_t use_size = size;
        size_t index = 0;
        for (size_t f = 0; f < from.length; index++) {
            uint32_t here = types_utf8_decode(from.data + f, from.length - f, &code_point);
            if (here == size && memcmp(from.data + f, text.data + at, size) == 0) {
                size_t place = types_utf8_offset(to.data, to.length, index);
                use = to.data + place;
                use_size =
                    place < to.length ? types_utf8_decode(use, to.length - place, &code_point) : 0;
                break;
            }
            f += here;
        }
        memcpy(bytes + written, use, use_size);
        written += use_size;
        at += size;
    }
    func_finish_text(result, bytes, written);
    return BASE_OK;
}

static base_status overlay_row(func_call *call, const types_cell *arguments, const bool *nulls,
                               types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]), with = func_text(&arguments[1]);
    int64_t start = arguments[2].int64;
    int64_t count = call->argument_count > 3 ? arguments[3].int64
                                             : (int64_t)types_utf8_count(with.data, with.length);
    if (start < 1 || count < 0) {
        return base_error_set(error, BASE_INVALID_PARAMETER,
                              "overlay needs a start of at least 1 and a length of at least 0");
    }
    size_t head = types_utf8_offset(text.data, text.length, (size_t)(start - 1));
    size_t tail = head + types_utf8_offset(text.data + head, text.length - head, (size_t)count);
    size_t length = head + with.length + (text.length - tail);
    char *bytes;
    RETURN_IF_ERROR(func_text_room(call, length, &bytes, error));
    memcpy(bytes, text.data, head);
    memcpy(bytes + head, with.data, with.length);
    memcpy(bytes + head + with.length, text.data + tail, text.length - tail);
    func_finish_text(result, bytes, length);
    return BASE_OK;
}

/* ---- Padding ---------------------------------------------------------------------------- */

/* Writes `count` characters of `fill`, over and over; returns the bytes. With `out` NULL it
 * only counts. */
static size_t put_fill(base_text fill, int64_t count, char *out)
{
    /* At least one: a damaged text may have none. */
    int64_t characters = BASE_MAX((int64_t)types_utf8_count(fill.data, fill.length), 1);
    size_t rounds = (size_t)(count / characters);
    size_t rest = types_utf8_offset(fill.data, fill.length, (size_t)(count % characters));
    if (out) {
        for (size_t i = 0; i < rounds; i++)
            memcpy(out + i * fill.length, fill.data, fill.length);
        memcpy(out + rounds * fill.length, fill.data, rest);
    }
    return rounds * fill.length + rest;
}

static base_status pad_row(func_call *call, const types_cell *arguments, const bool *nulls,
                           types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]);
    base_text fill = call->argument_count > 2 ? func_text(&arguments[2]) : BASE_TEXT(" ");
    int64_t wanted = BASE_MAX(arguments[1].int64, 0);
    int64_t characters = (int64_t)types_utf8_count(text.data, text.length);
    if (wanted <= characters || fill.length == 0) {
        func_view(result, text.data, types_utf8_offset(text.data, text.length, (size_t)wanted));
        return BASE_OK;
    }
    int64_t missing = wanted - characters;
    bool too_long = missing > FUNC_MAX_TEXT;
    size_t padding = too_long ? (size_t)FUNC_MAX_TEXT + 1 : put_fill(fill, missing, NULL);
    char *bytes;
    RETURN_IF_ERROR(func_text_room(call, padding + text.length, &bytes, error));
    bool left = call->function->name[0] == 'l';
    memcpy(bytes + (left ? padding : 0), text.data, text.length);
    (void)put_fill(fill, missing, bytes + (left ? 0 : text.length));
    func_finish_text(result, bytes, padding + text.length);
    return BASE_OK;
}

static base_status space_row(func_call *call, const types_cell *arguments, const bool *nulls,
                             types_cell *result, bool *result_null, base_error *error)
{
    int64_t count = BASE_MIN(BASE_MAX(arguments[0].int64, 0), (int64_t)FUNC_MAX_TEXT + 1);
    char *bytes;
    RETURN_IF_ERROR(func_text_room(call, (size_t)count, &bytes, error));
    memset(bytes, ' ', (size_t)count);
    func_finish_text(result, bytes, (size_t)count);
    return BASE_OK;
}

/* ---- Splitting -------------------------------------------------------------------------- */

/* The n-th field, from the end when n < 0; empty when there are fewer. */
static base_status split_part_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                  types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]), delimiter = func_text(&arguments[1]);
    int64_t wanted = arguments[2].int64;
    if (wanted == 0)
        return base_error_set(error, BASE_INVALID_PARAMETER, "field position must not be zero");
    const char *end = text.data + text.length;
    if (wanted < 0) { /* count the fields first */
        int64_t fields = 1;
        const char *at = text.data;
        while (delimiter.length &&
               (at = func_find_bytes(at, (size_t)(end - at), delimiter.data, delimiter.length))) {
            fields++;
            at += delimiter.length;
        }
        wanted += fields + 1;
    }
    const char *start = text.data;
    for (int64_t field = 1; wanted > 0; field++) {
        const char *stop = delimiter.length ? func_find_bytes(start, (size_t)(end - start),
                                                              delimiter.data, delimiter.length)
                                            : NULL;
        if (field == wanted) {
            func_view(result, start, (size_t)((stop ? stop : end) - start));
            return BASE_OK;
        }
        if (!stop)
            break;
        start = stop + delimiter.length;
    }
    func_view(result, "", 0);
    return BASE_OK;
}

/* ---- Finding ---------------------------------------------------------------------------- */

static int64_t character_position(base_text text, base_text part, size_t from)
{
    const char *found =
        func_find_bytes(text.data + from, text.length - from, part.data, part.length);
    return found ? (int64_t)types_utf8_count(text.data, (size_t)(found - text.data)) + 1 : 0;
}

static base_status strpos_row(func_call *call, const types_cell *arguments, const bool *nulls,
                              types_cell *result, bool *result_null, base_error *error)
{
    result->int64 = character_position(func_text(&arguments[0]), func_text(&arguments[1]), 0);
    return BASE_OK;
}

static base_status locate_row(func_call *call, const types_cell *arguments, const bool *nulls,
                              types_cell *result, bool *result_null, base_error *error)
{
    base_text part = func_text(&arguments[0]), text = func_text(&arguments[1]);
    int64_t start = call->argument_count > 2 ? arguments[2].int64 : 1;
    if (start < 1) {
        result->int64 = 0;
        return BASE_OK;
    }
    size_t from = types_utf8_offset(text.data, text.length, (size_t)(start - 1));
    result->int64 = character_position(text, part, from);
    return BASE_OK;
}

static base_status starts_with_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                   types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]), part = func_text(&arguments[1]);
    result->boolean = text.length >= part.length && memcmp(text.data, part.data, part.length) == 0;
    return BASE_OK;
}

static base_status ends_with_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                 types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]), part = func_text(&arguments[1]);
    result->boolean = text.length >= part.length &&
                      memcmp(text.data + text.length - part.length, part.data, part.length) == 0;
    return BASE_OK;
}

static base_status contains_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]), part = func_text(&arguments[1]);
    result->boolean = func_find_bytes(text.data, text.length, part.data, part.length) != NULL;
    return BASE_OK;
}

#define TEXT_ROW(name, body, result, minimum, maximum, doc, example, answer, ...)                  \
    FUNC_ROW(name, body, FUNC_STRICT, TYPES_##result, minimum, maximum, "text", doc, example,      \
             answer, __VA_ARGS__)
const func_scalar func_edit_rows[] = {
    TEXT_ROW("trim", trim_row, TEXT, 1, 2,
             "Without blanks, or without the characters of the second argument, at both ends.",
             "trim('  tuff ')", "tuff", TYPES_TEXT, TYPES_TEXT),
    TEXT_ROW("btrim", trim_row, TEXT, 1, 2, "The same as trim.", "btrim('xxtuffx', 'x')", "tuff",
             TYPES_TEXT, TYPES_TEXT),
    TEXT_ROW("ltrim", ltrim_row, TEXT, 1, 2, "Trims at the start.", "ltrim('xxtuffx', 'x')",
             "tuffx", TYPES_TEXT, TYPES_TEXT),
    TEXT_ROW("rtrim", rtrim_row, TEXT, 1, 2, "Trims at the end.", "rtrim('xtuffxyx', 'xy')",
             "xtuff", TYPES_TEXT, TYPES_TEXT),
    TEXT_ROW("replace", replace_row, TEXT, 3, 3, "Every occurrence of a text replaced by another.",
             "replace('abcabc', 'bc', '-')", "a-a-", TYPES_TEXT, TYPES_TEXT, TYPES_TEXT),
    TEXT_ROW("translate", translate_row, TEXT, 3, 3,
             "Each character of the second text becomes the one at its place in the third, or "
             "goes.",
             "translate('12345', '143', 'ax')", "a2x5", TYPES_TEXT, TYPES_TEXT, TYPES_TEXT),
    TEXT_ROW("overlay", overlay_row, TEXT, 3, 4, "A part replaced, given by position and length.",
             "overlay('Txxxxas', 'hom', 2, 4)", "Thomas", TYPES_TEXT, TYPES_TEXT, TYPES_INTEGER,
             TYPES_INTEGER),
    TEXT_ROW("lpad", pad_row, TEXT, 2, 3,
             "Filled at the start to so many characters; longer texts are cut.",
             "lpad('7', 3, '0')", "007", TYPES_TEXT, TYPES_INTEGER, TYPES_TEXT),
    TEXT_ROW("rpad", pad_row, TEXT, 2, 3,
             "Filled at the end to so many characters; longer texts are cut.",
             "rpad('ab', 5, 'xy')", "abxyx", TYPES_TEXT, TYPES_INTEGER, TYPES_TEXT),
    TEXT_ROW("space", space_row, TEXT, 1, 1, "So many blanks.", "space(2) || 'x'", "  x",
             TYPES_INTEGER),
    TEXT_ROW("split_part", split_part_row, TEXT, 3, 3,
             "The n-th field between delimiters, from the end when n is negative.",
             "split_part('a,b,c', ',', 2)", "b", TYPES_TEXT, TYPES_TEXT, TYPES_INTEGER),
    TEXT_ROW("strpos", strpos_row, INTEGER, 2, 2,
             "Position of the second text in the first, 0 when it is not there.",
             "strpos('basalt', 'sal')", "3", TYPES_TEXT, TYPES_TEXT),
    TEXT_ROW("instr", strpos_row, INTEGER, 2, 2, "The same as strpos.", "instr('basalt', 'x')", "0",
             TYPES_TEXT, TYPES_TEXT),
    TEXT_ROW("locate", locate_row, INTEGER, 2, 3,
             "Position of the first text in the second, from a position on.",
             "locate('a', 'basalt', 3)", "4", TYPES_TEXT, TYPES_TEXT, TYPES_INTEGER),
    TEXT_ROW("position", locate_row, INTEGER, 2, 2, "Position of the first text in the second.",
             "position('sal' IN 'basalt')", "3", TYPES_TEXT, TYPES_TEXT),
    TEXT_ROW("starts_with", starts_with_row, BOOLEAN, 2, 2,
             "Whether the text starts with the other.", "starts_with('basalt', 'bas')", "true",
             TYPES_TEXT, TYPES_TEXT),
    TEXT_ROW("prefix", starts_with_row, BOOLEAN, 2, 2, "The same as starts_with.",
             "prefix('basalt', 'x')", "false", TYPES_TEXT, TYPES_TEXT),
    TEXT_ROW("ends_with", ends_with_row, BOOLEAN, 2, 2, "Whether the text ends with the other.",
             "ends_with('basalt', 'salt')", "true", TYPES_TEXT, TYPES_TEXT),
    TEXT_ROW("suffix", ends_with_row, BOOLEAN, 2, 2, "The same as ends_with.",
             "suffix('basalt', 'bas')", "false", TYPES_TEXT, TYPES_TEXT),
    TEXT_ROW("contains", contains_row, BOOLEAN, 2, 2, "Whether the text contains the other.",
             "contains('basalt', 'sal')", "true", TYPES_TEXT, TYPES_TEXT),
    {0},
};
