/*
 * text_like.c - LIKE, ILIKE, GLOB.
 *
 * A LIKE pattern is a row of pieces between percent signs. It is taken apart once per call
 * site; matching is then: the first piece at the start, the last one at the end, the others
 * in order, each at its first place after the one before. Taking the first place is enough
 * (a later place leaves less room for what follows), so there is no backtracking and
 * '%special%requests%' is two byte searches over the text. Pieces without `_` are searched by
 * blocks of bytes, those with `_` character by character.
 *
 * The escape character is the backslash, as in PostgreSQL; ESCAPE '' turns it off.
 * ILIKE folds pattern and text with the case mapping of lower().
 * A dictionary-coded column is matched by entry, not by row, where that is less work.
 * Rejected: translation to regular expressions; matching by recursion (exponential patterns).
 */
#include "func/func_int.h"
#include "func/scalar/text_case.h"
#include "func/scalar/text_search.h"

typedef struct like_piece {
    const char *bytes;
    const bool *any; /* per byte: stands for `_`; NULL when the piece has none */
    uint32_t length;
    uint32_t characters;
} like_piece;

typedef struct like_pattern {
    bool folded;
    bool start_anchored, end_anchored; /* no percent sign there */
    uint32_t piece_count;
    uint32_t least; /* bytes that a match has at least */
    like_piece *pieces;
} like_pattern;

/* ---- Compiling ------------------------------------------------------------------------- */

static base_status bad_escape(base_error *error)
{
    return base_error_set(error, BASE_INVALID_ESCAPE,
                          "LIKE pattern must not end with the escape character");
}

/* Ends the piece that began at `start`. */
static void end_piece(like_pattern *like, const char *bytes, const bool *any, uint32_t start,
                      uint32_t end)
{
    like_piece *piece = &like->pieces[like->piece_count++];
    piece->bytes = bytes + start;
    piece->length = end - start;
    piece->any = memchr(any + start, true, end - start) ? any + start : NULL;
    piece->characters = (uint32_t)types_utf8_count(bytes + start, end - start);
    like->least += end - start;
}

/* `escape` has at most one character; empty: none. */
static base_status compile_like(base_text pattern, base_text escape, bool folded, base_arena *arena,
                                like_pattern *like, base_error *error)
{
    memset(like, 0, sizeof *like);
    like->folded = folded;
    size_t most_pieces = 1;
    for (size_t i = 0; i < pattern.length; i++)
        most_pieces += pattern.data[i] == '%';
    char *bytes = base_arena_allocate(arena, pattern.length + 1);
    bool *any = base_arena_allocate_array(arena, pattern.length + 1, sizeof *any);
    like->pieces = base_arena_allocate_array(arena, most_pieces, sizeof *like->pieces);
    if (!bytes || !any || !like->pieces)
        return base_error_no_memory(error);
    uint32_t length = 0, start = 0;
    bool after_percent = false;
    like->start_anchored = true;
    for (size_t i = 0; i < pattern.length; i++) {
        size_t left = pattern.length - i;
        if (escape.length && left >= escape.length &&
            memcmp(pattern.data + i, escape.data, escape.length) == 0) {
            i += escape.length;
            if (i >= pattern.length)
                return bad_escape(error);
        } else if (pattern.data[i] == '%') {
            if (length > start)
                end_piece(like, bytes, any, start, length);
            like->start_anchored &= i > 0;
            start = length;
            after_percent = true;
            continue;
        } else if (pattern.data[i] == '_') {
            any[length] = true;
        }
        bytes[length++] = pattern.data[i];
        after_percent = false;
    }
    like->end_anchored = !after_percent;
    if (length > start || like->piece_count == 0) {
        if (!after_percent || length > start)
            end_piece(like, bytes, any, start, length);
    }
    return BASE_OK;
}

/* ---- Matching -------------------------------------------------------------------------- */

/* Matches a piece at `at`; returns where it ends, NULL when it does not match. */
static const char *match_here(const like_piece *piece, const char *at, const char *end)
{
    if (!piece->any) {
        bool equal =
            (size_t)(end - at) >= piece->length && memcmp(at, piece->bytes, piece->length) == 0;
        return equal ? at + piece->length : NULL;
    }
    for (uint32_t i = 0; i < piece->length; i++) {
        if (at == end)
            return NULL;
        if (!piece->any[i]) {
            if (*at++ != piece->bytes[i])
                return NULL;
            continue;
        }
        do { /* one character */
            at++;
        } while (at < end && ((uint8_t)*at & 0xC0) == 0x80);
    }
    return at;
}

/* The first match at or after `at`; *match_end is where it ends. */
static bool find_piece(const like_piece *piece, const char *at, const char *end,
                       const char **match_end)
{
    if (!piece->any) {
        const char *match = func_find_bytes(at, (size_t)(end - at), piece->bytes, piece->length);
        *match_end = match ? match + piece->length : NULL;
        return match != NULL;
    }
    for (; at <= end; at++) {
        bool inside = at < end && ((uint8_t)*at & 0xC0) == 0x80;
        if (!inside && (*match_end = match_here(piece, at, end)) != NULL)
            return true;
    }
    return false;
}

/* Matches the last piece so that it ends where the text ends, not before `from`. */
static bool match_at_end(const like_piece *piece, const char *from, const char *end)
{
    if (!piece->any) {
        return (size_t)(end - from) >= piece->length &&
               memcmp(end - piece->length, piece->bytes, piece->length) == 0;
    }
    const char *at = end;
    for (uint32_t i = 0; i < piece->characters; i++) {
        if (at <= from)
            return false;
        do {
            at--;
        } while (at > from && ((uint8_t)*at & 0xC0) == 0x80);
    }
    return match_here(piece, at, end) == end;
}

static bool match_pieces(const like_pattern *like, const char *at, const char *end)
{
    uint32_t first = 0, last = like->piece_count;
    if ((size_t)(end - at) < like->least)
        return false;
    if (like->start_anchored) {
        at = match_here(&like->pieces[first++], at, end);
        if (!at)
            return false;
        if (first == last && like->end_anchored) /* no percent sign at all */
            return at == end;
    }
    const like_piece *tail = NULL;
    if (like->end_anchored && last > first)
        tail = &like->pieces[--last];
    for (uint32_t i = first; i < last; i++) {
        if (!find_piece(&like->pieces[i], at, end, &at))
            return false;
    }
    return !tail || match_at_end(tail, at, end);
}

static base_status match_like(const like_pattern *like, base_text text, base_arena *heap,
                              bool *matches, base_error *error)
{
    if (like->folded) {
        base_arena_mark mark = base_arena_get_mark(heap);
        base_text lower;
        if (!func_lower(text, heap, &lower))
            return base_error_no_memory(error);
        *matches = match_pieces(like, lower.data, lower.data + lower.length);
        base_arena_back_to_mark(heap, mark);
        return BASE_OK;
    }
    *matches = match_pieces(like, text.data, text.data + text.length);
    return BASE_OK;
}

/* ---- Call sites ------------------------------------------------------------------------ */

static bool is_folded(const func_call *call)
{
    return call->function->name[0] == 'i';
}

static base_status compile_call(func_call *call, base_text pattern, const base_text *escape,
                                base_arena *arena, like_pattern *like, base_error *error)
{
    base_text sign = escape ? *escape : BASE_TEXT("\\");
    if (types_utf8_count(sign.data, sign.length) > 1) {
        return base_error_set(error, BASE_INVALID_ESCAPE, "escape must be empty or one character");
    }
    if (is_folded(call) && !func_lower(pattern, arena, &pattern))
        return base_error_no_memory(error);
    return compile_like(pattern, sign, is_folded(call), arena, like, error);
}

static base_text text_of_value(const types_value *value)
{
    return func_text(&value->cell);
}

/* A constant pattern is compiled once; state stays NULL when it is not constant. */
static base_status like_prepare(func_call *call, base_arena *arena, base_error *error)
{
    const types_value *pattern = call->constants[1];
    const types_value *escape = call->argument_count > 2 ? call->constants[2] : NULL;
    call->state = NULL;
    if (!pattern || pattern->is_null || (call->argument_count > 2 && (!escape || escape->is_null)))
        return BASE_OK;
    like_pattern *like = base_arena_allocate_zeroed(arena, sizeof *like);
    if (!like)
        return base_error_no_memory(error);
    base_text sign = escape ? text_of_value(escape) : (base_text){NULL, 0};
    RETURN_IF_ERROR(
        compile_call(call, text_of_value(pattern), escape ? &sign : NULL, arena, like, error));
    call->state = like;
    return BASE_OK;
}

static base_status like_row(func_call *call, const types_cell *arguments, const bool *nulls,
                            types_cell *result, bool *result_null, base_error *error)
{
    like_pattern own;
    const like_pattern *like = call->state;
    base_arena_mark mark = base_arena_get_mark(call->heap);
    if (!like) {
        base_text escape = call->argument_count > 2 ? func_text(&arguments[2]) : BASE_TEXT("");
        RETURN_IF_ERROR(compile_call(call, func_text(&arguments[1]),
                                     call->argument_count > 2 ? &escape : NULL, call->heap, &own,
                                     error));
        like = &own;
    }
    bool matches;
    base_status status = match_like(like, func_text(&arguments[0]), call->heap, &matches, error);
    if (!call->state)
        base_arena_back_to_mark(call->heap, mark);
    result->boolean = status == BASE_OK && matches;
    return status;
}

/* By entry when the dictionary is smaller than the batch. */
static base_status like_dictionary(func_call *call, const vector *column, const uint16_t *selection,
                                   uint32_t count, uint8_t *results, base_error *error)
{
    const types_string *entries = column->dictionary->data;
    const uint16_t *codes = column->data;
    uint8_t answers[VECTOR_SIZE]; /* 0: no, 1: yes, 2: not yet known */
    memset(answers, 2, column->dictionary_size);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = vector_row(selection, i);
        uint8_t *answer = &answers[codes[row]];
        if (*answer == 2) {
            const types_string *text = &entries[codes[row]];
            bool matches;
            RETURN_IF_ERROR(match_like(call->state,
                                       (base_text){types_string_data(text), text->length},
                                       call->heap, &matches, error));
            *answer = matches;
        }
        results[row] = *answer;
    }
    return BASE_OK;
}

static base_status like_batch(func_call *call, const vector *const *arguments,
                              const uint16_t *selection, uint32_t count, vector *result,
                              base_error *error)
{
    const vector *column = arguments[0];
    uint8_t *results = result->data;
    if (call->state && column->shape == VECTOR_DICTIONARY && column->dictionary_size <= VECTOR_SIZE)
        return like_dictionary(call, column, selection, count, results, error);
    const types_string *texts = func_values(column)->data;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = vector_row(selection, i);
        const types_string *text = &texts[func_position(column, row)];
        bool matches;
        if (call->state) {
            RETURN_IF_ERROR(match_like(call->state,
                                       (base_text){types_string_data(text), text->length},
                                       call->heap, &matches, error));
            results[row] = matches;
            continue;
        }
        types_cell cells[3], answer;
        bool nulls[3] = {false, false, false}, null = false;
        for (uint32_t a = 0; a < call->argument_count; a++) {
            const types_string *values = func_values(arguments[a])->data;
            cells[a].string = values[func_position(arguments[a], row)];
        }
        RETURN_IF_ERROR(like_row(call, cells, nulls, &answer, &null, error));
        results[row] = answer.boolean;
    }
    return BASE_OK;
}

/* ---- GLOB ------------------------------------------------------------------------------ */

/* [abc], [a-z], [^x] against one character; *pattern stands behind the bracket and is moved
 * behind its end. An unclosed bracket matches nothing. */
static bool match_class(base_text pattern, size_t *at, uint32_t wanted)
{
    size_t i = *at;
    bool negated = i < pattern.length && pattern.data[i] == '^';
    bool found = false, first = true;
    i += negated;
    while (i < pattern.length && (first || pattern.data[i] != ']')) {
        uint32_t low, high;
        i += types_utf8_decode(pattern.data + i, pattern.length - i, &low);
        high = low;
        if (i + 1 < pattern.length && pattern.data[i] == '-' && pattern.data[i + 1] != ']') {
            i++;
            i += types_utf8_decode(pattern.data + i, pattern.length - i, &high);
        }
        found |= wanted >= low && wanted <= high;
        first = false;
    }
    if (i >= pattern.length)
        return false;
    *at = i + 1;
    return found != negated;
}

/* Star matches as little as possible and is widened on a mismatch; only the last star needs
 * to be remembered, so the work is at most text times pattern. */
static bool match_glob(base_text text, base_text pattern)
{
    size_t t = 0, p = 0, star_text = 0, star = SIZE_MAX;
    while (t < text.length) {
        uint32_t character;
        uint32_t size = types_utf8_decode(text.data + t, text.length - t, &character);
        bool matched = false;
        if (p < pattern.length && pattern.data[p] == '*') {
            star = ++p;
            star_text = t;
            continue;
        }
        if (p < pattern.length && pattern.data[p] == '?') {
            p++;
            matched = true;
        } else if (p < pattern.length && pattern.data[p] == '[') {
            size_t next = p + 1;
            matched = match_class(pattern, &next, character);
            p = matched ? next : p;
        } else if (p < pattern.length && pattern.length - p >= size &&
                   memcmp(pattern.data + p, text.data + t, size) == 0) {
            p += size;
            matched = true;
        }
        if (matched) {
            t += size;
            continue;
        }
        if (star == SIZE_MAX)
            return false;
        uint32_t skipped;
        star_text += types_utf8_decode(text.data + star_text, text.length - star_text, &skipped);
        t = star_text;
        p = star;
    }
    while (p < pattern.length && pattern.data[p] == '*')
        p++;
    return p == pattern.length;
}

static base_status glob_row(func_call *call, const types_cell *arguments, const bool *nulls,
                            types_cell *result, bool *result_null, base_error *error)
{
    result->boolean = match_glob(func_text(&arguments[0]), func_text(&arguments[1]));
    return BASE_OK;
}

#define LIKE_ROW(name_, doc, example_, answer)                                                     \
    {                                                                                              \
        .name = name_, .resolve = func_resolve_fixed, .minimum_arguments = 2,                      \
        .maximum_arguments = 3, .flags = FUNC_STRICT,                                              \
        .argument_kinds = {TYPES_TEXT, TYPES_TEXT, TYPES_TEXT}, .result_kind = TYPES_BOOLEAN,      \
        .row = like_row, .batch = like_batch, .prepare = like_prepare, .category = "pattern",      \
        .documentation = doc, .example = example_, .example_result = answer                        \
    }
const func_scalar func_like_rows[] = {
    LIKE_ROW("like",
             "Whether the text matches the pattern: % stands for any characters, _ for one; the "
             "third argument is the escape character (backslash).",
             "'granite' LIKE 'gr%t_'", "true"),
    LIKE_ROW("ilike", "LIKE without regard to case.", "'GRANITE' ILIKE 'gr%'", "true"),
    FUNC_ROW("glob", glob_row, FUNC_STRICT, TYPES_BOOLEAN, 2, 2, "pattern",
             "Whether the text matches the shell pattern: *, ?, [a-z], [^a-z].",
             "'granite' GLOB '*[m-p]ite'", "true", TYPES_TEXT, TYPES_TEXT),
    {0},
};
