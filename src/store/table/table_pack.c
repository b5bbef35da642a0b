/*
 * table_pack.c - rows as bytes: the form that the log and small checkpoints share.
 *
 * A row is its rowid, one bit per column (set: a value follows) and the values in order:
 * fixed-width ones as they lie in memory, strings with a 32-bit length in front. The rowid
 * column and dropped columns have no value. Columns behind the last one that the row knows
 * (added later) read their `missing` value, so the count is written once per batch.
 *
 * Whoever unpacks does not trust the bytes: they are checksummed, but a defect or a foreign
 * file must end in an error.
 */
#include "store/table/table_bytes_int.h"

static bool is_packed(const table_relation *relation, uint32_t column)
{
    return !relation->descriptor.columns[column].dropped &&
           relation->descriptor.rowid_column != (int32_t)column;
}

size_t table_pack_size(const table_relation *relation, const types_cell *cells, const bool *nulls)
{
    uint32_t count = relation->descriptor.column_count;
    size_t size = sizeof(int64_t) + (count + 7) / 8;
    for (uint32_t c = 0; c < count; c++) {
        if (nulls[c] || !is_packed(relation, c))
            continue;
        types_form form = types_form_of(relation->descriptor.columns[c].type);
        size += form == TYPES_FORM_STRING ? sizeof(uint32_t) + cells[c].string.length
                                          : types_form_size(form);
    }
    return size;
}

unsigned char *table_pack_value(types_form form, const types_cell *cell, unsigned char *to)
{
    if (form == TYPES_FORM_STRING) {
        base_store_u32(to, cell->string.length);
        memcpy(to + 4, types_string_data(&cell->string), cell->string.length);
        return to + 4 + cell->string.length;
    }
    memcpy(to, cell, types_form_size(form));
    return to + types_form_size(form);
}

unsigned char *table_pack_row(const table_relation *relation, int64_t rowid,
                              const types_cell *cells, const bool *nulls, unsigned char *to)
{
    uint32_t count = relation->descriptor.column_count;
    base_store_u64(to, (uint64_t)rowid);
    unsigned char *bits = to + sizeof(int64_t);
    memset(bits, 0, (count + 7) / 8);
    to = bits + (count + 7) / 8;
    for (uint32_t c = 0; c < count; c++) {
        if (nulls[c] || !is_packed(relation, c))
            continue;
        bits[c / 8] |= (unsigned char)(1u << (c % 8));
        to = table_pack_value(types_form_of(relation->descriptor.columns[c].type), &cells[c], to);
    }
    return to;
}

bool table_unpack_value(table_bytes *bytes, types_form form, types_cell *cell)
{
    size_t left = (size_t)(bytes->end - bytes->next);
    if (form == TYPES_FORM_STRING) {
        if (left < 4)
            return false;
        uint32_t length = base_load_u32(bytes->next);
        if (left - 4 < length)
            return false;
        cell->string = types_string_of((const char *)bytes->next + 4, length);
        bytes->next += 4 + (size_t)length;
        return true;
    }
    uint32_t size = types_form_size(form);
    if (left < size)
        return false;
    memset(cell, 0, sizeof *cell);
    memcpy(cell, bytes->next, size);
    bytes->next += size;
    return true;
}

bool table_unpack_row(table_bytes *bytes, const table_relation *relation, uint32_t packed_count,
                      int64_t *rowid, types_cell *cells, bool *nulls)
{
    uint32_t count = relation->descriptor.column_count;
    size_t head = sizeof(int64_t) + ((size_t)packed_count + 7) / 8;
    if (packed_count > count || (size_t)(bytes->end - bytes->next) < head)
        return false;
    *rowid = (int64_t)base_load_u64(bytes->next);
    const unsigned char *bits = bytes->next + sizeof(int64_t);
    bytes->next += head;
    for (uint32_t c = 0; c < count; c++) {
        const table_column *column = &relation->descriptor.columns[c];
        types_form form = types_form_of(column->type);
        nulls[c] = true;
        if (c >= packed_count) {
            nulls[c] = column->missing.is_null;
            cells[c] = column->missing.cell;
        } else if (bits[c / 8] >> (c % 8) & 1) {
            if (!table_unpack_value(bytes, form, &cells[c]))
                return false;
            nulls[c] = false;
        }
    }
    return true;
}

bool table_unpack_u32(table_bytes *bytes, uint32_t *value)
{
    if (bytes->end - bytes->next < 4)
        return false;
    *value = base_load_u32(bytes->next);
    bytes->next += 4;
    return true;
}

bool table_unpack_u64(table_bytes *bytes, uint64_t *value)
{
    if (bytes->end - bytes->next < 8)
        return false;
    *value = base_load_u64(bytes->next);
    bytes->next += 8;
    return true;
}
