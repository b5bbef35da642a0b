/*
 * txn.h - transactions: sequences, snapshots, undo, conflicts, deadlocks.
 *
 * Every row version carries one 64-bit stamp: the commit sequence that made it, or, while
 * its writer is open, that writer's transaction id (TXN_ID_BIT set). A snapshot sees a
 * stamp when it is its own transaction's id or a sequence not above the snapshot's.
 * Superseded versions hang as undo records off the row for as long as an active snapshot
 * needs them.
 *
 * The rooms that keep rows (store/row, index) register undo records with the transaction;
 * txn knows nothing of their layout: a record names the callbacks that undo it or settle
 * it at commit.
 */
#ifndef TXN_TXN_H
#define TXN_TXN_H

#include "base/base.h"
#include "os/os.h"
#include "store/wal/wal.h"

typedef struct txn_manager txn_manager;         /* one per open database */
typedef struct txn_transaction txn_transaction; /* one thread at a time */

#define TXN_ID_BIT (UINT64_C(1) << 63)

typedef enum txn_isolation {
    TXN_READ_COMMITTED, /* a snapshot per statement; writers wait for each other */
    TXN_SNAPSHOT,       /* one snapshot; a conflict is BASE_SERIALIZATION at once */
} txn_isolation;

typedef struct txn_snapshot {
    uint64_t sequence; /* newest commit that is seen */
    uint64_t self;     /* own transaction id (with TXN_ID_BIT), 0 for a pure reader */
} txn_snapshot;

BASE_INLINE bool txn_sees(const txn_snapshot *snapshot, uint64_t stamp)
{
    return stamp & TXN_ID_BIT ? stamp == snapshot->self : stamp <= snapshot->sequence;
}

/* The snapshot of the running statement. */
const txn_snapshot *txn_snapshot_of(const txn_transaction *transaction);
txn_isolation txn_isolation_of(const txn_transaction *transaction);
bool txn_is_read_only(const txn_transaction *transaction);
/* True once the transaction has written anything. */
bool txn_has_writes(const txn_transaction *transaction);

/* A place to go back to: everything written after it is undone by txn_rollback_to. */
typedef struct txn_mark {
    uint64_t undo_position;
    uint64_t log_position;
} txn_mark;

/* ---- The manager ---------------------------------------------------------------------- */

/* `owner` is handed back by txn_owner_of. */
base_status txn_manager_create(base_budget *budget, os_environment *environment, void *owner,
                               txn_manager **manager, base_error *error);
/* Every transaction has ended. Releases what garbage is left. */
void txn_manager_destroy(txn_manager *manager);
/* From here on commits go through this log, which gives the sequences. NULL: a database in
 * memory. Nothing may be active. */
void txn_manager_set_log(txn_manager *manager, wal_log *log);
/* Recovery: the newest commit that was replayed. Nothing may be active. */
void txn_manager_set_sequence(txn_manager *manager, uint64_t sequence);
uint64_t txn_last_sequence(const txn_manager *manager);
/* No active or future snapshot is older. */
uint64_t txn_oldest_snapshot(txn_manager *manager);
/* Transactions that have begun and not ended. */
uint32_t txn_active_count(txn_manager *manager);
/* Disposes of garbage that no snapshot needs any more: `limit` pieces at most. */
void txn_collect_garbage(txn_manager *manager, uint32_t limit);
/* Disposes of all that; true: nothing is left that no snapshot not older than `*oldest` needs.
 * False: another thread is at it. */
bool txn_collect_all_garbage(txn_manager *manager, uint64_t *oldest);

/* An object that was replaced (a dropped table's rows): `dispose` runs when every undo record
 * of commits up to now was released and no older snapshot is left. Cannot fail. */
typedef struct txn_garbage {
    struct txn_garbage *next;
    uint64_t sequence;
    void (*dispose)(struct txn_garbage *garbage, txn_manager *manager, uint64_t oldest);
} txn_garbage;
void txn_retire(txn_manager *manager, txn_garbage *garbage,
                void (*dispose)(txn_garbage *garbage, txn_manager *manager, uint64_t oldest));

/* ---- Life of a transaction -------------------------------------------------------------- */

/* Objects are recycled: in a steady state begin and end allocate nothing. */
base_status txn_begin(txn_manager *manager, txn_isolation isolation, bool read_only,
                      txn_transaction **transaction, base_error *error);
/* A commit of no transaction: `publish` is called with its sequence while nothing else is
 * published, then the sequence is shown. For changes of place that snapshots must agree on. */
base_status txn_publish(txn_manager *manager, void (*publish)(void *context, uint64_t sequence),
                        void *context, base_error *error);
/* Both end the transaction; a failed commit has rolled back. */
base_status txn_commit(txn_transaction *transaction, base_error *error);
void txn_rollback(txn_transaction *transaction);
/* READ COMMITTED: takes a new snapshot. */
void txn_statement_start(txn_transaction *transaction);
/* READ COMMITTED: the statement met what a commit changed that its snapshot does not see, and
 * has to be run again: BASE_RESTART. The next statement's start waits until that commit is
 * shown. */
base_status txn_restart(txn_transaction *transaction);
/* A checkpoint reads at `sequence`, which is published and not older than its snapshot. */
void txn_snapshot_raise(txn_transaction *transaction, uint64_t sequence);
/* Undo records registered after a mark are never merged into ones before it. */
txn_mark txn_get_mark(txn_transaction *transaction);
void txn_rollback_to(txn_transaction *transaction, txn_mark mark);
void txn_set_interrupt(txn_transaction *transaction, bool (*interrupted)(void *context),
                       void *context);
void txn_set_lock_timeout(txn_transaction *transaction, int64_t microseconds); /* < 0: never */
int64_t txn_lock_timeout(const txn_transaction *transaction);

void *txn_owner_of(const txn_transaction *transaction);
txn_manager *txn_manager_of(const txn_transaction *transaction);
/* The id that stamps carry while the transaction is open. */
uint64_t txn_id_of(const txn_transaction *transaction);
/* Redo of this transaction, written to the log at commit. NULL where nothing is logged. */
wal_buffer *txn_redo_of(txn_transaction *transaction);
/* Buffers that keep their memory between statements, for whoever builds keys and rows.
 * Free to use between two calls into a room above. */
enum {
    TXN_SCRATCH_COUNT = 4
};
base_buffer *txn_scratch_of(txn_transaction *transaction, uint32_t place);

/* ---- Undo ------------------------------------------------------------------------------- */
/*
 * A record is registered before the change it stands for can be seen by others. Then, once:
 *   rollback - takes the change back (newest record first), and when all that are rolled back
 *   after_rollback - have been, looks at what is left; or
 *   commit   - replaces the transaction's id by its sequence (in order of writing), and later
 *   release  - nobody can see what the record keeps (newest first); memory goes afterwards.
 * All three may take latches and may not fail, wait for transactions or allocate.
 */
typedef struct txn_undo txn_undo;
typedef struct txn_undo_kind {
    const char *name;
    void (*rollback)(txn_undo *undo);       /* NULL: nothing to take back */
    void (*after_rollback)(txn_undo *undo); /* may be NULL */
    void (*commit)(txn_undo *undo, uint64_t id, uint64_t sequence);
    void (*release)(txn_undo *undo, uint64_t oldest);
    bool lasting; /* release has to wait until no snapshot is older than the commit */
    bool queued;  /* and comes in the order of commits, after whatever is being released now */
} txn_undo_kind;
struct txn_undo {
    const txn_undo_kind *kind;
    txn_undo *previous, *next; /* of the same transaction */
    uint64_t position;         /* 1, 2, 3 ... within the transaction */
};

/* A record of `size` bytes that begins with a txn_undo, 16-byte aligned, not yet registered;
 * NULL: no memory. Either it is registered next or the next allocation takes its place. */
BASE_MUST_USE void *txn_undo_allocate(txn_transaction *transaction, size_t size);
void txn_undo_register(txn_transaction *transaction, txn_undo *undo, const txn_undo_kind *kind);
/* Position of the newest record, and going back to it: as a mark, but later records may still
 * be merged into earlier ones. */
uint64_t txn_undo_position(const txn_transaction *transaction);
void txn_undo_back_to(txn_transaction *transaction, uint64_t position);
/* The newest record, when it is of this kind and no mark stands behind it: a change that
 * continues it may be added to it. NULL otherwise. */
txn_undo *txn_undo_last(const txn_transaction *transaction, const txn_undo_kind *kind);

/* ---- Waiting ---------------------------------------------------------------------------- */

/* Waits until the transaction with this id has ended. BASE_OK, BASE_DEADLOCK,
 * BASE_LOCK_TIMEOUT or BASE_INTERRUPTED. No latch may be held. */
base_status txn_wait_for(txn_transaction *transaction, uint64_t id, base_error *error);

/* Something that two transactions may want though only one can have it, such as a key of the
 * unique index `object` for the row `place`. */
typedef struct txn_claim {
    const void *object;
    int64_t place;
} txn_claim;
/* As txn_wait_for, while the caller has no right yet to what `own` names: others may take it
 * meanwhile, so the caller looks again afterwards. Returns at once where the other waits in the
 * same way for `others` (may be NULL): of two who want one thing the second goes ahead. */
base_status txn_wait_to_claim(txn_transaction *transaction, uint64_t id, const txn_claim *own,
                              const txn_claim *others, base_error *error);
/* Whether the transaction with this id waits so: it will look again before it has the claim. */
bool txn_waits_to_claim(const txn_manager *manager, uint64_t id, const txn_claim *claim);

/* A lock held to the transaction's end: shared by writers of a relation, exclusive for DDL.
 * The first is one atomic addition. */
typedef struct txn_lock {
    _Atomic(uint64_t) state;             /* bit 63: exclusive, held or waited for; below: sharers */
    _Atomic(uint64_t) exclusive;         /* id of that transaction; written under the wait mutex */
    void (*keep)(struct txn_lock *lock); /* a transaction begins to hold it */
    void (*drop)(struct txn_lock *lock); /* ... is done with it, and with all undo it had */
} txn_lock;
/* keep and drop: NULL, or counts of references to what the lock lies in. */
void txn_lock_init(txn_lock *lock, void (*keep)(txn_lock *lock), void (*drop)(txn_lock *lock));
/* Both are re-entrant and may upgrade. */
base_status txn_lock_shared(txn_transaction *transaction, txn_lock *lock, base_error *error);
base_status txn_lock_exclusive(txn_transaction *transaction, txn_lock *lock, base_error *error);
/* Whether this transaction holds it in any mode. */
bool txn_lock_is_held(const txn_transaction *transaction, const txn_lock *lock);

#endif
