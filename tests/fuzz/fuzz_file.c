/*
 * fuzz_file.c - a database file and its log with bytes changed, the checksums made right again
 * or not, opened and used.
 *
 * A small database with hot rows, volumes, marks, an index and a log is made once. An input is
 * a list of changes to its bytes. Where the input says so, checksums are computed anew from
 * the leaves up (references are found by their looks), so that the code behind them is reached.
 * Whatever comes out: no crash, no endless work, no more memory than allowed; answers may be
 * errors, or wrong where the checksums were forged.
 */
#include <stdlib.h>

#include "store/cache/cache_int.h"
#include "store/table/table.h"
#include "store/wal/wal_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    COLUMNS = 4,
    TABLES = 2
};

typedef struct image {
    unsigned char *file, *log;
    size_t file_size, log_size;
    uint64_t ids[TABLES];
} image;

static void demand(bool condition)
{
    if (!condition)
        abort();
}

/* ---- The database to begin with ------------------------------------------------------------ */

static base_status add_rows(table_database *database, uint64_t id, int64_t from, int64_t count,
                            base_error *error)
{
    txn_transaction *transaction;
    table_relation *relation;
    RETURN_IF_ERROR(table_begin(database, TXN_SNAPSHOT, false, &transaction, error));
    RETURN_IF_ERROR(table_acquire(transaction, id, &relation, error));
    for (int64_t i = from; i < from + count; i++) {
        types_cell cells[COLUMNS] = {0};
        bool nulls[COLUMNS] = {false, false, i % 5 == 0, i % 7 == 0};
        char text[64];
        table_conflict conflict;
        int64_t rowid = i;
        int length = snprintf(text, sizeof text, i % 2 ? "%lld" : "text number %lld of a table",
                              (long long)i);
        cells[1].int64 = i * 1000;
        cells[2].string = types_string_of(text, (size_t)length);
        cells[3].float64 = (double)i / 3;
        RETURN_IF_ERROR(
            table_insert_row(transaction, relation, cells, nulls, &rowid, false, &conflict, error));
        if (i % 4 == 0)
            RETURN_IF_ERROR(table_delete_row(transaction, relation, rowid, error));
        if (from > 1 && i % 3 == 0) /* an old row, which lies in a volume */
            (void)table_delete_row(transaction, relation, i - from + 1, NULL);
    }
    table_release(relation);
    return table_commit(transaction, error);
}

static base_status make_table(table_database *database, uint64_t *id, base_error *error)
{
    txn_transaction *transaction;
    table_column columns[COLUMNS] = {
        {.type = TYPES_OF(INTEGER), .missing = types_null_of(TYPES_OF(INTEGER))},
        {.type = TYPES_OF(INTEGER), .missing = types_null_of(TYPES_OF(INTEGER))},
        {.type = TYPES_OF(TEXT), .missing = types_null_of(TYPES_OF(TEXT))},
        {.type = TYPES_OF(FLOAT), .missing = types_null_of(TYPES_OF(FLOAT))},
    };
    table_descriptor descriptor = {.column_count = COLUMNS, .columns = columns};
    table_index_part parts[] = {{.column = 2}, {.column = 1, .descending = true}};
    uint64_t index_id;
    RETURN_IF_ERROR(table_begin(database, TXN_SNAPSHOT, false, &transaction, error));
    RETURN_IF_ERROR(table_create(transaction, &descriptor, id, error));
    table_index_descriptor index = {.relation_id = *id, .part_count = 2, .parts = parts};
    RETURN_IF_ERROR(table_index_create(transaction, &index, &index_id, error));
    return table_commit(transaction, error);
}

static unsigned char *read_whole(os_environment *environment, base_budget *budget, const char *path,
                                 size_t *size)
{
    os_file *file;
    uint64_t length;
    demand(os_file_open(environment, budget, path, OS_OPEN_READ, &file, NULL) == BASE_OK);
    demand(file->operations->size(file, &length, NULL) == BASE_OK);
    unsigned char *bytes = malloc((size_t)length);
    demand(bytes && os_file_read(file, 0, bytes, (size_t)length, NULL) == BASE_OK);
    os_file_close(file);
    *size = (size_t)length;
    return bytes;
}

static void open_options(table_options *options)
{
    table_options_default(options);
    options->sync_mode = TABLE_SYNC_NONE;
    options->seal_rows = 20;
    options->checkpoint_log_size = 0;
}

static void make_image(image *self)
{
    base_budget budget;
    base_error error;
    os_environment *environment;
    os_runtime *runtime;
    table_database *database;
    table_options options;
    base_error_clear(&error);
    base_budget_init(&budget, NULL, &base_libc_allocator, "image", SIZE_MAX);
    demand(os_memory_environment_create(&budget, &environment, NULL) == BASE_OK);
    os_runtime_options runtime_options = {.worker_count = 0};
    demand(os_runtime_create(environment, &runtime_options, &runtime, NULL) == BASE_OK);
    open_options(&options);
    demand(table_database_open(runtime, "x", &options, &database, &error) == BASE_OK);
    for (int i = 0; i < TABLES; i++)
        demand(make_table(database, &self->ids[i], &error) == BASE_OK);
    demand(add_rows(database, self->ids[0], 1, 60, &error) == BASE_OK);
    demand(add_rows(database, self->ids[1], 1, 9, &error) == BASE_OK);
    demand(table_checkpoint(database, &error) == BASE_OK);
    demand(add_rows(database, self->ids[0], 100, 30, &error) == BASE_OK);
    demand(table_checkpoint(database, &error) == BASE_OK);
    demand(add_rows(database, self->ids[0], 200, 10, &error) == BASE_OK);
    demand(add_rows(database, self->ids[1], 200, 5, &error) == BASE_OK);
    self->file = read_whole(environment, &budget, "x", &self->file_size);
    self->log = read_whole(environment, &budget, "x-wal", &self->log_size);
    demand(table_database_close(database, &error) == BASE_OK);
    os_runtime_destroy(runtime);
    os_memory_environment_destroy(environment);
}

/* ---- Making checksums right ------------------------------------------------------------------ */

static void seal_children(unsigned char *file, size_t size, unsigned char *bytes, size_t length,
                          int depth);

/* Seals what looks as a reference; the child first. */
static bool seal_reference(unsigned char *file, size_t size, unsigned char *bytes, int depth)
{
    cache_reference reference;
    cache_reference_load(&reference, bytes);
    bool likely = reference.offset >= 2 * CACHE_GRANULE && reference.offset % CACHE_GRANULE == 0 &&
                  reference.length > 0 && reference.offset < size &&
                  reference.length <= size - reference.offset && reference.flags == 0 &&
                  reference.key_epoch == 0 && reference.kind > 0 && reference.kind < 20;
    if (!likely)
        return false;
    unsigned char *child = file + reference.offset;
    if (depth < 4)
        seal_children(file, size, child, reference.length, depth + 1);
    cache_seal(child, reference.length, (cache_kind)reference.kind, reference.seal);
    cache_reference_store(&reference, bytes);
    return true;
}

static void seal_children(unsigned char *file, size_t size, unsigned char *bytes, size_t length,
                          int depth)
{
    for (size_t at = 0; at + CACHE_REFERENCE_SIZE <= length; at++) {
        if (seal_reference(file, size, bytes + at, depth))
            at += CACHE_REFERENCE_SIZE - 1;
    }
}

static void forge_file(unsigned char *file, size_t size)
{
    for (size_t slot = 0; slot < 2 && size >= 2 * CACHE_GRANULE; slot++) {
        unsigned char *header = file + slot * CACHE_GRANULE;
        (void)seal_reference(file, size, header + 64, 0);
        (void)seal_reference(file, size, header + 136, 4);
        uint32_t entries = base_load_u32(header + 272) % (CACHE_INLINE_ENTRIES + 1);
        base_store_u32(header + 276, crypto_crc32c(0, header + CACHE_MAP_START,
                                                   (size_t)entries * CACHE_MAP_ENTRY));
        base_store_u64(header + CACHE_HEADER_CHECKED,
                       crypto_checksum64(header, CACHE_HEADER_CHECKED, 0));
    }
}

/* The first segment's frames, as far as their lengths lead. */
static void forge_log(unsigned char *log, size_t size)
{
    for (size_t start = 0; start + WAL_BLOCK <= size; start += WAL_SEGMENT) {
        base_store_u32(log + start + 124, crypto_crc32c(0, log + start, 124));
        uint32_t chain = base_load_u32(log + start + 124);
        size_t end = BASE_MIN(start + WAL_SEGMENT, size), at = start + WAL_BLOCK;
        while (at + WAL_FRAME_HEADER_SIZE <= end) {
            unsigned char *frame = log + at;
            size_t length = base_load_u32(frame);
            if (frame[4] == 0 || length > end - at - WAL_FRAME_HEADER_SIZE)
                break;
            memcpy(frame + 8, log + start + 40, 8);
            if (frame[4] == WAL_FRAME_DATA)
                base_store_u32(frame + 40, crypto_crc32c(0, frame + WAL_FRAME_HEADER_SIZE, length));
            base_store_u32(frame + 44, crypto_crc32c(0, frame, 44));
            chain = crypto_crc32c(chain, frame, 48);
            base_store_u32(frame + 48, chain);
            at += WAL_FRAME_HEADER_SIZE + length;
        }
    }
}

/* ---- Using it -------------------------------------------------------------------------------- */

static void ignore(void *context, const char *problem)
{
    (void)context;
    (void)problem;
}

static void scan(txn_transaction *transaction, table_relation *relation, base_budget *budget)
{
    uint32_t columns[] = {TABLE_ROWID, 1, 2, 3};
    types_type types[] = {TYPES_OF(INTEGER), TYPES_OF(INTEGER), TYPES_OF(TEXT), TYPES_OF(FLOAT)};
    const table_descriptor *descriptor = table_describe(relation);
    uint32_t count = BASE_MIN(descriptor->column_count, 4u);
    for (uint32_t i = 1; i < count; i++)
        types[i] = descriptor->columns[i].type;
    table_scan_options options = {.columns = columns,
                                  .column_count = count,
                                  .first_rowid = INT64_MIN,
                                  .last_rowid = INT64_MAX};
    table_scan *all;
    table_reader *reader;
    vector_chunk chunk;
    if (count == 0 || vector_chunk_init(&chunk, budget, types, count, NULL) != BASE_OK)
        return;
    if (table_scan_create(transaction, relation, &options, &all, NULL) == BASE_OK) {
        if (table_reader_create(all, &reader, NULL) == BASE_OK) {
            for (uint32_t unit = 0; unit < table_scan_unit_count(all); unit++) {
                if (table_reader_open_unit(reader, unit, NULL) != BASE_OK)
                    break;
                while (table_reader_next(reader, &chunk, NULL) == BASE_ROW)
                    continue;
            }
            table_reader_destroy(reader);
        }
        table_scan_destroy(all);
    }
    vector_chunk_destroy(&chunk);
}

static void use(table_database *database, const image *self)
{
    base_error error;
    base_error_clear(&error);
    (void)table_check_integrity(database, ignore, NULL, &error);
    txn_transaction *transaction;
    if (table_begin(database, TXN_SNAPSHOT, true, &transaction, NULL) != BASE_OK)
        return;
    for (int i = 0; i < TABLES; i++) {
        table_relation *relation;
        if (table_acquire(transaction, self->ids[i], &relation, NULL) != BASE_OK)
            continue;
        scan(transaction, relation, table_database_budget(database));
        table_release(relation);
    }
    table_rollback(transaction);
    base_error_clear(&error);
    (void)table_checkpoint(database, &error);
}

static void write_whole(os_environment *environment, base_budget *budget, const char *path,
                        const unsigned char *bytes, size_t size)
{
    os_file *file;
    demand(os_file_open(environment, budget, path, OS_OPEN_READ | OS_OPEN_WRITE | OS_OPEN_CREATE,
                        &file, NULL) == BASE_OK);
    demand(size == 0 || os_file_write(file, 0, bytes, size, NULL) == BASE_OK);
    os_file_close(file);
}

static void open_and_use(const image *self, const unsigned char *file, size_t file_size,
                         const unsigned char *log, size_t log_size)
{
    base_budget budget;
    os_environment *environment;
    os_runtime *runtime;
    table_database *database;
    table_options options;
    base_error error;
    base_error_clear(&error);
    base_budget_init(&budget, NULL, &base_libc_allocator, "disk", SIZE_MAX);
    demand(os_memory_environment_create(&budget, &environment, NULL) == BASE_OK);
    write_whole(environment, &budget, "x", file, file_size);
    write_whole(environment, &budget, "x-wal", log, log_size);
    os_runtime_options runtime_options = {.worker_count = 0, .memory_limit = 64 << 20};
    demand(os_runtime_create(environment, &runtime_options, &runtime, NULL) == BASE_OK);
    open_options(&options);
    base_status status = table_database_open(runtime, "x", &options, &database, &error);
    if (status == BASE_OK) {
        use(database, self);
        (void)table_database_close(database, &error);
    } else {
        demand(error.message[0] != '\0');
    }
    demand(atomic_load(&os_runtime_budget(runtime)->used) == 0);
    os_runtime_destroy(runtime);
    os_memory_environment_destroy(environment);
}

/* Bytes: how to forge; then changes of 4: where (3 bytes, the top bit: in the log), what. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static image original;
    if (!original.file)
        make_image(&original);
    if (size < 5)
        return 0;
    unsigned char *file = malloc(original.file_size), *log = malloc(original.log_size);
    demand(file && log);
    memcpy(file, original.file, original.file_size);
    memcpy(log, original.log, original.log_size);
    for (size_t at = 1; at + 4 <= size && at < 400; at += 4) {
        uint32_t place = base_load_u32(data + at) & 0x7FFFFF;
        if (data[at + 2] & 0x80)
            log[place % original.log_size] ^= data[at + 3];
        else
            file[place % original.file_size] ^= data[at + 3];
    }
    if (data[0] & 1)
        forge_file(file, original.file_size);
    if (data[0] & 2)
        forge_log(log, original.log_size);
    size_t file_size = data[0] & 4 ? original.file_size * (data[0] >> 3) / 32 : original.file_size;
    open_and_use(&original, file, file_size, log, original.log_size);
    free(file);
    free(log);
    return 0;
}
