/*
 * text_regexp.c - the functions and operators of regular expressions (the engine is
 * regexp.c), and SIMILAR TO, which is turned into one.
 *
 * A constant pattern is compiled once per call site. Flags: i ignores case, g means all
 * matches (regexp_replace), c is the default case.
 */
#include "func/func_int.h"
#include "func/scalar/regexp.h"

static base_status read_flags(base_text flags, bool *ignore_case, bool *all, base_error *error)
{
    for (size_t i = 0; i < flags.length; i++) {
        switch (flags.data[i]) {
        case 'i':
            *ignore_case = true;
            break;
        case 'c':
            *ignore_case = false;
            break;
        case 'g':
            *all = true;
            break;
        default:
            return base_error_set(error, BASE_INVALID_PARAMETER,
                                  "unknown regular expression flag \"%c\": use i, c or g",
                                  flags.data[i]);
        }
    }
    return BASE_OK;
}

/* Which argument holds flags or an escape, by function: none, or its place. */
static uint32_t option_argument(const func_call *call)
{
    const char *name = call->function->name;
    if (strcmp(name, "regexp_replace") == 0)
        return 3;
    bool third = strcmp(name, "regexp_like") == 0 || strcmp(name, "regexp_matches") == 0 ||
                 strcmp(name, "similar_to") == 0;
    return third ? 2 : UINT32_MAX;
}

/* SIMILAR TO: % and _ of LIKE, | * + ? {} () [] of regular expressions, all of the text. */
static base_status similar_pattern(base_text pattern, base_text escape, base_arena *arena,
                                   base_text *regular, base_error *error)
{
    char *out = base_arena_allocate(arena, pattern.length * 2 + 16);
    if (!out)
        return base_error_no_memory(error);
    size_t length = 0;
    memcpy(out, "^(?:", 4);
    length = 4;
    bool in_class = false;
    for (size_t i = 0; i < pattern.length; i++) {
        char c = pattern.data[i];
        bool escaped = escape.length && pattern.length - i > escape.length &&
                       memcmp(pattern.data + i, escape.data, escape.length) == 0;
        if (escaped) {
            i += escape.length;
            c = pattern.data[i];
            if ((uint8_t)c < 0x80 && !(c >= '0' && c <= '9') &&
                !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
                out[length++] = '\\';
            out[length++] = c;
        } else if (in_class) {
            in_class = c != ']';
            out[length++] = c;
        } else if (c == '%') {
            out[length++] = '.';
            out[length++] = '*';
        } else if (c == '_') {
            out[length++] = '.';
        } else {
            in_class = c == '[';
            if (c == '.' || c == '^' || c == '$' || c == '\\')
                out[length++] = '\\';
            out[length++] = c;
        }
    }
    out[length++] = ')';
    out[length++] = '$';
    *regular = (base_text){out, length};
    return BASE_OK;
}

/* `option` is the argument at option_argument: flags, or the escape of SIMILAR TO. */
static base_status compile(func_call *call, base_text pattern, const base_text *option,
                           base_arena *arena, const regexp **compiled, bool *all, base_error *error)
{
    bool ignore_case = call->function->name[0] == 'i'; /* iregexp */
    *all = false;
    if (call->function->name[0] == 's') {
        base_text escape = option ? *option : BASE_TEXT("\\");
        if (types_utf8_count(escape.data, escape.length) > 1)
            return base_error_set(error, BASE_INVALID_ESCAPE,
                                  "escape must be empty or one character");
        RETURN_IF_ERROR(similar_pattern(pattern, escape, arena, &pattern, error));
    } else if (option) {
        RETURN_IF_ERROR(read_flags(*option, &ignore_case, all, error));
    }
    return regexp_compile(pattern, ignore_case, arena, compiled, error);
}

typedef struct prepared {
    const regexp *compiled;
    bool all;
} prepared;

static bool is_constant(const types_value *value)
{
    return value && !value->is_null;
}

static base_status regexp_prepare(func_call *call, base_arena *arena, base_error *error)
{
    uint32_t option_at = option_argument(call);
    bool has_option = option_at < call->argument_count;
    base_text option = BASE_TEXT("");
    call->state = NULL;
    if (!is_constant(call->constants[1]))
        return BASE_OK;
    if (has_option) {
        if (!is_constant(call->constants[option_at]))
            return BASE_OK;
        option = func_text(&call->constants[option_at]->cell);
    }
    prepared *made = base_arena_allocate(arena, sizeof *made);
    if (!made)
        return base_error_no_memory(error);
    RETURN_IF_ERROR(compile(call, func_text(&call->constants[1]->cell), has_option ? &option : NULL,
                            arena, &made->compiled, &made->all, error));
    call->state = made;
    return BASE_OK;
}

/* The call site's expression, or one compiled for this row into the heap. */
static base_status expression_of(func_call *call, const types_cell *arguments, prepared *out,
                                 base_error *error)
{
    if (call->state) {
        *out = *(const prepared *)call->state;
        return BASE_OK;
    }
    uint32_t option_at = option_argument(call);
    base_text option = BASE_TEXT("");
    bool has_option = option_at < call->argument_count;
    if (has_option)
        option = func_text(&arguments[option_at]);
    return compile(call, func_text(&arguments[1]), has_option ? &option : NULL, call->heap,
                   &out->compiled, &out->all, error);
}

static base_status regexp_row(func_call *call, const types_cell *arguments, const bool *nulls,
                              types_cell *result, bool *result_null, base_error *error)
{
    prepared expression;
    bool found = false;
    RETURN_IF_ERROR(expression_of(call, arguments, &expression, error));
    RETURN_IF_ERROR(regexp_search(expression.compiled, func_text(&arguments[0]), 0, call->heap,
                                  &found, NULL, 0, error));
    result->boolean = found;
    return BASE_OK;
}

/* Where the search goes on after a match: behind it, and one character further when it was
 * empty. Beyond the text: SIZE_MAX. */
static size_t after_match(base_text text, regexp_span match)
{
    if (match.end > match.start)
        return match.end;
    if (match.end >= text.length)
        return SIZE_MAX;
    uint32_t code_point;
    return match.end +
           types_utf8_decode(text.data + match.end, text.length - match.end, &code_point);
}

/* \1 .. \9 the groups, \& and \0 the match, \\ a backslash. */
static void append_replacement(base_buffer *out, base_text replacement, base_text text,
                               const regexp_span *groups, uint32_t group_count)
{
    for (size_t i = 0; i < replacement.length && out->length <= FUNC_MAX_TEXT; i++) {
        char c = replacement.data[i];
        char next = i + 1 < replacement.length ? replacement.data[i + 1] : '\0';
        if (c != '\\' || !((next >= '0' && next <= '9') || next == '&' || next == '\\')) {
            base_buffer_append_byte(out, c);
            continue;
        }
        i++;
        if (next == '\\') {
            base_buffer_append_byte(out, '\\');
            continue;
        }
        uint32_t group = next == '&' ? 0 : (uint32_t)(next - '0');
        if (group < group_count && groups[group].start != SIZE_MAX && groups[group].end != SIZE_MAX)
            base_buffer_append(out, text.data + groups[group].start,
                               groups[group].end - groups[group].start);
    }
}

static base_status regexp_replace_row(func_call *call, const types_cell *arguments,
                                      const bool *nulls, types_cell *result, bool *result_null,
                                      base_error *error)
{
    prepared expression;
    RETURN_IF_ERROR(expression_of(call, arguments, &expression, error));
    base_text text = func_text(&arguments[0]), replacement = func_text(&arguments[2]);
    uint32_t group_count = regexp_group_count(expression.compiled);
    regexp_span groups[REGEXP_MAX_GROUPS];
    base_buffer out;
    base_buffer_init(&out, call->heap->budget);
    size_t copied = 0;
    base_status status = BASE_OK;
    /* Far more than there is room for may come out: it is refused at the end. */
    for (size_t from = 0; from <= text.length && out.length <= FUNC_MAX_TEXT && !out.failed;) {
        bool found = false;
        status = regexp_search(expression.compiled, text, from, call->heap, &found, groups,
                               group_count, error);
        if (status != BASE_OK || !found)
            break;
        base_buffer_append(&out, text.data + copied, groups[0].start - copied);
        append_replacement(&out, replacement, text, groups, group_count);
        copied = groups[0].end;
        from = expression.all ? after_match(text, groups[0]) : SIZE_MAX;
    }
    base_buffer_append(&out, text.data + copied, text.length - copied);
    if (status != BASE_OK) {
        base_buffer_destroy(&out);
        return status;
    }
    return func_finish_buffer(call, &out, result, error);
}

/* The match, or one of its groups; NULL when there is none. */
static base_status regexp_substr_row(func_call *call, const types_cell *arguments,
                                     const bool *nulls, types_cell *result, bool *result_null,
                                     base_error *error)
{
    prepared expression;
    RETURN_IF_ERROR(expression_of(call, arguments, &expression, error));
    base_text text = func_text(&arguments[0]);
    uint32_t group_count = regexp_group_count(expression.compiled);
    int64_t group = call->argument_count > 2 ? arguments[2].int64 : 0;
    if (group < 0 || group >= (int64_t)group_count) {
        return base_error_set(error, BASE_INVALID_PARAMETER,
                              "the regular expression has no group %lld", (long long)group);
    }
    regexp_span groups[REGEXP_MAX_GROUPS];
    bool found = false;
    RETURN_IF_ERROR(regexp_search(expression.compiled, text, 0, call->heap, &found, groups,
                                  group_count, error));
    *result_null = !found || groups[group].start == SIZE_MAX || groups[group].end == SIZE_MAX;
    if (!*result_null)
        func_view(result, text.data + groups[group].start, groups[group].end - groups[group].start);
    return BASE_OK;
}

static base_status regexp_count_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                    types_cell *result, bool *result_null, base_error *error)
{
    prepared expression;
    RETURN_IF_ERROR(expression_of(call, arguments, &expression, error));
    base_text text = func_text(&arguments[0]);
    int64_t count = 0;
    for (size_t from = 0; from <= text.length;) {
        regexp_span match;
        bool found = false;
        RETURN_IF_ERROR(
            regexp_search(expression.compiled, text, from, call->heap, &found, &match, 1, error));
        if (!found)
            break;
        count++;
        from = after_match(text, match);
    }
    result->int64 = count;
    return BASE_OK;
}

static base_status regexp_instr_row(func_call *call, const types_cell *arguments, const bool *nulls,
                                    types_cell *result, bool *result_null, base_error *error)
{
    prepared expression;
    RETURN_IF_ERROR(expression_of(call, arguments, &expression, error));
    base_text text = func_text(&arguments[0]);
    regexp_span match;
    bool found = false;
    RETURN_IF_ERROR(
        regexp_search(expression.compiled, text, 0, call->heap, &found, &match, 1, error));
    result->int64 = found ? (int64_t)types_utf8_count(text.data, match.start) + 1 : 0;
    return BASE_OK;
}

#define REGEXP_ROW(name_, body, KIND, minimum, maximum, doc, example_, answer, ...)                \
    {                                                                                              \
        .name = name_, .resolve = func_resolve_fixed, .minimum_arguments = minimum,                \
        .maximum_arguments = maximum, .flags = FUNC_STRICT, .argument_kinds = {__VA_ARGS__},       \
        .result_kind = TYPES_##KIND, .row = body, .prepare = regexp_prepare,                       \
        .category = "pattern", .documentation = doc, .example = example_, .example_result = answer \
    }
const func_scalar func_regexp_rows[] = {
    REGEXP_ROW("regexp", regexp_row, BOOLEAN, 2, 2,
               "Whether the regular expression is found in the text.", "'granite' REGEXP '^gr.n'",
               "true", TYPES_TEXT, TYPES_TEXT),
    REGEXP_ROW("iregexp", regexp_row, BOOLEAN, 2, 2, "regexp without regard to case.",
               "iregexp('GRANITE', 'an+i')", "true", TYPES_TEXT, TYPES_TEXT),
    REGEXP_ROW("similar_to", regexp_row, BOOLEAN, 2, 3,
               "Whether all of the text matches the pattern of SQL's SIMILAR TO.",
               "'granite' SIMILAR TO 'gr(a|e)%'", "true", TYPES_TEXT, TYPES_TEXT, TYPES_TEXT),
    REGEXP_ROW("regexp_like", regexp_row, BOOLEAN, 2, 3,
               "Whether the regular expression is found in the text.",
               "regexp_like('granite', 'N.T', 'i')", "true", TYPES_TEXT, TYPES_TEXT, TYPES_TEXT),
    REGEXP_ROW("regexp_matches", regexp_row, BOOLEAN, 2, 3, "The same as regexp_like.",
               "regexp_matches('granite', 'x')", "false", TYPES_TEXT, TYPES_TEXT, TYPES_TEXT),
    REGEXP_ROW("regexp_replace", regexp_replace_row, TEXT, 3, 4,
               "The first match replaced, with flag g every match; \\1 stands for a group.",
               "regexp_replace('2024-02-29', '(\\d+)-(\\d+)', '\\2/\\1')", "02/2024-29", TYPES_TEXT,
               TYPES_TEXT, TYPES_TEXT, TYPES_TEXT),
    REGEXP_ROW("regexp_substr", regexp_substr_row, TEXT, 2, 2, "The first match; NULL when none.",
               "regexp_substr('a1b22', '[0-9]{2}')", "22", TYPES_TEXT, TYPES_TEXT),
    REGEXP_ROW("regexp_extract", regexp_substr_row, TEXT, 2, 3,
               "The first match, or one of its groups; NULL when none.",
               "regexp_extract('key=value', '(\\w+)=(\\w+)', 2)", "value", TYPES_TEXT, TYPES_TEXT,
               TYPES_INTEGER),
    REGEXP_ROW("regexp_count", regexp_count_row, INTEGER, 2, 2, "Number of matches.",
               "regexp_count('banana', 'an')", "2", TYPES_TEXT, TYPES_TEXT),
    REGEXP_ROW("regexp_instr", regexp_instr_row, INTEGER, 2, 2,
               "Position of the first match, 0 when there is none.", "regexp_instr('banana', 'n+')",
               "3", TYPES_TEXT, TYPES_TEXT),
    {0},
};
