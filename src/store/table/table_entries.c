/*
 * table_entries.c - the index entries of rows that are there: of those that a snapshot sees, of
 * those in the hot store, of those in certain volumes.
 *
 * A source is cut into units of some 100,000 rows, which may be read by several threads at the
 * same time, each into a sink of its own. Units follow the rowids (of volumes, if these do).
 */
#include "store/table/table_entries_int.h"

/* Chunks of the parts' columns and, last, the rowids. */
typedef struct key_reader {
    const table_index *index;
    table_relation *relation;
    vector_chunk chunk;
    uint32_t columns[TABLE_MAX_KEY_PARTS + 1];
    base_buffer key;
    const table_entry_sink *sink;
} key_reader;

static base_status open_reader(key_reader *self, const table_index *index, table_relation *relation,
                               const table_entry_sink *sink, base_error *error)
{
    uint32_t parts = index->descriptor.part_count;
    types_type types[TABLE_MAX_KEY_PARTS + 1];
    self->index = index;
    self->relation = relation;
    self->sink = sink;
    for (uint32_t i = 0; i < parts; i++) {
        self->columns[i] = index->key_columns[i];
        types[i] = index->key_parts[i].type;
    }
    self->columns[parts] = ROW_ROWID;
    types[parts] = TYPES_OF(INTEGER);
    base_budget *budget = &index->database->budget;
    base_buffer_init(&self->key, budget);
    return vector_chunk_init(&self->chunk, budget, types, parts + 1, error);
}

static void close_reader(key_reader *self)
{
    base_buffer_destroy(&self->key);
    vector_chunk_destroy(&self->chunk);
}

static base_status give_entries(key_reader *self, base_error *error)
{
    uint32_t parts = self->index->descriptor.part_count;
    for (uint32_t i = 0; i < self->chunk.count; i++) {
        uint32_t row = vector_row(self->chunk.selection, i);
        types_cell cells[TABLE_MAX_KEY_PARTS], rowid;
        bool nulls[TABLE_MAX_KEY_PARTS];
        for (uint32_t k = 0; k < parts; k++)
            nulls[k] = !vector_load(&self->chunk.columns[k], row, &cells[k]);
        vector_cell_at(&self->chunk.columns[parts], row, &rowid);
        RETURN_IF_ERROR(table_key_build(self->index, cells, nulls, &self->key, error));
        RETURN_IF_ERROR(self->sink->add(self->sink->context,
                                        (base_text){self->key.data, self->key.length}, rowid.int64,
                                        table_key_has_null(self->index, nulls), error));
    }
    return BASE_OK;
}

/* ---- Sources --------------------------------------------------------------------------------- */

base_status table_entry_source_rows(table_entry_source *source, table_index *index,
                                    table_relation *relation, const txn_snapshot *snapshot,
                                    base_error *error)
{
    uint32_t columns[TABLE_MAX_KEY_PARTS + 1], parts = index->descriptor.part_count;
    memcpy(columns, index->key_columns, parts * sizeof *columns);
    columns[parts] = ROW_ROWID;
    table_scan_options options = {.columns = columns,
                                  .column_count = parts + 1,
                                  .first_rowid = INT64_MIN,
                                  .last_rowid = INT64_MAX};
    *source = (table_entry_source){.index = index, .relation = relation};
    RETURN_IF_ERROR(table_scan_create_at(relation, snapshot, &options, &source->scan, error));
    source->unit_count = table_scan_unit_count(source->scan);
    return BASE_OK;
}

static uint32_t group_count(const table_volume *volume)
{
    return (volume->vector_count + COL_GROUP_VECTORS - 1) / COL_GROUP_VECTORS;
}

void table_entry_source_volumes(table_entry_source *source, table_index *index,
                                table_relation *relation, table_volume *const *volumes,
                                uint32_t count)
{
    *source = (table_entry_source){
        .index = index, .relation = relation, .volumes = volumes, .volume_count = count};
    for (uint32_t i = 0; i < count; i++)
        source->unit_count += group_count(volumes[i]);
}

void table_entry_source_close(table_entry_source *source)
{
    table_scan_destroy(source->scan);
    source->scan = NULL;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static base_status read_scan(key_reader *self, table_scan *scan, uint32_t from, uint32_t to,
                             base_error *error)
{
    table_reader *reader;
    RETURN_IF_ERROR(table_reader_create(scan, &reader, error));
    base_status status = BASE_OK;
    for (uint32_t unit = from; status == BASE_OK && unit < to; unit++) {
        status = table_reader_open_unit(reader, unit, error);
        while (status == BASE_OK &&
               (status = table_reader_next(reader, &self->chunk, error)) == BASE_ROW)
            status = give_entries(self, error);
        if (status == BASE_DONE)
            status = BASE_OK;
    }
    table_reader_destroy(reader);
    return status;
}

/* One vector of a volume's rows. */
static base_status read_vector(key_reader *self, const table_volume *volume, uint32_t number,
                               base_error *error)
{
    uint32_t parts = self->index->descriptor.part_count;
    vector_chunk_reset(&self->chunk);
    for (uint32_t i = 0; i <= parts; i++) {
        bool is_rowid = table_is_rowid(self->relation, self->columns[i]);
        int32_t place = col_volume_column(volume->data, is_rowid ? COL_ROWID : self->columns[i]);
        if (place < 0)
            return base_error_set(error, BASE_INTERNAL, "a loaded volume lacks a key's column");
        RETURN_IF_ERROR(col_volume_vector(volume->data, place, number, &self->chunk.columns[i],
                                          &self->chunk.count, self->chunk.heap, error));
    }
    return give_entries(self, error);
}

/* Row groups from .. to - 1 of all volumes, one after the other. */
static base_status read_groups(key_reader *self, const table_entry_source *source, uint32_t from,
                               uint32_t to, base_error *error)
{
    uint32_t before = 0;
    for (uint32_t i = 0; i < source->volume_count && before < to; i++) {
        const table_volume *volume = source->volumes[i];
        uint32_t groups = group_count(volume), first = BASE_MAX(from, before) - before;
        uint32_t end = BASE_MIN(to - before, groups);
        uint32_t last_vector = BASE_MIN(end * COL_GROUP_VECTORS, volume->vector_count);
        for (uint32_t v = first * COL_GROUP_VECTORS; v < last_vector; v++)
            RETURN_IF_ERROR(read_vector(self, volume, v, error));
        before += groups;
    }
    return BASE_OK;
}

base_status table_entries_read(const table_entry_source *source, uint32_t from, uint32_t to,
                               const table_entry_sink *sink, base_error *error)
{
    key_reader self;
    base_status status = open_reader(&self, source->index, source->relation, sink, error);
    RETURN_IF_ERROR(status);
    status = source->scan ? read_scan(&self, source->scan, from, to, error)
                          : read_groups(&self, source, from, to, error);
    close_reader(&self);
    return status;
}

base_status table_entries_of_hot(table_index *index, table_relation *relation,
                                 const txn_snapshot *snapshot, const table_entry_sink *sink,
                                 base_error *error)
{
    key_reader self;
    row_position position = {.next = INT64_MIN, .last = INT64_MAX};
    base_status status = BASE_OK;
    RETURN_IF_ERROR(open_reader(&self, index, relation, sink, error));
    while (status == BASE_OK &&
           row_scan(relation->storage->hot, relation->layout, snapshot, &position, self.columns,
                    self.chunk.column_count, &self.chunk) == BASE_ROW)
        status = give_entries(&self, error);
    close_reader(&self);
    return status;
}
