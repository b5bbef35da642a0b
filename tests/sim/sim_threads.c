/*
 * sim_threads.c - the storage layer under seeded thread schedules, through table.h.
 *
 * Several kinds of workers run beside checkpoints: transfers between accounts (by snapshot
 * and by statement, which must restart), insertions that race for unique keys, definitions
 * (indexes, columns, truncation), readers that compare a scan with an index. Whatever the
 * schedule: the sum of the accounts never changes, a key is there once, a reader sees one
 * state, nobody deadlocks, and the integrity check finds nothing. Power cuts among them leave
 * whole transfers.
 */
#include "threads.h"

enum {
    ACCOUNTS = 12,
    AMOUNT = 100,
    KEYS = 5,       /* that racers want */
    BULK_ROWS = 12, /* of one insertion */
    MAX_WORKERS = 4,
    MOST_COLUMNS = 40,
};

/* Tables of a run, by place in run.ids. */
enum {
    TABLE_ACCOUNTS, /* an index on the amounts */
    TABLE_RACE,     /* a unique index; definitions change it */
    TABLE_CLAIMS,   /* a unique index; transactions of one statement */
    TABLE_BULK,     /* an index; rows come and go by chunks */
    TABLE_KINDS
};

/* ---- Rows -------------------------------------------------------------------------------- */

static base_status set_number(txn_transaction *transaction, table_relation *relation, int64_t rowid,
                              int64_t number, base_error *error)
{
    types_cell cells[COLUMN_COUNT];
    bool nulls[COLUMN_COUNT];
    char text[64];
    table_conflict conflict;
    uint32_t columns[] = {COLUMN_NUMBER, COLUMN_TEXT};
    make_cells(number, cells, nulls, text);
    return table_update_row(transaction, relation, rowid, columns, 2, cells + 1, nulls + 1,
                            &conflict, error);
}

static base_status get_number(run *self, txn_transaction *transaction, table_relation *relation,
                              int64_t rowid, int64_t *number, base_error *error)
{
    uint32_t column = COLUMN_NUMBER;
    types_cell cell;
    bool null;
    base_arena heap;
    base_arena_init(&heap, table_database_budget(self->database));
    base_status status =
        table_read_row(transaction, relation, rowid, &column, 1, &cell, &null, &heap, error);
    if (status == BASE_OK)
        *number = cell.int64;
    base_arena_destroy(&heap);
    return status;
}

/* A row of as many columns as the table has by now. */
static base_status add_row(txn_transaction *transaction, table_relation *relation, int64_t number,
                           int64_t *rowid, bool choose, base_error *error)
{
    types_cell cells[MOST_COLUMNS];
    bool nulls[MOST_COLUMNS];
    char text[64];
    table_conflict conflict;
    memset(cells, 0, sizeof cells);
    memset(nulls, 1, sizeof nulls);
    make_cells(number, cells, nulls, text);
    return table_insert_row(transaction, relation, cells, nulls, rowid, choose, &conflict, error);
}

/* ---- Workers ------------------------------------------------------------------------------ */

static base_status move_amount(worker *self, txn_transaction *transaction, table_relation *relation,
                               base_error *error)
{
    int64_t from = 1 + (int64_t)next(self, ACCOUNTS), to = 1 + (int64_t)next(self, ACCOUNTS);
    int64_t amount = (int64_t)next(self, 10), left = 0, right = 0;
    if (from == to)
        to = from % ACCOUNTS + 1;
    RETURN_IF_ERROR(get_number(self->run, transaction, relation, from, &left, error));
    RETURN_IF_ERROR(get_number(self->run, transaction, relation, to, &right, error));
    RETURN_IF_ERROR(set_number(transaction, relation, from, left - amount, error));
    return set_number(transaction, relation, to, right + amount, error);
}

/* As a session does: a statement that meets a change is taken back and run again. */
static base_status with_restarts(worker *self, txn_transaction *transaction,
                                 base_status (*body)(worker *, txn_transaction *, table_relation *,
                                                     base_error *),
                                 uint64_t table, base_error *error)
{
    for (;;) {
        table_statement_start(transaction);
        txn_mark mark = table_get_mark(transaction);
        table_relation *relation;
        base_status status = table_acquire(transaction, table, &relation, error);
        if (status == BASE_OK) {
            status = body(self, transaction, relation, error);
            table_release(relation);
        }
        if (status != BASE_RESTART)
            return status;
        table_rollback_to(transaction, mark);
        base_error_clear(error);
    }
}

static base_status transact(worker *self, txn_isolation isolation,
                            base_status (*body)(worker *, txn_transaction *, table_relation *,
                                                base_error *),
                            uint64_t table, base_error *error)
{
    txn_transaction *transaction;
    RETURN_IF_ERROR(table_begin(self->run->database, isolation, false, &transaction, error));
    base_status status = BASE_OK;
    for (uint64_t i = 1 + next(self, 2); i > 0 && status == BASE_OK; i--) {
        txn_mark savepoint = table_get_mark(transaction);
        bool takes_back = next(self, 4) == 0;
        status = with_restarts(self, transaction, body, table, error);
        if (status == BASE_OK && takes_back) {
            table_rollback_to(transaction, savepoint);
            status = with_restarts(self, transaction, body, table, error);
        }
    }
    if (status == BASE_OK && next(self, 5) > 0)
        return table_commit(transaction, error);
    table_rollback(transaction);
    return status;
}

static void transfer_by_snapshot(void *argument)
{
    worker *self = argument;
    for (uint32_t i = 0; i < self->run->steps; i++) {
        base_error error;
        base_error_clear(&error);
        base_status status =
            transact(self, TXN_SNAPSHOT, move_amount, self->run->ids[TABLE_ACCOUNTS], &error);
        finish_step(self, "transfer", status, &error);
    }
}

static void transfer_by_statement(void *argument)
{
    worker *self = argument;
    for (uint32_t i = 0; i < self->run->steps; i++) {
        base_error error;
        base_error_clear(&error);
        base_status status =
            transact(self, TXN_READ_COMMITTED, move_amount, self->run->ids[TABLE_ACCOUNTS], &error);
        finish_step(self, "transfer by statement", status, &error);
    }
}

static base_status take_key(worker *self, txn_transaction *transaction, table_relation *relation,
                            base_error *error)
{
    int64_t rowid = 1 + (int64_t)next(self, 8), number;
    int64_t key = 1 + (int64_t)next(self, KEYS);
    base_status status = get_number(self->run, transaction, relation, rowid, &number, error);
    if (status == BASE_NOT_FOUND)
        status = add_row(transaction, relation, key, &rowid, false, error);
    else if (status == BASE_OK && next(self, 2))
        status = table_delete_row(transaction, relation, rowid, error);
    else if (status == BASE_OK)
        status = set_number(transaction, relation, rowid, key, error);
    return status;
}

static void race_for_keys(void *argument)
{
    worker *self = argument;
    for (uint32_t i = 0; i < self->run->steps; i++) {
        base_error error;
        base_error_clear(&error);
        txn_isolation isolation = next(self, 2) ? TXN_SNAPSHOT : TXN_READ_COMMITTED;
        base_status status =
            transact(self, isolation, take_key, self->run->ids[TABLE_RACE], &error);
        if (status == BASE_UNIQUE_VIOLATION)
            status = BASE_OK;
        finish_step(self, "race", status, &error);
    }
}

static base_status claim(worker *self, txn_transaction *transaction, table_relation *relation,
                         base_error *error)
{
    int64_t rowid = 1 + (int64_t)next(self, 6), number;
    int64_t key = 1 + (int64_t)next(self, 3);
    base_status status = get_number(self->run, transaction, relation, rowid, &number, error);
    if (status == BASE_NOT_FOUND)
        return add_row(transaction, relation, key, &rowid, false, error);
    return status == BASE_OK ? table_delete_row(transaction, relation, rowid, error) : status;
}

/* One insertion or deletion a transaction: whoever waits holds nothing that another needs. */
static void claim_keys(void *argument)
{
    worker *self = argument;
    for (uint32_t i = 0; i < self->run->steps; i++) {
        base_error error;
        base_error_clear(&error);
        txn_transaction *transaction;
        txn_isolation isolation = next(self, 2) ? TXN_SNAPSHOT : TXN_READ_COMMITTED;
        base_status status =
            table_begin(self->run->database, isolation, false, &transaction, &error);
        if (status == BASE_OK) {
            status = with_restarts(self, transaction, claim, self->run->ids[TABLE_CLAIMS], &error);
            if (status == BASE_OK && next(self, 5) > 0)
                status = table_commit(transaction, &error);
            else
                table_rollback(transaction);
        }
        sim_expect(self->run->report, status != BASE_DEADLOCK, "claim: %s", error.message);
        finish_step(self, "claim", status == BASE_UNIQUE_VIOLATION ? BASE_OK : status, &error);
    }
}

/* To a volume, if nobody else is writing. */
static base_status load_chunk(txn_transaction *transaction, table_relation *relation,
                              const vector_chunk *chunk, int64_t *rowids, base_error *error)
{
    table_conflict conflict;
    table_loader *loader;
    RETURN_IF_ERROR(table_loader_create(transaction, relation, &loader, error));
    base_status status = table_loader_append(loader, chunk, rowids, false, &conflict, error);
    if (status == BASE_OK)
        status = table_loader_finish(loader, &conflict, error);
    table_loader_destroy(loader);
    return status;
}

/* Rows with consecutive rowids, in one chunk; free places, deleted rows and copies in volumes
 * among them. */
static base_status insert_bulk(worker *self, txn_transaction *transaction, table_relation *relation,
                               int64_t first, base_error *error)
{
    static const types_type types[] = {TYPES_OF(INTEGER), TYPES_OF(INTEGER), TYPES_OF(TEXT)};
    int64_t rowids[BULK_ROWS];
    char texts[BULK_ROWS][64];
    vector_chunk chunk;
    table_conflict conflict;
    RETURN_IF_ERROR(vector_chunk_init(&chunk, table_database_budget(self->run->database), types,
                                      COLUMN_COUNT, error));
    chunk.count = 1 + (uint32_t)next(self, BULK_ROWS);
    for (uint32_t i = 0; i < chunk.count; i++) {
        types_cell cells[COLUMN_COUNT];
        bool nulls[COLUMN_COUNT];
        make_cells(1 + (int64_t)next(self, KEYS), cells, nulls, texts[i]);
        rowids[i] = first + i;
        for (uint32_t c = 0; c < COLUMN_COUNT; c++) {
            types_value value = {.type = types[c], .cell = cells[c], .is_null = nulls[c]};
            vector_put(&chunk.columns[c], i, &value);
        }
    }
    base_status status = next(self, 2) ? load_chunk(transaction, relation, &chunk, rowids, error)
                                       : table_insert(transaction, relation, &chunk, rowids, false,
                                                      &conflict, error);
    vector_chunk_destroy(&chunk);
    return status;
}

static base_status change_bulk(worker *self, txn_transaction *transaction, table_relation *relation,
                               base_error *error)
{
    int64_t first = 1 + (int64_t)next(self, 16), number;
    bool removes = next(self, 2);
    if (!removes) {
        txn_mark mark = table_get_mark(transaction);
        base_status status = insert_bulk(self, transaction, relation, first, error);
        if (status != BASE_UNIQUE_VIOLATION)
            return status;
        table_rollback_to(transaction, mark);
    }
    for (int64_t rowid = first; rowid < first + BULK_ROWS; rowid++) {
        base_status status = get_number(self->run, transaction, relation, rowid, &number, error);
        if (status == BASE_OK)
            status = removes ? table_delete_row(transaction, relation, rowid, error)
                             : set_number(transaction, relation, rowid, number % KEYS + 1, error);
        if (status != BASE_OK && status != BASE_NOT_FOUND)
            return status;
    }
    return BASE_OK;
}

static void change_many(void *argument)
{
    worker *self = argument;
    for (uint32_t i = 0; i < self->run->steps; i++) {
        base_error error;
        base_error_clear(&error);
        txn_isolation isolation = next(self, 2) ? TXN_SNAPSHOT : TXN_READ_COMMITTED;
        base_status status =
            transact(self, isolation, change_bulk, self->run->ids[TABLE_BULK], &error);
        finish_step(self, "bulk", status, &error);
    }
}

static base_status define(worker *self, txn_transaction *transaction, table_relation *relation,
                          base_error *error)
{
    uint64_t id = table_describe(relation)->id, index_id;
    table_index_part part = {.column = COLUMN_TEXT};
    table_index_descriptor index = {.relation_id = id, .part_count = 1, .parts = &part};
    table_column column = {.type = TYPES_OF(INTEGER), .missing = types_null_of(TYPES_OF(INTEGER))};
    uint32_t column_id;
    uint32_t columns = table_describe(relation)->column_count;
    switch (next(self, 4)) {
    case 0:
        if (table_index_count(relation) > 1)
            return table_index_drop(transaction,
                                    table_index_describe(table_index_at(relation, 1))->id, error);
        return table_index_create(transaction, &index, &index_id, error);
    case 1:
        if (columns > COLUMN_COUNT && !table_describe(relation)->columns[columns - 1].dropped)
            return table_drop_column(transaction, id, columns - 1, error);
        return columns < MOST_COLUMNS
                   ? table_add_column(transaction, id, &column, &column_id, error)
                   : BASE_OK;
    case 2:
        return table_truncate(transaction, id, error);
    default:
        return table_index_rebuild(transaction,
                                   table_index_describe(table_index_at(relation, 0))->id, error);
    }
}

static void define_things(void *argument)
{
    worker *self = argument;
    for (uint32_t i = 0; i < self->run->steps; i++) {
        base_error error;
        base_error_clear(&error);
        base_status status =
            transact(self, TXN_READ_COMMITTED, define, self->run->ids[TABLE_RACE], &error);
        finish_step(self, "definition", status, &error);
    }
}

/* Sums the accounts by the index on their numbers. */
static base_status sum_by_index(run *self, txn_transaction *transaction, int64_t *sum,
                                uint32_t *count, base_error *error)
{
    uint32_t columns[] = {COLUMN_NUMBER};
    table_key_range everything = {.low_inclusive = true, .high_inclusive = true};
    table_relation *relation;
    table_index_cursor *cursor;
    base_arena heap;
    *sum = 0;
    *count = 0;
    RETURN_IF_ERROR(table_acquire(transaction, self->ids[TABLE_ACCOUNTS], &relation, error));
    base_status status =
        table_index_cursor_create(transaction, relation, table_index_at(relation, 0), &everything,
                                  false, columns, 1, &cursor, error);
    if (status == BASE_OK) {
        types_cell cell;
        bool null;
        int64_t last = INT64_MIN;
        base_arena_init(&heap, table_database_budget(self->database));
        while ((status = table_index_cursor_next_row(cursor, &cell, &null, &heap, error)) ==
               BASE_ROW) {
            sim_expect(self->report, cell.int64 >= last, "the index is out of order");
            last = cell.int64;
            *sum += cell.int64;
            ++*count;
        }
        base_arena_destroy(&heap);
        table_index_cursor_destroy(cursor);
    }
    table_release(relation);
    return status == BASE_DONE ? BASE_OK : status;
}

static void read_sums(void *argument)
{
    worker *self = argument;
    for (uint32_t i = 0; i < self->run->steps; i++) {
        base_error error;
        base_error_clear(&error);
        txn_transaction *transaction;
        int64_t sum = 0;
        uint32_t count = 0;
        base_status status =
            table_begin(self->run->database, TXN_SNAPSHOT, true, &transaction, &error);
        if (status == BASE_OK) {
            status = sum_by_index(self->run, transaction, &sum, &count, &error);
            table_rollback(transaction);
        }
        sim_expect(self->run->report,
                   status == BASE_OK && count == ACCOUNTS && sum == ACCOUNTS * AMOUNT,
                   "by index: %u accounts hold %lld %s", count, (long long)sum, error.message);
        self->done++;
    }
}

/* One snapshot, held while others commit, seal and free: it shows the same rows all the time,
 * by scan and by index. */
static void hold_snapshot(void *argument)
{
    worker *self = argument;
    base_error error;
    base_error_clear(&error);
    txn_transaction *transaction;
    uint64_t first = 0, again = 0, by_index = 0;
    int64_t sum;
    base_status status = table_begin(self->run->database, TXN_SNAPSHOT, true, &transaction, &error);
    if (!sim_expect(self->run->report, status == BASE_OK, "old snapshot: %s", error.message))
        return;
    status = snapshot_print(self->run, transaction, &first, &sum, &error);
    for (uint32_t i = 0; i < self->run->steps && status == BASE_OK; i++) {
        status = snapshot_print(self->run, transaction, &again, &sum, &error);
        if (status == BASE_OK)
            status = snapshot_index_print(self->run, transaction, &by_index, &error);
        sim_expect(self->run->report, status == BASE_OK && again == first && by_index == first,
                   "an old snapshot shows other rows than it did: by scan %s, by index %s %s",
                   again == first ? "no" : "yes", by_index == first ? "no" : "yes", error.message);
        self->done++;
    }
    table_rollback(transaction);
}

/* ---- Runs ------------------------------------------------------------------------------------ */

static base_status make_table(run *self, uint32_t place, bool unique, base_error *error)
{
    txn_transaction *transaction;
    table_relation *relation;
    RETURN_IF_ERROR(table_begin(self->database, TXN_READ_COMMITTED, false, &transaction, error));
    table_column columns[COLUMN_COUNT] = {
        {.type = TYPES_OF(INTEGER), .missing = types_null_of(TYPES_OF(INTEGER))},
        {.type = TYPES_OF(INTEGER), .missing = types_null_of(TYPES_OF(INTEGER))},
        {.type = TYPES_OF(TEXT), .missing = types_null_of(TYPES_OF(TEXT))},
    };
    table_descriptor descriptor = {
        .column_count = COLUMN_COUNT, .columns = columns, .rowid_column = COLUMN_ID};
    table_index_part part = {.column = COLUMN_NUMBER};
    uint64_t index_id;
    RETURN_IF_ERROR(table_create(transaction, &descriptor, &self->ids[place], error));
    table_index_descriptor index = {
        .relation_id = self->ids[place], .unique = unique, .part_count = 1, .parts = &part};
    RETURN_IF_ERROR(table_index_create(transaction, &index, &index_id, error));
    RETURN_IF_ERROR(table_acquire(transaction, self->ids[place], &relation, error));
    for (int64_t rowid = 1; rowid <= ACCOUNTS && place == TABLE_ACCOUNTS; rowid++)
        RETURN_IF_ERROR(add_row(transaction, relation, AMOUNT, &rowid, false, error));
    table_release(relation);
    return table_commit(transaction, error);
}

static void expect_sum(run *self, bool may_be_empty, const char *when)
{
    uint64_t print = 0;
    int64_t sum = 0;
    txn_transaction *transaction;
    base_error error;
    base_error_clear(&error);
    base_status status = table_begin(self->database, TXN_SNAPSHOT, true, &transaction, &error);
    if (status == BASE_OK) {
        status = scan_table(self, transaction, self->ids[TABLE_ACCOUNTS], 0, &print, &sum, &error);
        if (status == BASE_UNDEFINED_TABLE && may_be_empty)
            status = BASE_OK;
        table_rollback(transaction);
    }
    bool right = sum == ACCOUNTS * AMOUNT || (may_be_empty && sum == 0);
    sim_expect(self->report, status == BASE_OK && right, "%s: the sum is %lld %s", when,
               (long long)sum, error.message);
}

/* What a crash among threads leaves: whole transfers only. */
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
        self.table_count = 1;
        self.ids[0] = before->ids[0];
        base_error error;
        base_error_clear(&error);
        base_status status = open_database(&self, 0, &error);
        if (sim_expect(self.report, status == BASE_OK, "a crash among threads: %s",
                       error.message)) {
            bool lossy = before->mode != TABLE_SYNC_FULL && number % 4 != OS_SIM_KEEP_ALL;
            expect_sum(&self, lossy || !before->acknowledged, "after a crash");
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
    static void (*const kinds[])(void *) = {transfer_by_snapshot, transfer_by_statement,
                                            race_for_keys,        race_for_keys,
                                            define_things,        read_sums,
                                            claim_keys,           claim_keys,
                                            change_many,          hold_snapshot};
    run *self = argument;
    base_error error;
    base_error_clear(&error);
    base_status status = open_database(self, 1, &error);
    for (uint32_t place = 0; place < TABLE_KINDS && status == BASE_OK; place++)
        status = make_table(self, place, place == TABLE_RACE || place == TABLE_CLAIMS, &error);
    if (!sim_expect(self->report, status == BASE_OK, "start: %s", error.message))
        return;
    self->table_count = TABLE_KINDS;
    self->acknowledged = 1;
    os_thread *threads[MAX_WORKERS];
    worker workers[MAX_WORKERS];
    uint32_t started = 0, done = 0;
    for (; started < MAX_WORKERS; started++) {
        workers[started] = (worker){self, draw(self, UINT64_MAX), 0};
        if (os_thread_start(&self->budget, kinds[draw(self, BASE_COUNT_OF(kinds))],
                            &workers[started], &threads[started], &error) != BASE_OK)
            break;
    }
    for (int i = 0; i < 2; i++) {
        base_error_clear(&error);
        status = table_checkpoint(self->database, &error);
        sim_expect(self->report, status == BASE_OK, "checkpoint: %s", error.message);
        expect_sum(self, false, "beside writers");
    }
    for (uint32_t i = 0; i < started; i++) {
        os_thread_join(threads[i]);
        done += workers[i].done;
    }
    sim_expect(self->report, done > 0, "nothing succeeded");
    expect_sum(self, false, "at the end");
    check_integrity(self);
    close_database(self);
}

int main(void)
{
    sim_report report = {.part = "schedules"};
    uint64_t count = sim_seed_count(2000), cuts = 0, steps = 0, switches = 0;
    for (uint64_t i = 0, seed = sim_first_seed(); i < count; i++, seed++) {
        static run self;
        os_sim_result result;
        base_error error;
        base_error_clear(&error);
        start_run(&self, &report, seed);
        self.mode = (table_sync_mode)(seed % 3);
        self.steps = 5;
        self.seal_rows = seed % 3 ? 4 : 0;
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
    printf("thread schedules:       %llu (%llu steps, %llu switches)\n", (unsigned long long)count,
           (unsigned long long)steps, (unsigned long long)switches);
    printf("power cuts among them:  %llu\n", (unsigned long long)cuts);
    return sim_finish(&report);
}
