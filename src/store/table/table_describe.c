/*
 * table_describe.c - descriptors of relations, columns and indexes as bytes, for log and file.
 */
#include "store/table/table_bytes_int.h"

static void put_u32(base_buffer *bytes, uint32_t value)
{
    base_buffer_append(bytes, &value, sizeof value);
}

static void put_u64(base_buffer *bytes, uint64_t value)
{
    base_buffer_append(bytes, &value, sizeof value);
}

static void put_type(base_buffer *bytes, types_type type)
{
    base_buffer_append_byte(bytes, (char)type.kind);
    base_buffer_append_byte(bytes, (char)type.precision);
    base_buffer_append_byte(bytes, (char)type.scale);
    base_buffer_append_byte(bytes, (char)type.flags);
    put_u32(bytes, type.length);
}

static bool get_type(table_bytes *bytes, types_type *type)
{
    if (bytes->end - bytes->next < 4)
        return false;
    type->kind = bytes->next[0];
    type->precision = bytes->next[1];
    type->scale = bytes->next[2];
    type->flags = bytes->next[3];
    bytes->next += 4;
    return table_unpack_u32(bytes, &type->length) && types_is_valid(*type);
}

enum {
    COLUMN_DROPPED = 1,
    COLUMN_HAS_MISSING = 2,
    PART_DESCENDING = 1,
    PART_NULLS_FIRST = 2,
};

void table_put_column(const table_column *column, base_buffer *bytes)
{
    put_type(bytes, column->type);
    put_u32(bytes, (column->dropped ? COLUMN_DROPPED : 0u) |
                       (column->missing.is_null ? 0u : COLUMN_HAS_MISSING));
    if (column->missing.is_null)
        return;
    types_form form = types_form_of(column->type);
    size_t size =
        form == TYPES_FORM_STRING ? 4 + column->missing.cell.string.length : types_form_size(form);
    if (!base_buffer_reserve(bytes, size))
        return;
    (void)table_pack_value(form, &column->missing.cell,
                           (unsigned char *)bytes->data + bytes->length);
    bytes->length += size;
}

bool table_get_column(table_bytes *bytes, table_column *column)
{
    uint32_t flags;
    memset(column, 0, sizeof *column);
    if (!get_type(bytes, &column->type) || !table_unpack_u32(bytes, &flags))
        return false;
    column->dropped = (flags & COLUMN_DROPPED) != 0;
    column->missing = types_null_of(column->type);
    if (flags & COLUMN_HAS_MISSING) {
        column->missing.is_null = false;
        return table_unpack_value(bytes, types_form_of(column->type), &column->missing.cell);
    }
    return true;
}

void table_put_descriptor(const table_relation *relation, base_buffer *bytes)
{
    const table_descriptor *descriptor = &relation->descriptor;
    put_u64(bytes, relation->entry->id);
    put_u32(bytes, descriptor->column_count);
    put_u32(bytes, (uint32_t)descriptor->rowid_column);
    for (uint32_t i = 0; i < descriptor->column_count; i++)
        table_put_column(&descriptor->columns[i], bytes);
}

base_status table_get_descriptor(table_bytes *bytes, base_arena *arena,
                                 table_descriptor *descriptor, base_error *error)
{
    uint32_t rowid_column;
    if (!table_unpack_u64(bytes, &descriptor->id) ||
        !table_unpack_u32(bytes, &descriptor->column_count) ||
        !table_unpack_u32(bytes, &rowid_column) || descriptor->column_count > TABLE_MAX_COLUMNS)
        return table_corrupt("a table's definition", error);
    descriptor->rowid_column = (int32_t)rowid_column;
    table_column *columns =
        base_arena_allocate_array(arena, descriptor->column_count, sizeof *columns);
    if (!columns)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < descriptor->column_count; i++) {
        if (!table_get_column(bytes, &columns[i]))
            return table_corrupt("a table's definition", error);
    }
    int32_t rowid = descriptor->rowid_column;
    if (rowid < -1 || (rowid >= 0 && ((uint32_t)rowid >= descriptor->column_count ||
                                      columns[rowid].type.kind != TYPES_INTEGER)))
        return table_corrupt("a table's definition", error);
    descriptor->columns = columns;
    return BASE_OK;
}

void table_put_index(const table_index *index, base_buffer *bytes)
{
    const table_index_descriptor *descriptor = &index->descriptor;
    put_u64(bytes, descriptor->id);
    put_u64(bytes, descriptor->relation_id);
    put_u32(bytes, descriptor->unique);
    put_u32(bytes, descriptor->part_count);
    for (uint32_t i = 0; i < descriptor->part_count; i++) {
        const table_index_part *part = &descriptor->parts[i];
        put_u32(bytes, part->column);
        put_u32(bytes, (part->descending ? PART_DESCENDING : 0u) |
                           (part->nulls_first ? PART_NULLS_FIRST : 0u));
    }
}

base_status table_get_index(table_bytes *bytes, base_arena *arena,
                            table_index_descriptor *descriptor, base_error *error)
{
    uint32_t unique;
    if (!table_unpack_u64(bytes, &descriptor->id) ||
        !table_unpack_u64(bytes, &descriptor->relation_id) || !table_unpack_u32(bytes, &unique) ||
        !table_unpack_u32(bytes, &descriptor->part_count) ||
        descriptor->part_count > TABLE_MAX_KEY_PARTS)
        return table_corrupt("an index's definition", error);
    descriptor->unique = unique != 0;
    table_index_part *parts =
        base_arena_allocate_array(arena, descriptor->part_count, sizeof *parts);
    if (!parts)
        return base_error_no_memory(error);
    for (uint32_t i = 0; i < descriptor->part_count; i++) {
        uint32_t flags;
        if (!table_unpack_u32(bytes, &parts[i].column) || !table_unpack_u32(bytes, &flags))
            return table_corrupt("an index's definition", error);
        parts[i].descending = (flags & PART_DESCENDING) != 0;
        parts[i].nulls_first = (flags & PART_NULLS_FIRST) != 0;
    }
    descriptor->parts = parts;
    return BASE_OK;
}

base_status table_corrupt(const char *what, base_error *error)
{
    return base_error_set(error, BASE_CORRUPT, "%s in the file or log is damaged", what);
}
