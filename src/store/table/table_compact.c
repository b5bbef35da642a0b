/*
 * table_compact.c - volumes are merged: space of dead rows is given back, and a row is looked
 * for in few volumes.
 *
 * A merge copies rows in the background, holding nobody up, and then switches with one bare
 * commit P: snapshots from P on read the new volumes, older ones the old volumes. What was
 * marked meanwhile is carried over by rowid, marks of open transactions included; they are
 * carried twice, so that between two commits only the newest are left.
 *
 *      written, unlisted ──► listed, read by nobody ──P──► read
 *                                 inputs: read ──P──► past ──R──► unlisted ──► freed
 *
 * Extents: the new volumes' are loose until the next checkpoint, whose header reaches them and
 * no longer the old ones. A crash finds the old volumes before that header and the new ones
 * after it, and the log has the same changes for both, because it names rows.
 *
 * Invariants
 *   I17 all copies of one version that are listed carry the same mark.
 *   I19 of two volumes that have copies of one version one is past where the other begins.
 *
 * Rejected: rewriting within the checkpoint (it would take as long as the largest merge);
 * logging the merge (replay needs no places, only rows); a reader's reference on volumes (an
 * atomic addition for each volume of each statement).
 */
#include "store/table/table_history_int.h"
#include "store/table/table_compact_int.h"

/* ---- The switch ------------------------------------------------------------------------------ */

typedef struct switcher {
    table_storage *storage;
    table_job *job;
    uint64_t known; /* committed marks up to here are carried */
    base_status status;
} switcher;

static base_status carry_marks(const table_job *job, uint64_t known, bool only_committed,
                               base_error *error)
{
    for (uint32_t i = 0; i < job->input_count; i++)
        RETURN_IF_ERROR(table_marks_carry(job->inputs[i], known, job->outputs, job->output_count,
                                          only_committed, error));
    return BASE_OK;
}

static void hold_marks(const table_job *job, bool held)
{
    for (uint32_t i = 0; i < job->input_count; i++)
        table_marks_hold(job->inputs[i], held);
}

/* Between two commits. Only memory can be missing, and then nothing has happened. */
static void publish_switch(void *context, uint64_t sequence)
{
    switcher *self = context;
    table_storage *storage = self->storage;
    const table_job *job = self->job;
    os_mutex_lock(&storage->moving_mutex);
    hold_marks(job, true);
    self->status = carry_marks(job, self->known, false, NULL);
    if (self->status == BASE_OK) {
        /* In this order: whoever still finds an old volume without `until` sees that there are
         * volumes of the past, or has the only copy. */
        atomic_fetch_add(&storage->past_count, job->input_count);
        atomic_fetch_add(&storage->switch_count, 1);
        for (uint32_t i = 0; i < job->output_count; i++) {
            BASE_VERIFY(atomic_load(&job->outputs[i]->since) == TABLE_NEVER);
            atomic_store(&job->outputs[i]->marked_at, sequence);
            atomic_store_explicit(&job->outputs[i]->since, sequence, memory_order_release);
        }
        atomic_fetch_add(&storage->placements, 1);
        for (uint32_t i = 0; i < job->input_count; i++) {
            BASE_VERIFY(atomic_load(&job->inputs[i]->until) == TABLE_NEVER); /* I19 */
            atomic_store_explicit(&job->inputs[i]->until, sequence, memory_order_release);
        }
        atomic_store_explicit(&storage->cold_change, sequence, memory_order_release);
    }
    hold_marks(job, false);
    os_mutex_unlock(&storage->moving_mutex);
}

/* The outputs are listed, or nobody knows them. */
static void give_up(table_storage *storage, table_job *job, bool are_listed)
{
    for (uint32_t i = 0; i < job->output_count; i++) {
        if (are_listed)
            atomic_store(&job->outputs[i]->abandoned, true);
        else
            table_volume_destroy(storage, job->outputs[i]);
    }
}

static base_status switch_volumes(table_storage *storage, table_job *job, uint64_t known,
                                  base_error *error)
{
    switcher self = {.storage = storage, .job = job};
    self.known = txn_last_sequence(storage->database->manager);
    base_status status = carry_marks(job, known, true, error);
    if (status == BASE_OK && job->output_count)
        status = table_volumes_add(storage, job->outputs, job->output_count, error);
    if (status != BASE_OK) {
        give_up(storage, job, false);
        return status;
    }
    status = txn_publish(storage->database->manager, publish_switch, &self, error);
    if (status == BASE_OK && self.status != BASE_OK)
        status = base_error_no_memory(error);
    if (status != BASE_OK)
        give_up(storage, job, true);
    return status;
}

/* ---- One merge after the other --------------------------------------------------------------- */

static base_status run_job(table_relation *relation, table_job *job, base_error *error)
{
    table_storage *storage = relation->storage;
    job->output_count = 0;
    /* Rows with older marks are not copied. */
    uint64_t known = txn_last_sequence(storage->database->manager);
    base_status status = table_compact_copy(relation, job, error);
    if (status == BASE_OK)
        status = table_history_leave(relation, job->inputs, job->input_count, error);
    if (status != BASE_OK) {
        give_up(storage, job, false);
        return status;
    }
    return switch_volumes(storage, job, known, error);
}

static base_status compact_relation(table_relation *relation, base_error *error)
{
    table_storage *storage = relation->storage;
    table_database *database = storage->database;
    table_job job = {.budget = &database->budget};
    base_status status = BASE_OK;
    bool more = true;
    table_volumes_prune(storage);
    while (status == BASE_OK && more && !atomic_load(&database->stopping)) {
        status = table_compact_plan(storage, &job, error);
        more = status == BASE_OK && job.input_count > 0;
        if (more)
            status = run_job(relation, &job, error);
        table_volumes_prune(storage);
    }
    base_free_array(job.budget, job.inputs, job.input_capacity, sizeof(table_volume *));
    base_free_array(job.budget, job.outputs, job.output_capacity, sizeof(table_volume *));
    return status;
}

/* The relation as everybody sees it now; NULL where it is gone or nobody has read it yet. */
static base_status pin(table_database *database, uint64_t id, table_relation **relation,
                       base_error *error)
{
    txn_transaction *reader;
    *relation = NULL;
    RETURN_IF_ERROR(txn_begin(database->manager, TXN_SNAPSHOT, true, &reader, error));
    if (table_pin(reader, id, relation, NULL) != BASE_OK)
        *relation = NULL;
    txn_rollback(reader);
    if (*relation && atomic_load(&(*relation)->storage->unread)) {
        table_release(*relation);
        *relation = NULL;
    }
    return BASE_OK;
}

static base_status compact_all(table_database *database, base_error *error)
{
    uint64_t *ids;
    uint32_t count, capacity;
    RETURN_IF_ERROR(table_list_ids(database, &ids, &count, &capacity, error));
    base_status status = BASE_OK;
    for (uint32_t i = 0; i < count && status == BASE_OK && !atomic_load(&database->stopping); i++) {
        table_relation *relation;
        status = pin(database, ids[i], &relation, error);
        if (status == BASE_OK && relation) {
            status = compact_relation(relation, error);
            table_release(relation);
        }
    }
    base_free_array(&database->budget, ids, capacity, sizeof *ids);
    return status;
}

base_status table_compact(table_database *database, base_error *error)
{
    if (database->read_only)
        return base_error_set(error, BASE_READ_ONLY, "the database is open for reading only");
    os_mutex_lock(&database->compact_mutex);
    base_status status = compact_all(database, error);
    os_mutex_unlock(&database->compact_mutex);
    return status;
}

static void compact_task(void *argument)
{
    table_database *database = argument;
    /* A checkpoint from now on may make more work. */
    atomic_store(&database->compaction_waits, false);
    (void)table_compact(database, NULL); /* the volumes stay: tried again later */
}

void table_compact_soon(table_database *database)
{
    if (!database->file || database->options.manual_compaction ||
        atomic_load(&database->stopping) || atomic_exchange(&database->compaction_waits, true))
        return;
    if (os_task_group_start(database->background, compact_task, database, NULL) != BASE_OK)
        atomic_store(&database->compaction_waits, false);
}
