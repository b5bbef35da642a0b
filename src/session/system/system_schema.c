/*
 * system_schema.c - what the database consists of: tuff_schema, tuff_tables, tuff_columns,
 * tuff_indexes.
 */
#include "session/system/system_int.h"
#include "session/session_define_int.h"

/* ---- tuff_schema (SQLite: sqlite_schema, sqlite_master) -------------------------------------- */

static const plan_system_column schema_columns[] = {
    SYSTEM_COLUMN("type", TEXT),     SYSTEM_COLUMN("name", TEXT),
    SYSTEM_COLUMN("tbl_name", TEXT), SYSTEM_COLUMN("rootpage", INTEGER),
    SYSTEM_COLUMN("sql", TEXT),
};

static base_status add_schema_row(system_rows *rows, const char *type, base_text name,
                                  base_text table, uint64_t id, base_text sql)
{
    types_value *row = session_system_add_row(rows);
    if (!row)
        return BASE_OUT_OF_MEMORY;
    row[0] = session_system_text(rows, base_text_of(type));
    row[1] = session_system_text(rows, name);
    row[2] = session_system_text(rows, table);
    row[3] = session_system_integer((int64_t)id);
    row[4] = session_system_text(rows, sql.length ? sql : (base_text){NULL, 0});
    return BASE_OK;
}

/* A definition's text; without one (keys' indexes) NULL. */
static base_status add_with_text(system_rows *rows, const catalog_table *table,
                                 const catalog_index *index)
{
    base_buffer out;
    base_buffer_init(&out, &rows->connection->budget);
    if (index && !index->of_constraint)
        session_index_text(index, &out);
    else if (!index)
        session_table_text(table, &out);
    base_status status = out.failed ? base_error_no_memory(rows->error) : BASE_OK;
    base_text sql = {out.data, out.length};
    if (status == BASE_OK && index)
        status = add_schema_row(rows, "index", index->name, table->name, index->id, sql);
    else if (status == BASE_OK)
        status = add_schema_row(rows, table->kind == CATALOG_VIEW ? "view" : "table", table->name,
                                table->name, table->id, sql);
    base_buffer_destroy(&out);
    return status;
}

static base_status collect_schema(system_rows *rows, const types_value *arguments,
                                  uint32_t argument_count)
{
    uint32_t count = catalog_table_count(rows->schema);
    for (uint32_t i = 0; i < count; i++) {
        const catalog_table *table = catalog_table_at(rows->schema, i);
        RETURN_IF_ERROR(add_with_text(rows, table, NULL));
        for (uint32_t j = 0; j < table->index_count; j++)
            RETURN_IF_ERROR(add_with_text(rows, table, table->indexes[j]));
    }
    return BASE_OK;
}

/* ---- tuff_tables -------------------------------------------------------------------------- */

static const plan_system_column tables_columns[] = {
    SYSTEM_COLUMN("name", TEXT),
    SYSTEM_COLUMN("type", TEXT),
    SYSTEM_COLUMN("temporary", BOOLEAN),
    SYSTEM_COLUMN("column_count", INTEGER),
    SYSTEM_COLUMN("row_count", INTEGER),
    SYSTEM_COLUMN("index_count", INTEGER),
    SYSTEM_COLUMN("creation_order", INTEGER),
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
        row[0] = session_system_text(rows, table->name);
        row[1] =
            session_system_text(rows, base_text_of(table->kind == CATALOG_VIEW ? "view" : "table"));
        row[2] = session_system_boolean(table->temporary);
        row[3] = session_system_integer(table->column_count);
        if (table->relation)
            row[4] = session_system_integer((int64_t)table_row_count(table->relation));
        row[5] = session_system_integer(table->index_count);
        row[6] = session_system_integer(catalog_creation_order(table));
    }
    return BASE_OK;
}

/* ---- tuff_columns ------------------------------------------------------------------------- */

static const plan_system_column columns_columns[] = {
    SYSTEM_COLUMN("table_name", TEXT),     SYSTEM_COLUMN("position", INTEGER),
    SYSTEM_COLUMN("name", TEXT),           SYSTEM_COLUMN("type", TEXT),
    SYSTEM_COLUMN("not_null", BOOLEAN),    SYSTEM_COLUMN("default_value", TEXT),
    SYSTEM_COLUMN("primary_key", INTEGER),
};

static base_status collect_columns(system_rows *rows, const types_value *arguments,
                                   uint32_t argument_count)
{
    uint32_t count = catalog_table_count(rows->schema);
    for (uint32_t i = 0; i < count; i++) {
        const catalog_table *table = catalog_table_at(rows->schema, i);
        for (uint32_t j = 0; j < table->column_count; j++) {
            const catalog_column *column = &table->columns[j];
            types_value *row = session_system_add_row(rows);
            if (!row)
                return BASE_OUT_OF_MEMORY;
            row[0] = session_system_text(rows, table->name);
            row[1] = session_system_integer(j);
            row[2] = session_system_text(rows, column->name);
            row[3] = session_system_type_name(rows, column->type);
            row[4] = session_system_boolean(column->not_null || (int32_t)j == table->rowid_column);
            if (column->default_sql.length)
                row[5] = session_system_text(rows, column->default_sql);
            row[6] = session_system_integer(session_system_key_place(table, j));
        }
    }
    return BASE_OK;
}

/* ---- tuff_indexes ------------------------------------------------------------------------- */

static const plan_system_column indexes_columns[] = {
    SYSTEM_COLUMN("table_name", TEXT),   SYSTEM_COLUMN("name", TEXT),
    SYSTEM_COLUMN("is_unique", BOOLEAN), SYSTEM_COLUMN("origin", TEXT),
    SYSTEM_COLUMN("columns", TEXT),
};

/* "a, b DESC" */
static types_value index_columns(system_rows *rows, const catalog_index *index)
{
    base_buffer out;
    base_buffer_init(&out, &rows->connection->budget);
    for (uint32_t i = 0; i < index->part_count; i++) {
        int32_t place = catalog_column_of_id(index->table, index->parts[i].column);
        BASE_ASSERT(place >= 0); /* an index goes with its columns */
        base_text name = index->table->columns[place].name;
        base_buffer_append_format(&out, "%s%.*s%s", i ? ", " : "", BASE_TEXT_ARGUMENTS(name),
                                  index->parts[i].descending ? " DESC" : "");
    }
    types_value value;
    if (out.failed) {
        base_error_no_memory(rows->error);
        value = types_null_of(TYPES_OF(TEXT));
    } else {
        value = session_system_text(rows, (base_text){out.data, out.length});
    }
    base_buffer_destroy(&out);
    return value;
}

static base_status collect_indexes(system_rows *rows, const types_value *arguments,
                                   uint32_t argument_count)
{
    uint32_t count = catalog_table_count(rows->schema);
    for (uint32_t i = 0; i < count; i++) {
        const catalog_table *table = catalog_table_at(rows->schema, i);
        for (uint32_t j = 0; j < table->index_count; j++) {
            const catalog_index *index = table->indexes[j];
            types_value *row = session_system_add_row(rows);
            if (!row)
                return BASE_OUT_OF_MEMORY;
            row[0] = session_system_text(rows, table->name);
            row[1] = session_system_text(rows, index->name);
            row[2] = session_system_boolean(index->unique);
            const catalog_constraint *key = session_system_key_of(index);
            row[3] = session_system_text(rows, !key ? BASE_TEXT("create index")
                                               : key->kind == CATALOG_PRIMARY_KEY
                                                   ? BASE_TEXT("primary key")
                                                   : BASE_TEXT("unique"));
            row[4] = index_columns(rows, index);
        }
    }
    return BASE_OK;
}

const system_source session_system_schema_sources[] = {
    SYSTEM_SOURCE("tuff_schema", schema_columns, 0, 0, NULL, collect_schema),
    SYSTEM_SOURCE("sqlite_schema", schema_columns, 0, 0, NULL, collect_schema),
    SYSTEM_SOURCE("sqlite_master", schema_columns, 0, 0, NULL, collect_schema),
    SYSTEM_SOURCE("tuff_tables", tables_columns, 0, 0, NULL, collect_tables),
    SYSTEM_SOURCE("tuff_columns", columns_columns, 0, 0, NULL, collect_columns),
    SYSTEM_SOURCE("tuff_indexes", indexes_columns, 0, 0, NULL, collect_indexes),
    {.schema = NULL},
};
