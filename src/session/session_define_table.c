/*
 * session_define_table.c - CREATE TABLE, with columns or AS a query.
 *
 * A PRIMARY KEY over one INTEGER column is the rowid itself: no index, and rows are found by it
 * without one. Its column takes NULL in INSERT to mean "the next", as in SQLite, which is why it
 * is not marked NOT NULL; every other key column is.
 */
#include "session/session_define_int.h"

typedef struct table_builder {
    session_run *run;
    const parser_create_table *tree;
    catalog_table_definition definition;
    uint32_t key_capacity;
    uint32_t check_capacity;
    bool has_primary_key;
} table_builder;

/* ---- Columns ------------------------------------------------------------------------------ */

static base_status column_default(session_run *run, const parser_constraint *constraint,
                                  catalog_column *column)
{
    plan_expr *bound;
    base_text none = {NULL, 0};
    RETURN_IF_ERROR(session_bind_definition(run, constraint->expr, BINDER_DEFAULT, none, NULL, 0,
                                            column->type, &bound));
    column->default_sql =
        parser_source(run->sql, constraint->expr->position, constraint->expr->end);
    return BASE_OK;
}

static base_status column_collation(session_run *run, const parser_name *collation)
{
    if (base_text_equal_folded(collation->text, BASE_TEXT("binary")) ||
        base_text_equal_folded(collation->text, BASE_TEXT("c")))
        return BASE_OK;
    return base_error_set_at(run->error, BASE_NOT_SUPPORTED, collation->position,
                             "collation \"%.*s\" is not available",
                             BASE_TEXT_ARGUMENTS(collation->text));
}

static base_status column_constraint(session_run *run, const parser_constraint *constraint,
                                     catalog_column *column)
{
    if (constraint->on_conflict > PARSER_CONFLICT_ABORT)
        return session_not_available(run, constraint->position, "ON CONFLICT of a constraint");
    switch (constraint->kind) {
    case PARSER_CONSTRAINT_NOT_NULL:
        column->not_null = true;
        return BASE_OK;
    case PARSER_CONSTRAINT_DEFAULT:
        return column_default(run, constraint, column);
    case PARSER_CONSTRAINT_COLLATE:
        return column_collation(run, &constraint->collation);
    case PARSER_CONSTRAINT_FOREIGN_KEY:
        return session_not_available(run, constraint->position, "FOREIGN KEY");
    case PARSER_CONSTRAINT_GENERATED:
        return session_not_available(run, constraint->position, "a generated column");
    default:
        return BASE_OK; /* keys, checks and identity are the table's */
    }
}

base_status session_define_column(session_run *run, const parser_column *tree,
                                  catalog_column *column)
{
    *column = (catalog_column){.name = tree->name.text};
    if (!tree->type.name.length) {
        base_error_set_at(run->error, BASE_INVALID_DEFINITION, tree->name.position,
                          "column \"%.*s\" has no type", BASE_TEXT_ARGUMENTS(tree->name.text));
        base_error_set_hint(run->error, "for example \"%.*s\" TEXT",
                            BASE_TEXT_ARGUMENTS(tree->name.text));
        return BASE_INVALID_DEFINITION;
    }
    base_status status = types_from_name(tree->type.name, tree->type.arguments,
                                         tree->type.argument_count, &column->type, run->error);
    if (status != BASE_OK) {
        if (run->error->position < 0)
            run->error->position = tree->type.position;
        return status;
    }
    for (uint32_t i = 0; i < tree->constraint_count; i++)
        RETURN_IF_ERROR(column_constraint(run, &tree->constraints[i], column));
    return BASE_OK;
}

static base_status build_columns(table_builder *builder)
{
    session_run *run = builder->run;
    const parser_create_table *tree = builder->tree;
    if (tree->column_count > TABLE_MAX_COLUMNS)
        return base_error_set_at(run->error, BASE_LIMIT, tree->name.name.position,
                                 "a table has at most %d columns", TABLE_MAX_COLUMNS);
    catalog_column *columns =
        base_arena_allocate_array(run->arena, tree->column_count, sizeof *columns);
    if (!columns)
        return base_error_no_memory(run->error);
    for (uint32_t i = 0; i < tree->column_count; i++) {
        RETURN_IF_ERROR(session_define_column(run, &tree->columns[i], &columns[i]));
        for (uint32_t j = 0; j < i; j++) {
            if (base_text_equal_folded(columns[i].name, columns[j].name))
                return base_error_set_at(
                    run->error, BASE_DUPLICATE_COLUMN, tree->columns[i].name.position,
                    "column \"%.*s\" is defined twice", BASE_TEXT_ARGUMENTS(columns[i].name));
        }
    }
    builder->definition.columns = columns;
    builder->definition.column_count = tree->column_count;
    return BASE_OK;
}

/* ---- Keys and checks ------------------------------------------------------------------------ */

base_status session_index_parts(session_run *run, const parser_index_part *tree, uint32_t count,
                                base_text table_name, const catalog_column *columns,
                                uint32_t column_count, table_index_part **parts)
{
    if (count > TABLE_MAX_KEY_PARTS)
        return base_error_set_at(run->error, BASE_LIMIT, tree[0].expr->position,
                                 "a key has at most %d columns", TABLE_MAX_KEY_PARTS);
    catalog_table shape = {.name = table_name,
                           .column_count = column_count,
                           .columns = (catalog_column *)(uintptr_t)columns};
    *parts = base_arena_allocate_array(run->arena, count, sizeof **parts);
    if (!*parts)
        return base_error_no_memory(run->error);
    for (uint32_t i = 0; i < count; i++) {
        const parser_expr *expr = tree[i].expr;
        if (expr->kind != PARSER_EXPR_COLUMN || expr->column.part_count != 1)
            return session_not_available(run, expr->position, "a key over an expression");
        if (tree[i].collation.text.length)
            RETURN_IF_ERROR(column_collation(run, &tree[i].collation));
        table_index_part *part = &(*parts)[i];
        RETURN_IF_ERROR(session_find_column(run, &shape, &expr->column.parts[0], &part->column));
        for (uint32_t j = 0; j < i; j++) {
            if ((*parts)[j].column == part->column)
                return base_error_set_at(run->error, BASE_DUPLICATE_COLUMN, expr->position,
                                         "column \"%.*s\" stands twice in the key",
                                         BASE_TEXT_ARGUMENTS(expr->column.parts[0].text));
        }
        part->descending = tree[i].descending;
        part->nulls_first = tree[i].nulls == PARSER_PART_NULLS_DEFAULT
                                ? tree[i].descending
                                : tree[i].nulls == PARSER_PART_NULLS_FIRST;
    }
    return BASE_OK;
}

static base_status add_key(table_builder *builder, catalog_constraint_kind kind, base_text name,
                           int32_t position, table_index_part *parts, uint32_t part_count)
{
    session_run *run = builder->run;
    catalog_table_definition *definition = &builder->definition;
    bool is_primary = kind == CATALOG_PRIMARY_KEY;
    if (is_primary && builder->has_primary_key)
        return base_error_set_at(run->error, BASE_INVALID_DEFINITION, position,
                                 "a table has at most one PRIMARY KEY");
    builder->has_primary_key = builder->has_primary_key || is_primary;
    bool is_rowid = is_primary && part_count == 1 && !parts[0].descending &&
                    definition->columns[parts[0].column].type.kind == TYPES_INTEGER;
    if (is_rowid)
        definition->rowid_column = (int32_t)parts[0].column;
    for (uint32_t i = 0; is_primary && !is_rowid && i < part_count; i++)
        definition->columns[parts[i].column].not_null = true;
    BASE_ASSERT(definition->key_count < builder->key_capacity);
    definition->keys[definition->key_count++] = (catalog_key_definition){
        .kind = kind, .name = name, .part_count = part_count, .parts = parts};
    return BASE_OK;
}

static base_status add_column_key(table_builder *builder, uint32_t place,
                                  const parser_constraint *constraint)
{
    table_index_part *part = base_arena_allocate_zeroed(builder->run->arena, sizeof *part);
    if (!part)
        return base_error_no_memory(builder->run->error);
    part->column = place;
    part->descending = part->nulls_first = constraint->descending;
    catalog_constraint_kind kind =
        constraint->kind == PARSER_CONSTRAINT_PRIMARY_KEY ? CATALOG_PRIMARY_KEY : CATALOG_UNIQUE;
    return add_key(builder, kind, constraint->name.text, constraint->position, part, 1);
}

static base_status add_check(table_builder *builder, const parser_constraint *constraint)
{
    session_run *run = builder->run;
    catalog_table_definition *definition = &builder->definition;
    plan_expr *bound;
    RETURN_IF_ERROR(session_bind_definition(run, constraint->expr, BINDER_CHECK, definition->name,
                                            definition->columns, definition->column_count,
                                            TYPES_OF(BOOLEAN), &bound));
    BASE_ASSERT(definition->check_count < builder->check_capacity);
    definition->checks[definition->check_count++] = (catalog_constraint){
        .kind = CATALOG_CHECK,
        .name = constraint->name.text,
        .check_sql = parser_source(run->sql, constraint->expr->position, constraint->expr->end),
    };
    return BASE_OK;
}

static base_status add_table_constraint(table_builder *builder, const parser_constraint *constraint)
{
    session_run *run = builder->run;
    if (constraint->on_conflict > PARSER_CONFLICT_ABORT)
        return session_not_available(run, constraint->position, "ON CONFLICT of a constraint");
    if (constraint->kind == PARSER_CONSTRAINT_FOREIGN_KEY)
        return session_not_available(run, constraint->position, "FOREIGN KEY");
    if (constraint->kind == PARSER_CONSTRAINT_CHECK)
        return add_check(builder, constraint);
    table_index_part *parts;
    RETURN_IF_ERROR(session_index_parts(run, constraint->parts, constraint->part_count,
                                        builder->definition.name, builder->definition.columns,
                                        builder->definition.column_count, &parts));
    catalog_constraint_kind kind =
        constraint->kind == PARSER_CONSTRAINT_PRIMARY_KEY ? CATALOG_PRIMARY_KEY : CATALOG_UNIQUE;
    return add_key(builder, kind, constraint->name.text, constraint->position, parts,
                   constraint->part_count);
}

/* AUTOINCREMENT says what an INTEGER PRIMARY KEY does anyway. */
static base_status check_identity(table_builder *builder, uint32_t place, int32_t position)
{
    if (builder->definition.rowid_column == (int32_t)place)
        return BASE_OK;
    base_error_set_at(builder->run->error, BASE_NOT_SUPPORTED, position,
                      "only an INTEGER PRIMARY KEY counts by itself");
    base_error_set_hint(builder->run->error, "write %.*s INTEGER PRIMARY KEY",
                        BASE_TEXT_ARGUMENTS(builder->definition.columns[place].name));
    return BASE_NOT_SUPPORTED;
}

static base_status build_constraints(table_builder *builder)
{
    const parser_create_table *tree = builder->tree;
    session_run *run = builder->run;
    uint32_t capacity = tree->constraint_count;
    for (uint32_t i = 0; i < tree->column_count; i++)
        capacity += tree->columns[i].constraint_count;
    if (!capacity)
        return BASE_OK;
    catalog_table_definition *definition = &builder->definition;
    definition->keys = base_arena_allocate_array(run->arena, capacity, sizeof *definition->keys);
    definition->checks =
        base_arena_allocate_array(run->arena, capacity, sizeof *definition->checks);
    if (!definition->keys || !definition->checks)
        return base_error_no_memory(run->error);
    builder->key_capacity = builder->check_capacity = capacity;
    for (uint32_t i = 0; i < tree->column_count; i++) {
        for (uint32_t j = 0; j < tree->columns[i].constraint_count; j++) {
            const parser_constraint *constraint = &tree->columns[i].constraints[j];
            if (constraint->kind == PARSER_CONSTRAINT_PRIMARY_KEY ||
                constraint->kind == PARSER_CONSTRAINT_UNIQUE)
                RETURN_IF_ERROR(add_column_key(builder, i, constraint));
            else if (constraint->kind == PARSER_CONSTRAINT_CHECK)
                RETURN_IF_ERROR(add_check(builder, constraint));
        }
    }
    for (uint32_t i = 0; i < tree->constraint_count; i++)
        RETURN_IF_ERROR(add_table_constraint(builder, &tree->constraints[i]));
    for (uint32_t i = 0; i < tree->column_count; i++) {
        for (uint32_t j = 0; j < tree->columns[i].constraint_count; j++) {
            const parser_constraint *constraint = &tree->columns[i].constraints[j];
            if (constraint->kind == PARSER_CONSTRAINT_IDENTITY)
                RETURN_IF_ERROR(check_identity(builder, i, constraint->position));
        }
    }
    /* NULL for the rowid means "the next": see the head of this file. */
    if (definition->rowid_column >= 0)
        definition->columns[definition->rowid_column].not_null = false;
    return BASE_OK;
}

/* ---- Names ---------------------------------------------------------------------------------- */

/* Answers for a name that is taken; `*done` when IF NOT EXISTS makes it no error. */
static base_status check_name(session_run *run, const parser_create_table *tree, bool *done)
{
    bool temporary;
    base_text name = tree->name.name.text;
    *done = false;
    RETURN_IF_ERROR(session_check_schema(run, &tree->name, &temporary));
    if (temporary || tree->temporary)
        return session_not_available(run, tree->name.name.position, "a temporary table");
    if (!catalog_find_table(run->schema, name))
        return BASE_OK;
    if (tree->if_not_exists) {
        *done = true;
        return BASE_OK;
    }
    return base_error_set_at(run->error, BASE_DUPLICATE_TABLE, tree->name.name.position,
                             "table \"%.*s\" already exists", BASE_TEXT_ARGUMENTS(name));
}

/* ---- CREATE TABLE AS ------------------------------------------------------------------------ */

/* What tuff_schema shows: the definition that the query amounts to. */
static base_status definition_text(session_run *run, catalog_table_definition *definition)
{
    base_buffer out;
    char type[TYPES_NAME_SIZE];
    base_buffer_init(&out, &run->connection->budget);
    base_buffer_append_text(&out, "CREATE TABLE ");
    session_append_name(&out, definition->name);
    for (uint32_t i = 0; i < definition->column_count; i++) {
        base_buffer_append_text(&out, i ? ", " : " (");
        session_append_name(&out, definition->columns[i].name);
        base_buffer_append_format(&out, " %s", types_name(definition->columns[i].type, type));
    }
    base_buffer_append_byte(&out, ')');
    char *copy = out.failed ? NULL : base_arena_copy_text(run->arena, out.data, out.length);
    definition->sql = (base_text){copy, out.length};
    base_buffer_destroy(&out);
    return copy ? BASE_OK : base_error_no_memory(run->error);
}

static bool name_taken(const catalog_column *columns, uint32_t count, base_text name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (base_text_equal_folded(columns[i].name, name))
            return true;
    }
    return false;
}

/* A column's name; a second one of the same name gets a number. */
static base_status unique_name(session_run *run, catalog_column *columns, uint32_t count,
                               base_text wanted)
{
    base_text name = wanted;
    for (uint32_t number = 1; name_taken(columns, count, name); number++) {
        char *text = base_arena_format(run->arena, "%.*s_%u", BASE_TEXT_ARGUMENTS(wanted), number);
        if (!text)
            return base_error_no_memory(run->error);
        name = base_text_of(text);
    }
    columns[count].name = name;
    return BASE_OK;
}

/* INSERT INTO name query, as a tree. */
static base_status insert_from_query(session_run *run, const parser_create_table *tree)
{
    parser_insert insert = {.table = tree->name, .source = tree->as_query};
    parser_statement statement = {.kind = PARSER_STATEMENT_INSERT,
                                  .position = run->tree->position,
                                  .end = run->tree->end,
                                  .parameter_count = run->tree->parameter_count,
                                  .insert = &insert};
    return session_run_internal(run, &statement, &run->statement->rows_affected);
}

static base_status create_table_as(session_run *run)
{
    const parser_create_table *tree = run->tree->create_table;
    binder_input input = {
        .catalog = run->schema,
        .find_system = session_find_system,
        .system_context = run->connection,
        .parameter_count = run->statement->parameter_count,
        .parameter_types = run->statement->parameter_types,
    };
    binder_result bound;
    RETURN_IF_ERROR(binder_bind_query(&input, tree->as_query, run->arena, &bound, run->error));
    if (tree->column_count && tree->column_count != bound.column_count)
        return base_error_set_at(run->error, BASE_INVALID_DEFINITION, tree->name.name.position,
                                 "the table names %u columns, its query has %u", tree->column_count,
                                 bound.column_count);
    catalog_table_definition definition = {
        .name = tree->name.name.text, .rowid_column = -1, .column_count = bound.column_count};
    definition.columns =
        base_arena_allocate_array(run->arena, bound.column_count, sizeof *definition.columns);
    if (!definition.columns)
        return base_error_no_memory(run->error);
    for (uint32_t i = 0; i < bound.column_count; i++) {
        types_type type = bound.column_types[i];
        definition.columns[i].type =
            type.kind == TYPES_NULL || type.kind == TYPES_UNKNOWN ? TYPES_OF(TEXT) : type;
        base_text name =
            tree->column_count ? tree->columns[i].name.text : base_text_of(bound.column_names[i]);
        RETURN_IF_ERROR(unique_name(run, definition.columns, i, name));
    }
    RETURN_IF_ERROR(definition_text(run, &definition));
    RETURN_IF_ERROR(catalog_create_table(run->connection->database->catalog, run->transaction,
                                         &definition, run->error));
    if (tree->with_no_data)
        return BASE_OK;
    RETURN_IF_ERROR(session_refresh_schema(run));
    return insert_from_query(run, tree);
}

/* ---- CREATE TABLE --------------------------------------------------------------------------- */

base_status session_create_table(session_run *run)
{
    const parser_create_table *tree = run->tree->create_table;
    bool done;
    RETURN_IF_ERROR(check_name(run, tree, &done));
    if (done)
        return BASE_OK;
    if (tree->as_query)
        return create_table_as(run);
    table_builder builder = {.run = run, .tree = tree};
    builder.definition.name = tree->name.name.text;
    builder.definition.rowid_column = -1;
    builder.definition.sql = parser_source(run->sql, run->tree->position, run->tree->end);
    RETURN_IF_ERROR(build_columns(&builder));
    RETURN_IF_ERROR(build_constraints(&builder));
    return catalog_create_table(run->connection->database->catalog, run->transaction,
                                &builder.definition, run->error);
}
