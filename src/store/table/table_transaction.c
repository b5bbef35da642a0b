/*
 * table_transaction.c - transactions of a database, as the rooms above begin and end them.
 */
#include "store/table/table_history_int.h"

base_status table_begin(table_database *database, txn_isolation isolation, bool read_only,
                        txn_transaction **transaction, base_error *error)
{
    RETURN_IF_ERROR(txn_begin(database->manager, isolation, read_only, transaction, error));
    txn_set_lock_timeout(*transaction, database->options.lock_timeout);
    return BASE_OK;
}

base_status table_commit(txn_transaction *transaction, base_error *error)
{
    table_database *database = table_database_of(transaction);
    bool wrote = txn_has_writes(transaction);
    base_status status = txn_commit(transaction, error);
    if (wrote && status == BASE_OK && database->log) {
        table_history_note_commit(database);
        table_checkpoint_if_due(database);
    }
    return status;
}

void table_rollback(txn_transaction *transaction)
{
    txn_rollback(transaction);
}

void table_statement_start(txn_transaction *transaction)
{
    txn_statement_start(transaction);
}

txn_mark table_get_mark(txn_transaction *transaction)
{
    return txn_get_mark(transaction);
}

void table_rollback_to(txn_transaction *transaction, txn_mark mark)
{
    txn_rollback_to(transaction, mark);
}

void table_set_interrupt(txn_transaction *transaction, bool (*interrupted)(void *context),
                         void *context)
{
    txn_set_interrupt(transaction, interrupted, context);
}
