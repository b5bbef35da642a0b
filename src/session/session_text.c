/*
 * session_text.c - definitions as SQL text, for tables that no longer are as they were written.
 *
 * The text that a user wrote is kept and shown until ALTER makes it untrue; from then on the
 * definition is written out from the catalog. What comes out can be run again (.dump).
 */
#include "session/session_define_int.h"

void session_append_name(base_buffer *out, base_text name)
{
    if (!parser_needs_quotes(name)) {
        base_buffer_append(out, name.data, name.length);
        return;
    }
    base_buffer_append_byte(out, '"');
    for (size_t i = 0; i < name.length; i++) {
        if (name.data[i] == '"')
            base_buffer_append_byte(out, '"');
        base_buffer_append_byte(out, name.data[i]);
    }
    base_buffer_append_byte(out, '"');
}

static void append_column(const catalog_column *column, base_buffer *out)
{
    char type[TYPES_NAME_SIZE];
    session_append_name(out, column->name);
    base_buffer_append_format(out, " %s", types_name(column->type, type));
    if (column->not_null)
        base_buffer_append_text(out, " NOT NULL");
    if (column->default_sql.length)
        base_buffer_append_format(out, " DEFAULT (%.*s)", BASE_TEXT_ARGUMENTS(column->default_sql));
}

static const catalog_index *index_by_id(const catalog_table *table, uint64_t id)
{
    for (uint32_t i = 0; i < table->index_count; i++) {
        if (table->indexes[i]->id == id)
            return table->indexes[i];
    }
    return NULL;
}

static void append_constraint(const catalog_table *table, const catalog_constraint *constraint,
                              base_buffer *out)
{
    base_buffer_append_text(out, ", CONSTRAINT ");
    session_append_name(out, constraint->name);
    if (constraint->kind == CATALOG_CHECK) {
        base_buffer_append_format(out, " CHECK (%.*s)", BASE_TEXT_ARGUMENTS(constraint->check_sql));
        return;
    }
    const catalog_index *index = index_by_id(table, constraint->index_id);
    base_buffer_append_text(out,
                            constraint->kind == CATALOG_PRIMARY_KEY ? " PRIMARY KEY" : " UNIQUE");
    for (uint32_t i = 0; i < constraint->column_count; i++) {
        base_buffer_append_text(out, i ? ", " : " (");
        session_append_name(out, table->columns[constraint->columns[i]].name);
        if (index && index->parts[i].descending)
            base_buffer_append_text(out, " DESC");
    }
    base_buffer_append_byte(out, ')');
}

void session_table_text(const catalog_table *table, base_buffer *out)
{
    if (table->sql.length) {
        base_buffer_append(out, table->sql.data, table->sql.length);
        return;
    }
    base_buffer_append_text(out, "CREATE TABLE ");
    session_append_name(out, table->name);
    for (uint32_t i = 0; i < table->column_count; i++) {
        base_buffer_append_text(out, i ? ", " : " (");
        append_column(&table->columns[i], out);
    }
    for (uint32_t i = 0; i < table->constraint_count; i++)
        append_constraint(table, &table->constraints[i], out);
    base_buffer_append_byte(out, ')');
}

void session_index_text(const catalog_index *index, base_buffer *out)
{
    if (index->sql.length) {
        base_buffer_append(out, index->sql.data, index->sql.length);
        return;
    }
    base_buffer_append_text(out, index->unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    session_append_name(out, index->name);
    base_buffer_append_text(out, " ON ");
    session_append_name(out, index->table->name);
    for (uint32_t i = 0; i < index->part_count; i++) {
        const table_index_part *part = &index->parts[i];
        base_buffer_append_text(out, i ? ", " : " (");
        int32_t place = catalog_column_of_id(index->table, part->column);
        BASE_ASSERT(place >= 0); /* an index goes with its columns */
        session_append_name(out, index->table->columns[place].name);
        if (part->descending)
            base_buffer_append_text(out, " DESC");
        if (part->nulls_first != part->descending)
            base_buffer_append_text(out, part->nulls_first ? " NULLS FIRST" : " NULLS LAST");
    }
    base_buffer_append_byte(out, ')');
}
