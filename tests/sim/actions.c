/*
 * actions.c - see actions.h.
 */
#include "actions.h"
#include "store/table/table_int.h"

/* ---- After a crash --------------------------------------------------------------------------- */

typedef struct recovery_cut {
    const run *before;
    os_sim *disk;
    uint64_t at;
    bool lossy;
    int depth;
} recovery_cut;

static void cut_recovery(void *context, uint64_t number)
{
    recovery_cut *self = context;
    os_sim *after;
    if (number != self->at ||
        os_sim_crash(self->disk, OS_SIM_TEAR_512, number, &after, NULL) != BASE_OK)
        return;
    verify(self->before, after, self->lossy, self->depth + 1);
    os_sim_destroy(after);
}

static void count_outcome(const run *before, size_t which)
{
    if (before->outcome)
        ++*(uint64_t *)(void *)((char *)before->outcome + which);
}

void verify(const run *before, os_sim *disk, bool lossy, int depth)
{
    run self = {.report = before->report, .sim = disk, .table_count = before->table_count};
    memcpy(self.ids, before->ids, sizeof self.ids);
    self.seal_rows = before->seal_rows;
    self.history_retention = before->history_retention;
    base_error error;
    base_error_clear(&error);
    recovery_cut cut = {before, disk, 1 + os_sim_random(disk) % 9, lossy, depth};
    /* The cut may fall into the opening, or into the checkpoint at close. */
    if (depth < 2)
        os_sim_on_change(disk, cut_recovery, &cut);
    base_status status = open_database(&self, 0, &error);
    if (!sim_expect(self.report, status == BASE_OK, "a crash at commit %u: %s", before->begun,
                    error.message)) {
        count_outcome(before, offsetof(cut_outcome, refused));
        return;
    }
    for (int round = 0; round < 2; round++) {
        uint64_t print;
        int64_t sum;
        status = database_print(&self, &print, &sum, &error);
        sim_expect(self.report, status == BASE_OK, "reading after a crash: %s", error.message);
        uint32_t first = lossy ? 0 : before->acknowledged;
        uint32_t found = 0, at = 0;
        bool earlier = false;
        for (uint32_t i = first; i <= before->begun; i++) {
            found += before->prints[i] == print;
            if (before->prints[i] == print)
                at = i;
        }
        for (uint32_t i = 0; i < first; i++)
            earlier |= before->prints[i] == print;
        if (!found)
            count_outcome(before,
                          earlier ? offsetof(cut_outcome, lost) : offsetof(cut_outcome, partial));
        sim_expect(self.report, found > 0,
                   "%s: not the state after any commit from %u to %u (depth %d)",
                   round ? "reopened" : "recovered", first, before->begun, depth);
        /* Else nobody can tell which tables are the same as then. */
        if (found == 1)
            check_past(&self, before, at,
                       !before->may_lose_history && before->history_retention < 0);
        check_integrity(&self);
        close_database(&self);
        if (round == 0 && open_database(&self, 0, &error) != BASE_OK) {
            sim_expect(self.report, false, "opening again: %s", error.message);
            return;
        }
    }
}

static void verify_cut(void *context, os_sim *after, os_sim_tear tear)
{
    const run *self = context;
    verify(self, after, self->mode != TABLE_SYNC_FULL && tear != OS_SIM_KEEP_ALL, 0);
}

void cut_now(void *context, uint64_t number)
{
    run *self = context;
    if (self->cut_every && draw(self, self->cut_every))
        return;
    self->cuts +=
        sim_cut(self->sim, self->report->seed, number, self->tear_modes, verify_cut, self);
}

/* ---- Changes, which the model follows -------------------------------------------------------- */

base_status create_table(run *self, txn_transaction *transaction, bool indexed, base_error *error)
{
    if (self->table_count == MAX_TABLES)
        return BASE_OK;
    table_column columns[COLUMN_COUNT] = {
        {.type = TYPES_OF(INTEGER), .missing = types_null_of(TYPES_OF(INTEGER))},
        {.type = TYPES_OF(INTEGER), .missing = types_null_of(TYPES_OF(INTEGER))},
        {.type = TYPES_OF(TEXT), .missing = types_null_of(TYPES_OF(TEXT))},
    };
    table_descriptor descriptor = {
        .column_count = COLUMN_COUNT, .columns = columns, .rowid_column = COLUMN_ID};
    uint64_t id, index_id;
    RETURN_IF_ERROR(table_create(transaction, &descriptor, &id, error));
    table_index_part parts[] = {{.column = COLUMN_NUMBER}, {.column = COLUMN_TEXT}};
    table_index_descriptor index = {
        .relation_id = id, .unique = true, .part_count = 1, .parts = parts};
    if (indexed)
        RETURN_IF_ERROR(table_index_create(transaction, &index, &index_id, error));
    index = (table_index_descriptor){.relation_id = id, .part_count = 2, .parts = parts};
    if (indexed)
        RETURN_IF_ERROR(table_index_create(transaction, &index, &index_id, error));
    uint32_t t = 0; /* the id of a creation that was rolled back may come again */
    while (t < self->table_count && self->ids[t] != id)
        t++;
    if (t == self->table_count)
        self->ids[self->table_count++] = id;
    sim_expect(self->report, !self->pending.exists[t], "id %llu was given twice",
               (unsigned long long)id);
    memset(self->pending.numbers[t], 0, sizeof self->pending.numbers[t]);
    self->pending.exists[t] = true;
    self->pending.since[t] = self->begun + 1;
    trace("  create %llu\n", (unsigned long long)id);
    return BASE_OK;
}

base_status drop_table(run *self, txn_transaction *transaction, uint32_t t, base_error *error)
{
    trace("  drop %llu\n", (unsigned long long)self->ids[t]);
    RETURN_IF_ERROR(table_drop(transaction, self->ids[t], error));
    self->pending.exists[t] = false;
    return BASE_OK;
}

base_status truncate_table(run *self, txn_transaction *transaction, uint32_t t, base_error *error)
{
    trace("  truncate %llu\n", (unsigned long long)self->ids[t]);
    RETURN_IF_ERROR(table_truncate(transaction, self->ids[t], error));
    memset(self->pending.numbers[t], 0, sizeof self->pending.numbers[t]);
    self->pending.since[t] = self->begun + 1;
    return BASE_OK;
}

base_status rebuild_index(run *self, txn_transaction *transaction, uint32_t t, uint32_t which,
                          base_error *error)
{
    table_relation *relation;
    RETURN_IF_ERROR(table_acquire(transaction, self->ids[t], &relation, error));
    base_status status = BASE_OK;
    uint32_t count = table_index_count(relation);
    if (count) {
        uint64_t id = table_index_describe(table_index_at(relation, which % count))->id;
        trace("  rebuild index %llu\n", (unsigned long long)id);
        status = table_index_rebuild(transaction, id, error);
    }
    table_release(relation);
    return status;
}

/* The table as the transaction sees it; any columns that were added are left out. */
static base_status write_row(run *self, txn_transaction *transaction, table_relation *relation,
                             uint32_t t, uint32_t place, base_error *error)
{
    types_cell cells[MAX_COLUMNS];
    bool nulls[MAX_COLUMNS];
    char text[64];
    table_conflict conflict;
    uint32_t columns[] = {COLUMN_NUMBER, COLUMN_TEXT};
    int64_t *number = &self->pending.numbers[t][place], rowid = place + 1;
    int64_t fresh = (int64_t)++self->next_number;
    memset(cells, 0, sizeof cells);
    memset(nulls, 1, sizeof nulls);
    make_cells(fresh, cells, nulls, text);
    base_status status = *number ? table_update_row(transaction, relation, rowid, columns, 2,
                                                    cells + 1, nulls + 1, &conflict, error)
                                 : table_insert_row(transaction, relation, cells, nulls, &rowid,
                                                    false, &conflict, error);
    if (status == BASE_OK) {
        trace("  row %lld: %lld -> %lld\n", (long long)rowid, (long long)*number, (long long)fresh);
        *number = fresh;
    }
    return status;
}

base_status put_row(run *self, txn_transaction *transaction, uint32_t t, uint32_t place,
                    base_error *error)
{
    table_relation *relation;
    RETURN_IF_ERROR(table_acquire(transaction, self->ids[t], &relation, error));
    base_status status = write_row(self, transaction, relation, t, place, error);
    table_release(relation);
    return status;
}

base_status remove_row(run *self, txn_transaction *transaction, uint32_t t, uint32_t place,
                       base_error *error)
{
    table_relation *relation;
    if (self->pending.numbers[t][place] == 0)
        return BASE_OK;
    RETURN_IF_ERROR(table_acquire(transaction, self->ids[t], &relation, error));
    base_status status = table_delete_row(transaction, relation, place + 1, error);
    table_release(relation);
    if (status == BASE_OK) {
        trace("  row %u: deleted\n", place + 1);
        self->pending.numbers[t][place] = 0;
    }
    return status;
}

static base_status load_chunk(run *self, table_loader *loader, vector_chunk *chunk, uint32_t t,
                              const uint32_t *places, uint32_t count, base_error *error)
{
    char texts[ROWS][64];
    int64_t rowids[ROWS];
    table_conflict conflict;
    vector_chunk_reset(chunk);
    for (uint32_t i = 0; i < count; i++) {
        types_cell cells[COLUMN_COUNT];
        bool nulls[COLUMN_COUNT];
        int64_t fresh = (int64_t)++self->next_number;
        make_cells(fresh, cells, nulls, texts[i]);
        rowids[i] = places[i] + 1;
        self->pending.numbers[t][places[i]] = fresh;
        for (uint32_t c = 1; c < COLUMN_COUNT; c++) {
            types_value value = {chunk->columns[c].type, nulls[c], cells[c]};
            if (nulls[c])
                vector_set_null(&chunk->columns[c], i);
            else
                vector_put(&chunk->columns[c], i, &value);
        }
    }
    chunk->count = count;
    return table_loader_append(loader, chunk, rowids, false, &conflict, error);
}

base_status load_rows(run *self, txn_transaction *transaction, uint32_t t, const uint32_t *places,
                      uint32_t count, uint32_t step, base_error *error)
{
    static const types_type types[] = {TYPES_OF(INTEGER), TYPES_OF(INTEGER), TYPES_OF(TEXT)};
    table_conflict conflict;
    table_relation *relation;
    table_loader *loader = NULL;
    vector_chunk chunk;
    trace("  load %u rows by %u\n", count, step);
    RETURN_IF_ERROR(vector_chunk_init(&chunk, table_database_budget(self->database), types,
                                      COLUMN_COUNT, error));
    base_status status = table_acquire(transaction, self->ids[t], &relation, error);
    if (status == BASE_OK) {
        status = table_loader_create(transaction, relation, &loader, error);
        if (status != BASE_OK)
            loader = NULL;
        for (uint32_t i = 0; i < count && status == BASE_OK; i += step)
            status =
                load_chunk(self, loader, &chunk, t, places + i, BASE_MIN(step, count - i), error);
        if (status == BASE_OK)
            status = table_loader_finish(loader, &conflict, error);
        table_loader_destroy(loader);
        table_release(relation);
    }
    vector_chunk_destroy(&chunk);
    return status;
}

base_status begin_run(run *self, txn_isolation isolation, txn_transaction **transaction,
                      base_error *error)
{
    self->pending = self->committed;
    return table_begin(self->database, isolation, false, transaction, error);
}

base_status commit_run(run *self, txn_transaction *transaction, base_error *error)
{
    if (!txn_has_writes(transaction))
        return table_commit(transaction, error); /* says nothing about the log */
    trace("commit %u\n", self->begun + 1);
    note_commit(self, ++self->begun, &self->pending);
    base_status status = table_commit(transaction, error);
    if (status == BASE_OK) {
        self->acknowledged = self->begun;
        if (self->past)
            self->past[self->begun].sequence = txn_last_sequence(self->database->manager);
        self->committed = self->pending;
        self->is_uncertain = false;
    }
    return status;
}
