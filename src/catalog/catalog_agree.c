/*
 * catalog_agree.c - definitions read from a file against the relations that they name.
 *
 * What a column is stands twice in a database: here for SQL, and in the descriptor of the
 * storage, which has to read rows before there is a catalog. Plans are made from the one and
 * run on the other, so a file in which they differ, damaged or made by hand, is refused when
 * it is opened rather than met by an operator. Columns of the storage that no definition names
 * are fine: DROP COLUMN leaves them.
 */
#include "catalog/catalog_int.h"

static base_status disagree(const catalog_table *table, const char *what, base_error *error)
{
    return base_error_set(error, BASE_CORRUPT, "the definition of table \"%.*s\" is damaged: %s",
                          (int)BASE_MIN(table->name.length, (size_t)100), table->name.data, what);
}

static bool columns_agree(const catalog_table *table, const table_descriptor *descriptor)
{
    if (table->column_count == 0 || table->column_count > descriptor->column_count)
        return false;
    for (uint32_t i = 0; i < table->column_count; i++) {
        const catalog_column *column = &table->columns[i];
        bool found = column->id < descriptor->column_count &&
                     !descriptor->columns[column->id].dropped &&
                     types_equal(column->type, descriptor->columns[column->id].type);
        for (uint32_t j = 0; j < i && found; j++)
            found = table->columns[j].id != column->id;
        if (!found)
            return false;
    }
    return true;
}

static bool rowid_agrees(const catalog_table *table, const table_descriptor *descriptor)
{
    return table->rowid_column < 0
               ? descriptor->rowid_column < 0
               : (int32_t)table->columns[table->rowid_column].id == descriptor->rowid_column;
}

static bool index_agrees(const catalog_table *table, const catalog_index *index)
{
    const table_index *stored = table_index_by_id(table->relation, index->id);
    if (!stored)
        return false;
    const table_index_descriptor *descriptor = table_index_describe(stored);
    if (descriptor->part_count != index->part_count || descriptor->unique != index->unique)
        return false;
    for (uint32_t i = 0; i < index->part_count; i++) {
        const table_index_part *a = &index->parts[i], *b = &descriptor->parts[i];
        bool named = false; /* DROP COLUMN takes the index with it */
        for (uint32_t c = 0; c < table->column_count && !named; c++)
            named = table->columns[c].id == a->column;
        if (!named || a->column != b->column || a->descending != b->descending ||
            a->nulls_first != b->nulls_first)
            return false;
    }
    return true;
}

static bool key_agrees(const catalog_table *table, const catalog_constraint *key)
{
    bool is_rowid = table->rowid_column >= 0 && key->column_count == 1 &&
                    key->columns[0] == (uint32_t)table->rowid_column;
    if (key->kind == CATALOG_CHECK)
        return true;
    return key->index_id == 0 ? is_rowid
                              : table_index_by_id(table->relation, key->index_id) != NULL;
}

base_status catalog_entry_agree(const catalog_entry *entry, base_error *error)
{
    const catalog_table *table = &entry->table;
    if (table->kind != CATALOG_TABLE)
        return BASE_OK;
    const table_descriptor *descriptor = table_describe(table->relation);
    if (!columns_agree(table, descriptor) || !rowid_agrees(table, descriptor))
        return disagree(table, "its columns are not those of its rows", error);
    for (uint32_t i = 0; i < table->index_count; i++) {
        if (!index_agrees(table, table->indexes[i]))
            return disagree(table, "an index of it is not that of its rows", error);
    }
    for (uint32_t i = 0; i < table->constraint_count; i++) {
        if (!key_agrees(table, &table->constraints[i]))
            return disagree(table, "a key of it has no index", error);
    }
    return BASE_OK;
}

base_status catalog_objects_agree(const table_relation *relation, base_error *error)
{
    const table_descriptor *descriptor = table_describe(relation);
    bool agree = descriptor->column_count == CATALOG_OBJECT_COLUMNS && descriptor->rowid_column < 0;
    for (uint32_t i = 0; i < CATALOG_OBJECT_COLUMNS && agree; i++)
        agree = !descriptor->columns[i].dropped &&
                types_equal(descriptor->columns[i].type, catalog_object_types[i]);
    if (!agree)
        return base_error_set(error, BASE_CORRUPT, "the catalog's own definition is damaged");
    return BASE_OK;
}
