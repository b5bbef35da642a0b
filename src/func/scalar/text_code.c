/*
 * text_code.c - code points, hexadecimal and base64, checksums, quoting.
 *
 * MD5 (RFC 1321), SHA-1 and SHA-256 (FIPS 180-4) and CRC-32 serve comparison with data that
 * was fingerprinted elsewhere, not secrets; they are written here so that the library needs
 * nothing else. Cryptography proper is in crypto/.
 */
#include "func/func_int.h"
#include "func/scalar/digest.h"

/* ---- Code points ------------------------------------------------------------------------ */

static base_status ascii_row(func_call *call, const types_cell *arguments, const bool *nulls,
                             types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]);
    uint32_t code_point = 0;
    if (text.length)
        (void)types_utf8_decode(text.data, text.length, &code_point);
    result->int64 = code_point;
    return BASE_OK;
}

/* SQLite's unicode: NULL for an empty text. */
static base_status unicode_row(func_call *call, const types_cell *arguments, const bool *nulls,
                               types_cell *result, bool *result_null, base_error *error)
{
    *result_null = arguments[0].string.length == 0;
    return ascii_row(call, arguments, nulls, result, result_null, error);
}

static bool is_character(int64_t code_point)
{
    return code_point > 0 && code_point <= 0x10FFFF &&
           !(code_point >= 0xD800 && code_point <= 0xDFFF);
}

static base_status chr_row(func_call *call, const types_cell *arguments, const bool *nulls,
                           types_cell *result, bool *result_null, base_error *error)
{
    char bytes[FUNC_MAX_ARGUMENTS * 4];
    size_t length = 0;
    for (uint32_t i = 0; i < call->argument_count; i++) {
        if (!is_character(arguments[i].int64)) {
            return base_error_set(error, BASE_INVALID_PARAMETER,
                                  "%lld is no code point of a character",
                                  (long long)arguments[i].int64);
        }
        length += types_utf8_encode((uint32_t)arguments[i].int64, bytes + length);
    }
    char *copy;
    RETURN_IF_ERROR(func_text_room(call, length, &copy, error));
    memcpy(copy, bytes, length);
    func_finish_text(result, copy, length);
    return BASE_OK;
}

/* ---- Hexadecimal and base64 -------------------------------------------------------------- */

static base_status put_hex(func_call *call, const uint8_t *bytes, size_t length, bool upper,
                           types_cell *result, base_error *error)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char *out;
    RETURN_IF_ERROR(func_text_room(call, length * 2, &out, error));
    for (size_t i = 0; i < length; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    func_finish_text(result, out, length * 2);
    return BASE_OK;
}

static base_status hex_row(func_call *call, const types_cell *arguments, const bool *nulls,
                           types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]);
    return put_hex(call, (const uint8_t *)text.data, text.length, true, result, error);
}

/* Digits of a number, of its two's complement when negative. */
static base_status number_row(func_call *call, int64_t number, uint32_t shift, bool upper,
                              types_cell *result, base_error *error)
{
    uint64_t bits = (uint64_t)number;
    uint32_t count = bits ? (base_bit_width(bits) + shift - 1) / shift : 1;
    const char *alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char *out;
    RETURN_IF_ERROR(func_text_room(call, count, &out, error));
    for (uint32_t i = 0; i < count; i++)
        out[i] = alphabet[bits >> ((count - 1 - i) * shift) & ((1u << shift) - 1)];
    func_finish_text(result, out, count);
    return BASE_OK;
}

static base_status hex_number_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                  types_cell *result, bool *result_null, base_error *error)
{
    return number_row(call, arguments[0].int64, 4, true, result, error);
}

static base_status to_hex_row(func_call *call, const types_cell *arguments, const bool *nulls,
                              types_cell *result, bool *result_null, base_error *error)
{
    return number_row(call, arguments[0].int64, 4, false, result, error);
}

static base_status to_binary_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                 types_cell *result, bool *result_null, base_error *error)
{
    return number_row(call, arguments[0].int64, 1, false, result, error);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = base_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* NULL when the text is no hexadecimal, as in SQLite and MySQL. */
static base_status unhex_row(func_call *call, const types_cell *arguments, const bool *nulls,
                             types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]);
    char *bytes;
    RETURN_IF_ERROR(func_text_room(call, text.length / 2, &bytes, error));
    *result_null = text.length % 2 != 0;
    for (size_t i = 0; i + 1 < text.length && !*result_null; i += 2) {
        int high = hex_value(text.data[i]), low = hex_value(text.data[i + 1]);
        *result_null = high < 0 || low < 0;
        bytes[i / 2] = (char)((uint32_t)(high & 15) << 4 | (uint32_t)(low & 15));
    }
    func_finish_text(result, bytes, text.length / 2);
    return BASE_OK;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static base_status to_base64_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                 types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]);
    const uint8_t *bytes = (const uint8_t *)text.data;
    size_t length = (text.length + 2) / 3 * 4, written = 0;
    char *out;
    RETURN_IF_ERROR(func_text_room(call, length, &out, error));
    for (size_t i = 0; i < text.length; i += 3) {
        size_t here = BASE_MIN(text.length - i, (size_t)3);
        uint32_t group = (uint32_t)bytes[i] << 16;
        if (here > 1)
            group |= (uint32_t)bytes[i + 1] << 8;
        if (here > 2)
            group |= bytes[i + 2];
        out[written++] = base64_digits[group >> 18];
        out[written++] = base64_digits[group >> 12 & 63];
        out[written++] = here > 1 ? base64_digits[group >> 6 & 63] : '=';
        out[written++] = here > 2 ? base64_digits[group & 63] : '=';
    }
    func_finish_text(result, out, length);
    return BASE_OK;
}

static base_status from_base64_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                   types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]);
    char *out;
    RETURN_IF_ERROR(func_text_room(call, text.length / 4 * 3 + 3, &out, error));
    uint32_t group = 0, digits = 0, padding = 0;
    size_t written = 0;
    bool valid = true;
    for (size_t i = 0; i < text.length && valid; i++) {
        char c = text.data[i];
        if (c == '\n' || c == '\r' || c == ' ')
            continue;
        const char *place = c ? memchr(base64_digits, c, 64) : NULL;
        padding += c == '=';
        valid = (place && padding == 0) || (c == '=' && digits >= 2 && padding <= 2);
        group = group << 6 | (place ? (uint32_t)(place - base64_digits) : 0);
        if (++digits == 4) {
            for (uint32_t b = 0; b < 3 - padding; b++)
                out[written++] = (char)(group >> (16 - 8 * b));
            digits = 0;
            group = 0;
        }
    }
    if (!valid || digits != 0)
        return base_error_set(error, BASE_INVALID_PARAMETER, "invalid base64 text");
    func_finish_text(result, out, written);
    return BASE_OK;
}

static base_status unknown_encoding(const base_text *format, base_error *error)
{
    return base_error_set(error, BASE_INVALID_PARAMETER,
                          "unknown encoding \"%.*s\": use hex or base64",
                          (int)BASE_MIN(format->length, (size_t)40), format->data);
}

static base_status encode_row(func_call *call, const types_cell *arguments, const bool *nulls,
                              types_cell *result, bool *result_null, base_error *error)
{
    base_text bytes = func_text(&arguments[0]), format = func_text(&arguments[1]);
    if (base_text_equal_folded(format, BASE_TEXT("hex")))
        return put_hex(call, (const uint8_t *)bytes.data, bytes.length, false, result, error);
    if (base_text_equal_folded(format, BASE_TEXT("base64")))
        return to_base64_row(call, arguments, nulls, result, result_null, error);
    return unknown_encoding(&format, error);
}

static base_status decode_row(func_call *call, const types_cell *arguments, const bool *nulls,
                              types_cell *result, bool *result_null, base_error *error)
{
    base_text format = func_text(&arguments[1]);
    if (base_text_equal_folded(format, BASE_TEXT("base64")))
        return from_base64_row(call, arguments, nulls, result, result_null, error);
    if (!base_text_equal_folded(format, BASE_TEXT("hex")))
        return unknown_encoding(&format, error);
    RETURN_IF_ERROR(unhex_row(call, arguments, nulls, result, result_null, error));
    if (*result_null)
        return base_error_set(error, BASE_INVALID_PARAMETER, "invalid hexadecimal text");
    return BASE_OK;
}

/* ---- Checksums --------------------------------------------------------------------------- */

static base_status md5_row(func_call *call, const types_cell *arguments, const bool *nulls,
                           types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]);
    uint8_t digest[16];
    digest_md5(text.data, text.length, digest);
    return put_hex(call, digest, sizeof digest, false, result, error);
}

static base_status sha1_row(func_call *call, const types_cell *arguments, const bool *nulls,
                            types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]);
    uint8_t digest[20];
    digest_sha1(text.data, text.length, digest);
    return put_hex(call, digest, sizeof digest, false, result, error);
}

static base_status sha256_row(func_call *call, const types_cell *arguments, const bool *nulls,
                              types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]);
    uint8_t digest[32];
    digest_sha256(text.data, text.length, digest);
    return put_hex(call, digest, sizeof digest, false, result, error);
}

static base_status crc32_row(func_call *call, const types_cell *arguments, const bool *nulls,
                             types_cell *result, bool *result_null, base_error *error)
{
    base_text text = func_text(&arguments[0]);
    result->int64 = digest_crc32(text.data, text.length);
    return BASE_OK;
}

/* ---- Quoting ----------------------------------------------------------------------------- */

/* The SQL literal of any value; SQLite's quote gives the word NULL for NULL. */
static base_status quote_row(func_call *call, const types_cell *arguments, const bool *nulls,
                             types_cell *result, bool *result_null, base_error *error)
{
    types_value value = {.type = call->argument_types[0], .is_null = nulls[0]};
    value.cell = arguments[0];
    if (nulls[0])
        memset(&value.cell, 0, sizeof value.cell);
    base_buffer buffer;
    base_buffer_init(&buffer, call->heap->budget);
    types_format_literal(&value, &buffer);
    return func_finish_buffer(call, &buffer, result, error);
}

static base_status quote_ident_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                   types_cell *result, bool *result_null, base_error *error)
{
    base_text name = func_text(&arguments[0]);
    bool plain = name.length > 0 && (base_ascii_lower(name.data[0]) == '_' ||
                                     (name.data[0] >= 'a' && name.data[0] <= 'z'));
    size_t length = name.length + 2;
    for (size_t i = 0; i < name.length; i++) {
        char c = name.data[i];
        plain &= (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        length += c == '"';
    }
    if (plain) {
        func_view(result, name.data, name.length);
        return BASE_OK;
    }
    char *bytes;
    RETURN_IF_ERROR(func_text_room(call, length, &bytes, error));
    size_t at = 0;
    bytes[at++] = '"';
    for (size_t i = 0; i < name.length; i++) {
        if (name.data[i] == '"')
            bytes[at++] = '"';
        bytes[at++] = name.data[i];
    }
    bytes[at++] = '"';
    func_finish_text(result, bytes, at);
    return BASE_OK;
}

static base_status zeroblob_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                types_cell *result, bool *result_null, base_error *error)
{
    int64_t length = BASE_MIN(BASE_MAX(arguments[0].int64, 0), (int64_t)FUNC_MAX_TEXT + 1);
    char *bytes;
    RETURN_IF_ERROR(func_text_room(call, (size_t)length, &bytes, error));
    memset(bytes, 0, (size_t)length);
    func_finish_text(result, bytes, (size_t)length);
    return BASE_OK;
}

#define CODE_ROW(name, body, result, doc, example, answer, ...)                                    \
    FUNC_ROW(name, body, FUNC_STRICT, TYPES_##result, 1, 1, "encoding", doc, example, answer,      \
             __VA_ARGS__)
#define DIGEST_ROWS(name, body, result, doc, example, answer)                                      \
    CODE_ROW(name, body, result, doc, example, answer, TYPES_TEXT),                                \
        CODE_ROW(name, body, result, doc, NULL, NULL, TYPES_BLOB)
const func_scalar func_code_rows[] = {
    CODE_ROW("ascii", ascii_row, INTEGER, "Code point of the first character, 0 when empty.",
             "ascii('x')", "120", TYPES_TEXT),
    CODE_ROW("ord", ascii_row, INTEGER, "The same as ascii.", "ord('x')", "120", TYPES_TEXT),
    CODE_ROW("unicode", unicode_row, INTEGER, "Code point of the first character.",
             "unicode('\xC3\xA4')", "228", TYPES_TEXT),
    CODE_ROW("chr", chr_row, TEXT, "The character of a code point.", "chr(228)", "\xC3\xA4",
             TYPES_INTEGER),
    FUNC_ROW("char", chr_row, FUNC_STRICT | FUNC_VARIADIC, TYPES_TEXT, 1, FUNC_MAX_ARGUMENTS,
             "encoding", "The characters of the code points.", "char(116, 117, 102, 102)", "tuff",
             TYPES_INTEGER),
    CODE_ROW("hex", hex_row, TEXT, "The bytes as hexadecimal digits.", "hex('abc')", "616263",
             TYPES_TEXT),
    CODE_ROW("hex", hex_row, TEXT, "The bytes as hexadecimal digits.", "hex(X'00ff')", "00FF",
             TYPES_BLOB),
    CODE_ROW("hex", hex_number_row, TEXT, "The number in hexadecimal.", "hex(255)", "FF",
             TYPES_INTEGER),
    CODE_ROW("to_hex", to_hex_row, TEXT, "The number in hexadecimal.", "to_hex(255)", "ff",
             TYPES_INTEGER),
    CODE_ROW("to_bin", to_binary_row, TEXT, "The number in binary.", "to_bin(5)", "101",
             TYPES_INTEGER),
    CODE_ROW("bin", to_binary_row, TEXT, "The number in binary.", "bin(6)", "110", TYPES_INTEGER),
    CODE_ROW("unhex", unhex_row, BLOB, "The bytes that hexadecimal digits mean; NULL for others.",
             "unhex('00ff')", "\\x00ff", TYPES_TEXT),
    CODE_ROW("from_hex", unhex_row, BLOB, "The same as unhex.", "from_hex('7475')", "\\x7475",
             TYPES_TEXT),
    DIGEST_ROWS("to_base64", to_base64_row, TEXT, "The bytes in base64.", "to_base64('tuff')",
                "dHVmZg=="),
    DIGEST_ROWS("base64", to_base64_row, TEXT, "The bytes in base64.", "base64('tuf')", "dHVm"),
    CODE_ROW("from_base64", from_base64_row, BLOB, "The bytes that a base64 text means.",
             "from_base64('dHVmZg==')", "\\x74756666", TYPES_TEXT),
    FUNC_ROW("encode", encode_row, FUNC_STRICT, TYPES_TEXT, 2, 2, "encoding",
             "The bytes as text: hex or base64.", "encode(X'00ff', 'hex')", "00ff", TYPES_BLOB,
             TYPES_TEXT),
    FUNC_ROW("decode", decode_row, FUNC_STRICT, TYPES_BLOB, 2, 2, "encoding",
             "The bytes of a text in hex or base64.", "decode('AP8=', 'base64')", "\\x00ff",
             TYPES_TEXT, TYPES_TEXT),
    DIGEST_ROWS("md5", md5_row, TEXT, "MD5 checksum in hexadecimal.", "md5('abc')",
                "900150983cd24fb0d6963f7d28e17f72"),
    DIGEST_ROWS("sha1", sha1_row, TEXT, "SHA-1 checksum in hexadecimal.", "sha1('abc')",
                "a9993e364706816aba3e25717850c26c9cd0d89d"),
    DIGEST_ROWS("sha256", sha256_row, TEXT, "SHA-256 checksum in hexadecimal.", "sha256('abc')",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    DIGEST_ROWS("crc32", crc32_row, INTEGER, "CRC-32 checksum.", "crc32('abc')", "891568578"),
    FUNC_ROW("quote", quote_row, 0, TYPES_TEXT, 1, 1, "encoding",
             "The literal that gives the value again.", "quote('it''s')", "'it''s'", FUNC_KIND_ANY),
    FUNC_ROW("quote_nullable", quote_row, 0, TYPES_TEXT, 1, 1, "encoding", "The same as quote.",
             "quote_nullable(NULL)", "NULL", FUNC_KIND_ANY),
    FUNC_ROW("quote_literal", quote_row, FUNC_STRICT, TYPES_TEXT, 1, 1, "encoding",
             "The literal that gives the value again; NULL for NULL.", "quote_literal('a')", "'a'",
             FUNC_KIND_ANY),
    CODE_ROW("quote_ident", quote_ident_row, TEXT, "The name, quoted where it must be.",
             "quote_ident('Two words')", "\"Two words\"", TYPES_TEXT),
    CODE_ROW("zeroblob", zeroblob_row, BLOB, "So many zero bytes.", "zeroblob(2)", "\\x0000",
             TYPES_INTEGER),
    {0},
};
