/*
 * func.c - the registry: which function a name and argument types mean.
 *
 * All rows of a name are asked in turn (each row's resolve says what its arguments would have
 * to be cast to), and the one whose casts cost least is taken; among equals the first. Costs
 * follow PostgreSQL's rules: exact types first, then widening, then the preferred type of a
 * family; an untyped literal prefers TEXT.
 * One exception: a text parameter takes a value of any type, and a date or time parameter takes
 * text, where nothing better fits: length(123), year(text_column). SQLite, MySQL and DuckDB
 * do so, and nothing is lost by it.
 *
 * The tables are constant data in the order of func_int.h: nothing is built at start.
 * Rejected: a hash of names made on first use (mutable global state); a generated perfect hash
 * (a build step to save a microsecond per prepared statement).
 */
#include "func/func_int.h"

#define TABLE_ENTRY(table) table,
static const func_scalar *const scalar_tables[] = {FUNC_SCALAR_TABLES(TABLE_ENTRY) NULL};
static const func_aggregate *const aggregate_tables[] = {FUNC_AGGREGATE_TABLES(TABLE_ENTRY) NULL};
static const func_window *const window_tables[] = {FUNC_WINDOW_TABLES(TABLE_ENTRY) NULL};
#undef TABLE_ENTRY

#define DEFINE_AT(kind)                                                                            \
    const func_##kind *func_##kind##_at(uint32_t index)                                            \
    {                                                                                              \
        for (uint32_t table = 0; kind##_tables[table]; table++) {                                  \
            const func_##kind *row = kind##_tables[table];                                         \
            for (; row->name; row++) {                                                             \
                if (index-- == 0)                                                                  \
                    return row;                                                                    \
            }                                                                                      \
        }                                                                                          \
        return NULL;                                                                               \
    }
DEFINE_AT(scalar)
DEFINE_AT(aggregate)
DEFINE_AT(window)
#undef DEFINE_AT

static bool name_is(base_text name, const char *candidate)
{
    return base_ascii_lower(name.data[0]) == candidate[0] &&
           base_text_equal_folded(name, base_text_of(candidate));
}

/* ---- Fixed signatures ------------------------------------------------------------------ */

enum {
    COST_IMPOSSIBLE = UINT16_MAX,
    COST_LAST_RESORT = 1000, /* any number of implicit casts is better */
};

static bool is_time_kind(types_kind kind)
{
    return kind >= TYPES_DATE && kind <= TYPES_INTERVAL;
}

/* What it costs to cast an argument. */
static uint32_t cost_of(types_type from, types_type to)
{
    if (from.kind == to.kind)
        return types_equal(from, to) ? 0 : 1;
    if (from.kind == TYPES_NULL || from.kind == TYPES_UNKNOWN)
        return to.kind == TYPES_TEXT || to.kind == TYPES_UNKNOWN ? 1 : 2;
    types_cast_level level = types_cast_level_of(from, to);
    if (level == TYPES_CAST_IMPLICIT) {
        uint32_t distance =
            to.kind > from.kind ? (uint32_t)(to.kind - from.kind) : (uint32_t)(from.kind - to.kind);
        return 2 + distance;
    }
    bool last_resort =
        level == TYPES_CAST_ASSIGNMENT &&
        (to.kind == TYPES_TEXT || (from.kind == TYPES_TEXT && is_time_kind((types_kind)to.kind)));
    return last_resort ? COST_LAST_RESORT : COST_IMPOSSIBLE;
}

/* The type that an argument of a fixed signature is cast to. */
static bool fixed_argument(uint8_t kind, types_type given, types_type *type)
{
    bool untyped = given.kind == TYPES_NULL || given.kind == TYPES_UNKNOWN;
    if (kind == FUNC_KIND_ANY) {
        *type = untyped ? TYPES_OF(TEXT) : given;
        return true;
    }
    *type = (types_type){.kind = kind};
    if (kind == TYPES_DECIMAL) {
        if (given.kind == TYPES_DECIMAL)
            *type = given;
        else if (types_is_integer(given))
            *type = types_decimal_of_integer(given);
        else
            return false;
    } else if (kind == TYPES_TEXT && given.kind == TYPES_TEXT) {
        *type = given;
    }
    return cost_of(given, *type) != COST_IMPOSSIBLE;
}

bool func_resolve_fixed(const func_scalar *function, types_type *types, uint32_t count,
                        types_type *result)
{
    types_type common = TYPES_OF(NULL);
    uint32_t last = 0;
    while (last + 1 < BASE_COUNT_OF(function->argument_kinds) &&
           last + 1 < function->maximum_arguments && function->argument_kinds[last + 1])
        last++;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t kind = function->argument_kinds[BASE_MIN(i, last)];
        if (kind == FUNC_KIND_COMMON) {
            if (!types_common(common, types[i], &common))
                return false;
        } else if (!fixed_argument(kind, types[i], &types[i])) {
            return false;
        }
    }
    if (common.kind == TYPES_NULL || common.kind == TYPES_UNKNOWN)
        common = TYPES_OF(TEXT);
    for (uint32_t i = 0; i < count; i++) {
        if (function->argument_kinds[BASE_MIN(i, last)] == FUNC_KIND_COMMON)
            types[i] = common;
    }
    switch (function->result_kind) {
    case FUNC_KIND_COMMON:
        *result = common;
        break;
    case FUNC_KIND_FIRST:
        *result = types[0];
        break;
    default:
        *result = (types_type){.kind = function->result_kind};
        break;
    }
    return true;
}

/* ---- Finding --------------------------------------------------------------------------- */

static uint32_t total_cost(const types_type *given, const types_type *wanted, uint32_t count)
{
    uint32_t cost = 0;
    for (uint32_t i = 0; i < count; i++)
        cost += cost_of(given[i], wanted[i]);
    return cost;
}

static bool is_operator(base_text name)
{
    return name.length &&
           !memchr("abcdefghijklmnopqrstuvwxyz_", base_ascii_lower(name.data[0]), 27);
}

/* "name(INTEGER, TEXT)" */
static void append_signature(char *buffer, size_t size, base_text name, const types_type *types,
                             uint32_t count)
{
    int used = snprintf(buffer, size, "%.*s(", BASE_TEXT_ARGUMENTS(name));
    for (uint32_t i = 0; i < count && used > 0 && (size_t)used < size; i++) {
        char type[TYPES_NAME_SIZE];
        used += snprintf(buffer + used, size - (size_t)used, "%s%s", i ? ", " : "",
                         types_name(types[i], type));
    }
    if (used > 0 && (size_t)used + 1 < size)
        (void)snprintf(buffer + used, size - (size_t)used, ")");
}

/* The nearest name of any kind of function, within two changes. */
static const char *nearest_name(base_text name)
{
    const char *nearest = NULL;
    uint32_t limit = name.length < 4 ? 1 : 2, best = limit + 1;
    for (uint32_t kind = 0; kind < 3; kind++) {
        for (uint32_t i = 0;; i++) {
            const func_scalar *scalar = kind == 0 ? func_scalar_at(i) : NULL;
            const func_aggregate *aggregate = kind == 1 ? func_aggregate_at(i) : NULL;
            const func_window *window = kind == 2 ? func_window_at(i) : NULL;
            const char *candidate = scalar      ? scalar->name
                                    : aggregate ? aggregate->name
                                    : window    ? window->name
                                                : NULL;
            if (!candidate)
                break;
            uint32_t distance = base_text_distance(name, base_text_of(candidate), limit);
            if (distance < best) {
                best = distance;
                nearest = candidate;
            }
        }
    }
    return nearest;
}

static base_status not_found(base_text name, const types_type *types, uint32_t count,
                             bool name_known, uint32_t least, uint32_t most, base_error *error)
{
    char signature[256];
    append_signature(signature, sizeof signature, name, types, count);
    if (is_operator(name) && count <= 2) {
        char left[TYPES_NAME_SIZE], right[TYPES_NAME_SIZE];
        if (count == 2)
            base_error_set(error, BASE_UNDEFINED_FUNCTION, "operator does not exist: %s %.*s %s",
                           types_name(types[0], left), BASE_TEXT_ARGUMENTS(name),
                           types_name(types[1], right));
        else
            base_error_set(error, BASE_UNDEFINED_FUNCTION, "operator does not exist: %s",
                           signature);
        if (name_known)
            base_error_set_hint(error, "a CAST of an argument may help");
        return BASE_UNDEFINED_FUNCTION;
    }
    if (name_known && (count < least || count > most)) {
        const char *plural = most == 1 ? "" : "s";
        base_error_set(error, BASE_UNDEFINED_FUNCTION,
                       least == most ? "function %.*s takes %u argument%s, not %u"
                                     : "function %.*s takes at least %u argument%s, not %u",
                       BASE_TEXT_ARGUMENTS(name), least, least == 1 ? "" : plural, count);
        return BASE_UNDEFINED_FUNCTION;
    }
    base_error_set(error, BASE_UNDEFINED_FUNCTION, "function %s does not exist", signature);
    const char *nearest = name_known ? NULL : nearest_name(name);
    if (nearest)
        base_error_set_hint(error, "did you mean \"%s\"?", nearest);
    else if (name_known)
        base_error_set_hint(error, "no function of that name takes these types; a CAST may help");
    return BASE_UNDEFINED_FUNCTION;
}

/* The state of a search over the rows of one name. */
typedef struct search {
    base_text name;
    const types_type *given;
    uint32_t count;
    uint32_t best;                         /* cost of the best row so far */
    uint32_t least, most;                  /* arguments that rows of this name take */
    types_type wanted[FUNC_MAX_ARGUMENTS]; /* scratch: what a row makes of `given` */
    types_type best_types[FUNC_MAX_ARGUMENTS];
    types_type best_result;
} search;

static base_status search_begin(search *self, base_text name, const types_type *types,
                                uint32_t count, base_error *error)
{
    self->name = name;
    self->given = types;
    self->count = count;
    self->best = self->least = UINT32_MAX;
    self->most = 0;
    if (count > FUNC_MAX_ARGUMENTS) {
        return base_error_set(error, BASE_LIMIT, "more than %d arguments of %.*s",
                              FUNC_MAX_ARGUMENTS, BASE_TEXT_ARGUMENTS(name));
    }
    return BASE_OK;
}

/* Whether the row may be asked; `wanted` is then a fresh copy of the given types. */
static bool search_asks(search *self, const char *name, uint32_t minimum, uint32_t maximum)
{
    if (!self->name.length || !name_is(self->name, name))
        return false;
    self->least = BASE_MIN(self->least, minimum);
    self->most = BASE_MAX(self->most, maximum);
    if (self->count < minimum || self->count > maximum)
        return false;
    if (self->count)
        memcpy(self->wanted, self->given, self->count * sizeof *self->given);
    return true;
}

/* Whether what the row answered is better than all before it. */
static bool search_takes(search *self, types_type result)
{
    uint32_t cost = total_cost(self->given, self->wanted, self->count);
    if (cost >= self->best)
        return false;
    self->best = cost;
    self->best_result = result;
    if (self->count)
        memcpy(self->best_types, self->wanted, self->count * sizeof *self->given);
    return true;
}

static base_status search_end(const search *self, types_type *types, types_type *result,
                              base_error *error)
{
    if (self->best == UINT32_MAX)
        return not_found(self->name, types, self->count, self->least != UINT32_MAX, self->least,
                         self->most, error);
    *result = self->best_result;
    if (self->count)
        memcpy(types, self->best_types, self->count * sizeof *types);
    return BASE_OK;
}

#define DEFINE_FIND(kind)                                                                          \
    base_status func_find_##kind(base_text name, types_type *types, uint32_t count,                \
                                 const func_##kind **function, types_type *result,                 \
                                 base_error *error)                                                \
    {                                                                                              \
        search self;                                                                               \
        types_type type;                                                                           \
        *function = NULL;                                                                          \
        RETURN_IF_ERROR(search_begin(&self, name, types, count, error));                           \
        for (uint32_t table = 0; kind##_tables[table]; table++) {                                  \
            for (const func_##kind *row = kind##_tables[table]; row->name; row++) {                \
                if (search_asks(&self, row->name, row->minimum_arguments,                          \
                                row->maximum_arguments) &&                                         \
                    row->resolve(row, self.wanted, count, &type) && search_takes(&self, type))     \
                    *function = row;                                                               \
            }                                                                                      \
        }                                                                                          \
        return search_end(&self, types, result, error);                                            \
    }
DEFINE_FIND(scalar)
DEFINE_FIND(aggregate)
DEFINE_FIND(window)
#undef DEFINE_FIND

bool func_is_aggregate_name(base_text name)
{
    const func_aggregate *row;
    for (uint32_t i = 0; name.length && (row = func_aggregate_at(i)); i++) {
        if (name_is(name, row->name))
            return true;
    }
    return false;
}

bool func_is_window_name(base_text name)
{
    const func_window *row;
    for (uint32_t i = 0; name.length && (row = func_window_at(i)); i++) {
        if (name_is(name, row->name))
            return true;
    }
    return false;
}

/* ---- Help for bodies ------------------------------------------------------------------- */

base_status func_text_room(func_call *call, uint64_t length, char **bytes, base_error *error)
{
    if (length > FUNC_MAX_TEXT)
        return base_error_set(error, BASE_STRING_TOO_LONG, "result of %s is longer than %d bytes",
                              call->function->name, FUNC_MAX_TEXT);
    *bytes = base_arena_allocate(call->heap, (size_t)length);
    return *bytes ? BASE_OK : base_error_no_memory(error);
}

base_status func_finish_buffer(func_call *call, base_buffer *buffer, types_cell *result,
                               base_error *error)
{
    char *bytes;
    base_status status = buffer->failed ? base_error_no_memory(error)
                                        : func_text_room(call, buffer->length, &bytes, error);
    if (status == BASE_OK) {
        if (buffer->length)
            memcpy(bytes, buffer->data, buffer->length);
        func_finish_text(result, bytes, buffer->length);
    }
    base_buffer_destroy(buffer);
    return status;
}
