/*
 * sim_loads.c - bulk loads under seeded thread schedules, beside everything else.
 *
 * Batches of rows are loaded into a table with indexes and into one without, while others delete
 * and rename batches, read, define, checkpoint (which seals) and merge. A row's number tells which
 * batch it is of and how many rows that has, so that every snapshot can be judged by itself:
 * each batch is there whole or not at all, once, by scan and by index. Power cuts among them
 * must leave whole batches, too.
 */
#include "threads.h"

enum {
    MAX_WORKERS = 4,
    MOST_ROWS = 4096,   /* of a table */
    LARGEST_BATCH = 40, /* several times what a volume takes */
    PLACES = 300,       /* rowids that are not chosen lie below */
    NUMBER_SIZE = 64, /* number = (batch * NUMBER_SIZE + size) * NUMBER_SIZE + place in the batch */
};

/* Tables of a run, by place in run.ids. */
enum {
    TABLE_PLAIN,
    TABLE_KEYED, /* a unique index on the numbers, another on the texts */
    TABLE_KINDS
};

typedef struct found_row {
    int64_t rowid, number;
} found_row;

typedef struct found {
    uint32_t count;
    found_row rows[MOST_ROWS];
} found;

static int64_t batch_of(int64_t number)
{
    return number / NUMBER_SIZE / NUMBER_SIZE;
}
static int64_t size_of(int64_t number)
{
    return number / NUMBER_SIZE % NUMBER_SIZE;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void note_row(run *self, found *rows, int64_t rowid, int64_t number)
{
    if (sim_expect(self->report, rows->count < MOST_ROWS, "too many rows"))
        rows->rows[rows->count++] = (found_row){rowid, number};
}

static base_status read_by_scan(run *self, txn_transaction *transaction, table_relation *relation,
                                found *rows, base_error *error)
{
    uint32_t columns[] = {TABLE_ROWID, COLUMN_NUMBER};
    types_type types[] = {TYPES_OF(INTEGER), TYPES_OF(INTEGER)};
    table_scan_options options = {
        .columns = columns, .column_count = 2, .first_rowid = INT64_MIN, .last_rowid = INT64_MAX};
    table_scan *scan = NULL;
    table_reader *reader = NULL;
    vector_chunk chunk;
    rows->count = 0;
    RETURN_IF_ERROR(
        vector_chunk_init(&chunk, table_database_budget(self->database), types, 2, error));
    base_status status = table_scan_create(transaction, relation, &options, &scan, error);
    if (status == BASE_OK)
        status = table_reader_create(scan, &reader, error);
    for (uint32_t unit = 0; status == BASE_OK && unit < table_scan_unit_count(scan); unit++) {
        status = table_reader_open_unit(reader, unit, error);
        while (status == BASE_OK &&
               (status = table_reader_next(reader, &chunk, error)) == BASE_ROW) {
            for (uint32_t i = 0; i < chunk.count; i++) {
                uint32_t row = vector_row(chunk.selection, i);
                note_row(self, rows, vector_get(&chunk.columns[0], row).cell.int64,
                         vector_get(&chunk.columns[1], row).cell.int64);
            }
            status = BASE_OK;
        }
        if (status == BASE_DONE)
            status = BASE_OK;
    }
    table_reader_destroy(reader);
    table_scan_destroy(scan);
    vector_chunk_destroy(&chunk);
    return status;
}

static base_status read_by_index(run *self, txn_transaction *transaction, table_relation *relation,
                                 uint32_t place, found *rows, base_error *error)
{
    uint32_t columns[] = {TABLE_ROWID, COLUMN_NUMBER};
    table_key_range everything = {.low_inclusive = true, .high_inclusive = true};
    table_index_cursor *cursor;
    types_cell cells[2];
    bool nulls[2];
    base_arena heap;
    rows->count = 0;
    RETURN_IF_ERROR(table_index_cursor_create(transaction, relation,
                                              table_index_at(relation, place), &everything, false,
                                              columns, 2, &cursor, error));
    base_status status;
    base_arena_init(&heap, table_database_budget(self->database));
    while ((status = table_index_cursor_next_row(cursor, cells, nulls, &heap, error)) == BASE_ROW)
        note_row(self, rows, cells[0].int64, cells[1].int64);
    base_arena_destroy(&heap);
    table_index_cursor_destroy(cursor);
    return status == BASE_DONE ? BASE_OK : status;
}

static int compare_rows(const void *a, const void *b)
{
    const found_row *left = a, *right = b;
    if (left->number != right->number)
        return left->number < right->number ? -1 : 1;
    return (left->rowid > right->rowid) - (left->rowid < right->rowid);
}

/* Sorted by number all rows of a batch are side by side. Returns a fingerprint. */
static uint64_t judge(run *self, found *rows, const char *when)
{
    uint64_t print = rows->count;
    qsort(rows->rows, rows->count, sizeof *rows->rows, compare_rows);
    for (uint32_t i = 0; i < rows->count;) {
        int64_t number = rows->rows[i].number, size = size_of(number), place = 0;
        for (; i < rows->count && batch_of(rows->rows[i].number) == batch_of(number); i++) {
            print = base_hash_combine(print, (uint64_t)rows->rows[i].rowid);
            print = base_hash_combine(print, (uint64_t)rows->rows[i].number);
            place += rows->rows[i].number % NUMBER_SIZE == place;
        }
        if (!sim_expect(self->report, place == size,
                        "%s: %lld rows of batch %lld are there, it has %lld", when,
                        (long long)place, (long long)batch_of(number), (long long)size))
            break;
    }
    return print;
}

/* All of a table, each way. */
static base_status judge_table(run *self, txn_transaction *transaction, uint32_t t, found *rows,
                               uint64_t *print, const char *when, base_error *error)
{
    table_relation *relation;
    base_status status = table_acquire(transaction, self->ids[t], &relation, error);
    if (status != BASE_OK)
        return status;
    status = read_by_scan(self, transaction, relation, rows, error);
    if (status == BASE_OK)
        *print = judge(self, rows, when);
    for (uint32_t i = 0; status == BASE_OK && i < table_index_count(relation); i++) {
        status = read_by_index(self, transaction, relation, i, rows, error);
        if (status == BASE_OK)
            sim_expect(self->report, judge(self, rows, when) == *print,
                       "%s: index %u leads to other rows than a scan", when, i);
    }
    table_release(relation);
    return status;
}

static void judge_all(run *self, const char *when)
{
    txn_transaction *transaction;
    base_error error;
    base_error_clear(&error);
    found *rows = malloc(sizeof *rows);
    base_status status = table_begin(self->database, TXN_SNAPSHOT, true, &transaction, &error);
    if (status == BASE_OK) {
        for (uint32_t t = 0; t < TABLE_KINDS && status == BASE_OK; t++) {
            uint64_t print;
            status = judge_table(self, transaction, t, rows, &print, when, &error);
            if (status == BASE_UNDEFINED_TABLE) { /* a crash before it was made */
                status = BASE_OK;
                base_error_clear(&error);
            }
        }
        table_rollback(transaction);
    }
    free(rows);
    sim_expect(self->report, status == BASE_OK, "%s: %s", when, error.message);
}

/* One snapshot, again and again. */
static void read_batches(void *argument)
{
    worker *self = argument;
    found *rows = malloc(sizeof *rows);
    for (uint32_t i = 0; i < self->run->steps; i++) {
        txn_transaction *transaction;
        uint64_t print = 0, first = 0;
        base_error error;
        base_error_clear(&error);
        uint32_t t = (uint32_t)next(self, TABLE_KINDS);
        base_status status =
            table_begin(self->run->database, TXN_SNAPSHOT, true, &transaction, &error);
        for (uint32_t again = 0; status == BASE_OK && again < 3; again++) {
            status = judge_table(self->run, transaction, t, rows, &print, "a snapshot", &error);
            sim_expect(self->run->report, status != BASE_OK || !again || print == first,
                       "a snapshot shows other rows than it did");
            first = print;
        }
        if (status == BASE_OK)
            table_rollback(transaction);
        finish_step(self, "read", status, &error);
    }
    free(rows);
}

/* ---- Changes --------------------------------------------------------------------------------- */

typedef base_status (*statement_body)(worker *self, txn_transaction *transaction,
                                      table_relation *relation, base_error *error);

/* The text follows from the number. */
static base_status load_part(run *self, table_loader *loader, vector_chunk *chunk, int64_t first,
                             int64_t *rowids, const uint32_t *places, uint32_t count, bool choose,
                             base_error *error)
{
    static const types_type types[] = {TYPES_OF(INTEGER), TYPES_OF(INTEGER), TYPES_OF(TEXT)};
    char texts[LARGEST_BATCH][64];
    table_conflict conflict;
    (void)self;
    vector_chunk_reset(chunk);
    for (uint32_t i = 0; i < count; i++) {
        types_cell cells[COLUMN_COUNT];
        bool nulls[COLUMN_COUNT];
        make_cells(first + places[i], cells, nulls, texts[i]);
        cells[COLUMN_ID].int64 = rowids[i];
        for (uint32_t c = 0; c < COLUMN_COUNT; c++) {
            types_value value = {.type = types[c], .cell = cells[c], .is_null = nulls[c]};
            if (nulls[c])
                vector_set_null(&chunk->columns[c], i);
            else
                vector_put(&chunk->columns[c], i, &value);
        }
    }
    chunk->count = count;
    return table_loader_append(loader, chunk, rowids, choose, &conflict, error);
}

static base_status load_all(worker *self, table_loader *loader, uint32_t size, base_error *error)
{
    static const types_type types[] = {TYPES_OF(INTEGER), TYPES_OF(INTEGER), TYPES_OF(TEXT)};
    uint32_t places[LARGEST_BATCH], step = 1 + (uint32_t)next(self, size);
    int64_t rowids[LARGEST_BATCH];
    int64_t first = ((int64_t)++self->run->next_number * NUMBER_SIZE + size) * NUMBER_SIZE;
    int64_t start = 1 + (int64_t)next(self, PLACES);
    bool choose = next(self, 2), shuffled = !choose && next(self, 2);
    vector_chunk chunk;
    table_conflict conflict;
    for (uint32_t i = 0; i < size; i++) {
        uint32_t to = shuffled ? (uint32_t)next(self, i + 1) : i;
        places[i] = places[to];
        places[to] = i;
    }
    RETURN_IF_ERROR(vector_chunk_init(&chunk, table_database_budget(self->run->database), types,
                                      COLUMN_COUNT, error));
    base_status status = BASE_OK;
    for (uint32_t i = 0; i < size && status == BASE_OK; i += step) {
        uint32_t count = BASE_MIN(step, size - i);
        for (uint32_t k = 0; k < count; k++)
            rowids[k] = start + places[i + k];
        status =
            load_part(self->run, loader, &chunk, first, rowids, places + i, count, choose, error);
    }
    if (status == BASE_OK)
        status = table_loader_finish(loader, &conflict, error);
    vector_chunk_destroy(&chunk);
    return status;
}

static base_status load_batch(worker *self, txn_transaction *transaction, table_relation *relation,
                              base_error *error)
{
    table_loader *loader;
    uint32_t size = 1 + (uint32_t)next(self, LARGEST_BATCH);
    RETURN_IF_ERROR(table_loader_create(transaction, relation, &loader, error));
    base_status status = load_all(self, loader, size, error);
    table_loader_destroy(loader);
    return status;
}

/* The rows of some batch that the statement sees, at the front of `rows`. */
static base_status pick_batch(worker *self, txn_transaction *transaction, table_relation *relation,
                              found *rows, base_error *error)
{
    uint32_t kept = 0;
    RETURN_IF_ERROR(read_by_scan(self->run, transaction, relation, rows, error));
    if (rows->count == 0)
        return BASE_OK;
    int64_t batch = batch_of(rows->rows[next(self, rows->count)].number);
    for (uint32_t i = 0; i < rows->count; i++) {
        if (batch_of(rows->rows[i].number) == batch)
            rows->rows[kept++] = rows->rows[i];
    }
    rows->count = kept;
    return BASE_OK;
}

/* NOT_FOUND: another deleted it after the statement began. */
static base_status change_row(txn_transaction *transaction, table_relation *relation,
                              const found_row *row, int64_t batch, base_error *error)
{
    types_cell cells[COLUMN_COUNT];
    bool nulls[COLUMN_COUNT];
    char text[64];
    table_conflict conflict;
    uint32_t columns[] = {COLUMN_NUMBER, COLUMN_TEXT};
    if (!batch)
        return table_delete_row(transaction, relation, row->rowid, error);
    int64_t number = row->number % (NUMBER_SIZE * NUMBER_SIZE);
    make_cells(batch * NUMBER_SIZE * NUMBER_SIZE + number, cells, nulls, text);
    return table_update_row(transaction, relation, row->rowid, columns, 2, cells + 1, nulls + 1,
                            &conflict, error);
}

/* Deletes a batch, or gives it another number. */
static base_status change_batch(worker *self, txn_transaction *transaction,
                                table_relation *relation, base_error *error)
{
    found *rows = malloc(sizeof *rows);
    int64_t batch = next(self, 2) ? (int64_t)++self->run->next_number : 0;
    base_status status = pick_batch(self, transaction, relation, rows, error);
    for (uint32_t i = 0; status == BASE_OK && i < rows->count; i++)
        status = change_row(transaction, relation, &rows->rows[i], batch, error);
    free(rows);
    return status;
}

static base_status define(worker *self, txn_transaction *transaction, table_relation *relation,
                          base_error *error)
{
    uint64_t id = table_describe(relation)->id, index_id;
    table_index_part part = {.column = COLUMN_TEXT};
    table_index_descriptor index = {.relation_id = id, .part_count = 1, .parts = &part};
    uint32_t count = table_index_count(relation);
    uint32_t place = (uint32_t)next(self, count + 1);
    if (next(self, 6) == 0)
        return table_truncate(transaction, id, error);
    if (place == count)
        return count < 3 ? table_index_create(transaction, &index, &index_id, error) : BASE_OK;
    uint64_t chosen = table_index_describe(table_index_at(relation, place))->id;
    return place > 0 && next(self, 2) ? table_index_drop(transaction, chosen, error)
                                      : table_index_rebuild(transaction, chosen, error);
}

/* As a session does: a statement that fails is taken back, one that meets a change runs again. */
static base_status run_statement(worker *self, txn_transaction *transaction, statement_body body,
                                 uint32_t t, base_error *error)
{
    for (;;) {
        table_statement_start(transaction);
        txn_mark mark = table_get_mark(transaction);
        table_relation *relation;
        base_status status = table_acquire(transaction, self->run->ids[t], &relation, error);
        if (status == BASE_OK) {
            status = body(self, transaction, relation, error);
            table_release(relation);
        }
        bool takes_back = status == BASE_OK && next(self, 6) == 0;
        if (status != BASE_OK || takes_back)
            table_rollback_to(transaction, mark);
        if (status == BASE_RESTART) {
            base_error_clear(error);
            continue;
        }
        if (status == BASE_UNIQUE_VIOLATION) { /* a rowid that is taken */
            base_error_clear(error);
            return BASE_OK;
        }
        return status;
    }
}

static void work_through(worker *self, const char *what, statement_body body)
{
    for (uint32_t i = 0; i < self->run->steps; i++) {
        txn_transaction *transaction;
        base_error error;
        base_error_clear(&error);
        txn_isolation isolation = next(self, 2) ? TXN_SNAPSHOT : TXN_READ_COMMITTED;
        base_status status =
            table_begin(self->run->database, isolation, false, &transaction, &error);
        bool begun = status == BASE_OK;
        for (uint64_t k = 1 + next(self, 2); status == BASE_OK && k > 0; k--)
            status =
                run_statement(self, transaction, body, (uint32_t)next(self, TABLE_KINDS), &error);
        if (begun && status == BASE_OK && next(self, 6) > 0)
            status = table_commit(transaction, &error);
        else if (begun)
            table_rollback(transaction);
        finish_step(self, what, status, &error);
    }
}

static void load_batches(void *argument)
{
    work_through(argument, "load", load_batch);
}
static void change_batches(void *argument)
{
    work_through(argument, "change", change_batch);
}
static void define_things(void *argument)
{
    work_through(argument, "definition", define);
}

static void maintain(void *argument)
{
    worker *self = argument;
    for (uint32_t i = 0; i < self->run->steps; i++) {
        base_error error;
        base_error_clear(&error);
        base_status status = next(self, 2) ? table_checkpoint(self->run->database, &error)
                                           : table_compact(self->run->database, &error);
        finish_step(self, "maintenance", status, &error);
    }
}

/* ---- Runs ------------------------------------------------------------------------------------ */

static base_status make_table(run *self, uint32_t t, base_error *error)
{
    txn_transaction *transaction;
    RETURN_IF_ERROR(table_begin(self->database, TXN_READ_COMMITTED, false, &transaction, error));
    table_column columns[COLUMN_COUNT] = {
        {.type = TYPES_OF(INTEGER), .missing = types_null_of(TYPES_OF(INTEGER))},
        {.type = TYPES_OF(INTEGER), .missing = types_null_of(TYPES_OF(INTEGER))},
        {.type = TYPES_OF(TEXT), .missing = types_null_of(TYPES_OF(TEXT))},
    };
    table_descriptor descriptor = {
        .column_count = COLUMN_COUNT, .columns = columns, .rowid_column = COLUMN_ID};
    uint64_t index_id;
    base_status status = table_create(transaction, &descriptor, &self->ids[t], error);
    for (uint32_t i = 0; status == BASE_OK && t == TABLE_KEYED && i < 2; i++) {
        table_index_part part = {.column = i ? COLUMN_TEXT : COLUMN_NUMBER};
        table_index_descriptor index = {
            .relation_id = self->ids[t], .unique = i == 0, .part_count = 1, .parts = &part};
        status = table_index_create(transaction, &index, &index_id, error);
    }
    if (status == BASE_OK)
        return table_commit(transaction, error);
    table_rollback(transaction);
    return status;
}

/* Every commit is of whole batches, so whichever of them a crash leaves, batches are whole. */
static void cut_now(void *context, uint64_t number)
{
    run *before = context;
    if (!before->table_count || base_hash_u64(number + before->report->seed) % 8 != 0)
        return;
    os_thread_hooks *hooks = sim_step_out();
    os_sim *after;
    if (os_sim_crash(before->sim, (os_sim_tear)(number % 4), number, &after, NULL) == BASE_OK) {
        static run self;
        memset(&self, 0, sizeof self);
        self.report = before->report;
        self.sim = after;
        self.seal_rows = before->seal_rows;
        memcpy(self.ids, before->ids, sizeof self.ids);
        base_error error;
        base_error_clear(&error);
        base_status status = open_database(&self, 0, &error);
        if (sim_expect(self.report, status == BASE_OK, "a crash among threads: %s",
                       error.message)) {
            judge_all(&self, "after a crash");
            check_integrity(&self);
            close_database(&self);
        }
        os_sim_destroy(after);
        before->cuts++;
    }
    sim_step_in(hooks);
}

static void work(void *argument)
{
    static void (*const kinds[])(void *) = {load_batches, load_batches,  change_batches,
                                            read_batches, define_things, maintain};
    run *self = argument;
    base_error error;
    base_error_clear(&error);
    base_status status = open_database(self, 1, &error);
    for (uint32_t t = 0; t < TABLE_KINDS && status == BASE_OK; t++)
        status = make_table(self, t, &error);
    if (!sim_expect(self->report, status == BASE_OK, "start: %s", error.message))
        return;
    self->table_count = TABLE_KINDS;
    os_thread *threads[MAX_WORKERS];
    worker workers[MAX_WORKERS];
    uint32_t started = 0, done = 0;
    for (; started < MAX_WORKERS; started++) {
        workers[started] = (worker){self, draw(self, UINT64_MAX), 0};
        uint64_t kind = started ? draw(self, BASE_COUNT_OF(kinds)) : 0;
        if (os_thread_start(&self->budget, kinds[kind], &workers[started], &threads[started],
                            &error) != BASE_OK)
            break;
    }
    for (int i = 0; i < 2; i++) {
        base_error_clear(&error);
        status = table_checkpoint(self->database, &error);
        sim_expect(self->report, status == BASE_OK, "checkpoint: %s", error.message);
        judge_all(self, "beside writers");
    }
    for (uint32_t i = 0; i < started; i++) {
        os_thread_join(threads[i]);
        done += workers[i].done;
    }
    sim_expect(self->report, done > 0, "nothing succeeded");
    for (int round = 0; round < 2; round++) {
        judge_all(self, round ? "reopened" : "at the end");
        check_integrity(self);
        close_database(self);
        base_error_clear(&error);
        if (round == 0 && open_database(self, 1, &error) != BASE_OK) {
            sim_expect(self->report, false, "opening again: %s", error.message);
            return;
        }
    }
}

int main(void)
{
    sim_report report = {.part = "loads"};
    uint64_t count = sim_seed_count(1000), cuts = 0, steps = 0, switches = 0;
    for (uint64_t i = 0, seed = sim_first_seed(); i < count; i++, seed++) {
        static run self;
        os_sim_result result;
        base_error error;
        base_error_clear(&error);
        start_run(&self, &report, seed);
        self.mode = (table_sync_mode)(seed % 3);
        self.steps = 5;
        self.seal_rows = seed % 3 ? 4 : 12;
        if (seed % 16 == 0)
            os_sim_on_change(self.sim, cut_now, &self);
        base_status status = os_sim_run(self.sim, seed, 0, work, &self, &result, &error);
        if (!sim_expect(&report, status == BASE_OK, "%s", error.message))
            return sim_finish(&report); /* the threads of such a run stay */
        cuts += self.cuts;
        steps += result.steps;
        switches += result.switches;
        end_run(&self);
    }
    printf("schedules with loads:   %llu (%llu steps, %llu switches)\n", (unsigned long long)count,
           (unsigned long long)steps, (unsigned long long)switches);
    printf("power cuts among them:  %llu\n", (unsigned long long)cuts);
    return sim_finish(&report);
}
