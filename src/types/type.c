/*
 * type.c - logical types: physical form, names, resolution of the names that users write.
 *
 * The alias table takes the spellings of PostgreSQL, SQLite, MySQL, DuckDB and Stoolap, one
 * row each with the number of arguments that it may have; it is sorted for reading, not for
 * search: names are resolved once per DDL statement or cast.
 * Rejected: SQLite's rule that any unknown word is a type (a typing error in a column
 * definition must be told, not stored).
 *
 * Invariant: a DECIMAL has 1 <= precision <= 38 and scale <= precision, wherever it came from.
 */
#include "types/types_int.h"

types_form types_form_of(types_type type)
{
    static const uint8_t forms[TYPES_KIND_COUNT] = {
#define TYPES_FORM_DECIMAL TYPES_FORM_INT128
#define TYPES_FORM_ROW(name, number, form, sql) [TYPES_##name] = TYPES_FORM_##form,
        TYPES_KIND_LIST(TYPES_FORM_ROW)
#undef TYPES_FORM_ROW
#undef TYPES_FORM_DECIMAL
    };
    BASE_ASSERT(type.kind < TYPES_KIND_COUNT);
    if (type.kind == TYPES_DECIMAL && type.precision <= TYPES_DECIMAL_MAX_INT64)
        return TYPES_FORM_INT64;
    return (types_form)forms[type.kind];
}

bool types_equal(types_type a, types_type b)
{
    return a.kind == b.kind && a.precision == b.precision && a.scale == b.scale;
}

bool types_is_valid(types_type type)
{
    if (type.kind >= TYPES_KIND_COUNT || type.flags != 0)
        return false;
    if (type.kind != TYPES_DECIMAL)
        return type.precision == 0 && type.scale == 0;
    return type.precision >= 1 && type.precision <= TYPES_DECIMAL_MAX_PRECISION &&
           type.scale <= type.precision;
}

bool types_is_integer(types_type type)
{
    return type.kind >= TYPES_TINYINT && type.kind <= TYPES_UBIGINT;
}

bool types_is_numeric(types_type type)
{
    return type.kind >= TYPES_TINYINT && type.kind <= TYPES_DECIMAL;
}

const char *types_name(types_type type, char buffer[TYPES_NAME_SIZE])
{
    static const char *const names[TYPES_KIND_COUNT] = {
#define TYPES_NAME_ROW(name, number, form, sql) [TYPES_##name] = sql,
        TYPES_KIND_LIST(TYPES_NAME_ROW)
#undef TYPES_NAME_ROW
    };
    const char *name = type.kind < TYPES_KIND_COUNT ? names[type.kind] : "?";
    if (type.kind == TYPES_DECIMAL)
        (void)snprintf(buffer, TYPES_NAME_SIZE, "%s(%u,%u)", name, type.precision, type.scale);
    else if (type.kind == TYPES_TEXT && type.length)
        (void)snprintf(buffer, TYPES_NAME_SIZE, "VARCHAR(%u)", type.length);
    else
        (void)snprintf(buffer, TYPES_NAME_SIZE, "%s", name);
    return buffer;
}

/* What the arguments in parentheses mean. */
typedef enum alias_arguments {
    NO_ARGUMENTS,
    LENGTH,          /* VARCHAR(n) */
    PRECISION_SCALE, /* DECIMAL(p,s) */
    IGNORED,         /* INT(11), FLOAT(7,3): MySQL's display width */
    FRACTION_DIGITS, /* TIMESTAMP(p): 0..6, accepted; microseconds are always kept */
    FLOAT_BITS,      /* FLOAT(p): up to 24 bits is FLOAT4 in PostgreSQL */
} alias_arguments;

static const struct alias {
    const char *name;
    uint8_t kind;
    uint8_t arguments;
} aliases[] = {
    {"bool", TYPES_BOOLEAN, NO_ARGUMENTS},
    {"boolean", TYPES_BOOLEAN, NO_ARGUMENTS},
    {"logical", TYPES_BOOLEAN, NO_ARGUMENTS},
    {"tinyint", TYPES_TINYINT, IGNORED},
    {"int1", TYPES_TINYINT, IGNORED},
    {"smallint", TYPES_SMALLINT, IGNORED},
    {"int2", TYPES_SMALLINT, IGNORED},
    {"short", TYPES_SMALLINT, NO_ARGUMENTS},
    {"int4", TYPES_INT4, IGNORED},
    {"int32", TYPES_INT4, NO_ARGUMENTS},
    {"mediumint", TYPES_INT4, IGNORED},
    {"signed", TYPES_INTEGER, NO_ARGUMENTS},
    {"integer", TYPES_INTEGER, IGNORED},
    {"int", TYPES_INTEGER, IGNORED},
    {"bigint", TYPES_INTEGER, IGNORED},
    {"int8", TYPES_INTEGER, IGNORED},
    {"int64", TYPES_INTEGER, NO_ARGUMENTS},
    {"long", TYPES_INTEGER, NO_ARGUMENTS},
    {"ubigint", TYPES_UBIGINT, IGNORED},
    {"uint64", TYPES_UBIGINT, NO_ARGUMENTS},
    {"unsigned", TYPES_UBIGINT, NO_ARGUMENTS},
    {"bigint unsigned", TYPES_UBIGINT, IGNORED},
    {"unsigned big int", TYPES_UBIGINT, IGNORED},
    {"int unsigned", TYPES_INTEGER, IGNORED},
    {"uinteger", TYPES_INTEGER, NO_ARGUMENTS},
    {"uint32", TYPES_INTEGER, NO_ARGUMENTS},
    {"integer unsigned", TYPES_INTEGER, IGNORED},
    {"float4", TYPES_FLOAT4, NO_ARGUMENTS},
    {"float32", TYPES_FLOAT4, NO_ARGUMENTS},
    {"float", TYPES_FLOAT, FLOAT_BITS},
    {"float8", TYPES_FLOAT, NO_ARGUMENTS},
    {"float64", TYPES_FLOAT, NO_ARGUMENTS},
    {"double", TYPES_FLOAT, IGNORED},
    {"double precision", TYPES_FLOAT, IGNORED},
    {"real", TYPES_FLOAT, IGNORED},
    {"decimal", TYPES_DECIMAL, PRECISION_SCALE},
    {"dec", TYPES_DECIMAL, PRECISION_SCALE},
    {"numeric", TYPES_DECIMAL, PRECISION_SCALE},
    {"number", TYPES_DECIMAL, PRECISION_SCALE},
    {"text", TYPES_TEXT, LENGTH},
    {"tinytext", TYPES_TEXT, NO_ARGUMENTS},
    {"mediumtext", TYPES_TEXT, NO_ARGUMENTS},
    {"longtext", TYPES_TEXT, NO_ARGUMENTS},
    {"varchar", TYPES_TEXT, LENGTH},
    {"nvarchar", TYPES_TEXT, LENGTH},
    {"varchar2", TYPES_TEXT, LENGTH},
    {"varying character", TYPES_TEXT, LENGTH},
    {"character varying", TYPES_TEXT, LENGTH},
    {"char varying", TYPES_TEXT, LENGTH},
    {"character", TYPES_TEXT, LENGTH},
    {"native character", TYPES_TEXT, LENGTH},
    {"char", TYPES_TEXT, LENGTH},
    {"nchar", TYPES_TEXT, LENGTH},
    {"bpchar", TYPES_TEXT, LENGTH},
    {"string", TYPES_TEXT, LENGTH},
    {"clob", TYPES_TEXT, LENGTH},
    {"name", TYPES_TEXT, NO_ARGUMENTS},
    {"blob", TYPES_BLOB, IGNORED},
    {"tinyblob", TYPES_BLOB, NO_ARGUMENTS},
    {"mediumblob", TYPES_BLOB, NO_ARGUMENTS},
    {"longblob", TYPES_BLOB, NO_ARGUMENTS},
    {"bytea", TYPES_BLOB, NO_ARGUMENTS},
    {"binary", TYPES_BLOB, IGNORED},
    {"varbinary", TYPES_BLOB, IGNORED},
    {"bytes", TYPES_BLOB, NO_ARGUMENTS},
    {"date", TYPES_DATE, NO_ARGUMENTS},
    {"time", TYPES_TIME, FRACTION_DIGITS},
    {"time without time zone", TYPES_TIME, FRACTION_DIGITS},
    {"timestamp", TYPES_TIMESTAMP, FRACTION_DIGITS},
    {"timestamp without time zone", TYPES_TIMESTAMP, FRACTION_DIGITS},
    {"datetime", TYPES_TIMESTAMP, FRACTION_DIGITS},
    {"datetime2", TYPES_TIMESTAMP, FRACTION_DIGITS},
    {"interval", TYPES_INTERVAL, FRACTION_DIGITS},
};

static const struct alias *find_alias(base_text name)
{
    for (size_t i = 0; i < BASE_COUNT_OF(aliases); i++) {
        if (base_text_equal_folded(name, base_text_of(aliases[i].name)))
            return &aliases[i];
    }
    return NULL;
}

static base_status decimal_from_arguments(const int64_t *arguments, uint32_t count,
                                          types_type *type, base_error *error)
{
    /* Without arguments PostgreSQL takes any number; the widest type with room on both sides
     * of the point that 38 digits have is the nearest to that. */
    int64_t precision = count > 0 ? arguments[0] : TYPES_DECIMAL_MAX_PRECISION;
    int64_t scale = count > 1 ? arguments[1] : count > 0 ? 0 : TYPES_DECIMAL_DEFAULT_SCALE;
    if (precision < 1 || precision > TYPES_DECIMAL_MAX_PRECISION) {
        return base_error_set(error, BASE_INVALID_PARAMETER,
                              "DECIMAL precision %lld must be between 1 and %d",
                              (long long)precision, TYPES_DECIMAL_MAX_PRECISION);
    }
    if (scale < 0 || scale > precision) {
        return base_error_set(error, BASE_INVALID_PARAMETER,
                              "DECIMAL scale %lld must be between 0 and the precision %lld",
                              (long long)scale, (long long)precision);
    }
    *type = TYPES_DECIMAL_OF(precision, scale);
    return BASE_OK;
}

/* Types that are decided but not made yet. */
static const struct {
    const char *name, *hint; /* a hint may be NULL */
} planned[] = {
    {"timestamptz", "TIMESTAMP is in UTC"},
    {"timestamp with time zone", "TIMESTAMP is in UTC"},
    {"time with time zone", "TIME has no time zone"},
    {"timetz", "TIME has no time zone"},
    {"timestamp_ns", "TIMESTAMP has microseconds"},
    {"uuid", "a TEXT column takes gen_random_uuid()"},
    {"json", "a TEXT column takes any JSON"},
    {"jsonb", "a TEXT column takes any JSON"},
    {"vector", NULL},
    {"enum", "a CHECK (column IN ('a', 'b')) does it, too"},
    {"hugeint", "DECIMAL(38, 0) has as many digits"},
    {"serial", "an INTEGER PRIMARY KEY counts by itself"},
    {"bigserial", "an INTEGER PRIMARY KEY counts by itself"},
};

static base_status unknown_type(base_text name, base_error *error)
{
    for (size_t i = 0; i < BASE_COUNT_OF(planned); i++) {
        if (!base_text_equal_folded(name, base_text_of(planned[i].name)))
            continue;
        base_error_set(error, BASE_NOT_SUPPORTED, "type \"%.*s\" is not available yet",
                       BASE_TEXT_ARGUMENTS(name));
        if (planned[i].hint)
            base_error_set_hint(error, "%s", planned[i].hint);
        return BASE_NOT_SUPPORTED;
    }
    base_error_set(error, BASE_UNDEFINED_OBJECT, "type \"%.*s\" does not exist",
                   BASE_TEXT_ARGUMENTS(name));
    const char *nearest = NULL;
    uint32_t best = 3;
    for (size_t i = 0; i < BASE_COUNT_OF(aliases); i++) {
        uint32_t distance = base_text_distance(name, base_text_of(aliases[i].name), 2);
        if (distance < best) {
            best = distance;
            nearest = aliases[i].name;
        }
    }
    if (nearest)
        base_error_set_hint(error, "did you mean \"%s\"?", nearest);
    return BASE_UNDEFINED_OBJECT;
}

base_status types_from_name(base_text name, const int64_t *arguments, uint32_t argument_count,
                            types_type *type, base_error *error)
{
    const struct alias *alias = find_alias(name);
    if (!alias)
        return unknown_type(name, error);
    uint32_t allowed = alias->arguments == NO_ARGUMENTS                                     ? 0
                       : alias->arguments == PRECISION_SCALE || alias->arguments == IGNORED ? 2
                                                                                            : 1;
    if (argument_count > allowed) {
        return base_error_set(error, BASE_SYNTAX, "type %s takes at most %u argument%s",
                              alias->name, allowed, allowed == 1 ? "" : "s");
    }
    *type = (types_type){.kind = alias->kind};
    switch ((alias_arguments)alias->arguments) {
    case PRECISION_SCALE:
        return decimal_from_arguments(arguments, argument_count, type, error);
    case LENGTH:
        if (argument_count == 0)
            break;
        if (arguments[0] < 1 || arguments[0] > TYPES_MAX_TEXT_LENGTH) {
            return base_error_set(error, BASE_INVALID_PARAMETER,
                                  "length %lld of type %s must be between 1 and %d",
                                  (long long)arguments[0], alias->name, TYPES_MAX_TEXT_LENGTH);
        }
        type->length = (uint32_t)arguments[0];
        break;
    case FRACTION_DIGITS:
        if (argument_count && (arguments[0] < 0 || arguments[0] > 6)) {
            return base_error_set(error, BASE_INVALID_PARAMETER,
                                  "precision %lld of type %s must be between 0 and 6",
                                  (long long)arguments[0], alias->name);
        }
        break;
    case FLOAT_BITS:
        if (argument_count && (arguments[0] < 1 || arguments[0] > 53)) {
            return base_error_set(error, BASE_INVALID_PARAMETER,
                                  "precision %lld of type %s must be between 1 and 53",
                                  (long long)arguments[0], alias->name);
        }
        break;
    case NO_ARGUMENTS:
    case IGNORED:
        break;
    }
    return BASE_OK;
}
