/*
 * table_loader.c - bulk loading.
 *
 * A loader collects rows for one relation under one transaction. Small loads are ordinary
 * insertions, a chunk at a time and column by column.
 */
#include "store/table/table_int.h"

struct table_loader {
    base_budget *budget;
    txn_transaction *transaction;
    table_relation *relation;
    int64_t rowids[VECTOR_SIZE];
};

base_status table_loader_create(txn_transaction *transaction, table_relation *relation,
                                table_loader **loader, base_error *error)
{
    table_relation *current;
    RETURN_IF_ERROR(table_enter_write(transaction, relation, &current, error));
    base_budget *budget = table_database_budget(table_database_of(transaction));
    table_loader *self = base_allocate(budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->budget = budget;
    self->transaction = transaction;
    self->relation = relation;
    *loader = self;
    return BASE_OK;
}

base_status table_loader_append(table_loader *loader, const vector_chunk *rows,
                                const int64_t *rowids, bool choose_rowids, table_conflict *conflict,
                                base_error *error)
{
    BASE_ASSERT(rows->count <= VECTOR_SIZE);
    if (!choose_rowids)
        memcpy(loader->rowids, rowids, rows->count * sizeof *rowids);
    return table_insert(loader->transaction, loader->relation, rows, loader->rowids, choose_rowids,
                        conflict, error);
}

base_status table_loader_finish(table_loader *loader, table_conflict *conflict, base_error *error)
{
    (void)loader;
    (void)conflict;
    (void)error;
    return BASE_OK;
}

void table_loader_destroy(table_loader *loader)
{
    if (loader)
        base_free(loader->budget, loader, sizeof *loader);
}
