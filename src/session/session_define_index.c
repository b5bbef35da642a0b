/*
 * session_define_index.c - CREATE INDEX and REINDEX.
 */
#include "session/session_define_int.h"

/* "t_a_b_idx", with a number where that is taken. */
static base_status made_name(session_run *run, const catalog_table *table,
                             const table_index_part *parts, uint32_t count, base_text *name)
{
    base_buffer out;
    base_buffer_init(&out, &run->connection->budget);
    base_buffer_append(&out, table->name.data, table->name.length);
    for (uint32_t i = 0; i < count; i++) {
        base_text column = table->columns[parts[i].column].name;
        base_buffer_append_byte(&out, '_');
        base_buffer_append(&out, column.data, column.length);
    }
    base_buffer_append_text(&out, "_idx");
    size_t stem = out.length;
    for (uint32_t number = 1; !out.failed; number++) {
        base_text candidate = {out.data, out.length};
        if (!catalog_find_index(run->schema, candidate) &&
            !catalog_find_table(run->schema, candidate))
            break;
        out.length = stem;
        base_buffer_append_format(&out, "%u", number);
    }
    char *copy = out.failed ? NULL : base_arena_copy_text(run->arena, out.data, out.length);
    *name = (base_text){copy, out.length};
    base_buffer_destroy(&out);
    return copy ? BASE_OK : base_error_no_memory(run->error);
}

static base_status refuse_unavailable(session_run *run, const parser_create_index *tree)
{
    base_text method = tree->method.text;
    if (method.length && !base_text_equal_folded(method, BASE_TEXT("btree")))
        return base_error_set_at(run->error, BASE_NOT_SUPPORTED, tree->method.position,
                                 "index kind \"%.*s\" is not available",
                                 BASE_TEXT_ARGUMENTS(method));
    if (tree->where)
        return session_not_available(run, tree->where->position, "an index with WHERE");
    return BASE_OK;
}

/* Rows that were there before the index have equal keys: what could not be made, and where. */
static base_status name_duplicate(session_run *run, const catalog_table *table, base_text name)
{
    const parser_create_index *tree = run->tree->create_index;
    char index[BASE_ERROR_NAME_SIZE], of[BASE_ERROR_NAME_SIZE];
    snprintf(index, sizeof index, "%.*s", BASE_TEXT_ARGUMENTS(name));
    snprintf(of, sizeof of, "%.*s", BASE_TEXT_ARGUMENTS(table->name));
    base_error_set_detail(run->error, "the unique index \"%s\" of table \"%s\" cannot be made",
                          index, of);
    base_error_set_names(run->error, of, NULL, index);
    return base_error_place(run->error, BASE_UNIQUE_VIOLATION, tree->table.name.position);
}

base_status session_create_index(session_run *run)
{
    const parser_create_index *tree = run->tree->create_index;
    const catalog_table *table;
    bool temporary;
    RETURN_IF_ERROR(session_check_schema(run, &tree->name, &temporary));
    RETURN_IF_ERROR(refuse_unavailable(run, tree));
    RETURN_IF_ERROR(session_find_base_table(run, &tree->table, &table));
    base_text name = tree->name.name.text;
    if (name.length && catalog_find_index(run->schema, name)) {
        if (tree->if_not_exists)
            return BASE_OK;
        return base_error_set_at(run->error, BASE_DUPLICATE_TABLE, tree->name.name.position,
                                 "index \"%.*s\" already exists", BASE_TEXT_ARGUMENTS(name));
    }
    table_index_part *parts;
    RETURN_IF_ERROR(session_index_parts(run, tree->parts, tree->part_count, table->name,
                                        table->columns, table->column_count, &parts));
    if (!name.length)
        RETURN_IF_ERROR(made_name(run, table, parts, tree->part_count, &name));
    for (uint32_t i = 0; i < tree->part_count; i++)
        parts[i].column = table->columns[parts[i].column].id;
    base_text sql = parser_source(run->sql, run->tree->position, run->tree->end);
    base_status status =
        catalog_create_index(run->connection->database->catalog, run->transaction, name, table,
                             tree->unique, tree->part_count, parts, sql, run->error);
    return status == BASE_UNIQUE_VIOLATION ? name_duplicate(run, table, name) : status;
}

/* ---- REINDEX ------------------------------------------------------------------------------ */

static base_status rebuild_all_of(session_run *run, const catalog_table *table)
{
    for (uint32_t i = 0; i < table->index_count; i++)
        RETURN_IF_ERROR(table_index_rebuild(run->transaction, table->indexes[i]->id, run->error));
    return BASE_OK;
}

base_status session_reindex(session_run *run)
{
    const parser_object *object = &run->tree->reindex.name;
    base_text name = object->name.text;
    base_text kind = run->tree->reindex.kind.text;
    bool temporary;
    if (!name.length || base_text_equal_folded(kind, BASE_TEXT("database"))) {
        uint32_t count = catalog_table_count(run->schema);
        for (uint32_t i = 0; i < count; i++)
            RETURN_IF_ERROR(rebuild_all_of(run, catalog_table_at(run->schema, i)));
        return BASE_OK;
    }
    RETURN_IF_ERROR(session_check_schema(run, object, &temporary));
    const catalog_index *index = catalog_find_index(run->schema, name);
    if (index && !base_text_equal_folded(kind, BASE_TEXT("table")))
        return table_index_rebuild(run->transaction, index->id, run->error);
    const catalog_table *table = catalog_find_table(run->schema, name);
    if (table && !base_text_equal_folded(kind, BASE_TEXT("index")))
        return rebuild_all_of(run, table);
    return base_error_set_at(run->error, BASE_UNDEFINED_OBJECT, object->name.position,
                             "there is no table or index \"%.*s\"", BASE_TEXT_ARGUMENTS(name));
}
