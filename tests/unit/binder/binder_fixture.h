/*
 * binder_fixture.h - a catalog made by hand, and one call from SQL text to a logical plan.
 *
 * The binder sees the catalog through five look-ups; they are defined here over a static
 * list of tables, so that the tests need neither a file nor the storage layer. (The linker
 * takes these definitions before the library's.)
 */
#ifndef BINDER_FIXTURE_H
#define BINDER_FIXTURE_H

#include "unit/unit.h"
#include "binder/binder.h"

#define FIXTURE_COLUMN(name_, type_, place)                                                        \
    {                                                                                              \
        .name = BASE_TEXT(name_), .type = type_, .id = place                                       \
    }

static catalog_column fixture_t_columns[] = {
    FIXTURE_COLUMN("id", TYPES_OF(INTEGER), 0),
    FIXTURE_COLUMN("a", TYPES_OF(INTEGER), 1),
    FIXTURE_COLUMN("price", TYPES_DECIMAL_OF(15, 2), 2),
    FIXTURE_COLUMN("name", TYPES_OF(TEXT), 3),
    {.name = {"born", 4},
     .type = {.kind = TYPES_DATE},
     .id = 5,
     .not_null = true,
     .default_sql = {"'2000-01-01'", 12}}, /* id 4 was dropped */
};
static catalog_column fixture_u_columns[] = {
    FIXTURE_COLUMN("a", TYPES_OF(INTEGER), 0),
    FIXTURE_COLUMN("b", TYPES_OF(INTEGER), 1),
    FIXTURE_COLUMN("small", TYPES_OF(SMALLINT), 2),
};
static catalog_column fixture_v_columns[] = {
    FIXTURE_COLUMN("x", TYPES_OF(INTEGER), 0),
};
static uint32_t fixture_t_key[] = {0};
static uint32_t fixture_u_key[] = {0, 1};
static catalog_constraint fixture_t_constraints[] = {
    {.kind = CATALOG_PRIMARY_KEY,
     .name = {"t_pkey", 6},
     .column_count = 1,
     .columns = fixture_t_key},
    {.kind = CATALOG_CHECK, .name = {"t_check", 7}, .check_sql = {"price >= 0", 10}},
};
static catalog_constraint fixture_u_constraints[] = {
    {.kind = CATALOG_PRIMARY_KEY,
     .name = {"u_pkey", 6},
     .column_count = 2,
     .index_id = 7,
     .columns = fixture_u_key},
};
static table_column fixture_t_physical[] = {
    {.type = TYPES_OF(INTEGER)},
    {.type = TYPES_OF(INTEGER)},
    {.type = TYPES_DECIMAL_OF(15, 2)},
    {.type = TYPES_OF(TEXT)},
    {.type = TYPES_OF(FLOAT), .dropped = true},
    {.type = TYPES_OF(DATE)},
};
static table_column fixture_u_physical[] = {
    {.type = TYPES_OF(INTEGER)}, {.type = TYPES_OF(INTEGER)}, {.type = TYPES_OF(SMALLINT)}};
static const table_descriptor fixture_descriptors[] = {
    {.id = 1, .column_count = 6, .columns = fixture_t_physical, .rowid_column = 0},
    {.id = 2, .column_count = 3, .columns = fixture_u_physical, .rowid_column = -1},
};
static catalog_table fixture_tables[] = {
    {.name = {"t", 1},
     .kind = CATALOG_TABLE,
     .id = 1,
     .column_count = 5,
     .columns = fixture_t_columns,
     .rowid_column = 0,
     .constraint_count = 2,
     .constraints = fixture_t_constraints},
    {.name = {"u", 1},
     .kind = CATALOG_TABLE,
     .id = 2,
     .column_count = 3,
     .columns = fixture_u_columns,
     .rowid_column = -1,
     .constraint_count = 1,
     .constraints = fixture_u_constraints},
    {.name = {"v", 1},
     .kind = CATALOG_VIEW,
     .column_count = 1,
     .columns = fixture_v_columns,
     .rowid_column = -1,
     .view_sql = {"SELECT a + 1 FROM u WHERE b > 2", 31}},
    {.name = {"loop", 4},
     .kind = CATALOG_VIEW,
     .column_count = 1,
     .columns = fixture_v_columns,
     .rowid_column = -1,
     .view_sql = {"SELECT * FROM loop", 18}},
    {.name = {"bad", 3},
     .kind = CATALOG_VIEW,
     .column_count = 1,
     .columns = fixture_v_columns,
     .rowid_column = -1,
     .view_sql = {"SELECT nowhere FROM u", 21}},
};

const catalog_table *catalog_find_table(const catalog_snapshot *snapshot, base_text name)
{
    (void)snapshot;
    for (size_t i = 0; i < BASE_COUNT_OF(fixture_tables); i++)
        if (base_text_equal_folded(fixture_tables[i].name, name)) {
            /* A relation is only ever handed to table_describe below. */
            fixture_tables[i].relation = (table_relation *)&fixture_tables[i];
            return &fixture_tables[i];
        }
    return NULL;
}
base_text catalog_nearest_table(const catalog_snapshot *snapshot, base_text name)
{
    (void)snapshot;
    (void)name;
    return BASE_TEXT("t");
}
int32_t catalog_find_column(const catalog_table *table, base_text name)
{
    for (uint32_t i = 0; i < table->column_count; i++)
        if (base_text_equal_folded(table->columns[i].name, name))
            return (int32_t)i;
    return -1;
}
base_text catalog_nearest_column(const catalog_table *table, base_text name)
{
    (void)name;
    return table->columns[0].name;
}
const table_descriptor *table_describe(const table_relation *relation)
{
    const catalog_table *table = (const catalog_table *)relation;
    return &fixture_descriptors[table->id - 1];
}

typedef struct fixture {
    base_budget root;
    base_arena arena;
    base_error error;
    binder_result result;
    base_status status;
} fixture;

static inline void fixture_open(fixture *f)
{
    unit_budget_init(&f->root);
    base_arena_init(&f->arena, &f->root);
}
static inline void fixture_close(fixture *f)
{
    base_arena_destroy(&f->arena);
    unit_budget_check(&f->root);
}

static inline base_status fixture_try(fixture *f, const char *sql, const types_type *parameters,
                                      uint32_t parameter_count)
{
    base_error_clear(&f->error);
    size_t offset = 0;
    parser_statement *statement;
    f->status = parser_parse(base_text_of(sql), &offset, &f->arena, &statement, &f->error);
    if (f->status != BASE_OK)
        return f->status;
    /* Fakes look at no snapshot, but it must not be NULL. */
    binder_input input = {.catalog = (const catalog_snapshot *)f,
                          .parameter_types = parameters,
                          .parameter_count = parameter_count};
    f->status = binder_bind_statement(&input, statement, &f->arena, &f->result, &f->error);
    return f->status;
}

static inline void fixture_bind(fixture *f, const char *sql)
{
    if (fixture_try(f, sql, NULL, 0) != BASE_OK)
        fail_msg("%s: %s", sql, f->error.message);
}

/* The error's status, and its position where one is given (-1: not looked at). */
static inline void fixture_refuse(fixture *f, const char *sql, base_status status, int32_t position)
{
    if (fixture_try(f, sql, NULL, 0) == BASE_OK)
        fail_msg("%s: was accepted", sql);
    if (f->status != status)
        fail_msg("%s: %s: %s", sql, base_status_name(f->status), f->error.message);
    if (position >= 0 && f->error.position != position)
        fail_msg("%s: position %d: %s", sql, f->error.position, f->error.message);
}

static inline void fixture_type(fixture *f, const char *sql, const char *type)
{
    char name[TYPES_NAME_SIZE];
    fixture_bind(f, sql);
    const char *found = types_name(f->result.column_types[0], name);
    if (strcmp(found, type) != 0)
        fail_msg("%s: is %s, not %s", sql, found, type);
}

/* The tree's text. */
static inline const char *fixture_tree(fixture *f, const char *sql)
{
    fixture_bind(f, sql);
    base_buffer out;
    base_buffer_init(&out, &f->root);
    plan_print_node(f->result.root, &out);
    const char *text = base_arena_copy_text(&f->arena, out.data, out.length);
    base_buffer_destroy(&out);
    return text;
}

#endif
