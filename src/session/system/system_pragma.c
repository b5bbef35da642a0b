/*
 * system_pragma.c - pragmas that ask, as relations: PRAGMA x(y) is SELECT * FROM pragma_x('y').
 */
#include "session/system/system_int.h"

static const types_type one_text[] = {{.kind = TYPES_TEXT}};

/* ---- table_info, table_list ---------------------------------------------------------------- */

static const plan_system_column table_info_columns[] = {
    SYSTEM_COLUMN("cid", INTEGER),     SYSTEM_COLUMN("name", TEXT),
    SYSTEM_COLUMN("type", TEXT),       SYSTEM_COLUMN("notnull", INTEGER),
    SYSTEM_COLUMN("dflt_value", TEXT), SYSTEM_COLUMN("pk", INTEGER),
};

static base_status collect_table_info(system_rows *rows, const types_value *arguments,
                                      uint32_t argument_count)
{
    base_text name;
    if (!session_system_argument_text(arguments, argument_count, 0, &name))
        return BASE_OK;
    const catalog_table *table = catalog_find_table(rows->schema, name);
    for (uint32_t i = 0; table && i < table->column_count; i++) {
        const catalog_column *column = &table->columns[i];
        types_value *row = session_system_add_row(rows);
        if (!row)
            return BASE_OUT_OF_MEMORY;
        row[0] = session_system_integer(i);
        row[1] = session_system_text(rows, column->name);
        row[2] = session_system_type_name(rows, column->type);
        row[3] = session_system_integer(column->not_null);
        if (column->default_sql.length)
            row[4] = session_system_text(rows, column->default_sql);
        row[5] = session_system_integer(session_system_key_place(table, i));
    }
    return BASE_OK;
}

static const plan_system_column table_list_columns[] = {
    SYSTEM_COLUMN("schema", TEXT),
    SYSTEM_COLUMN("name", TEXT),
    SYSTEM_COLUMN("type", TEXT),
    SYSTEM_COLUMN("ncol", INTEGER),
};

static base_status collect_table_list(system_rows *rows, const types_value *arguments,
                                      uint32_t argument_count)
{
    uint32_t count = catalog_table_count(rows->schema);
    for (uint32_t i = 0; i < count; i++) {
        const catalog_table *table = catalog_table_at(rows->schema, i);
        types_value *row = session_system_add_row(rows);
        if (!row)
            return BASE_OUT_OF_MEMORY;
        row[0] = session_system_text(rows, base_text_of(table->temporary ? "temp" : "main"));
        row[1] = session_system_text(rows, table->name);
        row[2] =
            session_system_text(rows, base_text_of(table->kind == CATALOG_VIEW ? "view" : "table"));
        row[3] = session_system_integer(table->column_count);
    }
    return BASE_OK;
}

/* ---- index_list, index_info ------------------------------------------------------------------ */

static const plan_system_column index_list_columns[] = {
    SYSTEM_COLUMN("seq", INTEGER),     SYSTEM_COLUMN("name", TEXT),
    SYSTEM_COLUMN("unique", INTEGER),  SYSTEM_COLUMN("origin", TEXT),
    SYSTEM_COLUMN("partial", INTEGER),
};

static base_status collect_index_list(system_rows *rows, const types_value *arguments,
                                      uint32_t argument_count)
{
    base_text name;
    if (!session_system_argument_text(arguments, argument_count, 0, &name))
        return BASE_OK;
    const catalog_table *table = catalog_find_table(rows->schema, name);
    for (uint32_t i = 0; table && i < table->index_count; i++) {
        const catalog_index *index = table->indexes[i];
        types_value *row = session_system_add_row(rows);
        if (!row)
            return BASE_OUT_OF_MEMORY;
        row[0] = session_system_integer(i);
        row[1] = session_system_text(rows, index->name);
        row[2] = session_system_integer(index->unique);
        const catalog_constraint *key = session_system_key_of(index);
        row[3] = session_system_text(rows, !key                               ? BASE_TEXT("c")
                                           : key->kind == CATALOG_PRIMARY_KEY ? BASE_TEXT("pk")
                                                                              : BASE_TEXT("u"));
        row[4] = session_system_integer(0);
    }
    return BASE_OK;
}

static const plan_system_column index_info_columns[] = {
    SYSTEM_COLUMN("seqno", INTEGER),
    SYSTEM_COLUMN("cid", INTEGER),
    SYSTEM_COLUMN("name", TEXT),
    SYSTEM_COLUMN("desc", INTEGER),
};

static base_status collect_index_info(system_rows *rows, const types_value *arguments,
                                      uint32_t argument_count)
{
    base_text name;
    if (!session_system_argument_text(arguments, argument_count, 0, &name))
        return BASE_OK;
    const catalog_index *index = catalog_find_index(rows->schema, name);
    for (uint32_t i = 0; index && i < index->part_count; i++) {
        const catalog_table *table = index->table;
        types_value *row = session_system_add_row(rows);
        if (!row)
            return BASE_OUT_OF_MEMORY;
        row[0] = session_system_integer(i);
        int32_t place = catalog_column_of_id(table, index->parts[i].column);
        BASE_ASSERT(place >= 0); /* an index goes with its columns */
        row[1] = session_system_integer(place);
        row[2] = session_system_text(rows, table->columns[place].name);
        row[3] = session_system_integer(index->parts[i].descending);
    }
    return BASE_OK;
}

/* ---- volume_stats -------------------------------------------------------------------------- */

static const plan_system_column volume_stats_columns[] = {
    SYSTEM_COLUMN("table_name", TEXT), SYSTEM_COLUMN("tier", TEXT),
    SYSTEM_COLUMN("part", INTEGER),    SYSTEM_COLUMN("rows", INTEGER),
    SYSTEM_COLUMN("bytes", INTEGER),   SYSTEM_COLUMN("dead", INTEGER),
    SYSTEM_COLUMN("run", INTEGER), /* of cold parts; a row lies in one part of each at most */
};

typedef struct part_report {
    system_rows *rows;
    base_text table;
    base_status status;
} part_report;

static void report_part(void *context, const table_part_info *info)
{
    part_report *report = context;
    types_value *row = session_system_add_row(report->rows);
    if (!row) {
        report->status = BASE_OUT_OF_MEMORY;
        return;
    }
    row[0] = session_system_text(report->rows, report->table);
    row[1] = session_system_text(report->rows, base_text_of(info->tier));
    row[2] = session_system_integer((int64_t)info->part_id);
    row[3] = session_system_integer((int64_t)info->row_count);
    row[4] = session_system_integer((int64_t)info->byte_count);
    row[5] = session_system_integer((int64_t)info->dead_count);
    row[6] = session_system_integer((int64_t)info->run);
}

static base_status collect_volume_stats(system_rows *rows, const types_value *arguments,
                                        uint32_t argument_count)
{
    base_text only;
    bool one = session_system_argument_text(arguments, argument_count, 0, &only);
    uint32_t count = catalog_table_count(rows->schema);
    for (uint32_t i = 0; i < count; i++) {
        const catalog_table *table = catalog_table_at(rows->schema, i);
        if (!table->relation || (one && !base_text_equal_folded(table->name, only)))
            continue;
        part_report report = {rows, table->name, BASE_OK};
        table_list_parts(table->relation, report_part, &report);
        RETURN_IF_ERROR(report.status);
    }
    return BASE_OK;
}

/* ---- integrity_check ----------------------------------------------------------------------- */

static const plan_system_column integrity_columns[] = {SYSTEM_COLUMN("integrity_check", TEXT)};

static void report_problem(void *context, const char *problem)
{
    system_rows *rows = context;
    types_value *row = session_system_add_row(rows);
    if (row)
        row[0] = session_system_text(rows, base_text_of(problem));
}

static base_status collect_integrity(system_rows *rows, const types_value *arguments,
                                     uint32_t argument_count)
{
    table_database *database = rows->connection->database->table;
    RETURN_IF_ERROR(table_check_integrity(database, report_problem, rows, rows->error));
    if (rows->row_count == 0)
        report_problem(rows, "ok");
    return BASE_OK;
}

/* ---- database_list ------------------------------------------------------------------------- */

static const plan_system_column database_list_columns[] = {
    SYSTEM_COLUMN("seq", INTEGER),
    SYSTEM_COLUMN("name", TEXT),
};

static base_status collect_database_list(system_rows *rows, const types_value *arguments,
                                         uint32_t argument_count)
{
    types_value *row = session_system_add_row(rows);
    if (!row)
        return BASE_OUT_OF_MEMORY;
    row[0] = session_system_integer(0);
    row[1] = session_system_text(rows, BASE_TEXT("main"));
    return BASE_OK;
}

const system_source session_system_pragma_sources[] = {
    SYSTEM_SOURCE("pragma_table_info", table_info_columns, 1, 1, one_text, collect_table_info),
    SYSTEM_SOURCE("pragma_table_xinfo", table_info_columns, 1, 1, one_text, collect_table_info),
    SYSTEM_SOURCE("pragma_table_list", table_list_columns, 0, 0, NULL, collect_table_list),
    SYSTEM_SOURCE("pragma_index_list", index_list_columns, 1, 1, one_text, collect_index_list),
    SYSTEM_SOURCE("pragma_index_info", index_info_columns, 1, 1, one_text, collect_index_info),
    SYSTEM_SOURCE("pragma_index_xinfo", index_info_columns, 1, 1, one_text, collect_index_info),
    SYSTEM_SOURCE("pragma_volume_stats", volume_stats_columns, 0, 1, one_text,
                  collect_volume_stats),
    SYSTEM_SOURCE("pragma_integrity_check", integrity_columns, 0, 0, NULL, collect_integrity),
    SYSTEM_SOURCE("pragma_quick_check", integrity_columns, 0, 0, NULL, collect_integrity),
    SYSTEM_SOURCE("pragma_database_list", database_list_columns, 0, 0, NULL, collect_database_list),
    {.schema = NULL},
};
