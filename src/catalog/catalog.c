/*
 * catalog.c - one database's catalog: opening, the committed snapshot and the one private
 * snapshot of the transaction that is changing the schema.
 *
 *   committed ----catalog_publish_private (after a change's rows are written)----> private
 *   private ------catalog_after_commit-----> committed
 *   private ------catalog_after_rollback / catalog_back_to-----> gone / earlier private
 *
 * Invariant: at most one transaction owns a private snapshot, because each change first
 * takes the version row. Between a commit and catalog_after_commit another transaction may
 * get that row: it then finds a version that the committed snapshot does not have yet, and
 * is told to run its statement again.
 */
#include "catalog/catalog_int.h"

base_status catalog_open(table_database *database, catalog **opened, base_error *error)
{
    *opened = NULL;
    base_budget *budget = table_database_budget(database);
    catalog *self = base_allocate_zeroed(budget, sizeof *self);
    if (!self)
        return base_error_no_memory(error);
    self->database = database;
    self->budget = budget;
    atomic_init(&self->next_version, 1);
    atomic_init(&self->next_rowid, CATALOG_VERSION_ROW + 1);
    atomic_init(&self->committed_version, 0);
    atomic_init(&self->owner, 0);
    os_mutex_init(&self->mutex);
    base_status status = BASE_OK;
    if (table_database_is_new(database))
        status = catalog_rows_create(database, error);
    if (status == BASE_OK)
        status = catalog_rows_load(self, error);
    if (status != BASE_OK) {
        catalog_close(self);
        return status;
    }
    atomic_store(&self->committed_version, self->committed->version);
    *opened = self;
    return BASE_OK;
}

void catalog_close(catalog *self)
{
    if (!self)
        return;
    BASE_ASSERT(self->owner == 0);
    catalog_snapshot_release(self->private_snapshot);
    catalog_snapshot_release(self->committed);
    os_mutex_destroy(&self->mutex);
    base_free(self->budget, self, sizeof *self);
}

uint64_t catalog_transaction_id(const txn_transaction *transaction)
{
    return txn_snapshot_of(transaction)->self;
}

catalog_snapshot *catalog_current(catalog *self, txn_transaction *transaction)
{
    os_mutex_lock(&self->mutex);
    bool own =
        transaction && self->private_snapshot && self->owner == catalog_transaction_id(transaction);
    catalog_snapshot *snapshot =
        catalog_snapshot_pin(own ? self->private_snapshot : self->committed);
    os_mutex_unlock(&self->mutex);
    return snapshot;
}

uint64_t catalog_current_version(const catalog *self, const txn_transaction *transaction)
{
    /* Only this transaction makes itself the owner or ceases to be it. */
    if (transaction && atomic_load_explicit(&self->owner, memory_order_relaxed) ==
                           catalog_transaction_id(transaction))
        return 0;
    return atomic_load_explicit(&self->committed_version, memory_order_acquire);
}

/* Puts `snapshot` (may be NULL; the reference moves) in place of the private one. */
static void set_private(catalog *self, uint64_t owner, catalog_snapshot *snapshot)
{
    os_mutex_lock(&self->mutex);
    catalog_snapshot *before = self->private_snapshot;
    self->private_snapshot = snapshot;
    self->owner = snapshot ? owner : 0;
    os_mutex_unlock(&self->mutex);
    catalog_snapshot_release(before);
}

void catalog_publish_private(catalog *self, txn_transaction *transaction,
                             catalog_snapshot *snapshot)
{
    set_private(self, catalog_transaction_id(transaction), snapshot);
}

void catalog_after_commit(catalog *self, uint64_t transaction_id)
{
    os_mutex_lock(&self->mutex);
    catalog_snapshot *before = NULL;
    if (self->owner == transaction_id && self->private_snapshot) {
        before = self->committed;
        self->committed = self->private_snapshot;
        atomic_store_explicit(&self->committed_version, self->committed->version,
                              memory_order_release);
        self->private_snapshot = NULL;
        self->owner = 0;
    }
    os_mutex_unlock(&self->mutex);
    catalog_snapshot_release(before);
}

void catalog_after_rollback(catalog *self, uint64_t transaction_id)
{
    os_mutex_lock(&self->mutex);
    bool own = self->owner == transaction_id;
    os_mutex_unlock(&self->mutex);
    if (own)
        set_private(self, 0, NULL);
}

catalog_snapshot *catalog_before_statement(catalog *self, txn_transaction *transaction)
{
    os_mutex_lock(&self->mutex);
    catalog_snapshot *snapshot = NULL;
    if (self->private_snapshot && self->owner == catalog_transaction_id(transaction))
        snapshot = catalog_snapshot_pin(self->private_snapshot);
    os_mutex_unlock(&self->mutex);
    return snapshot;
}

void catalog_back_to(catalog *self, txn_transaction *transaction, catalog_snapshot *before)
{
    os_mutex_lock(&self->mutex);
    uint64_t id = catalog_transaction_id(transaction);
    bool own = self->owner == id;
    os_mutex_unlock(&self->mutex);
    if (own || before)
        set_private(self, id, before);
}

base_status catalog_begin_change(catalog *self, txn_transaction *transaction,
                                 const catalog_table *table, catalog_snapshot **base,
                                 uint64_t *schema_version, base_error *error)
{
    *base = NULL;
    RETURN_IF_ERROR(catalog_rows_take_version(self, transaction, schema_version, error));
    catalog_snapshot *snapshot = catalog_current(self, transaction);
    if (snapshot->schema_version + 1 != *schema_version ||
        (table && catalog_find_table(snapshot, table->name) != table)) {
        /* Its writer has committed but not told us yet, or changed the schema after this
         * transaction's snapshot was taken; or it told us after the caller had looked for the
         * table, which may be another one by now. */
        catalog_snapshot_release(snapshot);
        if (txn_isolation_of(transaction) == TXN_READ_COMMITTED)
            return BASE_RESTART;
        return base_error_set(error, BASE_SERIALIZATION,
                              "the schema was changed by a concurrent transaction");
    }
    *base = snapshot;
    return BASE_OK;
}
