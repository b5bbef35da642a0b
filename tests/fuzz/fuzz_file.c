/*
 * fuzz_file.c - a database file and its log, changed in a chosen place, sealed again, opened
 * and used through SQL.
 *
 * Random bytes in a file with checksums test the checksums and little else. So an input is a
 * short program: which database, whether the checksums are made right afterwards, and up to
 * 24 changes, each naming one part of the file (a header slot, an extent, a log segment), a
 * place in it and what to do there. Parts are found by following references from the headers,
 * recognised by their looks, so that kinds of extents which are added later take part without
 * a line here; seals are computed anew from the leaves up, which brings the damage behind the
 * checksums to the code that decodes it.
 *
 * The databases are made once, by SQL: small tables packed into the root; every type and codec
 * in several volumes with delete marks and key indexes; a log full of definitions and changes.
 *
 * What must hold: no crash, no leak, no endless work, no more memory than allowed, an error
 * with a text, and a database that was opened can be closed and opened again. Answers may be
 * wrong where the checksums were forged.
 */
#include <stdlib.h>
#include <time.h>

#include "capi/capi_int.h"
#include "store/cache/cache_int.h"
#include "store/wal/wal_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size); /* libFuzzer's own */

enum {
    IMAGES = 3,
    MAX_PARTS = 4096,
    CHANGE_SIZE = 8,
    MAX_CHANGES = 24,
    MAX_DEPTH = 5,
    MEMORY_LIMIT = 64 << 20,
    SEALED_BYTES = 2 << 20,
};

/* This file's own loops are not what is to be covered. */
#define UNTRACED __attribute__((no_sanitize("coverage", "address", "undefined")))

typedef struct part {
    bool in_log;
    size_t offset, length;
} part;

typedef struct image {
    unsigned char *file, *log;
    size_t file_size, log_size;
    part parts[MAX_PARTS];
    uint32_t part_count;
} image;

/* A machine of its own: files in memory, no worker threads. */
typedef struct machine {
    base_budget disk;
    os_environment *environment;
    tuff_runtime runtime;
} machine;

static void demand(bool condition)
{
    if (!condition)
        abort();
}

static void machine_start(machine *self)
{
    base_budget_init(&self->disk, NULL, &base_libc_allocator, "disk", SIZE_MAX);
    demand(os_memory_environment_create(&self->disk, &self->environment, NULL) == BASE_OK);
    os_runtime_options options = {.worker_count = 0, .memory_limit = MEMORY_LIMIT};
    memset(&self->runtime, 0, sizeof self->runtime);
    self->runtime.adapted = base_libc_allocator;
    self->runtime.allocator = &self->runtime.adapted;
    atomic_init(&self->runtime.databases, 0);
    demand(os_runtime_create(self->environment, &options, &self->runtime.os, NULL) == BASE_OK);
}

static void machine_stop(machine *self)
{
    demand(atomic_load(&os_runtime_budget(self->runtime.os)->used) == 0);
    os_runtime_destroy(self->runtime.os);
    os_memory_environment_destroy(self->environment);
}

static unsigned char *machine_read(machine *self, const char *path, size_t *size)
{
    os_file *file;
    uint64_t length;
    *size = 0;
    if (os_file_open(self->environment, &self->disk, path, OS_OPEN_READ, &file, NULL) != BASE_OK)
        return NULL;
    demand(file->operations->size(file, &length, NULL) == BASE_OK);
    unsigned char *bytes = malloc((size_t)length + 1);
    demand(bytes && os_file_read(file, 0, bytes, (size_t)length, NULL) == BASE_OK);
    os_file_close(file);
    *size = (size_t)length;
    return bytes;
}

static void machine_write(machine *self, const char *path, const unsigned char *bytes, size_t size)
{
    os_file *file;
    demand(os_file_open(self->environment, &self->disk, path,
                        OS_OPEN_READ | OS_OPEN_WRITE | OS_OPEN_CREATE, &file, NULL) == BASE_OK);
    demand(size == 0 || os_file_write(file, 0, bytes, size, NULL) == BASE_OK);
    os_file_close(file);
}

/* ---- The databases to begin with ---- */

static const char small_tables[] =
    "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT UNIQUE, c DECIMAL(10,2) CHECK (c < 1000));"
    "CREATE TABLE u (x DATE, y FLOAT DEFAULT 1.5, z BLOB, PRIMARY KEY (x, y));"
    "CREATE INDEX t_bc ON t (b DESC, c); CREATE VIEW v AS SELECT * FROM t JOIN u ON t.a = u.y;"
    "INSERT INTO t VALUES (1,'one',1), (2,'two, a text that is longer than a view',NULL), "
    "(-5,NULL,7);"
    "INSERT INTO u VALUES ('2024-02-29',1,X'00ff'), ('1999-12-31',2,NULL);"
    "ALTER TABLE u ADD COLUMN w INTEGER DEFAULT 42; CHECKPOINT; INSERT INTO t (a) VALUES (9);";

/* Every type and codec, in two volumes and the rest; marks; a second block of packed bits. */
static const char volumes[] =
    "SET seal_rows = 30;"
    "CREATE TABLE t (a INTEGER PRIMARY KEY, b BOOLEAN, c TINYINT, d SMALLINT, e INT4, f FLOAT,"
    " g FLOAT4, h DECIMAL(10,2), i DECIMAL(30,4), j DATE, k TIME, l TIMESTAMP, m INTERVAL, n BLOB,"
    " o TEXT, p TEXT, q TEXT, r INTEGER, s UBIGINT);"
    "CREATE INDEX t_d ON t (d, o DESC); CREATE UNIQUE INDEX t_q ON t (q);"
    "CREATE TABLE u (x INTEGER, y TEXT); CREATE INDEX u_x ON u (x);"
    "INSERT INTO t SELECT x, x % 3 = 0, x % 100, x * 7 % 1000, x * x, x / 7.0, x / 3.0, x * 1.25,"
    " x * 100000000000000.5, DATE '2024-01-01' + x, TIME '10:00:00' + x * INTERVAL '1 second',"
    " TIMESTAMP '2024-01-01 00:00:00' + x * INTERVAL '1 hour', x * INTERVAL '1 day 02:00:00',"
    " CAST('blob ' || x AS BLOB), CASE WHEN x % 4 > 0 THEN 'word ' || x % 5 END,"
    " 'https://example.org/a/path/that/repeats/' || x * 7919 || '/index.html',"
    " md5(CAST(x AS TEXT)), 5, x FROM generate_series(1, 90) AS g (x);"
    "INSERT INTO u SELECT x * 37 % 100003, 'text ' || x FROM generate_series(1, 1300) AS g (x);"
    "CHECKPOINT;"
    "INSERT INTO t SELECT a + 100, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q || 'x', r, s "
    "FROM t;"
    "DELETE FROM t WHERE a % 9 = 1; UPDATE t SET o = 'changed', d = d + 1 WHERE a % 11 = 2;"
    "DELETE FROM u WHERE x % 10 = 3; CHECKPOINT;"
    "INSERT INTO t SELECT a + 1000, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q || 'y', r, s "
    "FROM t"
    " WHERE a < 80; UPDATE t SET r = NULL WHERE a BETWEEN 20 AND 40; CHECKPOINT;"
    "DELETE FROM t WHERE a % 5 = 0; UPDATE t SET a = a + 5000 WHERE a % 17 = 1; REINDEX t_q;";

/* Nothing but the log. */
static const char log_only[] =
    "SET seal_rows = 30;"
    "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c DECIMAL(30,3)); CREATE INDEX t_b ON t (b);"
    "INSERT INTO t SELECT x, 'row number ' || x, x FROM generate_series(1, 100) AS g (x);"
    "CREATE TABLE u (x TEXT PRIMARY KEY, y TIMESTAMP); INSERT INTO u VALUES ('p', '2024-01-01'), "
    "('q', NULL);"
    "BEGIN; UPDATE t SET c = -c WHERE a > 50; SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; COMMIT;"
    "ALTER TABLE t ADD COLUMN d INTEGER DEFAULT 3; UPDATE t SET d = a; ALTER TABLE t DROP COLUMN c;"
    "ALTER TABLE t RENAME COLUMN b TO bb; CREATE TABLE w (i INTEGER); INSERT INTO w VALUES (1); "
    "TRUNCATE w;"
    "DROP TABLE w; DROP INDEX t_b; CREATE UNIQUE INDEX t_bb ON t (bb, a DESC); DELETE FROM t WHERE "
    "a < 9;"
    "REINDEX t;"
    "CREATE VIEW v AS SELECT count(*) FROM t; DROP VIEW v; CREATE VIEW v AS SELECT * FROM u;";

/* What looks like the reference of an extent. */
UNTRACED static bool looks_like_reference(const unsigned char *bytes, size_t size,
                                          cache_reference *found)
{
    uint64_t offset = base_load_u64(bytes);
    if (offset < 2 * CACHE_GRANULE || offset % CACHE_GRANULE != 0 || offset >= size)
        return false;
    cache_reference_load(found, bytes);
    return found->length > 0 && found->length <= size - offset && found->flags == 0 &&
           found->key_epoch == 0 && found->kind > 0 && found->kind < 32;
}

static void add_part(image *self, bool in_log, size_t offset, size_t length)
{
    for (uint32_t i = 0; i < self->part_count; i++) {
        if (self->parts[i].in_log == in_log && self->parts[i].offset == offset)
            return;
    }
    demand(self->part_count < MAX_PARTS);
    self->parts[self->part_count++] = (part){in_log, offset, length};
}

static void find_parts(image *self, const unsigned char *bytes, size_t length, int depth)
{
    cache_reference reference;
    for (size_t at = 0; at + CACHE_REFERENCE_SIZE <= length; at++) {
        if (!looks_like_reference(bytes + at, self->file_size, &reference))
            continue;
        add_part(self, false, (size_t)reference.offset, reference.length);
        if (depth < MAX_DEPTH)
            find_parts(self, self->file + reference.offset, reference.length, depth + 1);
        at += CACHE_REFERENCE_SIZE - 1;
    }
}

static size_t used_of_segment(const unsigned char *log, size_t start, size_t end)
{
    while (end > start + WAL_BLOCK && log[end - 1] == 0)
        end--;
    return end - start;
}

static void make_image(image *self, const char *script)
{
    machine host;
    tuff_db *db;
    tuff_conn *conn;
    machine_start(&host);
    demand(tuff_open_in(&host.runtime, "x", &db) != TUFF_MISUSE);
    demand(tuff_connect(db, &conn) == TUFF_OK);
    if (tuff_exec(conn, script, NULL) != TUFF_OK) {
        fprintf(stderr, "fuzz-file: %s\n", tuff_conn_error(conn)->message);
        abort();
    }
    self->file = machine_read(&host, "x", &self->file_size);
    self->log = machine_read(&host, "x-wal", &self->log_size);
    demand(self->file && self->log);
    tuff_disconnect(conn);
    demand(tuff_close(db) == TUFF_OK);
    machine_stop(&host);
    add_part(self, false, 0, CACHE_GRANULE);
    add_part(self, false, CACHE_GRANULE, CACHE_GRANULE);
    find_parts(self, self->file, 512, 0);
    find_parts(self, self->file + CACHE_GRANULE, 512, 0);
    for (size_t start = 0; start < self->log_size; start += WAL_SEGMENT) {
        size_t end = BASE_MIN(start + WAL_SEGMENT, self->log_size);
        add_part(self, true, start, BASE_MIN((size_t)WAL_SEGMENT_HEADER_SIZE, end - start));
        if (end > start + WAL_BLOCK)
            add_part(self, true, start + WAL_BLOCK,
                     BASE_MAX(used_of_segment(self->log, start, end), (size_t)WAL_BLOCK + 64) -
                         WAL_BLOCK);
    }
}

/* ---- Changes ---- */

static uint64_t telling_number(uint32_t choice)
{
    static const uint64_t numbers[] = {0,          1,
                                       2,          7,
                                       8,          127,
                                       128,        255,
                                       256,        1023,
                                       1024,       1025,
                                       2047,       2048,
                                       4095,       4096,
                                       65535,      65536,
                                       131072,     131073,
                                       1048576,    1048577,
                                       INT32_MAX,  (uint64_t)INT32_MAX + 1,
                                       UINT32_MAX, (uint64_t)UINT32_MAX + 1,
                                       INT64_MAX,  (uint64_t)INT64_MAX + 1,
                                       UINT64_MAX, UINT64_MAX - 4095};
    return numbers[choice % BASE_COUNT_OF(numbers)];
}

static void change_number(unsigned char *at, size_t room, uint8_t kind, uint32_t value)
{
    size_t width = (size_t)1 << (kind & 3);
    uint64_t number = 0;
    if (width > room)
        return;
    for (size_t i = 0; i < width; i++)
        number |= (uint64_t)at[i] << (8 * i);
    switch (kind >> 2 & 3) {
    case 0:
        number ^= (uint64_t)1 << (value % (8 * width));
        break;
    case 1:
        number += (uint64_t)(int64_t)(int8_t)value;
        break;
    case 2:
        number = telling_number(value);
        break;
    default:
        number = value;
        break;
    }
    for (size_t i = 0; i < width; i++)
        at[i] = (unsigned char)(number >> (8 * i));
}

/* A change: kind, part (2 bytes), place (2 bytes), value (3 bytes). The size may shrink. */
static void change(const image *self, unsigned char *file, size_t *file_size, unsigned char *log,
                   size_t *log_size, const uint8_t *bytes)
{
    const part *chosen = &self->parts[base_load_u16(bytes + 1) % self->part_count];
    uint32_t value = base_load_u32(bytes + 4) >> 8;
    size_t *size = chosen->in_log ? log_size : file_size;
    unsigned char *whole = chosen->in_log ? log : file;
    size_t place = base_load_u16(bytes + 3) % chosen->length;
    if (chosen->offset + chosen->length > *size)
        return;
    unsigned char *at = whole + chosen->offset + place;
    size_t room = chosen->length - place;
    const part *other = &self->parts[value % self->part_count];
    switch (bytes[0] >> 4 & 7) {
    default:
        change_number(at, room, bytes[0], value);
        break;
    case 5: /* bytes from elsewhere in the same part */
        memmove(at, whole + chosen->offset + value % chosen->length,
                BASE_MIN(BASE_MIN(room, chosen->length - value % chosen->length),
                         (size_t)(1 + bytes[0] % 16)));
        break;
    case 6: /* the beginning of another part, of another kind perhaps */
        if (!other->in_log && !chosen->in_log && other->offset + other->length <= *file_size)
            memmove(at, file + other->offset, BASE_MIN(room, other->length));
        break;
    case 7: /* the file ends early */
        if (bytes[0] % 8 == 0)
            *size = chosen->offset + place;
        break;
    }
}

/* ---- Making checksums right ---- */

/* Copied references may form cycles and bushes: `*left` bytes are sealed and no more. */
UNTRACED static void seal_references(unsigned char *file, size_t size, unsigned char *bytes,
                                     size_t length, int depth, size_t *left)
{
    cache_reference reference;
    for (size_t at = 0; at + CACHE_REFERENCE_SIZE <= length; at++) {
        if (!looks_like_reference(bytes + at, size, &reference) || reference.length > *left)
            continue;
        unsigned char *child = file + reference.offset;
        *left -= reference.length;
        if (depth < MAX_DEPTH)
            seal_references(file, size, child, reference.length, depth + 1, left);
        cache_seal(child, reference.length, (cache_kind)reference.kind, reference.seal);
        memcpy(bytes + at + 32, reference.seal, sizeof reference.seal);
        at += CACHE_REFERENCE_SIZE - 1;
    }
}

static void forge_file(unsigned char *file, size_t size)
{
    for (size_t slot = 0; slot < 2 && size >= 2 * CACHE_GRANULE; slot++) {
        unsigned char *header = file + slot * CACHE_GRANULE;
        size_t left = SEALED_BYTES;
        seal_references(file, size, header, 512, 0, &left);
        uint32_t entries = base_load_u32(header + 272) % (CACHE_INLINE_ENTRIES + 1);
        base_store_u32(header + 276, crypto_crc32c(0, header + CACHE_MAP_START,
                                                   (size_t)entries * CACHE_MAP_ENTRY));
        base_store_u64(header + CACHE_HEADER_CHECKED,
                       crypto_checksum64(header, CACHE_HEADER_CHECKED, 0));
    }
}

/* Frames of a segment, as far as their lengths lead. */
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
            at += (WAL_FRAME_HEADER_SIZE + length + 7) & ~(size_t)7;
        }
    }
}

/* ---- Using it ---- */

static int stop_when_long(void *context, double fraction, uint64_t rows)
{
    const clock_t *start = context;
    (void)fraction;
    (void)rows;
    return clock() - *start > 5 * CLOCKS_PER_SEC;
}

static void run(tuff_conn *conn, const char *sql)
{
    tuff_stmt *stmt;
    tuff_result *result;
    if (tuff_prepare(conn, sql, -1, &stmt, NULL) == TUFF_OK) {
        tuff_status status = tuff_execute(stmt, &result);
        while (status == TUFF_OK && (status = tuff_next(result)) == TUFF_ROW) {
            for (uint32_t i = 0; i < tuff_column_count(result); i++)
                (void)tuff_get_text(result, i, NULL);
            status = TUFF_OK;
        }
        demand(status == TUFF_OK || status == TUFF_DONE ||
               tuff_conn_error(conn)->message[0] != '\0');
        tuff_finalize(stmt);
    } else {
        demand(tuff_conn_error(conn)->message[0] != '\0');
    }
}

static void open_and_use(machine *host, bool again)
{
    static const char *const reading[] = {
        "SELECT * FROM t",
        "SELECT * FROM u",
        "SELECT count(*), min(a), max(a) FROM t",
        "SELECT * FROM t WHERE a = 12",
        "SELECT a FROM t WHERE d BETWEEN 10 AND 200 AND o = 'word 2'",
        "SELECT x FROM u WHERE x = 37",
        "SELECT * FROM v LIMIT 3",
        "SELECT * FROM tuff_schema",
        "PRAGMA volume_stats",
        "PRAGMA integrity_check",
    };
    static const char *const changing[] = {
        "DELETE FROM t WHERE a % 7 = 3",
        "UPDATE t SET a = a + 20000 WHERE a % 6 = 1",
        "INSERT INTO t (a) VALUES (12), (777777)",
        "INSERT INTO u SELECT * FROM u",
        "CREATE INDEX later ON u (y)",
        "ALTER TABLE t ADD COLUMN zz INTEGER DEFAULT 1",
        "SET seal_rows = 20",
        "CHECKPOINT",
        "TRUNCATE u",
        "CHECKPOINT",
        "SELECT count(*) FROM t",
        "PRAGMA integrity_check",
    };
    tuff_db *db;
    tuff_conn *conn;
    clock_t start = clock();
    tuff_status status = tuff_open_in(&host->runtime, "x", &db);
    if (status != TUFF_OK || (status = tuff_connect(db, &conn)) != TUFF_OK) {
        demand(!db || tuff_db_error(db)->message[0] != '\0');
        (void)tuff_close(db);
        return;
    }
    tuff_set_progress(conn, stop_when_long, &start);
    for (size_t i = 0; i < BASE_COUNT_OF(reading); i++)
        run(conn, reading[i]);
    for (size_t i = 0; i < BASE_COUNT_OF(changing) && !again; i++)
        run(conn, changing[i]);
    tuff_disconnect(conn);
    (void)tuff_close(db);
}

/* Programs change by whole changes, and mostly keep the checksums right. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    uint64_t state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    uint8_t random[16];
    for (size_t i = 0; i < sizeof random; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        random[i] = (uint8_t)(state >> 32);
    }
    size_t count = size ? (size - 1) / CHANGE_SIZE : 0;
    size_t limit = BASE_MIN((max_size - 1) / CHANGE_SIZE, (size_t)MAX_CHANGES);
    if (max_size < 1 + CHANGE_SIZE)
        return size;
    if (count == 0 || random[0] % 8 == 0)
        data[0] = (uint8_t)(random[1] % 4 | (random[2] % 8 ? 0x0C : random[2] & 0x0C));
    uint8_t *chosen = data + 1 + random[3] % BASE_MAX(count, (size_t)1) * CHANGE_SIZE;
    switch (count == 0 ? 1 : random[0] % 6) {
    case 0: /* one fewer */
        if (count > 1)
            memmove(chosen, data + 1 + --count * CHANGE_SIZE, CHANGE_SIZE);
        break;
    case 1: /* one more */
        if (count < limit)
            memcpy(data + 1 + count++ * CHANGE_SIZE, random + 4, CHANGE_SIZE);
        break;
    case 2: /* another */
        memcpy(chosen, random + 4, CHANGE_SIZE);
        break;
    case 3: /* nearby */
        chosen[3] = (uint8_t)(chosen[3] + (random[4] % 17) - 8);
        break;
    default:
        (void)LLVMFuzzerMutate(chosen, CHANGE_SIZE, CHANGE_SIZE);
        break;
    }
    return 1 + count * CHANGE_SIZE;
}

/* Bytes: the database (2 bits), forge the file (bit 2), forge the log (bit 3); then changes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static image images[IMAGES];
    static const char *const scripts[IMAGES] = {small_tables, volumes, log_only};
    if (size < 1 + CHANGE_SIZE)
        return 0;
    const uint32_t number = data[0] % 4 == 3 ? 1 : data[0] % 4;
    image *self = &images[number];
    if (!self->file)
        make_image(self, scripts[number]);
    size_t file_size = self->file_size, log_size = self->log_size;
    unsigned char *file = malloc(file_size), *log = malloc(log_size);
    demand(file && log);
    memcpy(file, self->file, file_size);
    memcpy(log, self->log, log_size);
    for (size_t i = 0; i < MAX_CHANGES && 1 + (i + 1) * CHANGE_SIZE <= size; i++)
        change(self, file, &file_size, log, &log_size, data + 1 + i * CHANGE_SIZE);
    if (data[0] & 4)
        forge_file(file, file_size);
    if (data[0] & 8)
        forge_log(log, log_size);
    machine host;
    machine_start(&host);
    machine_write(&host, "x", file, file_size);
    machine_write(&host, "x-wal", log, log_size);
    open_and_use(&host, false);
    open_and_use(&host, true);
    machine_stop(&host);
    free(file);
    free(log);
    return 0;
}
