/*
 * test_functions.c - resolution and row bodies of scalar functions, without SQL: arguments are
 * written as "TYPE:text" and parsed. Batch bodies must give what row bodies give.
 */
#include "unit/unit.h"
#include "func/func.h"

typedef struct call_row {
    const char *name;
    const char *arguments[5]; /* "TYPE:text", "?text" for an untyped literal, "NULL" */
    const char *result;       /* "TYPE:text", "NULL", or an error's SQLSTATE after '!' */
} call_row;

static const call_row rows[] = {
    {"length", {"?na\xC3\xAFve"}, "INTEGER:5"},
    {"LENGTH", {"INTEGER:123"}, "INTEGER:3"},
    {"length", {"BLOB:\\x0102"}, "INTEGER:2"},
    {"length", {"NULL"}, "NULL"},
    {"length", {"?a", "?b"}, "!42883"},
    {"lenght", {"?a"}, "!42883"},
    {"substring", {"?sandstone", "INTEGER:5", "INTEGER:3"}, "TEXT:sto"},
    {"substring", {"?sandstone", "INTEGER:-5"}, "TEXT:stone"},
    {"substring", {"?ab", "INTEGER:-3", "INTEGER:2"}, "TEXT:a"},
    {"substring", {"?abc", "INTEGER:0", "INTEGER:2"}, "TEXT:a"},
    {"substring", {"?abc", "INTEGER:2", "INTEGER:-1"}, "!22023"},
    {"substring", {"?\xC3\xA4\xC3\xB6\xC3\xBC", "INTEGER:2", "INTEGER:1"}, "TEXT:\xC3\xB6"},
    {"substring",
     {"?abc", "INTEGER:-9223372036854775808", "INTEGER:9223372036854775807"},
     "TEXT:abc"},
    {"substring", {"?abc", "INTEGER:9223372036854775807", "INTEGER:9223372036854775807"}, "TEXT:"},
    {"substr", {"BLOB:\\x01020304", "INTEGER:-3", "INTEGER:2"}, "BLOB:\\x0203"},
    {"left", {"?basalt", "INTEGER:-2"}, "TEXT:basa"},
    {"left", {"?basalt", "INTEGER:-9223372036854775808"}, "TEXT:"},
    {"right", {"?basalt", "INTEGER:-9223372036854775808"}, "TEXT:"},
    {"right", {"?basalt", "INTEGER:4"}, "TEXT:salt"},
    {"||", {"?a", "INTEGER:1"}, "TEXT:a1"},
    {"||", {"TEXT:a", "BLOB:\\x00"}, "!42883"},
    {"concat", {"?a", "NULL", "INTEGER:1"}, "TEXT:a1"},
    {"concat_ws", {"?-", "?a", "NULL", "?b"}, "TEXT:a-b"},
    {"concat_ws", {"NULL", "?a"}, "NULL"},
    {"repeat", {"?ab", "INTEGER:3"}, "TEXT:ababab"},
    {"repeat", {"?ab", "INTEGER:-3"}, "TEXT:"},
    {"repeat", {"?ab", "INTEGER:9223372036854775807"}, "!22001"},
    {"reverse", {"?\xC3\xA4x"}, "TEXT:x\xC3\xA4"},
    {"upper",
     {"?stra\xC3\x9F\x65 in k\xC3\xB6ln am rhein"},
     "TEXT:STRA\xC3\x9F\x45 IN K\xC3\x96LN AM RHEIN"},
    {"lower", {"?@AZ[`az{ABCDEFGH"}, "TEXT:@az[`az{abcdefgh"},
    {"upper", {"?@AZ[`az{abcdefgh"}, "TEXT:@AZ[`AZ{ABCDEFGH"},
    {"initcap", {"?hELLO w\xC3\x96RLD-x"}, "TEXT:Hello W\xC3\xB6rld-X"},
    {"like", {"?granite", "?gr%t_"}, "BOOLEAN:true"},
    {"like", {"?granite", "?gr%t"}, "BOOLEAN:false"},
    {"like", {"?granite", "?%"}, "BOOLEAN:true"},
    {"like", {"?", "?%"}, "BOOLEAN:true"},
    {"like", {"?", "?"}, "BOOLEAN:true"},
    {"like", {"?a", "?"}, "BOOLEAN:false"},
    {"like", {"?a", "?_"}, "BOOLEAN:true"},
    {"like", {"?\xC3\xA4", "?_"}, "BOOLEAN:true"},
    {"like", {"?a%c", "?a\\%c"}, "BOOLEAN:true"},
    {"like", {"?abc", "?a\\%c"}, "BOOLEAN:false"},
    {"like", {"?a%c", "?a!%c", "?!"}, "BOOLEAN:true"},
    {"like", {"?abc", "?abc\\"}, "!22025"},
    {"like", {"?a\\c", "?a\\c", "?"}, "BOOLEAN:true"},
    {"like", {"?the special, most requests", "?%special%requests%"}, "BOOLEAN:true"},
    {"like", {"?the requests are special", "?%special%requests%"}, "BOOLEAN:false"},
    {"like", {"?specialrequest", "?%special%requests%"}, "BOOLEAN:false"},
    {"like", {"?aab", "?%a_"}, "BOOLEAN:true"},
    {"like", {"?ab", "?ab%b"}, "BOOLEAN:false"},
    {"like", {"?abab", "?%_b%_b"}, "BOOLEAN:true"},
    {"like", {"NULL", "?%"}, "NULL"},
    {"ilike", {"?GR\xC3\x84NITE", "?gr\xC3\xA4%"}, "BOOLEAN:true"},
    {"glob", {"?granite", "?*[m-p]ite"}, "BOOLEAN:true"},
    {"glob", {"?granite", "?*[^m-p]ite"}, "BOOLEAN:false"},
    {"glob", {"?a]", "?a[]]"}, "BOOLEAN:true"},
    {"glob", {"?a", "?[a"}, "BOOLEAN:false"},
    {"glob", {"?aaaaaaaaaaaaaaaaaaaab", "?*a*a*a*a*a*a*a*c"}, "BOOLEAN:false"},
    {"+", {"DATE:2024-01-31", "INTERVAL:1 month"}, "TIMESTAMP:2024-02-29 00:00:00"},
    {"-", {"DATE:1998-12-01", "INTERVAL:90 days"}, "TIMESTAMP:1998-09-02 00:00:00"},
    {"+", {"DATE:294246-12-31", "INTEGER:1"}, "!22008"},
    {"+", {"TIMESTAMP:294246-12-31 23:59:59", "INTERVAL:1 s"}, "!22008"},
    {"-", {"DATE:2024-03-01", "DATE:2024-02-01"}, "INTEGER:29"},
    {"-", {"TIMESTAMP:2024-03-01 12:00:00", "DATE:2024-02-28"}, "INTERVAL:2 days 12:00:00"},
    {"-", {"TIME:00:30", "INTERVAL:1 hour"}, "TIME:23:30:00"},
    {"*", {"INTERVAL:1 month", "FLOAT:1.5"}, "INTERVAL:1 mon 15 days"},
    {"*", {"INTERVAL:100000000 years", "INTEGER:1000"}, "!22008"},
    {"/", {"INTERVAL:1 day", "INTEGER:0"}, "NULL"},
    {"year", {"DATE:1995-03-15"}, "INTEGER:1995"},
    {"year", {"TIMESTAMP:0001-01-01 00:00:00 BC"}, "INTEGER:-1"},
    {"week", {"DATE:2024-12-30"}, "INTEGER:1"},
    {"isoyear", {"DATE:2024-12-30"}, "INTEGER:2025"},
    {"dow", {"DATE:1970-01-01"}, "INTEGER:4"},
    {"extract", {"?second", "TIMESTAMP:2024-12-30 10:20:30.5"}, "FLOAT:30.5"},
    {"extract", {"?epoch", "TIMESTAMP:1969-12-31 23:59:59"}, "FLOAT:-1"},
    {"extract", {"?century", "DATE:2000-12-31"}, "FLOAT:20"},
    {"extract", {"?parsec", "DATE:2000-12-31"}, "!22023"},
    {"extract", {"?year", "TIME:10:00"}, "!22023"},
    {"date_part", {"?day", "INTERVAL:3 days"}, "FLOAT:3"},
    {"regexp", {"?abc", "?b"}, "BOOLEAN:true"},
    {"regexp", {"?abc", "?^b"}, "BOOLEAN:false"},
    {"regexp", {"?abc", "?^abc$"}, "BOOLEAN:true"},
    {"regexp", {"?", "?^$"}, "BOOLEAN:true"},
    {"regexp", {"?aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "?(a*)*b"}, "BOOLEAN:false"},
    {"regexp", {"?foo bar", "?\\bbar\\b"}, "BOOLEAN:true"},
    {"regexp", {"?foobar", "?\\bbar"}, "BOOLEAN:false"},
    {"regexp", {"?a-b", "?[[:alpha:]][-x][^a]"}, "BOOLEAN:true"},
    {"regexp", {"?\xC3\xA4", "?^.$"}, "BOOLEAN:true"},
    {"regexp", {"?x{", "?x{"}, "BOOLEAN:true"},
    {"regexp", {"?x", "?("}, "!2201B"},
    {"regexp", {"?x", "?a)"}, "!2201B"},
    {"regexp", {"?x", "?[a"}, "!2201B"},
    {"regexp", {"?x", "?*a"}, "!2201B"},
    {"regexp", {"?x", "?a{2,1}"}, "!2201B"},
    {"regexp", {"?x", "?[z-a]"}, "!2201B"},
    {"regexp", {"?x", "?(?:(?:(?:a{0}){1000}){1000}){1000}"}, "!54000"},
    {"regexp", {"?x", "?((a{1000}){1000}){1000}"}, "!54000"},
    {"regexp", {"?xyz12a", "?[0-9]+a|\\bq"}, "BOOLEAN:true"},
    {"regexp", {"?xyz", "?[0-9]*$"}, "BOOLEAN:true"},
    {"regexp", {"?\xC3\xA4\xC3\xB6", "?\xC3\xB6"}, "BOOLEAN:true"},
    {"regexp", {"?\xC3\xA4\xC3\xB6", "?[\xC3\xB6x]$"}, "BOOLEAN:true"},
    {"regexp", {"?abc", "?(?:^|x)b"}, "BOOLEAN:false"},
    {"iregexp", {"?STRA\xC3\x84", "?str[a-z]\xC3\xA4"}, "BOOLEAN:true"},
    {"similar_to", {"?abc", "?a(b|x)_"}, "BOOLEAN:true"},
    {"similar_to", {"?abc", "?b"}, "BOOLEAN:false"},
    {"similar_to", {"?a.c", "?a.c"}, "BOOLEAN:true"},
    {"similar_to", {"?abc", "?a.c"}, "BOOLEAN:false"},
    {"similar_to", {"?a%", "?a!%", "?!"}, "BOOLEAN:true"},
    {"similar_to", {"?ab", "?a!%", "?!"}, "BOOLEAN:false"},
    {"similar_to", {"?a", "?a", "?!!"}, "!22025"},
    {"regexp_replace", {"?banana", "?a", "?o"}, "TEXT:bonana"},
    {"regexp_replace", {"?banana", "?a", "?o", "?g"}, "TEXT:bonono"},
    {"regexp_replace", {"?abc", "?", "?-", "?g"}, "TEXT:-a-b-c-"},
    {"regexp_replace", {"?abc", "?(b)(x)?", "?[\\1\\2\\&]"}, "TEXT:a[bb]c"},
    {"regexp_replace", {"?abc", "?x", "?y", "?q"}, "!22023"},
    {"regexp_extract", {"?aaa", "?a+?"}, "TEXT:a"},
    {"regexp_extract", {"?aaa", "?(a+)(a*)", "INTEGER:1"}, "TEXT:aaa"},
    {"regexp_extract", {"?aaa", "?(a+)(b)?", "INTEGER:2"}, "NULL"},
    {"regexp_extract", {"?aaa", "?a", "INTEGER:1"}, "!22023"},
    {"regexp_extract", {"?xab", "?a|ab"}, "TEXT:a"},
    {"regexp_extract", {"?xaab", "?a{2}b|xa"}, "TEXT:xa"},
    {"regexp_count", {"?banana", "?ana"}, "INTEGER:1"},
    {"regexp_instr", {"?b\xC3\xA4nana", "?n"}, "INTEGER:3"},
    {"printf",
     {"?%d|%5s|%-3d|%03d", "INTEGER:-7", "?ab", "INTEGER:5", "INTEGER:-5"},
     "TEXT:-7|   ab|5  |-05"},
    {"printf",
     {"?%.2f|%e|%g", "FLOAT:999.999", "FLOAT:12345.678", "FLOAT:1e-10"},
     "TEXT:1000.00|1.234568e+04|1e-10"},
    {"printf",
     {"?%.0f|%.1f|%,d", "FLOAT:2.5", "FLOAT:0.05", "INTEGER:-1234567"},
     "TEXT:3|0.1|-1,234,567"},
    {"printf", {"?%s|%d|%Q|%%|%5%"}, "TEXT:|0|NULL|%|    %"},
    {"printf", {"?%y"}, "!22023"},
    {"printf", {"?%"}, "!22023"},
    {"printf", {"?%d", "?x"}, "!22P02"},
    {"printf", {"NULL", "?x"}, "NULL"},
    {"format", {"?%2$s-%1$s", "?a", "?b"}, "TEXT:b-a"},
    {"trim", {"?  a b "}, "TEXT:a b"},
    {"trim", {"?\xC3\xA4x\xC3\xA4", "?\xC3\xA4"}, "TEXT:x"},
    {"replace", {"?aaa", "?a", "?bb"}, "TEXT:bbbbbb"},
    {"replace", {"?aaa", "?", "?bb"}, "TEXT:aaa"},
    {"replace", {"?aaa", "?aa", "?"}, "TEXT:a"},
    {"translate", {"?12345", "?143", "?ax"}, "TEXT:a2x5"},
    {"lpad", {"?\xC3\xA4", "INTEGER:4", "?xy"}, "TEXT:xyx\xC3\xA4"},
    {"rpad", {"?abc", "INTEGER:2"}, "TEXT:ab"},
    {"rpad", {"?abc", "INTEGER:9223372036854775807"}, "!22001"},
    {"split_part", {"?a,b,c", "?,", "INTEGER:-1"}, "TEXT:c"},
    {"split_part", {"?a,b,c", "?,", "INTEGER:4"}, "TEXT:"},
    {"split_part", {"?a,b,c", "?,", "INTEGER:0"}, "!22023"},
    {"strpos", {"?b\xC3\xA4r", "?r"}, "INTEGER:3"},
    {"locate", {"?a", "?banana", "INTEGER:3"}, "INTEGER:4"},
    {"chr", {"INTEGER:0"}, "!22023"},
    {"unhex", {"?0g"}, "NULL"},
    {"from_base64", {"?dHVmZg="}, "!22023"},
    {"sha256", {"?"}, "TEXT:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"sha1",
     {"?The quick brown fox jumps over the lazy dog and runs away from it, far away."},
     "TEXT:c606a4144c2ad7fb798b4cdefa998abf838e376c"},
    {"md5", {"?"}, "TEXT:d41d8cd98f00b204e9800998ecf8427e"},
    {"abs", {"INTEGER:-9223372036854775808"}, "!22003"},
    {"abs", {"SMALLINT:-5"}, "INTEGER:5"},
    {"round", {"FLOAT:2.5"}, "FLOAT:3"},
    {"round", {"FLOAT:1.005", "INTEGER:2"}, "FLOAT:1.01"},
    {"round", {"FLOAT:149.6", "INTEGER:-2"}, "FLOAT:100"},
    {"round", {"FLOAT:1e300", "INTEGER:2"}, "FLOAT:1e+300"},
    {"round", {"INTEGER:1250", "INTEGER:-2"}, "INTEGER:1300"},
    {"round", {"INTEGER:9223372036854775807", "INTEGER:-1"}, "!22003"},
    {"trunc", {"FLOAT:-2.9"}, "FLOAT:-2"},
    {"floor", {"FLOAT:-2.1"}, "FLOAT:-3"},
    {"ceil", {"INTEGER:4"}, "INTEGER:4"},
    {"sqrt", {"FLOAT:-1"}, "!22023"},
    {"ln", {"INTEGER:0"}, "!22023"},
    {"exp", {"FLOAT:1000"}, "!22003"},
    {"power", {"INTEGER:-8", "FLOAT:0.5"}, "!22023"},
    {"log", {"INTEGER:2", "INTEGER:8"}, "FLOAT:3"},
    {"gcd", {"INTEGER:-12", "INTEGER:18"}, "INTEGER:6"},
    {"lcm", {"INTEGER:9223372036854775807", "INTEGER:2"}, "!22003"},
    {"<<", {"INTEGER:1", "INTEGER:64"}, "INTEGER:0"},
    {">>", {"INTEGER:-1", "INTEGER:64"}, "INTEGER:-1"},
    {"<<", {"INTEGER:-16", "INTEGER:-2"}, "INTEGER:-4"},
    {"greatest", {"INTEGER:1", "FLOAT:2.5", "NULL"}, "FLOAT:2.5"},
    {"least", {"NULL", "NULL"}, "NULL"},
    {"max", {"INTEGER:1", "NULL"}, "NULL"},
    {"typeof", {"NULL"}, "TEXT:null"},
    {"typeof", {"DATE:2024-01-01"}, "TEXT:date"},
    {"date_trunc", {"?week", "DATE:2024-02-29"}, "TIMESTAMP:2024-02-26 00:00:00"},
    {"date_trunc", {"?month", "TIMESTAMP:1969-12-31 23:59:59"}, "TIMESTAMP:1969-12-01 00:00:00"},
    {"age", {"TIMESTAMP:2024-03-01", "TIMESTAMP:2023-01-31"}, "INTERVAL:1 year 1 mon 1 day"},
    {"age", {"TIMESTAMP:2001-04-10", "TIMESTAMP:1957-06-13"}, "INTERVAL:43 years 9 mons 27 days"},
    {"make_date", {"INTEGER:2023", "INTEGER:2", "INTEGER:29"}, "!22008"},
    {"make_date", {"INTEGER:-44", "INTEGER:3", "INTEGER:15"}, "DATE:0044-03-15 BC"},
    {"date_add", {"TIMESTAMP:2024-01-31", "INTEGER:1", "?month"}, "TIMESTAMP:2024-02-29 00:00:00"},
    {"date_diff",
     {"?hour", "TIMESTAMP:2024-01-01 10:59:59", "TIMESTAMP:2024-01-01 11:00:00"},
     "INTEGER:1"},
    {"strftime", {"?%Y-%m-%d", "?2024-01-31", "?+1 month"}, "TEXT:2024-03-02"},
    {"strftime",
     {"?%F %T|%D|%R|%c|%e%k", "?2024-01-05 03:04:05"},
     "TEXT:2024-01-05 03:04:05|01/05/24|03:04|2024-01-05 03:04:05| 5 3"},
    {"strftime", {"?%Q", "?2024-01-31"}, "!22023"},
    {"strftime",
     {"TIMESTAMP:2024-12-30 15:04:05.678", "?%j %U %W %V %f %I%p"},
     "TEXT:365 52 53 01 05.678 03PM"},
    {"datetime",
     {"?2024-02-29 10:20:30", "?weekday 0", "?start of day"},
     "TIMESTAMP:2024-03-03 00:00:00"},
    {"datetime", {"?nonsense"}, "NULL"},
    {"julianday", {"?2000-01-01 12:00:00"}, "FLOAT:2451545"},
    {"to_char",
     {"TIMESTAMP:2024-02-03 15:04:05.678", "?YYYY-MM-DD HH24:MI:SS.MS Day DY month"},
     "TEXT:2024-02-03 15:04:05.678 Saturday  SAT february "},
    {"to_char",
     {"TIMESTAMP:2024-02-03", "?FMDDth FMMonth \"in\" YYYY"},
     "TEXT:3rd February in 2024"},
    {"strptime", {"?03/02/24 3:04 PM", "?%d/%m/%y %I:%M %p"}, "TIMESTAMP:2024-02-03 15:04:00"},
    {"strptime", {"?03/02/24", "?%d-%m-%y"}, "!22007"},
    {"to_date", {"?30 Feb 2024", "?DD Mon YYYY"}, "!22008"},
};

static types_value value_from(const char *text, base_arena *arena)
{
    types_value value;
    types_type type;
    if (strcmp(text, "NULL") == 0)
        return types_null_of(TYPES_OF(NULL));
    if (text[0] == '?') {
        unit_assert_ok(types_parse(base_text_of(text + 1), TYPES_OF(TEXT), arena, &value, NULL));
        value.type = TYPES_OF(UNKNOWN);
        return value;
    }
    const char *colon = strchr(text, ':');
    base_text name = {text, (size_t)(colon - text)};
    unit_assert_ok(types_from_name(name, NULL, 0, &type, NULL));
    unit_assert_ok(types_parse(base_text_of(colon + 1), type, arena, &value, NULL));
    return value;
}

/* One call: what a plan keeps of it. */
typedef struct call_site {
    func_call call;
    func_environment environment;
    types_type types[5];
    types_value arguments[5];
    const types_value *constants[5];
    types_cell cells[5];
    bool nulls[5];
    bool any_null;
} call_site;

static base_status set_up(const call_row *row, base_arena *arena, call_site *site,
                          base_error *error)
{
    memset(site, 0, sizeof *site);
    uint32_t count = 0;
    for (; count < 5 && row->arguments[count]; count++) {
        site->arguments[count] = value_from(row->arguments[count], arena);
        site->types[count] = site->arguments[count].type;
    }
    site->environment.version = "test";
    site->call.argument_count = count;
    site->call.environment = &site->environment;
    site->call.heap = arena;
    RETURN_IF_ERROR(func_find_scalar(base_text_of(row->name), site->types, count,
                                     &site->call.function, &site->call.result_type, error));
    for (uint32_t i = 0; i < count; i++) {
        types_value *argument = &site->arguments[i];
        RETURN_IF_ERROR(types_cast(argument, site->types[i], arena, argument, error));
        site->constants[i] = argument;
        site->cells[i] = argument->cell;
        site->nulls[i] = argument->is_null;
        site->any_null |= argument->is_null;
    }
    site->call.argument_types = site->types;
    site->call.constants = site->constants;
    return site->call.function->prepare ? site->call.function->prepare(&site->call, arena, error)
                                        : BASE_OK;
}

static base_status run_site(call_site *site, types_value *value, base_error *error)
{
    memset(value, 0, sizeof *value);
    value->type = site->call.result_type;
    value->is_null = site->any_null && (site->call.function->flags & FUNC_STRICT);
    if (value->is_null)
        return BASE_OK;
    return site->call.function->row(&site->call, site->cells, site->nulls, &value->cell,
                                    &value->is_null, error);
}

static base_status run_row(const call_row *row, base_arena *arena, types_value *value,
                           base_error *error)
{
    call_site site;
    RETURN_IF_ERROR(set_up(row, arena, &site, error));
    return run_site(&site, value, error);
}

/* The batch body over three equal rows must give what the row body gave. */
static void check_batch(call_site *site, base_arena *arena, const types_value *value)
{
    vector columns[5], result;
    const vector *pointers[5];
    uint32_t count = site->call.argument_count;
    for (uint32_t i = 0; i < count; i++) {
        unit_assert_ok(vector_init(&columns[i], arena->budget, site->types[i], NULL));
        vector_set_constant(&columns[i], &site->arguments[i]);
        vector_flatten(&columns[i], NULL, 3);
        pointers[i] = &columns[i];
    }
    unit_assert_ok(vector_init(&result, arena->budget, site->call.result_type, NULL));
    unit_assert_ok(site->call.function->batch(&site->call, pointers, NULL, 3, &result, NULL));
    types_value batch = vector_get(&result, 2);
    assert_int_equal(batch.is_null, value->is_null);
    if (!batch.is_null)
        assert_int_equal(
            types_cell_compare(types_form_of(site->call.result_type), &batch.cell, &value->cell),
            0);
    for (uint32_t i = 0; i < count; i++)
        vector_destroy(&columns[i], arena->budget);
    vector_destroy(&result, arena->budget);
}

static base_status run(const call_row *row, base_arena *arena, types_value *value,
                       base_error *error)
{
    call_site site;
    RETURN_IF_ERROR(set_up(row, arena, &site, error));
    RETURN_IF_ERROR(run_site(&site, value, error));
    if (site.call.function->batch && !site.any_null)
        check_batch(&site, arena, value);
    return BASE_OK;
}

static void functions_give_their_results(void **state)
{
    (void)state;
    base_budget budget;
    unit_budget_init(&budget);
    base_arena arena;
    base_arena_init(&arena, &budget);
    base_buffer text;
    base_buffer_init(&text, &budget);
    uint32_t failures = 0;
    for (size_t i = 0; i < BASE_COUNT_OF(rows); i++) {
        const call_row *row = &rows[i];
        types_value value;
        base_error error;
        base_error_clear(&error);
        base_status status = run(row, &arena, &value, &error);
        base_buffer_clear(&text);
        if (status != BASE_OK) {
            base_buffer_append_format(&text, "!%s", error.sqlstate);
        } else if (value.is_null) {
            base_buffer_append_text(&text, "NULL");
        } else {
            char name[TYPES_NAME_SIZE];
            base_buffer_append_format(&text, "%s:", types_name(value.type, name));
            types_format(&value, &text);
        }
        if (strcmp(text.data, row->result) != 0) {
            failures++;
            print_error("row %zu: %s(%s, ...) gives %s, not %s (%s)\n", i, row->name,
                        row->arguments[0] ? row->arguments[0] : "", text.data, row->result,
                        error.message);
        }
    }
    assert_int_equal(failures, 0);
    base_buffer_destroy(&text);
    base_arena_destroy(&arena);
    unit_budget_check(&budget);
}

/* Every allocation of every call failed once: an error, no crash, no leak. */
static void failed_allocations_are_reported(void **state)
{
    (void)state;
    for (size_t i = 0; i < BASE_COUNT_OF(rows); i++) {
        for (uint64_t fail_at = 1;; fail_at++) {
            unit_allocator allocator;
            base_budget budget;
            base_arena arena;
            types_value value;
            base_error error;
            unit_allocator_init(&allocator, 0, false);
            base_budget_init(&budget, NULL, &allocator.allocator, "test", SIZE_MAX);
            base_arena_init(&arena, &budget);
            base_error_clear(&error);
            allocator.fail_at = fail_at;
            base_status status = run_row(&rows[i], &arena, &value, &error);
            bool done = atomic_load(&allocator.calls) < allocator.fail_at;
            if (!done && status != BASE_OK && status != BASE_OUT_OF_MEMORY &&
                rows[i].result[0] != '!')
                fail_msg("%s: %s", rows[i].name, base_status_name(status));
            base_arena_destroy(&arena);
            unit_budget_check(&budget);
            if (done)
                break;
        }
    }
}

static void unknown_names_hint_the_nearest(void **state)
{
    (void)state;
    const func_scalar *function;
    types_type types[1] = {TYPES_OF(TEXT)}, result;
    base_error error;
    base_error_clear(&error);
    assert_int_equal(func_find_scalar(BASE_TEXT("uper"), types, 1, &function, &result, &error),
                     BASE_UNDEFINED_FUNCTION);
    assert_string_equal(error.hint, "did you mean \"upper\"?");
    assert_string_equal(error.message, "function uper(TEXT) does not exist");
    base_error_clear(&error);
    assert_int_equal(func_find_scalar(BASE_TEXT("upper"), types, 0, &function, &result, &error),
                     BASE_UNDEFINED_FUNCTION);
    assert_string_equal(error.message, "function upper takes 1 argument, not 0");
}

static void rows_are_documented(void **state)
{
    (void)state;
    const func_scalar *row;
    for (uint32_t i = 0; (row = func_scalar_at(i)); i++) {
        if (!row->resolve || !row->row || !row->category || !row->documentation)
            fail_msg("row %s lacks a body or documentation", row->name);
        if (row->example && !row->example_result)
            fail_msg("row %s has an example without a result", row->name);
        if (row->minimum_arguments > row->maximum_arguments ||
            row->maximum_arguments > FUNC_MAX_ARGUMENTS)
            fail_msg("row %s has bad argument counts", row->name);
        for (const char *c = row->name; *c; c++)
            assert_true(*c < 'A' || *c > 'Z');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_give_their_results),
        cmocka_unit_test(failed_allocations_are_reported),
        cmocka_unit_test(unknown_names_hint_the_nearest),
        cmocka_unit_test(rows_are_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
