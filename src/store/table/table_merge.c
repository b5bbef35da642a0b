/*
 * table_merge.c - several parts of a relation as one stream in the order of rowids.
 *
 * Every part keeps one batch. When the part with the smallest rowid can give all the rest of
 * its batch before any other's turn, that is handed on without a copy; where parts interleave
 * (updated rows in the hot tree among those of a volume) rows are copied, run by run. The
 * parts never give the same row (I15), but a damaged file may, and rowids that do not rise:
 * that ends the scan.
 */
#include "store/table/table_scan_int.h"

static void close_source(base_budget *budget, table_source *source)
{
    if (source->has_chunk)
        vector_chunk_destroy(&source->chunk);
    base_free(budget, source->rows, VECTOR_SIZE * sizeof *source->rows);
    source->has_chunk = false;
    source->rows = NULL;
}

void table_merge_close(table_reader *reader)
{
    if (!reader->merging)
        return;
    base_budget *budget = reader->scan->budget;
    for (uint32_t i = 0; i < reader->source_count; i++)
        close_source(budget, &reader->sources[i]);
    base_free(budget, reader->columns, (reader->scan->column_count + 1) * sizeof(uint32_t));
    reader->columns = NULL;
    reader->merging = false;
}

static base_status open_source(table_reader *reader, table_source *source, const types_type *types,
                               base_error *error)
{
    const table_scan *scan = reader->scan;
    RETURN_IF_ERROR(
        vector_chunk_init(&source->chunk, scan->budget, types, scan->column_count + 1, error));
    source->has_chunk = true;
    source->rows = base_allocate_array(scan->budget, VECTOR_SIZE, sizeof *source->rows);
    return source->rows ? BASE_OK : base_error_no_memory(error);
}

base_status table_merge_open(table_reader *reader, base_error *error)
{
    const table_scan *scan = reader->scan;
    uint32_t count = scan->column_count + 1;
    base_arena arena;
    base_arena_init(&arena, scan->budget);
    reader->merging = true;
    reader->columns = base_allocate_array(scan->budget, count, sizeof *reader->columns);
    types_type *types = base_arena_allocate_array(&arena, count, sizeof *types);
    base_status status = reader->columns && types ? BASE_OK : base_error_no_memory(error);
    for (uint32_t c = 0; status == BASE_OK && c < count; c++) {
        uint32_t column = c < scan->column_count ? scan->columns[c] : TABLE_ROWID;
        reader->columns[c] = column;
        types[c] = column == TABLE_ROWID   ? TYPES_OF(INTEGER)
                   : column == TABLE_STAMP ? TYPES_OF(UBIGINT)
                                           : scan->relation->descriptor.columns[column].type;
    }
    for (uint32_t i = 0; status == BASE_OK && i < reader->source_count; i++)
        status = open_source(reader, &reader->sources[i], types, error);
    base_arena_destroy(&arena);
    return status;
}

/* A batch for a part that has none; it may be done instead. */
static base_status fill(table_reader *reader, table_source *source, base_error *error)
{
    uint32_t count = reader->scan->column_count + 1;
    if (source->done || source->next < source->count)
        return BASE_OK;
    base_status status = table_source_next(reader, source, reader->columns, count, &source->chunk,
                                           source->rows, error);
    source->next = source->count = 0;
    if (status == BASE_DONE) {
        source->done = true;
        return BASE_OK;
    }
    if (status != BASE_ROW)
        return status;
    source->count = source->chunk.count;
    if (!source->chunk.selection) {
        for (uint32_t i = 0; i < source->count; i++)
            source->rows[i] = (uint16_t)i;
    }
    vector *rowids = &source->chunk.columns[count - 1];
    vector_flatten(rowids, source->rows, source->count);
    source->rowids = rowids->data;
    return BASE_OK;
}

static bool comes_before(const table_scan *scan, int64_t a, int64_t b)
{
    return scan->descending ? a > b : a < b;
}

static int64_t head_of(const table_source *source)
{
    return source->rowids[source->rows[source->next]];
}

/* The part whose turn it is, NULL: all done; and the one that is next, NULL: no other. */
static table_source *choose(table_reader *reader, table_source **second)
{
    table_source *first = NULL;
    *second = NULL;
    for (uint32_t i = 0; i < reader->source_count; i++) {
        table_source *each = &reader->sources[i];
        if (each->next == each->count)
            continue;
        if (!first || comes_before(reader->scan, head_of(each), head_of(first))) {
            *second = first;
            first = each;
        } else if (!*second || comes_before(reader->scan, head_of(each), head_of(*second))) {
            *second = each;
        }
    }
    return first;
}

/* How many rows of `first` come before those of `second`. */
static uint32_t run_length(const table_scan *scan, const table_source *first,
                           const table_source *second)
{
    if (!second)
        return first->count - first->next;
    int64_t limit = head_of(second);
    uint32_t low = first->next, high = first->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (comes_before(scan, first->rowids[first->rows[middle]], limit))
            low = middle + 1;
        else
            high = middle;
    }
    return low - first->next;
}

/* The batch's next rows as they are. */
static void hand_on(table_reader *reader, table_source *source, uint32_t length,
                    vector_chunk *chunk)
{
    for (uint32_t c = 0; c < reader->scan->column_count; c++) {
        vector *to = &chunk->columns[c];
        const vector *from = &source->chunk.columns[c];
        to->shape = from->shape;
        to->data = from->data;
        to->validity = from->validity;
        to->dictionary = from->dictionary;
        to->dictionary_size = from->dictionary_size;
    }
    chunk->count = length;
    chunk->selection = source->rows + source->next;
    source->next += length;
}

/* Strings are not copied: a part's batch stays until the next call. */
static base_status copy_run(table_reader *reader, table_source *source, uint32_t length,
                            vector_chunk *chunk, base_error *error)
{
    for (uint32_t c = 0; c < reader->scan->column_count; c++)
        RETURN_IF_ERROR(vector_copy(&chunk->columns[c], chunk->count, &source->chunk.columns[c],
                                    source->rows + source->next, length, NULL, error));
    chunk->count += length;
    source->next += length;
    return BASE_OK;
}

base_status table_merge_next(table_reader *reader, vector_chunk *chunk, base_error *error)
{
    for (uint32_t i = 0; i < reader->source_count; i++)
        RETURN_IF_ERROR(fill(reader, &reader->sources[i], error));
    vector_chunk_reset(chunk);
    while (chunk->count < reader->limit) {
        table_source *second;
        table_source *first = choose(reader, &second);
        if (!first)
            break;
        uint32_t length = run_length(reader->scan, first, second);
        if (length == 0)
            return base_error_set(error, BASE_CORRUPT, "a row of a columnar volume is there twice");
        bool whole = length == first->count - first->next;
        length = BASE_MIN(length, reader->limit - chunk->count);
        if (whole && chunk->count == 0) {
            hand_on(reader, first, length, chunk);
            return BASE_ROW;
        }
        RETURN_IF_ERROR(copy_run(reader, first, length, chunk, error));
        /* A batch that is used up may be followed by rows whose turn it is. */
        if (first->next == first->count && !first->done)
            break;
    }
    return chunk->count ? BASE_ROW : BASE_DONE;
}
