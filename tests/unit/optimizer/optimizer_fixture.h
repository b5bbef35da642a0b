/*
 * optimizer_fixture.h - tables and logical trees by hand, plans as text.
 *
 * Two tables: t (id INTEGER PRIMARY KEY, a INTEGER, b TEXT NOT NULL) of 10,000 rows with an
 * index on a, and u (id INTEGER PRIMARY KEY, t_id INTEGER, x INTEGER) of 30,000 rows with an
 * index on t_id. Statistics come from here, so no storage is needed.
 */
#ifndef TESTS_OPTIMIZER_FIXTURE_H
#define TESTS_OPTIMIZER_FIXTURE_H

#include "unit/unit.h"
#include "optimizer/optimizer.h"

/* Weak stand-ins: these tests link and run without the rooms that are not built yet. */
__attribute__((weak)) const table_descriptor *table_describe(const table_relation *relation);
const table_descriptor *table_describe(const table_relation *relation)
{
    (void)relation;
    return NULL;
}
__attribute__((weak)) void types_format_literal(const types_value *value, base_buffer *buffer);
void types_format_literal(const types_value *value, base_buffer *buffer)
{
    base_buffer_append_format(buffer, "%lld", (long long)value->cell.int64);
}

__attribute__((weak)) base_status func_find_window(base_text name, types_type *types,
                                                   uint32_t count, const func_window **function,
                                                   types_type *result, base_error *error);
base_status func_find_window(base_text name, types_type *types, uint32_t count,
                             const func_window **function, types_type *result, base_error *error)
{
    static const func_window row_number = {.name = "row_number"};
    *function = &row_number;
    *result = TYPES_OF(INTEGER);
    return BASE_OK;
}
__attribute__((weak)) base_status func_find_scalar(base_text name, types_type *types,
                                                   uint32_t count, const func_scalar **function,
                                                   types_type *result, base_error *error);
base_status func_find_scalar(base_text name, types_type *types, uint32_t count,
                             const func_scalar **function, types_type *result, base_error *error)
{
    static const func_scalar minus = {.name = "-"};
    *function = &minus;
    *result = TYPES_OF(INTEGER);
    return BASE_OK;
}

typedef struct fixture {
    base_budget budget;
    base_arena arena;
    base_error error;
    catalog_column columns[2][3];
    catalog_table tables[2];
    table_index_part parts[2];
    catalog_index indexes[2];
    catalog_index *index_lists[2][1];
    optimizer_options options;
    plan_statement statement;
    plan_column next;
    base_buffer text;
} fixture;

enum {
    T,
    U
};

static inline double fixture_rows(void *context, const catalog_table *table)
{
    fixture *f = context;
    return table == &f->tables[T] ? 10000 : 30000;
}

static inline void fixture_column(void *context, const catalog_table *table, uint32_t column_id,
                                  table_column_statistics *statistics)
{
    fixture *f = context;
    memset(statistics, 0, sizeof *statistics);
    statistics->distinct_count = table == &f->tables[U] && column_id == 1 ? 10000 : 60;
}

static inline catalog_column fixture_make_column(const char *name, types_type type, uint32_t id,
                                                 bool not_null)
{
    return (catalog_column){
        .name = base_text_of(name), .type = type, .id = id, .not_null = not_null};
}

static inline void fixture_init(fixture *f)
{
    memset(f, 0, sizeof *f);
    unit_budget_init(&f->budget);
    base_arena_init(&f->arena, &f->budget);
    base_buffer_init(&f->text, &f->budget);
    f->columns[T][0] = fixture_make_column("id", TYPES_OF(INTEGER), 0, true);
    f->columns[T][1] = fixture_make_column("a", TYPES_OF(INTEGER), 1, false);
    f->columns[T][2] = fixture_make_column("b", TYPES_OF(TEXT), 2, true);
    f->columns[U][0] = fixture_make_column("id", TYPES_OF(INTEGER), 0, true);
    f->columns[U][1] = fixture_make_column("t_id", TYPES_OF(INTEGER), 1, false);
    f->columns[U][2] = fixture_make_column("x", TYPES_OF(INTEGER), 2, false);
    for (int i = 0; i < 2; i++) {
        f->parts[i] = (table_index_part){.column = 1};
        f->indexes[i] = (catalog_index){.name = i == T ? BASE_TEXT("t_a") : BASE_TEXT("u_t_id"),
                                        .id = 2000 + (uint64_t)i,
                                        .table = &f->tables[i],
                                        .part_count = 1,
                                        .parts = &f->parts[i]};
        f->index_lists[i][0] = &f->indexes[i];
        f->tables[i] = (catalog_table){.name = i == T ? BASE_TEXT("t") : BASE_TEXT("u"),
                                       .id = 1024 + (uint64_t)i,
                                       .column_count = 3,
                                       .columns = f->columns[i],
                                       .rowid_column = 0,
                                       .index_count = 1,
                                       .indexes = f->index_lists[i]};
    }
    f->options =
        (optimizer_options){.rules = true, .statistics = {fixture_rows, fixture_column, f}};
}

static inline void fixture_destroy(fixture *f)
{
    base_buffer_destroy(&f->text);
    base_arena_destroy(&f->arena);
    unit_budget_check(&f->budget);
}

/* A scan of all three columns; their numbers follow each other. */
static inline plan_node *fixture_scan(fixture *f, int table)
{
    plan_node *node = plan_node_new(&f->arena, PLAN_SCAN, 3);
    node->scan.table = &f->tables[table];
    node->scan.alias = f->tables[table].name;
    node->scan.column_ids = base_arena_allocate_array(&f->arena, 3, sizeof(uint32_t));
    for (uint32_t i = 0; i < 3; i++) {
        node->columns[i] = f->next++;
        node->scan.column_ids[i] = i;
    }
    return node;
}

static inline plan_expr *fixture_integer(fixture *f, int64_t value)
{
    types_value constant = {.type = TYPES_OF(INTEGER)};
    constant.cell.int64 = value;
    return plan_constant(&f->arena, &constant);
}

static inline plan_expr *fixture_column_of(fixture *f, const plan_node *node, uint32_t place)
{
    return plan_column_ref(&f->arena, node->columns[place], TYPES_OF(INTEGER));
}

static inline plan_expr *fixture_equal(fixture *f, plan_expr *a, plan_expr *b)
{
    return plan_compare(&f->arena, VECTOR_EQUAL, a, b);
}

/* One output of the node, by number. */
static inline plan_node *fixture_pick(fixture *f, plan_node *input, uint32_t place)
{
    plan_output *output = base_arena_allocate_array(&f->arena, 1, sizeof *output);
    output->column = f->next++;
    output->expr = fixture_column_of(f, input, place);
    return plan_node_project(&f->arena, input, output, 1);
}

static inline base_status fixture_optimize(fixture *f, plan_node *root)
{
    base_error_clear(&f->error);
    return optimizer_optimize(&f->arena, root, &f->options, &f->statement, &f->error);
}

static inline const char *fixture_plan(fixture *f, plan_node *root)
{
    base_status status = fixture_optimize(f, root);
    if (status != BASE_OK)
        fail_msg("%s: %s", base_status_name(status), f->error.message);
    base_buffer_clear(&f->text);
    plan_print_operator(f->statement.root, &f->text);
    return f->text.data;
}

static inline const plan_operator *fixture_find(const plan_operator *op, plan_operator_kind kind)
{
    if (!op || op->kind == kind)
        return op;
    const plan_operator *found = fixture_find(op->inputs[0], kind);
    return found ? found : fixture_find(op->inputs[1], kind);
}

#endif
