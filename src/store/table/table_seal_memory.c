/*
 * table_seal_memory.c - CHECKPOINT of a database in memory.
 *
 * There is no log to shorten and no header to write: what is left of a checkpoint is that tables
 * with many hot rows get them sealed into volumes, and their index entries into key runs, which
 * take a sixth of the memory. The volumes' extents are loose for ever and go with their storage.
 *
 * Nothing seals by itself here: rows of a database in memory are hot until somebody asks, or
 * until they come in by a bulk load.
 */
#include "store/table/table_int.h"

static base_status write_runs(table_run_changes *runs, table_relation *relation,
                              const txn_snapshot *snapshot, const table_seal *seal,
                              base_error *error)
{
    base_status status = BASE_OK;
    for (uint32_t i = 0; status == BASE_OK && i < relation->index_count; i++) {
        table_run_list list = {0};
        status =
            table_run_write(runs, relation->indexes[i], relation, snapshot, seal, &list, error);
        table_run_list_free(runs->database, &list);
    }
    return status;
}

static base_status seal_relation(table_database *database, table_relation *relation,
                                 const txn_snapshot *snapshot, base_error *error)
{
    table_storage *storage = relation->storage;
    if (row_tree_count(storage->hot) < table_rows_worth_sealing(database, storage))
        return BASE_OK;
    RETURN_IF_ERROR(table_need_file(database, error));
    table_seal seal = {.database = database};
    table_run_changes runs = {.database = database};
    base_status status = table_seal_write(&seal, relation, error);
    if (status == BASE_OK)
        status = write_runs(&runs, relation, snapshot, &seal, error);
    if (status == BASE_OK) {
        table_seal_switch(&seal, storage);
        table_run_settle(&runs);
    }
    table_run_changes_free(&runs);
    table_seal_free(&seal);
    return status;
}

base_status table_seal_in_memory(table_database *database, base_error *error)
{
    txn_transaction *transaction;
    uint64_t *ids;
    uint32_t count, capacity;
    os_mutex_lock(&database->checkpoint_mutex);
    txn_collect_garbage(database->manager, UINT32_MAX); /* rows with versions behind stay hot */
    base_status status = txn_begin(database->manager, TXN_SNAPSHOT, true, &transaction, error);
    if (status != BASE_OK) {
        os_mutex_unlock(&database->checkpoint_mutex);
        return status;
    }
    status = table_list_ids(database, &ids, &count, &capacity, error);
    for (uint32_t i = 0; status == BASE_OK && i < count; i++) {
        table_relation *relation;
        if (table_acquire(transaction, ids[i], &relation, NULL) != BASE_OK)
            continue; /* made or dropped by an open transaction */
        status = seal_relation(database, relation, txn_snapshot_of(transaction), error);
        table_release(relation);
    }
    base_free_array(&database->budget, ids, capacity, sizeof *ids);
    os_mutex_unlock(&database->checkpoint_mutex);
    txn_rollback(transaction);
    txn_collect_garbage(database->manager, UINT32_MAX);
    if (status == BASE_OK)
        table_compact_soon(database);
    return status;
}
