/*
 * catalog_body.c - a definition as bytes, for the `body` column of the objects relation.
 *
 * Little-endian, counted, with a format number first: fields are only ever added at the
 * end of a group under a new number. A text form (the stored CREATE statement, as SQLite
 * does) was rejected: it would have to be parsed at every open and could not carry column
 * ids across ALTER.
 *
 *   u8 format | u32 columns | i32 rowid column
 *   per column: text name | type (4 x u8, u32 length) | u32 id | u8 not null | text default |
 *               text collation
 *   u32 constraints; per constraint: u8 kind | text name | u32 n | n x u32 place | u64 index |
 *               text check
 *   u32 indexes; per index: text name | u64 id | u8 flags (1 unique, 2 of a constraint) |
 *               u32 n | n x (u32 column, u8 flags: 1 descending, 2 nulls first) | text sql
 *   text view_sql                                       (text: u32 length, bytes)
 */
#include "catalog/catalog_int.h"

bool catalog_copy_text(base_arena *arena, base_text *to, base_text from)
{
    char *copy = base_arena_copy_text(arena, from.data, from.length);
    *to = (base_text){copy, from.length};
    return copy != NULL;
}

static void write_u8(base_buffer *body, uint8_t value)
{
    base_buffer_append(body, &value, 1);
}

static void write_u32(base_buffer *body, uint32_t value)
{
    base_buffer_append(body, &value, sizeof value);
}

static void write_u64(base_buffer *body, uint64_t value)
{
    base_buffer_append(body, &value, sizeof value);
}

static void write_text(base_buffer *body, base_text text)
{
    write_u32(body, (uint32_t)text.length);
    base_buffer_append(body, text.data, text.length);
}

static void write_columns(const catalog_table *table, base_buffer *body)
{
    write_u32(body, table->column_count);
    write_u32(body, (uint32_t)table->rowid_column);
    for (uint32_t i = 0; i < table->column_count; i++) {
        const catalog_column *column = &table->columns[i];
        write_text(body, column->name);
        write_u8(body, column->type.kind);
        write_u8(body, column->type.precision);
        write_u8(body, column->type.scale);
        write_u8(body, column->type.flags);
        write_u32(body, column->type.length);
        write_u32(body, column->id);
        write_u8(body, column->not_null);
        write_text(body, column->default_sql);
        write_text(body, column->collation);
    }
}

void catalog_body_write(const catalog_table *table, base_buffer *body)
{
    write_u8(body, CATALOG_BODY_FORMAT);
    write_columns(table, body);
    write_u32(body, table->constraint_count);
    for (uint32_t i = 0; i < table->constraint_count; i++) {
        const catalog_constraint *constraint = &table->constraints[i];
        write_u8(body, (uint8_t)constraint->kind);
        write_text(body, constraint->name);
        write_u32(body, constraint->column_count);
        for (uint32_t j = 0; j < constraint->column_count; j++)
            write_u32(body, constraint->columns[j]);
        write_u64(body, constraint->index_id);
        write_text(body, constraint->check_sql);
    }
    write_u32(body, table->index_count);
    for (uint32_t i = 0; i < table->index_count; i++) {
        const catalog_index *index = table->indexes[i];
        write_text(body, index->name);
        write_u64(body, index->id);
        write_u8(body, (uint8_t)(index->unique | index->of_constraint << 1));
        write_u32(body, index->part_count);
        for (uint32_t j = 0; j < index->part_count; j++) {
            write_u32(body, index->parts[j].column);
            write_u8(body,
                     (uint8_t)(index->parts[j].descending | index->parts[j].nulls_first << 1));
        }
        write_text(body, index->sql);
    }
    write_text(body, table->view_sql);
}

/* Reads with bounds; after a failure every further read gives zeros. */
typedef struct body_reader {
    base_text left;
    base_arena *arena;
    bool failed; /* the bytes are no body */
    bool no_memory;
} body_reader;

static void read_bytes(body_reader *reader, void *to, size_t size)
{
    if (reader->failed || reader->left.length < size) {
        reader->failed = true;
        memset(to, 0, size);
        return;
    }
    memcpy(to, reader->left.data, size);
    reader->left.data += size;
    reader->left.length -= size;
}

static uint8_t read_u8(body_reader *reader)
{
    uint8_t value;
    read_bytes(reader, &value, sizeof value);
    return value;
}

static uint32_t read_u32(body_reader *reader)
{
    uint32_t value;
    read_bytes(reader, &value, sizeof value);
    return value;
}

static uint64_t read_u64(body_reader *reader)
{
    uint64_t value;
    read_bytes(reader, &value, sizeof value);
    return value;
}

static base_text read_text(body_reader *reader)
{
    uint32_t length = read_u32(reader);
    if (reader->failed || reader->left.length < length) {
        reader->failed = true;
        return (base_text){"", 0};
    }
    base_text text;
    if (!catalog_copy_text(reader->arena, &text, (base_text){reader->left.data, length}))
        reader->failed = reader->no_memory = true;
    reader->left.data += length;
    reader->left.length -= length;
    return text;
}

/* Room for `count` elements, each of which takes at least a byte of what is left. */
static void *read_array(body_reader *reader, uint32_t count, size_t size)
{
    if (reader->failed || count > reader->left.length) {
        reader->failed = true;
        return NULL;
    }
    void *array = base_arena_allocate_array(reader->arena, count ? count : 1, size);
    if (!array)
        reader->failed = reader->no_memory = true;
    return array;
}

static void read_columns(body_reader *reader, catalog_table *table)
{
    uint32_t count = read_u32(reader);
    table->rowid_column = (int32_t)read_u32(reader);
    table->columns = read_array(reader, count, sizeof *table->columns);
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        catalog_column *column = &table->columns[i];
        column->name = read_text(reader);
        column->type.kind = read_u8(reader);
        column->type.precision = read_u8(reader);
        column->type.scale = read_u8(reader);
        column->type.flags = read_u8(reader);
        column->type.length = read_u32(reader);
        column->id = read_u32(reader);
        column->not_null = read_u8(reader);
        column->default_sql = read_text(reader);
        column->collation = read_text(reader);
        reader->failed |= !types_is_valid(column->type);
        table->column_count = i + 1;
    }
    reader->failed |= table->rowid_column < -1 || table->rowid_column >= (int32_t)count;
}

static void read_constraints(body_reader *reader, catalog_table *table)
{
    uint32_t count = read_u32(reader);
    table->constraints = read_array(reader, count, sizeof *table->constraints);
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        catalog_constraint *constraint = &table->constraints[i];
        constraint->kind = read_u8(reader);
        constraint->name = read_text(reader);
        constraint->column_count = read_u32(reader);
        constraint->columns =
            read_array(reader, constraint->column_count, sizeof *constraint->columns);
        for (uint32_t j = 0; j < constraint->column_count && !reader->failed; j++) {
            constraint->columns[j] = read_u32(reader);
            reader->failed |= constraint->columns[j] >= table->column_count;
        }
        constraint->index_id = read_u64(reader);
        constraint->check_sql = read_text(reader);
        reader->failed |= constraint->kind > CATALOG_CHECK;
        table->constraint_count = i + 1;
    }
}

static void read_indexes(body_reader *reader, catalog_table *table)
{
    uint32_t count = read_u32(reader);
    table->indexes = read_array(reader, count, sizeof *table->indexes);
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        catalog_index *index = read_array(reader, 1, sizeof *index);
        if (!index)
            return;
        index->table = table;
        index->name = read_text(reader);
        index->id = read_u64(reader);
        uint8_t flags = read_u8(reader);
        index->unique = flags & 1;
        index->of_constraint = flags & 2;
        index->part_count = read_u32(reader);
        index->parts = read_array(reader, index->part_count, sizeof *index->parts);
        for (uint32_t j = 0; j < index->part_count && !reader->failed; j++) {
            index->parts[j].column = read_u32(reader);
            uint8_t part_flags = read_u8(reader);
            index->parts[j].descending = part_flags & 1;
            index->parts[j].nulls_first = part_flags & 2;
        }
        index->sql = read_text(reader);
        table->indexes[i] = index;
        table->index_count = i + 1;
    }
}

base_status catalog_body_read(catalog_entry *entry, base_text body, base_error *error)
{
    body_reader reader = {.left = body, .arena = &entry->arena};
    uint8_t format = read_u8(&reader);
    if (!reader.failed && format != CATALOG_BODY_FORMAT)
        return base_error_set(error, BASE_FORMAT, "catalog entry of unknown format %u", format);
    read_columns(&reader, &entry->table);
    read_constraints(&reader, &entry->table);
    read_indexes(&reader, &entry->table);
    entry->table.view_sql = read_text(&reader);
    if (reader.no_memory)
        return base_error_no_memory(error);
    if (reader.failed || reader.left.length)
        return base_error_set(error, BASE_CORRUPT, "a catalog entry is damaged");
    return BASE_OK;
}
