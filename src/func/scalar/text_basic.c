/*
 * text_basic.c - length, parts and joining of texts.
 *
 * Positions count characters from 1, as in SQL. Where a text is plain ASCII (the common
 * case), characters are bytes: the counting functions of types/ go through eight at a time.
 * Results that are a part of an argument point into it: no bytes are copied.
 */
#include "func/func_int.h"

static base_status length_row(func_call *call, const types_cell *arguments, const bool *nulls,
                              types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]);
    result->int64 = (int64_t)types_utf8_count(text.data, text.length);
    return BASE_OK;
}

static base_status length_batch(func_call *call, const vector *const *arguments,
                                const uint16_t *selection, uint32_t count, vector *result,
                                base_error *error)
{
    const types_string *texts = func_values(arguments[0])->data;
    int64_t *lengths = result->data;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = vector_row(selection, i);
        const types_string *text = &texts[func_position(arguments[0], row)];
        lengths[row] = (int64_t)types_utf8_count(types_string_data(text), text->length);
    }
    return BASE_OK;
}

static base_status octet_length_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                    types_cell *result, bool *result_null, base_error *error)
{
    result->int64 = arguments[0].string.length;
    return BASE_OK;
}

static base_status bit_length_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                  types_cell *result, bool *result_null, base_error *error)
{
    result->int64 = (int64_t)arguments[0].string.length * 8;
    return BASE_OK;
}

/* ---- Parts ----------------------------------------------------------------------------- */

/* The characters [start, start + length), 1-based; what lies outside the text is not there.
 * A negative start counts from the end (SQLite, MySQL, DuckDB; PostgreSQL treats positions
 * before the first as outside, which a start of 0 still does here). */
static base_text substring(base_text text, int64_t start, int64_t length)
{
    if (start < 0) {
        int64_t characters = (int64_t)types_utf8_count(text.data, text.length);
        if (-(start + 1) >= characters) { /* begins before the text: that part is lost */
            int64_t missing = -(start + 1) - characters; /* and one more */
            length = length == INT64_MAX ? length : length > missing ? length - missing - 1 : 0;
            start = 1;
        } else {
            start = characters + start + 1;
        }
    } else if (start == 0) {
        length = length > 0 ? length - 1 : 0;
        start = 1;
    }
    size_t from = types_utf8_offset(text.data, text.length, (size_t)(start - 1));
    size_t rest = text.length - from;
    size_t bytes =
        (uint64_t)length >= rest ? rest : types_utf8_offset(text.data + from, rest, (size_t)length);
    return (base_text){text.data + from, bytes};
}

static base_status negative_length(base_error *error)
{
    return base_error_set(error, BASE_INVALID_PARAMETER, "negative substring length not allowed");
}

static base_status substring_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                 types_cell *result, bool *result_null, base_error *error)
{
    int64_t length = call->argument_count > 2 ? arguments[2].int64 : INT64_MAX;
    if (length < 0)
        return negative_length(error);
    base_text part = substring(func_text(&arguments[0]), arguments[1].int64, length);
    func_view(result, part.data, part.length);
    return BASE_OK;
}

static base_status substring_batch(func_call *call, const vector *const *arguments,
                                   const uint16_t *selection, uint32_t count, vector *result,
                                   base_error *error)
{
    const types_string *texts = func_values(arguments[0])->data;
    const int64_t *starts = func_values(arguments[1])->data;
    const int64_t *lengths = call->argument_count > 2 ? func_values(arguments[2])->data : NULL;
    types_string *parts = result->data;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = vector_row(selection, i);
        const types_string *text = &texts[func_position(arguments[0], row)];
        int64_t start = starts[func_position(arguments[1], row)];
        int64_t length = lengths ? lengths[func_position(arguments[2], row)] : INT64_MAX;
        if (length < 0)
            return negative_length(error);
        base_text part =
            substring((base_text){types_string_data(text), text->length}, start, length);
        parts[row] = types_string_of(part.data, part.length);
    }
    return BASE_OK;
}

static base_status substring_blob_row(func_call *call, const types_cell *arguments,
                                      const bool *nulls, types_cell *result, bool *result_null,
                                      base_error *error)
{
    base_text bytes = func_text(&arguments[0]);
    int64_t start = arguments[1].int64;
    int64_t length = call->argument_count > 2 ? arguments[2].int64 : INT64_MAX;
    if (length < 0)
        return negative_length(error);
    int64_t size = (int64_t)bytes.length;
    if (start < 0)
        start = start < -size ? start + size + 1 : size + start + 1;
    if (start < 1) {
        length = length == INT64_MAX ? length : BASE_MAX(length + (start - 1), 0);
        start = 1;
    }
    int64_t from = BASE_MIN(start - 1, size);
    func_view(result, bytes.data + from, (size_t)BASE_MIN(length, size - from));
    return BASE_OK;
}

/* left(s, n): the first n characters, all but the last -n when n < 0. right likewise. */
static base_status left_row(func_call *call, const types_cell *arguments, const bool *nulls,
                            types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]);
    int64_t count = arguments[1].int64;
    if (count < 0)
        count = BASE_MAX((int64_t)types_utf8_count(text.data, text.length) + count, 0);
    func_view(result, text.data, types_utf8_offset(text.data, text.length, (size_t)count));
    return BASE_OK;
}

static base_status right_row(func_call *call, const types_cell *arguments, const bool *nulls,
                             types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]);
    int64_t characters = (int64_t)types_utf8_count(text.data, text.length);
    int64_t count = arguments[1].int64;
    /* -INT64_MIN does not exist: compare before negating. */
    int64_t skip = count >= 0            ? BASE_MAX(characters - count, 0)
                   : count < -characters ? characters
                                         : -count;
    size_t from = types_utf8_offset(text.data, text.length, (size_t)skip);
    func_view(result, text.data + from, text.length - from);
    return BASE_OK;
}

/* ---- Joining --------------------------------------------------------------------------- */

/* Puts `count` texts one after the other. */
static base_status join_texts(func_call *call, const base_text *texts, uint32_t count,
                              types_cell *result, base_error *error)
{
    uint64_t length = 0;
    for (uint32_t i = 0; i < count; i++)
        length += texts[i].length;
    char small[TYPES_STRING_INLINE];
    char *bytes = small;
    if (length > TYPES_STRING_INLINE)
        RETURN_IF_ERROR(func_text_room(call, length, &bytes, error));
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (texts[i].length)
            memcpy(bytes + at, texts[i].data, texts[i].length);
        at += texts[i].length;
    }
    func_finish_text(result, bytes, at);
    return BASE_OK;
}

static base_status concat_operator_row(func_call *call, const types_cell *arguments,
                                       const bool *nulls, types_cell *result, bool *result_null,
                                       base_error *error)
{
    base_text texts[FUNC_MAX_ARGUMENTS];
    for (uint32_t i = 0; i < call->argument_count; i++)
        texts[i] = func_text(&arguments[i]);
    return join_texts(call, texts, call->argument_count, result, error);
}

static base_status concat_operator_batch(func_call *call, const vector *const *arguments,
                                         const uint16_t *selection, uint32_t count, vector *result,
                                         base_error *error)
{
    base_text texts[FUNC_MAX_ARGUMENTS];
    const types_string *values[FUNC_MAX_ARGUMENTS];
    for (uint32_t a = 0; a < call->argument_count; a++)
        values[a] = func_values(arguments[a])->data;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = vector_row(selection, i);
        types_cell cell;
        for (uint32_t a = 0; a < call->argument_count; a++) {
            const types_string *text = &values[a][func_position(arguments[a], row)];
            texts[a] = (base_text){types_string_data(text), text->length};
        }
        RETURN_IF_ERROR(join_texts(call, texts, call->argument_count, &cell, error));
        ((types_string *)result->data)[row] = cell.string;
    }
    return BASE_OK;
}

/* concat: NULLs count as empty, as in PostgreSQL. */
static base_status concat_row(func_call *call, const types_cell *arguments, const bool *nulls,
                              types_cell *result, bool *result_null, base_error *error)
{
    base_text texts[FUNC_MAX_ARGUMENTS];
    uint32_t used = 0;
    for (uint32_t i = 0; i < call->argument_count; i++) {
        if (!nulls[i])
            texts[used++] = func_text(&arguments[i]);
    }
    return join_texts(call, texts, used, result, error);
}

static base_status concat_ws_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                 types_cell *result, bool *result_null, base_error *error)
{
    base_text texts[2 * FUNC_MAX_ARGUMENTS];
    uint32_t used = 0;
    if (nulls[0]) {
        *result_null = true;
        return BASE_OK;
    }
    for (uint32_t i = 1; i < call->argument_count; i++) {
        if (nulls[i])
            continue;
        if (used)
            texts[used++] = func_text(&arguments[0]);
        texts[used++] = func_text(&arguments[i]);
    }
    return join_texts(call, texts, used, result, error);
}

static base_status repeat_row(func_call *call, const types_cell *arguments, const bool *nulls,
                              types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]);
    int64_t times = BASE_MAX(arguments[1].int64, 0);
    size_t length = (size_t)FUNC_MAX_TEXT + 1; /* refused below */
    if (!text.length || times <= (int64_t)(FUNC_MAX_TEXT / text.length))
        length = text.length * (size_t)times;
    char *bytes;
    RETURN_IF_ERROR(func_text_room(call, length, &bytes, error));
    for (size_t at = 0; at < length; at += text.length)
        memcpy(bytes + at, text.data, text.length);
    func_finish_text(result, bytes, length);
    return BASE_OK;
}

static base_status reverse_row(func_call *call, const types_cell *arguments, const bool *nulls,
                               types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]);
    char *bytes;
    RETURN_IF_ERROR(func_text_room(call, text.length, &bytes, error));
    for (size_t at = 0; at < text.length;) {
        uint32_t code_point;
        uint32_t size = types_utf8_decode(text.data + at, text.length - at, &code_point);
        memcpy(bytes + text.length - at - size, text.data + at, size);
        at += size;
    }
    func_finish_text(result, bytes, text.length);
    return BASE_OK;
}

#define STRICT FUNC_STRICT
const func_scalar func_text_rows[] = {
    {.name = "length",
     .resolve = func_resolve_fixed,
     .minimum_arguments = 1,
     .maximum_arguments = 1,
     .flags = STRICT,
     .argument_kinds = {TYPES_TEXT},
     .result_kind = TYPES_INTEGER,
     .row = length_row,
     .batch = length_batch,
     .category = "text",
     .documentation = "Number of characters.",
     .example = "length('na\xC3\xAFve')",
     .example_result = "5"},
    FUNC_ROW("length", octet_length_row, STRICT, TYPES_INTEGER, 1, 1, "text", "Number of bytes.",
             "length(X'0102')", "2", TYPES_BLOB),
    FUNC_ROW("char_length", length_row, STRICT, TYPES_INTEGER, 1, 1, "text",
             "Number of characters.", "char_length('abc')", "3", TYPES_TEXT),
    FUNC_ROW("character_length", length_row, STRICT, TYPES_INTEGER, 1, 1, "text",
             "Number of characters.", "character_length('abc')", "3", TYPES_TEXT),
    FUNC_ROW("octet_length", octet_length_row, STRICT, TYPES_INTEGER, 1, 1, "text",
             "Number of bytes.", "octet_length('na\xC3\xAFve')", "6", TYPES_TEXT),
    FUNC_ROW("octet_length", octet_length_row, STRICT, TYPES_INTEGER, 1, 1, "text",
             "Number of bytes.", "octet_length(X'010203')", "3", TYPES_BLOB),
    FUNC_ROW("bit_length", bit_length_row, STRICT, TYPES_INTEGER, 1, 1, "text", "Number of bits.",
             "bit_length('abc')", "24", TYPES_TEXT),
    {.name = "substring",
     .resolve = func_resolve_fixed,
     .minimum_arguments = 2,
     .maximum_arguments = 3,
     .flags = STRICT,
     .argument_kinds = {TYPES_TEXT, TYPES_INTEGER, TYPES_INTEGER},
     .result_kind = TYPES_TEXT,
     .row = substring_row,
     .batch = substring_batch,
     .category = "text",
     .documentation = "Characters from a 1-based position, at most as many as given; a negative "
                      "position counts from the end.",
     .example = "substring('sandstone', 5, 3)",
     .example_result = "sto"},
    {.name = "substr",
     .resolve = func_resolve_fixed,
     .minimum_arguments = 2,
     .maximum_arguments = 3,
     .flags = STRICT,
     .argument_kinds = {TYPES_TEXT, TYPES_INTEGER, TYPES_INTEGER},
     .result_kind = TYPES_TEXT,
     .row = substring_row,
     .batch = substring_batch,
     .category = "text",
     .documentation = "The same as substring.",
     .example = "substr('sandstone', -5)",
     .example_result = "stone"},
    FUNC_ROW("mid", substring_row, STRICT, TYPES_TEXT, 2, 3, "text", "The same as substring.",
             "mid('sandstone', 5, 2)", "st", TYPES_TEXT, TYPES_INTEGER, TYPES_INTEGER),
    FUNC_ROW("substring", substring_blob_row, STRICT, TYPES_BLOB, 2, 3, "text",
             "Bytes from a 1-based position.", "substring(X'01020304', 2, 2)", "\\x0203",
             TYPES_BLOB, TYPES_INTEGER, TYPES_INTEGER),
    FUNC_ROW("substr", substring_blob_row, STRICT, TYPES_BLOB, 2, 3, "text",
             "Bytes from a 1-based position.", "substr(X'01020304', -1)", "\\x04", TYPES_BLOB,
             TYPES_INTEGER, TYPES_INTEGER),
    FUNC_ROW("left", left_row, STRICT, TYPES_TEXT, 2, 2, "text",
             "The first n characters; all but the last n when n is negative.", "left('basalt', 3)",
             "bas", TYPES_TEXT, TYPES_INTEGER),
    FUNC_ROW("right", right_row, STRICT, TYPES_TEXT, 2, 2, "text",
             "The last n characters; all but the first n when n is negative.",
             "right('basalt', -2)", "salt", TYPES_TEXT, TYPES_INTEGER),
    {.name = "||",
     .resolve = func_resolve_fixed,
     .minimum_arguments = 2,
     .maximum_arguments = FUNC_MAX_ARGUMENTS,
     .flags = STRICT | FUNC_VARIADIC,
     .argument_kinds = {TYPES_TEXT, TYPES_TEXT},
     .result_kind = TYPES_TEXT,
     .row = concat_operator_row,
     .batch = concat_operator_batch,
     .category = "text",
     .documentation = "Texts one after the other; NULL if one is NULL.",
     .example = "'pum' || 'ice'",
     .example_result = "pumice"},
    FUNC_ROW("||", concat_operator_row, STRICT | FUNC_VARIADIC, TYPES_BLOB, 2, FUNC_MAX_ARGUMENTS,
             "text", "Blobs one after the other.", "X'01' || X'02'", "\\x0102", TYPES_BLOB,
             TYPES_BLOB),
    FUNC_ROW("concat", concat_row, FUNC_VARIADIC, TYPES_TEXT, 1, FUNC_MAX_ARGUMENTS, "text",
             "Texts one after the other; NULLs are left out.", "concat('a', NULL, 1)", "a1",
             TYPES_TEXT),
    FUNC_ROW("concat_ws", concat_ws_row, FUNC_VARIADIC, TYPES_TEXT, 2, FUNC_MAX_ARGUMENTS, "text",
             "Texts with a separator, the first argument, between them; NULLs are left out.",
             "concat_ws('-', 'a', NULL, 'b')", "a-b", TYPES_TEXT),
    FUNC_ROW("repeat", repeat_row, STRICT, TYPES_TEXT, 2, 2, "text", "The text n times.",
             "repeat('ab', 3)", "ababab", TYPES_TEXT, TYPES_INTEGER),
    FUNC_ROW("reverse", reverse_row, STRICT, TYPES_TEXT, 1, 1, "text",
             "The characters in reverse order.", "reverse('tuff')", "ffut", TYPES_TEXT),
    {0},
};
