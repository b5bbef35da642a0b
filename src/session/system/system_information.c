/*
 * system_information.c - the part of the standard's information_schema that tools ask for.
 */
#include "session/system/system_int.h"

static const plan_system_column tables_columns[] = {
    SYSTEM_COLUMN("table_catalog", TEXT),
    SYSTEM_COLUMN("table_schema", TEXT),
    SYSTEM_COLUMN("table_name", TEXT),
    SYSTEM_COLUMN("table_type", TEXT),
};

static base_status collect_tables(system_rows *rows, const types_value *arguments,
                                  uint32_t argument_count)
{
    uint32_t count = catalog_table_count(rows->schema);
    for (uint32_t i = 0; i < count; i++) {
        const catalog_table *table = catalog_table_at(rows->schema, i);
        types_value *row = session_system_add_row(rows);
        if (!row)
            return BASE_OUT_OF_MEMORY;
        row[0] = session_system_text(rows, BASE_TEXT("tuff"));
        row[1] = session_system_text(rows, base_text_of(table->temporary ? "temp" : "main"));
        row[2] = session_system_text(rows, table->name);
        row[3] = session_system_text(
            rows, base_text_of(table->kind == CATALOG_VIEW ? "VIEW" : "BASE TABLE"));
    }
    return BASE_OK;
}

static const plan_system_column columns_columns[] = {
    SYSTEM_COLUMN("table_catalog", TEXT),
    SYSTEM_COLUMN("table_schema", TEXT),
    SYSTEM_COLUMN("table_name", TEXT),
    SYSTEM_COLUMN("column_name", TEXT),
    SYSTEM_COLUMN("ordinal_position", INTEGER),
    SYSTEM_COLUMN("column_default", TEXT),
    SYSTEM_COLUMN("is_nullable", TEXT),
    SYSTEM_COLUMN("data_type", TEXT),
    SYSTEM_COLUMN("character_maximum_length", INTEGER),
    SYSTEM_COLUMN("numeric_precision", INTEGER),
    SYSTEM_COLUMN("numeric_scale", INTEGER),
};

static base_status add_column(system_rows *rows, const catalog_table *table, uint32_t place)
{
    const catalog_column *column = &table->columns[place];
    bool nullable = !column->not_null && (int32_t)place != table->rowid_column;
    types_value *row = session_system_add_row(rows);
    if (!row)
        return BASE_OUT_OF_MEMORY;
    row[0] = session_system_text(rows, BASE_TEXT("tuff"));
    row[1] = session_system_text(rows, base_text_of(table->temporary ? "temp" : "main"));
    row[2] = session_system_text(rows, table->name);
    row[3] = session_system_text(rows, column->name);
    row[4] = session_system_integer(place + 1);
    if (column->default_sql.length)
        row[5] = session_system_text(rows, column->default_sql);
    row[6] = session_system_text(rows, base_text_of(nullable ? "YES" : "NO"));
    row[7] = session_system_type_name(rows, column->type);
    if (column->type.length)
        row[8] = session_system_integer(column->type.length);
    if (column->type.kind == TYPES_DECIMAL) {
        row[9] = session_system_integer(column->type.precision);
        row[10] = session_system_integer(column->type.scale);
    }
    return BASE_OK;
}

static base_status collect_columns(system_rows *rows, const types_value *arguments,
                                   uint32_t argument_count)
{
    uint32_t count = catalog_table_count(rows->schema);
    for (uint32_t i = 0; i < count; i++) {
        const catalog_table *table = catalog_table_at(rows->schema, i);
        for (uint32_t j = 0; j < table->column_count; j++)
            RETURN_IF_ERROR(add_column(rows, table, j));
    }
    return BASE_OK;
}

static const plan_system_column schemata_columns[] = {
    SYSTEM_COLUMN("catalog_name", TEXT),
    SYSTEM_COLUMN("schema_name", TEXT),
};

static base_status collect_schemata(system_rows *rows, const types_value *arguments,
                                    uint32_t argument_count)
{
    static const char *const names[] = {"main", "temp", "information_schema"};
    for (size_t i = 0; i < BASE_COUNT_OF(names); i++) {
        types_value *row = session_system_add_row(rows);
        if (!row)
            return BASE_OUT_OF_MEMORY;
        row[0] = session_system_text(rows, BASE_TEXT("tuff"));
        row[1] = session_system_text(rows, base_text_of(names[i]));
    }
    return BASE_OK;
}

#define INFORMATION_SOURCE(name_text, columns_array, collect_function)                             \
    {                                                                                              \
        .source = {.name = name_text,                                                              \
                   .column_count = BASE_COUNT_OF(columns_array),                                   \
                   .columns = columns_array,                                                       \
                   .open = session_system_open,                                                    \
                   .next = session_system_next,                                                    \
                   .rows = 100},                                                                   \
        .schema = "information_schema", .collect = collect_function                                \
    }

const system_source session_system_information_sources[] = {
    INFORMATION_SOURCE("tables", tables_columns, collect_tables),
    INFORMATION_SOURCE("columns", columns_columns, collect_columns),
    INFORMATION_SOURCE("schemata", schemata_columns, collect_schemata),
    {.schema = NULL},
};
