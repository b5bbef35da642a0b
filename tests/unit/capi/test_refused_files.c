/*
 * test_refused_files.c - files that are no database, damaged ones, and logs that do not fit:
 * each refused with the SQLSTATE and the sentence that docs/ERRORS.md promises, and left as it
 * was. Real files, through the public interface; bytes are changed from outside.
 */
#include "unit/unit.h"

#include "store/cache/cache_int.h"
#include "store/wal/wal_int.h"
#include "tuff.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct bytes {
    unsigned char *data;
    size_t size;
} bytes;

typedef struct fixture {
    char folder[32], path[64], log[64], dsn[128];
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    strcpy(f->folder, "/tmp/tuff-refused-XXXXXX");
    if (!mkdtemp(f->folder) || chmod(f->folder, 0777) != 0)
        return -1;
    snprintf(f->path, sizeof f->path, "%s/a.tuff", f->folder);
    snprintf(f->log, sizeof f->log, "%s/a.tuff-wal", f->folder);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    (void)unlink(f->path);
    (void)unlink(f->log);
    (void)rmdir(f->path);
    int failed = rmdir(f->folder);
    free(f);
    return failed;
}

/* ---- Files ---- */

static bytes read_file(const char *path)
{
    struct stat information;
    int file = open(path, O_RDONLY);
    if (file < 0 || fstat(file, &information) != 0 || !S_ISREG(information.st_mode)) {
        close(file);
        return (bytes){NULL, 0};
    }
    bytes content = {malloc((size_t)information.st_size + 1), (size_t)information.st_size};
    assert_int_equal(read(file, content.data, content.size), (ssize_t)content.size);
    close(file);
    return content;
}

static void write_file(const char *path, const void *data, size_t size)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(file >= 0);
    assert_int_equal(write(file, data, size), (ssize_t)size);
    close(file);
}

static void put(const char *path, bytes content)
{
    if (content.data)
        write_file(path, content.data, content.size);
    else
        (void)unlink(path);
}

static bytes copy_of(bytes content)
{
    bytes copy = {malloc(content.size + 1), content.size};
    memcpy(copy.data, content.data, content.size);
    return copy;
}

/* ---- Databases ---- */

static void run(tuff_conn *conn, const char *sql)
{
    if (tuff_exec(conn, sql, NULL) != TUFF_OK)
        fail_msg("%s\n  %s", sql, tuff_conn_error(conn)->message);
}

/* Runs the script and copies file and log as they are before the close, and the file after it. */
/* Without history: what is damaged is then of the rows of today. */
static void make(fixture *f, const char *script, bytes *file, bytes *log, bytes *closed)
{
    tuff_db *db;
    tuff_conn *conn;
    snprintf(f->dsn, sizeof f->dsn, "file://%s?history_retention=0", f->path);
    assert_int_equal(tuff_open(f->dsn, &db), TUFF_OK);
    assert_int_equal(tuff_connect(db, &conn), TUFF_OK);
    run(conn, script);
    *file = read_file(f->path);
    *log = read_file(f->log);
    tuff_disconnect(conn);
    assert_int_equal(tuff_close(db), TUFF_OK);
    if (closed)
        *closed = read_file(f->path);
    assert_int_equal(access(f->log, F_OK), -1);
    (void)unlink(f->path);
}

static void expect_text(const tuff_error *error, const char *sqlstate, const char *text)
{
    if (strcmp(error->sqlstate, sqlstate) != 0 || !strstr(error->message, text))
        fail_msg("expected %s \"%s\", got %s \"%s\"", sqlstate, text, error->sqlstate,
                 error->message);
}

/* Opening fails with these words, and changes no byte of file and log. */
static void expect_refused(fixture *f, const char *options, const char *sqlstate, const char *text)
{
    tuff_db *db;
    bytes file = read_file(f->path), log = read_file(f->log);
    snprintf(f->dsn, sizeof f->dsn, "file://%s%s", f->path, options);
    if (tuff_open(f->dsn, &db) == TUFF_OK)
        fail_msg("opened what should be refused: %s", text);
    expect_text(tuff_db_error(db), sqlstate, text);
    tuff_close(db);
    bytes file_after = read_file(f->path), log_after = read_file(f->log);
    assert_int_equal(file.size, file_after.size);
    assert_int_equal(log.size, log_after.size);
    if (file.size)
        assert_memory_equal(file.data, file_after.data, file.size);
    if (log.size)
        assert_memory_equal(log.data, log_after.data, log.size);
    free(file.data);
    free(file_after.data);
    free(log.data);
    free(log_after.data);
}

/* Opens and counts the rows of t. */
static int64_t count_rows(fixture *f, const char *options)
{
    tuff_db *db;
    tuff_conn *conn;
    tuff_stmt *stmt;
    tuff_result *result;
    snprintf(f->dsn, sizeof f->dsn, "file://%s%s", f->path, options);
    if (tuff_open(f->dsn, &db) != TUFF_OK)
        fail_msg("does not open: %s", tuff_db_error(db)->message);
    assert_int_equal(tuff_connect(db, &conn), TUFF_OK);
    assert_int_equal(tuff_prepare(conn, "SELECT count(*) FROM t", -1, &stmt, NULL), TUFF_OK);
    assert_int_equal(tuff_execute(stmt, &result), TUFF_OK);
    assert_int_equal(tuff_next(result), TUFF_ROW);
    int64_t count = tuff_get_int64(result, 0);
    tuff_finalize(stmt);
    tuff_disconnect(conn);
    assert_int_equal(tuff_close(db), TUFF_OK);
    return count;
}

static void seal_header(unsigned char *slot)
{
    base_store_u64(slot + CACHE_HEADER_CHECKED, crypto_checksum64(slot, CACHE_HEADER_CHECKED, 0));
}

/* The first extent of a kind, by its reference somewhere in the file; NULL: none. */
static unsigned char *find_extent(bytes file, cache_kind kind, cache_reference *reference)
{
    for (size_t at = 0; at + CACHE_REFERENCE_SIZE <= file.size; at++) {
        cache_reference_load(reference, file.data + at);
        unsigned char seal[16];
        if (reference->kind != kind || reference->offset < 2 * CACHE_GRANULE ||
            reference->offset % CACHE_GRANULE || reference->offset >= file.size ||
            reference->length == 0 || reference->length > file.size - reference->offset)
            continue;
        cache_seal(file.data + reference->offset, reference->length, kind, seal);
        if (memcmp(seal, reference->seal, sizeof seal) == 0)
            return file.data + reference->offset;
    }
    return NULL;
}

static const char some_rows[] = "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT);"
                                "INSERT INTO t SELECT x, 'row ' || x FROM generate_series(1, 300) "
                                "AS g (x);";

/* ---- No database at all ---- */

static void what_is_no_database(void **state)
{
    fixture *f = *state;
    static unsigned char zeros[5 * CACHE_GRANULE];
    static const char text[] = "SQLite format 3\0 or a letter, or whatever else";
    write_file(f->path, text, sizeof text);
    expect_refused(f, "", "XX002", "is not a Tuff database");
    char long_text[20000];
    memset(long_text, 'x', sizeof long_text);
    write_file(f->path, long_text, sizeof long_text);
    expect_refused(f, "", "XX002", "is not a Tuff database");
    write_file(f->path, "TUFFFI", 6); /* a prefix of the magic is none */
    expect_refused(f, "", "XX002", "is not a Tuff database");
    write_file(f->path, zeros, sizeof zeros);
    expect_refused(f, "", "XX001", "both headers");
    write_file(f->path, "", 0);
    expect_refused(f, "?mode=rw", "XX002", "is not a Tuff database");
    expect_refused(f, "?mode=ro", "XX002", "is not a Tuff database");
}

static void what_cannot_be_opened(void **state)
{
    fixture *f = *state;
    expect_refused(f, "?mode=rw", "58P01", "No such file");
    expect_refused(f, "?mode=ro", "58P01", "No such file");
    assert_int_equal(mkdir(f->path, 0777), 0);
    expect_refused(f, "", "58P01", "directory");
    assert_int_equal(rmdir(f->path), 0);
    tuff_db *db;
    assert_int_not_equal(tuff_open("/nowhere/at/all/a.tuff", &db), TUFF_OK);
    expect_text(tuff_db_error(db), "58P01", "/nowhere/at/all/a.tuff");
    tuff_close(db);
    assert_int_not_equal(tuff_open("/proc/self/mem", &db), TUFF_OK);
    assert_true(tuff_db_error(db)->message[0] != '\0');
    tuff_close(db);
}

/* The superuser may read and write everything, so a child takes another identity. */
static void what_is_not_permitted(void **state)
{
    fixture *f = *state;
    bytes file, log, closed;
    make(f, some_rows, &file, &log, &closed);
    put(f->path, closed);
    assert_int_equal(chmod(f->path, 0444), 0);
    pid_t child = fork();
    if (child == 0) {
        if (getuid() == 0 && setuid(65534) != 0)
            _exit(9);
        tuff_db *db;
        snprintf(f->dsn, sizeof f->dsn, "file://%s", f->path);
        if (tuff_open(f->dsn, &db) == TUFF_OK ||
            strcmp(tuff_db_error(db)->sqlstate, "58P01") != 0 ||
            !strstr(tuff_db_error(db)->message, "Permission denied"))
            _exit(1);
        tuff_close(db);
        snprintf(f->dsn, sizeof f->dsn, "file://%s?mode=ro", f->path);
        _exit(tuff_open(f->dsn, &db) == TUFF_OK && tuff_close(db) == TUFF_OK ? 0 : 2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    free(file.data);
    free(log.data);
    free(closed.data);
}

static void what_another_process_has_open(void **state)
{
    fixture *f = *state;
    int ready[2], go[2];
    char byte = 'x';
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    pid_t child = fork();
    if (child == 0) {
        tuff_db *db;
        bool opened = tuff_open(f->path, &db) == TUFF_OK;
        byte = opened ? 'y' : 'n';
        if (write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1)
            _exit(3);
        _exit(opened && tuff_close(db) == TUFF_OK ? 0 : 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    tuff_db *db;
    assert_int_equal(tuff_open(f->path, &db), TUFF_FILE_LOCKED);
    char holder[32];
    snprintf(holder, sizeof holder, "process %d", (int)child);
    expect_text(tuff_db_error(db), "55006", holder);
    tuff_close(db);
    assert_int_equal(write(go[1], &byte, 1), 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(go[i]);
    }
    assert_int_equal(tuff_open(f->path, &db), TUFF_OK); /* and afterwards it opens */
    assert_int_equal(tuff_close(db), TUFF_OK);
}

/* ---- Headers ---- */

static void other_versions(void **state)
{
    fixture *f = *state;
    bytes file, log, closed;
    make(f, some_rows, &file, &log, &closed);
    for (size_t slot = 0; slot < 2; slot++) {
        base_store_u32(closed.data + slot * CACHE_GRANULE + 8, CACHE_VERSION + 1);
        seal_header(closed.data + slot * CACHE_GRANULE);
    }
    put(f->path, closed);
    expect_refused(f, "", "XX002", "needs a newer version of this library");
    expect_refused(f, "?mode=ro", "XX002", "needs a newer version of this library");
    for (size_t slot = 0; slot < 2; slot++) { /* a feature that writers must know */
        base_store_u32(closed.data + slot * CACHE_GRANULE + 8, CACHE_VERSION);
        base_store_u64(closed.data + slot * CACHE_GRANULE + 24, 4);
        seal_header(closed.data + slot * CACHE_GRANULE);
    }
    put(f->path, closed);
    expect_refused(f, "", "XX002", "needs a newer version of this library");
    assert_int_equal(count_rows(f, "?mode=ro"), 300);
    for (size_t slot = 0; slot < 2; slot++) { /* readers too */
        base_store_u64(closed.data + slot * CACHE_GRANULE + 16, 1);
        seal_header(closed.data + slot * CACHE_GRANULE);
    }
    put(f->path, closed);
    expect_refused(f, "?mode=ro", "XX002", "needs a newer version of this library");
    free(file.data);
    free(log.data);
    free(closed.data);
}

/* Reading alone leaves no trace, whether all is in the file or in the log. */
static void reading_only_changes_nothing(void **state)
{
    fixture *f = *state;
    bytes file, log, closed;
    make(f, some_rows, &file, &log, &closed);
    put(f->path, closed);
    assert_int_equal(count_rows(f, "?mode=ro"), 300);
    bytes after = read_file(f->path);
    assert_int_equal(after.size, closed.size);
    assert_memory_equal(after.data, closed.data, closed.size);
    free(after.data);
    put(f->path, file);
    put(f->log, log);
    assert_int_equal(count_rows(f, "?mode=ro"), 300);
    after = read_file(f->log);
    assert_int_equal(after.size, log.size);
    assert_memory_equal(after.data, log.data, log.size);
    free(after.data);
    after = read_file(f->path);
    assert_int_equal(after.size, file.size);
    assert_memory_equal(after.data, file.data, file.size);
    free(after.data);
    free(file.data);
    free(log.data);
    free(closed.data);
}

static void damaged_headers(void **state)
{
    fixture *f = *state;
    bytes file, log, closed;
    make(f, some_rows, &file, &log, &closed);
    for (size_t slot = 0; slot < 2; slot++) { /* one of them: the other serves */
        bytes damaged = copy_of(closed);
        memset(damaged.data + slot * CACHE_GRANULE + 64, 0xA5, 40);
        put(f->path, damaged);
        assert_int_equal(count_rows(f, ""), 300);
        memset(damaged.data + slot * CACHE_GRANULE, 0xA5, CACHE_GRANULE);
        put(f->path, damaged);
        assert_int_equal(count_rows(f, ""), 300);
        free(damaged.data);
    }
    bytes damaged = copy_of(closed);
    damaged.data[100] ^= 1;
    damaged.data[CACHE_GRANULE + 50] ^= 1;
    put(f->path, damaged);
    expect_refused(f, "", "XX001", "both headers");
    memset(damaged.data, 0, 2 * CACHE_GRANULE);
    put(f->path, damaged);
    expect_refused(f, "", "XX001", "both headers");
    free(damaged.data);
    free(file.data);
    free(log.data);
    free(closed.data);
}

/* All rows are in the log yet, the file is two headers long: it must not pass for a new one. */
static void damaged_headers_before_the_first_checkpoint(void **state)
{
    fixture *f = *state;
    bytes file, log;
    make(f, some_rows, &file, &log, NULL);
    assert_int_equal(file.size, 2 * CACHE_GRANULE);
    put(f->log, log);
    file.data[100] ^= 1;
    file.data[CACHE_GRANULE + 100] ^= 1;
    put(f->path, file);
    expect_refused(f, "", "XX001", "both headers");
    memset(file.data, 0, file.size);
    put(f->path, file);
    expect_refused(f, "", "XX001", "both headers");
    file.size = 0;
    put(f->path, file);
    expect_refused(f, "", "XX002", "is not a Tuff database");
    free(file.data);
    free(log.data);
}

/* ---- Content ---- */

static void cut_off_files(void **state)
{
    fixture *f = *state;
    bytes file, log, closed;
    make(f, some_rows, &file, &log, &closed);
    bytes cut = {closed.data, closed.size / CACHE_GRANULE / 2 * CACHE_GRANULE};
    assert_true(cut.size >= 2 * CACHE_GRANULE);
    put(f->path, cut);
    expect_refused(f, "", "XX001", "was cut off");
    cut.size = 2 * CACHE_GRANULE;
    put(f->path, cut);
    expect_refused(f, "", "XX001", "was cut off");
    cut.size = CACHE_GRANULE + 100;
    put(f->path, cut);
    expect_refused(f, "", "XX001", "was cut off");
    free(file.data);
    free(log.data);
    free(closed.data);
}

/* A flipped bit anywhere in an extent that opening reads. */
static void damaged_catalog_and_root(void **state)
{
    fixture *f = *state;
    bytes file, log, closed;
    make(f, some_rows, &file, &log, &closed);
    cache_reference reference;
    unsigned char *root = find_extent(closed, CACHE_KIND_ROOT, &reference);
    assert_non_null(root);
    root[reference.length / 2] ^= 0x10;
    put(f->path, closed);
    expect_refused(f, "", "XX001", "damaged");
    free(file.data);
    free(log.data);
    free(closed.data);
}

/* The first line of the integrity check. */
static void expect_integrity(tuff_conn *conn, const char *text)
{
    tuff_stmt *stmt;
    tuff_result *result;
    assert_int_equal(tuff_prepare(conn, "PRAGMA integrity_check", -1, &stmt, NULL), TUFF_OK);
    assert_int_equal(tuff_execute(stmt, &result), TUFF_OK);
    assert_int_equal(tuff_next(result), TUFF_ROW);
    if (!strstr(tuff_get_text(result, 0, NULL), text))
        fail_msg("integrity check: %s", tuff_get_text(result, 0, NULL));
    tuff_finalize(stmt);
}

/* A part of a table is read when it is needed: then its table fails, the rest of the database goes
 * on, and the table can be dropped. */
static void damaged_tables(void **state)
{
    static const struct {
        cache_kind kind;
        const char *failing;
    } parts[] = {
        {CACHE_KIND_COLUMN, "SELECT sum(length(b)), min(a) FROM cold"},
        {CACHE_KIND_VOLUME, "SELECT count(*) FROM cold"},
        {CACHE_KIND_VOLUME, "INSERT INTO cold (a) VALUES (99999)"},
        {CACHE_KIND_MARKS, "DELETE FROM cold WHERE a = 7"},
        {CACHE_KIND_HOT, "UPDATE cold SET b = 'b' WHERE a = 7"},
        {CACHE_KIND_INDEX_RUN, "SELECT a FROM cold WHERE b = 'c'"},
    };
    fixture *f = *state;
    bytes file, log, closed;
    make(f,
         "SET seal_rows = 50;"
         "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT); INSERT INTO t VALUES (1, 'fine');"
         "CREATE TABLE cold (a INTEGER PRIMARY KEY, b TEXT); CREATE INDEX cold_b ON cold (b);"
         "INSERT INTO cold SELECT x, md5(CAST(x AS TEXT)) FROM generate_series(1, 3000) AS g (x);"
         "CHECKPOINT; SET seal_rows = 10000; DELETE FROM cold WHERE a % 10 = 1;"
         "INSERT INTO cold SELECT x, md5(CAST(x AS TEXT)) FROM generate_series(4000, 6000) AS g "
         "(x);",
         &file, &log, &closed);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        cache_reference reference;
        bytes damaged = copy_of(closed);
        unsigned char *part = find_extent(damaged, parts[i].kind, &reference);
        assert_non_null(part);
        part[reference.length / 2] ^= 0x10;
        put(f->path, damaged);
        free(damaged.data);
        tuff_db *db;
        tuff_conn *conn;
        assert_int_equal(tuff_open(f->path, &db), TUFF_OK);
        assert_int_equal(tuff_connect(db, &conn), TUFF_OK);
        assert_int_equal(tuff_exec(conn, parts[i].failing, NULL), TUFF_CORRUPT);
        expect_text(tuff_conn_error(conn), "XX001", "are not what was written");
        run(conn, "INSERT INTO t VALUES (2, 'still fine')");
        expect_integrity(conn, "are not what was written");
        run(conn, "CHECKPOINT; DROP TABLE cold; CHECKPOINT; CREATE TABLE cold (x TEXT)");
        expect_integrity(conn, "ok");
        tuff_disconnect(conn);
        assert_int_equal(tuff_close(db), TUFF_OK);
        assert_int_equal(count_rows(f, ""), 2);
    }
    free(file.data);
    free(log.data);
    free(closed.data);
}

/* ---- Logs ---- */

static void logs_of_other_databases(void **state)
{
    fixture *f = *state;
    bytes file, log, other_file, other_log, closed;
    make(f, some_rows, &file, &log, &closed);
    make(f, some_rows, &other_file, &other_log, NULL);
    put(f->path, file);
    put(f->log, other_log);
    expect_refused(f, "", "XX002", "belongs to another database");
    write_file(f->log, "this is no log at all, but somebody's diary", 43);
    expect_refused(f, "", "XX001", "is damaged");
    base_store_u32(log.data + 8, WAL_VERSION + 1);
    base_store_u32(log.data + 124, crypto_crc32c(0, log.data, 124));
    put(f->log, log);
    expect_refused(f, "", "XX002", "version");
    (void)unlink(f->path); /* the log alone: the file is lost, not new */
    put(f->log, other_log);
    tuff_db *db;
    assert_int_not_equal(tuff_open(f->path, &db), TUFF_OK);
    expect_text(tuff_db_error(db), "58P01", "No such file");
    assert_non_null(strstr(tuff_db_error(db)->hint, "its log"));
    tuff_close(db);
    assert_int_equal(access(f->path, F_OK), -1);
    free(file.data);
    free(log.data);
    free(other_file.data);
    free(other_log.data);
    free(closed.data);
}

/* An old copy of the file beside the log of now. */
static void logs_from_the_future(void **state)
{
    fixture *f = *state;
    bytes old_file, old_log, file, log;
    tuff_db *db;
    tuff_conn *conn;
    assert_int_equal(tuff_open(f->path, &db), TUFF_OK);
    assert_int_equal(tuff_connect(db, &conn), TUFF_OK);
    run(conn, some_rows);
    run(conn, "CHECKPOINT");
    old_file = read_file(f->path);
    old_log = read_file(f->log);
    for (int i = 0; i < 3; i++)
        run(conn, "INSERT INTO t SELECT max(a) + 1, 'x' FROM t; CHECKPOINT");
    run(conn, "INSERT INTO t SELECT max(a) + 1, 'x' FROM t");
    file = read_file(f->path);
    log = read_file(f->log);
    tuff_disconnect(conn);
    assert_int_equal(tuff_close(db), TUFF_OK);
    put(f->path, old_file);
    put(f->log, log);
    expect_refused(f, "", "XX001", "is newer than its database file");
    put(f->path, file);
    assert_int_equal(count_rows(f, ""), 304);
    put(f->path, file);   /* the newer file with the older log: nothing of it counts any more, */
    put(f->log, old_log); /* but the commits after the checkpoint are missing */
    assert_int_equal(count_rows(f, ""), 303);
    free(old_file.data);
    free(old_log.data);
    free(file.data);
    free(log.data);
}

static void logs_torn_at_the_end_and_in_the_middle(void **state)
{
    fixture *f = *state;
    bytes file, log;
    make(f,
         "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT);"
         "INSERT INTO t VALUES (1, 'one'); INSERT INTO t VALUES (2, 'two');"
         "INSERT INTO t VALUES (3, 'three'); INSERT INTO t VALUES (4, 'four')",
         &file, &log, NULL);
    /* The places of the frames' bytes, from their ends. */
    size_t end = log.size;
    while (end > 0 && log.data[end - 1] == 0)
        end--;
    put(f->path, file);
    put(f->log, log);
    assert_int_equal(count_rows(f, ""), 4);
    size_t frames[64], count = 0;
    for (size_t at = WAL_BLOCK; at + WAL_FRAME_HEADER_SIZE <= end && count < 64;) {
        if (log.data[at + 4] == WAL_FRAME_DATA)
            frames[count++] = at;
        at += (WAL_FRAME_HEADER_SIZE + base_load_u32(log.data + at) + 7) & ~(size_t)7;
    }
    assert_true(count >= 4);
    bytes torn = copy_of(log); /* half of the last unit did not get there */
    memset(torn.data + frames[count - 1] + WAL_FRAME_HEADER_SIZE + 8, 0, 8);
    put(f->path, file);
    put(f->log, torn);
    assert_int_equal(count_rows(f, ""), 3);
    torn.size = frames[count - 1] + 20; /* or the file ends there */
    put(f->path, file);
    put(f->log, torn);
    assert_int_equal(count_rows(f, ""), 3);
    free(torn.data);
    torn = copy_of(log); /* a unit that others were built on */
    torn.data[frames[1] + WAL_FRAME_HEADER_SIZE + 9] ^= 1;
    put(f->path, file);
    put(f->log, torn);
    expect_refused(f, "", "XX001", "is damaged");
    free(torn.data);
    torn = copy_of(log); /* its header */
    torn.data[frames[1] + 16] ^= 1;
    put(f->log, torn);
    expect_refused(f, "", "XX001", "is damaged");
    free(torn.data);
    torn = copy_of(log); /* the segment's */
    torn.data[40] ^= 1;
    put(f->log, torn);
    expect_refused(f, "", "XX001", "is damaged");
    free(torn.data);
    free(file.data);
    free(log.data);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_database),   TEST(what_cannot_be_opened),
        TEST(what_is_not_permitted), TEST(what_another_process_has_open),
        TEST(other_versions),        TEST(reading_only_changes_nothing),
        TEST(damaged_headers),       TEST(damaged_headers_before_the_first_checkpoint),
        TEST(cut_off_files),         TEST(damaged_catalog_and_root),
        TEST(damaged_tables),        TEST(logs_of_other_databases),
        TEST(logs_from_the_future),  TEST(logs_torn_at_the_end_and_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
